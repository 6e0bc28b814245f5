//! What lies in the database is sealed; its keys follow one another while everything works (issue 15.4).

use hufu::base::cipher::MasterKey;
use hufu::base::clock::Clock;
use hufu::base::id::new_uuid;
use hufu::base::random::Random;
use hufu::base::suite::{Suite, hmac_sm3};
use hufu::domain::number::document::{DocumentNumber, DocumentType};
use hufu::domain::number::phone::Phone;
use hufu::domain::person::PhoneBinding;
use hufu::jobs::reseal;
use hufu::store::connect::DatabaseUrl;
use hufu::store::reseal::{MOST_BYTES, Resealed, SEALED};
use hufu::store::roots::{ANNOUNCED_SECONDS, SETTLED_SECONDS, prepare};
use hufu::store::{Store, StoreError};

use crate::account::{LI, WANG, as_person, post};
use crate::kit::{On, PASSWORD, TestApp, on_each_database};
use crate::recovery::{account_of, holder_of, reached_by};

/// The key of `kit`.
fn master() -> MasterKey {
    MasterKey::new([9; 32])
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs = digits.chunks(2).map(|two| std::str::from_utf8(two).unwrap());
    pairs.map(|two| u8::from_str_radix(two, 16).unwrap()).collect()
}

/// RFC 8998 appendix A.1, and HMAC-SM3 as OpenSSL computes it.
#[test]
fn the_national_suite_is_the_standard_one() {
    let mut key = [0; 32];
    key[..16].copy_from_slice(&unhex("0123456789ABCDEFFEDCBA9876543210"));
    let nonce = unhex("00001234567800000000ABCD").try_into().unwrap();
    let place = unhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2");
    let plain: Vec<u8> = [0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0xee, 0xaa]
        .into_iter()
        .flat_map(|byte| [byte; 8])
        .collect();
    let sealer = Suite::National.sealer(&key);
    let sealed = sealer.seal(nonce, &place, &plain);
    let expected = "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735\
                    D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D\
                    83DE3541E4C2B58177E065A9BF7B62EC";
    assert_eq!(sealed[12..], unhex(expected));
    assert_eq!(sealer.open(&place, &sealed).unwrap().as_slice(), plain);
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(sealer.open(&place, &changed).is_none(), "{at}");
    }
    assert!(sealer.open(b"elsewhere", &sealed).is_none());
    let hash = hmac_sm3(&unhex("0102030405060708090a0b0c0d0e0f10"), b"hufu");
    let expected = "f13256be2eb4b2d920336d8251c9dfd7da2fde03d6b0a8a93d629560d3f15123";
    assert_eq!(hash.to_vec(), unhex(expected));
}

/// Columns of bytes that hold no secret to open: hashes of values that nobody keeps, public ids, keys that
/// are wrapped already, lists that authorities publish.
const NOT_SEALED: [&str; 5] = ["credential_id", "fingerprint", "wrapped", "hash", "list"];

/// Whoever adds a sealed column says so to whoever seals anew.
#[tokio::test]
async fn every_column_of_bytes_is_known() {
    let app = TestApp::start(On::Sqlite).await;
    let tables = app.said("SELECT name AS said FROM sqlite_master WHERE type = 'table'").await;
    let mut n_sealed = 0;
    for table in tables {
        let sql = format!(
            "SELECT name AS said FROM pragma_table_info('{table}') WHERE upper(type) = 'BYTEA'"
        );
        for column in app.said(&sql).await {
            let known = SEALED.iter().find(|known| known.table == table);
            let is_sealed = known
                .is_some_and(|known| known.columns.iter().any(|(sealed, _)| *sealed == column));
            let is_hash =
                known.is_some_and(|known| known.hashes.iter().any(|(hash, _)| *hash == column));
            n_sealed += usize::from(is_sealed);
            // Kept as a hash alone, and looked for under every root there was.
            let is_alone = (table.as_str(), column.as_str()) == ("contested_phone", "phone_index");
            let is_other = NOT_SEALED.contains(&column.as_str()) || column.ends_with("_hash");
            assert!(is_sealed || is_hash || is_alone || is_other, "{table}.{column}");
        }
    }
    assert_eq!(n_sealed, SEALED.iter().map(|known| known.columns.len()).sum::<usize>());
}

/// The roots by which the values of every sealed column are sealed.
async fn roots_in_use(app: &TestApp) -> std::collections::BTreeMap<u8, usize> {
    let mut found = std::collections::BTreeMap::new();
    for known in &SEALED {
        for (column, _) in known.columns {
            let hex = match matches!(app.url(), DatabaseUrl::Postgres(_)) {
                true => format!("encode({column}, 'hex')"),
                false => format!("hex({column})"),
            };
            let sql = format!(
                "SELECT lower(substr({hex}, 1, 10)) AS said FROM {} WHERE {column} IS NOT NULL",
                known.table
            );
            for begins in app.said(&sql).await {
                let named = begins.strip_prefix("01000000");
                let root = named.and_then(|id| u8::from_str_radix(id, 16).ok());
                *found.entry(root.filter(|id| *id < 9).unwrap_or(0)).or_default() += 1;
            }
        }
    }
    found
}

async fn can_sign_in(app: &TestApp) {
    // So many codes an hour for a phone.
    app.clock.advance(3601);
    for phone in [LI, WANG] {
        as_person(app, phone).await;
        app.clock.advance(61);
    }
    are_known(app).await;
}

/// By document, username and phone.
async fn are_known(app: &TestApp) {
    for name in ["360121198802290026", "wangxm", LI] {
        let (mut browser, page) = crate::login::scan::login_page(app).await;
        let page = browser.type_credentials(&page, (crate::kit::EXAMPLE, name, PASSWORD)).await;
        assert!(page.url.contains("/login/second_factor"), "{name}: {}", page.text);
        app.clock.advance(61);
    }
}

/// From the international root to a national one while people come and go: found before, between and
/// after by everything they are found by, a number is nobody else's meanwhile, and in the end nothing is
/// sealed by the older one.
#[test]
fn roots_follow_one_another_and_nobody_notices() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let store = &app.ctx.services.store;
        let began = roots_in_use(&app).await;
        assert_eq!(began.keys().copied().collect::<Vec<_>>(), [0], "{began:?}");
        prepare(app.url(), &master(), Suite::National, app.clock.now()).await.unwrap();
        store.learn_roots().await.unwrap();
        assert_eq!(store.ring().current().0, 0, "announced, not yet in use");
        let begins = store.roots().await.unwrap()[1].active_from;
        for (after, root, is_due) in [
            (-1, 0, false),
            (0, 1, false),
            (SETTLED_SECONDS - 1, 1, false),
            (SETTLED_SECONDS, 1, true),
        ] {
            let node =
                Store::open(app.url(), master(), Clock::fixed(begins.plus(after))).await.unwrap();
            assert_eq!(node.ring().current().0, root, "{after}");
            assert_eq!(node.is_reseal_due(begins.plus(after)), is_due, "{after}");
        }
        assert!(!store.is_reseal_due(app.clock.now()));
        can_sign_in(&app).await;
        // Whoever writes has looked.
        assert_eq!((store.ring().current().0, store.ring().current().1), (1, Suite::National));
        can_sign_in(&app).await;
        // Sealed by the new one, found by the old one's hash: nobody else gets the number.
        let tx = app.ctx.begin().await.unwrap();
        let binding = |phone: &str, account| PhoneBinding {
            account,
            phone: Phone::parse(phone).unwrap(),
            is_default: false,
            verified_at: app.clock.now(),
        };
        let accounts = tx.rows().accounts();
        let li = accounts.find_by_phone(&Phone::parse(LI).unwrap()).await.unwrap().unwrap().id;
        for (phone, is_free) in [(WANG, false), (LI, false), ("13912340000", true)] {
            let row = new_uuid(&app.clock, &Random::System);
            let added = accounts.add_phone(row, &binding(phone, li)).await.unwrap();
            assert_eq!(added, is_free, "{phone}");
        }
        tx.commit().await.unwrap();
        let both = roots_in_use(&app).await;
        assert!(both[&0] > 10 && both[&1] >= 1, "{both:?}");

        assert!(store.is_reseal_due(app.clock.now()));
        let done = reseal(&app.ctx.services).await.unwrap().unwrap();
        assert!(done.rows > 10 && done.left == 0, "{done:?}");
        let after = roots_in_use(&app).await;
        assert_eq!(after.keys().copied().collect::<Vec<_>>(), [1], "{after:?}");
        assert_eq!(after[&1], both[&0] + both[&1], "no value is lost");
        assert!(!store.is_reseal_due(app.clock.now()), "and the older one has retired");
        let rows = store.roots().await.unwrap();
        assert!(rows[0].retired_at.is_some() && rows[1].retired_at.is_none());
        can_sign_in(&app).await;
        // Another node that starts now, and one by the wrong key.
        let node = Store::open(app.url(), master(), app.clock.clone()).await.unwrap();
        let phone = Phone::parse("13912340000").unwrap();
        let found = node.rows("jiangxi").accounts().find_by_phone(&phone).await.unwrap();
        assert_eq!(found.unwrap().id, li);
        let wrong = Store::open(app.url(), MasterKey::new([8; 32]), app.clock.clone()).await;
        assert!(matches!(wrong.err(), Some(StoreError::WrongKey(..))));
    });
}

/// No row of any table says who somebody is, neither as text nor as bytes: not by name, document number, phone,
/// address or e-mail. They are found by their numbers all the same.
#[test]
fn no_row_says_who_somebody_is() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        let (address, email) = ("江西省南昌市东湖区阳明路1号2栋301室", "wang.xm@example.com");
        let kept = [("act", "address"), ("address", address)];
        let saved = post(&app, &mut wang, "/account/maintain", &kept).await;
        assert_eq!(saved.code(), None, "{}", saved.text);
        reached_by(&app, &account_of(&app, "wangxm").await, email).await;
        let rows = app.rows_of("jiangxi").await;
        let sealed = "SELECT COUNT(*) FROM person WHERE address IS NOT NULL AND email IS NOT NULL";
        assert_eq!(app.count(sealed).await, 1, "what is looked for is there");
        for told in ["王小明", "360102199003071236", WANG, "阳明路", "wang.xm", email] {
            let bytes: String = told.bytes().map(|byte| format!("{byte:02x}")).collect();
            for (table, row) in
                rows.iter().flat_map(|(table, rows)| rows.iter().map(move |row| (table, row)))
            {
                let row = row.to_lowercase();
                assert!(!row.contains(told) && !row.contains(&bytes), "{told} in {table}: {row}");
            }
        }
        app.clock.advance(61);
        are_known(&app).await;
        assert_eq!(
            holder_of(&app, WANG).await.map(|one| one.id),
            Some(account_of(&app, "wangxm").await.id)
        );
    });
}

/// Cut off anywhere and begun again, while rows are written: nothing is unreadable at any moment, and the
/// pass that ends leaves nothing behind.
#[test]
fn sealing_anew_may_die_anywhere() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let store = &app.ctx.services.store;
        prepare(app.url(), &master(), Suite::National, app.clock.now()).await.unwrap();
        app.clock.advance(ANNOUNCED_SECONDS + SETTLED_SECONDS);
        store.learn_roots().await.unwrap();
        for n in 0..40_u64 {
            // The lease of whoever died runs out.
            app.clock.advance(200);
            let cut = std::time::Duration::from_micros(300 * n * n);
            let pass = tokio::time::timeout(cut, reseal(&app.ctx.services)).await;
            if let Ok(done) = pass {
                let Some(Resealed { left: 0, .. }) = done.unwrap() else { continue };
                break;
            }
            are_known(&app).await;
        }
        app.clock.advance(200);
        let _ = reseal(&app.ctx.services).await.unwrap();
        let after = roots_in_use(&app).await;
        assert_eq!(after.keys().copied().collect::<Vec<_>>(), [1], "{after:?}");
        can_sign_in(&app).await;
    });
}

/// A row that nobody can read keeps no other where it is, and the older root alive; a hash that was left
/// behind is found and brought along, and so is a card that was renewed between the roots.
#[test]
fn what_was_left_behind_is_brought_along_or_told() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let store = &app.ctx.services.store;
        let number = |text: &str| {
            DocumentNumber::parse(DocumentType::ResidentIdCard, text, app.clock.now().day())
                .unwrap()
        };
        let li = number("360121198802290026");
        let people = || app.ctx.rows().people();
        let person = people().find_by_document(&li).await.unwrap().unwrap();
        app.sql("CREATE TABLE kept AS SELECT id, phone_index FROM phone_binding").await;
        prepare(app.url(), &master(), Suite::National, app.clock.now()).await.unwrap();
        app.clock.advance(ANNOUNCED_SECONDS);
        store.learn_roots().await.unwrap();
        let tx = app.ctx.begin().await.unwrap();
        let row = new_uuid(&app.clock, &Random::System);
        tx.rows().people().hold_document(row, person, &li).await.unwrap();
        tx.commit().await.unwrap();
        let bytes = if matches!(on, On::Postgres) { "BYTEA" } else { "BLOB" };
        let broken = format!("UPDATE person SET address = CAST('none of ours' AS {bytes})");
        app.sql(&broken).await;
        let n_broken = u64::try_from(app.count("SELECT COUNT(*) FROM person").await).unwrap();
        app.clock.advance(SETTLED_SECONDS);
        let done = reseal(&app.ctx.services).await.unwrap().unwrap();
        assert_eq!(done.left, n_broken, "{done:?}");
        assert!(store.roots().await.unwrap()[0].retired_at.is_none(), "others are tried again");
        app.sql("UPDATE person SET address = NULL").await;
        app.clock.advance(200);
        assert_eq!(reseal(&app.ctx.services).await.unwrap().unwrap().left, 0);
        assert!(store.roots().await.unwrap()[0].retired_at.is_some());
        assert_eq!(people().find_by_document(&li).await.unwrap(), Some(person));
        // As a slow node would leave them: values of the new root, hashes of the old one.
        app.sql(
            "UPDATE phone_binding SET phone_index = \
             (SELECT k.phone_index FROM kept k WHERE k.id = phone_binding.id)",
        )
        .await;
        app.sql("UPDATE data_root SET retired_at = NULL").await;
        app.sql("DROP TABLE kept").await;
        app.clock.advance(200);
        store.learn_roots().await.unwrap();
        let n = u64::try_from(app.count("SELECT COUNT(*) FROM phone_binding").await).unwrap();
        let done = reseal(&app.ctx.services).await.unwrap().unwrap();
        assert_eq!((done.rows, done.left), (n, 0));
        can_sign_in(&app).await;
    });
}

/// Portraits and papers are megabytes each: a step is as many as fit, one that is larger goes alone, and none is
/// forgotten.
#[test]
fn what_is_sealed_anew_at_once_is_bounded() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        prepare(app.url(), &master(), Suite::National, app.clock.now()).await.unwrap();
        let zeros = |n: usize| match on {
            On::Postgres => format!("decode(repeat('00', {n}), 'hex')"),
            On::Sqlite => format!("zeroblob({n})"),
        };
        for size in [1 << 20; 12].into_iter().chain([MOST_BYTES + 1]) {
            let id = app.literal(new_uuid(&app.clock, &Random::System));
            let content = zeros(size);
            let insert = format!(
                "INSERT INTO hall_portrait (id, realm, kind, content, added_at) \
                 VALUES ({id}, 'jiangxi', 'png', {content}, 1)"
            );
            app.sql(&insert).await;
        }
        app.clock.advance(ANNOUNCED_SECONDS + SETTLED_SECONDS);
        app.ctx.services.store.learn_roots().await.unwrap();
        let done = reseal(&app.ctx.services).await.unwrap().unwrap();
        // They open by no key, so each that was met is told.
        assert_eq!((done.left, done.largest), (13, MOST_BYTES + 1), "{done:?}");
        let large = "DELETE FROM hall_portrait WHERE length(content) > 8388608";
        app.sql(large).await;
        app.clock.advance(200);
        let done = reseal(&app.ctx.services).await.unwrap().unwrap();
        assert_eq!((done.left, done.largest), (12, MOST_BYTES), "{done:?}");
    });
}

/// Two nodes do not work at the same rows, and one that died is followed after two minutes.
#[test]
fn one_node_seals_anew_at_a_time() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let other = Store::open(app.url(), master(), app.clock.clone()).await.unwrap();
        prepare(app.url(), &master(), Suite::National, app.clock.now()).await.unwrap();
        app.clock.advance(ANNOUNCED_SECONDS + SETTLED_SECONDS);
        for store in [&app.ctx.services.store, &other] {
            store.learn_roots().await.unwrap();
        }
        let stuck = async {
            let never = |_| std::future::pending::<()>();
            app.ctx.services.store.reseal(false, || app.clock.now(), never).await
        };
        let cut = tokio::time::timeout(std::time::Duration::from_millis(500), stuck).await;
        assert!(cut.is_err());
        let rest = |_| std::future::ready(());
        assert_eq!(other.reseal(false, || app.clock.now(), rest).await.unwrap(), None);
        app.clock.advance(121);
        let done = other.reseal(false, || app.clock.now(), rest).await.unwrap().unwrap();
        assert_eq!(done.left, 0);
    });
}
