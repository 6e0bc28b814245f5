//! 【授权管理】 of a person: what waits, what is held, applying, confirming one or several with one
//! scan, rejecting, ending, synchronising (AU-01 to AU-15).

use crate::base::id::AuthorisationId;
use crate::domain::authorisation::{Authorisation, Event, State};
use crate::domain::function::Function;
use crate::domain::invitation::Invitation;
use crate::domain::login::{LoginTransaction, TRANSACTION_SECONDS};
use crate::domain::mask;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::centre::known;
use crate::flows::relations::person::{
    Filter, act, applied_to, apply, begin_confirmation, confirm_batch, find, held as list_held,
    pending as list_pending, synchronise, synchronised,
};
use crate::oidc::params::Params;
use crate::views::account::{
    ApplyPage, AuthorisationsPage, HandlerView, OutcomeView, OutcomesPage, ReviewPage,
};
use crate::web::account::show::{all_types, own, tabs, type_options};
use crate::web::account::visit::Visit;
use crate::web::answer::{Answer, Failure, busy, see_other};
use crate::web::form::Form;
use crate::web::page::view::type_name;
use crate::web::request::Request;
use crate::web::transaction::bound_to_browser;

pub const TABS: [(&str, &str); 4] = [
    ("authorisations-pending", "/account/authorisations"),
    ("authorisations-held", "/account/authorisations/held"),
    ("authorisations-apply", "/account/authorisations/apply"),
    ("handlers-history", "/account/authorisations/history"),
];

/// 【已授权企业】 with all that can be synchronised.
const HELD: &str = "/account/authorisations/held?scope=national";

/// More at once are confirmed in several batches.
const MOST_AT_ONCE: usize = 100;

fn filter(params: &Params) -> Filter {
    let text = |name: &str| params.get(name).unwrap_or_default().trim().to_owned();
    Filter {
        is_national: params.get("scope") == Some("national"),
        number: text("number"),
        name: text("name"),
        identity_type: text("identity_type"),
    }
}

pub async fn pending(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::OwnAuthorisations).await?;
    show(&visit, true, None).await
}

pub async fn held(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::OwnAuthorisations).await?;
    show(&visit, false, None).await
}

async fn show(visit: &Visit, is_pending: bool, refusal: Option<&Refusal>) -> Answer {
    let (request, person) = (&visit.request, visit.session.person);
    let params = request.query().unwrap_or_default();
    let filter = filter(&params);
    let found = match is_pending {
        true => list_pending(&request.ctx, person, &filter).await?,
        false => list_held(&request.ctx, person, &filter).await?,
    };
    let mut rows = Vec::new();
    for (one, enterprise) in &found {
        let mut row = own(request, one, enterprise, None);
        if one.state() == State::Active {
            row.synchronised = synchronisations(request, one.id).await?;
        }
        rows.push(row);
    }
    let path = TABS[usize::from(!is_pending)].1;
    let known = [
        "applied",
        "rejected",
        "withdrawn",
        "relation-ended",
        "synchronised",
        "nothing-to-synchronise",
    ];
    let done = params.get("done").filter(|done| known.contains(done));
    let page = AuthorisationsPage {
        tabs: tabs(request, &TABS, path),
        action: visit.path(path),
        confirms_several: rows.iter().any(|row| row.state == State::PendingByPerson.name()),
        is_national: filter.is_national,
        number: filter.number,
        identity_types: all_types(request, &filter.identity_type),
        name: filter.name,
        rows,
        done: done.map(|done| request.text(&format!("done-{done}"))),
        notice: refusal.map(|refusal| request.notice(refusal)),
    };
    visit.page(refusal, &page).await
}

/// The visible result of 【数据同步】, application by application.
async fn synchronisations(request: &Request, id: AuthorisationId) -> Result<Vec<String>, Failure> {
    let mut lines = Vec::new();
    for one in synchronised(&request.ctx, id).await? {
        let client = request.ctx.realm.clients.get(&one.client_id);
        let name = client
            .map_or(one.client_id.as_str(), |client| client.name.in_language(request.language()));
        let state = request.text(&format!("sync-{}", one.state.name()));
        let colon = if request.language() == "en" { ": " } else { "：" };
        lines.push(format!("{name}{colon}{state} · {}", one.created_at.for_people()));
    }
    Ok(lines)
}

/// The ids of a form: one button, or every tick.
fn ids(form: &Params) -> Vec<String> {
    let one = form.get("id").map(str::to_owned);
    let ticked = form.iter().filter(|(name, value)| name.starts_with("id-") && *value == "yes");
    let ticked = ticked.map(|(name, _)| name.trim_start_matches("id-").to_owned());
    match one {
        Some(one) if !one.is_empty() => vec![one],
        _ => ticked.take(MOST_AT_ONCE).collect(),
    }
}

pub async fn post(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, Function::OwnAuthorisations).await?;
    let (ctx, person) = (&visit.request.ctx, visit.session.person);
    let ids = ids(&form);
    let mut own_ones = Vec::new();
    for id in &ids {
        own_ones.push(visit.or_refused(find(ctx, person, id).await)?);
    }
    let (Some(first), Some(id)) = (own_ones.first(), ids.first()) else {
        return show(&visit, true, Some(&Refusal::format("selection"))).await;
    };
    let is_sure = form.get("sure") == Some("yes");
    match form.get("act").unwrap_or_default() {
        "confirm" if is_sure && !own_ones.iter().all(|one| was_shown(&form, one)) => {
            review(&visit, &own_ones, "confirm", Some(&Refusal::State)).await
        }
        "confirm" if is_sure => to_scan(&visit, &own_ones, form.get("app")).await,
        "confirm" => review(&visit, &own_ones, "confirm", None).await,
        "delete" if !is_sure => review(&visit, &own_ones, "delete", None).await,
        "sync" => match Stop::refusal(synchronise(ctx, person, id).await)? {
            Ok(0) => visit.go(&format!("{HELD}&done=nothing-to-synchronise")),
            Ok(_) => visit.go(&format!("{HELD}&done=synchronised")),
            Err(refusal) => show(&visit, false, Some(&refusal)).await,
        },
        name => {
            let (event, done) = match name {
                "reject" => (Event::Reject, "?done=rejected"),
                "withdraw" => (Event::Withdraw, "?done=withdrawn"),
                "delete" => (Event::Delete, "/held?done=relation-ended"),
                _ => return visit.refused(&Refusal::State),
            };
            let is_pending = first.state() != State::Active;
            match Stop::refusal(act(ctx, person, id, &event).await)? {
                Ok(_) => visit.go(&format!("/account/authorisations{done}")),
                Err(refusal) => show(&visit, is_pending, Some(&refusal)).await,
            }
        }
    }
}

/// Whether it is what the page before has shown.
fn was_shown(form: &Params, one: &Authorisation) -> bool {
    form.get(&format!("shown-{}", one.id)) == Some(&*Invitation::of(one).to_string())
}

/// What is about to happen, once more (AU-08, AU-14).
async fn review(
    visit: &Visit,
    ones: &[Authorisation],
    act: &'static str,
    refusal: Option<&Refusal>,
) -> Answer {
    let mut rows: Vec<HandlerView> = Vec::new();
    for one in ones {
        if let Some(enterprise) = known::enterprise(&visit.request.ctx, one.enterprise).await? {
            rows.push(own(&visit.request, one, &enterprise, None));
        }
    }
    let shown = ones.iter().map(|one| (one.id.to_string(), Invitation::of(one).to_string()));
    let shown = shown.collect();
    let notice = refusal.map(|refusal| visit.request.notice(refusal));
    visit.page(refusal, &ReviewPage { rows, shown, act, notice }).await
}

/// To the scan, by the app that was chosen.
async fn to_scan(visit: &Visit, ones: &[Authorisation], app: Option<&str>) -> Answer {
    let request = &visit.request;
    let shown = ones.iter().map(Invitation::of).collect();
    let begun = begin_confirmation(&request.ctx, &visit.session, shown).await?;
    let Some(transaction) = begun else { return request.forbidden() };
    let way = if app == Some("iit_app") { "iit_app" } else { "tax_app" };
    let to = format!("{}/login/second_factor?t={}&way={way}", request.base(), transaction.id);
    Ok(bound_to_browser(see_other(&to), request, &transaction, TRANSACTION_SECONDS))
}

/// The scan was passed: done, and told one by one (AU-09).
pub async fn confirmed(request: &Request, transaction: &LoginTransaction) -> Answer {
    let outcomes = match Stop::refusal(confirm_batch(&request.ctx, transaction).await)? {
        Ok(outcomes) => outcomes,
        // The first of two clicks has done it, or the session has ended: there it stands, or is asked for.
        Err(Refusal::State) => {
            let held = format!("{}{}?scope=national", request.base(), TABS[1].1);
            return Ok(see_other(&held));
        }
        // Nothing was done, and the same once more will be.
        Err(Refusal::Busy) => return Ok(busy()),
        Err(_) => return request.forbidden(),
    };
    let view = |one: &crate::flows::relations::person::Outcome| {
        let notice = one.refusal.as_ref().map(|refusal| request.notice(refusal));
        OutcomeView {
            enterprise: one.enterprise.name.clone(),
            identity_type: type_name(request, &one.authorisation.identity_type),
            is_done: notice.is_none(),
            text: notice
                .as_ref()
                .map_or_else(|| request.text("done-confirmed"), |notice| notice.text.clone()),
            code: notice.map(|notice| notice.code),
        }
    };
    let page = OutcomesPage { outcomes: outcomes.iter().map(view).collect() };
    let visit = Visit::enter(request.clone(), Function::OwnAuthorisations).await?;
    visit.page(None, &page).await
}

pub async fn get_apply(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::OwnAuthorisations).await?;
    show_apply(&visit, "", "", None, None).await
}

pub async fn post_apply(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, Function::OwnAuthorisations).await?;
    let text = |name: &str| form.get(name).unwrap_or_default().trim();
    let (number, kind) = (text("number"), text("identity_type"));
    let ctx = &visit.request.ctx;
    if form.get("sure") != Some("yes") {
        return match Stop::refusal(applied_to(ctx, number).await)? {
            Ok(found) => {
                let name = mask::company(&found.name);
                show_apply(&visit, number, kind, Some(name), None).await
            }
            Err(refusal) => show_apply(&visit, number, kind, None, Some(&refusal)).await,
        };
    }
    match Stop::refusal(apply(ctx, visit.session.person, number, kind).await)? {
        Ok(_) => visit.go("/account/authorisations?scope=national&done=applied"),
        Err(refusal) => show_apply(&visit, number, kind, None, Some(&refusal)).await,
    }
}

async fn show_apply(
    visit: &Visit,
    number: &str,
    identity_type: &str,
    enterprise: Option<String>,
    refusal: Option<&Refusal>,
) -> Answer {
    let page = ApplyPage {
        tabs: tabs(&visit.request, &TABS, TABS[2].1),
        number: number.to_owned(),
        identity_types: type_options(&visit.request, identity_type),
        identity_type: identity_type.to_owned(),
        enterprise,
        notice: refusal.map(|refusal| match refusal {
            Refusal::State => visit.request.notice_as(refusal, "refusal-state-apply"),
            refusal => visit.request.notice(refusal),
        }),
    };
    visit.page(refusal, &page).await
}
