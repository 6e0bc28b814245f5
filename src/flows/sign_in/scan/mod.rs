//! Scanning: a code in the browser, and the phone, the other operator's application or the face that
//! answers it.

pub mod claim;
pub mod code;
pub mod face;
pub mod foreign_app;
pub mod matter;
pub mod tax_app;
