//! The landing page, and the eye (AC-04 to AC-11, G-09).

use crate::domain::acting::ActingIdentity;
use crate::domain::function::Function;
use crate::domain::profile::Block;
use crate::flows::Stop;
use crate::flows::centre::fields::{Field, fields, identities_here, reveal as reveal_field};
use crate::flows::centre::known;
use crate::views::account::{BlockView, FieldView, HomePage};
use crate::views::sign_in::SignedInPage;
use crate::web::account::eye::Opened;
use crate::web::account::visit::Visit;
use crate::web::answer::{Answer, see_other};
use crate::web::form::Form;
use crate::web::page::view::{self, authority};
use crate::web::request::Request;

pub async fn get(request: Request) -> Answer {
    // A person's centre begins with the person.
    let is_personal = request
        .session()
        .await?
        .is_some_and(|session| session.acting == crate::domain::acting::Acting::Personal);
    if is_personal {
        return Ok(see_other(&format!("{}/account/person", request.base())));
    }
    let visit = Visit::enter(request, Function::EnterpriseBasics).await?;
    show(&visit, &Opened::default()).await
}

/// One field in full, beside those that were opened before; another page hides them again.
pub async fn reveal(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, Function::Reveal).await?;
    let key = form.get("field").unwrap_or_default();
    let person = visit.session.person;
    match Stop::refusal(reveal_field(&visit.request.ctx, &visit.identity, person, key).await)? {
        Ok(field) => {
            let opened = Opened::of(&visit.request, EYES, &form).with(&field.key);
            show(&visit, &opened).await
        }
        Err(refusal) => visit.refused(&refusal),
    }
}

/// The page whose eyes these are.
const EYES: &str = "enterprise";

async fn show(visit: &Visit, opened: &Opened) -> Answer {
    let (request, ctx) = (&visit.request, &visit.request.ctx);
    let all = fields(ctx, &visit.identity).await?;
    let mut blocks = Vec::new();
    for (block, title) in [
        (Block::Basics, "block-basics"),
        (Block::KeyPersons, "block-key-persons"),
        (Block::Tax, "block-tax"),
        (Block::Investors, "block-investors"),
    ] {
        let of_block = all.iter().filter(|field| field.block == block);
        let view = |field: &Field| {
            let is_open = opened.holds(&field.key);
            FieldView {
                key: field.key.clone(),
                label: match field.label.starts_with("field-") {
                    true => request.text(&field.label),
                    false => field.label.clone(),
                },
                value: match (field.key.as_str(), is_open) {
                    ("tax_authority", _) => authority(request, &field.full),
                    (_, true) => field.full.clone(),
                    (_, false) => field.masked.clone(),
                },
                is_masked: !is_open && field.masked != field.full,
            }
        };
        let fields: Vec<FieldView> = of_block.map(view).collect();
        if !fields.is_empty() {
            blocks.push(BlockView { title: request.text(title), fields });
        }
    }
    let person = known::person(ctx, visit.session.person).await?;
    let here = identities_here(ctx, visit.session.person, &visit.identity).await?;
    let page = HomePage {
        blocks,
        is_verified: person.is_some_and(|person| person.real_name_level >= 3),
        has_personal: visit.may(Function::PersonalInformation),
        identities: view::identities(request, &here, Some(visit.session.acting)),
        current: match &visit.identity {
            ActingIdentity::Enterprise(one) => view::type_name(request, &one.identity_type.name),
            _ => request.text("acting-agent"),
        },
        opened: opened.views(request, EYES),
        notice: None,
    };
    visit.page(None, &page).await
}

/// Where a sign-in ends that no application had begun: from here, too, lead both ways into the
/// centre (AC-01).
pub async fn signed_in(request: Request) -> Answer {
    if request.session().await?.is_none() {
        return Ok(see_other(&format!("{}/login", request.base())));
    }
    let visit = Visit::signed_in(request).await?;
    let portal = visit.request.ctx.realm.portals.first().cloned();
    visit.page(None, &SignedInPage { portal }).await
}
