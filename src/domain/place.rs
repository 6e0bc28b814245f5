//! Where a request comes from, as guesses and room are counted: what somebody has to pay for, not what they
//! can make up. One IPv4 address, or the /64 that an IPv6 subscriber gets at the least (RFC 6177 §2). A
//! home commonly has 256 of those, so each is counted within its /56, too. Not within a /48: a mobile operator
//! gives each telephone a /64 of its own, and thousands of people share what is wider.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `203.0.113.7`, `2001:db8:0:1::/64` or `2001:db8::/56`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Place {
    Address(Ipv4Addr),
    /// The upper half of an IPv6 address.
    Subscriber(u64),
    /// The upper half of all addresses of a site, of which only 56 bits are set.
    Site(u64),
}

/// Tries of a /56, for each that a /64 of it or an IPv4 address may fail at: a site is a house or 256
/// telephones as well as one subscriber.
const SITE: u32 = 8;

impl Place {
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::Address(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                let segments = [a, b, c, d].map(u64::from);
                Self::Subscriber(segments.into_iter().fold(0, |all, one| all << 16 | one))
            }
        }
    }

    /// What it lies in, if that is counted.
    pub fn around(self) -> Option<Self> {
        match self {
            Self::Subscriber(half) => Some(Self::Site(half & !0xff)),
            Self::Address(_) | Self::Site(_) => None,
        }
    }

    /// All that it is counted in, itself first.
    pub fn nested(self) -> impl DoubleEndedIterator<Item = Self> {
        std::iter::once(self).chain(self.around())
    }

    /// What it may take of room of which an IPv4 address may take so much: a hall shares one of those.
    /// A site has as much, and each /64 of it half.
    pub fn room(self, of_address: usize) -> usize {
        match self {
            Self::Address(_) | Self::Site(_) => of_address,
            Self::Subscriber(_) => of_address.div_ceil(2),
        }
    }

    /// How often it may fail at what an IPv4 address may fail at so often.
    pub fn tries(self, of_address: u32) -> u32 {
        match self {
            Self::Address(_) | Self::Subscriber(_) => of_address,
            Self::Site(_) => of_address.saturating_mul(SITE),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let network = |half: u64| Ipv6Addr::from_bits(u128::from(half) << 64);
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Subscriber(half) => write!(f, "{}/64", network(*half)),
            Self::Site(half) => write!(f, "{}/56", network(*half)),
        }
    }
}
