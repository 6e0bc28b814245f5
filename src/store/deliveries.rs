//! What is on its way to applications and people: queued with the fact that caused it, delivered or
//! fetched later, listed for the administrator once it is given up.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::entity::delivery::{ActiveModel, Column, Entity, Model};
use super::{Rows, StoreError, Writing};
use crate::base::clock::Timestamp;

pub use super::delivery::{Channel, Delivery, DeliveryState};

/// By name, as an index finds them.
const UNSETTLED: [&str; 4] = ["waiting", "kept", "dead", "dropped"];

/// Turns, the least first.
const FIRST: i32 = 0;
const LATER: i32 = 1;

/// Nobody reads a longer list.
pub const MOST_LISTED: u64 = 1000;

/// How many have not arrived.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Unsettled {
    pub waiting: i64,
    /// Given up.
    pub dead: i64,
    /// Not to go out.
    pub dropped: i64,
}

/// A delivery that has not arrived.
pub struct Queued {
    pub delivery: Delivery,
    /// Of one that was given up: when it last was tried.
    pub next_try_at: Timestamp,
}

/// Where something of a realm waits to go: one receiver, by one channel.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Receiver {
    pub client_id: String,
    pub channel: Channel,
}

/// What one receiver has not got yet, and since when the oldest of it waits.
pub struct Backlog {
    pub to: Receiver,
    pub n: i64,
    pub oldest: Timestamp,
}

pub struct Deliveries<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn deliveries(self) -> Deliveries<'c, A> {
        Deliveries(self)
    }
}

impl<A> Deliveries<'_, A> {
    /// Those for whom something is due now.
    pub async fn receivers(&self, now: Timestamp) -> Result<Vec<Receiver>, StoreError> {
        let rows: Vec<(String, String)> = self
            .0
            .find::<Entity>()
            .select_only()
            .columns([Column::ClientId, Column::Channel])
            .filter(Column::State.eq("waiting"))
            .filter(Column::NextTryAt.lte(now.0))
            .distinct()
            .into_tuple()
            .all(&self.0.db())
            .await?;
        let read = |(client_id, channel): (String, String)| {
            let channel = Channel::parse(&channel)?;
            Some(Receiver { client_id, channel })
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// What is due for one of them: what goes first, then what has waited longest, and of one moment what was
    /// queued first; at most `limit`. Each turn is asked for by itself: so an index gives what is due in its order,
    /// and what waits for later is not read.
    pub async fn due(
        &self,
        to: &Receiver,
        now: Timestamp,
        limit: u64,
    ) -> Result<Vec<Delivery>, StoreError> {
        let mut due = Vec::new();
        for turn in [FIRST, LATER] {
            let so_far = u64::try_from(due.len()).unwrap_or(limit);
            let rows = self
                .0
                .find::<Entity>()
                .filter(Column::State.eq("waiting"))
                .filter(Column::ClientId.eq(&to.client_id))
                .filter(Column::Channel.eq(to.channel.name()))
                .filter(Column::Turn.eq(turn))
                .filter(Column::NextTryAt.lte(now.0))
                .order_by_asc(Column::NextTryAt)
                .order_by_asc(Column::Id)
                .limit(limit.saturating_sub(so_far))
                .all(&self.0.db())
                .await?;
            for row in rows {
                due.push(read(row)?);
            }
        }
        Ok(due)
    }

    /// Those of a stream that its client has not acknowledged, oldest first.
    pub async fn kept(&self, stream: Uuid, limit: u64) -> Result<Vec<Delivery>, StoreError> {
        let rows = self
            .0
            .find::<Entity>()
            .filter(Column::State.eq("kept"))
            .filter(Column::StreamId.eq(stream))
            .filter(Column::Channel.eq(Channel::Poll.name()))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(&self.0.db())
            .await?;
        rows.into_iter().map(read).collect()
    }

    /// What has become of the newest relation events about an authorisation (AU-13).
    pub async fn about(&self, about: &str) -> Result<Vec<Delivery>, StoreError> {
        let rows = self
            .0
            .find::<Entity>()
            .filter(Column::About.eq(about))
            .filter(Column::Channel.eq(Channel::Relation.name()))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(20)
            .all(&self.0.db())
            .await?;
        rows.into_iter().map(read).collect()
    }

    /// Relation events about an authorisation that are still tried.
    pub async fn waiting_about(&self, about: &str) -> Result<Vec<Delivery>, StoreError> {
        let rows = self
            .0
            .find::<Entity>()
            .filter(Column::About.eq(about))
            .filter(Column::Channel.eq(Channel::Relation.name()))
            .filter(Column::State.eq("waiting"))
            .all(&self.0.db())
            .await?;
        rows.into_iter().map(read).collect()
    }

    /// What is still tried, by receiver.
    pub async fn backlog(&self) -> Result<Vec<Backlog>, StoreError> {
        let rows: Vec<(String, String, i64, i64)> = self
            .0
            .find::<Entity>()
            .select_only()
            .columns([Column::ClientId, Column::Channel])
            .column_as(Column::Id.count(), "n")
            .column_as(Column::CreatedAt.min(), "oldest")
            .filter(Column::State.eq("waiting"))
            .group_by(Column::ClientId)
            .group_by(Column::Channel)
            .into_tuple()
            .all(&self.0.db())
            .await?;
        let read = |(client_id, channel, n, oldest): (String, String, i64, i64)| {
            let to = Receiver { client_id, channel: Channel::parse(&channel)? };
            Some(Backlog { to, n, oldest: Timestamp(oldest) })
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// How many have not arrived, of one application or of all.
    pub async fn count_unsettled(&self, client_id: Option<&str>) -> Result<Unsettled, StoreError> {
        let all = self.0.find::<Entity>().filter(Column::State.is_in(UNSETTLED));
        let of = match client_id {
            Some(client_id) => all.filter(Column::ClientId.eq(client_id)),
            None => all,
        };
        let counts: Vec<(String, i64)> = of
            .select_only()
            .column(Column::State)
            .column_as(Column::Id.count(), "n")
            .group_by(Column::State)
            .into_tuple()
            .all(&self.0.db())
            .await?;
        let mut unsettled = Unsettled::default();
        for (state, n) in counts {
            match &*state {
                "dead" => unsettled.dead += n,
                "dropped" => unsettled.dropped += n,
                _ => unsettled.waiting += n,
            }
        }
        Ok(unsettled)
    }

    /// What has not arrived, given up, dropped or neither: the oldest [`MOST_LISTED`].
    pub async fn unsettled(&self) -> Result<Vec<Queued>, StoreError> {
        let rows = self
            .0
            .find::<Entity>()
            .filter(Column::State.is_in(UNSETTLED))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
            .limit(MOST_LISTED)
            .all(&self.0.db())
            .await?;
        let queued = |row: Model| {
            let next_try_at = Timestamp(row.next_try_at);
            Ok(Queued { delivery: read(row)?, next_try_at })
        };
        rows.into_iter().map(queued).collect()
    }
}

impl Deliveries<'_, Writing> {
    pub async fn add(&self, new: &Delivery) -> Result<(), StoreError> {
        self.add_all(std::slice::from_ref(new)).await
    }

    pub async fn add_all(&self, new: &[Delivery]) -> Result<(), StoreError> {
        let row = |new: &Delivery| ActiveModel {
            id: Set(new.id),
            realm: Set(self.0.realm.to_owned()),
            client_id: Set(new.client_id.clone()),
            channel: Set(new.channel.name().to_owned()),
            about: Set(new.about.clone()),
            body: Set(new.body.clone()),
            n_tries: Set(0),
            next_try_at: Set(new.created_at.0),
            state: Set(new.state.name().to_owned()),
            last_error: Set(new.state.last_error()),
            created_at: Set(new.created_at.0),
            stream_id: Set(new.stream),
            turn: Set(if new.goes_first { FIRST } else { LATER }),
        };
        self.0.insert_all(new.iter().map(row).collect()).await
    }

    /// Claims a delivery that was tried `n_tries` times until `again_at`, so that only one node
    /// tries at a time.
    pub async fn claim(
        &self,
        id: Uuid,
        n_tries: i32,
        again_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = self
            .0
            .update::<Entity>()
            .col_expr(Column::NTries, Expr::value(n_tries + 1))
            .col_expr(Column::NextTryAt, Expr::value(again_at.0))
            .filter(Column::Id.eq(id))
            .filter(Column::State.eq("waiting"))
            .filter(Column::NTries.eq(n_tries))
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    /// It was taken, whoever has claimed it since.
    pub async fn done(&self, id: Uuid) -> Result<(), StoreError> {
        self.0
            .update::<Entity>()
            .col_expr(Column::State, Expr::value("done"))
            .col_expr(Column::LastError, Expr::value(None::<String>))
            .filter(Column::Id.eq(id))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    /// Its try of this number failed. `again_at`: when the next is due; `None` gives it up. One that
    /// another node has claimed since is that node's to settle.
    pub async fn failed(
        &self,
        id: Uuid,
        n_tries: i32,
        again_at: Option<Timestamp>,
        error: String,
    ) -> Result<(), StoreError> {
        let mut update = self
            .0
            .update::<Entity>()
            .col_expr(Column::LastError, Expr::value(error))
            .filter(Column::Id.eq(id))
            .filter(Column::State.eq("waiting"))
            .filter(Column::NTries.eq(n_tries));
        update = match again_at {
            Some(again_at) => update.col_expr(Column::NextTryAt, Expr::value(again_at.0)),
            None => update.col_expr(Column::State, Expr::value("dead")),
        };
        update.exec(&self.0.db()).await?;
        Ok(())
    }

    /// Nobody was asked in the try that was claimed after `n_tries`: it is none, and the next is due at
    /// `again_at`.
    pub async fn put_back(
        &self,
        id: Uuid,
        n_tries: i32,
        again_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.0
            .update::<Entity>()
            .col_expr(Column::NTries, Expr::value(n_tries))
            .col_expr(Column::NextTryAt, Expr::value(again_at.0))
            .filter(Column::Id.eq(id))
            .filter(Column::State.eq("waiting"))
            .filter(Column::NTries.eq(n_tries + 1))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    /// It goes nowhere.
    pub async fn dropped(&self, id: Uuid, why: &str) -> Result<(), StoreError> {
        self.0
            .update::<Entity>()
            .col_expr(Column::State, Expr::value("dropped"))
            .col_expr(Column::LastError, Expr::value(why))
            .filter(Column::Id.eq(id))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    /// A client's acknowledgement of its own events (RFC 8936 §2.4).
    pub async fn acknowledge(&self, client_id: &str, ids: &[Uuid]) -> Result<(), StoreError> {
        self.0
            .update::<Entity>()
            .col_expr(Column::State, Expr::value("done"))
            .filter(Column::ClientId.eq(client_id))
            .filter(Column::Channel.eq(Channel::Poll.name()))
            .filter(Column::Id.is_in(ids.iter().copied()))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    /// What a stream has not heard yet goes with it.
    pub async fn forget(&self, stream: Uuid) -> Result<(), StoreError> {
        let of_stream = Column::StreamId.eq(stream);
        self.0.delete::<Entity>().filter(of_stream).exec(&self.0.db()).await?;
        Ok(())
    }

    /// What waits for a stream goes the way that its client wants now.
    pub async fn redirect(
        &self,
        stream: Uuid,
        channel: Channel,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let state = if channel == Channel::Poll { "kept" } else { "waiting" };
        self.0
            .update::<Entity>()
            .col_expr(Column::Channel, Expr::value(channel.name()))
            .col_expr(Column::State, Expr::value(state))
            .col_expr(Column::NTries, Expr::value(0))
            .col_expr(Column::NextTryAt, Expr::value(now.0))
            .filter(Column::StreamId.eq(stream))
            .filter(Column::State.ne("done"))
            .filter(Column::Channel.ne(channel.name()))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    /// Puts what was given up back in the queue, with all its tries. Returns how many.
    pub async fn retry(&self, now: Timestamp) -> Result<u64, StoreError> {
        let done = self
            .0
            .update::<Entity>()
            .col_expr(Column::State, Expr::value("waiting"))
            .col_expr(Column::NTries, Expr::value(0))
            .col_expr(Column::NextTryAt, Expr::value(now.0))
            .filter(Column::State.eq("dead"))
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected)
    }
}

fn read(row: Model) -> Result<Delivery, StoreError> {
    let wrong = |column| StoreError::inconsistent("delivery", column, row.id);
    Ok(Delivery {
        channel: Channel::parse(&row.channel).ok_or_else(|| wrong("channel"))?,
        state: DeliveryState::read(&row).ok_or_else(|| wrong("state"))?,
        id: row.id,
        client_id: row.client_id,
        about: row.about,
        stream: row.stream_id,
        body: row.body,
        goes_first: row.turn <= FIRST,
        created_at: Timestamp(row.created_at),
    })
}
