//! What a request says, strict: a parameter sent twice is refused (RFC 6749 §3.1; `resource` alone may
//! be, RFC 8707 §2), an empty one counts as absent, unknown ones are ignored. Control characters are refused here, in parameters and in
//! JSON, so that none reaches a row: no value of ours has any, and PostgreSQL cannot keep a NUL.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::oidc::error::OAuthError;
use crate::oidc::unique::Unique;

/// The parameter that may come several times. Its values are kept one a line: none has a line break.
const REPEATED: &str = "resource";
const BREAK: char = '\n';

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Params(BTreeMap<String, String>);

impl Params {
    /// From a query or a form body.
    pub fn parse(encoded: &[u8]) -> Result<Self, OAuthError> {
        let mut params = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(encoded) {
            if !is_plain(&name) || !(is_plain(&value) || is_json_in_lines(&name, &value)) {
                return Err(unkeepable());
            }
            match params.entry(name.into_owned()) {
                Entry::Vacant(free) => {
                    free.insert(value.into_owned());
                }
                Entry::Occupied(mut taken) if taken.key() == REPEATED => {
                    taken.get_mut().push(BREAK);
                    taken.get_mut().push_str(&value);
                }
                Entry::Occupied(_) => {
                    return Err(OAuthError::request("a parameter is sent twice"));
                }
            }
        }
        Ok(Self(params))
    }

    /// Of what could not be read as a whole: those of these that came once, and can be kept.
    pub fn that_came_once(encoded: &[u8], names: &[&str]) -> Self {
        let mut found: BTreeMap<String, Option<String>> = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(encoded) {
            if names.contains(&&*name) {
                let is_first = !found.contains_key(&*name);
                let value = (is_first && is_plain(&value)).then(|| value.into_owned());
                found.insert(name.into_owned(), value);
            }
        }
        Self(found.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
    }

    pub fn from_map(params: BTreeMap<String, String>) -> Self {
        Self(params)
    }

    pub fn into_map(self) -> BTreeMap<String, String> {
        self.0
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The values of `resource`, in the order in which they were sent.
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        self.get(REPEATED).into_iter().flat_map(lines)
    }

    /// A parameter that holds JSON; no string in it may hide a control character behind an escape.
    pub fn value(&self, name: &str) -> Result<Option<Value>, OAuthError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let value = serde_json::from_str::<Unique>(text);
        let Unique(value) = value.map_err(|_| OAuthError::request("a parameter is not JSON"))?;
        if is_plain_value(&value) { Ok(Some(value)) } else { Err(unkeepable()) }
    }

    /// As they are sent again.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|(name, value)| {
            let is_list = name == REPEATED;
            let several = is_list.then(|| lines(value)).into_iter().flatten();
            let one = (!is_list).then_some(value.as_str());
            several.chain(one).map(move |value| (name.as_str(), value))
        })
    }

    /// Only these.
    #[must_use]
    pub fn only(mut self, names: &[&str]) -> Self {
        self.0.retain(|name, _| names.contains(&name.as_str()));
        self
    }

    /// Bytes of names and values together.
    pub fn length(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    /// Without parameters that were acted on, so that a resumed request does not repeat them.
    #[must_use]
    pub fn without(mut self, names: &[&str]) -> Self {
        self.0.retain(|name, _| !names.contains(&name.as_str()));
        self
    }

    pub fn encode(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(self.iter()).finish()
    }
}

fn lines(values: &str) -> impl Iterator<Item = &str> {
    values.split(BREAK).filter(|value| !value.is_empty())
}

/// ASCII is looked at byte by byte: tokens are long, and every request passes here.
fn is_plain(text: &str) -> bool {
    match text.is_ascii() {
        true => !text.bytes().any(|byte| byte.is_ascii_control()),
        false => !text.contains(char::is_control),
    }
}

/// JSON may be sent as it was typed, over several lines (OIDC Core §5.5, RFC 9396 §2).
fn is_json_in_lines(name: &str, value: &str) -> bool {
    let blank = |c: char| matches!(c, '\t' | '\n' | '\r');
    ["claims", "authorization_details"].contains(&name) && is_plain(&value.replace(blank, ""))
}

fn unkeepable() -> OAuthError {
    OAuthError::request("a value holds a control character")
}

/// A JSON body of one of our interfaces; an empty body is an empty object.
pub fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, OAuthError> {
    let malformed = |_| OAuthError::request("the body is not JSON of this interface");
    let body = if body.is_empty() { b"{}" } else { body };
    let Unique(value) = serde_json::from_slice(body).map_err(malformed)?;
    if !is_plain_value(&value) {
        return Err(unkeepable());
    }
    serde_json::from_value(value).map_err(malformed)
}

/// `serde_json` reads at most 128 levels, so the depth is bounded.
fn is_plain_value(value: &Value) -> bool {
    match value {
        Value::String(text) => is_plain(text),
        Value::Array(all) => all.iter().all(is_plain_value),
        Value::Object(all) => all.iter().all(|(name, one)| is_plain(name) && is_plain_value(one)),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}
