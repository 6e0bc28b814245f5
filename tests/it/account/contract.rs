//! The contract with applications: whoever holds tokens of an identity that changed or ended is
//! told within seconds, and every token is worth what it is worth at that moment.

use hufu::domain::authorisation::{Actor, By, Event};
use hufu::flows::relations::writer::change;
use hufu::store::deliveries::{Channel, Delivery, DeliveryState};
use serde_json::{Value, json};

use super::{WANG, as_li, as_wang, get, held, post};
use crate::kit::browser::Shown;
use crate::kit::listener::Listener;
use crate::kit::{
    Browser, EXAMPLE, FILING, On, SAMPLE, Setup, TestApp, authorize_url, changed_realm, claims,
    on_each_database, on_one_database,
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

pub async fn tokens(app: &TestApp, browser: &mut Browser) -> Value {
    let done = browser.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
    let code = done.answered("code").unwrap_or_else(|| panic!("{:?} {}", done.left_to, done.text));
    app.redeem(&code).await.1
}

/// The sids in the logout tokens that came.
pub async fn logged_out(app: &TestApp, listener: &Listener) -> Vec<String> {
    app.deliver().await;
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

/// An application that a browser alone can tell hears of an identity that ended before, too, when the person signs
/// out: nobody else has told it.
#[test]
fn who_has_only_a_browser_is_told_of_former_identities_too() {
    on_each_database(|on| async move {
        let own = "backchannel_logout_uri = \"https://filing.jiangxi.example/backchannel-logout\"";
        let front = "frontchannel_logout_uri = \"https://filing.jiangxi.example/front\"";
        let realm = changed_realm(&[("clients/tax-filing.toml", own, front)]);
        let app = Setup::of(on, vec![realm]).start().await;
        let mut wang = as_wang(&app, "<strong>办税员").await;
        let former = tokens(&app, &mut wang).await;
        let all = held(&app.ctx, WANG).await;
        let other = all.iter().find(|one| one.identity_type.0 == "invoicing_clerk").unwrap();
        post(&app, &mut wang, "/account/switch", &[("identity", &*other.id.to_string())]).await;
        assert_eq!(app.refresh(former["refresh_token"].as_str().unwrap()).await.0.as_u16(), 400);
        let page = get(&mut wang, "/logout").await;
        let done = wang.submit(&page, &[("act", "logout")]).await;
        let sid = claims(former["id_token"].as_str().unwrap())["sid"].clone();
        let frames = done.text.split("<iframe src=\"").skip(1);
        let frames = frames.map(|rest| rest.split('"').next().unwrap());
        let frames: Vec<String> = frames.map(crate::kit::browser::unescape).collect();
        let told = format!("sid={}", sid.as_str().unwrap());
        assert!(frames.iter().any(|frame| frame.ends_with(&told)), "{frames:?} {}", done.text);
    });
}

/// So it does where the person has taken back what they allowed it; and its stream tells it of each identity once,
/// and of what changes there since, nothing. The list of sessions names it no more.
#[test]
fn who_has_only_a_browser_is_told_after_a_consent_was_taken_back() {
    on_each_database(|on| async move {
        let file = "clients/tax-filing.toml";
        let own = "backchannel_logout_uri = \"https://filing.jiangxi.example/backchannel-logout\"";
        let front = "frontchannel_logout_uri = \"https://filing.jiangxi.example/front\"";
        let realm = changed_realm(&[
            (file, own, front),
            (file, "\"tax_identity\"]", "\"tax_identity\", \"ssf\"]"),
            (file, "consent = false", "consent = true"),
        ]);
        let app = Setup::of(on, vec![realm]).start().await;
        let stream = super::streams::token(&app, "ssf").await;
        let poll = json!({"delivery": {"method": "urn:ietf:rfc:8936"}});
        super::streams::call(&app, &stream, ("POST", "stream"), poll).await;
        let mut wang = as_wang(&app, "<strong>办税员").await;
        let asked = wang.get(&authorize_url(&FILING, &[])).await;
        let done = wang.submit(&asked, &[("act", "allow")]).await;
        let (_, former) = app.redeem(&done.answered("code").unwrap()).await;
        let all = held(&app.ctx, WANG).await;
        let other = all.iter().find(|one| one.identity_type.0 == "invoicing_clerk").unwrap();
        post(&app, &mut wang, "/account/switch", &[("identity", &*other.id.to_string())]).await;
        let latter = tokens(&app, &mut wang).await;
        let applications = |page: Shown| {
            let sessions = page.text.split("class=\"people sessions\"").nth(1).unwrap();
            sessions.split("</ul>").next().unwrap().contains("已进入：")
        };
        assert!(applications(get(&mut wang, "/account/security").await));
        post(&app, &mut wang, "/account/security", &[("withdraw", FILING.id)]).await;
        assert_eq!(app.refresh(latter["refresh_token"].as_str().unwrap()).await.0.as_u16(), 400);
        assert!(!applications(get(&mut wang, "/account/security").await));
        let mut li = as_li(&app).await;
        let kept = [("p-INVOICE", "yes"), ("p-INVOICE_QUERY", "yes")];
        let less = [("act", "save"), ("term", "long"), kept[0], kept[1]];
        let path = format!("/account/handlers/{}", other.id);
        let saved = post(&app, &mut li, &path, &less).await;
        assert!(saved.text.contains("已保存"), "{}", saved.text);
        let page = get(&mut wang, "/logout").await;
        let done = wang.submit(&page, &[("act", "logout")]).await;
        let sid = |held: &Value| claims(held["id_token"].as_str().unwrap())["sid"].clone();
        let mut sids = [&former, &latter].map(sid).map(|sid| sid.as_str().unwrap().to_owned());
        for sid in &sids {
            assert!(done.text.contains(&format!("sid={sid}")), "{sid}: {}", done.text);
        }
        let (_, polled) = super::streams::call(&app, &stream, ("POST", "poll"), json!({})).await;
        let sets = polled["sets"].as_object().unwrap().values();
        let told = |set: &Value| {
            let about = claims(set.as_str().unwrap())["sub_id"]["session"]["id"].clone();
            about.as_str().unwrap().to_owned()
        };
        let mut told: Vec<String> = sets.map(told).collect();
        told.sort();
        sids.sort();
        assert_eq!(told, sids);
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
        app.deliver().await;
        let heard = listener.take("/relations");
        let event: Value = serde_json::from_str(&heard[0].body).unwrap();
        assert_eq!(
            (&event["event"], &event["permissions"]),
            (&json!("relation.updated"), &json!(["TAX_QUERY"]))
        );
        let at = hufu::base::clock::Timestamp(heard[0].headers["x-timestamp"].parse().unwrap());
        let secret = hufu::base::secret::Secret::new("shared".to_owned());
        let nonce = &heard[0].headers["x-nonce"];
        let signature =
            hufu::outbound::client::webhook_signature(&secret, at, nonce, &heard[0].body);
        assert_eq!(heard[0].headers["x-signature"], signature);
        assert!(!heard[0].body.contains("王小明") && !heard[0].body.contains("360102199003071236"));
        // 【数据同步】 as often as one likes; a failure is shown and tried again.
        let mut wang = super::as_person(&app, WANG).await;
        let sync = [("act", "sync"), ("id", &*clerk.id.to_string())];
        listener.set_away(true);
        let page = post(&app, &mut wang, "/account/authorisations", &sync).await;
        assert!(page.text.contains("纳税申报：正在推送"), "{}", page.text);
        app.deliver().await;
        listener.set_away(false);
        app.clock.advance(6);
        app.deliver().await;
        let again = post(&app, &mut wang, "/account/authorisations", &sync).await;
        assert!(again.text.contains("正在推送"));
        app.deliver().await;
        let heard = listener.take("/relations");
        assert_eq!(heard.len(), 2, "each push once");
        assert!(heard.iter().all(|one| one.body.contains("relation.sync")));
        let page = get(&mut wang, "/account/authorisations/held").await;
        assert!(page.text.contains("纳税申报：已同步"), "{}", page.text);
    });
}

/// Invariant 9 on a second node: what ended on one is over on the other at once, and either
/// delivers.
#[test]
fn another_node_knows_at_once() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let app = start(on, &url).await;
        let other = app.second_node().await;
        let mut li = as_li(&app).await;
        let mut wang = as_wang(&app, "<strong>办税员").await;
        let first = tokens(&app, &mut wang).await;
        let access = first["access_token"].as_str().unwrap();
        assert_eq!(other.introspect(access).await["active"], true);
        let all = held(&app.ctx, WANG).await;
        let clerk = all.iter().find(|one| one.identity_type.0 == "tax_clerk").unwrap();
        let path = format!("/account/handlers/{}", clerk.id);
        post(&app, &mut li, &path, &[("act", "delete"), ("sure", "yes")]).await;
        assert_eq!(other.introspect(access).await["active"], false);
        assert_eq!(other.userinfo(access).await.0.as_u16(), 401);
        let refresh = other.refresh(first["refresh_token"].as_str().unwrap()).await;
        assert_eq!(refresh.1["error"], "invalid_grant");
        assert_eq!(logged_out(&other, &listener).await.len(), 1);
        assert!(logged_out(&app, &listener).await.is_empty(), "once");
    });
}

/// Covers X-16: by text message, too, where the realm says so; to the phone as it is by then.
#[test]
fn notices_go_out_by_text_message_where_the_realm_says_so() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let gateway = format!(
            "[sms]\nnotices = true\n[[sms.gateways]]\nkind = \"webhook\"\nurl = \"{url}/sms\"\n\
             secret = {{ literal = \"x\" }}\n",
        );
        let realm = changed_realm(&[("factors.toml", "[sms]\nlifetime = 300", &gateway)]);
        let app = Setup::of(on, vec![realm]).start().await;
        let zhao = held(&app.ctx, "13600136000").await.remove(0);
        let by = By { actor: Actor::Manager, person: None };
        listener.set_away(true);
        change(&app.ctx, &zhao, &Event::Withdraw, by).await.unwrap();
        app.deliver().await;
        assert!(listener.take("/sms").is_empty());
        listener.set_away(false);
        app.clock.advance(60);
        app.deliver().await;
        let sent = listener.take("/sms");
        assert_eq!(sent.len(), 1, "once, after the gateway came back");
        let body: Value = serde_json::from_str(&sent[0].body).unwrap();
        assert_eq!(
            (&body["template"], &body["phone"]),
            (&json!("notice"), &json!("+8613600136000"))
        );
        assert_eq!(
            body["params"],
            json!({"event": "withdrawn", "enterprise": "南昌示例科技有限公司"})
        );
        // Ten a day reach the phone; the rest wait in the centre.
        let li = held(&app.ctx, "13700137000").await.remove(0).person;
        for n in 0..12 {
            let body = json!({"event": "withdrawn", "enterprise": format!("第{n}家")});
            let text = Delivery {
                id: app.ctx.new_row_id(),
                client_id: String::new(),
                channel: Channel::Sms,
                stream: None,
                about: li.to_string(),
                body: body.to_string(),
                goes_first: false,
                state: DeliveryState::NEW,
                created_at: app.ctx.now(),
            };
            let tx = app.ctx.begin().await.unwrap();
            tx.rows().deliveries().add(&text).await.unwrap();
            tx.commit().await.unwrap();
        }
        assert_eq!(app.deliver().await, 12);
        assert_eq!(listener.take("/sms").len(), 10);
    });
}

/// What nobody took for half a day is listed with its reason, and goes out when told again.
#[test]
fn what_could_not_be_delivered_is_listed_and_sent_again() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let app = start(on, &url).await;
        let mut li = as_li(&app).await;
        let mut wang = as_wang(&app, "<strong>办税员").await;
        let all = held(&app.ctx, WANG).await;
        let clerk = all.iter().find(|one| one.identity_type.0 == "tax_clerk").unwrap();
        tokens(&app, &mut wang).await;
        listener.set_away(true);
        narrow(&app, &mut li, &clerk.id.to_string()).await;
        for _ in 0..8 {
            assert!(app.dead().await.is_empty());
            app.deliver().await;
            app.clock.advance(43_201);
        }
        let mut dead = app.dead().await;
        let all_dead = dead.len();
        dead.retain(|one| one.client_id == FILING.id);
        let mut channels: Vec<&str> = dead.iter().map(|one| one.channel.name()).collect();
        channels.sort_unstable();
        assert_eq!(channels, ["logout", "relation"], "{dead:?}");
        for letter in &dead {
            let DeliveryState::Dead { n_tries, last_error } = &letter.state else { panic!() };
            assert!(*n_tries == 8 && last_error.contains("500"), "{letter:?}");
        }
        listener.set_away(false);
        assert!(logged_out(&app, &listener).await.is_empty(), "given up");
        let tx = app.ctx.begin().await.unwrap();
        let retried = tx.rows().deliveries().retry(app.ctx.now()).await.unwrap();
        assert_eq!(retried, all_dead as u64);
        tx.commit().await.unwrap();
        assert_eq!(logged_out(&app, &listener).await.len(), 1);
        app.deliver().await;
        assert_eq!(listener.take("/relations").len(), 1);
        assert!(app.dead().await.is_empty());
    });
}

/// A person with 0, 1, 2 and 500 identities: one shape of claims, a chooser that can be searched.
#[test]
fn none_one_two_and_five_hundred_identities_have_one_shape() {
    on_one_database(|on| async move {
        let app = crate::kit::TestApp::start(on).await;
        let mut lines = Vec::new();
        for n in 0..500 {
            let tin = hufu_tin(n);
            lines.push(json!({"feed": "enterprise", "source_key": format!("e{n}"), "version": 1,
                "registration_no": format!("2{n:019}"), "uscc": tin, "name": format!("第{n}家公司"),
                "status": "03", "tax_authority": "13601000000"}));
            lines.push(
                json!({"feed": "authorisation", "source_key": format!("a{n}"), "version": 1,
                "enterprise": tin, "person": "360102199912318881", "identity_type": "tax_clerk",
                "permissions": "TAX_QUERY", "valid_from": "2026-01-01"}),
            );
        }
        let text = lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        let format = hufu::flows::feed::Format::JsonLines;
        let report = hufu::flows::feed::import(&app.ctx, "test", text.as_bytes(), format, None);
        let report = report.await.unwrap();
        assert!(report.failed.is_empty(), "{:?}", report.failed.first());
        // 陈静 has five hundred; she has no phone, so her account gets one for the test.
        let line = json!({"feed": "person", "source_key": "p", "version": 1, "name": "陈静",
            "document": "360102199912318881"})
        .to_string();
        let done = hufu::flows::feed::import(&app.ctx, "test", line.as_bytes(), format, None);
        assert!(done.await.unwrap().failed.is_empty());
        bind_phone(&app, "chenjing", "13412134121").await;
        let mut shapes = Vec::new();
        for (person, find) in [
            ("13600136000", None),
            ("13100131000", Some("")),
            (super::LI, Some("")),
            ("13412134121", Some("第499家公司")),
        ] {
            let mut browser = app.browser();
            app.clock.advance(61);
            let page = browser.get(&authorize_url(&FILING, &[])).await;
            let t = page.hidden()["t"].clone();
            let url = format!("/login/credentials?t={t}&entrance=all_in_one");
            let page = get(&mut browser, &url).await;
            let typed = ("", person, crate::kit::PASSWORD);
            let page = browser.type_credentials(&page, typed).await;
            let mut page = browser.pass_second_factor(&app, &page, person).await;
            if let Some(text) = find {
                let is_many = !text.is_empty();
                assert_eq!(page.text.contains("id=\"find\""), is_many);
                if is_many {
                    assert_eq!(page.text.matches("class=\"enterprise\"").count(), 50);
                    let text: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
                    let url = format!("/login/choose_identity?t={t}&find={text}");
                    page = get(&mut browser, &url).await;
                    assert_eq!(page.text.matches("class=\"enterprise\"").count(), 1);
                }
                let id = page.text.split("name=\"identity\" value=\"").nth(1).unwrap();
                let id = id.split('"').next().unwrap().to_owned();
                page = browser.submit(&page, &[("identity", &id)]).await;
            }
            let code = page.answered("code").unwrap_or_else(|| panic!("{person}: {}", page.text));
            let token = app.redeem(&code).await.1["id_token"].as_str().unwrap().to_owned();
            let claims = claims(&token);
            // The signature of RS256 alone takes 342 of them.
            assert!(token.len() < 1792, "{} bytes", token.len());
            assert!(claims["tax_identity"]["kind"].is_string());
            assert!(claims["roles"].is_array() && claims["permissions"].is_array());
            let keys: Vec<String> = claims.as_object().unwrap().keys().cloned().collect();
            shapes.push(keys);
        }
        assert!(shapes.iter().all(|shape| *shape == shapes[0]), "{shapes:?}");
    });
}

/// A credit code with its check character (GB 32100).
fn hufu_tin(n: usize) -> String {
    const LETTERS: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    const WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
    let org = format!("{:08}", 70_000_000 + n);
    let org_weights = [3, 7, 9, 10, 5, 8, 4, 2];
    let sum: usize = org.bytes().zip(org_weights).map(|(c, w)| usize::from(c - b'0') * w).sum();
    let check = match 11 - sum % 11 {
        10 => 'X',
        11 => '0',
        digit => char::from(b'0' + u8::try_from(digit).unwrap()),
    };
    let body = format!("91360100{org}{check}");
    let value = |c: char| LETTERS.find(c).unwrap();
    let sum: usize = body.chars().zip(WEIGHTS).map(|(c, w)| value(c) * w).sum();
    let last = LETTERS.chars().nth((31 - sum % 31) % 31).unwrap();
    format!("{body}{last}")
}

async fn bind_phone(app: &crate::kit::TestApp, username: &str, phone: &str) {
    let rows = app.ctx.rows();
    let username = hufu::domain::number::username::Username::parse(username).unwrap();
    let account = rows.accounts().find_by_username(&username).await.unwrap().unwrap();
    let binding = hufu::domain::person::PhoneBinding {
        account: account.id,
        phone: hufu::domain::number::phone::Phone::parse(phone).unwrap(),
        is_default: true,
        verified_at: app.ctx.now(),
    };
    let tx = app.ctx.begin().await.unwrap();
    tx.rows().accounts().add_phone(app.ctx.new_row_id(), &binding).await.unwrap();
    tx.commit().await.unwrap();
}
