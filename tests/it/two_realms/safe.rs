//! Safe methods change nothing (RFC 9110 §9.2.1): each page and document is asked for by a good
//! request of somebody who may, and what is kept is the same afterwards, rows and short-lived values.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use hufu::oidc::discovery::path;
use tower::ServiceExt;

use super::made::{lasting, on_its_way};
use super::places::In::Query;
use super::places::{As, Walked, walked};
use super::routes::{NOT_WALKED, routes};
use super::side::Side;
use super::walk::Walk;
use super::{A, start};
use crate::kit::{RowsOfRealm, TestApp, on_one_database};

/// What a GET may write, and why; a HEAD may write nothing even there.
const BY_DESIGN: &[(&str, &[&str])] = &[
    // OpenID Connect Core §3.1.2.1: asked by GET it begins a sign-in, or a code is given.
    (path::AUTHORIZE, &["login", "oauth_grant", "session_client"]),
    // A link of the portal begins a sign-in.
    ("/login", &["login"]),
    // What a page shows to be answered once: a code to scan, a question for a passkey.
    ("/login/credentials", &["scan", "scan-shown"]),
    ("/login/second_factor", &["scan", "scan-shown", "passkey"]),
    ("/forgot-password/prove", &["scan", "scan-shown"]),
    ("/recover-phone/face", &["scan", "scan-shown"]),
    ("/register/verify", &["scan", "scan-shown"]),
    // Whoever proved a second factor long ago begins to prove one again.
    ("/account/passkeys", &["passkey-enrolment", "login"]),
    ("/account/authenticator", &["login"]),
    // Whoever reads the history of an enterprise or of a person is written down.
    ("/admin/history", &["audit", "audit_head"]),
    // RP-Initiated Logout §2: asked by GET with a good hint it ends that session.
    (
        path::END_SESSION,
        &["session", "delivery", "oauth_grant", "session_client", "audit", "audit_head"],
    ),
];

/// Kept for some minutes at most, or for a second where a guess was given back, which the walk may take: that
/// one of them is gone says nothing.
const BY_TIME: [&str; 4] = ["finished", "count", "guesses", "seen"];

/// Pages that there are more than one of.
const MORE: &[Walked] = &[
    walked("GET", "/account/handlers/{id}", As::Person("li"), Query, "{id}={handler}", ""),
    walked("GET", "/q/{id}", As::Person("li"), Query, "{id}={q.new}", ""),
    walked("GET", "/q/{id}", As::Person("li"), Query, "{id}={q.sign_in}", ""),
    walked("GET", "/q/{id}", As::Nobody, Query, "{id}={q.face}", ""),
    walked("GET", "/q/{id}", As::Nobody, Query, "{id}={q.iit}", ""),
    walked("GET", "/login/second_factor", As::Nobody, Query, "t={t.step_up}", ""),
];

struct Kept {
    rows: RowsOfRealm,
    short_lived: BTreeMap<String, String>,
}

async fn kept(app: &TestApp) -> Kept {
    Kept { rows: app.rows_of(A).await, short_lived: app.short_lived_of(A).await }
}

/// Tables and slots that are not what they were.
fn changed(before: &Kept, after: &Kept) -> BTreeSet<String> {
    let tables = before.rows.iter().filter(|(table, rows)| after.rows[*table] != **rows);
    let mut found: BTreeSet<String> = tables.map(|(table, _)| table.clone()).collect();
    let names = before.short_lived.keys().chain(after.short_lived.keys());
    for name in names {
        let slot = name.split('/').nth(2).unwrap();
        let is_gone = !after.short_lived.contains_key(name);
        let is_same = before.short_lived.get(name) == after.short_lived.get(name);
        let is_over = is_gone && BY_TIME.contains(&slot);
        if !is_same && !is_over {
            found.insert(slot.to_owned());
        }
    }
    found
}

/// Of which methods it is asked at once whether they have written anything.
fn together(route: &str) -> &'static [&'static [Method]] {
    const APART: &[&[Method]] = &[&[Method::HEAD, Method::OPTIONS], &[Method::GET]];
    const ALL: &[&[Method]] = &[&[Method::HEAD, Method::OPTIONS, Method::GET]];
    if BY_DESIGN.iter().any(|(address, _)| *address == route) { APART } else { ALL }
}

fn may_write(route: &str, methods: &[Method], what: &str) -> bool {
    let designed = BY_DESIGN.iter().find(|(address, _)| *address == route);
    methods.contains(&Method::GET) && designed.is_some_and(|(_, slots)| slots.contains(&what))
}

async fn answered(router: &Router, request: Request<Body>) -> u16 {
    let answer = router.clone().oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    // Read as far as it goes: a stream has told what there is at once.
    let body = to_bytes(answer.into_body(), 1 << 20);
    let _ = tokio::time::timeout(Duration::from_millis(500), body).await;
    status
}

#[test]
fn safe_methods_change_nothing() {
    on_one_database(|on| async move {
        let app = start(on, &[]).await;
        let side = Side { app: &app, realm: A };
        let lasting = lasting(side).await;
        app.clock.advance(61);
        let mut made = on_its_way(side, lasting).await;
        let list = made.people["li"].clone().get(&side.path("/account/handlers")).await;
        let mut links = list.text.split("/account/handlers/").filter_map(|rest| rest.get(..36));
        let handler = links.find(|id| uuid::Uuid::parse_str(id).is_ok());
        made.values.insert("handler".to_owned(), handler.expect("a handler").to_owned());
        let walk = Walk::new(side, app.router.clone(), &made, &made);
        let mut rows: Vec<&Walked> =
            routes().chain(MORE).filter(|row| row.method == "GET").collect();
        // Whoever signs out sees nothing more.
        rows.sort_by_key(|row| row.route == path::END_SESSION);
        let mut before = kept(&app).await;
        let mut wrong = Vec::new();
        let mut n_shown = 0;
        for row in rows {
            let place = format!("{} {:?} {}", row.route, row.who, row.sends);
            for methods in together(row.route) {
                let mut statuses = Vec::new();
                for method in *methods {
                    statuses.push(answered(&app.router, walk.good(row, method)).await);
                }
                let is_shown = methods.ends_with(&[Method::GET]) && statuses.ends_with(&[200]);
                n_shown += usize::from(is_shown);
                assert!(statuses.iter().all(|status| *status < 500), "{place} {statuses:?}");
                let after = kept(&app).await;
                let found = changed(&before, &after).into_iter();
                let by_chance = found.filter(|what| !may_write(row.route, methods, what));
                wrong.extend(
                    by_chance.map(|what| format!("{methods:?} {place} {statuses:?}: {what}")),
                );
                before = after;
            }
        }
        for address in NOT_WALKED.iter().filter(|address| address.contains("{realm}")) {
            let address = address.replace("{realm}", A);
            for method in [Method::HEAD, Method::OPTIONS, Method::GET] {
                let request = Request::builder().method(method).uri(&address);
                answered(&app.router, request.body(Body::empty()).unwrap()).await;
            }
        }
        wrong.extend(
            changed(&before, &kept(&app).await).into_iter().map(|it| format!("documents: {it}")),
        );
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert!(n_shown > 40, "only {n_shown} pages were shown");
    });
}
