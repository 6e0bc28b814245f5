//! The token endpoint: a grant that a machine has approved becomes tokens. Identity, account and
//! session are read again at every issue; a token never outlives its identity.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::resource::person_claims;
use super::{Ctx, Fault, clients, identity};
use crate::base::clock::Timestamp;
use crate::base::id::GrantId;
use crate::base::secret::Hashed;
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
use crate::store::standing::StandingGrant;

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

/// A code or a refresh token, with everything that decides about it.
struct Presented {
    token: OneTime,
    grant: StandingGrant,
    is_used: bool,
    expires_at: Timestamp,
}

enum OneTime {
    Code,
    Refresh(Hashed),
}

async fn by_code(ctx: &Ctx, client: &Client, params: &Params) -> Answer {
    let Some(code) = params.get("code") else {
        return Ok(Err(OAuthError::request("code is missing")));
    };
    let found = ctx.services.store.rows().standings().by_code(Hashed::of(code)).await?;
    let presented = found.map(|grant| Presented {
        token: OneTime::Code,
        is_used: grant.grant.code_used_at.is_some(),
        expires_at: grant.grant.code_expires_at,
        grant,
    });
    redeem(ctx, client, params, presented).await
}

async fn by_refresh(ctx: &Ctx, client: &Client, params: &Params) -> Answer {
    let Some(token) = params.get("refresh_token").map(Hashed::of) else {
        return Ok(Err(OAuthError::request("refresh_token is missing")));
    };
    let found = ctx.services.store.rows().standings().by_refresh(token).await?;
    let presented = found.map(|(grant, refresh)| Presented {
        token: OneTime::Refresh(token),
        grant,
        is_used: refresh.used_at.is_some(),
        expires_at: refresh.expires_at,
    });
    redeem(ctx, client, params, presented).await
}

/// Everything is checked and signed first; then one conditional write uses the token up, and of
/// two that come at once one is refused.
async fn redeem(
    ctx: &Ctx,
    client: &Client,
    params: &Params,
    presented: Option<Presented>,
) -> Answer {
    let refused = |reason| Ok(Err(OAuthError::grant(reason)));
    let of_realm = presented.filter(|found| found.grant.grant.realm == ctx.realm.id);
    let Some(presented) = of_realm else { return refused("the code or token is unknown") };
    let grant = &presented.grant.grant;
    if grant.client_id != client.client_id {
        return refused("the code or token is another client's");
    }
    if presented.is_used {
        return reused(ctx, &presented).await;
    }
    if presented.expires_at <= ctx.now() {
        return refused("the code or token has expired");
    }
    let approved = match presented.token {
        OneTime::Code => engine::redeem_code(params, &client.client_id, &kept(grant)?),
        OneTime::Refresh(_) => engine::redeem_refresh(params, &client.client_id, &kept(grant)?),
    };
    let standing = approved.and_then(|approved| Ok((approved, still_good(ctx, &presented.grant)?)));
    let (approved, identity) = match standing {
        Ok(standing) => standing,
        Err(error) => return Ok(Err(error)),
    };
    let person = Person { grant, identity: &identity, claims: asked_claims(ctx, grant).await? };
    let issued = issue(ctx, client, &approved, &person)?;
    let tx = ctx.services.store.begin().await?;
    let grants = tx.rows().grants();
    let is_first = match presented.token {
        OneTime::Code => grants.take_code(grant.id, ctx.now()).await?,
        OneTime::Refresh(token) => grants.take_refresh(token, ctx.now()).await?,
    };
    if !is_first {
        drop(tx);
        return reused(ctx, &presented).await;
    }
    issued.save(ctx, &tx).await?;
    tx.commit().await?;
    Ok(Ok(issued.response))
}

/// A code used twice (RFC 6749 §4.1.2) or a refresh token that comes back (RFC 9700 §4.14.2) was
/// stolen or copied: all that came of it ends.
async fn reused(ctx: &Ctx, presented: &Presented) -> Answer {
    let stored = &presented.grant.grant;
    let (grant, client) = (stored.id.to_string(), stored.client_id.clone());
    let event = match presented.token {
        OneTime::Code => AuditEvent::CodeReused { grant, client },
        OneTime::Refresh(_) => AuditEvent::RefreshTokenReused { grant, client },
    };
    end_family(ctx, stored.id, &event).await?;
    Ok(Err(OAuthError::grant("the code or token was used before")))
}

async fn end_family(ctx: &Ctx, grant: GrantId, event: &AuditEvent) -> Result<(), Fault> {
    let tx = ctx.services.store.begin().await?;
    if tx.rows().grants().revoke(grant, ctx.now()).await? {
        tx.rows().records().audit(&ctx.realm.id, ctx.now(), event).await?;
    }
    Ok(tx.commit().await?)
}

/// Grant, session, account and identity as they are now; the reason is the log's.
pub fn still_good(ctx: &Ctx, found: &StandingGrant) -> Result<ActingIdentity, OAuthError> {
    let (now, grant) = (ctx.now(), &found.grant);
    if grant.revoked_at.is_some() || grant.expires_at <= now {
        return Err(OAuthError::grant("the grant has ended"));
    }
    let offline = || Scopes::parse(&grant.scope).has("offline_access");
    if found.session_ended_at.is_some() || (found.session_expires_at <= now && !offline()) {
        return Err(OAuthError::grant("the session has ended"));
    }
    let standing = &found.standing;
    if standing.account_status != AccountStatus::Active {
        return Err(OAuthError::grant("the account is cancelled"));
    }
    match identity::of(ctx, grant.person, grant.acting, standing.held.clone()) {
        Ok(identity) if grant.permissions.is_subset(&identity.permissions()) => Ok(identity),
        Ok(_) => Err(OAuthError::grant("the permissions have been narrowed")),
        Err(_) => Err(OAuthError::grant("the identity has ended")),
    }
}

/// What the authorization machine kept with a grant.
pub fn extensions(grant: &StoredGrant) -> Result<BTreeMap<String, String>, Fault> {
    serde_json::from_str(&grant.extensions).map_err(|error| Fault::Internal(error.to_string()))
}

fn kept(grant: &StoredGrant) -> Result<Kept<'_>, Fault> {
    Ok(Kept {
        client_id: &grant.client_id,
        subject: &grant.subject,
        scope: &grant.scope,
        redirect_uri: &grant.redirect_uri,
        extensions: extensions(grant)?,
    })
}

/// Claims of the person that the client asked to find in the ID token.
async fn asked_claims(ctx: &Ctx, grant: &StoredGrant) -> Result<Map<String, Value>, Fault> {
    let asked = engine::requested_claims(&extensions(grant)?).id_token;
    if asked.is_empty() {
        return Ok(Map::new());
    }
    let rows = ctx.services.store.rows();
    let person = rows.people().find(grant.person).await?;
    let account = rows.accounts().find(grant.account).await?;
    let (Some(person), Some(account)) = (person, account) else { return Ok(Map::new()) };
    let wants = |name: &str| asked.contains(name);
    person_claims(ctx, grant.account, (&person, account.username), wants).await
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
    let (access_token, opaque) = access_token(ctx, client, &claims, None)?;
    let issued = Issued {
        response: TokenResponse {
            access_token,
            token_type: "Bearer",
            expires_in: claims.exp - claims.iat,
            refresh_token: None,
            scope: approved.scope().to_string(),
            id_token: None,
        },
        opaque,
        refresh: None,
    };
    if issued.opaque.is_some() {
        let tx = ctx.services.store.begin().await?;
        issued.save(ctx, &tx).await?;
        tx.commit().await?;
    }
    Ok(Ok(issued.response))
}

/// The person behind a grant, and the identity it is pinned to.
struct Person<'a> {
    grant: &'a StoredGrant,
    identity: &'a ActingIdentity,
    /// For the ID token, asked for by name.
    claims: Map<String, Value>,
}

/// Tokens on their way out, and the rows that must be there before they leave.
struct Issued {
    response: TokenResponse,
    opaque: Option<Opaque>,
    refresh: Option<Refresh>,
}

struct Opaque {
    token: Hashed,
    grant: Option<GrantId>,
    claims: String,
    expires_at: Timestamp,
}

struct Refresh {
    token: Hashed,
    grant: GrantId,
    expires_at: Timestamp,
}

impl Issued {
    async fn save(&self, ctx: &Ctx, tx: &Tx<'_>) -> Result<(), Fault> {
        if let Some(one) = &self.opaque {
            let (tokens, claims) = (tx.rows().tokens(), one.claims.clone());
            tokens.add(&ctx.realm.id, one.token, one.grant, claims, one.expires_at).await?;
        }
        if let Some(one) = &self.refresh {
            let grants = tx.rows().grants();
            grants.add_refresh(one.token, one.grant, ctx.now(), one.expires_at).await?;
        }
        Ok(())
    }
}

/// The only way to a person's tokens; takes what a machine has approved.
fn issue(
    ctx: &Ctx,
    client: &Client,
    approved: &Approved,
    person: &Person<'_>,
) -> Result<Issued, Fault> {
    let claims = access_claims(ctx, client, approved, Some(person));
    let grant = person.grant.id;
    let (access_token, opaque) = access_token(ctx, client, &claims, Some(grant))?;
    let id_token = sign_id(ctx, client, approved, person, &access_token)?;
    let refresh_token = client.may(GrantType::RefreshToken).then(|| ctx.random().token());
    let refresh = refresh_token.as_ref().map(|token| Refresh {
        token: token.hashed(),
        grant,
        expires_at: cut(person.grant.expires_at, person.identity),
    });
    let response = TokenResponse {
        access_token,
        token_type: "Bearer",
        expires_in: claims.exp - claims.iat,
        refresh_token: refresh_token.map(|token| token.expose().to_owned()),
        scope: approved.scope().to_string(),
        id_token: Some(id_token),
    };
    Ok(Issued { response, opaque, refresh })
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

/// A JWT (RFC 9068) with the client's algorithm or the realm's first, or an opaque one and its row.
fn access_token(
    ctx: &Ctx,
    client: &Client,
    claims: &AccessClaims,
    grant: Option<GrantId>,
) -> Result<(String, Option<Opaque>), Fault> {
    if client.access_token == AccessTokenFormat::Opaque {
        let token = ctx.random().token();
        let kept =
            serde_json::to_string(claims).map_err(|error| Fault::Internal(error.to_string()))?;
        let expires_at = Timestamp(claims.exp);
        let opaque = Opaque { token: token.hashed(), grant, claims: kept, expires_at };
        return Ok((token.expose().to_owned(), Some(opaque)));
    }
    let algorithm = client.access_token_alg.or(ctx.realm.algorithms.first().copied());
    let published = ctx.services.keys.of(&ctx.realm)?;
    let key = published.keys.current(algorithm.unwrap_or(Algorithm::ES256))?;
    Ok((sign(key, "at+jwt", claims)?, None))
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
        person: person.claims.clone(),
    };
    let published = ctx.services.keys.of(&ctx.realm)?;
    Ok(sign(published.keys.current(client.id_token_alg)?, "JWT", &claims)?)
}
