//! The command line as a user meets it: help that teaches, and for bad input a clear word on standard error, a failing
//! status, no panic and no half-written file.
#![cfg(all(feature = "console", feature = "gstreamer"))]

use std::{path::Path, process::Command};

struct Outcome {
    ok: bool,
    out: String,
    err: String,
}

fn volte(arguments: &[&str]) -> Outcome {
    let output = Command::new(env!("CARGO_BIN_EXE_volte"))
        .args(arguments)
        .env_remove("RUST_BACKTRACE")
        .env_remove("RUST_LOG")
        .stdin(std::process::Stdio::null())
        .output()
        .expect("the binary starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Outcome { ok: output.status.success(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// Runs what must fail, and checks that the failure is civil: status 1 or 2, a message that names `named`, no panic.
#[track_caller]
fn refuses(arguments: &[&str], named: &str) -> String {
    let outcome = volte(arguments);
    // `rig check` prints its findings on standard output and the verdict on standard error.
    let told = format!("{}{}", outcome.out, outcome.err);
    assert!(!outcome.ok, "volte {arguments:?} succeeded: {}", outcome.out);
    assert!(!told.contains("panicked"), "volte {arguments:?} panicked: {told}");
    assert!(told.contains(named), "volte {arguments:?} does not name {named:?}: {told}");
    told
}

#[test]
fn help_teaches() {
    let help = volte(&["--help"]);
    assert!(help.ok);
    for word in ["console", "demo", "export", "rig", "devices", "volte rig check"] {
        assert!(help.out.contains(word), "--help does not say {word:?}: {}", help.out);
    }
    for command in
        [&["console"][..], &["demo"], &["export"], &["rig"], &["rig", "check"], &["rig", "convert"], &["devices"], &["bench", "pictures"]]
    {
        let help = volte(&[command, &["--help"]].concat());
        assert!(help.ok && help.out.len() > 80, "{command:?}: {}", help.out);
    }
    assert!(volte(&["--version"]).out.contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn devices_are_listed() {
    let devices = volte(&["devices"]);
    assert!(devices.ok, "{}", devices.err);
    for word in ["GPUs", "Cameras", "encode H.264"] {
        assert!(devices.out.contains(word), "no {word:?} in {}", devices.out);
    }
}

#[test]
fn nonsense_is_refused() {
    refuses(&["orbit"], "orbit");
    refuses(&["rig", "check"], "RIG");
    refuses(&["--no-such-flag"], "--no-such-flag");
}

#[test]
fn a_bench_without_data_says_what_is_missing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (data, out) = (folder.path().join("data"), folder.path().join("out"));
    let (data, out) = (data.to_str().expect("plain name"), out.to_str().expect("plain name"));
    let told = refuses(&["bench", "pictures", "--data", data, "--out", out], "VOLTE_DATA");
    assert!(told.contains("\"fox\"") && told.contains("--only"), "{told}");
    refuses(&["bench", "pictures", "--data", data, "--only", "unicorn"], "unicorn");
    refuses(&["bench", "pictures", "--data", data, "--sets", "/nowhere/mine.toml"], "/nowhere/mine.toml");
    assert!(!Path::new(out).exists(), "a bench that cannot run left a folder");
}

#[test]
fn a_rig_that_is_not_there_is_named() {
    assert!(refuses(&["rig", "check", "/nowhere/rig.toml"], "/nowhere/rig.toml").lines().count() < 3, "one line is enough");
}

#[test]
fn files_that_are_no_rig_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("writes");
        path.to_str().expect("plain name").to_owned()
    };
    for (name, bytes) in [
        ("empty.json", &b""[..]),
        ("empty.toml", b""),
        ("cut.json", b"{\"frames\": [{\"file_path\": \"a.jpg\", \"transform_matr"),
        ("wrong.json", b"{\"answer\": 42}"),
        ("noise.bin", &[0xFF, 0x00, 0xD8, 0x80, 0x12]),
        ("words.txt", b"this is no calibration\n"),
        ("huge_count_par.txt", b"99999999999999999999 a b c\n"),
        ("nan_par.txt", b"1\na.png nan 0 0 0 1 0 0 0 1 1 0 0 0 1 0 0 0 1 0 0 1\n"),
    ] {
        refuses(&["rig", "check", &write(name, bytes)], name);
    }
    let out = folder.path().join("out.toml");
    refuses(&["rig", "convert", &write("bad.json", b"[]"), out.to_str().expect("plain name")], "bad.json");
    assert!(!Path::new(&out).exists(), "a failed conversion left a file");
}
