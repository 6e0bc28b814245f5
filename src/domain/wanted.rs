//! What an application needs of an identity, asked for as a rich authorization request (RFC 9396)
//! of type `tax_identity`: a kind, an enterprise, identity types, permissions. The same shape tells
//! what was granted.

use serde::{Deserialize, Serialize};

use crate::base::id::EnterpriseId;
use crate::domain::acting::ActingIdentity;
use crate::domain::claims::TaxClaims;
use crate::domain::identity_type::Permissions;
use crate::domain::number::taxpayer::TaxpayerNumber;

/// The one type of authorization details that we know.
pub const TYPE: &str = "tax_identity";

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedIdentity {
    /// Always `tax_identity`.
    #[serde(rename = "type")]
    pub kind_of_details: String,
    /// `enterprise`, `non_resident`, `agent`, `specific_entity`, `personal`; absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// A number of the enterprise, or of the client enterprise; absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enterprise: Option<TaxpayerNumber>,
    /// One of these; absent: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity_types: Vec<String>,
    /// All of these.
    #[serde(default, skip_serializing_if = "Permissions::is_empty")]
    pub permissions: Permissions,
}

/// Reads `authorization_details`; at most one object, of our type.
pub fn parse(text: &str) -> Option<WantedIdentity> {
    let mut all: Vec<WantedIdentity> = serde_json::from_str(text).ok()?;
    let only = all.pop().filter(|_| all.is_empty())?;
    (only.kind_of_details == TYPE).then_some(only)
}

impl WantedIdentity {
    /// Whoever acts in or for the enterprise of this number (`identity_hint`).
    pub fn in_enterprise(number: TaxpayerNumber) -> Self {
        Self {
            kind_of_details: TYPE.to_owned(),
            kind: None,
            enterprise: Some(number),
            identity_types: Vec::new(),
            permissions: Permissions::new(),
        }
    }

    /// What was granted, in the same shape: this identity, and of its permissions those that were
    /// wanted, or all that the client may learn of.
    #[must_use]
    pub fn granted(&self, claims: &TaxClaims) -> Self {
        let known = &claims.tax_identity;
        let permissions = match self.permissions.is_empty() {
            true => claims.permissions.clone(),
            false => self.permissions.intersection(&claims.permissions).cloned().collect(),
        };
        Self {
            kind_of_details: TYPE.to_owned(),
            kind: Some(known.kind.clone()),
            enterprise: known.enterprise.as_ref().map(|one| TaxpayerNumber::asked(&one.tin)),
            identity_types: known.identity_type.iter().cloned().collect(),
            permissions,
        }
    }
}

/// A wanted identity after the registry was asked which enterprise its number belongs to: numbers
/// change, so enterprises are compared by their id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Needed {
    pub wanted: WantedIdentity,
    /// `None` where a number is wanted: nobody answers to it, and no identity fits.
    pub enterprise: Option<EnterpriseId>,
}

impl Needed {
    pub fn fits(&self, identity: &ActingIdentity) -> bool {
        let claims = TaxClaims::of(identity, None);
        let (wanted, known) = (&self.wanted, &claims.tax_identity);
        let enterprise = match identity {
            ActingIdentity::Enterprise(one) => Some(one.enterprise.id),
            ActingIdentity::Agent(one) => Some(one.client_enterprise.id),
            ActingIdentity::Record(one) => Some(one.enterprise.id),
            ActingIdentity::Personal => None,
        };
        let is_its = self.enterprise.is_some() && self.enterprise == enterprise;
        wanted.kind.as_ref().is_none_or(|kind| *kind == known.kind)
            && (wanted.enterprise.is_none() || is_its)
            && (wanted.identity_types.is_empty()
                || known
                    .identity_type
                    .as_ref()
                    .is_some_and(|it| wanted.identity_types.contains(it)))
            && wanted.permissions.is_subset(&claims.permissions)
    }
}
