//! Coming in by an enterprise's certificate: the challenge that its key signs, what the certificate is
//! worth, whether it was revoked, and which of the enterprise's handlers comes (C-01 to C-10).
//!
//! A certificate proves the enterprise and not the person (DEC-10): the session that it leads to says
//! so by its `amr`, and what is the person's own asks for more (`domain::session`).

pub mod asking;
pub mod handlers;
mod held;
pub mod lists;
pub mod pins;
mod revocation;
pub mod sign_in;
pub mod trial;
pub mod worth;

pub use held::HeldLists;
