//! What an application needs of an identity, asked for as a rich authorization request (RFC 9396)
//! of type `tax_identity`: a kind, an enterprise, identity types, permissions. The same shape tells
//! what was granted.

use serde::{Deserialize, Serialize};

use crate::domain::acting::ActingIdentity;
use crate::domain::claims::TaxClaims;
use crate::domain::enterprise::Enterprise;
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
    pub enterprise: Option<String>,
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
    pub fn in_enterprise(number: &str) -> Self {
        let number =
            TaxpayerNumber::parse(number).map_or(number.to_owned(), |it| it.as_str().to_owned());
        Self {
            kind_of_details: TYPE.to_owned(),
            kind: None,
            enterprise: Some(number),
            identity_types: Vec::new(),
            permissions: Permissions::new(),
        }
    }

    pub fn fits(&self, identity: &ActingIdentity) -> bool {
        let claims = TaxClaims::of(identity, None);
        let known = &claims.tax_identity;
        let enterprise = match identity {
            ActingIdentity::Enterprise(one) => Some(&one.enterprise),
            ActingIdentity::Agent(one) => Some(&one.client_enterprise),
            ActingIdentity::Record(one) => Some(&one.enterprise),
            ActingIdentity::Personal => None,
        };
        let answers = |number: &str, one: &Enterprise| {
            one.tin == number || one.uscc.as_deref() == Some(number)
        };
        self.kind.as_ref().is_none_or(|kind| *kind == known.kind)
            && self
                .enterprise
                .as_ref()
                .is_none_or(|number| enterprise.is_some_and(|one| answers(number, one)))
            && (self.identity_types.is_empty()
                || known.identity_type.as_ref().is_some_and(|it| self.identity_types.contains(it)))
            && self.permissions.is_subset(&claims.permissions)
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
            enterprise: known.enterprise.as_ref().map(|enterprise| enterprise.tin.clone()),
            identity_types: known.identity_type.iter().cloned().collect(),
            permissions,
        }
    }
}
