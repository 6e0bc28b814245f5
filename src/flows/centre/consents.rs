//! What a person has allowed applications to learn of them: seen, and taken back. Then what the
//! application holds ends, and it hears of it.

use crate::domain::audit::AuditEvent;
use crate::domain::notice::NoticeKind;
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::flows::notify::cause::Cause;
use crate::flows::notify::person::tell_person;
use crate::flows::notify::tell::end_client;
use crate::flows::{Ctx, Fault, Stop};

pub use crate::store::consents::Consent;

pub async fn list(ctx: &Ctx, session: &Session) -> Result<Vec<Consent>, Fault> {
    Ok(ctx.rows().consents().of(session.person).await?)
}

/// `E_STATE` where there is none. The application is asked to be allowed anew.
pub async fn withdraw(ctx: &Ctx, session: &Session, client: &str) -> Result<(), Stop> {
    let tx = ctx.begin().await?;
    let rows = tx.rows();
    if !rows.consents().withdraw(session.person, client).await? {
        return Err(Refusal::State.into());
    }
    for id in rows.sessions().unended_of(session.account).await? {
        if let Some(one) = rows.sessions().find_live(id).await? {
            end_client(ctx, &tx, &one, client, Cause::ConsentWithdrawn).await?;
        }
    }
    tell_person(ctx, &tx, session.person, NoticeKind::ConsentWithdrawn, None).await?;
    let client = client.to_owned();
    tx.note(AuditEvent::ConsentWithdrawn { person: session.person, client });
    Ok(tx.commit().await?)
}
