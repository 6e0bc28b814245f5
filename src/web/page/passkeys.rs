//! A signed-in person's passkeys: add, name, remove.

use axum::body::Bytes;
use axum::http::HeaderMap;

use super::authenticator::{no_account_centre, to_sign_in};
use crate::domain::refusal::Refusal;
use crate::flows::authenticator::is_fresh;
use crate::flows::passkey::{begin, enrol, list, remove};
use crate::store::passkeys::StoredPasskey;
use crate::store::sessions::Session;
use crate::views::page::{PasskeyView, PasskeysPage};
use crate::web::answer::{Answer, see_other};
use crate::web::oauth::form;
use crate::web::page::login::status_of;
use crate::web::request::Request;

const PATH: &str = "/account/passkeys";

pub async fn get(request: Request) -> Answer {
    if request.ctx.realm.passkeys.is_none() {
        return request.forbidden();
    }
    match request.session().await? {
        Some(session) if session.acting.record().is_some() => no_account_centre(&request),
        Some(session) if is_fresh(&request.ctx, &session) => show(&request, &session, None).await,
        _ => Ok(to_sign_in(&request, PATH)),
    }
}

pub async fn post(request: Request, headers: HeaderMap, body: Bytes) -> Answer {
    let Ok(form) = form(&headers, &body) else { return request.forbidden() };
    let Some(session) = request.session().await? else { return Ok(to_sign_in(&request, PATH)) };
    if !request.is_genuine(&form, &request.session_binding()) {
        return request.forbidden();
    }
    if session.acting.record().is_some() {
        return no_account_centre(&request);
    }
    let text = |name| form.get(name).unwrap_or_default();
    let done = match form.get("remove") {
        Some(id) => remove(&request.ctx, &session, id).await?,
        None => enrol(&request.ctx, &session, (text("name"), text("made"))).await?,
    };
    match done {
        Ok(()) => Ok(see_other(&format!("{}{PATH}", request.base()))),
        Err(Refusal::StepUpRequired) => Ok(to_sign_in(&request, PATH)),
        Err(refusal) => show(&request, &session, Some(&refusal)).await,
    }
}

async fn show(request: &Request, session: &Session, refusal: Option<&Refusal>) -> Answer {
    let notice = refusal.map(|refusal| request.notice(refusal));
    let view = |one: &StoredPasskey| PasskeyView {
        id: one.id.to_string(),
        name: one.name.clone(),
        since: one.created_at.for_people(),
        used: one.used_at.map(crate::base::clock::Timestamp::for_people),
    };
    let passkeys = list(&request.ctx, session).await?.iter().map(view).collect();
    let options = begin(&request.ctx, session).await?.map(|options| options.to_string());
    let status = status_of(notice.as_ref());
    let page = PasskeysPage { passkeys, options, suggested: request.ctx.device.clone(), notice };
    request.page(status, &request.session_binding(), &page)
}
