//! Accounts: credentials, phones, accepted agreements.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use std::net::IpAddr;
use uuid::Uuid;

use super::entity::{account, agreement_acceptance, phone_binding};
use super::{Rows, StoreError, Writing};
use crate::base::clock::Timestamp;
use crate::base::id::{AccountId, PersonId};
use crate::domain::number::phone::Phone;
use crate::domain::number::username::Username;
use crate::domain::person::{Account, AccountOrigin, AccountStatus, PasswordState, PhoneBinding};

pub struct Accounts<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn accounts(self) -> Accounts<'c, A> {
        Accounts(self)
    }
}

impl<A> Accounts<'_, A> {
    pub async fn find(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        let row = self
            .0
            .find::<account::Entity>()
            .filter(account::Column::Id.eq(id.0))
            .one(&self.0.db())
            .await?;
        row.map(read).transpose()
    }

    /// The live account of a person.
    pub async fn find_by_person(&self, person: PersonId) -> Result<Option<Account>, StoreError> {
        let row = self
            .0
            .find::<account::Entity>()
            .filter(account::Column::PersonId.eq(person.0))
            .filter(account::Column::Status.eq("active"))
            .one(&self.0.db())
            .await?;
        row.map(read).transpose()
    }

    pub async fn find_by_username(&self, name: &Username) -> Result<Option<Account>, StoreError> {
        let row = self
            .0
            .find::<account::Entity>()
            .filter(account::Column::UsernameFolded.eq(name.folded()))
            .filter(account::Column::Status.eq("active"))
            .one(&self.0.db())
            .await?;
        row.map(read).transpose()
    }

    pub async fn find_by_phone(&self, phone: &Phone) -> Result<Option<Account>, StoreError> {
        let row = self
            .0
            .find::<phone_binding::Entity>()
            .filter(phone_binding::Column::PhoneIndex.eq(self.0.index("phone", phone.as_str())))
            .one(&self.0.db())
            .await?;
        match row {
            Some(row) => self.find(AccountId(row.account_id)).await,
            None => Ok(None),
        }
    }

    pub async fn phones(&self, id: AccountId) -> Result<Vec<PhoneBinding>, StoreError> {
        let rows = self
            .0
            .find::<phone_binding::Entity>()
            .filter(phone_binding::Column::AccountId.eq(id.0))
            .order_by_desc(phone_binding::Column::IsDefault)
            .all(&self.0.db())
            .await?;
        let read = |row: phone_binding::Model| {
            let text = self.0.unseal(&format!("phone.{}", row.id), &row.phone)?;
            Ok(PhoneBinding {
                account: AccountId(row.account_id),
                phone: Phone::parse(&text)
                    .map_err(|_| StoreError::inconsistent("phone_binding", "phone", row.id))?,
                is_default: row.is_default,
                verified_at: Timestamp(row.verified_at),
            })
        };
        rows.into_iter().map(read).collect()
    }

    /// What was accepted: (document, version, when), oldest first.
    pub async fn accepted(
        &self,
        id: AccountId,
    ) -> Result<Vec<(String, String, Timestamp)>, StoreError> {
        let rows = self
            .0
            .find::<agreement_acceptance::Entity>()
            .filter(agreement_acceptance::Column::AccountId.eq(id.0))
            .order_by_asc(agreement_acceptance::Column::AcceptedAt)
            .all(&self.0.db())
            .await?;
        let read = |row: agreement_acceptance::Model| {
            (row.document, row.version, Timestamp(row.accepted_at))
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// Whether every one of these (document, version) pairs has been accepted.
    pub async fn has_accepted(
        &self,
        id: AccountId,
        versions: &[(String, String)],
    ) -> Result<bool, StoreError> {
        let rows = self
            .0
            .find::<agreement_acceptance::Entity>()
            .filter(agreement_acceptance::Column::AccountId.eq(id.0))
            .all(&self.0.db())
            .await?;
        Ok(versions.iter().all(|(document, version)| {
            rows.iter().any(|row| row.document == *document && row.version == *version)
        }))
    }
}

impl Accounts<'_, Writing> {
    pub async fn add(&self, account: &Account, now: Timestamp) -> Result<(), StoreError> {
        account::Entity::insert(account::ActiveModel {
            id: Set(account.id.0),
            realm: Set(self.0.realm.to_owned()),
            person_id: Set(account.person.0),
            status: Set("active".to_owned()),
            origin: Set(match account.origin {
                AccountOrigin::Registered => "registered".to_owned(),
                AccountOrigin::Imported => "imported".to_owned(),
            }),
            username: Set(account.username.as_ref().map(|name| name.as_str().to_owned())),
            username_folded: Set(account.username.as_ref().map(Username::folded)),
            password_hash: Set(match &account.password {
                PasswordState::Initial => None,
                PasswordState::Set(hash) => Some(hash.clone()),
            }),
            created_at: Set(now.0),
        })
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }

    pub async fn add_phone(&self, row_id: Uuid, binding: &PhoneBinding) -> Result<(), StoreError> {
        phone_binding::Entity::insert(phone_binding::ActiveModel {
            id: Set(row_id),
            realm: Set(self.0.realm.to_owned()),
            account_id: Set(binding.account.0),
            phone: Set(self.0.seal(&format!("phone.{row_id}"), binding.phone.as_str())),
            phone_index: Set(self.0.index("phone", binding.phone.as_str())),
            is_default: Set(binding.is_default),
            verified_at: Set(binding.verified_at.0),
        })
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }

    /// Replaces the initial password once; `false` when one was set meanwhile (E-05).
    pub async fn set_first_password(&self, id: AccountId, hash: &str) -> Result<bool, StoreError> {
        let done = self
            .0
            .update::<account::Entity>()
            .col_expr(account::Column::PasswordHash, Expr::value(hash))
            .filter(account::Column::Id.eq(id.0))
            .filter(account::Column::PasswordHash.is_null())
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    /// Keeps text version, time, address and channel (E-19). Accepting twice changes nothing.
    pub async fn accept_agreement(
        &self,
        row_id: Uuid,
        id: AccountId,
        acceptance: &Acceptance<'_>,
    ) -> Result<(), StoreError> {
        agreement_acceptance::Entity::insert(agreement_acceptance::ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            id: Set(row_id),
            account_id: Set(id.0),
            document: Set(acceptance.document.to_owned()),
            version: Set(acceptance.version.to_owned()),
            text_hash: Set(acceptance.text_hash.to_owned()),
            accepted_at: Set(acceptance.at.0),
            channel: Set(acceptance.channel.to_owned()),
            ip: Set(acceptance.ip.to_string()),
        })
        .on_conflict_do_nothing_on([
            agreement_acceptance::Column::AccountId,
            agreement_acceptance::Column::Document,
            agreement_acceptance::Column::Version,
        ])
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }
}

/// One agreement text, accepted.
pub struct Acceptance<'a> {
    pub document: &'a str,
    pub version: &'a str,
    pub text_hash: &'a str,
    pub at: Timestamp,
    /// `web`, or `phone` where it was ticked before a face check.
    pub channel: &'static str,
    pub ip: IpAddr,
}

pub(super) fn read(row: account::Model) -> Result<Account, StoreError> {
    Ok(Account {
        id: AccountId(row.id),
        person: PersonId(row.person_id),
        status: read_status(&row.status)?,
        origin: match row.origin.as_str() {
            "imported" => AccountOrigin::Imported,
            "registered" => AccountOrigin::Registered,
            _ => return Err(StoreError::inconsistent("account", "origin", row.id)),
        },
        username: row
            .username
            .map(|name| Username::parse(&name))
            .transpose()
            .map_err(|_| StoreError::inconsistent("account", "username", row.id))?,
        password: row.password_hash.map_or(PasswordState::Initial, PasswordState::Set),
    })
}

pub(super) fn read_status(status: &str) -> Result<AccountStatus, StoreError> {
    match status {
        "active" => Ok(AccountStatus::Active),
        "cancelled" => Ok(AccountStatus::Cancelled),
        _ => Err(StoreError::inconsistent("account", "status", status)),
    }
}
