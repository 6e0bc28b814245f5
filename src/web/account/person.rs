//! 【个人基本信息】: one's own data, masked and read-only, how complete it is, and the ways to what
//! can be changed (AC-41 to AC-43).

use crate::domain::function::Function;
use crate::domain::mask::{self, Viewer};
use crate::domain::number::address::PostalAddress;
use crate::domain::number::email::EmailAddress;
use crate::domain::refusal::Refusal;
use crate::flows::centre::fields::revealed;
use crate::flows::centre::own::{self, OwnData};
use crate::flows::sign_in::factor::{passkey, totp};
use crate::views::account::{CompletenessView, FieldView, PersonPage};
use crate::web::account::maintain::PATH as MAINTAIN;
use crate::web::account::visit::Visit;
use crate::web::answer::Answer;
use crate::web::form::Form;
use crate::web::request::Request;

pub async fn get(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::PersonalInformation).await?;
    show(&visit, None).await
}

/// One's own field in full, logged; the next page hides it again. `E_ROLE` where there is none.
pub async fn reveal(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, Function::PersonalInformation).await?;
    let request = &visit.request;
    let Some(own) = own::find(&request.ctx, &visit.session).await? else {
        return request.forbidden();
    };
    let key = form.get("field").unwrap_or_default();
    if !fields(request, &own).iter().any(|one| one.key == key && one.masked != one.full) {
        return visit.refused(&Refusal::Role);
    }
    revealed(&request.ctx, visit.session.person, None, key).await?;
    show(&visit, Some(key)).await
}

/// One line of the page.
struct Field {
    key: String,
    /// A key of `locales/`.
    label: &'static str,
    masked: String,
    full: String,
}

fn fields(request: &Request, own: &OwnData) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut add = |label: &'static str, masked: String, full: &str| {
        let key = format!("{label}-{}", fields.len());
        fields.push(Field { key, label, masked, full: full.to_owned() });
    };
    let name = own.person.name.as_str();
    add("person-name", mask::name(name), name);
    for document in &own.documents {
        let kind = format!("document-{}", document.kind.name().replace('_', "-"));
        let kind = request.text(&kind);
        add("document-type", kind.clone(), &kind);
        let number = &document.number;
        add("field-document", mask::document(number, Viewer::Own), number);
    }
    if let Some(username) = own.account.as_ref().and_then(|account| account.username.as_ref()) {
        add("person-username", username.as_str().to_owned(), username.as_str());
    }
    for binding in &own.phones {
        let national = binding.phone.national();
        add("field-phone", mask::phone(national, Viewer::Own), national);
    }
    if let Some(email) = own.person.email.as_ref().map(EmailAddress::as_str) {
        add("person-email", mask::email(email, Viewer::Own), email);
    }
    if let Some(address) = own.address.as_ref().map(PostalAddress::as_str) {
        add("person-address", mask::address(address), address);
    }
    fields
}

async fn show(visit: &Visit, open: Option<&str>) -> Answer {
    let (request, session) = (&visit.request, &visit.session);
    let Some(own) = own::find(&request.ctx, session).await? else { return request.forbidden() };
    let view = |one: Field| {
        let is_open = open == Some(one.key.as_str());
        FieldView {
            label: request.text(one.label),
            is_masked: !is_open && one.masked != one.full,
            value: if is_open { one.full } else { one.masked },
            key: one.key,
        }
    };
    let done = |key: &str, section: &str, is_done: bool| CompletenessView {
        title: request.text(key),
        is_done,
        href: visit.path(&format!("{MAINTAIN}#{section}")),
    };
    let page = PersonPage {
        fields: fields(request, &own).into_iter().map(view).collect(),
        completeness: vec![
            done("field-phone", "phone", !own.phones.is_empty()),
            done("person-email", "email", own.person.email.is_some()),
            done("person-address", "address", own.address.is_some()),
        ],
        level: own.person.real_name_level,
        is_verified: own.person.real_name_level >= 3,
        has_authenticators: totp::is_taken(&request.ctx)
            || totp::is_enrolled(&request.ctx, visit.session.account).await?,
        has_passkeys: passkey::are_taken(&request.ctx),
        may_cancel: visit.role.may(Function::CancelAccount),
    };
    visit.page(None, &page).await
}
