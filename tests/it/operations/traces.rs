//! Kinds of the audit that no story elsewhere looks for: each act leaves one event that says whose it is, and what
//! is refused leaves none.

use hufu::domain::number::phone::Phone;
use hufu::domain::person::PhoneBinding;
use hufu::flows::keys::{Rotation, retire, rotate};
use hufu::flows::people::bind_phone;
use hufu::flows::self_help::lost_phone as lost_phone_flow;
use hufu::flows::versions::record;
use hufu::jose::Algorithm;
use serde_json::{Value, json};

use crate::account::{LI, WANG, as_li, as_person, get, post, typed};
use crate::kit::{
    FILING, INVOICE, PASSWORD, Setup, TestApp, authorize_url, changed_realm, on_each_database,
};
use crate::login::authenticator::enrol_at;
use crate::non_resident::{CHAN, GOOD, applied, overseas};
use crate::recovery::{
    WANG_ID, account_of, answer, ask, begin_as, holder_of, lost_phone, settled, sign_in, until_sent,
};
use crate::registration::{XU, person, reached};

/// What the audit has of these kinds since it had `n` events, oldest first.
async fn added(app: &TestApp, n: usize, kinds: &[&str]) -> Vec<Value> {
    let all = app.audit().await.split_off(n);
    all.into_iter().filter(|one| kinds.contains(&one["action"].as_str().unwrap())).collect()
}

/// The value of the first field of this name.
fn value<'t>(text: &'t str, name: &str) -> &'t str {
    let rest = text.split(&format!("name=\"{name}\" value=\"")).nth(1);
    rest.unwrap_or_else(|| panic!("no {name}: {text}")).split('"').next().unwrap()
}

/// Covers X-09: another default phone, one that goes and a new password, each with its account and once; what is
/// refused leaves nothing.
#[test]
fn phones_and_passwords_leave_their_trace() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (phones, password) = ("/account/phones", "/account/password");
        let mut wang = as_person(&app, WANG).await;
        let account = holder_of(&app, WANG).await.unwrap();
        let second = PhoneBinding {
            account: account.id,
            phone: Phone::parse("13712341234").unwrap(),
            is_default: false,
            verified_at: app.ctx.now(),
        };
        let tx = app.ctx.begin().await.unwrap();
        bind_phone(&app.ctx, &tx, &second).await.unwrap();
        tx.commit().await.unwrap();
        let page = get(&mut wang, phones).await;
        let of = |shown: &str| {
            let rest = page.text.split(&format!("<strong>{shown}</strong>")).last().unwrap();
            value(rest, "phone").to_owned()
        };
        let (first, second) = (of("138****8000"), of("137****1234"));
        let n = app.audit().await.len();
        for (act, phone, code) in [
            ("remove", &first, Some("E_PROTECTED")),
            ("default", &second, None),
            ("remove", &first, None),
            ("remove", &first, Some("E_STATE")),
            ("default", &first, Some("E_STATE")),
        ] {
            let shown = post(&app, &mut wang, phones, &[("act", act), ("phone", phone)]).await;
            assert_eq!(shown.code(), code, "{act}: {}", shown.text);
        }
        let new = "Winter2026#";
        for (old, code) in [("Wrong2026!", Some("E_CREDENTIALS")), (PASSWORD, None)] {
            let both = [("old", old), ("new", new), ("repeated", new)];
            let fields = [&[("way", "old"), ("act", "save")], &both[..]].concat();
            let shown = post(&app, &mut wang, password, &fields).await;
            assert_eq!(shown.code(), code, "{old}: {}", shown.text);
        }
        let (id, person) = (account.id, account.person);
        let expected = [
            json!({"action": "default_phone_set", "account": id}),
            json!({"action": "phone_removed", "account": id}),
            json!({"action": "password_set", "account": id, "person": person}),
        ];
        assert_eq!(app.audit().await[n..], expected);
        // The person reads what it was.
        let own = get(&mut wang, "/account/security").await;
        for words in ["变更了默认手机号码", "删除了一个手机号码", "设置了新密码"]
        {
            assert!(own.text.contains(words), "{words}: {}", own.text);
        }
    });
}

/// Each kind of what happens to an account has words of its own, in both languages.
#[test]
fn people_read_what_has_happened() {
    let languages =
        [include_str!("../../../locales/zh-CN.ftl"), include_str!("../../../locales/en.ftl")];
    for kind in [
        "phone-removed",
        "default-phone-set",
        "phone-taken",
        "phone-awaited",
        "awaited-phone-dropped",
        "recovered",
        "recovery-failed",
        "username-changed",
    ] {
        for texts in languages {
            assert!(texts.contains(&format!("\nevent-{kind} = ")), "{kind}");
        }
    }
}

/// Covers X-09: a phone that waits and gives way to a newer one, one whose account has ended, and a browser that
/// is forgotten with the password, each with its line.
#[test]
fn what_ends_by_itself_leaves_its_trace() {
    on_each_database(|on| async move {
        let door = "id = \"natural_person\"\n";
        let remembers = format!("{door}remember_device_days = 30\n");
        let delays = "phone_recovery = \"delay\"\nhome_province = \"360000\"";
        let realm = changed_realm(&[
            ("entrances.toml", door, &remembers),
            ("realm.toml", "home_province = \"360000\"", delays),
        ]);
        let app = Setup::of(on, vec![realm]).start().await;
        let n = app.audit().await.len();
        for phone in ["13911112222", "13911113333"] {
            let mut browser = app.browser();
            let kind = ("foreign_passport", "L898902C3");
            let page = lost_phone::typed(&mut browser, kind, PASSWORD, phone).await;
            let done = answer(&mut browser, &page, &app.sms(phone)).await;
            assert!(done.text.contains("24 小时后生效"), "{}", done.text);
        }
        let account = account_of(&app, "jmiller").await.id;
        let id = app.literal(account.0);
        app.sql(&format!("UPDATE account SET status = 'cancelled' WHERE id = {id}")).await;
        app.clock.advance(86_400);
        assert_eq!(lost_phone_flow::bind_due(&app.ctx).await.unwrap(), 0);
        let (awaited, dropped) = ("phone_awaited", "awaited_phone_dropped");
        let expected = [awaited, dropped, awaited, dropped];
        let expected = expected.map(|kind| json!({"action": kind, "account": account}));
        assert_eq!(added(&app, n, &[awaited, dropped]).await, expected);

        let (mut li, page) = typed(&app, "natural_person", ("", LI, PASSWORD)).await;
        let page = li.submit(&page, &[("act", "send")]).await;
        let code = app.sms(LI);
        li.submit(&page, &[("act", "verify"), ("code", &code), ("remember", "yes")]).await;
        let new = "Winter2026#";
        let fields = [("way", "old"), ("act", "save"), ("old", PASSWORD)];
        let fields = [&fields[..], &[("new", new), ("repeated", new)]].concat();
        let shown = post(&app, &mut li, "/account/password", &fields).await;
        assert_eq!(shown.code(), None, "{}", shown.text);
        let account = holder_of(&app, LI).await.unwrap().id;
        let expected = [json!({"action": "device_forgotten", "account": account})];
        assert_eq!(added(&app, n, &["device_forgotten"]).await, expected);
    });
}

/// Covers X-09: guesses that lock an account, a recovery that fails, a phone that waits and is stopped; of a name
/// that is nobody's there is nothing.
#[test]
fn what_strangers_try_leaves_its_trace() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let wang = account_of(&app, "wangxm").await;
        let n = app.audit().await.len();
        for who in ["13811112222", WANG] {
            for _ in 0..6 {
                drop(sign_in(&app, "203.0.113.1", who, "Wrong2026!").await);
            }
        }
        settled().await;
        let until = app.ctx.now().plus(900);
        let locked = json!({"action": "account_locked", "account": wang.id, "until": until});
        assert_eq!(app.audit().await[n..], [locked]);

        let n = app.audit().await.len();
        let mut stranger = app.browser_at("203.0.113.2");
        let page = begin_as(&mut stranger, WANG_ID).await;
        let page = ask(&mut stranger, &page, WANG).await;
        until_sent(&app, WANG, 1).await;
        let wrong = if app.sms(WANG) == "000000" { "000001" } else { "000000" };
        assert_eq!(answer(&mut stranger, &page, wrong).await.code(), Some("E_OTP"));
        settled().await;
        let failed = json!({"action": "recovery_failed", "person": wang.person,
            "what": "forgot_password", "factor": "sms", "code": "E_OTP"});
        assert_eq!(added(&app, n, &["recovery_failed"]).await, [failed]);

        let n = app.audit().await.len();
        let (fresh, mut browser) = ("13911112222", app.browser());
        let page = browser.get("/realms/jiangxi/recover-phone").await;
        let fields = [
            ("document_type", "foreign_passport"),
            ("document", "L898902C3"),
            ("password", PASSWORD),
            ("phone", fresh),
            ("act", "begin"),
        ];
        let page = browser.submit(&page, &fields).await;
        let page = answer(&mut browser, &page, &app.sms(fresh)).await;
        browser.submit(&page, &[("act", "wait")]).await;
        let mut owner = as_person(&app, "+14155550123").await;
        let page = get(&mut owner, "/account/phones").await;
        let stop = [("act", "stop-awaited"), ("awaited", value(&page.text, "awaited"))];
        for code in [None, Some("E_STATE")] {
            assert_eq!(owner.submit(&page, &stop).await.code(), code);
        }
        let kinds = ["phone_awaited", "awaited_phone_dropped"];
        let account = account_of(&app, "jmiller").await.id;
        let expected = kinds.map(|kind| json!({"action": kind, "account": account}));
        assert_eq!(added(&app, n, &kinds).await, expected);
    });
}

/// Covers X-09: a browser that is remembered and forgotten, and recovery codes anew; what is refused leaves nothing.
#[test]
fn known_browsers_and_recovery_codes_leave_their_trace() {
    on_each_database(|on| async move {
        let door = "id = \"natural_person\"\n";
        let remembers = format!("{door}remember_device_days = 30\n");
        let realm = changed_realm(&[("entrances.toml", door, &remembers)]);
        let app = Setup::of(on, vec![realm]).start().await;
        let n = app.audit().await.len();
        let (mut li, page) = typed(&app, "natural_person", ("", LI, PASSWORD)).await;
        let page = li.submit(&page, &[("act", "send")]).await;
        let code = app.sms(LI);
        li.submit(&page, &[("act", "verify"), ("code", &code), ("remember", "yes")]).await;
        let page = get(&mut li, "/account/devices").await;
        let id = value(&page.text, "forget").to_owned();
        for (id, code) in [("x", Some("E_STATE")), (&*id, None)] {
            let shown = li.submit(&page, &[("forget", id)]).await;
            assert_eq!(shown.code(), code, "{}", shown.text);
        }
        let codes = ("/account/authenticator", [("act", "codes")]);
        let none = post(&app, &mut li, codes.0, &codes.1).await;
        assert_eq!(none.code(), Some("E_STATE"), "{}", none.text);
        enrol_at(&app, &mut li).await;
        let shown = post(&app, &mut li, codes.0, &codes.1).await;
        assert_eq!(shown.code(), None, "{}", shown.text);
        let kinds = ["device_remembered", "device_forgotten", "recovery_codes_renewed"];
        let account = holder_of(&app, LI).await.unwrap().id;
        let expected = kinds.map(|kind| json!({"action": kind, "account": account}));
        assert_eq!(added(&app, n, &kinds).await, expected);
    });
}

/// Covers X-09: what an application is allowed and what is taken back, a code and a refresh token that come back,
/// each once, however often they do.
#[test]
fn consents_and_copied_tokens_leave_their_trace() {
    on_each_database(|on| async move {
        let no_grace = "refresh_token = 43200\nrefresh_grace = 0";
        let realm = changed_realm(&[
            ("realm.toml", "refresh_token = 43200", no_grace),
            ("clients/tax-filing.toml", "client_id", "rotate_refresh_tokens = true\nclient_id"),
        ]);
        let app = Setup::of(on, vec![realm]).start().await;
        let mut li = as_li(&app).await;
        let person = holder_of(&app, LI).await.unwrap().person;
        let n = app.audit().await.len();
        let asked = li.get(&authorize_url(&INVOICE, &[])).await;
        assert!(li.submit(&asked, &[("act", "allow")]).await.answered("code").is_some());
        for (client, code) in [(FILING.id, Some("E_STATE")), (INVOICE.id, None)] {
            let shown = post(&app, &mut li, "/account/security", &[("withdraw", client)]).await;
            assert_eq!(shown.code(), code, "{}", shown.text);
        }
        let kinds = ["consent_given", "consent_withdrawn"];
        let told = added(&app, n, &kinds).await;
        assert_eq!(told.len(), 2, "{told:?}");
        for (one, kind) in told.iter().zip(kinds) {
            assert_eq!((&one["action"], &one["client"]), (&json!(kind), &json!(INVOICE.id)));
            assert_eq!(one["person"], json!(person));
        }
        assert!(told[0]["scope"].as_str().unwrap().contains("tax_identity"), "{told:?}");

        let n = app.audit().await.len();
        for is_code in [true, false] {
            let done = li.get(&authorize_url(&FILING, &[])).await;
            let code = done.answered("code").unwrap();
            let (_, tokens) = app.redeem(&code).await;
            let refresh = tokens["refresh_token"].as_str().unwrap();
            for _ in 0..3 {
                match is_code {
                    true => app.redeem(&code).await,
                    false => app.refresh(refresh).await,
                };
            }
        }
        let kinds = ["code_reused", "refresh_token_reused"];
        let told = added(&app, n, &kinds).await;
        assert_eq!(told.len(), 2, "{told:?}");
        for (one, kind) in told.iter().zip(kinds) {
            assert_eq!((&one["action"], &one["client"]), (&json!(kind), &json!(FILING.id)));
            assert!(one["grant"].is_string(), "{one}");
        }
    });
}

/// Covers X-09: a key that comes, one that goes, and realm files that are served from now on; what is refused and
/// the same files once more leave nothing.
#[test]
fn keys_and_realm_files_leave_their_trace() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (store, realm) = (&app.ctx.services.store, &app.ctx.realm);
        let n = app.audit().await.len();
        app.clock.advance(1);
        let now = app.ctx.now();
        let known = app.ctx.rows().keys().times().await.unwrap();
        let old = known.into_iter().find(|key| key.algorithm == "ES256").unwrap().kid;
        let rotation = Rotation { algorithm: Algorithm::ES256, announcement: 0, overlap: 86_400 };
        let new = rotate(store, &realm.id, rotation, now).await.unwrap().kid;
        for refused in [new.as_str(), "nobody's"] {
            assert!(retire(store, &realm.id, refused, now).await.is_err(), "{refused}");
        }
        retire(store, &realm.id, &old, now).await.unwrap();
        for _ in 0..2 {
            assert_eq!(record(&app.ctx.services, realm).await.unwrap(), 1);
        }
        let expected = [
            json!({"action": "key_rotated", "kid": new, "algorithm": "ES256"}),
            json!({"action": "key_retired", "kid": old, "algorithm": "ES256"}),
            json!({"action": "realm_applied", "hash": realm.hash, "generation": 1}),
        ];
        assert_eq!(app.audit().await[n..], expected);
    });
}

/// Covers X-09: a registration that has begun, before anybody is made by it, and each act of an applicant for a
/// non-resident enterprise.
#[test]
fn what_is_applied_for_leaves_its_trace() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let n = app.audit().await.len();
        let (_, page) = reached(&app, XU).await;
        assert_eq!(page.code(), None, "{}", page.text);
        assert!(person(&app, XU).await.is_none());
        let begun = json!({"action": "registration_begun", "way": "domestic"});
        assert_eq!(added(&app, n, &["registration_begun"]).await, [begun]);
        let mut chan = overseas(&app, CHAN).await;
        let person = person(&app, CHAN).await.unwrap();
        let n = app.audit().await.len();
        let id = applied(&mut chan, &GOOD).await;
        let act = |act: &str| {
            json!({"action": "non_resident_applied", "person": person, "application": id,
                "act": act})
        };
        let expected = ["begin", "add-file", "submit"].map(act);
        assert_eq!(added(&app, n, &["non_resident_applied"]).await, expected);
    });
}
