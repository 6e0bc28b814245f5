//! What nobody can keep from a person: warnings have room of their own, what is dropped says so, and a
//! fault of ours is no try.

use hufu::ephemeral::Share;
use hufu::flows::notify::deliver;
use hufu::store::deliveries::{Channel, Delivery, DeliveryState};
use serde_json::json;

use super::LI;
use crate::kit::{TestApp, on_each_database};
use crate::recovery::{account_of, holder_of, reached_by};

const MAIL: &str = "li@example.com";

/// Queues so many notices of a kind for a person.
async fn queue(app: &TestApp, channel: Channel, about: &str, event: &str, n: usize) {
    let one = || Delivery {
        id: app.ctx.new_row_id(),
        client_id: String::new(),
        channel,
        stream: None,
        about: about.to_owned(),
        body: json!({"event": event, "enterprise": "某某"}).to_string(),
        goes_first: false,
        state: DeliveryState::NEW,
        created_at: app.ctx.now(),
    };
    let all: Vec<Delivery> = (0..n).map(|_| one()).collect();
    let tx = app.ctx.begin().await.unwrap();
    tx.rows().deliveries().add_all(&all).await.unwrap();
    tx.commit().await.unwrap();
}

fn arrived(app: &TestApp, to: &str, event: &str) -> usize {
    let messages = app.ctx.services.outbound.inbox.messages();
    messages.iter().filter(|one| one.to == to && one.code == event).count()
}

/// Why each of those was dropped that were.
async fn dropped(app: &TestApp) -> Vec<String> {
    let all = app.ctx.rows().deliveries().unsettled().await.unwrap();
    let why = |state: DeliveryState| match state {
        DeliveryState::Dropped { why } => why,
        other => panic!("{other:?}"),
    };
    all.into_iter().map(|one| why(one.delivery.state)).collect()
}

/// Whatever others cause in a day, warnings go out; what does not is listed as dropped, with its reason.
#[test]
fn no_notice_takes_the_room_of_a_warning() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let li = holder_of(&app, LI).await.unwrap();
        reached_by(&app, &li, MAIL).await;
        let (about, phone) = (li.person.to_string(), format!("+86{LI}"));
        let phone = phone.as_str();
        let mut n_dropped = 0;
        for (channel, to, event, n, n_out) in [
            (Channel::Sms, phone, "withdrawn", 9, 9),
            (Channel::Sms, phone, "invited", 3, 1),
            (Channel::Sms, phone, "recovery-failed", 3, 2),
            (Channel::Email, MAIL, "recovery-failed", 3, 2),
            (Channel::Sms, phone, "phone-awaited", 12, 12),
            (Channel::Sms, phone, "password-changed", 12, 12),
            (Channel::Email, MAIL, "password-changed", 12, 12),
            (Channel::Sms, phone, "phone-taken", 12, 12),
            (Channel::Sms, phone, "factor-added", 101, 100),
        ] {
            queue(&app, channel, &about, event, n).await;
            app.deliver().await;
            assert_eq!(arrived(&app, to, event), n_out, "{event} to {to}");
            n_dropped += n - n_out;
        }
        let why = dropped(&app).await;
        assert_eq!(why.len(), n_dropped);
        assert!(why.iter().all(|one| one.contains("within a day")), "{why:?}");
        // The next day has room again.
        app.clock.advance(86_401);
        queue(&app, Channel::Sms, &about, "recovery-failed", 1).await;
        app.deliver().await;
        assert_eq!(arrived(&app, phone, "recovery-failed"), 3);
    });
}

/// Where the day's notices have filled the room that they are counted in, warnings go out uncounted and nobody's
/// lane ends; what others cause is listed as dropped.
#[test]
fn a_warning_needs_no_room_to_be_counted() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let li = holder_of(&app, LI).await.unwrap();
        let (about, phone) = (li.person.to_string(), format!("+86{LI}"));
        if app.ctx.services.ephemeral.size(Share::Notices).is_none() {
            return; // A Redis that others' tests share is not filled.
        }
        let full = app.ctx.ephemeral().by_notices(true);
        let mut n = 0;
        while full.count(&format!("another/{n}"), 86_400).await.is_ok() {
            n += 1;
        }
        for (event, n_out) in [("recovery-failed", 0), ("password-changed", 2)] {
            queue(&app, Channel::Sms, &about, event, 2).await;
            app.deliver().await;
            assert_eq!(arrived(&app, &phone, event), n_out, "{event}");
        }
        assert!(dropped(&app).await.iter().all(|one| one.contains("no room")));
    });
}

/// A database that is away for longer than any receiver would be waited for: nobody was asked, so nothing
/// counts as tried, and the message goes out once it is back.
#[test]
fn a_fault_of_ours_is_no_try() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let wang = account_of(&app, "wangxm").await;
        queue(&app, Channel::Sms, &wang.person.to_string(), "password-changed", 1).await;
        app.sql("ALTER TABLE phone_binding RENAME TO phone_binding_elsewhere").await;
        for round in 0..10 {
            let to = deliver::receivers(&app.ctx).await.unwrap();
            assert_eq!(to.len(), 1, "{round}");
            assert!(deliver::run(&app.ctx, &to[0]).await.is_err(), "{round}");
            assert_eq!(app.deliver().await, 0, "not at once: {round}");
            app.clock.advance(60);
        }
        app.sql("ALTER TABLE phone_binding_elsewhere RENAME TO phone_binding").await;
        let waits = app.ctx.rows().deliveries().unsettled().await.unwrap();
        let state = &waits[0].delivery.state;
        assert!(matches!(state, DeliveryState::Waiting { n_tries: 0, .. }), "{state:?}");
        assert_eq!(app.deliver().await, 1);
        assert_eq!(arrived(&app, "+8613800138000", "password-changed"), 1);
    });
}
