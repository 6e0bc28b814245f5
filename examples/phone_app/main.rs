//! Runs the simulated phone apps by themselves, against a realm that knows its client.
//!
//! `cargo run --example phone_app -- <issuer> <port>`

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

mod app;

#[expect(clippy::disallowed_methods, reason = "here the clock is handed in")]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issuer, port] = arguments.as_slice() else {
        return Err("phone_app <issuer> <port>".into());
    };
    let key = include_str!("iit.private.json").to_owned();
    let operator = app::Operator::new(issuer.clone(), "iit-app".to_owned(), key, Arc::new(now))?;
    let person = app::SignedIn {
        name: "王小明".to_owned(),
        document_number: "360102199003071236".to_owned(),
        phone_ip: None,
    };
    let address = SocketAddr::from(([127, 0, 0, 1], port.parse()?));
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("http://{address}");
    let redirect = format!("http://{address}/tax/callback");
    let tax = app::tax::TaxApp::new(issuer.clone(), "tax-app".to_owned(), redirect, Arc::new(now))?;
    let both = app::router(operator, vec![person]).merge(app::tax::router(tax, String::new()));
    let both = both.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, both).await?;
    Ok(())
}
