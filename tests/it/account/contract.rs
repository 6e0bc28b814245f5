//! The contract with applications: whoever holds tokens of an identity that changed or ended is
//! told within seconds, and every token is worth what it is worth at that moment.

use serde_json::{Value, json};

use super::{WANG, as_li, as_wang, get, held, post};
use crate::kit::listener::Listener;
use crate::kit::{
    Browser, EXAMPLE, FILING, On, SAMPLE, Setup, TestApp, authorize_url, changed_realm, claims,
    on_each_database,
};

/// The demo's realm with an application that listens at this address.
pub async fn start(on: On, url: &str) -> TestApp {
    let logout = format!("backchannel_logout_uri = \"{url}/logout\"");
    let scopes = "scopes = [\"openid\", \"profile\", \"phone\", \"tax_identity\"]";
    let more = format!(
        "scopes = [\"openid\", \"profile\", \"phone\", \"tax_identity\", \"ssf\"]\n\
         event_endpoint = \"{url}/events\"\nfrontchannel_logout_uri = \"{url}/front?a=1\"\n\
         relation_events = {{ url = \"{url}/relations\", secret = {{ literal = \"shared\" }} }}",
    );
    let own = "backchannel_logout_uri = \"https://filing.jiangxi.example/backchannel-logout\"";
    let file = "clients/tax-filing.toml";
    let realm = changed_realm(&[(file, own, &logout), (file, scopes, &more)]);
    Setup::of(on, vec![realm]).start().await
}

async fn tokens(app: &TestApp, browser: &mut Browser) -> Value {
    let done = browser.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
    let code = done.answered("code").unwrap_or_else(|| panic!("{:?} {}", done.left_to, done.text));
    app.redeem(&code).await.1
}

/// The sids in the logout tokens that came.
async fn logged_out(app: &TestApp, listener: &Listener) -> Vec<String> {
    hufu::flows::logout::deliver_due(&app.ctx).await.unwrap();
    let sid = |body: &str| {
        let token = body.strip_prefix("logout_token=").unwrap();
        claims(token)["sid"].as_str().unwrap().to_owned()
    };
    listener.take("/logout").iter().map(|heard| sid(&heard.body)).collect()
}

async fn narrow(app: &TestApp, li: &mut Browser, id: &str) {
    let path = format!("/account/handlers/{id}");
    let save = [("act", "save"), ("term", "long"), ("p-TAX_QUERY", "yes")];
    let done = post(app, li, &path, &save).await;
    assert!(done.text.contains("已保存"), "{}", done.text);
}

/// Covers AC-33, AC-51, invariant 9: narrowed, switched, deleted.
#[test]
fn an_application_is_told_and_its_tokens_end() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let app = start(on, &url).await;
        let mut li = as_li(&app).await;
        let mut wang = as_wang(&app, "<strong>办税员").await;
        let all = held(&app.ctx, WANG).await;
        let clerk = all.iter().find(|one| one.identity_type.0 == "tax_clerk").unwrap();
        let first = tokens(&app, &mut wang).await;
        let access = first["access_token"].as_str().unwrap();
        let sid = claims(access)["sid"].as_str().unwrap().to_owned();
        assert_eq!(app.introspect(access).await["active"], true);
        // Narrowed: told at once, the old tokens are over, new ones carry what is left.
        narrow(&app, &mut li, &clerk.id.to_string()).await;
        assert_eq!(app.introspect(access).await["active"], false);
        assert_eq!(app.userinfo(access).await.0.as_u16(), 401);
        let refresh = app.refresh(first["refresh_token"].as_str().unwrap()).await;
        assert_eq!(refresh.1["error"], "invalid_grant");
        assert_eq!(logged_out(&app, &listener).await, [sid]);
        let second = tokens(&app, &mut wang).await;
        let now = claims(second["access_token"].as_str().unwrap());
        assert_eq!(now["permissions"], json!(["TAX_QUERY"]));
        // Switched: the old identity's sid is named, the next silent request gives the new one.
        let other = all.iter().find(|one| one.identity_type.0 == "invoicing_clerk").unwrap();
        let to = [("identity", &*other.id.to_string())];
        post(&app, &mut wang, "/account/switch", &to).await;
        assert_eq!(logged_out(&app, &listener).await, [now["sid"].as_str().unwrap()]);
        assert_eq!(app.introspect(second["access_token"].as_str().unwrap()).await["active"], false);
        let third = tokens(&app, &mut wang).await;
        let now = claims(third["access_token"].as_str().unwrap());
        assert_eq!(now["roles"], json!(["invoicing_clerk"]));
        // Deleted: the session ends, refresh is refused, nobody signs in with it again.
        let path = format!("/account/handlers/{}", other.id);
        post(&app, &mut li, &path, &[("act", "delete"), ("sure", "yes")]).await;
        assert_eq!(logged_out(&app, &listener).await, [now["sid"].as_str().unwrap()]);
        let refresh = app.refresh(third["refresh_token"].as_str().unwrap()).await;
        assert_eq!(refresh.1["error"], "invalid_grant");
        let silent = wang.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
        assert_eq!(silent.answered("error").as_deref(), Some("login_required"));
        let again = as_wang(&app, "<strong>办税员").await;
        drop(again);
    });
}

/// A delivery that fails is tried again with patience; nothing is lost.
#[test]
fn an_application_that_is_away_is_told_later() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let app = start(on, &url).await;
        let mut wang = as_wang(&app, "<strong>办税员").await;
        tokens(&app, &mut wang).await;
        listener.set_away(true);
        let page = get(&mut wang, "/logout").await;
        wang.submit(&page, &[("act", "logout")]).await;
        assert!(logged_out(&app, &listener).await.is_empty());
        assert!(logged_out(&app, &listener).await.is_empty(), "not before its time");
        listener.set_away(false);
        app.clock.advance(6);
        assert_eq!(logged_out(&app, &listener).await.len(), 1);
        assert!(logged_out(&app, &listener).await.is_empty(), "once");
    });
}

/// Two browsers of the same person in different identities never influence each other.
#[test]
fn two_browsers_of_one_person_keep_their_own_identity() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut clerk = as_wang(&app, "<strong>办税员").await;
        let mut invoicing = as_wang(&app, "<strong>开票员").await;
        let before = tokens(&app, &mut invoicing).await;
        let own = held(&app.ctx, WANG).await;
        let other = own.iter().find(|one| one.identity_type.0 == "invoicing_clerk").unwrap();
        for (to, role) in [(&*other.id.to_string(), "invoicing_clerk"), ("personal", "")] {
            post(&app, &mut clerk, "/account/switch", &[("identity", to)]).await;
            let now = tokens(&app, &mut clerk).await;
            let now = claims(now["access_token"].as_str().unwrap());
            assert_eq!(
                now["roles"].as_array().unwrap().first().map_or("", |one| one.as_str().unwrap()),
                role
            );
            let theirs = before["access_token"].as_str().unwrap();
            assert_eq!(app.introspect(theirs).await["active"], true, "{to}");
        }
        let page = get(&mut clerk, "/logout").await;
        clerk.submit(&page, &[("act", "logout")]).await;
        assert_eq!(get(&mut invoicing, "/account").await.status.as_u16(), 200);
    });
}

/// RFC 9396: a kind, an enterprise, permissions; never another identity than was asked for.
#[test]
fn an_application_asks_for_the_identity_it_needs() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_wang(&app, "<strong>办税员").await;
        let ask = |details: Value, prompt: &str| {
            let text = details.to_string();
            authorize_url(&FILING, &[("authorization_details", &text), ("prompt", prompt)])
        };
        let wanted = |more: Value| {
            let mut one = json!({"type": "tax_identity"});
            one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!([one])
        };
        for bad in [
            json!([]),
            json!("x"),
            json!([{"type": "payment"}]),
            json!([{"type": "tax_identity", "colour": "red"}]),
            json!([{"type": "tax_identity"}, {"type": "tax_identity"}]),
        ] {
            let shown = wang.get(&ask(bad.clone(), "none")).await;
            let error = shown.answered("error");
            assert_eq!(error.as_deref(), Some("invalid_authorization_details"), "{bad}");
        }
        // What is held already, with the granted object in response, token and introspection.
        let url = ask(wanted(json!({"kind": "enterprise", "permissions": ["TAX_QUERY"]})), "none");
        let code = wang.get(&url).await.answered("code").unwrap();
        let (_, tokens) = app.redeem(&code).await;
        let granted = json!([{"type": "tax_identity", "kind": "enterprise", "enterprise": EXAMPLE,
            "identity_types": ["tax_clerk"], "permissions": ["TAX_QUERY"]}]);
        assert_eq!(tokens["authorization_details"], granted);
        let access = tokens["access_token"].as_str().unwrap();
        assert_eq!(claims(access)["authorization_details"], granted);
        assert_eq!(app.introspect(access).await["authorization_details"], granted);
        // Another identity that fits is taken silently; the old tokens end.
        let url = ask(wanted(json!({"permissions": ["INVOICE_ISSUE"]})), "none");
        let code = wang.get(&url).await.answered("code").expect("the only one that fits");
        let (_, tokens) = app.redeem(&code).await;
        assert_eq!(
            tokens["authorization_details"][0]["identity_types"],
            json!(["invoicing_clerk"])
        );
        assert_eq!(app.introspect(access).await["active"], false);
        // One that is not held is refused, never replaced.
        for wanted in [
            wanted(json!({"enterprise": SAMPLE})),
            wanted(json!({"kind": "agent"})),
            wanted(json!({"permissions": ["TAX_QUERY", "INVOICE_ISSUE"]})),
        ] {
            let shown = wang.get(&ask(wanted.clone(), "none")).await;
            assert_eq!(shown.answered("error").as_deref(), Some("access_denied"), "{wanted}");
            assert_eq!(shown.answered("error_description").as_deref(), Some("identity_not_held"));
        }
        // Several fit: silently a question, otherwise a chooser with only those.
        let mut li = as_li(&app).await;
        let url = |prompt| {
            ask(wanted(json!({"identity_types": ["tax_clerk", "invoicing_clerk"]})), prompt)
        };
        assert!(li.get(&url("none")).await.answered("code").is_some(), "her one clerkship");
        let mut wang = super::at_door(
            &app,
            "enterprise",
            (EXAMPLE, WANG, crate::kit::PASSWORD),
            "<strong>办税员",
        )
        .await;
        let both = ask(wanted(json!({"permissions": ["TAX_AFFAIRS"]})), "select_account");
        let chooser = wang.get(&both).await;
        assert!(
            chooser.text.contains("办税员") && !chooser.text.contains("开票员"),
            "{}",
            chooser.text
        );
        assert!(!chooser.text.contains("value=\"personal\""));
    });
}

/// OIDC Front-Channel Logout §3: frames with `iss` and `sid`, allowed by the page's own policy.
#[test]
fn who_has_only_a_browser_is_told_in_frames() {
    on_each_database(|on| async move {
        let (url, _listener) = Listener::start().await;
        let app = start(on, &url).await;
        let mut wang = as_wang(&app, "<strong>办税员").await;
        let first = tokens(&app, &mut wang).await;
        let sid = claims(first["access_token"].as_str().unwrap())["sid"].clone();
        let page = get(&mut wang, "/logout").await;
        let done = wang.submit(&page, &[("act", "logout")]).await;
        let frame = done.text.split("<iframe src=\"").nth(1).expect("a frame");
        let frame = crate::kit::browser::unescape(frame.split('"').next().unwrap());
        assert!(frame.starts_with(&format!("{url}/front?a=1&iss=https")), "{frame}");
        assert!(frame.ends_with(&format!("sid={}", sid.as_str().unwrap())), "{frame}");
        let policy = done.header("content-security-policy").unwrap();
        assert!(policy.contains(&format!("frame-src {url}")), "{policy}");
        assert!(policy.contains("default-src 'none'"));
    });
}

/// Covers AU-13, DEC-18: signed, repeated without harm, retried, with a visible result.
#[test]
fn relations_are_pushed_to_who_subscribed() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let app = start(on, &url).await;
        let mut li = as_li(&app).await;
        let all = held(&app.ctx, WANG).await;
        let clerk = all.iter().find(|one| one.identity_type.0 == "tax_clerk").unwrap();
        narrow(&app, &mut li, &clerk.id.to_string()).await;
        hufu::flows::events::deliver_due(&app.ctx).await.unwrap();
        let heard = listener.take("/relations");
        let event: Value = serde_json::from_str(&heard[0].body).unwrap();
        assert_eq!(
            (&event["event"], &event["permissions"]),
            (&json!("relation.updated"), &json!(["TAX_QUERY"]))
        );
        let at = hufu::base::clock::Timestamp(heard[0].headers["x-timestamp"].parse().unwrap());
        let secret = hufu::base::secret::Secret::new("shared".to_owned());
        let nonce = &heard[0].headers["x-nonce"];
        let signature = hufu::outbound::webhook_signature(&secret, at, nonce, &heard[0].body);
        assert_eq!(heard[0].headers["x-signature"], signature);
        assert!(!heard[0].body.contains("王小明") && !heard[0].body.contains("360102199003071236"));
        // 【数据同步】 as often as one likes; a failure is shown and tried again.
        let mut wang = super::as_person(&app, WANG).await;
        let sync = [("act", "sync"), ("id", &*clerk.id.to_string())];
        listener.set_away(true);
        let page = post(&app, &mut wang, "/account/authorisations", &sync).await;
        assert!(page.text.contains("纳税申报：正在推送"), "{}", page.text);
        hufu::flows::events::deliver_due(&app.ctx).await.unwrap();
        listener.set_away(false);
        app.clock.advance(6);
        hufu::flows::events::deliver_due(&app.ctx).await.unwrap();
        let again = post(&app, &mut wang, "/account/authorisations", &sync).await;
        assert!(again.text.contains("正在推送"));
        hufu::flows::events::deliver_due(&app.ctx).await.unwrap();
        let heard = listener.take("/relations");
        assert_eq!(heard.len(), 2, "each push once");
        assert!(heard.iter().all(|one| one.body.contains("relation.sync")));
        let page = get(&mut wang, "/account/authorisations/held").await;
        assert!(page.text.contains("纳税申报：已同步"), "{}", page.text);
    });
}
