//! What an attempt to sign in costs the provider: as much whatever is wrong with it (E-08).

use std::time::Duration;

use hufu::telemetry::recorder;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::account::{LI, held};
use crate::kit::browser::Shown;
use crate::kit::{
    Browser, EXAMPLE, FILING, PASSWORD, Setup, TestApp, authorize_url, changed_realm,
    on_one_database,
};
use crate::protocol::authorize::signed_in;

/// How many passwords have been hashed since it is counted.
pub fn hashed(counters: &PrometheusHandle) -> u64 {
    let told = counters.render();
    let mut lines = told.lines();
    let line = lines.find(|line| line.starts_with("hufu_password_wait_seconds_count"));
    line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

/// The cookies that an answer sets, without their values and the sign-in's own name.
fn set_cookies(answer: &Shown, transaction: &str) -> Vec<String> {
    let all = answer.headers.get_all("set-cookie").iter();
    let bare = |line: &str| {
        let (name, rest) = line.split_once('=').unwrap();
        let flags = rest.split_once(';').map_or("", |(_, flags)| flags);
        format!("{name};{flags}").replace(transaction, "…")
    };
    all.map(|value| bare(value.to_str().unwrap())).collect()
}

/// Whatever is wrong costs as much and sets the same cookies: one password is hashed for each attempt,
/// whoever it is about, and none once the name is locked. Covers E-08.
#[test]
fn every_wrong_sign_in_costs_alike() {
    on_one_database(|on| async move {
        let recorder = recorder(Duration::from_mins(10)).unwrap();
        let (counters, _guard) =
            (recorder.handle(), metrics::set_default_local_recorder(&recorder));
        let few = [("realm.toml", "max_failures = 5", "max_failures = 3")];
        let app = Setup::of(on, vec![changed_realm(&few)]).start().await;
        // 孙丽's account is cancelled.
        let sun = held(&app.ctx, "13500135000").await.remove(0).person;
        let cancel = "UPDATE account SET status = 'cancelled' WHERE person_id =";
        app.sql(&format!("{cancel} {}", app.literal(sun.0))).await;
        let mut seen = Vec::new();
        for (at, (case, enterprise, who, password)) in [
            ("wrong password", EXAMPLE, "wangxm", "Wrong2026!"),
            ("wrong initial password", EXAMPLE, "13700137000", "Wrong2026!"),
            ("unknown enterprise", "91110108551385082Q", LI, PASSWORD),
            ("unknown person", EXAMPLE, "nobody.here", PASSWORD),
            ("unknown phone", EXAMPLE, "13811112222", PASSWORD),
            ("unknown document", EXAMPLE, "11010519491231002X", PASSWORD),
            ("no relation", EXAMPLE, "chenjing", PASSWORD),
            ("cancelled, by phone", EXAMPLE, "13500135000", PASSWORD),
            ("cancelled, by document", EXAMPLE, "440308199901101512", PASSWORD),
        ]
        .into_iter()
        .enumerate()
        {
            let mut own = Vec::new();
            for _ in 0..4 {
                let mut browser = app.browser_at(&format!("203.0.113.{at}"));
                let page = browser.get(&authorize_url(&FILING, &[])).await;
                let before = hashed(&counters);
                let refused = browser.type_credentials(&page, (enterprise, who, password)).await;
                let cookies = set_cookies(&refused, &page.hidden()["t"]);
                let code = refused.code().map(str::to_owned);
                own.push((code, hashed(&counters) - before, cookies));
            }
            let costs: Vec<_> = own.iter().map(|(code, n, _)| (code.as_deref(), *n)).collect();
            let wrong = [(Some("E_CREDENTIALS"), 1_u64); 3];
            assert_eq!(costs, [&wrong[..], &[(Some("E_LOCKED"), 0)]].concat(), "{case}");
            seen.push((case, own));
        }
        for (case, own) in &seen[1..] {
            assert_eq!(own, &seen[0].1, "{case} and {}", seen[0].0);
        }
    });
}

const WRONG: &str = "Wrong2026!";
const NAT: &str = "127.0.0.1";

/// Code, wait, and how many passwords were hashed for it.
type Cost = (Option<String>, Option<String>, u64);

async fn cost(app: &TestApp, counters: &PrometheusHandle, who: &str, password: &str) -> Cost {
    let mut browser: Browser = app.browser_at(NAT);
    let page = browser.get(&authorize_url(&FILING, &[("prompt", "login")])).await;
    let before = hashed(counters);
    let shown = browser.type_credentials(&page, (EXAMPLE, who, password)).await;
    let wait = shown.header("retry-after");
    (shown.code().map(str::to_owned), wait, hashed(counters) - before)
}

/// At an address that many share, and that is locked: who signs in there and who does not are told from each
/// other by nothing but the right password of the former, in what is heard, for how long, and in what it
/// costs. Covers E-08, E-09.
#[test]
fn a_locked_address_does_not_tell_who_signs_in_there() {
    on_one_database(|on| async move {
        let recorder = recorder(Duration::from_mins(10)).unwrap();
        let (counters, _guard) =
            (recorder.handle(), metrics::set_default_local_recorder(&recorder));
        let few = "max_failures = 3\nmax_failures_per_address = 3";
        let realm = changed_realm(&[("realm.toml", "max_failures = 5", few)]);
        let app = Setup::of(on, vec![realm]).start().await;
        // 李芳 signs in here, 王小明 somewhere else.
        signed_in(&app).await;
        app.clock.advance(61);
        for n in 0..3 {
            let heard = cost(&app, &counters, &format!("nobody{n}"), WRONG).await;
            assert_eq!(heard.0.as_deref(), Some("E_CREDENTIALS"), "{n}");
        }
        let let_in = cost(&app, &counters, LI, PASSWORD).await;
        assert_eq!(let_in, (None, None, 1));
        let mut heard = Vec::new();
        for who in [LI, "13800138000", "13811112222"] {
            let mut own = Vec::new();
            for _ in 0..4 {
                own.push(cost(&app, &counters, who, WRONG).await);
            }
            let costs: Vec<u64> = own.iter().map(|(_, _, n)| *n).collect();
            assert_eq!(costs, [1, 1, 1, 0], "{who}");
            assert!(own.iter().all(|(code, ..)| code.as_deref() == Some("E_LOCKED")), "{own:?}");
            heard.push(own);
        }
        assert_eq!((&heard[1], &heard[2]), (&heard[0], &heard[0]));
        // The right one of somebody who does not sign in here is told as little.
        let strange = cost(&app, &counters, "13700137000", "014512").await;
        assert_eq!(strange, heard[0][0]);
        app.clock.advance(902);
        let let_in = cost(&app, &counters, "13700137000", "014512").await;
        assert_eq!(let_in, (None, None, 1));
    });
}
