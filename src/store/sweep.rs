//! Rows that have served their time. The sign-in log and the audit chain stay.

use sea_orm::{ConnectionTrait, Statement};

use super::{Store, StoreError};
use crate::base::clock::Timestamp;

/// Children before parents. `$1`: what ended before this moment goes, five hundred rows at a time
/// so that no sign-in waits.
const STEPS: [&str; 11] = [
    "DELETE FROM used_up WHERE (realm, kind, hash) IN \
     (SELECT realm, kind, hash FROM used_up WHERE expires_at < $1 LIMIT 500)",
    "DELETE FROM remembered_device WHERE hash IN \
     (SELECT hash FROM remembered_device WHERE expires_at < $1 LIMIT 500)",
    "DELETE FROM access_token WHERE hash IN \
     (SELECT hash FROM access_token WHERE expires_at < $1 LIMIT 500)",
    "DELETE FROM revoked_token WHERE (realm, jti) IN \
     (SELECT realm, jti FROM revoked_token WHERE expires_at < $1 LIMIT 500)",
    "DELETE FROM refresh_token WHERE hash IN \
     (SELECT hash FROM refresh_token WHERE expires_at < $1 LIMIT 500)",
    "DELETE FROM oauth_grant WHERE id IN (SELECT id FROM oauth_grant g WHERE g.expires_at < $1 \
     AND NOT EXISTS (SELECT 1 FROM refresh_token r WHERE r.grant_id = g.id) LIMIT 500)",
    "DELETE FROM session_client WHERE session_id IN (SELECT id FROM session s \
     WHERE s.expires_at < $1 \
     AND NOT EXISTS (SELECT 1 FROM oauth_grant g WHERE g.session_id = s.id) LIMIT 500)",
    "DELETE FROM session WHERE id IN (SELECT id FROM session s WHERE s.expires_at < $1 \
     AND NOT EXISTS (SELECT 1 FROM oauth_grant g WHERE g.session_id = s.id) \
     AND NOT EXISTS (SELECT 1 FROM session_client c WHERE c.session_id = s.id) LIMIT 500)",
    "DELETE FROM delivery WHERE id IN (SELECT id FROM delivery \
     WHERE state = 'done' AND channel <> 'relation' AND next_try_at < $1 LIMIT 500)",
    // A person looks at what became of a synchronisation (AU-13).
    "DELETE FROM delivery WHERE id IN (SELECT id FROM delivery \
     WHERE state = 'done' AND next_try_at < $1 - 2592000 LIMIT 500)",
    // Nobody fetched it for a month.
    "DELETE FROM delivery WHERE id IN (SELECT id FROM delivery \
     WHERE state = 'kept' AND next_try_at < $1 - 2592000 LIMIT 500)",
];

impl Store {
    /// Of every realm. Returns how many rows went.
    pub async fn sweep(&self, before: Timestamp) -> Result<u64, StoreError> {
        let tx = self.begin("", before).await?;
        let db = tx.rows().db();
        let mut swept = 0;
        for step in STEPS {
            let statement =
                Statement::from_sql_and_values(db.get_database_backend(), step, [before.0.into()]);
            swept += db.execute_raw(statement).await?.rows_affected();
        }
        tx.commit().await?;
        Ok(swept)
    }
}
