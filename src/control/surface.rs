//! The surfaces on the desk: MIDI and input devices are read, touches are mapped, and a control can be learned by touching it.
//!
//! A device is a file of the system (`/dev/snd/midiC1D0`, `/dev/input/by-id/…-event-joystick`); anything else that gives bytes or touches is a
//! [`TouchSource`], such as MIDI that comes over OSC. Must not know: windows, what commands do.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::Read as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{
    hub::Hub,
    mapping::{Asked, Fader, Mapping},
    pickup::{PickUp, place_of},
    touch::{ControlId, InputParser, MidiParser, Touch},
};
use crate::engine::Snapshot;

/// A device that is away is looked for this often.
const AGAIN: Duration = Duration::from_secs(2);
/// A fader that nobody touches any more waits for nothing.
const WAITS: Duration = Duration::from_secs(4);
/// Pause where a device has nothing to say.
const IDLE: Duration = Duration::from_millis(2);

/// Where touches come from.
pub trait TouchSource: Send {
    /// The touches since the last call; empty where there are none, an error where the source is gone.
    fn touches(&mut self) -> std::io::Result<Vec<Touch>>;
}

/// What the mapping says and does now.
#[derive(Debug, Default)]
struct State {
    mapping: Mapping,
    /// The command that waits for a touch.
    learning: Option<String>,
    last: Option<Touch>,
    problem: Option<String>,
    pick_ups: HashMap<(ControlId, String), PickUp>,
    /// The fader that was moved last and does not hold yet what it moves.
    waiting: Option<(Instant, Fader)>,
}

impl State {
    /// Whether a fader holds what it moves; where it does not, it waits.
    fn holds(&mut self, fader: &Fader, snapshot: &Snapshot) -> bool {
        let now = Instant::now();
        // Where nothing stands the engine says why.
        let Some(place) = place_of(&fader.command, fader.range, snapshot) else { return true };
        let holds = self.pick_ups.entry((fader.control, fader.command.clone())).or_default().holds(fader.share, &place, now);
        self.waiting = (!holds).then(|| (now, fader.clone()));
        holds
    }
}

/// A fader that stands elsewhere than what it moves.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// The control: `cc 1 7`.
    pub control: String,
    /// What it moves: `t-bar {}`.
    pub command: String,
    /// Where it stands, as a share of its way.
    pub at: f64,
    /// Where it takes hold.
    pub to: f64,
}

/// All surfaces of a desk; shared by those who touch and those who show.
#[derive(Debug)]
pub struct Surface {
    file: Option<PathBuf>,
    state: Mutex<State>,
    midi: Mutex<MidiParser>,
}

/// What a window shows of the surfaces.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SurfaceState {
    /// (command, control): the table.
    pub bindings: Vec<(String, String)>,
    /// The command that waits for a touch.
    pub learning: Option<String>,
    /// What was touched last.
    pub last: Option<String>,
    /// What is wrong.
    pub problem: Option<String>,
}

impl Surface {
    /// With the mapping of a file, which learning writes to; a file that is not there is an empty mapping, one that cannot be read is told
    /// and never overwritten.
    pub fn of_file(file: Option<&Path>) -> Self {
        let mut state = State::default();
        let mut keep = file.map(Path::to_owned);
        match file.map(|f| (f, std::fs::read_to_string(f))) {
            Some((file, Ok(text))) => match Mapping::from_toml(&text) {
                Ok(mapping) => state.mapping = mapping,
                Err(e) => {
                    state.problem = Some(format!("{}: {e}. What is learned now is not kept", file.display()));
                    keep = None;
                }
            },
            Some((file, Err(e))) if e.kind() != std::io::ErrorKind::NotFound => {
                state.problem = Some(format!("{} cannot be read: {e}. What is learned now is not kept", file.display()));
                keep = None;
            }
            _ => {}
        }
        if let Some(problem) = &state.problem {
            tracing::warn!("control surfaces: {problem}");
        }
        Self { file: keep, state: Mutex::new(state), midi: Mutex::default() }
    }

    /// With a mapping that is not kept.
    pub fn of_mapping(mapping: Mapping) -> Self {
        Self { file: None, state: Mutex::new(State { mapping, ..State::default() }), midi: Mutex::default() }
    }

    /// The words that a touch asks for, as the show stands; none while it teaches, and of a fader none until it meets what it moves.
    pub fn touched(&self, touch: Touch, snapshot: &Snapshot) -> Vec<String> {
        let mut state = self.state.lock();
        state.last = Some(touch);
        let Some(command) = state.learning.clone() else {
            let mut asked = state.mapping.touched(touch);
            asked.retain(|Asked { fader, .. }| fader.as_ref().is_none_or(|fader| state.holds(fader, snapshot)));
            return asked.into_iter().map(|asked| asked.words).collect();
        };
        if state.mapping.learn(touch, &command) {
            state.learning = None;
            self.keep(&mut state);
        }
        Vec::new()
    }

    /// The words that MIDI bytes ask for, whatever the pieces are that they come in.
    pub fn midi(&self, bytes: &[u8], snapshot: &Snapshot) -> Vec<String> {
        let touches = self.midi.lock().feed(bytes);
        touches.into_iter().flat_map(|touch| self.touched(touch, snapshot)).collect()
    }

    /// The fader that is being moved and does not hold yet what it moves, as the show stands.
    pub fn waiting(&self, snapshot: &Snapshot) -> Option<Waiting> {
        let state = self.state.lock();
        let (_, fader) = state.waiting.as_ref().filter(|(when, _)| when.elapsed() < WAITS)?;
        let to = place_of(&fader.command, fader.range, snapshot)?.share;
        Some(Waiting { control: fader.control.to_string(), command: fader.command.clone(), at: fader.share, to })
    }

    /// The next touch is for this command; `None` stops waiting.
    pub fn learn(&self, command: Option<String>) {
        self.state.lock().learning = command;
    }

    /// Takes a command off its control.
    pub fn forget(&self, command: &str) {
        let mut state = self.state.lock();
        if state.mapping.forget(command) {
            self.keep(&mut state);
        }
    }

    /// What there is to show.
    pub fn shown(&self) -> SurfaceState {
        let state = self.state.lock();
        SurfaceState {
            bindings: state.mapping.bindings().map(|b| (b.command.clone(), b.control.clone())).collect(),
            learning: state.learning.clone(),
            last: state.last.map(|touch| touch.control.to_string()),
            problem: state.problem.clone(),
        }
    }

    /// Writes the mapping, whole or not at all.
    fn keep(&self, state: &mut State) {
        let Some(file) = &self.file else { return };
        let written = || {
            if let Some(folder) = file.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let beside = file.with_extension("toml.new");
            std::fs::write(&beside, state.mapping.to_toml())?;
            std::fs::rename(&beside, file)
        };
        state.problem = written().err().map(|e| format!("{} was not written: {e}", file.display()));
    }

    fn tell(&self, problem: Option<String>) {
        let mut state = self.state.lock();
        if state.problem != problem {
            if let Some(problem) = &problem {
                tracing::warn!("control surfaces: {problem}");
            }
            state.problem = problem;
        }
    }
}

/// A device file.
enum Parser {
    Midi(MidiParser),
    Input(InputParser),
}

/// A device of the system, read without waiting.
struct Device {
    file: File,
    parser: Parser,
}

impl Device {
    fn open(path: &Path) -> std::io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32);
        }
        let parser =
            if path.starts_with("/dev/input") { Parser::Input(InputParser::default()) } else { Parser::Midi(MidiParser::default()) };
        Ok(Self { file: options.open(path)?, parser })
    }
}

impl TouchSource for Device {
    fn touches(&mut self) -> std::io::Result<Vec<Touch>> {
        let mut bytes = [0; 480];
        match self.file.read(&mut bytes) {
            Ok(n) => Ok(match &mut self.parser {
                Parser::Midi(parser) => parser.feed(&bytes[..n]),
                Parser::Input(parser) => parser.feed(&bytes[..n]),
            }),
            Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::Interrupted) => Ok(Vec::new()),
            Err(e) => Err(e),
        }
    }
}

/// Reads a source until it is gone or told to stop; what it asks for goes to the hub.
pub fn serve(source: &mut dyn TouchSource, surface: &Surface, hub: &Hub, stop: &AtomicBool) -> std::io::Result<()> {
    while !stop.load(Ordering::Relaxed) {
        let touches = source.touches()?;
        if touches.is_empty() {
            std::thread::sleep(IDLE);
        }
        for touch in touches {
            for words in surface.touched(touch, &hub.snapshot()) {
                if let Err(e) = hub.say(&words) {
                    surface.tell(Some(e.to_string()));
                }
            }
        }
    }
    Ok(())
}

/// Reads a device for as long as the show lasts; one that is away is looked for again.
pub(super) fn follow(path: &Path, surface: &Arc<Surface>, hub: &Hub, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let result = Device::open(path).and_then(|mut device| {
            surface.tell(None);
            tracing::info!("control surface {} is there", path.display());
            serve(&mut device, surface, hub, stop)
        });
        if let Err(e) = result {
            let remedy = match e.kind() {
                std::io::ErrorKind::PermissionDenied => "add yourself to the group `audio` (MIDI) or `input`, or give a udev rule",
                _ => "plug it in; `ls /dev/snd/midi* /dev/input/by-id` shows what there is",
            };
            surface.tell(Some(format!("{}: {e}: {remedy}", path.display())));
        }
        let until = std::time::Instant::now() + AGAIN;
        while std::time::Instant::now() < until && !stop.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
