//! The program `sotto`.

use std::process::ExitCode;

fn main() -> ExitCode {
    sotto::run(std::env::args_os())
}
