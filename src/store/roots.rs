//! The roots of what is sealed at rest (`base::cipher`): of every realm at once, announced before they
//! seal, wrapped by every master key that may open them. Sealing rows anew is `reseal`'s.

use hufu_migrations::SchemaManager;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait, Value};

use super::connect::{DatabaseUrl, connect_postgres, connect_sqlite};
use super::first_root::{self, NOT_BEGUN};
use super::link::Link;
use super::{Rows, Store, StoreError, Tx};
use crate::base::cipher::{Keeper, Root, RootKey};
use crate::base::clock::Timestamp;
use crate::base::random::Random;
use crate::base::suite::Suite;
use crate::domain::audit::AuditEvent;
use crate::domain::help::Helper;

/// How long before it seals a root is known.
pub const ANNOUNCED_SECONDS: i64 = 60;

/// The shortest announcement: nobody writes by what they learned half as long ago (`learned`).
pub const SHORTEST_ANNOUNCEMENT: i64 = 10;

/// How long after that everybody is believed to seal by it.
pub const SETTLED_SECONDS: i64 = 600;

/// One at a time makes roots; names that among PostgreSQL's advisory locks.
const ROOTS_LOCK: &str = "SELECT pg_advisory_xact_lock(4741148)";

/// A root without its key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RootRow {
    pub id: u32,
    pub suite: Suite,
    pub created_at: Timestamp,
    pub active_from: Timestamp,
    pub retired_at: Option<Timestamp>,
    /// The fingerprints of the master keys that open it, in order.
    pub keepers: Vec<String>,
}

/// Before the database serves: root 0 is there, and the youngest is of the wanted suite. Of nodes that
/// start together one makes them, and one whose key does not open what is there makes none.
pub async fn prepare(
    url: &DatabaseUrl,
    keeper: &dyn Keeper,
    suite: Suite,
    now: Timestamp,
) -> Result<(), StoreError> {
    let connection = match url {
        DatabaseUrl::Sqlite(path) => connect_sqlite(path, 1, false).await?,
        DatabaseUrl::Postgres(url) => connect_postgres(url, |_| 1).await?,
    };
    let tx = connection.begin().await?;
    let link = Link::Tx(&tx);
    alone(link).await?;
    let (known, random) = (rows(link).await?, Random::System);
    let is_new =
        known.is_empty() && link.query_one_raw(statement(link, IS_SERVED, [])).await?.is_none();
    let youngest = if let Some(youngest) = known.last() {
        opened(link, keeper).await?;
        youngest.suite
    } else {
        // What there is was sealed by the master key itself.
        let sealed = if is_new { Vec::new() } else { opened(link, keeper).await? };
        let key = sealed.into_iter().next().map(|root| root.key);
        let key = key.unwrap_or_else(|| RootKey::random(&random));
        let first = New { id: 0, suite: Suite::International, active_from: now };
        first.insert(link, &Wrap::of(keeper, &random, 0, &key).await?, now).await?;
        first.suite
    };
    if youngest != suite {
        by_one_key(&known)?;
        // Where nobody else can have begun yet, nobody has to learn of it first.
        let active_from = if is_new { now } else { now.plus(ANNOUNCED_SECONDS) };
        let id = known.last().map_or(1, |last| last.id + 1);
        let key = RootKey::random(&random);
        let wrap = Wrap::of(keeper, &random, id, &key).await?;
        New { id, suite, active_from }.insert(link, &wrap, now).await?;
        tracing::info!(root = id, suite = suite.name(), "Values at rest get another root");
    }
    tx.commit().await?;
    connection.close().await?;
    Ok(())
}

/// The first that is sealed are a realm's signing keys and its files.
const IS_SERVED: &str =
    "SELECT realm FROM signing_key UNION ALL SELECT realm FROM realm_version LIMIT 1";

/// Whether something lies sealed there, whatever steps the schema has still to run; refuses a `keeper` that does
/// not open it. Makes nothing.
pub async fn is_sealed(url: &DatabaseUrl, keeper: Option<&dyn Keeper>) -> Result<bool, StoreError> {
    let connection = match url {
        DatabaseUrl::Sqlite(path) if !path.is_file() => return Ok(false),
        DatabaseUrl::Sqlite(path) => connect_sqlite(path, 1, true).await?,
        DatabaseUrl::Postgres(url) => connect_postgres(url, |_| 1).await?,
    };
    let found = looked(&connection, keeper).await;
    connection.close().await?;
    found
}

async fn looked(
    connection: &DatabaseConnection,
    keeper: Option<&dyn Keeper>,
) -> Result<bool, StoreError> {
    let (link, schema) = (Link::Pool(connection), SchemaManager::new(connection));
    if schema.has_table("data_root").await? && !rows(link).await?.is_empty() {
        if let Some(keeper) = keeper {
            opened(link, keeper).await?;
        }
        return Ok(true);
    }
    if !schema.has_table("signing_key").await? {
        return Ok(false);
    }
    let has_files = schema.has_column("realm_version", "files").await?;
    let sample = first_root::sample(link, has_files).await?;
    if let (Some(keeper), Some(_)) = (keeper, &sample) {
        first_root::of(keeper, sample.as_ref())?;
    }
    Ok(sample.is_some())
}

/// Whoever makes or wraps roots is alone with that until the transaction's end, lest one root be wrapped
/// for one of two master keys. SQLite has one writer.
async fn alone(link: Link<'_>) -> Result<(), StoreError> {
    if link.get_database_backend() == DbBackend::Postgres {
        link.execute_unprepared(ROOTS_LOCK).await?;
    }
    Ok(())
}

const CAME_MEANWHILE: StoreError = StoreError::Roots("another root came meanwhile: run it again");

/// The id of the next root, where one may be made.
fn next(known: &[RootRow], now: Timestamp) -> Result<u32, StoreError> {
    let last = known.last().ok_or(NOT_BEGUN)?;
    if last.active_from > now {
        return Err(StoreError::Roots("another root is announced already"));
    }
    by_one_key(known)?;
    Ok(last.id + 1)
}

/// A root that is made while two master keys open the others could be wrapped for one of them alone.
fn by_one_key(known: &[RootRow]) -> Result<(), StoreError> {
    match known.iter().all(|root| root.keepers.len() == 1) {
        true => Ok(()),
        false => {
            Err(StoreError::Roots("two master keys open this database: forget the older one first"))
        }
    }
}

struct New {
    id: u32,
    suite: Suite,
    active_from: Timestamp,
}

impl New {
    async fn insert(&self, link: Link<'_>, wrap: &Wrap, now: Timestamp) -> Result<(), StoreError> {
        let id = i64::from(self.id);
        let values: [Value; 4] =
            [id.into(), self.suite.name().into(), now.0.into(), self.active_from.0.into()];
        let sql = "INSERT INTO data_root (id, suite, created_at, active_from, worked_until) \
                   VALUES ($1, $2, $3, $4, 0)";
        link.execute_raw(statement(link, sql, values)).await?;
        wrap.insert(link).await
    }
}

/// A root's key as one keeper has wrapped it. A machine takes its time: wrap before the transaction begins.
struct Wrap {
    root: u32,
    keeper: String,
    wrapped: Vec<u8>,
}

impl Wrap {
    async fn of(
        keeper: &dyn Keeper,
        random: &Random,
        root: u32,
        key: &RootKey,
    ) -> Result<Self, StoreError> {
        let wrapped = keeper.wrap(random, root, key).await?;
        Ok(Self { root, keeper: keeper.fingerprint(), wrapped })
    }

    async fn insert(&self, link: Link<'_>) -> Result<(), StoreError> {
        let values: [Value; 3] = [
            i64::from(self.root).into(),
            self.keeper.as_str().into(),
            self.wrapped.as_slice().into(),
        ];
        let sql = "INSERT INTO data_root_wrap (root, keeper, wrapped) VALUES ($1, $2, $3) \
                   ON CONFLICT (root, keeper) DO NOTHING";
        link.execute_raw(statement(link, sql, values)).await?;
        Ok(())
    }
}

fn statement<const N: usize>(link: Link<'_>, sql: &str, values: [Value; N]) -> Statement {
    Statement::from_sql_and_values(link.get_database_backend(), sql, values)
}

/// By id.
async fn rows(link: Link<'_>) -> Result<Vec<RootRow>, StoreError> {
    let sql = "SELECT id, suite, created_at, active_from, retired_at FROM data_root ORDER BY id";
    let mut found = Vec::new();
    for row in link.query_all_raw(statement(link, sql, [])).await? {
        let id: i32 = row.try_get("", "id")?;
        let wrong = |column| StoreError::inconsistent("data_root", column, id);
        let suite: String = row.try_get("", "suite")?;
        found.push(RootRow {
            id: u32::try_from(id).map_err(|_| wrong("id"))?,
            suite: Suite::parse(&suite).ok_or_else(|| wrong("suite"))?,
            created_at: Timestamp(row.try_get("", "created_at")?),
            active_from: Timestamp(row.try_get("", "active_from")?),
            retired_at: row.try_get::<Option<i64>>("", "retired_at")?.map(Timestamp),
            keepers: Vec::new(),
        });
    }
    let sql = "SELECT root, keeper FROM data_root_wrap ORDER BY root, keeper";
    for row in link.query_all_raw(statement(link, sql, [])).await? {
        let root: i32 = row.try_get("", "root")?;
        let of = found.iter_mut().find(|known| i64::from(known.id) == i64::from(root));
        if let Some(of) = of {
            of.keepers.push(row.try_get("", "keeper")?);
        }
    }
    Ok(found)
}

/// Every root with its key. A database that no server of this version has opened has none but the master
/// key itself.
pub(super) async fn opened(link: Link<'_>, keeper: &dyn Keeper) -> Result<Vec<Root>, StoreError> {
    let rows = rows(link).await?;
    if rows.is_empty() {
        return Ok(vec![first_root::of(keeper, first_root::sample(link, true).await?.as_ref())?]);
    }
    let sql = "SELECT root, wrapped FROM data_root_wrap WHERE keeper = $1";
    let ours = statement(link, sql, [keeper.fingerprint().into()]);
    let mut wraps = std::collections::BTreeMap::new();
    for row in link.query_all_raw(ours).await? {
        wraps.insert(row.try_get::<i32>("", "root")?, row.try_get::<Vec<u8>>("", "wrapped")?);
    }
    let mut roots = Vec::new();
    for row in rows {
        let wrapped = i32::try_from(row.id).ok().and_then(|id| wraps.get(&id));
        let wrapped = wrapped
            .ok_or_else(|| StoreError::WrongKey(keeper.fingerprint(), row.keepers.join(", ")))?;
        roots.push(Root {
            key: keeper.unwrap(row.id, wrapped).await?,
            id: row.id,
            suite: row.suite,
            active_from: row.active_from,
            is_retired: row.retired_at.is_some(),
        });
    }
    Ok(roots)
}

impl Store {
    /// Every root, the oldest first.
    pub async fn roots(&self) -> Result<Vec<RootRow>, StoreError> {
        rows(Link::Pool(&self.readers)).await
    }

    /// Announces another root, which seals so many seconds later, [`SHORTEST_ANNOUNCEMENT`] at least; returns
    /// it. Refused while one is announced, or while a master key is exchanged: it could not be wrapped for both.
    pub async fn add_root(
        &self,
        suite: Suite,
        announced: i64,
        helper: &Helper,
        now: Timestamp,
    ) -> Result<RootRow, StoreError> {
        let (id, key) = (next(&self.roots().await?, now)?, RootKey::random(&self.random));
        let wrap = Wrap::of(&*self.keeper, &self.random, id, &key).await?;
        let tx = self.begin("", now).await?;
        let link = tx.rows().db();
        alone(link).await?;
        if next(&rows(link).await?, now)? != id {
            return Err(CAME_MEANWHILE);
        }
        let active_from = now.plus(announced.max(SHORTEST_ANNOUNCEMENT));
        New { id, suite, active_from }.insert(link, &wrap, now).await?;
        self.commit_told(tx, helper, format!("rotate {id}")).await?;
        let keepers = vec![wrap.keeper];
        Ok(RootRow { id, suite, created_at: now, active_from, retired_at: None, keepers })
    }

    /// Another master key may open every root from now on, beside those that may already.
    pub async fn wrap_roots(
        &self,
        by: &dyn Keeper,
        helper: &Helper,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let roots = opened(Link::Pool(&self.readers), &*self.keeper).await?;
        let mut wraps = Vec::new();
        for root in &roots {
            wraps.push(Wrap::of(by, &self.random, root.id, &root.key).await?);
        }
        let tx = self.begin("", now).await?;
        let link = tx.rows().db();
        alone(link).await?;
        let known = rows(link).await?;
        self.may_be_exchanged(&known, &self.keeper.fingerprint())?;
        if known.len() != wraps.len() {
            return Err(CAME_MEANWHILE);
        }
        for wrap in &wraps {
            wrap.insert(link).await?;
        }
        self.commit_told(tx, helper, format!("rewrap {}", by.fingerprint())).await
    }

    /// A master key opens nothing here any more; never this process's own, which must open everything.
    /// `false`: it opened nothing.
    pub async fn forget_keeper(
        &self,
        keeper: &str,
        helper: &Helper,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if keeper == self.keeper.fingerprint() {
            return Err(StoreError::Roots("this is the master key in use"));
        }
        let tx = self.begin("", now).await?;
        let link = tx.rows().db();
        alone(link).await?;
        self.may_be_exchanged(&rows(link).await?, keeper)?;
        let sql = "DELETE FROM data_root_wrap WHERE keeper = $1";
        let done = link.execute_raw(statement(link, sql, [keeper.into()])).await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        self.commit_told(tx, helper, format!("forget {keeper}")).await?;
        Ok(true)
    }

    /// Whether this process's key opens everything, and `old` will open nothing once it is forgotten.
    fn may_be_exchanged(&self, known: &[RootRow], old: &str) -> Result<(), StoreError> {
        let first = known.first().ok_or(NOT_BEGUN)?;
        let own = self.keeper.fingerprint();
        if let Some(lost) = known.iter().find(|root| !root.keepers.contains(&own)) {
            return Err(StoreError::WrongKey(own, lost.keepers.join(", ")));
        }
        if first.retired_at.is_none() && self.ring.first().is_master(old) {
            return Err(StoreError::Roots(
                "the older master key is root 0 itself, and reads what root 0 has sealed whether it is \
                 forgotten or not: with that key alone, `hufu secrets rotate`, and exchange it once `hufu \
                 secrets status` says that root 0 is retired",
            ));
        }
        Ok(())
    }

    /// With the act in the audit of every realm: a root is of all of them.
    async fn commit_told(
        &self,
        tx: Tx<'_>,
        helper: &Helper,
        act: String,
    ) -> Result<(), StoreError> {
        let (by, reason) = (helper.name().to_owned(), helper.reason().to_owned());
        let event = AuditEvent::SecretsChanged { act, by, reason };
        for realm in self.realms().await? {
            let of = Rows { realm: &realm, ..tx.rows() };
            of.records().audit(tx.now(), std::slice::from_ref(&event)).await?;
        }
        tx.commit().await
    }

    /// Whether this node is the one to seal rows anew for the next while: one is at a time, and it says
    /// again that it lives with every batch.
    pub(super) async fn takes_resealing(
        &self,
        root: u32,
        now: Timestamp,
        is_mine: bool,
    ) -> Result<bool, StoreError> {
        let tx = self.begin("", now).await?;
        let link = tx.rows().db();
        let sql = "UPDATE data_root SET worked_until = $1 WHERE id = $2 AND worked_until < $3";
        let free = if is_mine { i64::MAX } else { now.0 };
        let values = [now.plus(LEASE_SECONDS).0.into(), i64::from(root).into(), free.into()];
        let done = link.execute_raw(statement(link, sql, values)).await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Nothing that a row holds is sealed by one before `root` any more.
    pub(super) async fn retire_before(&self, root: u32, now: Timestamp) -> Result<(), StoreError> {
        let tx = self.begin("", now).await?;
        let link = tx.rows().db();
        let sql = "UPDATE data_root SET retired_at = $1 WHERE id < $2 AND retired_at IS NULL";
        link.execute_raw(statement(link, sql, [now.0.into(), i64::from(root).into()])).await?;
        tx.commit().await
    }
}

/// A node that died while it sealed anew is believed to live for so long.
const LEASE_SECONDS: i64 = 120;
