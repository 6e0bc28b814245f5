//! Real-name verification: an authority says whether a name and a document number belong together (level 3,
//! L-04), the social insurance whether it knows somebody by them, a reader's service whether a card that
//! it has read is theirs (level 5, L-06). Sandboxes play them where there are none: in the demo and in
//! tests.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::base::clock::Clock;
use crate::base::random::Random;
use crate::base::secret::Secret;
use crate::outbound::asked::{CardAsked, NameAnswer, NameAsked};
use crate::outbound::client::Outbound;
use crate::outbound::error::SendError;

#[derive(Deserialize)]
struct Answer {
    result: NameAnswer,
}

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
        match provider {
            Some(provider) => self.ask_about(provider, &told(asked), handed_in).await,
            None => self.played(|| self.registry_of_names.answer(asked)),
        }
    }

    /// The same of the social insurance.
    pub async fn check_insured(
        &self,
        provider: Option<(&str, &Secret)>,
        asked: &NameAsked<'_>,
        handed_in: (&Clock, &Random),
    ) -> Result<NameAnswer, SendError> {
        match provider {
            Some(provider) => self.ask_about(provider, &told(asked), handed_in).await,
            None => self.played(|| self.social_insurance.answer(asked)),
        }
    }

    /// The same with `challenge` and `reading`: what a reader made of a card and of our challenge.
    pub async fn check_card(
        &self,
        provider: Option<(&str, &Secret)>,
        asked: &CardAsked<'_>,
        handed_in: (&Clock, &Random),
    ) -> Result<NameAnswer, SendError> {
        let Some(provider) = provider else {
            return self.played(|| self.card_reader.answer(&asked.whose));
        };
        let mut body = told(&asked.whose);
        body["challenge"] = json!(asked.challenge);
        body["reading"] = json!(asked.reading);
        self.ask_about(provider, &body, handed_in).await
    }

    async fn ask_about(
        &self,
        provider: (&str, &Secret),
        body: &Value,
        handed_in: (&Clock, &Random),
    ) -> Result<NameAnswer, SendError> {
        let answer: Answer = self.ask_signed(provider, body, handed_in).await?;
        Ok(answer.result)
    }
}

fn told(asked: &NameAsked<'_>) -> Value {
    json!({"name": asked.name, "document_type": asked.document_type, "number": asked.number})
}
