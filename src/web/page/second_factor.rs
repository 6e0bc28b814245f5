//! The second factor: sending a code, entering it.

use axum::body::Bytes;
use axum::http::HeaderMap;

use super::login::{at_step, go_on, status_of};
use crate::base::secret::Secret;
use crate::domain::entrance::Step;
use crate::domain::login::LoginTransaction;
use crate::flows::second_factor::{is_sent, masked_phone, send, verify};
use crate::views::page::{Notice, SecondFactorPage};
use crate::web::answer::{Answer, see_other};
use crate::web::oauth::form;
use crate::web::request::Request;

pub async fn get(request: Request) -> Answer {
    let params = request.query().unwrap_or_default();
    match at_step(&request, &params, Step::SecondFactor).await? {
        Ok(transaction) => show(&request, &transaction, None).await,
        Err(response) => Ok(response),
    }
}

pub async fn post(request: Request, headers: HeaderMap, body: Bytes) -> Answer {
    let Ok(form) = form(&headers, &body) else { return request.forbidden() };
    let transaction = match at_step(&request, &form, Step::SecondFactor).await? {
        Ok(transaction) => transaction,
        Err(response) => return Ok(response),
    };
    if !request.is_genuine(&form, &transaction.id) {
        return request.forbidden();
    }
    if form.get("act") == Some("send") {
        return match send(&request.ctx, &transaction).await? {
            Ok(()) => {
                let to = format!("{}/login/second_factor?t={}", request.base(), transaction.id);
                Ok(see_other(&to))
            }
            Err(refusal) => show(&request, &transaction, Some(request.notice(&refusal))).await,
        };
    }
    let code = Secret::new(form.get("code").unwrap_or_default().trim().to_owned());
    match verify(&request.ctx, &transaction, &code).await? {
        Ok(next) => go_on(&request, &next).await,
        Err(refusal) => show(&request, &transaction, Some(request.notice(&refusal))).await,
    }
}

async fn show(request: &Request, transaction: &LoginTransaction, notice: Option<Notice>) -> Answer {
    let status = status_of(notice.as_ref());
    let page = SecondFactorPage {
        transaction: transaction.id.clone(),
        phone: masked_phone(&request.ctx, transaction).await?,
        is_sent: is_sent(&request.ctx, transaction).await?,
        notice,
    };
    request.page(status, &transaction.id, &page)
}
