//! Real-name levels: seen, raised one by one, never by a provider that is away.

use hufu::outbound::face::FaceState;
use hufu::outbound::real_name::NameAnswer;

use super::scan::{go_on, id, number};
use crate::kit::{TestApp, on_each_database};
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
        let rows = app.ctx.services.store.rows();
        let phone = hufu::domain::number::phone::Phone::parse("13900139000").unwrap();
        let account = rows.accounts().find_by_phone("jiangxi", &phone).await.unwrap().unwrap();
        let mut person = rows.people().find(account.person).await.unwrap().unwrap();
        person.real_name_level = 2;
        let tx = app.ctx.services.store.begin().await.unwrap();
        tx.rows().people().update(&person).await.unwrap();
        tx.commit().await.unwrap();
        let page = browser.get(OWN).await;
        assert_eq!(level(&page), "2");
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
