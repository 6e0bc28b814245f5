//! The door 数字证书登录: the page that has the challenge signed, and the choice of the handler.

use axum::Json;
use axum::response::IntoResponse;
use serde_json::json;

use crate::domain::mask;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::centre::known;
use crate::flows::certificate::asking::{Answer as Signed, Asked};
use crate::flows::certificate::{handlers, sign_in};
use crate::oidc::params::Params;
use crate::views::certificate::{CertificatePage, ChooseHandlerPage, HandlerChoice};
use crate::web::answer::{Answer, no_store, status_of, with_retry_after};
use crate::web::certificate::{may_ask_the_agent, words};
use crate::web::page::step::{AtStep, go_on, unless_gone_on};
use crate::web::page::view::type_name;
use crate::web::request::Request;
use crate::web::transaction::Begun;

pub async fn get(AtStep { request, form, transaction, .. }: AtStep) -> Answer {
    let entrance = form.get("entrance").unwrap_or_default();
    show(&request, &transaction.id, (&transaction, entrance), None)
}

fn show(
    request: &Request,
    id: &str,
    (transaction, entrance): (&crate::domain::login::LoginTransaction, &str),
    refusal: Option<&Refusal>,
) -> Answer {
    let Some(door) = sign_in::door(&request.ctx, transaction, entrance) else {
        return request.forbidden();
    };
    let notice = refusal.map(|refusal| request.notice(refusal));
    let (status, retry_after) =
        (status_of(notice.as_ref()), notice.as_ref().and_then(|notice| notice.retry_after));
    let page = CertificatePage {
        transaction: id.to_owned(),
        entrance: door.id.clone(),
        words: words::of(request),
        downloads: words::downloads(request),
        notice,
    };
    let page = may_ask_the_agent(request.page(status, id, &page)?);
    Ok(with_retry_after(page, retry_after))
}

/// A challenge for a page of this sign-in, fetched when somebody clicks: it lives for two minutes.
pub async fn challenge(request: Request) -> Answer {
    let form = request.query().unwrap_or_default();
    let Begun { request, transaction, .. } = Begun::of(request, form).await?;
    Ok(told(&request, &sign_in::challenge(&request.ctx, &transaction)))
}

/// For the page's script; `now` is for the check of the clock.
pub fn told(request: &Request, asked: &Asked) -> axum::response::Response {
    let told = json!({
        "challenge": asked.challenge, "sealed": asked.sealed, "now": request.ctx.now().0,
    });
    no_store(Json(told).into_response())
}

/// What the script has put into a form.
pub fn signed(form: &Params) -> Signed<'_> {
    let text = |name: &str| form.get(name).unwrap_or_default();
    Signed {
        sealed: text("sealed"),
        certificate: text("certificate"),
        chain: text("chain"),
        signature: text("signature"),
    }
}

pub async fn post(AtStep { request, form, transaction, .. }: AtStep) -> Answer {
    let entrance = form.get("entrance").unwrap_or_default();
    let judged = sign_in::sign_in(&request.ctx, &transaction, entrance, signed(&form)).await;
    match Stop::refusal(judged)? {
        Ok(next) => go_on(&request, &next).await,
        Err(refusal) => {
            let again =
                async { show(&request, &transaction.id, (&transaction, entrance), Some(&refusal)) };
            unless_gone_on(&request, &transaction, again).await
        }
    }
}

pub async fn get_handlers(at: AtStep) -> Answer {
    show_handlers(&at.request, &at, None).await
}

async fn show_handlers(request: &Request, at: &AtStep, refusal: Option<&Refusal>) -> Answer {
    let Some(certified) = at.transaction.certified() else { return request.forbidden() };
    let ctx = &request.ctx;
    let enterprise = known::enterprise(ctx, certified.enterprise).await?;
    let found = handlers::list(ctx, certified).await?;
    let notice = refusal.map(|refusal| request.notice(refusal));
    let status = status_of(notice.as_ref());
    let choice = |one: &handlers::Handler| HandlerChoice {
        id: one.authorisation.to_string(),
        name: one.name.clone(),
        identity_type: type_name(request, &one.identity_type),
    };
    let page = ChooseHandlerPage {
        transaction: at.transaction.id.clone(),
        enterprise: enterprise.map(|one| mask::company(&one.name)).unwrap_or_default(),
        handlers: found.iter().map(choice).collect(),
        notice,
    };
    request.page(status, &at.transaction.id, &page)
}

pub async fn post_handler(at: AtStep) -> Answer {
    let (request, transaction) = (&at.request, &at.transaction);
    let id = at.form.get("handler").unwrap_or_default();
    match Stop::refusal(handlers::choose(&request.ctx, transaction, id).await)? {
        Ok(next) => go_on(request, &next).await,
        Err(refusal) => {
            let again = show_handlers(request, &at, Some(&refusal));
            unless_gone_on(request, transaction, again).await
        }
    }
}
