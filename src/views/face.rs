//! What of a realm's own face stands on every page.

use serde::Serialize;

/// The realm's face in the reader's language, as it is today.
#[derive(Clone, Debug, Serialize)]
pub struct Face {
    /// A name among the realm's assets.
    pub logo: String,
    /// There is a style sheet with the realm's colours.
    pub is_coloured: bool,
    /// The number of the help desk.
    pub support: Option<String>,
    /// Organiser, licence and registration numbers, site code.
    pub lines: Vec<String>,
    /// There is an accessibility statement.
    pub has_statement: bool,
    /// What the sign-in page announces.
    pub announcements: Vec<String>,
    /// What is said above every page while work is done.
    pub maintenance: Option<String>,
}

impl Default for Face {
    fn default() -> Self {
        Self {
            logo: "tiger.svg".to_owned(),
            is_coloured: false,
            support: None,
            lines: Vec::new(),
            has_statement: false,
            announcements: Vec::new(),
            maintenance: None,
        }
    }
}

/// A text of a realm with the one value that it may hold.
pub fn with_value(text: &str, n: Option<&str>) -> String {
    n.map_or_else(|| text.to_owned(), |n| text.replace("{ $n }", n))
}
