//! The whole history of an enterprise's relations as the bureau asks for it, also what either side has
//! cleared from its own view (AC-40, X-19).

use crate::domain::audit::AuditEvent;
use crate::domain::authorisation::{Authorisation, HistoryEntry};
use crate::domain::number::taxpayer::TaxpayerNumber;
use crate::domain::person::Person;
use crate::flows::{Ctx, Fault};

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
    let ended = |(entry, authorisation, person)| Ended { entry, authorisation, person };
    Ok(Some(found.into_iter().map(ended).collect()))
}
