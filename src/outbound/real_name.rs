//! Real-name verification: an authority says whether a name and a document number belong together
//! (level 3, L-04). The sandbox plays it where there is none: in the demo and in tests.

use serde::Deserialize;
use serde_json::json;

use crate::base::clock::Clock;
use crate::base::random::Random;
use crate::base::secret::Secret;
use crate::outbound::asked::{NameAnswer, NameAsked};
use crate::outbound::client::Outbound;
use crate::outbound::error::SendError;

impl Outbound {
    /// Whether anybody could be asked.
    pub fn knows_names(&self, provider: Option<(&str, &Secret)>) -> bool {
        provider.is_some() || self.has_sandboxes
    }

    /// `POST {url}` with name, `document_type` and number; the answer is `{"result": "match"}`.
    pub async fn check_name(
        &self,
        provider: Option<(&str, &Secret)>,
        asked: &NameAsked<'_>,
        handed_in: (&Clock, &Random),
    ) -> Result<NameAnswer, SendError> {
        #[derive(Deserialize)]
        struct Answer {
            result: NameAnswer,
        }
        let Some(provider) = provider else {
            return self.played(|| self.registry_of_names.answer(asked));
        };
        let body = json!({
            "name": asked.name, "document_type": asked.document_type, "number": asked.number,
        });
        let answer: Answer = self.ask_signed(provider, &body, handed_in).await?;
        Ok(answer.result)
    }
}
