//! A telephone with the Tax app: signed in through a browser, its tokens bound to its key.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use hufu::cli::demo::phone_app::tax::Phone;
use serde_json::Value;

use super::{Browser, ISSUER, TAX_APP, TestApp, VERIFIER, authorize_url};

pub struct Telephone {
    pub phone: Phone,
    pub access_token: String,
}

/// A token request of the app; `proof`: the header, if any.
pub async fn token(
    app: &TestApp,
    proof: Option<String>,
    form: &[(&str, &str)],
) -> (StatusCode, Value) {
    let mut request = Request::post("/realms/jiangxi/token")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(proof) = proof {
        request = request.header("DPoP", proof);
    }
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.append_pair("client_id", TAX_APP.id).extend_pairs(form);
    app.json(request.body(Body::from(body.finish())).unwrap()).await
}

pub fn code_form(code: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", TAX_APP.redirect_uri),
        ("code_verifier", VERIFIER),
    ]
}

/// A code of the app for the person who is signed in to this browser.
pub async fn code(browser: &mut Browser, more: &[(&str, &str)]) -> String {
    let mut params = vec![("scope", "openid profile tax_identity scan")];
    params.extend(more);
    let shown = browser.get(&authorize_url(&TAX_APP, &params)).await;
    shown.answered("code").unwrap_or_else(|| panic!("{:?} {}", shown.left_to, shown.text))
}

impl Telephone {
    pub async fn signed_in(app: &TestApp, browser: &mut Browser) -> Self {
        let phone = Phone::new().unwrap();
        let code = code(browser, &[]).await;
        let proof = proof(app, &phone, "/token", None);
        let (status, tokens) = token(app, Some(proof), &code_form(&code)).await;
        assert_eq!((status.as_u16(), &tokens["token_type"]), (200, &"DPoP".into()), "{tokens}");
        Self { phone, access_token: tokens["access_token"].as_str().unwrap().to_owned() }
    }

    /// One act upon a code, as the app's own code sends it.
    pub async fn act(
        &self,
        app: &TestApp,
        (code, act): (&str, &str),
        told: Value,
    ) -> (StatusCode, Value) {
        let path = format!("/app/codes/{code}/{act}");
        let proof = proof(app, &self.phone, &path, Some(&self.access_token));
        let request = Request::post(format!("/realms/jiangxi{path}"))
            .header(header::AUTHORIZATION, format!("DPoP {}", self.access_token))
            .header("DPoP", proof)
            .body(Body::from(told.to_string()))
            .unwrap();
        app.json(request).await
    }
}

pub fn proof(app: &TestApp, phone: &Phone, path: &str, access_token: Option<&str>) -> String {
    let url = format!("{ISSUER}{path}");
    phone.proof(("POST", &url), access_token, app.ctx.now().0).unwrap()
}
