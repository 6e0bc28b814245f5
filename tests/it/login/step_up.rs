//! Proving more within a session, when something has ended between the page and the form.

use hufu::base::secret::Hashed;
use hufu::domain::acting::Acting;
use hufu::domain::factor::Factor;
use hufu::domain::login::{Errand, LoginTransaction, Progress, Second, Then};
use hufu::domain::session::Session;
use hufu::flows::Stop;
use hufu::flows::relations::person::confirm_batch;
use hufu::flows::sign_in::step_up;

use super::level::{at_level, person_of, session, with_session_of};
use crate::kit::{TestApp, on_each_database};

const WANG: &str = "13800138000";
const LEVEL: &str = "/realms/jiangxi/account/level";

/// With the second factor passed: nothing but its end is missing.
pub fn passed(mut transaction: LoginTransaction) -> LoginTransaction {
    if let Progress::Chosen(proved, _) = &mut transaction.progress {
        proved.second = Second::Passed(Factor::TaxAppScan);
    }
    transaction
}

/// What the end of a step is refused with, `ok` where it is not.
async fn end(app: &TestApp, transaction: &LoginTransaction, held: Hashed) -> &'static str {
    let ended = match transaction.errand() {
        Some(Errand::Confirm(_)) => confirm_batch(&app.ctx, transaction).await.map(|_| ()),
        _ => step_up::finish(&app.ctx, transaction, Some(held)).await.map(|_| ()),
    };
    match Stop::refusal(ended).unwrap() {
        Ok(()) => "ok",
        Err(refusal) => refusal.code(),
    }
}

/// Rule 5: nobody proves more, is lifted or confirms anything within a session that has ended, is over, or
/// whose account was cancelled while the page was open; whatever the errand.
#[test]
fn a_step_ends_with_its_session_and_its_account() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let person = person_of(&app, "wangxm").await;
        let person = app.ctx.rows().people().find(person).await.unwrap().unwrap();
        let gone = [
            ("UPDATE account SET status = 'cancelled'", "E_CREDENTIALS"),
            ("UPDATE session SET ended_at = 1", "E_STATE"),
            ("UPDATE session SET expires_at = 1", "E_STATE"),
            ("UPDATE session SET ended_at = NULL", "ok"),
        ];
        for (statement, code) in gone {
            for errand in [
                Errand::Raise,
                Errand::Renew,
                Errand::Lift,
                Errand::Phone,
                Errand::Confirm(Vec::new()),
            ] {
                app.sql("UPDATE account SET status = 'active'").await;
                let session = session(&app, &person).await;
                let tx = app.ctx.begin().await.unwrap();
                tx.rows().sessions().add(&session).await.unwrap();
                tx.commit().await.unwrap();
                let case = format!("{statement}: {errand:?}");
                let begun = step_up::begin(&app.ctx, &session, errand, Then::Nowhere).await;
                let transaction = passed(begun.unwrap().expect("a step"));
                app.sql(statement).await;
                assert_eq!(end(&app, &transaction, session.cookie).await, code, "{case}");
            }
        }
    });
}

/// The same in a browser: the right code comes after the account's end, and lifts nobody.
#[test]
fn a_code_that_comes_after_the_accounts_end_lifts_nobody() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let person = person_of(&app, "wangxm").await;
        at_level(&app, person, 1).await;
        let mut browser = with_session_of(&app, person, Acting::Personal, &["pwd"]).await;
        let page = browser.get(LEVEL).await;
        let factor = browser.submit(&page, &[("act", "raise")]).await;
        let sent = browser.submit(&factor, &[("act", "send")]).await;
        app.sql("UPDATE account SET status = 'cancelled'").await;
        let code = app.sms(WANG);
        let refused = browser.submit(&sent, &[("act", "verify"), ("code", &code)]).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (403, Some("E_CREDENTIALS")));
        let person = app.ctx.rows().people().find(person).await.unwrap().unwrap();
        assert_eq!(person.real_name_level, 1);
    });
}

/// One tab goes on from this session; whether it did.
async fn goes_on(app: &TestApp, session: &Session, how: &str) -> bool {
    if how == "prove" {
        let begun = step_up::begin(&app.ctx, session, Errand::Raise, Then::Nowhere).await;
        let transaction = passed(begun.unwrap().expect("a step"));
        return end(app, &transaction, session.cookie).await == "ok";
    }
    let tx = app.ctx.begin().await.unwrap();
    let cookie = app.ctx.random().token().hashed();
    let is_moved = tx.rows().sessions().switch(session, session.acting, cookie).await.unwrap();
    tx.commit().await.unwrap();
    is_moved
}

/// Of two tabs that go on from one cookie one does, and the other hands out none: the browser ends with the
/// session's own, whichever answer comes last.
#[test]
fn of_two_tabs_that_go_on_from_one_cookie_one_does() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let person = person_of(&app, "wangxm").await;
        let person = app.ctx.rows().people().find(person).await.unwrap().unwrap();
        for order in
            [["prove", "switch"], ["switch", "prove"], ["prove", "prove"], ["switch", "switch"]]
        {
            let session = session(&app, &person).await;
            let tx = app.ctx.begin().await.unwrap();
            tx.rows().sessions().add(&session).await.unwrap();
            tx.commit().await.unwrap();
            let [first, second] = order;
            let went =
                [goes_on(&app, &session, first).await, goes_on(&app, &session, second).await];
            assert_eq!(went, [true, false], "{order:?}");
        }
    });
}
