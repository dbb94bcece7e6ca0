//! Lesson: the console is a function of a snapshot. This runs the real engine on still pictures, marks an instant, takes it
//! on air, and draws the console of each step to PNG files, without a window.
//!
//! ```text
//! cargo run --release --example console_offscreen -- --out target/console
//! cargo run --release --example console_offscreen -- --rig walk/transforms.json --pictures walk/images --out target/console
//! ```

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow};
use clap::Parser as _;
use egui_kittest::Harness;
use volte::{
    console::{self, ConsoleState, PictureTexture, Textures},
    engine::{Command, Engine, EngineOptions, FeedHealth, FeedStatus, Feeds, LivePicture, RingStatus, Snapshot},
    frame::{Moment, MomentFrame, Picture},
    gpu::{Gpu, GpuOptions},
    replay::{EventId, Readiness},
    rig::{self, Rig},
    time::{FrameRate, MediaTime},
    venue::{Venue, VenueOptions, VenueRig},
};

#[derive(clap::Parser)]
struct Args {
    /// The calibration of the pictures; without it, nine cameras of the built-in venue.
    #[arg(long, requires = "pictures")]
    rig: Option<PathBuf>,
    /// Folder with one picture per camera.
    #[arg(long, requires = "rig")]
    pictures: Option<PathBuf>,
    /// Folder for `console_live.png`, `console_armed.png` and `console_on_air.png`.
    #[arg(long)]
    out: PathBuf,
}

/// Cameras that always show the same picture: the smallest thing that the engine takes for live feeds.
struct Stills {
    rig: Rig,
    pictures: Vec<Arc<Picture>>,
    begun: std::time::Instant,
}

impl Feeds for Stills {
    fn rig(&self) -> &Rig {
        &self.rig
    }
    fn now(&self) -> MediaTime {
        // An hour into the show.
        MediaTime::from_nanos(3_600_000_000_000 + self.begun.elapsed().as_nanos() as i64)
    }
    fn rate(&self) -> FrameRate {
        FrameRate::whole(25)
    }
    fn status(&self) -> Vec<FeedStatus> {
        let one = FeedStatus { health: FeedHealth::Good, fps: 25.0, received: 90_000, newest: Some(self.now()), ..FeedStatus::default() };
        vec![one; self.rig.cameras.len()]
    }
    fn ring(&self) -> RingStatus {
        let oldest = Some(self.now().plus_nanos(-84_000_000_000));
        RingStatus {
            bytes: 930 << 20,
            budget_bytes: 2 << 30,
            pinned_bytes: 0,
            oldest,
            newest: Some(self.now()),
            budget_nanos: 120_000_000_000,
            ..RingStatus::default()
        }
    }
    fn live_picture(&self, camera: usize) -> Option<LivePicture> {
        Some(LivePicture { picture: Arc::clone(self.pictures.get(camera)?), time: self.now() })
    }
    fn focus(&self, _camera: usize) {}
    fn moment(&self, instant: MediaTime) -> Result<Moment, String> {
        let frame = |(camera, picture): (&rig::Camera, &Arc<Picture>)| MomentFrame {
            camera: camera.name.clone(),
            picture: Arc::clone(picture),
            time: instant,
            error_nanos: 0,
            retimed: false,
        };
        Ok(Moment { instant, frames: self.rig.cameras.iter().zip(&self.pictures).map(frame).collect(), ..Moment::default() })
    }
    fn pin(&self, _event: EventId, _begin: MediaTime, _end: MediaTime) -> Result<(), String> {
        Ok(())
    }
    fn unpin(&self, _event: EventId) {}
}

fn stills(args: &Args) -> anyhow::Result<Stills> {
    let (rig, pictures) = if let (Some(file), Some(folder)) = (&args.rig, &args.pictures) {
        let matched = rig::pictures::match_rig(&rig::load(file)?, folder)?;
        let pictures = matched.paths.iter().map(|p| Picture::load(p)).collect::<Result<Vec<_>, _>>()?;
        (matched.rig, pictures)
    } else {
        let rig = VenueRig::of_size(320, 180).on_arc(9, 48.0);
        let mut venue = Venue::new(&Gpu::open(&GpuOptions::default())?, VenueOptions::default())?;
        let pictures = rig.cameras.iter().map(|c| venue.render_picture(c, MediaTime::ZERO)).collect::<Result<Vec<_>, _>>()?;
        (rig, pictures)
    };
    Ok(Stills { rig, pictures: pictures.into_iter().map(Arc::new).collect(), begun: std::time::Instant::now() })
}

/// Draws the whole console of a snapshot at 1080p.
fn draw(snapshot: &Snapshot) -> anyhow::Result<image::RgbaImage> {
    let size = egui::vec2(1920.0, 1080.0);
    let (snapshot, mut state, mut made, mut handles) = (snapshot.clone(), ConsoleState::default(), None, Vec::new());
    let builder = Harness::builder().with_size(size).with_pixels_per_point(1.0).with_context_setup(console::apply_style);
    let mut harness = builder.wgpu().build_ui(move |ui| {
        let textures = made.get_or_insert_with(|| {
            let mut upload = |picture: &Picture| {
                let size_px = [picture.width(), picture.height()];
                let image = egui::ColorImage::from_rgba_unmultiplied(size_px.map(|v| v as usize), picture.rgba());
                let handle = ui.ctx().load_texture("picture", image, egui::TextureOptions::LINEAR);
                let id = handle.id();
                handles.push(handle);
                PictureTexture { id, size_px }
            };
            let cameras = snapshot.cameras.iter().map(|c| c.live.as_ref().map(|l| upload(&l.picture))).collect();
            let preview = snapshot.preview.as_ref().and_then(|p| p.shown.as_ref()).map(|s| upload(&s.picture));
            Textures { cameras, preview, program: Some(upload(&snapshot.program.shown.picture)), ..Textures::default() }
        });
        let whole = egui::UiBuilder::new().max_rect(egui::Rect::from_min_size(egui::Pos2::ZERO, size));
        ui.scope_builder(whole, |ui| console::show(ui, &snapshot, textures, &mut state));
    });
    harness.run_steps(3);
    harness.render().map_err(|e| anyhow!(e))
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    std::fs::create_dir_all(&args.out).with_context(|| format!("cannot make the folder {}", args.out.display()))?;
    let engine = Engine::start(Arc::new(stills(&args)?), &EngineOptions::default())?;
    let step = |name: &str, commands: &[Command], wanted: &dyn Fn(&Snapshot) -> bool| -> anyhow::Result<()> {
        commands.iter().try_for_each(|c| engine.send(c.clone()).then_some(()).context("the engine is behind"))?;
        let snapshot = engine.wait_for(Duration::from_mins(5), wanted).with_context(|| format!("{name} was not reached"))?;
        let path = args.out.join(format!("console_{name}.png"));
        draw(&snapshot)?.save(&path)?;
        println!("{}", path.display());
        Ok(())
    };
    let shows = |s: &Snapshot| s.preview.as_ref().is_some_and(|p| p.report.is_some() && p.readiness == Readiness::Solved);
    step("live", &[], &|s| s.program.shown.serial > 1 && !s.gpu.adapter.is_empty())?;
    step("armed", &[Command::Mark, Command::SetOrbit(2.5)], &shows)?;
    step("on_air", &[Command::Take, Command::Mark], &|s| s.program.report.is_some() && s.events.len() == 2 && shows(s))
}
