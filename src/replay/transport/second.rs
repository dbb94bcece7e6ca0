//! Program B: a second channel over the same cameras and events, with a live camera, a replay and a return of its own. It rolls cameras' own
//! pictures; what is prepared, marked and edited is common to both.
//!
//! Never black by construction, as program A: a camera that delivers, a replay whose frames are there, or the last picture. Must not know: pictures.

use super::{Effect, OnAir, Program, Readiness, Transport};
use crate::{replay::EventId, time::MediaTime};

/// What program B shows.
#[derive(Debug, Clone, PartialEq)]
pub struct SecondProgram {
    /// The live camera that it shows or returns to, index in the rig.
    pub live_camera: usize,
    /// What goes out.
    pub program: Program,
}

/// What moves program B.
#[derive(Debug, Clone, PartialEq)]
pub enum SecondCommand {
    /// Put the prepared instant on B, on the camera nearest to the prepared position.
    Take {
        /// House time.
        now: MediaTime,
    },
    /// Back to live.
    Return,
    /// Choose B's live camera.
    SelectCamera(usize),
    /// Report: the replay on B cannot go on.
    Fault(String),
}

impl Transport {
    /// There is a program B from now on, live at the camera that program A has.
    pub fn open_second(&mut self) {
        let program = self.live_at(self.live_camera);
        let live_camera = if let Program::Live { camera } = program { camera } else { self.live_camera };
        self.second = Some(SecondProgram { live_camera, program });
    }

    /// Program B; `None` where the show has none.
    pub const fn second(&self) -> Option<&SecondProgram> {
        self.second.as_ref()
    }

    /// Why an event cannot be removed: it is on air.
    pub(super) fn airs(&self, id: EventId) -> Option<&'static str> {
        let shows = |program: &Program| matches!(program, Program::Replay(on_air) if on_air.event == Some(id));
        if shows(&self.program) {
            return Some("This event is on air. Return to live before removing it");
        }
        let on_second = self.second.as_ref().is_some_and(|second| shows(&second.program));
        on_second.then_some("This event is on program B. Return B to live before removing it")
    }

    pub(super) fn on_second(&mut self, command: SecondCommand) -> Vec<Effect> {
        if self.second.is_none() {
            return vec![Effect::Warn(NO_SECOND.to_owned())];
        }
        match command {
            SecondCommand::Take { now } => self.take_second(now),
            SecondCommand::Return => match &self.second {
                Some(SecondProgram { program: Program::Replay(_), .. }) => self.second_goes_live(),
                _ => vec![],
            },
            SecondCommand::SelectCamera(camera) => self.select_second(camera),
            SecondCommand::Fault(why) => match &self.second {
                Some(SecondProgram { program: Program::Replay(_), .. }) => {
                    let mut effects = self.second_goes_live();
                    effects.push(Effect::Warn(format!("Program B returned to live: {why}")));
                    effects
                }
                _ => vec![],
            },
        }
    }

    fn take_second(&mut self, now: MediaTime) -> Vec<Effect> {
        let Some(p) = &self.preview else {
            return vec![Effect::Warn("Nothing is prepared for B. Press MARK (space) or choose an event first".to_owned())];
        };
        if p.readiness < Readiness::RealCameras {
            let why = p.problem.clone().unwrap_or_else(|| "the frames of this instant are still being fetched".to_owned());
            return vec![Effect::Warn(format!("B cannot take yet: {why}"))];
        }
        let from_position = self.wrap_position(p.position.round());
        let on_air = OnAir { event: p.event, instant: p.instant, from_position, started: now, solved: false };
        let mut effects = vec![Effect::CutSecond];
        if let Some(event) = on_air.event.and_then(|id| self.events.get_mut(id)) {
            event.takes += 1;
            effects.push(Effect::Remember(event.clone()));
        }
        if let Some(second) = &mut self.second {
            second.program = Program::Replay(on_air);
        }
        effects
    }

    fn select_second(&mut self, camera: usize) -> Vec<Effect> {
        let Some(name) = self.names.get(camera) else {
            return vec![Effect::Warn(format!("There is no camera {}. The rig has {}", camera + 1, self.names.len()))];
        };
        if !self.is_alive(camera) {
            return vec![Effect::Warn(format!("{name} delivers no pictures. Check its cable and power, or choose another camera"))];
        }
        let Some(second) = &mut self.second else { return vec![] };
        second.live_camera = camera;
        if matches!(second.program, Program::Replay(_)) || second.program == (Program::Live { camera }) {
            // On air, the choice says where the return goes.
            return vec![];
        }
        second.program = Program::Live { camera };
        vec![Effect::CutSecond]
    }

    fn second_goes_live(&mut self) -> Vec<Effect> {
        let Some(home) = self.second.as_ref().map(|second| second.live_camera) else { return vec![] };
        let program = self.live_at(home);
        let live_camera = if let Program::Live { camera } = program { camera } else { home };
        self.second = Some(SecondProgram { live_camera, program });
        vec![Effect::CutSecond]
    }

    /// A camera delivers again, or no longer: what program B does then.
    pub(super) fn second_hears(&mut self, camera: usize, alive: bool) -> Vec<Effect> {
        let Some(second) = &self.second else { return vec![] };
        if alive {
            return if second.program == Program::Hold { self.second_goes_live() } else { vec![] };
        }
        if second.program != (Program::Live { camera }) {
            return vec![];
        }
        let mut effects = self.second_goes_live();
        let name = &self.names[camera];
        effects.push(Effect::Warn(match self.second.as_ref().map(|second| &second.program) {
            Some(Program::Live { camera: next }) => format!("{name} delivers no pictures: program B went to {}", self.names[*next]),
            _ => "Program B holds its last picture: no camera delivers".to_owned(),
        }));
        effects
    }
}

/// What is said to who asks for B in a show without one.
pub const NO_SECOND: &str = "This show has no program B. Write second_channel = true under [program] in the show file and open it again";
