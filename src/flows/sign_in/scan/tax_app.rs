//! The bureau's own phone application: its person is signed in with tokens that are bound to the
//! phone's key, so that nobody else can scan or confirm in their name. What a code is and
//! becomes stands in `flows::sign_in::scan::code`, the face check in `flows::sign_in::scan::face`.

use crate::base::id::{AccountId, PersonId, SessionId};
use crate::base::secret::Hashed;
use crate::domain::acting::{Acting, ActingIdentity};
use crate::domain::factor::ScanApp;
use crate::domain::mask;
use crate::domain::refusal::Refusal;
use crate::domain::scan::{Confirmed, Number, Phone, Purpose, Scan, ScanState};
use crate::flows::oauth::dpop::Presented;
use crate::flows::oauth::resource::grant_behind;
use crate::flows::people::Agreed;
use crate::flows::sign_in::scan::{code, face};
use crate::flows::{Ctx, Stop};
use crate::oidc::error::{ErrorCode, OAuthError};

/// The scope of tokens that may do this.
const SCOPE: &str = "scan";

/// Who holds the phone.
pub struct AppUser {
    pub person: PersonId,
    account: AccountId,
    session: SessionId,
    acting: Acting,
    era: i64,
    pub identity: ActingIdentity,
    name: String,
    /// Which phone.
    key: String,
}

impl AppUser {
    /// Which phone.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// The person behind a token, read as they are now, every time.
pub async fn user(ctx: &Ctx, presented: &Presented<'_>) -> Result<AppUser, Stop> {
    let (claims, found, identity) = grant_behind(ctx, presented, SCOPE).await?;
    let Some(cnf) = &claims.cnf else {
        let reason = "the token must be bound to the phone's key";
        return Err(OAuthError::new(ErrorCode::InvalidToken, reason).into());
    };
    let (grant, era) = (found.grant, found.standing.era);
    let person = ctx.rows().people().find(grant.person).await?;
    Ok(AppUser {
        person: grant.person,
        account: grant.account,
        session: grant.session,
        acting: grant.acting,
        era,
        identity,
        name: person.map(|person| mask::name(person.name.as_str())).unwrap_or_default(),
        key: Hashed::of(&format!("{}\n{}", grant.client_id, cnf.jkt)).to_text(),
    })
}

/// The code of the Tax app behind an id; the other operator's is not for this one.
async fn own(ctx: &Ctx, code: &str) -> Result<Scan, Stop> {
    match code::find(ctx, code).await? {
        Some(found) if found.app == ScanApp::TaxApp => Ok(found),
        Some(_) => Err(Refusal::State.into()),
        None => Err(Refusal::ScanExpired.into()),
    }
}

pub async fn scan_code(ctx: &Ctx, user: &AppUser, code: &str) -> Result<Scan, Stop> {
    own(ctx, code).await?;
    let phone = Phone { key: user.key.clone(), name: user.name.clone() };
    code::scan(ctx, code, phone, Some(ctx.ip)).await
}

/// The tap for a sign-in, as the identity that the app is signed in with. A verification needs a
/// face instead.
pub async fn confirm(
    ctx: &Ctx,
    user: &AppUser,
    code: &str,
    typed: Option<Number>,
) -> Result<(), Stop> {
    let found = own(ctx, code).await?;
    if found.purpose != Purpose::SignIn {
        return Err(Refusal::State.into());
    }
    let session = ctx.rows().sessions().find_live(user.session).await?.ok_or(Refusal::State)?;
    code::may_confirm(ctx, &session)?;
    let who = Confirmed {
        person: user.person,
        account: user.account,
        acting: user.acting,
        era: user.era,
        session: Some(user.session),
    };
    code::confirm(ctx, code, &user.key, who, typed).await
}

pub async fn cancel(ctx: &Ctx, user: &AppUser, code: &str) -> Result<(), Stop> {
    own(ctx, code).await?;
    code::end(ctx, code, &user.key, ScanState::Cancelled).await
}

/// How the code stands that this phone has scanned.
pub async fn state(ctx: &Ctx, user: &AppUser, code: &str) -> Result<&'static str, Stop> {
    let found = own(ctx, code).await?;
    match found.is_held_by(&user.key) {
        true => Ok(found.stands(ctx.now())),
        false => Err(Refusal::State.into()),
    }
}

/// Where the phone goes for its face check. Another person's phone ends the code.
pub async fn start_face(
    ctx: &Ctx,
    user: &AppUser,
    code: &str,
    number: Number,
    agreed: Vec<Agreed>,
) -> Result<String, Stop> {
    let found = own(ctx, code).await?;
    match &found.purpose {
        Purpose::Verify(question) if question.person == user.person => {
            face::start(ctx, code, &user.key, number, agreed).await
        }
        // The app need not be signed in for it, so it does not matter as whom it is (L37).
        Purpose::Claim(_) => face::start(ctx, code, &user.key, number, agreed).await,
        Purpose::Verify(_) => {
            tracing::info!("Another person's phone answered a verification");
            Stop::refusal(code::end(ctx, code, &user.key, ScanState::Failed).await)?.ok();
            Err(Refusal::StepUpFailed.into())
        }
        Purpose::SignIn => Err(Refusal::State.into()),
    }
}

/// `false`: the provider has no result yet.
pub async fn finish_face(ctx: &Ctx, user: &AppUser, code: &str, order: &str) -> Result<bool, Stop> {
    face::finish(ctx, code, &user.key, order).await
}
