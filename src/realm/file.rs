//! The realm's TOML as it is written, one struct a table. The JSON Schema and every complaint
//! about unknown keys come from these types; what a key means is decided in `build`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::entrance::{Audience, EnterpriseNumber, PersonalIdKind, Step, Subject};
use crate::domain::factor::{Factor, ScanApp};
use crate::domain::identity_type::Capability;
use crate::jose::Algorithm;
use crate::realm::console::ConsoleFile;
use crate::realm::look::LookFile;

pub use super::texts::Texts;

/// `realm.toml`
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RealmFile {
    /// The bureau's name on every page.
    pub name: Texts,
    /// `https://…`, without a trailing slash; the realm's identity for ever.
    pub issuer: String,
    /// Six digits, `360000`.
    pub home_province: String,
    /// Where a plain link may ask to return to (X-03): every address that begins so. They end with a
    /// slash.
    #[serde(default)]
    pub portals: Vec<String>,
    #[serde(default)]
    pub lifetimes: Lifetimes,
    #[serde(default)]
    pub keys: Keys,
    #[serde(default)]
    pub password: Password,
    #[serde(default)]
    pub lockout: Lockout,
    #[serde(default)]
    pub retention: Retention,
    /// Full years of age under which nobody is a handler of an enterprise.
    #[serde(default = "handler_min_age")]
    #[schemars(range(min = 0, max = 30))]
    pub handler_min_age: u8,
    /// What a new phone takes that somebody who is not signed in asks for (DEC-23).
    #[serde(default)]
    pub phone_recovery: PhoneRecovery,
    #[serde(default)]
    pub agreements: Vec<Agreement>,
    /// Where the bureau's officers work; absent: nowhere.
    pub console: Option<ConsoleFile>,
    /// The bureau's own face.
    #[serde(default)]
    pub look: LookFile,
    /// Names of tax authorities by their codes, as the registry has them.
    #[serde(default)]
    pub tax_authorities: BTreeMap<String, Texts>,
    /// Names of cities and districts by their codes of four and six digits (GB/T 2260); provinces have theirs.
    #[serde(default)]
    pub divisions: BTreeMap<String, Texts>,
}

fn handler_min_age() -> u8 {
    16
}

/// After document number, password and a code to the new phone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PhoneRecovery {
    /// A face by either app; who can have none checked waits as with `delay`.
    #[default]
    Scan,
    /// 24 hours, in which every phone and the e-mail address are told how to stop it.
    Delay,
    /// Nothing more, as the guide has it: a stolen password is enough to replace the second factor.
    Guide,
}

/// Seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Lifetimes {
    #[schemars(range(min = 10, max = 600))]
    pub code: i64,
    #[schemars(range(min = 30, max = 86400))]
    pub access_token: i64,
    #[schemars(range(min = 30, max = 86400))]
    pub id_token: i64,
    #[schemars(range(min = 60, max = 315_360_000))]
    pub refresh_token: i64,
    /// For how long a rotated refresh token answers once more, so that a lost answer or a second tab
    /// does not end the sign-in; 0: never.
    #[schemars(range(min = 0, max = 120))]
    pub refresh_grace: i64,
    #[schemars(range(min = 300, max = 315_360_000))]
    pub session: i64,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            code: 60,
            access_token: 300,
            id_token: 300,
            refresh_token: 43_200,
            refresh_grace: 10,
            session: 28_800,
        }
    }
}

/// For how long records are kept. The audit is kept for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Lines of the sign-in log. The Cybersecurity Law wants six months at the least (article 21), which
    /// are 184 days where they are longest.
    #[schemars(range(min = 184, max = 3650))]
    pub sign_in_log_days: i64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { sign_in_log_days: 184 }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    pub algorithms: Vec<Algorithm>,
    /// Seconds for which a new key is published before it signs. Nodes read keys twice a minute and
    /// the documents may be kept for a minute; many libraries keep them for longer, an hour at most.
    #[schemars(range(min = 120, max = 604_800))]
    pub announcement: i64,
}

impl Default for Keys {
    fn default() -> Self {
        Self { algorithms: vec![Algorithm::ES256, Algorithm::RS256], announcement: 3600 }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Password {
    #[schemars(range(min = 8, max = 128))]
    pub min_length: usize,
    #[schemars(range(min = 8, max = 128))]
    pub max_length: usize,
    #[schemars(range(min = 1, max = 4))]
    pub min_classes: usize,
    pub letters_merged: bool,
    pub denied: Vec<String>,
    /// What an account that never set a password signs in with (DEC-2).
    pub initial: InitialPassword,
}

impl Default for Password {
    fn default() -> Self {
        Self {
            min_length: 8,
            max_length: 16,
            min_classes: 3,
            letters_merged: false,
            denied: Vec::new(),
            initial: InitialPassword::IdLast6,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InitialPassword {
    IdLast6,
    Off,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Lockout {
    /// Wrong guesses at one name from one address in the window, before the first lock.
    #[schemars(range(min = 3, max = 100))]
    pub max_failures: u32,
    /// The same from all addresses together from which the person has not signed in for a month.
    #[schemars(range(min = 3, max = 1000))]
    pub max_failures_elsewhere: u32,
    #[schemars(range(min = 60, max = 86400))]
    pub window: i64,
    #[schemars(range(min = 1, max = 86400))]
    pub first_lock: i64,
    #[schemars(range(min = 60, max = 604_800))]
    pub longest_lock: i64,
    /// Failures from one address in the window, whoever they are about.
    #[schemars(range(min = 1))]
    pub max_failures_per_address: u32,
    /// Failures of people with a relation to one enterprise in the window; beyond these no
    /// remembered browser spares the second factor there.
    #[schemars(range(min = 1))]
    pub max_failures_per_enterprise: u32,
}

impl Default for Lockout {
    fn default() -> Self {
        Self {
            max_failures: 5,
            max_failures_elsewhere: 20,
            window: 900,
            first_lock: 900,
            longest_lock: 86_400,
            max_failures_per_address: 100,
            max_failures_per_enterprise: 50,
        }
    }
}

/// A text that must be accepted; a new version is asked of everyone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    pub id: String,
    /// When it is asked for; what is needed for a face check alone is no condition of signing in.
    #[serde(default)]
    pub asked: AgreementAsked,
    pub title: Texts,
    pub version: String,
    /// File beside `realm.toml`, one for each language.
    pub text: Texts,
}

/// When a text must have been accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgreementAsked {
    #[default]
    SignIn,
    /// Before the first face check.
    FaceCheck,
}

/// `entrances.toml`
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntrancesFile {
    pub entrance: Vec<EntranceFile>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntranceFile {
    pub id: String,
    pub title: Texts,
    pub subject: Subject,
    /// Stands under "other sign-in" instead of among the tabs (X-05).
    #[serde(default)]
    pub is_other: bool,
    /// Which applications it is for; absent: tax.
    #[serde(default)]
    pub audience: Audience,
    /// What may stand in the enterprise field; absent: any taxpayer number.
    #[serde(default)]
    pub enterprise_number: EnterpriseNumber,
    #[serde(default)]
    pub personal_id: Vec<PersonalIdKind>,
    #[serde(default)]
    pub slider: bool,
    /// What may follow the password, in the order shown (E-10).
    #[serde(default = "three_ways")]
    pub second_factors: Vec<Factor>,
    /// Days for which a browser that asked for it spares the second factor of whoever goes on as themself;
    /// absent: never. An enterprise's identity always asks for it.
    #[schemars(range(min = 1, max = 90))]
    pub remember_device_days: Option<i64>,
    /// A passkey instead of the password and its second factor.
    #[serde(default)]
    pub passkey: bool,
    /// The apps whose codes stand beside the form (Q-01).
    #[serde(default)]
    pub scan: Vec<ScanApp>,
    pub steps: Vec<Step>,
    /// Where somebody is sent who has nothing to choose from (S-09).
    #[serde(default)]
    pub links: Vec<Link>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    pub title: Texts,
    pub url: String,
}

fn three_ways() -> Vec<Factor> {
    vec![Factor::Sms, Factor::TaxAppScan, Factor::IitAppScan]
}

/// `factors.toml`
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FactorsFile {
    pub sms: SmsFile,
    /// Where codes by e-mail leave from; absent in the demo, whose desk is the inbox.
    pub email: Option<EmailFile>,
    /// The face check behind a scan; absent in the demo, whose desk plays the provider.
    pub face: Option<ProviderFile>,
    /// Where name and document number are verified (level 3, L-04); absent: only in the hall.
    pub real_name: Option<ProviderFile>,
    /// Where the social insurance says whom it knows (the other way to level 3).
    pub social_insurance: Option<ProviderFile>,
    /// Where cards that the bureau's app has read are looked at (level 5, L-06); absent: only in the hall.
    pub card_reading: Option<ProviderFile>,
}

/// A mail server; codes go out over TLS unless it is on this machine.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailFile {
    /// `smtps://mail.example:465`, `smtp://mail.example:587` for STARTTLS.
    pub url: String,
    /// `Tax bureau <no-reply@tax.example>`
    pub from: String,
    pub username: Option<String>,
    pub secret: Option<SecretRef>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderFile {
    pub url: String,
    pub secret: SecretRef,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SmsFile {
    /// Tried in this order; none in the demo, whose desk is the inbox.
    #[serde(default)]
    pub gateways: Vec<GatewayFile>,
    #[serde(default = "five_minutes")]
    #[schemars(range(min = 60, max = 900))]
    pub lifetime: i64,
    #[serde(default)]
    pub limits: SmsLimits,
    /// Tell people of their authorisations by text message, too. What happens to their own accounts is
    /// told in any case.
    #[serde(default)]
    pub notices: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatewayFile {
    pub kind: GatewayKind,
    /// Absent: the provider's own address.
    pub url: Option<String>,
    pub secret: SecretRef,
    /// The access key that belongs to the secret; not for the webhook.
    pub key_id: Option<String>,
    /// Tencent's application.
    pub app_id: Option<String>,
    /// As registered with the carrier.
    pub sign_name: Option<String>,
    pub template: Option<String>,
    /// The text of notices; without one this gateway sends none.
    pub notice_template: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GatewayKind {
    Webhook,
    Aliyun,
    Tencent,
}

/// How many codes go out; the defaults are the carriers'.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SmsLimits {
    /// Seconds between two codes to one phone.
    #[schemars(range(min = 1, max = 3600))]
    pub pause: i64,
    /// Two fifths of it, rounded down, where it is only somebody's word that the phone is theirs: for
    /// registrations, for recoveries, and for each person who says so.
    #[schemars(range(min = 1))]
    pub per_phone_and_hour: u32,
    /// The same of a day.
    #[schemars(range(min = 1))]
    pub per_phone_and_day: u32,
    /// To people who have not signed in from there for a month.
    #[schemars(range(min = 1))]
    pub per_address_and_hour: u32,
    /// Of the whole realm, to people who have shown a password or a session; strangers get a quarter of
    /// it beside that.
    #[schemars(range(min = 1))]
    pub per_minute: u32,
    /// The same of a day: with the strangers' quarter, what it may cost at most.
    #[schemars(range(min = 1))]
    pub per_day: u32,
}

impl Default for SmsLimits {
    fn default() -> Self {
        Self {
            pause: 60,
            per_phone_and_hour: 5,
            per_phone_and_day: 10,
            per_address_and_hour: 100,
            per_minute: 100,
            per_day: 1_000_000,
        }
    }
}

fn five_minutes() -> i64 {
    300
}

/// A secret is named, never written; `literal` is for the demo alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum SecretRef {
    File(String),
    Env(String),
    Literal(String),
}

/// `roles.toml`
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RolesFile {
    /// Code to name; the order is the catalogue's.
    pub permissions: BTreeMap<String, Texts>,
    pub identity_types: BTreeMap<String, IdentityTypeFile>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityTypeFile {
    /// The national code, two digits.
    #[schemars(regex(pattern = r"^\d\d$"))]
    pub code: String,
    pub name: Texts,
    #[serde(default)]
    pub capabilities: Vec<Capability>,
    /// Absent: all of the catalogue.
    pub permissions: Option<Vec<String>>,
}
