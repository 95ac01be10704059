//! The command line, nothing more.

use std::process::ExitCode;

fn main() -> ExitCode {
    keyway::cli::main(std::env::args_os())
}
