//! The console in a real Chromium, from the demo's link to each role's pages: a passkey of the browser's own,
//! narrow, wide, dark, zoomed, and looked at by axe.

use std::process::{Command, Stdio};

use serde_json::json;

use crate::kit::demo::{Chromium, Running, free_ports, wait_for};
use crate::kit::{EXAMPLE, PASSWORD};

/// The demo, and the link of each officer that it prints.
async fn started(port: u16, folder: &std::path::Path) -> (Running, Vec<(String, String)>) {
    let said = folder.join("said");
    let child = Command::new(env!("CARGO_BIN_EXE_hufu"))
        .args(["demo", "--port", &port.to_string(), "--data"])
        .arg(folder.join("data"))
        .stdout(Stdio::from(std::fs::File::create(&said).unwrap()))
        .spawn()
        .unwrap();
    let running = Running::of(child);
    wait_for(port + 6).await;
    for _ in 0..100 {
        let text = std::fs::read_to_string(&said).unwrap();
        let links = text.lines().filter_map(|line| {
            let (login, link) = line.trim().strip_prefix("enter as ")?.split_once(' ')?;
            Some((login.to_owned(), link.trim().to_owned()))
        });
        let links: Vec<(String, String)> = links.collect();
        if links.len() == 5 {
            return (running, links);
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("no links were printed")
}

/// Covers X-19: the demo's officers enter by their links and a passkey; every page is readable for everybody.
#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_the_console_is_readable() {
    let Some(chromium) = Chromium::open(1440, 900).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports();
    let (_demo, links) = started(port, folder.path()).await;
    give_key(&chromium).await;
    let at = |path: &str| format!("http://localhost:{}/realms/jiangxi/console{path}", port + 6);
    let why = "窗口受理，叫号 A017";
    for (login, link) in links {
        chromium.window.goto(&link).await.unwrap();
        if login == "hall" {
            chromium.inspect("console-invitation").await;
        }
        chromium.type_into("#new", PASSWORD).await;
        chromium.type_into("#repeated", PASSWORD).await;
        chromium.click("#console-enrol-go").await;
        if login == "hall" {
            chromium.inspect("console-entrance").await;
        }
        chromium.type_into("#password", PASSWORD).await;
        chromium.click("#console-enter").await;
        chromium.inspect(&format!("console-home-{login}")).await;
        match login.as_str() {
            "hall" => hall(&chromium, &at, why).await,
            "security" => {
                chromium.window.goto(&at("/people")).await.unwrap();
                chromium.type_into("#person", "13800138000").await;
                chromium.type_into("#reason", why).await;
                chromium.click("#find-person").await;
                chromium.inspect("console-person").await;
            }
            "audit" => {
                chromium.window.goto(&at("/audit")).await.unwrap();
                chromium.type_into("#reason", why).await;
                chromium.click("#search-audit").await;
                chromium.inspect("console-audit").await;
            }
            "system" => {
                chromium.window.goto(&at("/officers")).await.unwrap();
                chromium.inspect("console-officers").await;
            }
            _ => {
                chromium.window.goto(&at("/applications")).await.unwrap();
                chromium.inspect("console-applications").await;
            }
        }
        // Of one browser's several passkeys of this host the device would ask which.
        chromium.devtools("WebAuthn.disable", json!({})).await;
        give_key(&chromium).await;
        chromium.window.delete_all_cookies().await.unwrap();
    }
}

/// A key of its own that recognises its person and asks nothing.
async fn give_key(chromium: &Chromium) {
    chromium.devtools("WebAuthn.enable", json!({"enableUI": false})).await;
    let device = json!({"options": {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
        "hasUserVerification": true, "isUserVerified": true, "automaticPresenceSimulation": true,
    }});
    chromium.devtools("WebAuthn.addVirtualAuthenticator", device).await;
}

async fn hall(chromium: &Chromium, at: &impl Fn(&str) -> String, why: &str) {
    chromium.window.goto(&at("/enterprises")).await.unwrap();
    chromium.inspect("console-enterprises").await;
    chromium.type_into("#enterprise", EXAMPLE).await;
    chromium.type_into("#reason", why).await;
    chromium.click("#find-enterprise").await;
    chromium.inspect("console-enterprise").await;
    chromium.click("#history").await;
    chromium.inspect("console-history").await;
    chromium.window.back().await.unwrap();
    chromium.click("#add-handler").await;
    chromium.inspect("console-add-handler").await;
    chromium.click("#add-at-counter").await;
    chromium.inspect("console-add-handler-refused").await;
    chromium.window.goto(&at("/records")).await.unwrap();
    chromium.type_into("#document", "360104198502030023").await;
    chromium.click("#find-record").await;
    chromium.inspect("console-records-none").await;
    chromium.click("#collect").await;
    chromium.inspect("console-record-form").await;
    chromium.type_into("#document", "360104198502030023").await;
    chromium.type_into("#name", "许佳").await;
    chromium.type_into("#phone", "13911139111").await;
    chromium.click("#keep-record").await;
    chromium.inspect("console-record").await;
    chromium.window.goto(&at("/matter")).await.unwrap();
    chromium.inspect("console-matter").await;
}
