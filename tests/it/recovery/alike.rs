//! A number that somebody has and one that nobody has, side by side: the same status, text, headers
//! and cookies at every step of a recovery and at the sign-in's door, in the browser and on the phone, and
//! times within noise. Registrations are compared in `registration/known.rs`.

use std::time::{Duration, Instant};

use hufu::outbound::asked::FaceState;

use super::{NOBODY_ID, WANG, WANG_ID, answer, ask, begin, by, look, settled};
use crate::kit::browser::Shown;
use crate::kit::{Browser, EXAMPLE, PASSWORD, TestApp, on_each_database};
use crate::login::scan::{go_on, id, number, scan};

/// Of 张伟, who has never set a password.
const ZHANG_ID: &str = "360402198511014512";

/// What forms carry that is drawn by chance for each page.
const DRAWN: [&str; 7] = ["csrf", "t", "q", "v", "order", "slider_id", "challenge"];

/// Without what is drawn by chance for each page, and what the person typed themself.
fn plain(page: &Shown) -> String {
    let mut text = page.text.clone();
    for input in page.text.split("<input type=\"hidden\" name=\"").skip(1) {
        let (name, rest) = input.split_once('"').unwrap();
        let value = rest.split("value=\"").nth(1).and_then(|rest| rest.split('"').next());
        if let Some(value) = value.filter(|value| DRAWN.contains(&name) && !value.is_empty()) {
            text = text.replace(value, &format!("<{name}>"));
        }
    }
    for number in [WANG_ID, ZHANG_ID, NOBODY_ID] {
        let masked = format!("{}**********{}", &number[..4], &number[14..]);
        let other = format!("3****************{}", &number[17..]);
        text = text.replace(number, "<n>").replace(&masked, "<m>").replace(&other, "<o>");
    }
    // The code to scan is another picture each time, and every form has a token.
    let mut kept = String::new();
    for part in text.split("<svg") {
        kept.push_str(part.split_once("</svg>").map_or(part, |(_, rest)| rest));
    }
    let fields = DRAWN.map(|name| format!("name=\"{name}\" value=\""));
    for open in fields.into_iter().chain(["data-passkey=\"".to_owned()]) {
        let mut parts = kept.split(&open).map(str::to_owned);
        let mut next = parts.next().unwrap();
        for part in parts {
            next = format!("{next}{open}{}", part.split_once('"').unwrap().1);
        }
        kept = next;
    }
    let addresses = ["%2Fq%2F", "?t=", "&t=", "&amp;q=", "&q=", "&amp;v=", "&v=", "/q/", "order="];
    for open in addresses {
        let mut parts = kept.split(open).map(str::to_owned);
        let mut next = parts.next().unwrap();
        for part in parts {
            let rest = part.trim_start_matches(|c: char| c.is_alphanumeric() || "-_".contains(c));
            next = format!("{next}{open}{rest}");
        }
        kept = next;
    }
    kept
}

/// Everything that an answer says: status, headers with the shape of cookies, text.
fn said(page: &Shown) -> (u16, Vec<String>, String, String) {
    let chance = |value: &str| -> String {
        let (pair, rest) = value.split_once(';').unwrap_or((value, ""));
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        // A sign-in's cookie is named for it.
        let name = name.split_once("-login-").map_or(name, |(before, _)| before);
        format!("{name}={};{rest}", value.len())
    };
    let mut headers: Vec<String> = page
        .headers
        .iter()
        .map(|(name, value)| {
            let value = value.to_str().unwrap();
            match name.as_str() {
                "set-cookie" => format!("set-cookie: {}", chance(value)),
                // It holds what is drawn by chance.
                "content-security-policy" | "x-request-id" | "location" => name.to_string(),
                "content-length" if page.text.contains("<svg") => name.to_string(),
                _ => format!("{name}: {value}"),
            }
        })
        .collect();
    headers.sort();
    let to = page.left_to.clone().unwrap_or_default();
    let to = to.split("?t=").next().unwrap_or_default();
    let to = if to.contains("/face/") { "the provider" } else { to }.to_owned();
    (page.status.as_u16(), headers, to, plain(page))
}

fn alike(step: &str, known: &Shown, nobody: &Shown) {
    let (known, nobody) = (said(known), said(nobody));
    assert_eq!((known.0, &known.1, &known.2), (nobody.0, &nobody.1, &nobody.2), "{step}");
    if known.3 != nobody.3 {
        let at = known.3.bytes().zip(nobody.3.bytes()).take_while(|(a, b)| a == b).count();
        let part = |text: &str| {
            String::from_utf8_lossy(
                &text.as_bytes()[at.saturating_sub(80)..(at + 120).min(text.len())],
            )
            .into_owned()
        };
        panic!("{step}:\n{}\n{}", part(&known.3), part(&nobody.3));
    }
}

/// Each step's first answer, not followed.
async fn step(browser: &mut Browser, page: &Shown, values: &[(&str, &str)]) -> Shown {
    let (action, fields) = page.filled(values);
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    browser.once("POST", &action, Some(body)).await
}

/// Covers F-02, F-03, F-04: byte for byte, in the browser and on the phone.
#[test]
fn nobody_and_somebody_are_answered_alike() {
    on_each_database(|on| async move {
        let mut seen: Vec<Vec<(&str, Shown)>> = Vec::new();
        // Each in a world of its own, so that pages tell the same time.
        for document in [WANG_ID, NOBODY_ID] {
            let app = TestApp::start(on).await;
            let mut all = Vec::new();
            let mut browser = app.browser_at("203.0.113.1");
            let first = browser.get(super::FORGOT).await;
            let typed = [("document_type", "resident_id_card"), ("document", document)];
            all.push(("start", step(&mut browser, &first, &typed).await));
            let page = browser.submit(&first, &typed).await;
            all.push(("prove", page.clone()));
            all.push((
                "no phone",
                step(&mut browser, &page, &[("phone", "1"), ("act", "send")]).await,
            ));
            all.push((
                "send",
                step(&mut browser, &page, &[("phone", WANG), ("act", "send")]).await,
            ));
            all.push((
                "pause",
                step(&mut browser, &page, &[("phone", WANG), ("act", "send")]).await,
            ));
            let page = browser.get(&page.url).await;
            all.push(("sent", page.clone()));
            settled().await;
            for what in ["wrong", "wrong", "wrong", "wrong", "wrong", "void", "void"] {
                let wrong = [("code", "000000"), ("act", "verify")];
                all.push((what, step(&mut browser, &page, &wrong).await));
                settled().await;
            }
            app.clock.advance(61);
            let again = ask(&mut browser, &page, WANG).await;
            all.push(("again", again.clone()));
            all.push(("locked", answer(&mut browser, &again, "000000").await));
            let shown = by(&mut browser, &again, "tax_app").await;
            all.push(("code", shown.clone()));
            let mut phone = app.browser_at("198.51.100.3");
            let path = format!("/realms/jiangxi/q/{}", id(&shown));
            all.push(("camera", phone.get(&path).await));
            let asked = scan(&mut phone, &path).await;
            all.push(("phone", asked.clone()));
            let chosen = number(&app.ctx, &shown).await;
            let unticked = [("act", "confirm"), ("number", &*chosen)];
            all.push(("no tick", phone.submit(&asked, &unticked).await));
            let ticked = [("act", "confirm"), ("number", &*chosen), ("agree", "yes")];
            let left = step(&mut phone, &asked, &ticked).await;
            let handle = left.left_to.clone().unwrap().rsplit('/').next().unwrap().to_owned();
            all.push(("to the provider", left));
            let sandbox = &app.ctx.services.outbound.sandbox;
            let back = sandbox.decide(&handle, FaceState::Failed).unwrap();
            all.push(("failed", crate::login::scan::face_result(&mut phone, &back).await));
            all.push(("refused", go_on(&mut browser, &shown).await));
            settled().await;
            seen.push(all);
        }
        for ((name, known), (_, nobody)) in seen[0].iter().zip(&seen[1]) {
            alike(name, known, nobody);
        }
        // A face that would pass passes for nobody.
        let app = TestApp::start(on).await;
        let mut browser = app.browser_at("203.0.113.9");
        let page = begin(&mut browser, "resident_id_card", NOBODY_ID).await;
        let page = by(&mut browser, &page, "tax_app").await;
        assert_eq!(look(&app, &page, FaceState::Passed).await.code(), Some("E_STEPUP_FAILED"));
        assert_eq!(go_on(&mut browser, &page).await.code(), Some("E_STEPUP_FAILED"));
    });
}

/// Covers E-08, E-09: a wrong password of somebody's and a number of nobody's at the door, with headers and
/// cookies, until and while the name is locked.
#[test]
fn the_door_answers_nobody_and_somebody_alike() {
    on_each_database(|on| async move {
        for (door, enterprise) in [("natural_person", ""), ("enterprise", EXAMPLE)] {
            let mut seen: Vec<Vec<Shown>> = Vec::new();
            for (document, password) in [(WANG_ID, "Wrong2026!"), (NOBODY_ID, PASSWORD)] {
                let app = TestApp::start(on).await;
                let mut browser = app.browser_at("203.0.113.1");
                let first = browser.once("GET", "/realms/jiangxi/login", None).await;
                let to = format!("{}&entrance={door}", first.left_to.as_ref().unwrap());
                let mut page = browser.get(&to).await;
                let mut all = vec![first, page.clone()];
                let mut typed = vec![("enterprise_number", enterprise), ("personal_id", document)];
                typed.extend([("password", password), ("slider", "100")]);
                typed.retain(|(_, value)| !value.is_empty());
                for _ in 0..7 {
                    page = step(&mut browser, &page, &typed).await;
                    all.push(page.clone());
                }
                seen.push(all);
            }
            let codes: Vec<Option<&str>> = seen[0][2..].iter().map(Shown::code).collect();
            let expected = [[Some("E_CREDENTIALS"); 5].as_slice(), &[Some("E_LOCKED"); 2]].concat();
            assert_eq!(codes, expected, "{door}");
            for (at, (known, nobody)) in seen[0].iter().zip(&seen[1]).enumerate() {
                alike(&format!("{door}, answer {at}"), known, nobody);
            }
        }
    });
}

/// Covers PH-03, PH-04, E-08, E-09: who knows no password learns nothing of a number at 【找回手机号码】: a wrong
/// password, an initial one and a number of nobody's have one answer, until and while it is locked.
#[test]
fn a_lost_phone_is_nobodys_and_somebodys_alike() {
    on_each_database(|on| async move {
        let mut seen: Vec<Vec<Shown>> = Vec::new();
        for (document, password) in
            [(WANG_ID, "Wrong2026!"), (ZHANG_ID, "014512"), (NOBODY_ID, PASSWORD)]
        {
            let app = TestApp::start(on).await;
            let mut browser = app.browser_at("203.0.113.1");
            let first = browser.get("/realms/jiangxi/recover-phone").await;
            let mut all = vec![first.clone()];
            for phone in [["1"].as_slice(), &["13911112222"; 7]].concat() {
                let typed = [
                    ("document_type", "resident_id_card"),
                    ("document", document),
                    ("password", password),
                    ("phone", phone),
                    ("act", "begin"),
                ];
                all.push(step(&mut browser, &first, &typed).await);
            }
            assert!(app.ctx.services.outbound.inbox.messages().is_empty(), "nothing is sent");
            seen.push(all);
        }
        let codes: Vec<Option<&str>> = seen[0].iter().map(Shown::code).collect();
        let expected = [
            [None, Some("E_FORMAT")].as_slice(),
            &[Some("E_CREDENTIALS"); 5],
            &[Some("E_LOCKED"); 2],
        ]
        .concat();
        assert_eq!(codes, expected);
        for other in &seen[1..] {
            for (at, (known, other)) in seen[0].iter().zip(other).enumerate() {
                alike(&format!("answer {at}"), known, other);
            }
        }
    });
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all[all.len() / 2]
}

/// Times of one step for a number that somebody has and one that nobody has, in turn.
async fn times(app: &TestApp, (run, n): (usize, usize)) -> [(&'static str, Duration, Duration); 3] {
    let (mut starts, mut sends, mut wrongs) =
        ([vec![], vec![]], [vec![], vec![]], [vec![], vec![]]);
    for round in 0..n {
        for (which, document) in [WANG_ID, NOBODY_ID].into_iter().enumerate() {
            let mut browser = app.browser_at(&format!("10.{run}.{round}.{which}"));
            let page = browser.get(super::FORGOT).await;
            let typed = [("document_type", "resident_id_card"), ("document", document)];
            let since = Instant::now();
            let started = step(&mut browser, &page, &typed).await;
            starts[which].push(since.elapsed());
            let page = browser.get(&started.left_to.unwrap()).await;
            let since = Instant::now();
            let sent = step(&mut browser, &page, &[("phone", WANG), ("act", "send")]).await;
            sends[which].push(since.elapsed());
            assert_eq!(sent.status.as_u16(), 303, "{}", sent.text);
            tokio::time::sleep(Duration::from_millis(15)).await;
            let page = browser.get(&page.url).await;
            let since = Instant::now();
            let wrong = step(&mut browser, &page, &[("code", "000000"), ("act", "verify")]).await;
            wrongs[which].push(since.elapsed());
            assert!(matches!(wrong.code(), Some("E_OTP" | "E_OTP_RATE")));
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    }
    [("start", starts), ("send", sends), ("wrong code", wrongs)]
        .map(|(what, [known, nobody])| (what, median(known), median(nobody)))
}

/// Covers F-02, F-03: in one run, in turn, by their medians.
#[test]
fn nobody_and_somebody_are_answered_as_fast() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut found = Vec::new();
        // Another program may have the machine for a moment.
        for run in 0..4 {
            found = times(&app, (run, 40)).await.to_vec();
            let ratio = |(_, a, b): &(&str, Duration, Duration)| {
                let (a, b) = (a.as_secs_f64(), b.as_secs_f64());
                a.max(b) / a.min(b)
            };
            if found.iter().all(|one| ratio(one) < 1.5) {
                eprintln!("{found:?}");
                return;
            }
        }
        panic!("{found:?}");
    });
}
