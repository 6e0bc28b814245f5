//! By what an event of the audit is found.

use uuid::Uuid;

use super::AuditEvent;

/// By what an event is found; no part of the chain.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Marks {
    /// The person whose event it is, or the account where it names no person: who may see it as one of
    /// their own.
    pub subject: Option<Uuid>,
    pub action: String,
    /// Who of the bureau or which of its systems: `officer/zhang`, `operator/root`, a client's id.
    pub actor: Option<String>,
}

/// Events whose `by` is an actor's name; elsewhere it is an id, or a way.
const NAMES_ACTOR: [&str; 10] = [
    "secrets_changed",
    "help_given",
    "non_resident_reviewed",
    "history_read",
    "feed_imported",
    "officer_changed",
    "officer_entered",
    "officer_refused",
    "officer_left",
    "officer_acted",
];

impl AuditEvent {
    pub fn marks(&self) -> Marks {
        let told = serde_json::to_value(self).unwrap_or_default();
        let text = |field: &str| told.get(field)?.as_str().map(str::to_owned);
        let id = |field: &str| text(field)?.parse().ok();
        let action = text("action").unwrap_or_default();
        let actor = NAMES_ACTOR.contains(&action.as_str()).then(|| text("by")).flatten();
        Marks { subject: id("person").or_else(|| id("account")), action, actor }
    }
}
