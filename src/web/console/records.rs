//! Real-name records that the hall collects: found by the document, collected, corrected as a new
//! version; the portrait for itself, each look at it with its reason.

use axum::extract::Path;
use axum::http::HeaderValue;

use crate::base::clock::Day;
use crate::base::id::RecordVersionId;
use crate::domain::collection::{Portrait, TypedRecord, shown_end};
use crate::domain::number::country::{Country, all};
use crate::domain::number::document::DocumentType;
use crate::domain::number::resident::Sex;
use crate::domain::officer::Duty;
use crate::domain::person::DocumentEnd;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::hall::{Collected, Version, find, keep, look_at, portrait};
use crate::oidc::params::Params;
use crate::views::account::OptionView;
use crate::views::review::{RecordFormPage, RecordPage, RecordsPage, VersionView};
use crate::web::account::non_resident::view::country;
use crate::web::answer::{Answer, Failure};
use crate::web::console::applications::as_it_came;
use crate::web::console::enterprises::document_types;
use crate::web::console::on_duty::OnDuty;
use crate::web::console::paths::RECORDS;
use crate::web::form::Form;
use crate::web::request::Request;
use crate::web::sent_file::{Content, Sent};

pub async fn get(request: Request) -> Answer {
    let on_duty = OnDuty::enter(request, Duty::HallRecords).await?;
    let kind = DocumentType::ResidentIdCard.name();
    show_search(&on_duty, (kind, ""), false, None)
}

fn show_search(
    on_duty: &OnDuty,
    (kind, number): (&str, &str),
    is_none: bool,
    refusal: Option<&Refusal>,
) -> Answer {
    let request = &on_duty.request;
    let page = RecordsPage {
        document_types: document_types(request, kind),
        document_type: kind.to_owned(),
        document: number.to_owned(),
        is_none,
        reason: on_duty.matter.clone().unwrap_or_default(),
        notice: refusal.map(|refusal| request.notice(refusal)),
    };
    on_duty.page(refusal, &page)
}

/// What there is, or that nothing is and it can be collected.
pub async fn post(form: Form) -> Answer {
    let (mut on_duty, form) = OnDuty::enter_with(form, Duty::HallRecords).await?;
    let text = |name| form.get(name).unwrap_or_default();
    let typed = (text("document_type"), text("document"));
    let found = async {
        let helper = on_duty.because(&form).await?;
        find(&on_duty.request.ctx, &helper, typed).await
    };
    match Stop::refusal(found.await)? {
        Ok(found) => match found.first() {
            Some(newest) => on_duty.go(&format!("{RECORDS}/{}", newest.id)),
            None => show_search(&on_duty, typed, true, None),
        },
        Err(refusal) => show_search(&on_duty, typed, false, Some(&refusal)),
    }
}

fn id(text: &str) -> Result<RecordVersionId, Refusal> {
    text.parse().map_err(|_| Refusal::State)
}

async fn versions(on_duty: &OnDuty, text: &str) -> Result<Vec<Version>, Failure> {
    let helper = on_duty.helper()?;
    let found = async { look_at(&on_duty.request.ctx, &helper, id(text)?).await };
    on_duty.or_refused(found.await)
}

pub async fn get_one(request: Request, Path((_, id)): Path<(String, String)>) -> Answer {
    let on_duty = OnDuty::enter(request, Duty::HallRecords).await?;
    let found = versions(&on_duty, &id).await?;
    let request = &on_duty.request;
    let params = request.query().unwrap_or_default();
    let current = found.iter().find(|one| one.is_current);
    let page = RecordPage {
        correct: current.map(|one| on_duty.path(&format!("{RECORDS}/{}/correct", one.id))),
        versions: found.iter().map(|one| view(&on_duty, one)).collect(),
        done: (params.get("done") == Some("kept")).then(|| request.text("records-done-kept")),
    };
    on_duty.page(None, &page)
}

fn view(on_duty: &OnDuty, one: &Version) -> VersionView {
    let (request, record) = (&on_duty.request, &one.record);
    let kind = format!("document-{}", record.number.kind.name().replace('_', "-"));
    VersionView {
        id: one.id.to_string(),
        is_current: one.is_current,
        name: record.name.as_str().to_owned(),
        document: format!("{} {}", request.text(&kind), record.number.as_str()),
        sex: record.sex.map(|sex| request.text(&format!("person-sex-{}", sex.name()))),
        nationality: record.nationality.clone(),
        ends: match record.document_ends {
            Some(DocumentEnd::On(day)) => day.to_string(),
            Some(DocumentEnd::Never) => request.text("long-term"),
            None => request.text("records-end-unknown"),
        },
        phone: record.phone.as_ref().map(ToString::to_string),
        is_by_sight: record.verified_by_sight,
        has_portrait: record.portrait.is_some(),
        portrait: one.portrait_id.map(|_| on_duty.path(&format!("{RECORDS}/{}/portrait", one.id))),
        collected: format!("{} · {}", record.collected_on, record.collected_by),
    }
}

/// An empty form, for the document that was looked for.
pub async fn get_new(request: Request) -> Answer {
    let on_duty = OnDuty::enter(request, Duty::HallRecords).await?;
    let typed = TypedRecord {
        document_type: DocumentType::ResidentIdCard.name(),
        ..TypedRecord::default()
    };
    show_form(&on_duty, typed, ("", false), None)
}

/// The same with what stands there now.
pub async fn get_correct(request: Request, Path((_, id)): Path<(String, String)>) -> Answer {
    let on_duty = OnDuty::enter(request, Duty::HallRecords).await?;
    let found = versions(&on_duty, &id).await?;
    let Some(current) = found.iter().find(|one| one.is_current) else {
        return on_duty.refused(&Refusal::State);
    };
    let record = &current.record;
    let phone = record.phone.as_ref().map(ToString::to_string).unwrap_or_default();
    let ends = shown_end(record.document_ends);
    let typed = TypedRecord {
        name: record.name.as_str(),
        document_type: record.number.kind.name(),
        document: record.number.as_str(),
        sex: record.sex.map(Sex::name).unwrap_or_default(),
        nationality: &record.nationality,
        valid_to: &ends,
        phone: &phone,
        is_by_sight: record.verified_by_sight,
    };
    let seen = current.id.to_string();
    show_form(&on_duty, typed, (&seen, record.portrait.is_some()), None)
}

fn show_form(
    on_duty: &OnDuty,
    typed: TypedRecord<'_>,
    (seen, has_portrait): (&str, bool),
    refusal: Option<&Refusal>,
) -> Answer {
    let request = &on_duty.request;
    let option = |known: Country| OptionView {
        value: known.alpha.to_owned(),
        title: country(request, known),
        is_chosen: known.alpha == typed.nationality,
    };
    let sex = |name: &'static str| OptionView {
        value: name.to_owned(),
        title: request.text(&format!("person-sex-{name}")),
        is_chosen: name == typed.sex,
    };
    let today = request.ctx.now().day();
    // What was over when it was collected may stay.
    let stood = Day::parse(typed.valid_to).filter(|day| *day < today && !seen.is_empty());
    let page = RecordFormPage {
        seen: seen.to_owned(),
        name: typed.name.to_owned(),
        document_types: document_types(request, typed.document_type),
        document: typed.document.to_owned(),
        sexes: ["male", "female"].map(sex).into(),
        nationalities: all().map(option).collect(),
        valid_to: typed.valid_to.to_owned(),
        earliest_end: stood.unwrap_or(today).to_string(),
        phone: typed.phone.to_owned(),
        is_by_sight: typed.is_by_sight,
        has_portrait,
        reason: on_duty.matter.clone().unwrap_or_default(),
        notice: refusal.map(|refusal| match refusal {
            Refusal::State => request.notice_as(refusal, "records-changed"),
            refusal => request.notice(refusal),
        }),
    };
    on_duty.page(refusal, &page)
}

fn typed(form: &Params) -> TypedRecord<'_> {
    let text = |name| form.get(name).unwrap_or_default();
    TypedRecord {
        name: text("name"),
        document_type: text("document_type"),
        document: text("document"),
        sex: text("sex"),
        nationality: text("nationality"),
        valid_to: text("valid_to"),
        phone: text("phone"),
        is_by_sight: form.get("by_sight") == Some("yes"),
    }
}

/// Nothing of the portrait is read before it is known who sends it.
pub async fn post_new(sent: Sent) -> Answer {
    OnDuty::enter(sent.request.clone(), Duty::HallRecords).await?;
    let (form, file) = sent.read(Portrait::LARGEST).await?;
    let (content, is_too_large): (&[u8], bool) = match &file.content {
        Content::Whole(content) => (content, false),
        Content::TooLarge => (&[], true),
    };
    if is_too_large {
        let on_duty = OnDuty::enter(form.request, Duty::HallRecords).await?;
        let refusal = Refusal::format("portrait_size");
        let seen = form.fields.get("seen").unwrap_or_default();
        return show_form(&on_duty, typed(&form.fields), (seen, false), Some(&refusal));
    }
    let (mut on_duty, form) = OnDuty::enter_with(form, Duty::HallRecords).await?;
    let seen = form.get("seen").unwrap_or_default().to_owned();
    let kept = async {
        let helper = on_duty.because(&form).await?;
        let of = match seen.as_str() {
            "" => None,
            seen => Some(id(seen)?),
        };
        let collected = Collected { typed: typed(&form), seen: of, portrait: content };
        keep(&on_duty.request.ctx, &helper, collected).await
    };
    match Stop::refusal(kept.await)? {
        Ok(id) => on_duty.go(&format!("{RECORDS}/{id}?done=kept")),
        Err(refusal) => {
            let has_portrait = form.get("has_portrait") == Some("yes");
            show_form(&on_duty, typed(&form), (&seen, has_portrait), Some(&refusal))
        }
    }
}

/// A browser shows it by itself and runs nothing in it.
pub async fn get_portrait(request: Request, Path((_, of)): Path<(String, String)>) -> Answer {
    let on_duty = OnDuty::enter(request, Duty::HallRecords).await?;
    let helper = on_duty.helper()?;
    let found = async { portrait(&on_duty.request.ctx, &helper, id(&of)?).await };
    let (portrait, content) = on_duty.or_refused(found.await)?;
    let inline = HeaderValue::from_static("inline");
    Ok(as_it_came(portrait.kind.media_type(), inline, content))
}
