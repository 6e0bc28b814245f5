//! The authorization endpoint: a checked request and the facts behind it, and what follows from the
//! decision of `oidc::needs`: a page, a switch, a code. Pages ask what is needed without moving
//! anything.

use std::sync::Arc;

use crate::base::id::PersonId;
use crate::base::secret::Secret;
use crate::domain::acting::{Acting, ActingIdentity};
use crate::domain::audit::AuditEvent;
use crate::domain::function::{Function, Role};
use crate::domain::login::Errand;
use crate::domain::session::Session;
use crate::flows::identity::{load, switch};
use crate::flows::keys::signs_for;
use crate::flows::oauth::asking;
use crate::flows::oauth::code;
use crate::flows::oauth::hints::{self, Hint};
use crate::flows::oauth::subject::subject;
use crate::flows::sign_in::{level, step_up};
use crate::flows::{Ctx, Fault, Stop, unannounced};
use crate::oidc::authorize::{
    AuthorizeRequest, Destination, KNOWN, LONGEST, Prompt, Registered, check, destination,
};
use crate::oidc::engine::{Bound, bind};
use crate::oidc::error::{ErrorCode, OAuthError};
use crate::oidc::needs::{Act, Decision, Fit, SessionView, View, decide, lowest_level};
use crate::oidc::params::Params;
use crate::oidc::resource::Resources;
use crate::oidc::scope::Scopes;
use crate::realm::Realm;
use crate::realm::client::Client;
use crate::realm::registration::{GrantType, Pkce};
use crate::store::grants::StoredGrant;
use crate::store::sessions::SessionClient;
use crate::store::standing::StandingSession;

/// What the endpoint answers.
pub enum Answer {
    /// Not to be sent anywhere: a page.
    Page(OAuthError),
    /// To the client, in its response mode.
    Error(Destination, OAuthError),
    /// The person signs in first; the request waits.
    SignIn {
        params: Params,
        /// Somebody else is signed in than the application names.
        names_another: bool,
    },
    /// The person chooses an identity first.
    Choose(Params),
    /// The person proves more first, or again.
    StepUp(Params, Box<Session>, Errand),
    /// The person agrees first.
    Consent(Params),
    /// The person is signed in for something else.
    Leave(Params),
    /// The person reaches a higher level first.
    Reach(Params),
    /// The session was moved to the hinted identity; the request goes on under a new cookie.
    Switched(Params, Secret),
    Code {
        destination: Destination,
        code: Secret,
    },
}

struct Asked {
    params: Params,
    client: Arc<Client>,
    request: AuthorizeRequest,
    bound: Bound,
}

impl Asked {
    /// All that the client would learn.
    fn scope(&self) -> Scopes {
        self.bound.scope.and(&self.request.claims.scopes())
    }

    /// What is agreed to: that, and the APIs that the client would use in the person's name.
    fn agreed(&self, realm: &Realm) -> Scopes {
        let apis = self.request.resources.iter().filter(|name| **name != realm.issuer);
        let apis: Vec<&str> = apis.map(String::as_str).collect();
        self.scope().and(&Scopes::parse(&apis.join(" ")))
    }

    fn grant(
        &self,
        ctx: &Ctx,
        session: &Session,
        identity: &ActingIdentity,
    ) -> Result<StoredGrant, Fault> {
        code::grant(ctx, (&self.client, &self.request, &self.bound), session, identity)
    }
}

/// Who is signed in, in an identity that stands.
struct SignedIn {
    session: Session,
    identity: ActingIdentity,
}

/// A request that was looked at, and what is to become of it.
struct Looked {
    decision: Decision,
    signed_in: Option<SignedIn>,
    names_another: bool,
}

pub async fn authorize(
    ctx: &Ctx,
    params: Params,
    session: Option<StandingSession>,
) -> Result<Answer, Stop> {
    let asked = match read(ctx, params) {
        Ok(asked) => asked,
        Err(answer) => return Ok(*answer),
    };
    let Looked { decision, signed_in, names_another } = look(ctx, &asked, session).await?;
    let act = match (decision, signed_in) {
        (Decision::Issue, Some(signed_in)) => {
            let code = issue_code(ctx, &asked, &signed_in).await?;
            return Ok(Answer::Code { destination: asked.request.destination, code });
        }
        (Decision::Refuse(error), _) => {
            return Ok(Answer::Error(asked.request.destination, error));
        }
        (Decision::Do(Act::Switch(to)), Some(signed_in)) => {
            return switch_to(ctx, asked, &signed_in.session, to).await;
        }
        (Decision::Do(Act::Raise), Some(signed_in)) => {
            return Ok(step_up(asked, signed_in.session, Errand::Raise));
        }
        (Decision::Do(Act::Renew | Act::Second), Some(signed_in)) => {
            return Ok(step_up(asked, signed_in.session, Errand::Renew));
        }
        (Decision::Do(act), _) => act,
        (Decision::Issue, None) => Act::SignIn,
    };
    Ok(match act {
        Act::Choose => Answer::Choose(asked.params),
        Act::Consent => Answer::Consent(asked.params),
        Act::Leave => Answer::Leave(asked.params),
        Act::Reach => Answer::Reach(asked.params),
        _ => Answer::SignIn { params: signing_in(asked), names_another },
    })
}

/// What the person is asked to agree to.
pub struct ConsentNeeded {
    pub params: Params,
    pub client: Arc<Client>,
    pub scope: Scopes,
    /// Identifiers of the APIs.
    pub resources: Resources,
    pub destination: Destination,
    person: PersonId,
    agreed: Scopes,
}

/// The agreement that stands between this request and its code; `None` where something else does,
/// or nothing. Moves nothing.
pub async fn consent_needed(
    ctx: &Ctx,
    params: Params,
    session: StandingSession,
) -> Result<Option<ConsentNeeded>, Stop> {
    let Ok(asked) = read(ctx, params) else { return Ok(None) };
    let person = session.session.person;
    let looked = look(ctx, &asked, Some(session)).await?;
    let (scope, agreed) = (asked.scope(), asked.agreed(&ctx.realm));
    Ok((looked.decision == Decision::Do(Act::Consent)).then_some(ConsentNeeded {
        params: asked.params,
        client: asked.client,
        scope,
        agreed,
        resources: asked.request.resources,
        destination: asked.request.destination,
        person,
    }))
}

/// The application that waits while the person is signed in for something else.
pub async fn leave_needed(
    ctx: &Ctx,
    params: Params,
    session: StandingSession,
) -> Result<Option<(Params, Arc<Client>, Destination)>, Stop> {
    let Ok(asked) = read(ctx, params) else { return Ok(None) };
    let looked = look(ctx, &asked, Some(session)).await?;
    let waits = looked.decision == Decision::Do(Act::Leave);
    Ok(waits.then(|| {
        let (client, destination) = (asked.client.clone(), asked.request.destination.clone());
        (signing_in(asked), client, destination)
    }))
}

/// The level that is to be reached before the request goes on.
pub struct ReachNeeded {
    pub params: Params,
    pub client: Arc<Client>,
    pub session: Session,
    pub destination: Destination,
    /// The lowest level that will do.
    pub wanted: u8,
}

/// `None` where something else than the person's level stands between this request and its code, or
/// nothing. Moves nothing.
pub async fn reach_needed(
    ctx: &Ctx,
    params: Params,
    session: StandingSession,
) -> Result<Option<ReachNeeded>, Stop> {
    let Ok(asked) = read(ctx, params) else { return Ok(None) };
    let Looked { decision, signed_in, .. } = look(ctx, &asked, Some(session)).await?;
    let signed_in = signed_in.filter(|_| decision == Decision::Do(Act::Reach));
    Ok(signed_in.map(|signed_in| ReachNeeded {
        wanted: lowest_level(&asked.request).unwrap_or_default(),
        params: asked.params,
        client: asked.client,
        session: signed_in.session,
        destination: asked.request.destination,
    }))
}

/// The session for which an identity is to be chosen; `None` where something else stands between
/// this request and its code, or nothing. Moves nothing.
pub async fn choice_needed(
    ctx: &Ctx,
    params: Params,
    session: StandingSession,
) -> Result<Option<Session>, Stop> {
    let Ok(asked) = read(ctx, params) else { return Ok(None) };
    let Looked { decision, signed_in, .. } = look(ctx, &asked, Some(session)).await?;
    let signed_in = signed_in.filter(|_| decision == Decision::Do(Act::Choose));
    Ok(signed_in.map(|signed_in| signed_in.session))
}

/// Loads what the list of needs looks at, each fact only where it can matter, and decides.
async fn look(ctx: &Ctx, asked: &Asked, found: Option<StandingSession>) -> Result<Looked, Stop> {
    let decide =
        |session| decide(&View { request: &asked.request, audience: asked.client.serves, session });
    let nobody = |decision| Looked { decision, signed_in: None, names_another: false };
    let hint = hints::read(ctx, asked.request.id_token_hint.as_deref()).await?;
    if hint == Hint::NotOurs {
        // Nobody could ever be the one whom it names.
        let error = OAuthError::new(ErrorCode::LoginRequired, "id_token_hint is not ours");
        return Ok(nobody(Decision::Refuse(error)));
    }
    let Some(StandingSession { session, standing }) = found else {
        return Ok(nobody(decide(None)));
    };
    // Account and authorisation are read at every issue (security rule 5).
    let is_live = standing.is_account_open;
    let identity = load::of(ctx, session.person, session.acting, standing.held).ok();
    let is_whole = is_live && identity.is_some();
    let subject = subject(ctx, &asked.client, session.person);
    let stands = is_whole && hints::may_be(ctx, &asked.request, &hint, &session, &subject).await?;
    let fit = match &identity {
        Some(identity) if stands => fit(ctx, asked, &session, identity).await?,
        _ => Fit::Fits,
    };
    let knows_client = match &fit {
        Fit::Fits => false,
        Fit::Others(_) => {
            let clients = ctx.rows().sessions().clients(session.id).await?;
            clients.iter().any(|one| one.client_id == asked.client.client_id)
        }
    };
    let provable = match stands && !asked.request.acr_values.is_empty() {
        true => step_up::provable(ctx, session.person).await?,
        false => 0,
    };
    let view = SessionView {
        audience: ctx.realm.audience_of(&session.entrance),
        stands,
        fit,
        knows_client,
        level: session.acr,
        lacks_second_factor: ctx.realm.lacks_second_factor(&session),
        is_bound_to_its_door: ctx.realm.is_bound_to_its_door(&session),
        is_personal: session.acting == Acting::Personal,
        provable,
        reachable: match (&identity, provable) {
            // Whose person may raise their level in a centre, may do so on the way to an application.
            (Some(identity), 1..) if Role::of(identity).may(Function::PersonalInformation) => {
                level::reachable(ctx, &session).await?
            }
            _ => 0,
        },
        age: ctx.now().since(session.auth_time),
        may_renew: step_up::door(ctx, &session, &Errand::Renew).is_some(),
        agreed: !stands || has_agreed(ctx, asked, session.person).await?,
    };
    let signed_in = identity.map(|identity| SignedIn { session, identity });
    let names_another = is_whole && !stands;
    Ok(Looked { decision: decide(Some(view)), signed_in, names_another })
}

fn read(ctx: &Ctx, params: Params) -> Result<Asked, Box<Answer>> {
    asking::with(&params, None);
    let page = |reason| Box::new(Answer::Page(OAuthError::request(reason)));
    let params = params.only(&KNOWN);
    if params.length() > LONGEST {
        return Err(page("the request is too long"));
    }
    let client_id = params.get("client_id").ok_or_else(|| page("client_id is missing"))?;
    let client = ctx.realm.clients.get(client_id).ok_or_else(|| page("client_id is unknown"))?;
    let client = Arc::clone(client);
    let destination = destination(&params, |uri| client.accepts_redirect(uri))
        .map_err(|error| Box::new(Answer::Page(error)))?;
    let to_client = |error| Box::new(Answer::Error(destination.clone(), error));
    if !client.may(GrantType::AuthorizationCode) {
        let error = OAuthError::new(ErrorCode::UnauthorizedClient, "the client may not use codes");
        return Err(to_client(error));
    }
    let request = check(
        &params,
        destination.clone(),
        &Registered {
            scopes: &client.scopes,
            needs_pkce: client.pkce == Pkce::Required,
            may_ask: &|resource| ctx.realm.may_ask(&client.client_id, resource),
        },
    )
    .map_err(to_client)?;
    // Before anybody signs in for a code that could not be redeemed.
    if signs_for(ctx, &client, &request.resources).is_ok_and(|signs| !signs) {
        return Err(to_client(unannounced()));
    }
    let bound = bind(&params, &request).map_err(to_client)?;
    Ok(Asked { params, client, request, bound })
}

/// What the step proves is as young as can be, so that the request does not ask for it again.
fn step_up(asked: Asked, session: Session, errand: Errand) -> Answer {
    Answer::StepUp(asked.params.without(&["max_age"]), Box::new(session), errand)
}

/// The request as it goes on after a sign-in.
fn signing_in(asked: Asked) -> Params {
    // What signing in fulfils is taken out, so that the request does not ask for it again.
    let consent = asked.request.prompt.contains(&Prompt::Consent);
    let mut params = asked.params.without(&["prompt", "max_age"]).into_map();
    if consent {
        params.insert("prompt".to_owned(), "consent".to_owned());
    }
    Params::from_map(params)
}

/// How the identity in use fits what the application wants, or which others would.
async fn fit(
    ctx: &Ctx,
    asked: &Asked,
    session: &Session,
    identity: &ActingIdentity,
) -> Result<Fit, Fault> {
    let needs = switch::needed(ctx, &asked.request.needs).await?;
    if needs.iter().all(|needed| needed.fits(identity)) {
        return Ok(Fit::Fits);
    }
    let fitting = switch::fitting_choices(ctx, session, &needs).await?;
    Ok(Fit::Others(switch::references(&fitting)))
}

/// To the only identity that fits; one that cannot be moved to is not held.
async fn switch_to(ctx: &Ctx, asked: Asked, session: &Session, to: Acting) -> Result<Answer, Stop> {
    let switched = Stop::refusal(switch::switch(ctx, session, to).await)?;
    let Ok((_, cookie)) = switched else {
        let error = OAuthError::new(ErrorCode::AccessDenied, "identity_not_held");
        return Ok(Answer::Error(asked.request.destination, error));
    };
    Ok(Answer::Switched(asked.params, cookie))
}

async fn has_agreed(ctx: &Ctx, asked: &Asked, person: PersonId) -> Result<bool, Fault> {
    if !asked.client.consent {
        return Ok(true);
    }
    let given = ctx.rows().grants().consent(person, &asked.client.client_id).await?;
    Ok(given.is_some_and(|given| asked.agreed(&ctx.realm).is_within(&Scopes::parse(&given))))
}

/// Remembers what was agreed to, beside what was before; the request may go on.
pub async fn give_consent(ctx: &Ctx, needed: &ConsentNeeded) -> Result<Params, Fault> {
    let person = needed.person;
    let (client, scope) = (&needed.client.client_id, needed.agreed.to_string());
    let event = AuditEvent::ConsentGiven { person, client: client.clone(), scope };
    let tx = ctx.begin().await?;
    let grants = tx.rows().grants();
    let before = grants.consent(person, client).await?.unwrap_or_default();
    let all = needed.agreed.and(&Scopes::parse(&before)).to_string();
    grants.add_consent(person, client, &all, ctx.now()).await?;
    tx.note(event);
    tx.commit().await?;
    Ok(needed.params.clone().without(&["prompt"]))
}

async fn issue_code(ctx: &Ctx, asked: &Asked, signed_in: &SignedIn) -> Result<Secret, Fault> {
    let SignedIn { session, identity } = signed_in;
    let (grant, code) = (asked.grant(ctx, session, identity)?, ctx.random().token());
    let client = SessionClient {
        client_id: grant.client_id.clone(),
        sid: grant.sid.clone(),
        subject: grant.subject.clone(),
    };
    let tx = ctx.begin().await?;
    tx.rows().grants().add(&grant, code.hashed()).await?;
    tx.rows().sessions().add_client(session.id, &client).await?;
    tx.commit().await?;
    Ok(code)
}

/// What a request would come to in a session.
pub struct Preview {
    pub decision: Decision,
    /// All that is agreed to, where the application asks for it.
    pub asks_consent: Option<Scopes>,
    /// What its code would stand for, once everything that is still needed is done.
    pub grant: Option<(StoredGrant, ActingIdentity)>,
}

/// Moves nothing, and keeps nothing.
pub async fn preview(ctx: &Ctx, params: Params, session: StandingSession) -> Result<Preview, Stop> {
    let asked = match read(ctx, params) {
        Ok(asked) => asked,
        Err(answer) => {
            return Err(match *answer {
                Answer::Page(error) | Answer::Error(_, error) => error.into(),
                _ => OAuthError::request("the request is not one").into(),
            });
        }
    };
    let Looked { decision, signed_in, .. } = look(ctx, &asked, Some(session)).await?;
    let grant = match signed_in {
        Some(SignedIn { session, identity }) => {
            Some((asked.grant(ctx, &session, &identity)?, identity))
        }
        None => None,
    };
    Ok(Preview {
        decision,
        asks_consent: asked.client.consent.then(|| asked.agreed(&ctx.realm)),
        grant,
    })
}
