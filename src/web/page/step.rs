//! From step to step: the page that is due, and the end of the way.

use axum::extract::{FromRequest, FromRequestParts, Request as Incoming};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::domain::entrance::Step;
use crate::domain::login::{Errand, LoginTransaction, Next, Then};
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::sign_in::transaction::finish;
use crate::flows::sign_in::{step_up, steps};
use crate::oidc::params::Params;
use crate::views::page::{GoOnPage, MessagePage};
use crate::web::account::authorisations::confirmed;
use crate::web::answer::{Answer, Failure, see_other, with_cookie};
use crate::web::app::App;
use crate::web::cookies;
use crate::web::request::Request;
use crate::web::transaction::{Begun, again, authorize_address};

fn to_step(request: &Request, transaction: &LoginTransaction, step: Step) -> Response {
    let (base, id) = (request.base(), &transaction.id);
    see_other(&format!("{base}/login/{}?t={id}", step_name(step)))
}

/// To the step that is due, or into the session.
pub async fn go_on(request: &Request, transaction: &LoginTransaction) -> Answer {
    let base = request.base();
    match steps::next(&request.ctx, transaction).await? {
        Next::Step(step) => Ok(to_step(request, transaction, step)),
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
                let former = request.session().await?;
                let signed_in = steps::sign_in(&request.ctx, transaction, acting, former.as_ref());
                let made = Stop::refusal(signed_in.await)?;
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
                // Whoever has signed in since decided whether to be the one who was hinted.
                Then::Authorize(asked) => {
                    let mut asked = asked.clone();
                    asked.remove("login_hint");
                    authorize_address(request, &asked)
                }
            };
            finish(&request.ctx, transaction, &cookie, &to).await;
            Ok(with_cookie(with_cookie(see_other(&to), session), done))
        }
    }
}

/// Where each step has its page; the code of a scan stands beside the form.
fn step_name(step: Step) -> &'static str {
    match step {
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

/// The step whose page or form lies at this address; a passkey is sent from the form's page.
fn step_at(address: &str) -> Option<Step> {
    let name = address.rsplit('/').next().unwrap_or_default();
    let name = if name == "passkey" { "credentials" } else { name };
    Step::ALL.into_iter().find(|step| step_name(*step) == name)
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

/// A page or a form of the step that is due: what was asked, genuine where it is a form, and the
/// transaction. Whoever comes to another step is led to the one that is due.
pub struct AtStep {
    pub request: Request,
    /// The query of a page, or the fields of a form.
    pub form: Params,
    pub transaction: LoginTransaction,
    pub step: Step,
}

impl FromRequest<App> for AtStep {
    type Rejection = Response;

    async fn from_request(incoming: Incoming, app: &App) -> Result<Self, Response> {
        let begun = if incoming.method() == Method::POST {
            Begun::from_request(incoming, app).await?
        } else {
            let (mut parts, _) = incoming.into_parts();
            let request = Request::from_request_parts(&mut parts, app).await?;
            let form = request.query().unwrap_or_default();
            Begun::of(request, form).await.map_err(IntoResponse::into_response)?
        };
        Self::of(begun).await.map_err(IntoResponse::into_response)
    }
}

impl AtStep {
    async fn of(begun: Begun) -> Result<Self, Failure> {
        let Begun { request, form, transaction } = begun;
        let due = steps::next(&request.ctx, &transaction).await?;
        match due {
            Next::Step(step) if step_at(request.uri.path()) == Some(step) => {
                Ok(Self { request, form, transaction, step })
            }
            // Of what was proved before nothing is known any more: the server has been killed.
            Next::Step(Step::Credentials) => {
                let to = format!("{}/login/credentials?t={}", request.base(), transaction.id);
                Err(Failure::instead(see_other(&format!("{to}&why=begin_again"))))
            }
            Next::Step(step) => Err(Failure::instead(to_step(&request, &transaction, step))),
            // A page ends nothing: what is due now is done by its form.
            _ if request.method != Method::POST => {
                let page = GoOnPage { transaction: transaction.id.clone() };
                Err(Failure::instead(request.page(StatusCode::OK, &transaction.id, &page)?))
            }
            _ => Err(Failure::instead(go_on(&request, &transaction).await?)),
        }
    }
}
