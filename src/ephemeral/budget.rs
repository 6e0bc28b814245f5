//! How much may be kept, by whose making it is. Each share is apart from the others, so that what
//! strangers make never takes the room of those who have proved something.

/// Whose making a value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Share {
    /// What looking at a page leaves behind.
    Anybody,
    /// What is counted and used up before anything is proved.
    Tries,
    /// What only those can make who have proved something.
    Proved,
}

impl Share {
    pub const ALL: [Self; 3] = [Self::Anybody, Self::Tries, Self::Proved];

    pub fn name(self) -> &'static str {
        match self {
            Self::Anybody => "anybody",
            Self::Tries => "tries",
            Self::Proved => "proved",
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

    /// A quarter for strangers' pages, a quarter for tries, half for the others.
    pub fn of(self, share: Share) -> usize {
        match share {
            Share::Anybody | Share::Tries => self.0 / 4,
            Share::Proved => self.0 / 2,
        }
    }

    /// What one place may make of a share, a thirty-second: by default 1 MiB, which is the codes on the
    /// pages of a thousand people who sit behind one address and sign in within five minutes. `None`:
    /// whoever has proved something is limited where they did.
    pub fn of_place(self, share: Share) -> Option<usize> {
        match share {
            Share::Anybody | Share::Tries => Some(self.of(share) / 32),
            Share::Proved => None,
        }
    }
}
