//! How much may be kept, by whose making it is. Each share is apart from the others, so that what
//! strangers make never takes the room of those who have proved something.

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
    /// What applications' servers use once, and what our own jobs mark and count.
    Servers,
    /// What the bureau's officers make at their console.
    Officers,
}

impl Share {
    pub const ALL: [Self; 5] =
        [Self::Anybody, Self::Tries, Self::Proved, Self::Servers, Self::Officers];

    pub fn name(self) -> &'static str {
        match self {
            Self::Anybody => "anybody",
            Self::Tries => "tries",
            Self::Proved => "proved",
            Self::Servers => "servers",
            Self::Officers => "officers",
        }
    }
}

/// Why a value is not kept. What was to be counted or marked by it is refused with it, never let pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Full {
    #[error("as much is kept as may be")]
    All,
    #[error("one place has made as much as it may")]
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
    /// An eighth is the servers', so that no application refuses anybody's sign-in, and an eighth the
    /// officers', who have to help when all of that is full.
    pub fn of(self, share: Share) -> usize {
        match share {
            Share::Anybody | Share::Tries | Share::Proved => self.0 / 4,
            Share::Servers | Share::Officers => self.0 / 8,
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
            Share::Servers | Share::Officers => None,
        }
    }

    /// Bytes beyond which nothing of this share is kept: in all, and of each network that the place lies in.
    /// A quarter of the room for tries is left to those who are known where they come from.
    pub(super) fn limits(self, whose: Whose) -> Limits {
        let Whose { share, place, is_known } = whose;
        let open = |limit: usize| match share {
            Share::Tries if !is_known => limit - limit / 4,
            _ => limit,
        };
        let of_address = self.of_address(share);
        let networks = place.into_iter().flat_map(Place::nested);
        let of_networks =
            networks.filter_map(|network| Some((network, open(network.room(of_address?)))));
        Limits { in_all: open(self.of(share)), of_networks: of_networks.collect() }
    }
}

/// By whose making something is kept.
#[derive(Clone, Copy)]
pub(super) struct Whose {
    pub share: Share,
    /// `None`: of whoever speaks for many, and is counted in all alone.
    pub place: Option<Place>,
    pub is_known: bool,
}

pub(super) struct Limits {
    pub in_all: usize,
    pub of_networks: Vec<(Place, usize)>,
}
