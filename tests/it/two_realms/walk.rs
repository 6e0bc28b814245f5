//! The walk: each route of the second realm with each value of the first in each place, as nobody and
//! as somebody who is signed in there; and the same with a made-up value of the same shape.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, header};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use hufu::base::secret::sha256;
use hufu::cli::demo::phone_app::Operator;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::made::{Made, assertion};
use super::places::{As, In, Walked};
use super::routes::routes;
use super::shadow::given;
use super::side::Side;
use super::told::{Told, alike, difference, marks, words};
use crate::kit::browser::without_number;
use crate::kit::{FILING, VERIFIER};

/// Which values are looked up where a slot of this name stands.
fn fits(slot: &str) -> &'static [&'static str] {
    match slot {
        "t" => &["t"],
        "q" => &["q"],
        "v" => &["v"],
        "csrf" => &["csrf"],
        "made" => &["made"],
        "order" | "{order}" => &["order"],
        "slider_id" => &["slider"],
        "challenge" => &["asked"],
        "code" => &["code", "sms", "totp", "recovery", "q"],
        "{id}" | "{code}" => &["q", "id"],
        "refresh_token" => &["refresh_token"],
        "bearer" | "dpop" | "token" | "access_token" => {
            &["access_token", "refresh_token", "id_token"]
        }
        "id_token_hint" => &["id_token"],
        "statement" | "client_assertion" => &["assertion"],
        "cookie:session" => &["session"],
        "cookie:phone" | "cookie:device" => &["cookie"],
        "number" | "enterprise" | "identity_hint" | "text" | "find" => &["number", "id"],
        "id" | "person" | "application" | "file" | "identity" | "client" | "record" | "confirm"
        | "forget" | "remove" | "stream_id" | "ack" | "end" | "withdraw" => &["id"],
        _ => &[],
    }
}

fn kind(name: &str) -> &str {
    name.split('.').next().unwrap()
}

/// One request of the walk: a good one, but for the value in its slot.
#[derive(Clone, Copy)]
struct Attempt<'t> {
    row: &'t Walked,
    who: As,
    slot: &'t str,
    value: &'t str,
}

/// The places of the walk, and what was seen at them.
pub struct Walk<'a> {
    side: Side<'a>,
    router: Router,
    own: &'a Made,
    /// Of the first realm, by name.
    foreign: Vec<(String, String)>,
    marks: BTreeSet<String>,
    operator: Operator,
    controls: HashMap<String, Told>,
    pub wrong: Vec<String>,
    pub requests: usize,
    pub places: usize,
}

impl<'a> Walk<'a> {
    pub fn new(side: Side<'a>, router: Router, own: &'a Made, foreign: &Made) -> Self {
        let every = |made: &Made| {
            let (values, cookies) = (made.values.clone(), made.cookies.clone());
            marks(values.into_values().chain(cookies.into_values()))
        };
        let marks = every(foreign).difference(&every(own)).cloned().collect();
        let mut foreign: Vec<(String, String)> = foreign.values.clone().into_iter().collect();
        foreign.push(("number".to_owned(), super::OWN_NUMBER.to_owned()));
        foreign.push(("phone".to_owned(), super::OWN_PHONE.to_owned()));
        let key = include_str!("../../../examples/phone_app/iit.private.json").to_owned();
        let now = side.app.ctx.now().0;
        let operator = Operator::new(
            side.url(""),
            "iit-app".to_owned(),
            key,
            std::sync::Arc::new(move || now),
        );
        Self {
            side,
            router,
            own,
            foreign,
            marks,
            operator: operator.unwrap(),
            controls: HashMap::new(),
            wrong: Vec::new(),
            requests: 0,
            places: 0,
        }
    }

    /// `is_whole`: with every value, otherwise with one of each kind.
    pub async fn everywhere(&mut self, is_whole: bool) {
        for row in routes() {
            for slot in row.slots.split(' ') {
                self.places += 1;
                self.at(row, row.who, slot, is_whole).await;
                if matches!(row.who, As::Person(_)) {
                    self.at(row, As::Nobody, slot, false).await;
                }
            }
        }
    }

    /// What is tried in a slot: all values of the kinds that fit, and of two other kinds, in turn, one
    /// each; where it is not the whole, one of each that fits. Where only a person may ask, nobody asks so.
    fn tried(&self, slot: &str, is_whole: bool) -> Vec<(String, String)> {
        let does_fit = |one: &&(String, String)| fits(slot).contains(&kind(&one.0));
        let mut seen = BTreeSet::new();
        let firsts = self.foreign.iter().filter(|one| seen.insert(kind(&one.0)));
        let (fitting, others): (Vec<_>, Vec<_>) = firsts.partition(does_fit);
        if !is_whole {
            return fitting.into_iter().cloned().collect();
        }
        let others = others.into_iter().cycle().skip(2 * self.places).take(2);
        self.foreign.iter().filter(does_fit).chain(others).cloned().collect()
    }

    async fn at(&mut self, row: &Walked, who: As, slot: &str, is_whole: bool) {
        for (name, value) in self.tried(slot, is_whole) {
            let kind = kind(&name);
            let place = format!("{} {} {who:?} {slot} {}", row.method, row.route, row.sends);
            let attempt = Attempt { row, who, slot, value: &value };
            let told = self.told(attempt, &format!("{place} {name}")).await;
            let control = format!("{place} {kind}");
            let known = match self.controls.get(&control).cloned() {
                Some(known) => known,
                None => self.control(attempt, kind, control).await,
            };
            if told != known {
                self.wrong.push(format!("{place} {name}: {}", difference(&told, &known)));
            }
        }
    }

    /// What the same request is told with a value that nobody knows.
    async fn control(&mut self, attempt: Attempt<'_>, kind: &str, name: String) -> Told {
        let other = match kind {
            "assertion" => assertion(self.side, "nowhere", "of-nobody"),
            _ => alike(attempt.value, u64::try_from(self.requests).unwrap()),
        };
        let known = self.told(Attempt { value: &other, ..attempt }, &name).await;
        self.controls.insert(name, known.clone());
        known
    }

    async fn told(&mut self, attempt: Attempt<'_>, what: &str) -> Told {
        self.requests += 1;
        let request = self.request(attempt);
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = answer.into_parts();
        // A stream of events that begins would not end.
        let text = tokio::time::timeout(Duration::from_secs(2), to_bytes(body, 1 << 20)).await;
        let text = text.map_or_else(|_| b"a stream"[..].into(), Result::unwrap);
        let text = without_number(&String::from_utf8_lossy(&text));
        let to = head.headers.get(header::LOCATION).map_or("", |to| to.to_str().unwrap());
        for one in given(head.status, &head.headers, &text) {
            self.wrong.push(format!("{what} gave {one}"));
        }
        let sent = marks(std::iter::once(attempt.value.to_owned()));
        for (_, word) in words(&text).into_iter().chain(words(to)) {
            if self.marks.contains(word) && !sent.contains(word) {
                self.wrong.push(format!("{what} told {word}"));
            }
        }
        Told::of(head.status, &head.headers, &text, attempt.value)
    }

    /// A value of the second realm's own in place of `{…}`.
    fn resolved(&self, text: &str) -> String {
        let Some((before, rest)) = text.split_once('{') else { return text.to_owned() };
        let (name, after) = rest.split_once('}').unwrap();
        let value = match name {
            "verifier" => VERIFIER.to_owned(),
            "challenge" => BASE64_URL_SAFE_NO_PAD.encode(sha256(VERIFIER.as_bytes())),
            "asks" => {
                let asked = self.side.authorize(&FILING, &[("prompt", "select_account")]);
                asked.split_once('?').unwrap().1.to_owned()
            }
            _ => self.own.values[name].clone(),
        };
        format!("{before}{value}{after}")
    }

    fn request(&self, attempt: Attempt<'_>) -> Request<Body> {
        let Attempt { row, who, slot, value } = attempt;
        let mut fields: BTreeMap<String, String> = BTreeMap::new();
        for field in row.sends.split('&').filter(|field| !field.is_empty()) {
            let (name, sent) = field.split_once('=').unwrap();
            fields.insert(name.to_owned(), self.resolved(sent));
        }
        if who == As::Operator {
            let code = if slot == "code" { value } else { &fields["code"] };
            let person = crate::login::scan::iit("王小明", "360102199003071236");
            let form = self.operator.form(code, "scan", (&person, false), None).unwrap();
            fields.extend(form.into_iter().map(|(name, value)| (name.to_owned(), value)));
        }
        let is_field = !slot.contains(':') && slot != "bearer" && slot != "dpop";
        if is_field {
            fields.insert(slot.to_owned(), value.to_owned());
        }
        let mut path = row.route.to_owned();
        fields.retain(|name, value| {
            let is_part = name.starts_with('{');
            if is_part {
                let part: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
                path = path.replace(name.as_str(), &part);
            }
            !is_part
        });
        let mut headers = self.headers(row.method, &path, who);
        self.put_slot(&mut headers, attempt, &path);
        let (address, body, kind) = sent(&self.side.path(&path), row.place, &fields);
        let mut request = Request::builder().method(row.method).uri(address);
        if let Some(kind) = kind {
            let kind = if row.route == "/admin/import" { "application/jsonl" } else { kind };
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let mut request = request.body(Body::from(body)).unwrap();
        request.headers_mut().extend(headers);
        request
    }

    /// A good request of a place, by this method.
    pub fn good(&self, row: &Walked, method: &Method) -> Request<Body> {
        // Whatever it replaces, it is nothing.
        let attempt = Attempt { row, who: row.who, slot: "cookie:nothing", value: "x" };
        let mut request = self.request(attempt);
        *request.method_mut() = method.clone();
        request
    }

    /// Cookies, or the client's or the token's own credentials.
    fn headers(&self, method: &str, path: &str, who: As) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut cookies = self.own.cookies.clone();
        match who {
            As::Nobody | As::Operator => {}
            As::Person(name) => {
                let session = self.own.values[&format!("session.{name}")].clone();
                cookies.insert(self.side.session_name(), session);
            }
            As::Client => {
                let basic = BASE64_STANDARD.encode(format!("{}:{}", FILING.id, FILING.secret));
                put(&mut headers, "authorization", &format!("Basic {basic}"));
            }
            As::Bearer(name) => {
                let token = &self.own.values[name];
                put(&mut headers, "authorization", &format!("Bearer {token}"));
            }
            As::Bound => {
                let token = &self.own.values["access_token.bound"];
                let proof = self.own.proof(self.side, (method, path), Some(token));
                put(&mut headers, "authorization", &format!("DPoP {token}"));
                put(&mut headers, "dpop", &proof);
            }
        }
        put_cookies(&mut headers, &cookies);
        headers
    }

    fn put_slot(&self, headers: &mut HeaderMap, attempt: Attempt<'_>, path: &str) {
        let Attempt { row: Walked { method, .. }, slot, value, .. } = attempt;
        match slot {
            "bearer" => put(headers, "authorization", &format!("Bearer {value}")),
            "dpop" => {
                let proof = self.own.proof(self.side, (method, path), Some(value));
                put(headers, "authorization", &format!("DPoP {value}"));
                put(headers, "dpop", &proof);
            }
            _ => {
                let Some(what) = slot.strip_prefix("cookie:") else { return };
                let name = format!("__Host-hufu-{what}-{}", self.side.realm);
                let known = headers.get(header::COOKIE).map_or("", |all| all.to_str().unwrap());
                let others = known.split("; ").filter(|one| !one.starts_with(&name));
                let mut all: Vec<String> = others.map(str::to_owned).collect();
                all.push(format!("{name}={value}"));
                put(headers, "cookie", &all.join("; "));
            }
        }
    }
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = value.parse() {
        headers.insert(name, value);
    }
}

fn put_cookies(headers: &mut HeaderMap, cookies: &BTreeMap<String, String>) {
    let pairs: Vec<String> =
        cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    put(headers, "cookie", &pairs.join("; "));
}

/// Address, body and media type.
fn sent(
    path: &str,
    place: In,
    fields: &BTreeMap<String, String>,
) -> (String, String, Option<&'static str>) {
    let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    match place {
        In::Query if encoded.is_empty() => (path.to_owned(), String::new(), None),
        In::Query => (format!("{path}?{encoded}"), String::new(), None),
        In::Form => (path.to_owned(), encoded, Some("application/x-www-form-urlencoded")),
        In::Json => {
            let value = |(name, value): (&String, &String)| {
                let value = if name == "ack" { json!([value]) } else { json!(value) };
                (name.clone(), value)
            };
            let object: serde_json::Map<String, Value> = fields.iter().map(value).collect();
            (path.to_owned(), Value::Object(object).to_string(), Some("application/json"))
        }
    }
}
