//! In whose name: the identities of a person as they stand now, and the move of a session from one to
//! another.

pub mod choices;
pub mod load;
pub mod records;
pub mod switch;
