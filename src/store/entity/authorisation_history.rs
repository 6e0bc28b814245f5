//! Table `authorisation_history`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "authorisation_history")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub authorisation_id: Uuid,
    pub reason: String,
    pub side: String,
    pub at: i64,
    pub hidden_for_enterprise_at: Option<i64>,
    pub hidden_for_person_at: Option<i64>,
    pub realm: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
