//! What leaves the program.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use hufu::base::clock::Timestamp;
use hufu::base::secret::Secret;
use hufu::outbound::client::{Timeouts, webhook_signature};
use hufu::outbound::sms::{Acs3, tc3_signature};
use hufu::realm::SmsGateway;
use hufu::realm::file::GatewayKind;

use crate::kit::browser::Shown;
use crate::kit::{
    Browser, EXAMPLE, FILING, On, PASSWORD, Setup, TestApp, authorize_url, demo_realm,
};
use crate::login::scan::{go_on, pass_face};

#[test]
fn the_sms_webhook_is_signed_as_gateways_expect() {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../data/vectors.json")).unwrap();
    let body = r#"{"phone":"+8613800138000","template":"login_code","params":{"code":"123456","ttl_min":"5"},"id":"01JGP5"}"#;
    let secret = Secret::new("testsecret".to_owned());
    let signature = webhook_signature(&secret, Timestamp(1_767_323_045), "6f1d0d7e", body);
    assert_eq!(signature, vectors["sms_signatures"]["webhook_made"].as_str().unwrap());
}

#[test]
fn aliyun_and_tencent_get_the_signatures_they_check() {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../data/vectors.json")).unwrap();
    let known = |name: &str| vectors["sms_signatures"][name].as_str().unwrap().to_owned();
    let query = [
        ("PhoneNumbers", "13800138000"),
        ("SignName", "江西税务"),
        ("TemplateCode", "SMS_153055555"),
        ("TemplateParam", "{\"code\":\"123456\"}"),
    ];
    let request = Acs3 {
        host: "dysmsapi.aliyuncs.com",
        action: "SendSms",
        version: "2017-05-25",
        date: &Timestamp(1_767_323_045).rfc3339(),
        nonce: "0123456789abcdef0123456789abcdef",
        query: &query,
    };
    assert_eq!(
        request.request_hash(),
        "a9ac3a6ea5f0d0cfc637ac9df470659c8cb17e71fbc088f44c8c0492697a88ff"
    );
    let secret = Secret::new("testsecret".to_owned());
    assert_eq!(request.signature(&secret), known("aliyun_sendsms_made"));

    let secret = Secret::new("Gu5t9xGARNpq86cd98joQYCN3EXAMPLE".to_owned());
    let body = r#"{"PhoneNumberSet":["+8613800138000"],"SmsSdkAppId":"1400006666","SignName":"江西税务","TemplateId":"1110","TemplateParamSet":["123456","5"]}"#;
    let host = "sms.tencentcloudapi.com";
    assert_eq!(
        tc3_signature(&secret, host, "sms", Timestamp(1_767_323_045), body),
        known("tencent_sms_made")
    );
    let body =
        r#"{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}"#;
    assert_eq!(
        tc3_signature(&secret, "cvm.tencentcloudapi.com", "cvm", Timestamp(1_551_113_065), body),
        "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
    );
}

/// A gateway that does what its path says; counts how often it was asked.
async fn bad_gateways() -> (String, std::sync::Arc<AtomicU32>) {
    use axum::routing::post;
    let asked = std::sync::Arc::new(AtomicU32::new(0));
    let counts = std::sync::Arc::clone(&asked);
    let hang = move || async move {
        counts.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(30)).await;
    };
    let trickle = || async {
        let bytes = futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok::<_, std::convert::Infallible>("x"), ()))
        });
        axum::body::Body::from_stream(bytes)
    };
    let router = axum::Router::new()
        .route("/hang", post(hang))
        .route("/trickle/", post(trickle))
        .route("/500", post(|| async { axum::http::StatusCode::INTERNAL_SERVER_ERROR }))
        .route("/ok", post(|| async {}));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (base, asked)
}

fn gateway(kind: GatewayKind, url: String) -> SmsGateway {
    SmsGateway {
        kind,
        url,
        secret: Secret::new("of-the-tests".to_owned()),
        key_id: "key".to_owned(),
        app_id: "1".to_owned(),
        sign_name: "江西税务".to_owned(),
        template: "T".to_owned(),
        notice_template: String::new(),
    }
}

/// As usual, but for gateways that hang.
fn short() -> Timeouts {
    let usual = Timeouts::default();
    assert!(usual.page < Duration::from_secs(3), "a page answers within three seconds (X-13)");
    Timeouts { gateway: Duration::from_millis(300), ..usual }
}

/// The page that says that no code can be sent offers both apps, and has let nobody in.
fn other_ways_are_open(browser: &Browser, page: &Shown) {
    for way in ["tax_app", "iit_app"] {
        let tab = format!("<a id=\"way-{way}\" href=\"");
        assert!(page.text.contains(&tab), "{way}: {}", page.text);
    }
    assert!(!browser.cookies.keys().any(|name| name.contains("session")));
}

/// 王小明, from the page of the second factor.
async fn comes_in_by_face(app: &TestApp, browser: &mut Browser, page: &Shown) {
    use hufu::outbound::asked::FaceState;

    let t = page.hidden()["t"].clone();
    let way = format!("/realms/jiangxi/login/second_factor?t={t}&way=tax_app");
    let page = browser.get(&way).await;
    pass_face(app, &page, FaceState::Passed).await;
    let chooser = go_on(browser, &page).await;
    let id = chooser.text.split("name=\"identity\" value=\"").nth(1).expect("a choice");
    let id = id.split('"').next().unwrap();
    let done = browser.submit(&chooser, &[("identity", id)]).await;
    assert!(done.answered("code").is_some(), "{}", done.text);
}

/// Covers X-13: whatever a gateway does, the page answers in time, says so, offers the ways that still work, and
/// the next try is not punished; no factor is spared, and a face leads in. A good one behind a bad one is used.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_gateway_delays_nobody() {
    let (base, asked) = bad_gateways().await;
    let hang = || gateway(GatewayKind::Webhook, format!("{base}/hang"));
    let broken = || gateway(GatewayKind::Webhook, format!("{base}/500"));
    let slow = || gateway(GatewayKind::Aliyun, format!("{base}/trickle"));
    let good = || gateway(GatewayKind::Webhook, format!("{base}/ok"));
    for (gateways, is_sent) in [
        (vec![hang()], false),
        (vec![slow()], false),
        (vec![broken()], false),
        (vec![hang(), slow()], false),
        (vec![broken(), hang(), good()], true),
    ] {
        let mut realm = demo_realm();
        realm.sms.gateways = gateways;
        let setup = Setup { timeouts: short(), ..Setup::of(On::Sqlite, vec![realm]) };
        let app = setup.start().await;
        let mut browser = app.browser();
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let page = browser.type_credentials(&page, (EXAMPLE, "13800138000", PASSWORD)).await;
        for _ in 0..2 {
            let begun = Instant::now();
            let answer = browser.submit(&page, &[("act", "send")]).await;
            assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
            if is_sent {
                assert!(answer.text.contains("name=\"code\""), "{}", answer.text);
                break;
            }
            assert_eq!(answer.code(), Some("E_OTP_UNAVAILABLE"));
            other_ways_are_open(&browser, &answer);
        }
        if !is_sent {
            comes_in_by_face(&app, &mut browser, &page).await;
        }
    }
    // However many there are, a page does not wait for all of them.
    let mut realm = demo_realm();
    realm.sms.gateways = (0..20).map(|_| hang()).collect();
    let timeouts = Timeouts { page: Duration::from_millis(400), ..short() };
    let app = Setup { timeouts, ..Setup::of(On::Sqlite, vec![realm]) }.start().await;
    let mut browser = app.browser();
    let page = browser.get(&authorize_url(&FILING, &[])).await;
    let page = browser.type_credentials(&page, (EXAMPLE, "13800138000", PASSWORD)).await;
    let begun = Instant::now();
    browser.submit(&page, &[("act", "send")]).await;
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    // After three failures in a row it is left alone, and asked again when the time is over.
    let mut realm = demo_realm();
    realm.sms.gateways = vec![hang(), good()];
    realm.sms.limits.pause = 1;
    realm.sms.limits.per_phone_and_hour = 100;
    let setup = Setup { timeouts: short(), ..Setup::of(On::Sqlite, vec![realm]) };
    let app = setup.start().await;
    let mut browser = app.browser();
    let page = browser.get(&authorize_url(&FILING, &[])).await;
    let page = browser.type_credentials(&page, (EXAMPLE, "13800138000", PASSWORD)).await;
    let before = asked.load(Ordering::Relaxed);
    for _ in 0..5 {
        app.clock.advance(2);
        browser.submit(&page, &[("act", "send")]).await;
    }
    assert_eq!(asked.load(Ordering::Relaxed) - before, 3);
    app.clock.advance(31);
    browser.submit(&page, &[("act", "send")]).await;
    assert_eq!(asked.load(Ordering::Relaxed) - before, 4);
}

/// What is wrong with one number is not the gateway's fault: it stays open for everybody else, and
/// the webhook is asked again with the same id when it stumbles.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_number_takes_no_gateway_from_others() {
    use axum::Json;
    use axum::extract::State;
    use axum::routing::post;
    use std::sync::{Arc, Mutex};

    type Answers = Arc<Mutex<(&'static str, Vec<serde_json::Value>)>>;
    let answers: Answers = Arc::default();
    let aliyun = |State(answers): State<Answers>| async move {
        Json(serde_json::json!({"Code": answers.lock().unwrap().0}))
    };
    let tencent = |State(answers): State<Answers>| async move {
        let code = answers.lock().unwrap().0;
        Json(serde_json::json!({"Response": {"SendStatusSet": [{"Code": code}]}}))
    };
    // Stumbles twice, then takes it.
    let webhook = |State(answers): State<Answers>, Json(body): Json<serde_json::Value>| async move {
        let mut held = answers.lock().unwrap();
        held.1.push(body);
        match held.1.len() % 3 {
            0 => axum::http::StatusCode::OK,
            _ => axum::http::StatusCode::BAD_GATEWAY,
        }
    };
    let router = axum::Router::new()
        .route("/aliyun/", post(aliyun))
        .route("/tencent", post(tencent))
        .route("/webhook", post(webhook))
        .with_state(Arc::clone(&answers));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let cases = [
        (GatewayKind::Aliyun, "aliyun", "isv.MOBILE_NUMBER_ILLEGAL", "E_OTP_UNAVAILABLE", "OK"),
        (GatewayKind::Aliyun, "aliyun", "isv.BUSINESS_LIMIT_CONTROL", "E_OTP_RATE", "OK"),
        (
            GatewayKind::Tencent,
            "tencent",
            "InvalidParameterValue.IncorrectPhoneNumber",
            "E_OTP_UNAVAILABLE",
            "Ok",
        ),
        (
            GatewayKind::Tencent,
            "tencent",
            "LimitExceeded.PhoneNumberOneHourLimit",
            "E_OTP_RATE",
            "Ok",
        ),
    ];
    for (kind, path, answer, code, good) in cases {
        let mut realm = demo_realm();
        realm.sms.gateways = vec![gateway(kind, format!("{base}/{path}"))];
        let app = Setup::of(On::Sqlite, vec![realm]).start().await;
        let mut browser = app.browser();
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let page = browser.type_credentials(&page, (EXAMPLE, "13800138000", PASSWORD)).await;
        answers.lock().unwrap().0 = answer;
        for _ in 0..5 {
            let shown = browser.submit(&page, &[("act", "send")]).await;
            assert_eq!(shown.code(), Some(code), "{answer}");
            app.clock.advance(61);
        }
        answers.lock().unwrap().0 = good;
        let shown = browser.submit(&page, &[("act", "send")]).await;
        assert!(shown.text.contains("name=\"code\""), "{answer} left the gateway open");
    }
    let mut realm = demo_realm();
    realm.sms.gateways = vec![gateway(GatewayKind::Webhook, format!("{base}/webhook"))];
    realm.sms.lifetime = 600;
    let app = Setup::of(On::Sqlite, vec![realm]).start().await;
    let mut browser = app.browser();
    let page = browser.get(&authorize_url(&FILING, &[])).await;
    let page = browser.type_credentials(&page, (EXAMPLE, "13800138000", PASSWORD)).await;
    let shown = browser.submit(&page, &[("act", "send")]).await;
    assert!(shown.text.contains("name=\"code\""), "{}", shown.text);
    let asked = answers.lock().unwrap().1.clone();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|one| one == &asked[0]), "the same message with the same id");
    assert_eq!(asked[0]["params"]["ttl_min"], "10", "as long as the code lives");
}

/// What one account at a carrier's address has come to switches off no other account there, whose ever: the
/// spare carries on while the first is refused, and so does another realm.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_at_one_address_fail_by_themselves() {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use axum::http::HeaderMap;
    use hufu::base::clock::Clock;
    use hufu::base::random::Random;
    use hufu::domain::number::phone::Phone;
    use hufu::outbound::client::Outbound;
    use hufu::outbound::sms::{Gateway, Message};

    let refuses = Arc::new(AtomicBool::new(true));
    let is_refused = Arc::clone(&refuses);
    let answer = move |headers: HeaderMap| async move {
        let asked = headers["authorization"].to_str().unwrap();
        if is_refused.load(Ordering::Relaxed) && asked.contains("Credential=first,") {
            return axum::Json(serde_json::json!({"Code": "InvalidAccessKeyId.NotFound"}));
        }
        // Later than all refusals that were asked for together.
        tokio::time::sleep(Duration::from_millis(200)).await;
        axum::Json(serde_json::json!({"Code": "OK"}))
    };
    let router = axum::Router::new().route("/", axum::routing::post(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });

    let outbound = Outbound::new(false, Timeouts::default()).unwrap();
    let (clock, random) = (Clock::fixed(Timestamp(1_795_485_600)), Random::System);
    let (secret, code) = (Secret::new("s".to_owned()), Secret::new("123456".to_owned()));
    let account = |key_id| Gateway::Aliyun {
        url: &url,
        key_id,
        secret: &secret,
        sign_name: "江西税务",
        template: "T",
    };
    let (both, first) = ([account("first"), account("spare")], [account("first")]);
    let (phone, message) =
        (Phone::parse("13800138000").unwrap(), Message::Code { code: &code, minutes: 5 });
    let send =
        |realm, gateways| outbound.send_sms((realm, gateways), &phone, &message, (&clock, &random));
    let at_once = || send("jiangxi", both.as_slice());
    let sent = tokio::join!(at_once(), at_once(), at_once(), at_once());
    assert_eq!(sent, (Ok(()), Ok(()), Ok(()), Ok(())), "by the spare");
    clock.advance(31);
    assert_eq!(at_once().await, Ok(()));
    for _ in 0..3 {
        assert!(send("jiangxi", first.as_slice()).await.is_err());
    }
    refuses.store(false, Ordering::Relaxed);
    assert!(send("jiangxi", first.as_slice()).await.is_err(), "left alone for a while");
    assert_eq!(send("another", first.as_slice()).await, Ok(()));
}

/// The whole realm's minute and day: when they are over nothing more goes out, and nobody loses a
/// code of their own hour by it.
#[tokio::test]
async fn a_minute_and_a_day_of_the_realm_have_an_end() {
    let mut realm = demo_realm();
    (realm.sms.limits.per_minute, realm.sms.limits.per_day) = (2, 3);
    let app = Setup::of(On::Sqlite, vec![realm]).start().await;
    let mut pages = Vec::new();
    for phone in ["13800138000", "13900139000", "13600136000", "13500135000"] {
        let mut browser = app.browser();
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let page = browser.type_credentials(&page, (EXAMPLE, phone, PASSWORD)).await;
        pages.push((browser, page));
    }
    let mut sent = Vec::new();
    for (browser, page) in &mut pages {
        sent.push(browser.submit(page, &[("act", "send")]).await.code().map(str::to_owned));
    }
    let rate = Some("E_OTP_RATE".to_owned());
    assert_eq!(sent, [None, None, rate.clone(), rate.clone()]);
    app.clock.advance(61);
    let mut sent = Vec::new();
    for (browser, page) in pages.iter_mut().skip(2) {
        sent.push(browser.submit(page, &[("act", "send")]).await.code().map(str::to_owned));
    }
    assert_eq!(sent, [None, rate], "the day's third, and no more");
}

/// Outside the demo nobody plays a provider that a realm does not name: nothing goes out, nobody
/// passes.
#[tokio::test]
async fn without_a_provider_nothing_passes_outside_the_demo() {
    use hufu::base::clock::Clock;
    use hufu::base::random::Random;
    use hufu::domain::number::phone::Phone;
    use hufu::outbound::asked::FaceRequest;
    use hufu::outbound::asked::NameAsked;
    use hufu::outbound::client::Outbound;
    use hufu::outbound::email::Words;
    use hufu::outbound::sms::Message;

    let (outbound, clock, random) =
        (Outbound::new(false, Timeouts::default()).unwrap(), Clock::system(), Random::System);
    let handed_in = (&clock, &random);
    let (name, document_type, number) = ("王小明", "resident_id_card", "360102199003071236");
    let asked = NameAsked { name, document_type, number };
    assert!(outbound.check_name(None, &asked, handed_in).await.is_err());
    let face = FaceRequest { order: "o", name, document_type, number, return_url: "https://x/" };
    assert!(outbound.start_face(None, &face, handed_in).await.is_err());
    assert!(outbound.face_result(None, "h", handed_in).await.is_err());
    let code = Secret::new("123456".to_owned());
    let message = Message::Code { code: &code, minutes: 5 };
    let phone = Phone::parse("13800138000").unwrap();
    assert!(outbound.send_sms(("jiangxi", &[]), &phone, &message, handed_in).await.is_err());
    let words = Words { subject: "x".to_owned(), minutes: 5 };
    assert!(outbound.mail_code(None, "a@example.com", &code, &words, clock.now()).await.is_err());
    assert!(outbound.inbox.messages().is_empty());
}

/// The face provider's own interface: signed requests, its answer and nothing else is believed, and
/// what is no answer is no pass (X-13).
#[tokio::test]
async fn a_face_provider_is_asked_with_a_signature_and_believed_alone() {
    use axum::extract::State;
    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::post;
    use hufu::base::clock::Clock;
    use hufu::base::random::Random;
    use hufu::outbound::asked::{FaceRequest, FaceState};
    use hufu::outbound::client::Outbound;

    const SECRET: &str = "of-the-provider";
    type Answer = (StatusCode, String);
    async fn answer(
        State(state): State<&'static str>,
        uri: axum::http::Uri,
        headers: HeaderMap,
        body: String,
    ) -> Answer {
        let header = |name: &str| headers[name].to_str().unwrap().to_owned();
        let at = Timestamp(header("x-timestamp").parse().unwrap());
        let secret = Secret::new(SECRET.to_owned());
        let expected = webhook_signature(&secret, at, &header("x-nonce"), &body);
        if header("x-signature") != expected {
            return (StatusCode::FORBIDDEN, String::new());
        }
        if uri.path() == "/start" {
            let asked: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!(asked["number"], "360102199003071236");
            return (
                StatusCode::OK,
                r#"{"handle":"h1","url":"https://face.example/h1"}"#.to_owned(),
            );
        }
        (StatusCode::OK, format!(r#"{{"state":"{state}"}}"#))
    }
    let serve = async |state: &'static str| {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new()
            .route("/start", post(answer))
            .route("/result", post(answer))
            .with_state(state);
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    };
    let asked = FaceRequest {
        order: "o1",
        name: "王小明",
        document_type: "resident_id_card",
        number: "360102199003071236",
        return_url: "https://sso.example/back",
    };
    let (outbound, clock, random) =
        (Outbound::new(false, Timeouts::default()).unwrap(), Clock::system(), Random::System);
    let handed_in = (&clock, &random);
    let secret = Secret::new(SECRET.to_owned());
    for (state, expected) in [
        ("passed", Some(FaceState::Passed)),
        ("failed", Some(FaceState::Failed)),
        ("pending", Some(FaceState::Pending)),
        ("unavailable", None),
    ] {
        let url = serve(state).await;
        let provider = Some((url.as_str(), &secret));
        let started = outbound.start_face(provider, &asked, handed_in).await.unwrap();
        assert_eq!(
            (started.handle.as_str(), started.url.as_str()),
            ("h1", "https://face.example/h1")
        );
        let result = outbound.face_result(provider, "h1", handed_in).await;
        assert_eq!(result.ok(), expected, "{state}");
    }
    let url = serve("passed").await;
    let wrong = Secret::new("another".to_owned());
    assert!(outbound.start_face(Some((&url, &wrong)), &asked, handed_in).await.is_err());
    let away = Some(("http://127.0.0.1:9", &secret));
    assert!(outbound.face_result(away, "h1", handed_in).await.is_err());
}
