//! Table `agreement_acceptance`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "agreement_acceptance")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub account_id: Uuid,
    pub document: String,
    pub version: String,
    pub text_hash: String,
    pub accepted_at: i64,
    pub channel: String,
    pub ip: String,
    pub realm: String,
}

impl ActiveModelBehavior for ActiveModel {}
