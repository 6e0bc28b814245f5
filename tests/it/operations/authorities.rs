//! Calls to servers whose certificate a private authority has signed: told of as what they are, and
//! right once the settings name that authority.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hufu::base::clock::Timestamp;
use hufu::base::secret::Secret;
use hufu::outbound::authorities::Authorities;
use hufu::outbound::client::{Outbound, Timeouts};
use hufu::outbound::email::{Server, Words};
use hufu::outbound::sms::{Gateway, Message};
use hufu::store::deliveries::DeliveryState;

use super::{hufu, served_realm};
use crate::kit::demo::free_ports;
use crate::kit::{FILING, Setup, authorize_url, changed_realm, on_each_database};
use crate::protocol::authorize::signed_in;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn pem(name: &str) -> String {
    std::fs::read_to_string(data(name)).unwrap()
}

/// A server that takes everything, with the private authority's certificate; its address.
async fn private_server() -> String {
    let port = free_ports();
    let files = hufu::web::tls::TlsFiles {
        certificate: data("of-authority.cert.pem"),
        key: data("of-authority.key.pem"),
    };
    let router = axum::Router::new().fallback(|| async {});
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let server = axum_server::bind_openssl(address, files.load().unwrap().0);
    tokio::spawn(server.serve(router.into_make_service()));
    crate::kit::demo::wait_for(port).await;
    format!("https://localhost:{port}")
}

/// Issue 13, 4: a delivery that the certificate stops says so, in the queue and so in the log, and goes
/// on once the authority is believed.
#[test]
fn a_delivery_names_the_certificate_as_its_cause() {
    on_each_database(|on| async move {
        let url = private_server().await;
        let own = "backchannel_logout_uri = \"https://filing.jiangxi.example/backchannel-logout\"";
        let private = format!("backchannel_logout_uri = \"{url}/logout?key=a-secret-key\"");
        let realm = changed_realm(&[("clients/tax-filing.toml", own, &private)]);
        let app = Setup::of(on, vec![realm]).start().await;
        let mut browser = signed_in(&app).await;
        let done = browser.get(&authorize_url(&FILING, &[])).await;
        app.redeem(&done.answered("code").unwrap()).await;
        let page = browser.get("/realms/jiangxi/logout").await;
        browser.submit(&page, &[("act", "logout")]).await;
        assert_eq!(app.deliver().await, 1);
        let waits = app.ctx.rows().deliveries().unsettled().await.unwrap();
        let DeliveryState::Waiting { last_error: Some(why), .. } = &waits[0].delivery.state else {
            panic!("{:?}", waits[0].delivery.state)
        };
        assert!(why.contains("certificate verify failed"), "{why}");
        assert!(!why.contains("a-secret-key"), "{why}");

        let both = format!("{}\n{}", pem("localhost.cert.pem"), pem("authority.cert.pem"));
        for (authorities, is_taken) in [(pem("localhost.cert.pem"), false), (both, true)] {
            let authorities = Authorities::parse(&authorities).unwrap();
            let outbound = Outbound::trusting(authorities, true, Timeouts::default()).unwrap();
            let sent = outbound.deliver_logout(&format!("{url}/logout"), "x").await;
            assert_eq!(sent.is_ok(), is_taken, "{sent:?}");
        }
    });
}

/// Every way out by TLS goes by the same list: gateways, providers, applications, mail.
#[tokio::test(flavor = "multi_thread")]
async fn every_way_out_believes_the_same_authorities() {
    let url = private_server().await;
    let secret = Secret::new("of-the-tests".to_owned());
    let clock = hufu::base::clock::Clock::system();
    let random = hufu::base::random::Random::System;
    let phone = hufu::domain::number::phone::Phone::parse("13800138000").unwrap();
    let code = Secret::new("123456".to_owned());
    let mail = url.replace("https:", "smtps:");
    for is_believed in [false, true] {
        let authorities = match is_believed {
            true => Authorities::parse(&pem("authority.cert.pem")).unwrap(),
            false => Authorities::default(),
        };
        let timeouts = Timeouts { page: Duration::from_millis(1500), ..Timeouts::default() };
        let outbound = Outbound::trusting(authorities, false, timeouts).unwrap();
        let gateway = [Gateway::Webhook { url: &url, secret: &secret }];
        let message = Message::Code { code: &code, minutes: 5 };
        let texted =
            outbound.send_sms(("jiangxi", &gateway), &phone, &message, (&clock, &random)).await;
        let signed = outbound.post_signed(&url, &secret, "{}".to_owned(), (&clock, &random)).await;
        let pushed = outbound.push_event(&url, "x".to_owned(), None).await;
        let reached = outbound.reaches(&url).await;
        for (what, sent) in
            [("sms", texted), ("relation", signed), ("push", pushed), ("doctor", reached)]
        {
            let why = sent.as_ref().err().map(ToString::to_string).unwrap_or_default();
            assert_eq!(sent.is_ok(), is_believed, "{what}: {why}");
            assert_eq!(why.contains("certificate verify failed"), !is_believed, "{what}: {why}");
        }
        // A mail server that speaks no SMTP: only whether its certificate is believed can be seen.
        let server = Server { url: &mail, from: "a@tax.example", login: None };
        let words = Words { subject: "x".to_owned(), minutes: 5 };
        let mailed =
            outbound.mail_code(Some(server), "b@tax.example", &code, &words, Timestamp(0)).await;
        let why = mailed.unwrap_err().to_string();
        assert_eq!(why.contains("certificate verify failed"), !is_believed, "{why}");
    }
}

/// What a gateway's address holds never stands in an error: Aliyun's has the number and the code.
#[tokio::test]
async fn an_error_never_holds_the_address() {
    let outbound = Outbound::new(false, Timeouts::default()).unwrap();
    let (clock, random) = (hufu::base::clock::Clock::system(), hufu::base::random::Random::System);
    let phone = hufu::domain::number::phone::Phone::parse("13800138000").unwrap();
    let (secret, code) = (Secret::new("s".to_owned()), Secret::new("654321".to_owned()));
    let url = format!("http://127.0.0.1:{}", free_ports());
    let aliyun = Gateway::Aliyun {
        url: &url,
        key_id: "k",
        secret: &secret,
        sign_name: "江西税务",
        template: "T",
    };
    let message = Message::Code { code: &code, minutes: 5 };
    let gateways = [aliyun];
    let by = ("jiangxi", gateways.as_slice());
    let why = outbound.send_sms(by, &phone, &message, (&clock, &random)).await.unwrap_err();
    let why = why.to_string();
    assert!(why.contains("onnect"), "{why}");
    assert!(!why.contains("13800138000") && !why.contains("654321"), "{why}");
}

/// A file without a certificate, or with half of one, is refused before anything is served.
#[test]
fn a_file_that_names_no_authority_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    served_realm(folder.path(), "https://sms.example/send");
    let settings = "data = 'data'\nrealms = 'realms'\noutbound_ca = 'ca.pem'\n";
    std::fs::write(folder.path().join("hufu.toml"), settings).unwrap();
    let file = folder.path().join("ca.pem");
    let whole = pem("authority.cert.pem");
    let broken = whole.replace("MII", "!!!");
    for text in [None, Some(String::new()), Some(pem("localhost.key.pem")), Some(broken)] {
        match &text {
            Some(text) => std::fs::write(&file, text).unwrap(),
            None => assert!(!file.exists()),
        }
        for command in ["doctor", "serve"] {
            let said = hufu(folder.path(), &["--config", "hufu.toml", command]);
            let told = format!("{said:?}");
            assert!(
                !said.status.success() && told.contains("ca.pem"),
                "{command} {text:?}: {told}"
            );
        }
    }
    std::fs::write(&file, whole).unwrap();
    let said = hufu(folder.path(), &["--config", "hufu.toml", "doctor"]);
    let told = String::from_utf8(said.stdout).unwrap();
    assert!(said.status.success() && told.contains("outbound_ca: 1 certificates"), "{told}");
}
