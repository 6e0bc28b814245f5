//! The message centre: what the other side of an authorisation did. Looking at it reads it.

use crate::domain::function::Function;
use crate::domain::identity_type::IdentityTypeName;
use crate::domain::notice::Notice;
use crate::flows::centre::known;
use crate::flows::centre::messages::read;
use crate::views::account::{MessageView, MessagesPage};
use crate::web::account::visit::Visit;
use crate::web::answer::{Answer, Failure};
use crate::web::page::view::type_name;
use crate::web::request::Request;

pub async fn get(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::OwnSecurity).await?;
    let mut messages = Vec::new();
    for notice in read(&visit.request.ctx, visit.session.person).await? {
        messages.push(view(&visit, &notice).await?);
    }
    visit.page(None, &MessagesPage { messages }).await
}

async fn view(visit: &Visit, notice: &Notice) -> Result<MessageView, Failure> {
    let ctx = &visit.request.ctx;
    let enterprise = known::enterprise(ctx, notice.enterprise).await?;
    let what = type_name(&visit.request, &IdentityTypeName(notice.identity_type.clone()));
    let whom = match notice.about == visit.session.person {
        true => visit.request.text("notice-you"),
        false => known::masked_name(ctx, notice.about).await?,
    };
    let enterprise = enterprise.map(|enterprise| enterprise.name).unwrap_or_default();
    let subject = format!("{enterprise} · {whom} · {what}");
    Ok(MessageView {
        text: visit.request.text_with(&format!("notice-{}", notice.kind.name()), &subject),
        at: notice.at.for_people(),
        is_read: notice.is_read,
    })
}
