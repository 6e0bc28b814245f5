//! Agency staff choose the client enterprise they act for: searched, page by page (G-05).

use crate::domain::login::LoginTransaction;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::identity::choices::clients;
use crate::flows::sign_in::steps::choose_client;
use crate::oidc::params::Params;
use crate::views::page::ChooseClientPage;
use crate::web::answer::{Answer, status_of};
use crate::web::page::step::{AtStep, go_on, unless_gone_on};
use crate::web::page::view;
use crate::web::request::Request;
use crate::web::transaction::anew;

const A_PAGE: i64 = 20;

pub async fn get(AtStep { request, form: params, transaction, .. }: AtStep) -> Answer {
    show(&request, &transaction, &params, None).await
}

pub async fn post(AtStep { request, form, transaction, .. }: AtStep) -> Answer {
    let id = form.get("client").unwrap_or_default();
    match Stop::refusal(choose_client(&request.ctx, &transaction, id).await)? {
        Ok(next) => go_on(&request, &next).await,
        Err(refusal) => {
            let none = Params::default();
            let shown = show(&request, &transaction, &none, Some(&refusal));
            unless_gone_on(&request, &transaction, shown).await
        }
    }
}

async fn show(
    request: &Request,
    transaction: &LoginTransaction,
    params: &Params,
    refusal: Option<&Refusal>,
) -> Answer {
    let proved = transaction.proved();
    let Some((person, agency)) = proved.and_then(|one| Some((one.person, one.enterprise?))) else {
        return go_on(request, transaction).await;
    };
    let text = params.get("text").unwrap_or_default().trim();
    let offset = params.get("from").and_then(|from| from.parse::<i64>().ok()).unwrap_or_default();
    let offset = offset.clamp(0, 1_000_000);
    // One more than is shown tells whether there is another page.
    let mut found = clients(&request.ctx, person, agency, text, offset, A_PAGE + 1).await?;
    let has_more = found.len() > usize::try_from(A_PAGE).unwrap_or_default();
    found.truncate(usize::try_from(A_PAGE).unwrap_or_default());
    let page_from = |from: i64| {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("t", &transaction.id)
            .append_pair("text", text)
            .append_pair("from", &from.to_string())
            .finish();
        format!("{}/login/choose_client_enterprise?{query}", request.base())
    };
    let notice = refusal.map(|refusal| request.notice(refusal));
    let status = status_of(notice.as_ref());
    let page = ChooseClientPage {
        transaction: transaction.id.clone(),
        text: text.to_owned(),
        clients: view::clients(request, &found, None),
        previous: (offset > 0).then(|| page_from((offset - A_PAGE).max(0))),
        next: has_more.then(|| page_from(offset + A_PAGE)),
        anew: anew(request, transaction),
        notice,
    };
    request.page(status, &transaction.id, &page)
}
