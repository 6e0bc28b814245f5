//! The pages of the second factor and of a sign-in that has ended well.

use serde::Serialize;

use crate::views::Page;
use crate::views::page::{Notice, Tab};
use crate::views::scan::ScanView;

#[derive(Debug, Serialize)]
pub struct SecondFactorPage {
    pub transaction: String,
    /// Who is signing in, masked, and for which enterprise; who it is within a session.
    pub whose: Option<String>,
    /// Where somebody else begins; `None` within a session.
    pub not_you: Option<String>,
    /// What it is for within a session.
    pub errand: Option<ErrandView>,
    pub ways: Vec<Tab>,
    /// The way of a code that is sent: `sms` or `email`.
    pub sent_by: Option<&'static str>,
    pub is_totp: bool,
    /// The code that was typed is wrong.
    pub is_code_wrong: bool,
    /// What the browser asks the device, as JSON.
    pub passkey: Option<String>,
    /// For how long the browser can be remembered; `None`: not here.
    pub remember_days: Option<String>,
    pub scan: Option<ScanView>,
    /// Masked; `None`: none is bound, this way is closed (E-11).
    pub sent_to: Option<String>,
    /// Why ways are closed.
    pub hints: Vec<Notice>,
    /// The key of what is said where the phone is one of them.
    pub no_phone: &'static str,
    /// A code is on its way.
    pub sent: Option<SentView>,
    pub notice: Option<Notice>,
}

/// What is done once somebody who is signed in has proved themself again.
#[derive(Debug, Serialize)]
pub struct ErrandView {
    pub title: String,
    pub text: String,
    /// Enterprise and identity type of each that is confirmed.
    pub authorisations: Vec<String>,
    pub document: Option<String>,
    /// There is a centre to go back to, and no application waits.
    pub leads_back: bool,
}

/// How a code stands that was sent.
#[derive(Debug, Serialize)]
pub struct SentView {
    /// Seconds.
    pub valid_for: String,
    pub valid_minutes: String,
    /// Seconds until another can be asked for; `None`: now.
    pub wait: Option<String>,
    pub tries_left: String,
}

impl Page for SecondFactorPage {
    const TEMPLATE: &'static str = "page/second_factor.html";
}

/// Signed in, and nothing waits.
#[derive(Debug, Serialize)]
pub struct SignedInPage {
    /// The realm's portal.
    pub portal: Option<String>,
}

impl Page for SignedInPage {
    const TEMPLATE: &'static str = "page/signed_in.html";
}
