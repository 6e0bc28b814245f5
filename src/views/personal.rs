//! The pages of 【个人信息管理】, one struct each, in the reader's language and masked.

use serde::Serialize;

use super::Page;
use super::account::{BlockView, OpenView, TabView};
use super::page::{Notice, Tab};

/// One's own basic information, read-only (AC-41 to AC-43).
#[derive(Debug, Serialize)]
pub struct PersonPage {
    pub tabs: Vec<TabView>,
    /// 基本信息, 证件信息.
    pub blocks: Vec<BlockView>,
    /// What its form carries on of the fields that are open.
    pub opened: Vec<OpenView>,
    pub level: u8,
    pub is_verified: bool,
    pub completeness: Vec<CompletenessView>,
    pub has_authenticators: bool,
    pub has_passkeys: bool,
}

impl Page for PersonPage {
    const TEMPLATE: &'static str = "account/person.html";
}

#[derive(Debug, Serialize)]
pub struct CompletenessView {
    pub title: String,
    pub is_done: bool,
    /// Where it is filled in.
    pub href: String,
}

/// 【个人密码修改】 (PC-03 to PC-08).
#[derive(Debug, Serialize)]
pub struct PasswordPage {
    pub tabs: Vec<TabView>,
    /// The three ways.
    pub ways: Vec<Tab>,
    pub way: &'static str,
    pub min_length: usize,
    pub max_length: usize,
    /// The realm's own rule in words.
    pub rule: String,
    /// Masked; `None`: no phone, no code.
    pub sent_to: Option<String>,
    pub is_sent: bool,
    /// At which field the refusal is.
    pub wrong: Option<&'static str>,
    pub done: Option<String>,
    pub notice: Option<Notice>,
}

impl Page for PasswordPage {
    const TEMPLATE: &'static str = "account/password.html";
}

#[derive(Debug, Serialize)]
pub struct PhoneView {
    pub handle: String,
    pub masked: String,
    pub is_default: bool,
}

/// 【手机号码修改】 (PC-09 to PC-13).
#[derive(Debug, Serialize)]
pub struct PhonesPage {
    pub tabs: Vec<TabView>,
    pub phones: Vec<PhoneView>,
    pub may_add: bool,
    pub change: Option<PhoneChangeView>,
    pub awaited: Option<AwaitedPhoneView>,
    pub done: Option<String>,
    pub notice: Option<Notice>,
}

impl Page for PhonesPage {
    const TEMPLATE: &'static str = "account/phones.html";
}

/// A number that is bound after a day unless it is stopped (DEC-23).
#[derive(Debug, Serialize)]
pub struct AwaitedPhoneView {
    pub id: String,
    pub masked: String,
    /// From when on it is theirs.
    pub due: String,
}

/// A change that is on its way.
#[derive(Debug, Serialize)]
pub struct PhoneChangeView {
    pub id: String,
    /// Masked; `None`: one is added.
    pub replaces: Option<String>,
    /// `existing`, `face`, `new` or `sent`.
    pub step: &'static str,
    /// Where the first code goes, masked.
    pub existing: String,
    /// Whether it is on its way.
    pub is_sent: bool,
    /// The new number as it was typed.
    pub typed: String,
    /// At which field the refusal is.
    pub wrong: Option<&'static str>,
}

#[derive(Debug, Serialize)]
pub struct DocumentView {
    pub kind: String,
    pub masked: String,
}

/// 【个人信息维护】 (PC-17 to PC-19).
#[derive(Debug, Serialize)]
pub struct MaintainPage {
    pub tabs: Vec<TabView>,
    pub username: Option<String>,
    /// As it was typed.
    pub typed_username: String,
    /// The day from which on it can be changed again; `None`: it can be.
    pub username_from: Option<String>,
    pub documents: Vec<DocumentView>,
    pub email: Option<String>,
    pub address: Option<String>,
    /// The e-mail address that waits for its code, as it was typed.
    pub awaited_email: Option<String>,
    /// At which field the refusal is.
    pub wrong: Option<&'static str>,
    pub done: Option<String>,
    pub notice: Option<Notice>,
}

impl Page for MaintainPage {
    const TEMPLATE: &'static str = "account/maintain.html";
}
