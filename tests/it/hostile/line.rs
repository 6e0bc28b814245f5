//! An attacker's connection: HTTP/1.1 by hand, from an address of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Who attacks, and for the how manieth time.
#[derive(Clone, Copy)]
pub struct Attacker {
    pub port: u16,
    pub n: usize,
    pub round: usize,
}

/// One attack.
#[derive(Clone, Copy)]
pub struct Turn {
    pub port: u16,
    /// A place of which the attackers have some hundred.
    from: Ipv4Addr,
    pub number: usize,
}

impl Attacker {
    pub fn at(self, turn: usize) -> Turn {
        let number = (self.round * 64 + turn) * 64 + self.n;
        let [.., a, b] = u32::try_from(number % 400).unwrap().to_be_bytes();
        Turn { port: self.port, from: Ipv4Addr::new(127, 7, a, b.max(1)), number }
    }
}

pub struct Line {
    stream: TcpStream,
    pub sent: usize,
}

pub struct Answered {
    pub head: String,
    pub body: String,
}

impl Line {
    pub async fn open(turn: Turn) -> Option<Self> {
        let socket = TcpSocket::new_v4().ok()?;
        socket.set_reuseaddr(true).ok()?;
        socket.bind(SocketAddr::from((turn.from, 0))).ok()?;
        let to = SocketAddr::from(([127, 0, 0, 1], turn.port));
        let opened = tokio::time::timeout(Duration::from_secs(5), socket.connect(to)).await;
        Some(Self { stream: opened.ok()?.ok()?, sent: 0 })
    }

    /// As far as it is taken.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        let wrote = tokio::time::timeout(Duration::from_secs(10), self.stream.write_all(bytes));
        let is_sent = matches!(wrote.await, Ok(Ok(())));
        self.sent += if is_sent { bytes.len() } else { 0 };
        is_sent
    }

    pub async fn ask(&mut self, request: &[u8]) -> Option<Answered> {
        self.send(request).await;
        tokio::time::timeout(Duration::from_secs(10), self.answer()).await.ok()?
    }

    async fn answer(&mut self) -> Option<Answered> {
        let mut read = Vec::new();
        let mut part = vec![0; 16_384];
        let head_ends = loop {
            let n = self.stream.read(&mut part).await.ok().filter(|n| *n > 0)?;
            read.extend_from_slice(&part[..n]);
            let ends = read.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(at) = ends {
                break at + 4;
            }
        };
        let head = String::from_utf8_lossy(&read[..head_ends]).into_owned();
        let length = header(&head, "content-length").and_then(|text| text.parse().ok());
        let end = head_ends + length.unwrap_or(0_usize);
        while read.len() < end {
            let n = self.stream.read(&mut part).await.ok().filter(|n| *n > 0)?;
            read.extend_from_slice(&part[..n]);
        }
        let body = String::from_utf8_lossy(&read[head_ends..end]).into_owned();
        Some(Answered { head, body })
    }

    /// Whatever comes, until it is closed or this long has passed.
    pub async fn hold(&mut self, time: Duration) {
        let mut part = vec![0; 16_384];
        let reading = async { while self.stream.read(&mut part).await.is_ok_and(|n| n > 0) {} };
        let _ = tokio::time::timeout(time, reading).await;
    }
}

pub fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
