//! Table `recovery_code`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "recovery_code")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub hash: Vec<u8>,
    pub used_at: Option<i64>,
    pub realm: String,
}

impl ActiveModelBehavior for ActiveModel {}
