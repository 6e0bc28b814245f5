//! An application's server that keeps what it is sent: logout tokens, webhooks, security events.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};

#[derive(Clone)]
pub struct Heard {
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

#[derive(Clone, Default)]
pub struct Listener {
    heard: Arc<Mutex<Vec<Heard>>>,
    is_away: Arc<Mutex<bool>>,
}

impl Listener {
    /// Its address, and what it hears.
    pub async fn start() -> (String, Self) {
        let listener = Self::default();
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", socket.local_addr().unwrap());
        let router = Router::new().fallback(take).with_state(listener.clone());
        tokio::spawn(async move { axum::serve(socket, router).await.unwrap() });
        (address, listener)
    }

    /// Answers 500 from now on, or no longer.
    pub fn set_away(&self, is_away: bool) {
        *self.is_away.lock().unwrap() = is_away;
    }

    /// What came to this path since it was last asked.
    pub fn take(&self, path: &str) -> Vec<Heard> {
        let mut heard = self.heard.lock().unwrap();
        let (found, rest) = heard.drain(..).partition(|one: &Heard| one.path == path);
        *heard = rest;
        found
    }
}

async fn take(
    State(listener): State<Listener>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    if *listener.is_away.lock().unwrap() {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    let headers = headers.iter().map(|(name, value)| {
        (name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned())
    });
    let heard = Heard {
        path: uri.path().to_owned(),
        headers: headers.collect(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    listener.heard.lock().unwrap().push(heard);
    StatusCode::OK
}
