//! `volte bench cameras`: how many cameras this machine can take.

use std::{io::Write as _, path::PathBuf, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use volte::{
    engine::bench::cameras::{self, CamerasOptions, CamerasReport, Event, Footage, Step},
    ring::RingConfig,
    time::FrameRate,
};

/// What `volte bench cameras` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct CamerasArgs {
    /// Footage that stands for the cameras, taken in turn. Without it a moving picture is made and encoded (H.264).
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["size", "rate"])]
    footage: Vec<PathBuf>,
    /// Size of the picture that is made, px.
    #[arg(long, value_name = "WxH", default_value = "1920x1080", value_parser = parse_size)]
    size: (u32, u32),
    /// Pictures per second of the picture that is made.
    #[arg(long, value_name = "FPS", default_value = "60")]
    rate: FrameRate,
    /// Cameras at most.
    #[arg(long, value_name = "N", default_value_t = 64)]
    max: usize,
    /// How long each step is looked at, seconds.
    #[arg(long, value_name = "S", default_value_t = 5.0)]
    seconds: f64,
    /// Memory for the cameras' history, MiB.
    #[arg(long, value_name = "MIB", default_value_t = 2048)]
    ring_mb: u64,
    /// How far back memory must reach, seconds.
    #[arg(long, value_name = "S", default_value_t = 30.0, allow_negative_numbers = true)]
    history: f64,
    /// Record to disk as well: into a new folder below this one, which is removed again.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Without the multiview's small pictures.
    #[arg(long)]
    no_multiview: bool,
}

const EXAMPLES: &str = "\
Examples:
  volte bench cameras                                   1920x1080 at 60 frames/s
  volte bench cameras --size 3840x2160 --rate 50 --record /media/ssd
  volte bench cameras --footage cam01.mp4 cam02.mp4     what your own cameras send

Part of it: capture, memory, multiview and (with --record) the disk. Not part of it: the network, and synthesis.";

fn parse_size(text: &str) -> Result<(u32, u32), String> {
    let (w, h) = text.split_once(['x', '×']).ok_or("a size is written as 1920x1080")?;
    let side = |text: &str| text.parse().map_err(|e| format!("{text:?} is no number of pixels ({e}); a size is written as 1920x1080"));
    Ok((side(w)?, side(h)?))
}

/// Runs it.
pub fn run(args: CamerasArgs) -> anyhow::Result<()> {
    anyhow::ensure!(args.ring_mb > 0 && args.ring_mb <= 1 << 22, "a ring of {} MiB is none; give 1 to 4194304 as --ring-mb", args.ring_mb);
    let footage =
        if args.footage.is_empty() { Footage::Made { size_px: args.size, rate: args.rate } } else { Footage::Files(args.footage) };
    let options = CamerasOptions {
        footage,
        max: args.max,
        seconds: args.seconds,
        ring: RingConfig { budget_bytes: args.ring_mb << 20, ..RingConfig::default() },
        history_secs: args.history,
        record: args.record,
        multiview: !args.no_multiview,
    };
    let cancel = super::cancelled_by_ctrl_c()?;
    let bar =
        ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{spinner} {msg}  {elapsed} (Ctrl-C: what is known so far)")?);
    bar.enable_steady_tick(Duration::from_millis(250));
    let mut tell = |event: Event<'_>| match event {
        Event::Preparing => bar.set_message("preparing the source"),
        Event::Prepared(words) => bar.suspend(|| say(&format!("Each camera sends\n  {}\n\n{HEADER}", words.join("\n  ")))),
        Event::Begins(cameras) => bar.set_message(format!("{cameras} cameras")),
        Event::Done(step) => bar.suspend(|| say(&row(step))),
    };
    let measured = cameras::measure(&options, &cancel, &mut tell);
    bar.finish_and_clear();
    say(&verdict(&measured?, &options));
    Ok(())
}

/// A line at once, also into a pipe; a reader that has gone needs no lines.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).ok();
}

const HEADER: &str = "cameras  frames/s  of sent  dropped   late  worst delay  this program  all programs  memory/camera";

fn row(step: &Step) -> String {
    let arrived = step.arrived as f64 / step.secs;
    let share = |share: Option<f64>| share.map_or_else(|| "?".to_owned(), |share| format!("{:.1} %", share * 100.0));
    let memory = step.resident_per_camera.map_or_else(|| "?".to_owned(), |bytes| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)));
    let disk = if step.disk_dropped > 0 { format!(" ({} on disk)", step.disk_dropped) } else { String::new() };
    format!(
        "{:>7}  {arrived:>8.0}  {:>5.1} %  {:>7}  {:>5}  {:>8.0} ms  {:>12}  {:>12}  {memory:>13}  {}{disk}",
        step.cameras,
        100.0 * arrived / step.sent_per_sec,
        step.dropped,
        step.late,
        step.worst_delay_nanos as f64 * 1e-6,
        share(step.own_share),
        share(step.machine_share),
        step.trouble.map_or_else(|| "well".to_owned(), |trouble| trouble.to_string()),
    )
}

fn verdict(report: &CamerasReport, options: &CamerasOptions) -> String {
    let n = report.cameras;
    let cameras = match n {
        0 => "no camera".to_owned(),
        1 => "1 camera".to_owned(),
        n => format!("{n} cameras"),
    };
    let best = report.steps.iter().rfind(|step| step.cameras == n && step.trouble.is_none());
    let history = best.map_or_else(String::new, |step| {
        format!(
            "\nWith {cameras} a ring of {} MiB reaches {:.0} s back when it is full.",
            options.ring.budget_bytes >> 20,
            step.history_secs
        )
    });
    match &report.limit {
        _ if report.stopped => format!("\nStopped early. So far: {cameras} went well.{history}"),
        Some(limit) => format!("\nThis machine takes {cameras}. The limit is {limit}.{history}"),
        None => format!("\nThis machine takes {cameras} at least: no limit was found. Raise --max to find it.{history}"),
    }
}
