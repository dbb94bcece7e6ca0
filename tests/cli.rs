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
    for word in ["console", "open", "show", "demo", "export", "rig", "devices", "volte rig check"] {
        assert!(help.out.contains(word), "--help does not say {word:?}: {}", help.out);
    }
    for command in [
        &["console"][..],
        &["open"],
        &["show", "check"],
        &["demo"],
        &["export"],
        &["rig"],
        &["rig", "check"],
        &["rig", "convert"],
        &["devices"],
        &["bench", "pictures"],
        &["bench", "venue"],
        &["bench", "cameras"],
    ] {
        let help = volte(&[command, &["--help"]].concat());
        assert!(help.ok && help.out.len() > 80, "{command:?}: {}", help.out);
    }
    assert!(volte(&["--version"]).out.contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn devices_are_listed() {
    let devices = volte(&["devices"]);
    assert!(devices.ok, "{}", devices.err);
    for word in ["GPUs", "Cameras", "encode H.264", "rtsp://", "rtspsrc", "ndi:NAME"] {
        assert!(devices.out.contains(word), "no {word:?} in {}", devices.out);
    }
    // Each use by what it really takes.
    assert!(devices.out.contains("exports and pushed pictures, always in software"), "{}", devices.out);
    assert!(devices.out.contains("for program outputs: hardware first"), "{}", devices.out);
    assert!(!devices.out.contains("not used yet"), "{}", devices.out);
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
fn cameras_are_added_until_memory_is_too_small() {
    let disk = tempfile::tempdir().expect("a temporary folder");
    let record = disk.path().to_str().expect("plain name");
    let bench = |more: &[&str]| {
        let common = ["bench", "cameras", "--size", "64x48", "--rate", "30", "--seconds", "1", "--max", "3", "--record", record];
        let outcome = volte(&[&common[..], more].concat());
        assert!(outcome.ok, "{}", outcome.err);
        outcome.out
    };
    // The first step always has its row; what a busy machine makes of the others is judged elsewhere (engine::bench::cameras).
    let out = bench(&["--history", "0"]);
    assert!(out.contains("H.264 64×48, 30.00 frames/s"), "{out}");
    let rows: Vec<Vec<&str>> = out.lines().map(|l| l.split_whitespace().collect::<Vec<_>>()).filter(|w| w.contains(&"MiB")).collect();
    let first: (usize, f64) = (rows[0][0].parse().unwrap(), rows[0][1].parse().unwrap());
    assert!(first.0 == 1 && (15.0..=33.0).contains(&first.1), "one camera of 30 frames per second: {out}");
    assert!(out.contains("This machine takes"), "{out}");
    // An hour of video does not fit into 1 MiB: that is said after one step, whatever the machine.
    let out = bench(&["--ring-mb", "1", "--history", "3600"]);
    assert!(out.contains("takes no camera. The limit is the memory budget") && out.contains("--ring-mb"), "{out}");
    assert_eq!(out.lines().filter(|l| l.contains("memory too small")).count(), 1, "{out}");
    assert_eq!(std::fs::read_dir(disk.path()).unwrap().count(), 0, "the recordings of the bench were left");
}

#[test]
fn a_bench_of_cameras_refuses_nonsense() {
    for (arguments, named) in [
        (&["--max", "0"][..], "--max"),
        (&["--seconds", "nan"], "--seconds"),
        (&["--size", "wide"], "1920x1080"),
        (&["--size", "63x48"], "63×48"),
        (&["--rate", "0"], "--rate"),
        (&["--ring-mb", "0"], "--ring-mb"),
        (&["--history", "-1"], "--history"),
        (&["--footage", "no/such/file.mp4"], "no/such/file.mp4"),
        (&["--footage", "Cargo.toml"], "Cargo.toml"),
        (&["--footage", "a.mp4", "--size", "64x48"], "--size"),
    ] {
        refuses(&[&["bench", "cameras"], arguments].concat(), named);
    }
    let disk = tempfile::tempdir().expect("a temporary folder");
    let file = disk.path().join("file");
    std::fs::write(&file, "no folder").expect("writes");
    refuses(&["bench", "cameras", "--record", file.to_str().expect("plain name")], "file");
}

#[test]
fn a_recording_folder_is_listed_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("holiday.mp4"), "no recording").unwrap();
    std::fs::write(folder.path().join("journal.jsonl"), "{\"keep\":{\"id\":1,\"from\":0,\"until\":5000000000,\"data\":null}}\n{\"ke")
        .unwrap();
    let out = volte(&["recordings", folder.path().to_str().unwrap()]).out;
    for word in ["0 files", "1 events", "1 files are none of these", "1 lines of the journal"] {
        assert!(out.contains(word), "{word:?} is not in {out}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    let told = refuses(&["recordings", "no/such/folder"], "no/such/folder");
    assert!(told.contains("cannot be read") && !told.contains("write"), "{told}");
}

#[test]
fn a_folder_without_a_recording_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    assert!(!refuses(&["recordings", path], "no recording here").contains("1970"));
    std::fs::write(folder.path().join("holiday.mp4"), "no recording").unwrap();
    refuses(&["recordings", path], "1 files of others");
}

#[cfg(unix)]
#[test]
fn a_pipe_in_a_recording_folder_holds_up_nobody() {
    use volte::ring::disk::{DiskConfig, DiskStore};
    for name in ["journal.jsonl", "volte.lock", "cam01_0.mp4"] {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join(name);
        assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
        let (sent, answer) = crossbeam::channel::bounded(1);
        let at = folder.path().to_owned();
        let thread = std::thread::Builder::new().name("looks".to_owned()).spawn(move || {
            let look = DiskStore::look(&at).map(|_| ()).map_err(|e| e.to_string());
            let open = DiskStore::open(DiskConfig::new(&at, 1 << 20), 0).map(|_| ()).map_err(|e| e.to_string());
            sent.send((look, open))
        });
        thread.expect("a thread");
        let (look, open) = answer.recv_timeout(std::time::Duration::from_secs(20)).unwrap_or_else(|_| panic!("{name} hangs"));
        assert_eq!((look.is_err(), open.is_err()), (name == "journal.jsonl", name != "cam01_0.mp4"), "{name}: {look:?} {open:?}");
        assert!(open.err().is_none_or(|e| e.contains(name)));
    }
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

#[test]
fn faults_of_the_venue_are_asked_for_by_name() {
    for (fault, named) in
        [("cam04", "cam04"), ("cam04:hiccups=3", "hiccups=3"), ("cam04:dies=soon", "dies=soon"), ("cam99:dies=5s", "cam99")]
    {
        refuses(&["demo", "--headless", "--fault", fault], named);
        refuses(&["venue", "export", "--out", "/nowhere/hall", "--fault", fault], named);
    }
    refuses(&["venue", "export", "--out", "/nowhere/hall", "--fault", "all:drop=0.1"], "volte demo --fault");
    refuses(&["demo", "--headless", "--dies", "17:5"], "16 cameras");
    for command in [&["demo", "--help"][..], &["venue", "export", "--help"]] {
        let help = volte(command).out;
        assert!(help.contains("--fault") && help.contains("all:") && help.contains("calibration"), "{help}");
    }
}

/// A rig of three cameras as transforms.json; `matrix` changes the rotation of the first.
fn rig_file(folder: &Path, name: &str, matrix: impl Fn(&mut [[f64; 4]; 4])) -> String {
    let frames: Vec<String> = (0..3)
        .map(|i| {
            let a = 0.1 * f64::from(i);
            let (s, c) = a.sin_cos();
            // OpenGL axes: right, up, back; the cameras look at the origin from 3 m.
            let mut m = [[-s, 0.0, c, 3.0 * c], [c, 0.0, s, 3.0 * s], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]];
            if i == 0 {
                matrix(&mut m);
            }
            format!("{{\"file_path\": \"cam{i}.png\", \"transform_matrix\": {m:?}}}")
        })
        .collect();
    let text = format!("{{\"w\": 640, \"h\": 360, \"fl_x\": 500, \"cx\": 320, \"cy\": 180, \"frames\": [{}]}}", frames.join(","));
    let path = folder.join(name);
    std::fs::write(&path, text).expect("writes");
    path.to_str().expect("plain name").to_owned()
}

#[test]
fn conversions_do_not_replace_what_is_there() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let rig = rig_file(folder.path(), "rig.json", |_| ());
    let path = |name: &str| folder.path().join(name).to_str().expect("plain name").to_owned();
    for (to, out) in [("rig.toml", "a.toml"), ("transforms", "a.json"), ("colmap", "sparse")] {
        let out = path(out);
        let convert = ["rig", "convert", &rig, &out, "--to", to];
        let first = volte(&convert);
        assert!(first.ok, "{}", first.err);
        assert!(volte(&["rig", "check", &out]).ok, "{out}");
        refuses(&convert, "--overwrite");
        assert!(volte(&[&convert[..], &["--overwrite"]].concat()).ok, "{to}");
    }
    refuses(&["rig", "convert", &rig, &path("a.toml"), "--to", "colmap", "--overwrite"], "a folder");
    refuses(&["rig", "convert", &rig, &path("sparse"), "--overwrite"], "is a folder");
    std::fs::write(path("volte.mp4"), "mine").expect("writes");
    refuses(&["demo", "--headless", "--out", &path("volte.mp4")], "--overwrite");
    assert_eq!(std::fs::read(path("volte.mp4")).expect("it is there"), b"mine");
}

#[test]
fn matrices_that_are_no_rotations_are_refused_when_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out.toml");
    let sheared = rig_file(folder.path(), "sheared.json", |m| m.iter_mut().for_each(|row| row[0] *= 1.3));
    for arguments in [&["rig", "check", &sheared][..], &["rig", "convert", &sheared, out.to_str().expect("plain name")]] {
        assert!(refuses(arguments, "cam0").contains("stretches or shears"));
    }
    // A scale of the whole matrix and two digits after the point are no fault.
    let scaled = rig_file(folder.path(), "scaled.json", |m| m[..3].iter_mut().for_each(|row| row[..3].iter_mut().for_each(|v| *v *= 2.0)));
    assert!(volte(&["rig", "check", &scaled]).ok);
    let rounded = rig_file(folder.path(), "rounded.json", |m| {
        m[..3].iter_mut().for_each(|row| row[..3].iter_mut().for_each(|v| *v = (*v * 100.0).round() / 100.0));
    });
    assert!(volte(&["rig", "check", &rounded]).ok);
}

#[test]
fn small_things_are_told_with_the_remedy() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let rig = rig_file(folder.path(), "shot12_calibration.json", |_| ());
    refuses(&["rig", "check", folder.path().to_str().expect("plain name")], "shot12_calibration.json");
    refuses(&["rig", "check", &rig, "--draw", "x.bmp"], "x.png");
    let twice = volte(&["rig", "check", &rig, "--use", "cam0,cam0,cam1"]);
    assert!(twice.ok && twice.out.contains("2 cameras"), "{}{}", twice.out, twice.err);
}

/// A show of three cameras on a rig file; `change` edits its text.
fn show_file(folder: &Path, change: impl Fn(String) -> String) -> String {
    rig_file(folder, "rig.json", |_| ());
    let feed = |i: u32| format!("\n[[feeds]]\ncamera = \"cam{i}\"\naddress = \"udp://127.0.0.1:{}\"\n", 42_000 + 2 * i);
    let feeds = [0, 1, 2].map(feed).concat();
    let path = folder.join("show.toml");
    std::fs::write(&path, change(format!("rig = \"rig.json\"\n{feeds}"))).expect("writes");
    path.to_str().expect("plain name").to_owned()
}

#[test]
fn shows_are_checked_against_their_rig() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let check = |change: &dyn Fn(String) -> String, named: &str| {
        let show = show_file(folder.path(), change);
        let told = refuses(&["show", "check", &show], named);
        assert!(told.contains("show.toml:") && told.lines().count() < 3, "{told}");
        assert_eq!(refuses(&["open", &show, "--headless", "--seconds", "1"], named), told);
        told
    };
    let good = volte(&["show", "check", &show_file(folder.path(), |text| text)]);
    assert!(good.ok && good.out.contains("3 feeds"), "{}{}", good.out, good.err);
    assert!(check(&|text| text.replace("cam2", "cam7"), "cam7").contains("cam0, cam1, cam2"));
    check(&|text| text.replace("cam2", "cam1"), "line 8");
    check(&|text| text.replace("rig.json", "no.json"), "no.json");
    check(&|text| text.replacen("address", "adress", 1), "adress");
    assert!(check(&|text| text.replace(":42002", ":42004"), "42004").contains("cam1"));
    let told = check(&|text| text.replace("udp://127.0.0.1:42002", "srt://x?passphrase=mellon-mellon"), "cam1");
    assert!(told.contains(":9:") || told.contains(":8:") && !told.contains("mellon"), "{told}");
    let part = volte(&[
        "show",
        "check",
        &show_file(folder.path(), |text| text.split("\n[[feeds]]\ncamera = \"cam2\"").next().unwrap_or_default().to_owned()),
    ]);
    assert!(part.ok && part.err.contains("cam2"), "{}{}", part.out, part.err);
    let gone = show_file(folder.path(), |text| {
        format!("{}\n[disk]\nfolder = \"gone/disk\"\nbudget_gb = 1\n", text.replace("udp://127.0.0.1:42002", "no-clip.mp4"))
    });
    let told = volte(&["show", "check", &gone]);
    assert!(!told.ok && ["no-clip.mp4", "cam1", "is the disk mounted"].iter().all(|word| told.err.contains(word)), "{}", told.err);
    refuses(&["show", "check", "/nowhere/show.toml"], "/nowhere/show.toml");
}

#[test]
fn every_mistake_of_a_show_is_told_at_once_with_its_line_and_remedy() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let show = show_file(folder.path(), |text| {
        let text = text.replace("udp://127.0.0.1:42000", "udp://no..host:42000").replace("udp://127.0.0.1:42002", "no-clip.mp4");
        let text = text.replace("camera = \"cam2\"", "camera = \"cam7\"").replace("udp://127.0.0.1:42004", "ndi:CAM (1)");
        format!(
            "quality = \"best\"\nclock = \"sundial\"\n{text}ofset_ms = 3\n[ring]\nmemory_mib = 3\n[disk]\nfolder = \"gone/disk\"\nbudget_gb = 1\n[program]\nformat = \"1080p50\"\n[[outputs]]\naddress = \"gopher://x\"\n[[outputs]]\naddress = \"a.ts\"\ncodec = \"prores\"\n"
        )
    });
    let told = refuses(&["show", "check", &show], "mistakes:");
    for (line, word) in [
        (1, "quality"),
        (2, "clock"),
        (6, "no..host"),
        (10, "no-clip.mp4"),
        (14, "cam0, cam1, cam2"),
        (14, "ndisrc"),
        (16, "unknown field `ofset_ms`"),
        (18, "memory_mib = 3 is not between 16 and 1048576"),
        (21, "is the disk mounted"),
        (25, "gopher"),
        (27, "prores"),
    ] {
        assert!(told.lines().any(|l| l.contains(&format!("show.toml:{line}: ")) && l.contains(word)), "{line}, {word}: {told}");
    }
    assert!(told.contains("volte: 11 mistakes:") && !told.contains("nothing wrong"), "{told}");
    // Who opens it is told all of the file's own; what the machine lacks is the feeds' matter then.
    let opened = refuses(&["open", &show, "--headless", "--seconds", "1"], "7 mistakes:");
    let told_of = ["quality", "sundial", "cam0, cam1, cam2", "ofset_ms", "memory_mib = 3", "gopher", "prores"];
    assert!(told_of.iter().all(|word| opened.contains(word)), "{opened}");
    let node = folder.path().join("node.toml");
    std::fs::write(
        &node,
        "[[feeds]]\ncamera = \"a\"\naddress = \"srt://x\"\n[[feeds]]\ncamera = \"b\"\naddress = \"gopher://x\"\n[node]\nkey = \"short\"\n",
    )
    .expect("writes");
    let told = refuses(&["node", node.to_str().expect("plain name")], "3 mistakes:");
    assert!([":2:", ":5:", ":8:"].iter().all(|line| told.contains(&format!("node.toml{line}"))), "{told}");
}

#[test]
fn feeds_whose_plugin_is_not_installed_are_named_with_what_to_install() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let devices = volte(&["devices"]);
    for (address, element) in [("aravis:Basler", "aravissrc"), ("ndi:CAM (1)", "ndisrc"), ("decklink:0", "decklinkvideosrc")] {
        let show = show_file(folder.path(), |text| text.replace("udp://127.0.0.1:42002", address));
        let check = volte(&["show", "check", &show]);
        // Whether it is there, the list of devices says by the same word.
        let is_missing = devices.out.contains(&format!("{element} is missing"));
        assert_eq!(check.ok, !is_missing, "{}{}\n{}", check.out, check.err, devices.out);
        let named = check.err.contains(element) && check.err.contains("cam1") && check.err.to_lowercase().contains("install");
        assert_eq!(named, is_missing, "{}", check.err);
    }
}

/// A film of H.264, 25 frames a second, with a keyframe every `apart` frames.
fn film(file: &Path, apart: u32, secs: u32) {
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", &format!("testsrc2=size=160x90:rate=25:duration={secs}")])
        .args([
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-sc_threshold",
            "0",
            "-g",
            &apart.to_string(),
            "-keyint_min",
            &apart.to_string(),
        ])
        .arg(file)
        .status();
    assert!(made.expect("ffmpeg starts").success());
}

#[test]
fn keyframes_that_are_far_apart_are_told_before_the_show() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    film(&folder.path().join("far.mp4"), 100, 20);
    film(&folder.path().join("near.mp4"), 25, 8);
    let show = |intra: &str| {
        show_file(folder.path(), |text| {
            text.replace("udp://127.0.0.1:42000", "near.mp4").replace("udp://127.0.0.1:42002\"", &format!("far.mp4\"\n{intra}"))
        })
    };
    let told = volte(&["show", "check", &show("")]);
    assert!(told.ok && told.out.contains("one thing to mend"), "{}{}", told.out, told.err);
    for word in ["show.toml:8: ", "cam1", "100 frames (4.0 s) apart", "keyframe interval", "intra = true"] {
        assert!(told.err.contains(word), "{word}: {}", told.err);
    }
    assert!(!told.err.contains("cam0"), "{}", told.err);
    let mended = volte(&["show", "check", &show("intra = true")]);
    assert!(mended.ok && mended.out.contains("nothing wrong\n") && mended.err.is_empty(), "{}{}", mended.out, mended.err);
}

/// A sender that is stopped when the test is over.
struct Sender(std::process::Child);

impl Drop for Sender {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn a_check_that_connects_says_who_is_there_and_whose_keyframes_are_far_apart() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let port = std::net::UdpSocket::bind("127.0.0.1:0").expect("binds").local_addr().expect("has an address").port();
    film(&folder.path().join("near.mp4"), 25, 4);
    let input = "testsrc2=size=160x90:rate=25";
    let mut sender = Command::new("ffmpeg");
    sender.args(["-v", "error", "-re", "-f", "lavfi", "-i", input, "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency"]);
    sender.args(["-sc_threshold", "0", "-g", "75", "-keyint_min", "75", "-f", "mpegts", &format!("udp://127.0.0.1:{port}?pkt_size=1316")]);
    let _sender = Sender(sender.stdin(std::process::Stdio::null()).spawn().expect("ffmpeg starts"));
    let show = show_file(folder.path(), |text| {
        text.replace("udp://127.0.0.1:42000", "near.mp4").replace("127.0.0.1:42002", &format!("127.0.0.1:{port}"))
    });
    let check = || volte(&["show", "check", &show, "--connect", "25"]);
    // A busy machine loses a packet now and then.
    let told = (0..3)
        .map(|_| check())
        .find(|told| told.out.contains("live") && told.err.contains("75 frames (3.0 s) apart"))
        .unwrap_or_else(check);
    let line = |camera: &str| told.out.lines().find(|l| l.starts_with(camera)).unwrap_or_default().to_owned();
    assert!(line("cam0").contains("keyframes 25 frames (1.0 s) apart"), "{}{}", told.out, told.err);
    assert!(line("cam1").contains("live") && line("cam1").contains("keyframes 75 frames (3.0 s) apart"), "{}{}", told.out, told.err);
    assert!(told.err.contains("cam1") && told.err.contains("75 frames (3.0 s) apart. A freeze"), "{}", told.err);
    // Nobody sends to the third.
    assert!(!told.ok && told.err.contains("show.toml:12: ") && told.err.contains("nothing has arrived"), "{}", told.err);
}

#[test]
fn a_check_that_connects_calls_nodes_and_the_clock() {
    use std::io::BufRead as _;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let key = || volte(&["node", "--new-key"]).out.trim().to_owned();
    let (own, other) = (key(), key());
    film(&folder.path().join("near.mp4"), 25, 4);
    let node = folder.path().join("node.toml");
    let feed = "[[feeds]]\ncamera = \"cam1\"\naddress = \"file:near.mp4?loop\"\n";
    std::fs::write(&node, format!("[node]\nkey = \"{own}\"\n{feed}")).expect("writes");
    let mut child = Command::new(env!("CARGO_BIN_EXE_volte"));
    child.env_remove("MALLOC_ARENA_MAX").env_remove("GLIBC_TUNABLES");
    child.args(["node", "--listen", "127.0.0.1:0"]).arg(&node).stdout(std::process::Stdio::piped());
    let mut running = Sender(child.spawn().expect("starts"));
    let mut line = String::new();
    // Nobody listens to it after that: it goes on.
    std::io::BufReader::new(running.0.stdout.take().expect("is piped")).read_line(&mut line).expect("it speaks");
    let address = line.trim().strip_prefix("listening at ").and_then(|l| l.strip_suffix(": cam1")).expect("it says where").to_owned();
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // Memory stays flat over a night: the running program has one arena of the allocator.
        let environment = std::fs::read(format!("/proc/{}/environ", running.0.id())).expect("it runs");
        assert!(environment.split(|b| *b == 0).any(|v| v == b"MALLOC_ARENA_MAX=1"), "it has glibc's own choice of arenas");
    }
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").expect("binds");
    let clock = silent.local_addr().expect("has an address");
    let node = |name: &str, key: &str, cameras: &str| {
        format!("[[nodes]]\nname = \"{name}\"\naddress = \"{address}\"\nkey = \"{key}\"\ncameras = [{cameras}]\n")
    };
    // One is as it should be but for a camera that it does not have; the other's key is wrong; nobody keeps the clock.
    let nodes = node("east", &own, "\"cam0\", \"cam1\"") + &node("west", &other, "\"cam2\"");
    let show = show_file(folder.path(), |_| format!("rig = \"rig.json\"\nclock = \"ntp://{clock}\"\n{nodes}"));
    let told = volte(&["show", "check", &show, "--connect", "8"]);
    let has = |line: u32, words: &[&str]| {
        let place = format!("show.toml:{line}: ");
        told.err.lines().any(|l| l.contains(&place) && words.iter().all(|word| l.contains(word)))
    };
    assert!(has(2, &["clock: NTP", "did not answer"]), "{}", told.err);
    assert!(has(7, &["cam0", "no camera of this name; it has cam1"]), "{}", told.err);
    assert!(has(9, &["node \"west\"", &address, "key is another one"]), "{}", told.err);
    assert!(told.err.contains("3 mistakes:"), "{}", told.err);
    assert!(told.out.lines().any(|l| l.starts_with("cam1") && l.contains("live") && l.contains("at node east")), "{}", told.out);
    assert!(told.out.contains("via node east: its clock"), "{}", told.out);
}

#[test]
fn a_show_without_windows_prints_its_feeds_each_second() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // cam0 is a file that is not there, the others are cameras that nobody has switched on.
    let show = show_file(folder.path(), |text| text.replace("udp://127.0.0.1:42000", "clips/none.mp4"));
    let begun = std::time::Instant::now();
    let open = volte(&["open", &show, "--headless", "--seconds", "4"]);
    assert!(open.ok, "{}", open.err);
    assert!(begun.elapsed().as_secs() < 12, "{:?}", begun.elapsed());
    assert_eq!(open.out.matches("camera ").count(), 4, "{}", open.out);
    for word in ["cam0", "failed", "clips/none.mp4", "cam1", "reconnecting", "127.0.0.1:42002", "nothing has arrived", "attempts"] {
        assert!(open.out.contains(word), "{word}: {}", open.out);
    }
}

#[test]
fn a_show_that_is_not_recorded_as_asked_fails() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let with_disk = |text: String| format!("{text}\n[disk]\nfolder = \"recordings\"\nbudget_gb = 1\n");
    let show = show_file(folder.path(), with_disk);
    let open = volte(&["open", &show, "--headless", "--seconds", "1"]);
    assert!(
        open.ok && open.out.contains("disk: recording, 0.0 of 1000.0 MB") && open.out.contains("ring: 0.0 of "),
        "{}{}",
        open.out,
        open.err
    );
    // The folder cannot be made where a file is.
    std::fs::remove_dir_all(folder.path().join("recordings")).expect("goes");
    std::fs::write(folder.path().join("recordings"), "a file").expect("writes");
    let told = refuses(&["open", &show, "--headless", "--seconds", "1"], "disk: failed");
    assert!(told.contains("recording was asked for and is not happening"), "{told}");
}

#[test]
fn the_example_show_is_a_show() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/example-show.toml");
    let show = volte::show::Show::load(Path::new(example)).expect("it is read");
    for feed in &show.feeds {
        volte::capture::FeedSource::parse(&feed.address).expect("it is an address");
    }
    assert_eq!(show.feeds.len(), 4);
    let check = volte(&["show", "check", example]);
    assert!(check.ok && check.out.contains("4 feeds, 4 cameras, nothing wrong"), "{}{}", check.out, check.err);
}

#[test]
fn so_many_instants_as_nobody_has_memory_for_are_refused() {
    for wrong in ["0", "33", "9223372036854775807", "-1"] {
        let given = format!("--instants={wrong}");
        let told = refuses(&["calibrate", "--footage", "takes", &given], "--instants");
        assert!(told.contains("1..=32") || told.contains("invalid"), "{told}");
    }
}

#[test]
fn a_calibration_that_cannot_end_well_is_refused_before_its_work() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let grey = |name: &str| image::GrayImage::from_pixel(64, 48, image::Luma([90])).save(folder.path().join(name)).unwrap();
    for dir in ["shot", "twice", "each/Cam_A", "each/Cam_B"] {
        std::fs::create_dir_all(at(dir)).unwrap();
    }
    for name in
        ["shot/a.png", "shot/b.png", "shot/c.png", "twice/a.png", "twice/A.jpg", "twice/b.png", "each/Cam_A/1.png", "each/Cam_B/1.png"]
    {
        grey(name);
    }
    let points = |text: &str| std::fs::write(at("points.txt"), text).unwrap();
    let (board, shot) = (["calibrate", "--board", "chessboard:7x10:0.03", "--pictures"], at("shot"));
    let told = refuses(&[&board[..], &[&shot, "--out", &at("no/such/rig.toml")]].concat(), "no/such");
    assert!(told.contains("Make it") && !told.contains("boards in"), "looked first: {told}");
    let told = refuses(&[&board[..], &[&at("twice")]].concat(), "more than one picture");
    assert!(told.contains("A.jpg") && told.contains("a.png"), "{told}");
    // Names keep their case; a folder per camera.
    let told = refuses(&[&board[..], &[&at("each"), "--per-camera"]].concat(), "found in no picture");
    assert!(told.contains("Cam_A: 0 boards in 1 pictures") && told.contains("Cam_B"), "{told}");
    // Its pictures are paired by name; what cannot be paired is refused, not guessed.
    grey("each/Cam_A/2.png");
    grey("each/Cam_A/3.png");
    grey("each/Cam_B/3.png");
    let told = refuses(&[&board[..], &[&at("each"), "--per-camera"]].concat(), "found in no picture");
    assert!(told.contains("3 instants by the names of the pictures; pictures missing: Cam_B 1") && !told.contains("warning"), "{told}");
    grey("each/Cam_B/left.png");
    std::fs::rename(at("each/Cam_B/1.png"), at("each/Cam_B/right.png")).unwrap();
    let told = refuses(&[&board[..], &[&at("each"), "--per-camera"]].concat(), "by the order of the pictures");
    assert!(told.contains("warning: too few pictures have a name"), "{told}");
    std::fs::remove_file(at("each/Cam_A/2.png")).unwrap();
    let told = refuses(&[&board[..], &[&at("each"), "--per-camera"]].concat(), "Name the pictures of one instant alike");
    assert!(told.contains("Cam_B has 3 pictures (with the name or number of another camera's: 1), Cam_A has 2"), "{told}");
    points("a 10 10 a_cornr_left\n");
    let free = ["calibrate", "--pictures", &shot, "--points", &at("points.txt"), "--field", "tennis"];
    let told = refuses(&free, "a_cornr_left");
    assert!(told.contains("a_corner_left") && told.contains("floor"), "{told}");
    points("d 10 10 a_corner_left\n");
    refuses(&free, "camera d, of which there are no pictures");
    refuses(
        &["calibrate", "--wand", "0.5", "--lenses", "x", "--pictures", &shot, "--points", &at("points.txt")],
        "leave out --points or --wand",
    );
}
