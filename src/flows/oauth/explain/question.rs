//! What is asked of an explanation.

use crate::base::id::{AccountId, PersonId};
use crate::domain::acting::Acting;
use crate::domain::factor::Factor;
use crate::realm::client::Client;

/// Whose token for whom. What is not said is as usual: the first entrance and factor that fit, and all
/// that the application is registered for.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    pub person: PersonId,
    pub account: AccountId,
    pub acting: Acting,
    pub client: &'a Client,
    pub entrance: Option<&'a str>,
    pub factor: Option<Factor>,
    pub scope: Option<&'a str>,
    pub resources: &'a [String],
}
