//! Accounts: credentials, accepted agreements. Their phones are in `phones`.

use sea_orm::sea_query::{Expr, ExprTrait, LockType, SimpleExpr};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use std::net::IpAddr;

use uuid::Uuid;

use super::entity::{account, agreement_acceptance};
use super::{Rows, StoreError, Writing};
use crate::base::clock::Timestamp;
use crate::base::id::{AccountId, PersonId};
use crate::domain::number::username::Username;
use crate::domain::person::{Account, AccountOrigin, AccountStatus, Help, PasswordState};

pub struct Accounts<'c, A>(pub(super) Rows<'c, A>);

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

    /// All that the person has and had, cancelled ones included.
    pub async fn all_of_person(&self, person: PersonId) -> Result<Vec<AccountId>, StoreError> {
        let ids: Vec<Uuid> = self
            .0
            .find::<account::Entity>()
            .select_only()
            .column(account::Column::Id)
            .filter(account::Column::PersonId.eq(person.0))
            .into_tuple()
            .all(&self.0.db())
            .await?;
        Ok(ids.into_iter().map(AccountId).collect())
    }

    /// Whether the person had an account that was cancelled.
    pub async fn has_cancelled(&self, person: PersonId) -> Result<bool, StoreError> {
        let row = self
            .0
            .find::<account::Entity>()
            .filter(account::Column::PersonId.eq(person.0))
            .filter(account::Column::Status.eq("cancelled"))
            .one(&self.0.db())
            .await?;
        Ok(row.is_some())
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

    /// When the username was changed last; `None`: never.
    pub async fn username_changed_at(
        &self,
        id: AccountId,
    ) -> Result<Option<Timestamp>, StoreError> {
        let row = self
            .0
            .find::<account::Entity>()
            .filter(account::Column::Id.eq(id.0))
            .one(&self.0.db())
            .await?;
        Ok(row.and_then(|row| row.username_changed_at).map(Timestamp))
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
            .order_by_asc(agreement_acceptance::Column::Id)
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
        self.add_all(&[account], now).await
    }

    pub async fn add_all(&self, accounts: &[&Account], now: Timestamp) -> Result<(), StoreError> {
        let row = |account: &&Account| account::ActiveModel {
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
            username_changed_at: Set(None),
            locked_at: Set(None),
            unlocked_at: Set(None),
            password_expired_at: Set(None),
            era: Set(account.era),
        };
        self.0.insert_all(accounts.iter().map(row).collect()).await
    }

    /// Whoever holds accounts has them alone until their transaction ends: for rules that look at
    /// several of their rows. In one order, so that two do not wait for each other. SQLite's writers
    /// are alone anyhow.
    pub async fn hold(&self, accounts: &[AccountId]) -> Result<(), StoreError> {
        let db = self.0.db();
        if db.get_database_backend() == DbBackend::Postgres {
            let ids = accounts.iter().map(|account| account.0);
            let held = self.0.find::<account::Entity>().filter(account::Column::Id.is_in(ids));
            held.order_by_asc(account::Column::Id).lock(LockType::NoKeyUpdate).all(&db).await?;
        }
        Ok(())
    }

    /// What was proved before counts no longer; whoever ends sign-ins does this first, so that none is
    /// made meanwhile.
    pub async fn begin_era(&self, id: AccountId) -> Result<(), StoreError> {
        self.0
            .update::<account::Entity>()
            .col_expr(account::Column::Era, next_era())
            .filter(account::Column::Id.eq(id.0))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    /// In place of the one before, of a live account, and with a new era; `false` when another was set
    /// meanwhile (E-05).
    pub async fn set_password(
        &self,
        id: AccountId,
        before: &PasswordState,
        hash: &str,
    ) -> Result<bool, StoreError> {
        let is_before = match before {
            PasswordState::Initial => account::Column::PasswordHash.is_null(),
            PasswordState::Set(hash) => account::Column::PasswordHash.eq(hash),
        };
        let done = self
            .0
            .update::<account::Entity>()
            .col_expr(account::Column::PasswordHash, Expr::value(hash))
            .col_expr(account::Column::PasswordExpiredAt, Expr::value(None::<i64>))
            .col_expr(account::Column::Era, next_era())
            .filter(account::Column::Id.eq(id.0))
            .filter(account::Column::Status.eq("active"))
            .filter(is_before)
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    /// In place of `before`, if nobody has changed it meanwhile, nor since `year`, when the year began
    /// (PC-18); `false` otherwise. The first is no change (DEC-8).
    pub async fn set_username(
        &self,
        id: AccountId,
        before: Option<&Username>,
        new: &Username,
        year: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let column = account::Column::UsernameFolded;
        let is_as_before = match before {
            Some(before) => column.eq(before.folded()),
            None => column.is_null(),
        };
        let changed_at = account::Column::UsernameChangedAt;
        let mut update = self
            .0
            .update::<account::Entity>()
            .col_expr(account::Column::Username, Expr::value(new.as_str()))
            .col_expr(column, Expr::value(new.folded()))
            .filter(account::Column::Id.eq(id.0))
            .filter(is_as_before)
            .filter(changed_at.is_null().or(changed_at.lt(year.0)));
        if before.is_some() {
            update = update.col_expr(changed_at, Expr::value(now.0));
        }
        Ok(update.exec(&self.0.db()).await?.rows_affected == 1)
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

pub(super) fn next_era() -> SimpleExpr {
    Expr::col(account::Column::Era).add(1)
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
        help: Help {
            locked_at: row.locked_at.map(Timestamp),
            unlocked_at: row.unlocked_at.map(Timestamp),
            password_expired_at: row.password_expired_at.map(Timestamp),
        },
        era: row.era,
    })
}

pub(super) fn read_status(status: &str) -> Result<AccountStatus, StoreError> {
    match status {
        "active" => Ok(AccountStatus::Active),
        "cancelled" => Ok(AccountStatus::Cancelled),
        _ => Err(StoreError::inconsistent("account", "status", status)),
    }
}
