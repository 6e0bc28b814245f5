//! 【用户注销】: what ends, what stays, who is told, and that nothing of before signs anybody in.

use hufu::base::id::AccountId;
use hufu::base::secret::Hashed;
use hufu::domain::number::phone::Phone;
use hufu::domain::number::username::Username;
use hufu::outbound::asked::FaceState;
use hufu::store::devices::RememberedDevice;
use serde_json::json;

use super::contract::{logged_out, start, tokens};
use super::switching::token_claims;
use super::{
    LI, WANG, as_li, as_person, as_wang, at_door, feed, get, held, listed, pass_scan, post,
};
use crate::kit::browser::{Shown, unescape};
use crate::kit::listener::Listener;
use crate::kit::passkey::{Passkey, asked};
use crate::kit::{
    Browser, EXAMPLE, FILING, PASSWORD, TestApp, authorize_url, claims, on_each_database,
    on_one_database,
};
use crate::login::authenticator;
use crate::login::scan::{act, go_on, iit, number, pass_face};
use crate::recovery::{account_of, notices, reached_by};
use crate::registration::{NEW_PASSWORD, Registrant, XU, registered};

const PATH: &str = "/account/cancel";
const DOCUMENT: &str = "360102199003071236";
/// Name and number, as an app knows its person.
const OWN: (&str, &str) = ("王小明", DOCUMENT);
const OTHER: (&str, &str) = ("李芳", "360121198802290026");

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
    let page = browser.at_entrance(&authorize_url(&FILING, &[]), "natural_person").await;
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

/// Where a link of this navigation leads.
fn way(page: &Shown, navigation: &str, title: &str) -> Option<String> {
    let part = page.text.split(&format!("<nav class=\"{navigation}\"")).nth(1)?;
    let part = part.split("</nav>").next().unwrap();
    let link = part.split("</a>").find(|link| link.ends_with(&format!(">{title}")))?;
    Some(unescape(link.rsplit("href=\"").next()?.split('"').next()?))
}

/// Covers PC-20: 【个人信息管理】-【用户注销】 leads there from the person's own menu; from an enterprise's identity no
/// page does, and the address is refused, its form too.
#[test]
fn the_way_out_is_in_the_personal_menu_alone() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        let home = get(&mut wang, "/account").await;
        let own = wang.get(&way(&home, "menu", "个人信息管理").expect("the group")).await;
        let there = wang.get(&way(&own, "tabs", "用户注销").expect("the function")).await;
        assert!(there.url.ends_with(PATH) && there.code().is_none(), "{}", there.url);
        assert!(there.text.contains("id=\"cancel-go\""), "{}", there.text);
        for mut browser in [as_li(&app).await, as_wang(&app, "<strong>办税员").await] {
            let home = get(&mut browser, "/account").await;
            let own = browser.get(&way(&home, "menu", "个人信息管理").expect("the group")).await;
            assert!(way(&own, "tabs", "个人密码修改").is_some(), "{}", own.text);
            assert_eq!(way(&own, "tabs", "用户注销"), None);
            for path in [
                "/account",
                "/account/person",
                "/account/password",
                "/account/phones",
                "/account/maintain",
                "/account/documents",
                "/account/security",
                "/account/level",
                "/account/log",
            ] {
                let page = get(&mut browser, path).await;
                assert_eq!(page.status.as_u16(), 200, "{path}");
                assert!(!unescape(&page.text).contains(PATH), "{path}: {}", page.text);
            }
            assert_eq!(get(&mut browser, PATH).await.code(), Some("E_ROLE"));
            for way in ["sms", "tax_app", "iit_app"] {
                let form = [("read", "yes"), ("way", way)];
                let refused = post(&app, &mut browser, PATH, &form).await;
                assert_eq!((refused.status.as_u16(), refused.code()), (403, Some("E_ROLE")));
            }
        }
        assert!(app.audit().await.iter().all(|one| one["action"] != "account_cancelled"));
    });
}

/// An app of the two looks at somebody's face for the code of this page; what the phone hears.
async fn shows_face(
    app: &TestApp,
    page: &Shown,
    way: &str,
    (name, document): (&str, &str),
) -> Option<String> {
    if way == "tax_app" {
        let is_own = (name, document) == OWN;
        let outcome = if is_own { FaceState::Passed } else { FaceState::Failed };
        return pass_face(app, page, outcome).await.code().map(str::to_owned);
    }
    let who = iit(name, document);
    act(app, page, "scan", (&who, true), None).await;
    let typed = number(&app.ctx, page).await.parse().ok();
    let told = act(app, page, "confirm", (&who, true), typed).await;
    told["error"].as_str().map(str::to_owned)
}

/// Covers PC-21, PC-22: by the bureau's app and by the other operator's alike it is this person's face that ends
/// the account, and nobody else's.
#[test]
fn a_face_by_either_app_ends_the_account() {
    on_each_database(|on| async move {
        for way in ["tax_app", "iit_app"] {
            let app = TestApp::start(on).await;
            let mut wang = as_person(&app, WANG).await;
            let person = held(&app.ctx, WANG).await[0].person;
            let rows = app.ctx.rows();
            let account = async || rows.accounts().find_by_person(person).await.unwrap();
            let notice = get(&mut wang, PATH).await;
            assert!(notice.text.contains(&format!("name=\"way\" value=\"{way}\"")), "{way}");
            let page = to_proof(&app, &mut wang, way).await;
            let other = shows_face(&app, &page, way, OTHER).await;
            assert_eq!(other.as_deref(), Some("E_STEPUP_FAILED"), "{way}");
            let page = go_on(&mut wang, &page).await;
            assert_eq!(page.code(), Some("E_STEPUP_FAILED"), "{way}: {}", page.text);
            assert!(account().await.is_some(), "{way}");
            assert_eq!(shows_face(&app, &page, way, OWN).await, None, "{way}");
            assert!(account().await.is_some(), "{way}: the browser goes on first");
            let done = go_on(&mut wang, &page).await;
            assert!(is_over(&done), "{way}: {}", done.text);
            assert_eq!(account().await, None, "{way}");
            assert!(!wang.cookies.contains_key("__Host-hufu-session-jiangxi"), "{way}");
            assert_eq!(answered(&app, WANG).await.1.as_deref(), Some("E_CREDENTIALS"), "{way}");
            let audit = app.audit().await;
            let ended = audit.iter().filter(|one| one["action"] == "account_cancelled").count();
            assert_eq!(ended, 1, "{way}");
        }
    });
}

/// Covers PC-21: whoever has not confirmed the notice is not asked for a code, and a right one that was sent for
/// something else ends nothing, neither at the notice nor at its own step.
#[test]
fn no_code_ends_what_was_not_read() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        let person = held(&app.ctx, WANG).await[0].person;
        app.clock.advance(901);
        let send = [("act", "send"), ("to", "wang@example.com")];
        let asked = post(&app, &mut wang, "/account/maintain", &send).await;
        assert!(asked.url.contains("/login/second_factor"), "{}", asked.url);
        let sent = wang.submit(&asked, &[("act", "send")]).await;
        let code = app.sms(WANG);
        let n_sent = app.ctx.services.outbound.inbox.messages().len();
        let given = [("act", "verify"), ("code", code.as_str())];
        for form in [vec![], vec![("read", "no")], vec![("read", "")], vec![("read", "true")]] {
            for way in ["sms", "tax_app", "iit_app"] {
                let fields = [&form[..], &given[..], &[("way", way)]].concat();
                let refused = post(&app, &mut wang, PATH, &fields).await;
                let seen = (refused.status.as_u16(), refused.code());
                assert_eq!(seen, (422, Some("E_FORMAT")), "{fields:?}");
                assert!(refused.url.ends_with(PATH), "{fields:?}: {}", refused.url);
            }
        }
        let stray = post(&app, &mut wang, "/login/second_factor", &given).await;
        assert!(stray.status.is_client_error(), "{}", stray.text);
        assert_eq!(app.ctx.services.outbound.inbox.messages().len(), n_sent, "nothing was sent");
        let back = wang.submit(&sent, &given).await;
        assert!(back.url.ends_with("/account/maintain"), "{} {}", back.url, back.text);
        let account = app.ctx.rows().accounts().find_by_person(person).await.unwrap();
        assert!(account.is_some_and(|account| account.is_live()));
        assert!(app.audit().await.iter().all(|one| one["action"] != "account_cancelled"));
    });
}

/// Covers PC-26: whoever has given their account up and registers with the same document is the same person to
/// applications, with another account; every relation is as it was, and is worked by at once.
#[test]
fn whoever_registers_again_is_the_same_person() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut clerk = as_wang(&app, "<strong>办税员").await;
        let before = token_claims(&app, &mut clerk).await;
        let relations = held(&app.ctx, WANG).await;
        let person = relations[0].person;
        let rows = app.ctx.rows();
        let former = rows.accounts().find_by_person(person).await.unwrap().unwrap().id;
        let mut wang = as_person(&app, WANG).await;
        assert!(is_over(&cancel(&app, &mut wang, WANG).await));
        app.clock.advance(3601);
        let again = Registrant { name: OWN.0, number: DOCUMENT, contact: WANG, ..XU };
        registered(&app, again).await;
        let account = rows.accounts().find_by_person(person).await.unwrap().unwrap().id;
        assert_ne!(account, former);
        assert_eq!(held(&app.ctx, WANG).await, relations);
        let door = (EXAMPLE, WANG, NEW_PASSWORD);
        let mut clerk = at_door(&app, "enterprise", door, "<strong>办税员").await;
        let after = token_claims(&app, &mut clerk).await;
        assert_eq!(after["sub"], json!(person.to_string()));
        for same in ["sub", "tax_identity", "roles", "permissions"] {
            assert_eq!(after[same], before[same], "{same}");
        }
        assert_ne!(after["sid"], before["sid"]);
        for old in [PASSWORD, "071236"] {
            let mut browser = app.browser();
            let page = browser.get(&authorize_url(&FILING, &[])).await;
            let refused = browser.type_credentials(&page, (EXAMPLE, WANG, old)).await;
            assert_eq!(refused.code(), Some("E_CREDENTIALS"), "{old}");
        }
    });
}

/// Whoever did not do it hears of it by all that led to the account: every phone, the address, and that alone where
/// there is no phone.
#[test]
fn the_last_word_goes_to_all_that_there_was() {
    const MAIL: &str = "wang@example.com";
    const SECOND: &str = "13712345555";
    on_one_database(|on| async move {
        for has_phones in [true, false] {
            let app = TestApp::start(on).await;
            let account = account_of(&app, "wangxm").await;
            for to in [MAIL, SECOND] {
                reached_by(&app, &account, to).await;
            }
            let mut wang = as_person(&app, WANG).await;
            if !has_phones {
                let own = app.literal(account.id.0);
                app.sql(&format!("DELETE FROM phone_binding WHERE account_id = {own}")).await;
            }
            let page = to_proof(&app, &mut wang, "tax_app").await;
            let done = pass_scan(&app, &mut wang, &page).await;
            assert!(is_over(&done), "{}", done.text);
            let phones = [SECOND, WANG].map(|phone| format!("+86{phone} account-cancelled"));
            let mut expected: Vec<String> = phones.into_iter().filter(|_| has_phones).collect();
            expected.push(format!("{MAIL} account-cancelled"));
            assert_eq!(notices(&app), expected);
        }
    });
}
