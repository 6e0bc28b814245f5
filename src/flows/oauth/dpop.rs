//! Tokens that are worth something only together with a key (RFC 9449): the proof of a request is
//! checked, and used up.

use crate::ephemeral::Share;
use crate::flows::{Ctx, Stop};
use crate::jose::jwt::verify_embedded;
use crate::oidc::dpop::{LIFETIME, ProofClaims, TYPE, check};
use crate::oidc::error::{ErrorCode, OAuthError};

/// What a request shows of keys: its `DPoP` headers, its method and its path below the issuer.
pub struct Shown<'a> {
    pub proofs: &'a [String],
    pub method: &'a str,
    pub path: &'a str,
}

/// An access token, and the scheme it came with.
pub struct Presented<'a> {
    pub token: &'a str,
    pub is_dpop: bool,
    pub shown: Shown<'a>,
}

/// The thumbprint of the key that a request proves; `None` when it proves none. `share`: whose making
/// the mark is that the proof was used.
pub async fn key(
    ctx: &Ctx,
    shown: &Shown<'_>,
    access_token: Option<&str>,
    share: Share,
) -> Result<Option<String>, Stop> {
    let wrong = |reason| Err(OAuthError::new(ErrorCode::InvalidDpopProof, reason).into());
    let proof = match shown.proofs {
        [] => return Ok(None),
        [only] => only,
        _ => return wrong("more than one proof"),
    };
    let Ok(proof) = verify_embedded::<ProofClaims>(TYPE, proof) else {
        return wrong("the proof does not verify");
    };
    let url = ctx.realm.url(shown.path);
    check(&proof.claims, shown.method, &url, access_token, ctx.now().0)?;
    let seen = format!("dpop/{}/{}", proof.thumbprint, proof.claims.jti);
    if !ctx.ephemeral().mark_in(share, &seen, 2 * LIFETIME).await? {
        return wrong("the proof was used before");
    }
    Ok(Some(proof.thumbprint))
}

/// Whether the token was presented as its own claims demand: bound ones with their key, others as
/// bearer tokens (RFC 9449 §7.2).
pub async fn fits(
    ctx: &Ctx,
    presented: &Presented<'_>,
    bound_to: Option<&str>,
) -> Result<(), Stop> {
    let invalid = |reason| Err(OAuthError::new(ErrorCode::InvalidToken, reason).into());
    let Some(bound_to) = bound_to else {
        return match presented.is_dpop {
            true => invalid("the access token is not bound to a key"),
            false => Ok(()),
        };
    };
    if !presented.is_dpop {
        return invalid("the access token is bound to a key");
    }
    match key(ctx, &presented.shown, Some(presented.token), Share::Proved).await? {
        Some(key) if key == bound_to => Ok(()),
        Some(_) => invalid("the access token is bound to another key"),
        None => {
            Err(OAuthError::new(ErrorCode::InvalidDpopProof, "no proof beside the token").into())
        }
    }
}
