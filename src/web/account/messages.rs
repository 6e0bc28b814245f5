//! The message centre: what the other side of an authorisation did. The page's form, which its
//! script sends by itself, reads them.

use crate::domain::function::Function;
use crate::domain::identity_type::IdentityTypeName;
use crate::domain::notice::{Notice, Relation};
use crate::flows::centre::known;
use crate::flows::centre::messages::{list, read_all};
use crate::views::account::{MessageView, MessagesPage};
use crate::web::account::visit::Visit;
use crate::web::answer::{Answer, Failure};
use crate::web::form::Form;
use crate::web::page::view::type_name;
use crate::web::request::Request;

pub async fn get(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::OwnSecurity).await?;
    let mut messages = Vec::new();
    for notice in list(&visit.request.ctx, visit.session.person).await? {
        messages.push(view(&visit, &notice).await?);
    }
    let has_unread = messages.iter().any(|message: &MessageView| !message.is_read);
    visit.page(None, &MessagesPage { has_unread, messages }).await
}

pub async fn post(form: Form) -> Answer {
    let (visit, _form) = Visit::enter_with(form, Function::OwnSecurity).await?;
    read_all(&visit.request.ctx, visit.session.person).await?;
    visit.go("/account/messages")
}

async fn view(visit: &Visit, notice: &Notice) -> Result<MessageView, Failure> {
    let key = format!("notice-{}", notice.kind.name());
    let text = match &notice.relation {
        Some(relation) => {
            let subject = subject(visit, relation).await?;
            visit.request.text_with(&key, &subject)
        }
        // What the bureau did names whom to ask.
        None => visit.request.text_with(&key, &visit.request.help_desk()),
    };
    Ok(MessageView { text, at: notice.at.for_people(), is_read: notice.is_read })
}

/// Enterprise, person and identity type.
async fn subject(visit: &Visit, relation: &Relation) -> Result<String, Failure> {
    let ctx = &visit.request.ctx;
    let enterprise = known::enterprise(ctx, relation.enterprise).await?;
    let what = type_name(&visit.request, &IdentityTypeName(relation.identity_type.clone()));
    let whom = match relation.holder == visit.session.person {
        true => visit.request.text("notice-you"),
        false => known::masked_holder(ctx, relation).await?,
    };
    let enterprise = enterprise.map(|enterprise| enterprise.name).unwrap_or_default();
    Ok(format!("{enterprise} · {whom} · {what}"))
}
