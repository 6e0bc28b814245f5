//! What is refused on the way in, and what the refusals do not tell.

use std::time::Duration;

use hufu::domain::password::HashCost;
use hufu::telemetry::recorder;

use super::costs::hashed;
use crate::kit::{
    EXAMPLE, FILING, PASSWORD, Setup, TestApp, authorize_url, on_each_database, on_one_database,
};

/// Until the slider is drawn no password is hashed, whatever the field holds. Covers E-07, E-02.
#[test]
fn the_slider_comes_before_the_password_and_works_once() {
    on_each_database(|on| async move {
        let recorder = recorder(Duration::from_mins(10)).unwrap();
        let (counters, _guard) =
            (recorder.handle(), metrics::set_default_local_recorder(&recorder));
        let app = TestApp::start(on).await;
        let before = hashed(&counters);
        let mut browser = app.browser();
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let values = |slider| {
            [
                ("enterprise_number", EXAMPLE),
                ("personal_id", "wangxm"),
                ("password", "wrong"),
                ("slider", slider),
            ]
        };
        let refused = browser.submit(&page, &values("40")).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (422, Some("E_SLIDER")));
        // The proof of the first page is used up.
        assert_eq!(browser.submit(&page, &values("100")).await.code(), Some("E_SLIDER"));
        let mut shown = refused;
        for drawn in ["", "x", "94", "1000"] {
            shown = browser.submit(&shown, &values(drawn)).await;
            let seen = (shown.status.as_u16(), shown.code());
            assert_eq!(seen, (422, Some("E_SLIDER")), "{drawn:?}");
        }
        assert_eq!(hashed(&counters), before, "no password was looked at");
        assert_eq!(browser.submit(&shown, &values("100")).await.code(), Some("E_CREDENTIALS"));
        assert_eq!(hashed(&counters), before + 1);
        let late = browser.get(&authorize_url(&FILING, &[])).await;
        app.clock.advance(121);
        assert_eq!(browser.submit(&late, &values("100")).await.code(), Some("E_SLIDER"));
    });
}

/// Covers E-08.
#[test]
fn no_answer_tells_what_was_wrong() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut seen = Vec::new();
        for (enterprise, person, password) in [
            (EXAMPLE, "wangxm", "Wrong2026!"),
            (EXAMPLE, "nobody.here", PASSWORD),
            ("91110108551385082Q", "wangxm", PASSWORD),
            (EXAMPLE, "chenjing", PASSWORD),
        ] {
            let mut browser = app.browser();
            let page = browser.get(&authorize_url(&FILING, &[])).await;
            let refused = browser.type_credentials(&page, (enterprise, person, password)).await;
            assert_eq!(refused.code(), Some("E_CREDENTIALS"));
            let notice = refused.text.split("role=\"alert\"").nth(1).unwrap();
            // All but the request's number.
            let notice = notice.split("class=\"code\"").next().unwrap();
            seen.push((refused.status, notice.to_owned()));
        }
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
        let mut browser = app.browser();
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let malformed =
            browser.type_credentials(&page, ("91360100MA35ABCD44", "wangxm", PASSWORD)).await;
        assert_eq!(malformed.code(), Some("E_FORMAT"));
    });
}

/// Covers E-09.
#[test]
fn five_wrong_passwords_lock_and_each_lock_doubles() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        for minutes in [15, 30] {
            for _ in 0..5 {
                let page = browser.get(&authorize_url(&FILING, &[])).await;
                let refused =
                    browser.type_credentials(&page, (EXAMPLE, "wangxm", "Wrong2026!")).await;
                assert_eq!(refused.code(), Some("E_CREDENTIALS"));
            }
            let page = browser.get(&authorize_url(&FILING, &[])).await;
            let locked = browser.type_credentials(&page, (EXAMPLE, "wangxm", PASSWORD)).await;
            assert_eq!((locked.status.as_u16(), locked.code()), (429, Some("E_LOCKED")));
            assert!(locked.text.contains(&format!("{minutes} 分钟")), "{}", locked.text);
            app.clock.advance(minutes * 60 + 1);
        }
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let page = browser.type_credentials(&page, (EXAMPLE, "wangxm", PASSWORD)).await;
        assert!(page.url.contains("second_factor") || page.text.contains("138****8000"));
    });
}

/// Somebody who does not exist is locked after as many tries as somebody who does.
#[test]
fn an_unknown_person_is_locked_all_the_same() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let mut page = browser.get(&authorize_url(&FILING, &[])).await;
        for _ in 0..5 {
            page = browser.type_credentials(&page, (EXAMPLE, "nobody.here", PASSWORD)).await;
            assert_eq!(page.code(), Some("E_CREDENTIALS"));
        }
        page = browser.type_credentials(&page, (EXAMPLE, "nobody.here", PASSWORD)).await;
        assert_eq!(page.code(), Some("E_LOCKED"));
    });
}

/// Covers E-11.
#[test]
fn codes_run_out_are_counted_and_are_not_sent_too_often() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let page = browser.type_credentials(&page, (EXAMPLE, "wangxm", PASSWORD)).await;
        let sent = browser.submit(&page, &[("act", "send")]).await;
        let often = browser.submit(&sent, &[("act", "send")]).await;
        assert_eq!((often.status.as_u16(), often.code()), (429, Some("E_OTP_RATE")));
        let right = app.sms("13800138000");
        let wrong = if right == "000000" { "000001" } else { "000000" };
        for _ in 0..5 {
            let refused = browser.submit(&sent, &[("act", "verify"), ("code", wrong)]).await;
            assert_eq!(refused.code(), Some("E_OTP"));
        }
        let void = browser.submit(&sent, &[("act", "verify"), ("code", &right)]).await;
        assert_eq!(void.code(), Some("E_OTP_EXPIRED"));
        app.clock.advance(61);
        browser.submit(&page, &[("act", "send")]).await;
        app.clock.advance(301);
        let late =
            browser.submit(&page, &[("act", "verify"), ("code", &app.sms("13800138000"))]).await;
        assert_eq!(late.code(), Some("E_OTP_EXPIRED"));

        let mut browser = app.browser();
        let person = authorize_url(&FILING, &[]);
        let page = browser.get(&person).await;
        let t = page.hidden()["t"].clone();
        let page = browser
            .get(&format!("/realms/jiangxi/login/credentials?t={t}&entrance=natural_person"))
            .await;
        let page = browser.type_credentials(&page, ("", "chenjing", PASSWORD)).await;
        assert_eq!(page.code(), Some("E_NO_PHONE"));
        assert!(!page.text.contains("name=\"code\""));
    });
}

/// A form of another browser, another transaction or an expired one leads nowhere, and the person
/// still ends at the application.
#[test]
fn a_transaction_belongs_to_one_browser_and_can_be_begun_again() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let stolen = app.browser().type_credentials(&page, (EXAMPLE, "wangxm", PASSWORD)).await;
        assert_eq!(stolen.status.as_u16(), 410);
        assert!(stolen.text.contains("请从原来的应用重新进入"), "{}", stolen.text);
        let forged = browser.submit(&page, &[("csrf", "AAAA"), ("personal_id", "wangxm")]).await;
        assert_eq!(forged.status.as_u16(), 403);
        app.clock.advance(601);
        let expired = browser.type_credentials(&page, (EXAMPLE, "wangxm", PASSWORD)).await;
        assert_eq!(expired.status.as_u16(), 410);
        let again = expired.text.split("class=\"button\" href=\"").nth(1).unwrap();
        let again = again.split('"').next().unwrap().replace("&amp;", "&").replace("&#x2F;", "/");
        let page = browser.get(&again).await;
        let page = browser.type_credentials(&page, (EXAMPLE, "13900139000", PASSWORD)).await;
        let done = browser.pass_second_factor(&app, &page, "13900139000").await;
        assert!(done.left_to.unwrap().starts_with(FILING.redirect_uri));
    });
}

/// Covers E-21.
#[test]
fn an_enterprise_has_no_password_anywhere() {
    let schema = include_str!("../../../migrations/src/m20261124_000001_people.rs");
    let table = schema.split("CREATE TABLE enterprise (").nth(1).unwrap();
    assert!(!table.split(';').next().unwrap().contains("password"));
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let page = app.browser().get(&authorize_url(&FILING, &[])).await;
        assert_eq!(page.text.matches("type=\"password\"").count(), 1);
        assert!(page.text.contains("个人用户密码"));
    });
}

#[test]
fn good_and_bad_attempts_are_in_the_log() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let page = browser.type_credentials(&page, (EXAMPLE, "13900139000", "Wrong2026!")).await;
        let page = browser.type_credentials(&page, (EXAMPLE, "13900139000", PASSWORD)).await;
        browser.pass_second_factor(&app, &page, "13900139000").await;
        let rows = app.ctx.rows();
        let phone = hufu::domain::number::phone::Phone::parse("13900139000").unwrap();
        let account = rows.accounts().find_by_phone(&phone).await.unwrap().unwrap();
        let since = app.clock.now().one_month_ago();
        let log = rows.records().attempts(account.person, since).await.unwrap();
        let mut outcomes: Vec<&str> = log.iter().map(|entry| entry.outcome.as_str()).collect();
        outcomes.sort_unstable();
        assert_eq!(outcomes, ["E_CREDENTIALS", "ok"]);
        for entry in &log {
            assert_eq!((entry.way.as_str(), entry.entrance.as_str()), ("password", "enterprise"));
            assert_eq!((entry.ip.as_str(), entry.device.as_str()), ("127.0.0.1", "? / ?"));
        }
    });
}

/// Somebody who tries passwords on many cannot clear the count by signing in as themself.
#[test]
fn an_own_sign_in_does_not_clear_what_an_address_tried() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let counted = || async { app.ctx.ephemeral().counted("address/127.0.0.1").await };
        let mut browser = app.browser();
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let page = browser.type_credentials(&page, (EXAMPLE, "nobody.here", PASSWORD)).await;
        let page = browser.type_credentials(&page, (EXAMPLE, "chenjing", PASSWORD)).await;
        assert_eq!(counted().await.unwrap(), 2);
        browser.type_credentials(&page, (EXAMPLE, "wangxm", PASSWORD)).await;
        assert_eq!(counted().await.unwrap(), 2);
    });
}

/// A hundred guesses at one SMS code, all at once: five are looked at, and then the code is void,
/// the right one too (E-11).
#[test]
fn parallel_guesses_of_a_code_are_counted() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let page = browser.type_credentials(&page, (EXAMPLE, "13800138000", PASSWORD)).await;
        let page = browser.submit(&page, &[("act", "send")]).await;
        let right = app.sms("13800138000");
        let mut guesses = tokio::task::JoinSet::new();
        for n in 0..100 {
            let (mut browser, page) = (browser.clone(), page.clone());
            let guess = format!("{n:06}");
            let guess = if guess == right { "999999".to_owned() } else { guess };
            guesses.spawn(async move {
                let shown = browser.submit(&page, &[("act", "verify"), ("code", &guess)]).await;
                shown.code().map(str::to_owned)
            });
        }
        let refusals = guesses.join_all().await;
        let looked_at = refusals.iter().filter(|code| code.as_deref() == Some("E_OTP")).count();
        assert!(looked_at <= 5, "{looked_at}");
        let late = browser.submit(&page, &[("act", "verify"), ("code", &right)]).await;
        assert_eq!(late.code(), Some("E_OTP_EXPIRED"));
    });
}

/// Two tabs of one browser: each its own sign-in, none disturbs the other; one sign-in shown in two
/// tabs goes forward once, and the slower tab is led to where it stands.
#[test]
fn two_tabs_do_not_disturb_each_other() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let one = browser.get(&authorize_url(&FILING, &[("state", "first")])).await;
        let other = browser.get(&authorize_url(&FILING, &[("state", "second")])).await;
        let li = (EXAMPLE, "13900139000", PASSWORD);
        let one = browser.type_credentials(&one, li).await;
        let done = browser.pass_second_factor(&app, &one, "13900139000").await;
        assert_eq!(done.answered("state").as_deref(), Some("first"));
        // The second tab's own sign-in is still there, and ends at its own request.
        app.clock.advance(61);
        let t = other.hidden()["t"].clone();
        let shown = browser.get(&format!("/realms/jiangxi/login/credentials?t={t}")).await;
        let other = browser.type_credentials(&shown, li).await;
        let slower = other.clone();
        let done = browser.pass_second_factor(&app, &other, "13900139000").await;
        assert_eq!(done.answered("state").as_deref(), Some("second"));
        // The same sign-in in a tab that lags behind: it is over, nothing is done twice.
        let sent = app.ctx.services.outbound.inbox.messages().len();
        let session = browser.cookies["__Host-hufu-session-jiangxi"].clone();
        let late = browser.submit(&slower, &[("act", "send")]).await;
        assert!(late.url.ends_with("/signed-in"), "{}", late.url);
        assert_eq!(app.ctx.services.outbound.inbox.messages().len(), sent);
        assert_eq!(browser.cookies["__Host-hufu-session-jiangxi"], session);
        // Without the session that it led to, it is over.
        browser.cookies.remove("__Host-hufu-session-jiangxi");
        let late = browser.submit(&slower, &[("act", "send")]).await;
        assert_eq!(late.status.as_u16(), 410);
    });
}

/// A hundred wishes for a code from many tabs: the phone rings as often as the limits say.
#[test]
fn a_phone_is_not_bombed_with_codes() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut pages = Vec::new();
        for _ in 0..5 {
            let mut browser = app.browser();
            let page = browser.get(&authorize_url(&FILING, &[])).await;
            let page = browser.type_credentials(&page, (EXAMPLE, "13800138000", PASSWORD)).await;
            pages.push((browser, page));
        }
        for round in 1..=8 {
            let mut wishes = tokio::task::JoinSet::new();
            for n in 0..15 {
                let (mut browser, page) = pages[n % 5].clone();
                wishes.spawn(async move {
                    let shown = browser.submit(&page, &[("act", "send")]).await;
                    shown.code().map(str::to_owned)
                });
            }
            let refused = wishes.join_all().await;
            let refused = refused.iter().filter(|code| code.as_deref() == Some("E_OTP_RATE"));
            let sent = app.ctx.services.outbound.inbox.messages().len();
            assert_eq!(sent, round.min(5), "one a minute, five an hour");
            assert!(refused.count() >= 14, "the others are told to wait");
            app.clock.advance(61);
        }
    });
}

const CROWD: usize = 40;

/// On the last day of a period: who finds the queue full is told at once when to come back, nothing
/// is counted against them, and everybody who was let in is served.
#[test]
fn a_full_queue_says_when_to_come_back() {
    on_one_database(|on| async move {
        let setup = |lanes| {
            let usual = Setup::of(on, vec![crate::kit::demo_realm()]);
            // Slow enough that a crowd meets in the queue on any machine.
            let cost = HashCost { passes: 8, ..HashCost::default() };
            Setup { lanes, cost, ..usual }
        };
        let app = setup((1, 2)).start().await;
        let mut waiting = Vec::new();
        for _ in 0..CROWD {
            let mut browser = app.browser();
            let page = browser.get(&authorize_url(&FILING, &[])).await;
            waiting.push((browser, page));
        }
        let mut crowd = tokio::task::JoinSet::new();
        for (mut browser, page) in waiting {
            crowd.spawn(async move {
                let li = (EXAMPLE, "13900139000", PASSWORD);
                browser.type_credentials(&page, li).await
            });
        }
        let pages = crowd.join_all().await;
        let (busy, served): (Vec<_>, Vec<_>) =
            pages.iter().partition(|page| page.code() == Some("E_BUSY"));
        assert!(!served.is_empty() && !busy.is_empty(), "{} of {CROWD} were busy", busy.len());
        for page in busy {
            assert_eq!(page.status, 503);
            assert_eq!(page.header("retry-after").as_deref(), Some("2"));
            assert!(page.text.contains("id=\"login-submit\""), "the form is there to try again");
        }
        // Whoever comes while it is full waits before typing anything; the page asks again.
        let app = setup((1, 0)).start().await;
        let hashing = &app.ctx.services.hashing;
        let password = hufu::base::secret::Secret::new(PASSWORD.to_owned());
        let url = authorize_url(&FILING, &[]);
        // On a busy machine the only lane may be free again before the page is asked for.
        let mut page = None;
        for _ in 0..20 {
            let mut late = app.browser();
            let (_, got) = tokio::join!(hashing.hash(&password, app.ctx.random()), late.get(&url));
            let is_busy = got.code() == Some("E_BUSY");
            page = Some(got);
            if is_busy {
                break;
            }
        }
        let page = page.unwrap();
        assert_eq!((page.status.as_u16(), page.code()), (503, Some("E_BUSY")));
        assert_eq!(page.header("retry-after"), page.header("refresh"));
        assert!(page.header("refresh").is_some() && !page.text.contains("login-submit"));
    });
}

/// Twenty codes an hour from one address, whoever they are for.
#[test]
fn an_address_gets_twenty_codes_an_hour() {
    on_each_database(|on| async move {
        let realm = crate::kit::changed_realm(&[(
            "factors.toml",
            "per_minute = 6000",
            "per_address_and_hour = 2",
        )]);
        let app = Setup::of(on, vec![realm]).start().await;
        let mut outcomes = Vec::new();
        for phone in ["13800138000", "13900139000", "13600136000"] {
            let mut browser = app.browser();
            let page = browser.get(&authorize_url(&FILING, &[])).await;
            let page = browser.type_credentials(&page, (EXAMPLE, phone, PASSWORD)).await;
            let shown = browser.submit(&page, &[("act", "send")]).await;
            outcomes.push(shown.code().map(str::to_owned));
        }
        assert_eq!(outcomes, [None, None, Some("E_OTP_RATE".to_owned())]);
    });
}
