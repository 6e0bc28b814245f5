//! Where the files of a realm are read: in their folder, or in the record of a version.

use std::io::{Error, ErrorKind};
use std::path::Path;

use crate::realm::files::Files;

#[derive(Clone, Copy)]
pub(super) enum Origin<'a> {
    Folder(&'a Path),
    /// The realm's id, and what was recorded.
    Version(&'a str, &'a Files),
}

impl Origin<'_> {
    /// The realm is named as its folder.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Folder(folder) => folder.file_name()?.to_str(),
            Self::Version(realm, _) => Some(realm),
        }
    }

    /// What complaints call a file.
    pub fn shown(&self, name: &str) -> String {
        match self {
            Self::Folder(folder) => folder.join(name).display().to_string(),
            Self::Version(realm, _) => format!("{realm}/{name}"),
        }
    }

    pub fn read(&self, name: &str) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Folder(folder) => std::fs::read(folder.join(name)),
            Self::Version(_, files) => {
                let found = files.get(name).map(<[u8]>::to_owned);
                found.ok_or_else(|| Error::from(ErrorKind::NotFound))
            }
        }
    }

    pub fn has(&self, name: &str) -> bool {
        match self {
            Self::Folder(folder) => folder.join(name).exists(),
            Self::Version(_, files) => files.get(name).is_some(),
        }
    }

    /// The TOML files of a folder beside `realm.toml`, in order.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let is_within = |name: &String| {
            let inside = name.strip_prefix(folder).and_then(|name| name.strip_prefix('/'));
            inside.is_some_and(|name| name.ends_with(".toml") && !name.contains('/'))
        };
        let mut names: Vec<String> = match self {
            Self::Folder(realm) => {
                let entries = std::fs::read_dir(realm.join(folder)).into_iter().flatten().flatten();
                let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
                names.map(|name| format!("{folder}/{name}")).filter(is_within).collect()
            }
            Self::Version(_, files) => {
                files.iter().map(|(name, _)| name.to_owned()).filter(is_within).collect()
            }
        };
        names.sort();
        names
    }
}
