//! The pages of the console about applications of non-resident enterprises and about the hall's records.

use serde::Serialize;

use super::Page;
use super::account::OptionView;
use super::page::Notice;

/// One that waits.
#[derive(Debug, Serialize)]
pub struct WaitingView {
    pub href: String,
    pub name_zh: String,
    pub name_foreign: String,
    pub residence: String,
    pub since: String,
    pub due: String,
    pub is_late: bool,
    /// It looks like another one, and needs two officers.
    pub is_flagged: bool,
    /// One of the two has approved it.
    pub is_half: bool,
}

#[derive(Debug, Serialize)]
pub struct ApplicationsPage {
    pub waiting: Vec<WaitingView>,
    pub done: Option<String>,
}

impl Page for ApplicationsPage {
    const TEMPLATE: &'static str = "console/applications.html";
}

#[derive(Debug, Serialize)]
pub struct CaseFileView {
    pub href: String,
    pub name: String,
    /// Kind and size in words.
    pub about: String,
}

/// Something that it looks like.
#[derive(Debug, Serialize)]
pub struct AlikeView {
    pub what: String,
    pub name: String,
    pub code: Option<String>,
    pub href: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct ApplicationPage {
    pub id: String,
    pub state: &'static str,
    pub state_title: String,
    pub due: Option<String>,
    pub name_zh: String,
    pub name_foreign: String,
    /// As it is shown, and as the officer decides about it.
    pub version: i64,
    pub residence: String,
    pub home_number: String,
    pub address: String,
    pub contact: String,
    pub former_code: Option<String>,
    /// In full: it is compared with the files.
    pub applicant: String,
    pub nationality: String,
    pub level: String,
    /// Masked.
    pub documents: Vec<String>,
    pub email: Option<String>,
    pub files: Vec<CaseFileView>,
    pub alike: Vec<AlikeView>,
    /// Who has approved it before, when and why.
    pub first: Option<String>,
    pub code: Option<String>,
    /// As what the applicant has declared themself.
    pub declared_as: String,
    pub declared: Vec<OptionView>,
    /// It waits for a decision.
    pub is_open: bool,
    pub reason: String,
    pub notice: Option<Notice>,
}

impl Page for ApplicationPage {
    const TEMPLATE: &'static str = "console/application.html";
}

#[derive(Debug, Serialize)]
pub struct RecordsPage {
    pub document_types: Vec<OptionView>,
    pub document_type: String,
    pub document: String,
    /// Halls have nothing of it.
    pub is_none: bool,
    pub reason: String,
    pub notice: Option<Notice>,
}

impl Page for RecordsPage {
    const TEMPLATE: &'static str = "console/records.html";
}

/// One version of what was collected, in full: the officer has the document in hand.
#[derive(Debug, Serialize)]
pub struct VersionView {
    pub id: String,
    pub is_current: bool,
    pub name: String,
    pub document: String,
    pub sex: Option<String>,
    pub nationality: String,
    pub ends: String,
    pub phone: Option<String>,
    pub is_by_sight: bool,
    pub has_portrait: bool,
    /// Where it is shown, if it is kept here.
    pub portrait: Option<String>,
    pub collected: String,
}

#[derive(Debug, Serialize)]
pub struct RecordPage {
    /// The newest first.
    pub versions: Vec<VersionView>,
    pub correct: Option<String>,
    pub done: Option<String>,
}

impl Page for RecordPage {
    const TEMPLATE: &'static str = "console/record.html";
}

#[derive(Debug, Serialize)]
pub struct RecordFormPage {
    /// The version that is corrected; empty: a new record.
    pub seen: String,
    pub name: String,
    pub document_types: Vec<OptionView>,
    pub document: String,
    pub sexes: Vec<OptionView>,
    pub nationalities: Vec<OptionView>,
    pub valid_to: String,
    /// The first day that the field takes.
    pub earliest_end: String,
    pub phone: String,
    pub is_by_sight: bool,
    pub has_portrait: bool,
    pub reason: String,
    pub notice: Option<Notice>,
}

impl Page for RecordFormPage {
    const TEMPLATE: &'static str = "console/record_form.html";
}
