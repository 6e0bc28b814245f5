//! Key agents beside a browser: the real program, and one that answers as it is told, for what no
//! software token does. Pages look at fixed ports, so there is one at a time.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::MutexGuard;

use super::demo::{Running, wait_for};

/// Where pages look first.
pub const PORT: u16 = 17443;

static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Whoever holds it has the agents' ports.
pub async fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().await
}

/// Beside the server's program, where Cargo puts what it builds.
fn built(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_BIN_EXE_hufu")).with_file_name(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("left out: {name} (scripts/test builds it)");
    None
}

/// The driver of the national interface that is made of software.
pub fn skf_mock() -> Option<PathBuf> {
    // The agent's tests depend on it: it stands among what they are made of.
    built("deps/libskf_mock.so")
}

pub fn program() -> Option<PathBuf> {
    built("key-agent")
}

/// The real program with this configuration.
pub async fn start(program: &Path, config: &Path, more: &[(&str, &Path)]) -> Running {
    start_at(PORT, program, config, more).await
}

/// The same where its configuration says that it listens: for a test that is a page itself.
pub async fn start_at(port: u16, program: &Path, config: &Path, more: &[(&str, &Path)]) -> Running {
    let mut command = Command::new(program);
    command.arg("--config").arg(config).stderr(Stdio::null()).stdout(Stdio::null());
    for (name, value) in more {
        command.env(name, value);
    }
    let running = Running::of(command.spawn().unwrap());
    wait_for(port).await;
    running
}

/// Answers `kagent/1` as it is told.
#[derive(Clone, Default)]
pub struct Told {
    certificates: Arc<Mutex<Value>>,
    /// For `/v1/sign` and `/v1/pin/change`, one after the other; the last stays.
    answers: Arc<Mutex<Vec<(u16, Value)>>>,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Told {
    /// Ends with the task that started it.
    pub async fn start(certificates: Value) -> (Self, tokio::task::JoinHandle<()>) {
        let own = Self { certificates: Arc::new(Mutex::new(certificates)), ..Self::default() };
        let socket = tokio::net::TcpListener::bind(("127.0.0.1", PORT)).await.unwrap();
        let router = Router::new().fallback(answer).with_state(own.clone());
        let task = tokio::spawn(async move { axum::serve(socket, router).await.unwrap() });
        (own, task)
    }

    pub fn answer(&self, answers: &[(u16, Value)]) {
        *self.answers.lock().unwrap() = answers.to_vec();
    }

    /// What came to a path, oldest first.
    pub fn asked(&self, path: &str) -> Vec<Value> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(known, _)| known == path).map(|(_, body)| body.clone()).collect()
    }
}

async fn answer(
    State(own): State<Told>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().to_owned();
    let told: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let is_call = method == Method::POST;
    let (status, reply) = match (method, path.as_str()) {
        (Method::OPTIONS, _) => (204, Value::Null),
        (_, "/v1/hello") => (
            200,
            json!({"agent": "key-agent", "version": "0", "protocol": 1, "instance": "x",
                   "pin_mode": "page"}),
        ),
        (_, "/v1/session") => (200, json!({"session": "s", "expires_in": 600})),
        (_, "/v1/certificates") => {
            (200, json!({"certificates": *own.certificates.lock().unwrap()}))
        }
        (_, "/v1/close") => (200, json!({})),
        _ => {
            let mut answers = own.answers.lock().unwrap();
            if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
        }
    };
    if is_call {
        own.asked.lock().unwrap().push((path, told));
    }
    let origin = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok());
    let open = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.unwrap_or_default().to_owned()),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST".to_owned()),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type, x-kagent-session".to_owned()),
        (header::CONTENT_TYPE, "application/json".to_owned()),
    ];
    (StatusCode::from_u16(status).unwrap(), open, reply.to_string()).into_response()
}
