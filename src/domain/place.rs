//! Where a request comes from, as guesses are counted: what somebody has to pay for, not what they can
//! make up. One IPv4 address, or the /64 that an IPv6 subscriber gets at the least (RFC 6177 §2).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `203.0.113.7` or `2001:db8:0:1::/64`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Place {
    Address(Ipv4Addr),
    /// The upper half of an IPv6 address.
    Subscriber(u64),
}

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
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Subscriber(half) => {
                write!(f, "{}/64", Ipv6Addr::from_bits(u128::from(*half) << 64))
            }
        }
    }
}
