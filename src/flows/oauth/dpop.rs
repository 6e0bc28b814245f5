//! Tokens that are worth something only together with a key (RFC 9449): the proof of a request is
//! checked, and used up.

use crate::base::secret::Hashed;
use crate::flows::{Ctx, Stop};
use crate::jose::jwt::verify_embedded;
use crate::oidc::claims::AccessClaims;
use crate::oidc::dpop::{LIFETIME, ProofClaims, TYPE, check};
use crate::oidc::error::{ErrorCode, OAuthError};
use crate::realm::client::Credential;

/// How long a proof that was used is remembered.
const SECONDS: i64 = 2 * LIFETIME;

/// Proofs in that time of one person with an application that they have in their hands, whatever they signed in to
/// how often: five a second, so that nobody fills what those at the same address share.
const PROOFS_OF_PERSON: u32 = 600;

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

/// A proof that fits its request. It counts once it is used up.
pub struct Proof {
    pub thumbprint: String,
    jti: String,
}

/// `None` where the request proves nothing. `access_token`: the one it is shown with.
pub fn read(
    ctx: &Ctx,
    shown: &Shown<'_>,
    access_token: Option<&str>,
) -> Result<Option<Proof>, OAuthError> {
    let wrong = |reason| Err(OAuthError::new(ErrorCode::InvalidDpopProof, reason));
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
    Ok(Some(Proof { thumbprint: proof.thumbprint, jti: proof.claims.jti }))
}

impl Proof {
    /// Refuses one that was used before. Asked last, of who has shown something beside it that is real:
    /// anybody can make keys and proofs without end, and each leaves a mark here. `subject`: the person
    /// of what it came with, as the client knows them.
    pub async fn use_up(
        &self,
        ctx: &Ctx,
        client_id: &str,
        subject: Option<&str>,
    ) -> Result<(), Stop> {
        let client = ctx.realm.clients.get(client_id);
        let is_server =
            client.is_some_and(|client| !matches!(client.credential, Credential::Public));
        let kept = match is_server {
            // One for all its people.
            true => ctx.ephemeral().by_client(client_id),
            false => ctx.ephemeral().by_people(),
        };
        if let Some(subject) = subject.filter(|_| !is_server) {
            let (n_now, _) = kept.count(&format!("dpop/{subject}"), SECONDS).await?;
            if n_now > PROOFS_OF_PERSON {
                let reason = "too many proofs within two minutes";
                return Err(OAuthError::new(ErrorCode::TemporarilyUnavailable, reason).into());
            }
        }
        let seen = format!("dpop/{}/{}", self.thumbprint, Hashed::of(&self.jti).to_text());
        if kept.mark(&seen, SECONDS).await? {
            return Ok(());
        }
        let reason = "the proof was used before";
        Err(OAuthError::new(ErrorCode::InvalidDpopProof, reason).into())
    }
}

/// Whether the token was presented as its own claims demand: bound ones with their key, others as
/// bearer tokens (RFC 9449 §7.2). `subject`: the person behind it.
pub async fn fits(
    ctx: &Ctx,
    presented: &Presented<'_>,
    claims: &AccessClaims,
    subject: Option<&str>,
) -> Result<(), Stop> {
    let invalid = |reason| Err(OAuthError::new(ErrorCode::InvalidToken, reason).into());
    let Some(bound_to) = claims.cnf.as_ref().map(|cnf| cnf.jkt.as_str()) else {
        return match presented.is_dpop {
            true => invalid("the access token is not bound to a key"),
            false => Ok(()),
        };
    };
    if !presented.is_dpop {
        return invalid("the access token is bound to a key");
    }
    match read(ctx, &presented.shown, Some(presented.token))? {
        Some(proof) if proof.thumbprint == bound_to => {
            proof.use_up(ctx, &claims.client_id, subject).await
        }
        Some(_) => invalid("the access token is bound to another key"),
        None => {
            Err(OAuthError::new(ErrorCode::InvalidDpopProof, "no proof beside the token").into())
        }
    }
}
