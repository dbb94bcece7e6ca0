//! Program B: live cameras, and rolls and stills of cameras' own pictures, beside program A. Its frames are decoded on threads of their own and kept
//! in a budget of their own, and its live camera is followed by itself, so that A notices nothing of it.
//!
//! Must not know: scenes, views, graphics (it is a clean feed), windows.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Director, FULL_SIZE_WITHIN, NoticeLevel, UNDERRUN_INTERVALS,
    paths::Choice,
    rolls::{FASTEST, SLOWEST, found_in},
    transitions::Changing,
};
use crate::{
    engine::{
        ProgramKind, ProgramView, RollView, SecondOrder, SecondView, ShownPicture,
        program::OutputSlot,
        strip::{ChunkReport, Found, Needs, Strip, StripWish},
    },
    frame::Picture,
    output::program::{Keyed, SinkAddress},
    replay::{EventId, NO_SECOND, Program, Readiness, SecondCommand, TransportCommand, playlist::Transition},
    time::MediaTime,
};

/// Frames are fetched so far ahead on B, and for what ROLL B would play, seconds.
const AHEAD_SECS: f64 = 1.2;
const PREPARED_SECS: f64 = 0.3;
/// A replay of which no camera has a frame goes back to live after so long.
const FIRST_WITHIN: Duration = Duration::from_secs(3);

/// A camera's own pictures as a function of time: at a speed from an instant to another, where they hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rolling {
    pub from: MediaTime,
    pub to: MediaTime,
    /// Percent; 0 stands.
    pub speed_percent: i32,
}

impl Rolling {
    const fn still(at: MediaTime) -> Self {
        Self { from: at, to: at, speed_percent: 0 }
    }

    /// What is due so long after its beginning: the instant, and how fast it runs there.
    fn at(&self, secs: f64) -> (MediaTime, i32) {
        let wanted = self.from.plus_nanos((secs.max(0.0) * f64::from(self.speed_percent) * 1e7) as i64);
        // Where it begins behind its end already, it stands there.
        let (is_over, end) =
            if self.speed_percent < 0 { (wanted <= self.to, self.to.min(self.from)) } else { (wanted >= self.to, self.to.max(self.from)) };
        if is_over { (end, 0) } else { (wanted, self.speed_percent) }
    }

    /// Elapsed share, 0…1.
    fn progress(&self, secs: f64) -> f32 {
        let whole = (self.to - self.from) as f64;
        if whole == 0.0 { 1.0 } else { ((self.at(secs).0 - self.from) as f64 / whole) as f32 }
    }
}

/// What program B shows beyond the transport's own state.
#[derive(Debug)]
pub(in crate::engine) struct SecondState {
    pub output: Arc<OutputSlot>,
    shown: ShownPicture,
    keyed: Option<Keyed>,
    /// Cuts so far, and the one that the picture belongs to.
    shot: u64,
    shown_shot: u64,
    cut_at: Instant,
    changed: Instant,
    repeated: u64,
    frames: u64,
    live_time: Option<(usize, MediaTime)>,
    /// What the next cut puts on it, and what it rolls.
    next: Option<Rolling>,
    rolling: Option<Rolling>,
    /// House time of the first frame at which its first picture was there: until then the roll waits.
    origin: Option<MediaTime>,
    /// How far the roll is, seconds.
    secs: f64,
    /// House time of its last frame.
    ticked: Option<MediaTime>,
    /// The camera whose frames are shown, by its number along the arc.
    cut: Option<usize>,
    /// The replay's own newest frame, and whether it was shown.
    layer: Option<Arc<Picture>>,
    layer_is_new: bool,
    roll: Option<RollView>,
    transition: Transition,
    is_asked: bool,
    changing: Option<Changing>,
    speed_percent: i32,
    strip: Strip,
    wish: Arc<StripWish>,
}

impl SecondState {
    /// Before its first picture it shows what A shows then.
    pub fn new(shown: ShownPicture, rate: crate::time::FrameRate, wish: Arc<StripWish>, output: Arc<OutputSlot>) -> Box<Self> {
        Box::new(Self {
            output,
            shown,
            keyed: None,
            shot: 0,
            shown_shot: 0,
            cut_at: Instant::now(),
            changed: Instant::now(),
            repeated: 0,
            frames: 0,
            live_time: None,
            next: None,
            rolling: None,
            origin: None,
            secs: 0.0,
            ticked: None,
            cut: None,
            layer: None,
            layer_is_new: false,
            roll: None,
            transition: Transition::Cut,
            is_asked: false,
            changing: None,
            speed_percent: 50,
            strip: Strip::new(rate),
            wish,
        })
    }

    /// Whether time runs on it.
    pub(super) fn runs(&self) -> bool {
        self.rolling.is_some_and(|rolling| rolling.at(self.secs).1 != 0)
    }

    fn show(&mut self, picture: Arc<Picture>, keyed: Option<Keyed>, serial: u64) {
        self.shown = ShownPicture { picture, serial };
        self.keyed = keyed;
        self.shown_shot = self.shot;
        self.changed = Instant::now();
    }
}

impl Director {
    /// What an operator asks of program B.
    pub(super) fn on_second(&mut self, order: SecondOrder) {
        if self.second.is_none() {
            return self.warn(NO_SECOND.to_owned());
        }
        match order {
            SecondOrder::Take => self.take_second(),
            SecondOrder::Roll => {
                let rolling = self.prepared_roll();
                self.put_on_second(rolling);
            }
            SecondOrder::RollOn => self.roll_second_on(),
            SecondOrder::Return => self.ask_second(SecondCommand::Return),
            SecondOrder::SelectCamera(number) => {
                // Numbers beyond the arc are answered by the transport, which names the remedy.
                let camera = self.transport.arc_order().get(number).copied().unwrap_or(number);
                self.apply(TransportCommand::Second(SecondCommand::SelectCamera(camera)));
            }
            SecondOrder::SetSpeed(percent) => self.set_second_speed(percent),
            SecondOrder::SetTransition(asked) => {
                if let (Some(how), Some(b)) = (self.shown_as(asked), self.second.as_mut()) {
                    b.transition = how;
                }
            }
            SecondOrder::AddOutput { name, address } => self.add_second_output(&name, address),
            SecondOrder::RemoveOutput(name) => self.remove_second_output(&name),
        }
    }

    /// What the operator asks for changes B as chosen; what it does by itself cuts.
    fn ask_second(&mut self, command: SecondCommand) {
        let ask = |b: &mut Option<Box<SecondState>>, asked| b.iter_mut().for_each(|b| b.is_asked = asked);
        ask(&mut self.second, true);
        self.apply(TransportCommand::Second(command));
        ask(&mut self.second, false);
    }

    fn put_on_second(&mut self, rolling: Option<Rolling>) {
        if let Some(b) = &mut self.second {
            b.next = rolling;
        }
        let now = self.feeds.now();
        self.ask_second(SecondCommand::Take { now });
        if let Some(b) = &mut self.second {
            b.next = None;
        }
    }

    /// The prepared event, or what follows a free instant, at B's speed.
    fn prepared_roll(&self) -> Option<Rolling> {
        let (p, b) = (self.transport.preview()?, self.second.as_ref()?);
        let (from, to) = self.range_at(p.instant, p.event, b.speed_percent).ends();
        let at = |secs: f64| p.instant.plus_nanos((secs * 1e9) as i64);
        Some(Rolling { from: at(from), to: at(to), speed_percent: b.speed_percent })
    }

    /// TAKE on B: preview's roll from where it is, else the chosen move where that needs nothing but cameras' own pictures.
    fn take_second(&mut self) {
        if let Some(rolling) = &self.preview.roll {
            let to = if rolling.speed_percent < 0 { rolling.low } else { rolling.high };
            let rolling = Rolling { from: rolling.at, to, speed_percent: rolling.speed_percent };
            if self.transport.can_take() {
                (self.preview.roll, self.preview.asked) = (None, None);
            }
            return self.put_on_second(Some(rolling));
        }
        let still = || self.transport.preview().map(|p| Rolling::still(p.instant));
        let rolling = match self.choice() {
            Some(Choice::Program(m)) if m.is_plain_roll() => self.prepared_roll(),
            Some(Choice::Program(m)) if m.name == "Hold" => still(),
            _ if self.transport.preview().is_none() => None,
            _ => {
                let name = self.move_name().to_owned();
                return self.warn(format!(
                    "Program B shows cameras' own pictures, and {name} needs views between them. Choose Roll or Hold (M), press ROLL B, or take it on program A"
                ));
            }
        };
        self.put_on_second(rolling);
    }

    /// B goes on from what it shows: time runs, or stands again.
    fn roll_second_on(&mut self) {
        let Some((event, instant)) = self.second_on_air() else {
            return self.warn("Nothing is on program B to roll on. ROLL B or TAKE B first".to_owned());
        };
        let Some(b) = &self.second else { return };
        let at = b.roll.map_or(instant, |r| r.instant);
        let speed = if b.runs() { None } else { Some(b.speed_percent) };
        self.roll_second_from(event, at, speed);
    }

    fn roll_second_from(&mut self, event: Option<EventId>, at: MediaTime, speed: Option<i32>) {
        let rolling = match speed {
            Some(speed_percent) => Rolling { from: at, to: self.roll_end(event, at, speed_percent), speed_percent },
            None => Rolling::still(at),
        };
        if let Some(b) = &mut self.second {
            // What it shows was due at its last frame: with the next frame it goes on.
            (b.rolling, b.origin, b.secs) = (Some(rolling), b.ticked.filter(|_| b.layer.is_some()), 0.0);
        }
    }

    fn second_on_air(&self) -> Option<(Option<EventId>, MediaTime)> {
        match &self.transport.second()?.program {
            Program::Replay(on_air) => Some((on_air.event, on_air.instant)),
            Program::Live { .. } | Program::Hold => None,
        }
    }

    /// The speed of B's next roll, and of the one that runs.
    fn set_second_speed(&mut self, percent: i32) {
        let sign = if percent < 0 { -1 } else { 1 };
        let speed = percent.saturating_abs().clamp(SLOWEST, FASTEST) * sign;
        let on_air = self.second_on_air();
        let Some(b) = &mut self.second else { return };
        b.speed_percent = speed;
        if let (true, Some((event, instant))) = (b.runs(), on_air) {
            let at = b.roll.map_or(instant, |r| r.instant);
            self.roll_second_from(event, at, Some(speed));
        }
    }

    fn add_second_output(&mut self, name: &str, address: SinkAddress) {
        if self.writes_over(&address) {
            return;
        }
        let label = address.label().to_owned();
        match self.second.as_ref().map(|b| b.output.add_sink(name, address, Some(&self.output))) {
            Some(Ok(())) => self.notice(NoticeLevel::Info, format!("Program B goes to {name} as well ({label})")),
            Some(Err(why)) => self.warn(why),
            None => {}
        }
    }

    fn remove_second_output(&mut self, name: &str) {
        let Some(b) = &self.second else { return };
        if b.output.remove_sink(name) {
            self.notice(NoticeLevel::Info, format!("Program B goes to {name} no longer"));
        } else {
            let known = b.output.sink_names();
            self.warn(format!("Program B has no output {name:?}; it has: {known}"));
        }
    }

    /// Program B was cut.
    pub(super) fn cut_second(&mut self) {
        let Some(program) = self.transport.second().map(|second| second.program.clone()) else { return };
        let home = self.transport.second().map(|second| second.live_camera);
        if let Some(b) = &mut self.second {
            let camera = b.live_time.map(|(camera, _)| camera);
            let stays_live = camera.is_some() && matches!(program, Program::Live { .. });
            let goes = b.is_asked && !stays_live;
            b.changing = Changing::begin(&b.shown.picture, camera, b.keyed.is_none(), if goes { b.transition } else { Transition::Cut });
            b.shot += 1;
            b.cut_at = Instant::now();
            (b.live_time, b.cut, b.roll, b.layer, b.layer_is_new) = (None, None, None, None, false);
            b.rolling = b.next.take().filter(|_| matches!(program, Program::Replay(_)));
            (b.origin, b.secs) = (None, 0.0);
        }
        self.feeds.focus_second(home);
        self.refresh_second();
    }

    /// Numbers along the arc mean other cameras from now on; B stays with the one that it shows.
    pub(super) fn second_rearranged(&mut self) {
        if let Some(b) = &mut self.second {
            b.cut = None;
        }
    }

    pub(super) fn second_chunk(&mut self, report: ChunkReport) {
        if let Some(b) = &mut self.second {
            b.strip.add(report);
            if b.rolling.is_some() && b.layer.is_none() {
                self.refresh_second();
            }
        }
    }

    /// One frame of program B.
    pub(super) fn tick_second(&mut self) {
        let now = self.feeds.now();
        let Some(b) = &mut self.second else { return };
        b.frames += 1;
        b.ticked = Some(now);
        // Time runs from the frame after the first picture came: that one stands for a whole frame at least, so that every output begins with it,
        // wherever its own frames fall.
        if b.layer.is_some() {
            let origin = *b.origin.get_or_insert(now);
            let secs = self.in_frames(now - origin);
            self.second.iter_mut().for_each(|b| b.secs = secs);
        }
        self.want_second();
        self.refresh_second();
    }

    /// Brings program B up to date: a newer live picture, or the next frame of its roll.
    fn refresh_second(&mut self) {
        // It is taken out meanwhile, so that what both channels share can be asked.
        let Some(mut b) = self.second.take() else { return };
        let fault = match self.transport.second().map(|second| second.program.clone()) {
            Some(Program::Live { camera }) => {
                self.show_second_live(&mut b, camera);
                None
            }
            Some(Program::Replay(on_air)) => self.show_second_roll(&mut b, on_air.instant, on_air.from_position),
            Some(Program::Hold) | None => {
                b.repeated += 1;
                None
            }
        };
        self.second = Some(b);
        if let Some(why) = fault {
            self.apply(TransportCommand::Second(SecondCommand::Fault(why)));
        }
    }

    fn show_second_live(&mut self, b: &mut SecondState, camera: usize) {
        let now = self.feeds.now();
        if b.changing.is_some() {
            let live = self.feeds.live_picture_due(camera, now).or_else(|| self.feeds.live_picture(camera));
            if let Some(mixing) = Changing::mixing(&mut b.changing, self.feeds.as_ref(), live.is_some()) {
                let serial = self.next_serial();
                match live {
                    Some(live) => {
                        let mixed = Arc::new(self.mixed(&mixing, &live.picture));
                        let keyed = self.keyed_of_return(&mixing, &mixed);
                        b.show(mixed, keyed, serial);
                    }
                    None if mixing.begun => {}
                    None => {
                        let from = Arc::clone(&mixing.from);
                        b.show(Arc::clone(&from), (!mixing.live).then_some(Keyed::whole(from)), serial);
                    }
                }
                return;
            }
        }
        // After a cut rather the picture before than a small one.
        let waits = b.shown_shot != b.shot && b.cut_at.elapsed() <= FULL_SIZE_WITHIN;
        let small = || self.feeds.live_picture(camera).filter(|_| !waits);
        if let Some(live) = self.feeds.live_full(camera).or_else(small)
            && b.live_time != Some((camera, live.time))
        {
            b.live_time = Some((camera, live.time));
            let serial = self.next_serial();
            b.show(live.picture, None, serial);
        } else if b.changed.elapsed().as_secs_f64() > UNDERRUN_INTERVALS / self.feeds.rate().fps() {
            b.repeated += 1;
        }
    }

    /// The frame of B's roll that is due; an error says why the replay cannot begin.
    fn show_second_roll(&mut self, b: &mut SecondState, instant: MediaTime, position: f64) -> Option<String> {
        let rolling = b.rolling.unwrap_or(Rolling::still(instant));
        let (at, speed_percent) = rolling.at(b.secs);
        let (camera, found) = self.second_picture(b, position, at, instant);
        match found {
            Some((picture, time)) => {
                b.cut = camera;
                b.roll = Some(RollView { instant: time, speed_percent, between: None });
                if b.layer.as_ref().is_none_or(|layer| !Arc::ptr_eq(layer, &picture)) {
                    b.layer = Some(picture);
                    b.layer_is_new = true;
                }
            }
            None => b.repeated += 1,
        }
        self.compose_second(b);
        let never_began = b.layer.is_none() && b.cut_at.elapsed() > FIRST_WITHIN;
        never_began.then(|| "no camera has a frame there. Mark it again".to_owned())
    }

    /// A camera's own picture for B: of the frozen moment, of B's own frames, or of those that A and preview have at hand.
    fn second_picture(
        &self,
        b: &mut SecondState,
        position: f64,
        at: MediaTime,
        instant: MediaTime,
    ) -> (Option<usize>, Option<(Arc<Picture>, MediaTime)>) {
        let (order, closed) = (self.transport.arc_order(), self.closed());
        if let Some(moment) = self.moment(instant).filter(|_| at == instant)
            && let Some(name) = order.get(position as usize).map(|k| &self.feeds.rig().cameras[*k].name)
            && let Some(frame) = moment.frames.iter().find(|f| f.camera == *name && !f.retimed)
        {
            return (Some(position as usize), Some((Arc::clone(&frame.picture), frame.time)));
        }
        let picture = |found: Found| if let Found::Picture(live) = found { Some((live.picture, live.time)) } else { None };
        let (camera, found) = found_in(|camera, at| b.strip.find(camera, at), order, closed, position, at, b.cut);
        match picture(found) {
            Some(found) => (camera, Some(found)),
            None => (camera, camera.and_then(|k| picture(self.strip.look(*order.get(k)?, at)))),
        }
    }

    /// Puts the replay's frame on B, mixed with what was there before while it changes.
    fn compose_second(&mut self, b: &mut SecondState) {
        let was = b.changing.is_some();
        let mixing = Changing::mixing(&mut b.changing, self.feeds.as_ref(), b.layer.is_some());
        // A change ends in the picture itself, also where that one stands.
        let is_new = std::mem::take(&mut b.layer_is_new) || was && mixing.is_none();
        let serial = self.next_serial();
        match (mixing, b.layer.clone()) {
            (Some(mixing), Some(to)) => {
                let mixed = Arc::new(self.mixed(&mixing, &to));
                let keyed = self.keyed_of_replay(&mixing, &mixed, to);
                b.show(mixed, keyed, serial);
            }
            (Some(mixing), None) if mixing.begun => {}
            (Some(mixing), None) => b.show(Arc::clone(&mixing.from), (!mixing.live).then_some(Keyed::whole(mixing.from)), serial),
            (None, Some(layer)) if is_new => b.show(Arc::clone(&layer), Some(Keyed::whole(layer)), serial),
            (None, _) => {}
        }
    }

    /// Asks for the frames that B needs next, or would need first.
    fn want_second(&mut self) {
        let (Some(newest), Some(b)) = (self.newest(), &self.second) else { return };
        let order = self.transport.arc_order();
        let prepared = || {
            let p = self.transport.preview().filter(|p| p.readiness >= Readiness::RealCameras && p.event.is_some())?;
            Some((self.prepared_roll()?, 0.0, p.position.round(), PREPARED_SECS))
        };
        let on_air = self.transport.second().and_then(|second| match &second.program {
            Program::Replay(on_air) => Some((b.rolling?, b.secs, on_air.from_position, AHEAD_SECS)),
            Program::Live { .. } | Program::Hold => None,
        });
        let mut needs = Needs::default();
        if let Some((rolling, secs, position, ahead_secs)) = on_air.or_else(prepared) {
            let position = self.transport.wrap_position(position);
            let (rate, mut shown) = (self.feeds.rate(), b.cut);
            for k in 0..(ahead_secs * rate.fps()).ceil() as i64 {
                let (at, speed_percent) = rolling.at(secs + rate.frame_nanos(k) as f64 * 1e-9);
                shown = self.camera_in(&b.strip, position, at, shown);
                if let Some(camera) = shown.and_then(|k| order.get(k)) {
                    b.strip.need(*camera, at, newest, &mut needs);
                }
                if speed_percent == 0 {
                    break;
                }
            }
        }
        if let Some(b) = &mut self.second {
            let wanted = b.strip.choose(needs, newest);
            b.wish.post_latest(wanted);
        }
    }

    /// Program B as everybody else sees it.
    pub(in crate::engine) fn second_view(&self) -> Option<SecondView> {
        let (b, second) = (self.second.as_ref()?, self.transport.second()?);
        let order = self.transport.arc_order();
        let number_of = |camera: usize| order.iter().position(|&c| c == camera).unwrap_or(0);
        let kind = match &second.program {
            Program::Live { camera } => ProgramKind::Live(number_of(*camera)),
            Program::Hold => ProgramKind::Hold,
            Program::Replay(on_air) => ProgramKind::Replay {
                instant: on_air.instant,
                position: b.cut.map_or(on_air.from_position, |k| k as f64),
                progress: b.rolling.map_or(1.0, |rolling| rolling.progress(b.secs)),
                solved: false,
            },
        };
        Some(SecondView {
            program: ProgramView {
                kind,
                report: None,
                shown: b.shown.clone(),
                shot: b.shot,
                shown_shot: b.shown_shot,
                mixes: b.changing.is_some(),
                waits: b.changing.as_ref().is_some_and(Changing::waits),
                keyed: b.keyed.clone(),
                slices: vec![],
                roll: b.roll,
                repeated: b.repeated,
                frames: b.frames,
            },
            live_camera: number_of(second.live_camera),
            speed_percent: b.speed_percent,
            transition: b.transition,
            output: b.output.status(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roll_runs_in_its_direction_and_holds_at_its_end() {
        let at = MediaTime::from_secs_f64;
        let slow = Rolling { from: at(10.0), to: at(12.0), speed_percent: 50 };
        assert_eq!((slow.at(-1.0), slow.at(1.0)), ((at(10.0), 50), (at(10.5), 50)));
        assert_eq!((slow.at(4.0), slow.at(1e9)), ((at(12.0), 0), (at(12.0), 0)));
        assert!((slow.progress(2.0) - 0.5).abs() < 1e-6);
        let back = Rolling { from: at(12.0), to: at(10.0), speed_percent: -200 };
        assert_eq!((back.at(0.5), back.at(1.0)), ((at(11.0), -200), (at(10.0), 0)));
        assert!((back.progress(0.25) - 0.25).abs() < 1e-6);
        let still = Rolling::still(at(3.0));
        assert_eq!((still.at(7.0), still.progress(0.0)), ((at(3.0), 0), 1.0));
        // It begins behind where it would end: there is nothing to run.
        assert_eq!(Rolling { from: at(5.0), to: at(4.0), speed_percent: 100 }.at(1.0), (at(5.0), 0));
    }
}
