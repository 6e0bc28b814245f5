//! The secrets that a realm's files name, as they were read: one that was replaced where it lies changes no
//! file of the realm, and makes no version of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::base::secret::{Secret, same};

#[derive(Default)]
pub struct NamedSecrets {
    /// In the order in which the files name them.
    read: Vec<Secret>,
    files: BTreeSet<PathBuf>,
}

impl NamedSecrets {
    pub fn add(&mut self, secret: Secret) {
        self.read.push(secret);
    }

    pub fn add_file(&mut self, file: &str) {
        self.files.insert(PathBuf::from(file));
    }

    /// Where they lie, those aside that the environment holds.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }

    /// Of the same files of a realm.
    pub fn are_those_of(&self, other: &Self) -> bool {
        let mut both = self.read.iter().zip(&other.read);
        self.read.len() == other.read.len()
            && both.all(|(one, other)| same(one.expose().as_bytes(), other.expose().as_bytes()))
    }
}
