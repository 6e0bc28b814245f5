//! Enterprise sign-in by password, from the application and back.

use crate::kit::{
    EXAMPLE, FILING, INVOICE, ISSUER, PASSWORD, SAMPLE, TestApp, authorize_url, claims,
    on_each_database,
};

/// Covers E-01, E-15, X-01, X-02.
#[test]
fn a_clerk_with_two_identities_chooses_one() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        for field in ["enterprise_number", "personal_id", "password", "slider"] {
            assert!(page.text.contains(&format!("name=\"{field}\"")), "{field}");
        }
        // Exactly those: what else the form sends nobody types.
        let form = page.text.split("/login/credentials\" novalidate>").nth(1).unwrap();
        let form = form.split("</form>").next().unwrap();
        let typed = form.split("<input").skip(1).filter(|one| !one.contains("type=\"hidden\""));
        assert_eq!(typed.count(), 4, "{form}");
        let page = browser.type_credentials(&page, (EXAMPLE, "360102199003071236", PASSWORD)).await;
        assert!(page.text.contains("138****8000"), "{}", page.text);
        assert!(!browser.cookies.keys().any(|name| name.contains("session")));
        let page = browser.pass_second_factor(&app, &page, "13800138000").await;
        assert!(page.url.contains("choose_identity"), "{}", page.url);
        assert!(page.text.contains("办税员") && page.text.contains("开票员"));
        let wrong =
            browser.submit(&page, &[("identity", "019aaaaa-0000-7000-8000-000000000000")]).await;
        assert_eq!(wrong.code(), Some("E_NO_IDENTITY"));
        let chosen = value_before(&page.text, "开票员");
        let done = browser.submit(&page, &[("identity", &chosen)]).await;
        let left_to = done.left_to.as_ref().unwrap();
        assert!(left_to.starts_with(FILING.redirect_uri), "{left_to}");
        assert_eq!(done.answered("state").as_deref(), Some("st-1"));
        assert_eq!(done.answered("iss").as_deref(), Some(ISSUER));

        let (status, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        assert_eq!(status, 200, "{tokens}");
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id["nonce"], "n-1");
        assert_eq!(id["tax_identity"]["enterprise"]["uscc"], EXAMPLE);
        assert_eq!(id["tax_identity"]["identity_type_code"], "09");
        assert_eq!(id["roles"][0], "invoicing_clerk");
        assert_eq!(
            id["permissions"],
            serde_json::json!(["INVOICE", "INVOICE_ISSUE", "INVOICE_QUERY"])
        );
        assert_eq!(id["amr"], serde_json::json!(["pwd", "sms", "mfa"]));
        assert!(tokens["id_token"].as_str().unwrap().len() < 1536);
        let (_, info) = app.userinfo(tokens["access_token"].as_str().unwrap()).await;
        assert_eq!(info["tax_identity"], id["tax_identity"]);
        assert_eq!(info["sub"], id["sub"]);

        // The second application gets the same identity without asking who it is.
        let consent = browser.get(&authorize_url(&INVOICE, &[])).await;
        assert!(consent.text.contains("consent-allow"), "{}", consent.text);
        let second = browser.submit(&consent, &[("act", "allow")]).await;
        assert!(second.answered("code").is_some(), "{:?}", second.left_to);

        // Signing out ends both.
        let hint = tokens["id_token"].as_str().unwrap();
        let to = "https://filing.jiangxi.example/";
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("id_token_hint", hint),
                ("post_logout_redirect_uri", to),
                ("state", "x"),
            ])
            .finish();
        let out = browser.get(&format!("/realms/jiangxi/logout?{query}")).await;
        assert_eq!(out.left_to.as_deref(), Some("https://filing.jiangxi.example/?state=x"));
        let again = browser.get(&authorize_url(&INVOICE, &[("prompt", "none")])).await;
        assert_eq!(again.answered("error").as_deref(), Some("login_required"));
        let (status, refused) = app.refresh(tokens["refresh_token"].as_str().unwrap()).await;
        assert_eq!((status.as_u16(), refused["error"].as_str()), (400, Some("invalid_grant")));
        let gone = app.introspect(tokens["access_token"].as_str().unwrap()).await;
        assert_eq!(gone["active"], false);
        let told = hufu::flows::notify::deliver::receivers(&app.ctx).await.unwrap();
        let mut told: Vec<&str> = told.iter().map(|to| to.client_id.as_str()).collect();
        told.sort_unstable();
        assert_eq!(told, ["invoice", "tax-filing"]);
    });
}

/// The value of the button before which a word stands.
fn value_before(text: &str, word: &str) -> String {
    let before = text.split(word).next().unwrap();
    let value = before.rsplit("name=\"identity\" value=\"").next().unwrap();
    value.split('"').next().unwrap().to_owned()
}

/// Covers E-03, E-04, E-14.
#[test]
fn every_number_and_name_leads_to_the_same_single_identity() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for (enterprise, person) in [
            (EXAMPLE, "360121198802290026"),
            ("360102708461136", "13900139000"),
            (" ９１３６０１００ma35abcd43", "+86 139-0013-9000"),
        ] {
            let mut browser = app.browser();
            let page = browser.get(&authorize_url(&FILING, &[])).await;
            let page = browser.type_credentials(&page, (enterprise, person, PASSWORD)).await;
            let done = browser.pass_second_factor(&app, &page, "13900139000").await;
            let (_, tokens) = app.redeem(&done.answered("code").expect("no chooser")).await;
            let id = claims(tokens["id_token"].as_str().unwrap());
            assert_eq!(id["tax_identity"]["identity_type"], "legal_representative");
            app.clock.advance(61);
        }
    });
}

#[test]
fn an_imported_handler_sets_a_password_and_agrees_before_any_session() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let start = browser.get(&authorize_url(&FILING, &[])).await;
        let page =
            browser.type_credentials(&start, (EXAMPLE, "360402198511014512", "014512")).await;
        let page = browser.pass_second_factor(&app, &page, "13700137000").await;
        assert!(page.url.contains("new_password"), "{}", page.url);
        for (new, again) in
            [("abcd1234", "abcd1234"), ("Abc014512!", "Abc014512!"), ("Abcdef12!", "Abcdef13!")]
        {
            let refused = browser.submit(&page, &[("new", new), ("repeated", again)]).await;
            assert_eq!(refused.code(), Some("E_PASSWORD_POLICY"), "{new}");
        }
        let page = browser.submit(&page, &[("new", "Abcdef12!"), ("repeated", "Abcdef12!")]).await;
        assert!(page.url.contains("agreements"), "{}", page.url);
        let some = [("act", "accept"), ("accept-user-agreement", "yes")];
        assert_eq!(browser.submit(&page, &some).await.code(), Some("E_AGREEMENT"));
        let declined = browser.submit(&page, &[("act", "decline")]).await;
        assert_eq!(declined.code(), Some("E_AGREEMENT"));
        assert!(!browser.cookies.keys().any(|name| name.contains("session")));

        // The initial password is gone, the new one works, and the texts are asked again.
        app.clock.advance(61);
        let start = browser.get(&authorize_url(&FILING, &[])).await;
        let old = browser.type_credentials(&start, (EXAMPLE, "360402198511014512", "014512")).await;
        assert_eq!(old.code(), Some("E_CREDENTIALS"));
        let page =
            browser.type_credentials(&old, (EXAMPLE, "360402198511014512", "Abcdef12!")).await;
        let page = browser.pass_second_factor(&app, &page, "13700137000").await;
        assert!(page.url.contains("agreements"), "{}", page.url);
        let all = [
            ("act", "accept"),
            ("accept-user-agreement", "yes"),
            ("accept-personal-information", "yes"),
            ("accept-face-service", "yes"),
        ];
        let done = browser.submit(&page, &all).await;
        assert!(done.answered("code").is_some(), "{:?} {}", done.left_to, done.text);
    });
}

/// Covers E-17, X-15.
#[test]
fn a_pending_authorisation_is_confirmed_on_the_way_in() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let page = browser.type_credentials(&page, (EXAMPLE, "34052419800101001X", PASSWORD)).await;
        let page = browser.pass_second_factor(&app, &page, "13600136000").await;
        assert!(page.text.contains("李*") && page.text.contains("办税员"), "{}", page.text);
        let cancelled = browser.clone().submit(&page, &[("act", "cancel")]).await;
        assert_eq!(cancelled.code(), Some("E_NO_IDENTITY"));

        app.clock.advance(61);
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let page = browser.type_credentials(&page, (EXAMPLE, "13600136000", PASSWORD)).await;
        let page = browser.pass_second_factor(&app, &page, "13600136000").await;
        let id = page.text.split("name=\"confirm\" value=\"").nth(1).unwrap();
        let id = id.split('"').next().unwrap().to_owned();
        let done = browser.submit(&page, &[("confirm", &id)]).await;
        assert!(done.answered("code").is_some(), "{}", done.text);
        let (id, _) = id.split_once('.').expect("with its version");
        let found = app.ctx.rows().authorisations().find(id.parse().unwrap()).await;
        assert_eq!(found.unwrap().unwrap().state().name(), "active");
    });
}

/// Covers E-18.
#[test]
fn without_a_usable_identity_the_reason_is_told_after_the_second_factor() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for (enterprise, person, phone, reason) in [
            (EXAMPLE, "440308199901101512", "13500135000", "企业尚未确认"),
            (SAMPLE, "440308199901101512", "13500135000", "不在有效期内"),
            ("92360111MA36K0QR34", "wangxm", "13800138000", "已注销"),
        ] {
            let mut browser = app.browser();
            let page = browser.get(&authorize_url(&FILING, &[])).await;
            let page = browser.type_credentials(&page, (enterprise, person, PASSWORD)).await;
            let end = browser.pass_second_factor(&app, &page, phone).await;
            assert_eq!(end.code(), Some("E_NO_IDENTITY"));
            assert!(end.text.contains(reason), "{reason}: {}", end.text);
            // Another person may try from here; the application's request is not lost.
            let again = end.text.split("class=\"button\" href=\"").nth(1).unwrap();
            let again = crate::kit::browser::unescape(again.split('"').next().unwrap());
            assert!(browser.get(&again).await.text.contains("login-submit"), "{again}");
            assert!(!browser.cookies.keys().any(|name| name.contains("session")));
            app.clock.advance(61);
        }
    });
}
