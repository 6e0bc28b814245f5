//! What goes out of a recovery, and to whom: the text messages and e-mails of the outbox, beside the log
//! and the audit.

use hufu::domain::notice::NoticeKind;
use hufu::flows::notify::mail::{Said, words};
use hufu::flows::self_help::lost_phone::bind_due;
use hufu::outbound::asked::FaceState;
use serde_json::json;

use super::lost_phone::{FRESH, typed};
use super::{
    CHEN_ID, NEW, WANG, WANG_ID, account_of, answer, ask, begin_as, by, holder_of, logged, look,
    notices, phones_of, proved, reached_by, set, settled, told,
};
use crate::account::{as_person, get, rows};
use crate::kit::{On, PASSWORD, Setup, TestApp, changed_realm, on_each_database};
use crate::login::scan::go_on;
use crate::registration::{FANG, Registrant, registered};

/// His second phone, which is left to him.
const OTHER: &str = "13712345555";
const HIS_MAIL: &str = "wang@example.com";
const HER_MAIL: &str = "chen@example.com";

/// What an e-mail of this kind says.
fn mail_of(app: &TestApp, kind: NoticeKind) -> String {
    let said = Said { at: app.ctx.now(), link: None, code: None };
    let (subject, text) = words(&app.ctx, kind, said).unwrap();
    format!("{subject}\n{text}")
}

/// Covers F-06: that the password is another one goes out to the phone and to the e-mail address, once it is
/// set and not before; whoever has neither reads it in the message centre.
#[test]
fn a_new_password_is_told_by_phone_and_by_mail() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        reached_by(&app, &account_of(&app, "wangxm").await, HIS_MAIL).await;
        let mut browser = app.browser();
        let page = proved(&app, &mut browser).await;
        app.deliver().await;
        assert_eq!(notices(&app), [""; 0], "nothing has changed yet");
        let done = set(&mut browser, &page, NEW).await;
        assert!(done.text.contains("密码修改完成"), "{}", done.text);
        app.deliver().await;
        let both = [format!("+86{WANG} password-changed"), format!("{HIS_MAIL} password-changed")];
        assert_eq!(notices(&app), both);
        let mail = mail_of(&app, NoticeKind::PasswordChanged);
        for part in ["密码已修改，其他登录均已退出", "every other sign-in has ended", "忘记密码"]
        {
            assert!(mail.contains(part), "{part}: {mail}");
        }

        // 陈静 has neither.
        let mut browser = app.browser();
        let page = begin_as(&mut browser, CHEN_ID).await;
        let page = by(&mut browser, &page, "tax_app").await;
        look(&app, &page, FaceState::Passed).await;
        let page = go_on(&mut browser, &page).await;
        let done = set(&mut browser, &page, NEW).await;
        assert!(done.text.contains("密码修改完成"), "{}", done.text);
        app.deliver().await;
        assert_eq!(notices(&app), both, "nobody else hears of hers");
        assert_eq!(told(&app, "chenjing", NoticeKind::PasswordChanged).await, 1);
    });
}

/// Covers PH-01, PH-04, PH-06, R-14: in each of the realm's manners the phone is somebody else's until the end;
/// then it is bound, the default of whoever had none. Who lost it is told by the phone and the address that
/// are left, who has it now by all they have; the log and the audit have a line each.
#[test]
fn a_recovered_phone_is_taken_from_whoever_had_it() {
    on_each_database(|on| async move {
        for (manner, by_what) in [("scan", "tax_app"), ("guide", "sms"), ("delay", "delay")] {
            let line = format!("phone_recovery = \"{manner}\"\nhome_province = \"360000\"");
            let change = ("realm.toml", "home_province = \"360000\"", line.as_str());
            let app = Setup::of(on, vec![changed_realm(&[change])]).start().await;
            let chen = account_of(&app, "chenjing").await;
            let wang = account_of(&app, "wangxm").await;
            for (who, to) in [(&chen, HER_MAIL), (&wang, OTHER), (&wang, HIS_MAIL)] {
                reached_by(&app, who, to).await;
            }
            let mut browser = app.browser();
            let kind = ("resident_id_card", CHEN_ID);
            let page = typed(&mut browser, kind, PASSWORD, WANG).await;
            assert_eq!(holder_of(&app, WANG).await.unwrap().id, wang.id, "{manner}");
            let page = answer(&mut browser, &page, &app.sms(WANG)).await;
            if manner != "guide" {
                assert_eq!(holder_of(&app, WANG).await.unwrap().id, wang.id, "{manner}");
                assert_eq!(told(&app, "wangxm", NoticeKind::PhoneTaken).await, 0, "{manner}");
            }
            match manner {
                "scan" => {
                    look(&app, &page, FaceState::Passed).await;
                    go_on(&mut browser, &page).await;
                }
                "delay" => {
                    app.clock.advance(86_400);
                    assert_eq!(bind_due(&app.ctx).await.unwrap(), 1);
                }
                _ => {}
            }
            assert_eq!(phones_of(&app, "chenjing").await, [(WANG.to_owned(), true)], "{manner}");
            assert_eq!(phones_of(&app, "wangxm").await, [(OTHER.to_owned(), true)], "{manner}");
            app.deliver().await;
            let mut out = notices(&app);
            out.retain(|one| !one.contains("phone-awaited"));
            let expected = [
                format!("+86{OTHER} phone-taken"),
                format!("+86{WANG} phone-recovered"),
                format!("{HER_MAIL} phone-recovered"),
                format!("{HIS_MAIL} phone-taken"),
            ];
            assert_eq!(out, expected, "{manner}");
            assert_eq!(logged(&app, "chenjing", "recover_phone").await, ["ok"], "{manner}");
            let audit = app.audit().await;
            for event in [
                json!({"action": "phone_taken", "account": wang.id, "by": chen.id}),
                json!({"action": "recovered", "person": chen.person, "what": "recover_phone",
                    "factor": by_what}),
            ] {
                assert_eq!(audit.iter().filter(|one| **one == event).count(), 1, "{event}");
            }
            // She signs in by it, and reads of it in her log.
            let mut own = as_person(&app, WANG).await;
            let log = rows(&get(&mut own, "/account/log").await);
            let is_it = |row: &Vec<String>| row[1] == "找回手机号码" && row[6] == "成功";
            assert_eq!(log.iter().filter(|row| is_it(row)).count(), 1, "{log:?}");
        }
    });
}

/// Covers R-14, PH-06: the words of both e-mails say what happened and what to do, in two languages.
#[tokio::test]
async fn an_email_about_a_phone_says_what_happened() {
    let app = TestApp::start(On::Sqlite).await;
    for (kind, parts) in [
        (NoticeKind::PhoneTaken, ["已由他人验证并绑定", "proved by somebody else and removed"]),
        (NoticeKind::PhoneRecovered, ["绑定新的手机号码", "a new phone number was bound"]),
    ] {
        let mail = mail_of(&app, kind);
        for part in parts.into_iter().chain(["账号安全提醒", "忘记密码", "Forgotten password"])
        {
            assert!(mail.contains(part), "{part}: {mail}");
        }
    }
}

/// Covers R-16, PH-02: whoever lost their only phone to a registration gives their account another by
/// 【找回手机号码】, and signs in by it.
#[test]
fn a_phone_that_was_lost_to_a_registration_is_replaced() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        registered(&app, Registrant { contact: WANG, ..FANG }).await;
        assert!(phones_of(&app, "wangxm").await.is_empty());
        let mut browser = app.browser();
        let kind = ("resident_id_card", WANG_ID);
        let page = typed(&mut browser, kind, PASSWORD, FRESH).await;
        let page = answer(&mut browser, &page, &app.sms(FRESH)).await;
        look(&app, &page, FaceState::Passed).await;
        let done = go_on(&mut browser, &page).await;
        assert!(done.text.contains("已成功找回手机号码"), "{}", done.text);
        assert_eq!(phones_of(&app, "wangxm").await, [(FRESH.to_owned(), true)]);
        drop(as_person(&app, FRESH).await);
    });
}

/// What strangers cause takes of the realm's minute and day what strangers have: beyond it the person reads it in
/// the message centre, and nothing goes out.
#[test]
fn strangers_text_the_realm_within_their_quarter() {
    on_each_database(|on| async move {
        let few = "per_minute = 4\nper_day = 8";
        let realm = changed_realm(&[("factors.toml", "per_minute = 6000", few)]);
        let app = Setup::of(on, vec![realm]).start().await;
        // The first of a minute goes out, and of a day two.
        for (n, (document, phone, goes_out)) in [
            (WANG_ID, WANG, true),
            ("360121198802290026", "13900139000", false),
            ("34052419800101001X", "13600136000", true),
            ("440308199901101512", "13500135000", false),
        ]
        .into_iter()
        .enumerate()
        {
            app.clock.advance(if n == 1 { 0 } else { 61 });
            let mut browser = app.browser();
            let page = begin_as(&mut browser, document).await;
            let page = ask(&mut browser, &page, "13911119999").await;
            for _ in 0..3 {
                assert_eq!(answer(&mut browser, &page, "000000").await.code(), Some("E_OTP"));
            }
            let person = holder_of(&app, phone).await.unwrap().person;
            let mut n_kept = 0;
            // It is done aside.
            for _ in 0..40 {
                settled().await;
                let kept = app.ctx.rows().notices().list(person, 100).await.unwrap();
                n_kept = kept.iter().filter(|one| one.kind == NoticeKind::RecoveryFailed).count();
                if n_kept > 0 {
                    break;
                }
            }
            assert_eq!(n_kept, 1, "{phone} reads it");
            app.deliver().await;
            let text = format!("+86{phone} recovery-failed");
            assert_eq!(notices(&app).contains(&text), goes_out, "{phone}");
        }
        assert_eq!(notices(&app).len(), 2);
    });
}
