//! What is over: three tabs on both sides, searched, cleared from one's own view alone, and whole for
//! the bureau.

use axum::body::Body;
use axum::http::Request;
use hufu::domain::authorisation::{Actor, By, Event};
use hufu::flows::relations::writer::change;
use serde_json::{Value, json};

use super::enterprise::add;
use super::{WANG, as_li, as_person, begin, feed, get, held, id_of, listed, post, relation};
use crate::kit::browser::Shown;
use crate::kit::{Browser, EXAMPLE, TestApp, on_each_database};

const THEIRS: &str = "/account/handlers/history";
const OWN: &str = "/account/authorisations";
const SUN: &str = "13500135000";
const ZHAO: &str = "13600136000";
const MANAGER: By = By { actor: Actor::Manager, person: None };
const REASONS: [&str; 3] = ["deleted", "withdrawn", "rejected"];

type Entry = (&'static str, &'static str, &'static str);

/// Name, identity type and who ended it, of each entry of a tab.
async fn tab(browser: &mut Browser, path: &str, reason: &str) -> Vec<(String, String, String)> {
    let page = get(browser, &format!("{path}?reason={reason}")).await;
    let side = |before: &str| -> String {
        let backwards: Vec<char> = before.chars().rev().take(2).collect();
        backwards.into_iter().rev().collect()
    };
    let sides: Vec<String> = page.text.split("操作 · ").map(side).collect();
    let named = listed(&page).into_iter().zip(sides);
    named.map(|((name, kind, _), side)| (name, kind, side)).collect()
}

async fn check_tabs(browser: &mut Browser, path: &str, tabs: [&[Entry]; 3]) {
    for (reason, entries) in REASONS.into_iter().zip(tabs) {
        let mut found = tab(browser, path, reason).await;
        found.sort();
        let mut wanted: Vec<_> =
            entries.iter().map(|(a, b, c)| ((*a).into(), (*b).into(), (*c).into())).collect();
        wanted.sort();
        assert_eq!(found, wanted, "{path} {reason}");
    }
}

/// Covers AC-19, AC-25, AC-37, AU-11, AU-14, AU-16: each end in its own tab and in no other, on both
/// sides, with who did it; and gone from where it stood before.
#[test]
fn each_end_stands_in_its_tab_on_both_sides() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let (mut sun, mut zhao) = (as_person(&app, SUN).await, as_person(&app, ZHAO).await);
        let mut wang = as_person(&app, WANG).await;
        // The enterprise asks 孙丽 and takes it back.
        let asked = [
            ("name", "孙丽"),
            ("document", "440308199901101512"),
            ("identity_type", "invoicing_clerk"),
            ("p-TAX_FILING", ""),
            ("p-TAX_QUERY", ""),
            ("p-INVOICE", "yes"),
            ("risk", "yes"),
        ];
        let added = add(&app, &mut li, &asked).await;
        let path = format!("/account/handlers/{}", id_of(&added.url));
        let waits = |page: &Shown, name: &str, kind: &str| {
            listed(page).iter().any(|(a, b, _)| (a.as_str(), b.as_str()) == (name, kind))
        };
        let pending = get(&mut li, "/account/handlers/pending").await;
        assert!(waits(&pending, "孙*", "开票员"));
        let pending = get(&mut sun, OWN).await;
        assert!(waits(&pending, "南昌示例科技有限公司", "开票员"), "{}", pending.text);
        let done = post(&app, &mut li, &path, &[("act", "withdraw")]).await;
        assert!(done.text.contains("已撤回"), "{}", done.text);
        let pending = get(&mut li, "/account/handlers/pending").await;
        assert!(!waits(&pending, "孙*", "开票员"), "gone from the enterprise's list");
        let pending = get(&mut sun, OWN).await;
        assert!(!waits(&pending, "南昌示例科技有限公司", "开票员"), "and from hers");
        // 赵强 refuses what he was asked; the enterprise refuses what 孙丽 had applied for.
        let his = relation(&app, ZHAO, "tax_clerk").await.id.to_string();
        post(&app, &mut zhao, OWN, &[("act", "reject"), ("id", &his)]).await;
        let hers = relation(&app, SUN, "tax_clerk").await.id;
        let path = format!("/account/handlers/{hers}");
        post(&app, &mut li, &path, &[("act", "reject")]).await;
        // She applies again and takes it back herself.
        let apply = [("number", EXAMPLE), ("identity_type", "tax_clerk"), ("sure", "yes")];
        post(&app, &mut sun, &format!("{OWN}/apply"), &apply).await;
        let hers = relation(&app, SUN, "tax_clerk").await.id.to_string();
        let done = post(&app, &mut sun, OWN, &[("act", "withdraw"), ("id", &hers)]).await;
        assert!(done.text.contains("已撤回"), "{}", done.text);
        // 王小明 is deleted as the one, and leaves as the other.
        let clerk = relation(&app, WANG, "tax_clerk").await.id;
        let delete = [("act", "delete"), ("sure", "yes")];
        post(&app, &mut li, &format!("/account/handlers/{clerk}"), &delete).await;
        let other = relation(&app, WANG, "invoicing_clerk").await.id.to_string();
        post(&app, &mut wang, OWN, &[("act", "delete"), ("sure", "yes"), ("id", &other)]).await;

        let of_wang: &[Entry] = &[("王*明", "办税员", "企业"), ("王*明", "开票员", "本人")];
        let withdrawn: &[Entry] = &[("孙*", "开票员", "企业"), ("孙*", "办税员", "本人")];
        let rejected: &[Entry] = &[("孙*", "办税员", "企业"), ("赵*", "办税员", "本人")];
        check_tabs(&mut li, THEIRS, [of_wang, withdrawn, rejected]).await;
        let named = |kind, side| ("南昌示例科技有限公司", kind, side);
        let history = format!("{OWN}/history");
        let left = [named("办税员", "企业"), named("开票员", "本人")];
        check_tabs(&mut wang, &history, [&left, &[], &[]]).await;
        let taken_back = [named("开票员", "企业"), named("办税员", "本人")];
        check_tabs(&mut sun, &history, [&[], &taken_back, &[named("办税员", "企业")]]).await;
        check_tabs(&mut zhao, &history, [&[], &[], &[named("办税员", "本人")]]).await;
        // A tab that there is not is the first.
        let page = get(&mut li, &format!("{THEIRS}?reason=expired")).await;
        assert_eq!(listed(&page).len(), 2, "{}", page.text);
    });
}

/// Covers AC-37: an invitation that ran out has never been a handler: it waits where it waited.
#[test]
fn what_ran_out_is_in_no_tab() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        app.clock.advance(31 * 86_400);
        hufu::flows::relations::expiry::run(&app.ctx).await.unwrap();
        let mut li = as_li(&app).await;
        for reason in REASONS {
            let page = get(&mut li, &format!("{THEIRS}?reason={reason}")).await;
            assert!(listed(&page).is_empty(), "{reason}: {}", page.text);
        }
        let names = |page: &Shown| -> Vec<String> {
            listed(page).into_iter().map(|(name, _, state)| format!("{name} {state}")).collect()
        };
        let pending = get(&mut li, "/account/handlers/pending").await;
        assert!(names(&pending).contains(&"赵* 已过期".to_owned()), "{}", pending.text);
        let current = get(&mut li, "/account/handlers").await;
        assert!(!names(&current).iter().any(|name| name.starts_with("赵*")), "{}", current.text);
        assert!(names(&current).contains(&"王*明 有效".to_owned()));
    });
}

/// Covers AC-38: the type exactly, of the name a part as it is compared everywhere.
#[test]
fn a_history_is_searched_by_type_and_part_of_a_name() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let smith = json!({"feed": "person", "source_key": "p-s", "version": 1,
            "name": "Seán O'Brien", "document": "L898902C4", "document_type": "foreign_passport",
            "nationality": "IRL", "phone": "13911139111"});
        let clerk = json!({"feed": "authorisation", "source_key": "a-s", "version": 1,
            "enterprise": EXAMPLE, "person": "L898902C4", "identity_type": "tax_clerk",
            "permissions": "TAX_QUERY", "valid_from": "2026-01-01"});
        feed(&app, &[smith, clerk]).await;
        let hers = held(&app.ctx, "13911139111").await.remove(0);
        change(&app.ctx, &hers, &Event::Delete, MANAGER).await.unwrap();
        let his = relation(&app, WANG, "invoicing_clerk").await;
        change(&app.ctx, &his, &Event::Delete, MANAGER).await.unwrap();
        let zhang = relation(&app, "13700137000", "finance_supervisor").await;
        change(&app.ctx, &zhang, &zhang.registry_end(), By::REGISTRY).await.unwrap();
        let mut li = as_li(&app).await;
        let page = get(&mut li, THEIRS).await;
        for name in app.ctx.realm.identity_types.keys() {
            let option = format!("<option value=\"{}\"", name.0);
            assert!(page.text.contains(&option), "{option}: {}", page.text);
        }
        let (sean, wang, zhang) = ("S*** O******", "王*明", "张*");
        let found = async |li: &mut Browser, query: &[(&str, &str)]| -> Vec<String> {
            let mut text = form_urlencoded::Serializer::new(String::new());
            let text = text.append_pair("reason", "deleted").extend_pairs(query).finish();
            let page = get(li, &format!("{THEIRS}?{text}")).await;
            assert_eq!(page.status.as_u16(), 200, "{query:?}");
            let mut names: Vec<_> = listed(&page).into_iter().map(|(name, _, _)| name).collect();
            names.sort();
            names
        };
        for (query, names) in [
            (vec![("name", "小")], vec![wang]),
            (vec![("name", "王小明")], vec![wang]),
            (vec![("name", " 王 ")], vec![wang]),
            (vec![("name", "小王")], vec![]),
            (vec![("name", "王*明")], vec![]),
            (vec![("name", "%")], vec![]),
            (vec![("name", "_")], vec![]),
            (vec![("name", "o'brien")], vec![sean]),
            (vec![("name", "SEAN")], vec![sean]),
            (vec![("name", "Ｓｅａｎ")], vec![sean]),
            (vec![("name", "o’b")], vec![sean]),
            (vec![("name", "")], vec![sean, zhang, wang]),
            (vec![("identity_type", "invoicing_clerk")], vec![wang]),
            (vec![("identity_type", "finance_supervisor")], vec![zhang]),
            (vec![("identity_type", "legal_representative")], vec![]),
            (vec![("identity_type", "clerk")], vec![]),
            (vec![("identity_type", "tax%")], vec![]),
            (vec![("identity_type", "")], vec![sean, zhang, wang]),
            (vec![("identity_type", "tax_clerk"), ("name", "王")], vec![]),
            (vec![("identity_type", "tax_clerk"), ("name", "Brien")], vec![sean]),
        ] {
            let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            names.sort();
            assert_eq!(found(&mut li, &query).await, names, "{query:?}");
        }
    });
}

/// Covers AC-37: all of them, page by page, each once.
#[test]
fn a_long_history_is_read_page_by_page() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let like = relation(&app, ZHAO, "tax_clerk").await;
        change(&app.ctx, &like, &Event::Withdraw, MANAGER).await.unwrap();
        for _ in 0..104 {
            let one = begin(&app, (&like, "tax_clerk"), MANAGER, &["TAX_FILING"]).await;
            change(&app.ctx, &one, &Event::Withdraw, MANAGER).await.unwrap();
        }
        let next = |page: &Shown| {
            let pages = page.text.split("class=\"pages\"").nth(1)?.split("</nav>").next()?;
            let href = pages.rsplit("href=\"").next()?.split('"').next()?;
            let href = crate::kit::browser::unescape(href);
            href.contains("offset=100").then_some(href)
        };
        let mut li = as_li(&app).await;
        let mut zhao = as_person(&app, ZHAO).await;
        for (browser, path) in [(&mut li, THEIRS.to_owned()), (&mut zhao, format!("{OWN}/history"))]
        {
            let first = get(browser, &format!("{path}?reason=withdrawn")).await;
            assert_eq!(listed(&first).len(), 100, "{path}");
            let second = browser.get(&next(&first).expect("a second page")).await;
            assert_eq!(listed(&second).len(), 5, "{path}");
            assert!(next(&second).is_none() && second.text.contains("上一页"));
            let beyond = format!("{path}?reason=withdrawn&offset=18446744073709551615");
            assert!(get(browser, &beyond).await.status.is_success());
            for wrong in ["-1", "x", "9223372036854775807"] {
                let page = get(browser, &format!("{path}?reason=withdrawn&offset={wrong}")).await;
                assert!(page.status.is_success(), "{wrong}");
            }
        }
        // A part of the name finds what stands on a later page, and clearing counts all pages.
        let asked = [("reason", "withdrawn"), ("name", "赵")];
        let asked = post(&app, &mut li, THEIRS, &asked).await;
        assert!(asked.text.contains("105 条"), "{}", asked.text);
        let cleared = li.submit(&asked, &[("sure", "yes")]).await;
        assert!(cleared.text.contains("已清除 105 条"), "{}", cleared.text);
    });
}

async fn whole(app: &TestApp, query: &str, scope: &str) -> (u16, Value) {
    let (client, secret) = match scope {
        "openid" => ("tax-filing", "demo-secret-of-tax-filing"),
        _ => ("registry", "demo-secret-of-registry"),
    };
    let form = [("grant_type", "client_credentials"), ("scope", scope)];
    let (_, tokens) = app.post("/token", Some((client, secret)), &form).await;
    let token = tokens["access_token"].as_str().unwrap_or("nonsense").to_owned();
    let request = Request::get(format!("/realms/jiangxi/admin/history{query}"))
        .header("authorization", format!("Bearer {token}"));
    let (status, body) = app.json(request.body(Body::empty()).unwrap()).await;
    (status.as_u16(), body)
}

/// Covers AC-39, AC-40, AU-17: what was shown, and nothing else, leaves one side's view; the other
/// side, the bureau and the audit still have every record.
#[test]
fn clearing_hides_what_was_shown_from_one_side_alone() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (clerk, other) = (
            relation(&app, WANG, "tax_clerk").await,
            relation(&app, WANG, "invoicing_clerk").await,
        );
        for one in [&clerk, &other] {
            change(&app.ctx, one, &Event::Delete, MANAGER).await.unwrap();
        }
        let (mut li, mut wang) = (as_li(&app).await, as_person(&app, WANG).await);
        let own = format!("{OWN}/history");
        let n = async |browser: &mut Browser, path: &str| {
            listed(&get(browser, &format!("{path}?reason=deleted")).await).len()
        };
        // It asks once more, with how many; turning it down changes nothing.
        let filter = [("reason", "deleted"), ("identity_type", "invoicing_clerk")];
        let asked = post(&app, &mut li, THEIRS, &filter).await;
        assert!(asked.text.contains("将清除符合条件的 1 条"), "{}", asked.text);
        assert!(asked.text.contains(">取消</a>"));
        assert_eq!(n(&mut li, THEIRS).await, 2, "nothing yet");
        // What ends between the question and the answer was not shown.
        app.clock.advance(5);
        let late = begin(&app, (&other, "invoicing_clerk"), MANAGER, &["INVOICE"]).await;
        change(&app.ctx, &late, &Event::Confirm, By::holder(late.person)).await.unwrap();
        let late = app.ctx.rows().authorisations().find(late.id).await.unwrap().unwrap();
        change(&app.ctx, &late, &Event::Delete, MANAGER).await.unwrap();
        let cleared = li.submit(&asked, &[("sure", "yes")]).await;
        assert!(cleared.text.contains("已清除 1 条"), "{}", cleared.text);
        assert_eq!(n(&mut li, THEIRS).await, 2, "the other type, and the late one");
        let again = li.submit(&asked, &[("sure", "yes")]).await;
        assert!(again.text.contains("已清除 0 条"), "{}", again.text);
        assert_eq!(n(&mut wang, &own).await, 3, "the other side sees all");
        // A name that fits nobody clears nothing, and neither does a forged form.
        let nobody = [("reason", "deleted"), ("name", "李"), ("sure", "yes")];
        assert!(post(&app, &mut li, THEIRS, &nobody).await.text.contains("已清除 0 条"));
        let forged = Some("reason=deleted&sure=yes&csrf=x".to_owned());
        let path = format!("/realms/jiangxi{THEIRS}");
        assert_eq!(li.send("POST", &path, forged).await.status.as_u16(), 403);
        assert_eq!(n(&mut li, THEIRS).await, 2);
        // The person clears their own view: the enterprise's stays as it is.
        let asked = post(&app, &mut wang, &own, &[("reason", "deleted")]).await;
        assert!(asked.text.contains("3 条"), "{}", asked.text);
        let cleared = wang.submit(&asked, &[("sure", "yes")]).await;
        assert!(cleared.text.contains("已清除 3 条"), "{}", cleared.text);
        assert_eq!((n(&mut wang, &own).await, n(&mut li, THEIRS).await), (0, 2));
        for refused in [
            post(&app, &mut wang, THEIRS, &[("reason", "deleted"), ("sure", "yes")]).await,
            post(&app, &mut li, &own, &[("reason", "deleted"), ("sure", "yes")]).await,
        ] {
            assert_eq!(refused.code(), Some("E_ROLE"));
        }

        // The bureau's own systems still read every record, with who has cleared it.
        let (status, body) = whole(&app, &format!("?enterprise={EXAMPLE}"), "history_read").await;
        assert_eq!(status, 200, "{body}");
        let records = body["records"].as_array().unwrap();
        let by_type = |id: &str| records.iter().find(|one| one["authorisation_id"] == id).unwrap();
        for (id, by_enterprise) in [(clerk.id, false), (other.id, true), (late.id, false)] {
            let record = by_type(&id.to_string());
            assert_eq!(record["cleared_by_enterprise_at"].is_string(), by_enterprise, "{record}");
            assert!(record["cleared_by_person_at"].is_string(), "{record}");
            assert_eq!((&record["name"], &record["reason"]), (&json!("王*明"), &json!("deleted")));
        }
        assert_eq!((records.len(), &body["next"]), (3, &Value::Null));
        // So does the audit: each end, each clearing, each look.
        let audit = app.audit().await;
        let n_of = |action: &str| audit.iter().filter(|one| one["action"] == action).count();
        assert_eq!((n_of("history_cleared"), n_of("history_read")), (4, 1));
        for id in [clerk.id, other.id, late.id] {
            let deleted = audit.iter().filter(|one| {
                one["authorisation"] == id.to_string().as_str() && one["event"] == "delete"
            });
            assert_eq!(deleted.count(), 1, "{id}");
        }
        let chain = app.ctx.rows().records().verify_audit(&[]).await.unwrap();
        assert_eq!(chain.fault, None);
    });
}

/// Covers AC-40: the bureau's question is for who may ask it, and about an enterprise that there is.
#[test]
fn the_whole_history_is_for_the_bureau_alone() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let example = format!("?enterprise={EXAMPLE}");
        for (query, scope, status) in [
            (example.as_str(), "history_read", 200),
            ("?enterprise=360102708461136", "history_read", 200),
            ("?enterprise=91360100MA35ABCD4X", "history_read", 404),
            ("?enterprise=", "history_read", 400),
            ("", "history_read", 400),
            (&format!("{example}&offset=x"), "history_read", 400),
            (&format!("{example}&offset=-1"), "history_read", 400),
            (&format!("{example}&offset=99"), "history_read", 200),
            (example.as_str(), "registry_import", 403),
            (example.as_str(), "openid", 403),
            (example.as_str(), "nonsense", 401),
        ] {
            let (found, body) = whole(&app, query, scope).await;
            assert_eq!(found, status, "{query} {scope}: {body}");
        }
        let plain = Request::get(format!("/realms/jiangxi/admin/history{example}"));
        let (status, _) = app.json(plain.body(Body::empty()).unwrap()).await;
        assert_eq!(status.as_u16(), 401);
        // A person's cookie is no client's token.
        let mut li = as_li(&app).await;
        let page = get(&mut li, &format!("/admin/history{example}")).await;
        assert_eq!(page.status.as_u16(), 401);
    });
}
