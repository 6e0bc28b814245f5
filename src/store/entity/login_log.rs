//! Table `login_log`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "login_log")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub realm: String,
    pub person_id: Option<Uuid>,
    pub at: i64,
    pub way: String,
    pub entrance: String,
    pub enterprise_id: Option<Uuid>,
    pub identity_type: Option<String>,
    pub outcome: String,
    pub ip: String,
    pub device: String,
    pub second_factor: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
