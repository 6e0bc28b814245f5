//! A number that only an invitation names: what makes it somebody's, and by whose word it goes over.

use hufu::base::clock::Day;
use hufu::base::id::{AuthorisationId, PersonId};
use hufu::domain::authorisation::{Actor, By, Event, Terms};
use hufu::domain::new_document::NewDocument;
use hufu::domain::notice::NoticeKind;
use hufu::domain::number::document::{DocumentNumber, DocumentType};
use hufu::domain::number::name::PersonName;
use hufu::domain::person::DocumentEnd;
use hufu::flows::people;
use hufu::flows::relations::writer::change;
use serde_json::json;

use super::take_over::{owner, told};
use super::{LI, WANG, as_li, feed, held, id_of};
use crate::kit::{Browser, SAMPLE, TestApp, changed_realm, on_each_database, on_one_database};

const PASSPORTS: [&str; 4] = ["E12345671", "E12345672", "E12345673", "E12345674"];

pub fn passport(app: &TestApp, text: &str) -> DocumentNumber {
    DocumentNumber::parse(DocumentType::ChinesePassport, text, app.ctx.now().day()).unwrap()
}

/// By the manager, as an invoicing clerk.
pub async fn asked(
    app: &TestApp,
    li: &mut Browser,
    name: &str,
    (kind, number): (&str, &str),
) -> AuthorisationId {
    let more = [
        ("name", name),
        ("document_type", kind),
        ("document", number),
        ("identity_type", "invoicing_clerk"),
        ("p-TAX_FILING", ""),
        ("p-TAX_QUERY", ""),
        ("p-INVOICE", "yes"),
        ("risk", "yes"),
    ];
    let added = super::enterprise::add(app, li, &more).await;
    assert_eq!(added.code(), None, "{}", added.text);
    id_of(&added.url).parse().unwrap()
}

/// What somebody adds in the account centre once their face was compared; `false`: `E_TAKEN`.
async fn prove(app: &TestApp, person: PersonId, number: DocumentNumber) -> bool {
    let new = NewDocument {
        name: PersonName::parse("王小明").unwrap(),
        number,
        valid_from: Day::parse("2026-01-01").unwrap(),
        valid_to: DocumentEnd::On(Day::parse("2036-01-01").unwrap()),
    };
    let tx = app.ctx.begin().await.unwrap();
    let is_held = people::add_document(&app.ctx, &tx, person, &new).await.unwrap();
    if is_held {
        tx.commit().await.unwrap();
    }
    is_held
}

/// State and holder of a relation.
async fn stands(app: &TestApp, id: AuthorisationId) -> (&'static str, PersonId) {
    let one = app.ctx.rows().authorisations().find(id).await.unwrap().unwrap();
    (one.state().name(), one.person)
}

/// Not whoever was told of by the registry (also what waits), had an account, reached a level, or was collected by a
/// hall: their number stays theirs, and what was asked by it waits. Covers D-08.
#[test]
fn a_number_of_which_more_is_known_stays_its_persons() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let wang = held(&app.ctx, WANG).await[0].person;
        let [told, cancelled, reached, collected] = PASSPORTS;
        let line = json!({"feed": "person", "source_key": "p", "version": 1, "name": "钱多",
            "document_type": "chinese_passport", "document": cancelled});
        feed(&app, &[line]).await;
        let rows = app.ctx.rows();
        let person = rows.people().find_by_document(&passport(&app, cancelled)).await.unwrap();
        let person = person.unwrap();
        let account = rows.accounts().find_by_person(person).await.unwrap().unwrap();
        let tx = app.ctx.begin().await.unwrap();
        assert!(people::cancel_account(&app.ctx, &tx, &account).await.unwrap());
        tx.commit().await.unwrap();
        // So that the account alone says whose the number is.
        let person = app.literal(person.0);
        app.sql(&format!("UPDATE person SET real_name_level = 1 WHERE id = {person}")).await;

        let mut ids = Vec::new();
        for number in PASSPORTS {
            ids.push(asked(&app, &mut li, "钱多", ("chinese_passport", number)).await);
        }
        let waits = json!({"feed": "authorisation", "source_key": "r", "version": 1,
            "enterprise": SAMPLE, "person": format!("chinese_passport:{told}"),
            "identity_type": "finance_supervisor", "valid_from": "2026-01-01",
            "state": "pending_by_person"});
        let record = json!({"feed": "hall_record", "source_key": "h", "version": 1, "name": "钱多",
            "document_type": "chinese_passport", "document": collected, "phone": "13700990099",
            "collected_on": "2026-11-01", "collected_by": "a"});
        feed(&app, &[waits, record]).await;
        let holder = rows.people().find_by_document(&passport(&app, reached)).await.unwrap();
        let holder = app.literal(holder.unwrap().0);
        app.sql(&format!(
            "INSERT INTO real_name_step (realm, person_id, level, how, at) \
             VALUES ('jiangxi', {holder}, 1, 'password', 0)"
        ))
        .await;

        for (number, id) in PASSPORTS.into_iter().zip(ids) {
            let (_, before) = stands(&app, id).await;
            assert!(!prove(&app, wang, passport(&app, number)).await, "{number}");
            assert_eq!(stands(&app, id).await, ("pending_by_person", before), "{number}");
        }
        let theirs = rows.people().find_by_document(&passport(&app, told)).await.unwrap();
        let all = rows.standings().held(theirs.unwrap()).await.unwrap();
        assert_eq!(all.len(), 2);
        assert!(all.iter().all(|(one, _)| one.state().is_pending()), "{all:?}");
    });
}

/// Of 1 June 2015 (`docs/formats.md`).
const CHILD: &str = "36010220150601003X";

/// Whoever proves by the number itself that they are too young is asked nothing by it: it is over, and the manager is
/// told. Children may be handlers where they were asked, and no longer where they prove it.
#[test]
fn a_number_that_tells_a_child_passes_no_invitation_on() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        let own = [("realm.toml", "home_province =", "handler_min_age = 11\nhome_province =")];
        let before = app.second_node_of(changed_realm(&own)).await;
        let mut li = as_li(&before).await;
        let id = asked(&before, &mut li, "陈小小", ("resident_id_card", CHILD)).await;
        let line = json!({"feed": "person", "source_key": "child", "version": 1, "name": "陈小小",
            "document_type": "chinese_passport", "document": PASSPORTS[0]});
        feed(&app, &[line]).await;
        let people = app.ctx.rows().people();
        let child = people.find_by_document(&passport(&app, PASSPORTS[0])).await.unwrap().unwrap();
        let card = DocumentNumber::parse(DocumentType::ResidentIdCard, CHILD, app.ctx.now().day());
        assert!(prove(&app, child, card.unwrap()).await);
        let (state, holder) = stands(&app, id).await;
        assert_eq!((state, holder == child), ("withdrawn", false));
        let manager = owner(&app, LI).await.unwrap();
        assert!(told(&app, &manager).await.contains(&NoticeKind::Withdrawn));
    });
}

/// The registry says whose a number is that only invitations name: an older line's person has it, what was asked by it
/// waits for them, and under another name it is over.
#[test]
fn the_registry_says_whose_an_invited_number_is() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let [first, asked_for, misnamed, _] = PASSPORTS;
        let line = |version: i64, number: &str| {
            json!({"feed": "person", "source_key": "renewed", "version": version, "name": "钱多",
                "document_type": "chinese_passport", "document": number})
        };
        feed(&app, &[line(1, first)]).await;
        let find = async |number: &str| {
            app.ctx.rows().people().find_by_document(&passport(&app, number)).await.unwrap()
        };
        let person = find(first).await.unwrap();
        let theirs = asked(&app, &mut li, "钱多", ("chinese_passport", asked_for)).await;
        let wrong = asked(&app, &mut li, "钱少", ("chinese_passport", misnamed)).await;
        for (version, number) in [(2, asked_for), (3, misnamed)] {
            assert_ne!(find(number).await, Some(person));
            feed(&app, &[line(version, number)]).await;
            assert_eq!(find(number).await, Some(person));
        }
        assert_eq!(stands(&app, theirs).await, ("pending_by_person", person));
        let one = app.ctx.rows().authorisations().find(theirs).await.unwrap().unwrap();
        assert_eq!(app.events(&one).await, ["add enterprise", "proved registry"]);
        assert_eq!(stands(&app, wrong).await.0, "withdrawn");
    });
}

/// Whoever has agreed once is known by their own name, also where they are asked for more and have yet to answer.
/// Covers AC-21.
#[test]
fn a_typed_name_is_gone_once_its_person_has_agreed() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let id = asked(&app, &mut li, "钱少", ("chinese_passport", PASSPORTS[0])).await;
        let line = json!({"feed": "person", "source_key": "p", "version": 1, "name": "钱多",
            "document_type": "chinese_passport", "document": PASSPORTS[0]});
        feed(&app, &[line]).await;
        let rows = app.ctx.rows();
        let named = async || {
            let (one, person) = rows.relations().handler(id).await.unwrap().unwrap();
            (one.state().name(), person.name.as_str().to_owned())
        };
        assert_eq!(named().await, ("pending_by_person", "钱少".to_owned()));
        let permissions = ["INVOICE", "INVOICE_ISSUE"].map(str::to_owned).into();
        let wider = Event::Renew(Terms { permissions, valid_to: None });
        let (_, holder) = stands(&app, id).await;
        let manager = By { actor: Actor::Manager, person: None };
        for (event, by, state) in [
            (Event::Confirm, By::holder(holder), "active"),
            (Event::Expire, By::CLOCK, "expired"),
            (wider, manager, "pending_by_person"),
        ] {
            let one = rows.authorisations().find(id).await.unwrap().unwrap();
            change(&app.ctx, &one, &event, by).await.unwrap();
            assert_eq!(named().await, (state, "钱多".to_owned()));
        }
    });
}
