//! Where an officer begins: what there is to do for these roles, and what they are at.

use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::views::console::{DutyView, HomePage, MatterPage};
use crate::web::answer::{Answer, see_other};
use crate::web::console::on_duty::{OnDuty, back};
use crate::web::form::Form;
use crate::web::request::Request;

pub async fn get(request: Request) -> Answer {
    let on_duty = OnDuty::at_work(request).await?;
    let request = &on_duty.request;
    let duty = |(key, path): (&str, &str)| DutyView {
        title: request.text(key),
        text: request.text(&format!("{key}-text")),
        href: on_duty.path(path),
    };
    let page = HomePage {
        duties: on_duty.pages().map(duty).collect(),
        ends_at: on_duty.ends_at.clone(),
        done: None,
    };
    on_duty.page(None, &page)
}

/// What an officer is at, said before something is looked at or to say another.
pub async fn get_matter(request: Request) -> Answer {
    let on_duty = OnDuty::at_work(request).await?;
    let params = on_duty.request.query().unwrap_or_default();
    let back = back(&on_duty.request, &params);
    show(&on_duty, back, String::new(), None)
}

fn show(on_duty: &OnDuty, back: String, reason: String, refusal: Option<&Refusal>) -> Answer {
    let notice = refusal.map(|refusal| on_duty.request.notice(refusal));
    on_duty.page(refusal, &MatterPage { reason, back, notice })
}

pub async fn post_matter(form: Form) -> Answer {
    let on_duty = OnDuty::at_work(form.request).await?;
    let (mut on_duty, form) = on_duty.with(form.fields)?;
    let back = back(&on_duty.request, &form);
    match Stop::refusal(on_duty.because(&form).await)? {
        Ok(_) => Ok(see_other(&back)),
        Err(refusal) => {
            let reason = form.get("reason").unwrap_or_default().to_owned();
            show(&on_duty, back, reason, Some(&refusal))
        }
    }
}
