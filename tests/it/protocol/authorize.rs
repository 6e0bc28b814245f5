//! The authorization endpoint: what it refuses and where it says so; silent answers, hints,
//! the chooser.

use crate::kit::browser::Shown;
use crate::kit::{
    Browser, EXAMPLE, FILING, INVOICE, ISSUER, PASSWORD, SAMPLE, TestApp, authorize_url, claims,
    on_each_database,
};

/// A browser signed in as 李芳, legal representative of the example enterprise.
pub async fn signed_in(app: &TestApp) -> Browser {
    let mut browser = app.browser();
    let page = browser.get(&authorize_url(&FILING, &[])).await;
    let page = browser.type_credentials(&page, (EXAMPLE, "13900139000", PASSWORD)).await;
    let done = browser.pass_second_factor(app, &page, "13900139000").await;
    assert!(done.answered("code").is_some(), "{}", done.text);
    browser
}

/// Rule 4: nothing is sent to an address that is not the client's own.
#[test]
fn an_unregistered_redirect_uri_is_never_followed() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for more in [
            ("redirect_uri", "https://evil.example/callback"),
            ("redirect_uri", "https://filing.jiangxi.example/callback?x=1"),
            ("redirect_uri", "https://filing.jiangxi.example/callback/"),
            ("redirect_uri", ""),
            ("client_id", "nobody"),
        ] {
            let shown = app.browser().get(&authorize_url(&FILING, &[more])).await;
            assert_eq!((shown.status.as_u16(), shown.left_to), (400, None), "{more:?}");
        }
        for doubled in ["redirect_uri=https://evil.example/", "client_id=invoice"] {
            let doubled = format!("{}&{doubled}", authorize_url(&FILING, &[]));
            let shown = app.browser().get(&doubled).await;
            assert_eq!((shown.status.as_u16(), shown.left_to), (400, None), "{doubled}");
        }
    });
}

#[test]
fn what_is_wrong_in_a_request_goes_back_to_the_client() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for (more, error) in [
            (("response_type", "token"), "unsupported_response_type"),
            (("code_challenge_method", "plain"), "invalid_request"),
            (("code_challenge", "short"), "invalid_request"),
            (("scope", "profile"), "invalid_scope"),
            (("prompt", "none login"), "invalid_request"),
            (("max_age", "-1"), "invalid_request"),
            (("claims", "{"), "invalid_request"),
            (("request", "x.y.z"), "request_not_supported"),
            (("prompt", "none"), "login_required"),
        ] {
            let shown = app.browser().get(&authorize_url(&FILING, &[more])).await;
            assert_eq!(shown.answered("error").as_deref(), Some(error), "{more:?}");
            assert_eq!(shown.answered("state").as_deref(), Some("st-1"));
            assert!(shown.answered("iss").is_some());
        }
    });
}

/// What cannot be read goes back, too, where it is plain whose it is (RFC 6749 §4.1.2.1): a parameter that came
/// twice, a control character, too much of it. A `state` that is wrong itself is not said.
#[test]
fn what_cannot_be_read_goes_back_to_the_client() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (twice, strange) = ("&nonce=other".to_owned(), "&login_hint=wang%00".to_owned());
        let long = ["claims", "login_hint"].map(|name| format!("&{name}={}", "x".repeat(3500)));
        let long = long.concat();
        for (more, state) in [
            (twice, Some("st-1")),
            (strange, Some("st-1")),
            (long, Some("st-1")),
            ("&state=st-2".to_owned(), None),
        ] {
            let url = format!("{}{more}", authorize_url(&FILING, &[]));
            let (path, query) = url.split_once('?').unwrap();
            let by_form = app.browser().send("POST", path, Some(query.to_owned())).await;
            let by_link = app.browser().get(&url).await;
            let mut answers = vec![by_link];
            if query.len() > 6000 {
                // No address of such a length passes every proxy: what came as a form could not come as one.
                assert_eq!((by_form.status.as_u16(), by_form.left_to), (400, None));
            } else {
                answers.push(by_form);
            }
            for shown in answers {
                let to = shown.left_to.clone().unwrap_or_default();
                assert!(to.starts_with(FILING.redirect_uri), "{more:.40}: {to} {}", shown.text);
                assert_eq!(shown.answered("error").as_deref(), Some("invalid_request"));
                assert_eq!(shown.answered("state").as_deref(), state, "{more:.40}");
                assert_eq!(shown.answered("iss").as_deref(), Some(ISSUER));
            }
        }
    });
}

#[test]
fn form_post_answers_in_a_form() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let shown = browser.get(&authorize_url(&FILING, &[("response_mode", "form_post")])).await;
        assert_eq!(shown.action(), FILING.redirect_uri);
        assert!(shown.hidden().contains_key("code") && shown.hidden()["state"] == "st-1");
    });
}

#[test]
fn prompt_login_and_max_age_ask_again() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let silent = browser.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
        assert!(silent.answered("code").is_some());
        let again = browser.get(&authorize_url(&FILING, &[("prompt", "login")])).await;
        assert!(again.text.contains("login-submit"));
        app.clock.advance(100);
        let silent = [("max_age", "99"), ("prompt", "none")];
        let refused = browser.get(&authorize_url(&FILING, &silent)).await;
        assert_eq!(refused.answered("error").as_deref(), Some("login_required"));
        let young = browser.get(&authorize_url(&FILING, &[("max_age", "1000")])).await;
        let (_, before) = app.redeem(&young.answered("code").unwrap()).await;
        let before = claims(before["id_token"].as_str().unwrap());
        // A proof that is too old is renewed by the missing step alone; identity and session stay.
        let aged = browser.get(&authorize_url(&FILING, &[("max_age", "99")])).await;
        assert!(aged.url.contains("/login/second_factor"), "{}", aged.url);
        assert!(!aged.text.contains("name=\"password\""));
        let done = browser.pass_second_factor(&app, &aged, "13900139000").await;
        let (_, after) = app.redeem(&done.answered("code").unwrap()).await;
        let after = claims(after["id_token"].as_str().unwrap());
        for same in ["sid", "acr", "amr", "sub"] {
            assert_eq!(before[same], after[same], "{same}");
        }
        let auth_time = |claims: &serde_json::Value| claims["auth_time"].as_i64().unwrap();
        assert_eq!(auth_time(&after), auth_time(&before) + 100);
        let silent = [("max_age", "10"), ("prompt", "none")];
        let young = browser.get(&authorize_url(&FILING, &silent)).await;
        assert!(young.answered("code").is_some());
    });
}

/// What a request asks of the person is asked until they have done it (OIDC Core §3.1.2.1): whoever sits at a
/// browser that is signed in gets no code of that session by waiting, by a wrong password, or by the way
/// back from a sign-in that ended in nothing.
#[test]
fn a_request_that_waits_keeps_what_it_asks_of_the_person() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let anew = authorize_url(&FILING, &[("prompt", "login"), ("max_age", "0")]);
        let page = browser.get(&anew).await;
        app.clock.advance(601);
        let page = browser.type_credentials(&page, (EXAMPLE, "13900139000", "Wrong2026!")).await;
        assert_eq!(page.answered("code"), None, "{:?}", page.left_to);
        assert!(page.text.contains("login-submit"), "{} {}", page.url, page.text);
        // Nor by the page that says that somebody has no identity there.
        let who = (EXAMPLE, "440308199901101512", PASSWORD);
        let page = browser.type_credentials(&page, who).await;
        let ended = browser.pass_second_factor(&app, &page, "13500135000").await;
        assert_eq!(ended.code(), Some("E_NO_IDENTITY"), "{}", ended.text);
        let again = ended.text.split("class=\"button\" href=\"").nth(1).unwrap();
        let again = crate::kit::browser::unescape(again.split('"').next().unwrap());
        let page = browser.get(&again).await;
        assert_eq!(page.answered("code"), None, "{:?}", page.left_to);
        assert!(page.text.contains("login-submit"), "{} {}", page.url, page.text);
        // Whoever has done it goes on.
        let page = browser.type_credentials(&page, (EXAMPLE, "13900139000", PASSWORD)).await;
        let done = browser.pass_second_factor(&app, &page, "13900139000").await;
        assert!(done.answered("code").is_some(), "{} {}", done.url, done.text);
        // A younger proof within the session, the same.
        app.clock.advance(61);
        let step = browser.get(&authorize_url(&FILING, &[("max_age", "0")])).await;
        app.clock.advance(601);
        let step = browser.submit(&step, &[("act", "send")]).await;
        assert_eq!(step.answered("code"), None, "{:?}", step.left_to);
        assert!(step.url.contains("/login/second_factor"), "{} {}", step.url, step.text);
        let done = browser.pass_second_factor(&app, &step, "13900139000").await;
        assert!(done.answered("code").is_some(), "{} {}", done.url, done.text);
    });
}

/// Of several values of `prompt` each is served for itself: a choice takes away no question, and a sign-in no
/// choice.
#[test]
fn each_value_of_prompt_is_served() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let page = browser.get(&authorize_url(&INVOICE, &[])).await;
        assert!(browser.submit(&page, &[("act", "allow")]).await.answered("code").is_some());
        let picked = |chooser: &Shown| {
            let id = chooser.text.split("name=\"identity\" value=\"").nth(1);
            let id = id.unwrap_or_else(|| panic!("{} {}", chooser.url, chooser.text));
            id.split('"').next().unwrap().to_owned()
        };
        let both = authorize_url(&INVOICE, &[("prompt", "consent select_account")]);
        let chooser = browser.get(&both).await;
        let asks = browser.submit(&chooser, &[("identity", &picked(&chooser))]).await;
        assert!(asks.text.contains("name=\"act\" value=\"allow\""), "{} {}", asks.url, asks.text);
        assert!(browser.submit(&asks, &[("act", "allow")]).await.answered("code").is_some());

        app.clock.advance(61);
        let all = authorize_url(&INVOICE, &[("prompt", "login consent select_account")]);
        let page = browser.get(&all).await;
        let page = browser.type_credentials(&page, (EXAMPLE, "13900139000", PASSWORD)).await;
        let chooser = browser.pass_second_factor(&app, &page, "13900139000").await;
        let asks = browser.submit(&chooser, &[("identity", &picked(&chooser))]).await;
        assert!(asks.text.contains("name=\"act\" value=\"allow\""), "{} {}", asks.url, asks.text);
        assert!(browser.submit(&asks, &[("act", "allow")]).await.answered("code").is_some());
    });
}

/// A phone's sign-in has no second factor to renew: the whole of it, which is one tap, is asked for.
#[test]
fn a_door_without_a_second_factor_is_walked_again() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut phone = signed_in(&app).await;
        let (mut browser, page) = crate::login::scan::login_page(&app).await;
        let asked = crate::login::scan::scan(&mut phone, &crate::login::scan::code(&page)).await;
        phone.submit(&asked, &[("act", "confirm")]).await;
        assert!(crate::login::scan::go_on(&mut browser, &page).await.answered("code").is_some());
        app.clock.advance(100);
        let aged = browser.get(&authorize_url(&FILING, &[("max_age", "99")])).await;
        assert!(aged.text.contains("login-submit"), "{}", aged.text);
    });
}

/// Covers X-01, AC-57: each move from one identity to another rotates the session, ends the tokens of the one
/// before and stands in the audit with both.
#[test]
fn the_identity_is_hinted_chosen_or_refused_and_old_tokens_end() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let first = browser.get(&authorize_url(&FILING, &[])).await;
        let (_, old) = app.redeem(&first.answered("code").unwrap()).await;
        let not_held = authorize_url(&FILING, &[("identity_hint", "92360111MA36K0QR34")]);
        assert_eq!(
            browser.get(&not_held).await.answered("error").as_deref(),
            Some("access_denied")
        );

        let old_cookie = browser.cookies["__Host-hufu-session-jiangxi"].clone();
        let hinted = authorize_url(&FILING, &[("identity_hint", SAMPLE), ("prompt", "none")]);
        let moved = browser.get(&hinted).await;
        let (_, tokens) = app.redeem(&moved.answered("code").unwrap()).await;
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id["tax_identity"]["enterprise"]["uscc"], SAMPLE);
        let before = claims(old["id_token"].as_str().unwrap());
        assert_ne!(id["sid"], before["sid"]);
        assert_eq!(id["sub"], before["sub"]);
        assert_ne!(browser.cookies["__Host-hufu-session-jiangxi"], old_cookie);
        let (status, _) = app.refresh(old["refresh_token"].as_str().unwrap()).await;
        assert_eq!(status.as_u16(), 400);
        assert_eq!(app.introspect(old["access_token"].as_str().unwrap()).await["active"], false);

        let chooser = browser.get(&authorize_url(&FILING, &[("prompt", "select_account")])).await;
        assert!(chooser.text.contains("法定代表人") && chooser.text.contains("办税员"));
        let refused = browser.submit(&chooser, &[("identity", "nonsense")]).await;
        assert_eq!(refused.code(), Some("E_NO_IDENTITY"));
        let mut choices = chooser.text.split("name=\"identity\" value=\"").skip(1);
        let id = choices.find(|one| one.contains(EXAMPLE)).unwrap();
        let id = id.split('"').next().unwrap().to_owned();
        let before = browser.cookies["__Host-hufu-session-jiangxi"].clone();
        let done = browser.submit(&chooser, &[("identity", &id)]).await;
        assert!(done.answered("code").is_some(), "{}", done.text);
        assert_ne!(browser.cookies["__Host-hufu-session-jiangxi"], before);
        let access = tokens["access_token"].as_str().unwrap();
        assert_eq!(app.introspect(access).await["active"], false);
        let mut moves = app.audit().await;
        moves.retain(|one| one["action"] == "identity_switched");
        assert_eq!(moves.len(), 2, "there and back: {moves:?}");
        assert_ne!(moves[0]["from"], moves[0]["to"]);
        assert_eq!(moves[1]["from"], moves[0]["to"]);
        assert_eq!(moves[1]["to"], moves[0]["from"]);
        assert_eq!(moves[1]["person"], moves[0]["person"]);
    });
}

#[test]
fn consent_is_asked_once_and_may_be_refused() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let silent = browser.get(&authorize_url(&INVOICE, &[("prompt", "none")])).await;
        assert_eq!(silent.answered("error").as_deref(), Some("consent_required"));
        let page = browser.get(&authorize_url(&INVOICE, &[])).await;
        let denied = browser.submit(&page, &[("act", "deny")]).await;
        assert_eq!(denied.answered("error").as_deref(), Some("access_denied"));
        let allowed = browser.submit(&page, &[("act", "allow")]).await;
        assert!(allowed.answered("code").is_some());
        let remembered = browser.get(&authorize_url(&INVOICE, &[("prompt", "none")])).await;
        assert!(remembered.answered("code").is_some());
    });
}
