//! The phone's side of scanning, opened by an ordinary camera: the app of whoever has none. What
//! is asked, by which browser, as whom; the number; yes or no; a face where one is wanted.

use axum::extract::Path;
use axum::http::StatusCode;

use crate::base::secret::Hashed;
use crate::domain::factor::ScanApp;
use crate::domain::mask;
use crate::domain::refusal::Refusal;
use crate::domain::scan::{Phone, Purpose, Scan, ScanState};
use crate::flows::Stop;
use crate::flows::centre::known;
use crate::flows::identity::load;
use crate::flows::sign_in::scan::code::{confirm, confirmed_by, end, find, scan};
use crate::flows::sign_in::scan::face;
use crate::views::page::{MessagePage, PhonePage};
use crate::web::answer::{Answer, see_other, with_cookie};
use crate::web::cookies;
use crate::web::form::Form;
use crate::web::page::view;
use crate::web::request::Request;

pub async fn get(request: Request, Path((_, id)): Path<(String, String)>) -> Answer {
    let Some(found) = find(&request.ctx, &id).await? else {
        return told(&request, &Refusal::ScanExpired);
    };
    if found.app == ScanApp::IitApp {
        return request.message(StatusCode::OK, "phone-iit", None);
    }
    let session = request.standing_session().await?;
    let name = match (&session, &found.purpose) {
        (None, Purpose::SignIn) => {
            let base = request.base();
            let back: String =
                form_urlencoded::byte_serialize(format!("{base}/q/{id}").as_bytes()).collect();
            return Ok(see_other(&format!("{base}/login?return_to={back}")));
        }
        (Some(session), Purpose::SignIn) => {
            known::masked_name(&request.ctx, session.session.person).await?
        }
        (_, Purpose::Verify(_)) => String::new(),
    };
    let cookie_name = cookies::phone_name(&request.ctx.realm);
    let (cookie, is_new) = match request.cookies.get(&cookie_name) {
        Some(cookie) => (cookie.clone(), false),
        None => (request.ctx.random().token().expose().to_owned(), true),
    };
    let phone = Phone { key: Hashed::of(&cookie).to_text(), name };
    let scanned = match Stop::refusal(scan(&request.ctx, &id, phone).await)? {
        Ok(scanned) => scanned,
        Err(refusal) => return told(&request, &refusal),
    };
    let page = show(&request, &id, &scanned, &cookie, None).await?;
    if !is_new {
        return Ok(page);
    }
    let cookie = cookies::set(&request.ctx.realm, cookie_name, cookie, Some(86_400));
    Ok(with_cookie(page, cookie))
}

async fn show(
    request: &Request,
    id: &str,
    scan: &Scan,
    cookie: &str,
    refusal: Option<&Refusal>,
) -> Answer {
    let ctx = &request.ctx;
    let as_whom = match &scan.purpose {
        Purpose::Verify(_) => None,
        Purpose::SignIn => match request.standing_session().await? {
            None => return told(request, &Refusal::State),
            Some(found) => {
                let held = found.standing.held;
                match load::of(ctx, found.session.person, found.session.acting, held) {
                    Ok(identity) => Some(view::acting_title(request, &identity)),
                    Err(why) => return told(request, &Refusal::NoIdentity(why)),
                }
            }
        },
    };
    let mut numbers = Vec::new();
    if scan.needs_number(ctx.ip) {
        numbers.push(scan.number);
        while numbers.len() < 3 {
            let other = 10 + ctx.random().below(90);
            if !numbers.contains(&other) {
                numbers.push(other);
            }
        }
        numbers.sort_unstable();
    }
    let asks_agreement = match scan.purpose.person() {
        Some(person) => !face::has_agreed(ctx, person).await?,
        None => false,
    };
    let page = PhonePage {
        id: id.to_owned(),
        is_sign_in: scan.purpose == Purpose::SignIn,
        as_whom,
        browser: scan.browser.clone(),
        place: mask::address_of_host(scan.browser_ip),
        at: scan.created_at.for_people(),
        numbers,
        asks_agreement,
        notice: refusal.map(|refusal| request.notice(refusal)),
    };
    let status = crate::web::answer::status_of(page.notice.as_ref());
    request.page(status, &Hashed::of(cookie).to_text(), &page)
}

pub async fn post(Path((_, id)): Path<(String, String)>, form: Form) -> Answer {
    let Form { request, fields: form } = form;
    let Some(cookie) = request.cookies.get(&cookies::phone_name(&request.ctx.realm)).cloned()
    else {
        return told(&request, &Refusal::State);
    };
    let key = Hashed::of(&cookie).to_text();
    if !request.is_genuine(&form, &key) {
        return request.forbidden();
    }
    let Some(found) = find(&request.ctx, &id).await? else {
        return told(&request, &Refusal::ScanExpired);
    };
    if form.get("act") == Some("cancel") {
        return match Stop::refusal(end(&request.ctx, &id, &key, ScanState::Cancelled).await)? {
            Ok(()) => request.message(StatusCode::OK, "phone-cancelled", None),
            Err(refusal) => told(&request, &refusal),
        };
    }
    let number = form.get("number").and_then(|number| number.parse().ok());
    let done = match &found.purpose {
        Purpose::Verify(_) => {
            let ticked = form.get("agree") == Some("yes");
            let number = number.unwrap_or_default();
            match Stop::refusal(face::start(&request.ctx, &id, &key, number, ticked).await)? {
                Ok(url) => return Ok(see_other(&url)),
                Err(refusal) => Err(refusal),
            }
        }
        Purpose::SignIn => {
            let Some(session) = request.standing_session().await? else {
                return told(&request, &Refusal::State);
            };
            let number = found.needs_number(request.ctx.ip).then_some(number.unwrap_or_default());
            match confirmed_by(&request.ctx, session) {
                Ok(who) => Stop::refusal(confirm(&request.ctx, &id, &key, who, number).await)?,
                Err(refusal) => Err(refusal),
            }
        }
    };
    match done {
        Ok(()) => request.message(StatusCode::OK, "phone-done", None),
        Err(refusal @ (Refusal::Agreement | Refusal::FaceUnavailable)) => {
            show(&request, &id, &found, &cookie, Some(&refusal)).await
        }
        Err(refusal) => told(&request, &refusal),
    }
}

/// Back from the provider of the face check.
pub async fn face(request: Request, Path((_, id)): Path<(String, String)>) -> Answer {
    let params = request.query().unwrap_or_default();
    let cookie = request.cookies.get(&cookies::phone_name(&request.ctx.realm));
    let Some(cookie) = cookie else { return told(&request, &Refusal::State) };
    let (key, order) = (Hashed::of(cookie).to_text(), params.get("order").unwrap_or_default());
    match Stop::refusal(face::finish(&request.ctx, &id, &key, order).await)? {
        Ok(true) => request.message(StatusCode::OK, "phone-done", None),
        Ok(false) => {
            let here = request.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
            request.message(StatusCode::OK, "phone-pending", Some((here, "refresh")))
        }
        Err(refusal) => told(&request, &refusal),
    }
}

fn told(request: &Request, refusal: &Refusal) -> Answer {
    let notice = request.notice(refusal);
    let page = MessagePage {
        title: request.text("phone-title"),
        text: notice.text,
        code: Some(notice.code),
        link: None,
    };
    request.page(StatusCode::CONFLICT, "", &page)
}
