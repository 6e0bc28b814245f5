//! What every page has of its realm, and how it is read: the bureau's face, large letters, files that are
//! not sent twice.

use std::path::Path;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use hufu::realm::check::{Surroundings, load};
use tower::ServiceExt;

use crate::kit::browser::Shown;
use crate::kit::{FILING, Setup, TestApp, authorize_url, changed_realm, copy, on_each_database};

const LOOK: &str = "[look]\nsupport = \"12366\"\n";
const TEXTS: &str = "[look.texts]\n";

/// A look with more in it: among its words, where the line begins with `texts.`.
fn with(more: &str) -> (&'static str, String) {
    match more.strip_prefix("texts.") {
        Some(word) => (TEXTS, format!("{TEXTS}{word}\n")),
        None => (LOOK, format!("{LOOK}{more}\n")),
    }
}

async fn page_of(more: &[&str], on: crate::kit::On) -> (TestApp, Shown) {
    let own: Vec<_> = more.iter().map(|more| with(more)).collect();
    let own: Vec<_> = own.iter().map(|(what, by)| ("realm.toml", *what, by.as_str())).collect();
    let app = Setup::of(on, vec![changed_realm(&own)]).start().await;
    let page = app.browser().get(&authorize_url(&FILING, &[])).await;
    (app, page)
}

/// Issue 14: support line, organiser, numbers, statement, announcements of the day and words of one's own
/// stand on the pages; nothing of another day does.
#[test]
fn a_realm_has_a_face_of_its_own() {
    on_each_database(|on| async move {
        let (app, page) = page_of(
            &["icp = \"赣ICP备12345678号-1\"\npolice = \"赣公网安备 36010002000001号\"\nsite_code = \"bm29200002\"\n\
             colours = { light = \"#0b4f8a\", dark = \"#7db4ff\" }\n\
             announcements = [\n\
             { text = { zh = \"今日公告\", en = \"Today\" }, from = \"2026-11-24\", to = \"2026-11-24\" },\n\
             { text = { zh = \"昨日公告\", en = \"Yesterday\" }, to = \"2026-11-23\" },\n\
             { text = { zh = \"明日公告\", en = \"Tomorrow\" }, from = \"2026-11-25\" } ]\n\
             maintenance = { text = { zh = \"今晚维护\", en = \"Work tonight\" } }",
             "texts.login-title = { zh = \"办税登录\", en = \"Tax sign-in\" }\n\
             minutes = { zh = \"{ $n } 分\", en = \"{ $n } m\" }"],
            on,
        )
        .await;
        for there in [
            "tel:12366",
            "主办单位：国家税务总局江西省税务局",
            "赣ICP备12345678号-1",
            "赣公网安备 36010002000001号",
            "bm29200002",
            "今日公告",
            "今晚维护",
            "<h1>办税登录</h1>",
            "assets/face.css",
            "/realms/jiangxi/accessibility",
        ] {
            assert!(page.text.contains(there), "{there}: {}", page.text);
        }
        assert!(!page.text.contains("昨日公告") && !page.text.contains("明日公告"));
        let mut browser = app.browser();
        let style = browser.get("/realms/jiangxi/assets/face.css").await;
        assert!(style.text.contains("--brand: #0b4f8a"), "{}", style.text);
        let statement = browser.get("/realms/jiangxi/accessibility").await;
        assert!(statement.text.contains("WCAG 2.2"), "{}", statement.text);
        browser.cookies.insert("__Host-hufu-language-jiangxi".to_owned(), "en".to_owned());
        let english = browser.get("/realms/jiangxi/login").await;
        assert!(!english.text.contains("今日公告"), "{}", english.text);
    });
}

/// Issue 14: a face that cannot be read, found or told is a complaint at its line, each by itself.
#[test]
fn a_face_that_cannot_be_shown_is_a_complaint() {
    let folder = tempfile::tempdir().unwrap();
    for (at, (more, said)) in [
        ("colours = { light = \"#cccccc\", dark = \"#7db4ff\" }", "too little to read"),
        ("colours = { light = \"#0b4f8a\", dark = \"#223344\" }", "too little to read"),
        ("colours = { light = \"blue\", dark = \"#7db4ff\" }", "#rrggbb"),
        ("logo = \"nowhere.svg\"", "nowhere.svg"),
        ("logo = \"logo.gif\"", "SVG or a PNG"),
        ("icp = \"12345678\"", "赣ICP备"),
        ("police = \"公安\"", "公网安备"),
        ("site_code = \"x\"", "ten letters and digits"),
        ("maintenance = { text = { zh = \"甲\", en = \"a\" }, to = \"tomorrow\" }", "2026-12-31"),
        ("texts.login-titel = { zh = \"甲\", en = \"a\" }", "did you mean `login-title`?"),
        ("texts.minutes = { zh = \"几分\", en = \"some\" }", "{ $n }"),
        ("texts.login-title = { zh = \" \", en = \"a\" }", "is empty"),
    ]
    .into_iter()
    .enumerate()
    {
        let realm = folder.path().join(at.to_string()).join("jiangxi");
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("realms/jiangxi"), &realm);
        let path = realm.join("realm.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let (mark, by) = with(more);
        let before = text.split(mark).next().unwrap().lines().count();
        let line = before + mark.lines().count() + 1;
        std::fs::write(&path, text.replace(mark, &by)).unwrap();
        let surroundings =
            Surroundings { is_demo: true, replace: Vec::new(), environment: &|_| None };
        let Err(complaints) = load(&realm, &surroundings) else { panic!("{more} was taken") };
        assert_eq!(complaints.len(), 1, "{more}: {complaints:?}");
        let complaint = complaints[0].to_string();
        assert!(complaint.contains(said), "{more}: {complaint}");
        assert!(complaint.contains(&format!("realm.toml:{line}:")), "{more}: {complaint}");
    }
}

/// Issue 14: what a browser has it is not sent again; another file has another tag.
#[test]
fn a_file_is_not_sent_twice() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut tags = Vec::new();
        for name in ["hufu.css", "page.js", "tiger.svg"] {
            let ask = |tag: Option<String>| {
                let asked = Request::get(format!("/realms/jiangxi/assets/{name}"));
                let asked = match tag {
                    Some(tag) => asked.header(header::IF_NONE_MATCH, tag),
                    None => asked,
                };
                app.router.clone().oneshot(asked.body(Body::empty()).unwrap())
            };
            let first = ask(None).await.unwrap();
            let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
            assert!(!to_bytes(first.into_body(), 1 << 20).await.unwrap().is_empty());
            let again = ask(Some(tag.clone())).await.unwrap();
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{name}");
            assert!(to_bytes(again.into_body(), 1 << 20).await.unwrap().is_empty());
            let other = ask(Some("\"of-before\"".to_owned())).await.unwrap();
            assert_eq!(other.status(), StatusCode::OK, "{name}");
            let asked = Request::get(format!("/realms/jiangxi/assets/{name}"));
            let asked = asked.header(header::ACCEPT_ENCODING, "br, gzip").body(Body::empty());
            let packed = app.router.clone().oneshot(asked.unwrap()).await.unwrap();
            assert_eq!(packed.headers()[header::CONTENT_ENCODING], "gzip", "{name}");
            assert_eq!(packed.headers()[header::VARY], "accept-encoding", "{name}");
            assert_ne!(packed.headers()[header::ETAG], tag.as_str(), "{name}");
            let bytes = to_bytes(packed.into_body(), 1 << 20).await.unwrap();
            assert!(bytes.starts_with(&[0x1f, 0x8b]), "{name}");
            tags.push(tag);
        }
        tags.dedup();
        assert_eq!(tags.len(), 3);
    });
}

/// Issue 14: large letters on every page until they are turned off, and back to the page it was.
#[test]
fn letters_are_large_for_who_wants_them() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        assert!(!page.text.contains("class=\"large\""));
        let link = |page: &Shown, to: &str| {
            let part = page.text.split(&format!("/look?to={to}&amp;back=")).nth(1).expect("a link");
            let back = part.split('"').next().unwrap();
            format!("/realms/jiangxi/look?to={to}&back={back}")
        };
        let large = browser.get(&link(&page, "large")).await;
        assert_eq!(large.hidden()["t"], page.hidden()["t"], "the same page");
        assert!(large.text.contains("<html lang=\"zh-CN\" class=\"large\">"), "{}", large.text);
        let usual = browser.get(&link(&large, "usual")).await;
        assert!(!usual.text.contains("class=\"large\""));
        // Nowhere else.
        for back in ["https://thief.example/", "//thief.example/", "/realms/jiangxiother/"] {
            let url = format!("/realms/jiangxi/look?to=large&back={back}");
            let there = browser.once("GET", &url, None).await;
            assert_eq!(there.left_to.as_deref(), Some("/realms/jiangxi/login"), "{back}");
        }
    });
}
