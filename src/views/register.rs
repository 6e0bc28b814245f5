//! The pages of registration (用户注册). What a person has typed is shown again to the browser that typed it;
//! numbers masked, passwords never.

use serde::Serialize;

use crate::views::Page;
use crate::views::page::{AgreementView, Notice};
use crate::views::scan::ScanView;

/// One of several to choose from.
#[derive(Debug, Serialize)]
pub struct Choice {
    pub id: String,
    pub title: String,
    pub is_chosen: bool,
}

/// What is said at each field that is empty or malformed.
#[derive(Debug, Default, Serialize)]
pub struct WrongFields {
    /// Whose field the page begins at.
    pub first: &'static str,
    pub name: Option<String>,
    pub document_type: Option<String>,
    pub document: Option<String>,
    pub sex: Option<String>,
    pub nationality: Option<String>,
    pub password: Option<String>,
    pub contact: Option<String>,
    pub code: Option<String>,
}

/// Who registers, as the pages after it say.
#[derive(Debug, Serialize)]
pub struct Summary {
    pub name: String,
    pub document_type: String,
    /// Masked.
    pub document: String,
    pub sex: String,
    pub nationality: String,
}

/// Step 1: the way, and what is agreed to (L327).
#[derive(Debug, Serialize)]
pub struct RegisterBeginPage {
    /// Of a registration that was begun before; empty in a new one.
    pub transaction: String,
    pub step: u8,
    pub way: &'static str,
    /// The sign-in that it is begun from, if it is.
    pub from: String,
    /// The other way's page.
    pub other: String,
    pub agreements: Vec<AgreementView>,
    /// To be read before anything is typed, agreed to later.
    pub told: Vec<AgreementView>,
    pub notice: Option<Notice>,
}

impl Page for RegisterBeginPage {
    const TEMPLATE: &'static str = "register/begin.html";
}

/// Step 2: who it is (L329).
#[derive(Debug, Serialize)]
pub struct RegisterIdentityPage {
    pub transaction: String,
    pub step: u8,
    pub way: &'static str,
    pub name: String,
    pub documents: Vec<Choice>,
    pub document: String,
    /// `male`, `female` or nothing.
    pub sex: String,
    pub countries: Vec<Choice>,
    /// No kind of document of this way says a nationality by itself.
    pub chooses_nationality: bool,
    pub wrong: WrongFields,
    pub notice: Option<Notice>,
}

impl Page for RegisterIdentityPage {
    const TEMPLATE: &'static str = "register/identity.html";
}

/// Step 3: a password, and a phone or an address that a code reaches (L331).
#[derive(Debug, Serialize)]
pub struct RegisterContactPage {
    pub transaction: String,
    pub step: u8,
    pub summary: Summary,
    pub is_overseas: bool,
    pub contact: String,
    /// A password was chosen before; left empty it stays.
    pub has_password: bool,
    pub min_length: usize,
    pub max_length: usize,
    /// The realm's own rule in words.
    pub rule: String,
    /// A code waits to be typed.
    pub is_sent: bool,
    /// It was, and what is left is the next page's.
    pub is_proved: bool,
    /// Minutes for which a code is good.
    pub minutes: String,
    pub wrong: WrongFields,
    pub notice: Option<Notice>,
}

impl Page for RegisterContactPage {
    const TEMPLATE: &'static str = "register/contact.html";
}

/// Before step 4: both parts, each by itself (L338).
#[derive(Debug, Serialize)]
pub struct RegisterAgreementsPage {
    pub transaction: String,
    pub step: u8,
    pub summary: Summary,
    pub agreements: Vec<AgreementView>,
    /// The hall's record spares the face (L348).
    pub is_hall: bool,
    pub notice: Option<Notice>,
}

impl Page for RegisterAgreementsPage {
    const TEMPLATE: &'static str = "register/agreements.html";
}

/// Step 4: a face, by a phone (L333).
#[derive(Debug, Serialize)]
pub struct RegisterFacePage {
    pub transaction: String,
    pub step: u8,
    pub summary: Summary,
    pub scan_apps: Vec<&'static str>,
    pub scan: Option<ScanView>,
    pub notice: Option<Notice>,
}

impl Page for RegisterFacePage {
    const TEMPLATE: &'static str = "register/face.html";
}

/// It is done (L342).
#[derive(Debug, Serialize)]
pub struct RegisterDonePage {
    pub sign_in: String,
    /// An application waits for it.
    pub leads_on: bool,
    /// The one that takes an e-mail address, for whoever registered from abroad.
    pub door: Option<String>,
}

impl Page for RegisterDonePage {
    const TEMPLATE: &'static str = "register/done.html";
}

/// Whoever has an account signs in with it or recovers it.
#[derive(Debug, Serialize)]
pub struct RegisterKnownPage {
    pub title: String,
    pub text: String,
    pub sign_in: String,
}

impl Page for RegisterKnownPage {
    const TEMPLATE: &'static str = "register/known.html";
}
