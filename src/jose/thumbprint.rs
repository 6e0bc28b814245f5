//! JWK thumbprints (RFC 7638), which the library lacks: key ids and key bindings.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use josekit::jwk::Jwk;

use super::JoseError;
use crate::base::secret::sha256;

/// RFC 7638 §3: the required members in lexical order, hashed.
pub fn thumbprint(jwk: &Jwk) -> Result<String, JoseError> {
    let member = |name: &str| {
        let value = jwk.parameter(name).and_then(|value| value.as_str());
        value.map(str::to_owned).ok_or_else(|| JoseError::new(format!("no {name} in the key")))
    };
    let canonical = match jwk.key_type() {
        "EC" => format!(
            r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#,
            member("crv")?,
            member("x")?,
            member("y")?
        ),
        "OKP" => format!(r#"{{"crv":"{}","kty":"OKP","x":"{}"}}"#, member("crv")?, member("x")?),
        "RSA" => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, member("e")?, member("n")?),
        other => return Err(JoseError::new(format!("no thumbprint for {other}"))),
    };
    Ok(BASE64_URL_SAFE_NO_PAD.encode(sha256(canonical.as_bytes())))
}
