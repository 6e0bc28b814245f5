//! Whom a token speaks of: the `sub` that a client knows a person by (OIDC Core §8).

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::base::id::PersonId;
use crate::base::secret::keyed_hash;
use crate::flows::Ctx;
use crate::realm::client::Client;

/// `sub`: the person's id, or one that differs for each client (OIDC Core §8.1).
pub fn subject(ctx: &Ctx, client: &Client, person: PersonId) -> String {
    if !client.pairwise {
        return person.to_string();
    }
    let parts: [&[u8]; 2] = [client.client_id.as_bytes(), person.0.as_bytes()];
    BASE64_URL_SAFE_NO_PAD.encode(keyed_hash(&ctx.services.secrets.pairwise, &parts))
}
