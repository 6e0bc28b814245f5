//! Durable rows on SQLite or PostgreSQL. Reading goes through [`Store::rows`], writing through one
//! short [`Tx`]; a `Tx` that is not committed leaves nothing. Both are of one realm, and so is every
//! row they find: ids of other realms are not found. Outside this folder nobody sees a sea-orm type
//! or a half-valid row. What expires by itself lives in `ephemeral`.

pub mod columns;
pub mod connect;
mod entity;
mod error;
mod lane;
mod levels;
mod link;

pub mod accounts;
pub mod audit_search;
pub mod authenticators;
pub mod authorisations;
pub mod awaited_phones;
pub mod cancelling;
pub mod consents;
pub mod cross_region;
pub mod deliveries;
mod delivery;
pub mod devices;
mod emails;
pub mod engagements;
pub mod enterprises;
pub mod feed;
mod first_root;
pub mod found;
pub mod grants;
pub mod hall_records;
mod help;
pub mod keys;
mod learned;
pub mod many;
pub mod non_residents;
pub mod notices;
pub mod officers;
pub mod passkeys;
pub mod people;
pub mod phones;
pub mod reach;
pub mod realms;
pub mod records;
pub mod relations;
pub mod reseal;
pub mod revocation_lists;
pub mod roots;
pub mod session_clients;
pub mod sessions;
pub mod standing;
pub mod stats;
pub mod streams;
pub mod sweep;
mod terms;
pub mod ties;
pub mod tokens;
mod used_up;

use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::sea_query::{Alias, Expr, ExprTrait, SimpleExpr};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend,
    DeleteMany, EntityTrait, QueryFilter, QueryOrder, QueryResult, QuerySelect, Select, Statement,
    UpdateMany, Value,
};

use crate::base::cipher::{Cipher, Keeper, Purpose, Ring};
use crate::base::clock::{Clock, Timestamp};
use crate::base::random::Random;
use crate::base::sm2::Sm2Key;
use crate::domain::audit::AuditEvent;
use crate::store::connect::{DatabaseUrl, connect_postgres, connect_sqlite};
use lane::Lane;
use link::{Link, on_a_living};

pub use error::StoreError;

/// The pools, and the keys that open sealed columns.
pub struct Store {
    readers: DatabaseConnection,
    writer: Writer,
    keeper: Box<dyn Keeper>,
    ring: Arc<Ring>,
    cipher: Cipher,
    /// Of the audit's chains.
    audit_key: [u8; 32],
    /// Of their checkpoints.
    audit_signer: Sm2Key,
    random: Random,
    learning: learned::Learning,
}

enum Writer {
    Lane(Lane),
    Pool(DatabaseConnection),
}

impl Store {
    /// `keeper`: opens the roots of what is sealed there (`roots::prepare` makes them).
    pub async fn open(
        url: &DatabaseUrl,
        keeper: impl Keeper + 'static,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        let (readers, writer) = match url {
            DatabaseUrl::Sqlite(path) => {
                let writer = Writer::Lane(Lane::open(path.clone()).await?);
                (connect_sqlite(path, 4, true).await?, writer)
            }
            DatabaseUrl::Postgres(url) => {
                let readers = connect_postgres(url, |cores| 2 * cores + 4).await?;
                let writers = connect_postgres(url, |cores| 4 * cores + 16).await?;
                (readers, Writer::Pool(writers))
            }
        };
        let (learning, ring) = learned::at_first(&readers, &keeper, clock).await?;
        Ok(Self {
            readers,
            writer,
            keeper: Box::new(keeper),
            cipher: ring.cipher(Purpose::Personal),
            audit_key: ring.first().derive("audit"),
            audit_signer: Sm2Key::from_seed(&ring.first().derive("audit/signer")),
            ring,
            random: Random::System,
            learning,
        })
    }

    /// What opens values at rest, the short-lived ones among them.
    pub fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }

    /// A realm's rows, to read outside a transaction.
    pub fn rows<'s>(&'s self, realm: &'s str) -> Rows<'s> {
        Rows { link: Link::Pool(&self.readers), store: self, realm, access: PhantomData }
    }

    /// A transaction to write a realm's rows in. Keep it short: on SQLite it holds the writer lane.
    /// `at`: when what it notes for the audit has happened. Refused where nobody can say any more which
    /// root seals (`learned`).
    pub async fn begin<'s>(&'s self, realm: &'s str, at: Timestamp) -> Result<Tx<'s>, StoreError> {
        let learned = self.learned().await?;
        let inner = match &self.writer {
            Writer::Lane(lane) => Inner::Seat(lane.enter().await?),
            Writer::Pool(writers) => Inner::Own(link::begin(writers).await?),
        };
        Ok(Tx { inner, store: self, realm, at, noted: Mutex::default(), learned })
    }

    /// The ids of all realms that were ever served from this database, in order.
    pub async fn realms(&self) -> Result<Vec<String>, StoreError> {
        let known = entity::realm_version::Entity::find()
            .select_only()
            .column(entity::realm_version::Column::Realm)
            .distinct()
            .order_by_asc(entity::realm_version::Column::Realm);
        Ok(known.into_tuple().all(&Link::Pool(&self.readers)).await?)
    }

    /// Whether the database answers, and takes rows: a standby, or a file on a disk that was mounted
    /// read-only, does only the one. Nothing is changed.
    pub async fn check_writes(&self, now: Timestamp) -> Result<(), StoreError> {
        on_a_living(|| self.readers.ping()).await?;
        let tx = self.begin("", now).await?;
        tx.rows().db().execute_unprepared("DELETE FROM used_up WHERE realm = ''").await?;
        Ok(())
    }

    /// What the database's own machine says that the time is; a file has no machine.
    pub async fn clock(&self) -> Result<Option<Timestamp>, StoreError> {
        if self.readers.get_database_backend() != DbBackend::Postgres {
            return Ok(None);
        }
        let sql = "SELECT EXTRACT(EPOCH FROM clock_timestamp())::bigint AS now";
        let row =
            self.readers.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
        Ok(row.map(|row| row.try_get("", "now")).transpose()?.map(Timestamp))
    }

    /// How many connections each pool has, and how many of them nobody uses.
    pub fn connections(&self) -> Vec<Connections> {
        let postgres = |pool, connections: &DatabaseConnection| {
            let known = connections.get_postgres_connection_pool();
            Connections { pool, open: known.size(), idle: known.num_idle() }
        };
        match &self.writer {
            Writer::Pool(writers) => {
                vec![postgres("read", &self.readers), postgres("write", writers)]
            }
            Writer::Lane(_) => {
                let known = self.readers.get_sqlite_connection_pool();
                vec![Connections { pool: "read", open: known.size(), idle: known.num_idle() }]
            }
        }
    }
}

/// Of one pool.
pub struct Connections {
    pub pool: &'static str,
    pub open: u32,
    pub idle: usize,
}

/// One transaction.
#[must_use = "nothing is saved until `commit`"]
pub struct Tx<'s> {
    inner: Inner,
    store: &'s Store,
    realm: &'s str,
    at: Timestamp,
    noted: Mutex<Vec<AuditEvent>>,
    learned: learned::Learned,
}

enum Inner {
    /// In a batch of the lane.
    Seat(lane::Seat),
    Own(DatabaseTransaction),
}

impl Tx<'_> {
    pub fn rows(&self) -> Rows<'_, Writing> {
        let transaction = match &self.inner {
            Inner::Seat(seat) => seat.transaction(),
            Inner::Own(own) => own,
        };
        let link = Link::Tx(transaction);
        Rows { link, store: self.store, realm: self.realm, access: PhantomData }
    }

    /// When it began.
    pub fn now(&self) -> Timestamp {
        self.at
    }

    /// Goes into the audit with the commit, or nowhere.
    pub fn note(&self, event: AuditEvent) {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }

    /// Returns once the rows would survive the loss of power. What has been begun cannot be
    /// cancelled: whoever stops waiting has committed all the same. The audit comes last, because on
    /// PostgreSQL its chain is held until then.
    pub async fn commit(self) -> Result<(), StoreError> {
        let noted = std::mem::take(&mut *self.noted.lock().unwrap_or_else(PoisonError::into_inner));
        self.rows().records().audit(self.at, &noted).await?;
        self.store.still_holds(self.learned).await?;
        match self.inner {
            Inner::Seat(seat) => seat.commit().await,
            Inner::Own(own) => match tokio::spawn(own.commit()).await {
                Ok(outcome) => Ok(outcome?),
                Err(stopped) => Err(StoreError::Unavailable(stopped.to_string())),
            },
        }
    }
}

/// Access that reads: over the pool or within a transaction.
#[derive(Clone, Copy)]
pub struct Reading;

/// Access that also writes: within a transaction alone.
#[derive(Clone, Copy)]
pub struct Writing;

/// Access to the tables of one realm.
pub struct Rows<'c, A = Reading> {
    link: Link<'c>,
    store: &'c Store,
    realm: &'c str,
    access: PhantomData<A>,
}

impl<A> Clone for Rows<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for Rows<'_, A> {}

/// `realm = …` for a table; every look-up below begins with it.
fn of_realm<E: EntityTrait>(realm: &str) -> SimpleExpr {
    Expr::col((E::default(), Alias::new("realm"))).eq(realm)
}

impl<'c, A> Rows<'c, A> {
    /// The same rows for those who only look.
    pub fn reading(self) -> Rows<'c> {
        Rows { link: self.link, store: self.store, realm: self.realm, access: PhantomData }
    }

    fn db(&self) -> Link<'c> {
        self.link
    }

    fn find<E: EntityTrait>(&self) -> Select<E> {
        E::find().filter(of_realm::<E>(self.realm))
    }

    /// `$1` is the realm, the values follow.
    fn statement<const N: usize>(&self, sql: &str, values: [Value; N]) -> Statement {
        let all = std::iter::once(self.realm.into()).chain(values);
        Statement::from_sql_and_values(self.db().get_database_backend(), sql, all)
    }

    async fn one<const N: usize>(
        &self,
        sql: &str,
        values: [Value; N],
    ) -> Result<Option<QueryResult>, StoreError> {
        Ok(self.db().query_one_raw(self.statement(sql, values)).await?)
    }

    async fn all<const N: usize>(
        &self,
        sql: &str,
        values: [Value; N],
    ) -> Result<Vec<QueryResult>, StoreError> {
        Ok(self.db().query_all_raw(self.statement(sql, values)).await?)
    }

    fn seal(&self, place: &str, text: &str) -> Vec<u8> {
        self.store.cipher.seal(&self.store.random, place, text.as_bytes())
    }

    fn unseal(&self, place: &str, sealed: &[u8]) -> Result<String, StoreError> {
        Ok(self.store.cipher.open_text(place, sealed)?)
    }

    fn seal_bytes(&self, place: &str, bytes: &[u8]) -> Vec<u8> {
        self.store.cipher.seal(&self.store.random, place, bytes)
    }

    fn unseal_bytes(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        Ok(self.store.cipher.open(place, sealed)?.to_vec())
    }

    /// Under which a value is written.
    fn index(&self, kind: &str, value: &str) -> Vec<u8> {
        self.store.cipher.index(kind, value)
    }

    /// Under which it is looked for: there are two while a root follows another.
    fn indexes(&self, kind: &str, value: &str) -> Vec<Vec<u8>> {
        self.store.cipher.indexes(kind, value)
    }

    /// The same for what is kept as a hash alone.
    fn all_indexes(&self, kind: &str, value: &str) -> Vec<Vec<u8>> {
        self.store.cipher.all_indexes(kind, value)
    }
}

/// Rows or values of one statement, a power of two: SQLite takes 32,766 values in one, PostgreSQL 65,535.
const AT_ONCE: usize = 256;

/// The last value again until there are as many as a power of two: statements of few lengths are prepared
/// and kept, and not one for each number of values.
fn evened<T: Clone>(mut values: Vec<T>) -> Vec<T> {
    if let Some(last) = values.last().cloned() {
        values.resize(values.len().next_power_of_two(), last);
    }
    values
}

impl Rows<'_, Writing> {
    /// Many rows in few statements; a row that is there already is a [`StoreError::Conflict`].
    async fn insert_all<A>(&self, models: Vec<A>) -> Result<(), StoreError>
    where
        A: ActiveModelTrait + Send,
    {
        let mut models = models.into_iter();
        while models.len() > 0 {
            // As few lengths as [`evened`].
            let n_rows = usize::min(1 << models.len().ilog2(), AT_ONCE);
            let some = models.by_ref().take(n_rows);
            A::Entity::insert_many(some).exec_without_returning(&self.db()).await?;
        }
        Ok(())
    }

    fn update<E: EntityTrait>(&self) -> UpdateMany<E> {
        E::update_many().filter(of_realm::<E>(self.realm))
    }

    fn delete<E: EntityTrait>(&self) -> DeleteMany<E> {
        E::delete_many().filter(of_realm::<E>(self.realm))
    }
}
