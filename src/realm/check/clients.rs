//! `clients/*.toml`, one file an application.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::jose::keys::PublicKeys;
use crate::realm::check::published::has_published_key;
use crate::realm::check::{Builder, SCOPES};
use crate::realm::client::{Client, Credential, SecretHash};
use crate::realm::file::{RealmFile, RolesFile};
use crate::realm::registration::{AuthMethod, ClientFile, GrantType, Pkce};
use crate::realm::source::Source;

impl Builder<'_> {
    pub(super) fn clients(
        &mut self,
        main: Option<&RealmFile>,
        roles: Option<&RolesFile>,
    ) -> BTreeMap<String, Arc<Client>> {
        let mut clients = BTreeMap::new();
        for name in self.origin.names("clients") {
            let Some((source, file)) = self.read::<ClientFile>(&name) else { continue };
            if let Some(main) = main {
                self.check_algorithms(&source, &file, main);
            }
            let client = self.client(&source, &file, roles);
            if let Some(client) = client
                && clients.insert(client.client_id.clone(), Arc::new(client)).is_some()
            {
                self.complain(&source, &["client_id".into()], "another file has this client_id");
            }
        }
        clients
    }

    fn client(
        &mut self,
        source: &Source,
        file: &ClientFile,
        roles: Option<&RolesFile>,
    ) -> Option<Client> {
        self.check_client(source, file, roles);
        let relation_events = match &file.relation_events {
            Some(known) => {
                self.check_url(source, &["relation_events".into(), "url".into()], &known.url);
                let path = ["relation_events".into(), "secret".into()];
                let secret = self.own_secret(source, &path, &known.secret)?;
                Some((known.url.clone(), secret))
            }
            None => None,
        };
        let credential = self.credential(source, file)?;
        Some(Client {
            client_id: file.client_id.clone(),
            name: file.name.clone(),
            credential,
            redirect_uris: file.redirect_uris.clone(),
            post_logout_redirect_uris: file.post_logout_redirect_uris.clone(),
            grant_types: file.grant_types.clone(),
            scopes: file.scopes.iter().cloned().collect(),
            serves: file.serves,
            permissions: file.permissions.as_ref().map(|list| list.iter().cloned().collect()),
            consent: file.consent,
            pkce: file.pkce,
            rotate_refresh_tokens: file.rotate_refresh_tokens,
            web_origins: self.web_origins(source, file),
            id_token_alg: file.id_token_signed_response_alg,
            access_token: file.access_token,
            access_token_alg: file.access_token_signing_alg,
            pairwise: file.pairwise,
            dpop: file.dpop,
            backchannel_logout_uri: file.backchannel_logout_uri.clone(),
            frontchannel_logout_uri: file.frontchannel_logout_uri.clone(),
            relation_events,
            event_endpoint: file.event_endpoint.clone(),
            scan_app: file.scan_app,
            userinfo_alg: file.userinfo_signed_response_alg,
        })
    }

    fn check_client(&mut self, source: &Source, file: &ClientFile, roles: Option<&RolesFile>) {
        for (index, scope) in file.scopes.iter().enumerate() {
            if !SCOPES.contains(&scope.as_str()) {
                let complaint = source.complain(
                    &["scopes".into(), index.into()],
                    format!("no scope is named `{scope}`"),
                );
                self.complaints.push(complaint.suggest(scope, SCOPES.map(str::to_owned)));
            }
        }
        for (list, uris) in [
            ("redirect_uris", &file.redirect_uris),
            ("post_logout_redirect_uris", &file.post_logout_redirect_uris),
        ] {
            for (index, uri) in uris.iter().enumerate() {
                self.check_redirect(source, &[list.into(), index.into()], uri);
            }
        }
        self.check_permissions(source, file.permissions.as_deref(), roles);
        self.remarks.extend(source.remarks.iter().cloned());
        let is_public = file.token_endpoint_auth_method == AuthMethod::None;
        if is_public && file.pkce == Pkce::Optional {
            let message = "a public client cannot do without PKCE (RFC 9700 §2.1.1)";
            self.complain(source, &["pkce".into()], message);
        } else if file.pkce == Pkce::Optional {
            let message = "without PKCE a code that leaks can be redeemed by who holds the secret \
                           alone; required is safer where the library can do it";
            self.remarks.push(source.complain(&["pkce".into()], message));
        }
        if file.grant_types.contains(&GrantType::AuthorizationCode) && file.redirect_uris.is_empty()
        {
            self.complain(source, &["client_id".into()], "`redirect_uris` is needed for codes");
        }
        for (name, url) in [
            ("backchannel_logout_uri", &file.backchannel_logout_uri),
            ("frontchannel_logout_uri", &file.frontchannel_logout_uri),
            ("event_endpoint", &file.event_endpoint),
        ] {
            if let Some(url) = url {
                self.check_url(source, &[name.into()], url);
            }
        }
    }

    fn check_algorithms(&mut self, source: &Source, file: &ClientFile, main: &RealmFile) {
        for (key, algorithm) in [
            ("id_token_signed_response_alg", Some(file.id_token_signed_response_alg)),
            ("userinfo_signed_response_alg", file.userinfo_signed_response_alg),
            ("access_token_signing_alg", file.access_token_signing_alg),
        ] {
            self.check_algorithm(source, &[key.into()], algorithm, main);
        }
    }

    /// Those that are named; of a public client otherwise the ones that it returns to.
    fn web_origins(&mut self, source: &Source, file: &ClientFile) -> Vec<String> {
        if let Some(named) = &file.web_origins {
            for (index, origin) in named.iter().enumerate() {
                if origin_of(origin).is_none_or(|known| known != *origin) {
                    let path = ["web_origins".into(), index.into()];
                    self.complain(source, &path, "an origin is needed, `https://app.example`");
                }
            }
            return named.clone();
        }
        if file.token_endpoint_auth_method != AuthMethod::None {
            return Vec::new();
        }
        let mut origins: Vec<String> =
            file.redirect_uris.iter().filter_map(|uri| origin_of(uri)).collect();
        origins.sort();
        origins.dedup();
        origins
    }

    fn credential(&mut self, source: &Source, file: &ClientFile) -> Option<Credential> {
        match (file.token_endpoint_auth_method, &file.secret, &file.jwks) {
            (AuthMethod::None, None, None) => Some(Credential::Public),
            (AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost, Some(secret), None) => {
                let secret = self.own_secret(source, &["secret".into()], secret)?;
                Some(Credential::Secret(SecretHash::of(&secret)))
            }
            (AuthMethod::PrivateKeyJwt, None, Some(jwks)) => {
                let is_demo = self.surroundings.is_demo;
                let keys = serde_json::from_str(jwks)
                    .map_err(|error| error.to_string())
                    .and_then(|jwks| match !is_demo && has_published_key(&jwks) {
                        true => Err("the private half stands in Hufu's repository".to_owned()),
                        false => Ok(jwks),
                    })
                    .and_then(|jwks| PublicKeys::parse(&jwks).map_err(|error| error.to_string()));
                match keys {
                    Ok(keys) => Some(Credential::PrivateKeyJwt(keys)),
                    Err(error) => {
                        self.complain(source, &["jwks".into()], error);
                        None
                    }
                }
            }
            _ => {
                let message =
                    "client secrets need `secret`, private_key_jwt needs `jwks`, none neither";
                self.complain(source, &["token_endpoint_auth_method".into()], message);
                None
            }
        }
    }
}

/// Scheme, host and port, as a browser writes them (RFC 6454 §6); of web addresses alone.
fn origin_of(text: &str) -> Option<String> {
    let url = url::Url::parse(text).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.origin().ascii_serialization())
}
