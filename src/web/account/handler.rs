//! One authorisation of the enterprise: looked at, withdrawn, decided, changed in two steps,
//! ended, renewed (AC-18, AC-25 to AC-36).

use axum::extract::Path;

use crate::domain::authorisation::Event;
use crate::domain::function::{Function, Reach};
use crate::domain::identity_type::Permissions;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::relations::manager::{act, check_terms, confirm_application, find, listed};
use crate::oidc::params::Params;
use crate::views::account::HandlerPage;
use crate::web::account::handlers::{TABS, grant_of, list_of};
use crate::web::account::show::{managed, tabs, ticks};
use crate::web::account::visit::Visit;
use crate::web::answer::Answer;
use crate::web::form::Form;
use crate::web::request::Request;

/// How far a change has come (AC-30).
#[derive(Clone, Default)]
struct Editing {
    is_choosing: bool,
    chosen: Option<Permissions>,
    /// The term was chosen, too; otherwise it is as it was.
    has_term: bool,
    valid_to: Option<String>,
    asks: Option<&'static str>,
}

pub async fn get(request: Request, Path((_, id)): Path<(String, String)>) -> Answer {
    let visit = Visit::enter(request, Function::ListHandlers).await?;
    // Another person's record is nothing to a handler (AC-20).
    if visit.reach != Reach::Yes {
        return visit.refused(&Refusal::Role);
    }
    let params = visit.request.query().unwrap_or_default();
    let is_choosing = matches!(params.get("act"), Some("edit" | "confirm" | "renew"));
    let editing = Editing { is_choosing, ..Editing::default() };
    show(&visit, &id, editing, None).await
}

async fn show(visit: &Visit, id: &str, editing: Editing, refusal: Option<&Refusal>) -> Answer {
    let manager = visit.manager(Function::ListHandlers)?;
    let one = visit.or_refused(find(&visit.request.ctx, &manager, id).await)?;
    let request = &visit.request;
    let Some(listed) = listed(&request.ctx, one.clone()).await? else {
        return visit.refused(&Refusal::State);
    };
    let known = request.ctx.realm.identity_type(&one.identity_type);
    let ticked = |permissions: &Permissions| known.map(|known| ticks(request, known, permissions));
    let valid_to = match editing.has_term {
        true => editing.valid_to,
        false => one.valid_to().map(|day| day.to_string()),
    };
    let done = request.query().unwrap_or_default();
    let done = done.get("done").filter(|done| ["added", "saved", "confirmed"].contains(done));
    let handler = managed(request, &listed, manager.person);
    let may_choose = !handler.others_decide;
    let page = HandlerPage {
        tabs: tabs(request, &TABS, list_of(&one)),
        version: one.version(),
        choosing: (editing.is_choosing && may_choose).then(|| ticked(one.permissions())).flatten(),
        chosen: editing.chosen.as_ref().filter(|_| may_choose).and_then(ticked),
        is_long_term: valid_to.is_none(),
        valid_to: valid_to.unwrap_or_default(),
        today: request.ctx.now().day().to_string(),
        asks: editing.asks,
        handler,
        done: done.map(|done| request.text(&format!("done-{done}"))),
        notice: refusal.map(|refusal| request.notice(refusal)),
    };
    visit.page(refusal, &page).await
}

/// Which function of the table an act belongs to.
fn function_of(act: &str) -> Function {
    match act {
        "withdraw" => Function::WithdrawPending,
        "confirm" | "confirm-save" | "reject" => Function::DecideApplication,
        "delete" => Function::DeleteHandler,
        _ => Function::EditHandler,
    }
}

pub async fn post(Path((_, id)): Path<(String, String)>, form: Form) -> Answer {
    let wanted = form.fields.get("act").unwrap_or_default().to_owned();
    let function = function_of(&wanted);
    let (visit, form) = Visit::enter_with(form, function).await?;
    let manager = visit.manager(function)?;
    let ctx = &visit.request.ctx;
    if form.get("identity_type").is_some() {
        // To change the type, somebody is added anew (AC-32).
        return show(&visit, &id, Editing::default(), Some(&Refusal::Immutable)).await;
    }
    let is_sure = form.get("sure") == Some("yes");
    let event = match wanted.as_str() {
        "withdraw" => Event::Withdraw,
        "reject" => Event::Reject,
        "delete" if is_sure => Event::Delete,
        "delete" => {
            let editing = Editing { asks: Some("delete"), ..Editing::default() };
            return show(&visit, &id, editing, None).await;
        }
        "edit" | "confirm" | "renew" => return choose(&visit, &id, &form).await,
        "save" | "renew-save" | "confirm-save" => {
            return save(&visit, &id, &wanted, &form).await;
        }
        _ => return show(&visit, &id, Editing::default(), Some(&Refusal::State)).await,
    };
    match Stop::refusal(act(ctx, &manager, &id, &event).await)? {
        Ok(done) => visit.go(&match event {
            Event::Withdraw => "/account/handlers/pending?done=withdrawn".to_owned(),
            Event::Reject => "/account/handlers/pending?done=rejected".to_owned(),
            // They may have another identity here, so which it was is said.
            _ => format!("/account/handlers?done=deleted&as={}", done.identity_type.0),
        }),
        Err(refusal) => show(&visit, &id, Editing::default(), Some(&refusal)).await,
    }
}

/// The first 【确定】: the choice is carried into the form, nothing is saved.
async fn choose(visit: &Visit, id: &str, form: &Params) -> Answer {
    let (permissions, valid_to) = grant_of(form);
    let editing = Editing {
        chosen: Some(permissions),
        has_term: form.get("term").is_some(),
        valid_to,
        ..Editing::default()
    };
    show(visit, id, editing, None).await
}

/// The second 【确定】 saves.
async fn save(visit: &Visit, id: &str, wanted: &str, form: &Params) -> Answer {
    let ctx = &visit.request.ctx;
    let manager = visit.manager(function_of(wanted))?;
    let (permissions, valid_to) = grant_of(form);
    let again = Editing {
        chosen: Some(permissions.clone()),
        has_term: true,
        valid_to: valid_to.clone(),
        ..Editing::default()
    };
    let one = visit.or_refused(find(ctx, &manager, id).await)?;
    let seen = form.get("version").and_then(|version| version.parse::<i64>().ok());
    let done = if seen.is_some_and(|seen| seen != one.version()) {
        // Another manager was faster.
        Err(Refusal::State)
    } else if wanted == "confirm-save" {
        let valid_to = valid_to.as_deref();
        Stop::refusal(confirm_application(ctx, &manager, id, &permissions, valid_to).await)?
    } else {
        match check_terms(ctx, &one.identity_type, &permissions, valid_to.as_deref()) {
            // A protected type is told so before its permissions are looked at.
            Err(refusal) if refusal == Refusal::format("identity_type") => Err(Refusal::Protected),
            Err(refusal) => Err(refusal),
            Ok(terms) => {
                let event = match wanted {
                    "renew-save" => Event::Renew(terms),
                    _ => Event::Edit(terms),
                };
                Stop::refusal(act(ctx, &manager, id, &event).await)?
            }
        }
    };
    match done {
        Ok(_) => {
            let done = if wanted == "confirm-save" { "confirmed" } else { "saved" };
            visit.go(&format!("/account/handlers/{id}?done={done}"))
        }
        Err(refusal) => show(visit, id, again, Some(&refusal)).await,
    }
}
