//! Whose request it is, behind proxies. Pure: peer, headers and the listed proxies in, one address out.

use std::net::IpAddr;

use axum::http::HeaderMap;
use serde::Deserialize;

use crate::base::network::Network;

/// Where the proxies write whom they speak for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    #[default]
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

/// Whom we believe about where a request came from.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    pub trusted: Vec<Network>,
    pub header: ForwardedHeader,
}

impl Proxies {
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }
}

/// The peer, or whom the listed proxies name. All lines of the header are one list, to which each
/// proxy has added at the right: it is walked from there, and the first entry that is no listed proxy
/// decides, also when it cannot be read. Then the proxy that wrote it is the answer: what stands
/// further left was said by a stranger.
pub fn client_ip(peer: IpAddr, headers: &HeaderMap, proxies: &Proxies) -> IpAddr {
    let mut last = peer.to_canonical();
    if !proxies.trusts(last) {
        return last;
    }
    for entry in entries(headers, proxies.header).into_iter().rev() {
        match entry {
            Some(address) if proxies.trusts(address) => last = address,
            Some(address) => return address,
            None => return last,
        }
    }
    last
}

/// From left to right; `None`: it cannot be read.
fn entries(headers: &HeaderMap, header: ForwardedHeader) -> Vec<Option<IpAddr>> {
    let lines = |name: &str| {
        let all = headers.get_all(name).iter();
        all.map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned()).collect::<Vec<_>>()
    };
    match header {
        ForwardedHeader::XForwardedFor => {
            let lines = lines("x-forwarded-for");
            let read = |entry| address(entry, is_number);
            lines.iter().flat_map(|line| line.split(',').map(read)).collect()
        }
        ForwardedHeader::Forwarded => {
            let lines = lines("forwarded");
            lines.iter().flat_map(|line| split(line, ',')).map(forwarded_for).collect()
        }
    }
}

/// An address as proxies write it: alone, with a port, in brackets, with a zone; never `unknown` and no
/// made-up name (RFC 7239 §6).
fn address(text: &str, is_port: impl Fn(&str) -> bool) -> Option<IpAddr> {
    let text = text.trim();
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        // A single colon parts an IPv4 address from its port; IPv6 without brackets has more.
        None => match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (text, None),
        },
    };
    if port.is_some_and(|port| !is_port(port)) {
        return None;
    }
    let host = host.split_once('%').map_or(host, |(host, _)| host);
    host.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn is_number(port: &str) -> bool {
    port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
}

/// A number, or a name made up in its place: `_` and what RFC 7239 §6.3 lets follow.
fn is_number_or_hidden(port: &str) -> bool {
    let is_hidden = |name: &str| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        !name.is_empty() && name.bytes().all(known)
    };
    is_number(port) || port.strip_prefix('_').is_some_and(is_hidden)
}

/// The `for` of one element (RFC 7239 §4), if it has exactly one.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut named = split(element, ';').into_iter().filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim())
    });
    let value = named.next()?;
    if named.next().is_some() {
        return None;
    }
    let Some(quoted) = value.strip_prefix('"') else {
        return if value.contains('"') { None } else { address(value, is_number_or_hidden) };
    };
    address(&unquoted(quoted)?, is_number_or_hidden)
}

/// What stands before the closing mark, with which the text must end (RFC 9110 §5.6.4).
fn unquoted(text: &str) -> Option<String> {
    let (mut said, mut chars) = (String::new(), text.chars());
    loop {
        match chars.next()? {
            '"' => return chars.next().is_none().then_some(said),
            '\\' => said.push(chars.next()?),
            char => said.push(char),
        }
    }
}

/// At a mark that stands in no quoted string. What a stranger leaves open swallows what follows, and
/// is then not readable.
fn split(text: &str, mark: char) -> Vec<&str> {
    let (mut parts, mut start, mut is_quoted, mut is_escaped) = (Vec::new(), 0, false, false);
    for (at, char) in text.char_indices() {
        if is_escaped {
            is_escaped = false;
        } else if is_quoted && char == '\\' {
            is_escaped = true;
        } else if char == '"' {
            is_quoted = !is_quoted;
        } else if char == mark && !is_quoted {
            parts.push(&text[start..at]);
            start = at + mark.len_utf8();
        }
    }
    parts.push(&text[start..]);
    parts
}
