//! What stands between a request and its code: who may be asked, who may not, and pages that
//! decide nothing by themselves.

use super::authorize::signed_in;
use crate::account::post;
use crate::kit::{EXAMPLE, FILING, INVOICE, SAMPLE, TestApp, authorize_url, on_each_database};

const COOKIE: &str = "__Host-hufu-session-jiangxi";

/// Covers X-01: of two tabs one has moved the session; the other's consent page neither signs out
/// nor moves it back, and ends in a code of the identity that the application asked for.
#[test]
fn a_consent_page_neither_signs_out_nor_switches() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let asked = browser.get(&authorize_url(&INVOICE, &[("identity_hint", EXAMPLE)])).await;
        assert!(asked.url.contains("/consent?"), "{}", asked.url);
        let switch = browser.get("/realms/jiangxi/account/switch").await;
        let to = switch.text.split("name=\"identity\" value=\"").skip(1);
        let mut to = to.map(|rest| rest.split('"').next().unwrap().to_owned());
        let to = to.find(|id| id != "personal").unwrap();
        post(&app, &mut browser, "/account/switch", &[("identity", &to)]).await;
        let moved = browser.cookies[COOKIE].clone();
        // The page alone, as a reload sends it; what it answers is not followed.
        let mut tab = browser.clone();
        let answer = tab.once("GET", &asked.url, None).await;
        assert_eq!(tab.cookies[COOKIE], moved, "the session was moved");
        assert!(answer.left_to.is_some_and(|to| to.contains("/authorize?")));
        let silent = browser.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
        assert!(silent.answered("code").is_some(), "signed out: {:?}", silent.left_to);
        // Followed, the browser arrives where the application wants it.
        let again = browser.get(&asked.url).await;
        assert!(again.text.contains("name=\"act\" value=\"allow\""), "{}", again.text);
        let done = browser.submit(&again, &[("act", "allow")]).await;
        assert!(done.answered("code").is_some(), "{:?}", done.left_to);
        // The form of the old page is another session's.
        let late = browser.submit(&asked, &[("act", "allow")]).await;
        assert_eq!(late.status.as_u16(), 403);
    });
}

/// OIDC Core §3.1.2.6: what a client hears that may not ask anything of the person.
#[test]
fn a_silent_request_names_what_is_missing() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut nobody = app.browser();
        let silent = |client, more: &[(&'static str, &'static str)]| {
            let mut all = more.to_vec();
            all.push(("prompt", "none"));
            authorize_url(client, &all)
        };
        let shown = nobody.get(&silent(&FILING, &[])).await;
        assert_eq!(shown.answered("error").as_deref(), Some("login_required"));
        let mut browser = signed_in(&app).await;
        app.clock.advance(100);
        let level = "urn:hufu:realname:3";
        let unmet = "urn:hufu:realname:5";
        for (client, more, error) in [
            (&FILING, vec![("max_age", "99")], "login_required"),
            (&FILING, vec![("identity_hint", "92360111MA36K0QR34")], "access_denied"),
            (&FILING, vec![("acr_values", level)], "interaction_required"),
            (&FILING, vec![("acr_values", unmet)], "unmet_authentication_requirements"),
            (&FILING, vec![("id_token_hint", "x.y.z")], "login_required"),
            (&INVOICE, vec![], "consent_required"),
            (&INVOICE, vec![("max_age", "99")], "login_required"),
            (&INVOICE, vec![("acr_values", level)], "interaction_required"),
        ] {
            let cookie = browser.cookies[COOKIE].clone();
            let shown = browser.get(&silent(client, &more)).await;
            assert_eq!(shown.answered("error").as_deref(), Some(error), "{more:?}");
            assert_eq!(browser.cookies[COOKIE], cookie, "{more:?} moved the session");
        }
        let shown = browser.get(&silent(&FILING, &[("identity_hint", SAMPLE)])).await;
        assert!(shown.answered("code").is_some(), "the only one that fits is taken silently");
        // The pages behind a silent request show nothing of themselves either.
        let query = silent(&INVOICE, &[]).split_once('?').unwrap().1.to_owned();
        for page in ["consent", "choose"] {
            let shown = browser.get(&format!("/realms/jiangxi/{page}?{query}")).await;
            assert_eq!(shown.answered("error").as_deref(), Some("consent_required"), "{page}");
        }
    });
}
