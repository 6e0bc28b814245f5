//! What tokens and userinfo say beyond the scopes, and until when.

use std::collections::BTreeSet;

use serde_json::json;

use super::authorize::signed_in;
use crate::account::{WANG, as_person, post};
use crate::kit::{
    Browser, EXAMPLE, FILING, PASSWORD, Setup, TestApp, authorize_url, changed_realm, claims,
    on_each_database,
};

/// OIDC Core §5.5: single claims, as far as the client is registered for their scope.
#[test]
fn single_claims_are_given_where_they_were_asked_for() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let asked = r#"{"userinfo": {"phone_number": null, "email": null},
            "id_token": {"name": {"essential": true}, "favourite_colour": null}}"#;
        let more = [("scope", "openid"), ("claims", asked)];
        let done = browser.get(&authorize_url(&FILING, &more)).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id["name"], "李芳");
        assert!(id.get("phone_number").is_none() && id.get("favourite_colour").is_none(), "{id}");
        let (_, info) = app.userinfo(tokens["access_token"].as_str().unwrap()).await;
        assert_eq!(info["phone_number"], "+8613900139000");
        assert!(info.get("name").is_none() && info.get("tax_identity").is_none(), "{info}");
        // The client is not registered for scope email.
        assert!(info.get("email").is_none(), "{info}");
    });
}

async fn told_by_register(app: &TestApp, email: &str) {
    let version = app.ctx.now().0;
    let line = json!({"feed": "person", "source_key": "wang", "version": version, "name": "王小明",
        "document": "360102199003071236", "email": email,
        "real_name_level": 4});
    let (text, format) = (line.to_string(), hufu::flows::feed::Format::JsonLines);
    let done = hufu::flows::feed::import(&app.ctx, "test", text.as_bytes(), format, None).await;
    assert!(done.as_ref().unwrap().failed.is_empty(), "{done:?}");
    app.clock.advance(1);
}

/// In the account centre.
async fn fill_in(app: &TestApp, browser: &mut Browser, email: &str, address: &str) {
    const PATH: &str = "/account/maintain";
    post(app, browser, PATH, &[("act", "address"), ("address", address)]).await;
    app.clock.advance(61);
    post(app, browser, PATH, &[("act", "send"), ("to", email)]).await;
    let sent = app.ctx.services.outbound.inbox.messages();
    let code = sent.into_iter().find(|message| message.to == email).unwrap().code;
    let done = post(app, browser, PATH, &[("act", "verify"), ("code", &code)]).await;
    assert!(done.text.contains("修改或添加成功"), "{}", done.text);
}

/// OIDC Core §5.1, §5.4: what is known, and nothing else; `claims_supported` is exactly what can come.
#[test]
fn what_is_known_of_a_person_is_given_and_announced() {
    on_each_database(|on| async move {
        let scopes = "scopes = [\"openid\", \"profile\", \"phone\", \"tax_identity\"]";
        let all = "scopes = [\"openid\", \"profile\", \"phone\", \"email\", \"address\", \"tax_identity\"]";
        let realm = changed_realm(&[("clients/tax-filing.toml", scopes, all)]);
        let app = Setup::of(on, vec![realm]).start().await;
        let everything = ("scope", "openid profile email phone address tax_identity");
        let mut browser = signed_in(&app).await;
        let done = browser.get(&authorize_url(&FILING, &[everything])).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        let (_, info) = app.userinfo(tokens["access_token"].as_str().unwrap()).await;
        for (name, value) in [
            ("name", json!("李芳")),
            ("family_name", json!("李")),
            ("given_name", json!("芳")),
            ("locale", json!("zh-CN")),
            ("zoneinfo", json!("Asia/Shanghai")),
            ("phone_number", json!("+8613900139000")),
            ("phone_number_verified", json!(true)),
        ] {
            assert_eq!(info[name], value, "{info}");
        }
        assert!(info["updated_at"].is_i64(), "{info}");
        assert!(info.as_object().unwrap().values().all(|value| !value.is_null()), "{info}");
        assert!(info.get("address").is_none() && info.get("email").is_none(), "{info}");
        // Somebody with a username, whom the register knows by an e-mail address.
        let mut browser = as_person(&app, WANG).await;
        told_by_register(&app, "wang@example.com").await;
        let done = browser.get(&authorize_url(&FILING, &[everything])).await;
        let (_, tokens_of_before) = app.redeem(&done.answered("code").unwrap()).await;
        let (_, before) = app.userinfo(tokens_of_before["access_token"].as_str().unwrap()).await;
        assert_eq!(before["email"], "wang@example.com", "{before}");
        assert_eq!(before["email_verified"], false, "{before}");
        let address = "江西省南昌市东湖区阳明路1号";
        fill_in(&app, &mut browser, "wang@example.com", address).await;
        let done = browser.get(&authorize_url(&FILING, &[everything])).await;
        let (_, others) = app.redeem(&done.answered("code").unwrap()).await;
        let (_, other) = app.userinfo(others["access_token"].as_str().unwrap()).await;
        assert_eq!(other["preferred_username"], "wangxm", "{other}");
        assert_eq!(other["email_verified"], true, "{other}");
        assert_eq!(other["address"], json!({"formatted": address}), "{other}");
        // What the register tells takes nothing from an address that a code has reached.
        for told in ["Wang@example.com", "w2@example.com"] {
            told_by_register(&app, told).await;
            let (_, info) = app.userinfo(others["access_token"].as_str().unwrap()).await;
            assert_eq!(info["email"], "wang@example.com", "{told}: {info}");
            assert_eq!(info["email_verified"], true, "{told}: {info}");
        }

        let id = claims(tokens["id_token"].as_str().unwrap());
        let request = axum::http::Request::get("/realms/jiangxi/.well-known/openid-configuration");
        let (_, document) = app.json(request.body(axum::body::Body::empty()).unwrap()).await;
        let names = |told: &serde_json::Value| {
            told.as_object().unwrap().keys().cloned().collect::<BTreeSet<String>>()
        };
        let announced: BTreeSet<String> =
            serde_json::from_value(document["claims_supported"].clone()).unwrap();
        let given: BTreeSet<String> =
            [names(&id), names(&info), names(&other)].into_iter().flatten().collect();
        let rest: Vec<&String> = announced.difference(&given).collect();
        assert!(given.is_subset(&announced), "{given:?} {announced:?}");
        // Nobody's of the demo is known.
        let unknown = ["gender"];
        assert!(rest.iter().all(|name| unknown.contains(&name.as_str())), "{rest:?}");
    });
}

/// Covers X-02: no token outlives its identity.
#[test]
fn tokens_end_with_the_authorisation() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        // 王小明 is an invoicing clerk until the end of 2027-12-31; this is two minutes before.
        app.clock.advance(1_830_268_680 - app.ctx.now().0);
        let mut browser = app.browser();
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let page = browser.type_credentials(&page, (EXAMPLE, "wangxm", PASSWORD)).await;
        let chooser = browser.pass_second_factor(&app, &page, "13800138000").await;
        let clerk = chooser.text.split("2027-12-31").next().unwrap();
        let id = clerk.rsplit("name=\"identity\" value=\"").next().unwrap();
        let id = id.split('"').next().unwrap();
        let done = browser.submit(&chooser, &[("identity", id)]).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        let id_token = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id_token["tax_identity"]["valid_to"], "2027-12-31");
        assert!((119..=120).contains(&tokens["expires_in"].as_i64().unwrap()), "{tokens}");
        assert!(id_token["exp"].as_i64().unwrap() <= 1_830_268_800);
        app.clock.advance(150);
        let refresh = tokens["refresh_token"].as_str().unwrap();
        assert_eq!(app.refresh(refresh).await.1["error"], "invalid_grant");
        assert_eq!(app.introspect(tokens["access_token"].as_str().unwrap()).await["active"], false);
        // The other identity of the same person is not touched.
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        assert!(page.answered("code").is_none(), "the ended identity signs in silently");
    });
}

/// A consented application is told no single claim that the person was not asked about.
#[test]
fn consent_covers_single_claims() {
    on_each_database(|on| async move {
        let realm =
            changed_realm(&[("clients/tax-filing.toml", "consent = false", "consent = true")]);
        let app = Setup::of(on, vec![realm]).start().await;
        let mut browser = app.browser();
        let page = browser.get(&authorize_url(&FILING, &[("scope", "openid")])).await;
        let page = browser.type_credentials(&page, (EXAMPLE, "13900139000", PASSWORD)).await;
        let asked = browser.pass_second_factor(&app, &page, "13900139000").await;
        let done = browser.submit(&asked, &[("act", "allow")]).await;
        assert!(done.answered("code").is_some(), "{}", done.text);
        let more = [("scope", "openid"), ("claims", r#"{"userinfo": {"phone_number": null}}"#)];
        let asked = browser.get(&authorize_url(&FILING, &more)).await;
        assert!(asked.text.contains("consent-allow"), "{}", asked.text);
        let done = browser.submit(&asked, &[("act", "allow")]).await;
        assert!(done.answered("code").is_some());
    });
}
