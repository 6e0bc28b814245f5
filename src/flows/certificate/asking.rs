//! The challenge: made by us, sealed into the page, signed once by the key of a certificate. Nothing is
//! kept of it before a form brings it back; then its nonce is used up, whatever the answer is worth.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::base::clock::Timestamp;
use crate::certificate::Certificate;
use crate::certificate::challenge::{Purpose, is_signed};
use crate::domain::refusal::{CertificateFault, Refusal};
use crate::ephemeral::Share;
use crate::flows::{Ctx, Stop};

/// C-08.
const CHALLENGE_SECONDS: i64 = 120;

/// Certificates that a page may send beside its own.
pub(super) const MOST_SENT: usize = 4;

/// As the key agent reads it (`kagent/1`).
#[derive(Serialize, Deserialize)]
struct Challenge {
    v: u32,
    typ: String,
    iss: String,
    origin: String,
    nonce: String,
    /// The sign-in or the session's page that it was made for.
    txn: String,
    iat: i64,
    exp: i64,
    purpose: String,
}

/// What a page asks its person's key.
pub struct Asked {
    /// For the agent, base64url of the challenge's bytes.
    pub challenge: String,
    /// Comes back with the answer.
    pub sealed: String,
}

/// What a page brings back.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    /// [`Asked::sealed`]
    pub sealed: &'a str,
    /// Base64 of DER, here and below.
    pub certificate: &'a str,
    /// What the token has beside it, parted by spaces, in no order.
    pub chain: &'a str,
    pub signature: &'a str,
}

/// The certificate that has signed, and what came beside it. Nothing else is known of it yet.
#[derive(Debug)]
pub struct Signer {
    pub certificate: Certificate,
    pub beside: Vec<Certificate>,
}

/// Sealed for challenges: what is sealed for cookies is none.
fn place(ctx: &Ctx) -> String {
    format!("certificate/{}", ctx.realm.id)
}

/// The realm's own pages, as a browser writes their origin; never what a request says of itself.
pub fn origin(ctx: &Ctx) -> String {
    let issuer = Url::parse(&ctx.realm.issuer);
    issuer.map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

/// `of`: the sign-in, or whatever else the page is bound to.
pub fn ask(ctx: &Ctx, of: &str, purpose: Purpose) -> Asked {
    let now = ctx.now();
    let challenge = Challenge {
        v: 1,
        typ: "etax-cert-login".to_owned(),
        iss: ctx.realm.issuer.clone(),
        origin: origin(ctx),
        nonce: ctx.random().token().expose().to_owned(),
        txn: of.to_owned(),
        iat: now.0,
        exp: now.plus(CHALLENGE_SECONDS).0,
        purpose: purpose.as_str().to_owned(),
    };
    let text = serde_json::to_string(&challenge).unwrap_or_default();
    let sealed = ctx.services.secrets.cookie.seal_text(ctx.random(), &place(ctx), &text);
    Asked { challenge: BASE64_URL_SAFE_NO_PAD.encode(text), sealed }
}

/// Whose key has signed. One refusal for what is too old, was used, belongs to another page or was
/// signed by another key: a page that plays fair makes a new challenge.
pub async fn signer(
    ctx: &Ctx,
    of: &str,
    purpose: Purpose,
    answer: Answer<'_>,
) -> Result<Signer, Stop> {
    let opened = ctx.services.secrets.cookie.open_sealed_text(&place(ctx), answer.sealed);
    let text = opened.map_err(|_| refused())?;
    let challenge: Challenge = serde_json::from_str(&text).map_err(|_| refused())?;
    let is_open = challenge.txn == of
        && challenge.purpose == purpose.as_str()
        && ctx.now() < Timestamp(challenge.exp);
    if !is_open {
        return Err(refused().into());
    }
    let (certificate, beside) = read(answer)?;
    let signature = BASE64_STANDARD.decode(answer.signature).map_err(|_| refused())?;
    let used = format!("certificate/{}", challenge.nonce);
    if !ctx.ephemeral().mark_in(Share::Tries, &used, CHALLENGE_SECONDS).await? {
        return Err(refused().into());
    }
    if !is_signed(&certificate, text.as_bytes(), &origin(ctx), purpose, &signature) {
        return Err(refused().into());
    }
    Ok(Signer { certificate, beside })
}

fn refused() -> Refusal {
    Refusal::Certificate(CertificateFault::Challenge)
}

/// Nothing of it is believed; it is only small and well-formed.
fn read(answer: Answer<'_>) -> Result<(Certificate, Vec<Certificate>), Refusal> {
    let none = Refusal::Certificate(CertificateFault::None);
    let one = |text: &str| {
        let der = BASE64_STANDARD.decode(text).ok()?;
        Certificate::parse(&der).ok()
    };
    let certificate = one(answer.certificate).ok_or(none)?;
    // A token may hold certificates that are none of ours to read.
    let beside = answer.chain.split(' ').take(MOST_SENT).filter_map(one).collect();
    Ok((certificate, beside))
}
