//! Rows that have served their time. They are looked for where reading disturbs nobody, and deleted a few
//! at a time, so that no sign-in waits for SQLite's writer. The audit chain stays.

use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};

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
pub const STEPS: [Step; 14] = [
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

    /// The values of `over` come before the keys. What has become of a row since it was found is asked
    /// once more.
    fn deletes(&self, n_values: usize, n_keys: usize) -> String {
        let Self { table, key, over, .. } = self;
        let keys = places(n_values, n_keys);
        format!("DELETE FROM {table} AS t WHERE t.{key} IN ({keys}) AND {over}")
    }

    fn key_of(&self, row: &QueryResult) -> Result<Value, StoreError> {
        Ok(match self.kind {
            Key::Bytes => row.try_get::<Vec<u8>>("", "found")?.into(),
            Key::Id => row.try_get::<uuid::Uuid>("", "found")?.into(),
            Key::Text => row.try_get::<String>("", "found")?.into(),
        })
    }
}

fn places(n_before: usize, n: usize) -> String {
    (1..=n).map(|n| format!("${}", n_before + n)).collect::<Vec<_>>().join(", ")
}

impl Store {
    /// One batch, of every realm; how many rows went, none when nothing is left.
    pub async fn sweep(&self, step: Step, before: Timestamp) -> Result<u64, StoreError> {
        self.sweep_batch(step, vec![before.0.into()], before).await
    }

    /// The same of the sign-in log of one realm.
    pub async fn sweep_sign_in_log(
        &self,
        realm: &str,
        before: Timestamp,
    ) -> Result<u64, StoreError> {
        self.sweep_batch(SIGN_IN_LOG, vec![before.0.into(), realm.into()], before).await
    }

    async fn sweep_batch(
        &self,
        step: Step,
        values: Vec<Value>,
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        let readers = Link::Pool(&self.readers);
        let backend = readers.get_database_backend();
        let look = Statement::from_sql_and_values(backend, step.looks(), values.clone());
        let found = readers.query_all_raw(look).await?;
        if found.is_empty() {
            return Ok(0);
        }
        let keys = found.iter().map(|row| step.key_of(row)).collect::<Result<Vec<_>, _>>()?;
        let mut deletes = Vec::new();
        if let Some((table, column)) = step.with {
            let sql = format!("DELETE FROM {table} WHERE {column} IN ({})", places(0, keys.len()));
            deletes.push(Statement::from_sql_and_values(backend, sql, keys.clone()));
        }
        let sql = step.deletes(values.len(), keys.len());
        deletes.push(Statement::from_sql_and_values(backend, sql, values.into_iter().chain(keys)));
        let tx = self.begin("", at).await?;
        let mut n_deleted = 0;
        for delete in deletes {
            n_deleted += tx.rows().db().execute_raw(delete).await?.rows_affected();
        }
        tx.commit().await?;
        Ok(n_deleted)
    }
}
