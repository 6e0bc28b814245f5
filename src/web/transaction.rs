//! The sign-in on its way behind a cookie of this browser: what it proves, all of it until somebody has
//! proved something, and how one that the server has lost begins again.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::{FromRequest, Request as Incoming};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::domain::login::{LoginTransaction, Progress, Purpose, TRANSACTION_SECONDS, Then};
use crate::flows::Fault;
use crate::flows::sign_in::session::{self, Ended};
use crate::flows::sign_in::transaction::{self, find_begun, finished};
use crate::oidc::discovery::path;
use crate::oidc::params::Params;
use crate::realm::Realm;
use crate::views::page::MessagePage;
use crate::web::answer::{Failure, see_other, with_cookie};
use crate::web::app::App;
use crate::web::cookies;
use crate::web::form::Form;
use crate::web::request::Request;

/// What a browser holds of a sign-in: enough to prove that it began it, and to begin again after
/// the server has lost it.
#[derive(Serialize, Deserialize)]
struct Held {
    transaction: String,
    /// Where it leads; `None` where that is longer than a cookie may be.
    then: Option<Then>,
    expires_at: i64,
    /// It began with nothing proved, and nothing of it is kept.
    is_all: bool,
}

impl Held {
    fn request(&self) -> Option<&BTreeMap<String, String>> {
        match &self.then {
            Some(Then::Authorize(request)) => Some(request),
            _ => None,
        }
    }

    /// The sign-in in which nobody has proved anything yet.
    fn begun(&self) -> Option<LoginTransaction> {
        let then = self.then.clone().filter(|_| self.is_all)?;
        Some(LoginTransaction {
            id: self.transaction.clone(),
            expires_at: Timestamp(self.expires_at),
            purpose: Purpose::SignIn,
            then,
            turn: 0,
            progress: Progress::Begun,
        })
    }
}

/// Measured as it is written: a quotation mark takes two bytes, a control character six.
fn fits_cookie(then: &Then) -> bool {
    serde_json::to_string(then).is_ok_and(|written| written.len() <= LONGEST_REQUEST)
}

/// A new sign-in, of which nothing is kept unless it is longer than a cookie may be.
pub async fn begin(request: &Request, then: Then) -> Result<LoginTransaction, Fault> {
    let transaction = transaction::new(&request.ctx, then);
    if !fits_cookie(&transaction.then) {
        transaction::keep_begun(&request.ctx, &transaction).await?;
    }
    Ok(transaction)
}

/// Other sign-ins, in whichever realms of this host, that a browser may have begun and not ended; more do
/// not pass every proxy's limit of 8 KiB for all cookies together.
const MOST_BEGUN: usize = 2;

/// Longer ones do not fit a cookie; such a sign-in cannot be begun again.
const LONGEST_REQUEST: usize = 1300;

/// Binds a transaction to the browser that began it (rule 9), in place of the oldest of the host where
/// there are many; `seconds`: how long the browser keeps it.
#[must_use]
pub fn bound_to_browser(
    mut response: Response,
    request: &Request,
    transaction: &LoginTransaction,
    seconds: i64,
) -> Response {
    let (realm, realms) = (&request.ctx.realm, request.app.realms());
    let (name, value) = login_cookie(request, transaction);
    let others = request.cookies.keys().filter(|other| cookies::is_begun(other) && **other != name);
    // Of a realm that is no longer served, it is as old as can be.
    let ends_at = |other: &str| {
        let ends_in = |realm: &Realm| {
            let id = cookies::begun(realm, other)?;
            held_in(request, realm, id).map(|held| held.expires_at)
        };
        realms.iter().filter_map(|realm| ends_in(realm)).max().unwrap_or_default()
    };
    let mut others: Vec<(i64, &String)> = others.map(|other| (ends_at(other), other)).collect();
    others.sort_unstable();
    let too_many = others.len().saturating_sub(MOST_BEGUN);
    for (_, other) in others.into_iter().take(too_many) {
        response =
            with_cookie(response, cookies::set(realm, other.clone(), String::new(), Some(0)));
    }
    with_cookie(response, cookies::set(realm, name, value, Some(seconds)))
}

/// To the second factor of a step within the session.
pub fn to_second_factor(request: &Request, transaction: &LoginTransaction) -> Response {
    let to = format!("{}/login/second_factor?t={}", request.base(), transaction.id);
    bound_to_browser(see_other(&to), request, transaction, TRANSACTION_SECONDS)
}

fn login_cookie(request: &Request, transaction: &LoginTransaction) -> (String, String) {
    let fits = fits_cookie(&transaction.then);
    let held = Held {
        transaction: transaction.id.clone(),
        then: fits.then(|| transaction.then.clone()),
        expires_at: transaction.expires_at.0,
        is_all: fits && transaction.progress == Progress::Begun,
    };
    let (ctx, text) = (&request.ctx, serde_json::to_string(&held).unwrap_or_default());
    let sealed = ctx.services.secrets.cookie.seal_text(ctx.random(), &ctx.realm.id, &text);
    (cookies::login_name(&ctx.realm, &transaction.id), sealed)
}

/// What this browser holds of the transaction that `t` names.
fn held(request: &Request, id: &str) -> Option<Held> {
    held_in(request, &request.ctx.realm, id)
}

fn held_in(request: &Request, realm: &Realm, id: &str) -> Option<Held> {
    let sealed = request.cookies.get(&cookies::login_name(realm, id))?;
    let secrets = &request.ctx.services.secrets;
    let text = secrets.cookie.open_sealed_text(&realm.id, sealed).ok()?;
    serde_json::from_str::<Held>(&text).ok().filter(|held| held.transaction == id)
}

/// The transaction that `t` names, if this browser began it and it is not over.
pub async fn begun(request: &Request, params: &Params) -> Result<Option<LoginTransaction>, Fault> {
    let id = params.get("t").unwrap_or_default();
    match held(request, id) {
        Some(held) => find_begun(&request.ctx, id, held.begun()).await,
        None => Ok(None),
    }
}

/// How often, and after which pauses, one looks for the end of a sign-in that another request has used up
/// and is about to answer.
const LOOKS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(50);

/// Where another request of the same browser, the first of two clicks, has just ended this sign-in; `id`
/// is one that the browser has proved to hold.
pub async fn ended_meanwhile(request: &Request, id: &str) -> Result<Option<Response>, Fault> {
    match transaction::is_used_up(&request.ctx, id).await? {
        true => end_awaited(request, id).await,
        false => Ok(None),
    }
}

/// The same where another request is known to be ending it; nobody else may see that before it has.
pub async fn end_awaited(request: &Request, id: &str) -> Result<Option<Response>, Fault> {
    for _ in 0..LOOKS {
        if let Some((cookie, to)) = finished(&request.ctx, id).await? {
            let realm = &request.ctx.realm;
            let name = cookies::session_name(realm);
            let cookie = cookies::set(realm, name, cookie.expose().to_owned(), None);
            return Ok(Some(with_cookie(see_other(&to), cookie)));
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(None)
}

/// A form of a sign-in that this browser began: genuine, and with its transaction; instead of one
/// that is gone, the page to begin again.
pub struct Begun {
    pub request: Request,
    pub form: Params,
    pub transaction: LoginTransaction,
}

impl FromRequest<App> for Begun {
    type Rejection = Response;

    async fn from_request(incoming: Incoming, app: &App) -> Result<Self, Response> {
        let form = Form::from_request(incoming, app).await?;
        let id = form.fields.get("t").unwrap_or_default().to_owned();
        let (request, form) = form.genuine(&id).map_err(IntoResponse::into_response)?;
        Self::of(request, form).await.map_err(IntoResponse::into_response)
    }
}

impl Begun {
    /// The same of a page, which proves nothing.
    pub async fn of(mut request: Request, form: Params) -> Result<Self, Failure> {
        if let Some(transaction) = begun(&request, &form).await? {
            // What strangers have filled is in nobody's way who has proved something.
            request.ctx.is_known = transaction.progress != Progress::Begun;
            return Ok(Self { request, form, transaction });
        }
        let id = form.get("t").unwrap_or_default();
        let held = held(&request, id);
        if held.is_some()
            && let Some(there) = ended_meanwhile(&request, id).await?
        {
            return Err(Failure::instead(there));
        }
        // Whoever went back to a step has the session that it led to.
        if request.session().await?.is_some() {
            let asked = held.as_ref().and_then(Held::request).filter(|asked| !asked.is_empty());
            let to = asked.map_or_else(
                || format!("{}/signed-in", request.base()),
                |asked| authorize_address(&request, asked),
            );
            return Err(Failure::instead(see_other(&to)));
        }
        let link = held.and_then(|held| again(&request, held.request()));
        let text = request.text(if link.is_some() { "expired-text" } else { "expired-plain" });
        let to_login = || (format!("{}/login", request.base()), request.text("back-to-login"));
        let page = MessagePage {
            title: request.text("expired-title"),
            text,
            code: None,
            link: link.or_else(|| Some(to_login())),
        };
        Err(Failure::instead(request.page(StatusCode::GONE, "", &page)?))
    }
}

/// `&why=…` for the sign-in page of a browser whose session has ended without its doing.
pub async fn ended_why(request: &Request) -> Result<&'static str, Fault> {
    let Some(cookie) = request.session_cookie() else { return Ok("") };
    Ok(match session::ended_why(&request.ctx, &cookie).await? {
        Some(Ended::Relation) => "&why=relation_ended",
        Some(Ended::Otherwise) => "&why=session_ended",
        None => "",
    })
}

/// Where the request of an application begins once more, and the words for it.
pub fn again(
    request: &Request,
    asked: Option<&BTreeMap<String, String>>,
) -> Option<(String, String)> {
    let asked = asked.filter(|asked| !asked.is_empty())?;
    Some((authorize_address(request, asked), request.text("start-again")))
}

/// The same for whatever it was for; from a step within a session, back to the centre.
pub fn anew(request: &Request, transaction: &LoginTransaction) -> (String, String) {
    if let Some(link) = again(request, transaction.request()) {
        return link;
    }
    if transaction.errand().is_some() {
        return (format!("{}/account", request.base()), request.text("back-to-account"));
    }
    let login = format!("{}/login", request.base());
    let to = match &transaction.then {
        Then::Page(page) => {
            let asked = [("return_to".to_owned(), page.clone())];
            format!("{login}?{}", Params::from_map(asked.into()).encode())
        }
        Then::Authorize(_) | Then::Nowhere => login,
    };
    (to, request.text("back-to-login"))
}

pub fn authorize_address(request: &Request, asked: &BTreeMap<String, String>) -> String {
    let query = Params::from_map(asked.clone()).encode();
    format!("{}{}?{query}", request.base(), path::AUTHORIZE)
}
