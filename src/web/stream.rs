//! A value that changes, as server-sent events. What it is and who may hear of it is the handlers'.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::web::answer::no_store;

/// Shorter than the minute after which proxies give a silent connection up.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Asked for once a second and told when it has changed, until `is_over`, or until there is none.
pub fn told_as_it_changes<Ask, Asked>(ask: Ask, is_over: fn(&Value) -> bool) -> Response
where
    Ask: Fn() -> Asked + Send + 'static,
    Asked: Future<Output = Option<Value>> + Send,
{
    let stream =
        futures_util::stream::unfold((ask, Some(Value::Null)), move |(ask, before)| async move {
            let before = before?;
            loop {
                let now = ask().await?;
                if now != before {
                    let event = Event::default().data(now.to_string());
                    let next = (!is_over(&now)).then_some(now);
                    return Some((Ok::<_, Infallible>(event), (ask, next)));
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
