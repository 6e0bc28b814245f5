//! Table `enterprise`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "enterprise")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub realm: String,
    pub registration_no: String,
    pub uscc: Option<String>,
    pub tin: String,
    pub name: String,
    pub kind: String,
    pub status: String,
    pub province: String,
    pub tax_authority: String,
    pub pays_social_insurance: bool,
    pub unit_number: Option<String>,
    pub certificate_authorities: String,
    pub name_hash: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
