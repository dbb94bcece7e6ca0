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

/// glTF binary by the rules of its specification (2.0.1), each with the name that Khronos' validator gives to what breaks it. It is not that
/// validator, which needs a JavaScript engine.
const GLB: &str = r#"
import json, math, struct, sys
b = open(sys.argv[1], "rb").read()
def rule(name, holds):
    if not holds: sys.exit("breaks " + name)
magic, version, length = struct.unpack_from("<4sII", b)
rule("GLB_INVALID_MAGIC", magic == b"glTF"); rule("GLB_INVALID_VERSION", version == 2); rule("GLB_LENGTH_MISMATCH", length == len(b))
n, kind = struct.unpack_from("<I4s", b, 12)
rule("GLB_UNEXPECTED_FIRST_CHUNK", kind == b"JSON"); rule("GLB_CHUNK_LENGTH_UNALIGNED", n % 4 == 0)
m, kind = struct.unpack_from("<I4s", b, 20 + n)
rule("GLB_UNKNOWN_CHUNK_TYPE", kind == b"BIN\0"); rule("GLB_CHUNK_LENGTH_UNALIGNED", m % 4 == 0); rule("GLB_CHUNK_TOO_BIG", 28 + n + m == len(b))
at = 28 + n
def once(pairs):
    rule("DUPLICATE_PROPERTY", len({k for k, _ in pairs}) == len(pairs)); return dict(pairs)
def never(text): rule("INVALID_JSON", False)
text = b[20:20 + n].decode("utf-8")
rule("INVALID_JSON", text[0] == "{" and set(text[text.rindex("}") + 1:]) <= {" "})
g = json.loads(text, object_pairs_hook=once, parse_constant=never)
known = {"asset", "scene", "scenes", "nodes", "meshes", "accessors", "bufferViews", "buffers", "materials", "textures", "images", "samplers",
         "animations", "skins", "cameras", "extensionsUsed", "extensionsRequired", "extensions", "extras"}
rule("UNEXPECTED_PROPERTY", set(g) <= known); rule("EMPTY_ENTITY", all(v != [] and v != {} for v in g.values()))
rule("UNKNOWN_ASSET_MAJOR_VERSION", g["asset"]["version"] == "2.0")
used = {"nodes": set(), "meshes": set(), "accessors": set(), "bufferViews": set(), "buffers": set()}
used.update({what: set() for what in ("materials", "textures", "images", "samplers") if what in g})
def of(what, index):
    rule("UNRESOLVED_REFERENCE", isinstance(index, int) and 0 <= index < len(g[what])); used[what].add(index); return g[what][index]
rule("UNRESOLVED_REFERENCE", 0 <= g["scene"] < len(g["scenes"]))
for scene in g["scenes"]:
    rule("ARRAY_LENGTH_NOT_IN_LIST", len(set(scene["nodes"])) == len(scene["nodes"]) > 0)
    for k in scene["nodes"]:
        node = of("nodes", k)
        rule("UNEXPECTED_PROPERTY", set(node) <= {"mesh", "rotation", "translation", "scale", "children", "name"})
        rule("ROTATION_NON_UNIT", abs(math.hypot(*node.get("rotation", [0, 0, 0, 1])) - 1) < 0.00769)
        rule("SCENE_NON_ROOT_NODE", all(k not in other.get("children", []) for other in g["nodes"]))
        of("meshes", node["mesh"])
sizes, parts = {5120: 1, 5121: 1, 5122: 2, 5123: 2, 5125: 4, 5126: 4}, {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
forms = {5120: "b", 5121: "B", 5122: "h", 5123: "H", 5125: "I", 5126: "f"}
def single(v): return struct.unpack("<f", struct.pack("<f", v))[0]
def read(index):
    a = of("accessors", index); view = of("bufferViews", a["bufferView"]); buffer = of("buffers", view["buffer"])
    rule("UNDECLARED_BUFFER", "uri" not in buffer); rule("BUFFER_GLB_CHUNK_TOO_BIG", 0 <= m - buffer["byteLength"] < 4)
    rule("VALUE_NOT_IN_LIST", a["componentType"] in sizes and a["type"] in parts and view.get("target", 34962) in (34962, 34963))
    own, width = sizes[a["componentType"]], parts[a["type"]]; item = own * width; step = view.get("byteStride", item)
    begin = view.get("byteOffset", 0) + a.get("byteOffset", 0)
    rule("VALUE_NOT_IN_RANGE", a["count"] >= 1); rule("ACCESSOR_TOTAL_OFFSET_ALIGNMENT", begin % own == 0)
    rule("MESH_PRIMITIVE_ACCESSOR_UNALIGNED", begin % 4 == 0 and step % 4 == 0)
    rule("ACCESSOR_TOO_LONG", a.get("byteOffset", 0) + step * (a["count"] - 1) + item <= view["byteLength"])
    rule("BUFFER_VIEW_TOO_LONG", view.get("byteOffset", 0) + view["byteLength"] <= buffer["byteLength"])
    rule("ACCESSOR_NORMALIZED_INVALID", not a.get("normalized") or a["componentType"] in (5120, 5121, 5122, 5123))
    values = [struct.unpack_from("<%d%s" % (width, forms[a["componentType"]]), b, at + begin + step * k) for k in range(a["count"])]
    rule("ACCESSOR_INVALID_FLOAT", all(math.isfinite(x) for v in values for x in v))
    for name, pick in (("min", min), ("max", max)):
        if name in a:
            bound = [pick(v[k] for v in values) for k in range(width)]
            rule("ACCESSOR_%s_MISMATCH" % name.upper(), [single(x) for x in a[name]] == bound)
    return a, values
for mesh in g["meshes"]:
    for primitive in mesh["primitives"]:
        rule("VALUE_NOT_IN_RANGE", primitive.get("mode", 4) in range(7))
        counts = set()
        for name, index in primitive["attributes"].items():
            a, values = read(index); counts.add(a["count"])
            if name == "POSITION":
                rule("MESH_PRIMITIVE_POSITION_ACCESSOR_WITHOUT_BOUNDS", "min" in a and "max" in a)
                rule("MESH_PRIMITIVE_ATTRIBUTES_ACCESSOR_INVALID_FORMAT", a["type"] == "VEC3" and a["componentType"] == 5126)
            elif name == "COLOR_0":
                good = a["componentType"] == 5126 or (a.get("normalized") and a["componentType"] in (5121, 5123))
                rule("MESH_PRIMITIVE_ATTRIBUTES_ACCESSOR_INVALID_FORMAT", a["type"] in ("VEC3", "VEC4") and good)
            elif name == "TEXCOORD_0":
                rule("MESH_PRIMITIVE_ATTRIBUTES_ACCESSOR_INVALID_FORMAT", a["type"] == "VEC2" and a["componentType"] == 5126)
            else: rule("MESH_PRIMITIVE_INVALID_ATTRIBUTE", False)
        rule("MESH_PRIMITIVE_NO_POSITION", "POSITION" in primitive["attributes"])
        rule("MESH_PRIMITIVE_UNEQUAL_ACCESSOR_COUNT", len(counts) == 1)
        if "indices" in primitive:
            a, values = read(primitive["indices"])
            rule("MESH_PRIMITIVE_INDICES_ACCESSOR_INVALID_FORMAT", a["type"] == "SCALAR" and a["componentType"] in (5121, 5123, 5125))
            rule("MESH_PRIMITIVE_INCOMPATIBLE_MODE", len(values) % 3 == 0 and primitive.get("mode", 4) == 4)
            rule("ACCESSOR_INDEX_OOB", max(values)[0] < min(counts))
            rule("ACCESSOR_INDEX_TRIANGLE_DEGENERATE", all(len(set(values[k:k + 3])) == 3 for k in range(0, len(values), 3)))
        if "material" in primitive:
            material = of("materials", primitive["material"]); texture = material["pbrMetallicRoughness"]["baseColorTexture"]
            rule("MESH_PRIMITIVE_TOO_FEW_TEXCOORDS", "TEXCOORD_%d" % texture.get("texCoord", 0) in primitive["attributes"])
            rule("UNDECLARED_EXTENSION", set(material.get("extensions", {})) <= set(g.get("extensionsUsed", [])))
            texture = of("textures", texture["index"]); sampler = of("samplers", texture["sampler"]); image = of("images", texture["source"])
            rule("VALUE_NOT_IN_LIST", sampler["wrapS"] in (33071, 33648, 10497) and sampler["minFilter"] in (9728, 9729, 9984, 9985, 9986, 9987))
            view = of("bufferViews", image["bufferView"]); begin = at + view["byteOffset"]
            rule("BUFFER_VIEW_TOO_LONG", view["byteOffset"] + view["byteLength"] <= of("buffers", view["buffer"])["byteLength"])
            rule("IMAGE_BUFFER_VIEW_WITH_BYTESTRIDE", "byteStride" not in view)
            rule("IMAGE_MIME_TYPE_INVALID", image["mimeType"] == "image/jpeg" and b[begin:begin + 2] == b"\xff\xd8")
rule("UNUSED_OBJECT", all(len(own) == len(g[what]) for what, own in used.items()))
print(g["accessors"][0]["count"])
"#;

/// What [`GLB`] says of a file in which `from` was replaced by `to`, which is as long.
fn spoilt_glb(file: &Path, from: &str, to: &str) -> String {
    let mut bytes = fs::read(file).unwrap();
    let at = bytes.windows(from.len()).position(|w| w == from.as_bytes()).unwrap_or_else(|| panic!("{from} is not in it"));
    bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
    let spoilt = file.with_extension("spoilt.glb");
    fs::write(&spoilt, bytes).unwrap();
    let out = Command::new("python3").args(["-c", GLB]).arg(&spoilt).output().unwrap();
    assert!(!out.status.success(), "{to} for {from} is not noticed");
    String::from_utf8(out.stderr).unwrap().trim().to_owned()
}

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

/// A mesh: its triangles on true surfaces, torn where depth jumps, each facing the camera whose picture lies on it, at the place where that
/// camera sees it.
fn judge_mesh(file: &Path, rig: &Rig, depths: &[Vec<f32>], pictures: &Path) {
    let bytes = fs::read(file).unwrap();
    let json_len = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    let scene: serde_json::Value = serde_json::from_slice(&bytes[20..20 + json_len]).unwrap();
    let view_of = |view: &serde_json::Value| {
        let view = &scene["bufferViews"][view.as_u64().unwrap() as usize];
        let at = 28 + json_len + view["byteOffset"].as_u64().unwrap() as usize;
        &bytes[at..at + view["byteLength"].as_u64().unwrap() as usize]
    };
    let of = |accessor: &serde_json::Value| view_of(&scene["accessors"][accessor.as_u64().unwrap() as usize]["bufferView"]);
    let words = |bytes: &[u8]| bytes.chunks_exact(4).map(|b| b.try_into().unwrap()).collect::<Vec<[u8; 4]>>();
    let parts = scene["meshes"][0]["primitives"].as_array().unwrap();
    assert_eq!(parts.len(), rig.cameras.len());
    let (mut corners, mut triangles, mut torn) = (Vec::new(), 0, 0);
    for part in parts {
        let material = &scene["materials"][part["material"].as_u64().unwrap() as usize];
        let camera = rig.cameras.iter().find(|c| material["name"] == c.name.as_str()).unwrap();
        let floats =
            |name: &str| words(of(&part["attributes"][name])).into_iter().map(|b| f64::from(f32::from_le_bytes(b))).collect::<Vec<_>>();
        let at: Vec<DVec3> = floats("POSITION").chunks(3).map(place).collect();
        for (p, uv) in at.iter().zip(floats("TEXCOORD_0").chunks(2)) {
            let px = camera.project(*p).unwrap();
            let own = glam::DVec2::new(uv[0] * f64::from(camera.width_px), uv[1] * f64::from(camera.height_px));
            assert!((px - own).length() < 0.05, "{}: {px} in the picture, {own} on the mesh", camera.name);
        }
        let indices: Vec<u32> = words(of(&part["indices"])).into_iter().map(u32::from_le_bytes).collect();
        for t in indices.chunks(3) {
            let [a, b, c] = [0, 1, 2].map(|k| at[t[k] as usize]);
            assert!((b - a).cross(c - a).dot(camera.center_in_world() - a) > 0.0, "{}: a triangle shows its back", camera.name);
            let z = [a, b, c].map(|p| camera.camera_from_world.apply(p).z);
            torn += usize::from(z.iter().copied().fold(0.0, f64::max) > 1.2 * z.iter().copied().fold(f64::MAX, f64::min));
        }
        triangles += indices.len() / 3;
        corners.extend(at);
        let jpeg = view_of(
            &scene["images"][scene["textures"][part["material"].as_u64().unwrap() as usize]["source"].as_u64().unwrap() as usize]["bufferView"],
        );
        let [on_mesh, own] = [
            volte::frame::Picture::from_jpeg(jpeg, 4096).unwrap(),
            volte::frame::Picture::load(&pictures.join(format!("{}.png", camera.name))).unwrap(),
        ];
        let off: u64 = on_mesh.rgba().iter().zip(own.rgba()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        assert!(off < 5 * own.rgba().len() as u64, "{}: another picture lies on its net", camera.name);
    }
    let share = share_on_surface(rig, depths, &corners);
    let up: Vec<DVec3> = corners.iter().filter(|p| p.truncate().length() < 2.5).map(|p| *p + DVec3::new(0.0, 0.0, 0.5)).collect();
    let moved = share_on_surface(rig, depths, &up);
    println!(
        "mesh: {} corners, {triangles} triangles, {share:.3} on a true surface, half a metre up {moved:.3}; {torn} span a jump",
        corners.len()
    );
    assert!(triangles > 15_000 && share > 0.72 && moved < share - 0.3, "{triangles} {share} {moved}");
    assert!(torn * 200 < triangles, "{torn} of {triangles} triangles span a jump of depth");
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
    for out in ["points.ply", "g.gs.ply", "g.splat", "points.glb", "g.mesh.glb", "moment/"] {
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
    let glb = root.join("points.glb");
    assert_eq!(python(GLB, &glb).trim(), points.len().to_string());
    for (from, to, rule) in [
        ("\"POSITION\":0", "\"POSITION\":1", "MESH_PRIMITIVE_POSITION_ACCESSOR_WITHOUT_BOUNDS"),
        ("\"mesh\":0", "\"mesh\":7", "UNRESOLVED_REFERENCE"),
        ("\"normalized\":true", "\"normalizes\":true", "MESH_PRIMITIVE_ATTRIBUTES_ACCESSOR_INVALID_FORMAT"),
        ("\"version\":\"2.0\"", "\"version\":\"3.0\"", "UNKNOWN_ASSET_MAJOR_VERSION"),
        ("\"scenes\":", "\"scenen\":", "UNEXPECTED_PROPERTY"),
        ("\"componentType\":5123", "\"componentType\":5126", "ACCESSOR"),
        ("BIN\0", "BUN\0", "GLB_UNKNOWN_CHUNK_TYPE"),
    ] {
        let told = spoilt_glb(&glb, from, to);
        assert!(told.contains(rule), "{from} to {to}: {told}");
    }

    // The mesh, by the same rules.
    let mesh = root.join("g.mesh.glb");
    python(GLB, &mesh);
    judge_mesh(&mesh, &rig, &depths, &root.join("pictures"));
    for (from, to, rule) in [
        ("\"indices\":2", "\"indices\":5", "ACCESSOR_INDEX"),
        ("\"TEXCOORD_0\":1", "\"TEXCOORD_0\":2", "ACCESSOR"),
        ("\"extensionsUsed\":", "\"extensionsUser\":", "UNEXPECTED_PROPERTY"),
        ("\"source\":0", "\"source\":9", "UNRESOLVED_REFERENCE"),
        ("image/jpeg", "image/jpng", "IMAGE_MIME_TYPE_INVALID"),
    ] {
        let told = spoilt_glb(&mesh, from, to);
        assert!(told.contains(rule), "{from} to {to}: {told}");
    }

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
