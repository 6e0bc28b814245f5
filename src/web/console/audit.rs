//! The audit, searched by time, person, officer and kind. What is searched for is posted: it may be somebody's
//! number.

use serde_json::Value;

use crate::domain::audit::ACTIONS;
use crate::domain::officer::Duty;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::officer::{AuditAsked, AuditLine, AuditPage as Found, audit};
use crate::oidc::params::Params;
use crate::views::account::OptionView;
use crate::views::console::{AuditEventView, AuditPage};
use crate::web::answer::Answer;
use crate::web::console::on_duty::OnDuty;
use crate::web::form::Form;
use crate::web::request::Request;

pub async fn get(request: Request) -> Answer {
    let on_duty = OnDuty::enter(request, Duty::Audit).await?;
    let today = on_duty.request.ctx.now().day();
    let form = Params::from_map(
        [("from", today.month_before()), ("to", today)]
            .map(|(name, day)| (name.to_owned(), day.to_string()))
            .into(),
    );
    show(&on_duty, &form, None, None)
}

pub async fn post(form: Form) -> Answer {
    let (mut on_duty, form) = OnDuty::enter_with(form, Duty::Audit).await?;
    let text = |name| form.get(name).unwrap_or_default();
    let asked = AuditAsked {
        from: text("from"),
        to: text("to"),
        person: text("person"),
        officer: text("officer"),
        action: text("action"),
        before: text("before"),
    };
    let found = async {
        let helper = on_duty.because(&form).await?;
        audit(&on_duty.request.ctx, &helper, asked).await
    };
    match Stop::refusal(found.await)? {
        Ok(found) => show(&on_duty, &form, Some(found), None),
        Err(refusal) => show(&on_duty, &form, None, Some(&refusal)),
    }
}

fn show(
    on_duty: &OnDuty,
    form: &Params,
    found: Option<Found>,
    refusal: Option<&Refusal>,
) -> Answer {
    let request = &on_duty.request;
    let text = |name| form.get(name).unwrap_or_default().to_owned();
    let chosen = text("action");
    let option = |action: &str| OptionView {
        value: action.to_owned(),
        title: title(request, action),
        is_chosen: action == chosen,
    };
    let all = OptionView { value: String::new(), title: request.text("all"), is_chosen: false };
    let is_searched = found.is_some();
    let (events, next) = found.map_or((Vec::new(), None), |found| (found.events, found.next));
    let page = AuditPage {
        from: text("from"),
        to: text("to"),
        person: text("person"),
        officer: text("officer"),
        action: chosen.clone(),
        actions: std::iter::once(all).chain(ACTIONS.map(option)).collect(),
        is_searched,
        events: events.iter().map(|one| view(request, one)).collect(),
        next,
        reason: on_duty.matter.clone().unwrap_or_default(),
        // `officer` is who reads.
        notice: refusal.map(|refusal| request.notice(refusal).with_field("officer", "officer-of")),
    };
    on_duty.page(refusal, &page)
}

/// In words, and as the audit names it.
fn title(request: &Request, action: &str) -> String {
    let key = format!("event-{}", action.replace('_', "-"));
    // What it was about stands among its facts.
    let words = request.text_with(&key, "…");
    match words == key {
        true => action.to_owned(),
        false => format!("{words} ({action})"),
    }
}

fn view(request: &Request, one: &AuditLine) -> AuditEventView {
    let told = one.told.as_object().into_iter().flatten();
    let told = told.filter(|(name, value)| *name != "action" && !value.is_null());
    let fact = |(name, value): (&String, &Value)| match value.as_str() {
        Some(text) => (name.clone(), text.to_owned()),
        None => (name.clone(), value.to_string()),
    };
    AuditEventView {
        number: one.sequence.to_string(),
        at: one.at.for_people(),
        action: title(request, &one.action),
        facts: told.map(fact).collect(),
    }
}
