//! Signing out, asked by an application or by the person.

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};

use crate::flows::logout::{end, read};
use crate::oidc::params::Params;
use crate::views::page::LogoutPage;
use crate::web::answer::{Answer, see_other, with_cookie};
use crate::web::cookies;
use crate::web::oauth::authorize::refuse;
use crate::web::oauth::form;
use crate::web::request::Request;

pub async fn get(request: Request) -> Answer {
    match request.query() {
        Ok(params) => asked(request, params).await,
        Err(error) => refuse(&request, &error),
    }
}

/// An application's POST, or the person's answer to the question.
pub async fn post(request: Request, headers: HeaderMap, body: Bytes) -> Answer {
    let form = match form(&headers, &body) {
        Ok(form) => form,
        Err(error) => return refuse(&request, &error),
    };
    if form.get("act") != Some("logout") {
        return asked(request, form).await;
    }
    if !request.is_genuine(&form, &request.session_binding()) {
        return request.forbidden();
    }
    let params = Params::parse(form.get("request").unwrap_or_default().as_bytes());
    sign_out(&request, &params.unwrap_or_default()).await
}

async fn asked(mut request: Request, params: Params) -> Answer {
    request.prefer(params.get("ui_locales"));
    let session = request.session().await?;
    let asked = read(&request.ctx, &params, session.as_ref())?;
    if session.is_none() || (asked.is_certain && asked.redirect.is_some()) {
        return sign_out(&request, &params).await;
    }
    let page = LogoutPage { request: params.encode() };
    request.page(StatusCode::OK, &request.session_binding(), &page)
}

async fn sign_out(request: &Request, params: &Params) -> Answer {
    let session = request.session().await?;
    let asked = read(&request.ctx, params, session.as_ref())?;
    if let Some(session) = &session {
        end(&request.ctx, session).await?;
    }
    let response = match &asked.redirect {
        Some(to) => see_other(to),
        None => request.message(StatusCode::OK, "signed-out", None)?,
    };
    let realm = &request.ctx.realm;
    let gone = cookies::set(realm, cookies::session_name(realm), String::new(), Some(0));
    Ok(with_cookie(response, gone))
}
