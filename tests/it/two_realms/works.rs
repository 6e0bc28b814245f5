//! Whether what a realm gave out still does what it was made for, once.

use super::made::{LI, Made, WANG, first, redeem};
use super::side::{Comer, Side, comer};
use crate::kit::FILING;
use crate::kit::browser::Shown;

impl Made {
    async fn go_on(&self, name: &str, values: &[(&str, &str)]) -> Shown {
        let (mut browser, page) = self.pages[name].clone();
        browser.submit(&page, values).await
    }

    /// A step that ends in a session ends in one, however often it is sent.
    async fn once_alone(&self, name: &str, values: &[(&str, &str)]) {
        let (browser, page) = self.pages[name].clone();
        let mut sessions = Vec::new();
        for _ in 0..2 {
            let mut browser = browser.clone();
            let done = browser.submit(&page, values).await;
            assert!(done.answered("code").is_some(), "{name} {}", done.text);
            let session = browser.cookies.iter().find(|(name, _)| name.contains("hufu-session"));
            sessions.push(session.unwrap().1.clone());
        }
        assert_eq!(sessions[0], sessions[1], "{name}");
    }

    /// Every value does what it was made for, and a second time nothing.
    pub async fn still_works(&mut self, side: Side<'_>) {
        self.people_are_signed_in(side).await;
        self.tokens_are_good(side).await;
        self.sign_ins_go_on(side).await;
        self.scans_go_on(side).await;
        self.factors_are_enrolled(side).await;
    }

    async fn people_are_signed_in(&self, side: Side<'_>) {
        for (who, browser) in &self.people {
            let page = browser.clone().get(&side.path("/account")).await;
            assert!(page.text.contains("class=\"menu\""), "{who}: {}", page.text);
        }
    }

    async fn tokens_are_good(&self, side: Side<'_>) {
        for name in ["access_token", "access_token.ssf"] {
            let form = [("token", &*self.values[name])];
            let (_, told) = side.post("/introspect", Some(&FILING), &form).await;
            assert_eq!(told["active"], true, "{name} {told}");
        }
        let opaque = format!("Bearer {}", self.values["access_token.opaque"]);
        let told = side.call(("GET", "/userinfo"), &[("authorization", &opaque)], "").await;
        assert_eq!(told.0, 200, "{}", told.1);
        let bound = &self.values["access_token.bound"];
        let proof = self.proof(side, ("GET", "/userinfo"), Some(bound));
        let bound = format!("DPoP {bound}");
        let headers = [("authorization", &*bound), ("dpop", &*proof)];
        for status in [200, 401] {
            assert_eq!(side.call(("GET", "/userinfo"), &headers, "").await.0, status, "once");
        }
        let ssf = format!("Bearer {}", self.values["access_token.ssf"]);
        let told = side.call(("GET", "/ssf/stream"), &[("authorization", &ssf)], "").await;
        assert_eq!(told.1[0]["stream_id"], *self.values["id.stream"]);
        let basic = Some(&FILING);
        let refresh = self.values["refresh_token"].as_str();
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        let signed = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &*self.values["assertion"]),
        ];
        let code = redeem(&self.values["code"]);
        for (form, basic) in [(&code[..], basic), (&refresh[..], basic), (&signed[..], None)] {
            let (status, told) = side.post("/token", basic, form).await;
            assert_eq!(status, 200, "{form:?} {told}");
            assert!(side.post("/token", basic, form).await.0 >= 400, "twice: {form:?}");
        }
    }

    async fn sign_ins_go_on(&self, side: Side<'_>) {
        let code = self.values["sms"].as_str();
        let second = self.go_on("second", &[("act", "verify"), ("code", code)]).await;
        assert!(second.text.contains("name=\"record\""), "{}", second.text);
        let wang = comer("natural_person", "", WANG);
        let (mut browser, page) = self.pages["slider"].clone();
        let typed = side.type_in(&mut browser, &page, wang).await;
        assert!(typed.url.contains("/login/second_factor"), "{}", typed.text);
        for (name, field) in [("choose", "identity"), ("client", "client"), ("record", "record")] {
            let picked = first(&self.pages[name].1, field);
            self.once_alone(name, &[(field, &picked)]).await;
        }
        let picked = first(&self.pages["pending"].1, "confirm");
        let done = self.go_on("pending", &[("confirm", &picked)]).await;
        assert!(done.answered("code").is_some(), "{}", done.text);
        let typed = [("new", "Spring2026+"), ("repeated", "Spring2026+")];
        let done = self.go_on("password", &typed).await;
        assert!(done.text.contains("accept-user-agreement"), "{}", done.text);
    }

    async fn scans_go_on(&mut self, side: Side<'_>) {
        let done = self.go_on("phone", &[("act", "confirm")]).await;
        assert!(done.text.contains("已确认"), "{}", done.text);
        self.once_alone("scan", &[("app", "tax_app")]).await;
        let (phone, back, handle) = &mut self.face;
        let passed = hufu::outbound::asked::FaceState::Passed;
        side.app.ctx.services.outbound.sandbox.decide(handle, passed).unwrap();
        let page = phone.get(back).await;
        let done = phone.submit(&page, &[("order", &page.hidden()["order"])]).await;
        assert!(done.text.contains("已确认"), "{}", done.text);
        let done = self.go_on("step_up", &[("app", "tax_app")]).await;
        assert!(done.answered("code").is_some(), "{}", done.text);
        let (mut browser, page) = self.pages["batch"].clone();
        let done = crate::account::pass_scan(side.app, &mut browser, &page).await;
        assert!(done.text.contains("南昌样板"), "{}", done.text);
    }

    async fn factors_are_enrolled(&mut self, side: Side<'_>) {
        let made = self.values["made.passkey"].clone();
        self.once_alone("passkey", &[("made", &made)]).await;
        side.app.clock.advance(31);
        for code in [self.lasting.authenticator.code(side.app), self.lasting.recovery[0].clone()] {
            for is_first in [true, false] {
                let (mut browser, page) = side.typed(LI).await;
                let t = page.hidden()["t"].clone();
                let url = side.path(&format!("/login/second_factor?t={t}&way=totp"));
                let page = browser.get(&url).await;
                let done = browser.submit(&page, &[("act", "totp"), ("code", &code)]).await;
                assert_eq!(done.answered("code").is_some(), is_first, "{}", done.text);
            }
        }
        // A browser that is known is spared the second factor.
        let own = Comer { enterprise: "", door: "natural_person", ..LI };
        let (mut browser, page) = side.at(own.door).await;
        let device = format!("__Host-hufu-device-{}", side.realm);
        browser.cookies.insert(device, self.values["cookie.device"].clone());
        let done = side.type_in(&mut browser, &page, own).await;
        assert!(done.answered("code").is_some(), "{}", done.text);
    }
}
