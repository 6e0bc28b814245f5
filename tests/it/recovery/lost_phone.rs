//! A phone in place of a lost one: what it takes in each of the realm's three manners, and how it is
//! stopped.

use hufu::domain::notice::NoticeKind;
use hufu::domain::number::document::{DocumentNumber, DocumentType};
use hufu::flows::people;
use hufu::flows::self_help::lost_phone::bind_due;
use hufu::outbound::asked::FaceState;

use super::{
    CHEN_ID, NEW, NOBODY_ID, WANG, WANG_ID, account_of, answer, ask, begin_as, by, holder_of,
    logged, look, phones_of, reached_by, sent, set, settled, sign_in, told, until_sent,
};
use crate::account::as_person;
use crate::kit::browser::Shown;
use crate::kit::{
    Browser, PASSWORD, Setup, TestApp, changed_realm, on_each_database, on_one_database,
};
use crate::login::eras::{ENDS, happens};
use crate::login::scan::go_on;

const RECOVER: &str = "/realms/jiangxi/recover-phone";
pub const FRESH: &str = "13911112222";

pub async fn typed(
    browser: &mut Browser,
    (kind, document): (&str, &str),
    password: &str,
    phone: &str,
) -> Shown {
    let page = browser.get(RECOVER).await;
    let fields = [
        ("document_type", kind),
        ("document", document),
        ("password", password),
        ("phone", phone),
        ("act", "begin"),
    ];
    browser.submit(&page, &fields).await
}

/// Everything right of 陈静, who has no phone, until the code.
async fn sent_to(app: &TestApp, browser: &mut Browser, phone: &str) -> Shown {
    let page = typed(browser, ("resident_id_card", CHEN_ID), PASSWORD, phone).await;
    assert!(page.text.contains("name=\"code\""), "{} {}", page.url, page.text);
    assert_eq!(sent(app, phone), 1);
    page
}

/// A realm with this manner.
pub async fn with(on: crate::kit::On, manner: &str) -> TestApp {
    let line = format!("phone_recovery = \"{manner}\"\nhome_province = \"360000\"");
    let change = ("realm.toml", "home_province = \"360000\"", line.as_str());
    Setup::of(on, vec![changed_realm(&[change])]).start().await
}

/// Covers PH-02, PH-03, PH-04, PH-06, R-16, DEC-23: by default a face is asked for after the form; then
/// the phone is bound, is the default of whoever had none, and signs in.
#[test]
fn a_face_binds_the_new_phone() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let page = sent_to(&app, &mut browser, FRESH).await;
        assert!(!page.text.contains(CHEN_ID) && !page.text.contains(PASSWORD));
        assert_eq!(answer(&mut browser, &page, "000000").await.code(), Some("E_OTP"));
        let page = answer(&mut browser, &page, &app.sms(FRESH)).await;
        assert!(page.url.contains("/recover-phone/face?t="), "{} {}", page.url, page.text);
        assert!(holder_of(&app, FRESH).await.is_none(), "a password and a code are not enough");
        let failed = look(&app, &page, FaceState::Failed).await;
        assert_eq!(failed.code(), Some("E_STEPUP_FAILED"));
        assert_eq!(go_on(&mut browser, &page).await.code(), Some("E_STEPUP_FAILED"));
        let page = by(&mut browser, &page, "tax_app").await;
        look(&app, &page, FaceState::Passed).await;
        let done = go_on(&mut browser, &page).await;
        assert!(done.text.contains("已成功找回手机号码"), "{}", done.text);
        assert_eq!(phones_of(&app, "chenjing").await, [(FRESH.to_owned(), true)]);
        assert_eq!(told(&app, "chenjing", NoticeKind::PhoneRecovered).await, 1);
        let mut outcomes = logged(&app, "chenjing", "recover_phone").await;
        outcomes.sort();
        assert_eq!(outcomes, ["E_OTP", "ok"]);
        // Used once.
        assert_eq!(browser.get(&page.url).await.status.as_u16(), 410);
        app.clock.advance(61);
        let (mut own, page) = sign_in(&app, "127.0.0.1", "chenjing", PASSWORD).await;
        assert_ne!(page.code(), Some("E_LOCKED"));
        if page.url.contains("/login/second_factor") {
            own.pass_second_factor(&app, &page, FRESH).await;
        }
    });
}

/// Covers PH-03, PH-04, E-08, E-09: number or password wrong, unknown, or the initial password: one
/// answer; nothing goes to anybody; and the guesses are those of the sign-in's door.
#[test]
fn wrong_credentials_are_a_failed_sign_in() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let wrong = [
            (CHEN_ID, "Wrong2026!"),
            (NOBODY_ID, PASSWORD),
            // 张伟 has never set a password.
            ("360402198511014512", "014512"),
        ];
        for (n, (document, password)) in wrong.into_iter().enumerate() {
            let mut browser = app.browser_at(&format!("203.0.113.{n}"));
            let page = typed(&mut browser, ("resident_id_card", document), password, FRESH).await;
            assert_eq!((page.code(), page.status.as_u16()), (Some("E_CREDENTIALS"), 422));
        }
        assert_eq!(sent(&app, FRESH), 0);
        assert_eq!(logged(&app, "chenjing", "recover_phone").await, ["E_CREDENTIALS"]);
        let mut browser = app.browser();
        for (fields, wrong) in [
            ((WANG_ID, "", FRESH), "password-wrong"),
            ((WANG_ID, PASSWORD, "123"), "phone-wrong"),
            (("1", PASSWORD, FRESH), "document-wrong"),
        ] {
            let (document, password, phone) = fields;
            let page = typed(&mut browser, ("resident_id_card", document), password, phone).await;
            assert_eq!(page.code(), Some("E_FORMAT"));
            assert!(page.text.contains(&format!("id=\"{wrong}\"")), "{wrong}");
        }
        // Five here, and the door is locked for that name; and the other way round.
        for (at, is_door_first) in [("203.0.113.50", false), ("203.0.113.51", true)] {
            for _ in 0..5 {
                if is_door_first {
                    drop(sign_in(&app, at, WANG_ID, "Wrong2026!").await);
                } else {
                    let mut browser = app.browser_at(at);
                    let kind = ("resident_id_card", WANG_ID);
                    drop(typed(&mut browser, kind, "Wrong2026!", FRESH).await);
                }
            }
            let mut browser = app.browser_at(at);
            let kind = ("resident_id_card", WANG_ID);
            let here = typed(&mut browser, kind, PASSWORD, FRESH).await;
            let (_, door) = sign_in(&app, at, WANG_ID, PASSWORD).await;
            assert_eq!((here.code(), door.code()), (Some("E_LOCKED"), Some("E_LOCKED")));
        }
        assert_eq!(sent(&app, FRESH), 0);
    });
}

/// Covers DEC-15, DEC-23, PH-06: whoever can have no face checked waits a day; all who can be told are,
/// with a way to stop it; then it is bound, once.
#[test]
fn a_day_of_patience_binds_it_too() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let kind = ("foreign_passport", "L898902C3");
        let page = typed(&mut browser, kind, PASSWORD, FRESH).await;
        let page = answer(&mut browser, &page, &app.sms(FRESH)).await;
        let done = browser.submit(&page, &[("act", "wait")]).await;
        assert!(done.text.contains("24 小时后生效"), "{}", done.text);
        assert!(holder_of(&app, FRESH).await.is_none());
        app.deliver().await;
        let inbox = app.ctx.services.outbound.inbox.messages();
        let of = |to: &str| {
            let told = inbox.iter().filter(|one| one.to == to && one.template == "notice");
            told.map(|one| one.code.clone()).collect::<Vec<_>>()
        };
        assert_eq!(of("+14155550123"), ["phone-awaited"]);
        let mails = of("john.miller@example.com");
        assert!(mails[0].starts_with("phone-awaited https://sso.jiangxi.example"), "{mails:?}");
        assert_eq!(bind_due(&app.ctx).await.unwrap(), 0);
        app.clock.advance(86_399);
        assert_eq!(bind_due(&app.ctx).await.unwrap(), 0);
        app.clock.advance(1);
        let second = app.second_node().await;
        let (a, b) = tokio::join!(bind_due(&app.ctx), bind_due(&second.ctx));
        assert_eq!(a.unwrap() + b.unwrap(), 1, "bound once, whichever node does it");
        let phones = phones_of(&app, "jmiller").await;
        assert!(phones.contains(&(FRESH.to_owned(), false)), "{phones:?}");
        assert_eq!(told(&app, "jmiller", NoticeKind::PhoneRecovered).await, 1);
        assert_eq!(logged(&app, "jmiller", "recover_phone").await, ["ok"], "once it is bound");
        app.deliver().await;
        let inbox = app.ctx.services.outbound.inbox.messages();
        let told = |to: &str| inbox.iter().any(|one| one.to == to && one.code == "phone-recovered");
        assert!(told("+14155550123") && told("john.miller@example.com"));
    });
}

/// Covers DEC-23: whoever is told stops it, by the address in the message or by another password; looking
/// at the address changes nothing.
#[test]
fn what_waits_can_be_stopped() {
    on_each_database(|on| async move {
        let app = with(on, "delay").await;
        let begin = async |phone: &str| {
            let mut browser = app.browser();
            let kind = ("foreign_passport", "L898902C3");
            let page = typed(&mut browser, kind, PASSWORD, phone).await;
            answer(&mut browser, &page, &app.sms(phone)).await
        };
        let link = async || {
            app.deliver().await;
            let inbox = app.ctx.services.outbound.inbox.messages();
            let mail = inbox.iter().find(|one| one.code.starts_with("phone-awaited ")).unwrap();
            mail.code.split("https://sso.jiangxi.example").nth(1).unwrap().to_owned()
        };
        let done = begin(FRESH).await;
        assert!(done.text.contains("24 小时后生效"), "no face is asked for: {}", done.text);
        let at = link().await;
        // A preview, then somebody in another browser.
        let mut reader = app.browser_at("198.51.100.1");
        let page = reader.get(&at).await;
        reader.get(&at).await;
        let wrong = reader.submit(&page, &[("c", "another")]).await;
        assert_eq!(wrong.status.as_u16(), 410);
        let done = reader.submit(&page, &[]).await;
        assert!(done.text.contains("已取消"), "{}", done.text);
        assert_eq!(reader.submit(&page, &[]).await.status.as_u16(), 410, "once");
        app.clock.advance(90_000);
        assert_eq!(bind_due(&app.ctx).await.unwrap(), 0);
        // A newer one takes the place of an older, and has its own day.
        begin("13911113333").await;
        app.clock.advance(80_000);
        begin("13911114444").await;
        app.clock.advance(10_000);
        assert_eq!(bind_due(&app.ctx).await.unwrap(), 0);
        // The person sets another password.
        let mut owner = app.browser_at("198.51.100.2");
        let page = super::begin(&mut owner, "foreign_passport", "L898902C3").await;
        let page = ask(&mut owner, &page, "+14155550123").await;
        until_sent(&app, "+14155550123", 1).await;
        let inbox = app.ctx.services.outbound.inbox.messages();
        let code = inbox.iter().find(|one| one.template == "login_code").unwrap().code.clone();
        let page = answer(&mut owner, &page, &code).await;
        let done = set(&mut owner, &page, NEW).await;
        assert!(done.text.contains("密码修改完成"), "{}", done.text);
        app.clock.advance(90_000);
        assert_eq!(bind_due(&app.ctx).await.unwrap(), 0);
        assert!(holder_of(&app, "13911114444").await.is_none());
    });
}

/// Covers DEC-23: the account centre shows what waits, and stops it without a message at hand; a page that
/// is older than what waits now stops nothing, and nobody else's session does.
#[test]
fn the_account_centre_stops_what_waits() {
    on_each_database(|on| async move {
        let app = with(on, "delay").await;
        let begin = async |phone: &str| {
            let mut browser = app.browser();
            let kind = ("foreign_passport", "L898902C3");
            let page = typed(&mut browser, kind, PASSWORD, phone).await;
            answer(&mut browser, &page, &app.sms(phone)).await
        };
        let phones = "/realms/jiangxi/account/phones";
        let mut owner = as_person(&app, "+14155550123").await;
        let page = owner.get(phones).await;
        assert!(!page.text.contains("id=\"awaited\""), "nothing waits");
        begin(FRESH).await;
        let older = owner.get(phones).await;
        assert!(older.text.contains("id=\"awaited\""), "{}", older.text);
        assert!(!older.text.contains(FRESH), "masked");
        app.clock.advance(61);
        begin("13911113333").await;
        let stop = |page: &Shown| {
            let id = page.text.split("name=\"awaited\" value=\"").nth(1).unwrap();
            id.split('"').next().unwrap().to_owned()
        };
        let (old, page) = (stop(&older), owner.get(phones).await);
        let new = stop(&page);
        assert_ne!(old, new);
        let act = async |browser: &mut Browser, id: &str| {
            let page = browser.get(phones).await;
            browser.submit(&page, &[("act", "stop-awaited"), ("awaited", id)]).await
        };
        assert_eq!(act(&mut owner, &old).await.code(), Some("E_STATE"));
        let mut other = as_person(&app, WANG).await;
        assert_eq!(act(&mut other, &new).await.code(), Some("E_STATE"));
        let done = act(&mut owner, &new).await;
        assert!(done.text.contains("已取消，该手机号码不会绑定"), "{}", done.text);
        assert!(!done.text.contains("id=\"awaited\""));
        assert_eq!(act(&mut owner, &new).await.code(), Some("E_STATE"), "once");
        app.clock.advance(90_000);
        assert_eq!(bind_due(&app.ctx).await.unwrap(), 0);
        assert!(holder_of(&app, "13911113333").await.is_none());
    });
}

/// A phone that waits is not taken from whoever has proved it since: it is given up, and its person is told.
/// Covers R-14, PC-14, DEC-23.
#[test]
fn a_phone_that_somebody_proved_since_stays_theirs() {
    on_each_database(|on| async move {
        let app = with(on, "delay").await;
        let mut browser = app.browser();
        let kind = ("foreign_passport", "L898902C3");
        let page = typed(&mut browser, kind, PASSWORD, FRESH).await;
        let done = answer(&mut browser, &page, &app.sms(FRESH)).await;
        assert!(done.text.contains("我们已通知您"), "{}", done.text);
        app.clock.advance(7200);
        let wang = account_of(&app, "wangxm").await;
        reached_by(&app, &wang, FRESH).await;
        app.clock.advance(86_400);
        assert_eq!(bind_due(&app.ctx).await.unwrap(), 0);
        assert_eq!(holder_of(&app, FRESH).await.unwrap().id, wang.id);
        assert_eq!(told(&app, "wangxm", NoticeKind::PhoneTaken).await, 0);
        assert_eq!(told(&app, "jmiller", NoticeKind::PhoneGivenUp).await, 1);
        app.deliver().await;
        let out = super::notices(&app);
        assert!(out.contains(&"+14155550123 phone-given-up".to_owned()), "{out:?}");
        assert_eq!(bind_due(&app.ctx).await.unwrap(), 0);
        assert_eq!(told(&app, "jmiller", NoticeKind::PhoneGivenUp).await, 1, "once");
    });
}

/// Whoever has as many phones as may be waits for none: they hear it before a code is sent. And nobody is said to
/// have been told where nothing reaches them. Covers PC-09, DEC-23.
#[test]
fn nobody_waits_for_what_cannot_be() {
    on_one_database(|on| async move {
        let app = with(on, "delay").await;
        let wang = account_of(&app, "wangxm").await;
        for phone in ["13911110001", "13911110002", "13911110003", "13911110004"] {
            reached_by(&app, &wang, phone).await;
        }
        let mut browser = app.browser();
        let page = typed(&mut browser, ("resident_id_card", WANG_ID), PASSWORD, FRESH).await;
        assert_eq!(page.code(), Some("E_STATE"), "{}", page.text);
        assert!(page.text.contains("已达上限"), "{}", page.text);
        assert_eq!(sent(&app, FRESH), 0);
        let page = sent_to(&app, &mut browser, FRESH).await;
        let done = answer(&mut browser, &page, &app.sms(FRESH)).await;
        assert!(done.text.contains("24 小时后生效"), "{}", done.text);
        assert!(done.text.contains("无法另行通知"), "{}", done.text);
        assert!(!done.text.contains("我们已通知您"), "{}", done.text);
    });
}

/// Covers PH-04: as the guide has it, at once; only where the realm says so.
#[test]
fn the_guides_manner_binds_at_once() {
    on_each_database(|on| async move {
        let app = with(on, "guide").await;
        let mut browser = app.browser();
        let page = sent_to(&app, &mut browser, FRESH).await;
        let (mut one, mut two) = (browser.clone(), browser.clone());
        let code = app.sms(FRESH);
        let (a, b) = tokio::join!(async { answer(&mut one, &page, &code).await }, async {
            answer(&mut two, &page, &code).await
        },);
        let n_done = [&a, &b].iter().filter(|one| one.text.contains("已成功找回")).count();
        assert_eq!(n_done, 1, "{} {}", a.text, b.text);
        assert_eq!(phones_of(&app, "chenjing").await, [(FRESH.to_owned(), true)]);
        assert_eq!(logged(&app, "chenjing", "recover_phone").await.len(), 1);
    });
}

/// Behind an address that is locked a right password is refused and written down as a wrong one is, and as one of
/// nobody.
#[test]
fn a_lock_does_not_tell_which_password_is_right() {
    on_each_database(|on| async move {
        let few = "max_failures = 5\nmax_failures_per_address = 1";
        let realm = changed_realm(&[("realm.toml", "max_failures = 5", few)]);
        let app = Setup::of(on, vec![realm]).start().await;
        let lines = async || app.count("SELECT COUNT(*) FROM login_log").await;
        let tries = async |document: &str, password: &str| {
            let mut browser = app.browser_at("203.0.113.5");
            let page = typed(&mut browser, ("resident_id_card", document), password, FRESH).await;
            page.code().map(str::to_owned)
        };
        assert_eq!(tries(NOBODY_ID, "Wrong2026!").await.as_deref(), Some("E_CREDENTIALS"));
        for (document, password) in
            [(CHEN_ID, PASSWORD), (CHEN_ID, "Wrong2026!"), (NOBODY_ID, PASSWORD)]
        {
            let before = lines().await;
            let heard = tries(document, password).await;
            assert_eq!(heard.as_deref(), Some("E_LOCKED"), "{document} {password}");
            assert_eq!(lines().await, before + 1, "{document} {password}");
        }
        assert_eq!(sent(&app, FRESH), 0);
    });
}

/// Covers PH-03: five wrong codes void it; another is sent, a minute later.
#[test]
fn codes_to_the_new_phone_are_counted() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let page = sent_to(&app, &mut browser, FRESH).await;
        let soon = browser.submit(&page, &[("act", "again")]).await;
        assert_eq!(soon.code(), Some("E_OTP_RATE"));
        for _ in 0..4 {
            assert_eq!(answer(&mut browser, &page, "000000").await.code(), Some("E_OTP"));
        }
        app.clock.advance(61);
        let again = browser.submit(&page, &[("act", "again")]).await;
        assert_eq!((again.code(), sent(&app, FRESH)), (None, 2));
        assert_eq!(answer(&mut browser, &again, "000000").await.code(), Some("E_OTP"));
        let locked = answer(&mut browser, &again, &app.sms(FRESH)).await;
        assert_eq!(locked.code(), Some("E_OTP_RATE"), "five for this account, then a lock");
        app.clock.advance(901);
        assert_eq!(answer(&mut browser, &again, &app.sms(FRESH)).await.status.as_u16(), 410);
        assert!(holder_of(&app, FRESH).await.is_none());
    });
}

/// Covers D-09, D-08: any document that the person holds leads back to the password and to the phone; one that a
/// newer of its kind has taken the place of is nobody's.
#[test]
fn every_document_that_counts_leads_back() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let person = super::account_of(&app, "wangxm").await.person;
        let kind = DocumentType::parse("chinese_passport").unwrap();
        let mut n_sent = 0;
        for (held, typed_in, counts) in [
            ("EF1260892", "EF1260892", true),
            ("EF1260893", "EF1260892", false),
            ("EF1260893", "EF1260893", true),
        ] {
            app.clock.advance(61);
            let number = DocumentNumber::parse(kind, held, app.ctx.now().day()).unwrap();
            let tx = app.ctx.begin().await.unwrap();
            assert!(people::hold_document(&app.ctx, &tx, person, &number).await.unwrap());
            tx.commit().await.unwrap();
            let mut browser = app.browser();
            let page = super::begin(&mut browser, kind.name(), typed_in).await;
            let page = ask(&mut browser, &page, WANG).await;
            assert!(page.text.contains("id=\"asked\""), "one word for all: {}", page.text);
            n_sent += usize::from(counts);
            until_sent(&app, WANG, n_sent).await;
            settled().await;
            assert_eq!(sent(&app, WANG), n_sent, "{held} {typed_in}");
            let page = answer(&mut browser, &page, &app.sms(WANG)).await;
            assert_eq!(page.url.contains("/forgot-password/new?t="), counts, "{}", page.text);

            let page = typed(&mut browser, (kind.name(), typed_in), PASSWORD, FRESH).await;
            let refused = (!counts).then_some("E_CREDENTIALS");
            assert_eq!(page.code(), refused, "{held} {typed_in}: {}", page.text);
            assert_eq!(page.text.contains("name=\"code\""), counts, "{}", page.text);
        }
    });
}

/// Covers PH-05, DEC-15: whoever knows neither password nor phone gets the password back by a face, and
/// the phone with it.
#[test]
fn without_phone_and_password_a_face_leads_out() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let first = browser.get(RECOVER).await;
        assert!(first.text.contains("/forgot-password"), "{}", first.text);
        let page = begin_as(&mut browser, CHEN_ID).await;
        let page = by(&mut browser, &page, "tax_app").await;
        look(&app, &page, FaceState::Passed).await;
        let page = go_on(&mut browser, &page).await;
        set(&mut browser, &page, NEW).await;
        settled().await;
        let page = typed(&mut browser, ("resident_id_card", CHEN_ID), NEW, FRESH).await;
        let page = answer(&mut browser, &page, &app.sms(FRESH)).await;
        look(&app, &page, FaceState::Passed).await;
        let done = go_on(&mut browser, &page).await;
        assert!(done.text.contains("已成功找回手机号码"), "{}", done.text);
    });
}

/// Covers E-11: without a phone the way by text message is closed, says what helps, and stands last.
#[test]
fn whoever_has_no_phone_is_not_led_to_it_first() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let start = browser.get("/realms/jiangxi/login").await;
        let t = start.hidden()["t"].clone();
        let door = format!("/realms/jiangxi/login/credentials?t={t}&entrance=natural_person");
        let page = browser.get(&door).await;
        for link in ["to-register", "to-forgot", "to-recover-phone"] {
            assert!(page.text.contains(&format!("id=\"{link}\"")), "{link}");
        }
        // Whoever is sent back for it is at any door.
        for other in ["enterprise", "agency", "specific_entity", "social_insurance_unit"] {
            let there = browser.get(&door.replace("natural_person", other)).await;
            assert!(there.text.contains("id=\"to-recover-phone\""), "{other}: {}", there.text);
        }
        let fields = [("personal_id", "chenjing"), ("password", PASSWORD), ("slider", "100")];
        let page = browser.submit(&page, &fields).await;
        let at = |way: &str| page.text.find(&format!("id=\"way-{way}\"")).unwrap();
        assert!(at("tax_app") < at("sms") && at("iit_app") < at("sms"), "{}", page.text);
        assert!(page.text.contains("class=\"qr\""), "the first that works is open");
        assert!(page.text.contains("找回手机号码"), "{}", page.text);
        let _ = WANG;
    });
}

/// Covers DEC-23: a phone that waits goes with the account's sign-ins, whatever ends them and whoever asked for
/// it; without an end it is bound.
#[test]
fn a_phone_that_waits_goes_with_the_sign_ins() {
    on_each_database(|on| async move {
        for what in ENDS.into_iter().chain(["locked", "nothing"]) {
            let app = with(on, "delay").await;
            let mut browser = app.browser();
            let page = sent_to(&app, &mut browser, FRESH).await;
            let done = answer(&mut browser, &page, &app.sms(FRESH)).await;
            assert!(done.text.contains("24 小时后生效"), "{what}: {}", done.text);
            happens(&app, "chenjing", what).await;
            app.clock.advance(86_401);
            let is_bound = what == "nothing";
            assert_eq!(bind_due(&app.ctx).await.unwrap(), usize::from(is_bound), "{what}");
            assert_eq!(holder_of(&app, FRESH).await.is_some(), is_bound, "{what}");
            assert_eq!(app.count("SELECT COUNT(*) FROM awaited_phone").await, 0, "{what}");
            let audit = app.audit().await;
            let dropped = audit.iter().filter(|one| one["action"] == "awaited_phone_dropped");
            assert_eq!(dropped.count(), usize::from(!is_bound), "{what}");
        }
    });
}

/// What will not be bound is not shown as if it would be.
#[test]
fn the_account_centre_shows_no_phone_of_another_era() {
    on_each_database(|on| async move {
        let app = with(on, "delay").await;
        let mut browser = app.browser();
        let page = typed(&mut browser, ("foreign_passport", "L898902C3"), PASSWORD, FRESH).await;
        answer(&mut browser, &page, &app.sms(FRESH)).await;
        happens(&app, "jmiller", "the bureau ends all").await;
        app.clock.advance(61);
        let mut owner = as_person(&app, "+14155550123").await;
        let page = owner.get("/realms/jiangxi/account/phones").await;
        assert_eq!(page.status.as_u16(), 200, "{}", page.text);
        assert!(!page.text.contains("id=\"awaited\""), "{}", page.text);
    });
}

/// A password that was right is worth nothing here either once the account's sign-ins have been ended: no
/// phone is bound by it, and none waits.
#[test]
fn a_phone_is_not_recovered_by_what_has_ended() {
    on_each_database(|on| async move {
        for what in ENDS {
            let app = TestApp::start(on).await;
            let mut browser = app.browser();
            let page = sent_to(&app, &mut browser, FRESH).await;
            let face = answer(&mut browser, &page, &app.sms(FRESH)).await;
            assert!(face.url.contains("/recover-phone/face?t="), "{} {}", face.url, face.text);
            happens(&app, "chenjing", what).await;
            let refused = browser.submit(&face, &[("act", "wait")]).await;
            assert_eq!(refused.status.as_u16(), 410, "{what}: {}", refused.text);
            assert_eq!(app.count("SELECT COUNT(*) FROM awaited_phone").await, 0, "{what}");
            assert!(holder_of(&app, FRESH).await.is_none(), "{what}");
        }
    });
}
