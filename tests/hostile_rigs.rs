//! Calibration files as accidents leave them: cut, bit-flipped, with absurd numbers. Reading one gives a usable rig or an
//! error that names the file, and never a panic, an endless loop or a memory bomb.

use std::path::Path;

use glam::DVec3;
use volte::rig::{Arc, load};

mod support {
    pub mod data;
}
use support::data::data;

/// A small generator, so that a failure repeats.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}

/// One accident.
fn damage(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    const NUMBERS: &[&str] =
        &["nan", "inf", "-1e308", "1e400", "0", "-1", "18446744073709551616", "99999999999", "", "\"x\"", "[]", "null", "1e-300"];
    let mut out = bytes.to_vec();
    match dice.below(5) {
        0 => out.truncate(dice.below(bytes.len())),
        1 => {
            for _ in 0..=dice.below(4) {
                let at = dice.below(out.len());
                out[at] ^= 1 << dice.below(8);
            }
        }
        2 => {
            let (from, len) = (dice.below(out.len()), dice.below(200));
            out.drain(from..(from + len).min(bytes.len()));
        }
        3 => {
            let (from, len) = (dice.below(out.len()), dice.below(200));
            let piece = out[from..(from + len).min(bytes.len())].to_vec();
            out.splice(from..from, piece);
        }
        _ => {
            // Another number in place of one.
            let starts: Vec<usize> = (1..out.len())
                .filter(|&i| {
                    (out[i].is_ascii_digit() || out[i] == b'-') && !(out[i - 1].is_ascii_alphanumeric() || b".-_".contains(&out[i - 1]))
                })
                .collect();
            if let Some(&from) = starts.get(dice.below(starts.len())) {
                let len = out[from..].iter().take_while(|b| b.is_ascii_digit() || b"+-.eE".contains(b)).count();
                out.splice(from..from + len, NUMBERS[dice.below(NUMBERS.len())].bytes());
            }
        }
    }
    out
}

/// Loads; what loads must be usable.
fn judge(path: &Path, what: &str) -> bool {
    match load(path) {
        Ok(rig) => {
            assert!(!rig.cameras.is_empty(), "{what}: an empty rig was accepted");
            for camera in &rig.cameras {
                // Some formats do not tell the size: then it is 0 × 0 until the pictures tell.
                assert_eq!(camera.width_px > 0, camera.height_px > 0, "{what}: {} has half a size", camera.name);
                assert!(camera.center_in_world().is_finite(), "{what}: {} stands nowhere", camera.name);
                let ahead = camera.camera_from_world.inverse().apply(DVec3::new(0.0, 0.0, 5.0));
                let px = camera.project(ahead).unwrap_or_else(|| panic!("{what}: {} does not see what is ahead", camera.name));
                assert!(px.is_finite(), "{what}: {} projects to {px}", camera.name);
            }
            let mut names: Vec<_> = rig.cameras.iter().map(|c| &c.name).collect();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), rig.cameras.len(), "{what}: two cameras have one name");
            // An arc may be refused, but civilly.
            if let Err(problem) = Arc::fit(&rig) {
                assert!(!problem.to_string().is_empty());
            }
            true
        }
        Err(problem) => {
            let told = problem.to_string();
            assert!(told.len() > 20, "{what}: says only {told:?}");
            false
        }
    }
}

fn torment(files: &[&str], damaged: usize, copies: usize) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path_of = |file: &str| folder.path().join(Path::new(file).file_name().expect("a file"));
    for file in files {
        std::fs::copy(data(file), path_of(file)).expect("copies");
    }
    let subject = path_of(files[damaged]);
    let entry = if files.len() > 1 { folder.path() } else { subject.as_path() };
    assert!(judge(entry, "the file as it is"), "{files:?} does not load undamaged");
    let original = std::fs::read(data(files[damaged])).expect("reads");
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut refused = 0;
    for k in 0..copies {
        std::fs::write(&subject, damage(&original, &mut dice)).expect("writes");
        refused += usize::from(!judge(entry, &format!("{} accident {k}", files[damaged])));
    }
    assert!(refused * 10 > copies, "only {refused} of {copies} damaged copies of {} were refused", files[damaged]);
}

#[test]
fn transforms_json() {
    torment(&["walk/transforms.json"], 0, 400);
    torment(&["fox/transforms.json"], 0, 200);
}

#[test]
fn middlebury() {
    torment(&["dinoSR16/dinoSR_par.txt"], 0, 400);
}

#[test]
fn pose2sim_and_caliscope() {
    torment(&["balance/Calib_scene.toml"], 0, 400);
    torment(&["charuco/camera_array.toml"], 0, 300);
}

#[test]
fn colmap_text() {
    torment(&["banana/sparse/cameras.txt", "banana/sparse/images.txt"], 0, 200);
}

#[test]
fn colmap_binary_with_absurd_counts_is_no_memory_bomb() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for count in [0, 1, 1_u64 << 32, u64::MAX / 8, u64::MAX] {
        for (cameras, images) in [(count, 1), (1, count), (count, count)] {
            std::fs::write(folder.path().join("cameras.bin"), [&cameras.to_le_bytes()[..], &[1; 40]].concat()).expect("writes");
            std::fs::write(folder.path().join("images.bin"), [&images.to_le_bytes()[..], &[1; 80]].concat()).expect("writes");
            std::fs::write(folder.path().join("points3D.bin"), count.to_le_bytes()).expect("writes");
            assert!(!judge(folder.path(), &format!("{cameras} cameras, {images} images")));
        }
    }
}
