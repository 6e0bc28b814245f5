//! The agency's door: staff choose a client enterprise and act for it.

use std::ops::Range;

use hufu::base::clock::Day;
use hufu::base::id::{AssignmentId, EngagementId, EnterpriseId};
use hufu::domain::engagement::{Assignment, Engagement};
use hufu::domain::enterprise::{Enterprise, EnterpriseKind, RegistryStatus};
use hufu::domain::number::taxpayer::TaxpayerNumber;

use crate::kit::browser::Shown;
use crate::kit::{
    Browser, EXAMPLE, FILING, On, PASSWORD, SAMPLE, TestApp, authorize_url, claims,
    on_each_database, on_one_database,
};

const AGENCY: &str = "52360100MA3AGENT12";
const STAFF: &str = "13300133000";

async fn sign_in(app: &TestApp, enterprise: &str, phone: &str) -> (Browser, Shown) {
    let mut browser = app.browser();
    let page = browser.at_entrance(&authorize_url(&FILING, &[]), "agency").await;
    let page = browser.type_credentials(&page, (enterprise, phone, PASSWORD)).await;
    let page = browser.pass_second_factor(app, &page, phone).await;
    (browser, page)
}

async fn claims_of(app: &TestApp, shown: &Shown) -> serde_json::Value {
    let (_, tokens) = app.redeem(&shown.answered("code").unwrap()).await;
    claims(tokens["id_token"].as_str().unwrap())
}

/// The button of a client enterprise, by part of what stands on it.
fn button(page: &Shown, holds: &str) -> String {
    let buttons = page.text.split("name=\"client\" value=\"").skip(1);
    let found = buttons.map(|rest| rest.split("</button>").next().unwrap());
    let found = found.into_iter().find(|one| one.contains(holds)).expect("no such client");
    found.split('"').next().unwrap().to_owned()
}

/// Covers G-01, G-02, G-05, G-06.
#[test]
fn staff_act_for_a_client_enterprise() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, list) = sign_in(&app, AGENCY, STAFF).await;
        assert!(list.answered("code").is_none(), "no business token before a client is entered");
        assert!(list.text.contains("南昌示例科技有限公司"), "{}", list.text);
        assert!(list.text.contains("南昌样板商贸有限公司"));
        // Somebody else's assignment, or none at all.
        for foreign in ["00000000-0000-0000-0000-000000000000", "x"] {
            let refused = browser.submit(&list, &[("client", foreign)]).await;
            assert_eq!(refused.code(), Some("E_NO_IDENTITY"));
        }
        // A client's number stands under its own name.
        let client =
            format!("<strong>南昌示例科技有限公司</strong>\n<span class=\"hint\">{EXAMPLE}</span>");
        assert!(list.text.contains(&client), "{}", list.text);
        let done = browser.submit(&list, &[("client", &button(&list, EXAMPLE))]).await;
        let home = browser.get("/realms/jiangxi/signed-in").await;
        let title = "南昌示例科技有限公司 · 代理人员（南昌示例税务师事务所）";
        assert!(home.text.contains(title), "{}", home.text);
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        let id = claims(tokens["id_token"].as_str().unwrap());
        let identity = &id["tax_identity"];
        assert_eq!(identity["kind"], "agent");
        assert_eq!(identity["enterprise"]["tin"], EXAMPLE);
        assert_eq!(identity["agency"]["tin"], AGENCY);
        assert_eq!(identity["valid_to"], "2027-12-31");
        assert_eq!(id["permissions"], serde_json::json!(["TAX_FILING", "TAX_QUERY"]));
        let access = tokens["access_token"].as_str().unwrap();
        let told = claims(access);
        assert_eq!(told["tax_identity"], *identity, "the API hears the same");
        assert_eq!(told["permissions"], id["permissions"]);
        assert_eq!(app.introspect(access).await["active"], true);
    });
}

/// Covers G-01, G-02: told after the second factor, never before.
#[test]
fn who_is_not_agency_staff_is_told_after_the_second_factor() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        // Not an agency, the client of one among them; an agency that the person does not work for.
        for (enterprise, phone) in
            [(EXAMPLE, "13900139000"), (EXAMPLE, STAFF), (AGENCY, "13800138000")]
        {
            app.clock.advance(61);
            let (browser, end) = sign_in(&app, enterprise, phone).await;
            let code = end.text.contains("data-code=\"E_NO_IDENTITY\"");
            assert!(code, "{enterprise} {phone}: {}", end.text);
            assert!(!browser.cookies.keys().any(|name| name.contains("hufu-session")), "{phone}");
        }
        // Whoever manages the agency is of it, and works for none of its clients.
        app.clock.advance(61);
        let (browser, end) = sign_in(&app, AGENCY, "13900139000").await;
        assert!(end.text.contains("目前没有企业委托您办理"), "{}", end.text);
        assert!(end.text.contains("id=\"anew\""), "and the way on: {}", end.text);
        assert!(!browser.cookies.keys().any(|name| name.contains("hufu-session")));
    });
}

/// Covers G-02: whoever was of the staff and is assigned to no client any more is told so, and gets no session.
#[test]
fn former_staff_are_no_staff() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        app.sql("UPDATE agent_assignment SET state = 'ended'").await;
        let (browser, end) = sign_in(&app, AGENCY, STAFF).await;
        assert_eq!(end.code(), Some("E_NO_IDENTITY"), "{}", end.text);
        assert!(!browser.cookies.keys().any(|name| name.contains("hufu-session")));
    });
}

/// What an agency's managers are shown begins with what is live, then with the newest: an old engagement hides
/// none of these. Covers G-12.
#[test]
fn live_engagements_are_shown_first() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (rows, today) = (app.ctx.rows(), app.ctx.now().day());
        let number = TaxpayerNumber::asked(AGENCY);
        let agency = rows.enterprises().find_by_number(&number).await.unwrap().unwrap().id;
        let shown = async |limit| {
            let found = rows.engagements().of(agency, true, today, limit).await.unwrap();
            found.into_iter().map(|one| one.engagement.id).collect::<Vec<_>>()
        };
        let all = shown(10).await;
        assert!(all.len() == 2 && all[0] > all[1], "the newest first: {all:?}");
        let tx = app.ctx.begin().await.unwrap();
        tx.rows().engagements().end(all[0]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(shown(1).await, [all[1]]);
    });
}

/// Covers G-04, Q-07: a phone in agency work shows the client list at the browser.
#[test]
fn a_phone_of_agency_staff_leads_to_the_client_list() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut phone, list) = sign_in(&app, AGENCY, STAFF).await;
        phone.submit(&list, &[("client", &button(&list, EXAMPLE))]).await;
        let mut browser = app.browser();
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let href = page.text.split("class=\"qr\" href=\"").nth(1).unwrap();
        let href = href.split('"').next().unwrap().replace("&#x2F;", "/");
        let code = href.strip_prefix("https://sso.jiangxi.example").unwrap();
        let asked = crate::login::scan::scan(&mut phone, code).await;
        phone.submit(&asked, &[("act", "confirm")]).await;
        let list = browser.submit(&page, &[("app", "tax_app")]).await;
        let done = browser.submit(&list, &[("client", &button(&list, SAMPLE))]).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id["tax_identity"]["enterprise"]["tin"], SAMPLE);
    });
}

/// Covers G-14.
#[test]
fn an_agent_switches_between_clients_until_the_engagement_ends() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, list) = sign_in(&app, AGENCY, STAFF).await;
        let done = browser.submit(&list, &[("client", &button(&list, EXAMPLE))]).await;
        let (_, old) = app.redeem(&done.answered("code").unwrap()).await;
        let chooser = browser.get(&authorize_url(&FILING, &[("prompt", "select_account")])).await;
        let other = chooser.text.split("name=\"identity\" value=\"").skip(1);
        let other =
            other.into_iter().find(|one| one.split("</button>").next().unwrap().contains(SAMPLE));
        let other = other.unwrap().split('"').next().unwrap().to_owned();
        let done = browser.submit(&chooser, &[("identity", &other)]).await;
        let (_, new) = app.redeem(&done.answered("code").unwrap()).await;
        let id = claims(new["id_token"].as_str().unwrap());
        assert_eq!(id["tax_identity"]["enterprise"]["tin"], SAMPLE);
        let refused = app.refresh(old["refresh_token"].as_str().unwrap()).await.1;
        assert_eq!(refused["error"], "invalid_grant");

        let rows = app.ctx.rows();
        let held = rows.engagements().find(other.parse().unwrap()).await.unwrap().unwrap();
        let tx = app.ctx.begin().await.unwrap();
        assert!(tx.rows().engagements().end(held.engagement.id).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(app.introspect(new["access_token"].as_str().unwrap()).await["active"], false);
        let refused = app.refresh(new["refresh_token"].as_str().unwrap()).await.1;
        assert_eq!(refused["error"], "invalid_grant");
        let again = browser.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
        assert_eq!(again.answered("error").as_deref(), Some("login_required"));
        app.clock.advance(61);
        let (_, list) = sign_in(&app, AGENCY, STAFF).await;
        assert!(!list.text.contains(SAMPLE), "the client is still listed");
    });
}

/// Covers G-15: to personal affairs, from where no way leads back.
#[test]
fn an_agent_turns_to_their_own_affairs_for_good() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, list) = sign_in(&app, AGENCY, STAFF).await;
        let done = browser.submit(&list, &[("client", &button(&list, EXAMPLE))]).await;
        let (_, old) = app.redeem(&done.answered("code").unwrap()).await;
        let chooser = browser.get(&authorize_url(&FILING, &[("prompt", "select_account")])).await;
        let done = browser.submit(&chooser, &[("identity", "personal")]).await;
        let (_, new) = app.redeem(&done.answered("code").unwrap()).await;
        let id = claims(new["id_token"].as_str().unwrap());
        assert_eq!(id["tax_identity"]["kind"], "personal");
        let refused = app.refresh(old["refresh_token"].as_str().unwrap()).await.1;
        assert_eq!(refused["error"], "invalid_grant", "tokens of the client enterprise are over");
        let chooser = browser.get(&authorize_url(&FILING, &[("prompt", "select_account")])).await;
        assert!(!chooser.text.contains("name=\"identity\""), "{}", chooser.text);
    });
}

/// So many more clients of the agency, each with its member of staff.
async fn engage(app: &TestApp, numbers: Range<usize>) {
    let (clock, random) = (&app.clock, app.ctx.random());
    let rows = app.ctx.rows();
    let agency =
        rows.enterprises().find_by_number(&TaxpayerNumber::asked(AGENCY)).await.unwrap().unwrap();
    let phone = hufu::domain::number::phone::Phone::parse(STAFF).unwrap();
    let account = rows.accounts().find_by_phone(&phone).await.unwrap().unwrap();
    let tx = app.ctx.begin().await.unwrap();
    for n in numbers {
        let client = Enterprise {
            id: EnterpriseId::new(clock, random),
            registration_no: format!("2011360{n:013}"),
            uscc: None,
            tin: TaxpayerNumber::asked(&format!("3601{n:011}")),
            name: format!("第{n}号委托企业"),
            kind: EnterpriseKind::Ordinary,
            status: RegistryStatus("03".to_owned()),
            province: "360000".to_owned(),
            tax_authority: "13601000000".to_owned(),
            pays_social_insurance: false,
            certificate_authorities: Vec::new(),
            unit_number: None,
        };
        tx.rows().enterprises().save(&client, std::slice::from_ref(&client.tin)).await.unwrap();
        let engagement = Engagement {
            id: EngagementId::new(clock, random),
            agency: agency.id,
            client_enterprise: client.id,
            valid_from: Day::parse("2026-01-01").unwrap(),
            valid_to: None,
            is_active: true,
        };
        tx.rows().engagements().save(&engagement).await.unwrap();
        let assignment = Assignment {
            id: AssignmentId::new(clock, random),
            engagement: engagement.id,
            person: account.person,
            permissions: ["TAX_FILING".to_owned()].into(),
            is_active: true,
        };
        tx.rows().engagements().assign(&assignment).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Covers G-05: five thousand clients, searched and page by page.
#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_clients_are_searched_and_paged() {
    let app = TestApp::start(On::Sqlite).await;
    engage(&app, 0..5000).await;
    let (mut browser, list) = sign_in(&app, AGENCY, STAFF).await;
    assert_eq!(list.text.matches("name=\"client\"").count(), 20);
    let next = list.text.split("id=\"next-page\" href=\"").nth(1).unwrap();
    let next = next.split('"').next().unwrap().replace("&amp;", "&").replace("&#x2F;", "/");
    let second = browser.get(&next).await;
    assert_eq!(second.text.matches("name=\"client\"").count(), 20);
    assert_ne!(button(&list, "360100000000000"), button(&second, "36010000000002"));
    let t = list.hidden()["t"].clone();
    let url = format!("/realms/jiangxi/login/choose_client_enterprise?t={t}&text=4711");
    let found = browser.get(&url).await;
    assert_eq!(found.text.matches("name=\"client\"").count(), 1);
    let done = browser.submit(&found, &[("client", &button(&found, "4711"))]).await;
    assert!(done.answered("code").is_some());
    let nothing = url.replace("4711", "%25%25");
    assert!(browser.get(&nothing).await.status.as_u16() < 500);
    let long = browser.get("/realms/jiangxi/account/switch").await;
    assert!(long.text.contains("仅显示前 200 个"), "a list that was cut says so: {}", long.text);
    // Whom no list shows is reached by a search, or by an application's hint (G-14).
    let page = browser.get("/realms/jiangxi/account/switch?text=4712").await;
    assert_eq!(page.text.matches("class=\"identity\"").count(), 1, "{}", page.text);
    let id = page.text.split("class=\"identity\" name=\"identity\" value=\"").nth(1).unwrap();
    let id = id.split('"').next().unwrap().to_owned();
    let one = claims_of(&app, &done).await["tax_identity"]["enterprise"]["tin"].clone();
    let other = browser.get("/realms/jiangxi/account/switch?text=4713").await;
    let switched =
        other.text.split("class=\"identity\" name=\"identity\" value=\"").nth(1).unwrap();
    let switched = switched.split('"').next().unwrap().to_owned();
    assert_ne!(id, switched);
    browser.submit(&other, &[("identity", &switched)]).await;
    let now = browser.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
    assert_ne!(claims_of(&app, &now).await["tax_identity"]["enterprise"]["tin"], one);
    let hint = [("prompt", "none"), ("identity_hint", one.as_str().unwrap())];
    let hinted = browser.get(&authorize_url(&FILING, &hint)).await;
    assert_eq!(claims_of(&app, &hinted).await["tax_identity"]["enterprise"]["tin"], one);
    // The one that is acted for already is kept, one of nobody's is refused.
    let again = browser.get(&authorize_url(&FILING, &hint)).await;
    assert_eq!(claims_of(&app, &again).await["tax_identity"]["kind"], "agent");
    let foreign = [("identity_hint", "92360111MA36K0QR34")];
    let refused = browser.get(&authorize_url(&FILING, &foreign)).await;
    assert_eq!(refused.answered("error_description").as_deref(), Some("identity_not_held"));
}

/// The page that an application's `select_account` leads to finds a client that stands in no list.
#[test]
fn the_choice_for_an_application_searches_all_clients() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        engage(&app, 0..205).await;
        let (mut browser, list) = sign_in(&app, AGENCY, STAFF).await;
        browser.submit(&list, &[("client", &button(&list, "360100000000000"))]).await;
        let asked = authorize_url(&FILING, &[("prompt", "select_account")]);
        let chooser = browser.get(&asked).await;
        assert!(chooser.text.contains("name=\"find\""), "{}", chooser.text);
        // The person's own affairs are offered beside, found or not.
        let mut counts = Vec::new();
        for n in [0, 204, 999] {
            let name = format!("第{n}号委托企业");
            let find: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
            let found = browser.get(&format!("{}&find={find}", chooser.url)).await;
            assert!(found.text.contains("name=\"find\""), "{}", found.text);
            counts.push(found.text.matches("name=\"identity\"").count());
        }
        assert_eq!(counts, [counts[2] + 1, counts[2] + 1, counts[2]]);
    });
}

/// As many as a list shows are all there are, and no list says that it was cut; one more, and it does.
#[test]
fn a_list_of_clients_that_is_whole_says_nothing() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        engage(&app, 0..197).await;
        let (mut browser, list) = sign_in(&app, AGENCY, STAFF).await;
        browser.submit(&list, &[("client", &button(&list, "360100000000000"))]).await;
        for (more, is_cut) in [(197..198, false), (198..199, true)] {
            engage(&app, more).await;
            let page = browser.get("/realms/jiangxi/account/switch").await;
            let shown = page.text.matches("class=\"identity\"").count();
            assert_eq!(page.text.contains("仅显示前 200 个"), is_cut, "{shown}: {}", page.text);
        }
    });
}
