//! The pages of the account centres, one struct each. Values are ready to show: masked, in the
//! reader's language.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Page;
use super::page::{IdentityView, Notice};

#[derive(Debug, Serialize)]
pub struct FieldView {
    pub key: String,
    pub label: String,
    pub value: String,
    /// There is an eye beside it.
    pub is_masked: bool,
}

/// A field that stands open, and the proof that it was opened.
#[derive(Debug, Serialize)]
pub struct OpenView {
    pub name: String,
    pub proof: String,
}

#[derive(Debug, Serialize)]
pub struct BlockView {
    pub title: String,
    pub fields: Vec<FieldView>,
}

/// The landing page (AC-04 to AC-11, G-09).
#[derive(Debug, Serialize)]
pub struct HomePage {
    pub blocks: Vec<BlockView>,
    pub is_verified: bool,
    /// The person's own pages open from here; where not, the security of their account stands alone.
    pub has_personal: bool,
    /// The viewer's identities in this enterprise.
    pub identities: Vec<IdentityView>,
    pub current: String,
    /// What its form carries on of the fields that are open.
    pub opened: Vec<OpenView>,
    pub notice: Option<Notice>,
}

impl Page for HomePage {
    const TEMPLATE: &'static str = "account/home.html";
}

/// One handler, one authorisation, one entry of a history.
#[derive(Debug, Serialize)]
pub struct HandlerView {
    pub id: String,
    /// Masked: another person's. Of an enterprise: its name.
    pub name: String,
    /// Masked document number, or an enterprise's number.
    pub number: String,
    pub identity_type: String,
    pub permissions: Vec<String>,
    pub valid_from: String,
    pub valid_to: Option<String>,
    pub state: String,
    pub state_title: String,
    pub origin: String,
    /// The person has no account any more.
    pub is_cancelled: bool,
    /// By whom and when it ended.
    pub ended: Option<String>,
    /// What the viewer may do with it.
    pub acts: Vec<&'static str>,
    /// A manager's own: what would give them something is another manager's to do.
    pub others_decide: bool,
    /// How the newest synchronisation stands at each application.
    pub synchronised: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct TabView {
    pub title: String,
    pub href: String,
    pub is_current: bool,
}

#[derive(Debug, Serialize)]
pub struct HandlersPage {
    pub tabs: Vec<TabView>,
    pub handlers: Vec<HandlerView>,
    /// A sentence about what was just done.
    pub done: Option<String>,
    pub notice: Option<Notice>,
}

impl Page for HandlersPage {
    const TEMPLATE: &'static str = "account/handlers.html";
}

/// One's own permissions and nothing of others (AC-20, G-10, G-11).
#[derive(Debug, Serialize)]
pub struct OwnPermissionsPage {
    pub identities: Vec<IdentityView>,
}

impl Page for OwnPermissionsPage {
    const TEMPLATE: &'static str = "account/own_permissions.html";
}

/// A page that is read and nothing else.
#[derive(Debug, Serialize)]
pub struct TextPage {
    pub title: String,
    pub paragraphs: Vec<String>,
}

impl Page for TextPage {
    const TEMPLATE: &'static str = "account/text.html";
}

#[derive(Clone, Debug, Serialize)]
pub struct TickView {
    pub code: String,
    pub name: String,
    pub is_ticked: bool,
    /// The identity type may not hold it.
    pub is_disabled: bool,
}

#[derive(Debug, Serialize)]
pub struct OptionView {
    pub value: String,
    pub title: String,
    pub is_chosen: bool,
}

#[derive(Debug, Serialize)]
pub struct AddHandlerPage {
    pub tabs: Vec<TabView>,
    pub types: Vec<TabView>,
    pub identity_type: String,
    pub identity_type_title: String,
    pub document_types: Vec<OptionView>,
    pub document_type: String,
    pub name: String,
    pub document: String,
    pub permissions: Vec<TickView>,
    pub is_long_term: bool,
    pub valid_to: String,
    pub today: String,
    /// Everything is right; the risk is to be acknowledged (AC-16).
    pub asks_risk: bool,
    pub notice: Option<Notice>,
}

impl Page for AddHandlerPage {
    const TEMPLATE: &'static str = "account/add_handler.html";
}

#[derive(Debug, Serialize)]
pub struct HandlerPage {
    /// The list in which it stands is the current one.
    pub tabs: Vec<TabView>,
    pub handler: HandlerView,
    /// What was looked at: a save of something else is refused.
    pub version: i64,
    /// Which permissions may be ticked, while they are being chosen.
    pub choosing: Option<Vec<TickView>>,
    /// Chosen but not yet saved (AC-30).
    pub chosen: Option<Vec<TickView>>,
    pub is_long_term: bool,
    pub valid_to: String,
    pub today: String,
    /// The act that is to be asked about once more.
    pub asks: Option<&'static str>,
    pub done: Option<String>,
    pub notice: Option<Notice>,
}

impl Page for HandlerPage {
    const TEMPLATE: &'static str = "account/handler.html";
}

#[derive(Debug, Serialize)]
pub struct HistoryPage {
    /// Where the forms go.
    pub action: String,
    pub tabs: Vec<TabView>,
    pub reasons: Vec<TabView>,
    pub reason: String,
    pub identity_types: Vec<OptionView>,
    pub identity_type: String,
    pub name: String,
    /// The enterprise's view can be searched; a person's own is short.
    pub has_filters: bool,
    pub entries: Vec<HandlerView>,
    /// Seconds since 1970: what ended later is not cleared.
    pub until: i64,
    /// Whether to clear what is shown, with how many that are.
    pub asks_clear: Option<String>,
    pub done: Option<String>,
    pub previous: Option<String>,
    pub next: Option<String>,
}

impl Page for HistoryPage {
    const TEMPLATE: &'static str = "account/history.html";
}

/// What waits for the person, and what they hold (AU-04 to AU-15).
#[derive(Debug, Serialize)]
pub struct AuthorisationsPage {
    pub tabs: Vec<TabView>,
    pub action: String,
    /// One of them waits for the person.
    pub confirms_several: bool,
    pub is_national: bool,
    pub number: String,
    pub name: String,
    pub identity_types: Vec<OptionView>,
    pub rows: Vec<HandlerView>,
    pub done: Option<String>,
    pub notice: Option<Notice>,
}

impl Page for AuthorisationsPage {
    const TEMPLATE: &'static str = "account/authorisations.html";
}

/// What is about to be confirmed or ended, once more before it happens.
#[derive(Debug, Serialize)]
pub struct ReviewPage {
    pub rows: Vec<HandlerView>,
    /// The id of each, and how it stands here: what has changed since is not agreed to.
    pub shown: BTreeMap<String, String>,
    /// `confirm` or `delete`.
    pub act: &'static str,
    pub notice: Option<Notice>,
}

impl Page for ReviewPage {
    const TEMPLATE: &'static str = "account/review.html";
}

#[derive(Debug, Serialize)]
pub struct OutcomeView {
    pub enterprise: String,
    pub identity_type: String,
    pub is_done: bool,
    pub text: String,
    pub code: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct OutcomesPage {
    pub outcomes: Vec<OutcomeView>,
}

impl Page for OutcomesPage {
    const TEMPLATE: &'static str = "account/outcomes.html";
}

#[derive(Debug, Serialize)]
pub struct ApplyPage {
    pub tabs: Vec<TabView>,
    pub number: String,
    pub identity_types: Vec<OptionView>,
    pub identity_type: String,
    /// Masked, for a look before the request.
    pub enterprise: Option<String>,
    pub notice: Option<Notice>,
}

impl Page for ApplyPage {
    const TEMPLATE: &'static str = "account/apply.html";
}

/// An enterprise to switch to: at once where there is one identity, by its types where there are
/// several (AC-49).
#[derive(Debug, Serialize)]
pub struct SwitchChoice {
    pub name: String,
    pub number: String,
    pub identities: Vec<IdentityView>,
}

#[derive(Debug, Serialize)]
pub struct SwitchPage {
    pub choices: Vec<SwitchChoice>,
    /// One of them was picked: the types are chosen from.
    pub asks_type: bool,
    pub text: String,
    /// How many client enterprises are shown of more.
    pub cut: Option<String>,
    pub offers_records: bool,
    pub offers_personal: bool,
    pub notice: Option<Notice>,
}

impl Page for SwitchPage {
    const TEMPLATE: &'static str = "account/switch.html";
}

#[derive(Debug, Serialize)]
pub struct RecordRow {
    pub id: String,
    pub no: String,
    pub project: String,
    pub enterprise: String,
    pub place: String,
    pub valid_to: Option<String>,
    pub is_current: bool,
}

/// Cross-region work: filters that depend on each other (AC-53, AC-54).
#[derive(Debug, Serialize)]
pub struct SwitchRecordsPage {
    pub tabs: Vec<TabView>,
    pub kind: &'static str,
    pub provinces: Vec<OptionView>,
    pub cities: Vec<OptionView>,
    pub districts: Vec<OptionView>,
    pub authorities: Vec<OptionView>,
    pub no: String,
    pub asks_number: bool,
    /// How many are shown of more.
    pub cut: Option<String>,
    pub records: Vec<RecordRow>,
    pub notice: Option<Notice>,
}

impl Page for SwitchRecordsPage {
    const TEMPLATE: &'static str = "account/switch_records.html";
}

#[derive(Debug, Serialize)]
pub struct LogRow {
    pub at: String,
    pub person: String,
    pub way: String,
    pub entrance: String,
    pub enterprise: String,
    pub identity: String,
    pub address: String,
    pub device: String,
    pub outcome: String,
    pub is_ok: bool,
}

#[derive(Debug, Serialize)]
pub struct LogPage {
    pub tabs: Vec<TabView>,
    pub is_enterprise: bool,
    pub from: String,
    pub to: String,
    pub ways: Vec<OptionView>,
    pub outcomes: Vec<OptionView>,
    pub rows: Vec<LogRow>,
    pub csv: String,
    pub previous: Option<String>,
    pub next: Option<String>,
    pub notice: Option<Notice>,
}

impl Page for LogPage {
    const TEMPLATE: &'static str = "account/log.html";
}

/// Agencies of an enterprise, or clients and staff of an agency.
#[derive(Debug, Serialize)]
pub struct EngagementView {
    pub name: String,
    pub number: String,
    /// Since when, until when, and whether it still is; empty where that is of each below.
    pub term: String,
    /// Who, and what they may do.
    pub staff: Vec<StaffView>,
}

#[derive(Debug, Serialize)]
pub struct StaffView {
    pub name: String,
    pub term: String,
    pub permissions: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct EngagementsPage {
    pub title: String,
    pub text: String,
    pub tabs: Vec<TabView>,
    pub engagements: Vec<EngagementView>,
    pub are_more: bool,
}

impl Page for EngagementsPage {
    const TEMPLATE: &'static str = "account/engagements.html";
}

#[derive(Debug, Serialize)]
pub struct MessageView {
    pub text: String,
    pub at: String,
    pub is_read: bool,
}

#[derive(Debug, Serialize)]
pub struct MessagesPage {
    pub has_unread: bool,
    pub messages: Vec<MessageView>,
}

impl Page for MessagesPage {
    const TEMPLATE: &'static str = "account/messages.html";
}
