//! Level 5 (L-06): the bureau's own app, on a phone that can read cards, reads the chip of an identity card
//! over a challenge of ours, and the reader's service says whose card it is. The level page of the
//! centre leads there for nobody (L-10); the hall has readers of its own.

use serde::{Deserialize, Serialize};

use crate::base::id::PersonId;
use crate::base::secret::{Hashed, Secret};
use crate::domain::person::IdentityDocument;
use crate::domain::refusal::Refusal;
use crate::ephemeral::Slot;
use crate::flows::sign_in::lower;
use crate::flows::sign_in::scan::tax_app::AppUser;
use crate::flows::{Ctx, Fault, Stop, people};
use crate::outbound::asked::{CardAsked, NameAnswer, NameAsked};

/// As long as somebody needs to hold a card to a phone.
const ORDER_SECONDS: i64 = 180;
const READINGS_PER_PERSON_AND_DAY: u32 = 5;
const LONGEST_READING: usize = 16 * 1024;

/// The level that a reading is for, and the one it leads to.
const FROM: u8 = 4;
const TO: u8 = 5;

/// A reading on its way: one person's, on one phone, once.
#[derive(Clone, Serialize, Deserialize)]
struct Order {
    person: PersonId,
    phone_key: String,
    challenge: String,
}

const ORDER: Slot<Order> = Slot::new("card");

/// What the app goes on with.
pub struct Begun {
    pub order: Secret,
    /// For the reader to sign with the card's chip.
    pub challenge: String,
}

fn provider(ctx: &Ctx) -> Option<(&str, &Secret)> {
    ctx.realm.card_reading.as_ref().map(|(url, secret)| (url.as_str(), secret))
}

fn key(order: &str) -> String {
    Hashed::of(order).to_text()
}

async fn level(ctx: &Ctx, person: PersonId) -> Result<u8, Fault> {
    let known = ctx.rows().people().find(person).await?;
    Ok(known.map_or(1, |known| known.real_name_level))
}

/// `E_STATE`: the person is not at level 4; `E_OFFLINE_ONLY`: nobody can look at cards here.
pub async fn begin(ctx: &Ctx, user: &AppUser) -> Result<Begun, Stop> {
    if !ctx.services.outbound.knows_names(provider(ctx)) {
        return Err(Refusal::OfflineOnly.into());
    }
    if level(ctx, user.person).await? != FROM {
        return Err(Refusal::State.into());
    }
    let order = ctx.random().token();
    let challenge = ctx.random().token().expose().to_owned();
    let phone_key = user.key().to_owned();
    let kept = Order { person: user.person, phone_key, challenge: challenge.clone() };
    ctx.ephemeral().put(&ORDER, &key(order.expose()), &kept, ORDER_SECONDS).await?;
    Ok(Begun { order, challenge })
}

/// What the reader made of card and challenge. An order is used up by the first reading, whatever it was
/// worth; another phone's is `E_STATE` and stays good there.
pub async fn finish(ctx: &Ctx, user: &AppUser, order: &str, reading: &str) -> Result<u8, Stop> {
    if reading.is_empty() || reading.len() > LONGEST_READING {
        return Err(Refusal::format("reading").into());
    }
    let (ephemeral, key) = (ctx.ephemeral(), key(order));
    let kept: Option<Order> = ephemeral.get(&ORDER, &key).await?;
    let is_own = |kept: &Order| kept.person == user.person && kept.phone_key == user.key();
    let kept = kept.filter(is_own).ok_or(Refusal::State)?;
    let rate = format!("card/{}", user.person);
    let (count, retry_after) = ephemeral.count(&rate, 86_400).await?;
    if count > READINGS_PER_PERSON_AND_DAY {
        return Err(Refusal::OtpRate { retry_after }.into());
    }
    let read = raised_by(ctx, &kept, &key, reading).await;
    // What nobody could look at is no reading of the day, and a fault of ours costs no order either.
    let is_fault = matches!(read, Err(Stop::Fault(_)));
    if is_fault || matches!(read, Err(Stop::Refused(Refusal::RealNameUnavailable))) {
        ephemeral.uncount(&rate).await?;
    }
    if !is_fault {
        ctx.forget(&ORDER, &key).await;
    }
    read
}

/// The level that it leads to.
async fn raised_by(ctx: &Ctx, order: &Order, key: &str, reading: &str) -> Result<u8, Stop> {
    let document = read_from(ctx, order, reading).await?;
    let tx = ctx.begin().await?;
    people::held_account(&tx, order.person).await?;
    // Of two readings of one order one counts; and the card has to be good when its answer is there.
    if !tx.use_up("card", key, ctx.now().plus(ORDER_SECONDS)).await?
        || !lower::bears(ctx, &tx, &document).await?
        || !people::raise_level(ctx, &tx, order.person, TO, "card").await?
    {
        return Err(Refusal::State.into());
    }
    tx.commit().await?;
    Ok(TO)
}

/// The document that was read: the first that bears a level and whose kind the reader's service knows.
async fn read_from(ctx: &Ctx, order: &Order, reading: &str) -> Result<IdentityDocument, Stop> {
    let known = ctx.rows().people().find(order.person).await?;
    let known = known.ok_or(Refusal::RealName)?;
    let documents = lower::bearing(ctx, ctx.rows(), order.person).await?;
    if documents.is_empty() {
        return Err(Refusal::NoDocument.into());
    }
    for document in documents {
        let whose = NameAsked {
            name: known.name.as_str(),
            document_type: document.kind.name(),
            number: &document.number,
        };
        let asked = CardAsked { whose, challenge: &order.challenge, reading };
        let handed_in = (&ctx.services.clock, ctx.random());
        match ctx.services.outbound.check_card(provider(ctx), &asked, handed_in).await {
            Ok(NameAnswer::Match) => return Ok(document),
            Ok(NameAnswer::Unsupported) => {}
            Ok(_) => return Err(Refusal::RealName.into()),
            Err(error) => {
                tracing::warn!(%error, "A card that was read could not be looked at");
                return Err(Refusal::RealNameUnavailable.into());
            }
        }
    }
    Err(Refusal::RealName.into())
}
