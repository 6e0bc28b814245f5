//! How much may be kept, by whose making it is. Each share is apart from the others, so that what
//! strangers make never takes the room of those who have proved something.

use std::fmt;

use crate::base::secret::sha256;
use crate::domain::place::Place;

/// Whose making a value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Share {
    /// What looking at a page leaves behind.
    Anybody,
    /// What is counted and used up before anything is proved.
    Tries,
    /// What only people can make who have proved something.
    Proved,
    /// What applications' servers use once.
    Servers,
    /// What our own jobs mark.
    Jobs,
    /// What counts the messages of a day that go out to people.
    Notices,
    /// What the bureau's officers make at their console.
    Officers,
}

impl Share {
    pub const ALL: [Self; 7] = [
        Self::Anybody,
        Self::Tries,
        Self::Proved,
        Self::Servers,
        Self::Jobs,
        Self::Notices,
        Self::Officers,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Anybody => "anybody",
            Self::Tries => "tries",
            Self::Proved => "proved",
            Self::Servers => "servers",
            Self::Jobs => "jobs",
            Self::Notices => "notices",
            Self::Officers => "officers",
        }
    }
}

/// Why a value is not kept. What was to be counted or marked by it is refused with it, never let pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Full {
    #[error("as much is kept as may be")]
    All,
    #[error("one place or application has made as much as it may")]
    Place,
}

impl Full {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Place => "place",
        }
    }
}

/// Bytes for everything.
#[derive(Clone, Copy, Debug)]
pub struct Budget(pub usize);

impl Budget {
    /// 128 MiB.
    pub const DEFAULT: Self = Self(128 << 20);

    /// A quarter for strangers' pages, a quarter for tries, a quarter for people who have proved something.
    /// An eighth is the servers', so that no application refuses anybody's sign-in; a sixteenth our jobs' and
    /// the notices', apart, since people sign in for the first time by the ten thousand and no job may stop for
    /// it; and a sixteenth the officers', who have to help when all of that is full.
    pub fn of(self, share: Share) -> usize {
        match share {
            Share::Anybody | Share::Tries | Share::Proved => self.0 / 4,
            Share::Servers => self.0 / 8,
            Share::Jobs => self.0 / 64,
            Share::Notices => self.0 / 64 * 3,
            Share::Officers => self.0 / 16,
        }
    }

    /// What one IPv4 address may make of a share; other networks as [`Place::room`] has it. A thirty-second:
    /// by default 1 MiB, which is the codes on the pages of a thousand people who sit behind one address and
    /// sign in within five minutes. Of what people make who have proved something a sixteenth. `None`: a
    /// server speaks for many, and the bureau's own network is one place.
    fn of_address(self, share: Share) -> Option<usize> {
        match share {
            Share::Anybody | Share::Tries => Some(self.of(share) / 32),
            Share::Proved => Some(self.of(share) / 16),
            Share::Servers | Share::Jobs | Share::Notices | Share::Officers => None,
        }
    }

    /// Of one application three quarters: at some bureaus one has nearly all the traffic, and one that goes wild
    /// leaves the rest to the others.
    fn of_maker(self, share: Share, maker: Maker) -> Option<usize> {
        match maker {
            Maker::Place(network) => Some(network.room(self.of_address(share)?)),
            Maker::Client(_) => Some(self.of(share) / 4 * 3),
        }
    }

    /// Bytes beyond which nothing of this share is kept: in all, and of each that the maker is counted in.
    /// A quarter of the room for tries is left to those who are known where they come from, and of that for
    /// notices to those that go out only if they are counted.
    pub(super) fn limits(self, whose: Whose) -> Limits {
        let Whose { share, maker, is_known } = whose;
        let open = |limit: usize| match share {
            Share::Tries | Share::Notices if !is_known => limit - limit / 4,
            _ => limit,
        };
        let makers = maker.into_iter().flat_map(Maker::nested);
        let of_makers = makers.filter_map(|one| Some((one, open(self.of_maker(share, one)?))));
        Limits { in_all: open(self.of(share)), of_makers: of_makers.collect() }
    }
}

/// Who is counted beside everybody.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Maker {
    /// Somebody in this network.
    Place(Place),
    /// An application's server, by a hash of its realm and its name, which are of any length.
    Client(u64),
}

impl Maker {
    pub(super) fn client(realm: &str, client_id: &str) -> Self {
        let hash = sha256(format!("{realm}\n{client_id}").as_bytes());
        Self::Client(hash[..8].iter().fold(0, |all, byte| all << 8 | u64::from(*byte)))
    }

    /// All that it is counted in.
    pub(super) fn nested(self) -> impl Iterator<Item = Self> {
        let (place, client) = match self {
            Self::Place(place) => (Some(place), None),
            Self::Client(_) => (None, Some(self)),
        };
        place.into_iter().flat_map(Place::nested).map(Self::Place).chain(client)
    }
}

/// As Redis' keys name it.
impl fmt::Display for Maker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Place(place) => place.fmt(f),
            Self::Client(hash) => write!(f, "client-{hash:016x}"),
        }
    }
}

/// By whose making something is kept.
#[derive(Clone, Copy)]
pub(super) struct Whose {
    pub share: Share,
    /// `None`: of whoever speaks for all, and is counted in all alone.
    pub maker: Option<Maker>,
    pub is_known: bool,
}

pub(super) struct Limits {
    pub in_all: usize,
    pub of_makers: Vec<(Maker, usize)>,
}
