//! By what an event of the audit is found.

use uuid::Uuid;

use super::AuditEvent;
use crate::base::id::PersonId;

/// By what an event is found; no part of the chain.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Marks {
    /// The person whose event it is, or the account where it names no person: who may see it as one of
    /// their own.
    pub subject: Option<Uuid>,
    pub action: String,
    /// Who of the bureau or which of its systems: `officer/zhang`, `operator/root`, a client's id; of what people
    /// do to others, [`acting`].
    pub actor: Option<String>,
}

/// How a person is named who did something that is about somebody else.
pub fn acting(person: PersonId) -> String {
    format!("person/{person}")
}

/// Events whose `by` is the person who acted.
const BY_PERSON: [&str; 3] = ["authorisation_changed", "handler_name_refused", "history_cleared"];

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
        let id = |field: &str| text(field)?.parse::<Uuid>().ok();
        let action = text("action").unwrap_or_default();
        let actor = match action.as_str() {
            named if NAMES_ACTOR.contains(&named) => text("by"),
            person if BY_PERSON.contains(&person) => id("by").map(PersonId).map(acting),
            _ => None,
        };
        Marks { subject: id("person").or_else(|| id("account")), action, actor }
    }
}
