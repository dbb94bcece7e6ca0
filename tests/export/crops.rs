//! Frames of another shape than the cameras' that follow the pivot.

use std::path::Path;

use glam::DVec3;
use volte::{
    engine::export::{self, ExportJob, Moments},
    frame::{Moment, MomentFrame, Picture, metrics::psnr_db},
    gpu::{Gpu, GpuOptions},
    output::{CancelToken, OutputSpec},
    replay::path::{Preset, PresetOptions, Track},
    rig::{Arc, Rig},
    scene::SceneOptions,
    time::{FrameRate, MediaTime},
    view::ViewMode,
};

use super::stage;

/// The frames of an orbit through all cameras, real pixels only.
fn frames(folder: &Path, rig: &Rig, pictures: &[Picture], size: (u32, u32), follow: bool) -> Vec<Picture> {
    let gpu = Gpu::open(&GpuOptions::default()).unwrap();
    let frame = |(camera, picture): (&volte::rig::Camera, &Picture)| MomentFrame {
        camera: camera.name.clone(),
        picture: std::sync::Arc::new(picture.clone()),
        time: MediaTime::ZERO,
        error_nanos: 0,
        retimed: false,
    };
    let moment = Moment { frames: rig.cameras.iter().zip(pictures).map(frame).collect(), ..Moment::default() };
    let job = ExportJob {
        rig: rig.clone(),
        moments: Moments::One(moment),
        path: orbit(),
        mark: MediaTime::ZERO,
        follow,
        mode: ViewMode::Nearest,
        gaps: vec![],
        scene: SceneOptions::default(),
        plates: vec![],
        phases: vec![],
        graphics: vec![],
        trims: volte::replay::trim::TrimList::default(),
        output: OutputSpec {
            path: folder.join(format!("{}x{}_{follow}_%02d.png", size.0, size.1)),
            width_px: size.0,
            height_px: size.1,
            rate: FrameRate::whole(10),
            codec: None,
            threads: 0,
            overwrite: false,
            sidecar: None,
            cancel: CancelToken::default(),
        },
    };
    let report = export::run(job, &gpu, &mut |_| {}, &CancelToken::default()).unwrap();
    let name = |k: u64| folder.join(format!("{}x{}_{follow}_{k:02}.png", size.0, size.1));
    (0..report.output.frames).map(|k| Picture::load(&name(k)).unwrap()).collect()
}

fn orbit() -> volte::replay::path::Path {
    Preset::FreezeOrbit.path(&PresetOptions { from: 0.0, to: 4.0, secs: 2.0, hold_secs: 0.2, ..PresetOptions::default() })
}

#[test]
fn a_crop_keeps_the_pivot_in_its_middle_at_full_sharpness() {
    let folder = tempfile::tempdir().unwrap();
    let rig = stage::rig(7.0);
    let ball = Arc::fit(&rig).unwrap().center_in_world;
    let pictures: Vec<Picture> = rig.cameras.iter().map(|c| stage::draw(c, ball)).collect();
    for size in [(100, 180), (180, 180), (144, 180)] {
        let middle = [f64::from(size.0) * 0.5, f64::from(size.1) * 0.5];
        let worst = |frames: &[Picture]| {
            let off = |p: &Picture| stage::ball_in(p).map_or(f64::INFINITY, |(at, _)| (at[0] - middle[0]).abs());
            frames.iter().map(off).fold(0.0, f64::max)
        };
        let followed = frames(folder.path(), &rig, &pictures, size, true);
        assert_eq!(followed.len(), 20);
        let most = worst(&followed);
        println!("{size:?}: the ball is at most {most:.1} px off the middle");
        assert!(most < 3.0, "{size:?}: {most}");
        // The judge sees a frame that does not follow.
        let fixed = worst(&frames(folder.path(), &rig, &pictures, size, false));
        assert!(fixed > 25.0, "{size:?}: {fixed}");

        // At a camera the frame is a window of its picture, at that picture's own sharpness.
        let track = Track::new(&orbit(), &rig, MediaTime::ZERO, size.0, size.1).unwrap().following();
        let lens = track.sample(0.0).camera.lens;
        let (dx, dy) = (rig.cameras[0].lens.cx_px - lens.cx_px, rig.cameras[0].lens.cy_px - lens.cy_px);
        assert!(dx.abs() > 5.0 && dx >= 0.0 && dx <= f64::from(stage::SIZE.0 - size.0), "{dx}");
        let window = window(&pictures[0], dx, dy, size);
        let db = psnr_db(&followed[0], &window, None).unwrap();
        let scaled = window.resized(size.0 / 2, size.1 / 2).resized(size.0, size.1);
        let blurred = psnr_db(&scaled, &window, None).unwrap();
        println!("{size:?}: {db:.1} dB to the camera's own pixels, {blurred:.1} dB where a small picture is scaled up");
        assert!(db > 38.0 && db > blurred + 6.0, "{db} {blurred}");
    }
}

/// A part of a picture from (dx, dy), by bilinear interpolation.
fn window(picture: &Picture, dx: f64, dy: f64, size: (u32, u32)) -> Picture {
    let at = |x: f64, y: f64, c: usize| {
        let (x, y) = (x.clamp(0.0, f64::from(picture.width() - 1)), y.clamp(0.0, f64::from(picture.height() - 1)));
        let (x0, y0) = (x.floor(), y.floor());
        let px = |x: f64, y: f64| f64::from(picture.pixel((x as u32).min(picture.width() - 1), (y as u32).min(picture.height() - 1))[c]);
        let row = |y: f64| px(x0, y) * (1.0 - (x - x0)) + px(x0 + 1.0, y) * (x - x0);
        row(y0) * (1.0 - (y - y0)) + row(y0 + 1.0) * (y - y0)
    };
    let rgba = (0..size.0 * size.1)
        .flat_map(|i| {
            let (x, y) = (f64::from(i % size.0) + dx, f64::from(i / size.0) + dy);
            [at(x, y, 0), at(x, y, 1), at(x, y, 2), 255.0].map(|v| (v + 0.5) as u8)
        })
        .collect();
    Picture::from_rgba(size.0, size.1, rgba).unwrap()
}

#[test]
fn crops_are_asked_for_by_their_shape() {
    let folder = tempfile::tempdir().unwrap();
    let rig = stage::rig(7.0);
    let ball = Arc::fit(&rig).unwrap().center_in_world;
    stage::written(folder.path(), &rig, ball);
    let common = "export --rig rig.toml --pictures pictures --mode nearest --seconds 0.4 --rate 10";
    for (crop, more, size) in [("9:16", "", "102x180"), ("1:1", "", "180x180"), ("4:5", "", "144x180"), ("16:9", "--size 160x90", "160x90")]
    {
        let name = format!("{}.mp4", crop.replace(':', "_"));
        stage::does(folder.path(), &format!("{common} --crop {crop} {more} --out {name}"));
        let told = stage::probe(&folder.path().join(&name), "stream=width,height,nb_read_frames");
        let (w, h) = size.split_once('x').unwrap();
        assert!(told.contains(&format!("width={w}\nheight={h}\nnb_read_frames=4")), "{crop}: {told}");
    }
    stage::does(folder.path(), &format!("{common} --crop 1:1 --out page.html"));
    let page = std::fs::read_to_string(folder.path().join("page.json")).unwrap();
    assert!(page.contains("\"width_px\": 180") && page.contains("\"height_px\": 180"), "{page}");
    stage::refuses(folder.path(), &format!("{common} --crop 9:16 --size 320x180 --out a.mp4"), &["320x180", "9:16", "--size 102x180"]);
    stage::refuses(folder.path(), &format!("{common} --crop phone --out a.mp4"), &["phone", "9:16"]);
    stage::refuses(folder.path(), &format!("{common} --pivot 1,2 --out a.mp4"), &["1,2", "x,y,z"]);
    assert!(!folder.path().join("a.mp4").exists());
    // Another pivot: the ball leaves the middle of the frame.
    let at = |more: &str, name: &str| {
        stage::does(folder.path(), &format!("{common} --crop 1:1 {more} --out {name}_%d.png"));
        stage::ball_in(&Picture::load(&folder.path().join(format!("{name}_0.png"))).unwrap()).unwrap().0[0]
    };
    let aside = ball + DVec3::new(0.0, 0.6, 0.0);
    let (plain, moved) = (at("", "plain"), at(&format!("--pivot {},{},{}", aside.x, aside.y, aside.z), "moved"));
    assert!((plain - 90.0).abs() < 3.0 && (moved - 90.0).abs() > 15.0, "{plain} {moved}");
}
