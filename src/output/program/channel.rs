//! The output's thread: its clock, and the picture that goes out at each of its ticks.

mod keyer;

use std::{
    collections::VecDeque,
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use parking_lot::{Condvar, Mutex};

pub use self::keyer::{Cover, Keyed};
use self::keyer::{Covered, Frames, Key, dissolved, frame_of, key_of, parted, product};
use super::{
    ProgramFormat, TickClock, Timecode,
    canvas::{Canvas, mix},
};
use crate::{
    frame::Picture,
    sound::{Mixer, ProgramSound, RATE, SoundCue, SoundInput, sample_at},
};

/// Frames that are kept for use again; whoever holds more costs memory, not pictures.
const POOL: usize = 24;

/// What the output shall show at a tick.
#[derive(Debug, Clone)]
pub struct Due {
    /// The newest picture; `None` while there is none to show.
    pub picture: Option<Arc<Picture>>,
    /// What is missing, in words, while there is none.
    pub missing: Arc<str>,
    /// Which shot it belongs to; another number is a cut (or a dissolve).
    pub shot: u64,
    /// Whether pixels of it were synthesized.
    pub synthesized: bool,
    /// Whether a newer picture should have been there by now.
    pub overdue: bool,
    /// From the camera's picture to this tick, nanoseconds; `None` for replays.
    pub age_nanos: Option<i64>,
}

/// Who knows what is on program.
pub trait PictureSource: Send + 'static {
    /// What is due now. Called once per tick, on the output's thread; returns at once.
    fn due(&mut self) -> Due;

    /// What of the picture that was last given a keyer behind the output shall lay over its own picture; called right after it, where somebody
    /// takes fill or key.
    fn keyed(&self) -> Option<Keyed> {
        None
    }

    /// What shall be heard with the picture that was last given; called right after it.
    fn sound(&mut self) -> SoundCue {
        SoundCue::Silence
    }

    /// Where sound comes from; asked once, at the start.
    fn sound_input(&self) -> Option<Arc<SoundInput>> {
        None
    }
}

/// One frame of the output: planar 4:2:0, 8 bit, BT.709 limited, as GStreamer lays I420 out.
#[derive(Debug, Default)]
pub struct Frame {
    data: Vec<u8>,
}

#[cfg(feature = "gstreamer")]
impl Frame {
    /// Of planes that lie so already.
    pub(super) const fn of(data: Vec<u8>) -> Self {
        Self { data }
    }
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

/// What of the output somebody takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signal {
    /// Program: live cameras, replays, what is between them.
    #[default]
    Program,
    /// The replay alone, black without one: what a keyer lays over its own picture.
    Fill,
    /// Where it does: white under a replay, black without one, grey between them in a dissolve; white on the replay's side of a wipe.
    Key,
    /// What lies on top of a replay alone, such as a score, also where program is clean; black elsewhere.
    GraphicsFill,
    /// Its alpha: where a keyer shall lay it over its own picture, and how much.
    GraphicsKey,
}

impl Signal {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Program, Self::Fill, Self::Key, Self::GraphicsFill, Self::GraphicsKey];

    /// Its word in show files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Fill => "fill",
            Self::Key => "key",
            Self::GraphicsFill => "graphics-fill",
            Self::GraphicsKey => "graphics-key",
        }
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }
}

/// Which frame it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// Number since the output began; its time is [`ProgramFormat::frame_nanos`] of it, exactly. Fields count where the format is interlaced.
    pub index: u64,
    /// Its label.
    pub timecode: Timecode,
}

/// Takes every frame of the output; must return at once.
pub trait FrameTaker: Send + 'static {
    /// One frame; the same one may come many times.
    fn take(&mut self, frame: &Arc<Frame>, tick: Tick);
}

impl FrameTaker for Box<dyn FrameTaker> {
    fn take(&mut self, frame: &Arc<Frame>, tick: Tick) {
        self.as_mut().take(frame, tick);
    }
}

/// How the channel runs.
#[derive(Debug, Clone)]
pub struct ChannelOptions {
    /// Size and rate.
    pub format: ProgramFormat,
    /// Frames of a dissolve between two shots; 0 cuts.
    pub dissolve_frames: u32,
    /// Whether synthesized pictures carry a visible tick.
    pub tick: bool,
    /// Label of frame 0, as a number of frames since midnight; `None` is the time of day (UTC).
    pub begin_label: Option<u64>,
}

impl ChannelOptions {
    /// Cuts, no tick, the time of day.
    pub const fn new(format: ProgramFormat) -> Self {
        Self { format, dissolve_frames: 0, tick: false, begin_label: None }
    }
}

/// What is known about the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChannelStatus {
    /// Frames that went out.
    pub frames: u64,
    /// Frames that were never made, because the machine stood still for longer than a second.
    pub skipped: u64,
    /// Frames that showed the same picture as the one before, for whatever reason (a slower camera, a held replay).
    pub repeated: u64,
    /// Of these, those for which a newer picture should have been there.
    pub underruns: u64,
    /// Frames that showed the slate.
    pub slates: u64,
    /// The longest that a frame was made after its time, nanoseconds.
    pub worst_late_nanos: i64,
    /// From the live camera's picture to the output, nanoseconds; `None` for replays.
    pub latency_nanos: Option<i64>,
    /// Label of the newest frame.
    pub timecode: Timecode,
}

/// Why an output does not start.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// No thread.
    #[error("the output's thread cannot be started: {0}. Close other programs or raise the limit of processes")]
    Thread(std::io::Error),
    /// No more sinks.
    #[error("the program goes to {0} outputs already, which is the most. Remove one first, or send on from a receiver")]
    TooManySinks(usize),
    /// Two sinks into one place.
    #[error(transparent)]
    Taken(#[from] super::Meeting),
    /// Frames where there are fields.
    #[error("{codec} is not sent in fields, which {format} has. Choose h264, prores or raw, or a progressive format such as 1080p50")]
    NoFields {
        /// How it should have been coded.
        codec: &'static str,
        /// Of the program.
        format: ProgramFormat,
    },
    /// Frames where there are fields, and no codec that would help.
    #[error("browsers show no fields, which {0} has. Choose a progressive format such as 1080p50, or another sink than WHIP")]
    NoFieldsInBrowsers(ProgramFormat),
}

/// Names a taker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakerId(u64);

#[derive(Default)]
struct Takers {
    next: u64,
    all: Vec<(u64, Signal, Box<dyn FrameTaker>)>,
}

impl Takers {
    fn takes(&self, signal: Signal) -> bool {
        self.all.iter().any(|(_, own, _)| *own == signal)
    }
}

#[derive(Default)]
struct Shared {
    stopped: Mutex<bool>,
    wake: Condvar,
    takers: Mutex<Takers>,
    status: Mutex<ChannelStatus>,
    sound: Arc<ProgramSound>,
}

/// A running output; ends when dropped.
pub struct Channel {
    shared: Arc<Shared>,
    thread: Option<thread::JoinHandle<()>>,
    format: ProgramFormat,
    input: Option<Arc<SoundInput>>,
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channel").field("format", &self.format).finish_non_exhaustive()
    }
}

impl Channel {
    /// Starts the clock.
    pub fn start(options: &ChannelOptions, source: impl PictureSource) -> Result<Self, ChannelError> {
        let shared = Arc::new(Shared::default());
        let input = source.sound_input();
        let mut work = Work::new(options, Box::new(source), input.clone());
        let on_thread = Arc::clone(&shared);
        let run = move || {
            let begun = Instant::now();
            let mut clock = TickClock::new(work.options.format.rate, 0);
            loop {
                let due = begun + Duration::from_nanos(clock.due_nanos().max(0) as u64);
                {
                    let mut stopped = on_thread.stopped.lock();
                    while !*stopped && !on_thread.wake.wait_until(&mut stopped, due).timed_out() {}
                    if *stopped {
                        return;
                    }
                }
                while let Some(beat) = clock.take(begun.elapsed().as_nanos() as i64) {
                    // A machine that is too slow for the format is never early.
                    if *on_thread.stopped.lock() {
                        return;
                    }
                    work.frame(beat.index, &on_thread);
                    let mut status = on_thread.status.lock();
                    status.skipped += beat.skipped;
                    status.worst_late_nanos = status.worst_late_nanos.max(beat.late_nanos);
                }
            }
        };
        let thread = thread::Builder::new().name("program".to_owned()).spawn(run).map_err(ChannelError::Thread)?;
        Ok(Self { shared, thread: Some(thread), format: options.format, input })
    }

    /// Its format.
    pub const fn format(&self) -> ProgramFormat {
        self.format
    }

    /// Whether somebody takes a signal.
    pub fn takes(&self, signal: Signal) -> bool {
        self.shared.takers.lock().takes(signal)
    }

    /// From the next tick on, `taker` gets every frame.
    pub fn add(&self, taker: impl FrameTaker) -> TakerId {
        self.add_for(Signal::Program, taker)
    }

    /// The same for fill or key.
    pub fn add_for(&self, signal: Signal, taker: impl FrameTaker) -> TakerId {
        let mut takers = self.shared.takers.lock();
        takers.next += 1;
        let id = takers.next;
        takers.all.push((id, signal, Box::new(taker)));
        TakerId(id)
    }

    /// It gets no more; nobody else notices.
    pub fn remove(&self, id: TakerId) {
        let gone = {
            let mut takers = self.shared.takers.lock();
            let at = takers.all.iter().position(|(k, ..)| *k == id.0);
            at.map(|at| takers.all.swap_remove(at))
        };
        // Whatever its end takes, the clock does not wait for it.
        drop(gone);
    }

    /// Its sound: a little behind its pictures, by as long as sound may take to arrive.
    pub fn sound(&self) -> &Arc<ProgramSound> {
        &self.shared.sound
    }

    /// Where its sound comes from.
    pub const fn sound_input(&self) -> Option<&Arc<SoundInput>> {
        self.input.as_ref()
    }

    /// Counters.
    pub fn status(&self) -> ChannelStatus {
        *self.shared.status.lock()
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        *self.shared.stopped.lock() = true;
        self.shared.wake.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the output's thread ended by panic");
        }
    }
}

/// What was drawn last.
enum Drawn {
    Nothing,
    Slate(Arc<str>),
    Picture(Arc<Picture>, bool),
}

struct Work {
    options: ChannelOptions,
    source: Box<dyn PictureSource>,
    canvas: Canvas,
    pool: Vec<Arc<Frame>>,
    drawn: Drawn,
    /// The picture of the shot, and what went out last (another one during a dissolve).
    current: Arc<Frame>,
    sent: Arc<Frame>,
    shot: u64,
    /// What of it was a replay, and what lies on top of that.
    covered: Option<Covered>,
    overlaid: Option<Covered>,
    /// What lay on top last, as frames.
    graphics: Option<(Arc<Picture>, [Arc<Frame>; 2])>,
    /// The fill that was drawn last.
    fill: Option<(Arc<Picture>, Arc<Frame>)>,
    /// The shot that fades out, the frames that it still has, and what of it is a replay.
    fading: Option<(Arc<Frame>, u32, [Option<Covered>; 2])>,
    /// Black and white, made when they are first wanted.
    flat: [Option<Arc<Frame>>; 2],
    first_label: u64,
    input: Option<Arc<SoundInput>>,
    mixer: Mixer,
    /// What is to be heard with the last frames: sound is made so many frames behind pictures.
    cues: VecDeque<(u64, SoundCue)>,
    behind: usize,
    /// Samples made so far.
    samples: u64,
}

/// Time of day, UTC, nanoseconds.
fn nanos_of_day() -> u64 {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    (unix % 86_400_000_000_000) as u64
}

impl Work {
    fn new(options: &ChannelOptions, source: Box<dyn PictureSource>, input: Option<Arc<SoundInput>>) -> Self {
        let format = options.format;
        let wait_secs = input.as_ref().map_or(0.0, |input| input.wait_nanos as f64 * 1e-9);
        Self {
            canvas: Canvas::new(format.width_px, format.height_px),
            first_label: options.begin_label.unwrap_or_else(|| Timecode::frame_at(nanos_of_day(), format.rate)),
            options: options.clone(),
            source,
            pool: Vec::with_capacity(POOL),
            drawn: Drawn::Nothing,
            current: Arc::default(),
            sent: Arc::default(),
            shot: 0,
            covered: None,
            overlaid: None,
            graphics: None,
            fill: None,
            fading: None,
            flat: [None, None],
            mixer: Mixer::default(),
            cues: VecDeque::with_capacity(64),
            behind: (wait_secs * format.rate.fps()).ceil() as usize,
            samples: 0,
            input,
        }
    }

    /// Makes the sound of the frame that is so far behind.
    fn sound(&mut self, index: u64, sound: &ProgramSound) {
        let cue = self.source.sound();
        self.cues.push_back((index, cue));
        while self.cues.len() > self.behind {
            let Some((index, cue)) = self.cues.pop_front() else { return };
            let until = sample_at(self.options.format.frame_nanos(index + 1)).max(0) as u64;
            let wanted = until.saturating_sub(self.samples);
            // Frames that were never made have no sound either.
            let most = u64::from(RATE) * 2;
            if wanted > most {
                sound.skip(wanted - most);
            }
            let mut out = vec![[0.0; 2]; wanted.min(most) as usize];
            self.mixer.render(self.input.as_ref().map(|input| &input.ring), cue, &mut out);
            sound.push(&out, self.mixer.underruns());
            self.samples = until;
        }
    }

    /// A frame that nobody holds, filled by `fill`.
    fn filled(&mut self, fill: impl FnOnce(&mut Canvas, &mut [u8])) -> Arc<Frame> {
        let free = self.pool.iter().position(|frame| Arc::strong_count(frame) == 1);
        let mut frame = free.map(|at| self.pool.swap_remove(at)).unwrap_or_default();
        if let Some(own) = Arc::get_mut(&mut frame) {
            own.data.resize(self.canvas.layout().bytes(), 0);
            fill(&mut self.canvas, &mut own.data);
        }
        if self.pool.len() < POOL {
            self.pool.push(Arc::clone(&frame));
        }
        frame
    }

    /// What of the picture a keyer shall lay over its own, as frames.
    fn covered(&mut self, tick: bool, wants_key: bool) -> Option<Covered> {
        let Keyed { fill: picture, cover, .. } = self.source.keyed()?;
        let fill = match (&self.drawn, &self.fill) {
            (Drawn::Picture(shown, _), _) if Arc::ptr_eq(shown, &picture) => Arc::clone(&self.current),
            (_, Some((of, frame))) if Arc::ptr_eq(of, &picture) => Arc::clone(frame),
            _ => self.filled(|canvas, out| canvas.draw(&picture, tick, out)),
        };
        self.fill = Some((Arc::clone(&picture), Arc::clone(&fill)));
        // Without a taker of the key its shape is nobody's matter.
        let key = if wants_key || matches!(cover, Cover::Level(_)) { key_of(cover, &picture, self) } else { Key::Level(256) };
        Some(Covered { fill, key })
    }

    /// What lies on top of it and its alpha, as frames; where program shows the replay.
    fn overlaid(&mut self) -> Option<Covered> {
        let Keyed { cover, graphics, .. } = self.source.keyed()?;
        let picture = graphics?;
        let [fill, alpha] = match &self.graphics {
            Some((of, frames)) if Arc::ptr_eq(of, &picture) => frames.clone(),
            _ => parted(&picture).map(|part| self.filled(|canvas, out| canvas.draw(&part, false, out))),
        };
        let key = match key_of(cover, &picture, self) {
            Key::Level(256) => Arc::clone(&alpha),
            through => {
                let through = frame_of(&through, self);
                let luma_bytes = self.canvas.layout().luma_bytes();
                self.filled(|_, out| product(&alpha.data, &through.data, luma_bytes, out))
            }
        };
        self.graphics = Some((picture, [Arc::clone(&fill), alpha]));
        Some(Covered { fill, key: Key::Drawn(key) })
    }

    /// Fill and key of what is covered, as far as they are wanted.
    fn frames_of(&mut self, covered: Option<Covered>, [wants_fill, wants_key]: [bool; 2]) -> [Option<Arc<Frame>>; 2] {
        let key = covered.as_ref().map_or(Key::Level(0), |covered| covered.key.clone());
        let key = wants_key.then(|| frame_of(&key, self));
        let fill = wants_fill.then(|| covered.map_or_else(|| self.flat(0), |covered| covered.fill));
        [fill, key]
    }

    fn frame(&mut self, index: u64, shared: &Shared) {
        let due = self.source.due();
        let tick = self.options.tick && due.synthesized;
        let fresh = match (&due.picture, &self.drawn) {
            (Some(picture), Drawn::Picture(last, ticked)) => !Arc::ptr_eq(picture, last) || *ticked != tick,
            // The last picture stays rather than a slate.
            (None, Drawn::Picture(..)) => false,
            (None, Drawn::Slate(words)) => *words != due.missing,
            _ => true,
        };
        let had_picture = matches!(self.drawn, Drawn::Picture(..));
        if due.picture.is_some() && due.shot != self.shot {
            self.shot = due.shot;
            let frames = self.options.dissolve_frames;
            self.fading =
                (frames > 0 && had_picture).then(|| (Arc::clone(&self.sent), frames, [self.covered.clone(), self.overlaid.clone()]));
        }
        if fresh {
            if let Some(picture) = due.picture {
                self.current = self.filled(|canvas, out| canvas.draw(&picture, tick, out));
                self.drawn = Drawn::Picture(picture, tick);
            } else {
                self.current = self.filled(|canvas, out| canvas.slate(&due.missing, out));
                self.drawn = Drawn::Slate(Arc::clone(&due.missing));
            }
        }
        let dissolve = self.fading.take().filter(|(_, left, _)| *left > 0);
        let share = dissolve.as_ref().map_or(256, |(_, left, _)| {
            let all = self.options.dissolve_frames;
            (all + 1 - left) * 256 / (all + 1)
        });
        self.sent = match &dissolve {
            Some((from, ..)) => {
                let (from, to) = (Arc::clone(from), Arc::clone(&self.current));
                self.filled(|_, out| mix(&from.data, &to.data, share, out))
            }
            None => Arc::clone(&self.current),
        };
        let [_, fill, key, graphics_fill, graphics_key] = Signal::ALL.map(|signal| shared.takers.lock().takes(signal));
        self.covered = (fill || key).then(|| self.covered(tick, key)).flatten();
        self.overlaid = (graphics_fill || graphics_key).then(|| self.overlaid()).flatten();
        if let Some((_, _, [covered, overlaid])) = &dissolve {
            let to = self.covered.take();
            self.covered = dissolved(covered.as_ref(), to.as_ref(), share, self);
            let to = self.overlaid.take();
            self.overlaid = dissolved(overlaid.as_ref(), to.as_ref(), share, self);
        }
        let covered = self.frames_of(self.covered.clone(), [fill, key]);
        let overlaid = self.frames_of(self.overlaid.clone(), [graphics_fill, graphics_key]);
        self.fading = dissolve.map(|(from, left, covered)| (from, left - 1, covered));
        self.sound(index, &shared.sound);
        let timecode = Timecode::of_frame(self.first_label + index, self.options.format.rate);
        let tick = Tick { index, timecode };
        for (_, signal, taker) in &mut shared.takers.lock().all {
            let of = match signal {
                Signal::Program => Some(&self.sent),
                // One that came since the frame was made gets its first with the next.
                Signal::Fill => covered[0].as_ref(),
                Signal::Key => covered[1].as_ref(),
                Signal::GraphicsFill => overlaid[0].as_ref(),
                Signal::GraphicsKey => overlaid[1].as_ref(),
            };
            if let Some(frame) = of {
                taker.take(frame, tick);
            }
        }
        let mut status = shared.status.lock();
        status.frames += 1;
        status.repeated += u64::from(!fresh);
        status.underruns += u64::from(!fresh && due.overdue);
        status.slates += u64::from(matches!(self.drawn, Drawn::Slate(_)));
        status.latency_nanos = due.age_nanos;
        status.timecode = timecode;
    }
}

impl Frames for Work {
    fn flat(&mut self, level: u32) -> Arc<Frame> {
        let layout = self.canvas.layout();
        let make = || {
            let mut data = vec![128; layout.bytes()];
            data[..layout.luma_bytes()].fill(if level == 0 { 16 } else { 235 });
            Arc::new(Frame { data })
        };
        Arc::clone(self.flat[usize::from(level > 0)].get_or_insert_with(make))
    }

    fn mixed(&mut self, from: &Arc<Frame>, to: &Arc<Frame>, share: u32) -> Arc<Frame> {
        self.filled(|_, out| mix(&from.data, &to.data, share, out))
    }

    fn drawn(&mut self, picture: &Arc<Picture>) -> Arc<Frame> {
        self.filled(|canvas, out| canvas.draw(picture, false, out))
    }
}

#[cfg(test)]
mod tests;
