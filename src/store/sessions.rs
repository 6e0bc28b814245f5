//! Browsers signed in. The applications that each has been signed in to are `session_clients`'.

use std::sync::LazyLock;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect, Value,
};

use crate::base::clock::{Day, Timestamp};
use crate::base::id::{
    AccountId, AssignmentId, AuthorisationId, EnterpriseId, PersonId, RecordId, SessionId,
};
use crate::base::secret::Hashed;
use crate::domain::acting::Acting;
use crate::domain::session::Session;
use crate::store::columns::columns;
use crate::store::entity::{session, session_client};
use crate::store::found::Found;
use crate::store::{Rows, StoreError, Writing};

pub struct Sessions<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn sessions(self) -> Sessions<'c, A> {
        Sessions(self)
    }
}

static ACTING_FOR: LazyLock<String> = LazyLock::new(|| {
    at_work_through(
        ["h.enterprise_id = $2", "(g.agency_id = $2 OR g.client_id = $2)", "c.enterprise_id = $2"],
        "$3",
    )
});

static PAST_TERM: LazyLock<String> = LazyLock::new(|| {
    let term = |one: &str, state: &str| {
        format!(
            "{one}.realm = $1 AND {one}.state = '{state}' AND {one}.valid_to >= $2 \
             AND {one}.valid_to < $3"
        )
    };
    let terms = [term("h", "active"), term("g", "active"), term("c", "open")];
    at_work_through(terms.each_ref().map(String::as_str), "$4")
});

static AT_WORK_OF: LazyLock<String> = LazyLock::new(|| {
    let columns = columns::<session::Entity>("s");
    let at_work = at_work("$3");
    format!(
        "SELECT {columns} FROM session s \
         WHERE s.realm = $1 AND s.account_id = $2 AND {at_work}"
    )
});

/// Sessions at work through what they act in: authorisations `h`, engagements `g`, records `c`.
fn at_work_through([of_authorisation, of_engagement, of_record]: [&str; 3], now: &str) -> String {
    let (columns, at_work) = (columns::<session::Entity>("s"), at_work(now));
    format!(
        "SELECT {columns} FROM authorisation h JOIN session s ON s.authorisation_id = h.id \
         WHERE {of_authorisation} AND {at_work} \
         UNION ALL SELECT {columns} FROM engagement g \
         JOIN agent_assignment x ON x.engagement_id = g.id \
         JOIN session s ON s.assignment_id = x.id WHERE {of_engagement} AND {at_work} \
         UNION ALL SELECT {columns} FROM cross_region_record c \
         JOIN session s ON s.record_id = c.id WHERE {of_record} AND {at_work}"
    )
}

/// That something still comes of a session `s`: of the browser, or, past its time, of work that an
/// application does without the person. Whatever ends or narrows what somebody is looks for these.
fn at_work(now: &str) -> String {
    format!(
        "s.realm = $1 AND s.ended_at IS NULL AND (s.expires_at > {now} \
         OR EXISTS (SELECT 1 FROM oauth_grant o WHERE o.realm = $1 AND o.session_id = s.id \
         AND o.revoked_at IS NULL AND o.expires_at > {now} \
         AND ' ' || o.scope || ' ' LIKE '% offline_access %'))"
    )
}

impl<A> Sessions<'_, A> {
    /// As it is now, unless it was ended.
    pub async fn find_live(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let row = self
            .0
            .find::<session::Entity>()
            .filter(session::Column::Id.eq(id.0))
            .filter(session::Column::EndedAt.is_null())
            .one(&self.0.db())
            .await?;
        row.map(read).transpose()
    }

    /// As whom the browser with this cookie worked until its session ended.
    pub async fn ended_acting(
        &self,
        cookie: Hashed,
        now: Timestamp,
    ) -> Result<Option<Acting>, StoreError> {
        let row = self
            .0
            .find::<session::Entity>()
            .filter(session::Column::CookieHash.eq(cookie.0.to_vec()))
            .one(&self.0.db())
            .await?;
        let ended = row.filter(|row| row.ended_at.is_some() || row.expires_at <= now.0);
        Ok(ended.map(read).transpose()?.map(|session| session.acting))
    }

    /// Those of an account that are signed in now, as lists show them: newest first.
    pub async fn live_of(
        &self,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Vec<Session>, StoreError> {
        let rows = self
            .0
            .find::<session::Entity>()
            .filter(session::Column::AccountId.eq(account.0))
            .filter(session::Column::EndedAt.is_null())
            .filter(session::Column::ExpiresAt.gt(now.0))
            .order_by_desc(session::Column::CreatedAt)
            .order_by_desc(session::Column::Id)
            .all(&self.0.db())
            .await?;
        rows.into_iter().map(read).collect()
    }

    /// Those of an account that nobody has ended, also past their time: tokens for work without the
    /// person may outlive it. In the order in which everybody ends several.
    pub async fn unended_of(&self, account: AccountId) -> Result<Vec<SessionId>, StoreError> {
        let ids = self
            .0
            .find::<session::Entity>()
            .select_only()
            .column(session::Column::Id)
            .filter(session::Column::AccountId.eq(account.0))
            .filter(session::Column::EndedAt.is_null())
            .order_by_asc(session::Column::Id);
        let ids: Vec<uuid::Uuid> = ids.into_tuple().all(&self.0.db()).await?;
        Ok(ids.into_iter().map(SessionId).collect())
    }

    /// Those of an account that something still comes of.
    pub async fn at_work_of(
        &self,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Vec<Session>, StoreError> {
        self.several(&AT_WORK_OF, [account.0.into(), now.0.into()]).await
    }

    /// Those that act in or for an enterprise, as far as something still comes of them.
    pub async fn acting_for(
        &self,
        enterprise: EnterpriseId,
        now: Timestamp,
    ) -> Result<Vec<Session>, StoreError> {
        self.several(&ACTING_FOR, [enterprise.0.into(), now.0.into()]).await
    }

    /// Those whose authorisation, engagement or record ended by its term on `since` or later and
    /// before `today`.
    pub async fn past_term(
        &self,
        since: Day,
        today: Day,
        now: Timestamp,
    ) -> Result<Vec<Found<Session>>, StoreError> {
        let (since, today) = (since.to_string(), today.to_string());
        let rows = self.0.all(&PAST_TERM, [since.into(), today.into(), now.0.into()]).await?;
        rows.iter().map(|row| Found::of(row, "s_", read)).collect()
    }

    /// In the order in which everybody ends several.
    async fn several<const N: usize>(
        &self,
        sql: &str,
        values: [Value; N],
    ) -> Result<Vec<Session>, StoreError> {
        let rows = self.0.all(sql, values).await?;
        let found: Result<Vec<Session>, StoreError> =
            rows.iter().map(|row| read(session::Model::from_query_result(row, "s_")?)).collect();
        let mut found = found?;
        found.sort_by_key(|one| one.id);
        Ok(found)
    }

    /// The session that an application was told by this `sid`, unless it was ended; also past its time.
    pub async fn by_sid(&self, client_id: &str, sid: &str) -> Result<Option<Session>, StoreError> {
        let row = self
            .0
            .find::<session_client::Entity>()
            .filter(session_client::Column::Sid.eq(sid))
            .filter(session_client::Column::ClientId.eq(client_id))
            .one(&self.0.db())
            .await?;
        let Some(row) = row else { return Ok(None) };
        self.find_live(SessionId(row.session_id)).await
    }

    /// The same of the browser with this cookie.
    pub async fn unended_by_cookie(&self, cookie: Hashed) -> Result<Option<Session>, StoreError> {
        let row = self
            .0
            .find::<session::Entity>()
            .filter(session::Column::CookieHash.eq(cookie.0.to_vec()))
            .filter(session::Column::EndedAt.is_null())
            .one(&self.0.db())
            .await?;
        row.map(read).transpose()
    }
}

impl Sessions<'_, Writing> {
    /// The same as [`Self::find_live`], and whoever would end it waits until this transaction has. SQLite's
    /// writers are alone anyhow.
    pub async fn hold_live(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let db = self.0.db();
        let mut live = self
            .0
            .find::<session::Entity>()
            .filter(session::Column::Id.eq(id.0))
            .filter(session::Column::EndedAt.is_null());
        if db.get_database_backend() == DbBackend::Postgres {
            live = live.lock(LockType::NoKeyUpdate);
        }
        live.one(&db).await?.map(read).transpose()
    }

    pub async fn add(&self, new: &Session) -> Result<(), StoreError> {
        session::Entity::insert(session::ActiveModel {
            id: Set(new.id.0),
            realm: Set(self.0.realm.to_owned()),
            cookie_hash: Set(new.cookie.0.to_vec()),
            person_id: Set(new.person.0),
            account_id: Set(new.account.0),
            acting_kind: Set(new.acting.kind().to_owned()),
            authorisation_id: Set(new.acting.authorisation().map(|id| id.0)),
            assignment_id: Set(new.acting.assignment().map(|id| id.0)),
            record_id: Set(new.acting.record().map(|id| id.0)),
            amr: Set(new.amr.join(" ")),
            acr: Set(i32::from(new.acr)),
            auth_time: Set(new.auth_time.0),
            entrance: Set(new.entrance.clone()),
            one_way_personal: Set(new.one_way_personal),
            ip: Set(new.ip.clone()),
            device: Set(new.device.clone()),
            created_at: Set(new.created_at.0),
            expires_at: Set(new.expires_at.0),
            ended_at: Set(None),
        })
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }

    /// Moves the session from one identity to another and to a new cookie; `false` when it has
    /// ended meanwhile, or went on to another identity or cookie: of two that go on from one cookie one
    /// does, and the browser ends with what that one hands out.
    pub async fn switch(
        &self,
        session: &Session,
        to: Acting,
        cookie: Hashed,
    ) -> Result<bool, StoreError> {
        let personal = to == Acting::Personal;
        let done = self
            .0
            .update::<session::Entity>()
            .col_expr(session::Column::ActingKind, Expr::value(to.kind()))
            .col_expr(
                session::Column::AuthorisationId,
                Expr::value(to.authorisation().map(|id| id.0)),
            )
            .col_expr(session::Column::AssignmentId, Expr::value(to.assignment().map(|id| id.0)))
            .col_expr(session::Column::RecordId, Expr::value(to.record().map(|id| id.0)))
            .col_expr(session::Column::CookieHash, Expr::value(cookie.0.to_vec()))
            .col_expr(
                session::Column::OneWayPersonal,
                Expr::value(session.one_way_personal || personal),
            )
            .filter(session::Column::Id.eq(session.id.0))
            .filter(session::Column::CookieHash.eq(session.cookie.0.to_vec()))
            .filter(session::Column::ActingKind.eq(session.acting.kind()))
            .filter(match session.acting.authorisation() {
                Some(id) => session::Column::AuthorisationId.eq(id.0),
                None => session::Column::AuthorisationId.is_null(),
            })
            .filter(match session.acting.assignment() {
                Some(id) => session::Column::AssignmentId.eq(id.0),
                None => session::Column::AssignmentId.is_null(),
            })
            .filter(match session.acting.record() {
                Some(id) => session::Column::RecordId.eq(id.0),
                None => session::Column::RecordId.is_null(),
            })
            .filter(session::Column::EndedAt.is_null())
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    /// What a session proves now, under a new cookie; `false` when it has ended meanwhile, went on to
    /// another cookie, is not this person's, or has just proved more. Of `session`: id, cookie, person,
    /// acr, amr, `auth_time`.
    pub async fn prove(&self, session: &Session, cookie: Hashed) -> Result<bool, StoreError> {
        let acr = i32::from(session.acr);
        let done = self
            .0
            .update::<session::Entity>()
            .col_expr(session::Column::Acr, Expr::value(acr))
            .col_expr(session::Column::Amr, Expr::value(session.amr.join(" ")))
            .col_expr(session::Column::AuthTime, Expr::value(session.auth_time.0))
            .col_expr(session::Column::CookieHash, Expr::value(cookie.0.to_vec()))
            .filter(session::Column::Id.eq(session.id.0))
            .filter(session::Column::CookieHash.eq(session.cookie.0.to_vec()))
            .filter(session::Column::PersonId.eq(session.person.0))
            .filter(session::Column::EndedAt.is_null())
            .filter(session::Column::Acr.lte(acr))
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    /// What a person has proved counts no higher than this any more.
    pub async fn cap_level(&self, person: PersonId, level: u8) -> Result<(), StoreError> {
        self.0
            .update::<session::Entity>()
            .col_expr(session::Column::Acr, Expr::value(i32::from(level)))
            .filter(session::Column::PersonId.eq(person.0))
            .filter(session::Column::Acr.gt(i32::from(level)))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    /// As it was; `None` when it had ended before.
    pub async fn end(&self, id: SessionId, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let whose = self.0.find::<session::Entity>().filter(session::Column::Id.eq(id.0));
        let Some(row) = whose.one(&self.0.db()).await? else { return Ok(None) };
        let done = self
            .0
            .update::<session::Entity>()
            .col_expr(session::Column::EndedAt, Expr::value(now.0))
            .filter(session::Column::Id.eq(id.0))
            .filter(session::Column::EndedAt.is_null())
            .exec(&self.0.db())
            .await?;
        (done.rows_affected == 1).then(|| read(row)).transpose()
    }
}

pub(super) fn read(row: session::Model) -> Result<Session, StoreError> {
    let wrong = |column| StoreError::inconsistent("session", column, row.id);
    let cookie = row.cookie_hash.as_slice().try_into().map_err(|_| wrong("cookie_hash"))?;
    Ok(Session {
        id: SessionId(row.id),
        cookie: Hashed(cookie),
        acting: Acting::from_parts(
            &row.acting_kind,
            row.authorisation_id.map(AuthorisationId),
            row.assignment_id.map(AssignmentId),
            row.record_id.map(RecordId),
        )
        .ok_or_else(|| wrong("acting_kind"))?,
        acr: u8::try_from(row.acr).map_err(|_| wrong("acr"))?,
        person: PersonId(row.person_id),
        account: AccountId(row.account_id),
        amr: row.amr.split_whitespace().map(str::to_owned).collect(),
        auth_time: Timestamp(row.auth_time),
        entrance: row.entrance,
        one_way_personal: row.one_way_personal,
        ip: row.ip,
        device: row.device,
        created_at: Timestamp(row.created_at),
        expires_at: Timestamp(row.expires_at),
    })
}
