//! The first step of the door for certificates: from the signed challenge to the enterprise.

use crate::certificate::challenge::Purpose;
use crate::domain::audit::AuditEvent;
use crate::domain::entrance::Entrance;
use crate::domain::factor::{KeyStorage, Way};
use crate::domain::login::{Certified, LoginTransaction};
use crate::domain::refusal::{NoIdentity, Refusal};
use crate::flows::certificate::asking::{Answer, Asked, ask, signer};
use crate::flows::certificate::handlers;
use crate::flows::certificate::worth::{self, Good};
use crate::flows::sign_in::log::record_refused;
use crate::flows::sign_in::transaction::{advance, audience};
use crate::flows::sign_in::typed::{Credentials, Typed};
use crate::flows::{Ctx, Stop};

/// A new challenge for a page of this sign-in.
pub fn challenge(ctx: &Ctx, transaction: &LoginTransaction) -> Asked {
    ask(ctx, &transaction.id, Purpose::Login)
}

/// The door for certificates of this id, if the application that waits may be reached through it.
pub fn door<'c>(ctx: &'c Ctx, transaction: &LoginTransaction, id: &str) -> Option<&'c Entrance> {
    let wanted = audience(ctx, transaction);
    let mut doors = ctx.realm.certificate_doors().map(|known| &known.entrance);
    doors.find(|one| {
        (id.is_empty() || one.id == id) && wanted.is_none_or(|wanted| wanted == one.audience)
    })
}

/// The sign-in is about the certificate's enterprise from now on; what is refused stands in the log.
pub async fn sign_in(
    ctx: &Ctx,
    transaction: &LoginTransaction,
    entrance: &str,
    answer: Answer<'_>,
) -> Result<LoginTransaction, Stop> {
    let Some(door) = door(ctx, transaction, entrance) else {
        return Err(Refusal::format("entrance").into());
    };
    // A signature is nothing to guess, and a hall signs in from one address: no answers are counted, and
    // what judging costs is bounded by those who may be at work at once.
    let signer = signer(ctx, &transaction.id, Purpose::Login, answer);
    let signer = match Stop::refusal(signer.await)? {
        Ok(signer) => signer,
        Err(refusal) => return refused(ctx, door, None, refusal).await,
    };
    match Stop::refusal(worth::of(ctx, &signer).await)? {
        Ok(good) => {
            tracing::info!(
                authority = good.authority.id,
                serial = signer.certificate.serial_shown(),
                "A certificate has signed in"
            );
            enter(ctx, transaction, door, &good).await
        }
        Err(refusal) => {
            let whose = worth::whose(ctx, &signer).await?;
            refused(ctx, door, whose.as_ref(), refusal).await
        }
    }
}

async fn enter(
    ctx: &Ctx,
    transaction: &LoginTransaction,
    door: &Entrance,
    good: &Good<'_>,
) -> Result<LoginTransaction, Stop> {
    let certified = Certified {
        entrance: door.id.clone(),
        enterprise: good.enterprise.id,
        authority: good.authority.id.clone(),
        keys: good.authority.keys,
    };
    if handlers::list(ctx, &certified).await?.is_empty() {
        let is_alive = good.enterprise.status.is_alive();
        let why = if is_alive { NoIdentity::None } else { NoIdentity::Deregistered };
        return refused(ctx, door, Some(good), Refusal::NoIdentity(why)).await;
    }
    let event = AuditEvent::CertificateAccepted {
        enterprise: good.enterprise.id,
        authority: good.authority.id.clone(),
    };
    let next = transaction.certified_by(certified)?;
    // Before it counts: nothing is accepted without a trace.
    let tx = ctx.begin().await?;
    tx.note(event);
    tx.commit().await?;
    advance(ctx, transaction, next).await
}

/// What is refused, in the log: with the enterprise as soon as its certificate is known, so that its managers
/// see the attempt.
async fn refused(
    ctx: &Ctx,
    door: &Entrance,
    whose: Option<&Good<'_>>,
    refusal: Refusal,
) -> Result<LoginTransaction, Stop> {
    let form = Credentials { entrance: door.id.clone(), ..Credentials::default() };
    let typed = Typed { enterprise: whose.map(|good| good.enterprise.id), ..Typed::nobody() };
    let keys = whose.map_or(KeyStorage::Software, |good| good.authority.keys);
    record_refused(ctx, &form, &typed, Way::Certificate(keys), &refusal).await?;
    Err(refusal.into())
}
