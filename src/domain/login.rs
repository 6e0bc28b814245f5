//! A sign-in on its way: what has been proved, and what comes next. A browser holds the key to it alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::absent::is_default;
use crate::base::clock::Timestamp;
use crate::base::id::{AccountId, AuthorisationId, EnterpriseId, PersonId, SessionId};
use crate::domain::acting::Acting;
use crate::domain::cross_region::RecordKind;
use crate::domain::entrance::{Audience, Entrance, Step, Subject};
use crate::domain::factor::{Factor, KeyStorage, Way};
use crate::domain::invitation::Invitation;
use crate::domain::proof::{Question, Verified};
use crate::domain::refusal::{NoIdentity, Refusal};

/// Ten minutes from the first page to the last.
pub const TRANSACTION_SECONDS: i64 = 600;

/// The server's record of one sign-in (登录事务).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LoginTransaction {
    pub id: String,
    pub expires_at: Timestamp,
    pub purpose: Purpose,
    pub then: Then,
    /// How many people it has been about, one after the other.
    pub turn: u32,
    pub progress: Progress,
}

/// What it is for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    SignIn,
    /// The person of this session proves more, or again.
    StepUp {
        session: SessionId,
        errand: Errand,
    },
}

/// Where the person goes afterwards.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// On with the authorization request that waits.
    Authorize(BTreeMap<String, String>),
    /// To a page of a portal's or our own, already checked.
    Page(String),
    Nowhere,
}

/// How far it has come.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    Begun,
    /// It is known for which enterprise somebody comes, and not yet who (C-03).
    Certified(Certified),
    /// It is known who comes.
    Proved(Proved),
    /// And as whom they go on: by the chooser, the confirmation, the phone or the session.
    Chosen(Proved, Acting),
    /// And has said yes to an invitation, which takes effect with the sign-in and not before: whoever
    /// then declines the agreements has changed nothing (E-20).
    Accepted(Proved, Invitation),
}

/// Why somebody who is signed in proves themself again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Errand {
    /// An application wants a higher level (L-11), or an identity wants a second factor.
    Raise,
    /// An application wants a younger proof (`max_age`): any factor of the door that was used.
    Renew,
    /// Whoever came by certificate shows that they are the handler they chose (DEC-10).
    Handler,
    /// A face that passes also lifts the person from level 3 to 4 (L-09).
    Lift,
    /// A code on the phone also lifts the person from level 1 to 2 (L-03).
    Phone,
    /// Authorisations that are confirmed once it is passed (AU-08).
    Confirm(Vec<Invitation>),
    /// A new password, hashed and sealed, that is the person's once it is passed (PC-06).
    Password(String),
    /// The change of this name may add a first phone once it is passed (PC-13).
    FirstPhone(String),
    /// A document that the person holds once it is passed, sealed (D-07).
    Document(String),
    /// The account is cancelled once it is passed (PC-21).
    Cancel,
}

impl Errand {
    /// Whether this factor is proof enough, whatever the realm's step-up lists: a confirmation, a
    /// document, level 4, a new password, a first phone and a certificate's handler want a face (L-05,
    /// AU-08, D-07, PC-06, PC-13, DEC-10), a cancellation a face or the phone.
    pub fn takes(&self, factor: Factor) -> bool {
        match self {
            Self::Raise | Self::Renew => true,
            Self::Handler
            | Self::Lift
            | Self::Confirm(_)
            | Self::Password(_)
            | Self::FirstPhone(_)
            | Self::Document(_) => factor.is_face(),
            Self::Phone => factor == Factor::Sms,
            Self::Cancel => factor.is_face() || factor == Factor::Sms,
        }
    }

    /// The level of a person that this lifts to the next when it is passed.
    pub fn lifts(&self) -> Option<u8> {
        match self {
            Self::Phone => Some(1),
            Self::Lift => Some(3),
            _ => None,
        }
    }
}

/// What is known once a certificate was good.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Certified {
    /// Whose steps are walked.
    pub entrance: String,
    pub enterprise: EnterpriseId,
    /// Whose certificate it was: the registry may say meanwhile that the enterprise has none of them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub authority: String,
    pub keys: KeyStorage,
}

/// What is known once a password was right, a passkey fitted, or a phone has confirmed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Proved {
    /// Whose steps are walked.
    pub entrance: String,
    pub person: PersonId,
    pub account: AccountId,
    /// The enterprise whose number was typed, when there is one of that number.
    pub enterprise: Option<EnterpriseId>,
    /// Which kind of specific entity was picked (S-02).
    pub record_kind: Option<RecordKind>,
    pub way: Way,
    pub second: Second,
    /// The account's at that time. A step within a session has none: it ends with the session.
    #[serde(default, skip_serializing_if = "is_default")]
    pub era: i64,
}

/// How the second factor stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Second {
    Due,
    /// The browser is known: enough for the person themself, and for no other identity.
    Spared,
    /// The door has none (DEC-9).
    NotAsked,
    Passed(Factor),
}

impl Second {
    pub fn passed(self) -> Option<Factor> {
        let Self::Passed(factor) = self else { return None };
        Some(factor)
    }
}

/// What a decision about the next step needs to know of the world.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// By the bureau: there is no way on.
    pub is_locked: bool,
    /// The initial password still stands, or the bureau has taken the one that was set.
    pub needs_new_password: bool,
    pub needs_agreements: bool,
    /// A door without a number: who has no enterprise signs in as themself.
    pub may_be_personal: bool,
    /// Identities that could be acted in now.
    pub usable: Vec<AuthorisationId>,
    pub pending_by_person: Vec<Invitation>,
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
    pub fn proved(&self) -> Option<&Proved> {
        match &self.progress {
            Progress::Begun | Progress::Certified(_) => None,
            Progress::Proved(proved)
            | Progress::Chosen(proved, _)
            | Progress::Accepted(proved, _) => Some(proved),
        }
    }

    fn proved_mut(&mut self) -> Option<&mut Proved> {
        match &mut self.progress {
            Progress::Begun | Progress::Certified(_) => None,
            Progress::Proved(proved)
            | Progress::Chosen(proved, _)
            | Progress::Accepted(proved, _) => Some(proved),
        }
    }

    /// The enterprise whose certificate was good, before one of its handlers is chosen.
    pub fn certified(&self) -> Option<&Certified> {
        match &self.progress {
            Progress::Certified(certified) => Some(certified),
            Progress::Begun
            | Progress::Proved(_)
            | Progress::Chosen(..)
            | Progress::Accepted(..) => None,
        }
    }

    pub fn chosen(&self) -> Option<Acting> {
        match &self.progress {
            Progress::Chosen(_, acting) => Some(*acting),
            Progress::Begun
            | Progress::Certified(_)
            | Progress::Proved(_)
            | Progress::Accepted(..) => None,
        }
    }

    /// The invitation that the sign-in will confirm.
    pub fn accepted(&self) -> Option<Invitation> {
        match self.progress {
            Progress::Accepted(_, invitation) => Some(invitation),
            Progress::Begun
            | Progress::Certified(_)
            | Progress::Proved(_)
            | Progress::Chosen(..) => None,
        }
    }

    /// The errand within a session; `None` in a sign-in.
    pub fn errand(&self) -> Option<&Errand> {
        match &self.purpose {
            Purpose::SignIn => None,
            Purpose::StepUp { errand, .. } => Some(errand),
        }
    }

    /// The authorization request that waits, or nothing.
    pub fn request(&self) -> Option<&BTreeMap<String, String>> {
        match &self.then {
            Then::Authorize(request) => Some(request),
            Then::Page(_) | Then::Nowhere => None,
        }
    }

    /// The sign-in is about this enterprise from now on, and nothing that was proved before counts.
    pub fn certified_by(&self, certified: Certified) -> Result<Self, Refusal> {
        if self.purpose != Purpose::SignIn {
            return Err(Refusal::State);
        }
        let progress = Progress::Certified(certified);
        Ok(Self { turn: self.turn + 1, progress, ..self.clone() })
    }

    /// The sign-in is about this person from now on, and nothing that was proved or chosen before
    /// counts. Nobody else can come in within a session.
    pub fn about(&self, proved: Proved, chosen: Option<Acting>) -> Result<Self, Refusal> {
        if self.purpose != Purpose::SignIn {
            return Err(Refusal::State);
        }
        let progress = match chosen {
            Some(acting) => Progress::Chosen(proved, acting),
            None => Progress::Proved(proved),
        };
        Ok(Self { turn: self.turn + 1, progress, ..self.clone() })
    }

    /// As whom the person goes on.
    pub fn choosing(&self, acting: Acting) -> Result<Self, Refusal> {
        let proved = self.proved().ok_or(Refusal::State)?;
        Ok(Self { progress: Progress::Chosen(proved.clone(), acting), ..self.clone() })
    }

    /// It goes on in the era that it has begun itself, by a new password.
    pub fn in_era(&self, era: i64) -> Result<Self, Refusal> {
        let mut next = self.clone();
        next.proved_mut().ok_or(Refusal::State)?.era = era;
        Ok(next)
    }

    /// The same by an invitation that is theirs once they are in (E-16).
    pub fn accepting(&self, invitation: Invitation) -> Result<Self, Refusal> {
        let proved = self.proved().ok_or(Refusal::State)?;
        Ok(Self { progress: Progress::Accepted(proved.clone(), invitation), ..self.clone() })
    }

    /// What this factor has to answer here and now; `None` where it is not taken: not by the
    /// entrance, not for the errand, or no second factor is due.
    pub fn question(&self, entrance: &Entrance, factor: Factor) -> Option<Question> {
        let open = |one: &&Proved| matches!(one.second, Second::Due | Second::Spared);
        let proved = self.proved().filter(open)?;
        let is_taken = proved.entrance == entrance.id
            && entrance.takes(factor)
            && self.errand().is_none_or(|errand| errand.takes(factor));
        is_taken.then(|| Question {
            transaction: self.id.clone(),
            turn: self.turn,
            person: proved.person,
            account: proved.account,
            factor,
        })
    }

    /// The one place where a second factor begins to count: only for the question that is open, and
    /// answered by the person it is about.
    pub fn accept(&self, entrance: &Entrance, verified: &Verified) -> Result<Self, Refusal> {
        let factor = verified.question.factor;
        let open = self.question(entrance, factor).ok_or(Refusal::State)?;
        if *verified != open.answered_by(open.person) {
            return Err(Refusal::State);
        }
        let mut next = self.clone();
        next.proved_mut().ok_or(Refusal::State)?.second = Second::Passed(factor);
        Ok(next)
    }

    /// Walks the entrance's steps and stops at the first that is still due. Within a session
    /// nothing but the second factor is: identity and agreements stand already.
    pub fn next(&self, entrance: &Entrance, facts: &Facts) -> Next {
        if let (Purpose::StepUp { .. }, Progress::Chosen(proved, acting)) =
            (&self.purpose, &self.progress)
        {
            return match proved.second {
                Second::Passed(_) => Next::SignIn(*acting),
                Second::Due | Second::Spared | Second::NotAsked => Next::Step(Step::SecondFactor),
            };
        }
        if self.waits_for_second(entrance) {
            return Next::Step(Step::SecondFactor);
        }
        if facts.is_locked {
            return Next::Refused(Refusal::AccountLocked);
        }
        for step in &entrance.steps {
            if self.is_due(*step, entrance, facts) {
                return Next::Step(*step);
            }
        }
        let is_spared = self.proved().is_some_and(|proved| proved.second == Second::Spared);
        match self.identity(entrance, facts) {
            Ok(acting) if is_spared && acting != Acting::Personal => Next::Step(Step::SecondFactor),
            Ok(acting) => Next::SignIn(acting),
            Err(why) => Next::Refused(Refusal::NoIdentity(why)),
        }
    }

    /// Whether the second factor comes before everything else. A phone that has confirmed is proof
    /// enough where no step asks for more, a known browser only where the person themself is a way out.
    pub fn waits_for_second(&self, entrance: &Entrance) -> bool {
        self.proved().is_some_and(|proved| match (proved.second, proved.way) {
            (Second::Due, way) => !matches!(way, Way::Scan(_)) || entrance.asks_second_factor(),
            (Second::Spared, _) => !entrance.leads_to_person(),
            (Second::NotAsked | Second::Passed(_), _) => false,
        })
    }

    fn is_due(&self, step: Step, entrance: &Entrance, facts: &Facts) -> bool {
        let enterprise = entrance.subject == Subject::Enterprise;
        match step {
            Step::Credentials | Step::Scan | Step::Certificate | Step::ChooseHandler => {
                self.proved().is_none()
            }
            Step::SecondFactor => self.proved().is_none() || self.waits_for_second(entrance),
            Step::NewPassword => facts.needs_new_password,
            // Where they come last, whoever has no identity hears so before they are asked to agree.
            Step::Agreements => {
                let is_last = entrance.steps.last() == Some(&step);
                facts.needs_agreements && (!is_last || self.identity(entrance, facts).is_ok())
            }
            Step::ConfirmPendingAuthorisation => {
                let is_tax = entrance.audience == Audience::Tax;
                let waits = facts.usable.is_empty() && !facts.pending_by_person.is_empty();
                enterprise && is_tax && waits && self.invitation(facts).is_none()
            }
            Step::ChooseIdentity => {
                let several =
                    facts.usable.len() > 1 || (facts.may_be_personal && !facts.usable.is_empty());
                enterprise && several && self.usable_choice(facts).is_none()
            }
            Step::ChooseClientEnterprise => facts.is_agency_staff && !facts.is_chosen_usable,
            Step::ChooseRecord => !facts.is_chosen_usable,
        }
    }

    /// What was chosen, as long as it is still usable.
    fn usable_choice(&self, facts: &Facts) -> Option<Acting> {
        self.chosen().filter(|acting| match acting {
            Acting::Personal => facts.may_be_personal,
            acting => acting.authorisation().is_some_and(|id| facts.usable.contains(&id)),
        })
    }

    /// The invitation that was accepted, as long as it waits as it was seen and nothing else is usable.
    fn invitation(&self, facts: &Facts) -> Option<Invitation> {
        let waits =
            |one: &Invitation| facts.usable.is_empty() && facts.pending_by_person.contains(one);
        self.accepted().filter(waits)
    }

    fn identity(&self, entrance: &Entrance, facts: &Facts) -> Result<Acting, NoIdentity> {
        match (entrance.subject, facts.usable.as_slice()) {
            (Subject::Personal, _) => Ok(Acting::Personal),
            (Subject::Agent | Subject::SpecificEntity, _) => self
                .chosen()
                .filter(|_| facts.is_chosen_usable)
                .ok_or(facts.why_none.unwrap_or(NoIdentity::None)),
            (Subject::AsConfirmed | Subject::StepUp, _) => self.chosen().ok_or(NoIdentity::None),
            (Subject::Enterprise, []) if facts.may_be_personal => Ok(Acting::Personal),
            (Subject::Enterprise, [only]) if !facts.may_be_personal => {
                Ok(Acting::Enterprise(*only))
            }
            (Subject::Enterprise, _) => {
                if let Some(invitation) = self.invitation(facts) {
                    return Ok(Acting::Enterprise(invitation.id));
                }
                self.usable_choice(facts).ok_or(facts.why_none.unwrap_or(NoIdentity::None))
            }
        }
    }
}
