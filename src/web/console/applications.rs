//! Review of applications for a non-resident enterprise's identity code (N-08 to N-11): what waits, one of them
//! with its files and what it looks like, and the decision. Files are never shown by us, only handed out.

use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::base::clock::Timestamp;
use crate::base::id::{ApplicationId, UploadId};
use crate::domain::non_resident::{Declared, Seen, State, Upload};
use crate::domain::officer::Duty;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::non_resident::{
    Alike, Case, Waiting, approve, file, look, reject, return_for_correction, waiting,
};
use crate::oidc::params::Params;
use crate::views::account::OptionView;
use crate::views::review::{
    AlikeView, ApplicationPage, ApplicationsPage, CaseFileView, WaitingView,
};
use crate::web::account::non_resident::view::{country, declared_key, file_about};
use crate::web::answer::{Answer, Failure};
use crate::web::console::on_duty::OnDuty;
use crate::web::console::paths::APPLICATIONS;
use crate::web::form::Form;
use crate::web::request::Request;

const DONE: [&str; 4] = ["approved", "first", "rejected", "returned"];

pub async fn get(request: Request) -> Answer {
    let on_duty = OnDuty::enter(request, Duty::Review).await?;
    let request = &on_duty.request;
    let all = waiting(&request.ctx).await?;
    let params = request.query().unwrap_or_default();
    let done = params.get("done").filter(|done| DONE.contains(done));
    let page = ApplicationsPage {
        waiting: all.iter().map(|one| waiting_view(&on_duty, one)).collect(),
        done: done.map(|done| request.text(&format!("review-done-{done}"))),
    };
    on_duty.page(None, &page)
}

fn waiting_view(on_duty: &OnDuty, one: &Waiting) -> WaitingView {
    let (request, form) = (&on_duty.request, &one.application.form);
    WaitingView {
        href: on_duty.path(&format!("{APPLICATIONS}/{}", one.application.id)),
        name_zh: form.name_zh.as_str().to_owned(),
        name_foreign: form.name_foreign.as_str().to_owned(),
        residence: form.country().map(|known| country(request, known)).unwrap_or_default(),
        since: one.since.for_people(),
        due: one.due_at.for_people(),
        is_late: one.is_late,
        is_flagged: one.is_flagged,
        is_half: matches!(one.application.state, State::Submitted { first: Some(_), .. }),
    }
}

fn id(text: &str) -> Result<ApplicationId, Refusal> {
    text.parse().map_err(|_| Refusal::State)
}

pub async fn get_one(request: Request, Path((_, id)): Path<(String, String)>) -> Answer {
    let on_duty = OnDuty::enter(request, Duty::Review).await?;
    show(&on_duty, &id, None).await
}

async fn show(on_duty: &OnDuty, text: &str, refusal: Option<&Refusal>) -> Answer {
    let (helper, request) = (on_duty.helper()?, &on_duty.request);
    let found = async { look(&request.ctx, &helper, id(text)?).await };
    let case = on_duty.or_refused(found.await)?;
    let notice = refusal.map(|refusal| match refusal {
        Refusal::Role => request.notice_as(refusal, "review-not-yours"),
        refusal => request.notice(refusal),
    });
    let page = page(on_duty, &case);
    // Decided meanwhile: there is no form to lead to.
    let notice = notice.map(|said| if page.is_open { said } else { said.at_fields([]) });
    on_duty.page(refusal, &ApplicationPage { notice, ..page })
}

fn page(on_duty: &OnDuty, case: &Case) -> ApplicationPage {
    let request = &on_duty.request;
    let Case { application, applicant, files, alike } = case;
    let (form, state) = (&application.form, &application.state);
    let first = match state {
        State::Submitted { first, .. } | State::Approved { first, .. } => first.as_ref(),
        _ => None,
    };
    let document = |(kind, number): &(crate::domain::number::document::DocumentType, String)| {
        let kind = format!("document-{}", kind.name().replace('_', "-"));
        format!("{} {number}", request.text(&kind))
    };
    let phone = form.contact_phone.as_ref().map(|phone| format!(", {phone}")).unwrap_or_default();
    let kind = request.text(&format!("nr-number-{}", form.number_kind.name()));
    let option = |one: Declared| OptionView {
        value: one.name().to_owned(),
        title: request.text(&declared_key(one.name())),
        // The first person is in charge, unless the officer says otherwise (N-09).
        is_chosen: one == Declared::PersonInCharge,
    };
    ApplicationPage {
        id: application.id.to_string(),
        version: application.version,
        state: state.name(),
        state_title: request.text(&format!("nr-state-{}", state.name())),
        due: application.due_at().map(Timestamp::for_people),
        name_zh: form.name_zh.as_str().to_owned(),
        name_foreign: form.name_foreign.as_str().to_owned(),
        residence: form.country().map(|known| country(request, known)).unwrap_or_default(),
        home_number: format!("{} ({kind})", form.home_number.as_str()),
        address: form.address.as_str().to_owned(),
        contact: format!("{}, {}{phone}", form.contact_name.as_str(), form.contact_email.as_str()),
        former_code: form.former_code.as_ref().map(|code| code.as_str().to_owned()),
        applicant: applicant.name.clone(),
        nationality: applicant.nationality.clone(),
        level: applicant.real_name_level.to_string(),
        documents: applicant.documents.iter().map(document).collect(),
        email: applicant.email.clone(),
        files: files.iter().map(|one| file_view(on_duty, application.id, one)).collect(),
        alike: alike.iter().map(|one| alike_view(on_duty, one)).collect(),
        first: first
            .map(|first| format!("{} · {} · {}", first.by, first.at.for_people(), first.reason)),
        code: match state {
            State::Approved { code, .. } => Some(code.as_str().to_owned()),
            _ => None,
        },
        declared_as: request.text(&declared_key(form.declared.name())),
        declared: Declared::ALL.map(option).into(),
        is_open: matches!(state, State::Submitted { .. }),
        reason: on_duty.matter.clone().unwrap_or_default(),
        notice: None,
    }
}

fn file_view(on_duty: &OnDuty, id: ApplicationId, one: &Upload) -> CaseFileView {
    CaseFileView {
        href: on_duty.path(&format!("{APPLICATIONS}/{id}/files/{}", one.id)),
        name: one.name.clone(),
        about: file_about(&on_duty.request, one),
    }
}

fn alike_view(on_duty: &OnDuty, one: &Alike) -> AlikeView {
    AlikeView {
        what: on_duty
            .request
            .text(&format!("review-alike-{}", one.likeness.name().replace('_', "-"))),
        name: one.name.clone(),
        code: one.code.clone(),
        href: one.application.map(|id| on_duty.path(&format!("{APPLICATIONS}/{id}"))),
    }
}

pub async fn post_one(Path((_, id)): Path<(String, String)>, form: Form) -> Answer {
    let (mut on_duty, form) = OnDuty::enter_with(form, Duty::Review).await?;
    match Stop::refusal(decide(&mut on_duty, &id, &form).await)? {
        Ok(done) => on_duty.go(&format!("{APPLICATIONS}?done={done}")),
        Err(refusal) => show(&on_duty, &id, Some(&refusal)).await,
    }
}

/// The applicant reads the reason where it was returned or rejected.
async fn decide(on_duty: &mut OnDuty, text: &str, form: &Params) -> Result<&'static str, Stop> {
    let helper = on_duty.because(form).await?;
    let (ctx, id) = (&on_duty.request.ctx, id(text)?);
    let version = form.get("version").and_then(|version| version.parse().ok());
    let seen = Seen { id, version: Some(version.ok_or(Refusal::State)?) };
    match form.get("act") {
        Some("approve") => {
            let identity = form.get("declared").and_then(Declared::parse);
            let identity = identity.ok_or_else(|| Refusal::format("declared"))?;
            let code = approve(ctx, &helper, seen, identity).await?;
            Ok(if code.is_some() { "approved" } else { "first" })
        }
        Some("reject") => reject(ctx, &helper, seen).await.map(|()| "rejected"),
        Some("return") => return_for_correction(ctx, &helper, seen).await.map(|()| "returned"),
        _ => Err(Refusal::State.into()),
    }
}

/// As it came, to be kept and opened elsewhere: a browser shows nothing of it under our name.
pub async fn get_file(
    request: Request,
    Path((_, application, upload)): Path<(String, String, String)>,
) -> Answer {
    let on_duty = OnDuty::enter(request, Duty::Review).await?;
    let helper = on_duty.helper()?;
    let found = async {
        let upload: UploadId = upload.parse().map_err(|_| Refusal::State)?;
        file(&on_duty.request.ctx, &helper, id(&application)?, upload).await
    };
    let (upload, content) = on_duty.or_refused(found.await)?;
    handed_out(&upload, content)
}

/// RFC 6266: a name of our own for whoever cannot read the owner's.
fn handed_out(upload: &Upload, content: Vec<u8>) -> Answer {
    let own: String = form_urlencoded::byte_serialize(upload.name.as_bytes()).collect();
    let own = own.replace('+', "%20");
    let kind = upload.kind.name();
    let disposition =
        format!("attachment; filename=\"{}.{kind}\"; filename*=UTF-8''{own}", upload.id);
    let Ok(disposition) = HeaderValue::from_str(&disposition) else {
        return Err(Failure::instead(StatusCode::BAD_REQUEST.into_response()));
    };
    Ok(as_it_came(upload.kind.media_type(), disposition, content))
}

/// Bytes of somebody else, in which nothing may run.
pub fn as_it_came(
    media_type: &'static str,
    disposition: HeaderValue,
    content: Vec<u8>,
) -> Response {
    const SANDBOX: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");
    let headers: [(HeaderName, HeaderValue); 4] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::CONTENT_SECURITY_POLICY, SANDBOX),
    ];
    (StatusCode::OK, headers, content).into_response()
}
