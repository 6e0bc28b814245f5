//! In which order rows are held: of two who change relations of one enterprise at once one waits for the other,
//! and neither is ended for the other's sake. PostgreSQL alone: SQLite has one writer.

use hufu::base::id::AuthorisationId;
use hufu::domain::authorisation::{Actor, By, Event};
use hufu::domain::invitation::Invitation;
use hufu::domain::login::{LoginTransaction, Then};
use hufu::domain::new_document::TypedDocument;
use hufu::domain::refusal::Refusal;
use hufu::domain::session::Session;
use hufu::flows::Stop;
use hufu::flows::centre::documents;
use hufu::flows::relations::person::{begin_confirmation, confirm_batch};
use hufu::flows::relations::writer::{change, change_in};

use super::invited::{asked, passport};
use super::{WANG, as_li, held, invite, relation};
use crate::kit::{On, TestApp, on_each_database};
use crate::login::level::{person_of, session};
use crate::login::step_up::passed;

/// Until somebody waits for a row that another transaction holds.
async fn until_one_waits(app: &TestApp) {
    let waits = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                 AND wait_event_type = 'Lock'";
    for _ in 0..500 {
        if app.count(waits).await > 0 {
            return;
        }
    }
    panic!("nobody waits");
}

async fn session_of_wang(app: &TestApp) -> Session {
    let person = person_of(app, "wangxm").await;
    let person = app.ctx.rows().people().find(person).await.unwrap().unwrap();
    let session = session(app, &person).await;
    let tx = app.ctx.begin().await.unwrap();
    tx.rows().sessions().add(&session).await.unwrap();
    tx.commit().await.unwrap();
    session
}

/// Whoever confirms several waits for an enterprise that somebody changes, and holds no session meanwhile: what ends
/// the session there is not kept from it, and what was to be confirmed within it is not.
#[test]
fn a_batch_that_waits_for_an_enterprise_holds_no_session() {
    on_each_database(|on| async move {
        if matches!(on, On::Sqlite) {
            return;
        }
        let app = TestApp::start(on).await;
        invite(&app).await;
        let session = session_of_wang(&app).await;
        let mut pending = held(&app.ctx, WANG).await;
        pending.retain(|one| one.state().is_pending());
        let shown = pending.iter().map(Invitation::of).collect();
        let begun = begin_confirmation(&app.ctx, &session, shown).await.unwrap();
        let transaction = passed(begun.expect("a step"));

        let other = app.ctx.begin().await.unwrap();
        other.rows().enterprises().hold(pending[0].enterprise).await.unwrap();
        let (confirmed, ended) = tokio::join!(confirm_batch(&app.ctx, &transaction), async {
            until_one_waits(&app).await;
            let ended = other.rows().sessions().end(session.id, app.ctx.now()).await;
            other.commit().await.unwrap();
            ended
        });
        assert_eq!(ended.unwrap().map(|one| one.person), Some(session.person));
        let n_confirmed = confirmed.map(|outcomes| outcomes.len());
        assert_eq!(Stop::refusal(n_confirmed).unwrap(), Err(Refusal::State));
    });
}

/// A manager who ends a relation waits for the enterprise, and holds the relation not yet: whoever was first goes on
/// to its end, and the manager hears that it is over.
#[test]
fn a_manager_waits_for_the_enterprise_before_the_relation() {
    on_each_database(|on| async move {
        if matches!(on, On::Sqlite) {
            return;
        }
        let app = TestApp::start(on).await;
        let clerk = relation(&app, WANG, "tax_clerk").await;
        let manager = By { actor: Actor::Manager, person: None };
        let other = app.ctx.begin().await.unwrap();
        other.rows().enterprises().hold(clerk.enterprise).await.unwrap();
        let (ended, first) =
            tokio::join!(change(&app.ctx, &clerk, &Event::Delete, manager), async {
                until_one_waits(&app).await;
                let end = clerk.registry_end();
                let first = change_in(&app.ctx, &other, &clerk, &end, By::REGISTRY).await;
                other.commit().await.unwrap();
                first
            });
        assert_eq!(first.unwrap().state().name(), "ended");
        assert_eq!(Stop::refusal(ended.map(|_| ())).unwrap(), Err(Refusal::State));
    });
}

const INVITED: &str = "E12345671";

/// 王小明 has shown his face for a passport by whose number somebody else was asked.
async fn adding(app: &TestApp) -> (LoginTransaction, Session, AuthorisationId) {
    let mut li = as_li(app).await;
    let id = asked(app, &mut li, "钱多", ("chinese_passport", INVITED)).await;
    let session = session_of_wang(app).await;
    let typed = TypedDocument {
        name: "王小明".to_owned(),
        kind: "chinese_passport".to_owned(),
        number: INVITED.to_owned(),
        term: "dates".to_owned(),
        valid_from: "2024-05-01".to_owned(),
        valid_to: "2034-04-30".to_owned(),
    };
    let begun = documents::begin(&app.ctx, &session, &typed, Then::Nowhere).await.unwrap();
    (passed(begun), session, id)
}

/// Whoever proves a number by which others were asked waits for the enterprise that asked, and holds no session
/// meanwhile: what ends the session there is not kept from it, and nothing is added within it.
#[test]
fn a_document_that_waits_for_an_enterprise_holds_no_session() {
    on_each_database(|on| async move {
        if matches!(on, On::Sqlite) {
            return;
        }
        let app = TestApp::start(on).await;
        let (transaction, session, id) = adding(&app).await;
        let one = app.ctx.rows().authorisations().find(id).await.unwrap().unwrap();
        let other = app.ctx.begin().await.unwrap();
        other.rows().enterprises().hold(one.enterprise).await.unwrap();
        let (added, ended) = tokio::join!(documents::finish(&app.ctx, &transaction), async {
            until_one_waits(&app).await;
            let ended = other.rows().sessions().end(session.id, app.ctx.now()).await;
            other.commit().await.unwrap();
            ended
        });
        assert_eq!(ended.unwrap().map(|one| one.person), Some(session.person));
        assert_eq!(Stop::refusal(added.map(|_| ())).unwrap(), Err(Refusal::State));
    });
}

/// A manager takes the invitation back while its number is proved: what they did is found once the enterprise is held,
/// and the document is its holder's, told as done because it is.
#[test]
fn an_invitation_that_is_taken_back_meanwhile_stops_no_document() {
    on_each_database(|on| async move {
        if matches!(on, On::Sqlite) {
            return;
        }
        let app = TestApp::start(on).await;
        let (transaction, session, id) = adding(&app).await;
        let one = app.ctx.rows().authorisations().find(id).await.unwrap().unwrap();
        let manager = By { actor: Actor::Manager, person: None };
        let other = app.ctx.begin().await.unwrap();
        other.rows().enterprises().hold(one.enterprise).await.unwrap();
        let (added, taken_back) = tokio::join!(documents::finish(&app.ctx, &transaction), async {
            until_one_waits(&app).await;
            let back = change_in(&app.ctx, &other, &one, &Event::Withdraw, manager).await;
            other.commit().await.unwrap();
            back
        });
        assert_eq!(taken_back.unwrap().state().name(), "withdrawn");
        added.unwrap();
        let people = app.ctx.rows().people();
        let holder = people.find_by_document(&passport(&app, INVITED)).await.unwrap();
        assert_eq!(holder, Some(session.person));
    });
}
