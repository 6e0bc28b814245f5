//! What a realm's files say, flat, and how two versions of it differ: for `hufu realm plan` and for
//! the record of what was applied. Holds no secret.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use crate::base::secret::Hashed;

/// `clients/tax-filing.toml: scopes[0]` to `"openid"`, in order.
pub type Settings = BTreeMap<String, String>;

/// Adds what one file says.
pub fn flatten(file: &str, value: &Value, settings: &mut Settings) {
    walk(&format!("{file}: "), value, settings);
}

fn walk(path: &str, value: &Value, settings: &mut Settings) {
    let below = |name: &str| match path.ends_with(": ") {
        true => format!("{path}{name}"),
        false => format!("{path}.{name}"),
    };
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if name == "literal" {
                    settings.insert(below(name), "(secret)".to_owned());
                } else {
                    walk(&below(name), value, settings);
                }
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                walk(&format!("{path}[{index}]"), value, settings);
            }
        }
        Value::String(text) if text.len() > 200 => {
            settings.insert(path.to_owned(), format!("sha256 {}", Hashed::of(text).to_text()));
        }
        value => {
            settings.insert(path.to_owned(), value.to_string());
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    Added { path: String, to: String },
    Changed { path: String, from: String, to: String },
    Removed { path: String, from: String },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { path, to } => write!(f, "+ {path} = {to}"),
            Self::Changed { path, from, to } => write!(f, "~ {path} = {from} -> {to}"),
            Self::Removed { path, from } => write!(f, "- {path} = {from}"),
        }
    }
}

/// Whom a change touches.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reach {
    /// An application, and who has a grant for it.
    Client(String),
    /// An API, and the applications that may ask for it.
    Resource(String),
    /// Whoever has an active authorisation of this type.
    IdentityType(String),
    /// Whoever came in here.
    Entrance(String),
    /// Everybody.
    Realm,
}

/// Whom these changes touch, each once.
pub fn reaches(changes: &[Change], before: &Settings, after: &Settings) -> BTreeSet<Reach> {
    let named = |path: &str| {
        let name = after.get(path).or_else(|| before.get(path))?;
        serde_json::from_str::<String>(name).ok()
    };
    let reach = |change: &Change| -> Option<Reach> {
        let (file, key) = change.path().split_once(": ")?;
        if file.starts_with("clients/") {
            return named(&format!("{file}: client_id")).map(Reach::Client);
        }
        if file.starts_with("resources/") {
            return named(&format!("{file}: identifier")).map(Reach::Resource);
        }
        let within = |table: &str, end: char| key.strip_prefix(table)?.split(end).next();
        match file {
            "roles.toml" => {
                within("identity_types.", '.').map(str::to_owned).map(Reach::IdentityType)
            }
            "entrances.toml" => {
                let index = within("entrance[", ']')?;
                named(&format!("{file}: entrance[{index}].id")).map(Reach::Entrance)
            }
            _ => None,
        }
    };
    changes.iter().map(|change| reach(change).unwrap_or(Reach::Realm)).collect()
}

/// In the order of the paths.
pub fn changes(before: &Settings, after: &Settings) -> Vec<Change> {
    let mut changes = Vec::new();
    for (path, from) in before {
        match after.get(path) {
            None => changes.push(Change::Removed { path: path.clone(), from: from.clone() }),
            Some(to) if to != from => changes.push(Change::Changed {
                path: path.clone(),
                from: from.clone(),
                to: to.clone(),
            }),
            Some(_) => {}
        }
    }
    for (path, to) in after.iter().filter(|(path, _)| !before.contains_key(*path)) {
        changes.push(Change::Added { path: path.clone(), to: to.clone() });
    }
    changes.sort_by(|a, b| a.path().cmp(b.path()));
    changes
}

impl Change {
    pub fn path(&self) -> &str {
        match self {
            Self::Added { path, .. } | Self::Changed { path, .. } | Self::Removed { path, .. } => {
                path
            }
        }
    }
}
