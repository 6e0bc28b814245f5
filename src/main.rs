//! Reads the arguments and hands over to `hufu::cli`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match hufu::cli::run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hufu: {error}");
            ExitCode::FAILURE
        }
    }
}
