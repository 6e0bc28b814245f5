//! The contract with applications: the `tax_identity` object, `roles` and `permissions`, always
//! of one shape.

use serde::{Deserialize, Serialize};

use crate::domain::acting::ActingIdentity;
use crate::domain::cross_region::RecordKind;
use crate::domain::enterprise::{Enterprise, EnterpriseKind};
use crate::domain::identity_type::Permissions;

/// What scope `tax_identity` puts into ID token, userinfo, access token and introspection.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TaxClaims {
    pub tax_identity: TaxIdentity,
    pub roles: Vec<String>,
    pub permissions: Permissions,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TaxIdentity {
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_type_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enterprise: Option<EnterpriseClaim>,
    /// For agency staff: the agency; `enterprise` is then the client enterprise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agency: Option<EnterpriseClaim>,
    /// For a specific entity: the record; `enterprise` is whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordClaim>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorisation_id: Option<String>,
    /// `2027-12-31`; absent when long-term.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RecordClaim {
    pub kind: RecordKind,
    pub no: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EnterpriseClaim {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uscc: Option<String>,
    pub tin: String,
    pub name: String,
    pub province: String,
    pub tax_authority: String,
}

/// The role of a handler whom a cross-region document names (子身份办税人).
pub const NAMED_HANDLER: &str = "named_handler";

impl EnterpriseClaim {
    fn of(enterprise: &Enterprise) -> Self {
        Self {
            id: enterprise.id.to_string(),
            uscc: enterprise.uscc.clone().map(String::from),
            tin: enterprise.tin.clone().into(),
            name: enterprise.name.clone(),
            province: enterprise.province.clone(),
            tax_authority: enterprise.tax_authority.clone(),
        }
    }
}

impl TaxIdentity {
    fn of_kind(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            identity_type: None,
            identity_type_code: None,
            enterprise: None,
            agency: None,
            record: None,
            authorisation_id: None,
            valid_to: None,
        }
    }
}

impl TaxClaims {
    /// `registered`: the permissions this client may learn of; `None` is all.
    pub fn of(identity: &ActingIdentity, registered: Option<&Permissions>) -> Self {
        let permissions = identity.permissions();
        let permissions = match registered {
            Some(registered) => permissions.intersection(registered).cloned().collect(),
            None => permissions,
        };
        match identity {
            ActingIdentity::Personal => Self {
                tax_identity: TaxIdentity::of_kind("personal"),
                roles: Vec::new(),
                permissions,
            },
            ActingIdentity::Enterprise(identity) => {
                let identity_type = identity.identity_type.name.0.clone();
                let kind = match identity.enterprise.kind {
                    EnterpriseKind::NonResident => "non_resident",
                    _ => "enterprise",
                };
                let tax_identity = TaxIdentity {
                    identity_type: Some(identity_type.clone()),
                    identity_type_code: Some(identity.identity_type.code.clone()),
                    enterprise: Some(EnterpriseClaim::of(&identity.enterprise)),
                    authorisation_id: Some(identity.authorisation.id.to_string()),
                    valid_to: identity.authorisation.valid_to().map(|day| day.to_string()),
                    ..TaxIdentity::of_kind(kind)
                };
                Self { tax_identity, roles: vec![identity_type], permissions }
            }
            ActingIdentity::Agent(identity) => {
                let tax_identity = TaxIdentity {
                    identity_type: Some("agent".to_owned()),
                    enterprise: Some(EnterpriseClaim::of(&identity.client_enterprise)),
                    agency: Some(EnterpriseClaim::of(&identity.agency)),
                    authorisation_id: Some(identity.assignment.id.to_string()),
                    valid_to: identity.engagement.valid_to.map(|day| day.to_string()),
                    ..TaxIdentity::of_kind("agent")
                };
                Self { tax_identity, roles: vec!["agent".to_owned()], permissions }
            }
            ActingIdentity::Record(identity) => {
                let known = identity.identity_type.as_ref();
                let identity_type = known.map_or(NAMED_HANDLER, |known| known.name.0.as_str());
                let tax_identity = TaxIdentity {
                    identity_type: Some(identity_type.to_owned()),
                    identity_type_code: known.map(|known| known.code.clone()),
                    enterprise: Some(EnterpriseClaim::of(&identity.enterprise)),
                    record: Some(RecordClaim {
                        kind: identity.record.kind,
                        no: identity.record.record_no.as_str().to_owned(),
                    }),
                    valid_to: identity.record.valid_to.map(|day| day.to_string()),
                    ..TaxIdentity::of_kind("specific_entity")
                };
                Self { tax_identity, roles: vec![identity_type.to_owned()], permissions }
            }
        }
    }
}
