//! The pages of 【非居民企业身份信息采集】: what became of one's applications, and the form.

use serde::Serialize;

use super::Page;
use super::account::OptionView;
use super::page::Notice;

#[derive(Debug, Serialize)]
pub struct FileView {
    pub id: String,
    pub name: String,
    /// Kind and size in words.
    pub about: String,
}

/// One's own application; values in full, for they are one's own.
#[derive(Debug, Serialize)]
pub struct ApplicationView {
    pub id: String,
    /// `draft`, `submitted`, `returned`, `approved`, `rejected` or `withdrawn`.
    pub state: &'static str,
    pub state_title: String,
    /// When it came to that.
    pub since: String,
    pub name_zh: String,
    pub name_foreign: String,
    pub residence: String,
    pub home_number: String,
    pub address: String,
    pub contact: String,
    pub declared: String,
    pub former_code: Option<String>,
    pub files: Vec<FileView>,
    pub has_room: bool,
    /// The officer's, where they said no or not yet.
    pub reason: Option<String>,
    pub code: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct NonResidentPage {
    /// Which of the guide's three steps is due (N-05): 2 or 3, or 4 where all are done.
    pub step: u8,
    /// In the applicant's hand or with the bureau.
    pub current: Option<ApplicationView>,
    /// Decided or given up, the newest first.
    pub earlier: Vec<ApplicationView>,
    pub largest_file: String,
    pub most_files: String,
    pub asks_to_withdraw: bool,
    pub done: Option<String>,
    pub notice: Option<Notice>,
}

impl Page for NonResidentPage {
    const TEMPLATE: &'static str = "non_resident/home.html";
}

/// The collection form (N-07).
#[derive(Debug, Serialize)]
pub struct NonResidentFormPage {
    pub application: String,
    pub name_zh: String,
    pub name_foreign: String,
    pub residences: Vec<OptionView>,
    pub number_kinds: Vec<OptionView>,
    pub home_number: String,
    /// It was submitted before and stays as it is.
    pub is_number_fixed: bool,
    pub address: String,
    pub contact_name: String,
    pub contact_email: String,
    pub contact_phone: String,
    pub declared: Vec<OptionView>,
    pub former_code: String,
    pub notice: Option<Notice>,
}

impl Page for NonResidentFormPage {
    const TEMPLATE: &'static str = "non_resident/form.html";
}
