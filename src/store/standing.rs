//! A session or a grant together with everything that decides whether it still stands, read by one
//! statement each: the hottest reads of the product. What the facts amount to is decided in
//! `flows`.

use std::sync::LazyLock;

use sea_orm::{FromQueryResult, QueryResult, Value};
use uuid::Uuid;

use crate::base::clock::{Day, Timestamp};
use crate::base::id::{AuthorisationId, EnterpriseId, GrantId, PersonId};
use crate::base::secret::Hashed;
use crate::domain::acting::Acting;
use crate::domain::authorisation::Authorisation;
use crate::domain::cross_region::HeldRecord;
use crate::domain::engagement::AgentIdentity;
use crate::domain::enterprise::Enterprise;
use crate::domain::person::{AccountStatus, Person};
use crate::domain::session::Session;
use crate::store::columns::columns;
use crate::store::entity::{
    authorisation, enterprise, oauth_grant, person, refresh_token, session,
};
use crate::store::grants::{self, GrantState, StoredGrant, StoredRefreshToken};
use crate::store::{Rows, StoreError, accounts, authorisations, enterprises, sessions};

/// What stands behind a session or a grant, as the rows are now.
pub struct Standing {
    /// Whether it is neither cancelled nor locked.
    pub is_account_open: bool,
    /// Of the account.
    pub era: i64,
    pub held: Held,
}

/// What the acting identity rests on.
#[derive(Clone)]
pub enum Held {
    /// The person themself, or nothing that still exists.
    Nothing,
    Authorisation(Box<(Authorisation, Enterprise)>),
    Assignment(Box<AgentIdentity>),
    Record(Box<HeldRecord>),
}

pub struct StandingSession {
    pub session: Session,
    pub standing: Standing,
}

pub struct StandingGrant {
    pub grant: StoredGrant,
    pub session_expires_at: Timestamp,
    pub session_ended_at: Option<Timestamp>,
    pub standing: Standing,
}

pub struct Standings<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn standings(self) -> Standings<'c, A> {
        Standings(self)
    }
}

static BY_COOKIE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {}, {} FROM session s {} WHERE s.realm = $1 AND s.cookie_hash = $2 \
         AND s.ended_at IS NULL AND s.expires_at > $3",
        columns::<session::Entity>("s"),
        standing_columns(),
        joined_to("s"),
    )
});

static OF_TOKEN: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {} FROM oauth_grant g {} WHERE g.realm = $1 AND g.id = $2",
        grant_columns(),
        joined_to_grant()
    )
});

static PERSON_OF_TOKEN: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {}, {}, a.username AS a_username FROM oauth_grant g {} \
         JOIN person p ON p.id = g.person_id WHERE g.realm = $1 AND g.id = $2",
        grant_columns(),
        columns::<person::Entity>("p"),
        joined_to_grant(),
    )
});

static BY_CODE: LazyLock<String> = LazyLock::new(|| {
    let (columns, joined) = (grant_columns(), joined_to_grant());
    format!("SELECT {columns} FROM oauth_grant g {joined} WHERE g.realm = $1 AND g.code_hash = $2")
});

static BY_REFRESH: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {}, {} FROM refresh_token r JOIN oauth_grant g ON g.id = r.grant_id {} \
         WHERE r.realm = $1 AND r.hash = $2",
        columns::<refresh_token::Entity>("r"),
        grant_columns(),
        joined_to_grant(),
    )
});

static HELD: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {}, {} FROM authorisation h JOIN enterprise e ON e.id = h.enterprise_id",
        columns::<authorisation::Entity>("h"),
        columns::<enterprise::Entity>("e"),
    )
});

static HELD_NOW: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{} WHERE h.realm = $1 AND h.person_id = $2 AND h.state = 'active' AND h.valid_from <= $3 \
         AND (h.valid_to IS NULL OR h.valid_to >= $3) ORDER BY e.tin, h.id LIMIT $4 OFFSET $5",
        *HELD
    )
});

static HELD_BY_PERSON: LazyLock<String> =
    LazyLock::new(|| format!("{} WHERE h.realm = $1 AND h.person_id = $2 ORDER BY h.id", *HELD));

static HELD_BY: LazyLock<String> =
    LazyLock::new(|| format!("{} WHERE h.realm = $1 AND h.id = $2", *HELD));

static HELD_IN: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{} WHERE h.realm = $1 AND h.person_id = $2 AND h.enterprise_id = $3 ORDER BY h.id",
        *HELD
    )
});

fn standing_columns() -> String {
    format!(
        "a.status AS a_status, a.locked_at AS a_locked_at, a.era AS a_era, {}, {}",
        columns::<authorisation::Entity>("h"),
        columns::<enterprise::Entity>("e")
    )
}

fn grant_columns() -> String {
    format!(
        "{}, s.expires_at AS s_expires_at, s.ended_at AS s_ended_at, {}",
        columns::<oauth_grant::Entity>("g"),
        standing_columns()
    )
}

fn joined_to(alias: &str) -> String {
    format!(
        "JOIN account a ON a.id = {alias}.account_id \
         LEFT JOIN authorisation h ON h.id = {alias}.authorisation_id \
         LEFT JOIN enterprise e ON e.id = h.enterprise_id"
    )
}

fn joined_to_grant() -> String {
    format!("JOIN session s ON s.id = g.session_id {}", joined_to("g"))
}

impl<A> Standings<'_, A> {
    /// The live session behind a cookie.
    pub async fn by_cookie(
        &self,
        cookie: Hashed,
        now: Timestamp,
    ) -> Result<Option<StandingSession>, StoreError> {
        let values: [Value; 2] = [cookie.0.to_vec().into(), now.0.into()];
        let Some(row) = self.0.one(&BY_COOKIE, values).await? else { return Ok(None) };
        let session = sessions::read(session::Model::from_query_result(&row, "s_")?)?;
        let standing = self.standing(&row, session.person, session.acting).await?;
        Ok(Some(StandingSession { session, standing }))
    }

    /// The grant of an access token; `None` also when the token was revoked by itself.
    pub async fn of_token(
        &self,
        grant: GrantId,
        jti: &str,
    ) -> Result<Option<StandingGrant>, StoreError> {
        let Some(row) = self.0.one(&OF_TOKEN, [grant.0.into()]).await? else { return Ok(None) };
        self.unrevoked(self.grant(&row).await?, jti).await
    }

    /// The same with the person and their username.
    pub async fn person_of_token(
        &self,
        grant: GrantId,
        jti: &str,
    ) -> Result<Option<(StandingGrant, Person, Option<String>)>, StoreError> {
        let row = self.0.one(&PERSON_OF_TOKEN, [grant.0.into()]).await?;
        let Some(row) = row else { return Ok(None) };
        let grant = self.unrevoked(self.grant(&row).await?, jti).await?;
        let Some(grant) = grant else { return Ok(None) };
        let person = self.0.people().read(person::Model::from_query_result(&row, "p_")?)?;
        Ok(Some((grant, person, row.try_get("a_", "username")?)))
    }

    pub async fn by_code(&self, code: Hashed) -> Result<Option<StandingGrant>, StoreError> {
        let row = self.0.one(&BY_CODE, [code.0.to_vec().into()]).await?;
        match row {
            Some(row) => Ok(Some(self.grant(&row).await?)),
            None => Ok(None),
        }
    }

    pub async fn by_refresh(
        &self,
        token: Hashed,
    ) -> Result<Option<(StandingGrant, StoredRefreshToken)>, StoreError> {
        let row = self.0.one(&BY_REFRESH, [token.0.to_vec().into()]).await?;
        let Some(row) = row else { return Ok(None) };
        let refresh = grants::read_refresh(refresh_token::Model::from_query_result(&row, "r_")?);
        Ok(Some((self.grant(&row).await?, refresh)))
    }

    /// Every authorisation of a person with its enterprise, whatever its state; oldest first.
    pub async fn held(
        &self,
        person: PersonId,
    ) -> Result<Vec<(Authorisation, Enterprise)>, StoreError> {
        self.0.all(&HELD_BY_PERSON, [person.0.into()]).await?.iter().map(read_held).collect()
    }

    /// A person's active authorisations within their terms, by enterprise; at most `limit`.
    pub async fn held_now(
        &self,
        person: PersonId,
        today: Day,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<(Authorisation, Enterprise)>, StoreError> {
        let values = [person.0.into(), today.to_string().into(), limit.into(), offset.into()];
        self.0.all(&HELD_NOW, values).await?.iter().map(read_held).collect()
    }

    /// One of them.
    pub async fn held_by(
        &self,
        id: AuthorisationId,
    ) -> Result<Option<(Authorisation, Enterprise)>, StoreError> {
        self.0.one(&HELD_BY, [id.0.into()]).await?.as_ref().map(read_held).transpose()
    }

    /// Those in one enterprise.
    pub async fn held_in(
        &self,
        person: PersonId,
        enterprise: EnterpriseId,
    ) -> Result<Vec<(Authorisation, Enterprise)>, StoreError> {
        self.0
            .all(&HELD_IN, [person.0.into(), enterprise.0.into()])
            .await?
            .iter()
            .map(read_held)
            .collect()
    }

    /// The list of revoked tokens is read only for grants that have one.
    async fn unrevoked(
        &self,
        found: StandingGrant,
        jti: &str,
    ) -> Result<Option<StandingGrant>, StoreError> {
        let may_be = found.grant.state == GrantState::Redeemed { has_revoked_token: true };
        let is_revoked = may_be && self.0.tokens().is_revoked(jti).await?;
        Ok((!is_revoked).then_some(found))
    }

    async fn grant(&self, row: &QueryResult) -> Result<StandingGrant, StoreError> {
        let grant = grants::read(oauth_grant::Model::from_query_result(row, "g_")?)?;
        Ok(StandingGrant {
            session_expires_at: Timestamp(row.try_get("s_", "expires_at")?),
            session_ended_at: row.try_get::<Option<i64>>("s_", "ended_at")?.map(Timestamp),
            standing: self.standing(row, grant.person, grant.acting).await?,
            grant,
        })
    }

    /// Agency staff and specific entities cost more reads; everybody else does not pay for them.
    async fn standing(
        &self,
        row: &QueryResult,
        person: PersonId,
        acting: Acting,
    ) -> Result<Standing, StoreError> {
        let held = match (acting, row.try_get::<Option<Uuid>>("h_", "id")?) {
            (Acting::Agent(id), _) => match self.0.engagements().find(id).await? {
                Some(found) => Held::Assignment(Box::new(found)),
                None => Held::Nothing,
            },
            (Acting::Record(id), _) => match self.0.cross_region().held(id, person).await? {
                Some(found) => Held::Record(Box::new(found)),
                None => Held::Nothing,
            },
            (_, Some(_)) => Held::Authorisation(Box::new(read_held(row)?)),
            (_, None) => Held::Nothing,
        };
        Ok(Standing {
            is_account_open: accounts::read_status(&row.try_get::<String>("a_", "status")?)?
                == AccountStatus::Active
                && row.try_get::<Option<i64>>("a_", "locked_at")?.is_none(),
            era: row.try_get("a_", "era")?,
            held,
        })
    }
}

fn read_held(row: &QueryResult) -> Result<(Authorisation, Enterprise), StoreError> {
    Ok((
        authorisations::read(authorisation::Model::from_query_result(row, "h_")?)?,
        enterprises::read(enterprise::Model::from_query_result(row, "e_")?)?,
    ))
}
