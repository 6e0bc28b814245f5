//! What works once and is used up by something durable: a fault between loses nobody's sign-in, and
//! nothing works twice.

use hufu::flows::sign_in::factor::{self, Given};
use hufu::flows::sign_in::{step_up, steps, transaction};

use super::authenticator::{at_second_factor, enrol};
use crate::kit::browser::Shown;
use crate::kit::{Browser, EXAMPLE, FILING, PASSWORD, TestApp, authorize_url, on_each_database};

const WANG: &str = "13800138000";

/// At the choice between two identities, with everything proved.
pub async fn at_the_choice(app: &TestApp) -> (Browser, Shown) {
    let mut browser = app.browser();
    let page = browser.get(&authorize_url(&FILING, &[])).await;
    let page = browser.type_credentials(&page, (EXAMPLE, WANG, PASSWORD)).await;
    let page = browser.pass_second_factor(app, &page, WANG).await;
    (browser, page)
}

pub fn first_identity(page: &Shown) -> String {
    let offered = page.text.split("name=\"identity\" value=\"").nth(1).expect("a choice");
    offered.split('"').next().unwrap().to_owned()
}

/// The rows of the session cannot be written: the person hears of a fault and presses the button
/// again.
#[test]
fn a_fault_at_the_last_step_loses_no_sign_in() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, page) = at_the_choice(&app).await;
        let identity = first_identity(&page);
        app.sql("ALTER TABLE login_log RENAME TO login_log_elsewhere").await;
        let failed = browser.submit(&page, &[("identity", &identity)]).await;
        assert_eq!(failed.status.as_u16(), 500);
        app.sql("ALTER TABLE login_log_elsewhere RENAME TO login_log").await;
        let done = browser.submit(&page, &[("identity", &identity)]).await;
        assert!(done.answered("code").is_some(), "{} {}", done.status, done.text);
    });
}

/// A transaction that could not be forgotten, or comes back with a store's older state, ends in no
/// second session.
#[test]
fn a_sign_in_that_was_not_forgotten_works_no_second_time() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, page) = at_the_choice(&app).await;
        let t = page.hidden()["t"].clone();
        let proved = transaction::find(&app.ctx, &t).await.unwrap().unwrap();
        let acting = first_identity(&page).parse().map(hufu::domain::acting::Acting::Enterprise);
        let acting = acting.unwrap();
        let done = browser.submit(&page, &[("identity", &first_identity(&page))]).await;
        assert!(done.answered("code").is_some());
        assert!(transaction::find(&app.ctx, &t).await.unwrap().is_none(), "it is forgotten");
        app.ctx.ephemeral().put(&transaction::LOGIN, &t, &proved, 600).await.unwrap();
        let again = steps::sign_in(&app.ctx, &proved, acting, None).await;
        assert!(again.is_err(), "the transaction was used");
        let raised = step_up::finish(&app.ctx, &proved, None).await;
        assert!(raised.is_err());
    });
}

/// Of twenty that finish one transaction at the same time, one gets the session.
#[test]
fn of_many_that_finish_a_sign_in_one_does() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (_, page) = at_the_choice(&app).await;
        let proved = transaction::find(&app.ctx, &page.hidden()["t"]).await.unwrap().unwrap();
        let acting = first_identity(&page).parse().map(hufu::domain::acting::Acting::Enterprise);
        let acting = acting.unwrap();
        let mut races = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (ctx, proved) = (app.ctx.clone(), proved.clone());
            races.spawn(async move { steps::sign_in(&ctx, &proved, acting, None).await.is_ok() });
        }
        let won = races.join_all().await.into_iter().filter(|won| *won).count();
        assert_eq!(won, 1);
    });
}

/// Sends a form twice at the same moment; both are answered with a code of the application, and there is one
/// session more.
async fn twice(app: &TestApp, browser: &Browser, page: &Shown, values: &[(&str, &str)]) {
    let sessions = async || app.count("SELECT COUNT(*) FROM session").await;
    let before = sessions().await;
    let mut clicks = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let (mut browser, page) = (browser.clone(), page.clone());
        let values: Vec<(String, String)> =
            values.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        clicks.spawn(async move {
            let values: Vec<(&str, &str)> =
                values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            browser.submit(&page, &values).await
        });
    }
    for shown in clicks.join_all().await {
        let code = shown.code();
        assert!(shown.answered("code").is_some(), "{} {code:?}: {}", shown.status, shown.url);
    }
    assert_eq!(sessions().await, before + 1);
}

/// Issue 13, 6: two clicks at once on the last step, whichever it is: both lead on, into one session.
#[test]
fn two_clicks_at_once_both_lead_on() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for _ in 0..5 {
            app.clock.advance(61);
            let (browser, page) = at_the_choice(&app).await;
            twice(&app, &browser, &page, &[("identity", &first_identity(&page))]).await;
            let li = "13900139000";
            let mut browser = app.browser();
            let page = browser.get(&authorize_url(&FILING, &[])).await;
            let page = browser.type_credentials(&page, (EXAMPLE, li, PASSWORD)).await;
            let sent = browser.submit(&page, &[("act", "send")]).await;
            twice(&app, &browser, &sent, &[("act", "verify"), ("code", &app.sms(li))]).await;
        }
        let failed = app.count("SELECT COUNT(*) FROM login_log WHERE outcome <> 'ok'").await;
        assert_eq!(failed, 0, "nobody failed");
    });
}

/// A recovery code is right, and the step that it opens cannot be taken: it is as good as before, once.
#[test]
fn a_recovery_code_that_led_nowhere_is_good_again() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (_, codes) = enrol(&app).await;
        let (mut browser, page) = at_second_factor(&app, "totp").await;
        let t = page.hidden()["t"].clone();
        let at = transaction::find(&app.ctx, &t).await.unwrap().unwrap();
        app.ctx.ephemeral().forget(&transaction::LOGIN, &t).await.unwrap();
        let lost = factor::answer(&app.ctx, &at, Given::Totp(&codes[0])).await;
        assert!(lost.is_err(), "there is no sign-in to take further");
        app.ctx.ephemeral().put(&transaction::LOGIN, &t, &at, 600).await.unwrap();
        let typed = [("act", "totp"), ("code", codes[0].as_str())];
        let done = browser.submit(&page, &typed).await;
        assert!(done.answered("code").is_some(), "{} {}", done.url, done.text);
        let (mut browser, page) = at_second_factor(&app, "totp").await;
        assert_eq!(browser.submit(&page, &typed).await.code(), Some("E_OTP"), "it was used");
    });
}
