//! From applications to what their page shows, in the reader's language.

use crate::domain::non_resident::{Application, LARGEST, MOST, State, Upload};
use crate::domain::number::country::Country;
use crate::domain::refusal::Refusal;
use crate::flows::non_resident::Mine;
use crate::views::non_resident::{ApplicationView, FileView, NonResidentPage};
use crate::web::request::Request;

pub struct Shown<'r> {
    pub done: Option<String>,
    pub asks_to_withdraw: bool,
    pub refusal: Option<&'r Refusal>,
}

pub fn page(request: &Request, all: &[Mine], shown: Shown<'_>) -> NonResidentPage {
    let (open, closed): (Vec<&Mine>, Vec<&Mine>) =
        all.iter().partition(|one| one.application.is_open());
    let current = open.first().map(|one| application(request, one));
    let has_code = closed.iter().any(|one| matches!(one.application.state, State::Approved { .. }));
    let step = match &current {
        Some(one) if one.state == "submitted" => 3,
        None if has_code => 4,
        _ => 2,
    };
    NonResidentPage {
        step,
        current,
        earlier: closed.iter().map(|one| application(request, one)).collect(),
        largest_file: megabytes(LARGEST),
        most_files: MOST.to_string(),
        asks_to_withdraw: shown.asks_to_withdraw,
        done: shown.done,
        notice: shown.refusal.map(|refusal| request.notice(refusal)),
    }
}

fn application(request: &Request, one: &Mine) -> ApplicationView {
    let Mine { application, files } = one;
    let (form, state) = (&application.form, &application.state);
    let reason = match state {
        State::Returned { decision } | State::Rejected { decision } => Some(&decision.reason),
        _ => None,
    };
    let code = match state {
        State::Approved { code, .. } => Some(code.as_str().to_owned()),
        _ => None,
    };
    let phone = form.contact_phone.as_ref().map(|phone| format!(", {phone}")).unwrap_or_default();
    let kind = request.text(&format!("nr-number-{}", form.number_kind.name()));
    let declared = match state {
        State::Approved { identity, .. } => *identity,
        _ => form.declared,
    };
    ApplicationView {
        id: application.id.to_string(),
        state: state.name(),
        state_title: request.text(&format!("nr-state-{}", state.name())),
        since: since(application),
        name_zh: form.name_zh.as_str().to_owned(),
        name_foreign: form.name_foreign.as_str().to_owned(),
        residence: form.country().map(|known| country(request, known)).unwrap_or_default(),
        home_number: format!("{} ({kind})", form.home_number.as_str()),
        address: form.address.as_str().to_owned(),
        contact: format!("{}, {}{phone}", form.contact_name.as_str(), form.contact_email.as_str()),
        declared: request.text(&declared_key(declared.name())),
        former_code: form.former_code.as_ref().map(|code| code.as_str().to_owned()),
        files: files.iter().map(|one| file(request, one)).collect(),
        has_room: files.len() < MOST,
        reason: reason.cloned(),
        code,
    }
}

pub fn declared_key(name: &str) -> String {
    format!("nr-declared-{}", name.replace('_', "-"))
}

pub fn country(request: &Request, known: Country) -> String {
    match request.language() {
        "en" => known.en.to_owned(),
        _ => known.zh.to_owned(),
    }
}

fn since(application: &Application) -> String {
    application.updated_at.for_people()
}

fn file(request: &Request, one: &Upload) -> FileView {
    FileView { id: one.id.to_string(), name: one.name.clone(), about: file_about(request, one) }
}

/// Kind and size in words.
pub fn file_about(request: &Request, one: &Upload) -> String {
    let size = match one.size {
        small if small < 1024 * 1024 => format!("{} KB", small.div_ceil(1024)),
        large => format!("{} MB", megabytes(large)),
    };
    format!("{}, {size}", request.text(&format!("nr-file-{}", one.kind.name())))
}

/// With one digit behind the point, and none where it is nothing.
fn megabytes(bytes: usize) -> String {
    let tenths = (bytes * 10).div_ceil(1024 * 1024);
    match tenths % 10 {
        0 => (tenths / 10).to_string(),
        rest => format!("{}.{rest}", tenths / 10),
    }
}
