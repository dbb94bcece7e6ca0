//! An output with its sinks: they come and go while it runs, and share encoders where they want the same.

use std::sync::{Arc, atomic::Ordering};

use parking_lot::Mutex;

use super::{
    Channel, ChannelError, ChannelOptions, FrameTaker, MOST_SINKS, PictureSource, ProgramFormat, ProgramStatus, RtpForm, Signal, SinkKind,
    SinkSound, SinkSpec, SinkStatus, TakerId,
    encoder::{self, EncoderKey, EncoderShared, Form},
    queue::SinkQueue,
    sink::Sink,
    track::Carried,
};
use crate::sound::SoundStatus;

/// Names a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SinkId(u64);

/// An output that runs; ends with its sinks when dropped.
#[derive(Debug)]
pub struct ProgramOutput {
    // Sinks end first, then the clock.
    state: Mutex<State>,
    channel: Channel,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    sinks: Vec<Held>,
    encoders: Vec<(Arc<EncoderShared>, TakerId)>,
}

#[derive(Debug)]
struct Held {
    id: u64,
    sink: Sink,
    encoder: Arc<EncoderShared>,
    /// What the encoder had dropped when the sink came.
    dropped_before: u64,
}

impl ProgramOutput {
    /// Starts the clock; sinks are added afterwards.
    pub fn start(options: &ChannelOptions, source: impl PictureSource) -> Result<Self, ChannelError> {
        gst::init().map_err(|e| ChannelError::Thread(std::io::Error::other(e)))?;
        Ok(Self { state: Mutex::default(), channel: Channel::start(options, source)? })
    }

    /// Size and rate.
    pub const fn format(&self) -> ProgramFormat {
        self.channel.format()
    }

    /// Adds a sink; it is opened on its own thread, and nothing is waited for.
    pub fn add(&self, spec: SinkSpec) -> Result<SinkId, ChannelError> {
        spec.check(self.format())?;
        let mut state = self.state.lock();
        if state.sinks.len() >= MOST_SINKS {
            return Err(ChannelError::TooManySinks(MOST_SINKS));
        }
        state.sinks.iter().try_for_each(|held| spec.check_beside(&held.sink.shared.spec))?;
        let form = match spec.address.kind {
            SinkKind::Rtp { form: RtpForm::Elementary { .. }, .. } => Form::OneSlice,
            SinkKind::Whip { .. } => Form::Browsers,
            _ => Form::Usual,
        };
        let key = EncoderKey { codec: spec.codec, kilobits: spec.kilobits, signal: spec.signal, form };
        // Two seconds of coded pictures; uncompressed ones are too large to keep.
        let waiting = if spec.codec == super::SinkCodec::Raw { 3 } else { (self.format().coded_rate().fps() * 2.0) as usize };
        let queue = Arc::new(SinkQueue::new(waiting));
        let shared = state.encoders.iter().find(|(e, _)| e.key == key).map(|(e, _)| Arc::clone(e));
        let encoder = if let Some(encoder) = shared {
            encoder
        } else {
            let (encoder, input) = encoder::start(key, self.format()).map_err(ChannelError::Thread)?;
            let taker = self.channel.add_for(spec.signal, input);
            state.encoders.push((Arc::clone(&encoder), taker));
            encoder
        };
        encoder.subscribe(&queue);
        let sound = match spec.sound {
            _ if !spec.address.takes_sound() || !matches!(spec.signal, Signal::Program | Signal::Fill) => Carried::None,
            SinkSound::None => Carried::None,
            SinkSound::Silence => Carried::Silence(Arc::clone(self.channel.sound())),
            // Servers want a track, be there sound or not.
            SinkSound::Auto if self.channel.sound_input().is_none() && !matches!(spec.address.kind, SinkKind::Rtmp { .. }) => Carried::None,
            SinkSound::Auto | SinkSound::Program => Carried::Program(Arc::clone(self.channel.sound())),
        };
        let sink = Sink::start(spec, self.format(), queue, sound).map_err(ChannelError::Thread)?;
        state.next += 1;
        let (id, dropped_before) = (state.next, encoder.dropped.get());
        state.sinks.push(Held { id, sink, encoder, dropped_before });
        Ok(SinkId(id))
    }

    /// Whether another output's sink may go out beside these.
    pub fn check_beside(&self, spec: &SinkSpec) -> Result<(), super::Meeting> {
        self.state.lock().sinks.iter().try_for_each(|held| spec.check_beside(&held.sink.shared.spec))
    }

    /// Whether a sink takes a signal.
    pub fn takes(&self, signal: Signal) -> bool {
        self.channel.takes(signal)
    }

    /// Hands every frame to somebody in this program, until the output ends.
    pub fn watch(&self, taker: impl FrameTaker) {
        self.channel.add(taker);
    }

    /// Ends a sink, finishing what it wrote; false when it is not there (any more). Its end may take seconds.
    pub fn remove(&self, id: SinkId) -> bool {
        self.taken_out(|held| held.id == id.0).is_some()
    }

    /// Takes a sink out by its name, at once; it ends when what is returned is dropped, which may take seconds.
    pub fn take_out(&self, name: &str) -> Option<impl Send + use<>> {
        self.taken_out(|held| held.sink.shared.spec.name == name)
    }

    /// Whether there is a sink of that name.
    pub fn has(&self, name: &str) -> bool {
        self.state.lock().sinks.iter().any(|held| held.sink.shared.spec.name == name)
    }

    fn taken_out(&self, which: impl Fn(&Held) -> bool) -> Option<Held> {
        let mut state = self.state.lock();
        let at = state.sinks.iter().position(which)?;
        let held = state.sinks.remove(at);
        held.sink.finish(self.last_nanos());
        let encoder = Arc::clone(&held.encoder);
        // The queue is the encoder's until the sink has ended: what is within the encoder belongs to it.
        if !state.sinks.iter().any(|other| Arc::ptr_eq(&other.encoder, &encoder))
            && let Some(at) = state.encoders.iter().position(|(e, _)| Arc::ptr_eq(e, &encoder))
        {
            let (_, taker) = state.encoders.swap_remove(at);
            self.channel.remove(taker);
        }
        Some(held)
    }

    /// When the newest frame that went out began.
    fn last_nanos(&self) -> u64 {
        let status = self.channel.status();
        let last = (status.frames + status.skipped).saturating_sub(1);
        self.format().frame_nanos(last).max(0) as u64
    }

    /// What is known now.
    pub fn status(&self) -> ProgramStatus {
        let sinks = self.state.lock().sinks.iter().map(Held::status).collect();
        ProgramStatus { format: self.format(), channel: self.channel.status(), sinks, sound: self.sound_status() }
    }

    fn sound_status(&self) -> SoundStatus {
        let (loudness, underruns) = self.channel.sound().status();
        match self.channel.sound_input() {
            None => SoundStatus { underruns, loudness, ..SoundStatus::default() },
            Some(input) => SoundStatus {
                input: input.name.clone(),
                freeze: input.freeze(),
                underruns,
                loudness,
                ring: input.ring.status(),
                problem: input.problem(),
            },
        }
    }
}

impl Drop for ProgramOutput {
    fn drop(&mut self) {
        let last_nanos = self.last_nanos();
        for held in &self.state.lock().sinks {
            held.sink.finish(last_nanos);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.sink.end();
        self.encoder.unsubscribe(&self.sink.shared.queue);
    }
}

impl Held {
    fn status(&self) -> SinkStatus {
        let shared = &self.sink.shared;
        let said = shared.said.lock().clone();
        let (queue_dropped, missed) = shared.queue.losses();
        let (bytes, bits_per_sec) = shared.traffic();
        let (element, encoder_problem) = self.encoder.state();
        SinkStatus {
            name: shared.spec.name.clone(),
            address: shared.spec.address.label().to_owned(),
            codec: match shared.spec.signal {
                Signal::Program => format!("{} ({element})", shared.spec.codec.name()),
                signal => format!("{} of {} ({element})", shared.spec.codec.name(), signal.name()),
            },
            state: said.state,
            frames: shared.frames.load(Ordering::Relaxed),
            bytes,
            bits_per_sec,
            dropped: queue_dropped + self.encoder.dropped.get() - self.dropped_before,
            missed,
            retries: said.retries,
            problem: encoder_problem.or(said.problem),
        }
    }
}
