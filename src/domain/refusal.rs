//! Refusals: what the product answers when it will not. Expected, saved, shown to the person;
//! the codes are stable and tests name them.

use serde::{Deserialize, Serialize};

use crate::domain::password::PasswordFault;

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    Credentials,
    Slider,
    /// Seconds until it may be tried again.
    Locked {
        retry_after: i64,
    },
    /// By the bureau, until it unlocks it (`flows::help`).
    AccountLocked,
    Otp,
    OtpExpired,
    OtpRate {
        retry_after: i64,
    },
    /// No code could be sent: the provider is away, nothing was counted or burnt.
    OtpUnavailable,
    /// Prove who you are again: it was too long ago.
    StepUpRequired,
    /// Another person, another face, a wrong number, or cancelled.
    StepUpFailed,
    /// The provider of the face check is away: nothing passed, other ways stay open.
    FaceUnavailable,
    /// The passkey is unknown, another's, or answers an old question.
    Passkey,
    /// Name and number do not belong together, or this kind cannot be verified online.
    RealName,
    /// None of the person's documents is good for a level any more (L-12).
    NoDocument,
    /// The provider that verifies names is away.
    RealNameUnavailable,
    /// The QR code is too old or was used.
    ScanExpired,
    /// The person has no phone bound (E-11).
    NoPhone,
    /// No e-mail address is known of the person.
    NoEmail,
    NoIdentity(NoIdentity),
    Agreement,
    Role,
    Protected,
    OfflineOnly,
    State,
    Immutable,
    /// Empty or malformed, in the order of the form.
    Format {
        fields: Vec<&'static str>,
    },
    PasswordPolicy(PasswordFault),
    Taken,
    OneWay,
    /// An enterprise's certificate is not taken (C-07).
    Certificate(CertificateFault),
    /// A specific entity's session has no account centre (S-10).
    NoAccountCentre,
    /// All hashing lanes are taken: try again shortly.
    Busy,
}

/// Why there is no identity to act in; told only after the second factor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum NoIdentity {
    /// No relation with that enterprise that can be used.
    None,
    /// Waits for a confirmation.
    Pending,
    /// The person asked, the enterprise has not confirmed (E-18).
    PendingByEnterprise,
    OutsideTerm,
    Ended,
    Deregistered,
}

/// Why a certificate does not sign anybody in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CertificateFault {
    /// It is none, or not for signatures.
    None,
    Expired,
    Revoked,
    Untrusted,
    /// Its enterprise is unknown, or has not been given certificates of this authority.
    Unbound,
    /// Nobody says whether it was revoked.
    Unknown,
    /// The challenge is too old, was used, or was signed by another key or for another page.
    Challenge,
}

impl CertificateFault {
    fn code(self) -> &'static str {
        match self {
            Self::None => "E_CERT_NONE",
            Self::Expired => "E_CERT_EXPIRED",
            Self::Revoked => "E_CERT_REVOKED",
            Self::Untrusted => "E_CERT_UNTRUSTED",
            Self::Unbound => "E_CERT_UNBOUND",
            Self::Unknown => "E_CERT_UNKNOWN",
            Self::Challenge => "E_CERT_CHALLENGE",
        }
    }
}

impl NoIdentity {
    pub fn key(self) -> &'static str {
        match self {
            Self::None | Self::Ended => "none",
            Self::Pending => "pending",
            Self::PendingByEnterprise => "pending-by-enterprise",
            Self::OutsideTerm => "outside-term",
            Self::Deregistered => "deregistered",
        }
    }
}

impl Refusal {
    pub fn format(field: &'static str) -> Self {
        Self::Format { fields: vec![field] }
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Credentials => "E_CREDENTIALS",
            Self::Slider => "E_SLIDER",
            Self::Locked { .. } => "E_LOCKED",
            Self::AccountLocked => "E_ACCOUNT_LOCKED",
            Self::Otp => "E_OTP",
            Self::OtpExpired => "E_OTP_EXPIRED",
            Self::OtpRate { .. } => "E_OTP_RATE",
            Self::OtpUnavailable => "E_OTP_UNAVAILABLE",
            Self::NoPhone => "E_NO_PHONE",
            Self::NoEmail => "E_NO_EMAIL",
            Self::StepUpRequired => "E_STEPUP_REQUIRED",
            Self::StepUpFailed => "E_STEPUP_FAILED",
            Self::FaceUnavailable => "E_FACE_UNAVAILABLE",
            Self::Passkey => "E_PASSKEY",
            Self::RealName => "E_REAL_NAME",
            Self::NoDocument => "E_NO_DOCUMENT",
            Self::RealNameUnavailable => "E_REAL_NAME_UNAVAILABLE",
            Self::ScanExpired => "E_SCAN_EXPIRED",
            Self::NoIdentity(_) => "E_NO_IDENTITY",
            Self::Agreement => "E_AGREEMENT",
            Self::Role => "E_ROLE",
            Self::Protected => "E_PROTECTED",
            Self::OfflineOnly => "E_OFFLINE_ONLY",
            Self::State => "E_STATE",
            Self::Immutable => "E_IMMUTABLE",
            Self::Format { .. } => "E_FORMAT",
            Self::PasswordPolicy(_) => "E_PASSWORD_POLICY",
            Self::Taken => "E_TAKEN",
            Self::OneWay => "E_ONE_WAY",
            Self::NoAccountCentre => "E_NO_ACCOUNT_CENTRE",
            Self::Certificate(why) => why.code(),
            Self::Busy => "E_BUSY",
        }
    }

    /// The key of its text in `locales/`.
    pub fn text_key(&self) -> String {
        match self {
            Self::Format { fields } => match fields.as_slice() {
                [only] => Self::text_key_of(only),
                _ => "refusal-format-several".to_owned(),
            },
            Self::PasswordPolicy(fault) => format!("refusal-password-{}", fault.key()),
            Self::NoIdentity(why) => format!("refusal-no-identity-{}", why.key()),
            other => format!(
                "refusal-{}",
                other.code().trim_start_matches("E_").to_ascii_lowercase().replace('_', "-")
            ),
        }
    }

    /// The key of what is said at a field that is empty or malformed.
    pub fn text_key_of(field: &str) -> String {
        format!("refusal-format-{}", field.replace('_', "-"))
    }

    /// Seconds to wait, where time helps.
    pub fn retry_after(&self) -> Option<i64> {
        match self {
            Self::Locked { retry_after } | Self::OtpRate { retry_after } => Some(*retry_after),
            Self::Busy => Some(2),
            _ => None,
        }
    }
}
