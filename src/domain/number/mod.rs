//! Numbers and names that people type: each text is parsed once into a type that cannot be wrong.

pub mod check;
pub mod division;
pub mod document;
pub mod name;
pub mod phone;
pub mod resident;
pub mod taxpayer;
pub mod uscc;
pub mod username;

use unicode_normalization::UnicodeNormalization;

/// How every typed number is read: NFKC (full-width to half-width), no spaces or hyphens,
/// upper case.
pub fn normalise(text: &str) -> String {
    let upper = text
        .nfkc()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{200b}'))
        .flat_map(char::to_uppercase);
    // In upper case a letter may fall apart into a letter and its accents: `ΐ`.
    upper.nfkc().collect()
}

/// Why a text is not such a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NumberError {
    #[error("wrong length")]
    Length,
    #[error("a character that cannot stand there")]
    Character,
    #[error("the check character does not fit")]
    Check,
    #[error("no such date")]
    Date,
    #[error("no such division")]
    Division,
    #[error("not a number of this kind")]
    Kind,
}
