//! What is made of differences between the cameras: the match, without shading, with what was added by hand.

use std::{fs, path::Path};

use volte::{frame::Picture, rig::Arc};

use super::stage;

const MAKES: &str =
    "export --rig rig.toml --pictures pictures --use cam1,cam2,cam3 --seconds 0.2 --hold 0 --rate 20 --depth-size 80 --size 160x90";

/// How many stops a picture is brighter than another in the green of its wall: the middle.
fn stops(a: &Path, b: &Path) -> f64 {
    let [a, b] = [a, b].map(|file| Picture::load(file).unwrap());
    let linear = |v: u8| f64::from(volte::color::linear_from_srgb(f32::from(v) / 255.0));
    let pairs = a.rgba().chunks_exact(4).zip(b.rgba().chunks_exact(4)).filter(|(a, b)| a[1] > 30 && (31..250).contains(&b[1]));
    let mut each: Vec<f64> = pairs.map(|(a, b)| (linear(b[1]) / linear(a[1])).log2()).collect();
    assert!(each.len() > 1000);
    each.sort_by(f64::total_cmp);
    each[each.len() / 2]
}

#[test]
fn trims_of_a_file_are_added_to_the_match_and_are_part_of_the_recipe() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let rig = stage::rig(3.0);
    stage::written(root, &rig, Arc::fit(&rig).unwrap().center_in_world);
    fs::write(root.join("trims.toml"), "[cam1]\nev = -0.5\n").unwrap();
    stage::does(root, &format!("{MAKES} --match common --no-shading --out plain_%02d.png"));
    stage::does(root, &format!("{MAKES} --match common --no-shading --trims trims.toml --recipe a.toml --out trimmed_%02d.png"));
    let frames = |name: &str| {
        let all = fs::read_dir(root).unwrap().map(|e| e.unwrap().path());
        let is_of = |p: &std::path::PathBuf| {
            p.file_name().unwrap().to_string_lossy().starts_with(name) && p.extension().is_some_and(|e| e == "png")
        };
        let mut of: Vec<_> = all.filter(is_of).collect();
        of.sort();
        of
    };
    let (plain, trimmed) = (frames("plain_"), frames("trimmed_"));
    assert!(plain.len() >= 4 && plain.len() == trimmed.len(), "{} {}", plain.len(), trimmed.len());
    // The first picture is the trimmed camera's, the last one of another that is not.
    let (first, last) = (stops(&plain[0], &trimmed[0]), stops(plain.last().unwrap(), trimmed.last().unwrap()));
    println!("{first:.3} and {last:.3} stops");
    assert!((first + 0.5).abs() < 0.06 && last.abs() < 0.02, "{first} {last}");
    // The recipe has them with it: the file may go.
    fs::remove_file(root.join("trims.toml")).unwrap();
    stage::does(root, "export a.toml --out again_%02d.png");
    for (one, two) in trimmed.iter().zip(frames("again_")) {
        assert!(fs::read(one).unwrap() == fs::read(two).unwrap(), "{}", one.display());
    }
    // What is no trim, no camera's, or not there is named.
    fs::write(root.join("bad.toml"), "[cam1]\nbrightness = 1.0\n").unwrap();
    stage::refuses(root, &format!("{MAKES} --trims bad.toml --out bad_%02d.png"), &["bad.toml", "brightness"]);
    stage::refuses(root, &format!("{MAKES} --trims none.toml --out bad_%02d.png"), &["none.toml"]);
}
