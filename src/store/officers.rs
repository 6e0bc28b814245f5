//! Officers and their passkeys. A name is sealed; a link is known by its hash.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::entity::{officer as row, officer_passkey as key};
use super::{Rows, StoreError, Writing};
use crate::base::clock::Timestamp;
use crate::base::id::OfficerId;
use crate::base::secret::Hashed;
use crate::domain::number::name::PersonName;
use crate::domain::officer::{Login, Officer, Roles};
use crate::domain::passkey::Credential;

/// Nobody has so many.
const MOST: u64 = 1000;

pub struct Officers<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn officers(self) -> Officers<'c, A> {
        Officers(self)
    }
}

/// A passkey, and whose it is.
pub struct OfficerPasskey {
    pub id: Uuid,
    pub officer: OfficerId,
    pub credential: Credential,
}

/// A link that an officer enters by for the first time, or again.
#[derive(Clone, Copy)]
pub struct Invitation {
    pub hash: Hashed,
    pub until: Timestamp,
}

fn name_place(id: Uuid) -> String {
    format!("officer.name.{id}")
}

impl<A> Officers<'_, A> {
    pub async fn find(&self, id: OfficerId) -> Result<Option<Officer>, StoreError> {
        let found = self.0.find::<row::Entity>().filter(row::Column::Id.eq(id.0));
        found.one(&self.0.db()).await?.map(|row| self.read(row)).transpose()
    }

    pub async fn find_by_login(&self, login: &Login) -> Result<Option<Officer>, StoreError> {
        let found = self.0.find::<row::Entity>().filter(row::Column::Login.eq(login.as_str()));
        found.one(&self.0.db()).await?.map(|row| self.read(row)).transpose()
    }

    /// Whose link it is, while it may be used.
    pub async fn find_invited(
        &self,
        link: Hashed,
        now: Timestamp,
    ) -> Result<Option<Officer>, StoreError> {
        let found = self
            .0
            .find::<row::Entity>()
            .filter(row::Column::InvitationHash.eq(link.0.to_vec()))
            .filter(row::Column::InvitedUntil.gt(now.0))
            .filter(row::Column::LockedAt.is_null());
        found.one(&self.0.db()).await?.map(|row| self.read(row)).transpose()
    }

    /// By their logins.
    pub async fn list(&self) -> Result<Vec<Officer>, StoreError> {
        let found = self.0.find::<row::Entity>().order_by_asc(row::Column::Login).limit(MOST);
        let rows = found.all(&self.0.db()).await?;
        rows.into_iter().map(|row| self.read(row)).collect()
    }

    pub async fn passkey(
        &self,
        credential_id: &[u8],
    ) -> Result<Option<OfficerPasskey>, StoreError> {
        let found =
            self.0.find::<key::Entity>().filter(key::Column::CredentialId.eq(credential_id));
        found.one(&self.0.db()).await?.map(passkey).transpose()
    }

    fn read(&self, row: row::Model) -> Result<Officer, StoreError> {
        let wrong = |column| StoreError::inconsistent("officer", column, row.id);
        Ok(Officer {
            id: OfficerId(row.id),
            login: Login::parse(&row.login).map_err(|_| wrong("login"))?,
            name: PersonName::kept(&self.0.unseal(&name_place(row.id), &row.name)?),
            roles: Roles::parse(&row.roles).map_err(|_| wrong("roles"))?,
            invited_until: row.invitation_hash.as_ref().and(row.invited_until).map(Timestamp),
            password: row.password_hash,
            locked_at: row.locked_at.map(Timestamp),
            generation: row.generation,
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
        })
    }
}

fn passkey(row: key::Model) -> Result<OfficerPasskey, StoreError> {
    Ok(OfficerPasskey {
        credential: serde_json::from_str(&row.credential)
            .map_err(|_| StoreError::inconsistent("officer_passkey", "credential", row.id))?,
        id: row.id,
        officer: OfficerId(row.officer_id),
    })
}

fn text(credential: &Credential) -> Result<String, StoreError> {
    serde_json::to_string(credential)
        .map_err(|_| StoreError::inconsistent("officer_passkey", "credential", "new"))
}

impl Officers<'_, Writing> {
    /// `false`: the login is somebody's.
    pub async fn add(&self, new: &Officer, link: Invitation) -> Result<bool, StoreError> {
        let model = row::ActiveModel {
            id: Set(new.id.0),
            realm: Set(self.0.realm.to_owned()),
            login: Set(new.login.as_str().to_owned()),
            name: Set(self.0.seal(&name_place(new.id.0), new.name.as_str())),
            roles: Set(new.roles.text()),
            password_hash: Set(None),
            invitation_hash: Set(Some(link.hash.0.to_vec())),
            invited_until: Set(Some(link.until.0)),
            locked_at: Set(None),
            generation: Set(new.generation),
            created_at: Set(new.created_at.0),
            updated_at: Set(new.updated_at.0),
        };
        let added =
            row::Entity::insert(model).on_conflict(OnConflict::new().do_nothing().to_owned());
        Ok(added.exec_without_returning(&self.0.db()).await? == 1)
    }

    /// Another link in place of the one there may be; `false`: the officer is locked.
    pub async fn invite_again(
        &self,
        id: OfficerId,
        link: Invitation,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = self
            .0
            .update::<row::Entity>()
            .col_expr(row::Column::InvitationHash, Expr::value(link.hash.0.to_vec()))
            .col_expr(row::Column::InvitedUntil, Expr::value(link.until.0))
            .col_expr(row::Column::UpdatedAt, Expr::value(now.0))
            .filter(row::Column::Id.eq(id.0))
            .filter(row::Column::LockedAt.is_null())
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    /// Uses the link up: the password and the one passkey are these from now on, and every session of
    /// before is over. `false`: it was used, has run out, or the officer is locked.
    pub async fn enrol(
        &self,
        officer: OfficerId,
        link: Hashed,
        password: &str,
        passkey: &OfficerPasskey,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = self
            .0
            .update::<row::Entity>()
            .col_expr(row::Column::PasswordHash, Expr::value(password))
            .col_expr(row::Column::InvitationHash, Expr::value(None::<Vec<u8>>))
            .col_expr(row::Column::InvitedUntil, Expr::value(None::<i64>))
            .col_expr(row::Column::Generation, Expr::col(row::Column::Generation).add(1))
            .col_expr(row::Column::UpdatedAt, Expr::value(now.0))
            .filter(row::Column::Id.eq(officer.0))
            .filter(row::Column::InvitationHash.eq(link.0.to_vec()))
            .filter(row::Column::InvitedUntil.gt(now.0))
            .filter(row::Column::LockedAt.is_null())
            .exec(&self.0.db())
            .await?;
        if done.rows_affected != 1 {
            return Ok(false);
        }
        let former = self.0.delete::<key::Entity>().filter(key::Column::OfficerId.eq(officer.0));
        former.exec(&self.0.db()).await?;
        let model = key::ActiveModel {
            id: Set(passkey.id),
            realm: Set(self.0.realm.to_owned()),
            officer_id: Set(officer.0),
            credential_id: Set(passkey.credential.id().to_vec()),
            credential: Set(text(&passkey.credential)?),
            created_at: Set(now.0),
            used_at: Set(None),
        };
        key::Entity::insert(model).exec_without_returning(&self.0.db()).await?;
        Ok(true)
    }

    /// The counter moved on; `false` when the passkey is gone.
    pub async fn used(
        &self,
        id: Uuid,
        credential: &Credential,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = self
            .0
            .update::<key::Entity>()
            .col_expr(key::Column::Credential, Expr::value(text(credential)?))
            .col_expr(key::Column::UsedAt, Expr::value(now.0))
            .filter(key::Column::Id.eq(id))
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    /// Ends every session, too; `false`: it was so.
    pub async fn lock(&self, id: OfficerId, now: Timestamp) -> Result<bool, StoreError> {
        let done = self
            .0
            .update::<row::Entity>()
            .col_expr(row::Column::LockedAt, Expr::value(now.0))
            .col_expr(row::Column::InvitationHash, Expr::value(None::<Vec<u8>>))
            .col_expr(row::Column::Generation, Expr::col(row::Column::Generation).add(1))
            .col_expr(row::Column::UpdatedAt, Expr::value(now.0))
            .filter(row::Column::Id.eq(id.0))
            .filter(row::Column::LockedAt.is_null())
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    /// `false`: it was so.
    pub async fn unlock(&self, id: OfficerId, now: Timestamp) -> Result<bool, StoreError> {
        let done = self
            .0
            .update::<row::Entity>()
            .col_expr(row::Column::LockedAt, Expr::value(None::<i64>))
            .col_expr(row::Column::UpdatedAt, Expr::value(now.0))
            .filter(row::Column::Id.eq(id.0))
            .filter(row::Column::LockedAt.is_not_null())
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    /// Ends every session, and the link that was made for the former ones.
    pub async fn set_roles(
        &self,
        id: OfficerId,
        roles: &Roles,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.0
            .update::<row::Entity>()
            .col_expr(row::Column::Roles, Expr::value(roles.text()))
            .col_expr(row::Column::InvitationHash, Expr::value(None::<Vec<u8>>))
            .col_expr(row::Column::Generation, Expr::col(row::Column::Generation).add(1))
            .col_expr(row::Column::UpdatedAt, Expr::value(now.0))
            .filter(row::Column::Id.eq(id.0))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }
}
