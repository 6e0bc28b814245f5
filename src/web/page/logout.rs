//! Signing out, asked by an application or by the person.

use axum::http::{HeaderValue, StatusCode, header};

use crate::base::id::SessionId;
use crate::flows::oauth::logout::{Asked, KNOWN, end, front_channel, own, read};
use crate::oidc::discovery::path;
use crate::oidc::params::Params;
use crate::views::page::{FrontChannelPage, LogoutPage, MessagePage};
use crate::web::answer::{Answer, see_other, with_cookie};
use crate::web::cookies;
use crate::web::form::{OauthForm, Unread};
use crate::web::headers::POLICY;
use crate::web::oauth::authorize::{again_by_get, refuse};
use crate::web::page::interaction::acting;
use crate::web::request::Request;

pub async fn get(request: Request) -> Answer {
    match request.query() {
        Ok(params) => asked(request, params).await,
        Err(error) => refuse(&request, &error),
    }
}

/// An application's POST, or the person's answer to the question.
pub async fn post(request: Request, form: Result<OauthForm, Unread>) -> Answer {
    let form = match form {
        Ok(OauthForm(form)) => form,
        Err(Unread::Malformed(error, _)) => return refuse(&request, &error),
        Err(Unread::Body(response)) => return Ok(response),
    };
    if form.get("act") != Some("logout") {
        return again_by_get(&request, path::END_SESSION, &form.only(&KNOWN));
    }
    if !request.is_genuine(&form, &request.session_binding()) {
        return request.forbidden();
    }
    let params = Params::parse(form.get("request").unwrap_or_default().as_bytes());
    let own = own(&request.ctx, request.session_cookie().as_ref()).await?;
    let own_id = own.as_ref().map(|own| own.id);
    let asked = read(&request.ctx, &params.unwrap_or_default(), own).await?;
    sign_out(&request, asked, own_id).await
}

async fn asked(mut request: Request, params: Params) -> Answer {
    let params = params.only(&KNOWN);
    request.prefer(params.get("ui_locales"));
    let own = own(&request.ctx, request.session_cookie().as_ref()).await?;
    let own_id = own.as_ref().map(|own| own.id);
    let asked = read(&request.ctx, &params, own).await?;
    let is_sure = asked.is_certain && (asked.redirect.is_some() || own_id.is_none());
    if asked.sessions.is_empty() || is_sure {
        return sign_out(&request, asked, own_id).await;
    }
    let told = [(asked.has_bad_hint, "logout-bad-hint"), (asked.leads_nowhere, "logout-nowhere")];
    let tells = told.into_iter().filter(|(is_so, _)| *is_so).map(|(_, key)| request.text(key));
    let page = LogoutPage { tells: tells.collect(), request: params.encode() };
    // As whom somebody works is said while they do.
    let acting = match request.session().await? {
        Some(session) => acting(&request, &session).await?,
        None => None,
    };
    request.page_as(StatusCode::OK, acting, &page)
}

/// Says what happened, and nothing else. `own`: the browser's session, also past its time.
async fn sign_out(request: &Request, asked: Asked, own: Option<SessionId>) -> Answer {
    let mut frames = Vec::new();
    for session in &asked.sessions {
        frames.extend(front_channel(&request.ctx, session).await?);
    }
    let is_nobody = asked.sessions.is_empty();
    if !is_nobody {
        end(&request.ctx, &asked.sessions).await?;
    }
    let key = match (is_nobody, asked.leads_nowhere) {
        (false, false) => "signed-out",
        (false, true) => "signed-out-nowhere",
        (true, false) => "nobody-signed-in",
        (true, true) => "nobody-signed-in-nowhere",
    };
    let response = match &asked.redirect {
        _ if !frames.is_empty() => in_frames(request, frames, asked.redirect.clone())?,
        Some(to) => see_other(to),
        None => {
            let mut text = request.text(&format!("{key}-text"));
            if is_nobody && asked.has_bad_hint {
                text = format!("{text} {}", request.text("hint-not-ours"));
            }
            let title = request.text(&format!("{key}-title"));
            request.page(
                StatusCode::OK,
                "",
                &MessagePage { title, text, code: None, link: request.portal() },
            )?
        }
    };
    // By the cookie of what goes on its person can still end it.
    let own_goes_on = own.is_some_and(|own| asked.sessions.iter().all(|one| one.id != own));
    if is_nobody || own_goes_on || request.session_cookie().is_none() {
        return Ok(response);
    }
    let realm = &request.ctx.realm;
    let gone = cookies::set(realm, cookies::session_name(realm), String::new(), Some(0));
    Ok(with_cookie(response, gone))
}

/// The page that tells applications in frames, and then goes on.
fn in_frames(request: &Request, frames: Vec<String>, next: Option<String>) -> Answer {
    let origin = |frame: &String| {
        let host_ends = frame.match_indices('/').nth(2).map_or(frame.len(), |(at, _)| at);
        frame.get(..host_ends).unwrap_or_default().to_owned()
    };
    let origins: Vec<String> = frames.iter().map(origin).collect();
    let policy = format!("{POLICY}; frame-src {}", origins.join(" "));
    let refresh = next.as_ref().map(|next| format!("2; url={next}"));
    let page = FrontChannelPage { frames, next };
    let mut response = request.page(StatusCode::OK, "", &page)?;
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if let Some(Ok(refresh)) = refresh.map(|refresh| HeaderValue::from_str(&refresh)) {
        headers.insert("refresh", refresh);
    }
    Ok(response)
}
