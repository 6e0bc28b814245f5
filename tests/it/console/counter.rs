//! The counter of the hall: handlers that it adds, changes, withdraws and ends, and the history that nobody
//! can clear from it.

use hufu::domain::authorisation::{Actor, Authorisation, By, Event, Origin, State};
use hufu::flows::relations::writer::change;
use serde_json::{Value, json};

use super::{AtDesk, CONSOLE, acts};
use crate::account::{WANG, as_li, as_person, get, listed, post, relation};
use crate::kit::browser::Shown;
use crate::kit::{EXAMPLE, RowsOfRealm, TestApp, on_each_database};
use crate::recovery::{WANG_ID, account_of};

const WHY: (&str, &str) = ("reason", "窗口受理，叫号 B003");

/// The form for somebody nobody knows yet.
const NEW: [(&str, &str); 7] = [
    ("name", "许佳"),
    ("document_type", "resident_id_card"),
    ("document", "360104198502030023"),
    ("identity_type", "tax_clerk"),
    ("p-TAX_FILING", "yes"),
    ("term", "long"),
    ("act", "add"),
];

/// The page of the example's handlers.
async fn at_enterprise(desk: &mut AtDesk) -> Shown {
    let shown = desk.send("/enterprises", &[("enterprise", EXAMPLE), WHY]).await;
    assert_eq!(shown.code(), None, "{}", shown.text);
    shown
}

/// The path below the console of the one that the hall has added.
fn of_hall(page: &Shown) -> String {
    let mut found = page.text.split("<li data-handler=\"").skip(1);
    let item = found.find(|item| item.split("</li>").next().unwrap().contains("办税服务厅"));
    let item = item.unwrap_or_else(|| panic!("none of the hall: {}", page.text));
    format!("/handlers/{}", item.split('"').next().unwrap())
}

async fn now(app: &TestApp, path: &str) -> Authorisation {
    let id = path.rsplit('/').next().unwrap().parse().unwrap();
    app.ctx.rows().authorisations().find(id).await.unwrap().unwrap()
}

/// Covers X-18, AC-27: the hall adds somebody nobody knows, alone takes it back or changes it, each with a
/// reason in the audit.
#[test]
fn what_the_hall_adds_the_hall_changes() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut hall = AtDesk::start(&app, "zhou", "hall").await;
        let shown = hall.send("/enterprises", &[("enterprise", "91360100MA35ABCD99"), WHY]).await;
        assert_eq!(shown.code(), Some("E_STATE"), "{}", shown.text);
        let page = at_enterprise(&mut hall).await;
        let add = format!("{}/add", page.url);
        let form = hall.browser.get(&add).await;
        // Nothing without a reason, a right, a name, a number, a type that is given here.
        for (field, wrong) in [
            ("reason", ""),
            ("p-TAX_FILING", "no"),
            ("name", "1"),
            ("document", "360104198502030024"),
            ("identity_type", "legal_representative"),
        ] {
            let mut values = [&NEW[..], &[WHY]].concat();
            values.retain(|(name, _)| *name != field);
            values.push((field, wrong));
            let shown = hall.browser.submit(&form, &values).await;
            assert_eq!(shown.code(), Some("E_FORMAT"), "{field}: {}", shown.text);
        }
        let page = hall.browser.submit(&form, &[&NEW[..], &[WHY]].concat()).await;
        assert!(page.text.contains("已添加"), "{}", page.text);
        let path = of_hall(&page);
        let added = now(&app, &path).await;
        assert_eq!((added.origin, added.state()), (Origin::Hall, State::PendingByPerson));
        assert_eq!(added.invited_by, None);
        let again = hall.browser.submit(&form, &[&NEW[..], &[WHY]].concat()).await;
        assert_eq!(again.code(), Some("E_STATE"), "{}", again.text);

        let mut li = as_li(&app).await;
        let theirs = format!("/account{path}");
        let shown = post(&app, &mut li, &theirs, &[("act", "withdraw")]).await;
        assert_eq!(shown.code(), Some("E_OFFLINE_ONLY"), "{}", shown.text);

        // Another's change in between is seen.
        let form = hall.get(&path).await;
        let change = [("p-TAX_QUERY", "yes"), ("term", "long"), ("act", "save"), WHY];
        let shown = hall.browser.submit(&form, &change).await;
        assert!(shown.text.contains("已保存"), "{}", shown.text);
        assert_eq!(now(&app, &path).await.permissions().iter().collect::<Vec<_>>(), ["TAX_QUERY"]);
        let shown = hall.browser.submit(&form, &change).await;
        assert_eq!(shown.code(), Some("E_STATE"), "{}", shown.text);
        let form = hall.get(&path).await;
        let none = [("p-TAX_QUERY", "no"), ("term", "long"), ("act", "save"), WHY];
        let shown = hall.browser.submit(&form, &none).await;
        assert_eq!(shown.code(), Some("E_FORMAT"), "{}", shown.text);
        let forged = format!("csrf={}&act=end&reason=asked", form.hidden()["csrf"]);
        let shown = hall.browser.send("POST", &form.url, Some(forged)).await;
        let state = (shown.code(), now(&app, &path).await.state());
        assert_eq!(state, (Some("E_STATE"), State::PendingByPerson), "nobody works by it yet");
        let page = hall.browser.submit(&form, &[("act", "withdraw"), WHY]).await;
        assert!(page.text.contains("已撤回"), "{}", page.text);
        assert_eq!(now(&app, &path).await.state(), State::Withdrawn);
        let shown = hall.get(&path).await;
        assert!(!shown.text.contains("value=\"withdraw\""), "{}", shown.text);

        let done = acts(&app, "officer_acted").await;
        let done: Vec<&str> = done
            .iter()
            .map(|(_, act)| act.as_str())
            .filter(|act| !act.starts_with("look") && !act.starts_with("find"))
            .collect();
        assert_eq!(done, ["add-handler", "edit-handler", "withdraw-handler"]);
        let audit = app.audit().await;
        let added = audit.iter().find(|event| event["act"] == "add-handler").unwrap();
        assert_eq!(added["reason"], WHY.1);
        assert!(added["person"].is_string() && added["enterprise"].is_string());
        let events = audit.iter().filter(|event| event["action"] == "authorisation_changed");
        assert!(events.filter(|event| event["side"] == "officer").count() == 3);
    });
}

/// Covers PC-25, X-18, AC-40, X-19: the hall ends a relation of somebody who has cancelled their account; both
/// sides clear their views, and the console still has every record.
#[test]
fn the_hall_ends_and_remembers() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let clerk = relation(&app, WANG, "tax_clerk").await;
        let person = account_of(&app, "wangxm").await.person;
        let mut wang = as_person(&app, WANG).await;
        app.clock.advance(61);
        let page =
            post(&app, &mut wang, "/account/cancel", &[("read", "yes"), ("way", "sms")]).await;
        wang.pass_second_factor(&app, &page, WANG).await;
        assert!(app.ctx.rows().accounts().find_by_person(person).await.unwrap().is_none());
        assert_eq!(now(&app, &format!("/{}", clerk.id)).await.state(), State::Active, "PC-24");

        let mut hall = AtDesk::start(&app, "zhou", "hall").await;
        let page = at_enterprise(&mut hall).await;
        assert!(page.text.contains("pill cancelled"), "{}", page.text);
        let path = format!("/handlers/{}", clerk.id);
        let form = hall.get(&path).await;
        let shown = hall.browser.submit(&form, &[("act", "end"), ("reason", "")]).await;
        assert_eq!(shown.code(), Some("E_FORMAT"));
        let shown = hall.browser.submit(&form, &[("act", "end"), WHY]).await;
        assert!(shown.text.contains("已解除"), "{}", shown.text);
        assert_eq!(now(&app, &path).await.state(), State::Deleted);
        let shown = hall.browser.submit(&form, &[("act", "end"), WHY]).await;
        assert_eq!(shown.code(), Some("E_STATE"), "{}", shown.text);

        // The enterprise clears its view of it.
        let mut li = as_li(&app).await;
        let history = "/account/handlers/history";
        let seen = listed(&get(&mut li, &format!("{history}?reason=deleted")).await);
        assert_eq!(seen.len(), 1);
        let asked = post(&app, &mut li, history, &[("reason", "deleted")]).await;
        li.submit(&asked, &[("sure", "yes")]).await;
        assert!(listed(&get(&mut li, &format!("{history}?reason=deleted")).await).is_empty());
        let page = at_enterprise(&mut hall).await;
        let whole = hall.browser.get(&format!("{}/history", page.url)).await;
        let row = format!("data-authorisation=\"{}\"", clerk.id);
        assert!(whole.text.contains(&row), "{}", whole.text);
        assert!(whole.text.contains("企业已于") && whole.text.contains("税务机关操作"));
        let mut audit = AtDesk::start(&app, "wang", "audit").await;
        let whole = audit.send("/enterprises", &[("enterprise", EXAMPLE), WHY]).await;
        assert!(whole.url.ends_with("/history") && whole.text.contains(&row), "{}", whole.url);
        let reads: Vec<String> = acts(&app, "officer_acted")
            .await
            .into_iter()
            .filter(|(_, act)| act == "read-history")
            .map(|(by, _)| by)
            .collect();
        assert_eq!(reads, ["officer/zhou", "officer/wang"]);

        // By the person, whose account is no more.
        let shown = audit.send("/relations", &[("person", "x y"), WHY]).await;
        assert_eq!(shown.code(), Some("E_FORMAT"), "{}", shown.text);
        let shown = audit.send("/relations", &[("person", "13800138999"), WHY]).await;
        assert!(shown.text.contains("id=\"nobody\""), "{}", shown.text);
        for desk in [&mut audit, &mut hall] {
            let whole = desk.send("/relations", &[("person", WANG_ID), WHY]).await;
            assert!(whole.url.ends_with(&format!("/console/relations/{person}")), "{}", whole.url);
            assert!(whole.text.contains(&row) && whole.text.contains(EXAMPLE), "{}", whole.text);
            assert!(whole.text.contains("企业已于") && whole.text.contains("税务机关操作"));
            assert!(!whole.text.contains(WANG_ID), "{}", whole.text);
        }
        let done = app.audit().await;
        let of_wang = |act: &str| {
            let acts = done.iter().filter(|one| one["act"] == act);
            acts.filter(|one| one["person"] == json!(person)).count()
        };
        assert_eq!((of_wang("find-person"), of_wang("read-history")), (2, 2));
    });
}

/// Covers AC-40: what a person has cleared, too; and what the registry gives is not changed at the counter.
#[test]
fn the_register_is_not_the_counters() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let clerk = relation(&app, WANG, "invoicing_clerk").await;
        let manager = By { actor: Actor::Manager, person: None };
        change(&app.ctx, &clerk, &Event::Delete, manager).await.unwrap();
        let mut wang = as_person(&app, WANG).await;
        let path = "/account/authorisations/history";
        let page = post(&app, &mut wang, path, &[("reason", "deleted")]).await;
        wang.submit(&page, &[("sure", "yes")]).await;
        assert!(listed(&get(&mut wang, &format!("{path}?reason=deleted")).await).is_empty());
        let mut hall = AtDesk::start(&app, "zhou", "hall").await;
        let page = at_enterprise(&mut hall).await;
        let whole = hall.browser.get(&format!("{}/history", page.url)).await;
        assert!(whole.text.contains(&clerk.id.to_string()), "{}", whole.text);
        assert!(whole.text.contains("个人已于"), "{}", whole.text);

        let boss = relation(&app, crate::account::LI, "legal_representative").await;
        let form = hall.get(&format!("/handlers/{}", boss.id)).await;
        let change = [("p-TAX_QUERY", "yes"), ("term", "long"), ("act", "save"), WHY];
        let shown = hall.browser.submit(&form, &change).await;
        assert_eq!(shown.code(), Some("E_PROTECTED"), "{}", shown.text);
        // A face is no officer's: the pending one is the person's to confirm.
        assert!(!form.text.contains("value=\"confirm\""));
    });
}

/// Everything that is kept but the audit, in which looks stand.
async fn kept(app: &TestApp) -> RowsOfRealm {
    let mut rows = app.rows_of("jiangxi").await;
    rows.retain(|table, _| !table.starts_with("audit"));
    rows
}

/// What the audit has of an act at the console.
async fn told(app: &TestApp, act: &str) -> Vec<Value> {
    let all = app.audit().await;
    let is_it = |one: &Value| one["action"] == "officer_acted" && one["act"] == act;
    all.into_iter().filter(is_it).collect()
}

/// Covers X-18: of the four acts each is refused without a reason, or with one that is none, and changes nothing;
/// with one it is done and stands in the audit with the reason, the relation, its person and its enterprise.
#[test]
fn no_act_of_the_hall_is_without_a_reason() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut hall = AtDesk::start(&app, "zhou", "hall").await;
        let page = at_enterprise(&mut hall).await;
        let add = format!("{}/add", page.url.strip_prefix(CONSOLE).unwrap());
        let clerk = format!("/handlers/{}", relation(&app, WANG, "tax_clerk").await.id);
        let change = [("p-TAX_QUERY", "yes"), ("term", "long"), ("act", "save")];
        let mut made = String::new();
        for (act, fields, reason) in [
            ("add-handler", &NEW[..], "窗口受理，叫号 X001"),
            ("edit-handler", &change[..], "窗口受理，叫号 X002"),
            ("withdraw-handler", &[("act", "withdraw")][..], "窗口受理，叫号 X003"),
            ("end-relation", &[("act", "end")][..], "窗口受理，叫号 X004"),
        ] {
            let path = match act {
                "add-handler" => &add,
                "end-relation" => &clerk,
                _ => &made,
            };
            let form = hall.get(path).await;
            let before = kept(&app).await;
            for none in ["", " ", "x"] {
                let fields = [fields, &[("reason", none)]].concat();
                let shown = hall.browser.submit(&form, &fields).await;
                assert_eq!(shown.code(), Some("E_FORMAT"), "{act} {none}: {}", shown.text);
                assert!(shown.text.contains("id=\"reason-wrong\""), "{act}: {}", shown.text);
            }
            assert!(kept(&app).await == before, "{act} has changed something");
            assert!(told(&app, act).await.is_empty(), "{act}");
            let shown = hall.browser.submit(&form, &[fields, &[("reason", reason)]].concat()).await;
            assert_eq!(shown.code(), None, "{act}: {}", shown.text);
            if act == "add-handler" {
                made = of_hall(&shown);
            }
            let one = now(&app, if act == "end-relation" { &clerk } else { &made }).await;
            let expected = json!({"action": "officer_acted", "by": "officer/zhou", "act": act,
                "reason": reason, "person": one.person, "enterprise": one.enterprise,
                "about": one.id.to_string()});
            assert_eq!(told(&app, act).await, [expected]);
        }
        let states = (now(&app, &made).await.state(), now(&app, &clerk).await.state());
        assert_eq!(states, (State::Withdrawn, State::Deleted));
    });
}
