//! The sign-in log and the audit chain; rows are only ever added.

use std::net::IpAddr;

use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::entity::{audit, audit_head, login_log};
use super::{Rows, StoreError, Writing};
use crate::base::clock::Timestamp;
use crate::base::id::{EnterpriseId, PersonId};
use crate::base::sm2::Sm2Public;
use crate::domain::audit::{AuditEvent, LoginAttempt};
use crate::domain::audit_chain::{CHAIN_START, ChainFault, ChainKey, Checkpoint, Link, Walk};

pub struct Records<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn records(self) -> Records<'c, A> {
        Records(self)
    }
}

/// One line of the sign-in log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoginLogEntry {
    pub at: Timestamp,
    pub person: Option<PersonId>,
    /// Of the enterprise's number that was typed, or of the identity.
    pub enterprise: Option<EnterpriseId>,
    pub way: String,
    pub entrance: String,
    pub identity_type: Option<String>,
    pub outcome: String,
    pub ip: String,
    pub device: String,
    /// By which second factor, where one was passed.
    pub second: Option<String>,
}

/// How far a chain fits, and what is wrong after that.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChainReport {
    pub last: Checkpoint,
    pub fault: Option<ChainFault>,
}

/// One link of the audit, as it was written.
pub struct AuditRow {
    pub sequence: i64,
    pub at: Timestamp,
    /// JSON.
    pub event: String,
    pub hash: String,
}

/// Whose sign-ins.
#[derive(Clone, Copy, Debug)]
pub enum Whose {
    Person(PersonId),
    /// Into this enterprise, whoever it was.
    Enterprise(EnterpriseId),
}

#[derive(Clone, Debug)]
pub struct LogQuery {
    pub whose: Whose,
    pub since: Timestamp,
    pub until: Option<Timestamp>,
    /// A way's name; empty is any.
    pub way: String,
    /// Sign-ins that ended well, or those that did not; absent is both.
    pub is_ok: Option<bool>,
    pub offset: u64,
}

impl<'c, A> Records<'c, A> {
    pub(super) fn rows(&self) -> Rows<'c, A> {
        self.0
    }
}

impl<A> Records<'_, A> {
    /// A person's attempts since an instant, newest first.
    pub async fn attempts(
        &self,
        person: PersonId,
        since: Timestamp,
    ) -> Result<Vec<LoginLogEntry>, StoreError> {
        let whose = Whose::Person(person);
        let way = String::new();
        let query = LogQuery { whose, since, until: None, way, is_ok: None, offset: 0 };
        self.log(&query).await
    }

    /// The addresses from which a person has signed in since an instant.
    pub async fn addresses(
        &self,
        person: PersonId,
        since: Timestamp,
    ) -> Result<Vec<IpAddr>, StoreError> {
        let found: Vec<String> = self
            .0
            .find::<login_log::Entity>()
            .select_only()
            .column(login_log::Column::Ip)
            .distinct()
            .filter(login_log::Column::PersonId.eq(person.0))
            .filter(login_log::Column::At.gte(since.0))
            .filter(login_log::Column::Outcome.eq("ok"))
            .into_tuple()
            .all(&self.0.db())
            .await?;
        Ok(found.iter().filter_map(|address| address.parse().ok()).collect())
    }

    /// A page of the sign-in log, newest first.
    pub async fn log(&self, query: &LogQuery) -> Result<Vec<LoginLogEntry>, StoreError> {
        let whose = match query.whose {
            Whose::Person(person) => login_log::Column::PersonId.eq(person.0),
            Whose::Enterprise(id) => login_log::Column::EnterpriseId.eq(id.0),
        };
        let mut found = self
            .0
            .find::<login_log::Entity>()
            .filter(whose)
            .filter(login_log::Column::At.gte(query.since.0));
        if let Some(until) = query.until {
            found = found.filter(login_log::Column::At.lte(until.0));
        }
        if !query.way.is_empty() {
            found = found.filter(login_log::Column::Way.eq(&query.way));
        }
        found = match query.is_ok {
            None => found,
            Some(true) => found.filter(login_log::Column::Outcome.eq("ok")),
            Some(false) => found.filter(login_log::Column::Outcome.ne("ok")),
        };
        let rows = found
            .order_by_desc(login_log::Column::At)
            .order_by_desc(login_log::Column::Id)
            .offset(query.offset)
            .limit(200)
            .all(&self.0.db())
            .await?;
        let read = |row: login_log::Model| LoginLogEntry {
            at: Timestamp(row.at),
            person: row.person_id.map(PersonId),
            enterprise: row.enterprise_id.map(EnterpriseId),
            way: row.way,
            entrance: row.entrance,
            identity_type: row.identity_type,
            outcome: row.outcome,
            ip: row.ip,
            device: row.device,
            second: row.second_factor,
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// The newest events of a person or an account but for one kind, newest first.
    pub async fn events_of(
        &self,
        subject: Uuid,
        without: &str,
        limit: u64,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let rows = self
            .0
            .find::<audit::Entity>()
            .filter(audit::Column::Subject.eq(subject))
            .filter(audit::Column::Action.ne(without))
            .order_by_desc(audit::Column::Sequence)
            .limit(limit)
            .all(&self.0.db())
            .await?;
        Ok(rows.into_iter().map(link).collect())
    }

    /// The same before one of them, with where each stands.
    pub async fn events_before(
        &self,
        subject: Uuid,
        before: i64,
        limit: u64,
    ) -> Result<Vec<(i64, Timestamp, String)>, StoreError> {
        let rows = self
            .0
            .find::<audit::Entity>()
            .filter(audit::Column::Subject.eq(subject))
            .filter(audit::Column::Sequence.lt(before))
            .order_by_desc(audit::Column::Sequence)
            .limit(limit)
            .all(&self.0.db())
            .await?;
        Ok(rows.into_iter().map(|row| (row.sequence, Timestamp(row.at), row.event)).collect())
    }

    /// The newest links, oldest first.
    pub async fn newest_links(&self, limit: u64) -> Result<Vec<AuditRow>, StoreError> {
        let found = self.0.find::<audit::Entity>().order_by_desc(audit::Column::Sequence);
        let mut rows = found.limit(limit).all(&self.0.db()).await?;
        rows.reverse();
        Ok(rows.into_iter().map(link).collect())
    }

    /// Those that follow one, oldest first; 0 is before the first.
    pub async fn links_after(
        &self,
        sequence: i64,
        limit: u64,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let found = self
            .0
            .find::<audit::Entity>()
            .filter(audit::Column::Sequence.gt(sequence))
            .order_by_asc(audit::Column::Sequence);
        let rows = found.limit(limit).all(&self.0.db()).await?;
        Ok(rows.into_iter().map(link).collect())
    }

    fn chain_key(&self) -> ChainKey<'_> {
        ChainKey { key: &self.0.store.audit_key, realm: self.0.realm }
    }

    /// The newest link, for a checkpoint; `None` before the first.
    pub async fn audit_head(&self) -> Result<Option<Checkpoint>, StoreError> {
        let head = self.0.find::<audit_head::Entity>().one(&self.0.db()).await?;
        Ok(head.map(|head| Checkpoint { sequence: head.sequence, hash: head.hash }))
    }

    /// The same, signed.
    pub async fn signed_head(&self) -> Result<Option<String>, StoreError> {
        Ok(self.audit_head().await?.map(|head| self.signed(&head)))
    }

    pub fn signed(&self, checkpoint: &Checkpoint) -> String {
        checkpoint.signed(self.0.realm, &self.0.store.audit_signer)
    }

    /// What signed checkpoints are verified with.
    pub fn audit_public(&self) -> Sm2Public {
        self.0.store.audit_signer.public()
    }

    /// Walks the whole chain, as far as it was when the walk began; `known`: checkpoints that were
    /// kept elsewhere.
    pub async fn verify_audit(&self, known: &[Checkpoint]) -> Result<ChainReport, StoreError> {
        let start = || Checkpoint { sequence: 0, hash: CHAIN_START.to_owned() };
        let head = self.audit_head().await?.unwrap_or_else(start);
        let mut walk = Walk::new(self.chain_key(), known);
        let mut fault = None;
        while fault.is_none() {
            let rows = self
                .0
                .find::<audit::Entity>()
                .filter(audit::Column::Sequence.gt(walk.last().sequence))
                .filter(audit::Column::Sequence.lte(head.sequence))
                .order_by_asc(audit::Column::Sequence)
                .limit(1000)
                .all(&self.0.db())
                .await?;
            if rows.is_empty() {
                fault = walk.end(&head).err();
                break;
            }
            for row in rows {
                let (at, event) = (Timestamp(row.at), row.event.as_str());
                let link = Link { sequence: row.sequence, at, event };
                fault = walk.step(link, row.hash).err();
                if fault.is_some() {
                    break;
                }
            }
        }
        Ok(ChainReport { last: walk.last().clone(), fault })
    }
}

pub(super) fn link(row: audit::Model) -> AuditRow {
    AuditRow { sequence: row.sequence, at: Timestamp(row.at), event: row.event, hash: row.hash }
}

impl Records<'_, Writing> {
    pub async fn add_attempt(
        &self,
        row_id: Uuid,
        attempt: &LoginAttempt,
    ) -> Result<(), StoreError> {
        let labels = [
            ("realm", self.0.realm.to_owned()),
            ("entrance", attempt.entrance.clone()),
            ("way", attempt.way.to_owned()),
            ("outcome", attempt.outcome.clone()),
        ];
        metrics::counter!("hufu_sign_ins_total", &labels).increment(1);
        login_log::Entity::insert(login_log::ActiveModel {
            id: Set(row_id),
            realm: Set(self.0.realm.to_owned()),
            person_id: Set(attempt.person.map(|person| person.0)),
            at: Set(attempt.at.0),
            way: Set(attempt.way.to_owned()),
            entrance: Set(attempt.entrance.clone()),
            enterprise_id: Set(attempt.enterprise.map(|enterprise| enterprise.0)),
            identity_type: Set(attempt.identity_type.clone()),
            outcome: Set(attempt.outcome.clone()),
            ip: Set(attempt.ip.to_string()),
            device: Set(attempt.device.clone()),
            second_factor: Set(attempt.second.map(str::to_owned)),
        })
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }

    /// Appends a link for each event. Call it last in a transaction: on PostgreSQL it holds the
    /// chain's head until the commit.
    pub(super) async fn audit(
        &self,
        at: Timestamp,
        events: &[AuditEvent],
    ) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let db = self.0.db();
        audit_head::Entity::insert(audit_head::ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            sequence: Set(0),
            hash: Set(CHAIN_START.to_owned()),
        })
        .on_conflict_do_nothing_on([audit_head::Column::Realm])
        .exec_without_returning(&db)
        .await?;
        let mut head = self.0.find::<audit_head::Entity>();
        if db.get_database_backend() == DbBackend::Postgres {
            head = head.lock_exclusive();
        }
        let head = head.one(&db).await?;
        let head =
            head.ok_or_else(|| StoreError::inconsistent("audit_head", "realm", self.0.realm))?;
        let (mut sequence, mut hash) = (head.sequence, head.hash);
        let mut links = Vec::with_capacity(events.len());
        for event in events {
            sequence += 1;
            let text = serde_json::to_string(event)
                .map_err(|_| StoreError::inconsistent("audit", "event", sequence))?;
            let link = Link { sequence, at, event: &text };
            hash = self.chain_key().hash(self.0.store.ring.current().1, &hash, link);
            let marks = event.marks();
            links.push(audit::ActiveModel {
                realm: Set(self.0.realm.to_owned()),
                sequence: Set(sequence),
                at: Set(at.0),
                event: Set(text),
                hash: Set(hash.clone()),
                subject: Set(marks.subject),
                action: Set(marks.action),
                actor: Set(marks.actor),
            });
        }
        self.0.insert_all(links).await?;
        audit_head::Entity::update(audit_head::ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            sequence: Set(sequence),
            hash: Set(hash),
        })
        .exec(&db)
        .await?;
        Ok(())
    }
}
