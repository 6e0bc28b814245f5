//! Numbers and names that people type: each text is parsed once into a type that cannot be wrong.

pub mod address;
pub mod check;
pub mod code;
pub mod country;
pub mod division;
pub mod document;
pub mod email;
pub mod enterprise_name;
pub mod home_number;
pub mod name;
pub mod personal_id;
pub mod phone;
pub mod record;
pub mod resident;
mod surname;
pub mod taxpayer;
pub mod unit;
pub mod uscc;
pub mod username;

use unicode_normalization::UnicodeNormalization;

/// How every typed number is read: NFKC (full-width to half-width), no spaces or hyphens, nothing
/// invisible, upper case.
pub fn normalise(text: &str) -> String {
    let kept = |c: &char| !c.is_whitespace() && !is_hyphen(*c) && !is_invisible(*c);
    text.nfkc().filter(kept).flat_map(char::to_uppercase).nfkc().collect()
}

fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// What comes along when people copy from tables, messages and web pages: soft hyphens, joiners,
/// marks of direction, byte-order marks.
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}')
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
