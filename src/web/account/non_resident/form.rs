//! The collection form: a new application, or the one that is in the applicant's hand.

use crate::base::id::ApplicationId;
use crate::domain::non_resident::{Declared, Typed};
use crate::domain::number::country;
use crate::domain::number::home_number::HomeNumberKind;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::non_resident::{Mine, save};
use crate::oidc::params::Params;
use crate::views::account::OptionView;
use crate::views::non_resident::NonResidentFormPage;
use crate::web::account::non_resident::{FUNCTION, applications, done, view};
use crate::web::account::paths::NON_RESIDENT;
use crate::web::account::visit::Visit;
use crate::web::answer::Answer;
use crate::web::form::Form;
use crate::web::request::Request;

pub async fn get(request: Request) -> Answer {
    let visit = Visit::enter(request, FUNCTION).await?;
    let all = applications(&visit).await?;
    match all.iter().find(|one| one.application.is_open()) {
        // It is with the bureau, and cannot be changed there.
        Some(open) if !open.application.is_in_hand() => visit.go(NON_RESIDENT),
        Some(open) => {
            let (id, typed) = (open.application.id.to_string(), open.application.form.typed());
            show(&visit, &all, &id, &typed, None).await
        }
        None => {
            let typed = Typed {
                number_kind: HomeNumberKind::Tax.name().to_owned(),
                declared: Declared::PersonInCharge.name().to_owned(),
                ..Typed::default()
            };
            show(&visit, &all, "", &typed, None).await
        }
    }
}

pub async fn post(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, FUNCTION).await?;
    let (typed, application) = (typed(&form), form.get("application").unwrap_or_default());
    let saved = async {
        let id = match application {
            "" => None,
            id => Some(id.parse::<ApplicationId>().map_err(|_| Refusal::State)?),
        };
        save(&visit.request.ctx, &visit.session, id, &typed).await
    };
    match Stop::refusal(saved.await)? {
        Ok(_) => Ok(done(&visit, "saved")),
        Err(refusal) => {
            let all = applications(&visit).await?;
            show(&visit, &all, application, &typed, Some(&refusal)).await
        }
    }
}

fn typed(form: &Params) -> Typed {
    let text = |name: &str| form.get(name).unwrap_or_default().to_owned();
    Typed {
        name_zh: text("name_zh"),
        name_foreign: text("name_foreign"),
        residence: text("residence"),
        number_kind: text("number_kind"),
        home_number: text("home_number"),
        address: text("address_abroad"),
        contact_name: text("contact_name"),
        contact_email: text("contact_email"),
        contact_phone: text("contact_phone"),
        declared: text("declared"),
        former_code: text("former_code"),
    }
}

async fn show(
    visit: &Visit,
    all: &[Mine],
    id: &str,
    typed: &Typed,
    refusal: Option<&Refusal>,
) -> Answer {
    let request = &visit.request;
    let own = all.iter().find(|one| one.application.id.to_string() == id);
    let is_number_fixed = own.is_some_and(|one| one.application.first_submitted_at.is_some());
    let notice = refusal.map(|refusal| match refusal {
        Refusal::Immutable => request.notice_as(refusal, "nr-number-fixed"),
        refusal => request.notice(refusal),
    });
    let page = NonResidentFormPage {
        application: id.to_owned(),
        name_zh: typed.name_zh.clone(),
        name_foreign: typed.name_foreign.clone(),
        residences: residences(request, &typed.residence),
        number_kinds: HomeNumberKind::ALL
            .map(|kind| {
                let key = format!("nr-number-{}", kind.name());
                option(request, kind.name(), &key, &typed.number_kind)
            })
            .into(),
        home_number: typed.home_number.clone(),
        is_number_fixed,
        address: typed.address.clone(),
        contact_name: typed.contact_name.clone(),
        contact_email: typed.contact_email.clone(),
        contact_phone: typed.contact_phone.clone(),
        declared: Declared::ALL
            .map(|one| {
                option(request, one.name(), &view::declared_key(one.name()), &typed.declared)
            })
            .into(),
        former_code: typed.former_code.clone(),
        notice,
    };
    visit.page(refusal, &page).await
}

fn option(request: &Request, value: &str, key: &str, chosen: &str) -> OptionView {
    OptionView { value: value.to_owned(), title: request.text(key), is_chosen: value == chosen }
}

fn residences(request: &Request, chosen: &str) -> Vec<OptionView> {
    let option = |known: country::Country| OptionView {
        value: known.alpha.to_owned(),
        title: view::country(request, known),
        is_chosen: known.alpha == chosen,
    };
    let mut all: Vec<OptionView> = country::residences().map(option).collect();
    if request.language() == "en" {
        all.sort_by(|one, other| one.title.cmp(&other.title));
    }
    all
}
