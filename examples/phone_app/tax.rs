//! The bureau's own phone application as it would be built (RFC 8252): an OpenID Connect public
//! client that signs in through the system's browser with PKCE, and whose tokens are bound to a key
//! that never leaves the phone (DPoP, RFC 9449). It reads a code, shows who asks for what, and
//! confirms, cancels or goes to the face check. The pages play the telephone's screen.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use josekit::jwk::Jwk;
use josekit::jwk::alg::ec::EcCurve;
use josekit::jws::{self, ES256, JwsHeader};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Failure, Now, escape};

fn base64url(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn random() -> String {
    base64url(josekit::util::random_bytes(32))
}

/// One phone: its key, and what it holds once somebody has signed in.
pub struct Phone {
    key: Jwk,
    access_token: Mutex<Option<String>>,
    refresh_token: Mutex<Option<String>>,
}

fn lock<T>(held: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The application on every phone.
#[derive(Clone)]
pub struct TaxApp {
    pub issuer: String,
    pub client_id: String,
    /// The claimed address that the system hands to the application.
    pub redirect_uri: String,
    now: Now,
    http: reqwest::Client,
}

impl Phone {
    pub fn new() -> Result<Self, Failure> {
        let key = Jwk::generate_ec_key(EcCurve::P256)?;
        Ok(Self { key, access_token: Mutex::default(), refresh_token: Mutex::default() })
    }

    pub fn is_signed_in(&self) -> bool {
        lock(&self.access_token).is_some()
    }

    /// RFC 9449 §4.2.
    pub fn proof(
        &self,
        (method, url): (&str, &str),
        access_token: Option<&str>,
        now: i64,
    ) -> Result<String, Failure> {
        let mut header = JwsHeader::new();
        header.set_token_type("dpop+jwt");
        header.set_jwk(self.key.to_public_key()?);
        let mut claims = json!({"jti": random(), "htm": method, "htu": url, "iat": now});
        if let Some(token) = access_token {
            claims["ath"] = json!(base64url(Sha256::digest(token)));
        }
        let signer = ES256.signer_from_jwk(&self.key)?;
        Ok(jws::serialize_compact(claims.to_string().as_bytes(), &header, &signer)?)
    }
}

impl TaxApp {
    pub fn new(
        issuer: String,
        client_id: String,
        redirect_uri: String,
        now: Now,
    ) -> Result<Self, Failure> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { issuer, client_id, redirect_uri, now, http })
    }

    /// Where the system's browser goes, and the verifier to keep.
    pub fn sign_in(&self, state: &str) -> (String, String) {
        let verifier = random();
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("scope", "openid profile tax_identity scan")
            .append_pair("state", state)
            .append_pair("code_challenge", &base64url(Sha256::digest(&verifier)))
            .append_pair("code_challenge_method", "S256")
            .finish();
        (format!("{}/authorize?{query}", self.issuer), verifier)
    }

    /// The body of the token request for a code.
    pub fn redeem_form(&self, code: &str, verifier: &str) -> Vec<(&'static str, String)> {
        vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", self.redirect_uri.clone()),
            ("code_verifier", verifier.to_owned()),
            ("client_id", self.client_id.clone()),
        ]
    }

    /// Sends a token request and keeps what it gives.
    async fn tokens(
        &self,
        phone: &Phone,
        form: Vec<(&'static str, String)>,
    ) -> Result<bool, Failure> {
        let url = format!("{}/token", self.issuer);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self
            .http
            .post(&url)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("DPoP", phone.proof(("POST", &url), None, (self.now)())?)
            .body(body);
        let answer: Value = request.send().await?.json().await?;
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        *lock(&phone.access_token) = text("access_token");
        *lock(&phone.refresh_token) = text("refresh_token");
        Ok(phone.is_signed_in())
    }

    /// One act upon a scanned code; an access token that has run out is renewed first.
    pub async fn act(
        &self,
        phone: &Phone,
        (code, act): (&str, &str),
        told: &Value,
    ) -> Result<Value, Failure> {
        for is_again in [false, true] {
            let Some(token) = lock(&phone.access_token).clone() else {
                return Err("nobody is signed in".into());
            };
            let url = format!("{}/app/codes/{code}/{act}", self.issuer);
            let request = self
                .http
                .post(&url)
                .header("Authorization", format!("DPoP {token}"))
                .header("DPoP", phone.proof(("POST", &url), Some(&token), (self.now)())?)
                .header("content-type", "application/json")
                .body(told.to_string());
            let answer = request.send().await?;
            let renew = lock(&phone.refresh_token).clone();
            if let (401, false, Some(refresh)) = (answer.status().as_u16(), is_again, renew) {
                let form = vec![
                    ("grant_type", "refresh_token".to_owned()),
                    ("refresh_token", refresh),
                    ("client_id", self.client_id.clone()),
                ];
                self.tokens(phone, form).await?;
                continue;
            }
            return Ok(answer.json().await?);
        }
        Err("the session has ended".into())
    }
}

/// The simulated telephones: one for each browser that plays one.
#[derive(Clone)]
struct Telephones {
    app: TaxApp,
    /// Where the desk tells the newest code.
    newest_code: String,
    phones: Arc<Mutex<HashMap<String, Arc<Phone>>>>,
    /// Sign-ins on their way: state to phone and verifier.
    pending: Arc<Mutex<HashMap<String, (String, String)>>>,
}

pub fn router(app: TaxApp, newest_code: String) -> Router {
    let telephones =
        Telephones { app, newest_code, phones: Arc::default(), pending: Arc::default() };
    Router::new()
        .route("/tax", get(show).post(act))
        .route("/tax/sign-in", get(sign_in))
        .route("/tax/callback", get(callback))
        .with_state(telephones)
}

const COOKIE: &str = "tax-app-phone=";

impl Telephones {
    fn phone(&self, headers: &HeaderMap) -> Option<(String, Arc<Phone>)> {
        let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
        let id = cookies.split("; ").find_map(|cookie| cookie.strip_prefix(COOKIE))?;
        Some((id.to_owned(), lock(&self.phones).get(id)?.clone()))
    }
}

async fn show(State(telephones): State<Telephones>, headers: HeaderMap) -> Html<String> {
    let phone = telephones.phone(&headers);
    Html(page(phone.is_some_and(|(_, phone)| phone.is_signed_in()), "", None))
}

async fn sign_in(
    State(telephones): State<Telephones>,
    headers: HeaderMap,
) -> Result<Response, String> {
    let id = if let Some((id, _)) = telephones.phone(&headers) {
        id
    } else {
        let (id, phone) = (random(), Phone::new().map_err(|error| error.to_string())?);
        lock(&telephones.phones).insert(id.clone(), Arc::new(phone));
        id
    };
    let state = random();
    let (url, verifier) = telephones.app.sign_in(&state);
    lock(&telephones.pending).insert(state, (id.clone(), verifier));
    let cookie = format!("{COOKIE}{id}; Path=/tax; HttpOnly; SameSite=Lax");
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&url)).into_response())
}

#[derive(Deserialize)]
struct Answered {
    state: String,
    code: Option<String>,
}

async fn callback(
    State(telephones): State<Telephones>,
    Query(answered): Query<Answered>,
) -> Result<Redirect, String> {
    let pending = lock(&telephones.pending).remove(&answered.state);
    let (Some((id, verifier)), Some(code)) = (pending, answered.code) else {
        return Err("this sign-in was not begun here, or was refused".to_owned());
    };
    let Some(phone) = lock(&telephones.phones).get(&id).cloned() else {
        return Err("no such phone".to_owned());
    };
    let form = telephones.app.redeem_form(&code, &verifier);
    telephones.app.tokens(&phone, form).await.map_err(|error| error.to_string())?;
    Ok(Redirect::to("/tax"))
}

#[derive(Deserialize)]
struct Held {
    /// The scanned address; empty takes the newest of the desk.
    code: String,
    act: String,
    number: String,
    agree: Option<String>,
    /// The agreements that this page shows: the version of each by its id.
    #[serde(default)]
    shown: String,
}

async fn act(
    State(telephones): State<Telephones>,
    headers: HeaderMap,
    Form(held): Form<Held>,
) -> Response {
    let Some((_, phone)) = telephones.phone(&headers) else {
        return Redirect::to("/tax/sign-in").into_response();
    };
    let scanned = match held.code.trim() {
        "" => newest(&telephones).await,
        code => code.to_owned(),
    };
    let code = scanned.rsplit('/').next().unwrap_or_default();
    let agreed = held.agree.and_then(|_| serde_json::from_str(&held.shown).ok());
    let agreed: Value = agreed.unwrap_or_else(|| json!({}));
    let told = json!({"number": held.number.parse::<u8>().ok(), "agree": agreed});
    let answer = telephones.app.act(&phone, (code, &held.act), &told).await;
    match answer {
        // The provider's page opens in the phone's browser and comes back by itself.
        Ok(answer) if answer["url"].is_string() => {
            Redirect::to(answer["url"].as_str().unwrap_or("/tax")).into_response()
        }
        Ok(answer) => Html(page(true, &scanned, Some(&answer))).into_response(),
        Err(error) => Html(page(false, &scanned, Some(&json!(error.to_string())))).into_response(),
    }
}

async fn newest(telephones: &Telephones) -> String {
    let answer = telephones.app.http.get(&telephones.newest_code).send().await;
    match answer {
        Ok(answer) => answer.text().await.unwrap_or_default(),
        Err(_) => String::new(),
    }
}

/// What is asked before the first face check, to be read and ticked.
fn agreements(said: Option<&Value>) -> String {
    let asked = said.and_then(|said| said["agreements"].as_array()).map_or(&[][..], Vec::as_slice);
    if asked.is_empty() {
        return String::new();
    }
    let text = |one: &Value, member: &str| escape(one[member].as_str().unwrap_or_default());
    let read = |one: &Value| {
        format!("<details><summary>{}</summary>{}</details>", text(one, "title"), text(one, "text"))
    };
    let shown = asked
        .iter()
        .filter_map(|one| Some((one["id"].as_str()?.to_owned(), one["version"].clone())));
    let shown: Value = shown.collect::<serde_json::Map<_, _>>().into();
    format!(
        "{}<input type=\"hidden\" name=\"shown\" value=\"{}\">\
         <label><input type=\"checkbox\" name=\"agree\"> 同意以上协议 · I agree to these</label>",
        asked.iter().map(read).collect::<String>(),
        escape(&shown.to_string())
    )
}

fn page(is_signed_in: bool, code: &str, said: Option<&Value>) -> String {
    let title = "江西税务 APP（模拟） · Tax app (simulated)";
    let body = if is_signed_in {
        format!(
            "<form method=\"post\"><label>二维码地址，留空取演示台最新 · Address in the code, empty takes the desk's newest\
             <input name=\"code\" value=\"{}\"></label>\
             <label>电脑上的数字 · Number<input name=\"number\" inputmode=\"numeric\"></label>\
             {}\
             <button id=\"app-scan\" name=\"act\" value=\"scan\">扫描 · Scan</button>\
             <button id=\"app-confirm\" name=\"act\" value=\"confirm\">确认登录 · Confirm</button>\
             <button id=\"app-face\" name=\"act\" value=\"face\">人脸验证 · Face check</button>\
             <button id=\"app-cancel\" name=\"act\" value=\"cancel\">取消 · Cancel</button></form>",
            escape(code),
            agreements(said)
        )
    } else {
        "<p><a id=\"app-sign-in\" href=\"/tax/sign-in\">登录 · Sign in</a></p>".to_owned()
    };
    let said = said.map(|said| escape(&said.to_string())).unwrap_or_default();
    format!(
        "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>body{{font:16px/1.6 system-ui,sans-serif;max-width:24rem;margin:2rem auto;padding:0 1rem}}\
         label,select,input,button{{display:block;width:100%;margin:.4rem 0;min-height:44px;font:inherit}}\
         input[type=checkbox]{{width:24px;display:inline}}pre{{white-space:pre-wrap;overflow-wrap:anywhere}}</style>\
         <h1>{title}</h1>{body}<pre id=\"said\">{said}</pre>"
    )
}
