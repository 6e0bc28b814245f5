//! A value that changes, as server-sent events. What it is and who may hear of it is the handlers'.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::web::answer::{busy, no_store};
use crate::web::request::Request;

/// Shorter than the minute after which proxies give a silent connection up.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Asked for once a second and told when it has changed, until `is_over`, or until there is none. There
/// is room for so many who look.
pub fn told_as_it_changes<Ask, Asked>(
    request: &Request,
    ask: Ask,
    is_over: fn(&Value) -> bool,
) -> Response
where
    Ask: Fn() -> Asked + Send + 'static,
    Asked: Future<Output = Option<Value>> + Send,
{
    let Some(seat) = request.app.crowds().streams.enter(Some(request.ctx.place())) else {
        return busy();
    };
    let begun = (seat, ask, Some(Value::Null));
    let stream = futures_util::stream::unfold(begun, move |(seat, ask, before)| async move {
        let before = before?;
        loop {
            let now = ask().await?;
            if now != before {
                let event = Event::default().data(now.to_string());
                let next = (!is_over(&now)).then_some(now);
                return Some((Ok::<_, Infallible>(event), (seat, ask, next)));
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    let mut response = no_store(Sse::new(stream).keep_alive(keep_alive).into_response());
    // nginx would hold an event back until there are more of them.
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}
