//! The way that every application goes, and what must be true on it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::forgeries::Forger;
use super::party::{Act, Library, Party, Provider, own_url};
use super::proxies::Behind;
use super::visitor::{Seen, Visitor};
use crate::kit::{EXAMPLE, SAMPLE};

/// 李芳: legal representative of the one enterprise, tax clerk of the other.
pub const LI: &str = "13900139000";
/// 王小明, who works for the first as two things.
pub const WANG: &str = "13800138000";

/// How soon an application hears of a session that has ended: five seconds, and a busy machine.
const SOON: Duration = Duration::from_secs(15);

/// What the APIs of `tests/relying_parties` are registered as.
const API: &str = "https://api.example/identity";

const FORM: &str = "application/x-www-form-urlencoded";

/// Goes nowhere else.
pub fn http() -> reqwest::Client {
    let no_redirects = reqwest::redirect::Policy::none();
    reqwest::Client::builder().no_proxy().redirect(no_redirects).build().unwrap()
}

struct Walk {
    library: Library,
    provider: Provider,
    party: Party,
    visitor: Visitor,
}

/// The shortest that there is.
const ANNOUNCEMENT: i64 = 120;

/// `behind`: what stands behind it, when it is a proxy.
pub async fn walk(library: Library, behind: Option<Behind>) {
    let Some(built) = library.built() else { return };
    let url = own_url();
    let provider = Provider::start(library, &url).await;
    let addresses = match behind {
        Some(behind) => behind.start(library, &url, &provider.issuer).await,
        None => Vec::new(),
    };
    let more: Vec<(&str, &str)> =
        addresses.iter().map(|(name, address)| (*name, address.as_str())).collect();
    let party = Party::start(library, &built, (&url, &provider.issuer), &more).await;
    super::pages::has_row(library.name, &party.says);
    let mut walk = Walk { library, provider, party, visitor: Visitor::default() };
    walk.signs_in().await;
    walk.refreshes().await;
    walk.believes_no_forgery().await;
    walk.believes_no_header().await;
    walk.guards_its_api().await;
    walk.follows_a_switch().await;
    if library.keeps_keys > 0 {
        // Announced; and before its time, but after the library's, brought forward.
        walk.provider.rotate(ANNOUNCEMENT).await;
        tokio::time::sleep(Duration::from_secs(library.keeps_keys.unsigned_abs() + 1)).await;
    }
    let new = walk.provider.rotate(0).await;
    assert_eq!(walk.provider.signing().await, new);
    walk.is_signed_out_from_elsewhere().await;
    walk.signs_out().await;
}

impl Walk {
    async fn open(&mut self, path: &str) -> Seen {
        self.visitor.visit(&format!("{}{path}", self.party.url)).await
    }

    /// What the application knows of who is signed in; `None` where nobody is.
    async fn me(&mut self) -> Option<Value> {
        self.asked("/me").await
    }

    async fn asked(&mut self, path: &str) -> Option<Value> {
        let seen = self.open(path).await;
        let status = seen.shown.status.as_u16();
        assert_eq!(seen.origin, self.party.url, "{status} {}", seen.shown.text);
        assert!(status == 200 || status == 401, "{path} {status} {}", seen.shown.text);
        (status == 200).then(|| serde_json::from_str(&seen.shown.text).unwrap())
    }

    /// In the ID token, in userinfo, and in the access token that its API is shown.
    async fn is(&mut self, enterprise: &str, role: &str, permission: &str) {
        let ask = self.library.api.map(|_| "/ask");
        for path in ["/me", "/userinfo"].into_iter().chain(ask) {
            let claims = self.asked(path).await.expect("nobody is signed in");
            let identity = &claims["tax_identity"];
            assert_eq!(identity["enterprise"]["tin"], enterprise, "{path} {claims}");
            assert_eq!(identity["identity_type"], role, "{path} {claims}");
            assert_eq!(claims["roles"], json!([role]), "{path} {claims}");
            let permissions = claims["permissions"].as_array().unwrap();
            assert!(permissions.contains(&json!(permission)), "{path} {claims}");
        }
    }

    /// Soon nobody is signed in any more, without anybody's doing here.
    async fn is_told(&mut self) {
        let since = Instant::now();
        while self.me().await.is_some() {
            assert!(since.elapsed() < SOON, "{} was not told", self.library.name);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn signs_in(&mut self) {
        assert!(self.me().await.is_none());
        let page = self.open(self.library.login).await;
        let done = self.visitor.sign_in(&self.provider, &page, (LI, "")).await;
        assert_eq!(done.origin, self.party.url, "{}", done.shown.text);
        assert_eq!(done.shown.status.as_u16(), 200, "{}", done.shown.text);
        self.is(EXAMPLE, "legal_representative", "TAX_FILING").await;
    }

    async fn refreshes(&mut self) {
        let Some(path) = self.library.refresh else { return };
        // An access token of the same second says the same.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let mut before = Value::Null;
        for _ in 0..2 {
            let seen = self.open(path).await;
            let told: Value = serde_json::from_str(&seen.shown.text).unwrap_or_default();
            let token = told["access_token"].clone();
            let is_new = told["is_new"] == true || token.is_string() && token != before;
            let (status, text) = (seen.shown.status, &seen.shown.text);
            assert!(is_new, "{} {status} {text}", self.library.name);
            before = token;
            self.is(EXAMPLE, "legal_representative", "TAX_FILING").await;
            tokio::time::sleep(Duration::from_millis(1100)).await;
        }
    }

    async fn believes_no_forgery(&mut self) {
        let me = self.me().await.unwrap();
        // What stands behind nginx is not told; the helper answers all the same.
        let sid = me["sid"].as_str().unwrap_or("not told");
        let client = &self.provider.app.ctx.realm.clients[self.library.name];
        let url = client.backchannel_logout_uri.clone().unwrap();
        let forged = Forger::new(&self.provider).logout_tokens(self.library.name, sid);
        for (what, token) in forged {
            let form = form_urlencoded::Serializer::new(String::new())
                .append_pair("logout_token", &token)
                .finish();
            let sent = http().post(&url).header("Content-Type", FORM).body(form);
            let status = sent.send().await.unwrap().status();
            assert!(self.me().await.is_some(), "{what} ended the session: {status}");
            assert!(status.is_client_error(), "{what}: {status}");
        }
    }

    /// Whatever a browser puts into headers of its own, nobody becomes somebody else by it.
    async fn believes_no_header(&mut self) {
        let url = format!("{}/me", self.party.url);
        let cookies = self.visitor.cookies(&self.party.url);
        for name in ["X-Tax-Roles", "X_Tax_Roles", "OIDC_CLAIM_roles", "OIDC-CLAIM-roles"] {
            let forged = http().get(&url).header("Cookie", &cookies).header(name, "forged");
            let me: Value = forged.send().await.unwrap().json().await.unwrap();
            assert_eq!(me["roles"], json!(["legal_representative"]), "{name}");
        }
    }

    async fn guards_its_api(&self) {
        let Some(path) = self.library.api else { return };
        let url = format!("{}{path}", self.party.url);
        let forged = Forger::new(&self.provider).for_an_api(self.library.name, API);
        for (what, token, is_good) in forged {
            let status = http().get(&url).bearer_auth(&token).send().await.unwrap().status();
            assert_eq!(status.as_u16(), if is_good { 200 } else { 401 }, "{what}");
        }
    }

    async fn follows_a_switch(&mut self) {
        self.visitor.switch(&self.provider, "南昌样板商贸").await;
        self.is_told().await;
        // Nothing is asked: the session is there.
        let done = self.open(self.library.login).await;
        assert_eq!(done.origin, self.party.url, "{}", done.shown.text);
        self.is(SAMPLE, "tax_clerk", "TAX_FILING").await;
    }

    async fn is_signed_out_from_elsewhere(&mut self) {
        let asks = self.visitor.visit(&format!("{}/logout", self.provider.issuer)).await;
        self.visitor.submit(&asks, &[("act", "logout")]).await;
        self.is_told().await;
    }

    async fn signs_out(&mut self) {
        let page = self.open(self.library.login).await;
        self.visitor.sign_in(&self.provider, &page, (WANG, "办税员")).await;
        self.is(EXAMPLE, "tax_clerk", "TAX_AFFAIRS").await;
        let Act { method, path } = self.library.logout;
        let url = format!("{}{}", self.party.url, path.replace("OWN_URL", &self.party.url));
        let mut done = self.visitor.send(method, &url).await;
        if done.shown.text.contains("<form ") {
            done = self.visitor.submit(&done, &[]).await;
        }
        assert_eq!(done.origin, self.party.url, "{}", done.shown.text);
        assert!(self.me().await.is_none());
        let page = self.open(self.library.login).await;
        assert!(page.shown.text.contains("name=\"password\""), "{}", page.shown.text);
    }
}
