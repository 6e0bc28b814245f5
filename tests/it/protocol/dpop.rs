//! Tokens bound to a key (RFC 9449): worth nothing without it, at every door.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hufu::cli::demo::phone_app::tax::Phone;
use hufu::ephemeral::Share;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::sign::Signer;
use serde_json::{Value, json};

use crate::kit::phone::{Telephone, code, code_form, proof, token};
use crate::kit::{
    Application, FILING, ISSUER, TestApp, VERIFIER, authorize_url, claims, on_each_database,
    on_one_database,
};
use crate::protocol::audiences::{FILING_API, REGISTRY};
use crate::protocol::authorize::signed_in;

async fn userinfo(
    app: &TestApp,
    scheme: &str,
    access_token: &str,
    proof: Option<String>,
) -> (StatusCode, Value) {
    let mut request = Request::get("/realms/jiangxi/userinfo")
        .header(header::AUTHORIZATION, format!("{scheme} {access_token}"));
    if let Some(proof) = proof {
        request = request.header("DPoP", proof);
    }
    app.json(request.body(Body::empty()).unwrap()).await
}

#[test]
fn a_bound_token_needs_its_key() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let held = Telephone::signed_in(&app, &mut browser).await;
        let token = held.access_token.as_str();
        let jkt = claims(token)["cnf"]["jkt"].clone();
        assert!(jkt.is_string(), "{jkt}");
        // The API that a bound token is for is told of the key (RFC 9449 §6.2).
        let bound = code(&mut browser, &[("resource", FILING_API)]).await;
        let own = proof(&app, &held.phone, "/token", None);
        let (_, tokens) = self::token(&app, Some(own), &code_form(&bound)).await;
        let form = [("token", tokens["access_token"].as_str().unwrap())];
        let (_, told) = app.post("/introspect", Some(REGISTRY), &form).await;
        assert_eq!((&told["token_type"], &told["cnf"]["jkt"]), (&"DPoP".into(), &jkt), "{told}");
        // No concern of another client.
        assert_eq!(app.introspect(token).await["active"], false);
        let now = app.ctx.now().0;
        let url = format!("{ISSUER}/userinfo");
        let good = || held.phone.proof(("GET", &url), Some(token), now).unwrap();
        assert_eq!(userinfo(&app, "DPoP", token, Some(good())).await.0.as_u16(), 200);
        assert_eq!(userinfo(&app, "dpop", token, Some(good())).await.0.as_u16(), 200);
        // As a bearer token, without a proof, with another's key.
        assert_eq!(userinfo(&app, "Bearer", token, None).await.0.as_u16(), 401);
        assert_eq!(userinfo(&app, "Bearer", token, Some(good())).await.0.as_u16(), 401);
        assert_eq!(userinfo(&app, "DPoP", token, None).await.0.as_u16(), 401);
        let thief = Phone::new().unwrap();
        let stolen = thief.proof(("GET", &url), Some(token), now).unwrap();
        assert_eq!(userinfo(&app, "DPoP", token, Some(stolen)).await.0.as_u16(), 401);
        // A proof for another method, address, token or time, or seen before.
        let wrong = [
            held.phone.proof(("POST", &url), Some(token), now),
            held.phone.proof(("GET", &format!("{ISSUER}/token")), Some(token), now),
            held.phone.proof(("GET", &url), Some("another"), now),
            held.phone.proof(("GET", &url), None, now),
            held.phone.proof(("GET", &url), Some(token), now - 61),
            held.phone.proof(("GET", &url), Some(token), now + 11),
        ];
        for (index, proof) in wrong.into_iter().enumerate() {
            let (status, _) = userinfo(&app, "DPoP", token, Some(proof.unwrap())).await;
            assert_eq!(status.as_u16(), 401, "{index}");
        }
        let once = good();
        assert_eq!(userinfo(&app, "DPoP", token, Some(once.clone())).await.0.as_u16(), 200);
        assert_eq!(userinfo(&app, "DPoP", token, Some(once)).await.0.as_u16(), 401);
        // A plain token is not made stronger by a proof.
        let basic = Some((FILING.id, FILING.secret));
        let (_, plain) = app.post("/token", basic, &[("grant_type", "client_credentials")]).await;
        let plain = plain["access_token"].as_str().unwrap();
        assert_eq!(userinfo(&app, "DPoP", plain, Some(good())).await.0.as_u16(), 401);
    });
}

#[test]
fn codes_and_refresh_tokens_of_a_public_client_are_bound_too() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let refused = |answer: (StatusCode, Value)| {
            assert_eq!(answer.0.as_u16(), 400, "{}", answer.1);
            assert_eq!(answer.1["error"], "invalid_dpop_proof");
        };
        // The client is registered so: no proof, no tokens; and the code is still good.
        let bare = code(&mut browser, &[]).await;
        refused(token(&app, None, &code_form(&bare)).await);
        refused(token(&app, Some("x.y.z".to_owned()), &code_form(&bare)).await);
        let phone = Phone::new().unwrap();
        let own = || Some(proof(&app, &phone, "/token", None));
        let (status, tokens) = token(&app, own(), &code_form(&bare)).await;
        assert_eq!(status.as_u16(), 200, "{tokens}");
        let refresh = tokens["refresh_token"].as_str().unwrap();
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        let thief = Phone::new().unwrap();
        refused(token(&app, Some(proof(&app, &thief, "/token", None)), &form).await);
        let (status, renewed) = token(&app, own(), &form).await;
        assert_eq!((status.as_u16(), &renewed["token_type"]), (200, &"DPoP".into()), "{renewed}");
        // A code bound beforehand belongs to that key (RFC 9449 §10).
        let jkt = claims(renewed["access_token"].as_str().unwrap())["cnf"]["jkt"].clone();
        let bound = code(&mut browser, &[("dpop_jkt", jkt.as_str().unwrap())]).await;
        refused(token(&app, Some(proof(&app, &thief, "/token", None)), &code_form(&bound)).await);
        assert_eq!(token(&app, own(), &code_form(&bound)).await.0.as_u16(), 200);
    });
}

const DESKTOP: Application =
    Application { id: "desktop", secret: "", redirect_uri: "http://127.0.0.1/callback" };

/// A refresh of the program on people's own computers, which proves nothing unless it likes.
async fn refreshed(app: &TestApp, token: &str, key: Option<&Phone>) -> (StatusCode, Value) {
    let form =
        [("client_id", DESKTOP.id), ("grant_type", "refresh_token"), ("refresh_token", token)];
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let mut request = Request::post("/realms/jiangxi/token")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(key) = key {
        request = request.header("DPoP", proof(app, key, "/token", None));
    }
    app.json(request.body(Body::from(body)).unwrap()).await
}

/// Anybody has a key: one that is proved with a refresh token that none is bound to replaces it all the same, and
/// binds what comes of it (RFC 9700 §4.14.2, RFC 9449 §5). The former one that comes back ends the family.
#[test]
fn a_key_that_anybody_makes_keeps_no_refresh_token_as_it_is() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let done = browser.get(&authorize_url(&DESKTOP, &[])).await;
        let code = done.answered("code").unwrap_or_else(|| panic!("{:?}", done.left_to));
        let form = [
            ("client_id", DESKTOP.id),
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", DESKTOP.redirect_uri),
            ("code_verifier", VERIFIER),
        ];
        let (_, bare) = app.post("/token", None, &form).await;
        let first = bare["refresh_token"].as_str().unwrap_or_else(|| panic!("{bare}"));
        let (own, other) = (Phone::new().unwrap(), Phone::new().unwrap());
        let (status, renewed) = refreshed(&app, first, Some(&own)).await;
        assert_eq!((status.as_u16(), &renewed["token_type"]), (200, &"DPoP".into()), "{renewed}");
        let next = renewed["refresh_token"].as_str().unwrap();
        assert_ne!(next, first);
        // Worth nothing without that key, nor is the former within its grace.
        for (token, key) in [(next, None), (next, Some(&other)), (first, None)] {
            let (_, refused) = refreshed(&app, token, key).await;
            assert_eq!(refused["error"], "invalid_dpop_proof", "{refused}");
        }
        // Now that it is bound it stays as it is.
        let (_, again) = refreshed(&app, next, Some(&own)).await;
        assert_eq!(again["refresh_token"], next, "{again}");
        app.clock.advance(11);
        let (_, reused) = refreshed(&app, first, None).await;
        assert_eq!(reused["error"], "invalid_grant", "{reused}");
        let (_, ended) = refreshed(&app, next, Some(&own)).await;
        assert_eq!(ended["error"], "invalid_grant", "{ended}");
    });
}

/// Anybody can name the app, make keys and sign proofs: what comes with nothing real leaves nothing behind.
/// A proof counts once it was used for something, and then once.
#[test]
fn a_strangers_proofs_leave_nothing_behind() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let taken = || Share::ALL.map(|share| app.ctx.services.ephemeral.size(share));
        // Redis does not say.
        let before = taken();
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", "x")];
        for _ in 0..20 {
            let own = || Some(proof(&app, &Phone::new().unwrap(), "/token", None));
            let told = token(&app, own(), &code_form("bogus")).await;
            assert_eq!(told.1["error"], "invalid_grant");
            assert_eq!(token(&app, own(), &refresh).await.1["error"], "invalid_grant");
            let machine = [("grant_type", "client_credentials")];
            assert_ne!(token(&app, own(), &machine).await.0.as_u16(), 200);
            let url = format!("{ISSUER}/userinfo");
            let bogus = Phone::new().unwrap().proof(("GET", &url), Some("x"), app.ctx.now().0);
            let told = userinfo(&app, "DPoP", "x", Some(bogus.unwrap())).await;
            assert_eq!(told.0.as_u16(), 401);
        }
        assert_eq!(taken(), before);
        // Another's code and another's token.
        let filing = browser.get(&crate::kit::authorize_url(&FILING, &[])).await;
        let filing = filing.answered("code").unwrap();
        let held = Telephone::signed_in(&app, &mut browser).await;
        let with_one = taken();
        let thief = Phone::new().unwrap();
        let own = proof(&app, &thief, "/token", None);
        assert_eq!(token(&app, Some(own), &code_form(&filing)).await.1["error"], "invalid_grant");
        let url = format!("{ISSUER}/userinfo");
        let stolen = thief.proof(("GET", &url), Some(&held.access_token), app.ctx.now().0);
        let told = userinfo(&app, "DPoP", &held.access_token, Some(stolen.unwrap())).await;
        assert_eq!(told.0.as_u16(), 401);
        assert_eq!(taken(), with_one);
        let (one, another) = (code(&mut browser, &[]).await, code(&mut browser, &[]).await);
        let once = proof(&app, &held.phone, "/token", None);
        assert_eq!(token(&app, Some(once.clone()), &code_form(&one)).await.0.as_u16(), 200);
        let again = token(&app, Some(once), &code_form(&another)).await;
        assert_eq!(again.1["error"], "invalid_dpop_proof");
    });
}

/// What one person's telephone proves takes nothing of what applications' servers have, and what is over leaves
/// nothing behind; of one person so many proofs count within two minutes, however often they sign in.
#[test]
fn proofs_of_people_fill_nothing_of_the_servers() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let size = |share| app.ctx.services.ephemeral.size(share);
        let held = Telephone::signed_in(&app, &mut browser).await;
        let other = Telephone::signed_in(&app, &mut browser).await;
        let jkt = claims(&held.access_token)["cnf"]["jkt"].clone();
        let url = format!("{ISSUER}/userinfo");
        let shows = async |held: &Telephone| {
            let own = held.phone.proof(("GET", &url), Some(&held.access_token), app.ctx.now().0);
            userinfo(&app, "DPoP", &held.access_token, Some(own.unwrap())).await.0.as_u16()
        };
        let (servers, people) = (size(Share::Servers), size(Share::Proved));
        assert_eq!(shows(&held).await, 200);
        assert_eq!(size(Share::Servers), servers);
        // Redis does not say.
        assert!(people.is_none() || size(Share::Proved) > people);
        // A code of one's own that is bound to another key, and one that is over.
        let bound = code(&mut browser, &[("dpop_jkt", jkt.as_str().unwrap())]).await;
        let late = code(&mut browser, &[]).await;
        let before = Share::ALL.map(size);
        for (n, code) in [&bound, &bound, &late, &late].into_iter().enumerate() {
            if n == 2 {
                app.clock.advance(61);
            }
            let own = proof(&app, &Phone::new().unwrap(), "/token", None);
            assert_eq!(token(&app, Some(own), &code_form(code)).await.0.as_u16(), 400, "{n}");
        }
        assert_eq!(Share::ALL.map(size), before);
        let subject = claims(&held.access_token)["sub"].clone();
        let counter = format!("dpop/{}", subject.as_str().unwrap());
        for _ in 0..600 {
            let counted = app.ctx.ephemeral().by_people();
            counted.count(&counter, 120).await.unwrap();
        }
        for telephone in [&held, &other] {
            assert_eq!(shows(telephone).await, 503);
        }
        app.clock.advance(121);
        assert_eq!(shows(&held).await, 200);
    });
}

/// A proof for the token endpoint by a new RSA key of this exponent.
fn rsa_proof(exponent: &str, now: i64) -> String {
    let exponent = BigNum::from_dec_str(exponent).unwrap();
    let key = Rsa::generate_with_e(2048, &exponent).unwrap();
    let text = |bytes: Vec<u8>| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let jwk = json!({"kty": "RSA", "n": text(key.n().to_vec()), "e": text(key.e().to_vec())});
    let header = json!({"typ": "dpop+jwt", "alg": "RS256", "jwk": jwk});
    let url = format!("{ISSUER}/token");
    let claims = json!({"jti": format!("of-{now}"), "htm": "POST", "htu": url, "iat": now});
    let [header, claims] = [header, claims].map(|part| text(part.to_string().into_bytes()));
    let signed = format!("{header}.{claims}");
    let key = PKey::from_rsa(key).unwrap();
    let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
    signer.update(signed.as_bytes()).unwrap();
    format!("{signed}.{}", text(signer.sign_to_vec().unwrap()))
}

/// Whoever brings a key chooses its numbers: one by which it takes long to verify is refused before anything is
/// computed, however right the signature is.
#[test]
fn a_key_of_a_long_exponent_proves_nothing() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let code = code(&mut browser, &[]).await;
        let long = rsa_proof("4294967297", app.ctx.now().0);
        let (status, told) = token(&app, Some(long), &code_form(&code)).await;
        assert_eq!(
            (status.as_u16(), &told["error"]),
            (400, &"invalid_dpop_proof".into()),
            "{told}"
        );
        let usual = rsa_proof("65537", app.ctx.now().0);
        let (status, told) = token(&app, Some(usual), &code_form(&code)).await;
        assert_eq!(status.as_u16(), 200, "{told}");
    });
}
