//! A node that dies between claiming a delivery and settling it: another one comes, not at once, and
//! not for ever.

use hufu::domain::notice::NoticeKind;
use hufu::store::deliveries::{Channel, Delivery, DeliveryState};

use super::contract::start;
use crate::kit::listener::Listener;
use crate::kit::{FILING, TestApp, on_each_database};
use crate::recovery::{account_of, holder_of, notices};

/// As much as a try belongs to the node that has claimed it, and a second.
const LEASE: i64 = 61;

async fn queue(app: &TestApp) -> Delivery {
    let (channel, about) = (Channel::Relation, "x".to_owned());
    queue_for(app, (FILING.id, channel), about, "{}".to_owned()).await
}

async fn queue_for(
    app: &TestApp,
    (client_id, channel): (&str, Channel),
    about: String,
    body: String,
) -> Delivery {
    let new = Delivery {
        id: app.ctx.new_row_id(),
        client_id: client_id.to_owned(),
        channel,
        stream: None,
        about,
        body,
        goes_first: false,
        state: DeliveryState::NEW,
        created_at: app.ctx.now(),
    };
    let tx = app.ctx.begin().await.unwrap();
    tx.rows().deliveries().add(&new).await.unwrap();
    tx.commit().await.unwrap();
    new
}

/// Claims it and dies.
async fn claim(app: &TestApp, delivery: &Delivery, n_tries: i32) -> bool {
    let tx = app.ctx.begin().await.unwrap();
    let until = app.ctx.now().plus(LEASE - 1);
    let is_claimed = tx.rows().deliveries().claim(delivery.id, n_tries, until).await.unwrap();
    tx.commit().await.unwrap();
    is_claimed
}

#[test]
fn a_node_that_dies_while_it_delivers_loses_nothing() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let app = start(on, &url).await;
        let delivery = queue(&app).await;
        assert!(claim(&app, &delivery, 0).await);
        assert!(!claim(&app, &delivery, 0).await, "of two nodes one has it");
        assert_eq!(app.deliver().await, 0, "it is the first node's");
        app.clock.advance(LEASE);
        assert_eq!(app.deliver().await, 1);
        assert_eq!(listener.take("/relations").len(), 1);
        // The first node was only slow, and its failure is old news.
        let tx = app.ctx.begin().await.unwrap();
        let again = Some(app.ctx.now());
        tx.rows().deliveries().failed(delivery.id, 1, again, "slow".to_owned()).await.unwrap();
        tx.commit().await.unwrap();
        app.clock.advance(LEASE);
        assert_eq!(app.deliver().await, 0, "what was taken is not sent again");
    });
}

/// Whatever kills every node that tries is given up like what nobody takes.
#[test]
fn a_delivery_that_nobody_survives_is_given_up() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let app = start(on, &url).await;
        let delivery = queue(&app).await;
        for n_tries in 0..8 {
            assert!(claim(&app, &delivery, n_tries).await);
            app.clock.advance(LEASE);
        }
        app.deliver().await;
        assert!(listener.take("/relations").is_empty());
        let dead = app.dead().await;
        assert_eq!(dead.len(), 1);
        let DeliveryState::Dead { last_error, .. } = &dead[0].state else { panic!("not given up") };
        assert!(last_error.contains("did not come to its end"));
    });
}

/// A message to somebody whose row cannot be read fails by itself, and in the end is given up; the others of
/// its lane go out.
#[test]
fn a_message_about_a_bad_row_holds_no_other_up() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let bad = account_of(&app, "wangxm").await;
        let well = holder_of(&app, super::LI).await.unwrap();
        let body = serde_json::json!({
            "event": NoticeKind::PasswordChanged.name(), "enterprise": "江西税务",
        });
        for person in [bad.person, well.person] {
            let (to, about) = (("", Channel::Sms), person.to_string());
            queue_for(&app, to, about, body.to_string()).await;
        }
        app.sql("UPDATE account SET origin = 'nobody' WHERE username_folded = 'wangxm'").await;
        assert_eq!(app.deliver().await, 2);
        assert_eq!(notices(&app).len(), 1);
        for _ in 0..8 {
            app.clock.advance(43_201);
            app.deliver().await;
        }
        let dead = app.dead().await;
        assert_eq!(dead.len(), 1);
        let DeliveryState::Dead { last_error, .. } = &dead[0].state else { panic!("not given up") };
        assert!(last_error.contains("account.origin"), "{last_error}");
    });
}
