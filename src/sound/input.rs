//! One sound input with what is chosen for it, shared by whoever fills it, plays it and shows it.

use std::sync::atomic::{AtomicU8, Ordering};

use parking_lot::Mutex;

use super::{FreezeSound, Loudness, SoundRing, SoundRingStatus};

/// A sound input.
#[derive(Debug)]
pub struct SoundInput {
    /// Where it comes from, without secrets.
    pub name: String,
    /// What came in.
    pub ring: SoundRing,
    /// How long after its picture sound may arrive and still be heard with it, nanoseconds.
    pub wait_nanos: i64,
    freeze: AtomicU8,
    problem: Mutex<Option<String>>,
}

impl SoundInput {
    /// An input that keeps `secs` of sound.
    pub fn new(name: impl Into<String>, secs: f64, wait_nanos: i64, freeze: FreezeSound) -> Self {
        let made = Self { name: name.into(), ring: SoundRing::new(secs), wait_nanos, freeze: AtomicU8::new(0), problem: Mutex::default() };
        made.set_freeze(freeze);
        made
    }

    /// What is heard while time stands still.
    pub fn freeze(&self) -> FreezeSound {
        FreezeSound::ALL.get(usize::from(self.freeze.load(Ordering::Relaxed))).copied().unwrap_or_default()
    }

    /// Chooses it, from the next picture on.
    pub fn set_freeze(&self, freeze: FreezeSound) {
        let at = FreezeSound::ALL.iter().position(|f| *f == freeze).unwrap_or_default();
        self.freeze.store(at as u8, Ordering::Relaxed);
    }

    /// What is wrong with it, and the remedy.
    pub fn problem(&self) -> Option<String> {
        self.problem.lock().clone()
    }

    /// Says what is wrong, or that all is well.
    pub fn set_problem(&self, problem: Option<String>) {
        *self.problem.lock() = problem;
    }
}

/// How a program's sound is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SoundStatus {
    /// The input's name; empty without one.
    pub input: String,
    /// What is heard while time stands still.
    pub freeze: FreezeSound,
    /// How often the input had no sound where some was due: silence, faded.
    pub underruns: u64,
    /// How loud it is.
    pub loudness: Loudness,
    /// What the input holds.
    pub ring: SoundRingStatus,
    /// What is wrong with it, and the remedy.
    pub problem: Option<String>,
}
