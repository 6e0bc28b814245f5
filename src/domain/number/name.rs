//! People's names: Chinese or Latin, compared after one normalisation.

use unicode_normalization::UnicodeNormalization;

use super::NumberError;

/// A name as it is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PersonName(String);

impl PersonName {
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        let name = normalise_name(text);
        let length = name.chars().count();
        if name.chars().all(|c| is_han(c) || c == '·') && (2..=25).contains(&length) {
            return Ok(Self(name));
        }
        let latin =
            |c: char| c.is_alphabetic() && !is_han(c) || matches!(c, ' ' | '-' | '\'' | '.');
        if name.chars().all(latin) && (1..=100).contains(&length) {
            return Ok(Self(name));
        }
        Err(NumberError::Character)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_same(&self, other: &Self) -> bool {
        self.0.to_uppercase() == other.0.to_uppercase()
    }
}

/// NFKC, the middle dots made one, spaces collapsed.
fn normalise_name(text: &str) -> String {
    let dotted = |c: char| match c {
        '\u{2022}' | '\u{30fb}' | '\u{ff0e}' | '\u{ff65}' => '·',
        other => other,
    };
    let text: String = text.chars().map(dotted).collect::<String>().nfkc().map(dotted).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Han ideographs, the extensions outside the basic plane included.
pub fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{323af}' | '〇')
}
