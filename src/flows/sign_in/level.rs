//! The five real-name levels (L-01 to L-10): how far somebody has come, and the next step. Level 2
//! is a phone that got a code, level 3 a name that an authority or the social insurance knows, level 4 a
//! face that passes on a phone, level 5 comes from a card reader alone (`flows::sign_in::card`).

use crate::base::clock::Timestamp;
use crate::base::id::PersonId;
use crate::base::secret::Secret;
use crate::domain::login::{Errand, LoginTransaction, Then};
use crate::domain::new_document::NewDocument;
use crate::domain::person::IdentityDocument;
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::flows::sign_in::{lower, session, step_up};
use crate::flows::{Ctx, Fault, Stop, people};
use crate::outbound::asked::{NameAnswer, NameAsked};
use crate::outbound::error::SendError;

const CHECKS_PER_PERSON_AND_DAY: u32 = 5;

/// Where somebody stands.
pub struct Standing {
    pub level: u8,
    /// `None`: nothing that is done here leads higher (L-10).
    pub next: Option<NextStep>,
    /// Another way to the same level (L-04).
    pub also: Option<NextStep>,
    /// (level, how, when); what the feed brought has neither.
    pub steps: Vec<(u8, String, Timestamp)>,
}

/// What leads to the next level.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NextStep {
    /// A code on the phone, which this sign-in has already asked for.
    Phone,
    /// The same, and this sign-in went another way.
    PhoneCode,
    RealName,
    /// The social insurance knows the person.
    SocialInsurance,
    Face,
    /// Nobody can be asked online: the hall.
    Hall,
}

impl NextStep {
    /// Its name in `locales/`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::PhoneCode => "phone-code",
            Self::RealName => "real-name",
            Self::SocialInsurance => "social-insurance",
            Self::Face => "face",
            Self::Hall => "hall",
        }
    }
}

pub async fn find(ctx: &Ctx, session: &Session) -> Result<Standing, Fault> {
    let people = ctx.rows().people();
    let person = people.find(session.person).await?;
    let level = person.map_or(1, |person| person.real_name_level);
    let next = next_step(ctx, session, level).await?;
    let also = (next == Some(NextStep::RealName) && Authority::SocialInsurance.can_be_asked(ctx))
        .then_some(NextStep::SocialInsurance);
    Ok(Standing { level, next, also, steps: people.level_steps(session.person).await? })
}

async fn next_step(ctx: &Ctx, session: &Session, level: u8) -> Result<Option<NextStep>, Fault> {
    let can_send = step_up::door(ctx, session, &Errand::Phone).is_some();
    Ok(Some(match level {
        ..=1 if session.amr.iter().any(|one| one == "sms") => NextStep::Phone,
        ..=1 if can_send && !ctx.rows().accounts().phones(session.account).await?.is_empty() => {
            NextStep::PhoneCode
        }
        ..=1 => NextStep::Hall,
        2 if Authority::Names.can_be_asked(ctx) => NextStep::RealName,
        2 if Authority::SocialInsurance.can_be_asked(ctx) => NextStep::SocialInsurance,
        2 => NextStep::Hall,
        3 => NextStep::Face,
        _ => return Ok(None),
    }))
}

/// The level that a session of the person could prove once they are raised step by step without going to the
/// hall, if every step succeeds: nobody is raised to what no session proves.
pub async fn reachable(ctx: &Ctx, session: &Session) -> Result<u8, Fault> {
    let person = ctx.rows().people().find(session.person).await?;
    let mut level = person.map_or(1, |person| person.real_name_level);
    while let Some(step) = next_step(ctx, session, level).await? {
        if step == NextStep::Hall {
            break;
        }
        level += 1;
    }
    Ok(step_up::provable_at(ctx, level))
}

/// What the next step led to.
pub enum Raised {
    Done,
    /// A second factor that lifts the person is to be passed first.
    Begun(Box<LoginTransaction>),
}

/// Does the next step, or begins it. `by`: the name of one of its ways, the first where it is empty;
/// `then`: where the person goes after a step on the phone.
pub async fn raise_next(
    ctx: &Ctx,
    session: &Session,
    by: &str,
    then: Then,
) -> Result<Raised, Stop> {
    let standing = find(ctx, session).await?;
    let also = standing.also.filter(|step| step.name() == by);
    let errand = match also.or(standing.next) {
        Some(NextStep::Phone) => {
            raise(ctx, session, (2, "phone"), None).await?;
            return Ok(Raised::Done);
        }
        Some(NextStep::RealName) => {
            verify_name(ctx, session, Authority::Names).await?;
            return Ok(Raised::Done);
        }
        Some(NextStep::SocialInsurance) => {
            verify_name(ctx, session, Authority::SocialInsurance).await?;
            return Ok(Raised::Done);
        }
        Some(NextStep::Hall) => return Err(Refusal::OfflineOnly.into()),
        None => return Err(Refusal::State.into()),
        Some(NextStep::PhoneCode) => Errand::Phone,
        Some(NextStep::Face) => {
            if lower::bearing(ctx, ctx.rows(), session.person).await?.is_empty() {
                return Err(Refusal::NoDocument.into());
            }
            Errand::Lift
        }
    };
    let begun = step_up::begin(ctx, session, errand, then).await?;
    Ok(Raised::Begun(Box::new(begun.ok_or(Refusal::State)?)))
}

/// Who says whether a name and a number are one person's (L-04).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Authority {
    Names,
    SocialInsurance,
}

impl Authority {
    /// Its name in counters and in the evidence of a level.
    fn name(self) -> &'static str {
        match self {
            Self::Names => "real_name",
            Self::SocialInsurance => "social_insurance",
        }
    }

    fn provider(self, ctx: &Ctx) -> Option<(&str, &Secret)> {
        let known = match self {
            Self::Names => &ctx.realm.real_name,
            Self::SocialInsurance => &ctx.realm.social_insurance,
        };
        known.as_ref().map(|(url, secret)| (url.as_str(), secret))
    }

    fn can_be_asked(self, ctx: &Ctx) -> bool {
        ctx.services.outbound.knows_names(self.provider(ctx))
    }

    /// What it says of the first of these whose kind it knows, and which that is; `None`: it knows none. So many
    /// times a day for each person. One that is away costs none of them.
    async fn answer(
        self,
        ctx: &Ctx,
        person: PersonId,
        asked: &[NameAsked<'_>],
    ) -> Result<Option<(usize, NameAnswer)>, Stop> {
        let (ephemeral, rate) = (ctx.ephemeral(), format!("{}/{person}", self.name()));
        let (count, retry_after) = ephemeral.count(&rate, 86_400).await?;
        if count > CHECKS_PER_PERSON_AND_DAY {
            return Err(Refusal::OtpRate { retry_after }.into());
        }
        for (at, one) in asked.iter().enumerate() {
            match self.ask(ctx, one).await {
                Ok(NameAnswer::Unsupported) => {}
                Ok(answer) => return Ok(Some((at, answer))),
                Err(error) => {
                    tracing::warn!(%error, "A real name could not be verified");
                    ephemeral.uncount(&rate).await?;
                    return Err(Refusal::RealNameUnavailable.into());
                }
            }
        }
        Ok(None)
    }

    async fn ask(self, ctx: &Ctx, asked: &NameAsked<'_>) -> Result<NameAnswer, SendError> {
        let (outbound, provider) = (&ctx.services.outbound, self.provider(ctx));
        let handed_in = (&ctx.services.clock, ctx.random());
        match self {
            Self::Names => outbound.check_name(provider, asked, handed_in).await,
            Self::SocialInsurance => outbound.check_insured(provider, asked, handed_in).await,
        }
    }
}

/// 2 to 3: the name and the number of a document that can bear a level are put to an authority.
async fn verify_name(ctx: &Ctx, session: &Session, authority: Authority) -> Result<(), Stop> {
    let person = ctx.rows().people().find(session.person).await?.ok_or(Refusal::RealName)?;
    if person.real_name_level != 2 {
        return Err(Refusal::State.into());
    }
    let documents = lower::bearing(ctx, ctx.rows(), person.id).await?;
    if documents.is_empty() {
        return Err(Refusal::NoDocument.into());
    }
    let asked = documents.iter().map(|document| NameAsked {
        name: person.name.as_str(),
        document_type: document.kind.name(),
        number: &document.number,
    });
    let asked: Vec<NameAsked<'_>> = asked.collect();
    match authority.answer(ctx, person.id, &asked).await? {
        Some((at, NameAnswer::Match)) => {
            raise(ctx, session, (3, authority.name()), documents.get(at)).await
        }
        _ => Err(Refusal::RealName.into()),
    }
}

/// Where an authority knows documents of this kind, name and number of one that is added must be one
/// person's; `false`: none does, and the face decides alone.
pub async fn check_new_name(ctx: &Ctx, person: PersonId, new: &NewDocument) -> Result<bool, Stop> {
    if !Authority::Names.can_be_asked(ctx) {
        return Ok(false);
    }
    let asked = NameAsked {
        name: new.name.as_str(),
        document_type: new.number.kind.name(),
        number: new.number.as_str(),
    };
    match Authority::Names.answer(ctx, person, &[asked]).await? {
        Some((_, NameAnswer::Match)) => Ok(true),
        None => Ok(false),
        Some(_) => Err(Refusal::RealName.into()),
    }
}

/// Exactly one level, with its record. `rests_on`: the document that an authority was asked about, which has to
/// be good when its answer is there.
async fn raise(
    ctx: &Ctx,
    session: &Session,
    (level, how): (u8, &str),
    rests_on: Option<&IdentityDocument>,
) -> Result<(), Stop> {
    let (tx, _) = session::begin(ctx, session).await?;
    if let Some(document) = rests_on
        && !lower::bears(ctx, &tx, document).await?
    {
        return Err(Refusal::State.into());
    }
    if !people::raise_level(ctx, &tx, session.person, level, how).await? {
        return Err(Refusal::State.into());
    }
    tx.commit().await?;
    Ok(())
}
