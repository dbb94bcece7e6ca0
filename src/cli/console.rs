//! `volte console`: the operator's console.

/// What `volte console` takes.
#[derive(Debug, Default, clap::Args)]
pub struct Args {}

/// Runs it.
pub fn run(_args: Args) -> anyhow::Result<()> {
    anyhow::bail!("`volte console` is not in this build yet")
}
