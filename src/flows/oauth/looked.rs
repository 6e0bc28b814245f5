//! A session as an authorization request finds it: the facts that the list of needs looks at, and the
//! decision. Nothing is moved here.

use crate::base::id::PersonId;
use crate::domain::acting::{Acting, ActingIdentity};
use crate::domain::function::{Function, Role};
use crate::domain::login::Errand;
use crate::domain::session::Session;
use crate::flows::identity::{load, switch};
use crate::flows::oauth::asked::Asked;
use crate::flows::oauth::hints::{self, Hint};
use crate::flows::oauth::subject::subject;
use crate::flows::sign_in::{level, step_up};
use crate::flows::{Ctx, Fault, Stop};
use crate::oidc::authorize::Prompt;
use crate::oidc::error::{ErrorCode, OAuthError};
use crate::oidc::needs::{Decision, Fit, SessionView, View, decide};
use crate::oidc::scope::Scopes;
use crate::store::standing::StandingSession;

/// Who is signed in, in an identity that stands.
pub struct SignedIn {
    pub session: Session,
    pub identity: ActingIdentity,
    /// What they have allowed an application that asks, as it was read.
    pub given: Option<String>,
}

/// A request that was looked at, and what is to become of it.
pub struct Looked {
    pub decision: Decision,
    pub signed_in: Option<SignedIn>,
    pub names_another: bool,
}

/// Loads what the list of needs looks at, each fact only where it can matter, and decides.
pub async fn look(
    ctx: &Ctx,
    asked: &Asked,
    found: Option<StandingSession>,
) -> Result<Looked, Stop> {
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
    let given = given(ctx, asked, session.person).await?;
    let is_stranger = is_whole && asked.client.consent && given.is_none();
    let knows_client = match &fit {
        Fit::Others(_) if !is_stranger => {
            let (clients, client) =
                (ctx.rows().session_clients().of(session.id).await?, &asked.client.client_id);
            let sid = session.acting.sid(&ctx.services.secrets.sid, session.id);
            clients.iter().any(|one| one.client_id == *client && one.sid == sid)
        }
        _ => false,
    };
    let provable = match stands && !asked.request.acr_values.is_empty() {
        true => step_up::provable(ctx, session.person).await?,
        false => 0,
    };
    let view = SessionView {
        audience: ctx.realm.audience_of(&session.entrance),
        stands,
        fit,
        may_choose: stands && may_choose(ctx, asked, &session).await?,
        knows_client,
        level: session.acr,
        lacks_second_factor: ctx.realm.lacks_second_factor(&session),
        is_bound_to_its_door: ctx.realm.is_bound_to_its_door(&session),
        is_personal: session.acting == Acting::Personal,
        proves_no_person: session.proves_no_person(),
        may_show_face: step_up::may_show_face(ctx, &session),
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
        is_stranger,
        agreed: !asked.client.consent
            || given
                .as_ref()
                .is_some_and(|given| asked.agreed(&ctx.realm).is_within(&Scopes::parse(given))),
    };
    let signed_in = identity.map(|identity| SignedIn { session, identity, given });
    let names_another = is_whole && !stands;
    Ok(Looked { decision: decide(Some(view)), signed_in, names_another })
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
    let fitting = switch::fitting_choices(ctx, session, &needs, "").await?;
    Ok(Fit::Others(switch::references(&fitting)))
}

/// Whether the page that `prompt=select_account` leads to would have anything on it.
async fn may_choose(ctx: &Ctx, asked: &Asked, session: &Session) -> Result<bool, Fault> {
    if !asked.request.prompt.contains(&Prompt::SelectAccount) {
        return Ok(false);
    }
    let needs = switch::needed(ctx, &asked.request.needs).await?;
    let is_free = needs.is_empty() && switch::offers_personal(ctx, session);
    let fitting = switch::fitting_choices(ctx, session, &needs, "").await?;
    Ok(is_free || !switch::references(&fitting).is_empty())
}

/// `None`: nothing, or the application asks for nothing.
async fn given(ctx: &Ctx, asked: &Asked, person: PersonId) -> Result<Option<String>, Fault> {
    match asked.client.consent {
        true => Ok(ctx.rows().grants().consent(person, &asked.client.client_id).await?),
        false => Ok(None),
    }
}
