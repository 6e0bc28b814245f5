//! 【个人信息维护】: what one's own page calls missing is filled in here, each thing in its own section
//! (AC-42).

use crate::domain::function::Function;
use crate::domain::mask::{self, Viewer};
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::centre::contact::{Kind, ask, asked, confirm, save_address};
use crate::flows::centre::own;
use crate::views::account::MaintainPage;
use crate::web::account::second_proof::to_second_factor;
use crate::web::account::visit::Visit;
use crate::web::answer::Answer;
use crate::web::form::Form;
use crate::web::request::Request;

pub const PATH: &str = "/account/maintain";

pub async fn get(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::PersonalInformation).await?;
    show(&visit, None).await
}

pub async fn post(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, Function::PersonalInformation).await?;
    let (ctx, session) = (&visit.request.ctx, &visit.session);
    let text = |name| form.get(name).unwrap_or_default();
    let (done, then) = match (text("act"), Kind::parse(text("kind"))) {
        ("send", Some(kind)) => (ask(ctx, session, kind, text("to")).await, "sent"),
        ("verify", _) => (confirm(ctx, session, text("code")).await, "contact"),
        ("address", _) => (save_address(ctx, session, text("address")).await, "contact"),
        _ => (Err(Refusal::State.into()), ""),
    };
    match Stop::refusal(done)? {
        Ok(()) => visit.go(&format!("{PATH}?done={then}")),
        Err(Refusal::StepUpRequired) => to_second_factor(&visit, PATH).await,
        Err(refusal) => show(&visit, Some(&refusal)).await,
    }
}

async fn show(visit: &Visit, refusal: Option<&Refusal>) -> Answer {
    let (request, session) = (&visit.request, &visit.session);
    let Some(known) = own::find(&request.ctx, session).await? else { return request.forbidden() };
    let done = request.query().unwrap_or_default();
    let done = done.get("done").filter(|done| ["sent", "contact"].contains(done));
    let waits = asked(&request.ctx, session).await?;
    let page = MaintainPage {
        phones: known
            .phones
            .iter()
            .map(|one| mask::phone(one.phone.national(), Viewer::Own))
            .collect(),
        email: known.person.email.map(|email| mask::email(email.as_str(), Viewer::Own)),
        address: known.address.map(|address| mask::address(address.as_str())),
        waits_for: waits.as_ref().map(|(kind, _)| kind.name()),
        waits_at: waits.map(|(_, to)| to).unwrap_or_default(),
        done: done.map(|done| request.text(&format!("done-{done}"))),
        notice: refusal.map(|refusal| request.notice(refusal)),
    };
    visit.page(refusal, &page).await
}
