//! Table `event_stream`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "event_stream")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub realm: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub client_id: String,
    pub id: Uuid,
    pub method: String,
    pub endpoint: Option<String>,
    pub events: String,
    pub status: String,
    pub created_at: i64,
    pub authorization_header: Option<Vec<u8>>,
    pub verified_at: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
