//! A QR code between a browser and a phone: one way through the states, locked to the first phone
//! that scanned it, used up once. Who the phone belongs to is found out elsewhere.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::base::absent::is_default;
use crate::base::clock::Timestamp;
use crate::base::id::{AccountId, PersonId, SessionId};
use crate::domain::acting::Acting;
use crate::domain::factor::ScanApp;
use crate::domain::number::document::DocumentType;
use crate::domain::number::normalise;
use crate::domain::place::Place;
use crate::domain::proof::Question;
use crate::domain::refusal::Refusal;

/// Seconds until a code nobody scanned is worth nothing.
pub const UNSCANNED_SECONDS: i64 = 120;
/// Seconds that a phone has after scanning.
pub const SCANNED_SECONDS: i64 = 60;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Scan {
    /// The sign-in that shows the code; no other may fetch the outcome.
    pub transaction: String,
    /// The application that waits for it, of those that the realm knows.
    pub client: Option<String>,
    /// Hash of what the showing page holds and the code does not.
    pub verifier: String,
    pub app: ScanApp,
    pub purpose: Purpose,
    pub browser_ip: IpAddr,
    pub browser: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// The first that scanned; whatever becomes of the code, it stays this one's.
    pub phone: Option<Phone>,
    pub state: ScanState,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Instead of password and second factor.
    SignIn,
    /// As second factor: answers this question, of this person and no other.
    Verify(Question),
    /// Of somebody who is not signed in and may not exist.
    Claim(Claim),
}

/// Somebody says that this document is theirs, and a face is to prove it. Whether anybody has it is
/// asked when the face is looked at, and not before.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Claim {
    pub to: ClaimedFor,
    pub kind: DocumentType,
    /// Fits its kind.
    pub number: String,
    /// As it was typed, by somebody whom nobody knows yet; `None`: the name that is kept.
    pub name: Option<String>,
}

/// What a proved claim leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimedFor {
    /// A new password in place of a forgotten one (F-04).
    Password,
    /// A phone in place of a lost one (DEC-23).
    Phone,
    /// An account.
    Registration,
}

impl ClaimedFor {
    pub fn name(self) -> &'static str {
        match self {
            Self::Password => "new_password",
            Self::Phone => "new_phone",
            Self::Registration => "registration",
        }
    }
}

impl Purpose {
    /// Who must answer; `None`: whoever comes, or whoever a claim is about.
    pub fn person(&self) -> Option<PersonId> {
        match self {
            Self::SignIn | Self::Claim(_) => None,
            Self::Verify(question) => Some(question.person),
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum ScanState {
    New,
    Scanned {
        /// Stands in the browser from this moment on and is typed on the phone; `None`: not asked.
        number: Option<Number>,
    },
    Confirmed(Confirmed),
    /// The face was that of the claim.
    Proved {
        /// Of the account of whoever holds the document, at that moment; `None`: nobody's yet, or an earlier
        /// release did not say.
        #[serde(default, skip_serializing_if = "is_default")]
        era: Option<i64>,
    },
    /// On the phone or in the browser.
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

/// Two digits, 10 to 99: short enough to carry from one screen to the other, and one guess in ninety.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Number(u8);

impl Number {
    /// How many there are.
    pub const COUNT: u8 = 90;

    /// `nth`: below [`Number::COUNT`], by chance.
    pub fn nth(nth: u8) -> Self {
        Self(10 + nth % Self::COUNT)
    }

    /// As somebody types it. What has another form is no guess: `E_FORMAT`, and the code goes on.
    pub fn parse(typed: &str) -> Result<Self, Refusal> {
        let typed = normalise(typed);
        let number = typed.parse::<u8>().ok().filter(|number| (10..=99).contains(number));
        let has_two_digits = typed.bytes().all(|byte| byte.is_ascii_digit()) && typed.len() == 2;
        number.filter(|_| has_two_digits).map(Self).ok_or(Refusal::format("number"))
    }

    pub fn value(self) -> u8 {
        self.0
    }
}

/// Who was confirmed; for a sign-in also as whom.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Confirmed {
    pub person: PersonId,
    pub account: AccountId,
    pub acting: Acting,
    /// The account's at that moment.
    #[serde(default, skip_serializing_if = "is_default")]
    pub era: i64,
    /// The phone's own; `None`: its operator has spoken for it, or a face.
    #[serde(default, skip_serializing_if = "is_default")]
    pub session: Option<SessionId>,
}

/// Why a step is not possible; the phone says so, the browser is not affected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScanFault {
    Expired,
    /// Another phone was first, or it is over.
    State,
    /// The number was asked for and not said.
    NoNumber,
}

/// What the browser that shows a code may know of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Told {
    /// `new`, `scanned`, `confirmed`, `cancelled`, `failed`, `consumed`, `expired`.
    pub state: &'static str,
    /// Whose phone it is, masked, while it is scanned and known.
    pub name: Option<String>,
    /// To be typed on the phone, while it is scanned.
    pub number: Option<Number>,
}

impl Scan {
    fn live(&self, now: Timestamp) -> Result<&Self, ScanFault> {
        match self.state {
            _ if self.expires_at <= now => Err(ScanFault::Expired),
            ScanState::New
            | ScanState::Scanned { .. }
            | ScanState::Confirmed(_)
            | ScanState::Proved { .. } => Ok(self),
            ScanState::Cancelled | ScanState::Failed | ScanState::Consumed => Err(ScanFault::State),
        }
    }

    /// Whether a phone that scans from there must be told a number: always when an identity is
    /// verified; for a sign-in when browser and phone are not in one place, or nobody knows.
    pub fn asks_number(&self, phone_ip: Option<IpAddr>) -> bool {
        let is_one_place = phone_ip.is_some_and(|ip| Place::of(ip) == Place::of(self.browser_ip));
        self.purpose != Purpose::SignIn || !is_one_place
    }

    /// The first phone locks it; the same one may come again, and nothing changes. `number`: what it
    /// will be asked; both sides keep to it, wherever the phone goes meanwhile.
    pub fn scanned(
        &self,
        phone: Phone,
        number: Option<Number>,
        now: Timestamp,
    ) -> Result<Self, ScanFault> {
        match &self.live(now)?.state {
            ScanState::New => {
                let latest = self.created_at.plus(UNSCANNED_SECONDS + SCANNED_SECONDS);
                let expires_at = latest.min(self.expires_at.max(now.plus(SCANNED_SECONDS)));
                let state = ScanState::Scanned { number };
                Ok(Self { state, phone: Some(phone), expires_at, ..self.clone() })
            }
            ScanState::Scanned { .. } if self.is_held_by(&phone.key) => Ok(self.clone()),
            _ => Err(ScanFault::State),
        }
    }

    /// Whether this phone was the first, however the code stands now.
    pub fn is_held_by(&self, key: &str) -> bool {
        self.phone.as_ref().is_some_and(|phone| phone.key == key)
    }

    /// What this phone, which scanned and has not answered yet, is asked.
    fn of_phone(&self, key: &str, now: Timestamp) -> Result<Option<Number>, ScanFault> {
        match &self.live(now)?.state {
            ScanState::Scanned { number } if self.is_held_by(key) => Ok(*number),
            _ => Err(ScanFault::State),
        }
    }

    /// Whether what was typed is the browser's number; always where none is asked.
    pub fn is_number(
        &self,
        key: &str,
        typed: Option<Number>,
        now: Timestamp,
    ) -> Result<bool, ScanFault> {
        match (self.of_phone(key, now)?, typed) {
            (None, _) => Ok(true),
            (Some(_), None) => Err(ScanFault::NoNumber),
            (Some(number), Some(typed)) => Ok(number == typed),
        }
    }

    /// The tap on the phone. A person or a number that is not the expected one ends the code, so
    /// that nobody guesses twice.
    pub fn confirmed(
        &self,
        key: &str,
        who: Confirmed,
        typed: Option<Number>,
        now: Timestamp,
    ) -> Result<Self, ScanFault> {
        let is_number = self.is_number(key, typed, now)?;
        let is_expected = match &self.purpose {
            Purpose::SignIn => true,
            Purpose::Verify(question) => question.person == who.person,
            Purpose::Claim(_) => false,
        };
        let state = match is_expected && is_number {
            true => ScanState::Confirmed(who),
            false => ScanState::Failed,
        };
        Ok(Self { state, ..self.clone() })
    }

    /// The face was another's, or the person turned back on the phone.
    pub fn ended(&self, key: &str, state: ScanState, now: Timestamp) -> Result<Self, ScanFault> {
        self.of_phone(key, now)?;
        Ok(Self { state, ..self.clone() })
    }

    /// The person turned back in the browser, whatever the phone has done.
    pub fn cancelled(&self, now: Timestamp) -> Result<Self, ScanFault> {
        self.live(now)?;
        Ok(Self { state: ScanState::Cancelled, ..self.clone() })
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

    /// The phone's answer to a claim. `is_true`: the face, or whoever answers for it, says that it is
    /// theirs; anything else ends the code like a wrong number. `era`: as of [`ScanState::Proved`].
    pub fn answered(
        &self,
        key: &str,
        is_true: bool,
        typed: Option<Number>,
        era: Option<i64>,
        now: Timestamp,
    ) -> Result<Self, ScanFault> {
        let is_number = self.is_number(key, typed, now)?;
        let is_claim = matches!(self.purpose, Purpose::Claim(_));
        let is_proved = is_claim && is_number && is_true;
        let state = if is_proved { ScanState::Proved { era } } else { ScanState::Failed };
        Ok(Self { state, ..self.clone() })
    }

    /// The same as [`Scan::consumed`] of a claim, with the era in which it was proved.
    pub fn taken(&self, now: Timestamp) -> Result<(Self, Option<i64>), ScanFault> {
        match &self.live(now)?.state {
            ScanState::Proved { era } => {
                Ok((Self { state: ScanState::Consumed, ..self.clone() }, *era))
            }
            _ => Err(ScanFault::State),
        }
    }

    /// How it stands, in one word.
    pub fn stands(&self, now: Timestamp) -> &'static str {
        if self.live(now) == Err(ScanFault::Expired) {
            return "expired";
        }
        match &self.state {
            ScanState::New => "new",
            ScanState::Scanned { .. } => "scanned",
            ScanState::Confirmed(_) | ScanState::Proved { .. } => "confirmed",
            ScanState::Cancelled => "cancelled",
            ScanState::Failed => "failed",
            ScanState::Consumed => "consumed",
        }
    }

    /// For the showing browser: before the tap no more than a masked name and the number, after it
    /// nothing of either.
    pub fn told(&self, now: Timestamp) -> Told {
        let state = self.stands(now);
        let ScanState::Scanned { number } = &self.state else {
            return Told { state, name: None, number: None };
        };
        let is_live = state == "scanned";
        let name = self.phone.as_ref().map(|phone| phone.name.clone());
        let name = name.filter(|name| is_live && !name.is_empty());
        Told { state, name, number: number.filter(|_| is_live) }
    }
}
