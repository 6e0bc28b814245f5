//! What a person signs in by, and one form for every spelling of it, so that guesses at one name are counted
//! together however it is typed. Made of the text alone: it tells nothing about whether somebody has it.

use super::document::{DocumentNumber, DocumentType};
use super::email::EmailAddress;
use super::normalise;
use super::phone::Phone;
use super::username::Username;
use crate::base::clock::Day;

/// `+86` or not, capitals or not, with a renewal count or without, of the first generation or the
/// second: spellings that lead to one person have one form. Texts of two names may share one.
pub fn comparable(text: &str, today: Day) -> String {
    if let Ok(phone) = Phone::asked(text) {
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

/// What a person signs in by; equal however it is spelled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PersonalId {
    Phone(Phone),
    Email(EmailAddress),
    Username(Username),
    Document(DocumentNumber),
}

impl PersonalId {
    /// Everything that a text can be (E-04).
    pub fn readings(text: &str, today: Day) -> Vec<Self> {
        let phone = Phone::asked(text).ok().map(Self::Phone);
        let email = EmailAddress::parse(text).ok().map(Self::Email);
        let username = Username::parse(text).ok().map(Self::Username);
        let documents = DocumentNumber::candidates(text, today).into_iter().map(Self::Document);
        phone.into_iter().chain(email).chain(username).chain(documents).collect()
    }

    /// The value of a claim (OIDC Core §5.1); `None`: it is none, or the claim names nobody.
    pub fn of_claim(claim: &str, value: &str) -> Option<Self> {
        match claim {
            "phone_number" => Phone::asked(value).ok().map(Self::Phone),
            "email" => EmailAddress::parse(value).ok().map(Self::Email),
            "preferred_username" => Username::parse(value).ok().map(Self::Username),
            _ => None,
        }
    }
}
