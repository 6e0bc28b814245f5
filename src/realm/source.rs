//! One TOML file with the positions of its values: parsed, checked against the schema of its
//! struct (all mistakes, not only the first), and turned into that struct.

use std::ops::Range;

use jsonschema::error::ValidationErrorKind;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use toml_edit::{Document, Item};

use crate::realm::complaint::Complaint;
use crate::realm::registration::FORMER_KEYS;

/// A key, or the place in an array.
#[derive(Clone, Debug)]
pub enum At {
    Key(String),
    Index(usize),
}

impl From<&str> for At {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<usize> for At {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// The line of the value at a path, as `realm::plan` writes it: `entrance[0].second_factors[1]`. `None`:
/// the file does not say it, so that it is as usual.
pub fn line(text: &str, path: &str) -> Option<usize> {
    let mut at = Vec::new();
    for part in path.split('.') {
        let mut parts = part.split('[');
        at.push(At::from(parts.next()?));
        for index in parts {
            at.push(At::Index(index.strip_suffix(']')?.parse().ok()?));
        }
    }
    let document = Document::parse(text.to_owned()).ok()?;
    let source =
        Source { file: String::new(), text: text.to_owned(), document, remarks: Vec::new() };
    let span = match at.split_last() {
        Some((At::Index(index), before)) if source.item(before)?.is_array() => {
            source.item(before)?.as_array()?.get(*index)?.span()
        }
        _ => source.item(&at)?.span(),
    };
    Some(text.get(..span?.start)?.matches('\n').count() + 1)
}

pub struct Source {
    pub file: String,
    text: String,
    document: Document<String>,
    /// What is right and could be better.
    pub remarks: Vec<Complaint>,
}

impl Source {
    /// Parses and checks; every mistake of the file is in the list.
    pub fn read<T: JsonSchema + DeserializeOwned>(
        file: &str,
        text: &str,
    ) -> Result<(Self, T), Vec<Complaint>> {
        let document = Document::parse(text.to_owned()).map_err(|error| {
            vec![Complaint::new(file, text, error.span(), error.message().to_owned())]
        })?;
        let mut source =
            Self { file: file.to_owned(), text: text.to_owned(), document, remarks: Vec::new() };
        let whole = |error: String| vec![Complaint::new(file, text, None, error)];
        let mut value: Value = toml::from_str(text).map_err(|error| {
            vec![Complaint::new(file, text, error.span(), error.message().to_owned())]
        })?;
        source.rename(&mut value);
        let mut schema = schemars::schema_for!(T).to_value();
        name_choices(&mut schema);
        let validator =
            jsonschema::validator_for(&schema).map_err(|error| whole(error.to_string()))?;
        let mut complaints = Vec::new();
        for error in validator.iter_errors(&value) {
            let path = pointer(error.instance_path().as_str());
            source.explain(&path, error.kind(), &error.to_string(), &schema, &mut complaints);
        }
        if !complaints.is_empty() {
            complaints.sort_by_key(|complaint| (complaint.line, complaint.column));
            return Err(complaints);
        }
        let value = serde_json::from_value(value).map_err(|error| whole(error.to_string()))?;
        Ok((source, value))
    }

    /// Keys of before become those of today.
    fn rename(&mut self, value: &mut Value) {
        let Value::Object(keys) = value else { return };
        for (before, today) in FORMER_KEYS {
            if keys.contains_key(today) {
                continue;
            }
            if let Some(value) = keys.remove(before) {
                keys.insert(today.to_owned(), value);
                let span = self.key_span(&[], before);
                let message = format!("`{before}` is called `{today}` now");
                self.remarks.push(Complaint::new(&self.file, &self.text, span, message));
            }
        }
    }

    /// A complaint about the value at a path.
    pub fn complain(&self, path: &[At], message: impl Into<String>) -> Complaint {
        Complaint::new(&self.file, &self.text, self.span(path), message.into())
    }

    fn explain(
        &self,
        path: &[At],
        kind: &ValidationErrorKind,
        text: &str,
        schema: &Value,
        complaints: &mut Vec<Complaint>,
    ) {
        match kind {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                for key in unexpected {
                    let message = format!("`{key}` is not a key that is known here");
                    let span = self.key_span(path, key);
                    let complaint = Complaint::new(&self.file, &self.text, span, message);
                    complaints.push(complaint.suggest(key, property_names(schema)));
                }
            }
            ValidationErrorKind::Enum { options } => {
                let known: Vec<String> =
                    options.as_array().into_iter().flatten().map(word).collect();
                let wrong = self.written(path);
                let message = format!("`{wrong}` is not one of {}", known.join(", "));
                complaints.push(self.complain(path, message).suggest(&wrong, known));
            }
            ValidationErrorKind::Required { property } => {
                complaints.push(self.complain(path, format!("`{}` is missing", word(property))));
            }
            _ => complaints.push(self.complain(path, text.to_owned())),
        }
    }

    fn item(&self, path: &[At]) -> Option<&Item> {
        let mut item = self.document.as_item();
        for at in path {
            item = match at {
                At::Key(key) => item.get(key.as_str())?,
                At::Index(index) => item.get(*index)?,
            };
        }
        Some(item)
    }

    fn span(&self, path: &[At]) -> Option<Range<usize>> {
        // An inline array's elements are values, not items; look at them through the array.
        if let Some((At::Index(index), before)) = path.split_last()
            && let Some(array) = self.item(before).and_then(Item::as_array)
        {
            return array.get(*index).and_then(toml_edit::Value::span);
        }
        match (self.item(path).and_then(Item::span), path.split_last()) {
            (Some(span), _) => Some(span),
            (None, Some((_, before))) => self.span(before),
            (None, None) => Some(0..1),
        }
    }

    fn key_span(&self, path: &[At], key: &str) -> Option<Range<usize>> {
        let table = self.item(path)?.as_table_like()?;
        table.key(key).and_then(toml_edit::Key::span).or_else(|| self.span(path))
    }

    fn written(&self, path: &[At]) -> String {
        let text = self.span(path).and_then(|span| self.text.get(span));
        text.unwrap_or_default().trim_matches('"').to_owned()
    }
}

fn pointer(path: &str) -> Vec<At> {
    let part = |part: &str| part.parse().map_or_else(|_| At::Key(part.to_owned()), At::Index);
    path.split('/').skip(1).map(part).collect()
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A described choice is a `oneOf` of constants; as an `enum` its complaint can name what is known.
fn name_choices(schema: &mut Value) {
    if let Value::Object(members) = schema
        && let Some(Value::Array(choices)) = members.get("oneOf")
    {
        let values = choices.iter().map(|choice| match (choice.get("const"), choice.get("enum")) {
            (Some(only), _) => Some(vec![only.clone()]),
            (None, Some(Value::Array(several))) => Some(several.clone()),
            _ => None,
        });
        if let Some(values) = values.collect::<Option<Vec<_>>>() {
            members.remove("oneOf");
            members.insert("enum".to_owned(), Value::Array(values.concat()));
        }
    }
    without_null(schema);
    match schema {
        Value::Object(members) => members.values_mut().for_each(name_choices),
        Value::Array(items) => items.iter_mut().for_each(name_choices),
        _ => {}
    }
}

/// What may be absent is in the schema what may be null, which TOML has not; without it the complaint is
/// about what was meant.
fn without_null(schema: &mut Value) {
    let Value::Object(members) = schema else { return };
    let Some(Value::Array(choices)) = members.get_mut("anyOf") else { return };
    choices.retain(|choice| choice.get("type") != Some(&Value::from("null")));
    if let [Value::Object(only)] = choices.as_mut_slice() {
        let only = std::mem::take(only);
        members.remove("anyOf");
        members.extend(only);
    }
}

/// Every property name of a schema, for suggestions.
fn property_names(schema: &Value) -> Vec<String> {
    let mut names = Vec::new();
    match schema {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get("properties") {
                names.extend(properties.keys().cloned());
            }
            names.extend(members.values().flat_map(property_names));
        }
        Value::Array(items) => names.extend(items.iter().flat_map(property_names)),
        _ => {}
    }
    names
}
