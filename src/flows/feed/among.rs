//! One line among many that are taken together.

use std::collections::HashMap;
use std::hash::Hash;

/// A line, and whether nothing is known of its entry.
pub struct Candidate<'l, L> {
    pub line: &'l L,
    pub is_new: bool,
}

/// What occurs once among many.
pub struct Once<T>(HashMap<T, usize>);

impl<T: Eq + Hash> Once<T> {
    pub fn among(all: impl IntoIterator<Item = T>) -> Self {
        let mut counted = HashMap::new();
        for one in all {
            *counted.entry(one).or_default() += 1;
        }
        Self(counted)
    }

    pub fn has(&self, one: &T) -> bool {
        self.0.get(one) == Some(&1)
    }
}
