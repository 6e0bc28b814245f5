//! Table `delivery`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub realm: String,
    pub client_id: String,
    pub channel: String,
    pub about: String,
    pub body: String,
    pub n_tries: i32,
    pub next_try_at: i64,
    pub state: String,
    pub last_error: Option<String>,
    pub created_at: i64,
    pub stream_id: Option<Uuid>,
    pub turn: i32,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
