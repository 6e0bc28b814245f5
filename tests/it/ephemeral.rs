//! One contract, on memory and on Redis.

use std::sync::Arc;

use hufu::base::clock::Clock;
use hufu::ephemeral::{Ephemeral, Kind};

use crate::kit::{START, redis};

async fn contract(clock: Clock, place: Ephemeral) {
    let place = Arc::new(place);
    place.put(Kind::Login, "a", &1, 60).await.unwrap();
    assert_eq!(place.get::<i32>(Kind::Login, "a").await.unwrap(), Some(1));
    assert_eq!(place.get::<i32>(Kind::Otp, "a").await.unwrap(), None, "kinds never meet");
    assert!(place.swap(Kind::Login, "a", &1, &2).await.unwrap());
    assert!(!place.swap(Kind::Login, "a", &1, &3).await.unwrap());
    let mut takers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let place = Arc::clone(&place);
        takers.spawn(async move { place.take::<i32>(Kind::Login, "a").await.unwrap() });
    }
    let taken: Vec<_> = takers.join_all().await.into_iter().flatten().collect();
    assert_eq!(taken, [2], "one taker gets it");

    assert!(place.mark(Kind::Replay, "jti", 60).await.unwrap());
    assert!(!place.mark(Kind::Replay, "jti", 60).await.unwrap());
    assert_eq!(place.count(Kind::Rate, "r", 60).await.unwrap(), (1, 61));
    clock.advance(20);
    assert_eq!(place.count(Kind::Rate, "r", 60).await.unwrap(), (2, 41));
    assert_eq!(place.get::<u32>(Kind::Rate, "r").await.unwrap(), Some(2));
    place.uncount(Kind::Rate, "r").await.unwrap();
    assert_eq!(place.get::<u32>(Kind::Rate, "r").await.unwrap(), Some(1));
    place.put(Kind::Slider, "s", &"x", 120).await.unwrap();
    clock.advance(40);
    assert_eq!(place.count(Kind::Rate, "r", 60).await.unwrap().0, 1, "a new window");
    assert!(place.mark(Kind::Replay, "jti", 60).await.unwrap(), "forgotten after its time");
    clock.advance(80);
    assert_eq!(place.take::<String>(Kind::Slider, "s").await.unwrap(), None);
    place.put(Kind::Slider, "s", &"x", 120).await.unwrap();
    place.forget(Kind::Slider, "s").await.unwrap();
    assert_eq!(place.get::<String>(Kind::Slider, "s").await.unwrap(), None);
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
