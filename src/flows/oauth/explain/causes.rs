//! What causes a claim: which setting, which row, or the sign-in itself.

use super::question::Question;
use crate::domain::acting::ActingIdentity;
use crate::flows::Ctx;
use crate::realm::Realm;
use crate::realm::plan::Settings;

/// Where something comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cause {
    /// A setting, as `realm::plan` names it: `clients/tax-filing.toml: scopes[0]`.
    Setting(String),
    /// A row: `authorisation 0199…`.
    Row(String),
    /// The sign-in of the day.
    SignIn,
}

pub struct Causes {
    /// `clients/tax-filing.toml`
    client: String,
    /// Of the APIs that the token is for.
    resources: Vec<String>,
    tax_scope: String,
    identity: String,
    identity_type: Option<String>,
    person: String,
    is_pairwise: bool,
}

impl Causes {
    pub fn of(ctx: &Ctx, question: &Question<'_>, identity: &ActingIdentity) -> Self {
        let realm = &ctx.realm;
        let client = file(&realm.settings, "clients/", "client_id", &question.client.client_id);
        let resources = question.resources.iter();
        let identity_type = match identity {
            ActingIdentity::Enterprise(one) => Some(&one.identity_type),
            ActingIdentity::Record(one) => one.identity_type.as_ref(),
            ActingIdentity::Personal | ActingIdentity::Agent(_) => None,
        };
        Self {
            tax_scope: scope(realm, &client, "tax_identity"),
            resources: resources
                .map(|name| file(&realm.settings, "resources/", "identifier", name))
                .collect(),
            client,
            identity: question.acting.to_text(),
            identity_type: identity_type.map(|one| one.name.0.clone()),
            person: format!("person {}", question.person),
            is_pairwise: question.client.pairwise,
        }
    }

    pub fn client(&self, key: &str) -> Cause {
        Cause::Setting(format!("{}: {key}", self.client))
    }

    /// Of the access token.
    pub fn format(&self) -> Cause {
        match self.resources.first() {
            Some(file) => Cause::Setting(format!("{file}: access_token")),
            None => self.client("access_token"),
        }
    }

    pub fn claim(&self, token: &str, name: &str) -> Vec<Cause> {
        let setting = |text: &str| Cause::Setting(text.to_owned());
        let row = |text: &String| Cause::Row(text.clone());
        let of_apis = |key: &str| -> Vec<Cause> {
            self.resources.iter().map(|file| Cause::Setting(format!("{file}: {key}"))).collect()
        };
        let of_type = |key: &str| {
            let named = self.identity_type.as_ref();
            named.map(|name| Cause::Setting(format!("roles.toml: identity_types.{name}{key}")))
        };
        let is_access = token == "access_token";
        match name {
            "iss" => vec![setting("realm.toml: issuer")],
            "sub" if self.is_pairwise => vec![self.client("pairwise"), row(&self.person)],
            "sub" => vec![row(&self.person)],
            "aud" if is_access && !self.resources.is_empty() => of_apis("identifier"),
            "aud" | "client_id" => vec![self.client("client_id")],
            "exp" if is_access && !self.resources.is_empty() => {
                [of_apis("access_token_lifetime"), vec![row(&self.identity)]].concat()
            }
            "exp" if is_access => {
                vec![setting("realm.toml: lifetimes.access_token"), row(&self.identity)]
            }
            "exp" => vec![setting("realm.toml: lifetimes.id_token"), row(&self.identity)],
            "scope" => vec![self.client("scopes")],
            "tax_identity" => vec![Cause::Setting(self.tax_scope.clone()), row(&self.identity)],
            "roles" => [Some(Cause::Setting(self.tax_scope.clone())), of_type("")]
                .into_iter()
                .flatten()
                .collect(),
            "permissions" => {
                let mut causes = vec![Cause::Setting(self.tax_scope.clone()), row(&self.identity)];
                causes.extend(of_type(".permissions"));
                causes.push(self.client("permissions"));
                causes.extend(of_apis("permissions"));
                causes
            }
            _ => vec![Cause::SignIn],
        }
    }
}

/// The file of a folder in which a key says this.
fn file(settings: &Settings, folder: &str, key: &str, value: &str) -> String {
    let said = serde_json::Value::from(value).to_string();
    let names = settings.iter().filter(|(_, own)| **own == said);
    let mut files = names.filter_map(|(path, _)| path.split_once(": "));
    let found = files.find(|(file, own)| file.starts_with(folder) && *own == key);
    found.map_or_else(|| folder.to_owned(), |(file, _)| file.to_owned())
}

/// Where a scope stands in a client's file.
fn scope(realm: &Realm, client: &str, scope: &str) -> String {
    let said = format!("\"{scope}\"");
    let start = format!("{client}: scopes[");
    let mut own = realm.settings.iter().filter(|(path, _)| path.starts_with(&start));
    let found = own.find(|(_, value)| **value == said);
    found.map_or_else(|| format!("{client}: scopes"), |(path, _)| path.clone())
}
