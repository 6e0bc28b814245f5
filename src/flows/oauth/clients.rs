//! Who is calling: the registered client behind what a request presents.

use std::sync::Arc;

use crate::flows::{Ctx, Stop};
use crate::jose::jwt::verify_foreign;
use crate::oidc::client_auth::{AssertionClaims, Presented, presented};
use crate::oidc::discovery::path;
use crate::oidc::error::OAuthError;
use crate::oidc::params::Params;
use crate::realm::client::{Client, Credential};

/// An assertion may not live longer than this (seconds).
const LONGEST_ASSERTION: i64 = 600;
/// How far other clocks may be ahead of ours.
const SKEW: i64 = 10;

/// The client, authenticated by its registered method and no other.
pub async fn authenticate(
    ctx: &Ctx,
    authorization: Option<&str>,
    params: &Params,
) -> Result<Arc<Client>, Stop> {
    let presented = presented(authorization, params)?;
    match presented {
        Presented::Basic { client_id, secret } => known(ctx, &client_id, |client| {
            matches!(&client.credential,
                Credential::Basic(hash) if hash.fits(&secret))
        }),
        Presented::Post { client_id, secret } => known(ctx, &client_id, |client| {
            matches!(&client.credential,
                Credential::Post(hash) if hash.fits(&secret))
        }),
        Presented::Nothing { client_id } => {
            known(ctx, &client_id, |client| matches!(client.credential, Credential::Public))
        }
        Presented::Assertion { client_id, assertion } => {
            check_assertion(ctx, client_id.as_deref(), &assertion).await
        }
    }
}

/// The same answer for an unknown client and a wrong secret.
fn known(
    ctx: &Ctx,
    client_id: &str,
    proves: impl Fn(&Client) -> bool,
) -> Result<Arc<Client>, Stop> {
    let client = ctx.realm.clients.get(client_id).filter(|client| proves(client));
    Ok(client.cloned().ok_or_else(|| OAuthError::client("client authentication failed"))?)
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
    let Some(client) = ctx.realm.clients.get(&client_id) else {
        return refused("client authentication failed");
    };
    let Credential::PrivateKeyJwt(keys) = &client.credential else {
        return refused("client authentication failed");
    };
    let Ok(claims) = verify_foreign::<AssertionClaims>(keys, assertion) else {
        return refused("the assertion does not verify");
    };
    let now = ctx.now().0;
    let audience =
        claims.aud.holds(&ctx.realm.issuer) || claims.aud.holds(&ctx.realm.url(path::TOKEN));
    if claims.iss != client_id || claims.sub != client_id || !audience {
        return refused("iss, sub or aud of the assertion is wrong");
    }
    if claims.exp <= now || claims.exp > now + LONGEST_ASSERTION {
        return refused("exp of the assertion is past or too far");
    }
    if claims.nbf.is_some_and(|from| from > now + SKEW) {
        return refused("the assertion is not valid yet");
    }
    let Some(jti) = claims.jti.filter(|jti| (1..=256).contains(&jti.len())) else {
        return refused("the assertion has no jti");
    };
    let key = format!("{client_id}/{jti}");
    if !ctx.ephemeral().mark(&key, LONGEST_ASSERTION + SKEW).await? {
        return refused("the assertion was used before");
    }
    Ok(Arc::clone(client))
}

fn unverified_subject(assertion: &str) -> Option<String> {
    use base64::Engine;
    let payload = assertion.split('.').nth(1)?;
    let bytes = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    Some(claims.get("sub")?.as_str()?.to_owned())
}
