//! From an enterprise's certificate to an authority that is trusted (RFC 5280 §6).
//!
//! Candidates are found by name and key identifier among what the page sent and what the realm
//! knows; a signature is checked before any other property of an issuer counts. Both the length of
//! a path and the number of signatures tried are bounded, because a stranger chooses the candidates.

use std::cell::Cell;

use der::oid::ObjectIdentifier;

use super::crl::Crl;
use super::distrust::{Distrust, Doubt, Untrusted};
use super::extension::CLIENT_AUTH;
use super::name;
use super::parsed::Certificate;
use crate::base::clock::Timestamp;

/// Certificates in a path, leaf and anchor included.
const LONGEST: usize = 5;
/// Signatures tried for one path.
const MOST_TRIED: u32 = 16;
/// Certificates that a page may send beside its own.
pub const MOST_SENT: usize = 4;

/// Whom to trust, for whatever a page sends.
#[derive(Clone, Copy)]
pub struct Trust<'a> {
    pub anchors: &'a [Certificate],
    /// Authorities below the anchors that tokens often leave out.
    pub between: &'a [Certificate],
    /// Extensions that may be critical because the realm reads the enterprise's number there.
    pub understood: &'a [ObjectIdentifier],
}

/// A path that holds at the time it was asked for: the leaf first, the anchor last.
#[derive(Debug)]
pub struct Path {
    certificates: Vec<Certificate>,
}

impl Path {
    /// What was sent is in no order and may be anything.
    pub fn find(
        leaf: &Certificate,
        sent: &[Certificate],
        trust: Trust<'_>,
        now: Timestamp,
    ) -> Result<Self, Distrust> {
        if sent.len() > MOST_SENT {
            return Err(Untrusted::TooLong.into());
        }
        is_for_signing(leaf)?;
        let search = Search { sent, trust, now, tries: Cell::new(MOST_TRIED) };
        search.accepts(leaf)?;
        let certificates = search.upwards(vec![leaf.clone()])?;
        if now < leaf.not_before() {
            return Err(Distrust::NotYetValid);
        }
        if now > leaf.not_after() {
            return Err(Distrust::Expired);
        }
        Ok(Self { certificates })
    }

    pub fn leaf(&self) -> &Certificate {
        // A path has at least two.
        &self.certificates[0]
    }

    /// Who issued the leaf.
    pub fn issuer(&self) -> &Certificate {
        &self.certificates[1]
    }

    pub fn anchor(&self) -> &Certificate {
        &self.certificates[self.certificates.len() - 1]
    }

    /// How far above the leaf the first certificate stands of which this holds: 1 is its issuer.
    pub(super) fn steps_to(&self, holds: impl Fn(&Certificate) -> bool) -> usize {
        1 + self.certificates.iter().skip(1).take_while(|one| !holds(one)).count()
    }

    /// The leaf by one of the lists: that of its issuer. [`Doubt::Missing`] where there is none that
    /// says anything now, or the reason that the last one gave.
    pub fn leaf_by_lists(&self, lists: &[&Crl], now: Timestamp) -> Result<(), Distrust> {
        by_lists(self.leaf(), self.issuer(), lists, now)
    }

    /// The authorities between, by the lists that the realm names of their issuers. Of an issuer
    /// without a list, or with lists that speak of others, nothing is asked.
    pub fn between_by_lists(&self, lists: &[&Crl], now: Timestamp) -> Result<(), Distrust> {
        let mut judged = Ok(());
        for pair in self.certificates.windows(2).skip(1) {
            let [one, issuer] = pair else { continue };
            judged = match by_lists(one, issuer, lists, now) {
                Err(Distrust::Unknown(Doubt::Missing)) => judged,
                told => worse(judged, told),
            };
        }
        judged
    }
}

/// Of two judgements the one that counts where both must be good: what was revoked outweighs what nobody
/// knows.
pub fn worse(one: Result<(), Distrust>, other: Result<(), Distrust>) -> Result<(), Distrust> {
    match (&one, &other) {
        (Err(Distrust::Revoked { .. }), _) | (Err(_), Ok(()) | Err(Distrust::Unknown(_))) => one,
        _ => other,
    }
}

fn by_lists(
    certificate: &Certificate,
    issuer: &Certificate,
    lists: &[&Crl],
    now: Timestamp,
) -> Result<(), Distrust> {
    let mut judged = Err(Doubt::Missing.into());
    for list in lists.iter().filter(|list| list.is_of(issuer)) {
        judged = match list.judge(certificate, issuer, now) {
            revoked @ Err(Distrust::Revoked { .. }) => return revoked,
            Ok(()) => Ok(()),
            // It speaks of others.
            Err(Distrust::Unknown(Doubt::Missing)) => judged,
            doubt => judged.or(doubt),
        };
    }
    judged
}

struct Search<'a> {
    sent: &'a [Certificate],
    trust: Trust<'a>,
    now: Timestamp,
    tries: Cell<u32>,
}

impl Search<'_> {
    /// The path from here to an anchor. Of several failures the one that came furthest is told.
    fn upwards(&self, path: Vec<Certificate>) -> Result<Vec<Certificate>, Untrusted> {
        let Some(last) = path.last() else { return Err(Untrusted::NoIssuer) };
        let mut why = Untrusted::NoIssuer;
        for anchor in self.trust.anchors.iter().filter(|one| may_be_issuer(one, last)) {
            match self.step(&path, anchor) {
                Ok(whole) => return Ok(whole),
                Err(reason) => why = reason,
            }
        }
        if path.len() + 1 >= LONGEST {
            return Err(if why == Untrusted::NoIssuer { Untrusted::TooLong } else { why });
        }
        let between = self.trust.between.iter().chain(self.sent);
        let is_new = |one: &&Certificate| path.iter().all(|known| known.der() != one.der());
        for issuer in between.filter(is_new).filter(|one| may_be_issuer(one, last)) {
            match self.step(&path, issuer).and_then(|longer| self.upwards(longer)) {
                Ok(whole) => return Ok(whole),
                Err(Untrusted::NoIssuer) => {}
                Err(reason) => why = reason,
            }
        }
        Err(why)
    }

    /// The path with this issuer, which has really issued its last certificate and may.
    fn step(
        &self,
        path: &[Certificate],
        issuer: &Certificate,
    ) -> Result<Vec<Certificate>, Untrusted> {
        let last = path.last().ok_or(Untrusted::NoIssuer)?;
        let tries = self.tries.get().checked_sub(1).ok_or(Untrusted::TooLong)?;
        self.tries.set(tries);
        if !last.is_signed_by(issuer) {
            return Err(Untrusted::Signature);
        }
        self.accepts(issuer)?;
        if !issuer.is_valid_at(self.now) {
            return Err(Untrusted::IssuerExpired);
        }
        let below = path.iter().skip(1).filter(|one| !one.is_self_issued()).count();
        if !may_issue(issuer, below) {
            return Err(Untrusted::MayNotIssue);
        }
        let mut longer = path.to_vec();
        longer.push(issuer.clone());
        Ok(longer)
    }

    /// What is asked of each certificate, whatever it is for.
    fn accepts(&self, certificate: &Certificate) -> Result<(), Untrusted> {
        if certificate.key().is_none() || !certificate.has_known_algorithm() {
            return Err(Untrusted::Algorithm);
        }
        let unknown = &certificate.extensions().unknown;
        if unknown.iter().any(|oid| !self.trust.understood.contains(oid)) {
            return Err(Untrusted::Critical);
        }
        Ok(())
    }
}

/// By name, and by key identifier where both have one.
pub fn may_be_issuer(issuer: &Certificate, of: &Certificate) -> bool {
    let same_key = match (&issuer.extensions().subject_key, &of.extensions().authority_key) {
        (Some(key), Some(wanted)) => key == wanted,
        _ => true,
    };
    same_key && name::same(issuer.subject(), of.issuer())
}

/// `below` counts the authorities between this one and the leaf.
fn may_issue(issuer: &Certificate, below: usize) -> bool {
    let extensions = issuer.extensions();
    let is_authority = extensions.authority == Some(true);
    let is_for_certificates =
        extensions.key_usage.as_ref().is_none_or(x509_cert::ext::pkix::KeyUsage::key_cert_sign);
    let is_deep_enough = extensions.path_len.is_none_or(|most| below <= usize::from(most));
    is_authority && is_for_certificates && is_deep_enough && extensions.allow(CLIENT_AUTH)
}

/// A token holds two certificates, one of which is for encryption; an authority's own signs in
/// nowhere.
fn is_for_signing(leaf: &Certificate) -> Result<(), Distrust> {
    let extensions = leaf.extensions();
    let signs = extensions
        .key_usage
        .as_ref()
        .is_some_and(x509_cert::ext::pkix::KeyUsage::digital_signature);
    if !signs || extensions.authority == Some(true) || !extensions.allow(CLIENT_AUTH) {
        return Err(Distrust::NotForSigning);
    }
    Ok(())
}

/// Whether a certificate may be named in a realm as an authority; why not otherwise.
pub fn check_authority(certificate: &Certificate) -> Result<(), &'static str> {
    if certificate.key().is_none() {
        return Err("has a key that is not accepted (SM2, RSA of 2048 bits, P-256 or P-384)");
    }
    if certificate.extensions().authority != Some(true) {
        return Err("is no authority's (basicConstraints)");
    }
    if !may_issue(certificate, 0) {
        return Err("may not issue certificates for signing in (keyUsage, extendedKeyUsage)");
    }
    if !certificate.extensions().unknown.is_empty() {
        return Err("has a critical extension that is not understood");
    }
    Ok(())
}
