//! `volte preview`: looks on at a console that runs, from anywhere: says whether it answers, and which page a producer opens.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context as _, bail};

/// What it takes.
#[derive(Debug, clap::Args)]
#[command(long_about = ABOUT)]
pub struct Args {
    /// Where the console listens: the `http` of its show file's [control].
    #[arg(value_name = "ADDRESS:PORT")]
    console: String,
    /// The show's token, where it has one.
    // In the environment, so that the list of processes does not show it.
    #[arg(long, value_name = "TOKEN", env = "VOLTE_CONTROL_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

const ABOUT: &str = "\
Look on as a producer: PRV and PGM as they are, an orbit of your own at the prepared instant, stars and notes on events.

It is a page that the console serves (docs/control.md); this command asks the console whether it answers, says how the show stands, and prints the address to \
open in a browser. Nothing here can disturb the operator.";

/// Runs it.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let host = args.console.trim_start_matches("http://").trim_end_matches('/');
    let unreachable = || format!("no console answers at {host}. Its show file needs [control] and http = \"ADDRESS:PORT\"");
    let mut stream = TcpStream::connect(host).with_context(unreachable)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let token = args.token.as_ref().map_or_else(String::new, |token| format!("X-Volte-Token: {token}\r\n"));
    write!(stream, "GET /api/state HTTP/1.1\r\nHost: {host}\r\n{token}\r\n").with_context(unreachable)?;
    let mut answer = Vec::new();
    stream.take(4 << 20).read_to_end(&mut answer).with_context(unreachable)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").with_context(|| format!("{host} answers, but not as a console does"))?;
    let state: serde_json::Value = serde_json::from_str(body).with_context(|| format!("{host} answers, but not as a console does"))?;
    if !head.starts_with("HTTP/1.1 200") {
        bail!("{}", state["error"].as_str().unwrap_or("the console refuses"));
    }
    let count = |key: &str| state[key].as_array().map_or(0, Vec::len);
    println!("{}: {} cameras, {} events", state["phase"].as_str().unwrap_or("?"), count("cameras"), count("events"));
    println!("open in a browser: http://{host}/{}", if args.token.is_some() { "?token=…" } else { "" });
    Ok(())
}
