//! The five real-name levels (L-01 to L-10): how far somebody has come, and the next step. Level 2
//! is a phone that got a code, level 3 a name that an authority knows, level 4 a face that passes on
//! a phone, level 5 comes from a card reader alone.

use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use crate::domain::login::{Errand, LoginTransaction, Then};
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::flows::{Ctx, Fault, Stop, people};
use crate::outbound::asked::{NameAnswer, NameAsked};

const CHECKS_PER_PERSON_AND_DAY: u32 = 5;

/// Where somebody stands.
pub struct Standing {
    pub level: u8,
    /// `None`: nothing that is done here leads higher (L-10).
    pub next: Option<NextStep>,
    /// (level, how, when); what the feed brought has neither.
    pub steps: Vec<(u8, String, Timestamp)>,
}

/// What leads to the next level.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NextStep {
    /// A code on the phone, which this sign-in has already asked for.
    Phone,
    /// The same, and this sign-in went another way: sign in again with a code.
    PhoneFirst,
    RealName,
    Face,
    /// Nobody can be asked online: the hall.
    Hall,
}

pub async fn find(ctx: &Ctx, session: &Session) -> Result<Standing, Fault> {
    let people = ctx.rows().people();
    let person = people.find(session.person).await?;
    let level = person.map_or(1, |person| person.real_name_level);
    let next = next_step(ctx, session, level);
    Ok(Standing { level, next, steps: people.level_steps(session.person).await? })
}

fn next_step(ctx: &Ctx, session: &Session, level: u8) -> Option<NextStep> {
    Some(match level {
        ..=1 if session.amr.iter().any(|one| one == "sms") => NextStep::Phone,
        ..=1 => NextStep::PhoneFirst,
        2 if ctx.services.outbound.knows_names(provider(ctx)) => NextStep::RealName,
        2 => NextStep::Hall,
        3 => NextStep::Face,
        _ => return None,
    })
}

fn provider(ctx: &Ctx) -> Option<(&str, &Secret)> {
    ctx.realm.real_name.as_ref().map(|(url, secret)| (url.as_str(), secret))
}

/// 2 to 3: name and number of the first document are put to the authority.
pub async fn verify_name(ctx: &Ctx, session: &Session) -> Result<(), Stop> {
    let rows = ctx.rows();
    let (person, documents) =
        (rows.people().find(session.person).await?, rows.people().documents(session.person).await?);
    let (Some(person), Some(document)) = (person, documents.first()) else {
        return Err(Refusal::RealName.into());
    };
    if person.real_name_level != 2 {
        return Err(Refusal::State.into());
    }
    let ephemeral = ctx.ephemeral();
    let rate = format!("real-name/{}", person.id);
    let (count, retry_after) = ephemeral.count(&rate, 86_400).await?;
    if count > CHECKS_PER_PERSON_AND_DAY {
        return Err(Refusal::OtpRate { retry_after }.into());
    }
    let asked = NameAsked {
        name: person.name.as_str(),
        document_type: document.kind.name(),
        number: &document.number,
    };
    let handed_in = (&ctx.services.clock, ctx.random());
    match ctx.services.outbound.check_name(provider(ctx), &asked, handed_in).await {
        Ok(NameAnswer::Match) => {}
        Ok(_) => return Err(Refusal::RealName.into()),
        Err(error) => {
            tracing::warn!(%error, "A real name could not be verified");
            ephemeral.uncount(&rate).await?;
            return Err(Refusal::RealNameUnavailable.into());
        }
    }
    raise(ctx, session, 3, "real_name").await
}

/// Exactly one level, with its record.
pub async fn raise(ctx: &Ctx, session: &Session, level: u8, how: &str) -> Result<(), Stop> {
    let tx = ctx.begin().await?;
    if !people::raise_level(ctx, &tx, session.person, level, how).await? {
        return Err(Refusal::State.into());
    }
    tx.commit().await?;
    Ok(())
}

/// 3 to 4: a step-up in which the face that passes lifts the person (L-09).
pub async fn begin_face(
    ctx: &Ctx,
    session: &Session,
    back: String,
) -> Result<Option<LoginTransaction>, Fault> {
    crate::flows::sign_in::step_up::begin(ctx, session, Errand::Lift, Then::Page(back)).await
}
