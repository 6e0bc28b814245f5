//! What everybody knows who has this repository: the secrets and keys of its demo realms. Whoever
//! copies such a realm to begin with would let all of them in.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::base::secret::{Hashed, sha256};

/// SHA-256 of each secret, and of each public key's `n` or `x`; `tests/it/realm.rs` compares them with
/// the files.
const PUBLISHED: [&str; 9] = [
    "8v_RJgALZlPt4b7OYhd-s52u3XAQomukhZAnWMVYkFc",
    "BzgoS24W94uUh8YfQ3olgNAFnhJYYBLtRzv8LVYLsNg",
    "DKCqHYdOFdXQi5Z3r6h_-J6tyJTWmUjqyF6g5mpKPpI",
    "HM1qYJHcHM9Ue2uo8UmTtck_LCxW9ucJifNqRS5xnRU",
    "QnQvkn6XdhY_ubjD5Y_ljNTR_BylO8w3CGs9rJqHIao",
    "Wx11v7Jmvt1Tx_1_3p2kFNOCjSzlxkxyk0Zqx9opFIc",
    "tm_IAzxhAtQ6l3hJQp7bAZ_AaHFSwrMSMql9UW-S3JY",
    "ud0-z0fw0wZFUG4vsda1N1hRCyuitNNtk8YgtW3nE7g",
    "vmbttyaGcKgBMUpsB0v_xLGoI67QuGAk9g5wrVD7Ji8",
];

/// SHA-256 of the certificates of the demo's authorities.
const AUTHORITIES: [&str; 4] = [
    "5I8_AGN--qxuzVb82ha-GrQ3kg7g9XsMaMdgavX-FsE",
    "ABPB6s0D0AWDLB7845DZ2tkbe9LHEtsgl38XsygR-lA",
    "alWQPotzydAtfJn1AzafByEBtyY29J1GIrLDdGXGP3Q",
    "tG-BUq4NUB_th1mEXGbZgww3yZ-TolnwladhFaOUITA",
];

pub(super) fn is_published_authority(der: &[u8]) -> bool {
    AUTHORITIES.contains(&BASE64_URL_SAFE_NO_PAD.encode(sha256(der)).as_str())
}

pub(super) fn is_published(secret: &str) -> bool {
    PUBLISHED.contains(&Hashed::of(secret).to_text().as_str())
}

/// Whether one of a JWKS's keys is.
pub(super) fn has_published_key(jwks: &Value) -> bool {
    let keys = jwks.get("keys").and_then(Value::as_array).into_iter().flatten();
    let mut told = keys.filter_map(|key| key.get("n").or_else(|| key.get("x"))?.as_str());
    told.any(is_published)
}
