//! What an answer tells, so that two of them can be compared; and values that nobody knows.

use std::collections::BTreeSet;

use axum::http::{HeaderMap, StatusCode, header};

/// A short text is no mark: it may stand in any page.
pub const SHORTEST_MARK: usize = 16;

/// The words of these values that can be told from others.
pub fn marks(values: impl Iterator<Item = String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for value in values {
        let long = words(&value).into_iter().filter(|(_, word)| word.len() >= SHORTEST_MARK);
        found.extend(long.map(|(_, word)| word.to_owned()));
    }
    found
}

/// A value that nobody knows and that looks the same: digits for digits, letters for letters.
pub fn alike(value: &str, seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u8::try_from(state % 251).unwrap()
    };
    if uuid::Uuid::parse_str(value).is_ok() {
        let bytes: [u8; 16] = std::array::from_fn(|_| next());
        return uuid::Builder::from_random_bytes(bytes).into_uuid().to_string();
    }
    if value.len() < SHORTEST_MARK && value.bytes().all(|byte| byte.is_ascii_digit()) {
        let (all, last) = value.split_at(value.len() - 1);
        return format!("{all}{}", (last.parse::<u8>().unwrap() + 1 + next() % 8) % 10);
    }
    // Of a signed text the signature, of an answer in JSON the long words.
    let from = if value.starts_with("ey") { value.rfind('.').unwrap_or_default() } else { 0 };
    let is_json = value.starts_with('{');
    let mut made = String::new();
    for (at, word) in words(value) {
        let is_kept = at < from || (is_json && word.len() < SHORTEST_MARK);
        made.extend(word.chars().map(|c| match c {
            _ if is_kept => c,
            '0'..='9' => char::from(b'0' + next() % 10),
            'a'..='z' => char::from(b'a' + next() % 26),
            'A'..='Z' => char::from(b'A' + next() % 26),
            _ => c,
        }));
    }
    made
}

fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// The text cut into words and single other characters, with where each begins.
pub fn words(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut begun = None;
    for (at, c) in text.char_indices() {
        match (is_of_word(c), begun) {
            (true, None) => begun = Some(at),
            (true, Some(_)) => {}
            (false, _) => {
                if let Some(from) = begun.take() {
                    found.push((from, &text[from..at]));
                }
                found.push((at, &text[at..at + c.len_utf8()]));
            }
        }
    }
    if let Some(from) = begun {
        found.push((from, &text[from..]));
    }
    found
}

/// What an answer tells, without what is made anew for each request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    status: StatusCode,
    to: String,
    /// Which are set and which are ended.
    cookies: Vec<String>,
    says: Vec<String>,
    text: String,
}

impl Told {
    /// `value` was sent.
    pub fn of(status: StatusCode, headers: &HeaderMap, text: &str, value: &str) -> Self {
        let all = |name| headers.get_all(name).iter().map(|one| one.to_str().unwrap().to_owned());
        let to: String = all(header::LOCATION).collect();
        let says = [header::WWW_AUTHENTICATE, header::RETRY_AFTER, header::CONTENT_TYPE];
        Self {
            status,
            to: plain(&without_echo(&to, value)),
            cookies: all(header::SET_COOKIE).map(|cookie| of_kind(&cookie)).collect(),
            says: says.into_iter().flat_map(all).collect(),
            text: plain(&without_echo(&without_pictures(text), value)),
        }
    }
}

/// The name; of a transaction's cookie without the transaction.
fn of_kind(cookie: &str) -> String {
    let (name, value) = cookie.split_once('=').unwrap();
    let name = if name.starts_with("__Host-hufu-login-") { "login" } else { name };
    format!("{name}{}", if value.starts_with(';') { " ends" } else { "" })
}

/// Chance writes long words with digits or capitals in them; every other word stays.
fn plain(text: &str) -> String {
    let by_chance = |word: &str| {
        word.len() >= SHORTEST_MARK
            && word.bytes().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
    };
    let pieces = words(text).into_iter();
    pieces.map(|(_, word)| if by_chance(word) { "#" } else { word }).collect()
}

/// Pictures of codes differ in every line.
fn without_pictures(text: &str) -> String {
    let mut parts = text.split("<svg");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|part| part.split_once("</svg>").map_or("", |(_, rest)| rest));
    rest.fold(first, |made, part| made + part)
}

/// What was sent may be shown again, as it is or in an address, which may stand in an address.
fn without_echo(text: &str, value: &str) -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let (once, twice) = (encode(value), encode(&encode(value)));
    text.replace(&twice, "…").replace(&once, "…").replace(value, "…")
}

/// Where two answers part.
pub fn difference(told: &Told, known: &Told) -> String {
    let parts = |one: &Told| {
        format!("{} {} {:?} {:?} {}", one.status, one.to, one.cookies, one.says, one.text)
    };
    let (told, known) = (parts(told), parts(known));
    let same = told.chars().zip(known.chars()).take_while(|(one, other)| one == other).count();
    let part =
        |text: &str| text.chars().skip(same.saturating_sub(60)).take(160).collect::<String>();
    format!("{:?} and not {:?}", part(&told), part(&known))
}
