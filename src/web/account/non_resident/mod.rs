//! 【非居民企业身份信息采集】 (N-05 to N-09): what became of one's applications, their files, handing in and
//! giving up. The form is `form`'s.

pub mod form;
pub mod view;

use axum::response::Response;

use crate::base::id::{ApplicationId, UploadId};
use crate::domain::function::Function;
use crate::domain::non_resident::LARGEST;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::non_resident::{Mine, add_file, mine, remove_file, submit, withdraw};
use crate::oidc::params::Params;
use crate::web::account::non_resident::view::{Shown, page};
use crate::web::account::paths::NON_RESIDENT;
use crate::web::account::show::href;
use crate::web::account::visit::Visit;
use crate::web::answer::{Answer, Failure, see_other};
use crate::web::form::Form;
use crate::web::request::Request;
use crate::web::sent_file::{Content, Sent};

const FUNCTION: Function = Function::NonResidentCode;

/// What stands behind `?done=`.
const DONE: [&str; 5] = ["saved", "file", "removed", "submitted", "withdrawn"];

pub async fn get(request: Request) -> Answer {
    let visit = Visit::enter(request, FUNCTION).await?;
    let params = visit.request.query().unwrap_or_default();
    let done = params.get("done").filter(|done| DONE.contains(done));
    let done = done.map(|done| visit.request.text(&format!("nr-done-{done}")));
    let asks_to_withdraw = params.get("act") == Some("withdraw");
    show(&visit, Shown { done, asks_to_withdraw, refusal: None }).await
}

async fn show(visit: &Visit, shown: Shown<'_>) -> Answer {
    let all = applications(visit).await?;
    let refusal = shown.refusal;
    visit.page(refusal, &page(&visit.request, &all, shown)).await
}

/// Whoever has not registered as an overseas person is told that this comes first (N-05).
async fn applications(visit: &Visit) -> Result<Vec<Mine>, Failure> {
    match Stop::refusal(mine(&visit.request.ctx, &visit.session).await)? {
        Ok(all) => Ok(all),
        Err(Refusal::State) => {
            let page = visit.refused_as(&Refusal::State, "nr-title", "nr-not-overseas")?;
            Err(Failure::instead(page))
        }
        Err(refusal) => Err(Failure::instead(visit.refused(&refusal)?)),
    }
}

fn application(form: &Params) -> Result<ApplicationId, Refusal> {
    form.get("application").and_then(|id| id.parse().ok()).ok_or(Refusal::State)
}

fn done(visit: &Visit, what: &str) -> Response {
    see_other(&href(&visit.request, NON_RESIDENT, &[("done", what)]))
}

pub async fn post(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, FUNCTION).await?;
    let acted = act(&visit, &form).await;
    match Stop::refusal(acted)? {
        Ok(what) => Ok(done(&visit, what)),
        Err(refusal) => show(&visit, refused(&refusal)).await,
    }
}

fn refused(refusal: &Refusal) -> Shown<'_> {
    Shown { done: None, asks_to_withdraw: false, refusal: Some(refusal) }
}

async fn act(visit: &Visit, form: &Params) -> Result<&'static str, Stop> {
    let (ctx, session) = (&visit.request.ctx, &visit.session);
    let id = application(form)?;
    match form.get("act") {
        Some("submit") => submit(ctx, session, id).await.map(|()| "submitted"),
        Some("withdraw") => withdraw(ctx, session, id).await.map(|()| "withdrawn"),
        Some("remove") => {
            let file = form.get("file").and_then(|id| id.parse::<UploadId>().ok());
            let file = file.ok_or(Refusal::State)?;
            remove_file(ctx, session, id, file).await.map(|()| "removed")
        }
        _ => Err(Refusal::State.into()),
    }
}

/// One file; nothing of it is read before it is known who sends it.
pub async fn post_file(sent: Sent) -> Answer {
    let visit = Visit::enter(sent.request.clone(), FUNCTION).await?;
    let (form, file) = sent.read(LARGEST).await?;
    let content = match &file.content {
        Content::Whole(content) => content,
        Content::TooLarge => {
            return show(&visit, refused(&Refusal::format("upload_size"))).await;
        }
    };
    let (visit, form) = Visit::enter_with(form, FUNCTION).await?;
    let added = async {
        let id = application(&form)?;
        add_file(&visit.request.ctx, &visit.session, id, &file.name, content).await
    };
    match Stop::refusal(added.await)? {
        Ok(()) => Ok(done(&visit, "file")),
        Err(refusal) => show(&visit, refused(&refusal)).await,
    }
}
