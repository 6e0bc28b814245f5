//! 【用户注销】: what ends, what stays, who is told, and that nothing of before signs anybody in.

use hufu::base::id::AccountId;
use hufu::base::secret::Hashed;
use hufu::domain::number::phone::Phone;
use hufu::domain::number::username::Username;
use hufu::store::devices::RememberedDevice;
use serde_json::json;

use super::contract::{logged_out, start, tokens};
use super::{
    LI, WANG, as_li, as_person, as_wang, at_door, feed, get, held, listed, pass_scan, post,
};
use crate::kit::browser::Shown;
use crate::kit::listener::Listener;
use crate::kit::passkey::{Passkey, asked};
use crate::kit::{
    Browser, EXAMPLE, FILING, PASSWORD, TestApp, authorize_url, claims, on_each_database,
};
use crate::login::authenticator;

const PATH: &str = "/account/cancel";
const DOCUMENT: &str = "360102199003071236";

async fn to_proof(app: &TestApp, browser: &mut Browser, way: &str) -> Shown {
    let page = post(app, browser, PATH, &[("read", "yes"), ("way", way)]).await;
    assert!(page.url.contains("/login/second_factor"), "{} {}", page.url, page.text);
    page
}

/// By the code on the phone.
async fn cancel(app: &TestApp, browser: &mut Browser, phone: &str) -> Shown {
    app.clock.advance(61);
    let page = to_proof(app, browser, "sms").await;
    browser.pass_second_factor(app, &page, phone).await
}

/// Passkeys, authenticators, recovery codes and remembered browsers of an account.
async fn means(app: &TestApp, account: AccountId) -> [u64; 4] {
    let (rows, now) = (app.ctx.rows(), app.ctx.now());
    let n = |count: usize| u64::try_from(count).unwrap();
    [
        n(rows.passkeys().list(account).await.unwrap().len()),
        n(rows.authenticators().find(account).await.unwrap().iter().count()),
        rows.authenticators().recovery_codes_left(account).await.unwrap(),
        n(rows.devices().list(account, now).await.unwrap().len()),
    ]
}

async fn remember_a_browser(app: &TestApp, account: AccountId) {
    let now = app.ctx.now();
    let device = RememberedDevice {
        id: app.ctx.new_row_id(),
        account,
        entrance: "natural_person".to_owned(),
        password: Hashed::of(PASSWORD),
        device: "a browser".to_owned(),
        created_at: now,
        expires_at: now.plus(86_400),
    };
    let tx = app.ctx.begin().await.unwrap();
    tx.rows().devices().add(Hashed::of("cookie"), &device).await.unwrap();
    tx.commit().await.unwrap();
}

fn is_over(page: &Shown) -> bool {
    page.status.as_u16() == 200 && page.text.contains("账号已注销")
}

/// What a sign-in with these credentials is answered, without what differs from page to page.
async fn answered(app: &TestApp, personal_id: &str) -> (u16, Option<String>, usize, Vec<String>) {
    let mut browser = app.browser();
    let page = browser.get(&authorize_url(&FILING, &[])).await;
    let t = page.hidden()["t"].clone();
    let door = format!("/login/credentials?t={t}&entrance=natural_person");
    let page = get(&mut browser, &door).await;
    let typed = browser.type_credentials(&page, ("", personal_id, PASSWORD)).await;
    let said = typed.code().map(str::to_owned);
    let mut names: Vec<String> =
        typed.headers.keys().map(|name| name.as_str().to_owned()).collect();
    names.sort();
    (typed.status.as_u16(), said, browser.cookies.len(), names)
}

/// Covers PC-20, PC-21, PC-22: every way in, session, grant and means of the account ends in one step, and the
/// applications hear of it; the old credentials are answered like those of nobody.
#[test]
fn a_cancelled_account_is_nobodys() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let app = start(on, &url).await;
        let mut clerk = as_wang(&app, "<strong>办税员").await;
        let mut wang = as_person(&app, WANG).await;
        let page = get(&mut wang, "/account/passkeys").await;
        let (_, made) = Passkey::make(&asked(&page).expect("options"));
        wang.submit(&page, &[("name", "phone"), ("made", &made)]).await;
        assert_eq!(authenticator::enrol_at(&app, &mut wang).await.1.len(), 10);
        let ids = held(&app.ctx, WANG).await;
        let (person, rows) = (ids[0].person, app.ctx.rows());
        let account = rows.accounts().find_by_person(person).await.unwrap().unwrap().id;
        remember_a_browser(&app, account).await;
        assert_eq!(means(&app, account).await, [1, 1, 10, 1]);
        let (as_clerk, own) = (tokens(&app, &mut clerk).await, tokens(&app, &mut wang).await);
        let access =
            |tokens: &serde_json::Value| tokens["access_token"].as_str().unwrap().to_owned();
        let mut sids: Vec<String> = [&as_clerk, &own]
            .iter()
            .map(|one| claims(&access(one))["sid"].as_str().unwrap().to_owned())
            .collect();
        // Not from an enterprise's identity, and not unread.
        assert_eq!(get(&mut clerk, PATH).await.code(), Some("E_ROLE"));
        let form = [("read", "yes"), ("way", "sms")];
        assert_eq!(post(&app, &mut clerk, PATH, &form).await.code(), Some("E_ROLE"));
        let unread = post(&app, &mut wang, PATH, &[("way", "sms")]).await;
        assert_eq!((unread.status.as_u16(), unread.code()), (422, Some("E_FORMAT")));
        // A wrong code ends nothing.
        app.clock.advance(61);
        let page = to_proof(&app, &mut wang, "sms").await;
        assert!(page.text.contains("138****8000"), "{}", page.text);
        for way in ["email", "totp", "passkey"] {
            assert!(
                !page.text.contains(&format!("id=\"way-{way}\"")),
                "{way} is no proof for this"
            );
        }
        let sent = wang.submit(&page, &[("act", "send")]).await;
        let right = app.sms(WANG);
        let wrong = if right == "000000" { "000001" } else { "000000" };
        let refused = wang.submit(&sent, &[("act", "verify"), ("code", wrong)]).await;
        assert_eq!(refused.code(), Some("E_OTP"));
        assert!(rows.accounts().find(account).await.unwrap().unwrap().is_live());
        let n = app.audit().await.len();
        let done = wang.submit(&refused, &[("act", "verify"), ("code", &right)]).await;
        assert!(is_over(&done), "{}", done.text);
        assert!(!wang.cookies.contains_key("__Host-hufu-session-jiangxi"));
        // Nothing of it is left, and its names are free.
        let phone = Phone::parse(WANG).unwrap();
        assert_eq!(rows.accounts().find_by_phone(&phone).await.unwrap(), None);
        assert_eq!(rows.accounts().find_by_person(person).await.unwrap(), None);
        let name = Username::parse("wangxm").unwrap();
        assert_eq!(rows.accounts().find_by_username(&name).await.unwrap(), None);
        assert_eq!(means(&app, account).await, [0; 4]);
        assert!(rows.people().find(person).await.unwrap().unwrap().email.is_none());
        let n_hashes = format!(
            "SELECT 'x' AS said FROM account WHERE password_hash IS NOT NULL AND id = {}",
            app.literal(account.0)
        );
        assert_eq!(app.said(&n_hashes).await, [""; 0]);
        assert!(get(&mut clerk, "/account").await.url.contains("/login"), "signed out everywhere");
        for tokens in [&as_clerk, &own] {
            assert_eq!(app.introspect(&access(tokens)).await["active"], false);
            let refresh = app.refresh(tokens["refresh_token"].as_str().unwrap()).await.1;
            assert_eq!(refresh["error"], "invalid_grant");
        }
        let mut told = logged_out(&app, &listener).await;
        told.sort();
        sids.sort();
        assert_eq!(told, sids);
        let audit = app.audit().await;
        let ended = |action: &str| audit[n..].iter().filter(|one| one["action"] == action).count();
        assert_eq!((ended("account_cancelled"), ended("session_ended")), (1, 2));
        // Old credentials are those of nobody.
        let nobody = answered(&app, "13912345678").await;
        assert_eq!(nobody.1.as_deref(), Some("E_CREDENTIALS"));
        for old in [WANG, "wangxm", DOCUMENT] {
            assert_eq!(answered(&app, old).await, nobody, "{old}");
        }
    });
}

/// Covers PC-23, PC-24, PC-25: the real-name record, documents and every relation stay as they were; managers see
/// that the account is gone and can still end the relation, and no feed brings the account back.
#[test]
fn what_is_known_of_the_person_stays() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let mut wang = as_person(&app, WANG).await;
        let person = held(&app.ctx, WANG).await[0].person;
        let before = app.rows_of("jiangxi").await;
        assert!(is_over(&cancel(&app, &mut wang, WANG).await));
        let after = app.rows_of("jiangxi").await;
        for table in [
            "authorisation",
            "authorisation_event",
            "authorisation_history",
            "identity_document",
            "real_name_step",
            "agreement_acceptance",
            "login_log",
            "enterprise",
        ] {
            assert_eq!(after[table], before[table], "{table}");
        }
        let known = app.ctx.rows().people().find(person).await.unwrap().unwrap();
        assert_eq!((known.name.as_str(), known.real_name_level), ("王小明", 3));
        let list = get(&mut li, "/account/handlers").await;
        let of_wang = |page: &Shown| listed(page).iter().filter(|one| one.0 == "王*明").count();
        assert_eq!(of_wang(&list), 2, "both identities stand: {}", list.text);
        assert_eq!(list.text.matches("账号已注销").count(), 2);
        // The registry tells of them again: it is their person who opens an account, and nobody else.
        let line = json!({"feed": "person", "source_key": "p-w", "version": 1, "name": "王小明",
            "document": DOCUMENT, "phone": WANG});
        feed(&app, &[line]).await;
        assert_eq!(app.ctx.rows().accounts().find_by_person(person).await.unwrap(), None);
        assert_eq!(answered(&app, DOCUMENT).await.1.as_deref(), Some("E_CREDENTIALS"));
        // A manager ends one.
        let id = list.text.split("/account/handlers/").filter_map(|rest| rest.get(..36));
        let mut ids = id.filter(|id| uuid::Uuid::parse_str(id).is_ok());
        let mut wanted = None;
        for id in ids.by_ref() {
            let page = get(&mut li, &format!("/account/handlers/{id}")).await;
            if page.text.contains("账号已注销") {
                wanted = Some(id);
            }
        }
        let path = format!("/account/handlers/{}", wanted.expect("a handler"));
        post(&app, &mut li, &path, &[("act", "delete"), ("sure", "yes")]).await;
        assert_eq!(of_wang(&get(&mut li, "/account/handlers").await), 1);
        let gone = get(&mut li, "/account/handlers/history?reason=deleted").await;
        assert!(gone.text.contains("账号已注销"), "{}", gone.text);
    });
}

/// Covers PC-28: named are those whose only online manager goes; and a face is proof enough (PC-21), another's
/// is not.
#[test]
fn who_leaves_an_enterprise_without_a_manager_is_told_which() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_person(&app, LI).await;
        let alone = |page: &Shown| {
            let part = page.text.split("id=\"left-alone\"").nth(1).unwrap_or_default().to_owned();
            let part = part.split("</section>").next().unwrap().to_owned();
            part.split("<li>")
                .skip(1)
                .map(|one| one.split('<').next().unwrap().to_owned())
                .collect()
        };
        // 张伟 supervises the finance of the one, the agency has nobody else.
        let named: Vec<String> = alone(&get(&mut li, PATH).await);
        assert_eq!(named, ["南昌示例税务师事务所"]);
        // Once he has left, the other has nobody either.
        drop(at_door(&app, "enterprise", (EXAMPLE, "13700137000", "014512"), "").await);
        let mut zhang =
            at_door(&app, "natural_person", ("", "13700137000", "Spring2026+"), "").await;
        let named: Vec<String> = alone(&get(&mut zhang, PATH).await);
        assert_eq!(named, [""; 0]);
        assert!(is_over(&cancel(&app, &mut zhang, "13700137000").await));
        let mut named: Vec<String> = alone(&get(&mut li, PATH).await);
        named.sort();
        assert_eq!(named, ["南昌示例科技有限公司", "南昌示例税务师事务所"]);
        // By face; of two tabs that began, one ends it.
        let first = to_proof(&app, &mut li, "tax_app").await;
        let mut second = li.clone();
        let other = to_proof(&app, &mut second, "sms").await;
        let done = pass_scan(&app, &mut li, &first).await;
        assert!(is_over(&done), "{}", done.text);
        let late = second.submit(&other, &[("act", "send")]).await;
        assert!(!is_over(&late), "{}", late.text);
        let audit = app.audit().await;
        let n = audit.iter().filter(|one| one["action"] == "account_cancelled").count();
        assert_eq!(n, 2);
    });
}
