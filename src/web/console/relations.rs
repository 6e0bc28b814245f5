//! Everything that ever stood between a person and enterprises: whoever is meant is found by what they know of
//! themselves, which is posted, so that no number stands in an address.

use axum::extract::Path;

use crate::base::id::PersonId;
use crate::domain::mask;
use crate::domain::officer::Duty;
use crate::domain::person::Person;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::relations::back_office::{A_PAGE, find_people, history_of_person};
use crate::views::console::{HistoryPage, RelationsPage};
use crate::web::account::show::href;
use crate::web::answer::Answer;
use crate::web::console::enterprises::ended_view;
use crate::web::console::on_duty::OnDuty;
use crate::web::console::paths::RELATIONS;
use crate::web::form::Form;
use crate::web::request::Request;

pub async fn get(request: Request) -> Answer {
    let on_duty = OnDuty::enter(request, Duty::History).await?;
    show(&on_duty, String::new(), None, None)
}

/// `found`: `None` before anybody was looked for.
fn show(
    on_duty: &OnDuty,
    typed: String,
    found: Option<&[Person]>,
    refusal: Option<&Refusal>,
) -> Answer {
    let link = |one: &Person| {
        (mask::name(one.name.as_str()), on_duty.path(&format!("{RELATIONS}/{}", one.id)))
    };
    let page = RelationsPage {
        found: found.unwrap_or_default().iter().map(link).collect(),
        is_nobody: found.is_some_and(<[Person]>::is_empty),
        typed,
        reason: on_duty.matter.clone().unwrap_or_default(),
        notice: refusal.map(|refusal| on_duty.request.notice(refusal)),
    };
    on_duty.page(refusal, &page)
}

pub async fn post(form: Form) -> Answer {
    let (mut on_duty, form) = OnDuty::enter_with(form, Duty::History).await?;
    let typed = form.get("person").unwrap_or_default().to_owned();
    let found = async {
        let helper = on_duty.because(&form).await?;
        find_people(&on_duty.request.ctx, &helper, &typed).await
    };
    match Stop::refusal(found.await)?.as_deref() {
        Ok([only]) => on_duty.go(&format!("{RELATIONS}/{}", only.id)),
        Ok(found) => show(&on_duty, typed, Some(found), None),
        Err(refusal) => show(&on_duty, typed, None, Some(refusal)),
    }
}

/// What either side has cleared, too.
pub async fn get_one(request: Request, Path((_, id)): Path<(String, String)>) -> Answer {
    let on_duty = OnDuty::enter(request, Duty::History).await?;
    let (helper, request) = (on_duty.helper()?, &on_duty.request);
    let params = request.query().unwrap_or_default();
    let skipped: usize = params.get("skip").and_then(|n| n.parse().ok()).unwrap_or_default();
    let found = async {
        let person: PersonId = id.parse().map_err(|_| Refusal::State)?;
        history_of_person(&request.ctx, &helper, person, skipped).await
    };
    let (person, ended) = on_duty.or_refused(found.await)?;
    let path = format!("{RELATIONS}/{id}");
    let page_at = |skip: usize| href(request, &path, &[("skip", &skip.to_string())]);
    let page = HistoryPage {
        name: mask::name(person.name.as_str()),
        number: String::new(),
        other: "log-enterprise-name",
        handlers: None,
        ended: ended
            .iter()
            .map(|one| {
                let enterprise = format!("{} {}", one.other.name, one.other.tin.as_str());
                ended_view(request, one, enterprise)
            })
            .collect(),
        previous: (skipped > 0).then(|| page_at(skipped.saturating_sub(A_PAGE))),
        next: (ended.len() == A_PAGE).then(|| page_at(skipped.saturating_add(A_PAGE))),
    };
    on_duty.page(None, &page)
}
