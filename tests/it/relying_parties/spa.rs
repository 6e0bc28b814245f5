//! An application that is a page alone, in Chromium: on another origin, with nothing but CORS. It has
//! no back channel; its next refresh tells it.

use fantoccini::Locator;
use serde_json::{Value, json};

use super::USUAL;
use super::party::{Library, Party, Provider, own_url};
use super::walk::{LI, WANG};
use crate::kit::demo::Chromium;
use crate::kit::{EXAMPLE, PASSWORD, SAMPLE};

struct Page {
    chromium: Chromium,
    provider: Provider,
    party: Party,
}

/// Issue 13, 8 and 7 (CORS).
#[tokio::test(flavor = "multi_thread")]
async fn oidc_client_ts() {
    let library = Library { name: "oidc-client-ts", ..USUAL };
    let Some(built) = library.built() else { return };
    let Some(chromium) = Chromium::open(1000, 900).await else { return };
    let url = own_url();
    let provider = Provider::start(library, &url).await;
    let party = Party::start(library, &built, (&url, &provider.issuer), &[]).await;
    super::pages::has_row(library.name, &party.says);
    let page = Page { chromium, provider, party };
    page.goes_the_way().await;
}

impl Page {
    async fn goes_the_way(&self) {
        self.open().await;
        self.chromium.click("#login").await;
        self.sign_in(LI, "").await;
        let first = self.is(EXAMPLE, "legal_representative").await;
        // The refresh token of a public client is replaced at each use, so twice.
        let second = self.refresh(&first).await;
        self.refresh(&second).await;
        self.is(EXAMPLE, "legal_representative").await;

        self.switch("南昌样板商贸").await;
        self.open().await;
        self.chromium.click_here("#refresh").await;
        self.says(|me| me["ended"] == "invalid_grant").await;
        self.chromium.click("#login").await;
        self.is(SAMPLE, "tax_clerk").await;

        let new = self.provider.rotate(0).await;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert_eq!(self.provider.signing().await, new);
        self.chromium.click("#logout").await;
        self.says(Value::is_null).await;
        self.chromium.click("#login").await;
        self.sign_in(WANG, "button.identity").await;
        self.is(EXAMPLE, "tax_clerk").await;

        // Signed out somewhere else.
        self.goto(&format!("{}/logout", self.provider.issuer)).await;
        self.chromium.click("button[value=logout]").await;
        self.open().await;
        self.chromium.click_here("#refresh").await;
        self.says(|me| me["ended"] == "invalid_grant").await;
    }

    async fn goto(&self, url: &str) {
        self.chromium.window.goto(url).await.unwrap();
    }

    async fn open(&self) {
        self.goto(&format!("{}/app", self.party.url)).await;
    }

    async fn sign_in(&self, phone: &str, identity: &str) {
        self.chromium.type_into("#enterprise_number", EXAMPLE).await;
        self.chromium.type_into("#personal_id", phone).await;
        self.chromium.type_into("#password", PASSWORD).await;
        // The keyboard moves the slider: End.
        self.chromium.type_into("#slider", "\u{e010}").await;
        self.chromium.click("#login-submit").await;
        self.chromium.click("button[value=send]").await;
        self.chromium.type_into("#code", &self.provider.app.sms(phone)).await;
        self.chromium.click("button[value=verify]").await;
        if !identity.is_empty() {
            self.chromium.click(identity).await;
        }
    }

    /// To the identity whose button says this.
    async fn switch(&self, to: &str) {
        self.goto(&format!("{}/account/switch", self.provider.issuer)).await;
        let named = "const all = [...document.querySelectorAll('button.identity')]; \
                     all.find(one => one.textContent.includes(arguments[0])).id = 'wanted'";
        self.chromium.window.execute(named, vec![json!(to)]).await.unwrap();
        self.chromium.click("#wanted").await;
    }

    async fn shown(&self) -> Value {
        let Ok(found) = self.chromium.window.find(Locator::Css("#me")).await else {
            return Value::Bool(false);
        };
        // Between two pages there is nothing.
        let text = found.text().await.unwrap_or_default();
        serde_json::from_str(&text).unwrap_or(Value::Bool(false))
    }

    /// What the page shows, once it is this.
    async fn says(&self, is_it: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for _ in 0..200 {
            last = self.shown().await;
            if is_it(&last) {
                return last;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("the page says {last}")
    }

    /// ID token and userinfo together; the access token.
    async fn is(&self, enterprise: &str, role: &str) -> String {
        let me = self.says(|me| me["accessToken"].is_string()).await;
        let claims = &me["claims"];
        assert_eq!(claims["tax_identity"]["enterprise"]["tin"], enterprise, "{me}");
        assert_eq!(claims["roles"], json!([role]), "{me}");
        me["accessToken"].as_str().unwrap().to_owned()
    }

    async fn refresh(&self, before: &str) -> String {
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        self.chromium.click_here("#refresh").await;
        let me =
            self.says(|me| me["accessToken"].as_str().is_some_and(|token| token != before)).await;
        me["accessToken"].as_str().unwrap().to_owned()
    }
}
