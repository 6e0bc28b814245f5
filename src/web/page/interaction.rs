//! What an authorization request may ask of a person who is signed in: another identity, a higher
//! real-name level, or agreement to its scopes. The request travels with the page, so nothing is lost.

use axum::extract::{FromRequest, Request as Incoming};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::domain::acting::ActingIdentity;
use crate::domain::function::{Function, Role};
use crate::domain::login::Then;
use crate::domain::refusal::{NoIdentity, Refusal};
use crate::domain::session::Session;
use crate::flows::Stop;
use crate::flows::identity::load;
use crate::flows::identity::switch::{choice, fitting_choices, needed, offers_personal, switch};
use crate::flows::oauth::authorize::{
    ReachNeeded, choice_needed, consent_needed, give_consent, leave_needed, reach_needed,
};
use crate::flows::sign_in::level::{self, NextStep, Raised, raise_next};
use crate::flows::sign_in::session::StandingSession;
use crate::oidc::authorize::{Prompt, needs, without_prompt};
use crate::oidc::discovery::path;
use crate::oidc::error::ErrorCode;
use crate::oidc::params::Params;
use crate::views::page::{ChooseIdentityPage, ConsentPage, LeavePage, Notice, RaisePage};
use crate::web::answer::{Answer, Failure, see_other, status_of, with_cookie};
use crate::web::app::App;
use crate::web::cookies;
use crate::web::form::Form;
use crate::web::oauth::authorize::{sign_in, to_client};
use crate::web::page::view;
use crate::web::request::Request;
use crate::web::transaction::to_second_factor;

fn back(request: &Request, params: &Params) -> Response {
    see_other(&format!("{}{}?{}", request.base(), path::AUTHORIZE, params.encode()))
}

/// A form of these pages, genuine for the session, and the authorization request inside it.
pub struct Asked {
    request: Request,
    form: Params,
    params: Params,
    session: StandingSession,
}

impl FromRequest<App> for Asked {
    type Rejection = Response;

    async fn from_request(incoming: Incoming, app: &App) -> Result<Self, Response> {
        let form = Form::from_request(incoming, app).await?;
        Self::of(form).await.map_err(IntoResponse::into_response)
    }
}

impl Asked {
    async fn of(form: Form) -> Result<Self, Failure> {
        let asked = Params::parse(form.fields.get("request").unwrap_or_default().as_bytes());
        let Ok(params) = asked else { return Err(Failure::instead(form.request.forbidden()?)) };
        let Some(session) = form.request.standing_session().await? else {
            return Err(Failure::instead(back(&form.request, &params)));
        };
        let binding = form.request.session_binding();
        let (request, form) = form.genuine(&binding)?;
        Ok(Self { request, form, params, session })
    }
}

pub async fn get_choose(request: Request) -> Answer {
    let Ok(params) = request.query() else { return request.forbidden() };
    let Some(found) = request.standing_session().await? else {
        return Ok(back(&request, &params));
    };
    match choice_needed(&request.ctx, params.clone(), found).await? {
        Some(session) => choose_page(&request, &params, &session, None).await,
        None => Ok(back(&request, &params)),
    }
}

async fn choose_page(
    request: &Request,
    params: &Params,
    session: &Session,
    notice: Option<Notice>,
) -> Answer {
    let needs = needed(&request.ctx, &needs(params)).await?;
    let find = params.get("find").unwrap_or_default().trim();
    let (identities, clients) = fitting_choices(&request.ctx, session, &needs, find).await?;
    let mut views = view::identities(request, &identities, Some(session.acting));
    views.extend(view::clients(request, &clients, Some(session.acting)));
    let status = status_of(notice.as_ref());
    let action = format!("{}/choose", request.base());
    let (views, search) = view::searched(views, action.clone(), params);
    let params = params.clone().without(&["find"]);
    let page = ChooseIdentityPage {
        action,
        search,
        transaction: String::new(),
        request: params.encode(),
        identities: views,
        offers_personal: needs.is_empty() && offers_personal(&request.ctx, session),
        notice,
    };
    request.page_as(status, acting(request, session).await?, &page)
}

/// As whom this session works, for the header of pages outside the centres.
pub async fn acting(request: &Request, session: &Session) -> Result<Option<String>, Failure> {
    let identity = identity(request, session).await?;
    Ok(identity.map(|identity| view::acting_title(request, &identity)))
}

async fn identity(request: &Request, session: &Session) -> Result<Option<ActingIdentity>, Failure> {
    let identity = load::load(&request.ctx, session.person, session.acting).await;
    Ok(Stop::refusal(identity)?.ok())
}

pub async fn post_choose(asked: Asked) -> Answer {
    let Asked { request, form, params, session } = asked;
    let Some(session) = choice_needed(&request.ctx, params.clone(), session).await? else {
        return Ok(back(&request, &params));
    };
    let picked = match form.get("identity").unwrap_or_default() {
        "personal" if offers_personal(&request.ctx, &session) => Ok(ActingIdentity::Personal),
        id => Stop::refusal(choice(&request.ctx, &session, id).await)?,
    };
    let needs = needed(&request.ctx, &needs(&params)).await?;
    let to = match picked {
        Ok(to) if needs.iter().all(|needed| needed.fits(&to)) => to.reference(),
        Ok(_) => {
            let refusal = Refusal::NoIdentity(NoIdentity::None);
            return choose_again(&request, &params, &session, &refusal).await;
        }
        Err(refusal) => return choose_again(&request, &params, &session, &refusal).await,
    };
    let done = params.clone().without(&["identity_hint"]);
    let done = without_prompt(done, Prompt::SelectAccount);
    if to == session.acting {
        return Ok(back(&request, &done));
    }
    match Stop::refusal(switch(&request.ctx, &session, to).await)? {
        Ok((_, cookie)) => {
            let realm = &request.ctx.realm;
            let name = cookies::session_name(realm);
            let cookie = cookies::set(realm, name, cookie.expose().to_owned(), None);
            Ok(with_cookie(back(&request, &done), cookie))
        }
        // Between page and form the need was seen: the endpoint asks for what is missing.
        Err(Refusal::StepUpRequired) => Ok(back(&request, &params)),
        Err(refusal) => choose_again(&request, &params, &session, &refusal).await,
    }
}

async fn choose_again(
    request: &Request,
    params: &Params,
    session: &Session,
    refusal: &Refusal,
) -> Answer {
    choose_page(request, params, session, Some(request.notice(refusal))).await
}

pub async fn get_consent(request: Request) -> Answer {
    let Ok(params) = request.query() else { return request.forbidden() };
    let Some(session) = request.standing_session().await? else {
        return Ok(back(&request, &params));
    };
    let acting = acting(&request, &session.session).await?;
    // Decided anew, so that the page cannot be asked to lie.
    let Some(needed) = consent_needed(&request.ctx, params.clone(), session).await? else {
        return Ok(back(&request, &params));
    };
    let page = ConsentPage {
        client: needed.client.name.in_language(request.language()).to_owned(),
        scopes: needed.scope.iter().map(|one| format!("scope-{}", one.replace('_', "-"))).collect(),
        apis: needed
            .resources
            .iter()
            .filter_map(|name| request.ctx.realm.resources.get(name))
            .map(|api| api.name.in_language(request.language()).to_owned())
            .collect(),
        request: needed.params.encode(),
    };
    request.page_as(StatusCode::OK, acting, &page)
}

pub async fn post_consent(asked: Asked) -> Answer {
    let Asked { request, form, params, session } = asked;
    let Some(needed) = consent_needed(&request.ctx, params.clone(), session).await? else {
        return Ok(back(&request, &params));
    };
    if form.get("act") == Some("allow") {
        let params = give_consent(&request.ctx, &needed).await?;
        return Ok(back(&request, &params));
    }
    let fields = vec![
        ("error", ErrorCode::AccessDenied.name().to_owned()),
        ("error_description", "the person refused".to_owned()),
    ];
    to_client(&request, &needed.destination, fields)
}

/// The person's level is less than the application asks for: the step to the next one, until it is
/// reached (L-11). Then the request goes on, and asks this session to prove it.
pub async fn get_raise(request: Request) -> Answer {
    let Ok(params) = request.query() else { return request.forbidden() };
    let Some(session) = request.standing_session().await? else {
        return Ok(back(&request, &params));
    };
    match reach_needed(&request.ctx, params.clone(), session).await? {
        Some(needed) => raise_page(&request, &needed, None).await,
        None => Ok(back(&request, &params)),
    }
}

async fn raise_page(request: &Request, needed: &ReachNeeded, refusal: Option<&Refusal>) -> Answer {
    let standing = level::find(&request.ctx, &needed.session).await?;
    let notice = refusal.map(|refusal| request.notice(refusal));
    let status = status_of(notice.as_ref());
    let identity = identity(request, &needed.session).await?;
    let audience = request.ctx.realm.audience_of(&needed.session.entrance);
    let opens = |identity: &ActingIdentity| {
        let (role, documents) = (Role::of(identity), Function::PersonalInformation);
        role.may(documents) && documents.is_for(audience, role)
    };
    let page = RaisePage {
        client: needed.client.name.in_language(request.language()).to_owned(),
        level: standing.level,
        wanted: request.text(&format!("level-short-{}", needed.wanted)),
        next: standing.next.map(NextStep::name),
        may_renew: identity.as_ref().is_some_and(opens),
        request: needed.params.encode(),
        notice,
    };
    let acting = identity.map(|identity| view::acting_title(request, &identity));
    request.page_as(status, acting, &page)
}

pub async fn post_raise(asked: Asked) -> Answer {
    let Asked { request, form, params, session } = asked;
    let Some(needed) = reach_needed(&request.ctx, params.clone(), session).await? else {
        return Ok(back(&request, &params));
    };
    if form.get("act") != Some("raise") {
        let fields = vec![
            ("error", ErrorCode::AccessDenied.name().to_owned()),
            ("error_description", "the person did not raise their level".to_owned()),
        ];
        return to_client(&request, &needed.destination, fields);
    }
    let then = Then::Authorize(params.clone().into_map());
    match Stop::refusal(raise_next(&request.ctx, &needed.session, "", then).await)? {
        Ok(Raised::Done) => Ok(back(&request, &params)),
        Ok(Raised::Begun(transaction)) => Ok(to_second_factor(&request, &transaction)),
        Err(refusal) => raise_page(&request, &needed, Some(&refusal)).await,
    }
}

/// Signed in for something else, and the ways out: sign in for this application, or back to it.
pub async fn get_leave(request: Request) -> Answer {
    let Ok(params) = request.query() else { return request.forbidden() };
    let Some(session) = request.standing_session().await? else {
        return Ok(back(&request, &params));
    };
    let acting = acting(&request, &session.session).await?;
    let needed = leave_needed(&request.ctx, params.clone(), session).await?;
    let Some((_, client, _)) = needed else { return Ok(back(&request, &params)) };
    let page = LeavePage {
        client: client.name.in_language(request.language()).to_owned(),
        request: params.encode(),
    };
    request.page_as(StatusCode::OK, acting, &page)
}

pub async fn post_leave(asked: Asked) -> Answer {
    let Asked { request, form, params, session } = asked;
    let Some((going_on, _, destination)) =
        leave_needed(&request.ctx, params.clone(), session).await?
    else {
        return Ok(back(&request, &params));
    };
    if form.get("act") == Some("sign_in") {
        return sign_in(&request, going_on).await;
    }
    let fields = vec![
        ("error", ErrorCode::AccessDenied.name().to_owned()),
        ("error_description", "signed_in_for_social_insurance".to_owned()),
    ];
    to_client(&request, &destination, fields)
}
