//! Who asks, on every line of the log that a request of an application leads to: the client and the
//! address as they were offered, before anybody has believed them.

use tracing::Span;

use crate::oidc::params::Params;

/// Strangers write it: no more than this of each (characters).
const LONGEST: usize = 256;

/// What may stand in a line of the log.
pub fn bounded(text: &str) -> &str {
    let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}

/// Names the client of this request.
pub fn by(client_id: &str) {
    Span::current().record("client_id", bounded(client_id));
}

/// Names the client that the parameters do, or else this one, and where they lead to.
pub fn with(params: &Params, or_else: Option<&str>) {
    // Once: what is recorded again stands beside the first.
    if let Some(client_id) = params.get("client_id").or(or_else) {
        by(client_id);
    }
    let uri = params.get("redirect_uri").or_else(|| params.get("post_logout_redirect_uri"));
    if let Some(uri) = uri {
        Span::current().record("redirect_uri", bounded(uri));
    }
}

/// The same of parameters that could not be read: the first of each name.
pub fn with_unread(form: &[u8]) {
    let first = |wanted: &str| {
        let mut all = form_urlencoded::parse(form);
        all.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
    };
    if let Some(client_id) = first("client_id") {
        by(&client_id);
    }
    if let Some(uri) = first("redirect_uri") {
        Span::current().record("redirect_uri", bounded(&uri));
    }
}
