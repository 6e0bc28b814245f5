//! Somebody who guesses: where they stand, what they type, and what they hear; and whom it never
//! touches.

use std::time::Duration;

use hufu::domain::lockout::LockoutPolicy;
use hufu::domain::number::personal_id::comparable;
use hufu::domain::place::Place;

use crate::kit::browser::Shown;
use crate::kit::{
    Browser, EXAMPLE, FILING, On, PASSWORD, START, Setup, TestApp, authorize_url, changed_realm,
    on_each_database,
};

const WANG: &str = "13800138000";
const LI: &str = "13900139000";
const NOBODY: &str = "13811112222";
const WRONG: &str = "Wrong2026!";

/// Status, code and `Retry-After` of one guess at the first page.
type Answer = (u16, Option<String>, Option<i64>);

fn denied() -> Answer {
    (422, Some("E_CREDENTIALS".to_owned()), None)
}

fn locked(seconds: i64) -> Answer {
    (429, Some("E_LOCKED".to_owned()), Some(seconds))
}

async fn type_at(browser: &mut Browser, enterprise: &str, who: &str, password: &str) -> Answer {
    let page = browser.get(&authorize_url(&FILING, &[("prompt", "login")])).await;
    let shown = browser.type_credentials(&page, (enterprise, who, password)).await;
    let wait = shown.header("retry-after").map(|text| text.parse().unwrap());
    (shown.status.as_u16(), shown.code().map(str::to_owned), wait)
}

async fn guess(app: &TestApp, from: &str, who: &str, password: &str) -> Answer {
    type_at(&mut app.browser_at(from), EXAMPLE, who, password).await
}

/// Right: the second factor is due.
fn is_let_in(answer: &Answer) -> bool {
    answer.0 == 200 && answer.1.is_none()
}

async fn sign_in(app: &TestApp, from: &str, phone: &str) -> Browser {
    let mut browser = app.browser_at(from);
    let page = browser.get(&authorize_url(&FILING, &[])).await;
    let page = browser.type_credentials(&page, (EXAMPLE, phone, PASSWORD)).await;
    let done = browser.pass_second_factor(app, &page, phone).await;
    assert!(done.left_to.is_some() || done.text.contains("name=\"identity\""), "{}", done.text);
    if done.left_to.is_none() {
        let id = done.text.split("name=\"identity\" value=\"").nth(1).unwrap();
        let id = id.split('"').next().unwrap().to_owned();
        browser.submit(&done, &[("identity", &id)]).await;
    }
    browser
}

/// The same guesses at somebody and at nobody, from one place and from many: every answer is equal
/// in status, code and wait, and so is each doubling. Covers E-08, E-09.
#[test]
fn known_and_unknown_names_answer_alike() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut heard: Vec<Vec<Answer>> = vec![Vec::new(), Vec::new()];
        for wait in [900, 1800, 3600] {
            for (who, heard) in [WANG, NOBODY].into_iter().zip(&mut heard) {
                for _ in 0..5 {
                    heard.push(guess(&app, "203.0.113.1", who, WRONG).await);
                }
                heard.push(guess(&app, "203.0.113.1", who, PASSWORD).await);
                // Ten minutes later, and the very last second, it is as locked as it was.
            }
            app.clock.advance(wait - 1);
            for (who, heard) in [WANG, NOBODY].into_iter().zip(&mut heard) {
                heard.push(guess(&app, "203.0.113.1", who, WRONG).await);
            }
            app.clock.advance(1);
        }
        let one = |wait| [vec![denied(); 5], vec![locked(wait), locked(1)]].concat();
        let expected = [one(900), one(1800), one(3600)].concat();
        assert_eq!(heard, [expected.clone(), expected]);
    });
}

/// What is typed for one person by two of their names has nothing to do with each other; two
/// spellings of one name are one name.
#[test]
fn two_names_do_not_tell_that_they_are_one_persons() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for (phone, document) in [(WANG, "360102199003071236"), (NOBODY, "360102199003071244")] {
            for _ in 0..4 {
                assert_eq!(guess(&app, "203.0.113.1", phone, WRONG).await, denied());
            }
            for _ in 0..5 {
                assert_eq!(guess(&app, "203.0.113.1", document, WRONG).await, denied());
            }
            assert_eq!(guess(&app, "203.0.113.1", document, WRONG).await, locked(900));
            let spelled = format!("+86 {}-{}-{}", &phone[..3], &phone[3..7], &phone[7..]);
            assert_eq!(guess(&app, "203.0.113.1", &spelled, WRONG).await, denied(), "the fifth");
            assert_eq!(guess(&app, "203.0.113.1", phone, WRONG).await, locked(900));
        }
    });
}

#[test]
fn every_spelling_of_a_name_is_one_name() {
    let today = START.day();
    for (spellings, form) in [
        (
            vec!["13800138000", "+8613800138000", "138-0013-8000", "１３８００１３８０００"],
            "+8613800138000",
        ),
        (vec!["Wang.XM", "wang.xm", " WANG.xm "], "wang.xm"),
        (vec!["wangxm", "WANGXM", "WangXm\u{200b}"], "WANGXM"),
        (vec!["360102199003071236", "360102 1990 0307 1236"], "360102199003071236"),
        (vec!["34052419800101001x", "34052419800101001X", "340524800101001"], "34052419800101001X"),
        (vec!["H12345678", "h1234567801", "H1234567899"], "H12345678"),
        (vec!["12345678", "1234567802", "12345678(A)"], "12345678"),
        (vec!["A@Example.com", "a@example.COM"], "a@example.com"),
    ] {
        for spelling in spellings {
            assert_eq!(comparable(spelling, today), form, "{spelling}");
        }
    }
}

/// An address is what a guesser pays for: the last 64 bits are made up, the first are not.
#[test]
fn a_place_is_an_address_or_a_network_of_64_bits() {
    let place = |text: &str| Place::of(text.parse().unwrap()).to_string();
    assert_eq!(place("203.0.113.7"), "203.0.113.7");
    assert_eq!(place("::ffff:203.0.113.7"), "203.0.113.7");
    assert_eq!(place("2001:db8:0:1::7"), place("2001:db8:0:1:ffff:ffff:ffff:ffff"));
    assert_ne!(place("2001:db8:0:1::7"), place("2001:db8:0:2::7"));
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for n in 1..=5 {
            assert_eq!(guess(&app, &format!("2001:db8:0:1::{n}"), WANG, WRONG).await, denied());
        }
        assert_eq!(guess(&app, "2001:db8:0:1:a:b:c:d", WANG, WRONG).await, locked(900));
        assert_eq!(guess(&app, "2001:db8:0:2::1", WANG, WRONG).await, denied());
    });
}

/// Whoever has hundreds of /64s has eight times the tries of one, and whoever has thousands 64 times: what
/// lies around a place is counted, too. A mobile operator's next telephones are others.
#[test]
fn the_networks_of_a_site_multiply_eightfold_at_most() {
    let around =
        |text: &str| Place::of(text.parse().unwrap()).around().map(|site| site.to_string());
    assert_eq!(around("2001:db8:7:1::7").as_deref(), Some("2001:db8:7::/56"));
    assert_eq!(around("2001:db8:7:ff::1"), around("2001:db8:7:1::7"));
    assert_ne!(around("2001:db8:7:100::1"), around("2001:db8:7:1::7"));
    assert_eq!(around("203.0.113.7"), None);
    let nested: Vec<String> = Place::of("2001:db8:7:1ff::7".parse().unwrap())
        .nested()
        .map(|network| format!("{network} {} {}", network.tries(10), network.room(10)))
        .collect();
    let expected =
        ["2001:db8:7:1ff::/64 10 5", "2001:db8:7:100::/56 80 10", "2001:db8:7::/48 640 80"];
    assert_eq!(nested, expected);
    on_each_database(|on| async move {
        let few = "max_failures = 5\nmax_failures_per_address = 1";
        let realm = changed_realm(&[("realm.toml", "max_failures = 5", few)]);
        let app = Setup::of(on, vec![realm]).start().await;
        let code = async |from: &str, who: &str| guess(&app, from, who, WRONG).await.1;
        let (wrong, locked) = (Some("E_CREDENTIALS".to_owned()), Some("E_LOCKED".to_owned()));
        for n in 0..8 {
            let from = format!("2001:db8:0:{n}::1");
            assert_eq!(code(&from, &format!("nobody{n:02}")).await, wrong, "{n}");
        }
        // One that has no try of its own left, one that never had any, and one of another site.
        for (from, expected) in [
            ("2001:db8:0:1::1", &locked),
            ("2001:db8:0:77::1", &locked),
            ("2001:db8:0:100::1", &wrong),
            ("2001:db8:1::1", &wrong),
            ("203.0.113.1", &wrong),
        ] {
            assert_eq!(&code(from, "nobody99").await, expected, "{from}");
        }
        // One of them that goes on and on spends nothing of the others'.
        for n in 0..40 {
            code("2001:db8:5:1::1", &format!("nobody{}", n % 20)).await;
        }
        for (from, expected) in [("2001:db8:5:1::1", &locked), ("2001:db8:5:2::1", &wrong)] {
            assert_eq!(&code(from, "nobody97").await, expected, "{from}");
        }
        // All sites of a network together: 64 times two.
        for _ in 0..128 {
            app.ctx.ephemeral().count("address/2001:db8:2::/48", 900).await.unwrap();
        }
        for (from, expected) in [("2001:db8:2:4200::1", &locked), ("2001:db8:3::1", &wrong)] {
            assert_eq!(&code(from, "nobody98").await, expected, "{from}");
        }
    });
}

/// Behind an address that is locked one password after the other is hashed, whoever is known there: whoever
/// goes on and on waits for themselves, and nobody elsewhere does.
#[test]
fn a_locked_address_has_its_passwords_hashed_one_by_one() {
    on_each_database(|on| async move {
        let few = "max_failures = 5\nmax_failures_per_address = 2";
        let realm = changed_realm(&[("realm.toml", "max_failures = 5", few)]);
        let app = Setup::of(on, vec![realm]).start().await;
        sign_in(&app, "203.0.113.1", LI).await;
        app.clock.advance(61);
        let hashing = &app.ctx.services.hashing;
        let before = hashing.turn("jiangxi/address/203.0.113.1").await.unwrap();
        for n in 0..2 {
            let heard = guess(&app, "203.0.113.1", &format!("nobody{n}"), WRONG).await;
            assert_eq!(heard, denied(), "nobody waits before it is locked");
        }
        for who in [LI, NOBODY] {
            let waits = guess(&app, "203.0.113.1", who, WRONG);
            let waited = tokio::time::timeout(Duration::from_millis(300), waits).await;
            assert!(waited.is_err(), "{who}: {waited:?}");
            assert!(is_let_in(&guess(&app, "203.0.113.2", LI, PASSWORD).await));
        }
        // Thirty may wait; whoever comes then is told at once.
        let mut waiting: Vec<_> =
            (0..30).map(|_| Box::pin(hashing.turn("jiangxi/address/203.0.113.1"))).collect();
        for one in &mut waiting {
            let _ = tokio::time::timeout(Duration::from_millis(1), one).await;
        }
        for who in [LI, NOBODY] {
            let heard = guess(&app, "203.0.113.1", who, WRONG).await;
            assert_eq!(heard.1.as_deref(), Some("E_BUSY"), "{who}");
        }
        drop(waiting);
        drop(before);
        for who in [LI, NOBODY] {
            let heard = guess(&app, "203.0.113.1", who, WRONG).await;
            assert_eq!(heard.1.as_deref(), Some("E_LOCKED"), "{who}");
        }
        assert!(is_let_in(&guess(&app, "203.0.113.1", LI, PASSWORD).await), "the known one");
    });
}

/// A crowd of addresses has one budget for one name, known or not; from where the person has signed
/// in nobody spends it, and there the right password is right. Covers E-09.
#[test]
fn strangers_spend_nothing_of_a_known_place() {
    on_each_database(|on| async move {
        let few = "max_failures = 5\nmax_failures_elsewhere = 8";
        let realm = changed_realm(&[("realm.toml", "max_failures = 5", few)]);
        let app = Setup::of(on, vec![realm]).start().await;
        sign_in(&app, "198.51.100.7", LI).await;
        app.clock.advance(61);
        for who in [LI, NOBODY] {
            for n in 0..8 {
                let from = format!("203.0.113.{}", 10 + n % 5);
                // From five addresses, none of which is locked itself; the ninth is one too many.
                assert_eq!(guess(&app, &from, who, WRONG).await, denied(), "{who} {n}");
            }
            for from in ["203.0.113.14", "203.0.113.99", "2001:db8::1"] {
                assert_eq!(guess(&app, from, who, PASSWORD).await, locked(900), "{who} {from}");
            }
        }
        let own = guess(&app, "198.51.100.7", LI, PASSWORD).await;
        assert!(is_let_in(&own), "{own:?}");
        // Whoever sits at the known place has five tries like anybody, and is told of the strangers' lock as
        // they are anywhere: nothing tells that the place is known but the right password.
        for _ in 0..4 {
            assert_eq!(guess(&app, "198.51.100.7", LI, WRONG).await, locked(900));
        }
        assert!(is_let_in(&guess(&app, "198.51.100.7", LI, PASSWORD).await));
        for _ in 0..5 {
            assert_eq!(guess(&app, "198.51.100.7", LI, WRONG).await, locked(900));
        }
        assert_eq!(guess(&app, "198.51.100.7", LI, PASSWORD).await, locked(900));
        // A right password gives back its own try and none of the strangers'.
        app.clock.advance(901);
        assert!(is_let_in(&guess(&app, "203.0.113.99", LI, PASSWORD).await));
        for n in 0..8 {
            let from = format!("203.0.113.{}", 10 + n % 5);
            assert_eq!(guess(&app, &from, LI, WRONG).await, denied(), "{n}");
        }
        assert_eq!(guess(&app, "203.0.113.99", LI, PASSWORD).await, locked(1800));
        // A month later the place is as strange as any.
        app.clock.advance(31 * 86_400);
        for n in 0..8 {
            let from = format!("203.0.113.{}", 10 + n % 5);
            assert_eq!(guess(&app, &from, LI, WRONG).await, denied(), "{n}");
        }
        assert_eq!(guess(&app, "198.51.100.7", LI, PASSWORD).await, locked(900));
    });
}

/// A browser that its person asked to be known by, at the door that may lead to the person themself.
pub async fn remembered(app: &TestApp, phone: &str) -> Browser {
    let mut browser = app.browser();
    let page = browser.at_entrance(&authorize_url(&FILING, &[]), "all_in_one").await;
    let page = browser.type_credentials(&page, ("", phone, PASSWORD)).await;
    let sent = browser.submit(&page, &[("act", "send")]).await;
    let fields = [("act", "verify"), ("code", &app.sms(phone)), ("remember", "yes")];
    browser.submit(&sent, &fields).await;
    assert!(browser.cookies.keys().any(|name| name.contains("device")), "{:?}", browser.cookies);
    browser
}

/// A colleague at the same address locks the address; the browser that its person asked to be known
/// by has a budget of its own, for this person and no other. Covers E-09.
#[test]
fn a_remembered_browser_is_not_locked_out_by_its_neighbours() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let browser = remembered(&app, LI).await;
        app.clock.advance(61);
        for who in [LI, WANG] {
            for _ in 0..5 {
                assert_eq!(guess(&app, "127.0.0.1", who, WRONG).await, denied());
            }
            assert_eq!(guess(&app, "127.0.0.1", who, PASSWORD).await, locked(900));
        }
        let mut own = browser.clone();
        assert_eq!(type_at(&mut own, EXAMPLE, LI, WRONG).await, denied());
        let other = type_at(&mut browser.clone(), EXAMPLE, WANG, PASSWORD).await;
        assert_eq!(other, locked(900), "the cookie is one person's");
        let page = own.get(&authorize_url(&FILING, &[("prompt", "login")])).await;
        let done = own.type_credentials(&page, (EXAMPLE, LI, PASSWORD)).await;
        assert!(done.url.contains("/login/second_factor"), "{}", done.text);
        // Whoever has the browser has five tries as well.
        for _ in 0..5 {
            assert_eq!(type_at(&mut browser.clone(), EXAMPLE, LI, WRONG).await, denied());
        }
        assert_eq!(type_at(&mut browser.clone(), EXAMPLE, LI, PASSWORD).await, locked(900));
    });
}

/// More made-up people than its number may have failures, or more wrong passwords of its own: who has a
/// relation and the right password is let in. Covers E-09.
#[test]
fn an_enterprise_is_not_locked_by_its_number() {
    on_each_database(|on| async move {
        let few = "max_failures = 3\nmax_failures_elsewhere = 6\nmax_failures_per_address = 10\n\
                   max_failures_per_enterprise = 5";
        let realm = changed_realm(&[("realm.toml", "max_failures = 5", few)]);
        let app = Setup::of(on, vec![realm]).start().await;
        for n in 0..6 {
            let who = format!("nobody{n:03}");
            assert_eq!(guess(&app, "203.0.113.1", &who, WRONG).await, denied());
        }
        let from = |n: usize| format!("203.0.113.{}", 20 + n / 3);
        for (at, who) in [WANG, "wangxm", "360102199003071236"].into_iter().enumerate() {
            for n in 0..6 {
                assert_eq!(guess(&app, &from(at * 6 + n), who, WRONG).await, denied());
            }
        }
        let own = guess(&app, "198.51.100.7", LI, PASSWORD).await;
        assert!(is_let_in(&own), "{own:?}");
        // Ten from one address are enough, of whomever; elsewhere nobody notices.
        for n in 6..10 {
            guess(&app, "203.0.113.1", &format!("nobody{n:03}"), WRONG).await;
        }
        let (status, code, _) = guess(&app, "203.0.113.1", "somebody", WRONG).await;
        assert_eq!((status, code.as_deref()), (429, Some("E_LOCKED")));
        assert!(is_let_in(&guess(&app, "203.0.113.2", LI, PASSWORD).await));
    });
}

const CODE: &str = "FJ3601008400000011";

/// At the door of non-residents, where a realm asks for no second factor.
async fn at_non_residents(app: &TestApp, from: &str, who: &str, password: &str) -> Shown {
    with_number(app, from, CODE, who, password).await
}

async fn with_number(app: &TestApp, from: &str, number: &str, who: &str, password: &str) -> Shown {
    let mut browser = app.browser_at(from);
    let page =
        browser.at_entrance(&authorize_url(&FILING, &[("prompt", "login")]), "non_resident").await;
    let shown = browser.type_credentials(&page, (number, who, password)).await;
    if !shown.url.contains("/login/second_factor") {
        return shown;
    }
    let t = shown.hidden()["t"].clone();
    let sms = format!("/realms/jiangxi/login/second_factor?t={t}&way=sms");
    let page = browser.get(&sms).await;
    let sent = browser.submit(&page, &[("act", "send")]).await;
    let messages = app.ctx.services.outbound.inbox.messages();
    let code = messages.into_iter().find(|message| message.to == "+14155550123").unwrap().code;
    let done = browser.submit(&sent, &[("act", "verify"), ("code", &code)]).await;
    assert!(done.answered("code").is_some(), "{}", done.text);
    shown
}

/// The non-residents' door asks for no second factor, until the enterprise has failed three times.
async fn without_second_factor(on: On) -> TestApp {
    let all = "[\"credentials\", \"second_factor\", \"new_password\", \"confirm_pending_authorisation\", \"choose_identity\", \"agreements\"]\n\n# One form";
    let less =
        "[\"credentials\", \"new_password\", \"choose_identity\", \"agreements\"]\n\n# One form";
    let few = "[lockout]\nmax_failures_per_enterprise = 3\n";
    let realm = changed_realm(&[("entrances.toml", all, less), ("realm.toml", "[lockout]\n", few)]);
    Setup::of(on, vec![realm]).start().await
}

/// Beyond its threshold an enterprise's number asks for more: at a door without a second factor the one
/// that its entrance lists. Strangers' names count for nothing, and a right password is let in. Covers
/// E-09.
#[test]
fn an_enterprise_that_is_tried_asks_for_the_second_factor() {
    on_each_database(|on| async move {
        let app = without_second_factor(on).await;
        for (tries, asks) in [(3, false), (1, true)] {
            for n in 0..tries {
                let from = format!("203.0.113.{n}");
                for who in ["jmiller", "nobody.here"] {
                    let refused = at_non_residents(&app, &from, who, WRONG).await;
                    assert_eq!(refused.code(), Some("E_CREDENTIALS"));
                }
            }
            let shown = at_non_residents(&app, "127.0.0.1", "jmiller", PASSWORD).await;
            assert_eq!(shown.url.contains("/login/second_factor"), asks, "{}", shown.text);
            assert_eq!(shown.answered("code").is_some(), !asks, "{}", shown.text);
        }
        // A quarter of an hour later nobody remembers.
        app.clock.advance(901);
        let shown = at_non_residents(&app, "127.0.0.1", "jmiller", PASSWORD).await;
        assert!(shown.answered("code").is_some(), "{}", shown.text);
    });
}

/// An enterprise has one counter, by whichever of its numbers it is typed.
#[test]
fn all_numbers_of_an_enterprise_count_together() {
    on_each_database(|on| async move {
        let app = without_second_factor(on).await;
        let former = "FJ3601003440000024";
        app.sql(&format!(
            "INSERT INTO enterprise_number (realm, number, enterprise_id) \
             SELECT realm, '{former}', id FROM enterprise WHERE tin = '{CODE}'"
        ))
        .await;
        for n in 0..4 {
            let from = format!("203.0.113.{n}");
            let number = if n % 2 == 0 { former } else { CODE };
            let refused = with_number(&app, &from, number, "jmiller", WRONG).await;
            assert_eq!(refused.code(), Some("E_CREDENTIALS"));
        }
        for number in [CODE, former] {
            let shown = with_number(&app, "127.0.0.1", number, "jmiller", PASSWORD).await;
            assert!(shown.url.contains("/login/second_factor"), "{number} {}", shown.text);
            app.clock.advance(61);
        }
    });
}

/// Five in a window lock, for a quarter of an hour and then for twice as long, up to a day; four and a
/// pause do not. A new password after a second factor ends the lock at once, by every name of the
/// account; other places stay locked. Covers E-09.
#[test]
fn a_lock_begins_doubles_and_ends() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for _ in 0..2 {
            for _ in 0..4 {
                assert_eq!(guess(&app, "203.0.113.1", WANG, WRONG).await, denied());
            }
            app.clock.advance(901);
        }
        assert_eq!(guess(&app, "203.0.113.1", WANG, WRONG).await, denied());
        let mut seconds = 900;
        for _ in 0..8 {
            app.clock.advance(901);
            for _ in 0..5 {
                assert_eq!(guess(&app, "203.0.113.2", WANG, WRONG).await, denied());
            }
            assert_eq!(guess(&app, "203.0.113.2", WANG, PASSWORD).await, locked(seconds));
            app.clock.advance(seconds);
            seconds = (seconds * 2).min(86_400);
        }
        // 张伟 has the initial password. His document's number is locked here and elsewhere.
        let (phone, document) = ("13700137000", "360402198511014512");
        for from in ["203.0.113.7", "203.0.113.8"] {
            for _ in 0..5 {
                assert_eq!(guess(&app, from, document, WRONG).await, denied());
            }
            let (_, code, _) = guess(&app, from, document, "014512").await;
            assert_eq!(code.as_deref(), Some("E_LOCKED"));
        }
        let mut browser = app.browser_at("203.0.113.7");
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let page = browser.type_credentials(&page, (EXAMPLE, phone, "014512")).await;
        let page = browser.pass_second_factor(&app, &page, phone).await;
        assert_eq!(guess(&app, "203.0.113.7", document, "014512").await.0, 429, "not yet");
        let set = [("new", "Spring2026+"), ("repeated", "Spring2026+")];
        let page = browser.submit(&page, &set).await;
        assert!(page.url.contains("/login/agreements"), "{}", page.url);
        assert!(is_let_in(&guess(&app, "203.0.113.7", document, "Spring2026+").await));
        assert_eq!(guess(&app, "203.0.113.8", document, "Spring2026+").await.0, 429);
    });
}

/// Whoever finds no lane has not guessed. Covers E-09.
#[test]
fn busy_is_no_wrong_password() {
    on_each_database(|on| async move {
        let usual = Setup::of(on, vec![crate::kit::demo_realm()]);
        let app = Setup { lanes: (0, 0), ..usual }.start().await;
        for who in [LI, NOBODY] {
            for _ in 0..12 {
                let mut browser = app.browser();
                // The page itself waits while the lanes are full: the form is from before.
                let tx = hufu::flows::sign_in::transaction::new(
                    &app.ctx,
                    hufu::domain::login::Then::Nowhere,
                );
                let typed = (who, WRONG);
                let form = crate::login::deadline_hour::form(&app.ctx, &tx, EXAMPLE, typed);
                let outcome =
                    hufu::flows::sign_in::credentials::verify_credentials(&app.ctx, &tx, &form);
                let refusal = hufu::flows::Stop::refusal(outcome.await).unwrap().unwrap_err();
                assert_eq!(refusal.code(), "E_BUSY");
                browser.cookies.clear();
            }
        }
        assert_eq!(app.ctx.ephemeral().counted("address/127.0.0.1").await.unwrap(), 0);
        let name = hufu::base::secret::Hashed::of("+8613900139000").to_text();
        let policy = app.ctx.realm.lockout.clone();
        for name in [format!("password/{name}"), format!("password/{name}/127.0.0.1")] {
            let lock = hufu::flows::sign_in::guesses::Lock::Password;
            let budget =
                hufu::flows::sign_in::guesses::Budget { name, policy: policy.clone(), lock };
            let kept = budget.kept(&app.ctx).await.unwrap();
            // What was given back entirely is dropped a second later, of the clock on the wall.
            assert_eq!(kept.map_or(0, |kept| kept.failures), 0);
        }
    });
}

/// Forty at once, from one address and from forty: as many are judged as one after the other.
#[test]
fn parallel_guesses_are_all_counted() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for (who, is_one_place, most) in [(WANG, true, 5), (LI, false, 20), (NOBODY, false, 20)] {
            let mut ready = Vec::new();
            for n in 0..40 {
                let from = if is_one_place { 1 } else { n };
                let mut browser = app.browser_at(&format!("203.0.113.{from}"));
                let page = browser.get(&authorize_url(&FILING, &[])).await;
                ready.push((browser, page));
            }
            let mut guesses = tokio::task::JoinSet::new();
            for (mut browser, page) in ready {
                guesses.spawn(async move {
                    let shown = browser.type_credentials(&page, (EXAMPLE, who, WRONG)).await;
                    shown.code().map(str::to_owned)
                });
            }
            let heard = guesses.join_all().await;
            let count = |code| heard.iter().filter(|one| one.as_deref() == Some(code)).count();
            assert_eq!(count("E_CREDENTIALS"), most, "{who}: {heard:?}");
            assert_eq!(count("E_LOCKED"), 40 - most, "{who}: {heard:?}");
        }
    });
}

/// Locks double to a day, a quiet day takes one doubling back, and a try that was not judged takes
/// its lock back.
#[test]
fn locks_double_and_decay() {
    let policy =
        LockoutPolicy { max_failures: 5, window: 900, first_lock: 900, longest_lock: 86_400 };
    let mut now = START;
    let mut kept = None;
    let lock = |kept: &mut Option<_>, now: &mut hufu::base::clock::Timestamp| {
        for _ in 0..5 {
            *kept = Some(policy.take(kept.clone(), *now).unwrap());
        }
        let left = policy.take(kept.clone(), *now).unwrap_err();
        *now = now.plus(left);
        left
    };
    let doubled: Vec<i64> = (0..9).map(|_| lock(&mut kept, &mut now)).collect();
    let hours = [900, 1800, 3600, 7200, 14_400, 28_800, 57_600, 86_400, 86_400];
    assert_eq!(doubled, hours);
    for (days, length) in [(0, 86_400), (4, 14_400), (6, 900), (40, 900), (0, 1800)] {
        now = now.plus(days * 86_400);
        assert_eq!(lock(&mut kept, &mut now), length, "after {days} quiet days");
    }
    let four = (0..4).fold(None, |kept, _| Some(policy.take(kept, now).unwrap()));
    let fifth = policy.take(four.clone(), now).unwrap();
    assert!(policy.locked_by(&fifth).is_some());
    let back = policy.give_back(fifth, now);
    assert_eq!((back.failures, policy.locked_by(&back)), (4, None));
    assert!(policy.take(Some(back), now).is_ok());
    // A window that is over counts from nothing.
    let later = policy.take(four, now.plus(900)).unwrap();
    assert_eq!(later.failures, 1);
}
