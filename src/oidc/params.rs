//! Request parameters, strict: one sent twice is refused (RFC 6749 §3.1), an empty one counts as
//! absent, unknown ones are ignored.

use std::collections::BTreeMap;

use super::error::OAuthError;

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Params(BTreeMap<String, String>);

impl Params {
    /// From a query or a form body.
    pub fn parse(encoded: &[u8]) -> Result<Self, OAuthError> {
        let mut params = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(encoded) {
            if params.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(OAuthError::request("a parameter is sent twice"));
            }
        }
        Ok(Self(params))
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

    /// Without parameters that were acted on, so that a resumed request does not repeat them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    #[must_use]
    pub fn without(mut self, names: &[&str]) -> Self {
        self.0.retain(|name, _| !names.contains(&name.as_str()));
        self
    }

    pub fn encode(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}
