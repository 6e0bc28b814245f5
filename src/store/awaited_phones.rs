//! Phones that are bound after a day unless somebody stops it (DEC-23). One of an account at a time,
//! sealed, used up or stopped by one conditional write.

use std::sync::LazyLock;

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::columns::columns;
use super::entity::awaited_phone::{ActiveModel, Column, Entity, Model};
use super::found::{Found, Page, Place};
use super::{Rows, StoreError, Writing};
use crate::base::clock::Timestamp;
use crate::base::id::AccountId;
use crate::base::secret::Hashed;
use crate::domain::number::phone::Phone;
use crate::domain::person::Account;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AwaitedPhone {
    pub id: Uuid,
    pub account: AccountId,
    pub phone: Phone,
    /// When a code reached it.
    pub verified_at: Timestamp,
    pub due_at: Timestamp,
    /// The account's when it was asked for; `None`: an earlier release did not say.
    pub era: Option<i64>,
}

impl AwaitedPhone {
    /// Whether it will be bound: the account's sign-ins have not been ended since.
    pub fn is_of(&self, account: &Account) -> bool {
        account.may_sign_in().is_ok() && self.era.is_none_or(|era| era == account.era)
    }
}

pub struct AwaitedPhones<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn awaited_phones(self) -> AwaitedPhones<'c, A> {
        AwaitedPhones(self)
    }
}

const DUE_AT_ONCE: usize = 100;

static DUE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {} FROM awaited_phone w WHERE w.realm = $1 AND w.due_at <= $2 \
         AND (w.due_at, w.id) > ($3, $4) ORDER BY w.due_at, w.id LIMIT {DUE_AT_ONCE}",
        columns::<Entity>("w"),
    )
});

impl<A> AwaitedPhones<'_, A> {
    /// Those whose day is over, oldest first.
    pub async fn due(
        &self,
        now: Timestamp,
        after: Option<Place>,
    ) -> Result<Page<AwaitedPhone>, StoreError> {
        let after = after.unwrap_or_else(|| Place::first(i64::MIN));
        let rows = self.0.all(&DUE, [now.0.into(), after.at, after.id.into()]).await?;
        let found = rows.iter().map(|row| {
            let at: i64 = row.try_get("w_", "due_at")?;
            let found = Found::of(row, "w_", |row| self.read(row))?;
            Ok::<_, StoreError>((Place { at: at.into(), id: found.id }, found))
        });
        Ok(Page::of(found.collect::<Result<_, _>>()?, DUE_AT_ONCE))
    }

    /// The one that this secret can stop.
    pub async fn find(&self, stop: Hashed) -> Result<Option<AwaitedPhone>, StoreError> {
        let found = self.0.find::<Entity>().filter(Column::StopHash.eq(stop.0.to_vec()));
        let row = found.one(&self.0.db()).await?;
        row.map(|row| self.read(row)).transpose()
    }

    /// The one that waits for this account.
    pub async fn of(&self, account: AccountId) -> Result<Option<AwaitedPhone>, StoreError> {
        let found = self.0.find::<Entity>().filter(Column::AccountId.eq(account.0));
        let row = found.one(&self.0.db()).await?;
        row.map(|row| self.read(row)).transpose()
    }

    fn read(&self, row: Model) -> Result<AwaitedPhone, StoreError> {
        let text = self.0.unseal(&place(row.id), &row.phone)?;
        let wrong = |_| StoreError::inconsistent("awaited_phone", "phone", row.id);
        Ok(AwaitedPhone {
            id: row.id,
            account: AccountId(row.account_id),
            phone: Phone::kept(&text).map_err(wrong)?,
            verified_at: Timestamp(row.verified_at),
            due_at: Timestamp(row.due_at),
            era: row.era,
        })
    }
}

impl AwaitedPhones<'_, Writing> {
    /// Where none waits for this account. `stop`: of the secret that stops it.
    pub async fn add(&self, new: &AwaitedPhone, stop: Hashed) -> Result<(), StoreError> {
        Entity::insert(ActiveModel {
            id: Set(new.id),
            realm: Set(self.0.realm.to_owned()),
            account_id: Set(new.account.0),
            phone: Set(self.0.seal(&place(new.id), new.phone.as_str())),
            stop_hash: Set(stop.0.to_vec()),
            verified_at: Set(new.verified_at.0),
            due_at: Set(new.due_at.0),
            era: Set(new.era),
        })
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }

    /// `false`: none waited.
    pub async fn drop_of(&self, account: AccountId) -> Result<bool, StoreError> {
        let of_account = self.0.delete::<Entity>().filter(Column::AccountId.eq(account.0));
        Ok(of_account.exec(&self.0.db()).await?.rows_affected > 0)
    }

    /// `false`: it was bound or stopped meanwhile.
    pub async fn take(&self, id: Uuid) -> Result<bool, StoreError> {
        let one = self.0.delete::<Entity>().filter(Column::Id.eq(id));
        Ok(one.exec(&self.0.db()).await?.rows_affected == 1)
    }
}

fn place(id: Uuid) -> String {
    format!("awaited_phone.{id}")
}
