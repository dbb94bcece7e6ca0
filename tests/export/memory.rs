//! A long export takes no more memory than a short one.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use crate::stage;

/// The most memory that an export of so many frames had resident, MiB. (Looked at while it runs: what its last milliseconds took is missed.)
fn peak_mib(folder: &std::path::Path, frames: u32) -> f64 {
    let seconds = f64::from(frames) / 25.0;
    let arguments = format!(
        "export --pictures pictures --rig rig.toml --quality draft --depth-size 96 --size 64x64 --rate 25 --hold 0 --seconds {seconds} --out {frames}.mp4"
    );
    let mut child = Command::new(env!("CARGO_BIN_EXE_volte"))
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0.0;
    loop {
        // One who has ended, but was not waited for, has no memory.
        let told = std::fs::read_to_string(&status).unwrap_or_default();
        if let Some(line) = told.lines().find(|line| line.starts_with("VmHWM:")) {
            peak_kib = line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap();
        }
        if let Some(ended) = child.try_wait().unwrap() {
            assert!(ended.success(), "volte {arguments}: {ended}");
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(folder.join(format!("{frames}.mp4")).is_file());
    peak_kib / 1024.0
}

#[test]
fn a_long_export_takes_no_more_memory_than_a_short_one() {
    let folder = tempfile::tempdir().unwrap();
    stage::written(folder.path(), &stage::rig(0.0), glam::DVec3::ZERO);
    let (short, long) = (peak_mib(folder.path(), 25), peak_mib(folder.path(), 175));
    eprintln!("25 frames {short:.0} MiB, 175 frames {long:.0} MiB");
    // A software driver that compiled one pass anew for each of its dispatches kept 1.6 MiB of every frame: 240 here.
    assert!(long < short + 60.0, "25 frames took {short:.0} MiB, 175 frames {long:.0} MiB");
}
