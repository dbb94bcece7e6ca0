//! `volte demo`: the built-in venue as live feeds, in the console or, headless, into a file.

use super::console::Desk;

/// What `volte demo` takes.
#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub desk: Desk,
}

/// Runs it.
pub fn run(_args: Args) -> anyhow::Result<()> {
    anyhow::bail!("`volte demo` is not in this build yet")
}
