//! What a code and a proof rest on is the session as it is when they are written, whatever was read of it
//! before: of two tabs one moves it, or the clock and the registry take a level away.

use std::time::Duration;

use hufu::base::secret::{Hashed, Secret};
use hufu::domain::acting::Acting;
use hufu::domain::factor::Factor;
use hufu::domain::login::{Errand, Progress, Second, Then};
use hufu::flows::centre::consents;
use hufu::flows::identity::switch;
use hufu::flows::oauth::authorize::{Answer, authorize, preview};
use hufu::flows::sign_in::session::{StandingSession, by_cookie};
use hufu::flows::sign_in::{lower, step_up, steps};
use hufu::oidc::params::Params;

use super::authorize::signed_in;
use crate::account::{LI, held};
use crate::kit::{Application, Browser, FILING, INVOICE, TestApp, authorize_url, on_each_database};

async fn read(app: &TestApp, browser: &Browser) -> StandingSession {
    let cookie = browser.cookies["__Host-hufu-session-jiangxi"].clone();
    by_cookie(&app.ctx, &Secret::new(cookie)).await.unwrap().unwrap()
}

fn params(client: &Application) -> Params {
    let url = authorize_url(client, &[]);
    Params::parse(url.split_once('?').unwrap().1.as_bytes()).unwrap()
}

/// Grants that somebody could redeem or hold.
const LIVE: &str = "SELECT COUNT(*) FROM oauth_grant WHERE revoked_at IS NULL";

/// Another tab has switched, and what the former identity gave has ended: nothing more is given in it. Where a
/// level has fallen, no code says more.
#[test]
fn a_code_is_of_the_session_as_it_is_when_it_is_written() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let browser = signed_in(&app).await;
        let old = read(&app, &browser).await;
        let all = held(&app.ctx, LI).await;
        let own = old.session.acting.authorisation();
        let own = all.iter().find(|one| Some(one.id) == own).unwrap().enterprise;
        let other = all.iter().find(|one| one.enterprise != own).unwrap().id;
        switch::switch(&app.ctx, &old.session, Acting::Enterprise(other)).await.unwrap();
        let answer = authorize(&app.ctx, params(&FILING), Some(old)).await.unwrap();
        assert!(matches!(answer, Answer::Changed(_)));
        assert_eq!(app.count(LIVE).await, 0);

        app.clock.advance(61);
        let mut browser = signed_in(&app).await;
        app.sql("UPDATE session SET acr = 3").await;
        let old = read(&app, &browser).await;
        let tx = app.ctx.begin().await.unwrap();
        let person = old.session.person;
        assert!(lower::lower_in(&app.ctx, &tx, person, "document_void").await.unwrap());
        tx.commit().await.unwrap();
        let before = app.count(LIVE).await;
        let answer = authorize(&app.ctx, params(&FILING), Some(old)).await.unwrap();
        assert!(matches!(answer, Answer::Changed(_)));
        assert_eq!(app.count(LIVE).await, before);
        // The browser comes once more, and is answered.
        let done = browser.get(&authorize_url(&FILING, &[])).await;
        assert!(done.answered("code").is_some(), "{:?}", done.left_to);
    });
}

/// A consent that was taken back while the request was looked at gives no grant, nor does one that is another by
/// now.
#[test]
fn a_code_is_of_the_consent_as_it_is_when_it_is_written() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let page = browser.get(&authorize_url(&INVOICE, &[])).await;
        assert!(browser.submit(&page, &[("act", "allow")]).await.answered("code").is_some());
        let session = read(&app, &browser).await.session;
        let given = app.ctx.rows().grants().consent(session.person, INVOICE.id).await.unwrap();
        let given = given.unwrap();
        let mut n = 0;
        let mut add = async |agreed: Option<&str>| {
            n += 1;
            let looked = preview(&app.ctx, params(&INVOICE), read(&app, &browser).await).await;
            let (grant, _) = looked.unwrap().grant.unwrap();
            let tx = app.ctx.begin().await.unwrap();
            let (grants, code) = (tx.rows().grants(), Hashed::of(&format!("code {n}")));
            let is_added = grants.add(&grant, code, (session.cookie, agreed)).await.unwrap();
            tx.commit().await.unwrap();
            is_added
        };
        assert!(add(Some(&given)).await);
        assert!(!add(Some("openid")).await);
        consents::withdraw(&app.ctx, &session, INVOICE.id).await.unwrap();
        assert!(!add(Some(&given)).await);
        assert!(add(None).await, "who asks for none needs none");
    });
}

/// A level that falls while a face is being looked at stays down, for the person and for what the session has
/// proved (L-12).
#[test]
fn a_proof_is_worth_what_its_person_has_reached_when_it_is_written() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let browser = signed_in(&app).await;
        app.sql("UPDATE session SET acr = 3").await;
        let session = read(&app, &browser).await.session;
        let begun = step_up::begin(&app.ctx, &session, Errand::Raise, Then::Nowhere).await;
        let mut step = begun.unwrap().unwrap();
        let Progress::Chosen(proved, _) = &mut step.progress else { panic!("a step") };
        proved.second = Second::Passed(Factor::TaxAppScan);
        let tx = app.ctx.begin().await.unwrap();
        lower::lower_in(&app.ctx, &tx, session.person, "document_void").await.unwrap();
        let mut finish = Box::pin(step_up::finish(&app.ctx, &step, Some(session.cookie)));
        // It has come as far as it can while the level falls.
        let waits = tokio::time::timeout(Duration::from_millis(100), &mut finish).await;
        assert!(waits.is_err());
        tx.commit().await.unwrap();
        finish.await.unwrap();
        assert_eq!(app.count("SELECT CAST(MAX(acr) AS BIGINT) FROM session").await, 2);
    });
}

/// So it is where a sign-in ends that a face has passed: the level falls before the session is made.
#[test]
fn a_new_session_is_worth_what_its_person_has_reached_when_it_is_made() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let browser = signed_in(&app).await;
        let session = read(&app, &browser).await.session;
        app.sql("UPDATE person SET real_name_level = 3").await;
        let begun = step_up::begin(&app.ctx, &session, Errand::Raise, Then::Nowhere).await;
        let mut passed = begun.unwrap().unwrap();
        let account = app.ctx.rows().accounts().find(session.account).await.unwrap().unwrap();
        let Progress::Chosen(proved, _) = &mut passed.progress else { panic!("a sign-in") };
        (proved.second, proved.era) = (Second::Passed(Factor::TaxAppScan), account.era);
        let tx = app.ctx.begin().await.unwrap();
        assert!(lower::lower_in(&app.ctx, &tx, session.person, "document_void").await.unwrap());
        let mut made = Box::pin(steps::sign_in(&app.ctx, &passed, session.acting, None));
        // It has come as far as it can while the level falls.
        let waits = tokio::time::timeout(Duration::from_millis(100), &mut made).await;
        assert!(waits.is_err());
        tx.commit().await.unwrap();
        let (new, _) = made.await.unwrap();
        assert_eq!(new.acr, 2);
    });
}
