//! Masking: what of a personal value may be shown. Computed on characters, never on bytes,
//! and only ever for display.

/// Whose value is shown: one's own, or another person's (DEC-3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Viewer {
    Own,
    Other,
}

/// The first character of each word and, for names of three characters and more, the last.
pub fn name(text: &str) -> String {
    if text.contains(' ') {
        return text.split(' ').map(|word| keep(word, 1, 0)).collect::<Vec<_>>().join(" ");
    }
    match text.chars().count() {
        0 | 1 => "*".repeat(text.chars().count()),
        2 => keep(text, 1, 0),
        _ => keep(text, 1, 1),
    }
}

/// Eighteen characters 4+4, others of eight or more 2+2; another person's 1+1.
pub fn document(text: &str, viewer: Viewer) -> String {
    let length = text.chars().count();
    match viewer {
        Viewer::Own if length == 18 => keep(text, 4, 4),
        Viewer::Own if length >= 8 => keep(text, 2, 2),
        Viewer::Own | Viewer::Other => keep(text, 1, 1),
    }
}

/// National form, 3 and 4 (own) or 3 and 2 (another's) digits kept.
pub fn phone(national: &str, viewer: Viewer) -> String {
    match viewer {
        Viewer::Own => keep_with(national, 3, 4, "****"),
        Viewer::Other => keep_with(national, 3, 2, "******"),
    }
}

pub fn email(text: &str, viewer: Viewer) -> String {
    let Some((local, domain)) = text.split_once('@') else { return keep(text, 1, 0) };
    let local = match (viewer, local.chars().count()) {
        (Viewer::Own, length) if length > 3 => keep_with(local, 2, 1, "***"),
        _ => keep_with(local, 1, 0, "***"),
    };
    format!("{local}@{domain}")
}

/// Everything after the district, county or county-level city.
pub fn address(text: &str) -> String {
    let mut end = None;
    let mut cities = 0;
    for (at, c) in text.char_indices() {
        match c {
            '区' | '县' | '旗' => {
                end = Some(at + c.len_utf8());
                break;
            }
            '市' => {
                cities += 1;
                end = Some(at + c.len_utf8());
            }
            _ => {}
        }
        if cities == 2 {
            break;
        }
    }
    format!("{}****", end.and_then(|end| text.get(..end)).unwrap_or_default())
}

pub fn company(text: &str) -> String {
    match text.chars().count() {
        0..=4 => keep(text, 1, 0),
        5..=8 => keep(text, 2, 2),
        _ => keep(text, 4, 4),
    }
}

/// On pages before sign-in; behind it the number is public data and shown whole.
pub fn enterprise_number(text: &str) -> String {
    keep(text, 4, 4)
}

/// IPv4 without its last octet, IPv6 without its last 80 bits.
pub fn address_of_host(host: std::net::IpAddr) -> String {
    match host {
        std::net::IpAddr::V4(host) => {
            let [a, b, c, _] = host.octets();
            format!("{a}.{b}.{c}.*")
        }
        std::net::IpAddr::V6(host) => {
            let [a, b, c, ..] = host.segments();
            format!("{a:x}:{b:x}:{c:x}:*")
        }
    }
}

/// Keeps characters at both ends and hides the rest, one star each.
fn keep(text: &str, first: usize, last: usize) -> String {
    let length = text.chars().count();
    let hidden = length.saturating_sub(first + last);
    if hidden == 0 {
        return "*".repeat(length);
    }
    keep_with(text, first, last, &"*".repeat(hidden))
}

fn keep_with(text: &str, first: usize, last: usize, stars: &str) -> String {
    let length = text.chars().count();
    let start: String = text.chars().take(first.min(length)).collect();
    let end: String = text.chars().skip(length.saturating_sub(last).max(first)).collect();
    format!("{start}{stars}{end}")
}
