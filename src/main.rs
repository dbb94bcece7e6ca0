//! The `volte` binary: command line only; everything else is the library.

mod cli;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let arguments = cli::Cli::parse();
    cli::one_arena();
    cli::log_to_stderr(arguments.verbose);
    match cli::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("volte: {}", cli::chain(&problem));
            ExitCode::FAILURE
        }
    }
}
