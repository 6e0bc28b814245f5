//! The pages of registration (R-01 to R-18, L321 to L342): agreements, who it is, password and phone, face or
//! the hall's record. What they show is made in `view`, the code for a phone in `scan`. Whoever comes to a
//! page that is not open yet is led to the one that is.

pub mod scan;
mod view;

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};

use crate::base::secret::Secret;
use crate::domain::login::Then;
use crate::domain::refusal::Refusal;
use crate::domain::registration::{Candidate, Proof, Registration, Step, Typed, Way};
use crate::flows::Stop;
use crate::flows::self_help::progress::Begun;
use crate::flows::self_help::register::{
    self, Found, Held, Verdict, complete, contact, face_agreements, find, first_agreements,
    hall_agreements,
};
use crate::oidc::params::Params;
use crate::realm::RealmEntrance;
use crate::views::page::MessagePage;
use crate::views::register::{RegisterDonePage, RegisterKnownPage};
use crate::web::account::show::href;
use crate::web::answer::{Answer, Failure, see_other};
use crate::web::app::App;
use crate::web::form::agreed;
use crate::web::ops::not_by_head;
use crate::web::request::Request;
use crate::web::self_help::Helping;
use crate::web::transaction::{authorize_address, begun as sign_in};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/register", get(begin).post(post_begin))
        .route("/register/identity", get(identity).post(post_identity))
        .route("/register/contact", get(reach).post(post_contact))
        .route("/register/verify", get(verify).post(post_verify).head(not_by_head))
        .route("/register/scan", post(scan::post))
        .route("/register/done", get(done))
}

fn address(request: &Request, page: &str, begun: &Begun) -> String {
    format!("{}/register/{page}?t={}", request.base(), begun.id)
}

/// On to whatever is due: the pages know.
fn onward(helping: &Helping) -> Response {
    see_other(&address(&helping.request, "verify", &helping.begun))
}

/// What this browser has begun; instead of one that is done its end, of one that is gone the beginning.
async fn held(helping: &Helping) -> Result<Held, Failure> {
    match find(&helping.request.ctx, &helping.begun).await? {
        Some(Found::On(held)) => Ok(*held),
        Some(Found::Done(..)) => {
            let done = address(&helping.request, "done", &helping.begun);
            Err(Failure::instead(see_other(&done)))
        }
        None => Err(Failure::instead(helping.expired("/register")?)),
    }
}

/// The same at a step that is open.
async fn at(helping: &Helping, step: Step) -> Result<Held, Failure> {
    let held = held(helping).await?;
    let page = match held.registration.due() {
        due if due >= step => return Ok(held),
        Step::Identity => "identity",
        Step::Contact | Step::Verify => "contact",
    };
    Err(Failure::instead(see_other(&address(&helping.request, page, &helping.begun))))
}

/// A form that was refused shows its page again, unless the same browser has come further meanwhile, by the
/// first of two clicks.
async fn unless_gone_on(
    helping: &Helping,
    held: &Held,
    shown: impl Future<Output = Answer> + Send,
) -> Answer {
    match find(&helping.request.ctx, &helping.begun).await? {
        Some(Found::On(now)) if now.registration == held.registration => shown.await,
        Some(Found::On(_) | Found::Done(..)) => Ok(onward(helping)),
        None => helping.expired("/register"),
    }
}

/// How often, and after which pauses, one looks for the end that another click of the same browser is just
/// writing.
const LOOKS: u32 = 40;
const PAUSE: Duration = Duration::from_millis(50);

/// Whether that end has come.
async fn is_done_meanwhile(helping: &Helping) -> Result<bool, Failure> {
    for _ in 0..LOOKS {
        if matches!(find(&helping.request.ctx, &helping.begun).await?, Some(Found::Done(..))) {
            return Ok(true);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(false)
}

async fn begin(helping: Helping) -> Answer {
    let way = Way::chosen(helping.form.get("way").unwrap_or_default());
    view::begin(&helping, way, None)
}

async fn post_begin(mut helping: Helping) -> Answer {
    let way = Way::chosen(helping.form.get("way").unwrap_or_default());
    let ctx = &helping.request.ctx;
    let accepted = agreed(&helping.form, first_agreements(ctx));
    let begun = match find(ctx, &helping.begun).await? {
        Some(Found::On(held)) => {
            let again = register::begin_again(ctx, &helping.begun, &held, way, &accepted);
            Stop::refusal(again.await)?.map(|()| helping.begun.clone())
        }
        Some(Found::Done(..)) | None => {
            let (begun, then) = (helping.new_journey(), waits(&helping).await?);
            Stop::refusal(register::begin(ctx, &begun, way, then, &accepted).await)?.map(|()| begun)
        }
    };
    match begun {
        Ok(begun) => {
            helping.begun = begun;
            let to = address(&helping.request, "identity", &helping.begun);
            Ok(helping.remembered(see_other(&to)))
        }
        Err(refusal) => view::begin(&helping, way, Some(&refusal)),
    }
}

/// Where the sign-in leads from which this registration begins.
async fn waits(helping: &Helping) -> Result<Then, Failure> {
    let from = helping.form.get("from").unwrap_or_default().to_owned();
    let named = Params::from_map([("t".to_owned(), from)].into());
    let found = sign_in(&helping.request, &named).await?;
    Ok(found.map_or(Then::Nowhere, |found| found.then))
}

async fn identity(helping: Helping) -> Answer {
    let held = at(&helping, Step::Identity).await?;
    view::identity(&helping, &held.registration, None, None)
}

async fn post_identity(helping: Helping) -> Answer {
    let held = at(&helping, Step::Identity).await?;
    let (ctx, way) = (&helping.request.ctx, held.registration.way);
    let typed = typed(&helping.form);
    let done = match Candidate::parse(way, typed, ctx.now().day()) {
        Ok(candidate) => {
            Stop::refusal(register::name(ctx, &helping.begun, &held, candidate).await)?
        }
        Err(refusal) => Err(refusal),
    };
    match done {
        Ok(Verdict::GoOn) => Ok(onward(&helping)),
        Ok(Verdict::HasAccount) => known(&helping, &held, "register-known"),
        Ok(Verdict::Former) => known(&helping, &held, "register-former"),
        Err(Refusal::State) => {
            let shown = async { view::identity(&helping, &held.registration, Some(typed), None) };
            unless_gone_on(&helping, &held, shown).await
        }
        Err(refusal) => view::identity(&helping, &held.registration, Some(typed), Some(&refusal)),
    }
}

fn typed(form: &Params) -> Typed<'_> {
    let text = |name| form.get(name).unwrap_or_default();
    Typed {
        name: text("name"),
        document_type: text("document_type"),
        document: text("document"),
        sex: text("sex"),
        nationality: text("nationality"),
    }
}

async fn reach(helping: Helping) -> Answer {
    let held = at(&helping, Step::Contact).await?;
    view::contact(&helping, &held.registration, None, None).await
}

async fn post_contact(helping: Helping) -> Answer {
    let held = at(&helping, Step::Contact).await?;
    let (ctx, begun, form) = (&helping.request.ctx, &helping.begun, &helping.form);
    let text = |name| form.get(name).unwrap_or_default();
    if text("act") == "verify" {
        let judged = contact::verify(ctx, begun, &held, text("code")).await;
        return match Stop::refusal(judged)? {
            Ok(Verdict::GoOn) => Ok(onward(&helping)),
            Ok(Verdict::HasAccount) => known(&helping, &held, "register-known"),
            Ok(Verdict::Former) => known(&helping, &held, "register-former"),
            Err(refusal) => refused(&helping, &held, &refusal).await,
        };
    }
    let secret = |name| Secret::new(text(name).to_owned());
    let (password, repeated) = (secret("password"), secret("repeated"));
    let typed =
        contact::Form { password: &password, repeated: &repeated, contact: text("contact") };
    match Stop::refusal(contact::send(ctx, begun, &held, &typed).await)? {
        Ok(()) => Ok(see_other(&address(&helping.request, "contact", begun))),
        Err(refusal) => {
            let contact = Some(text("contact"));
            let shown = view::contact(&helping, &held.registration, contact, Some(&refusal));
            unless_gone_on(&helping, &held, shown).await
        }
    }
}

/// A code that did not fit stays on its page; what was found out of the person is said where they can
/// mend it.
async fn refused(helping: &Helping, held: &Held, refusal: &Refusal) -> Answer {
    if matches!(refusal, Refusal::Otp | Refusal::OtpExpired | Refusal::Format { .. }) {
        let shown = view::contact(helping, &held.registration, None, Some(refusal));
        return unless_gone_on(helping, held, shown).await;
    }
    let is_rate = matches!(refusal, Refusal::OtpRate { .. });
    match find(&helping.request.ctx, &helping.begun).await? {
        // Too many wrong ones from here: nobody has looked at this one.
        Some(Found::On(now)) if is_rate && !is_reached(&now.registration) => {
            view::contact(helping, &now.registration, None, Some(refusal)).await
        }
        Some(Found::On(now)) if now.registration.proof.is_none() => {
            view::identity(helping, &now.registration, None, Some(refusal))
        }
        _ => Ok(onward(helping)),
    }
}

fn is_reached(registration: &Registration) -> bool {
    registration.access.as_ref().is_some_and(|access| access.proved_at.is_some())
}

async fn verify(helping: Helping) -> Answer {
    let held = at(&helping, Step::Verify).await?;
    let app = helping.form.get("way").unwrap_or_default();
    view::verify(&helping, &held.registration, app, None).await
}

async fn post_verify(helping: Helping) -> Answer {
    let held = at(&helping, Step::Verify).await?;
    let (ctx, begun, form) = (&helping.request.ctx, &helping.begun, &helping.form);
    if form.get("act") == Some("decline") {
        register::decline(ctx, begun, &held).await?;
        return declined(&helping.request, &held);
    }
    let done = if held.registration.proof == Some(Proof::Hall) {
        complete::by_hall(ctx, begun, &held, &agreed(form, hall_agreements(ctx))).await
    } else {
        let ticked = agreed(form, face_agreements(ctx));
        register::agree(ctx, begun, &held, &ticked).await.map(|()| Verdict::GoOn)
    };
    let done = Stop::refusal(done)?;
    let may_be_done = held.registration.proof == Some(Proof::Hall) && done == Err(Refusal::State);
    if may_be_done && is_done_meanwhile(&helping).await? {
        return Ok(onward(&helping));
    }
    finished(&helping, &held, done).await
}

/// What the last form has led to.
async fn finished(helping: &Helping, held: &Held, done: Result<Verdict, Refusal>) -> Answer {
    match done {
        Ok(Verdict::GoOn) => Ok(onward(helping)),
        Ok(Verdict::HasAccount) | Err(Refusal::Taken) => known(helping, held, "register-known"),
        Ok(Verdict::Former) => known(helping, held, "register-former"),
        // The phone is to be proved anew.
        Err(Refusal::OtpExpired) => match find(&helping.request.ctx, &helping.begun).await? {
            Some(Found::On(now)) => {
                let refusal = Some(&Refusal::OtpExpired);
                view::contact(helping, &now.registration, None, refusal).await
            }
            Some(Found::Done(..)) | None => Ok(onward(helping)),
        },
        Err(refusal) => {
            let app = helping.form.get("app").unwrap_or_default();
            let shown = view::verify(helping, &held.registration, app, Some(&refusal));
            unless_gone_on(helping, held, shown).await
        }
    }
}

/// Turned back: nothing is kept.
fn declined(request: &Request, held: &Held) -> Answer {
    let page = MessagePage {
        title: request.text("register-declined-title"),
        text: request.text("register-declined-text"),
        code: Some(Refusal::Agreement.code().to_owned()),
        link: Some((sign_in_of(request, held), request.text("back-to-login"))),
    };
    request.page(StatusCode::FORBIDDEN, "", &page)
}

/// Whoever has an account, or another document by now, is told so only here, with a code from their phone.
/// `words`: what it is.
fn known(helping: &Helping, held: &Held, words: &str) -> Answer {
    let request = &helping.request;
    let page = RegisterKnownPage {
        sign_in: sign_in_of(request, held),
        title: request.text(&format!("{words}-title")),
        text: request.text(&format!("{words}-text")),
    };
    helping.page(StatusCode::CONFLICT, &page)
}

/// The sign-in of a registration that has ended, for what its person came for.
fn sign_in_of(request: &Request, held: &Held) -> String {
    let registration = &held.registration;
    to_sign_in(request, &registration.then, door_of(request, registration.way))
}

/// Whoever has no document of this country comes in where e-mail addresses are taken.
fn door_of(request: &Request, way: Way) -> Option<&RealmEntrance> {
    request.ctx.realm.own_door_by_email().filter(|_| way == Way::Overseas)
}

fn to_sign_in(request: &Request, then: &Then, door: Option<&RealmEntrance>) -> String {
    let query: Vec<(&str, &str)> = match (then, door) {
        (Then::Page(page), None) => vec![("return_to", page)],
        (Then::Page(page), Some(door)) => {
            vec![("return_to", page), ("entrance", &door.entrance.id)]
        }
        (_, Some(door)) => vec![("entrance", &door.entrance.id)],
        (_, None) => Vec::new(),
    };
    match then {
        Then::Authorize(asked) => authorize_address(request, asked),
        Then::Page(_) | Then::Nowhere => href(request, "/login", &query),
    }
}

async fn done(helping: Helping) -> Answer {
    let request = &helping.request;
    let (then, way) = match find(&request.ctx, &helping.begun).await? {
        Some(Found::Done(then, way)) => (then, way),
        Some(Found::On(_)) => return Ok(onward(&helping)),
        None => return helping.expired("/register"),
    };
    let door = door_of(request, way);
    let page = RegisterDonePage {
        sign_in: to_sign_in(request, &then, door),
        leads_on: matches!(then, Then::Authorize(_)),
        door: door.map(|door| door.title.in_language(request.language()).to_owned()),
    };
    helping.page(StatusCode::OK, &page)
}

/// Whether a candidate was named: the pages after it say whom they are about.
fn candidate(registration: &Registration) -> Result<&Candidate, Failure> {
    registration.candidate.as_ref().ok_or_else(|| Refusal::State.into())
}
