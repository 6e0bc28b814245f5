//! oxide-auth's state machines, run over values that `flows` has loaded. They are the only way to
//! a [`Bound`] request and an [`Approved`] grant, and `flows::oauth::token::issue` takes nothing else.
//!
//! The machines read the wall clock themselves; expiry is checked with ours before, and they are
//! handed a grant that ends far away.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use oxide_auth::code_grant::accesstoken::{self, AccessToken};
use oxide_auth::code_grant::authorization::{self, Authorization};
use oxide_auth::code_grant::client_credentials::{self, ClientCredentials};
use oxide_auth::code_grant::extensions::Pkce;
use oxide_auth::code_grant::refresh::{self, Refresh};
use oxide_auth::primitives::grant::{Extensions, Grant, Value};
use oxide_auth::primitives::registrar::{BoundClient, PreGrant, RegisteredUrl};
use oxide_auth::primitives::scope::Scope;

use crate::domain::wanted::WantedIdentity;
use crate::oidc::authorize::AuthorizeRequest;
use crate::oidc::error::{ErrorCode, OAuthError};
use crate::oidc::params::Params;
use crate::oidc::requested::RequestedClaims;
use crate::oidc::resource::Resources;
use crate::oidc::scope::Scopes;

/// A request that the authorization machine has bound to its client.
pub struct Bound {
    pub scope: Scopes,
    /// Private extensions: PKCE challenge and nonce, to be kept with the code.
    pub extensions: BTreeMap<String, String>,
}

/// A grant that a machine let through; nothing else can be issued.
pub struct Approved {
    scope: Scopes,
    extensions: BTreeMap<String, String>,
}

/// What was kept with a code or a refresh token.
pub struct Kept<'a> {
    pub client_id: &'a str,
    pub subject: &'a str,
    pub scope: &'a str,
    pub redirect_uri: &'a str,
    pub extensions: BTreeMap<String, String>,
}

const NONCE: &str = "hufu_nonce";
const CLAIMS: &str = "hufu_claims";
const DETAILS: &str = "hufu_details";
const RESOURCES: &str = "hufu_resources";

/// The identity that was asked for with a grant.
pub fn wanted(extensions: &BTreeMap<String, String>) -> Option<WantedIdentity> {
    serde_json::from_str(extensions.get(DETAILS)?).ok()
}

/// The `claims` parameter as it was kept with a grant.
pub fn requested_claims(extensions: &BTreeMap<String, String>) -> RequestedClaims {
    let kept = extensions.get(CLAIMS);
    kept.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// Client credentials have no redirect URI, the machine wants one all the same.
static NOWHERE: LazyLock<Option<RegisteredUrl>> =
    LazyLock::new(|| "https://client-credentials.invalid/".parse().ok().map(RegisteredUrl::Exact));

fn stopped() -> OAuthError {
    OAuthError::request("the request is malformed")
}

struct AuthorizeView<'a>(&'a Params);

impl authorization::Request for AuthorizeView<'_> {
    fn valid(&self) -> bool {
        true
    }
    fn client_id(&self) -> Option<Cow<'_, str>> {
        self.0.get("client_id").map(Cow::Borrowed)
    }
    fn scope(&self) -> Option<Cow<'_, str>> {
        self.0.get("scope").map(Cow::Borrowed)
    }
    fn redirect_uri(&self) -> Option<Cow<'_, str>> {
        self.0.get("redirect_uri").map(Cow::Borrowed)
    }
    fn state(&self) -> Option<Cow<'_, str>> {
        self.0.get("state").map(Cow::Borrowed)
    }
    fn response_type(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed("code"))
    }
    fn extension(&self, key: &str) -> Option<Cow<'_, str>> {
        self.0.get(key).map(Cow::Borrowed)
    }
}

/// Runs the authorization machine over a checked request.
pub fn bind(params: &Params, request: &AuthorizeRequest) -> Result<Bound, OAuthError> {
    use authorization::{Input, Output};
    let view = AuthorizeView(params);
    let mut machine = Authorization::new(&view);
    let Output::Bind { client_id, redirect_uri: Some(redirect_uri) } = machine.advance(Input::None)
    else {
        return Err(stopped());
    };
    let registered = RegisteredUrl::Exact(redirect_uri);
    let bound_client = BoundClient {
        client_id: Cow::Owned(client_id),
        redirect_uri: Cow::Owned(registered.clone()),
    };
    let Output::Extend = machine.advance(Input::Bound { request: &view, bound_client }) else {
        return Err(OAuthError::new(ErrorCode::InvalidScope, "scope is malformed"));
    };
    // Whether one is needed was checked with the request; one that is given counts.
    let pkce = Pkce::optional();
    let (method, challenge) = (params.get("code_challenge_method"), params.get("code_challenge"));
    let challenge = pkce
        .challenge(method.map(Cow::Borrowed), challenge.map(Cow::Borrowed))
        .map_err(|()| OAuthError::request("code_challenge is malformed"))?;
    let mut extensions = Extensions::new();
    if let Some(challenge) = challenge {
        extensions.set(&pkce, challenge);
    }
    if let Some(nonce) = &request.nonce {
        extensions.set_raw(NONCE.to_owned(), Value::private(Some(nonce.clone())));
    }
    if !request.claims.is_empty() {
        let claims = serde_json::to_string(&request.claims).unwrap_or_default();
        extensions.set_raw(CLAIMS.to_owned(), Value::private(Some(claims)));
    }
    if let Some(wanted) = &request.wanted {
        let wanted = serde_json::to_string(wanted).unwrap_or_default();
        extensions.set_raw(DETAILS.to_owned(), Value::private(Some(wanted)));
    }
    if !request.resources.is_empty() {
        let resources = serde_json::to_string(&request.resources).unwrap_or_default();
        extensions.set_raw(RESOURCES.to_owned(), Value::private(Some(resources)));
    }
    let Output::Negotiate { bound_client, .. } = machine.advance(Input::Extended(extensions))
    else {
        return Err(stopped());
    };
    let pre_grant = PreGrant {
        client_id: bound_client.client_id.clone().into_owned(),
        redirect_uri: registered,
        scope: oxide_scope(&request.scope)?,
    };
    match machine.advance(Input::Negotiated { pre_grant, state: None }) {
        Output::Ok { pre_grant, extensions, .. } => Ok(Bound {
            scope: Scopes::parse(&pre_grant.scope.to_string()),
            extensions: keep(&extensions),
        }),
        _ => Err(stopped()),
    }
}

/// The client has been authenticated by us; the machine is shown its name alone.
struct TokenView<'a> {
    params: &'a Params,
    client_id: &'a str,
}

impl accesstoken::Request for TokenView<'_> {
    fn valid(&self) -> bool {
        true
    }
    fn code(&self) -> Option<Cow<'_, str>> {
        self.params.get("code").map(Cow::Borrowed)
    }
    fn authorization(&self) -> accesstoken::Authorization<'_> {
        accesstoken::Authorization::Username(Cow::Borrowed(self.client_id))
    }
    fn client_id(&self) -> Option<Cow<'_, str>> {
        None
    }
    fn redirect_uri(&self) -> Option<Cow<'_, str>> {
        self.params.get("redirect_uri").map(Cow::Borrowed)
    }
    fn grant_type(&self) -> Option<Cow<'_, str>> {
        self.params.get("grant_type").map(Cow::Borrowed)
    }
    fn extension(&self, key: &str) -> Option<Cow<'_, str>> {
        self.params.get(key).map(Cow::Borrowed)
    }
}

/// RFC 6749 §4.1.3 and RFC 7636 §4.6: the code's client, redirect URI and verifier.
pub fn redeem_code(
    params: &Params,
    client_id: &str,
    kept: &Kept<'_>,
) -> Result<Approved, OAuthError> {
    use accesstoken::{Input, Output};
    let refused = |cause| {
        OAuthError::grant("the code is not valid for this client and redirect_uri").because(cause)
    };
    // The machine compares parsed addresses; we want the very same text (RFC 6749 §3.1.2.3).
    if params.get("redirect_uri").is_some_and(|uri| uri != kept.redirect_uri) {
        return Err(refused("redirect_uri is not the one that the code was sent to"));
    }
    let view = TokenView { params, client_id };
    let mut machine = AccessToken::new(&view);
    let Output::Authenticate { .. } = machine.advance(Input::None) else {
        return Err(OAuthError::request("code or redirect_uri is missing"));
    };
    let Output::Recover { .. } = machine.advance(Input::Authenticated) else {
        return Err(stopped());
    };
    let grant = oxide_grant(kept)?;
    let mut extensions = match machine.advance(Input::Recovered(Some(Box::new(grant)))) {
        Output::Extend { extensions } => std::mem::take(extensions),
        _ => return Err(refused("client or redirect_uri is another, or the code has expired")),
    };
    let pkce = Pkce::optional();
    let (challenge, verifier) = (extensions.remove(&pkce), code_verifier(params)?);
    // A challenge that somebody has taken out on the way (RFC 9700 §4.8.2).
    if challenge.is_none() && verifier.is_some() {
        return Err(mismatch(
            "a code_verifier came, and the code was asked for without a challenge",
        ));
    }
    let cause = match verifier {
        None => "code_verifier is missing",
        Some(_) => "code_verifier is not the one of the challenge",
    };
    pkce.verify(challenge, verifier.map(Cow::Borrowed)).map_err(|()| mismatch(cause))?;
    match machine.advance(Input::Extended { access_extensions: extensions }) {
        Output::Issue { grant } => Ok(approved(grant)),
        _ => Err(refused("the code was not issued as it is redeemed")),
    }
}

/// One answer to every wrong verifier; what was wrong is the log's.
fn mismatch(cause: &'static str) -> OAuthError {
    OAuthError::grant("code_verifier does not match").because(cause)
}

/// RFC 7636 §4.1: 43 to 128 unreserved characters.
fn code_verifier(params: &Params) -> Result<Option<&str>, OAuthError> {
    let verifier = params.get("code_verifier");
    let unreserved = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
    match verifier {
        Some(text) if !(43..=128).contains(&text.len()) || !text.chars().all(unreserved) => {
            Err(mismatch("code_verifier is not 43 to 128 unreserved characters"))
        }
        other => Ok(other),
    }
}

impl refresh::Request for TokenView<'_> {
    fn valid(&self) -> bool {
        true
    }
    fn refresh_token(&self) -> Option<Cow<'_, str>> {
        self.params.get("refresh_token").map(Cow::Borrowed)
    }
    fn scope(&self) -> Option<Cow<'_, str>> {
        self.params.get("scope").map(Cow::Borrowed)
    }
    fn grant_type(&self) -> Option<Cow<'_, str>> {
        self.params.get("grant_type").map(Cow::Borrowed)
    }
    fn authorization(&self) -> Option<(Cow<'_, str>, Cow<'_, [u8]>)> {
        Some((Cow::Borrowed(self.client_id), Cow::Borrowed(&[])))
    }
    fn extension(&self, key: &str) -> Option<Cow<'_, str>> {
        self.params.get(key).map(Cow::Borrowed)
    }
}

/// RFC 6749 §6: the token's client, and a scope that only narrows.
pub fn redeem_refresh(
    params: &Params,
    client_id: &str,
    kept: &Kept<'_>,
) -> Result<Approved, OAuthError> {
    use refresh::{Input, Output};
    let view = TokenView { params, client_id };
    let mut machine = Refresh::new(&view);
    let Output::Unauthenticated { .. } = machine.advance(Input::None) else {
        return Err(OAuthError::request("refresh_token is missing"));
    };
    let scope = || refresh::Request::scope(&view);
    let Output::RecoverRefresh { .. } = machine.advance(Input::Authenticated { scope: scope() })
    else {
        return Err(stopped());
    };
    if kept.client_id != client_id {
        return Err(OAuthError::grant("the refresh token is another client's"));
    }
    let grant = Some(Box::new(oxide_grant(kept)?));
    match machine.advance(Input::Recovered { scope: scope(), grant }) {
        Output::Refresh { grant, .. } => Ok(approved(&grant)),
        _ => Err(OAuthError::new(ErrorCode::InvalidScope, "scope exceeds the grant")),
    }
}

impl client_credentials::Request for TokenView<'_> {
    fn valid(&self) -> bool {
        true
    }
    fn authorization(&self) -> Option<(Cow<'_, str>, Cow<'_, [u8]>)> {
        Some((Cow::Borrowed(self.client_id), Cow::Borrowed(&[])))
    }
    fn scope(&self) -> Option<Cow<'_, str>> {
        self.params.get("scope").map(Cow::Borrowed)
    }
    fn grant_type(&self) -> Option<Cow<'_, str>> {
        self.params.get("grant_type").map(Cow::Borrowed)
    }
    /// The client is authenticated by us; shown its `client_id` in the body once more, the machine
    /// would take it for a second way.
    fn extension(&self, _key: &str) -> Option<Cow<'_, str>> {
        None
    }
}

/// RFC 6749 §4.4: the client for itself; `allowed` are its registered scopes.
pub fn client_credentials(
    params: &Params,
    client_id: &str,
    allowed: &Scopes,
) -> Result<Approved, OAuthError> {
    use client_credentials::{Input, Output};
    let view = TokenView { params, client_id };
    let mut machine = ClientCredentials::new(&view);
    let Output::Authenticate { .. } = machine.advance(Input::None) else { return Err(stopped()) };
    let Output::Binding { .. } = machine.advance(Input::Authenticated) else {
        return Err(stopped());
    };
    let redirect_uri = NOWHERE.clone().ok_or_else(stopped)?;
    let bound_client = BoundClient {
        client_id: Cow::Owned(client_id.to_owned()),
        redirect_uri: Cow::Owned(redirect_uri.clone()),
    };
    let Output::Extend = machine.advance(Input::Bound { bound_client }) else {
        return Err(stopped());
    };
    let extensions = Extensions::new();
    let Output::Negotiate { scope, .. } = machine.advance(Input::Extended { extensions }) else {
        return Err(OAuthError::new(ErrorCode::InvalidScope, "scope is malformed"));
    };
    let scope = scope.map_or_else(Scopes::default, |scope| Scopes::parse(&scope.to_string()));
    if !scope.is_within(allowed) {
        return Err(OAuthError::new(ErrorCode::InvalidScope, "scope is not the client's"));
    }
    // The machine wants one word; `openid` stands for none and is taken out again.
    let machine_scope = if scope.is_empty() { Scopes::parse("openid") } else { scope.clone() };
    let pre_grant = PreGrant {
        client_id: client_id.to_owned(),
        redirect_uri,
        scope: oxide_scope(&machine_scope)?,
    };
    match machine.advance(Input::Negotiated { pre_grant }) {
        Output::Ok { extensions, .. } => Ok(Approved { scope, extensions: keep(extensions) }),
        _ => Err(stopped()),
    }
}

fn approved(grant: &Grant) -> Approved {
    Approved { scope: Scopes::parse(&grant.scope.to_string()), extensions: keep(&grant.extensions) }
}

impl Approved {
    pub fn scope(&self) -> &Scopes {
        &self.scope
    }

    pub fn wanted(&self) -> Option<WantedIdentity> {
        wanted(&self.extensions)
    }

    /// The APIs that it was given for.
    pub fn resources(&self) -> Resources {
        let kept = self.extensions.get(RESOURCES);
        kept.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// The levels of which the ID token must say one; empty: any will do.
    pub fn essential_levels(&self) -> Vec<String> {
        match requested_claims(&self.extensions).acr() {
            Some((true, levels)) => levels,
            _ => Vec::new(),
        }
    }

    pub fn nonce(&self) -> Option<&str> {
        self.extensions.get(NONCE).map(String::as_str)
    }
}

fn oxide_scope(scopes: &Scopes) -> Result<Scope, OAuthError> {
    let malformed = || OAuthError::new(ErrorCode::InvalidScope, "scope is malformed");
    scopes.to_string().parse().map_err(|_| malformed())
}

fn oxide_grant(kept: &Kept<'_>) -> Result<Grant, OAuthError> {
    let mut extensions = Extensions::new();
    for (name, value) in &kept.extensions {
        extensions.set_raw(name.clone(), Value::private(Some(value.clone())));
    }
    Ok(Grant {
        owner_id: kept.subject.to_owned(),
        client_id: kept.client_id.to_owned(),
        scope: oxide_scope(&Scopes::parse(kept.scope))?,
        redirect_uri: kept.redirect_uri.parse().map_err(|_| stopped())?,
        until: DateTime::<Utc>::MAX_UTC,
        extensions,
    })
}

fn keep(extensions: &Extensions) -> BTreeMap<String, String> {
    let private = extensions.private();
    private.filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect()
}
