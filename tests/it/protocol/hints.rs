//! A request that names a person is answered for that person alone or not at all, however it names them;
//! what is refused is told to whom it concerns.

use hufu::domain::number::document::{DocumentNumber, DocumentType};
use hufu::domain::number::phone::Phone;
use hufu::domain::number::username::Username;
use hufu::flows::people;
use serde_json::{Value, json};

use super::authorize::signed_in;
use crate::kit::{
    Application, EXAMPLE, FILING, INVOICE, PASSWORD, Setup, TestApp, authorize_url, changed_realm,
    claims, on_each_database,
};
use crate::recovery::{holder_of, reached_by};

async fn id_token(app: &TestApp, phone: &str) -> String {
    app.clock.advance(61);
    let mut browser = app.browser();
    let page = browser.get(&authorize_url(&FILING, &[])).await;
    let page = browser.type_credentials(&page, (EXAMPLE, phone, PASSWORD)).await;
    let mut done = browser.pass_second_factor(app, &page, phone).await;
    if let Some(id) = done.text.split("name=\"identity\" value=\"").nth(1) {
        let id = id.split('"').next().unwrap().to_owned();
        done = browser.submit(&done, &[("identity", &id)]).await;
    }
    let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
    tokens["id_token"].as_str().unwrap().to_owned()
}

/// OIDC Core §3.1.2.1, §5.5.1: 李芳 is signed in, 王小明 is named.
#[test]
#[expect(clippy::too_many_lines, reason = "two lists")]
fn a_request_that_names_somebody_else_is_not_answered_for_who_is_there() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (of_wang, of_li) =
            (id_token(&app, "13800138000").await, id_token(&app, "13900139000").await);
        let sub = |token: &str| claims(token)["sub"].as_str().unwrap().to_owned();
        let (wang, li) = (sub(&of_wang), sub(&of_li));
        app.clock.advance(61);
        let mut browser = signed_in(&app).await;
        let in_id = |sub: Value| json!({"id_token": {"sub": sub}}).to_string();
        let in_info = |sub: Value| json!({"userinfo": {"sub": sub}}).to_string();
        let both = |id: &str, info: &str| {
            let one = |sub: &str| json!({"sub": {"value": sub}});
            json!({"id_token": one(id), "userinfo": one(info)}).to_string()
        };
        let claims = |text: String| ("claims", text);
        let mut refused = vec![("id_token_hint", of_wang.clone())];
        let mut taken = vec![("id_token_hint", of_li.clone())];
        for asked in [in_id, in_info] {
            for essential in [true, false] {
                let how = |more: Value| {
                    let mut how = json!({"essential": essential});
                    how.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                    claims(asked(how))
                };
                refused.extend([
                    how(json!({"value": wang})),
                    how(json!({"values": [wang]})),
                    how(json!({"values": [wang, "x"]})),
                    how(json!({"values": []})),
                    how(json!({"value": wang, "values": [li]})),
                    how(json!({"value": li, "values": [wang]})),
                    how(json!({"value": 5})),
                    how(json!({"value": {"sub": li}})),
                    how(json!({"values": [[li]]})),
                ]);
                taken.extend([
                    how(json!({"value": li})),
                    how(json!({"values": [wang, li]})),
                    how(json!({"value": li, "values": [wang, li]})),
                    how(json!({"value": null, "values": null})),
                ]);
            }
        }
        refused.extend([claims(both(&wang, &li)), claims(both(&li, &wang))]);
        taken.push(claims(both(&li, &li)));
        // A name that one signs in by names somebody as `sub` does, where it is essential; where it is
        // not, the claim is left out (OIDC Core §5.5.1).
        for place in ["id_token", "userinfo"] {
            let named = |name: &str, how: Value| {
                let mut asked = json!({});
                asked[place][name] = how;
                claims(asked.to_string())
            };
            let phone = |how| named("phone_number", how);
            refused.extend([
                phone(json!({"essential": true, "value": "+8613800138000"})),
                phone(json!({"essential": true, "values": ["+8613800138000", "x"]})),
                phone(json!({"essential": true, "values": []})),
                phone(json!({"essential": true, "value": 5})),
                named("preferred_username", json!({"essential": true, "value": "wangxm"})),
            ]);
            taken.extend([
                phone(json!({"essential": true, "value": "+8613900139000"})),
                phone(json!({"essential": true, "values": ["x", "+8613900139000"]})),
                phone(json!({"essential": true})),
                phone(json!({"value": "+8613800138000"})),
                named("preferred_username", json!({"value": "wangxm"})),
                // What the client is not registered for is not looked at.
                named("email", json!({"essential": true, "value": "nobody@nowhere.example"})),
            ]);
        }
        let hints = |all: &[&str]| {
            all.iter().map(|hint| ("login_hint", (*hint).to_owned())).collect::<Vec<_>>()
        };
        refused.extend(hints(&["13800138000", "wangxm", "nobody@nowhere.example", "x", &wang]));
        taken.extend(hints(&["13900139000", "+8613900139000", "139 0013 9000", &li]));
        for (name, text) in &refused {
            let silent = [(*name, text.as_str()), ("prompt", "none")];
            let shown = browser.get(&authorize_url(&FILING, &silent)).await;
            let error = shown.answered("error");
            assert_eq!(error.as_deref(), Some("login_required"), "{name} {text}");
            // Whoever sits there is asked to sign in as the other, and told why.
            let page = browser.get(&authorize_url(&FILING, &[(*name, text.as_str())])).await;
            assert!(page.text.contains("id=\"login-tells\""), "{name} {text} {}", page.text);
        }
        for (name, text) in &taken {
            let silent = [(*name, text.as_str()), ("prompt", "none")];
            let shown = browser.get(&authorize_url(&FILING, &silent)).await;
            assert!(shown.answered("code").is_some(), "{name} {text} {:?}", shown.left_to);
        }
    });
}

/// Signing in does not answer a request that names somebody else; a `login_hint` only proposes a name.
#[test]
fn a_sign_in_in_between_changes_nothing_about_who_is_named() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let of_wang = id_token(&app, "13800138000").await;
        let wang = claims(&of_wang)["sub"].clone();
        let named = json!({"id_token": {"sub": {"value": wang}}}).to_string();
        for (name, text, answers) in [
            ("id_token_hint", of_wang.as_str(), false),
            ("claims", &named, false),
            ("login_hint", "13800138000", true),
        ] {
            app.clock.advance(61);
            let mut browser = app.browser();
            let page = browser.get(&authorize_url(&FILING, &[(name, text)])).await;
            assert_eq!(page.text.contains("value=\"13800138000\""), name == "login_hint");
            let page = browser.type_credentials(&page, (EXAMPLE, "13900139000", PASSWORD)).await;
            let done = browser.pass_second_factor(&app, &page, "13900139000").await;
            assert_eq!(done.answered("code").is_some(), answers, "{name} {:?}", done.left_to);
            assert_eq!(done.text.contains("login-tells"), !answers, "{name} {}", done.text);
        }
    });
}

/// A hint that is none of ours leads nobody in circles: the application hears of it.
#[test]
fn a_hint_that_nobody_here_signed_is_told_to_the_application() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let own = id_token(&app, "13900139000").await;
        let (signed, _) = own.rsplit_once('.').unwrap();
        app.clock.advance(61);
        let mut browser = signed_in(&app).await;
        let access = {
            let done = browser.get(&authorize_url(&FILING, &[])).await;
            let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
            tokens["access_token"].as_str().unwrap().to_owned()
        };
        let forged = format!("{signed}.AAAA");
        for hint in ["x", "x.y.z", "..", forged.as_str(), access.as_str()] {
            for prompt in ["", "none", "login"] {
                let asked = [("id_token_hint", hint), ("prompt", prompt)];
                for browser in [&mut browser, &mut app.browser()] {
                    let shown = browser.get(&authorize_url(&FILING, &asked)).await;
                    let error = shown.answered("error");
                    assert_eq!(error.as_deref(), Some("login_required"), "{hint} {prompt}");
                }
            }
        }
    });
}

/// An enterprise that the person does not act in is never replaced by another.
#[test]
fn an_identity_that_is_not_held_is_refused_in_every_member() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let others = "92360111MA36K0QR34";
        let details = |more: Value| {
            let mut one = json!({"type": "tax_identity"});
            one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!([one]).to_string()
        };
        for (name, text) in [
            ("identity_hint", others.to_owned()),
            ("identity_hint", "nonsense".to_owned()),
            ("authorization_details", details(json!({"enterprise": others}))),
            ("authorization_details", details(json!({"enterprise": others, "kind": "enterprise"}))),
            ("authorization_details", details(json!({"kind": "agent"}))),
            ("authorization_details", details(json!({"identity_types": ["nobody"]}))),
            ("authorization_details", details(json!({"permissions": ["NOTHING"]}))),
            (
                "authorization_details",
                details(json!({"enterprise": EXAMPLE, "permissions": ["NOTHING"]})),
            ),
        ] {
            for prompt in ["none", ""] {
                let asked = [(name, text.as_str()), ("prompt", prompt)];
                let shown = browser.get(&authorize_url(&FILING, &asked)).await;
                let error = shown.answered("error");
                assert_eq!(error.as_deref(), Some("access_denied"), "{name} {text}");
            }
        }
    });
}

/// Every refusal goes the way the client wants its answers, also where it stands in a request object
/// alone (OIDC Core §6), which is refused whatever it says.
#[test]
fn refusals_go_by_form_post_where_answers_do() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let object = |claims: Value| {
            use base64::Engine;
            let part =
                |value: &Value| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
            format!("{}.{}.", part(&json!({"alg": "none"})), part(&claims))
        };
        let by_form = ("response_mode", "form_post");
        let plain = object(json!({"response_type": "code"}));
        for (more, error) in [
            (vec![by_form, ("request", "x.y.z")], "request_not_supported"),
            (vec![by_form, ("request", &plain)], "request_not_supported"),
            (vec![by_form, ("request_uri", "https://x.example/")], "request_uri_not_supported"),
            (vec![by_form, ("response_type", "token")], "unsupported_response_type"),
            (vec![by_form, ("scope", "profile")], "invalid_scope"),
            (vec![by_form, ("claims", "{")], "invalid_request"),
            (vec![by_form, ("resource", "x")], "invalid_target"),
            (vec![by_form, ("code_challenge", "x")], "invalid_request"),
            (vec![by_form, ("max_age", "x")], "invalid_request"),
            (vec![by_form, ("id_token_hint", "x")], "login_required"),
            (vec![by_form, ("prompt", "none")], "login_required"),
        ] {
            let shown = app.browser().get(&authorize_url(&FILING, &more)).await;
            assert_eq!(shown.left_to, None, "{more:?}");
            assert_eq!(shown.action(), FILING.redirect_uri, "{more:?}");
            let fields = shown.hidden();
            assert_eq!((fields["error"].as_str(), fields["state"].as_str()), (error, "st-1"));
            assert_eq!(fields["iss"], crate::kit::ISSUER);
        }
        // Where it stands in the object alone, and only at the client's own address.
        let inside = |redirect_uri: &str, mode: &str, state: &str| {
            object(json!({"redirect_uri": redirect_uri, "response_mode": mode, "state": state}))
        };
        let ask = async |object: &str| {
            let more = [("request", object), ("redirect_uri", ""), ("state", "")];
            app.browser().get(&authorize_url(&FILING, &more)).await
        };
        let shown = ask(&inside(FILING.redirect_uri, "form_post", "in it")).await;
        assert_eq!(shown.action(), FILING.redirect_uri);
        assert_eq!(shown.hidden()["state"], "in it");
        let shown = ask(&inside(FILING.redirect_uri, "query", "in it")).await;
        assert_eq!(shown.answered("error").as_deref(), Some("request_not_supported"));
        for object in [
            inside("https://evil.example/", "form_post", "s"),
            inside(INVOICE.redirect_uri, "form_post", "s"),
            "x".to_owned(),
            "..".to_owned(),
            object(json!(["redirect_uri"])),
            object(json!({"redirect_uri": [FILING.redirect_uri]})),
        ] {
            let shown = ask(&object).await;
            assert_eq!((shown.status.as_u16(), &shown.left_to), (400, &None), "{object}");
            assert!(!shown.text.contains("<form method=\"post\" action=\"https"), "{object}");
        }
        let shown = ask(&inside(FILING.redirect_uri, "form_post", "a\nb")).await;
        assert!(!shown.hidden().contains_key("state"), "{}", shown.text);
    });
}

/// What a sign-out asks in vain is told where the person is asked, and afterwards.
#[test]
fn a_refused_sign_out_request_is_told() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let nowhere = "https://evil.example/";
        let logout = |more: &[(&str, &str)]| {
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(more).finish();
            format!("/realms/jiangxi/logout?{query}")
        };
        let (bad_hint, bad_address) = ("不是本系统签发的", "返回地址没有登记");
        let by_name = |client: &Application| ("client_id", client.id);
        let to = ("post_logout_redirect_uri", nowhere);
        let mut browser = signed_in(&app).await;
        for (asked, told) in [
            (vec![], [false, false]),
            (vec![("id_token_hint", "x.y.z")], [true, false]),
            (vec![by_name(&FILING), to], [false, true]),
            (vec![by_name(&INVOICE), to], [false, true]),
            (vec![("client_id", "nobody"), to], [false, true]),
            (vec![("id_token_hint", "x"), to, by_name(&FILING)], [true, true]),
            (vec![to], [false, true]),
        ] {
            let page = browser.get(&logout(&asked)).await;
            let said = [bad_hint, bad_address].map(|text| page.text.contains(text));
            assert_eq!(said, told, "{asked:?} {}", page.text);
            assert!(page.text.contains("logout-confirm"));
            // Where nobody is signed in, too.
            let page = app.browser().get(&logout(&asked)).await;
            let said = [bad_hint, bad_address].map(|text| page.text.contains(text));
            assert_eq!(said, told, "{asked:?} {}", page.text);
        }
    });
}

/// A name is the same however it is spelled: in a hint, in a claim that is asked for by value, and in what the
/// answer then says.
#[test]
fn a_name_is_the_same_however_it_is_spelled() {
    on_each_database(|on| async move {
        let scopes = "scopes = [\"openid\", \"profile\", \"phone\", \"tax_identity\"]";
        let all = "scopes = [\"openid\", \"profile\", \"phone\", \"email\", \"tax_identity\"]";
        let realm = changed_realm(&[("clients/tax-filing.toml", scopes, all)]);
        let app = Setup::of(on, vec![realm]).start().await;
        let li = holder_of(&app, "13900139000").await.unwrap();
        reached_by(&app, &li, "Li.Fang@example.com").await;
        let tx = app.ctx.begin().await.unwrap();
        for (kind, number) in [
            (DocumentType::HkMacaoTravelPermit, "H1234567801"),
            (DocumentType::TaiwanTravelPermit, "12345678"),
        ] {
            let number = DocumentNumber::parse(kind, number, app.ctx.now().day()).unwrap();
            assert!(people::hold_document(&app.ctx, &tx, li.person, &number).await.unwrap());
        }
        let name = Username::parse("Li.Fang").unwrap();
        assert!(people::change_username(&app.ctx, &tx, &li, &name).await.unwrap());
        tx.commit().await.unwrap();
        let mut browser = signed_in(&app).await;
        for hint in ["H12345678", "H1234567801", "h1234567802", "12345678", "1234567801"] {
            let asked = authorize_url(&FILING, &[("login_hint", hint), ("prompt", "none")]);
            let shown = browser.get(&asked).await;
            assert!(shown.answered("code").is_some(), "{hint} {:?}", shown.left_to);
        }
        for (claim, value) in [
            ("phone_number", "13900139000"),
            ("phone_number", "+86 139 0013 9000"),
            ("email", "li.fang@EXAMPLE.com"),
            ("preferred_username", "li.fang"),
        ] {
            for how in [json!({"value": value}), json!({"values": ["x", value]})] {
                let mut how = how;
                how["essential"] = true.into();
                let text = json!({"id_token": {claim: how}, "userinfo": {claim: how}}).to_string();
                let more = [("scope", "openid"), ("claims", text.as_str()), ("prompt", "none")];
                let shown = browser.get(&authorize_url(&FILING, &more)).await;
                let code = shown.answered("code");
                let code = code.unwrap_or_else(|| panic!("{claim} {value} {:?}", shown.left_to));
                let (_, tokens) = app.redeem(&code).await;
                let id = claims(tokens["id_token"].as_str().unwrap());
                let (_, info) = app.userinfo(tokens["access_token"].as_str().unwrap()).await;
                for told in [&id, &info] {
                    assert!(told[claim].is_string(), "{claim} {value}: {told}");
                }
            }
        }
    });
}

/// An essential phone names somebody only as the answer would say it: of several the default one, whichever that
/// is at the moment. Who is to sign in may be named by any of them.
#[test]
fn a_phone_that_no_answer_says_names_nobody() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let li = holder_of(&app, "13900139000").await.unwrap();
        let (first, second) = ("+8613900139000", "+8613712341234");
        reached_by(&app, &li, second).await;
        let mut browser = signed_in(&app).await;
        for (default, other) in [(first, second), (second, first)] {
            let tx = app.ctx.begin().await.unwrap();
            let phone = Phone::parse(default).unwrap();
            assert!(people::set_default_phone(&tx, li.id, &phone).await.unwrap());
            tx.commit().await.unwrap();
            for (how, is_answered, told) in [
                (json!({"essential": true, "value": default}), true, Some(default)),
                (json!({"essential": true, "values": [other, default]}), true, Some(default)),
                (json!({"essential": true}), true, Some(default)),
                (json!({"value": default}), true, Some(default)),
                (json!({"value": other}), true, None),
                (json!({"values": [other, "x"]}), true, None),
                (json!({"essential": true, "value": other}), false, None),
                (json!({"essential": true, "values": [other, "x"]}), false, None),
                (json!({"essential": true, "value": default, "values": [other]}), false, None),
            ] {
                let one = json!({"phone_number": how});
                let text = json!({"id_token": one, "userinfo": one}).to_string();
                let more = [("scope", "openid"), ("claims", text.as_str()), ("prompt", "none")];
                let shown = browser.get(&authorize_url(&FILING, &more)).await;
                let error = (!is_answered).then(|| "login_required".to_owned());
                assert_eq!(shown.answered("error"), error, "{default} {how}");
                let Some(code) = shown.answered("code") else { continue };
                let (_, tokens) = app.redeem(&code).await;
                let id = claims(tokens["id_token"].as_str().unwrap());
                let (_, info) = app.userinfo(tokens["access_token"].as_str().unwrap()).await;
                for said in [&id, &info] {
                    assert_eq!(said["phone_number"], json!(told), "{default} {how}: {said}");
                }
            }
            let asked = authorize_url(&FILING, &[("login_hint", other), ("prompt", "none")]);
            let shown = browser.get(&asked).await;
            assert!(shown.answered("code").is_some(), "{other} {:?}", shown.left_to);
        }
    });
}
