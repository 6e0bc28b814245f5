//! The way in until the second factor: a transaction, the slider, numbers and password. Before
//! the second factor no answer tells whether the person, the enterprise or the relation exists.

use crate::base::id::{AccountId, EnterpriseId, PersonId};
use crate::base::secret::{Hashed, Secret};
use crate::domain::audit::{AuditEvent, LoginAttempt};
use crate::domain::cross_region::RecordKind;
use crate::domain::entrance::{Audience, EnterpriseNumber, Entrance, Subject};
use crate::domain::factor::Way;
use crate::domain::login::{
    LoginTransaction, Progress, Proved, Purpose, Second, TRANSACTION_SECONDS, Then,
};
use crate::domain::number::normalise;
use crate::domain::number::taxpayer::{TaxpayerNumber, TaxpayerNumberKind};
use crate::domain::person::Account;
use crate::domain::refusal::Refusal;
use crate::ephemeral::Slot;
use crate::flows::sign_in::factor::device;
use crate::flows::sign_in::personal_id;
use crate::flows::{Ctx, Fault, Stop};
use crate::realm::RealmEntrance;
use crate::store::Tx;

/// A slider proof lives two minutes and works once (DEC-19).
const SLIDER_SECONDS: i64 = 120;

pub const LOGIN: Slot<LoginTransaction> = Slot::new("login");
const SLIDER: Slot<String> = Slot::new("slider");

/// What the sign-in form holds.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    pub entrance: String,
    pub enterprise_number: String,
    pub personal_id: String,
    pub password: Option<Secret>,
    pub slider_id: String,
    pub slider: String,
    /// `inspection` or `tax_source`, where the door asks (S-02).
    pub record_kind: String,
    /// Whose code stands beside the form.
    pub scan_app: String,
    /// What the browser may be known by.
    pub device: Option<Secret>,
}

/// A new sign-in for an authorization request, or for a plain link of the portal.
pub async fn begin(ctx: &Ctx, then: Then) -> Result<LoginTransaction, Fault> {
    start(ctx, Purpose::SignIn, then, Progress::Begun).await
}

/// A new transaction that may have come some way already.
pub async fn start(
    ctx: &Ctx,
    purpose: Purpose,
    then: Then,
    progress: Progress,
) -> Result<LoginTransaction, Fault> {
    let transaction = LoginTransaction {
        id: ctx.random().short_token(),
        expires_at: ctx.now().plus(TRANSACTION_SECONDS),
        purpose,
        then,
        turn: u32::from(progress != Progress::Begun),
        progress,
    };
    let key = transaction.id.clone();
    ctx.ephemeral().put(&LOGIN, &key, &transaction, TRANSACTION_SECONDS).await?;
    Ok(transaction)
}

pub async fn find(ctx: &Ctx, id: &str) -> Result<Option<LoginTransaction>, Fault> {
    Ok(ctx.ephemeral().get(&LOGIN, id).await?)
}

/// Saves a step forward; `E_STATE` when another tab was faster.
pub async fn advance(
    ctx: &Ctx,
    from: &LoginTransaction,
    to: LoginTransaction,
) -> Result<LoginTransaction, Stop> {
    let swapped = ctx.ephemeral().swap(&LOGIN, &from.id, from, &to).await?;
    if swapped { Ok(to) } else { Err(Refusal::State.into()) }
}

/// Uses a transaction up for what it ends in: of two tabs that finish, one does.
pub async fn use_up(tx: &Tx<'_>, transaction: &LoginTransaction) -> Result<(), Stop> {
    match tx.use_up("login", &transaction.id, transaction.expires_at).await? {
        true => Ok(()),
        false => Err(Refusal::State.into()),
    }
}

/// Whether the account may sign in at this moment, by whatever way: a lock, or its end, may have come
/// since it was asked last (rule 5).
pub async fn admits(ctx: &Ctx, id: AccountId) -> Result<(), Stop> {
    let account = ctx.rows().accounts().find(id).await?;
    Ok(account.ok_or(Refusal::Credentials)?.may_sign_in(ctx.now())?)
}

pub async fn new_slider(ctx: &Ctx) -> Result<String, Fault> {
    let id = ctx.random().short_token();
    ctx.ephemeral().put(&SLIDER, &id, &ctx.realm.id, SLIDER_SECONDS).await?;
    Ok(id)
}

/// Checks the form, the slider, the throttles and the password, in this order.
pub async fn verify_credentials(
    ctx: &Ctx,
    transaction: &LoginTransaction,
    form: &Credentials,
) -> Result<LoginTransaction, Stop> {
    let Some(entrance) = admitted_door(ctx, transaction, &form.entrance) else {
        return Err(Refusal::format("entrance").into());
    };
    let password = check_format(entrance, form)?;
    if entrance.slider && !slider_is_done(ctx, form).await? {
        return Err(Refusal::Slider.into());
    }
    let found = personal_id::find(ctx, entrance, &form.personal_id).await?;
    let typed = Typed::of_several(ctx, entrance, form, &found).await?;
    if let Err(refusal) = Stop::refusal(throttle(ctx, form, &typed).await)? {
        record(ctx, form, &typed, refusal.code()).await?;
        return Err(refusal.into());
    }
    let Some(owner) = personal_id::owner(ctx, &found, &password).await? else {
        return Err(Refusal::Busy.into());
    };
    let typed = typed.decided(ctx, entrance, form, owner.clone()).await?;
    match owner {
        Some(account) if typed.is_plausible(entrance) => {
            account.may_sign_in(ctx.now())?;
            forget_failures(ctx, form, &typed).await?;
            let is_known_device =
                device::is_known(ctx, entrance, &account, form.device.as_ref()).await?;
            let proved = Proved {
                entrance: entrance.id.clone(),
                person: account.person,
                account: account.id,
                enterprise: typed.enterprise,
                record_kind: RecordKind::parse(&form.record_kind),
                way: Way::Password,
                had_locks: account.n_locks > 0,
                second: if is_known_device { Second::Spared } else { Second::Due },
            };
            advance(ctx, transaction, transaction.about(proved, None)?).await
        }
        _ => {
            fail(ctx, &typed).await?;
            record(ctx, form, &typed, Refusal::Credentials.code()).await?;
            Err(Refusal::Credentials.into())
        }
    }
}

/// The door of this id, if the application that waits may be reached through it.
pub fn admitted_door<'c>(
    ctx: &'c Ctx,
    transaction: &LoginTransaction,
    id: &str,
) -> Option<&'c Entrance> {
    let audience = audience(ctx, transaction);
    let fits = |door: &&RealmEntrance| {
        door.entrance.id == id && audience.is_none_or(|audience| audience == door.entrance.audience)
    };
    ctx.realm.doors().find(fits).map(|door| &door.entrance)
}

/// The audience of the application that waits; the portal's plain link leaves it open.
pub fn audience(ctx: &Ctx, transaction: &LoginTransaction) -> Option<Audience> {
    let client = ctx.realm.clients.get(transaction.request()?.get("client_id")?)?;
    Some(client.audience)
}

fn check_format(entrance: &Entrance, form: &Credentials) -> Result<Secret, Refusal> {
    check_numbers(entrance, form)?;
    let personal_id = form.personal_id.trim();
    if personal_id.is_empty() || personal_id.chars().count() > 64 {
        return Err(Refusal::format("personal_id"));
    }
    let password = form
        .password
        .clone()
        .filter(|password| (1..=128).contains(&password.expose().chars().count()));
    password.ok_or(Refusal::format("password"))
}

/// What stands beside the person's own name and password.
pub fn check_numbers(entrance: &Entrance, form: &Credentials) -> Result<(), Refusal> {
    if entrance.asks_enterprise_number() {
        let number = TaxpayerNumber::parse(&form.enterprise_number);
        let wants_code = entrance.enterprise_number == EnterpriseNumber::NonResidentCode;
        let fits = |number: &TaxpayerNumber| {
            !wants_code || number.kind() == TaxpayerNumberKind::NonResident
        };
        if !number.is_ok_and(|number| fits(&number)) {
            return Err(Refusal::format("enterprise_number"));
        }
    }
    if entrance.subject == Subject::SpecificEntity && RecordKind::parse(&form.record_kind).is_none()
    {
        return Err(Refusal::format("record_kind"));
    }
    Ok(())
}

/// Taken before it is judged: a proof works once, whatever it was worth.
async fn slider_is_done(ctx: &Ctx, form: &Credentials) -> Result<bool, Fault> {
    let realm = ctx.ephemeral().take(&SLIDER, &form.slider_id).await?;
    Ok(realm.is_some_and(|realm| realm == ctx.realm.id) && form.slider == "100")
}

/// What the typed numbers lead to; any of it may be missing.
pub struct Typed {
    account: Option<Account>,
    pub enterprise: Option<EnterpriseId>,
    has_relation: bool,
    /// Failures are counted under this: the account, or the text that led to none.
    counter: String,
}

impl Typed {
    pub fn is_plausible(&self, entrance: &Entrance) -> bool {
        match entrance.subject {
            Subject::Enterprise => {
                self.has_relation || entrance.enterprise_number == EnterpriseNumber::None
            }
            Subject::SpecificEntity => self.has_relation,
            // Who works for an agency is told after the second factor (G-02).
            Subject::Agent => self.enterprise.is_some(),
            Subject::Personal | Subject::AsConfirmed | Subject::StepUp => true,
        }
    }

    fn person(&self) -> Option<PersonId> {
        self.account.as_ref().map(|account| account.person)
    }
}

impl Typed {
    /// Where a number leads to several people, failures are counted by the number alone, and who of
    /// them it is the password decides.
    async fn of_several(
        ctx: &Ctx,
        entrance: &Entrance,
        form: &Credentials,
        found: &[Account],
    ) -> Result<Self, Fault> {
        let only = found.first().filter(|_| found.len() == 1).cloned();
        Self::of(ctx, entrance, form, only).await
    }

    async fn decided(
        self,
        ctx: &Ctx,
        entrance: &Entrance,
        form: &Credentials,
        owner: Option<Account>,
    ) -> Result<Self, Fault> {
        if owner.is_none() || self.account.is_some() {
            return Ok(self);
        }
        Ok(Self { counter: self.counter, ..Self::of(ctx, entrance, form, owner).await? })
    }

    /// What the numbers mean for an account that was found by whatever means.
    pub async fn of(
        ctx: &Ctx,
        entrance: &Entrance,
        form: &Credentials,
        account: Option<Account>,
    ) -> Result<Self, Fault> {
        let rows = ctx.rows();
        let enterprise = match TaxpayerNumber::parse(&form.enterprise_number) {
            Ok(number) if entrance.asks_enterprise_number() => {
                rows.enterprises().find_by_number(&number).await?
            }
            _ => None,
        };
        let enterprise = enterprise.map(|enterprise| enterprise.id);
        let has_relation = match (&account, enterprise) {
            (Some(account), Some(enterprise)) => {
                !rows.authorisations().list(account.person, enterprise).await?.is_empty()
                    || (entrance.subject == Subject::SpecificEntity
                        && rows.cross_region().names(account.person, enterprise).await?)
            }
            _ => false,
        };
        let counter = match &account {
            Some(account) => format!("password/{}", account.id),
            None => format!("password/{}", Hashed::of(&normalise(&form.personal_id)).to_text()),
        };
        Ok(Self { account, enterprise, has_relation, counter })
    }
}

/// Counts before it judges, so that parallel guesses are all counted (E-09).
async fn throttle(ctx: &Ctx, form: &Credentials, typed: &Typed) -> Result<(), Stop> {
    let (ephemeral, limits) = (ctx.ephemeral(), &ctx.realm.limits);
    let locked = typed.account.as_ref().and_then(|account| account.locked_for(ctx.now()));
    if let Some(retry_after) = locked {
        return Err(Refusal::Locked { retry_after }.into());
    }
    let mut counters = vec![
        (typed.counter.clone(), limits.max_failures),
        (format!("address/{}", ctx.ip), limits.max_failures_per_address),
    ];
    if !form.enterprise_number.is_empty() {
        let number = Hashed::of(&normalise(&form.enterprise_number)).to_text();
        counters.push((format!("enterprise/{number}"), limits.max_failures_per_enterprise));
    }
    for (key, most) in counters {
        let (count, retry_after) = ephemeral.count(&key, limits.window).await?;
        if count > most {
            return Err(Refusal::Locked { retry_after }.into());
        }
    }
    Ok(())
}

/// The person's own failures are forgotten. Of the counters that people share only this attempt
/// is taken back: a sign-in of one's own must not clear what one tried on others.
async fn forget_failures(ctx: &Ctx, form: &Credentials, typed: &Typed) -> Result<(), Fault> {
    let ephemeral = ctx.ephemeral();
    let number = Hashed::of(&normalise(&form.enterprise_number)).to_text();
    ephemeral.reset(&typed.counter).await?;
    ephemeral.uncount(&format!("address/{}", ctx.ip)).await?;
    ephemeral.uncount(&format!("enterprise/{number}")).await?;
    Ok(())
}

/// The failure that reaches the limit locks the account.
async fn fail(ctx: &Ctx, typed: &Typed) -> Result<(), Fault> {
    let Some(account) = &typed.account else { return Ok(()) };
    let key = typed.counter.clone();
    let failures = ctx.ephemeral().counted(&key).await?;
    let now = ctx.now();
    let until = ctx.realm.lockout.lock_until(failures, account.n_locks, now);
    let Some(until) = until else { return Ok(()) };
    let tx = ctx.begin().await?;
    if tx.rows().accounts().lock(account.id, account.n_locks, until).await? {
        let event = AuditEvent::AccountLocked { account: account.id, until };
        tx.note(event);
    }
    tx.commit().await?;
    ctx.ephemeral().reset(&key).await?;
    Ok(())
}

async fn record(ctx: &Ctx, form: &Credentials, typed: &Typed, outcome: &str) -> Result<(), Fault> {
    record_way(ctx, form, typed, (Way::Password, outcome)).await
}

/// An attempt that ended at the first page.
pub async fn record_way(
    ctx: &Ctx,
    form: &Credentials,
    typed: &Typed,
    (way, outcome): (Way, &str),
) -> Result<(), Fault> {
    let attempt = LoginAttempt {
        at: ctx.now(),
        person: typed.person(),
        way: way.name(),
        entrance: form.entrance.clone(),
        enterprise: typed.enterprise,
        identity_type: None,
        outcome: outcome.to_owned(),
        ip: ctx.ip,
        device: ctx.device.clone(),
    };
    save_attempt(ctx, &attempt).await
}

/// One line of the sign-in log (E-24).
pub async fn save_attempt(ctx: &Ctx, attempt: &LoginAttempt) -> Result<(), Fault> {
    let tx = ctx.begin().await?;
    tx.rows().records().add_attempt(ctx.new_row_id(), attempt).await?;
    Ok(tx.commit().await?)
}
