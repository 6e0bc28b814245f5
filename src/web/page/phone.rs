//! The phone's side of scanning, opened by an ordinary camera: the app of whoever has none. What
//! is asked, by which browser, for whom; the number; yes or no; a face where one is wanted. Looking
//! at these pages changes nothing: a code is scanned by the first form.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::base::secret::Hashed;
use crate::domain::factor::ScanApp;
use crate::domain::mask;
use crate::domain::place::Place;
use crate::domain::refusal::Refusal;
use crate::domain::scan::{Number, Phone, Purpose, Scan, ScanState};
use crate::flows::centre::known;
use crate::flows::identity::load;
use crate::flows::sign_in::scan::code::{confirm, confirmed_by, end, find, scan};
use crate::flows::sign_in::scan::{face, matter};
use crate::flows::sign_in::session::StandingSession;
use crate::flows::{Ctx, Fault, Stop};
use crate::oidc::params::Params;
use crate::views::page::MessagePage;
use crate::views::phone::{PhoneFacePage, PhoneOpenPage, PhonePage};
use crate::web::answer::{Answer, no_store, see_other, status_of, with_cookie};
use crate::web::cookies;
use crate::web::form::{Form, agreed_at_once};
use crate::web::page::scan::not_found;
use crate::web::page::view;
use crate::web::request::Request;
use crate::web::stream::told_as_it_changes;

/// What a phone proves itself with, as the code keeps it.
fn phone_key(cookie: &str) -> String {
    Hashed::of(cookie).to_text()
}

fn cookie(request: &Request) -> Option<&String> {
    request.cookies.get(&cookies::phone_name(&request.ctx.realm))
}

/// A code that was not scanned yet, or one that this phone has scanned.
pub async fn get(request: Request, Path((_, id)): Path<(String, String)>) -> Answer {
    let Some(found) = find(&request.ctx, &id).await? else {
        return told(&request, &Refusal::ScanExpired);
    };
    if found.app == ScanApp::IitApp {
        return request.message(StatusCode::OK, "phone-iit", None);
    }
    let stands = found.stands(request.ctx.now());
    let waits_for_somebody =
        found.purpose == Purpose::SignIn && matches!(stands, "new" | "scanned");
    if waits_for_somebody && request.session().await?.is_none() {
        return Ok(to_sign_in(&request, &id));
    }
    let key = cookie(&request).map(|cookie| phone_key(cookie));
    let is_own = key.as_ref().is_some_and(|key| found.is_held_by(key));
    match (stands, key) {
        ("new", _) => open(&request, &id),
        ("scanned", Some(key)) if is_own => show(&request, &id, &found, &key, None).await,
        ("confirmed", _) if is_own => request.message(StatusCode::OK, "phone-done", None),
        ("cancelled", _) => cancelled(&request),
        ("failed", _) if is_own => told(&request, &Refusal::StepUpFailed),
        ("expired", _) => told(&request, &Refusal::ScanExpired),
        _ => told(&request, &Refusal::State),
    }
}

/// Who signs a browser in is signed in on the phone; who is not goes there first.
fn to_sign_in(request: &Request, id: &str) -> Response {
    let base = request.base();
    let back = format!("{base}/q/{id}");
    let back: String = form_urlencoded::byte_serialize(back.as_bytes()).collect();
    see_other(&format!("{base}/login?return_to={back}"))
}

/// The first page: it says nothing of the sign-in, because a link preview may read it.
fn open(request: &Request, id: &str) -> Answer {
    let page = PhoneOpenPage { id: id.to_owned() };
    if let Some(cookie) = cookie(request) {
        return request.page(StatusCode::OK, &phone_key(cookie), &page);
    }
    let cookie = request.ctx.random().token().expose().to_owned();
    let page = request.page(StatusCode::OK, &phone_key(&cookie), &page)?;
    let realm = &request.ctx.realm;
    let cookie = cookies::set(realm, cookies::phone_name(realm), cookie, Some(86_400));
    Ok(with_cookie(page, cookie))
}

async fn show(
    request: &Request,
    id: &str,
    scan: &Scan,
    key: &str,
    refusal: Option<&Refusal>,
) -> Answer {
    let ctx = &request.ctx;
    let matter = match Stop::refusal(matter::of(ctx, scan, request.language()).await)? {
        Ok(matter) => matter,
        Err(refusal) => return told(request, &refusal),
    };
    let holder = match Stop::refusal(holder(request, scan).await)? {
        Ok(holder) => holder,
        Err(refusal) => return told(request, &refusal),
    };
    let asks_agreement = asks_agreement(ctx, scan).await?;
    let agreements = ctx.realm.agreements_to_show_a_face().filter(|_| asks_agreement);
    let document = matter.document.as_ref();
    let document =
        document.map(|(kind, number)| format!("{} {number}", view::document(request, *kind)));
    let is_one_place = Place::of(scan.browser_ip) == ctx.place();
    let where_is = if is_one_place { "phone-here" } else { "phone-elsewhere" };
    let (whom, as_whom) = match holder {
        Some(Holder { name, title }) => (name, Some(title)),
        None => (matter.whom.unwrap_or_default(), None),
    };
    let page = PhonePage {
        id: id.to_owned(),
        title: request.text(&format!("phone-matter-{}", matter.kind.name().replace('_', "-"))),
        is_sign_in: scan.purpose == Purpose::SignIn,
        application: matter.application,
        whom,
        as_whom,
        authorisations: matter.authorisations,
        document,
        browser: scan.browser.clone(),
        place: mask::address_of_host(scan.browser_ip),
        where_is: request.text(where_is),
        at: scan.created_at.for_people(),
        asks_number: scan.told(ctx.now()).number.is_some(),
        agreements: agreements.map(|one| view::agreement(request, one)).collect(),
        notice: refusal.map(|refusal| request.notice(refusal)),
    };
    request.page(status_of(page.notice.as_ref()), key, &page)
}

/// Whether the face agreement is still to be ticked. Of whoever is not signed in nothing is said: all
/// but those who register, who were asked in the browser, are asked.
async fn asks_agreement(ctx: &Ctx, scan: &Scan) -> Result<bool, Fault> {
    match &scan.purpose {
        Purpose::SignIn => Ok(false),
        Purpose::Verify(question) => Ok(!face::has_agreed(ctx, question.person).await?),
        Purpose::Claim(claim) => Ok(claim.name.is_none()),
    }
}

/// Who will be signed in, by the phone's own session.
struct Holder {
    /// Masked.
    name: String,
    /// As whom.
    title: String,
}

/// `None` where the phone need not be signed in.
async fn holder(request: &Request, scan: &Scan) -> Result<Option<Holder>, Stop> {
    if scan.purpose != Purpose::SignIn {
        return Ok(None);
    }
    let StandingSession { session, standing } =
        request.standing_session().await?.ok_or(Refusal::State)?;
    let ctx = &request.ctx;
    let identity = load::of(ctx, session.person, session.acting, standing.held)?;
    let name = known::masked_name(ctx, session.person).await?;
    Ok(Some(Holder { name, title: view::acting_title(request, &identity) }))
}

/// The forms of all these pages: 【继续】, the tap, 【取消】.
pub async fn post(Path((_, id)): Path<(String, String)>, form: Form) -> Answer {
    let Some(cookie) = cookie(&form.request) else { return told(&form.request, &Refusal::State) };
    let key = phone_key(cookie);
    let (request, form) = form.genuine(&key)?;
    let Some(found) = find(&request.ctx, &id).await? else {
        return told(&request, &Refusal::ScanExpired);
    };
    match form.get("act").unwrap_or_default() {
        "scan" => post_scan(&request, &id, &found, key).await,
        "cancel" => {
            match Stop::refusal(end(&request.ctx, &id, &key, ScanState::Cancelled).await)? {
                Ok(()) => cancelled(&request),
                Err(refusal) => over(&request, &id, &refusal).await,
            }
        }
        _ => post_confirm(&request, &id, &found, (&key, &form)).await,
    }
}

async fn post_scan(request: &Request, id: &str, found: &Scan, key: String) -> Answer {
    if found.app == ScanApp::IitApp {
        return told(request, &Refusal::State);
    }
    let name = match (request.session().await?, &found.purpose) {
        (None, Purpose::SignIn) => return Ok(to_sign_in(request, id)),
        (Some(session), Purpose::SignIn) => {
            known::masked_name(&request.ctx, session.person).await?
        }
        // Whoever verifies needs no session, and one that is there may be another's.
        (_, Purpose::Verify(_) | Purpose::Claim(_)) => String::new(),
    };
    let phone = Phone { key, name };
    match Stop::refusal(scan(&request.ctx, id, phone, Some(request.ctx.ip)).await)? {
        Ok(_) => Ok(see_other(&format!("{}/q/{id}", request.base()))),
        Err(refusal) => over(request, id, &refusal).await,
    }
}

async fn post_confirm(
    request: &Request,
    id: &str,
    found: &Scan,
    (key, form): (&str, &Params),
) -> Answer {
    let ctx = &request.ctx;
    let refusal = match &found.purpose {
        Purpose::Verify(_) | Purpose::Claim(_) => {
            match Stop::refusal(face_check(ctx, id, key, form).await)? {
                Ok(url) => return Ok(see_other(&url)),
                Err(refusal) => refusal,
            }
        }
        Purpose::SignIn => match Stop::refusal(tap(request, id, key, form).await)? {
            Ok(()) => return request.message(StatusCode::OK, "phone-done", None),
            Err(refusal) => refusal,
        },
    };
    match &refusal {
        Refusal::Agreement | Refusal::FaceUnavailable | Refusal::Format { .. } => {
            show(request, id, found, key, Some(&refusal)).await
        }
        _ => over(request, id, &refusal).await,
    }
}

/// Where the phone goes for its face check.
async fn face_check(ctx: &Ctx, id: &str, key: &str, form: &Params) -> Result<String, Stop> {
    let typed = Number::parse(form.get("number").unwrap_or_default())?;
    let agreed = agreed_at_once(form, ctx.realm.agreements_to_show_a_face());
    face::start(ctx, id, key, typed, agreed).await
}

async fn tap(request: &Request, id: &str, key: &str, form: &Params) -> Result<(), Stop> {
    let session = request.standing_session().await?.ok_or(Refusal::State)?;
    let who = confirmed_by(&request.ctx, session)?;
    // Where no number is asked there is no field for one.
    let typed = form.get("number").map(Number::parse).transpose()?;
    confirm(&request.ctx, id, key, who, typed).await
}

/// Back from the provider of the face check; its result is asked for by the page's form.
pub async fn face(request: Request, Path((_, id)): Path<(String, String)>) -> Answer {
    let params = request.query().unwrap_or_default();
    let Some(cookie) = cookie(&request) else { return told(&request, &Refusal::State) };
    let order = params.get("order").unwrap_or_default().to_owned();
    let page = PhoneFacePage { id, order, is_pending: false };
    request.page(StatusCode::OK, &phone_key(cookie), &page)
}

pub async fn post_face(Path((_, id)): Path<(String, String)>, form: Form) -> Answer {
    let Some(cookie) = cookie(&form.request) else { return told(&form.request, &Refusal::State) };
    let key = phone_key(cookie);
    let (request, form) = form.genuine(&key)?;
    let order = form.get("order").unwrap_or_default().to_owned();
    match Stop::refusal(face::finish(&request.ctx, &id, &key, &order).await)? {
        Ok(true) => request.message(StatusCode::OK, "phone-done", None),
        Ok(false) => {
            request.page(StatusCode::OK, &key, &PhoneFacePage { id, order, is_pending: true })
        }
        Err(refusal) => over(&request, &id, &refusal).await,
    }
}

/// How the code stands, for the phone that scanned it; `None` for every other.
async fn stands(ctx: &Ctx, id: &str, key: &str) -> Result<Option<Value>, Fault> {
    let found = find(ctx, id).await?.filter(|found| found.is_held_by(key));
    Ok(found.map(|found| json!({"state": found.stands(ctx.now())})))
}

pub async fn state(request: Request, Path((_, id)): Path<(String, String)>) -> Answer {
    let Some(cookie) = cookie(&request) else { return Ok(not_found()) };
    Ok(match stands(&request.ctx, &id, &phone_key(cookie)).await? {
        Some(stands) => no_store(Json(stands).into_response()),
        None => not_found(),
    })
}

/// The same as it changes, until the phone has nothing left to do.
pub async fn events(request: Request, Path((_, id)): Path<(String, String)>) -> Answer {
    let Some(key) = cookie(&request).map(|cookie| phone_key(cookie)) else {
        return Ok(not_found());
    };
    if stands(&request.ctx, &id, &key).await?.is_none() {
        return Ok(not_found());
    }
    let ctx = request.ctx.clone();
    let ask = move || {
        let (ctx, id, key) = (ctx.clone(), id.clone(), key.clone());
        async move { stands(&ctx, &id, &key).await.ok().flatten() }
    };
    Ok(told_as_it_changes(&request, ask, |told| told["state"] != "scanned"))
}

fn cancelled(request: &Request) -> Answer {
    request.message(StatusCode::OK, "phone-cancelled", None)
}

/// A form that came too late is told what has become of the code meanwhile.
async fn over(request: &Request, id: &str, refusal: &Refusal) -> Answer {
    let found = find(&request.ctx, id).await?;
    let is_cancelled = found.is_some_and(|found| found.state == ScanState::Cancelled);
    if *refusal != Refusal::State || !is_cancelled {
        return told(request, refusal);
    }
    let page = MessagePage {
        title: request.text("phone-cancelled-title"),
        text: request.text("phone-cancelled-text"),
        code: Some(refusal.code().to_owned()),
        link: None,
    };
    request.page(StatusCode::CONFLICT, "", &page)
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
