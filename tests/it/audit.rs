//! The audit's chain, tried by somebody who can write rows and has no key.

use hufu::base::clock::Timestamp;
use hufu::domain::audit::AuditEvent;
use hufu::domain::audit_chain::{CHAIN_START, ChainFault, Checkpoint, Link, unkeyed_hash};

use crate::kit::{FILING, TestApp, authorize_url, on_each_database};
use crate::login::authenticator::{at_second_factor, enrol_at};

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

/// The actions that stand in the audit and were not there before, with what they say.
async fn noted(app: &TestApp, since: i64) -> Vec<serde_json::Value> {
    let rows = app.rows_of("jiangxi").await.remove("audit").unwrap();
    let mut events: Vec<(i64, serde_json::Value)> = rows
        .iter()
        .map(|row| {
            let event = &row[row.find('{').unwrap()..=row.rfind('}').unwrap()];
            let event = event.replace("\"\"", "\"");
            let sequence = row.split(['|', ',', '(']).find_map(|part| part.parse().ok()).unwrap();
            (sequence, serde_json::from_str(&event).unwrap())
        })
        .filter(|(sequence, _)| *sequence > since)
        .collect();
    events.sort_by_key(|(sequence, _)| *sequence);
    events.into_iter().map(|(_, event)| event).collect()
}

/// Issue 13, 4, covers X-06: second factors right and wrong, revelations, factor changes, revocations
/// and sign-outs leave their trace; what was nothing leaves none.
#[test]
fn what_an_auditor_asks_about_stands_in_the_audit() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let since = async || head(&app).await.sequence;
        let actions = |events: &[serde_json::Value]| {
            let name = |event: &serde_json::Value| event["action"].as_str().unwrap().to_owned();
            events.iter().map(name).collect::<Vec<_>>()
        };
        let from = since().await;
        let (mut browser, page) = at_second_factor(&app, "sms").await;
        let page = browser.submit(&page, &[("act", "send")]).await;
        let page = browser.submit(&page, &[("act", "verify"), ("code", "000000")]).await;
        let code = app.sms("13900139000");
        browser.submit(&page, &[("act", "verify"), ("code", &code)]).await;
        let told = noted(&app, from).await;
        assert_eq!(actions(&told), ["second_factor_failed", "second_factor_passed"]);
        assert_eq!((&told[0]["factor"], &told[0]["code"]), (&"sms".into(), &"E_OTP".into()));
        assert_eq!((&told[1]["factor"], &told[1]["account"]), (&"sms".into(), &told[0]["account"]));

        let from = since().await;
        enrol_at(&app, &mut browser).await;
        assert_eq!(actions(&noted(&app, from).await), ["authenticator_added"]);

        let from = since().await;
        let home = browser.get("/realms/jiangxi/account").await;
        assert_eq!(home.status.as_u16(), 200);
        let shown =
            crate::account::post(&app, &mut browser, "/account/reveal", &[("field", "name")]).await;
        assert_eq!(shown.status.as_u16(), 200, "{}", shown.text);
        let told = noted(&app, from).await;
        assert_eq!(
            (actions(&told), &told[0]["field"]),
            (vec!["field_revealed".to_owned()], &"name".into())
        );

        let done = browser.get(&authorize_url(&FILING, &[])).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        let from = since().await;
        let secret = Some((FILING.id, FILING.secret));
        for token in ["access_token", "refresh_token", "access_token", "refresh_token", "id_token"]
        {
            let form = [("token", tokens[token].as_str().unwrap())];
            assert_eq!(app.post("/revoke", secret, &form).await.0.as_u16(), 200);
        }
        app.post("/revoke", secret, &[("token", "nobodys")]).await;
        let told = noted(&app, from).await;
        assert_eq!(actions(&told), ["token_revoked", "token_revoked"], "{told:?}");
        assert!(told.iter().all(|one| one["client"] == "tax-filing" && one["grant"].is_string()));
        assert!(told[0]["token"].is_string() && told[1]["token"].is_null());

        let from = since().await;
        let page = browser.get("/realms/jiangxi/logout").await;
        browser.submit(&page, &[("act", "logout")]).await;
        let told = noted(&app, from).await;
        assert_eq!(actions(&told), ["session_ended"]);
        assert_eq!(told[0]["reason"], "the person signed out");
        assert_eq!(fault(&app, &[]).await, None);
    });
}
