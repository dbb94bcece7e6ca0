//! The whole way from a rig and pictures to a better rig, or to the word that there is nothing to gain.

use std::collections::{BTreeMap, BTreeSet};

use glam::DVec3;

use super::{
    CalibrateError, Errors, LensFreedom, MissingLink,
    bundle::{Problem, Pull, State, deviations, rotation_vector, solve},
    gauge::put_back,
    judge::compare,
    matching::{FeatureId, Shot, Sighting, Track, neighbours, prepare, radius_m, subject, tracks},
    triangulate::{off_px, triangulated},
};
use crate::{frame::Picture, rig::Rig};

/// How to refine.
#[derive(Debug, Clone, PartialEq)]
pub struct RefineOptions {
    /// What of the lenses is adjusted.
    pub lens: LensFreedom,
    /// Cameras (indices) that stay as they are.
    pub keep: Vec<usize>,
    /// Matches are sought so far beside the lines of the rig that comes in, px of pictures of at most 1200.
    pub band_px: f64,
    /// Lenses are adjusted without distortion: those that have none get none.
    pub straight: bool,
    /// Nobody measured the lenses: principal points stay near the middle of the pictures as far as these tell nothing else.
    pub lens_guessed: bool,
}

impl Default for RefineOptions {
    fn default() -> Self {
        Self { lens: LensFreedom::Keep, keep: Vec::new(), band_px: 16.0, straight: false, lens_guessed: false }
    }
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The points that were kept out are seen nearer to where they should be than chance explains.
    Better,
    /// They do not: the rig stays as it was.
    NothingToGain,
}

/// One camera's part.
#[derive(Debug, Clone, PartialEq)]
pub struct CameraChange {
    /// Sightings of points that the adjustment rests on.
    pub sightings: usize,
    /// Sightings that were taken out as wrong.
    pub wrong: usize,
    /// How far the camera was turned, rad.
    pub turned_rad: f64,
    /// How far it was moved, metres.
    pub moved_m: f64,
    /// Standard deviation of its rotation about the worst axis, rad; `None` for a camera that was kept.
    pub rotation_sigma_rad: Option<f64>,
    /// Standard deviation of its place along the worst direction, metres.
    pub center_sigma_m: Option<f64>,
    /// Root of the mean square distance between where it sees points and where it should, px, with the rig as it came.
    pub rms_before_px: f64,
    /// The same with the adjusted rig.
    pub rms_after_px: f64,
}

/// A refined rig and what is known of it.
#[derive(Debug, Clone)]
pub struct Refined {
    /// The rig to use from now on: the adjusted one, or where nothing was gained the one that came in.
    pub rig: Rig,
    /// The adjusted rig, whatever the verdict.
    pub adjusted: Rig,
    /// What to do with it.
    pub verdict: Verdict,
    /// On points that were kept out of the adjustment: the rig that came in.
    pub before: Errors,
    /// The adjusted rig on the same points.
    pub after: Errors,
    /// Sightings of kept-out points that fit neither rig.
    pub wrong_held_out: usize,
    /// Per camera of the rig.
    pub cameras: Vec<CameraChange>,
    /// Points that it rests on.
    pub points: usize,
    /// Error of one sighting in one direction, px, as the adjustment found it.
    pub sighting_sigma_px: f64,
}

/// Points that it takes to say anything.
const MIN_TRACKS: usize = 40;
/// Points that two cameras must share for a link.
const MIN_SHARED: usize = 12;
/// One of so many tracks judges.
const HOLD_OUT: u64 = 5;
/// In the second round matches lie so near to the adjusted lines, px of the reduced picture.
const NARROW_PX: f64 = 5.0;
/// Radial coefficients that are held to this are none.
const NO_DISTORTION: f64 = 1e-7;

/// Adjusts a rig to moments of pictures: `moments[m][i]` is what camera `i` saw, of the camera's size. `progress` gets 0…1 and returns false
/// to cancel.
///
/// # Errors
/// Where there are too few matches or cameras without a link to the others (named, with the remedy), and when cancelled.
pub fn refine(
    rig: &Rig,
    moments: &[Vec<Option<&Picture>>],
    options: &RefineOptions,
    progress: &mut dyn FnMut(f64) -> bool,
) -> Result<Refined, CalibrateError> {
    check_input(rig, moments)?;
    let center = subject(rig)?;
    let mut go_on = |share: f64| if progress(share) { Ok(()) } else { Err(CalibrateError::Cancelled) };
    go_on(0.0)?;
    let mut shots: Vec<Vec<Option<Shot>>> = Vec::new();
    for (m, pictures) in moments.iter().enumerate() {
        shots.push(prepare(rig, center, pictures));
        go_on(0.2 * (m + 1) as f64 / moments.len() as f64)?;
    }
    let pairs = neighbours(rig, center);
    let matched = |rig: &Rig, band_px: f64| -> Vec<Track> {
        shots.iter().enumerate().flat_map(|(m, shots)| tracks(rig, m, shots, &pairs, band_px, &|_| {})).collect()
    };
    let scale = shots.iter().flatten().flatten().map(|s| s.scale).fold(1.0, f64::max);
    let all = matched(rig, options.band_px);
    go_on(0.4)?;
    let (held_out, used): (Vec<Track>, Vec<Track>) = all.into_iter().partition(is_held_out);
    let judges: BTreeSet<FeatureId> = held_out.iter().flat_map(|t| t.features.iter().copied()).collect();

    let without: Vec<usize> = (0..rig.cameras.len()).filter(|&i| moments.iter().all(|m| m[i].is_none())).collect();
    let kept: Vec<bool> = (0..rig.cameras.len()).map(|i| options.keep.contains(&i) || without.contains(&i)).collect();
    let mut adjuster = Adjuster::new(rig, &kept, options.lens, radius_m(rig, center));
    adjuster.pull.lens_guessed = options.lens_guessed;
    if options.straight {
        adjuster.pull.lens[3..].fill(NO_DISTORTION);
    }
    linked(rig, &kept, &used)?;
    adjuster.adjust(used, options.band_px * scale / 4.0, &mut |s| go_on(0.4 + 0.2 * s).is_ok())?;
    // Once more from the better rig: matches that were ambiguous in the wide band are not in a narrow one.
    let nearer = adjuster.rig();
    let again: Vec<Track> = matched(&nearer, NARROW_PX).into_iter().filter(|t| !t.features.iter().any(|f| judges.contains(f))).collect();
    go_on(0.75)?;
    adjuster.adjust(again, 2.0 * scale, &mut |s| go_on(0.75 + 0.2 * s).is_ok())?;
    linked(rig, &kept, &adjuster.tracks)?;
    let mut refined = adjuster.report(&held_out);
    progress(1.0);
    refined.rig.points_in_world.clone_from(&rig.points_in_world);
    refined.adjusted.points_in_world.clone_from(&rig.points_in_world);
    Ok(refined)
}

fn check_input(rig: &Rig, moments: &[Vec<Option<&Picture>>]) -> Result<(), CalibrateError> {
    for (moment, pictures) in moments.iter().enumerate() {
        if pictures.len() != rig.cameras.len() {
            return Err(CalibrateError::PictureCount { moment, pictures: pictures.len(), cameras: rig.cameras.len() });
        }
        for (picture, camera) in pictures.iter().zip(&rig.cameras) {
            if let Some(p) = picture.filter(|p| (p.width(), p.height()) != (camera.width_px, camera.height_px)) {
                return Err(CalibrateError::PictureSize {
                    camera: camera.name.clone(),
                    width_px: p.width(),
                    height_px: p.height(),
                    rig_width_px: camera.width_px,
                    rig_height_px: camera.height_px,
                });
            }
        }
    }
    let there = (0..rig.cameras.len()).filter(|&i| moments.iter().any(|m| m[i].is_some())).count();
    if there < 2 { Err(CalibrateError::TooFewCameras(there)) } else { Ok(()) }
}

/// Chosen by the corner in the middle, so that it is the same in every run.
fn is_held_out(track: &Track) -> bool {
    let f = track.features[0];
    let h = ((f.moment as u64) << 48 ^ (f.camera as u64) << 32 ^ f.feature as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((h ^ (h >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33).is_multiple_of(HOLD_OUT)
}

/// Every camera that is to be adjusted must hang together with the others.
fn linked(rig: &Rig, kept: &[bool], tracks: &[Track]) -> Result<(), CalibrateError> {
    if tracks.len() < MIN_TRACKS {
        return Err(CalibrateError::TooFewMatches { tracks: tracks.len(), needed: MIN_TRACKS });
    }
    let n = rig.cameras.len();
    let mut shared: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for track in tracks {
        for (k, a) in track.sightings.iter().enumerate() {
            for b in &track.sightings[k + 1..] {
                *shared.entry((a.camera.min(b.camera), a.camera.max(b.camera))).or_default() += 1;
            }
        }
    }
    let mut group: Vec<usize> = (0..n).collect();
    for _ in 0..n {
        for (&(a, b), &count) in &shared {
            if count >= MIN_SHARED {
                let least = group[a].min(group[b]);
                (group[a], group[b]) = (least, least);
            }
        }
    }
    let size = |g: usize| (0..n).filter(|i| group[*i] == g).count();
    let main = (0..n).max_by_key(|&g| (size(g), n - g)).unwrap_or(0);
    let Some(lost) = (0..n).find(|&i| group[i] != main && !kept[i]) else { return Ok(()) };
    let lost: Vec<usize> = (0..n).filter(|&i| group[i] == group[lost] && !kept[i]).collect();
    let count = |a: usize, b: usize| shared.get(&(a.min(b), a.max(b))).copied().unwrap_or(0);
    let apart = |a: usize, b: usize| (rig.cameras[a].center_in_world() - rig.cameras[b].center_in_world()).length();
    let others = || (0..n).filter(|i| group[*i] == main);
    let closest = lost.iter().flat_map(|&a| others().map(move |b| (a, b))).min_by(|x, y| apart(x.0, x.1).total_cmp(&apart(y.0, y.1)));
    let (from, to) = closest.unwrap_or((lost[0], main));
    Err(CalibrateError::Unconnected(Box::new(MissingLink {
        cameras: lost.iter().map(|&i| rig.cameras[i].name.clone()).collect(),
        from: rig.cameras[from].name.clone(),
        to: rig.cameras[to].name.clone(),
        shared: count(from, to),
        needed: MIN_SHARED,
    })))
}

/// The adjustment of one rig over several rounds.
pub(super) struct Adjuster<'a> {
    rig: &'a Rig,
    kept: &'a [bool],
    lens: LensFreedom,
    /// Cameras whose lens stays in any case.
    pub lens_known: &'a [bool],
    pub pull: Pull,
    unit_m: f64,
    pub state: State,
    pub tracks: Vec<Track>,
    pub wrong: Vec<usize>,
    spread_px: f64,
    pub sigma_px: f64,
}

impl<'a> Adjuster<'a> {
    pub fn new(rig: &'a Rig, kept: &'a [bool], lens: LensFreedom, unit_m: f64) -> Self {
        let state = State { cameras: rig.cameras.clone(), points: Vec::new() };
        Self {
            rig,
            kept,
            lens,
            lens_known: &[],
            pull: Pull::CALIBRATED,
            unit_m,
            state,
            tracks: Vec::new(),
            wrong: vec![0; rig.cameras.len()],
            spread_px: 1.0,
            sigma_px: 1.0,
        }
    }

    fn problem(&self) -> Problem<'a> {
        Problem {
            imported: &self.rig.cameras,
            kept: self.kept,
            lens: self.lens,
            lens_known: self.lens_known,
            pull: self.pull,
            unit_m: self.unit_m,
        }
    }

    /// From the state reached so far, with these tracks alone; disagreement begins to count less at `spread_px`, then ever earlier.
    pub fn adjust(&mut self, tracks: Vec<Track>, spread_px: f64, progress: &mut dyn FnMut(f64) -> bool) -> Result<(), CalibrateError> {
        self.tracks = tracks;
        self.wrong.fill(0);
        self.place(spread_px);
        let problem = self.problem();
        self.spread_px = spread_px;
        let rounds = 4;
        for round in 0..rounds {
            let mut part = |s: f64| progress((f64::from(round) + s) / f64::from(rounds));
            solve(&problem, &mut self.state, &self.tracks, self.spread_px, 12, &mut part)?;
            self.sigma_px = self.measured_sigma_px();
            // Cauchy's constant for 95 % efficiency; it never grows.
            self.spread_px = (2.4 * self.sigma_px).clamp(0.02, self.spread_px);
            if round >= 1 {
                self.take_out_wrong();
            }
        }
        let of: Vec<usize> = (0..self.rig.cameras.len()).filter(|&i| !self.kept[i]).collect();
        // Cameras that stay and take part hold the frame; where none does, it is put back.
        let held = |i: usize| self.kept[i] && self.tracks.iter().any(|t| sees(t, i));
        if !(0..self.kept.len()).any(held) {
            put_back(&self.rig.cameras, &mut self.state, &of);
            for (i, kept) in self.kept.iter().enumerate() {
                if *kept {
                    self.state.cameras[i] = self.rig.cameras[i].clone();
                }
            }
        }
        Ok(())
    }

    /// Points where the cameras as they stand now see them.
    fn place(&mut self, spread_px: f64) {
        let cameras = &self.state.cameras;
        let tracks = std::mem::take(&mut self.tracks);
        let placed = tracks.into_iter().filter_map(|t| triangulated(cameras, &t, spread_px).map(|p| (t, p)));
        let (tracks, points) = placed.unzip();
        (self.tracks, self.state.points) = (tracks, points);
    }

    fn residuals(&self) -> impl Iterator<Item = (&Sighting, DVec3)> {
        self.tracks.iter().zip(&self.state.points).flat_map(|(t, p)| t.sightings.iter().map(move |s| (s, *p)))
    }

    /// Error of a sighting in one direction, from the middle of all; sightings of few cameras fit too well, which is made up for.
    fn measured_sigma_px(&self) -> f64 {
        let cameras = &self.state.cameras;
        let mut off: Vec<f64> = self.residuals().filter_map(|(s, p)| off_px(cameras, s, p)).collect();
        off.sort_by(f64::total_cmp);
        let (equations, unknowns) = (2.0 * off.len() as f64, 3.0 * self.tracks.len() as f64 + 6.0 * cameras.len() as f64);
        let freedom = ((equations - unknowns) / equations.max(1.0)).max(0.05);
        // The median of a Rayleigh distribution is 1.177 σ.
        off.get(off.len() / 2).copied().unwrap_or(1.0) / 1.177 / freedom.sqrt()
    }

    /// Sightings far off all others of their point.
    fn take_out_wrong(&mut self) {
        let limit_px = (4.5 * self.sigma_px).max(0.3);
        let cameras = &self.state.cameras;
        let (mut tracks, mut points) = (Vec::new(), Vec::new());
        for (mut track, p) in std::mem::take(&mut self.tracks).into_iter().zip(&self.state.points) {
            let fits: Vec<bool> = track.sightings.iter().map(|s| off_px(cameras, s, *p).is_some_and(|r| r <= limit_px)).collect();
            let enough = fits.iter().filter(|f| **f).count() >= 2;
            for (s, fits) in track.sightings.iter().zip(&fits) {
                self.wrong[s.camera] += usize::from(!fits || !enough);
            }
            if enough {
                let mut keep = fits.iter();
                track.sightings.retain(|_| *keep.next().unwrap_or(&true));
                tracks.push(track);
                points.push(*p);
            }
        }
        (self.tracks, self.state.points) = (tracks, points);
    }

    pub fn rig(&self) -> Rig {
        Rig { cameras: self.state.cameras.clone(), points_in_world: self.rig.points_in_world.clone() }
    }

    fn report(&self, held_out: &[Track]) -> Refined {
        let compared = compare(&self.rig.cameras, &self.state.cameras, held_out);
        let (before, after) = (compared.before, compared.after);
        let verdict = if compared.is_better() { Verdict::Better } else { Verdict::NothingToGain };
        let adjusted = self.rig();
        let n = self.rig.cameras.len();
        let deviations = deviations(&self.problem(), &self.state, &self.tracks, self.spread_px);
        // With the rig that came in, each track's point stands where that rig sees it.
        let mut squares = vec![(0_usize, 0.0, 0.0); n];
        for (track, after) in self.tracks.iter().zip(&self.state.points) {
            let Some(before) = triangulated(&self.rig.cameras, track, 1e3) else { continue };
            for s in &track.sightings {
                let r = |cameras, p| off_px(cameras, s, p).unwrap_or(0.0).powi(2);
                let sum = &mut squares[s.camera];
                *sum = (sum.0 + 1, sum.1 + r(&self.rig.cameras[..], before), sum.2 + r(&self.state.cameras[..], *after));
            }
        }
        let cameras = (0..n)
            .map(|i| {
                let (was, now) = (&self.rig.cameras[i], &adjusted.cameras[i]);
                let turned = rotation_vector(now.camera_from_world.rotation * was.camera_from_world.rotation.transpose());
                let rms = |sum: f64| (sum / squares[i].0.max(1) as f64).sqrt();
                CameraChange {
                    sightings: squares[i].0,
                    wrong: self.wrong[i],
                    turned_rad: turned.length(),
                    moved_m: (now.center_in_world() - was.center_in_world()).length(),
                    rotation_sigma_rad: deviations[i].map(|d| d.0),
                    center_sigma_m: deviations[i].map(|d| d.1),
                    rms_before_px: rms(squares[i].1),
                    rms_after_px: rms(squares[i].2),
                }
            })
            .collect();
        Refined {
            rig: if verdict == Verdict::Better { adjusted.clone() } else { self.rig.clone() },
            adjusted,
            verdict,
            before,
            after,
            wrong_held_out: compared.wrong,
            cameras,
            points: self.tracks.len(),
            sighting_sigma_px: self.sigma_px,
        }
    }
}

fn sees(track: &Track, camera: usize) -> bool {
    track.sightings.iter().any(|s| s.camera == camera)
}
