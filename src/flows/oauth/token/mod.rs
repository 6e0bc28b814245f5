//! The token endpoint: a grant that a machine has approved becomes tokens. Identity, account and
//! session are read again at every issue; a token never outlives its identity.

mod issue;

use serde_json::{Map, Value};

use crate::base::clock::Timestamp;
use crate::base::id::GrantId;
use crate::base::secret::{Hashed, Secret};
use crate::domain::acting::ActingIdentity;
use crate::domain::audit::AuditEvent;
use crate::flows::oauth::clients;
use crate::flows::oauth::dpop::{self, Proof, Shown};
use crate::flows::oauth::person_claims::{named, person_claims};
use crate::flows::oauth::standing::{extensions, still_good};
use crate::flows::oauth::target::Target;
use crate::flows::oauth::token::issue::TokenResponse;
use crate::flows::{Ctx, Fault, Stop};
use crate::oidc::claims::{AccessClaims, IdClaims, scope_of};
use crate::oidc::engine::{self, Approved, Kept};
use crate::oidc::error::{ErrorCode, OAuthError};
use crate::oidc::params::Params;
use crate::oidc::resource::{self, Resources};
use crate::oidc::scope::Scopes;
use crate::realm::client::{Client, Credential};
use crate::realm::registration::{AccessTokenFormat, GrantType};
use crate::store::grants::{GrantState, StoredGrant, StoredRefreshToken};
use crate::store::standing::StandingGrant;
use issue::{
    Issued, Person, RefreshToken, Wanted, access_claims, access_token, identity_claims, issue,
    token_type,
};

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
    let proof = dpop::read(ctx, proof, None)?;
    if client.dpop && proof.is_none() {
        return refused(ErrorCode::InvalidDpopProof, "this client proves a key with every request");
    }
    let asked = Asked { client: &client, params, proof: proof.as_ref() };
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
    /// Of a key (RFC 9449).
    proof: Option<&'a Proof>,
}

impl Asked<'_> {
    /// Whom the token is for (RFC 8707 §2.2): what is named, within what was granted.
    fn target(&self, ctx: &Ctx, granted: Option<Resources>) -> Result<Target, OAuthError> {
        let realm = &ctx.realm;
        let may_ask = |resource: &str| realm.may_ask(&self.client.client_id, resource);
        let mut resources = resource::asked(self.params, may_ask)?;
        if let Some(granted) = granted {
            resources = resource::narrowed(granted, resources, &realm.issuer)?;
        }
        Target::of(realm, self.client, resources)
    }

    /// Thumbprint of the key it has proved.
    fn key(&self) -> Option<&str> {
        self.proof.map(|proof| proof.thumbprint.as_str())
    }

    /// Only of a request that brings something real: a stranger's proof leaves nothing behind.
    async fn use_up_proof(&self, ctx: &Ctx, subject: Option<&str>) -> Result<(), Stop> {
        match self.proof {
            Some(proof) => proof.use_up(ctx, &self.client.client_id, subject).await,
            None => Ok(()),
        }
    }
}

/// A code or a refresh token, with everything that decides about it.
struct Presented {
    token: OneTime,
    grant: StandingGrant,
    use_: Use,
    expires_at: Timestamp,
}

enum OneTime {
    Code,
    Refresh(Secret),
}

/// What a use of it means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// The only one.
    First,
    /// One of many: the client has proved more than that it holds the token.
    Any,
    /// Again, so soon that the answer to the first may have been lost: it is given again, with the same
    /// successor, so that the family never has two branches of which one could be a thief's.
    Soon,
    Again,
}

async fn by_code(ctx: &Ctx, asked: &Asked<'_>) -> Answer {
    let Some(code) = asked.params.get("code") else {
        return Err(OAuthError::request("code is missing").into());
    };
    let found = ctx.rows().standings().by_code(Hashed::of(code)).await?;
    let presented = found.map(|grant| {
        let (use_, expires_at) = match grant.grant.state {
            GrantState::Code { expires_at } => (Use::First, expires_at),
            GrantState::Redeemed { .. } | GrantState::Revoked { was_redeemed: true } => {
                (Use::Again, grant.grant.expires_at)
            }
            GrantState::Revoked { was_redeemed: false } => (Use::First, grant.grant.expires_at),
        };
        Presented { token: OneTime::Code, grant, use_, expires_at }
    });
    redeem(ctx, asked, presented).await
}

async fn by_refresh(ctx: &Ctx, asked: &Asked<'_>) -> Answer {
    let Some(token) = asked.params.get("refresh_token") else {
        return Err(OAuthError::request("refresh_token is missing").into());
    };
    let token = Secret::new(token.to_owned());
    let found = ctx.rows().standings().by_refresh(token.hashed()).await?;
    let presented = found.map(|(grant, refresh)| Presented {
        token: OneTime::Refresh(token),
        use_: use_of(ctx, asked.client, &grant.grant, &refresh),
        grant,
        expires_at: refresh.expires_at,
    });
    redeem(ctx, asked, presented).await
}

/// A proof that comes with one that no key is bound to says nothing of who holds it: anybody has a key.
fn use_of(ctx: &Ctx, client: &Client, grant: &StoredGrant, refresh: &StoredRefreshToken) -> Use {
    match refresh.used_at {
        None if client.rotates(grant.dpop_jkt.is_some()) => Use::First,
        None => Use::Any,
        Some(at) if ctx.now().since(at) < ctx.realm.lifetimes.refresh_grace => Use::Soon,
        Some(_) => Use::Again,
    }
}

/// What is nobody's, another's or over is refused before anything is kept of the request.
async fn redeem(ctx: &Ctx, asked: &Asked<'_>, presented: Option<Presented>) -> Answer {
    let refused = |reason| Err(OAuthError::grant(reason).into());
    let Some(presented) = presented else { return refused("the code or token is unknown") };
    if presented.grant.grant.client_id != asked.client.client_id {
        return refused("the code or token is another client's");
    }
    if presented.use_ != Use::Again {
        check(ctx, asked, &presented)?;
    }
    asked.use_up_proof(ctx, Some(presented.grant.grant.subject.as_str())).await?;
    answer(ctx, asked, presented).await
}

/// Whether it is still good, and with this key.
fn check(ctx: &Ctx, asked: &Asked<'_>, presented: &Presented) -> Result<(), OAuthError> {
    if presented.expires_at <= ctx.now() {
        return Err(OAuthError::grant("the code or token has expired"));
    }
    // What is bound to a key is worth nothing without it (RFC 9449 §5, §10).
    let bound_to = presented.grant.grant.dpop_jkt.as_deref();
    if bound_to.is_some() && bound_to != asked.key() {
        return Err(OAuthError::new(ErrorCode::InvalidDpopProof, "another key or none"));
    }
    Ok(())
}

/// Everything is checked and signed first; then one conditional write uses the token up, and of
/// two that come at once one is refused.
async fn answer(ctx: &Ctx, asked: &Asked<'_>, presented: Presented) -> Answer {
    let (Asked { client, params, .. }, key) = (asked, asked.key());
    let grant = &presented.grant.grant;
    if presented.use_ == Use::Again {
        return reused(ctx, &presented).await;
    }
    let scope = scope_now(client, grant);
    let redeem = match presented.token {
        OneTime::Code => engine::redeem_code,
        OneTime::Refresh(_) => engine::redeem_refresh,
    };
    let approved = redeem(params, &client.client_id, &kept(grant, &scope)?);
    let standing = approved.and_then(|approved| Ok((approved, still_good(ctx, &presented.grant)?)));
    let (approved, identity) = standing?;
    let target = asked.target(ctx, Some(approved.resources()))?;
    let person = Person {
        grant,
        identity: &identity,
        claims: id_claims(ctx, asked, &approved, grant, &identity).await?,
    };
    let wanted = Wanted { client, approved: &approved, target: &target, key };
    let issued = issue(ctx, &wanted, &person, refresh_token(ctx, &presented))?;
    if !give(ctx, asked, &presented, &issued).await? {
        return too_late(ctx, asked, presented).await;
    }
    Ok(issued.response)
}

fn refresh_token(ctx: &Ctx, presented: &Presented) -> RefreshToken {
    let OneTime::Refresh(shown) = &presented.token else {
        return RefreshToken::New(ctx.random().token());
    };
    let successor = || shown.successor(&ctx.services.secrets.refresh);
    match presented.use_ {
        Use::Any => RefreshToken::Known(shown.clone()),
        Use::Soon => RefreshToken::Known(successor()),
        Use::First | Use::Again => RefreshToken::New(successor()),
    }
}

/// Saves what goes out with it. `false`: somebody was faster, with the same token or by ending what
/// stands behind it, and nothing goes out.
async fn give(
    ctx: &Ctx,
    asked: &Asked<'_>,
    presented: &Presented,
    issued: &Issued,
) -> Result<bool, Fault> {
    let id = presented.grant.grant.id;
    if presented.use_ != Use::First && issued.writes_nothing() {
        return Ok(ctx.rows().grants().stands(id).await?);
    }
    let tx = ctx.begin().await?;
    let grants = tx.rows().grants();
    // A confidential client's refresh tokens are bound to the client itself.
    let is_public = matches!(asked.client.credential, Credential::Public);
    let kept = asked.key().filter(|_| is_public);
    let may_go = match (&presented.token, presented.use_) {
        (OneTime::Code, _) => grants.take_code(id, ctx.now(), kept).await?,
        (OneTime::Refresh(token), Use::First) => {
            let is_taken = grants.take_refresh(token.hashed(), ctx.now()).await?;
            // The first key that is proved with it is the family's from now on.
            match kept.filter(|_| presented.grant.grant.dpop_jkt.is_none()) {
                Some(key) if is_taken => grants.bind(id, key).await?,
                _ => is_taken,
            }
        }
        (OneTime::Refresh(_), _) => grants.stands(id).await?,
    };
    if may_go {
        issued.save(ctx, &tx).await?;
    }
    // Also where nothing was written: whoever was faster is committed before they are looked at.
    tx.commit().await?;
    Ok(may_go)
}

/// Somebody was faster: with the same token, or by ending what stands behind it.
async fn too_late(ctx: &Ctx, asked: &Asked<'_>, presented: Presented) -> Answer {
    let OneTime::Refresh(token) = &presented.token else { return reused(ctx, &presented).await };
    let found = ctx.rows().standings().by_refresh(token.hashed()).await?;
    let Some((grant, refresh)) = found else {
        return Err(OAuthError::grant("the token is gone").into());
    };
    still_good(ctx, &grant)?;
    let use_ = use_of(ctx, asked.client, &grant.grant, &refresh);
    let again = Presented { grant, use_, expires_at: refresh.expires_at, ..presented };
    match use_ {
        // Whoever was faster may have bound it to a key.
        Use::Soon => {
            check(ctx, asked, &again)?;
            Box::pin(answer(ctx, asked, again)).await
        }
        Use::Again => reused(ctx, &again).await,
        Use::First | Use::Any => Err(OAuthError::grant("what stood behind it has ended").into()),
    }
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

/// What was granted, as far as the client is still registered for it.
fn scope_now(client: &Client, grant: &StoredGrant) -> String {
    Scopes::parse(&grant.scope).within(&client.scopes).to_string()
}

fn kept<'g>(grant: &'g StoredGrant, scope: &'g str) -> Result<Kept<'g>, Fault> {
    Ok(Kept {
        client_id: &grant.client_id,
        subject: &grant.subject,
        scope,
        redirect_uri: &grant.redirect_uri,
        extensions: extensions(grant)?,
    })
}

/// What the ID token says of the identity, by scope, and of both by name; a value that was not asked
/// for is not given (OIDC Core §5.5.1).
async fn id_claims(
    ctx: &Ctx,
    asked: &Asked<'_>,
    approved: &Approved,
    grant: &StoredGrant,
    identity: &ActingIdentity,
) -> Result<Map<String, Value>, Fault> {
    let requested = engine::requested_claims(&extensions(grant)?);
    let requested = requested.within(&asked.client.scopes).id_token;
    let by_name = |name: &str| requested.contains_key(name);
    let by_scope = |name: &str| scope_of(name).is_some_and(|one| approved.scope().has(one));
    let mut claims = named(asked.client, identity, |name| by_name(name) || by_scope(name))?;
    let is_persons = |name: &String| scope_of(name).is_some_and(|scope| scope != "tax_identity");
    if requested.keys().any(is_persons) {
        let rows = ctx.rows();
        let person = rows.people().find(grant.person).await?;
        let account = rows.accounts().find(grant.account).await?;
        if let (Some(person), Some(account)) = (person, account) {
            let username = account.username.map(|name| name.as_str().to_owned());
            claims.extend(person_claims(ctx, grant, &person, username, by_name).await?);
        }
    }
    claims.retain(|name, value| requested.get(name).is_none_or(|asked| asked.takes(name, value)));
    Ok(claims)
}

/// What a code would be redeemed for, before it is signed; without it, nothing is kept.
pub struct Preview {
    pub id_token: IdClaims,
    pub access_token: AccessClaims,
    pub format: AccessTokenFormat,
}

/// The same claims that [`exchange`] signs. `params`: a token request of this client.
pub async fn preview(
    ctx: &Ctx,
    client: &Client,
    params: &Params,
    (grant, identity): (&StoredGrant, &ActingIdentity),
) -> Result<Preview, Stop> {
    let asked = Asked { client, params, proof: None };
    let scope = scope_now(client, grant);
    let approved = engine::redeem_code(params, &client.client_id, &kept(grant, &scope)?)?;
    let target = asked.target(ctx, Some(approved.resources()))?;
    let claims = id_claims(ctx, &asked, &approved, grant, identity).await?;
    let person = Person { grant, identity, claims };
    let wanted = Wanted { client, approved: &approved, target: &target, key: None };
    Ok(Preview {
        id_token: identity_claims(ctx, &wanted, &person, None),
        access_token: access_claims(ctx, &wanted, Some(&person)),
        format: target.format,
    })
}

async fn by_client(ctx: &Ctx, asked: &Asked<'_>) -> Answer {
    let (Asked { client, params, .. }, key) = (asked, asked.key());
    if matches!(client.credential, Credential::Public) {
        return Err(OAuthError::client("a public client has no credentials of its own").into());
    }
    asked.use_up_proof(ctx, None).await?;
    let own: Vec<&str> = client.scopes.iter().map(String::as_str).collect();
    let allowed = Scopes::parse(&own.join(" "));
    let approved = engine::client_credentials(params, &client.client_id, &allowed)?;
    let target = asked.target(ctx, None)?;
    let wanted = Wanted { client, approved: &approved, target: &target, key };
    let claims = access_claims(ctx, &wanted, None);
    let (access_token, opaque) = access_token(ctx, &target, &claims, None)?;
    let issued = Issued {
        response: TokenResponse {
            access_token,
            token_type: token_type(key),
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
