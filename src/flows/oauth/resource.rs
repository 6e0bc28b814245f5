//! What a token is worth: userinfo, introspection (RFC 7662), revocation (RFC 7009).

use std::sync::Arc;

use serde_json::{Value, json};

use crate::base::clock::Timestamp;
use crate::base::id::GrantId;
use crate::base::secret::Secret;
use crate::domain::acting::ActingIdentity;
use crate::domain::audit::AuditEvent;
use crate::domain::claims::TaxClaims;
use crate::flows::keys::knowing;
use crate::flows::oauth::asking;
use crate::flows::oauth::clients;
use crate::flows::oauth::dpop::{Presented, fits};
use crate::flows::oauth::person_claims::{named, person_claims};
use crate::flows::oauth::standing::{extensions, still_good};
use crate::flows::oauth::target::{told, within};
use crate::flows::{Ctx, Fault, Stop};
use crate::jose::jwt::sign;
use crate::oidc::claims::{AccessClaims, scope_of};
use crate::oidc::engine;
use crate::oidc::error::{ErrorCode, OAuthError};
use crate::oidc::params::Params;
use crate::oidc::scope::Scopes;
use crate::realm::Realm;
use crate::realm::client::{Client, Credential};
use crate::realm::resource::Resource;
use crate::store::standing::StandingGrant;

/// What an access token says, unless it is unknown or expired; what has become of it since is read
/// by the callers.
async fn unexpired(ctx: &Ctx, access_token: &str) -> Result<Option<Arc<AccessClaims>>, Fault> {
    let claims = read(ctx, access_token).await?;
    let claims = claims.filter(|claims| claims.exp > ctx.now().0 && claims.iss == ctx.realm.issuer);
    Ok(claims.and_then(|claims| as_registered(&ctx.realm, claims)))
}

/// As far as the client that it was issued to is still registered; `None`: it is not at all.
fn as_registered(realm: &Realm, claims: Arc<AccessClaims>) -> Option<Arc<AccessClaims>> {
    let scopes = &realm.clients.get(&claims.client_id)?.scopes;
    if claims.scope.split_ascii_whitespace().all(|one| scopes.contains(one)) {
        return Some(claims);
    }
    let scope = Scopes::parse(&claims.scope).within(scopes);
    let tax = claims.tax.clone().filter(|_| scope.has("tax_identity"));
    let scope = scope.to_string();
    Some(Arc::new(AccessClaims { scope, tax, ..AccessClaims::clone(&claims) }))
}

/// One answer to all that is wrong with a token; what it is, is the log's.
fn invalid(cause: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidToken, "the access token is not valid").because(cause)
}

const OF_NOBODY: &str = "no person is behind the access token";
const CLIENT_GONE: &str = "the client of the access token is gone";
const REVOKED: &str = "the access token or its grant was revoked";

/// The same of a token that a request presents, with its key where it is bound to one.
async fn presented_claims(ctx: &Ctx, presented: &Presented<'_>) -> Result<Arc<AccessClaims>, Stop> {
    let Some(claims) = read(ctx, presented.token).await? else {
        return Err(invalid("nobody here has issued the access token").into());
    };
    asking::by(&claims.client_id);
    if claims.iss != ctx.realm.issuer {
        return Err(invalid("the access token is of another issuer").into());
    }
    if claims.exp <= ctx.now().0 {
        return Err(invalid("the access token has expired").into());
    }
    if !claims.is_for_us() {
        let reason = "the access token is for another API";
        return Err(OAuthError::new(ErrorCode::InvalidToken, reason).into());
    }
    let Some(claims) = as_registered(&ctx.realm, claims) else {
        return Err(invalid(CLIENT_GONE).into());
    };
    let subject = grant_of(&claims).map(|_| claims.sub.as_str());
    fits(ctx, presented, &claims, subject).await?;
    Ok(claims)
}

/// A person's grant behind a presented token, as everything stands now.
pub async fn grant_behind(
    ctx: &Ctx,
    presented: &Presented<'_>,
    scope: &str,
) -> Result<(Arc<AccessClaims>, StandingGrant, ActingIdentity), Stop> {
    let claims = presented_claims(ctx, presented).await?;
    let Some(grant) = grant_of(&claims) else { return Err(invalid(OF_NOBODY).into()) };
    let found = ctx.rows().standings().of_token(grant, &claims.jti).await?;
    let Some(grant) = found else { return Err(invalid(REVOKED).into()) };
    let identity = still_good(ctx, &grant).map_err(|ended| invalid(ended.reason))?;
    if !Scopes::parse(&claims.scope).has(scope) {
        let reason = "the token lacks the scope of this interface";
        return Err(OAuthError::new(ErrorCode::InsufficientScope, reason).into());
    }
    Ok((claims, grant, identity))
}

/// The claims of the identity as it is now (invariant 9), as far as the client may learn of them.
fn tax_claims(ctx: &Ctx, claims: &AccessClaims, identity: &ActingIdentity) -> Option<TaxClaims> {
    let client = ctx.realm.clients.get(&claims.client_id);
    let registered = client.and_then(|client| client.permissions.as_ref());
    claims.tax.as_ref().map(|_| TaxClaims::of(identity, registered))
}

/// Who asks what a token is worth.
enum Asker<'a> {
    /// The client that it was issued to.
    Holder,
    /// One that it is for.
    Api(&'a Resource),
}

impl<'a> Asker<'a> {
    /// `None`: whom it is no concern of (RFC 7662 §4).
    fn of(realm: &'a Realm, client: &Client, claims: &AccessClaims) -> Option<Self> {
        if client.client_id == claims.client_id {
            return Some(Self::Holder);
        }
        let mut apis = claims.aud.iter().filter_map(|name| realm.resources.get(name));
        apis.find(|api| api.is(&client.client_id)).map(Self::Api)
    }

    /// The same claims as in the token, as they are now; for an API what it understands.
    fn tax_claims(
        &self,
        realm: &Realm,
        claims: &AccessClaims,
        identity: &ActingIdentity,
    ) -> Option<TaxClaims> {
        claims.tax.as_ref()?;
        let issued_to = realm.clients.get(&claims.client_id)?;
        let told = told(realm, issued_to, &claims.aud);
        let understood = match self {
            Self::Holder => None,
            Self::Api(api) => api.permissions.as_ref(),
        };
        Some(TaxClaims::of(identity, within(told.as_ref(), understood).as_ref()))
    }
}

async fn read(ctx: &Ctx, access_token: &str) -> Result<Option<Arc<AccessClaims>>, Fault> {
    if access_token.contains('.') {
        let verified = ctx.services.keys.of(&ctx.realm)?.verified_claims(access_token);
        if verified.is_some() {
            return Ok(verified);
        }
        return Ok(knowing(ctx, access_token).await?.access_claims(access_token));
    }
    let hash = Secret::new(access_token.to_owned()).hashed();
    let kept = ctx.rows().tokens().find(hash).await?;
    Ok(kept.and_then(|kept| serde_json::from_str(&kept).ok()).map(Arc::new))
}

fn grant_of(claims: &AccessClaims) -> Option<GrantId> {
    claims.jti.split_once('.')?.0.parse().ok()
}

/// The client that a token of its own speaks for: no person behind it, and this scope in it.
pub async fn client_of(ctx: &Ctx, presented: &Presented<'_>, scope: &str) -> Result<String, Stop> {
    let token = presented_claims(ctx, presented).await?;
    if ctx.rows().tokens().is_revoked(&token.jti).await? {
        return Err(invalid(REVOKED).into());
    }
    if grant_of(&token).is_some() {
        return Err(invalid("a person is behind the access token").into());
    }
    if !Scopes::parse(&token.scope).has(scope) {
        let reason = "the token lacks the scope of this interface";
        return Err(OAuthError::new(ErrorCode::InsufficientScope, reason).into());
    }
    Ok(token.client_id.clone())
}

/// Claims as JSON, or signed where the client is registered so.
pub enum UserInfo {
    Plain(Value),
    Signed(String),
}

pub async fn userinfo(ctx: &Ctx, presented: &Presented<'_>) -> Result<UserInfo, Stop> {
    let token = presented_claims(ctx, presented).await?;
    let Some(grant) = grant_of(&token) else { return Err(invalid(OF_NOBODY).into()) };
    let found = ctx.rows().standings().person_of_token(grant, &token.jti).await?;
    let Some((grant, person, username)) = found else { return Err(invalid(REVOKED).into()) };
    let identity = still_good(ctx, &grant).map_err(|ended| invalid(ended.reason))?;
    let scope = Scopes::parse(&token.scope);
    if !scope.has("openid") {
        let reason = "scope openid is needed";
        return Err(OAuthError::new(ErrorCode::InsufficientScope, reason).into());
    }
    let Some(client) = ctx.realm.clients.get(&token.client_id) else {
        return Err(invalid(CLIENT_GONE).into());
    };
    let stored = &grant.grant;
    let asked = engine::requested_claims(&extensions(stored)?).within(&client.scopes).userinfo;
    let wants =
        |name: &str| asked.contains_key(name) || scope_of(name).is_some_and(|one| scope.has(one));
    let mut claims = person_claims(ctx, stored, &person, username, wants).await?;
    claims.extend(named(client, &identity, |name| asked.contains_key(name))?);
    let tax = tax_claims(ctx, &token, &identity);
    if let Some(Value::Object(tax)) = tax.and_then(|tax| serde_json::to_value(tax).ok()) {
        claims.extend(tax);
    }
    // A value that was not asked for is not given (OIDC Core §5.5.1).
    claims.retain(|name, value| asked.get(name).is_none_or(|asked| asked.takes(name, value)));
    claims.insert("sub".to_owned(), json!(stored.subject));
    let Some(algorithm) = client.userinfo_alg else {
        return Ok(UserInfo::Plain(Value::Object(claims)));
    };
    claims.insert("iss".to_owned(), json!(ctx.realm.issuer));
    claims.insert("aud".to_owned(), json!(client.client_id));
    let published = ctx.services.keys.of(&ctx.realm)?;
    Ok(UserInfo::Signed(sign(published.keys.current(algorithm)?, "JWT", &claims)?))
}

/// RFC 7662 §2: only confidential clients may ask, the one that a token was issued to and the APIs that
/// it is for; to others, and when it is not live, it is `active: false`.
pub async fn introspect(
    ctx: &Ctx,
    authorization: Option<&str>,
    params: &Params,
) -> Result<Value, Stop> {
    let client = clients::authenticate(ctx, authorization, params).await?;
    if matches!(client.credential, Credential::Public) {
        return Err(OAuthError::client("a public client may not introspect").into());
    }
    let Some(access_token) = params.get("token") else {
        return Err(OAuthError::request("token is missing").into());
    };
    let inactive = || Ok(json!({"active": false}));
    let Some(claims) = unexpired(ctx, access_token).await? else { return inactive() };
    let Some(asker) = Asker::of(&ctx.realm, &client, &claims) else {
        let (client, held_by) = (&client.client_id, &claims.client_id);
        tracing::info!(client, held_by, "A token is no concern of who asks about it");
        return inactive();
    };
    let rows = ctx.rows();
    let Some(grant) = grant_of(&claims) else {
        let is_revoked = rows.tokens().is_revoked(&claims.jti).await?;
        return if is_revoked { inactive() } else { active(&claims) };
    };
    let Some(grant) = rows.standings().of_token(grant, &claims.jti).await? else {
        return inactive();
    };
    let Ok(identity) = still_good(ctx, &grant) else { return inactive() };
    let tax = asker.tax_claims(&ctx.realm, &claims, &identity);
    let mut now = AccessClaims { tax, ..AccessClaims::clone(&claims) };
    // What was granted can only have shrunk since.
    if let Some(tax) = &now.tax {
        let narrowed = now.authorization_details.iter().map(|one| one.granted(tax));
        now.authorization_details = narrowed.collect();
    }
    active(&now)
}

fn active(claims: &AccessClaims) -> Result<Value, Stop> {
    let mut answer =
        serde_json::to_value(claims).map_err(|error| Fault::Internal(error.to_string()))?;
    answer["active"] = json!(true);
    answer["token_type"] = json!(if claims.cnf.is_some() { "DPoP" } else { "Bearer" });
    Ok(answer)
}

/// RFC 7009 §2: a refresh token takes its family with it; an unknown token is revoked already.
pub async fn revoke(ctx: &Ctx, authorization: Option<&str>, params: &Params) -> Result<(), Stop> {
    let client = clients::authenticate(ctx, authorization, params).await?;
    let Some(text) = params.get("token") else {
        return Err(OAuthError::request("token is missing").into());
    };
    let rows = ctx.rows();
    let refresh = rows.grants().find_refresh(Secret::new(text.to_owned()).hashed()).await?;
    let family = match refresh {
        Some(refresh) => rows.grants().find(refresh.grant).await?,
        None => None,
    };
    let own_family = family.filter(|grant| grant.client_id == client.client_id);
    let access = read(ctx, text).await?.filter(|claims| claims.client_id == client.client_id);
    let tx = ctx.begin().await?;
    let client = client.client_id.clone();
    if let Some(grant) = own_family
        && tx.rows().grants().revoke(grant.id, ctx.now()).await?
    {
        let (client, grant) = (client.clone(), Some(grant.id));
        tx.note(AuditEvent::TokenRevoked { client, grant, token: None });
    }
    if let Some(claims) = access {
        if tx.rows().tokens().revoke(&claims.jti, Timestamp(claims.exp)).await? {
            let (grant, token) = (grant_of(&claims), Some(claims.jti.clone()));
            tx.note(AuditEvent::TokenRevoked { client, grant, token });
        }
        if let Some(grant) = grant_of(&claims) {
            tx.rows().grants().mark_revoked_token(grant).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}
