//! All that we call: the SMS gateway and the applications' back-channel logout addresses. Never
//! called inside a database transaction.

pub mod email;
pub mod face;
pub mod real_name;
pub mod sms;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::base::clock::{Clock, Timestamp};
use crate::base::random::Random;
use crate::base::secret::{Secret, hex, hmac_sha256};

/// A message as the desk and the tests see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SentMessage {
    pub phone: String,
    pub template: String,
    pub code: String,
    pub at: i64,
}

/// Messages that were not sent to anybody: the demo's inbox.
#[derive(Clone, Default)]
pub struct Inbox(Arc<Mutex<Vec<SentMessage>>>);

impl Inbox {
    /// Newest first.
    pub fn messages(&self) -> Vec<SentMessage> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().rev().cloned().collect()
    }

    fn add(&self, message: SentMessage) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.push(message);
        let excess = held.len().saturating_sub(200);
        held.drain(..excess);
    }
}

/// The provider is away or refused; the code was not sent.
#[derive(Debug, thiserror::Error)]
#[error("the message was not accepted: {0}")]
pub struct SendError(String);

/// The ways out of the program.
pub struct Outbound {
    client: reqwest::Client,
    pub inbox: Inbox,
    /// Plays the provider of the face check where a realm names none.
    pub sandbox: face::Sandbox,
    /// The same for names and numbers.
    pub registry_of_names: real_name::Sandbox,
    breakers: sms::Breakers,
}

impl Outbound {
    pub fn new() -> Result<Self, SendError> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(3))
            .connect_timeout(Duration::from_secs(2))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| SendError(error.to_string()))?;
        Ok(Self {
            client,
            inbox: Inbox::default(),
            sandbox: face::Sandbox::default(),
            registry_of_names: real_name::Sandbox::default(),
            breakers: sms::Breakers::default(),
        })
    }

    /// Whether a running server says that it is ready.
    pub async fn is_ready(&self, address: &str) -> Result<(), SendError> {
        accepted(self.client.get(format!("{address}/health/ready"))).await
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

    /// RFC 8935 §2.
    pub async fn push_event(&self, url: &str, set: String) -> Result<(), SendError> {
        let request = self
            .client
            .post(url)
            .header("Content-Type", "application/secevent+jwt")
            .header("Accept", "application/json")
            .body(set);
        accepted(request).await
    }

    /// A request in our own shape, signed so that its receiver can check time and origin.
    fn signed_post(
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

async fn accepted(request: reqwest::RequestBuilder) -> Result<(), SendError> {
    let response = request.send().await.map_err(|error| SendError(error.to_string()))?;
    if response.status().is_success() {
        return Ok(());
    }
    Err(SendError(format!("status {}", response.status())))
}

/// hex(HMAC-SHA-256(secret, timestamp "." nonce "." body)), as the gateway checks it.
pub fn webhook_signature(secret: &Secret, at: Timestamp, nonce: &str, body: &str) -> String {
    hex(&hmac_sha256(secret.expose().as_bytes(), format!("{}.{nonce}.{body}", at.0).as_bytes()))
}
