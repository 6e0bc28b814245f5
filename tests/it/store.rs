//! The durable store from outside: group commit, sealed columns.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use hufu::base::cipher::MasterKey;
use hufu::base::clock::{Clock, Timestamp};
use hufu::base::id::{PersonId, new_uuid};
use hufu::base::random::Random;
use hufu::domain::number::document::{DocumentNumber, DocumentType};
use hufu::domain::number::name::PersonName;
use hufu::domain::person::{Person, PersonKind};
use hufu::store::connect::{DatabaseUrl, migrate};
use hufu::store::{Store, StoreError};

use crate::kit::{On, TestApp, on_each_database};

const NOW: Timestamp = Timestamp(1_795_000_000);

struct Opened {
    store: Arc<Store>,
    file: std::path::PathBuf,
    _folder: tempfile::TempDir,
}

async fn open() -> Opened {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hufu.db");
    let url = DatabaseUrl::Sqlite(file.clone());
    migrate(&url).await.unwrap();
    let store =
        Arc::new(Store::open(&url, MasterKey::new([7; 32]), Clock::fixed(NOW)).await.unwrap());
    Opened { store, file, _folder: folder }
}

fn person(clock: &Clock, random: &Random) -> Person {
    Person {
        id: PersonId::new(clock, random),
        kind: PersonKind::Domestic,
        name: PersonName::parse("王小明").unwrap(),
        sex: None,
        nationality: "CHN".to_owned(),
        real_name_level: 3,
        email: None,
        email_verified_at: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

/// Many writers share commits; each finds its rows afterwards, a dropped one leaves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn writers_share_a_commit_and_lose_nothing() {
    let opened = open().await;
    let mut writers = tokio::task::JoinSet::new();
    for n in 0..64_u64 {
        let store = Arc::clone(&opened.store);
        writers.spawn(async move {
            let new = person(&Clock::fixed(NOW), &Random::seeded(n));
            let tx = store.begin("jiangxi", NOW).await.unwrap();
            tx.rows().people().add(&new).await.unwrap();
            let keep = n % 4 != 0;
            if keep {
                tx.commit().await.unwrap();
            } else {
                drop(tx);
            }
            (new.id, keep)
        });
    }
    while let Some(done) = writers.join_next().await {
        let (id, kept) = done.unwrap();
        let found = opened.store.rows("jiangxi").people().find(id).await.unwrap();
        assert_eq!(found.is_some(), kept);
    }
}

///
#[tokio::test]
async fn names_and_numbers_are_sealed_on_disk() {
    let opened = open().await;
    let (clock, random) = (Clock::fixed(NOW), Random::seeded(1));
    let new = person(&clock, &random);
    let number =
        DocumentNumber::parse(DocumentType::ResidentIdCard, "360102199003071236", NOW.day())
            .unwrap();
    let tx = opened.store.begin("jiangxi", NOW).await.unwrap();
    tx.rows().people().add(&new).await.unwrap();
    let row = new_uuid(&clock, &random);
    tx.rows().people().hold_document(row, new.id, &number).await.unwrap();
    tx.commit().await.unwrap();
    let people = opened.store.rows("jiangxi").people();
    let found = people.find_by_document(&number).await.unwrap();
    assert_eq!(found, Some(new.id));
    let elsewhere = opened.store.rows("other").people();
    assert_eq!(elsewhere.find_by_document(&number).await.unwrap(), None);
    assert_eq!(elsewhere.find(new.id).await.unwrap(), None);
    assert_eq!(people.find(new.id).await.unwrap().unwrap(), new);
    for suffix in ["", "-wal"] {
        let bytes = std::fs::read(format!("{}{suffix}", opened.file.display())).unwrap_or_default();
        for plain in ["王小明".as_bytes(), b"360102199003071236"] {
            assert!(!bytes.windows(plain.len()).any(|window| window == plain));
        }
    }
}

/// Gives the future up when it has waited so many times, wherever it is then.
async fn cut<T>(future: impl Future<Output = T>, mut waits: u32) -> Option<T> {
    let mut future = Box::pin(future);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if waits == 0 => Poll::Ready(None),
        Poll::Pending => {
            waits -= 1;
            Poll::Pending
        }
    })
    .await
}

/// Every fifth row is written and never committed. `is_cut`: given up at one await after the other.
/// Returns the rows, whether each was to be committed and whether that was acknowledged.
async fn write_many(store: &Store, writer: u64, is_cut: bool) -> Vec<(PersonId, bool, bool)> {
    let mut written = Vec::new();
    for n in 0..300 {
        let new = person(&Clock::fixed(NOW), &Random::seeded(1000 * writer + n));
        let (id, commits) = (new.id, n % 5 != 0);
        let write = async {
            let tx = store.begin("jiangxi", NOW).await.unwrap();
            tx.rows().people().add(&new).await.unwrap();
            if commits {
                tx.commit().await.unwrap();
            }
        };
        let waits = if is_cut { rand::random_range(0..6) } else { u32::MAX };
        let is_acknowledged = cut(write, waits).await.is_some() && commits;
        written.push((id, commits, is_acknowledged));
    }
    written
}

/// A request that is cancelled at any await undoes its own rows and no others: what was
/// acknowledged is there, what was never committed is not.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_cancelled_undoes_nobody_elses_rows() {
    let opened = open().await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8_u64 {
        let store = Arc::clone(&opened.store);
        writers.spawn(async move { write_many(&store, writer, writer % 2 == 1).await });
    }
    let (mut acknowledged, mut cut) = (0, 0);
    for (id, commits, is_acknowledged) in writers.join_all().await.concat() {
        let found = opened.store.rows("jiangxi").people().find(id).await.unwrap().is_some();
        assert!(found || !is_acknowledged, "an acknowledged row is gone");
        assert!(!found || commits, "nobody committed this row");
        acknowledged += u32::from(is_acknowledged);
        cut += u32::from(commits && !is_acknowledged);
    }
    assert!(acknowledged > 900 && cut > 100, "{acknowledged} acknowledged, {cut} cut");
}

/// A row in the way, a row that is missing, a value that cannot be kept, a table that is not there,
/// a database that is away.
#[test]
fn the_database_s_errors_are_told_apart() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (clock, random) = (Clock::fixed(NOW), Random::seeded(1));
        let new = person(&clock, &random);
        let add = async |new: &Person| {
            let tx = app.ctx.begin().await?;
            tx.rows().people().add(new).await?;
            tx.commit().await
        };
        add(&new).await.unwrap();
        assert!(matches!(add(&new).await, Err(StoreError::Conflict(_))));
        let number = "110101196910014562";
        let number =
            DocumentNumber::parse(DocumentType::ResidentIdCard, number, NOW.day()).unwrap();
        let tx = app.ctx.begin().await.unwrap();
        let nobody = PersonId::new(&clock, &random);
        let row = new_uuid(&clock, &random);
        let orphan = tx.rows().people().hold_document(row, nobody, &number).await;
        assert!(matches!(orphan, Err(StoreError::Conflict(_))), "{orphan:?}");
        drop(tx);
        if matches!(on, On::Postgres) {
            let id = PersonId::new(&clock, &random);
            let bad = add(&Person { id, nationality: "C\0N".to_owned(), ..new.clone() }).await;
            assert!(matches!(bad, Err(StoreError::BadValue(_))), "{bad:?}");
        }
        app.sql("ALTER TABLE person RENAME TO person_elsewhere").await;
        let mistake = app.ctx.rows().people().find(new.id).await;
        assert!(matches!(mistake, Err(StoreError::Mistake(_))), "{mistake:?}");
        if matches!(on, On::Postgres) {
            app.drop_database().await;
            let away = app.ctx.rows().people().find(new.id).await;
            assert!(matches!(away, Err(StoreError::Unavailable(_))), "{away:?}");
        }
    });
}

/// SQLite's file is away when its folder is.
#[tokio::test]
async fn a_file_that_cannot_be_opened_is_away() {
    let url = DatabaseUrl::Sqlite("/nowhere/at/all/hufu.db".into());
    let opened = Store::open(&url, MasterKey::new([7; 32]), Clock::fixed(NOW)).await;
    assert!(matches!(opened.err(), Some(StoreError::Unavailable(_))));
}

/// Of two transactions that wait for each other the one that is chosen gives way: neither is the database away, nor
/// another row in the way (PostgreSQL alone: SQLite has one writer).
#[test]
fn whoever_is_ended_for_another_gives_way() {
    on_each_database(|on| async move {
        if matches!(on, On::Sqlite) {
            return;
        }
        let app = TestApp::start(on).await;
        let (clock, random) = (Clock::fixed(NOW), Random::seeded(1));
        let (a, b) = (person(&clock, &random), person(&clock, &random));
        let (first, second) = (app.ctx.begin().await.unwrap(), app.ctx.begin().await.unwrap());
        first.rows().people().add(&a).await.unwrap();
        second.rows().people().add(&b).await.unwrap();
        let crossed = tokio::join!(
            async {
                let crossed = first.rows().people().add(&b).await;
                drop(first);
                crossed
            },
            async {
                let crossed = second.rows().people().add(&a).await;
                drop(second);
                crossed
            }
        );
        let both = [crossed.0, crossed.1];
        assert!(both.iter().any(|one| matches!(one, Err(StoreError::GaveWay(_)))), "{both:?}");
        assert!(both.iter().all(|one| matches!(one, Ok(()) | Err(StoreError::GaveWay(_)))));
    });
}
