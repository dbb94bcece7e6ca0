//! `volte rig sync` on encoded files with known offsets: clocks from a clap on the sound tracks, and from a flash in the pictures.
#![cfg(feature = "gstreamer")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{f64::consts::TAU, path::Path, process::Command};

use glam::DVec3;
use volte::{
    geometry::{Lens, Pose},
    rig::{self, Camera, Format, Rig},
};

const SIZE: (usize, usize) = (160, 120);
const FPS: f64 = 25.0;
const SECS: f64 = 4.0;
/// What must be added to each camera's stamps, seconds.
const OFFSETS: [f64; 4] = [0.0, -0.1324, 0.04725, 0.003_125];
/// Where the cameras stand, degrees and metres from the middle, and how they are encoded: each with delays of its own.
const CAMERAS: [(f64, f64, &str, &[&str]); 4] = [
    (0.0, 8.0, "cam01.mp4", &["-c:v", "libx264", "-bf", "2", "-c:a", "aac"]),
    (80.0, 5.0, "cam02.mov", &["-c:v", "libx264", "-bf", "0", "-c:a", "pcm_s16le"]),
    (170.0, 12.0, "cam03.mkv", &["-c:v", "libx264", "-bf", "2", "-c:a", "flac"]),
    (280.0, 20.0, "cam04.mp4", &["-c:v", "mpeg4", "-c:a", "aac"]),
];
/// When somebody clapped, or a flash went off, by the first camera's stamps at the place itself.
const EVENTS: [f64; 3] = [0.713, 1.622, 2.871];
const SPEED_M_S: f64 = 343.2;

fn rig_of(folder: &Path) -> (String, Rig) {
    let camera = |(degrees, metres, name, _): &(f64, f64, &str, &[&str])| {
        let a = degrees.to_radians();
        Camera {
            name: name[..5].to_owned(),
            width_px: SIZE.0 as u32,
            height_px: SIZE.1 as u32,
            lens: Lens::pinhole(150.0, 150.0, 80.0, 60.0),
            camera_from_world: Pose::look_at(DVec3::new(metres * a.cos(), metres * a.sin(), 1.2), DVec3::new(0.0, 0.0, 1.2), DVec3::Z)
                .unwrap(),
            clock_offset_nanos: 0,
        }
    };
    let rig = Rig { cameras: CAMERAS.iter().map(camera).collect(), points_in_world: vec![] };
    let path = folder.join("rig.toml");
    rig::save(&rig, &path, Format::RigToml).unwrap();
    (path.to_str().unwrap().to_owned(), rig)
}

/// The same noise every time, 0…1.
fn noise(k: u64) -> f64 {
    let h = k.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((h ^ (h >> 27)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Encodes frames of gray and, where there is some, sound.
fn encode(folder: &Path, camera: usize, frames: &[u8], sound: Option<&[i16]>) {
    let (_, _, name, coded) = CAMERAS[camera];
    let (raw, wave) = (folder.join("frames.raw"), folder.join("sound.raw"));
    std::fs::write(&raw, frames).unwrap();
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-f", "rawvideo", "-pix_fmt", "gray", "-s", &format!("{}x{}", SIZE.0, SIZE.1), "-r", "25", "-i"]).arg(&raw);
    if let Some(sound) = sound {
        std::fs::write(&wave, sound.iter().flat_map(|s| s.to_le_bytes()).collect::<Vec<u8>>()).unwrap();
        ffmpeg.args(["-f", "s16le", "-ar", "48000", "-ac", "1", "-i"]).arg(&wave);
    }
    let coded: Vec<&str> = if sound.is_some() { coded.to_vec() } else { coded[..coded.len() - 2].to_vec() };
    let status = ffmpeg.args(coded).args(["-pix_fmt", "yuv420p", "-g", "25", "-y"]).arg(folder.join(name)).status();
    assert!(status.expect("the ffmpeg command encodes the cameras of this test: install the package ffmpeg").success());
    std::fs::remove_file(&raw).unwrap();
    std::fs::remove_file(&wave).ok();
}

/// A gray picture that does not move, with a little noise.
fn still(camera: usize, frame: usize, lit: impl Fn(usize) -> bool) -> Vec<u8> {
    let pixel = |k: usize| {
        let grain = (noise((camera << 40 | frame << 20 | k) as u64) * 5.0) as u8;
        70 + ((k / SIZE.0 / 7 + k % SIZE.0 / 9) % 2) as u8 * 40 + grain + if lit(k / SIZE.0) { 100 } else { 0 }
    };
    (0..SIZE.0 * SIZE.1).map(pixel).collect()
}

/// What a camera hears, by its own stamps: claps at the place, later by the way of the sound, in hum and hiss.
fn heard(camera: usize, claps: &[f64], place: [f64; 2]) -> Vec<i16> {
    let (degrees, metres, ..) = CAMERAS[camera];
    let eye = [metres * degrees.to_radians().cos(), metres * degrees.to_radians().sin()];
    let way = (eye[0] - place[0]).hypot(eye[1] - place[1]) / SPEED_M_S;
    let clap = |number: usize, secs: f64| {
        let k = (secs * 48_000.0).floor().max(0.0) as u64;
        if secs < 0.0 { 0.0 } else { (2.0 * noise((number as u64) << 24 | k) - 1.0) * (-secs / 0.004).exp() }
    };
    let sample = |k: u64| {
        let secs = k as f64 / 48_000.0;
        let claps: f64 = claps.iter().enumerate().map(|(n, at)| clap(n, secs - (at - OFFSETS[camera]) - way)).sum();
        let sound = 0.5 * claps * 5.0 / metres + 0.05 * (secs * 50.0 * TAU).sin() + 0.004 * noise((camera as u64) << 40 | k);
        (sound.clamp(-1.0, 1.0) * 32_000.0) as i16
    };
    (0..(SECS * 48_000.0) as u64).map(sample).collect()
}

/// Camera, offset in ms and what it claims, as the command prints them.
fn told(out: &str) -> Vec<(String, f64, f64)> {
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = words.iter().position(|w| *w == "±")?;
        (words.get(at + 2) == Some(&"ms")).then_some(())?;
        Some((words[0].to_owned(), words[at - 1].parse().ok()?, words[at + 1].parse().ok()?))
    };
    out.lines().filter_map(line).collect()
}

fn sync(arguments: &[&str]) -> (bool, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_volte")).args(["rig", "sync"]).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_clap_on_the_files_own_sound_tells_their_clocks() {
    let folder = tempfile::tempdir().unwrap();
    let (rig_file, rig) = rig_of(folder.path());
    assert!((rig.cameras[2].center_in_world().length() - 12.0_f64.hypot(1.2)).abs() < 1e-6, "the rig is the one that is meant");
    let place = [0.6, -0.4];
    let footage = folder.path().join("footage");
    std::fs::create_dir(&footage).unwrap();
    for camera in 0..4 {
        let frames: Vec<u8> = (0..(SECS * FPS) as usize).flat_map(|k| still(camera, k % 4, |_| false)).collect();
        encode(&footage, camera, &frames, Some(&heard(camera, &EVENTS, place)));
    }
    let (footage, out) = (footage.to_str().unwrap(), folder.path().join("out.toml"));
    let with = |more: &[&str]| {
        sync(&[&[&rig_file, "--footage", footage, "--seconds", "4", "--bursts", "1", "--reference", "cam01", "--clap"], more].concat())
    };
    let (ok, text, err) = with(&["--at", "0.6,-0.4,1.2", "--celsius", "20", "--out", out.to_str().unwrap()]);
    println!("{text}");
    assert!(ok, "{text}{err}");
    assert!(text.contains("343.2 m/s") && text.contains("its way is taken out"), "{text}");
    let clocks = told(&text);
    assert_eq!(clocks.len(), 3, "{text}");
    for (name, ms, sigma_ms) in &clocks {
        let k = CAMERAS.iter().position(|c| c.2.starts_with(name.as_str())).unwrap();
        let off_ms = ms - OFFSETS[k] * 1e3;
        assert!(off_ms.abs() < 0.5 && (1.0..3.0).contains(sigma_ms), "{name}: {off_ms:.3} ms off, says ± {sigma_ms}");
    }
    let written = rig::load(&out).unwrap();
    assert!((written.cameras[1].clock_offset_nanos as f64 * 1e-9 - OFFSETS[1]).abs() < 5e-4);
    // Where the clap was is believed: elsewhere, the far cameras are wrong by what the sound takes there, and it says that it is not sure.
    let (ok, text, _) = with(&[]);
    let elsewhere = told(&text);
    assert!(ok && elsewhere.iter().zip(&clocks).any(|(a, b)| (a.1 - b.1).abs() > 1.0), "{text}");
    assert!(elsewhere.iter().zip(&clocks).all(|(a, b)| (a.1 - b.1).abs() < 2.0 * a.2 && a.2 > b.2), "{text}");
    // Bad words are refused before anything is read.
    for (wrong, named) in [(&["--at", "1,2"][..], "--at"), (&["--at", "1,2,3", "--celsius", "300"], "--celsius"), (&["--flash"], "--flash")]
    {
        let (ok, text, err) = with(wrong);
        assert!(!ok && err.contains(named), "{text}{err}");
    }
}

#[test]
fn without_a_clap_or_without_sound_it_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let (rig_file, _) = rig_of(folder.path());
    for camera in 0..4 {
        let frames: Vec<u8> = (0..25).flat_map(|k| still(camera, k % 4, |_| false)).collect();
        let silence = heard(camera, &[], [0.0; 2]);
        encode(folder.path(), camera, &frames, (camera > 1).then_some(&silence[..48_000]));
    }
    let (ok, _, err) = sync(&[&rig_file, "--footage", folder.path().to_str().unwrap(), "--seconds", "1", "--bursts", "1", "--clap"]);
    assert!(!ok && err.contains("Clap once or more") && err.contains("Without sound: cam01, cam02"), "{err}");
}

/// Rolling shutters of 30 ms, exposures of 12 ms, and what the command says of them.
#[test]
fn a_flash_in_encoded_files_tells_their_clocks_by_the_command() {
    const READOUT: f64 = 0.030;
    const EXPOSURE: f64 = 0.012;
    let folder = tempfile::tempdir().unwrap();
    let (rig_file, _) = rig_of(folder.path());
    for (camera, offset) in OFFSETS.iter().enumerate() {
        let frame = |k: usize| {
            let begun = |row: usize| k as f64 / FPS + READOUT * row as f64 / SIZE.1 as f64;
            let exposed = |row: usize| EVENTS.iter().any(|at| (begun(row)..begun(row) + EXPOSURE).contains(&(at - offset)));
            still(camera, k % 4, exposed)
        };
        let frames: Vec<u8> = (0..(SECS * FPS) as usize).flat_map(frame).collect();
        encode(folder.path(), camera, &frames, None);
    }
    let footage = folder.path().to_str().unwrap();
    let arguments = [&rig_file, "--footage", footage, "--seconds", "4", "--bursts", "1", "--reference", "cam01", "--flash"];
    let (ok, text, err) = sync(&[&arguments[..], &["--readout", "30"]].concat());
    println!("{text}");
    assert!(ok, "{text}{err}");
    let sure = told(&text);
    assert_eq!(sure.len(), 3, "{text}");
    for (name, ms, sigma_ms) in &sure {
        let k = CAMERAS.iter().position(|c| c.2.starts_with(name.as_str())).unwrap();
        let off_ms = ms - OFFSETS[k] * 1e3;
        assert!(off_ms.abs() < 4.0 * sigma_ms && *sigma_ms < 2.5, "{name}: {off_ms:.3} ms off, says ± {sigma_ms}");
    }
    // Without the readout it is less sure, and says so.
    let (ok, text, err) = sync(&arguments);
    let unsure = told(&text);
    assert!(ok && unsure.len() == 3 && unsure.iter().zip(&sure).all(|(a, b)| a.2 > b.2), "{text}{err}");
}
