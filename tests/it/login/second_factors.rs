//! The second factor under guesses, and who may change what proves them.

use hufu::domain::notice::NoticeKind;
use hufu::domain::number::phone::Phone as PhoneNumber;
use hufu::domain::person::Account;

use crate::kit::browser::Shown;
use crate::kit::passkey::asked;
use crate::kit::{
    Browser, EXAMPLE, FILING, PASSWORD, Setup, TestApp, authorize_url, changed_realm,
    on_each_database,
};
use crate::login::authenticator::{Phone, enrol};
use crate::login::doors::{DOORS, Door};
use crate::login::passkeys;
use crate::login::scan::{another, code, number, scan};
use crate::protocol::authorize::signed_in;

const LI: &str = "13900139000";
const AUTHENTICATOR: &str = "/realms/jiangxi/account/authenticator";
const PASSKEYS: &str = "/realms/jiangxi/account/passkeys";

async fn account(app: &TestApp) -> Account {
    let phone = PhoneNumber::parse(LI).unwrap();
    app.ctx.rows().accounts().find_by_phone(&phone).await.unwrap().unwrap()
}

/// The second factor's page of 李芳 with one way open, for whoever knows her password.
async fn open(app: &TestApp, from: &str, way: &str) -> (Browser, Shown) {
    let mut browser = app.browser_at(from);
    let page = browser.get(&authorize_url(&FILING, &[])).await;
    let page = browser.type_credentials(&page, (EXAMPLE, LI, PASSWORD)).await;
    let t = page.hidden()["t"].clone();
    let url = format!("/realms/jiangxi/login/second_factor?t={t}&way={way}");
    let page = browser.get(&url).await;
    (browser, page)
}

async fn totp(browser: &mut Browser, page: &Shown, code: &str) -> (Option<String>, Option<String>) {
    let shown = browser.submit(page, &[("act", "totp"), ("code", code)]).await;
    (shown.code().map(str::to_owned), shown.header("retry-after"))
}

async fn notices(app: &TestApp, kind: NoticeKind) -> usize {
    let all = app.ctx.rows().notices().list(account(app).await.person, 100).await.unwrap();
    all.iter().filter(|one| one.kind == kind).count()
}

/// Digits and recovery codes, whichever sign-in they are typed in: five, then a lock that doubles;
/// each stands in the log, the person is told at the third; and it locks no passkey and no place of
/// their own. Covers E-24.
#[test]
fn guesses_at_the_authenticator_end_are_logged_and_told() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut owner = signed_in(&app).await;
        let mut passkey = passkeys::enrol(&mut owner).await;
        app.clock.advance(61);
        let (phone, codes) = enrol(&app).await;
        let told = notices(&app, NoticeKind::SecondFactorFailed).await;
        assert_eq!(told, 0);
        let mut n_failed = 0;
        for wait in [900, 1800] {
            for n in 0..5 {
                // Another address and another sign-in each time.
                let from = format!("203.0.113.{n}");
                let (mut browser, page) = open(&app, &from, "totp").await;
                let guess = if n == 4 { "AAAAA-AAAAA-AAAAA" } else { "000000" };
                let (code, _) = totp(&mut browser, &page, guess).await;
                n_failed += usize::from(code.as_deref() == Some("E_OTP"));
                let told = notices(&app, NoticeKind::SecondFactorFailed).await;
                let before = usize::from(wait == 1800);
                assert_eq!(told, before + usize::from(n_failed % 5 == 0 || n_failed % 5 >= 3));
                if code.as_deref() == Some("E_FORMAT") {
                    let (code, _) = totp(&mut browser, &page, "000001").await;
                    assert_eq!(code.as_deref(), Some("E_OTP"));
                    n_failed += 1;
                }
            }
            // A sign-in makes a place known: another one each time.
            let elsewhere = format!("203.0.113.{}", 70 + wait / 900);
            let (mut browser, page) = open(&app, &elsewhere, "totp").await;
            let right = phone.code(&app);
            let heard = totp(&mut browser, &page, &right).await;
            assert_eq!(heard, (Some("E_OTP_RATE".to_owned()), Some(wait.to_string())));
            let heard = totp(&mut browser, &page, &codes[0]).await;
            assert_eq!(heard.0.as_deref(), Some("E_OTP_RATE"), "recovery codes are digits, too");
            // A passkey from there, and the authenticator where she has signed in before.
            let (mut browser, page) = open(&app, &elsewhere, "passkey").await;
            let made = passkey.answer(&asked(&page).expect("options"));
            let done = browser.submit(&page, &[("act", "passkey"), ("made", &made)]).await;
            assert!(done.answered("code").is_some(), "{}", done.text);
            let (mut browser, page) = open(&app, "127.0.0.1", "totp").await;
            app.clock.advance(31);
            let own = phone.code(&app);
            assert_eq!(totp(&mut browser, &page, &own).await.0, None);
            app.clock.advance(wait);
        }
        let since = app.clock.now().plus(-86_400);
        let log = app.ctx.rows().records().attempts(account(&app).await.person, since).await;
        let log = log.unwrap();
        let failed = log.iter().filter(|one| one.way == "totp" && one.outcome == "E_OTP");
        assert_eq!(failed.count(), n_failed);
        assert!(log.iter().any(|one| one.way == "totp" && one.outcome == "E_OTP_RATE"));
        let page = owner.get("/realms/jiangxi/account/messages").await;
        assert!(page.text.contains("多次未能通过身份验证"), "{}", page.text);
        assert!(page.text.contains("新增了一种验证方式"));
    });
}

/// Every kind of failure is one account's: a text message, a made-up passkey, a wrong number on a
/// phone. Covers E-11, E-24.
#[test]
fn failures_of_every_kind_count_together() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut owner = signed_in(&app).await;
        passkeys::enrol(&mut owner).await;
        app.clock.advance(61);
        let stranger = "203.0.113.9";
        let (mut browser, page) = open(&app, stranger, "sms").await;
        let sent = browser.submit(&page, &[("act", "send")]).await;
        let right = app.sms(LI);
        let wrong = if right == "000000" { "000001" } else { "000000" };
        for _ in 0..2 {
            let shown = browser.submit(&sent, &[("act", "verify"), ("code", wrong)]).await;
            assert_eq!(shown.code(), Some("E_OTP"));
        }
        let (mut other, page) = open(&app, stranger, "passkey").await;
        let shown = other.submit(&page, &[("act", "passkey"), ("made", "{\"id\": \"x\"}")]).await;
        assert_eq!(shown.code(), Some("E_PASSKEY"));
        assert_eq!(notices(&app, NoticeKind::SecondFactorFailed).await, 1);
        for _ in 0..2 {
            let (_, page) = open(&app, stranger, "tax_app").await;
            let mut phone = app.browser_at(stranger);
            let asked = scan(&mut phone, &code(&page)).await;
            let wrong = another(&number(&app.ctx, &page).await);
            let refused = phone.submit(&asked, &[("act", "confirm"), ("number", wrong)]).await;
            assert_eq!(refused.code(), Some("E_STEPUP_FAILED"));
        }
        let shown = browser.submit(&sent, &[("act", "verify"), ("code", &right)]).await;
        assert_eq!((shown.status.as_u16(), shown.code()), (429, Some("E_OTP_RATE")));
        assert_eq!(shown.header("retry-after").as_deref(), Some("900"));
        assert_eq!(notices(&app, NoticeKind::SecondFactorFailed).await, 1, "told once");
        let since = app.clock.now().plus(-86_400);
        let log = app.ctx.rows().records().attempts(account(&app).await.person, since).await;
        let mut ways: Vec<String> = log.unwrap().into_iter().map(|one| one.way).collect();
        ways.retain(|way| way != "password");
        ways.sort();
        assert_eq!(ways, ["passkey", "sms", "sms", "sms", "tax_app", "tax_app"]);
    });
}

/// A session by a remembered browser and the password has proved no second factor: it enrols
/// nothing, removes nothing, and is led to prove one and back.
#[test]
fn a_remembered_browser_changes_no_factor() {
    on_each_database(|on| async move {
        let door = "id = \"natural_person\"\n";
        let more = "id = \"natural_person\"\nremember_device_days = 30\n";
        let realm = changed_realm(&[("entrances.toml", door, more)]);
        let app = Setup::of(on, vec![realm]).start().await;
        let own = Door { phone: LI, ..DOORS[1] };
        let (mut browser, page) = own.at_second_factor(&app).await;
        let sent = browser.submit(&page, &[("act", "send")]).await;
        let fields = [("act", "verify"), ("code", &app.sms(LI)), ("remember", "yes")];
        browser.submit(&sent, &fields).await;
        let mut proved = browser.clone();
        let old_page = proved.get(AUTHENTICATOR).await;
        assert!(old_page.text.contains("value=\"begin\""), "{}", old_page.text);
        app.clock.advance(61);
        let page = own.open_in(&mut browser).await;
        let done = own.type_in(&mut browser, &page, (LI, PASSWORD)).await;
        assert!(done.answered("code").is_some(), "spared: {}", done.text);
        for path in [AUTHENTICATOR, PASSKEYS] {
            let shown = browser.get(path).await;
            assert!(shown.url.contains("/login/second_factor"), "{path}: {}", shown.url);
        }
        // A factor proved in this session opens the page that was asked for.
        let step = browser.get(AUTHENTICATOR).await;
        let page = browser.pass_second_factor(&app, &step, LI).await;
        assert_eq!(page.url, AUTHENTICATOR);
        let page = browser.submit(&page, &[("act", "begin")]).await;
        assert!(page.text.contains("class=\"typed\""), "{}", page.text);
        // Fifteen minutes later the form is as far away as the page.
        app.clock.advance(901);
        let shown = browser.submit(&page, &[("act", "confirm"), ("code", "000000")]).await;
        assert!(shown.url.contains("/login/second_factor"), "{}", shown.url);
    });
}

/// A new authenticator replaces the old one when it has proved itself, and not a moment before.
#[test]
fn the_old_authenticator_works_until_the_new_one_is_confirmed() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (old, codes) = enrol(&app).await;
        app.clock.advance(61);
        let mut browser = signed_in(&app).await;
        let page = browser.get(AUTHENTICATOR).await;
        let page = browser.submit(&page, &[("act", "begin")]).await;
        let new = Phone::enrolled(&page);
        let (mut other, factor) = open(&app, "127.0.0.1", "totp").await;
        let shown = other.submit(&factor, &[("act", "totp"), ("code", &new.code(&app))]).await;
        assert_eq!(shown.code(), Some("E_OTP"), "not confirmed");
        let shown = other.submit(&factor, &[("act", "totp"), ("code", &old.code(&app))]).await;
        assert!(shown.answered("code").is_some(), "the old one counts: {}", shown.text);
        // Two tabs confirm: one has the recovery codes.
        let code = new.code(&app);
        let (mut one, mut two) = (browser.clone(), browser.clone());
        let fields = [("act", "confirm"), ("code", code.as_str())];
        let (one, two) = tokio::join!(one.submit(&page, &fields), two.submit(&page, &fields));
        let given = [&one, &two].map(|shown| shown.text.matches("<li><code>").count());
        assert_eq!(given.iter().sum::<usize>(), 10, "{given:?}");
        app.clock.advance(31);
        let (mut other, factor) = open(&app, "127.0.0.1", "totp").await;
        for gone in [&old.code(&app), &codes[0]] {
            let shown = other.submit(&factor, &[("act", "totp"), ("code", gone)]).await;
            assert_eq!(shown.code(), Some("E_OTP"));
        }
        let shown = other.submit(&factor, &[("act", "totp"), ("code", &new.code(&app))]).await;
        assert!(shown.answered("code").is_some(), "{}", shown.text);
    });
}

/// The authenticator stands beside the guide's three ways for who has enrolled one, and never where
/// a face alone counts. Covers AU-08.
#[test]
fn the_authenticator_is_offered_where_it_works() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (_, page) = open(&app, "127.0.0.1", "sms").await;
        assert!(!page.text.contains("way=totp"), "not enrolled: {}", page.text);
        enrol(&app).await;
        let (_, page) = open(&app, "127.0.0.1", "sms").await;
        assert!(page.text.contains("way=totp"), "{}", page.text);
        let entrance = app.ctx.realm.step_up_entrance().unwrap();
        assert!(entrance.second_factors.iter().all(|factor| factor.is_face()));
        let none = changed_realm(&[("entrances.toml", "\"totp\", ", "")]);
        let app = Setup::of(on, vec![none]).start().await;
        let mut browser = signed_in(&app).await;
        let page = browser.get(AUTHENTICATOR).await;
        assert!(!page.text.contains("value=\"begin\""), "no entrance takes it");
        let home = browser.get("/realms/jiangxi/account/person").await;
        assert!(!home.text.contains("/account/authenticator"), "nor is it offered");
    });
}

/// Covers E-24: at the third failure a text message goes out, once, and an e-mail where there is an
/// address; while it is locked no code is sent that nobody could use.
#[test]
fn the_person_is_told_by_text_message_and_no_code_goes_out_in_vain() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, page) = open(&app, "203.0.113.9", "sms").await;
        let sent = browser.submit(&page, &[("act", "send")]).await;
        let right = app.sms(LI);
        let wrong = if right == "000000" { "000001" } else { "000000" };
        for tried in [0, 0, 2, 0, 0] {
            let shown = browser.submit(&sent, &[("act", "verify"), ("code", wrong)]).await;
            assert_eq!(shown.code(), Some("E_OTP"));
            assert_eq!(app.deliver().await, tried);
        }
        assert_eq!(app.sms(LI), "second-factor-failed");
        app.clock.advance(61);
        let shown = browser.submit(&sent, &[("act", "send")]).await;
        assert_eq!((shown.status.as_u16(), shown.code()), (429, Some("E_OTP_RATE")));
        assert_eq!(shown.header("retry-after").as_deref(), Some("839"));
        assert_eq!(app.sms(LI), "second-factor-failed", "nothing was sent");
    });
}

/// A remembered browser is a factor, too: remembering one is told, forgetting one wants a fresh proof.
#[test]
fn a_remembered_browser_is_told_and_forgotten_by_a_proved_factor() {
    on_each_database(|on| async move {
        let door = "id = \"natural_person\"\n";
        let more = "id = \"natural_person\"\nremember_device_days = 30\n";
        let realm = changed_realm(&[("entrances.toml", door, more)]);
        let app = Setup::of(on, vec![realm]).start().await;
        let own = Door { phone: LI, ..DOORS[1] };
        let (mut browser, page) = own.at_second_factor(&app).await;
        let sent = browser.submit(&page, &[("act", "send")]).await;
        let fields = [("act", "verify"), ("code", &app.sms(LI)), ("remember", "yes")];
        browser.submit(&sent, &fields).await.answered("code").expect("signed in");
        assert_eq!(notices(&app, NoticeKind::FactorAdded).await, 1);
        app.clock.advance(901);
        let page = browser.get("/realms/jiangxi/account/devices").await;
        let id = page.text.split("name=\"forget\" value=\"").nth(1).unwrap();
        let id = id.split('"').next().unwrap().to_owned();
        let step = browser.submit(&page, &[("forget", &id)]).await;
        assert!(step.url.contains("/login/second_factor"), "{}", step.url);
        assert_eq!(notices(&app, NoticeKind::FactorRemoved).await, 0);
        let page = browser.pass_second_factor(&app, &step, LI).await;
        assert!(page.text.contains(&id), "back, and still there: {}", page.text);
        let page = browser.submit(&page, &[("forget", &id)]).await;
        assert!(!page.text.contains(&id), "{}", page.text);
        assert_eq!(notices(&app, NoticeKind::FactorRemoved).await, 1);
    });
}

/// What could not be judged costs no try: the table of recovery codes is away for as many tries as lock.
#[test]
fn a_fault_is_no_wrong_second_factor() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (phone, codes) = enrol(&app).await;
        app.clock.advance(61);
        let (mut browser, page) = open(&app, "203.0.113.9", "totp").await;
        app.sql("ALTER TABLE recovery_code RENAME TO recovery_code_elsewhere").await;
        for _ in 0..7 {
            let sent = [("act", "totp"), ("code", codes[0].as_str())];
            let failed = browser.submit(&page, &sent).await;
            assert!(failed.status.is_server_error(), "{}", failed.status);
        }
        app.sql("ALTER TABLE recovery_code_elsewhere RENAME TO recovery_code").await;
        // Digits are judged without it, and four wrong ones lock nothing yet.
        for _ in 0..4 {
            assert_eq!(totp(&mut browser, &page, "000000").await.0.as_deref(), Some("E_OTP"));
        }
        let code = phone.code(&app);
        assert_eq!(totp(&mut browser, &page, &code).await.0, None);
    });
}

/// What is refused while a lock lasts was no try at the code that was sent: it is good afterwards.
#[test]
fn a_lock_voids_no_code() {
    on_each_database(|on| async move {
        let short = ("realm.toml", "first_lock = 900", "first_lock = 60");
        let app = Setup::of(on, vec![changed_realm(&[short])]).start().await;
        enrol(&app).await;
        app.clock.advance(61);
        let (mut browser, page) = open(&app, "203.0.113.9", "sms").await;
        let sent = browser.submit(&page, &[("act", "send")]).await;
        let (mut other, page) = open(&app, "203.0.113.10", "totp").await;
        for _ in 0..5 {
            assert_eq!(totp(&mut other, &page, "000000").await.0.as_deref(), Some("E_OTP"));
        }
        let right = app.sms(LI);
        for _ in 0..7 {
            let shown = browser.submit(&sent, &[("act", "verify"), ("code", &right)]).await;
            assert_eq!(shown.code(), Some("E_OTP_RATE"));
        }
        app.clock.advance(61);
        let done = browser.submit(&sent, &[("act", "verify"), ("code", &right)]).await;
        assert!(done.answered("code").is_some(), "{:?}", done.code());
    });
}
