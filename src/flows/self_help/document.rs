//! Which document somebody says is theirs, as the first page asks for it. Whether anybody has it is not
//! asked here.

use serde::{Deserialize, Serialize};

use crate::base::secret::Hashed;
use crate::domain::number::document::{DocumentNumber, DocumentType};
use crate::domain::number::personal_id::comparable;
use crate::domain::refusal::Refusal;
use crate::flows::limits::{self, Limit};
use crate::flows::{Ctx, Stop};

/// Starts of one journey for one number from one place in an hour (F-07).
const STARTS: u32 = 5;
/// The same for all numbers from one address: more than a hall serves in an hour, and less than would fill
/// the address's room for tries.
const STARTS_OF_ADDRESS: u32 = 1000;
const HOUR: i64 = 3600;

/// A document by its kind and number, which fits the kind.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Document {
    pub kind: DocumentType,
    pub number: String,
}

impl Document {
    /// Every field that is empty or malformed is told at once.
    pub fn typed(ctx: &Ctx, kind: &str, number: &str) -> Result<Self, Refusal> {
        let Some(kind) = DocumentType::parse(kind) else {
            return Err(Refusal::format("document_type"));
        };
        let number = DocumentNumber::parse(kind, number, ctx.now().day())
            .map_err(|_| Refusal::format("document"))?;
        Ok(Self { kind, number: number.as_str().to_owned() })
    }

    /// As it is looked for; `None`: no longer right, which a document can become by its date.
    pub fn parsed(&self, ctx: &Ctx) -> Option<DocumentNumber> {
        DocumentNumber::parse(self.kind, &self.number, ctx.now().day()).ok()
    }

    /// What guesses about it are counted by: the same for every spelling, whether or not anybody has it.
    pub fn counted_as(&self, ctx: &Ctx) -> String {
        let number = comparable(&self.number, ctx.now().day());
        Hashed::of(&format!("{}\n{number}", self.kind.name())).to_text()
    }
}

/// Counts a start of this journey. A hall of people shares an address, so what one number may have there
/// and what all together may are apart; nobody elsewhere is refused for it. `E_OTP_RATE`.
pub async fn count_start(ctx: &Ctx, journey: &str, document: &Document) -> Result<(), Stop> {
    let what = starts_of(journey);
    let mut parts = limits::of_networks(ctx, &what, STARTS_OF_ADDRESS);
    let name = format!("{what}/{}/{}", ctx.place(), document.counted_as(ctx));
    parts.push(Limit { name, most: STARTS });
    limits::take(ctx, &parts, HOUR).await
}

/// The same of a journey that a password begins, whose guesses are counted by the number already.
pub async fn count_start_at(ctx: &Ctx, journey: &str) -> Result<(), Stop> {
    limits::take(ctx, &limits::of_networks(ctx, &starts_of(journey), STARTS_OF_ADDRESS), HOUR).await
}

fn starts_of(journey: &str) -> String {
    format!("{journey}-starts")
}
