//! The audit's chain, tried by somebody who can write rows and has no key.

use hufu::base::clock::Timestamp;
use hufu::domain::audit::AuditEvent;
use hufu::domain::audit_chain::{CHAIN_START, ChainFault, Checkpoint, Link, unkeyed_hash};

use crate::kit::{TestApp, on_each_database};

async fn note(app: &TestApp, persons: usize) {
    let tx = app.ctx.begin().await.unwrap();
    tx.note(AuditEvent::FixturesLoaded { persons });
    tx.commit().await.unwrap();
}

async fn fault(app: &TestApp, known: &[Checkpoint]) -> Option<ChainFault> {
    app.ctx.rows().records().verify_audit(known).await.unwrap().fault
}

async fn head(app: &TestApp) -> Checkpoint {
    app.ctx.rows().records().audit_head().await.unwrap().unwrap()
}

/// Ten links of our own, after those of the start.
async fn begin(on: crate::kit::On) -> (TestApp, i64) {
    let app = TestApp::start(on).await;
    for n in 0..10 {
        note(&app, n).await;
    }
    let last = head(&app).await.sequence;
    assert_eq!(fault(&app, &[]).await, None);
    (app, last)
}

/// The whole chain anew with fresh plain hashes, as anybody can work them out; returns its length.
async fn make_anew(app: &TestApp, until: i64) {
    let mut previous = CHAIN_START.to_owned();
    for sequence in 1..=until {
        let event = format!("{{\"action\":\"fixtures_loaded\",\"persons\":{sequence}}}");
        let link = Link { sequence, at: Timestamp(7), event: &event };
        previous = unkeyed_hash(&previous, link);
        app.sql(&format!(
            "UPDATE audit SET at = 7, event = '{event}', hash = '{previous}' \
             WHERE realm = 'jiangxi' AND sequence = {sequence}"
        ))
        .await;
    }
    app.sql(&format!("DELETE FROM audit WHERE realm = 'jiangxi' AND sequence > {until}")).await;
    app.sql(&format!(
        "UPDATE audit_head SET sequence = {until}, hash = '{previous}' WHERE realm = 'jiangxi'"
    ))
    .await;
}

///
#[test]
fn whoever_only_writes_rows_cannot_make_links_that_fit() {
    on_each_database(|on| async move {
        for (statements, found) in [
            (
                vec!["UPDATE audit SET event = replace(event, '3', '4') WHERE sequence = $n"],
                ChainFault::Link as fn(i64) -> ChainFault,
            ),
            (vec!["UPDATE audit SET at = at + 1 WHERE sequence = $n"], ChainFault::Link),
            (vec!["DELETE FROM audit WHERE sequence = $n"], ChainFault::Missing),
            (vec!["DELETE FROM audit WHERE sequence >= $n"], ChainFault::Missing),
            (
                vec![
                    "DELETE FROM audit WHERE sequence > $n",
                    "UPDATE audit_head SET sequence = $n",
                ],
                |_| ChainFault::Head,
            ),
        ] {
            let (app, last) = begin(on).await;
            // The link of `persons: 3`.
            let n = last - 6;
            for statement in &statements {
                app.sql(&statement.replace("$n", &n.to_string())).await;
            }
            assert_eq!(fault(&app, &[]).await, Some(found(n)), "{statements:?}");
        }
    });
}

/// Covers X-09: links with plain hashes are believed only below a keyed one.
#[test]
fn a_chain_made_anew_without_the_key_is_told() {
    on_each_database(|on| async move {
        let (app, last) = begin(on).await;
        make_anew(&app, last).await;
        assert_eq!(fault(&app, &[]).await, Some(ChainFault::Unkeyed));
        // A database from before the key goes on with it.
        note(&app, 1).await;
        assert_eq!(fault(&app, &[]).await, None);
        app.sql("UPDATE audit SET at = 8 WHERE sequence = 2").await;
        assert_eq!(fault(&app, &[]).await, Some(ChainFault::Link(2)));
    });
}

/// Covers X-09: who cuts the end off together with the head is found by what somebody else has kept.
#[test]
fn a_checkpoint_tells_what_was_cut_off() {
    on_each_database(|on| async move {
        let (app, last) = begin(on).await;
        let kept = head(&app).await;
        assert_eq!(Checkpoint::parse(&format!("{kept}\n")), Some(kept.clone()));
        let before = app.ctx.rows().records();
        let earlier = {
            note(&app, 99).await;
            before.audit_head().await.unwrap().unwrap()
        };
        let known = [kept.clone(), earlier];
        assert_eq!(fault(&app, &known).await, None);
        app.sql(&format!("DELETE FROM audit WHERE sequence > {last}")).await;
        app.sql(&format!("UPDATE audit_head SET sequence = {last}, hash = '{}'", kept.hash)).await;
        assert_eq!(fault(&app, &[]).await, None, "by itself it cannot know");
        assert_eq!(fault(&app, &known).await, Some(ChainFault::Missing(last + 1)));
        // Another link in the place of the one that was told.
        note(&app, 5).await;
        assert_eq!(fault(&app, &known).await, Some(ChainFault::Checkpoint(last + 1)));
    });
}
