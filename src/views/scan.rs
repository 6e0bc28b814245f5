//! A code that a phone scans, as pages show it.

use serde::Serialize;

/// A code to scan, with what its page holds beside it.
#[derive(Debug, Serialize)]
pub struct ScanView {
    pub app: String,
    pub svg: String,
    /// What the code says: a page that any phone can open.
    pub href: String,
    /// How it stands: `new`, `scanned` or `confirmed`.
    pub state: &'static str,
    /// Whose phone has scanned it, masked.
    pub name: Option<String>,
    /// To be typed on the phone that has scanned it.
    pub number: Option<u8>,
    pub id: String,
    pub verifier: String,
    pub transaction: String,
    /// The door that is open beside it; empty at the second factor.
    pub entrance: String,
    /// The page with this code, or the next one.
    pub again: String,
    /// Where the page asks how it stands.
    pub asks: String,
    /// Where its form goes.
    pub action: String,
}
