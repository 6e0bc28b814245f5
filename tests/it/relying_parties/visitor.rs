//! A browser that goes from application to provider and back, with each one's own cookies.

use std::collections::BTreeMap;

use url::Url;

use super::party::Provider;
use crate::kit::browser::Shown;
use crate::kit::{Browser, EXAMPLE, PASSWORD, data};

/// A page, and the origin that shows it.
pub struct Seen {
    pub origin: String,
    pub shown: Shown,
}

#[derive(Default)]
pub struct Visitor {
    at: BTreeMap<String, Browser>,
}

impl Visitor {
    pub async fn visit(&mut self, url: &str) -> Seen {
        self.send("GET", url).await
    }

    /// Opens an address and goes wherever it leads.
    pub async fn send(&mut self, method: &str, url: &str) -> Seen {
        let (mut method, mut url) = (method, Url::parse(url).unwrap());
        for _ in 0..12 {
            let origin = url.origin().ascii_serialization();
            let path = &url[url::Position::BeforePath..];
            let shown = self.browser(&origin).once(method, path, None).await;
            match &shown.left_to {
                Some(to) => (method, url) = ("GET", url.join(to).unwrap()),
                None => return Seen { origin, shown },
            }
        }
        panic!("redirected in circles at {url}")
    }

    /// Submits the page's form with `values` typed into it, and goes wherever it leads.
    pub async fn submit(&mut self, seen: &Seen, values: &[(&str, &str)]) -> Seen {
        let shown = self.browser(&seen.origin).submit(&seen.shown, values).await;
        self.go_on(&seen.origin, shown).await
    }

    async fn go_on(&mut self, origin: &str, shown: Shown) -> Seen {
        match &shown.left_to {
            Some(to) => self.visit(Url::parse(origin).unwrap().join(to).unwrap().as_str()).await,
            None => Seen { origin: origin.to_owned(), shown },
        }
    }

    fn browser(&mut self, origin: &str) -> &mut Browser {
        let new = || {
            let authority = std::fs::read(data("localhost.cert.pem")).unwrap();
            let authority = reqwest::Certificate::from_pem(&authority).unwrap();
            let client = reqwest::Client::builder().add_root_certificate(authority);
            Browser::over_http_with(origin, client)
        };
        self.at.entry(origin.to_owned()).or_insert_with(new)
    }

    /// As they are sent to this origin.
    pub fn cookies(&mut self, origin: &str) -> String {
        let cookies = self.browser(origin).cookies.iter();
        cookies.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// What is asked of a person of [`EXAMPLE`] who comes to the sign-in; of several identities they
    /// take the one whose button says `as_what`.
    pub async fn sign_in(
        &mut self,
        provider: &Provider,
        page: &Seen,
        (phone, as_what): (&str, &str),
    ) -> Seen {
        let browser = self.browser(&page.origin);
        let shown = browser.type_credentials(&page.shown, (EXAMPLE, phone, PASSWORD)).await;
        let mut shown = browser.pass_second_factor(&provider.app, &shown, phone).await;
        if let Some(id) = choice(&shown, as_what) {
            shown = browser.submit(&shown, &[("identity", &id)]).await;
        }
        self.go_on(&page.origin, shown).await
    }

    /// The account centre's switch to the identity whose button says this.
    pub async fn switch(&mut self, provider: &Provider, to: &str) {
        let page = self.visit(&format!("{}/account/switch", provider.issuer)).await;
        let id = choice(&page.shown, to).unwrap_or_else(|| panic!("{}", page.shown.text));
        let done = self.submit(&page, &[("identity", &id)]).await;
        assert!(done.shown.text.contains(to), "{}", done.shown.text);
    }
}

/// The id behind the identity whose button says this.
fn choice(page: &Shown, text: &str) -> Option<String> {
    let mut offered = page.text.split("name=\"identity\" value=\"").skip(1);
    let found = offered.find(|one| one.split("</button>").next().unwrap().contains(text));
    Some(found?.split('"').next()?.to_owned())
}
