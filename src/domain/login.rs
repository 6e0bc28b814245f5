//! A sign-in on its way: what has been proved, and what comes next. The transaction lives on the
//! server; a browser only holds the key to it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::id::{AccountId, AuthorisationId, EnterpriseId, PersonId, SessionId};
use crate::domain::acting::Acting;
use crate::domain::cross_region::RecordKind;
use crate::domain::entrance::{Entrance, Step, Subject};
use crate::domain::factor::{Factor, Way};
use crate::domain::refusal::{NoIdentity, Refusal};

/// Ten minutes from the first page to the last.
pub const TRANSACTION_SECONDS: i64 = 600;

/// The server's record of one sign-in (登录事务).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LoginTransaction {
    pub id: String,
    pub realm: String,
    pub started_at: Timestamp,
    pub expires_at: Timestamp,
    /// The authorization request that waits for this sign-in; empty when the portal asked.
    pub request: BTreeMap<String, String>,
    /// Where the portal wants the person back, already checked.
    pub return_to: Option<String>,
    pub entrance: Option<String>,
    pub proved: Option<Proved>,
    /// Set once, by the chooser, the confirmation, or because there was only one.
    pub chosen: Option<Acting>,
    /// Which kind of specific entity was picked (S-02).
    #[serde(default)]
    pub record_kind: Option<RecordKind>,
    /// The session that a step-up raises; none in a sign-in.
    pub raises: Option<SessionId>,
    /// What the step is taken for, within that session.
    #[serde(default)]
    pub errand: Errand,
}

/// Why somebody who is signed in proves themself again.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Errand {
    /// An application wants a higher level (L-11).
    #[default]
    Raise,
    /// An application wants a younger proof (`max_age`): any factor of the door that was used.
    Renew,
    /// A face that passes also lifts the person from level 3 to 4 (L-09).
    Lift,
    /// Authorisations that are confirmed once it is passed (AU-08).
    Confirm(Vec<AuthorisationId>),
}

/// What is known once a password was right, or a phone has confirmed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Proved {
    pub person: PersonId,
    pub account: AccountId,
    /// The enterprise whose number was typed, when there is one of that number.
    pub enterprise: Option<EnterpriseId>,
    pub way: Way,
    /// The account had been locked before; a sign-in that ends well forgets it.
    pub had_locks: bool,
    pub at: Timestamp,
    /// Once passed.
    pub second_factor: Option<Factor>,
    /// The browser is known and spares it.
    #[serde(default)]
    pub is_known_device: bool,
}

impl Proved {
    pub fn needs_second_factor(&self) -> bool {
        self.second_factor.is_none() && !self.is_known_device
    }
}

/// What a decision about the next step needs to know of the world.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// The initial password still stands.
    pub needs_new_password: bool,
    pub needs_agreements: bool,
    /// A door without a number: who has no enterprise signs in as themself.
    pub may_be_personal: bool,
    /// Identities that could be acted in now.
    pub usable: Vec<AuthorisationId>,
    pub pending_by_person: Vec<AuthorisationId>,
    /// The person works for the agency whose number was typed.
    pub is_agency_staff: bool,
    /// The client enterprise or record that was chosen can be acted for now.
    pub is_chosen_usable: bool,
    /// Why there is none, when `usable` is empty.
    pub why_none: Option<NoIdentity>,
}

/// What comes next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Next {
    Step(Step),
    /// Everything is proved; sign in with this identity.
    SignIn(Acting),
    Refused(Refusal),
}

impl LoginTransaction {
    /// Walks the entrance's steps and stops at the first that is still due. Within a session
    /// nothing but the second factor is: identity and agreements stand already.
    pub fn next(&self, entrance: &Entrance, facts: &Facts) -> Next {
        if let (Some(_), Some(acting), Some(proved)) = (self.raises, self.chosen, &self.proved) {
            return match proved.needs_second_factor() {
                true => Next::Step(Step::SecondFactor),
                false => Next::SignIn(acting),
            };
        }
        for step in &entrance.steps {
            if self.is_due(*step, entrance, facts) {
                return Next::Step(*step);
            }
        }
        match self.identity(entrance, facts) {
            Ok(acting) => Next::SignIn(acting),
            Err(why) => Next::Refused(Refusal::NoIdentity(why)),
        }
    }

    fn is_due(&self, step: Step, entrance: &Entrance, facts: &Facts) -> bool {
        let enterprise = entrance.subject == Subject::Enterprise;
        match step {
            Step::Credentials | Step::Scan => self.proved.is_none(),
            Step::SecondFactor => self.proved.as_ref().is_none_or(Proved::needs_second_factor),
            Step::NewPassword => facts.needs_new_password,
            Step::Agreements => facts.needs_agreements,
            Step::ConfirmPendingAuthorisation => {
                enterprise && facts.usable.is_empty() && !facts.pending_by_person.is_empty()
            }
            Step::ChooseIdentity => {
                let several =
                    facts.usable.len() > 1 || (facts.may_be_personal && !facts.usable.is_empty());
                enterprise && several && self.chosen(facts).is_none()
            }
            Step::ChooseClientEnterprise => facts.is_agency_staff && !facts.is_chosen_usable,
            Step::ChooseRecord => !facts.is_chosen_usable,
        }
    }

    /// What was chosen, as long as it is still usable.
    fn chosen(&self, facts: &Facts) -> Option<Acting> {
        self.chosen.filter(|acting| match acting {
            Acting::Personal => facts.may_be_personal,
            acting => acting.authorisation().is_some_and(|id| facts.usable.contains(&id)),
        })
    }

    fn identity(&self, entrance: &Entrance, facts: &Facts) -> Result<Acting, NoIdentity> {
        match (entrance.subject, facts.usable.as_slice()) {
            (Subject::Personal, _) => Ok(Acting::Personal),
            (Subject::Agent | Subject::SpecificEntity, _) => self
                .chosen
                .filter(|_| facts.is_chosen_usable)
                .ok_or(facts.why_none.unwrap_or(NoIdentity::None)),
            (Subject::AsConfirmed | Subject::StepUp, _) => self.chosen.ok_or(NoIdentity::None),
            (Subject::Enterprise, []) if facts.may_be_personal => Ok(Acting::Personal),
            (Subject::Enterprise, [only]) if !facts.may_be_personal => {
                Ok(Acting::Enterprise(*only))
            }
            (Subject::Enterprise, _) => {
                self.chosen(facts).ok_or(facts.why_none.unwrap_or(NoIdentity::None))
            }
        }
    }
}
