//! One contract, on memory and on Redis.

use std::process::{Command, Stdio};
use std::sync::Arc;

use hufu::base::clock::Clock;
use hufu::domain::place::Place;
use hufu::ephemeral::{Budget, Ephemeral, EphemeralError, Full, Share, Slot};

use crate::kit::demo::{Running, free_ports, wait_for};
use crate::kit::{START, redis};

const NUMBER: Slot<i32> = Slot::new("number");
const OTHER: Slot<i32> = Slot::new("other");
const TEXT: Slot<String> = Slot::new("text");

async fn contract(clock: Clock, place: Ephemeral) {
    let all = Arc::new(place);
    let place = all.of("jiangxi");
    place.put(&NUMBER, "a", &1, 60).await.unwrap();
    assert_eq!(place.get(&NUMBER, "a").await.unwrap(), Some(1));
    assert_eq!(place.get(&OTHER, "a").await.unwrap(), None, "slots never meet");
    assert!(place.swap(&NUMBER, "a", &1, &2).await.unwrap());
    assert!(!place.swap(&NUMBER, "a", &1, &3).await.unwrap());
    let elsewhere = all.of("demo-national");
    assert_eq!(elsewhere.get(&NUMBER, "a").await.unwrap(), None, "realms never meet");
    elsewhere.forget(&NUMBER, "a").await.unwrap();
    let mut takers = tokio::task::JoinSet::new();
    for n in 3..23 {
        let all = Arc::clone(&all);
        takers.spawn(async move { all.of("jiangxi").swap(&NUMBER, "a", &2, &n).await.unwrap() });
    }
    let n_taken = takers.join_all().await.into_iter().filter(|is_taken| *is_taken).count();
    assert_eq!(n_taken, 1, "one gets it");

    assert!(place.mark("jti", 60).await.unwrap());
    assert!(!place.mark("jti", 60).await.unwrap());
    assert_eq!(place.count("r", 60).await.unwrap(), (1, 61));
    clock.advance(20);
    assert_eq!(place.count("r", 60).await.unwrap(), (2, 41));
    assert_eq!(place.counted("r").await.unwrap(), 2);
    assert_eq!(elsewhere.count("r", 60).await.unwrap().0, 1, "nor do their counters");
    assert!(elsewhere.mark("jti", 60).await.unwrap());
    place.uncount("r").await.unwrap();
    assert_eq!(place.counted("r").await.unwrap(), 1);
    place.put(&TEXT, "s", &"x".to_owned(), 120).await.unwrap();
    clock.advance(40);
    assert_eq!(place.count("r", 60).await.unwrap().0, 1, "a new window");
    assert!(place.mark("jti", 60).await.unwrap(), "forgotten after its time");
    clock.advance(80);
    assert_eq!(place.get(&TEXT, "s").await.unwrap(), None);
    let (one, two) = ("1".to_owned(), "2".to_owned());
    assert!(
        !place.replace(&TEXT, "r", Some(&one), &two, 60).await.unwrap(),
        "nothing stands there"
    );
    assert!(place.replace(&TEXT, "r", None, &one, 60).await.unwrap());
    assert!(!place.replace(&TEXT, "r", None, &two, 60).await.unwrap());
    assert!(place.replace(&TEXT, "r", Some(&one), &two, 120).await.unwrap());
    clock.advance(119);
    assert_eq!(place.get(&TEXT, "r").await.unwrap(), Some(two.clone()), "a deadline of its own");
    clock.advance(1);
    assert!(!place.replace(&TEXT, "r", Some(&two), &one, 60).await.unwrap(), "it is over");
    assert!(place.replace(&TEXT, "r", None, &one, 60).await.unwrap());
    place.put(&TEXT, "s", &"x".to_owned(), 120).await.unwrap();
    place.forget(&TEXT, "s").await.unwrap();
    assert_eq!(place.get(&TEXT, "s").await.unwrap(), None);
    // What is replaced for no time is over, and only where it is still what it was.
    place.put(&TEXT, "s", &one, 120).await.unwrap();
    assert!(!place.replace(&TEXT, "s", Some(&two), &two, 0).await.unwrap());
    assert_eq!(place.get(&TEXT, "s").await.unwrap().as_ref(), Some(&one));
    assert!(place.replace(&TEXT, "s", Some(&one), &one, 0).await.unwrap());
    assert_eq!(place.get(&TEXT, "s").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_keeps_the_contract() {
    let clock = Clock::fixed(START);
    contract(clock.clone(), Ephemeral::in_memory(clock)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_keeps_the_contract() {
    let Some(server) = std::env::var_os("HUFU_TEST_REDIS") else {
        eprintln!("left out: Redis (scripts/test starts it)");
        return;
    };
    let clock = Clock::fixed(START);
    contract(clock.clone(), redis(&clock, server.to_str().unwrap(), Budget::DEFAULT).await).await;
}

const STRANGERS: Slot<String> = Slot::of(Share::Anybody, "strangers");

fn place(text: &str) -> Place {
    Place::of(text.parse().unwrap())
}

fn full<T: std::fmt::Debug>(outcome: Result<T, EphemeralError>) -> Option<Full> {
    match outcome {
        Ok(_) => None,
        Err(EphemeralError::Full(why)) => Some(why),
        Err(error) => panic!("{error}"),
    }
}

/// Puts kilobytes from one place until no more are taken; how many were, and why not more.
async fn fill(place: &Ephemeral, from: &str, name: &str) -> (usize, Full) {
    let (kept, text) = (place.of("jiangxi").asked_from(self::place(from)), "x".repeat(1000));
    for n in 0..100_000 {
        if let Some(why) = full(kept.put(&STRANGERS, &format!("{name}{n}"), &text, 600).await) {
            return (n, why);
        }
    }
    panic!("there is no end");
}

/// Issue 13, 3: what strangers make has a limit for each place and one for all; those who have proved
/// something, and tries, go on.
async fn strangers_have_a_budget(kept: &Ephemeral) {
    let (n, why) = fill(kept, "203.0.113.1", "a").await;
    assert_eq!(why, Full::Place);
    // A thirty-second of a quarter of 8 MiB.
    assert!((36..67).contains(&n), "{n}");
    let (again, _) = fill(kept, "203.0.113.1", "b").await;
    assert_eq!(again, 0);
    // One /64 is one place, whatever address of it asks, and has half of that; all of a /56 together have as
    // much as an IPv4 address, however many of them somebody has.
    for (at, name, has_room) in [
        ("2001:db8::1", "c1-", true),
        ("2001:db8::ffff:2", "c2-", false),
        ("2001:db8:0:1::1", "c3-", true),
        ("2001:db8:0:2::1", "c4-", false),
        ("2001:db8:0:ff::1", "c5-", false),
        ("2001:db8:0:100::1", "c7-", true),
        ("2001:db8:1::1", "c6-", true),
    ] {
        let (of_subscriber, why) = fill(kept, at, name).await;
        assert_eq!((of_subscriber > 0, why), (has_room, Full::Place), "{at}");
        assert!(of_subscriber <= n / 2 + 1, "{at}: {of_subscriber}");
    }
    // And all of a /48 as much as eight.
    let mut of_sites = 0;
    for site in 0..24 {
        let from = format!("2001:db8:9:{site:x}00::1");
        of_sites += fill(kept, &from, &format!("w{site}-")).await.0;
    }
    assert!((7 * n..=8 * n + 8).contains(&of_sites), "{n} {of_sites}");
    for n in 2..40 {
        fill(kept, &format!("203.0.113.{n}"), &format!("e{n}")).await;
    }
    assert_eq!(fill(kept, "203.0.113.77", "f").await, (0, Full::All));
    let own = kept.of("jiangxi").asked_from(place("203.0.113.1"));
    own.put(&TEXT, "proved", &"x".repeat(100_000), 600).await.unwrap();
    assert!(own.mark("jti", 600).await.unwrap());
    assert!(own.mark_in(Share::Tries, "slider", 600).await.unwrap());
    assert!(!own.mark_in(Share::Tries, "slider", 600).await.unwrap());
    assert_eq!(own.count("tries", 600).await.unwrap().0, 1);
    // What is there may go on.
    let (text, other) = ("x".repeat(1000), "y".repeat(1000));
    assert_eq!(own.get(&STRANGERS, "a0").await.unwrap().as_ref(), Some(&text));
    assert!(own.swap(&STRANGERS, "a0", &text, &other).await.unwrap());
    assert_eq!(own.get(&STRANGERS, "a0").await.unwrap().as_ref(), Some(&other));
    own.forget(&STRANGERS, "a0").await.unwrap();
}

const SMALL: Budget = Budget(8 << 20);

#[tokio::test(flavor = "multi_thread")]
async fn strangers_have_a_budget_in_memory() {
    let clock = Clock::fixed(START);
    let kept = Ephemeral::in_memory_within(clock.clone(), SMALL);
    strangers_have_a_budget(&kept).await;
    let size = kept.size(Share::Anybody).unwrap();
    assert!((SMALL.of(Share::Anybody) * 9 / 10..=SMALL.of(Share::Anybody)).contains(&size));
    // What has expired makes room by itself.
    clock.advance(601);
    assert!(fill(&kept, "203.0.113.9", "g").await.0 > 36);
    clock.advance(601);
    kept.sweep();
    for share in Share::ALL {
        assert_eq!(kept.size(share), Some(0), "{share:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_have_a_budget_on_redis() {
    let Some(server) = std::env::var_os("HUFU_TEST_REDIS") else {
        eprintln!("left out: Redis (scripts/test starts it)");
        return;
    };
    let clock = Clock::fixed(START);
    strangers_have_a_budget(&redis(&clock, server.to_str().unwrap(), SMALL).await).await;
}

/// Issue 13, 3: what cannot be counted or marked is refused; it never passes as new.
#[tokio::test]
async fn a_mark_that_finds_no_room_is_no_mark() {
    let clock = Clock::fixed(START);
    let kept = Ephemeral::in_memory_within(clock.clone(), Budget(100_000));
    let from = |n: usize| kept.of("jiangxi").asked_from(place(&format!("203.0.113.{}", n % 250)));
    for n in 0..10_000 {
        let _ = from(n).mark_in(Share::Tries, &n.to_string(), 600).await;
        let _ = from(n).count(&n.to_string(), 600).await;
        let _ = from(n).mark(&n.to_string(), 600).await;
        let _ = from(n).put(&NUMBER, &n.to_string(), &1, 600).await;
    }
    assert_eq!(full(from(1).mark_in(Share::Tries, "new", 600).await), Some(Full::All));
    assert_eq!(full(from(1).mark("new", 600).await), Some(Full::All));
    assert_eq!(full(from(1).count("new", 600).await), Some(Full::All));
    assert_eq!(full(from(1).replace(&NUMBER, "new", None, &1, 600).await), Some(Full::All));
    assert!(!from(0).mark("0", 600).await.unwrap(), "what was marked stays marked");
    assert_eq!(from(0).count("0", 600).await.unwrap().0, 2, "what is counted is counted on");
    clock.advance(601);
    assert!(from(1).mark("new", 600).await.unwrap());
}

/// Tries are bounded wherever they are kept: by a place, by all, however they are made; what is there
/// may go on, and what is over or taken back makes room.
async fn tries_have_a_budget(clock: &Clock, kept: &Ephemeral) {
    const TRY: Slot<String> = Slot::of(Share::Tries, "try");
    let text = "x".repeat(1000);
    for (n, way) in ["mark", "count", "replace"].into_iter().enumerate() {
        let from = format!("203.0.113.{n}");
        let own = kept.of("jiangxi").asked_from(place(&from));
        let mut made = 0;
        let why = loop {
            let name = format!("{way}{made}");
            let outcome = match way {
                "mark" => full(own.mark_in(Share::Tries, &name, 60).await),
                "count" => full(own.count(&name, 900).await),
                _ => full(own.replace(&TRY, &name, None, &text, 86_400).await),
            };
            if outcome.is_some() {
                break outcome;
            }
            made += 1;
        };
        // Three quarters of a thirty-second part of two mebibytes.
        assert_eq!(why, Some(Full::Place), "{way}");
        assert!((if n == 2 { 35..65 } else { 200..420 }).contains(&made), "{way} {made}");
        // What is counted is counted on, and another place has its own.
        if n > 0 {
            assert!(own.count("count0", 900).await.unwrap().0 > 1);
        }
        let elsewhere = kept.of("jiangxi").asked_from(place(&format!("198.51.100.{n}")));
        assert!(elsewhere.mark_in(Share::Tries, &format!("e{n}"), 60).await.unwrap());
    }
    // Given back: as much room as it took.
    let own = kept.of("jiangxi").asked_from(place("203.0.113.1"));
    assert_eq!(full(own.count("counted1", 900).await), Some(Full::Place));
    own.uncount("count101").await.unwrap();
    assert_eq!(full(own.count("counted1", 900).await), None);
    assert_eq!(full(own.count("counted2", 900).await), Some(Full::Place));
    own.reset("counted1").await.unwrap();
    assert_eq!(full(own.count("counted2", 900).await), None);
    let own = kept.of("jiangxi").asked_from(place("203.0.113.2"));
    assert_eq!(full(own.replace(&TRY, "replace-n", None, &text, 60).await), Some(Full::Place));
    own.forget(&TRY, "replace10").await.unwrap();
    assert_eq!(full(own.replace(&TRY, "replace-n", None, &text, 60).await), None);
    assert!(own.replace(&TRY, "replace-n", Some(&text), &"y".repeat(1000), 60).await.unwrap());
    // Over: the marks first, the longest last.
    let of = |from| kept.of("jiangxi").asked_from(place(from));
    clock.advance(1300);
    for n in 0..200 {
        assert!(of("203.0.113.0").mark_in(Share::Tries, &format!("m{n}"), 60).await.unwrap());
        of("203.0.113.1").count(&format!("c{n}"), 60).await.unwrap();
    }
    let mut longest = 0;
    while full(of("203.0.113.2").replace(&TRY, &format!("r{longest}"), None, &text, 60).await)
        .is_none()
    {
        longest += 1;
    }
    assert!(longest < 5, "{longest}");
    // From everywhere there is an end, too.
    let mut n = 0;
    let why = loop {
        let from = format!("198.18.{}.{}", n / 200, n % 200);
        let own = kept.of("jiangxi").asked_from(place(&from));
        for _ in 0..20 {
            n += 1;
            let why = full(own.replace(&TRY, &format!("all{n}"), None, &text, 600).await);
            if why == Some(Full::All) {
                break;
            }
        }
        let why = full(own.replace(&TRY, &format!("all{n}x"), None, &text, 600).await);
        if why.is_some() || n > 5000 {
            break why;
        }
    };
    assert_eq!(why, Some(Full::All), "{n}");
    // The node is ready all the same, and whoever has proved something goes on.
    kept.ping().await.unwrap();
    assert!(kept.of("jiangxi").by_people().mark("proved", 60).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_have_a_budget_in_memory() {
    let clock = Clock::fixed(START);
    tries_have_a_budget(&clock, &Ephemeral::in_memory_within(clock.clone(), SMALL)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_have_a_budget_on_redis() {
    let Some(server) = std::env::var_os("HUFU_TEST_REDIS") else {
        eprintln!("left out: Redis (scripts/test starts it)");
        return;
    };
    let clock = Clock::fixed(START);
    let kept = redis(&clock, server.to_str().unwrap(), SMALL).await;
    tries_have_a_budget(&clock, &kept).await;
}

/// What people make who have proved something is bounded for each place, too; what applications' servers and
/// officers make is no place's, each of them has a share of their own, and a full store is ready all the same.
async fn the_proved_have_a_budget(kept: &Ephemeral) {
    const AT_WORK: Slot<String> = Slot::of(Share::Officers, "at-work");
    let text = "x".repeat(1000);
    let fill = async |from: &str, most: u32| {
        let own = kept.of("jiangxi").asked_from(place(from));
        for n in 0..most {
            if let Some(why) = full(own.put(&TEXT, &format!("{from}/{n}"), &text, 600).await) {
                return (n, Some(why));
            }
        }
        (most, None)
    };
    let (n, why) = fill("203.0.113.1", 10_000).await;
    assert_eq!(why, Some(Full::Place));
    // A sixteenth of two mebibytes.
    assert!((85..132).contains(&n), "{n}");
    assert_eq!(fill("203.0.113.2", 10).await, (10, None));
    let own = kept.of("jiangxi").asked_from(place("203.0.113.1"));
    let by = async |client: &str| {
        for n in 0..10_000_u32 {
            let kept = own.by_client(client);
            if let Some(why) = full(kept.mark(&format!("{client}/{n}"), 600).await) {
                return (n, why);
            }
        }
        panic!("there is no end")
    };
    // Of an eighth of eight mebibytes one application has three quarters, and nothing of what people have.
    let (marks, why) = by("one").await;
    assert!((3000..5250).contains(&marks), "{marks}");
    assert_eq!(why, Full::Place);
    let (others, why) = by("other").await;
    assert!(others > marks / 3 - 100, "{others}");
    assert_eq!(why, Full::All);
    assert_eq!(by("third").await.1, Full::All);
    // Neither takes anything of what our jobs have, nor of what people have.
    assert!(own.by_jobs().mark("hour", 600).await.unwrap());
    assert_eq!(own.by_notices(true).count("notices", 600).await.unwrap().0, 1);
    assert_eq!(fill("203.0.113.3", 10).await, (10, None));
    for n in 3..40 {
        fill(&format!("203.0.113.{n}"), 10_000).await;
    }
    assert_eq!(fill("203.0.113.77", 10_000).await, (0, Some(Full::All)));
    kept.ping().await.unwrap();
    for n in 0..300 {
        own.put(&AT_WORK, &n.to_string(), &text, 600).await.unwrap();
        own.by_officers().count(&n.to_string(), 600).await.unwrap();
    }
    assert!(own.mark_in(Share::Officers, "answered", 600).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proved_have_a_budget_in_memory() {
    let kept = Ephemeral::in_memory_within(Clock::fixed(START), SMALL);
    the_proved_have_a_budget(&kept).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proved_have_a_budget_on_redis() {
    let Some(server) = std::env::var_os("HUFU_TEST_REDIS") else {
        eprintln!("left out: Redis (scripts/test starts it)");
        return;
    };
    let clock = Clock::fixed(START);
    the_proved_have_a_budget(&redis(&clock, server.to_str().unwrap(), SMALL).await).await;
}

/// Where strangers have filled their tries there is a quarter left for whoever is known: at the place, and
/// in all.
async fn the_known_have_a_reserve(kept: &Ephemeral) {
    let from = |text: &str| kept.of("jiangxi").asked_from(place(text));
    let mut strangers = 0;
    while full(from("203.0.113.1").count(&format!("s{strangers}"), 600).await).is_none() {
        strangers += 1;
    }
    assert_eq!(full(from("203.0.113.2").count("another", 600).await), None);
    let known = from("203.0.113.1").known(true);
    let mut more = 0;
    let why = loop {
        let why = full(known.mark_in(Share::Tries, &format!("k{more}"), 600).await);
        if why.is_some() {
            break why;
        }
        more += 1;
    };
    assert_eq!(why, Some(Full::Place));
    assert!((strangers / 4..strangers / 2).contains(&more), "{strangers} {more}");
    for n in 0..40_000 {
        let from = from(&format!("198.18.{}.{}", n % 200 / 100, n % 100));
        if full(from.mark_in(Share::Tries, &format!("all{n}"), 600).await) == Some(Full::All) {
            break;
        }
    }
    let elsewhere = from("203.0.113.3");
    let new = "one more than there may be";
    assert_eq!(full(elsewhere.count(new, 600).await), Some(Full::All));
    assert_eq!(elsewhere.known(true).count(new, 600).await.unwrap().0, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_known_have_a_reserve_in_memory() {
    let clock = Clock::fixed(START);
    let kept = Ephemeral::in_memory_within(clock.clone(), SMALL);
    the_known_have_a_reserve(&kept).await;
    // What is over makes room for strangers by itself.
    clock.advance(601);
    let again = kept.of("jiangxi").asked_from(place("203.0.113.1"));
    assert_eq!(full(again.count("again", 600).await), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_known_have_a_reserve_on_redis() {
    let Some(server) = std::env::var_os("HUFU_TEST_REDIS") else {
        eprintln!("left out: Redis (scripts/test starts it)");
        return;
    };
    let clock = Clock::fixed(START);
    the_known_have_a_reserve(&redis(&clock, server.to_str().unwrap(), SMALL).await).await;
}

/// What our jobs count is no stranger's: they count for everybody, from one place.
#[tokio::test]
async fn counts_of_the_jobs_are_counted_apart() {
    let kept = Ephemeral::in_memory_within(Clock::fixed(START), SMALL);
    let own = kept.of("jiangxi").asked_from(place("127.0.0.1"));
    let mut tries = 0;
    while own.count(&tries.to_string(), 600).await.is_ok() {
        tries += 1;
    }
    assert!((100..500).contains(&tries), "{tries}");
    let jobs = own.by_jobs();
    for n in 0..500 {
        assert_eq!(jobs.count(&n.to_string(), 600).await.unwrap().0, 1);
    }
    assert_eq!(jobs.count("0", 600).await.unwrap().0, 2);
    jobs.uncount("0").await.unwrap();
    assert_eq!(jobs.counted("0").await.unwrap(), 1);
    assert_eq!(own.counted("0").await.unwrap(), 1);
    // Nor do notices of a day stop them; those that nobody goes without leave room to the others.
    let fill = async |is_due: bool| {
        let mut n = 0;
        while own.by_notices(is_due).count(&format!("{is_due}/{n}"), 600).await.is_ok() {
            n += 1;
        }
        n
    };
    let (own_ones, others) = (fill(false).await, fill(true).await);
    assert!((1500..2000).contains(&own_ones), "{own_ones}");
    assert!((450..700).contains(&others), "{others}");
    assert!(jobs.mark("hour", 600).await.unwrap());
}

/// Tries that were given back leave nothing behind.
#[tokio::test]
async fn a_counter_at_nought_is_gone() {
    let kept = Ephemeral::in_memory(Clock::fixed(START));
    let own = kept.of("jiangxi").asked_from(place("203.0.113.1"));
    own.count("a", 60).await.unwrap();
    own.count("a", 60).await.unwrap();
    own.uncount("a").await.unwrap();
    assert_eq!(own.counted("a").await.unwrap(), 1);
    own.uncount("a").await.unwrap();
    assert_eq!((own.counted("a").await.unwrap(), kept.size(Share::Tries)), (0, Some(0)));
    own.uncount("a").await.unwrap();
}

/// What is over makes room on Redis within a minute.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_makes_room_on_redis_within_a_minute() {
    let Some(server) = std::env::var_os("HUFU_TEST_REDIS") else {
        eprintln!("left out: Redis (scripts/test starts it)");
        return;
    };
    let clock = Clock::fixed(START);
    let kept = redis(&clock, server.to_str().unwrap(), Budget(1 << 20)).await;
    let own = kept.of("jiangxi").by_jobs();
    for n in 0.. {
        if full(own.mark(&n.to_string(), 120).await).is_some() {
            break;
        }
    }
    clock.advance(181);
    assert_eq!(full(own.mark("new", 120).await), None);
}

/// Issue 13, 3: a Redis that has reached its `maxmemory` refuses, and that is no fault of ours.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_redis_is_busy() {
    let port = free_ports();
    let server = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--save", "", "--maxmemory", "3mb"])
        .args(["--maxmemory-policy", "noeviction"])
        .stdout(Stdio::null())
        .spawn();
    let Ok(server) = server else {
        eprintln!("left out: a full Redis (scripts/test installs it)");
        return;
    };
    let _server = Running::of(server);
    wait_for(port).await;
    let url = format!("redis://127.0.0.1:{port}/0");
    let kept = Ephemeral::on_redis(Clock::fixed(START), &url).await.unwrap();
    let own = kept.of("jiangxi");
    own.mark("before", 600).await.unwrap();
    let text = "x".repeat(10_000);
    let mut refused = None;
    for n in 0..10_000 {
        refused = full(own.put(&TEXT, &n.to_string(), &text, 600).await);
        if refused.is_some() {
            break;
        }
    }
    assert_eq!(refused, Some(Full::All));
    // Until not even the smallest finds room.
    let mut why = [None; 4];
    for n in 0..20_000 {
        let name = format!("n{n}");
        why = [
            full(own.mark(&name, 600).await),
            full(own.count(&name, 600).await),
            full(own.replace(&TEXT, &name, None, &text, 600).await),
            full(own.put(&STRANGERS, &name, &text, 600).await),
        ];
        if why.iter().all(Option::is_some) {
            break;
        }
    }
    assert_eq!(why, [Some(Full::All); 4]);
    assert_eq!(own.get(&TEXT, "0").await.unwrap(), Some(text), "what is kept stays");
}
