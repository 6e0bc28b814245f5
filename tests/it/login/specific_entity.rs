//! The door of specific entities: an enterprise of another province, one of its records.

use std::ops::Range;

use hufu::base::clock::Day;
use hufu::base::id::RecordId;
use hufu::domain::cross_region::{CrossRegionRecord, RecordKind};
use hufu::domain::number::record::RecordNumber;
use hufu::domain::number::taxpayer::TaxpayerNumber;
use hufu::flows::identity::records::records;
use serde_json::json;

use crate::account::{feed, held, post};
use crate::kit::browser::{Shown, unescape};
use crate::kit::{
    Browser, EXAMPLE, FILING, PASSWORD, TestApp, authorize_url, claims, on_each_database,
};

const BUILDER: &str = "91330100MA2BUJ786T";
const MAIN: &str = "13100131000";
const NAMED: &str = "13200132000";

async fn type_in(app: &TestApp, (enterprise, phone): (&str, &str), kind: &str) -> (Browser, Shown) {
    let mut browser = app.browser();
    let page = browser.at_entrance(&authorize_url(&FILING, &[]), "specific_entity").await;
    let fields = [
        ("record_kind", kind),
        ("enterprise_number", enterprise),
        ("personal_id", phone),
        ("password", PASSWORD),
        ("slider", "100"),
    ];
    let page = browser.submit(&page, &fields).await;
    (browser, page)
}

async fn sign_in(app: &TestApp, who: (&str, &str), kind: &str) -> (Browser, Shown) {
    let (mut browser, page) = type_in(app, who, kind).await;
    let page = browser.pass_second_factor(app, &page, who.1).await;
    (browser, page)
}

fn button(page: &Shown, holds: &str) -> Option<String> {
    let buttons = page.text.split("name=\"record\" value=\"").skip(1);
    let found = buttons.map(|rest| rest.split("</button>").next().unwrap());
    let found = found.into_iter().find(|one| one.contains(holds))?;
    Some(found.split('"').next().unwrap().to_owned())
}

/// Covers S-01, S-02, S-03, S-04, S-06, S-07.
#[test]
fn a_main_handler_sees_every_record_and_enters_one() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (_, refused) = type_in(&app, (BUILDER, MAIN), "").await;
        assert_eq!(refused.code(), Some("E_FORMAT"), "one of the two kinds must be picked");
        let (mut browser, list) = sign_in(&app, (BUILDER, MAIN), "inspection").await;
        assert!(list.answered("code").is_none(), "no business token before a record is entered");
        assert!(
            button(&list, "101号").is_some() && button(&list, "102号").is_some(),
            "{}",
            list.text
        );
        assert!(button(&list, "36040220260007").is_none(), "a tax source is not an inspection");
        let done = browser.submit(&list, &[("record", &button(&list, "102号").unwrap())]).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        let id = claims(tokens["id_token"].as_str().unwrap());
        let identity = &id["tax_identity"];
        assert_eq!(identity["kind"], "specific_entity");
        assert_eq!(identity["record"]["kind"], "inspection");
        assert_eq!(identity["record"]["no"], "浙杭税报验〔2026〕102号");
        assert_eq!(identity["enterprise"]["tin"], BUILDER);
        assert_eq!(id["roles"], serde_json::json!(["main_handler"]));
        let access = tokens["access_token"].as_str().unwrap();
        assert_eq!(app.introspect(access).await["active"], true);
        // The other kind has its own list.
        app.clock.advance(120);
        let (_, list) = sign_in(&app, (BUILDER, MAIN), "tax_source").await;
        assert!(button(&list, "36040220260007").is_some() && button(&list, "101号").is_none());
    });
}

/// Covers S-05, S-08.
#[test]
fn a_named_handler_sees_and_enters_only_what_names_them() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut main, all) = sign_in(&app, (BUILDER, MAIN), "inspection").await;
        let foreign = button(&all, "102号").unwrap();
        let t = all.hidden()["t"].clone();
        let found = |no: &str| format!("/realms/jiangxi/login/choose_record?t={t}&no={no}");
        // Brackets of every shape are one (〔〕 and []).
        let one = main
            .get(&found("%E6%B5%99%E6%9D%AD%E7%A8%8E%E6%8A%A5%E9%AA%8C[2026]102%E5%8F%B7"))
            .await;
        assert!(button(&one, "102号").is_some() && button(&one, "101号").is_none(), "{}", one.text);
        let none = main.get(&found("9999")).await;
        assert!(button(&none, "").is_none() && none.text.contains("没有查到"));

        let (mut browser, list) = sign_in(&app, (BUILDER, NAMED), "inspection").await;
        assert!(button(&list, "101号").is_some() && button(&list, "102号").is_none());
        let t = list.hidden()["t"].clone();
        let search = "%E6%B5%99%E6%9D%AD%E7%A8%8E%E6%8A%A5%E9%AA%8C[2026]102%E5%8F%B7";
        let hidden =
            browser.get(&format!("/realms/jiangxi/login/choose_record?t={t}&no={search}")).await;
        assert!(button(&hidden, "102号").is_none(), "another's record is as if there were none");
        for wrong in [foreign.as_str(), "00000000-0000-0000-0000-000000000000", "x"] {
            let refused = browser.submit(&list, &[("record", wrong)]).await;
            assert_eq!(refused.code(), Some("E_ROLE"));
        }
        let done = browser.submit(&list, &[("record", &button(&list, "101号").unwrap())]).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id["roles"], serde_json::json!(["named_handler"]));
        assert_eq!(id["permissions"], serde_json::json!(["TAX_FILING"]));
        assert_eq!(id["tax_identity"]["valid_to"], "2027-06-30");
    });
}

/// Covers S-09: somebody of an enterprise without records sees the way to a first one.
#[test]
fn an_enterprise_without_records_enters_nothing() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let who = (crate::kit::EXAMPLE, "13900139000");
        let (_, list) = sign_in(&app, who, "inspection").await;
        assert!(list.text.contains("外省来赣报验开户") && list.text.contains("跨区域涉税事项报验"));
        assert!(list.text.contains("<h1>报验信息</h1>") && list.text.contains("id=\"anew\""));
        assert!(button(&list, "").is_none());
        // Who has nothing to do with the enterprise learns nothing.
        let (_, refused) = type_in(&app, (BUILDER, "13800138000"), "inspection").await;
        assert_eq!(refused.code(), Some("E_CREDENTIALS"));
    });
}

/// How many records a page offers.
fn offered(page: &Shown) -> usize {
    page.text.matches("name=\"record\" value=\"").count()
}

fn by_number(page: &Shown, no: &str) -> String {
    let no: String = form_urlencoded::byte_serialize(no.as_bytes()).collect();
    format!("/realms/jiangxi/login/choose_record?t={}&no={no}", page.hidden()["t"])
}

/// Covers S-01, S-04, S-05, S-06, S-07: legal representative, finance supervisor and main handler see every record
/// of the kind that they came for and none of the other, find each by its number, and enter it.
#[test]
fn whoever_sees_all_sees_every_record_of_each_kind() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let relation = |key: &str, person: &str, identity_type: &str| {
            json!({"feed": "authorisation", "source_key": key, "version": 1, "enterprise": BUILDER,
                "person": person, "identity_type": identity_type, "valid_from": "2026-01-01"})
        };
        let lines = [
            relation("s-lr", "360121198802290026", "legal_representative"),
            relation("s-fs", "360102199003071236", "finance_supervisor"),
        ];
        feed(&app, &lines).await;
        let inspections = ["浙杭税报验〔2026〕101号", "浙杭税报验〔2026〕102号"];
        let source = "36040220260007";
        for (phone, role) in [
            ("13900139000", "legal_representative"),
            ("13800138000", "finance_supervisor"),
            (MAIN, "main_handler"),
        ] {
            for (kind, all, other) in [
                ("inspection", &inspections[..], source),
                ("tax_source", &[source], inspections[0]),
            ] {
                app.clock.advance(61);
                let case = format!("{role} {kind}");
                let (mut browser, list) = sign_in(&app, (BUILDER, phone), kind).await;
                assert!(list.answered("code").is_none(), "{case}: nothing before one is entered");
                assert_eq!(offered(&list), all.len(), "{case}: {}", list.text);
                assert!(all.iter().all(|no| button(&list, no).is_some()), "{case}: {}", list.text);
                let last = all[all.len() - 1];
                let found = browser.get(&by_number(&list, last)).await;
                assert_eq!(offered(&found), 1, "{case}: {}", found.text);
                let none = browser.get(&by_number(&list, other)).await;
                assert_eq!(offered(&none), 0, "{case}: {}", none.text);
                assert!(none.text.contains("没有查到"), "{case}: {}", none.text);
                let id = button(&found, last).unwrap();
                let done = browser.submit(&found, &[("record", &id)]).await;
                let code = done.answered("code").unwrap_or_else(|| panic!("{case}: {}", done.text));
                let (_, tokens) = app.redeem(&code).await;
                let told = claims(tokens["access_token"].as_str().unwrap());
                let identity = &told["tax_identity"];
                assert_eq!(identity["kind"], "specific_entity", "{case}");
                assert_eq!(identity["record"], json!({"kind": kind, "no": last}), "{case}");
                assert_eq!(told["roles"], json!([role]), "{case}");
            }
        }
    });
}

/// Covers S-08, S-09: whoever has no record of the kind that they came for is shown the two modules, finds nobody
/// else's by number, and enters nothing, by a form made by hand neither; nor does anybody a record of the other kind.
#[test]
fn without_a_record_of_the_kind_nothing_is_entered() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (_, inspections) = sign_in(&app, (BUILDER, MAIN), "inspection").await;
        app.clock.advance(61);
        let (_, sources) = sign_in(&app, (BUILDER, MAIN), "tax_source").await;
        let inspection = button(&inspections, "101号").unwrap();
        let source = button(&sources, "36040220260007").unwrap();
        for (enterprise, phone, kind, is_empty) in [
            (BUILDER, NAMED, "tax_source", true),
            (EXAMPLE, "13900139000", "inspection", true),
            (EXAMPLE, "13900139000", "tax_source", true),
            (BUILDER, MAIN, "tax_source", false),
        ] {
            app.clock.advance(61);
            let case = format!("{enterprise} {phone} {kind}");
            let (mut browser, page) = type_in(&app, (enterprise, phone), kind).await;
            let csrf = page.filled(&[("act", "send")]).1["csrf"].clone();
            let list = browser.pass_second_factor(&app, &page, phone).await;
            assert_eq!(offered(&list) == 0, is_empty, "{case}: {}", list.text);
            let text = unescape(&list.text);
            for module in ["外省来赣报验开户", "跨区域涉税事项报验"] {
                let is_there = text.contains(&format!(">{module}</a>"));
                assert_eq!(is_there, is_empty, "{case}: {text}");
            }
            let link = "href=\"https://portal.jiangxi.example/inspection";
            assert_eq!(text.matches(link).count(), if is_empty { 2 } else { 0 }, "{case}: {text}");
            let searched = browser.get(&by_number(&list, "浙杭税报验〔2026〕101号")).await;
            assert_eq!(offered(&searched), 0, "{case}: {}", searched.text);
            let foreign = if is_empty { [&inspection, &source] } else { [&inspection; 2] };
            for record in foreign {
                let body = form_urlencoded::Serializer::new(String::new())
                    .append_pair("t", &list.hidden()["t"])
                    .append_pair("csrf", &csrf)
                    .append_pair("record", record)
                    .finish();
                let path = "/realms/jiangxi/login/choose_record";
                let refused = browser.send("POST", path, Some(body)).await;
                assert_eq!(refused.code(), Some("E_ROLE"), "{case}: {}", refused.text);
                assert!(!browser.cookies.keys().any(|name| name.contains("hufu-session")));
            }
        }
    });
}

/// Covers S-11, S-12.
#[test]
fn a_specific_entity_has_no_account_centre() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, list) = sign_in(&app, (BUILDER, MAIN), "inspection").await;
        browser.submit(&list, &[("record", &button(&list, "101号").unwrap())]).await;
        let page = browser.get("/realms/jiangxi/account/authenticator").await;
        assert_eq!(page.code(), Some("E_NO_ACCOUNT_CENTRE"));
        // Only identities of enterprises to switch to; handlers have no form anywhere.
        let chooser = browser.get(&authorize_url(&FILING, &[("prompt", "select_account")])).await;
        assert!(chooser.text.contains("name=\"identity\""), "{}", chooser.text);
        let id = chooser.text.split("name=\"identity\" value=\"").nth(1).unwrap();
        let id = id.split('"').next().unwrap().to_owned();
        let done = browser.submit(&chooser, &[("identity", &id)]).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id["tax_identity"]["kind"], "enterprise");
    });
}

/// Every address of the account centres as the router has it, with its methods.
fn centre() -> Vec<(String, Vec<&'static str>)> {
    let source = concat!(
        include_str!("../../../src/web/account/mod.rs"),
        include_str!("../../../src/web/certificate/mod.rs")
    );
    let mut found = Vec::new();
    for route in source.split(".route(").skip(1).filter(|route| route.contains("\"/account")) {
        let path = route.split('"').nth(1).unwrap().replace("{id}", "0");
        let methods = ["get(", "post("].into_iter().filter(|method| route.contains(method));
        found.push((path, methods.map(|method| method.trim_end_matches('(')).collect()));
    }
    assert!(found.len() > 20, "{found:?}");
    found
}

async fn is_closed(app: &TestApp, browser: &mut Browser, (method, path): (&str, &str), case: &str) {
    let shown = match method {
        "get" => browser.get(&format!("/realms/jiangxi{path}")).await,
        _ => post(app, browser, path, &[("act", "add"), ("sure", "yes")]).await,
    };
    assert!(!shown.text.contains("class=\"menu\""), "{case}: {}", shown.text);
    if path != "/account/switch" {
        let told = (shown.status.as_u16(), shown.code());
        assert_eq!(told, (403, Some("E_NO_ACCOUNT_CENTRE")), "{case}");
        return;
    }
    assert_ne!(shown.code(), Some("E_NO_ACCOUNT_CENTRE"), "{case}");
    for link in ["account\"", "account/messages", "account/person", "account/log"] {
        let href = format!("href=\"/realms/jiangxi/{link}");
        assert!(!shown.text.contains(&href), "{case}: {link}");
    }
}

/// Not a page, form or download of the account centres opens to a specific entity, by its own session or
/// after a switch to a record; the one page it has is the way to its enterprises, without a menu. Covers S-10.
#[test]
fn no_address_of_the_account_centre_opens_to_a_specific_entity() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for (kind, who, what) in [
            ("inspection", MAIN, "101号"),
            ("inspection", NAMED, "101号"),
            ("tax_source", MAIN, "36040220260007"),
        ] {
            app.clock.advance(61);
            let (mut browser, list) = sign_in(&app, (BUILDER, who), kind).await;
            let id = button(&list, what).unwrap();
            let done = browser.submit(&list, &[("record", &id)]).await;
            assert!(done.answered("code").is_some(), "{kind} {who}: {}", done.text);
            for (path, methods) in centre() {
                for method in methods {
                    let case = format!("{kind} {who} {method} {path}");
                    is_closed(&app, &mut browser, (method, &path), &case).await;
                }
            }
        }
    });
}

/// So many more records of the builder's, until a day; they stand before its own.
async fn record(app: &TestApp, numbers: Range<usize>, end: &str) {
    let number = TaxpayerNumber::asked(BUILDER);
    let builder = app.ctx.rows().enterprises().find_by_number(&number).await.unwrap().unwrap();
    let tx = app.ctx.begin().await.unwrap();
    for n in numbers {
        let record = CrossRegionRecord {
            id: RecordId::new(&app.clock, app.ctx.random()),
            enterprise: builder.id,
            kind: RecordKind::TaxSource,
            record_no: RecordNumber::parse(&format!("0000-{n:03}")).unwrap(),
            project_name: "仓库".to_owned(),
            division: "360402".to_owned(),
            tax_authority: "13604020000".to_owned(),
            valid_from: Day::parse("2026-01-01").unwrap(),
            valid_to: Day::parse(end),
            is_open: true,
            permissions: ["TAX_FILING".to_owned()].into(),
        };
        tx.rows().cross_region().save(&record, &[], app.ctx.now()).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// What is over takes no place in a list, and as many as it shows are all there are: only where there are more it says
/// that it was cut.
#[test]
fn a_list_of_records_is_cut_where_there_are_more() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let main = held(&app.ctx, MAIN).await.remove(0);
        for (numbers, end, expected) in [
            (0..200, "2026-06-30", (1, None)),
            (200..399, "2027-06-30", (200, None)),
            (399..400, "2027-06-30", (200, Some(200))),
        ] {
            record(&app, numbers, end).await;
            let kind = RecordKind::TaxSource;
            let (person, enterprise) = (main.person, main.enterprise);
            let list = records(&app.ctx, person, enterprise, kind, None).await.unwrap();
            assert_eq!((list.shown.len(), list.cut), expected, "{end}");
        }
    });
}
