//! What the registry tells of an enterprise beyond what signing in needs: addresses, key persons,
//! basic tax information, investors. Shown masked (AC-05, AC-06); kept sealed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EnterpriseProfile {
    pub registered_address: Option<String>,
    pub business_address: Option<String>,
    pub industry: Option<String>,
    pub registered_capital: Option<String>,
    /// General or small-scale taxpayer.
    pub taxpayer_kind: Option<String>,
    pub tax_types: Vec<String>,
    pub key_persons: Vec<KeyPerson>,
    pub investors: Vec<Investor>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyPerson {
    pub role: String,
    pub name: String,
    pub document: Option<String>,
    pub phone: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Investor {
    pub name: String,
    /// An enterprise or a person.
    pub is_enterprise: bool,
    /// `60%`
    pub share: Option<String>,
}

/// The four blocks of the landing page (AC-05).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Block {
    Basics,
    KeyPersons,
    Tax,
    Investors,
}
