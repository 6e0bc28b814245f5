//! The token endpoint: a grant that a machine has approved becomes tokens. Identity, account and
//! session are read again at every issue; a token never outlives its identity.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Ctx, Fault, clients, identity};
use crate::base::clock::Timestamp;
use crate::base::id::GrantId;
use crate::base::secret::Secret;
use crate::domain::acting::ActingIdentity;
use crate::domain::audit::AuditEvent;
use crate::domain::claims::TaxClaims;
use crate::domain::person::AccountStatus;
use crate::jose::Algorithm;
use crate::jose::jwt::sign;
use crate::oidc::claims::{AccessClaims, IdClaims, PersonClaims, acr, at_hash};
use crate::oidc::engine::{self, Approved, Kept};
use crate::oidc::error::{ErrorCode, OAuthError};
use crate::oidc::params::Params;
use crate::oidc::scope::Scopes;
use crate::realm::client::{Client, Credential};
use crate::realm::file::{AccessTokenFormat, GrantType};
use crate::store::Tx;
use crate::store::grants::StoredGrant;

/// RFC 6749 §5.1.
#[derive(Debug, Serialize)]
pub struct TokenResponse {
    pub access_token: String,
    pub token_type: &'static str,
    pub expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    pub scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
}

type Answer = Result<Result<TokenResponse, OAuthError>, Fault>;

pub async fn exchange(ctx: &Ctx, authorization: Option<&str>, params: &Params) -> Answer {
    let client = match clients::authenticate(ctx, authorization, params).await? {
        Ok(client) => client,
        Err(error) => return Ok(Err(error)),
    };
    let refused = |code, reason| Ok(Err(OAuthError::new(code, reason)));
    let grant_type = match params.get("grant_type") {
        Some("authorization_code") => GrantType::AuthorizationCode,
        Some("refresh_token") => GrantType::RefreshToken,
        Some("client_credentials") => GrantType::ClientCredentials,
        Some(_) => return refused(ErrorCode::UnsupportedGrantType, "grant_type is not supported"),
        None => return refused(ErrorCode::InvalidRequest, "grant_type is missing"),
    };
    if !client.may(grant_type) {
        return refused(ErrorCode::UnauthorizedClient, "the client may not use this grant_type");
    }
    match grant_type {
        GrantType::AuthorizationCode => by_code(ctx, &client, params).await,
        GrantType::RefreshToken => by_refresh(ctx, &client, params).await,
        GrantType::ClientCredentials => by_client(ctx, &client, params).await,
    }
}

async fn by_code(ctx: &Ctx, client: &Client, params: &Params) -> Answer {
    let Some(code) = params.get("code") else {
        return Ok(Err(OAuthError::request("code is missing")));
    };
    let code = Secret::new(code.to_owned()).hashed();
    let found = ctx.services.store.rows().grants().find_by_code(code).await?;
    let Some(grant) = found.filter(|grant| grant.realm == ctx.realm.id) else {
        return Ok(Err(OAuthError::grant("the code is unknown")));
    };
    if grant.client_id != client.client_id {
        return Ok(Err(OAuthError::grant("the code is another client's")));
    }
    if grant.code_used_at.is_some() {
        return code_reused(ctx, &grant).await;
    }
    if grant.code_expires_at <= ctx.now() {
        return Ok(Err(OAuthError::grant("the code has expired")));
    }
    let approved = match engine::redeem_code(params, &client.client_id, &kept(&grant)?) {
        Ok(approved) => approved,
        Err(error) => return Ok(Err(error)),
    };
    let identity = match still_good(ctx, &grant).await? {
        Ok(identity) => identity,
        Err(error) => return Ok(Err(error)),
    };
    let tx = ctx.services.store.begin().await?;
    if !tx.rows().grants().take_code(grant.id, ctx.now()).await? {
        drop(tx);
        return code_reused(ctx, &grant).await;
    }
    let response =
        issue(ctx, &tx, client, &approved, &Person { grant: &grant, identity: &identity }).await?;
    tx.commit().await?;
    Ok(Ok(response))
}

/// RFC 6749 §4.1.2: what was issued for a code used twice is revoked.
async fn code_reused(ctx: &Ctx, grant: &StoredGrant) -> Answer {
    let event =
        AuditEvent::CodeReused { grant: grant.id.to_string(), client: grant.client_id.clone() };
    end_family(ctx, grant.id, &event).await?;
    Ok(Err(OAuthError::grant("the code was used before")))
}

async fn by_refresh(ctx: &Ctx, client: &Client, params: &Params) -> Answer {
    let Some(token) = params.get("refresh_token") else {
        return Ok(Err(OAuthError::request("refresh_token is missing")));
    };
    let token = Secret::new(token.to_owned()).hashed();
    let rows = ctx.services.store.rows();
    let Some(stored) = rows.grants().find_refresh(token).await? else {
        return Ok(Err(OAuthError::grant("the refresh token is unknown")));
    };
    let found = rows.grants().find(stored.grant).await?;
    let Some(grant) = found.filter(|grant| grant.realm == ctx.realm.id) else {
        return Ok(Err(OAuthError::grant("the refresh token is unknown")));
    };
    if grant.client_id != client.client_id {
        return Ok(Err(OAuthError::grant("the refresh token is another client's")));
    }
    if stored.used_at.is_some() {
        return refresh_reused(ctx, &grant).await;
    }
    if stored.expires_at <= ctx.now() {
        return Ok(Err(OAuthError::grant("the refresh token has expired")));
    }
    let approved = match engine::redeem_refresh(params, &client.client_id, &kept(&grant)?) {
        Ok(approved) => approved,
        Err(error) => return Ok(Err(error)),
    };
    let identity = match still_good(ctx, &grant).await? {
        Ok(identity) => identity,
        Err(error) => return Ok(Err(error)),
    };
    let tx = ctx.services.store.begin().await?;
    if !tx.rows().grants().take_refresh(token, ctx.now()).await? {
        drop(tx);
        return refresh_reused(ctx, &grant).await;
    }
    let response =
        issue(ctx, &tx, client, &approved, &Person { grant: &grant, identity: &identity }).await?;
    tx.commit().await?;
    Ok(Ok(response))
}

/// RFC 9700 §4.14.2: a token that comes back was stolen or copied; the whole family ends.
async fn refresh_reused(ctx: &Ctx, grant: &StoredGrant) -> Answer {
    let event = AuditEvent::RefreshTokenReused {
        grant: grant.id.to_string(),
        client: grant.client_id.clone(),
    };
    end_family(ctx, grant.id, &event).await?;
    Ok(Err(OAuthError::grant("the refresh token was used before")))
}

async fn end_family(ctx: &Ctx, grant: GrantId, event: &AuditEvent) -> Result<(), Fault> {
    let tx = ctx.services.store.begin().await?;
    if tx.rows().grants().revoke(grant, ctx.now()).await? {
        tx.rows().records().audit(&ctx.realm.id, ctx.now(), event).await?;
    }
    Ok(tx.commit().await?)
}

/// Grant, session, account and identity as they are now; the reason is the log's.
pub async fn still_good(
    ctx: &Ctx,
    grant: &StoredGrant,
) -> Result<Result<ActingIdentity, OAuthError>, Fault> {
    let now = ctx.now();
    let refused = |reason: &'static str| Ok(Err(OAuthError::grant(reason)));
    if grant.revoked_at.is_some() || grant.expires_at <= now {
        return refused("the grant has ended");
    }
    let rows = ctx.services.store.rows();
    let session = rows.sessions().find(grant.session).await?;
    let offline = Scopes::parse(&grant.scope).has("offline_access");
    if session
        .is_none_or(|session| session.ended_at.is_some() || (session.expires_at <= now && !offline))
    {
        return refused("the session has ended");
    }
    let account = rows.accounts().find(grant.account).await?;
    if account.is_none_or(|account| account.status != AccountStatus::Active) {
        return refused("the account is cancelled");
    }
    match identity::load(ctx, grant.person, grant.acting).await? {
        Ok(identity) if grant.permissions.is_subset(&identity.permissions()) => Ok(Ok(identity)),
        Ok(_) => refused("the permissions have been narrowed"),
        Err(_) => refused("the identity has ended"),
    }
}

fn kept(grant: &StoredGrant) -> Result<Kept<'_>, Fault> {
    let extensions: BTreeMap<String, String> = serde_json::from_str(&grant.extensions)
        .map_err(|error| Fault::Internal(error.to_string()))?;
    Ok(Kept {
        client_id: &grant.client_id,
        subject: &grant.subject,
        scope: &grant.scope,
        redirect_uri: &grant.redirect_uri,
        extensions,
    })
}

async fn by_client(ctx: &Ctx, client: &Client, params: &Params) -> Answer {
    if matches!(client.credential, Credential::Public) {
        return Ok(Err(OAuthError::client("a public client has no credentials of its own")));
    }
    let own: Vec<&str> = client.scopes.iter().map(String::as_str).collect();
    let allowed = Scopes::parse(&own.join(" "));
    let approved = match engine::client_credentials(params, &client.client_id, &allowed) {
        Ok(approved) => approved,
        Err(error) => return Ok(Err(error)),
    };
    let claims = access_claims(ctx, client, &approved, None);
    let expires_in = claims.exp - claims.iat;
    let access_token = match client.access_token {
        AccessTokenFormat::Jwt => sign_access(ctx, &claims)?,
        AccessTokenFormat::Opaque => {
            let tx = ctx.services.store.begin().await?;
            let token = keep_opaque(ctx, &tx, &claims, None).await?;
            tx.commit().await?;
            token
        }
    };
    Ok(Ok(TokenResponse {
        access_token,
        token_type: "Bearer",
        expires_in,
        refresh_token: None,
        scope: approved.scope().to_string(),
        id_token: None,
    }))
}

/// The person behind a grant, and the identity it is pinned to.
struct Person<'a> {
    grant: &'a StoredGrant,
    identity: &'a ActingIdentity,
}

/// The only way to a person's tokens; takes what a machine has approved.
async fn issue(
    ctx: &Ctx,
    tx: &Tx<'_>,
    client: &Client,
    approved: &Approved,
    person: &Person<'_>,
) -> Result<TokenResponse, Fault> {
    let claims = access_claims(ctx, client, approved, Some(person));
    let expires_in = claims.exp - claims.iat;
    let access_token = match client.access_token {
        AccessTokenFormat::Jwt => sign_access(ctx, &claims)?,
        AccessTokenFormat::Opaque => keep_opaque(ctx, tx, &claims, Some(person.grant.id)).await?,
    };
    let id_token = sign_id(ctx, client, approved, person, &access_token)?;
    let refresh_token = if client.may(GrantType::RefreshToken) {
        let (token, now) = (ctx.random().token(), ctx.now());
        let ends = cut(person.grant.expires_at, person.identity);
        tx.rows().grants().add_refresh(token.hashed(), person.grant.id, now, ends).await?;
        Some(token.expose().to_owned())
    } else {
        None
    };
    Ok(TokenResponse {
        access_token,
        token_type: "Bearer",
        expires_in,
        refresh_token,
        scope: approved.scope().to_string(),
        id_token: Some(id_token),
    })
}

/// No token outlives its identity.
fn cut(until: Timestamp, identity: &ActingIdentity) -> Timestamp {
    identity.ends_at().map_or(until, |end| until.min(end))
}

fn tax_claims(client: &Client, scope: &Scopes, identity: &ActingIdentity) -> Option<TaxClaims> {
    scope.has("tax_identity").then(|| TaxClaims::of(identity, client.permissions.as_ref()))
}

fn access_claims(
    ctx: &Ctx,
    client: &Client,
    approved: &Approved,
    person: Option<&Person<'_>>,
) -> AccessClaims {
    let now = ctx.now();
    let until = now.plus(ctx.realm.lifetimes.access_token);
    let random = ctx.random().short_token();
    AccessClaims {
        iss: ctx.realm.issuer.clone(),
        sub: person.map_or_else(|| client.client_id.clone(), |person| person.grant.subject.clone()),
        aud: client.client_id.clone(),
        client_id: client.client_id.clone(),
        exp: person.map_or(until, |person| cut(until, person.identity)).0,
        iat: now.0,
        jti: match person {
            Some(person) => format!("{}.{random}", person.grant.id),
            None => random,
        },
        scope: approved.scope().to_string(),
        person: person.map(|person| PersonClaims {
            auth_time: person.grant.auth_time.0,
            acr: acr(person.grant.acr),
            amr: person.grant.amr.clone(),
            sid: person.grant.sid.clone(),
        }),
        tax: person.and_then(|person| tax_claims(client, approved.scope(), person.identity)),
    }
}

/// RFC 9068, with the realm's first algorithm.
fn sign_access(ctx: &Ctx, claims: &AccessClaims) -> Result<String, Fault> {
    let algorithm = ctx.realm.algorithms.first().copied().unwrap_or(Algorithm::ES256);
    let published = ctx.services.keys.of(&ctx.realm)?;
    Ok(sign(published.keys.current(algorithm)?, "at+jwt", claims)?)
}

async fn keep_opaque(
    ctx: &Ctx,
    tx: &Tx<'_>,
    claims: &AccessClaims,
    grant: Option<GrantId>,
) -> Result<String, Fault> {
    let token = ctx.random().token();
    let kept = serde_json::to_string(claims).map_err(|error| Fault::Internal(error.to_string()))?;
    let until = Timestamp(claims.exp);
    tx.rows().tokens().add(&ctx.realm.id, token.hashed(), grant, kept, until).await?;
    Ok(token.expose().to_owned())
}

fn sign_id(
    ctx: &Ctx,
    client: &Client,
    approved: &Approved,
    person: &Person<'_>,
    access_token: &str,
) -> Result<String, Fault> {
    let (now, grant) = (ctx.now(), person.grant);
    let claims = IdClaims {
        iss: ctx.realm.issuer.clone(),
        sub: grant.subject.clone(),
        aud: client.client_id.clone(),
        exp: cut(now.plus(ctx.realm.lifetimes.id_token), person.identity).0,
        iat: now.0,
        auth_time: grant.auth_time.0,
        nonce: approved.nonce().map(str::to_owned),
        acr: acr(grant.acr),
        amr: grant.amr.clone(),
        sid: grant.sid.clone(),
        at_hash: (client.id_token_alg != Algorithm::EdDSA).then(|| at_hash(access_token)),
        tax: tax_claims(client, approved.scope(), person.identity),
    };
    let published = ctx.services.keys.of(&ctx.realm)?;
    Ok(sign(published.keys.current(client.id_token_alg)?, "JWT", &claims)?)
}
