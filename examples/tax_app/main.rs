//! The demo tax application.
fn main() {}
