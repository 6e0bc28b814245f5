//! The authorization request: a list of small checks, then a value that is known to be right.
//! Until the redirect URI is known to be the client's, no error is ever sent to it.

use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::domain::number::taxpayer::TaxpayerNumber;
use crate::domain::wanted::{self, WantedIdentity};
use crate::oidc::error::{ErrorCode, OAuthError};
use crate::oidc::params::Params;
use crate::oidc::requested::RequestedClaims;
use crate::oidc::resource::{self, Resources};
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
    /// The APIs that its tokens are for (RFC 8707); none: our own interfaces.
    pub resources: Resources,
}

/// What the registration says of a client's requests.
pub struct Registered<'a> {
    pub scopes: &'a BTreeSet<String>,
    pub needs_pkce: bool,
    /// Whether it may ask for tokens for an API.
    pub may_ask: &'a dyn Fn(&str) -> bool,
}

/// Before anything may be sent to the client: is this redirect URI the client's own?
pub fn destination(
    params: &Params,
    accepts: impl Fn(&str) -> bool,
) -> Result<Destination, OAuthError> {
    let object = params.get("request").map(unverified).unwrap_or_default();
    let said = |name: &str| {
        let inside = || Some(object.get(name)?.as_str()?.to_owned());
        params.get(name).map(str::to_owned).or_else(inside)
    };
    let redirect_uri =
        said("redirect_uri").ok_or_else(|| OAuthError::request("redirect_uri is missing"))?;
    if !accepts(&redirect_uri) {
        return Err(OAuthError::request("redirect_uri is not registered"));
    }
    // An unknown response mode is answered by the default one.
    let mode = match said("response_mode").as_deref() {
        Some("form_post") => ResponseMode::FormPost,
        _ => ResponseMode::Query,
    };
    let is_plain = |state: &String| state.len() <= 2048 && !state.contains(char::is_control);
    Ok(Destination { redirect_uri, mode, state: said("state").filter(is_plain) })
}

/// What a request object says. It is refused whatever it is (OIDC Core §6), so nothing of it counts but
/// where the refusal goes.
fn unverified(object: &str) -> Map<String, Value> {
    let payload =
        object.split('.').nth(1).and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
    payload.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
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

/// Those that say where its answer goes.
pub const ANSWERED: [&str; 4] = ["client_id", "redirect_uri", "response_mode", "state"];

/// What a request may keep us holding, in bytes: with a hint, `claims` and a long `state`.
pub const LONGEST: usize = 6000;

type Check = fn(&Params) -> Result<(), OAuthError>;

/// In the order in which a specification reader would look.
const CHECKS: [Check; 8] = [
    check_request_objects,
    check_response_type,
    check_response_mode,
    check_prompt,
    check_max_age,
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
    let resources = resource::asked(params, registered.may_ask)?;
    let claims = RequestedClaims::parse(params)?.within(allowed);
    let mut acr_values: Vec<String> = params
        .get("acr_values")
        .into_iter()
        .flat_map(str::split_ascii_whitespace)
        .map(str::to_owned)
        .collect();
    let mut needs_acr = false;
    if let Some((is_essential, values)) = claims.acr() {
        needs_acr = is_essential;
        // What must be is not met by what would be liked.
        if is_essential {
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
        resources,
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

/// The request without a value of `prompt` that was served.
#[must_use]
pub fn without_prompt(params: Params, served: Prompt) -> Params {
    let words = params.get("prompt").into_iter().flat_map(str::split_ascii_whitespace);
    let left: Vec<&str> = words.filter(|word| prompt(word) != Some(served)).collect();
    let left = left.join(" ");
    let mut params = params.without(&["prompt"]).into_map();
    if !left.is_empty() {
        params.insert("prompt".to_owned(), left);
    }
    Params::from_map(params)
}

/// The request as it goes on once somebody has signed in for it: it does not ask for it again, and whoever
/// has signed in since decided whether to be the one who was hinted. Who signs in chooses as whom; where a
/// sign-in is asked for beside that choice, the choice is still due.
#[must_use]
pub fn after_sign_in(params: Params) -> Params {
    let served = match prompts(&params).contains(&Prompt::Login) {
        true => Prompt::Login,
        false => Prompt::SelectAccount,
    };
    without_prompt(after_step(params), served)
}

/// The same after a step within the session: what it has proved is as young as can be.
#[must_use]
pub fn after_step(params: Params) -> Params {
    params.without(&["login_hint", "max_age"])
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

fn check_lengths(params: &Params) -> Result<(), OAuthError> {
    for name in ["state", "nonce", "login_hint", "identity_hint", "acr_values"] {
        if params.get(name).is_some_and(|value| value.len() > 2048) {
            return Err(OAuthError::request("a parameter is too long"));
        }
    }
    Ok(())
}
