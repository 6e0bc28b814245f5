//! A signed-in person's authenticator app: enrol, prove, keep the recovery codes, remove.

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};

use crate::base::secret::Secret;
use crate::domain::refusal::Refusal;
use crate::flows::authenticator::{Enrolment, begin, confirm, find, is_fresh, remove};
use crate::store::sessions::Session;
use crate::views::page::{AuthenticatorPage, MessagePage};
use crate::views::qr_svg;
use crate::web::answer::{Answer, see_other};
use crate::web::oauth::form;
use crate::web::page::login::status_of;
use crate::web::request::Request;

const PATH: &str = "/account/authenticator";

/// Signs in and comes back to this page of one's own.
pub fn to_sign_in(request: &Request, path: &str) -> axum::response::Response {
    let base = request.base();
    let back: String =
        form_urlencoded::byte_serialize(format!("{base}{path}").as_bytes()).collect();
    see_other(&format!("{base}/login?return_to={back}"))
}

pub async fn get(request: Request) -> Answer {
    match request.session().await? {
        Some(session) if session.acting.record().is_some() => no_account_centre(&request),
        Some(session) if is_fresh(&request.ctx, &session) => {
            show(&request, &session, Vec::new(), None).await
        }
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
    let done = match form.get("act") {
        Some("begin") => begin(&request.ctx, &session).await?.map(|()| Vec::new()),
        Some("remove") => remove(&request.ctx, &session).await?.map(|()| Vec::new()),
        _ => {
            let code = Secret::new(form.get("code").unwrap_or_default().trim().to_owned());
            confirm(&request.ctx, &session, &code).await?
        }
    };
    match done {
        Ok(codes) => show(&request, &session, codes, None).await,
        Err(Refusal::StepUpRequired) => Ok(to_sign_in(&request, PATH)),
        Err(refusal) => show(&request, &session, Vec::new(), Some(&refusal)).await,
    }
}

/// A specific entity's session reaches no page of the account centre (S-10, invariant 8).
pub fn no_account_centre(request: &Request) -> Answer {
    let notice = request.notice(&Refusal::NoAccountCentre);
    let page = MessagePage {
        title: request.text("no-account-centre-title"),
        text: notice.text,
        code: Some(notice.code),
        link: None,
    };
    request.page(StatusCode::FORBIDDEN, "", &page)
}

async fn show(
    request: &Request,
    session: &Session,
    codes: Vec<Secret>,
    refusal: Option<&Refusal>,
) -> Answer {
    let mut page = AuthenticatorPage {
        recovery_codes: codes.iter().map(|code| code.expose().to_owned()).collect(),
        notice: refusal.map(|refusal| request.notice(refusal)),
        ..AuthenticatorPage::default()
    };
    match find(&request.ctx, session).await? {
        Enrolment::None => {}
        Enrolment::Begun { url, typed } => {
            page.svg = Some(qr_svg(&url));
            page.typed = typed;
        }
        Enrolment::Confirmed { recovery_codes_left } => {
            page.is_confirmed = true;
            page.recovery_codes_left = recovery_codes_left;
        }
    }
    let status = match &page.notice {
        None => StatusCode::OK,
        notice => status_of(notice.as_ref()),
    };
    request.page(status, &request.session_binding(), &page)
}
