//! Tokens signed by SM2 with SM3, `alg` `SGD_SM3_SM2` (GM/T 0125.2), which the library does not know: the
//! compact form of RFC 7515 over a signature of r and s, 64 bytes, and keys as `EC` on the curve `SM2`.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use josekit::jwk::Jwk;
use josekit::jws::JwsHeader;
use serde_json::{Map, Value};

use super::{Algorithm, JoseError};
use crate::base::sm2::{Sm2Key, Sm2Public};

const CURVE: &str = "SM2";

fn members(public: &Sm2Public) -> [(&'static str, Value); 4] {
    let (x, y) = public.point();
    let text = |bytes: [u8; 32]| Value::from(BASE64_URL_SAFE_NO_PAD.encode(bytes));
    [("kty", "EC".into()), ("crv", CURVE.into()), ("x", text(x)), ("y", text(y))]
}

/// Without an id yet.
pub(super) fn private_jwk(key: &Sm2Key) -> Jwk {
    let mut jwk = Jwk::new("EC");
    let private = Value::from(BASE64_URL_SAFE_NO_PAD.encode(key.to_bytes()));
    for (name, value) in members(&key.public()).into_iter().chain([("d", private)]) {
        // Refused are members of another type alone.
        let _ = jwk.set_parameter(name, Some(value));
    }
    jwk
}

pub(super) fn public_jwk(public: &Sm2Public, kid: &str) -> Map<String, Value> {
    let named = [("kid", kid), ("use", "sig"), ("alg", Algorithm::Sm2.name())];
    let named = named.into_iter().map(|(name, value)| (name, Value::from(value)));
    members(public).into_iter().chain(named).map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(super) fn key(jwk: &Jwk) -> Result<Sm2Key, JoseError> {
    let wrong = || JoseError::new("no private SM2 key");
    let text = jwk.parameter("d").and_then(Value::as_str).ok_or_else(wrong)?;
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
    Sm2Key::from_bytes(&bytes.try_into().map_err(|_| wrong())?).map_err(|_| wrong())
}

pub(super) fn compact(
    key: &Sm2Key,
    header: &JwsHeader,
    payload: &[u8],
) -> Result<String, JoseError> {
    let header = serde_json::to_vec(header.claims_set()).map_err(JoseError::new)?;
    let [header, payload] = [&header, payload].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
    let signed = format!("{header}.{payload}");
    let signature = BASE64_URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    Ok(format!("{signed}.{signature}"))
}

/// Of a token whose header has been looked at.
pub(super) fn payload(key: &Sm2Public, token: &str) -> Result<Vec<u8>, JoseError> {
    let wrong = || JoseError::new("the signature does not fit");
    let (signed, signature) = token.rsplit_once('.').ok_or_else(wrong)?;
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| wrong())?;
    if !key.verifies(signed.as_bytes(), &signature) {
        return Err(wrong());
    }
    let (_, payload) = signed.split_once('.').ok_or_else(wrong)?;
    BASE64_URL_SAFE_NO_PAD.decode(payload).map_err(|_| wrong())
}
