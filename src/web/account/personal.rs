//! What the pages of 【个人信息管理】 share: the way from one to the other, and what a refusal says at which
//! field.

use crate::domain::function::Function;
use crate::domain::refusal::Refusal;
use crate::views::account::TabView;
use crate::views::page::Notice;
use crate::web::account::paths::{CANCEL, MAINTAIN, PASSWORD, PERSON, PHONES};
use crate::web::account::visit::Visit;
use crate::web::request::Request;

/// The functions of the group, in the guide's order; `here`: the one that is open.
pub fn tabs(visit: &Visit, here: &str) -> Vec<TabView> {
    let pages = [
        ("person-title", PERSON),
        ("own-password-title", PASSWORD),
        ("own-phones-title", PHONES),
        ("maintain-title", MAINTAIN),
        ("own-cancel-title", CANCEL),
    ];
    // As themself alone (PC-20).
    let is_open =
        |(_, path): &(&str, &str)| *path != CANCEL || visit.role.may(Function::CancelAccount);
    let tab = |(title, path): (&str, &str)| TabView {
        title: visit.request.text(title),
        href: visit.path(path),
        is_current: path == here,
    };
    pages.into_iter().filter(is_open).map(tab).collect()
}

/// What was just done, by the word in the address.
pub fn done(request: &Request, known: &[&str]) -> Option<String> {
    let query = request.query().unwrap_or_default();
    let done = query.get("done").filter(|done| known.contains(done))?;
    Some(match done {
        "sent" => {
            let minutes = request.ctx.realm.sms.lifetime / 60;
            request.text_with("done-sent", &minutes.to_string())
        }
        done => request.text(&format!("done-{done}")),
    })
}

/// A refusal in words of its own.
pub fn said(request: &Request, refusal: &Refusal, text: String) -> Notice {
    Notice { text, ..request.notice(refusal) }
}
