//! What a phone shows that has opened a code: the pages of whoever has no app.

use serde::Serialize;

use crate::views::Page;
use crate::views::page::{AgreementView, Notice};

/// The first page on a phone: nothing has been scanned before its form is sent.
#[derive(Debug, Serialize)]
pub struct PhoneOpenPage {
    pub id: String,
}

impl Page for PhoneOpenPage {
    const TEMPLATE: &'static str = "page/phone_open.html";
}

/// What a phone shows before the tap.
#[derive(Debug, Serialize)]
pub struct PhonePage {
    pub id: String,
    /// What is confirmed.
    pub title: String,
    pub is_sign_in: bool,
    /// The application that waits.
    pub application: Option<String>,
    /// Whom it is about, masked.
    pub whom: String,
    /// The identity that will be signed in.
    pub as_whom: Option<String>,
    /// The authorisations that are confirmed.
    pub authorisations: Vec<String>,
    /// The document that is added: its kind, and its number masked.
    pub document: Option<String>,
    pub browser: String,
    /// The browser's address, in part, and whether the phone is there, too.
    pub place: String,
    pub where_is: String,
    pub at: String,
    /// The number in the browser is to be typed.
    pub asks_number: bool,
    /// The texts that must be accepted before the face is looked at.
    pub agreements: Vec<AgreementView>,
    pub notice: Option<Notice>,
}

impl Page for PhonePage {
    const TEMPLATE: &'static str = "page/phone.html";
}

/// Back from the face check, whose result is asked for by a form.
#[derive(Debug, Serialize)]
pub struct PhoneFacePage {
    pub id: String,
    pub order: String,
    /// Asked already, and there was no result yet.
    pub is_pending: bool,
}

impl Page for PhoneFacePage {
    const TEMPLATE: &'static str = "page/phone_face.html";
}
