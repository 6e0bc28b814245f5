//! How often somebody who adds handlers may be wrong about a name: each time they learn that the number has an
//! account and that this is not its person's name (AC-23). Asked before anything is looked up, so that
//! what is refused tells nothing.

use crate::base::id::{EnterpriseId, PersonId};
use crate::base::secret::Hashed;
use crate::domain::audit::AuditEvent;
use crate::domain::help::Helper;
use crate::domain::number::document::DocumentNumber;
use crate::domain::refusal::Refusal;
use crate::ephemeral::OfRealm;
use crate::flows::limits::{self, Limit};
use crate::flows::officer::{Subject, note};
use crate::flows::{Ctx, Fault, Stop};

/// Wrong names of one manager or officer in a day: a hall adds many people, nobody mistypes so many names.
const WRONG_BY_ONE: u32 = 10;
/// And for one number in a day, of all managers together; beyond it whoever has been wrong about it themself is
/// refused, and nobody else: a stranger closes neither the halls to somebody nor another enterprise.
const WRONG_FOR_NUMBER: u32 = 20;
const DAY: i64 = 86_400;

/// Who adds.
#[derive(Clone, Copy)]
pub enum Asker<'a> {
    Manager(PersonId),
    Officer(&'a Helper),
}

impl Asker<'_> {
    fn counters(self, ctx: &Ctx) -> OfRealm<'_> {
        match self {
            Self::Manager(_) => ctx.ephemeral(),
            Self::Officer(_) => ctx.ephemeral().by_officers(),
        }
    }

    /// What one name counts in: of whoever asks, and of a manager for this number: of all together and of this one.
    fn limits(self, number: &DocumentNumber) -> Vec<Limit> {
        let limit = |of: String, most| Limit { name: format!("handler-names/{of}"), most };
        match self {
            Self::Manager(person) => {
                let hash = Hashed::of(&format!("{}\n{}", number.kind.name(), number.comparable()));
                let of = format!("of/{}", hash.to_text());
                let own = limit(format!("{person}/{of}"), 1);
                vec![limit(person.to_string(), WRONG_BY_ONE), limit(of, WRONG_FOR_NUMBER), own]
            }
            Self::Officer(officer) => {
                let officer = Hashed::of(officer.name()).to_text();
                vec![limit(format!("officer/{officer}"), WRONG_BY_ONE)]
            }
        }
    }
}

/// A name that is typed beside a number, for an enterprise.
pub struct Naming<'a> {
    asker: Asker<'a>,
    enterprise: EnterpriseId,
    number: DocumentNumber,
    limits: Vec<Limit>,
}

impl<'a> Naming<'a> {
    /// Counted before it is judged, so that parallel guesses are all counted. `E_OTP_RATE`: too many were
    /// wrong today.
    pub async fn begin(
        ctx: &Ctx,
        asker: Asker<'a>,
        enterprise: EnterpriseId,
        number: &DocumentNumber,
    ) -> Result<Self, Stop> {
        let (limits, counters) = (asker.limits(number), asker.counters(ctx));
        let (by_one, for_number) = limits.split_at(1);
        limits::take_in(counters, by_one, DAY).await?;
        let mut counts = Vec::new();
        for limit in for_number {
            match counters.count(&limit.name, DAY).await {
                Ok(count) => counts.push(count),
                Err(full) => {
                    let counted = limits.get(..=counts.len()).unwrap_or_default();
                    limits::give_back(counters, counted).await?;
                    return Err(full.into());
                }
            }
        }
        // Two managers would else close the number to everybody's.
        if let [(of_all, retry_after), (own, _)] = counts[..]
            && of_all > WRONG_FOR_NUMBER
            && own > 1
        {
            limits::give_back(counters, &limits).await?;
            return Err(Refusal::OtpRate { retry_after }.into());
        }
        Ok(Self { asker, enterprise, number: number.clone(), limits })
    }

    /// What came of it: one that was wrong stays counted and leaves its trace, any other never was. Whatever was
    /// saved stands.
    pub async fn end<T>(&self, ctx: &Ctx, came: Result<T, Stop>) -> Result<T, Stop> {
        match &came {
            Err(Stop::Refused(refusal)) if *refusal == wrong() => self.note(ctx).await?,
            _ => {
                ctx.tidied(limits::give_back(self.asker.counters(ctx), &self.limits).await);
            }
        }
        came
    }

    async fn note(&self, ctx: &Ctx) -> Result<(), Fault> {
        let found = ctx.rows().people().standing(&self.number).await?;
        let Some((person, _)) = found else { return Ok(()) };
        let enterprise = self.enterprise;
        let by = match self.asker {
            Asker::Manager(by) => Some(by),
            Asker::Officer(_) => None,
        };
        let tx = ctx.begin().await?;
        tx.note(AuditEvent::HandlerNameRefused { person, enterprise, by });
        if let Asker::Officer(officer) = self.asker {
            let (person, enterprise) = (Some(person), Some(enterprise));
            let subject = Subject { person, enterprise, about: None };
            note(&tx, officer, "add-handler-wrong-name", subject);
        }
        Ok(tx.commit().await?)
    }
}

/// The name is not that of the number's person, without saying what the right one is (AC-23).
pub fn wrong() -> Refusal {
    Refusal::format("held_name")
}
