//! What the pages of registration show.

use crate::domain::factor::ScanApp;
use crate::domain::mask::{self, Viewer};
use crate::domain::number::country;
use crate::domain::number::document::DocumentType;
use crate::domain::refusal::Refusal;
use crate::domain::registration::{Contact, Proof, Registration, Typed, Way};
use crate::flows::Stop;
use crate::flows::self_help::register::{
    claim, contact, face_agreements, first_agreements, hall_agreements,
};
use crate::flows::sign_in::scan::claim::show as show_code;
use crate::realm::Agreement;
use crate::views::page::{AgreementView, Notice};
use crate::views::register::{
    Choice, RegisterAgreementsPage, RegisterBeginPage, RegisterContactPage, RegisterFacePage,
    RegisterIdentityPage, Summary, WrongFields,
};
use crate::views::scan::ScanView;
use crate::web::answer::{Answer, Failure, status_of, with_retry_after};
use crate::web::page::view::password_rule;
use crate::web::request::Request;
use crate::web::self_help::Helping;
use crate::web::self_help::part::{APPS, scan_view};
use crate::web::self_help::register::{address, candidate};

fn notice(request: &Request, refusal: Option<&Refusal>) -> Option<Notice> {
    let notice = request.notice(refusal?);
    let own = match refusal? {
        Refusal::Agreement => Some("register-agree-first"),
        Refusal::RealName => Some("register-real-name"),
        Refusal::OfflineOnly => Some("register-offline-only"),
        _ => None,
    };
    let text = own.map_or(notice.text.clone(), |key| request.text(key));
    // The first password is `new` elsewhere, and a phone is one of two contacts here.
    Some(Notice { text, ..notice }.with_field("new", "password").with_field("phone", "contact"))
}

fn agreements<'a>(
    request: &Request,
    asked: impl Iterator<Item = &'a Agreement>,
) -> Vec<AgreementView> {
    let language = request.language();
    let view = |one: &Agreement| AgreementView {
        id: one.id.clone(),
        title: one.title.in_language(language).to_owned(),
        version: one.version.clone(),
        paragraphs: one.text.in_language(language).split("\n\n").map(str::to_owned).collect(),
    };
    asked.map(view).collect()
}

pub fn begin(helping: &Helping, way: Way, refusal: Option<&Refusal>) -> Answer {
    let (request, form) = (&helping.request, &helping.form);
    let other = match way {
        Way::Domestic => Way::Overseas,
        Way::Overseas => Way::Domestic,
    };
    let (transaction, from) = (&helping.begun.id, form.get("from").unwrap_or_default());
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("way", other.name()), ("t", transaction), ("from", from)])
        .finish();
    let page = RegisterBeginPage {
        transaction: transaction.clone(),
        step: 1,
        way: way.name(),
        from: from.to_owned(),
        other: format!("{}/register?{query}", request.base()),
        agreements: agreements(request, first_agreements(&request.ctx)),
        told: agreements(request, hall_agreements(&request.ctx)),
        notice: notice(request, refusal),
    };
    helping.page(status_of(page.notice.as_ref()), &page)
}

/// `typed`: what was just sent; otherwise what was taken before.
pub fn identity(
    helping: &Helping,
    registration: &Registration,
    typed: Option<Typed<'_>>,
    refusal: Option<&Refusal>,
) -> Answer {
    let (request, way) = (&helping.request, registration.way);
    let before = registration.candidate.as_ref().map(|before| Typed {
        name: before.name.as_str(),
        document_type: before.number.kind.name(),
        document: before.number.as_str(),
        sex: before.sex.name(),
        nationality: &before.nationality,
    });
    let filled = typed.or(before).unwrap_or_default();
    let documents = way.documents().iter().map(|kind| Choice {
        id: kind.name().to_owned(),
        title: request.text(&document_key(*kind)),
        is_chosen: kind.name() == filled.document_type,
    });
    let page = RegisterIdentityPage {
        transaction: helping.begun.id.clone(),
        step: 2,
        way: way.name(),
        name: filled.name.to_owned(),
        documents: documents.collect(),
        document: filled.document.to_owned(),
        sex: filled.sex.to_owned(),
        countries: countries(request, way, filled.nationality),
        chooses_nationality: way == Way::Overseas,
        wrong: wrong(request, refusal),
        notice: notice(request, refusal),
    };
    answered(helping, page.notice.as_ref(), &page)
}

fn document_key(kind: DocumentType) -> String {
    format!("document-{}", kind.name().replace('_', "-"))
}

fn countries(request: &Request, way: Way, chosen: &str) -> Vec<Choice> {
    if way == Way::Domestic {
        return Vec::new();
    }
    let is_english = request.language() == "en";
    let mut known: Vec<Choice> = country::all()
        .map(|one| Choice {
            id: one.alpha.to_owned(),
            title: if is_english { one.en.to_owned() } else { one.zh.to_owned() },
            is_chosen: one.alpha == chosen,
        })
        .collect();
    if is_english {
        known.sort_by(|a, b| a.title.cmp(&b.title));
    }
    known
}

fn wrong(request: &Request, refusal: Option<&Refusal>) -> WrongFields {
    let (fields, text): (Vec<&'static str>, Option<String>) = match refusal {
        Some(Refusal::Format { fields }) => (fields.clone(), None),
        Some(one @ Refusal::PasswordPolicy(_)) => {
            (vec!["password"], Some(request.notice(one).text))
        }
        Some(one @ (Refusal::Otp | Refusal::OtpExpired)) => {
            (vec!["code"], Some(request.notice(one).text))
        }
        _ => return WrongFields::default(),
    };
    let said = |names: &[&str]| {
        let name = fields.iter().find(|field| names.contains(field))?;
        Some(text.clone().unwrap_or_else(|| request.text(&Refusal::text_key_of(name))))
    };
    let first = match fields.first().copied().unwrap_or_default() {
        "phone" => "contact",
        first => first,
    };
    WrongFields {
        first,
        name: said(&["name"]),
        document_type: said(&["document_type"]),
        document: said(&["document"]),
        sex: said(&["sex"]),
        nationality: said(&["nationality"]),
        password: said(&["password"]),
        contact: said(&["phone", "contact"]),
        code: said(&["code"]),
    }
}

fn answered<P: crate::views::Page>(helping: &Helping, notice: Option<&Notice>, page: &P) -> Answer {
    let retry_after = notice.and_then(|notice| notice.retry_after);
    Ok(with_retry_after(helping.page(status_of(notice), page)?, retry_after))
}

fn summary(request: &Request, registration: &Registration) -> Result<Summary, Failure> {
    let one = candidate(registration)?;
    let country = country::by_alpha(&one.nationality);
    let nationality = country.map_or("", |found| found.name(request.language() == "en"));
    Ok(Summary {
        name: one.name.as_str().to_owned(),
        document_type: request.text(&document_key(one.number.kind)),
        document: mask::document(one.number.as_str(), Viewer::Own),
        sex: request.text(&format!("register-{}", one.sex.name())),
        nationality: nationality.to_owned(),
    })
}

/// `typed`: where a code was to go that was not sent.
pub async fn contact(
    helping: &Helping,
    registration: &Registration,
    typed: Option<&str>,
    refusal: Option<&Refusal>,
) -> Answer {
    let request = &helping.request;
    let access = registration.access.as_ref();
    let reached = access.map(|access| match &access.contact {
        Contact::Phone(phone) => phone.national().to_owned(),
        Contact::Email(email) => email.as_str().to_owned(),
    });
    let wants_other = typed.is_some() || helping.form.get("change") == Some("yes");
    let is_proved =
        access.is_some_and(|access| access.proved_at.is_some()) && registration.proof.is_some();
    let waits = access.is_some() && contact::is_sent(&request.ctx, &helping.begun).await?;
    let rules = &request.ctx.realm.password;
    let page = RegisterContactPage {
        transaction: helping.begun.id.clone(),
        step: 3,
        summary: summary(request, registration)?,
        is_overseas: registration.way == Way::Overseas,
        contact: typed.map(str::to_owned).or(reached).unwrap_or_default(),
        has_password: access.is_some(),
        min_length: rules.min_length,
        max_length: rules.max_length,
        rule: password_rule(request),
        is_sent: waits && !wants_other,
        is_proved: is_proved && !wants_other,
        minutes: (request.ctx.realm.sms.lifetime / 60).to_string(),
        wrong: wrong(request, refusal),
        notice: notice(request, refusal),
    };
    answered(helping, page.notice.as_ref(), &page)
}

/// Whatever is left: the hall's record, what is agreed to before a face check, or the face.
pub async fn verify(
    helping: &Helping,
    registration: &Registration,
    app: &str,
    refusal: Option<&Refusal>,
) -> Answer {
    let request = &helping.request;
    let ctx = &request.ctx;
    let (asked, is_hall) = match registration.proof {
        Some(Proof::Hall) => (agreements(request, hall_agreements(ctx)), true),
        Some(Proof::Face { has_agreed: false, .. }) => {
            (agreements(request, face_agreements(ctx)), false)
        }
        _ => return face(helping, registration, app, refusal).await,
    };
    let page = RegisterAgreementsPage {
        transaction: helping.begun.id.clone(),
        step: 4,
        summary: summary(request, registration)?,
        agreements: asked,
        is_hall,
        notice: notice(request, refusal),
    };
    answered(helping, page.notice.as_ref(), &page)
}

async fn face(
    helping: &Helping,
    registration: &Registration,
    app: &str,
    refusal: Option<&Refusal>,
) -> Answer {
    let request = &helping.request;
    let page = RegisterFacePage {
        transaction: helping.begun.id.clone(),
        step: 4,
        summary: summary(request, registration)?,
        scan_apps: APPS.map(ScanApp::name).to_vec(),
        scan: code(helping, registration, app).await?,
        notice: notice(request, refusal),
    };
    answered(helping, page.notice.as_ref(), &page)
}

/// The code of the app; left out while strangers fill the room.
async fn code(
    helping: &Helping,
    registration: &Registration,
    app: &str,
) -> Result<Option<ScanView>, Stop> {
    let (request, begun) = (&helping.request, &helping.begun);
    let Some(claim) = claim(registration) else { return Ok(None) };
    let app = ScanApp::parse(app).unwrap_or(ScanApp::TaxApp);
    let made = show_code(&request.ctx, begun.key(), app, claim).await.map_err(Stop::from);
    let page = address(request, "verify", begun);
    let action = format!("{}/register/scan", request.base());
    scan_view(helping, app, made, (&page, &action))
}
