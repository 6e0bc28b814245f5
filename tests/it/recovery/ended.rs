//! A password that the bureau has taken, and everything that stood on it: nothing outlives it.

use hufu::domain::help::Helper;
use hufu::domain::notice::NoticeKind;
use hufu::flows::help;
use hufu::flows::self_help::lost_phone::bind_due;

use super::lost_phone::{FRESH, typed, with};
use super::{NEW, WANG, WANG_ID, account_of, answer, holder_of, logged, sent, set, sign_in, told};
use crate::account::{as_person, get};
use crate::kit::{PASSWORD, TestApp, on_each_database};

async fn expires(app: &TestApp, username: &str) {
    let helper = Helper::new("officer/zhang", "asked at the counter").unwrap();
    let id = account_of(app, username).await.id;
    help::expire_password(&app.ctx, &helper, id).await.unwrap();
}

/// Whoever knew the password is signed in and has a phone waiting; the bureau lets the password expire and its
/// person sets another at their next sign-in: that sign-in goes on, the other is over, nothing is bound a day
/// later, and the person is told.
#[test]
fn a_new_password_after_the_bureaus_word_ends_what_waits() {
    on_each_database(|on| async move {
        let app = with(on, "delay").await;
        let mut thief = as_person(&app, WANG).await;
        let page = typed(&mut thief, ("resident_id_card", WANG_ID), PASSWORD, FRESH).await;
        let done = answer(&mut thief, &page, &app.sms(FRESH)).await;
        assert!(done.text.contains("24 小时后生效"), "{}", done.text);
        expires(&app, "wangxm").await;
        assert!(!get(&mut thief, "/account").await.url.contains("/login"), "who is in stays in");

        app.clock.advance(61);
        let (mut wang, page) = sign_in(&app, "203.0.113.9", WANG, PASSWORD).await;
        let page = wang.pass_second_factor(&app, &page, WANG).await;
        assert!(page.url.contains("/login/new_password"), "{} {}", page.url, page.text);
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
