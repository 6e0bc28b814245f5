//! 【历史管理信息】 of both sides: three tabs, a search, and clearing one's own view (AC-36 to
//! AC-40, AU-16, AU-17).

use crate::base::clock::Timestamp;
use crate::domain::authorisation::HistoryReason;
use crate::domain::function::{Function, Reach};
use crate::domain::refusal::Refusal;
use crate::flows::relations::manager::{HistoryQuery, clear_history, count_history, history};
use crate::flows::relations::person;
use crate::oidc::params::Params;
use crate::views::account::{HandlerView, HistoryPage, OptionView, TabView};
use crate::web::account::authorisations::TABS as OWN_TABS;
use crate::web::account::handlers::TABS;
use crate::web::account::show::{all_types, handler, href, own, tabs};
use crate::web::account::visit::Visit;
use crate::web::answer::Answer;
use crate::web::form::Form;
use crate::web::request::Request;

const A_PAGE: usize = 100;

/// What was asked for.
struct Asked {
    query: HistoryQuery,
    /// How many come before this page.
    skipped: usize,
}

impl Asked {
    /// `until`: of the question whether to clear, so that nothing is cleared that was not shown.
    fn of(params: &Params, now: Timestamp) -> Self {
        let text = |name: &str| params.get(name).unwrap_or_default().trim().to_owned();
        let number = |name: &str| params.get(name).and_then(|text| text.parse::<i64>().ok());
        let skipped = number("offset").and_then(|skipped| usize::try_from(skipped).ok());
        let until = number("until").map_or(now, Timestamp).min(now);
        let reason = params.get("reason").and_then(HistoryReason::parse);
        let query = HistoryQuery {
            reason: reason.unwrap_or(HistoryReason::Deleted),
            identity_type: text("identity_type"),
            name: text("name"),
            until,
        };
        Self { query, skipped: skipped.unwrap_or_default() }
    }
}

/// What is said about clearing.
#[derive(Clone, Copy)]
enum Clearing {
    No,
    /// Whether to hide so many.
    Asks(usize),
    Done(u64),
}

pub async fn of_enterprise(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::ListHandlers).await?;
    if visit.reach != Reach::Yes {
        return visit.refused(&Refusal::Role);
    }
    let params = visit.request.query().unwrap_or_default();
    let asked = Asked::of(&params, visit.request.ctx.now());
    show_enterprise(&visit, &asked, Clearing::No).await
}

pub async fn clear_enterprise(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, Function::ClearHistory).await?;
    let (ctx, manager) = (&visit.request.ctx, visit.manager(Function::ClearHistory)?);
    let asked = Asked::of(&form, ctx.now());
    let clearing = match form.get("sure") {
        Some("yes") => Clearing::Done(clear_history(ctx, &manager, &asked.query).await?),
        _ => Clearing::Asks(count_history(ctx, &manager, &asked.query).await?),
    };
    show_enterprise(&visit, &asked, clearing).await
}

async fn show_enterprise(visit: &Visit, asked: &Asked, clearing: Clearing) -> Answer {
    let manager = visit.manager(Function::ListHandlers)?;
    let (request, query) = (&visit.request, &asked.query);
    let found = history(&request.ctx, &manager, query, asked.skipped, A_PAGE + 1).await?;
    let entries = found.iter().map(|one| handler(request, one)).collect();
    let page = HistoryPage {
        tabs: tabs(request, &TABS, TABS[2].1),
        identity_types: all_types(request, &query.identity_type),
        identity_type: query.identity_type.clone(),
        name: query.name.clone(),
        has_filters: true,
        ..page(visit, TABS[2].1, asked, entries, clearing)
    };
    visit.page(None, &page).await
}

pub async fn of_person(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::OwnAuthorisations).await?;
    let params = visit.request.query().unwrap_or_default();
    let asked = Asked::of(&params, visit.request.ctx.now());
    show_person(&visit, &asked, Clearing::No).await
}

pub async fn clear_person(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, Function::OwnAuthorisations).await?;
    let (ctx, who) = (&visit.request.ctx, visit.session.person);
    let asked = Asked::of(&form, ctx.now());
    let HistoryQuery { reason, until, .. } = asked.query;
    let clearing = match form.get("sure") {
        Some("yes") => Clearing::Done(person::clear_history(ctx, who, reason, until).await?),
        _ => Clearing::Asks(person::count_history(ctx, who, reason, until).await?),
    };
    show_person(&visit, &asked, clearing).await
}

async fn show_person(visit: &Visit, asked: &Asked, clearing: Clearing) -> Answer {
    let (request, who) = (&visit.request, visit.session.person);
    let HistoryQuery { reason, until, .. } = asked.query;
    let skipped = asked.skipped;
    let found = person::history(&request.ctx, who, reason, until, skipped, A_PAGE + 1).await?;
    let entries = found
        .iter()
        .map(|(entry, one, enterprise)| own(request, one, enterprise, Some(entry)))
        .collect();
    let page = HistoryPage {
        tabs: tabs(request, &OWN_TABS, OWN_TABS[3].1),
        ..page(visit, OWN_TABS[3].1, asked, entries, clearing)
    };
    visit.page(None, &page).await
}

/// What both sides' pages have. One more than a page is read, to know whether there is another.
fn page(
    visit: &Visit,
    path: &str,
    asked: &Asked,
    mut entries: Vec<HandlerView>,
    clearing: Clearing,
) -> HistoryPage {
    let (request, query, skipped) = (&visit.request, &asked.query, asked.skipped);
    let at = |reason: &str, skipped: usize| {
        let skipped = skipped.to_string();
        let filter = [("identity_type", &*query.identity_type), ("name", &*query.name)];
        let rest = [("reason", reason), ("offset", &*skipped)];
        let all = filter.into_iter().chain(rest);
        let said: Vec<_> = all.filter(|(_, value)| !value.is_empty() && *value != "0").collect();
        href(request, path, &said)
    };
    let tab = |one: HistoryReason| TabView {
        title: request.text(&format!("history-{}", one.name())),
        href: at(one.name(), 0),
        is_current: one == query.reason,
    };
    let reason = query.reason.name();
    let has_more = entries.len() > A_PAGE;
    entries.truncate(A_PAGE);
    HistoryPage {
        action: visit.path(path),
        tabs: Vec::new(),
        reasons: HistoryReason::ALL.map(tab).into(),
        reason: reason.to_owned(),
        identity_types: Vec::<OptionView>::new(),
        identity_type: String::new(),
        name: String::new(),
        has_filters: false,
        entries,
        until: query.until.0,
        asks_clear: match clearing {
            Clearing::Asks(count) => {
                Some(request.text_with("history-clear-text", &count.to_string()))
            }
            Clearing::No | Clearing::Done(_) => None,
        },
        done: match clearing {
            Clearing::Done(count) => Some(request.text_with("history-cleared", &count.to_string())),
            Clearing::No | Clearing::Asks(_) => None,
        },
        previous: (skipped > 0).then(|| at(reason, skipped.saturating_sub(A_PAGE))),
        next: has_more.then(|| at(reason, skipped.saturating_add(A_PAGE))),
    }
}
