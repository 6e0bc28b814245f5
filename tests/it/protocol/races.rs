//! Of many at once exactly one succeeds.

use super::authorize::signed_in;
use super::token::rotating;
use crate::kit::{FILING, Setup, authorize_url, on_each_database};

/// Of every form of token.
const ROUNDS: usize = 200;

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
