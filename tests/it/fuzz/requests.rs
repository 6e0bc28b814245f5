//! Whole requests at the real router: whatever a stranger sends, the answer is not 5xx. Forms,
//! cookies, client assertions, proofs and feed lines go the whole way to the database here.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, header};
use tokio::runtime::Runtime;
use tower::ServiceExt;

use super::{bytes, run};
use crate::kit::{Browser, EXAMPLE, FILING, On, PASSWORD, TestApp, VERIFIER, authorize_url};
use crate::protocol::authorize::signed_in;

pub(super) const FEED_LINES: &[&str] = &[
    r#"{"feed":"person","source_key":"p1","version":1,"name":"Ann Lee","document_type":"foreign_passport","document":"C01X00T47","nationality":"DEU","email":"ann@example.com","phone":"13800138111","real_name_level":"3"}"#,
    r#"{"feed":"enterprise","source_key":"e1","version":1,"registration_no":"10113601000000000777","tin":"FJ3601003440000024","name":"Second Ltd.","former_numbers":"1 2","kind":"non_resident","status":"03","tax_authority":"13601000000"}"#,
    r#"{"feed":"authorisation","source_key":"a1","version":"7","enterprise":"91360100MA35ABCD43","person":"360102199003071236","identity_type":"tax_clerk","permissions":["TAX_FILING"],"valid_from":"2026-01-01","valid_to":"2027-01-01"}"#,
    r#"{"feed":"engagement","source_key":"g1","version":1,"agency":"52360100MA3AGENT12","client":"91360100MA35ABCD43","valid_from":"2026-01-01","staff":["360102199003071236"],"is_ended":"false"}"#,
    r#"{"feed":"record","source_key":"r1","version":1,"enterprise":"91360100MA35ABCD43","record_kind":"inspection","record_no":"赣[2026]1号","project_name":"桥","division":"360100","tax_authority":"1","valid_from":"2026-01-01","handlers":["360102199003071236"]}"#,
];

/// The line of the request, headers, an empty line, the body. `{t}`, `{csrf}` and `{slider_id}` are
/// of a sign-in that has just begun.
const REQUESTS: &[&str] = &[
    "GET {AUTHORIZE}",
    "GET {AUTHORIZE}&claims=%7B%22id_token%22%3A%7B%22name%22%3Anull%7D%7D&max_age=10&acr_values=x&ui_locales=en",
    "GET {AUTHORIZE}&prompt=none&identity_hint=91360100MA35ABCD43&authorization_details=%5B%7B%22type%22%3A%22tax_identity%22%2C%22enterprise%22%3A%22x%22%7D%5D",
    "GET /login/credentials?t={t}&entrance=person",
    "GET /login/second_factor?t={t}",
    "GET /login?iss=x&target_link_uri=https%3A%2F%2Ffiling.jiangxi.example",
    "POST /token\nContent-Type: application/x-www-form-urlencoded\nAuthorization: Basic dGF4LWZpbGluZzpkZW1vLXNlY3JldC1vZi10YXgtZmlsaW5n\n\ngrant_type=authorization_code&code=abc&redirect_uri=https%3A%2F%2Ffiling.jiangxi.example%2Fcallback&code_verifier={VERIFIER}",
    "POST /token\nContent-Type: application/x-www-form-urlencoded\nDPoP: {ASSERTION}\n\ngrant_type=client_credentials&scope=openid&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={ASSERTION}",
    "POST /revoke\nContent-Type: application/x-www-form-urlencoded\n\nclient_id=desktop&token=abc&token_type_hint=refresh_token",
    "POST /introspect\nContent-Type: application/x-www-form-urlencoded\nAuthorization: Basic dGF4LWZpbGluZzpkZW1vLXNlY3JldC1vZi10YXgtZmlsaW5n\n\ntoken={ASSERTION}",
    "GET /userinfo\nAuthorization: DPoP {ASSERTION}\nDPoP: {ASSERTION}",
    "GET /logout?id_token_hint={ASSERTION}&post_logout_redirect_uri=https%3A%2F%2Ffiling.jiangxi.example%2F&state=1",
    "GET /q/abc?x=1",
    "POST /admin/import?feed=person\nContent-Type: application/x-ndjson\nAuthorization: Bearer {REGISTRY}\n\n{PERSON}",
    "POST /admin/import?feed=record\nContent-Type: text/csv\nAuthorization: Bearer {REGISTRY}\n\nsource_key,version,enterprise,record_kind\nr9,1,91360100MA35ABCD43,inspection\n",
    "GET /account/log?way=password&result=ok&page=2&enterprise=91360100MA35ABCD43",
    "GET /account/handlers?page=1&q=%E6%9D%8E",
    "GET /account/handlers/0190a1b2-0000-7000-8000-000000000000",
    "GET /assets/hufu.css",
    "POST /login/passkey\nContent-Type: application/x-www-form-urlencoded\n\nt={t}&csrf={csrf}&answer=%7B%22id%22%3A%22AA%22%2C%22rawId%22%3A%22AA%22%2C%22type%22%3A%22public-key%22%7D",
];

/// What stands in the place of names in braces, and whom the provider knows already.
struct Stranger {
    app: TestApp,
    session: Browser,
    registry: String,
    /// As a browser would send them.
    forms: Vec<String>,
}

impl Stranger {
    async fn of(app: TestApp) -> Self {
        let mut session = signed_in(&app).await;
        let page =
            session.get("/realms/jiangxi/account/handlers/add?identity_type=tax_clerk").await;
        let mut forms = vec![spelt(&page.filled(&[
            ("name", "王小明"),
            ("document_type", "resident_id_card"),
            ("document", "360102199003071236"),
            ("p-TAX_FILING", "1"),
        ]))];
        let page = app.browser().get(&authorize_url(&FILING, &[])).await;
        for person in ["wang", "13800138000", "360102199003071236"] {
            let typed = [
                ("enterprise_number", EXAMPLE),
                ("personal_id", person),
                ("password", PASSWORD),
                ("slider", "100"),
            ];
            let filled = page.filled(&typed);
            let own = |form: String, name: &&str| form.replace(&filled.1[*name], &braced(name));
            forms.push(OWN.iter().fold(spelt(&filled), own));
        }
        let form = [("grant_type", "client_credentials"), ("scope", "registry_import")];
        let secret = Some(("registry", "demo-secret-of-registry"));
        let (_, answer) = app.post("/token", secret, &form).await;
        let registry = answer["access_token"].as_str().unwrap().to_owned();
        Self { app, session, registry, forms }
    }

    fn seeds(&self) -> Vec<Vec<u8>> {
        let authorize = authorize_url(&FILING, &[]);
        let filled = REQUESTS.iter().map(|request| {
            let request = request
                .replace("{AUTHORIZE}", authorize.trim_start_matches("/realms/jiangxi"))
                .replace("{VERIFIER}", VERIFIER)
                .replace("{REGISTRY}", &self.registry)
                .replace("{ASSERTION}", ASSERTION)
                .replace("{PERSON}", &FEED_LINES.join("\n"));
            request.into_bytes()
        });
        let forms = self.forms.iter().map(|form| form.clone().into_bytes());
        filled.chain(forms).chain(bytes(FEED_LINES)).collect()
    }

    /// `None`: no server would get as far as the router with it.
    async fn request(&self, input: &[u8]) -> Option<Request<Body>> {
        let mut browser = self.session.clone();
        let mut input = input.to_vec();
        if input.windows(3).any(|part| part == b"{t}") {
            browser = self.app.browser();
            let page = browser.get(&authorize_url(&FILING, &[])).await;
            let (_, fields) = page.filled(&[("personal_id", "")]);
            for name in OWN {
                input = replaced(&input, braced(name).as_bytes(), fields[name].as_bytes());
            }
        }
        let (head, body) = split(&input, b"\n\n");
        let (line, headers) = split(head, b"\n");
        let (method, path) = split(line, b" ");
        let path = format!("/realms/jiangxi{}", str::from_utf8(path).ok()?);
        let mut request = Request::builder().method(method).uri(path);
        for one in headers.split(|byte| *byte == b'\n').filter(|one| !one.is_empty()) {
            let (name, value) = split(one, b": ");
            request = request.header(name, value);
        }
        let cookies = browser.cookies.iter().map(|(name, value)| format!("{name}={value}; "));
        let request = request.header(header::COOKIE, cookies.collect::<String>());
        request.body(Body::from(body.to_vec())).ok()
    }

    async fn is_answered(&self, input: &[u8]) {
        let Some(request) = self.request(input).await else { return };
        let answer = self.app.router.clone().oneshot(request);
        // What waits for news is not asked to the end.
        let Ok(answer) = tokio::time::timeout(Duration::from_secs(3), answer).await else { return };
        let answer = answer.unwrap();
        let status = answer.status().as_u16();
        assert!(status < 500 || status == 501, "{status}");
    }
}

/// Fields that each sign-in has of its own.
const OWN: [&str; 3] = ["t", "csrf", "slider_id"];

fn braced(name: &str) -> String {
    format!("{{{name}}}")
}

fn spelt((action, fields): &(String, BTreeMap<String, String>)) -> String {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let path = action.trim_start_matches("/realms/jiangxi");
    format!("POST {path}\nContent-Type: application/x-www-form-urlencoded\n\n{body}")
}

/// Of nobody, but in the right shape.
const ASSERTION: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2Iiwia2lkIjoiMSJ9.eyJpc3MiOiJkYXRhLWV4Y2hhbmdlIiwic3ViIjoiZGF0YS1leGNoYW5nZSIsImF1ZCI6IngiLCJleHAiOjF9.c2lnbmF0dXJl";

fn split<'b>(text: &'b [u8], at: &[u8]) -> (&'b [u8], &'b [u8]) {
    let found = text.windows(at.len()).position(|part| part == at);
    found.map_or((text, &[]), |found| (&text[..found], &text[found + at.len()..]))
}

fn replaced(text: &[u8], what: &[u8], by: &[u8]) -> Vec<u8> {
    let (before, after) = split(text, what);
    [before, by, after].concat()
}

fn whole_requests(on: On) {
    let runtime = Runtime::new().unwrap();
    let stranger = runtime.block_on(async { Stranger::of(TestApp::start(on).await).await });
    run(&stranger.seeds(), |input| runtime.block_on(stranger.is_answered(input)));
}

#[test]
fn requests_on_sqlite() {
    whole_requests(On::Sqlite);
}

#[test]
fn requests_on_postgresql() {
    match std::env::var_os("HUFU_TEST_POSTGRES") {
        Some(_) => whole_requests(On::Postgres),
        None => eprintln!("left out: PostgreSQL (scripts/test starts it)"),
    }
}
