//! The face check behind a scan (E-12): the phone need not be signed in, the face must be that of
//! the person at the browser. A provider that is away never counts as passed.

use serde::{Deserialize, Serialize};

use crate::base::id::PersonId;
use crate::base::secret::Secret;
use crate::domain::acting::Acting;
use crate::domain::number::document::DocumentType;
use crate::domain::number::name::PersonName;
use crate::domain::place::Place;
use crate::domain::refusal::Refusal;
use crate::domain::scan::{Claim, Confirmed, Number, Purpose, Scan, ScanState};
use crate::ephemeral::Slot;
use crate::flows::aside::aside;
use crate::flows::limits::{self, Limit};
use crate::flows::people::{self, Agreed};
use crate::flows::sign_in::guesses::knows;
use crate::flows::sign_in::scan::{claim, code};
use crate::flows::sign_in::{lower, new_document, transaction};
use crate::flows::{Ctx, Fault, Stop};
use crate::outbound::asked::{FaceRequest, FaceState};

const CHECKS_PER_PERSON_AND_DAY: u32 = 20;
/// Of one document's claims from one place; beyond so many from everywhere a place has fewer, so
/// that a few strangers elsewhere close it for nobody. Places can be had by the thousand, and each check
/// is paid for: there is an end to all of them together, too.
const CHECKS_OF_PLACE: u32 = 5;
const CHECKS_IN_ALL: u32 = 20;
const CHECKS_OF_PLACE_BEYOND: u32 = 2;
const CHECKS_AT_MOST: u32 = 200;
/// Of all documents that are claimed from one address: more than a hall fails at in a day.
const CHECKS_OF_ADDRESS: u32 = 1000;

/// In place of a name where there is nobody.
const NOBODY: &str = "查无此人";
const ORDER_SECONDS: i64 = 300;
const DAY: i64 = 86_400;

/// A check on its way; one serves one scan, once.
#[derive(Clone, Serialize, Deserialize)]
struct Order {
    /// Whose face was compared, where that is known.
    person: Option<PersonId>,
    /// A face that passes proves nothing: nobody has this document.
    is_nobodys: bool,
    scan: String,
    phone_key: String,
    handle: String,
    number: Number,
    /// Ticked for this check; kept once it is known that it was the person who ticked.
    #[serde(default)]
    agreed: Vec<Agreed>,
    /// What it is counted in until it has passed.
    #[serde(default)]
    counters: Vec<String>,
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

async fn agree(ctx: &Ctx, person: PersonId, agreed: &[Agreed]) -> Result<(), Fault> {
    let account = ctx.rows().accounts().find_by_person(person).await?;
    let Some(account) = account else { return Ok(()) };
    if agreed.is_empty() || has_agreed(ctx, person).await? {
        return Ok(());
    }
    let tx = ctx.begin().await?;
    people::accept(ctx, &tx, account.id, agreed, "phone").await?;
    Ok(tx.commit().await?)
}

fn agree_aside(ctx: &Ctx, person: PersonId, agreed: Vec<Agreed>) {
    let ctx = ctx.clone();
    aside(async move { Ok(agree(&ctx, person, &agreed).await?) });
}

/// Where the phone goes for its check. `number`: typed on the phone; a wrong one ends the code. `agreed`: what
/// was shown there and ticked.
pub async fn start(
    ctx: &Ctx,
    id: &str,
    phone_key: &str,
    number: Number,
    agreed: Vec<Agreed>,
) -> Result<String, Stop> {
    let Some(found) = code::find(ctx, id).await? else { return Err(Refusal::ScanExpired.into()) };
    let Some(subject) = subject(ctx, &found).await? else { return Err(Refusal::State.into()) };
    if !found.is_number(phone_key, Some(number), ctx.now())? {
        Stop::refusal(code::end(ctx, id, phone_key, ScanState::Failed).await)?.ok();
        return Err(Refusal::StepUpFailed.into());
    }
    let is_agreed = people::are_agreed(ctx.realm.agreements_to_show_a_face(), &agreed);
    if !is_agreed && subject.must_tick {
        return Err(Refusal::Agreement.into());
    }
    limits::take(ctx, &subject.checks, DAY).await?;
    let counters: Vec<String> = subject.checks.into_iter().map(|limit| limit.name).collect();
    let order = ctx.random().token().expose().to_owned();
    let return_url = ctx.realm.url(&format!("/q/{id}/face?order={order}"));
    let asked = FaceRequest {
        order: &order,
        name: &subject.name,
        document_type: subject.kind.name(),
        number: &subject.number,
        return_url: &return_url,
    };
    let handed_in = (&ctx.services.clock, ctx.random());
    let started = ctx.services.outbound.start_face(provider(ctx), &asked, handed_in).await;
    let started = match started {
        Ok(started) => started,
        Err(error) => {
            tracing::warn!(%error, "The face check could not be started");
            give_back(ctx, &counters).await?;
            return Err(Refusal::FaceUnavailable.into());
        }
    };
    let kept = Order {
        person: subject.person,
        is_nobodys: subject.is_nobodys,
        scan: id.to_owned(),
        phone_key: phone_key.to_owned(),
        handle: started.handle,
        number,
        agreed,
        counters,
    };
    let saved = ctx.ephemeral().put(&ORDER, &order_key(&order), &kept, ORDER_SECONDS).await;
    if let Err(no_room) = saved {
        give_back(ctx, &kept.counters).await?;
        return Err(no_room.into());
    }
    Ok(started.url)
}

/// Whom the provider is asked about.
struct Subject {
    person: Option<PersonId>,
    is_nobodys: bool,
    name: String,
    kind: DocumentType,
    number: String,
    /// What a day's checks are counted in, until they have passed.
    checks: Vec<Limit>,
    /// The agreement was not accepted before.
    must_tick: bool,
}

/// `None`: a sign-in wants no face.
async fn subject(ctx: &Ctx, found: &Scan) -> Result<Option<Subject>, Stop> {
    let browser = Place::of(found.browser_ip);
    match &found.purpose {
        Purpose::SignIn => Ok(None),
        Purpose::Verify(question) => of_person(ctx, found, question.person).await.map(Some),
        Purpose::Claim(claim) => of_claim(ctx, claim, &browser).await.map(Some),
    }
}

/// Name and document of the person; where they add a document, that one (D-07).
async fn of_person(ctx: &Ctx, found: &Scan, person: PersonId) -> Result<Subject, Stop> {
    let browser = Place::of(found.browser_ip);
    // Whoever has the password somewhere else cannot use up the checks of a place of their own.
    let rate = match knows(ctx, person, &browser).await? {
        true => format!("face/{person}/{browser}"),
        false => format!("face/{person}"),
    };
    let own = vec![Limit { name: rate, most: CHECKS_PER_PERSON_AND_DAY }];
    let (name, kind, number) = compared(ctx, found, person).await?.ok_or(Refusal::StepUpFailed)?;
    Ok(Subject {
        person: Some(person),
        is_nobodys: false,
        name: name.as_str().to_owned(),
        kind,
        number,
        checks: own,
        must_tick: !has_agreed(ctx, person).await?,
    })
}

async fn compared(
    ctx: &Ctx,
    scan: &Scan,
    person: PersonId,
) -> Result<Option<(PersonName, DocumentType, String)>, Fault> {
    let transaction = transaction::find(ctx, &scan.transaction).await?;
    if let Some(new) = transaction.and_then(|transaction| new_document::open(ctx, &transaction)) {
        let (kind, number) = (new.number.kind, new.number.as_str().to_owned());
        return Ok(Some((new.name, kind, number)));
    }
    let people = ctx.rows().people();
    let known = people.find(person).await?;
    // Whoever has none that bears a level is still known by the face on what they hold.
    let mut documents = lower::bearing(ctx, ctx.rows(), person).await?;
    if documents.is_empty() {
        documents = people.documents(person).await?;
    }
    let both = known.zip(documents.into_iter().next());
    Ok(both.map(|(known, one)| (known.name, one.kind, one.number)))
}

/// The provider is asked about somebody who does not exist as about anybody, under no name.
async fn of_claim(ctx: &Ctx, claim: &Claim, browser: &Place) -> Result<Subject, Stop> {
    let (whose, document) = (claim::whose(ctx, claim).await?, claim::counted_as(ctx, claim));
    let name = whose.name.as_ref().map_or(NOBODY, PersonName::as_str).to_owned();
    Ok(Subject {
        person: whose.person,
        is_nobodys: whose.name.is_none(),
        name,
        kind: claim.kind,
        number: claim.number.clone(),
        checks: of_document(ctx, &document, browser).await?,
        // Whether somebody has agreed before would tell that they exist; whoever registers has just
        // been asked in the browser.
        must_tick: claim.name.is_none(),
    })
}

/// Of a document that anybody may claim: of all of them from the place and what is around it, of this one from
/// everywhere, then from there.
async fn of_document(ctx: &Ctx, document: &str, browser: &Place) -> Result<Vec<Limit>, Fault> {
    let in_all = format!("face-claim/{document}");
    let most = match ctx.ephemeral().counted(&in_all).await? {
        0..CHECKS_IN_ALL => CHECKS_OF_PLACE,
        _ => CHECKS_OF_PLACE_BEYOND,
    };
    let mut all = limits::around(*browser, "face-claims", CHECKS_OF_ADDRESS);
    let of_networks = limits::around(*browser, &in_all, most);
    all.push(Limit { name: in_all, most: CHECKS_AT_MOST });
    all.extend(of_networks);
    Ok(all)
}

async fn give_back(ctx: &Ctx, counters: &[String]) -> Result<(), Fault> {
    for counter in counters {
        ctx.ephemeral().uncount(counter).await?;
    }
    Ok(())
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
    let Some(found) = code::find(ctx, id).await? else { return Err(Refusal::ScanExpired.into()) };
    if matches!(found.purpose, Purpose::Claim(_)) {
        let is_true = !kept.is_nobodys;
        claim::answer(ctx, id, phone_key, is_true, Some(kept.number)).await?;
        ctx.tidied(give_back(ctx, &kept.counters).await);
        if let Some(person) = kept.person {
            agree_aside(ctx, person, kept.agreed);
        }
        ctx.forget(&ORDER, &order_key(order)).await;
        return Ok(true);
    }
    let Some(person) = kept.person else { return Err(Refusal::StepUpFailed.into()) };
    let account = ctx.rows().accounts().find_by_person(person).await?;
    let Some(account) = account else { return Err(Refusal::StepUpFailed.into()) };
    agree(ctx, person, &kept.agreed).await?;
    // The code's step to confirmed uses the order up.
    let who = Confirmed {
        person,
        account: account.id,
        acting: Acting::Personal,
        era: account.era,
        session: None,
    };
    code::confirm(ctx, id, phone_key, who, Some(kept.number)).await?;
    ctx.tidied(give_back(ctx, &kept.counters).await);
    ctx.forget(&ORDER, &order_key(order)).await;
    Ok(true)
}
