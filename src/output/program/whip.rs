//! A sink that is no pipeline: coded pictures go by WebRTC to a WHIP server (RFC 9725), which hands them to browsers.
//!
//! One thread does it all, the sink's own: it takes pictures from the queue, sound from a small pipeline that codes it as Opus, and packets
//! from the net. Keyframes that the receiver asks for are asked of the encoder.

mod link;
mod signalling;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use gst::prelude::{Cast as _, ElementExt as _, GstBinExtManual as _};

use super::{
    SinkSpec, SinkState, elements,
    queue::{Popped, SinkQueue, Unit},
    sink::{SinkShared, Trouble},
    track::{Carried, SoundTrack},
};
use crate::address::{Endpoint, Secret};
use link::{Link, Turn};
use signalling::Session;

/// How long the way for pictures may take to be found.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How long packets from the net wait at most, while nothing is to be sent.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Where it goes.
pub(super) struct Server<'a> {
    pub at: &'a Endpoint,
    pub url: &'a Secret,
    pub token: Option<&'a Secret>,
}

/// From a call to the server until it breaks (why) or is ended (`None`).
pub(super) fn connection(shared: &SinkShared, carried: &Carried, server: &Server<'_>) -> Result<Option<String>, Trouble> {
    let with_sound = !matches!(carried, Carried::None);
    if with_sound {
        // What is not installed is said before anybody is called.
        elements::make("opusenc")?;
    }
    // Whatever a stranger's packets do to the engine, the sink is retried.
    catch_unwind(AssertUnwindSafe(|| run(shared, carried, server, with_sound)))
        .unwrap_or_else(|_panic| Err(Trouble::ForNow("WebRTC broke".to_owned())))
}

fn run(shared: &SinkShared, carried: &Carried, server: &Server<'_>, with_sound: bool) -> Result<Option<String>, Trouble> {
    let queue = &shared.queue;
    let mut link = Link::open(server.at).map_err(Trouble::ForNow)?;
    let offer = link.offer(with_sound).map_err(Trouble::ForNow)?;
    // The session is ended when it is dropped, whatever happens from here on.
    let (_session, answer) = Session::open(server.url, server.token, &offer).map_err(Trouble::ForNow)?;
    link.accept(&answer).map_err(Trouble::ForNow)?;
    let until = Instant::now() + CONNECT_WITHIN;
    while !link.is_connected() {
        if queue.is_stopped() {
            link.close();
            return Ok(None);
        }
        if let Some(gone) = link.turn().gone {
            return Ok(Some(gone.to_owned()));
        }
        if Instant::now() > until {
            let why = "the server answered, but no way for pictures was found. Let UDP through between this machine and the server";
            return Ok(Some(why.to_owned()));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    queue.open_with_new_key();
    Ok(feed(shared, carried, queue, &mut link))
}

/// Sends until it breaks (why) or is ended (`None`).
fn feed(shared: &SinkShared, carried: &Carried, queue: &SinkQueue, link: &mut Link) -> Option<String> {
    let mut begun: Option<Begun> = None;
    loop {
        let mut turn = link.turn();
        match queue.pop(LOOK_EVERY) {
            Popped::Stopped => {
                link.close();
                return None;
            }
            Popped::Nothing => {}
            Popped::Unit(unit) => {
                if begun.is_none() {
                    match Begun::new(&shared.spec, carried, unit.pts_nanos) {
                        Ok(now) => begun = Some(now),
                        Err(problem) => return Some(problem),
                    }
                    shared.say(SinkState::Running, None);
                }
                if let Some(begun) = &begun {
                    merge(&mut turn, send(shared, link, begun, &unit));
                }
            }
        }
        if let Some(begun) = &mut begun {
            merge(&mut turn, begun.send_sound(link));
        }
        if turn.key_asked {
            queue.ask_key();
        }
        if let Some(gone) = turn.gone {
            return Some(gone.to_owned());
        }
    }
}

fn merge(turn: &mut Turn, other: Turn) {
    turn.key_asked |= other.key_asked;
    turn.gone = turn.gone.or(other.gone);
}

fn send(shared: &SinkShared, link: &mut Link, begun: &Begun, unit: &Unit) -> Turn {
    let Ok(data) = unit.buffer.map_readable() else { return Turn::default() };
    let since = unit.pts_nanos.saturating_sub(begun.base_nanos);
    shared.went(data.len());
    link.send_video(since, begun.at + Duration::from_nanos(since), &data)
}

/// The time of the first picture, and the sound from there on.
struct Begun {
    /// Its time since the output began, nanoseconds.
    base_nanos: u64,
    /// By this machine's clock.
    at: Instant,
    sound: Option<Sound>,
}

impl Begun {
    fn new(spec: &SinkSpec, carried: &Carried, base_nanos: u64) -> Result<Self, String> {
        let sound = SoundTrack::new(carried, spec, base_nanos)?.map(Sound::start).transpose()?;
        Ok(Self { base_nanos, at: Instant::now(), sound })
    }

    /// Sends what sound is coded.
    fn send_sound(&mut self, link: &mut Link) -> Turn {
        let mut turn = Turn::default();
        let Some(sound) = &mut self.sound else { return turn };
        sound.track.feed();
        while let Some(sample) = sound.coded.try_pull_sample(gst::ClockTime::ZERO) {
            let Some(buffer) = sample.buffer().filter(|b| !b.flags().contains(gst::BufferFlags::HEADER)) else { continue };
            if let (Some(pts), Ok(data)) = (buffer.pts(), buffer.map_readable()) {
                let nanos = pts.nseconds();
                merge(&mut turn, link.send_sound(nanos, self.at + Duration::from_nanos(nanos), &data));
            }
        }
        turn
    }
}

/// Codes the program's sound.
struct Sound {
    track: SoundTrack,
    pipeline: gst::Pipeline,
    coded: gst_app::AppSink,
}

impl Sound {
    fn start(track: SoundTrack) -> Result<Self, String> {
        let coded = gst_app::AppSink::builder().sync(false).async_(false).build();
        let pipeline = gst::Pipeline::new();
        let mut chain = track.chain.clone();
        chain.push(coded.clone().upcast());
        let refused = |e: gst::glib::BoolError| format!("its sound cannot be coded: {e}");
        pipeline.add_many(&chain).map_err(refused)?;
        gst::Element::link_many(&chain).map_err(refused)?;
        let sound = Self { track, pipeline, coded };
        sound.pipeline.set_state(gst::State::Playing).map_err(|e| format!("its sound cannot be coded: {e}"))?;
        Ok(sound)
    }
}

impl Drop for Sound {
    fn drop(&mut self) {
        if let Err(e) = self.pipeline.set_state(gst::State::Null) {
            tracing::warn!("the sound of a sink does not stop: {e}");
        }
    }
}
