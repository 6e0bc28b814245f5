//! What may be signed, and the bytes that are (`kagent/1`), without a socket.

use key_agent::protocol::Algorithm;
use key_agent::protocol::challenge::{Challenge, Purpose};
use key_agent::signature;
use serde_json::{Value, json};

use crate::kit::{NOW, ORIGIN, OTHER_ORIGIN, challenge_json, encode};

fn refused(challenge: &Value, origin: &str, now: i64) -> bool {
    Challenge::check(&encode(challenge), origin, now).is_err()
}

/// Covers C-02.
#[test]
fn the_bytes_signed_are_built_from_challenge_and_page() {
    let challenge = challenge_json(ORIGIN);
    let encoded = encode(&challenge);
    let checked = Challenge::check(&encoded, ORIGIN, NOW).unwrap();
    assert_eq!(checked.purpose(), Purpose::Login);
    let digest = openssl::sha::sha256(challenge.to_string().as_bytes());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let expected = format!("kagent-v1\n{digest}\nhttps://idp.example\nlogin\n");
    assert_eq!(checked.bytes_signed(Algorithm::RsaSha256), expected.as_bytes());
    assert_eq!(checked.bytes_signed(Algorithm::EcdsaSha256), expected.as_bytes());
    let national = String::from_utf8(checked.bytes_signed(Algorithm::Sm2Sm3)).unwrap();
    assert_eq!(national.len(), expected.len());
    assert!(!national.contains(&digest));
    // GB/T 32905, annex A.1.
    let abc = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0";
    assert_eq!(Algorithm::Sm2Sm3.digest_hex(b"abc"), abc);
}

#[test]
fn whatever_is_not_a_challenge_for_this_page_now_is_refused() {
    let good = challenge_json(ORIGIN);
    assert!(!refused(&good, ORIGIN, NOW));
    assert!(refused(&good, OTHER_ORIGIN, NOW), "another page");
    assert!(refused(&challenge_json("null"), ORIGIN, NOW));
    let changes = [
        ("v", json!(2)),
        ("v", json!("1")),
        ("typ", json!("document")),
        ("typ", json!("ETAX-CERT-LOGIN")),
        ("purpose", json!("sign-contract")),
        ("purpose", json!("Login")),
        ("origin", json!("https://idp.example/")),
        ("origin", json!("https://idp.example:443")),
        ("origin", json!(["https://idp.example"])),
        ("nonce", json!("c2hvcnQ")),
        ("nonce", json!("not base64url!")),
        ("iat", json!("1767323045")),
        ("exp", json!(NOW)),
        ("exp", json!(NOW + 601)),
        ("exp", json!(i64::MAX)),
        ("iat", json!(i64::MIN)),
        ("exp", json!(i64::MIN)),
    ];
    for (field, value) in changes {
        let mut changed = good.clone();
        changed[field] = value.clone();
        assert!(refused(&changed, ORIGIN, NOW), "{field} = {value}");
    }
    for field in good.as_object().unwrap().keys() {
        let mut without = good.clone();
        without.as_object_mut().unwrap().remove(field);
        assert!(refused(&without, ORIGIN, NOW), "without {field}");
    }
    let mut long = good.clone();
    long["more"] = json!("x".repeat(5000));
    assert!(refused(&long, ORIGIN, NOW), "longer than any challenge");
    for encoded in ["", "e30", "bnVsbA", "W10", "****", "eyJ2IjoxfQ=="] {
        assert!(Challenge::check(encoded, ORIGIN, NOW).is_err(), "{encoded}");
    }
    // A document, base64url.
    let document = "JVBERi0xLjcKJeLjz9MK";
    assert!(Challenge::check(document, ORIGIN, NOW).is_err());
}

#[test]
fn clocks_may_be_five_minutes_apart() {
    let challenge = challenge_json(ORIGIN);
    for (now, fits) in [
        (NOW - 301, false),
        (NOW - 300, true),
        (NOW + 120, true),
        (NOW + 420, true),
        (NOW + 421, false),
        (i64::MAX, false),
        (0, false),
    ] {
        assert_eq!(!refused(&challenge, ORIGIN, now), fits, "{}", now - NOW);
    }
}

/// Covers C-06.
#[test]
fn national_digest_and_signature_are_the_standards() {
    // GB/T 32918.5, annex A: the digest that a token is given for the example's key and message.
    let hex = |text: &str| -> Vec<u8> {
        let digits = text.as_bytes().chunks(2);
        digits.map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap()).collect()
    };
    let point = hex("0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020\
         CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13");
    let digest = signature::sm2_digest(&point, b"message digest").unwrap();
    assert_eq!(
        digest.to_vec(),
        hex("F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640")
    );
    assert!(signature::sm2_digest(&point[..64], b"message digest").is_none());
    let mut off_the_curve = point.clone();
    off_the_curve[64] ^= 1;
    assert!(signature::sm2_digest(&off_the_curve, b"message digest").is_none());
}

#[test]
fn numbers_become_der() {
    assert_eq!(signature::to_der(&[0, 0, 1], &[0x80]).unwrap(), [0x30, 7, 2, 1, 1, 2, 2, 0, 0x80]);
    // Tokens answer in fields of 64 bytes.
    let mut field = [0; 64];
    field[32..].fill(0xff);
    let der = signature::to_der(&field, &field).unwrap();
    let read = openssl::ecdsa::EcdsaSig::from_der(&der).unwrap();
    assert_eq!(read.r().to_vec(), vec![0xff; 32]);
    let long = signature::to_der(&[0xff; 64], &[0xff; 64]).unwrap();
    assert!(openssl::ecdsa::EcdsaSig::from_der(&long).is_ok());
    assert!(signature::to_der(&[0; 64], &field).is_none());
    assert!(signature::to_der(&[], &field).is_none());
}
