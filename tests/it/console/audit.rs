//! The audit at the console: by time, person, officer and kind, in pages that leave nothing out.

use std::collections::BTreeSet;

use hufu::domain::audit::ACTIONS;
use hufu::domain::authorisation::{By, Event};
use hufu::domain::help::Helper;
use hufu::flows::relations::writer::change;
use hufu::flows::{help, people};
use serde_json::json;

use super::{AtDesk, acts};
use crate::account::{LI, as_person, get, relation};
use crate::kit::browser::Shown;
use crate::kit::{TestApp, on_each_database};
use crate::recovery::{CHEN_ID, WANG, WANG_ID, account_of, holder_of};

const LI_ID: &str = "360121198802290026";

const WHY: (&str, &str) = ("reason", "季度审计，2026 年第 4 季度");

fn numbers(page: &Shown) -> Vec<i64> {
    let found = page.text.split("data-number=\"").skip(1);
    found.map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect()
}

/// Every kind of event can be looked for: the list is as the events are.
#[test]
fn the_list_of_kinds_is_whole() {
    let source = include_str!("../../../src/domain/audit.rs");
    let body = source.split("pub enum AuditEvent {").nth(1).unwrap().split("\n}\n").next().unwrap();
    let mut named = BTreeSet::new();
    for line in body.lines() {
        let Some(name) = line.strip_prefix("    ").and_then(|line| line.strip_suffix(" {")) else {
            continue;
        };
        if name.starts_with(|c: char| c.is_ascii_uppercase()) {
            let mut snake = String::new();
            for c in name.chars() {
                if c.is_ascii_uppercase() && !snake.is_empty() {
                    snake.push('_');
                }
                snake.push(c.to_ascii_lowercase());
            }
            named.insert(snake);
        }
    }
    let listed: BTreeSet<String> = ACTIONS.iter().map(|one| (*one).to_owned()).collect();
    assert_eq!(named, listed);
}

/// Covers: each filter finds what it names and nothing else, pages follow each other without gap
/// and without doubles, and the search itself stands in the audit.
#[test]
fn an_auditor_finds_events() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let person = account_of(&app, "wangxm").await.person;
        let mut desk = AtDesk::start(&app, "wang", "audit").await;
        for (by, n) in [("officer/zhou", 60), ("operator/root", 3)] {
            let helper = Helper::new(by, "asked at the counter").unwrap();
            for _ in 0..n {
                help::look(&app.ctx, &helper, person).await.unwrap();
            }
        }
        app.clock.advance(600);
        let search = async |desk: &mut AtDesk, more: &[(&str, &str)]| {
            let page = desk.get("/audit").await;
            desk.browser.submit(&page, &[more, &[WHY, ("act", "search")]].concat()).await
        };
        let page = desk.get("/audit").await;
        for action in ACTIONS {
            assert!(page.text.contains(&format!(" ({action})</option>")), "no words: {action}");
        }
        let shown = desk.browser.submit(&page, &[("reason", ""), ("act", "search")]).await;
        assert_eq!((shown.code(), numbers(&shown).len()), (Some("E_FORMAT"), 0));
        let page = search(&mut desk, &[("officer", "zhou"), ("action", "help_given")]).await;
        let mut all = numbers(&page);
        assert_eq!(all.len(), 50, "{}", page.text);
        assert!(page.text.contains("officer/zhou") && !page.text.contains("operator/root"));
        let next = desk.browser.submit(&page, &[("act", "next")]).await;
        all.extend(numbers(&next));
        assert!(!next.text.contains("id=\"audit-next\""), "{}", next.text);
        assert_eq!(all.len(), 60);
        assert!(all.windows(2).all(|pair| pair[0] > pair[1]), "newest first, each once");
        let page = search(&mut desk, &[("officer", "operator/root")]).await;
        assert_eq!(numbers(&page).len(), 4, "with the invitation: {}", page.text);
        let page = search(&mut desk, &[("person", WANG), ("officer", "operator/root")]).await;
        assert_eq!(numbers(&page).len(), 3, "{}", page.text);
        let page = search(&mut desk, &[("person", "13800138999")]).await;
        assert!(numbers(&page).is_empty() && page.text.contains("没有符合条件的记录"));
        let page = search(&mut desk, &[("action", "officer_entered")]).await;
        assert_eq!(numbers(&page).len(), 1, "{}", page.text);
        let page = search(&mut desk, &[("to", "2026-11-23")]).await;
        assert!(numbers(&page).is_empty(), "{}", page.text);
        for (field, wrong) in [
            ("from", "2026-12-31"),
            ("from", "x"),
            ("person", "1"),
            // No kind of event has this name, nor a part of one.
            ("action", "no_such_event"),
            ("action", "officer"),
        ] {
            let page = search(&mut desk, &[(field, wrong)]).await;
            assert_eq!(page.code(), Some("E_FORMAT"), "{field} {wrong}");
        }
        let page = search(&mut desk, &[("officer", "x".repeat(101).as_str())]).await;
        assert!(page.text.contains("href=\"#officer-of\""), "not the reader: {}", page.text);
        let page = desk.get("/audit").await;
        let forged = format!("csrf={}&before=now&reason=asked", page.hidden()["csrf"]);
        let path = format!("{}/audit", super::CONSOLE);
        let shown = desk.browser.send("POST", &path, Some(forged)).await;
        assert_eq!(shown.code(), Some("E_FORMAT"), "{}", shown.text);
        let searches = acts(&app, "officer_acted").await;
        let n_searches = searches.iter().filter(|(_, act)| act == "query-audit").count();
        assert_eq!(n_searches, 7, "each that was answered");
        let report = app.ctx.rows().records().verify_audit(&[]).await.unwrap();
        assert_eq!(report.fault, None, "what it is found by is no part of the chain");
    });
}

/// Covers X-19: who looked at a person, helped them and changed what is theirs is found by the person, also what an
/// account says alone that they have given up since.
#[test]
fn an_auditor_asks_by_person() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        drop(as_person(&app, WANG).await);
        let account = account_of(&app, "wangxm").await;
        let helper = Helper::new("officer/zhou", "asked at the counter").unwrap();
        help::look(&app.ctx, &helper, account.person).await.unwrap();
        let tx = app.ctx.begin().await.unwrap();
        assert!(people::cancel_account(&app.ctx, &tx, &account).await.unwrap());
        tx.commit().await.unwrap();
        let mut desk = AtDesk::start(&app, "wang", "audit").await;
        for (action, is_theirs) in [
            ("help_given", true),
            ("account_cancelled", true),
            ("second_factor_passed", true),
            ("officer_entered", false),
        ] {
            for (who, is_found) in [(WANG_ID, is_theirs), (CHEN_ID, false)] {
                let values = [("person", who), ("action", action), WHY, ("act", "search")];
                let page = desk.send("/audit", &values).await;
                assert_ne!(numbers(&page).is_empty(), is_found, "{action} {who}");
            }
        }
    });
}

/// Covers: what was done to a relation is found by who holds it and by who did it, each event once, also
/// where both are one. The list of what happened to an account leaves it to the relations' own history.
#[test]
fn an_auditor_finds_relations_by_their_people() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        let manager = By::manager(holder_of(&app, LI).await.unwrap().person);
        let (clerk, invoicing) = (
            relation(&app, WANG, "tax_clerk").await,
            relation(&app, WANG, "invoicing_clerk").await,
        );
        change(&app.ctx, &clerk, &Event::Delete, manager).await.unwrap();
        let own = By::holder(invoicing.person);
        change(&app.ctx, &invoicing, &Event::Delete, own).await.unwrap();
        let mut desk = AtDesk::start(&app, "wang", "audit").await;
        for (who, action, n) in [
            (WANG_ID, "authorisation_changed", 2),
            (LI_ID, "authorisation_changed", 1),
            (CHEN_ID, "authorisation_changed", 0),
            // With the search of before, and how her account began.
            (LI_ID, "", 6),
        ] {
            let values = [("person", who), ("action", action), WHY, ("act", "search")];
            let page = desk.send("/audit", &values).await;
            let found = numbers(&page);
            assert_eq!(found.len(), n, "{who} {action}: {}", page.text);
            assert!(found.windows(2).all(|pair| pair[0] > pair[1]), "newest first: {found:?}");
        }
        let events = app.audit().await;
        let ended = events.iter().find(|one| one["authorisation"] == json!(clerk.id)).unwrap();
        assert_eq!(ended["person"], json!(clerk.person));
        assert_eq!(
            (&ended["enterprise"], &ended["by"]),
            (&json!(clerk.enterprise), &json!(manager.person))
        );
        let page = get(&mut wang, "/account/security").await;
        assert!(!page.text.contains("授权变更"), "{}", page.text);
    });
}

/// Whatever is combined, an index finds it.
#[tokio::test(flavor = "multi_thread")]
async fn every_search_has_an_index() {
    let app = TestApp::start(crate::kit::On::Sqlite).await;
    let columns = [
        "",
        "AND \"subject\" IN (?)",
        "AND \"actor\" IN (?)",
        "AND \"actor\" = ?",
        "AND \"action\" = ?",
    ];
    for more in columns {
        let sql = format!(
            "SELECT \"sequence\" FROM \"audit\" WHERE \"realm\" = ? AND \"at\" >= ? AND \"at\" <= ? \
             {more} ORDER BY \"at\" DESC, \"sequence\" DESC LIMIT ?"
        );
        let plan = app.plan(&sql).await.join(" | ");
        assert!(plan.contains("USING") && plan.contains("INDEX audit_"), "{more}: {plan}");
        assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{more}: {plan}");
    }
}
