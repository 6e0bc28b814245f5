//! Pages that speak with the key agent: coming in, the environment check, and a PIN in the account
//! centre.

use serde::Serialize;

use crate::views::Page;
use crate::views::notice::Notice;

/// A place to fetch something from, in the reader's language.
#[derive(Debug, Serialize)]
pub struct LinkView {
    pub title: String,
    pub url: String,
}

#[derive(Debug, Serialize)]
pub struct CertificatePage {
    pub transaction: String,
    pub entrance: String,
    /// JSON: what the agent's codes mean in the reader's language; `…` stands for a number.
    pub words: String,
    pub downloads: Vec<LinkView>,
    pub notice: Option<Notice>,
}

impl Page for CertificatePage {
    const TEMPLATE: &'static str = "certificate/sign_in.html";
}

#[derive(Debug, Serialize)]
pub struct HandlerChoice {
    pub id: String,
    /// Masked.
    pub name: String,
    pub identity_type: String,
}

#[derive(Debug, Serialize)]
pub struct ChooseHandlerPage {
    pub transaction: String,
    /// Masked: the certificate is known, the person is not.
    pub enterprise: String,
    pub handlers: Vec<HandlerChoice>,
    pub notice: Option<Notice>,
}

impl Page for ChooseHandlerPage {
    const TEMPLATE: &'static str = "certificate/choose_handler.html";
}

/// One line of the environment check (C-05), with what to do where it fails.
#[derive(Debug, Serialize)]
pub struct CheckItem {
    pub id: &'static str,
    pub title: String,
    pub next: String,
}

#[derive(Debug, Serialize)]
pub struct CheckPage {
    pub items: Vec<CheckItem>,
    pub words: String,
    pub downloads: Vec<LinkView>,
    pub notice: Option<Notice>,
}

impl Page for CheckPage {
    const TEMPLATE: &'static str = "certificate/check.html";
}

#[derive(Debug, Serialize)]
pub struct OwnCertificatesPage {
    pub words: String,
    pub downloads: Vec<LinkView>,
    /// Nobody comes in by certificate here.
    pub is_closed: bool,
    pub notice: Option<Notice>,
}

impl Page for OwnCertificatesPage {
    const TEMPLATE: &'static str = "account/certificates.html";
}
