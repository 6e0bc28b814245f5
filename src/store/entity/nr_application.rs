//! Table `nr_application`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "nr_application")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub realm: String,
    pub person_id: Uuid,
    pub state: String,
    pub content: Vec<u8>,
    pub number_index: Vec<u8>,
    pub name_index: Vec<u8>,
    pub foreign_name_index: Vec<u8>,
    pub waits_since: Option<i64>,
    pub first_submitted_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
    pub version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
