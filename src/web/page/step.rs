//! From step to step: the page that is due, and the end of the way.

use axum::extract::{FromRequest, FromRequestParts, Request as Incoming};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;

use crate::base::secret::Secret;
use crate::domain::acting::Acting;
use crate::domain::entrance::Step;
use crate::domain::login::{Errand, LoginTransaction, Next, Then};
use crate::domain::refusal::Refusal;
use crate::flows::oauth::logout::own;
use crate::flows::sign_in::transaction::{find, finish};
use crate::flows::sign_in::{step_up, steps};
use crate::flows::{Shown, Stop};
use crate::oidc::authorize::{after_sign_in, after_step};
use crate::oidc::params::Params;
use crate::views::page::{GoOnPage, MessagePage};
use crate::web::account::authorisations::confirmed;
use crate::web::account::{cancel, documents};
use crate::web::account::{password, phones};
use crate::web::answer::{Answer, Failure, see_other, with_cookie};
use crate::web::app::App;
use crate::web::cookies;
use crate::web::page::turn::Turn;
use crate::web::request::Request;
use crate::web::transaction::{Begun, anew, authorize_address, end_awaited, ended_meanwhile};

fn to_step(request: &Request, transaction: &LoginTransaction, step: Step) -> Response {
    let (base, id) = (request.base(), &transaction.id);
    see_other(&format!("{base}/login/{}?t={id}", step_name(step)))
}

/// To the step that is due, or into the session.
pub async fn go_on(request: &Request, transaction: &LoginTransaction) -> Answer {
    match steps::next(&request.ctx, transaction).await? {
        Next::Step(step) => Ok(to_step(request, transaction, step)),
        Next::Refused(refusal) => {
            steps::refuse(&request.ctx, transaction, &refusal).await?;
            ended(request, transaction, &refusal)
        }
        Next::SignIn(acting) => match transaction.errand() {
            Some(Errand::Confirm(_)) => confirmed(request, transaction).await,
            Some(Errand::Password(_)) => password::passed(request, transaction).await,
            Some(Errand::FirstPhone(_)) => phones::passed(request, transaction).await,
            Some(Errand::Document(_)) => documents::passed(request, transaction).await,
            Some(Errand::Cancel) => cancel::passed(request, transaction).await,
            _ => in_session(request, transaction, acting).await,
        },
    }
}

async fn in_session(request: &Request, transaction: &LoginTransaction, acting: Acting) -> Answer {
    match into_session(request, transaction, acting).await? {
        Ok(cookie) => arrived(request, transaction, &cookie).await,
        Err(Refusal::State) => match end_awaited(request, &transaction.id).await? {
            Some(there) => Ok(there),
            None => ended(request, transaction, &Refusal::State),
        },
        Err(refusal) => ended(request, transaction, &refusal),
    }
}

/// The cookie of the session that was made, or of the one that has proved more.
async fn into_session(
    request: &Request,
    transaction: &LoginTransaction,
    acting: Acting,
) -> Result<Shown<Secret>, Failure> {
    let ctx = &request.ctx;
    if transaction.errand().is_some() {
        let held = request.session_cookie().map(|cookie| cookie.hashed());
        return Ok(Stop::refusal(step_up::finish(ctx, transaction, held).await)?);
    }
    let former = own(ctx, request.session_cookie().as_ref()).await?;
    let made = steps::sign_in(ctx, transaction, acting, former.as_ref()).await;
    Ok(Stop::refusal(made)?.map(|(_, cookie)| cookie))
}

/// On to what the sign-in was for, with the session.
async fn arrived(request: &Request, transaction: &LoginTransaction, cookie: &Secret) -> Answer {
    let realm = &request.ctx.realm;
    let session =
        cookies::set(realm, cookies::session_name(realm), cookie.expose().to_owned(), None);
    let done = cookies::login_name(realm, &transaction.id);
    let done = cookies::set(realm, done, String::new(), Some(0));
    let to = match &transaction.then {
        Then::Page(page) => page.clone(),
        Then::Nowhere => format!("{}/signed-in", request.base()),
        // Only here, at the end: whoever comes back by another way has done nothing of what was asked.
        Then::Authorize(asked) => {
            let asked = Params::from_map(asked.clone());
            let asked = match transaction.errand() {
                None => after_sign_in(asked),
                Some(_) => after_step(asked),
            };
            authorize_address(request, &asked.into_map())
        }
    };
    finish(&request.ctx, transaction, cookie, &to).await;
    Ok(with_cookie(with_cookie(see_other(&to), session), done))
}

/// A form that was refused shows its page again, unless the same browser has come further meanwhile, by the
/// first of two clicks: then it goes on from there.
pub fn unless_gone_on<'a>(
    request: &'a Request,
    transaction: &'a LoginTransaction,
    show: impl Future<Output = Answer> + Send + 'a,
) -> BoxFuture<'a, Answer> {
    Box::pin(async move {
        let there = match find(&request.ctx, &transaction.id).await? {
            Some(now) if now == *transaction => None,
            Some(now) => Some(go_on(request, &now).await?),
            None => ended_meanwhile(request, &transaction.id).await?,
        };
        match there {
            Some(there) => Ok(there),
            None => show.await,
        }
    })
}

/// Where each step has its page; the code of a scan stands beside the form.
fn step_name(step: Step) -> &'static str {
    match step {
        Step::Credentials | Step::Scan => "credentials",
        Step::Certificate => "certificate",
        Step::ChooseHandler => "choose_handler",
        Step::SecondFactor => "second_factor",
        Step::NewPassword => "new_password",
        Step::Agreements => "agreements",
        Step::ConfirmPendingAuthorisation => "confirm_pending_authorisation",
        Step::ChooseIdentity => "choose_identity",
        Step::ChooseClientEnterprise => "choose_client_enterprise",
        Step::ChooseRecord => "choose_record",
    }
}

/// The step whose page or form lies at this address; a passkey is sent from the form's page, a certificate
/// from one of its own.
fn step_at(address: &str) -> Option<Step> {
    let name = address.rsplit('/').next().unwrap_or_default();
    let name = if matches!(name, "passkey" | "certificate") { "credentials" } else { name };
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
        link: Some(anew(request, transaction)),
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
    /// A form's, as long as it is worked on.
    pub turn: Option<Turn>,
}

impl FromRequest<App> for AtStep {
    type Rejection = Response;

    async fn from_request(incoming: Incoming, app: &App) -> Result<Self, Response> {
        if incoming.method() == Method::POST {
            let begun = Begun::from_request(incoming, app).await?;
            return Self::of_form(begun).await.map_err(IntoResponse::into_response);
        }
        let (mut parts, _) = incoming.into_parts();
        let request = Request::from_request_parts(&mut parts, app).await?;
        let form = request.query().unwrap_or_default();
        let begun = Begun::of(request, form).await.map_err(IntoResponse::into_response)?;
        Self::of(begun, None).await.map_err(IntoResponse::into_response)
    }
}

impl AtStep {
    async fn of_form(begun: Begun) -> Result<Self, Failure> {
        let turn = Turn::take(&begun.request.ctx, &begun.transaction.id).await;
        let begun = match turn.has_waited {
            true => Begun::of(begun.request, begun.form).await?,
            false => begun,
        };
        Self::of(begun, Some(turn)).await
    }

    async fn of(begun: Begun, turn: Option<Turn>) -> Result<Self, Failure> {
        let Begun { request, form, transaction } = begun;
        let due = steps::next(&request.ctx, &transaction).await?;
        match due {
            Next::Step(step) if step_at(request.uri.path()) == Some(step) => {
                Ok(Self { request, form, transaction, step, turn })
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
