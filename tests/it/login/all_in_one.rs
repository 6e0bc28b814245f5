//! One form without a tax number: the identity is worked out from the person's relations.

use crate::kit::{FILING, PASSWORD, TestApp, authorize_url, claims, on_each_database};

#[test]
fn the_identity_is_chosen_among_all_relations_or_is_the_person() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        // 王小明 has two identities; 周敏 has none in any enterprise.
        for (phone, expected) in [
            ("13800138000", Some("南昌示例科技有限公司")),
            ("13800138000", None),
            ("13300133000", None),
        ] {
            app.clock.advance(3600);
            let mut browser = app.browser();
            let page = browser.get(&authorize_url(&FILING, &[])).await;
            let t = page.hidden()["t"].clone();
            let url = format!("/realms/jiangxi/login/credentials?t={t}&entrance=all_in_one");
            let page = browser.get(&url).await;
            assert!(!page.text.contains("id=\"enterprise_number\""));
            let fields = [("personal_id", phone), ("password", PASSWORD), ("slider", "100")];
            let page = browser.submit(&page, &fields).await;
            let mut page = browser.pass_second_factor(&app, &page, phone).await;
            if page.answered("code").is_none() {
                let id = match expected {
                    Some(name) => {
                        let buttons = page.text.split("name=\"identity\" value=\"").skip(1);
                        let found = buttons.into_iter().find(|one| one.contains(name)).unwrap();
                        found.split('"').next().unwrap().to_owned()
                    }
                    None => "personal".to_owned(),
                };
                let nobody = "00000000-0000-0000-0000-000000000000";
                let refused = browser.submit(&page, &[("identity", nobody)]).await;
                assert_eq!(refused.code(), Some("E_NO_IDENTITY"));
                page = browser.submit(&page, &[("identity", &id)]).await;
            }
            let (_, tokens) = app.redeem(&page.answered("code").unwrap()).await;
            let id = claims(tokens["id_token"].as_str().unwrap());
            match expected {
                Some(name) => assert_eq!(id["tax_identity"]["enterprise"]["name"], name),
                None => assert_eq!(id["tax_identity"]["kind"], "personal"),
            }
        }
    });
}
