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
    /// What lies on top of it, such as a score: alone, with its alpha.
    pub graphics: Option<Arc<Picture>>,
}

impl Keyed {
    /// A replay that is all of program.
    pub const fn whole(fill: Arc<Picture>) -> Self {
        Self { fill, cover: Cover::Level(1.0), graphics: None }
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

/// The colours of a picture with alpha, and its alpha in grey.
pub(super) fn parted(picture: &Picture) -> [Picture; 2] {
    let size = (picture.width(), picture.height());
    let mut parts = [0; 2].map(|_: u8| Picture::filled(size.0, size.1, [0, 0, 0, 255]));
    let [colour, alpha] = &mut parts;
    let out = colour.rgba_mut().chunks_exact_mut(4).zip(alpha.rgba_mut().chunks_exact_mut(4));
    for (px, (colour, alpha)) in picture.rgba().chunks_exact(4).zip(out).filter(|(px, _)| px[3] > 0) {
        colour[..3].copy_from_slice(&px[..3]);
        alpha[..3].fill(px[3]);
    }
    parts
}

/// A key where another key lets it through: both of `luma_bytes`, limited range.
pub(super) fn product(key: &[u8], through: &[u8], luma_bytes: usize, out: &mut [u8]) {
    let share = |luma: u8| u32::from(luma.saturating_sub(16)).min(219);
    for ((out, a), b) in out.iter_mut().zip(key).zip(through).take(luma_bytes) {
        *out = 16 + ((share(*a) * share(*b) + 109) / 219) as u8;
    }
    out[luma_bytes..].fill(128);
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
