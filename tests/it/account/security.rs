//! The security page: sessions that are ended from elsewhere, what applications were allowed, what happened,
//! recovery codes anew, and a copy of everything.

use hufu::base::secret::Hashed;
use hufu::domain::notice::{Notice, NoticeKind};
use hufu::domain::number::phone::Phone;
use hufu::store::awaited_phones::AwaitedPhone;
use serde_json::{Value, json};

use super::contract::{logged_out, start, tokens};
use super::{LI, WANG, as_li, as_person, as_wang, feed, get, post};
use crate::kit::browser::{Shown, unescape};
use crate::kit::listener::Listener;
use crate::kit::{
    Browser, EXAMPLE, FILING, INVOICE, TestApp, VERIFIER, authorize_url, claims, on_each_database,
    on_one_database,
};
use crate::login::authenticator::enrol_at;

const PATH: &str = "/account/security";

/// The ids of the sessions that can be ended from here.
fn others(page: &Shown) -> Vec<String> {
    let ids = page.text.split("name=\"end\" value=\"").skip(1);
    ids.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

/// Every browser that is signed in is seen with device, place and time; one of them or all others are ended
/// from here, and the applications hear of it. Nobody ends another's.
#[test]
fn sessions_are_ended_from_another_browser() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let app = start(on, &url).await;
        let mut wang = as_person(&app, WANG).await;
        let mut clerk = as_wang(&app, "<strong>办税员").await;
        let held = tokens(&app, &mut clerk).await;
        let access = held["access_token"].as_str().unwrap();
        let sid = claims(access)["sid"].as_str().unwrap().to_owned();
        let page = get(&mut wang, PATH).await;
        for shown in ["127.0.0.*", "南昌示例科技有限公司 · 办税员", "本次登录", "2026-11-24 10:0"]
        {
            assert!(page.text.contains(shown), "{shown}: {}", page.text);
        }
        let [id] = &others(&page)[..] else { panic!("{}", page.text) };
        // Not by somebody else, nor from itself.
        let mut li = as_li(&app).await;
        let own = others(&get(&mut clerk, PATH).await).remove(0);
        for (who, id) in [(&mut li, id), (&mut wang, &own)] {
            let refused = post(&app, who, PATH, &[("end", id)]).await;
            assert_eq!(refused.code(), Some("E_STATE"));
        }
        let done = post(&app, &mut wang, PATH, &[("end", id)]).await;
        assert!(done.text.contains("该登录已退出"), "{}", done.text);
        assert_eq!(logged_out(&app, &listener).await, [sid]);
        assert_eq!(app.introspect(access).await["active"], false);
        assert!(get(&mut clerk, "/account").await.url.contains("/login"));
        assert_eq!(post(&app, &mut wang, PATH, &[("end", id)]).await.code(), Some("E_STATE"));
        // All the others at once; this one stays.
        let mut second = as_person(&app, WANG).await;
        let mut third = as_wang(&app, "<strong>开票员").await;
        let done = post(&app, &mut wang, PATH, &[("act", "end_others")]).await;
        assert!(done.text.contains("其他登录已全部退出") && others(&done).is_empty());
        for gone in [&mut second, &mut third] {
            assert!(get(gone, "/account").await.url.contains("/login"));
        }
        assert_eq!(get(&mut li, "/account").await.status.as_u16(), 200, "nobody else's");
        // Each stands among what happened to the account, and no other person's does.
        let n_told = |page: &Shown| page.text.matches("一次登录已结束").count();
        assert_eq!(n_told(&get(&mut wang, PATH).await), 3);
        assert_eq!(n_told(&get(&mut li, PATH).await), 0);
    });
}

/// A code of the invoice application, which asks for consent.
async fn invoice(browser: &mut Browser) -> Shown {
    browser.get(&authorize_url(&INVOICE, &[])).await
}

/// What an application was allowed is taken back: its tokens end, it hears of it, and it asks again.
#[test]
fn a_consent_is_taken_back() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        assert!(get(&mut li, PATH).await.text.contains("没有应用获得过您的授权"));
        let asked = invoice(&mut li).await;
        let done = li.submit(&asked, &[("act", "allow")]).await;
        let code = done.answered("code").expect("a code");
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", INVOICE.redirect_uri),
            ("code_verifier", VERIFIER),
            ("client_id", INVOICE.id),
            ("client_secret", INVOICE.secret),
        ];
        let held = app.post("/token", None, &form).await.1;
        let other = tokens(&app, &mut li).await;
        let page = get(&mut li, PATH).await;
        assert!(page.text.contains("您当前的办税身份、企业和权限"), "{}", page.text);
        // Nobody else's, and none that there is not.
        let mut wang = as_person(&app, WANG).await;
        let refused = post(&app, &mut wang, PATH, &[("withdraw", INVOICE.id)]).await;
        assert_eq!(refused.code(), Some("E_STATE"));
        let refused = post(&app, &mut li, PATH, &[("withdraw", FILING.id)]).await;
        assert_eq!(refused.code(), Some("E_STATE"));
        let done = post(&app, &mut li, PATH, &[("withdraw", INVOICE.id)]).await;
        assert!(done.text.contains("已撤回同意"), "{}", done.text);
        let refresh = [
            ("grant_type", "refresh_token"),
            ("refresh_token", held["refresh_token"].as_str().unwrap()),
            ("client_id", INVOICE.id),
            ("client_secret", INVOICE.secret),
        ];
        assert_eq!(app.post("/token", None, &refresh).await.1["error"], "invalid_grant");
        let access = other["access_token"].as_str().unwrap();
        assert_eq!(app.introspect(access).await["active"], true, "the others go on");
        assert!(invoice(&mut li).await.url.contains("/consent"), "asked again");
        let told =
            app.said("SELECT client_id AS said FROM delivery WHERE client_id = 'invoice'").await;
        assert!(!told.is_empty(), "it hears of it");
        let page = get(&mut li, PATH).await;
        for event in ["授权应用：", "撤回对应用的授权：", "通过身份验证：短信验证"]
        {
            assert!(page.text.contains(event), "{event}: {}", page.text);
        }
        assert!(!get(&mut wang, PATH).await.text.contains("授权应用："), "one's own alone");
    });
}

/// New recovery codes take the place of the old ones, for whoever has just proved a second factor.
#[test]
fn recovery_codes_are_renewed() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let path = "/account/authenticator";
        let none = post(&app, &mut li, path, &[("act", "codes")]).await;
        assert_eq!(none.code(), Some("E_STATE"), "no app is enrolled");
        let (_, before) = enrol_at(&app, &mut li).await;
        let page = post(&app, &mut li, path, &[("act", "codes")]).await;
        let codes = page.text.split("<li><code>").skip(1);
        let codes: Vec<String> =
            codes.map(|rest| unescape(rest.split('<').next().unwrap())).collect();
        assert_eq!(codes.len(), 10);
        assert!(codes.iter().all(|code| !before.contains(code)));
        assert!(get(&mut li, PATH).await.text.contains("剩余恢复码 10 个"));
        app.clock.advance(901);
        let late = post(&app, &mut li, path, &[("act", "codes")]).await;
        assert!(late.url.contains("/login/second_factor"), "{}", late.url);
    });
}

/// Beside what is shown every day: a former passport, what a hall collected, a phone that waits, and more messages
/// than one read gives.
async fn kept_of_wang(app: &TestApp) {
    let person = |version: i64, more: Value| {
        let mut line = json!({"feed": "person", "source_key": "w", "version": version,
            "name": "王小明"});
        line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        line
    };
    let passport = |number: &str| json!({"document_type": "chinese_passport", "document": number});
    let hall = |key: &str, name: &str, document: Value| {
        let mut line = json!({"feed": "hall_record", "source_key": key, "version": 1, "name": name,
            "collected_on": "2026-10-08", "collected_by": "0101"});
        line.as_object_mut().unwrap().extend(document.as_object().unwrap().clone());
        line
    };
    let card = json!({"document": "360102199003071236"});
    let lines = [
        person(1, card.clone()),
        person(2, passport("E12345671")),
        person(3, passport("E12345672")),
        hall("own", "王小明", card),
        hall("of another", "李芳", passport("E12345671")),
    ];
    feed(app, &lines).await;
    let (ctx, now) = (&app.ctx, app.ctx.now());
    let phone = Phone::parse(WANG).unwrap();
    let account = ctx.rows().accounts().find_by_phone(&phone).await.unwrap().unwrap();
    let tx = ctx.begin().await.unwrap();
    let awaited = AwaitedPhone {
        id: ctx.new_row_id(),
        account: account.id,
        phone: Phone::parse("13912345678").unwrap(),
        verified_at: now,
        due_at: now.plus(86_400),
        era: None,
    };
    tx.rows().awaited_phones().add(&awaited, Hashed::of("stop")).await.unwrap();
    let kind = NoticeKind::ContactChanged;
    let notice = Notice { to: account.person, kind, relation: None, at: now, is_read: false };
    for n in 0..250 {
        tx.rows().notices().add(ctx.new_row_id(), &notice, &n.to_string()).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// A copy of everything that is kept of the person, for whoever has just proved a second factor (PIPL 45); it is
/// written down, and holds nothing of anybody else.
#[test]
fn a_copy_of_everything_is_handed_out() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        kept_of_wang(&app).await;
        let mut wang = as_person(&app, WANG).await;
        let n = app.audit().await.len();
        let file = post(&app, &mut wang, PATH, &[("act", "copy")]).await;
        assert_eq!(file.header("content-type").as_deref(), Some("application/json"));
        let name = file.header("content-disposition").unwrap();
        assert!(name.starts_with("attachment;"), "{name}");
        let copy: Value = serde_json::from_str(&file.text).unwrap();
        assert_eq!(copy["person"]["name"], "王小明");
        let documents = copy["person"]["documents"].as_array().unwrap();
        let known = |one: &Value| json!([one["number"], one["status"]]);
        let mut documents: Vec<Value> = documents.iter().map(known).collect();
        documents.sort_by_key(ToString::to_string);
        let expected = json!([
            ["360102199003071236", "active"],
            ["E12345671", "superseded"],
            ["E12345672", "active"],
        ]);
        assert_eq!(json!(documents), expected);
        let [record] = &copy["person"]["hall_records"].as_array().unwrap()[..] else {
            panic!("{}", copy["person"]["hall_records"]);
        };
        assert_eq!(record["collected_on"], "2026-10-08");
        assert_eq!(copy["account"]["awaited_phone"]["phone"], "+8613912345678");
        assert!(copy["notices"].as_array().unwrap().len() >= 250);
        assert_eq!(copy["account"]["phones"][0]["phone"], "+8613800138000");
        assert_eq!(copy["account"]["username"], "wangxm");
        let n_held = super::held(&app.ctx, WANG).await.len();
        assert_eq!(copy["authorisations"].as_array().unwrap().len(), n_held);
        assert_eq!(copy["sign_ins"][0]["outcome"], "ok");
        assert_eq!(copy["account"]["agreements"].as_array().unwrap().len(), 3);
        assert!(copy["events"].as_array().is_some_and(|all| !all.is_empty()));
        for other in ["李芳", LI, "argon2", "360121198802290026"] {
            assert!(!file.text.contains(other), "{other}");
        }
        assert_eq!(app.audit().await.len(), n + 1);
        assert_eq!(app.audit().await[n]["action"], "data_downloaded");
        app.clock.advance(901);
        let late = post(&app, &mut wang, PATH, &[("act", "copy")]).await;
        assert!(late.url.contains("/login/second_factor"), "{}", late.url);
    });
}

/// The copy says for whom its person works and worked, and what a message was about: clients of an agency, records
/// that name them, a relation that is over.
#[test]
fn a_copy_says_for_whom_its_person_works() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        let card = "360103199208150022";
        let record = json!({"feed": "record", "source_key": "r", "version": 1, "enterprise": EXAMPLE,
            "record_kind": "inspection", "record_no": "T-77", "project_name": "桥",
            "division": "360102", "tax_authority": "13601020000", "handlers": [card],
            "permissions": ["TAX_FILING"], "valid_from": "2026-01-01"});
        let relation = |version: i64, state: &str| {
            json!({"feed": "authorisation", "source_key": "a", "version": version,
                "enterprise": EXAMPLE, "person": card, "identity_type": "tax_clerk",
                "permissions": ["TAX_FILING"], "valid_from": "2026-01-01", "state": state})
        };
        feed(&app, &[record, relation(1, "active"), relation(2, "ended")]).await;
        let mut zhou = as_person(&app, "13300133000").await;
        let file = post(&app, &mut zhou, PATH, &[("act", "copy")]).await;
        let copy: Value = serde_json::from_str(&file.text).unwrap();
        let clients = copy["agent_assignments"].as_array().unwrap().iter();
        let clients: Vec<&Value> = clients.map(|one| &one["client_enterprise"]["name"]).collect();
        assert_eq!(clients, ["南昌示例科技有限公司", "南昌样板商贸有限公司"]);
        assert_eq!(copy["records"][0]["record_no"], "T-77");
        assert_eq!(copy["records"][0]["enterprise"]["number"], EXAMPLE);
        let over = &copy["authorisation_history"][0];
        assert_eq!((&over["reason"], &over["by"]), (&json!("deleted"), &json!("registry")));
        let about = copy["notices"].as_array().unwrap().iter().map(|one| &one["relation"]);
        let about: Vec<&Value> = about.filter(|about| !about.is_null()).collect();
        assert_eq!(about.len(), 2, "{}", copy["notices"]);
        for one in about {
            let said = json!([one["enterprise"]["name"], one["identity_type"], one["is_own"]]);
            assert_eq!(said, json!(["南昌示例科技有限公司", "tax_clerk", true]));
        }
    });
}
