//! What a session is worth that an enterprise's certificate began.

use hufu::domain::entrance::Subject;
use hufu::domain::factor::Factor;
use hufu::outbound::asked::FaceState;
use serde_json::{Value, json};

use super::Authorities;
use super::door::{Office, handler, realm_with};
use crate::account::{LI, held, pass_scan, post};
use crate::kit::pki::{Issued, Key, Sort, Wanted};
use crate::kit::{
    EXAMPLE, FILING, INVOICE, PASSWORD, SAMPLE, Setup, authorize_url, claims, on_each_database,
};
use crate::login::attempts::lines;
use crate::login::level::at_level;
use crate::login::room::tell_of;
use crate::login::scan::{go_on, id as code_id, pass_face, scan};

/// Covers C-03 and DEC-10: what is the person's own asks for the person; the enterprise's affairs do not, and
/// what no enterprise's session may is no matter of proof. The phone says so, and whose face has passed comes in.
#[test]
fn a_certificate_proves_no_person() {
    on_each_database(|on| async move {
        let office = Office::open(on).await;
        let (mut browser, page) = office.sign_in(&office.sm2.enterprise()).await;
        let id = handler(&page, "李*");
        browser.submit(&page, &[("handler", &id)]).await;
        for path in ["/account", "/account/handlers", "/account/certificates"] {
            let shown = browser.get(&format!("/realms/jiangxi{path}")).await;
            assert_eq!(
                (shown.status.as_u16(), shown.url.as_str()),
                (200, &*format!("/realms/jiangxi{path}"))
            );
        }
        for path in [
            "/account/person",
            "/account/password",
            "/account/phones",
            "/account/maintain",
            "/account/documents",
            "/account/security",
            "/account/passkeys",
            "/account/authenticator",
            "/account/devices",
            "/account/level",
            "/account/log",
            "/account/messages",
            "/account/switch",
            "/account/switch/records",
        ] {
            let shown = browser.get(&format!("/realms/jiangxi{path}")).await;
            assert!(shown.url.contains("/login/second_factor"), "{path}: {}", shown.url);
        }
        let before = office.app.said(SECRETS).await;
        for (path, fields) in [
            ("/account/password", vec![("old", PASSWORD), ("password", "Other2026!")]),
            ("/account/phones", vec![("act", "add"), ("phone", "13912345678")]),
            ("/account/switch", vec![("act", "personal")]),
        ] {
            let shown = post(&office.app, &mut browser, path, &fields).await;
            assert!(shown.url.contains("/login/second_factor"), "{path}: {}", shown.url);
        }
        assert_eq!(office.app.said(SECRETS).await, before);
        // Another enterprise's identity of the same person is out of reach for applications, too.
        let wanted = json!([{"type": "tax_identity", "enterprise": "52360100MA3AGENT12"}]);
        let url = authorize_url(
            &FILING,
            &[("authorization_details", &wanted.to_string()), ("prompt", "none")],
        );
        let shown = browser.get(&url).await;
        assert!(shown.answered("code").is_none(), "{:?}", shown.left_to);
        let level =
            authorize_url(&FILING, &[("acr_values", "urn:hufu:realname:1"), ("prompt", "none")]);
        let shown = browser.get(&level).await;
        assert!(shown.answered("code").is_none(), "{:?}", shown.left_to);
        for path in ["/account/cancel", "/account/authorisations"] {
            let shown = browser.get(&format!("/realms/jiangxi{path}")).await;
            assert_eq!(shown.code(), Some("E_ROLE"), "{path}: {}", shown.url);
        }
        // The phone says whose face is asked for, and for what.
        let asked = browser.get("/realms/jiangxi/account/phones").await;
        let mut phone = office.app.browser();
        let code = code_id(&asked);
        let told = scan(&mut phone, &format!("/realms/jiangxi/q/{code}")).await;
        assert!(told.text.contains("确认您是本次登录所选的办税人"), "{}", told.text);
        let own = "/realms/jiangxi/account/password";
        let asked = browser.get(own).await;
        let shown = pass_scan(&office.app, &mut browser, &asked).await;
        assert_eq!((shown.status.as_u16(), &*shown.url), (200, own), "{}", shown.text);
        assert!(shown.text.contains("id=\"password-save\""), "{}", shown.text);
        assert_eq!(browser.get(own).await.url, own, "and is not asked again");
    });
}

/// What those forms would have changed.
const SECRETS: &str = "SELECT COALESCE(a.password_hash, '-') || a.status || (SELECT COUNT(*) FROM phone_binding) AS said FROM account a \
    ORDER BY a.id";

/// Covers E-24: each attempt by a certificate has its line, with the enterprise once the certificate is
/// known to be its own, so that its managers see it (DEC-11).
#[test]
fn every_attempt_by_certificate_is_logged() {
    on_each_database(|on| async move {
        let office = Office::open_with(on, "crl = [\"http://127.0.0.1:9/list.crl\"]").await;
        let strange = Authorities::new(Sort::Sm2);
        // Nobody says whether it was revoked, and this authority must.
        assert_eq!(office.code_of(&office.sm2.enterprise()).await, "E_CERT_UNKNOWN");
        assert_eq!(office.code_of(&strange.enterprise()).await, "E_CERT_UNTRUSTED");
        let unbound = office.other.below.issue(&Wanted::enterprise(SAMPLE));
        assert_eq!(office.code_of(&unbound).await, "E_CERT_UNBOUND");
        let (mut browser, page) = office.sign_in(&office.other.enterprise()).await;
        let id = handler(&page, "李*");
        browser.submit(&page, &[("handler", &id)]).await;
        let told = lines(&office.app).await;
        let told: Vec<&str> =
            told.iter().filter_map(|line| Some(line.split_once('|')?.1)).collect();
        let known = format!("certificate certificate {EXAMPLE}");
        assert_eq!(
            told,
            [
                "certificate certificate - E_CERT_UNBOUND -",
                "certificate certificate - E_CERT_UNTRUSTED -",
                &*format!("{known} E_CERT_UNKNOWN -"),
                &*format!("{known} ok known"),
            ]
        );
        // Whoever comes without end writes a hundred lines an hour.
        let leaf = strange.enterprise();
        tell_of(&office.app, 90).await;
        for _ in 0..12 {
            office.sign_in(&leaf).await;
        }
        let told = lines(&office.app).await;
        let refused = told.iter().filter(|line| !line.ends_with("ok known")).count();
        assert_eq!(refused, 10, "{told:?}");
    });
}

/// Covers C-03: what the registry says meanwhile counts when the handler is chosen.
#[test]
fn who_has_no_certificates_meanwhile_has_nobody_to_choose() {
    on_each_database(|on| async move {
        let office = Office::open(on).await;
        let (mut browser, page) = office.sign_in(&office.sm2.enterprise()).await;
        let id = handler(&page, "李*");
        office.app.sql("UPDATE enterprise SET certificate_authorities = ''").await;
        let shown = browser.submit(&page, &[("handler", &id)]).await;
        assert_eq!(shown.code(), Some("E_NO_IDENTITY"), "{} {}", shown.url, shown.text);
        assert!(!browser.cookies.keys().any(|name| name.contains("session")));
    });
}

/// DEC-10: an application hears in whose name the enterprise acts, and nothing that is that person's own.
#[test]
fn no_application_hears_what_is_the_handlers_own() {
    on_each_database(|on| async move {
        let office = Office::open(on).await;
        let (mut browser, page) = office.sign_in(&office.sm2.enterprise()).await;
        let id = handler(&page, "李*");
        browser.submit(&page, &[("handler", &id)]).await;
        let by_name = json!({"id_token": {"name": null, "phone_number": null, "email": null}});
        let url = authorize_url(
            &FILING,
            &[
                ("scope", "openid profile email phone address tax_identity"),
                ("claims", &by_name.to_string()),
                ("prompt", "none"),
            ],
        );
        let shown = browser.get(&url).await;
        let code = shown.answered("code").unwrap_or_else(|| panic!("{:?}", shown.left_to));
        let (_, tokens) = office.app.redeem(&code).await;
        let (_, told) = office.app.userinfo(tokens["access_token"].as_str().unwrap()).await;
        let signed = claims(tokens["id_token"].as_str().unwrap());
        for heard in [&told, &signed] {
            assert_eq!(heard["name"], "李芳", "{heard}");
            let own = ["phone_number", "phone_number_verified", "email", "email_verified"];
            let own = own.into_iter().chain(["address", "gender", "preferred_username"]);
            for name in own {
                assert_eq!(heard[name], Value::Null, "{name}: {heard}");
            }
        }
        assert_eq!(told["tax_identity"]["identity_type"], "legal_representative");
    });
}

/// DEC-10: a name of the handler's own is not said, so that it admits nobody where it is essential.
#[test]
fn no_name_of_the_handlers_own_admits_a_certificate() {
    on_each_database(|on| async move {
        let office = Office::open(on).await;
        let (mut browser, page) = office.sign_in(&office.sm2.enterprise()).await;
        let id = handler(&page, "李*");
        browser.submit(&page, &[("handler", &id)]).await;
        for is_essential in [true, false] {
            let how = json!({"essential": is_essential, "value": "+8613900139000"});
            let asked = json!({"id_token": {"phone_number": how}}).to_string();
            let url = authorize_url(&FILING, &[("claims", &asked), ("prompt", "none")]);
            let shown = browser.get(&url).await;
            let error = is_essential.then(|| "login_required".to_owned());
            assert_eq!(shown.answered("error"), error, "{:?}", shown.left_to);
            assert_eq!(shown.answered("code").is_some(), !is_essential, "{:?}", shown.left_to);
        }
        // Nor is one told from another's by who is to sign in.
        for hint in ["13900139000", "360121198802290026", "13800138000", "E00000000"] {
            let url = authorize_url(&FILING, &[("login_hint", hint), ("prompt", "none")]);
            let error = browser.get(&url).await.answered("error");
            assert_eq!(error.as_deref(), Some("login_required"), "{hint}");
        }
    });
}

/// What an application asks of the person themself, it asks of the person: whoever holds the enterprise's
/// certificate is asked for the handler's own face, also where a code on their phone would do for others, and lifts
/// no level and allows nothing in their name, by no form that they make by hand either (DEC-10).
#[test]
fn a_certificate_does_nothing_for_an_application_in_the_handlers_name() {
    on_each_database(|on| async move {
        let (sm2, other) = (Authorities::new(Sort::Sm2), Authorities::new(Sort::Rsa(2048)));
        let mut realm = realm_with(&sm2, &other, "revocation = \"soft\"");
        let mut doors = realm.entrances.iter_mut().map(|known| &mut known.entrance);
        let step_up = doors.find(|door| door.subject == Subject::StepUp).unwrap();
        step_up.second_factors.insert(0, Factor::Sms);
        let office = Office { app: Setup::of(on, vec![realm]).start().await, sm2, other };
        let app = &office.app;
        let person = held(&app.ctx, LI).await.remove(0).person;
        at_level(app, person, 2).await;
        let (mut browser, page) = office.sign_in(&office.sm2.enterprise()).await;
        let id = handler(&page, "李*");
        browser.submit(&page, &[("handler", &id)]).await;
        let level = authorize_url(&FILING, &[("acr_values", "urn:hufu:realname:3")]);
        let consent = authorize_url(&INVOICE, &[]);
        for (asked, path, act) in [(&level, "/raise", "raise"), (&consent, "/consent", "allow")] {
            let page = browser.get(asked).await;
            assert!(
                page.url.contains("/login/second_factor"),
                "{path}: {} {}",
                page.url,
                page.text
            );
            assert!(!page.text.contains("id=\"way-sms\""), "{path}: {}", page.text);
            let request = asked.split_once('?').unwrap().1;
            let fields = [("request", request), ("act", act)];
            let page = post(app, &mut browser, path, &fields).await;
            assert!(
                page.url.contains("/login/second_factor"),
                "{path}: {} {}",
                page.url,
                page.text
            );
        }
        let page = browser.get("/realms/jiangxi/account/person").await;
        assert!(page.url.contains("/login/second_factor"), "{} {}", page.url, page.text);
        assert!(!page.text.contains("id=\"way-sms\""), "{}", page.text);
        let now = app.ctx.rows().people().find(person).await.unwrap().unwrap();
        assert_eq!(now.real_name_level, 2);
        let given = app.ctx.rows().grants().consent(person, INVOICE.id).await.unwrap();
        assert_eq!(given, None);
        // Whoever is the handler goes on.
        let page = browser.get(&consent).await;
        pass_face(app, &page, FaceState::Passed).await;
        let page = go_on(&mut browser, &page).await;
        let done = browser.submit(&page, &[("act", "allow")]).await;
        assert!(done.answered("code").is_some(), "{} {}", done.url, done.text);
    });
}

/// Nor does it show as whom the handler works elsewhere: not beside the pages, not in the chooser, not by what an
/// application hears (DEC-10).
#[test]
fn a_certificate_tells_nothing_of_the_handlers_other_identities() {
    on_each_database(|on| async move {
        let office = Office::open(on).await;
        let (mut browser, page) = office.sign_in(&office.sm2.enterprise()).await;
        let id = handler(&page, "李*");
        browser.submit(&page, &[("handler", &id)]).await;
        for path in ["/account", "/signed-in"] {
            let shown = browser.get(&format!("/realms/jiangxi{path}")).await;
            assert!(shown.text.contains("南昌示例科技"), "{path}: {}", shown.text);
            assert!(!shown.text.contains("南昌样板商贸"), "{path}: {}", shown.text);
        }
        let asked = authorize_url(&FILING, &[("prompt", "select_account")]);
        let page = browser.get(&asked).await;
        assert!(page.url.contains("/login/second_factor"), "{} {}", page.url, page.text);
        assert!(!page.text.contains("南昌样板商贸"), "{}", page.text);
        for number in [SAMPLE, "92360111MA36K0QR34"] {
            let url = authorize_url(&FILING, &[("identity_hint", number), ("prompt", "none")]);
            let error = browser.get(&url).await.answered("error");
            assert_eq!(error.as_deref(), Some("interaction_required"), "{number}");
        }
    });
}

/// Covers C-06: beside national certificates and RSA one with ECDSA on P-256 comes in, from the door to its claims;
/// what another key of that curve has signed does not, nor what another authority has issued.
#[test]
fn an_ecdsa_certificate_comes_in_too() {
    on_each_database(|on| async move {
        let (sm2, other) = (Authorities::new(Sort::Sm2), Authorities::new(Sort::P256));
        let realm = realm_with(&sm2, &other, "revocation = \"soft\"");
        let office = Office { app: Setup::of(on, vec![realm]).start().await, sm2, other };
        let leaf = office.other.enterprise();
        let stranger = Authorities::new(Sort::P256).enterprise();
        assert_eq!(office.code_of(&stranger).await, "E_CERT_UNTRUSTED");
        let thief = Issued { key: Key::new(Sort::P256), ..leaf.clone() };
        assert_eq!(office.code_of(&thief).await, "E_CERT_CHALLENGE");
        for (leaf, amr) in [(&leaf, "hwk"), (&office.sm2.enterprise(), "swk")] {
            let (mut browser, page) = office.sign_in(leaf).await;
            assert!(page.url.contains("/login/choose_handler"), "{} {}", page.url, page.text);
            let id = handler(&page, "李*");
            let done = browser.submit(&page, &[("handler", &id)]).await;
            let code = done.answered("code").unwrap_or_else(|| panic!("{}", done.text));
            let (status, tokens) = office.app.redeem(&code).await;
            assert_eq!(status, 200, "{tokens}");
            let told = claims(tokens["id_token"].as_str().unwrap());
            assert_eq!(told["amr"], json!([amr]));
            assert_eq!(told["tax_identity"]["identity_type"], "legal_representative");
            assert_eq!(told["acr"], "urn:hufu:realname:0");
            assert_eq!(told["tax_identity"]["enterprise"]["uscc"], EXAMPLE);
        }
    });
}
