//! Table `account`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "account")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub realm: String,
    pub person_id: Uuid,
    pub status: String,
    pub origin: String,
    pub username: Option<String>,
    pub username_folded: Option<String>,
    pub password_hash: Option<String>,
    pub created_at: i64,
    pub username_changed_at: Option<i64>,
    pub locked_at: Option<i64>,
    pub unlocked_at: Option<i64>,
    pub password_expired_at: Option<i64>,
    pub era: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
