//! What was proved and waits when an account's sign-ins are ended: nobody comes in by it afterwards.

use hufu::base::secret::Secret;
use hufu::domain::acting::Acting;
use hufu::domain::help::Helper;
use hufu::domain::refusal::Refusal;
use hufu::flows::centre::sessions::end_others;
use hufu::flows::sign_in::password::{NewPassword, change};
use hufu::flows::sign_in::{steps, transaction};
use hufu::flows::{Stop, help};

use super::level::session;
use super::once::{at_the_choice, first_identity};
use super::scan::{code, go_on, login_page, scan};
use crate::kit::browser::Shown;
use crate::kit::{Browser, PASSWORD, TestApp, on_each_database};
use crate::protocol::authorize::signed_in;
use crate::recovery::{NEW, WANG, account_of, sign_in};

/// What ends the sign-ins of an account.
pub const ENDS: [&str; 5] = [
    "another password",
    "the password expires",
    "the bureau ends all",
    "locked and unlocked",
    "the person ends the others",
];

/// One of them happens to somebody.
pub async fn happens(app: &TestApp, username: &str, what: &str) {
    let (ctx, account) = (&app.ctx, account_of(app, username).await);
    let helper = Helper::new("officer/zhang", "asked at the counter").unwrap();
    match what {
        "another password" => {
            let new = Secret::new(NEW.to_owned());
            let new = NewPassword::check(ctx, &account, &new, &new).await.unwrap();
            let tx = ctx.begin().await.unwrap();
            change(ctx, &tx, &account, &new, None).await.unwrap();
            tx.commit().await.unwrap();
        }
        "the password expires" => {
            help::expire_password(ctx, &helper, account.id).await.unwrap();
        }
        "the bureau ends all" => {
            help::end_sessions(ctx, &helper, account.id).await.unwrap();
        }
        "locked" => help::lock(ctx, &helper, account.id).await.unwrap(),
        "locked and unlocked" => {
            help::lock(ctx, &helper, account.id).await.unwrap();
            help::unlock(ctx, &helper, account.id).await.unwrap();
        }
        "the person ends the others" => {
            let person = ctx.rows().people().find(account.person).await.unwrap().unwrap();
            end_others(ctx, &session(app, &person).await).await.unwrap();
        }
        _ => assert_eq!(what, "nothing"),
    }
}

async fn live(app: &TestApp) -> i64 {
    app.count("SELECT COUNT(*) FROM session WHERE ended_at IS NULL").await
}

/// Whoever has proved everything and waits at the last page comes in no more, by no page and in no race;
/// neither does whoever waits for the code. Without an end both go on.
#[test]
fn what_was_proved_ends_with_the_sign_ins() {
    on_each_database(|on| async move {
        for what in ENDS.into_iter().chain(["nothing"]) {
            let app = TestApp::start(on).await;
            let (mut thief, page) = at_the_choice(&app).await;
            app.clock.advance(61);
            let (mut second, waiting) = sign_in(&app, "203.0.113.9", WANG, PASSWORD).await;
            assert!(waiting.url.contains("/login/second_factor"), "{}", waiting.text);
            let waiting = second.submit(&waiting, &[("act", "send")]).await;
            let proved = transaction::find(&app.ctx, &page.hidden()["t"]).await.unwrap().unwrap();
            let (identity, code) = (first_identity(&page), app.sms(WANG));
            happens(&app, "wangxm", what).await;

            let at_code = second.submit(&waiting, &[("act", "verify"), ("code", &code)]).await;
            if what == "nothing" {
                let done = thief.submit(&page, &[("identity", &identity)]).await;
                assert!(done.answered("code").is_some(), "{}", done.text);
                assert!(at_code.url.contains("/login/choose_identity"), "{}", at_code.text);
                continue;
            }
            // As if it had been ended after the form was looked at.
            let acting = identity.parse().map(Acting::Enterprise).unwrap();
            let late = steps::sign_in(&app.ctx, &proved, acting, None).await.map(|_| ());
            assert_eq!(Stop::refusal(late).unwrap(), Err(Refusal::State), "{what}");
            let refused = thief.submit(&page, &[("identity", &identity)]).await;
            for shown in [&refused, &at_code] {
                assert_eq!(shown.status.as_u16(), 410, "{what}: {}", shown.text);
            }
            assert_eq!(live(&app).await, 0, "{what}");
        }
    });
}

/// The browser and its code, confirmed by the phone of somebody who is signed in there.
async fn confirmed(app: &TestApp) -> (Browser, Shown) {
    let mut phone = signed_in(app).await;
    let (browser, page) = login_page(app).await;
    let asked = scan(&mut phone, &code(&page)).await;
    let done = phone.submit(&asked, &[("act", "confirm")]).await;
    assert!(done.text.contains("已确认"), "{}", done.text);
    (browser, page)
}

/// A code that a phone has confirmed signs nobody in once the phone's own session has ended.
#[test]
fn a_phone_that_is_signed_out_has_confirmed_nothing() {
    on_each_database(|on| async move {
        for (statement, code) in [
            ("UPDATE session SET ended_at = 1", Some("E_SCAN_EXPIRED")),
            ("UPDATE session SET ended_at = NULL", None),
        ] {
            let app = TestApp::start(on).await;
            let (mut browser, page) = confirmed(&app).await;
            app.sql(statement).await;
            let shown = go_on(&mut browser, &page).await;
            assert_eq!(shown.code(), code, "{statement}: {}", shown.text);
            assert_eq!(shown.answered("code").is_some(), code.is_none(), "{statement}");
        }
    });
}
