//! Who may guess a password now (E-09). A counter refuses only what the guesser multiplies: guesses
//! are counted for the name as it was typed and the place they come from, before anybody is looked
//! up; beside that for the name from all places together where its person is unknown, and for the
//! address. Strangers cannot spend what a known place or a remembered browser has for itself, and
//! whoever comes by passkey or phone is not asked here at all.

use uuid::Uuid;

use crate::base::id::{EnterpriseId, PersonId};
use crate::base::secret::Hashed;
use crate::domain::audit::AuditEvent;
use crate::domain::lockout::LockoutPolicy;
use crate::domain::number::personal_id::comparable;
use crate::domain::person::Account;
use crate::domain::refusal::Refusal;
use crate::flows::sign_in::factor::device;
use crate::flows::sign_in::guesses::{Budget, count_lock, is_known_place};
use crate::flows::sign_in::typed::{Credentials, Typed};
use crate::flows::{Ctx, Fault, Stop};
use crate::store::Rows;

/// One attempt, counted before it is judged, so that parallel guesses are all counted.
pub struct Attempt {
    /// Of this name and place; whoever is right begins it anew.
    own: Budget,
    /// Of this name and all places where its person is unknown; `None` where they are known.
    elsewhere: Option<Budget>,
    address: Address,
}

/// What an address has failed at in one window, whoever it was about, and which of it was about this
/// name: that alone may be taken back, and only while the same window lasts.
struct Address {
    all: String,
    own: String,
}

impl Address {
    /// How often, and the seconds until the window ends.
    async fn count(&self, ctx: &Ctx) -> Result<(u32, i64), Fault> {
        let (count, left) = ctx.ephemeral().count(&self.all, ctx.realm.limits.window).await?;
        // `left` is rounded up: what is remembered of a window never outlives it.
        ctx.ephemeral().count(&self.own, left - 1).await?;
        Ok((count, left))
    }

    /// This attempt is none of them.
    async fn give_back(&self, ctx: &Ctx) -> Result<(), Fault> {
        if ctx.ephemeral().counted(&self.own).await? > 0 {
            ctx.ephemeral().uncount(&self.own).await?;
            ctx.ephemeral().uncount(&self.all).await?;
        }
        Ok(())
    }

    /// None that was about this name is.
    async fn give_all_back(&self, ctx: &Ctx) -> Result<(), Fault> {
        let n_own = ctx.ephemeral().counted(&self.own).await?;
        ctx.ephemeral().reset(&self.own).await?;
        for _ in 0..n_own {
            ctx.ephemeral().uncount(&self.all).await?;
        }
        Ok(())
    }
}

/// How the person whom a name leads to is known where it is typed.
enum Known {
    /// By the browser, which they asked to remember them.
    Browser(Hashed),
    /// They have signed in from this place.
    Place,
    Not,
}

impl Attempt {
    /// `found`: whom the typed name leads to, which decides nothing but how they are known here.
    pub async fn begin(ctx: &Ctx, form: &Credentials, found: &[Account]) -> Result<Self, Stop> {
        let name = Hashed::of(&comparable(&form.personal_id, ctx.now().day())).to_text();
        let (place, era) = (ctx.place(), era(found));
        let known = known(ctx, form, found).await?;
        let policy = ctx.realm.lockout.clone();
        let own = match &known {
            Known::Browser(cookie) => format!("password/{name}/{}{era}", cookie.to_text()),
            Known::Place | Known::Not => format!("password/{name}/{place}{era}"),
        };
        let elsewhere = matches!(known, Known::Not).then(|| Budget {
            name: format!("password/{name}{era}"),
            policy: LockoutPolicy {
                max_failures: ctx.realm.limits.max_failures_elsewhere,
                ..policy.clone()
            },
        });
        let address =
            Address { all: format!("address/{place}"), own: format!("address/{place}/{name}") };
        let attempt = Self { own: Budget { name: own, policy }, elsewhere, address };
        attempt.own.take(ctx).await?;
        if let Err(stop) = attempt.take_shared(ctx).await {
            attempt.own.give_back(ctx).await?;
            attempt.address.give_back(ctx).await?;
            return Err(stop);
        }
        Ok(attempt)
    }

    /// An address is refused only where it multiplies: not to whom it is known.
    async fn take_shared(&self, ctx: &Ctx) -> Result<(), Stop> {
        let (count, retry_after) = self.address.count(ctx).await?;
        let Some(elsewhere) = &self.elsewhere else { return Ok(()) };
        if count > ctx.realm.limits.max_failures_per_address {
            if ctx.ephemeral().mark(&self.address.all, retry_after).await? {
                count_lock(ctx, "address");
            }
            return Err(Refusal::Locked { retry_after }.into());
        }
        elsewhere.take(ctx).await?;
        Ok(())
    }

    /// It was right: the person's own failures here are forgotten, and were no guesses of the
    /// address. Nothing else of what people share is taken back but this attempt: a sign-in of
    /// one's own must not clear what one tried on others.
    pub async fn right(&self, ctx: &Ctx) -> Result<(), Fault> {
        self.own.forget(ctx).await?;
        self.address.give_all_back(ctx).await?;
        self.give_back_elsewhere(ctx).await
    }

    /// Nobody looked at it: it never was.
    pub async fn not_judged(&self, ctx: &Ctx) -> Result<(), Fault> {
        self.own.give_back(ctx).await?;
        self.address.give_back(ctx).await?;
        self.give_back_elsewhere(ctx).await
    }

    async fn give_back_elsewhere(&self, ctx: &Ctx) -> Result<(), Fault> {
        match &self.elsewhere {
            Some(elsewhere) => elsewhere.give_back(ctx).await,
            None => Ok(()),
        }
    }

    /// It was wrong: counted already. An account's lock leaves its trace, and whoever has a
    /// relation to the enterprise is counted against its number.
    pub async fn wrong(&self, ctx: &Ctx, typed: &Typed) -> Result<(), Fault> {
        if let Some(enterprise) = typed.enterprise.filter(|_| typed.has_relation) {
            ctx.ephemeral().count(&counter(enterprise), ctx.realm.limits.window).await?;
        }
        for budget in std::iter::once(&self.own).chain(&self.elsewhere) {
            let Some(until) = budget.has_locked(ctx).await? else { continue };
            let Some(account) = &typed.account else { continue };
            let tx = ctx.begin().await?;
            tx.note(AuditEvent::AccountLocked { account: account.id, until });
            tx.commit().await?;
        }
        Ok(())
    }
}

/// Whoever has set a new password after a second factor is who they are: the locks on their names end, here
/// and over all unknown places together (E-09). Other places have guessed for themselves.
pub async fn end_locks(ctx: &Ctx, rows: Rows<'_>, account: &Account) -> Result<(), Fault> {
    let mut names: Vec<String> = Vec::new();
    for document in rows.people().documents(account.person).await? {
        names.push(document.number);
    }
    for binding in rows.accounts().phones(account.id).await? {
        names.push(binding.phone.as_str().to_owned());
    }
    names.extend(account.username.iter().map(|name| name.as_str().to_owned()));
    let email = rows.people().find(account.person).await?.and_then(|person| person.email);
    names.extend(email.map(|email| email.as_str().to_owned()));
    let (place, era) = (ctx.place(), era(std::slice::from_ref(account)));
    for name in names {
        let name = Hashed::of(&comparable(&name, ctx.now().day())).to_text();
        for name in [format!("password/{name}/{place}{era}"), format!("password/{name}{era}")] {
            Budget { name, policy: ctx.realm.lockout.clone() }.forget(ctx).await?;
        }
    }
    Ok(())
}

/// Of counters that began when the bureau unlocked somebody's account: those of before count no longer,
/// on whatever node they are kept.
fn era(found: &[Account]) -> String {
    let newest = found.iter().filter_map(|account| account.help.unlocked_at).max();
    newest.map_or_else(String::new, |at| format!("/since-{}", at.0))
}

/// Whether so much was tried against this enterprise's people that no browser is believed alone.
pub async fn asks_for_more(ctx: &Ctx, typed: &Typed) -> Result<bool, Fault> {
    let Some(enterprise) = typed.enterprise else { return Ok(false) };
    let failures = ctx.ephemeral().counted(&counter(enterprise)).await?;
    Ok(failures > ctx.realm.limits.max_failures_per_enterprise)
}

/// One for all numbers that an enterprise has or had.
fn counter(enterprise: EnterpriseId) -> String {
    format!("enterprise/{enterprise}")
}

async fn known(ctx: &Ctx, form: &Credentials, found: &[Account]) -> Result<Known, Fault> {
    for account in found {
        if let Some(cookie) = &form.device
            && device::known_at(ctx, account, Some(cookie)).await?.is_some()
        {
            return Ok(Known::Browser(cookie.hashed()));
        }
    }
    let mut people: Vec<PersonId> = found.iter().map(|account| account.person).collect();
    if people.is_empty() {
        // A name that leads to nobody costs as much.
        people.push(PersonId(Uuid::nil()));
    }
    for person in people {
        if is_known_place(ctx, person).await? {
            return Ok(Known::Place);
        }
    }
    Ok(Known::Not)
}
