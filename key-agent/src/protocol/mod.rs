//! `kagent/1`: the calls and what is answered. Whoever changes a field here changes it for every
//! page and every installed agent.

mod algorithm;
pub mod challenge;
mod refusal;

use serde::{Deserialize, Serialize};

pub use algorithm::Algorithm;
pub use refusal::{Code, Refusal};

use crate::pin::Pin;

pub const PROTOCOL: u32 = 1;
/// The agent listens at the first that is free; pages try them in this order.
pub const PORTS: [u16; 3] = [17443, 27443, 37443];
/// Where a page says which session it has.
pub const SESSION_HEADER: &str = "x-kagent-session";

#[derive(Serialize)]
pub struct Hello<'a> {
    pub agent: &'static str,
    pub version: &'static str,
    pub protocol: u32,
    pub instance: &'a str,
    pub pin_mode: &'static str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenSession {
    pub page_nonce: String,
}

#[derive(Serialize)]
pub struct SessionOpened {
    pub session: String,
    pub expires_in: i64,
}

/// `/v1/env` and `/v1/close` are told nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

#[derive(Serialize)]
pub struct Env {
    pub items: Vec<EnvItem>,
}

/// One line of the check page (C-05).
#[derive(Debug, Serialize)]
pub struct EnvItem {
    pub id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ok: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How many certificates with national algorithms, and how many others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub national: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_time: Option<String>,
}

impl EnvItem {
    pub fn new(id: &'static str, ok: bool, detail: Option<String>) -> Self {
        Self { id, ok: Some(ok), detail, national: None, other: None, agent_time: None }
    }

    pub fn certificates(national: usize, other: usize) -> Self {
        let some = national + other > 0;
        let counted = Self::new("certificates", some, None);
        Self { national: Some(national), other: Some(other), ..counted }
    }

    pub fn clock(agent_time: String) -> Self {
        Self { ok: None, agent_time: Some(agent_time), ..Self::new("clock", true, None) }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListCertificates {
    #[serde(default)]
    pub filter: Option<Filter>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Nothing else than certificates for signatures is ever shown, so there is one answer.
    #[serde(default)]
    pub usage: Option<Usage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Usage {
    Sign,
}

#[derive(Serialize)]
pub struct Certificates {
    pub certificates: Vec<CertificateShown>,
}

#[derive(Serialize)]
pub struct CertificateShown {
    pub key_id: String,
    pub backend: &'static str,
    pub algorithm: Algorithm,
    pub der: String,
    /// What the token has above it, as with a signature.
    pub chain: Vec<String>,
    pub label: String,
    pub token: TokenName,
    pub pin: PinState,
}

#[derive(Clone, Debug, Serialize, PartialEq, Eq, Hash)]
pub struct TokenName {
    pub label: String,
    pub serial: String,
}

/// What the token tells of its PIN; many tell nothing.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct PinState {
    pub tries_left: Option<u32>,
    pub locked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sign {
    pub key_id: String,
    pub challenge: String,
    #[serde(default)]
    pub pin: Option<Pin>,
    /// The person has read that one more wrong PIN locks the token, and goes on.
    #[serde(default)]
    pub last_try: bool,
}

#[derive(Serialize)]
pub struct Signed {
    pub signature: String,
    pub algorithm: Algorithm,
    pub signed: String,
    pub certificate: String,
    pub chain: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangePin {
    pub token_of: String,
    #[serde(default)]
    pub old: Option<Pin>,
    #[serde(default)]
    pub new: Option<Pin>,
    #[serde(default)]
    pub last_try: bool,
}

#[derive(Serialize)]
pub struct PinChanged {
    pub changed: bool,
    pub tries_left: Option<u32>,
}

#[derive(Serialize)]
pub struct Closed {}
