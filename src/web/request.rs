//! One request, understood: its realm, its caller's address, language and cookies. The realm and
//! every address come from the realm file; `Host` and `Forwarded` never reach one.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, OriginalUri};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use tracing::Span;

use crate::base::secret::{Secret, keyed_hash, same};
use crate::domain::number::division::province_name;
use crate::domain::password::PasswordFault;
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::flows::oauth::dpop::Shown;
use crate::flows::sign_in::session::{StandingSession, by_cookie};
use crate::flows::{Ctx, Fault};
use crate::oidc::params::Params;
use crate::views::console::OfficerView;
use crate::views::face::with_value;
use crate::views::page::{MessagePage, Notice};
use crate::views::{Chrome, Page, Who};
use crate::web::answer::{Failure, html};
use crate::web::app::App;
use crate::web::client_ip::client_ip;
use crate::web::cookies;
use crate::web::face;

#[derive(Clone)]
pub struct Request {
    pub app: App,
    pub ctx: Ctx,
    pub cookies: HashMap<String, String>,
    pub authorization: Option<String>,
    /// The `DPoP` headers (RFC 9449 §4.1).
    pub proofs: Vec<String>,
    pub method: Method,
    pub uri: Uri,
    /// By which the log knows it.
    pub number: RequestNumber,
    language: String,
}

/// Whose page it is.
enum Reader {
    Nobody,
    /// Outside the centres, as whom somebody works.
    Acting(String),
    Person(Who),
    Officer(OfficerView),
}

/// Counted from the start of the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestNumber(pub u64);

/// What is refused as a whole, by no field of its page.
const NO_FIELDS: [&str; 5] = ["entrance", "handler_age", "selection", "uploads_many", "value"];

/// The id of a field's element, where it is not the field's name.
fn element_of(field: &str) -> &str {
    match field {
        "held_name" | "passkey_name" => "name",
        "old_password" => "old",
        "enterprise_unknown" => "enterprise_number",
        "range" => "from",
        "upload" | "upload_size" | "upload_kind" | "uploads" | "portrait" | "portrait_size"
        | "portrait_kind" => "file",
        other => other,
    }
}

impl FromRequestParts<App> for Request {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        // Within a nested router the address is cut; people and realms need it whole.
        let uri = parts.extensions.get::<OriginalUri>();
        let uri = uri.map_or_else(|| parts.uri.clone(), |OriginalUri(uri)| uri.clone());
        let realm = uri.path().split('/').nth(2).and_then(|id| app.realm(id));
        let Some(realm) = realm else { return Err(StatusCode::NOT_FOUND.into_response()) };
        Span::current().record("realm", realm.id.as_str());
        let cookies = cookies::read(&parts.headers);
        let chosen = cookies.get(&cookies::language_name(&realm)).cloned();
        let authorization = parts.headers.get(header::AUTHORIZATION);
        Ok(Self {
            language: chosen
                .filter(|lang| lang == "en" || lang == "zh-CN")
                .unwrap_or_else(|| accepted_language(&parts.headers)),
            ctx: Ctx {
                services: Arc::clone(app.services()),
                realm,
                ip: caller(parts, app),
                device: device(&parts.headers),
                is_known: false,
            },
            // One that cannot be read was shown all the same, and is wrong.
            authorization: authorization.map(|value| value.to_str().unwrap_or_default().to_owned()),
            proofs: proofs(&parts.headers),
            method: parts.method.clone(),
            number: parts.extensions.get().copied().unwrap_or_default(),
            app: app.clone(),
            cookies,
            uri,
        })
    }
}

/// Whose request it is.
pub fn caller(parts: &Parts, app: &App) -> IpAddr {
    client_ip(peer(parts), &parts.headers, app.proxies())
}

fn peer(parts: &Parts) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |ConnectInfo(peer)| peer.ip())
}

/// The first that a browser asks for.
pub fn accepted_language(headers: &HeaderMap) -> String {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let first = accepted.unwrap_or_default().split(',').next().unwrap_or_default();
    let english = first.trim().to_ascii_lowercase().starts_with("en");
    if english { "en".to_owned() } else { "zh-CN".to_owned() }
}

/// Browser and system in two words, for the sign-in log.
fn device(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT);
    let agent = agent.map(|value| String::from_utf8_lossy(value.as_bytes())).unwrap_or_default();
    let known = |words: &[(&'static str, &'static str)]| {
        words.iter().find(|(mark, _)| agent.contains(mark)).map_or("?", |(_, name)| name)
    };
    let browser = known(&[
        ("Edg", "Edge"),
        ("Firefox", "Firefox"),
        ("Chrome", "Chrome"),
        ("Safari", "Safari"),
    ]);
    let system = known(&[
        ("Windows", "Windows"),
        ("Android", "Android"),
        ("iPhone", "iOS"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    format!("{browser} / {system}")
}

/// One too many is as telling as one, so three are read at most.
fn proofs(headers: &HeaderMap) -> Vec<String> {
    let all = headers.get_all("dpop").iter().take(3);
    all.map(|value| value.to_str().unwrap_or_default().to_owned()).collect()
}

impl Request {
    /// What this request shows of keys.
    pub fn shown(&self) -> Shown<'_> {
        let path = self.uri.path();
        let base = self.base();
        Shown {
            proofs: &self.proofs,
            method: self.method.as_str(),
            path: path.strip_prefix(&base).unwrap_or(path),
        }
    }

    pub fn base(&self) -> String {
        format!("/realms/{}", self.ctx.realm.id)
    }

    pub fn language(&self) -> &str {
        &self.language
    }

    /// `ui_locales` of a client decides unless the person chose.
    pub fn prefer(&mut self, ui_locales: Option<&str>) {
        let chosen = self.cookies.contains_key(&cookies::language_name(&self.ctx.realm));
        if let (false, Some(first)) = (chosen, ui_locales.and_then(|list| list.split(' ').next())) {
            self.language = if first.starts_with("en") { "en" } else { "zh-CN" }.to_owned();
        }
    }

    pub fn query(&self) -> Result<Params, crate::oidc::error::OAuthError> {
        Params::parse(self.uri.query().unwrap_or_default().as_bytes())
    }

    /// The live session behind the cookie.
    pub async fn session(&self) -> Result<Option<Session>, Fault> {
        Ok(self.standing_session().await?.map(|found| found.session))
    }

    /// The same with person, account and identity as they are now.
    pub async fn standing_session(&self) -> Result<Option<StandingSession>, Fault> {
        match self.session_cookie() {
            Some(cookie) => by_cookie(&self.ctx, &cookie).await,
            None => Ok(None),
        }
    }

    pub fn session_cookie(&self) -> Option<Secret> {
        let value = self.cookies.get(&cookies::session_name(&self.ctx.realm))?;
        Some(Secret::new(value.clone()))
    }

    /// A form belongs to one purpose and one browser: `binding` is a transaction or a session.
    pub fn csrf(&self, binding: &str) -> String {
        let parts: [&[u8]; 2] = [self.ctx.realm.id.as_bytes(), binding.as_bytes()];
        BASE64_URL_SAFE_NO_PAD.encode(keyed_hash(&self.ctx.services.secrets.csrf, &parts))
    }

    pub fn is_genuine(&self, form: &Params, binding: &str) -> bool {
        let sent = form.get("csrf").unwrap_or_default();
        same(sent.as_bytes(), self.csrf(binding).as_bytes())
    }

    /// What session forms are bound to.
    pub fn session_binding(&self) -> String {
        self.session_cookie().map(|cookie| cookie.hashed().to_text()).unwrap_or_default()
    }

    /// In the realm's own words where it has some.
    pub fn text(&self, key: &str) -> String {
        self.in_words(key, None)
    }

    /// A text that holds one value.
    pub fn text_with(&self, key: &str, n: &str) -> String {
        self.in_words(key, Some(n))
    }

    fn in_words(&self, key: &str, n: Option<&str>) -> String {
        match self.ctx.realm.look.texts.get(key) {
            Some(own) => with_value(own.in_language(&self.language), n),
            None => self.app.views().text(&self.language, key, n),
        }
    }

    /// How the bureau is asked for help, within a sentence.
    pub fn help_desk(&self) -> String {
        match &self.ctx.realm.look.support {
            Some(number) => self.text_with("help-desk-by-phone", number),
            None => self.text("help-desk"),
        }
    }

    /// A division by its code; provinces have names, others where the realm gives them one.
    pub fn division(&self, code: &str) -> String {
        let province = province_name(code.get(..2).unwrap_or_default(), self.language() == "en");
        let named = self.ctx.realm.divisions.get(code).map(|name| name.in_language(&self.language));
        match (named, province, code.len()) {
            (Some(name), ..) | (None, Some(name), 2) => name.to_owned(),
            (None, Some(name), 4 | 6) => format!("{name} {code}"),
            _ => code.to_owned(),
        }
    }

    /// A refusal in the reader's words, with its stable code.
    pub fn notice(&self, refusal: &Refusal) -> Notice {
        let wait = refusal.retry_after().map(|seconds| {
            let (key, n) = if seconds < 120 {
                ("seconds", seconds)
            } else {
                ("minutes", (seconds + 59).div_euclid(60))
            };
            self.text_with(key, &n.to_string())
        });
        let text = match refusal {
            Refusal::PasswordPolicy(fault) => self.password_fault(*fault),
            Refusal::AccountLocked => self.text_with(&refusal.text_key(), &self.help_desk()),
            refusal => self.in_words(&refusal.text_key(), wait.as_deref()),
        };
        let notice = Notice {
            code: refusal.code().to_owned(),
            text: text.clone(),
            retry_after: refusal.retry_after(),
            ..Notice::default()
        };
        let own = |field: &&str| !NO_FIELDS.contains(field);
        let said = |field: &str| self.text(&Refusal::text_key_of(field));
        match refusal {
            Refusal::Format { fields } => notice.at_fields(
                fields
                    .iter()
                    .copied()
                    .filter(own)
                    .map(|one| (element_of(one).to_owned(), said(one))),
            ),
            Refusal::Otp => notice.at_fields([("code".to_owned(), text)]),
            Refusal::PasswordPolicy(PasswordFault::NotEqual) => {
                notice.at_fields([("repeated".to_owned(), text)])
            }
            Refusal::PasswordPolicy(_) => notice.at_fields([("new".to_owned(), text)]),
            _ => notice,
        }
    }

    /// In the numbers of the realm's own rule.
    fn password_fault(&self, fault: PasswordFault) -> String {
        let rules = &self.ctx.realm.password;
        let key = Refusal::PasswordPolicy(fault).text_key();
        match fault {
            PasswordFault::Length => {
                let lengths = format!("{}–{}", rules.min_length, rules.max_length);
                self.text_with(&key, &lengths)
            }
            PasswordFault::Classes => {
                let key = if rules.letters_merged { format!("{key}-merged") } else { key };
                self.text_with(&key, &rules.min_classes.to_string())
            }
            _ => self.text(&key),
        }
    }

    /// The same in words that only this page has: `key` of `locales/`.
    pub fn notice_as(&self, refusal: &Refusal, key: &str) -> Notice {
        Notice { text: self.text(key), ..self.notice(refusal) }
    }

    pub fn page<P: Page>(
        &self,
        status: StatusCode,
        binding: &str,
        page: &P,
    ) -> Result<Response, Failure> {
        self.render(status, self.csrf(binding), Reader::Nobody, page)
    }

    /// A page of a session that stands outside the centres; `acting`: as whom somebody works.
    pub fn page_as<P: Page>(
        &self,
        status: StatusCode,
        acting: Option<String>,
        page: &P,
    ) -> Result<Response, Failure> {
        let reader = acting.map_or(Reader::Nobody, Reader::Acting);
        self.render(status, self.csrf(&self.session_binding()), reader, page)
    }

    /// A page of an account centre; its forms are the session's.
    pub fn account_page<P: Page>(
        &self,
        status: StatusCode,
        who: Who,
        page: &P,
    ) -> Result<Response, Failure> {
        self.render(status, self.csrf(&self.session_binding()), Reader::Person(who), page)
    }

    /// A page of the console; its forms are the officer's session's.
    pub fn console_page<P: Page>(
        &self,
        status: StatusCode,
        officer: OfficerView,
        page: &P,
    ) -> Result<Response, Failure> {
        self.render(status, officer.csrf.clone(), Reader::Officer(officer), page)
    }

    fn render<P: Page>(
        &self,
        status: StatusCode,
        csrf: String,
        reader: Reader,
        page: &P,
    ) -> Result<Response, Failure> {
        let (mut who, mut acting, mut officer) = (None, None, None);
        match reader {
            Reader::Nobody => {}
            Reader::Acting(title) => acting = Some(title),
            Reader::Person(one) => who = Some(one),
            Reader::Officer(one) => officer = Some(one),
        }
        let here = self.uri.path_and_query().map_or_else(String::new, ToString::to_string);
        let chrome = Chrome {
            lang: self.language.clone(),
            realm_name: self.ctx.realm.name.in_language(&self.language).to_owned(),
            base: self.base(),
            csrf,
            who,
            acting,
            officer,
            is_large: self.cookies.contains_key(&cookies::look_name(&self.ctx.realm)),
            request_number: self.number.0,
            face: face::of(&self.ctx.realm, &self.language, self.ctx.now().day()),
            texts: face::texts(&self.ctx.realm, &self.language),
            here: form_urlencoded::byte_serialize(here.as_bytes()).collect(),
        };
        let text = self.app.views().render(&chrome, page);
        let text = text.map_err(|error| Failure::from(Fault::Internal(error.to_string())))?;
        Ok(html(status, text))
    }

    /// `key`: `<key>-title` and `<key>-text` in `locales/`.
    pub fn message(
        &self,
        status: StatusCode,
        key: &str,
        link: Option<(String, &str)>,
    ) -> Result<Response, Failure> {
        let page = MessagePage {
            title: self.text(&format!("{key}-title")),
            text: self.text(&format!("{key}-text")),
            code: None,
            link: link.map(|(to, words)| (to, self.text(words))),
        };
        self.page(status, "", &page)
    }

    /// A form that is none of ours: of another type, a field sent twice, a control character in it.
    pub fn malformed(&self) -> Result<Response, Failure> {
        let notice = self.notice(&Refusal::format("value"));
        let page = MessagePage {
            title: self.text("malformed-title"),
            text: notice.text,
            code: Some(notice.code),
            link: None,
        };
        self.page(StatusCode::BAD_REQUEST, "", &page)
    }

    /// The way to the realm's portal, where pages end that lead nowhere else.
    pub fn portal(&self) -> Option<(String, String)> {
        let portal = self.ctx.realm.portals.first()?;
        Some((portal.clone(), self.text("signed-in-portal")))
    }

    pub fn forbidden(&self) -> Result<Response, Failure> {
        self.message(StatusCode::FORBIDDEN, "forbidden", None)
    }
}
