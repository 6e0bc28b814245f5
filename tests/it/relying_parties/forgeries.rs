//! What no application may believe: logout tokens that are none, and tokens that an API is not meant
//! to be shown.

use hufu::jose::Algorithm;
use hufu::jose::jwt::sign;
use hufu::jose::keys::{SigningKey, generate};
use serde_json::{Value, json};

use super::party::Provider;

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Signs as the provider does, or as somebody else who says so.
pub struct Forger<'a> {
    provider: &'a Provider,
    stranger: SigningKey,
}

/// Claims over others; null takes one away.
fn with(claims: &Value, changes: Value) -> Value {
    let mut claims = claims.clone();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

impl<'a> Forger<'a> {
    pub fn new(provider: &'a Provider) -> Self {
        let (private, _) = generate(Algorithm::RS256).unwrap();
        let stranger = SigningKey::new(Algorithm::RS256, &private, true).unwrap();
        Self { provider, stranger }
    }

    fn claims(&self, client: &str) -> Value {
        let now = self.provider.app.ctx.now().0;
        json!({"iss": self.provider.issuer, "aud": client, "client_id": client, "sub": "somebody",
            "iat": now, "exp": now + 60, "jti": "forged"})
    }

    fn signed(&self, typ: &str, claims: &Value) -> String {
        let published = self.provider.app.ctx.services.keys.of(&self.provider.app.ctx.realm);
        sign(published.unwrap().keys.current(Algorithm::RS256).unwrap(), typ, claims).unwrap()
    }

    /// None of them ends the session `sid`.
    pub fn logout_tokens(&self, client: &str, sid: &str) -> Vec<(&'static str, String)> {
        let good = with(&self.claims(client), json!({"sid": sid, "events": {EVENT: {}}}));
        let own = |changes| self.signed("logout+jwt", &with(&good, changes));
        vec![
            (
                "an ID token",
                self.signed("JWT", &with(&good, json!({"events": null, "nonce": "n"}))),
            ),
            ("no event", own(json!({"events": null}))),
            ("another event", own(json!({"events": {"https://event.example": {}}}))),
            ("a nonce", own(json!({"nonce": "n"}))),
            ("an old one", own(json!({"iat": 1, "exp": 2}))),
            ("another application's", own(json!({"aud": "tax-filing"}))),
            ("another issuer's", own(json!({"iss": "http://localhost/realms/other"}))),
            ("a stranger's", sign(&self.stranger, "logout+jwt", &good).unwrap()),
            ("nothing", String::new()),
        ]
    }

    /// Tokens of `client` for the API `identifier`, and whether it may take them.
    pub fn for_an_api(&self, client: &str, identifier: &str) -> Vec<(&'static str, String, bool)> {
        let good = with(&self.claims(client), json!({"aud": identifier}));
        let with_ours = json!({"aud": [identifier, self.provider.issuer]});
        let own = |changes| self.signed("at+jwt", &with(&good, changes));
        vec![
            ("its own", own(json!({})), true),
            ("its own and the provider's", own(with_ours), true),
            ("an ID token", self.signed("JWT", &good), false),
            ("a logout token", self.signed("logout+jwt", &good), false),
            ("another API's", own(json!({"aud": "https://api.jiangxi.example/filing"})), false),
            ("the application's", own(json!({"aud": client})), false),
            ("the provider's", own(json!({"aud": self.provider.issuer})), false),
            ("nobody's", own(json!({"aud": null})), false),
            ("another issuer's", own(json!({"iss": "http://localhost/realms/other"})), false),
            ("an old one", own(json!({"iat": 1, "exp": 2})), false),
            ("a stranger's", sign(&self.stranger, "at+jwt", &good).unwrap(), false),
            ("nothing", String::new(), false),
        ]
    }
}
