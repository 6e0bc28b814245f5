//! What a right password takes back of an address's count: what was mistyped about the same name while
//! the same window lasted, and nothing of anybody else's.

use crate::kit::{
    EXAMPLE, FILING, PASSWORD, Setup, TestApp, authorize_url, changed_realm, on_each_database,
};

const WANG: &str = "13800138000";
const WRONG: &str = "Wrong2026!";
const PLACE: &str = "203.0.113.7";

async fn type_in(app: &TestApp, who: &str, password: &str) {
    let mut browser = app.browser_at(PLACE);
    let page = browser.get(&authorize_url(&FILING, &[("prompt", "login")])).await;
    browser.type_credentials(&page, (EXAMPLE, who, password)).await;
}

async fn counted(app: &TestApp) -> u32 {
    app.ctx.ephemeral().counted(&format!("address/{PLACE}")).await.unwrap()
}

fn stranger(n: usize) -> String {
    format!("139{n:08}")
}

/// Issue 13, 1: (seconds between the steps, what the address is at afterwards). The address's window is
/// of 900 seconds and begins with the first stranger.
#[test]
fn what_is_given_back_was_counted_in_the_same_window() {
    on_each_database(|on| async move {
        let realm = changed_realm(&[("realm.toml", "max_failures = 5", "max_failures = 20")]);
        let app = Setup::of(on, vec![realm]).start().await;
        let mut next = 0;
        for (before_own, before_others, left) in [
            // All in one window: the two strangers before and the one after are left.
            (0, 0, 3),
            (600, 200, 3),
            // Own mistakes in one window, the strangers' in the next: theirs are left.
            (600, 301, 1),
            (899, 2, 1),
            // The last second and the first of the next.
            (898, 1, 3),
            (899, 1, 1),
        ] {
            app.clock.advance(3 * 86_400);
            for _ in 0..2 {
                next += 1;
                type_in(&app, &stranger(next), WRONG).await;
            }
            app.clock.advance(before_own);
            for _ in 0..2 {
                type_in(&app, WANG, WRONG).await;
            }
            app.clock.advance(before_others);
            next += 1;
            type_in(&app, &stranger(next), WRONG).await;
            type_in(&app, WANG, PASSWORD).await;
            assert_eq!(counted(&app).await, left, "{before_own} {before_others}");
        }
    });
}
