//! Grants: what an authorization request led to. Its code is used up by one conditional write;
//! its refresh tokens form one family that ends as a whole.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, Query, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, ExprTrait, QueryFilter};

use crate::base::clock::Timestamp;
use crate::base::id::{
    AccountId, AssignmentId, AuthorisationId, GrantId, PersonId, RecordId, SessionId,
};
use crate::base::secret::Hashed;
use crate::domain::acting::Acting;
use crate::domain::identity_type::Permissions;
use crate::store::authorisations::{join, split};
use crate::store::entity::{consent, oauth_grant, refresh_token, session};
use crate::store::{Rows, StoreError, Writing};

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredGrant {
    pub id: GrantId,
    pub client_id: String,
    pub person: PersonId,
    pub account: AccountId,
    pub session: SessionId,
    /// `sub` for this client, public or pairwise.
    pub subject: String,
    pub acting: Acting,
    pub sid: String,
    pub scope: String,
    /// Those of the identity when it was granted; a smaller set later ends the grant.
    pub permissions: Permissions,
    pub redirect_uri: String,
    /// oxide-auth extensions as JSON: nonce, PKCE challenge, requested claims.
    pub extensions: String,
    pub amr: Vec<String>,
    pub acr: u8,
    pub auth_time: Timestamp,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub state: GrantState,
    /// Thumbprint of the key that code and refresh tokens are bound to (RFC 9449 §5, §10).
    pub dpop_jkt: Option<String>,
}

/// How far a grant has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GrantState {
    /// Its code waits for the client until then.
    Code { expires_at: Timestamp },
    /// The code was used up and tokens came of it. `has_revoked_token`: an access token of it was
    /// revoked by itself.
    Redeemed { has_revoked_token: bool },
    /// Nothing comes of it any more, whether its code had been used or not.
    Revoked { was_redeemed: bool },
}

pub struct StoredRefreshToken {
    pub grant: GrantId,
    pub expires_at: Timestamp,
    pub used_at: Option<Timestamp>,
}

/// A code's grant, in the order of the values.
const BEGIN: &str = "INSERT INTO oauth_grant (realm, id, client_id, person_id, account_id, session_id, \
    subject, acting_kind, authorisation_id, assignment_id, record_id, sid, scope, permissions, \
    redirect_uri, extensions, amr, acr, auth_time, created_at, code_hash, code_expires_at, expires_at, \
    dpop_jkt, has_revoked_token) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, \
    $16, $17, $18, $19, $20, $21, $22, $23, $24, FALSE FROM session s";

const AGREED: &str = " JOIN consent c ON c.realm = s.realm AND c.person_id = s.person_id \
    AND c.client_id = $3 AND c.scope = $26";

const OF_SESSION: &str = " WHERE s.realm = $1 AND s.id = $6 AND s.cookie_hash = $25 AND s.acr = $18 \
    AND s.ended_at IS NULL";

pub struct Grants<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn grants(self) -> Grants<'c, A> {
        Grants(self)
    }
}

impl<A> Grants<'_, A> {
    pub async fn find(&self, id: GrantId) -> Result<Option<StoredGrant>, StoreError> {
        let row = self
            .0
            .find::<oauth_grant::Entity>()
            .filter(oauth_grant::Column::Id.eq(id.0))
            .one(&self.0.db())
            .await?;
        row.map(read).transpose()
    }

    pub async fn find_refresh(
        &self,
        token: Hashed,
    ) -> Result<Option<StoredRefreshToken>, StoreError> {
        let row = self
            .0
            .find::<refresh_token::Entity>()
            .filter(refresh_token::Column::Hash.eq(token.0.to_vec()))
            .one(&self.0.db())
            .await?;
        Ok(row.map(read_refresh))
    }

    /// Whether neither it nor its session was ended.
    pub async fn stands(&self, id: GrantId) -> Result<bool, StoreError> {
        const STANDS: &str = "SELECT g.id FROM oauth_grant g JOIN session s ON s.id = g.session_id \
            WHERE g.realm = $1 AND g.id = $2 AND g.revoked_at IS NULL AND s.ended_at IS NULL";
        Ok(self.0.one(STANDS, [id.0.into()]).await?.is_some())
    }

    /// The scope a person agreed to give a client, if any.
    pub async fn consent(
        &self,
        person: PersonId,
        client: &str,
    ) -> Result<Option<String>, StoreError> {
        Ok(self
            .0
            .find::<consent::Entity>()
            .filter(consent::Column::PersonId.eq(person.0))
            .filter(consent::Column::ClientId.eq(client))
            .one(&self.0.db())
            .await?
            .map(|row| row.scope))
    }
}

impl Grants<'_, Writing> {
    /// A grant begins with its code, for the session as it was read: `false` where that has ended since, went on
    /// to another cookie (and with it to another identity or proof), or proves another level. `agreed`: what the
    /// person had allowed the application, where it asks, and has not taken back. Whoever changes either waits,
    /// and finds the grant.
    pub async fn add(
        &self,
        new: &StoredGrant,
        code: Hashed,
        (session, agreed): (Hashed, Option<&str>),
    ) -> Result<bool, StoreError> {
        let GrantState::Code { expires_at: code_expires_at } = new.state else {
            return Err(StoreError::inconsistent("oauth_grant", "code_used_at", new.id));
        };
        let values = [
            new.id.0.into(),
            new.client_id.as_str().into(),
            new.person.0.into(),
            new.account.0.into(),
            new.session.0.into(),
            new.subject.as_str().into(),
            new.acting.kind().into(),
            new.acting.authorisation().map(|id| id.0).into(),
            new.acting.assignment().map(|id| id.0).into(),
            new.acting.record().map(|id| id.0).into(),
            new.sid.as_str().into(),
            new.scope.as_str().into(),
            join(&new.permissions).into(),
            new.redirect_uri.as_str().into(),
            new.extensions.as_str().into(),
            new.amr.join(" ").into(),
            i32::from(new.acr).into(),
            new.auth_time.0.into(),
            new.created_at.0.into(),
            code.0.to_vec().into(),
            code_expires_at.0.into(),
            new.expires_at.0.into(),
            new.dpop_jkt.clone().into(),
            session.0.to_vec().into(),
        ];
        let db = self.0.db();
        let (joined, held) = if agreed.is_some() { (AGREED, "s, c") } else { ("", "s") };
        // SQLite's writers are alone anyhow.
        let is_shared = db.get_database_backend() == DbBackend::Postgres;
        let lock = if is_shared { format!(" FOR SHARE OF {held}") } else { String::new() };
        let mut insert = self.0.statement(&format!("{BEGIN}{joined}{OF_SESSION}{lock}"), values);
        if let (Some(agreed), Some(values)) = (agreed, insert.values.as_mut()) {
            values.0.push(agreed.into());
        }
        Ok(db.execute_raw(insert).await?.rows_affected() == 1)
    }

    /// Uses the code up; `false` when somebody did before, or its grant or session has ended. `key`: what refresh tokens are bound to
    /// from now on.
    pub async fn take_code(
        &self,
        id: GrantId,
        now: Timestamp,
        key: Option<&str>,
    ) -> Result<bool, StoreError> {
        let done = self
            .0
            .update::<oauth_grant::Entity>()
            .col_expr(oauth_grant::Column::CodeUsedAt, Expr::value(now.0))
            .col_expr(oauth_grant::Column::DpopJkt, Expr::value(key))
            .filter(oauth_grant::Column::Id.eq(id.0))
            .filter(oauth_grant::Column::CodeUsedAt.is_null())
            .filter(oauth_grant::Column::RevokedAt.is_null())
            .filter(Expr::exists(live_session()))
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    /// What comes of it is worth nothing without this key from now on; `false` where another has been faster.
    pub async fn bind(&self, id: GrantId, key: &str) -> Result<bool, StoreError> {
        let done = self
            .0
            .update::<oauth_grant::Entity>()
            .col_expr(oauth_grant::Column::DpopJkt, Expr::value(key))
            .filter(oauth_grant::Column::Id.eq(id.0))
            .filter(oauth_grant::Column::DpopJkt.is_null())
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    pub async fn mark_revoked_token(&self, id: GrantId) -> Result<(), StoreError> {
        self.0
            .update::<oauth_grant::Entity>()
            .col_expr(oauth_grant::Column::HasRevokedToken, Expr::value(true))
            .filter(oauth_grant::Column::Id.eq(id.0))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    pub async fn revoke(&self, id: GrantId, now: Timestamp) -> Result<bool, StoreError> {
        self.revoke_where(oauth_grant::Column::Id.eq(id.0), now).await
    }

    pub async fn revoke_of_session(
        &self,
        id: SessionId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.revoke_where(oauth_grant::Column::SessionId.eq(id.0), now).await
    }

    /// All that were given for one acting identity of a session.
    pub async fn revoke_of_sid(
        &self,
        id: SessionId,
        sid: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let of_sid = oauth_grant::Column::SessionId.eq(id.0);
        self.revoke_where(of_sid.and(oauth_grant::Column::Sid.eq(sid)), now).await
    }

    /// All that one application holds of a session.
    pub async fn revoke_of_client(
        &self,
        id: SessionId,
        client: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let of_session = oauth_grant::Column::SessionId.eq(id.0);
        self.revoke_where(of_session.and(oauth_grant::Column::ClientId.eq(client)), now).await
    }

    async fn revoke_where(
        &self,
        which: sea_orm::sea_query::SimpleExpr,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = self
            .0
            .update::<oauth_grant::Entity>()
            .col_expr(oauth_grant::Column::RevokedAt, Expr::value(now.0))
            .filter(which)
            .filter(oauth_grant::Column::RevokedAt.is_null())
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected > 0)
    }

    pub async fn add_refresh(
        &self,
        token: Hashed,
        grant: GrantId,
        issued_at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        refresh_token::Entity::insert(refresh_token::ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            hash: Set(token.0.to_vec()),
            grant_id: Set(grant.0),
            issued_at: Set(issued_at.0),
            expires_at: Set(expires_at.0),
            used_at: Set(None),
        })
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }

    /// Uses a refresh token up; `false` when it was used before, or its grant or session has ended.
    pub async fn take_refresh(&self, token: Hashed, now: Timestamp) -> Result<bool, StoreError> {
        let of_token = Expr::col((oauth_grant::Entity, oauth_grant::Column::Id))
            .equals((refresh_token::Entity, refresh_token::Column::GrantId));
        let live = Query::select()
            .expr(Expr::val(1))
            .from(oauth_grant::Entity)
            .and_where(of_token)
            .and_where(oauth_grant::Column::RevokedAt.is_null())
            .and_where(Expr::exists(live_session()))
            .to_owned();
        let done = self
            .0
            .update::<refresh_token::Entity>()
            .col_expr(refresh_token::Column::UsedAt, Expr::value(now.0))
            .filter(refresh_token::Column::Hash.eq(token.0.to_vec()))
            .filter(refresh_token::Column::UsedAt.is_null())
            .filter(Expr::exists(live))
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    pub async fn add_consent(
        &self,
        person: PersonId,
        client: &str,
        scope: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.0
            .delete::<consent::Entity>()
            .filter(consent::Column::PersonId.eq(person.0))
            .filter(consent::Column::ClientId.eq(client))
            .exec(&self.0.db())
            .await?;
        consent::Entity::insert(consent::ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            person_id: Set(person.0),
            client_id: Set(client.to_owned()),
            scope: Set(scope.to_owned()),
            given_at: Set(now.0),
        })
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }
}

/// The session of the grant that a statement looks at, while it has not ended.
fn live_session() -> SelectStatement {
    let of_grant = Expr::col((session::Entity, session::Column::Id))
        .equals((oauth_grant::Entity, oauth_grant::Column::SessionId));
    Query::select()
        .expr(Expr::val(1))
        .from(session::Entity)
        .and_where(of_grant)
        .and_where(session::Column::EndedAt.is_null())
        .to_owned()
}

pub(super) fn read_refresh(row: refresh_token::Model) -> StoredRefreshToken {
    StoredRefreshToken {
        grant: GrantId(row.grant_id),
        expires_at: Timestamp(row.expires_at),
        used_at: row.used_at.map(Timestamp),
    }
}

pub(super) fn read(row: oauth_grant::Model) -> Result<StoredGrant, StoreError> {
    let wrong = |column| StoreError::inconsistent("oauth_grant", column, row.id);
    let was_redeemed = row.code_used_at.is_some();
    let state = match row.revoked_at {
        Some(_) => GrantState::Revoked { was_redeemed },
        None if was_redeemed => GrantState::Redeemed { has_revoked_token: row.has_revoked_token },
        None => GrantState::Code { expires_at: Timestamp(row.code_expires_at) },
    };
    Ok(StoredGrant {
        id: GrantId(row.id),
        acting: Acting::from_parts(
            &row.acting_kind,
            row.authorisation_id.map(AuthorisationId),
            row.assignment_id.map(AssignmentId),
            row.record_id.map(RecordId),
        )
        .ok_or_else(|| wrong("acting_kind"))?,
        acr: u8::try_from(row.acr).map_err(|_| wrong("acr"))?,
        client_id: row.client_id,
        person: PersonId(row.person_id),
        account: AccountId(row.account_id),
        session: SessionId(row.session_id),
        subject: row.subject,
        sid: row.sid,
        scope: row.scope,
        permissions: split(&row.permissions),
        redirect_uri: row.redirect_uri,
        extensions: row.extensions,
        amr: row.amr.split_whitespace().map(str::to_owned).collect(),
        auth_time: Timestamp(row.auth_time),
        created_at: Timestamp(row.created_at),
        expires_at: Timestamp(row.expires_at),
        state,
        dpop_jkt: row.dpop_jkt,
    })
}
