//! Who is calling: the registered client behind what a request presents.

use std::sync::Arc;

use crate::base::secret::Hashed;
use crate::flows::oauth::asking;
use crate::flows::{Ctx, Stop};
use crate::jose::jwt::verify_foreign;
use crate::oidc::client_auth::{AssertionClaims, Presented, presented};
use crate::oidc::discovery::path;
use crate::oidc::error::{ErrorCode, OAuthError};
use crate::oidc::params::Params;
use crate::realm::client::{Client, Credential};

/// An assertion may not live longer than this (seconds).
const LONGEST_ASSERTION: i64 = 600;
/// How far other clocks may be ahead of ours.
const SKEW: i64 = 10;

/// The client, authenticated by what it is registered with and nothing else.
pub async fn authenticate(
    ctx: &Ctx,
    authorization: Option<&str>,
    params: &Params,
) -> Result<Arc<Client>, Stop> {
    let presented = presented(authorization, params);
    asking::with(params, presented.as_ref().ok().and_then(Presented::client_id));
    let outcome = match presented {
        Ok(presented) => believe(ctx, presented).await,
        Err(error) => Err(error.into()),
    };
    outcome.map_err(|stop| match stop {
        Stop::Client(error) if error.code == ErrorCode::InvalidClient => {
            Stop::Client(OAuthError { in_header: authorization.is_some(), ..error })
        }
        other => other,
    })
}

async fn believe(ctx: &Ctx, presented: Presented) -> Result<Arc<Client>, Stop> {
    match presented {
        Presented::Basic { client_id, secret } | Presented::Post { client_id, secret } => {
            let client = known(ctx, &client_id)?;
            match &client.credential {
                Credential::Secret(hash) if hash.fits(&secret) => Ok(client),
                Credential::Secret(_) => Err(unproved("the secret is wrong")),
                Credential::PrivateKeyJwt(_) => Err(unproved(
                    "a secret came, and the client is registered with private_key_jwt",
                )),
                Credential::Public => {
                    Err(unproved("a secret came, and the client is registered without one"))
                }
            }
        }
        Presented::Nothing { client_id } => {
            let client = known(ctx, &client_id)?;
            match client.credential {
                Credential::Public => Ok(client),
                Credential::Secret(_) => {
                    Err(unproved("nothing came, and the client is registered with a secret"))
                }
                Credential::PrivateKeyJwt(_) => {
                    Err(unproved("nothing came, and the client is registered with private_key_jwt"))
                }
            }
        }
        Presented::Assertion { client_id, assertion } => {
            check_assertion(ctx, client_id.as_deref(), &assertion).await
        }
    }
}

fn known(ctx: &Ctx, client_id: &str) -> Result<Arc<Client>, Stop> {
    let known = ctx.realm.clients.get(client_id).cloned();
    known.ok_or_else(|| unproved("no client has this client_id"))
}

/// One answer to all; which of them it is, is the log's.
fn unproved(cause: &'static str) -> Stop {
    OAuthError::client("client authentication failed").because(cause).into()
}

/// RFC 7523 §3, one use each.
async fn check_assertion(
    ctx: &Ctx,
    named: Option<&str>,
    assertion: &str,
) -> Result<Arc<Client>, Stop> {
    let refused = |reason: &'static str| Err(OAuthError::client(reason).into());
    // The subject is read to find the keys; nothing is believed before they verify it.
    let Some(client_id) = named.map(str::to_owned).or_else(|| unverified_subject(assertion)) else {
        return refused("the assertion names no client");
    };
    if named.is_none() {
        asking::by(&client_id);
    }
    let client = known(ctx, &client_id)?;
    let Credential::PrivateKeyJwt(keys) = &client.credential else {
        return Err(unproved("an assertion came, and the client is registered without keys"));
    };
    let claims = match verify_foreign::<AssertionClaims>(keys, assertion) {
        Ok(claims) => claims,
        Err(error) => {
            let error = error.to_string();
            tracing::info!(error = asking::bounded(&error), "An assertion does not verify");
            return refused("the assertion does not verify");
        }
    };
    let now = ctx.now().0;
    let audience =
        claims.aud.holds(&ctx.realm.issuer) || claims.aud.holds(&ctx.realm.url(path::TOKEN));
    if claims.iss != client_id || claims.sub != client_id {
        return refused("iss or sub of the assertion is not the client");
    }
    if !audience {
        return refused("aud of the assertion is neither the issuer nor the token endpoint");
    }
    if claims.exp <= now {
        return refused("exp of the assertion is past");
    }
    if claims.exp > now + LONGEST_ASSERTION {
        return refused("exp of the assertion is too far");
    }
    if claims.nbf.is_some_and(|from| from > now + SKEW) {
        return refused("the assertion is not valid yet");
    }
    let Some(jti) = claims.jti.filter(|jti| (1..=256).contains(&jti.len())) else {
        return refused("the assertion has no jti");
    };
    // However long the name: as much of the room for each.
    let key = format!("assertion/{}", Hashed::of(&format!("{client_id}\n{jti}")).to_text());
    // Of the application, wherever its server is; one that is past is refused without its mark.
    let kept = ctx.ephemeral().by_client(&client_id);
    if !kept.mark(&key, claims.exp - now + SKEW).await? {
        return refused("the assertion was used before");
    }
    Ok(client)
}

fn unverified_subject(assertion: &str) -> Option<String> {
    use base64::Engine;
    let payload = assertion.split('.').nth(1)?;
    let bytes = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    Some(claims.get("sub")?.as_str()?.to_owned())
}
