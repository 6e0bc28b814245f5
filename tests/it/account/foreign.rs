//! Another's ids in any address or form field: refused, never revealed.

use super::{AGENCY, LI, WANG, as_li, as_person, as_wang, at_door, get, held, post, relation};
use crate::kit::browser::Shown;
use crate::kit::{Browser, PASSWORD, TestApp, on_one_database};

/// Every address of the centres that takes an id, with the field it may also come in.
const WITH_IDS: [(&str, &[&str]); 9] = [
    (
        "/account/handlers/{id}",
        &[
            "withdraw",
            "confirm",
            "confirm-save",
            "reject",
            "edit",
            "save",
            "renew",
            "renew-save",
            "delete",
        ],
    ),
    ("/account/authorisations", &["confirm", "reject", "withdraw", "delete", "sync"]),
    ("/account/switch", &["identity", "record"]),
    ("/account/reveal", &["field"]),
    ("/account/person", &["field"]),
    ("/account/devices", &["forget"]),
    ("/account/passkeys", &["remove"]),
    ("/account/handlers/history", &[]),
    ("/account/authorisations/history", &[]),
];

/// Addresses that take no id of anything.
const WITHOUT_IDS: [&str; 31] = [
    "/account",
    "/account/certificates",
    "/account/certificates/list",
    "/account/handlers",
    "/account/handlers/pending",
    "/account/handlers/add",
    "/account/authorisations/held",
    "/account/authorisations/apply",
    "/account/agencies",
    "/account/clients",
    "/account/clients/staff",
    "/account/switch/records",
    "/account/log",
    "/account/non-resident",
    "/account/non-resident/form",
    "/account/non-resident/file",
    "/account/log.csv",
    "/account/messages",
    "/account/maintain",
    "/account/password",
    "/account/phones",
    "/account/authenticator",
    "/account/level",
    "/account/documents",
    "/account/documents/add",
    "/account/cancel",
    // Another's sessions and consents stand in `security`.
    "/account/security",
    "/account/handlers/history",
    "/account/authorisations/history",
    "/account/devices",
    "/account/passkeys",
];

/// Covers X-14, AC-20.
#[test]
fn foreign_ids_are_refused_and_reveal_nothing() {
    let source = concat!(
        include_str!("../../../src/web/account/mod.rs"),
        include_str!("../../../src/web/certificate/mod.rs")
    );
    let routes = source.split("\"/account").skip(1).map(|rest| rest.split('"').next().unwrap());
    for route in routes {
        let path = format!("/account{route}");
        let is_walked = WITH_IDS.iter().any(|(known, _)| *known == path)
            || WITHOUT_IDS.contains(&path.as_str());
        assert!(is_walked, "{path} is not walked with foreign ids");
    }
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        // 李芳 as the manager of her agency, with ids of another enterprise's people.
        let mut manager = at_door(&app, "enterprise", (AGENCY, LI, PASSWORD), "").await;
        let mut wang = as_person(&app, WANG).await;
        let mut clerk = as_wang(&app, "<strong>办税员").await;
        let zhao = held(&app.ctx, "13600136000").await[0].id.to_string();
        let sun = held(&app.ctx, "13500135000").await;
        let mut foreign: Vec<String> = sun.iter().map(|one| one.id.to_string()).collect();
        foreign.push(zhao);
        foreign.push("00000000-0000-7000-8000-000000000000".to_owned());
        foreign.push("nonsense".to_owned());
        let mut cases = Vec::new();
        for id in &foreign {
            for (path, acts) in WITH_IDS {
                cases.extend(acts.iter().map(|act| (path.replace("{id}", id), *act, id.as_str())));
            }
        }
        for (path, act, id) in cases {
            walk(&app, ("manager", &mut manager), (&path, act, id)).await;
            walk(&app, ("person", &mut wang), (&path, act, id)).await;
            walk(&app, ("clerk", &mut clerk), (&path, act, id)).await;
        }
    });
}

/// Handlers, those who wait, the history, a search in it and the log of an enterprise are its own managers': who
/// manages another finds nobody of it in any of them.
#[test]
fn the_lists_of_one_enterprise_are_empty_for_another() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut own = as_li(&app).await;
        // He is in the log, and one of his relations in the history.
        as_wang(&app, "<strong>办税员").await;
        let over = relation(&app, WANG, "invoicing_clerk").await.id;
        let delete = [("act", "delete"), ("sure", "yes")];
        let done = post(&app, &mut own, &format!("/account/handlers/{over}"), &delete).await;
        assert_eq!(done.code(), None, "{}", done.text);
        let mut other = at_door(&app, "enterprise", (AGENCY, LI, PASSWORD), "").await;
        for (path, named) in [
            ("/account/handlers", "王*明"),
            ("/account/handlers/pending", "孙*"),
            ("/account/handlers/history?reason=deleted", "王*明"),
            ("/account/handlers/history?reason=deleted&name=%E7%8E%8B", "王*明"),
            ("/account/log?of=enterprise", "王*明"),
        ] {
            let page = get(&mut own, path).await;
            assert!(page.text.contains(named), "{path}: {}", page.text);
            let page = get(&mut other, path).await;
            assert_eq!((page.status.as_u16(), page.code()), (200, None), "{path}");
            for hidden in ["王*明", "赵*", "孙*", "张*"] {
                assert!(!page.text.contains(hidden), "{hidden} at {path}: {}", page.text);
            }
        }
    });
}

/// One address, one act, one id that is not one's own.
async fn walk(
    app: &TestApp,
    (who, browser): (&str, &mut Browser),
    (path, act, id): (&str, &str, &str),
) {
    let reveals = |page: &Shown| page.text.contains("赵*") || page.text.contains("孙*");
    if path.contains(id) {
        let page = get(browser, path).await;
        assert!(page.code().is_some() && !reveals(&page), "{who} GET {path}: {}", page.text);
    }
    let by_name = ["identity", "record", "field", "forget", "remove"].contains(&act);
    let fields = match by_name {
        true => vec![(act, id)],
        false => vec![
            ("act", act),
            ("id", id),
            ("sure", "yes"),
            ("term", "long"),
            ("p-TAX_QUERY", "yes"),
        ],
    };
    let before = states(app).await;
    let page = post(app, browser, path, &fields).await;
    assert!(page.status.as_u16() < 500, "{who} {path} {act}");
    assert!(!reveals(&page), "{who} {path} {act}");
    assert_eq!(states(app).await, before, "{who} {path} {act} changed something");
    let is_refused = page.code().is_some() || page.url.contains("/login");
    assert!(is_refused, "{who} {path} {act}: {}", page.text);
}

async fn states(app: &TestApp) -> Vec<(String, i64)> {
    let mut states = Vec::new();
    for phone in ["13600136000", "13500135000"] {
        let all = held(&app.ctx, phone).await;
        states.extend(all.iter().map(|one| (one.state().name().to_owned(), one.version())));
    }
    states
}
