//! `resources/*.toml`, one file an API.

use std::collections::BTreeMap;
use std::sync::Arc;

use url::Url;

use crate::realm::check::Builder;
use crate::realm::client::{Client, Credential};
use crate::realm::file::{RealmFile, RolesFile};
use crate::realm::registration::AccessTokenFormat;
use crate::realm::resource::{Resource, ResourceFile};
use crate::realm::source::{At, Source};

/// What the APIs of a realm are checked against.
struct Beside<'a> {
    main: &'a RealmFile,
    roles: Option<&'a RolesFile>,
    clients: &'a BTreeMap<String, Arc<Client>>,
}

impl Builder<'_> {
    pub(super) fn resources(
        &mut self,
        main: &RealmFile,
        roles: Option<&RolesFile>,
        clients: &BTreeMap<String, Arc<Client>>,
    ) -> BTreeMap<String, Resource> {
        let beside = Beside { main, roles, clients };
        let mut resources = BTreeMap::new();
        for name in self.origin.names("resources") {
            let Some((source, file)) = self.read::<ResourceFile>(&name) else { continue };
            self.check_resource(&source, &file, &beside);
            let resource = Resource::of(&file, beside.main.lifetimes.access_token);
            if resources.insert(resource.identifier.clone(), resource).is_some() {
                self.complain(&source, &["identifier".into()], "another file has this identifier");
            }
        }
        resources
    }

    fn check_resource(&mut self, source: &Source, file: &ResourceFile, beside: &Beside<'_>) {
        let identifier = [At::from("identifier")];
        if let Err(message) = check_identifier(&file.identifier, beside) {
            self.complain(source, &identifier, message);
        }
        self.check_permissions(source, file.permissions.as_deref(), beside.roles);
        let key = [At::from("access_token_signing_alg")];
        self.check_algorithm(source, &key, file.access_token_signing_alg, beside.main);
        for (index, client) in file.clients.iter().flatten().enumerate() {
            self.check_known(source, &["clients".into(), index.into()], client, beside);
        }
        if file.clients.as_ref().is_some_and(Vec::is_empty) {
            self.complain(source, &["clients".into()], "nobody may ask; without this key all may");
        }
        for (index, client) in file.introspected_by.iter().enumerate() {
            let path = ["introspected_by".into(), index.into()];
            self.check_known(source, &path, client, beside);
            let known = beside.clients.get(client);
            if known.is_some_and(|known| matches!(known.credential, Credential::Public)) {
                self.complain(source, &path, "a public client proves nothing");
            }
        }
        if file.access_token == AccessTokenFormat::Opaque && file.introspected_by.is_empty() {
            let message = "an opaque token is worth nothing to an API that may not ask about it: \
                           `introspected_by` is needed";
            self.complain(source, &["access_token".into()], message);
        }
    }

    /// Where a client's own file has mistakes they are told there.
    fn check_known(&mut self, source: &Source, path: &[At], client: &str, beside: &Beside<'_>) {
        let are_whole = beside.clients.len() == self.origin.names("clients").len();
        if beside.clients.contains_key(client) || !are_whole {
            return;
        }
        let complaint = source.complain(path, format!("no client has the id `{client}`"));
        self.complaints.push(complaint.suggest(client, beside.clients.keys().cloned()));
    }
}

/// RFC 8707 §2, and nothing that already stands in an `aud` for something else.
fn check_identifier(identifier: &str, beside: &Beside<'_>) -> Result<(), &'static str> {
    let is_printable = |c: char| c.is_ascii_graphic();
    let url = Url::parse(identifier).ok().filter(|_| identifier.chars().all(is_printable));
    let Some(url) = url else { return Err("an absolute URI is needed, `https://api.example/`") };
    if url.fragment().is_some() || url.query().is_some() {
        return Err("an identifier has no query and no fragment (RFC 8707 §2)");
    }
    if identifier == beside.main.issuer {
        return Err("the issuer stands for our own interfaces");
    }
    if beside.clients.contains_key(identifier) {
        return Err("a client has this id: its ID tokens would be for this API");
    }
    Ok(())
}
