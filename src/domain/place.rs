//! Where a request comes from, as guesses and room are counted: what somebody has to pay for, not what they
//! can make up. One IPv4 address, or the /64 that an IPv6 subscriber gets at the least (RFC 6177 §2). A
//! home commonly has 256 of those, so each is counted within its /56, too; and whoever asks for a network gets
//! 256 of these, so they are counted within their /48, by far more generous factors: a mobile operator gives
//! each telephone a /64 of its own, and thousands of people share what is wider.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `203.0.113.7`, `2001:db8:0:1::/64`, `2001:db8::/56` or `2001:db8::/48`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Place {
    Address(Ipv4Addr),
    /// The upper half of an IPv6 address.
    Subscriber(u64),
    /// The upper half of all addresses of a site, of which only 56 bits are set.
    Site(u64),
    /// The same of 256 sites: 48 bits.
    Sites(u64),
}

/// Tries of a /56, for each that a /64 of it or an IPv4 address may fail at: a site is a house or 256
/// telephones as well as one subscriber.
const SITE: u32 = 8;
/// The same of a /48, in which there may be 65,536 telephones.
const SITES: u32 = 64;
/// Room of a /48, for each that an IPv4 address may have.
const ROOM_OF_SITES: usize = 8;

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
            Self::Site(half) => Some(Self::Sites(half & !0xffff)),
            Self::Address(_) | Self::Sites(_) => None,
        }
    }

    /// All that it is counted in, itself first.
    pub fn nested(self) -> impl DoubleEndedIterator<Item = Self> {
        let around = self.around();
        [Some(self), around, around.and_then(Self::around)].into_iter().flatten()
    }

    /// What it may take of room of which an IPv4 address may take so much: a hall shares one of those.
    /// A site has as much, each /64 of it half, and a /48 eight times as much.
    pub fn room(self, of_address: usize) -> usize {
        match self {
            Self::Address(_) | Self::Site(_) => of_address,
            Self::Subscriber(_) => of_address.div_ceil(2),
            Self::Sites(_) => of_address.saturating_mul(ROOM_OF_SITES),
        }
    }

    /// How often it may fail at what an IPv4 address may fail at so often.
    pub fn tries(self, of_address: u32) -> u32 {
        match self {
            Self::Address(_) | Self::Subscriber(_) => of_address,
            Self::Site(_) => of_address.saturating_mul(SITE),
            Self::Sites(_) => of_address.saturating_mul(SITES),
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
            Self::Sites(half) => write!(f, "{}/48", network(*half)),
        }
    }
}
