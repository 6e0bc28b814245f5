//! What is made in one moment stands in the order in which it was made, in every list and on its way.

use hufu::domain::authorisation::{Actor, By, Event};
use hufu::flows::relations::writer::change;
use hufu::store::deliveries::{Channel, Receiver};
use serde_json::json;

use super::{as_li, feed, get, listed};
use crate::kit::{EXAMPLE, TestApp, on_each_database};

/// Six who are asked at once, by what lists show of their names.
const ASKED: [(&str, &str); 6] = [
    ("卫一", "卫*"),
    ("蒋二", "蒋*"),
    ("沈三", "沈*"),
    ("韩四", "韩*"),
    ("杨五", "杨*"),
    ("朱六", "朱*"),
];

/// The names of a list that are of those six, in its order.
fn ours(names: impl Iterator<Item = String>) -> Vec<String> {
    names.filter(|name| ASKED.iter().any(|(_, shown)| name == shown)).collect()
}

/// Covers AC-28, AC-37: those who are asked by one import stand in its order, those who are ended in one moment the
/// other way round, newest first; and applications hear of them in the order in which it happened.
#[test]
fn one_moment_keeps_its_order() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let numbers =
            ["E98765430", "E98765431", "E98765432", "E98765433", "E98765434", "E98765435"];
        let both = || ASKED.iter().zip(numbers);
        let people = both().map(|((name, _), number)| {
            json!({"feed": "person", "source_key": number, "version": 1, "name": name,
                "document_type": "chinese_passport", "document": number})
        });
        feed(&app, &people.collect::<Vec<_>>()).await;
        let relations = both().map(|(_, number)| {
            json!({"feed": "authorisation", "source_key": number, "version": 1,
                "enterprise": EXAMPLE, "person": format!("chinese_passport:{number}"),
                "identity_type": "tax_clerk", "permissions": "TAX_QUERY",
                "valid_from": "2026-01-01", "state": "active"})
        });
        feed(&app, &relations.collect::<Vec<_>>()).await;
        let shown: Vec<String> = ASKED.iter().map(|(_, shown)| (*shown).to_owned()).collect();
        let page = get(&mut li, "/account/handlers").await;
        assert_eq!(ours(listed(&page).into_iter().map(|(name, ..)| name)), shown);

        let rows = app.ctx.rows();
        let manager = By { actor: Actor::Manager, person: None };
        let enterprise = super::relation(&app, super::LI, "legal_representative").await.enterprise;
        let mut ended = Vec::new();
        for (one, person) in rows.relations().handlers(enterprise).await.unwrap() {
            if ASKED.iter().any(|(name, _)| *name == person.name.as_str()) {
                change(&app.ctx, &one, &Event::Delete, manager).await.unwrap();
                ended.push(one.id.to_string());
            }
        }
        let page = get(&mut li, "/account/handlers/history?reason=deleted").await;
        let newest_first: Vec<String> = shown.into_iter().rev().collect();
        assert_eq!(ours(listed(&page).into_iter().map(|(name, ..)| name)), newest_first);

        let to = Receiver { client_id: "data-exchange".to_owned(), channel: Channel::Relation };
        let due = rows.deliveries().due(&to, app.ctx.now(), 100).await.unwrap();
        let about: Vec<&str> = due.iter().map(|one| one.about.as_str()).collect();
        assert_eq!(about, [&ended[..], &ended[..]].concat(), "all begin before one ends");
    });
}
