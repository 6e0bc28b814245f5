//! One browser, one session: across sites, through a second sign-in, a second click, and out again.

use std::collections::BTreeMap;

use serde_json::json;

use super::authorize::signed_in;
use crate::account::as_wang;
use crate::kit::browser::Shown;
use crate::kit::{
    Browser, EXAMPLE, FILING, INVOICE, PASSWORD, SAMPLE, Setup, TestApp, authorize_url,
    changed_realm, claims, on_each_database, on_one_database,
};

const SESSION: &str = "__Host-hufu-session-jiangxi";
const OUT: &str = "https://filing.jiangxi.example/";

/// As a browser sends the form of another site: without our cookies, which it keeps all the same.
async fn across_sites(browser: &mut Browser, path: &str, body: &str) -> Shown {
    let kept: BTreeMap<String, String> = std::mem::take(&mut browser.cookies);
    let shown = browser.once("POST", path, Some(body.to_owned())).await;
    let set = std::mem::replace(&mut browser.cookies, kept);
    browser.cookies.extend(set);
    shown
}

fn logout(more: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(more).finish();
    format!("/realms/jiangxi/logout?{query}")
}

async fn tokens(app: &TestApp, browser: &mut Browser) -> serde_json::Value {
    let done = browser.get(&authorize_url(&FILING, &[])).await;
    app.redeem(&done.answered("code").unwrap()).await.1
}

async fn is_active(app: &TestApp, tokens: &serde_json::Value) -> bool {
    app.introspect(tokens["access_token"].as_str().unwrap()).await["active"] == true
}

/// OIDC Core §3.1.2.1: POST means what GET means, also where the form stands on another site.
#[test]
fn a_request_posted_from_another_site_finds_the_session() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let url = authorize_url(&FILING, &[]);
        let (path, query) = url.split_once('?').unwrap();
        let sent = across_sites(&mut browser, path, query).await;
        assert_eq!(sent.status.as_u16(), 303);
        let done = browser.get(sent.left_to.as_deref().unwrap()).await;
        assert!(done.answered("code").is_some(), "{}", done.text);
        let long = format!("{query}&state2={}", "x".repeat(7000));
        assert_eq!(across_sites(&mut browser, path, &long).await.status.as_u16(), 400);
    });
}

/// A page on the web that posts to the sign-out ends nothing; a hint names its session without a cookie.
#[test]
fn signing_out_says_and_does_only_what_was_asked() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let held = tokens(&app, &mut browser).await;
        let hint = held["id_token"].as_str().unwrap();
        let cookie = browser.cookies[SESSION].clone();
        // From anywhere, without a hint: the person is asked, nothing has ended.
        let sent = across_sites(&mut browser, "/realms/jiangxi/logout", "x=y").await;
        assert_eq!(browser.cookies[SESSION], cookie);
        let asks = browser.get(sent.left_to.as_deref().unwrap()).await;
        assert!(asks.text.contains("logout-confirm"), "{}", asks.text);
        assert!(is_active(&app, &held).await);
        // What means nothing here is not sent on, and what is too long for proxies is refused.
        let padded = format!("x={}&client_id={}", "y".repeat(30_000), FILING.id);
        let sent = across_sites(&mut browser, "/realms/jiangxi/logout", &padded).await;
        let back = format!("/realms/jiangxi/logout?client_id={}", FILING.id);
        assert!(sent.left_to.as_deref().unwrap().ends_with(&back), "{:?}", sent.left_to);
        for name in ["id_token_hint", "state", "post_logout_redirect_uri", "ui_locales"] {
            let long = format!("{name}={}", "y".repeat(30_000));
            let sent = across_sites(&mut browser, "/realms/jiangxi/logout", &long).await;
            assert_eq!((sent.status.as_u16(), sent.left_to), (400, None), "{name}");
        }
        // `client_id` instead of a hint asks, too, and then returns.
        let named = [("client_id", FILING.id), ("post_logout_redirect_uri", OUT), ("state", "s 1")];
        let asks = browser.get(&logout(&named)).await;
        let done = browser.submit(&asks, &[("act", "logout")]).await;
        assert_eq!(done.left_to.as_deref(), Some("https://filing.jiangxi.example/?state=s+1"));
        assert!(!is_active(&app, &held).await && !browser.cookies.contains_key(SESSION));
        // Nobody is signed in: said so, and nothing claimed.
        let nobody = browser.get("/realms/jiangxi/logout").await;
        assert!(nobody.text.contains("没有需要退出的登录"), "{}", nobody.text);
        // The hint of the ended session still leads back.
        let with_hint = [("id_token_hint", hint), ("post_logout_redirect_uri", OUT)];
        assert_eq!(browser.get(&logout(&with_hint)).await.left_to.as_deref(), Some(OUT));

        // No cookie came, the session lives: the hint ends it and its tokens.
        app.clock.advance(61);
        let mut browser = signed_in(&app).await;
        let held = tokens(&app, &mut browser).await;
        let with_hint = [("id_token_hint", held["id_token"].as_str().unwrap())];
        let stranger = app.browser().get(&logout(&with_hint)).await;
        assert!(stranger.text.contains("您已退出"), "{}", stranger.text);
        assert!(!is_active(&app, &held).await);

        // Addresses that are nobody's: signed out all the same, and told.
        app.clock.advance(61);
        let mut browser = signed_in(&app).await;
        let held = tokens(&app, &mut browser).await;
        let hint = held["id_token"].as_str().unwrap();
        for uri in ["https://evil.example/", "https://filing.jiangxi.example/x", "javascript:0"] {
            let asked = [("id_token_hint", hint), ("post_logout_redirect_uri", uri)];
            let asks = browser.get(&logout(&asked)).await;
            assert!(asks.left_to.is_none() && asks.text.contains("logout-confirm"), "{uri}");
        }
        let asked =
            [("id_token_hint", hint), ("post_logout_redirect_uri", "https://evil.example/")];
        let asks = browser.get(&logout(&asked)).await;
        let done = browser.submit(&asks, &[("act", "logout")]).await;
        assert!(done.left_to.is_none() && done.text.contains("没有登记"), "{}", done.text);
        // A bad hint is none, whatever stands beside it.
        app.clock.advance(61);
        let mut browser = signed_in(&app).await;
        let forged = format!("{hint}x");
        let asked = [("id_token_hint", &*forged), named[0], named[1]];
        let asks = browser.get(&logout(&asked)).await;
        let done = browser.submit(&asks, &[("act", "logout")]).await;
        assert!(done.left_to.is_none(), "{:?}", done.left_to);
    });
}

/// What an application does without the person outlives their session, and ends with a sign-out all the same: by the
/// hint of an application, by the browser that still has the cookie, by a hint beside another session of the same
/// person, which ends with it; and with a new sign-in in that browser.
#[test]
fn a_sign_out_ends_work_that_has_outlived_its_session() {
    on_each_database(|on| async move {
        let scopes = "scopes = [\"openid\", \"profile\", \"phone\", \"tax_identity\"]";
        let more =
            "scopes = [\"openid\", \"profile\", \"phone\", \"tax_identity\", \"offline_access\"]";
        let realm = changed_realm(&[("clients/tax-filing.toml", scopes, more)]);
        let app = Setup::of(on, vec![realm]).start().await;
        for (how, left) in [("hint", 0), ("cookie", 0), ("beside", 0), ("anew", 1)] {
            app.clock.advance(61);
            let mut browser = signed_in(&app).await;
            let asked = authorize_url(&FILING, &[("scope", "openid tax_identity offline_access")]);
            let mut done = browser.get(&asked).await;
            if done.text.contains("value=\"allow\"") {
                done = browser.submit(&done, &[("act", "allow")]).await;
            }
            let (_, held) = app.redeem(&done.answered("code").unwrap()).await;
            app.clock.advance(28_900);
            let refresh = held["refresh_token"].as_str().unwrap();
            let (status, goes_on) = app.refresh(refresh).await;
            assert_eq!(status.as_u16(), 200, "{goes_on}");
            let hint = [("id_token_hint", held["id_token"].as_str().unwrap())];
            let out = match how {
                "hint" => app.browser().get(&logout(&hint)).await,
                "cookie" => {
                    let asks = browser.get(&logout(&[])).await;
                    browser.submit(&asks, &[("act", "logout")]).await
                }
                "beside" => {
                    let mut other = signed_in(&app).await;
                    let asks = other.get(&logout(&hint)).await;
                    assert!(asks.text.contains("logout-confirm"), "{}", asks.text);
                    other.submit(&asks, &[("act", "logout")]).await
                }
                _ => {
                    let page = browser.get(&authorize_url(&FILING, &[])).await;
                    let typed = (EXAMPLE, "13900139000", PASSWORD);
                    let page = browser.type_credentials(&page, typed).await;
                    browser.pass_second_factor(&app, &page, "13900139000").await
                }
            };
            let is_in = out.answered("code").is_some();
            assert!(is_in || out.text.contains("您已退出"), "{how}: {}", out.text);
            let live = "SELECT COUNT(*) FROM session WHERE ended_at IS NULL";
            assert_eq!((app.count(live).await, is_in), (left, left == 1), "{how}");
            let (_, refused) = app.refresh(refresh).await;
            assert_eq!(refused["error"], "invalid_grant", "{how}: {refused}");
            let sid = claims(held["id_token"].as_str().unwrap())["sid"].clone();
            let receivers = app.ctx.rows().deliveries().receivers(app.ctx.now()).await.unwrap();
            let filing = receivers.iter().find(|one| one.client_id == FILING.id).unwrap();
            let due = app.ctx.rows().deliveries().due(filing, app.ctx.now(), 10).await.unwrap();
            assert!(due.iter().any(|one| json!(one.about) == sid), "{how}: {due:?}");
        }
    });
}

/// The hint of another person's session ends that one alone: the browser's own, past its time, keeps the cookie by which
/// it can be ended. Where both are one person's, the hint names one of the two, and it is asked before both end.
#[test]
fn a_hint_beside_a_session_past_its_time_ends_no_more_than_it_names() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut former = signed_in(&app).await;
        app.clock.advance(28_900);
        let mut wang = as_wang(&app, "<strong>办税员").await;
        let held = tokens(&app, &mut wang).await;
        let named = [
            ("id_token_hint", held["id_token"].as_str().unwrap()),
            ("post_logout_redirect_uri", OUT),
        ];
        let done = former.get(&logout(&named)).await;
        assert_eq!(done.left_to.as_deref(), Some(OUT), "{}", done.text);
        assert!(!is_active(&app, &held).await && former.cookies.contains_key(SESSION));

        let mut beside = signed_in(&app).await;
        let held = tokens(&app, &mut beside).await;
        let named = [
            ("id_token_hint", held["id_token"].as_str().unwrap()),
            ("post_logout_redirect_uri", OUT),
        ];
        let asks = former.get(&logout(&named)).await;
        assert!(asks.left_to.is_none() && asks.text.contains("logout-confirm"), "{}", asks.text);
        assert!(is_active(&app, &held).await);
        let done = former.submit(&asks, &[("act", "logout")]).await;
        assert_eq!(done.left_to.as_deref(), Some(OUT), "{}", done.text);
        let live = "SELECT COUNT(*) FROM session WHERE ended_at IS NULL";
        assert_eq!(app.count(live).await, 0);
        assert!(!former.cookies.contains_key(SESSION));
    });
}

/// Whoever signs in anew in a browser has one session there; the former cookie gives nothing more.
#[test]
fn a_new_sign_in_ends_the_former_session_of_the_browser() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let held = tokens(&app, &mut browser).await;
        let former = browser.clone();
        app.clock.advance(61);
        let page = browser.get(&authorize_url(&FILING, &[("prompt", "login")])).await;
        let page = browser.type_credentials(&page, (EXAMPLE, "13900139000", PASSWORD)).await;
        let done = browser.pass_second_factor(&app, &page, "13900139000").await;
        let (_, new) = app.redeem(&done.answered("code").unwrap()).await;
        assert_ne!(former.cookies[SESSION], browser.cookies[SESSION]);
        assert!(!is_active(&app, &held).await && is_active(&app, &new).await);
        let mut former = former;
        let silent = former.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
        assert_eq!(silent.answered("error").as_deref(), Some("login_required"));
        // The application of the former session hears of it.
        let sid = claims(held["id_token"].as_str().unwrap())["sid"].clone();
        let receivers = app.ctx.rows().deliveries().receivers(app.ctx.now()).await.unwrap();
        let filing = receivers.iter().find(|one| one.client_id == FILING.id).unwrap();
        let due = app.ctx.rows().deliveries().due(filing, app.ctx.now(), 10).await.unwrap();
        assert!(due.iter().any(|one| json!(one.about) == sid), "{due:?}");
    });
}

/// A double click, and the way back: the second asks with the cookies of before the first answer.
#[test]
fn a_second_click_on_the_last_step_goes_on() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let page = browser.type_credentials(&page, (EXAMPLE, "13900139000", PASSWORD)).await;
        let sent = browser.submit(&page, &[("act", "send")]).await;
        let (action, fields) = sent.filled(&[("act", "verify"), ("code", &app.sms("13900139000"))]);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        // The answer to the first click reaches nobody.
        let mut lost = browser.clone();
        let first = lost.once("POST", &action, Some(body.clone())).await;
        assert!(lost.cookies.contains_key(SESSION), "{}", first.text);
        let second = browser.send("POST", &action, Some(body.clone())).await;
        assert!(second.answered("code").is_some(), "{} {}", second.status, second.text);
        assert_eq!(browser.cookies[SESSION], lost.cookies[SESSION], "one session");
        // Back: whoever has the session goes on with it.
        let back = lost.get(&action.replace("/second_factor", "/second_factor?t=gone")).await;
        assert!(back.status.is_success() && back.text.contains("已登录"), "{}", back.text);
        // Somebody else with the form alone gets nothing, nor does anybody later.
        let stranger = app.browser().send("POST", &action, Some(body.clone())).await;
        assert_eq!(stranger.status.as_u16(), 410);
        app.clock.advance(31);
        let mut late = lost.clone();
        late.cookies.remove(SESSION);
        assert_eq!(late.send("POST", &action, Some(body)).await.status.as_u16(), 410);
    });
}

/// A link on any page must not move somebody to another enterprise and sign applications out.
#[test]
fn only_an_application_of_the_session_moves_it_silently() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let before = browser.cookies[SESSION].clone();
        // The invoice application has nothing of this session yet, nor of its person.
        let hint = ("identity_hint", SAMPLE);
        let silent = browser.get(&authorize_url(&INVOICE, &[hint, ("prompt", "none")])).await;
        assert_eq!(silent.answered("error").as_deref(), Some("consent_required"));
        let asks = browser.get(&authorize_url(&INVOICE, &[hint])).await;
        assert!(asks.text.contains("name=\"identity\""), "{}", asks.text);
        assert_eq!(browser.cookies[SESSION], before, "nothing has moved");
        let id = asks.text.split("name=\"identity\" value=\"").nth(1).unwrap();
        let id = id.split('"').next().unwrap().to_owned();
        let next = browser.submit(&asks, &[("identity", &id)]).await;
        assert!(next.text.contains("consent-allow"), "{}", next.text);
        assert_ne!(browser.cookies[SESSION], before);
        // The one that has, moves it without a question.
        browser.submit(&next, &[("act", "allow")]).await;
        let back = [("identity_hint", EXAMPLE), ("prompt", "none")];
        let moved = browser.get(&authorize_url(&INVOICE, &back)).await;
        assert!(moved.answered("code").is_some() || moved.answered("error").is_some());
        let filing = browser.get(&authorize_url(&FILING, &[hint, ("prompt", "none")])).await;
        assert!(filing.left_to.is_some());
    });
}
