//! The `briefwire` binary: reads the command line, starts the log, and does what was asked.

use std::io::IsTerminal;
use std::process::ExitCode;

use briefwire::cli::Cli;
use clap::Parser;
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let wanted = std::env::var("BRIEFWIRE_LOG").unwrap_or_else(|_| "info".to_owned());
    let filter = EnvFilter::try_new(&wanted).unwrap_or_else(|error| {
        eprintln!("briefwire: BRIEFWIRE_LOG={wanted} is not understood ({error}); info is taken instead");
        EnvFilter::new("info")
    });
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    cli.run().unwrap_or_else(|error| {
        eprintln!("briefwire: {error}");
        ExitCode::FAILURE
    })
}
