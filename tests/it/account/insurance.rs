//! A social-insurance sign-in says nothing about tax: it decides no authorisation, in either direction.

use hufu::domain::acting::Acting;
use hufu::domain::entrance::Audience;
use hufu::domain::function::{Function, Role};

use super::{LI, WANG, as_li, get, held, post, relation};
use crate::kit::browser::unescape;
use crate::kit::{
    Browser, EXAMPLE, FILING, TestApp, authorize_url, on_each_database, on_one_database,
};
use crate::login::doors::{DOORS, Door, INSURANCE};
use crate::login::level::{at_level, with_session_of};
use crate::login::scan::{code, go_on, login_page, scan, told};

/// Signed in at one of the two doors.
async fn insured(app: &TestApp, door: &Door) -> Browser {
    app.clock.advance(3601);
    let (mut browser, page) = door.at_second_factor(app).await;
    let page = browser.pass_second_factor(app, &page, door.phone).await;
    let done = door.choose(&mut browser, page).await;
    assert!(done.answered("code").is_some(), "{}: {}", door.id, done.text);
    browser
}

async fn as_insured(app: &TestApp, phone: &'static str) -> Browser {
    insured(app, &Door { phone, ..DOORS[5] }).await
}

/// Every authorisation, its history, what is told and what applications hear.
async fn everything(app: &TestApp) -> Vec<Vec<String>> {
    let rows = app.rows_of("jiangxi").await;
    let tables =
        ["authorisation", "authorisation_event", "authorisation_history", "notice", "delivery"];
    tables.iter().map(|table| rows.get(*table).cloned().unwrap_or_default()).collect()
}

/// Nor by lending what it has proved to a browser: a phone that came by such a door signs nobody in at
/// the others.
#[test]
fn a_social_insurance_phone_signs_no_browser_in() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for door in [&DOORS[4], &DOORS[5]] {
            let mut phone = insured(&app, door).await;
            let (mut browser, page) = login_page(&app).await;
            let asked = scan(&mut phone, &code(&page)).await;
            let refused = phone.submit(&asked, &[("act", "confirm")]).await;
            assert_eq!(refused.code(), Some("E_ROLE"), "{}: {}", door.id, refused.text);
            assert_ne!(told(&mut browser, &page).await["state"], "confirmed", "{}", door.id);
            assert!(go_on(&mut browser, &page).await.answered("code").is_none(), "{}", door.id);
            assert!(door.is_signed_out(&mut browser).await, "{}", door.id);
        }
    });
}

/// A form: who is asked (a phone), where, what.
type Posted<'a> = (&'static str, String, Vec<(&'a str, &'a str)>);

fn of_persons<'a>(history: &str, [pending, applied, active]: [&'a str; 3]) -> Vec<Posted<'a>> {
    let one = |phone, fields| (phone, "/account/authorisations".to_owned(), fields);
    let apply = vec![("number", EXAMPLE), ("identity_type", "tax_clerk"), ("sure", "yes")];
    vec![
        one("13600136000", vec![("act", "confirm"), ("id", pending), ("sure", "yes")]),
        one("13600136000", vec![("act", "confirm"), ("id", pending)]),
        one("13600136000", vec![("act", "reject"), ("id", pending)]),
        one("13500135000", vec![("act", "withdraw"), ("id", applied)]),
        one(WANG, vec![("act", "delete"), ("id", active), ("sure", "yes")]),
        one(WANG, vec![("act", "sync"), ("id", active)]),
        (WANG, "/account/authorisations/apply".to_owned(), apply),
        (WANG, history.to_owned(), vec![("act", "clear"), ("sure", "yes")]),
        (WANG, history.to_owned(), vec![("act", "clear-all"), ("sure", "yes")]),
    ]
}

fn of_managers([pending, applied, active]: [&str; 3]) -> Vec<Posted<'_>> {
    let one = |id: &str, fields| (LI, format!("/account/handlers/{id}"), fields);
    let saved = |act| vec![("act", act), ("p-TAX_FILING", "yes"), ("term", "long")];
    vec![
        (LI, "/account/handlers/add".to_owned(), super::NEW.to_vec()),
        one(applied, saved("confirm-save")),
        one(applied, vec![("act", "reject"), ("sure", "yes")]),
        one(pending, vec![("act", "withdraw"), ("sure", "yes")]),
        one(active, saved("edit-save")),
        one(active, saved("renew-save")),
        one(active, vec![("act", "delete"), ("sure", "yes")]),
        one("history", vec![("act", "clear"), ("sure", "yes")]),
    ]
}

/// Accept, reject, add, withdraw, edit, renew, delete, apply, synchronise, clear: by the person and by the
/// enterprise's manager, every form is `E_ROLE` to a social-insurance session, changes nothing, and the same
/// form is taken from a tax session (so that it is the form that is meant).
#[test]
fn a_social_insurance_session_decides_no_authorisation() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let one = |phone: &'static str, state: &'static str| {
            let app = &app;
            async move {
                let held = held(&app.ctx, phone).await;
                let found = held.into_iter().find(|one| {
                    one.state().name() == state && one.identity_type.0 != "legal_representative"
                });
                found.unwrap_or_else(|| panic!("{phone} {state}")).id.to_string()
            }
        };
        let pending = one("13600136000", "pending_by_person").await;
        let applied = one("13500135000", "pending_by_enterprise").await;
        let active = one(WANG, "active").await;
        let before = everything(&app).await;

        let path = "/account/authorisations";
        let history = format!("{path}/history");
        let persons = of_persons(&history, [&pending, &applied, &active]);
        for (phone, path, fields) in &persons {
            let mut browser = as_insured(&app, phone).await;
            let refused = post(&app, &mut browser, path, fields).await;
            assert_eq!(refused.code(), Some("E_ROLE"), "{path} {fields:?}: {}", refused.text);
        }
        let mut own = as_insured(&app, WANG).await;
        for path in
            [path, "/account/authorisations/held", "/account/authorisations/apply", &history]
        {
            assert_eq!(get(&mut own, path).await.code(), Some("E_ROLE"), "{path}");
        }
        // What is the person's own stays, and the menu does not lead where nothing opens.
        for path in ["/account/person", "/account/log", "/account/messages", "/account/level"] {
            let page = get(&mut own, path).await;
            assert_eq!((page.status.as_u16(), page.code()), (200, None), "{path}");
            assert!(
                !page.text.contains("href=\"/realms/jiangxi/account/authorisations\""),
                "{path}"
            );
        }

        let managers = of_managers([&pending, &applied, &active]);
        let mut unit = insured(&app, &DOORS[4]).await;
        for (_, path, fields) in &managers {
            let refused = post(&app, &mut unit, path, fields).await;
            assert_eq!(refused.code(), Some("E_ROLE"), "{path} {fields:?}");
        }
        for path in
            ["/account", "/account/handlers", "/account/handlers/pending", "/account/switch"]
        {
            let refused = get(&mut unit, path).await;
            assert_eq!(refused.code(), Some("E_ROLE"), "{path}");
            let back = unescape(&refused.text).contains("href=\"/realms/jiangxi/signed-in\"");
            assert!(back, "where it leads back is no refusal: {}", refused.text);
        }
        let home = get(&mut unit, "/signed-in").await;
        assert_eq!((home.status.as_u16(), home.code()), (200, None), "{}", home.text);
        assert!(!unescape(&home.text).contains("/account"), "what opens to nobody: {}", home.text);
        assert_eq!(everything(&app).await, before, "nothing is changed, nobody is told");

        // The same by a tax session is taken.
        let mut li = as_li(&app).await;
        let done = post(&app, &mut li, &managers[3].1, &managers[3].2).await;
        assert!(done.code().is_none(), "{}", done.text);
        let mut zhao = super::as_person(&app, "13600136000").await;
        let mut own = super::as_person(&app, WANG).await;
        assert_eq!(get(&mut zhao, path).await.status.as_u16(), 200);
        let done = post(&app, &mut own, &persons[4].1, &persons[4].2).await;
        assert!(done.url.contains("done=relation-ended"), "{}", done.text);
    });
}

/// Somebody whose relation to a unit only waits for them: the door of the unit confirms nothing on the way
/// in, whoever they would be there.
#[test]
fn the_units_door_confirms_nothing_on_the_way_in() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for identity_type in ["legal_representative", "finance_supervisor", "tax_clerk"] {
            app.sql(&format!(
                "UPDATE authorisation SET identity_type = '{identity_type}' \
                 WHERE state = 'pending_by_person'"
            ))
            .await;
            app.clock.advance(61);
            let door = Door { phone: "13600136000", ..DOORS[4] };
            let (mut browser, page) = door.at_second_factor(&app).await;
            let end = browser.pass_second_factor(&app, &page, door.phone).await;
            assert_eq!(end.code(), Some("E_NO_IDENTITY"), "{identity_type}: {}", end.text);
            assert!(!end.text.contains("name=\"confirm\""));
            let form = [("confirm", &*held(&app.ctx, door.phone).await[0].id.to_string())];
            let t = page.hidden()["t"].clone();
            let forged = [form[0], ("t", t.as_str())];
            browser.submit(&page, &forged).await;
            let state = held(&app.ctx, door.phone).await.remove(0);
            assert_eq!(state.state().name(), "pending_by_person", "{identity_type}");
        }
    });
}

/// The one table: by audience, role and function.
#[test]
fn tax_functions_are_for_tax_sessions() {
    use Function as F;
    let all = [
        F::EnterpriseBasics,
        F::KeyPersons,
        F::TaxAndInvestors,
        F::Reveal,
        F::ListHandlers,
        F::AddHandler,
        F::WithdrawPending,
        F::DecideApplication,
        F::EditHandler,
        F::DeleteHandler,
        F::ClearHistory,
        F::OwnAgencies,
        F::AgencyClients,
        F::PersonalInformation,
        F::OwnSecurity,
        F::SwitchEnterprise,
        F::SwitchCrossRegion,
        F::SwitchPersonal,
        F::OwnAuthorisations,
        F::LoginLog,
        F::EnterpriseLog,
    ];
    let roles = [
        Role::Manager,
        Role::Handler,
        Role::Agent,
        Role::AgencyManager,
        Role::SpecificEntity,
        Role::Person,
    ];
    let own = [F::Reveal, F::PersonalInformation, F::OwnSecurity, F::LoginLog];
    for function in all {
        for role in roles {
            assert!(function.is_for(Audience::Tax, role));
            let opens = function.is_for(Audience::SocialInsurance, role) && role.may(function);
            let expected = role == Role::Person && own.contains(&function);
            assert_eq!(opens, expected, "{function:?} {role:?}");
        }
    }
}

/// Whose documents are good for no level any more is led to where they are renewed, where the session opens that; a
/// unit's session says by which sign-in it opens. Covers L-11.
#[test]
fn a_units_session_says_where_documents_are_renewed() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        let own = relation(&app, LI, "legal_representative").await;
        let acting = Acting::Enterprise(own.id);
        let mut browser = with_session_of(&app, own.person, acting, &["pwd", "sms", "mfa"]).await;
        at_level(&app, own.person, 2).await;
        app.sql("UPDATE identity_document SET valid_to = '2026-08-25'").await;
        let three = [("acr_values", "urn:hufu:realname:3")];
        for (application, entrance, leads) in
            [(&FILING, "enterprise", true), (&INSURANCE, "social_insurance_unit", false)]
        {
            app.sql(&format!("UPDATE session SET entrance = '{entrance}'")).await;
            let page = browser.get(&authorize_url(application, &three)).await;
            assert!(page.url.contains("/raise?"), "{entrance}: {} {}", page.url, page.text);
            let page = browser.submit(&page, &[("act", "raise")]).await;
            assert_eq!(page.code(), Some("E_NO_DOCUMENT"), "{entrance}: {}", page.text);
            assert_eq!(page.text.contains("id=\"to-documents\""), leads, "{}", page.text);
            assert_eq!(page.text.contains("请以自然人身份登录"), !leads, "{}", page.text);
        }
    });
}
