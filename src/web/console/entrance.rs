//! The console's door: passkey and password in one form, and the way out.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::base::secret::Secret;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::officer::{Given, at_work, enter, leave as end, question};
use crate::oidc::params::Params;
use crate::views::console::EntrancePage;
use crate::views::page::{LinkView, Notice, RealmsPage};
use crate::web::answer::{Answer, html, see_other, status_of, with_cookie};
use crate::web::app::App;
use crate::web::bare::chrome;
use crate::web::console::on_duty::{OnDuty, back, check_console, cookie};
use crate::web::console::paths::{HOME, LOGIN};
use crate::web::cookies;
use crate::web::form::Form;
use crate::web::ops::not_found;
use crate::web::request::{Request, accepted_language};

/// The listener's bare address: the console where there is one, a choice where there are several.
pub async fn root(State(app): State<App>, headers: HeaderMap) -> Response {
    let mut realms = app.realms();
    realms.retain(|realm| realm.console.is_some());
    realms.sort_by(|one, other| one.id.cmp(&other.id));
    match realms.as_slice() {
        [] => return not_found().await.into_response(),
        [only] => return see_other(&format!("/realms/{}{HOME}", only.id)),
        _ => {}
    }
    let language = accepted_language(&headers);
    let link = |realm: &std::sync::Arc<crate::realm::Realm>| LinkView {
        href: format!("/realms/{}{HOME}", realm.id),
        title: realm.name.in_language(&language).to_owned(),
    };
    let page = RealmsPage { realms: realms.iter().map(link).collect() };
    let chrome = chrome(&app, &language, &headers);
    match chrome.and_then(|chrome| app.views().render(&chrome, &page).ok()) {
        Some(text) => html(StatusCode::OK, text),
        None => not_found().await.into_response(),
    }
}

/// By which a browser is known that stands here; drawn where there is none.
fn door(request: &Request) -> Secret {
    let known = request.cookies.get(&cookies::console_door_name(&request.ctx.realm));
    known.map_or_else(|| request.ctx.random().token(), |value| Secret::new(value.clone()))
}

fn binding(door: &Secret) -> String {
    format!("console-door/{}", door.hashed().to_text())
}

pub async fn get(request: Request) -> Answer {
    check_console(&request)?;
    let params = request.query().unwrap_or_default();
    let back = back(&request, &params);
    if let Some(cookie) = cookie(&request)
        && at_work(&request.ctx, &cookie).await?.is_some()
    {
        return Ok(see_other(&back));
    }
    show(&request, back, None)
}

fn show(request: &Request, back: String, notice: Option<Notice>) -> Answer {
    let (realm, door) = (&request.ctx.realm, door(request));
    let binding = binding(&door);
    let question = question(&request.ctx, &binding)?;
    let page = EntrancePage {
        options: question.options.to_string(),
        question: question.sealed,
        back,
        notice,
    };
    let shown = request.page(status_of(page.notice.as_ref()), &binding, &page)?;
    let name = cookies::console_door_name(realm);
    Ok(with_cookie(shown, cookies::set(realm, name, door.expose().to_owned(), None)))
}

pub async fn post(form: Form) -> Answer {
    check_console(&form.request)?;
    let binding = binding(&door(&form.request));
    let (request, form) = form.genuine(&binding)?;
    let text = |name| form.get(name).unwrap_or_default();
    let password = Secret::new(text("password").to_owned());
    let given = Given { made: text("made"), question: text("question"), password: &password };
    match Stop::refusal(enter(&request.ctx, &binding, given).await)? {
        Ok(cookie) => entered(&request, &form, &cookie).await,
        Err(refusal) => show(&request, back(&request, &form), Some(said(&request, &refusal))),
    }
}

/// Whoever was at work in this browser is not any more.
async fn entered(request: &Request, form: &Params, new: &Secret) -> Answer {
    if let Some(former) = cookie(request) {
        end(&request.ctx, &former).await?;
    }
    let realm = &request.ctx.realm;
    let set = |name, value: &str, seconds| cookies::set(realm, name, value.to_owned(), seconds);
    let response = see_other(&back(request, form));
    let response = with_cookie(response, set(cookies::officer_name(realm), new.expose(), None));
    Ok(with_cookie(response, set(cookies::console_door_name(realm), "", Some(0))))
}

fn said(request: &Request, refusal: &Refusal) -> Notice {
    match refusal {
        Refusal::Credentials => request.notice_as(refusal, "console-credentials"),
        Refusal::AccountLocked => request.notice_as(refusal, "console-locked"),
        Refusal::Passkey => request.notice_as(refusal, "console-passkey"),
        refusal => request.notice(refusal),
    }
}

pub async fn leave(form: Form) -> Answer {
    let on_duty = OnDuty::at_work(form.request).await?;
    let (on_duty, _) = on_duty.with(form.fields)?;
    let request = &on_duty.request;
    if let Some(cookie) = cookie(request) {
        end(&request.ctx, &cookie).await?;
    }
    let realm = &request.ctx.realm;
    let gone = cookies::set(realm, cookies::officer_name(realm), String::new(), Some(0));
    Ok(with_cookie(see_other(&on_duty.path(LOGIN)), gone))
}
