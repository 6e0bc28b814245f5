//! One struct a page. Values are ready to show: masked, in the reader's language.

use serde::Serialize;

use crate::views::Page;
use crate::views::scan::ScanView;

pub use super::notice::Notice;

#[derive(Debug, Serialize)]
pub struct Tab {
    pub id: String,
    pub title: String,
    pub href: String,
    pub is_current: bool,
    /// Shown, and closed to this person.
    pub is_closed: bool,
}

#[derive(Debug, Serialize)]
pub struct LoginPage {
    pub transaction: String,
    pub tabs: Vec<Tab>,
    /// Other sign-ins, below the form.
    pub others: Vec<Tab>,
    pub entrance: String,
    /// The apps whose codes can be shown.
    pub scan_apps: Vec<String>,
    pub scan: Option<ScanView>,
    pub asks_enterprise_number: bool,
    /// A non-resident identity code and nothing else.
    pub asks_code: bool,
    /// Where whoever has none applies for one.
    pub to_code: Option<Tab>,
    pub asks_email: bool,
    /// The kinds of specific entity to choose from; empty at other doors.
    pub record_kinds: Vec<&'static str>,
    pub record_kind: String,
    pub slider_id: Option<String>,
    pub passkey: Option<PasskeyQuestion>,
    /// A unit that pays social insurance may give its own number (I-02).
    pub asks_unit: bool,
    /// How far the slider was drawn, where its proof is not used up.
    pub slider: String,
    pub enterprise_number: String,
    pub personal_id: String,
    /// Whoever has set no password signs in with an initial one.
    pub has_initial: bool,
    /// The door of people as themselves, where they register and recover a phone.
    pub is_own: bool,
    /// Why it is shown to somebody who did not expect it.
    pub tells: Option<String>,
    pub wrong: WrongFields,
    pub notice: Option<Notice>,
}

/// A passkey in place of the password, at doors that take one; `challenge`: the server's half, sealed.
#[derive(Clone, Debug, Serialize)]
pub struct PasskeyQuestion {
    /// What the browser asks the device, as JSON.
    pub options: String,
    pub challenge: String,
}

/// What is said at each field of the sign-in form that is empty or malformed (E-02).
#[derive(Clone, Debug, Default, Serialize)]
pub struct WrongFields {
    /// Whose field the page begins at.
    pub first: &'static str,
    pub record_kind: Option<String>,
    pub enterprise_number: Option<String>,
    pub personal_id: Option<String>,
    pub password: Option<String>,
}

impl Page for LoginPage {
    const TEMPLATE: &'static str = "page/login.html";
}

/// All is proved; what it leads to is done by a form.
#[derive(Debug, Serialize)]
pub struct GoOnPage {
    pub transaction: String,
}

impl Page for GoOnPage {
    const TEMPLATE: &'static str = "page/go_on.html";
}

#[derive(Debug, Serialize)]
pub struct NewPasswordPage {
    pub transaction: String,
    pub min_length: usize,
    pub max_length: usize,
    /// The realm's own rule in words.
    pub rule: String,
    /// The bureau has taken the one that was set; otherwise the initial one still stands.
    pub is_expired: bool,
    pub notice: Option<Notice>,
}

impl Page for NewPasswordPage {
    const TEMPLATE: &'static str = "page/new_password.html";
}

#[derive(Debug, Serialize)]
pub struct AgreementView {
    pub id: String,
    pub title: String,
    pub version: String,
    pub paragraphs: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct AgreementsPage {
    pub transaction: String,
    pub agreements: Vec<AgreementView>,
    pub notice: Option<Notice>,
}

impl Page for AgreementsPage {
    const TEMPLATE: &'static str = "page/agreements.html";
}

#[derive(Debug, Serialize)]
pub struct IdentityView {
    pub id: String,
    pub enterprise: String,
    pub number: String,
    pub identity_type: String,
    pub permissions: Vec<String>,
    /// Where it has still to be confirmed.
    pub valid_from: Option<String>,
    pub valid_to: Option<String>,
    pub invited_by: Option<String>,
    /// Of an agency's staff: the client comes first, the type says which agency.
    pub is_client: bool,
    pub is_current: bool,
    /// The enterprise is 非正常.
    pub is_abnormal: bool,
}

#[derive(Debug, Serialize)]
pub struct ChooseIdentityPage {
    /// Where the choice is posted.
    pub action: String,
    /// Of the sign-in; empty when a session changes its identity.
    pub transaction: String,
    pub request: String,
    pub identities: Vec<IdentityView>,
    /// Where a search goes, when there are many.
    pub search: Option<SearchView>,
    /// The person themself is a choice, too.
    pub offers_personal: bool,
    pub notice: Option<Notice>,
}

impl Page for ChooseIdentityPage {
    const TEMPLATE: &'static str = "page/choose_identity.html";
}

/// A search over more choices than anybody reads.
#[derive(Debug, Serialize)]
pub struct SearchView {
    pub action: String,
    /// What the address carries besides.
    pub hidden: Vec<(String, String)>,
    pub text: String,
    /// Not all that fits is shown.
    pub is_cut: bool,
}

#[derive(Debug, Serialize)]
pub struct ChooseClientPage {
    pub transaction: String,
    /// What was searched for.
    pub text: String,
    pub clients: Vec<IdentityView>,
    pub previous: Option<String>,
    pub next: Option<String>,
    /// For whoever finds nothing: where to begin once more, and the words for it.
    pub anew: (String, String),
    pub notice: Option<Notice>,
}

impl Page for ChooseClientPage {
    const TEMPLATE: &'static str = "page/choose_client.html";
}

#[derive(Debug, Serialize)]
pub struct RecordView {
    pub id: String,
    pub no: String,
    pub project: String,
    pub tax_authority: String,
    pub valid_to: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct LinkView {
    pub href: String,
    pub title: String,
}

/// The bureaus of a host.
#[derive(Debug, Serialize)]
pub struct RealmsPage {
    pub realms: Vec<LinkView>,
}

impl Page for RealmsPage {
    const TEMPLATE: &'static str = "page/realms.html";
}

#[derive(Debug, Serialize)]
pub struct ChooseRecordPage {
    pub transaction: String,
    pub enterprise: String,
    pub kind: &'static str,
    /// What was searched for.
    pub no: String,
    pub records: Vec<RecordView>,
    /// How many are shown of more.
    pub cut: Option<String>,
    /// For whoever finds nothing: where to begin once more, and the words for it.
    pub anew: (String, String),
    /// Where a first record is opened (S-09).
    pub links: Vec<LinkView>,
    pub notice: Option<Notice>,
}

impl Page for ChooseRecordPage {
    const TEMPLATE: &'static str = "page/choose_record.html";
}

#[derive(Debug, Serialize)]
pub struct ConfirmPendingPage {
    pub transaction: String,
    pub pending: Vec<IdentityView>,
    pub notice: Option<Notice>,
}

impl Page for ConfirmPendingPage {
    const TEMPLATE: &'static str = "page/confirm_pending.html";
}

#[derive(Debug, Serialize)]
pub struct ConsentPage {
    pub client: String,
    /// Keys of the texts that say what each scope gives.
    pub scopes: Vec<String>,
    /// Names of the APIs that it would use in the person's name.
    pub apis: Vec<String>,
    pub request: String,
}

impl Page for ConsentPage {
    const TEMPLATE: &'static str = "page/consent.html";
}

/// Signed in for something else than the application that waits.
#[derive(Debug, Serialize)]
pub struct LeavePage {
    pub client: String,
    pub request: String,
}

impl Page for LeavePage {
    const TEMPLATE: &'static str = "page/leave.html";
}

#[derive(Debug, Default, Serialize)]
pub struct AuthenticatorPage {
    /// An entrance of this realm takes its codes.
    pub is_taken: bool,
    /// To scan, while the enrolment is not confirmed.
    pub svg: Option<String>,
    pub typed: String,
    pub is_confirmed: bool,
    pub recovery_codes_left: u64,
    /// Shown once, right after the confirmation.
    pub recovery_codes: Vec<String>,
    pub notice: Option<Notice>,
}

impl Page for AuthenticatorPage {
    const TEMPLATE: &'static str = "page/authenticator.html";
}

#[derive(Debug, Serialize)]
pub struct DeviceView {
    pub id: String,
    pub device: String,
    pub entrance: String,
    pub since: String,
    pub until: String,
}

#[derive(Debug, Serialize)]
pub struct DevicesPage {
    pub devices: Vec<DeviceView>,
    pub done: Option<String>,
    pub notice: Option<Notice>,
}

impl Page for DevicesPage {
    const TEMPLATE: &'static str = "page/devices.html";
}

#[derive(Debug, Serialize)]
pub struct PasskeyView {
    pub id: String,
    pub name: String,
    pub since: String,
    pub used: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct PasskeysPage {
    pub passkeys: Vec<PasskeyView>,
    /// What the browser asks the device to make, as JSON; `None`: there are enough.
    pub options: Option<String>,
    /// Browser and system, as a name for the new one.
    pub suggested: String,
    pub done: Option<String>,
    pub notice: Option<Notice>,
}

impl Page for PasskeysPage {
    const TEMPLATE: &'static str = "page/passkeys.html";
}

/// On the way to an application that asks for a higher level than the person has reached.
#[derive(Debug, Serialize)]
pub struct RaisePage {
    pub client: String,
    pub level: u8,
    pub wanted: String,
    /// The next step, by its name in `locales/`.
    pub next: Option<&'static str>,
    /// Whether the session opens where documents are renewed.
    pub may_renew: bool,
    pub request: String,
    pub notice: Option<Notice>,
}

impl Page for RaisePage {
    const TEMPLATE: &'static str = "page/raise.html";
}

/// Too many at once: a page that asks again by itself.
#[derive(Debug, Serialize)]
pub struct WaitingPage {
    pub busy: Notice,
}

impl Page for WaitingPage {
    const TEMPLATE: &'static str = "page/waiting.html";
}

/// An error, a farewell, a way to start again.
#[derive(Debug, Serialize)]
pub struct MessagePage {
    pub title: String,
    pub text: String,
    pub code: Option<String>,
    /// (address, words)
    pub link: Option<(String, String)>,
}

impl Page for MessagePage {
    const TEMPLATE: &'static str = "page/message.html";
}

#[derive(Debug, Serialize)]
pub struct LogoutPage {
    /// What of the application's request could not be taken.
    pub tells: Vec<String>,
    pub request: String,
}

impl Page for LogoutPage {
    const TEMPLATE: &'static str = "page/logout.html";
}

/// Signed out, with applications told in frames.
#[derive(Debug, Serialize)]
pub struct FrontChannelPage {
    pub frames: Vec<String>,
    pub next: Option<String>,
}

impl Page for FrontChannelPage {
    const TEMPLATE: &'static str = "page/front_channel.html";
}

#[derive(Debug, Serialize)]
pub struct FormPostPage {
    pub action: String,
    pub fields: Vec<(String, String)>,
}

impl Page for FormPostPage {
    const TEMPLATE: &'static str = "page/form_post.html";
}
