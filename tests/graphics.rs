//! Graphics in the scene on the venue, whose truth is known: where they land, who hides them, and what is told of them.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::path::Path;

use glam::DVec3;
use volte::{
    engine::export::{self, ExportJob, Moments},
    frame::{Moment, MomentFrame, Picture},
    gpu::{Gpu, GpuOptions},
    output::{CancelToken, OutputSpec, Sidecar, SidecarHeader},
    replay::{
        graphics::{Graphic, GraphicEdit, GraphicKind, GraphicList},
        path::{Path as MovePath, Preset, PresetOptions, Track},
    },
    rig::{Camera, Rig},
    scene::SceneOptions,
    time::{FrameRate, MediaTime},
    venue::{Venue, VenueFrame, VenueOptions, VenueRig},
    view::ViewMode,
};

const SIZE: (u32, u32) = (320, 180);
/// On the floor, three metres behind the athlete.
const ENDS: [[f64; 3]; 2] = [[-2.0, 3.4, 0.0], [2.0, 3.4, 0.0]];
/// Before the athlete, at the height of the chest.
const BEFORE: [[f64; 3]; 2] = [[-1.0, -0.6, 1.25], [1.0, -0.6, 1.25]];

struct Stage {
    gpu: Gpu,
    rig: Rig,
    moment: Moment,
    path: MovePath,
    /// What is true where each frame is taken.
    truth: Vec<(Camera, VenueFrame)>,
}

/// What all cameras see at a time.
fn moment(venue: &mut Venue, rig: &Rig, time: MediaTime) -> Moment {
    let frame = |camera: &Camera| MomentFrame {
        camera: camera.name.clone(),
        picture: std::sync::Arc::new(venue.render(camera, time).unwrap().picture),
        time,
        error_nanos: 0,
        retimed: false,
    };
    Moment { instant: time, frames: rig.cameras.iter().map(frame).collect(), ..Moment::default() }
}

impl Stage {
    fn new() -> Self {
        let gpu = Gpu::open(&GpuOptions::default()).unwrap();
        let mut venue = Venue::new(&gpu, VenueOptions::default()).unwrap();
        let rig = VenueRig::of_size(SIZE.0, SIZE.1).on_arc(5, 24.0);
        let time = MediaTime::from_secs_f64(0.5);
        let moment = moment(&mut venue, &rig, time);
        let path = Preset::FreezeOrbit.path(&PresetOptions { from: 0.5, to: 3.5, secs: 0.5, hold_secs: 0.0, ..PresetOptions::default() });
        let track = Track::new(&path, &rig, time, SIZE.0, SIZE.1).unwrap();
        let at = |k: u64| track.sample(FrameRate::whole(10).frame_nanos(k as i64) as f64 * 1e-9).camera;
        let truth = (0..path.frame_count(FrameRate::whole(10))).map(|k| (at(k), venue.render(&at(k), time).unwrap())).collect();
        Self { gpu, rig, moment, path, truth }
    }

    fn job(&self, folder: &Path, name: &str, graphics: Vec<Graphic>, mode: ViewMode, phases: Vec<Moment>) -> ExportJob {
        ExportJob {
            rig: self.rig.clone(),
            moments: Moments::One(self.moment.clone()),
            path: self.path.clone(),
            mark: self.moment.instant,
            follow: false,
            mode,
            gaps: vec![],
            scene: SceneOptions::default(),
            plates: vec![],
            phases,
            graphics,
            trims: volte::replay::trim::TrimList::default(),
            output: OutputSpec {
                path: folder.join(format!("{name}_%02d.png")),
                width_px: SIZE.0,
                height_px: SIZE.1,
                rate: FrameRate::whole(10),
                codec: None,
                threads: 0,
                overwrite: true,
                sidecar: Some(SidecarHeader::default()),
                cancel: CancelToken::default(),
            },
        }
    }

    /// The frames of the orbit with these graphics, and the sidecar.
    fn frames(&self, folder: &Path, name: &str, graphics: Vec<Graphic>, mode: ViewMode) -> (Vec<Picture>, Sidecar) {
        self.frames_of(folder, name, graphics, mode, vec![])
    }

    fn frames_of(&self, folder: &Path, name: &str, graphics: Vec<Graphic>, mode: ViewMode, phases: Vec<Moment>) -> (Vec<Picture>, Sidecar) {
        let job = self.job(folder, name, graphics, mode, phases);
        let report = export::run(job, &self.gpu, &mut |_| {}, &CancelToken::default()).unwrap();
        let picture = |k: u64| Picture::load(&folder.join(format!("{name}_{k:02}.png"))).unwrap();
        let sidecar = Sidecar::read(&report.output.sidecar.unwrap()).unwrap();
        ((0..report.output.frames).map(picture).collect(), sidecar)
    }
}

/// How a line was found in the frames.
#[derive(Debug, Default)]
struct Found {
    /// Distances from where it truly is, px.
    off_px: Vec<f64>,
    /// How strongly it shows beside the athlete, and on the athlete.
    beside: Vec<f64>,
    over: Vec<f64>,
}

impl Found {
    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len().max(1) as f64
    }

    fn worst_px(&self) -> f64 {
        self.off_px.iter().copied().fold(0.0, f64::max)
    }
}

/// Looks along the line between `ends` for what was drawn: `drawn` against `plain`.
fn found(truth: &(Camera, VenueFrame), ends: [[f64; 3]; 2], plain: &Picture, drawn: &Picture) -> Found {
    let (camera, frame) = truth;
    let mut found = Found::default();
    let [a, b] = ends.map(DVec3::from_array);
    let index = |x: i32, y: i32| (y * SIZE.0 as i32 + x) as usize;
    let changed = |x: i32, y: i32| {
        let (p, q) = (plain.pixel(x as u32, y as u32), drawn.pixel(x as u32, y as u32));
        (0..3).map(|c| f64::from(p[c].abs_diff(q[c]))).sum::<f64>()
    };
    let mut last_x = i32::MIN;
    for step in 1..400 {
        let p = a.lerp(b, f64::from(step) / 400.0);
        let Some(px) = camera.project(p).filter(|px| px.x > 8.0 && px.y > 9.0 && px.x < 312.0 && px.y < 171.0) else { continue };
        let (x, y) = (px.x as i32, px.y as i32);
        if x == last_x {
            continue;
        }
        last_x = x;
        // The middle of the line in the middle of that column of pixels.
        let t = f64::from(step) / 400.0;
        let next = camera.project(a.lerp(b, t + 1e-3)).unwrap();
        let wanted = px.y + (f64::from(x) + 0.5 - px.x) * (next.y - px.y) / (next.x - px.x);
        let depth = camera.camera_from_world.apply(p).z as f32;
        let around = |r: i32, is: &dyn Fn(usize) -> bool| (-r..=r).all(|dy| (-r..=r).all(|dx| is(index(x + dx, y + dy))));
        let column: Vec<(f64, f64)> = (-6..=6).map(|dy| (f64::from(y + dy) + 0.5, changed(x, y + dy))).collect();
        let sum: f64 = column.iter().map(|c| c.1).sum();
        if around(5, &|i| frame.matte[i] == 0) && around(2, &|i| (frame.depth[i] - depth).abs() < 0.25 * depth) {
            found.beside.push(sum);
            if sum > 60.0 {
                found.off_px.push((column.iter().map(|c| c.0 * c.1).sum::<f64>() / sum - wanted).abs());
            }
        } else if around(2, &|i| frame.matte[i] > 0 && frame.depth[i] < depth - 1.0) {
            found.over.push(sum);
        }
    }
    found
}

fn line(ends: [[f64; 3]; 2]) -> Graphic {
    Graphic { name: "offside".to_owned(), width_m: 0.3, ..Graphic::new(GraphicKind::Line, ends.to_vec()) }
}

/// All frames together.
fn in_all(stage: &Stage, ends: [[f64; 3]; 2], plain: &[Picture], drawn: &[Picture]) -> Found {
    let mut all = Found::default();
    for ((truth, plain), drawn) in stage.truth.iter().zip(plain).zip(drawn) {
        let one = found(truth, ends, plain, drawn);
        all.off_px.extend(one.off_px);
        all.beside.extend(one.beside);
        all.over.extend(one.over);
    }
    all
}

#[test]
fn graphics_lie_where_they_are_and_the_athlete_hides_what_is_behind() {
    let stage = Stage::new();
    let folder = tempfile::tempdir().unwrap();
    // To look at.
    let keep = std::env::var_os("VOLTE_KEEP").map(std::path::PathBuf::from);
    let folder = keep.as_deref().unwrap_or(folder.path());
    let (plain, bare) = stage.frames(folder, "plain", vec![], ViewMode::Synthesis);
    assert!(bare.header.graphics.is_empty());

    // A line behind the athlete, and one before.
    let before = Graphic { name: "before".to_owned(), width_m: 0.05, ..line(BEFORE) };
    let (drawn, sidecar) = stage.frames(folder, "line", vec![line(ENDS), before], ViewMode::Synthesis);
    let all = in_all(&stage, ENDS, &plain, &drawn);
    let (beside, over) = (Found::mean(&all.beside), Found::mean(&all.over));
    println!(
        "{} places beside, {} of them seen, {beside:.0} strong, at most {:.2} px off; {} over the athlete, {over:.0}",
        all.beside.len(),
        all.off_px.len(),
        all.worst_px(),
        all.over.len()
    );
    assert!(all.beside.len() > 150 && all.over.len() > 10, "{} {}", all.beside.len(), all.over.len());
    // Where it shows it lies right. Close to people, floor without structure is solved as near as they are (docs/synthesis.md): there it is hidden.
    assert!(all.off_px.len() * 100 > all.beside.len() * 60, "{} of {}", all.off_px.len(), all.beside.len());
    assert!(all.worst_px() < 1.0, "{}", all.worst_px());
    assert!(over < 0.1 * beside, "it shines through the athlete: {over} against {beside}");
    assert_eq!(sidecar.header.graphics, ["offside", "before"]);
    assert!(sidecar.frames.iter().all(|f| !f.real_pixels));

    // The judge sees one that lies 50 cm too far back, and one that the athlete does not hide.
    let back = in_all(&stage, ENDS.map(|[x, y, z]| [x, y + 0.5, z]), &plain, &drawn);
    assert!(back.worst_px() > 1.5, "{}", back.worst_px());
    let shines: Vec<f64> = stage.truth.iter().zip(&plain).zip(&drawn).flat_map(|((t, p), d)| over_athlete(t, BEFORE, p, d)).collect();
    assert!(shines.len() > 15 && Found::mean(&shines) > 30.0, "{} {}", shines.len(), Found::mean(&shines));

    every_kind(&stage, folder, &plain);
    real_pixels(&stage, folder);
}

/// Each kind is where its own points are, and one that is not shown is not there.
fn every_kind(stage: &Stage, folder: &Path, plain: &[Picture]) {
    let logo = folder.join("logo.png");
    let mut picture = Picture::filled(64, 32, [220, 30, 40, 255]);
    for (i, px) in picture.rgba_mut().chunks_exact_mut(4).enumerate() {
        let (x, y) = ((i % 64) as f32 - 31.5, (i / 64) as f32 - 15.5);
        px[3] = if (x / 32.0).hypot(y / 16.0) < 1.0 { 255 } else { 0 };
        if x.abs() < 8.0 {
            px[..3].copy_from_slice(&[250, 250, 250]);
        }
    }
    picture.save(&logo).unwrap();
    let mut list = GraphicList::default();
    for graphic in [
        line(ENDS),
        // Not of the floor's own blue.
        Graphic {
            color: [255, 60, 40],
            ..Graphic::new(GraphicKind::Plane, vec![[-2.2, 0.6, 0.0], [-0.9, 0.6, 0.0], [-0.9, 2.6, 0.0], [-2.2, 2.6, 0.0]])
        },
        Graphic { width_m: 0.08, ..Graphic::new(GraphicKind::Circle, vec![[-0.1, 0.25, 0.9], [0.7, 0.25, 0.9]]) },
        Graphic { width_m: 0.05, ..Graphic::new(GraphicKind::Distance, vec![[0.9, -0.5, 0.5], [2.2, 1.0, 0.5]]) },
        Graphic { file: Some(logo), ..Graphic::new(GraphicKind::Image, vec![[-1.6, 3.0, 1.6], [0.6, 3.0, 1.6]]) },
        Graphic { text: "HOME 2 : 1 AWAY".to_owned(), ..Graphic::new(GraphicKind::Bug, vec![]) },
        Graphic { name: "hidden".to_owned(), shown: false, ..line([[0.6, -0.6, 1.9], [1.4, -0.6, 1.9]]) },
    ] {
        list.apply(&GraphicEdit::Add(graphic)).unwrap();
    }
    let (together, sidecar) = stage.frames(folder, "all", list.all().to_vec(), ViewMode::Synthesis);
    assert_eq!(sidecar.header.graphics, ["offside", "plane-1", "circle-1", "distance-1", "image-1", "bug-1"]);
    let (camera, _) = &stage.truth[2];
    let change = |p: [f64; 3]| {
        let px = camera.project(DVec3::from_array(p)).unwrap();
        let (x, y) = (px.x as u32, px.y as u32);
        plain[2].pixel(x, y).iter().zip(together[2].pixel(x, y)).map(|(a, b)| a.abs_diff(b)).max().unwrap()
    };
    // The far side of the circle is behind the athlete.
    for (what, at) in
        [("plane", [-1.6, 1.8, 0.0]), ("circle", [-0.1, -0.55, 0.9]), ("distance", [1.225, -0.125, 0.5]), ("image", [-1.2, 3.0, 2.1])]
    {
        assert!(change(at) > 20, "{what}: {}", change(at));
    }
    assert_eq!(change([0.9, -0.6, 1.9]), 0, "one that is not shown");
    let corner = (0..40).flat_map(|x| (0..12).map(move |y| (18 + x, 10 + y)));
    assert!(corner.filter(|(x, y)| plain[2].pixel(*x, *y) != together[2].pixel(*x, *y)).count() > 200, "a bug in the upper left");
    assert_eq!(plain[2].pixel(3, 3), together[2].pixel(3, 3), "outside of the safe area");
}

/// A frame of real pixels has graphics where no athlete stands before them, and says that it has.
fn real_pixels(stage: &Stage, folder: &Path) {
    let (plain, told) = stage.frames(folder, "real", vec![], ViewMode::Nearest);
    assert!(told.summary.real_pixels_only);
    let (drawn, told) = stage.frames(folder, "real_line", vec![line(ENDS)], ViewMode::Nearest);
    assert!(told.frames.iter().all(|f| !f.real_pixels) && !told.summary.real_pixels_only);
    let changed = plain[2].rgba().chunks_exact(4).zip(drawn[2].rgba().chunks_exact(4)).filter(|(a, b)| a != b).count();
    assert!(changed > 50, "{changed}");
}

/// How strongly a line that is nearer than the athlete shows on the athlete.
fn over_athlete((camera, frame): &(Camera, VenueFrame), ends: [[f64; 3]; 2], plain: &Picture, drawn: &Picture) -> Vec<f64> {
    let [a, b] = ends.map(DVec3::from_array);
    (1..200)
        .filter_map(|step| {
            let px = camera.project(a.lerp(b, f64::from(step) / 200.0)).filter(|px| camera.contains_px(*px))?;
            let (x, y) = (px.x as u32, px.y as u32);
            let (p, q) = (plain.pixel(x, y), drawn.pixel(x, y));
            let sum = (0..3).map(|c| f64::from(p[c].abs_diff(q[c]))).sum::<f64>();
            (frame.matte[(y * SIZE.0 + x) as usize] > 0).then_some(sum)
        })
        .collect()
}

/// Three phases in one picture: what moved at the other instants is there, behind what is nearer.
#[test]
fn several_instants_are_put_together_by_depth() {
    let stage = Stage::new();
    let folder = tempfile::tempdir().unwrap();
    let keep = std::env::var_os("VOLTE_KEEP").map(std::path::PathBuf::from);
    let folder = keep.as_deref().unwrap_or(folder.path());
    let mut venue = Venue::new(&stage.gpu, VenueOptions::default()).unwrap();
    let other = MediaTime::from_secs_f64(0.2);
    let (plain, _) = stage.frames(folder, "one", vec![], ViewMode::Synthesis);
    let (both, told) = stage.frames_of(folder, "both", vec![], ViewMode::Synthesis, vec![moment(&mut venue, &stage.rig, other)]);
    assert_eq!(told.header.slices, [other]);
    let (mut shown, mut wanted, mut kept, mut still, mut before) = (0, 0, 0, 0, 0);
    for (k, (camera, now)) in stage.truth.iter().enumerate() {
        let then = venue.render(camera, other).unwrap();
        for i in 0..(SIZE.0 * SIZE.1) as usize {
            let at = (i as u32 % SIZE.0, i as u32 / SIZE.0);
            let far = |a: [u8; 4], b: [u8; 4]| (0..3).map(|c| i32::from(a[c].abs_diff(b[c]))).sum::<i32>() > 60;
            let (one, two) = (plain[k].pixel(at.0, at.1), both[k].pixel(at.0, at.1));
            // Where only the other instant has somebody, in plain sight, the picture is that instant's.
            if then.matte[i] == 255 && now.matte[i] == 0 && then.depth[i] < now.depth[i] - 1.0 && far(then.picture.pixel(at.0, at.1), one) {
                wanted += 1;
                shown += usize::from(!far(then.picture.pixel(at.0, at.1), two));
                before += usize::from(!far(then.picture.pixel(at.0, at.1), one));
            }
            // Where the prepared instant has somebody nearer, it is as it was.
            if now.matte[i] == 255 && (then.matte[i] == 0 || then.depth[i] > now.depth[i] + 0.5) {
                still += 1;
                kept += usize::from(!far(one, two));
            }
        }
    }
    println!("{shown} of {wanted} pixels of the other instant are there, {kept} of {still} of the prepared one stayed");
    // Close to where the athlete is now it is not told from them without plates; what stands clear of them is there.
    assert!(wanted > 500 && shown * 100 > wanted * 10 && before == 0, "{shown} of {wanted}, {before}");
    assert!(still > 2000 && kept * 100 > still * 95, "{kept} of {still}");
    // Time must stand.
    let rolling =
        Stage { path: Preset::RollThrough.path(&PresetOptions { from: 1.0, to: 2.0, secs: 0.5, ..PresetOptions::default() }), ..stage };
    let job = rolling.job(folder, "rolls", vec![], ViewMode::Synthesis, vec![moment(&mut venue, &rolling.rig, other)]);
    let refused = export::run(job, &rolling.gpu, &mut |_| {}, &CancelToken::default()).unwrap_err().to_string();
    assert!(refused.contains("runs out") || refused.contains("lets time run"), "{refused}");
}
