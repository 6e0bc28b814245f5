//! The message centre: what the other side of an authorisation did. Looking at it reads it.

use super::visit::Visit;
use crate::domain::function::Function;
use crate::domain::identity_type::IdentityTypeName;
use crate::domain::mask;
use crate::domain::notice::Notice;
use crate::views::account::{MessageView, MessagesPage};
use crate::web::answer::{Answer, Failure};
use crate::web::page::view::type_name;
use crate::web::request::Request;

const MOST: u64 = 100;

pub async fn get(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::OwnSecurity).await?;
    let (ctx, person) = (&visit.request.ctx, visit.session.person);
    let notices = ctx.rows().notices().list(person, MOST).await?;
    let mut messages = Vec::new();
    for notice in &notices {
        messages.push(view(&visit, notice).await?);
    }
    let tx = ctx.begin().await?;
    tx.rows().notices().read_all(person, ctx.now()).await?;
    tx.commit().await?;
    visit.page(None, &MessagesPage { messages }).await
}

async fn view(visit: &Visit, notice: &Notice) -> Result<MessageView, Failure> {
    let rows = visit.request.ctx.rows();
    let enterprise = rows.enterprises().find(notice.enterprise).await?;
    let about = rows.people().find(notice.about).await?;
    let what = type_name(&visit.request, &IdentityTypeName(notice.identity_type.clone()));
    let whom = match notice.about == visit.session.person {
        true => visit.request.text("notice-you"),
        false => about.map(|person| mask::name(person.name.as_str())).unwrap_or_default(),
    };
    let enterprise = enterprise.map(|enterprise| enterprise.name).unwrap_or_default();
    let subject = format!("{enterprise} · {whom} · {what}");
    Ok(MessageView {
        text: visit.request.text_with(&format!("notice-{}", notice.kind.name()), &subject),
        at: notice.at.for_people(),
        is_read: notice.is_read,
    })
}
