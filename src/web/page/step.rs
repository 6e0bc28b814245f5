//! From step to step: the page that is due, and the end of the way.

use axum::http::StatusCode;

use crate::domain::entrance::Step;
use crate::domain::login::{Errand, LoginTransaction, Next, Then};
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::sign_in::{step_up, steps};
use crate::oidc::params::Params;
use crate::views::page::MessagePage;
use crate::web::account::authorisations::confirmed;
use crate::web::answer::{Answer, Failure, see_other, with_cookie};
use crate::web::cookies;
use crate::web::request::Request;
use crate::web::transaction::{again, authorize_address, transaction};

/// To the step that is due, or into the session.
pub async fn go_on(request: &Request, transaction: &LoginTransaction) -> Answer {
    let base = request.base();
    match steps::next(&request.ctx, transaction).await? {
        Next::Step(step) => {
            Ok(see_other(&format!("{base}/login/{}?t={}", step_name(step), transaction.id)))
        }
        Next::Refused(Refusal::NoIdentity(why)) => {
            steps::refuse(&request.ctx, transaction, why).await?;
            ended(request, transaction, &Refusal::NoIdentity(why))
        }
        Next::Refused(refusal) => ended(request, transaction, &refusal),
        Next::SignIn(_) if matches!(transaction.errand(), Some(Errand::Confirm(_))) => {
            confirmed(request, transaction).await
        }
        Next::SignIn(acting) => {
            let signed_in = if transaction.errand().is_some() {
                Stop::refusal(step_up::finish(&request.ctx, transaction).await)?
            } else {
                let made = Stop::refusal(steps::sign_in(&request.ctx, transaction, acting).await)?;
                made.map(|(_, cookie)| cookie)
            };
            let cookie = match signed_in {
                Ok(cookie) => cookie,
                Err(refusal) => return ended(request, transaction, &refusal),
            };
            let realm = &request.ctx.realm;
            let session =
                cookies::set(realm, cookies::session_name(realm), cookie.expose().to_owned(), None);
            let done = cookies::login_name(realm, &transaction.id);
            let done = cookies::set(realm, done, String::new(), Some(0));
            let to = match &transaction.then {
                Then::Page(page) => page.clone(),
                Then::Nowhere => format!("{base}/signed-in"),
                Then::Authorize(asked) => authorize_address(request, asked),
            };
            Ok(with_cookie(with_cookie(see_other(&to), session), done))
        }
    }
}

fn step_name(step: Step) -> &'static str {
    match step {
        // The code stands beside the form.
        Step::Credentials | Step::Scan => "credentials",
        Step::SecondFactor => "second_factor",
        Step::NewPassword => "new_password",
        Step::Agreements => "agreements",
        Step::ConfirmPendingAuthorisation => "confirm_pending_authorisation",
        Step::ChooseIdentity => "choose_identity",
        Step::ChooseClientEnterprise => "choose_client_enterprise",
        Step::ChooseRecord => "choose_record",
    }
}

/// The sign-in ends here, with the way to begin it once more.
fn ended(request: &Request, transaction: &LoginTransaction, refusal: &Refusal) -> Answer {
    let notice = request.notice(refusal);
    let page = MessagePage {
        title: request.text(match refusal {
            Refusal::NoIdentity(_) => "no-identity-title",
            _ => "not-signed-in-title",
        }),
        text: notice.text,
        code: Some(notice.code),
        link: again(request, transaction.request()),
    };
    request.page(StatusCode::FORBIDDEN, "", &page)
}

/// The transaction, when exactly this step is due; otherwise the way to the one that is.
pub async fn at_step(
    request: &Request,
    params: &Params,
    step: Step,
) -> Result<LoginTransaction, Failure> {
    let transaction = transaction(request, params).await?;
    if steps::next(&request.ctx, &transaction).await? == Next::Step(step) {
        return Ok(transaction);
    }
    Err(Failure::instead(go_on(request, &transaction).await?))
}
