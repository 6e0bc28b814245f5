//! A signed-in person's passkeys: add, name, remove.

use crate::domain::function::Function;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::sign_in::factor::change::is_proved;
use crate::flows::sign_in::factor::passkey::{
    StoredPasskey, are_taken, begin, enrol, list, remove,
};
use crate::views::page::{PasskeyView, PasskeysPage};
use crate::web::account::personal::done;
use crate::web::account::second_proof::to_second_factor;
use crate::web::account::visit::Visit;
use crate::web::answer::Answer;
use crate::web::form::Form;
use crate::web::request::Request;

const PATH: &str = "/account/passkeys";
const DONE: [&str; 2] = ["passkey-added", "passkey-removed"];

pub async fn get(request: Request) -> Answer {
    if !are_taken(&request.ctx) {
        return request.forbidden();
    }
    let visit = Visit::enter(request, Function::OwnSecurity).await?;
    match is_proved(&visit.request.ctx, &visit.session) {
        true => show(&visit, None).await,
        false => to_second_factor(&visit, PATH).await,
    }
}

pub async fn post(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, Function::OwnSecurity).await?;
    let (ctx, session) = (&visit.request.ctx, &visit.session);
    let text = |name| form.get(name).unwrap_or_default();
    let (outcome, done) = match form.get("remove") {
        Some(id) => (remove(ctx, session, id).await, DONE[1]),
        None => (enrol(ctx, session, text("name"), text("made")).await, DONE[0]),
    };
    match Stop::refusal(outcome)? {
        Ok(()) => visit.go(&format!("{PATH}?done={done}")),
        Err(Refusal::StepUpRequired) => to_second_factor(&visit, PATH).await,
        Err(refusal) => show(&visit, Some(&refusal)).await,
    }
}

async fn show(visit: &Visit, refusal: Option<&Refusal>) -> Answer {
    let (request, session) = (&visit.request, &visit.session);
    let notice = refusal.map(|refusal| request.notice(refusal));
    let view = |one: &StoredPasskey| PasskeyView {
        id: one.id.to_string(),
        name: one.name.clone(),
        since: one.created_at.for_people(),
        used: one.used_at.map(crate::base::clock::Timestamp::for_people),
    };
    let passkeys = list(&request.ctx, session).await?.iter().map(view).collect();
    let options = begin(&request.ctx, session).await?.map(|options| options.to_string());
    let page = PasskeysPage {
        passkeys,
        options,
        suggested: request.ctx.device.clone(),
        done: done(request, &DONE),
        notice,
    };
    visit.page(refusal, &page).await
}
