//! The door of the console: a link that works once, two factors of which neither is enough, and sessions that
//! end when they should.

use hufu::domain::officer::{Duty, Login, Role, Roles};
use hufu::domain::place::Place;
use hufu::domain::refusal::Refusal;
use hufu::ephemeral::{Budget, EphemeralError, Full, Share};
use hufu::flows::hashing::Load;
use hufu::flows::{Stop, officer};

use super::{AtDesk, CONSOLE, acts, enrol, invited, operator, path_of, router};
use crate::kit::passkey::{Passkey, asked};
use crate::kit::{Browser, On, PASSWORD, Setup, TestApp, demo_realm, on_each_database};

fn refusal<T>(outcome: Result<T, Stop>) -> Refusal {
    match outcome {
        Err(Stop::Refused(refusal)) => refusal,
        _ => panic!("it was not refused"),
    }
}

/// GB/T 22239 keeps three roles apart: whoever has one of them has nothing else.
#[test]
fn administrative_roles_are_held_alone() {
    use Role::{Audit, Hall, Reviewer, Security, System};
    for alone in Role::ALL {
        assert!(Roles::new([alone]).is_ok(), "{alone:?}");
    }
    assert_eq!(Roles::new([Hall, Reviewer, Hall]).unwrap().text(), "hall reviewer");
    for (one, other) in
        [(System, Security), (Security, Audit), (Audit, System), (System, Hall), (Audit, Reviewer)]
    {
        assert_eq!(Roles::new([one, other]), Err(Refusal::format("role")), "{one:?} {other:?}");
    }
    for wrong in ["", "root", "hall audit", "hall,reviewer"] {
        assert_eq!(Roles::parse(wrong), Err(Refusal::format("role")), "{wrong}");
    }
    for wrong in ["", "ab", "Zhang", "9a1", "zhang san", "zh\u{e4}ng", &"a".repeat(31)] {
        assert_eq!(Login::parse(wrong), Err(Refusal::format("login")), "{wrong}");
    }
    assert!(Roles::parse("hall").unwrap().may(Duty::HallRecords));
}

/// Covers X-19: two factors of which one is cryptographic; the link works once and is for one; each step
/// stands in the audit.
#[test]
fn an_officer_enters_by_a_link_and_then_by_both_factors() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let link = invited(&app, "zhou.bei", "hall").await;
        let mut browser = Browser::new(router(&app));
        let page = browser.get(&link).await;
        for said in ["周小北", "zhou.bei", "办税服务厅"] {
            assert!(page.text.contains(said), "{}", page.text);
        }
        // Weak, unequal, holding the login: nothing is used up.
        let (_, made) = Passkey::make(&asked(&page).unwrap());
        for (new, repeated, code) in [
            ("Spring1", "Spring1", "E_PASSWORD_POLICY"),
            (PASSWORD, "Other2026!", "E_PASSWORD_POLICY"),
            ("Zhou.bei1", "Zhou.bei1", "E_PASSWORD_POLICY"),
        ] {
            let values = [("new", new), ("repeated", repeated), ("made", made.as_str())];
            let shown = browser.submit(&page, &values).await;
            assert_eq!(shown.code(), Some(code), "{}", shown.text);
        }
        let values = [("new", PASSWORD), ("repeated", PASSWORD), ("made", "{}")];
        let shown = browser.submit(&page, &values).await;
        assert_eq!(shown.code(), Some("E_PASSKEY"), "{}", shown.text);
        // A passkey that was made for another link is none of this one.
        let other = invited(&app, "other", "reviewer").await;
        let (_, foreign) = Passkey::make(&asked(&browser.get(&other).await).unwrap());
        let values = [("new", PASSWORD), ("repeated", PASSWORD), ("made", foreign.as_str())];
        let shown = browser.submit(&page, &values).await;
        assert_eq!(shown.code(), Some("E_PASSKEY"), "{}", shown.text);

        let (passkey, shown) = enrol(&mut browser, &link, PASSWORD).await;
        assert!(shown.url.ends_with("/console/login"), "{}", shown.text);
        let shown = browser.get(&link).await;
        assert_eq!((shown.status.as_u16(), shown.code()), (410, Some("E_STATE")));
        let shown = browser.submit(&page, &[("new", PASSWORD), ("repeated", PASSWORD)]).await;
        assert_eq!(shown.status.as_u16(), 410, "the form of before, too");

        let mut desk = AtDesk { browser, passkey, login: "zhou.bei" };
        assert!(!desk.is_at_work().await);
        // One of the two is not enough.
        let shown = desk.enter("Wrong2026!").await;
        assert_eq!(shown.code(), Some("E_CREDENTIALS"), "{}", shown.text);
        let page = desk.get("/login").await;
        let shown = desk.browser.submit(&page, &[("password", PASSWORD), ("made", "")]).await;
        assert_eq!(shown.code(), Some("E_PASSKEY"), "{}", shown.text);
        assert!(!desk.is_at_work().await);
        // Nor is a passkey whose device did not recognise its person, another site's, a stranger's.
        for (flags, origin) in
            [(0x01, "https://officer.jiangxi.example"), (0x05, "https://sso.jiangxi.example")]
        {
            let mut bad = desk.clone();
            (bad.passkey.flags, bad.passkey.origin) = (flags, origin.to_owned());
            assert_eq!(bad.enter(PASSWORD).await.code(), Some("E_PASSKEY"), "{origin}");
        }
        let shown = desk.enter(PASSWORD).await;
        assert_eq!((shown.url.as_str(), shown.code()), (CONSOLE, None), "{}", shown.text);
        assert!(shown.text.contains("周小北") && shown.text.contains("办税服务厅"));
        let entered = acts(&app, "officer_entered").await;
        assert_eq!(entered, [("officer/zhou.bei".to_owned(), String::new())]);
        let changed: Vec<String> =
            acts(&app, "officer_changed").await.into_iter().map(|(_, act)| act).collect();
        assert_eq!(changed, ["invite as hall", "invite as reviewer", "enrol"]);
        let report = app.ctx.rows().records().verify_audit(&[]).await.unwrap();
        assert_eq!(report.fault, None);
    });
}

/// Covers E-09 from the console's side: the holder of a passkey may guess five times, a stranger never, and
/// whoever was asked answers once, in the browser that was asked.
#[test]
fn nobody_guesses_at_the_door() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut desk = AtDesk::enrolled(&app, "zhou", "hall").await;
        // Asked in one browser, answered in another, and answered twice.
        let page = desk.get("/login").await;
        let made = desk.passkey.answer(&asked(&page).unwrap());
        let values = [("password", PASSWORD), ("made", made.as_str())];
        let mut thief = Browser::new(router(&app));
        let shown = thief.submit(&page, &values).await;
        assert_eq!(shown.status.as_u16(), 403, "{}", shown.text);
        let theirs = thief.get(&format!("{CONSOLE}/login")).await;
        let (_, mut fields) = theirs.filled(&values);
        fields.insert("question".to_owned(), page.hidden()["question"].clone());
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let shown = thief.send("POST", &format!("{CONSOLE}/login"), Some(body)).await;
        assert_eq!(shown.code(), Some("E_PASSKEY"), "{}", shown.text);
        let before = desk.browser.clone();
        let shown = desk.browser.submit(&page, &values).await;
        assert_eq!(shown.url, CONSOLE, "{}", shown.text);
        let shown = before.clone().submit(&page, &values).await;
        assert_eq!(shown.code(), Some("E_PASSKEY"), "answered twice: {}", shown.text);
        // And too late.
        let mut late = AtDesk { browser: before, ..desk.clone() };
        let page = late.get("/login").await;
        let made = late.passkey.answer(&asked(&page).unwrap());
        app.clock.advance(301);
        let values = [("password", PASSWORD), ("made", made.as_str())];
        assert_eq!(late.browser.submit(&page, &values).await.code(), Some("E_PASSKEY"));

        for _ in 0..4 {
            assert_eq!(late.enter("Wrong2026!").await.code(), Some("E_CREDENTIALS"));
        }
        assert_eq!(late.enter(PASSWORD).await.code(), None, "who is right begins anew");
        for _ in 0..5 {
            assert_eq!(late.enter_again("Wrong2026!").await, Some("E_CREDENTIALS".to_owned()));
        }
        assert_eq!(late.enter_again(PASSWORD).await, Some("E_LOCKED".to_owned()));
        app.clock.advance(901);
        assert_eq!(late.enter_again(PASSWORD).await, None);
        let refused = acts(&app, "officer_refused").await;
        assert_eq!(refused.len(), 9, "{refused:?}");

        // A stranger behind the bureau's own address is told no more than that, and locks nobody.
        let mut stranger = Browser::new(router(&app));
        let page = stranger.get(&format!("{CONSOLE}/login")).await;
        for n in 0..=app.ctx.realm.limits.max_failures_per_address {
            let values = [("password", PASSWORD), ("made", "{}")];
            let shown = stranger.submit(&page, &values).await;
            assert_eq!(shown.code(), Some("E_PASSKEY"), "{n}: {}", shown.text);
        }
        assert_eq!(late.enter_again(PASSWORD).await, None);
    });
}

/// Links have 256 bits: whoever tries others keeps nobody from the right one.
#[test]
fn wrong_links_close_no_right_one() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let link = invited(&app, "zhou", "hall").await;
        let mut stranger = Browser::new(router(&app));
        for n in 0..70 {
            let shown = stranger.get(&format!("{link}{n}")).await;
            assert_eq!(shown.code(), Some("E_STATE"), "{n}: {}", shown.text);
        }
        let (_, shown) = enrol(&mut Browser::new(router(&app)), &link, PASSWORD).await;
        assert!(shown.url.ends_with("/console/login"), "{} {}", shown.url, shown.text);
    });
}

/// A crowd at the people's listener, and everything full of what strangers and people make: officers enter
/// all the same, and go on with what they are at.
#[test]
fn a_flood_at_the_doors_is_none_at_the_console() {
    on_each_database(|on| async move {
        let budget = Budget(2 << 20);
        let app = Setup { budget, ..Setup::of(on, vec![demo_realm()]) }.start().await;
        let mut desk = AtDesk::enrolled(&app, "zhou", "hall").await;
        let crowds = app.app.crowds();
        let mut inside = Vec::new();
        for crowd in [&crowds.at_work, &crowds.late, &crowds.files] {
            while let Some(seat) = crowd.enter(None) {
                inside.push(seat);
            }
        }
        let shown = app.browser().get("/realms/jiangxi/login").await;
        assert_eq!(shown.status.as_u16(), 503);
        for share in [Share::Anybody, Share::Tries, Share::Proved] {
            for n in 0..20_000_u32 {
                let place = Place::of(std::net::Ipv4Addr::from(0xC633_6400 + n % 200).into());
                let kept = app.ctx.ephemeral().asked_from(place);
                let marked = kept.mark_in(share, &n.to_string(), 600).await;
                if matches!(marked, Err(EphemeralError::Full(Full::All))) {
                    break;
                }
            }
            let made = app.ctx.ephemeral().mark_in(share, "one more", 600).await;
            assert!(made.is_err(), "{share:?}");
        }
        let shown = desk.enter(PASSWORD).await;
        assert_eq!((shown.code(), shown.url.as_str()), (None, CONSOLE), "{}", shown.text);
        desk.state("窗口办理").await;
        assert!(desk.is_at_work().await);
        // What is full of their making makes no node unready.
        app.ctx.services.check_ready(&app.app.realms()).await.unwrap();
    });
}

/// Taxpayers have all that is there for their passwords: nobody of them is served, and officers set theirs by
/// the link and enter with it.
#[test]
fn no_taxpayer_stands_in_the_officers_lane() {
    on_each_database(|on| async move {
        let app = Setup { lanes: (0, 0), ..Setup::of(on, vec![demo_realm()]) }.start().await;
        let shown = app.browser().get("/realms/jiangxi/login").await;
        assert_eq!(shown.status.as_u16(), 503, "{}", shown.text);
        let mut desk = AtDesk::enrolled(&app, "zhou", "hall").await;
        assert_eq!(desk.enter("Wrong2026!").await.code(), Some("E_CREDENTIALS"));
        let shown = desk.enter(PASSWORD).await;
        assert_eq!((shown.code(), shown.url.as_str()), (None, CONSOLE), "{}", shown.text);
        assert_eq!(app.ctx.services.hashing.load(), Load { at_work: 0, waiting: 0 });
    });
}

impl AtDesk {
    /// Leaves, stands before the door again and enters; the refusal.
    async fn enter_again(&mut self, password: &str) -> Option<String> {
        self.browser.cookies.remove("__Host-hufu-officer-jiangxi");
        self.enter(password).await.code().map(str::to_owned)
    }
}

/// Covers X-09: who leaves stands in the audit, once.
#[test]
fn leaving_leaves_its_trace() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut desk = AtDesk::start(&app, "zhou", "hall").await;
        let page = desk.get("").await;
        for _ in 0..2 {
            let shown = desk.browser.submit(&page, &[("act", "leave")]).await;
            assert!(shown.url.contains("/console/login"), "{} {}", shown.url, shown.text);
        }
        let left = acts(&app, "officer_left").await;
        assert_eq!(left, [("officer/zhou".to_owned(), String::new())]);
    });
}

/// What cannot be written down has not been done: the officer hears of it, is still at work, and leaves
/// once it can.
#[test]
fn nobody_leaves_without_a_trace() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut desk = AtDesk::start(&app, "zhou", "hall").await;
        let page = desk.get("").await;
        app.sql("ALTER TABLE audit RENAME TO audit_elsewhere").await;
        let shown = desk.browser.submit(&page, &[("act", "leave")]).await;
        assert_eq!(shown.status.as_u16(), 500, "{}", shown.text);
        app.sql("ALTER TABLE audit_elsewhere RENAME TO audit").await;
        assert!(desk.is_at_work().await);
        desk.browser.submit(&page, &[("act", "leave")]).await;
        assert!(!desk.is_at_work().await);
        assert_eq!(acts(&app, "officer_left").await.len(), 1);
    });
}

/// Idle, in all, by leaving, by a lock, by other roles: whatever ends a session ends it at once, on every node.
#[test]
fn a_session_ends_when_it_should() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut desk = AtDesk::start(&app, "zhou", "hall").await;
        let shown = desk.get("").await;
        let cookie = &desk.browser.cookies["__Host-hufu-officer-jiangxi"];
        assert!(cookie.len() >= 43 && !shown.text.contains(cookie.as_str()));
        for _ in 0..3 {
            app.clock.advance(890);
            assert!(desk.is_at_work().await);
        }
        app.clock.advance(901);
        assert!(!desk.is_at_work().await, "idle");

        assert_eq!(desk.enter(PASSWORD).await.url, CONSOLE);
        for _ in 0..36 {
            app.clock.advance(800);
            desk.is_at_work().await;
        }
        assert!(!desk.is_at_work().await, "eight hours");

        assert_eq!(desk.enter(PASSWORD).await.url, CONSOLE);
        let kept = desk.clone();
        let page = desk.get("").await;
        let shown = desk.browser.submit(&page, &[("act", "leave")]).await;
        assert!(shown.url.ends_with("/console/login"), "{}", shown.url);
        assert!(!kept.clone().is_at_work().await, "the cookie of before is worth nothing");

        let id = desk.officer(&app).await.id;
        assert_eq!(desk.enter(PASSWORD).await.url, CONSOLE);
        // As the command line does it: in another process, with a memory of its own.
        let shell = app.second_node().await.ctx;
        officer::lock(&shell, &operator(), id).await.unwrap();
        assert!(!desk.is_at_work().await, "locked");
        assert_eq!(refusal(officer::lock(&shell, &operator(), id).await), Refusal::State);
        let shown = desk.enter(PASSWORD).await;
        assert_eq!(shown.code(), Some("E_ACCOUNT_LOCKED"), "{}", shown.text);
        let shown = desk.enter("Wrong2026!").await;
        assert_eq!(shown.code(), Some("E_CREDENTIALS"), "told after both factors alone");
        assert_eq!(refusal(officer::invite_again(&shell, &operator(), id).await), Refusal::State);
        officer::unlock(&shell, &operator(), id).await.unwrap();
        assert_eq!(desk.enter(PASSWORD).await.url, CONSOLE);

        let roles = Roles::parse("reviewer").unwrap();
        officer::assign(&shell, &operator(), id, &roles).await.unwrap();
        assert!(!desk.is_at_work().await, "other roles");
        assert_eq!(refusal(officer::assign(&shell, &operator(), id, &roles).await), Refusal::State);

        // Another link: what there is stays good until it is used, and is worth nothing after.
        assert_eq!(desk.enter(PASSWORD).await.url, CONSOLE);
        let link = officer::invite_again(&shell, &operator(), id).await.unwrap();
        assert!(desk.is_at_work().await);
        let mut fresh = Browser::new(router(&app));
        let (passkey, _) = enrol(&mut fresh, &path_of(&link), "Autumn2026!").await;
        assert!(!desk.is_at_work().await, "a new passkey");
        assert_eq!(desk.enter(PASSWORD).await.code(), Some("E_PASSKEY"));
        let mut renewed = AtDesk { browser: fresh, passkey, login: "zhou" };
        assert_eq!(renewed.enter("Autumn2026!").await.url, CONSOLE);

        // A link ends with a lock, and with the roles that it was made for.
        let (leaked, mut stranger) =
            (invited(&app, "leaked", "hall").await, Browser::new(router(&app)));
        let id = officer::named(&app.ctx, "leaked").await.unwrap().id;
        officer::lock(&shell, &operator(), id).await.unwrap();
        officer::unlock(&shell, &operator(), id).await.unwrap();
        assert_eq!(stranger.get(&leaked).await.code(), Some("E_STATE"));
        let leaked = path_of(&officer::invite_again(&shell, &operator(), id).await.unwrap());
        assert_eq!(stranger.get(&leaked).await.code(), None);
        let system = Roles::parse("system").unwrap();
        officer::assign(&shell, &operator(), id, &system).await.unwrap();
        assert_eq!(stranger.get(&leaked).await.code(), Some("E_STATE"));

        let late = invited(&app, "late", "hall").await;
        app.clock.advance(86_401);
        assert_eq!(renewed.browser.get(&late).await.code(), Some("E_STATE"));
        let taken = Roles::parse("hall").unwrap();
        let again = officer::invite(&shell, &operator(), ("late", "李四"), taken).await;
        assert_eq!(refusal(again), Refusal::Taken);
    });
}

/// An officer locks a colleague at the console, with a reason; nobody locks themself, and the auditor looks.
#[tokio::test(flavor = "multi_thread")]
async fn a_system_officer_locks_a_colleague() {
    let app = TestApp::start(On::Sqlite).await;
    let mut hall = AtDesk::start(&app, "hall", "hall").await;
    let mut system = AtDesk::start(&app, "system", "system").await;
    let mut audit = AtDesk::start(&app, "audit", "audit").await;
    let page = system.get("/officers").await;
    let send = [("officer", "hall"), ("act", "lock")];
    let refused = system.browser.submit(&page, &[&send[..], &[("reason", "x")]].concat()).await;
    assert_eq!(refused.code(), Some("E_FORMAT"), "{}", refused.text);
    let id = hall.officer(&app).await.id;
    let led = [format!("href=\"#reason-{id}\""), format!("id=\"reason-{id}-wrong\"")];
    assert!(led.iter().all(|part| refused.text.contains(part)), "{}", refused.text);
    assert!(hall.is_at_work().await);
    let values = [&send[..], &[("reason", "离岗，工单 9")]].concat();
    let shown = system.browser.submit(&page, &values).await;
    assert!(shown.text.contains("已停用"), "{}", shown.text);
    assert!(!hall.is_at_work().await);
    let own = [("officer", "system"), ("act", "lock"), ("reason", "离岗，工单 9")];
    let shown = system.browser.submit(&page, &own).await;
    assert_eq!(shown.code(), Some("E_ROLE"), "{}", shown.text);
    let page = audit.get("/officers").await;
    assert!(page.text.contains("data-officer=\"hall\"") && !page.text.contains("value=\"lock\""));
    let events = app.audit().await;
    let lock = events.iter().rfind(|event| event["act"] == "lock").unwrap();
    assert_eq!(
        (lock["by"].as_str(), lock["reason"].as_str()),
        (Some("officer/system"), Some("离岗，工单 9"))
    );
}
