//! One of what `deliveries` keeps: by which channel it goes, and how far it has come.

use uuid::Uuid;

use super::entity::delivery::Model;
use crate::base::clock::Timestamp;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delivery {
    pub id: Uuid,
    /// Empty for a message to a person.
    pub client_id: String,
    pub channel: Channel,
    /// For [`Channel::Push`] and [`Channel::Poll`]: the stream that hears of it, and no later one.
    pub stream: Option<Uuid>,
    /// The `sid`, authorisation, stream or person that it is about.
    pub about: String,
    /// JSON; tokens are signed when they leave.
    pub body: String,
    /// Before others of its lane, however long they have waited.
    pub goes_first: bool,
    pub state: DeliveryState,
    pub created_at: Timestamp,
}

/// How far a delivery has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DeliveryState {
    /// To be tried, and again after an error.
    Waiting {
        n_tries: i32,
        last_error: Option<String>,
    },
    /// Until its client fetches and acknowledges it.
    Kept,
    Done,
    /// Given up.
    Dead {
        n_tries: i32,
        last_error: String,
    },
    /// It was not to go out: more than may in a day, or by no way that there is.
    Dropped {
        why: String,
    },
}

impl DeliveryState {
    pub const NEW: Self = Self::Waiting { n_tries: 0, last_error: None };

    pub fn name(&self) -> &'static str {
        match self {
            Self::Waiting { .. } => "waiting",
            Self::Kept => "kept",
            Self::Done => "done",
            Self::Dead { .. } => "dead",
            Self::Dropped { .. } => "dropped",
        }
    }

    pub(super) fn last_error(&self) -> Option<String> {
        match self {
            Self::Waiting { last_error, .. } => last_error.clone(),
            Self::Dead { last_error, .. } => Some(last_error.clone()),
            Self::Dropped { why } => Some(why.clone()),
            Self::Kept | Self::Done => None,
        }
    }

    pub(super) fn read(row: &Model) -> Option<Self> {
        let (n_tries, last_error) = (row.n_tries, row.last_error.clone());
        match row.state.as_str() {
            "waiting" => Some(Self::Waiting { n_tries, last_error }),
            "kept" => Some(Self::Kept),
            "done" => Some(Self::Done),
            "dead" => Some(Self::Dead { n_tries, last_error: last_error.unwrap_or_default() }),
            "dropped" => Some(Self::Dropped { why: last_error.unwrap_or_default() }),
            _ => None,
        }
    }
}

/// How something reaches its receiver.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Channel {
    /// A logout token (OIDC Back-Channel Logout §2.5).
    Logout,
    /// A signed webhook of the client's registration.
    Relation,
    /// Pushed to a stream's endpoint (RFC 8935).
    Push,
    /// Kept until it is fetched and acknowledged (RFC 8936).
    Poll,
    /// A text message to a person.
    Sms,
    /// A message to a person's address.
    Email,
}

impl Channel {
    const ALL: [Self; 6] =
        [Self::Logout, Self::Relation, Self::Push, Self::Poll, Self::Sms, Self::Email];

    pub fn name(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Relation => "relation",
            Self::Push => "push",
            Self::Poll => "poll",
            Self::Sms => "sms",
            Self::Email => "email",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }
}
