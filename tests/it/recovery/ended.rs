//! A password that the bureau has taken, sign-ins that were ended, a phone that is somebody else's by now: nothing
//! that stood on it outlives it.

use hufu::domain::help::Helper;
use hufu::domain::notice::NoticeKind;
use hufu::flows::help;
use hufu::flows::self_help::lost_phone::bind_due;
use hufu::outbound::asked::FaceState;

use super::lost_phone::{FRESH, typed, with};
use super::{
    NEW, WANG, WANG_ID, account_of, answer, ask, begin_as, by, holder_of, logged, look, proved,
    reached_by, sent, set, sign_in, told, until_sent,
};
use crate::account::{as_person, get};
use crate::kit::{PASSWORD, TestApp, on_each_database};
use crate::login::eras::{ENDS, happens};
use crate::login::scan::go_on;

async fn expires(app: &TestApp, username: &str) {
    let helper = Helper::new("officer/zhang", "asked at the counter").unwrap();
    let id = account_of(app, username).await.id;
    help::expire_password(&app.ctx, &helper, id).await.unwrap();
}

/// Whoever knew the password is signed in and has a phone waiting; once the bureau lets the password expire nothing
/// waits any more. Its person sets another at their next sign-in: that goes on, the other is over, and the person is
/// told.
#[test]
fn a_password_that_the_bureau_has_taken_leaves_nothing_behind() {
    on_each_database(|on| async move {
        let app = with(on, "delay").await;
        let mut thief = as_person(&app, WANG).await;
        let page = typed(&mut thief, ("resident_id_card", WANG_ID), PASSWORD, FRESH).await;
        let done = answer(&mut thief, &page, &app.sms(FRESH)).await;
        assert!(done.text.contains("24 小时后生效"), "{}", done.text);
        expires(&app, "wangxm").await;
        assert!(!get(&mut thief, "/account").await.url.contains("/login"), "who is in stays in");
        assert_eq!(app.count("SELECT COUNT(*) FROM awaited_phone").await, 0, "and nothing waits");

        app.clock.advance(61);
        let (mut wang, page) = sign_in(&app, "203.0.113.9", WANG, PASSWORD).await;
        let page = wang.pass_second_factor(&app, &page, WANG).await;
        assert!(page.url.contains("/login/new_password"), "{} {}", page.url, page.text);
        assert!(page.text.contains("税务机关已将您的密码设为失效"), "{}", page.text);
        let page = set(&mut wang, &page, NEW).await;
        assert!(page.url.contains("/login/choose_identity"), "it goes on: {}", page.text);
        assert!(get(&mut thief, "/account").await.url.contains("/login"), "until another is set");
        assert_eq!(told(&app, "wangxm", NoticeKind::PasswordChanged).await, 1);
        let audit = app.audit().await;
        let actions: Vec<&str> = audit.iter().filter_map(|one| one["action"].as_str()).collect();
        for action in ["password_set", "session_ended", "awaited_phone_dropped"] {
            assert!(actions.contains(&action), "{action}: {actions:?}");
        }
        app.clock.advance(90_000);
        assert_eq!(bind_due(&app.ctx).await.unwrap(), 0);
        assert!(holder_of(&app, FRESH).await.is_none());
    });
}

/// Nor does such a password begin a recovery, as the initial one does not: a failed sign-in, and no code.
#[test]
fn an_expired_password_recovers_no_phone() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        expires(&app, "wangxm").await;
        let mut browser = app.browser();
        let page = typed(&mut browser, ("resident_id_card", WANG_ID), PASSWORD, FRESH).await;
        assert_eq!(page.code(), Some("E_CREDENTIALS"), "{}", page.text);
        assert_eq!(sent(&app, FRESH), 0);
        assert_eq!(logged(&app, "wangxm", "recover_phone").await, ["E_CREDENTIALS"]);
    });
}

/// A code that was sent, and a face that was shown, before the account's sign-ins were ended set no password,
/// whenever they are brought: they are of the era in which they were proved, and not of that in which they are
/// fetched.
#[test]
fn what_was_proved_before_an_end_sets_no_password() {
    on_each_database(|on| async move {
        for what in ENDS.into_iter().chain(["nothing"]) {
            let app = TestApp::start(on).await;
            let is_over = what != "nothing";
            let mut by_code = app.browser();
            let page = begin_as(&mut by_code, WANG_ID).await;
            let asked = ask(&mut by_code, &page, WANG).await;
            until_sent(&app, WANG, 1).await;
            let mut by_face = app.browser();
            let page = begin_as(&mut by_face, WANG_ID).await;
            let shown = by(&mut by_face, &page, "tax_app").await;
            look(&app, &shown, FaceState::Passed).await;
            happens(&app, "wangxm", what).await;
            let before = account_of(&app, "wangxm").await.password;

            let page = answer(&mut by_code, &asked, &app.sms(WANG)).await;
            assert_eq!(page.code(), is_over.then_some("E_OTP_EXPIRED"), "{what}: {}", page.text);
            assert_eq!(page.url.contains("/forgot-password/new?t="), !is_over, "{what}");
            let page = go_on(&mut by_face, &shown).await;
            let done = set(&mut by_face, &page, "Autumn2026+").await;
            assert_eq!(done.status.as_u16() == 410, is_over, "{what}: {}", done.text);
            assert_eq!(account_of(&app, "wangxm").await.password == before, is_over, "{what}");
        }
    });
}

/// A phone that somebody else has proved since proves nothing of its former holder: neither the code that went
/// there, nor the page that it has led to.
#[test]
fn a_phone_that_is_anothers_by_now_sets_no_password() {
    on_each_database(|on| async move {
        for is_proved in [false, true] {
            let app = TestApp::start(on).await;
            let mut browser = app.browser();
            let page = if is_proved {
                proved(&app, &mut browser).await
            } else {
                let page = begin_as(&mut browser, WANG_ID).await;
                let page = ask(&mut browser, &page, WANG).await;
                until_sent(&app, WANG, 1).await;
                page
            };
            reached_by(&app, &account_of(&app, "chenjing").await, WANG).await;
            let before = account_of(&app, "wangxm").await.password;
            if is_proved {
                assert_eq!(set(&mut browser, &page, NEW).await.status.as_u16(), 410);
            } else {
                let refused = answer(&mut browser, &page, &app.sms(WANG)).await;
                assert_eq!(refused.code(), Some("E_OTP_EXPIRED"), "{}", refused.text);
            }
            assert!(account_of(&app, "wangxm").await.password == before, "{is_proved}");
        }
    });
}
