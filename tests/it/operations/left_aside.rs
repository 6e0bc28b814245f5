//! Jobs go on past a row that makes no sense, and what failed as a whole is tried again at once.

use hufu::base::secret::Hashed;
use hufu::domain::number::phone::Phone;
use hufu::flows::relations::expiry;
use hufu::flows::self_help::lost_phone::bind_due;
use hufu::flows::sign_in::lower;
use hufu::jobs::hash_names;
use hufu::store::awaited_phones::AwaitedPhone;

use crate::account::{as_li, as_wang};
use crate::kit::{TestApp, on_each_database};
use crate::recovery::account_of;

/// A relation that cannot be read holds up no other, nor does a session: terms end, their people are signed
/// out, and the one row follows as soon as it makes sense.
#[test]
fn terms_end_past_a_bad_row() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        as_li(&app).await;
        as_wang(&app, "<strong>办税员").await;
        app.sql("UPDATE authorisation SET valid_to = '2026-11-23' WHERE state = 'active'").await;
        app.sql(
            "UPDATE session SET acting_kind = 'nobody' WHERE authorisation_id IN \
             (SELECT id FROM authorisation WHERE identity_type = 'tax_clerk')",
        )
        .await;
        let his = "person_id IN (SELECT person_id FROM session WHERE acting_kind = 'nobody')";
        app.sql(&format!(
            "UPDATE authorisation SET origin = 'nobody' WHERE identity_type = 'tax_clerk' AND {his}"
        ))
        .await;
        assert!(expiry::run(&app.ctx).await.unwrap() > 3);
        let active = "SELECT count(*) FROM authorisation WHERE state = 'active'";
        let left = app.count(active).await;
        assert!(left > 0);
        assert_eq!(app.count(&format!("{active} AND {his}")).await, left, "his alone");
        let live = "SELECT acting_kind AS said FROM session WHERE ended_at IS NULL";
        assert_eq!(app.said(live).await, ["nobody"]);
        app.sql("UPDATE authorisation SET origin = 'registry' WHERE origin = 'nobody'").await;
        app.sql("UPDATE session SET acting_kind = 'enterprise' WHERE acting_kind = 'nobody'").await;
        assert_eq!(i64::try_from(expiry::run(&app.ctx).await.unwrap()).unwrap(), left);
        assert!(app.said(live).await.is_empty());
    });
}

/// Levels fall of all but the person whose account cannot be read. An hour in which nothing could be read at
/// all is not over.
#[test]
fn levels_fall_past_a_bad_row() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        app.sql("UPDATE person SET real_name_level = 3").await;
        app.sql("UPDATE identity_document SET valid_to = '2026-01-01'").await;
        let first = "(SELECT d.person_id FROM identity_document d JOIN account a \
                     ON a.person_id = d.person_id AND a.status = 'active' ORDER BY d.id LIMIT 1)";
        app.sql(&format!("UPDATE account SET origin = 'nobody' WHERE person_id = {first}")).await;
        app.sql("ALTER TABLE identity_document RENAME TO identity_document_elsewhere").await;
        lower::run(&app.ctx).await.unwrap_err();
        app.sql("ALTER TABLE identity_document_elsewhere RENAME TO identity_document").await;
        assert!(lower::run(&app.ctx).await.unwrap() > 3, "in the same hour");
        let high = "SELECT count(*) FROM person WHERE real_name_level = 3 \
                    AND id IN (SELECT person_id FROM identity_document WHERE status = 'active')";
        assert_eq!(app.count(high).await, 1);
        app.sql("UPDATE account SET origin = 'imported' WHERE origin = 'nobody'").await;
        assert_eq!(lower::run(&app.ctx).await.unwrap(), 0, "once an hour");
        app.clock.advance(3601);
        assert_eq!(lower::run(&app.ctx).await.unwrap(), 1);
        assert_eq!(app.count(high).await, 0);
    });
}

/// A phone that waits and cannot be read keeps no other waiting.
#[test]
fn phones_are_bound_past_a_bad_row() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let now = app.ctx.now();
        for (username, phone, due_at) in
            [("jmiller", "13911112222", now), ("wangxm", "13911113333", now.plus(1))]
        {
            let tx = app.ctx.begin().await.unwrap();
            let new = AwaitedPhone {
                id: app.ctx.new_row_id(),
                account: account_of(&app, username).await.id,
                phone: Phone::parse(phone).unwrap(),
                verified_at: now,
                due_at,
                // As an earlier release has kept it.
                era: None,
            };
            tx.rows().awaited_phones().add(&new, Hashed::of(phone)).await.unwrap();
            tx.commit().await.unwrap();
        }
        app.sql(&format!("UPDATE awaited_phone SET phone = stop_hash WHERE due_at = {}", now.0))
            .await;
        app.clock.advance(2);
        assert_eq!(bind_due(&app.ctx).await.unwrap(), 1);
        assert_eq!(bind_due(&app.ctx).await.unwrap(), 0);
        assert_eq!(app.count("SELECT count(*) FROM awaited_phone").await, 1);
        let phone = Phone::parse("13911113333").unwrap();
        let holder = app.ctx.rows().accounts().find_by_phone(&phone).await.unwrap();
        assert_eq!(holder.unwrap().id, account_of(&app, "wangxm").await.id);
    });
}

/// A name that cannot be given its hash keeps no other from it.
#[test]
fn names_are_hashed_past_a_bad_row() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        app.sql(
            "UPDATE enterprise SET kind = 'non_resident', name_hash = NULL, \
             name = registration_no",
        )
        .await;
        app.sql(
            "UPDATE enterprise SET name = 'One name' \
             WHERE id IN (SELECT id FROM enterprise ORDER BY id LIMIT 2)",
        )
        .await;
        app.sql("CREATE UNIQUE INDEX one_of_a_name ON enterprise (name_hash)").await;
        let n = usize::try_from(app.count("SELECT count(*) FROM enterprise").await).unwrap();
        assert!(n > 2, "{n}");
        assert_eq!(hash_names(&app.ctx).await.unwrap(), n - 1);
        assert_eq!(app.count("SELECT count(*) FROM enterprise WHERE name_hash IS NULL").await, 1);
    });
}
