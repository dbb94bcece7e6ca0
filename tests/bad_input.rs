//! `volte export` with bad input: each a clear message that names the thing, a failing status, no panic, and nothing
//! half-written. And once with good input, so that the failures mean something.
#![cfg(all(feature = "console", feature = "gstreamer"))]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use glam::DVec3;
use volte::{
    frame::Picture,
    geometry::{Lens, Pose},
    output::{self, CancelToken, FrameReport, OutputSpec, Sidecar},
    rig::{self, Camera, Rig},
    time::FrameRate,
};

const W: u32 = 96;
const H: u32 = 64;

/// A little venue in a folder: a rig, a picture and a film per camera.
struct Stage {
    dir: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let stage = Self { dir };
        let cameras = (0..4)
            .map(|i| {
                let a = 0.15 * f64::from(i);
                Camera {
                    name: format!("cam{i}"),
                    width_px: W,
                    height_px: H,
                    lens: Lens::pinhole(90.0, 90.0, 48.0, 32.0),
                    camera_from_world: Pose::look_at(DVec3::new(3.0 * a.cos(), 3.0 * a.sin(), 0.2), DVec3::ZERO, DVec3::Z).unwrap(),
                    clock_offset_nanos: 0,
                }
            })
            .collect();
        let rig = Rig { cameras, points_in_world: vec![] };
        rig::formats::save(&rig, &stage.path("rig.toml"), rig::Format::RigToml).unwrap();
        fs::create_dir(stage.path("pictures")).unwrap();
        fs::create_dir(stage.path("films")).unwrap();
        fs::create_dir(stage.path("out")).unwrap();
        for i in 0..4 {
            picture(i, 0).save(&stage.path(&format!("pictures/cam{i}.png"))).unwrap();
            film(&stage.path(&format!("films/cam{i}.mp4")), i, 50);
        }
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `volte export --rig … ARGUMENTS`; `$` stands for the stage's folder.
    fn export(&self, arguments: &str) -> (Option<i32>, String, String) {
        let root = self.dir.path().to_str().unwrap();
        let arguments: Vec<String> = arguments.split_whitespace().map(|a| a.replace('$', root)).collect();
        let out = Command::new(env!("CARGO_BIN_EXE_volte"))
            .arg("export")
            .args(if arguments.iter().any(|a| a == "--rig") { vec![] } else { vec!["--rig".to_owned(), format!("{root}/rig.toml")] })
            .args(&arguments)
            .env_remove("RUST_BACKTRACE")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (out.status.code(), text(&out.stdout), text(&out.stderr))
    }

    #[track_caller]
    fn refuses(&self, arguments: &str, says: &[&str]) {
        let (code, out, err) = self.export(arguments);
        assert!(matches!(code, Some(1 | 2)), "{arguments}: {code:?} {out}{err}");
        assert!(!err.contains("panicked"), "{arguments}: {err}");
        for word in says {
            assert!(err.contains(word), "{arguments}: no {word:?} in: {err}");
        }
        assert_eq!(list(&self.path("out")), Vec::<String>::new(), "{arguments}");
    }
}

fn list(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A textured ball on a textured ground, seen from the side of camera `i`, moving with `frame`.
fn picture(i: u32, frame: u32) -> Picture {
    let rgba = (0..W * H)
        .flat_map(|p| {
            let (x, y) = ((p % W) as f32 + i as f32 * 2.0, (p / W) as f32 + frame as f32 * 0.5);
            let v = |f: f32, q: f32| (128.0 + 90.0 * (x * f + q).sin() * (y * f * 1.3).cos()) as u8;
            [v(0.31, 0.0), v(0.17, 1.0), v(0.23, 2.0), 255]
        })
        .collect();
    Picture::from_rgba(W, H, rgba).unwrap()
}

fn film(path: &Path, camera: u32, frames: u32) {
    let mut sink = output::open(OutputSpec {
        path: path.to_owned(),
        width_px: W,
        height_px: H,
        rate: FrameRate::whole(50),
        codec: None,
        threads: 0,
        overwrite: true,
        sidecar: None,
        cancel: CancelToken::default(),
    })
    .unwrap();
    (0..frames).for_each(|f| sink.write(&picture(camera, f), &FrameReport::default()).unwrap());
    sink.finish().unwrap();
}

#[test]
fn pictures_become_a_film_with_its_sidecar() {
    let stage = Stage::new();
    let (code, out, err) =
        stage.export("--pictures $/pictures --from cam0 --to cam3 --seconds 0.4 --rate 25 --depth-size 48 --out $/out/a.mp4");
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("10 frames"), "{out}");
    assert_eq!(list(&stage.path("out")), ["a.json", "a.mp4"]);
    let sidecar: Sidecar = serde_json::from_slice(&fs::read(stage.path("out/a.json")).unwrap()).unwrap();
    assert_eq!(sidecar.frames.len(), 10);
    assert_eq!((sidecar.width_px, sidecar.height_px, sidecar.header.cameras.len()), (W, H, 4));
    // The film is not replaced by accident.
    let (code, _, err) = stage.export("--pictures $/pictures --seconds 0.4 --out $/out/a.mp4");
    assert!(code == Some(1) && err.contains("--overwrite"), "{err}");
}

#[test]
fn footage_becomes_a_film_in_which_time_runs() {
    let stage = Stage::new();
    let (code, out, err) =
        stage.export("--footage $/films --at 0.2 --path roll-through --speed 1 --seconds 0.16 --rate 25 --out $/out/a.mkv");
    assert_eq!(code, Some(0), "{out}{err}");
    let sidecar: Sidecar = serde_json::from_slice(&fs::read(stage.path("out/a.json")).unwrap()).unwrap();
    let mark = sidecar.header.mark_nanos;
    for (i, frame) in sidecar.frames.iter().enumerate() {
        let want = i as i64 * 40_000_000;
        assert!((frame.instant_nanos - mark - want).abs() < 10_000, "frame {i}: {} ns", frame.instant_nanos - mark);
    }
    assert!(sidecar.header.left_out.is_empty(), "{:?}", sidecar.header.left_out);
}

#[test]
fn words_that_make_no_sense() {
    let stage = Stage::new();
    let p = "--pictures $/pictures";
    stage.refuses("--out $/out/a.mp4", &["--pictures", "--footage"]);
    stage.refuses(&format!("{p} --out $/out/a.avi"), &["a.avi", ".mp4"]);
    stage.refuses(&format!("{p} --out $/out/a.mp4 --codec prores"), &["prores", "h264"]);
    stage.refuses(&format!("{p} --out $/out/a.mp4 --codec av9"), &["av9", "h265"]);
    stage.refuses(&format!("{p} --out $/out/a.mp4 --size 95x64"), &["95", "even"]);
    stage.refuses(&format!("{p} --out $/out/a.mp4 --size big"), &["big", "1920x1080"]);
    stage.refuses(&format!("{p} --out $/out/a.mp4 --rate 0"), &["frame rate"]);
    stage.refuses(&format!("{p} --out $/out/a.mp4 --seconds 0"), &["--seconds"]);
    stage.refuses(&format!("{p} --out $/out/a.mp4 --path zigzag"), &["zigzag", "freeze-orbit"]);
    stage.refuses(&format!("{p} --out $/out/a.mp4 --path $/none.toml"), &["none.toml"]);
    stage.refuses(&format!("{p} --out $/out/a.mp4 --path loop"), &["open arc", "bounce"]);
    stage.refuses(&format!("{p} --out $/out/a.mp4 --path slow"), &["one instant", "footage"]);
    stage.refuses(&format!("{p} --out $/out/a.mp4 --from cam9"), &["cam9", "cam0, cam1"]);
    stage.refuses(&format!("{p} --out $/out/a.mp4 --to 7.5"), &["7.5", "ends at 3"]);
    stage.refuses(&format!("{p} --out $/out/a.mp4 --use cam0,nobody"), &["nobody"]);
    stage.refuses(&format!("{p} --out $/out/a.mp4 --use cam0"), &["two cameras"]);
    stage.refuses(&format!("{p} --out $/out/missing/a.mp4"), &["out/missing", "Create it"]);
    stage.refuses(&format!("{p} --out /proc/a.mp4"), &["/proc", "writable"]);
    fs::write(stage.path("bad.toml"), "version = 1\nname = \"x\"\nduration_secs = 1.0\nspeling = 2\nkey = []\n").unwrap();
    stage.refuses(&format!("{p} --out $/out/a.mp4 --path $/bad.toml"), &["bad.toml", "speling"]);
}

#[test]
fn pictures_that_do_not_fit() {
    let stage = Stage::new();
    let run = "--pictures $/pictures --seconds 0.4 --out $/out/a.mp4";
    let cam2 = stage.path("pictures/cam2.png");
    let good = fs::read(&cam2).unwrap();
    fs::write(&cam2, b"").unwrap();
    stage.refuses(run, &["cam2.png"]);
    fs::write(&cam2, &good[..good.len() / 2]).unwrap();
    stage.refuses(run, &["cam2.png"]);
    Picture::filled(W, H * 2, [1, 2, 3, 255]).save(&cam2).unwrap();
    stage.refuses(run, &["cam2", "128"]);
    fs::remove_file(&cam2).unwrap();
    stage.refuses(run, &["cam2"]);
    stage.refuses("--pictures $/nowhere --seconds 0.4 --out $/out/a.mp4", &["nowhere"]);
    fs::write(&cam2, &good).unwrap();
    // A rig for other cameras.
    let other = fs::read_to_string(stage.path("rig.toml")).unwrap().replace("\"cam", "\"left");
    fs::write(stage.path("other.toml"), other).unwrap();
    stage.refuses("--rig $/other.toml --pictures $/pictures --seconds 0.4 --out $/out/a.mp4", &["left0"]);
    stage.refuses("--rig $/nowhere.toml --pictures $/pictures --seconds 0.4 --out $/out/a.mp4", &["nowhere.toml"]);
}

#[test]
fn footage_that_cannot_be_used() {
    let stage = Stage::new();
    let run = "--footage $/films --at 0.5 --seconds 0.4 --out $/out/a.mp4";
    let cam2 = stage.path("films/cam2.mp4");
    let good = fs::read(&cam2).unwrap();
    fs::write(&cam2, b"").unwrap();
    stage.refuses(run, &["cam2"]);
    fs::write(&cam2, &good[..good.len() / 3]).unwrap();
    stage.refuses(run, &["cam2"]);
    fs::write(&cam2, b"this is no film at all, but it is longer than nothing").unwrap();
    stage.refuses(run, &["cam2"]);
    fs::remove_file(&cam2).unwrap();
    stage.refuses(run, &["cam2", "found: cam0.mp4"]);
    let unknown = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=size=96x64:rate=50:duration=1", "-c:v", "cinepak"])
        .arg(stage.path("films/cam2.mkv"))
        .status();
    assert!(unknown.is_ok_and(|s| s.success()), "ffmpeg is needed: install the package ffmpeg");
    stage.refuses(run, &["cam2", "codec"]);
    fs::remove_file(stage.path("films/cam2.mkv")).unwrap();
    fs::write(&cam2, &good).unwrap();
    stage.refuses("--footage $/films --at 50 --seconds 0.4 --out $/out/a.mp4", &["--at", "lasts"]);
    // 50 frames at 50 fps: the last is at 0.98 s, and what is asked for is answered in the words of the asker.
    stage.refuses(
        "--footage $/films --at 1.03 --seconds 0.4 --out $/out/a.mp4",
        &["at 1.030 s", "0.980 s", "Choose --at from 0.000 to 0.980"],
    );
    stage.refuses("--footage $/nowhere --at 0.5 --out $/out/a.mp4", &["nowhere"]);
    stage.refuses("--footage $/films --out $/out/a.mp4", &["--at"]);
}

/// A camera whose film ends early is left out by name, as long as two remain.
#[test]
fn films_that_end_early_are_left_out_by_name() {
    let stage = Stage::new();
    film(&stage.path("films/cam1.mp4"), 1, 20);
    let run = "--footage $/films --at 0.6 --seconds 0.08 --rate 25 --mode nearest --out $/out/a.mp4";
    let (code, out, err) = stage.export(run);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("left out: cam1: its footage ends with the frame at 0.380 s"), "{out}");
    // Real pixels need no depth.
    assert!(out.contains("upload") && !out.contains("solve"), "{out}");
    let sidecar: Sidecar = serde_json::from_slice(&fs::read(stage.path("out/a.json")).unwrap()).unwrap();
    assert_eq!(sidecar.header.left_out.len(), 1);
    fs::remove_file(stage.path("out/a.mp4")).unwrap();
    fs::remove_file(stage.path("out/a.json")).unwrap();
    for i in [0, 3] {
        film(&stage.path(&format!("films/cam{i}.mp4")), i, 20);
    }
    stage.refuses(run, &["cam0, cam1, cam3 0.000 to 0.380 s", "cam2 0.000 to 0.980 s", "Choose --at from 0.000 to 0.380"]);
}

/// Ctrl-C in the middle leaves nothing and says so.
#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing() {
    let stage = Stage::new();
    let out = stage.path("out/a.mp4");
    let mut child = Command::new(env!("CARGO_BIN_EXE_volte"))
        .args(["export", "--seconds", "600", "--path", "bounce", "--rig"])
        .arg(stage.path("rig.toml"))
        .arg("--pictures")
        .arg(stage.path("pictures"))
        .arg("--out")
        .arg(&out)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = std::time::Instant::now() + Duration::from_mins(2);
    while list(&stage.path("out")).is_empty() {
        assert!(std::time::Instant::now() < deadline, "it never began");
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(500));
    assert!(Command::new("kill").arg("-INT").arg(child.id().to_string()).status().unwrap().success());
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(said.contains("cancelled") && !said.contains("panicked"), "{said}");
    assert_eq!(list(&stage.path("out")), Vec::<String>::new());
}
