//! What one realm has counted is nothing to the other: the same tries end the same way in both, in
//! whichever it was tried first.

use super::made::{LI, WANG, assertion};
use super::side::{Comer, Side, comer};
use super::{A, B, start};
use crate::kit::{TestApp, on_each_database};

const WRONG: &str = "Wrong2026!";
const STRANGERS: [&str; 6] =
    ["nobody.a", "nobody.b", "nobody.c", "nobody.d", "nobody.e", "nobody.f"];
const LIMITS: [(&str, &str, &str); 2] = [
    ("realm.toml", "max_failures = 5", "max_failures = 3\nmax_failures_per_address = 5"),
    (
        "factors.toml",
        "[sms.limits]",
        "[sms.limits]\nper_phone_and_hour = 2\nper_address_and_hour = 3",
    ),
];

#[test]
fn each_realm_counts_from_zero() {
    on_each_database(|on| async move {
        let app = start(on, &LIMITS).await;
        let (a, b) = (Side { app: &app, realm: A }, Side { app: &app, realm: B });
        for sides in [[a, b], [b, a]] {
            failures_of_strangers(&app, sides).await;
            failures_of_somebody_known(&app, sides).await;
            messages(&app, sides).await;
            replays(sides).await;
            app.clock.advance(86_401);
        }
    });
}

async fn outcomes(side: Side<'_>, comers: &[Comer]) -> Vec<Option<String>> {
    let mut found = Vec::new();
    for who in comers {
        found.push(side.typed(*who).await.1.code().map(str::to_owned));
    }
    found
}

/// So many are wrong, then it is locked.
async fn locked_after(app: &TestApp, sides: [Side<'_>; 2], comers: &[Comer], n_wrong: usize) {
    let mut expected = vec![Some("E_CREDENTIALS".to_owned()); n_wrong];
    expected.push(Some("E_LOCKED".to_owned()));
    for side in sides {
        assert_eq!(outcomes(side, &comers[..=n_wrong]).await, expected, "{}", side.realm);
    }
    app.clock.advance(901);
}

/// Of one name, and from one address.
async fn failures_of_strangers(app: &TestApp, sides: [Side<'_>; 2]) {
    locked_after(app, sides, &[comer("natural_person", "", STRANGERS[0]); 4], 3).await;
    let everybody = STRANGERS.map(|name| comer("natural_person", "", name));
    locked_after(app, sides, &everybody, 5).await;
}

async fn failures_of_somebody_known(app: &TestApp, sides: [Side<'_>; 2]) {
    let right = comer("natural_person", "", WANG);
    let wrong = Comer { password: WRONG, ..right };
    let passes = async |side: Side<'_>| {
        let (_, page) = side.typed(right).await;
        assert!(page.url.contains("/login/second_factor"), "{} {}", side.realm, page.text);
    };
    let refused = |n| vec![Some("E_CREDENTIALS".to_owned()); n];
    for side in sides {
        assert_eq!(outcomes(side, &[wrong; 2]).await, refused(2), "{}", side.realm);
    }
    for side in sides {
        passes(side).await;
    }
    app.clock.advance(901);
    assert_eq!(outcomes(sides[0], &[wrong; 3]).await, refused(3));
    assert_eq!(outcomes(sides[0], &[right]).await, [Some("E_LOCKED".to_owned())]);
    passes(sides[1]).await;
    app.clock.advance(901);
}

/// To one phone at once and in an hour, and for one address.
async fn messages(app: &TestApp, sides: [Side<'_>; 2]) {
    let rate = Some("E_OTP_RATE".to_owned());
    let wang = comer("natural_person", "", WANG);
    for side in sides {
        assert_eq!(sent(side, wang, 2, 0).await, [None, rate.clone()], "{}", side.realm);
    }
    app.clock.advance(3601);
    for side in sides {
        let first = [None, None, rate.clone()];
        assert_eq!(sent(side, LI, 3, 61).await, first, "{}", side.realm);
        let second = [None, rate.clone()];
        assert_eq!(sent(side, wang, 2, 61).await, second, "{}", side.realm);
    }
}

/// What so many codes for one sign-in come to, asked for with a pause in seconds between them.
async fn sent(side: Side<'_>, who: Comer, n: usize, pause: i64) -> Vec<Option<String>> {
    let (mut browser, page) = side.typed(who).await;
    let mut found = Vec::new();
    for _ in 0..n {
        side.app.clock.advance(pause);
        let done = browser.submit(&page, &[("act", "send")]).await;
        found.push(done.code().map(str::to_owned));
    }
    found
}

/// One name of an assertion is new to each realm.
async fn replays(sides: [Side<'_>; 2]) {
    let name = format!("the-same-{}", sides[0].realm);
    for side in sides {
        let assertion = assertion(side, side.realm, &name);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &*assertion),
        ];
        let (status, told) = side.post("/token", None, &form).await;
        assert_eq!(status, 200, "{} {told}", side.realm);
        assert!(side.post("/token", None, &form).await.0 >= 400, "{}: twice", side.realm);
    }
}
