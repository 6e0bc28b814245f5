//! Work that no request waits for: tell applications and people, let terms end, drop what is over,
//! learn of keys that another process rotated.

pub mod measure;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, Interval, MissedTickBehavior};

use crate::flows::certificate::lists;
use crate::flows::notify::deliver;
use crate::flows::relations::expiry;
use crate::flows::round::Round;
use crate::flows::self_help::lost_phone;
use crate::flows::sign_in::lower;
use crate::flows::{Ctx, Fault, Services, Stop, keys};
use crate::realm::Realm;
use crate::store::StoreError;
use crate::store::deliveries::Receiver;
use crate::store::found::Found;
use crate::store::non_residents::Known;
use crate::store::reseal::Resealed;
use crate::store::sweep::STEPS;
use crate::web::app::App;
use crate::web::stopping::Stage;

/// What has ended stays for a day, for whoever asks what happened.
const KEPT_SECONDS: i64 = 86_400;

/// Runs until the node takes nobody new; what is being delivered then is still brought there, so that
/// nobody is told twice.
pub async fn run(app: App) {
    let closed = || app.stopping().reached(Stage::Closed);
    let housekeeping = async {
        tokio::select! {
            ((), (), (), (), ()) = async {
                tokio::join!(
                    keep_house(&app),
                    learn_keys(&app),
                    fetch_lists(&app),
                    sweep_up(&app),
                    reseal_all(&app)
                )
            } => {}
            () = closed() => {}
        }
    };
    let delivering = async {
        let mut lanes = JoinSet::new();
        tokio::select! {
            () = deliver(&app, &mut lanes) => {}
            () = closed() => {}
        }
        while lanes.join_next().await.is_some() {}
    };
    tokio::join!(delivering, housekeeping);
}

/// Once a second, a task for each receiver that something is due for and that has none yet. A receiver is one
/// of its realm: several realms have applications of one id, and all of them have people.
async fn deliver(app: &App, lanes: &mut JoinSet<()>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    let mut busy: HashMap<Id, (String, Receiver)> = HashMap::new();
    loop {
        ticks.tick().await;
        while let Some(ended) = lanes.try_join_next_with_id() {
            busy.remove(&ended.map_or_else(|failed| failed.id(), |(id, ())| id));
        }
        for realm in app.realms() {
            let ctx = Ctx::own(app.services(), &realm);
            let receivers = deliver::receivers(&ctx).await.unwrap_or_else(|fault| {
                tracing::warn!(%fault, realm = realm.id, "What is to be delivered could not be read");
                Vec::new()
            });
            for to in receivers {
                let of_realm = (realm.id.clone(), to);
                if busy.values().all(|known| *known != of_realm) {
                    let task = lanes.spawn(lane(ctx.clone(), of_realm.1.clone()));
                    busy.insert(task.id(), of_realm);
                }
            }
        }
    }
}

/// A portion: the next one goes by the realm's files as they are then.
async fn lane(ctx: Ctx, to: Receiver) {
    if let Err(fault) = deliver::run(&ctx, &to).await {
        tracing::warn!(%fault, realm = ctx.realm.id, to = to.client_id, "Could not deliver");
    }
}

/// Twice a minute, and as soon as a day begins: terms end by days.
async fn keep_house(app: &App) {
    let services = app.services();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    let (mut n, mut day) = (0_u64, None);
    loop {
        ticks.tick().await;
        let today = services.clock.now().day();
        if n.is_multiple_of(30) || day != Some(today) {
            for realm in app.realms() {
                if let Err(fault) = expiry::run(&Ctx::own(app.services(), &realm)).await {
                    tracing::warn!(%fault, realm = realm.id, "Terms could not end");
                }
                if let Err(fault) = lost_phone::bind_due(&Ctx::own(app.services(), &realm)).await {
                    tracing::warn!(%fault, realm = realm.id, "Phones that waited could not be bound");
                }
                if let Err(fault) = lower::run(&Ctx::own(app.services(), &realm)).await {
                    tracing::warn!(%fault, realm = realm.id, "Levels could not fall");
                }
            }
            day = Some(today);
        }
        if n.is_multiple_of(30) {
            services.ephemeral.sweep();
            measure::room(app);
            for realm in app.realms() {
                measure::realm(services, &realm).await;
            }
            measure::connections(services);
        }
        measure::password_lanes(services);
        if n.is_multiple_of(3600) {
            for realm in app.realms() {
                tell_audit(services, &realm).await;
            }
        }
        n += 1;
    }
}

/// A checkpoint in the log, which somebody else keeps: what was written before it cannot be changed
/// or cut off unseen (`hufu audit --checkpoints`).
async fn tell_audit(services: &Services, realm: &Realm) {
    match services.store.rows(&realm.id).records().signed_head().await {
        Ok(Some(checkpoint)) => {
            tracing::info!(realm = realm.id, %checkpoint, "The audit has come so far");
        }
        Ok(None) => {}
        Err(fault) => tracing::warn!(%fault, realm = realm.id, "The audit could not be read"),
    }
}

/// Twice a minute, whatever other work takes: others have announced keys that soon sign.
async fn learn_keys(app: &App) {
    let mut ticks = twice_a_minute();
    loop {
        ticks.tick().await;
        for realm in app.realms() {
            if let Err(fault) = keys::learn(app.services(), &realm).await {
                tracing::warn!(%fault, realm = realm.id, "Signing keys could not be read again");
            }
        }
    }
}

/// Twice a minute, by itself and of all realms at once: a host that is away keeps its caller waiting.
async fn fetch_lists(app: &App) {
    let mut ticks = twice_a_minute();
    loop {
        ticks.tick().await;
        join_all(app.realms().into_iter().map(|realm| fetch_lists_of(app, realm))).await;
    }
}

async fn fetch_lists_of(app: &App, realm: Arc<Realm>) {
    if let Err(fault) = lists::run(&Ctx::own(app.services(), &realm)).await {
        tracing::warn!(%fault, realm = realm.id, "Revocation lists could not be renewed");
    }
}

/// No sooner, also after a round that took longer.
fn twice_a_minute() -> Interval {
    let mut ticks = tokio::time::interval(Duration::from_secs(30));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Twice a minute, as long as it takes.
async fn sweep_up(app: &App) {
    let mut ticks = twice_a_minute();
    loop {
        ticks.tick().await;
        for realm in app.realms() {
            match hash_names(&Ctx::own(app.services(), &realm)).await {
                Ok(0) => {}
                Ok(n) => tracing::info!(n, realm = realm.id, "Names are found by their hash"),
                Err(fault) => {
                    tracing::warn!(%fault, realm = realm.id, "Names could not be given their hash");
                }
            }
        }
        let swept = async { Ok::<_, Fault>(sweep(app.services()).await? + sweep_logs(app).await?) };
        match swept.await {
            Ok(n) => metrics::counter!("hufu_rows_swept_total").increment(n),
            Err(fault) => tracing::warn!(%fault, "Expired rows could not be swept"),
        }
    }
}

/// Seconds from one look to the next: often enough that no writer has to look (`store/learned`).
const LOOKS_FOR_ROOTS: u64 = 3;

/// Every few seconds, and once a value names a root that is not known yet: takes the turn to another root at
/// rest, and seals everything anew where that is due.
async fn reseal_all(app: &App) {
    let services = app.services();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut n = 0_u64;
    loop {
        ticks.tick().await;
        let is_behind = services.store.ring().is_behind();
        n += 1;
        if !is_behind && n % LOOKS_FOR_ROOTS != 1 {
            continue;
        }
        match services.store.learn_roots().await {
            Ok(()) => {}
            Err(fault @ StoreError::Unavailable(_)) => {
                tracing::warn!(%fault, "The keys at rest could not be read again");
                continue;
            }
            // A root that this node cannot open: what is sealed by it soon cannot be read here.
            Err(fault) => tracing::error!(%fault, "The keys at rest could not be read again"),
        }
        match reseal(services).await {
            Ok(None) => {}
            Ok(Some(Resealed { rows, left: 0, .. })) => {
                tracing::info!(rows, "Everything at rest is sealed by the current root");
            }
            Ok(Some(Resealed { rows, left, .. })) => {
                tracing::error!(
                    rows,
                    left,
                    "Some rows could not be sealed anew, and are tried again"
                );
            }
            Err(fault) => tracing::warn!(%fault, "Sealing anew broke off, and goes on later"),
        }
    }
}

/// One pass, where it is due and no other node is at it. Others have the database for at least as long.
pub async fn reseal(services: &Services) -> Result<Option<Resealed>, StoreError> {
    if !services.store.is_reseal_due(services.clock.now()) {
        return Ok(None);
    }
    services.store.reseal(false, || services.clock.now(), tokio::time::sleep).await
}

/// Removes what ended a day ago, batch after batch; returns how many rows went.
pub async fn sweep(services: &Services) -> Result<u64, Fault> {
    let before = services.clock.now().plus(-KEPT_SECONDS);
    let mut swept = 0;
    for step in STEPS {
        swept += in_batches(|| services.store.sweep(step, before)).await?;
    }
    Ok(swept)
}

/// Removes lines of sign-in logs that are older than their realm keeps them.
pub async fn sweep_logs(app: &App) -> Result<u64, Fault> {
    let (services, mut swept) = (app.services(), 0);
    for realm in app.realms() {
        let before = services.clock.now().plus(-86_400 * realm.retention.sign_in_log_days);
        let batch = || services.store.sweep_sign_in_log(&realm.id, before);
        swept += in_batches(batch).await?;
    }
    Ok(swept)
}

/// Gives names of non-resident enterprises the hash that an earlier release did not keep; how many. Others have
/// the database for at least as long as this.
pub async fn hash_names(ctx: &Ctx) -> Result<usize, Fault> {
    let mut round = Round::of(ctx, "names");
    for known in ctx.rows().non_residents().without_hash().await? {
        let began = Instant::now();
        let found = Found { id: known.id.0, row: Ok(known) };
        let hash = |known: Known| async move {
            let tx = ctx.begin().await?;
            let is_new = tx.rows().non_residents().hash(&known).await?;
            tx.commit().await?;
            Ok::<bool, Stop>(is_new)
        };
        round.take(found, hash).await?;
        tokio::time::sleep(began.elapsed()).await;
    }
    Ok(round.n_done())
}

/// Until one finds nothing. Others have the database for at least as long as this.
async fn in_batches<F>(batch: impl Fn() -> F) -> Result<u64, Fault>
where
    F: Future<Output = Result<u64, StoreError>>,
{
    let mut swept = 0;
    loop {
        let began = Instant::now();
        let n = batch().await?;
        swept += n;
        if n == 0 {
            return Ok(swept);
        }
        tokio::time::sleep(began.elapsed()).await;
    }
}
