//! Real-name levels of people, and how each was reached.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::entity::{person, real_name_step};
use super::people::{LOWERED, People};
use super::{StoreError, Writing};
use crate::base::clock::Timestamp;
use crate::base::id::PersonId;

impl<A> People<'_, A> {
    /// How levels were reached here: (level, how, when), lowest first.
    pub async fn level_steps(
        &self,
        id: PersonId,
    ) -> Result<Vec<(u8, String, Timestamp)>, StoreError> {
        let rows = self
            .0
            .find::<real_name_step::Entity>()
            .filter(real_name_step::Column::PersonId.eq(id.0))
            .order_by_asc(real_name_step::Column::Level)
            .all(&self.0.db())
            .await?;
        let level = |row: &real_name_step::Model| u8::try_from(row.level).unwrap_or_default();
        Ok(rows.into_iter().map(|row| (level(&row), row.how, Timestamp(row.at))).collect())
    }
}

impl People<'_, Writing> {
    /// One level higher (L-01), with how and when; `false` when the level has changed meanwhile.
    pub async fn raise_level(
        &self,
        id: PersonId,
        level: u8,
        how: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = self
            .0
            .update::<person::Entity>()
            .col_expr(person::Column::RealNameLevel, Expr::value(i32::from(level)))
            .filter(person::Column::Id.eq(id.0))
            .filter(person::Column::RealNameLevel.eq(i32::from(level) - 1))
            .exec(&self.0.db())
            .await?;
        if done.rows_affected != 1 {
            return Ok(false);
        }
        self.0
            .delete::<real_name_step::Entity>()
            .filter(real_name_step::Column::PersonId.eq(id.0))
            .filter(real_name_step::Column::Level.eq(i32::from(level)))
            .exec(&self.0.db())
            .await?;
        real_name_step::Entity::insert(real_name_step::ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            person_id: Set(id.0),
            level: Set(i32::from(level)),
            how: Set(how.to_owned()),
            at: Set(now.0),
        })
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(true)
    }

    /// Level 0: nothing of how levels were reached counts any more.
    pub async fn begin_levels(&self, id: PersonId) -> Result<(), StoreError> {
        self.0
            .update::<person::Entity>()
            .col_expr(person::Column::RealNameLevel, Expr::value(0))
            .filter(person::Column::Id.eq(id.0))
            .exec(&self.0.db())
            .await?;
        self.0
            .delete::<real_name_step::Entity>()
            .filter(real_name_step::Column::PersonId.eq(id.0))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    /// Down to 2, from wherever above; `false` where nothing is above (L-12). How the levels above were
    /// reached counts no longer.
    pub async fn lower_level(&self, id: PersonId) -> Result<bool, StoreError> {
        let to = i32::from(LOWERED);
        let done = self
            .0
            .update::<person::Entity>()
            .col_expr(person::Column::RealNameLevel, Expr::value(to))
            .filter(person::Column::Id.eq(id.0))
            .filter(person::Column::RealNameLevel.gt(to))
            .exec(&self.0.db())
            .await?;
        self.0
            .delete::<real_name_step::Entity>()
            .filter(real_name_step::Column::PersonId.eq(id.0))
            .filter(real_name_step::Column::Level.gt(to))
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }
}
