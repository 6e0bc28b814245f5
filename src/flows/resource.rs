//! What a token is worth: userinfo, introspection (RFC 7662), revocation (RFC 7009).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{Ctx, Fault, clients, token};
use crate::base::clock::Timestamp;
use crate::base::id::GrantId;
use crate::base::secret::Secret;
use crate::domain::claims::TaxClaims;
use crate::jose::jwt::sign;
use crate::oidc::claims::AccessClaims;
use crate::oidc::error::{ErrorCode, OAuthError};
use crate::oidc::params::Params;
use crate::oidc::scope::Scopes;
use crate::realm::client::Credential;
use crate::store::standing::StandingGrant;

/// A live access token, and the grant behind it when a person stands there.
struct Live {
    claims: Arc<AccessClaims>,
    grant: Option<StandingGrant>,
    tax: Option<TaxClaims>,
}

/// `None`: unknown, expired, revoked, or its identity has ended (invariant 9).
async fn live(ctx: &Ctx, access_token: &str) -> Result<Option<Live>, Fault> {
    let Some(claims) = read(ctx, access_token).await? else { return Ok(None) };
    if claims.exp <= ctx.now().0 || claims.iss != ctx.realm.issuer {
        return Ok(None);
    }
    let rows = ctx.services.store.rows();
    let Some(grant_id) = grant_of(&claims) else {
        let is_revoked = rows.tokens().is_revoked(&claims.jti).await?;
        return Ok((!is_revoked).then_some(Live { claims, grant: None, tax: None }));
    };
    let Some(grant) = rows.standings().of_token(grant_id, &claims.jti).await? else {
        return Ok(None);
    };
    let Ok(identity) = token::still_good(ctx, &grant) else { return Ok(None) };
    let registered =
        ctx.realm.clients.get(&claims.client_id).and_then(|client| client.permissions.as_ref());
    let tax = claims.tax.as_ref().map(|_| TaxClaims::of(&identity, registered));
    Ok(Some(Live { claims, grant: Some(grant), tax }))
}

async fn read(ctx: &Ctx, access_token: &str) -> Result<Option<Arc<AccessClaims>>, Fault> {
    if access_token.contains('.') {
        return Ok(ctx.services.keys.of(&ctx.realm)?.access_claims(access_token));
    }
    let hash = Secret::new(access_token.to_owned()).hashed();
    let kept = ctx.services.store.rows().tokens().find(&ctx.realm.id, hash).await?;
    Ok(kept.and_then(|kept| serde_json::from_str(&kept).ok()).map(Arc::new))
}

fn grant_of(claims: &AccessClaims) -> Option<GrantId> {
    claims.jti.split_once('.')?.0.parse().ok()
}

/// Claims as JSON, or signed where the client is registered so.
pub enum UserInfo {
    Plain(Value),
    Signed(String),
}

pub async fn userinfo(
    ctx: &Ctx,
    access_token: &str,
) -> Result<Result<UserInfo, OAuthError>, Fault> {
    let invalid = || OAuthError::new(ErrorCode::InvalidToken, "the access token is not valid");
    let Some(live) = live(ctx, access_token).await? else { return Ok(Err(invalid())) };
    let Some(grant) = live.grant else { return Ok(Err(invalid())) };
    let scope = Scopes::parse(&live.claims.scope);
    if !scope.has("openid") {
        let reason = "scope openid is needed";
        return Ok(Err(OAuthError::new(ErrorCode::InsufficientScope, reason)));
    }
    let Some(client) = ctx.realm.clients.get(&live.claims.client_id) else {
        return Ok(Err(invalid()));
    };
    let mut claims = person_claims(ctx, &grant, &scope).await?;
    if let Some(Value::Object(tax)) = live.tax.and_then(|tax| serde_json::to_value(tax).ok()) {
        claims.extend(tax);
    }
    let Some(algorithm) = client.userinfo_alg else {
        return Ok(Ok(UserInfo::Plain(Value::Object(claims))));
    };
    claims.insert("iss".to_owned(), json!(ctx.realm.issuer));
    claims.insert("aud".to_owned(), json!(client.client_id));
    let published = ctx.services.keys.of(&ctx.realm)?;
    Ok(Ok(UserInfo::Signed(sign(published.keys.current(algorithm)?, "JWT", &claims)?)))
}

/// OIDC Core §5.4.
async fn person_claims(
    ctx: &Ctx,
    found: &StandingGrant,
    scope: &Scopes,
) -> Result<Map<String, Value>, Fault> {
    let (grant, person, account) = (&found.grant, &found.standing.person, &found.standing.account);
    let mut claims = Map::new();
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            claims.insert(name.to_owned(), value);
        }
    };
    add("sub", Some(json!(grant.subject)));
    if scope.has("profile") {
        add("name", Some(json!(person.name)));
        add("gender", person.sex.as_deref().map(Value::from));
        add("zoneinfo", Some(json!("Asia/Shanghai")));
        add("preferred_username", account.username.as_deref().map(Value::from));
        add("updated_at", Some(json!(person.updated_at.0)));
    }
    if scope.has("email") {
        add("email_verified", person.email.as_ref().map(|_| json!(false)));
        add("email", person.email.as_deref().map(Value::from));
    }
    if scope.has("phone") {
        let phones = ctx.services.store.rows().accounts().phones(grant.account).await?;
        let default = phones.iter().find(|binding| binding.is_default);
        add("phone_number", default.map(|binding| json!(binding.phone.as_str())));
        add("phone_number_verified", default.map(|_| json!(true)));
    }
    Ok(claims)
}

/// RFC 7662 §2: only confidential clients may ask; what is not live is `active: false`.
pub async fn introspect(
    ctx: &Ctx,
    authorization: Option<&str>,
    params: &Params,
) -> Result<Result<Value, OAuthError>, Fault> {
    let client = match clients::authenticate(ctx, authorization, params).await? {
        Ok(client) => client,
        Err(error) => return Ok(Err(error)),
    };
    if matches!(client.credential, Credential::Public) {
        return Ok(Err(OAuthError::client("a public client may not introspect")));
    }
    let Some(access_token) = params.get("token") else {
        return Ok(Err(OAuthError::request("token is missing")));
    };
    let Some(live) = live(ctx, access_token).await? else {
        return Ok(Ok(json!({"active": false})));
    };
    let claims = AccessClaims { tax: live.tax, ..AccessClaims::clone(&live.claims) };
    let mut answer =
        serde_json::to_value(claims).map_err(|error| Fault::Internal(error.to_string()))?;
    answer["active"] = json!(true);
    answer["token_type"] = json!("Bearer");
    Ok(Ok(answer))
}

/// RFC 7009 §2: a refresh token takes its family with it; an unknown token is revoked already.
pub async fn revoke(
    ctx: &Ctx,
    authorization: Option<&str>,
    params: &Params,
) -> Result<Result<(), OAuthError>, Fault> {
    let client = match clients::authenticate(ctx, authorization, params).await? {
        Ok(client) => client,
        Err(error) => return Ok(Err(error)),
    };
    let Some(text) = params.get("token") else {
        return Ok(Err(OAuthError::request("token is missing")));
    };
    let rows = ctx.services.store.rows();
    let refresh = rows.grants().find_refresh(Secret::new(text.to_owned()).hashed()).await?;
    let family = match refresh {
        Some(refresh) => rows.grants().find(refresh.grant).await?,
        None => None,
    };
    let own_family = family.filter(|grant| grant.client_id == client.client_id);
    let access = read(ctx, text).await?.filter(|claims| claims.client_id == client.client_id);
    let tx = ctx.services.store.begin().await?;
    if let Some(grant) = own_family {
        tx.rows().grants().revoke(grant.id, ctx.now()).await?;
    }
    if let Some(claims) = access {
        tx.rows().tokens().revoke(&claims.jti, Timestamp(claims.exp)).await?;
    }
    tx.commit().await?;
    Ok(Ok(()))
}
