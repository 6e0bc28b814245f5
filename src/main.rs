//! Reads the arguments and hands over to `hufu::cli`.

fn main() {}
