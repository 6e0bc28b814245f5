//! Table `authorisation`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "authorisation")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub realm: String,
    pub enterprise_id: Uuid,
    pub person_id: Uuid,
    pub identity_type: String,
    pub permissions: String,
    pub valid_from: String,
    pub valid_to: Option<String>,
    pub origin: String,
    pub state: String,
    pub invited_by: Option<Uuid>,
    pub confirmed_at: Option<i64>,
    pub updated_at: i64,
    pub version: i64,
    pub named: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
