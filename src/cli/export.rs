//! `volte export`: pictures or footage, a rig and a path in; a video or a sequence of pictures out.

/// What `volte export` takes.
#[derive(Debug, Default, clap::Args)]
pub struct Args {}

/// Runs it.
pub fn run(_args: Args) -> anyhow::Result<()> {
    anyhow::bail!("`volte export` is not in this build yet")
}
