//! The guide's three steps in their order, in English, to the first token for invoices.

use hufu::domain::non_resident::Declared;
use hufu::domain::refusal::Refusal;
use hufu::flows::feed::{Format, import};
use hufu::flows::non_resident as flow;
use serde_json::json;

use super::*;
use crate::account::as_person;
use crate::kit::{INVOICE, VERIFIER, authorize_url, claims, on_each_database};

/// What stands in the middle of a page, without what somebody typed in Chinese.
fn without_names(page: &Shown) -> String {
    let middle = page.text.split("card centre").nth(1).expect("a page of the centre");
    middle.split("</section>\n</div>").next().unwrap().replace("泰文贸易有限公司", "")
}

fn is_english(page: &Shown) -> bool {
    let is_han = |c: char| ('\u{3400}'..='\u{9fff}').contains(&c);
    !without_names(page).contains(is_han)
}

/// The form with its words at each field, a file, and handed in.
async fn handed_in(app: &TestApp) -> (Browser, ApplicationId) {
    let mut chan = overseas(app, CHAN).await;
    let page = chan.get("/realms/jiangxi/account/person").await;
    assert!(page.text.contains(PAGE), "the menu leads there: {}", page.text);
    let page = chan.get(PAGE).await;
    assert!(page.text.contains("begin-application") && is_english(&page), "{}", page.text);
    let form = chan.get(FORM).await;
    assert!(is_english(&form), "{}", without_names(&form));
    // Nothing is missing without a word at its field.
    let empty: Vec<(&str, &str)> = GOOD.iter().map(|(name, _)| (*name, "")).collect();
    let page = chan.submit(&form, &empty).await;
    assert_eq!(page.code(), Some("E_FORMAT"));
    for (field, _) in GOOD.iter().filter(|(name, _)| *name != "contact_phone") {
        assert!(page.text.contains(&format!("id=\"{field}-wrong\"")), "{field}: {}", page.text);
    }
    assert!(is_english(&page), "{}", without_names(&page));
    let page = chan.submit(&form, &GOOD).await;
    assert_eq!((page.code(), state_of(&page)), (None, "draft"), "{}", page.text);
    let id = id_of(&page);
    // No step is left out: what was not submitted is not approved, nor submitted without a file.
    let identity = Declared::PersonInCharge;
    let early = flow::approve(&app.ctx, &officer("zhang"), id, identity).await;
    assert_eq!(refused(early), Refusal::State);
    let page = chan.submit(&page, &[("act", "submit")]).await;
    assert_eq!(page.code(), Some("E_FORMAT"), "{}", page.text);
    assert!(flow::waiting(&app.ctx).await.unwrap().is_empty());
    let page = add_file(&mut chan, &page, "C:\\papers\\certificate.png", PNG).await;
    assert!(page.text.contains(">certificate.png<"), "{}", page.text);
    let page = chan.submit(&page, &[("act", "submit")]).await;
    assert_eq!(state_of(&page), "submitted", "{}", page.text);
    assert!(is_english(&page), "{}", without_names(&page));
    (chan, id)
}

/// The code opens its door at once, and the application for invoices has its token.
pub async fn invoices(app: &TestApp, code: &str) -> Browser {
    // At once, by the address and no other document.
    let (mut browser, page) = at_door(app, "non_resident", code, CHAN).await;
    assert!(page.url.ends_with("/signed-in"), "{} {}", page.url, page.text);
    let page = browser.get(&authorize_url(&INVOICE, &[])).await;
    let page = browser.submit(&page, &[("act", "allow")]).await;
    let given = page.answered("code").unwrap_or_else(|| panic!("{} {}", page.url, page.text));
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &*given),
        ("redirect_uri", INVOICE.redirect_uri),
        ("code_verifier", VERIFIER),
    ];
    let (_, tokens) = app.post("/token", Some((INVOICE.id, INVOICE.secret)), &form).await;
    let told = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(told["tax_identity"]["kind"], "non_resident", "{told}");
    assert_eq!(told["tax_identity"]["enterprise"]["tin"], code);
    assert_eq!(told["tax_identity"]["identity_type"], "legal_representative");
    browser
}

/// Covers N-05, N-06, N-07, N-08, N-09, N-10: registered, signed in, applied, returned, corrected, approved,
/// and at once signed in with the code, to a token of the application for invoices.
#[test]
fn an_overseas_person_brings_an_enterprise_to_its_first_invoice() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut chan, id) = handed_in(&app).await;
        let identity = Declared::PersonInCharge;
        let [waiting] = &flow::waiting(&app.ctx).await.unwrap()[..] else { panic!("one waits") };
        assert!(!waiting.is_late && !waiting.is_flagged);
        // With the bureau nothing is changed any more.
        for (path, values) in [(PAGE, vec![("act", "submit")]), (FORM, GOOD.to_vec())] {
            let id = id.to_string();
            let mut values = values;
            values.push(("application", &id));
            let path = path.trim_start_matches("/realms/jiangxi");
            let page = crate::account::post(&app, &mut chan, path, &values).await;
            assert_eq!(page.code(), Some("E_STATE"), "{path}");
        }
        // From Tuesday to the end of Wednesday.
        app.clock.advance(2 * 86_400);
        assert!(flow::waiting(&app.ctx).await.unwrap()[0].is_late);

        let mut chan = signed_in(&app, CHAN).await;
        let reason =
            Helper::new("zhang", "The address is not the one of the certificate.").unwrap();
        flow::return_for_correction(&app.ctx, &reason, id).await.unwrap();
        app.deliver().await;
        let page = chan.get(PAGE).await;
        assert_eq!(state_of(&page), "returned");
        assert!(page.text.contains("not the one of the certificate") && is_english(&page));
        let messages = chan.get("/realms/jiangxi/account/messages").await;
        assert!(messages.text.contains("returned for correction"), "{}", messages.text);
        let form = chan.get(FORM).await;
        assert!(form.text.contains("value=\"22-334 455\""), "{}", form.text);
        for other in [("home_number", "22-334 456"), ("residence", "MAC")] {
            let page = chan.submit(&form, &but(&[other])).await;
            assert_eq!(page.code(), Some("E_IMMUTABLE"), "{other:?}");
            assert!(is_english(&page), "{}", without_names(&page));
        }
        let corrected =
            but(&[("address_abroad", "2 Queen's Road, Hong Kong"), ("home_number", "22334455")]);
        let page = chan.submit(&form, &corrected).await;
        assert!(page.text.contains("<dd>2 Queen"), "{}", page.text);
        let page = chan.submit(&page, &[("act", "submit")]).await;
        assert_eq!(state_of(&page), "submitted", "{}", page.text);

        let case = flow::look(&app.ctx, &officer("zhang"), id).await.unwrap();
        assert_eq!((case.applicant.name.as_str(), case.alike.len()), ("CHAN Tai Man", 0));
        let file = case.files[0].id;
        let (_, content) = flow::file(&app.ctx, &officer("zhang"), id, file).await.unwrap();
        assert_eq!(content, PNG);
        let code = approved(&app, "zhang", id).await.expect("a code");
        assert_eq!(code.len(), 18);
        assert!(code.starts_with("FJ360000344000001"), "{code}");
        let again = flow::approve(&app.ctx, &officer("wu"), id, identity).await;
        assert_eq!(refused(again), Refusal::State);
        app.deliver().await;
        let mailed = app.ctx.services.outbound.inbox.messages();
        let told = format!("non-resident-approved {code}");
        assert!(mailed.iter().any(|one| one.to == CHAN.contact && one.code == told), "{mailed:?}");
        let page = chan.get(PAGE).await;
        assert!(page.text.contains(&format!("data-nr-code=\"{code}\"")), "{}", page.text);
        assert!(is_english(&page), "{}", without_names(&page));

        let mut browser = invoices(&app, &code).await;
        let acts: Vec<String> = reviews(&app).await.into_iter().map(|(act, _)| act).collect();
        assert_eq!(acts, ["return", "look", "look-at-file", "approve"]);
        // What the officer wrote is told once; who it was is the bureau's.
        let security = browser.get("/realms/jiangxi/account/security").await;
        assert!(!security.text.contains("zhang"));
    });
}

/// Covers N-05: step 1 comes first. Whom the registry knows, whoever registered here as a domestic person, or
/// is not signed in, has no way in.
#[test]
fn nobody_else_applies() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        registered(&app, XU).await;
        let xu = ("", XU.contact, NEW_PASSWORD);
        let at_home = crate::account::at_door(&app, "natural_person", xu, "").await;
        for mut browser in [as_person(&app, crate::account::WANG).await, at_home] {
            for path in [PAGE, FORM] {
                let page = browser.get(path).await;
                assert_eq!(page.code(), Some("E_STATE"), "{}", page.text);
            }
            let page = browser.get("/realms/jiangxi/account/person").await;
            assert!(!page.text.contains(PAGE), "{}", page.text);
            let mut fields = GOOD.to_vec();
            fields.push(("application", ""));
            let path = "/account/non-resident/form";
            let page = crate::account::post(&app, &mut browser, path, &fields).await;
            assert_eq!(page.code(), Some("E_STATE"));
        }
        let mut nobody = app.browser();
        for path in [PAGE, FORM, FILE] {
            assert!(nobody.get(path).await.url.contains("/login"), "{path}");
        }
        let sent = nobody.send_file(FILE, &[("csrf", "x")], ("a.png", PNG)).await;
        assert!(sent.url.contains("/login"), "{}", sent.url);
        assert!(app.said("SELECT state AS said FROM nr_application").await.is_empty());
    });
}

/// The core tells such an enterprise later under its own serial number: it is the same one, and its person
/// goes on working for it.
#[test]
fn the_core_takes_over_what_was_registered_here() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut chan = overseas(&app, CHAN).await;
        let id = applied(&mut chan, &GOOD).await;
        let code = approved(&app, "zhang", id).await.unwrap();
        let line = json!({"feed": "enterprise", "source_key": "nr1", "version": 1,
            "registration_no": "10113601000000000999", "tin": code, "name": "泰文贸易有限公司",
            "kind": "non_resident", "status": "03", "tax_authority": "13601000000"});
        for _ in 0..2 {
            let text = line.to_string();
            let done = import(&app.ctx, "t", text.as_bytes(), Format::JsonLines, None).await;
            assert!(done.as_ref().unwrap().failed.is_empty(), "{done:?}");
        }
        let sql = format!("SELECT registration_no AS said FROM enterprise WHERE tin = '{code}'");
        assert_eq!(app.said(&sql).await, ["10113601000000000999"]);
        let (_, page) = at_door(&app, "non_resident", &code, CHAN).await;
        assert!(page.url.ends_with("/signed-in"), "{} {}", page.url, page.text);
    });
}
