//! E-mail addresses (RFC 5321 §4.1.2, RFC 6531), kept as given and compared by one form.

use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::{NumberError, is_invisible};

/// Below which others register their own.
const SHARED: [&str; 10] = ["com", "co", "net", "org", "gov", "edu", "ac", "or", "ne", "go"];

/// `zhangsan@example.com`. Equal when the mailboxes are: no server that people use tells letters
/// apart by case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EmailAddress {
    text: String,
    local: String,
    /// In ASCII (RFC 5890), lower case.
    domain: String,
}

impl EmailAddress {
    /// A dot-string and a domain with at least one dot; no quoted strings, no address literals.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        let text: String = text.nfkc().filter(|c| !is_invisible(*c)).collect();
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(NumberError::Character)?;
        if text.len() > 254 || !(1..=64).contains(&local.len()) {
            return Err(NumberError::Length);
        }
        if !local.split('.').all(is_atom) {
            return Err(NumberError::Character);
        }
        Ok(Self {
            local: local.to_owned(),
            domain: domain_in_ascii(domain)?,
            text: text.to_owned(),
        })
    }

    /// As it is shown and told.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// As a mail server takes it.
    pub fn deliverable(&self) -> String {
        format!("{}@{}", self.local, self.domain)
    }

    /// The form in which two addresses are the same.
    pub fn comparable(&self) -> String {
        format!("{}@{}", self.local.to_lowercase(), self.domain)
    }

    /// The mailbox as nearly as names tell: without what many providers let its owner add (RFC 5233), so that
    /// one mailbox is not counted as many.
    pub fn mailbox(&self) -> String {
        let local = self.local.split_once('+').map_or(self.local.as_str(), |(local, _)| local);
        format!("{}@{}", local.to_lowercase(), self.domain)
    }

    /// What whoever owns the domain has registered, as nearly as names tell: two labels, or three where they
    /// are registered below the second, as in `com.hk`. Below that they make up as many domains as they like.
    pub fn site(&self) -> String {
        let mut ends = self.domain.rsplit('.');
        let (top, second) = (ends.next().unwrap_or_default(), ends.next().unwrap_or_default());
        // Those of countries alone have such.
        let n_labels = if top.len() == 2 && SHARED.contains(&second) { 3 } else { 2 };
        let mut labels: Vec<&str> = self.domain.rsplit('.').take(n_labels).collect();
        labels.reverse();
        labels.join(".")
    }
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.comparable() == other.comparable()
    }
}

impl Eq for EmailAddress {}

impl Hash for EmailAddress {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.comparable().hash(state);
    }
}

/// RFC 5322 §3.2.3, with the letters of RFC 6532.
fn is_atom(text: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    !text.is_empty() && text.chars().all(fits)
}

fn domain_in_ascii(domain: &str) -> Result<String, NumberError> {
    let Ok(url::Host::Domain(domain)) = url::Host::parse(domain) else {
        return Err(NumberError::Character);
    };
    let is_label = |label: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
        (1..=63).contains(&label.len())
            && label.chars().all(fits)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_right = domain.contains('.') && domain.split('.').all(is_label);
    is_right.then_some(domain).ok_or(NumberError::Character)
}
