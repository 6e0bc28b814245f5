//! What the log never holds: everything that people, browsers and applications sent or were given in a
//! run with all that can be logged switched on.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::kit::browser::Shown;
use crate::kit::demo::{Running, free_ports, wait_for};
use crate::kit::{Browser, EXAMPLE, FILING, PASSWORD, VERIFIER, authorize_url};

const NAMES: [&str; 20] = [
    "t",
    "q",
    "v",
    "csrf",
    "slider_id",
    "code",
    "state",
    "nonce",
    "access_token",
    "refresh_token",
    "id_token",
    "password",
    "personal_id",
    "client_secret",
    "code_verifier",
    "client_assertion",
    "token",
    "order",
    "request",
    "id_token_hint",
];

/// Li Fang's.
const PHONE: &str = "13900139000";
const DOCUMENT: &str = "360121198802290027";

/// A demo, and whatever somebody could go on with who reads its log.
struct Run {
    port: u16,
    base: String,
    callback: String,
    http: reqwest::Client,
    secrets: BTreeSet<String>,
}

impl Run {
    fn new(port: u16) -> Self {
        Self {
            port,
            base: format!("http://127.0.0.1:{port}"),
            callback: format!("http://localhost:{}/callback", port + 2),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            secrets: BTreeSet::new(),
        }
    }

    fn add(&mut self, secret: &str) {
        // Shorter ones stand in a log by chance.
        if secret.len() >= 8 {
            self.secrets.insert(secret.to_owned());
        }
    }

    fn add_named(&mut self, name: &str, value: &str) {
        if NAMES.contains(&name) {
            self.add(value);
        }
    }

    /// Cookies, hidden fields, and parameters of every address that was met.
    fn see(&mut self, browser: &Browser, shown: &Shown) {
        for cookie in browser.cookies.values() {
            self.add(cookie);
        }
        for (name, value) in shown.hidden() {
            self.add_named(&name, &value);
        }
        for address in [Some(&shown.url), shown.left_to.as_ref()].into_iter().flatten() {
            let query = address.split_once('?').map_or("", |(_, query)| query);
            for (name, value) in form_urlencoded::parse(query.as_bytes()) {
                self.add_named(&name, &value);
            }
        }
    }

    async fn get(&mut self, browser: &mut Browser, url: &str) -> Shown {
        let shown = browser.get(url).await;
        self.see(browser, &shown);
        shown
    }

    async fn submit(&mut self, browser: &mut Browser, page: &Shown, to: &[(&str, &str)]) -> Shown {
        for (name, value) in page.filled(to).1 {
            self.add_named(&name, &value);
        }
        let shown = browser.submit(page, to).await;
        self.see(browser, &shown);
        shown
    }

    /// What an application posts, and the tokens that it gets.
    async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Value {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self
            .http
            .post(format!("{}/realms/jiangxi{path}", self.base))
            .basic_auth(FILING.id, Some(FILING.secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        let text = request.send().await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        for name in ["access_token", "refresh_token", "id_token"] {
            if let Some(token) = answer[name].as_str() {
                self.add(token);
                // Its signature alone would complete what else is known.
                self.add(token.rsplit('.').next().unwrap());
            }
        }
        answer
    }

    fn start(&self) -> String {
        let asked = [
            ("redirect_uri", self.callback.as_str()),
            ("state", "a-state-of-the-tests"),
            ("nonce", "a-nonce-of-the-tests"),
        ];
        authorize_url(&FILING, &asked)
    }

    /// A sign-in with a mistake; the application's code.
    async fn sign_in(&mut self, browser: &mut Browser) -> String {
        let page = self.get(browser, &self.start()).await;
        let typed = |who, password| {
            [
                ("enterprise_number", EXAMPLE),
                ("personal_id", who),
                ("password", password),
                ("slider", "100"),
            ]
        };
        let page = self.submit(browser, &page, &typed(DOCUMENT, "Wrong2026!")).await;
        let page = self.submit(browser, &page, &typed(PHONE, PASSWORD)).await;
        let page = self.submit(browser, &page, &[("act", "send")]).await;
        let sent = crate::journey::newest_code(self.port).await;
        // By itself it stands among digits of other numbers.
        self.add(&format!("\"{sent}\""));
        let done = self.submit(browser, &page, &[("act", "verify"), ("code", &sent)]).await;
        done.answered("code").unwrap_or_else(|| panic!("{}", done.text))
    }

    /// What an application does with its code; the tokens.
    async fn application(&mut self, code: &str) -> Value {
        let callback = self.callback.clone();
        let redeem = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &callback),
            ("code_verifier", VERIFIER),
        ];
        let tokens = self.post("/token", &redeem).await;
        let access = tokens["access_token"].as_str().unwrap();
        let refresh = tokens["refresh_token"].as_str().unwrap();
        self.post("/token", &[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await;
        for token in [access, "a-token-of-nobodys", &access[..access.len() - 3]] {
            let url = format!("{}/realms/jiangxi/userinfo", self.base);
            self.http.get(url).bearer_auth(token).send().await.unwrap();
            self.post("/introspect", &[("token", token)]).await;
        }
        self.post("/token", &redeem).await;
        self.post("/revoke", &[("token", refresh)]).await;
        tokens
    }

    /// Where secrets do not belong, and where they come by mistake.
    async fn astray(&mut self, browser: &mut Browser, code: &str, access: &str) {
        let id = BASE64_URL_SAFE_NO_PAD.encode([7; 32]);
        self.add(&id);
        for path in [
            format!("/realms/jiangxi/userinfo?access_token={access}"),
            format!("/realms/jiangxi/{id}"),
            format!("/realms/{id}/login"),
            format!("/{id}"),
            format!("/realms/jiangxi/q/{id}/"),
            format!("/realms/jiangxi/q/{id}"),
            format!("/realms/jiangxi/q/{id}/face?order={id}"),
            format!("/realms/jiangxi/login/credentials?t={id}"),
            format!("/realms/jiangxi/login/scan/state?t={id}&q={id}&v={id}"),
            format!("/realms/jiangxi/callback?code={code}"),
            format!("/realms/jiangxi/authorize?request={id}&request_uri=urn:x:request_uri:{id}"),
            format!("/realms/jiangxi/account/authorisations/{id}"),
            format!("/realms/jiangxi/logout?id_token_hint={access}"),
        ] {
            self.get(browser, &path).await;
        }
    }

    /// A code for telephones: its address is worth a sign-in.
    async fn telephone(&mut self, phone: &mut Browser) {
        let mut browser = Browser::over_http(&self.base);
        let page = self.get(&mut browser, &self.start()).await;
        let href = page.text.split("class=\"qr\" href=\"").nth(1).expect("a code is shown");
        let href = href.split('"').next().unwrap().replace("&#x2F;", "/");
        let path = href[href.find("/realms/").unwrap()..].to_owned();
        self.add(path.rsplit('/').next().unwrap());
        let seen = self.get(phone, &path).await;
        self.submit(phone, &seen, &[("act", "confirm")]).await;
    }

    /// A factor of one's own, and the way out.
    async fn centre(&mut self, browser: &mut Browser, id_token: &str) {
        let page = self.get(browser, "/realms/jiangxi/account/authenticator").await;
        let page = self.submit(browser, &page, &[("act", "begin")]).await;
        let typed = page.text.split("class=\"typed\">").nth(1).unwrap();
        self.add(typed.split('<').next().unwrap());
        self.submit(browser, &page, &[("act", "confirm"), ("code", "000000")]).await;
        self.get(browser, &format!("/realms/jiangxi/logout?id_token_hint={id_token}")).await;
    }

    fn check(&self, log: &Path) {
        let log = std::fs::read_to_string(log).unwrap();
        let n_answered = log.lines().filter(|line| line.contains("Answered")).count();
        assert!(n_answered > 30, "the log is empty");
        assert!(log.contains("/realms/{realm}/q/{id}"), "routes are templates");
        assert!(self.secrets.len() > 30, "{}", self.secrets.len());
        for secret in &self.secrets {
            let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            let holds = |line: &&str| line.contains(secret.as_str()) || line.contains(&encoded);
            let line = log.lines().find(holds);
            assert!(line.is_none(), "{secret} is in the log: {}", line.unwrap_or_default());
        }
    }
}

/// Issue 13, 4: nothing that somebody could go on with stands in the log: no code, cookie,
/// token, transaction, number or key, wherever in a request it came.
#[tokio::test(flavor = "multi_thread")]
async fn no_log_line_holds_a_live_secret() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = Run::new(free_ports());
    let log = folder.path().join("log");
    let child = Command::new(env!("CARGO_BIN_EXE_hufu"))
        .args(["demo", "--port", &run.port.to_string(), "--data"])
        .arg(folder.path().join("data"))
        .env("RUST_LOG", "trace")
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let running = Running::of(child);
    wait_for(run.port).await;
    for known in [PASSWORD, FILING.secret, VERIFIER, "Wrong2026!", PHONE, DOCUMENT, "李芳"] {
        run.secrets.insert(known.to_owned());
    }
    let mut li = Browser::over_http(&run.base);
    let code = run.sign_in(&mut li).await;
    let tokens = run.application(&code).await;
    run.astray(&mut li, &code, tokens["access_token"].as_str().unwrap()).await;
    run.telephone(&mut li).await;
    run.centre(&mut li, tokens["id_token"].as_str().unwrap()).await;
    drop(running);
    run.check(&log);
}
