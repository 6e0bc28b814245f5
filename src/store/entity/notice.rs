//! Table `notice`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "notice")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub realm: String,
    pub person_id: Uuid,
    pub kind: String,
    pub authorisation_id: Option<Uuid>,
    pub enterprise_id: Option<Uuid>,
    pub about_id: Option<Uuid>,
    pub identity_type: Option<String>,
    pub once: String,
    pub at: i64,
    pub read_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
