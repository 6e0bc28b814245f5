//! An enterprise at the counter: found by its number, its handlers, adding one, and everything that ever stood
//! between people and it.

use axum::extract::Path;

use crate::base::id::EnterpriseId;
use crate::domain::authorisation::Origin;
use crate::domain::identity_type::IdentityTypeName;
use crate::domain::mask;
use crate::domain::number::document::DocumentType;
use crate::domain::officer::Duty;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::relations::back_office::{A_PAGE, Ended, history_for};
use crate::flows::relations::counter::{acts, add, at, find};
use crate::flows::relations::manager::{Listed, NewHandler, check};
use crate::oidc::params::Params;
use crate::views::account::{HandlerView, OptionView};
use crate::views::console::{
    AddHandlerPage, EndedView, EnterprisePage, EnterprisesPage, HistoryPage,
};
use crate::web::account::handlers::grant_of;
use crate::web::account::show::{handler, href, online_types, ticks};
use crate::web::answer::Answer;
use crate::web::console::on_duty::OnDuty;
use crate::web::console::paths::{ENTERPRISES, HANDLERS};
use crate::web::form::Form;
use crate::web::page::view::type_name;
use crate::web::request::Request;

pub async fn get(request: Request) -> Answer {
    let on_duty = OnDuty::enter(request, Duty::History).await?;
    show(&on_duty, "", None)
}

fn show(on_duty: &OnDuty, typed: &str, refusal: Option<&Refusal>) -> Answer {
    let page = EnterprisesPage {
        typed: typed.to_owned(),
        reason: on_duty.matter.clone().unwrap_or_default(),
        notice: refusal.map(|refusal| match refusal {
            Refusal::State => on_duty.request.notice_as(refusal, "enterprises-none"),
            refusal => on_duty.request.notice(refusal),
        }),
    };
    on_duty.page(refusal, &page)
}

pub async fn post(form: Form) -> Answer {
    let (mut on_duty, form) = OnDuty::enter_with(form, Duty::History).await?;
    let typed = form.get("enterprise").unwrap_or_default();
    let found = async {
        let helper = on_duty.because(&form).await?;
        find(&on_duty.request.ctx, &helper, typed).await
    };
    match Stop::refusal(found.await)? {
        // Whoever looks after handlers begins there, an auditor at the history.
        Ok(id) => match on_duty.officer.roles.may(Duty::Handlers) {
            true => on_duty.go(&format!("{ENTERPRISES}/{id}")),
            false => on_duty.go(&format!("{ENTERPRISES}/{id}/history")),
        },
        Err(refusal) => show(&on_duty, typed, Some(&refusal)),
    }
}

pub fn enterprise(text: &str) -> Result<EnterpriseId, Refusal> {
    text.parse().map_err(|_| Refusal::State)
}

/// A handler as an officer sees one, with what an officer may do.
pub fn handler_view(request: &Request, one: &Listed) -> HandlerView {
    HandlerView { acts: acts(&one.authorisation).to_vec(), ..handler(request, one) }
}

pub async fn get_one(request: Request, Path((_, id)): Path<(String, String)>) -> Answer {
    let on_duty = OnDuty::enter(request, Duty::Handlers).await?;
    let (helper, request) = (on_duty.helper()?, &on_duty.request);
    let found = async { at(&request.ctx, &helper, enterprise(&id)?).await };
    let found = on_duty.or_refused(found.await)?;
    let params = request.query().unwrap_or_default();
    let done = params.get("done").filter(|done| ["added", "withdrawn", "ended"].contains(done));
    let page = EnterprisePage {
        id,
        name: found.enterprise.name,
        number: found.enterprise.tin.as_str().to_owned(),
        handlers: found.handlers.iter().map(|one| handler_view(request, one)).collect(),
        done: done.map(|done| request.text(&format!("counter-done-{done}"))),
    };
    on_duty.page(None, &page)
}

fn typed(form: &Params) -> NewHandler {
    let text = |name: &str| form.get(name).unwrap_or_default().to_owned();
    let (permissions, valid_to) = grant_of(form);
    NewHandler {
        name: text("name"),
        document_type: text("document_type"),
        document: text("document"),
        identity_type: text("identity_type"),
        permissions,
        valid_to,
    }
}

pub async fn get_add(request: Request, Path((_, id)): Path<(String, String)>) -> Answer {
    let on_duty = OnDuty::enter(request, Duty::Handlers).await?;
    let params = on_duty.request.query().unwrap_or_default();
    let first = online_types(&on_duty.request).next().map(|name| name.0.clone());
    let wanted = params.get("identity_type").map(str::to_owned).or(first);
    let new = NewHandler {
        identity_type: wanted.unwrap_or_default(),
        document_type: DocumentType::ResidentIdCard.name().to_owned(),
        ..NewHandler::default()
    };
    show_add(&on_duty, &id, &new, None).await
}

pub async fn post_add(Path((_, id)): Path<(String, String)>, form: Form) -> Answer {
    let (mut on_duty, form) = OnDuty::enter_with(form, Duty::Handlers).await?;
    let new = typed(&form);
    let added = async {
        let helper = on_duty.because(&form).await?;
        let checked = check(&on_duty.request.ctx, &new)?;
        add(&on_duty.request.ctx, &helper, enterprise(&id)?, checked).await
    };
    match Stop::refusal(added.await)? {
        Ok(_) => on_duty.go(&format!("{ENTERPRISES}/{id}?done=added")),
        Err(refusal) => show_add(&on_duty, &id, &new, Some(&refusal)).await,
    }
}

async fn show_add(
    on_duty: &OnDuty,
    id: &str,
    new: &NewHandler,
    refusal: Option<&Refusal>,
) -> Answer {
    let (helper, request) = (on_duty.helper()?, &on_duty.request);
    let found = async { at(&request.ctx, &helper, enterprise(id)?).await };
    let found = on_duty.or_refused(found.await)?;
    let name = IdentityTypeName(new.identity_type.clone());
    let known = request.ctx.realm.identity_type(&name);
    let path = format!("{ENTERPRISES}/{id}/add");
    let tab = |one: &IdentityTypeName| crate::views::account::TabView {
        title: type_name(request, one),
        href: href(request, &path, &[("identity_type", &one.0)]),
        is_current: *one == name,
    };
    let page = AddHandlerPage {
        id: id.to_owned(),
        enterprise: found.enterprise.name,
        types: online_types(request).map(tab).collect(),
        identity_type: new.identity_type.clone(),
        document_types: document_types(request, &new.document_type),
        name: new.name.clone(),
        document: new.document.clone(),
        permissions: known.map(|known| ticks(request, known, &new.permissions)).unwrap_or_default(),
        is_long_term: new.valid_to.is_none(),
        valid_to: new.valid_to.clone().unwrap_or_default(),
        today: request.ctx.now().day().to_string(),
        reason: on_duty.matter.clone().unwrap_or_default(),
        notice: refusal.map(|refusal| match refusal {
            Refusal::State => request.notice_as(refusal, "refusal-state-handler"),
            refusal => request.notice(refusal),
        }),
    };
    on_duty.page(refusal, &page)
}

/// All eleven, one chosen.
pub fn document_types(request: &Request, chosen: &str) -> Vec<OptionView> {
    let option = |kind: DocumentType| OptionView {
        value: kind.name().to_owned(),
        title: request.text(&format!("document-{}", kind.name().replace('_', "-"))),
        is_chosen: kind.name() == chosen,
    };
    DocumentType::ALL.into_iter().map(option).collect()
}

/// What either side has cleared, too (AC-40, X-19).
pub async fn history(request: Request, Path((_, id)): Path<(String, String)>) -> Answer {
    let on_duty = OnDuty::enter(request, Duty::History).await?;
    let (helper, request) = (on_duty.helper()?, &on_duty.request);
    let params = request.query().unwrap_or_default();
    let skipped: usize = params.get("skip").and_then(|n| n.parse().ok()).unwrap_or_default();
    let found = async { history_for(&request.ctx, &helper, enterprise(&id)?, skipped).await };
    let (of, ended) = on_duty.or_refused(found.await)?;
    let path = format!("{ENTERPRISES}/{id}/history");
    let page_at = |skip: usize| href(request, &path, &[("skip", &skip.to_string())]);
    let page = HistoryPage {
        name: of.name,
        number: of.tin.as_str().to_owned(),
        handlers: on_duty
            .officer
            .roles
            .may(Duty::Handlers)
            .then(|| on_duty.path(&format!("{ENTERPRISES}/{id}"))),
        other: "person-name",
        ended: ended
            .iter()
            .map(|one| ended_view(request, one, mask::name(one.other.name.as_str())))
            .collect(),
        previous: (skipped > 0).then(|| page_at(skipped.saturating_sub(A_PAGE))),
        next: (ended.len() == A_PAGE).then(|| page_at(skipped.saturating_add(A_PAGE))),
    };
    on_duty.page(None, &page)
}

/// `other`: the name of the side that was not asked about.
pub fn ended_view<T>(request: &Request, one: &Ended<T>, other: String) -> EndedView {
    let Ended { entry, authorisation, .. } = one;
    let hidden = |side: &str, at: Option<crate::base::clock::Timestamp>| {
        at.map(|at| request.text_with(&format!("history-hidden-{side}"), &at.for_people()))
    };
    EndedView {
        id: authorisation.id.to_string(),
        name: other,
        identity_type: type_name(request, &authorisation.identity_type),
        reason: request.text(&format!("history-{}", entry.reason.name())),
        by: request.text(&format!("side-{}", entry.by.side())),
        at: entry.at.for_people(),
        is_hall: authorisation.origin == Origin::Hall,
        hidden: hidden("enterprise", entry.hidden_for_enterprise_at)
            .into_iter()
            .chain(hidden("person", entry.hidden_for_person_at))
            .collect(),
    }
}

/// Where one handler is.
pub fn handler_path(id: impl std::fmt::Display) -> String {
    format!("{HANDLERS}/{id}")
}
