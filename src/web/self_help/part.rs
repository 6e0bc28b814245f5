//! What the pages of several journeys have in common: documents to choose from, what is said at a
//! field, codes to scan, the way back to the sign-in.

use axum::Json;
use axum::response::IntoResponse;
use serde_json::Value;

use crate::domain::factor::ScanApp;
use crate::domain::number::document::DocumentType;
use crate::domain::refusal::Refusal;
use crate::flows::sign_in::scan::code::{Current, find_shown};
use crate::flows::{Ctx, Fault, Stop};
use crate::oidc::params::Params;
use crate::views::account::OptionView;
use crate::views::page::Tab;
use crate::views::scan::ScanView;
use crate::views::self_help::WrongHelp;
use crate::web::answer::{Answer, no_store};
use crate::web::page::scan::{is_over, not_found};
use crate::web::page::scan_view::{Shows, shown};
use crate::web::request::Request;
use crate::web::self_help::Helping;
use crate::web::stream::told_as_it_changes;

/// The ways to prove oneself, by their names in addresses.
pub const APPS: [ScanApp; 2] = [ScanApp::TaxApp, ScanApp::IitApp];

/// A name of a sign-in is no longer.
const LONGEST_NAME: usize = 64;

/// All eleven; the resident card is chosen first.
pub fn document_types(request: &Request, chosen: &str) -> Vec<OptionView> {
    let all = DocumentType::ALL.into_iter();
    all.map(|kind| OptionView {
        value: kind.name().to_owned(),
        title: request.text(&format!("document-{}", kind.name().replace('_', "-"))),
        is_chosen: kind.name() == chosen,
    })
    .collect()
}

/// What is said at the fields.
pub fn wrong(request: &Request, refusal: Option<&Refusal>) -> WrongHelp {
    let at = |field: &'static str| match refusal {
        Some(Refusal::Format { fields }) if fields.contains(&field) => {
            Some(request.text(&Refusal::text_key_of(field)))
        }
        _ => None,
    };
    let told = |is: bool| refusal.filter(|_| is).map(|refusal| request.notice(refusal).text);
    let is_policy = matches!(refusal, Some(Refusal::PasswordPolicy(_)));
    WrongHelp {
        document_type: at("document_type"),
        document: at("document"),
        phone: at("phone"),
        password: at("password"),
        code: at("code").or(told(matches!(refusal, Some(Refusal::Otp | Refusal::OtpExpired)))),
        new: told(is_policy),
        repeated: None,
    }
}

/// The sign-in that somebody came from; nothing that is none.
pub fn from(form: &Params) -> String {
    let from = form.get("from").unwrap_or_default();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let is_one = from.len() <= LONGEST_NAME && from.chars().all(is_name);
    if is_one { from.to_owned() } else { String::new() }
}

/// Back to that sign-in, or to a new one.
pub fn to_sign_in(request: &Request, from: &str) -> String {
    match from {
        "" => format!("{}/login", request.base()),
        from => format!("{}/login/credentials?t={from}", request.base()),
    }
}

/// One way of a page that has several.
pub fn tab(request: &Request, name: &str, page: &str, is_current: bool) -> Tab {
    Tab {
        id: name.to_owned(),
        title: request.text(&format!("way-{}", name.replace('_', "-"))),
        href: format!("{page}&way={name}"),
        is_current,
        is_closed: false,
    }
}

/// A code of this journey; `None`: strangers show more codes than there is room for. `page`: where it
/// is shown, `action`: where its form goes.
pub fn scan_view(
    helping: &Helping,
    app: ScanApp,
    made: Result<Current, Stop>,
    (page, action): (&str, &str),
) -> Result<Option<ScanView>, Stop> {
    let current = match made {
        Ok(current) => current,
        Err(Stop::Fault(fault)) if fault.is_want_of_room() => return Ok(None),
        Err(stop) => return Err(stop),
    };
    let request = &helping.request;
    let base = request.base();
    let shows = Shows {
        transaction: helping.begun.id.clone(),
        entrance: String::new(),
        again: format!("{page}&way={}", app.name()),
        asks: format!("{base}/help/scan"),
        action: action.to_owned(),
    };
    Ok(Some(shown(request, app, current, shows)))
}

/// How a code stands, for the browser that shows it; `None` for every other.
async fn told(ctx: &Ctx, key: &str, params: &Params) -> Result<Option<Value>, Fault> {
    let text = |name| params.get(name).unwrap_or_default();
    let found = find_shown(ctx, key, text("q"), text("v")).await?;
    let told = found.map(|scan| serde_json::to_value(scan.told(ctx.now())));
    told.transpose().map_err(|error| Fault::Internal(error.to_string()))
}

pub async fn state(helping: Helping) -> Answer {
    let Helping { request, form, begun, .. } = helping;
    Ok(match told(&request.ctx, begun.key(), &form).await? {
        Some(told) => no_store(Json(told).into_response()),
        None => not_found(),
    })
}

/// The same as it changes, until the code is over.
pub async fn events(helping: Helping) -> Answer {
    let Helping { request, form, begun, .. } = helping;
    if told(&request.ctx, begun.key(), &form).await?.is_none() {
        return Ok(not_found());
    }
    let ctx = request.ctx.clone();
    let ask = move || {
        let (ctx, begun, form) = (ctx.clone(), begun.clone(), form.clone());
        async move { told(&ctx, begun.key(), &form).await.ok().flatten() }
    };
    Ok(told_as_it_changes(&request, ask, is_over))
}
