//! Table `enterprise_profile`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "enterprise_profile")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub enterprise_id: Uuid,
    pub profile: Vec<u8>,
    pub realm: String,
}

impl ActiveModelBehavior for ActiveModel {}
