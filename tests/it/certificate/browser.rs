//! The whole way in a real Chromium, with the real key agent beside it: from the demo's application to
//! its claims, and what people see where something is missing.

use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fantoccini::Locator;
use serde_json::json;

use crate::kit::agent::{self, Told};
use crate::kit::demo::{Chromium, free_ports, start};

/// Of the demo's certificates.
pub const PIN: &str = "123456";

/// A Chromium beside the demo, whose provider listens here.
pub struct Walk {
    pub chromium: Chromium,
    pub port: u16,
}

impl Walk {
    /// A page of one of the demo's listeners.
    pub async fn to(&self, offset: u16, path: &str) {
        let url = format!("http://localhost:{}{path}", self.port + offset);
        self.chromium.window.goto(&url).await.unwrap();
    }

    /// From the application to the door.
    pub async fn at_door(&self) {
        self.chromium.window.delete_all_cookies().await.unwrap();
        self.to(2, "/sign-in").await;
        self.chromium.click("#door-certificate").await;
    }

    /// The agent is asked, and has certificates.
    pub async fn look(&self) {
        self.chromium.click_here("#agent-look").await;
        let found = Locator::Css("[data-list] input");
        self.chromium.window.wait().for_element(found).await.unwrap();
    }

    /// The code that the page's script tells.
    pub async fn code(&self) -> String {
        let css = Locator::Css("#agent-said[data-code]");
        let said = self.chromium.window.wait().for_element(css).await.unwrap();
        said.attr("data-code").await.unwrap().unwrap()
    }

    async fn clear_and_type(&self, css: &str, text: &str) {
        let field = self.chromium.window.find(Locator::Css(css)).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }
}

/// The agent's, as the demo has laid it out.
pub fn config(data: &Path) -> std::path::PathBuf {
    data.join("key-agent/key-agent.toml")
}

/// Covers C-01, C-02, C-03, C-04, C-06: both kinds of certificates from the application to its claims; without the
/// agent, and where it does not know this site, the page says what to do and stays usable.
#[tokio::test(flavor = "multi_thread")]
async fn an_enterprise_signs_in_with_the_key_agent() {
    let Some(program) = agent::program() else { return };
    let _alone = agent::alone().await;
    let Some(chromium) = Chromium::open(1280, 900).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports();
    let _demo = start(port, folder.path()).await;
    let walk = Walk { chromium, port };
    let chromium = &walk.chromium;
    // Nobody there.
    walk.at_door().await;
    chromium.inspect("certificate").await;
    chromium.click_here("#agent-look").await;
    assert_eq!(walk.code().await, "E_CERT_AGENT");
    assert!(chromium.text("#agent-said").await.contains("没有找到签名助手"));
    chromium.inspect("certificate-no-agent").await;
    // The driver and the check are a click away.
    for (link, there) in [("a.download", "门户页面"), ("#to-check", "环境检测")] {
        chromium.click(link).await;
        assert!(chromium.text("h1").await.contains(there), "{link}");
        chromium.window.back().await.unwrap();
    }
    chromium.click("#to-credentials").await;
    assert!(chromium.window.find(Locator::Css("#password")).await.is_ok(), "the other ways work");
    // One that does not know this site.
    let foreign = folder.path().join("foreign.toml");
    let text = std::fs::read_to_string(config(folder.path())).unwrap();
    let text = text.replace(&format!("http://localhost:{port}"), "https://other.example");
    std::fs::write(&foreign, text).unwrap();
    {
        let _agent = agent::start(&program, &foreign, &[]).await;
        walk.at_door().await;
        chromium.click_here("#agent-look").await;
        assert_eq!(walk.code().await, "E_CERT_AGENT");
        assert!(chromium.text("#agent-said").await.contains("不接受本网站"));
    }
    let _agent = agent::start(&program, &config(folder.path()), &[]).await;
    for (n, amr) in [(1, "swk"), (2, "swk")] {
        walk.at_door().await;
        walk.look().await;
        if n == 1 {
            chromium.inspect("certificate-found").await;
        }
        let pick = format!("[data-list] label:nth-child({n}) input");
        chromium.click_here(&pick).await;
        chromium.type_into("#pin", "000000").await;
        chromium.click_here("#certificate-submit").await;
        assert_eq!(walk.code().await, "E_CERT_PIN");
        walk.clear_and_type("#pin", PIN).await;
        chromium.click("#certificate-submit").await;
        if n == 1 {
            chromium.inspect("handlers").await;
        }
        assert!(chromium.text("main").await.contains("李*"));
        chromium.click("#handler-submit").await;
        assert_eq!(chromium.text("#enterprise").await, "南昌示例科技有限公司");
        assert!(chromium.text("main").await.contains(amr));
    }
}

/// Covers C-05, AC-44, AC-45, AC-46: item by item; both kinds in the centre, a new PIN by the agent, after
/// which the old one fails and the new one signs.
#[tokio::test(flavor = "multi_thread")]
async fn the_check_and_the_centre_speak_with_the_agent() {
    let (Some(program), Some(driver)) = (agent::program(), agent::skf_mock()) else { return };
    let _alone = agent::alone().await;
    let Some(chromium) = Chromium::open(1280, 900).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports();
    let _demo = start(port, folder.path()).await;
    let walk = Walk { chromium, port };
    let chromium = &walk.chromium;
    walk.to(0, "/realms/jiangxi/certificates/check").await;
    chromium.inspect("check").await;
    chromium.click_here("#agent-look").await;
    assert_eq!(walk.code().await, "E_CERT_AGENT");
    let state = |id: &str| format!("[data-item={id}][data-state=bad] [data-next]:not([hidden])");
    chromium.window.wait().for_element(Locator::Css(&state("agent"))).await.unwrap();
    chromium.inspect("check-no-agent").await;
    // A national token by its driver, and an RSA key in a file.
    let token = national_token(folder.path());
    let own = folder.path().join("own.toml");
    let text = std::fs::read_to_string(config(folder.path())).unwrap();
    let rsa = text.rsplit_once("[[soft]]").unwrap().1;
    let text = format!(
        "origins = [\"http://localhost:{port}\"]\n[pin]\nmode = \"page\"\n[skf]\nlibraries = [{:?}]\n[[soft]]{rsa}",
        driver.display().to_string()
    );
    std::fs::write(&own, text).unwrap();
    let _agent = agent::start(&program, &own, &[("SKF_MOCK_TOKEN", &token)]).await;
    walk.to(0, "/realms/jiangxi/certificates/check").await;
    walk.look().await;
    for id in ["secure", "permission", "agent", "driver", "token", "certificates", "clock"] {
        let good = format!("[data-item={id}][data-state=good]");
        let found = chromium.window.wait().for_element(Locator::Css(&good)).await;
        assert!(found.is_ok(), "{id}: {}", chromium.text("main").await);
    }
    let version = chromium.text("[data-item=agent] [data-detail]").await;
    assert_eq!(version, env!("CARGO_PKG_VERSION"), "one version of both programs");
    assert!(chromium.text("[data-item=certificates]").await.contains("国密证书 1"));
    chromium.type_into("#pin", PIN).await;
    chromium.click_here("#trial-submit").await;
    let good = Locator::Css("[data-item=trial][data-state=good]");
    let found = chromium.window.wait().for_element(good).await;
    assert!(found.is_ok(), "{}", chromium.text("main").await);
    chromium.inspect("check-good").await;
    // Into the centre by the national certificate.
    walk.at_door().await;
    walk.look().await;
    chromium.type_into("#pin", PIN).await;
    chromium.click("#certificate-submit").await;
    chromium.click("#handler-submit").await;
    walk.to(0, "/realms/jiangxi/account/certificates").await;
    // Where the browser has been allowed to reach the agent, the page has read them by itself.
    let is_hidden_or_read = "return document.querySelector('#pin-form').hidden \
                             || document.querySelector('[data-kind]:not([hidden])') !== null";
    assert_eq!(chromium.window.execute(is_hidden_or_read, vec![]).await.unwrap(), json!(true));
    walk.look().await;
    for kind in ["national", "other"] {
        let row = format!("[data-kind={kind}] tr[data-bound=true]");
        let found = chromium.window.wait().for_element(Locator::Css(&row)).await;
        assert!(found.is_ok(), "{kind}: {}", chromium.text("main").await);
    }
    chromium.inspect("own-certificates").await;
    let change = |old: &'static str, new: &'static str, repeated: &'static str| async move {
        for (css, text) in [("#old", old), ("#fresh", new), ("#repeated", repeated)] {
            walk_type(chromium, css, text).await;
        }
        chromium.click_here("#pin-submit").await;
    };
    change(PIN, "654321", "654322").await;
    assert_eq!(walk.code().await, "E_CERT_PIN_NOT_EQUAL");
    change("111111", "654321", "654321").await;
    wait_for_text(chromium, "还可以尝试 5 次").await;
    change(PIN, "654321", "654321").await;
    wait_for_text(chromium, "修改成功").await;
    change(PIN, "777777", "777777").await;
    wait_for_text(chromium, "证书密码不正确").await;
    walk.at_door().await;
    walk.look().await;
    chromium.type_into("#pin", "654321").await;
    chromium.click("#certificate-submit").await;
    assert!(chromium.text("main").await.contains("选择办税人员"));
}

async fn walk_type(chromium: &Chromium, css: &str, text: &str) {
    let field = chromium.window.find(Locator::Css(css)).await.unwrap();
    field.clear().await.unwrap();
    field.send_keys(text).await.unwrap();
}

pub async fn wait_for_text(chromium: &Chromium, text: &str) {
    for _ in 0..100 {
        if chromium.text("#agent-said").await.contains(text) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{text}: {}", chromium.text("#agent-said").await);
}

/// The demo's national key as a token of the mock's.
fn national_token(folder: &Path) -> std::path::PathBuf {
    let token = folder.join("token");
    std::fs::create_dir(&token).unwrap();
    let at = |name: &str| {
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/key_agent").join(name))
            .unwrap()
    };
    let text = String::from_utf8(at("enterprise-sm2.pem")).unwrap();
    let certificate = hufu::certificate::Certificate::parse_pem(&text).unwrap().remove(0);
    std::fs::write(token.join("certificate.der"), certificate.der()).unwrap();
    let key = openssl::pkey::PKey::private_key_from_pem_passphrase(
        &at("enterprise-sm2.key"),
        PIN.as_bytes(),
    );
    // RFC 5915: version 1, and then the number itself.
    let whole = key.unwrap().private_key_to_pkcs8().unwrap();
    let begins = [2, 1, 1, 4, 32];
    let at = whole.windows(begins.len()).position(|part| part == begins).unwrap() + begins.len();
    let key = &whole[at..at + 32];
    std::fs::write(token.join("key"), key).unwrap();
    token
}

/// Covers C-07 on the page: tries left, the last try after the person's word alone, a token that rests,
/// one that is locked; and what an agent says that is no agent of ours does no harm.
#[tokio::test(flavor = "multi_thread")]
async fn pins_are_tried_with_care() {
    let _alone = agent::alone().await;
    let Some(chromium) = Chromium::open(390, 844).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports();
    let _demo = start(port, folder.path()).await;
    let walk = Walk { chromium, port };
    let chromium = &walk.chromium;
    let text = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/key_agent/enterprise-sm2.pem"),
    );
    let certificate = hufu::certificate::Certificate::parse_pem(&text.unwrap()).unwrap().remove(0);
    let der = BASE64_STANDARD.encode(certificate.der());
    let (told, task) = Told::start(json!([{
        "key_id": "k", "backend": "skf", "algorithm": "sm2-sm3", "der": der,
        "label": "<b>南昌示例科技有限公司</b>", "token": {"label": "t", "serial": "s"},
        "pin": {"tries_left": 2, "locked": false},
    }]))
    .await;
    let error = |code: &str, more: serde_json::Value| {
        let mut error = json!({"code": code});
        error.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"error": error})
    };
    told.answer(&[
        (403, error("PIN_INCORRECT", json!({"tries_left": 1}))),
        (400, error("PIN_REQUIRED", json!({"tries_left": 1}))),
        (400, error("PIN_REQUIRED", json!({"tries_left": 1}))),
        (403, error("PIN_LOCKED", json!({"retry_in": 2}))),
        (403, error("PIN_LOCKED", json!({}))),
        (200, json!({"signature": "AAAA", "algorithm": "sm2-sm3", "signed": "", "certificate": der, "chain": []})),
    ]);
    walk.at_door().await;
    walk.look().await;
    let bold = chromium.window.find(Locator::Css("[data-list] b")).await;
    assert!(bold.is_err(), "a label of the agent's is text");
    let press = async || {
        walk.clear_and_type("#pin", "000000").await;
        chromium.click_here("#certificate-submit").await;
    };
    press().await;
    wait_for_text(chromium, "还可以尝试 1 次").await;
    press().await;
    wait_for_text(chromium, "只剩最后一次机会").await;
    chromium.inspect("certificate-last-try").await;
    // Whoever does not confirm sends no word.
    chromium.click_here("#certificate-submit").await;
    for _ in 0..50 {
        if told.asked("/v1/sign").len() == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let words = |asked: &[serde_json::Value]| -> Vec<bool> {
        asked.iter().map(|one| one["last_try"] == json!(true)).collect()
    };
    assert_eq!(words(&told.asked("/v1/sign")), [false, false, false]);
    chromium.click_here("#last-try").await;
    chromium.click_here("#certificate-submit").await;
    wait_for_text(chromium, "暂停使用").await;
    assert_eq!(words(&told.asked("/v1/sign")), [false, false, false, true]);
    // While it rests nothing can be pressed; the word is asked for anew.
    let disabled = "return document.querySelector('#certificate-submit').disabled";
    assert_eq!(chromium.window.execute(disabled, vec![]).await.unwrap(), json!(true));
    tokio::time::sleep(Duration::from_millis(2300)).await;
    assert_eq!(chromium.window.execute(disabled, vec![]).await.unwrap(), json!(false));
    press().await;
    wait_for_text(chromium, "已锁定").await;
    assert_eq!(walk.code().await, "E_CERT_PIN_LOCKED");
    assert!(!words(&told.asked("/v1/sign"))[4]);
    // A signature that is none is the server's to refuse.
    walk.clear_and_type("#pin", "000000").await;
    chromium.click("#certificate-submit").await;
    let notice = chromium.window.wait().for_element(Locator::Css("#notice")).await.unwrap();
    let code = notice.attr("data-code").await.unwrap();
    assert_eq!(code.as_deref(), Some("E_CERT_CHALLENGE"));
    chromium.inspect("certificate-refused").await;
    task.abort();
}

/// Covers C-05 of Chromium's permission for programs of this computer: without it the check and the door say
/// how to give it, with it the same page goes on.
#[tokio::test(flavor = "multi_thread")]
async fn the_browsers_permission_is_asked_and_explained() {
    let Some(program) = agent::program() else { return };
    let _alone = agent::alone().await;
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports();
    // As if the provider were somewhere on the web.
    let public =
        format!("--ip-address-space-overrides=127.0.0.1:{port}=public,[::1]:{port}=public");
    let Some(chromium) = Chromium::open_with(1280, 900, &[public]).await else { return };
    let _demo = start(port, folder.path()).await;
    let walk = Walk { chromium, port };
    let chromium = &walk.chromium;
    let _agent = agent::start(&program, &config(folder.path()), &[]).await;
    let decide = async |setting: &str| {
        for name in ["local-network-access", "loopback-network"] {
            let permission = json!({
                "permission": {"name": name}, "setting": setting,
                "origin": format!("http://localhost:{port}"),
            });
            chromium.try_devtools("Browser.setPermission", permission).await;
        }
    };
    decide("denied").await;
    walk.to(0, "/realms/jiangxi/certificates/check").await;
    chromium.click_here("#agent-look").await;
    let next = "[data-item=permission][data-state=bad] [data-next]:not([hidden])";
    assert!(chromium.text(next).await.contains("本地网络访问"), "what to do next");
    walk.at_door().await;
    assert!(chromium.text("#agent-before").await.contains("允许"), "explained before it is asked");
    chromium.click_here("#agent-look").await;
    assert_eq!(walk.code().await, "E_CERT_AGENT");
    assert!(
        chromium.text("#agent-said").await.contains("没有允许本网站"),
        "{}",
        chromium.text("#agent-said").await
    );
    chromium.inspect("certificate-denied").await;
    decide("granted").await;
    walk.look().await;
    chromium.type_into("#pin", PIN).await;
    chromium.click("#certificate-submit").await;
    assert!(chromium.text("main").await.contains("选择办税人员"));
}
