//! A signed-in person's real-name level, and the step to the next (L-07 to L-10).

use crate::domain::function::Function;
use crate::domain::login::Then;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::sign_in::level::{NextStep, Raised, find, raise_next};
use crate::views::own::{LevelPage, LevelStepView};
use crate::web::account::visit::Visit;
use crate::web::answer::Answer;
use crate::web::form::Form;
use crate::web::request::Request;
use crate::web::transaction::to_second_factor;

/// Where a step that was taken leads to.
const RAISED: &str = "/account/level?done=raised";

pub async fn get(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::PersonalInformation).await?;
    show(&visit, None).await
}

pub async fn post(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, Function::PersonalInformation).await?;
    let (request, session) = (&visit.request, &visit.session);
    let then = Then::Page(visit.path(RAISED));
    let by = form.get("by").unwrap_or_default();
    match Stop::refusal(raise_next(&request.ctx, session, by, then).await)? {
        Ok(Raised::Done) => visit.go(RAISED),
        Ok(Raised::Begun(transaction)) => Ok(to_second_factor(request, &transaction)),
        Err(refusal) => show(&visit, Some(&refusal)).await,
    }
}

async fn show(visit: &Visit, refusal: Option<&Refusal>) -> Answer {
    let (request, session) = (&visit.request, &visit.session);
    let standing = find(&request.ctx, session).await?;
    let step = |level: u8| {
        let known = standing.steps.iter().find(|(known, _, _)| *known == level);
        let known = known.map(|(_, how, at)| {
            let how = request.text(&format!("level-how-{}", how.replace('_', "-")));
            format!("{how} · {}", at.for_people())
        });
        let reached =
            known.or_else(|| (level <= standing.level).then(|| request.text("level-how-imported")));
        LevelStepView { level, title: request.text(&format!("level-{level}")), reached }
    };
    let notice = refusal.map(|refusal| request.notice(refusal));
    let done = request.query().unwrap_or_default();
    let done = done.get("done").filter(|done| *done == "raised" && refusal.is_none());
    let page = LevelPage {
        done: done.map(|_| request.text("own-level-raised")),
        also: standing.also.map(NextStep::name),
        level: standing.level,
        steps: (1..=5).map(step).collect(),
        next: standing.next.map(NextStep::name),
        may_raise: !matches!(standing.next, None | Some(NextStep::Hall)),
        notice,
    };
    visit.page(refusal, &page).await
}
