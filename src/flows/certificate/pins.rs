//! What the account centre has of certificates (AC-44 to AC-46): those on the token as far as the page
//! tells of them, and that a PIN was changed. The PIN itself never comes here.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::base::clock::Timestamp;
use crate::base::id::EnterpriseId;
use crate::certificate::{Certificate, Kind};
use crate::domain::acting::ActingIdentity;
use crate::domain::audit::AuditEvent;
use crate::domain::refusal::{CertificateFault, Refusal};
use crate::domain::session::Session;
use crate::flows::certificate::asking::MOST_SENT;
use crate::flows::certificate::worth;
use crate::flows::{Ctx, Fault, Stop};

/// Tokens of one person at once.
const MOST: usize = 16;

/// One certificate of the token.
pub struct OnToken {
    pub subject: String,
    pub issuer: String,
    pub serial: String,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    pub is_national: bool,
    pub state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It signs this enterprise in.
    Bound,
    /// Of this enterprise's or another's, but nobody has told us that it has it.
    Unbound,
    Expired,
    Untrusted,
}

/// The enterprise that somebody works in; agents and people by themselves have none.
pub fn enterprise(identity: &ActingIdentity) -> Option<EnterpriseId> {
    match identity {
        ActingIdentity::Enterprise(one) => Some(one.enterprise.id),
        _ => None,
    }
}

/// `ders`, and `chain` that stands above any of them: base64, parted by spaces. What cannot be read is left out.
pub async fn shown(
    ctx: &Ctx,
    own: EnterpriseId,
    ders: &str,
    chain: &str,
) -> Result<Vec<OnToken>, Fault> {
    let (certificates, beside) = (read(ders, MOST), read(chain, MOST_SENT));
    let mut found = Vec::new();
    for certificate in certificates {
        let state = state(ctx, own, &certificate, &beside).await?;
        found.push(OnToken {
            subject: certificate.subject_shown(),
            issuer: certificate.issuer_shown(),
            serial: certificate.serial_shown(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            is_national: certificate.kind().is_some_and(Kind::is_national),
            state,
        });
    }
    Ok(found)
}

fn read(texts: &str, most: usize) -> Vec<Certificate> {
    let one = |text: &str| Certificate::parse(&BASE64_STANDARD.decode(text).ok()?).ok();
    texts.split(' ').take(most).filter_map(one).collect()
}

async fn state(
    ctx: &Ctx,
    own: EnterpriseId,
    certificate: &Certificate,
    beside: &[Certificate],
) -> Result<State, Fault> {
    let authority = match worth::trusted(ctx, certificate, beside) {
        Ok((authority, _)) => authority,
        Err(Refusal::Certificate(CertificateFault::Expired)) => return Ok(State::Expired),
        Err(_) => return Ok(State::Untrusted),
    };
    let bound = worth::bound(ctx, authority, certificate).await?;
    let is_own = bound.is_some_and(|enterprise| enterprise.id == own);
    Ok(if is_own { State::Bound } else { State::Unbound })
}

/// The page says that the agent has changed a PIN; the server learns only that it happened (AC-45).
pub async fn changed(ctx: &Ctx, session: &Session, own: EnterpriseId) -> Result<(), Stop> {
    let tx = ctx.begin().await?;
    tx.note(AuditEvent::CertificatePinChanged { person: session.person, enterprise: own });
    tx.commit().await?;
    Ok(())
}
