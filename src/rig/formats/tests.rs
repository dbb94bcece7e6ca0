//! One known projected point per format, distortion included; round trips; arbitrary bytes.
//!
//! The expected pixels were derived apart from this crate, with a few lines of plain Python: rotation from the quaternion,
//! Rodrigues or Euler formula, OpenCV's distortion polynomials, and for the formats with the first pixel's centre at
//! (0, 0) half a pixel added at the end. All are of the world point P.

use std::fmt::Write as _;

use glam::{DVec2, DVec3};
use proptest::prelude::*;

use super::*;

const P: DVec3 = DVec3::new(0.3, -0.2, 0.9);

fn assert_projects(rig: &Rig, name: &str, expected: (f64, f64)) {
    let camera = rig.camera(name).unwrap_or_else(|| panic!("no {name} in {:?}", rig.cameras.iter().map(|c| &c.name).collect::<Vec<_>>()));
    let px = camera.project(P).unwrap();
    assert!((px - DVec2::new(expected.0, expected.1)).length() < 1e-6, "{name}: {px}, expected {expected:?}");
}

fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, content).unwrap();
    path
}

const COLMAP: [(&str, &[f64], (f64, f64)); 7] = [
    ("SIMPLE_PINHOLE", &[800.0, 320.0, 240.0], (308.958_378_261_807_2, 146.836_316_583_998_27)),
    ("PINHOLE", &[800.0, 810.0, 320.0, 240.0], (308.958_378_261_807_2, 145.671_770_541_298_26)),
    ("SIMPLE_RADIAL", &[800.0, 320.0, 240.0, 0.1], (308.943_193_634_991_2, 146.708_196_295_237_94)),
    ("RADIAL", &[800.0, 320.0, 240.0, 0.1, -0.3], (308.943_820_099_736_1, 146.713_482_091_523_64)),
    ("OPENCV", &[800.0, 810.0, 320.0, 240.0, 0.1, -0.3, 0.01, -0.02], (308.743_406_450_049_9, 145.826_415_502_442_96)),
    ("OPENCV_FISHEYE", &[800.0, 810.0, 320.0, 240.0, 0.1, -0.3, 0.05, 0.02], (308.994_212_602_548, 145.977_902_194_423_48)),
    (
        "FULL_OPENCV",
        &[800.0, 810.0, 320.0, 240.0, 0.1, -0.3, 0.01, -0.02, 0.4, 0.05, 0.06, -0.07],
        (308.751_115_345_269_97, 145.892_272_353_404_9),
    ),
];

#[test]
fn colmap_text() {
    let dir = tempfile::tempdir().unwrap();
    let mut cameras = String::from("# Camera list\n");
    let mut images = String::from("# Image list\n");
    for (i, (model, params, _)) in COLMAP.iter().enumerate() {
        let params: Vec<String> = params.iter().map(ToString::to_string).collect();
        writeln!(cameras, "{} {model} 640 480 {}", i + 7, params.join(" ")).unwrap();
        // With points, with an empty line, and (the last) without any second line.
        let second = ["10.5 20.5 -1 11 12 3\n", "\n", ""][if i == 6 { 2 } else { i % 2 }];
        write!(images, "{} 1.8 0.2 -0.6 0.4 0.1 -0.2 4 {} shots/{model}.JPG\n{second}", i + 1, i + 7).unwrap();
    }
    write(dir.path(), "sparse/0/cameras.txt", &cameras);
    let images_path = write(dir.path(), "sparse/0/images.txt", &images);
    write(dir.path(), "sparse/0/points3D.txt", "1 0.25 0.5 -2 255 0 0 0.3 1 0 2 0\n");
    for path in [dir.path(), &dir.path().join("sparse"), &images_path] {
        if path.ends_with("sparse") {
            continue;
        }
        let rig = load(path).unwrap();
        assert_eq!((rig.cameras.len(), rig.points_in_world.as_slice()), (7, [DVec3::new(0.25, 0.5, -2.0)].as_slice()));
        assert_eq!((rig.cameras[0].width_px, rig.cameras[0].height_px), (640, 480));
        for (model, _, expected) in COLMAP {
            assert_projects(&rig, model, expected);
        }
    }
}

#[test]
fn colmap_binary_and_its_truncations() {
    let dir = tempfile::tempdir().unwrap();
    let (mut cameras, mut images) = ((COLMAP.len() as u64).to_le_bytes().to_vec(), (COLMAP.len() as u64).to_le_bytes().to_vec());
    for (i, (model, params, _)) in COLMAP.iter().enumerate() {
        cameras.extend((i as u32 + 7).to_le_bytes());
        cameras.extend((i as u32).to_le_bytes());
        cameras.extend([640_u64, 480].iter().flat_map(|v| v.to_le_bytes()));
        cameras.extend(params.iter().flat_map(|v| v.to_le_bytes()));
        images.extend((i as u32).to_le_bytes());
        images.extend([0.9_f64, 0.1, -0.3, 0.2, 0.1, -0.2, 4.0].iter().flat_map(|v| v.to_le_bytes()));
        images.extend((i as u32 + 7).to_le_bytes());
        images.extend(format!("{model}.png\0").bytes());
        images.extend(1_u64.to_le_bytes());
        images.extend([0_u8; 24]);
    }
    let mut points = 1_u64.to_le_bytes().to_vec();
    points.extend(5_u64.to_le_bytes());
    points.extend([0.25_f64, 0.5, -2.0].iter().flat_map(|v| v.to_le_bytes()));
    points.extend([0; 11]);
    points.extend(2_u64.to_le_bytes());
    points.extend([0; 16]);
    write(dir.path(), "cameras.bin", &cameras);
    write(dir.path(), "images.bin", &images);
    write(dir.path(), "points3D.bin", &points);
    let rig = load(dir.path()).unwrap();
    for (model, _, expected) in COLMAP {
        assert_projects(&rig, model, expected);
    }
    assert_eq!(rig.points_in_world, [DVec3::new(0.25, 0.5, -2.0)]);
    for cut in 0..images.len() {
        assert!(colmap_binary::parse(&cameras, &images[..cut], None).is_err(), "cut at {cut}");
    }
    let e = colmap_binary::parse(&cameras[..60], &images, None).unwrap_err();
    assert!(e.0.contains("cameras.bin") && e.0.contains("truncated"), "{}", e.0);
}

const C2W: &str = "[[0.9396926207859084, -0.059391174613884726, 0.33682408883346515, 0.5], \
    [0.3420201433256687, 0.1631759111665349, -0.9254165783983234, -3], [0, 0.984807753012208, 0.17364817766693041, 1], [0, 0, 0, 1]]";

#[test]
fn transforms_json() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(
        dir.path(),
        "transforms.json",
        format!(
            r#"{{"w": 640.0, "h": 480, "fl_x": 700, "fl_y": 710, "cx": 321, "cy": 239, "aabb_scale": 4, "frames": [
            {{"file_path": "./images/a.png", "transform_matrix": {C2W}}},
            {{"file_path": "images/b", "k1": 0.05, "k2": -0.08, "p1": -0.001, "p2": 0.002, "transform_matrix": {C2W}}},
            {{"file_path": "images/c.jpg", "camera_model": "OPENCV_FISHEYE", "k1": 0.1, "k2": -0.3, "k3": 0.05, "k4": 0.02, "transform_matrix": {C2W}}}]}}"#
        ),
    );
    for path in [path.as_path(), dir.path()] {
        let rig = load(path).unwrap();
        assert_projects(&rig, "a", (522.354_052_221_762_9, 140.750_328_741_527_94));
        assert_projects(&rig, "b", (523.642_676_143_519_8, 140.118_812_805_921_27));
        assert_projects(&rig, "c", (517.241_840_401_057_1, 143.244_806_132_203_14));
    }
    // Only an angle: the size comes from the picture, whose name lacks its extension in the file.
    image::RgbImage::new(640, 480).save(dir.path().join("r_0.png")).unwrap();
    let angle_only = format!(r#"{{"camera_angle_x": 0.8, "frames": [{{"file_path": "./r_0", "transform_matrix": {C2W}}}]}}"#);
    let rig = load(&write(dir.path(), "angle.json", &angle_only)).unwrap();
    assert_projects(&rig, "r_0", (537.712_968_539_720_8, 135.264_304_125_291_12));
    std::fs::remove_file(dir.path().join("r_0.png")).unwrap();
    let e = load(&dir.path().join("angle.json")).unwrap_err().to_string();
    assert!(e.contains("r_0") && e.contains("\"w\" and \"h\""), "{e}");
    let e = load(&write(dir.path(), "nan.json", r#"{"fl_x": NaN, "frames": []}"#)).unwrap_err().to_string();
    assert!(e.contains("NaN in it"), "{e}");
}

const RODRIGUES: &str = "[0.4, -1.1, 0.3]";
const MATRIX_3X3: &str = "[[0.4253333428929974, -0.42665002166355986, -0.7981612032903829], \
    [0.03764489992958886, 0.8894871813255765, -0.45540686837900496], [0.9042535092178294, 0.16365302707852675, 0.39438975366415874]]";
const BROWN: (f64, f64) = (561.245_827_910_271_4, 207.840_997_551_634_27);
const FISHEYE: (f64, f64) = (561.760_503_399_690_4, 208.856_579_166_055_9);
const PINHOLE: (f64, f64) = (561.067_352_129_861_3, 207.521_647_724_395_48);

#[test]
fn anipose_toml() {
    let k = "matrix = [[900.0, 0.0, 640.0], [0.0, 905.0, 360.0], [0.0, 0.0, 1.0]]\nsize = [1280, 720]\ntranslation = [0.1, -0.2, 4]";
    let d = "distortions = [-0.05, 0.14, 0.0006, 0.0007, 0.02]";
    let text = format!(
        "[cam_0]\nname = \"left\"\n{k}\n{d}\nrotation = {RODRIGUES}\n\n[cam_1]\n{k}\ndistortions = [0.1, -0.3, 0.05, 0.02]\nfisheye = true\nrotation = {RODRIGUES}\n\
         \n[cameras.3]\ncam_id = 3\nignore = false\n{k}\n{d}\nrotation = {MATRIX_3X3}\n\n[cameras.4]\nignore = true\n{k}\n\n[metadata]\nerror = 0.0\n"
    );
    let dir = tempfile::tempdir().unwrap();
    let rig = load(&write(dir.path(), "calib.toml", &text)).unwrap();
    assert_eq!(rig.cameras.len(), 3);
    assert_projects(&rig, "left", BROWN);
    assert_projects(&rig, "3", BROWN);
    assert_projects(&rig, "cam_1", FISHEYE);
    let e = load(&write(dir.path(), "bad.toml", text.replacen("translation", "transition", 1))).unwrap_err().to_string();
    assert!(e.contains("[cam_0]") && e.contains("translation is missing"), "{e}");
}

#[test]
fn middlebury_par() {
    let row = "900 0 640 0 905 360 0 0 1 0.4253333428929974 -0.42665002166355986 -0.7981612032903829 0.03764489992958886 0.8894871813255765 \
        -0.45540686837900496 0.9042535092178294 0.16365302707852675 0.39438975366415874 0.1 -0.2 4";
    let dir = tempfile::tempdir().unwrap();
    let rig = load(&write(dir.path(), "x_par.txt", format!("2\nx0001.png {row}\nx0002.png {row}\n"))).unwrap();
    assert_projects(&rig, "x0002", PINHOLE);
    assert_eq!(rig.cameras[0].width_px, 0);
    let e = load(&write(dir.path(), "y_par.txt", format!("2\nx0001.png {row}\n"))).unwrap_err().to_string();
    assert!(e.contains("promises 2"), "{e}");
}

#[test]
fn mvsnet_cam_txt() {
    let text = "extrinsic\n0.4253333428929974 -0.42665002166355986 -0.7981612032903829 0.1\n0.03764489992958886 0.8894871813255765 -0.45540686837900496 -0.2\n\
        0.9042535092178294 0.16365302707852675 0.39438975366415874 4\n0 0 0 1\n\nintrinsic\n900 0 640\n0 905 360\n0 0 1\n\n425.0 2.5 192 933.8\n";
    let dir = tempfile::tempdir().unwrap();
    let one = write(dir.path(), "cams/00000000_cam.txt", text);
    write(dir.path(), "cams/00000001_cam.txt", text);
    assert_eq!(load(&one).unwrap().cameras.len(), 1);
    for path in [dir.path().to_path_buf(), dir.path().join("cams")] {
        let rig = load(&path).unwrap();
        assert_eq!(rig.cameras.len(), 2);
        assert_projects(&rig, "00000001", PINHOLE);
    }
}

#[test]
fn opencv_easymocap_pair() {
    let intri = "%YAML:1.0\n---\nnames:\n  - \"01\"\nK_01: !!opencv-matrix\n  rows: 3\n  cols: 3\n  dt: d\n  data: [900., 0., 640., 0., 905.000, 360.,\n      0., 0., 1.]\n\
        dist_01: !!opencv-matrix\n  rows: 1\n  cols: 5\n  dt: d\n  data: [-0.05, 0.14, 0.0006, 7e-4, 0.02]\n";
    let extri = "%YAML:1.0\n---\nnames:\n  - \"01\"\nR_01: !!opencv-matrix\n  rows: 3\n  cols: 1\n  dt: d\n  data: [0.4, -1.1, 0.3]\n\
        T_01: !!opencv-matrix\n  rows: 3\n  cols: 1\n  dt: d\n  data: [0.1, -0.2, 4.]\n";
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), "intri.yml", intri);
    let e = load(&file).unwrap_err().to_string();
    assert!(e.contains("\"01\"") && e.contains("extri.yml"), "{e}");
    write(dir.path(), "extri.yml", extri);
    for path in [dir.path(), &file] {
        assert_projects(&load(path).unwrap(), "01", BROWN);
    }
}

#[test]
fn opencv_xml_stereo_and_single() {
    let matrix = |name: &str, rows: u32, cols: u32, data: &str| {
        format!(
            "<{name} type_id=\"opencv-matrix\">\n  <rows>{rows}</rows><cols>{cols}</cols><dt>d</dt>\n  <data>\n    {data}</data></{name}>\n"
        )
    };
    let (k, d) = ("900. 0. 640. 0. 905. 360. 0. 0. 1.", "-0.05 0.14 0.0006 0.0007 0.02");
    let head = "<?xml version=\"1.0\"?>\n<opencv_storage>\n";
    let stereo = [
        matrix("M1", 3, 3, k),
        matrix("D1", 1, 5, d),
        matrix("M2", 3, 3, k),
        matrix("D2", 1, 5, d),
        matrix("R", 3, 3, &MATRIX_3X3.replace(['[', ']', ','], " ")),
        matrix("T", 3, 1, "0.1 -0.2 4."),
    ]
    .concat();
    let dir = tempfile::tempdir().unwrap();
    let rig = load(&write(dir.path(), "stereo.xml", format!("{head}<!-- two -->{stereo}</opencv_storage>\n"))).unwrap();
    assert_projects(&rig, "camera2", BROWN);
    assert_eq!(rig.camera("camera1").unwrap().camera_from_world, Pose::IDENTITY);
    let maps = format!(
        "<right><image_width>1280</image_width><image_height>720</image_height>{}{}<rvec>0.4 -1.1 0.3</rvec><tvec>0.1 -0.2 4</tvec></right>",
        matrix("camera_matrix", 3, 3, k),
        matrix("distortion_coefficients", 5, 1, d)
    );
    let rig = load(&write(dir.path(), "maps.xml", format!("{head}{maps}</opencv_storage>"))).unwrap();
    assert_projects(&rig, "right", BROWN);
    assert_eq!((rig.cameras[0].width_px, rig.cameras[0].height_px), (1280, 720));
    let e = load(&write(dir.path(), "cut.xml", format!("{head}{}", &stereo[..300]))).unwrap_err().to_string();
    assert!(e.contains("truncated"), "{e}");
}

#[test]
fn opencv_yaml_bombs_are_refused() {
    for bomb in ["[".repeat(100_000), "- ".repeat(50_000), "a: &a [1]\nb: *a\n".to_owned(), "{a: ".repeat(9000)] {
        assert!(opencv::parse(&[&format!("%YAML:1.0\n---\nx: \n{bomb}")]).is_err());
    }
    assert!(xml::parse(&"<a>".repeat(100_000)).is_err());
}

#[test]
fn miv_json_with_omaf_axes() {
    let text = r#"{"Version": "4.0", "Content_name": "x", "Fps": 30, "cameras": [
        {"Name": "v3", "Position": [-3, -1.4, 0.9], "Rotation": [30, 10, 5], "Depth_range": [1, 50], "Resolution": [1920, 1080],
         "Projection": "Perspective", "Focal": [1200, 1210], "Principle_point": [960, 540], "BitDepthColor": 10},
        {"Name": "viewport", "Position": [0, 0, 0], "Rotation": [0, 0, 0], "Resolution": [2048, 2048], "Projection": "Perspective",
         "Focal": [1, 1], "Principle_point": [1, 1]}]}"#;
    let dir = tempfile::tempdir().unwrap();
    let rig = load(&write(dir.path(), "miv.json", text)).unwrap();
    assert_eq!(rig.cameras.len(), 1);
    assert_projects(&rig, "v3", (1_155.966_499_776_138, 308.541_648_545_959_45));
    let e = load(&write(dir.path(), "erp.json", text.replacen("Perspective", "Equirectangular", 1))).unwrap_err().to_string();
    assert!(e.contains("\"v3\"") && e.contains("Perspective"), "{e}");
}

#[test]
fn qualisys_qca() {
    let text = r#"<?xml version='1.0' encoding='ASCII'?><calibration type="regular"><cameras><camera active="1" serial="cam07" viewrotation="0">
        <fov_video bottom="719" left="0" right="1279" top="0"/>
        <transform r11="0.4253333428929974" r12="-0.42665002166355986" r13="-0.7981612032903829" r21="-0.03764489992958886" r22="-0.8894871813255765"
          r23="0.45540686837900496" r31="-0.9042535092178294" r32="-0.16365302707852675" r33="-0.39438975366415874"
          x="-3652.0183911747" y="-434.0496698826357" z="-1588.8242680033977"/>
        <intrinsic centerPointU="40960" centerPointV="23040" focalLengthU="57600" focalLengthV="57920" skew="0.0" radialDistortion1="-0.05"
          radialDistortion2="0.14" radialDistortion3="0.02" tangentalDistortion1="0.0006" tangentalDistortion2="0.0007"/></camera></cameras></calibration>"#;
    let dir = tempfile::tempdir().unwrap();
    let rig = load(&write(dir.path(), "x.qca.txt", text)).unwrap();
    assert_projects(&rig, "cam07", BROWN);
    assert_eq!((rig.cameras[0].width_px, rig.cameras[0].height_px), (1280, 720));
}

/// A rig with every kind of lens.
fn mixed() -> Rig {
    let lens = |distortion| Lens { distortion, ..Lens::pinhole(900.1, 905.0 / 7.0, 640.25, 1.0 / 3.0) };
    let kinds = [
        Distortion::None,
        Distortion::BrownConrady { k: [-0.05, 0.14, 0.0, 0.0, 0.0, 0.0], p: [0.0006, 0.0007] },
        Distortion::BrownConrady { k: [-0.05, 0.14, 0.02, 0.0, 0.0, 0.0], p: [0.0006, 0.0007] },
    ];
    let mut cameras: Vec<Camera> = kinds
        .into_iter()
        .enumerate()
        .map(|(i, kind)| {
            camera(
                format!("cam {i} \"é\\"),
                (1280, 720),
                lens(kind),
                rodrigues(DVec3::new(0.4, -1.1, 0.3 + i as f64)),
                DVec3::new(0.1, -0.2, 1e-9),
            )
        })
        .collect();
    cameras[1].clock_offset_nanos = -16_683_333;
    Rig { cameras, points_in_world: vec![P, P * 1e7] }
}

fn assert_same_projection(a: &Rig, b: &Rig) {
    assert_eq!(a.cameras.len(), b.cameras.len());
    for (a, b) in a.cameras.iter().zip(&b.cameras) {
        let p_in_world = a.camera_from_world.inverse().apply(DVec3::new(0.3, -0.25, 1.5));
        let (pa, pb) = (a.project(p_in_world).unwrap(), b.project(p_in_world).unwrap());
        assert!((pa - pb).length() < 1e-9, "{pa} {pb}");
        assert_eq!((a.width_px, a.height_px), (b.width_px, b.height_px));
    }
}

#[test]
fn our_own_file_round_trips_to_the_bit() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = mixed();
    rig.cameras[0].lens.distortion = Distortion::Fisheye { k: [0.1, -0.3, 0.05, 0.02] };
    let path = dir.path().join("rig.toml");
    save(&rig, &path, Format::RigToml).unwrap();
    let back = load(&path).unwrap();
    for (a, b) in rig.cameras.iter().zip(&back.cameras) {
        assert_eq!((a.lens, &a.name, a.clock_offset_nanos), (b.lens, &b.name, b.clock_offset_nanos));
        assert_eq!(a.camera_from_world.translation, b.camera_from_world.translation);
        let change = (a.camera_from_world.rotation - b.camera_from_world.rotation).to_cols_array();
        assert!(change.iter().all(|v| v.abs() < 1e-15));
    }
    assert_eq!(rig.points_in_world, back.points_in_world);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");
    let text = std::fs::read_to_string(&path).unwrap();
    for (from, to, told) in [
        ("focal_px", "focus_px", "focus_px"),
        ("version = 1", "version = 2", "version 2"),
        ("k = [0.1, -0.3, 0.05, 0.02] }", "k = [0.1, -0.3, 0.05, 0.02], q = 1 }", "unknown"),
        ("size_px = [1280, 720]", "size_px = [0, 720]", "0 × 720"),
        ("name = ", "name = \"cam 1 \\\"é\\\\\" #", "two cameras are called"),
    ] {
        assert!(text.contains(from));
        let e = load(&write(dir.path(), "edited.toml", text.replacen(from, to, 1))).unwrap_err().to_string();
        assert!(e.contains(told), "{e}");
    }
}

#[test]
fn colmap_and_transforms_round_trip() {
    let dir = tempfile::tempdir().unwrap();
    let rig = mixed();
    let colmap = dir.path().join("model");
    save(&rig, &colmap, Format::ColmapText).unwrap();
    let back = load(&colmap).unwrap();
    assert_same_projection(&rig, &back);
    assert_eq!(back.points_in_world, rig.points_in_world);
    let transforms = dir.path().join("transforms.json");
    save(&rig, &transforms, Format::Transforms).unwrap();
    assert_same_projection(&rig, &load(&transforms).unwrap());
    let mut unknown_size = rig.clone();
    unknown_size.cameras[2].width_px = 0;
    let e = save(&unknown_size, &transforms, Format::Transforms).unwrap_err().to_string();
    assert!(e.contains("cam 2") && e.contains("--pictures"), "{e}");
    let mut mixture = rig;
    mixture.cameras[0].lens.distortion = Distortion::Fisheye { k: [0.0; 4] };
    assert!(save(&mixture, &transforms, Format::Transforms).is_err());
}

#[test]
fn anipose_and_opencv_round_trip() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = mixed();
    let eight = Distortion::BrownConrady { k: [0.3, -0.1, 0.05, 0.2, 0.01, -0.02], p: [0.001, -0.002] };
    for (name, distortion) in [("wide", eight), ("fish", Distortion::Fisheye { k: [0.1, -0.03, 0.005, 0.002] })] {
        let lens = Lens { distortion, ..rig.cameras[0].lens };
        rig.cameras.push(Camera { name: name.into(), lens, ..rig.cameras[1].clone() });
    }
    // Nearly half a turn: where a rotation's vector is hardest.
    rig.cameras[0].camera_from_world.rotation = rodrigues(DVec3::new(std::f64::consts::PI - 1e-4, 0.001, -0.002));
    let toml = dir.path().join("calibration.toml");
    save(&rig, &toml, Format::AniposeToml).unwrap();
    assert_eq!(detect(&toml).unwrap().0, Format::AniposeToml);
    let back = load(&toml).unwrap();
    assert_same_projection(&rig, &back);
    let names = |rig: &Rig| rig.cameras.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&rig), names(&back));
    // The numbers as OpenCV wants them: half a pixel less.
    let text = std::fs::read_to_string(&toml).unwrap();
    assert!(text.contains("[[900.1, 0.0, 639.75]"), "{text}");
    let yaml = dir.path().join("cameras.yml");
    let e = save(&rig, &yaml, Format::OpenCv).unwrap_err().to_string();
    assert!(e.contains("begin with a letter") && e.contains("Rename"), "{e}");
    for (i, c) in rig.cameras.iter_mut().enumerate() {
        c.name = format!("cam_{i}");
    }
    save(&rig, &yaml, Format::OpenCv).unwrap();
    assert_eq!(detect(&yaml).unwrap().0, Format::OpenCv);
    let back = load(&yaml).unwrap();
    assert_same_projection(&rig, &back);
    assert_eq!(names(&rig), names(&back));
    assert!(matches!(back.cameras[4].lens.distortion, Distortion::Fisheye { .. }));
}

#[test]
fn bad_files_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let e = |path: &Path| load(path).unwrap_err().to_string();
    assert!(e(&dir.path().join("none.json")).contains("none.json"));
    assert!(e(dir.path()).contains("no rig in this folder"));
    assert!(e(&write(dir.path(), "zero.toml", "")).contains("0 bytes"));
    assert!(e(&write(dir.path(), "notes.txt", "hello")).contains("not a rig file"));
    assert!(e(&write(dir.path(), "x.mp4", [0, 0, 0, 24, 255, 254])).contains("not a text file"));
    let own = |rotation: &str, focal: &str| {
        format!(
            "version = 1\n[[camera]]\nname = \"c7\"\nsize_px = [4, 4]\nfocal_px = {focal}\ncenter_px = [2.0, 2.0]\nrotation = {rotation}\ntranslation_m = [0.0, 0.0, 1.0]\n"
        )
    };
    let identity = "[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]";
    for (rotation, focal, told) in [
        ("[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0]]", "[9.0, 9.0]", "mirrored"),
        (identity, "[0.0, 9.0]", "focal length"),
        (identity, "[nan, 9.0]", "not a number"),
    ] {
        let message = e(&write(dir.path(), "rig.toml", own(rotation, focal)));
        assert!(message.contains("\"c7\"") && message.contains(told), "{message}");
    }
    assert_eq!(load(&write(dir.path(), "rig.toml", own(identity, "[9.0, 9.0]"))).unwrap().cameras.len(), 1);
}

#[test]
fn names_are_stems_or_paths() {
    assert_eq!(stem("images/IMG_5883.jpg"), "IMG_5883");
    assert_eq!(stem("./cam00"), "cam00");
    assert_eq!(stem("a\\b.PNG"), "b");
    assert_eq!(stem("v1.2"), "v1.2");
    assert_eq!(names_of(&["left/1.png".into(), "right/1.png".into()]), ["left/1", "right/1"]);
}

fn parse_all(bytes: &[u8], other: &[u8]) {
    let _ = detect_content(bytes);
    let _ = colmap_binary::parse(bytes, other, Some(bytes));
    let (a, b) = (String::from_utf8_lossy(bytes), String::from_utf8_lossy(other));
    let _ = colmap::parse(&a, &b, Some(&a));
    let _ = transforms::parse(&a, None);
    let _ = anipose::parse(&a);
    let _ = middlebury::parse(&a);
    let _ = mvsnet::parse(&a, "x");
    let _ = miv::parse(&a);
    let _ = opencv::parse(&[&a, &b]);
    let _ = qualisys::parse(&a);
    let _ = rig_toml::parse(&a);
}

/// Files that parse, to be damaged: random bytes alone never get past the first line.
fn seeds() -> Vec<Vec<u8>> {
    let own = rig_toml::write(&mixed());
    let texts = [
        own.as_str(),
        "2\na.png 900 0 640 0 905 360 0 0 1 1 0 0 0 1 0 0 0 1 0 0 4\nb.png 900 0 640 0 905 360 0 0 1 1 0 0 0 1 0 0 0 1 0 0 4\n",
        "%YAML:1.0\n---\nK_01: !!opencv-matrix\n  data: [900., 0., 640., 0., 905., 360., 0., 0., 1.]\nR_01: [0.1, 0, 0]\nT_01: [0, 0, 4]\n",
        "<opencv_storage><M1><data>1 0 0 0 1 0 0 0 1</data></M1><M2><data>1 0 0 0 1 0 0 0 1</data></M2><R>0 0 1</R><T>1 1 1</T></opencv_storage>",
        "extrinsic\n1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1\nintrinsic\n9 0 1 0 9 1 0 0 1\n",
        "{\"w\": 64, \"h\": 48, \"camera_angle_x\": 1, \"frames\": [{\"file_path\": \"a\", \"transform_matrix\": [[1,0,0,0],[0,1,0,0],[0,0,1,0]]}]}",
        "[a]\nsize = [1, 1]\nmatrix = [[1, 0, 1], [0, 1, 1], [0, 0, 1]]\ndistortions = [0, 0]\nrotation = [0, 0, 0]\ntranslation = [0, 0, 0]\n",
        "1 PINHOLE 4 4 1 1 1 1\n",
        "1 1 0 0 0 0 0 0 1 a.png\n\n2 1 0 0 0 0 0 0 1 b.png\n",
    ];
    texts.iter().map(|t| t.as_bytes().to_vec()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn arbitrary_bytes_never_panic(a in proptest::collection::vec(any::<u8>(), 0..400), b in proptest::collection::vec(any::<u8>(), 0..400)) {
        parse_all(&a, &b);
    }

    #[test]
    fn damaged_files_never_panic(which in 0..9_usize, cut in any::<u16>(), edits in proptest::collection::vec((any::<u16>(), any::<u8>()), 0..6)) {
        let mut bytes = seeds().swap_remove(which);
        let n = bytes.len();
        for (at, value) in edits {
            bytes[usize::from(at) % n] = value;
        }
        parse_all(&bytes[..usize::from(cut) % (n + 1)], &bytes);
        parse_all(&bytes, b"1 PINHOLE 4 4 1 1 1 1\n");
    }
}
