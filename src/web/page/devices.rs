//! A signed-in person's remembered browsers: seen, and forgotten one by one.

use axum::body::Bytes;
use axum::http::HeaderMap;

use super::authenticator::{no_account_centre, to_sign_in};
use crate::domain::refusal::Refusal;
use crate::flows::devices::{forget, list};
use crate::store::devices::RememberedDevice;
use crate::store::sessions::Session;
use crate::views::page::{DeviceView, DevicesPage};
use crate::web::answer::{Answer, see_other};
use crate::web::oauth::form;
use crate::web::page::login::status_of;
use crate::web::request::Request;

const PATH: &str = "/account/devices";

pub async fn get(request: Request) -> Answer {
    match request.session().await? {
        Some(session) if session.acting.record().is_some() => no_account_centre(&request),
        Some(session) => show(&request, &session, None).await,
        None => Ok(to_sign_in(&request, PATH)),
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
    match forget(&request.ctx, &session, form.get("forget").unwrap_or_default()).await? {
        Ok(()) => Ok(see_other(&format!("{}{PATH}", request.base()))),
        Err(refusal) => show(&request, &session, Some(&refusal)).await,
    }
}

async fn show(request: &Request, session: &Session, refusal: Option<&Refusal>) -> Answer {
    let notice = refusal.map(|refusal| request.notice(refusal));
    let entrance = |one: &RememberedDevice| {
        let known = request.ctx.realm.entrance(&one.entrance);
        known.map(|known| known.title.in_language(request.language()).to_owned())
    };
    let view = |one: &RememberedDevice| DeviceView {
        id: one.id.to_string(),
        device: one.device.clone(),
        entrance: entrance(one).unwrap_or_default(),
        since: one.created_at.for_people(),
        until: one.expires_at.for_people(),
    };
    let devices = list(&request.ctx, session).await?.iter().map(view).collect();
    let status = status_of(notice.as_ref());
    let page = DevicesPage { devices, notice };
    request.page(status, &request.session_binding(), &page)
}
