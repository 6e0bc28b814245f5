//! Userinfo, introspection, revocation.

use axum::Json;
use axum::http::{Method, StatusCode, header};
use axum::response::IntoResponse;

use crate::flows::Stop;
use crate::flows::oauth::dpop::Presented;
use crate::flows::oauth::resource::{self, UserInfo};
use crate::oidc::error::OAuthError;
use crate::web::answer::{Answer, bearer_error, no_store, oauth_error, token_needed};
use crate::web::form::{OauthForm, Unread};
use crate::web::oauth::presented;
use crate::web::request::Request;

/// The token in the header, or in the body of a POST (RFC 6750 §2); never in the query.
pub async fn userinfo(request: Request, form: Result<OauthForm, Unread>) -> Answer {
    let in_header = presented(&request);
    let in_body = match form {
        Ok(OauthForm(form)) if request.method == Method::POST => {
            form.get("access_token").map(str::to_owned)
        }
        _ => None,
    };
    let in_body =
        in_body.as_deref().map(|token| Presented { token, is_dpop: false, shown: request.shown() });
    let token = match (in_header, in_body) {
        (Some(_), Some(_)) => {
            return Ok(bearer_error(&OAuthError::request("the token is sent in two ways")));
        }
        (in_header, in_body) => in_header.or(in_body),
    };
    let Some(token) = token else { return Ok(token_needed()) };
    match Stop::client(resource::userinfo(&request.ctx, &token).await)? {
        Ok(UserInfo::Plain(claims)) => Ok(no_store(Json(claims).into_response())),
        Ok(UserInfo::Signed(token)) => {
            let media_type = [(header::CONTENT_TYPE, "application/jwt")];
            Ok(no_store((media_type, token).into_response()))
        }
        Err(error) => Ok(bearer_error(&error)),
    }
}

pub async fn introspect(request: Request, OauthForm(params): OauthForm) -> Answer {
    match Stop::client(
        resource::introspect(&request.ctx, request.authorization.as_deref(), &params).await,
    )? {
        Ok(answer) => Ok(no_store(Json(answer).into_response())),
        Err(error) => Ok(oauth_error(&error)),
    }
}

pub async fn revoke(request: Request, OauthForm(params): OauthForm) -> Answer {
    match Stop::client(
        resource::revoke(&request.ctx, request.authorization.as_deref(), &params).await,
    )? {
        Ok(()) => Ok(no_store(StatusCode::OK.into_response())),
        Err(error) => Ok(oauth_error(&error)),
    }
}
