//! The security of one's account in one place: where one is signed in, by what one proves oneself, what
//! applications may learn, what has happened, and a copy of all that is kept.

use std::io;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::domain::function::Function;
use crate::domain::mask;
use crate::domain::number::document::DocumentType;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::centre::consents::{self, Consent};
use crate::flows::centre::copy::{self, OwnCopy};
use crate::flows::centre::events::{self, OwnEvent};
use crate::flows::centre::sessions::{self, SignedIn};
use crate::flows::sign_in::factor::{device, passkey, totp};
use crate::views::own::{ConsentView, EventView, MeansView, SecurityPage, SessionView};
use crate::web::account::second_proof::to_second_factor;
use crate::web::account::visit::Visit;
use crate::web::answer::{Answer, Failure, no_store};
use crate::web::form::Form;
use crate::web::page::view;
use crate::web::request::Request;

const PATH: &str = "/account/security";

/// What can have been done, by its name in addresses.
const DONE: [&str; 3] = ["ended", "others-ended", "withdrawn"];

pub async fn get(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::OwnSecurity).await?;
    show(&visit, None).await
}

/// `end` one session, `withdraw` one consent, or `act`: `end_others`, `copy`.
pub async fn post(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, Function::OwnSecurity).await?;
    let (ctx, session) = (&visit.request.ctx, &visit.session);
    let done = match (form.get("end"), form.get("withdraw"), form.get("act")) {
        (Some(id), _, _) => sessions::end(ctx, session, id).await.map(|()| DONE[0]),
        (_, Some(client), _) => consents::withdraw(ctx, session, client).await.map(|()| DONE[2]),
        (_, _, Some("end_others")) => sessions::end_others(ctx, session).await.map(|_| DONE[1]),
        // What is all of the person's own is of their own centre.
        (_, _, Some("copy")) if !visit.may(Function::PersonalInformation) => {
            return visit.refused(&Refusal::Role);
        }
        (_, _, Some("copy")) => return take_copy(&visit).await,
        _ => Err(Refusal::State.into()),
    };
    match Stop::refusal(done)? {
        Ok(done) => visit.go(&format!("{PATH}?done={done}")),
        Err(refusal) => show(&visit, Some(&refusal)).await,
    }
}

/// The copy as a file, once a second factor was proved a moment ago.
async fn take_copy(visit: &Visit) -> Answer {
    let begun = copy::begin(&visit.request.ctx, &visit.session).await;
    match Stop::refusal(begun)? {
        Ok(copy) => Ok(file(copy)),
        Err(Refusal::StepUpRequired) => to_second_factor(visit, PATH).await,
        Err(refusal) => show(visit, Some(&refusal)).await,
    }
}

/// Sent as it is read. What breaks off is no whole file to the browser.
fn file(copy: OwnCopy) -> Response {
    let pieces = futures_util::stream::unfold(Some(copy), |copy| async move {
        let mut copy = copy?;
        match copy.piece().await {
            Ok(piece) => piece.map(|piece| (Ok(piece), Some(copy))),
            Err(fault) => {
                tracing::error!(%fault, "A copy of somebody's data broke off");
                Some((Err(io::Error::other("broken off")), None))
            }
        }
    });
    let mut response = no_store(Body::from_stream(pieces).into_response());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let name = HeaderValue::from_static("attachment; filename=\"my-data.json\"");
    headers.insert(header::CONTENT_DISPOSITION, name);
    response
}

async fn show(visit: &Visit, refusal: Option<&Refusal>) -> Answer {
    let (request, own) = (&visit.request, &visit.session);
    let ctx = &request.ctx;
    let signed_in = sessions::list(ctx, own).await?;
    let consents = consents::list(ctx, own).await?;
    let events = events::list(ctx, own).await?;
    let done = request.query().unwrap_or_default();
    let done = done.get("done").filter(|done| DONE.contains(done));
    let page = SecurityPage {
        has_others: signed_in.len() > 1,
        sessions: signed_in.iter().map(|one| session(visit, one)).collect(),
        means: means(visit).await?,
        consents: consents.iter().map(|one| consent(request, one)).collect(),
        events: events.iter().map(|one| event(request, one)).collect(),
        has_log: visit.may(Function::LoginLog),
        has_copy: visit.may(Function::PersonalInformation),
        may_cancel: visit.role.may(Function::CancelAccount),
        done: done.map(|done| request.text(&format!("own-{done}"))),
        notice: refusal.map(|refusal| request.notice(refusal)),
    };
    visit.page(refusal, &page).await
}

fn session(visit: &Visit, one: &SignedIn) -> SessionView {
    let (request, session) = (&visit.request, &one.session);
    let (realm, language) = (&request.ctx.realm, request.language());
    let door = realm.entrance(&session.entrance);
    let door = door.map(|known| known.title.in_language(language).to_owned());
    let identity = one.identity.as_ref().map(|identity| view::acting_title(request, identity));
    let both: Vec<String> = door.into_iter().chain(identity).collect();
    SessionView {
        id: session.id.to_string(),
        device: session.device.clone(),
        as_whom: both.join(" · "),
        address: session.ip.parse().map(mask::address_of_host).unwrap_or_default(),
        since: session.created_at.for_people(),
        until: session.expires_at.for_people(),
        applications: one.clients.iter().map(|id| application(request, id)).collect(),
        is_current: session.id == visit.session.id,
    }
}

/// What an application is called; its id where the realm knows it no longer.
fn application(request: &Request, id: &str) -> String {
    let known = request.ctx.realm.clients.get(id);
    known.map_or(id, |client| client.name.in_language(request.language())).to_owned()
}

/// The ways to prove oneself, each with its page.
async fn means(visit: &Visit) -> Result<Vec<MeansView>, Failure> {
    let (request, own) = (&visit.request, &visit.session);
    let ctx = &request.ctx;
    let counted = |n: usize| match n {
        0 => request.text("own-none"),
        n => request.text_with("own-count", &n.to_string()),
    };
    let mut means = Vec::new();
    let mut add = |title: &str, state: String, path: &str| {
        means.push(MeansView { title: request.text(title), state, href: visit.path(path) });
    };
    if passkey::are_taken(ctx) {
        let n = passkey::list(ctx, own).await?.len();
        add("passkeys-title", counted(n), "/account/passkeys");
    }
    let left = totp::find(ctx, own).await?.recovery_codes_left;
    if totp::is_taken(ctx) || left.is_some() {
        let state = match left {
            Some(left) => request.text_with("own-authenticator-on", &left.to_string()),
            None => request.text("own-none"),
        };
        add("authenticator-title", state, "/account/authenticator");
    }
    let n = device::list(ctx, own).await?.len();
    add("devices-title", counted(n), "/account/devices");
    Ok(means)
}

fn consent(request: &Request, one: &Consent) -> ConsentView {
    let realm = &request.ctx.realm;
    let scope = |name: &str| match realm.resources.get(name) {
        Some(api) => request.text_with("consent-api", api.name.in_language(request.language())),
        None => request.text(&format!("scope-{}", name.replace('_', "-"))),
    };
    ConsentView {
        id: one.client_id.clone(),
        name: application(request, &one.client_id),
        since: one.given_at.for_people(),
        scopes: one.scope.split_whitespace().map(scope).collect(),
    }
}

/// One event of the audit in words; what has none is told as a change.
fn event(request: &Request, one: &OwnEvent) -> EventView {
    let told = |name: &str| one.told.get(name).and_then(|value| value.as_str());
    let about = if let Some(kind) = told("kind").and_then(DocumentType::parse) {
        view::document(request, kind)
    } else if let Some(factor) = told("factor") {
        request.text(&format!("way-{}", factor.replace('_', "-")))
    } else if let Some(client) = told("client") {
        application(request, client)
    } else if let Some(id) = told("document") {
        let known = request.ctx.realm.agreements.iter().find(|known| known.id == id);
        known.map_or(id, |known| known.title.in_language(request.language())).to_owned()
    } else {
        let level = one.told.get("level");
        level.map(|level| request.text(&format!("level-short-{level}"))).unwrap_or_default()
    };
    let key = format!("event-{}", one.action.replace('_', "-"));
    let text = request.text_with(&key, &about);
    let text = if text == key { request.text("event-other") } else { text };
    EventView { at: one.at.for_people(), text }
}
