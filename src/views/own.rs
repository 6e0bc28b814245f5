//! The pages about a person's own account: documents, level, its end, and its security. Values are ready to
//! show: masked, in the reader's language.

use serde::Serialize;

use super::Page;
use super::account::{OptionView, TabView};
use super::page::Notice;

#[derive(Debug, Serialize)]
pub struct DocumentView {
    pub kind: String,
    /// Masked.
    pub number: String,
    pub valid_from: Option<String>,
    /// `None`: for ever, or nobody has told.
    pub valid_to: Option<String>,
    pub has_ended: bool,
    /// Where the form to renew it is.
    pub renew: Option<String>,
    /// The last day on which it still counts, where the level rests on it (L-12).
    pub counts_until: Option<String>,
}

/// 【个人证件管理】 (D-04, D-10).
#[derive(Debug, Serialize)]
pub struct DocumentsPage {
    pub documents: Vec<DocumentView>,
    pub done: Option<String>,
    pub notice: Option<Notice>,
}

impl Page for DocumentsPage {
    const TEMPLATE: &'static str = "account/documents.html";
}

/// 【添加证件】 (D-05, D-06).
#[derive(Debug, Serialize)]
pub struct AddDocumentPage {
    pub kinds: Vec<OptionView>,
    pub name: String,
    pub document: String,
    pub is_long_term: bool,
    pub valid_from: String,
    pub valid_to: String,
    pub today: String,
    /// Fields that are empty or malformed, with what is said at each.
    pub wrong: std::collections::BTreeMap<&'static str, String>,
    pub notice: Option<Notice>,
}

impl Page for AddDocumentPage {
    const TEMPLATE: &'static str = "account/add_document.html";
}

/// 【用户注销】 (PC-21, PC-28).
#[derive(Debug, Serialize)]
pub struct CancelPage {
    pub tabs: Vec<TabView>,
    /// Enterprises that would have no manager online any more.
    pub left_alone: Vec<String>,
    /// The person's default phone, masked; `None`: the face alone.
    pub phone: Option<String>,
    pub has_face: bool,
    pub notice: Option<Notice>,
}

impl Page for CancelPage {
    const TEMPLATE: &'static str = "account/cancel.html";
}

#[derive(Debug, Serialize)]
pub struct SessionView {
    pub id: String,
    pub device: String,
    /// Entrance and identity.
    pub as_whom: String,
    /// In part.
    pub address: String,
    pub since: String,
    pub until: String,
    /// Names of the applications that were entered.
    pub applications: Vec<String>,
    pub is_current: bool,
}

#[derive(Debug, Serialize)]
pub struct ConsentView {
    pub id: String,
    pub name: String,
    pub since: String,
    /// What was allowed, in words.
    pub scopes: Vec<String>,
}

/// A way in or a way to spare one, with how many there are.
#[derive(Debug, Serialize)]
pub struct MeansView {
    pub title: String,
    pub state: String,
    pub href: String,
}

#[derive(Debug, Serialize)]
pub struct SecurityPage {
    pub sessions: Vec<SessionView>,
    pub has_others: bool,
    pub means: Vec<MeansView>,
    pub consents: Vec<ConsentView>,
    pub events: Vec<EventView>,
    pub has_log: bool,
    pub has_copy: bool,
    pub may_cancel: bool,
    pub done: Option<String>,
    pub notice: Option<Notice>,
}

impl Page for SecurityPage {
    const TEMPLATE: &'static str = "account/security.html";
}

#[derive(Debug, Serialize)]
pub struct EventView {
    pub at: String,
    pub text: String,
}

/// How real somebody is known to be, step by step (L-07).
#[derive(Debug, Serialize)]
pub struct LevelPage {
    pub level: u8,
    pub steps: Vec<LevelStepView>,
    /// `phone`, `phone-first`, `real-name`, `face`, `hall`: what leads to the next level.
    pub next: Option<&'static str>,
    /// Another way to the same level.
    pub also: Option<&'static str>,
    /// Whether that is done here.
    pub may_raise: bool,
    pub done: Option<String>,
    pub notice: Option<Notice>,
}

#[derive(Debug, Serialize)]
pub struct LevelStepView {
    pub level: u8,
    pub title: String,
    /// How and when; `None`: not reached.
    pub reached: Option<String>,
}

impl Page for LevelPage {
    const TEMPLATE: &'static str = "page/level.html";
}
