//! People's names: Chinese or in letters, kept as they were first given and compared by one form.

use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::surname::cut;
use super::{NumberError, is_hyphen, is_invisible};

/// A name as it is kept. Two names are equal when their forms are, so that `==` cannot be asked of
/// the spelling by mistake.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PersonName {
    text: String,
    form: String,
}

impl PersonName {
    /// Chinese: 2 to 25 characters of Han and `·`; others: 1 to 100 letters, blanks, hyphens,
    /// apostrophes and periods.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        if text.contains(char::is_control) {
            return Err(NumberError::Character);
        }
        let name = Self::kept(text);
        let (length, is_chinese) = (name.text.chars().count(), name.text.contains(is_han));
        if !(if is_chinese { 2..=25 } else { 1..=100 }).contains(&length) {
            return Err(NumberError::Length);
        }
        let is_right = match is_chinese {
            true => is_chinese_name(&name.text),
            false => is_name_in_letters(&name.text),
        };
        is_right.then_some(name).ok_or(NumberError::Character)
    }

    /// A name that was taken before, under whatever rule stood then.
    pub fn kept(text: &str) -> Self {
        let text = normalise_name(text);
        Self { form: compared(&text), text }
    }

    /// As it is shown and told.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Surname and given name of a Chinese name, where its surname is a known one.
    pub fn parts(&self) -> Option<(&str, &str)> {
        cut(&self.text).filter(|_| self.text.chars().all(is_han))
    }

    /// Whether a part that somebody searches for stands in the name.
    pub fn holds(&self, part: &str) -> bool {
        self.form.contains(&compared(&normalise_name(part)))
    }
}

impl PartialEq for PersonName {
    fn eq(&self, other: &Self) -> bool {
        self.form == other.form
    }
}

impl Eq for PersonName {}

impl Hash for PersonName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.form.hash(state);
    }
}

fn is_chinese_name(name: &str) -> bool {
    name.chars().all(|c| is_han(c) || c == '·') && !name.starts_with('·') && !name.ends_with('·')
}

fn is_name_in_letters(name: &str) -> bool {
    let fits = |c: char| {
        c.is_alphabetic() || is_combining_mark(c) || matches!(c, ' ' | '-' | '\'' | '.' | '·')
    };
    name.chars().all(fits) && name.contains(char::is_alphabetic)
}

/// NFKC, nothing invisible, one shape of each sign, blanks collapsed; between Han there are none.
fn normalise_name(text: &str) -> String {
    let text: String = text.chars().map(present_day).nfkc().filter(|c| !is_invisible(*c)).collect();
    if text.contains(is_han) {
        let dotted = text.chars().filter(|c| !c.is_whitespace()).map(|c| match c {
            '.' => '·',
            other => one_sign(other),
        });
        return composed(&without_repeated_dots(dotted));
    }
    let text: String = text.chars().map(one_sign).collect();
    composed(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// What was taken out may have parted a letter from its mark.
fn composed(text: &str) -> String {
    text.nfc().collect()
}

/// The middle dot of the languages that write names in parts (买买提·艾力), hyphens, apostrophes.
fn one_sign(c: char) -> char {
    match c {
        '\u{2022}' | '\u{2027}' | '\u{2219}' | '\u{22c5}' | '\u{30fb}' => '·',
        '\u{2018}' | '\u{2019}' | '\u{02bc}' => '\'',
        c if is_hyphen(c) => '-',
        other => other,
    }
}

fn without_repeated_dots(characters: impl Iterator<Item = char>) -> String {
    let mut text = String::new();
    for c in characters {
        if !(c == '·' && text.ends_with('·')) {
            text.push(c);
        }
    }
    text
}

/// Upper case; Latin letters without their marks, which passports leave out (ICAO 9303-3 §6).
fn compared(name: &str) -> String {
    let mut form = String::new();
    let mut after_latin = false;
    for c in name.chars().flat_map(char::to_uppercase).nfd() {
        if is_combining_mark(c) && after_latin {
            continue;
        }
        after_latin = c.is_ascii_alphabetic();
        form.push(c);
    }
    form.nfc().collect()
}

/// Han ideographs, the extensions outside the basic plane included.
pub fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{323af}' | '〇')
}

/// The characters that GBK and GB 18030-2000 have at private code points, in their order there, as
/// they stand in Unicode today (GB 18030-2022): old systems still send 䶮 as U+E863.
const ONCE_PRIVATE: [char; 80] = [
    '⺁', '𠂇', '𠂉', '𠃌', '⺄', '㑳', '㑇', '⺈', '⺋', '龴', '㖞', '㘚', '㘎', '⺌', '⺗', '㥮',
    '㤘', '龵', '㧏', '㧟', '㩳', '㧐', '龶', '龷', '㭎', '㱮', '㳠', '⺧', '𡗗', '龸', '⺪', '䁖',
    '䅟', '⺮', '䌷', '⺳', '⺶', '⺷', '𢦏', '䎱', '䎬', '⺻', '䏝', '䓖', '䙡', '䙌', '龹', '䜣',
    '䜩', '䝼', '䞍', '⻊', '䥇', '䥺', '䥽', '䦂', '䦃', '䦅', '䦆', '䦟', '䦛', '䦷', '䦶', '龺',
    '𤇾', '䲣', '䲟', '䲠', '䲡', '䱷', '䲢', '䴓', '䴔', '䴕', '䴖', '䴗', '䴘', '䴙', '䶮', '龻',
];

fn present_day(c: char) -> char {
    let place = u32::from(c).checked_sub(0xe815).and_then(|at| usize::try_from(at).ok());
    place.and_then(|at| ONCE_PRIVATE.get(at)).copied().unwrap_or(c)
}
