//! Whom a request names: by an ID token, by a `sub` that is asked for by value, by what somebody types
//! to sign in. It is answered for that person alone or not at all.

use crate::domain::number::document::DocumentNumber;
use crate::domain::number::personal_id::PersonalId;
use crate::domain::person::IdentityDocument;
use crate::domain::session::Session;
use crate::flows::keys::knowing;
use crate::flows::oauth::person_claims::told_phone;
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

/// Whether the answer says the names that the claims ask for by value: of each group one.
async fn has_names(
    ctx: &Ctx,
    request: &AuthorizeRequest,
    session: &Session,
) -> Result<bool, Fault> {
    for group in request.claims.names() {
        if !is_told(ctx, session, &group).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether an application that asks for one of these names hears it: of the phones the default alone, and
/// nothing of a handler who was chosen with a certificate. What admits a person must not be missing from the
/// answer.
async fn is_told(ctx: &Ctx, session: &Session, names: &[PersonalId]) -> Result<bool, Fault> {
    if session.proves_no_person() {
        return Ok(false);
    }
    let phone = told_phone(ctx, session.account).await?.map(PersonalId::Phone);
    let is_said =
        |name: &&PersonalId| !matches!(name, PersonalId::Phone(_)) || Some(*name) == phone.as_ref();
    let said: Vec<PersonalId> = names.iter().filter(is_said).cloned().collect();
    has_one(ctx, session, &said).await
}

/// Whether the person signs in by this text; whoever holds an enterprise's certificate is told of none.
async fn is_name_of(ctx: &Ctx, session: &Session, text: &str) -> Result<bool, Fault> {
    if session.proves_no_person() {
        return Ok(false);
    }
    has_one(ctx, session, &PersonalId::readings(text, ctx.now().day())).await
}

/// Whether the person signs in by one of these. Nobody else is looked up, so that nothing is told of others.
async fn has_one(ctx: &Ctx, session: &Session, names: &[PersonalId]) -> Result<bool, Fault> {
    let rows = ctx.rows();
    let mut own = Vec::new();
    if names.iter().any(|name| matches!(name, PersonalId::Phone(_))) {
        let phones = rows.accounts().phones(session.account).await?;
        own.extend(phones.into_iter().map(|binding| PersonalId::Phone(binding.phone)));
    }
    if names.iter().any(|name| matches!(name, PersonalId::Username(_))) {
        let account = rows.accounts().find(session.account).await?;
        let username = account.and_then(|account| account.username);
        own.extend(username.map(PersonalId::Username));
    }
    if names.iter().any(|name| matches!(name, PersonalId::Email(_))) {
        let person = rows.people().find(session.person).await?;
        own.extend(person.and_then(|person| person.email).map(PersonalId::Email));
    }
    if names.iter().any(|name| matches!(name, PersonalId::Document(_))) {
        let (documents, today) = (rows.people().documents(session.person).await?, ctx.now().day());
        let parse =
            |own: IdentityDocument| DocumentNumber::parse(own.kind, &own.number, today).ok();
        own.extend(documents.into_iter().filter_map(parse).map(PersonalId::Document));
    }
    Ok(own.iter().any(|one| names.contains(one)))
}
