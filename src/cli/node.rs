//! `volte node`: capture and ring of some cameras on a machine of their own, served to the console's machine.

use std::{io::Write as _, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use volte::{
    capture::{CaptureSession, NodeServer, PretendClock},
    engine::production::NodeProduction,
    link::LinkKey,
};

/// What `volte node` takes.
#[derive(Debug, clap::Args)]
#[command(long_about = ABOUT, after_help = EXAMPLES)]
pub struct Args {
    /// The node's file: its [node] key and its [[feeds]].
    #[arg(value_name = "SHOW.toml", required_unless_present = "new_key")]
    show: Option<PathBuf>,
    /// Print a new key, for `key` in the node's file and in the console's; nothing else happens.
    #[arg(long, conflicts_with = "show")]
    new_key: bool,
    /// Listen there instead of where the file says; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// End after so many seconds.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: Option<u64>,
    /// For tests: a clock that is off by so many milliseconds.
    #[arg(long, hide = true, allow_negative_numbers = true, default_value_t = 0.0)]
    pretend_offset_ms: f64,
    /// For tests: and runs too fast by so many parts per million.
    #[arg(long, hide = true, allow_negative_numbers = true, default_value_t = 0.0)]
    pretend_ppm: f64,
}

const ABOUT: &str = "\
Capture some cameras on this machine for a console on another one (docs/nodes.md).

The cameras' past stays here, in memory and on disk; the console fetches what it shows. A node goes on recording when the \
console or the way to it is gone, and is found again by itself.";

const EXAMPLES: &str = "\
Examples:
  volte node --new-key                         a key, for both files
  volte node east.toml                         run the node
  volte open final.toml                        on the other machine: final.toml has a [[nodes]] table with the same key";

/// Runs it.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let Some(path) = args.show.as_ref().filter(|_| !args.new_key) else {
        println!("{}", LinkKey::random().context("this machine has no source of randomness")?.to_hex());
        return Ok(());
    };
    let (_, production) = super::without_mistakes(path, NodeProduction::examine)?;
    let NodeProduction { specs, capture, mut server } = production.context("it is not the file of a node")?;
    if let Some(listen) = &args.listen {
        server.listen.clone_from(listen);
    }
    server.pretend = PretendClock { offset_nanos: (args.pretend_offset_ms * 1e6) as i64, ppm: args.pretend_ppm };
    let cancel = super::cancelled_by_ctrl_c()?;
    let session = Arc::new(CaptureSession::start(capture, &specs)?);
    let node = NodeServer::start(Arc::clone(&session), &server)?;
    let names: Vec<&str> = specs.iter().map(|s| s.name.as_str()).collect();
    say(&format!("listening at {}: {}", node.address(), names.join(", ")));
    let until = args.seconds.map(|s| session.house_now().plus_nanos(s as i64 * 1_000_000_000));
    let mut consoles = 0;
    while !cancel.is_cancelled() && until.is_none_or(|until| session.house_now() < until) {
        std::thread::sleep(Duration::from_millis(50));
        if node.consoles() != consoles {
            consoles = node.consoles();
            say(&format!("{consoles} console{} connected", if consoles == 1 { "" } else { "s" }));
        }
    }
    Ok(())
}

/// Prints a line. Whoever listened to it may have gone: the cameras are recorded all the same.
fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").ok();
}
