//! Revocation as it comes over the network: lists fetched by a job, responders asked at the door.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use hufu::flows::certificate::lists;
use hufu::outbound::client::Timeouts;
use tokio::sync::Barrier;

use super::Authorities;
use super::door::{Office, realm_with};
use crate::kit::pki::{Answer, OCSP_SIGNING, SIGNS, Sort, Wanted, ocsp, usage, uses};
use crate::kit::{START, Setup, on_each_database, on_one_database};

/// Answers with whatever it was told last, or not at all.
#[derive(Clone, Default)]
pub struct Publisher {
    says: Arc<Mutex<Option<Vec<u8>>>>,
    asked: Arc<Mutex<Vec<(String, usize)>>>,
}

impl Publisher {
    pub async fn start() -> (String, Self) {
        let own = Self::default();
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", socket.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(own.clone());
        tokio::spawn(async move { axum::serve(socket, router).await.unwrap() });
        (address, own)
    }

    pub fn say(&self, bytes: Option<Vec<u8>>) {
        *self.says.lock().unwrap() = bytes;
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

async fn answer(
    State(own): State<Publisher>,
    uri: Uri,
    body: Bytes,
) -> Result<Vec<u8>, StatusCode> {
    own.asked.lock().unwrap().push((uri.path().to_owned(), body.len()));
    own.says.lock().unwrap().clone().ok_or(StatusCode::SERVICE_UNAVAILABLE)
}

/// Covers C-07: revoked on a list; and a list that is away, stale, older or somebody else's lets nobody
/// in.
#[test]
fn a_list_is_fetched_once_and_believed_only_while_it_holds() {
    on_each_database(|on| async move {
        let (address, publisher) = Publisher::start().await;
        let office = Office::open_with(on, &format!("crl = [\"{address}/list.crl\"]")).await;
        let (good, bad) = (office.sm2.enterprise(), office.sm2.enterprise());
        let ctx = &office.app.ctx;
        // Nobody has said anything yet.
        assert_eq!(office.code_of(&good).await, "E_CERT_UNKNOWN");
        assert_eq!(lists::run(ctx).await.unwrap(), 0, "the publisher is away");
        assert_eq!(office.code_of(&good).await, "E_CERT_UNKNOWN");
        publisher.say(Some(office.sm2.below.list(&[bad.serial])));
        assert_eq!(lists::run(ctx).await.unwrap(), 0, "not again at once");
        office.app.clock.advance(61);
        assert_eq!(lists::run(ctx).await.unwrap(), 1);
        let (_, page) = office.sign_in(&good).await;
        assert!(page.url.contains("choose_handler"), "{}", page.text);
        assert_eq!(office.code_of(&bad).await, "E_CERT_REVOKED");
        // One node of two fetches, and both know.
        let asked = publisher.asked();
        let second = office
            .app
            .second_node_of(super::door::realm_with(
                &office.sm2,
                &office.other,
                &format!("crl = [\"{address}/list.crl\"]"),
            ))
            .await;
        office.app.clock.advance(3601);
        let both = lists::run(ctx).await.unwrap() + lists::run(&second.ctx).await.unwrap();
        assert_eq!((both, publisher.asked()), (1, asked + 1));
        // An older one, another authority's, rubbish: what is there stays.
        let older = office.sm2.below.list_of(&[], START.0 - 7200, Some(START.0 + 90_000), vec![]);
        for wrong in [older, office.other.below.list(&[]), office.sm2.root.list(&[]), vec![0x30, 0]]
        {
            publisher.say(Some(wrong));
            office.app.clock.advance(3601);
            lists::run(ctx).await.unwrap();
            assert_eq!(office.code_of(&bad).await, "E_CERT_REVOKED");
        }
        // Past its own end it says nothing any more, neither good nor bad.
        publisher.say(None);
        office.app.clock.advance(86_400);
        lists::run(ctx).await.unwrap();
        assert_eq!(office.code_of(&good).await, "E_CERT_UNKNOWN");
        let (_, shown) = office.sign_in(&good).await;
        assert_eq!(shown.status, 503);
        // Nor does it keep its address from another certificate of the authority's any longer.
        let now = ctx.now().0;
        let other = office.sm2.root.list_of(&[], now - 60, Some(now + 90_000), vec![]);
        publisher.say(Some(other));
        office.app.clock.advance(61);
        assert_eq!(lists::run(ctx).await.unwrap(), 1);
    });
}

/// A list of some megabytes comes over a narrow line for longer than any other answer may take, and holds no other
/// up: each of these two begins only once both are asked for.
#[test]
fn a_list_may_take_its_time() {
    on_one_database(|on| async move {
        let (sm2, other) = (Authorities::new(Sort::Sm2), Authorities::new(Sort::Rsa(2048)));
        let (list, both) = (sm2.below.list(&[]), Arc::new(Barrier::new(2)));
        let slowly = move || async move {
            both.wait().await;
            let parts: Vec<Vec<u8>> = list.chunks(list.len() / 3 + 1).map(<[u8]>::to_vec).collect();
            let parts = futures_util::stream::unfold(parts.into_iter(), |mut left| async move {
                let part = left.next()?;
                tokio::time::sleep(Duration::from_millis(150)).await;
                Some((Ok::<_, Infallible>(part), left))
            });
            Body::from_stream(parts)
        };
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", socket.local_addr().unwrap());
        let router = Router::new().fallback(slowly);
        tokio::spawn(async move { axum::serve(socket, router).await.unwrap() });
        let realm = realm_with(&sm2, &other, &format!("crl = [\"{url}/1.crl\", \"{url}/2.crl\"]"));
        let (answer, list) = (Duration::from_millis(200), Duration::from_secs(5));
        let timeouts = Timeouts { answer, list, ..Timeouts::default() };
        let app = Setup { timeouts, ..Setup::of(on, vec![realm]) }.start().await;
        assert_eq!(lists::run(&app.ctx).await.unwrap(), 2);
    });
}

/// Soft: whoever nobody says anything about is taken, whoever is listed is not.
#[test]
fn a_realm_may_take_what_nobody_speaks_of() {
    on_each_database(|on| async move {
        let (address, publisher) = Publisher::start().await;
        let more = format!("crl = [\"{address}/list.crl\"]\nrevocation = \"soft\"");
        let office = Office::open_with(on, &more).await;
        let leaf = office.sm2.enterprise();
        let (_, page) = office.sign_in(&leaf).await;
        assert!(page.url.contains("choose_handler"), "{}", page.text);
        publisher.say(Some(office.sm2.below.list(&[leaf.serial])));
        lists::run(&office.app.ctx).await.unwrap();
        assert_eq!(office.code_of(&leaf).await, "E_CERT_REVOKED");
        // Whoever keeps the next list away makes nobody good again.
        publisher.say(None);
        office.app.clock.advance(2 * 86_400);
        assert_eq!(office.code_of(&leaf).await, "E_CERT_REVOKED");
    });
}

/// Covers C-07: revoked by OCSP. Where the responder says nothing the lists are asked, and where they say
/// nothing either nobody comes in.
#[test]
fn a_responder_is_asked_first() {
    on_each_database(|on| async move {
        let (responder, says) = Publisher::start().await;
        let (publisher, lists_say) = Publisher::start().await;
        let more = format!("ocsp = \"{responder}/ocsp\"\ncrl = [\"{publisher}/list.crl\"]");
        let office = Office::open_with(on, &more).await;
        let leaf = office.sm2.enterprise();
        let below = &office.sm2.below;
        let named = Wanted::new("CN=Responder", vec![usage(SIGNS), uses(&[OCSP_SIGNING])]);
        let named = below.issue(&named);
        let good = Answer::good(leaf.serial);
        says.say(Some(ocsp(below, &named, &good, true)));
        let (_, page) = office.sign_in(&leaf).await;
        assert!(page.url.contains("choose_handler"), "{}", page.text);
        assert_eq!(says.asked(), 1);
        let revoked = Answer { status: 1, ..good.clone() };
        says.say(Some(ocsp(below, &named, &revoked, true)));
        assert_eq!(office.code_of(&leaf).await, "E_CERT_REVOKED");
        // By somebody whom the authority did not name, about another certificate, of yesterday.
        let other = below.issue(&Wanted::enterprise(super::NUMBER));
        let yesterday = Answer { from: START.0 - 90_000, to: Some(START.0 - 60), ..good.clone() };
        for wrong in [
            ocsp(below, &other, &good, true),
            ocsp(below, &named, &Answer::good(7), true),
            ocsp(below, &named, &yesterday, true),
            vec![0x30, 3, 0x0a, 1, 3],
        ] {
            says.say(Some(wrong));
            assert_eq!(office.code_of(&leaf).await, "E_CERT_UNKNOWN");
        }
        // Then the list decides.
        lists_say.say(Some(below.list(&[])));
        lists::run(&office.app.ctx).await.unwrap();
        let (_, page) = office.sign_in(&leaf).await;
        assert!(page.url.contains("choose_handler"), "{}", page.text);
        says.say(None);
        let (_, page) = office.sign_in(&leaf).await;
        assert!(page.url.contains("choose_handler"), "{}", page.text);
        // An answer from before the list is shown again.
        office.app.clock.advance(3601);
        lists_say.say(Some(below.list(&[leaf.serial])));
        lists::run(&office.app.ctx).await.unwrap();
        says.say(Some(ocsp(below, &named, &good, true)));
        assert_eq!(office.code_of(&leaf).await, "E_CERT_REVOKED");
    });
}
