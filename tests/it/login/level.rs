//! Real-name levels: seen, raised one by one, never by a provider that is away.

use hufu::base::id::SessionId;
use hufu::domain::acting::Acting;
use hufu::domain::person::Person;
use hufu::domain::session::Session;
use hufu::outbound::asked::{FaceState, NameAnswer};

use super::scan::{go_on, id, number};
use crate::kit::{On, Setup, TestApp, demo_realm, on_each_database};
use crate::protocol::authorize::signed_in;

const OWN: &str = "/realms/jiangxi/account/level";

fn level(page: &crate::kit::browser::Shown) -> String {
    let text = page.text.split("id=\"level\">").nth(1).unwrap_or_else(|| panic!("{}", page.text));
    text.split('<').next().unwrap().to_owned()
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
        let asked = phone.get(&code).await;
        let chosen = number(&factor);
        let left = phone.submit(&asked, &[("act", "confirm"), ("number", &chosen)]).await;
        let handle = left.left_to.unwrap().rsplit('/').next().unwrap().to_owned();
        let back = app.ctx.services.outbound.sandbox.decide(&handle, FaceState::Passed).unwrap();
        phone.get(back.strip_prefix("https://sso.jiangxi.example").unwrap()).await;
        let page = go_on(&mut browser, &factor).await;
        assert_eq!(level(&page), "4", "{}", page.url);
        assert!(!page.text.contains("value=\"raise\""), "nothing is left to raise here");
    });
}

/// Where nobody can be asked online, the page says where to go instead; a sign-in that proved no
/// phone does not stand for one.
#[test]
fn what_cannot_be_proved_here_is_not_offered() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        for (stored, offered, code) in [(2, "办税服务厅", "E_OFFLINE_ONLY"), (1, "短信验证码", "")]
        {
            let mut setup = Setup::of(On::Sqlite, vec![demo_realm()]);
            setup.has_sandboxes = stored == 1;
            let app = setup.start().await;
            let id = crate::account::held(&app.ctx, "13800138000").await.remove(0).person;
            let rows = app.ctx.rows();
            let mut person = rows.people().find(id).await.unwrap().unwrap();
            person.real_name_level = stored;
            let tx = app.ctx.begin().await.unwrap();
            tx.rows().people().update(&person).await.unwrap();
            let mut session = session(&app, &person).await;
            session.amr = vec!["pwd".to_owned()];
            let cookie = app.ctx.random().token();
            tx.rows().sessions().add(&session, cookie.hashed()).await.unwrap();
            tx.commit().await.unwrap();
            let mut browser = app.browser();
            let name = "__Host-hufu-session-jiangxi".to_owned();
            browser.cookies.insert(name, cookie.expose().to_owned());
            let page = browser.get(OWN).await;
            assert!(page.text.contains(offered), "{}", page.text);
            assert!(!page.text.contains("value=\"raise\""));
            let refused =
                crate::account::post(&app, &mut browser, "/account/level", &[("act", "raise")]);
            let refused = refused.await;
            let code = if code.is_empty() { "E_STEPUP_REQUIRED" } else { code };
            assert_eq!((refused.code(), level(&refused)), (Some(code), stored.to_string()));
        }
    });
}

async fn session(app: &TestApp, person: &Person) -> Session {
    let rows = app.ctx.rows();
    let account = rows.accounts().find_by_person(person.id).await.unwrap().unwrap();
    let now = app.ctx.now();
    Session {
        id: SessionId::new(&app.clock, app.ctx.random()),
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
