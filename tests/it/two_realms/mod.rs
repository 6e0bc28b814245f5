//! Two realms in one process, on one host name, with the same people, clients and secrets: what the
//! one gave is nothing in the other, at any place where a value is looked up (rule 3).

mod centre;
mod counters;
mod help;
mod made;
pub mod places;
mod plans;
mod register;
pub mod routes;
mod safe;
mod shadow;
mod side;
mod told;
mod walk;
mod works;

use hufu::flows::relations::expiry;
use hufu::flows::self_help::lost_phone::bind_due;
use hufu::flows::sign_in::lower;
use hufu::jobs::sweep;
use tracing::instrument::WithSubscriber;

use crate::kit::passkey::asked;
use crate::kit::{Application, On, Setup, TestApp, on_each_database, realm_named};
use made::{lasting, on_its_way};
use plans::Statements;
use shadow::shadowed;
use side::{Comer, Side, comer};
use walk::Walk;

const A: &str = "jiangxi";
const B: &str = "other-bureau";

/// Begins the name of every enterprise of the first realm.
const NAME: &str = "甲域";
/// An enterprise and a person that the first realm alone knows.
const OWN_NUMBER: &str = "360102708461137";
const OWN_PHONE: &str = "13100139111";
/// Until it is changed: the end of the document.
const OWN_PASSWORD: &str = "8902C4";

/// Who failed at a realm stands in its own log, and its own people are told.
const OWN_LOG: &[&str] = &["login_log", "audit", "audit_head", "notice", "delivery"];

const REGISTRY: Application =
    Application { id: "registry", secret: "demo-secret-of-registry", redirect_uri: "" };

/// One file of realms, under two ids.
async fn start(on: On, more: &[(&str, &str, &str)]) -> TestApp {
    let door = "id = \"enterprise\"\n";
    let known = "id = \"enterprise\"\npasskey = true\n";
    let own = "id = \"natural_person\"\n";
    let remembers = "id = \"natural_person\"\nremember_device_days = 30\n";
    let scopes = "scopes = [\"openid\", \"profile\", \"phone\", \"tax_identity\"]";
    let events = "scopes = [\"openid\", \"profile\", \"phone\", \"tax_identity\", \"ssf\"]";
    let mut changes = vec![
        ("entrances.toml", door, known),
        ("entrances.toml", own, remembers),
        ("clients/tax-filing.toml", scopes, events),
        ("clients/tax-filing.toml", "client_id", "rotate_refresh_tokens = true\nclient_id"),
        ("realm.toml", "refresh_token = 43200", "refresh_token = 43200\nrefresh_grace = 0"),
    ];
    changes.extend_from_slice(more);
    let own = "https://sso.jiangxi.example/realms/jiangxi";
    let there = format!("https://sso.jiangxi.example/realms/{B}");
    let mut of_b = changes.clone();
    of_b.push(("realm.toml", own, &there));
    let app = Setup::of(on, vec![realm_named(A, &changes), realm_named(B, &of_b)]).start().await;
    app.sql(&format!("UPDATE enterprise SET name = '{NAME}' || name WHERE realm = '{A}'")).await;
    app
}

/// Everything that can exist is made in both; each request of the first realm's people is sent to
/// the second before, with their cookies under its names; then every route of the second is walked
/// with the values of the first. Nothing is found, nothing counted, nothing used up.
#[test]
fn nothing_of_one_realm_is_found_in_another() {
    on_each_database(|on| async move {
        let (app, statements) = (start(on, &[]).await, Statements::default());
        let listening = statements.listen();
        let walked = async {
            let app = Box::pin(walked(app, matches!(on, On::Sqlite))).await;
            app.deliver().await;
            expiry::run(&app.ctx).await.unwrap();
            bind_due(&app.ctx).await.unwrap();
            app.sql("UPDATE person SET real_name_level = 3").await;
            app.sql("UPDATE identity_document SET valid_to = '2001-01-01'").await;
            assert!(lower::run(&app.ctx).await.unwrap() > 0);
            let deliveries = app.ctx.rows().deliveries();
            deliveries.unsettled().await.unwrap();
            deliveries.count_unsettled(Some("tax-filing")).await.unwrap();
            sweep(&app.ctx.services).await.unwrap();
            app
        };
        let app = Box::pin(walked.with_subscriber(listening.ours.clone())).await;
        if matches!(on, On::Sqlite) {
            let mut scans = statements.scans(&app).await;
            // A handful of roots, and all of them are wanted.
            scans.retain(|one| !one.starts_with("SCAN data_root"));
            assert!(scans.is_empty(), "{} read whole tables: {scans:#?}", scans.len());
        }
    });
}

/// Every value is looked up once; on the second database, where statements and names are the same, one of each
/// kind is.
async fn walked(mut app: TestApp, is_whole: bool) -> TestApp {
    let plain = app.router.clone();
    let (router, shadows) = shadowed(&plain);
    app.router = router;
    let (a, b) = (Side { app: &app, realm: A }, Side { app: &app, realm: B });
    let lasting_b = lasting(b).await;
    let before = app.rows_of(B).await;
    let lasting_a = lasting(a).await;
    same(&before, &app.rows_of(B).await, &[]);
    let own = Comer { password: OWN_PASSWORD, ..comer("natural_person", "", OWN_PHONE) };
    assert!(a.typed(own).await.1.url.contains("/login/second_factor"));
    assert_eq!(b.typed(own).await.1.code(), Some("E_CREDENTIALS"));
    app.clock.advance(61);
    let made_b = on_its_way(b, lasting_b).await;
    let before = app.rows_of(B).await;
    let mut made_a = on_its_way(a, lasting_a).await;
    same(&before, &app.rows_of(B).await, &[]);

    let before_a = app.rows_of(A).await;
    let short_lived = app.short_lived_of(A).await;
    let mut walk = Walk::new(b, plain, &made_b, &made_a);
    walk.everywhere(is_whole).await;
    let least = if is_whole { 4000 } else { 800 };
    assert!(walk.places > 240 && walk.requests > least, "{} requests", walk.requests);
    assert!(walk.wrong.is_empty(), "{} wrong: {:#?}", walk.wrong.len(), walk.wrong);
    same(&before_a, &app.rows_of(A).await, &[]);
    for (name, value) in app.short_lived_of(A).await {
        assert_eq!(short_lived.get(&name), Some(&value), "{name}");
    }
    same(&before, &app.rows_of(B).await, OWN_LOG);

    let before = app.rows_of(B).await;
    made_a.still_works(a).await;
    same(&before, &app.rows_of(B).await, &[]);
    answered_by_a_foreign_passkey(b, &mut made_a).await;
    same(&before, &app.rows_of(B).await, OWN_LOG);
    let (n_shadows, given) = shadows.lock().unwrap().clone();
    assert!(n_shadows > 200, "only {n_shadows} requests were sent to the second realm");
    assert!(given.is_empty(), "{given:#?}");
    drop(walk);
    app
}

/// The question is the realm's own, and live.
async fn answered_by_a_foreign_passkey(side: Side<'_>, foreign: &mut made::Made) {
    let (mut browser, page) = side.at("natural_person").await;
    let answer = foreign.lasting.passkey.answer(&asked(&page).unwrap());
    let done = browser.submit(&page, &[("made", &answer)]).await;
    assert_eq!(done.code(), Some("E_PASSKEY"), "{}", done.text);
    assert!(!browser.cookies.contains_key(&side.session_name()));
}

/// The same people are known to both realms by the same names; each finds its own.
#[test]
fn whoever_both_realms_know_signs_in_to_each() {
    on_each_database(|on| async move {
        let app = start(on, &[]).await;
        for (realm, other) in [(A, B), (B, A)] {
            for name in ["wangxm", made::WANG, "360102199003071236"] {
                let before = app.rows_of(other).await;
                let side = Side { app: &app, realm };
                let (mut browser, page) = side.typed(comer("natural_person", "", name)).await;
                let done = browser.pass_second_factor(&app, &page, made::WANG).await;
                assert!(done.answered("code").is_some(), "{realm} {name}: {}", done.text);
                let home = browser.get(&side.path("/account")).await;
                assert!(home.text.contains("class=\"menu\""), "{realm} {name}: {}", home.text);
                same(&before, &app.rows_of(other).await, &[]);
                app.clock.advance(61);
            }
            app.clock.advance(3601);
        }
    });
}

/// The same rows, but for these tables.
fn same(before: &crate::kit::RowsOfRealm, after: &crate::kit::RowsOfRealm, but: &[&str]) {
    for (table, rows) in before {
        if !but.contains(&table.as_str()) {
            assert_eq!(rows, &after[table], "{table} changed");
        }
    }
}
