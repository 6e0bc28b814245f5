//! The slider's proof: whose it is, how often and how long.

use crate::kit::browser::Shown;
use crate::kit::{
    Browser, EXAMPLE, FILING, Setup, authorize_url, demo_realm, on_each_database, realm_named,
};

/// The code that a form is answered with.
async fn sent(browser: &mut Browser, page: &Shown, form: [(&str, String); 5]) -> String {
    let form: Vec<(&str, &str)> = form.iter().map(|(k, v)| (*k, v.as_str())).collect();
    browser.submit(page, &form).await.code().unwrap().to_owned()
}

/// What was not drawn is refused before anybody is looked for: it is told where nobody can be.
#[test]
fn nobody_is_looked_for_before_the_slider_was_drawn() {
    on_each_database(|on| async move {
        let app = Setup::of(on, vec![demo_realm()]).start().await;
        let typed = |slider| {
            [
                ("enterprise_number", EXAMPLE),
                ("personal_id", "nobody.here"),
                ("password", "Wrong2026!"),
                ("slider", slider),
            ]
        };
        let mut browser = app.browser();
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        app.sql("ALTER TABLE account RENAME TO account_elsewhere").await;
        for value in ["0", "100"] {
            let refused = browser.submit(&page, &typed(value)).await;
            assert_eq!(refused.code(), Some("E_SLIDER"), "{value}");
        }
        let again = browser.get(&authorize_url(&FILING, &[])).await;
        let asked = browser.submit(&again, &typed("100")).await;
        assert!(asked.status.is_server_error(), "{}", asked.status);
        app.sql("ALTER TABLE account_elsewhere RENAME TO account").await;
    });
}

/// A slider's proof is worth something in the sign-in it was made for and nowhere else, and what somebody
/// tries with it elsewhere uses nothing up.
#[test]
fn the_slider_of_one_sign_in_is_nothing_in_another() {
    on_each_database(|on| async move {
        let issuer = "https://sso.jiangxi.example/realms/jiangxi";
        let moved = issuer.replace("realms/jiangxi", "realms/other-bureau");
        let other_realm = realm_named("other-bureau", &[("realm.toml", issuer, &moved)]);
        let app = Setup::of(on, vec![demo_realm(), other_realm]).start().await;
        let wrong = |slider: &str, value: &'static str| {
            let (slider, typed) = (slider.to_owned(), "nobody.here");
            [
                ("enterprise_number", EXAMPLE.to_owned()),
                ("personal_id", typed.to_owned()),
                ("password", "Wrong2026!".to_owned()),
                ("slider_id", slider),
                ("slider", value.to_owned()),
            ]
        };
        let url = authorize_url(&FILING, &[]);
        let mut browser = app.browser();
        let page = browser.get(&url).await;
        let slider_of = |page: &Shown| page.filled(&[("personal_id", "")]).1["slider_id"].clone();
        let own = slider_of(&page);
        let mut stranger = app.browser();
        let elsewhere = stranger.get(&url).await;
        let second_tab = browser.get(&url).await;
        let mut there = app.browser();
        let other_url = url.replace("jiangxi/authorize", "other-bureau/authorize");
        let other_realms = there.get(&other_url).await;
        let cookie = browser.cookies.values().next().unwrap().clone();
        let swapped = if own.as_bytes()[20] == b'A' { "B" } else { "A" };
        let changed = format!("{}{swapped}{}", &own[..20], &own[21..]);
        for (what, slider) in [
            ("nothing", ""),
            ("made up", "AAAAAAAAAAAAAAAAAAAAAA"),
            ("changed", changed.as_str()),
            ("another thing that is sealed", cookie.as_str()),
            ("the transaction", page.hidden()["t"].as_str()),
        ] {
            let code = sent(&mut browser, &page, wrong(slider, "100")).await;
            assert_eq!(code, "E_SLIDER", "{what}");
        }
        let pages = [(&mut stranger, &elsewhere), (&mut there, &other_realms)];
        for (other, other_page) in pages {
            let code = sent(other, other_page, wrong(&own, "100")).await;
            assert_eq!(code, "E_SLIDER", "{}", other_page.url);
            // The own one is still good there.
            let theirs = slider_of(other_page);
            assert_eq!(sent(other, other_page, wrong(&theirs, "100")).await, "E_CREDENTIALS");
        }
        assert_eq!(sent(&mut browser, &second_tab, wrong(&own, "100")).await, "E_SLIDER");
        // Where it was made it has not been used up, works once, and not for ever.
        assert_eq!(sent(&mut browser, &page, wrong(&own, "100")).await, "E_CREDENTIALS");
        assert_eq!(sent(&mut browser, &page, wrong(&own, "100")).await, "E_SLIDER");
        let again = browser.get(&url).await;
        let half = slider_of(&again);
        assert_eq!(sent(&mut browser, &again, wrong(&half, "94")).await, "E_SLIDER");
        assert_eq!(sent(&mut browser, &again, wrong(&half, "100")).await, "E_SLIDER");
        for (seconds, expected) in [(119, "E_CREDENTIALS"), (120, "E_SLIDER")] {
            app.clock.advance(901);
            let page = browser.get(&url).await;
            let slider = slider_of(&page);
            app.clock.advance(seconds);
            assert_eq!(sent(&mut browser, &page, wrong(&slider, "100")).await, expected);
        }
    });
}
