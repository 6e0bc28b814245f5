//! The pages of the officers' console, and who works there.

use serde::Serialize;

use super::account::{HandlerView, OptionView, TabView, TickView};
use super::{MenuItem, Page};
use crate::views::page::Notice;

/// The officer in the header, and where they may go.
#[derive(Clone, Debug, Serialize)]
pub struct OfficerView {
    pub name: String,
    pub login: String,
    pub roles: Vec<String>,
    pub csrf: String,
    pub menu: Vec<MenuItem>,
    /// What they are at.
    pub matter: Option<String>,
}

/// The door.
#[derive(Debug, Serialize)]
pub struct EntrancePage {
    /// What the browser asks the device, as JSON.
    pub options: String,
    pub question: String,
    /// Where it leads.
    pub back: String,
    pub notice: Option<Notice>,
}

impl Page for EntrancePage {
    const TEMPLATE: &'static str = "console/entrance.html";
}

/// A link that was opened.
#[derive(Debug, Serialize)]
pub struct InvitationPage {
    pub link: String,
    pub name: String,
    pub login: String,
    pub roles: Vec<String>,
    pub options: String,
    pub question: String,
    pub rule: String,
    pub notice: Option<Notice>,
}

impl Page for InvitationPage {
    const TEMPLATE: &'static str = "console/invitation.html";
}

/// Where an officer begins.
#[derive(Debug, Serialize)]
pub struct HomePage {
    pub duties: Vec<DutyView>,
    pub ends_at: String,
    pub done: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct DutyView {
    pub title: String,
    pub text: String,
    pub href: String,
}

impl Page for HomePage {
    const TEMPLATE: &'static str = "console/home.html";
}

/// What it is about, before something is looked at.
#[derive(Debug, Serialize)]
pub struct MatterPage {
    pub reason: String,
    pub back: String,
    pub notice: Option<Notice>,
}

impl Page for MatterPage {
    const TEMPLATE: &'static str = "console/matter.html";
}

#[derive(Debug, Serialize)]
pub struct ColleagueView {
    pub id: String,
    pub login: String,
    pub name: String,
    pub roles: Vec<String>,
    /// `invited`, `active` or `locked`.
    pub standing: &'static str,
    pub standing_title: String,
    pub since: String,
    /// `lock` or `unlock`, where the reader may.
    pub act: Option<&'static str>,
}

#[derive(Debug, Serialize)]
pub struct OfficersPage {
    pub officers: Vec<ColleagueView>,
    pub reason: String,
    pub done: Option<String>,
    pub notice: Option<Notice>,
}

impl Page for OfficersPage {
    const TEMPLATE: &'static str = "console/officers.html";
}

/// Somebody to help, masked.
#[derive(Debug, Serialize)]
pub struct PersonView {
    pub id: String,
    pub name: String,
    pub documents: Vec<String>,
    pub level: String,
    pub email: Option<String>,
    pub account: Option<AccountView>,
}

#[derive(Debug, Serialize)]
pub struct AccountView {
    pub username: Option<String>,
    pub phones: Vec<String>,
    /// Since when the bureau has locked it.
    pub locked: Option<String>,
    pub password: String,
    pub factors: Vec<HelpView>,
    pub sessions: Vec<SignedInView>,
    pub may_end: bool,
    /// What this officer may do for it.
    pub acts: Vec<&'static str>,
}

/// A factor, and whether this officer may take it away.
#[derive(Debug, Serialize)]
pub struct HelpView {
    pub name: &'static str,
    pub title: String,
    pub is_removable: bool,
}

#[derive(Debug, Serialize)]
pub struct SignedInView {
    pub id: String,
    pub about: String,
    pub clients: String,
    pub since: String,
    pub until: String,
}

#[derive(Debug, Serialize)]
pub struct PeoplePage {
    pub people: Vec<PersonView>,
    /// Nobody was found by what was typed.
    pub is_nobody: bool,
    pub typed: String,
    pub reason: String,
    pub done: Option<String>,
    pub notice: Option<Notice>,
}

impl Page for PeoplePage {
    const TEMPLATE: &'static str = "console/people.html";
}

#[derive(Debug, Serialize)]
pub struct EnterprisesPage {
    pub typed: String,
    pub reason: String,
    pub notice: Option<Notice>,
}

impl Page for EnterprisesPage {
    const TEMPLATE: &'static str = "console/enterprises.html";
}

#[derive(Debug, Serialize)]
pub struct EnterprisePage {
    pub id: String,
    pub name: String,
    pub number: String,
    pub handlers: Vec<HandlerView>,
    pub done: Option<String>,
}

impl Page for EnterprisePage {
    const TEMPLATE: &'static str = "console/enterprise.html";
}

#[derive(Debug, Serialize)]
pub struct AddHandlerPage {
    pub id: String,
    pub enterprise: String,
    pub types: Vec<TabView>,
    pub identity_type: String,
    pub document_types: Vec<OptionView>,
    pub name: String,
    pub document: String,
    pub permissions: Vec<TickView>,
    pub is_long_term: bool,
    pub valid_to: String,
    pub today: String,
    pub reason: String,
    pub notice: Option<Notice>,
}

impl Page for AddHandlerPage {
    const TEMPLATE: &'static str = "console/add_handler.html";
}

#[derive(Debug, Serialize)]
pub struct CounterHandlerPage {
    pub enterprise: String,
    pub handler: HandlerView,
    pub version: i64,
    /// Empty where it cannot be changed here.
    pub ticks: Vec<TickView>,
    pub is_long_term: bool,
    pub valid_to: String,
    pub today: String,
    pub reason: String,
    pub done: Option<String>,
    pub notice: Option<Notice>,
}

impl Page for CounterHandlerPage {
    const TEMPLATE: &'static str = "console/handler.html";
}

/// A relation that is over, whoever still sees it.
#[derive(Debug, Serialize)]
pub struct EndedView {
    pub id: String,
    /// Of the side that was not asked about.
    pub name: String,
    pub identity_type: String,
    pub reason: String,
    pub by: String,
    pub at: String,
    pub is_hall: bool,
    /// Who has cleared it from their own view, and when.
    pub hidden: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct HistoryPage {
    pub name: String,
    /// Empty: a person's, which is not shown.
    pub number: String,
    /// The words above the other side's names, in `locales/`.
    pub other: &'static str,
    /// Where its handlers are, for whoever looks after them.
    pub handlers: Option<String>,
    pub ended: Vec<EndedView>,
    pub previous: Option<String>,
    pub next: Option<String>,
}

impl Page for HistoryPage {
    const TEMPLATE: &'static str = "console/history.html";
}

/// Whose history is asked for.
#[derive(Debug, Serialize)]
pub struct RelationsPage {
    /// Several where equal digits stand on documents of different kinds: name and address.
    pub found: Vec<(String, String)>,
    pub is_nobody: bool,
    pub typed: String,
    pub reason: String,
    pub notice: Option<Notice>,
}

impl Page for RelationsPage {
    const TEMPLATE: &'static str = "console/relations.html";
}

#[derive(Debug, Serialize)]
pub struct AuditEventView {
    pub number: String,
    pub at: String,
    pub action: String,
    /// Name and value, as they were written.
    pub facts: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
pub struct AuditPage {
    pub from: String,
    pub to: String,
    pub person: String,
    pub officer: String,
    pub action: String,
    pub actions: Vec<OptionView>,
    pub is_searched: bool,
    pub events: Vec<AuditEventView>,
    /// Where the next page begins.
    pub next: Option<String>,
    pub reason: String,
    pub notice: Option<Notice>,
}

impl Page for AuditPage {
    const TEMPLATE: &'static str = "console/audit.html";
}
