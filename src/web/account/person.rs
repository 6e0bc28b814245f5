//! 【个人基本信息】: one's own data, masked and read-only, how complete it is, and the ways to what
//! can be changed (AC-41 to AC-43).

use crate::domain::function::Function;
use crate::domain::mask::{self, Viewer};
use crate::domain::number::address::PostalAddress;
use crate::domain::number::country::by_alpha;
use crate::domain::number::email::EmailAddress;
use crate::domain::refusal::Refusal;
use crate::flows::centre::fields::revealed;
use crate::flows::centre::own::{self, OwnData};
use crate::flows::sign_in::factor::{passkey, totp};
use crate::views::account::{BlockView, FieldView};
use crate::views::personal::{CompletenessView, PersonPage};
use crate::web::account::eye::Opened;
use crate::web::account::paths::{MAINTAIN, PERSON as PATH, PHONES};
use crate::web::account::personal::tabs;
use crate::web::account::visit::Visit;
use crate::web::answer::Answer;
use crate::web::form::Form;
use crate::web::request::Request;

pub async fn get(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::PersonalInformation).await?;
    show(&visit, &Opened::default()).await
}

/// One's own field in full, logged, beside those that were opened before; another page hides them again. `E_ROLE` where there is none.
pub async fn reveal(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, Function::PersonalInformation).await?;
    let request = &visit.request;
    let Some(own) = own::find(&request.ctx, &visit.session).await? else {
        return request.forbidden();
    };
    let key = form.get("field").unwrap_or_default();
    let mut fields = basics(request, &own).into_iter().chain(documents(request, &own));
    if !fields.any(|one| one.key == key && one.masked != one.full) {
        return visit.refused(&Refusal::Role);
    }
    revealed(&request.ctx, visit.session.person, None, key).await?;
    show(&visit, &Opened::of(request, EYES, &form).with(key)).await
}

/// One line of the page.
struct Field {
    key: String,
    /// A key of `locales/`.
    label: &'static str,
    masked: String,
    full: String,
}

/// Named by what it is and where it stands.
fn add(fields: &mut Vec<Field>, label: &'static str, masked: String, full: &str) {
    let key = format!("{label}-{}", fields.len());
    fields.push(Field { key, label, masked, full: full.to_owned() });
}

fn basics(request: &Request, own: &OwnData) -> Vec<Field> {
    let mut fields = Vec::new();
    let name = own.person.name.as_str();
    add(&mut fields, "person-name", mask::name(name), name);
    if let Some(sex) = &own.person.sex {
        let sex = request.text(&format!("person-sex-{sex}"));
        add(&mut fields, "person-sex", sex.clone(), &sex);
    }
    let code = own.person.nationality.as_str();
    let country = by_alpha(code).map_or(code, |known| known.name(request.language() == "en"));
    add(&mut fields, "person-nationality", country.to_owned(), country);
    if let Some(username) = own.account.as_ref().and_then(|account| account.username.as_ref()) {
        add(&mut fields, "person-username", username.as_str().to_owned(), username.as_str());
    }
    for binding in &own.phones {
        let national = binding.phone.national();
        add(&mut fields, "field-phone", mask::phone(national, Viewer::Own), national);
    }
    if let Some(email) = own.person.email.as_ref().map(EmailAddress::as_str) {
        add(&mut fields, "person-email", mask::email(email, Viewer::Own), email);
    }
    if let Some(address) = own.address.as_ref().map(PostalAddress::as_str) {
        add(&mut fields, "person-address", mask::address(address), address);
    }
    fields
}

fn documents(request: &Request, own: &OwnData) -> Vec<Field> {
    let mut fields = Vec::new();
    for document in &own.documents {
        let kind = format!("document-{}", document.kind.name().replace('_', "-"));
        let kind = request.text(&kind);
        add(&mut fields, "document-type", kind.clone(), &kind);
        let number = &document.number;
        add(&mut fields, "field-document", mask::document(number, Viewer::Own), number);
        if let Some(end) = document.valid_to {
            let end = end.to_string();
            add(&mut fields, "person-document-end", end.clone(), &end);
        }
    }
    fields
}

/// The page whose eyes these are.
const EYES: &str = "person";

async fn show(visit: &Visit, opened: &Opened) -> Answer {
    let (request, session) = (&visit.request, &visit.session);
    let Some(own) = own::find(&request.ctx, session).await? else { return request.forbidden() };
    let view = |one: Field| {
        let is_open = opened.holds(&one.key);
        FieldView {
            label: request.text(one.label),
            is_masked: !is_open && one.masked != one.full,
            value: if is_open { one.full } else { one.masked },
            key: one.key,
        }
    };
    let block = |title: &str, fields: Vec<Field>| BlockView {
        title: request.text(title),
        fields: fields.into_iter().map(view).collect(),
    };
    let done = |key: &str, path: &str, is_done: bool| CompletenessView {
        title: request.text(key),
        is_done,
        href: visit.path(path),
    };
    let page = PersonPage {
        tabs: tabs(visit, PATH),
        blocks: vec![
            block("block-basics", basics(request, &own)),
            block("block-documents", documents(request, &own)),
        ],
        completeness: vec![
            done("field-phone", &format!("{PHONES}#phone"), !own.phones.is_empty()),
            done("person-email", &format!("{MAINTAIN}#email"), own.person.email.is_some()),
            done("person-address", &format!("{MAINTAIN}#address"), own.address.is_some()),
        ],
        opened: opened.views(request, EYES),
        level: own.person.real_name_level,
        is_verified: own.person.real_name_level >= 3,
        has_authenticators: totp::is_taken(&request.ctx)
            || totp::is_enrolled(&request.ctx, visit.session.account).await?,
        has_passkeys: passkey::are_taken(&request.ctx),
    };
    visit.page(None, &page).await
}
