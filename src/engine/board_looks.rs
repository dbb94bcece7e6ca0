//! A board that is carried before live cameras: pictures of one instant from the feeds, looked at by few threads, told to the coach and
//! kept for the solve.
//!
//! Must not know: threads of the engine, windows, command lines.

use rayon::prelude::*;

use super::Feeds;
use crate::{
    calibrate::board::{
        Board, BoardFailure, BoardOptions, BoardSession, Calibration, Candidate, Coach, LensModel, Looked, Sightings, calibrate, detect,
        remedies,
    },
    geometry::Lens,
    rig::Rig,
    time::MediaTime,
};

/// A second look at cameras that saw the board, so long before, tells whether it was held still.
const LOOK_BACK_NANOS: i64 = 200_000_000;
/// The same is told by the look before where that was no longer ago.
const LOOKED_NANOS: i64 = 700_000_000;
/// A session is so long at most, seconds: what is kept of it stays bounded.
pub const MOST_SECS: f64 = 1800.0;

/// How a board is looked for.
#[derive(Debug, Clone)]
pub struct LookOptions {
    /// The board.
    pub board: Board,
    /// Boards that move by more from frame to frame count for the lenses only, px.
    pub most_motion_px: f64,
    /// Least time from look to look, seconds.
    pub every_secs: f64,
    /// Threads that look.
    pub threads: usize,
    /// Lenses that are known, by the names of the cameras.
    pub lenses: Option<Rig>,
    /// What of the others is looked for.
    pub model: LensModel,
}

/// Why a camera's picture could not be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There was none, or it could not be decoded.
    #[error("it has no picture of this instant that can be decoded. Is it connected, and is there a decoder for its codec?")]
    NoPicture,
    /// The nearest one is of another instant.
    #[error(
        "its nearest picture is {ms} ms beside the instant that the others show, {limit_ms} ms at most. Is its clock in step with theirs (offset_ms), and does it deliver without gaps?"
    )]
    Beside {
        /// How far.
        ms: i64,
        /// A frame.
        limit_ms: i64,
    },
}

/// Why looking cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// Threads cannot be started.
    #[error("its threads cannot be started: {0}. Close other programs or raise the limit of processes")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// A camera's picture changed its size.
    #[error(transparent)]
    OtherSize(#[from] crate::calibrate::board::OtherSize),
}

/// Lenses that were given are of other cameras.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("none of the lenses that were given has a name of these cameras: they are of {theirs}, the cameras are {ours}. Rename them there")]
pub struct NoLensOfThem {
    theirs: String,
    ours: String,
}

impl NoLensOfThem {
    /// An error where no camera of `lenses` has one of these names, in whatever capitals.
    pub fn check<'a>(lenses: &Rig, names: impl Iterator<Item = &'a str> + Clone) -> Result<(), Self> {
        if names.clone().any(|name| lenses.camera_like(name).is_some()) {
            return Ok(());
        }
        let theirs: Vec<&str> = lenses.cameras.iter().map(|c| c.name.as_str()).take(4).collect();
        Err(Self { theirs: theirs.join(", "), ours: names.take(4).collect::<Vec<_>>().join(", ") })
    }
}

/// A board carried before live cameras.
#[derive(Debug)]
pub struct BoardLooks {
    options: LookOptions,
    session: BoardSession,
    coach: Coach,
    pool: rayon::ThreadPool,
    frame_nanos: i64,
    begun: Option<MediaTime>,
    /// The newest instant that was looked at.
    last: Option<MediaTime>,
    floor_secs: Option<f64>,
    /// Who changed the size of its pictures, in words.
    other_size: Option<String>,
    /// By camera: why its picture could not be looked at in the newest look.
    refusals: Vec<Option<Refusal>>,
    /// Clock offsets that the cameras have already, nanoseconds.
    offsets: Vec<i64>,
}

/// What is solved, apart from the feeds: it may go to another thread.
#[derive(Debug, Clone)]
pub struct BoardJob {
    session: BoardSession,
    cameras: Vec<Candidate>,
    frame_secs: f64,
    most_motion_px: f64,
    floor_secs: Option<f64>,
    model: LensModel,
    offsets: Vec<i64>,
}

/// A rig from a board that was carried live.
#[derive(Debug, Clone)]
pub struct BoardSolved {
    /// The cameras as they were looked for.
    pub cameras: Vec<Candidate>,
    /// What it was solved from.
    pub sightings: Sightings,
    /// The rig and how well it fits.
    pub calibration: Calibration,
    /// What would make it better, the most pressing first.
    pub remedies: Vec<String>,
}

impl BoardLooks {
    /// For all cameras of these feeds.
    pub fn new(feeds: &dyn Feeds, options: LookOptions) -> Result<Self, LookError> {
        let names: Vec<String> = feeds.rig().cameras.iter().map(|c| c.name.clone()).collect();
        let frame_nanos = feeds.rate().interval_nanos().max(1);
        let coach = Coach::new(options.board.clone(), &names, frame_nanos as f64 * 1e-9, options.most_motion_px);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads.max(1)).thread_name(|k| format!("board {k}")).build()?;
        let session = BoardSession::new(options.board.clone(), &names);
        let offsets = feeds.rig().cameras.iter().map(|c| c.clock_offset_nanos).collect();
        let refusals = vec![None; names.len()];
        let mut looks = Self {
            options,
            session,
            coach,
            pool,
            frame_nanos,
            begun: None,
            last: None,
            floor_secs: None,
            other_size: None,
            refusals,
            offsets,
        };
        looks.settle_lenses();
        Ok(looks)
    }

    /// These lenses are known from now on, of all that was seen so far too; `None`: all are looked for. An error where none of them is a
    /// camera's.
    pub fn give_lenses(&mut self, lenses: Option<Rig>) -> Result<(), NoLensOfThem> {
        if let Some(lenses) = &lenses {
            NoLensOfThem::check(lenses, self.session.cameras().iter().map(|c| c.name.as_str()))?;
        }
        self.options.lenses = lenses;
        self.settle_lenses();
        Ok(())
    }

    /// A camera's lens as it was given, for pictures of its size; `Err` where they have another shape.
    fn given_lens(&self, camera: &Candidate) -> Option<Result<Lens, (u32, u32)>> {
        let known = self.options.lenses.as_ref()?.camera_like(&camera.name)?;
        let size_px = (camera.width_px, camera.height_px);
        // Before its first picture nobody knows its size.
        let lens = if size_px.0 == 0 { Some(known.lens) } else { known.lens_for(size_px) };
        Some(lens.ok_or((known.width_px, known.height_px)))
    }

    /// Tells the coach whose lens is known.
    fn settle_lenses(&mut self) {
        for i in 0..self.session.cameras().len() {
            let is_known = matches!(self.given_lens(&self.session.cameras()[i]), Some(Ok(_)));
            self.coach.knows_lens(i, is_known);
        }
    }

    /// Lenses that were given of pictures of another shape, in words: they are looked for as if they were not given.
    pub fn other_shape(&self) -> Option<String> {
        let told = self.session.cameras().iter().filter_map(|c| {
            let (w, h) = self.given_lens(c)?.err()?;
            Some(format!("{}: its lens was given for {w} × {h} px, its pictures have {} × {} px, which is another shape: its lens is found from the board", c.name, c.width_px, c.height_px))
        });
        let told: Vec<String> = told.take(2).collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    /// Looks at the newest instant of all cameras that deliver; how many saw the board, or `None` where there is nothing new yet, or `going_on`
    /// said no. Takes its time (decoding, searching).
    pub fn look(&mut self, feeds: &dyn Feeds, going_on: &(dyn Fn() -> bool + Sync)) -> Result<Option<usize>, LookError> {
        let Some(now) = feeds.ring().newest else { return Ok(None) };
        let every_nanos = (self.options.every_secs * 1e9) as i64;
        if self.last.is_some_and(|last| now < last.plus_nanos(every_nanos.max(1))) {
            return Ok(None);
        }
        let everybody = vec![true; self.offsets.len()];
        let looked = self.looked_at(feeds, now, &everybody, going_on);
        let refusals = looked.iter().map(|l| l.as_ref().err().copied().flatten()).collect();
        let seen: Vec<Option<Looked>> = looked.into_iter().map(Result::ok).collect();
        // Whoever saw it is asked how it was just before, unless it looked a moment ago.
        let looked_just_now = self.last.is_some_and(|last| now.nanos() - last.nanos() <= LOOKED_NANOS);
        let back = now.plus_nanos(-LOOK_BACK_NANOS.max(self.frame_nanos));
        let finders: Vec<bool> = seen.iter().map(|s| matches!(s, Some((_, Ok(_))))).collect();
        let wants_back = |(camera, found): (usize, &bool)| *found && !(looked_just_now && self.coach.cameras()[camera].sees);
        let asked: Vec<bool> = finders.iter().enumerate().map(wants_back).collect();
        let is_later = self.last.is_none_or(|last| back > last);
        let before = (is_later && asked.contains(&true)).then(|| self.looked_at(feeds, back, &asked, going_on));
        if !going_on() {
            return Ok(None);
        }
        self.refusals = refusals;
        let before = before.map(|looked| looked.into_iter().map(Result::ok).collect::<Vec<Option<Looked>>>());
        let begun = *self.begun.get_or_insert(back);
        let mut found = 0;
        for (at, mut seen, aside) in before.map(|b| (back, b, true)).into_iter().chain([(now, seen, false)]) {
            let secs = (at - begun) as f64 * 1e-9;
            self.leave_out_other_sizes(&mut seen);
            for (camera, looked) in seen.iter().enumerate() {
                if let Some((size_px, result)) = looked {
                    self.coach.saw(camera, secs, *size_px, result);
                }
            }
            found = if aside { self.session.keep_aside(secs, seen)? } else { self.session.keep(secs, seen)? };
        }
        self.last = Some(now);
        self.settle_lenses();
        Ok(Some(found))
    }

    /// A camera that changes the size of its pictures in the middle does not end what was carried: those pictures are left out, and it is told.
    fn leave_out_other_sizes(&mut self, seen: &mut [Option<Looked>]) {
        for (c, looked) in self.session.cameras().iter().zip(seen) {
            let before = (c.width_px, c.height_px);
            let Some((now, _)) = looked.as_ref().filter(|(now, _)| before != (0, 0) && *now != before) else { continue };
            self.other_size = Some(format!(
                "{}: its pictures are {} × {} px now and were {} × {} px: they are left out. Set it back",
                c.name, now.0, now.1, before.0, before.1
            ));
            *looked = None;
        }
    }

    /// A camera that changed the size of its pictures, in words.
    pub fn other_size(&self) -> Option<&str> {
        self.other_size.as_deref()
    }

    /// What those cameras see at an instant; nothing, and why, of a camera whose frame is further off than a frame. No word of those that
    /// were not asked.
    fn looked_at(
        &self,
        feeds: &dyn Feeds,
        at: MediaTime,
        who: &[bool],
        going_on: &(dyn Fn() -> bool + Sync),
    ) -> Vec<Result<Looked, Option<Refusal>>> {
        let board = &self.options.board;
        let look = |(camera, wanted): (usize, &bool)| {
            if !*wanted || !going_on() {
                return Err(None);
            }
            let live = feeds.picture_at(camera, at).ok_or(Refusal::NoPicture)?;
            let (beside, limit) = ((live.time.nanos() - at.nanos()).abs(), self.frame_nanos);
            if beside > limit {
                return Err(Some(Refusal::Beside { ms: beside / 1_000_000, limit_ms: limit / 1_000_000 }));
            }
            Ok(((live.picture.width(), live.picture.height()), detect(board, &live.picture)))
        };
        self.pool.install(|| who.par_iter().enumerate().map(look).collect())
    }

    /// By camera: why its picture could not be looked at in the newest look; `None` where it could.
    pub fn refusals(&self) -> &[Option<Refusal>] {
        &self.refusals
    }

    /// Where no camera at all could be looked at: who and why, in words.
    pub fn nobody(&self) -> Option<String> {
        let all = self.refusals.iter().all(Option::is_some) && !self.refusals.is_empty();
        let told = self.session.cameras().iter().zip(&self.refusals).filter_map(|(c, r)| Some(format!("{}: {}", c.name, r.as_ref()?)));
        all.then(|| format!("no camera's picture can be looked at. {}", told.take(2).collect::<Vec<_>>().join("; ")))
    }

    /// Solves what there is, on the threads that look. `progress` gets the share done and returns false to cancel.
    pub fn solve(&self, progress: &mut (dyn FnMut(f64) -> bool + Send)) -> Result<BoardSolved, BoardFailure> {
        let job = self.job();
        self.pool.install(|| job.solve_anyhow(progress))
    }

    /// The coach.
    pub const fn coach(&self) -> &Coach {
        &self.coach
    }

    /// All that was seen.
    pub const fn session(&self) -> &BoardSession {
        &self.session
    }

    /// The instant of the first look: since then the cameras have stood where the rig will have them.
    pub const fn begun(&self) -> Option<MediaTime> {
        self.begun
    }

    /// Seconds from the first look to the newest.
    pub fn secs(&self) -> f64 {
        self.last.zip(self.begun).map_or(0.0, |(last, begun)| (last - begun) as f64 * 1e-9)
    }

    /// Seconds of a frame.
    pub fn frame_secs(&self) -> f64 {
        self.frame_nanos as f64 * 1e-9
    }

    /// The board lies on the floor now, printed side up; false, and nothing is noted, where no camera saw it in the newest look.
    pub fn lies_on_the_floor(&mut self) -> bool {
        let is_seen = self.coach.cameras().iter().any(|c| c.sees);
        if is_seen {
            self.floor_secs = Some(self.secs());
        }
        is_seen
    }

    /// When it lay on the floor, seconds.
    pub const fn floor_secs(&self) -> Option<f64> {
        self.floor_secs
    }

    /// What there is to be solved now.
    pub fn job(&self) -> BoardJob {
        let mut cameras = self.session.cameras().to_vec();
        for c in &mut cameras {
            c.lens = self.given_lens(c).and_then(Result::ok).filter(|_| c.width_px > 0);
        }
        BoardJob {
            session: self.session.clone(),
            cameras,
            frame_secs: self.frame_secs(),
            most_motion_px: self.options.most_motion_px,
            floor_secs: self.floor_secs,
            model: self.options.model,
            offsets: self.offsets.clone(),
        }
    }
}

impl BoardJob {
    /// As [`BoardJob::solve`], but without a floor where the board did not lie when that was said: what was carried live cannot be carried again.
    pub fn solve_anyhow(self, progress: &mut dyn FnMut(f64) -> bool) -> Result<BoardSolved, BoardFailure> {
        match self.clone().solve(progress) {
            Err(told @ (BoardFailure::NoFloor | BoardFailure::FloorNotLevel { .. })) => {
                let mut solved = Self { floor_secs: None, ..self }.solve(progress)?;
                solved.remedies.insert(0, format!("solved without a floor: {told}"));
                Ok(solved)
            }
            other => other,
        }
    }

    /// Solves it. `progress` gets the share done and returns false to cancel.
    pub fn solve(self, progress: &mut dyn FnMut(f64) -> bool) -> Result<BoardSolved, BoardFailure> {
        let (sightings, floor) = self.session.sightings(self.frame_secs, self.most_motion_px, self.floor_secs);
        if self.floor_secs.is_some() && floor.is_none() {
            return Err(BoardFailure::NoFloor);
        }
        let options = BoardOptions { model: self.model, floor };
        let mut calibration = calibrate(self.session.board(), &self.cameras, &sightings.seen, &options, progress)?;
        for (c, offset) in self.cameras.iter().zip(&self.offsets) {
            if let Some(camera) = calibration.rig.cameras.iter_mut().find(|k| k.name == c.name) {
                camera.clock_offset_nanos = *offset;
            }
        }
        let mut lines = remedies(&calibration, &self.cameras, &sightings.tallies);
        lines.extend(calibration.notes.clone());
        // What is wrong comes before what would be better still.
        lines.sort_by_key(|line| line.contains("never saw the board"));
        Ok(BoardSolved { cameras: self.cameras, sightings, calibration, remedies: lines })
    }
}
