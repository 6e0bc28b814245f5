//! `clients/*.toml`, one file an application.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Builder, SCOPES};
use crate::jose::keys::PublicKeys;
use crate::realm::client::{Client, Credential, SecretHash};
use crate::realm::file::{AuthMethod, ClientFile, GrantType, RolesFile};
use crate::realm::source::Source;

impl Builder<'_> {
    pub(super) fn clients(&mut self, roles: Option<&RolesFile>) -> BTreeMap<String, Arc<Client>> {
        let mut clients = BTreeMap::new();
        let entries =
            std::fs::read_dir(self.folder.join("clients")).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| name.ends_with(".toml"))
            .collect();
        names.sort();
        for name in names {
            let Some((source, file)) = self.read::<ClientFile>(&format!("clients/{name}")) else {
                continue;
            };
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
                self.check_url(source, &[list.into(), index.into()], uri);
            }
        }
        if let Some(roles) = roles {
            for (index, code) in file.permissions.iter().flatten().enumerate() {
                if !roles.permissions.contains_key(code) {
                    let path = ["permissions".into(), index.into()];
                    let complaint =
                        source.complain(&path, format!("no permission is named `{code}`"));
                    self.complaints
                        .push(complaint.suggest(code, roles.permissions.keys().cloned()));
                }
            }
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
        let relation_events = match &file.relation_events {
            Some(known) => {
                self.check_url(source, &["relation_events".into(), "url".into()], &known.url);
                let path = ["relation_events".into(), "secret".into()];
                let secret = self.secret(source, &path, &known.secret)?;
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
            audience: file.audience,
            permissions: file.permissions.as_ref().map(|list| list.iter().cloned().collect()),
            consent: file.consent,
            id_token_alg: file.id_token_alg,
            access_token: file.access_token,
            access_token_alg: file.access_token_alg,
            pairwise: file.pairwise,
            dpop: file.dpop,
            backchannel_logout_uri: file.backchannel_logout_uri.clone(),
            frontchannel_logout_uri: file.frontchannel_logout_uri.clone(),
            relation_events,
            event_endpoint: file.event_endpoint.clone(),
            scan_app: file.scan_app,
            userinfo_alg: file.userinfo_alg,
        })
    }

    fn credential(&mut self, source: &Source, file: &ClientFile) -> Option<Credential> {
        match (file.auth_method, &file.secret, &file.jwks) {
            (AuthMethod::None, None, None) => Some(Credential::Public),
            (AuthMethod::ClientSecretBasic, Some(secret), None) => {
                let secret = self.secret(source, &["secret".into()], secret)?;
                Some(Credential::Basic(SecretHash::of(&secret)))
            }
            (AuthMethod::ClientSecretPost, Some(secret), None) => {
                let secret = self.secret(source, &["secret".into()], secret)?;
                Some(Credential::Post(SecretHash::of(&secret)))
            }
            (AuthMethod::PrivateKeyJwt, None, Some(jwks)) => {
                let keys = serde_json::from_str(jwks)
                    .map_err(|error| error.to_string())
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
                self.complain(source, &["auth_method".into()], message);
                None
            }
        }
    }
}
