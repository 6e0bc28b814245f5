//! What the pages that speak with the key agent are made of before any script runs: no field that would send
//! a PIN, a way on where there is no agent, a next step for each item of the check.

use std::collections::BTreeSet;

use axum::http::{HeaderValue, header};
use serde_json::json;

use super::door::{Office, at_certificates};
use crate::account::{LI, as_li, post, relation};
use crate::kit::browser::{Shown, unescape};
use crate::kit::{Browser, FILING, TestApp, authorize_url, on_each_database};

const CHECK: &str = "/realms/jiangxi/certificates/check";
const OWN: &str = "/realms/jiangxi/account/certificates";
const DOWNLOAD: &str = "https://portal.jiangxi.example/downloads/key-agent";

/// The door in a browser that asks for this language.
async fn at_door(app: &TestApp, language: &'static str) -> (Browser, Shown) {
    let mut browser = app.browser();
    browser.headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(language));
    let page = browser.get(&authorize_url(&FILING, &[])).await;
    let page = at_certificates(&mut browser, &page).await;
    (browser, page)
}

/// The form of this id, its own tag and what is in it.
fn form<'p>(page: &'p Shown, id: &str) -> &'p str {
    let rest = page.text.split(&format!("id=\"{id}\"")).nth(1);
    let rest = rest.unwrap_or_else(|| panic!("no {id}: {}", page.text));
    rest.split("</form>").next().unwrap()
}

/// Covers C-02: the door, the trial and the form for a new PIN have fields for PINs that no form sends, and
/// none that another name would send them by.
#[test]
fn no_form_sends_a_pin() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, door) = at_door(&app, "zh-CN").await;
        let check = browser.get(CHECK).await;
        let own = as_li(&app).await.get(OWN).await;
        let signed: &[&str] =
            &["certificate", "chain", "csrf", "entrance", "sealed", "signature", "t"];
        let (csrf, pin): (&[&str], &[&str]) = (&["csrf"], &["pin"]);
        let changed: &[&str] = &["old", "fresh", "repeated"];
        for (page, id, pins, sent) in [
            (&door, "certificate-form", pin, signed),
            (&check, "trial-form", pin, csrf),
            (&own, "pin-form", changed, csrf),
        ] {
            let form = form(page, id);
            let fields = form.split("<input ").skip(1).map(|rest| rest.split('>').next().unwrap());
            let secret: Vec<&str> = fields.filter(|one| one.contains("\"password\"")).collect();
            assert_eq!(secret.len(), pins.len(), "{id}: {secret:?}");
            for (field, pin) in secret.iter().zip(pins) {
                assert!(field.contains(&format!("id=\"{pin}\"")), "{id}: {field}");
                assert!(!field.contains("name="), "{id}: {field}");
            }
            let names = form.split(" name=\"").skip(1);
            let names: BTreeSet<&str> = names.map(|rest| rest.split('"').next().unwrap()).collect();
            assert_eq!(names.into_iter().collect::<Vec<_>>(), sent, "{id}");
        }
    });
}

/// Covers C-04: where the driver is found, if the realm says so, and the check stand on the door's page in both
/// languages; the check is there, and so are the other ways in.
#[test]
fn the_door_says_where_to_go_without_an_agent() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for (language, driver, check) in [
            ("zh-CN", "下载证书驱动与签名助手", "环境检测"),
            ("en", "Download the driver and the key agent", "Environment check"),
        ] {
            let (mut browser, page) = at_door(&app, language).await;
            let driver = format!("<a class=\"download\" href=\"{DOWNLOAD}\">{driver}</a>");
            let to_check = format!("<a id=\"to-check\" href=\"{CHECK}\">{check}</a>");
            let text = unescape(&page.text);
            assert!(text.contains(&driver) && text.contains(&to_check), "{text}");
            let there = browser.get(CHECK).await;
            assert_eq!(there.status.as_u16(), 200);
            let text = unescape(&there.text);
            assert!(
                text.contains(&format!("<h1>{check}</h1>")) && text.contains(&driver),
                "{text}"
            );
            let t = page.hidden()["t"].clone();
            let other = format!("/realms/jiangxi/login/credentials?t={t}");
            let other = browser.get(&other).await;
            assert!(other.text.contains("id=\"password\""), "{}", other.text);
        }
        // A realm that names no download has no link that leads nowhere.
        let office = Office::open(on).await;
        let (_, page) = office.at_door().await;
        assert!(!page.text.contains("class=\"download\""), "{}", page.text);
        assert!(page.text.contains("id=\"to-check\""), "{}", page.text);
    });
}

/// Covers C-05: each of the eight items has a next step of its own, in both languages, which is not shown before
/// the item fails.
#[test]
fn each_item_of_the_check_has_a_next_step() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for (language, is_chinese) in [("zh-CN", true), ("en", false)] {
            let mut browser = app.browser();
            browser.headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(language));
            let page = browser.get(CHECK).await;
            let mut steps = BTreeSet::new();
            for id in [
                "secure",
                "permission",
                "agent",
                "driver",
                "token",
                "certificates",
                "clock",
                "trial",
            ] {
                let item = page.text.split(&format!("data-item=\"{id}\"")).nth(1).unwrap();
                let item = item.split("</li>").next().unwrap();
                let next = item.split("<p data-next hidden>").nth(1).unwrap_or_else(|| {
                    panic!("{id} has no next step, or shows it at once: {item}")
                });
                let next = next.split("</p>").next().unwrap();
                assert!(next.chars().count() > 8 && !next.contains("check-"), "{id}: {next}");
                let has_chinese = next.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
                assert_eq!(has_chinese, is_chinese, "{id}: {next}");
                assert!(steps.insert(next), "{id} says what another says: {next}");
            }
        }
    });
}

/// Covers AC-46: as the page comes nothing has been read: the form for a new PIN is hidden and its button off, and
/// driver and check are a click away.
#[test]
fn nothing_is_changed_before_it_is_read() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let page = as_li(&app).await.get(OWN).await;
        let (tag, inside) = form(&page, "pin-form").split_once('>').unwrap();
        assert!(tag.ends_with(" hidden"), "{tag}");
        let button = inside.split("id=\"pin-submit\"").nth(1).unwrap().split('>').next().unwrap();
        assert!(button.contains(" disabled"), "{button}");
        let text = unescape(&page.text);
        assert!(text.contains(&format!("<a class=\"download\" href=\"{DOWNLOAD}\">")), "{text}");
        assert!(
            text.contains(&format!("<a id=\"to-check\" href=\"{CHECK}\">环境检测</a>")),
            "{text}"
        );
    });
}

/// Covers X-09, AC-45: that a PIN was changed stands in the audit with whose it was and of which enterprise; an
/// act that is none and a forged form leave nothing.
#[test]
fn a_changed_pin_leaves_its_trace() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let n = app.audit().await.len();
        let refused = post(&app, &mut li, "/account/certificates", &[("act", "change")]).await;
        assert_eq!(refused.code(), Some("E_STATE"), "{}", refused.text);
        let forged = li.send("POST", OWN, Some("csrf=x&act=changed".to_owned())).await;
        assert_eq!(forged.status.as_u16(), 403, "{}", forged.text);
        assert_eq!(app.audit().await.len(), n);
        let done = post(&app, &mut li, "/account/certificates", &[("act", "changed")]).await;
        assert_eq!((done.code(), done.url.as_str()), (None, OWN), "{}", done.text);
        let own = relation(&app, LI, "legal_representative").await;
        let changed = json!({
            "action": "certificate_pin_changed",
            "person": own.person,
            "enterprise": own.enterprise,
        });
        assert_eq!(app.audit().await[n..], [changed]);
    });
}
