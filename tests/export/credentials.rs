//! Content credentials: what is signed is accepted and says what is real, what was changed is refused, and keys that sign nothing are told at once.
//! All certificates and keys are made here, for the test alone.

use std::{fs, path::Path, process::Command};

use volte::{
    output::credentials::{self, Told},
    rig::Arc,
};

use super::stage;

fn openssl(folder: &Path, words: &str) {
    let told = Command::new("openssl").args(words.split_whitespace()).current_dir(folder).output();
    let told = told.unwrap_or_else(|e| panic!("openssl does not start ({e}): install the package openssl"));
    assert!(told.status.success(), "openssl {words}: {}", String::from_utf8_lossy(&told.stderr));
}

/// `NAME.key`, and `NAME.pem` with the certificate and its root, valid for so many days from now.
fn certified(folder: &Path, name: &str, root: &str, days: i32) {
    openssl(folder, &format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {name}.key"));
    openssl(folder, &format!("req -new -key {name}.key -subj /O=Arena/CN=Replay -out {name}.csr"));
    fs::write(
        folder.join("leaf.cnf"),
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=emailProtection\n\
         subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n",
    )
    .unwrap();
    openssl(
        folder,
        &format!(
            "x509 -req -in {name}.csr -CA {root}.pem -CAkey {root}.key -CAcreateserial -days {days} -extfile leaf.cnf -out {name}.crt"
        ),
    );
    let both = [fs::read(folder.join(format!("{name}.crt"))).unwrap(), fs::read(folder.join(format!("{root}.pem"))).unwrap()].concat();
    fs::write(folder.join(format!("{name}.pem")), both).unwrap();
}

fn root(folder: &Path, name: &str) {
    openssl(folder, &format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {name}.key"));
    openssl(
        folder,
        &format!("req -x509 -new -key {name}.key -days 30 -subj /O=Test/CN={name} -addext keyUsage=critical,keyCertSign -out {name}.pem"),
    );
}

/// The stage with its files, and the venue's certificates.
fn written() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let rig = stage::rig(3.0);
    stage::written(folder.path(), &rig, Arc::fit(&rig).unwrap().center_in_world);
    root(folder.path(), "root");
    certified(folder.path(), "venue", "root", 20);
    folder
}

const MAKES: &str = "export --rig rig.toml --pictures pictures --use cam1,cam2,cam3 --hold 0.1 --seconds 0.2 --rate 10 --depth-size 80";
const SIGNS: &str = "--certificates venue.pem --key venue.key";

fn told(file: &Path, roots: Option<&Path>) -> Told {
    let roots = roots.map(|r| fs::read_to_string(r).unwrap());
    credentials::read(file, roots.as_deref()).unwrap_or_else(|e| panic!("{e}")).unwrap_or_else(|| panic!("{file:?} has none"))
}

#[test]
fn every_kind_of_file_says_itself_what_is_real() {
    let folder = written();
    let at = |name: &str| folder.path().join(name);
    for (mode, out, source) in [
        ("nearest", "real.mp4", "compositeCapture"),
        ("cross-fade", "film.mov", "computationalCapture"),
        ("cross-fade", "turn.webp", "computationalCapture"),
        ("cross-fade", "turn.gif", "computationalCapture"),
        ("cross-fade", "turn.avif", "computationalCapture"),
        ("nearest", "shot_%d.png", "digitalCapture"),
        ("nearest", "look_%d.jpg", "digitalCapture"),
    ] {
        stage::does(folder.path(), &format!("{MAKES} {SIGNS} --mode {mode} --out {out}"));
        let name = out.replace("%d", "0");
        let said = told(&at(&name), Some(&at("root.pem")));
        assert!(said.is_trusted && said.signer.contains("Arena") && said.source_type == source, "{out}: {said:?}");
        let claim = said.claim.unwrap();
        assert_eq!(claim.summary.real_pixels_only, mode == "nearest", "{out}: {claim:?}");
        assert!(claim.summary.cameras.iter().all(|(camera, _)| camera.starts_with("cam")) && !claim.summary.cameras.is_empty());
        assert_eq!((claim.summary.synthesized_share > 0.0, claim.summary.timecodes.0.as_str()), (mode != "nearest", "00:00:00:00"));
        // Sidecar and manifest are about the same words; whoever trusts nobody is told so.
        let said = stage::does(folder.path(), &format!("provenance {name}"));
        assert!(said.contains("is what was written") && said.contains("signed by") && said.contains(source), "{said}");
        assert!(said.contains("not among those named by --trust"), "{said}");
        stage::does(folder.path(), &format!("provenance {name} --trust root.pem"));
    }
    // Players take it as before.
    assert!(stage::probe(&at("real.mp4"), "stream=nb_read_frames").contains("nb_read_frames=2"));
    assert!(stage::probe(&at("film.mov"), "stream=nb_read_frames").contains("nb_read_frames=2"));
}

#[test]
fn a_tampered_or_foreign_file_is_refused() {
    let folder = written();
    let root_folder = folder.path();
    stage::does(root_folder, &format!("{MAKES} {SIGNS} --mode nearest --out a.mp4 --recipe a.toml"));
    // Alone, as it travels.
    let alone = root_folder.join("alone");
    fs::create_dir_all(&alone).unwrap();
    fs::copy(root_folder.join("a.mp4"), alone.join("a.mp4")).unwrap();
    let said = stage::does(root_folder, "provenance alone/a.mp4 --trust root.pem");
    assert!(said.contains("real pixels only, all 2 frames") && said.contains("no sidecar") && said.contains("trusted"), "{said}");
    let good = fs::read(alone.join("a.mp4")).unwrap();
    // Behind the manifest, whose own padding is covered by nothing, stand index and pictures.
    for share in [0.7, 0.9, 0.99] {
        let mut bad = good.clone();
        bad[(good.len() as f64 * share) as usize] ^= 1;
        fs::write(alone.join("a.mp4"), bad).unwrap();
        stage::refuses(root_folder, "provenance alone/a.mp4", &["a.mp4", "cannot be trusted"]);
    }
    // Words within the manifest that were made more beautiful.
    stage::does(root_folder, &format!("{MAKES} {SIGNS} --mode cross-fade --no-shading --out alone/b.mp4"));
    fs::remove_file(alone.join("b.json")).unwrap();
    let mut bad = fs::read(alone.join("b.mp4")).unwrap();
    let (honest, lie) = (b"\"real_pixels_only\":false", b"\"real_pixels_only\":true ");
    let at = bad.windows(honest.len()).position(|w| w == honest).unwrap();
    bad[at..at + lie.len()].copy_from_slice(lie);
    fs::write(alone.join("b.mp4"), bad).unwrap();
    stage::refuses(root_folder, "provenance alone/b.mp4", &["b.mp4", "cannot be trusted"]);
    // Signed by somebody else, or by nobody.
    root(root_folder, "stranger");
    stage::refuses(root_folder, "provenance a.mp4 --trust stranger.pem", &["a.mp4", "--trust"]);
    stage::does(root_folder, &format!("{MAKES} --mode nearest --out plain.mp4"));
    stage::refuses(root_folder, "provenance plain.mp4 --trust root.pem", &["plain.mp4", "no content credentials"]);
    // The recipe names certificates and key, and renders a file that is signed as well.
    let recipe = fs::read_to_string(root_folder.join("a.toml")).unwrap();
    assert!(recipe.contains("venue.key") && !recipe.contains("PRIVATE"), "{recipe}");
    stage::does(root_folder, "export a.toml --out again.mp4");
    assert!(told(&root_folder.join("again.mp4"), Some(&root_folder.join("root.pem"))).is_trusted);
}

#[test]
fn keys_that_sign_nothing_are_told_before_anything_is_rendered() {
    let folder = written();
    let root_folder = folder.path();
    certified(root_folder, "old", "root", -1);
    certified(root_folder, "other", "root", 20);
    openssl(root_folder, "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key");
    openssl(root_folder, "pkcs8 -topk8 -in venue.key -passout pass:secret -out locked.key");
    let before = fs::read_dir(root_folder).unwrap().count();
    for (certificates, key, words) in [
        ("venue.pem", "none.key", &["none.key", "cannot read"][..]),
        ("none.pem", "venue.key", &["none.pem", "cannot read"]),
        ("venue.pem", "venue.pem", &["venue.pem", "no private key"]),
        ("venue.pem", "locked.key", &["locked.key", "encrypted"]),
        ("venue.pem", "rsa.key", &["rsa.key", "Ed25519"]),
        ("venue.pem", "other.key", &["other.key", "venue.pem", "not accepted"]),
        ("old.pem", "old.key", &["old.pem", "valid today"]),
        ("root.pem", "root.key", &["root.pem", "not accepted"]),
        ("rig.toml", "venue.key", &["rig.toml", "not accepted"]),
    ] {
        let said = stage::refuses(root_folder, &format!("{MAKES} --certificates {certificates} --key {key} --out a.mp4"), words);
        let secret = fs::read_to_string(root_folder.join(key)).unwrap_or_default();
        assert!(secret.lines().filter(|l| l.len() > 20).all(|line| !said.contains(line)), "the key is shown: {said}");
    }
    stage::refuses(root_folder, &format!("{MAKES} {SIGNS} --out a.mkv"), &["a.mkv", ".mp4"]);
    stage::refuses(root_folder, &format!("{MAKES} {SIGNS} --no-sidecar --out a.mp4"), &["--no-sidecar"]);
    assert_eq!(fs::read_dir(root_folder).unwrap().count(), before, "something was written");
}
