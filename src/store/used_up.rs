//! One-time things that live in `ephemeral` and are used up by something durable: a sign-in, a
//! step-up, a batch of confirmations. The value is read before and forgotten after; what decides
//! is one conditional write in the transaction of what it is used for.

use sea_orm::{ConnectionTrait, Statement};

use super::{StoreError, Tx};
use crate::base::clock::Timestamp;
use crate::base::secret::Hashed;

impl Tx<'_> {
    /// `false`: somebody else has used it. `until`: when it would have expired by itself.
    pub async fn use_up(
        &self,
        kind: &'static str,
        id: &str,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let rows = self.rows();
        let values =
            [rows.realm.into(), kind.into(), Hashed::of(id).0.to_vec().into(), until.0.into()];
        let insert = "INSERT INTO used_up (realm, kind, hash, expires_at) \
                      VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        let backend = rows.db().get_database_backend();
        let done = rows.db().execute_raw(Statement::from_sql_and_values(backend, insert, values));
        Ok(done.await?.rows_affected() == 1)
    }
}
