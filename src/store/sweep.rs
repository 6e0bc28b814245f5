//! Rows that have served their time. They are looked for where reading disturbs nobody, and deleted a few
//! at a time, so that no sign-in waits for SQLite's writer. The audit chain stays.

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};

use super::link::Link;
use super::{Store, StoreError};
use crate::base::clock::Timestamp;

/// Rows deleted in one transaction.
pub const BATCH: usize = 200;

/// What a row is found by again.
#[derive(Clone, Copy)]
enum Key {
    Bytes,
    Id,
    Text,
}

/// Rows of one table that are over.
#[derive(Clone, Copy)]
pub struct Step {
    table: &'static str,
    key: &'static str,
    kind: Key,
    /// Of `t`; `$1`: what ended before this moment is over.
    over: &'static str,
    /// A table whose rows go with it, and where they name it.
    with: Option<(&'static str, &'static str)>,
}

const fn step(table: &'static str, key: &'static str, kind: Key, over: &'static str) -> Step {
    Step { table, key, kind, over, with: None }
}

/// Children before parents.
pub const STEPS: [Step; 15] = [
    step("used_up", "hash", Key::Bytes, "t.expires_at < $1"),
    step("remembered_device", "hash", Key::Bytes, "t.expires_at < $1"),
    step("access_token", "hash", Key::Bytes, "t.expires_at < $1"),
    step("revoked_token", "jti", Key::Text, "t.expires_at < $1"),
    step("refresh_token", "hash", Key::Bytes, "t.expires_at < $1"),
    // Nobody came for its code, whose own time is short: whoever is signed in makes one by each look.
    step(
        "oauth_grant",
        "id",
        Key::Id,
        "t.code_used_at IS NULL AND t.code_expires_at < $1 \
         AND NOT EXISTS (SELECT 1 FROM refresh_token r WHERE r.grant_id = t.id)",
    ),
    step(
        "oauth_grant",
        "id",
        Key::Id,
        "t.expires_at < $1 AND NOT EXISTS (SELECT 1 FROM refresh_token r WHERE r.grant_id = t.id)",
    ),
    Step {
        with: Some(("session_client", "session_id")),
        ..step(
            "session",
            "id",
            Key::Id,
            "t.expires_at < $1 \
             AND NOT EXISTS (SELECT 1 FROM oauth_grant g WHERE g.session_id = t.id)",
        )
    },
    step(
        "delivery",
        "id",
        Key::Id,
        "t.state = 'done' AND t.channel <> 'relation' AND t.next_try_at < $1",
    ),
    // An application that nobody has handed in for three months, with the files.
    Step {
        with: Some(("nr_file", "application_id")),
        ..step("nr_application", "id", Key::Id, "t.state = 'draft' AND t.updated_at < $1 - 7776000")
    },
    // A person looks at what became of a synchronisation (AU-13).
    step("delivery", "id", Key::Id, "t.state = 'done' AND t.next_try_at < $1 - 2592000"),
    // Whoever operates it has seen that a notice was dropped.
    step("delivery", "id", Key::Id, "t.state = 'dropped' AND t.next_try_at < $1 - 2592000"),
    // Nobody fetched it for a month.
    step("delivery", "id", Key::Id, "t.state = 'kept' AND t.next_try_at < $1 - 2592000"),
    // The same of what is pushed: its stream has been paused that long.
    step(
        "delivery",
        "id",
        Key::Id,
        "t.state = 'waiting' AND t.channel = 'push' AND t.next_try_at < $1 - 2592000",
    ),
    // It was given up, and nobody sent it again for three months.
    step("delivery", "id", Key::Id, "t.state = 'dead' AND t.next_try_at < $1 - 7776000"),
];

/// Of one realm, `$2`: the only one of whose rows each realm says for how long they are kept.
pub const SIGN_IN_LOG: Step = step("login_log", "id", Key::Id, "t.realm = $2 AND t.at < $1");

impl Step {
    /// How some that are over are found.
    pub fn looks(&self) -> String {
        let Self { table, key, over, .. } = self;
        format!("SELECT t.{key} AS found FROM {table} t WHERE {over} LIMIT {BATCH}")
    }

    /// The values of `over` come before the keys. What has become of a row since it was found is asked once more
    /// by each statement, and PostgreSQL holds a parent first: somebody may just be bringing it back to life, and
    /// would find it without its children.
    fn deletes(&self, n_values: usize, n_keys: usize) -> Deletes {
        let Self { table, key, over, .. } = self;
        let still =
            format!("{table} AS t WHERE t.{key} IN ({}) AND {over}", places(n_values, n_keys));
        let parents = format!("SELECT t.{key} FROM {still}");
        Deletes {
            hold: self.with.map(|_| format!("{parents} FOR UPDATE OF t")),
            children: self.with.map(|(child, column)| {
                format!("DELETE FROM {child} WHERE {column} IN ({parents})")
            }),
            own: format!("DELETE FROM {still}"),
        }
    }

    fn key_of(&self, row: &QueryResult) -> Result<Value, StoreError> {
        Ok(match self.kind {
            Key::Bytes => row.try_get::<Vec<u8>>("", "found")?.into(),
            Key::Id => row.try_get::<uuid::Uuid>("", "found")?.into(),
            Key::Text => row.try_get::<String>("", "found")?.into(),
        })
    }
}

struct Deletes {
    /// SQLite has one writer, who holds everything.
    hold: Option<String>,
    children: Option<String>,
    own: String,
}

/// What was over when it was looked for.
pub struct Found {
    step: Step,
    /// Those of `over`.
    values: Vec<Value>,
    keys: Vec<Value>,
}

fn places(n_before: usize, n: usize) -> String {
    (1..=n).map(|n| format!("${}", n_before + n)).collect::<Vec<_>>().join(", ")
}

impl Store {
    /// One batch, of every realm; how many rows went, none when nothing is left.
    pub async fn sweep(&self, step: Step, before: Timestamp) -> Result<u64, StoreError> {
        self.delete_over(self.find_over(step, before).await?, before).await
    }

    /// The same of the sign-in log of one realm.
    pub async fn sweep_sign_in_log(
        &self,
        realm: &str,
        before: Timestamp,
    ) -> Result<u64, StoreError> {
        let values = vec![before.0.into(), realm.into()];
        self.delete_over(self.found(SIGN_IN_LOG, values).await?, before).await
    }

    /// The first half of a batch.
    pub async fn find_over(&self, step: Step, before: Timestamp) -> Result<Found, StoreError> {
        self.found(step, vec![before.0.into()]).await
    }

    async fn found(&self, step: Step, values: Vec<Value>) -> Result<Found, StoreError> {
        let readers = Link::Pool(&self.readers);
        let backend = readers.get_database_backend();
        let look = Statement::from_sql_and_values(backend, step.looks(), values.clone());
        let found = readers.query_all_raw(look).await?;
        let keys = found.iter().map(|row| step.key_of(row)).collect::<Result<Vec<_>, _>>()?;
        Ok(Found { step, values, keys })
    }

    /// The second: of what was found, what is over still.
    pub async fn delete_over(&self, found: Found, at: Timestamp) -> Result<u64, StoreError> {
        if found.keys.is_empty() {
            return Ok(0);
        }
        let Found { step, values, keys } = found;
        let backend = self.readers.get_database_backend();
        let deletes = step.deletes(values.len(), keys.len());
        let values = [values, keys].concat();
        let statement = |sql| Statement::from_sql_and_values(backend, sql, values.clone());
        let tx = self.begin("", at).await?;
        if let Some(hold) = deletes.hold.filter(|_| backend == DbBackend::Postgres) {
            tx.rows().db().query_all_raw(statement(hold)).await?;
        }
        let mut n_deleted = 0;
        for sql in deletes.children.into_iter().chain([deletes.own]) {
            n_deleted += tx.rows().db().execute_raw(statement(sql)).await?.rows_affected();
        }
        tx.commit().await?;
        Ok(n_deleted)
    }
}
