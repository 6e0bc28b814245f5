//! How somebody proved who they are: the way in, the second factor, and what both say in tokens
//! (`amr` of RFC 8176, `acr` as the real-name level proved in this session, L-11).

use serde::{Deserialize, Serialize};

/// What came first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    Password,
    /// Confirmed on a phone that was signed in already.
    Scan(ScanApp),
    /// A passkey, which its device has unlocked for its person.
    Passkey,
    /// An enterprise's certificate, which says nothing about the person (DEC-10).
    Certificate(KeyStorage),
}

/// Where the keys of certificates live, as far as their authority promises.
#[derive(
    Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum KeyStorage {
    /// In tokens that never let them out.
    Hardware,
    #[default]
    Software,
}

impl KeyStorage {
    /// Of RFC 8176.
    fn amr(self) -> &'static str {
        match self {
            Self::Hardware => "hwk",
            Self::Software => "swk",
        }
    }
}

/// Whose phone application reads the code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScanApp {
    /// The bureau's own (江西税务), or the hosted phone pages in its place.
    TaxApp,
    /// 个人所得税, another operator's.
    IitApp,
}

/// What may follow a password (E-10).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    Sms,
    /// A code by e-mail (DEC-9).
    Email,
    TaxAppScan,
    IitAppScan,
    /// An authenticator app, for who has enrolled one.
    Totp,
    /// A passkey, for who has enrolled one.
    Passkey,
}

impl ScanApp {
    pub fn name(self) -> &'static str {
        match self {
            Self::TaxApp => "tax_app",
            Self::IitApp => "iit_app",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::TaxApp, Self::IitApp].into_iter().find(|app| app.name() == name)
    }

    pub fn factor(self) -> Factor {
        match self {
            Self::TaxApp => Factor::TaxAppScan,
            Self::IitApp => Factor::IitAppScan,
        }
    }
}

impl Factor {
    /// Its name in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Email => "email",
            Self::TaxAppScan => "tax_app",
            Self::IitAppScan => "iit_app",
            Self::Totp => "totp",
            Self::Passkey => "passkey",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        let all =
            [Self::Sms, Self::Email, Self::TaxAppScan, Self::IitAppScan, Self::Totp, Self::Passkey];
        all.into_iter().find(|factor| factor.name() == name)
    }

    /// A scan in which a face is compared.
    pub fn is_face(self) -> bool {
        self.scan_app().is_some()
    }

    pub fn scan_app(self) -> Option<ScanApp> {
        match self {
            Self::TaxAppScan => Some(ScanApp::TaxApp),
            Self::IitAppScan => Some(ScanApp::IitApp),
            Self::Sms | Self::Email | Self::Totp | Self::Passkey => None,
        }
    }
}

impl Way {
    /// Its name in the sign-in log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Scan(ScanApp::TaxApp) => "tax_app_scan",
            Self::Scan(ScanApp::IitApp) => "iit_app_scan",
            Self::Passkey => "passkey",
            Self::Certificate(_) => "certificate",
        }
    }
}

/// `amr`: what was proved, in order.
pub fn amr(way: Way, factor: Option<Factor>) -> Vec<String> {
    let mut amr = match way {
        Way::Password => vec!["pwd"],
        Way::Scan(_) => vec!["swk", "user"],
        Way::Passkey => vec!["pop", "user"],
        Way::Certificate(keys) => vec![keys.amr()],
    };
    match factor {
        Some(Factor::Email) => amr.extend(["otp", "mfa"]),
        Some(Factor::Sms) => amr.extend(["sms", "mfa"]),
        Some(Factor::Totp) => amr.extend(["otp", "mfa"]),
        Some(Factor::TaxAppScan | Factor::IitAppScan) => amr.extend(["face", "mfa"]),
        Some(Factor::Passkey) if way == Way::Passkey => amr.push("mfa"),
        Some(Factor::Passkey) => amr.extend(["pop", "user", "mfa"]),
        None => {}
    }
    amr.into_iter().map(str::to_owned).collect()
}

/// Whether this is all that was proved: the key of an enterprise's certificate, and of the person nothing
/// (DEC-10). A phone's own key says `user` beside it.
pub fn proves_no_person(amr: &[String]) -> bool {
    amr.iter().all(|method| method == "hwk" || method == "swk")
}

/// How a session was begun, as its `amr` tells.
pub fn way_of(amr: &[String]) -> Way {
    let has = |name: &str| amr.iter().any(|one| one == name);
    match (has("hwk"), has("swk"), has("user"), has("pwd")) {
        (true, ..) => Way::Certificate(KeyStorage::Hardware),
        (_, true, false, _) => Way::Certificate(KeyStorage::Software),
        (_, true, true, _) => Way::Scan(ScanApp::TaxApp),
        (_, _, _, true) => Way::Password,
        _ => Way::Passkey,
    }
}

/// The level proved: a certificate alone gives none, a password alone gives 1 (L-02), a phone's code 2 (L-03), a face what the person
/// has reached, at most 4 (L-05).
pub fn acr(way: Way, factor: Option<Factor>, person_level: u8) -> u8 {
    match (way, factor) {
        (_, Some(Factor::TaxAppScan | Factor::IitAppScan)) => person_level.clamp(2, 4),
        (Way::Certificate(_), None) => 0,
        (Way::Password, None) => 1,
        (_, Some(Factor::Sms | Factor::Email | Factor::Totp | Factor::Passkey))
        | (Way::Scan(_) | Way::Passkey, None) => 2,
    }
}
