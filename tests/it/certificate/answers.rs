//! OCSP answers (RFC 6960).

use hufu::certificate::ocsp::{judge, question};
use hufu::certificate::{Distrust, Doubt};

use super::{Authorities, SORTS};
use crate::kit::START;
use crate::kit::pki::{
    Answer, CLIENT_AUTH, Issued, OCSP_SIGNING, SIGNS, Sort, Wanted, YEAR, ocsp, usage, uses,
};

const NONCE: &[u8] = b"0123456789abcdef";

struct Asked {
    authorities: Authorities,
    leaf: Issued,
    responder: Issued,
}

impl Asked {
    fn new(sort: Sort) -> Self {
        let authorities = Authorities::new(sort);
        let leaf = authorities.enterprise();
        let responder = authorities.below.issue(&Self::delegated(OCSP_SIGNING));
        Self { authorities, leaf, responder }
    }

    fn delegated(purpose: &str) -> Wanted {
        Wanted::new("CN=Responder", vec![usage(SIGNS), uses(&[purpose])])
    }

    fn judge(&self, answer: &[u8]) -> Result<(), Distrust> {
        let (leaf, issuer) = (self.leaf.parsed(), self.authorities.below.parsed());
        judge(answer, &leaf, &issuer, NONCE, START)
    }

    fn by(&self, responder: &Issued, answer: &Answer) -> Result<(), Distrust> {
        self.judge(&ocsp(&self.authorities.below, responder, answer, true))
    }
}

fn doubt(why: Doubt) -> Result<(), Distrust> {
    Err(Distrust::Unknown(why))
}

/// Covers C-07: revoked by OCSP, from the issuer itself or whom it named.
#[test]
fn an_answer_is_the_issuers_or_of_whom_it_named() {
    for sort in SORTS {
        let asked = Asked::new(sort);
        let good = Answer::good(asked.leaf.serial);
        let revoked = Answer { status: 1, ..good.clone() };
        for responder in [&asked.responder, &asked.authorities.below] {
            assert_eq!(asked.by(responder, &good), Ok(()), "{sort:?}");
            assert!(matches!(asked.by(responder, &revoked), Err(Distrust::Revoked { .. })));
        }
        let unknown = Answer { status: 2, ..good.clone() };
        assert_eq!(asked.by(&asked.responder, &unknown), doubt(Doubt::Unanswered));
        let bare = ocsp(&asked.authorities.below, &asked.responder, &good, false);
        assert_eq!(asked.judge(&bare), doubt(Doubt::Signature), "nobody says who it is");
    }
}

#[test]
fn nobody_else_answers() {
    let asked = Asked::new(Sort::P256);
    let good = Answer::good(asked.leaf.serial);
    // The enterprise itself, somebody for another purpose, one that has expired, a stranger's.
    assert_eq!(asked.by(&asked.leaf, &good), doubt(Doubt::Signature));
    let other = asked.authorities.below.issue(&Asked::delegated(CLIENT_AUTH));
    assert_eq!(asked.by(&other, &good), doubt(Doubt::Signature));
    let expired = Wanted { not_after: START.0 - 1, ..Asked::delegated(OCSP_SIGNING) };
    let expired = asked.authorities.below.issue(&expired);
    assert_eq!(asked.by(&expired, &good), doubt(Doubt::Signature));
    let stranger = Asked::new(Sort::P256);
    assert_eq!(asked.by(&stranger.responder, &good), doubt(Doubt::Signature));
    let above = asked.authorities.root.issue(&Asked::delegated(OCSP_SIGNING));
    assert_eq!(asked.by(&above, &good), doubt(Doubt::Signature), "named by another authority");
}

#[test]
fn an_answer_is_about_this_certificate_and_of_today() {
    let asked = Asked::new(Sort::Sm2);
    let good = Answer::good(asked.leaf.serial);
    let by = |answer: &Answer| asked.by(&asked.responder, answer);
    assert_eq!(by(&Answer { serial: good.serial + 1, ..good.clone() }), doubt(Doubt::Foreign));
    assert_eq!(by(&Answer { to: Some(START.0 - 1), ..good.clone() }), doubt(Doubt::Stale));
    assert_eq!(by(&Answer { from: START.0 + 301, ..good.clone() }), doubt(Doubt::Stale));
    assert_eq!(by(&Answer { to: None, ..good.clone() }), Ok(()));
    assert_eq!(
        by(&Answer { to: None, from: START.0 - 3601, ..good.clone() }),
        doubt(Doubt::Stale),
        "without an end it counts for an hour"
    );
    assert_eq!(by(&Answer { from: START.0 - YEAR, to: None, ..good.clone() }), doubt(Doubt::Stale));
    assert_eq!(by(&Answer { nonce: Some(NONCE.to_vec()), ..good.clone() }), Ok(()));
    assert_eq!(
        by(&Answer { nonce: Some(b"another question".to_vec()), ..good.clone() }),
        doubt(Doubt::Foreign)
    );
    // Of another authority with the same serial number.
    let stranger = Asked::new(Sort::Sm2);
    let foreign = ocsp(&stranger.authorities.below, &asked.responder, &good, true);
    assert_eq!(asked.judge(&foreign), doubt(Doubt::Foreign));
    for wrong in [&b""[..], &[0x30, 3, 0x0a, 1, 6], &[0x30, 3, 0x0a, 1, 3]] {
        assert!(matches!(asked.judge(wrong), Err(Distrust::Unknown(_))));
    }
    assert_eq!(asked.judge(&[0x30, 3, 0x0a, 1, 3]), doubt(Doubt::Unanswered));
}

/// OpenSSL reads the question, and its answers count here.
#[test]
fn openssl_reads_the_question() {
    let asked = Asked::new(Sort::P256);
    let asked_of =
        question(&asked.leaf.parsed(), &asked.authorities.below.parsed(), NONCE).unwrap();
    let read = openssl::ocsp::OcspRequest::from_der(&asked_of);
    assert!(read.is_ok());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("question");
    std::fs::write(&file, &asked_of).unwrap();
    let said = std::process::Command::new("openssl")
        .args(["ocsp", "-req_text", "-reqin"])
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let serial = asked.leaf.parsed().serial_shown();
    assert!(said.contains(&serial), "{said}");
    assert!(said.contains("OCSP Nonce"), "{said}");
}
