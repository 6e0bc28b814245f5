//! Table `cross_region_record`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "cross_region_record")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub realm: String,
    pub enterprise_id: Uuid,
    pub kind: String,
    pub record_no: String,
    pub number_key: String,
    pub project_name: String,
    pub division: String,
    pub tax_authority: String,
    pub valid_from: String,
    pub valid_to: Option<String>,
    pub state: String,
    pub permissions: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
