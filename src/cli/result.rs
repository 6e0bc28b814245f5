//! How a command ends.

pub type CliResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;
