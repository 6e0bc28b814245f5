//! The authorization endpoint: a checked request, the session behind it, what the person still
//! has to do, and the code at the end.

use std::sync::Arc;

use super::{Ctx, Fault, Stop, identity, step_up, switching};
use crate::base::id::{GrantId, PersonId};
use crate::base::secret::{Secret, keyed_hash};
use crate::domain::acting::ActingIdentity;
use crate::domain::audit::AuditEvent;
use crate::domain::entrance::Audience;
use crate::domain::login::Errand;
use crate::domain::person::AccountStatus;
use crate::jose::jwt::verify;
use crate::oidc::authorize::{AuthorizeRequest, Destination, Prompt, check, destination};
use crate::oidc::claims::{IdClaims, level};
use crate::oidc::engine::{Bound, bind};
use crate::oidc::error::{ErrorCode, OAuthError};
use crate::oidc::params::Params;
use crate::oidc::scope::Scopes;
use crate::realm::client::Client;
use crate::realm::file::GrantType;
use crate::store::grants::{GrantState, StoredGrant};
use crate::store::sessions::{Session, SessionClient};
use crate::store::standing::StandingSession;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// What the endpoint answers.
pub enum Answer {
    /// Not to be sent anywhere: a page.
    Page(OAuthError),
    /// To the client, in its response mode.
    Error(Destination, OAuthError),
    /// The person signs in first; the request waits.
    SignIn(Params),
    /// The person chooses an identity first.
    Choose(Params),
    /// The person proves more first, or again.
    StepUp(Params, Box<Session>, Errand),
    /// The person agrees first.
    Consent(Box<ConsentNeeded>),
    /// The session was moved to the hinted identity; the request goes on under a new cookie.
    Switched(Params, Secret),
    Code {
        destination: Destination,
        code: Secret,
    },
}

pub struct ConsentNeeded {
    pub params: Params,
    pub client: Arc<Client>,
    pub scope: Scopes,
    pub destination: Destination,
}

struct Asked {
    params: Params,
    client: Arc<Client>,
    request: AuthorizeRequest,
    bound: Bound,
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
    let silent = asked.request.prompt.contains(&Prompt::None);
    let found = session.filter(|_| !asked.request.prompt.contains(&Prompt::Login));
    let Some(StandingSession { session, standing }) = found else {
        return Ok(sign_in(asked, silent));
    };
    // What one audience signed in to is nothing to the other (I-01, I-03).
    match (ctx.realm.audience_of(&session.entrance), asked.client.audience) {
        (Audience::SocialInsurance, Audience::Tax) => {
            let error = OAuthError::new(ErrorCode::AccessDenied, "signed_in_for_social_insurance");
            return Ok(Answer::Error(asked.request.destination, error));
        }
        (Audience::Tax, Audience::SocialInsurance) => return Ok(sign_in(asked, silent)),
        _ => {}
    }
    // Account and authorisation are read at every issue (security rule 5).
    let is_live = standing.account_status == AccountStatus::Active;
    let identity = identity::of(ctx, session.person, session.acting, standing.held);
    let (Ok(identity), true, true) = (identity, is_live, is_hinted(ctx, &asked, &session)?) else {
        return Ok(sign_in(asked, silent));
    };
    if let Some(answer) = find_wanted(ctx, &asked, &session, &identity).await? {
        return Ok(answer);
    }
    if asked.request.prompt.contains(&Prompt::SelectAccount) {
        return Ok(Answer::Choose(asked.params));
    }
    let wanted: Vec<u8> = asked.request.acr_values.iter().filter_map(|acr| level(acr)).collect();
    let error = |code, reason| OAuthError::new(code, reason);
    match step_up::need(ctx, &session, &wanted).await? {
        step_up::Need::Nothing => {}
        step_up::Need::Unmet => {
            let reason = "the person has not reached this level";
            let error = error(ErrorCode::UnmetAuthenticationRequirements, reason);
            return Ok(Answer::Error(asked.request.destination, error));
        }
        step_up::Need::Step if silent => {
            let error = error(ErrorCode::InteractionRequired, "a higher level is to be proved");
            return Ok(Answer::Error(asked.request.destination, error));
        }
        step_up::Need::Step => return Ok(step_up(asked, session, Errand::Raise)),
    }
    if asked.request.max_age.is_some_and(|age| ctx.now().since(session.auth_time) > age) {
        return Ok(match step_up::door(ctx, &session, &Errand::Renew) {
            Some(_) if !silent => step_up(asked, session, Errand::Renew),
            _ => sign_in(asked, silent),
        });
    }
    if needs_consent(ctx, &asked, session.person).await? {
        let error = OAuthError::new(ErrorCode::ConsentRequired, "the person has not agreed yet");
        return Ok(if silent {
            Answer::Error(asked.request.destination, error)
        } else {
            Answer::Consent(Box::new(ConsentNeeded {
                scope: asked.bound.scope.and(&asked.request.claims.scopes()),
                destination: asked.request.destination,
                client: asked.client,
                params: asked.params,
            }))
        });
    }
    let code = issue_code(ctx, &asked, &session, &identity).await?;
    Ok(Answer::Code { destination: asked.request.destination, code })
}

fn read(ctx: &Ctx, params: Params) -> Result<Asked, Box<Answer>> {
    let page = |reason| Box::new(Answer::Page(OAuthError::request(reason)));
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
    let request = check(&params, destination.clone(), &client.scopes).map_err(to_client)?;
    let bound = bind(&params, &request).map_err(to_client)?;
    Ok(Asked { params, client, request, bound })
}

/// What the step proves is as young as can be, so that the request does not ask for it again.
fn step_up(asked: Asked, session: Session, errand: Errand) -> Answer {
    Answer::StepUp(asked.params.without(&["max_age"]), Box::new(session), errand)
}

fn sign_in(asked: Asked, silent: bool) -> Answer {
    if silent {
        let error = OAuthError::new(ErrorCode::LoginRequired, "a sign-in is needed");
        return Answer::Error(asked.request.destination, error);
    }
    // What signing in fulfils is taken out, so that the request does not ask for it again.
    let consent = asked.request.prompt.contains(&Prompt::Consent);
    let mut params = asked.params.without(&["prompt", "max_age"]).into_map();
    if consent {
        params.insert("prompt".to_owned(), "consent".to_owned());
    }
    Answer::SignIn(Params::from_map(params))
}

/// `id_token_hint`: the session must be of the person whom the client knows (expiry ignored).
fn is_hinted(ctx: &Ctx, asked: &Asked, session: &Session) -> Result<bool, Fault> {
    let Some(hint) = &asked.request.id_token_hint else { return Ok(true) };
    let published = ctx.services.keys.of(&ctx.realm)?;
    let claims = verify::<IdClaims>(&published.keys, "JWT", hint);
    let subject = subject(ctx, &asked.client, session.person);
    Ok(claims.is_ok_and(|claims| claims.sub == subject && claims.iss == ctx.realm.issuer))
}

/// `authorization_details` (RFC 9396) and `identity_hint`: an identity that fits is kept, the only
/// one that fits taken without a question, several are chosen from. One that is not held is refused,
/// never replaced by another.
async fn find_wanted(
    ctx: &Ctx,
    asked: &Asked,
    session: &Session,
    now: &ActingIdentity,
) -> Result<Option<Answer>, Stop> {
    let needs = switching::needed(ctx, &asked.request.needs).await?;
    if needs.iter().all(|needed| needed.fits(now)) {
        return Ok(None);
    }
    let error = |code, reason| {
        let error = OAuthError::new(code, reason);
        Ok(Some(Answer::Error(asked.request.destination.clone(), error)))
    };
    let fitting = switching::fitting_choices(ctx, session, &needs).await?;
    match switching::references(&fitting).as_slice() {
        [] => error(ErrorCode::AccessDenied, "identity_not_held"),
        [only] => match Stop::refusal(switching::switch(ctx, session, *only).await)? {
            Ok((_, cookie)) => Ok(Some(Answer::Switched(asked.params.clone(), cookie))),
            Err(_) => error(ErrorCode::AccessDenied, "identity_not_held"),
        },
        _ if asked.request.prompt.contains(&Prompt::None) => {
            error(ErrorCode::InteractionRequired, "several identities fit")
        }
        _ => Ok(Some(Answer::Choose(asked.params.clone()))),
    }
}

async fn needs_consent(ctx: &Ctx, asked: &Asked, person: PersonId) -> Result<bool, Fault> {
    if asked.request.prompt.contains(&Prompt::Consent) {
        return Ok(true);
    }
    if !asked.client.consent {
        return Ok(false);
    }
    let (grants, client) = (ctx.rows().grants(), &asked.client.client_id);
    let wanted = asked.bound.scope.and(&asked.request.claims.scopes());
    let given = grants.consent(person, client).await?;
    Ok(!given.is_some_and(|given| wanted.is_within(&Scopes::parse(&given))))
}

/// Remembers what was agreed to; the request may go on.
pub async fn give_consent(
    ctx: &Ctx,
    needed: &ConsentNeeded,
    person: PersonId,
) -> Result<Params, Fault> {
    let (client, scope) = (&needed.client.client_id, needed.scope.to_string());
    let event = AuditEvent::ConsentGiven { person, client: client.clone(), scope: scope.clone() };
    let tx = ctx.begin().await?;
    tx.rows().grants().add_consent(person, client, &scope, ctx.now()).await?;
    tx.note(event);
    tx.commit().await?;
    Ok(needed.params.clone().without(&["prompt"]))
}

/// `sub`: the person's id, or one that differs for each client (OIDC Core §8.1).
pub fn subject(ctx: &Ctx, client: &Client, person: PersonId) -> String {
    if !client.pairwise {
        return person.to_string();
    }
    let parts: [&[u8]; 2] = [client.client_id.as_bytes(), person.0.as_bytes()];
    BASE64_URL_SAFE_NO_PAD.encode(keyed_hash(&ctx.services.secrets.pairwise, &parts))
}

async fn issue_code(
    ctx: &Ctx,
    asked: &Asked,
    session: &Session,
    identity: &ActingIdentity,
) -> Result<Secret, Fault> {
    let (now, code) = (ctx.now(), ctx.random().token());
    let lifetimes = &ctx.realm.lifetimes;
    let subject = subject(ctx, &asked.client, session.person);
    let sid = session.acting.sid(&ctx.services.secrets.sid, session.id);
    let grant = StoredGrant {
        id: GrantId::new(&ctx.services.clock, ctx.random()),
        client_id: asked.client.client_id.clone(),
        person: session.person,
        account: session.account,
        session: session.id,
        subject: subject.clone(),
        acting: session.acting,
        sid: sid.clone(),
        scope: asked.bound.scope.to_string(),
        permissions: identity.permissions(),
        redirect_uri: asked.request.destination.redirect_uri.clone(),
        extensions: serde_json::to_string(&asked.bound.extensions)
            .map_err(|error| Fault::Internal(error.to_string()))?,
        amr: session.amr.clone(),
        acr: session.acr,
        auth_time: session.auth_time,
        created_at: now,
        expires_at: now.plus(lifetimes.refresh_token),
        state: GrantState::Code { expires_at: now.plus(lifetimes.code) },
        dpop_jkt: asked.request.dpop_jkt.clone(),
    };
    let client = SessionClient { client_id: grant.client_id.clone(), sid, subject };
    let tx = ctx.begin().await?;
    tx.rows().grants().add(&grant, code.hashed()).await?;
    tx.rows().sessions().add_client(session.id, &client).await?;
    tx.commit().await?;
    Ok(code)
}
