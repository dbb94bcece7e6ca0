//! Whatever decodes a moment: the same pictures, and what fails is left alone.

use std::{fs, process::Command};

use volte::rig::Arc;

use super::stage;

#[test]
fn a_moment_is_the_same_by_whatever_decodes_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let rig = stage::rig(3.0);
    stage::written(root, &rig, Arc::fit(&rig).unwrap().center_in_world);
    fs::create_dir_all(root.join("films")).unwrap();
    for camera in 0..5 {
        let made = Command::new("ffmpeg")
            .args(["-v", "error", "-loop", "1", "-t", "1", "-r", "25", "-i"])
            .arg(root.join(format!("pictures/cam{camera}.png")))
            .args([
                "-vf",
                "hue=H=t",
                "-pix_fmt",
                "yuv420p",
                "-c:v",
                "libx265",
                "-x265-params",
                "keyint=12:log-level=error",
                "-tag:v",
                "hvc1",
            ])
            .arg(root.join(format!("films/cam{camera}.mp4")))
            .status()
            .expect("ffmpeg is needed: install the package ffmpeg");
        assert!(made.success());
    }
    // A machine that tests has no such hardware: another decoder stands in for it, then something that takes the stream and decodes nothing.
    let by = |decoders: &str, out: &str| {
        let makes =
            format!("-v export --rig rig.toml --footage films --at 0.4 --seconds 0.2 --rate 10 --mode nearest --out {out}_%02d.png");
        let (well, told) = stage::volte_with(root, &makes.split(' ').collect::<Vec<_>>(), &[("VOLTE_DECODERS", decoders)]);
        assert!(well, "{decoders}: {told}");
        (fs::read(root.join(format!("{out}_01.png"))).unwrap(), told)
    };
    let (software, told) = by("software", "s");
    assert!(!told.contains("decoded by hardware") && told.contains("H265"), "{told}");
    let (other, told) = by("libde265dec", "o");
    assert!(told.contains("decoded by hardware") && told.contains("libde265dec") && !told.contains("software from now on"), "{told}");
    assert!(software == other, "libde265 gives other pictures");
    let (rescued, told) = by("h265parse", "p");
    assert!(told.contains("h265parse") && told.contains("software from now on"), "{told}");
    assert!(software == rescued, "what fails leaves something behind");
}
