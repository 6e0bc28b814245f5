//! Revocation lists (RFC 5280 §5): of an authority about its own certificates, all of them or a part that it
//! names (`scope`). Delta and indirect ones, and those for some reasons only, are refused.

use std::collections::HashMap;

use der::Decode;
use x509_cert::crl::{RevokedCert, TbsCertList};
use x509_cert::ext::Extension;
use x509_cert::name::Name;

use super::distrust::{Distrust, Doubt};
use super::name;
use super::parsed::{Certificate, Signed, seconds};
use super::scope::{ISSUING_POINT, Scope};
use crate::base::clock::Timestamp;

/// In bytes: some two hundred thousand certificates.
pub const LONGEST: usize = 8 * 1024 * 1024;
/// How far an authority's clock may be ahead of ours, in seconds.
const CLOCK_DIFFERENCE: i64 = 300;

/// A list, read, not yet judged.
#[derive(Debug)]
pub struct Crl {
    signed: Signed,
    issuer: Name,
    this_update: Timestamp,
    next_update: Option<Timestamp>,
    scope: Scope,
    revoked: HashMap<Vec<u8>, Timestamp>,
}

impl Crl {
    /// From DER, or from PEM as some authorities publish it.
    pub fn parse(bytes: &[u8]) -> Result<Self, Doubt> {
        if bytes.len() > LONGEST {
            return Err(Doubt::Malformed("the list is too long"));
        }
        let from_pem;
        let der = if bytes.starts_with(b"-----BEGIN") {
            from_pem = unwrap_pem(bytes).ok_or(Doubt::Malformed("this PEM holds no list"))?;
            &from_pem
        } else {
            bytes
        };
        let signed = Signed::read(der).ok_or(Doubt::Malformed("this is no revocation list"))?;
        let inner: TbsCertList = TbsCertList::from_der(&signed.bytes)
            .map_err(|_| Doubt::Malformed("the list cannot be read"))?;
        if inner.signature != signed.algorithm || !signed.rest.is_empty() {
            return Err(Doubt::Malformed("the list contradicts itself"));
        }
        let entries = inner.revoked_certificates.unwrap_or_default();
        let of_list = inner.crl_extensions.as_deref().unwrap_or_default();
        let beyond_scope = of_list.iter().filter(|one| one.extn_id != ISSUING_POINT);
        let of_entries = entries.iter().filter_map(|entry| entry.crl_entry_extensions.as_ref());
        if beyond_scope.chain(of_entries.flatten()).any(is_beyond_us) {
            return Err(Doubt::Partial);
        }
        Ok(Self {
            scope: Scope::read(of_list)?,
            issuer: inner.issuer,
            this_update: seconds(&inner.this_update),
            next_update: inner.next_update.as_ref().map(seconds),
            revoked: entries.iter().map(revoked).collect(),
            signed,
        })
    }

    pub fn next_update(&self) -> Option<Timestamp> {
        self.next_update
    }

    pub fn this_update(&self) -> Timestamp {
        self.this_update
    }

    pub fn len(&self) -> usize {
        self.revoked.len()
    }

    pub fn is_empty(&self) -> bool {
        self.revoked.is_empty()
    }

    /// Whether it says that it is of the same authority.
    pub fn has_issuer_of(&self, other: &Self) -> bool {
        name::same(&self.issuer, &other.issuer)
    }

    /// Whether both speak of the same certificates.
    pub fn has_scope_of(&self, other: &Self) -> bool {
        self.scope == other.scope
    }

    /// By name: whose list it says it is.
    pub fn is_of(&self, issuer: &Certificate) -> bool {
        name::same(&self.issuer, issuer.subject())
    }

    /// Whether the list is this authority's and may be relied on now.
    pub fn check(&self, issuer: &Certificate, now: Timestamp) -> Result<(), Doubt> {
        if !self.is_of(issuer) {
            return Err(Doubt::Foreign);
        }
        let usage = issuer.extensions().key_usage.as_ref();
        let may = usage.is_none_or(x509_cert::ext::pkix::KeyUsage::crl_sign);
        if !may || !issuer.key().is_some_and(|key| self.signed.is_by(key)) {
            return Err(Doubt::Signature);
        }
        // A list that never ends could be an old one for ever.
        let ends = self.next_update.ok_or(Doubt::Stale)?;
        if self.this_update > now.plus(CLOCK_DIFFERENCE) || ends < now {
            return Err(Doubt::Stale);
        }
        Ok(())
    }

    /// Whether the list has this certificate. One that has lapsed is believed when it says so: nobody becomes
    /// good again because the next list is kept away. It is not believed to say that all is well.
    /// [`Doubt::Missing`]: it speaks of other certificates, and does not have this one.
    pub fn judge(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        now: Timestamp,
    ) -> Result<(), Distrust> {
        let checked = self.check(issuer, now);
        match (checked, self.revoked.get(certificate.serial())) {
            (Ok(()) | Err(Doubt::Stale), Some(since)) => Err(Distrust::Revoked { since: *since }),
            (Ok(()) | Err(Doubt::Stale), None) if !self.scope.covers(certificate) => {
                Err(Doubt::Missing.into())
            }
            (Ok(()), None) => Ok(()),
            (Err(doubt), _) => Err(doubt.into()),
        }
    }
}

/// Delta and indirect lists say so critically; so does whatever is invented later.
fn is_beyond_us(extension: &Extension) -> bool {
    extension.critical
}

/// Revoked from the moment it is listed, whatever the date says: a date of the future would else
/// let it in until then.
fn revoked(entry: &RevokedCert) -> (Vec<u8>, Timestamp) {
    (entry.serial_number.as_bytes().to_vec(), seconds(&entry.revocation_date))
}

fn unwrap_pem(bytes: &[u8]) -> Option<Vec<u8>> {
    let (label, list) = der::pem::decode_vec(bytes.trim_ascii_end()).ok()?;
    (label == "X509 CRL").then_some(list)
}
