//! A link by which an officer enters: they choose a password and make a passkey.

use axum::http::StatusCode;

use crate::base::secret::Secret;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::officer::{Chosen, accept, open};
use crate::views::console::InvitationPage;
use crate::views::page::{MessagePage, Notice};
use crate::web::answer::{Answer, see_other, status_of};
use crate::web::console::on_duty::{check_console, roles};
use crate::web::console::paths::LOGIN;
use crate::web::form::Form;
use crate::web::page::view::password_rule;
use crate::web::request::Request;

fn binding(link: &Secret) -> String {
    format!("console-link/{}", link.hashed().to_text())
}

pub async fn get(request: Request) -> Answer {
    check_console(&request)?;
    let params = request.query().unwrap_or_default();
    let link = Secret::new(params.get("link").unwrap_or_default().to_owned());
    show(&request, &link, None).await
}

async fn show(request: &Request, link: &Secret, notice: Option<Notice>) -> Answer {
    let opened = match Stop::refusal(open(&request.ctx, link).await)? {
        Ok(opened) => opened,
        Err(refusal) => return closed(request, &refusal),
    };
    let page = InvitationPage {
        link: link.expose().to_owned(),
        name: opened.officer.name.as_str().to_owned(),
        login: opened.officer.login.to_string(),
        roles: roles(request, &opened.officer),
        options: opened.options.to_string(),
        question: opened.sealed,
        rule: password_rule(request),
        notice,
    };
    request.page(status_of(page.notice.as_ref()), &binding(link), &page)
}

fn closed(request: &Request, refusal: &Refusal) -> Answer {
    let notice = match refusal {
        Refusal::State => request.notice_as(refusal, "console-link-over"),
        refusal => request.notice(refusal),
    };
    let status = match refusal {
        Refusal::State => StatusCode::GONE,
        _ => status_of(Some(&notice)),
    };
    let page = MessagePage {
        title: request.text("console-link-over-title"),
        text: notice.text,
        code: Some(notice.code),
        link: Some((format!("{}{LOGIN}", request.base()), request.text("console-to-entrance"))),
    };
    request.page(status, "", &page)
}

pub async fn post(form: Form) -> Answer {
    check_console(&form.request)?;
    let link = Secret::new(form.fields.get("link").unwrap_or_default().to_owned());
    let (request, form) = form.genuine(&binding(&link))?;
    let secret = |name| Secret::new(form.get(name).unwrap_or_default().to_owned());
    let (password, repeated) = (secret("new"), secret("repeated"));
    let chosen = Chosen {
        password: &password,
        repeated: &repeated,
        made: form.get("made").unwrap_or_default(),
        question: form.get("question").unwrap_or_default(),
    };
    match Stop::refusal(accept(&request.ctx, &link, chosen).await)? {
        Ok(()) => Ok(see_other(&format!("{}{LOGIN}", request.base()))),
        Err(refusal) => {
            let notice = match &refusal {
                Refusal::Passkey => request.notice_as(&refusal, "console-passkey"),
                refusal => request.notice(refusal),
            };
            show(&request, &link, Some(notice)).await
        }
    }
}
