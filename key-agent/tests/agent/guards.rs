//! Who may ask: the guards 1 to 5, as a table.

use std::net::IpAddr;

use key_agent::guards::{Asked, Denied, Kind, LONGEST_BODY, Length, admit};

use crate::kit::{ORIGIN, OTHER_ORIGIN};

fn asked() -> Asked<'static> {
    Asked {
        peer: IpAddr::from([127, 0, 0, 1]),
        is_same_person: true,
        port: 17443,
        kind: Kind::Call,
        is_absolute: false,
        host: Some("127.0.0.1:17443"),
        origin: Some(ORIGIN),
        content_type: Some("application/json"),
        length: Length::Known(2),
    }
}

fn ask(change: impl FnOnce(&mut Asked<'static>)) -> Result<String, Denied> {
    let allowed = [ORIGIN.to_owned(), OTHER_ORIGIN.to_owned()];
    let mut asked = asked();
    change(&mut asked);
    admit(&asked, &allowed).map(str::to_owned)
}

#[test]
fn the_page_on_the_list_is_admitted() {
    assert_eq!(ask(|_| {}), Ok(ORIGIN.to_owned()));
    assert_eq!(ask(|a| a.origin = Some(OTHER_ORIGIN)), Ok(OTHER_ORIGIN.to_owned()));
    for host in ["127.0.0.1:17443", "[::1]:17443", "localhost:17443"] {
        assert!(ask(|a| a.host = Some(host)).is_ok(), "{host}");
    }
    for peer in ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"] {
        assert!(ask(|a| a.peer = peer.parse().unwrap()).is_ok(), "{peer}");
    }
    for content_type in ["application/json; charset=utf-8", "Application/JSON"] {
        assert!(ask(|a| a.content_type = Some(content_type)).is_ok(), "{content_type}");
    }
    assert!(ask(|a| a.length = Length::Known(LONGEST_BODY as u64)).is_ok());
    assert!(ask(|a| a.length = Length::Pieces).is_ok());
    for kind in [Kind::Read, Kind::Preflight] {
        let without =
            |a: &mut Asked| (a.kind, a.content_type, a.length) = (kind, None, Length::None);
        assert!(ask(without).is_ok());
    }
}

#[test]
fn everybody_else_is_not() {
    for peer in ["192.168.1.7", "10.0.0.1", "::2", "fe80::1", "::ffff:10.0.0.1", "0.0.0.0"] {
        assert_eq!(ask(|a| a.peer = peer.parse().unwrap()), Err(Denied::Peer), "{peer}");
    }
    assert_eq!(ask(|a| a.is_same_person = false), Err(Denied::Peer));
    let hosts = [
        None,
        Some(""),
        Some("127.0.0.1"),
        Some("127.0.0.1:27443"),
        Some("attacker.example:17443"),
        Some("127.0.0.1.attacker.example:17443"),
        Some("attacker@127.0.0.1:17443"),
        Some("LOCALHOST:17443"),
        Some("127.0.0.1:17443 "),
        Some("127.1:17443"),
        Some("[::]:17443"),
    ];
    for host in hosts {
        assert_eq!(ask(|a| a.host = host), Err(Denied::Host), "{host:?}");
    }
    assert_eq!(ask(|a| a.is_absolute = true), Err(Denied::Host));
    let origins = [
        None,
        Some("null"),
        Some("*"),
        Some(""),
        Some("https://idp.example."),
        Some("https://idp.example/"),
        Some("https://idp.example:443"),
        Some("http://idp.example"),
        Some("https://IDP.example"),
        Some("https://idp.example.attacker.example"),
        Some("https://sub.idp.example"),
        Some("https://idp.example, https://attacker.example"),
        Some("http://127.0.0.1:17443"),
    ];
    for origin in origins {
        assert_eq!(ask(|a| a.origin = origin), Err(Denied::Origin), "{origin:?}");
    }
    let content_types = [
        None,
        Some(""),
        Some("text/plain"),
        Some("text/plain; application/json"),
        Some("application/json-patch+json"),
        Some("multipart/form-data"),
        Some("application/x-www-form-urlencoded"),
        Some("text/plain, application/json"),
    ];
    for content_type in content_types {
        let denied = ask(|a| a.content_type = content_type);
        assert_eq!(denied, Err(Denied::ContentType), "{content_type:?}");
    }
    for length in [Length::Known(LONGEST_BODY as u64 + 1), Length::Known(u64::MAX), Length::Unclear]
    {
        assert_eq!(ask(|a| a.length = length), Err(Denied::Length), "{length:?}");
    }
    for kind in [Kind::Read, Kind::Preflight] {
        for length in [Length::Known(1), Length::Pieces, Length::Unclear] {
            let denied = ask(|a| (a.kind, a.length) = (kind, length));
            assert_eq!(denied, Err(Denied::Length), "{kind:?} {length:?}");
        }
    }
}

/// Each guard answers before those behind it have looked.
#[test]
fn the_order_is_the_protocols() {
    type Spoil = fn(&mut Asked<'static>);
    let spoilt: [(Spoil, Denied); 5] = [
        (|a| a.peer = IpAddr::from([10, 0, 0, 1]), Denied::Peer),
        (|a| a.host = Some("attacker.example"), Denied::Host),
        (|a| a.origin = Some("https://attacker.example"), Denied::Origin),
        (|a| a.content_type = Some("text/plain"), Denied::ContentType),
        (|a| a.length = Length::Known(u64::MAX), Denied::Length),
    ];
    for first in 0..spoilt.len() {
        let denied = ask(|asked| spoilt[first..].iter().for_each(|(spoil, _)| spoil(asked)));
        assert_eq!(denied, Err(spoilt[first].1));
    }
}
