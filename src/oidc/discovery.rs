//! The discovery document (OIDC Discovery §3, RFC 8414) and the JWKS, in openidconnect's types:
//! its relying parties read what its own structs write.

use openidconnect::core::{
    CoreClaimName, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey, CoreJsonWebKeySet,
    CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreResponseMode, CoreResponseType,
    CoreSubjectIdentifierType,
};
use openidconnect::{
    AuthUrl, AuthenticationContextClass, EmptyAdditionalProviderMetadata, IssuerUrl,
    JsonWebKeySetUrl, ResponseTypes, Scope, TokenUrl, UserInfoUrl,
};
use serde_json::{Value, json};

use crate::jose::Algorithm;
use crate::jose::keys::KeySet;
use crate::oidc::claims::{BY_SCOPE, OF_EVERY_TOKEN, acr};

/// The paths below the issuer; `web::paths` routes them.
pub mod path {
    pub const AUTHORIZE: &str = "/authorize";
    pub const TOKEN: &str = "/token";
    pub const USERINFO: &str = "/userinfo";
    pub const JWKS: &str = "/jwks";
    /// Of clients that ask for `SGD_SM3_SM2`; no document names it.
    pub const JWKS_SM2: &str = "/jwks/sm2";
    pub const INTROSPECT: &str = "/introspect";
    pub const REVOKE: &str = "/revoke";
    pub const END_SESSION: &str = "/logout";
}

/// A document that does not come out as its own specification wants.
#[derive(Debug, thiserror::Error)]
#[error("the discovery document cannot be written: {0}")]
pub struct DiscoveryError(String);

fn wrong(error: impl ToString) -> DiscoveryError {
    DiscoveryError(error.to_string())
}

/// The bytes that are served; made once for each version of a realm. `highest`: the level that a session can
/// prove there.
pub fn document(
    issuer: &str,
    algorithms: &[Algorithm],
    highest: u8,
    scopes: &[&str],
    resources: &[&str],
) -> Result<Vec<u8>, DiscoveryError> {
    let url = |path: &str| format!("{issuer}{path}");
    let signing: Vec<CoreJwsSigningAlgorithm> =
        algorithms.iter().filter_map(|alg| core(*alg)).collect();
    let metadata = CoreProviderMetadata::new(
        IssuerUrl::new(issuer.to_owned()).map_err(wrong)?,
        AuthUrl::new(url(path::AUTHORIZE)).map_err(wrong)?,
        JsonWebKeySetUrl::new(url(path::JWKS)).map_err(wrong)?,
        vec![ResponseTypes::new(vec![CoreResponseType::Code])],
        vec![CoreSubjectIdentifierType::Public, CoreSubjectIdentifierType::Pairwise],
        signing.clone(),
        EmptyAdditionalProviderMetadata {},
    )
    .set_token_endpoint(Some(TokenUrl::new(url(path::TOKEN)).map_err(wrong)?))
    .set_userinfo_endpoint(Some(UserInfoUrl::new(url(path::USERINFO)).map_err(wrong)?))
    .set_userinfo_signing_alg_values_supported(Some(signing.clone()))
    .set_scopes_supported(Some(
        scopes.iter().map(|scope| Scope::new((*scope).to_owned())).collect(),
    ))
    .set_response_modes_supported(Some(vec![CoreResponseMode::Query, CoreResponseMode::FormPost]))
    .set_grant_types_supported(Some(vec![
        CoreGrantType::AuthorizationCode,
        CoreGrantType::RefreshToken,
        CoreGrantType::ClientCredentials,
    ]))
    .set_acr_values_supported(Some(
        (1..=highest).map(|level| AuthenticationContextClass::new(acr(level))).collect(),
    ))
    .set_token_endpoint_auth_methods_supported(Some(vec![
        CoreClientAuthMethod::ClientSecretBasic,
        CoreClientAuthMethod::ClientSecretPost,
        CoreClientAuthMethod::PrivateKeyJwt,
        CoreClientAuthMethod::None,
    ]))
    .set_token_endpoint_auth_signing_alg_values_supported(Some(
        Algorithm::COMMON.iter().filter_map(|alg| core(*alg)).collect(),
    ))
    .set_claims_supported(Some(claims()))
    .set_claims_parameter_supported(Some(true))
    .set_request_parameter_supported(Some(false))
    .set_request_uri_parameter_supported(Some(false));
    let mut document = serde_json::to_value(metadata).map_err(wrong)?;
    let more = json!({
        "introspection_endpoint": url(path::INTROSPECT),
        "revocation_endpoint": url(path::REVOKE),
        "end_session_endpoint": url(path::END_SESSION),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "authorization_details_types_supported": [crate::domain::wanted::TYPE],
        "frontchannel_logout_supported": true,
        "frontchannel_logout_session_supported": true,
        "dpop_signing_alg_values_supported": Algorithm::COMMON.map(Algorithm::name),
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "ui_locales_supported": ["zh-CN", "en"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
    });
    if let (Value::Object(document), Value::Object(more)) = (&mut document, more) {
        document.extend(more);
        // RFC 8414 §2: whoever is told nothing takes it for `client_secret_basic` alone.
        for what in ["auth_methods", "auth_signing_alg_values"] {
            let of_token = document.get(&format!("token_endpoint_{what}_supported")).cloned();
            let of_token = of_token.unwrap_or_default();
            document.insert(format!("revocation_endpoint_{what}_supported"), of_token);
        }
        // RFC 9728 §4.
        if !resources.is_empty() {
            document.insert("protected_resources".to_owned(), json!(resources));
        }
    }
    serde_json::to_vec(&document).map_err(wrong)
}

/// What ID tokens and userinfo may say.
fn claims() -> Vec<CoreClaimName> {
    let by_scope = BY_SCOPE.iter().map(|(claim, _)| *claim);
    let all = OF_EVERY_TOKEN.into_iter().chain(by_scope);
    all.map(|claim| CoreClaimName::new(claim.to_owned())).collect()
}

/// Public keys alone: read through a type, so that what is not a public key fails here.
pub fn jwks(keys: &KeySet) -> Result<Vec<u8>, DiscoveryError> {
    let mut set: Vec<CoreJsonWebKey> = Vec::new();
    for key in keys.iter().filter(|key| key.algorithm.is_common()) {
        if ["d", "k", "p", "q"].iter().any(|secret| key.public().contains_key(*secret)) {
            return Err(wrong("a private key among the public ones"));
        }
        set.push(serde_json::from_value(Value::Object(key.public().clone())).map_err(wrong)?);
    }
    serde_json::to_vec(&CoreJsonWebKeySet::new(set)).map_err(wrong)
}

/// The SM2 keys, apart: some libraries refuse a whole JWKS for one curve that they do not know.
/// `None`: the realm has none.
pub fn jwks_sm2(keys: &KeySet) -> Result<Option<Vec<u8>>, DiscoveryError> {
    let own = keys.iter().filter(|key| key.algorithm == Algorithm::Sm2);
    let set: Vec<Value> = own.map(|key| Value::Object(key.public().clone())).collect();
    match set.is_empty() {
        true => Ok(None),
        false => serde_json::to_vec(&json!({"keys": set})).map(Some).map_err(wrong),
    }
}

/// `None`: not advertised.
fn core(algorithm: Algorithm) -> Option<CoreJwsSigningAlgorithm> {
    match algorithm {
        Algorithm::ES256 => Some(CoreJwsSigningAlgorithm::EcdsaP256Sha256),
        Algorithm::RS256 => Some(CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256),
        Algorithm::PS256 => Some(CoreJwsSigningAlgorithm::RsaSsaPssSha256),
        Algorithm::EdDSA => Some(CoreJwsSigningAlgorithm::EdDsa),
        Algorithm::Sm2 => None,
    }
}
