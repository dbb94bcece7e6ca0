//! Fill and key of program: the replay alone, and where program shows it. Made only where somebody takes them.
//!
//! Must not know: why a replay is there, sinks.

use std::sync::Arc;

use super::Frame;
use crate::frame::{Picture, wipe};

/// Where program shows a replay, and how much of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cover {
    /// Everywhere as much: 0 not at all, 1 nothing else.
    Level(f32),
    /// On one side of an edge that runs over the picture, as [`wipe`] draws it.
    Wipe {
        /// How far the edge is, 0…1.
        share: f32,
        /// Where it goes: to the right and down.
        direction: [f32; 2],
        /// The replay comes with the edge; else it goes.
        comes: bool,
    },
}

/// What of program a keyer behind the output shall lay over its own picture.
#[derive(Debug, Clone)]
pub struct Keyed {
    /// The replay's own picture, nothing else mixed into it.
    pub fill: Arc<Picture>,
    /// Where program shows it.
    pub cover: Cover,
}

impl Keyed {
    /// A replay that is all of program.
    pub const fn whole(fill: Arc<Picture>) -> Self {
        Self { fill, cover: Cover::Level(1.0) }
    }
}

/// The same as frames.
#[derive(Debug, Clone)]
pub(super) struct Covered {
    pub fill: Arc<Frame>,
    pub key: Key,
}

/// How a fill is keyed.
#[derive(Debug, Clone)]
pub(super) enum Key {
    /// Everywhere as much, of 256.
    Level(u32),
    /// As drawn.
    Drawn(Arc<Frame>),
}

impl Key {
    /// About how much it covers, of 256.
    const fn level(&self) -> u32 {
        match self {
            Self::Level(level) => *level,
            Self::Drawn(_) => 256,
        }
    }
}

/// Makes frames: flat ones that are kept, and others from the pool.
pub(super) trait Frames {
    /// Black at 0, white at 256.
    fn flat(&mut self, level: u32) -> Arc<Frame>;
    /// Two frames mixed by a share of 256.
    fn mixed(&mut self, from: &Arc<Frame>, to: &Arc<Frame>, share: u32) -> Arc<Frame>;
    /// A picture as a frame.
    fn drawn(&mut self, picture: &Arc<Picture>) -> Arc<Frame>;
}

/// `Level` or a drawing of a cover over a picture of a size, px.
pub(super) fn key_of(cover: Cover, fill: &Picture, frames: &mut impl Frames) -> Key {
    match cover {
        Cover::Level(level) => Key::Level((level.clamp(0.0, 1.0) * 256.0).round() as u32),
        Cover::Wipe { share, direction, comes } => {
            let [black, white] = [0, 255].map(|v| Picture::filled(fill.width(), fill.height(), [v, v, v, 255]));
            let (from, to) = if comes { (black, white) } else { (white, black) };
            Key::Drawn(frames.drawn(&Arc::new(wipe(&from, &to, share, direction))))
        }
    }
}

/// The frame of a key.
pub(super) fn frame_of(key: &Key, frames: &mut impl Frames) -> Arc<Frame> {
    match key {
        Key::Drawn(frame) => Arc::clone(frame),
        Key::Level(level @ (0 | 256)) => frames.flat(*level),
        Key::Level(level) => {
            let (black, white) = (frames.flat(0), frames.flat(256));
            frames.mixed(&black, &white, *level)
        }
    }
}

/// What a keyer needs in the middle of a dissolve that is a `share` of 256 far: what it lays over the picture below is the mixture of what it
/// would lay over it before and after.
pub(super) fn dissolved(from: Option<&Covered>, to: Option<&Covered>, share: u32, frames: &mut impl Frames) -> Option<Covered> {
    let level = |covered: Option<&Covered>| covered.map_or(0, |c| c.key.level());
    let (before, after) = ((256 - share.min(256)) * level(from), share.min(256) * level(to));
    let fill = match (from, to) {
        (Some(from), Some(to)) if before > 0 && after > 0 => frames.mixed(&from.fill, &to.fill, 256 * after / (before + after)),
        (_, Some(to)) if after > 0 => Arc::clone(&to.fill),
        (Some(from), _) if before > 0 => Arc::clone(&from.fill),
        _ => return None,
    };
    let is_drawn = |covered: Option<&Covered>| covered.is_some_and(|c| matches!(c.key, Key::Drawn(_)));
    let key = if is_drawn(from) || is_drawn(to) {
        let [a, b] = [from, to].map(|covered| frame_of(&covered.map_or(Key::Level(0), |c| c.key.clone()), frames));
        Key::Drawn(frames.mixed(&a, &b, share))
    } else {
        Key::Level((before + after) / 256)
    };
    Some(Covered { fill, key })
}
