//! Reads the arguments and hands over to `hufu::cli`.

use std::process::ExitCode;

use hufu::cli::result::{is_closed_pipe, remark};

#[tokio::main]
async fn main() -> ExitCode {
    match hufu::cli::run().await {
        Ok(()) => ExitCode::SUCCESS,
        // As a shell tells of who was ended by a closed pipe.
        Err(error) if is_closed_pipe(&error) => ExitCode::from(141),
        Err(error) => {
            remark(format_args!("hufu: {error}"));
            ExitCode::FAILURE
        }
    }
}
