//! Who may ask: the guards 1 to 5, in their order, over what stands in a request's head. The sixth,
//! the session, is the calls' own. Whoever fails here gets no header that lets a page read why.

use std::net::IpAddr;

/// What a page may send at most, counted again while it is read.
pub const LONGEST_BODY: usize = 64 * 1024;

/// The head of a request. A header that comes twice, or is not text, is not there.
pub struct Asked<'a> {
    pub peer: IpAddr,
    /// The program at the other end runs for the person whose agent this is.
    pub is_same_person: bool,
    /// Where we listen.
    pub port: u16,
    pub kind: Kind,
    /// The target names a host itself (`GET http://…`), as one sends to a proxy.
    pub is_absolute: bool,
    pub host: Option<&'a str>,
    pub origin: Option<&'a str>,
    pub content_type: Option<&'a str>,
    pub length: Length,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `OPTIONS`, by which a browser asks before it sends.
    Preflight,
    /// `GET`, which has no body.
    Read,
    Call,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    None,
    Known(u64),
    /// In pieces: counted while it is read.
    Pieces,
    /// Twice, or not a number.
    Unclear,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    Peer,
    Host,
    Origin,
    ContentType,
    Length,
}

/// The origin that asks, from the list.
pub fn admit<'a>(asked: &Asked, allowed: &'a [String]) -> Result<&'a str, Denied> {
    if !is_loopback(asked.peer) || !asked.is_same_person {
        return Err(Denied::Peer);
    }
    // A name of the attacker's that leads to 127.0.0.1 would make this agent a part of their site.
    if asked.is_absolute || !asked.host.is_some_and(|host| is_ours(host, asked.port)) {
        return Err(Denied::Host);
    }
    let origin = allowed
        .iter()
        .find(|origin| asked.origin == Some(origin.as_str()))
        .ok_or(Denied::Origin)?;
    match asked.kind {
        Kind::Preflight | Kind::Read => {
            if !matches!(asked.length, Length::None | Length::Known(0)) {
                return Err(Denied::Length);
            }
        }
        Kind::Call => {
            // What a form can send needs no preflight.
            if !asked.content_type.is_some_and(is_json) {
                return Err(Denied::ContentType);
            }
            match asked.length {
                Length::Known(length) if length > LONGEST_BODY as u64 => {
                    return Err(Denied::Length);
                }
                Length::Unclear => return Err(Denied::Length),
                Length::Known(_) | Length::None | Length::Pieces => {}
            }
        }
    }
    Ok(origin)
}

fn is_loopback(peer: IpAddr) -> bool {
    peer.to_canonical().is_loopback()
}

fn is_ours(host: &str, port: u16) -> bool {
    ["127.0.0.1", "[::1]", "localhost"].iter().any(|name| host == format!("{name}:{port}"))
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}
