//! A drawn stage: a ball before a wall of fine blocks, seen by cameras on an arc that do not look exactly at it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use glam::{DMat3, DVec3};
use volte::{
    frame::Picture,
    geometry::{Lens, Pose},
    rig::{self, Camera, Rig},
};

pub const SIZE: (u32, u32) = (320, 180);
const RADIUS_M: f64 = 0.35;
/// The wall is that far behind the origin, metres.
const WALL_M: f64 = -3.0;

/// Five cameras 8° apart, aimed to the left and to the right of the ball in turn by `aside_deg`.
pub fn rig(aside_deg: f64) -> Rig {
    let cameras = (0..5)
        .map(|i| {
            let a = (8.0 * (f64::from(i) - 2.0)).to_radians();
            let eye = DVec3::new(6.0 * a.cos(), 6.0 * a.sin(), 0.4);
            let straight = Pose::look_at(eye, DVec3::ZERO, DVec3::Z).unwrap();
            let aside = [1.0, -1.0, 0.6, -1.0, 1.0][i as usize] * aside_deg.to_radians();
            let rotation = DMat3::from_rotation_y(aside) * straight.rotation;
            Camera {
                name: format!("cam{i}"),
                width_px: SIZE.0,
                height_px: SIZE.1,
                lens: Lens::pinhole(300.0, 300.0, 160.0, 90.0),
                camera_from_world: Pose { rotation, translation: -(rotation * eye) },
                clock_offset_nanos: 0,
            }
        })
        .collect();
    Rig { cameras, points_in_world: vec![] }
}

/// What a ray sees: the ball (red, shaded), or the wall's blocks.
fn color(eye: DVec3, ray: DVec3, ball: DVec3) -> [f64; 3] {
    let to = eye - ball;
    let (b, c) = (to.dot(ray), to.length_squared() - RADIUS_M * RADIUS_M);
    if b * b > c {
        let normal = (to + ray * (-b - (b * b - c).sqrt())) / RADIUS_M;
        let light = 0.35 + 0.65 * normal.dot(DVec3::new(0.6, 0.3, 0.74)).max(0.0);
        return [225.0 * light, 25.0 * light, 25.0 * light];
    }
    let p = eye + ray * ((WALL_M - eye.x) / ray.x);
    let cell = |v: f64| (v * 4.0).floor() as i64;
    let noise = ((cell(p.y) * 73 + cell(p.z) * 1031).wrapping_mul(2_654_435_761) >> 11) & 127;
    [40.0, 90.0 + noise as f64, 60.0 + noise as f64 * 0.8]
}

/// The picture of a camera with the ball at `ball` (world, metres).
pub fn draw(camera: &Camera, ball: DVec3) -> Picture {
    let eye = camera.center_in_world();
    let turn = camera.camera_from_world.rotation.transpose();
    let mut rgba = Vec::new();
    for y in 0..camera.height_px {
        for x in 0..camera.width_px {
            let mut sum = [0.0; 3];
            for k in 0..16 {
                let px = glam::DVec2::new(f64::from(x) + (f64::from(k % 4) + 0.5) / 4.0, f64::from(y) + (f64::from(k / 4) + 0.5) / 4.0);
                let c = color(eye, (turn * camera.lens.unproject(px)).try_normalize().unwrap(), ball);
                sum.iter_mut().zip(c).for_each(|(sum, c)| *sum += c / 16.0);
            }
            rgba.extend(sum.map(|v| (v + 0.5) as u8));
            rgba.push(255);
        }
    }
    Picture::from_rgba(camera.width_px, camera.height_px, rgba).unwrap()
}

/// The middle of what is red, and how many pixels are; `None` without any.
pub fn ball_in(picture: &Picture) -> Option<([f64; 2], usize)> {
    let (mut sum, mut count) = ([0.0; 2], 0);
    for y in 0..picture.height() {
        for x in 0..picture.width() {
            let [r, g, b, _] = picture.pixel(x, y).map(i32::from);
            if r > 60 && r > 2 * g && r > 2 * b {
                sum[0] += f64::from(x) + 0.5;
                sum[1] += f64::from(y) + 0.5;
                count += 1;
            }
        }
    }
    (count > 0).then(|| (sum.map(|v| v / count as f64), count))
}

/// The stage as files: `rig.toml` and `pictures/NAME.png`.
pub fn written(folder: &Path, rig: &Rig, ball: DVec3) -> (PathBuf, PathBuf) {
    let (file, pictures) = (folder.join("rig.toml"), folder.join("pictures"));
    rig::save(rig, &file, rig::Format::RigToml).unwrap();
    std::fs::create_dir_all(&pictures).unwrap();
    for camera in &rig.cameras {
        draw(camera, ball).save(&pictures.join(format!("{}.png", camera.name))).unwrap();
    }
    (file, pictures)
}

/// Runs the program: whether it succeeded, and all that it said.
pub fn volte(folder: &Path, arguments: &[&str]) -> (bool, String) {
    volte_with(folder, arguments, &[])
}

/// The same in another environment.
pub fn volte_with(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_volte"))
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(folder)
        .env_remove("RUST_BACKTRACE")
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = [output.stdout, output.stderr].map(|b| String::from_utf8_lossy(&b).into_owned()).concat();
    assert!(!told.contains("panicked"), "volte {arguments:?} panicked: {told}");
    (output.status.success(), told)
}

/// Runs what must succeed.
#[track_caller]
pub fn does(folder: &Path, command: &str) -> String {
    let arguments: Vec<&str> = command.split_whitespace().collect();
    let (ok, told) = volte(folder, &arguments);
    assert!(ok, "volte {command}: {told}");
    told
}

/// Runs what must fail, naming `named`.
#[track_caller]
pub fn refuses(folder: &Path, command: &str, named: &[&str]) -> String {
    let arguments: Vec<&str> = command.split_whitespace().collect();
    let (ok, told) = volte(folder, &arguments);
    assert!(!ok, "volte {command} succeeded: {told}");
    for word in named {
        assert!(told.contains(word), "volte {command} does not name {word:?}: {told}");
    }
    told
}

/// What ffprobe says of a file's first stream and of the whole, `key=value`.
pub fn probe(file: &Path, entries: &str) -> String {
    let out = Command::new("ffprobe")
        .args(["-v", "error", "-count_frames", "-show_entries", entries, "-of", "default=noprint_wrappers=1"])
        .arg(file)
        .output()
        .expect("ffprobe is needed: install the package ffmpeg");
    assert!(out.status.success() && out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}
