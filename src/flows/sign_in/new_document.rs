//! A document on its way through the scan that stands before it: sealed in the transaction, so that no
//! number lies open where short-lived values are kept. Who adds one is `flows::centre::documents`.

use crate::domain::login::{Errand, LoginTransaction};
use crate::domain::mask::{self, Viewer};
use crate::domain::new_document::{NewDocument, TypedDocument};
use crate::domain::number::document::DocumentType;
use crate::flows::Ctx;

/// Sealed for this: what is sealed for cookies is none.
fn place(ctx: &Ctx) -> String {
    format!("new-document/{}", ctx.realm.id)
}

pub fn seal(ctx: &Ctx, typed: &TypedDocument) -> String {
    let text = serde_json::to_string(typed).unwrap_or_default();
    ctx.services.secrets.cookie.seal_text(ctx.random(), &place(ctx), &text)
}

/// `None`: the transaction is about something else, or the day has come on which it is over.
pub fn open(ctx: &Ctx, transaction: &LoginTransaction) -> Option<NewDocument> {
    let Some(Errand::Document(sealed)) = transaction.errand() else { return None };
    let text = ctx.services.secrets.cookie.open_sealed_text(&place(ctx), sealed).ok()?;
    serde_json::from_str::<TypedDocument>(&text).ok()?.parse(ctx.now().day()).ok()
}

/// Its kind, and its number masked, because a stranger may hold the phone.
pub fn shown(ctx: &Ctx, transaction: &LoginTransaction) -> Option<(DocumentType, String)> {
    let new = open(ctx, transaction)?;
    Some((new.number.kind, mask::document(new.number.as_str(), Viewer::Other)))
}
