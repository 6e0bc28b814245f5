//! What the pages of a sign-in show of where it stands (issue 14): who is signing in, the code that is on
//! its way, the slider, and ways on where one goes no further.

use super::doors::DOORS;
use crate::kit::{EXAMPLE, FILING, PASSWORD, TestApp, authorize_url, on_each_database};

const WANG: &str = "13800138000";

/// Who is signing in is named, masked; whoever it is not begins the same request again, without a trace of
/// the first. Covers E-10.
#[test]
fn the_second_factor_says_who_is_signing_in() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for door in &DOORS {
            let (mut browser, page) = door.at_second_factor(&app).await;
            let whose = page
                .text
                .split("class=\"whose\"")
                .nth(1)
                .unwrap_or_else(|| panic!("{}", page.text));
            let whose = whose.split("</p>").next().unwrap();
            assert!(whose.contains('*') && !whose.contains(door.name), "{}: {whose}", door.id);
            let href = whose.split("href=\"").nth(1).unwrap().split('"').next().unwrap();
            let again = browser.get(&crate::kit::browser::unescape(href)).await;
            assert!(again.url.contains("/login/credentials"), "{}", again.url);
            assert_ne!(again.hidden()["t"], page.hidden()["t"]);
            assert!(!again.text.contains(door.phone), "{}", again.text);
            app.clock.advance(61);
        }
    });
}

/// A code that was sent is said to be, with its seconds, when another can be had and how many tries are
/// left; the field is first and has the focus. Six digits pass however they are typed. Covers E-11.
#[test]
fn a_sent_code_is_counted_down() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let typed: [fn(&str) -> String; 4] = [
            |code| format!("{} {}", &code[..3], &code[3..]),
            |code| code.chars().map(|c| char::from_u32(c as u32 + 0xfee0).unwrap()).collect(),
            |code| format!(" {}-{}\u{a0}", &code[..2], &code[2..]),
            str::to_owned,
        ];
        for typed in typed {
            let mut browser = app.browser();
            let page = browser.get(&authorize_url(&FILING, &[("prompt", "login")])).await;
            let page = browser.type_credentials(&page, (EXAMPLE, WANG, PASSWORD)).await;
            assert!(!page.text.contains("data-counts"), "{}", page.text);
            let sent = browser.submit(&page, &[("act", "send")]).await;
            for there in
                ["验证码已发送至", "138****8000", "data-counts=\"300\"", "请在 5 分钟内输入"]
            {
                assert!(sent.text.contains(there), "{there}: {}", sent.text);
            }
            assert!(sent.text.contains("60 秒后可以重新发送"), "{}", sent.text);
            let field = sent.text.split("id=\"code\"").nth(1).unwrap().split('>').next().unwrap();
            assert!(field.contains("autofocus") && !field.contains("pattern"), "{field}");
            let (first, resend) = (sent.text.find("id=\"code\""), sent.text.find("value=\"send\""));
            assert!(first < resend, "resending stands below");
            app.clock.advance(20);
            let code = app.sms(WANG);
            let wrong = if code == "123456" { "123457" } else { "123456" };
            let refused = browser.submit(&sent, &[("act", "verify"), ("code", wrong)]).await;
            for there in ["还可以输入 4 次", "data-counts=\"280\"", "href=\"#code\""] {
                assert!(refused.text.contains(there), "{there}: {}", refused.text);
            }
            let passed = browser.submit(&sent, &[("act", "verify"), ("code", &typed(&code))]).await;
            assert!(!passed.url.contains("second_factor"), "{}: {}", typed(&code), passed.text);
            app.clock.advance(61);
        }
    });
}

/// A way that is closed does not stand first. Covers E-11.
#[test]
fn what_cannot_be_used_stands_last() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        app.sql("DELETE FROM phone_binding").await;
        for door in &DOORS {
            let (mut browser, page) = door.open(&app).await;
            let page = door.type_in(&mut browser, &page, (door.document, PASSWORD)).await;
            let ways = page.text.split("id=\"way-").skip(1);
            let ways: Vec<&str> = ways.map(|way| way.split('"').next().unwrap()).collect();
            assert_eq!(ways.last(), Some(&"sms"), "{}: {ways:?}", door.id);
        }
    });
}

/// A slider let go a hair before its end is drawn, and stays so when something else is wrong: the proof is a
/// new one each time. Covers DEC-19.
#[test]
fn a_slider_that_was_drawn_stays_drawn() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for (drawn, is_done) in
            [("95", true), ("100", true), ("94", false), ("", false), ("101", false)]
        {
            let mut browser = app.browser();
            let page = browser.get(&authorize_url(&FILING, &[])).await;
            let values = [
                ("enterprise_number", EXAMPLE),
                ("personal_id", "nobody.here"),
                ("password", "Wrong2026!"),
                ("slider", drawn),
            ];
            let refused = browser.submit(&page, &values).await;
            let code = if is_done { "E_CREDENTIALS" } else { "E_SLIDER" };
            assert_eq!(refused.code(), Some(code), "{drawn}");
            let slider = refused.text.split("id=\"slider\"").nth(1).unwrap();
            let shown =
                if is_done { format!("value=\"{drawn}\"") } else { "value=\"0\"".to_owned() };
            assert!(slider.split('>').next().unwrap().contains(&shown), "{drawn}: {slider}");
            let proof = |page: &crate::kit::browser::Shown| {
                page.filled(&[("personal_id", "")]).1["slider_id"].clone()
            };
            assert_ne!(proof(&page), proof(&refused), "{drawn}");
            app.clock.advance(901);
        }
    });
}

/// Too early: what is said is that nothing was confirmed yet. Covers E-13.
#[test]
fn a_scan_that_was_not_confirmed_says_so() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let early =
            browser.submit(&page, &[("q", &page.hidden_of_form("scan-continue")["q"])]).await;
        assert_eq!(early.code(), Some("E_STATE"));
        assert!(early.text.contains("尚未收到手机上的确认"), "{}", early.text);
        // Whoever is too late has a way on.
        let late = app.browser().get("/realms/jiangxi/login/credentials?t=gone").await;
        assert_eq!(late.status.as_u16(), 410);
        assert!(late.text.contains("href=\"/realms/jiangxi/login\""), "{}", late.text);
    });
}
