//! 【历史管理信息】 of both sides: three tabs, a search, and clearing one's own view (AC-36 to
//! AC-40, AU-16, AU-17).

use crate::domain::authorisation::HistoryReason;
use crate::domain::function::{Function, Reach};
use crate::domain::refusal::Refusal;
use crate::flows::relations::manager::{HistoryQuery, clear_history, history};
use crate::flows::relations::person;
use crate::oidc::params::Params;
use crate::views::account::{HandlerView, HistoryPage, OptionView, TabView};
use crate::web::account::authorisations::TABS as OWN_TABS;
use crate::web::account::handlers::TABS;
use crate::web::account::show::{handler, href, own, tabs, type_options};
use crate::web::account::visit::Visit;
use crate::web::answer::Answer;
use crate::web::form::Form;
use crate::web::request::Request;

fn reason(params: &Params) -> HistoryReason {
    params.get("reason").and_then(HistoryReason::parse).unwrap_or(HistoryReason::Deleted)
}

fn reasons(request: &Request, path: &str, current: HistoryReason) -> Vec<TabView> {
    let tab = |one: HistoryReason| TabView {
        title: request.text(&format!("history-{}", one.name())),
        href: href(request, path, &[("reason", one.name())]),
        is_current: one == current,
    };
    HistoryReason::ALL.map(tab).into()
}

fn query(params: &Params) -> HistoryQuery {
    let text = |name: &str| params.get(name).unwrap_or_default().trim().to_owned();
    HistoryQuery {
        reason: reason(params),
        identity_type: text("identity_type"),
        name: text("name"),
    }
}

pub async fn of_enterprise(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::ListHandlers).await?;
    if visit.reach != Reach::Yes {
        return visit.refused(&Refusal::Role);
    }
    let params = visit.request.query().unwrap_or_default();
    show_enterprise(&visit, &query(&params), false, None).await
}

pub async fn clear_enterprise(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, Function::ClearHistory).await?;
    let query = query(&form);
    if form.get("sure") != Some("yes") {
        return show_enterprise(&visit, &query, true, None).await;
    }
    let manager = match visit.manager(Function::ClearHistory) {
        Ok(manager) => manager,
        Err(refusal) => return visit.refused(&refusal),
    };
    let count = clear_history(&visit.request.ctx, &manager, &query).await?;
    show_enterprise(&visit, &query, false, Some(count)).await
}

async fn show_enterprise(
    visit: &Visit,
    query: &HistoryQuery,
    asks_clear: bool,
    cleared: Option<u64>,
) -> Answer {
    let manager = match visit.manager(Function::ListHandlers) {
        Ok(manager) => manager,
        Err(refusal) => return visit.refused(&refusal),
    };
    let request = &visit.request;
    let found = history(&request.ctx, &manager, query).await?;
    let path = TABS[2].1;
    let mut identity_types = vec![OptionView {
        value: String::new(),
        title: request.text("all"),
        is_chosen: query.identity_type.is_empty(),
    }];
    identity_types.extend(type_options(request, &query.identity_type));
    let page = HistoryPage {
        action: visit.path(path),
        tabs: tabs(request, &TABS, path),
        reasons: reasons(request, path, query.reason),
        reason: query.reason.name().to_owned(),
        identity_types,
        identity_type: query.identity_type.clone(),
        name: query.name.clone(),
        has_filters: true,
        entries: found.iter().map(|one| handler(request, one)).collect(),
        asks_clear,
        done: cleared.map(|count| request.text_with("history-cleared", &count.to_string())),
        notice: None,
    };
    visit.page(None, &page).await
}

pub async fn of_person(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::OwnAuthorisations).await?;
    let params = visit.request.query().unwrap_or_default();
    show_person(&visit, reason(&params), false, None).await
}

pub async fn clear_person(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, Function::OwnAuthorisations).await?;
    let reason = reason(&form);
    if form.get("sure") != Some("yes") {
        return show_person(&visit, reason, true, None).await;
    }
    let person = visit.session.person;
    let count = person::clear_history(&visit.request.ctx, person, reason).await?;
    show_person(&visit, reason, false, Some(count)).await
}

async fn show_person(
    visit: &Visit,
    reason: HistoryReason,
    asks_clear: bool,
    cleared: Option<u64>,
) -> Answer {
    let request = &visit.request;
    let found = person::history(&request.ctx, visit.session.person, reason).await?;
    let entries: Vec<HandlerView> = found
        .iter()
        .map(|(entry, one, enterprise)| own(request, one, enterprise, Some(entry)))
        .collect();
    let path = OWN_TABS[3].1;
    let page = HistoryPage {
        action: visit.path(path),
        tabs: tabs(request, &OWN_TABS, path),
        reasons: reasons(request, path, reason),
        reason: reason.name().to_owned(),
        identity_types: Vec::new(),
        identity_type: String::new(),
        name: String::new(),
        has_filters: false,
        entries,
        asks_clear,
        done: cleared.map(|count| request.text_with("history-cleared", &count.to_string())),
        notice: None,
    };
    visit.page(None, &page).await
}
