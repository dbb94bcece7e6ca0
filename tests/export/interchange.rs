//! A moment for other programs: read back by programs that are not ours, and judged against what the venue knows.

use std::{fs, path::Path, process::Command};

use glam::DVec3;
use volte::{
    gpu::{Gpu, GpuOptions},
    rig::{self, Rig},
    time::MediaTime,
    venue::{Venue, VenueOptions, VenueRig},
};

use super::stage;

/// Reads a PLY without knowing Volte: the header's names and types, then one line of numbers per vertex.
const PLY: &str = r#"
import struct, sys
f = open(sys.argv[1], "rb")
assert f.readline() == b"ply\n" and f.readline() == b"format binary_little_endian 1.0\n"
names, form, count = [], "<", 0
while (line := f.readline().split()) != [b"end_header"]:
    if line[:2] == [b"element", b"vertex"]: count = int(line[2])
    if line[0] == b"property":
        form += {b"float": "f", b"uchar": "B"}[line[1]]; names.append(line[2].decode())
print(" ".join(names))
rest = f.read()
assert len(rest) == count * struct.calcsize(form), (len(rest), count)
for v in struct.iter_unpack(form, rest): print(*v)
"#;

/// glTF binary, by its specification: chunks, lengths, accessors within their views.
const GLB: &str = r#"
import json, struct, sys
b = open(sys.argv[1], "rb").read()
magic, version, length = struct.unpack_from("<4sII", b); assert (magic, version, length) == (b"glTF", 2, len(b))
n, kind = struct.unpack_from("<I4s", b, 12); assert kind == b"JSON" and n % 4 == 0
g = json.loads(b[20:20 + n]); m, kind = struct.unpack_from("<I4s", b, 20 + n); assert kind == b"BIN\0" and 28 + n + m == len(b)
at = 28 + n
p, c = g["accessors"]; views = g["bufferViews"]
assert p["count"] == c["count"] and views[0]["byteLength"] == 12 * p["count"] and views[1]["byteLength"] == 8 * c["count"]
assert views[1]["byteOffset"] + views[1]["byteLength"] <= g["buffers"][0]["byteLength"] <= m
assert g["meshes"][0]["primitives"][0]["mode"] == 0
points = [struct.unpack_from("<3f", b, at + 12 * i) for i in range(p["count"])]
for k in range(3):
    assert abs(min(q[k] for q in points) - p["min"][k]) < 1e-5 and abs(max(q[k] for q in points) - p["max"][k]) < 1e-5
print(p["count"])
"#;

fn python(script: &str, file: &Path) -> String {
    let out = Command::new("python3").args(["-c", script]).arg(file).output().expect("python3 is needed: install the package python3");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// The names of a PLY's properties and its vertices.
fn vertices(file: &Path) -> (Vec<String>, Vec<Vec<f64>>) {
    let text = python(PLY, file);
    let mut lines = text.lines();
    let names = lines.next().unwrap().split(' ').map(str::to_owned).collect();
    (names, lines.map(|l| l.split(' ').map(|v| v.parse().unwrap()).collect()).collect())
}

/// The venue's pictures as files, and its true depth.
fn venue(folder: &Path) -> (Rig, Vec<Vec<f32>>) {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let mut venue = Venue::new(&gpu, VenueOptions { samples: 4, ..VenueOptions::default() }).unwrap();
    let rig = VenueRig::arc(3, 12.0, 6.0, (240, 136));
    fs::create_dir_all(folder.join("pictures")).unwrap();
    rig::save(&rig, &folder.join("rig.toml"), rig::Format::RigToml).unwrap();
    let depth = |camera: &rig::Camera| {
        let frame = venue.render(camera, MediaTime::from_secs_f64(0.5)).unwrap();
        frame.picture.save(&folder.join(format!("pictures/{}.png", camera.name))).unwrap();
        frame.depth
    };
    let depths = rig.cameras.iter().map(depth).collect();
    (rig, depths)
}

/// The share of points that lie on a true surface: for one of the cameras they are as deep as what it sees there, to a pixel of disparity
/// in the next camera, which is what a solve can know.
fn share_on_surface(rig: &Rig, depths: &[Vec<f32>], points: &[DVec3]) -> f64 {
    let is_true = |p: &DVec3| {
        rig.cameras.iter().zip(depths).any(|(camera, depth)| {
            let Some(px) = camera.project(*p).filter(|px| camera.contains_px(*px)) else { return false };
            let truth = f64::from(depth[px.y as usize * camera.width_px as usize + px.x as usize]);
            // Neighbours stand 6° apart on a circle of 6 m.
            (1.0 / camera.camera_from_world.apply(*p).z - 1.0 / truth).abs() < 1.0 / (camera.lens.fx_px * 6.0 * 0.105)
        })
    };
    points.iter().filter(|p| is_true(p)).count() as f64 / points.len() as f64
}

fn place(v: &[f64]) -> DVec3 {
    DVec3::new(v[0], v[1], v[2])
}

#[test]
fn a_moment_is_handed_over_as_true_points_gaussians_and_frames() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let (rig, depths) = venue(root);
    let common = "export --rig rig.toml --pictures pictures";
    for out in ["points.ply", "g.gs.ply", "g.splat", "points.glb", "moment/"] {
        let told = stage::does(root, &format!("{common} --out {out}"));
        assert!(told.contains("points") && told.contains("3 cameras"), "{told}");
    }
    stage::refuses(root, &format!("{common} --out points.ply"), &["points.ply", "--overwrite"]);
    stage::refuses(root, &format!("{common} --out moment/"), &["images", "--overwrite"]);
    stage::refuses(root, &format!("{common} --out other.ply --crop 1:1"), &["--crop", "leave it out"]);
    // A folder with pictures of somebody's own is not touched, nor is ever what the moment is made from.
    let own = root.join("own/images");
    std::fs::create_dir_all(&own).unwrap();
    for entry in std::fs::read_dir(root.join("pictures")).unwrap().flatten() {
        std::fs::copy(entry.path(), own.join(entry.file_name())).unwrap();
    }
    let before = std::fs::read_dir(&own).unwrap().count();
    stage::refuses(root, &format!("{common} --out own/"), &["images", "--overwrite"]);
    stage::refuses(root, "export --rig rig.toml --pictures own/images --out own/ --overwrite", &["made from", "another folder"]);
    assert_eq!(std::fs::read_dir(&own).unwrap().count(), before);

    // Points, against the venue's truth; moved a little they fail.
    let (names, points) = vertices(&root.join("points.ply"));
    assert_eq!(names.join(" "), "x y z red green blue confidence footprint_m");
    assert!(points.len() > 15_000, "{}", points.len());
    let at: Vec<DVec3> = points.iter().map(|v| place(v)).collect();
    // What is about the athlete; half a metre up, most of it hangs in the air.
    let near = |at: &[DVec3], up: f64| -> Vec<DVec3> {
        at.iter().filter(|p| p.truncate().length() < 2.5).map(|p| *p + DVec3::new(0.0, 0.0, up)).collect()
    };
    let share = share_on_surface(&rig, &depths, &at);
    let here = share_on_surface(&rig, &depths, &near(&at, 0.0));
    let moved = share_on_surface(&rig, &depths, &near(&at, 0.5));
    println!("{} points, {share:.3} on a true surface; about the athlete {here:.3}, half a metre up {moved:.3}", points.len());
    assert!(share > 0.72 && moved < here - 0.3, "{share} {here} {moved}");
    let sure: Vec<DVec3> = points.iter().filter(|v| v[6] > 0.8).map(|v| place(v)).collect();
    let surely = share_on_surface(&rig, &depths, &sure);
    println!("of the {} surest {surely:.3}", sure.len());
    assert!(surely > share + 0.03, "confidence says nothing: {surely}");

    // Gaussians: the same places, fields as trainers write them, colour by the zeroth harmonic.
    let (names, gaussians) = vertices(&root.join("g.gs.ply"));
    assert_eq!(names.join(" "), "x y z nx ny nz f_dc_0 f_dc_1 f_dc_2 opacity scale_0 scale_1 scale_2 rot_0 rot_1 rot_2 rot_3");
    assert_eq!(gaussians.len(), points.len());
    for (g, p) in gaussians.iter().zip(&points).step_by(97) {
        assert_eq!(place(g), place(p));
        assert!((g[6] * 0.282_094_79 + 0.5 - p[3] / 255.0).abs() < 1e-4);
        let opacity = 1.0 / (1.0 + (-g[9]).exp());
        assert!((opacity - p[6].clamp(0.05, 0.98)).abs() < 1e-3 && (g[10].exp() / p[7] - 0.6).abs() < 1e-3 && g[13] == 1.0);
    }
    let splat = fs::read(root.join("g.splat")).unwrap();
    assert_eq!(splat.len(), points.len() * 32);
    assert_eq!(splat[28..32], [255, 128, 128, 128]);
    assert_eq!(python(GLB, &root.join("points.glb")).trim(), points.len().to_string());

    // Frames and poses: read back by our readers, a known point falls on the same pixel everywhere.
    let known = DVec3::new(0.3, -0.2, 1.1);
    for form in ["moment/sparse/0", "moment/transforms.json"] {
        let back = rig::load(&root.join(form)).unwrap();
        assert_eq!(back.cameras.len(), 3);
        for camera in &rig.cameras {
            let own = back.cameras.iter().find(|c| c.name.trim_start_matches("images/") == camera.name).unwrap();
            assert!((own.project(known).unwrap() - camera.project(known).unwrap()).length() < 1e-6, "{form} {}", camera.name);
        }
    }
    let back = rig::load(&root.join("moment/sparse/0")).unwrap();
    assert!(back.points_in_world.len() > 15_000 && share_on_surface(&rig, &depths, &back.points_in_world) > 0.72);
    for camera in &rig.cameras {
        let name = format!("{}.png", camera.name);
        let pixels = |path: &Path| volte::frame::Picture::load(path).unwrap();
        assert!(pixels(&root.join("moment/images").join(&name)) == pixels(&root.join("pictures").join(&name)));
    }
    let transforms: serde_json::Value = serde_json::from_slice(&fs::read(root.join("moment/transforms.json")).unwrap()).unwrap();
    let cloud = transforms["ply_file_path"].as_str().unwrap();
    assert!(vertices(&root.join("moment").join(cloud)).1.len() > 15_000);
    assert_eq!(fs::read_dir(root.join("moment")).unwrap().count(), 4, "something was left");
}
