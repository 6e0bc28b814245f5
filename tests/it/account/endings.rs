//! What time and the registry end: the people who work in it and their applications hear of it at
//! once, whatever other applications do.

use std::time::Duration;

use hufu::flows::feed::{Format, import};
use hufu::flows::notify::tell::queued;
use hufu::flows::relations::expiry;
use hufu::store::deliveries::Channel;
use serde_json::{Value, json};

use super::contract::{logged_out, start, tokens};
use super::{AGENCY, WANG, as_li, as_wang, at_door, get, held, post, relation};
use crate::kit::browser::Shown;
use crate::kit::listener::Listener;
use crate::kit::{
    Browser, EXAMPLE, FILING, On, PASSWORD, SAMPLE, Setup, TestApp, authorize_url, changed_realm,
    claims, on_each_database,
};
use crate::login::doors::DOORS;

pub(super) const HANGZHOU: &str = "91330100MA2BUJ786T";

pub(super) async fn tell(app: &TestApp, line: Value) {
    let text = line.to_string();
    let report = import(&app.ctx, "test", text.as_bytes(), Format::JsonLines, None).await;
    let report = report.unwrap();
    assert_eq!((report.applied, report.failed.len()), (1, 0), "{report:?}");
}

fn enterprise(version: i64, status: &str) -> Value {
    json!({"feed": "enterprise", "source_key": "closing", "version": version,
        "registration_no": "10113601000000000001", "uscc": EXAMPLE, "name": "南昌示例科技有限公司",
        "status": status, "tax_authority": "13601000000", "former_numbers": ["360102708461136"]})
}

pub(super) fn engagement(version: i64, more: &Value) -> Value {
    let mut line = json!({"feed": "engagement", "source_key": "g", "version": version,
        "agency": AGENCY, "client": EXAMPLE, "valid_from": "2026-01-01",
        "staff": ["360103199208150022"], "permissions": ["TAX_FILING", "TAX_QUERY"]});
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    line
}

pub(super) fn record(version: i64, more: &Value) -> Value {
    let mut line = json!({"feed": "record", "source_key": "r", "version": version,
        "enterprise": HANGZHOU, "record_kind": "inspection", "record_no": "浙杭税报验〔2026〕101号",
        "project_name": "南昌地铁五号线一标段", "division": "360102", "tax_authority": "13601020000",
        "handlers": ["330102199008204020"], "permissions": ["TAX_FILING"],
        "valid_from": "2026-01-01"});
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    line
}

/// Its access token and `sid`, from an application that the browser is signed in to.
pub(super) async fn holds(app: &TestApp, browser: &mut Browser) -> (String, String, String) {
    let tokens = tokens(app, browser).await;
    let access = tokens["access_token"].as_str().unwrap().to_owned();
    let sid = claims(&access)["sid"].as_str().unwrap().to_owned();
    (access, sid, tokens["refresh_token"].as_str().unwrap().to_owned())
}

pub(super) async fn is_over(
    app: &TestApp,
    listener: &Listener,
    (access, sid, refresh): &(String, String, String),
) {
    assert_eq!(logged_out(app, listener).await, [sid.as_str()], "told, and nobody else is");
    assert_eq!(app.introspect(access).await["active"], false);
    assert_eq!(app.refresh(refresh).await.1["error"], "invalid_grant");
}

/// Covers E-23, invariant 9: an enterprise that is deregistered, an engagement and a record
/// that end, a handler whom the document no longer names.
#[test]
fn what_the_registry_ends_is_told_at_once() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let app = start(on, &url).await;
        let agent = ("", "13300133000", PASSWORD);
        let mut staff = at_door(&app, "agency", (AGENCY, agent.1, agent.2), EXAMPLE).await;
        let before = holds(&app, &mut staff).await;
        tell(&app, engagement(1, &json!({"valid_to": "2026-11-23"}))).await;
        is_over(&app, &listener, &before).await;

        let named = (HANGZHOU, "13200132000", PASSWORD);
        for (version, change) in
            [(1, json!({"handlers": ["330102198506153014"]})), (3, json!({"is_closed": true}))]
        {
            let mut handler = at_door(&app, "specific_entity", named, "").await;
            let before = holds(&app, &mut handler).await;
            tell(&app, record(version, &change)).await;
            is_over(&app, &listener, &before).await;
            tell(&app, record(version + 1, &json!({}))).await;
        }

        let mut wang = as_wang(&app, "<strong>办税员").await;
        let before = holds(&app, &mut wang).await;
        tell(&app, enterprise(1, "03")).await;
        assert!(logged_out(&app, &listener).await.is_empty(), "it lives on");
        tell(&app, enterprise(2, "07")).await;
        is_over(&app, &listener, &before).await;
        let silent = wang.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
        assert_eq!(silent.answered("error").as_deref(), Some("login_required"));
    });
}

/// Less than before, but not nothing: the tokens end, the person goes on with what is left.
#[test]
fn what_the_registry_narrows_is_told_at_once() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let app = start(on, &url).await;
        tell(&app, record(1, &json!({"permissions": ["TAX_FILING", "TAX_QUERY"]}))).await;
        let doors = [
            ("agency", (AGENCY, "13300133000", PASSWORD), EXAMPLE),
            ("specific_entity", (HANGZHOU, "13200132000", PASSWORD), ""),
        ];
        for (door, who, what) in doors {
            let mut browser = at_door(&app, door, who, what).await;
            let before = holds(&app, &mut browser).await;
            let line = |version, valid_to: &str| match door {
                "agency" => engagement(version, &json!({"valid_to": valid_to})),
                _ => record(version + 1, &json!({"valid_to": valid_to})),
            };
            tell(&app, line(1, "2027-06-30")).await;
            is_over(&app, &listener, &before).await;
            let after = holds(&app, &mut browser).await;
            assert_eq!(before.1, after.1, "the same identity in the same session");
            assert_eq!(claims(&after.0)["tax_identity"]["valid_to"], "2027-06-30");
            // More than before is nobody's business.
            tell(&app, line(2, "2027-12-31")).await;
            assert!(logged_out(&app, &listener).await.is_empty());
            assert_eq!(app.introspect(&after.0).await["active"], true);
        }
        let mut handler = at_door(&app, doors[1].0, doors[1].1, "").await;
        let before = holds(&app, &mut handler).await;
        tell(&app, record(4, &json!({"permissions": []}))).await;
        let told = logged_out(&app, &listener).await;
        assert!(told.len() == 2 && told.contains(&before.1), "both who work in it: {told:?}");
        assert_eq!(app.introspect(&before.0).await["active"], false);
        let (access, _, _) = holds(&app, &mut handler).await;
        assert_eq!(claims(&access)["permissions"], json!([]));
    });
}

/// A record rests on a relation: whoever works in it feels what becomes of the relation.
#[test]
fn a_narrowed_relation_is_felt_in_a_record() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let app = start(on, &url).await;
        let who = (HANGZHOU, "13100131000", PASSWORD);
        let mut handler = at_door(&app, "specific_entity", who, "101号").await;
        let before = holds(&app, &mut handler).await;
        let line = |version: i64, more: Value| {
            let mut line = json!({"feed": "authorisation", "source_key": "main", "version": version,
                "enterprise": HANGZHOU, "person": "330102198506153014",
                "identity_type": "main_handler", "valid_from": "2026-01-01"});
            line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            line
        };
        tell(&app, line(1, json!({"permissions": ["TAX_FILING"]}))).await;
        is_over(&app, &listener, &before).await;
        let after = holds(&app, &mut handler).await;
        assert_eq!(claims(&after.0)["permissions"], json!(["TAX_FILING"]));
        tell(&app, line(2, json!({"state": "ended"}))).await;
        is_over(&app, &listener, &after).await;
    });
}

/// The day after the last one: whoever still works in it is signed out and told, however many
/// authorisations wait to expire.
#[test]
fn what_ends_by_its_term_is_told_as_the_day_begins() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let app = start(on, &url).await;
        let today = json!({"valid_to": "2026-11-24"});
        tell(&app, engagement(1, &today)).await;
        tell(&app, record(1, &today)).await;
        // Eight in the evening, so that midnight comes before the session's own end.
        app.clock.advance(36_000);
        let mut li = as_li(&app).await;
        let all = held(&app.ctx, WANG).await;
        let clerk = all.iter().find(|one| one.identity_type.0 == "tax_clerk").unwrap();
        let path = format!("/account/handlers/{}", clerk.id);
        let mut wang = as_wang(&app, "<strong>办税员").await;
        let longer = holds(&app, &mut wang).await;
        // A shorter term is less than what applications hold: they ask again.
        let save = [("act", "save"), ("term", "date"), ("valid_to", "2026-11-24")];
        let ticks = [("p-TAX_AFFAIRS", "yes"), ("p-TAX_FILING", "yes"), ("p-TAX_QUERY", "yes")];
        let done = post(&app, &mut li, &path, &[save.as_slice(), &ticks].concat()).await;
        assert!(done.text.contains("已保存"), "{}", done.text);
        assert_eq!(logged_out(&app, &listener).await, [longer.1.as_str()]);
        let mut held_by = vec![holds(&app, &mut wang).await];
        assert_ne!(held_by[0].0, longer.0);
        let doors =
            [("agency", AGENCY, "13300133000"), ("specific_entity", HANGZHOU, "13200132000")];
        for (door, number, phone) in doors {
            let what = if door == "agency" { EXAMPLE } else { "" };
            let mut browser = at_door(&app, door, (number, phone, PASSWORD), what).await;
            held_by.push(holds(&app, &mut browser).await);
        }
        expiry::run(&app.ctx).await.unwrap();
        assert!(logged_out(&app, &listener).await.is_empty(), "until midnight");
        app.clock.advance(4 * 3600);
        expiry::run(&app.ctx).await.unwrap();
        let mut told = logged_out(&app, &listener).await;
        let mut expected: Vec<&str> = held_by.iter().map(|(_, sid, _)| sid.as_str()).collect();
        told.sort_unstable();
        expected.sort_unstable();
        assert_eq!(told, expected);
        for (access, _, _) in &held_by {
            assert_eq!(app.introspect(access).await["active"], false);
        }
        assert!(logged_out(&app, &listener).await.is_empty(), "once");
    });
}

/// Within five seconds everywhere (invariant 9), while another application's server takes every
/// connection and never answers.
#[test]
fn an_application_that_hangs_delays_no_other() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let hangs = format!("http://{}/logout", silent.local_addr().unwrap());
        let (filing, invoice) = (format!("{url}/logout"), "clients/invoice.toml");
        let realm = changed_realm(&[
            (
                "clients/tax-filing.toml",
                "https://filing.jiangxi.example/backchannel-logout",
                &filing,
            ),
            (invoice, "https://invoice.jiangxi.example/backchannel-logout", &hangs),
        ]);
        let app = Setup::of(on, vec![realm]).start().await;
        let mut wang = as_wang(&app, "<strong>办税员").await;
        tokens(&app, &mut wang).await;
        let tx = app.ctx.begin().await.unwrap();
        for n in 0..100 {
            let (about, body) = (format!("sid-{n}"), json!({"sub": "x"}));
            let one = queued(&app.ctx, "invoice", Channel::Logout, about, &body);
            tx.rows().deliveries().add(&one).await.unwrap();
        }
        tx.commit().await.unwrap();
        let jobs = tokio::spawn(hufu::jobs::run(app.app.clone()));
        // The lane of the application that hangs is at work before anything else is due.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let page = get(&mut wang, "/logout").await;
        wang.submit(&page, &[("act", "logout")]).await;
        let mut heard = 0;
        for _ in 0..50 {
            heard += listener.take("/logout").len();
            if heard > 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        jobs.abort();
        assert_eq!(heard, 1, "told within five seconds");
        drop(silent);
    });
}

/// What somebody has proved here, the registry's older record does not take away.
#[test]
fn a_feed_never_lowers_a_level() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let app = TestApp::start(On::Sqlite).await;
        let rows = app.ctx.rows();
        let id = held(&app.ctx, WANG).await.remove(0).person;
        let level = async || rows.people().find(id).await.unwrap().unwrap().real_name_level;
        for (version, told, expected) in [(1, 4, 4), (2, 2, 4), (3, 5, 5)] {
            let line = json!({"feed": "person", "source_key": "w", "version": version,
                "name": "王小明", "document": "360102199003071236", "real_name_level": told});
            tell(&app, line).await;
            assert_eq!(level().await, expected);
        }
    });
}

/// What is offered to somebody at the agency's door, and in the session's own lists.
async fn offered(app: &TestApp, session: &mut Browser) -> Vec<bool> {
    app.clock.advance(61);
    let (mut browser, page) = DOORS[2].at_second_factor(app).await;
    let list = browser.pass_second_factor(app, &page, DOORS[2].phone).await;
    let url = format!("/login/choose_client_enterprise?t={}&text={EXAMPLE}", list.hidden()["t"]);
    let found = get(&mut browser, &url).await;
    let switch = get(session, "/account/switch").await;
    let home = get(session, "/account").await;
    let chooser = authorize_url(&FILING, &[("prompt", "select_account")]);
    let chooser = session.get(&chooser).await;
    let has = |page: &Shown, name: &str| {
        page.text.contains(&format!("name=\"{name}\" value=\""))
            && page.text.contains("南昌示例科技")
    };
    vec![
        has(&list, "client"),
        has(&found, "client"),
        has(&switch, "identity"),
        has(&home, "identity"),
        has(&chooser, "identity"),
    ]
}

/// 王小明 becomes the agency's finance supervisor.
fn supervisor_of_agency() -> Value {
    json!({"feed": "authorisation", "source_key": "afs", "version": 1, "enterprise": AGENCY,
        "person": "360102199003071236", "identity_type": "finance_supervisor",
        "valid_from": "2026-01-01"})
}

/// An engagement that is ended, whose term is over, and an assignment that is taken away: the client vanishes
/// from every list at once, whoever works for it is signed out and their application told, work for another
/// client goes on; and the agency's managers see that, and until when, they were engaged. Covers G-17.
#[test]
fn an_ended_engagement_vanishes_everywhere_at_once() {
    on_each_database(|on| async move {
        for (what, change) in [
            ("ended, with its staff", json!({"is_ended": true, "valid_to": "2026-11-24"})),
            ("ended, without", json!({"is_ended": true, "staff": []})),
            ("its term is over", json!({"valid_to": "2026-11-23"})),
            ("another is assigned", json!({"staff": ["360102199003071236"]})),
            ("nobody is assigned", json!({"staff": []})),
        ] {
            let (url, listener) = Listener::start().await;
            let app = start(on, &url).await;
            let agent = (AGENCY, "13300133000", PASSWORD);
            let mut staff = at_door(&app, "agency", agent, EXAMPLE).await;
            let mut other = at_door(&app, "agency", agent, SAMPLE).await;
            let before = holds(&app, &mut staff).await;
            let kept = holds(&app, &mut other).await;
            assert_eq!(offered(&app, &mut other).await, [true; 5], "{what}");
            logged_out(&app, &listener).await;
            tell(&app, engagement(1, &change)).await;
            is_over(&app, &listener, &before).await;
            let silent = staff.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
            assert_eq!(silent.answered("error").as_deref(), Some("login_required"), "{what}");
            assert_eq!(offered(&app, &mut other).await, [false; 5], "{what}");
            // Work for another client goes on.
            assert_eq!(app.introspect(&kept.0).await["active"], true, "{what}");
            let is_over = !what.ends_with("assigned");
            // The agency's legal representative, and its finance supervisor.
            tell(&app, supervisor_of_agency()).await;
            for phone in ["13900139000", "13800138000"] {
                let door = (AGENCY, phone, PASSWORD);
                let mut manager = at_door(&app, "enterprise", door, "").await;
                let clients = get(&mut manager, "/account/clients").await;
                let mut rows = clients.text.split("<li><div>").skip(1);
                let row = rows.find(|row| row.contains("南昌示例科技"));
                let row = row.map(|row| row.split("<details>").next().unwrap().to_owned());
                if what == "nobody is assigned" {
                    let row = row.as_deref().unwrap_or_default();
                    assert!(row.contains("有效") && row.contains("尚未指派"), "{phone}: {row}");
                }
                if is_over {
                    let row = row.unwrap_or_else(|| panic!("{what}: {}", clients.text));
                    let last = change["valid_to"].as_str().unwrap_or("长期有效");
                    let shown = format!("2026-01-01 – {last} · 已终止");
                    assert!(row.contains(&shown), "{what} {phone}: {row}");
                }
                assert!(clients.text.contains("南昌样板商贸"), "{what} {phone}");
            }
            let mut client = as_li(&app).await;
            let own = get(&mut client, "/account/agencies").await;
            assert_eq!(own.text.contains("已终止"), is_over, "{what}: {}", own.text);
            assert!(own.text.contains("南昌示例税务师事务所"), "{what}: {}", own.text);
        }
    });
}

/// Tokens for work without the person, as they are when its session is over: access, `sid`, refresh.
async fn holds_past_its_session(app: &TestApp, browser: &mut Browser) -> (String, String, String) {
    let asked = authorize_url(&FILING, &[("scope", "openid tax_identity offline_access")]);
    let mut page = browser.get(&asked).await;
    if page.text.contains("value=\"allow\"") {
        page = browser.submit(&page, &[("act", "allow")]).await;
    }
    let (_, tokens) = app.redeem(&page.answered("code").unwrap()).await;
    app.clock.advance(28_900);
    let (_, tokens) = app.refresh(tokens["refresh_token"].as_str().unwrap()).await;
    let access = tokens["access_token"].as_str().expect("it goes on").to_owned();
    assert_eq!(app.introspect(&access).await["active"], true);
    let sid = claims(&access)["sid"].as_str().unwrap().to_owned();
    (access, sid, tokens["refresh_token"].as_str().unwrap().to_owned())
}

/// What an application does without the person goes on when their session is over, and ends with what they are
/// like the session would have: AC-33, invariant 9.
#[test]
fn work_without_the_person_ends_with_their_identity() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let logout = format!("backchannel_logout_uri = \"{url}/logout\"");
        let own = "backchannel_logout_uri = \"https://filing.jiangxi.example/backchannel-logout\"";
        let scopes = "scopes = [\"openid\", \"profile\", \"phone\", \"tax_identity\"]";
        let more =
            "scopes = [\"openid\", \"profile\", \"phone\", \"tax_identity\", \"offline_access\"]";
        let file = "clients/tax-filing.toml";
        let realm = || changed_realm(&[(file, own, &logout), (file, scopes, more)]);
        for ended in ["a handler is deleted", "the enterprise closes", "the engagement ends"] {
            eprintln!("{ended}");
            let app = Setup::of(on, vec![realm()]).start().await;
            let mut browser = match ended {
                "the engagement ends" => {
                    at_door(&app, "agency", (AGENCY, "13300133000", PASSWORD), EXAMPLE).await
                }
                _ => as_wang(&app, "<strong>办税员").await,
            };
            let before = holds_past_its_session(&app, &mut browser).await;
            match ended {
                "a handler is deleted" => {
                    let mut li = as_li(&app).await;
                    let clerk = relation(&app, WANG, "tax_clerk").await;
                    let delete = [("act", "delete"), ("sure", "yes")];
                    let path = format!("/account/handlers/{}", clerk.id);
                    let done = post(&app, &mut li, &path, &delete).await;
                    assert!(done.code().is_none(), "{}", done.text);
                }
                "the enterprise closes" => tell(&app, enterprise(1, "07")).await,
                _ => tell(&app, engagement(1, &json!({"valid_to": "2026-11-23"}))).await,
            }
            is_over(&app, &listener, &before).await;
        }
    });
}
