//! Compact JWTs: claims in, text out, and back. What the claims mean is decided by the caller.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use josekit::jwk::Jwk;
use josekit::jws::{self, JwsHeader};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::keys::{KeySet, PublicKeys, Signer, SigningKey, Verifier, verifier};
use super::thumbprint::thumbprint;
use super::{Algorithm, JoseError, national};

/// Signs `claims`; `typ` is `JWT`, `at+jwt`, `logout+jwt`, …
pub fn sign(key: &SigningKey, typ: &str, claims: &impl Serialize) -> Result<String, JoseError> {
    let mut header = JwsHeader::new();
    header.set_token_type(typ);
    header.set_key_id(&key.kid);
    let payload = serde_json::to_vec(claims).map_err(JoseError::new)?;
    match key.signer() {
        Signer::Common(signer) => {
            jws::serialize_compact(&payload, &header, &**signer).map_err(JoseError::new)
        }
        Signer::Sm2(key) => {
            header.set_algorithm(Algorithm::Sm2.name());
            national::compact(key, &header, &payload)
        }
    }
}

/// What a token's header says, before anything is believed.
struct Header {
    kid: Option<String>,
    typ: Option<String>,
    algorithm: Algorithm,
    jwk: Option<Map<String, Value>>,
}

fn header(token: &str) -> Result<Header, JoseError> {
    let first = token.split('.').next().unwrap_or_default();
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(first).map_err(JoseError::new)?;
    let header: Value = serde_json::from_slice(&bytes).map_err(JoseError::new)?;
    if header.get("crit").is_some() {
        return Err(JoseError::new("a critical header that nobody here knows"));
    }
    let text = |name: &str| header.get(name).and_then(Value::as_str).map(str::to_owned);
    let algorithm = text("alg").and_then(|name| Algorithm::parse(&name));
    Ok(Header {
        kid: text("kid"),
        typ: text("typ"),
        jwk: header.get("jwk").and_then(Value::as_object).cloned(),
        algorithm: algorithm.ok_or_else(|| JoseError::new("alg is not accepted"))?,
    })
}

/// The key that a token says it was signed with, before anything is believed.
pub fn kid_of(token: &str) -> Option<String> {
    header(token).ok()?.kid
}

/// Verifies one of our own tokens of the given `typ`. The verifier is chosen by *our* key, never
/// by what the header says.
pub fn verify<C: DeserializeOwned>(keys: &KeySet, typ: &str, token: &str) -> Result<C, JoseError> {
    let header = header(token)?;
    if header.typ.as_deref() != Some(typ) {
        return Err(JoseError::new("another type of token"));
    }
    let kid = header.kid.ok_or_else(|| JoseError::new("no kid"))?;
    let (algorithm, verifier) =
        keys.verifier(&kid).ok_or_else(|| JoseError::new("a kid that is not ours"))?;
    if algorithm != header.algorithm {
        return Err(JoseError::new("alg is not the key's"));
    }
    let payload = match verifier {
        Verifier::Common(verifier) => {
            jws::deserialize_compact(token, &**verifier).map_err(JoseError::new)?.0
        }
        Verifier::Sm2(key) => national::payload(key, token)?,
    };
    serde_json::from_slice(&payload).map_err(JoseError::new)
}

/// A token verified by the key in its own header.
pub struct Embedded<C> {
    /// Of that key (RFC 7638).
    pub thumbprint: String,
    pub claims: C,
}

/// Verifies a token that brings its public key with it: it proves the key, nothing else.
pub fn verify_embedded<C: DeserializeOwned>(
    typ: &str,
    token: &str,
) -> Result<Embedded<C>, JoseError> {
    let header = header(token)?;
    if header.typ.as_deref() != Some(typ) {
        return Err(JoseError::new("another type of token"));
    }
    let jwk = header.jwk.ok_or_else(|| JoseError::new("no jwk"))?;
    if ["d", "k", "p", "q"].iter().any(|secret| jwk.contains_key(*secret)) {
        return Err(JoseError::new("a private key in the header"));
    }
    let jwk = Jwk::from_map(jwk).map_err(JoseError::new)?;
    let verifier = verifier(header.algorithm, &jwk)?;
    let (payload, _) = jws::deserialize_compact(token, &*verifier).map_err(JoseError::new)?;
    Ok(Embedded {
        thumbprint: thumbprint(&jwk)?,
        claims: serde_json::from_slice(&payload).map_err(JoseError::new)?,
    })
}

/// Verifies a token that a client signed with one of its registered keys.
pub fn verify_foreign<C: DeserializeOwned>(keys: &PublicKeys, token: &str) -> Result<C, JoseError> {
    let header = header(token)?;
    for (algorithm, verifier) in keys.candidates(header.kid.as_deref()) {
        if algorithm != header.algorithm {
            continue;
        }
        if let Ok((payload, _)) = jws::deserialize_compact(token, verifier) {
            return serde_json::from_slice(&payload).map_err(JoseError::new);
        }
    }
    Err(JoseError::new("no registered key verifies this"))
}
