//! The bureau's own phone application: tokens bound to the phone, and what it does with codes.

use hufu::outbound::asked::FaceState;
use serde_json::json;

use super::scan::{at_second_factor, go_on, id, login_page, number, told};
use crate::kit::phone::Telephone;
use crate::kit::{FILING, TestApp, authorize_url, claims, on_each_database};
use crate::protocol::authorize::signed_in;

/// Covers: scanned and confirmed in the app as the identity it is
/// signed in with.
#[test]
fn the_tax_app_signs_a_browser_in() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut owner = signed_in(&app).await;
        let phone = Telephone::signed_in(&app, &mut owner).await;
        let (mut browser, page) = login_page(&app).await;
        let code = id(&page);
        let (status, asked) = phone.act(&app, (&code, "scan"), json!({})).await;
        assert_eq!(status.as_u16(), 200, "{asked}");
        assert_eq!(asked["as"], "南昌示例科技有限公司 · 法定代表人");
        assert_eq!((&asked["purpose"], &asked["place"]), (&"sign_in".into(), &"127.0.0.*".into()));
        assert_eq!(told(&mut browser, &page).await["name"], "李*");
        // Another phone of the same person has another key.
        let second = Telephone::signed_in(&app, &mut owner).await;
        let (status, refused) = second.act(&app, (&code, "confirm"), json!({})).await;
        assert_eq!((status.as_u16(), &refused["error"]), (409, &"E_STATE".into()));
        let (_, done) = phone.act(&app, (&code, "confirm"), json!({})).await;
        assert_eq!(done["state"], "confirmed", "{done}");
        let arrived = go_on(&mut browser, &page).await;
        let (_, tokens) = app.redeem(&arrived.answered("code").unwrap()).await;
        let id_token = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id_token["tax_identity"]["identity_type"], "legal_representative");
        let (_, over) = phone.act(&app, (&code, "confirm"), json!({})).await;
        assert_eq!(over["error"], "E_STATE");
        // Turned back, too old, unknown, and an act that does not exist.
        let (mut browser, page) = login_page(&app).await;
        let code = id(&page);
        phone.act(&app, (&code, "scan"), json!({})).await;
        phone.act(&app, (&code, "cancel"), json!({})).await;
        assert_eq!(told(&mut browser, &page).await["state"], "cancelled");
        let (_, page) = login_page(&app).await;
        app.clock.advance(121);
        let (_, late) = phone.act(&app, (&id(&page), "scan"), json!({})).await;
        assert_eq!(late["error"], "E_SCAN_EXPIRED");
        let (_, unknown) = phone.act(&app, ("nothing", "scan"), json!({})).await;
        assert_eq!(unknown["error"], "E_SCAN_EXPIRED");
        let (status, _) = phone.act(&app, ("nothing", "dance"), json!({})).await;
        assert_eq!(status.as_u16(), 404);
    });
}

/// Covers E-12, Q-12: the face check starts from the app, for the expected person alone; an app
/// whose session has ended does nothing more.
#[test]
fn the_tax_app_verifies_its_own_person_by_face() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = signed_in(&app).await;
        let of_li = Telephone::signed_in(&app, &mut li).await;
        let mut wang = app.browser();
        let page = wang.get(&authorize_url(&FILING, &[])).await;
        let t = page.hidden()["t"].clone();
        let door = format!("/realms/jiangxi/login/credentials?t={t}&entrance=natural_person");
        let page = wang.get(&door).await;
        let typed = ("", "13800138000", crate::kit::PASSWORD);
        let page = wang.type_credentials(&page, typed).await;
        wang.pass_second_factor(&app, &page, "13800138000").await;
        let of_wang = Telephone::signed_in(&app, &mut wang).await;
        // 李芳's phone at 王小明's verification.
        let (mut browser, page) = at_second_factor(&app, "tax_app").await;
        let code = id(&page);
        let (_, asked) = of_li.act(&app, (&code, "scan"), json!({})).await;
        let chosen = number(&app.ctx, &page).await.parse::<u8>().unwrap();
        assert_eq!((&asked["purpose"], &asked["as"]), (&"verify".into(), &json!(null)));
        // Another person's phone is asked, too: of whoever is expected it learns nothing.
        let shown = json!({"face-service": "2026-11"});
        let told = json!({"number": chosen, "agree": shown});
        let (_, refused) = of_li.act(&app, (&code, "face"), told).await;
        assert_eq!(refused["error"], "E_STEPUP_FAILED");
        let again = go_on(&mut browser, &page).await;
        assert_eq!(again.code(), Some("E_STEPUP_FAILED"));
        // His own; a tap alone is not enough.
        let code = id(&again);
        of_wang.act(&app, (&code, "scan"), json!({})).await;
        let chosen = number(&app.ctx, &again).await.parse::<u8>().unwrap();
        let (_, tapped) = of_wang.act(&app, (&code, "confirm"), json!({"number": chosen})).await;
        assert_eq!(tapped["error"], "E_STATE");
        // What are no two digits may be typed again, whatever it is.
        for typed in [json!(300), json!(-42), json!("4")] {
            let told = json!({"number": typed, "agree": shown});
            let (status, refused) = of_wang.act(&app, (&code, "face"), told).await;
            assert_eq!((status.as_u16(), &refused["error"]), (409, &"E_FORMAT".into()), "{typed}");
        }
        // What was shown to him is agreed to, and nothing else.
        app.sql("DELETE FROM agreement_acceptance WHERE document = 'face-service'").await;
        for unread in [json!({}), json!({"face-service": "2020-01"})] {
            let told = json!({"number": chosen, "agree": unread});
            let (_, refused) = of_wang.act(&app, (&code, "face"), told).await;
            assert_eq!(refused["error"], "E_AGREEMENT");
        }
        let told = json!({"number": chosen.to_string(), "agree": shown});
        let (_, started) = of_wang.act(&app, (&code, "face"), told).await;
        let handle = started["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let sandbox = &app.ctx.services.outbound.sandbox;
        let back = sandbox.check(&handle).unwrap().return_url;
        let order = json!({"order": back.split("order=").nth(1).unwrap()});
        let (_, early) = of_wang.act(&app, (&code, "face_result"), order.clone()).await;
        assert_eq!(early["state"], "pending");
        sandbox.decide(&handle, FaceState::Passed);
        let (_, done) = of_wang.act(&app, (&code, "face_result"), order).await;
        assert_eq!(done["state"], "confirmed", "{done}");
        let chooser = go_on(&mut browser, &again).await;
        assert!(chooser.text.contains("name=\"identity\""), "{}", chooser.text);
        // Signed out is signed out.
        let page = li.get("/realms/jiangxi/logout").await;
        li.submit(&page, &[("act", "logout")]).await;
        let (_, page) = login_page(&app).await;
        let (status, _) = of_li.act(&app, (&id(&page), "scan"), json!({})).await;
        assert_eq!(status.as_u16(), 401);
    });
}
