//! Applications on libraries that nobody here wrote, as `tests/relying_parties` has them: each goes
//! the same way with a person of two enterprises, and the same facts hold. What `scripts/test` has not
//! built is left out by name.

mod forgeries;
mod pages;
mod party;
mod proxies;
mod spa;
mod visitor;
mod walk;

use party::{Act, Library};
use proxies::Behind;
use walk::walk;

/// What is alike for most of them.
const USUAL: Library = Library {
    name: "",
    login: "/login",
    refresh: Some("/refresh"),
    logout: Act { method: "GET", path: "/logout" },
    keeps_keys: 0,
    api: None,
};

/// Issue 13, 8. `jose`, which reads its logout tokens, asks for the keys again every 30 seconds at most.
#[tokio::test(flavor = "multi_thread")]
async fn openid_client() {
    walk(Library { name: "openid-client", keeps_keys: 31, ..USUAL }, None).await;
}

/// Issue 13, 8.
#[tokio::test(flavor = "multi_thread")]
async fn authlib() {
    walk(Library { name: "authlib", ..USUAL }, None).await;
}

/// Issue 13, 8.
#[tokio::test(flavor = "multi_thread")]
async fn go_oidc() {
    walk(Library { name: "go-oidc", api: Some("/api/identity"), ..USUAL }, None).await;
}

/// Issue 13, 8. Its helper is the example application.
#[tokio::test(flavor = "multi_thread")]
async fn nginx() {
    let logout = Act { method: "POST", path: "/sign-out" };
    let library = Library { name: "nginx", login: "/sign-in", refresh: None, logout, ..USUAL };
    walk(library, Some(Behind::Nginx)).await;
}

/// Issue 13, 8.
#[tokio::test(flavor = "multi_thread")]
async fn mod_auth_openidc() {
    let refresh = "/callback?info=json&access_token_refresh_interval=0";
    let logout = Act { method: "GET", path: "/callback?logout=OWN_URL/signed-out" };
    let library = Library { name: "mod_auth_openidc", refresh: Some(refresh), logout, ..USUAL };
    walk(library, Some(Behind::Apache)).await;
}

/// Issue 13, 8. A client and a resource server in one.
#[tokio::test(flavor = "multi_thread")]
async fn spring() {
    let (login, api) = ("/oauth2/authorization/hufu", Some("/api/identity"));
    walk(Library { name: "spring", login, api, ..USUAL }, None).await;
}
