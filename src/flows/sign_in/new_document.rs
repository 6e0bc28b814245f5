//! A document on its way through the scan that stands before it: sealed in the transaction, so that no
//! number lies open where short-lived values are kept. Who adds one is `flows::centre::documents`.

use serde::{Deserialize, Serialize};

use crate::domain::login::{Errand, LoginTransaction};
use crate::domain::mask::{self, Viewer};
use crate::domain::new_document::{NewDocument, TypedDocument};
use crate::domain::number::document::DocumentType;
use crate::flows::Ctx;

#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    typed: TypedDocument,
    /// An authority has said that name and number are one person's.
    #[serde(default)]
    is_named: bool,
}

/// Sealed for this: what is sealed for cookies is none.
fn place(ctx: &Ctx) -> String {
    format!("new-document/{}", ctx.realm.id)
}

pub fn seal(ctx: &Ctx, typed: &TypedDocument, is_named: bool) -> String {
    let kept = Kept { typed: typed.clone(), is_named };
    let text = serde_json::to_string(&kept).unwrap_or_default();
    ctx.services.secrets.cookie.seal_text(ctx.random(), &place(ctx), &text)
}

fn kept(ctx: &Ctx, transaction: &LoginTransaction) -> Option<Kept> {
    let Some(Errand::Document(sealed)) = transaction.errand() else { return None };
    let text = ctx.services.secrets.cookie.open_sealed_text(&place(ctx), sealed).ok()?;
    serde_json::from_str(&text).ok()
}

/// `None`: the transaction is about something else, or the day has come on which it is over.
pub fn open(ctx: &Ctx, transaction: &LoginTransaction) -> Option<NewDocument> {
    kept(ctx, transaction)?.typed.parse(ctx.now().day()).ok()
}

/// The same of one of which no authority has said whose it is: whoever looks at the face has to.
pub fn unnamed(ctx: &Ctx, transaction: &LoginTransaction) -> Option<NewDocument> {
    let kept = kept(ctx, transaction).filter(|kept| !kept.is_named)?;
    kept.typed.parse(ctx.now().day()).ok()
}

/// Its kind, and its number masked, because a stranger may hold the phone.
pub fn shown(ctx: &Ctx, transaction: &LoginTransaction) -> Option<(DocumentType, String)> {
    let new = open(ctx, transaction)?;
    Some((new.number.kind, mask::document(new.number.as_str(), Viewer::Other)))
}
