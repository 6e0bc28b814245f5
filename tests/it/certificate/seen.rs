//! What the pages for certificates send and show in a real Chromium: the PIN goes to the agent alone, each item
//! that fails has a next step, and no PIN is changed of a certificate that cannot be read.

use std::path::Path;

use fantoccini::Locator;
use hufu::certificate::Certificate;
use serde_json::json;

use super::browser::{PIN, Walk, config, wait_for_text};
use crate::kit::agent::{self, Told};
use crate::kit::demo::{Chromium, free_ports, start};

const CHECK: &str = "/realms/jiangxi/certificates/check";
const OWN: &str = "/realms/jiangxi/account/certificates";

/// Keeps what the page sends from now on, to whom and what, for the pages of this site that come after it.
const LISTEN: &str = "
    const keep = (host, body) => {
        const before = JSON.parse(sessionStorage.getItem('sent') ?? '[]');
        sessionStorage.setItem('sent', JSON.stringify([...before, [host, body]]));
    };
    const send = window.fetch;
    window.fetch = (url, options) => {
        keep(new URL(url, location.href).host, String(options?.body ?? ''));
        return send(url, options);
    };
    document.addEventListener('formdata', (event) => {
        keep(location.host, new URLSearchParams(event.formData).toString());
    });";

const SENT: &str = "
    const sent = sessionStorage.getItem('sent');
    sessionStorage.removeItem('sent');
    return JSON.parse(sent ?? '[]');";

/// Since somebody began to listen the agent has heard these PINs, and this site has heard something else.
async fn only_the_agent_heard(walk: &Walk, pins: &[&str]) {
    let sent = walk.chromium.window.execute(SENT, vec![]).await.unwrap();
    let sent: Vec<(String, String)> = serde_json::from_value(sent).unwrap();
    let agent = format!("127.0.0.1:{}", agent::PORT);
    let (agents, ours): (Vec<_>, Vec<_>) = sent.iter().partition(|(host, _)| *host == agent);
    for pin in pins {
        assert!(agents.iter().any(|(_, body)| body.contains(pin)), "{pin}: {agents:?}");
        assert!(!ours.iter().any(|(_, body)| body.contains(pin)), "{pin}: {ours:?}");
    }
    assert!(ours.iter().any(|(_, body)| body.contains("csrf=")), "{ours:?}");
}

/// Covers C-02, AC-45: the trial, the door and a new PIN: the agent alone hears a PIN, and nothing that is sent to
/// this site holds one.
#[tokio::test(flavor = "multi_thread")]
async fn a_pin_goes_to_the_agent_alone() {
    let Some(program) = agent::program() else { return };
    let _alone = agent::alone().await;
    let Some(chromium) = Chromium::open(1280, 900).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports();
    let _demo = start(port, folder.path()).await;
    let _agent = agent::start(&program, &config(folder.path()), &[]).await;
    let walk = Walk { chromium, port };
    let chromium = &walk.chromium;
    let listen = async || {
        chromium.window.execute(LISTEN, vec![]).await.unwrap();
        walk.look().await;
        // The field is there once a certificate has been read.
        let entry = Locator::Css("[data-entry]:not([hidden])");
        chromium.window.wait().for_element(entry).await.unwrap();
    };
    walk.to(0, CHECK).await;
    listen().await;
    chromium.type_into("#pin", PIN).await;
    chromium.click_here("#trial-submit").await;
    let good = Locator::Css("[data-item=trial][data-state=good]");
    let found = chromium.window.wait().for_element(good).await;
    assert!(found.is_ok(), "{}", chromium.text("main").await);
    only_the_agent_heard(&walk, &[PIN]).await;

    walk.at_door().await;
    listen().await;
    chromium.type_into("#pin", PIN).await;
    chromium.click("#certificate-submit").await;
    assert!(chromium.text("main").await.contains("选择办税人员"));
    only_the_agent_heard(&walk, &[PIN]).await;
    chromium.click("#handler-submit").await;

    walk.to(0, OWN).await;
    listen().await;
    for (css, text) in [("#old", PIN), ("#fresh", "654321"), ("#repeated", "654321")] {
        chromium.type_into(css, text).await;
    }
    chromium.click_here("#pin-submit").await;
    wait_for_text(chromium, "修改成功").await;
    only_the_agent_heard(&walk, &[PIN, "654321"]).await;
}

/// Covers C-05: whatever fails says what to do next, and what is good says nothing. Without the agent, and without
/// the browser's permission: `browser`.
#[tokio::test(flavor = "multi_thread")]
async fn each_item_that_fails_has_a_next_step() {
    let _alone = agent::alone().await;
    let Some(chromium) = Chromium::open(1280, 900).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports();
    let _demo = start(port, folder.path()).await;
    let walk = Walk { chromium, port };
    let chromium = &walk.chromium;
    let (told, task) = Told::start(json!([
        {"key_id": "k", "algorithm": "sm2-sm3", "der": "AAAA", "label": "证书"},
    ]))
    .await;
    let environment = json!({"items": [
        {"id": "driver.skf", "ok": false, "detail": "no library"},
        {"id": "token", "ok": false},
        {"id": "certificates", "ok": false, "national": 0, "other": 0},
        {"id": "clock", "ok": true, "agent_time": "2020-01-01T00:00:00Z"},
    ]});
    let wrong = json!({"error": {"code": "PIN_INCORRECT", "tries_left": 3}});
    told.answer(&[(200, environment), (403, wrong)]);
    walk.to(0, CHECK).await;
    let insecure = "Object.defineProperty(window, 'isSecureContext', {value: false})";
    chromium.window.execute(insecure, vec![]).await.unwrap();
    walk.look().await;
    chromium.type_into("#pin", "000000").await;
    chromium.click_here("#trial-submit").await;
    for (id, said) in [
        ("secure", "https"),
        ("driver", "驱动"),
        ("token", "请插入证书介质"),
        ("certificates", "请联系证书发放机构"),
        ("clock", "请校准时间"),
        ("trial", "处理后再试"),
    ] {
        let css = format!("[data-item={id}][data-state=bad] [data-next]:not([hidden])");
        let next = chromium.text(&css).await;
        assert!(next.contains(said), "{id}: {next}");
    }
    for id in ["permission", "agent"] {
        let css = format!("[data-item={id}][data-state=good] [data-next][hidden]");
        let found = chromium.window.find(Locator::Css(&css)).await;
        assert!(found.is_ok(), "{id}: {}", chromium.text("main").await);
    }
    task.abort();
}

const MAY_CHANGE: &str = "
    const button = document.querySelector('#pin-submit');
    return !button.disabled && !button.closest('form').hidden;";

/// Covers AC-44, AC-46: both kinds stand there with their first and last day; a PIN can be changed once the
/// certificate is read, not before, not without the agent and not of a token without certificates, where the
/// driver and the check are a click away.
#[tokio::test(flavor = "multi_thread")]
async fn a_pin_is_changed_of_what_can_be_read() {
    let Some(program) = agent::program() else { return };
    let _alone = agent::alone().await;
    let Some(chromium) = Chromium::open(1280, 900).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports();
    let _demo = start(port, folder.path()).await;
    let walk = Walk { chromium, port };
    let chromium = &walk.chromium;
    let may_change = async || chromium.window.execute(MAY_CHANGE, vec![]).await.unwrap();
    {
        let _agent = agent::start(&program, &config(folder.path()), &[]).await;
        walk.at_door().await;
        walk.look().await;
        chromium.type_into("#pin", PIN).await;
        chromium.click("#certificate-submit").await;
        chromium.click("#handler-submit").await;
        walk.to(0, OWN).await;
        assert_eq!(may_change().await, json!(false), "nothing was read");
        walk.look().await;
        for (kind, name) in [("national", "sm2"), ("other", "rsa")] {
            let row = chromium.text(&format!("[data-kind={kind}] tr[data-bound=true]")).await;
            let dates = dates(name);
            assert!(row.contains(&dates), "{kind}: {dates} {row}");
        }
        let shown = Locator::Css("#pin-form:not([hidden])");
        chromium.window.wait().for_element(shown).await.unwrap();
        assert_eq!(may_change().await, json!(true));
    }
    // Nobody there any more.
    walk.to(0, OWN).await;
    chromium.click_here("#agent-look").await;
    assert_eq!(walk.code().await, "E_CERT_AGENT");
    assert_eq!(may_change().await, json!(false));
    for (link, there) in [("a.download", "门户页面"), ("#to-check", "环境检测")] {
        chromium.click(link).await;
        assert!(chromium.text("h1").await.contains(there), "{link}");
        walk.to(0, OWN).await;
    }
    // An agent without certificates.
    let (_told, task) = Told::start(json!([])).await;
    chromium.click_here("#agent-look").await;
    wait_for_text(chromium, "找到 0 张").await;
    assert_eq!(may_change().await, json!(false));
    task.abort();
}

/// The first and the last day of one of the demo's certificates, as the page writes them.
fn dates(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/key_agent");
    let text = std::fs::read_to_string(folder.join(format!("enterprise-{name}.pem"))).unwrap();
    let certificate = Certificate::parse_pem(&text).unwrap().remove(0);
    format!("{} – {}", certificate.not_before().day(), certificate.not_after().day())
}
