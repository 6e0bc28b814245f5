//! Table `agent_assignment`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "agent_assignment")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub engagement_id: Uuid,
    pub person_id: Uuid,
    pub permissions: String,
    pub state: String,
    pub realm: String,
}

impl ActiveModelBehavior for ActiveModel {}
