//! Program on its way from one shot to the next: by a take, a return, or from element to element of a playlist.
//!
//! Must not know: how pictures are mixed, windows.

use std::sync::Arc;

use super::Director;
use crate::{
    engine::Feeds,
    frame::{Picture, dissolve, wipe},
    output::program::{Cover, Keyed},
    replay::{Program, TransportCommand, playlist::Transition},
    time::MediaTime,
};

/// A take or return that is under way.
#[derive(Debug)]
pub(in crate::engine) struct Changing {
    /// The last picture of what goes, and its camera if it was live: that one goes on.
    from: Arc<Picture>,
    camera: Option<usize>,
    /// Nothing of what goes is a replay's.
    live: bool,
    how: Transition,
    /// House time of its first tick; it waits for the first picture of what comes.
    begun: Option<MediaTime>,
}

/// What the picture in front takes the place of, and how far it is.
#[derive(Debug)]
pub(in crate::engine) struct Mixing {
    pub from: Arc<Picture>,
    pub share: f32,
    pub how: Transition,
    /// What comes has been seen: what goes alone is never shown again.
    pub begun: bool,
    /// What goes is a live camera.
    pub live: bool,
}

impl Changing {
    /// What was shown, of a camera if it was live, goes as chosen; `None` for a cut.
    pub fn begin(from: &Arc<Picture>, camera: Option<usize>, live: bool, how: Transition) -> Option<Self> {
        (how.secs() > 0.0).then(|| Self { from: Arc::clone(from), camera, live, how, begun: None })
    }

    /// Whether what comes has not been seen yet.
    pub const fn waits(&self) -> bool {
        self.begun.is_none()
    }

    /// How far the change is; `None` when there is none (any more). `is_there`: what comes has a picture.
    pub(super) fn mixing(slot: &mut Option<Self>, feeds: &dyn Feeds, is_there: bool) -> Option<Mixing> {
        let now = feeds.now();
        let changing = slot.as_mut()?;
        // The one that is due, as program shows it before and after: never a newer one, after which it would step back.
        if let Some(live) = changing.camera.and_then(|camera| feeds.live_picture_due(camera, now)) {
            changing.from = live.picture;
        }
        // What was there once and is being made anew (the next element of a list) does not stop it.
        let share = if is_there || changing.begun.is_some() {
            let begun = *changing.begun.get_or_insert(now);
            ((now - begun) as f64 * 1e-9 / changing.how.secs()) as f32
        } else {
            0.0
        };
        if share >= 1.0 {
            *slot = None;
            return None;
        }
        let Self { from, how, begun, live, .. } = changing;
        Some(Mixing { from: Arc::clone(from), share, how: *how, begun: begun.is_some(), live: *live })
    }
}

impl Director {
    /// A transition as it can be shown: a stinger is as long as its film. Says what is in its way.
    pub(super) fn shown_as(&mut self, asked: Transition) -> Option<Transition> {
        match asked {
            Transition::Stinger { number, .. } => match self.stingers.get(number) {
                Ok(stinger) => Some(Transition::Stinger { secs: stinger.secs(), number }),
                Err(why) => {
                    self.warn(why);
                    None
                }
            },
            other => Some(other.tidied()),
        }
    }

    /// How takes and returns change program from now on.
    pub(super) fn choose_transition(&mut self, asked: Transition) {
        if let Some(how) = self.shown_as(asked) {
            self.program.transition = how;
        }
    }

    pub(super) fn next_transition(&mut self) {
        let lengths = self.stingers.lengths_secs();
        self.program.transition = self.program.transition.next_kind(&lengths).tidied();
    }

    /// What the operator asks of the transport changes program as chosen; what it does by itself cuts.
    pub(super) fn with_transition(&mut self, command: TransportCommand) {
        self.program.is_asked = true;
        self.apply(command);
        self.program.is_asked = false;
    }

    /// Program is cut: what it showed goes as chosen.
    pub(super) fn begin_change(&mut self) {
        let camera = self.program.live_time.map(|(camera, _)| camera);
        let stays_live = camera.is_some() && matches!(self.transport.program(), Program::Live { .. });
        let how = self.program.transition;
        let goes = self.program.is_asked && !stays_live;
        let (from, live) = (&self.program.shown.picture, self.program.keyed.is_none());
        self.program.changing = Changing::begin(from, camera, live, if goes { how } else { Transition::Cut });
    }

    /// How far the change is; `None` when there is none (any more).
    pub(super) fn change(&mut self, is_there: bool) -> Option<Mixing> {
        Changing::mixing(&mut self.program.changing, self.feeds.as_ref(), is_there)
    }

    /// The change of a replay that goes on air: `is_list` has its own between elements.
    pub(super) fn change_replay(&mut self) {
        let was = self.program.changing.is_some();
        let is_there = self.program.layer.is_some();
        if let Some(mixing) = self.change(is_there) {
            self.program.mixing = Some(mixing);
        } else if was {
            self.program.mixing = None;
            // It ends in the picture itself, also where that one stands.
            self.program.layer_is_new = self.program.layer.is_some();
        }
    }

    /// Program goes back to a live camera; false when it is there.
    pub(super) fn change_to_live(&mut self, camera: usize) -> bool {
        if self.program.changing.is_none() {
            return false;
        }
        let live = self.feeds.live_picture_due(camera, self.feeds.now());
        let live = live.or_else(|| self.feeds.live_full(camera)).or_else(|| self.feeds.live_picture(camera));
        let Some(mixing) = self.change(live.is_some()) else { return false };
        match live {
            Some(live) => {
                let mixed = Arc::new(self.mixed(&mixing, &live.picture));
                let keyed = self.keyed_of_return(&mixing, &mixed);
                self.show_program(mixed, keyed);
            }
            None if mixing.begun => {}
            None => {
                let from = Arc::clone(&mixing.from);
                self.show_program(Arc::clone(&from), (!mixing.live).then_some(Keyed::whole(from)));
            }
        }
        true
    }

    /// Whether what comes has not been seen yet.
    pub(in crate::engine) fn waits_for_change(&self) -> bool {
        self.program.changing.as_ref().is_some_and(Changing::waits)
    }

    /// Whether a stinger has changed what is behind it.
    fn is_behind(&self, number: u8, share: f32) -> bool {
        self.stingers.get(number).is_ok_and(|stinger| share >= stinger.cut_share())
    }

    /// What of the mixture a replay that comes covers. A stinger's film is keyed from the change on: before that it is over live.
    pub(super) fn keyed_of_replay(&self, mixing: &Mixing, mixed: &Arc<Picture>, replay: Arc<Picture>) -> Option<Keyed> {
        if !mixing.live {
            return Some(Keyed::whole(Arc::clone(mixed)));
        }
        let share = mixing.share;
        match mixing.how {
            Transition::Wipe { towards, .. } => {
                Some(Keyed { fill: replay, cover: Cover::Wipe { share, direction: towards.direction(), comes: true }, graphics: None })
            }
            Transition::Stinger { number, .. } if self.stingers.get(number).is_ok() => {
                self.is_behind(number, share).then(|| Keyed::whole(Arc::clone(mixed)))
            }
            _ => Some(Keyed { fill: replay, cover: Cover::Level(share), graphics: None }),
        }
    }

    /// The same of a replay that goes.
    pub(super) fn keyed_of_return(&self, mixing: &Mixing, mixed: &Arc<Picture>) -> Option<Keyed> {
        if mixing.live {
            return None;
        }
        let (share, fill) = (mixing.share, Arc::clone(&mixing.from));
        match mixing.how {
            Transition::Wipe { towards, .. } => {
                Some(Keyed { fill, cover: Cover::Wipe { share, direction: towards.direction(), comes: false }, graphics: None })
            }
            Transition::Stinger { number, .. } if self.stingers.get(number).is_ok() => {
                (!self.is_behind(number, share)).then(|| Keyed::whole(Arc::clone(mixed)))
            }
            _ => Some(Keyed { fill, cover: Cover::Level(1.0 - share), graphics: None }),
        }
    }

    /// The picture between the two.
    pub(super) fn mixed(&self, Mixing { from, share, how, .. }: &Mixing, to: &Picture) -> Picture {
        match *how {
            Transition::Wipe { towards, .. } => wipe(from, to, *share, towards.direction()),
            Transition::Stinger { number, .. } => match self.stingers.get(number) {
                Ok(stinger) => stinger.mixed(from, to, *share),
                // A list of another show: rather a dissolve than a jump.
                Err(_) => dissolve(from, to, *share),
            },
            Transition::Cut | Transition::Dissolve { .. } => dissolve(from, to, *share),
        }
    }

    /// Says what is wrong with a stinger, once.
    pub(super) fn tell_stingers(&mut self) {
        if let Some(news) = self.stingers.news()
            && !news.is_empty()
        {
            self.warn(news);
        }
    }
}
