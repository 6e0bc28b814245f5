//! Table `session`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub realm: String,
    pub cookie_hash: Vec<u8>,
    pub person_id: Uuid,
    pub account_id: Uuid,
    pub acting_kind: String,
    pub authorisation_id: Option<Uuid>,
    pub assignment_id: Option<Uuid>,
    pub record_id: Option<Uuid>,
    pub amr: String,
    pub acr: i32,
    pub auth_time: i64,
    pub entrance: String,
    pub one_way_personal: bool,
    pub ip: String,
    pub device: String,
    pub created_at: i64,
    pub expires_at: i64,
    pub ended_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
