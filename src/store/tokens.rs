//! Access tokens that are rows (opaque ones), and the list of JWTs that were revoked early.

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, TryInsertResult};

use super::entity::{access_token, revoked_token};
use super::{Rows, StoreError, Writing};
use crate::base::clock::Timestamp;
use crate::base::id::GrantId;
use crate::base::secret::Hashed;

pub struct Tokens<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn tokens(self) -> Tokens<'c, A> {
        Tokens(self)
    }
}

impl<A> Tokens<'_, A> {
    /// The claims of an opaque access token, as JSON.
    pub async fn find(&self, token: Hashed) -> Result<Option<String>, StoreError> {
        let row = self
            .0
            .find::<access_token::Entity>()
            .filter(access_token::Column::Hash.eq(token.0.to_vec()))
            .one(&self.0.db())
            .await?;
        Ok(row.map(|row| row.claims))
    }

    pub async fn is_revoked(&self, jti: &str) -> Result<bool, StoreError> {
        let row = self
            .0
            .find::<revoked_token::Entity>()
            .filter(revoked_token::Column::Jti.eq(jti.to_owned()))
            .one(&self.0.db())
            .await?;
        Ok(row.is_some())
    }
}

impl Tokens<'_, Writing> {
    pub async fn add(
        &self,
        token: Hashed,
        grant: Option<GrantId>,
        claims: String,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        access_token::Entity::insert(access_token::ActiveModel {
            hash: Set(token.0.to_vec()),
            realm: Set(self.0.realm.to_owned()),
            grant_id: Set(grant.map(|grant| grant.0)),
            claims: Set(claims),
            expires_at: Set(expires_at.0),
        })
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }

    /// `false`: it was revoked already.
    pub async fn revoke(&self, jti: &str, expires_at: Timestamp) -> Result<bool, StoreError> {
        revoked_token::Entity::insert(revoked_token::ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            jti: Set(jti.to_owned()),
            expires_at: Set(expires_at.0),
        })
        .on_conflict_do_nothing_on([revoked_token::Column::Realm, revoked_token::Column::Jti])
        .exec_without_returning(&self.0.db())
        .await
        .map(|done| matches!(done, TryInsertResult::Inserted(1..)))
        .map_err(StoreError::from)
    }
}
