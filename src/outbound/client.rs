//! The ways out of the program: one HTTP client, its time-outs, and what every request of ours carries.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::base::clock::{Clock, Timestamp};
use crate::base::random::Random;
use crate::base::secret::{Secret, hex, hmac_sha256};
use crate::outbound::authorities::Authorities;
use crate::outbound::breaker;
use crate::outbound::error::SendError;
use crate::outbound::inbox::Inbox;
use crate::outbound::sandbox::{face, names};

/// How long others may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// To be connected, and to answer; connecting counts for both.
    pub connect: Duration,
    pub answer: Duration,
    /// One gateway, before the next is asked.
    pub gateway: Duration,
    /// Everything that a page waits for, which itself answers within three seconds.
    pub page: Duration,
    /// A revocation list of some megabytes, for which nobody waits.
    pub list: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            answer: Duration::from_secs(3),
            gateway: Duration::from_millis(1300),
            page: Duration::from_millis(2700),
            list: Duration::from_mins(1),
        }
    }
}

/// The ways out of the program.
pub struct Outbound {
    pub(super) client: reqwest::Client,
    pub(super) timeouts: Timeouts,
    /// In the demo and in tests what a realm names no provider for is played here; elsewhere it is
    /// refused, so that nothing passes that nobody has checked.
    pub(super) has_sandboxes: bool,
    pub inbox: Inbox,
    /// Plays the provider of the face check.
    pub sandbox: face::Sandbox,
    /// The same for names and numbers, for the insured, and for cards that were read.
    pub registry_of_names: names::Sandbox,
    pub social_insurance: names::Sandbox,
    pub card_reader: names::Sandbox,
    pub(super) breakers: breaker::Breakers,
    pub(super) authorities: Authorities,
}

impl Outbound {
    pub fn new(has_sandboxes: bool, timeouts: Timeouts) -> Result<Self, SendError> {
        Self::trusting(Authorities::default(), has_sandboxes, timeouts)
    }

    /// `authorities`: believed beside those of the system.
    pub fn trusting(
        authorities: Authorities,
        has_sandboxes: bool,
        timeouts: Timeouts,
    ) -> Result<Self, SendError> {
        let client = reqwest::Client::builder()
            .timeout(timeouts.answer)
            .connect_timeout(timeouts.connect)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tls_certs_merge(authorities.for_web())
            .build()
            .map_err(SendError::told)?;
        Ok(Self {
            client,
            timeouts,
            has_sandboxes,
            inbox: Inbox::default(),
            sandbox: face::Sandbox::default(),
            registry_of_names: names::Sandbox::knowing(&["resident_id_card"]),
            social_insurance: names::Sandbox::knowing(&names::INSURED),
            card_reader: names::Sandbox::knowing(&names::WITH_CHIPS),
            breakers: breaker::Breakers::default(),
            authorities,
        })
    }

    /// How long a receiver is waited for, or all gateways together.
    pub fn longest_wait(&self) -> Duration {
        let Timeouts { connect, answer, gateway, page, .. } = self.timeouts;
        connect.max(answer).max(gateway).max(page)
    }

    /// Where a realm names no provider: the sandbox, or nobody.
    pub(super) fn played<T>(
        &self,
        play: impl FnOnce() -> Result<T, SendError>,
    ) -> Result<T, SendError> {
        match self.has_sandboxes {
            true => play(),
            false => Err(SendError::away("the realm names no provider")),
        }
    }

    /// Whether messages go out by e-mail. `has_server`: the realm names one.
    pub fn mails(&self, has_server: bool) -> bool {
        has_server || self.has_sandboxes
    }

    /// Whether a running server says that it is ready.
    pub async fn is_ready(&self, address: &str) -> Result<(), SendError> {
        accepted(self.client.get(format!("{address}/health/ready"))).await
    }

    /// Whether anything speaks HTTP there; what it says does not matter.
    pub async fn reaches(&self, url: &str) -> Result<(), SendError> {
        self.client.head(url).send().await.map(|_| ()).map_err(SendError::told)
    }

    /// OIDC Back-Channel Logout §2.5.
    pub async fn deliver_logout(&self, url: &str, logout_token: &str) -> Result<(), SendError> {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("logout_token", logout_token)
            .finish();
        let request = self
            .client
            .post(url)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(body);
        accepted(request).await
    }
}

impl Outbound {
    /// A signed message in our own shape.
    pub async fn post_signed(
        &self,
        url: &str,
        secret: &Secret,
        body: String,
        handed_in: (&Clock, &Random),
    ) -> Result<(), SendError> {
        accepted(self.signed_post(url, secret, body, handed_in)).await
    }

    /// RFC 8935 §2. `authorization`: the whole header that the receiver wants (SSF §10.3.1.1).
    pub async fn push_event(
        &self,
        url: &str,
        set: String,
        authorization: Option<&Secret>,
    ) -> Result<(), SendError> {
        let mut request = self
            .client
            .post(url)
            .header("Content-Type", "application/secevent+jwt")
            .header("Accept", "application/json")
            .body(set);
        if let Some(secret) = authorization {
            request = request.header("Authorization", secret.expose());
        }
        accepted(request).await
    }

    /// The same with an answer in JSON.
    pub(super) async fn ask_signed<T: DeserializeOwned>(
        &self,
        (url, secret): (&str, &Secret),
        body: &Value,
        handed_in: (&Clock, &Random),
    ) -> Result<T, SendError> {
        let request = self.signed_post(url, secret, body.to_string(), handed_in);
        succeeded(request).await?.json().await.map_err(SendError::told)
    }

    /// A request in our own shape, signed so that its receiver can check time and origin.
    pub(super) fn signed_post(
        &self,
        url: &str,
        secret: &Secret,
        body: String,
        (clock, random): (&Clock, &Random),
    ) -> reqwest::RequestBuilder {
        let (now, nonce) = (clock.now(), random.short_token());
        let signature = webhook_signature(secret, now, &nonce, &body);
        self.client
            .post(url)
            .header("Content-Type", "application/json")
            .header("X-Timestamp", now.0.to_string())
            .header("X-Nonce", nonce)
            .header("X-Signature", signature)
            .body(body)
    }
}

pub(super) async fn accepted(request: reqwest::RequestBuilder) -> Result<(), SendError> {
    succeeded(request).await.map(|_| ())
}

pub(super) async fn succeeded(
    request: reqwest::RequestBuilder,
) -> Result<reqwest::Response, SendError> {
    let response = request.send().await.map_err(SendError::told)?;
    match response.status() {
        status if status.is_success() => Ok(response),
        status => Err(SendError::Unavailable(format!("status {status}"))),
    }
}

/// hex(HMAC-SHA-256(secret, timestamp "." nonce "." body)), as the gateway checks it.
pub fn webhook_signature(secret: &Secret, at: Timestamp, nonce: &str, body: &str) -> String {
    hex(&hmac_sha256(secret.expose().as_bytes(), format!("{}.{nonce}.{body}", at.0).as_bytes()))
}
