//! Whether a certificate was revoked: whoever stands in a list that was fetched is; of others the responder
//! is asked, where there is one, and else the lists decide. Who says nothing is not believed to say yes.

use std::sync::Arc;

use crate::certificate::{Crl, Distrust, Path, ocsp, worse};
use crate::flows::certificate::lists;
use crate::flows::{Ctx, Fault};
use crate::realm::certificates::{Authority, Revocation};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Known {
    Good,
    Revoked,
    /// Nobody says, and the realm wants to know.
    Nothing,
}

pub async fn look(ctx: &Ctx, authority: &Authority, path: &Path) -> Result<Known, Fault> {
    let lists = lists::of(ctx, authority).await?;
    let known: Vec<&Crl> = lists.iter().map(Arc::as_ref).collect();
    let now = ctx.now();
    let between = path.between_by_lists(&known, now);
    let listed = path.leaf_by_lists(&known, now);
    // Whoever is revoked is not asked about: an answer from before it could be shown again.
    let judged = match worse(between, listed) {
        revoked @ Err(Distrust::Revoked { .. }) => revoked,
        _ => worse(
            between,
            match by_responder(ctx, authority, path).await {
                Some(answered @ (Ok(()) | Err(Distrust::Revoked { .. }))) => answered,
                _ => listed,
            },
        ),
    };
    Ok(match (judged, authority.revocation) {
        (Ok(()), _) => Known::Good,
        (Err(Distrust::Revoked { .. }), _) => Known::Revoked,
        (Err(why), Revocation::Soft) => {
            tracing::warn!(
                ?why,
                authority = authority.id,
                "Took a certificate that may be revoked"
            );
            Known::Good
        }
        (Err(why), Revocation::Hard) => {
            tracing::warn!(?why, authority = authority.id, "Nobody says what was revoked");
            Known::Nothing
        }
    })
}

/// `None`: there is no responder, or it could not be asked.
async fn by_responder(
    ctx: &Ctx,
    authority: &Authority,
    path: &Path,
) -> Option<Result<(), Distrust>> {
    let url = authority.ocsp.as_deref()?;
    let nonce = ctx.random().short_token();
    let question = ocsp::question(path.leaf(), path.issuer(), nonce.as_bytes())?;
    let services = &ctx.services;
    let asked = services.outbound.ask_ocsp(url, question, ocsp::LONGEST, &services.clock).await;
    match asked {
        Ok(answer) => {
            Some(ocsp::judge(&answer, path.leaf(), path.issuer(), nonce.as_bytes(), ctx.now()))
        }
        Err(error) => {
            tracing::warn!(%error, authority = authority.id, "A responder could not be asked");
            None
        }
    }
}
