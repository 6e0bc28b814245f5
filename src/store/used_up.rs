//! One-time things that live in `ephemeral` and are used up by something durable: a sign-in, a
//! step-up, a batch of confirmations. The value is read before and forgotten after; what decides is
//! one conditional write in the transaction of what it is used for.

use sea_orm::ConnectionTrait;

use super::{Rows, StoreError, Tx};
use crate::base::clock::Timestamp;
use crate::base::secret::Hashed;

const INSERT: &str = "INSERT INTO used_up (realm, kind, hash, expires_at) VALUES ($1, $2, $3, $4) \
                      ON CONFLICT DO NOTHING";

const FIND: &str = "SELECT 1 AS found FROM used_up WHERE realm = $1 AND kind = $2 AND hash = $3";

impl<A> Rows<'_, A> {
    /// Whether it was used.
    pub async fn is_used_up(&self, kind: &'static str, id: &str) -> Result<bool, StoreError> {
        let hash = Hashed::of(id).0.to_vec();
        Ok(self.one(FIND, [kind.into(), hash.into()]).await?.is_some())
    }
}

impl Tx<'_> {
    /// `false`: it was used before. `until`: when it would have expired by itself.
    pub async fn use_up(
        &self,
        kind: &'static str,
        id: &str,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let rows = self.rows();
        let hash = Hashed::of(id).0.to_vec();
        let insert = rows.statement(INSERT, [kind.into(), hash.into(), until.0.into()]);
        Ok(rows.db().execute_raw(insert).await?.rows_affected() == 1)
    }
}
