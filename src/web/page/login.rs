//! The sign-in page, and what all its steps share: the transaction behind the cookie, and the
//! redirect to whatever step is due.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::base::secret::Secret;
use crate::domain::cross_region::RecordKind;
use crate::domain::entrance::{EnterpriseNumber, PersonalIdKind, Step, Subject};
use crate::domain::factor::ScanApp;
use crate::domain::login::{Errand, LoginTransaction, Next, TRANSACTION_SECONDS, Then};
use crate::domain::refusal::Refusal;
use crate::domain::scan::Purpose;
use crate::flows::sign_in::credentials::{
    Credentials, audience, begin, find, new_slider, verify_credentials,
};
use crate::flows::sign_in::factor::passkey;
use crate::flows::sign_in::{step_up, steps};
use crate::flows::{Fault, Stop};
use crate::oidc::discovery::path;
use crate::oidc::params::Params;
use crate::realm::RealmEntrance;
use crate::views::page::{LoginPage, MessagePage, Notice, Tab, WaitingPage};
use crate::web::account::authorisations::confirmed;
use crate::web::answer::{Answer, Failure, see_other, with_cookie, with_retry_after};
use crate::web::cookies;
use crate::web::oauth::form;
use crate::web::page::scan;
use crate::web::request::Request;

/// What a browser holds of a sign-in: enough to prove that it began it, and to begin again after
/// the server has lost it.
#[derive(Serialize, Deserialize)]
struct Held {
    transaction: String,
    request: BTreeMap<String, String>,
}

/// Longer requests than this do not fit a cookie; such a sign-in cannot be begun again.
const LONGEST_REQUEST: usize = 2200;

/// Name and value of the cookie that binds a transaction to the browser that began it (rule 9).
pub fn login_cookie(request: &Request, transaction: &LoginTransaction) -> (String, String) {
    let length = |asked: &BTreeMap<String, String>| -> usize {
        asked.iter().map(|(k, v)| k.len() + v.len() + 6).sum()
    };
    let asked = transaction.request().filter(|asked| length(asked) <= LONGEST_REQUEST);
    let held =
        Held { transaction: transaction.id.clone(), request: asked.cloned().unwrap_or_default() };
    let (ctx, text) = (&request.ctx, serde_json::to_string(&held).unwrap_or_default());
    let sealed = ctx.services.secrets.cookie.seal_text(ctx.random(), &ctx.realm.id, &text);
    (cookies::login_name(&ctx.realm, &transaction.id), sealed)
}

/// What this browser holds of the transaction that `t` names.
fn held(request: &Request, id: &str) -> Option<Held> {
    let sealed = request.cookies.get(&cookies::login_name(&request.ctx.realm, id))?;
    let secrets = &request.ctx.services.secrets;
    let text = secrets.cookie.open_sealed_text(&request.ctx.realm.id, sealed).ok()?;
    serde_json::from_str::<Held>(&text).ok().filter(|held| held.transaction == id)
}

/// The transaction that `t` names, if this browser began it and the server still knows it.
pub async fn begun(request: &Request, params: &Params) -> Result<Option<LoginTransaction>, Fault> {
    let id = params.get("t").unwrap_or_default();
    match held(request, id) {
        Some(_) => find(&request.ctx, id).await,
        None => Ok(None),
    }
}

/// The same; instead of one that is gone, the page to begin again.
pub async fn transaction(request: &Request, params: &Params) -> Result<LoginTransaction, Failure> {
    if let Some(transaction) = begun(request, params).await? {
        return Ok(transaction);
    }
    let held = held(request, params.get("t").unwrap_or_default());
    let link = held.and_then(|held| again(request, Some(&held.request)));
    let page = MessagePage {
        title: request.text("expired-title"),
        text: request.text(if link.is_some() { "expired-text" } else { "expired-plain" }),
        code: None,
        link,
    };
    Err(Failure::instead(request.page(StatusCode::GONE, "", &page)?))
}

/// Where the request of an application begins once more, and the words for it.
fn again(request: &Request, asked: Option<&BTreeMap<String, String>>) -> Option<(String, String)> {
    let asked = asked.filter(|asked| !asked.is_empty())?;
    Some((authorize_address(request, asked), request.text("start-again")))
}

fn authorize_address(request: &Request, asked: &BTreeMap<String, String>) -> String {
    let query = Params::from_map(asked.clone()).encode();
    format!("{}{}?{query}", request.base(), path::AUTHORIZE)
}

/// To the step that is due, or into the session.
pub async fn go_on(request: &Request, transaction: &LoginTransaction) -> Answer {
    let base = request.base();
    match steps::next(&request.ctx, transaction).await? {
        Next::Step(step) => {
            Ok(see_other(&format!("{base}/login/{}?t={}", step_name(step), transaction.id)))
        }
        Next::Refused(Refusal::NoIdentity(why)) => {
            steps::refuse(&request.ctx, transaction, why).await?;
            ended(request, transaction, &Refusal::NoIdentity(why))
        }
        Next::Refused(refusal) => ended(request, transaction, &refusal),
        Next::SignIn(_) if matches!(transaction.errand(), Some(Errand::Confirm(_))) => {
            confirmed(request, transaction).await
        }
        Next::SignIn(acting) => {
            let signed_in = if transaction.errand().is_some() {
                Stop::refusal(step_up::finish(&request.ctx, transaction).await)?
            } else {
                let made = Stop::refusal(steps::sign_in(&request.ctx, transaction, acting).await)?;
                made.map(|(_, cookie)| cookie)
            };
            let cookie = match signed_in {
                Ok(cookie) => cookie,
                Err(refusal) => return ended(request, transaction, &refusal),
            };
            let realm = &request.ctx.realm;
            let session =
                cookies::set(realm, cookies::session_name(realm), cookie.expose().to_owned(), None);
            let done = cookies::login_name(realm, &transaction.id);
            let done = cookies::set(realm, done, String::new(), Some(0));
            let to = match &transaction.then {
                Then::Page(page) => page.clone(),
                Then::Nowhere => format!("{base}/signed-in"),
                Then::Authorize(asked) => authorize_address(request, asked),
            };
            Ok(with_cookie(with_cookie(see_other(&to), session), done))
        }
    }
}

fn step_name(step: Step) -> &'static str {
    match step {
        // The code stands beside the form.
        Step::Credentials | Step::Scan => "credentials",
        Step::SecondFactor => "second_factor",
        Step::NewPassword => "new_password",
        Step::Agreements => "agreements",
        Step::ConfirmPendingAuthorisation => "confirm_pending_authorisation",
        Step::ChooseIdentity => "choose_identity",
        Step::ChooseClientEnterprise => "choose_client_enterprise",
        Step::ChooseRecord => "choose_record",
    }
}

/// The sign-in ends here, with the way to begin it once more.
fn ended(request: &Request, transaction: &LoginTransaction, refusal: &Refusal) -> Answer {
    let notice = request.notice(refusal);
    let page = MessagePage {
        title: request.text(match refusal {
            Refusal::NoIdentity(_) => "no-identity-title",
            _ => "not-signed-in-title",
        }),
        text: notice.text,
        code: Some(notice.code),
        link: again(request, transaction.request()),
    };
    request.page(StatusCode::FORBIDDEN, "", &page)
}

/// The transaction, when exactly this step is due; otherwise the way to the one that is.
pub async fn at_step(
    request: &Request,
    params: &Params,
    step: Step,
) -> Result<LoginTransaction, Failure> {
    let transaction = transaction(request, params).await?;
    if steps::next(&request.ctx, &transaction).await? == Next::Step(step) {
        return Ok(transaction);
    }
    Err(Failure::instead(go_on(request, &transaction).await?))
}

/// The plain link of the portal: `return_to` is one of the realm's portals.
pub async fn start(request: Request) -> Answer {
    let params = request.query().unwrap_or_default();
    let portal = params.get("return_to").map(str::to_owned);
    let own = ["/q/", "/account/", "/account"].map(|path| format!("{}{path}", request.base()));
    let known = |to: &String| {
        let portals = &request.ctx.realm.portals;
        own.iter().any(|own| to.starts_with(own))
            || portals.iter().any(|own| to.starts_with(own.as_str()))
    };
    let then = portal.filter(known).map_or(Then::Nowhere, Then::Page);
    let transaction = begin(&request.ctx, then).await?;
    let (name, value) = login_cookie(&request, &transaction);
    let cookie = cookies::set(&request.ctx.realm, name, value, Some(TRANSACTION_SECONDS));
    let to = format!("{}/login/credentials?t={}", request.base(), transaction.id);
    Ok(with_cookie(see_other(&to), cookie))
}

/// Whoever comes when the queue for passwords is full waits before anything is typed.
fn waiting(request: &Request) -> Answer {
    let notice = request.notice(&Refusal::Busy);
    let seconds = notice.retry_after;
    let page = request.page(StatusCode::SERVICE_UNAVAILABLE, "", &WaitingPage { notice })?;
    let mut page = with_retry_after(page, seconds);
    page.headers_mut().insert("refresh", HeaderValue::from(seconds.unwrap_or(2)));
    Ok(page)
}

pub async fn get(request: Request) -> Answer {
    let params = request.query().unwrap_or_default();
    if request.ctx.services.hashing.is_full() {
        return waiting(&request);
    }
    let transaction = at_step(&request, &params, Step::Credentials).await?;
    let asked = |name: &str| {
        transaction.request().and_then(|asked| asked.get(name)).cloned().unwrap_or_default()
    };
    let typed = Credentials {
        entrance: params.get("entrance").unwrap_or_default().to_owned(),
        scan_app: params.get("app").unwrap_or_default().to_owned(),
        personal_id: asked("login_hint"),
        enterprise_number: asked("identity_hint"),
        ..Credentials::default()
    };
    show(&request, &transaction, &typed, None).await
}

pub async fn post(request: Request, headers: HeaderMap, body: Bytes) -> Answer {
    let Ok(form) = form(&headers, &body) else { return request.malformed() };
    let transaction = at_step(&request, &form, Step::Credentials).await?;
    if !request.is_genuine(&form, &transaction.id) {
        return request.forbidden();
    }
    let typed = typed(&request, &form);
    match Stop::refusal(verify_credentials(&request.ctx, &transaction, &typed).await)? {
        Ok(next) => go_on(&request, &next).await,
        Err(refusal) => {
            let notice = request.notice(&refusal);
            show(&request, &transaction, &typed, Some(notice)).await
        }
    }
}

fn typed(request: &Request, form: &Params) -> Credentials {
    let text = |name: &str| form.get(name).unwrap_or_default().to_owned();
    Credentials {
        entrance: text("entrance"),
        enterprise_number: text("enterprise_number"),
        personal_id: text("personal_id"),
        password: form.get("password").map(|password| Secret::new(password.to_owned())),
        slider_id: text("slider_id"),
        slider: text("slider"),
        record_kind: text("record_kind"),
        scan_app: String::new(),
        device: request
            .cookies
            .get(&cookies::device_name(&request.ctx.realm))
            .map(|cookie| Secret::new(cookie.clone())),
    }
}

/// A passkey instead of password and second factor.
pub async fn post_passkey(request: Request, headers: HeaderMap, body: Bytes) -> Answer {
    let Ok(form) = form(&headers, &body) else { return request.malformed() };
    let transaction = at_step(&request, &form, Step::Credentials).await?;
    if !request.is_genuine(&form, &transaction.id) {
        return request.forbidden();
    }
    let typed = typed(&request, &form);
    let made = form.get("made").unwrap_or_default();
    match Stop::refusal(passkey::sign_in(&request.ctx, &transaction, &typed, made).await)? {
        Ok(next) => go_on(&request, &next).await,
        Err(refusal) => {
            let notice = request.notice(&refusal);
            show(&request, &transaction, &typed, Some(notice)).await
        }
    }
}

/// The page again after a scan that led nowhere.
pub async fn show_again(
    request: &Request,
    transaction: &LoginTransaction,
    app: &str,
    refusal: &Refusal,
) -> Answer {
    let typed = Credentials { scan_app: app.to_owned(), ..Credentials::default() };
    show(request, transaction, &typed, Some(request.notice(refusal))).await
}

async fn show(
    request: &Request,
    transaction: &LoginTransaction,
    typed: &Credentials,
    notice: Option<Notice>,
) -> Answer {
    let realm = &request.ctx.realm;
    let wanted = audience(&request.ctx, transaction);
    let fits = |door: &&RealmEntrance| wanted.is_none_or(|wanted| wanted == door.entrance.audience);
    let current = realm.doors().filter(fits).find(|door| door.entrance.id == typed.entrance);
    let Some(door) = current.or(realm.doors().find(fits)) else { return request.forbidden() };
    let current = &door.entrance;
    let app = ScanApp::parse(&typed.scan_app).filter(|app| current.scan.contains(app));
    let scan = match app.or(current.scan.first().copied()) {
        Some(app) => scan::view(request, transaction, app, Purpose::SignIn).await?,
        None => None,
    };
    let (base, language) = (request.base(), request.language());
    let tab = |known: &RealmEntrance| Tab {
        id: known.entrance.id.clone(),
        title: known.title.in_language(language).to_owned(),
        href: format!(
            "{base}/login/credentials?t={}&entrance={}",
            transaction.id, known.entrance.id
        ),
        is_current: known.entrance.id == current.id,
    };
    // Doors of one kind are tabs, the others stand below.
    let kind = |door: &RealmEntrance| (door.entrance.audience, door.is_other);
    let doors = |is_same: bool| -> Vec<Tab> {
        let doors = realm.doors().filter(fits);
        doors.filter(|known| (kind(known) == kind(door)) == is_same).map(tab).collect()
    };
    let status = status_of(notice.as_ref());
    let retry_after = notice.as_ref().and_then(|notice| notice.retry_after);
    let page = LoginPage {
        transaction: transaction.id.clone(),
        tabs: doors(true),
        others: doors(false),
        scan_apps: current.scan.iter().map(|app| app.name().to_owned()).collect(),
        scan,
        entrance: current.id.clone(),
        asks_enterprise_number: current.asks_enterprise_number(),
        asks_code: current.enterprise_number == EnterpriseNumber::NonResidentCode,
        asks_email: current.personal_ids.contains(&PersonalIdKind::Email),
        record_kinds: match current.subject {
            Subject::SpecificEntity => RecordKind::ALL.map(RecordKind::name).to_vec(),
            _ => Vec::new(),
        },
        record_kind: typed.record_kind.clone(),
        passkey: match current.passkey {
            true => {
                let question = passkey::sign_in_challenge(&request.ctx, transaction).await?;
                Some(question.to_string())
            }
            false => None,
        },
        slider_id: if current.slider { Some(new_slider(&request.ctx).await?) } else { None },
        enterprise_number: typed.enterprise_number.clone(),
        personal_id: typed.personal_id.clone(),
        notice,
    };
    Ok(with_retry_after(request.page(status, &transaction.id, &page)?, retry_after))
}

/// A form that was refused is 422; 429 where waiting helps.
pub fn status_of(notice: Option<&Notice>) -> StatusCode {
    match notice.map(|notice| notice.code.as_str()) {
        None => StatusCode::OK,
        Some("E_LOCKED" | "E_OTP_RATE") => StatusCode::TOO_MANY_REQUESTS,
        Some("E_BUSY" | "E_OTP_UNAVAILABLE" | "E_FACE_UNAVAILABLE" | "E_REAL_NAME_UNAVAILABLE") => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

pub async fn signed_in(request: Request) -> Answer {
    if request.session().await?.is_none() {
        return Ok(see_other(&format!("{}/login", request.base())));
    }
    request.message(StatusCode::OK, "signed-in", None)
}

/// Remembers the language and returns to the page it was chosen on.
pub async fn language(request: Request) -> Answer {
    let params = request.query().unwrap_or_default();
    let to = if params.get("to") == Some("en") { "en" } else { "zh-CN" };
    let back = params.get("back").filter(|back| back.starts_with(&format!("{}/", request.base())));
    let back = back.map_or_else(|| format!("{}/login", request.base()), str::to_owned);
    let realm = &request.ctx.realm;
    let cookie =
        cookies::set(realm, cookies::language_name(realm), to.to_owned(), Some(31_536_000));
    Ok(with_cookie(see_other(&back), cookie))
}
