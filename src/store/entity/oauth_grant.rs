//! Table `oauth_grant`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "oauth_grant")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub realm: String,
    pub client_id: String,
    pub person_id: Uuid,
    pub account_id: Uuid,
    pub session_id: Uuid,
    pub subject: String,
    pub acting_kind: String,
    pub authorisation_id: Option<Uuid>,
    pub assignment_id: Option<Uuid>,
    pub record_id: Option<Uuid>,
    pub sid: String,
    pub scope: String,
    pub permissions: String,
    pub redirect_uri: String,
    pub extensions: String,
    pub amr: String,
    pub acr: i32,
    pub auth_time: i64,
    pub created_at: i64,
    pub code_hash: Vec<u8>,
    pub code_expires_at: i64,
    pub code_used_at: Option<i64>,
    pub expires_at: i64,
    pub revoked_at: Option<i64>,
    pub has_revoked_token: bool,
    pub dpop_jkt: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
