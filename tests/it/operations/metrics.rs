//! Counters, gauges and histograms: each says what it is, and moves when that happens.

#![expect(clippy::float_cmp, reason = "counted in whole numbers")]

use std::time::Duration;

use hufu::base::clock::Clock;
use hufu::base::random::Random;
use hufu::base::secret::Secret;
use hufu::cli::reload::reload;
use hufu::domain::number::phone::Phone;
use hufu::flows::keys::{Rotation, rotate};
use hufu::jobs::measure;
use hufu::jose::Algorithm;
use hufu::outbound::client::{Outbound, Timeouts};
use hufu::outbound::sms::{Gateway, Message};
use hufu::telemetry::recorder;
use metrics_exporter_prometheus::PrometheusHandle;

use super::running::two_realms;
use crate::account::{WANG, as_person, contract, post};
use crate::kit::listener::Listener;
use crate::kit::{
    EXAMPLE, FILING, On, PASSWORD, TestApp, authorize_url, demo_realm, on_each_database,
    realm_named,
};
use crate::login::authenticator;
use crate::protocol::authorize::signed_in;
use crate::registration::{FANG, named, send, sent};

/// The value of a series; 0 where there is none.
fn value(handle: &PrometheusHandle, name: &str, labels: &[(&str, &str)]) -> f64 {
    let told = handle.render();
    let holds = |line: &&str| {
        let series = line.split(' ').next().unwrap();
        series.split('{').next() == Some(name)
            && labels.iter().all(|(key, value)| series.contains(&format!("{key}=\"{value}\"")))
    };
    told.lines()
        .filter(holds)
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum()
}

const LI: &str = "13900139000";

/// Issue 13, 4: sign-ins by entrance, way and result; second factors; locks; latency by route.
#[test]
fn what_people_do_is_counted() {
    on_each_database(|on| async move {
        let recorder = recorder(Duration::from_mins(10)).unwrap();
        let (handle, _guard) = (recorder.handle(), metrics::set_default_local_recorder(&recorder));
        let app = TestApp::start(on).await;
        let sign_ins = |outcome| {
            let labels = [
                ("realm", "jiangxi"),
                ("entrance", "enterprise"),
                ("way", "password"),
                ("outcome", outcome),
            ];
            value(&handle, "hufu_sign_ins_total", &labels)
        };
        let factors = |factor, outcome| {
            let labels = [("realm", "jiangxi"), ("factor", factor), ("outcome", outcome)];
            value(&handle, "hufu_second_factors_total", &labels)
        };
        let locks =
            |what| value(&handle, "hufu_locks_total", &[("realm", "jiangxi"), ("what", what)]);
        signed_in(&app).await;
        assert_eq!((sign_ins("ok"), factors("sms", "ok")), (1.0, 1.0));

        for (who, n) in [(LI, 1.0), ("13811112222", 2.0)] {
            for _ in 0..6 {
                let mut browser = app.browser_at("203.0.113.9");
                let page = browser.get(&authorize_url(&FILING, &[])).await;
                browser.type_credentials(&page, (EXAMPLE, who, "Wrong2026!")).await;
            }
            assert_eq!((sign_ins("E_CREDENTIALS"), sign_ins("E_LOCKED")), (5.0 * n, n), "{who}");
            assert_eq!(locks("password"), n, "{who}");
        }
        app.clock.advance(61);
        let (mut browser, page) = authenticator::at_second_factor(&app, "sms").await;
        let page = browser.submit(&page, &[("act", "send")]).await;
        for _ in 0..5 {
            browser.submit(&page, &[("act", "verify"), ("code", "000000")]).await;
        }
        assert_eq!((factors("sms", "E_OTP"), locks("second-factor")), (5.0, 1.0));
        let late = browser.submit(&page, &[("act", "verify"), ("code", "000000")]).await;
        assert_eq!(factors("sms", late.code().unwrap()), 1.0, "{:?}", late.code());
        assert_eq!(locks("second-factor"), 1.0, "what a lock refuses does not begin it");

        let route = |route, method| {
            value(&handle, "hufu_request_seconds_count", &[("route", route), ("method", method)])
        };
        assert!(route("/realms/{realm}/login/credentials", "POST") > 10.0, "{}", handle.render());
        assert_eq!(route("none", "GET"), 0.0);
        for path in ["/realms/jiangxi/q/abc/", "/x/y", "/realms/nowhere/z"] {
            app.browser().get(path).await;
        }
        assert_eq!(route("none", "GET"), 3.0);
        for method in ["BREW", "PROPFIND", "X-Y-Z"] {
            app.browser().once(method, "/realms/jiangxi/login", None).await;
        }
        assert_eq!(route("/realms/{realm}/login", "other"), 3.0);
        app.browser().get("/realms/jiangxi/jwks").await;
        assert_eq!(route("jwks", "GET"), 1.0);
        assert!(value(&handle, "hufu_requests_total", &[("status", "4xx")]) > 0.0);
        let told = handle.render();
        assert!(!told.contains("abc") && !told.contains("13811112222"), "{told}");
        // The lane, while a password is in it and afterwards.
        measure::password_lanes(&app.ctx.services);
        assert_eq!(value(&handle, "hufu_password_lane_used", &[]), 0.0);
        assert!(value(&handle, "hufu_password_wait_seconds_count", &[]) > 5.0);
    });
}

/// Issue 13, 4: a lock is counted once, when it begins, under what it refuses: also where somebody registers, and
/// where a new password would tell the old one.
#[test]
fn each_lock_is_counted_by_what_it_refuses() {
    on_each_database(|on| async move {
        let recorder = recorder(Duration::from_mins(10)).unwrap();
        let (handle, _guard) = (recorder.handle(), metrics::set_default_local_recorder(&recorder));
        let app = TestApp::start(on).await;
        let locks =
            |what| value(&handle, "hufu_locks_total", &[("realm", "jiangxi"), ("what", what)]);
        let (mut browser, page) = named(&app, FANG).await;
        let page = send(&mut browser, &page, FANG.contact).await;
        let right = sent(&app, FANG.contact);
        let wrong = if right == "000000" { "000001" } else { "000000" };
        for n in 0..6 {
            assert_eq!(locks("registration"), f64::from(u8::from(n > 4)), "{n}");
            browser.submit(&page, &[("act", "verify"), ("code", wrong)]).await;
        }
        let mut wang = as_person(&app, WANG).await;
        for n in 0..6 {
            assert_eq!(locks("new-password"), f64::from(u8::from(n > 4)), "{n}");
            let new = if n == 4 { PASSWORD.to_owned() } else { format!("Guess-2026-{n}") };
            let new = new.as_str();
            let asked = [("way", "face"), ("act", "save"), ("new", new), ("repeated", new)];
            post(&app, &mut wang, "/account/password", &asked).await;
        }
        assert_eq!((locks("registration"), locks("new-password")), (1.0, 1.0));
        assert_eq!(value(&handle, "hufu_locks_total", &[]), 2.0, "and nothing else");
    });
}

/// Issue 13, 4: the password lane as it is at the moment.
#[test]
fn the_password_lane_tells_who_is_in_it() {
    on_each_database(|on| async move {
        let cost = hufu::domain::password::HashCost::default();
        let setup = crate::kit::Setup {
            lanes: (1, 10),
            cost,
            ..crate::kit::Setup::of(on, vec![demo_realm()])
        };
        let app = setup.start().await;
        let services = std::sync::Arc::clone(&app.ctx.services);
        let (mut most_used, mut most_waiting) = (0, 0);
        let hashing = (0..4).map(|_| {
            let services = std::sync::Arc::clone(&services);
            tokio::spawn(async move {
                let password = hufu::base::secret::Secret::new(PASSWORD.to_owned());
                services.hashing.hash(&password, &services.random).await.unwrap();
            })
        });
        let hashing: Vec<_> = hashing.collect();
        while hashing.iter().any(|one| !one.is_finished()) {
            let load = services.hashing.load();
            most_used = most_used.max(load.at_work);
            most_waiting = most_waiting.max(load.waiting);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(most_used, 1);
        assert!((1..=3).contains(&most_waiting), "{most_waiting}");
        let load = services.hashing.load();
        assert_eq!((load.at_work, load.waiting), (0, 0));
    });
}

/// Issue 13, 4: deliveries by receiver and age; what has arrived is no longer said to wait.
#[test]
fn what_waits_is_told_by_receiver_and_age() {
    on_each_database(|on| async move {
        let recorder = recorder(Duration::from_mins(10)).unwrap();
        let (handle, _guard) = (recorder.handle(), metrics::set_default_local_recorder(&recorder));
        let (url, listener) = Listener::start().await;
        let app = contract::start(on, &url).await;
        let mut browser = signed_in(&app).await;
        contract::tokens(&app, &mut browser).await;
        let to = [("realm", "jiangxi"), ("client", "tax-filing"), ("channel", "logout")];
        let waiting = || value(&handle, "hufu_deliveries_waiting", &to);
        let age = || value(&handle, "hufu_deliveries_oldest_seconds", &to);
        measure::realm(&app.ctx.services, &app.ctx.realm).await;
        assert_eq!(waiting(), 0.0);
        listener.set_away(true);
        let page = browser.get("/realms/jiangxi/logout").await;
        browser.submit(&page, &[("act", "logout")]).await;
        app.deliver().await;
        app.clock.advance(3);
        measure::realm(&app.ctx.services, &app.ctx.realm).await;
        assert_eq!((waiting(), age()), (1.0, 3.0));
        let outcomes = |outcome| {
            let labels = [&to[..], &[("outcome", outcome)]].concat();
            value(&handle, "hufu_deliveries_total", &labels)
        };
        assert_eq!((outcomes("failed"), outcomes("done")), (1.0, 0.0));
        listener.set_away(false);
        app.clock.advance(10);
        app.deliver().await;
        measure::realm(&app.ctx.services, &app.ctx.realm).await;
        assert_eq!((waiting(), age(), outcomes("done")), (0.0, 0.0, 1.0));
        let arrived = |part: &str, more: &[(&str, &str)]| {
            let labels = [&[("channel", "logout")], more].concat();
            value(&handle, &format!("hufu_delivery_seconds_{part}"), &labels)
        };
        assert_eq!((arrived("count", &[]), arrived("sum", &[])), (1.0, 13.0));
        assert_eq!(
            (arrived("bucket", &[("le", "5")]), arrived("bucket", &[("le", "15")])),
            (0.0, 1.0)
        );
        measure::connections(&app.ctx.services);
        assert!(value(&handle, "hufu_database_connections", &[("pool", "read")]) >= 1.0);
    });
}

/// Issue 13, 4: of a realm that is no longer served, of a version that was replaced, nothing is left.
#[test]
fn gauges_of_what_is_gone_go() {
    on_each_database(|on| async move {
        let recorder = recorder(Duration::from_millis(200)).unwrap();
        let (handle, _guard) = (recorder.handle(), metrics::set_default_local_recorder(&recorder));
        let gone = realm_named("hunan", &[("realm.toml", "realms/jiangxi", "realms/hunan")]);
        let app = crate::kit::Setup::of(on, vec![demo_realm(), gone]).start().await;
        for realm in app.app.realms() {
            hufu::flows::versions::record(&app.ctx.services, &realm).await.unwrap();
            measure::realm(&app.ctx.services, &realm).await;
        }
        let of = |realm| {
            let told = handle.render();
            let is_of = |line: &&str| {
                line.contains(&format!("realm=\"{realm}\""))
                    && line.contains("_age_") | line.contains("_version")
            };
            told.lines().filter(is_of).count()
        };
        assert_eq!((of("jiangxi"), of("hunan")), (5, 5), "{}", handle.render());
        assert_eq!(
            value(&handle, "hufu_realm_version", &[("realm", "jiangxi"), ("generation", "1")]),
            1.0
        );
        app.app.remove("hunan");
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            for realm in app.app.realms() {
                measure::realm(&app.ctx.services, &realm).await;
            }
            handle.render();
        }
        assert_eq!((of("jiangxi"), of("hunan")), (5, 0), "{}", handle.render());
    });
}

/// Issue 13, 4: every series of a run has its help, and no label holds what strangers choose.
#[tokio::test]
async fn every_series_says_what_it_is() {
    let recorder = recorder(Duration::from_mins(10)).unwrap();
    let (handle, _guard) = (recorder.handle(), metrics::set_default_local_recorder(&recorder));
    let app = TestApp::start(On::Sqlite).await;
    signed_in(&app).await;
    measure::realm(&app.ctx.services, &app.ctx.realm).await;
    measure::password_lanes(&app.ctx.services);
    measure::connections(&app.ctx.services);
    let told = handle.render();
    for line in told.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let name = line.split(['{', ' ']).next().unwrap();
        let name =
            ["_bucket", "_sum", "_count"].iter().fold(name, |name, end| name.trim_end_matches(end));
        assert!(told.contains(&format!("# HELP {name} ")), "{name} has no help");
    }
}

/// Issue 13, 4: text messages by gateway and what became of them; of its address the host alone, for
/// keys stand in paths.
#[tokio::test]
async fn text_messages_are_counted_by_gateway() {
    let recorder = recorder(Duration::from_mins(10)).unwrap();
    let (handle, _guard) = (recorder.handle(), metrics::set_default_local_recorder(&recorder));
    let (url, listener) = Listener::start().await;
    let url = format!("{url}/a-key-in-the-path");
    let host = url.split('/').nth(2).unwrap().to_owned();
    let outbound = Outbound::new(false, Timeouts::default()).unwrap();
    let secret = Secret::new("of-the-tests".to_owned());
    let (code, phone) = (Secret::new("123456".to_owned()), Phone::parse("13800138000").unwrap());
    let message = Message::Code { code: &code, minutes: 5 };
    let counted = |outcome| {
        let labels = [("gateway", host.as_str()), ("outcome", outcome)];
        value(&handle, "hufu_text_messages_total", &labels)
    };
    for (is_away, so_far) in [(false, (1.0, 0.0)), (true, (1.0, 1.0)), (false, (2.0, 1.0))] {
        listener.set_away(is_away);
        let gateway = Gateway::Webhook { url: &url, secret: &secret };
        let handed_in = (&Clock::system(), &Random::System);
        let sent = outbound.send_sms(("jiangxi", &[gateway]), &phone, &message, handed_in).await;
        assert_eq!(sent.is_err(), is_away);
        assert_eq!((counted("sent"), counted("unavailable")), so_far, "{}", handle.render());
    }
    let told = handle.render();
    for hidden in ["a-key-in-the-path", "13800138000", "123456"] {
        assert!(!told.contains(hidden), "{told}");
    }
}

/// Issue 13, 4: which files are served, and what became of changed ones.
#[tokio::test(flavor = "multi_thread")]
async fn realm_files_that_change_are_counted() {
    let recorder = recorder(Duration::from_mins(10)).unwrap();
    let (handle, _guard) = (recorder.handle(), metrics::set_default_local_recorder(&recorder));
    let folder = tempfile::tempdir().unwrap();
    let (realms, app, wanted) = two_realms(folder.path()).await;
    let reloads = |outcome| value(&handle, "hufu_realm_reloads_total", &[("outcome", outcome)]);
    let version = |generation| {
        let labels = [("realm", "jiangxi"), ("generation", generation)];
        value(&handle, "hufu_realm_version", &labels)
    };
    assert_eq!((version("1"), version("2")), (1.0, 0.0));
    let file = realms.join("jiangxi/realm.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let changed = text.replace("access_token = 300", "access_token = 120");
    // What was served before is a generation of its own when it comes back.
    for (text, of) in [(&changed, (0.0, 1.0, 0.0)), (&text, (0.0, 0.0, 1.0))] {
        std::fs::write(&file, text).unwrap();
        reload(&app, &wanted).await.unwrap();
        assert_eq!((version("1"), version("2"), version("3")), of, "{}", handle.render());
    }
    assert_eq!((reloads("applied"), reloads("refused"), reloads("removed")), (2.0, 0.0, 0.0));
    std::fs::write(&file, "id =").unwrap();
    std::fs::remove_dir_all(realms.join("demo-national")).unwrap();
    reload(&app, &wanted).await.unwrap();
    assert_eq!((reloads("applied"), reloads("refused"), reloads("removed")), (2.0, 1.0, 1.0));
    assert_eq!(version("3"), 1.0);
    assert_eq!(value(&handle, "hufu_realm_version", &[("realm", "demo-national")]), 0.0);
}

/// Issue 13, 4: keys grow older, a rotated one is young again; whoever finds the password lane full is
/// counted.
#[test]
fn keys_grow_older_and_a_full_lane_is_counted() {
    on_each_database(|on| async move {
        let recorder = recorder(Duration::from_mins(10)).unwrap();
        let (handle, _guard) = (recorder.handle(), metrics::set_default_local_recorder(&recorder));
        let setup =
            crate::kit::Setup { lanes: (1, 0), ..crate::kit::Setup::of(on, vec![demo_realm()]) };
        let app = setup.start().await;
        let services = &app.ctx.services;
        let age = async || {
            measure::realm(services, &app.ctx.realm).await;
            let labels = [("realm", "jiangxi"), ("algorithm", "RS256")];
            value(&handle, "hufu_key_age_seconds", &labels)
        };
        let young = age().await;
        app.clock.advance(1000);
        assert_eq!(age().await, young + 1000.0);
        let rotation = Rotation { algorithm: Algorithm::RS256, announcement: 120, overlap: 86_400 };
        rotate(&services.store, "jiangxi", rotation, app.ctx.now()).await.unwrap();
        app.clock.advance(100);
        assert_eq!(age().await, young + 1100.0, "announced is not in use");
        app.clock.advance(21);
        assert_eq!(age().await, 1.0);

        let password = Secret::new(PASSWORD.to_owned());
        let hash = || services.hashing.hash(&password, &services.random);
        let (one, other) = tokio::join!(hash(), hash());
        assert_eq!((one.unwrap().is_some(), other.unwrap().is_some()), (true, false));
        assert_eq!(value(&handle, "hufu_password_queue_full_total", &[]), 1.0);
    });
}

/// Issue 13, 4: who is inside and whose passwords are hashed, at the people's listener and at the officers'.
#[tokio::test]
async fn each_listener_tells_who_is_inside() {
    let recorder = recorder(Duration::from_mins(10)).unwrap();
    let (handle, _guard) = (recorder.handle(), metrics::set_default_local_recorder(&recorder));
    let app = TestApp::start(On::Sqlite).await;
    let console = app.app.at_console();
    let seats = [&app.app, &console, &console].map(|at| at.crowds().at_work.enter(None).unwrap());
    let told =
        |name: &str| ["people", "console"].map(|at| value(&handle, name, &[("listener", at)]));
    measure::room(&app.app);
    assert_eq!(told("hufu_inside"), [1.0, 2.0], "{}", handle.render());
    drop(seats);
    measure::room(&app.app);
    assert_eq!(told("hufu_inside"), [0.0, 0.0], "{}", handle.render());
    let (password, services) = (Secret::new(PASSWORD.to_owned()), &app.ctx.services);
    let [people, console] = told("hufu_password_wait_seconds_count");
    services.console_hashing.hash(&password, &services.random).await.unwrap().unwrap();
    measure::password_lanes(services);
    let waited = told("hufu_password_wait_seconds_count");
    assert_eq!(waited, [people, console + 1.0], "{}", handle.render());
    assert_eq!(told("hufu_password_lane_used"), [0.0, 0.0]);
}
