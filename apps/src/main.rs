//! The program `sotto`.

use std::process::ExitCode;

fn main() -> ExitCode {
    sotto::cli::run(std::env::args_os())
}
