//! The server of a phone application as its operator would write it (个人所得税): it knows its
//! signed-in people, reads a scanned code, and signs for the realm who does what with it. The pages
//! play the telephone: choose who holds it, paste the code's address, pass or fail the face check.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Form, State};
use axum::response::Html;
use axum::routing::get;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use josekit::jwk::Jwk;
use josekit::jws::{self, ES256, JwsHeader};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

#[path = "tax.rs"]
pub mod tax;

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The operator: its client at the realm and its private key.
#[derive(Clone)]
pub struct Operator {
    pub issuer: String,
    pub client_id: String,
    /// A private JWK as JSON.
    pub key: String,
    /// Seconds since 1970.
    now: Now,
    http: reqwest::Client,
}

/// The operator's clock; the demo's can be moved.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Somebody signed in to the application.
#[derive(Clone)]
pub struct SignedIn {
    pub name: String,
    pub document_number: String,
    /// Where the phone is, as the operator's server sees it.
    pub phone_ip: Option<IpAddr>,
}

impl Operator {
    pub fn new(issuer: String, client_id: String, key: String, now: Now) -> Result<Self, Failure> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { issuer, client_id, key, now, http })
    }

    fn sign(&self, claims: &Value) -> Result<String, Failure> {
        let jwk = Jwk::from_bytes(&self.key)?;
        let signer = ES256.signer_from_jwk(&jwk)?;
        let mut header = JwsHeader::new();
        if let Some(kid) = jwk.key_id() {
            header.set_key_id(kid);
        }
        Ok(jws::serialize_compact(claims.to_string().as_bytes(), &header, &signer)?)
    }

    /// The form of one act.
    pub fn form(
        &self,
        code: &str,
        act: &str,
        (person, face): (&SignedIn, bool),
        number: Option<u8>,
    ) -> Result<Vec<(&'static str, String)>, Failure> {
        let jti = || BASE64_URL_SAFE_NO_PAD.encode(josekit::util::random_bytes(16));
        let now = (self.now)();
        let assertion = json!({
            "iss": self.client_id, "sub": self.client_id, "aud": self.issuer,
            "iat": now, "exp": now + 60, "jti": jti(),
        });
        let statement = json!({
            "iss": self.client_id, "aud": self.issuer, "sub": BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&person.document_number)),
            "iat": now, "exp": now + 60, "jti": jti(),
            "code_hash": BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(code)),
            "act": act, "name": person.name, "document_number": person.document_number,
            "face": face, "phone_ip": person.phone_ip,
        });
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        Ok(vec![
            ("client_assertion_type", kind.to_owned()),
            ("client_assertion", self.sign(&assertion)?),
            ("code", code.to_owned()),
            ("statement", self.sign(&statement)?),
            ("number", number.map(|number| number.to_string()).unwrap_or_default()),
        ])
    }

    /// Sends one act; the answer is what the phone shows.
    pub async fn send(
        &self,
        code: &str,
        act: &str,
        who: (&SignedIn, bool),
        number: Option<u8>,
    ) -> Result<Value, Failure> {
        let form = self.form(code, act, who, number)?;
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self
            .http
            .post(format!("{}/app/scan", self.issuer))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        Ok(request.send().await?.json().await?)
    }
}

/// The simulated telephone.
#[derive(Clone)]
struct Telephone {
    operator: Operator,
    people: Arc<Vec<SignedIn>>,
}

pub fn router(operator: Operator, people: Vec<SignedIn>) -> Router {
    let telephone = Telephone { operator, people: Arc::new(people) };
    Router::new().route("/", get(show).post(act)).with_state(telephone)
}

#[derive(Deserialize)]
struct Held {
    person: usize,
    /// The scanned address, or the code alone.
    code: String,
    act: String,
    number: String,
    face: Option<String>,
}

async fn show(State(telephone): State<Telephone>) -> Html<String> {
    Html(page(&telephone, ""))
}

async fn act(
    State(telephone): State<Telephone>,
    ConnectInfo(phone): ConnectInfo<SocketAddr>,
    Form(held): Form<Held>,
) -> Html<String> {
    let Some(person) = telephone.people.get(held.person) else {
        return Html(page(&telephone, "nobody"));
    };
    let person = &SignedIn { phone_ip: Some(phone.ip()), ..person.clone() };
    let code = held.code.trim().rsplit('/').next().unwrap_or_default();
    let who = (person, held.face.is_some());
    let answer = telephone.operator.send(code, &held.act, who, held.number.parse().ok()).await;
    let said = match answer {
        Ok(answer) => answer.to_string(),
        Err(error) => error.to_string(),
    };
    Html(page(&telephone, &said))
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

fn page(telephone: &Telephone, said: &str) -> String {
    let option = |(index, one): (usize, &SignedIn)| {
        format!("<option value=\"{index}\">{}</option>", escape(&one.name))
    };
    let people: String = telephone.people.iter().enumerate().map(option).collect();
    format!(
        "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>个人所得税 APP（模拟）</title>\
         <style>body{{font:16px/1.6 system-ui,sans-serif;max-width:24rem;margin:2rem auto;padding:0 1rem}}\
         label,select,input,button{{display:block;width:100%;margin:.4rem 0;min-height:44px;font:inherit}}\
         input[type=checkbox]{{width:24px;display:inline}}</style>\
         <h1>个人所得税 APP（模拟） · Income Tax app (simulated)</h1><form method=\"post\">\
         <label>谁在用这部手机 · Whose phone<select name=\"person\">{people}</select></label>\
         <label>二维码地址 · Address in the code<input name=\"code\"></label>\
         <label>电脑上的数字 · Number<input name=\"number\"></label>\
         <label><input type=\"checkbox\" name=\"face\" checked> 人脸通过 · face passes</label>\
         <button name=\"act\" value=\"scan\">扫描 · Scan</button>\
         <button name=\"act\" value=\"confirm\">确认 · Confirm</button>\
         <button name=\"act\" value=\"cancel\">取消 · Cancel</button></form><pre>{}</pre>",
        escape(said)
    )
}
