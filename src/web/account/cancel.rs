//! 【用户注销】: what ends is read and confirmed, then the phone or the face says that it is the person, then
//! the account is over (PC-20 to PC-22, PC-28).

use axum::http::StatusCode;

use crate::domain::factor::Factor;
use crate::domain::function::Function;
use crate::domain::login::{Errand, LoginTransaction, TRANSACTION_SECONDS};
use crate::domain::mask::{self, Viewer};
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::centre::cancel::{begin, finish, left_alone};
use crate::flows::centre::own;
use crate::flows::sign_in::step_up::door;
use crate::views::own::CancelPage;
use crate::views::page::MessagePage;
use crate::web::account::paths::CANCEL;
use crate::web::account::personal::tabs;
use crate::web::account::visit::Visit;
use crate::web::answer::{Answer, see_other, with_cookie};
use crate::web::cookies;
use crate::web::form::Form;
use crate::web::request::Request;
use crate::web::transaction::bound_to_browser;

pub async fn get(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::CancelAccount).await?;
    show(&visit, None).await
}

/// 【确认注销】, by the way that was chosen.
pub async fn post(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, Function::CancelAccount).await?;
    let (request, has_read) = (&visit.request, form.get("read") == Some("yes"));
    let transaction = match Stop::refusal(begin(&request.ctx, &visit.session, has_read).await)? {
        Ok(transaction) => transaction,
        Err(refusal) => return show(&visit, Some(&refusal)).await,
    };
    let way = form.get("way").and_then(Factor::parse).unwrap_or(Factor::Sms);
    let (base, name) = (request.base(), way.name());
    let to = format!("{base}/login/second_factor?t={}&way={name}", transaction.id);
    Ok(bound_to_browser(see_other(&to), request, &transaction, TRANSACTION_SECONDS))
}

async fn show(visit: &Visit, refusal: Option<&Refusal>) -> Answer {
    let (request, session) = (&visit.request, &visit.session);
    let Some(own) = own::find(&request.ctx, session).await? else { return request.forbidden() };
    let door = door(&request.ctx, session, &Errand::Cancel);
    let takes = |factor: Factor| door.is_some_and(|door| door.takes(factor));
    let phone = own.phones.iter().find(|one| one.is_default);
    let page = CancelPage {
        tabs: tabs(visit, CANCEL),
        left_alone: left_alone(&request.ctx, session).await?,
        phone: phone
            .filter(|_| takes(Factor::Sms))
            .map(|one| mask::phone(one.phone.national(), Viewer::Own)),
        has_face: takes(Factor::TaxAppScan) || takes(Factor::IitAppScan),
        notice: refusal.map(|refusal| request.notice(refusal)),
    };
    visit.page(refusal, &page).await
}

/// It was proved: the account is over, and this browser keeps nothing of it.
pub async fn passed(request: &Request, transaction: &LoginTransaction) -> Answer {
    let outcome = Stop::refusal(finish(&request.ctx, transaction).await)?;
    let is_done = outcome.is_ok();
    let page = match &outcome {
        Ok(()) => MessagePage {
            title: request.text("own-cancel-done-title"),
            text: request.text("own-cancel-done-text"),
            code: None,
            link: Some((format!("{}/login", request.base()), request.text("back-to-login"))),
        },
        Err(refusal) => MessagePage {
            title: request.text("own-cancel-title"),
            text: request.notice(refusal).text,
            code: Some(refusal.code().to_owned()),
            link: Some((format!("{}/account", request.base()), request.text("back-to-account"))),
        },
    };
    let status = if is_done { StatusCode::OK } else { StatusCode::CONFLICT };
    let mut response = request.page(status, "", &page)?;
    let realm = &request.ctx.realm;
    let mut gone = vec![cookies::login_name(realm, &transaction.id)];
    if is_done {
        gone.extend([cookies::session_name(realm), cookies::device_name(realm)]);
    }
    for name in gone {
        response = with_cookie(response, cookies::set(realm, name, String::new(), Some(0)));
    }
    Ok(response)
}
