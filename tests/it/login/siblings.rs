//! What other applications of the domain, and browsers with names in their own language, send beside what is
//! ours.

use axum::body::Body;
use axum::http::{HeaderValue, Request, header};
use tower::ServiceExt;

use crate::account::{LI, WANG, as_person};
use crate::kit::{FILING, PASSWORD, TestApp, authorize_url, on_each_database};

/// Somebody whose browser carries a cookie in Chinese signs in as everybody else; the sign-in log knows the
/// browser though its name is not ASCII.
#[test]
fn another_application_s_cookie_is_in_nobody_s_way() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        browser.cookies.insert("a-name".to_owned(), "张三".to_owned());
        browser.cookies.insert("zz".to_owned(), "税务 局".to_owned());
        let agent = "Mozilla/5.0 (Linux; Android 14; 华为) Chrome/120";
        let agent = HeaderValue::from_bytes(agent.as_bytes()).unwrap();
        browser.headers.insert(header::USER_AGENT, agent);
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let t = page.hidden()["t"].clone();
        let door = format!("/realms/jiangxi/login/credentials?t={t}&entrance=natural_person");
        let page = browser.get(&door).await;
        let page = browser.type_credentials(&page, ("", WANG, PASSWORD)).await;
        let done = browser.pass_second_factor(&app, &page, WANG).await;
        assert!(done.answered("code").is_some(), "{}", done.text);
        let devices = app.said("SELECT device AS said FROM login_log WHERE outcome = 'ok'").await;
        assert_eq!(devices, ["Chrome / Android"]);
    });
}

/// Whatever stands beside the session's cookie: it counts, unless another has its very name.
#[test]
fn only_a_cookie_of_the_same_name_takes_another_away() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let browser = as_person(&app, LI).await;
        let ours = browser.cookies.iter().find(|(name, _)| name.contains("hufu-session"));
        let ours = ours.map(|(name, value)| format!("{name}={value}")).unwrap();
        let in_gbk: &[u8] = b"name=\xd5\xc5\xc8\xfd";
        let wide_space = format!("\u{a0}{ours}x");
        let wider_space = format!("\u{3000}{ours}x");
        let again = format!("{ours}x");
        let lines: [(&[&[u8]], bool); 12] = [
            (&[ours.as_bytes()], true),
            (&["name=张三".as_bytes(), ours.as_bytes()], true),
            (&[ours.as_bytes(), "名=x".as_bytes()], true),
            (&[in_gbk, ours.as_bytes()], true),
            (&[ours.as_bytes(), in_gbk], true),
            (&[b"=", ours.as_bytes(), b"", b"a"], true),
            (&[b"a=\"\xff", ours.as_bytes()], true),
            (&[wide_space.as_bytes(), ours.as_bytes()], true),
            (&[ours.as_bytes(), wider_space.as_bytes()], true),
            (&[again.as_bytes(), ours.as_bytes()], false),
            (&[wide_space.as_bytes()], false),
            (&[in_gbk], false),
        ];
        for (pairs, is_signed_in) in lines {
            let line = HeaderValue::from_bytes(&pairs.join(&b"; "[..])).unwrap();
            let request = Request::get("/realms/jiangxi/account/messages")
                .header(header::COOKIE, &line)
                .body(Body::empty())
                .unwrap();
            let status = app.router.clone().oneshot(request).await.unwrap().status().as_u16();
            assert_eq!(status == 200, is_signed_in, "{line:?} {status}");
        }
    });
}

/// A credential that cannot be read is a wrong one: it is not as if none had been shown.
#[test]
fn a_credential_that_cannot_be_read_is_wrong() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let own = "&client_id=tax-filing&client_secret=demo-secret-of-tax-filing";
        for (path, form, status) in [
            ("/introspect", format!("token=x{own}"), 400),
            ("/introspect", "token=x".to_owned(), 401),
            ("/revoke", format!("token=x{own}"), 400),
            ("/revoke", "token=x&client_id=desktop".to_owned(), 401),
            ("/userinfo", String::new(), 401),
        ] {
            for shown in ["Basic 密码", "Bearer 令牌"] {
                let shown = HeaderValue::from_bytes(shown.as_bytes()).unwrap();
                let request = Request::post(format!("/realms/jiangxi{path}"))
                    .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .header(header::AUTHORIZATION, &shown)
                    .body(Body::from(form.clone()))
                    .unwrap();
                let answer = app.json(request).await;
                assert_eq!(answer.0.as_u16(), status, "{path} {form} {shown:?} {}", answer.1);
            }
        }
    });
}
