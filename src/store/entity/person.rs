//! Table `person`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "person")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub realm: String,
    pub kind: String,
    pub name: Vec<u8>,
    pub sex: Option<String>,
    pub nationality: String,
    pub real_name_level: i32,
    pub email: Option<Vec<u8>>,
    pub email_index: Option<Vec<u8>>,
    pub created_at: i64,
    pub updated_at: i64,
    pub address: Option<Vec<u8>>,
    pub email_verified_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
