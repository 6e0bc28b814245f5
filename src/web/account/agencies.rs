//! Agencies: whom an enterprise has engaged and what their staff may do (AC-47); for the managers
//! of an agency its client enterprises and its staff (G-12, G-13). Only to be looked at.

use crate::domain::engagement::{Engaged, Engagement};
use crate::domain::enterprise::Enterprise;
use crate::domain::function::Function;
use crate::flows::centre::agencies::engagements;
use crate::flows::centre::fields::subject;
use crate::flows::centre::known;
use crate::views::account::{EngagementView, EngagementsPage, StaffView};
use crate::web::account::show::tabs;
use crate::web::account::visit::Visit;
use crate::web::answer::{Answer, Failure};
use crate::web::page::view::permission_names;
use crate::web::request::Request;

const TABS: [(&str, &str); 2] =
    [("agency-clients", "/account/clients"), ("agency-staff", "/account/clients/staff")];

pub async fn own(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::OwnAgencies).await?;
    let (found, are_more) = found(&visit, false).await?;
    let engagements = views(&visit, &found, |one| &one.agency).await?;
    let page = EngagementsPage {
        title: visit.request.text("menu-agencies"),
        text: visit.request.text("agencies-text"),
        tabs: Vec::new(),
        engagements,
        are_more,
    };
    visit.page(None, &page).await
}

pub async fn clients(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::AgencyClients).await?;
    let (found, are_more) = found(&visit, true).await?;
    let engagements = views(&visit, &found, |one| &one.client_enterprise).await?;
    let page = EngagementsPage {
        title: visit.request.text("agency-clients"),
        text: visit.request.text("agency-clients-text"),
        tabs: tabs(&visit.request, &TABS, TABS[0].1),
        engagements,
        are_more,
    };
    visit.page(None, &page).await
}

/// Person by person instead of client by client: each client has a term of its own.
pub async fn staff(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::AgencyClients).await?;
    let (found, are_more) = found(&visit, true).await?;
    let mut engagements: Vec<EngagementView> = Vec::new();
    let mut known = Vec::new();
    for one in &found {
        let Some(assignment) = &one.assignment else { continue };
        let client = StaffView {
            name: one.client_enterprise.name.clone(),
            term: term(&visit.request, &one.engagement),
            permissions: permission_names(&visit.request, &assignment.permissions),
        };
        let at = known.iter().position(|known| *known == assignment.person);
        if let Some(view) = at.and_then(|at| engagements.get_mut(at)) {
            view.staff.push(client);
            continue;
        }
        known.push(assignment.person);
        engagements.push(EngagementView {
            name: known::masked_name(&visit.request.ctx, assignment.person).await?,
            number: String::new(),
            term: String::new(),
            staff: vec![client],
        });
    }
    let page = EngagementsPage {
        title: visit.request.text("agency-staff"),
        text: visit.request.text("agency-staff-text"),
        tabs: tabs(&visit.request, &TABS, TABS[1].1),
        engagements,
        are_more,
    };
    visit.page(None, &page).await
}

async fn found(visit: &Visit, as_agency: bool) -> Result<(Vec<Engaged>, bool), Failure> {
    let Some(enterprise) = subject(&visit.identity) else { return Ok((Vec::new(), false)) };
    Ok(engagements(&visit.request.ctx, enterprise.id, as_agency).await?)
}

fn term(request: &Request, engagement: &Engagement) -> String {
    let until = engagement.valid_to.map(|day| day.to_string());
    let until = until.unwrap_or_else(|| request.text("long-term"));
    let is_live = engagement.is_live(request.ctx.now().day());
    let state = request.text(if is_live { "state-active" } else { "state-ended" });
    format!("{} – {until} · {state}", engagement.valid_from)
}

/// One view for each engagement, its staff inside.
async fn views(
    visit: &Visit,
    found: &[Engaged],
    other: impl Fn(&Engaged) -> &Enterprise,
) -> Result<Vec<EngagementView>, Failure> {
    let mut views: Vec<EngagementView> = Vec::new();
    let mut last = None;
    for one in found {
        let person = match &one.assignment {
            Some(assignment) => Some(StaffView {
                name: known::masked_name(&visit.request.ctx, assignment.person).await?,
                term: String::new(),
                permissions: permission_names(&visit.request, &assignment.permissions),
            }),
            None => None,
        };
        if last == Some(one.engagement.id) {
            if let Some(view) = views.last_mut() {
                view.staff.extend(person);
            }
            continue;
        }
        last = Some(one.engagement.id);
        views.push(EngagementView {
            name: other(one).name.clone(),
            number: other(one).tin.clone().into(),
            term: term(&visit.request, &one.engagement),
            staff: person.into_iter().collect(),
        });
    }
    Ok(views)
}
