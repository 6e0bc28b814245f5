//! The door of non-resident enterprises: an identity code, an e-mail address, a code by e-mail.

use std::time::Duration;

use hufu::outbound::client::Timeouts;
use hufu::outbound::email::{Server, Words};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::kit::browser::Shown;
use crate::kit::{
    Browser, EXAMPLE, FILING, On, PASSWORD, Setup, TestApp, authorize_url, changed_realm, claims,
    demo_realm, on_each_database, on_one_database,
};

const CODE: &str = "FJ3601008400000011";
const EMAIL: &str = "john.miller@example.com";

async fn type_in(app: &TestApp, number: &str, personal_id: &str) -> (Browser, Shown) {
    let mut browser = app.browser();
    let page =
        browser.at_entrance(&authorize_url(&FILING, &[("ui_locales", "en")]), "non_resident").await;
    let page = browser.type_credentials(&page, (number, personal_id, PASSWORD)).await;
    (browser, page)
}

fn newest_code(app: &TestApp, to: &str) -> String {
    let messages = app.ctx.services.outbound.inbox.messages();
    messages.into_iter().find(|message| message.to == to).expect("no code was sent").code
}

/// Covers N-01, N-03, N-04, N-09.
#[test]
fn a_non_resident_signs_in_by_mail_phone_or_username() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for (personal_id, way, to) in [
            (EMAIL, "email", EMAIL),
            ("John.Miller@Example.com", "sms", "+14155550123"),
            ("+14155550123", "email", EMAIL),
            ("jmiller", "email", EMAIL),
        ] {
            app.clock.advance(86_400);
            let (mut browser, page) = type_in(&app, CODE, personal_id).await;
            let t = page.hidden()["t"].clone();
            let way = format!("/realms/jiangxi/login/second_factor?t={t}&way={way}");
            let page = browser.get(&way).await;
            assert!(!page.text.contains("john.miller@"), "masked: {}", page.text);
            let page = browser.submit(&page, &[("act", "send")]).await;
            let code = newest_code(&app, to);
            let other = if code.starts_with('0') { '1' } else { '0' };
            for (typed, refusal) in
                [("000000x", "E_FORMAT"), (&format!("{other}{}", &code[1..]), "E_OTP")]
            {
                let wrong = browser.submit(&page, &[("act", "verify"), ("code", typed)]).await;
                assert_eq!(wrong.code(), Some(refusal));
            }
            let done = browser.submit(&page, &[("act", "verify"), ("code", &code)]).await;
            let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
            let id = claims(tokens["id_token"].as_str().unwrap());
            assert_eq!(id["tax_identity"]["kind"], "non_resident");
            assert_eq!(id["tax_identity"]["enterprise"]["tin"], CODE);
            assert_eq!(id["tax_identity"]["identity_type"], "legal_representative");
        }
    });
}

/// Covers N-02, N-03: no other number, no document number, no code before it is issued.
#[test]
fn nothing_but_an_identity_code_opens_the_door() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (_, refused) = type_in(&app, EXAMPLE, EMAIL).await;
        assert_eq!(refused.code(), Some("E_FORMAT"));
        for (number, who) in [(CODE, "L898902C3"), ("FJ3601003440000024", EMAIL)] {
            let (_, refused) = type_in(&app, number, who).await;
            assert_eq!(refused.code(), Some("E_CREDENTIALS"), "{number} {who}");
        }
        // The code is worth nothing at the enterprise's door either without a relation.
        let (_, refused) = type_in(&app, CODE, "wangxm").await;
        assert_eq!(refused.code(), Some("E_CREDENTIALS"));
    });
}

/// DEC-9: a realm may keep to the guide, which has no second factor here. Covers N-04.
#[test]
fn a_realm_may_leave_the_second_factor_out() {
    on_each_database(|on| async move {
        let all = "[\"credentials\", \"second_factor\", \"new_password\", \"confirm_pending_authorisation\", \"choose_identity\", \"agreements\"]\n\n# One form";
        let less = "[\"credentials\", \"new_password\", \"choose_identity\", \"agreements\"]\n\n# One form";
        let realm = changed_realm(&[("entrances.toml", all, less)]);
        let app = Setup::of(on, vec![realm]).start().await;
        let (_, done) = type_in(&app, CODE, EMAIL).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id["amr"], serde_json::json!(["pwd"]));
    });
}

/// DEC-9: what a password alone has opened is worth that identity: to another, whose own door asks for
/// more, leads a second factor, by the account centre, by an application and by the phone.
#[test]
fn without_a_second_factor_nothing_leads_to_other_identities() {
    on_each_database(|on| async move {
        let all = "[\"credentials\", \"second_factor\", \"new_password\", \"confirm_pending_authorisation\", \"choose_identity\", \"agreements\"]\n\n# One form";
        let less = "[\"credentials\", \"new_password\", \"choose_identity\", \"agreements\"]\n\n# One form";
        let realm = changed_realm(&[("entrances.toml", all, less)]);
        let app = Setup::of(on, vec![realm]).start().await;
        let line = format!(
            "{{\"feed\":\"authorisation\",\"source_key\":\"x1\",\"version\":1,\
             \"enterprise\":\"{EXAMPLE}\",\"person\":\"L898902C3\",\
             \"identity_type\":\"tax_clerk\",\"valid_from\":\"2026-01-01\"}}"
        );
        let format = hufu::flows::feed::Format::JsonLines;
        let done = hufu::flows::feed::import(&app.ctx, "t", line.as_bytes(), format, None).await;
        assert!(done.as_ref().unwrap().failed.is_empty(), "{done:?}");
        let (mut browser, done) = type_in(&app, CODE, EMAIL).await;
        assert!(done.answered("code").is_some(), "{}", done.text);
        // Its own identity goes on as before.
        let own = browser.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
        assert!(own.answered("code").is_some(), "{:?}", own.left_to);
        for (name, value) in [
            ("identity_hint", EXAMPLE.to_owned()),
            (
                "authorization_details",
                format!("[{{\"type\":\"tax_identity\",\"enterprise\":\"{EXAMPLE}\"}}]"),
            ),
        ] {
            let asked = [(name, value.as_str()), ("prompt", "none")];
            let other = browser.get(&authorize_url(&FILING, &asked)).await;
            let error = other.answered("error");
            assert_eq!(error.as_deref(), Some("interaction_required"), "{:?}", other.left_to);
        }
        let page = browser.get("/realms/jiangxi/account/switch").await;
        let choice = page.text.split("name=\"identity\" value=\"").skip(1);
        let ids: Vec<String> =
            choice.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect();
        assert!(!ids.is_empty(), "{}", page.text);
        for id in ids.iter().map(String::as_str).chain(["personal"]) {
            let page = browser.get("/realms/jiangxi/account/switch").await;
            let moved = browser.submit(&page, &[("identity", id)]).await;
            let asks = moved.url.contains("second_factor") || moved.url.contains("/account");
            assert!(asks, "{id} {} {}", moved.url, moved.text);
            let own = browser.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
            let (_, tokens) = app.redeem(&own.answered("code").unwrap()).await;
            let id = claims(tokens["id_token"].as_str().unwrap());
            assert_eq!(id["tax_identity"]["enterprise"]["tin"], CODE);
        }
        // With one it does.
        let page = browser.get("/realms/jiangxi/account/switch").await;
        let other = ids.iter().find(|id| *id != "personal").unwrap();
        let asks = browser.submit(&page, &[("identity", other)]).await;
        assert!(asks.url.contains("second_factor"), "{} {}", asks.url, asks.text);
        let sent = browser.submit(&asks, &[("act", "send")]).await;
        let messages = app.ctx.services.outbound.inbox.messages();
        let code = messages.first().unwrap().code.clone();
        browser.submit(&sent, &[("act", "verify"), ("code", &code)]).await;
        let page = browser.get("/realms/jiangxi/account/switch").await;
        browser.submit(&page, &[("identity", other)]).await;
        let own = browser.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
        let (_, tokens) = app.redeem(&own.answered("code").unwrap()).await;
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id["tax_identity"]["enterprise"]["tin"], EXAMPLE);
    });
}

/// A mail server that takes one message and tells what it was.
async fn mail_server(hangs: bool) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        if hangs {
            std::future::pending::<()>().await;
        }
        write.write_all(b"220 test\r\n").await.unwrap();
        let (mut message, mut in_data) = (String::new(), false);
        while let Ok(Some(line)) = lines.next_line().await {
            let answer: &[u8] = match line.split(' ').next().unwrap_or_default() {
                "." if in_data => {
                    in_data = false;
                    b"250 taken\r\n"
                }
                _ if in_data => {
                    message += &line;
                    message += "\n";
                    continue;
                }
                "EHLO" => b"250 test\r\n",
                "DATA" => {
                    in_data = true;
                    b"354 go on\r\n"
                }
                "QUIT" => break,
                _ => b"250 ok\r\n",
            };
            write.write_all(answer).await.unwrap();
            if !in_data && message.contains("Subject") {
                break;
            }
        }
        message
    });
    (url, server)
}

#[tokio::test]
async fn a_code_goes_out_by_smtp_within_three_seconds_or_not_at_all() {
    let usual = Timeouts::default();
    assert!(usual.page < Duration::from_secs(3));
    let timeouts = Timeouts { page: usual.page / 4, ..usual };
    let setup = Setup { timeouts, ..Setup::of(On::Sqlite, vec![demo_realm()]) };
    let app = setup.start().await;
    let words = Words { subject: "税务局 · Tax bureau".to_owned(), minutes: 5 };
    let code = hufu::base::secret::Secret::new("042017".to_owned());
    let (url, server) = mail_server(false).await;
    let from = "Tax bureau <no-reply@tax.example>";
    let outbound = &app.ctx.services.outbound;
    let sender = || Server { url: &url, from, login: None };
    outbound.mail_code(Some(sender()), EMAIL, &code, &words, app.clock.now()).await.unwrap();
    let message = server.await.unwrap();
    assert!(message.contains("To: john.miller@example.com"), "{message}");
    assert!(message.contains("From:") && message.contains("no-reply@tax.example"));

    let (url, server) = mail_server(true).await;
    let sender = Server { url: &url, from, login: None };
    let begun = std::time::Instant::now();
    let away = outbound.mail_code(Some(sender), EMAIL, &code, &words, app.clock.now()).await;
    assert!(away.is_err() && begun.elapsed() < timeouts.page + Duration::from_secs(1));
    server.abort();
}

/// Covers X-12: Chinese first, English complete for whoever reads it.
#[test]
fn the_door_speaks_chinese_first_and_english_to_who_asks() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for (locale, words, others) in [
            ("zh-CN", "非居民企业身份码", "Non-resident identity code"),
            ("fr", "非居民企业身份码", "Non-resident identity code"),
            ("en", "Non-resident identity code", "非居民企业身份码"),
        ] {
            let mut browser = app.browser();
            let page = browser.get(&authorize_url(&FILING, &[])).await;
            let t = page.hidden()["t"].clone();
            browser.get(&format!("/realms/jiangxi/language?to={locale}")).await;
            let door = format!("/realms/jiangxi/login/credentials?t={t}&entrance=non_resident");
            let page = browser.get(&door).await;
            assert!(page.text.contains(words) && !page.text.contains(others), "{locale}");
            let refused = browser.type_credentials(&page, (EXAMPLE, EMAIL, PASSWORD)).await;
            let expected = if locale == "en" { "lang=\"en\"" } else { "lang=\"zh-CN\"" };
            assert!(refused.text.contains(expected), "{}", refused.text);
        }
    });
}

/// Who has no e-mail address is told so, and the text message stays open.
#[test]
fn without_an_address_the_code_goes_to_the_phone() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let rows = app.ctx.rows();
        let address = hufu::domain::number::email::EmailAddress::parse(EMAIL).unwrap();
        let john = rows.people().find_by_email(&address).await.unwrap().unwrap();
        let known = rows.people().find(john).await.unwrap().unwrap();
        let tx = app.ctx.begin().await.unwrap();
        let without = hufu::domain::person::Person { email: None, ..known };
        tx.rows().people().update(&without).await.unwrap();
        tx.commit().await.unwrap();
        let (mut browser, page) = type_in(&app, CODE, "jmiller").await;
        assert_eq!(page.code(), Some("E_NO_EMAIL"));
        let t = page.hidden().get("t").cloned();
        let t = t.unwrap_or_else(|| page.url.split("t=").nth(1).unwrap().to_owned());
        let sms = format!("/realms/jiangxi/login/second_factor?t={t}&way=sms");
        let page = browser.get(&sms).await;
        let sent = browser.submit(&page, &[("act", "send")]).await;
        assert!(sent.text.contains("name=\"code\""), "{}", sent.text);
    });
}

/// Whoever comes as themself finds where the sign-in ends what leads to a code; and may give the account up by
/// a face, since who came by e-mail may have no phone.
#[test]
fn an_overseas_person_finds_the_way_to_a_code_and_the_way_out() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let page = browser.at_entrance("/realms/jiangxi/login", "non_resident_person").await;
        let page = browser.type_credentials(&page, ("", EMAIL, PASSWORD)).await;
        let page = browser.submit(&page, &[("act", "send")]).await;
        let code = [("act", "verify"), ("code", &*newest_code(&app, EMAIL))];
        let done = browser.submit(&page, &code).await;
        assert!(done.url.ends_with("/signed-in"), "{} {}", done.url, done.text);
        assert!(done.text.contains("id=\"to-collecting\""), "{}", done.text);
        let page = browser.get("/realms/jiangxi/account/cancel").await;
        assert!(page.text.contains("value=\"tax_app\""), "{}", page.text);
        let page = browser.submit(&page, &[("read", "yes"), ("way", "tax_app")]).await;
        assert!(page.text.contains("class=\"qr\""), "{} {}", page.url, page.text);
    });
}
