//! Nodes that start together, and a database that comes back.

use axum::body::Body;
use axum::http::Request;
use hufu::store::connect::{migrate, migration_status};
use hufu_migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DbBackend, Statement};
use tower::ServiceExt;

use crate::kit::{FILING, TestApp, TestDatabase, authorize_url, on_each_database};
use crate::protocol::authorize::signed_in;

/// Issue 13, 4: three nodes that start on an empty database; one migrates, the others wait.
#[test]
fn of_nodes_that_start_together_one_migrates() {
    on_each_database(|on| async move {
        let database = TestDatabase::blank(on).await;
        let url = &database.url;
        assert_eq!(migration_status(url).await.unwrap(), None);
        let ran = match url {
            // A file belongs to one node.
            hufu::store::connect::DatabaseUrl::Sqlite(_) => vec![migrate(url).await.unwrap()],
            hufu::store::connect::DatabaseUrl::Postgres(_) => {
                let start = || {
                    let url = url.clone();
                    tokio::spawn(async move { migrate(&url).await.unwrap() })
                };
                let (first, second, third) = (start(), start(), start());
                vec![first.await.unwrap(), second.await.unwrap(), third.await.unwrap()]
            }
        };
        let steps = migration_status(url).await.unwrap().unwrap();
        assert!(steps.iter().all(|(_, has_run)| *has_run));
        assert_eq!(ran.iter().sum::<usize>(), steps.len(), "{ran:?}");
    });
}

/// Everything of a step has run, and its record cannot be written.
const BREAK_OFF: &str = "CREATE TRIGGER broken_off BEFORE INSERT ON seaql_migrations \
     BEGIN SELECT RAISE(ABORT, 'broken off'); END";

/// What step 53 left where an earlier version was killed in it.
const HALF_OF_NAMES: &str = "ALTER TABLE enterprise ADD COLUMN name_hash BYTEA; \
     DROP INDEX enterprise_non_resident";

/// A step that is broken off at its very end leaves nothing on SQLite either, and the next start runs it.
#[tokio::test]
async fn a_step_that_was_broken_off_runs_again() {
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).sqlx_logging(false);
    let connection = Database::connect(options).await.unwrap();
    Migrator::install(&connection).await.unwrap();
    for step in Migrator::migrations() {
        let name = step.name();
        if name.contains("_000053_") {
            connection.execute_unprepared(HALF_OF_NAMES).await.unwrap();
        }
        connection.execute_unprepared(BREAK_OFF).await.unwrap();
        let broken = Migrator::up(&connection, Some(1)).await;
        assert!(broken.is_err(), "{name}");
        connection.execute_unprepared("DROP TRIGGER broken_off").await.unwrap();
        let again = Migrator::up(&connection, Some(1)).await;
        assert!(again.is_ok(), "{name}: {again:?}");
    }
    assert!(Migrator::get_pending_migrations(&connection).await.unwrap().is_empty());
    let columns = "SELECT COUNT(*) FROM pragma_index_info('enterprise_non_resident')";
    let columns = Statement::from_string(DbBackend::Sqlite, columns);
    let columns = connection.query_one_raw(columns).await.unwrap().unwrap();
    assert_eq!(columns.try_get_by_index::<i64>(0).unwrap(), 2, "realm and hash");
}

const THROW_OUT: &str = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
     WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// Issue 13, 4: PostgreSQL has closed every connection; nobody who comes then hears of it. What had
/// begun to write is not done twice.
#[test]
fn after_a_restart_of_the_database_nobody_is_sent_away() {
    on_each_database(|on| async move {
        if matches!(on, crate::kit::On::Sqlite) {
            return;
        }
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let begun = app.ctx.begin().await.unwrap();
        begun.rows().tokens().revoke("of-a-writer", app.ctx.now().plus(60)).await.unwrap();
        // Many connections, so that many are dead afterwards.
        let ask = || {
            let request = Request::get("/realms/jiangxi/account").body(Body::empty()).unwrap();
            app.router.clone().oneshot(request)
        };
        futures_util::future::join_all((0..30).map(|_| ask())).await;
        let several = futures_util::future::join_all((0..10).map(|_| app.ctx.begin())).await;
        drop(several);
        for _ in 0..3 {
            app.sql(THROW_OUT).await;
            let done = browser.get(&authorize_url(&FILING, &[])).await;
            let (status, tokens) = app.redeem(&done.answered("code").unwrap()).await;
            assert_eq!(status.as_u16(), 200, "{tokens}");
            let (status, _) = app.userinfo(tokens["access_token"].as_str().unwrap()).await;
            assert_eq!(status.as_u16(), 200);
        }
        assert!(begun.commit().await.is_err());
        assert!(!app.ctx.rows().tokens().is_revoked("of-a-writer").await.unwrap());
    });
}
