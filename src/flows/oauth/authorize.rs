//! The authorization endpoint: a checked request and the facts behind it, and what follows from the
//! decision of `oidc::needs`: a page, a switch, a code. Pages ask what is needed without moving
//! anything.

use std::sync::Arc;

use crate::base::id::PersonId;
use crate::base::secret::Secret;
use crate::domain::acting::{Acting, ActingIdentity};
use crate::domain::audit::AuditEvent;
use crate::domain::login::Errand;
use crate::domain::session::Session;
use crate::flows::identity::switch;
use crate::flows::oauth::asked::{Asked, Unasked, read};
use crate::flows::oauth::looked::{Looked, SignedIn, look};
use crate::flows::{Ctx, Fault, Stop};
use crate::oidc::authorize::{Destination, Prompt, without_prompt};
use crate::oidc::error::{ErrorCode, OAuthError};
use crate::oidc::needs::{Act, Decision, lowest_level};
use crate::oidc::params::Params;
use crate::oidc::resource::Resources;
use crate::oidc::scope::Scopes;
use crate::realm::client::Client;
use crate::store::grants::StoredGrant;
use crate::store::session_clients::SessionClient;
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
    /// What it rests on has changed since it was read: the browser asks once more.
    Changed(Params),
    Code {
        destination: Destination,
        code: Secret,
    },
}

impl From<Box<Unasked>> for Answer {
    fn from(unasked: Box<Unasked>) -> Self {
        match *unasked {
            Unasked::Page(error) => Self::Page(error),
            Unasked::Error(destination, error) => Self::Error(destination, error),
        }
    }
}

pub async fn authorize(
    ctx: &Ctx,
    params: Params,
    session: Option<StandingSession>,
) -> Result<Answer, Stop> {
    let asked = match read(ctx, params) {
        Ok(asked) => asked,
        Err(unasked) => return Ok(unasked.into()),
    };
    let Looked { decision, signed_in, names_another } = look(ctx, &asked, session).await?;
    let act = match (decision, signed_in) {
        (Decision::Issue, Some(signed_in)) => {
            return Ok(match issue_code(ctx, &asked, &signed_in).await? {
                Some(code) => Answer::Code { destination: asked.request.destination, code },
                None => Answer::Changed(asked.params),
            });
        }
        (Decision::Refuse(error), _) => {
            return Ok(Answer::Error(asked.request.destination, error));
        }
        (Decision::Do(Act::Switch(to)), Some(signed_in)) => {
            return switch_to(ctx, asked, &signed_in.session, to).await;
        }
        (Decision::Do(Act::Raise), Some(signed_in)) => {
            return Ok(step_up(asked, signed_in, Errand::Raise));
        }
        (Decision::Do(Act::Renew | Act::Second), Some(signed_in)) => {
            return Ok(step_up(asked, signed_in, Errand::Renew));
        }
        (Decision::Do(act), _) => act,
        (Decision::Issue, None) => Act::SignIn,
    };
    Ok(match act {
        Act::Choose => Answer::Choose(asked.params),
        Act::Consent => Answer::Consent(asked.params),
        Act::Leave => Answer::Leave(asked.params),
        Act::Reach => Answer::Reach(asked.params),
        _ => Answer::SignIn { params: asked.params, names_another },
    })
}

fn step_up(asked: Asked, signed_in: SignedIn, errand: Errand) -> Answer {
    Answer::StepUp(asked.params, Box::new(signed_in.session), errand)
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
        (asked.params, client, destination)
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

/// To the only identity that fits; one that cannot be moved to is not held.
async fn switch_to(ctx: &Ctx, asked: Asked, session: &Session, to: Acting) -> Result<Answer, Stop> {
    let switched = Stop::refusal(switch::switch(ctx, session, to).await)?;
    let Ok((_, cookie)) = switched else {
        let error = OAuthError::new(ErrorCode::AccessDenied, "identity_not_held");
        return Ok(Answer::Error(asked.request.destination, error));
    };
    Ok(Answer::Switched(asked.params, cookie))
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
    Ok(without_prompt(needed.params.clone(), Prompt::Consent))
}

/// `None`: the session has ended, gone on to another identity or proves another level since it was read, or
/// the person has taken back what they had allowed.
async fn issue_code(
    ctx: &Ctx,
    asked: &Asked,
    signed_in: &SignedIn,
) -> Result<Option<Secret>, Fault> {
    let SignedIn { session, identity, given } = signed_in;
    let (grant, code) = (asked.grant(ctx, session, identity)?, ctx.random().token());
    let client = SessionClient {
        client_id: grant.client_id.clone(),
        sid: grant.sid.clone(),
        subject: grant.subject.clone(),
    };
    let as_read = (session.cookie, given.as_deref());
    let tx = ctx.begin().await?;
    if !tx.rows().grants().add(&grant, code.hashed(), as_read).await? {
        return Ok(None);
    }
    tx.rows().session_clients().add(session.id, &client).await?;
    tx.commit().await?;
    Ok(Some(code))
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
    let asked = read(ctx, params).map_err(|unasked| match *unasked {
        Unasked::Page(error) | Unasked::Error(_, error) => error,
    })?;
    let Looked { decision, signed_in, .. } = look(ctx, &asked, Some(session)).await?;
    let grant = match signed_in {
        Some(SignedIn { session, identity, .. }) => {
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
