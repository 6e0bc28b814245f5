//! The officers of the bureau, how they stand, and their lock.

use crate::domain::officer::{Duty, Officer, Standing};
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::officer::{list, lock, named, unlock};
use crate::oidc::params::Params;
use crate::views::console::{ColleagueView, OfficersPage};
use crate::web::answer::Answer;
use crate::web::console::on_duty::{OnDuty, roles};
use crate::web::console::paths::OFFICERS;
use crate::web::form::Form;
use crate::web::request::Request;

pub async fn get(request: Request) -> Answer {
    let on_duty = OnDuty::enter(request, Duty::ListOfficers).await?;
    let params = on_duty.request.query().unwrap_or_default();
    let done = params.get("done").filter(|done| ["lock", "unlock"].contains(done));
    let done = done.map(|done| on_duty.request.text(&format!("officers-done-{done}")));
    show(&on_duty, None, done).await
}

/// `refused`: why, and whose form it was.
async fn show(on_duty: &OnDuty, refused: Option<(&Refusal, &str)>, done: Option<String>) -> Answer {
    let request = &on_duty.request;
    let officers = list(&request.ctx).await?;
    let officers: Vec<ColleagueView> = officers.iter().map(|one| view(on_duty, one)).collect();
    let notice = refused.map(|(refusal, login)| {
        let notice = request.notice(refusal);
        // Each has a form and a reason of their own; without one there is no field to lead to.
        match officers.iter().find(|one| one.login == login && one.act.is_some()) {
            Some(one) => notice.with_field("reason", &format!("reason-{}", one.id)),
            None => notice.at_fields([]),
        }
    });
    let page =
        OfficersPage { officers, reason: on_duty.matter.clone().unwrap_or_default(), done, notice };
    on_duty.page(refused.map(|(refusal, _)| refusal), &page)
}

fn view(on_duty: &OnDuty, one: &Officer) -> ColleagueView {
    let (request, standing) = (&on_duty.request, one.standing());
    let may = on_duty.officer.roles.may(Duty::LockOfficer) && one.id != on_duty.officer.id;
    ColleagueView {
        id: one.id.to_string(),
        login: one.login.to_string(),
        name: one.name.as_str().to_owned(),
        roles: roles(request, one),
        standing: standing.name(),
        standing_title: request.text(&format!("officer-{}", standing.name())),
        since: one.created_at.for_people(),
        act: may.then_some(match standing {
            Standing::Locked => "unlock",
            Standing::Invited | Standing::Active => "lock",
        }),
    }
}

pub async fn post(form: Form) -> Answer {
    let (mut on_duty, form) = OnDuty::enter_with(form, Duty::LockOfficer).await?;
    match Stop::refusal(act(&mut on_duty, &form).await)? {
        Ok(what) => on_duty.go(&format!("{OFFICERS}?done={what}")),
        Err(refusal) => {
            let login = form.get("officer").unwrap_or_default();
            show(&on_duty, Some((&refusal, login)), None).await
        }
    }
}

async fn act(on_duty: &mut OnDuty, form: &Params) -> Result<&'static str, Stop> {
    let helper = on_duty.because(form).await?;
    let ctx = &on_duty.request.ctx;
    let login = form.get("officer").unwrap_or_default();
    let id = named(ctx, login).await?.id;
    match form.get("act") {
        Some("lock") => lock(ctx, &helper, id).await.map(|()| "lock"),
        Some("unlock") => unlock(ctx, &helper, id).await.map(|()| "unlock"),
        _ => Err(Refusal::State.into()),
    }
}
