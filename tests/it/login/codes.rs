//! A code by text message (E-11): to whom, for how long, how often, and for whom not.

use hufu::domain::number::phone::Phone;
use hufu::domain::person::PhoneBinding;
use hufu::outbound::asked::FaceState;

use super::doors::DOORS;
use super::scan::{go_on, pass_face};
use crate::kit::browser::Shown;
use crate::kit::{Browser, PASSWORD, TestApp, on_each_database};

const WANG: &str = "13800138000";

async fn sent(app: &TestApp) -> (Browser, Shown) {
    app.clock.advance(3601);
    let (mut browser, page) = DOORS[1].at_second_factor(app).await;
    let page = browser.submit(&page, &[("act", "send")]).await;
    (browser, page)
}

fn wrong(right: &str, n: u32) -> String {
    let n = (right.parse::<u32>().unwrap() + n + 1) % 1_000_000;
    format!("{n:06}")
}

async fn answer(browser: &mut Browser, page: &Shown, code: &str) -> Shown {
    browser.submit(page, &[("act", "verify"), ("code", code)]).await
}

/// Six digits to the default phone of several, shown masked; right for five minutes and once; four wrong ones
/// leave it, five void it, and a new one is as good as the first. Covers E-11.
#[test]
fn a_code_is_right_for_five_minutes_and_once() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let second = Phone::parse("13911112222").unwrap();
        let phone = Phone::parse(WANG).unwrap();
        let account = app.ctx.rows().accounts().find_by_phone(&phone).await.unwrap().unwrap();
        let binding = PhoneBinding {
            account: account.id,
            phone: second,
            is_default: false,
            verified_at: app.clock.now(),
        };
        let tx = app.ctx.begin().await.unwrap();
        tx.rows().accounts().add_phone(app.ctx.new_row_id(), &binding).await.unwrap();
        tx.commit().await.unwrap();

        let (mut browser, page) = sent(&app).await;
        assert!(page.text.contains("138****8000"), "{}", page.text);
        for hidden in [WANG, "13911112222", "139****2222"] {
            assert!(!page.text.contains(hidden), "{hidden}");
        }
        let code = app.sms(WANG);
        assert!(code.len() == 6 && code.chars().all(|c| c.is_ascii_digit()), "{code}");
        let messages = app.ctx.services.outbound.inbox.messages();
        assert!(messages.iter().all(|one| one.to == format!("+86{WANG}")), "to the default alone");
        // Four wrong ones, marked at the field; in the last second of five minutes the right one passes.
        for n in 0..4 {
            let refused = answer(&mut browser, &page, &wrong(&code, n)).await;
            assert_eq!((refused.status.as_u16(), refused.code()), (422, Some("E_OTP")));
            assert!(refused.text.contains("aria-invalid=\"true\""), "{}", refused.text);
        }
        app.clock.advance(299);
        let (mut twin, twins_page) = (browser.clone(), page.clone());
        let done = answer(&mut browser, &page, &code).await;
        assert!(done.answered("code").is_some(), "{}", done.text);
        // Once: neither in the same sign-in nor in another.
        twin.cookies.retain(|name, _| !name.contains("session"));
        let again = answer(&mut twin, &twins_page, &code).await;
        let has_session = twin.cookies.keys().any(|name| name.contains("session"));
        // For thirty seconds the browser that signed in gets its session once more, and nothing else.
        assert!(again.code().is_none() && has_session, "{} {}", again.url, again.text);
        app.clock.advance(31);
        twin.cookies.retain(|name, _| !name.contains("session"));
        let again = answer(&mut twin, &twins_page, &code).await;
        assert_eq!(again.status.as_u16(), 410, "{} {}", again.url, again.text);
        let (mut other, others_page) = sent(&app).await;
        let new = app.sms(WANG);
        if new != code {
            assert_eq!(answer(&mut other, &others_page, &code).await.code(), Some("E_OTP"));
        }

        // One second too late.
        let (mut browser, page) = sent(&app).await;
        let code = app.sms(WANG);
        app.clock.advance(301);
        assert_eq!(answer(&mut browser, &page, &code).await.code(), Some("E_OTP_EXPIRED"));

        // Five wrong ones: the right one is void, a new one is not.
        let (mut browser, page) = sent(&app).await;
        let code = app.sms(WANG);
        for n in 0..5 {
            assert_eq!(answer(&mut browser, &page, &wrong(&code, n)).await.code(), Some("E_OTP"));
        }
        assert_eq!(answer(&mut browser, &page, &code).await.code(), Some("E_OTP_EXPIRED"));
    });
}

/// Whoever has no phone sees the way closed, with the two others named; it sends nothing and takes nothing,
/// and both others lead on. Covers E-11.
#[test]
fn without_a_phone_the_way_is_closed_and_the_others_are_open() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for door in &DOORS {
            let (mut browser, page) = door.at_second_factor(&app).await;
            assert!(!page.text.contains("aria-disabled"), "{}: {}", door.id, page.text);
            browser.submit(&page, &[("act", "send")]).await;
            app.clock.advance(61);
        }
        let before = app.ctx.services.outbound.inbox.messages().len();
        app.sql("DELETE FROM phone_binding").await;
        for door in &DOORS {
            let (mut browser, page) = door.open(&app).await;
            let page = door.type_in(&mut browser, &page, (door.document, PASSWORD)).await;
            let tab = page.text.split("id=\"way-sms\"").nth(1).expect("the way is shown");
            let tab = tab.split("</a>").next().unwrap();
            assert!(tab.contains("aria-disabled=\"true\"") && !tab.contains("href"), "{}", door.id);
            assert_eq!(page.code(), Some("E_NO_PHONE"), "{}", door.id);
            assert!(page.text.contains("请改用 APP 扫码"), "the others are named: {}", page.text);
            for way in ["tax_app", "iit_app"] {
                let other = page.text.split(&format!("id=\"way-{way}\"")).nth(1).unwrap();
                assert!(other.split('>').next().unwrap().contains("href="), "{} {way}", door.id);
            }
            assert!(!page.text.contains("name=\"code\"") && page.text.contains("class=\"qr\""));
            // By its address the way opens, says why it is closed, and is worth nothing.
            let t = page.hidden()["t"].clone();
            let url = format!("/realms/jiangxi/login/second_factor?t={t}&way=sms");
            let closed = browser.get(&url).await;
            assert_eq!(closed.code(), Some("E_NO_PHONE"), "{}", door.id);
            assert!(
                !closed.text.contains("name=\"code\"") && !closed.text.contains("value=\"send\"")
            );
            let (_, fields) = page.filled(&[("app", "tax_app")]);
            for (act, code) in [("send", "E_NO_PHONE"), ("verify", "E_OTP_EXPIRED")] {
                let body = form_urlencoded::Serializer::new(String::new())
                    .extend_pairs([("csrf", &fields["csrf"]), ("t", &fields["t"])])
                    .extend_pairs([("act", act), ("way", "sms"), ("code", "000000")])
                    .finish();
                let path = "/realms/jiangxi/login/second_factor";
                let refused = browser.send("POST", path, Some(body)).await;
                assert!(refused.text.contains(code), "{} {act}: {}", door.id, refused.text);
            }
            assert_eq!(app.ctx.services.outbound.inbox.messages().len(), before, "{}", door.id);
            pass_face(&app, &page, FaceState::Passed).await;
            let done = go_on(&mut browser, &page).await;
            let done = door.choose(&mut browser, done).await;
            assert!(done.answered("code").is_some(), "{}: {}", door.id, done.text);
        }
    });
}
