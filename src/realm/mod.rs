//! `realms/<name>/*.toml` turned into one checked value. Everything an administrator decides is
//! here; people, enterprises and grants are data and never stand in it.

pub mod certificates;
pub mod check;
pub mod client;
pub mod complaint;
pub mod console;
pub mod file;
pub mod files;
pub mod fixtures;
pub mod format;
pub mod look;
pub mod plan;
pub mod registration;
pub mod resource;
pub mod secrets;
pub mod source;
pub mod texts;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::secret::Secret;
use crate::domain::entrance::{Audience, Entrance, PersonalIdKind, Step, Subject};
use crate::domain::factor::{Factor, ScanApp, Way, acr};
use crate::domain::identity_type::{IdentityType, IdentityTypeName, Permissions};
use crate::domain::lockout::LockoutPolicy;
use crate::domain::login::LoginTransaction;
use crate::domain::passkey::RelyingParty;
use crate::domain::password::PasswordRules;
use crate::domain::session::Session;
use crate::jose::Algorithm;
use client::Client;
use complaint::Complaint;
use console::Console;
use file::{AgreementAsked, GatewayKind, InitialPassword, Lifetimes, Lockout, SmsLimits, Texts};
use resource::Resource;

/// A realm that cannot be wrong.
pub struct Realm {
    /// The folder's name, and the path segment of every address.
    pub id: String,
    pub name: Texts,
    pub issuer: String,
    pub home_province: String,
    pub portals: Vec<String>,
    pub lifetimes: Lifetimes,
    pub algorithms: Vec<Algorithm>,
    /// Seconds from a key's publication to its first signature.
    pub key_announcement: i64,
    pub password: PasswordRules,
    pub initial_password: InitialPassword,
    pub lockout: LockoutPolicy,
    pub limits: Lockout,
    pub retention: file::Retention,
    /// The bureau's own face.
    pub look: look::Look,
    /// Names by codes.
    pub tax_authorities: BTreeMap<String, Texts>,
    /// The same of cities and districts.
    pub divisions: BTreeMap<String, Texts>,
    /// Full years of age.
    pub handler_min_age: u8,
    pub phone_recovery: file::PhoneRecovery,
    pub agreements: Vec<Agreement>,
    pub entrances: Vec<RealmEntrance>,
    pub sms: Sms,
    /// `None`: the demo's desk is the inbox.
    pub email: Option<MailServer>,
    /// The face check's address and secret; `None`: the demo's desk.
    pub face: Option<(String, Secret)>,
    /// Where names and numbers are verified; `None` in the demo is the desk, elsewhere the hall.
    pub real_name: Option<(String, Secret)>,
    /// The same of the social insurance, and of cards that were read.
    pub social_insurance: Option<(String, Secret)>,
    pub card_reading: Option<(String, Secret)>,
    /// `None`: the issuer is an address without a name, to which passkeys cannot belong.
    pub passkeys: Option<RelyingParty>,
    /// Whose certificates sign enterprises in.
    pub certificates: certificates::Certificates,
    /// `None`: no officer signs in.
    pub console: Option<Console>,
    pub permissions: BTreeMap<String, Texts>,
    pub identity_types: BTreeMap<IdentityTypeName, (IdentityType, Texts)>,
    pub clients: BTreeMap<String, Arc<Client>>,
    /// APIs by their identifiers.
    pub resources: BTreeMap<String, Resource>,
    /// What they are made of.
    pub files: files::Files,
    /// What the files say, flat and without secrets.
    pub settings: plan::Settings,
    /// What is right and could be better.
    pub remarks: Vec<Complaint>,
    /// SHA-256 over all files, to tell versions apart.
    pub hash: String,
    pub secrets: secrets::NamedSecrets,
}

pub struct RealmEntrance {
    pub entrance: Entrance,
    pub title: Texts,
    /// Below the form instead of among the tabs.
    pub is_other: bool,
    /// For who has nothing to choose from.
    pub links: Vec<file::Link>,
}

/// A text that must be accepted.
pub struct Agreement {
    pub asked: AgreementAsked,
    pub id: String,
    pub title: Texts,
    pub version: String,
    pub text: Texts,
    pub text_hash: String,
}

/// One gateway, complete for its kind.
pub struct SmsGateway {
    pub kind: GatewayKind,
    pub url: String,
    pub secret: Secret,
    pub key_id: String,
    pub app_id: String,
    pub sign_name: String,
    pub template: String,
    /// For notices.
    pub notice_template: String,
}

/// Where codes by e-mail leave from.
#[derive(Clone, Debug)]
pub struct MailServer {
    pub url: String,
    pub from: String,
    pub login: Option<(String, Secret)>,
}

/// Where codes go.
pub struct Sms {
    /// Tried in this order; none: the demo's desk is the inbox.
    pub gateways: Vec<SmsGateway>,
    pub lifetime: i64,
    pub limits: SmsLimits,
    /// Notices of relations go out by text message, too.
    pub notices: bool,
}

/// Of a person who has reached all of them (L-01).
const EVERY_LEVEL: u8 = 5;

impl Realm {
    /// Whether pages of this origin belong to one of the applications (CORS).
    pub fn admits_origin(&self, origin: &str) -> bool {
        let mut all = self.clients.values().flat_map(|client| &client.web_origins);
        all.any(|own| own == origin)
    }

    /// The algorithm that signs what no setting says more about.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithms.first().copied().unwrap_or(Algorithm::ES256)
    }

    /// Whether a client may ask for tokens for an API; for our own interfaces (the issuer) every
    /// client may.
    pub fn may_ask(&self, client_id: &str, resource: &str) -> bool {
        let known = self.resources.get(resource);
        resource == self.issuer || known.is_some_and(|api| api.may_be_asked_for_by(client_id))
    }

    pub fn entrance(&self, id: &str) -> Option<&RealmEntrance> {
        self.entrances.iter().find(|known| known.entrance.id == id)
    }

    /// The entrance whose steps a sign-in walks; `None` before anybody is known.
    pub fn entrance_of(&self, transaction: &LoginTransaction) -> Option<&Entrance> {
        Some(&self.entrance(&transaction.proved()?.entrance)?.entrance)
    }

    /// Whether an entrance asks for this factor.
    pub fn takes(&self, factor: Factor) -> bool {
        let asks = |door: &Entrance| door.asks_second_factor() && door.takes(factor);
        self.entrances.iter().any(|known| asks(&known.entrance))
    }

    /// Whether the door that this session came by asks for a second factor, and the session has none:
    /// its browser was known, which is enough for the person themself and for no other identity.
    pub fn lacks_second_factor(&self, session: &Session) -> bool {
        let door = self.entrance(&session.entrance).map(|known| &known.entrance);
        door.is_none_or(Entrance::asks_second_factor)
            && session.amr.iter().all(|method| method == "pwd")
    }

    /// Whether a session has shown a password alone where other doors ask for more, or an enterprise's
    /// certificate and nothing of the person: it is worth the identity that its own door led to, and
    /// cannot be carried on to another (DEC-9, DEC-10).
    pub fn is_bound_to_its_door(&self, session: &Session) -> bool {
        let others_ask = || self.doors().any(|known| known.entrance.asks_second_factor());
        let has_password_alone = session.amr.iter().all(|method| method == "pwd");
        session.proves_no_person()
            || (has_password_alone && (self.lacks_second_factor(session) || others_ask()))
    }

    /// Every door that the sign-in page shows.
    pub fn ways_in(&self) -> impl Iterator<Item = &RealmEntrance> {
        let first = |known: &RealmEntrance| known.entrance.steps.first().copied();
        let is_one = move |known: &&RealmEntrance| {
            matches!(first(known), Some(Step::Credentials | Step::Certificate))
        };
        self.entrances.iter().filter(is_one)
    }

    /// The doors of the sign-in page that ask for numbers and a password.
    pub fn doors(&self) -> impl Iterator<Item = &RealmEntrance> {
        self.beginning_with(Step::Credentials)
    }

    /// Where people sign in as themselves by an e-mail address.
    pub fn own_door_by_email(&self) -> Option<&RealmEntrance> {
        self.doors().find(|door| {
            let entrance = &door.entrance;
            entrance.leads_to_person() && entrance.personal_ids.contains(&PersonalIdKind::Email)
        })
    }

    /// The doors for certificates.
    pub fn certificate_doors(&self) -> impl Iterator<Item = &RealmEntrance> {
        self.beginning_with(Step::Certificate)
    }

    fn beginning_with(&self, step: Step) -> impl Iterator<Item = &RealmEntrance> {
        self.entrances.iter().filter(move |known| known.entrance.steps.first() == Some(&step))
    }

    /// Whose applications a session of this entrance may use.
    pub fn audience_of(&self, entrance: &str) -> Audience {
        self.entrance(entrance).map_or(Audience::Tax, |known| known.entrance.audience)
    }

    /// The steps of a sign-in that a phone confirmed.
    pub fn scan_entrance(&self) -> Option<&Entrance> {
        let known = self.entrances.iter().map(|known| &known.entrance);
        known.into_iter().find(|entrance| entrance.steps.first() == Some(&Step::Scan))
    }

    /// The step that raises a session's level.
    pub fn step_up_entrance(&self) -> Option<&Entrance> {
        let known = self.entrances.iter().map(|known| &known.entrance);
        known.into_iter().find(|entrance| entrance.subject == Subject::StepUp)
    }

    /// The highest level that a session can prove here, whoever it is of.
    pub fn highest_level(&self) -> u8 {
        let factors = self.entrances.iter().flat_map(|known| &known.entrance.second_factors);
        let proved = factors.map(|factor| acr(Way::Password, Some(*factor), EVERY_LEVEL));
        let scan = acr(Way::Scan(ScanApp::TaxApp), None, EVERY_LEVEL);
        let scan = self.scan_entrance().map(|_| scan);
        proved.chain(scan).max().unwrap_or(1)
    }

    pub fn identity_type(&self, name: &IdentityTypeName) -> Option<&IdentityType> {
        self.identity_types.get(name).map(|(identity_type, _)| identity_type)
    }

    /// All codes of the catalogue.
    pub fn catalogue(&self) -> Permissions {
        self.permissions.keys().cloned().collect()
    }

    /// The texts without which nobody signs in.
    pub fn agreements_to_sign_in(&self) -> impl Iterator<Item = &Agreement> {
        self.agreements.iter().filter(|one| one.asked == AgreementAsked::SignIn)
    }

    /// Those without which no face is looked at (PIPL art. 29).
    pub fn agreements_to_show_a_face(&self) -> impl Iterator<Item = &Agreement> {
        self.agreements.iter().filter(|one| one.asked == AgreementAsked::FaceCheck)
    }

    /// The address of a path below the issuer.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }
}
