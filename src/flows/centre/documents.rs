//! 【个人证件管理】: one's own documents, and a further one (D-04 to D-10). What was typed is checked first,
//! then a face is shown, and only then is anything kept.

use crate::domain::login::{Errand, LoginTransaction, Then};
use crate::domain::new_document::{NewDocument, TypedDocument};
use crate::domain::person::IdentityDocument;
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::flows::sign_in::level::check_new_name;
use crate::flows::sign_in::log::passed;
use crate::flows::sign_in::{new_document, step_up, transaction};
use crate::flows::{Ctx, Fault, Stop, people};

/// Begun within a day; whoever adds more is trying numbers out.
const MOST_A_DAY: u32 = 10;

/// Those that count, the oldest first; nothing is ever deleted (D-10).
pub async fn list(ctx: &Ctx, session: &Session) -> Result<Vec<IdentityDocument>, Fault> {
    Ok(ctx.rows().people().documents(session.person).await?)
}

/// Checks what was typed and leads to the scan. Whether somebody else holds the number is not told before
/// the face was seen.
pub async fn begin(
    ctx: &Ctx,
    session: &Session,
    typed: &TypedDocument,
    then: Then,
) -> Result<LoginTransaction, Stop> {
    let new = check(ctx, session, typed).await?;
    let rate = format!("document/{}", session.person);
    let (count, retry_after) = ctx.ephemeral().count(&rate, 86_400).await?;
    if count > MOST_A_DAY {
        return Err(Refusal::OtpRate { retry_after }.into());
    }
    let is_named = check_new_name(ctx, session.person, &new).await?;
    let errand = Errand::Document(new_document::seal(ctx, typed, is_named));
    Ok(step_up::begin(ctx, session, errand, then).await?.ok_or(Refusal::State)?)
}

async fn check(ctx: &Ctx, session: &Session, typed: &TypedDocument) -> Result<NewDocument, Stop> {
    let today = ctx.now().day();
    let new = typed.parse(today)?;
    let rows = ctx.rows().people();
    let person = rows.find(session.person).await?.ok_or(Refusal::State)?;
    // A void one, too: its day of birth is still true.
    let held = rows.documents_of(&[session.person]).await?;
    // A card of this kind with another number takes the place of the one that is held (D-08).
    let others: Vec<_> = held.into_iter().filter(|one| one.kind != new.number.kind).collect();
    new.check_of(&person, &others, today)?;
    Ok(new)
}

/// The scan was passed: the person holds the document from now on. `E_TAKEN`: somebody else does. `E_BUSY`: what was
/// asked by its number is being answered, and the same can be asked once more.
pub async fn finish(ctx: &Ctx, transaction: &LoginTransaction) -> Result<NewDocument, Stop> {
    let proved = transaction.proved().ok_or(Refusal::State)?;
    let factor = proved.second.passed().ok_or(Refusal::State)?;
    let new = new_document::open(ctx, transaction).ok_or(Refusal::State)?;
    let enterprises = people::asked_by(ctx.rows(), proved.person, &new.number).await?;
    let (tx, session, _) = step_up::conclude_about(ctx, transaction, &enterprises).await?;
    tx.note(passed(&session, factor));
    let is_held = people::add_document(ctx, &tx, session.person, &new).await?;
    if is_held {
        tx.commit().await?;
    } else {
        drop(tx);
        // Nothing of it stays but that it was tried, once.
        transaction::abandon(ctx, transaction).await?;
    }
    ctx.forget(&transaction::LOGIN, &transaction.id).await;
    if is_held { Ok(new) } else { Err(Refusal::Taken.into()) }
}
