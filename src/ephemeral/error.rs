//! Why a short-lived value could not be kept or read.

use super::budget::Full;

#[derive(Debug, thiserror::Error)]
pub enum EphemeralError {
    #[error("a short-lived value is malformed: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Redis did not answer: try again later (503).
    #[error("Redis is not available: {0}")]
    Unavailable(redis::RedisError),
    /// The budget is used up: try again later (`E_BUSY`).
    #[error("the short-lived store is full: {0}")]
    Full(#[from] Full),
}

impl From<redis::RedisError> for EphemeralError {
    fn from(error: redis::RedisError) -> Self {
        // What a script of ours met is told of in its text.
        let is_full = error.code() == Some("OOM") || error.to_string().contains("OOM command");
        if is_full { Self::full(Full::All) } else { Self::Unavailable(error) }
    }
}

impl EphemeralError {
    pub(super) fn full(why: Full) -> Self {
        metrics::counter!("hufu_refused_for_room_total", "what" => "short_lived", "limit" => why.name())
            .increment(1);
        Self::Full(why)
    }
}
