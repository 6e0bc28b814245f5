//! Real-name levels: seen, raised one by one, never by a provider that is away.

use hufu::base::id::{PersonId, SessionId};
use hufu::domain::acting::Acting;
use hufu::domain::person::Person;
use hufu::domain::session::Session;
use hufu::outbound::asked::{FaceState, NameAnswer};

use serde_json::json;

use super::doors::DOORS;
use super::scan::{face_result, go_on, id, number, pass_face, scan};
use crate::account::post;
use crate::kit::{
    Browser, FILING, PASSWORD, Setup, TestApp, authorize_url, claims, demo_realm, on_each_database,
};
use crate::protocol::authorize::signed_in;

const OWN: &str = "/realms/jiangxi/account/level";

fn level(page: &crate::kit::browser::Shown) -> String {
    let text = page
        .text
        .split("id=\"level\" data-level=\"")
        .nth(1)
        .unwrap_or_else(|| panic!("{}", page.text));
    text.split('"').next().unwrap().to_owned()
}

/// Covers L-01, L-04, L-05, L-07, L-08, L-09, L-10.
#[test]
fn a_level_is_raised_step_by_step() {
    on_each_database(|on| async move {
        // 李芳 comes from the old system with her phone alone.
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let rows = app.ctx.rows();
        let phone = hufu::domain::number::phone::Phone::parse("13900139000").unwrap();
        let account = rows.accounts().find_by_phone(&phone).await.unwrap().unwrap();
        let mut person = rows.people().find(account.person).await.unwrap().unwrap();
        person.real_name_level = 1;
        let tx = app.ctx.begin().await.unwrap();
        tx.rows().people().update(&person).await.unwrap();
        tx.commit().await.unwrap();
        // Level 2 is the phone, which her sign-in has just proved: one step, not two.
        let page = browser.get(OWN).await;
        assert_eq!(level(&page), "1");
        let page = browser.submit(&page, &[("act", "raise")]).await;
        assert_eq!(level(&page), "2");
        assert!(page.text.contains("手机验证 · 2026-11-24"), "{}", page.text);
        // The authority is away, or does not know her: the level stays.
        let names = &app.ctx.services.outbound.registry_of_names;
        names.set_down(true);
        let away = browser.submit(&page, &[("act", "raise")]).await;
        assert_eq!((away.status.as_u16(), away.code()), (503, Some("E_REAL_NAME_UNAVAILABLE")));
        names.set_down(false);
        for answer in [NameAnswer::Mismatch, NameAnswer::NotFound, NameAnswer::Unsupported] {
            names.script(answer);
            let refused = browser.submit(&page, &[("act", "raise")]).await;
            assert_eq!((refused.code(), level(&refused).as_str()), (Some("E_REAL_NAME"), "2"));
        }
        let page = browser.submit(&page, &[("act", "raise")]).await;
        assert_eq!(level(&page), "3");
        assert!(page.text.contains("实名核验 · 2026-11-24"), "{}", page.text);
        // 3 to 4: scan and face.
        let factor = browser.submit(&page, &[("act", "raise")]).await;
        assert!(factor.url.contains("/login/second_factor"), "{}", factor.url);
        let code = format!("/realms/jiangxi/q/{}", id(&factor));
        let mut phone = app.browser();
        let asked = scan(&mut phone, &code).await;
        let chosen = number(&app.ctx, &factor).await;
        let left = phone.submit(&asked, &[("act", "confirm"), ("number", &chosen)]).await;
        let handle = left.left_to.unwrap().rsplit('/').next().unwrap().to_owned();
        let back = app.ctx.services.outbound.sandbox.decide(&handle, FaceState::Passed).unwrap();
        face_result(&mut phone, &back).await;
        let page = go_on(&mut browser, &factor).await;
        assert_eq!(level(&page), "4", "{}", page.url);
        assert!(!page.text.contains("value=\"raise\""), "nothing is left to raise here");
    });
}

/// A browser with a session of somebody, proved as `amr` says, past every door.
pub async fn with_session(app: &TestApp, phone: &str, acting: Acting, amr: &[&str]) -> Browser {
    let bound = hufu::domain::number::phone::Phone::parse(phone).unwrap();
    let account = app.ctx.rows().accounts().find_by_phone(&bound).await.unwrap().unwrap();
    with_session_of(app, account.person, acting, amr).await
}

pub async fn with_session_of(
    app: &TestApp,
    person: PersonId,
    acting: Acting,
    amr: &[&str],
) -> Browser {
    let person = app.ctx.rows().people().find(person).await.unwrap().unwrap();
    let mut session = session(app, &person).await;
    session.amr = amr.iter().map(|method| (*method).to_owned()).collect();
    session.acting = acting;
    session.one_way_personal = acting == Acting::Personal;
    if acting != Acting::Personal {
        "enterprise".clone_into(&mut session.entrance);
    }
    let cookie = app.ctx.random().token();
    let tx = app.ctx.begin().await.unwrap();
    session.cookie = cookie.hashed();
    tx.rows().sessions().add(&session).await.unwrap();
    tx.commit().await.unwrap();
    let mut browser = app.browser();
    let name = "__Host-hufu-session-jiangxi".to_owned();
    browser.cookies.insert(name, cookie.expose().to_owned());
    browser
}

pub async fn at_level(app: &TestApp, person: PersonId, level: u8) {
    let rows = app.ctx.rows();
    let mut person = rows.people().find(person).await.unwrap().unwrap();
    person.real_name_level = level;
    let tx = app.ctx.begin().await.unwrap();
    tx.rows().people().update(&person).await.unwrap();
    tx.commit().await.unwrap();
}

pub async fn person_of(app: &TestApp, username: &str) -> PersonId {
    let name = hufu::domain::number::username::Username::parse(username).unwrap();
    app.ctx.rows().accounts().find_by_username(&name).await.unwrap().unwrap().person
}

/// Where nobody can be asked online the page says where to go instead: nobody knows names here, or no
/// phone is bound.
#[test]
fn what_cannot_be_proved_here_is_not_offered() {
    on_each_database(|on| async move {
        for (stored, username) in [(2, "wangxm"), (1, "chenjing")] {
            let setup = Setup { has_sandboxes: stored == 1, ..Setup::of(on, vec![demo_realm()]) };
            let app = setup.start().await;
            let person = person_of(&app, username).await;
            at_level(&app, person, stored).await;
            let mut browser = with_session_of(&app, person, Acting::Personal, &["pwd"]).await;
            let page = browser.get(OWN).await;
            assert!(page.text.contains("办税服务厅"), "{}", page.text);
            assert!(!page.text.contains("value=\"raise\""));
            let act = [("act", "raise")];
            let refused = post(&app, &mut browser, "/account/level", &act).await;
            let expected = (Some("E_OFFLINE_ONLY"), stored.to_string());
            assert_eq!((refused.code(), level(&refused)), expected);
        }
    });
}

/// A password alone is level 1, in the session and for the application. Level 2 is a phone that got a code:
/// a sign-in that proved none asks for it then, and a wrong code leaves the level. Covers L-02, L-03.
#[test]
fn a_password_is_level_one_and_a_phone_level_two() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let person = person_of(&app, "wangxm").await;
        at_level(&app, person, 1).await;
        // By a browser that is known: no phone was asked.
        let door = &DOORS[1];
        let (mut browser, page) = door.open(&app).await;
        let url = page.url.replace("natural_person", "all_in_one");
        let page = browser.get(&url).await;
        super::devices::given_cookie(&app, &mut browser, "all_in_one", door.phone).await;
        let chooser = door.type_in(&mut browser, &page, (door.phone, PASSWORD)).await;
        let done = browser.submit(&chooser, &[("identity", "personal")]).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        assert_eq!(claims(tokens["id_token"].as_str().unwrap())["acr"], "urn:hufu:realname:1");
        let page = browser.get(OWN).await;
        assert_eq!(level(&page), "1");
        let factor = browser.submit(&page, &[("act", "raise")]).await;
        assert!(factor.url.contains("/login/second_factor"), "{}", factor.url);
        assert!(!factor.text.contains("id=\"way-tax_app\""), "a face is no phone");
        let sent = browser.submit(&factor, &[("act", "send")]).await;
        let right = app.sms(door.phone);
        let wrong = if right == "000000" { "000001" } else { "000000" };
        let refused = browser.submit(&sent, &[("act", "verify"), ("code", wrong)]).await;
        assert_eq!(refused.code(), Some("E_OTP"));
        assert_eq!(level(&browser.get(OWN).await), "1");
        let page = browser.submit(&sent, &[("act", "verify"), ("code", &right)]).await;
        assert_eq!(level(&page), "2", "{}", page.url);
        assert!(page.text.contains("手机验证 · 2026-11-24"), "{}", page.text);
        let done = browser.get(&authorize_url(&FILING, &[])).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(
            (&id["acr"], &id["amr"]),
            (&json!("urn:hufu:realname:2"), &json!(["pwd", "sms", "mfa"]))
        );
        // One level, one step of the record.
        let steps = app.ctx.rows().people().level_steps(person).await.unwrap();
        let steps: Vec<_> = steps.iter().map(|(level, how, _)| (*level, how.as_str())).collect();
        assert_eq!(steps, [(2, "phone")]);
    });
}

/// An application wants a level that the person has not reached: they are raised first, one step after the
/// other, and go on to the application. A refused step leaves everything, the way back tells the
/// application, and silently nobody is asked. Covers L-11.
#[test]
fn a_person_is_raised_on_the_way_to_an_application() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let person = person_of(&app, "wangxm").await;
        let acr = |n: u8| format!("urn:hufu:realname:{n}");
        for (from, wanted) in [(1, 3), (1, 4), (2, 3), (2, 4), (3, 4)] {
            app.clock.advance(86_401);
            at_level(&app, person, from).await;
            app.sql("DELETE FROM real_name_step").await;
            let mut browser =
                with_session_of(&app, person, Acting::Personal, &["pop", "user", "mfa"]).await;
            let name = acr(wanted);
            let asked = [("acr_values", name.as_str())];
            let silent = [asked[0], ("prompt", "none")];
            let refused = browser.get(&authorize_url(&FILING, &silent)).await;
            assert_eq!(refused.answered("error").as_deref(), Some("interaction_required"));
            let mut page = browser.get(&authorize_url(&FILING, &asked)).await;
            assert!(page.url.contains("/raise?"), "{from} to {wanted}: {}", page.url);
            let word = ["一级", "二级", "三级", "四级", "五级"][usize::from(wanted) - 1];
            assert!(page.text.contains(&format!("需要{word}实名")), "{}", page.text);
            let back = browser.clone().submit(&page, &[("act", "back")]).await;
            assert_eq!(back.answered("error").as_deref(), Some("access_denied"));
            assert_eq!(back.answered("state").as_deref(), Some("st-1"));
            for step in from..wanted {
                assert_eq!(level(&page), step.to_string(), "{from} to {wanted}: {}", page.url);
                page = match step {
                    1 => {
                        let factor = browser.submit(&page, &[("act", "raise")]).await;
                        browser.pass_second_factor(&app, &factor, "13800138000").await
                    }
                    2 => {
                        let names = &app.ctx.services.outbound.registry_of_names;
                        names.script(NameAnswer::Mismatch);
                        let refused = browser.submit(&page, &[("act", "raise")]).await;
                        assert_eq!(
                            (refused.code(), level(&refused).as_str()),
                            (Some("E_REAL_NAME"), "2")
                        );
                        browser.submit(&page, &[("act", "raise")]).await
                    }
                    _ => {
                        let factor = browser.submit(&page, &[("act", "raise")]).await;
                        assert!(!factor.text.contains("id=\"way-sms\""), "{}", factor.text);
                        pass_face(&app, &factor, FaceState::Passed).await;
                        go_on(&mut browser, &factor).await
                    }
                };
            }
            // Level 3 is the person's now, and is proved in this session by a face.
            if page.answered("code").is_none() {
                assert!(page.url.contains("/login/second_factor"), "{}", page.url);
                pass_face(&app, &page, FaceState::Passed).await;
                page = go_on(&mut browser, &page).await;
            }
            let (_, tokens) = app.redeem(&page.answered("code").expect("on to it")).await;
            assert_eq!(claims(tokens["id_token"].as_str().unwrap())["acr"], name);
            let steps = app.ctx.rows().people().level_steps(person).await.unwrap();
            let steps: Vec<u8> = steps.iter().map(|(level, _, _)| *level).collect();
            assert_eq!(steps, (from + 1..=wanted).collect::<Vec<u8>>(), "none is skipped");
        }
    });
}

/// What cannot be reached here is told to the application at once: level 5, also by somebody who has it, since
/// no session proves it; a name that nobody knows, an identity whose person raises nothing. No more is
/// advertised.
#[test]
fn what_cannot_be_reached_is_unmet() {
    on_each_database(|on| async move {
        let setup = Setup { has_sandboxes: false, ..Setup::of(on, vec![demo_realm()]) };
        let blind = setup.start().await;
        let app = TestApp::start(on).await;
        let cases = [(&app, 3, 5), (&app, 4, 5), (&app, 5, 5), (&blind, 2, 3), (&blind, 1, 4)];
        for (app, stored, wanted) in cases {
            let person = person_of(app, "wangxm").await;
            at_level(app, person, stored).await;
            let mut browser =
                with_session_of(app, person, Acting::Personal, &["pwd", "sms", "mfa"]).await;
            for prompt in ["", "none"] {
                let name = format!("urn:hufu:realname:{wanted}");
                let asked = authorize_url(&FILING, &[("acr_values", &name), ("prompt", prompt)]);
                let refused = browser.get(&asked).await;
                let unmet = Some("unmet_authentication_requirements");
                assert_eq!(
                    refused.answered("error").as_deref(),
                    unmet,
                    "{stored} {wanted} {prompt}"
                );
            }
        }
        let told = app.browser().get("/realms/jiangxi/.well-known/openid-configuration").await;
        let told: serde_json::Value = serde_json::from_str(&told.text).unwrap();
        let levels = ["1", "2", "3", "4"].map(|level| format!("urn:hufu:realname:{level}"));
        assert_eq!(told["acr_values_supported"], serde_json::json!(levels));
        // A specific entity raises nothing (the matrix).
        let who = ("91330100MA2BUJ786T", "13100131000", PASSWORD);
        let mut he = crate::account::at_door(&app, "specific_entity", who, "101号").await;
        let asked = authorize_url(&FILING, &[("acr_values", "urn:hufu:realname:4")]);
        let refused = he.get(&asked).await;
        assert_eq!(refused.answered("error").as_deref(), Some("unmet_authentication_requirements"));
    });
}

/// Covers L-10: above 3 nothing leads higher here, by a form that somebody made by hand neither, whatever it names:
/// nothing is begun. A face that was asked for at 3 lifts nobody who has come to 4 meanwhile.
#[test]
fn no_form_raises_anybody_above_four() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let person = person_of(&app, "wangxm").await;
        let amr = ["pwd", "sms", "mfa"];
        for stored in [4, 5] {
            at_level(&app, person, stored).await;
            let mut browser = with_session_of(&app, person, Acting::Personal, &amr).await;
            let page = browser.get(OWN).await;
            assert!(page.text.contains("暂无需提升等级"), "{}", page.text);
            assert!(!page.text.contains("value=\"raise\""), "{}", page.text);
            let (cookies, rows) = (browser.cookies.clone(), app.rows_of("jiangxi").await);
            for by in ["", "phone", "phone-code", "real-name", "social-insurance", "face", "card"] {
                let form = [("act", "raise"), ("by", by)];
                let refused = post(&app, &mut browser, "/account/level", &form).await;
                let seen = (refused.url.as_str(), refused.code(), level(&refused));
                assert_eq!(seen, (OWN, Some("E_STATE"), stored.to_string()), "{by}");
                assert_eq!(browser.cookies, cookies, "{by}: a step was begun");
            }
            assert_eq!(app.rows_of("jiangxi").await, rows, "{stored}");
        }
        at_level(&app, person, 3).await;
        let mut browser = with_session_of(&app, person, Acting::Personal, &amr).await;
        let factor = post(&app, &mut browser, "/account/level", &[("act", "raise")]).await;
        assert!(factor.url.contains("/login/second_factor"), "{}", factor.url);
        at_level(&app, person, 4).await;
        pass_face(&app, &factor, FaceState::Passed).await;
        let page = go_on(&mut browser, &factor).await;
        assert_eq!(level(&page), "4", "{}", page.url);
        let steps = app.ctx.rows().people().level_steps(person).await.unwrap();
        assert!(steps.is_empty(), "{steps:?}");
    });
}

pub async fn session(app: &TestApp, person: &Person) -> Session {
    let rows = app.ctx.rows();
    let account = rows.accounts().find_by_person(person.id).await.unwrap().unwrap();
    let now = app.ctx.now();
    Session {
        id: SessionId::new(&app.clock, app.ctx.random()),
        cookie: app.ctx.random().token().hashed(),
        person: person.id,
        account: account.id,
        acting: Acting::Personal,
        amr: Vec::new(),
        acr: 1,
        auth_time: now,
        entrance: "natural_person".to_owned(),
        one_way_personal: true,
        ip: "127.0.0.1".to_owned(),
        device: "test".to_owned(),
        created_at: now,
        expires_at: now.plus(3600),
    }
}
