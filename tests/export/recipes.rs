//! Recipes: the same text gives the same bytes, and a source that is another one is told.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Command, Stdio},
};

use volte::rig::Arc;

use super::stage;

/// All files below a folder, by name.
fn bytes_in(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&p).unwrap()))
        .collect();
    files.sort();
    files
}

fn written() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let rig = stage::rig(3.0);
    let ball = Arc::fit(&rig).unwrap().center_in_world;
    stage::written(folder.path(), &rig, ball);
    folder
}

const MAKES: &str = "export --rig rig.toml --pictures pictures --use cam1,cam2,cam3 --seconds 0.3 --hold 0.1 --rate 20 --depth-size 80";

#[test]
fn the_same_recipe_gives_the_same_bytes() {
    let folder = written();
    let root = folder.path();
    for name in ["a.mov", "a.mkv", "a.html", "a.mp4", "a_%02d.png"] {
        let (first, again) = (root.join("first"), root.join("again"));
        fs::create_dir_all(&first).unwrap();
        stage::does(root, &format!("{MAKES} --size 160x90 --out first/{name} --recipe a.toml --overwrite"));
        // In another folder, and for the containers that like to have a date at another second of the clock.
        if name.starts_with("a.m") {
            std::thread::sleep(std::time::Duration::from_millis(1010));
        }
        fs::create_dir_all(&again).unwrap();
        stage::does(root, &format!("export a.toml --out again/{name}"));
        let (one, two) = (bytes_in(&first), bytes_in(&again));
        assert!(one.len() >= 2, "{name}: {} files", one.len());
        assert_eq!(one.iter().map(|f| &f.0).collect::<Vec<_>>(), two.iter().map(|f| &f.0).collect::<Vec<_>>(), "{name}");
        for ((file, a), (_, b)) in one.iter().zip(&two) {
            let at = a.iter().zip(b).position(|(a, b)| a != b);
            assert!(a == b, "{name}: {file} has {} and {} bytes, the first other one is at {at:?}", a.len(), b.len());
        }
        fs::remove_dir_all(&first).unwrap();
        fs::remove_dir_all(&again).unwrap();
    }
    // Another path gives other bytes: the judge can tell.
    let text = fs::read_to_string(root.join("a.toml")).unwrap();
    fs::write(root.join("b.toml"), text.replace("camera = 0.0", "camera = 0.5")).unwrap();
    stage::does(root, "export a.toml --out a_%02d.png");
    stage::does(root, "export b.toml --out b_%02d.png");
    assert!(fs::read(root.join("a_00.png")).unwrap() != fs::read(root.join("b_00.png")).unwrap());
}

#[test]
fn what_is_another_one_or_gone_is_named() {
    let folder = written();
    let root = folder.path();
    stage::does(root, &format!("{MAKES} --mode nearest --crop 1:1 --out a.mp4 --recipe a.toml"));
    let text = fs::read_to_string(root.join("a.toml")).unwrap();
    for word in
        ["sha256", "pictures/cam3.png", "180", "1:1", "nearest", "x264", concat!("volte ", env!("CARGO_PKG_VERSION")), "[[path.key]]"]
    {
        assert!(text.contains(word), "no {word:?} in {text}");
    }
    // The folder moves as a whole: what is beside the recipe is found there.
    let moved = tempfile::tempdir().unwrap();
    let status = Command::new("cp").args(["-r", "."]).arg(moved.path().join("all")).current_dir(root).status().unwrap();
    assert!(status.success());
    let root = moved.path().join("all");
    let root = root.as_path();
    drop(folder);
    stage::refuses(root, "export a.toml", &["a.mp4", "--overwrite"]);
    stage::does(root, "export a.toml --overwrite");

    let cam3 = root.join("pictures/cam3.png");
    let good = fs::read(&cam3).unwrap();
    fs::copy(root.join("pictures/cam2.png"), &cam3).unwrap();
    stage::refuses(root, "export a.toml --out b.mp4", &["cam3.png", "SHA-256", "Put the original back"]);
    fs::remove_file(&cam3).unwrap();
    stage::refuses(root, "export a.toml --out b.mp4", &["cam3.png", "not there"]);
    fs::write(&cam3, good).unwrap();
    let rig = fs::read_to_string(root.join("rig.toml")).unwrap();
    // A comment more is the same rig; another lens is not.
    fs::write(root.join("rig.toml"), format!("# checked\n{rig}")).unwrap();
    stage::does(root, "export a.toml --out c.mp4");
    fs::write(root.join("rig.toml"), rig.replace("300.0", "300.5")).unwrap();
    stage::refuses(root, "export a.toml --out b.mp4", &["rig.toml", "SHA-256"]);
    fs::remove_file(root.join("rig.toml")).unwrap();
    stage::refuses(root, "export a.toml --out b.mp4", &["rig.toml", "not there"]);
    stage::refuses(root, "export none.toml", &["none.toml"]);
    stage::refuses(root, "export a.toml --rate 25", &["--rate"]);
    fs::write(root.join("w.toml"), text.replace("version = 1\nmade_by", "version = 7\nmade_by")).unwrap();
    stage::refuses(root, "export w.toml", &["w.toml", "version 7"]);
    assert!(!root.join("b.mp4").exists() && !root.join("b.json").exists());
}

#[test]
fn several_recipes_are_rendered_and_one_ctrl_c_ends_them_all() {
    let folder = written();
    let root = folder.path();
    fs::create_dir(root.join("made")).unwrap();
    for name in ["a", "b"] {
        stage::does(root, &format!("{MAKES} --mode nearest --size 64x36 --out made/{name}_%02d.png --recipe {name}.toml"));
    }
    let first = bytes_in(&root.join("made"));
    assert!(first.iter().any(|(name, _)| name.starts_with("b_")), "{} files", first.len());
    for (name, _) in &first {
        fs::remove_file(root.join("made").join(name)).unwrap();
    }
    // One that cannot be rendered does not take the next one along.
    stage::refuses(root, "export a.toml none.toml b.toml --overwrite", &["1 of 3 recipes", "none.toml"]);
    let again = bytes_in(&root.join("made"));
    assert!(first == again, "{} and {} files", first.len(), again.len());

    // So many that the signal cannot come too late.
    let many = ["a.toml", "b.toml"].repeat(50);
    let mut child = Command::new(env!("CARGO_BIN_EXE_volte"))
        .args(["export", "--overwrite"])
        .args(&many)
        .current_dir(root)
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let begun = lines.any(|line| line.unwrap().starts_with("2 of 100"));
    let asked = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let rest = lines.map(Result::unwrap).collect::<Vec<_>>();
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    let status = child.wait().unwrap();
    assert!(begun && asked.success() && status.code() == Some(1), "{status}: {rest:?} {told}");
    assert!(told.contains("cancelled after ") && told.contains(" of 100 recipes"), "{told}");
    assert!(!rest.iter().any(|line| line.starts_with("100 of 100")), "{rest:?}");
}

#[test]
fn footage_is_rendered_again_to_the_same_bytes() {
    let folder = written();
    let root = folder.path();
    fs::create_dir_all(root.join("films")).unwrap();
    for camera in 0..5 {
        let made = Command::new("ffmpeg")
            .args(["-v", "error", "-loop", "1", "-t", "1", "-r", "25", "-i"])
            .arg(root.join(format!("pictures/cam{camera}.png")))
            .args(["-vf", "hue=H=t", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-g", "5", "-bf", "0"])
            .arg(root.join(format!("films/cam{camera}.mp4")))
            .status()
            .expect("ffmpeg is needed: install the package ffmpeg");
        assert!(made.success());
    }
    let makes = "export --rig rig.toml --footage films --at 0.4 --path roll-through --speed 1 --seconds 0.2 --rate 25 --mode cross-fade";
    stage::does(root, &format!("{makes} --out a.mp4 --recipe a.toml"));
    stage::does(root, "export a.toml --out b.mp4");
    assert!(fs::read(root.join("a.mp4")).unwrap() == fs::read(root.join("b.mp4")).unwrap());
    // An encoder that reads what nobody wrote is found out: no memory that it gets is blank.
    for used in ["1", "85", "170"] {
        let (well, told) = stage::volte_with(
            root,
            &["export", "a.toml", "--out", "c.mp4", "--overwrite"],
            &[("MALLOC_PERTURB_", used), ("MALLOC_MMAP_THRESHOLD_", "1000000000")],
        );
        assert!(well, "{told}");
        assert!(fs::read(root.join("a.mp4")).unwrap() == fs::read(root.join("c.mp4")).unwrap(), "other bytes in memory full of {used}");
    }
    fs::remove_file(root.join("c.mp4")).unwrap();
    // Real frames of other instants.
    assert!(stage::probe(&root.join("a.mp4"), "stream=nb_read_frames").contains("nb_read_frames=5"));
    fs::copy(root.join("films/cam0.mp4"), root.join("films/cam4.mp4")).unwrap();
    stage::refuses(root, "export a.toml --out c.mp4", &["cam4.mp4", "SHA-256"]);
}
