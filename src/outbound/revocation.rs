//! Revocation lists and OCSP: fetched from the addresses that the realm names and never from those that a
//! certificate does, which a stranger chooses. No redirect is followed, and an answer longer than
//! the caller takes is none.

use bytes::BytesMut;

use crate::base::clock::Clock;
use crate::outbound::client::{Outbound, succeeded};
use crate::outbound::error::SendError;

impl Outbound {
    /// At most `longest` bytes.
    pub async fn fetch_list(&self, url: &str, longest: usize) -> Result<Vec<u8>, SendError> {
        let request = self.client.get(url).timeout(self.timeouts.list);
        whole(succeeded(request).await?, longest).await
    }

    /// RFC 6960, appendix A. A responder that keeps failing is left alone for a while.
    pub async fn ask_ocsp(
        &self,
        url: &str,
        question: Vec<u8>,
        longest: usize,
        clock: &Clock,
    ) -> Result<Vec<u8>, SendError> {
        if self.breakers.is_open(url, clock.now()) {
            return Err(SendError::away("the responder is left alone for a while"));
        }
        let request = self
            .client
            .post(url)
            .timeout(self.timeouts.gateway)
            .header("Content-Type", "application/ocsp-request")
            .header("Accept", "application/ocsp-response")
            .body(question);
        let answer = match succeeded(request).await {
            Ok(response) => whole(response, longest).await,
            Err(error) => Err(error),
        };
        self.breakers.note(url, answer.is_err(), clock.now());
        answer
    }
}

async fn whole(mut response: reqwest::Response, longest: usize) -> Result<Vec<u8>, SendError> {
    let mut bytes = BytesMut::new();
    while let Some(part) = response.chunk().await.map_err(SendError::told)? {
        if bytes.len() + part.len() > longest {
            return Err(SendError::away("the answer is too long"));
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes.to_vec())
}
