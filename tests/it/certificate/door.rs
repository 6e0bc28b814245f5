//! 数字证书登录 from the application and back, and every way in which it is refused.

use std::path::Path;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use hufu::realm::Realm;
use serde_json::{Value, json};

use super::Authorities;
use crate::account::{LI, held, post, relation};
use crate::kit::browser::Shown;
use crate::kit::pki::{ENCRYPTS, Issued, Key, Sort, Wanted, YEAR, usage};
use crate::kit::{
    Browser, EXAMPLE, FILING, On, SAMPLE, START, Setup, TestApp, authorize_url, claims, copy,
    on_each_database, realm_of,
};

pub const ORIGIN: &str = "https://sso.jiangxi.example";

/// The demo realm with authorities of the test's own in place of the demo's: `demo-sm2` and `demo-rsa`
/// by name, because the enterprise's line says those. `more`: after the first's number.
pub fn realm_with(sm2: &Authorities, other: &Authorities, more: &str) -> Realm {
    let folder = tempfile::tempdir().unwrap();
    let realm = folder.path().join("jiangxi");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("realms/jiangxi"), &realm);
    for (name, authority) in [("sm2", sm2), ("other", other)] {
        let at = realm.join("certificates");
        std::fs::write(at.join(format!("{name}-root.pem")), authority.root.pem()).unwrap();
        std::fs::write(at.join(format!("{name}-below.pem")), authority.below.pem()).unwrap();
    }
    let authority = |id: &str, name: &str, more: &str| {
        format!(
            "[[authority]]\nid = \"{id}\"\nname = {{ zh = \"{id}\", en = \"{id}\" }}\n\
             anchors = [\"certificates/{name}-root.pem\"]\n\
             between = [\"certificates/{name}-below.pem\"]\n\
             number = \"ext:1.2.156.10260.4.1.5\"\n{more}\n"
        )
    };
    let text = authority("demo-sm2", "sm2", more)
        + &authority("demo-rsa", "other", "revocation = \"soft\"\nkeys = \"hardware\"");
    std::fs::write(realm.join("certificates.toml"), text).unwrap();
    realm_of(&realm)
}

pub struct Office {
    pub app: TestApp,
    pub sm2: Authorities,
    pub other: Authorities,
}

impl Office {
    pub async fn open(on: On) -> Self {
        Self::open_with(on, "revocation = \"soft\"").await
    }

    pub async fn open_with(on: On, more: &str) -> Self {
        let (sm2, other) = (Authorities::new(Sort::Sm2), Authorities::new(Sort::Rsa(2048)));
        let realm = realm_with(&sm2, &other, more);
        Self { app: Setup::of(on, vec![realm]).start().await, sm2, other }
    }

    /// The page of the door, within a sign-in for an application.
    pub async fn at_door(&self) -> (Browser, Shown) {
        let mut browser = self.app.browser();
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let page = at_certificates(&mut browser, &page).await;
        (browser, page)
    }

    /// The page's script with this certificate, and what came of it.
    pub async fn sign_in(&self, leaf: &Issued) -> (Browser, Shown) {
        let (mut browser, page) = self.at_door().await;
        let shown = send(&mut browser, &page, leaf).await;
        (browser, shown)
    }

    pub async fn code_of(&self, leaf: &Issued) -> String {
        let (_, shown) = self.sign_in(leaf).await;
        shown.code().unwrap_or_else(|| panic!("{} {}", shown.url, shown.text)).to_owned()
    }
}

/// From the sign-in page to this door.
pub async fn at_certificates(browser: &mut Browser, page: &Shown) -> Shown {
    let t = page.hidden()["t"].clone();
    let page =
        browser.get(&format!("/realms/jiangxi/login/certificate?t={t}&entrance=certificate")).await;
    assert!(page.text.contains("id=\"certificate-form\""), "{}", page.text);
    page
}

/// What the page's script fetches when somebody clicks.
pub async fn challenge(browser: &mut Browser, page: &Shown) -> Value {
    let t = page.hidden()["t"].clone();
    let told = browser.get(&format!("/realms/jiangxi/login/certificate/challenge?t={t}")).await;
    serde_json::from_str(&told.text).unwrap_or_else(|_| panic!("{}", told.text))
}

pub fn challenge_bytes(asked: &Value) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(asked["challenge"].as_str().unwrap()).unwrap()
}

pub struct Sent {
    pub sealed: String,
    pub certificate: String,
    pub chain: String,
    pub signature: String,
}

impl Sent {
    pub fn of(asked: &Value, leaf: &Issued, (origin, purpose): (&str, &str)) -> Self {
        let signature = leaf.key.answer(&challenge_bytes(asked), origin, purpose);
        Self {
            sealed: asked["sealed"].as_str().unwrap().to_owned(),
            certificate: BASE64_STANDARD.encode(&leaf.der),
            chain: String::new(),
            signature: BASE64_STANDARD.encode(signature),
        }
    }

    pub async fn submit(&self, browser: &mut Browser, page: &Shown) -> Shown {
        let fields = [
            ("sealed", self.sealed.as_str()),
            ("certificate", &self.certificate),
            ("chain", &self.chain),
            ("signature", &self.signature),
        ];
        browser.submit(page, &fields).await
    }
}

pub async fn send(browser: &mut Browser, page: &Shown, leaf: &Issued) -> Shown {
    let asked = challenge(browser, page).await;
    Sent::of(&asked, leaf, (ORIGIN, "login")).submit(browser, page).await
}

/// The value before which a masked name stands.
pub fn handler(page: &Shown, name: &str) -> String {
    let before = page.text.split(&format!("<strong>{name}</strong>")).next().unwrap();
    let value = before.rsplit("name=\"handler\" value=\"").next().unwrap();
    value.split('"').next().unwrap().to_owned()
}

/// Whom the page offers: the name as it is shown, and as what they would come in.
fn offered(page: &Shown) -> Vec<(&str, &str)> {
    let form = page.text.split("id=\"handler-form\"").nth(1).expect("the form");
    let choices = form.split("</fieldset>").next().unwrap().split("<strong>").skip(1);
    let mut offered: Vec<(&str, &str)> = choices
        .map(|one| {
            let (name, rest) = one.split_once("</strong>").unwrap();
            let kind = rest.split("class=\"pill\">").nth(1).expect("as what");
            (name, kind.split('<').next().unwrap())
        })
        .collect();
    offered.sort_unstable();
    offered
}

/// Covers C-01, C-02, C-03, C-06: from the application to its claims, with national algorithms and with
/// RSA; the handlers are masked, those who could come in by themselves and nobody else, one is chosen, and the tokens say what was proved (DEC-10).
#[test]
fn an_enterprise_comes_in_by_its_certificate() {
    on_each_database(|on| async move {
        let office = Office::open(on).await;
        for (authority, amr) in [(&office.sm2, "swk"), (&office.other, "hwk")] {
            let leaf = authority.enterprise();
            let (mut browser, page) = office.sign_in(&leaf).await;
            assert!(page.url.contains("choose_handler"), "{} {}", page.url, page.text);
            // Neither who waits, nor whose time is over, nor who has never agreed to the terms.
            let usable = [("李*", "法定代表人"), ("王*明", "办税员"), ("王*明", "开票员")];
            assert_eq!(offered(&page), usable, "{}", page.text);
            for full in ["李芳", "王小明"] {
                assert!(!page.text.contains(full), "{full} is not masked");
            }
            assert!(!browser.cookies.keys().any(|name| name.contains("session")));
            let id = handler(&page, "李*");
            let done = browser.submit(&page, &[("handler", &id)]).await;
            let code = done.answered("code").unwrap_or_else(|| panic!("{}", done.text));
            let (status, tokens) = office.app.redeem(&code).await;
            assert_eq!(status, 200, "{tokens}");
            let id = claims(tokens["id_token"].as_str().unwrap());
            assert_eq!(id["amr"], json!([amr]));
            assert_eq!(id["acr"], "urn:hufu:realname:0", "nothing of the person was proved");
            assert_eq!(id["tax_identity"]["enterprise"]["uscc"], EXAMPLE);
            assert_eq!(id["tax_identity"]["identity_type"], "legal_representative");
        }
        let accepted = office.app.audit().await;
        let accepted = accepted.iter().filter(|one| one["action"] == "certificate_accepted");
        assert_eq!(accepted.count(), 2);
    });
}

/// Covers C-07: each reason has its own code, and none of them leaves a session.
#[test]
fn what_is_wrong_with_a_certificate_is_told() {
    on_each_database(|on| async move {
        let office = Office::open(on).await;
        let below = &office.sm2.below;
        let number = super::NUMBER;
        let expired = Wanted { not_after: START.0 - 1, ..Wanted::enterprise(number) };
        assert_eq!(office.code_of(&below.issue(&expired)).await, "E_CERT_EXPIRED");
        let early = Wanted { not_before: START.0 + 60, ..Wanted::enterprise(number) };
        assert_eq!(office.code_of(&below.issue(&early)).await, "E_CERT_EXPIRED");
        let stranger = Authorities::new(Sort::Sm2);
        assert_eq!(office.code_of(&stranger.enterprise()).await, "E_CERT_UNTRUSTED");
        let encrypts = Wanted { extensions: vec![usage(ENCRYPTS)], ..Wanted::enterprise(number) };
        assert_eq!(office.code_of(&below.issue(&encrypts)).await, "E_CERT_NONE");
        // An enterprise that nobody knows, one that has no certificates of ours, no number at all.
        let unknown = below.issue(&Wanted::enterprise("91360100MA00000000"));
        assert_eq!(office.code_of(&unknown).await, "E_CERT_UNBOUND");
        let unbound = below.issue(&Wanted::enterprise(SAMPLE));
        assert_eq!(office.code_of(&unbound).await, "E_CERT_UNBOUND");
        let nameless = Wanted { extensions: vec![usage(&[0])], ..Wanted::enterprise(number) };
        assert_eq!(office.code_of(&below.issue(&nameless)).await, "E_CERT_UNBOUND");
        let (browser, shown) = office.sign_in(&unbound).await;
        assert_eq!(shown.status, 422);
        assert!(!browser.cookies.keys().any(|name| name.contains("session")));
        assert!(!shown.text.contains("李*"), "handlers of nobody's certificate");
    });
}

/// Covers C-08: two minutes, once, for this sign-in, this page and this purpose.
#[test]
fn a_challenge_is_answered_once_and_in_time() {
    on_each_database(|on| async move {
        let office = Office::open(on).await;
        let leaf = office.sm2.enterprise();
        let refused = |shown: &Shown| {
            assert_eq!(shown.code(), Some("E_CERT_CHALLENGE"), "{} {}", shown.url, shown.text);
        };
        // In the last second of the two minutes.
        let (mut browser, page) = office.at_door().await;
        let asked = challenge(&mut browser, &page).await;
        let sent = Sent::of(&asked, &leaf, (ORIGIN, "login"));
        office.app.clock.advance(119);
        let good = sent.submit(&mut browser, &page).await;
        assert!(good.url.contains("choose_handler"), "{} {}", good.url, good.text);
        // Too late by a second.
        let (mut browser, page) = office.at_door().await;
        let asked = challenge(&mut browser, &page).await;
        let sent = Sent::of(&asked, &leaf, (ORIGIN, "login"));
        office.app.clock.advance(120);
        refused(&sent.submit(&mut browser, &page).await);
        // Another sign-in's, with a signature that is good there.
        let (mut mine, page) = office.at_door().await;
        let (mut other, other_page) = office.at_door().await;
        let asked = challenge(&mut other, &other_page).await;
        let sent = Sent::of(&asked, &leaf, (ORIGIN, "login"));
        refused(&sent.submit(&mut mine, &page).await);
        let good = sent.submit(&mut other, &other_page).await;
        assert!(good.url.contains("choose_handler"), "{}", good.text);
        // Used: also by an answer that was wrong.
        let asked = challenge(&mut mine, &page).await;
        let wrong = Sent { signature: String::new(), ..Sent::of(&asked, &leaf, (ORIGIN, "login")) };
        refused(&wrong.submit(&mut mine, &page).await);
        let right = Sent::of(&asked, &leaf, (ORIGIN, "login"));
        refused(&right.submit(&mut mine, &page).await);
        // For another site, for a trial, by another key, of another realm's making.
        for (origin, purpose) in [("https://evil.example", "login"), (ORIGIN, "check")] {
            let asked = challenge(&mut mine, &page).await;
            refused(&Sent::of(&asked, &leaf, (origin, purpose)).submit(&mut mine, &page).await);
        }
        let asked = challenge(&mut mine, &page).await;
        let thief = Issued { key: Key::new(Sort::Sm2), ..leaf.clone() };
        refused(&Sent::of(&asked, &thief, (ORIGIN, "login")).submit(&mut mine, &page).await);
        let made_up = Sent { sealed: "AAAA".to_owned(), ..right };
        refused(&made_up.submit(&mut mine, &page).await);
        // A trial's challenge opens no door, whatever is signed.
        let trial = mine.get("/realms/jiangxi/certificates/check/challenge").await;
        let trial: Value = serde_json::from_str(&trial.text).unwrap();
        for purpose in ["login", "check"] {
            refused(&Sent::of(&trial, &leaf, (ORIGIN, purpose)).submit(&mut mine, &page).await);
        }
        // And the page still works for who does it right.
        let done = send(&mut mine, &page, &leaf).await;
        assert!(done.url.contains("choose_handler"), "{}", done.text);
    });
}

/// Covers C-09: another certificate of the same enterprise and authority works at once; another
/// authority's that the enterprise was not given does not.
#[test]
fn a_renewed_certificate_needs_no_registration() {
    on_each_database(|on| async move {
        let office = Office::open(on).await;
        for _ in 0..2 {
            let (_, page) = office.sign_in(&office.sm2.enterprise()).await;
            assert!(page.url.contains("choose_handler"), "{}", page.text);
        }
        let long = Wanted { not_after: START.0 + 5 * YEAR, ..Wanted::enterprise(super::NUMBER) };
        let (_, page) = office.sign_in(&office.sm2.below.issue(&long)).await;
        assert!(page.url.contains("choose_handler"), "{}", page.text);
        office.app.sql("UPDATE enterprise SET certificate_authorities = 'demo-rsa'").await;
        assert_eq!(office.code_of(&office.sm2.enterprise()).await, "E_CERT_UNBOUND");
        let (_, page) = office.sign_in(&office.other.enterprise()).await;
        assert!(page.url.contains("choose_handler"), "{}", page.text);
    });
}

/// Two authorities under one root, and pages that send what stands between: a certificate is its own
/// authority's, whose rules and enterprises count, and one that is neither's is nobody's. C-07, C-09.
#[test]
fn two_authorities_under_one_root_are_not_mixed_up() {
    on_each_database(|on| async move {
        let root = Issued::root(Sort::Sm2, "CN=Shared Root,O=Test,C=CN");
        let under_root = |name: &str| {
            let below = Wanted::authority(&format!("CN={name},O=Test,C=CN"), None);
            Authorities { below: root.issue(&below), root: root.clone() }
        };
        let (first, second) = (under_root("First Sub"), under_root("Second Sub"));
        let realm = realm_with(&first, &second, "revocation = \"soft\"");
        let app = Setup::of(on, vec![realm]).start().await;
        let office = Office { app, sm2: first, other: second };
        let (unlisted, deeper) = (
            under_root("Third Sub").below,
            office.other.below.issue(&Wanted::authority("CN=Deeper Sub,O=Test,C=CN", None)),
        );
        // The second's certificate once more, for the same key.
        let again = Wanted::authority("CN=Second Sub,O=Test,C=CN", None);
        let again = root.issue_for(office.other.below.key.clone(), &again);
        let (first, second) = (&office.sm2.below, &office.other.below);
        for (issuer, sent, of_first, of_second) in [
            (first, vec![], "", "E_CERT_UNBOUND"),
            (first, vec![first, second], "", "E_CERT_UNBOUND"),
            (second, vec![], "E_CERT_UNBOUND", ""),
            (second, vec![second], "E_CERT_UNBOUND", ""),
            (second, vec![&again], "E_CERT_UNBOUND", ""),
            (&deeper, vec![&deeper, second], "E_CERT_UNBOUND", ""),
            (&unlisted, vec![&unlisted], "E_CERT_UNTRUSTED", "E_CERT_UNTRUSTED"),
        ] {
            let leaf = issuer.issue(&Wanted::enterprise(super::NUMBER));
            let sent: Vec<String> =
                sent.iter().map(|one| BASE64_STANDARD.encode(&one.der)).collect();
            for (given, code) in [("demo-sm2", of_first), ("demo-rsa", of_second)] {
                let given = format!("UPDATE enterprise SET certificate_authorities = '{given}'");
                office.app.sql(&given).await;
                let (mut browser, page) = office.at_door().await;
                let asked = challenge(&mut browser, &page).await;
                let answer = Sent::of(&asked, &leaf, (ORIGIN, "login"));
                let answer = Sent { chain: sent.join(" "), ..answer };
                let shown = answer.submit(&mut browser, &page).await;
                let is = shown.code().unwrap_or_default();
                assert_eq!(
                    is,
                    code,
                    "{} with {}: {given}",
                    leaf.parsed().issuer_shown(),
                    sent.len()
                );
            }
        }
    });
}

/// Covers C-10: nobody who could come in: whose relation is over, by its day or by its state, whose enterprise is;
/// and somebody who never agreed to the terms is not listed.
#[test]
fn an_enterprise_without_handlers_has_nobody_to_come_in() {
    on_each_database(|on| async move {
        let office = Office::open(on).await;
        let leaf = office.sm2.enterprise();
        let usable = "UPDATE authorisation SET state = 'active', valid_to = NULL \
                      WHERE identity_type = 'legal_representative'";
        for over in ["valid_to = '2026-11-23'", "state = 'expired'"] {
            office.app.sql(&format!("UPDATE authorisation SET {over}")).await;
            assert_eq!(office.code_of(&leaf).await, "E_NO_IDENTITY", "{over}");
            office.app.sql(usable).await;
            let (_, page) = office.sign_in(&leaf).await;
            assert!(page.url.contains("choose_handler"), "{over}: {}", page.text);
        }
        office.app.sql("DELETE FROM agreement_acceptance").await;
        assert_eq!(office.code_of(&leaf).await, "E_NO_IDENTITY");
        office.app.sql("UPDATE enterprise SET status = '07'").await;
        assert_eq!(office.code_of(&leaf).await, "E_NO_IDENTITY");
    });
}

/// Covers C-03: one must be chosen, and only one of those that are there.
#[test]
fn nobody_is_chosen_who_is_not_listed() {
    on_each_database(|on| async move {
        let office = Office::open(on).await;
        let (mut browser, page) = office.sign_in(&office.sm2.enterprise()).await;
        for id in ["", "nonsense", "00000000-0000-7000-8000-000000000000"] {
            let shown = browser.submit(&page, &[("handler", id)]).await;
            assert_eq!(shown.code(), Some("E_NO_IDENTITY"), "{id}");
        }
        // Relations that are there: two that wait, one of who never agreed, one of another enterprise.
        let app = &office.app;
        let mut unlisted = Vec::new();
        for (phone, kind) in [
            ("13600136000", "tax_clerk"),
            ("13500135000", "tax_clerk"),
            ("13700137000", "finance_supervisor"),
        ] {
            unlisted.push(relation(app, phone, kind).await.id);
        }
        let own = held(&app.ctx, LI).await;
        let elsewhere = own.iter().find(|one| one.identity_type.0 == "tax_clerk").unwrap();
        unlisted.push(elsewhere.id);
        for id in unlisted {
            let shown = browser.submit(&page, &[("handler", &id.to_string())]).await;
            assert_eq!(shown.code(), Some("E_NO_IDENTITY"), "{id}");
            assert!(!browser.cookies.keys().any(|name| name.contains("session")), "{id}");
        }
        // Before the certificate there is no choice, and afterwards no other step.
        let (mut other, first) = office.at_door().await;
        let t = first.hidden()["t"].clone();
        let early = other.get(&format!("/realms/jiangxi/login/choose_handler?t={t}")).await;
        assert!(early.url.contains("/login/credentials"), "{}", early.url);
        let t = page.hidden()["t"].clone();
        let late = browser.get(&format!("/realms/jiangxi/login/credentials?t={t}")).await;
        assert!(late.url.contains("choose_handler"), "{}", late.url);
    });
}

/// Large things are refused, and whoever answers wrongly behind a hall's address keeps nobody there from
/// signing in.
#[test]
fn answers_have_a_size_and_lock_no_address() {
    on_each_database(|on| async move {
        let office = Office::open(on).await;
        let (mut browser, page) = office.at_door().await;
        let leaf = office.sm2.enterprise();
        let asked = challenge(&mut browser, &page).await;
        let mut sent = Sent::of(&asked, &leaf, (ORIGIN, "login"));
        sent.certificate = BASE64_STANDARD.encode(vec![0x30; 20_000]);
        assert_eq!(sent.submit(&mut browser, &page).await.code(), Some("E_CERT_NONE"));
        for n in 0..24 {
            let shown = sent.submit(&mut browser, &page).await;
            assert_eq!(shown.code(), Some("E_CERT_NONE"), "{n}");
        }
        let shown = send(&mut browser, &page, &leaf).await;
        assert!(shown.url.contains("choose_handler"), "{}", shown.text);
        for n in 0..24 {
            let (_, shown) = office.sign_in(&leaf).await;
            assert!(shown.url.contains("choose_handler"), "{n}: {}", shown.text);
        }
    });
}

/// Covers C-05 from the server's side: a trial says what the door would, and signs nobody in.
#[test]
fn a_trial_says_what_a_certificate_is_worth() {
    on_each_database(|on| async move {
        let office = Office::open(on).await;
        let mut browser = office.app.browser();
        let page = browser.get("/realms/jiangxi/certificates/check").await;
        for item in
            ["secure", "permission", "agent", "driver", "token", "certificates", "clock", "trial"]
        {
            assert!(page.text.contains(&format!("data-item=\"{item}\"")), "{item}");
        }
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("http://127.0.0.1:17443") && !policy.contains('*'), "{policy}");
        let good = office.sm2.enterprise();
        let stranger = Authorities::new(Sort::P256).enterprise();
        for (leaf, purpose, code) in [
            (&good, "check", None),
            (&good, "login", Some("E_CERT_CHALLENGE")),
            (&stranger, "check", Some("E_CERT_UNTRUSTED")),
        ] {
            let asked = browser.get("/realms/jiangxi/certificates/check/challenge").await;
            let asked: Value = serde_json::from_str(&asked.text).unwrap();
            let sent = Sent::of(&asked, leaf, (ORIGIN, purpose));
            let told = sent.submit(&mut browser, &page).await;
            let told: Value = serde_json::from_str(&told.text).unwrap();
            assert_eq!(told["ok"], code.is_none(), "{told}");
            assert_eq!(told["code"].as_str(), code);
            assert!(!told.to_string().contains("示例"), "whose it is hears nobody: {told}");
        }
        assert!(browser.cookies.is_empty(), "{:?}", browser.cookies);
    });
}

/// Covers AC-44 and AC-45 from the server's side: both kinds as the bureau sees them, bound or not, each with
/// its first and its last day, and of a new PIN only that it was set.
#[test]
fn the_centre_shows_what_the_token_holds() {
    on_each_database(|on| async move {
        let office = Office::open(on).await;
        let (mut browser, page) = office.sign_in(&office.sm2.enterprise()).await;
        let id = handler(&page, "李*");
        browser.submit(&page, &[("handler", &id)]).await;
        let page = browser.get("/realms/jiangxi/account/certificates").await;
        for shown in ["税务数字证书", "有效期"] {
            assert!(page.text.contains(shown), "{shown}: {}", page.text);
        }
        let national = office.sm2.enterprise();
        let other = office.other.enterprise();
        let foreign = office.sm2.below.issue(&Wanted::enterprise(SAMPLE));
        let stranger = Authorities::new(Sort::P256).enterprise();
        let expired = Wanted { not_after: START.0 - 1, ..Wanted::enterprise(super::NUMBER) };
        let expired = office.sm2.below.issue(&expired);
        let all = [&national, &other, &foreign, &stranger, &expired];
        let ders: Vec<String> = all.iter().map(|one| BASE64_STANDARD.encode(&one.der)).collect();
        let csrf = page.hidden_of_form("pin-submit")["csrf"].clone();
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("csrf", csrf.as_str()),
                ("ders", &format!("{} rubbish", ders.join(" "))),
            ])
            .finish();
        let told =
            browser.once("POST", "/realms/jiangxi/account/certificates/list", Some(body)).await;
        let told: Vec<Value> = serde_json::from_str(&told.text).unwrap();
        assert_eq!(told.len(), 5);
        let states: Vec<&str> = told.iter().map(|one| one["state"].as_str().unwrap()).collect();
        let bound = "已绑定本企业";
        assert_eq!(states, [bound, bound, "未绑定本企业", "颁发机构不受信任", "已过期"]);
        assert_eq!(
            (&told[0]["is_national"], &told[1]["is_national"]),
            (&json!(true), &json!(false))
        );
        let day = |seconds: i64| START.plus(seconds).day().to_string();
        let (from, to) = (day(-YEAR), day(YEAR));
        for (one, to) in told.iter().zip([&to, &to, &to, &to, &day(-1)]) {
            assert_eq!((&one["from"], &one["to"]), (&json!(from), &json!(to)), "{one}");
        }
        assert_eq!(told[0]["serial"], national.parsed().serial_shown());
        assert_eq!(told[0]["issuer"], "Test Sub");
        assert_eq!(told[0]["subject"], "江西示例科技有限公司");
        // Below an authority that only the token has.
        let second =
            office.sm2.root.issue(&Wanted::authority("CN=Second Sub,O=Test,C=CN", Some(0)));
        let below = BASE64_STANDARD.encode(&second.issue(&Wanted::enterprise(super::NUMBER)).der);
        let above = BASE64_STANDARD.encode(&second.der);
        for (chain, state) in [("", "颁发机构不受信任"), (above.as_str(), bound)] {
            let (path, fields) =
                ("/account/certificates/list", [("ders", &*below), ("chain", chain)]);
            let told = post(&office.app, &mut browser, path, &fields).await;
            let told: Vec<Value> = serde_json::from_str(&told.text).unwrap();
            assert_eq!(told[0]["state"], state, "{chain}");
        }
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("csrf", csrf.as_str()), ("act", "changed")])
            .finish();
        browser.send("POST", "/realms/jiangxi/account/certificates", Some(body)).await;
        let audit = office.app.audit().await;
        let changed = audit.iter().find(|one| one["action"] == "certificate_pin_changed").unwrap();
        let mut known: Vec<&String> = changed.as_object().unwrap().keys().collect();
        known.sort();
        assert_eq!(known, ["action", "enterprise", "person"], "nothing but that it happened");
    });
}
