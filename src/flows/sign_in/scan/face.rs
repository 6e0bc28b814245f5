//! The face check behind a scan (E-12): the phone need not be signed in, the face must be that of
//! the person at the browser. A provider that is away never counts as passed.

use serde::{Deserialize, Serialize};

use crate::base::id::PersonId;
use crate::base::secret::Secret;
use crate::domain::acting::Acting;
use crate::domain::audit::AuditEvent;
use crate::domain::number::document::DocumentType;
use crate::domain::number::name::PersonName;
use crate::domain::place::Place;
use crate::domain::refusal::Refusal;
use crate::domain::scan::{Confirmed, Number, Scan, ScanState};
use crate::ephemeral::Slot;
use crate::flows::sign_in::guesses::knows;
use crate::flows::sign_in::scan::code;
use crate::flows::sign_in::{new_document, transaction};
use crate::flows::{Ctx, Fault, Stop};
use crate::outbound::asked::{FaceRequest, FaceState};
use crate::store::accounts::Acceptance;

const CHECKS_PER_PERSON_AND_DAY: u32 = 20;
const ORDER_SECONDS: i64 = 300;

/// A check on its way; one serves one scan, once.
#[derive(Clone, Serialize, Deserialize)]
struct Order {
    /// Whose face was compared.
    person: PersonId,
    scan: String,
    phone_key: String,
    handle: String,
    number: Number,
    /// Ticked for this check; kept once it is known that it was the person who ticked.
    has_ticked: bool,
}

const ORDER: Slot<Order> = Slot::new("face");

/// Whether the person has agreed to the face service already.
pub async fn has_agreed(ctx: &Ctx, person: PersonId) -> Result<bool, Fault> {
    let rows = ctx.rows();
    let Some(account) = rows.accounts().find_by_person(person).await? else { return Ok(false) };
    let wanted = ctx.realm.agreements_to_show_a_face();
    let wanted: Vec<(String, String)> =
        wanted.map(|one| (one.id.clone(), one.version.clone())).collect();
    Ok(rows.accounts().has_accepted(account.id, &wanted).await?)
}

async fn agree(ctx: &Ctx, person: PersonId) -> Result<(), Fault> {
    let account = ctx.rows().accounts().find_by_person(person).await?;
    let Some(account) = account else { return Ok(()) };
    let tx = ctx.begin().await?;
    for agreement in ctx.realm.agreements_to_show_a_face() {
        let acceptance = Acceptance {
            document: &agreement.id,
            version: &agreement.version,
            text_hash: &agreement.text_hash,
            at: ctx.now(),
            channel: "phone",
            ip: ctx.ip,
        };
        let row_id = ctx.new_row_id();
        tx.rows().accounts().accept_agreement(row_id, account.id, &acceptance).await?;
        tx.note(AuditEvent::AgreementAccepted {
            account: account.id,
            document: agreement.id.clone(),
            version: agreement.version.clone(),
        });
    }
    Ok(tx.commit().await?)
}

/// Where the phone goes for its check. `number`: typed on the phone; a wrong one ends the code.
pub async fn start(
    ctx: &Ctx,
    id: &str,
    phone_key: &str,
    number: Number,
    has_ticked: bool,
) -> Result<String, Stop> {
    let Some(found) = code::find(ctx, id).await? else { return Err(Refusal::ScanExpired.into()) };
    let Some(person) = found.purpose.person() else { return Err(Refusal::State.into()) };
    if !found.is_number(phone_key, Some(number), ctx.now())? {
        Stop::refusal(code::end(ctx, id, phone_key, ScanState::Failed).await)?.ok();
        return Err(Refusal::StepUpFailed.into());
    }
    if !has_ticked && !has_agreed(ctx, person).await? {
        return Err(Refusal::Agreement.into());
    }
    let ephemeral = ctx.ephemeral();
    // Whoever has the password somewhere else cannot use up the checks of a place of their own.
    let browser = Place::of(found.browser_ip);
    let rate = match knows(ctx, person, &browser).await? {
        true => format!("face/{person}/{browser}"),
        false => format!("face/{person}"),
    };
    let (count, retry_after) = ephemeral.count(&rate, 86_400).await?;
    if count > CHECKS_PER_PERSON_AND_DAY {
        return Err(Refusal::OtpRate { retry_after }.into());
    }
    let compared = compared(ctx, &found, person).await?.ok_or(Refusal::StepUpFailed)?;
    let order = ctx.random().token().expose().to_owned();
    let return_url = ctx.realm.url(&format!("/q/{id}/face?order={order}"));
    let asked = FaceRequest {
        order: &order,
        name: compared.name.as_str(),
        document_type: compared.kind.name(),
        number: &compared.number,
        return_url: &return_url,
    };
    let handed_in = (&ctx.services.clock, ctx.random());
    let started = ctx.services.outbound.start_face(provider(ctx), &asked, handed_in).await;
    let started = match started {
        Ok(started) => started,
        Err(error) => {
            tracing::warn!(%error, "The face check could not be started");
            ephemeral.uncount(&rate).await?;
            return Err(Refusal::FaceUnavailable.into());
        }
    };
    let kept = Order {
        person,
        scan: id.to_owned(),
        phone_key: phone_key.to_owned(),
        handle: started.handle,
        number,
        has_ticked,
    };
    ephemeral.put(&ORDER, &order_key(&order), &kept, ORDER_SECONDS).await?;
    Ok(started.url)
}

/// What a face is compared with.
struct Compared {
    name: PersonName,
    kind: DocumentType,
    number: String,
}

/// Name and document of the person; where they add a document, that one (D-07).
async fn compared(ctx: &Ctx, scan: &Scan, person: PersonId) -> Result<Option<Compared>, Fault> {
    let transaction = transaction::find(ctx, &scan.transaction).await?;
    if let Some(new) = transaction.and_then(|transaction| new_document::open(ctx, &transaction)) {
        let (kind, number) = (new.number.kind, new.number.as_str().to_owned());
        return Ok(Some(Compared { name: new.name, kind, number }));
    }
    let people = ctx.rows().people();
    let (known, documents) = (people.find(person).await?, people.documents(person).await?);
    let both = known.zip(documents.into_iter().next());
    Ok(both.map(|(known, one)| Compared { name: known.name, kind: one.kind, number: one.number }))
}

fn provider(ctx: &Ctx) -> Option<(&str, &Secret)> {
    ctx.realm.face.as_ref().map(|(url, secret)| (url.as_str(), secret))
}

fn order_key(order: &str) -> String {
    crate::base::secret::Hashed::of(order).to_text()
}

/// The phone is back. The redirect proves nothing: the provider is asked. `false`: still running.
pub async fn finish(ctx: &Ctx, id: &str, phone_key: &str, order: &str) -> Result<bool, Stop> {
    let kept = ctx.ephemeral().get(&ORDER, &order_key(order)).await?;
    let Some(kept) = kept.filter(|kept| kept.scan == id && kept.phone_key == phone_key) else {
        return Err(Refusal::State.into());
    };
    let handed_in = (&ctx.services.clock, ctx.random());
    let result = ctx.services.outbound.face_result(provider(ctx), &kept.handle, handed_in).await;
    let state = match result {
        Ok(FaceState::Pending) => return Ok(false),
        Ok(state) => state,
        Err(error) => {
            tracing::warn!(%error, "The result of a face check could not be fetched");
            return Err(Refusal::FaceUnavailable.into());
        }
    };
    if state == FaceState::Failed {
        Stop::refusal(code::end(ctx, id, phone_key, ScanState::Failed).await)?.ok();
        ctx.forget(&ORDER, &order_key(order)).await;
        return Err(Refusal::StepUpFailed.into());
    }
    let person = kept.person;
    let account = ctx.rows().accounts().find_by_person(person).await?;
    let Some(account) = account else { return Err(Refusal::StepUpFailed.into()) };
    if kept.has_ticked && !has_agreed(ctx, person).await? {
        agree(ctx, person).await?;
    }
    // The code's step to confirmed uses the order up.
    let who = Confirmed { person, account: account.id, acting: Acting::Personal };
    code::confirm(ctx, id, phone_key, who, Some(kept.number)).await?;
    ctx.forget(&ORDER, &order_key(order)).await;
    Ok(true)
}
