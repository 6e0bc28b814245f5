//! Natural-person sign-in, and the portal's plain link.

use crate::kit::browser::Shown;
use crate::kit::{
    FILING, PASSWORD, TestApp, authorize_url, claims, on_each_database, on_one_database,
};

/// Covers P-01, P-02, X-11.
#[test]
fn a_person_gets_a_personal_session() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let t = page.hidden()["t"].clone();
        let page = browser
            .get(&format!("/realms/jiangxi/login/credentials?t={t}&entrance=natural_person"))
            .await;
        assert!(!page.text.contains("name=\"enterprise_number\""));
        let page = browser.type_credentials(&page, ("", "wangxm", PASSWORD)).await;
        let done = browser.pass_second_factor(&app, &page, "13800138000").await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id["tax_identity"], serde_json::json!({"kind": "personal"}));
        assert_eq!(id["roles"], serde_json::json!([]));

        // One way: an enterprise is not to be had from here.
        let hinted = authorize_url(&FILING, &[("identity_hint", crate::kit::EXAMPLE)]);
        assert_eq!(browser.get(&hinted).await.answered("error").as_deref(), Some("access_denied"));

        let username = hufu::domain::number::username::Username::parse("wangxm").unwrap();
        let person = app.ctx.rows().accounts().find_by_username(&username).await;
        let person = person.unwrap().unwrap().person;
        let log = app.ctx.rows().records().attempts(person, app.clock.now().one_month_ago()).await;
        let log = log.unwrap();
        assert_eq!((log[0].outcome.as_str(), log[0].entrance.as_str()), ("ok", "natural_person"));
        assert_eq!(log[0].at.for_people(), "2026-11-24 10:00:00");
    });
}

///
#[test]
fn the_portal_gets_its_person_back_and_nobody_else_does() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for (asked, expected) in [
            ("https://portal.jiangxi.example/home", Some("https://portal.jiangxi.example/home")),
            ("https://evil.example/", None),
        ] {
            let mut browser = app.browser();
            let to: String = form_urlencoded::byte_serialize(asked.as_bytes()).collect();
            let page = browser.get(&format!("/realms/jiangxi/login?return_to={to}")).await;
            let t = page.hidden()["t"].clone();
            let page = browser
                .get(&format!("/realms/jiangxi/login/credentials?t={t}&entrance=natural_person"))
                .await;
            let page = browser.type_credentials(&page, ("", "13900139000", PASSWORD)).await;
            let done = browser.pass_second_factor(&app, &page, "13900139000").await;
            assert_eq!(done.left_to.as_deref(), expected);
            app.clock.advance(61);
        }
    });
}

/// The old page is the portal's; what is ours of it is that nobody is moved on unasked. The plain link shows a page of
/// this site, wherever its reader wants to go back to, and moves them nowhere; who wanted to go nowhere stays here.
///
#[test]
fn nobody_is_moved_on_unasked() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        let stays = |page: &Shown| {
            assert_eq!(
                (page.status.as_u16(), page.left_to.as_deref()),
                (200, None),
                "{}",
                page.url
            );
            assert_eq!(page.header("refresh"), None, "{}", page.url);
            assert!(!page.text.to_lowercase().contains("http-equiv"), "{}", page.text);
        };
        for back in ["", "?return_to=https%3A%2F%2Fportal.jiangxi.example%2Fhome"] {
            let page = app.browser().get(&format!("/realms/jiangxi/login{back}")).await;
            assert!(page.text.contains("id=\"login-form\""), "{}", page.text);
            stays(&page);
        }
        let mut browser = app.browser();
        let page = browser.at_entrance("/realms/jiangxi/login", "natural_person").await;
        let page = browser.type_credentials(&page, ("", "13900139000", PASSWORD)).await;
        let done = browser.pass_second_factor(&app, &page, "13900139000").await;
        assert!(done.url.ends_with("/signed-in"), "{}", done.url);
        stays(&done);
    });
}
