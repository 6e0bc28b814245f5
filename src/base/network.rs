//! Networks of addresses, as settings write them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::Deserialize;

/// `10.1.0.0/16`, `2001:db8::/32`, or one address. IPv4 within IPv6 (RFC 4291 §2.5.5.2) is the IPv4
/// address or network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Network {
    address: IpAddr,
    n_bits: u32,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address and no network: 10.0.0.1 or 10.1.0.0/16 is needed")]
pub struct NotANetwork(String);

impl Network {
    pub fn contains(&self, other: IpAddr) -> bool {
        let width = self::width(self.address);
        let other = other.to_canonical();
        // A shift by the whole width would be an overflow; no network is that large.
        width == self::width(other)
            && (bits(self.address) ^ bits(other)) >> (width - self.n_bits) == 0
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let wrong = || NotANetwork(text.to_owned());
        let (address, n_bits) = match text.trim().split_once('/') {
            Some((address, n_bits)) => (address, Some(n_bits)),
            None => (text.trim(), None),
        };
        let written: IpAddr = address.parse().map_err(|_| wrong())?;
        let n_bits = match n_bits {
            None => width(written),
            Some(n_bits) => n_bits.parse().map_err(|_| wrong())?,
        };
        let address = written.to_canonical();
        // Of `::ffff:10.0.0.0/104` the first 96 bits only say that it is IPv4.
        let said = width(written) - width(address);
        if n_bits <= said || n_bits > width(written) {
            // Everybody is no network.
            return Err(wrong());
        }
        Ok(Self { address, n_bits: n_bits - said })
    }
}

impl TryFrom<String> for Network {
    type Error = NotANetwork;

    fn try_from(text: String) -> Result<Self, NotANetwork> {
        text.parse()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.n_bits)
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}
