//! `volte rig`: read, check, draw and convert calibrations.

use std::path::PathBuf;

/// What `volte rig` takes.
#[derive(Debug, clap::Subcommand)]
pub enum Args {
    /// Print and draw a rig, and name what is wrong with it and the remedy.
    Check {
        /// The calibration, in any format that Volte reads.
        rig: PathBuf,
    },
    /// Read a rig of any format and write it as `rig.toml`.
    Convert {
        /// The calibration, in any format that Volte reads.
        rig: PathBuf,
        /// The file to write.
        out: PathBuf,
    },
}

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<()> {
    match args {
        Args::Check { rig } | Args::Convert { rig, out: _ } => {
            anyhow::bail!("cannot read {}: `volte rig` is not in this build yet", rig.display())
        }
    }
}
