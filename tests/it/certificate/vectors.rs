//! The standards' own examples.

use der::asn1::UintRef;
use der::{Decode, Encode};
use hufu::certificate::challenge::{Purpose, is_signed};
use sm2::dsa::signature::{Signer, Verifier};
use sm2::dsa::{Signature, SigningKey, VerifyingKey};
use sm3::{Digest, Sm3};

use crate::kit::pki::{Issued, Key, Numbers, SIGNER_ID, Sort, Wanted};

fn hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

fn shown(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// GB/T 32905, annex A.
#[test]
fn sm3_digests_as_the_standard_says() {
    let abc: [u8; 32] = Sm3::digest(b"abc").into();
    assert_eq!(shown(&abc), "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    let long: [u8; 32] = Sm3::digest(b"abcd".repeat(16)).into();
    assert_eq!(shown(&long), "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732");
}

/// GB/T 32918.5, annex A.
#[test]
fn sm2_signs_and_verifies_as_the_standard_says() {
    let secret = hex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8");
    let secret = sm2::SecretKey::from_slice(&secret).unwrap();
    let key = SigningKey::new(SIGNER_ID, &secret).unwrap();
    let mut point = vec![4];
    point.extend(hex("09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"));
    point.extend(hex("CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"));
    assert_eq!(&*key.verifying_key().to_sec1_bytes(), point);
    let mut signature = hex("F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3");
    signature.extend(hex("B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"));
    let signature = Signature::from_slice(&signature).unwrap();
    let public = VerifyingKey::from_sec1_bytes(SIGNER_ID, &point).unwrap();
    assert!(public.verify(b"message digest", &signature).is_ok());
    assert!(public.verify(b"message digesu", &signature).is_err());
    // Whose signature it is, is part of what is signed.
    let other = VerifyingKey::from_sec1_bytes("ALICE123@YAHOO.COM", &point).unwrap();
    assert!(other.verify(b"message digest", &signature).is_err());
    let own = key.try_sign(b"message digest").unwrap();
    assert!(public.verify(b"message digest", &own).is_ok());
}

/// Covers C-06 and C-08 as far as the signature goes: each kind signs, and nothing else than these
/// bytes for this page and purpose counts.
#[test]
fn a_challenge_is_signed_for_one_page_and_one_purpose() {
    let challenge = br#"{"v":1,"typ":"etax-cert-login"}"#;
    let origin = "https://sso.jiangxi.example";
    for sort in super::SORTS {
        let root = Issued::root(sort, "CN=Root");
        let leaf = root.issue(&Wanted::enterprise(super::NUMBER));
        let certificate = leaf.parsed();
        let signature = leaf.key.answer(challenge, origin, "login");
        let signed = |challenge: &[u8], origin: &str, purpose, signature: &[u8]| {
            is_signed(&certificate, challenge, origin, purpose, signature)
        };
        assert!(signed(challenge, origin, Purpose::Login, &signature), "{sort:?}");
        assert!(!signed(b"{}", origin, Purpose::Login, &signature));
        assert!(!signed(challenge, "https://evil.example", Purpose::Login, &signature));
        assert!(!signed(challenge, origin, Purpose::Check, &signature), "a trial opens a door");
        assert!(!signed(challenge, origin, Purpose::Login, &[]));
        let bare = leaf.key.sign(challenge);
        assert!(!signed(challenge, origin, Purpose::Login, &bare), "any document would do");
        let other = Key::new(sort).answer(challenge, origin, "login");
        assert!(!signed(challenge, origin, Purpose::Login, &other));
        for at in 0..signature.len() {
            let mut bent = signature.clone();
            bent[at] ^= 1;
            assert!(!signed(challenge, origin, Purpose::Login, &bent), "{sort:?} {at}");
        }
    }
}

/// A signature has one form: longer encodings of the same numbers are not taken.
#[test]
fn sm2_signatures_have_one_form() {
    let root = Issued::root(Sort::Sm2, "CN=Root");
    let leaf = root.issue(&Wanted::enterprise(super::NUMBER));
    let certificate = leaf.parsed();
    let signed = |signature: &[u8]| {
        is_signed(&certificate, b"{}", "https://a.example", Purpose::Login, signature)
    };
    let good = leaf.key.answer(b"{}", "https://a.example", "login");
    assert!(signed(&good));
    let numbers = Numbers::from_der(&good).unwrap();
    let (r, s) = (numbers.r.as_bytes().to_vec(), numbers.s.as_bytes().to_vec());
    let mut bare = vec![0; 64];
    bare[32 - r.len()..32].copy_from_slice(&r);
    bare[64 - s.len()..].copy_from_slice(&s);
    assert!(!signed(&bare), "raw numbers are the token's form, not the protocol's");
    assert!(!signed(&[&good[..], &[0]].concat()), "something stands behind");
    let nought = Numbers { r: UintRef::new(&[0]).unwrap(), s: UintRef::new(&s).unwrap() };
    assert!(!signed(&nought.to_der().unwrap()));
    let order = hex("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123");
    let beyond = Numbers { r: UintRef::new(&r).unwrap(), s: UintRef::new(&order).unwrap() };
    assert!(!signed(&beyond.to_der().unwrap()));
    let long = [1; 40];
    let long = Numbers { r: UintRef::new(&long).unwrap(), s: UintRef::new(&s).unwrap() };
    assert!(!signed(&long.to_der().unwrap()));
}
