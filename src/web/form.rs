//! Forms as they arrive: of a page, and of an application. What they mean is the handlers'.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request as Incoming};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use crate::flows::oauth::asking;
use crate::flows::people::Agreed;
use crate::oidc::error::OAuthError;
use crate::oidc::params::Params;
use crate::realm::Agreement;
use crate::web::answer::{Failure, oauth_error};
use crate::web::app::App;
use crate::web::request::Request;

/// The form of a page, and the request that brought it. One that is none of ours is answered by a
/// page that says so.
pub struct Form {
    pub request: Request,
    pub fields: Params,
}

impl FromRequest<App> for Form {
    type Rejection = Response;

    async fn from_request(incoming: Incoming, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = incoming.into_parts();
        let request = Request::from_request_parts(&mut parts, app).await?;
        let whole = Incoming::from_parts(parts, body);
        match OauthForm::from_request(whole, app).await {
            Ok(OauthForm(fields)) => Ok(Self { request, fields }),
            Err(Unread::Malformed(..)) => Err(request.malformed().into_response()),
            Err(Unread::Body(response)) => Err(response),
        }
    }
}

impl Form {
    /// What may go on: the form is of the purpose and browser that `binding` names.
    pub fn genuine(self, binding: &str) -> Result<(Request, Params), Failure> {
        if self.request.is_genuine(&self.fields, binding) {
            return Ok((self.request, self.fields));
        }
        Err(Failure::instead(self.request.forbidden()?))
    }
}

/// The texts that were ticked, of those that stand as the form has shown them: another version was read by
/// nobody who agrees to this one.
pub fn agreed<'a>(form: &Params, asked: impl Iterator<Item = &'a Agreement>) -> Vec<Agreed> {
    let is_ticked = |one: &Agreement| form.get(&format!("accept-{}", one.id)) == Some("yes");
    as_shown(form, asked.filter(|one| is_ticked(one)))
}

/// The same where one tick is for all of them.
pub fn agreed_at_once<'a>(
    form: &Params,
    asked: impl Iterator<Item = &'a Agreement>,
) -> Vec<Agreed> {
    as_shown(form, asked.filter(|_| form.get("agree") == Some("yes")))
}

fn as_shown<'a>(form: &Params, ticked: impl Iterator<Item = &'a Agreement>) -> Vec<Agreed> {
    let shown = |one: &&Agreement| form.get(&format!("shown-{}", one.id)) == Some(&*one.version);
    ticked.filter(shown).map(|one| (one.id.clone(), one.version.clone())).collect()
}

/// The parameters of an application's POST (RFC 6749 Appendix B).
pub struct OauthForm(pub Params);

/// Why a body could not be read.
pub enum Unread {
    /// With the body as it came.
    Malformed(OAuthError, Bytes),
    /// Too long, or it broke off.
    Body(Response),
}

impl IntoResponse for Unread {
    fn into_response(self) -> Response {
        match self {
            Self::Malformed(error, _) => oauth_error(&error),
            Self::Body(response) => response,
        }
    }
}

impl FromRequest<App> for OauthForm {
    type Rejection = Unread;

    async fn from_request(incoming: Incoming, app: &App) -> Result<Self, Unread> {
        let is_form = is_form(incoming.headers());
        let body = Bytes::from_request(incoming, app).await;
        let body = body.map_err(|rejection| Unread::Body(rejection.into_response()))?;
        let params = if is_form {
            Params::parse(&body)
        } else {
            let reason = "the body is not application/x-www-form-urlencoded";
            Err(OAuthError::request(reason))
        };
        params.map(Self).map_err(|error| {
            asking::with_unread(&body);
            Unread::Malformed(error, body)
        })
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
