//! The pages of people who are not signed in and help themselves.

use serde::Serialize;

use crate::views::Page;
use crate::views::account::OptionView;
use crate::views::page::{Notice, Tab};
use crate::views::scan::ScanView;

/// What is said at each field that is empty, malformed or wrong.
#[derive(Clone, Debug, Default, Serialize)]
pub struct WrongHelp {
    pub document_type: Option<String>,
    pub document: Option<String>,
    pub phone: Option<String>,
    pub password: Option<String>,
    pub code: Option<String>,
    pub new: Option<String>,
    pub repeated: Option<String>,
}

/// A forgotten password, step 1: which document (F-02).
#[derive(Debug, Serialize)]
pub struct ForgotPage {
    pub document_types: Vec<OptionView>,
    pub document: String,
    /// The sign-in that somebody came from.
    pub from: String,
    pub wrong: WrongHelp,
    pub notice: Option<Notice>,
}

impl Page for ForgotPage {
    const TEMPLATE: &'static str = "help/forgot.html";
}

/// Step 2: a code to a phone, or a face (F-03, F-04).
#[derive(Debug, Serialize)]
pub struct ForgotProvePage {
    pub transaction: String,
    /// The document that was typed, masked.
    pub document: String,
    /// The sign-in that somebody came from.
    pub from: String,
    pub ways: Vec<Tab>,
    pub scan: Option<ScanView>,
    /// More codes are shown than may be.
    pub is_full: bool,
    pub phone: String,
    /// The phone that a code was asked for, masked.
    pub asked: Option<String>,
    pub minutes: String,
    pub wrong: WrongHelp,
    pub notice: Option<Notice>,
}

impl Page for ForgotProvePage {
    const TEMPLATE: &'static str = "help/prove.html";
}

/// Step 3: the new password (F-05).
#[derive(Debug, Serialize)]
pub struct ForgotNewPage {
    pub transaction: String,
    pub min_length: usize,
    pub max_length: usize,
    /// The realm's own rule in words.
    pub rule: String,
    pub wrong: WrongHelp,
    pub notice: Option<Notice>,
}

impl Page for ForgotNewPage {
    const TEMPLATE: &'static str = "help/new_password.html";
}

/// A lost phone: everything in one form (PH-03).
#[derive(Debug, Serialize)]
pub struct LostPhonePage {
    /// Empty before number and password were right.
    pub transaction: String,
    pub document_types: Vec<OptionView>,
    pub document: String,
    pub phone: String,
    /// The phone that a code is on its way to, masked: number and password were right.
    pub sent_to: Option<String>,
    pub minutes: String,
    pub from: String,
    pub wrong: WrongHelp,
    pub notice: Option<Notice>,
}

impl Page for LostPhonePage {
    const TEMPLATE: &'static str = "help/phone.html";
}

/// A face before the phone is bound, or a day's patience (DEC-23).
#[derive(Debug, Serialize)]
pub struct LostPhoneFacePage {
    pub transaction: String,
    /// Masked.
    pub phone: String,
    pub ways: Vec<Tab>,
    pub scan: Option<ScanView>,
    pub is_full: bool,
    pub notice: Option<Notice>,
}

impl Page for LostPhoneFacePage {
    const TEMPLATE: &'static str = "help/phone_face.html";
}

/// Where whoever was told of a phone that waits can stop it.
#[derive(Debug, Serialize)]
pub struct StopPhonePage {
    pub token: String,
}

impl Page for StopPhonePage {
    const TEMPLATE: &'static str = "help/stop_phone.html";
}
