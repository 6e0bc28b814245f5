//! Access tokens that are rows (opaque ones), and the list of JWTs that were revoked early.

use sea_orm::{ActiveValue::Set, EntityTrait};

use super::entity::{access_token, revoked_token};
use super::{Rows, StoreError};
use crate::base::clock::Timestamp;
use crate::base::id::GrantId;
use crate::base::secret::Hashed;

pub struct Tokens<'c>(Rows<'c>);

impl<'c> Rows<'c> {
    pub fn tokens(self) -> Tokens<'c> {
        Tokens(self)
    }
}

impl Tokens<'_> {
    /// The claims of an opaque access token, as JSON.
    pub async fn find(&self, realm: &str, token: Hashed) -> Result<Option<String>, StoreError> {
        let row = access_token::Entity::find_by_id(token.0.to_vec()).one(&self.0.db()).await?;
        Ok(row.filter(|row| row.realm == realm).map(|row| row.claims))
    }

    pub async fn add(
        &self,
        realm: &str,
        token: Hashed,
        grant: Option<GrantId>,
        claims: String,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        access_token::Entity::insert(access_token::ActiveModel {
            hash: Set(token.0.to_vec()),
            realm: Set(realm.to_owned()),
            grant_id: Set(grant.map(|grant| grant.0)),
            claims: Set(claims),
            expires_at: Set(expires_at.0),
        })
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }

    pub async fn is_revoked(&self, jti: &str) -> Result<bool, StoreError> {
        let row = revoked_token::Entity::find_by_id(jti.to_owned()).one(&self.0.db()).await?;
        Ok(row.is_some())
    }

    pub async fn revoke(&self, jti: &str, expires_at: Timestamp) -> Result<(), StoreError> {
        revoked_token::Entity::insert(revoked_token::ActiveModel {
            jti: Set(jti.to_owned()),
            expires_at: Set(expires_at.0),
        })
        .on_conflict_do_nothing_on([revoked_token::Column::Jti])
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }
}
