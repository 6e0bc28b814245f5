//! Whose master key opens what is at rest, and what a wrong one, a machine that hangs, two operators at
//! once, and a process that has not looked leave (issue 15.4).

use std::time::Duration;

use hufu::base::cipher::{Keeper, Kept, MasterKey, RootKey};
use hufu::base::random::Random;
use hufu::base::suite::Suite;
use hufu::domain::help::Helper;
use hufu::domain::number::phone::Phone;
use hufu::flows::feed::{Format, import};
use hufu::flows::versions;
use hufu::jobs::reseal;
use hufu::store::connect::{DatabaseUrl, migrate};
use hufu::store::roots::{
    ANNOUNCED_SECONDS, SETTLED_SECONDS, SHORTEST_ANNOUNCEMENT, is_sealed, prepare,
};
use hufu::store::{Store, StoreError};

use crate::account::LI;
use crate::kit::{On, START, TestApp, TestDatabase, on_each_database};

/// The key of `kit`.
fn master() -> MasterKey {
    MasterKey::new([9; 32])
}

fn why() -> Helper {
    Helper::new("operator/li", "a test").unwrap()
}

/// Begun with the master key as root 0, which has retired.
async fn with_root_1(on: On) -> TestApp {
    let app = TestApp::start(on).await;
    prepare(app.url(), &master(), Suite::National, app.clock.now()).await.unwrap();
    app.clock.advance(ANNOUNCED_SECONDS + SETTLED_SECONDS);
    app.ctx.services.store.learn_roots().await.unwrap();
    assert_eq!(reseal(&app.ctx.services).await.unwrap().unwrap().left, 0);
    app
}

/// A node with another key and another suite leaves nothing behind that the right key does not open; nor
/// does the old one of two keys. Covers X-10.
#[test]
fn a_key_that_does_not_open_everything_makes_no_root() {
    on_each_database(|on| async move {
        let app = with_root_1(on).await;
        let (url, now, store) = (app.url(), app.clock.now(), &app.ctx.services.store);
        let stray = prepare(url, &MasterKey::new([8; 32]), Suite::International, now).await;
        assert!(matches!(stray, Err(StoreError::WrongKey(..))), "{stray:?}");
        assert_eq!(store.roots().await.unwrap().len(), 2);
        let next = MasterKey::new([3; 32]);
        store.wrap_roots(&next, &why(), now).await.unwrap();
        for key in [master(), next] {
            let refused = prepare(url, &key, Suite::International, now).await;
            assert!(matches!(refused, Err(StoreError::Roots(_))), "{refused:?}");
            prepare(url, &key, Suite::National, now).await.unwrap();
            Store::open(url, key, app.clock.clone()).await.unwrap();
        }
    });
}

/// The registry's next word of a person, told to a process that has not looked since a root followed
/// another and everything was sealed anew: no second person comes to be.
#[test]
fn whoever_has_not_looked_finds_everybody() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        prepare(app.url(), &master(), Suite::International, app.clock.now()).await.unwrap();
        let importer = app.second_node().await;
        let store = &app.ctx.services.store;
        store.add_root(Suite::International, 0, &why(), app.clock.now()).await.unwrap();
        app.clock.advance(SHORTEST_ANNOUNCEMENT);
        store.learn_roots().await.unwrap();
        assert_eq!(store.ring().current().0, 1, "the shortest announcement there is");
        let rest = |_| std::future::ready(());
        let done = store.reseal(true, || app.clock.now(), rest).await.unwrap().unwrap();
        assert!(done.rows > 10 && done.left == 0, "{done:?}");
        let tables = ["person", "account", "phone_binding", "identity_document"];
        let counts = async || {
            let mut counts = Vec::new();
            for table in tables {
                counts.push(app.count(&format!("SELECT COUNT(*) FROM {table}")).await);
            }
            counts
        };
        let before = counts().await;
        let line = |key: &str, document: &str, phone: &str| {
            format!(
                r#"{{"feed":"person","source_key":"{key}","version":1,"name":"李芳","document":"{document}","phone":"{phone}"}}"#
            ) + "\n"
        };
        let li = "360121198802290026";
        for lines in [line("another", li, LI), line("one", li, LI) + &line("more", li, LI)] {
            let report =
                import(&importer.ctx, "test", lines.as_bytes(), Format::JsonLines, None).await;
            assert!(report.unwrap().failed.is_empty());
        }
        assert_eq!(counts().await, before, "{tables:?}");
        app.clock.advance(SETTLED_SECONDS);
        assert_eq!(reseal(&app.ctx.services).await.unwrap().unwrap().left, 0);
    });
}

/// A node that cannot look any more does not go on by what it knew; a transaction that was open all the
/// while is not committed under a root that was followed.
#[test]
fn who_cannot_look_does_not_write() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        prepare(app.url(), &master(), Suite::International, app.clock.now()).await.unwrap();
        app.sql("ALTER TABLE data_root RENAME TO away").await;
        app.ctx.begin().await.unwrap().commit().await.unwrap();
        app.clock.advance(SHORTEST_ANNOUNCEMENT);
        let store = &app.ctx.services.store;
        let refused = store.begin("jiangxi", app.clock.now()).await.err();
        assert!(matches!(refused, Some(StoreError::Unavailable(_))), "{refused:?}");
        let refused = store.check_writes(app.clock.now()).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        app.sql("ALTER TABLE away RENAME TO data_root").await;
        app.ctx.begin().await.unwrap().commit().await.unwrap();
        // A file has one writer at a time.
        if matches!(on, On::Postgres) {
            let node = app.second_node().await;
            for is_followed in [false, true] {
                let long = node.ctx.begin().await.unwrap();
                if is_followed {
                    store.add_root(Suite::National, 0, &why(), app.clock.now()).await.unwrap();
                }
                app.clock.advance(SHORTEST_ANNOUNCEMENT);
                let committed = long.commit().await;
                assert_eq!(committed.is_err(), is_followed, "{committed:?}");
            }
        }
    });
}

/// Another master key: both open until the old one is forgotten; a copy of before opens by the old one
/// alone; while there are two, no root is made that one of them could not open.
#[test]
fn the_master_key_is_exchanged_and_old_copies_open_by_the_old_one() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (url, now) = (app.url(), app.clock.now());
        let next = MasterKey::new([3; 32]);
        let no_roots = app.ctx.services.store.wrap_roots(&next, &why(), now).await;
        assert!(matches!(no_roots, Err(StoreError::Roots(_))), "before the first start");
        prepare(url, &master(), Suite::International, now).await.unwrap();
        let copy = match url {
            DatabaseUrl::Sqlite(file) => {
                let copy = file.with_extension("copy");
                app.sql(&format!("VACUUM INTO '{}'", copy.display())).await;
                Some(DatabaseUrl::Sqlite(copy))
            }
            DatabaseUrl::Postgres(_) => None,
        };
        let store = Store::open(url, master(), app.clock.clone()).await.unwrap();
        // What there was is sealed by the master key itself, and would be read by it for ever.
        let refused = store.wrap_roots(&next, &why(), now).await;
        assert!(matches!(refused, Err(StoreError::Roots(_))), "{refused:?}");
        let rest = |_| std::future::ready(());
        store.add_root(Suite::International, ANNOUNCED_SECONDS, &why(), now).await.unwrap();
        app.clock.advance(ANNOUNCED_SECONDS + SETTLED_SECONDS);
        store.learn_roots().await.unwrap();
        let now = app.clock.now();
        assert_eq!(store.reseal(false, || now, rest).await.unwrap().unwrap().left, 0);
        store.wrap_roots(&next, &why(), now).await.unwrap();
        store.wrap_roots(&next, &why(), now).await.unwrap();
        let refused = store.add_root(Suite::National, 0, &why(), now).await;
        assert!(matches!(refused, Err(StoreError::Roots(_))), "two keys");
        let li = Phone::parse(LI).unwrap();
        for key in [master(), next.clone()] {
            let node = Store::open(url, key, app.clock.clone()).await.unwrap();
            assert!(node.rows("jiangxi").accounts().find_by_phone(&li).await.unwrap().is_some());
        }
        let own = Keeper::fingerprint(&master());
        let in_use = store.forget_keeper(&own, &why(), now).await;
        assert!(matches!(in_use, Err(StoreError::Roots(_))));
        let node = Store::open(url, next.clone(), app.clock.clone()).await.unwrap();
        assert!(node.forget_keeper(&own, &why(), now).await.unwrap());
        assert!(!node.forget_keeper(&own, &why(), now).await.unwrap(), "twice");
        let old = Store::open(url, master(), app.clock.clone()).await;
        assert!(matches!(old.err(), Some(StoreError::WrongKey(..))));
        // A root of the new key's own, and what it seals.
        let added = node.add_root(Suite::National, 0, &why(), now).await.unwrap();
        assert_eq!((added.id, added.suite), (2, Suite::National));
        app.clock.advance(SHORTEST_ANNOUNCEMENT);
        node.learn_roots().await.unwrap();
        let done = node.reseal(true, || app.clock.now(), rest).await.unwrap().unwrap();
        assert!(done.rows > 10 && done.left == 0);
        assert!(node.roots().await.unwrap()[1].retired_at.is_none(), "others may seal by it still");
        if let Some(copy) = copy {
            let store = Store::open(&copy, master(), app.clock.clone()).await.unwrap();
            let account =
                store.rows("jiangxi").accounts().find_by_phone(&li).await.unwrap().unwrap();
            let phones = store.rows("jiangxi").accounts().phones(account.id).await.unwrap();
            assert!(phones.iter().any(|one| one.phone == li));
            assert!(Store::open(&copy, next, app.clock.clone()).await.is_err());
        }
    });
}

/// A new database has no root that is a master key, so that an old key is worth nothing once forgotten.
#[test]
fn in_a_new_database_a_master_key_is_no_root() {
    on_each_database(|on| async move {
        let database = TestDatabase::blank(on).await;
        let (url, clock) = (&database.url, hufu::base::clock::Clock::fixed(START));
        migrate(url).await.unwrap();
        prepare(url, &master(), Suite::International, START).await.unwrap();
        let own = Keeper::fingerprint(&master());
        let store = Store::open(url, master(), clock.clone()).await.unwrap();
        assert!(!store.ring().first().is_master(&own));
        let next = MasterKey::new([3; 32]);
        store.wrap_roots(&next, &why(), START).await.unwrap();
        let node = Store::open(url, next, clock).await.unwrap();
        assert!(node.forget_keeper(&own, &why(), START).await.unwrap());
        let served = TestApp::start(on).await;
        prepare(served.url(), &master(), Suite::International, START).await.unwrap();
        let first = served.ctx.services.store.ring();
        assert!(first.first().is_master(&own), "what was sealed before there were roots");
    });
}

/// A database that was served before there were roots, whatever steps it has still to run: a key that has not
/// sealed it, and a machine, become no root, so that the right key opens it afterwards. Covers X-10.
#[test]
fn a_wrong_key_does_not_take_the_first_ones_place() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (url, now) = (app.url(), app.clock.now());
        let (wrong, suite) = (MasterKey::new([8; 32]), Suite::International);
        let stray = prepare(url, &wrong, suite, now).await;
        assert!(matches!(stray, Err(StoreError::WrongKey(..))), "{stray:?}");
        let machine = prepare(url, &Hangs, suite, now).await;
        assert!(matches!(machine, Err(StoreError::Roots(_))), "{machine:?}");
        for table in ["data_root", "data_root_wrap"] {
            assert_eq!(app.count(&format!("SELECT COUNT(*) FROM {table}")).await, 0, "{table}");
        }
        let stray = Store::open(url, wrong.clone(), app.clock.clone()).await.err();
        assert!(matches!(stray, Some(StoreError::WrongKey(..))), "{stray:?}");

        app.sql("ALTER TABLE data_root RENAME TO away").await;
        let stray = is_sealed(url, Some(&wrong)).await;
        assert!(matches!(stray, Err(StoreError::WrongKey(..))), "{stray:?}");
        assert!(is_sealed(url, None).await.unwrap());
        assert!(is_sealed(url, Some(&master())).await.unwrap());
        app.sql("ALTER TABLE away RENAME TO data_root").await;

        prepare(url, &master(), suite, now).await.unwrap();
        let store = Store::open(url, master(), app.clock.clone()).await.unwrap();
        let li = Phone::parse(LI).unwrap();
        let account = store.rows("jiangxi").accounts().find_by_phone(&li).await.unwrap().unwrap();
        assert!(!store.rows("jiangxi").accounts().phones(account.id).await.unwrap().is_empty());
        let blank = TestDatabase::blank(on).await;
        assert!(!is_sealed(&blank.url, Some(&wrong)).await.unwrap(), "a first start takes any");
    });
}

/// Two operators, each with one of two keys, who forget the other's at once: one key is left.
#[test]
fn two_who_forget_each_other_leave_one() {
    on_each_database(|on| async move {
        let app = with_root_1(on).await;
        let (now, next) = (app.clock.now(), MasterKey::new([3; 32]));
        let store = Store::open(app.url(), master(), app.clock.clone()).await.unwrap();
        store.wrap_roots(&next, &why(), now).await.unwrap();
        let (own, other) = (Keeper::fingerprint(&master()), Keeper::fingerprint(&next));
        let node = Store::open(app.url(), next, app.clock.clone()).await.unwrap();
        let why = why();
        let done = tokio::join!(
            store.forget_keeper(&other, &why, now),
            node.forget_keeper(&own, &why, now)
        );
        assert_eq!(usize::from(done.0.is_ok()) + usize::from(done.1.is_ok()), 1, "{done:?}");
        for root in store.roots().await.unwrap() {
            assert_eq!(root.keepers.len(), 1, "{root:?}");
        }
    });
}

/// In front of a machine that does not answer.
struct Hangs;

impl Keeper for Hangs {
    fn fingerprint(&self) -> String {
        "hangs".to_owned()
    }

    fn wrap<'k>(&'k self, _: &'k Random, _: u32, _: &'k RootKey) -> Kept<'k, Vec<u8>> {
        Box::pin(std::future::pending())
    }

    fn unwrap<'k>(&'k self, _: u32, _: &'k [u8]) -> Kept<'k, RootKey> {
        Box::pin(std::future::pending())
    }

    fn first_root(&self) -> Option<RootKey> {
        None
    }
}

/// Whoever waits for a machine keeps nobody from writing.
#[test]
fn nobody_waits_for_a_machine_that_hangs() {
    on_each_database(|on| async move {
        let app = with_root_1(on).await;
        let store = Store::open(app.url(), master(), app.clock.clone()).await.unwrap();
        let (why, now) = (why(), app.clock.now());
        let write = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            app.ctx.services.store.check_writes(now).await
        };
        tokio::select! {
            _ = store.wrap_roots(&Hangs, &why, now) => panic!("it hangs"),
            written = write => written.unwrap(),
        }
    });
}

/// No act is done without its trace in every realm.
#[test]
fn an_act_and_its_trace_are_one() {
    on_each_database(|on| async move {
        let app = with_root_1(on).await;
        let (store, now, next) =
            (&app.ctx.services.store, app.clock.now(), MasterKey::new([3; 32]));
        versions::record(&app.ctx.services, &app.ctx.realm).await.unwrap();
        app.sql("ALTER TABLE audit_head RENAME TO away").await;
        assert!(store.add_root(Suite::National, 0, &why(), now).await.is_err());
        assert!(store.wrap_roots(&next, &why(), now).await.is_err());
        let known = store.roots().await.unwrap();
        assert!(known.len() == 2 && known.iter().all(|root| root.keepers.len() == 1));
        app.sql("ALTER TABLE away RENAME TO audit_head").await;
        store.wrap_roots(&next, &why(), now).await.unwrap();
        let other = Keeper::fingerprint(&next);
        assert!(store.forget_keeper(&other, &why(), now).await.unwrap());
        store.add_root(Suite::National, 0, &why(), now).await.unwrap();
        let acts: Vec<String> = app
            .audit()
            .await
            .into_iter()
            .filter(|event| event["action"] == "secrets_changed")
            .map(|event| event["act"].as_str().unwrap().to_owned())
            .collect();
        let expected =
            [format!("rewrap {other}"), format!("forget {other}"), "rotate 2".to_owned()];
        assert_eq!(acts, expected);
    });
}
