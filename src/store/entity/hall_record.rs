//! Table `hall_record`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "hall_record")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub realm: String,
    pub kind: String,
    pub number: Vec<u8>,
    pub number_index: Vec<u8>,
    pub name: Vec<u8>,
    pub phone: Option<Vec<u8>>,
    pub sex: Option<String>,
    pub nationality: String,
    pub valid_to: Option<String>,
    pub verified_by_sight: bool,
    pub portrait: Option<Vec<u8>>,
    pub collected_on: String,
    pub collected_by: String,
    pub superseded_at: Option<i64>,
    pub portrait_id: Option<Uuid>,
    pub is_told: bool,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
