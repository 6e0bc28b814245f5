//! An application for the identity code of a non-resident enterprise (N-05 to N-11): who may do what in
//! which state, and what it is afterwards. The steps of the guide's order cannot be left out: there is no
//! code without an approval, and no approval of what was not submitted. What an approval makes of
//! enterprises and relations is `flows::non_resident`'s.

mod code;
mod form;
mod upload;

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::id::{ApplicationId, EnterpriseId, PersonId};
use crate::domain::help::Helper;
use crate::domain::number::taxpayer::TaxpayerNumber;
use crate::domain::refusal::Refusal;

pub use code::{Numbers, Place, is_ours};
pub use form::{Declared, Form, Typed};
pub use upload::{FileKind, LARGEST, MOST, Upload};

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Application {
    pub id: ApplicationId,
    /// The overseas person who applies.
    pub person: PersonId,
    pub form: Form,
    pub state: State,
    /// From then on the number at home is fixed.
    pub first_submitted_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Counts its changes: of two at once one is `E_STATE`.
    pub version: i64,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    Draft,
    Submitted {
        at: Timestamp,
        by: Submitter,
        /// The first of two approvals, where one is not enough (N-10).
        first: Option<Decision>,
    },
    /// To be corrected by the applicant.
    Returned {
        decision: Decision,
    },
    Approved {
        decision: Decision,
        /// Who had approved before, where two were needed.
        first: Option<Decision>,
        identity: Declared,
        enterprise: EnterpriseId,
        code: TaxpayerNumber,
    },
    Rejected {
        decision: Decision,
    },
    Withdrawn {
        at: Timestamp,
    },
}

/// Who handed it in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Submitter {
    Applicant,
    /// At the counter, with the applicant: the officer's name.
    Officer(String),
}

/// What an officer said, when and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Decision {
    pub by: String,
    pub at: Timestamp,
    pub reason: String,
    /// Of a first approval: the identity that this officer confirmed, which the second must confirm, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Declared>,
}

impl Decision {
    fn of(officer: &Helper, at: Timestamp) -> Self {
        let (by, reason) = (officer.name().to_owned(), officer.reason().to_owned());
        Self { by, at, reason, identity: None }
    }

    fn is_by(&self, officer: &Helper) -> bool {
        is_same(&self.by, officer)
    }
}

/// An application as an officer decides about it.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pub id: ApplicationId,
    /// The one that was shown; `None`: as it stands.
    pub version: Option<i64>,
}

impl From<ApplicationId> for Seen {
    fn from(id: ApplicationId) -> Self {
        Self { id, version: None }
    }
}

impl Seen {
    /// `E_STATE`: the application has changed since.
    pub fn check(self, one: &Application) -> Result<(), Refusal> {
        let is_this = self.version.is_none_or(|version| version == one.version);
        is_this.then_some(()).ok_or(Refusal::State)
    }
}

/// Nobody becomes another by writing themself otherwise, or by acting once at the console and once at a shell:
/// what stands before the person's own name does not count.
fn is_same(name: &str, officer: &Helper) -> bool {
    let own = |name: &str| name.rsplit('/').next().unwrap_or_default().to_lowercase();
    own(name) == own(officer.name())
}

/// What an officer's approval comes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Approval {
    /// It looks like another one: a second officer has to agree (N-10).
    First(Application),
    /// Nothing is missing but the enterprise and its code.
    Full(Approved),
}

/// An application that may have a code; made here alone.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use = "nothing has been issued"]
pub struct Approved {
    application: Application,
    decision: Decision,
    first: Option<Decision>,
    identity: Declared,
}

impl Approved {
    pub fn application(&self) -> &Application {
        &self.application
    }

    pub fn identity(&self) -> Declared {
        self.identity
    }

    /// With the enterprise and the code that it was given.
    pub fn with(self, enterprise: EnterpriseId, code: TaxpayerNumber) -> Application {
        let Self { application, decision, first, identity } = self;
        let at = decision.at;
        application.next(State::Approved { decision, first, identity, enterprise, code }, at)
    }
}

impl Application {
    pub fn begin(id: ApplicationId, person: PersonId, form: Form, now: Timestamp) -> Self {
        Self {
            id,
            person,
            form,
            state: State::Draft,
            first_submitted_at: None,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    fn next(&self, state: State, now: Timestamp) -> Self {
        Self { state, updated_at: now, version: self.version + 1, ..self.clone() }
    }

    /// Neither decided nor given up: a person has one such at a time.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Draft | State::Submitted { .. } | State::Returned { .. })
    }

    /// Whether form and files are the applicant's to change.
    pub fn is_in_hand(&self) -> bool {
        matches!(self.state, State::Draft | State::Returned { .. })
    }

    fn check_in_hand(&self) -> Result<(), Refusal> {
        self.is_in_hand().then_some(()).ok_or(Refusal::State)
    }

    /// What the form says now. `E_STATE`: it is with the bureau. `E_IMMUTABLE`: the number at home was
    /// submitted before, and another number is another application.
    pub fn edit(&self, form: Form, now: Timestamp) -> Result<Self, Refusal> {
        self.check_in_hand()?;
        if self.first_submitted_at.is_some() && !self.form.has_number_of(&form) {
            return Err(Refusal::Immutable);
        }
        Ok(Self { form, ..self.next(self.state.clone(), now) })
    }

    /// A file more or less.
    pub fn with_files(&self, now: Timestamp) -> Result<Self, Refusal> {
        self.check_in_hand()?;
        Ok(self.next(self.state.clone(), now))
    }

    /// `E_FORMAT` at `uploads`: nothing proves what the form says.
    pub fn submit(&self, by: Submitter, n_files: usize, now: Timestamp) -> Result<Self, Refusal> {
        self.check_in_hand()?;
        if n_files == 0 {
            return Err(Refusal::format("uploads"));
        }
        let next = self.next(State::Submitted { at: now, by, first: None }, now);
        Ok(Self { first_submitted_at: self.first_submitted_at.or(Some(now)), ..next })
    }

    pub fn withdraw(&self, now: Timestamp) -> Result<Self, Refusal> {
        match self.is_open() {
            true => Ok(self.next(State::Withdrawn { at: now }, now)),
            false => Err(Refusal::State),
        }
    }

    /// Since when it waits for the bureau.
    pub fn waits_since(&self) -> Option<Timestamp> {
        match self.state {
            State::Submitted { at, .. } => Some(at),
            _ => None,
        }
    }

    /// Until when it is to be decided: the end of the next working day (N-10).
    pub fn due_at(&self) -> Option<Timestamp> {
        self.waits_since().map(|at| at.day().next_working_day().end())
    }

    /// The first approval, for whoever may decide. `E_STATE`: it waits for nobody; `E_ROLE`: this officer
    /// handed it in (N-11).
    fn reviewed(&self, officer: &Helper) -> Result<Option<&Decision>, Refusal> {
        match &self.state {
            State::Submitted { by: Submitter::Officer(name), .. } if is_same(name, officer) => {
                Err(Refusal::Role)
            }
            State::Submitted { first, .. } => Ok(first.as_ref()),
            _ => Err(Refusal::State),
        }
    }

    pub fn return_for_correction(&self, officer: &Helper, now: Timestamp) -> Result<Self, Refusal> {
        self.reviewed(officer)?;
        Ok(self.next(State::Returned { decision: Decision::of(officer, now) }, now))
    }

    pub fn reject(&self, officer: &Helper, now: Timestamp) -> Result<Self, Refusal> {
        self.reviewed(officer)?;
        Ok(self.next(State::Rejected { decision: Decision::of(officer, now) }, now))
    }

    /// `identity`: as the officer confirms it (N-09). `is_flagged`: it looks like another one, and needs two
    /// officers who confirm the same: one who confirms another identity begins anew. `E_ROLE`: this one has
    /// approved it already.
    pub fn approve(
        &self,
        officer: &Helper,
        identity: Declared,
        is_flagged: bool,
        now: Timestamp,
    ) -> Result<Approval, Refusal> {
        let first = self.reviewed(officer)?.cloned();
        let decision = Decision::of(officer, now);
        let agrees = |first: &Decision| first.identity.is_none_or(|one| one == identity);
        match &first {
            Some(first) if first.is_by(officer) => Err(Refusal::Role),
            first if is_flagged && !first.as_ref().is_some_and(agrees) => {
                let State::Submitted { at, by, .. } = self.state.clone() else {
                    return Err(Refusal::State);
                };
                let first = Decision { identity: Some(identity), ..decision };
                let state = State::Submitted { at, by, first: Some(first) };
                Ok(Approval::First(self.next(state, now)))
            }
            _ => {
                let application = self.clone();
                Ok(Approval::Full(Approved { application, decision, first, identity }))
            }
        }
    }
}

impl State {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Submitted { .. } => "submitted",
            Self::Returned { .. } => "returned",
            Self::Approved { .. } => "approved",
            Self::Rejected { .. } => "rejected",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }
}
