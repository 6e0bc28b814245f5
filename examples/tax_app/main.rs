//! A tax application on its own: `cargo run --example tax_app -- ISSUER CLIENT_ID CLIENT_SECRET
//! OWN_URL [AUTHORITY.pem]`, for example against a running `hufu demo`.

mod app;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issuer, client_id, client_secret, own_url, authority @ ..] = arguments.as_slice() else {
        return Err("ISSUER CLIENT_ID CLIENT_SECRET OWN_URL [AUTHORITY.pem]".into());
    };
    let settings = app::Settings {
        issuer: issuer.clone(),
        client_id: client_id.clone(),
        client_secret: client_secret.clone(),
        secret_in_body: false,
        own_url: own_url.clone(),
        title: "Tax application".to_owned(),
        invoices: None,
        links: Vec::new(),
        authority: authority.first().map(std::fs::read).transpose()?,
    };
    let address = own_url.trim_start_matches("http://").trim_end_matches('/');
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, app::router(settings)?).await?;
    Ok(())
}
