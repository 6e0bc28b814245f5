//! One form for every spelling of a personal id, so that guesses at one name are counted together
//! however it is typed. Made of the text alone: it tells nothing about whether somebody has it.

use super::document::{DocumentNumber, DocumentType};
use super::email::EmailAddress;
use super::normalise;
use super::phone::Phone;
use super::username::Username;
use crate::base::clock::Day;

/// `+86` or not, capitals or not, with a renewal count or without, of the first generation or the
/// second: spellings that lead to one person have one form. Texts of two names may share one.
pub fn comparable(text: &str, today: Day) -> String {
    if let Ok(phone) = Phone::parse(text) {
        return phone.as_str().to_owned();
    }
    if let Ok(email) = EmailAddress::parse(text) {
        return email.comparable();
    }
    // A resident number is read as one even in its old form, which other kinds take, too.
    let rank = |number: &DocumentNumber| DocumentType::ALL.iter().position(|k| *k == number.kind);
    let document = DocumentNumber::candidates(text, today).into_iter().min_by_key(rank);
    match (document, Username::parse(text)) {
        (Some(document), _) => document.comparable().to_owned(),
        (None, Ok(name)) => name.folded(),
        (None, Err(_)) => normalise(text),
    }
}
