//! One of two realms of one process, and how its people and applications speak to it.

use axum::body::Body;
use axum::http::{Request, header};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use hufu::base::secret::{Hashed, keyed_hash};
use hufu::flows::Ctx;
use serde_json::Value;

use crate::kit::browser::Shown;
use crate::kit::{Application, Browser, PASSWORD, TestApp, authorize_url};

pub const HOST: &str = "https://sso.jiangxi.example";

#[derive(Clone, Copy)]
pub struct Side<'a> {
    pub app: &'a TestApp,
    pub realm: &'static str,
}

/// Who comes to which door with which enterprise's number.
#[derive(Clone, Copy)]
pub struct Comer {
    pub door: &'static str,
    pub enterprise: &'static str,
    pub phone: &'static str,
    pub password: &'static str,
}

pub fn comer(door: &'static str, enterprise: &'static str, phone: &'static str) -> Comer {
    Comer { door, enterprise, phone, password: PASSWORD }
}

impl Side<'_> {
    pub fn ctx(&self) -> Ctx {
        Ctx { realm: self.app.app.realm(self.realm).unwrap(), ..self.app.ctx.clone() }
    }

    pub fn path(&self, path: &str) -> String {
        format!("/realms/{}{path}", self.realm)
    }

    pub fn url(&self, path: &str) -> String {
        format!("{HOST}{}", self.path(path))
    }

    pub fn session_name(&self) -> String {
        format!("__Host-hufu-session-{}", self.realm)
    }

    /// What a form carries that belongs to a transaction, or to the hash of a cookie.
    pub fn csrf(&self, binding: &str) -> String {
        let parts: [&[u8]; 2] = [self.realm.as_bytes(), binding.as_bytes()];
        BASE64_URL_SAFE_NO_PAD.encode(keyed_hash(&self.app.ctx.services.secrets.csrf, &parts))
    }

    pub fn csrf_of_cookie(&self, cookie: &str) -> String {
        self.csrf(&Hashed::of(cookie).to_text())
    }

    pub fn authorize(&self, client: &Application, more: &[(&str, &str)]) -> String {
        authorize_url(client, more).replace("/realms/jiangxi/", &self.path("/"))
    }

    pub async fn at(&self, door: &str) -> (Browser, Shown) {
        let mut browser = self.app.browser();
        let page = browser.get(&self.authorize(&crate::kit::FILING, &[])).await;
        let t = page.hidden()["t"].clone();
        let url = self.path(&format!("/login/credentials?t={t}&entrance={door}"));
        let page = browser.get(&url).await;
        (browser, page)
    }

    /// The credentials typed into the page of a door.
    pub async fn type_in(&self, browser: &mut Browser, page: &Shown, who: Comer) -> Shown {
        let mut values = vec![
            ("enterprise_number", who.enterprise),
            ("personal_id", who.phone),
            ("password", who.password),
            ("slider", "100"),
        ];
        if who.door == "specific_entity" {
            values.push(("record_kind", "inspection"));
        }
        values.retain(|(_, value)| !value.is_empty());
        browser.submit(page, &values).await
    }

    pub async fn typed(&self, who: Comer) -> (Browser, Shown) {
        let (mut browser, page) = self.at(who.door).await;
        let page = self.type_in(&mut browser, &page, who).await;
        (browser, page)
    }

    pub async fn passed(&self, who: Comer) -> (Browser, Shown) {
        let (mut browser, page) = self.typed(who).await;
        let page = browser.pass_second_factor(self.app, &page, who.phone).await;
        (browser, page)
    }

    /// One form of an application; `basic`: its id and secret.
    pub async fn post(
        &self,
        path: &str,
        basic: Option<&Application>,
        form: &[(&str, &str)],
    ) -> (u16, Value) {
        let mut request = Request::post(self.path(path))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(client) = basic {
            let value = BASE64_STANDARD.encode(format!("{}:{}", client.id, client.secret));
            request = request.header(header::AUTHORIZATION, format!("Basic {value}"));
        }
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let (status, answer) = self.app.json(request.body(Body::from(body)).unwrap()).await;
        (status.as_u16(), answer)
    }

    /// One request with tokens; `headers` besides it.
    pub async fn call(
        &self,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, Value) {
        let mut request = Request::builder().method(method).uri(self.path(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let (status, answer) = self.app.json(request).await;
        (status.as_u16(), answer)
    }

    /// A form of somebody's account centre.
    pub async fn submit(&self, browser: &mut Browser, path: &str, form: &[(&str, &str)]) -> Shown {
        let csrf = self.csrf_of_cookie(&browser.cookies[&self.session_name()]);
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("csrf", &csrf)
            .extend_pairs(form)
            .finish();
        browser.send("POST", &self.path(path), Some(body)).await
    }
}
