//! Why a certificate is not accepted. What a person reads of it, the flows and `locales/` decide.

use crate::base::clock::Timestamp;

/// Of a certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Distrust {
    /// No certificate, or one whose parts contradict each other.
    Malformed(&'static str),
    /// The certificate is for something else: a token's second one, for encryption, or an authority's.
    NotForSigning,
    NotYetValid,
    Expired,
    Untrusted(Untrusted),
    Revoked {
        since: Timestamp,
    },
    /// It may be revoked: nobody could be asked.
    Unknown(Doubt),
}

/// Why no path leads to an authority that is trusted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Untrusted {
    NoIssuer,
    /// Issued in the name of an authority, but not with its key.
    Signature,
    /// Some certificate between may not issue this one: no authority, too deep, for other purposes.
    MayNotIssue,
    /// A certificate between has expired or is of the future.
    IssuerExpired,
    /// A critical extension that nobody here understands.
    Critical,
    /// An algorithm or a key length that is too weak or unknown.
    Algorithm,
    TooLong,
}

/// Why a list or an answer says nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Doubt {
    /// There is none that speaks of it.
    Missing,
    Malformed(&'static str),
    /// Of another authority, or about another certificate.
    Foreign,
    Signature,
    /// Its time is over, or has not come.
    Stale,
    /// Only some of the reasons, what has changed, or on behalf of others: an extension says so.
    Partial,
    /// The responder does not know the certificate, or refused to answer.
    Unanswered,
}

impl From<Untrusted> for Distrust {
    fn from(why: Untrusted) -> Self {
        Self::Untrusted(why)
    }
}

impl From<Doubt> for Distrust {
    fn from(why: Doubt) -> Self {
        Self::Unknown(why)
    }
}
