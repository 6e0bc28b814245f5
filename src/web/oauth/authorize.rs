//! The authorization endpoint. It never shows a form itself: it answers the client or sends the
//! person to a page that does.

use axum::http::StatusCode;
use axum::response::Response;

use crate::domain::login::{TRANSACTION_SECONDS, Then};
use crate::flows::oauth::asked::{Unasked, unreadable};
use crate::flows::oauth::asking;
use crate::flows::oauth::authorize::{Answer as Outcome, authorize};
use crate::flows::sign_in::step_up;
use crate::oidc::authorize::{Destination, ResponseMode};
use crate::oidc::discovery::path;
use crate::oidc::error::OAuthError;
use crate::oidc::params::Params;
use crate::views::page::{FormPostPage, MessagePage};
use crate::web::answer::{Answer, see_other, tell_refused, with_cookie};
use crate::web::cookies;
use crate::web::form::{OauthForm, Unread};
use crate::web::request::Request;
use crate::web::transaction::{begin, bound_to_browser, ended_why, to_second_factor};

/// Longer addresses than this do not pass every proxy.
const LONGEST_QUERY: usize = 6000;

pub async fn get(request: Request) -> Answer {
    match request.query() {
        Ok(params) => run(request, params).await,
        Err(error) => {
            let query = request.uri.query().unwrap_or_default().as_bytes();
            asking::with_unread(query);
            unread(&request, query, error)
        }
    }
}

pub async fn post(request: Request, form: Result<OauthForm, Unread>) -> Answer {
    match form {
        Ok(OauthForm(params)) => again_by_get(&request, path::AUTHORIZE, &params),
        Err(Unread::Malformed(error, body)) => unread(&request, &body, error),
        Err(Unread::Body(response)) => Ok(response),
    }
}

/// A form of another site brings no cookie of ours: the browser comes again as with GET (OIDC Core
/// §3.1.2.1 wants both to mean the same).
pub fn again_by_get(request: &Request, path: &str, params: &Params) -> Answer {
    let query = params.encode();
    if query.len() > LONGEST_QUERY {
        return refuse(request, &OAuthError::request("the request is too long"));
    }
    Ok(see_other(&format!("{}{path}?{query}", request.base())))
}

async fn run(mut request: Request, params: Params) -> Answer {
    request.prefer(params.get("ui_locales"));
    let session = request.standing_session().await?;
    let base = request.base();
    match authorize(&request.ctx, params, session).await? {
        Outcome::Page(error) => refuse(&request, &error),
        Outcome::Error(destination, error) => refuse_client(&request, &destination, &error),
        Outcome::SignIn { params, names_another } => {
            let why = if names_another { "&why=another_person" } else { "" };
            begin_at(&request, params, why).await
        }
        Outcome::StepUp(params, session, errand) => {
            let then = Then::Authorize(params.into_map());
            let begun = step_up::begin(&request.ctx, &session, errand, then).await?;
            let Some(transaction) = begun else { return request.forbidden() };
            Ok(to_second_factor(&request, &transaction))
        }
        Outcome::Choose(params) => Ok(see_other(&format!("{base}/choose?{}", params.encode()))),
        Outcome::Reach(params) => Ok(see_other(&format!("{base}/raise?{}", params.encode()))),
        Outcome::Leave(params) => Ok(see_other(&format!("{base}/leave?{}", params.encode()))),
        Outcome::Consent(params) => Ok(see_other(&format!("{base}/consent?{}", params.encode()))),
        Outcome::Switched(params, cookie) => {
            let to = format!("{base}{}?{}", path::AUTHORIZE, params.encode());
            let name = cookies::session_name(&request.ctx.realm);
            let cookie = cookies::set(&request.ctx.realm, name, cookie.expose().to_owned(), None);
            Ok(with_cookie(see_other(&to), cookie))
        }
        Outcome::Changed(params) => {
            Ok(see_other(&format!("{base}{}?{}", path::AUTHORIZE, params.encode())))
        }
        Outcome::Code { destination, code } => {
            to_client(&request, &destination, vec![("code", code.expose().to_owned())])
        }
    }
}

/// What could not be read goes back to the client where it is plain whose it is (RFC 6749 §4.1.2.1).
fn unread(request: &Request, encoded: &[u8], error: OAuthError) -> Answer {
    match unreadable(&request.ctx, encoded, error) {
        Unasked::Page(error) => refuse(request, &error),
        Unasked::Error(destination, error) => refuse_client(request, &destination, &error),
    }
}

fn refuse_client(request: &Request, destination: &Destination, error: &OAuthError) -> Answer {
    tell_refused(error);
    let fields = vec![
        ("error", error.code.name().to_owned()),
        ("error_description", error.reason.to_owned()),
    ];
    to_client(request, destination, fields)
}

/// To the first page of a sign-in, after which the request goes on.
pub async fn sign_in(request: &Request, params: Params) -> Answer {
    begin_at(request, params, "").await
}

async fn begin_at(request: &Request, params: Params, why: &str) -> Answer {
    let transaction = begin(request, Then::Authorize(params.into_map())).await?;
    let why = if why.is_empty() { ended_why(request).await? } else { why };
    let to = format!("{}/login/credentials?t={}{why}", request.base(), transaction.id);
    Ok(bound_to_browser(see_other(&to), request, &transaction, 6 * TRANSACTION_SECONDS))
}

/// Rule 4: what may not be redirected is shown here.
pub fn refuse(request: &Request, error: &OAuthError) -> Answer {
    tracing::info!(error = error.code.name(), reason = error.cause(), "Refused a request");
    let page = MessagePage {
        title: request.text("error-title"),
        text: request.text("error-request"),
        code: Some(format!("{}: {}", error.code.name(), error.reason)),
        link: request.portal(),
    };
    request.page(StatusCode::BAD_REQUEST, "", &page)
}

/// The answer in the client's response mode, with `state` and `iss` (RFC 9207).
pub fn to_client(
    request: &Request,
    destination: &Destination,
    mut fields: Vec<(&'static str, String)>,
) -> Answer {
    if let Some(state) = &destination.state {
        fields.push(("state", state.clone()));
    }
    fields.push(("iss", request.ctx.realm.issuer.clone()));
    match destination.mode {
        ResponseMode::Query => Ok(redirect(&destination.redirect_uri, &fields)),
        ResponseMode::FormPost => {
            let page = FormPostPage {
                action: destination.redirect_uri.clone(),
                fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            };
            request.page(StatusCode::OK, "", &page)
        }
    }
}

fn redirect(uri: &str, fields: &[(&'static str, String)]) -> Response {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let joint = if uri.contains('?') { '&' } else { '?' };
    see_other(&format!("{uri}{joint}{query}"))
}
