//! Officer roles and duties against a copy that was written by hand.

use std::collections::BTreeSet;

use hufu::domain::officer::{Duty, Role};

use super::AtDesk;
use crate::kit::{On, TestApp};
use crate::two_realms::routes::named;

/// System, security (E), audit, hall, reviewer; `-`: may not.
const DUTIES: [(Duty, &str); 13] = [
    (Duty::ListOfficers, "SEA--"),
    (Duty::LockOfficer, "SE---"),
    (Duty::FindPerson, "-E-H-"),
    (Duty::Unlock, "-E-H-"),
    (Duty::EndSessions, "-E-H-"),
    (Duty::ExpirePassword, "-E-H-"),
    (Duty::Lock, "-E---"),
    (Duty::RemoveFactor, "-E---"),
    (Duty::HallRecords, "---H-"),
    (Duty::Handlers, "---H-"),
    (Duty::History, "--AH-"),
    (Duty::Audit, "--A--"),
    (Duty::Review, "----R"),
];

const ROLES: [(Role, char); 5] = [
    (Role::System, 'S'),
    (Role::Security, 'E'),
    (Role::Audit, 'A'),
    (Role::Hall, 'H'),
    (Role::Reviewer, 'R'),
];

/// Every route behind the door, and whose it is; the rest is everybody's who works here, or the door's.
const ROUTES: &[(&str, &str, &str)] = &[
    ("GET", "/console/people", "-E-H-"),
    ("POST", "/console/people", "-E-H-"),
    ("GET", "/console/people/{id}", "-E-H-"),
    ("POST", "/console/people/{id}", "-E-H-"),
    ("GET", "/console/records", "---H-"),
    ("POST", "/console/records", "---H-"),
    ("GET", "/console/records/new", "---H-"),
    ("POST", "/console/records/new", "---H-"),
    ("GET", "/console/records/{id}", "---H-"),
    ("GET", "/console/records/{id}/correct", "---H-"),
    ("GET", "/console/records/{id}/portrait", "---H-"),
    ("GET", "/console/enterprises", "--AH-"),
    ("POST", "/console/enterprises", "--AH-"),
    ("GET", "/console/enterprises/{id}", "---H-"),
    ("GET", "/console/enterprises/{id}/add", "---H-"),
    ("POST", "/console/enterprises/{id}/add", "---H-"),
    ("GET", "/console/enterprises/{id}/history", "--AH-"),
    ("GET", "/console/relations", "--AH-"),
    ("POST", "/console/relations", "--AH-"),
    ("GET", "/console/relations/{id}", "--AH-"),
    ("GET", "/console/handlers/{id}", "---H-"),
    ("POST", "/console/handlers/{id}", "---H-"),
    ("GET", "/console/applications", "----R"),
    ("GET", "/console/applications/{id}", "----R"),
    ("POST", "/console/applications/{id}", "----R"),
    ("GET", "/console/applications/{id}/files/{file}", "----R"),
    ("GET", "/console/audit", "--A--"),
    ("POST", "/console/audit", "--A--"),
    ("GET", "/console/officers", "SEA--"),
    ("POST", "/console/officers", "SE---"),
];

/// Of every officer, or of whoever stands before the door.
const EVERYBODYS: [&str; 9] = [
    "/",
    "/console",
    "/console/login",
    "/console/leave",
    "/console/invitation",
    "/console/matter",
    "/language",
    "/look",
    "/accessibility",
];

#[test]
fn the_table_is_as_it_was_written_by_hand() {
    assert_eq!(DUTIES.map(|(duty, _)| duty), Duty::ALL);
    for (duty, may) in DUTIES {
        for (role, letter) in ROLES {
            assert_eq!(duty.is_of(role), may.contains(letter), "{duty:?} {role:?}");
        }
    }
}

/// Covers X-19: each role reaches its own routes and no other, whatever it sends.
#[tokio::test(flavor = "multi_thread")]
async fn each_role_reaches_its_own_routes() {
    let app = TestApp::start(On::Sqlite).await;
    let known: BTreeSet<(String, String)> = named("src/web/console");
    let listed = |route: &str| ROUTES.iter().any(|(_, known, _)| *known == route);
    for (method, route) in &known {
        let is_asset = route == "/assets/{name}";
        assert!(
            listed(route) || EVERYBODYS.contains(&route.as_str()) || is_asset,
            "{method} {route} has no line here"
        );
    }
    for (role, letter) in ROLES {
        let mut desk = AtDesk::start(&app, role.name(), role.name()).await;
        desk.state("walks through all routes").await;
        let home = desk.get("").await;
        let csrf = home.hidden()["csrf"].clone();
        for (method, route, may) in ROUTES {
            assert!(
                known.contains(&((*method).to_owned(), (*route).to_owned())),
                "{method} {route} is not there"
            );
            let path = route.replace("{id}", &uuid::Uuid::nil().to_string());
            let path = format!("/realms/jiangxi{}", path.replace("{file}", "x"));
            let body = (*method == "POST").then(|| format!("csrf={csrf}&reason=walks"));
            let shown = desk.browser.once(method, &path, body).await;
            let is_refused = shown.code() == Some("E_ROLE");
            assert_eq!(
                is_refused,
                !may.contains(letter),
                "{role:?} {method} {route}: {} {}",
                shown.status,
                shown.text
            );
            assert!(shown.status.as_u16() < 500, "{method} {route}");
            let in_menu = home.text.contains(&format!("href=\"{path}\""));
            if *method == "GET" && in_menu {
                assert!(may.contains(letter), "{role:?} is shown {route}");
            }
        }
        assert!(desk.is_at_work().await);
    }
}
