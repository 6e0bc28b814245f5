//! Two doors that lead nowhere: every officer's route with taxpayers' sessions, every taxpayer's route with an
//! officer's, on both listeners, and an officer of one realm in another.

use axum::http::StatusCode;

use super::{AtDesk, CONSOLE, router};
use crate::account::{as_person, as_wang};
use crate::kit::passkey::asked;
use crate::kit::{Browser, On, PASSWORD, Setup, TestApp, demo_realm, realm_named};
use crate::two_realms::routes::named;

/// The routes of the console that no taxpayer's page has.
fn of_officers() -> Vec<(String, String)> {
    let all = named("src/web/console").into_iter();
    all.filter(|(_, route)| route.starts_with("/console")).collect()
}

fn filled(route: &str) -> String {
    let parts = route.split('/').map(|part| match part.starts_with('{') {
        true => "00000000-0000-0000-0000-000000000000",
        false => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Covers X-19: no officer function is reachable from a taxpayer session.
#[tokio::test(flavor = "multi_thread")]
async fn a_taxpayer_reaches_no_officers_route() {
    let app = TestApp::start(On::Sqlite).await;
    let officers = of_officers();
    assert!(officers.len() >= 10, "{officers:?}");
    for taxpayer in [as_person(&app, "13800138000").await, as_wang(&app, "办税员").await] {
        let session = taxpayer.cookies["__Host-hufu-session-jiangxi"].clone();
        for (method, route) in &officers {
            let path = format!("/realms/jiangxi{}", filled(route));
            let body = (method == "POST").then(|| "csrf=x".to_owned());
            // On their own listener it is not there.
            let mut public = taxpayer.clone();
            let shown = public.once(method, &path, body.clone()).await;
            assert_eq!(shown.status, StatusCode::NOT_FOUND, "{method} {path}");
            // On the officers' a taxpayer's cookies are nobody's, under whatever name they come.
            for name in ["__Host-hufu-session-jiangxi", "__Host-hufu-officer-jiangxi"] {
                let mut inside = Browser::new(router(&app));
                inside.cookies = taxpayer.cookies.clone();
                inside.cookies.insert(name.to_owned(), session.clone());
                let shown = inside.once(method, &path, body.clone()).await;
                let is_door = ["/console/login", "/console/invitation"].contains(&route.as_str());
                let leads_out =
                    shown.left_to.as_deref().is_some_and(|to| to.contains("/console/login"));
                assert!(
                    leads_out || (is_door && shown.status != StatusCode::SEE_OTHER),
                    "{method} {path} as {name}: {} {:?}",
                    shown.status,
                    shown.left_to
                );
                assert!(!shown.text.contains("id=\"officer\""), "{method} {path}");
            }
        }
    }
}

/// Covers X-19: and the reverse.
#[tokio::test(flavor = "multi_thread")]
async fn an_officer_reaches_no_taxpayers_route() {
    let app = TestApp::start(On::Sqlite).await;
    let desk = AtDesk::start(&app, "zhou", "hall reviewer").await;
    let session = desk.browser.cookies["__Host-hufu-officer-jiangxi"].clone();
    let shared =
        ["/", "/language", "/look", "/accessibility", "/assets/{name}", "/realms/{realm}/"];
    let taxpayers: Vec<(String, String)> = named("src/web")
        .into_iter()
        .filter(|(_, route)| !shared.contains(&route.as_str()))
        .collect();
    assert!(taxpayers.len() > 90);
    for (method, route) in &taxpayers {
        let path = filled(route);
        let path = match path.starts_with("/realms/") || path.starts_with("/.well-known/") {
            true => path,
            false => format!("/realms/jiangxi{path}"),
        };
        let body = (method == "POST").then(|| "csrf=x".to_owned());
        // On the officers' listener it is not there, however it is spelled.
        let mut inside = desk.browser.clone();
        let shown = inside.once(method, &path, body.clone()).await;
        assert_eq!(shown.status, StatusCode::NOT_FOUND, "{method} {path}");
    }
    // On the taxpayers' an officer's cookie is nobody's, under whatever name it comes.
    for name in ["__Host-hufu-session-jiangxi", "__Host-hufu-officer-jiangxi"] {
        for (method, route) in taxpayers.iter().filter(|(_, route)| route.starts_with("/account")) {
            let mut outside = app.browser();
            outside.cookies = desk.browser.cookies.clone();
            outside.cookies.insert(name.to_owned(), session.clone());
            let body = (method == "POST").then(|| "csrf=x".to_owned());
            let path = format!("/realms/jiangxi{}", filled(route));
            let shown = outside.once(method, &path, body).await;
            let to_login = shown.left_to.as_deref().is_some_and(|to| to.contains("/login"));
            assert!(
                to_login || shown.status == StatusCode::FORBIDDEN,
                "{method} {path} {shown_status}",
                shown_status = shown.status
            );
        }
    }
}

/// Cookies, passkeys and links of one realm are nothing in another; a realm without a console has none.
#[tokio::test(flavor = "multi_thread")]
async fn an_officer_of_one_realm_is_nobody_in_another() {
    let without = (
        "realm.toml",
        "[console]\norigin = \"https://officer.jiangxi.example\"\nidle = 900\nlongest = 28800\n",
        "",
    );
    let issuer = |id: &'static str| ("realm.toml", "/realms/jiangxi\"", format!("/realms/{id}\""));
    let (shadow, bare) = (issuer("shadow"), issuer("bare"));
    let realms = vec![
        demo_realm(),
        realm_named("shadow", &[(shadow.0, shadow.1, &shadow.2)]),
        realm_named("bare", &[(bare.0, bare.1, &bare.2), without]),
    ];
    let app = Setup::of(On::Sqlite, realms).start().await;
    let mut desk = AtDesk::start(&app, "zhou", "hall").await;
    let session = desk.browser.cookies["__Host-hufu-officer-jiangxi"].clone();
    desk.browser.cookies.insert("__Host-hufu-officer-shadow".to_owned(), session.clone());
    desk.browser.cookies.insert("__Host-hufu-officer-bare".to_owned(), session);
    let shown = desk.browser.get("/realms/shadow/console").await;
    assert!(shown.url.contains("/realms/shadow/console/login"), "{}", shown.url);
    let made = desk.passkey.answer(&asked(&shown).unwrap());
    let values = [("password", PASSWORD), ("made", made.as_str())];
    let shown = desk.browser.submit(&shown, &values).await;
    assert_eq!(shown.code(), Some("E_PASSKEY"), "{}", shown.text);
    let link = super::invited(&app, "late", "hall").await;
    let shown = desk.browser.get(&link.replace("/jiangxi/", "/shadow/")).await;
    assert_eq!(shown.code(), Some("E_STATE"), "{}", shown.text);
    for path in ["", "/login", "/invitation?link=x", "/officers", "/matter"] {
        let shown = desk.browser.once("GET", &format!("/realms/bare/console{path}"), None).await;
        assert_eq!(shown.status, StatusCode::NOT_FOUND, "{path}");
    }
    // Of several consoles one is chosen; of one that is served it is the only.
    let shown = desk.browser.get("/").await;
    assert!(shown.text.contains(CONSOLE) && shown.text.contains("/realms/shadow/console"));
    assert!(!shown.text.contains("href=\"/realms/bare/console"), "{}", shown.text);
}
