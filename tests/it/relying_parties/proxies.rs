//! What stands behind a proxy that signs people in: an application that believes its headers.

use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use hufu::cli::demo::tax_app;
use serde_json::{Value, json};

use super::party::{CLIENT_SECRET, Library};
use crate::kit::data;

/// In whose headers the application reads.
#[derive(Clone, Copy)]
pub enum Behind {
    /// Of `tax_app`'s `/check`.
    Nginx,
    /// Of `mod_auth_openidc`.
    Apache,
}

impl Behind {
    /// Environment variables of the proxy with the addresses of what stands behind it.
    pub async fn start(
        self,
        library: Library,
        own_url: &str,
        issuer: &str,
    ) -> Vec<(&'static str, String)> {
        let read: fn(&HeaderMap) -> Value = match self {
            Self::Nginx => of_check,
            Self::Apache => of_apache,
        };
        let me = get(move |headers: HeaderMap| async move { Json(read(&headers)) });
        let home = get(|| async { StatusCode::OK });
        let routes = Router::new().route("/me", me.clone()).route("/userinfo", me);
        let application = serve(routes.fallback(home)).await;
        let mut addresses = vec![("APPLICATION", application)];
        if let Self::Nginx = self {
            let helper = tax_app::Settings {
                issuer: issuer.to_owned(),
                client_id: library.name.to_owned(),
                client_secret: CLIENT_SECRET.to_owned(),
                secret_in_body: false,
                own_url: own_url.to_owned(),
                title: "helper".to_owned(),
                links: Vec::new(),
                invoices: None,
                authority: Some(std::fs::read(data("localhost.cert.pem")).unwrap()),
            };
            addresses.push(("HELPER", serve(tax_app::router(helper).unwrap()).await));
        }
        addresses
    }
}

async fn serve(router: Router) -> String {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", socket.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(socket, router).await.unwrap() });
    address
}

/// The one header of this name in UTF-8: to many applications `-` and `_` are the same.
fn header(headers: &HeaderMap, name: &str) -> String {
    let named = |other: &str| other.replace('_', "-") == name.replace('_', "-");
    let found: Vec<_> = headers.iter().filter(|(other, _)| named(other.as_str())).collect();
    assert_eq!(found.len(), 1, "{name} in {headers:?}");
    String::from_utf8(found[0].1.as_bytes().to_vec()).unwrap()
}

fn list(headers: &HeaderMap, name: &str) -> Vec<String> {
    header(headers, name).split(',').map(str::to_owned).collect()
}

fn of_check(headers: &HeaderMap) -> Value {
    json!({
        "sub": header(headers, "x-tax-subject"),
        "tax_identity": {
            "enterprise": {"tin": header(headers, "x-tax-enterprise")},
            "identity_type": header(headers, "x-tax-identity-type"),
        },
        "roles": list(headers, "x-tax-roles"),
        "permissions": list(headers, "x-tax-permissions"),
    })
}

fn of_apache(headers: &HeaderMap) -> Value {
    let identity = header(headers, "oidc_claim_tax_identity");
    json!({
        "sub": header(headers, "oidc_claim_sub"),
        "sid": header(headers, "oidc_claim_sid"),
        "tax_identity": serde_json::from_str::<Value>(&identity).unwrap(),
        "roles": list(headers, "oidc_claim_roles"),
        "permissions": list(headers, "oidc_claim_permissions"),
    })
}
