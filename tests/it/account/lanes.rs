//! Lanes: what waits for one receiver holds up nobody else, of whatever realm, and goes by what the realm says
//! when it leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hufu::base::secret::Secret;
use hufu::domain::notice::{Notice, NoticeKind};
use hufu::flows::Ctx;
use hufu::flows::notify::deliver;
use hufu::flows::notify::person::{letters, warn_person};
use hufu::flows::notify::tell::{for_stream, queued};
use hufu::jobs::sweep;
use hufu::realm::SmsGateway;
use hufu::realm::file::GatewayKind;
use hufu::store::deliveries::{Channel, Delivery, Receiver};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use super::contract::start;
use super::streams::{call, token};
use super::{LI, WANG};
use crate::kit::listener::Listener;
use crate::kit::{
    FILING, Setup, changed_realm, demo_realm, on_each_database, on_one_database, realm_named,
};
use crate::recovery::{account_of, holder_of, notices};

const FILE: &str = "clients/tax-filing.toml";
const LOGOUT: &str = "https://filing.jiangxi.example/backchannel-logout";
const OTHER: &str = "other-bureau";

/// Queues so many logout tokens for an application that every realm has.
async fn queue(ctx: &Ctx, n: usize) {
    let body = json!({"sub": "x"});
    let one = |n| queued(ctx, FILING.id, Channel::Logout, format!("sid-{n}"), &body);
    let all: Vec<Delivery> = (0..n).map(one).collect();
    add(ctx, &all).await;
}

async fn add(ctx: &Ctx, all: &[Delivery]) {
    let tx = ctx.begin().await.unwrap();
    tx.rows().deliveries().add_all(all).await.unwrap();
    tx.commit().await.unwrap();
}

/// How many came to this path until `n` have, or five seconds are over.
async fn heard(listener: &Listener, path: &str, n: usize) -> usize {
    let mut so_far = 0;
    for _ in 0..500 {
        so_far += listener.take(path).len();
        if so_far >= n {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    so_far
}

/// Invariant 9: within five seconds, while the server of another realm's application of the same id takes every
/// connection and never answers.
#[test]
fn a_realm_whose_application_hangs_delays_no_other_realm() {
    on_one_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let own = "https://sso.jiangxi.example/realms/jiangxi";
        let there = format!("https://sso.jiangxi.example/realms/{OTHER}");
        for (hanging, well) in [("jiangxi", OTHER), (OTHER, "jiangxi")] {
            let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let hangs = format!("http://{}/logout", silent.local_addr().unwrap());
            let answers = format!("{url}/logout");
            let to = |realm: &str| if realm == hanging { hangs.as_str() } else { answers.as_str() };
            let realms = vec![
                changed_realm(&[(FILE, LOGOUT, to("jiangxi"))]),
                realm_named(OTHER, &[(FILE, LOGOUT, to(OTHER)), ("realm.toml", own, &there)]),
            ];
            let app = Setup::of(on, realms).start().await;
            let of = |realm: &str| Ctx { realm: app.app.realm(realm).unwrap(), ..app.ctx.clone() };
            queue(&of(hanging), 100).await;
            let jobs = tokio::spawn(hufu::jobs::run(app.app.clone()));
            // Its lane is at work before anything else is due.
            let (_held, _) = silent.accept().await.unwrap();
            queue(&of(well), 1).await;
            let n = heard(&listener, "/logout", 1).await;
            jobs.abort();
            assert_eq!(n, 1, "{well} is told while {hanging} hangs");
        }
    });
}

/// What is due when a realm gets new files goes by them, also where its lane is at work and never runs dry.
#[test]
fn a_lane_goes_on_with_the_realms_new_files() {
    on_one_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let [before, after] = ["before", "after"].map(|path| format!("{url}/{path}"));
        let app = Setup::of(on, vec![changed_realm(&[(FILE, LOGOUT, &before)])]).start().await;
        let portion = usize::try_from(deliver::PORTION).unwrap();
        queue(&app.ctx, portion + 6).await;
        let jobs = tokio::spawn(hufu::jobs::run(app.app.clone()));
        let first = heard(&listener, "/before", 1).await;
        app.app.replace(Arc::new(changed_realm(&[(FILE, LOGOUT, &after)])));
        let rest = heard(&listener, "/after", 6).await;
        jobs.abort();
        assert_eq!((first + listener.take("/before").len(), rest), (portion, 6));
    });
}

/// SSF §8.1.2: nothing is pushed once a stream is paused, also where its lane is at work; what nobody has taken
/// up for a month goes like what nobody has fetched.
#[test]
fn a_stream_that_is_paused_while_it_is_told_hears_no_more() {
    on_each_database(|on| async move {
        let (asks, mut asked) = mpsc::unbounded_channel::<oneshot::Sender<()>>();
        let n_pushed = Arc::new(AtomicUsize::new(0));
        let n = Arc::clone(&n_pushed);
        let take = move || {
            let (go_on, told) = oneshot::channel();
            n.fetch_add(1, Ordering::Relaxed);
            // Nobody who listens any more: it is answered at once.
            let _ = asks.send(go_on);
            async move {
                let _ = told.await;
            }
        };
        let router = axum::Router::new().route("/events", axum::routing::post(take));
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", socket.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(socket, router).await.unwrap() });

        let app = start(on, &url).await;
        let own = token(&app, "ssf").await;
        let endpoint = format!("{url}/events");
        let push = json!({"delivery": {"method": "urn:ietf:rfc:8935", "endpoint_url": endpoint}});
        assert_eq!(call(&app, &own, ("POST", "stream"), push).await.0.as_u16(), 201);
        let stream = app.ctx.rows().streams().find(FILING.id).await.unwrap().unwrap();
        let one = |n| for_stream(&app.ctx, &stream, format!("sid-{n}"), &json!({"events": {}}));
        let all: Vec<Delivery> = (0..3).map(one).collect();
        add(&app.ctx, &all).await;
        let pausing = async {
            let go_on = asked.recv().await.unwrap();
            let paused = json!({"status": "paused"});
            assert_eq!(call(&app, &own, ("POST", "status"), paused).await.0.as_u16(), 200);
            drop(go_on);
            asked.close();
        };
        let (tried, ()) = tokio::join!(app.deliver(), pausing);
        assert_eq!((tried, n_pushed.load(Ordering::Relaxed)), (1, 1));
        let waiting = "SELECT count(*) FROM delivery WHERE channel = 'push' AND state = 'waiting'";
        for (days, left) in [(30, 2), (2, 0)] {
            app.clock.advance(days * 86_400);
            sweep(&app.ctx.services).await.unwrap();
            assert_eq!(app.count(waiting).await, left, "{days}");
        }
    });
}

/// DEC-23: a warning that somebody can still stop something leaves before what an import tells of relations,
/// however long that has waited.
#[test]
fn a_warning_goes_before_the_notices_of_an_import() {
    on_each_database(|on| async move {
        let mut realm = demo_realm();
        realm.sms.notices = true;
        let app = Setup::of(on, vec![realm]).start().await;
        let wang = account_of(&app, "wangxm").await.person;
        let li = holder_of(&app, LI).await.unwrap().person;
        let invited = Notice {
            to: wang,
            kind: NoticeKind::Invited,
            relation: None,
            at: app.ctx.now(),
            is_read: false,
        };
        let import: Vec<_> = (0..500).flat_map(|_| letters(&app.ctx, &invited, "某某")).collect();
        assert_eq!(import.len(), 500);
        add(&app.ctx, &import).await;
        app.clock.advance(60);
        let tx = app.ctx.begin().await.unwrap();
        let link = Some("https://sso.jiangxi.example/stop");
        warn_person(&app.ctx, &tx, li, NoticeKind::PhoneAwaited, link).await.unwrap();
        tx.commit().await.unwrap();
        let texts = Receiver { client_id: String::new(), channel: Channel::Sms };
        deliver::run(&app.ctx, &texts).await.unwrap();
        let out = notices(&app);
        assert!(out.contains(&format!("+86{LI} phone-awaited")), "{out:?}");
    });
}

/// The address of a carrier that reaches everybody but one.
async fn carrier() -> String {
    let answer = |uri: axum::http::Uri| async move {
        let is_refused = uri.query().unwrap_or_default().contains(WANG);
        let code = if is_refused { "isv.MOBILE_NUMBER_ILLEGAL" } else { "OK" };
        axum::Json(json!({"Code": code}))
    };
    let router = axum::Router::new().route("/", axum::routing::post(answer));
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(socket, router).await.unwrap() });
    url
}

fn aliyun(url: String) -> SmsGateway {
    SmsGateway {
        kind: GatewayKind::Aliyun,
        url,
        secret: Secret::new("of-the-tests".to_owned()),
        key_id: "key".to_owned(),
        app_id: String::new(),
        sign_name: "江西税务".to_owned(),
        template: "T".to_owned(),
        notice_template: "N".to_owned(),
    }
}

/// What a carrier says of numbers is nothing against the carrier: those are given up at once, and whoever comes
/// after them hears in the same round.
#[test]
fn refused_numbers_hold_nobody_up() {
    on_each_database(|on| async move {
        let mut realm = demo_realm();
        realm.sms.gateways = vec![aliyun(carrier().await)];
        let app = Setup::of(on, vec![realm]).start().await;
        let body = json!({"event": "password-changed", "enterprise": "江西税务"});
        let refused = account_of(&app, "wangxm").await.person;
        let well = holder_of(&app, LI).await.unwrap().person;
        let one = |person| queued(&app.ctx, "", Channel::Sms, person, &body);
        let all: Vec<Delivery> = [refused; 10].into_iter().chain([well]).map(one).collect();
        add(&app.ctx, &all).await;
        let texts = Receiver { client_id: String::new(), channel: Channel::Sms };
        assert_eq!(deliver::run(&app.ctx, &texts).await.unwrap(), 11, "in one round");
        assert_eq!(app.dead().await.len(), 10, "given up at once");
        let done = "SELECT count(*) FROM delivery WHERE channel = 'sms' AND state = 'done'";
        assert_eq!(app.count(done).await, 1, "and the good one has arrived");
    });
}

/// A number that one carrier refuses waits for the other, which is only left alone for a while, whichever of the
/// two is asked first.
#[test]
fn a_refused_number_waits_for_a_gateway_that_is_left_alone() {
    on_one_database(|on| async move {
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let away = format!("http://{}", nobody.local_addr().unwrap());
        drop(nobody);
        let refuses = carrier().await;
        for order in [[&refuses, &away], [&away, &refuses]] {
            let mut realm = demo_realm();
            realm.sms.gateways = order.into_iter().cloned().map(aliyun).collect();
            let app = Setup::of(on, vec![realm]).start().await;
            let body = json!({"event": "phone-awaited", "enterprise": "江西税务"});
            let wang = account_of(&app, "wangxm").await.person;
            let all = [wang; 4].map(|to| queued(&app.ctx, "", Channel::Sms, to, &body));
            add(&app.ctx, &all).await;
            let texts = Receiver { client_id: String::new(), channel: Channel::Sms };
            // Three fail, and the other carrier is left alone: nobody asks it for the fourth.
            let mut tried = Vec::new();
            for _ in 0..2 {
                tried.push(deliver::run(&app.ctx, &texts).await.unwrap());
            }
            assert_eq!(tried, [3, 1], "{order:?}");
            let waiting =
                "SELECT count(*) FROM delivery WHERE channel = 'sms' AND state = 'waiting'";
            assert_eq!(app.count(waiting).await, 4, "{order:?}");
        }
    });
}
