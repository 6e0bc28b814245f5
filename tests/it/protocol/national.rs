//! Tokens by SM2 with SM3 for the client that asks for them by name; nobody else meets them (issue 15.4).

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hufu::base::sm2::{Sm2Key, Sm2Public};
use hufu::base::suite::sm3;
use serde_json::{Value, json};

use super::authorize::signed_in;
use super::token::code;
use crate::kit::{Setup, TestApp, changed_realm, claims, on_each_database};

fn unhex<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap();
    }
    bytes
}

/// The example of GB/T 32918.5: key, point and signature; our own signatures verify, changed ones do not.
#[test]
fn the_standards_example_verifies() {
    let key = Sm2Key::from_bytes(&unhex(
        "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8",
    ))
    .unwrap();
    let x = unhex("09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020");
    let y = unhex("CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13");
    assert_eq!(key.public().point(), (x, y));
    let public = Sm2Public::from_point(&x, &y).unwrap();
    let signature: [u8; 64] = unhex(
        "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3\
         B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA",
    );
    assert!(public.verifies(b"message digest", &signature));
    assert!(public.verifies(b"another", &key.sign(b"another")));
    for at in 0..64 {
        let mut changed = signature;
        changed[at] ^= 1;
        assert!(!public.verifies(b"message digest", &changed), "{at}");
    }
    for wrong in [&signature[..63], &[0; 64], &[255; 64], &[]] {
        assert!(!public.verifies(b"message digest", wrong));
    }
    let again = Sm2Public::from_pem(&public.to_pem().unwrap()).unwrap();
    assert_eq!(again.point(), (x, y));
    assert!(Sm2Public::from_point(&x, &x).is_err() && Sm2Key::from_bytes(&[0; 32]).is_err());
    let hash: [u8; 32] = unhex("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    assert_eq!(sm3(b"abc"), hash);
}

async fn with_sm2(on: crate::kit::On) -> TestApp {
    let asks = "secret = { literal = \"demo-secret-of-tax-filing\" }\n";
    let asking = format!(
        "{asks}id_token_signed_response_alg = \"SGD_SM3_SM2\"\n\
         access_token = \"jwt\"\naccess_token_signing_alg = \"SGD_SM3_SM2\"\n"
    );
    let realm = changed_realm(&[
        ("realm.toml", "\"PS256\", \"EdDSA\"]", "\"PS256\", \"EdDSA\", \"SGD_SM3_SM2\"]"),
        ("clients/tax-filing.toml", asks, &asking),
    ]);
    Setup::of(on, vec![realm]).start().await
}

/// What a token's signature is worth by the keys at an address.
fn verifies(token: &str, keys: &Value) -> bool {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
    let header: Value = serde_json::from_slice(&decode(token.split('.').next().unwrap())).unwrap();
    assert_eq!(header["alg"], "SGD_SM3_SM2", "{header}");
    let list = keys["keys"].as_array().unwrap();
    let key = list.iter().find(|key| key["kid"] == header["kid"]).unwrap();
    assert_eq!((&key["kty"], &key["crv"]), (&json!("EC"), &json!("SM2")));
    assert!(key.get("d").is_none());
    let [x, y] = ["x", "y"].map(|name| decode(key[name].as_str().unwrap()).try_into().unwrap());
    let key = Sm2Public::from_point(&x, &y).unwrap();
    key.verifies(signed.as_bytes(), &decode(signature))
}

/// ID token, access token and `at_hash` by SM2 and SM3 for who asked; the documents name neither algorithm
/// nor key; other clients get what they got; the tokens work here as any other does.
#[test]
fn who_asks_by_name_gets_sm2_and_nobody_else_meets_it() {
    on_each_database(|on| async move {
        let app = with_sm2(on).await;
        let code = code(&app).await;
        let (status, tokens) = app.redeem(&code).await;
        assert_eq!(status.as_u16(), 200, "{tokens}");
        let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
        let (id_token, access) = (text("id_token"), text("access_token"));
        let mut browser = app.browser();
        let keys = browser.get("/realms/jiangxi/jwks/sm2").await;
        let keys: Value = serde_json::from_str(&keys.text).unwrap();
        assert!(verifies(&id_token, &keys) && verifies(&access, &keys));
        let (head, rest) = id_token.split_once('.').unwrap();
        assert!(!verifies(&format!("{head}.x{}", &rest[1..]), &keys));
        let half = BASE64_URL_SAFE_NO_PAD.encode(&sm3(access.as_bytes())[..16]);
        assert_eq!(claims(&id_token)["at_hash"], half);
        let (status, told) = app.userinfo(&access).await;
        assert_eq!(status.as_u16(), 200, "{told}");
        assert_eq!(app.introspect(&access).await["active"], true);
        let tampered = format!("{}A", &access[..access.len() - 1]);
        if tampered != access {
            assert_eq!(app.introspect(&tampered).await["active"], false);
        }
        for document in [
            "/realms/jiangxi/.well-known/openid-configuration",
            "/realms/jiangxi/jwks",
            "/realms/jiangxi/.well-known/ssf-configuration",
        ] {
            let shown = browser.get(document).await;
            assert!(shown.status.is_success());
            assert!(!shown.text.contains("SM2"), "{document}: {}", shown.text);
        }
        // Another application.
        app.clock.advance(61);
        let mut browser = signed_in(&app).await;
        let done = browser.get(&crate::kit::authorize_url(&crate::kit::INVOICE, &[])).await;
        let done = browser.submit(&done, &[("act", "allow")]).await;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &*done.answered("code").unwrap()),
            ("redirect_uri", crate::kit::INVOICE.redirect_uri),
            ("code_verifier", crate::kit::VERIFIER),
        ];
        let own = Some((crate::kit::INVOICE.id, crate::kit::INVOICE.secret));
        let (_, tokens) = app.post("/token", own, &form).await;
        let head = tokens["id_token"].as_str().unwrap().split('.').next().unwrap();
        let head = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(head).unwrap()).unwrap();
        assert!(head.contains("\"RS256\"") || head.contains("\"ES256\""), "{head}");
    });
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let none = app.browser().get("/realms/jiangxi/jwks/sm2").await;
        assert_eq!(none.status.as_u16(), 404);
    });
}

/// It is nobody's default.
#[test]
fn a_realm_does_not_begin_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("jiangxi");
    let own = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("realms/jiangxi");
    crate::kit::copy(&own, &target);
    let file = target.join("realm.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let first = text.replace("algorithms = [\"ES256\"", "algorithms = [\"SGD_SM3_SM2\", \"ES256\"");
    assert_ne!(text, first);
    std::fs::write(&file, first).unwrap();
    let surroundings = hufu::realm::check::Surroundings {
        is_demo: true,
        replace: Vec::new(),
        environment: &|_| None,
    };
    let complaints = hufu::realm::check::load(&target, &surroundings).err().unwrap();
    let told: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|one| one.contains("name a common one first")), "{told:?}");
}
