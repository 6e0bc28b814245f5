//! 【个人信息维护】: what one's own page calls missing is filled in here, each thing in its own section, and
//! the username once a year (AC-42, PC-17 to PC-19).

use crate::domain::function::Function;
use crate::domain::mask::{self, Viewer};
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::centre::contact::{
    awaited_email, change_email, change_username, save_address, send_to_email, username_changes_on,
};
use crate::flows::centre::own;
use crate::oidc::params::Params;
use crate::views::page::Notice;
use crate::views::personal::{DocumentView, MaintainPage};
use crate::web::account::paths::MAINTAIN as PATH;
use crate::web::account::personal::{done, said, tabs};
use crate::web::account::second_proof::to_second_factor;
use crate::web::account::visit::Visit;
use crate::web::answer::Answer;
use crate::web::form::Form;
use crate::web::request::Request;

pub async fn get(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::PersonalInformation).await?;
    show(&visit, "", None).await
}

pub async fn post(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, Function::PersonalInformation).await?;
    match Stop::refusal(act_on(&visit, &form).await)? {
        Ok(then) => visit.go(&format!("{PATH}?done={then}")),
        Err(Refusal::StepUpRequired) => to_second_factor(&visit, PATH).await,
        Err(refusal) => {
            let typed = form.get("username").unwrap_or_default();
            show(&visit, typed, Some(&refusal)).await
        }
    }
}

/// Does it, and says what was done.
async fn act_on(visit: &Visit, form: &Params) -> Result<&'static str, Stop> {
    let (ctx, session) = (&visit.request.ctx, &visit.session);
    let text = |name| form.get(name).unwrap_or_default();
    match text("act") {
        "username" => change_username(ctx, session, text("username")).await?,
        "send" => {
            send_to_email(ctx, session, text("to")).await?;
            return Ok("sent");
        }
        "verify" => change_email(ctx, session, text("code")).await?,
        "address" => save_address(ctx, session, text("address")).await?,
        _ => return Err(Refusal::State.into()),
    }
    Ok("contact")
}

/// The field that a refusal is about.
fn wrong(refusal: &Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::Otp | Refusal::OtpExpired => Some("code"),
        Refusal::Taken | Refusal::Immutable => Some("username"),
        Refusal::Format { fields } => fields.first().copied(),
        _ => None,
    }
}

fn told(request: &Request, refusal: &Refusal, username_from: Option<&str>) -> Notice {
    match (refusal, username_from) {
        (Refusal::Immutable, Some(day)) => {
            said(request, refusal, request.text_with("own-username-later", day))
        }
        (Refusal::Taken, _) => said(request, refusal, request.text("own-username-taken")),
        _ => request.notice(refusal),
    }
}

/// The sections have the names of the fields; the summary leads into them.
fn into_sections(notice: Notice, has_code: bool) -> Notice {
    let notice = if has_code { notice } else { notice.with_field("code", "email") };
    let notice = notice.with_field("username", "new-username");
    notice.with_field("email", "new-email").with_field("address", "new-address")
}

async fn show(visit: &Visit, typed: &str, refusal: Option<&Refusal>) -> Answer {
    let (request, session) = (&visit.request, &visit.session);
    let Some(known) = own::find(&request.ctx, session).await? else { return request.forbidden() };
    let from = username_changes_on(&request.ctx, session).await?.map(|day| day.to_string());
    let username = known.account.and_then(|account| account.username);
    let document = |one: &crate::domain::person::IdentityDocument| {
        let kind = format!("document-{}", one.kind.name().replace('_', "-"));
        DocumentView { kind: request.text(&kind), masked: mask::document(&one.number, Viewer::Own) }
    };
    let awaited_email = awaited_email(&request.ctx, session).await?;
    let notice = refusal.map(|refusal| told(request, refusal, from.as_deref()));
    let page = MaintainPage {
        tabs: tabs(visit, PATH),
        username: username.map(|name| name.as_str().to_owned()),
        typed_username: typed.to_owned(),
        notice: notice.map(|notice| into_sections(notice, awaited_email.is_some())),
        username_from: from,
        documents: known.documents.iter().map(document).collect(),
        email: known.person.email.map(|email| mask::email(email.as_str(), Viewer::Own)),
        address: known.address.map(|address| mask::address(address.as_str())),
        awaited_email,
        wrong: refusal.and_then(wrong),
        done: done(request, &["sent", "contact"]),
    };
    visit.page(refusal, &page).await
}
