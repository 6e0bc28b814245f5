//! What stands above a form that was refused: what happened, at which fields, and the stable code.

use std::collections::BTreeMap;

use serde::Serialize;

/// A refusal above a form. `templates/notice.html` shows it, `templates/field/` what of it belongs to one
/// field.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Notice {
    /// The stable code, for help desks and tests.
    pub code: String,
    pub text: String,
    /// Seconds after which it is worth trying again.
    pub retry_after: Option<i64>,
    /// What the summary links to, in the order of the form.
    pub fields: Vec<WrongField>,
    /// The same by the field's id.
    pub at: BTreeMap<String, String>,
    /// The field that the page begins at; empty where there is none.
    pub first: String,
}

/// A field that is empty or malformed.
#[derive(Clone, Debug, Serialize)]
pub struct WrongField {
    /// Of its element.
    pub id: String,
    pub text: String,
}

impl Notice {
    /// Says at these fields what is wrong there: (id of the element, text).
    #[must_use]
    pub fn at_fields(mut self, fields: impl IntoIterator<Item = (String, String)>) -> Self {
        self.fields = fields.into_iter().map(|(id, text)| WrongField { id, text }).collect();
        let pairs = self.fields.iter().map(|field| (field.id.clone(), field.text.clone()));
        self.at = pairs.collect();
        self.first = self.fields.first().map(|field| field.id.clone()).unwrap_or_default();
        self
    }

    /// For a page whose field stands under another id.
    #[must_use]
    pub fn with_field(self, field: &str, id: &str) -> Self {
        let fields = self.fields.clone().into_iter();
        let moved =
            |one: WrongField| (if one.id == field { id.to_owned() } else { one.id }, one.text);
        self.at_fields(fields.map(moved))
    }
}
