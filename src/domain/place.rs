//! Where a request comes from, as guesses are counted: what somebody has to pay for, not what they can
//! make up. One IPv4 address, or the /64 that an IPv6 subscriber gets at the least (RFC 6177 §2).

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// `203.0.113.7` or `2001:db8:0:1::/64`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place(String);

impl Place {
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
