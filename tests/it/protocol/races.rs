//! Of many at once exactly one succeeds.

use super::authorize::signed_in;
use super::token::rotating;
use crate::kit::{FILING, Setup, authorize_url, on_each_database};

/// Of every form of token.
const ROUNDS: usize = 25;

/// Of a grace; in it somebody signs out.
const LAST: usize = 7;

#[test]
fn twenty_redemptions_of_one_code_and_of_one_refresh_token() {
    on_each_database(|on| async move {
        let app = Setup::of(on, vec![rotating(0)]).start().await;
        let app = std::sync::Arc::new(app);
        let mut browser = signed_in(&app).await;
        for _ in 0..ROUNDS {
            let done = browser.get(&authorize_url(&FILING, &[])).await;
            let code = done.answered("code").unwrap();
            let mut races = tokio::task::JoinSet::new();
            for _ in 0..20 {
                let (app, code) = (std::sync::Arc::clone(&app), code.clone());
                races.spawn(async move { app.redeem(&code).await.0.as_u16() });
            }
            let statuses = races.join_all().await;
            assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
            assert!(statuses.iter().all(|status| matches!(status, 200 | 400)));
        }
        for _ in 0..ROUNDS {
            let done = browser.get(&authorize_url(&FILING, &[])).await;
            let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
            let token = tokens["refresh_token"].as_str().unwrap().to_owned();
            let mut races = tokio::task::JoinSet::new();
            for _ in 0..20 {
                let (app, token) = (std::sync::Arc::clone(&app), token.clone());
                races.spawn(async move { app.refresh(&token).await.0.as_u16() });
            }
            let statuses = races.join_all().await;
            assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        }
    });
}

/// With a grace all of them are answered, and alike; one ends with its session, however fast it is.
#[test]
fn twenty_at_once_within_the_grace_and_a_sign_out_between_them() {
    on_each_database(|on| async move {
        let app = std::sync::Arc::new(Setup::of(on, vec![rotating(10)]).start().await);
        let mut browser = signed_in(&app).await;
        for round in 0..=LAST {
            let done = browser.get(&authorize_url(&FILING, &[])).await;
            let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
            let token = tokens["refresh_token"].as_str().unwrap().to_owned();
            let mut races = tokio::task::JoinSet::new();
            for _ in 0..20 {
                let (app, token) = (std::sync::Arc::clone(&app), token.clone());
                races.spawn(async move { app.refresh(&token).await });
            }
            if round == LAST {
                let id = tokens["id_token"].as_str().unwrap();
                // Where no cookie is the hint alone ends it, without asking.
                let out = format!("/realms/jiangxi/logout?id_token_hint={id}");
                let out = app.browser().get(&out).await;
                assert!(out.text.contains("已退出"), "{} {}", out.status, out.text);
            }
            let answers = races.join_all().await;
            let given = answers.iter().filter(|(status, _)| status.as_u16() == 200);
            let next: std::collections::BTreeSet<&str> =
                given.clone().map(|(_, told)| told["refresh_token"].as_str().unwrap()).collect();
            assert!(round == LAST || (given.count() == 20 && next.len() == 1), "{answers:?}");
            assert!(next.len() <= 1, "{next:?}");
            if round == LAST {
                for (status, told) in &answers {
                    assert!(matches!(status.as_u16(), 200 | 400), "{status} {told}");
                    let access = told["access_token"].as_str().unwrap_or("none");
                    assert_eq!(app.introspect(access).await["active"], false);
                }
            }
        }
    });
}
