//! The files of one version of a realm, as they were read: what its hash is made of, what is recorded
//! with it, and what brings it back. They hold secrets only in the demo.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::base::secret::{Hashed, sha256};
use crate::realm::source::line;

/// A name without the `./` that may stand before it; `None`: it leads out of the realm's folder.
pub fn within(name: &str) -> Option<&str> {
    let name = name.trim_start_matches("./");
    let stays = Path::new(name).components().all(|one| matches!(one, Component::Normal(_)));
    (stays && !name.is_empty()).then_some(name)
}

/// By their names beside `realm.toml`: `clients/tax-filing.toml`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    pub fn add(&mut self, name: &str, bytes: &[u8]) {
        self.0.insert(name.to_owned(), bytes.to_owned());
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// Where a setting stands, as `realm::plan` names it: its file, and the line where the file says it.
    pub fn place(&self, setting: &str) -> Option<(String, Option<usize>)> {
        let (file, path) = setting.split_once(": ")?;
        let text = self.get(file).and_then(|bytes| std::str::from_utf8(bytes).ok());
        Some((file.to_owned(), text.and_then(|text| line(text, path))))
    }

    /// Of names and contents; another order of reading is no other version.
    pub fn hash(&self) -> String {
        let part = |(name, bytes): (&String, &Vec<u8>)| {
            format!("{name:?} {}\n", BASE64_STANDARD.encode(sha256(bytes)))
        };
        Hashed::of(&self.0.iter().map(part).collect::<String>()).to_text()
    }

    /// One text, for the record.
    pub fn to_text(&self) -> String {
        let encoded = self.0.iter().map(|(name, bytes)| (name, BASE64_STANDARD.encode(bytes)));
        let encoded: BTreeMap<_, _> = encoded.collect();
        serde_json::json!(encoded).to_string()
    }

    /// `None`: not a record of ours, or one that would write outside its folder.
    pub fn of_text(text: &str) -> Option<Self> {
        let encoded: BTreeMap<String, String> = serde_json::from_str(text).ok()?;
        let read = |(name, text): (String, String)| {
            let name = within(&name)?.to_owned();
            Some((name, BASE64_STANDARD.decode(text).ok()?))
        };
        encoded.into_iter().map(read).collect::<Option<_>>().map(Self)
    }
}
