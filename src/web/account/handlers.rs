//! 【人员权限管理】: who works for the enterprise, who waits, and adding somebody (AC-12 to AC-28).
//! Whoever may not see others sees their own permissions alone (AC-20).

use crate::domain::acting::ActingIdentity;
use crate::domain::authorisation::{Authorisation, State};
use crate::domain::function::{Function, Reach};
use crate::domain::identity_type::IdentityTypeName;
use crate::domain::number::document::DocumentType;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::centre::fields::identities_here;
use crate::flows::relations::manager::{NewHandler, add, check, list};
use crate::oidc::params::Params;
use crate::views::account::{
    AddHandlerPage, HandlersPage, OptionView, OwnPermissionsPage, TabView,
};
use crate::web::account::show::{href, managed, online_types, tabs, ticks};
use crate::web::account::visit::Visit;
use crate::web::answer::Answer;
use crate::web::form::Form;
use crate::web::page::view::{self, type_name};
use crate::web::request::Request;

pub const TABS: [(&str, &str); 4] = [
    ("handlers-current", "/account/handlers"),
    ("handlers-pending", "/account/handlers/pending"),
    ("handlers-history", "/account/handlers/history"),
    ("handlers-add", "/account/handlers/add"),
];

pub async fn current(request: Request) -> Answer {
    show(request, TABS[0].1, false).await
}

pub async fn pending(request: Request) -> Answer {
    show(request, TABS[1].1, true).await
}

/// The list in which somebody stands.
pub fn list_of(one: &Authorisation) -> &'static str {
    TABS[usize::from(is_pending(one))].1
}

/// Of those that are not over: whoever has never been confirmed is no handler yet, also when the
/// invitation has run out.
fn is_pending(one: &Authorisation) -> bool {
    one.state().is_pending() || (one.state() == State::Expired && one.confirmed_at().is_none())
}

async fn show(request: Request, path: &str, wants_pending: bool) -> Answer {
    let visit = Visit::enter(request, Function::ListHandlers).await?;
    if visit.reach == Reach::Own {
        return own(&visit).await;
    }
    let manager = visit.manager(Function::ListHandlers)?;
    let all = list(&visit.request.ctx, &manager).await?;
    let wanted = all.iter().filter(|one| is_pending(&one.authorisation) == wants_pending);
    let done = visit.request.query().unwrap_or_default();
    let request = &visit.request;
    let done = match (done.get("done"), done.get("as")) {
        (Some("withdrawn"), _) => Some(request.text("done-withdrawn")),
        (Some("rejected"), _) => Some(request.text("done-rejected")),
        (Some("deleted"), Some(name)) => {
            let name = IdentityTypeName(name.to_owned());
            let known = request.ctx.realm.identity_type(&name);
            known.map(|_| request.text_with("done-deleted", &type_name(request, &name)))
        }
        _ => None,
    };
    let page = HandlersPage {
        tabs: tabs(&visit.request, &TABS, path),
        handlers: wanted.map(|one| managed(&visit.request, one, manager.person)).collect(),
        done,
        notice: None,
    };
    visit.page(None, &page).await
}

async fn own(visit: &Visit) -> Answer {
    let (request, acting) = (&visit.request, Some(visit.session.acting));
    let identities = match &visit.identity {
        ActingIdentity::Agent(one) => {
            view::clients(request, std::slice::from_ref(one.as_ref()), acting)
        }
        identity => {
            let here = identities_here(&request.ctx, visit.session.person, identity).await?;
            view::identities(request, &here, acting)
        }
    };
    visit.page(None, &OwnPermissionsPage { identities }).await
}

/// Every permission that is ticked, and the term, from a form.
pub fn grant_of(form: &Params) -> (crate::domain::identity_type::Permissions, Option<String>) {
    let ticked = form.iter().filter(|(name, value)| name.starts_with("p-") && *value == "yes");
    let permissions = ticked.map(|(name, _)| name.trim_start_matches("p-").to_owned()).collect();
    let valid_to = (form.get("term") != Some("long"))
        .then(|| form.get("valid_to").unwrap_or_default().to_owned());
    (permissions, valid_to)
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

pub async fn get_add(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::AddHandler).await?;
    let params = visit.request.query().unwrap_or_default();
    let first = online_types(&visit.request).next().map(|name| name.0.clone());
    let wanted = params.get("identity_type").map(str::to_owned).or(first);
    let new = NewHandler {
        identity_type: wanted.unwrap_or_default(),
        document_type: DocumentType::ResidentIdCard.name().to_owned(),
        ..NewHandler::default()
    };
    show_add(&visit, &new, false, None).await
}

pub async fn post_add(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, Function::AddHandler).await?;
    let new = typed(&form);
    if form.get("act") == Some("back") {
        return show_add(&visit, &new, false, None).await;
    }
    let checked = match check(&visit.request.ctx, &new) {
        Ok(checked) => checked,
        Err(refusal) => return show_add(&visit, &new, false, Some(&refusal)).await,
    };
    // The risk is acknowledged before anything is done (AC-16).
    if form.get("risk") != Some("yes") {
        return show_add(&visit, &new, true, None).await;
    }
    let manager = visit.manager(Function::AddHandler)?;
    match Stop::refusal(add(&visit.request.ctx, &manager, checked).await)? {
        Ok(added) => visit.go(&format!("/account/handlers/{}?done=added", added.id)),
        Err(refusal) => show_add(&visit, &new, false, Some(&refusal)).await,
    }
}

async fn show_add(
    visit: &Visit,
    new: &NewHandler,
    asks_risk: bool,
    refusal: Option<&Refusal>,
) -> Answer {
    let request = &visit.request;
    let name = IdentityTypeName(new.identity_type.clone());
    let known = request.ctx.realm.identity_type(&name);
    let path = TABS[3].1;
    let tab = |one: &IdentityTypeName| TabView {
        title: type_name(request, one),
        href: href(request, path, &[("identity_type", &one.0)]),
        is_current: *one == name,
    };
    let option = |kind: DocumentType| OptionView {
        value: kind.name().to_owned(),
        title: request.text(&format!("document-{}", kind.name().replace('_', "-"))),
        is_chosen: kind.name() == new.document_type,
    };
    let page = AddHandlerPage {
        tabs: tabs(request, &TABS, path),
        types: online_types(request).map(tab).collect(),
        identity_type: new.identity_type.clone(),
        identity_type_title: type_name(request, &name),
        document_types: DocumentType::ALL.into_iter().map(option).collect(),
        document_type: new.document_type.clone(),
        name: new.name.clone(),
        document: new.document.clone(),
        permissions: known.map(|known| ticks(request, known, &new.permissions)).unwrap_or_default(),
        is_long_term: new.valid_to.is_none(),
        valid_to: new.valid_to.clone().unwrap_or_default(),
        today: request.ctx.now().day().to_string(),
        asks_risk,
        notice: refusal.map(|refusal| match refusal {
            Refusal::State => request.notice_as(refusal, "refusal-state-handler"),
            refusal => request.notice(refusal),
        }),
    };
    visit.page(refusal, &page).await
}
