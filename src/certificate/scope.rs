//! Of which certificates a revocation list speaks (RFC 5280 §5.2.5, §6.3.3 (b)(2)): of all that its authority
//! has issued, or of a part of them.

use der::Decode;
use der::oid::{AssociatedOid, ObjectIdentifier};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::CrlDistributionPoints;
use x509_cert::ext::pkix::crl::dp::IssuingDistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};

use super::distrust::Doubt;
use super::name;
use super::parsed::Certificate;

/// `issuingDistributionPoint`; the library has it under another number.
pub const ISSUING_POINT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.28");

/// What a list that says nothing of it speaks of is everything.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Scope {
    holders: Holders,
    /// Those certificates alone that name one of these points.
    points: Option<Vec<GeneralName>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Holders {
    #[default]
    All,
    Users,
    Authorities,
}

impl Scope {
    /// Of a list's extensions. [`Doubt::Partial`] where one list alone cannot say whether a certificate was
    /// revoked, or says it of other authorities': for some reasons only, indirect, of attribute certificates. It
    /// binds whether or not it is marked as critical.
    pub fn read(extensions: &[Extension]) -> Result<Self, Doubt> {
        let mut named = extensions.iter().filter(|one| one.extn_id == ISSUING_POINT);
        let Some(extension) = named.next() else { return Ok(Self::default()) };
        let point = IssuingDistributionPoint::from_der(extension.extn_value.as_bytes())
            .map_err(|_| Doubt::Partial)?;
        let is_of_others = point.indirect_crl || point.only_contains_attribute_certs;
        if named.next().is_some() || is_of_others || point.only_some_reasons.is_some() {
            return Err(Doubt::Partial);
        }
        let holders = match (point.only_contains_user_certs, point.only_contains_ca_certs) {
            (false, false) => Holders::All,
            (true, false) => Holders::Users,
            (false, true) => Holders::Authorities,
            (true, true) => return Err(Doubt::Partial),
        };
        let points = match point.distribution_point {
            None => None,
            Some(DistributionPointName::FullName(names)) => Some(names),
            Some(DistributionPointName::NameRelativeToCRLIssuer(_)) => return Err(Doubt::Partial),
        };
        Ok(Self { holders, points })
    }

    /// Whether the list would have this certificate, were it revoked.
    pub fn covers(&self, certificate: &Certificate) -> bool {
        let is_authority = certificate.extensions().authority == Some(true);
        let is_of_holders = match self.holders {
            Holders::All => true,
            Holders::Users => !is_authority,
            Holders::Authorities => is_authority,
        };
        is_of_holders && self.points.as_ref().is_none_or(|points| are_named(points, certificate))
    }
}

fn are_named(points: &[GeneralName], certificate: &Certificate) -> bool {
    let named = points_of(certificate);
    points.iter().any(|one| named.iter().any(|other| same(one, other)))
}

/// Where a certificate says that all reasons are told, by its own authority.
fn points_of(certificate: &Certificate) -> Vec<GeneralName> {
    let value = certificate.extension(CrlDistributionPoints::OID);
    let points = value.and_then(|value| CrlDistributionPoints::from_der(value).ok());
    let points = points.into_iter().flat_map(|points| points.0);
    let whole = points.filter(|point| point.reasons.is_none() && point.crl_issuer.is_none());
    let names = whole.filter_map(|point| match point.distribution_point? {
        DistributionPointName::FullName(names) => Some(names),
        DistributionPointName::NameRelativeToCRLIssuer(_) => None,
    });
    names.flatten().collect()
}

fn same(one: &GeneralName, other: &GeneralName) -> bool {
    match (one, other) {
        (GeneralName::DirectoryName(one), GeneralName::DirectoryName(other)) => {
            name::same(one, other)
        }
        _ => one == other,
    }
}
