//! What an auditor asks about: one event per act, chained (`audit_chain`), and the sign-in log of a
//! person (E-24).

mod marks;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::id::{
    AccountId, ApplicationId, AuthorisationId, EnterpriseId, GrantId, OfficerId, PersonId,
    SessionId,
};

pub use marks::{Marks, acting};

/// An act that leaves a trace for ever. Holds ids, never numbers, names or phones.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum AuditEvent {
    PasswordSet {
        account: AccountId,
        person: PersonId,
    },
    AccountLocked {
        account: AccountId,
        until: Timestamp,
    },
    /// Somebody of the bureau looked at a person, or helped them (`domain::help`): `act` is what, `by` and
    /// `reason` are who and why in their own words. Nobody was found: a look at no person.
    HelpGiven {
        person: Option<PersonId>,
        account: Option<AccountId>,
        act: String,
        by: String,
        reason: String,
    },
    /// For the code of a non-resident enterprise; `act` is what the applicant did.
    NonResidentApplied {
        person: PersonId,
        application: ApplicationId,
        act: String,
    },
    /// An officer looked at an application or decided it: `by` and `reason` in their own words.
    NonResidentReviewed {
        person: PersonId,
        application: ApplicationId,
        act: String,
        by: String,
        reason: String,
    },
    /// Who is an officer, and with which roles (`domain::officer`): `act` in a few words.
    OfficerChanged {
        officer: OfficerId,
        act: String,
        by: String,
        reason: String,
    },
    OfficerEntered {
        officer: OfficerId,
        by: String,
    },
    /// With a passkey that is theirs.
    OfficerRefused {
        officer: OfficerId,
        by: String,
        /// Of the refusal.
        code: String,
    },
    OfficerLeft {
        officer: OfficerId,
        by: String,
    },
    /// An officer looked at something at the console or did something there that has no event of its own, or
    /// why they did what has one: `about` is an id.
    OfficerActed {
        by: String,
        act: String,
        reason: String,
        person: Option<PersonId>,
        enterprise: Option<EnterpriseId>,
        about: Option<String>,
    },
    AgreementAccepted {
        account: AccountId,
        document: String,
        version: String,
    },
    AgreementDeclined {
        account: AccountId,
    },
    /// `person`: who holds it.
    AuthorisationChanged {
        authorisation: AuthorisationId,
        person: PersonId,
        enterprise: EnterpriseId,
        event: String,
        side: String,
        by: Option<PersonId>,
    },
    /// Somebody who added a handler typed another name than that of the number's person, who has an account;
    /// `by`: the manager, nobody where an officer did.
    HandlerNameRefused {
        person: PersonId,
        enterprise: EnterpriseId,
        by: Option<PersonId>,
    },
    HistoryCleared {
        by: PersonId,
        enterprise: Option<EnterpriseId>,
        count: u64,
    },
    IdentitySwitched {
        person: PersonId,
        from: String,
        to: String,
    },
    FieldRevealed {
        person: PersonId,
        enterprise: Option<EnterpriseId>,
        field: String,
    },
    /// By a system of the bureau: `by` is its client id. Of an enterprise or of a person; of neither: nobody was
    /// found.
    HistoryRead {
        by: String,
        enterprise: Option<EnterpriseId>,
        person: Option<PersonId>,
    },
    AccountOpened {
        account: AccountId,
        person: PersonId,
    },
    /// With everything that had led to it; what is known of the person stays (PC-23).
    AccountCancelled {
        account: AccountId,
        person: PersonId,
    },
    PhoneBound {
        account: AccountId,
    },
    /// Somebody else has proved that the number is theirs.
    PhoneTaken {
        account: AccountId,
        by: AccountId,
    },
    PhoneRemoved {
        account: AccountId,
    },
    DefaultPhoneSet {
        account: AccountId,
    },
    UsernameChanged {
        account: AccountId,
    },
    EmailChanged {
        person: PersonId,
    },
    AddressChanged {
        person: PersonId,
    },
    NameChanged {
        person: PersonId,
    },
    /// An enterprise's certificate was good; who of its handlers comes is chosen next.
    CertificateAccepted {
        enterprise: EnterpriseId,
        authority: String,
    },
    /// By the key agent, as the page tells: the server never sees a PIN (AC-45).
    CertificatePinChanged {
        person: PersonId,
        enterprise: EnterpriseId,
    },
    /// In place of an older one of its kind, if there was one.
    DocumentHeld {
        person: PersonId,
        kind: String,
    },
    /// Until when it is good has changed.
    DocumentDated {
        person: PersonId,
        kind: String,
    },
    DocumentVoid {
        person: PersonId,
        kind: String,
    },
    /// The authority has taken back that it is.
    DocumentVoidOver {
        person: PersonId,
        kind: String,
    },
    /// Signed out: a new password or a new phone, proved by this factor. `what`: the way's name in the
    /// sign-in log.
    Recovered {
        person: PersonId,
        what: String,
        factor: String,
    },
    RecoveryFailed {
        person: PersonId,
        what: String,
        factor: String,
        /// Of the refusal.
        code: String,
    },
    /// A phone waits to be bound (DEC-23).
    PhoneAwaited {
        account: AccountId,
    },
    /// It was stopped, a newer one took its place, or the account's sign-ins were ended or the account itself
    /// meanwhile.
    AwaitedPhoneDropped {
        account: AccountId,
    },
    AuthenticatorAdded {
        account: AccountId,
    },
    AuthenticatorRemoved {
        account: AccountId,
    },
    /// New ones, and the old ones are worth nothing.
    RecoveryCodesRenewed {
        account: AccountId,
    },
    PasskeyAdded {
        account: AccountId,
    },
    PasskeyRemoved {
        account: AccountId,
    },
    /// With the session that begins, or the step within one.
    SecondFactorPassed {
        account: AccountId,
        session: SessionId,
        factor: String,
    },
    SecondFactorFailed {
        account: AccountId,
        factor: String,
        /// Of the refusal.
        code: String,
    },
    SessionEnded {
        session: SessionId,
        person: PersonId,
        reason: String,
    },
    /// An application gave back what it held; `token`: its `jti`, where it was an access token.
    TokenRevoked {
        client: String,
        grant: Option<GrantId>,
        token: Option<String>,
    },
    RealNameRaised {
        person: PersonId,
        level: u8,
        how: String,
    },
    RealNameLowered {
        person: PersonId,
        level: u8,
        why: String,
    },
    DeviceRemembered {
        account: AccountId,
    },
    DeviceForgotten {
        account: AccountId,
    },
    ConsentGiven {
        person: PersonId,
        client: String,
        scope: String,
    },
    ConsentWithdrawn {
        person: PersonId,
        client: String,
    },
    /// Somebody took a copy of what is kept of them.
    DataDownloaded {
        person: PersonId,
    },
    RefreshTokenReused {
        grant: String,
        client: String,
    },
    CodeReused {
        grant: String,
        client: String,
    },
    /// What seals values at rest, or may open them: `act` is what, `by` and `reason` are who and why.
    SecretsChanged {
        act: String,
        by: String,
        reason: String,
    },
    KeyRotated {
        kid: String,
        algorithm: String,
    },
    KeyRetired {
        kid: String,
        algorithm: String,
    },
    RealmApplied {
        hash: String,
        generation: i64,
    },
    FixturesLoaded {
        persons: usize,
    },
    /// What a hall has collected of a person, in place of what it had of the same document.
    HallRecordKept {
        record: Uuid,
        kind: String,
    },
    /// Somebody who registers has a code from the phone or address that they named; nobody is made yet.
    RegistrationBegun {
        way: String,
    },
    /// They did not agree to what comes before the face check: nothing else is kept of it.
    RegistrationDeclined {
        way: String,
    },
    /// `by`: `face`, or `hall` where the hall's record spared it.
    Registered {
        account: AccountId,
        person: PersonId,
        by: String,
    },
    FeedImported {
        by: String,
        applied: u64,
        failed: u64,
    },
}

/// The names of all of them, for whoever looks for one.
pub const ACTIONS: [&str; 66] = [
    "password_set",
    "account_locked",
    "help_given",
    "non_resident_applied",
    "non_resident_reviewed",
    "officer_changed",
    "officer_entered",
    "officer_refused",
    "officer_left",
    "officer_acted",
    "agreement_accepted",
    "agreement_declined",
    "authorisation_changed",
    "handler_name_refused",
    "history_cleared",
    "identity_switched",
    "field_revealed",
    "history_read",
    "account_opened",
    "account_cancelled",
    "phone_bound",
    "phone_taken",
    "phone_removed",
    "default_phone_set",
    "username_changed",
    "email_changed",
    "address_changed",
    "name_changed",
    "certificate_accepted",
    "certificate_pin_changed",
    "document_held",
    "document_dated",
    "document_void",
    "document_void_over",
    "recovered",
    "recovery_failed",
    "phone_awaited",
    "awaited_phone_dropped",
    "authenticator_added",
    "authenticator_removed",
    "recovery_codes_renewed",
    "passkey_added",
    "passkey_removed",
    "second_factor_passed",
    "second_factor_failed",
    "session_ended",
    "token_revoked",
    "real_name_raised",
    "real_name_lowered",
    "device_remembered",
    "device_forgotten",
    "consent_given",
    "consent_withdrawn",
    "data_downloaded",
    "refresh_token_reused",
    "code_reused",
    "secrets_changed",
    "key_rotated",
    "key_retired",
    "realm_applied",
    "fixtures_loaded",
    "hall_record_kept",
    "registration_begun",
    "registration_declined",
    "registered",
    "feed_imported",
];

/// One attempt to sign in, good or bad.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoginAttempt {
    pub at: Timestamp,
    pub person: Option<PersonId>,
    /// `password`, later `scan`, `certificate`, …
    pub way: &'static str,
    pub entrance: String,
    pub enterprise: Option<EnterpriseId>,
    pub identity_type: Option<String>,
    /// `ok` or a refusal code.
    pub outcome: String,
    pub ip: IpAddr,
    /// Browser and system in a few words.
    pub device: String,
    /// By which second factor, where one was passed.
    pub second: Option<&'static str>,
}
