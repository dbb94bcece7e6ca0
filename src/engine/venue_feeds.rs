//! The built-in venue as live feeds: its pictures go through the encoders into the ring, like a camera's.
//!
//! What was chosen, and why: where the adapter can draw all cameras in real time with half of its time to spare, they are
//! drawn live, at up to 1280×720. Elsewhere (software Vulkan on two cores) the action's loop is drawn ahead
//! ([`PreparedLoop`]) in the largest size of which the first frames come within some ten seconds, kept in the
//! user's cache folder, and fed in real time from memory; drawing goes on in the background until the loop is
//! whole. Either way the encoders, the ring and the moments are the real ones, and what is late, dropped or dead is so
//! because a fault says so or because the machine is too slow, which the feed's counters tell.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crossbeam::channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

use crate::{
    capture::{CaptureConfig, CaptureError, CaptureSession, FeedSource, FeedSpec, HouseClock, LiveFrame, LiveInput, PushSettings},
    gpu::{Gpu, GpuError},
    rig::{Camera, Rig},
    sound::{FADE, RATE, SoundInput, sample_at},
    time::{FrameRate, MediaTime},
    venue::{
        Faults, PreparedLoop, StreamEvent, StreamFrame, Venue, VenueError, VenueOptions, VenueRig, VenueSound, VenueStream,
        landmarks_in_world,
    },
};

/// Which venue to feed.
#[derive(Debug, Clone)]
pub struct VenueFeedOptions {
    /// Cameras.
    pub cameras: usize,
    /// Degrees from the first to the last; 360 = a closed ring.
    pub span_deg: f64,
    /// Picture size, px; `None` = what the adapter can do.
    pub size_px: Option<(u32, u32)>,
    /// Frame rate; `None` = what the adapter can do.
    pub rate: Option<FrameRate>,
    /// Faults by camera index.
    pub faults: Vec<(usize, Faults)>,
    /// Ring and previews.
    pub capture: CaptureConfig,
    /// Where drawn loops are kept; `None` = nowhere. See [`cache_folder`].
    pub cache: Option<PathBuf>,
    /// The show begins when so many frames of a loop that is drawn ahead are there; fewer allow larger pictures. At least 1.
    pub first_frames: usize,
}

impl Default for VenueFeedOptions {
    fn default() -> Self {
        Self {
            cameras: 16,
            span_deg: 90.0,
            size_px: None,
            rate: None,
            faults: Vec::new(),
            capture: CaptureConfig::default(),
            cache: cache_folder(),
            first_frames: 5,
        }
    }
}

/// The user's cache folder for Volte: `XDG_CACHE_HOME`, else the platform's place.
pub fn cache_folder() -> Option<PathBuf> {
    let from = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    from("XDG_CACHE_HOME")
        .or_else(|| from("LOCALAPPDATA"))
        .or_else(|| from("HOME").map(|home| if cfg!(target_os = "macos") { home.join("Library/Caches") } else { home.join(".cache") }))
        .map(|base| base.join("volte"))
}

/// Why the venue cannot be fed.
#[derive(Debug, thiserror::Error)]
pub enum VenueFeedError {
    /// Drawing.
    #[error(transparent)]
    Venue(#[from] VenueError),
    /// The adapter.
    #[error(transparent)]
    Gpu(#[from] GpuError),
    /// Encoding or the ring.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// No thread.
    #[error("cannot start the thread {name:?}: {source}. Close other programs")]
    Thread {
        /// Its name.
        name: &'static str,
        /// The system's word.
        source: std::io::Error,
    },
    /// Drawing stopped before the show could begin.
    #[error("the venue was not drawn: {0}")]
    NotDrawn(String),
}

/// How the venue's pictures come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VenueMode {
    /// Drawn as they are needed.
    Live,
    /// Drawn ahead, once.
    Prepared,
}

/// Running feeds of the venue. Dropping it ends the feeds.
#[derive(Debug)]
pub struct VenueFeeder {
    mode: VenueMode,
    rate: FrameRate,
    stop: Arc<AtomicBool>,
    put_off: Arc<AtomicBool>,
    prepared: Option<Arc<PreparedLoop>>,
    threads: Vec<thread::JoinHandle<()>>,
}

/// A venue on the air: the rig as the rig file has it, the session that captures it, and what feeds it.
#[derive(Debug)]
pub struct VenueShow {
    /// The rig; faults are not in it.
    pub rig: Rig,
    /// Nominal rate of all feeds.
    pub rate: FrameRate,
    /// The capture session with its ring.
    pub session: CaptureSession,
    /// Keep it as long as the feeds are wanted.
    pub feeder: VenueFeeder,
}

/// Sizes to choose from, largest first.
const LIVE_SIZES: [(u32, u32); 3] = [(1280, 720), (960, 540), (640, 360)];
const PREPARED_SIZES: [(u32, u32); 4] = [(640, 360), (480, 270), (384, 216), (320, 180)];
/// The largest size is taken of which the first frames are drawn in this time.
const FIRST_FRAMES_SECS: f64 = 10.0;
/// Share of real time that drawing may take when it is live.
const LIVE_SHARE: f64 = 0.5;
/// Frames begin this long after the show is ready.
const LEAD_NANOS: i64 = 100_000_000;

fn rig_of(options: &VenueFeedOptions, (w, h): (u32, u32)) -> Rig {
    let place = VenueRig::of_size(w, h);
    let rig = if options.span_deg >= 359.0 { place.on_ring(options.cameras) } else { place.on_arc(options.cameras, options.span_deg) };
    Rig { points_in_world: landmarks_in_world(), ..rig }
}

/// Seconds that one pixel of one picture takes here, readback included: the mean of the outermost cameras and the middle one.
fn secs_per_px(venue: &mut Venue, options: &VenueFeedOptions) -> Result<f64, VenueError> {
    let (w, h) = (320, 180);
    let rig = rig_of(options, (w, h));
    let last = rig.cameras.len().saturating_sub(1);
    let measured: Vec<&Camera> = [0, last / 2, last].iter().filter_map(|&i| rig.cameras.get(i)).collect();
    // The first picture also compiles the passes.
    if let Some(camera) = measured.first() {
        venue.render_picture(camera, MediaTime::ZERO)?;
    }
    let mut secs = 0.0;
    for camera in &measured {
        // The faster of two: what else the machine does now shall not decide.
        let mut fastest = f64::INFINITY;
        for at_secs in [0.3, 1.3] {
            let begin = Instant::now();
            venue.render_picture(camera, MediaTime::from_secs_f64(at_secs))?;
            fastest = fastest.min(begin.elapsed().as_secs_f64());
        }
        tracing::debug!(camera = camera.name, fastest, "the venue's speed");
        secs += fastest;
    }
    Ok(secs / measured.len().max(1) as f64 / f64::from(w * h))
}

/// Mode, size and rate for an adapter that needs so long for a pixel.
fn choose(options: &VenueFeedOptions, secs_per_px: f64) -> (VenueMode, (u32, u32), FrameRate) {
    let all = |(w, h): (u32, u32)| f64::from(w * h) * options.cameras.max(1) as f64 * secs_per_px;
    let live_rate = options.rate.unwrap_or(FrameRate::whole(25));
    let is_live = |size: (u32, u32)| all(size) * live_rate.fps() < LIVE_SHARE;
    let live = match options.size_px {
        Some(size) => is_live(size).then_some(size),
        None => LIVE_SIZES.into_iter().find(|&size| is_live(size)),
    };
    if let Some(size) = live {
        return (VenueMode::Live, size, live_rate);
    }
    let rate = options.rate.or(FrameRate::new(25, 2)).unwrap_or(FrameRate::whole(25));
    let size = options.size_px.unwrap_or_else(|| {
        let fits = |size: &(u32, u32)| all(*size) * (options.first_frames.max(1) as f64) < FIRST_FRAMES_SECS;
        PREPARED_SIZES.into_iter().find(fits).unwrap_or(PREPARED_SIZES[3])
    });
    (VenueMode::Prepared, size, rate)
}

impl VenueShow {
    /// Measures the adapter, chooses how to draw, starts the encoders and begins to feed. Returns when the first frames are
    /// on their way; `progress` hears shares 0…1 meanwhile.
    pub fn start(gpu: &Gpu, options: &VenueFeedOptions, progress: impl Fn(f64)) -> Result<Self, VenueFeedError> {
        progress(0.0);
        let stop = Arc::new(AtomicBool::new(false));
        let put_off = Arc::new(AtomicBool::new(false));
        let mut drawer = Drawer::start(gpu, options, &stop, &put_off)?;
        let secs_per_px = drawer.measured()?;
        let (mode, size, rate) = choose(options, secs_per_px);
        tracing::info!(?mode, ?size, %rate, ns_per_px = secs_per_px * 1e9, "the venue");
        let rig = rig_of(options, size);
        let faults: Vec<Faults> = (0..rig.cameras.len())
            .map(|i| options.faults.iter().rev().find(|(c, _)| *c == i).map_or_else(Faults::default, |(_, f)| f.clone()))
            .collect();
        let prepared = match mode {
            VenueMode::Live => None,
            VenueMode::Prepared => Some(prepare(&drawer, &rig, &faults, rate, options, &progress)?),
        };
        let specs: Vec<FeedSpec> = rig
            .cameras
            .iter()
            .map(|c| FeedSpec {
                late_after_nanos: Some(rate.interval_nanos() + 60_000_000),
                ..FeedSpec::new(c.name.clone(), FeedSource::Push(PushSettings::h264(c.width_px, c.height_px, rate)))
            })
            .collect();
        let session = CaptureSession::start(options.capture.clone(), &specs)?;
        // On a whole frame since the epoch, so that a prepared loop shows exactly what was drawn.
        let now = session.house_now();
        let start = MediaTime::from_nanos(rate.frame_nanos((now.nanos() + LEAD_NANOS) / rate.interval_nanos().max(1) + 1));
        let begin = Instant::now() + Duration::from_nanos((start - now).max(0) as u64);
        let cameras: Vec<Feeding> = rig
            .cameras
            .iter()
            .zip(faults)
            .filter_map(|(c, f)| {
                let input = session.input(&c.name)?;
                Some(Feeding { input, stream: VenueStream::new(c.clone(), f, rate, start), waiting_lossless: VecDeque::new() })
            })
            .collect();
        let feed = Feed { cameras, start, begin, rate, stop: Arc::clone(&stop) };
        let mut threads = Vec::new();
        match &prepared {
            Some(prepared) => {
                let source = Source::Prepared(Arc::clone(prepared));
                threads.push(spawn("venue-feed", move || feed.run(source))?);
            }
            None => drawer.ask(Job::Feed(feed))?,
        }
        if let Some(input) = session.sound() {
            let flash_nanos = options.faults.iter().map(|(_, f)| f.flash_nanos).max().unwrap_or(0);
            let sound = VenueSound::new(&VenueOptions::default(), flash_nanos, rate);
            let (input, clock, stop) = (Arc::clone(input), session.clock().clone(), Arc::clone(&stop));
            threads.push(spawn("venue-sound", move || play(&sound, &input, &clock, &stop))?);
        }
        threads.extend(drawer.thread.take());
        progress(1.0);
        Ok(Self { rig, rate, session, feeder: VenueFeeder { mode, rate, stop, put_off, prepared, threads } })
    }
}

/// Puts the venue's sound into the ring as it is heard.
fn play(sound: &VenueSound, input: &SoundInput, clock: &HouseClock, stop: &AtomicBool) {
    let mut next = sample_at(clock.now().nanos());
    while !stop.load(Ordering::Relaxed) {
        let behind = sample_at(clock.now().nanos()) - next;
        // After a pause the past stays silent.
        next += (behind - i64::from(RATE)).max(0);
        if behind >= FADE as i64 {
            let nanos = (i128::from(next) * 1_000_000_000 / i128::from(RATE)) as i64 + 1;
            input.ring.write(MediaTime::from_nanos(nanos), &sound.block(next, FADE));
            next += FADE as i64;
        } else {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn spawn(name: &'static str, work: impl FnOnce() + Send + 'static) -> Result<thread::JoinHandle<()>, VenueFeedError> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map_err(|source| VenueFeedError::Thread { name, source })
}

/// What the drawing thread does after it has measured the adapter.
enum Job {
    /// Draw a loop, keep it in the folder.
    Fill(Arc<PreparedLoop>, Option<PathBuf>),
    /// Draw live.
    Feed(Feed),
}

/// The one thread that draws: it owns the passes from beginning to end.
struct Drawer {
    measured_lossless: Receiver<Result<f64, VenueError>>,
    jobs_lossless: Sender<Job>,
    problem: Arc<Mutex<Option<String>>>,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Drawer {
    fn start(gpu: &Gpu, options: &VenueFeedOptions, stop: &Arc<AtomicBool>, put_off: &Arc<AtomicBool>) -> Result<Self, VenueFeedError> {
        let (measured, measured_lossless) = bounded(1);
        let (jobs_lossless, jobs) = bounded::<Job>(1);
        let problem = Arc::new(Mutex::new(None));
        let (gpu, stopping, told) = (gpu.clone(), Arc::clone(stop), Arc::clone(&problem));
        let (options, put_off) = (options.clone(), Arc::clone(put_off));
        let work = move || {
            let ready = Venue::new(&gpu, VenueOptions { samples: 2, ..VenueOptions::default() })
                .and_then(|mut venue| secs_per_px(&mut venue, &options).map(|secs| (venue, secs)));
            let mut venue = match ready {
                Ok((venue, secs)) => {
                    measured.send(Ok(secs)).ok();
                    venue
                }
                Err(problem) => {
                    measured.send(Err(problem)).ok();
                    return;
                }
            };
            match jobs.recv() {
                Ok(Job::Fill(filling, cache)) => {
                    let go_on = || {
                        while put_off.load(Ordering::Relaxed) && !stopping.load(Ordering::Relaxed) {
                            thread::sleep(Duration::from_millis(20));
                        }
                        !stopping.load(Ordering::Relaxed)
                    };
                    if let Err(e) = filling.fill(&mut venue, cache.as_deref(), go_on) {
                        tracing::error!("the venue is not drawn to the end: {e}");
                        *told.lock() = Some(e.to_string());
                    }
                }
                Ok(Job::Feed(feed)) => {
                    venue.set_options(VenueOptions { samples: 4, ..VenueOptions::default() });
                    feed.run(Source::Live(Box::new(venue)));
                }
                // The show did not begin.
                Err(_disconnected) => {}
            }
        };
        let thread = Some(spawn("venue-draw", work)?);
        Ok(Self { measured_lossless, jobs_lossless, problem, stop: Arc::clone(stop), thread })
    }

    fn gone(&self) -> VenueFeedError {
        VenueFeedError::NotDrawn(self.problem.lock().take().unwrap_or_else(|| "the drawing thread ended".to_owned()))
    }

    /// Seconds that a pixel takes.
    fn measured(&self) -> Result<f64, VenueFeedError> {
        Ok(self.measured_lossless.recv().map_err(|_disconnected| self.gone())??)
    }

    fn ask(&self, job: Job) -> Result<(), VenueFeedError> {
        self.jobs_lossless.send(job).map_err(|_disconnected| self.gone())
    }
}

impl Drop for Drawer {
    fn drop(&mut self) {
        // Only when the show did not begin: otherwise the feeder has the thread.
        if self.thread.is_some() {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

/// Begins to draw the loop and waits for its first frames.
fn prepare(
    drawer: &Drawer,
    rig: &Rig,
    faults: &[Faults],
    rate: FrameRate,
    asked: &VenueFeedOptions,
    progress: &impl Fn(f64),
) -> Result<Arc<PreparedLoop>, VenueFeedError> {
    let mut standpoints = Vec::new();
    for (camera, f) in rig.cameras.iter().zip(faults) {
        standpoints.push((f.true_camera(camera, MediaTime::from_nanos(i64::MIN)), f.rolling_shutter_nanos));
        if let Some(bump) = f.bump {
            standpoints.push((f.true_camera(camera, bump.at), f.rolling_shutter_nanos));
        }
    }
    let options = VenueOptions { samples: 2, ..VenueOptions::default() };
    let frames = (f64::from(options.period_secs()) * rate.fps()).round().max(1.0) as usize;
    let per_frame = standpoints.len();
    let prepared = Arc::new(PreparedLoop::new(standpoints, options, frames));
    drawer.ask(Job::Fill(Arc::clone(&prepared), asked.cache.clone()))?;
    let wanted = asked.first_frames.clamp(1, frames);
    let pictures = (wanted * per_frame).max(1);
    while prepared.ready_count() < wanted {
        if drawer.thread.as_ref().is_none_or(thread::JoinHandle::is_finished) && prepared.ready_count() < wanted {
            return Err(drawer.gone());
        }
        progress(prepared.picture_count() as f64 / pictures as f64);
        thread::sleep(Duration::from_millis(20));
    }
    Ok(prepared)
}

#[derive(Debug)]
struct Feeding {
    input: LiveInput,
    stream: VenueStream,
    /// Frames on their way; a late one holds up those behind it. As long as the longest delay.
    waiting_lossless: VecDeque<StreamFrame>,
}

enum Source {
    Live(Box<Venue>),
    Prepared(Arc<PreparedLoop>),
}

struct Feed {
    cameras: Vec<Feeding>,
    start: MediaTime,
    /// When `start` is, on this process' clock.
    begin: Instant,
    rate: FrameRate,
    stop: Arc<AtomicBool>,
}

impl Feed {
    fn run(mut self, mut source: Source) {
        let mut index = 0_i64;
        while !self.stop.load(Ordering::Relaxed) {
            let due = self.begin + Duration::from_nanos(self.rate.frame_nanos(index).max(0) as u64);
            let now = Instant::now();
            if now < due {
                // Short naps: stopping must not wait for a slow rate.
                thread::sleep((due - now).min(Duration::from_millis(20)));
                self.push_due();
                continue;
            }
            // Behind by more than a frame: those frames are lost, as they would be in a camera that cannot keep up.
            let behind = ((now - due).as_nanos() / self.rate.interval_nanos().max(1) as u128) as i64;
            index += behind;
            for camera in &mut self.cameras {
                camera.stream.skip(behind);
                let drawn = match &mut source {
                    Source::Live(venue) => camera.stream.step(venue).map_err(|e| e.to_string()),
                    Source::Prepared(prepared) => {
                        camera.stream.step_with(|at, time, _| prepared.picture(at, time).ok_or_else(|| format!("{} is not drawn", at.name)))
                    }
                };
                match drawn {
                    Ok(StreamEvent::Frame(frame)) => camera.waiting_lossless.push_back(frame),
                    Ok(StreamEvent::Dropped(_) | StreamEvent::Dead) => {}
                    Err(problem) => {
                        tracing::error!("the venue's feeds end: {problem}");
                        return;
                    }
                }
            }
            self.push_due();
            index += 1;
        }
        for camera in &self.cameras {
            camera.input.finish();
        }
    }

    fn push_due(&mut self) {
        let now = self.start.plus_nanos(Instant::now().saturating_duration_since(self.begin).as_nanos() as i64);
        for camera in &mut self.cameras {
            while let Some(frame) =
                camera.waiting_lossless.pop_front_if(|f| f.late_by_nanos == 0 || now >= f.pts.plus_nanos(f.late_by_nanos))
            {
                if let Err(problem) = camera.input.push_frame(frame.pts, LiveFrame::Rgba(frame.picture)) {
                    tracing::warn!("{problem}");
                }
            }
        }
    }
}

impl VenueFeeder {
    /// How the pictures come about.
    pub const fn mode(&self) -> VenueMode {
        self.mode
    }

    /// Nominal rate of all feeds.
    pub const fn rate(&self) -> FrameRate {
        self.rate
    }

    /// While this is set, the rest of a loop is not drawn: what is drawn already goes on the air.
    pub const fn put_off(&self) -> &Arc<AtomicBool> {
        &self.put_off
    }

    /// (drawn, all) frames of the loop; (1, 1) when drawn live.
    pub fn drawn(&self) -> (usize, usize) {
        self.prepared.as_ref().map_or((1, 1), |p| (p.ready_count(), p.frame_count()))
    }
}

impl Drop for VenueFeeder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::warn!("a thread of the venue ended by panic");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fast_adapters_draw_live_and_slow_ones_ahead() {
        let options = VenueFeedOptions::default();
        // 1 ns a pixel: 16 × 720p × 25 = 0.37 s a second.
        assert_eq!(choose(&options, 1e-9), (VenueMode::Live, (1280, 720), FrameRate::whole(25)));
        assert_eq!(choose(&options, 4e-9).1, (640, 360));
        // A software adapter: 1 µs a pixel.
        let (mode, size, rate) = choose(&options, 1e-6);
        assert_eq!((mode, size), (VenueMode::Prepared, (384, 216)));
        assert!((rate.fps() - 12.5).abs() < 1e-9);
        assert_eq!(choose(&options, 1e-4).1, (320, 180));
        let few = VenueFeedOptions { first_frames: 2, ..options.clone() };
        assert_eq!(choose(&few, 1e-6).1, (640, 360));
        let asked = VenueFeedOptions { size_px: Some((640, 360)), rate: Some(FrameRate::whole(10)), ..options };
        assert_eq!(choose(&asked, 1e-6), (VenueMode::Prepared, (640, 360), FrameRate::whole(10)));
    }
}
