//! One-time things that live in `ephemeral` and are used up by something durable: a sign-in, a
//! step-up, a batch of confirmations. The value is read before and forgotten after; what decides is
//! one conditional write in the transaction of what it is used for.

use sea_orm::ConnectionTrait;

use super::{StoreError, Tx};
use crate::base::clock::Timestamp;
use crate::base::secret::Hashed;

const INSERT: &str = "INSERT INTO used_up (realm, kind, hash, expires_at) VALUES ($1, $2, $3, $4) \
                      ON CONFLICT DO NOTHING";

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
