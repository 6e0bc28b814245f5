//! The one table of who may do what in the account centres: menus, handlers and tests read
//! it from here.

use crate::domain::acting::ActingIdentity;
use crate::domain::enterprise::EnterpriseKind;
use crate::domain::entrance::Audience;
use crate::domain::identity_type::Capability;

/// As what somebody comes to an account centre.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Legal representative or finance supervisor: whoever may manage handlers.
    Manager,
    /// Tax clerk, invoicing clerk and every other handler.
    Handler,
    /// Agency staff in a client enterprise.
    Agent,
    /// A manager of an agency, in the agency itself.
    AgencyManager,
    SpecificEntity,
    /// The person themself.
    Person,
}

/// How far a role may go with a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    Yes,
    /// Only with what is about oneself.
    Own,
    No,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Function {
    EnterpriseBasics,
    KeyPersons,
    /// Basic tax information and investors.
    TaxAndInvestors,
    /// The eye: one masked field in full.
    Reveal,
    /// Handlers, those who wait, and history.
    ListHandlers,
    AddHandler,
    WithdrawPending,
    /// Confirm or reject what a person applied for.
    DecideApplication,
    EditHandler,
    DeleteHandler,
    ClearHistory,
    /// The agencies that act for this enterprise (AC-47).
    OwnAgencies,
    /// The client enterprises and the staff of an agency (G-12, G-13).
    AgencyClients,
    /// Names, documents, phones, password, the real-name level, and a copy of all of it.
    PersonalInformation,
    /// Passkeys, authenticator apps, remembered browsers, sessions: whatever identity the person works in.
    OwnSecurity,
    /// 【用户注销】, by the person as themself alone (PC-20).
    CancelAccount,
    SwitchEnterprise,
    SwitchCrossRegion,
    SwitchPersonal,
    /// Apply, confirm, reject, synchronise, end: the person's side of authorisations.
    OwnAuthorisations,
    /// The application for a non-resident enterprise's identity code, by an overseas person (N-07).
    NonResidentCode,
    LoginLog,
    /// The sign-ins of every handler of the enterprise (DEC-11).
    EnterpriseLog,
    /// What the enterprise's token holds, and its PIN (AC-44 to AC-46).
    OwnCertificates,
}

impl Function {
    /// Whether it is there for whoever came in for the applications of this audience. A social-insurance
    /// sign-in says nothing about tax: it opens no enterprise's centre, and decides no authorisation in
    /// either direction.
    pub fn is_for(self, audience: Audience, role: Role) -> bool {
        let is_of_authorisations =
            matches!(self, Self::OwnAuthorisations | Self::ClearHistory | Self::NonResidentCode);
        audience == Audience::Tax || (role == Role::Person && !is_of_authorisations)
    }

    /// Whether it is the person's own, or leads out of the enterprise that they came in for: a session that
    /// proves an enterprise and no person asks for more first (DEC-10).
    pub fn asks_for_person(self) -> bool {
        match self {
            Self::PersonalInformation
            | Self::OwnSecurity
            | Self::CancelAccount
            | Self::SwitchEnterprise
            | Self::SwitchCrossRegion
            | Self::SwitchPersonal
            | Self::OwnAuthorisations
            | Self::NonResidentCode
            | Self::LoginLog => true,
            Self::EnterpriseBasics
            | Self::KeyPersons
            | Self::TaxAndInvestors
            | Self::Reveal
            | Self::ListHandlers
            | Self::AddHandler
            | Self::WithdrawPending
            | Self::DecideApplication
            | Self::EditHandler
            | Self::DeleteHandler
            | Self::ClearHistory
            | Self::OwnAgencies
            | Self::AgencyClients
            | Self::EnterpriseLog
            | Self::OwnCertificates => false,
        }
    }

    pub fn reach(self, role: Role) -> Reach {
        use Reach::{No, Own, Yes};
        let columns = match self {
            Self::EnterpriseBasics | Self::KeyPersons => [Yes, Yes, Yes, Yes, No, No],
            Self::TaxAndInvestors => [Yes, No, No, Yes, No, No],
            Self::Reveal => [Yes, Yes, Yes, Yes, No, Own],
            Self::ListHandlers => [Yes, Own, Own, Yes, No, No],
            Self::AddHandler
            | Self::WithdrawPending
            | Self::DecideApplication
            | Self::EditHandler
            | Self::DeleteHandler
            | Self::EnterpriseLog => [Yes, No, No, Yes, No, No],
            Self::OwnCertificates => [Yes, Yes, No, Yes, No, No],
            Self::ClearHistory => [Yes, No, No, Yes, No, Own],
            Self::OwnAgencies => [Yes, No, No, No, No, No],
            Self::AgencyClients => [No, No, No, Yes, No, No],
            Self::PersonalInformation | Self::LoginLog => [Own, Own, No, Own, No, Own],
            Self::OwnSecurity => [Own, Own, Own, Own, No, Own],
            Self::SwitchEnterprise => [Yes, Yes, Yes, Yes, Yes, No],
            Self::SwitchCrossRegion => [Yes, Yes, No, Yes, No, No],
            Self::SwitchPersonal => [Yes, Yes, Yes, Yes, No, No],
            Self::OwnAuthorisations | Self::NonResidentCode => [No, No, No, No, No, Yes],
            Self::CancelAccount => [No, No, No, No, No, Own],
        };
        columns[role as usize]
    }
}

impl Role {
    pub fn of(identity: &ActingIdentity) -> Self {
        match identity {
            ActingIdentity::Personal => Self::Person,
            ActingIdentity::Record(_) => Self::SpecificEntity,
            ActingIdentity::Agent(_) => Self::Agent,
            ActingIdentity::Enterprise(one) => {
                let manages = one.identity_type.can(Capability::ManageHandlers);
                match (manages, one.enterprise.kind) {
                    (true, EnterpriseKind::Agency) => Self::AgencyManager,
                    (true, _) => Self::Manager,
                    (false, _) => Self::Handler,
                }
            }
        }
    }

    pub fn may(self, function: Function) -> bool {
        function.reach(self) != Reach::No
    }
}
