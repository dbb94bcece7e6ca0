//! From sightings of a board to a rig.

use glam::{DMat3, DVec2, DVec3};
use rayon::prelude::*;

use super::{
    adjust::{Deviation, Problem, State, View, residuals},
    clocks::clocks,
    description::Board,
    gate,
    graph::{Link, Poses, board_in_world, groups, links},
    lens_model::Misfit,
    lens_start::{given_misfit, own_lens, pairs},
    outcome::{BoardFailure, BoardOptions, Calibration, CameraFit, Candidate, GateFinding, Light, Seen, TakenOut, Unsolved},
    sides::tell_back_off,
};
use crate::{
    geometry::{Lens, Pose, nearest_point_to_rays},
    rig::{Camera, Rig},
};

/// Fewer boards that contradict are no reason to leave a camera out.
const LEAST_CONTRADICTING: usize = 5;
/// Where cameras together fit so much worse than each alone, they did not see the board in one place: lenses would be bent to make up for it.
const OUT_OF_STEP: f64 = 1.8;

/// Solves a rig. `progress` gets the share done and returns false to cancel.
pub fn calibrate(
    board: &Board,
    candidates: &[Candidate],
    seen: &[Seen],
    options: &BoardOptions,
    progress: &mut dyn FnMut(f64) -> bool,
) -> Result<Calibration, BoardFailure> {
    let n = candidates.len();
    let instants = seen.iter().map(|s| s.instant + 1).max().unwrap_or(0);
    let blank = |c: &Candidate| Camera {
        name: c.name.clone(),
        width_px: c.width_px,
        height_px: c.height_px,
        lens: c.lens.unwrap_or(Lens::pinhole(1.0, 1.0, 0.0, 0.0)),
        camera_from_world: Pose::IDENTITY,
        clock_offset_nanos: 0,
    };
    let mut cameras: Vec<Camera> = candidates.iter().map(blank).collect();
    let going_on = |done: f64, progress: &mut dyn FnMut(f64) -> bool| if progress(done) { Ok(()) } else { Err(BoardFailure::Cancelled) };
    going_on(0.0, progress)?;
    let mut unsolved: Vec<Option<Unsolved>> = vec![None; n];
    let mut own_deviation = vec![Deviation::default(); n];
    let mut misfits: Vec<Option<Misfit>> = vec![None; n];
    for i in 0..n {
        let views: Vec<_> = seen.iter().filter(|s| s.camera == i).map(|s| pairs(board, s)).collect();
        if candidates[i].lens.is_some() {
            misfits[i] = given_misfit(&cameras[i], &views, board);
        } else {
            match own_lens(&cameras[i], &views, board, options.model) {
                Ok(own) => {
                    cameras[i].lens = own.lens;
                    (own_deviation[i], misfits[i]) = (own.deviation, own.misfit);
                }
                Err(e) => unsolved[i] = Some(e.into()),
            }
        }
        going_on(0.5 * (i + 1) as f64 / n as f64, progress)?;
    }
    let mut poses: Vec<Poses> = vec![vec![vec![]; instants]; n];
    let each: Vec<_> = seen
        .par_iter()
        .map(|s| {
            if unsolved[s.camera].is_some() { vec![] } else { board.placed(&cameras[s.camera].lens, &pairs(board, s), s.is_of_back(board)) }
        })
        .collect();
    for (s, placed) in seen.iter().zip(each) {
        poses[s.camera][s.instant] = placed;
    }
    let all = poses.clone();
    for s in seen.iter().filter(|s| s.moving) {
        poses[s.camera][s.instant].clear();
    }
    let mut found = links(board, &cameras, &poses);
    let mut together = groups(n, &found).into_iter().next().unwrap_or_default();
    let solvable = unsolved.iter().filter(|u| u.is_none()).count();
    let with_motion = together.len() < solvable && seen.iter().any(|s| s.moving);
    if with_motion {
        poses = all;
        found = links(board, &cameras, &poses);
        together = groups(n, &found).into_iter().next().unwrap_or_default();
    }
    going_on(0.6, progress)?;
    let linked: Vec<Link> = found.iter().map(|(l, _)| *l).collect();
    for (i, unsolved) in unsolved.iter_mut().enumerate() {
        if unsolved.is_none() && !together.iter().any(|(j, _)| *j == i) {
            *unsolved = Some(unconnected(candidates, &linked, &together, i));
        }
    }
    if together.len() < 2 {
        let told: Vec<String> = unsolved.iter().zip(candidates).filter_map(|(u, c)| Some(format!("{}: {}", c.name, u.as_ref()?))).collect();
        return Err(BoardFailure::Nothing(told.join("; ")));
    }
    for (i, pose) in &together {
        cameras[*i].camera_from_world = *pose;
    }
    let mut whole = Whole::new(board, candidates, cameras, &poses, seen, options, together[0].0, &unsolved);
    (whole.own_deviation, whole.misfits) = (own_deviation, misfits);
    if with_motion {
        whole.notes.push("boards in motion were used too: those that were held still do not connect all cameras. Hold the board still for a second in each place".into());
    }
    whole.adjust(&mut |done| progress(0.6 + 0.35 * done))?;
    whole.leave_out_contradicting(&mut unsolved, &mut |done| progress(0.95 + 0.05 * done))?;
    whole.finish(board, candidates, linked, unsolved, seen, options)
}

fn unconnected(candidates: &[Candidate], links: &[Link], together: &[(usize, Pose)], i: usize) -> Unsolved {
    let inside = |j: usize| together.iter().any(|(k, _)| *k == j);
    let other = |l: &Link| if l.from == i { l.to } else { l.from };
    // Where all is equal, the neighbour in the order of the names.
    let best = links
        .iter()
        .filter(|l| (l.from == i || l.to == i) && inside(other(l)))
        .max_by_key(|l| (l.agreeing, usize::MAX - other(l).abs_diff(i)));
    let with = best.map_or_else(|| "none".to_owned(), |l| candidates[other(l)].name.clone());
    let name = &candidates[i].name;
    let remedy = match best {
        Some(l) if l.shared > l.agreeing + 2 => format!(
            "At {} instants both saw it, but they do not agree: check that {name} and {with} are in step, and that neither picture is mirrored",
            l.shared
        ),
        _ => format!("Hold the board where {name} and {with} both see it, turned half-way between them, and carry it through that place"),
    };
    Unsolved::Unconnected { with, best: best.map_or(0, |l| l.agreeing), needed: super::graph::LEAST_SHARED, remedy }
}

/// Everything together.
struct Whole {
    state: State,
    problem: Problem,
    views: Vec<View>,
    /// Corners that were taken out, per camera.
    wrong: Vec<usize>,
    taken_out: Vec<TakenOut>,
    /// Boards that were taken out, as they were.
    dropped: Vec<View>,
    solved: Vec<bool>,
    /// The camera that stays where it is.
    root: usize,
    /// Error of a corner in one direction where each board is placed before its camera alone, px.
    alone_sigma_px: f64,
    own_deviation: Vec<Deviation>,
    /// Lenses that their cameras' own pictures contradict.
    misfits: Vec<Option<Misfit>>,
    findings: Vec<GateFinding>,
    step_px: Option<(f64, f64, bool)>,
    notes: Vec<String>,
}

impl Whole {
    fn new(
        board: &Board,
        candidates: &[Candidate],
        cameras: Vec<Camera>,
        poses: &[Poses],
        seen: &[Seen],
        options: &BoardOptions,
        root: usize,
        unsolved: &[Option<Unsolved>],
    ) -> Self {
        let solved: Vec<bool> = unsolved.iter().map(Option::is_none).collect();
        let instants = poses.first().map_or(0, Vec::len);
        let in_world = |t: usize| {
            let seen: Vec<_> =
                (0..cameras.len()).filter(|i| solved[*i] && !poses[*i][t].is_empty()).map(|i| (i, poses[i][t].as_slice())).collect();
            board_in_world(board, &cameras, &seen)
        };
        let world_from_board: Vec<Option<Pose>> = (0..instants).into_par_iter().map(in_world).collect();
        let views = seen
            .iter()
            .filter(|s| solved[s.camera] && world_from_board[s.instant].is_some() && !poses[s.camera][s.instant].is_empty())
            .map(|s| View {
                camera: s.camera,
                board: s.instant,
                corners: s.corners.iter().map(|(i, px)| (board.corner_in_board(*i), *px)).collect(),
                back: s.is_of_back(board),
            })
            .collect();
        let lens_free = |(c, solved): (&Candidate, &bool)| (c.lens.is_none() && *solved).then_some(options.model);
        let problem = Problem {
            lens_free: candidates.iter().zip(&solved).map(lens_free).collect(),
            back_free: false,
            pose_free: (0..cameras.len()).map(|i| solved[i] && i != root).collect(),
            start: cameras.iter().map(|c| c.lens).collect(),
            spread_px: 10.0,
        };
        let world_from_board = world_from_board.into_iter().map(|p| p.unwrap_or(Pose::IDENTITY)).collect();
        let n = cameras.len();
        let mut alone: Vec<f64> = poses.iter().flatten().filter_map(|p| Some(p.first()?.rms_px)).collect();
        alone.sort_by(f64::total_cmp);
        Self {
            state: State { cameras, world_from_board, back_off: DVec3::ZERO },
            problem,
            views,
            wrong: vec![0; n],
            taken_out: vec![],
            dropped: vec![],
            solved,
            root,
            alone_sigma_px: alone.get(alone.len() / 2).copied().unwrap_or(1.0) / std::f64::consts::SQRT_2,
            own_deviation: vec![Deviation::default(); n],
            misfits: vec![None; n],
            findings: vec![],
            step_px: None,
            notes: vec![],
        }
    }

    fn adjust(&mut self, progress: &mut dyn FnMut(f64) -> bool) -> Result<(), BoardFailure> {
        // Where lenses first follow from each camera alone, the cameras find their places before the lenses move.
        let free = std::mem::replace(&mut self.problem.lens_free, vec![None; self.solved.len()]);
        for (k, spread_px) in [10.0, 3.0].into_iter().enumerate() {
            self.problem.spread_px = spread_px;
            self.run(15, &mut || progress(0.1 * k as f64))?;
        }
        // What was measured with a ruler is not known to a pixel.
        self.problem.back_free = self.views.iter().any(|v| v.back) && self.views.iter().any(|v| !v.back);
        if self.problem.back_free {
            self.run(15, &mut || progress(0.2))?;
        }
        // Lenses do not fit yet: only what is far off.
        self.take_out_wrong(12.0);
        self.problem.spread_px = (2.5 * self.sigma_px()).clamp(0.1, 5.0);
        self.run(15, &mut || progress(0.2))?;
        let (together_px, alone_px) = (self.sigma_px(), self.alone_sigma_px);
        let is_in_step = together_px < OUT_OF_STEP * alone_px + 0.05;
        self.step_px = Some((alone_px, together_px, is_in_step));
        if is_in_step {
            self.problem.lens_free = free;
        } else if self.misfits.iter().zip(&self.solved).all(|(m, solved)| m.is_none() || !solved) {
            // A wrong lens looks the same, and is told as what it is.
            self.findings.push(GateFinding {
                light: Light::Amber,
                cameras: vec![],
                what: format!(
                    "corners fit to {alone_px:.2} px within each camera, but only to {together_px:.2} px between the cameras: the board moved while they looked. \
                     Lenses are those of each camera alone. Hold the board still, or bring the cameras in step (genlock, volte rig sync)"
                ),
            });
        }
        for k in 0..4 {
            let sigma = self.sigma_px();
            self.problem.spread_px = (2.5 * sigma).clamp(0.1, 5.0);
            self.run(25, &mut || progress(0.4 + 0.15 * f64::from(k)))?;
            if k < 3 {
                self.take_out_wrong(5.0);
            }
        }
        Ok(())
    }

    fn run(&mut self, rounds: usize, going_on: &mut dyn FnMut() -> bool) -> Result<(), BoardFailure> {
        if self.problem.solve(&mut self.state, &self.views, rounds, going_on) { Ok(()) } else { Err(BoardFailure::Cancelled) }
    }

    fn off_px<'a>(&'a self, view: &'a View) -> impl Iterator<Item = f64> + 'a {
        residuals(&self.state, view).map(|r| r.map_or(1e3, DVec2::length))
    }

    /// Error of a corner in one direction, px, from the middle of all.
    fn sigma_px(&self) -> f64 {
        let mut off: Vec<f64> = self.views.iter().flat_map(|v| self.off_px(v).collect::<Vec<_>>()).collect();
        off.sort_by(f64::total_cmp);
        // The median of a Rayleigh distribution is 1.177 σ.
        off.get(off.len() / 2).copied().unwrap_or(1.0) / 1.177
    }

    /// Takes out boards that contradict all others, then single corners.
    fn take_out_wrong(&mut self, sigmas: f64) {
        let limit_px = (sigmas * self.sigma_px()).max(0.3);
        let (mut kept, mut out) = (Vec::new(), Vec::new());
        for mut view in std::mem::take(&mut self.views) {
            let off: Vec<f64> = self.off_px(&view).collect();
            let mut sorted = off.clone();
            sorted.sort_by(f64::total_cmp);
            let median = sorted.get(sorted.len() / 2).copied().unwrap_or(1e3);
            let fits = off.iter().filter(|o| **o <= limit_px).count();
            if median > limit_px || fits < 4 {
                self.wrong[view.camera] += off.len();
                out.push(TakenOut { camera: view.camera, instant: view.board, off_px: median });
                self.dropped.push(view);
                continue;
            }
            self.wrong[view.camera] += off.len() - fits;
            let mut keep = off.iter().map(|o| *o <= limit_px);
            view.corners.retain(|_| keep.next().unwrap_or(true));
            kept.push(view);
        }
        self.views = kept;
        self.taken_out.extend(out);
    }

    /// How many boards of a camera, which others saw too, were kept and taken out.
    fn shared(&self, camera: usize) -> (usize, usize) {
        let by_others =
            |t: usize| self.views.iter().chain(&self.dropped).any(|v| v.board == t && v.camera != camera && self.solved[v.camera]);
        let count = |views: &[View]| views.iter().filter(|v| v.camera == camera && by_others(v.board)).count();
        (count(&self.views), count(&self.dropped))
    }

    /// A camera most of whose boards contradict the others has no place that anybody vouches for; it goes, and what it contradicted gets another hearing.
    fn leave_out_contradicting(
        &mut self,
        unsolved: &mut [Option<Unsolved>],
        progress: &mut dyn FnMut(f64) -> bool,
    ) -> Result<(), BoardFailure> {
        let n = self.solved.len();
        while self.solved.iter().filter(|s| **s).count() > 2 {
            let share = |i: usize| {
                let (kept, out) = self.shared(i);
                (out >= LEAST_CONTRADICTING && out > kept).then(|| out as f64 / (kept + out) as f64)
            };
            let worst = (0..n).filter(|i| self.solved[*i]).filter_map(|i| Some((share(i)?, i))).max_by(|a, b| a.0.total_cmp(&b.0));
            let Some((_, i)) = worst else { break };
            let (kept, out) = self.shared(i);
            unsolved[i] = Some(Unsolved::Contradicts { out, of: kept + out });
            (self.solved[i], self.problem.pose_free[i], self.problem.lens_free[i]) = (false, false, None);
            self.views.retain(|v| v.camera != i);
            let (again, dropped): (Vec<View>, Vec<View>) =
                std::mem::take(&mut self.dropped).into_iter().partition(|v| self.solved[v.camera]);
            for v in &again {
                self.wrong[v.camera] -= v.corners.len().min(self.wrong[v.camera]);
                self.taken_out.retain(|t| (t.camera, t.instant) != (v.camera, v.board));
            }
            self.dropped = dropped;
            self.views.extend(again);
            if i == self.root {
                let most = |i: &usize| self.views.iter().filter(|v| v.camera == *i).count();
                self.root = (0..n).filter(|i| self.solved[*i]).max_by_key(most).unwrap_or(self.root);
                self.problem.pose_free[self.root] = false;
            }
            for sigmas in [8.0, 5.0, 5.0] {
                self.problem.spread_px = (2.5 * self.sigma_px()).clamp(0.1, 5.0);
                self.run(20, &mut || progress(0.0))?;
                self.take_out_wrong(sigmas);
            }
            self.run(15, &mut || progress(0.5))?;
        }
        Ok(())
    }

    /// What the gate asks beside how far corners are off.
    fn judge(&mut self, candidates: &[Candidate], cameras: &[CameraFit]) {
        let two = self.solved.iter().filter(|s| **s).count() == 2;
        for (i, c) in cameras.iter().enumerate().filter(|(i, _)| self.solved[*i]) {
            let name = &candidates[i].name;
            self.findings.extend(self.misfits[i].map(|m| m.finding(name)));
            let (kept, out) = self.shared(i);
            let mut say = |light, what| self.findings.push(GateFinding { light, cameras: vec![name.clone()], what });
            if out > 2 && out * 3 > kept {
                say(
                    if two && out > kept { Light::Red } else { Light::Amber },
                    format!(
                        "{out} of its {} boards that others saw too contradict them. Is it in step (volte rig sync), and was the board held still?",
                        out + kept
                    ),
                );
            } else if c.wrong * 7 > c.corners + c.wrong {
                say(
                    Light::Amber,
                    format!(
                        "{} of its {} corners are far from where the others have them and were taken out. Is the board flat, and its picture sharp?",
                        c.wrong,
                        c.corners + c.wrong
                    ),
                );
            }
        }
    }

    fn finish(
        mut self,
        board: &Board,
        candidates: &[Candidate],
        links: Vec<Link>,
        mut unsolved: Vec<Option<Unsolved>>,
        seen: &[Seen],
        options: &BoardOptions,
    ) -> Result<Calibration, BoardFailure> {
        // A camera whose boards were nearly all taken out has no place that anybody vouches for.
        for (i, reason) in unsolved.iter_mut().enumerate() {
            if !self.solved[i] {
                continue;
            }
            let kept = self.views.iter().filter(|v| v.camera == i).count();
            let out = self.taken_out.iter().filter(|t| t.camera == i).count();
            if kept < super::graph::LEAST_SHARED {
                *reason = Some(Unsolved::Contradicts { out, of: kept + out });
                (self.solved[i], self.problem.pose_free[i], self.problem.lens_free[i]) = (false, false, None);
            }
        }
        if self.solved.iter().filter(|s| **s).count() < 2 {
            let told: Vec<String> =
                unsolved.iter().zip(candidates).filter_map(|(u, c)| Some(format!("{}: {}", c.name, u.as_ref()?))).collect();
            return Err(BoardFailure::Nothing(told.join("; ")));
        }
        self.views.retain(|v| self.solved[v.camera]);
        // Somebody has to stand, or no deviation could be told: the first went with its camera.
        if let Some(first) = self.solved.iter().position(|s| *s)
            && self.problem.pose_free.iter().zip(&self.solved).all(|(free, solved)| *free || !solved)
        {
            self.problem.pose_free[first] = false;
        }
        let (mut deviations, back_sigma_m) = self.problem.deviations(&self.state, &self.views);
        for (i, d) in deviations.iter_mut().enumerate().filter(|(i, _)| self.problem.lens_free[*i].is_none()) {
            (d.focal_px, d.center_px) = (self.own_deviation[i].focal_px, self.own_deviation[i].center_px);
        }
        self.misfits.iter().zip(&mut deviations).filter_map(|(m, d)| Some((m.as_ref()?, d))).for_each(|(m, d)| m.widen(d));
        let mut off: Vec<f64> = self.views.iter().flat_map(|v| self.off_px(v).collect::<Vec<_>>()).collect();
        off.sort_by(f64::total_cmp);
        let rms = |off: &[f64]| (off.iter().map(|o| o * o).sum::<f64>() / off.len().max(1) as f64).sqrt();
        let (rms_px, p95_px) = (rms(&off), off.get(off.len() * 95 / 100).copied().unwrap_or(0.0));
        let fit = |(i, unsolved): (usize, Option<Unsolved>)| {
            let own: Vec<&View> = self.views.iter().filter(|v| v.camera == i).collect();
            let off: Vec<f64> = own.iter().flat_map(|v| self.off_px(v)).collect();
            CameraFit { boards: own.len(), corners: off.len(), wrong: self.wrong[i], rms_px: rms(&off), deviation: deviations[i], unsolved }
        };
        let cameras: Vec<CameraFit> = unsolved.into_iter().enumerate().map(fit).collect();
        let mut notes = std::mem::take(&mut self.notes);
        self.judge(candidates, &cameras);
        let clocks = clocks(board, &self.state.cameras, &self.solved, seen);
        self.findings.extend(gate::of_clocks(&clocks, &candidates.iter().map(|c| c.name.as_str()).collect::<Vec<_>>()));
        let back_off = board.thickness_m().and_then(|t| tell_back_off(self.state.back_off, back_sigma_m, t));
        notes.extend(back_off.as_ref().map(|(_, told)| told.clone()));
        let floor = options.floor.map(|t| self.views.iter().any(|v| v.board == t).then_some(t).ok_or(BoardFailure::NoFloor)).transpose()?;
        let new_from_world = self.upright(board, floor)?;
        if floor.is_none() {
            notes.push("up is the mean of the cameras' own, the origin where they look: lay the board on the floor and say so (--floor, or FLOOR in the console) for a true floor".into());
        }
        let world_from_new = new_from_world.inverse();
        let solved =
            |(c, is): (Camera, &bool)| is.then(|| Camera { camera_from_world: c.camera_from_world.then_from(&world_from_new), ..c });
        let rig = Rig {
            cameras: std::mem::take(&mut self.state.cameras).into_iter().zip(&self.solved).filter_map(solved).collect(),
            points_in_world: vec![],
        };
        let back_off_m = back_off.map(|(off_m, _)| off_m);
        let (of_rig, gaps) = gate::of_rig(&rig);
        let mut findings = self.findings;
        findings.extend(of_rig);
        findings.sort_by_key(|f| std::cmp::Reverse(f.light));
        let reference = Some(self.root);
        Ok(Calibration {
            rig,
            cameras,
            links,
            taken_out: self.taken_out,
            rms_px,
            p95_px,
            step_px: self.step_px,
            back_off_m,
            notes,
            findings,
            gaps,
            clocks,
            reference,
        })
    }

    /// The world that is wanted: +z up, the floor at 0.
    fn upright(&self, board: &Board, floor: Option<usize>) -> Result<Pose, BoardFailure> {
        let cameras: Vec<&Camera> = self.state.cameras.iter().zip(&self.solved).filter(|(_, s)| **s).map(|(c, _)| c).collect();
        let up = |c: &Camera| c.camera_from_world.rotation.transpose() * DVec3::NEG_Y;
        let mean_up = cameras.iter().map(|c| up(c)).sum::<DVec3>().normalize_or(DVec3::Z);
        if let Some(t) = floor {
            let pose = self.state.world_from_board[t];
            // The board's z goes into the floor, its y towards the one who reads it.
            let (mut x, mut z) = (pose.rotation.x_axis, -pose.rotation.z_axis);
            let mut middle = pose.apply((0.5 * board.size_m()).extend(0.0));
            if let Some(thickness_m) = board.thickness_m().filter(|_| z.dot(mean_up) < 0.0) {
                // It lies with its back up.
                (x, z, middle) = (-x, -z, middle + pose.rotation.z_axis * (thickness_m + self.state.back_off.z));
            }
            let tilt_deg = z.dot(mean_up).clamp(-1.0, 1.0).acos().to_degrees();
            // Cameras look down at up to 60°: their own up is no level.
            if tilt_deg > 75.0 {
                return Err(BoardFailure::FloorNotLevel { tilt_deg });
            }
            return Ok(frame(x, z, middle));
        }
        let rays: Vec<(DVec3, DVec3)> = cameras.iter().map(|c| (c.center_in_world(), c.camera_from_world.forward_in_world())).collect();
        let middle = nearest_point_to_rays(&rays).unwrap_or_else(|| rays.iter().map(|r| r.0).sum::<DVec3>() / rays.len() as f64);
        // The cameras' mean forward becomes +y.
        let forward = rays.iter().map(|r| r.1).sum::<DVec3>();
        Ok(frame(forward.cross(mean_up), mean_up, middle))
    }
}

/// `new_from_world` of axes x (made square to z) and z at an origin.
pub(super) fn frame(x: DVec3, z: DVec3, origin: DVec3) -> Pose {
    let z = z.normalize_or(DVec3::Z);
    let x = (x - z * x.dot(z)).try_normalize().unwrap_or_else(|| z.any_orthonormal_vector());
    let rotation = DMat3::from_cols(x, z.cross(x), z).transpose();
    Pose { rotation, translation: -(rotation * origin) }
}
