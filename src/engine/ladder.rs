//! The fallback ladder: from a gap's score to what may be shown in it. Pure: figures in, a rung and its reason out.
//!
//! Must not know: GPU, threads, pictures.

use super::meter::CameraScore;
use crate::view::ViewMode;

/// From this score a gap is good: full synthesis. dB at [`super::truth::METER_SIZE_PX`], of the gap of double width that the
/// honest leave-one-out bridges. What the operator sees of it: docs/operator.md; on the venue: docs/bench.md.
pub const GOOD_DB: f64 = 25.0;
/// Below this score a gap is poor, and nothing synthesized is shown, unless it leads by [`MIN_LEAD_DB`].
pub const POOR_DB: f64 = 19.0;
/// A gap whose synthesis is so far ahead of the plain cross-fade of the same cameras is not poor, whatever its dB: a scene full of
/// fine detail scores low however true its depth is, and the cross-fade scores low with it. Where the depth is lost the lead is too.
pub const MIN_LEAD_DB: f64 = 2.5;
/// A gap keeps its class until its score is this far beyond the threshold, dB: neighbouring instants differ by a few tenths.
pub const HYSTERESIS_DB: f64 = 0.5;
/// With a larger share of filled (never seen) pixels than this, a gap is one class worse than its dB say.
pub const MAX_FILLED_SHARE: f64 = 0.15;
/// In a fair gap the soft fade is shown unless it is worse than full synthesis by more than this, dB: an in-between that is soft
/// disturbs less than one that splinters.
pub const SOFT_MAY_LOSE_DB: f64 = 0.5;
/// On the rung of cuts, the other camera is shown only when the position is this far beyond the middle, gaps.
pub const CUT_HYSTERESIS_GAPS: f64 = 0.06;

/// What a gap between two neighbours allows. By its measured score where there is one, else by its angle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapQuality {
    /// Full synthesis.
    Good,
    /// Synthesis with visible limits.
    Fair,
    /// Nothing synthesized can be trusted.
    Poor,
}

impl GapQuality {
    /// An estimate from the angle between neighbours, degrees.
    pub fn of_degrees(degrees: f64) -> Self {
        if degrees <= 12.0 {
            Self::Good
        } else if degrees <= 25.0 {
            Self::Fair
        } else {
            Self::Poor
        }
    }

    /// Of a measured score; `before` is the class that the gap had, which it keeps within half a dB of the threshold.
    pub fn of_score(score: &GapScore, before: Option<Self>) -> Self {
        // Towards the class that was, the threshold gives way; without one it stands where it is written.
        let reaches = |db: f64, threshold: f64, or_better: Self| {
            let give = match before {
                None => 0.0,
                Some(was) if was.is_at_least(or_better) => -HYSTERESIS_DB,
                Some(_) => HYSTERESIS_DB,
            };
            db >= threshold + give
        };
        let class = match () {
            () if reaches(score.db, GOOD_DB, Self::Good) => Self::Good,
            () if reaches(score.db, POOR_DB, Self::Fair) || reaches(score.lead_db, MIN_LEAD_DB, Self::Fair) => Self::Fair,
            () => Self::Poor,
        };
        if score.filled_share > MAX_FILLED_SHARE { class.one_worse() } else { class }
    }

    const fn is_at_least(self, other: Self) -> bool {
        self as u8 <= other as u8
    }

    const fn one_worse(self) -> Self {
        match self {
            Self::Good => Self::Fair,
            Self::Fair | Self::Poor => Self::Poor,
        }
    }

    /// As shown to the operator.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Fair => "fair",
            Self::Poor => "poor",
        }
    }
}

/// A rung of the ladder, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// Full synthesis.
    #[default]
    Synthesis,
    /// A cross-fade of the two neighbours with smooth depth.
    SoftFade,
    /// The nearest camera's real picture, hard cut.
    Cut,
}

impl Rung {
    /// All, best first.
    pub const ALL: [Self; 3] = [Self::Synthesis, Self::SoftFade, Self::Cut];

    /// As shown to the operator.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Synthesis => "synthesis",
            Self::SoftFade => "soft fade",
            Self::Cut => "cut",
        }
    }

    /// How its pictures are rendered.
    pub const fn mode(self) -> ViewMode {
        match self {
            Self::Synthesis => ViewMode::Synthesis,
            Self::SoftFade => ViewMode::SoftFade,
            Self::Cut => ViewMode::Nearest,
        }
    }
}

/// Why a gap is on its rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RungReason {
    /// Not measured: an estimate from the angle. It never takes the pictures between the cameras away.
    #[default]
    Estimate,
    /// The measured score.
    Score,
    /// The operator chose this rung for the gap.
    Operator,
    /// The switch "real pixels only" is on.
    RealPixelsOnly,
}

impl RungReason {
    /// As shown to the operator.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Estimate => "estimated",
            Self::Score => "measured",
            Self::Operator => "by hand",
            Self::RealPixelsOnly => "real pixels only",
        }
    }
}

/// The score of a gap: of each figure the worse of the gap's two ends.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct GapScore {
    /// PSNR of full synthesis over the covered pixels, dB.
    pub db: f64,
    /// PSNR of the soft fade, dB.
    pub soft_db: f64,
    /// How far full synthesis is ahead of the plain cross-fade of the same cameras, dB.
    pub lead_db: f64,
    /// SSIM of full synthesis.
    pub ssim: f64,
    /// Share of filled pixels, 0…1.
    pub filled_share: f64,
    /// The end that decides `db`: a camera's number along the arc.
    pub worse_end: usize,
}

/// What a gap shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GapState {
    /// Angle seen from the subject, degrees.
    pub degrees: f64,
    /// Class.
    pub quality: GapQuality,
    /// What was measured.
    pub score: Option<GapScore>,
    /// Rung in use.
    pub rung: Rung,
    /// Why.
    pub why: RungReason,
}

/// Whether the meter can hide the camera at `k` along the arc: it is there, two others are too, and it is not the last one of
/// an open arc (beyond it nothing is synthesized).
pub fn can_be_hidden(present: &[bool], closed: bool, k: usize) -> bool {
    let count = present.iter().filter(|p| **p).count();
    let first = present.iter().position(|p| *p);
    let last = present.iter().rposition(|p| *p);
    present.get(k) == Some(&true) && count >= 3 && (closed || (Some(k) != first && Some(k) != last))
}

/// Scores of the gaps from those of the cameras, both along the arc. A gap has a score when every end of it that can be hidden
/// has one (at least one end); the ends of a bridged gap are the next cameras that are there.
pub fn gap_scores(present: &[bool], closed: bool, cameras: &[Option<CameraScore>]) -> Vec<Option<GapScore>> {
    let n = present.len().min(cameras.len());
    let gaps = if closed { n } else { n.saturating_sub(1) };
    let end = |from: usize, forward: bool| {
        (0..n).map(|step| if forward { (from + step) % n } else { (from + n - step) % n }).find(|&k| present[k])
    };
    (0..gaps)
        .map(|gap| {
            let ends = [end(gap, false)?, end((gap + 1) % n, true)?];
            let mut worst: Option<GapScore> = None;
            for k in ends.into_iter().filter(|&k| can_be_hidden(present, closed, k)) {
                let c = cameras[k]?;
                let one = GapScore {
                    db: c.psnr_db,
                    soft_db: c.soft_psnr_db,
                    lead_db: c.psnr_db - c.fade_psnr_db,
                    ssim: c.ssim,
                    filled_share: c.filled_share,
                    worse_end: k,
                };
                worst = Some(worst.map_or(one, |w| GapScore {
                    db: w.db.min(one.db),
                    soft_db: w.soft_db.min(one.soft_db),
                    lead_db: w.lead_db.min(one.lead_db),
                    ssim: w.ssim.min(one.ssim),
                    filled_share: w.filled_share.max(one.filled_share),
                    worse_end: if one.db < w.db { k } else { w.worse_end },
                }));
            }
            worst
        })
        .collect()
}

/// The rung that the figures speak for.
fn automatic(quality: GapQuality, score: Option<&GapScore>) -> Rung {
    match (quality, score) {
        (GapQuality::Poor, None) => Rung::SoftFade,
        (GapQuality::Fair, Some(s)) if s.soft_db >= s.db - SOFT_MAY_LOSE_DB => Rung::SoftFade,
        (GapQuality::Good | GapQuality::Fair, _) => Rung::Synthesis,
        (GapQuality::Poor, Some(_)) => Rung::Cut,
    }
}

/// The ladder of an arc: what the operator chose, and the memory that keeps it from flickering.
#[derive(Debug, Clone, Default)]
pub struct Ladder {
    /// Nothing but the cameras' own pictures.
    pub real_pixels_only: bool,
    by_hand: Vec<Option<Rung>>,
    classes: Vec<Option<GapQuality>>,
    gaps: Vec<GapState>,
}

impl Ladder {
    /// For gaps of these angles, degrees.
    pub fn new(degrees: &[f64]) -> Self {
        let mut ladder = Self {
            by_hand: vec![None; degrees.len()],
            classes: vec![None; degrees.len()],
            gaps: degrees
                .iter()
                .map(|&degrees| GapState {
                    degrees,
                    quality: GapQuality::of_degrees(degrees),
                    score: None,
                    rung: Rung::default(),
                    why: RungReason::default(),
                })
                .collect(),
            ..Self::default()
        };
        ladder.update(&[]);
        ladder
    }

    /// The gaps as they are.
    pub fn gaps(&self) -> &[GapState] {
        &self.gaps
    }

    /// The gap at a position along the arc.
    pub fn at(&self, position: f64) -> Option<&GapState> {
        gap_at(position, self.gaps.len()).and_then(|k| self.gaps.get(k))
    }

    /// The operator's choice for a gap; `None` gives it back to the score. False when there is no such gap.
    pub fn choose(&mut self, gap: usize, rung: Option<Rung>) -> bool {
        let Some(choice) = self.by_hand.get_mut(gap) else { return false };
        *choice = rung;
        true
    }

    /// What the operator chose for a gap.
    pub fn chosen(&self, gap: usize) -> Option<Rung> {
        self.by_hand.get(gap).copied().flatten()
    }

    /// New scores (none for gaps beyond the slice); call it after every change.
    pub fn update(&mut self, scores: &[Option<GapScore>]) {
        for (k, gap) in self.gaps.iter_mut().enumerate() {
            gap.score = scores.get(k).copied().flatten();
            gap.quality = match &gap.score {
                Some(score) => {
                    let class = GapQuality::of_score(score, self.classes[k]);
                    self.classes[k] = Some(class);
                    class
                }
                // What was measured an instant ago says more than the angle, but it is not shown as measured.
                None => self.classes[k].unwrap_or_else(|| GapQuality::of_degrees(gap.degrees)),
            };
            (gap.rung, gap.why) = match (self.real_pixels_only, self.by_hand[k], &gap.score) {
                (true, ..) => (Rung::Cut, RungReason::RealPixelsOnly),
                (false, Some(rung), _) => (rung, RungReason::Operator),
                (false, None, Some(score)) => (automatic(gap.quality, Some(score)), RungReason::Score),
                (false, None, None) => (automatic(gap.quality, None), RungReason::Estimate),
            };
        }
    }
}

/// The gap that a position along the arc lies in, of so many.
pub fn gap_at(position: f64, gaps: usize) -> Option<usize> {
    let last = gaps.checked_sub(1)?;
    position.is_finite().then(|| (position.max(0.0).floor() as usize).min(last))
}

/// The camera that a cut shows at a position: the nearest of those that are there, but `shown` until the position is
/// [`CUT_HYSTERESIS_GAPS`] beyond the middle. Numbers along the arc.
pub fn cut_camera(present: &[bool], closed: bool, position: f64, shown: Option<usize>) -> Option<usize> {
    let n = present.len() as f64;
    let distance = |k: usize| {
        let straight = (k as f64 - position).abs();
        if closed { straight.min(n - straight) } else { straight }
    };
    let nearest = (0..present.len()).filter(|&k| present[k]).min_by(|&a, &b| distance(a).total_cmp(&distance(b)))?;
    match shown {
        // Twice the way beyond the middle is the difference of the two distances.
        Some(k) if present.get(k) == Some(&true) && distance(k) - distance(nearest) < 2.0 * CUT_HYSTERESIS_GAPS => Some(k),
        _ => Some(nearest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(db: f64) -> CameraScore {
        CameraScore { psnr_db: db, soft_psnr_db: db - 0.2, fade_psnr_db: db - 1.0, ssim: 0.9, filled_share: 0.01 }
    }

    fn gap(db: f64, soft_db: f64) -> GapScore {
        GapScore { db, soft_db, lead_db: 0.0, ssim: 0.9, filled_share: 0.0, worse_end: 1 }
    }

    fn dbs(scores: &[Option<GapScore>]) -> Vec<Option<f64>> {
        scores.iter().map(|s| s.map(|s| s.db)).collect()
    }

    #[test]
    fn a_gap_is_as_true_as_its_worse_end() {
        let here = [true; 5];
        // The ends of an open arc are not hidden: the outer gaps have one end.
        let scores = gap_scores(&here, false, &[None, Some(camera(30.0)), Some(camera(20.0)), Some(camera(28.0)), None]);
        assert_eq!(dbs(&scores), [Some(30.0), Some(20.0), Some(20.0), Some(28.0)]);
        assert_eq!(scores[2].unwrap().worse_end, 2);
        // A ring has no ends; the last gap closes it.
        let ring =
            gap_scores(&here, true, &[Some(camera(31.0)), Some(camera(30.0)), Some(camera(29.0)), Some(camera(28.0)), Some(camera(27.0))]);
        assert_eq!(dbs(&ring), [Some(30.0), Some(29.0), Some(28.0), Some(27.0), Some(27.0)]);
        // Half measured is not measured.
        let half = gap_scores(&here, false, &[None, Some(camera(30.0)), None, None, None]);
        assert_eq!(dbs(&half), [Some(30.0), None, None, None]);
        // A missing camera: its two gaps are bridged between the next ones.
        let bridged = gap_scores(&[true, true, false, true, true], false, &[None, Some(camera(30.0)), None, Some(camera(24.0)), None]);
        assert_eq!(dbs(&bridged), [Some(30.0), Some(24.0), Some(24.0), Some(24.0)]);
        // Two cameras: nothing can be hidden.
        assert_eq!(gap_scores(&[true, true], false, &[Some(camera(30.0)), Some(camera(30.0))]), [None]);
        assert_eq!(gap_scores(&[], true, &[]), []);
    }

    #[test]
    fn the_ladder_falls_and_says_why() {
        use {Rung as R, RungReason as W};

        let mut ladder = Ladder::new(&[6.0, 20.0, 40.0, 6.0]);
        let rungs = |l: &Ladder| l.gaps().iter().map(|g| (g.rung, g.why)).collect::<Vec<_>>();
        // An estimate never cuts.
        assert_eq!(
            rungs(&ladder),
            [(R::Synthesis, W::Estimate), (R::Synthesis, W::Estimate), (R::SoftFade, W::Estimate), (R::Synthesis, W::Estimate)]
        );
        ladder.update(&[Some(gap(30.0, 25.0)), Some(gap(22.0, 22.3)), Some(gap(22.0, 20.0)), Some(gap(15.0, 15.5))]);
        assert_eq!(rungs(&ladder), [(R::Synthesis, W::Score), (R::SoftFade, W::Score), (R::Synthesis, W::Score), (R::Cut, W::Score)]);
        assert!(ladder.choose(3, Some(R::Synthesis)) && !ladder.choose(4, None));
        let scores: Vec<_> = ladder.gaps().iter().map(|g| g.score).collect();
        ladder.update(&scores);
        assert_eq!(rungs(&ladder)[3], (R::Synthesis, W::Operator));
        assert_eq!(ladder.gaps()[3].quality, GapQuality::Poor, "the colour stays honest");
        ladder.real_pixels_only = true;
        ladder.update(&scores);
        assert!(rungs(&ladder).iter().all(|r| *r == (R::Cut, W::RealPixelsOnly)));
    }

    #[test]
    fn a_class_is_kept_within_the_hysteresis() {
        let mut ladder = Ladder::new(&[6.0]);
        let class = |ladder: &mut Ladder, db: f64| {
            ladder.update(&[Some(gap(db, 0.0))]);
            ladder.gaps()[0].quality
        };
        let h = HYSTERESIS_DB;
        assert_eq!(class(&mut ladder, GOOD_DB), GapQuality::Good);
        assert_eq!(class(&mut ladder, GOOD_DB - 0.9 * h), GapQuality::Good);
        assert_eq!(class(&mut ladder, GOOD_DB - 1.1 * h), GapQuality::Fair);
        assert_eq!(class(&mut ladder, GOOD_DB + 0.9 * h), GapQuality::Fair);
        assert_eq!(class(&mut ladder, POOR_DB - 0.9 * h), GapQuality::Fair);
        assert_eq!(class(&mut ladder, POOR_DB - 1.1 * h), GapQuality::Poor);
        assert_eq!(class(&mut ladder, POOR_DB + 0.9 * h), GapQuality::Poor);
        assert_eq!(class(&mut ladder, GOOD_DB + 1.1 * h), GapQuality::Good);
        // Without a score the class stays, but as an estimate.
        ladder.update(&[Some(gap(10.0, 0.0))]);
        ladder.update(&[None]);
        let g = ladder.gaps()[0];
        assert_eq!((g.quality, g.rung, g.why), (GapQuality::Poor, Rung::SoftFade, RungReason::Estimate));
        let filled = GapScore { filled_share: 0.3, ..gap(40.0, 40.0) };
        assert_eq!(GapQuality::of_score(&filled, None), GapQuality::Fair);
    }

    #[test]
    fn a_scene_that_scores_low_with_any_method_is_judged_by_the_lead() {
        let of = |db, lead_db, before| GapQuality::of_score(&GapScore { lead_db, ..gap(db, db - 2.0) }, before);
        assert_eq!(of(POOR_DB - 2.0, MIN_LEAD_DB - 0.1, None), GapQuality::Poor);
        assert_eq!(of(POOR_DB - 2.0, MIN_LEAD_DB, None), GapQuality::Fair);
        // It saves from being poor, it makes nothing good.
        assert_eq!(of(POOR_DB - 2.0, 12.0, None), GapQuality::Fair);
        assert_eq!(of(GOOD_DB, 0.0, None), GapQuality::Good);
        // The class is kept within the hysteresis, as by the score.
        assert_eq!(of(POOR_DB - 2.0, MIN_LEAD_DB - 0.9 * HYSTERESIS_DB, Some(GapQuality::Fair)), GapQuality::Fair);
        assert_eq!(of(POOR_DB - 2.0, MIN_LEAD_DB + 0.9 * HYSTERESIS_DB, Some(GapQuality::Poor)), GapQuality::Poor);
        // The lead of a gap is that of its worse end.
        let ends = [None, Some(camera(18.0)), Some(CameraScore { fade_psnr_db: 12.0, ..camera(17.0) }), None];
        let lead = gap_scores(&[true; 4], false, &ends)[1].unwrap().lead_db;
        assert_eq!(lead, 1.0);
    }

    #[test]
    fn a_cut_does_not_flicker_in_the_middle() {
        let here = [true; 4];
        let at = |position, shown| cut_camera(&here, false, position, shown);
        assert_eq!(at(1.4, None), Some(1));
        assert_eq!(at(1.55, Some(1)), Some(1));
        assert_eq!(at(1.57, Some(1)), Some(2));
        assert_eq!(at(1.45, Some(2)), Some(2));
        assert_eq!(at(1.43, Some(2)), Some(1));
        assert_eq!(at(3.0, Some(0)), Some(3));
        assert_eq!(cut_camera(&[true, false, true, true], false, 1.2, Some(1)), Some(2));
        assert_eq!(cut_camera(&here, true, 3.9, None), Some(0), "a ring goes on");
        assert_eq!(cut_camera(&[false; 3], false, 1.0, None), None);
        assert_eq!((gap_at(3.0, 3), gap_at(-1.0, 3), gap_at(f64::NAN, 3), gap_at(0.0, 0)), (Some(2), Some(0), None, None));
    }
}
