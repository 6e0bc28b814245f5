//! The token endpoint: a grant that a machine has approved becomes tokens. Identity, account and
//! session are read again at every issue; a token never outlives its identity.

mod issue;

use serde_json::{Map, Value};

use crate::base::clock::Timestamp;
use crate::base::id::GrantId;
use crate::base::secret::Hashed;
use crate::domain::audit::AuditEvent;
use crate::flows::oauth::clients;
use crate::flows::oauth::dpop::{self, Shown};
use crate::flows::oauth::person_claims::person_claims;
use crate::flows::oauth::standing::{extensions, still_good};
use crate::flows::oauth::token::issue::TokenResponse;
use crate::flows::{Ctx, Fault, Stop};
use crate::oidc::engine::{self, Kept};
use crate::oidc::error::{ErrorCode, OAuthError};
use crate::oidc::params::Params;
use crate::oidc::scope::Scopes;
use crate::realm::client::{Client, Credential};
use crate::realm::file::GrantType;
use crate::store::grants::{GrantState, StoredGrant};
use crate::store::standing::StandingGrant;
use issue::{Issued, Person, access_claims, access_token, issue, token_type};

type Answer = Result<TokenResponse, Stop>;

pub async fn exchange(
    ctx: &Ctx,
    authorization: Option<&str>,
    params: &Params,
    proof: &Shown<'_>,
) -> Answer {
    let client = clients::authenticate(ctx, authorization, params).await?;
    let refused = |code, reason| Err(OAuthError::new(code, reason).into());
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
    let key = dpop::key(ctx, proof, None).await?;
    if client.dpop && key.is_none() {
        return refused(ErrorCode::InvalidDpopProof, "this client proves a key with every request");
    }
    let asked = Asked { client: &client, params, key: key.as_deref() };
    match grant_type {
        GrantType::AuthorizationCode => by_code(ctx, &asked).await,
        GrantType::RefreshToken => by_refresh(ctx, &asked).await,
        GrantType::ClientCredentials => by_client(ctx, &asked).await,
    }
}

/// A request of an authenticated client.
struct Asked<'a> {
    client: &'a Client,
    params: &'a Params,
    /// Thumbprint of the key it has proved (RFC 9449).
    key: Option<&'a str>,
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

async fn by_code(ctx: &Ctx, asked: &Asked<'_>) -> Answer {
    let Some(code) = asked.params.get("code") else {
        return Err(OAuthError::request("code is missing").into());
    };
    let found = ctx.rows().standings().by_code(Hashed::of(code)).await?;
    let presented = found.map(|grant| {
        let (is_used, expires_at) = match grant.grant.state {
            GrantState::Code { expires_at } => (false, expires_at),
            GrantState::Redeemed { .. } => (true, grant.grant.expires_at),
            GrantState::Revoked { was_redeemed } => (was_redeemed, grant.grant.expires_at),
        };
        Presented { token: OneTime::Code, grant, is_used, expires_at }
    });
    redeem(ctx, asked, presented).await
}

async fn by_refresh(ctx: &Ctx, asked: &Asked<'_>) -> Answer {
    let Some(token) = asked.params.get("refresh_token").map(Hashed::of) else {
        return Err(OAuthError::request("refresh_token is missing").into());
    };
    let found = ctx.rows().standings().by_refresh(token).await?;
    let presented = found.map(|(grant, refresh)| Presented {
        token: OneTime::Refresh(token),
        grant,
        is_used: refresh.used_at.is_some(),
        expires_at: refresh.expires_at,
    });
    redeem(ctx, asked, presented).await
}

/// Everything is checked and signed first; then one conditional write uses the token up, and of
/// two that come at once one is refused.
async fn redeem(ctx: &Ctx, asked: &Asked<'_>, presented: Option<Presented>) -> Answer {
    let Asked { client, params, key } = asked;
    let refused = |reason| Err(OAuthError::grant(reason).into());
    let Some(presented) = presented else { return refused("the code or token is unknown") };
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
    // What is bound to a key is worth nothing without it (RFC 9449 §5, §10).
    if grant.dpop_jkt.is_some() && grant.dpop_jkt.as_deref() != *key {
        let error = OAuthError::new(ErrorCode::InvalidDpopProof, "another key or none");
        return Err(error.into());
    }
    let approved = match presented.token {
        OneTime::Code => engine::redeem_code(params, &client.client_id, &kept(grant)?),
        OneTime::Refresh(_) => engine::redeem_refresh(params, &client.client_id, &kept(grant)?),
    };
    let standing = approved.and_then(|approved| Ok((approved, still_good(ctx, &presented.grant)?)));
    let (approved, identity) = standing?;
    let person = Person { grant, identity: &identity, claims: asked_claims(ctx, grant).await? };
    let issued = issue(ctx, client, &approved, &person, *key)?;
    let tx = ctx.begin().await?;
    let grants = tx.rows().grants();
    let is_first = match presented.token {
        OneTime::Code => {
            // A confidential client's refresh tokens are bound to the client itself.
            let is_public = matches!(client.credential, Credential::Public);
            let kept = key.filter(|_| is_public);
            grants.take_code(grant.id, ctx.now(), kept).await?
        }
        OneTime::Refresh(token) => grants.take_refresh(token, ctx.now()).await?,
    };
    if !is_first {
        drop(tx);
        return reused(ctx, &presented).await;
    }
    issued.save(ctx, &tx).await?;
    tx.commit().await?;
    Ok(issued.response)
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
    end_family(ctx, stored.id, event).await?;
    Err(OAuthError::grant("the code or token was used before").into())
}

async fn end_family(ctx: &Ctx, grant: GrantId, event: AuditEvent) -> Result<(), Fault> {
    let tx = ctx.begin().await?;
    if tx.rows().grants().revoke(grant, ctx.now()).await? {
        tx.note(event);
    }
    Ok(tx.commit().await?)
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
    let rows = ctx.rows();
    let person = rows.people().find(grant.person).await?;
    let account = rows.accounts().find(grant.account).await?;
    let (Some(person), Some(account)) = (person, account) else { return Ok(Map::new()) };
    let wants = |name: &str| asked.contains(name);
    let username = account.username.map(|name| name.as_str().to_owned());
    person_claims(ctx, grant.account, &person, username, wants).await
}

async fn by_client(ctx: &Ctx, asked: &Asked<'_>) -> Answer {
    let Asked { client, params, key } = asked;
    if matches!(client.credential, Credential::Public) {
        return Err(OAuthError::client("a public client has no credentials of its own").into());
    }
    let own: Vec<&str> = client.scopes.iter().map(String::as_str).collect();
    let allowed = Scopes::parse(&own.join(" "));
    let approved = engine::client_credentials(params, &client.client_id, &allowed)?;
    let claims = access_claims(ctx, client, &approved, None, *key);
    let (access_token, opaque) = access_token(ctx, client, &claims, None)?;
    let issued = Issued {
        response: TokenResponse {
            access_token,
            token_type: token_type(*key),
            expires_in: claims.exp - claims.iat,
            refresh_token: None,
            scope: approved.scope().to_string(),
            id_token: None,
            authorization_details: Vec::new(),
        },
        opaque,
        refresh: None,
    };
    if issued.opaque.is_some() {
        let tx = ctx.begin().await?;
        issued.save(ctx, &tx).await?;
        tx.commit().await?;
    }
    Ok(issued.response)
}
