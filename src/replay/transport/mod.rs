//! The transport: what is on program, what is prepared in preview, and how commands move between them.
//!
//! Live → armed (an instant is frozen in preview) → on air (the take) → return. Preview and program are independent: the next
//! instant can be prepared while one is on air. The program is never black by construction: it is a live camera that delivers,
//! a replay whose pictures are ready, or the repeated last picture when no camera is left. Must not know: pictures, clocks,
//! threads; whoever owns it says what time it is and does the [`Effect`]s.

mod cameras;
mod graphics;
mod marks;
mod progress;
mod second;
mod trims;

pub use second::{NO_SECOND, SecondCommand, SecondProgram};

use super::{
    Event, EventId, EventList, EventRules,
    edit::{EventEdit, History},
    playlist::{Playlist, PlaylistEdit},
};
use crate::time::MediaTime;

/// How far a frozen instant is prepared; each step can be shown and taken, the later the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Readiness {
    /// Frames are being fetched; nothing to show yet.
    #[default]
    Fetching,
    /// The frames of the instant are decoded: the orbit can step through the real cameras.
    RealCameras,
    /// The scene is solved: every position between the cameras has a picture.
    Solved,
}

/// What preview holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// The event that it came from; `None` after a free jog.
    pub event: Option<EventId>,
    /// The frozen instant.
    pub instant: MediaTime,
    /// Position along the arc in gaps: 0 is the first camera of the arc, 1 the second, 1.5 midway to the third.
    pub position: f64,
    /// How far it is prepared.
    pub readiness: Readiness,
    /// Why it stays behind [`Readiness::Solved`], if it failed.
    pub problem: Option<String>,
}

/// A replay on program.
#[derive(Debug, Clone, PartialEq)]
pub struct OnAir {
    /// The event.
    pub event: Option<EventId>,
    /// The frozen instant.
    pub instant: MediaTime,
    /// Where the path starts along the arc, gaps.
    pub from_position: f64,
    /// House time of the take.
    pub started: MediaTime,
    /// Whether the scene was solved at the take (or has been since): else the path steps through real cameras.
    pub solved: bool,
}

/// What goes out.
#[derive(Debug, Clone, PartialEq)]
pub enum Program {
    /// A live camera.
    Live {
        /// Index in the rig.
        camera: usize,
    },
    /// No camera delivers: the last picture is repeated.
    Hold,
    /// A replay.
    Replay(OnAir),
}

/// The state in one word, for tally and title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Program is live and nothing is prepared.
    Live,
    /// Program is live, preview holds an instant.
    Armed,
    /// A replay is on program.
    OnAir,
}

impl Phase {
    /// As shown to the operator.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Live => "LIVE",
            Self::Armed => "ARMED",
            Self::OnAir => "ON AIR",
        }
    }
}

/// What moves the transport: the operator's wishes and the reports of those who do the work.
#[derive(Debug, Clone, PartialEq)]
pub enum TransportCommand {
    /// Drop a mark at `at` and prepare it.
    Mark {
        /// The instant.
        at: MediaTime,
    },
    /// In point: of the prepared event where it stands, else of the next event, at `head` or where preview was jogged to.
    MarkIn {
        /// The newest instant.
        head: MediaTime,
    },
    /// Out point, likewise; with an in point that waits it makes an event of both.
    MarkOut {
        /// The newest instant.
        head: MediaTime,
    },
    /// Makes an event of the range that ends now and prepares its beginning.
    MarkLast {
        /// From.
        from: MediaTime,
        /// The newest instant.
        head: MediaTime,
    },
    /// Make an event of `at`, or of all from `from` to it, and leave preview as it is.
    Note {
        /// Its beginning, where it has one.
        from: Option<MediaTime>,
        /// The newest instant.
        at: MediaTime,
    },
    /// Change an event; can be taken back.
    Edit(EventId, EventEdit),
    /// Change the playlist; can be taken back.
    Playlist(PlaylistEdit),
    /// Report: an element of the playlist is on program. Its owner has the pictures.
    Cue {
        /// Its event.
        event: EventId,
        /// Its marked instant.
        instant: MediaTime,
        /// Where along the arc it begins, gaps.
        position: f64,
        /// Whether the scene of the instant is solved.
        solved: bool,
        /// House time when it takes program; `None` when program shows the playlist already.
        taken: Option<MediaTime>,
    },
    /// Take the last edit back.
    Undo,
    /// Make it again.
    Redo,
    /// Prepare an event.
    SelectEvent(EventId),
    /// Prepare the next (`true`) or previous event of the list.
    StepEvent(bool),
    /// Forget an event and release what it pinned; refused while it is on air.
    RemoveEvent(EventId),
    /// Freeze another instant in preview (jog).
    SetInstant(MediaTime),
    /// Put the orbit at a position, gaps.
    SetOrbit(f64),
    /// Move the orbit, gaps.
    MoveOrbit(f64),
    /// Put the prepared replay on program.
    Take {
        /// House time.
        now: MediaTime,
    },
    /// The replay on air begins anew with what its owner plays now.
    Restart {
        /// House time.
        now: MediaTime,
    },
    /// On air: back to live. Armed: put the preparation away.
    Return,
    /// Choose the live camera.
    SelectCamera(usize),
    /// Report: the frames of `instant` are decoded.
    MomentReady(MediaTime),
    /// Report: the scene of `instant` is solved.
    SceneReady(MediaTime),
    /// Report: `instant` cannot be prepared further.
    PrepareFailed {
        /// The instant.
        instant: MediaTime,
        /// What happened and the remedy.
        why: String,
        /// Whether not even real pictures are there.
        fatal: bool,
    },
    /// Report: a camera delivers or not.
    CameraAlive {
        /// Index in the rig.
        camera: usize,
        /// Whether it delivers.
        alive: bool,
    },
    /// Report: the replay on air cannot go on.
    ProgramFault(String),
    /// The same for program B.
    Second(SecondCommand),
}

/// What the owner has to do after a command.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Keep the range of this event in the ring, and write it down.
    Pin(Event),
    /// Write this event down, new or changed.
    Remember(Event),
    /// Release the range of this event.
    Unpin(EventId),
    /// Fetch and solve this instant for preview; whatever was being prepared before is not wanted any more.
    Prepare(MediaTime),
    /// Preview is empty; stop preparing.
    StopPreparing,
    /// The program changed by cut.
    Cut,
    /// Program B did.
    CutSecond,
    /// Tell the operator: something needs a hand.
    Warn(String),
}

/// The state machine; [`Transport::apply`] is total: every command is answered in every state.
#[derive(Debug, Clone)]
pub struct Transport {
    /// Camera indices in the order of the arc.
    arc_order: Vec<usize>,
    closed: bool,
    alive: Vec<bool>,
    names: Vec<String>,
    live_camera: usize,
    program: Program,
    /// Program B, where the show has one.
    second: Option<SecondProgram>,
    preview: Option<Prepared>,
    last_position: f64,
    events: EventList,
    history: History,
    playlist: Playlist,
    paths: super::path::PathList,
    graphics: super::graphics::GraphicList,
    trims: super::trim::TrimList,
    /// An in point that waits for its out.
    pending_in: Option<MediaTime>,
    /// The oldest instant that is recorded, as far as is known.
    pub oldest: Option<MediaTime>,
    /// Rules of new events.
    pub rules: EventRules,
}

/// Every index below `count` once: those of the arc in its order, then any that it lacks.
fn whole_order(count: usize, arc_order: &[usize]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::with_capacity(count);
    for &i in arc_order.iter().filter(|&&i| i < count) {
        if !order.contains(&i) {
            order.push(i);
        }
    }
    order.extend((0..count).filter(|i| !arc_order.contains(i)));
    order
}

impl Transport {
    /// A transport over cameras by name; `arc_order` are their indices along the arc (any missing index is appended), `closed`
    /// whether the arc is a ring.
    pub fn new(names: Vec<String>, arc_order: &[usize], closed: bool) -> Self {
        let count = names.len();
        let order = whole_order(count, arc_order);
        let program = if count == 0 { Program::Hold } else { Program::Live { camera: order[order.len() / 2] } };
        let live_camera = if let Program::Live { camera } = program { camera } else { 0 };
        let last_position = (order.len() / 2) as f64;
        Self {
            arc_order: order,
            closed,
            alive: vec![true; count],
            names,
            live_camera,
            program,
            second: None,
            preview: None,
            last_position,
            events: EventList::default(),
            history: History::default(),
            playlist: Playlist::default(),
            paths: super::path::PathList::default(),
            graphics: super::graphics::GraphicList::default(),
            trims: super::trim::TrimList::default(),
            pending_in: None,
            oldest: None,
            rules: EventRules::default(),
        }
    }

    /// Takes over events of an earlier session.
    pub fn restore(&mut self, events: impl IntoIterator<Item = Event>) {
        self.events.restore(events);
    }

    /// What goes out.
    pub const fn program(&self) -> &Program {
        &self.program
    }

    /// What is prepared.
    pub const fn preview(&self) -> Option<&Prepared> {
        self.preview.as_ref()
    }

    /// All events.
    pub const fn events(&self) -> &EventList {
        &self.events
    }

    /// An in point that waits for its out.
    pub const fn pending_in(&self) -> Option<MediaTime> {
        self.pending_in
    }

    /// Whether there is an edit to take back, and one to make again.
    pub const fn can_undo_redo(&self) -> (bool, bool) {
        self.history.can()
    }

    /// The playlist.
    pub const fn playlist(&self) -> &Playlist {
        &self.playlist
    }

    /// How many edits stand.
    pub const fn edits(&self) -> usize {
        self.history.steps()
    }

    /// The live camera that program shows or returns to, index in the rig.
    pub const fn live_camera(&self) -> usize {
        self.live_camera
    }

    /// Camera indices in the order of the arc.
    pub fn arc_order(&self) -> &[usize] {
        &self.arc_order
    }

    /// Whether the camera delivers, as reported.
    pub fn is_alive(&self, camera: usize) -> bool {
        self.alive.get(camera).copied().unwrap_or(false)
    }

    /// The state in one word.
    pub const fn phase(&self) -> Phase {
        match (&self.program, &self.preview) {
            (Program::Replay(_), _) => Phase::OnAir,
            (_, Some(_)) => Phase::Armed,
            (_, None) => Phase::Live,
        }
    }

    /// Whether a take would be obeyed now.
    pub fn can_take(&self) -> bool {
        self.preview.as_ref().is_some_and(|p| p.readiness >= Readiness::RealCameras)
    }

    /// Where the orbit stands, gaps: the prepared position, else where the next preparation will begin.
    pub fn position(&self) -> f64 {
        self.preview.as_ref().map_or(self.last_position, |p| p.position)
    }

    /// Brings a position along the arc into its range: wrapped on a ring, clamped on an open arc; zero if not finite.
    pub fn wrap_position(&self, position: f64) -> f64 {
        let n = self.arc_order.len() as f64;
        if !position.is_finite() || n < 1.0 {
            0.0
        } else if self.closed {
            position.rem_euclid(n).min(n - f64::EPSILON * n)
        } else {
            position.clamp(0.0, n - 1.0)
        }
    }

    /// The camera (index in the rig) nearest to a position.
    pub fn camera_at(&self, position: f64) -> Option<usize> {
        let n = self.arc_order.len();
        (n > 0).then(|| self.arc_order[self.wrap_position(position).round() as usize % n])
    }

    /// Applies one command.
    pub fn apply(&mut self, command: TransportCommand) -> Vec<Effect> {
        match command {
            TransportCommand::Mark { at } => self.mark(at),
            TransportCommand::MarkIn { head } => self.mark_in(head),
            TransportCommand::MarkOut { head } => self.mark_out(head),
            TransportCommand::MarkLast { from, head } => self.mark_range(from, head),
            TransportCommand::Note { from, at } => self.note(from, at),
            TransportCommand::Edit(id, edit) => self.edit(id, &edit),
            TransportCommand::Playlist(edit) => self.edit_playlist(&edit),
            TransportCommand::Cue { event, instant, position, solved, taken } => self.cue(event, instant, position, solved, taken),
            TransportCommand::Undo => self.travel(false),
            TransportCommand::Redo => self.travel(true),
            TransportCommand::SelectEvent(id) => match self.events.get(id).map(|e| e.instant) {
                Some(instant) => self.prepare(Some(id), instant),
                None => vec![Effect::Warn("That event is gone. Choose another one in the event list".to_owned())],
            },
            TransportCommand::StepEvent(forward) => {
                let from = self.preview.as_ref().and_then(|p| p.event);
                match self.events.neighbour(from, forward).map(|e| (e.id, e.instant)) {
                    Some((id, instant)) => self.prepare(Some(id), instant),
                    None => vec![],
                }
            }
            TransportCommand::RemoveEvent(id) => self.remove_event(id),
            TransportCommand::SetInstant(at) => {
                if self.preview.as_ref().is_some_and(|p| p.instant == at) {
                    return vec![];
                }
                let event = self.preview.as_ref().and_then(|p| p.event);
                self.prepare(event, at)
            }
            TransportCommand::SetOrbit(position) => self.orbit_to(position),
            TransportCommand::MoveOrbit(by) => {
                let from = self.preview.as_ref().map_or(self.last_position, |p| p.position);
                self.orbit_to(from + by)
            }
            TransportCommand::Take { now } => self.take(now),
            TransportCommand::Restart { now } => {
                if let Program::Replay(on_air) = &mut self.program {
                    on_air.started = now;
                }
                vec![]
            }
            TransportCommand::Return => {
                if matches!(self.program, Program::Replay(_)) {
                    self.go_live()
                } else if self.preview.take().is_some() {
                    vec![Effect::StopPreparing]
                } else {
                    self.pending_in = None;
                    vec![]
                }
            }
            TransportCommand::SelectCamera(camera) => self.select_camera(camera),
            TransportCommand::MomentReady(instant) => {
                self.reached(instant, Readiness::RealCameras);
                vec![]
            }
            TransportCommand::SceneReady(instant) => {
                self.reached(instant, Readiness::Solved);
                if let Program::Replay(on_air) = &mut self.program
                    && on_air.instant == instant
                {
                    on_air.solved = true;
                }
                vec![]
            }
            TransportCommand::PrepareFailed { instant, why, fatal } => self.prepare_failed(instant, why, fatal),
            TransportCommand::CameraAlive { camera, alive } => self.camera_alive(camera, alive),
            TransportCommand::ProgramFault(why) => {
                if matches!(self.program, Program::Replay(_)) {
                    let mut effects = self.go_live();
                    effects.push(Effect::Warn(format!("Program returned to live: {why}")));
                    effects
                } else {
                    vec![]
                }
            }
            TransportCommand::Second(command) => self.on_second(command),
        }
    }

    fn prepare(&mut self, event: Option<EventId>, instant: MediaTime) -> Vec<Effect> {
        // What is known about this instant is not fetched twice.
        if let Some(p) = &mut self.preview
            && p.instant == instant
            && p.problem.is_none()
        {
            p.event = event;
            return vec![];
        }
        let position = self.preview.as_ref().map_or(self.last_position, |p| p.position);
        self.preview = Some(Prepared { event, instant, position, readiness: Readiness::Fetching, problem: None });
        vec![Effect::Prepare(instant)]
    }

    fn orbit_to(&mut self, position: f64) -> Vec<Effect> {
        if position.is_finite() {
            let position = self.wrap_position(position);
            self.last_position = position;
            if let Some(p) = &mut self.preview {
                p.position = position;
            }
        }
        vec![]
    }

    fn take(&mut self, now: MediaTime) -> Vec<Effect> {
        let Some(p) = &self.preview else {
            return vec![Effect::Warn("Nothing is prepared. Press MARK (space) or choose an event first".to_owned())];
        };
        if p.readiness < Readiness::RealCameras {
            let why = p.problem.clone().unwrap_or_else(|| "the frames of this instant are still being fetched".to_owned());
            return vec![Effect::Warn(format!("Cannot take yet: {why}"))];
        }
        self.program = Program::Replay(OnAir {
            event: p.event,
            instant: p.instant,
            from_position: p.position,
            started: now,
            solved: p.readiness == Readiness::Solved,
        });
        if let Some(event) = p.event.and_then(|id| self.events.get_mut(id)) {
            event.takes += 1;
        }
        vec![Effect::Cut]
    }

    fn cue(&mut self, event: EventId, instant: MediaTime, position: f64, solved: bool, taken: Option<MediaTime>) -> Vec<Effect> {
        let started = match (&self.program, taken) {
            (_, Some(now)) => now,
            (Program::Replay(on_air), None) => on_air.started,
            // It was returned to live meanwhile.
            (_, None) => return vec![],
        };
        let from_position = self.wrap_position(position);
        let found = self.events.get_mut(event);
        let event = found.map(|event| {
            event.takes += 1;
            event.id
        });
        self.program = Program::Replay(OnAir { event, instant, from_position, started, solved });
        if taken.is_some() { vec![Effect::Cut] } else { vec![] }
    }

    fn select_camera(&mut self, camera: usize) -> Vec<Effect> {
        let Some(name) = self.names.get(camera) else {
            return vec![Effect::Warn(format!("There is no camera {}. The rig has {}", camera + 1, self.names.len()))];
        };
        if !self.is_alive(camera) {
            return vec![Effect::Warn(format!("{name} delivers no pictures. Check its cable and power, or choose another camera"))];
        }
        self.live_camera = camera;
        if matches!(self.program, Program::Replay(_)) || self.program == (Program::Live { camera }) {
            // On air, the choice says where the return goes.
            return vec![];
        }
        self.program = Program::Live { camera };
        vec![Effect::Cut]
    }
}
