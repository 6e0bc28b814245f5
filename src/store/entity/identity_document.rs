//! Table `identity_document`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "identity_document")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub realm: String,
    pub person_id: Uuid,
    pub kind: String,
    pub number: Vec<u8>,
    pub number_index: Vec<u8>,
    pub valid_from: Option<String>,
    pub valid_to: Option<String>,
    pub status: String,
    pub is_proved: bool,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
