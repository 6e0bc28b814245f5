//! What has ended goes, faster than it comes, and disturbs nobody meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hufu::domain::authorisation::{Actor, By, Event};
use hufu::flows::people::raise_level;
use hufu::flows::relations::writer::change;
use hufu::jobs::{sweep, sweep_logs};
use hufu::realm::check::{Surroundings, load};
use hufu::store::deliveries::{Channel, Delivery, DeliveryState, MOST_LISTED, Unsettled};
use hufu::store::sweep::{SIGN_IN_LOG, STEPS, Step};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait};

use crate::account::{LI, WANG, held, relation};
use crate::kit::{
    FILING, RowsOfRealm, Setup, TestApp, authorize_url, changed_realm, copy, demo_realm,
    on_each_database,
};
use crate::login::level::at_level;
use crate::protocol::authorize::signed_in;

fn is_sqlite(database: &DatabaseConnection) -> bool {
    database.get_database_backend() == DbBackend::Sqlite
}

async fn columns(database: &DatabaseConnection, table: &str) -> Vec<String> {
    let sql = match is_sqlite(database) {
        true => format!("SELECT name FROM pragma_table_info('{table}')"),
        false => format!(
            "SELECT column_name::text AS name FROM information_schema.columns \
             WHERE table_name = '{table}' AND table_schema = 'public'"
        ),
    };
    let statement = Statement::from_string(database.get_database_backend(), sql);
    let rows = database.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get("", "name").unwrap()).collect()
}

/// `n` copies of the table's first row, which differ in `changes`; `i` counts them.
async fn copies(database: &DatabaseConnection, table: &str, n: usize, changes: &[(&str, String)]) {
    let columns = columns(database, table).await;
    let values: Vec<String> = columns
        .iter()
        .map(|column| {
            let change = changes.iter().find(|(changed, _)| changed == column);
            change.map_or_else(|| format!("t.{column}"), |(_, value)| value.clone())
        })
        .collect();
    let (columns, values) = (columns.join(", "), values.join(", "));
    let sql = format!(
        "INSERT INTO {table} ({columns}) \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {n}) \
         SELECT {values} FROM (SELECT * FROM {table} LIMIT 1) t CROSS JOIN n"
    );
    database.execute_unprepared(&sql).await.unwrap();
}

/// A key that is made of a letter and the counter.
fn id(database: &DatabaseConnection, letter: char) -> String {
    match is_sqlite(database) {
        true => format!("CAST(printf('{letter}%015d', i) AS BLOB)"),
        false => format!("CAST(md5('{letter}' || i) AS UUID)"),
    }
}

fn bytes(database: &DatabaseConnection, letter: char) -> String {
    match is_sqlite(database) {
        true => id(database, letter),
        false => format!("convert_to('{letter}' || i, 'UTF8')"),
    }
}

const SESSIONS: usize = 1000;
const TOKENS: usize = 4000;

/// Of sessions that are over: each with an application and a grant, and refresh tokens that were replaced.
async fn fill(app: &TestApp) {
    let database = app.connection().await;
    let over = "1".to_owned();
    let [session, grant] = ['s', 'g'].map(|letter| id(&database, letter));
    let hash = |letter| bytes(&database, letter);
    copies(
        &database,
        "session",
        SESSIONS,
        &[("id", session.clone()), ("cookie_hash", hash('c')), ("expires_at", over.clone())],
    )
    .await;
    copies(&database, "session_client", SESSIONS, &[("session_id", session.clone())]).await;
    copies(
        &database,
        "oauth_grant",
        SESSIONS,
        &[
            ("id", grant),
            ("session_id", session),
            ("code_hash", hash('k')),
            ("expires_at", over.clone()),
        ],
    )
    .await;
    for table in ["refresh_token", "access_token", "used_up"] {
        copies(&database, table, TOKENS, &[("hash", hash('t')), ("expires_at", over.clone())])
            .await;
    }
}

/// Issue 13, 3: 100,000 sessions that refresh every five minutes make 333 rows a second and table; the
/// sweeper is faster, and whoever writes meanwhile hardly waits.
#[test]
fn the_sweeper_catches_up() {
    on_each_database(|on| async move {
        let realm = changed_realm(&[(
            "clients/tax-filing.toml",
            "client_id",
            "access_token = \"opaque\"\nrotate_refresh_tokens = true\nclient_id",
        )]);
        let app = Setup::of(on, vec![realm]).start().await;
        let mut live = signed_in(&app).await;
        let done = live.get(&authorize_url(&FILING, &[])).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        fill(&app).await;
        let is_over = Arc::new(AtomicBool::new(false));
        let writer = tokio::spawn(write_until(app.ctx.clone(), Arc::clone(&is_over)));
        let began = Instant::now();
        let swept = sweep(&app.ctx.services).await.unwrap();
        let took = began.elapsed();
        is_over.store(true, Ordering::Relaxed);
        let longest = writer.await.unwrap();
        assert_eq!(swept, u64::try_from(3 * SESSIONS + 3 * TOKENS).unwrap());
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let rate = swept as f64 / took.as_secs_f64();
        eprintln!("{swept} rows in {took:?}, {rate:.0} a second; a writer waited {longest:?}");
        assert!(rate > 400.0, "{rate}");
        assert!(longest < Duration::from_secs(1), "{longest:?}");
        assert_eq!(sweep(&app.ctx.services).await.unwrap(), 0);
        let refreshed = app.refresh(tokens["refresh_token"].as_str().unwrap()).await;
        assert_eq!(refreshed.0.as_u16(), 200, "{}", refreshed.1);
        assert!(live.get(&authorize_url(&FILING, &[])).await.answered("code").is_some());
    });
}

/// The longest that somebody waited who wrote one row after the other.
async fn write_until(ctx: hufu::flows::Ctx, is_over: Arc<AtomicBool>) -> Duration {
    let (mut n, mut longest) = (0, Duration::ZERO);
    while !is_over.load(Ordering::Relaxed) {
        let began = Instant::now();
        let tx = ctx.begin().await.unwrap();
        tx.use_up("test", &format!("{n}"), ctx.now().plus(600)).await.unwrap();
        tx.commit().await.unwrap();
        longest = longest.max(began.elapsed());
        n += 1;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    longest
}

async fn plan(database: &DatabaseConnection, sql: &str) -> String {
    let sql = sql.replace("$1", "1000000000").replace("$2", "'jiangxi'");
    let explain = if is_sqlite(database) { "EXPLAIN QUERY PLAN" } else { "EXPLAIN" };
    let statement =
        Statement::from_string(database.get_database_backend(), format!("{explain} {sql}"));
    let column = if is_sqlite(database) { "detail" } else { "QUERY PLAN" };
    let rows = database.query_all_raw(statement).await.unwrap();
    let lines: Vec<String> = rows.iter().map(|row| row.try_get("", column).unwrap()).collect();
    lines.join("\n")
}

/// Issue 13, 3: every look for what is over goes by an index, and so do the pages of the sign-in log and
/// the look for known places.
#[test]
fn what_is_swept_and_what_the_log_shows_is_found_by_an_index() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let database = app.connection().await;
        let who = match is_sqlite(&database) {
            true => "x'00'",
            false => "'00000000-0000-0000-0000-000000000000'",
        };
        let log = |column: &str| {
            format!(
                "SELECT * FROM login_log WHERE realm = $2 AND {column} = {who} AND at >= $1 \
                 ORDER BY at DESC, id DESC LIMIT 200"
            )
        };
        let places = format!(
            "SELECT DISTINCT ip FROM login_log WHERE realm = $2 AND person_id = {who} \
             AND at >= $1 AND outcome = 'ok'"
        );
        let mut asked: Vec<String> = STEPS.iter().chain([&SIGN_IN_LOG]).map(Step::looks).collect();
        asked.extend([log("person_id"), log("enterprise_id"), places]);
        if !is_sqlite(&database) {
            // Of a table without rows everything is read at once, if it may be.
            database.execute_unprepared("SET enable_seqscan = off").await.unwrap();
        }
        for sql in asked {
            let plan = plan(&database, &sql).await;
            assert!(!plan.contains("Seq Scan") && !plan.contains("SCAN"), "{sql}\n{plan}");
        }
        // A parent that goes asks whether it has children left.
        for child in ["oauth_grant WHERE session_id", "refresh_token WHERE grant_id"] {
            let plan = plan(&database, &format!("SELECT 1 FROM {child} = {who}")).await;
            assert!(!plan.contains("Seq Scan") && !plan.contains("SCAN"), "{child}\n{plan}");
        }
    });
}

/// A code that nobody redeemed goes a day after its own end, however long a grant would have lasted: whoever
/// is signed in makes one with each look. What was redeemed stays as long as it can be refreshed.
#[test]
fn codes_that_nobody_redeemed_go_soon() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let mut codes = Vec::new();
        for _ in 0..30 {
            codes.push(browser.get(&authorize_url(&FILING, &[])).await.answered("code").unwrap());
        }
        let (status, tokens) = app.redeem(&codes[29]).await;
        assert_eq!(status.as_u16(), 200, "{tokens}");
        let waiting = "SELECT count(*) FROM oauth_grant WHERE code_used_at IS NULL";
        assert!(app.count(waiting).await >= 29);
        let lifetime = app.ctx.realm.lifetimes.code;
        app.clock.advance(86_400 + lifetime - 10);
        sweep(&app.ctx.services).await.unwrap();
        assert!(app.count(waiting).await >= 29, "whoever asks what happened has a day");
        app.clock.advance(20);
        sweep(&app.ctx.services).await.unwrap();
        assert_eq!(app.count(waiting).await, 0);
        assert_eq!(app.count("SELECT count(*) FROM oauth_grant").await, 1, "the redeemed one");
    });
}

/// Somebody hands their application in between the sweeper's look and its deed, or while it is at it: nothing of it
/// goes.
#[test]
fn whoever_comes_back_meanwhile_loses_nothing() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let store = &app.ctx.services.store;
        let [application, file] = [0, 1].map(|_| app.literal(app.ctx.new_row_id()));
        let database = app.connection().await;
        for insert in [
            format!(
                "INSERT INTO nr_application (id, realm, person_id, state, content, number_index, \
                 name_index, foreign_name_index, created_at, updated_at, version) \
                 SELECT {application}, realm, id, 'draft', name, name, name, name, 1, 1, 1 \
                 FROM person WHERE realm = 'jiangxi' LIMIT 1"
            ),
            format!(
                "INSERT INTO nr_file (id, realm, application_id, name, kind, size, content, added_at) \
                 SELECT {file}, realm, {application}, name, 'other', 1, name, 1 \
                 FROM person WHERE realm = 'jiangxi' LIMIT 1"
            ),
        ] {
            database.execute_unprepared(&insert).await.unwrap();
        }
        let step = STEPS.into_iter().find(|step| step.looks().contains("nr_application")).unwrap();
        let set = |state: &str| format!("UPDATE nr_application SET state = '{state}'");
        let files = || app.count("SELECT COUNT(*) FROM nr_file");
        let now = app.ctx.now();
        let found = store.find_over(step, now).await.unwrap();
        app.sql(&set("submitted")).await;
        assert_eq!(store.delete_over(found, now).await.unwrap(), 0);
        assert_eq!(files().await, 1);

        app.sql(&set("draft")).await;
        // A file has one writer at a time.
        if !is_sqlite(&database) {
            let found = store.find_over(step, now).await.unwrap();
            let handing_in = database.begin().await.unwrap();
            handing_in.execute_unprepared(&set("submitted")).await.unwrap();
            let hand_in = async {
                tokio::time::sleep(Duration::from_millis(200)).await;
                handing_in.commit().await.unwrap();
            };
            let (deleted, ()) = tokio::join!(store.delete_over(found, now), hand_in);
            assert_eq!((deleted.unwrap(), files().await), (0, 1));
            app.sql(&set("draft")).await;
        }
        assert_eq!(store.sweep(step, now).await.unwrap(), 2);
        assert_eq!(files().await, 0);
    });
}

/// What could not be delivered waits for somebody to send it again for three months, and no longer; a list
/// of it has an end.
#[test]
fn what_was_given_up_goes_after_three_months() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let given_up = |_| Delivery {
            id: app.ctx.new_row_id(),
            client_id: FILING.id.to_owned(),
            channel: Channel::Logout,
            stream: None,
            about: "a-sid".to_owned(),
            body: "{}".to_owned(),
            goes_first: false,
            state: DeliveryState::Dead { n_tries: 9, last_error: "away".to_owned() },
            created_at: app.ctx.now(),
        };
        let many = i64::try_from(MOST_LISTED).unwrap() + 5;
        let tx = app.ctx.begin().await.unwrap();
        let letters: Vec<Delivery> = (0..many).map(given_up).collect();
        tx.rows().deliveries().add_all(&letters).await.unwrap();
        tx.commit().await.unwrap();
        let deliveries = app.ctx.rows().deliveries();
        assert_eq!(app.dead().await.len(), usize::try_from(MOST_LISTED).unwrap());
        let given_up = |dead| Unsettled { dead, ..Unsettled::default() };
        assert_eq!(deliveries.count_unsettled(None).await.unwrap(), given_up(many));
        assert_eq!(deliveries.count_unsettled(Some(FILING.id)).await.unwrap(), given_up(many));
        assert_eq!(deliveries.count_unsettled(Some("invoice")).await.unwrap(), given_up(0));
        for (days, left) in [(90, many), (2, 0)] {
            app.clock.advance(days * 86_400);
            sweep(&app.ctx.services).await.unwrap();
            assert_eq!(deliveries.count_unsettled(None).await.unwrap().dead, left, "{days}");
        }
    });
}

/// What is kept longer than any log: who somebody is, how that was shown, and for whom they acted.
async fn real_name_records(app: &TestApp) -> RowsOfRealm {
    let all = [
        "person",
        "identity_document",
        "real_name_step",
        "hall_record",
        "authorisation",
        "authorisation_history",
    ];
    let mut rows = app.rows_of("jiangxi").await;
    rows.retain(|table, _| all.contains(&table.as_str()));
    assert_eq!(rows.len(), all.len());
    for (table, rows) in &rows {
        assert!(!rows.is_empty(), "{table} has nothing to lose");
    }
    rows
}

/// 李芳 has shown her face, and what was over has become history.
async fn make_records(app: &TestApp) {
    let li = held(&app.ctx, LI).await.remove(0).person;
    at_level(app, li, 3).await;
    let tx = app.ctx.begin().await.unwrap();
    assert!(raise_level(&app.ctx, &tx, li, 4, "face").await.unwrap());
    tx.commit().await.unwrap();
    let clerk = relation(app, WANG, "tax_clerk").await;
    let manager = By { actor: Actor::Manager, person: None };
    change(&app.ctx, &clerk, &Event::Delete, manager).await.unwrap();
}

/// Issue 13, 3: the sign-in log is kept for as long as the realm says; the audit for ever, and so are real-name
/// records: twenty years later no sweep has taken any.
#[test]
fn the_sign_in_log_has_a_retention_and_the_audit_none() {
    on_each_database(|on| async move {
        let realm = changed_realm(&[(
            "realm.toml",
            "[lockout]",
            "[retention]\nsign_in_log_days = 200\n\n[lockout]",
        )]);
        let app = Setup::of(on, vec![realm]).start().await;
        make_records(&app).await;
        let records = real_name_records(&app).await;
        signed_in(&app).await;
        let lines = || app.count("SELECT COUNT(*) FROM login_log");
        let links = || app.count("SELECT COUNT(*) FROM audit");
        let (before, audit) = (lines().await, links().await);
        assert!(before > 0);
        app.clock.advance(199 * 86_400);
        signed_in(&app).await;
        assert_eq!(sweep_logs(&app.app).await.unwrap(), 0);
        app.clock.advance(2 * 86_400);
        assert_eq!(sweep_logs(&app.app).await.unwrap(), u64::try_from(before).unwrap());
        assert!(lines().await > 0, "younger lines stay");
        assert!(links().await >= audit);
        app.clock.advance(20 * 366 * 86_400);
        sweep(&app.ctx.services).await.unwrap();
        assert!(sweep_logs(&app.app).await.unwrap() > 0);
        assert_eq!(real_name_records(&app).await, records);
        let report = app.ctx.rows().records().verify_audit(&[]).await.unwrap();
        assert_eq!(report.fault, None);
    });
}

/// Six months are the least that the law wants.
#[test]
fn a_shorter_retention_is_refused() {
    assert_eq!(demo_realm().retention.sign_in_log_days, 184);
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("realms/jiangxi");
    for (days, is_right) in [(183, false), (0, false), (-1, false), (184, true), (3650, true)] {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("jiangxi");
        copy(&root, &target);
        let file = target.join("realm.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let text = format!("{text}\n[retention]\nsign_in_log_days = {days}\n");
        std::fs::write(file, text).unwrap();
        let surroundings =
            Surroundings { is_demo: true, replace: Vec::new(), environment: &|_| None };
        assert_eq!(load(&target, &surroundings).is_ok(), is_right, "{days}");
    }
}
