//! The pages between the second factor and the session.

use axum::http::StatusCode;

use crate::base::secret::Secret;
use crate::domain::entrance::Step;
use crate::domain::login::LoginTransaction;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::sign_in::steps;
use crate::views::page::{
    AgreementView, AgreementsPage, ChooseIdentityPage, ConfirmPendingPage, MessagePage,
    NewPasswordPage, Notice,
};
use crate::web::answer::{Answer, status_of};
use crate::web::form::agreed;
use crate::web::page::step::{AtStep, go_on, unless_gone_on};
use crate::web::page::view;
use crate::web::request::Request;
use crate::web::transaction::anew;

/// A form of a step that is no longer due leads on instead of failing.
async fn refused(
    request: &Request,
    transaction: &LoginTransaction,
    refusal: Refusal,
    step: Step,
) -> Answer {
    let shown = async {
        if refusal == Refusal::State {
            return go_on(request, transaction).await;
        }
        show(request, transaction, step, Some(request.notice(&refusal))).await
    };
    unless_gone_on(request, transaction, shown).await
}

async fn show(
    request: &Request,
    transaction: &LoginTransaction,
    step: Step,
    notice: Option<Notice>,
) -> Answer {
    let status = status_of(notice.as_ref());
    let id = transaction.id.clone();
    match step {
        Step::NewPassword => {
            let rules = &request.ctx.realm.password;
            let (min_length, max_length) = (rules.min_length, rules.max_length);
            let page = NewPasswordPage {
                transaction: id,
                min_length,
                max_length,
                rule: view::password_rule(request),
                is_expired: steps::is_password_taken(&request.ctx, transaction).await?,
                notice,
            };
            request.page(status, &transaction.id, &page)
        }
        Step::Agreements => {
            let agreements = agreements(request);
            let page = AgreementsPage { transaction: id, agreements, notice };
            request.page(status, &transaction.id, &page)
        }
        Step::ConfirmPendingAuthorisation => {
            let Some(proved) = transaction.proved() else { return request.forbidden() };
            let pending = view::pending(request, proved).await?;
            let page = ConfirmPendingPage { transaction: id, pending, notice };
            request.page(status, &transaction.id, &page)
        }
        Step::ChooseIdentity => {
            let Some(proved) = transaction.proved() else { return request.forbidden() };
            let usable = steps::choices(&request.ctx, transaction, proved).await?;
            let entrance = request.ctx.realm.entrance_of(transaction);
            let action = format!("{}/login/choose_identity", request.base());
            let params = request.query().unwrap_or_default();
            let views = view::identities(request, &usable, None);
            let (identities, search) = view::searched(views, action.clone(), &params);
            let page = ChooseIdentityPage {
                action,
                search,
                transaction: id,
                request: String::new(),
                identities,
                offers_personal: entrance.is_some_and(steps::may_be_personal),
                notice,
            };
            request.page(status, &transaction.id, &page)
        }
        Step::Credentials
        | Step::Scan
        | Step::Certificate
        | Step::ChooseHandler
        | Step::SecondFactor
        | Step::ChooseClientEnterprise
        | Step::ChooseRecord => go_on(request, transaction).await,
    }
}

fn agreements(request: &Request) -> Vec<AgreementView> {
    let wanted = request.ctx.realm.agreements_to_sign_in();
    wanted.map(|one| view::agreement(request, one)).collect()
}

/// The page of whichever step is due.
pub async fn get(AtStep { request, step, transaction, .. }: AtStep) -> Answer {
    show(&request, &transaction, step, None).await
}

pub async fn post_password(AtStep { request, form, transaction, .. }: AtStep) -> Answer {
    let secret = |name: &str| Secret::new(form.get(name).unwrap_or_default().to_owned());
    let (new, repeated) = (secret("new"), secret("repeated"));
    match Stop::refusal(steps::set_password(&request.ctx, &transaction, &new, &repeated).await)? {
        Ok(next) => go_on(&request, &next).await,
        Err(refusal) => refused(&request, &transaction, refusal, Step::NewPassword).await,
    }
}

pub async fn post_agreements(AtStep { request, form, transaction, .. }: AtStep) -> Answer {
    if form.get("act") == Some("decline") {
        steps::decline_agreements(&request.ctx, &transaction).await?;
        return ended(&request, &transaction, &Refusal::Agreement);
    }
    let agreed = agreed(&form, request.ctx.realm.agreements_to_sign_in());
    match Stop::refusal(steps::accept_agreements(&request.ctx, &transaction, &agreed).await)? {
        Ok(()) => go_on(&request, &transaction).await,
        Err(refusal) => refused(&request, &transaction, refusal, Step::Agreements).await,
    }
}

pub async fn post_pending(AtStep { request, form, transaction, .. }: AtStep) -> Answer {
    if form.get("act") == Some("cancel") {
        let refusal = steps::cancel_pending(&request.ctx, &transaction).await?;
        return ended(&request, &transaction, &refusal);
    }
    let id = form.get("confirm").unwrap_or_default();
    match Stop::refusal(steps::confirm_pending(&request.ctx, &transaction, id).await)? {
        Ok(next) => go_on(&request, &next).await,
        Err(refusal) => {
            refused(&request, &transaction, refusal, Step::ConfirmPendingAuthorisation).await
        }
    }
}

pub async fn post_choice(AtStep { request, form, transaction, .. }: AtStep) -> Answer {
    let id = form.get("identity").unwrap_or_default();
    match Stop::refusal(steps::choose(&request.ctx, &transaction, id).await)? {
        Ok(next) => go_on(&request, &next).await,
        Err(refusal) => refused(&request, &transaction, refusal, Step::ChooseIdentity).await,
    }
}

/// The person turned back: not signed in, nothing changed, and the way to begin once more.
fn ended(request: &Request, transaction: &LoginTransaction, why: &Refusal) -> Answer {
    let notice = request.notice(why);
    let page = MessagePage {
        title: request.text("not-signed-in-title"),
        text: notice.text,
        code: Some(notice.code),
        link: Some(anew(request, transaction)),
    };
    request.page(StatusCode::FORBIDDEN, "", &page)
}
