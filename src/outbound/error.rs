//! Why something did not go out.

/// Why something did not go out.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The other side is away, or does not answer as it should: another may do it, or the same later.
    #[error("it was not accepted: {0}")]
    Unavailable(String),
    /// The gateway is well, this number gets no more for a while.
    #[error("the gateway limits this number: {0}")]
    Limited(String),
    /// The gateway is well and cannot reach this number.
    #[error("the gateway refuses this number: {0}")]
    Number(String),
}

impl SendError {
    pub(in crate::outbound) fn away(error: impl ToString) -> Self {
        Self::Unavailable(error.to_string())
    }

    /// With every cause below it: what failed was a name, a connection, or a certificate, and which.
    /// Never with the address, in which numbers, codes and keys may stand.
    pub(in crate::outbound) fn told(error: reqwest::Error) -> Self {
        Self::with_causes(error.without_url())
    }

    pub(in crate::outbound) fn with_causes(error: impl std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(below) = cause {
            text = format!("{text}: {below}");
            cause = below.source();
        }
        Self::Unavailable(text)
    }

    /// Whether the other side itself is to blame, and not whom it was asked to reach.
    pub(super) fn is_its_fault(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}
