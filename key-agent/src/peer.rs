//! Whose program is at the other end. On a computer that several people use at once the loopback
//! address is common to all of them, and a page of one must not ask for the token of another.
//!
//! Linux says it in `/proc/net`. Windows says it only to whoever speaks with the system in C, so
//! there the agent belongs on computers of one person (`docs/key-agent.md`).

use std::net::SocketAddr;

/// Whether the connection from `peer` to `ours` was opened by the person whose agent this is.
#[cfg(target_os = "linux")]
pub fn is_same_person(peer: SocketAddr, ours: SocketAddr) -> bool {
    use std::os::unix::fs::MetadataExt;
    let Ok(own) = std::fs::metadata("/proc/self").map(|process| process.uid()) else {
        return false;
    };
    // A browser may have opened an IPv4 address by a socket of IPv6.
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().any(|table| {
        let table = std::fs::read_to_string(table).unwrap_or_default();
        owner(&table, peer, ours) == Some(own)
    })
}

#[cfg(not(target_os = "linux"))]
pub fn is_same_person(_peer: SocketAddr, _ours: SocketAddr) -> bool {
    true
}

/// The user at the peer's end, by the kernel's table: number, local address, remote address, state,
/// queues, timer, retransmits, user.
#[cfg(target_os = "linux")]
pub fn owner(table: &str, peer: SocketAddr, ours: SocketAddr) -> Option<u32> {
    let keys = [false, true].map(|wide| format!(" {} {} ", key(peer, wide), key(ours, wide)));
    let line = table.lines().find(|line| keys.iter().any(|key| line.contains(key)))?;
    line.split_ascii_whitespace().nth(7)?.parse().ok()
}

/// `0100007F:4423`: words of four bytes as this processor keeps them. `wide`: an IPv4 address as IPv6
/// has it.
#[cfg(target_os = "linux")]
fn key(address: SocketAddr, wide: bool) -> String {
    use std::fmt::Write;
    use std::net::IpAddr;
    let bytes = match address.ip().to_canonical() {
        IpAddr::V4(ip) if wide => ip.to_ipv6_mapped().octets().to_vec(),
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let mut key = String::new();
    for word in bytes.as_chunks().0 {
        let _ = write!(key, "{:08X}", u32::from_ne_bytes(*word));
    }
    let _ = write!(key, ":{:04X}", address.port());
    key
}
