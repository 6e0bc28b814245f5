//! One contract, on memory and on Redis.

use std::sync::Arc;

use hufu::base::clock::Clock;
use hufu::ephemeral::{Ephemeral, Slot};

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
    assert_eq!(elsewhere.take(&NUMBER, "a").await.unwrap(), None);
    let mut takers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let all = Arc::clone(&all);
        takers.spawn(async move { all.of("jiangxi").take(&NUMBER, "a").await.unwrap() });
    }
    let taken: Vec<_> = takers.join_all().await.into_iter().flatten().collect();
    assert_eq!(taken, [2], "one taker gets it");

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
    assert_eq!(place.take(&TEXT, "s").await.unwrap(), None);
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
    contract(clock.clone(), redis(&clock, server.to_str().unwrap()).await).await;
}
