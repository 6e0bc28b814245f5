//! Clients that wait for their answers: chains of refresh tokens, codes redeemed, tokens revoked,
//! identities switched, sign-outs. Each answer of success goes into the ledger.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::Trouble;
use super::ledger::{Fact, Failed, Ledger};
use crate::kit::browser::Shown;
use crate::kit::{Browser, EXAMPLE, FILING, PASSWORD, VERIFIER, authorize_url, claims};

/// An identity type, as tokens name it.
pub type Identity = String;

/// Nothing was acknowledged: a fault, or an answer that never came.
#[derive(Debug)]
pub struct Unclear;

/// Where people and the application find the provider.
pub struct Provider {
    pub base: String,
    pub redirect_uri: String,
    pub client_secret: String,
    pub messages: Messages,
}

/// Where text messages arrive.
pub enum Messages {
    /// The address of the demo's.
    Desk(String),
    /// Bodies that a gateway was sent, the newest last.
    Gateway(Arc<Mutex<Vec<String>>>),
}

#[derive(Clone)]
pub struct Client {
    provider: Arc<Provider>,
    ledger: Arc<Ledger>,
    browser: Browser,
}

struct Chain {
    access: String,
    refresh: String,
}

/// One person with a session and the tokens that came of it.
pub struct Visitor {
    client: Client,
    n: usize,
    identity: Identity,
    chains: Vec<Chain>,
}

impl Client {
    pub fn new(provider: Arc<Provider>, ledger: Arc<Ledger>) -> Self {
        let browser = Browser::over_http(&provider.base);
        Self { provider, ledger, browser }
    }

    /// Whatever was answered, unless it is a fault.
    fn clear(&self, status: StatusCode, says_when: bool) -> Result<u16, Unclear> {
        let status = status.as_u16();
        if status < 500 {
            return Ok(status);
        }
        self.ledger.fault(Failed { status, says_when });
        Err(Unclear)
    }

    /// A page that does not go on: right where what went before was held in a memory that is gone.
    fn lost(&self, page: &Shown) -> Unclear {
        if !self.ledger.trouble().forgets() {
            let (url, status) = (&page.url, page.status);
            self.ledger.broken(format!("no way on at {url}: {status} {:?}", page.code()));
        }
        Unclear
    }

    async fn get(&mut self, path: &str) -> Result<Shown, Unclear> {
        let shown = self.browser.get(path).await;
        self.clear(shown.status, shown.header("retry-after").is_some())?;
        Ok(shown)
    }

    async fn submit(&mut self, page: &Shown, values: &[(&str, &str)]) -> Result<Shown, Unclear> {
        if !values.iter().all(|(name, _)| page.text.contains(&format!("name=\"{name}\""))) {
            return Err(self.lost(page));
        }
        let shown = self.browser.submit(page, values).await;
        self.clear(shown.status, shown.header("retry-after").is_some())?;
        Ok(shown)
    }

    /// A form of the application's server.
    async fn form(&self, path: &str, form: &[(&str, &str)]) -> Result<(u16, Value), Unclear> {
        let credentials =
            BASE64_STANDARD.encode(format!("{}:{}", FILING.id, self.provider.client_secret));
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = Request::post(format!("/realms/jiangxi{path}"))
            .header(header::AUTHORIZATION, format!("Basic {credentials}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap();
        let answer = self.browser.answer(request).await;
        let says_when = answer.headers().contains_key(header::RETRY_AFTER);
        let status = self.clear(answer.status(), says_when)?;
        let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        Ok((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }

    async fn refresh(&self, token: &str) -> Result<(u16, Value), Unclear> {
        self.form("/token", &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    async fn redeem(&self, code: &str) -> Result<(u16, Value), Unclear> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.provider.redirect_uri),
            ("code_verifier", VERIFIER),
        ];
        self.form("/token", &form).await
    }

    async fn is_active(&self, access: &str) -> Result<bool, Unclear> {
        Ok(self.form("/introspect", &[("token", access)]).await?.1["active"] == true)
    }

    async fn authorize(&mut self, prompt: &str) -> Result<Shown, Unclear> {
        let more = [("redirect_uri", self.provider.redirect_uri.as_str()), ("prompt", prompt)];
        self.get(&authorize_url(&FILING, &more)).await
    }

    /// Whether what was acknowledged is still so.
    pub async fn still(&self, fact: &Fact) -> bool {
        let answer = match fact {
            Fact::Active(access) => self.is_active(access).await,
            Fact::Ended(access) => self.is_active(access).await.map(|active| !active),
            Fact::Works(token) => self.refresh(token).await.map(|(status, _)| status == 200),
            Fact::SpentRefresh(token) => self.refresh(token).await.map(|(status, _)| status == 400),
            Fact::SpentCode(code) => self.redeem(code).await.map(|(status, _)| status == 400),
            Fact::SignedIn(cookies, identity) => {
                self.identity_of(cookies).await.map(|now| now.as_ref() == Some(identity))
            }
            Fact::SignedOut(cookies) => self.identity_of(cookies).await.map(|now| now.is_none()),
        };
        answer.unwrap_or(false)
    }

    /// Whom the session of these cookies acts as, as a new token says.
    async fn identity_of(&self, cookies: &str) -> Result<Option<Identity>, Unclear> {
        let mut other = self.clone();
        other.browser.cookies = cookies
            .split("; ")
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let shown = other.authorize("none").await?;
        let Some(code) = shown.answered("code") else { return Ok(None) };
        let (_, tokens) = other.redeem(&code).await?;
        Ok(tokens["id_token"].as_str().map(role))
    }

    fn cookies(&self) -> String {
        let pairs = self.browser.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }
}

fn role(id_token: &str) -> Identity {
    claims(id_token)["roles"][0].as_str().unwrap().to_owned()
}

impl Visitor {
    /// Password, text message, the first identity of the list.
    pub async fn sign_in(client: &Client, n: usize) -> Result<Self, Unclear> {
        let mut client = client.clone();
        client.browser.cookies.clear();
        let page = client.authorize("").await?;
        let username = format!("honest{n}");
        let values = [
            ("enterprise_number", EXAMPLE),
            ("personal_id", username.as_str()),
            ("password", PASSWORD),
            ("slider", "100"),
        ];
        let page = client.submit(&page, &values).await?;
        let page = client.submit(&page, &[("act", "send")]).await?;
        let code = client.provider.newest_code(&format!("1380{n:07}")).await?;
        let page = client.submit(&page, &[("act", "verify"), ("code", &code)]).await?;
        let id = offered(&page).ok_or_else(|| client.lost(&page))?;
        let done = client.submit(&page, &[("identity", &id)]).await?;
        let code = done.answered("code").ok_or_else(|| client.lost(&done))?;
        client.ledger.acknowledged("sign-in", []);
        let mut visitor = Self { client, n, identity: String::new(), chains: Vec::new() };
        visitor.identity = visitor.begin_chain(&code).await?.ok_or(Unclear)?;
        Ok(visitor)
    }

    pub fn cookies(&self) -> String {
        self.client.cookies()
    }

    fn trouble(&self) -> Trouble {
        self.client.ledger.trouble()
    }

    /// For as long as they are wanted, with a pause after each act; at the end what is left alive is put
    /// down.
    pub async fn live(mut self, pause: Duration, is_wanted: impl Fn() -> bool) {
        while is_wanted() {
            tokio::time::sleep(pause).await;
            if self.act().await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        let alive = self.chains.iter().flat_map(|chain| {
            [Fact::Active(chain.access.clone()), Fact::Works(chain.refresh.clone())]
        });
        let session = Fact::SignedIn(self.client.cookies(), self.identity.clone());
        let session = (!self.identity.is_empty()).then_some(session);
        self.client.ledger.acknowledged("at the end", alive.chain(session));
    }

    async fn act(&mut self) -> Result<(), Unclear> {
        if self.identity.is_empty() {
            // The realm's pause between two messages to one phone.
            tokio::time::sleep(Duration::from_millis(1100)).await;
            *self = Self::sign_in(&self.client, self.n).await?;
        }
        match rand::random_range(0..20) {
            0..12 => {
                for _ in 0..rand::random_range(1..6) {
                    self.refresh_once().await?;
                }
                Ok(())
            }
            12..16 => self.code_flow().await,
            16..18 => self.revoke().await,
            18 => self.switch().await,
            // Under a short time-out nobody gets through the password check again.
            _ if self.trouble() == Trouble::TimedOut => self.code_flow().await,
            _ => self.sign_out().await,
        }
    }

    async fn code_flow(&mut self) -> Result<(), Unclear> {
        let shown = self.client.authorize("none").await?;
        let Some(code) = shown.answered("code") else {
            self.client.ledger.broken(format!("the session is gone: {:?}", shown.left_to));
            self.identity.clear();
            return Err(Unclear);
        };
        self.begin_chain(&code).await?;
        Ok(())
    }

    async fn begin_chain(&mut self, code: &str) -> Result<Option<Identity>, Unclear> {
        let (status, tokens) = self.client.redeem(code).await?;
        if status != 200 {
            self.client.ledger.broken(format!("a new code is refused: {tokens}"));
            return Ok(None);
        }
        let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
        self.client.ledger.acknowledged("redemption", [Fact::SpentCode(code.to_owned())]);
        let identity = role(&text("id_token"));
        if !self.identity.is_empty() && self.identity != identity {
            let wrong = format!("acts as {identity} instead of {}", self.identity);
            self.client.ledger.broken(wrong);
        }
        self.chains.push(Chain { access: text("access_token"), refresh: text("refresh_token") });
        Ok(Some(identity))
    }

    /// One of the chains, taken out: it goes back when its new state is known.
    fn take_chain(&mut self) -> Option<Chain> {
        let n = self.chains.len();
        (n > 0).then(|| self.chains.swap_remove(rand::random_range(0..n)))
    }

    async fn refresh_once(&mut self) -> Result<(), Unclear> {
        let Some(chain) = self.take_chain() else { return self.code_flow().await };
        let (status, tokens) = self.client.refresh(&chain.refresh).await?;
        if status != 200 {
            self.client.ledger.broken(format!("the newest refresh token is refused: {tokens}"));
            return Ok(());
        }
        self.client.ledger.acknowledged("refresh", [Fact::SpentRefresh(chain.refresh)]);
        let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
        self.chains.push(Chain { access: text("access_token"), refresh: text("refresh_token") });
        Ok(())
    }

    async fn revoke(&mut self) -> Result<(), Unclear> {
        let Some(chain) = self.take_chain() else { return self.code_flow().await };
        let (status, answer) = self.client.form("/revoke", &[("token", &chain.refresh)]).await?;
        if status != 200 {
            self.client.ledger.broken(format!("a revocation is refused: {answer}"));
            return Ok(());
        }
        self.client.ledger.acknowledged("revocation", ended(chain));
        Ok(())
    }

    async fn switch(&mut self) -> Result<(), Unclear> {
        let before = self.client.cookies();
        let page = self.client.get("/realms/jiangxi/account").await?;
        let Some(id) = offered(&page) else { return Err(self.client.lost(&page)) };
        // Whatever comes of it, these are over or soon will be.
        let (chains, identity) =
            (std::mem::take(&mut self.chains), std::mem::take(&mut self.identity));
        let shown = self.client.submit(&page, &[("identity", &id)]).await?;
        if shown.status.as_u16() != 200 || shown.code().is_some() {
            self.client.ledger.broken(format!("a switch is refused: {:?}", shown.code()));
            return Err(Unclear);
        }
        let facts = chains.into_iter().flat_map(ended).chain([Fact::SignedOut(before)]);
        self.client.ledger.acknowledged("switch", facts);
        let other = if identity == "tax_clerk" { "invoicing_clerk" } else { "tax_clerk" };
        self.identity = other.to_owned();
        Ok(())
    }

    async fn sign_out(&mut self) -> Result<(), Unclear> {
        let before = self.client.cookies();
        let page = self.client.get("/realms/jiangxi/logout").await?;
        let chains = std::mem::take(&mut self.chains);
        self.identity.clear();
        let shown = self.client.submit(&page, &[("act", "logout")]).await?;
        if shown.status.as_u16() != 200 {
            self.client.ledger.broken(format!("a sign-out is refused: {}", shown.status));
            return Err(Unclear);
        }
        let facts = chains.into_iter().flat_map(ended).chain([Fact::SignedOut(before)]);
        self.client.ledger.acknowledged("sign-out", facts);
        Ok(())
    }
}

/// What no longer works when a grant has ended.
fn ended(chain: Chain) -> [Fact; 2] {
    [Fact::Ended(chain.access), Fact::SpentRefresh(chain.refresh)]
}

/// The first identity that a page offers.
fn offered(page: &Shown) -> Option<String> {
    let id = page.text.split("name=\"identity\" value=\"").nth(1)?.split('"').next()?;
    Some(id.to_owned())
}

impl Provider {
    async fn newest_code(&self, phone: &str) -> Result<String, Unclear> {
        let ends_so = |to: &Value| to.as_str().is_some_and(|to| to.ends_with(phone));
        let code = match &self.messages {
            Messages::Desk(desk) => {
                let http = reqwest::Client::builder().no_proxy().build().unwrap();
                let answer = http.get(format!("{desk}/api/sms")).send().await;
                let text = answer.map_err(|_| Unclear)?.text().await.map_err(|_| Unclear)?;
                let sent: Vec<Value> = serde_json::from_str(&text).map_err(|_| Unclear)?;
                sent.iter().find(|one| ends_so(&one["to"])).map(|one| one["code"].clone())
            }
            Messages::Gateway(bodies) => {
                let bodies = bodies.lock().unwrap();
                let mut sent = bodies.iter().rev().map(|body| serde_json::from_str(body).unwrap());
                let found = sent.find(|one: &Value| ends_so(&one["phone"]));
                found.map(|one| one["params"]["code"].clone())
            }
        };
        Ok(code.ok_or(Unclear)?.as_str().unwrap().to_owned())
    }
}
