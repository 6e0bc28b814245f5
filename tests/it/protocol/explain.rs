//! What `hufu realm explain` says is what a sign-in gives: compared with tokens that were really issued, over
//! doors, applications, scopes and APIs.

use serde_json::{Map, Value};

use hufu::base::secret::Hashed;
use hufu::domain::factor::Factor;
use hufu::domain::session::Session;
use hufu::flows::oauth::explain::{Cause, Explanation, Question, explain};
use hufu::realm::Realm;

use crate::account::{as_li, as_person, as_wang, at_door};
use crate::certificate::door::{Office, handler};
use crate::kit::{
    Application, Browser, EXAMPLE, FILING, INVOICE, On, PASSWORD, TestApp, VERIFIER, authorize_url,
    claims, on_each_database,
};

const AGENCY: &str = "52360100MA3AGENT12";
const STAFF: &str = "13300133000";
const BUILDER: &str = "91330100MA2BUJ786T";
const MAIN: &str = "13100131000";
/// Of a non-resident enterprise.
const ABROAD: &str = "+14155550123";
const APIS: [&str; 3] =
    ["", "https://api.jiangxi.example/filing", "https://api.jiangxi.example/invoices"];

/// Differs each time, by the request or the moment.
const OF_THE_MOMENT: [&str; 7] = ["iat", "exp", "auth_time", "jti", "sid", "nonce", "at_hash"];

async fn session_of(app: &TestApp, browser: &Browser) -> Session {
    let cookie = &browser.cookies["__Host-hufu-session-jiangxi"];
    let found = app.ctx.rows().standings().by_cookie(Hashed::of(cookie), app.ctx.now()).await;
    found.unwrap().unwrap().session
}

/// Every set of scopes with `openid` among these.
fn subsets(scopes: &[&str]) -> Vec<String> {
    let sets = 0..1_u32 << scopes.len();
    let chosen = |set: u32| {
        let own = scopes.iter().enumerate().filter(move |(place, _)| set >> place & 1 == 1);
        std::iter::once("openid").chain(own.map(|(_, scope)| *scope)).collect::<Vec<_>>().join(" ")
    };
    sets.map(chosen).collect()
}

async fn explained(
    app: &TestApp,
    session: &Session,
    (client, scope, api): (&Application, &str, &str),
) -> Explanation {
    let client = &app.ctx.realm.clients[client.id];
    let resources: Vec<String> =
        Some(api.to_owned()).filter(|api| !api.is_empty()).into_iter().collect();
    let is_face = session.amr.iter().any(|method| method == "face");
    let question = Question {
        person: session.person,
        account: session.account,
        acting: session.acting,
        client,
        entrance: Some(&session.entrance),
        factor: Some(if is_face { Factor::TaxAppScan } else { Factor::Sms }),
        scope: Some(scope),
        resources: &resources,
    };
    match explain(&app.ctx, &question).await {
        Ok(told) => told,
        Err(stop) => panic!("{stop}"),
    }
}

/// `None`: no code came back.
async fn issued(
    app: &TestApp,
    browser: &mut Browser,
    (client, scope, api): (&Application, &str, &str),
) -> Option<Value> {
    let more = [("scope", scope), ("resource", api)];
    let mut page = browser.get(&authorize_url(client, &more)).await;
    if page.url.contains("/consent") {
        page = browser.submit(&page, &[("act", "allow")]).await;
    }
    let code = page.answered("code")?;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", client.redirect_uri),
        ("code_verifier", VERIFIER),
    ];
    let (status, tokens) = app.post("/token", Some((client.id, client.secret)), &form).await;
    assert_eq!(status.as_u16(), 200, "{tokens}");
    Some(tokens)
}

fn lasting(claims: Value) -> Map<String, Value> {
    let Value::Object(mut claims) = claims else { panic!("no claims") };
    claims.retain(|name, _| !OF_THE_MOMENT.contains(&name.as_str()));
    claims
}

/// Every line has a cause, and every setting that is named stands at the line that is told.
fn check_causes(realm: &Realm, told: &Explanation) {
    assert!(told.lines.iter().all(|line| !line.causes.is_empty()));
    for cause in told.lines.iter().flat_map(|line| &line.causes) {
        let Cause::Setting(setting) = cause else { continue };
        let (file, line) = realm.files.place(setting).unwrap();
        let said = realm.settings.get(setting);
        let Some(line) = line else {
            assert_eq!(said, None, "{setting}");
            continue;
        };
        let text = std::str::from_utf8(realm.files.get(&file).unwrap()).unwrap();
        let text = text.lines().nth(line - 1).unwrap();
        let value = said.map_or("", |said| said.trim_matches('"'));
        assert!(text.contains(value), "{setting} at {file}:{line}: {text}");
    }
}

/// Every application with every set of scopes, for every API.
fn requests() -> Vec<(&'static Application, String, &'static str)> {
    let of = |client: &'static Application, scopes: &[&str]| {
        let of_scope = |scope: String| APIS.map(|api| (client, scope.clone(), api));
        subsets(scopes).into_iter().flat_map(of_scope).collect::<Vec<_>>()
    };
    let filing = of(&FILING, &["profile", "phone", "tax_identity", "email"]);
    [filing, of(&INVOICE, &["profile", "tax_identity"])].concat()
}

/// Explained and issued they are the same; `false`: refused on both sides.
async fn agree(
    app: &TestApp,
    browser: &mut Browser,
    session: &Session,
    asked: (&Application, &str, &str),
) -> bool {
    let told = explained(app, session, asked).await;
    let Some(tokens) = issued(app, browser, asked).await else {
        let first = told.lines.iter().any(|line| line.about == "needed_first");
        assert!(told.refused.is_some() || first, "{asked:?} {:?}", told.lines);
        return false;
    };
    assert_eq!(told.refused, None, "{asked:?}");
    let id_token = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(lasting(told.id_token.clone().into()), lasting(id_token), "{asked:?}");
    let access = tokens["access_token"].as_str().unwrap();
    if access.contains('.') {
        let own = lasting(told.access_token.clone().into());
        assert_eq!(own, lasting(claims(access)), "{asked:?}");
    }
    check_causes(&app.ctx.realm, &told);
    true
}

/// Issue 15, 8: the same claims, or none on either side, also of who came by a certificate, and of a non-resident at
/// a door of all; every claim has a cause, and every setting that is
/// named stands at the line that is told.
#[test]
fn an_explanation_is_what_is_issued() {
    on_each_database(|on| async move {
        let office = Office::open(on).await;
        let app = &office.app;
        let (mut certified, page) = office.sign_in(&office.sm2.enterprise()).await;
        let id = handler(&page, "李*");
        certified.submit(&page, &[("handler", &id)]).await;
        let mut browsers = vec![
            as_li(app).await,
            as_wang(app, "办税员").await,
            as_person(app, "13800138000").await,
            at_door(app, "agency", (AGENCY, STAFF, PASSWORD), EXAMPLE).await,
            at_door(app, "specific_entity", (BUILDER, MAIN, PASSWORD), "102号").await,
            at_door(app, "all_in_one", ("", ABROAD, PASSWORD), "Example Machinery").await,
            certified,
        ];
        // What is issued is the same on the second database: there every fourth.
        let (every, least) = if matches!(on, On::Sqlite) { (1, 100) } else { (4, 20) };
        let (mut n_issued, mut n_refused) = (0, 0);
        for browser in &mut browsers {
            let session = session_of(app, browser).await;
            for (client, scope, api) in requests().into_iter().step_by(every) {
                match agree(app, browser, &session, (client, &scope, api)).await {
                    true => n_issued += 1,
                    false => n_refused += 1,
                }
            }
        }
        assert!(n_issued > least && n_refused > 0, "{n_issued} {n_refused}");
    });
}

/// Issue 15, 8: why there is none: a lock, an identity that has ended, an entrance that leads elsewhere, an
/// application that is not for it, a scope that is not its.
#[test]
fn why_there_is_no_token() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let browser = as_wang(&app, "办税员").await;
        let session = session_of(&app, &browser).await;
        let client = &app.ctx.realm.clients["tax-filing"];
        let whole = Question {
            person: session.person,
            account: session.account,
            acting: session.acting,
            client,
            entrance: None,
            factor: None,
            scope: None,
            resources: &[],
        };
        let refused = async |question: Question<'_>| match explain(&app.ctx, &question).await {
            Ok(told) => {
                assert_eq!(told.lines.last().map(|line| line.about.as_str()), Some("refused"));
                assert!(told.id_token.is_empty() && told.access_token.is_empty());
                told.refused.unwrap()
            }
            Err(stop) => panic!("{stop}"),
        };
        let leads = "no entrance leads to this identity for this application";
        let other = &app.ctx.realm.clients["social-insurance"];
        assert_eq!(refused(Question { entrance: Some("natural_person"), ..whole }).await, leads);
        assert_eq!(refused(Question { entrance: Some("none"), ..whole }).await, leads);
        assert_eq!(refused(Question { factor: Some(Factor::Email), ..whole }).await, leads);
        let foreign = ["https://api.elsewhere.example".to_owned()];
        let wrong = refused(Question { resources: &foreign, ..whole }).await;
        assert!(wrong.starts_with("invalid_target "), "{wrong}");
        let machine = &app.ctx.realm.clients["registry"];
        let wrong = refused(Question { client: machine, ..whole }).await;
        assert!(!wrong.is_empty(), "{wrong}");
        let told = explain(&app.ctx, &Question { client: other, ..whole }).await;
        assert!(told.is_ok_and(|told| told.refused.is_none_or(|why| why == leads)));
        app.sql("UPDATE authorisation SET valid_to = '2020-01-01'").await;
        assert!(refused(whole).await.starts_with("E_NO_IDENTITY "));
        app.sql("UPDATE account SET locked_at = 1").await;
        assert_eq!(refused(whole).await, "E_ACCOUNT_LOCKED");
    });
}
