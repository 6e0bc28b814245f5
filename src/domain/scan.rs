//! A QR code between a browser and a phone: one way through the states, locked to the first phone
//! that scanned it, used up once. Who the phone belongs to is found out elsewhere.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::id::{AccountId, PersonId};
use crate::domain::acting::Acting;
use crate::domain::factor::ScanApp;
use crate::domain::proof::Question;

/// Seconds until a code nobody scanned is worth nothing.
pub const UNSCANNED_SECONDS: i64 = 120;
/// Seconds that a phone has after scanning.
pub const SCANNED_SECONDS: i64 = 60;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Scan {
    /// The sign-in that shows the code; no other may fetch the outcome.
    pub transaction: String,
    /// Hash of what the showing page holds and the code does not.
    pub verifier: String,
    pub app: ScanApp,
    pub purpose: Purpose,
    /// Shown in the browser, chosen on the phone.
    pub number: u8,
    pub browser_ip: IpAddr,
    pub browser: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub state: ScanState,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Instead of password and second factor.
    SignIn,
    /// As second factor: answers this question, of this person and no other.
    Verify(Question),
}

impl Purpose {
    /// Who must answer; `None`: whoever comes.
    pub fn person(&self) -> Option<PersonId> {
        match self {
            Self::SignIn => None,
            Self::Verify(question) => Some(question.person),
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum ScanState {
    New,
    Scanned(Phone),
    Confirmed(Confirmed),
    Cancelled,
    /// Another face, another person, a wrong number: begin again with a new code.
    Failed,
    Consumed,
}

/// The phone that scanned, and whose it is as far as that is known.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Phone {
    /// Hash of what the phone proves itself with at every step.
    pub key: String,
    /// Masked, for the browser.
    pub name: String,
}

/// Who was confirmed; for a sign-in also as whom.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Confirmed {
    pub person: PersonId,
    pub account: AccountId,
    pub acting: Acting,
}

/// Why a step is not possible; the phone says so, the browser is not affected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScanFault {
    Expired,
    /// Another phone was first, or it is over.
    State,
    /// Somebody else, or the wrong number.
    Failed,
}

impl Scan {
    fn live(&self, now: Timestamp) -> Result<&Self, ScanFault> {
        match self.state {
            _ if self.expires_at <= now => Err(ScanFault::Expired),
            ScanState::New | ScanState::Scanned(_) | ScanState::Confirmed(_) => Ok(self),
            ScanState::Cancelled | ScanState::Failed | ScanState::Consumed => Err(ScanFault::State),
        }
    }

    /// The first phone locks it; the same one may come again.
    pub fn scanned(&self, phone: Phone, now: Timestamp) -> Result<Self, ScanFault> {
        match &self.live(now)?.state {
            ScanState::New => {
                let latest = self.created_at.plus(UNSCANNED_SECONDS + SCANNED_SECONDS);
                let expires_at = latest.min(self.expires_at.max(now.plus(SCANNED_SECONDS)));
                Ok(Self { state: ScanState::Scanned(phone), expires_at, ..self.clone() })
            }
            ScanState::Scanned(first) if first.key == phone.key => Ok(self.clone()),
            _ => Err(ScanFault::State),
        }
    }

    fn of_phone(&self, key: &str, now: Timestamp) -> Result<&Self, ScanFault> {
        match &self.live(now)?.state {
            ScanState::Scanned(phone) if phone.key == key => Ok(self),
            _ => Err(ScanFault::State),
        }
    }

    /// Whether the phone must choose the browser's number: always when an identity is verified,
    /// and when both are in different networks.
    pub fn needs_number(&self, phone_ip: IpAddr) -> bool {
        self.purpose != Purpose::SignIn || self.browser_ip != phone_ip
    }

    /// The tap on the phone. A person or a number that is not the expected one ends the code.
    pub fn confirmed(
        &self,
        key: &str,
        who: Confirmed,
        number: Option<u8>,
        now: Timestamp,
    ) -> Result<Self, ScanFault> {
        self.of_phone(key, now)?;
        let is_expected = self.purpose.person().is_none_or(|person| person == who.person);
        let number_fits = number.is_none_or(|number| number == self.number);
        let state = match is_expected && number_fits {
            true => ScanState::Confirmed(who),
            false => ScanState::Failed,
        };
        Ok(Self { state, ..self.clone() })
    }

    /// The face was another's, or the person turned back.
    pub fn ended(&self, key: &str, state: ScanState, now: Timestamp) -> Result<Self, ScanFault> {
        self.of_phone(key, now)?;
        Ok(Self { state, ..self.clone() })
    }

    /// What the showing browser fetches, once.
    pub fn consumed(&self, now: Timestamp) -> Result<(Self, Confirmed), ScanFault> {
        match &self.live(now)?.state {
            ScanState::Confirmed(who) => {
                Ok((Self { state: ScanState::Consumed, ..self.clone() }, who.clone()))
            }
            _ => Err(ScanFault::State),
        }
    }

    /// What the browser may know: the state's name and, while scanned, a masked name.
    pub fn told(&self, now: Timestamp) -> (&'static str, Option<&str>) {
        if self.live(now) == Err(ScanFault::Expired) {
            return ("expired", None);
        }
        match &self.state {
            ScanState::New => ("new", None),
            ScanState::Scanned(phone) => ("scanned", Some(&phone.name)),
            ScanState::Confirmed(_) => ("confirmed", None),
            ScanState::Cancelled => ("cancelled", None),
            ScanState::Failed => ("failed", None),
            ScanState::Consumed => ("consumed", None),
        }
    }
}
