//! Which quality level the engine works at: what each level costs, measured, and the best one that is in time.
//!
//! Pure: measurements and seconds in, a level and the words for it out. Must not know: the GPU, threads, windows.

use crate::scene::Quality;

/// A view with plates takes about so many times as long: two are made, and put together.
const PLATES_FACTOR: f64 = 2.1;
/// A solve that takes longer than this, seconds, is too late for the replay that it was made for.
const SOLVE_SECS: f64 = 3.0;
/// A program picture may take this share of the frame interval: the rest is for sending it and for what comes between.
const FRAME_SHARE: f64 = 0.8;
/// A higher level must promise to stay below this share of what is allowed.
const ROOM: f64 = 0.6;
/// There must be room for so long before the level is raised, seconds.
const ROOM_SECS: f64 = 5.0;
/// A level that was too slow is tried again after so long, seconds; each time in vain twice as long.
const HOLD_SECS: f64 = 60.0;
const HOLD_MOST_SECS: f64 = 960.0;
/// Cost of a view that does not grow with its size (submission, waiting, reading back), seconds.
const VIEW_FIXED_SECS: f64 = 0.002;
/// A thorough solve takes about so many times as long: tuning alone is four times the rest in software (docs/performance.md).
const THOROUGH_FACTOR: f64 = 8.0;

/// Size of preview at a level, px.
pub const fn preview_size_px(level: Quality) -> (u32, u32) {
    match level {
        Quality::Draft => (640, 360),
        Quality::Air | Quality::Hero => (1280, 720),
    }
}

/// Size of a replay on program at a level, px.
pub const fn program_size_px(level: Quality) -> (u32, u32) {
    match level {
        Quality::Draft => (640, 360),
        Quality::Air | Quality::Hero => (1920, 1080),
    }
}

fn pixels((w, h): (u32, u32)) -> f64 {
    f64::from(w) * f64::from(h)
}

/// Mean working pixels of a camera at each level.
fn depth_pixels(sizes_px: &[(u32, u32)]) -> [f64; 3] {
    Quality::ALL.map(|level| {
        let one = |&(w, h): &(u32, u32)| {
            let scale = level.scene().max_depth_size_px.map_or(1.0, |most| (f64::from(most) / f64::from(w.max(h).max(1))).min(1.0));
            pixels((w, h)) * scale * scale
        };
        sizes_px.iter().map(one).sum::<f64>() / sizes_px.len().max(1) as f64
    })
}

/// What a level has cost so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelCost {
    /// The level.
    pub level: Quality,
    /// GPU seconds per camera of a solve, the last ones counting most (wall clock where the adapter has no timestamps).
    pub solve_secs_per_camera: Option<f64>,
    /// Cameras that were solved at it.
    pub cameras: u64,
}

/// The level that the engine works at, for the operator.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelView {
    /// What is worked at now.
    pub level: Quality,
    /// What the operator chose; `None` is automatic.
    pub chosen: Option<Quality>,
    /// Why this one, in words.
    pub why: String,
    /// What each level has cost, cheapest first.
    pub costs: [LevelCost; 3],
}

impl Default for LevelView {
    fn default() -> Self {
        Governor::new(None, &[], 25.0).view()
    }
}

/// A level that has changed, and whether for the better.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Better pictures than before.
    pub raised: bool,
    /// For the operator: what, why, and what to do.
    pub text: String,
}

/// Keeps the books and decides.
#[derive(Debug)]
pub struct Governor {
    level: Quality,
    chosen: Option<Quality>,
    why: String,
    costs: [LevelCost; 3],
    /// Whether a cost is too old to be judged by.
    is_old: [bool; 3],
    /// Per level: mean working pixels of a camera.
    depth_pixels: [f64; 3],
    cameras: usize,
    frame_secs: f64,
    /// Seconds of a view beyond the fixed part, per pixel.
    view_secs_per_pixel: Option<f64>,
    /// Since when there would be room for the level above.
    room_since_secs: Option<f64>,
    /// Not raised before.
    hold_until_secs: f64,
    hold_secs: f64,
}

impl Governor {
    /// Program has so many pictures a second from now on.
    pub const fn set_rate(&mut self, fps: f64) {
        self.frame_secs = 1.0 / fps.max(1.0);
    }

    /// `sizes_px` are the cameras' picture sizes, `fps` the rate of program.
    pub fn new(chosen: Option<Quality>, sizes_px: &[(u32, u32)], fps: f64) -> Self {
        Self {
            level: chosen.map_or(Quality::Draft, on_air),
            chosen,
            why: if chosen.is_some() { "chosen by hand" } else { "the GPU is not open yet" }.to_owned(),
            costs: Quality::ALL.map(|level| LevelCost { level, solve_secs_per_camera: None, cameras: 0 }),
            is_old: [false; 3],
            depth_pixels: depth_pixels(sizes_px),
            cameras: sizes_px.len(),
            frame_secs: 1.0 / fps.max(1.0),
            view_secs_per_pixel: None,
            room_since_secs: None,
            hold_until_secs: 0.0,
            hold_secs: HOLD_SECS,
        }
    }

    /// The cameras' pictures are of these sizes, px.
    pub fn set_sizes(&mut self, sizes_px: &[(u32, u32)]) {
        (self.depth_pixels, self.cameras) = (depth_pixels(sizes_px), sizes_px.len());
    }

    /// The level that scenes are solved at and pictures have the size of: never `Hero`, which comes after `Air` in the background.
    pub const fn level(&self) -> Quality {
        self.level
    }

    /// Whether a solved scene is to be refined to `Hero` in the background.
    pub fn refines(&self) -> bool {
        self.level == Quality::Air && self.chosen != Some(Quality::Air)
    }

    /// What the operator sees.
    pub fn view(&self) -> LevelView {
        LevelView { level: self.level, chosen: self.chosen, why: self.why.clone(), costs: self.costs }
    }

    /// The operator's choice; `None` gives it back.
    pub fn choose(&mut self, chosen: Option<Quality>, now_secs: f64) {
        self.chosen = chosen;
        self.room_since_secs = None;
        if let Some(level) = chosen {
            (self.level, self.why) = (on_air(level), "chosen by hand".to_owned());
        } else {
            (self.hold_until_secs, self.why) = (now_secs, "automatic".to_owned());
        }
    }

    /// A device is open: where to begin. `again` after a loss, which [`Self::fault`] has judged.
    pub fn opened(&mut self, is_software: bool, again: bool) {
        // The next adapter may be another one.
        self.view_secs_per_pixel = None;
        if self.chosen.is_none() && !again {
            (self.level, self.why) = if is_software {
                (Quality::Draft, "no graphics processor: the main processor computes".to_owned())
            } else {
                (Quality::Air, "nothing measured yet".to_owned())
            };
        }
    }

    /// A whole moment was solved at a level, in so many seconds.
    pub fn solved(&mut self, level: Quality, cameras: usize, secs: f64) {
        if cameras == 0 || !secs.is_finite() || secs <= 0.0 {
            return;
        }
        let cost = &mut self.costs[level as usize];
        let one = secs / cameras as f64;
        let before = cost.solve_secs_per_camera.filter(|_| !self.is_old[level as usize]);
        cost.solve_secs_per_camera = Some(before.map_or(one, |before| 0.5 * (before + one)));
        self.is_old[level as usize] = false;
        cost.cameras += cameras as u64;
    }

    /// A view of so many pixels took so many seconds, reading back included. What plates took of it is not counted: they go before the level does.
    pub fn viewed(&mut self, size_px: (u32, u32), secs: f64, with_plates: bool) {
        let secs = if with_plates { secs / PLATES_FACTOR } else { secs };
        let one = (secs - VIEW_FIXED_SECS).max(0.0) / pixels(size_px).max(1.0);
        // Bad news count at once, good news slowly.
        self.view_secs_per_pixel = Some(self.view_secs_per_pixel.map_or(one, |before| {
            let share = if one > before { 0.5 } else { 0.1 };
            before + share * (one - before)
        }));
    }

    /// Seconds of a solve of all cameras at a level: measured, else from the nearest level that was.
    pub fn solve_secs(&self, level: Quality) -> Option<f64> {
        let work = |l: Quality| self.depth_pixels[l as usize].max(1.0) * if l.scene().thorough { THOROUGH_FACTOR } else { 1.0 };
        let measured = |l: Quality| self.costs[l as usize].solve_secs_per_camera.filter(|_| !self.is_old[l as usize]);
        let estimate = |&from: &Quality| measured(from).map(|secs| secs * work(level) / work(from));
        let others = [Quality::Air, Quality::Draft, Quality::Hero];
        measured(level).or_else(|| others.iter().find_map(estimate)).map(|one| one * self.cameras as f64)
    }

    /// Seconds of a program picture at a level.
    pub fn program_secs(&self, level: Quality) -> Option<f64> {
        self.view_secs_per_pixel.map(|one| VIEW_FIXED_SECS + one * pixels(program_size_px(level)))
    }

    /// Whether a program picture with plates would be in time, as far as is known; where the operator has chosen the level, plates are part of
    /// the choice.
    pub fn affords_plates(&self) -> bool {
        let in_time = |secs: f64| PLATES_FACTOR * secs <= self.frame_secs * FRAME_SHARE;
        self.chosen.is_some() || self.program_secs(self.level).is_none_or(in_time)
    }

    /// Why a level is not in time when it may use `share` of what is allowed; `None` when it is, or nothing is known.
    fn too_slow(&self, level: Quality, share: f64) -> Option<String> {
        let frame_secs = self.frame_secs * FRAME_SHARE * share;
        if let Some(secs) = self.program_secs(level).filter(|s| *s > frame_secs) {
            return Some(format!("a program picture takes {:.0} of {:.0} ms", secs * 1e3, self.frame_secs * 1e3));
        }
        let solve = self.solve_secs(level).filter(|s| *s > SOLVE_SECS * share)?;
        Some(format!("a solve of {} cameras takes {solve:.1} of {SOLVE_SECS:.0} s", self.cameras))
    }

    /// Looks at the books; call it often. Where the level changes, scenes are solved at the new one from now on.
    pub fn judge(&mut self, now_secs: f64) -> Option<Change> {
        if self.chosen.is_some() {
            return None;
        }
        let Some(lower) = self.level.lower() else { return self.may_rise(now_secs) };
        let (here, why) = (self.level.label(), self.too_slow(self.level, 1.0)?);
        let text = format!("Quality goes down to {}: {why} at {here}. Choose {here} by hand if you can wait", lower.label());
        self.go_down(lower, why, now_secs);
        Some(Change { raised: false, text })
    }

    /// From the lowest level up to `Air`, when there has been room for it for a while.
    fn may_rise(&mut self, now_secs: f64) -> Option<Change> {
        let above = Quality::Air;
        if let Some(why) = self.too_slow(above, ROOM) {
            if now_secs >= self.hold_until_secs {
                // What was measured there may be of a bad hour: from now on it is judged by the level that runs.
                self.is_old[above as usize] = true;
                self.why = format!("at {} {why}", above.label());
            }
            self.room_since_secs = None;
            return None;
        }
        // A level that nothing is known of is not tried on air.
        self.program_secs(above)?;
        self.solve_secs(above)?;
        let since = *self.room_since_secs.get_or_insert(now_secs);
        if now_secs - since < ROOM_SECS || now_secs < self.hold_until_secs {
            return None;
        }
        (self.level, self.why, self.room_since_secs) = (above, "there is time for it".to_owned(), None);
        Some(Change { raised: true, text: format!("Quality goes up to {}: there is time for it", above.label()) })
    }

    fn go_down(&mut self, to: Quality, why: String, now_secs: f64) {
        (self.level, self.why, self.room_since_secs) = (to, why, None);
        // A raise that was in vain is not repeated soon.
        self.hold_secs = if now_secs < self.hold_until_secs + HOLD_MOST_SECS && self.hold_until_secs > 0.0 {
            (self.hold_secs * 2.0).min(HOLD_MOST_SECS)
        } else {
            HOLD_SECS
        };
        self.hold_until_secs = now_secs + self.hold_secs;
    }

    /// The GPU was lost or has no memory left: one level down, also below what was chosen. `None` where there is no lower one.
    pub fn fault(&mut self, what: &str, now_secs: f64) -> Option<Quality> {
        let lower = self.level.lower()?;
        self.chosen = None;
        self.go_down(lower, what.to_owned(), now_secs);
        Some(lower)
    }
}

/// The level that a first picture has.
const fn on_air(level: Quality) -> Quality {
    match level {
        Quality::Draft => Quality::Draft,
        Quality::Air | Quality::Hero => Quality::Air,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HD: [(u32, u32); 16] = [(1920, 1080); 16];

    fn on_gpu() -> Governor {
        let mut governor = Governor::new(None, &HD, 50.0);
        governor.opened(false, false);
        governor
    }

    #[test]
    fn it_goes_down_before_a_frame_is_missed_and_up_when_there_is_room() {
        let mut governor = on_gpu();
        assert_eq!((governor.level(), governor.judge(0.0)), (Quality::Air, None), "nothing is known yet");
        governor.viewed((1280, 720), 0.004, false);
        assert_eq!(governor.judge(1.0), None, "6.5 ms of 20");
        // A preview that takes 15 of 20 ms is in time itself: the program picture would not be.
        governor.viewed((1280, 720), 0.015, false);
        governor.viewed((1280, 720), 0.015, false);
        let change = governor.judge(2.0).expect("it does not go down");
        assert!(!change.raised && change.text.contains("Draft") && change.text.contains("of 20 ms"), "{change:?}");
        assert_eq!(governor.level(), Quality::Draft);
        governor.solved(Quality::Draft, 16, 0.03);
        // The pictures are quick again; it waits, then goes up, once.
        for _ in 0..100 {
            governor.viewed((640, 360), 0.0025, false);
        }
        assert_eq!(governor.judge(10.0), None, "it comes back too soon");
        assert_eq!(governor.judge(61.0), None);
        assert!(governor.judge(67.0).is_some_and(|c| c.raised), "{:?}", governor.view());
        assert_eq!((governor.level(), governor.judge(68.0)), (Quality::Air, None));
        // In vain: the next time it waits twice as long.
        governor.viewed((1920, 1080), 0.06, false);
        assert!(governor.judge(70.0).is_some_and(|c| !c.raised));
        for _ in 0..100 {
            governor.viewed((640, 360), 0.0025, false);
        }
        assert!((0..115).all(|s| governor.judge(71.0 + f64::from(s)).is_none()), "it flickers");
        assert!(governor.judge(191.0).is_some_and(|c| c.raised));
    }

    #[test]
    fn plates_go_before_the_level_does() {
        let mut governor = on_gpu();
        assert!(governor.affords_plates(), "nothing is known yet");
        governor.viewed((1920, 1080), 0.007, false);
        assert!(governor.affords_plates(), "14.7 of 16 ms");
        (0..50).for_each(|_| governor.viewed((1920, 1080), 0.021, true));
        assert!(!governor.affords_plates() && governor.judge(1.0).is_none(), "10 ms alone: in time without plates");
        governor.choose(Some(Quality::Air), 1.0);
        assert!(governor.affords_plates());
    }

    #[test]
    fn a_solve_that_would_be_late_is_known_from_the_level_below() {
        let mut governor = Governor::new(None, &HD, 25.0);
        governor.opened(true, false);
        assert_eq!(governor.level(), Quality::Draft);
        governor.viewed((640, 360), 0.003, false);
        governor.solved(Quality::Draft, 16, 1.6);
        // 36 times the pixels.
        assert!(governor.solve_secs(Quality::Air).is_some_and(|s| (s - 57.6).abs() < 0.1), "{:?}", governor.solve_secs(Quality::Air));
        assert!(governor.solve_secs(Quality::Hero).is_some_and(|s| (s - 460.8).abs() < 0.8));
        assert!((0..1000).all(|s| governor.judge(f64::from(s)).is_none()));
        assert!(governor.view().why.contains("57.6"), "{}", governor.view().why);
        // A solve at air that is measured too slow brings it down.
        let mut governor = on_gpu();
        governor.solved(Quality::Air, 16, 4.0);
        assert!(governor.judge(0.0).is_some_and(|c| c.text.contains("4.0 of 3 s")));
    }

    #[test]
    fn a_choice_stays_and_a_fault_overrules_it() {
        let mut governor = on_gpu();
        governor.choose(Some(Quality::Hero), 0.0);
        assert!(governor.level() == Quality::Air && governor.refines());
        governor.viewed((1920, 1080), 1.0, false);
        assert_eq!(governor.judge(1.0), None);
        governor.choose(Some(Quality::Air), 0.0);
        assert!(governor.level() == Quality::Air && !governor.refines());
        assert_eq!(governor.fault("out of memory", 2.0), Some(Quality::Draft));
        assert_eq!((governor.level(), governor.view().chosen, governor.refines()), (Quality::Draft, None, false));
        assert_eq!(governor.fault("out of memory", 3.0), None);
        governor.choose(Some(Quality::Air), 4.0);
        assert_eq!(governor.level(), Quality::Air);
        let books = governor.view().costs;
        assert_eq!(books.map(|c| c.level), Quality::ALL);
    }
}
