//! Program as its output takes it: a live camera's own frames in step, or the picture that the engine shows.
//!
//! Must not know: sinks, addresses, windows.

use std::{sync::Arc, time::Instant};

use arc_swap::ArcSwap;

use super::{FeedHealth, Feeds, LivePicture, ProgramKind, ProgramView, Snapshot, director::FULL_SIZE_WITHIN};
use crate::{
    frame::Picture,
    output::program::{Due, Keyed, PictureSource},
    replay::NO_SECOND,
    sound::{SoundCue, SoundInput},
    time::{FrameRate, MediaTime},
};

/// A live picture older than this many frames should have been followed by another.
const OVERDUE_FRAMES: i64 = 4;

/// Which of the two programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    /// The one that there always is.
    A,
    /// The second channel.
    B,
}

/// The engine's program, picture by picture.
pub(super) struct ProgramPictures {
    feeds: Arc<dyn Feeds>,
    snapshot: Arc<ArcSwap<Snapshot>>,
    channel: Channel,
    /// The shot of what went out last.
    shot: u64,
    /// What went out last.
    last: Option<Arc<Picture>>,
    /// The live picture that went out last: its camera and time.
    live: Option<(usize, LivePicture)>,
    /// Since when a shot was wanted of which there was no picture yet.
    waiting: Option<(u64, Instant)>,
    /// What is heard with what went out last.
    cue: SoundCue,
    /// What of what went out last is a replay's.
    keyed: Option<Keyed>,
}

impl ProgramPictures {
    pub fn new(feeds: Arc<dyn Feeds>, snapshot: Arc<ArcSwap<Snapshot>>, channel: Channel) -> Self {
        Self { feeds, snapshot, channel, shot: 0, last: None, live: None, waiting: None, cue: SoundCue::Silence, keyed: None }
    }

    /// What the channel shows; `None` where there is no such channel.
    fn program<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a ProgramView> {
        match self.channel {
            Channel::A => Some(&snapshot.program),
            Channel::B => snapshot.second.as_ref().map(|second| &second.program),
        }
    }

    /// The picture of a live camera (index in the rig) that is due.
    fn due_of(&mut self, camera: usize, now: MediaTime, may_be_small: bool) -> Option<LivePicture> {
        let interval_nanos = self.feeds.rate().interval_nanos();
        let small = || self.feeds.live_picture(camera).filter(|_| may_be_small);
        let due = self.feeds.live_picture_due(camera, now).or_else(small)?;
        // A camera that has just become slower is waited for longer; what was shown is not shown again.
        let shown = self.live.as_ref().filter(|(same, _)| *same == camera).map(|(_, shown)| shown);
        match shown.filter(|shown| (1..=3 * interval_nanos).contains(&(shown.time - due.time))) {
            Some(shown) => Some(shown.clone()),
            None => Some(due),
        }
    }

    /// The picture of the live camera, and the shot that it belongs to. A camera that has just been chosen has none at full size for a
    /// moment; until then the one before goes on.
    fn live(&mut self, snapshot: &Snapshot, wanted: u64, place: usize) -> Option<(u64, LivePicture)> {
        let name = snapshot.cameras.get(place).map(|c| c.name.as_str());
        let camera = name.and_then(|name| self.feeds.rig().cameras.iter().position(|c| c.name == name));
        let now = self.feeds.now();
        let waits = self.last.is_some() && self.shot != wanted;
        let since = match self.waiting {
            Some((shot, since)) if shot == wanted => since,
            _ => Instant::now(),
        };
        self.waiting = Some((wanted, since));
        let may_be_small = !waits || since.elapsed() > FULL_SIZE_WITHIN;
        let of_new = camera.and_then(|camera| Some((wanted, camera, self.due_of(camera, now, may_be_small)?)));
        let of_old = || self.live.as_ref().map(|(camera, _)| *camera).filter(|_| waits);
        let due = match (of_new, of_old()) {
            (None, Some(old)) => self.due_of(old, now, false).map(|picture| (self.shot, old, picture)),
            (found, _) => found,
        };
        self.live = due.as_ref().map(|(_, camera, picture)| (*camera, picture.clone()));
        due.map(|(shot, _, picture)| (shot, picture))
    }
}

impl ProgramPictures {
    /// What is heard with the picture: that of the live camera's time, that of the roll's, or what was chosen for a freeze.
    fn cue_of(&self, program: &ProgramView) -> SoundCue {
        let freeze = || self.feeds.sound().map_or(SoundCue::Silence, |input| SoundCue::Freeze(input.freeze()));
        match (program.kind, &self.live, program.roll) {
            (_, Some((_, live)), _) => SoundCue::Live(live.time),
            // The first picture of the replay is still being made: as it was.
            (ProgramKind::Replay { .. }, ..) if program.shown_shot != program.shot || program.waits => self.cue,
            (ProgramKind::Replay { .. }, None, Some(roll)) if roll.speed_percent != 0 => {
                SoundCue::Roll(roll.instant, f64::from(roll.speed_percent) * 0.01)
            }
            (ProgramKind::Replay { .. } | ProgramKind::Hold, ..) => freeze(),
            // Its picture is missing, and nobody knows its time.
            (ProgramKind::Live(_), ..) => SoundCue::Silence,
        }
    }
}

impl PictureSource for ProgramPictures {
    fn sound(&mut self) -> SoundCue {
        self.cue
    }

    fn sound_input(&self) -> Option<Arc<SoundInput>> {
        self.feeds.sound()
    }

    fn keyed(&self) -> Option<Keyed> {
        self.keyed.clone()
    }

    fn due(&mut self) -> Due {
        let snapshot = self.snapshot.load_full();
        let Some(program) = self.program(&snapshot) else {
            let missing = NO_SECOND.into();
            return Due { picture: None, missing, shot: 0, synthesized: false, overdue: true, age_nanos: None };
        };
        let mut synthesized = false;
        let (shot, picture, age_nanos, overdue) = match program.kind {
            ProgramKind::Live(place) => match self.live(&snapshot, program.shot, place) {
                // On the way back to live it is the engine that puts both together; the sound is live already.
                _ if program.mixes => (program.shot, Some(Arc::clone(&program.shown.picture)), None, false),
                Some((shot, live)) => {
                    let age = self.feeds.now() - live.time;
                    (shot, Some(live.picture), Some(age), age > OVERDUE_FRAMES * self.feeds.rate().interval_nanos())
                }
                None => (self.shot, None, None, true),
            },
            ProgramKind::Hold => (self.shot, None, None, true),
            // The replay's first picture is still being made: what went out last stays.
            ProgramKind::Replay { .. } if program.shown_shot != program.shot => (self.shot, None, None, false),
            ProgramKind::Replay { solved, .. } => {
                synthesized = match program.roll {
                    Some(roll) => roll.between.is_some(),
                    None => solved && program.report.as_ref().is_some_and(|r| r.synthesized_share > 0.0),
                };
                (program.shot, Some(Arc::clone(&program.shown.picture)), None, false)
            }
        };
        if !matches!(program.kind, ProgramKind::Live(_)) {
            self.live = None;
        }
        if picture.is_some() {
            // Of a live camera's own picture nothing is.
            let is_made = program.mixes || matches!(program.kind, ProgramKind::Replay { .. });
            self.keyed = program.keyed.clone().filter(|_| is_made);
        }
        // A camera that has no picture yet: the one before stays, rather than a slate.
        let picture = picture.or_else(|| self.last.clone());
        let missing = if picture.is_none() { missing(&snapshot, program.kind) } else { Arc::default() };
        if picture.is_some() {
            self.shot = shot;
        }
        self.last.clone_from(&picture);
        self.cue = self.cue_of(program);
        Due { picture, missing, shot, synthesized, overdue, age_nanos }
    }
}

/// What the slate says.
fn missing(snapshot: &Snapshot, kind: ProgramKind) -> Arc<str> {
    let camera = match kind {
        ProgramKind::Live(place) => snapshot.cameras.get(place),
        _ => None,
    };
    let delivering = snapshot.cameras.iter().filter(|c| matches!(c.status.health, FeedHealth::Good | FeedHealth::Degraded)).count();
    let all = snapshot.cameras.len();
    match camera {
        Some(camera) => format!("No picture of camera {} yet. {delivering} of {all} cameras deliver.", camera.name).into(),
        None => format!("No picture yet. {delivering} of {all} cameras deliver.").into(),
    }
}

/// The feeds, for an output that starts later.
pub(super) struct OutputFeeds(pub Arc<dyn Feeds>);

impl std::fmt::Debug for OutputFeeds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OutputFeeds")
    }
}

/// Where the output stands, for whoever starts it and whoever shows it.
#[derive(Debug, Default)]
pub(super) struct OutputSlot {
    /// Pictures that it takes a second; `None` without an output.
    rate: parking_lot::Mutex<Option<FrameRate>>,
    #[cfg(feature = "gstreamer")]
    running: arc_swap::ArcSwapOption<crate::output::program::ProgramOutput>,
}

impl OutputSlot {
    /// At which rate it takes pictures; `None` without an output.
    pub fn rate(&self) -> Option<FrameRate> {
        *self.rate.lock()
    }

    /// The names of its sinks, for who named none of them.
    pub fn sink_names(&self) -> String {
        self.status().map_or_else(String::new, |o| o.sinks.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", "))
    }

    /// How it is; `None` without an output.
    pub fn status(&self) -> Option<Arc<crate::output::program::ProgramStatus>> {
        #[cfg(feature = "gstreamer")]
        {
            self.running.load().as_ref().map(|output| Arc::new(output.status()))
        }
        #[cfg(not(feature = "gstreamer"))]
        {
            let _ = self;
            None
        }
    }

    /// Whether somebody takes graphics alone.
    pub fn takes_graphics(&self) -> bool {
        #[cfg(feature = "gstreamer")]
        {
            use crate::output::program::Signal;
            let running = self.running.load();
            running.as_ref().is_some_and(|output| [Signal::GraphicsFill, Signal::GraphicsKey].iter().any(|signal| output.takes(*signal)))
        }
        #[cfg(not(feature = "gstreamer"))]
        {
            let _ = self;
            false
        }
    }

    /// Whether a sink of another channel may go out beside those of this one.
    #[cfg(feature = "gstreamer")]
    pub fn check_beside(&self, spec: &crate::output::program::SinkSpec) -> Result<(), crate::output::program::Meeting> {
        self.running.load().as_ref().map_or(Ok(()), |output| output.check_beside(spec))
    }

    /// Adds a sink to the running output, or says why not; `beside` is the other channel.
    #[cfg(feature = "gstreamer")]
    pub fn add_sink(&self, name: &str, address: crate::output::program::SinkAddress, beside: Option<&Self>) -> Result<(), String> {
        let running = self.running.load();
        let output =
            running.as_ref().ok_or("There is no program output. Write [program] and its format in the show file, and open it again")?;
        if output.has(name) {
            return Err(format!("There is an output {name:?} already. Choose another name, or remove that one first"));
        }
        let spec = crate::output::program::SinkSpec::new(name, address);
        beside.map_or(Ok(()), |other| other.check_beside(&spec)).map_err(|e| e.to_string())?;
        output.add(spec).map(|_id| ()).map_err(|e| e.to_string())
    }

    /// Takes a sink out of the running output; false when there is none of that name. It ends on a thread of its own.
    #[cfg(feature = "gstreamer")]
    pub fn remove_sink(&self, name: &str) -> bool {
        let Some(ending) = self.running.load().as_ref().and_then(|output| output.take_out(name)) else { return false };
        // Without a thread it ends here and now.
        std::thread::Builder::new().name("sink ends".to_owned()).spawn(move || drop(ending)).ok();
        true
    }

    /// The same where nothing is sent.
    #[cfg(not(feature = "gstreamer"))]
    pub fn add_sink(&self, _name: &str, _address: crate::output::program::SinkAddress, _beside: Option<&Self>) -> Result<(), String> {
        let _ = self;
        Err("This program was built without GStreamer, which every output needs".to_owned())
    }

    /// The same where nothing is sent.
    #[cfg(not(feature = "gstreamer"))]
    pub fn remove_sink(&self, _name: &str) -> bool {
        let _ = self;
        false
    }

    /// False without an output.
    #[cfg(feature = "gstreamer")]
    pub fn watch(&self, taker: impl crate::output::program::FrameTaker) -> bool {
        self.running.load().as_ref().map(|output| output.watch(taker)).is_some()
    }

    #[cfg(feature = "gstreamer")]
    pub fn set(&self, output: Option<(crate::output::program::ProgramOutput, FrameRate)>) {
        *self.rate.lock() = output.as_ref().map(|(_, rate)| *rate);
        // The one before ends here, unless somebody looks at it just now.
        drop(self.running.swap(output.map(|(output, _)| Arc::new(output))));
    }
}
