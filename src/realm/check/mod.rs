//! From files to a [`Realm`]: the only way, and every complaint has a file and a line.

mod addresses;
mod certificates;
mod clients;
mod entrances;
mod factors;
mod look;
mod origin;
mod published;
mod resources;
mod secrets;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::base::secret::Hashed;
use crate::domain::factor::Factor;
use crate::domain::identity_type::{IdentityType, IdentityTypeName, PermissionPolicy};
use crate::domain::lockout::LockoutPolicy;
use crate::domain::number::division::Division;
use crate::domain::passkey::RelyingParty;
use crate::domain::password::PasswordRules;
use crate::jose::Algorithm;
use crate::realm::complaint::Complaint;
use crate::realm::file::{EntrancesFile, FactorsFile, RealmFile, RolesFile, Texts};
use crate::realm::files::{Files, within};
use crate::realm::plan::{Settings, flatten};
use crate::realm::secrets::NamedSecrets;
use crate::realm::source::{At, Source};
use crate::realm::{Agreement, Realm};
use origin::Origin;

/// What the process knows and the files do not.
pub struct Surroundings<'a> {
    /// Literal secrets and plain http are for the demo and tests alone.
    pub is_demo: bool,
    /// In the demo, the address in place of each issuer's and redirect's `{public_url}`.
    pub replace: Vec<(String, String)>,
    /// Reads `{ env = … }`.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
}

/// What a client may be registered for; those of our own interfaces are nobody else's concern.
pub const SCOPES: [&str; 11] = [
    "openid",
    "profile",
    "email",
    "phone",
    "address",
    "offline_access",
    "tax_identity",
    "registry_import",
    "history_read",
    "scan",
    "ssf",
];

/// Of [`SCOPES`], those that any application may ask for.
pub const PUBLIC_SCOPES: [&str; 7] =
    ["openid", "profile", "email", "phone", "address", "offline_access", "tax_identity"];

/// Of a password whose letters are one class.
const MERGED_CLASSES: usize = 3;

/// Reads one realm folder. All complaints of all files, not only the first.
pub fn load(folder: &Path, surroundings: &Surroundings<'_>) -> Result<Realm, Vec<Complaint>> {
    load_watched(folder, surroundings).map_err(|refused| refused.complaints)
}

/// A realm with mistakes.
pub struct Refused {
    pub complaints: Vec<Complaint>,
    /// One of them may be what is wrong.
    pub secrets: NamedSecrets,
}

/// The same for who looks again where it lies.
pub fn load_watched(folder: &Path, surroundings: &Surroundings<'_>) -> Result<Realm, Refused> {
    build(Origin::Folder(folder), surroundings, true)
}

/// The same for a version that was recorded.
pub fn load_version(
    realm: &str,
    files: &Files,
    surroundings: &Surroundings<'_>,
) -> Result<Realm, Vec<Complaint>> {
    build(Origin::Version(realm, files), surroundings, true).map_err(|refused| refused.complaints)
}

/// The same for work on the realm's data, which calls nobody and lets nobody in: secrets are not read,
/// and what would be unsafe to serve is no mistake.
pub fn load_without_secrets(folder: &Path) -> Result<Realm, Vec<Complaint>> {
    let surroundings = Surroundings { is_demo: true, replace: Vec::new(), environment: &|_| None };
    build(Origin::Folder(folder), &surroundings, false).map_err(|refused| refused.complaints)
}

/// The same of a version that was recorded.
pub fn load_version_without_secrets(realm: &str, files: &Files) -> Result<Realm, Vec<Complaint>> {
    let surroundings = Surroundings { is_demo: true, replace: Vec::new(), environment: &|_| None };
    build(Origin::Version(realm, files), &surroundings, false).map_err(|refused| refused.complaints)
}

fn build(
    origin: Origin<'_>,
    surroundings: &Surroundings<'_>,
    reads_secrets: bool,
) -> Result<Realm, Refused> {
    let mut builder = Builder {
        origin,
        surroundings,
        reads_secrets,
        complaints: Vec::new(),
        remarks: Vec::new(),
        files: Files::default(),
        settings: Settings::new(),
        secrets: NamedSecrets::default(),
    };
    let realm = builder.realm();
    match realm {
        Some(realm) if builder.complaints.is_empty() => Ok(realm),
        Some(realm) => Err(Refused { complaints: builder.complaints, secrets: realm.secrets }),
        None => Err(Refused { complaints: builder.complaints, secrets: builder.secrets }),
    }
}

struct Builder<'a> {
    origin: Origin<'a>,
    surroundings: &'a Surroundings<'a>,
    reads_secrets: bool,
    complaints: Vec<Complaint>,
    remarks: Vec<Complaint>,
    /// All that was read.
    files: Files,
    settings: Settings,
    secrets: NamedSecrets,
}

fn password_rules(file: &crate::realm::file::Password) -> PasswordRules {
    PasswordRules {
        min_length: file.min_length,
        max_length: file.max_length,
        min_classes: file.min_classes,
        letters_merged: file.letters_merged,
        denied: file.denied.iter().map(|word| word.to_lowercase()).collect(),
    }
}

impl Builder<'_> {
    fn realm(&mut self) -> Option<Realm> {
        let main = self.read::<RealmFile>("realm.toml");
        let roles = self.read::<RolesFile>("roles.toml");
        let entrances = self.read::<EntrancesFile>("entrances.toml");
        let factors = self.read::<FactorsFile>("factors.toml");
        let roles_file = roles.as_ref().map(|(_, roles)| roles);
        let clients = self.clients(main.as_ref().map(|(_, main)| main), roles_file);
        let (source, main) = main?;
        let resources = self.resources(&main, roles_file, &clients);
        self.check_main(&source, &main);
        self.check_fixtures();
        let agreements = self.agreements(&source, &main);
        let look = self.look(&source, &main.look);
        let console = self.console(&source, &main);
        let (roles_source, roles) = roles?;
        let identity_types = self.identity_types(&roles_source, &roles);
        let (entrances_source, entrances) = entrances?;
        let certificates = self.certificates();
        let passkeys = RelyingParty::new(&main.issuer, &main.name.zh);
        // Whether files fit together is only asked of files that are right by themselves.
        if self.complaints.is_empty() {
            self.check_apps(&entrances_source, &entrances, &clients);
            let are_taken = certificates.are_taken();
            self.check_certificate_doors(&entrances_source, &entrances, are_taken);
        }
        let entrances = self.entrances(&entrances_source, &entrances, passkeys.is_some());
        let (factors_source, factors) = factors?;
        let sms = self.sms(&factors_source, &factors);
        let face = self.face(&factors_source, &factors);
        let mut provider = |name, file| self.provider(&factors_source, name, file);
        let real_name = provider("real_name", factors.real_name.as_ref());
        let social_insurance = provider("social_insurance", factors.social_insurance.as_ref());
        let card_reading = provider("card_reading", factors.card_reading.as_ref());
        let sends_mail =
            entrances.iter().any(|known| known.entrance.second_factors.contains(&Factor::Email));
        let email = self.email(&factors_source, &factors, sends_mail);
        Some(Realm {
            id: self.origin.id()?.to_owned(),
            name: main.name,
            issuer: main.issuer,
            home_province: main.home_province,
            portals: main.portals,
            lifetimes: main.lifetimes,
            algorithms: main.keys.algorithms,
            key_announcement: main.keys.announcement,
            password: password_rules(&main.password),
            initial_password: main.password.initial,
            lockout: LockoutPolicy {
                max_failures: main.lockout.max_failures,
                window: main.lockout.window,
                first_lock: main.lockout.first_lock,
                longest_lock: main.lockout.longest_lock,
            },
            limits: main.lockout,
            retention: main.retention,
            look,
            tax_authorities: main.tax_authorities,
            divisions: main.divisions,
            handler_min_age: main.handler_min_age,
            phone_recovery: main.phone_recovery,
            agreements,
            entrances,
            sms,
            email,
            face,
            real_name,
            social_insurance,
            card_reading,
            passkeys,
            certificates,
            console,
            permissions: roles.permissions,
            identity_types,
            clients,
            resources,
            settings: std::mem::take(&mut self.settings),
            remarks: std::mem::take(&mut self.remarks),
            hash: self.files.hash(),
            files: std::mem::take(&mut self.files),
            secrets: std::mem::take(&mut self.secrets),
        })
    }

    /// One file, its text with the demo's addresses in place.
    fn read<T: JsonSchema + DeserializeOwned>(&mut self, name: &str) -> Option<(Source, T)> {
        let shown = self.origin.shown(name);
        let text = match self.text(name) {
            Ok(text) => text,
            Err(error) => {
                let message = format!("cannot be read: {error}");
                self.complaints.push(Complaint::new(&shown, "", None, message));
                return None;
            }
        };
        let text =
            self.surroundings.replace.iter().fold(text, |text, (from, to)| text.replace(from, to));
        if let Ok(value) = toml::from_str::<serde_json::Value>(&text) {
            flatten(name, &value, &mut self.settings);
        }
        match Source::read::<T>(&shown, &text) {
            Ok(read) => Some(read),
            Err(complaints) => {
                self.complaints.extend(complaints);
                None
            }
        }
    }

    /// What a file says; whatever is read of a realm is read here, and makes its version.
    fn bytes(&mut self, name: &str) -> std::io::Result<Vec<u8>> {
        let Some(name) = within(name) else {
            let message = "no name of a file in the realm's own folder";
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, message));
        };
        let bytes = self.origin.read(name)?;
        self.files.add(name, &bytes);
        Ok(bytes)
    }

    fn text(&mut self, name: &str) -> std::io::Result<String> {
        String::from_utf8(self.bytes(name)?)
            .map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidData, error))
    }

    fn check_permissions(
        &mut self,
        source: &Source,
        permissions: Option<&[String]>,
        roles: Option<&RolesFile>,
    ) {
        let Some(roles) = roles else { return };
        for (index, code) in permissions.into_iter().flatten().enumerate() {
            if !roles.permissions.contains_key(code) {
                let path = ["permissions".into(), index.into()];
                let complaint = source.complain(&path, format!("no permission is named `{code}`"));
                self.complaints.push(complaint.suggest(code, roles.permissions.keys().cloned()));
            }
        }
    }

    /// What no key of the realm signs would fail at the first token.
    fn check_algorithm(
        &mut self,
        source: &Source,
        path: &[At],
        algorithm: Option<Algorithm>,
        main: &RealmFile,
    ) {
        let keys = &main.keys.algorithms;
        if let Some(algorithm) = algorithm.filter(|algorithm| !keys.contains(algorithm)) {
            let known: Vec<&str> = keys.iter().map(|one| one.name()).collect();
            let message = format!(
                "the realm has no key for {}: `keys.algorithms` is {}",
                algorithm.name(),
                known.join(", ")
            );
            self.complain(source, path, message);
        }
    }

    fn check_main(&mut self, source: &Source, main: &RealmFile) {
        self.check_issuer(source, &main.issuer);
        for (index, portal) in main.portals.iter().enumerate() {
            let path = ["portals".into(), index.into()];
            self.check_url(source, &path, portal);
            // Without it `https://portal.example` would also admit `https://portal.example.org`.
            if !portal.ends_with('/') {
                self.complain(source, &path, "a portal's address ends with a slash");
            }
        }
        if Division::parse(&main.home_province).is_none() {
            self.complain(source, &["home_province".into()], "not a division of six digits");
        }
        if main.password.min_length > main.password.max_length {
            let path = ["password".into(), "min_length".into()];
            self.complain(source, &path, "is longer than max_length");
        }
        if main.password.letters_merged && main.password.min_classes > MERGED_CLASSES {
            let path = ["password".into(), "min_classes".into()];
            let message = "digits, letters and others are three: no password would do";
            self.complain(source, &path, message);
        }
        if main.keys.algorithms.is_empty() {
            let path = ["keys".into(), "algorithms".into()];
            self.complain(source, &path, "a realm signs with at least one algorithm");
        }
        // The first signs for whoever chose none.
        if main.keys.algorithms.first().is_some_and(|first| !first.is_common()) {
            let path = ["keys".into(), "algorithms".into(), 0.into()];
            self.complain(source, &path, "is for clients that ask for it: name a common one first");
        }
    }

    /// People of the demo, with a password that everybody knows.
    fn check_fixtures(&mut self) {
        if !self.surroundings.is_demo && self.origin.has("fixtures.toml") {
            let message = "people come from the registry's feed; fixtures are the demo's alone";
            let shown = self.origin.shown("fixtures.toml");
            self.complaints.push(Complaint::new(&shown, "", None, message.to_owned()));
        }
    }

    fn agreements(&mut self, source: &Source, main: &RealmFile) -> Vec<Agreement> {
        let mut agreements = Vec::new();
        for (index, file) in main.agreements.iter().enumerate() {
            if main.agreements[..index].iter().any(|known| known.id == file.id) {
                let path = ["agreements".into(), index.into(), "id".into()];
                self.complain(source, &path, "another agreement has this id");
            }
            let mut text = |language: &str, name: &str| {
                self.text(name).unwrap_or_else(|error| {
                    let path = ["agreements".into(), index.into(), "text".into(), language.into()];
                    self.complaints.push(source.complain(&path, format!("{name}: {error}")));
                    String::new()
                })
            };
            let text = Texts { zh: text("zh", &file.text.zh), en: text("en", &file.text.en) };
            for (language, text) in [("zh", &text.zh), ("en", &text.en)] {
                let whole = serde_json::Value::String(Hashed::of(text).to_text());
                flatten(&format!("agreements/{}.{language}", file.id), &whole, &mut self.settings);
            }
            agreements.push(Agreement {
                id: file.id.clone(),
                asked: file.asked,
                title: file.title.clone(),
                version: file.version.clone(),
                text_hash: Hashed::of(&format!("{}\n{}", text.zh, text.en)).to_text(),
                text,
            });
        }
        agreements
    }

    fn identity_types(
        &mut self,
        source: &Source,
        roles: &RolesFile,
    ) -> BTreeMap<IdentityTypeName, (IdentityType, Texts)> {
        let mut types = BTreeMap::new();
        let mut codes = BTreeSet::new();
        for (name, file) in &roles.identity_types {
            let path =
                |rest: &[At]| [&["identity_types".into(), At::from(name.as_str())], rest].concat();
            if !codes.insert(file.code.clone()) {
                self.complain(
                    source,
                    &path(&["code".into()]),
                    "another identity type has this code",
                );
            }
            for (index, code) in file.permissions.iter().flatten().enumerate() {
                if !roles.permissions.contains_key(code) {
                    let path = path(&["permissions".into(), index.into()]);
                    let complaint =
                        source.complain(&path, format!("no permission is named `{code}`"));
                    self.complaints
                        .push(complaint.suggest(code, roles.permissions.keys().cloned()));
                }
            }
            let permissions = match &file.permissions {
                None => PermissionPolicy::All,
                Some(among) => PermissionPolicy::Among(among.iter().cloned().collect()),
            };
            let identity_type = IdentityType {
                name: IdentityTypeName(name.clone()),
                code: file.code.clone(),
                capabilities: file.capabilities.iter().copied().collect(),
                permissions,
            };
            types.insert(identity_type.name.clone(), (identity_type, file.name.clone()));
        }
        types
    }

    fn complain(&mut self, source: &Source, path: &[At], message: impl Into<String>) {
        self.complaints.push(source.complain(path, message));
    }
}
