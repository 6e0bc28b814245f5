//! The whole history of an enterprise's relations as the bureau asks for it, also what either side has
//! cleared from its own view (AC-40, X-19).

use crate::base::id::EnterpriseId;
use crate::domain::audit::AuditEvent;
use crate::domain::authorisation::{Authorisation, HistoryEntry};
use crate::domain::enterprise::Enterprise;
use crate::domain::help::Helper;
use crate::domain::number::taxpayer::TaxpayerNumber;
use crate::domain::person::Person;
use crate::domain::refusal::Refusal;
use crate::flows::officer::{Subject, look};
use crate::flows::{Ctx, Fault, Stop};

/// Records in one answer.
pub const A_PAGE: usize = 200;

/// A relation that is over, whoever still sees it.
pub struct Ended {
    pub entry: HistoryEntry,
    pub authorisation: Authorisation,
    pub person: Person,
}

/// Newest first, after the first `skipped`; `None` where no enterprise has the number. The look leaves
/// its trace: `by` is the client that asks.
pub async fn whole_history(
    ctx: &Ctx,
    by: &str,
    number: &str,
    skipped: usize,
) -> Result<Option<Vec<Ended>>, Fault> {
    let rows = ctx.rows();
    let number = TaxpayerNumber::asked(number);
    let Some(enterprise) = rows.enterprises().find_by_number(&number).await? else {
        return Ok(None);
    };
    let found = rows.relations().whole_history(enterprise.id, skipped, A_PAGE).await?;
    let tx = ctx.begin().await?;
    tx.note(AuditEvent::HistoryRead { by: by.to_owned(), enterprise: enterprise.id });
    tx.commit().await?;
    Ok(Some(found.into_iter().map(ended).collect()))
}

fn ended((entry, authorisation, person): (HistoryEntry, Authorisation, Person)) -> Ended {
    Ended { entry, authorisation, person }
}

/// The same for an officer at the console; `E_STATE`: no enterprise has the id.
pub async fn history_for(
    ctx: &Ctx,
    officer: &Helper,
    id: EnterpriseId,
    skipped: usize,
) -> Result<(Enterprise, Vec<Ended>), Stop> {
    let rows = ctx.rows();
    let enterprise = rows.enterprises().find(id).await?.ok_or(Refusal::State)?;
    let found = rows.relations().whole_history(id, skipped, A_PAGE).await?;
    let subject = Subject { enterprise: Some(id), ..Subject::default() };
    look(ctx, officer, "read-history", subject).await?;
    Ok((enterprise, found.into_iter().map(ended).collect()))
}
