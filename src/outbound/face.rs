//! The face check of a provider: started for a person, done on the phone at the provider's own
//! address, and believed only when the provider is asked for the result. The sandbox plays the
//! provider where there is none: in the demo and in tests.

use serde::Deserialize;
use serde_json::json;

use crate::base::clock::Clock;
use crate::base::random::Random;
use crate::base::secret::Secret;
use crate::outbound::asked::{FaceRequest, FaceStarted, FaceState};
use crate::outbound::client::Outbound;
use crate::outbound::error::SendError;

/// A provider's address and the secret its requests are signed with.
pub type FaceProvider<'a> = Option<(&'a str, &'a Secret)>;

impl Outbound {
    pub async fn start_face(
        &self,
        provider: FaceProvider<'_>,
        asked: &FaceRequest<'_>,
        handed_in: (&Clock, &Random),
    ) -> Result<FaceStarted, SendError> {
        let Some((url, secret)) = provider else {
            return self.played(|| self.sandbox.start(asked, handed_in.1.short_token()));
        };
        let body = json!({
            "order": asked.order, "name": asked.name, "document_type": asked.document_type,
            "number": asked.number, "return_url": asked.return_url,
        });
        self.ask_signed((&format!("{url}/start"), secret), &body, handed_in).await
    }

    pub async fn face_result(
        &self,
        provider: FaceProvider<'_>,
        handle: &str,
        handed_in: (&Clock, &Random),
    ) -> Result<FaceState, SendError> {
        #[derive(Deserialize)]
        struct Answer {
            state: FaceState,
        }
        let Some((url, secret)) = provider else {
            return self.played(|| self.sandbox.result(handle));
        };
        let body = json!({"handle": handle});
        let answer: Answer =
            self.ask_signed((&format!("{url}/result"), secret), &body, handed_in).await?;
        Ok(answer.state)
    }
}
