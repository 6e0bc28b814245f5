//! A signed-in person's real-name level, and the step to the next (L-07 to L-10).

use crate::domain::function::Function;
use crate::domain::login::TRANSACTION_SECONDS;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::sign_in::level::{NextStep, begin_face, find, raise, verify_name};
use crate::views::page::{LevelPage, LevelStepView};
use crate::web::account::visit::Visit;
use crate::web::answer::{Answer, see_other};
use crate::web::form::Form;
use crate::web::request::Request;
use crate::web::transaction::bound_to_browser;

const PATH: &str = "/account/level";

pub async fn get(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::OwnSecurity).await?;
    show(&visit, None).await
}

pub async fn post(form: Form) -> Answer {
    let (visit, _form) = Visit::enter_with(form, Function::OwnSecurity).await?;
    let (request, session) = (&visit.request, &visit.session);
    let here = visit.path(PATH);
    let done = match find(&request.ctx, session).await?.next {
        Some(NextStep::Phone) => Stop::refusal(raise(&request.ctx, session, 2, "phone").await)?,
        Some(NextStep::PhoneFirst) => Err(Refusal::StepUpRequired),
        Some(NextStep::Hall) => Err(Refusal::OfflineOnly),
        Some(NextStep::RealName) => Stop::refusal(verify_name(&request.ctx, session).await)?,
        Some(NextStep::Face) => {
            let begun = begin_face(&request.ctx, session, here).await?;
            let Some(transaction) = begun else { return request.forbidden() };
            let to = format!("{}/login/second_factor?t={}", request.base(), transaction.id);
            return Ok(bound_to_browser(
                see_other(&to),
                request,
                &transaction,
                TRANSACTION_SECONDS,
            ));
        }
        None => Err(Refusal::State),
    };
    match done {
        Ok(()) => visit.go(PATH),
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
    let page = LevelPage {
        level: standing.level,
        steps: (1..=5).map(step).collect(),
        next: standing.next.map(|next| match next {
            NextStep::Phone => "phone",
            NextStep::PhoneFirst => "phone-first",
            NextStep::RealName => "real-name",
            NextStep::Face => "face",
            NextStep::Hall => "hall",
        }),
        may_raise: !matches!(standing.next, None | Some(NextStep::PhoneFirst | NextStep::Hall)),
        notice,
    };
    visit.page(refusal, &page).await
}
