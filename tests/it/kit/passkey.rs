//! A passkey in software: keys, attestation "none", signatures over what a browser would sign.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hufu::base::secret::sha256;
use josekit::jwk::Jwk;
use josekit::jwk::alg::ec::EcCurve;
use josekit::jws::{ES256, JwsSigner};
use serde_json::{Value, json};

use super::browser::{Shown, unescape};

#[derive(Clone)]
pub struct Passkey {
    key: Jwk,
    id: Vec<u8>,
    /// The account it was made for.
    user: String,
    pub counter: u32,
    /// Present and recognised; a device that skips the second is a thief's.
    pub flags: u8,
    pub origin: String,
    /// Whose pages it answers.
    host: String,
}

fn base64url(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// What a page asks the device; `None` where it asks nothing.
pub fn asked(page: &Shown) -> Option<Value> {
    let text = page.text.split("data-passkey=\"").nth(1)?.split('"').next()?;
    Some(serde_json::from_str(&unescape(text)).unwrap())
}

impl Passkey {
    /// Made for these options, with what the browser sends.
    pub fn make(options: &Value) -> (Self, String) {
        let key = Jwk::generate_ec_key(EcCurve::P256).unwrap();
        let id = sha256(key.to_string().as_bytes())[..16].to_vec();
        let user = options["user"]["id"].as_str().unwrap().to_owned();
        let host = options["rp"]["id"].as_str().unwrap().to_owned();
        let origin = format!("https://{host}");
        let made = Self { key, id, user, counter: 1, flags: 0x05, origin, host };
        let coordinate = |name: &str| {
            let text = made.key.parameter(name).unwrap().as_str().unwrap().to_owned();
            BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
        };
        // {1: 2, 3: -7, -1: 1, -2: x, -3: y}
        let mut cose = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        cose.extend(coordinate("x"));
        cose.extend([0x22, 0x58, 0x20]);
        cose.extend(coordinate("y"));
        let mut data = made.data(made.flags | 0x40);
        data.extend([0; 16]);
        data.extend([0, 16]);
        data.extend(&made.id);
        data.extend(cose);
        let mut attestation = vec![0xa3, 0x63];
        attestation.extend(b"fmt");
        attestation.push(0x64);
        attestation.extend(b"none");
        attestation.push(0x67);
        attestation.extend(b"attStmt");
        attestation.extend([0xa0, 0x68]);
        attestation.extend(b"authData");
        attestation.extend([0x58, u8::try_from(data.len()).unwrap()]);
        attestation.extend(data);
        let client = made.client("webauthn.create", options);
        let answer = json!({
            "id": base64url(&made.id), "rawId": base64url(&made.id), "type": "public-key",
            "response": {
                "attestationObject": base64url(&attestation),
                "clientDataJSON": base64url(client.as_bytes()),
                "transports": ["internal"],
            },
            "clientExtensionResults": {},
        });
        (made, answer.to_string())
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let mut data = sha256(self.host.as_bytes()).to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    fn client(&self, kind: &str, options: &Value) -> String {
        let challenge = &options["challenge"];
        json!({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false})
            .to_string()
    }

    /// What the browser sends for these options; the counter moves on.
    pub fn answer(&mut self, options: &Value) -> String {
        self.counter += 1;
        let data = self.data(self.flags);
        let client = self.client("webauthn.get", options);
        let signed = [data.as_slice(), &sha256(client.as_bytes())].concat();
        let raw = ES256.signer_from_jwk(&self.key).unwrap().sign(&signed).unwrap();
        json!({
            "id": base64url(&self.id), "rawId": base64url(&self.id), "type": "public-key",
            "response": {
                "authenticatorData": base64url(&data),
                "clientDataJSON": base64url(client.as_bytes()),
                "signature": base64url(&der(&raw)),
                "userHandle": self.user,
            },
            "clientExtensionResults": {},
        })
        .to_string()
    }
}

/// JOSE signatures are two numbers side by side, `WebAuthn` wants them as ASN.1.
fn der(raw: &[u8]) -> Vec<u8> {
    let number = |half: &[u8]| {
        let start = half.iter().position(|byte| *byte != 0).unwrap_or(half.len() - 1);
        let mut digits = half[start..].to_vec();
        if digits[0] & 0x80 != 0 {
            digits.insert(0, 0);
        }
        let mut number = vec![0x02, u8::try_from(digits.len()).unwrap()];
        number.extend(digits);
        number
    };
    let (r, s) = raw.split_at(32);
    let body = [number(r), number(s)].concat();
    let mut der = vec![0x30, u8::try_from(body.len()).unwrap()];
    der.extend(body);
    der
}
