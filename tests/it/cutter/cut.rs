//! Clients that hang up: a request cut at any byte, or sent whole and left after a few
//! milliseconds, always by a reset.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::server::Server;
use crate::kit::FILING;

/// `cookies`: of a session of the cutters' own.
pub async fn cut(server: Arc<Server>, cookies: String, until: Instant) {
    while Instant::now() < until {
        let request = request(&server, &cookies);
        // While the server is down there is nobody to harm.
        if send_and_cut(&server, request.as_bytes()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn send_and_cut(server: &Server, request: &[u8]) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).await?;
    stream.set_nodelay(true)?;
    let is_whole = rand::random_range(0..3) > 0;
    let sent = if is_whole { request.len() } else { rand::random_range(0..request.len()) };
    stream.write_all(&request[..sent]).await?;
    tokio::time::sleep(Duration::from_micros(rand::random_range(0..4000))).await;
    stream.set_zero_linger()
}

fn request(server: &Server, cookies: &str) -> String {
    let any = rand::random_range(0..1_000_000_u32);
    let redirect_uri = format!("{}/callback", server.at(2));
    match rand::random_range(0..20) {
        0..10 => post("/revoke", "", &format!("client_id=desktop&token=abc{any}")),
        10..13 => {
            let form = format!("client_id=desktop&grant_type=refresh_token&refresh_token=abc{any}");
            post("/token", "", &form)
        }
        13..15 => {
            let form = format!("client_id=desktop&grant_type=authorization_code&code=abc{any}");
            post("/token", "", &form)
        }
        15 => {
            let form = "entrance=enterprise&personal_id=nobody&password=x&slider=100&csrf=x&t=x";
            post("/login/credentials", cookies, form)
        }
        // A code for whoever is signed in.
        16..19 => get(
            &format!(
                "/authorize?client_id={}&redirect_uri={redirect_uri}&response_type=code\
                 &scope=openid&state=s&code_challenge={}&code_challenge_method=S256",
                FILING.id,
                "x".repeat(43)
            ),
            cookies,
        ),
        // A new transaction for whoever is not.
        _ => get("/login", ""),
    }
}

fn get(path: &str, cookies: &str) -> String {
    format!("GET /realms/jiangxi{path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookies}\r\n\r\n")
}

fn post(path: &str, cookies: &str, form: &str) -> String {
    format!(
        "POST /realms/jiangxi{path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookies}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    )
}
