//! The authorization request: a list of small checks, then a value that is known to be right.
//! Until the redirect URI is known to be the client's, no error is ever sent to it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::domain::number::taxpayer::TaxpayerNumber;
use crate::domain::wanted::{self, WantedIdentity};
use crate::oidc::claims::scope_of;
use crate::oidc::error::{ErrorCode, OAuthError};
use crate::oidc::params::Params;
use crate::oidc::scope::Scopes;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Prompt {
    None,
    Login,
    Consent,
    SelectAccount,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResponseMode {
    Query,
    FormPost,
}

/// Where answers go, known before anything else is believed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Destination {
    pub redirect_uri: String,
    pub mode: ResponseMode,
    pub state: Option<String>,
}

/// A checked request.
#[derive(Clone, PartialEq, Debug)]
pub struct AuthorizeRequest {
    pub destination: Destination,
    pub scope: Scopes,
    pub nonce: Option<String>,
    pub prompt: BTreeSet<Prompt>,
    /// Seconds since the person last proved who they are.
    pub max_age: Option<i64>,
    pub acr_values: Vec<String>,
    /// One of them must be reached, also where none is ours (OIDC Core §5.5.1.1).
    pub needs_acr: bool,
    pub login_hint: Option<String>,
    pub ui_locales: Option<String>,
    pub id_token_hint: Option<String>,
    /// The identity that is needed (RFC 9396).
    pub wanted: Option<WantedIdentity>,
    /// All that the identity must fit: `wanted`, and the hinted enterprise.
    pub needs: Vec<WantedIdentity>,
    /// The key that the code is bound to (RFC 9449 §10).
    pub dpop_jkt: Option<String>,
    /// Names asked for one by one (OIDC Core §5.5).
    pub claims: RequestedClaims,
}

/// Claims asked for by name, in the two places they can go. What a client is not registered for, or
/// nobody knows of the person, is left out.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RequestedClaims {
    #[serde(default, deserialize_with = "members")]
    pub userinfo: BTreeMap<String, ClaimRequest>,
    #[serde(default, deserialize_with = "members")]
    pub id_token: BTreeMap<String, ClaimRequest>,
}

/// How a claim is asked for (OIDC Core §5.5.1).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ClaimRequest {
    pub essential: bool,
    /// The one that it is to have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Any of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
}

impl ClaimRequest {
    /// The values that will do; none of them: any.
    pub fn wanted(&self) -> Vec<&Value> {
        self.value.iter().chain(&self.values).collect()
    }

    pub fn takes(&self, value: &Value) -> bool {
        let wanted = self.wanted();
        wanted.is_empty() || wanted.contains(&value)
    }
}

/// `null` asks for a claim in no particular way; grants of before held names alone.
fn members<'de, D: Deserializer<'de>>(
    value: D,
) -> Result<BTreeMap<String, ClaimRequest>, D::Error> {
    let plain = |name: String| (name, ClaimRequest::default());
    Ok(match Value::deserialize(value)? {
        Value::Object(members) => {
            let read = |(name, asked): (String, Value)| {
                (name, serde_json::from_value(asked).unwrap_or_default())
            };
            members.into_iter().map(read).collect()
        }
        Value::Array(list) => {
            list.iter().filter_map(Value::as_str).map(|name| plain(name.to_owned())).collect()
        }
        _ => BTreeMap::new(),
    })
}

/// What a token says of its sign-in whether it is asked for or not.
const ALWAYS: [&str; 2] = ["acr", "sub"];

impl RequestedClaims {
    /// Only what these scopes would give.
    #[must_use]
    fn within(mut self, allowed: &BTreeSet<String>) -> Self {
        let known = |name: &String| {
            ALWAYS.contains(&name.as_str())
                || scope_of(name).is_some_and(|scope| allowed.contains(scope))
        };
        self.userinfo.retain(|name, _| known(name));
        self.id_token.retain(|name, _| known(name));
        self
    }

    /// The scopes that would give them: what the person is asked to agree to.
    pub fn scopes(&self) -> Scopes {
        let names = self.userinfo.keys().chain(self.id_token.keys());
        let scopes: Vec<&str> = names.filter_map(|name| scope_of(name)).collect();
        Scopes::parse(&scopes.join(" "))
    }

    pub fn is_empty(&self) -> bool {
        self.userinfo.is_empty() && self.id_token.is_empty()
    }

    /// Whether nobody else is asked for than the person of this `sub`.
    pub fn may_be(&self, subject: &str) -> bool {
        let subject = Value::from(subject);
        [&self.userinfo, &self.id_token]
            .into_iter()
            .filter_map(|place| place.get("sub"))
            .all(|asked| asked.takes(&subject))
    }

    /// The `acr` of the ID token, if these values are asked for.
    fn acr(&self) -> Option<(&ClaimRequest, Vec<String>)> {
        let asked = self.id_token.get("acr")?;
        let values: Vec<String> =
            asked.wanted().into_iter().filter_map(Value::as_str).map(str::to_owned).collect();
        (!values.is_empty()).then_some((asked, values))
    }
}

/// What the registration says of a client's requests.
pub struct Registered<'a> {
    pub scopes: &'a BTreeSet<String>,
    pub needs_pkce: bool,
}

/// Before anything may be sent to the client: is this redirect URI the client's own?
pub fn destination(
    params: &Params,
    accepts: impl Fn(&str) -> bool,
) -> Result<Destination, OAuthError> {
    let redirect_uri =
        params.get("redirect_uri").ok_or_else(|| OAuthError::request("redirect_uri is missing"))?;
    if !accepts(redirect_uri) {
        return Err(OAuthError::request("redirect_uri is not registered"));
    }
    // An unknown response mode is answered by the default one.
    let mode = match params.get("response_mode") {
        Some("form_post") => ResponseMode::FormPost,
        _ => ResponseMode::Query,
    };
    Ok(Destination {
        redirect_uri: redirect_uri.to_owned(),
        mode,
        state: params.get("state").map(str::to_owned),
    })
}

/// Every parameter that an authorization request may have; others are ignored, and not kept.
pub const KNOWN: [&str; 24] = [
    "acr_values",
    "authorization_details",
    "claims",
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "display",
    "dpop_jkt",
    "id_token_hint",
    "identity_hint",
    "login_hint",
    "max_age",
    "nonce",
    "prompt",
    "redirect_uri",
    "request",
    "request_uri",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "state",
    "ui_locales",
    "find",
];

/// What a request may keep us holding, in bytes: with a hint, `claims` and a long `state`.
pub const LONGEST: usize = 6000;

type Check = fn(&Params) -> Result<(), OAuthError>;

/// In the order in which a specification reader would look.
const CHECKS: [Check; 9] = [
    check_request_objects,
    check_response_type,
    check_response_mode,
    check_prompt,
    check_max_age,
    check_claims,
    check_dpop_jkt,
    check_details,
    check_lengths,
];

/// The rest of the request.
pub fn check(
    params: &Params,
    destination: Destination,
    registered: &Registered<'_>,
) -> Result<AuthorizeRequest, OAuthError> {
    for check in CHECKS {
        check(params)?;
    }
    let is_bound = ["code_challenge", "code_challenge_method"].map(|name| params.get(name));
    if registered.needs_pkce || is_bound.iter().any(Option::is_some) {
        check_pkce(params)?;
    }
    let allowed = registered.scopes;
    let scope = Scopes::parse(params.get("scope").unwrap_or_default()).within(allowed);
    if !scope.has("openid") {
        return Err(OAuthError::new(ErrorCode::InvalidScope, "scope openid is needed"));
    }
    let text = |name: &str| params.get(name).map(str::to_owned);
    let claims = params
        .get("claims")
        .and_then(|text| serde_json::from_str::<RequestedClaims>(text).ok())
        .unwrap_or_default()
        .within(allowed);
    let mut acr_values: Vec<String> = params
        .get("acr_values")
        .into_iter()
        .flat_map(str::split_ascii_whitespace)
        .map(str::to_owned)
        .collect();
    let mut needs_acr = false;
    if let Some((asked, values)) = claims.acr() {
        needs_acr = asked.essential;
        // What must be is not met by what would be liked.
        if asked.essential {
            acr_values.clear();
        }
        acr_values.extend(values);
    }
    Ok(AuthorizeRequest {
        destination,
        scope,
        nonce: text("nonce"),
        prompt: prompts(params),
        max_age: params.get("max_age").and_then(|text| text.parse().ok()),
        acr_values,
        needs_acr,
        login_hint: text("login_hint"),
        ui_locales: text("ui_locales"),
        id_token_hint: text("id_token_hint"),
        wanted: params.get("authorization_details").and_then(wanted::parse),
        needs: needs(params),
        dpop_jkt: text("dpop_jkt"),
        claims,
    })
}

fn prompts(params: &Params) -> BTreeSet<Prompt> {
    let words = params.get("prompt").into_iter().flat_map(str::split_ascii_whitespace);
    words.filter_map(prompt).collect()
}

fn prompt(word: &str) -> Option<Prompt> {
    match word {
        "none" => Some(Prompt::None),
        "login" => Some(Prompt::Login),
        "consent" => Some(Prompt::Consent),
        "select_account" => Some(Prompt::SelectAccount),
        _ => None,
    }
}

/// OIDC Core §6: not offered yet, said so.
fn check_request_objects(params: &Params) -> Result<(), OAuthError> {
    if params.get("request").is_some() {
        return Err(OAuthError::new(ErrorCode::RequestNotSupported, "request is not supported"));
    }
    if params.get("request_uri").is_some() {
        let reason = "request_uri is not supported";
        return Err(OAuthError::new(ErrorCode::RequestUriNotSupported, reason));
    }
    Ok(())
}

fn check_response_type(params: &Params) -> Result<(), OAuthError> {
    match params.get("response_type") {
        Some("code") => Ok(()),
        Some(_) => Err(OAuthError::new(
            ErrorCode::UnsupportedResponseType,
            "response_type code alone is supported",
        )),
        None => Err(OAuthError::request("response_type is missing")),
    }
}

fn check_response_mode(params: &Params) -> Result<(), OAuthError> {
    match params.get("response_mode") {
        None | Some("query" | "form_post") => Ok(()),
        Some(_) => Err(OAuthError::request("response_mode is query or form_post")),
    }
}

/// RFC 7636 §4.2: S256, 43 characters of base64url.
fn check_pkce(params: &Params) -> Result<(), OAuthError> {
    if params.get("code_challenge_method") != Some("S256") {
        return Err(OAuthError::request("code_challenge_method S256 is needed"));
    }
    let challenge = params.get("code_challenge").unwrap_or_default();
    let base64url = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if challenge.len() != 43 || !challenge.chars().all(base64url) {
        return Err(OAuthError::request("code_challenge is 43 characters of base64url"));
    }
    Ok(())
}

/// OIDC Core §3.1.2.1: `none` stands alone, others are known.
fn check_prompt(params: &Params) -> Result<(), OAuthError> {
    let words: Vec<&str> =
        params.get("prompt").into_iter().flat_map(str::split_ascii_whitespace).collect();
    if words.iter().any(|word| prompt(word).is_none()) {
        return Err(OAuthError::request("prompt has an unknown value"));
    }
    if words.contains(&"none") && words.len() > 1 {
        return Err(OAuthError::request("prompt none stands alone"));
    }
    Ok(())
}

/// What the identity must fit: `authorization_details`, and `identity_hint`, our own parameter, an
/// enterprise number to act in or for.
pub fn needs(params: &Params) -> Vec<WantedIdentity> {
    let details = params.get("authorization_details").and_then(wanted::parse);
    let hint = params.get("identity_hint").map(TaxpayerNumber::asked);
    let hint = hint.map(WantedIdentity::in_enterprise);
    details.into_iter().chain(hint).collect()
}

/// RFC 9396 §5: one object of the one type, with members that we know.
fn check_details(params: &Params) -> Result<(), OAuthError> {
    let wrong = |reason| OAuthError::new(ErrorCode::InvalidAuthorizationDetails, reason);
    let Some(text) = params.get("authorization_details") else { return Ok(()) };
    params.value("authorization_details").map_err(|error| wrong(error.reason))?;
    match wanted::parse(text) {
        Some(_) => Ok(()),
        None => Err(wrong("authorization_details is one object of type tax_identity")),
    }
}

/// RFC 9449 §10: a thumbprint (RFC 7638).
fn check_dpop_jkt(params: &Params) -> Result<(), OAuthError> {
    let base64url = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match params.get("dpop_jkt") {
        Some(jkt) if jkt.len() != 43 || !jkt.chars().all(base64url) => {
            Err(OAuthError::request("dpop_jkt is 43 characters of base64url"))
        }
        _ => Ok(()),
    }
}

fn check_max_age(params: &Params) -> Result<(), OAuthError> {
    match params.get("max_age").map(str::parse::<i64>) {
        None => Ok(()),
        Some(Ok(seconds)) if seconds >= 0 => Ok(()),
        Some(_) => Err(OAuthError::request("max_age is a number of seconds")),
    }
}

/// OIDC Core §5.5: two objects, their members `null` or an object.
fn check_claims(params: &Params) -> Result<(), OAuthError> {
    let malformed = || Err(OAuthError::request("claims is an object of objects"));
    let Some(claims) = params.value("claims")? else { return Ok(()) };
    let Value::Object(places) = claims else { return malformed() };
    for place in ["userinfo", "id_token"].iter().filter_map(|name| places.get(*name)) {
        let members = match place {
            Value::Null => continue,
            Value::Object(members) => members,
            _ => return malformed(),
        };
        let is_right = |asked: &Value| match asked {
            Value::Null => true,
            Value::Object(how) => {
                how.get("essential").is_none_or(Value::is_boolean)
                    && how.get("values").is_none_or(Value::is_array)
            }
            _ => false,
        };
        if !members.values().all(is_right) {
            return malformed();
        }
    }
    Ok(())
}

fn check_lengths(params: &Params) -> Result<(), OAuthError> {
    for name in ["state", "nonce", "login_hint", "identity_hint", "acr_values"] {
        if params.get(name).is_some_and(|value| value.len() > 2048) {
            return Err(OAuthError::request("a parameter is too long"));
        }
    }
    Ok(())
}
