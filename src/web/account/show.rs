//! From authorisations to what lists show: names in the reader's language, masked where another
//! person's.

use crate::base::id::PersonId;
use crate::domain::authorisation::{Authorisation, HistoryEntry, Origin, State};
use crate::domain::enterprise::Enterprise;
use crate::domain::identity_type::{
    Capability, IdentityType, IdentityTypeName, PermissionPolicy, Permissions,
};
use crate::domain::mask::{self, Viewer};
use crate::flows::relations::manager::Listed;
use crate::views::account::{HandlerView, OptionView, TabView, TickView};
use crate::web::page::view::{permission_names, type_name};
use crate::web::request::Request;

/// `?a=b` behind a path of the realm.
pub fn href(request: &Request, path: &str, query: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    let joint = if query.is_empty() { "" } else { "?" };
    format!("{}{path}{joint}{query}", request.base())
}

/// Tabs of one page: (words, path); `current` is a path.
pub fn tabs(request: &Request, all: &[(&str, &str)], current: &str) -> Vec<TabView> {
    let tab = |(key, path): &(&str, &str)| TabView {
        title: request.text(key),
        href: href(request, path, &[]),
        is_current: *path == current,
    };
    all.iter().map(tab).collect()
}

fn base(request: &Request, one: &Authorisation) -> HandlerView {
    let origin = match one.origin {
        Origin::ByEnterprise => "origin-by-enterprise",
        Origin::ByPerson => "origin-by-person",
        Origin::Hall => "origin-hall",
        Origin::Registry => "origin-registry",
    };
    HandlerView {
        id: one.id.to_string(),
        name: String::new(),
        number: String::new(),
        identity_type: type_name(request, &one.identity_type),
        permissions: permission_names(request, one.permissions()),
        valid_from: one.valid_from.to_string(),
        valid_to: one.valid_to().map(|day| day.to_string()),
        state: one.state().name().to_owned(),
        state_title: request.text(&format!("state-{}", one.state().name().replace('_', "-"))),
        origin: request.text(origin),
        is_cancelled: false,
        ended: None,
        acts: Vec::new(),
        others_decide: false,
        synchronised: Vec::new(),
    }
}

fn ended(request: &Request, entry: &HistoryEntry) -> String {
    let side = request.text(&format!("side-{}", entry.by.side()));
    format!("{side} · {}", entry.at.for_people())
}

/// Acts by which a manager gives something (AC-21).
const GIVING: [&str; 3] = ["confirm", "edit", "renew"];

/// A handler as a manager sees one, with what they may do; nobody gives themself anything.
pub fn managed(request: &Request, listed: &Listed, manager: PersonId) -> HandlerView {
    let is_own = listed.authorisation.person == manager;
    let acts = manager_acts(request, &listed.authorisation).into_iter();
    let (given, acts): (Vec<_>, Vec<_>) = acts.partition(|act| is_own && GIVING.contains(act));
    HandlerView { acts, others_decide: !given.is_empty(), ..handler(request, listed) }
}

/// A handler as whoever is not the handler sees one.
pub fn handler(request: &Request, listed: &Listed) -> HandlerView {
    let one = &listed.authorisation;
    let document = listed.document.as_ref();
    HandlerView {
        name: mask::name(listed.person.name.as_str()),
        number: document
            .map(|document| mask::document(&document.number, Viewer::Other))
            .unwrap_or_default(),
        is_cancelled: listed.is_cancelled,
        ended: listed.history.as_ref().map(|entry| ended(request, entry)),
        ..base(request, one)
    }
}

/// What a manager may do with somebody's; the flows decide again.
fn manager_acts(request: &Request, one: &Authorisation) -> Vec<&'static str> {
    let known = request.ctx.realm.identity_type(&one.identity_type);
    if !known.is_some_and(|known| known.can(Capability::GrantedOnline)) {
        return Vec::new();
    }
    match (one.state(), one.origin) {
        (State::PendingByPerson, Origin::Hall) => Vec::new(),
        (State::PendingByPerson, _) => vec!["withdraw"],
        (State::PendingByEnterprise, _) => vec!["confirm", "reject"],
        (State::Active, _) => vec!["edit", "delete"],
        (State::Expired, _) => vec!["renew"],
        _ => Vec::new(),
    }
}

/// An authorisation as its person sees it.
pub fn own(
    request: &Request,
    one: &Authorisation,
    enterprise: &Enterprise,
    entry: Option<&HistoryEntry>,
) -> HandlerView {
    let known = request.ctx.realm.identity_type(&one.identity_type);
    let can_end = known.is_some_and(|known| known.can(Capability::EndedByPerson));
    HandlerView {
        name: enterprise.name.clone(),
        number: enterprise.tin.clone().into(),
        // Nobody has chosen what is applied for; the enterprise does when it confirms.
        permissions: match one.state() {
            State::PendingByEnterprise => Vec::new(),
            _ => permission_names(request, one.permissions()),
        },
        ended: entry.map(|entry| ended(request, entry)),
        acts: match one.state() {
            State::PendingByPerson => vec!["confirm", "reject"],
            State::PendingByEnterprise => vec!["withdraw"],
            State::Active if can_end => vec!["sync", "delete"],
            State::Active => vec!["sync"],
            _ => Vec::new(),
        },
        ..base(request, one)
    }
}

/// Every permission of the catalogue, as it may be ticked for an identity type (AC-14).
pub fn ticks(
    request: &Request,
    identity_type: &IdentityType,
    ticked: &Permissions,
) -> Vec<TickView> {
    let may = |code: &String| match &identity_type.permissions {
        PermissionPolicy::All => true,
        PermissionPolicy::Among(allowed) => allowed.contains(code),
    };
    let tick = |(code, texts): (&String, &crate::realm::file::Texts)| TickView {
        name: texts.in_language(request.language()).to_owned(),
        is_ticked: ticked.contains(code),
        is_disabled: !may(code),
        code: code.clone(),
    };
    request.ctx.realm.permissions.iter().map(tick).collect()
}

/// The identity types that are granted online, one chosen.
pub fn type_options(request: &Request, chosen: &str) -> Vec<OptionView> {
    let option = |name: &IdentityTypeName| OptionView {
        value: name.0.clone(),
        title: type_name(request, name),
        is_chosen: name.0 == chosen,
    };
    online_types(request).map(option).collect()
}

/// Every identity type of the realm, with an empty one for all: lists also hold what the registry
/// made.
pub fn all_types(request: &Request, chosen: &str) -> Vec<OptionView> {
    let option = |value: &str, title: String| OptionView {
        value: value.to_owned(),
        title,
        is_chosen: value == chosen,
    };
    let all = option("", request.text("all"));
    let known = request.ctx.realm.identity_types.keys();
    let known = known.map(|name| option(&name.0, type_name(request, name)));
    std::iter::once(all).chain(known).collect()
}

/// What a manager may grant and a person apply for, in the order of the national codes.
pub fn online_types(request: &Request) -> impl Iterator<Item = &IdentityTypeName> {
    let types = request.ctx.realm.identity_types.values().map(|(known, _)| known);
    let mut online: Vec<_> = types.filter(|known| known.can(Capability::GrantedOnline)).collect();
    online.sort_by_key(|known| &known.code);
    online.into_iter().map(|known| &known.name)
}
