//! Whom a request names: by an ID token, by a `sub` that is asked for by value, by what somebody types
//! to sign in. It is answered for that person alone or not at all.

use crate::domain::number::document::DocumentNumber;
use crate::domain::number::email::EmailAddress;
use crate::domain::number::phone::Phone;
use crate::domain::number::username::Username;
use crate::domain::session::Session;
use crate::flows::keys::knowing;
use crate::flows::{Ctx, Fault};
use crate::jose::jwt::verify;
use crate::oidc::authorize::AuthorizeRequest;
use crate::oidc::claims::IdClaims;

/// What an `id_token_hint` says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Hint {
    Nothing,
    /// The `sub` of one of our own ID tokens, which may have expired.
    Of(String),
    /// Nobody here has signed it, or with a key that is long gone.
    NotOurs,
}

pub async fn read(ctx: &Ctx, token: Option<&str>) -> Result<Hint, Fault> {
    let Some(token) = token else { return Ok(Hint::Nothing) };
    let published = knowing(ctx, token).await?;
    let claims = verify::<IdClaims>(&published.keys, "JWT", token);
    let own = claims.ok().filter(|claims| claims.iss == ctx.realm.issuer);
    Ok(own.map_or(Hint::NotOurs, |claims| Hint::Of(claims.sub)))
}

/// Whether the person of this session, whom the client knows as `subject`, may be the one who is named.
pub async fn may_be(
    ctx: &Ctx,
    request: &AuthorizeRequest,
    hint: &Hint,
    session: &Session,
    subject: &str,
) -> Result<bool, Fault> {
    let by = match hint {
        Hint::Of(hinted) if hinted != subject => Some("id_token_hint"),
        _ if !request.claims.may_be(subject) || !has_names(ctx, request, session).await? => {
            Some("claims")
        }
        _ => match &request.login_hint {
            Some(text) if text != subject && !is_name_of(ctx, session, text).await? => {
                Some("login_hint")
            }
            _ => None,
        },
    };
    if let Some(by) = by {
        tracing::info!(by, session = %session.id, "Another person is named than has signed in");
    }
    Ok(by.is_none())
}

/// Whether the person has the names that the claims ask for by value.
async fn has_names(
    ctx: &Ctx,
    request: &AuthorizeRequest,
    session: &Session,
) -> Result<bool, Fault> {
    for group in request.claims.names() {
        let mut has = false;
        for text in group {
            has = has || is_name_of(ctx, session, text).await?;
        }
        if !has {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the person signs in by this text. Nobody else is looked up, so that nothing is told of others.
async fn is_name_of(ctx: &Ctx, session: &Session, text: &str) -> Result<bool, Fault> {
    let rows = ctx.rows();
    if let Ok(phone) = Phone::parse(text) {
        let phones = rows.accounts().phones(session.account).await?;
        if phones.iter().any(|binding| binding.phone == phone) {
            return Ok(true);
        }
    }
    if let Ok(name) = Username::parse(text) {
        let account = rows.accounts().find(session.account).await?;
        if account.and_then(|account| account.username) == Some(name) {
            return Ok(true);
        }
    }
    if let Ok(email) = EmailAddress::parse(text) {
        let person = rows.people().find(session.person).await?;
        if person.and_then(|person| person.email) == Some(email) {
            return Ok(true);
        }
    }
    let numbers = DocumentNumber::candidates(text, ctx.now().day());
    if numbers.is_empty() {
        return Ok(false);
    }
    let documents = rows.people().documents(session.person).await?;
    Ok(documents.iter().any(|own| numbers.iter().any(|number| number.as_str() == own.number)))
}
