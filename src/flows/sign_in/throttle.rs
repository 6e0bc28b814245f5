//! Who may guess a password now (E-09). A counter refuses only what the guesser multiplies: guesses
//! are counted for the name as it was typed and the place they come from, before anybody is looked
//! up; beside that for the name from all places together, and for the address. Strangers cannot spend what
//! a known place or a remembered browser has for itself: there only who is wrong hears of their locks.
//! Whoever comes by passkey or phone is not asked here at all.

use uuid::Uuid;

use crate::base::id::{EnterpriseId, PersonId};
use crate::base::secret::Hashed;
use crate::domain::audit::AuditEvent;
use crate::domain::lockout::LockoutPolicy;
use crate::domain::number::personal_id::comparable;
use crate::domain::person::Account;
use crate::domain::refusal::Refusal;
use crate::flows::aside::aside;
use crate::flows::limits::{self, Counted, Limit, Over};
use crate::flows::sign_in::factor::device;
use crate::flows::sign_in::guesses::{Budget, Lock, count_lock, is_known_place};
use crate::flows::sign_in::typed::{Credentials, Typed};
use crate::flows::{Ctx, Fault, Stop};
use crate::store::Rows;

/// One attempt, counted before it is judged, so that parallel guesses are all counted.
pub struct Attempt {
    /// Of this name and place; whoever is right begins it anew.
    own: Budget,
    /// Of this name and all places; `None` where nothing was taken of it.
    elsewhere: Option<Budget>,
    address: Address,
    is_known: bool,
    /// Whoever is not known here hears that it is locked, for so many seconds, right or wrong; and so does
    /// whoever is known and wrong, or a try would tell who signs in here.
    lock: Option<i64>,
    /// The network that is locked, if it is one.
    queue: Option<String>,
}

/// What an address has failed at in one window, whoever it was about, and which of it was about this
/// name: that alone may be taken back, and only while the same window lasts.
struct Address {
    /// Of the place and of what is around it.
    all: Vec<Limit>,
    own: String,
    /// Whether this attempt is one of them, which it is not where there were too many already.
    is_counted: bool,
}

impl Address {
    fn of(ctx: &Ctx, name: &str) -> Self {
        let most = ctx.realm.limits.max_failures_per_address;
        let own = format!("address/{}/{name}", ctx.place());
        Self { all: limits::of_networks(ctx, "address", most), own, is_counted: false }
    }

    /// Counts it, or says where there were too many.
    async fn count(&mut self, ctx: &Ctx) -> Result<Option<Over>, Fault> {
        let shortest = match limits::count(ctx, &self.all, ctx.realm.limits.window).await? {
            Counted::Within(shortest) => shortest,
            Counted::Over(over) => {
                if over.has_begun {
                    count_lock(ctx, Lock::Address);
                }
                return Ok(Some(over));
            }
        };
        // What is left is rounded up: what is remembered of a window never outlives it.
        if let Err(full) = ctx.ephemeral().count(&self.own, shortest - 1).await {
            self.uncount(ctx).await?;
            return Err(full.into());
        }
        self.is_counted = true;
        Ok(None)
    }

    /// This attempt is none of them.
    async fn give_back(&self, ctx: &Ctx) -> Result<(), Fault> {
        if self.is_counted && ctx.ephemeral().counted(&self.own).await? > 0 {
            ctx.ephemeral().uncount(&self.own).await?;
            self.uncount(ctx).await?;
        }
        Ok(())
    }

    /// None that was about this name is.
    async fn give_all_back(&self, ctx: &Ctx) -> Result<(), Fault> {
        let n_own = ctx.ephemeral().counted(&self.own).await?;
        ctx.ephemeral().reset(&self.own).await?;
        for _ in 0..n_own {
            self.uncount(ctx).await?;
        }
        Ok(())
    }

    async fn uncount(&self, ctx: &Ctx) -> Result<(), Fault> {
        limits::give_back(ctx.ephemeral(), &self.all).await
    }
}

/// How the person whom a name leads to is known where it is typed.
pub enum Known {
    /// By the browser, which they asked to remember them.
    Browser(Hashed),
    /// They have signed in from this place.
    Place,
    Not,
}

impl Known {
    /// `found`: whom the typed name leads to.
    pub async fn of(ctx: &Ctx, form: &Credentials, found: &[Account]) -> Result<Self, Fault> {
        for account in found {
            if let Some(cookie) = &form.device
                && device::known_at(ctx, account, Some(cookie)).await?.is_some()
            {
                return Ok(Self::Browser(cookie.hashed()));
            }
        }
        let mut people: Vec<PersonId> = found.iter().map(|account| account.person).collect();
        if people.is_empty() {
            // A name that leads to nobody costs as much.
            people.push(PersonId(Uuid::nil()));
        }
        for person in people {
            if is_known_place(ctx, person).await? {
                return Ok(Self::Place);
            }
        }
        Ok(Self::Not)
    }

    pub fn is_known(&self) -> bool {
        !matches!(self, Self::Not)
    }
}

impl Attempt {
    /// `found`: whom the typed name leads to, which decides nothing but how they are known here.
    pub async fn begin(ctx: &Ctx, form: &Credentials, found: &[Account]) -> Result<Self, Stop> {
        let known = Known::of(ctx, form, found).await?;
        Self::of(ctx, form, found, &known).await
    }

    /// The same of one who was looked for already. `E_LOCKED`: the name is locked here, whoever has it.
    pub async fn of(
        ctx: &Ctx,
        form: &Credentials,
        found: &[Account],
        known: &Known,
    ) -> Result<Self, Stop> {
        let name = Hashed::of(&comparable(&form.personal_id, ctx.now().day())).to_text();
        let (place, era) = (ctx.place(), era(found));
        let policy = ctx.realm.lockout.clone();
        let own = match known {
            Known::Browser(cookie) => format!("password/{name}/{}{era}", cookie.to_text()),
            Known::Place | Known::Not => format!("password/{name}/{place}{era}"),
        };
        let max_failures = ctx.realm.limits.max_failures_elsewhere;
        let elsewhere = Budget {
            lock: Lock::Password,
            name: format!("password/{name}{era}"),
            policy: LockoutPolicy { max_failures, ..policy.clone() },
        };
        let mut attempt = Self {
            own: Budget { lock: Lock::Password, name: own, policy },
            elsewhere: None,
            address: Address::of(ctx, &name),
            is_known: known.is_known(),
            lock: None,
            queue: None,
        };
        attempt.own.take(ctx).await?;
        // Whoever has the browser is told from others by it already.
        let elsewhere = (!matches!(known, Known::Browser(_))).then_some(elsewhere);
        if let Err(stop) = attempt.take_shared(ctx, elsewhere).await {
            attempt.own.give_back(ctx).await?;
            return Err(stop);
        }
        Ok(attempt)
    }

    /// What a guesser multiplies refuses nobody before they are judged: else whoever is known would be told
    /// from the others.
    async fn take_shared(&mut self, ctx: &Ctx, elsewhere: Option<Budget>) -> Result<(), Stop> {
        let over = self.address.count(ctx).await?;
        let Some(elsewhere) = elsewhere else { return Ok(()) };
        if let Some(over) = over {
            (self.lock, self.queue) = (Some(over.retry_after), Some(over.name));
            return Ok(());
        }
        let stop = match Stop::refusal(elsewhere.take(ctx).await) {
            Ok(Ok(_)) => {
                self.elsewhere = Some(elsewhere);
                return Ok(());
            }
            Ok(Err(Refusal::Locked { retry_after })) => {
                self.lock = Some(retry_after);
                return Ok(());
            }
            Ok(Err(refusal)) => refusal.into(),
            Err(stop) => stop,
        };
        self.address.give_back(ctx).await?;
        Err(stop)
    }

    /// Where one password is hashed after the other: what is locked is judged all the same, and takes
    /// nobody's time but its own. Whoever is known by the browser waits for nobody.
    pub fn queue(&self) -> Option<&str> {
        self.queue.as_deref()
    }

    /// It was right: the person's own failures here are forgotten, and were no guesses of the
    /// address. Nothing else of what people share is taken back but this attempt: a sign-in of
    /// one's own must not clear what one tried on others. `E_LOCKED` for whoever is not known where
    /// it is locked: as if it had been wrong.
    pub async fn right(&self, ctx: &Ctx) -> Result<(), Stop> {
        if let Some(retry_after) = self.lock.filter(|_| !self.is_known) {
            return Err(Refusal::Locked { retry_after }.into());
        }
        self.own.forget(ctx).await?;
        self.address.give_all_back(ctx).await?;
        Ok(self.give_back_elsewhere(ctx).await?)
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

    /// It was wrong: counted already, and answered with what this returns. An account's lock leaves its
    /// trace, and whoever has a relation to the enterprise is counted against its number; aside, since there
    /// is neither of a name that is nobody's.
    pub async fn wrong(&self, ctx: &Ctx, typed: &Typed) -> Result<Refusal, Fault> {
        let mut locks = Vec::new();
        for budget in std::iter::once(&self.own).chain(&self.elsewhere) {
            locks.extend(budget.has_locked(ctx).await?);
        }
        let enterprise = typed.enterprise.filter(|_| typed.has_relation);
        let locked = typed.account.as_ref().map(|account| account.id).filter(|_| !locks.is_empty());
        let asked = ctx.clone();
        aside(async move {
            if let Some(enterprise) = enterprise {
                let window = asked.realm.limits.window;
                asked.ephemeral().count(&counter(enterprise), window).await?;
            }
            let Some(account) = locked else { return Ok(()) };
            let tx = asked.begin().await?;
            for until in locks {
                tx.note(AuditEvent::AccountLocked { account, until });
            }
            Ok(tx.commit().await?)
        });
        Ok(self.lock.map_or(Refusal::Credentials, |retry_after| Refusal::Locked { retry_after }))
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
            let policy = ctx.realm.lockout.clone();
            Budget { lock: Lock::Password, name, policy }.forget(ctx).await?;
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
