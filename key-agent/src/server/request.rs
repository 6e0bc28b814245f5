//! One request: the guards over its head, its body within limits, the call, the answer with the
//! headers that let the page that asked, and no other, read it.

use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::Asking;
use crate::agent::{Agent, Caller};
use crate::guards::{self, Asked, Denied, Kind, LONGEST_BODY, Length};
use crate::protocol::{Closed, Code, ListCertificates, Nothing, Refusal, SESSION_HEADER};

type Answer = Response<Full<Bytes>>;

/// What is written out: a status and JSON.
struct Reply(u16, Vec<u8>);

#[derive(Serialize)]
struct Refused {
    error: Refusal,
}

pub async fn answer(agent: &Agent, asking: Asking, request: Request<Incoming>) -> Answer {
    let asked = head(asking, &request);
    let origin = match guards::admit(&asked, &agent.origins) {
        Ok(origin) => origin,
        Err(denied) => return deny(denied),
    };
    let (head, body) = request.into_parts();
    if head.method == Method::OPTIONS {
        return preflight(origin, &head.headers);
    }
    let (path, session) = (head.uri.path(), one(&head.headers, SESSION_HEADER).unwrap_or_default());
    let reply = match read(body, asking.reading).await {
        Ok(body) => call(agent, &head.method, path, &Caller { origin, session }, &body).await,
        Err(Unread::TooLong) => return deny(Denied::Length),
        Err(Unread::Broken) => Err(Refusal::new(Code::RequestInvalid).because("no body came")),
    };
    if let Err(refusal) = &reply {
        tracing::info!(origin, path, code = ?refusal.code, "refused");
    }
    open_to(origin, reply.unwrap_or_else(|refusal| refused(&refusal)))
}

async fn call(
    agent: &Agent,
    method: &Method,
    path: &str,
    caller: &Caller<'_>,
    body: &[u8],
) -> Result<Reply, Refusal> {
    if path == "/v1/hello" && method == Method::GET {
        return say(&agent.hello());
    }
    if method != Method::POST {
        return Err(Refusal::new(Code::RequestInvalid).because("the method is POST"));
    }
    if path == "/v1/session" {
        return say(&agent.open_session(caller.origin, &parse(body)?)?);
    }
    agent.admits(caller)?;
    match path {
        "/v1/env" => {
            let Nothing {} = parse(body)?;
            say(&agent.env().await)
        }
        "/v1/certificates" => {
            let _: ListCertificates = parse(body)?;
            say(&agent.certificates().await?)
        }
        "/v1/sign" => say(&agent.sign(caller, parse(body)?).await?),
        "/v1/pin/change" => say(&agent.change_pin(caller, parse(body)?).await?),
        "/v1/close" => {
            let Nothing {} = parse(body)?;
            agent.close(caller);
            say(&Closed {})
        }
        _ => Err(Refusal::new(Code::RequestInvalid).because("there is no such call")),
    }
}

fn head(asking: Asking, request: &Request<Incoming>) -> Asked<'_> {
    let headers = request.headers();
    Asked {
        peer: asking.peer,
        is_same_person: asking.is_same_person,
        port: asking.port,
        kind: match *request.method() {
            Method::OPTIONS => Kind::Preflight,
            Method::GET => Kind::Read,
            _ => Kind::Call,
        },
        is_absolute: request.uri().authority().is_some(),
        host: one(headers, header::HOST),
        origin: one(headers, header::ORIGIN),
        content_type: one(headers, header::CONTENT_TYPE),
        length: length(headers),
    }
}

fn one(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

fn length(headers: &HeaderMap) -> Length {
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return Length::Pieces;
    }
    if !headers.contains_key(header::CONTENT_LENGTH) {
        return Length::None;
    }
    let length = one(headers, header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
    length.map_or(Length::Unclear, Length::Known)
}

enum Unread {
    TooLong,
    /// Or too slow.
    Broken,
}

/// Wiped when it is done with: a PIN may be in it.
async fn read(body: Incoming, within: Duration) -> Result<Zeroizing<Vec<u8>>, Unread> {
    let mut body = Limited::new(body, LONGEST_BODY);
    // Whole at once: a vector that grows leaves its old places behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_BODY));
    let reading = async {
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => bytes.extend(frame.into_data().iter().flatten()),
                Err(error) if error.is::<LengthLimitError>() => return Err(Unread::TooLong),
                Err(_) => return Err(Unread::Broken),
            }
        }
        Ok(())
    };
    tokio::time::timeout(within, reading).await.unwrap_or(Err(Unread::Broken))?;
    Ok(bytes)
}

/// Where it is wrong, not what stands there.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        let why = format!("the body is not of this call (column {})", error.column());
        Refusal::new(Code::RequestInvalid).because(why)
    })
}

fn say(answer: &impl Serialize) -> Result<Reply, Refusal> {
    let json = serde_json::to_vec(answer);
    json.map(|json| Reply(200, json)).map_err(|_| Code::Backend.into())
}

fn refused(refusal: &Refusal) -> Reply {
    let error = refusal.clone();
    Reply(refusal.code.status(), serde_json::to_vec(&Refused { error }).unwrap_or_default())
}

/// Before the guards are passed nobody may read the answer.
fn deny(denied: Denied) -> Answer {
    tracing::info!(?denied, "refused at the guards");
    let code = match denied {
        Denied::Peer | Denied::Host | Denied::Origin => Code::OriginNotAllowed,
        Denied::ContentType | Denied::Length => Code::RequestInvalid,
    };
    let Reply(_, json) = refused(&code.into());
    write(Reply(403, json))
}

fn write(Reply(status, json): Reply) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(json)));
    *answer.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

fn open_to(origin: &str, reply: Reply) -> Answer {
    let mut answer = write(reply);
    let headers = answer.headers_mut();
    // What stands in the configuration was checked to be a plain origin.
    if let Ok(origin) = HeaderValue::from_str(origin) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    answer
}

fn preflight(origin: &str, asked: &HeaderMap) -> Answer {
    let mut answer = open_to(origin, Reply(204, Vec::new()));
    let headers = answer.headers_mut();
    let allowed = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type, x-kagent-session"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    headers.remove(header::CONTENT_TYPE);
    headers.extend(allowed.map(|(name, value)| (Some(name), HeaderValue::from_static(value))));
    // Chromium 104 to 141 and the browsers made of it ask so; later ones ask the person instead.
    let private = HeaderName::from_static("access-control-request-private-network");
    if one(asked, private) == Some("true") {
        let allow = HeaderName::from_static("access-control-allow-private-network");
        headers.insert(allow, HeaderValue::from_static("true"));
    }
    answer
}
