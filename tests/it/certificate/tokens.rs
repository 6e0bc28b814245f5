//! The door entered with tokens, by the real key agent: RSA and ECDSA by PKCS#11 on `SoftHSM2`, SM2 by
//! the driver of the national interface that is made of software. The test is the page: it speaks
//! `kagent/1` from the realm's own origin and puts into the form what the page's script would.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::object::{Attribute, CertificateType, ObjectClass};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use hufu::base::clock::Clock;
use openssl::x509::X509;
use serde_json::{Value, json};
use sm2::SecretKey;
use sm2::dsa::SigningKey;

use super::door::{ORIGIN, Office, Sent, challenge, handler, realm_with};
use super::{Authorities, NUMBER};
use crate::kit::agent;
use crate::kit::browser::{Shown, unescape};
use crate::kit::demo::free_ports;
use crate::kit::pki::{ENCRYPTS, Issued, Key, SIGNER_ID, Sort, Wanted, YEAR, usage};
use crate::kit::{Browser, EXAMPLE, On, START, Setup, claims, on_one_database};

/// Of both kinds of tokens.
const PIN: &str = "123456";
const WRONG: &str = "654321";

/// Of an authority, and where the driver is had.
const OF_TOKENS: &str = r#"revocation = "soft"
keys = "hardware"
[[downloads]]
title = { zh = "下载证书驱动与签名助手", en = "Download the driver and the key agent" }
url = "https://portal.jiangxi.example/downloads/key-agent"
"#;

/// Where the certificates lie that [`deliver`] puts on the token.
const DELIVERED: &str = "HUFU_TEST_DELIVERED";

fn softhsm() -> Option<PathBuf> {
    let places = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so"];
    let found = places.into_iter().map(PathBuf::from).find(|file| file.is_file());
    if found.is_none() {
        // `scripts/test` installs it.
        eprintln!("left out: SoftHSM2 is not installed (apt-get install softhsm2)");
    }
    found
}

/// Valid for as long as these tests will run: the agent has the real clock, and so has the provider here.
fn lasting(wanted: Wanted) -> Wanted {
    Wanted { not_after: START.0 + 20 * YEAR, ..wanted }
}

fn authorities(sort: Sort) -> Authorities {
    let root = Issued::root(sort, "CN=Token Root,O=Test,C=CN");
    let below = root.issue(&lasting(Wanted::authority("CN=Token Sub,O=Test,C=CN", Some(0))));
    Authorities { root, below }
}

fn for_signatures() -> Wanted {
    lasting(Wanted::enterprise(NUMBER))
}

/// A token's second certificate, which has everything else right.
fn for_encryption() -> Wanted {
    let mut wanted = for_signatures();
    wanted.extensions[0] = usage(ENCRYPTS);
    wanted
}

/// The product, whose realm says of both authorities that they issue to tokens alone.
async fn office(on: On) -> Office {
    let (sm2, other) = (authorities(Sort::Sm2), authorities(Sort::Rsa(2048)));
    let mut setup = Setup::of(on, vec![realm_with(&sm2, &other, OF_TOKENS)]);
    setup.clock = Clock::system();
    Office { app: setup.start().await, sm2, other }
}

/// The agent's file, as an administrator writes it for this provider.
fn configure(folder: &Path, port: u16, kind: &str, driver: &Path) -> PathBuf {
    let file = folder.join("key-agent.toml");
    let driver = driver.display().to_string();
    let text = format!(
        "origins = [\"{ORIGIN}\"]\nports = [{port}]\n[pin]\nmode = \"page\"\n\
         [{kind}]\nlibraries = [{driver:?}]\n"
    );
    std::fs::write(&file, text).unwrap();
    file
}

/// What the page's script has of the agent.
struct Page {
    client: reqwest::Client,
    port: u16,
    session: String,
}

impl Page {
    async fn open(port: u16) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut page = Self { client, port, session: String::new() };
        let nonce = BASE64_URL_SAFE_NO_PAD.encode([7; 32]);
        let (status, opened) = page.call("/v1/session", json!({ "page_nonce": nonce })).await;
        assert_eq!(status, 200, "{opened}");
        page.session = opened["session"].as_str().unwrap().to_owned();
        page
    }

    async fn call(&self, path: &str, body: Value) -> (u16, Value) {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let asked = self.client.post(url).header("origin", ORIGIN);
        let asked = asked.header("x-kagent-session", self.session.as_str()).json(&body);
        let answer = asked.send().await.unwrap();
        let open_to = answer.headers().get("access-control-allow-origin");
        assert_eq!(open_to.and_then(|value| value.to_str().ok()), Some(ORIGIN), "{path}");
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap())
    }

    async fn list(&self) -> (u16, Value) {
        self.call("/v1/certificates", json!({ "filter": { "usage": "sign" } })).await
    }

    async fn certificates(&self) -> Vec<Value> {
        let (status, listed) = self.list().await;
        assert_eq!(status, 200, "{listed}");
        listed["certificates"].as_array().unwrap().clone()
    }

    async fn sign(&self, key: &Value, asked: &Value, pin: &str) -> (u16, Value) {
        let body = json!({
            "key_id": key["key_id"], "challenge": asked["challenge"], "pin": pin, "last_try": false,
        });
        self.call("/v1/sign", body).await
    }
}

/// The agent's code, for which the page at the door has words of its own.
fn refused<'a>(door: &Shown, (status, told): &'a (u16, Value)) -> (u16, &'a str) {
    let code = told["error"]["code"].as_str().unwrap_or_else(|| panic!("{told}"));
    let words = door.text.split("data-words=\"").nth(1).unwrap().split('"').next().unwrap();
    let words: Value = serde_json::from_str(&unescape(words)).unwrap();
    let key = code.to_lowercase().replace('_', "-");
    assert!(words[&key].as_str().is_some_and(|text| !text.is_empty()), "{code}: {words}");
    (*status, code)
}

/// From a signature to the application's claims.
async fn comes_in(
    office: &Office,
    (browser, door): (&mut Browser, &Shown),
    (asked, signed): (&Value, &Value),
) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let chain: Vec<String> = signed["chain"].as_array().unwrap().iter().map(text).collect();
    let sent = Sent {
        sealed: text(&asked["sealed"]),
        certificate: text(&signed["certificate"]),
        chain: chain.join(" "),
        signature: text(&signed["signature"]),
    };
    let shown = sent.submit(browser, door).await;
    assert!(shown.url.contains("choose_handler"), "{} {}", shown.url, shown.text);
    let id = handler(&shown, "李*");
    let done = browser.submit(&shown, &[("handler", &id)]).await;
    let code = done.answered("code").unwrap_or_else(|| panic!("{} {}", done.url, done.text));
    let (status, tokens) = office.app.redeem(&code).await;
    assert_eq!(status, 200, "{tokens}");
    let id = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(id["amr"], json!(["hwk"]), "a key that nobody copies");
    assert_eq!(id["acr"], "urn:hufu:realname:0", "nothing of the person was proved");
    assert_eq!(id["tax_identity"]["enterprise"]["uscc"], EXAMPLE);
    assert_eq!(id["tax_identity"]["identity_type"], "legal_representative");
}

fn der(shown: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(shown["der"].as_str().unwrap()).unwrap()
}

/// Issue 15, covers C-02, C-03, C-06: with an RSA and an ECDSA certificate of one PKCS#11 token, from the application
/// to its claims. The token's certificate for encryption and its authority's are not offered; a wrong PIN, which this
/// kind of token does not count, uses up no challenge.
#[test]
fn an_enterprise_enters_with_a_pkcs11_token() {
    let (Some(program), Some(library)) = (agent::program(), softhsm()) else { return };
    on_one_database(|on| enter_by_pkcs11(on, &program, &library));
}

async fn enter_by_pkcs11(on: On, program: &Path, library: &Path) {
    let office = office(on).await;
    let folder = tempfile::tempdir().unwrap();
    let below = &office.other.below;
    let rsa = below.issue(&for_signatures());
    let ecdsa = below.issue_for(Key::new(Sort::P256), &for_signatures());
    let encryption = below.issue(&for_encryption());
    let settings = make_token(folder.path(), &[&rsa, &ecdsa, &encryption], below);

    let port = free_ports();
    let file = configure(folder.path(), port, "pkcs11", library);
    let _agent = agent::start_at(port, program, &file, &[("SOFTHSM2_CONF", &settings)]).await;
    let page = Page::open(port).await;
    let found = page.certificates().await;
    assert_eq!(found.len(), 2, "{found:?}");
    for (leaf, algorithm) in [(&rsa, "rsa-sha256"), (&ecdsa, "ecdsa-sha256")] {
        let key = found.iter().find(|key| key["algorithm"] == algorithm).unwrap();
        assert_eq!(
            (&key["backend"], &key["token"]["label"]),
            (&json!("pkcs11"), &json!("Tax")),
            "{key}"
        );
        assert_eq!(der(key), leaf.der);
        let (mut browser, door) = office.at_door().await;
        let asked = challenge(&mut browser, &door).await;
        let wrong = page.sign(key, &asked, WRONG).await;
        assert_eq!(refused(&door, &wrong), (403, "PIN_INCORRECT"));
        assert_eq!(wrong.1["error"].get("tries_left"), None, "{}", wrong.1);
        let (status, signed) = page.sign(key, &asked, PIN).await;
        assert_eq!((status, &signed["algorithm"]), (200, &json!(algorithm)), "{signed}");
        assert_eq!(signed["chain"], json!([BASE64_STANDARD.encode(&below.der)]));
        comes_in(&office, (&mut browser, &door), (&asked, &signed)).await;
    }
}

/// A token with these keys and their certificates, as its maker delivers it, and its authority's certificate beside
/// them. The file that says where it is.
fn make_token(folder: &Path, keys: &[&Issued], authority: &Issued) -> PathBuf {
    let tokens = folder.join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    let settings = folder.join("softhsm2.conf");
    let text = format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display());
    std::fs::write(&settings, text).unwrap();
    let softhsm = |arguments: &[&str]| {
        let mut command = Command::new("softhsm2-util");
        let done = command.args(arguments).env("SOFTHSM2_CONF", &settings).output().unwrap();
        assert!(done.status.success(), "{arguments:?} {done:?}");
    };
    softhsm(&["--init-token", "--free", "--label", "Tax", "--so-pin", "87654321", "--pin", PIN]);
    for (number, one) in keys.iter().enumerate() {
        let number = number + 1;
        let Key::Other(key, _) = &one.key else { panic!("PKCS#11 has no SM2") };
        let file = folder.join(format!("{number}.pem"));
        std::fs::write(&file, key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        std::fs::write(folder.join(format!("{number}.der")), &one.der).unwrap();
        let (file, id) = (file.to_str().unwrap(), format!("0{number}"));
        let which = ["--id", &id, "--label", "key", "--token", "Tax", "--pin", PIN];
        softhsm(&[&["--import", file][..], &which].concat());
    }
    std::fs::write(folder.join(format!("{}.der", keys.len() + 1)), &authority.der).unwrap();
    let done = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "certificate::tokens::deliver", "--ignored", "--nocapture"])
        .env("SOFTHSM2_CONF", &settings)
        .env(DELIVERED, folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[&*done.stdout, &*done.stderr].concat()).into_owned();
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
    settings
}

/// Certificates, for which the maker's tool has no word. The library reads where its tokens are from the
/// environment, so this is a process of its own.
#[test]
#[ignore = "started by an_enterprise_enters_with_a_pkcs11_token, with a folder of certificates"]
fn deliver() {
    let folder = PathBuf::from(std::env::var_os(DELIVERED).unwrap());
    let driver = Pkcs11::new(softhsm().unwrap()).unwrap();
    driver.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let slot = driver.get_slots_with_initialized_token().unwrap()[0];
    let session = driver.open_rw_session(slot).unwrap();
    session.login(UserType::User, Some(&AuthPin::new(PIN.into()))).unwrap();
    for id in 1_u8.. {
        let Ok(der) = std::fs::read(folder.join(format!("{id}.der"))) else { break };
        let certificate = X509::from_der(&der).unwrap();
        session
            .create_object(&[
                Attribute::Class(ObjectClass::CERTIFICATE),
                Attribute::CertificateType(CertificateType::X_509),
                Attribute::Token(true),
                Attribute::Private(false),
                Attribute::Id(vec![id]),
                Attribute::Subject(certificate.subject_name().to_der().unwrap()),
                Attribute::Value(der),
            ])
            .unwrap();
    }
    session.logout().unwrap();
    drop(session);
    driver.finalize().unwrap();
}

/// Issue 15, covers C-02, C-03, C-04, C-06: with an SM2 certificate of a token of the national interface, from the
/// application to its claims. Without the driver, and without the token, the agent says which is missing, the page
/// makes `E_CERT_AGENT` of it and its ways on lead on; what is mended meanwhile is found by the same page. A wrong PIN
/// tells the tries that are left; neither it nor a token that is taken out uses up the challenge.
#[test]
fn an_enterprise_enters_with_a_national_token() {
    let (Some(program), Some(driver)) = (agent::program(), agent::skf_mock()) else { return };
    on_one_database(|on| enter_by_skf(on, &program, &driver));
}

/// Where a national token is.
struct Plug {
    token: PathBuf,
    leaf: Issued,
}

impl Plug {
    /// With both its certificates and the key, and not plugged in.
    fn new(folder: &Path, authorities: &Authorities) -> Self {
        let token = folder.join("token");
        std::fs::create_dir(&token).unwrap();
        let secret = rand::random::<[u8; 32]>();
        let key = SigningKey::new(SIGNER_ID, &SecretKey::from_slice(&secret).unwrap()).unwrap();
        let leaf = authorities.below.issue_for(Key::Sm2(Box::new(key)), &for_signatures());
        let encryption = authorities.below.issue(&for_encryption());
        std::fs::write(token.join("key"), secret).unwrap();
        std::fs::write(token.join("encryption.der"), &encryption.der).unwrap();
        Self { token, leaf }
    }

    fn put_in(&self) {
        std::fs::write(self.token.join("certificate.der"), &self.leaf.der).unwrap();
    }

    fn take_out(&self) {
        std::fs::remove_file(self.token.join("certificate.der")).unwrap();
    }
}

async fn enter_by_skf(on: On, program: &Path, driver: &Path) {
    let office = office(on).await;
    let folder = tempfile::tempdir().unwrap();
    let plug = Plug::new(folder.path(), &office.sm2);
    let installed = folder.path().join("libskf.so");
    let port = free_ports();
    let file = configure(folder.path(), port, "skf", &installed);
    let _agent = agent::start_at(port, program, &file, &[("SKF_MOCK_TOKEN", &plug.token)]).await;
    let (mut browser, door) = office.at_door().await;
    let page = Page::open(port).await;

    assert_eq!(refused(&door, &page.list().await), (404, "NO_DRIVER"));
    ways_on(&mut browser, &door).await;
    std::fs::copy(driver, &installed).unwrap();
    assert_eq!(refused(&door, &page.list().await), (404, "NO_TOKEN"));
    plug.put_in();
    let found = page.certificates().await;
    assert_eq!(found.len(), 1, "{found:?}");
    let key = &found[0];
    assert_eq!((&key["backend"], &key["algorithm"]), (&json!("skf"), &json!("sm2-sm3")), "{key}");
    assert_eq!(der(key), plug.leaf.der, "the one for signatures");

    let asked = challenge(&mut browser, &door).await;
    let wrong = page.sign(key, &asked, WRONG).await;
    assert_eq!(refused(&door, &wrong), (403, "PIN_INCORRECT"));
    assert_eq!(wrong.1["error"]["tries_left"], 5);
    plug.take_out();
    assert_eq!(refused(&door, &page.sign(key, &asked, PIN).await), (404, "NO_TOKEN"));
    plug.put_in();
    assert_eq!(page.certificates().await[0]["pin"]["tries_left"], 5, "it was not tried meanwhile");
    let (status, signed) = page.sign(key, &asked, PIN).await;
    assert_eq!((status, &signed["algorithm"]), (200, &json!("sm2-sm3")), "{signed}");
    comes_in(&office, (&mut browser, &door), (&asked, &signed)).await;
}

/// Without driver or token: the code that the page's script shows, and where its links lead.
async fn ways_on(browser: &mut Browser, door: &Shown) {
    let script = browser.get("/realms/jiangxi/assets/agent.js").await.text;
    let line = script.lines().find(|line| line.contains("return \"E_CERT_AGENT\"")).unwrap();
    for code in ["NO_AGENT", "NO_DRIVER", "NO_TOKEN"] {
        assert!(line.contains(&format!("\"{code}\"")), "{code}: {line}");
    }
    assert!(door.text.contains("<a class=\"download\" href=\""), "{}", door.text);
    for (id, there) in [("to-check", "data-item=\"driver\""), ("to-credentials", "id=\"password\"")]
    {
        let link = door.text.split(&format!("id=\"{id}\" href=\"")).nth(1).unwrap();
        let shown = browser.get(&unescape(link.split('"').next().unwrap())).await;
        assert_eq!(shown.status, 200, "{}", shown.url);
        assert!(shown.text.contains(there), "{} {}", shown.url, shown.text);
    }
}
