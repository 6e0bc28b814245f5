//! Help for a person who cannot help themselves, by an officer at a desk or an operator at a shell: who
//! gives it and why, and what it can take away. What it does is `flows::help`'s.

use crate::domain::refusal::Refusal;

/// Who acts and why, in their own words; both go into the audit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Helper {
    name: String,
    reason: String,
}

impl Helper {
    /// `E_FORMAT` at `by` (1 to 64 characters) or `reason` (2 to 200), which are one line each.
    pub fn new(name: &str, reason: &str) -> Result<Self, Refusal> {
        let (name, reason) = (name.trim(), reason.trim());
        let is_one_line = |text: &str| !text.chars().any(char::is_control);
        let mut fields = Vec::new();
        if !(1..=64).contains(&name.chars().count()) || !is_one_line(name) {
            fields.push("by");
        }
        if !(2..=200).contains(&reason.chars().count()) || !is_one_line(reason) {
            fields.push("reason");
        }
        match fields.is_empty() {
            true => Ok(Self { name: name.to_owned(), reason: reason.to_owned() }),
            false => Err(Refusal::Format { fields }),
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// What can be taken from an account that is lost, or in wrong hands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Removable {
    /// The app, with its recovery codes.
    Authenticator,
    RecoveryCodes,
    /// All of them.
    Passkeys,
    /// All browsers that spare the second factor.
    Browsers,
}

impl Removable {
    pub const ALL: [Self; 4] =
        [Self::Authenticator, Self::RecoveryCodes, Self::Passkeys, Self::Browsers];

    pub fn name(self) -> &'static str {
        match self {
            Self::Authenticator => "authenticator",
            Self::RecoveryCodes => "recovery-codes",
            Self::Passkeys => "passkeys",
            Self::Browsers => "browsers",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}
