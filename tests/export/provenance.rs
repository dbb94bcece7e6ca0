//! What is real is told, by the file, its sidecar and the program; what was changed is refused.

use std::{fs, path::Path};

use volte::{output::Sidecar, rig::Arc};

use super::stage;

/// The stage with its files, and an export of it.
fn exported(commands: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let rig = stage::rig(3.0);
    let ball = Arc::fit(&rig).unwrap().center_in_world;
    stage::written(folder.path(), &rig, ball);
    for command in commands {
        stage::does(
            folder.path(),
            &format!("export --rig rig.toml --pictures pictures --use cam1,cam2,cam3 --hold 0.1 --depth-size 80 {command}"),
        );
    }
    folder
}

fn sidecar(file: &Path) -> Sidecar {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

#[test]
fn real_pixels_and_synthesized_ones_are_told_apart() {
    let folder = exported(&[
        "--mode nearest --seconds 0.4 --rate 10 --crop 1:1 --size 120x120 --out real.mp4",
        "--mode ladder --seconds 0.4 --rate 10 --out made.mkv",
        "--mode cross-fade --seconds 0.16 --rate 25 --out film.mov",
    ]);
    let root = folder.path();
    let (real, made, faded) = (sidecar(&root.join("real.json")), sidecar(&root.join("made.json")), sidecar(&root.join("film.json")));
    assert!(real.summary.real_pixels_only && real.summary.real_frames == 4, "{:?}", real.summary);
    for frame in &real.frames {
        assert!(frame.real_pixels && frame.source_nanos.len() == frame.sources.len(), "{frame:?}");
        assert_eq!(frame.timecode, "00:00:00:00");
    }
    // Measured, the gaps of so small a stage are cuts between real cameras.
    assert!(made.summary.worst_gap_db.is_some_and(|db| db > 5.0), "{:?}", made.summary);
    assert!(!faded.summary.real_pixels_only && faded.summary.most_synthesized_share > 0.5, "{:?}", faded.summary);
    for (name, words) in
        [("real.mp4", "real pixels only, all 4 frames"), ("made.mkv", "dB at worst"), ("film.mov", "of pixels synthesized")]
    {
        // ffprobe reads it from the container, the program from file and sidecar.
        let told = stage::probe(&root.join(name), "format_tags:stream_tags");
        assert!((told.contains("TAG:comment=volte") || told.contains("TAG:COMMENTS=volte")) && told.contains(words), "{name}: {told}");
        let said = stage::does(root, &format!("provenance {name} --frames"));
        assert!(said.contains(words) && said.contains("is what was written") && said.contains("cam2"), "{name}: {said}");
    }
    let label = stage::probe(&root.join("film.mov"), "stream_tags=timecode");
    assert!(label.contains("TAG:timecode=00:00:00:00"), "{label}");
}

#[cfg(not(feature = "credentials"))]
#[test]
fn a_build_that_signs_nothing_says_so_before_anything_is_rendered() {
    let folder = exported(&[]);
    let before = fs::read_dir(folder.path()).unwrap().count();
    let asks = "export --rig rig.toml --pictures pictures --certificates venue.pem --key venue.key";
    stage::refuses(folder.path(), &format!("{asks} --out a.mp4"), &["feature `credentials`"]);
    stage::refuses(folder.path(), &format!("{asks} --out a.mkv"), &["a.mkv", ".mp4"]);
    stage::refuses(folder.path(), &format!("{asks} --no-sidecar --out a.mp4"), &["--no-sidecar"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), before, "something was written");
}

#[test]
fn a_tampered_file_or_sidecar_is_refused() {
    let folder = exported(&[
        "--mode cross-fade --seconds 0.3 --rate 10 --out a.mp4",
        "--mode cross-fade --seconds 0.3 --rate 10 --out b_%02d.png",
        "--mode cross-fade --seconds 0.3 --rate 10 --out c.html",
        "--mode nearest --seconds 0.3 --rate 10 --out d.mp4",
    ]);
    let root = folder.path();
    for whole in ["a.mp4", "a.json", "b_01.png", "b.json", "c.html"] {
        stage::does(root, &format!("provenance {whole}"));
    }
    // One bit of a picture.
    for (file, at_share) in [("a.mp4", 0.8), ("b_01.png", 0.5), ("c.html", 0.5)] {
        let good = fs::read(root.join(file)).unwrap();
        let mut bad = good.clone();
        bad[(good.len() as f64 * at_share) as usize] ^= 1;
        fs::write(root.join(file), &bad).unwrap();
        let told = stage::refuses(root, &format!("provenance {file}"), &[file, "not those that were written"]);
        assert!(!told.contains("is what was written"), "{told}");
        fs::write(root.join(file), good).unwrap();
    }
    // Pictures that the list is silent about.
    let all = fs::read_to_string(root.join("b.json")).unwrap();
    for left in [0, 2] {
        let mut silent: serde_json::Value = serde_json::from_str(&all).unwrap();
        silent["files"].as_array_mut().unwrap().truncate(left);
        fs::write(root.join("b.json"), silent.to_string()).unwrap();
        stage::refuses(root, "provenance b.json", &["b.json", "it lists"]);
    }
    fs::write(root.join("b.json"), all).unwrap();
    // A whole sequence is as good as its worst picture.
    fs::remove_file(root.join("b_02.png")).unwrap();
    stage::refuses(root, "provenance b.json", &["b_02.png"]);
    // Words that were made more beautiful, with and without a new hash.
    let words = fs::read_to_string(root.join("a.json")).unwrap();
    fs::write(root.join("a.json"), words.replace("\"real_pixels_only\": false", "\"real_pixels_only\": true")).unwrap();
    stage::refuses(root, "provenance a.mp4", &["a.json", "words were changed"]);
    // The same words in another layout are the same words.
    let laid: serde_json::Value = serde_json::from_str(&words).unwrap();
    fs::write(root.join("a.json"), laid.to_string()).unwrap();
    stage::does(root, "provenance a.mp4");
    // A sidecar that is whole, but of another film.
    let mut other = sidecar(&root.join("d.json"));
    let own: Sidecar = serde_json::from_str(&words).unwrap();
    other.files = own.files;
    fs::write(root.join("a.json"), serde_json::to_vec(&other).unwrap()).unwrap();
    stage::refuses(root, "provenance a.mp4", &["a.json", "not the sidecar"]);
    fs::remove_file(root.join("a.json")).unwrap();
    stage::refuses(root, "provenance a.mp4", &["a.mp4", "no sidecar"]);
    stage::refuses(root, "provenance none.mp4", &["none.mp4"]);
}
