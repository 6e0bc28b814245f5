//! The ways into a centre, and from one identity to the next.

use hufu::domain::number::phone::Phone;
use hufu::outbound::asked::FaceState;
use serde_json::{Value, json};

use super::switching::{choice, token_claims};
use super::{AGENCY, LI, WANG, as_li, as_person, as_wang, at_door, feed, get, post, relation};
use crate::kit::browser::Shown;
use crate::kit::{
    Browser, EXAMPLE, FILING, PASSWORD, SAMPLE, TestApp, authorize_url, claims, on_each_database,
};
use crate::login::scan::{go_on, pass_face};

const BUILDER: &str = "91330100MA2BUJ786T";

/// Where the two ways lead from a page.
fn ways(page: &Shown) -> [Option<String>; 2] {
    let header = page.text.split("<header").nth(1).unwrap().split("</header>").next().unwrap();
    ["id=\"who-centre\" href=\"", "id=\"to-centre\" href=\""].map(|way| {
        let found = header.split(way).nth(1)?;
        Some(found.split('"').next().unwrap().to_owned())
    })
}

/// Covers AC-01: by one's name at the top right, and by 【我的信息】-【账户中心】; from every page of
/// somebody who is signed in, into the centre of who they are now.
#[test]
fn two_ways_lead_into_the_centre() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let agent = (AGENCY, "13300133000", PASSWORD);
        for (mut browser, name, landing, title) in [
            (as_li(&app).await, "欢迎，李*", "/account", "企业信息管理"),
            (as_wang(&app, "<strong>办税员").await, "欢迎，王*明", "/account", "企业信息管理"),
            (as_person(&app, WANG).await, "欢迎，王*明", "/account/person", "个人基本信息"),
            (
                at_door(&app, "agency", agent, "南昌示例科技").await,
                "欢迎，周*",
                "/account",
                "企业信息管理",
            ),
        ] {
            for path in ["/signed-in", "/account/messages", "/account/devices"] {
                let page = get(&mut browser, path).await;
                assert!(page.text.contains(name), "{path}: {}", page.text);
                let information = page.text.split("id=\"my-information\"").nth(1).unwrap();
                let information = information.split("</details>").next().unwrap();
                assert!(information.contains("我的信息") && information.contains("账户中心"));
                for way in ways(&page) {
                    let there = browser.get(&way.expect("a way")).await;
                    assert!(there.url.ends_with(landing), "{path} {name}: {}", there.url);
                    assert!(there.text.contains(title), "{path} {name}: {}", there.text);
                }
            }
        }
        // Who works for a specific entity has no centre, and nobody is led to one (S-10).
        let door = (BUILDER, "13100131000", PASSWORD);
        let mut he = at_door(&app, "specific_entity", door, "101号").await;
        for path in ["/signed-in", "/account/switch"] {
            let page = get(&mut he, path).await;
            assert!(page.text.contains("欢迎，何*"), "{}", page.text);
            assert_eq!(ways(&page), [None, None], "{path}");
            assert!(!page.text.contains("我的信息") && !page.text.contains("消息中心"));
        }
        // Nobody is greeted who is not signed in.
        let mut nobody = app.browser();
        let page = get(&mut nobody, "/signed-in").await;
        assert!(page.url.contains("/login") && !page.text.contains("欢迎，"), "{}", page.url);
        let page = get(&mut nobody, "/account").await;
        assert!(page.url.contains("/login"), "{}", page.url);
    });
}

/// 李芳 is finance supervisor of the other enterprise, too.
async fn several_there(app: &TestApp) {
    let line = json!({"feed": "authorisation", "source_key": "s-1", "version": 1,
        "enterprise": SAMPLE, "person": "360121198802290026",
        "identity_type": "finance_supervisor", "valid_from": "2026-01-01"});
    feed(app, &[line]).await;
}

/// Covers AC-48, AC-49: an enterprise with several identities is entered after one of its types was
/// chosen; before that nothing has moved.
#[test]
fn where_there_are_several_types_one_is_chosen_first() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        several_there(&app).await;
        let mut li = as_li(&app).await;
        let session = li.cookies["__Host-hufu-session-jiangxi"].clone();
        let page = get(&mut li, "/account/switch").await;
        let there = choice(&page, "enterprise", "南昌样板商贸");
        assert_eq!(there, SAMPLE);
        for one in ["name=\"identity\" value=\"", "南昌示例科技"] {
            assert!(page.text.contains(one), "who has one identity there is offered it at once");
        }
        let before = token_claims(&app, &mut li).await;
        // The enterprise alone does not say as whom.
        let asked = post(&app, &mut li, "/account/switch", &[("enterprise", &there)]).await;
        assert!(asked.text.contains("选择身份类型"), "{}", asked.text);
        let (clerk, supervisor) = (
            choice(&asked, "identity", "<strong>办税员"),
            choice(&asked, "identity", "<strong>财务负责人"),
        );
        assert_eq!(asked.text.matches("class=\"identity\" name=\"identity\"").count(), 2);
        assert!(!asked.text.contains("to-personal") && !asked.text.contains("to-records"));
        assert_eq!(li.cookies["__Host-hufu-session-jiangxi"], session, "nothing has moved");
        let now = token_claims(&app, &mut li).await;
        assert_eq!(now["tax_identity"], before["tax_identity"], "nothing has moved");
        assert_eq!(app.audit().await.iter().filter(|one| switched(one)).count(), 0);
        // Whatever is no choice of hers is none.
        for (field, value) in [
            ("enterprise", "91360100MA35ABCD4X"),
            ("enterprise", BUILDER),
            ("enterprise", ""),
            ("identity", "nonsense"),
            ("identity", &relation(&app, WANG, "tax_clerk").await.id.to_string()),
        ] {
            let refused = post(&app, &mut li, "/account/switch", &[(field, value)]).await;
            assert_eq!(refused.code(), Some("E_NO_IDENTITY"), "{field} {value}");
        }
        for (id, role) in [(supervisor, "finance_supervisor"), (clerk, "tax_clerk")] {
            post(&app, &mut li, "/account/switch", &[("identity", &id)]).await;
            let now = token_claims(&app, &mut li).await;
            assert_eq!(now["roles"], json!([role]));
            assert_eq!(now["tax_identity"]["enterprise"]["tin"], SAMPLE);
        }
    });
}

fn switched(event: &Value) -> bool {
    event["action"] == "identity_switched"
}

/// Covers AC-57: whatever is switched to: the cookie of before is worth nothing, the tokens are new
/// and the old ones over, the audit has from and to, and nobody is asked to prove anything again.
#[test]
fn every_switch_begins_anew_and_asks_for_nothing() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let line = json!({"feed": "authorisation", "source_key": "a-7", "version": 1,
            "enterprise": BUILDER, "person": "360121198802290026",
            "identity_type": "finance_supervisor", "valid_from": "2026-01-01"});
        feed(&app, &[line]).await;
        let mut li = as_li(&app).await;
        let records = get(&mut li, "/account/switch/records?kind=inspection").await;
        let record = choice(&records, "record", "101号");
        let page = get(&mut li, "/account/switch").await;
        let sample = choice(&page, "identity", "南昌样板商贸");
        // The current one is no choice.
        let rows = app.ctx.rows();
        let phone = Phone::parse(LI).unwrap();
        let account = rows.accounts().find_by_phone(&phone).await.unwrap().unwrap();
        let live = rows.sessions().live_of(account.id, app.clock.now()).await.unwrap();
        let example = live.last().unwrap().acting.authorisation().unwrap().to_string();
        let mut from = format!("enterprise {example}");
        for (field, to) in [
            ("identity", sample.as_str()),
            ("record", &record),
            ("identity", &example),
            ("identity", "personal"),
        ] {
            let mut old = li.clone();
            let done = li.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
            let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
            let before = claims(tokens["id_token"].as_str().unwrap());
            app.clock.advance(30);
            let page = post(&app, &mut li, "/account/switch", &[(field, to)]).await;
            assert!(!page.url.contains("/login"), "{to}: {}", page.url);
            assert_ne!(
                li.cookies["__Host-hufu-session-jiangxi"],
                old.cookies["__Host-hufu-session-jiangxi"]
            );
            assert!(get(&mut old, "/account/switch").await.url.contains("/login"), "{to}");
            let access = tokens["access_token"].as_str().unwrap();
            assert_eq!(app.introspect(access).await["active"], false, "{to}");
            let refresh = app.refresh(tokens["refresh_token"].as_str().unwrap()).await;
            assert_eq!(refresh.1["error"], "invalid_grant", "{to}");
            // Silently: the same proofs, of the same time, for another identity.
            let now = token_claims(&app, &mut li).await;
            for proof in ["acr", "amr", "auth_time", "sub"] {
                assert_eq!(now[proof], before[proof], "{to} {proof}");
            }
            assert_ne!(now["sid"], before["sid"], "{to}");
            assert_ne!(now["tax_identity"], before["tax_identity"], "{to}");
            let audit = app.audit().await;
            let last = audit.iter().rfind(|one| switched(one)).unwrap();
            assert_eq!(last["from"], from.as_str(), "{to}");
            from = last["to"].as_str().unwrap().to_owned();
            assert!(to == "personal" && from == to || from.ends_with(to), "{from} {to}");
        }
        // Between an agent's client enterprises alike.
        let door = (AGENCY, "13300133000", PASSWORD);
        let mut zhou = at_door(&app, "agency", door, "南昌示例科技").await;
        let mut old = zhou.clone();
        let page = get(&mut zhou, "/account/switch").await;
        let other = choice(&page, "identity", "南昌样板商贸");
        post(&app, &mut zhou, "/account/switch", &[("identity", &other)]).await;
        assert!(get(&mut old, "/account").await.url.contains("/login"));
        let audit = app.audit().await;
        let last = audit.iter().rfind(|one| switched(one)).unwrap();
        assert_eq!(last["to"], format!("agent {other}"));
    });
}

/// Covers AC-57: the target is what it is at that moment, and a level that an application needs is
/// asked for then.
#[test]
fn a_switch_looks_at_the_target_anew() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let page = get(&mut li, "/account/switch").await;
        let sample = choice(&page, "identity", "南昌样板商贸");
        let line = |status: &str, version: i64| {
            json!({"feed": "enterprise", "source_key": "sample", "version": version,
                "registration_no": "10113601000000000002", "uscc": SAMPLE,
                "name": "南昌样板商贸有限公司", "status": status, "tax_authority": "13601020000"})
        };
        // The page was open while the enterprise stopped; nothing moves, and later it does.
        let session = li.cookies["__Host-hufu-session-jiangxi"].clone();
        feed(&app, &[line("99", 1)]).await;
        let refused = post(&app, &mut li, "/account/switch", &[("identity", &sample)]).await;
        assert_eq!(refused.code(), Some("E_NO_IDENTITY"));
        assert_eq!(li.cookies["__Host-hufu-session-jiangxi"], session);
        feed(&app, &[line("03", 2)]).await;
        let done = post(&app, &mut li, "/account/switch", &[("identity", &sample)]).await;
        assert!(done.text.contains("南昌样板商贸"), "{}", done.text);
        // While an agent's page was open the engagement ended.
        let door = (AGENCY, "13300133000", PASSWORD);
        let mut zhou = at_door(&app, "agency", door, "南昌示例科技").await;
        let page = get(&mut zhou, "/account/switch").await;
        let other = choice(&page, "identity", "南昌样板商贸");
        let ended = json!({"feed": "engagement", "source_key": "ended", "version": 1,
            "agency": AGENCY, "client": SAMPLE, "valid_from": "2026-01-01",
            "staff": "360103199208150022", "is_ended": true});
        feed(&app, &[ended]).await;
        let session = zhou.cookies["__Host-hufu-session-jiangxi"].clone();
        let refused = post(&app, &mut zhou, "/account/switch", &[("identity", &other)]).await;
        assert_eq!(refused.code(), Some("E_NO_IDENTITY"), "{}", refused.text);
        assert_eq!(zhou.cookies["__Host-hufu-session-jiangxi"], session);
        // While the page of records was open one of them was closed, and one ran out.
        let record = |version: i64, more: Value| {
            let mut line = json!({"feed": "record", "source_key": "r-open", "version": version,
                "enterprise": BUILDER, "record_kind": "inspection",
                "record_no": "赣南税报验〔2026〕501号", "project_name": "工程五",
                "division": "360102", "tax_authority": "13601020000",
                "permissions": "TAX_FILING", "valid_from": "2026-01-01",
                "handlers": ["360121198802290026"]});
            line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            line
        };
        let mut version = 1;
        for over in [json!({"is_closed": true}), json!({"valid_to": "2026-11-23"})] {
            feed(&app, &[record(version, json!({}))]).await;
            let page = get(&mut li, "/account/switch/records?kind=inspection").await;
            let open = choice(&page, "record", "501号");
            feed(&app, &[record(version + 1, over.clone())]).await;
            version += 2;
            let session = li.cookies["__Host-hufu-session-jiangxi"].clone();
            let refused = post(&app, &mut li, "/account/switch", &[("record", &open)]).await;
            assert_eq!(refused.code(), Some("E_NO_IDENTITY"), "{over}: {}", refused.text);
            assert_eq!(li.cookies["__Host-hufu-session-jiangxi"], session, "{over}");
        }
        // A higher level than was proved is asked for by who needs it, and by nobody before.
        let higher = authorize_url(&FILING, &[("acr_values", "urn:hufu:realname:4")]);
        let asked = li.get(&higher).await;
        assert!(asked.answered("code").is_none(), "{:?}", asked.left_to);
        let page = li.get(&authorize_url(&FILING, &[])).await;
        assert!(page.answered("code").is_some(), "{:?}", page.left_to);
    });
}

/// What becomes of a request that wants this level.
async fn wanting(browser: &mut Browser, level: u8, prompt: &str) -> Shown {
    let acr = format!("urn:hufu:realname:{level}");
    browser.get(&authorize_url(&FILING, &[("acr_values", &acr), ("prompt", prompt)])).await
}

/// Covers AC-57: wherever one switches to, an application that needs no more than was proved has nothing asked;
/// one that needs a higher level has the missing step asked, in the identity that was switched to, and what was
/// proved then counts for the next identity, too.
#[test]
fn a_switch_asks_for_more_where_an_application_needs_it() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let page = get(&mut li, "/account/switch").await;
        let sample = choice(&page, "identity", "南昌样板商贸");
        let example = relation(&app, LI, "legal_representative").await.id.to_string();
        let sent = || app.ctx.services.outbound.inbox.messages().len();
        let n_sent = sent();
        for to in [&sample, &example, &sample] {
            let page = post(&app, &mut li, "/account/switch", &[("identity", to)]).await;
            assert!(page.url.ends_with("/account"), "{}", page.url);
            assert!(wanting(&mut li, 2, "none").await.answered("code").is_some(), "{to}");
            let more = wanting(&mut li, 3, "none").await;
            assert_eq!(more.answered("error").as_deref(), Some("interaction_required"), "{to}");
        }
        assert_eq!(sent(), n_sent, "no code was sent");
        let asked = wanting(&mut li, 3, "").await;
        assert!(asked.url.contains("/login/second_factor"), "{} {}", asked.url, asked.text);
        assert!(!asked.text.contains("id=\"way-sms\""), "the missing step alone");
        pass_face(&app, &asked, FaceState::Passed).await;
        let done = go_on(&mut li, &asked).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        let raised = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(raised["acr"], "urn:hufu:realname:3");
        assert_eq!(raised["tax_identity"]["enterprise"]["tin"], SAMPLE);
        for to in [example.as_str(), "personal"] {
            post(&app, &mut li, "/account/switch", &[("identity", to)]).await;
            assert!(wanting(&mut li, 3, "none").await.answered("code").is_some(), "{to}");
            let more = wanting(&mut li, 4, "none").await;
            assert_eq!(more.answered("error").as_deref(), Some("interaction_required"), "{to}");
        }
        assert_eq!(sent(), n_sent, "no code was sent");
    });
}

/// The switch to records costs two reads, however many enterprises somebody works for; each record
/// once, and no stranger's.
#[test]
fn records_of_many_enterprises_stand_in_one_list() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let record = |n: usize, enterprise: &str, more: Value| {
            let mut line = json!({"feed": "record", "source_key": format!("r-{n}"), "version": 1,
                "enterprise": enterprise, "record_kind": "inspection",
                "record_no": format!("赣南税报验〔2026〕{n}号"), "project_name": format!("工程{n}"),
                "division": "360102", "tax_authority": "13601020000", "permissions": "TAX_FILING",
                "valid_from": "2026-01-01"});
            line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            line
        };
        let li = "360121198802290026";
        feed(
            &app,
            &[
                // 李芳 represents the example enterprise and sees all of it, also what names her.
                record(1, EXAMPLE, json!({})),
                record(2, EXAMPLE, json!({"handlers": [li]})),
                // She is a clerk of the sample enterprise: what names her, and nothing else.
                record(3, SAMPLE, json!({"handlers": [li]})),
                record(4, SAMPLE, json!({})),
                record(5, BUILDER, json!({"handlers": [li]})),
                // Over, not begun, closed, another kind.
                record(6, EXAMPLE, json!({"valid_to": "2026-11-23"})),
                record(7, EXAMPLE, json!({"valid_from": "2026-11-25"})),
                record(8, EXAMPLE, json!({"is_closed": true})),
            ],
        )
        .await;
        let mut browser = as_li(&app).await;
        let path = "/account/switch/records?kind=inspection";
        let page = get(&mut browser, path).await;
        for (n, is_there) in [
            (1, true),
            (2, true),
            (3, true),
            (4, false),
            (5, true),
            (6, false),
            (7, false),
            (8, false),
        ] {
            let count = page.text.matches(&format!("工程{n}")).count();
            assert_eq!(count, usize::from(is_there), "{n}: {}", page.text);
        }
        for (number, found) in [("赣南税报验[2026]3号", 1), ("赣南税报验〔2026〕4号", 0), ("x", 0)]
        {
            let number: String = form_urlencoded::byte_serialize(number.as_bytes()).collect();
            let page = get(&mut browser, &format!("{path}&no={number}")).await;
            assert_eq!(page.text.matches("工程").count(), found, "{number}: {}", page.text);
        }
        let sources = get(&mut browser, "/account/switch/records?kind=tax_source").await;
        assert!(!sources.text.contains("工程"));
    });
}
