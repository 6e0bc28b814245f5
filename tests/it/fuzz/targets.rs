//! Parsers by themselves: none stops the program, and what one has understood it understands again
//! from its own spelling.

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hufu::base::clock::Day;
use hufu::domain::feed::{Entry, Line};
use hufu::domain::number::division::Division;
use hufu::domain::number::document::{
    DocumentNumber, DocumentType, initial_password, looks_like_a_document,
};
use hufu::domain::number::name::PersonName;
use hufu::domain::number::normalise;
use hufu::domain::number::phone::Phone;
use hufu::domain::number::resident::from_first_generation;
use hufu::domain::number::taxpayer::TaxpayerNumber;
use hufu::domain::number::uscc::{Uscc, check_character, is_organisation_code};
use hufu::domain::number::username::Username;
use hufu::domain::wanted;
use hufu::jose::Algorithm;
use hufu::jose::jwt::{sign, verify, verify_embedded, verify_foreign};
use hufu::jose::keys::{KeySet, PublicKeys, SigningKey, generate};
use hufu::oidc::params::Params;
use hufu::realm::file::{EntrancesFile, FactorsFile, RealmFile, RolesFile};
use hufu::realm::fixtures::Fixtures;
use hufu::realm::format::format;
use hufu::realm::registration::ClientFile;
use hufu::realm::source::Source;
use hufu::web::cookies;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{bytes, run};

#[test]
fn parameters() {
    let seeds = bytes(&[
        "client_id=tax-filing&scope=openid+tax_identity&state=%E7%A8%8E&prompt=&max_age=0",
        "authorization_details=%5B%7B%22type%22%3A%22tax_identity%22%7D%5D&identity_hint=91360100MA35ABCD43",
        "a=1&a=2",
    ]);
    run(&seeds, |input| {
        let Ok(params) = Params::parse(input) else { return };
        assert_eq!(Params::parse(params.encode().as_bytes()).unwrap(), params);
        if let Some(wanted) = params.get("authorization_details").and_then(wanted::parse) {
            let again = serde_json::to_string(&[&wanted]).unwrap();
            assert_eq!(wanted::parse(&again), Some(wanted));
        }
    });
}

#[test]
fn cookie_headers() {
    let seeds = bytes(&[
        "__Host-hufu-session-jiangxi=abc; __Host-hufu-language-jiangxi=zh-CN",
        "a=1; a=2; b=\"3\"; c",
        "",
    ]);
    run(&seeds, |input| {
        let Ok(value) = HeaderValue::from_bytes(input) else { return };
        let found = cookies::read(&HeaderMap::from_iter([(header::COOKIE, value)]));
        for (name, value) in found {
            let Ok(one) = HeaderValue::from_str(&format!("{name}={value}")) else { continue };
            let again = cookies::read(&HeaderMap::from_iter([(header::COOKIE, one)]));
            assert_eq!(again.get(&name), Some(&value));
        }
    });
}

/// Every string in the vectors of `docs/formats.md`.
fn numbers() -> Vec<Vec<u8>> {
    fn strings(value: &Value, found: &mut Vec<Vec<u8>>) {
        match value {
            Value::String(text) => found.push(text.clone().into_bytes()),
            Value::Array(all) => all.iter().for_each(|one| strings(one, found)),
            Value::Object(all) => all.iter().for_each(|(key, one)| {
                found.push(key.clone().into_bytes());
                strings(one, found);
            }),
            _ => {}
        }
    }
    let mut found = bytes(&["王小明", "买买提·艾力", "John Smith", "+86 138 0013 8000"]);
    let vectors = serde_json::from_str(include_str!("../../data/vectors.json")).unwrap();
    strings(&vectors, &mut found);
    found
}

#[test]
fn typed_numbers() {
    let today = Day::from_ymd(2026, 11, 24).unwrap();
    run(&numbers(), |input| {
        let text = &*String::from_utf8_lossy(input);
        let normal = normalise(text);
        assert_eq!(normalise(&normal), normal, "normalised twice");
        for kind in DocumentType::ALL {
            let parse = |text: &str| DocumentNumber::parse(kind, text, today).ok();
            if let Some(number) = parse(text) {
                let again = parse(number.as_str()).unwrap();
                assert_eq!(again, number);
                assert_eq!(again.comparable(), number.comparable());
            }
        }
        if let Ok(number) = TaxpayerNumber::parse(text) {
            assert_eq!(TaxpayerNumber::parse(number.as_str()).unwrap(), number);
        }
        if let Ok(code) = Uscc::parse(text) {
            assert_eq!(Uscc::parse(code.as_str()).unwrap(), code);
            assert!(code.organisation_code().len() == 9 || !code.inner_check_is_right());
        }
        if let Ok(phone) = Phone::parse(text) {
            assert_eq!(Phone::parse(phone.as_str()).unwrap(), phone);
            assert!(!phone.national().is_empty());
        }
        if let Ok(name) = PersonName::parse(text) {
            assert_eq!(PersonName::parse(name.as_str()).unwrap(), name);
        }
        if let Ok(name) = Username::choose(text, today) {
            assert_eq!(Username::choose(name.as_str(), today).unwrap().folded(), name.folded());
        }
        if let Some(division) = Division::parse(text) {
            assert_eq!(Division::parse(division.as_str()).unwrap(), division);
            assert!(Division::parse(division.province().as_str()).is_some());
        }
        initial_password(text);
        from_first_generation(text);
        is_organisation_code(text);
        check_character(text).ok();
        looks_like_a_document(text, today);
    });
}

const ALGORITHMS: [Algorithm; 4] =
    [Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256, Algorithm::PS256];

/// Nobody signs but who has the key: whatever is verified says what was signed.
#[test]
fn signed_tokens() {
    let claims = json!({"iss": "tax-filing", "aud": ["x", "y"], "exp": 1_795_485_600});
    let mut keys = Vec::new();
    let mut seeds = Vec::new();
    for algorithm in ALGORITHMS {
        let (private, _) = generate(algorithm).unwrap();
        let key = SigningKey::new(algorithm, &private, true).unwrap();
        seeds.push(sign(&key, "JWT", &claims).unwrap().into_bytes());
        keys.push(key);
    }
    let public: Vec<Value> = keys.iter().map(|key| key.public().clone().into()).collect();
    let (foreign, own) = (PublicKeys::parse(&json!({"keys": public})).unwrap(), KeySet::new(keys));
    run(&seeds, |input| {
        let token = &*String::from_utf8_lossy(input);
        for found in [verify::<Value>(&own, "JWT", token), verify_foreign(&foreign, token)] {
            assert!(found.is_err() || found.is_ok_and(|said| said == claims), "{token}");
        }
    });
}

/// The header in clear, so that what is changed in it is still base64.
#[test]
fn token_headers() {
    let mut seeds = Vec::new();
    for algorithm in ALGORITHMS {
        let (private, _) = generate(algorithm).unwrap();
        let key = SigningKey::new(algorithm, &private, true).unwrap();
        let header = json!({"typ": "dpop+jwt", "alg": algorithm.name(), "jwk": key.public()});
        seeds.push(header.to_string().into_bytes());
    }
    seeds.extend(bytes(&[
        r#"{"typ":"dpop+jwt","alg":"none","jwk":{"kty":"oct","k":"AAAA"}}"#,
        r#"{"typ":"dpop+jwt","alg":"ES256","crit":["b64"],"b64":false,"kid":"../../etc/passwd","jku":"http://x"}"#,
    ]));
    let none = PublicKeys::parse(&json!({"keys": []})).unwrap();
    run(&seeds, |input| {
        let header = BASE64_URL_SAFE_NO_PAD.encode(input);
        for rest in ["e30.c2ln", "e30.", ".", ""] {
            let token = format!("{header}.{rest}");
            assert!(verify_embedded::<Value>("dpop+jwt", &token).is_err(), "{token}");
            assert!(verify_foreign::<Value>(&none, &token).is_err(), "{token}");
        }
        if let Ok(jwk) = serde_json::from_slice::<Value>(input) {
            PublicKeys::parse(&json!({"keys": [jwk["jwk"]]})).ok();
        }
    });
}

macro_rules! realm_file {
    ($name:literal) => {
        include_str!(concat!("../../../realms/jiangxi/", $name))
    };
}

/// Every mistake of an administrator is a complaint with a place; `hufu realm fmt` changes how a
/// file is written, once, and never what it says.
#[test]
fn realm_files() {
    fn read<T: JsonSchema + DeserializeOwned>(text: &str) {
        if let Err(complaints) = Source::read::<T>("a.toml", text) {
            assert!(complaints.iter().all(|one| one.to_string().contains("a.toml")));
        }
    }
    let seeds = bytes(&[
        realm_file!("clients/tax-filing.toml"),
        realm_file!("entrances.toml"),
        realm_file!("factors.toml"),
        realm_file!("realm.toml"),
        realm_file!("roles.toml"),
    ]);
    run(&seeds, |input| {
        let text = &*String::from_utf8_lossy(input);
        // A schema is slow to check: each text by one of them.
        match input.len() % 6 {
            0 => read::<RealmFile>(text),
            1 => read::<RolesFile>(text),
            2 => read::<EntrancesFile>(text),
            3 => read::<FactorsFile>(text),
            4 => read::<Fixtures>(text),
            _ => read::<ClientFile>(text),
        }
        if let Some(once) = format(text) {
            let twice = format(&once);
            assert_eq!(twice.as_ref(), Some(&once), "written twice");
            let value = |text: &str| toml::from_str::<Value>(text).ok();
            assert_eq!(value(&once), value(text), "what it says");
        }
    });
}

/// A line that was taken says the same when it is written out and read again.
#[test]
fn feed_lines() {
    fn spelt(line: &Line) -> Value {
        let spelt = match line {
            Line::Person(line) => serde_json::to_value(line),
            Line::Enterprise(line) => serde_json::to_value(line),
            Line::Authorisation(line) => serde_json::to_value(line),
            Line::Engagement(line) => serde_json::to_value(line),
            Line::Record(line) => serde_json::to_value(line),
            Line::HallRecord(line) => serde_json::to_value(line),
        };
        spelt.unwrap()
    }
    let seeds = bytes(super::requests::FEED_LINES);
    run(&seeds, |input| {
        let Ok(Value::Object(fields)) = serde_json::from_slice(input) else { return };
        let Ok(entry) = Entry::parse(Some("person"), fields) else { return };
        let mut again = spelt(&entry.line);
        again["feed"] = entry.line.kind().into();
        again["source_key"] = entry.source_key.clone().into();
        again["version"] = entry.version.into();
        let Value::Object(fields) = again else { panic!("a line is an object") };
        let again = Entry::parse(None, fields).unwrap();
        assert_eq!(spelt(&again.line), spelt(&entry.line));
        assert_eq!((again.source_key, again.version), (entry.source_key, entry.version));
    });
}
