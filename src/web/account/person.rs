//! 【个人基本信息】: one's own data, masked and read-only, how complete it is, and the ways to what
//! can be changed (AC-41 to AC-43).

use crate::domain::function::Function;
use crate::domain::mask::{self, Viewer};
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

/// One's own field in full, logged; the next page hides it again.
pub async fn reveal(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, Function::PersonalInformation).await?;
    let key = form.get("field").unwrap_or_default();
    revealed(&visit.request.ctx, visit.session.person, None, key).await?;
    show(&visit, Some(key)).await
}

async fn show(visit: &Visit, open: Option<&str>) -> Answer {
    let (request, session) = (&visit.request, &visit.session);
    let Some(own) = own::find(&request.ctx, session).await? else { return request.forbidden() };
    let OwnData { person, account, documents, phones, address } = own;
    let mut fields = Vec::new();
    let mut add = |label: &str, (masked, full): (String, &str)| {
        let key = format!("{label}-{}", fields.len());
        let is_open = open == Some(key.as_str());
        fields.push(FieldView {
            label: request.text(label),
            is_masked: !is_open && masked != full,
            value: if is_open { full.to_owned() } else { masked },
            key,
        });
    };
    add("person-name", (mask::name(person.name.as_str()), person.name.as_str()));
    for document in documents {
        let kind = format!("document-{}", document.kind.name().replace('_', "-"));
        add("document-type", (request.text(&kind), &request.text(&kind)));
        let masked = mask::document(&document.number, Viewer::Own);
        add("field-document", (masked, &document.number));
    }
    if let Some(username) = account.and_then(|account| account.username) {
        add("person-username", (username.as_str().to_owned(), username.as_str()));
    }
    for binding in &phones {
        let national = binding.phone.national();
        add("field-phone", (mask::phone(national, Viewer::Own), national));
    }
    if let Some(email) = &person.email {
        let email = email.as_str();
        add("person-email", (mask::email(email, Viewer::Own), email));
    }
    if let Some(address) = &address {
        let address = address.as_str();
        add("person-address", (mask::address(address), address));
    }
    let done = |key: &str, section: &str, is_done: bool| CompletenessView {
        title: request.text(key),
        is_done,
        href: visit.path(&format!("{MAINTAIN}#{section}")),
    };
    let page = PersonPage {
        completeness: vec![
            done("field-phone", "phone", !phones.is_empty()),
            done("person-email", "email", person.email.is_some()),
            done("person-address", "address", address.is_some()),
        ],
        fields,
        level: person.real_name_level,
        is_verified: person.real_name_level >= 3,
        has_authenticators: totp::is_taken(&request.ctx)
            || totp::is_enrolled(&request.ctx, visit.session.account).await?,
        has_passkeys: passkey::are_taken(&request.ctx),
    };
    visit.page(None, &page).await
}
