//! From an approved grant to signed tokens and the rows that must be there before they leave.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::base::clock::Timestamp;
use crate::base::id::GrantId;
use crate::base::secret::{Hashed, Secret};
use crate::domain::acting::ActingIdentity;
use crate::domain::claims::TaxClaims;
use crate::domain::identity_type::Permissions;
use crate::domain::wanted::WantedIdentity;
use crate::flows::oauth::target::Target;
use crate::flows::{Ctx, Fault};
use crate::jose::jwt::sign;
use crate::oidc::claims::{
    AccessClaims, Confirmation, IdClaims, PersonClaims, acr, at_hash, level,
};
use crate::oidc::engine::Approved;
use crate::oidc::scope::Scopes;
use crate::realm::client::Client;
use crate::realm::registration::{AccessTokenFormat, GrantType};
use crate::store::Tx;
use crate::store::grants::StoredGrant;

/// What a grant is redeemed for.
pub(super) struct Wanted<'a> {
    pub client: &'a Client,
    pub approved: &'a Approved,
    pub target: &'a Target,
    /// Thumbprint of the key that the token is bound to.
    pub key: Option<&'a str>,
}

/// The person behind a grant, and the identity it is pinned to.
pub(super) struct Person<'a> {
    pub grant: &'a StoredGrant,
    pub identity: &'a ActingIdentity,
    /// For the ID token.
    pub claims: Map<String, Value>,
}

/// Tokens on their way out, and the rows that must be there before they leave.
pub(super) struct Issued {
    pub response: TokenResponse,
    pub opaque: Option<Opaque>,
    pub refresh: Option<Refresh>,
}

pub(super) struct Opaque {
    token: Hashed,
    grant: Option<GrantId>,
    claims: String,
    expires_at: Timestamp,
}

pub(super) struct Refresh {
    token: Hashed,
    grant: GrantId,
    expires_at: Timestamp,
}

/// The refresh token that goes out.
pub(super) enum RefreshToken {
    /// One that gets its row now.
    New(Secret),
    /// One that has it: the same that was shown, or its successor once more.
    Known(Secret),
}

impl Issued {
    pub fn writes_nothing(&self) -> bool {
        self.opaque.is_none() && self.refresh.is_none()
    }

    pub async fn save(&self, ctx: &Ctx, tx: &Tx<'_>) -> Result<(), Fault> {
        if let Some(one) = &self.opaque {
            let (tokens, claims) = (tx.rows().tokens(), one.claims.clone());
            tokens.add(one.token, one.grant, claims, one.expires_at).await?;
        }
        if let Some(one) = &self.refresh {
            let grants = tx.rows().grants();
            grants.add_refresh(one.token, one.grant, ctx.now(), one.expires_at).await?;
        }
        Ok(())
    }
}

/// The only way to a person's tokens; takes what a machine has approved.
pub(super) fn issue(
    ctx: &Ctx,
    wanted: &Wanted<'_>,
    person: &Person<'_>,
    refresh: RefreshToken,
) -> Result<Issued, Fault> {
    let Wanted { client, approved, target, key } = *wanted;
    let claims = access_claims(ctx, wanted, Some(person));
    let grant = person.grant.id;
    let (access_token, opaque) = access_token(ctx, target, &claims, Some(grant))?;
    let published = ctx.services.keys.of(&ctx.realm)?;
    let id_claims = identity_claims(ctx, wanted, person, Some(&access_token));
    let id_token = sign(published.keys.current(client.id_token_alg)?, "JWT", &id_claims)?;
    let expires_at = cut(person.grant.expires_at, person.identity);
    let (refresh_token, refresh) = match refresh {
        RefreshToken::New(token) if client.may(GrantType::RefreshToken) => {
            let row = Refresh { token: token.hashed(), grant, expires_at };
            (Some(token), Some(row))
        }
        RefreshToken::New(_) => (None, None),
        RefreshToken::Known(token) => (Some(token), None),
    };
    let response = TokenResponse {
        access_token,
        token_type: token_type(key),
        expires_in: claims.exp - claims.iat,
        refresh_token: refresh_token.map(|token| token.expose().to_owned()),
        scope: approved.scope().to_string(),
        id_token: Some(id_token),
        authorization_details: claims.authorization_details.clone(),
    };
    Ok(Issued { response, opaque, refresh })
}

/// RFC 9449 §5: what the client shows the token with.
pub(super) fn token_type(key: Option<&str>) -> &'static str {
    if key.is_some() { "DPoP" } else { "Bearer" }
}

/// No token outlives its identity.
fn cut(until: Timestamp, identity: &ActingIdentity) -> Timestamp {
    identity.ends_at().map_or(until, |end| until.min(end))
}

fn tax_claims(
    scope: &Scopes,
    identity: &ActingIdentity,
    told: Option<&Permissions>,
) -> Option<TaxClaims> {
    scope.has("tax_identity").then(|| TaxClaims::of(identity, told))
}

pub(super) fn access_claims(
    ctx: &Ctx,
    wanted: &Wanted<'_>,
    person: Option<&Person<'_>>,
) -> AccessClaims {
    let Wanted { client, approved, target, key } = *wanted;
    let told = target.permissions.as_ref();
    let now = ctx.now();
    let until = now.plus(target.lifetime);
    let random = ctx.random().short_token();
    AccessClaims {
        iss: ctx.realm.issuer.clone(),
        sub: person.map_or_else(|| client.client_id.clone(), |person| person.grant.subject.clone()),
        aud: target.audience.clone(),
        client_id: client.client_id.clone(),
        exp: person.map_or(until, |person| cut(until, person.identity)).0,
        iat: now.0,
        jti: match person {
            Some(person) => format!("{}.{random}", person.grant.id),
            None => random,
        },
        scope: approved.scope().to_string(),
        authorization_details: person
            .and_then(|person| {
                let wanted = approved.wanted()?;
                let claims = TaxClaims::of(person.identity, told);
                Some(wanted.granted(&claims))
            })
            .into_iter()
            .collect(),
        cnf: key.map(|jkt| Confirmation { jkt: jkt.to_owned() }),
        person: person.map(|person| PersonClaims {
            auth_time: person.grant.auth_time.0,
            acr: acr(person.grant.acr),
            amr: person.grant.amr.clone(),
            sid: person.grant.sid.clone(),
        }),
        tax: person.and_then(|person| tax_claims(approved.scope(), person.identity, told)),
    }
}

/// A JWT (RFC 9068), or an opaque one and its row.
pub(super) fn access_token(
    ctx: &Ctx,
    target: &Target,
    claims: &AccessClaims,
    grant: Option<GrantId>,
) -> Result<(String, Option<Opaque>), Fault> {
    if target.format == AccessTokenFormat::Opaque {
        let token = ctx.random().token();
        let kept =
            serde_json::to_string(claims).map_err(|error| Fault::Internal(error.to_string()))?;
        let expires_at = Timestamp(claims.exp);
        let opaque = Opaque { token: token.hashed(), grant, claims: kept, expires_at };
        return Ok((token.expose().to_owned(), Some(opaque)));
    }
    let published = ctx.services.keys.of(&ctx.realm)?;
    let key = match target.algorithm {
        Some(algorithm) => published.keys.current(algorithm)?,
        None => published.keys.first(&ctx.realm.algorithms)?,
    };
    Ok((sign(key, "at+jwt", claims)?, None))
}

/// The level that was proved; where one of certain values must be said (OIDC Core §5.5.1.1), the highest of them
/// that it reaches. The access token says what was proved.
fn told_level(approved: &Approved, proved: u8) -> String {
    let asked = approved.essential_levels().into_iter();
    let reached = asked.filter_map(|one| Some((level(&one)?, one))).filter(|(n, _)| *n <= proved);
    reached.max_by_key(|(n, _)| *n).map_or_else(|| acr(proved), |(_, one)| one)
}

/// What the ID token says; `access_token`: the one beside it, as it goes out.
pub(super) fn identity_claims(
    ctx: &Ctx,
    wanted: &Wanted<'_>,
    person: &Person<'_>,
    access_token: Option<&str>,
) -> IdClaims {
    let (client, grant, now) = (wanted.client, person.grant, ctx.now());
    IdClaims {
        iss: ctx.realm.issuer.clone(),
        sub: grant.subject.clone(),
        aud: client.client_id.clone(),
        exp: cut(now.plus(ctx.realm.lifetimes.id_token), person.identity).0,
        iat: now.0,
        auth_time: grant.auth_time.0,
        nonce: wanted.approved.nonce().map(str::to_owned),
        acr: told_level(wanted.approved, grant.acr),
        amr: grant.amr.clone(),
        sid: grant.sid.clone(),
        at_hash: access_token.and_then(|token| at_hash(client.id_token_alg, token)),
        about: person.claims.clone(),
    }
}

/// RFC 6749 §5.1.
#[derive(Debug, Serialize)]
pub struct TokenResponse {
    pub access_token: String,
    pub token_type: &'static str,
    pub expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// RFC 9396 §7.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<WantedIdentity>,
}
