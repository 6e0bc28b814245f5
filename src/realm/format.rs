//! One way to write a realm file: `key = value`, one empty line between tables, no space at the
//! end of a line. Comments and the order stay as their author wrote them.

use toml_edit::visit_mut::{VisitMut, visit_table_like_kv_mut, visit_table_mut};
use toml_edit::{DocumentMut, Item, KeyMut, Table, Value};

/// `None`: not TOML; `hufu realm validate` says where.
pub fn format(text: &str) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    Formatter.visit_document_mut(&mut document);
    let trailing = tidy(document.trailing().as_str().unwrap_or_default(), false);
    document.set_trailing(trailing);
    let lines: Vec<String> = document.to_string().lines().map(str::to_owned).collect();
    let text = lines.join("\n");
    Some(format!("{}\n", text.trim()))
}

struct Formatter;

impl VisitMut for Formatter {
    fn visit_table_mut(&mut self, table: &mut Table) {
        let is_root = table.position().is_none_or(|position| position == 0);
        let prefix = table.decor().prefix().and_then(|raw| raw.as_str()).unwrap_or_default();
        let prefix = tidy(prefix, !is_root);
        table.decor_mut().set_prefix(prefix);
        visit_table_mut(self, table);
    }

    fn visit_table_like_kv_mut(&mut self, mut key: KeyMut<'_>, item: &mut Item) {
        if let Item::Value(value) = item {
            let before = key.leaf_decor().prefix().and_then(|raw| raw.as_str());
            let before = tidy(before.unwrap_or_default(), false);
            if !before.trim().is_empty() || !matches!(value, Value::InlineTable(_)) {
                key.leaf_decor_mut().set_prefix(before);
            }
            key.leaf_decor_mut().set_suffix(" ");
            let comment = value.decor().suffix().and_then(|raw| raw.as_str()).unwrap_or_default();
            let comment = comment.trim();
            let suffix = if comment.is_empty() { String::new() } else { format!(" {comment}") };
            value.decor_mut().set_prefix(" ");
            value.decor_mut().set_suffix(suffix);
            if matches!(value, Value::InlineTable(_) | Value::Array(_)) {
                return;
            }
        }
        visit_table_like_kv_mut(self, key, item);
    }
}

/// Comments and single empty lines stay; `apart` begins with an empty line.
fn tidy(space: &str, apart: bool) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in space.lines().map(str::trim) {
        let doubled = line.is_empty() && lines.last().is_none_or(|last| last.is_empty());
        if !doubled {
            lines.push(line);
        }
    }
    let mut tidied = lines.join("\n");
    if !tidied.is_empty() && !tidied.ends_with('\n') {
        tidied.push('\n');
    }
    if space.starts_with('\n') && !apart && !tidied.starts_with('\n') {
        tidied.insert(0, '\n');
    }
    if apart { format!("\n{}", tidied.trim_start_matches('\n')) } else { tidied }
}
