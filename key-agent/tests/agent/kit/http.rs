//! HTTP by hand, as an attacker would write it: nothing is put right on the way.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// In small letters, one a line.
    pub head: String,
    pub body: Value,
}

impl Reply {
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.body
    }

    /// The code of a refusal that the page may read.
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or("none")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let start = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(&start))
    }
}

/// Headers of a page's call that is as it should be.
pub fn head(port: u16, path: &str, origin: &str, session: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: {origin}\r\n\
         Content-Type: application/json\r\nX-Kagent-Session: {session}\r\n\
         Content-Length: {length}\r\n\r\n"
    )
}

pub async fn post(port: u16, path: &str, origin: &str, session: &str, body: &str) -> Reply {
    let head = head(port, path, origin, session, body.len());
    raw(port, &[head.as_bytes(), body.as_bytes()].concat()).await.unwrap()
}

/// None where the connection ends without an answer.
pub async fn raw(port: u16, request: &[u8]) -> Option<Reply> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    // Whoever refuses early closes early.
    let _ = stream.write_all(request).await;
    let reply = read(&mut stream).await;
    // Ten thousand connections that have ended would make the kernel's table long.
    let _ = stream.set_zero_linger();
    reply
}

pub async fn read(stream: &mut TcpStream) -> Option<Reply> {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let text = String::from_utf8(answer).unwrap();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = serde_json::from_str(body).unwrap_or(Value::Null);
    Some(Reply { status, head: head.to_lowercase().replace("\r\n", "\n"), body })
}
