//! What somebody has agreed to: each text in the version that was shown to them. One that has changed since is
//! not kept, and is asked again (E-20).

use crate::base::id::AccountId;
use crate::domain::audit::AuditEvent;
use crate::flows::{Ctx, Fault};
use crate::realm::Agreement;
use crate::store::Tx;
use crate::store::accounts::Acceptance;

/// A text's id and the version that was shown.
pub type Agreed = (String, String);

/// Whether each of these was agreed to as it stands.
pub fn are_agreed<'a>(mut wanted: impl Iterator<Item = &'a Agreement>, agreed: &[Agreed]) -> bool {
    wanted.all(|one| is_agreed(one, agreed))
}

fn is_agreed(one: &Agreement, agreed: &[Agreed]) -> bool {
    agreed.iter().any(|(id, version)| *id == one.id && *version == one.version)
}

/// Keeps what was agreed to, of those texts that still stand. `channel`: `web` or `phone`.
pub async fn accept(
    ctx: &Ctx,
    tx: &Tx<'_>,
    account: AccountId,
    agreed: &[Agreed],
    channel: &'static str,
) -> Result<(), Fault> {
    for one in ctx.realm.agreements.iter().filter(|one| is_agreed(one, agreed)) {
        let acceptance = Acceptance {
            document: &one.id,
            version: &one.version,
            text_hash: &one.text_hash,
            at: ctx.now(),
            channel,
            ip: ctx.ip,
        };
        tx.rows().accounts().accept_agreement(ctx.new_row_id(), account, &acceptance).await?;
        let (document, version) = (one.id.clone(), one.version.clone());
        tx.note(AuditEvent::AgreementAccepted { account, document, version });
    }
    Ok(())
}
