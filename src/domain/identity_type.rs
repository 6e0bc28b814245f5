//! Identity types (身份类型) and the permission catalogue: realm data with capability flags, not
//! code (DEC-12). The one table of who may do what is read from here.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The name of an identity type, such as `tax_clerk`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdentityTypeName(pub String);

/// Permission codes, sorted; empty means none.
pub type Permissions = BTreeSet<String>;

/// What a realm says about one identity type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IdentityType {
    pub name: IdentityTypeName,
    /// The national code, `03` for a tax clerk.
    pub code: String,
    pub capabilities: BTreeSet<Capability>,
    pub permissions: PermissionPolicy,
}

/// Which permissions an authorisation of a type may hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PermissionPolicy {
    /// Every permission of the catalogue, without ticking (LR, FS).
    All,
    /// A chosen subset of these.
    Among(Permissions),
}

/// What an identity type can do or have done to it; rows of the role matrix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(schemars::JsonSchema)]
pub enum Capability {
    /// May add, confirm, edit and delete handlers ("manager").
    ManageHandlers,
    /// May be added and edited online by a manager, or applied for by a person.
    GrantedOnline,
    /// May be ended by the person who holds it.
    EndedByPerson,
    /// Sees the blocks that only managers see.
    SeeAllBlocks,
    /// Sees every cross-region record of the enterprise, not only those naming them (S-07).
    SeeAllRecords,
    /// May act in the social-insurance entrance (I-04).
    HandleSocialInsurance,
}

impl IdentityType {
    /// One that the realm no longer has: what is left of it can end, and nothing else.
    pub fn gone(name: IdentityTypeName) -> Self {
        let permissions = PermissionPolicy::Among(Permissions::new());
        Self { name, code: String::new(), capabilities: BTreeSet::new(), permissions }
    }

    pub fn can(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }

    /// An enterprise has one legal representative and one finance supervisor: whoever is named last
    /// ends the others (outside-parts 5.3).
    pub fn is_held_by_one(&self) -> bool {
        self.can(Capability::ManageHandlers) && !self.can(Capability::GrantedOnline)
    }

    /// The effective permissions of a grant of this type (invariant 14).
    pub fn effective(&self, granted: &Permissions, catalogue: &Permissions) -> Permissions {
        match &self.permissions {
            PermissionPolicy::All => catalogue.clone(),
            PermissionPolicy::Among(allowed) => granted.intersection(allowed).cloned().collect(),
        }
    }

    /// Whether every one of these may be ticked for this type (AC-14).
    pub fn allows(&self, wanted: &Permissions) -> bool {
        match &self.permissions {
            PermissionPolicy::All => true,
            PermissionPolicy::Among(allowed) => wanted.is_subset(allowed),
        }
    }
}
