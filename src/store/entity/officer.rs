//! Table `officer`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "officer")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub realm: String,
    pub login: String,
    pub name: Vec<u8>,
    pub roles: String,
    pub password_hash: Option<String>,
    pub invitation_hash: Option<Vec<u8>>,
    pub invited_until: Option<i64>,
    pub locked_at: Option<i64>,
    pub generation: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
