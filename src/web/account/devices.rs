//! A signed-in person's remembered browsers: seen, and forgotten one by one.

use crate::domain::function::Function;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::sign_in::factor::device::{RememberedDevice, forget, list};
use crate::views::page::{DeviceView, DevicesPage};
use crate::web::account::personal::done;
use crate::web::account::second_proof::to_second_factor;
use crate::web::account::visit::Visit;
use crate::web::answer::Answer;
use crate::web::form::Form;
use crate::web::request::Request;

const PATH: &str = "/account/devices";
const DONE: &str = "device-forgotten";

pub async fn get(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::OwnSecurity).await?;
    show(&visit, None).await
}

pub async fn post(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, Function::OwnSecurity).await?;
    let id = form.get("forget").unwrap_or_default();
    match Stop::refusal(forget(&visit.request.ctx, &visit.session, id).await)? {
        Ok(()) => visit.go(&format!("{PATH}?done={DONE}")),
        Err(Refusal::StepUpRequired) => to_second_factor(&visit, PATH).await,
        Err(refusal) => show(&visit, Some(&refusal)).await,
    }
}

async fn show(visit: &Visit, refusal: Option<&Refusal>) -> Answer {
    let (request, session) = (&visit.request, &visit.session);
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
    visit.page(refusal, &DevicesPage { devices, done: done(request, &[DONE]), notice }).await
}
