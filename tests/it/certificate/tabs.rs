//! Two tabs of one browser at the door for certificates, each with a challenge of its own: what the one ends in,
//! and what the other's later answer comes to.

use serde_json::Value;

use super::browser::{PIN, Walk, config};
use super::door::{ORIGIN, Office, Sent, at_certificates, challenge, handler};
use crate::kit::agent;
use crate::kit::browser::Shown;
use crate::kit::demo::{Chromium, free_ports, start};
use crate::kit::{Browser, FILING, authorize_url, on_each_database};

const SESSION: &str = "__Host-hufu-session-jiangxi";

/// The first handler comes in.
async fn choose(browser: &mut Browser, page: &Shown) -> Shown {
    assert_eq!(page.code(), None, "{}", page.text);
    assert!(page.url.contains("/login/choose_handler"), "{} {}", page.url, page.text);
    let id = handler(page, "李*");
    browser.submit(page, &[("handler", &id)]).await
}

async fn accepted(office: &Office) -> usize {
    let audit = office.app.audit().await;
    audit.iter().filter(|one| one["action"] == "certificate_accepted").count()
}

/// Issue 15, covers C-08: two tabs with sign-ins of their own. Neither's challenge is good in the other; each ends
/// at its own request, and the session of the first ends where the second begins.
#[test]
fn two_tabs_come_in_one_after_the_other() {
    on_each_database(|on| async move {
        let office = Office::open(on).await;
        let leaf = office.sm2.enterprise();
        let mut browser = office.app.browser();
        let mut tabs = Vec::new();
        for state in ["first", "second"] {
            let page = browser.get(&authorize_url(&FILING, &[("state", state)])).await;
            let page = at_certificates(&mut browser, &page).await;
            let asked = challenge(&mut browser, &page).await;
            tabs.push((page, asked));
        }
        let [(one, asked_of_one), (other, asked_of_other)] = &tabs[..] else { panic!("two") };
        assert_ne!(asked_of_one["challenge"], asked_of_other["challenge"]);
        let sent = |asked: &Value| Sent::of(asked, &leaf, (ORIGIN, "login"));
        let crossed = sent(asked_of_other).submit(&mut browser, one).await;
        assert_eq!(crossed.code(), Some("E_CERT_CHALLENGE"), "{}", crossed.text);

        let page = sent(asked_of_one).submit(&mut browser, one).await;
        let done = choose(&mut browser, &page).await;
        assert_eq!(done.answered("state").as_deref(), Some("first"), "{}", done.text);
        let first = browser.cookies[SESSION].clone();
        // The other tab's answer is as good as it was, and moves nothing before its handler is chosen.
        let page = sent(asked_of_other).submit(&mut browser, other).await;
        assert_eq!(browser.cookies[SESSION], first);
        let n = office.app.audit().await.len();
        let done = choose(&mut browser, &page).await;
        assert_eq!(done.answered("state").as_deref(), Some("second"), "{}", done.text);
        assert_ne!(browser.cookies[SESSION], first);
        assert_eq!(accepted(&office).await, 2);
        let audit = office.app.audit().await;
        let ended: Vec<&Value> =
            audit[n..].iter().filter(|one| one["action"] == "session_ended").collect();
        assert_eq!(ended.len(), 1, "{audit:?}");
        assert_eq!(ended[0]["reason"], "somebody signed in anew in this browser");
        browser.cookies.insert(SESSION.to_owned(), first);
        let over = browser.get("/realms/jiangxi/account").await;
        assert!(over.url.contains("/login"), "{}", over.url);
    });
}

/// Issue 15, covers C-08: one sign-in in two tabs. A later answer is led to where the first has come, with nothing
/// accepted twice; once somebody is in, it is told so, and without a session that the sign-in is over.
#[test]
fn a_tab_that_lags_behind_is_led_on() {
    on_each_database(|on| async move {
        let office = Office::open(on).await;
        let leaf = office.sm2.enterprise();
        let sent = |asked: &Value| Sent::of(asked, &leaf, (ORIGIN, "login"));
        // At the same moment.
        let (mut left, page) = office.at_door().await;
        let mut right = left.clone();
        let asked = (challenge(&mut left, &page).await, challenge(&mut right, &page).await);
        assert_ne!(asked.0["challenge"], asked.1["challenge"]);
        let (one, other) = (sent(&asked.0), sent(&asked.1));
        let both = tokio::join!(one.submit(&mut left, &page), other.submit(&mut right, &page));
        for shown in [&both.0, &both.1] {
            assert_eq!(shown.code(), None, "{}", shown.text);
            assert!(shown.url.contains("/login/choose_handler"), "{}", shown.url);
        }
        assert_eq!(accepted(&office).await, 1);

        // One after the other.
        let (mut browser, page) = office.at_door().await;
        let one = challenge(&mut browser, &page).await;
        let other = challenge(&mut browser, &page).await;
        let chosen = sent(&one).submit(&mut browser, &page).await;
        let late = sent(&other).submit(&mut browser, &page).await;
        assert_eq!((late.code(), &late.url), (None, &chosen.url), "{}", late.text);
        let done = choose(&mut browser, &chosen).await;
        assert!(done.answered("code").is_some(), "{}", done.text);
        assert_eq!(accepted(&office).await, 2);
        let session = browser.cookies[SESSION].clone();
        let late = sent(&other).submit(&mut browser, &page).await;
        assert!(late.url.ends_with("/signed-in"), "{} {}", late.url, late.text);
        let t = page.hidden()["t"].clone();
        for path in ["certificate", "certificate/challenge", "choose_handler"] {
            let late = browser.get(&format!("/realms/jiangxi/login/{path}?t={t}")).await;
            assert!(late.url.ends_with("/signed-in"), "{path}: {}", late.url);
        }
        assert_eq!(browser.cookies[SESSION], session);
        browser.cookies.remove(SESSION);
        let late = sent(&other).submit(&mut browser, &page).await;
        assert_eq!(late.status.as_u16(), 410, "{}", late.text);
        assert!(!browser.cookies.contains_key(SESSION));
        assert_eq!(accepted(&office).await, 2);
    });
}

/// Covers C-08 in a real Chromium: two tabs at the door come in one after the other; a third that shows
/// the first one's sign-in is led to where somebody is in.
#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_of_a_browser_come_in() {
    let Some(program) = agent::program() else { return };
    let _alone = agent::alone().await;
    let Some(chromium) = Chromium::open(1280, 900).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports();
    let _demo = start(port, folder.path()).await;
    let _agent = agent::start(&program, &config(folder.path()), &[]).await;
    let walk = Walk { chromium, port };
    let (chromium, window) = (&walk.chromium, &walk.chromium.window);
    let account = "/realms/jiangxi/account";
    let door = async || {
        walk.to(0, &format!("/realms/jiangxi/login?return_to={account}")).await;
        chromium.click("#door-certificate").await;
        walk.look().await;
    };
    let comes_in = async || {
        chromium.type_into("#pin", PIN).await;
        chromium.click("#certificate-submit").await;
        assert!(chromium.text("main").await.contains("选择办税人员"));
        chromium.click("#handler-submit").await;
        assert_eq!(window.current_url().await.unwrap().path(), account);
    };
    let new_tab = async || {
        let tab = window.new_window(true).await.unwrap().handle;
        window.switch_to_window(tab.clone()).await.unwrap();
        tab
    };
    let first = window.window().await.unwrap();
    door().await;
    let address = window.current_url().await.unwrap();
    let other = new_tab().await;
    door().await;
    assert_ne!(window.current_url().await.unwrap(), address, "a sign-in of its own");
    let late = new_tab().await;
    window.goto(address.as_str()).await.unwrap();
    walk.look().await;

    window.switch_to_window(first.clone()).await.unwrap();
    comes_in().await;
    window.switch_to_window(late).await.unwrap();
    chromium.type_into("#pin", PIN).await;
    chromium.click("#certificate-submit").await;
    assert!(window.current_url().await.unwrap().path().ends_with("/signed-in"));
    window.switch_to_window(other).await.unwrap();
    comes_in().await;
    // One browser, one session: the first tab shows the one that is there now.
    window.switch_to_window(first).await.unwrap();
    window.refresh().await.unwrap();
    assert_eq!(window.current_url().await.unwrap().path(), account);
}
