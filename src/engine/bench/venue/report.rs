//! The figures of a run, and how they stand against the targets. Pure.

use super::{
    ColourPart, LayersPart, RobustnessPart, Scope,
    measure::{Pop, mean},
};
use crate::engine::Rung;

/// Scores of one picture, dB.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Pair {
    /// PSNR over the whole picture.
    pub psnr_db: f64,
    /// PSNR in the band around depth edges.
    pub band_db: f64,
}

/// One mid-gap view of the oracle part.
#[derive(Debug, Clone, serde::Serialize)]
pub struct OracleView {
    /// Degrees between cameras.
    pub spacing_deg: f64,
    /// The instant, 0…1 of the action.
    pub phase: f32,
    /// Along the arc, gaps.
    pub position: f64,
    /// With solved depth.
    pub synthesis: Pair,
    /// With true depth, all else equal.
    pub oracle: Pair,
    /// Share of the picture that the band is.
    pub band_share: f64,
    /// Its pictures: this name and `-truth.png`, `-synthesis.png`, `-oracle.png`.
    pub file: String,
}

/// The oracle part.
#[derive(Debug, Clone, serde::Serialize)]
pub struct OraclePart {
    /// All views.
    pub views: Vec<OracleView>,
}

impl OraclePart {
    /// Mean dB that the oracle is ahead at a spacing: (whole picture, band).
    pub fn loss_db(&self, spacing_deg: f64) -> (f64, f64) {
        let of = |loss: fn(&OracleView) -> f64| mean(self.views.iter().filter(|v| v.spacing_deg == spacing_deg).map(loss));
        (of(|v| v.oracle.psnr_db - v.synthesis.psnr_db), of(|v| v.oracle.band_db - v.synthesis.band_db))
    }

    /// The spacings, in the order of the views.
    pub fn spacings_deg(&self) -> Vec<f64> {
        let mut out: Vec<f64> = self.views.iter().map(|v| v.spacing_deg).collect();
        out.dedup();
        out
    }
}

/// One way of making the orbit's pictures.
#[derive(Debug, Clone, serde::Serialize)]
pub struct OrbitRun {
    /// What it is.
    pub name: String,
    /// PSNR of the temporal differences, dB.
    pub change_db: f64,
    /// Mean PSNR of the frames, dB.
    pub mean_db: f64,
    /// PSNR of the worst frame, dB.
    pub worst_db: f64,
    /// How much the error jumps.
    pub pop: Pop,
    /// At cameras against between them.
    pub pop_index: f64,
    /// The largest wrong change across a camera against the largest between cameras.
    pub flicker_index: f64,
    /// Mean absolute luma error of each frame, code values.
    pub luma_errors: Vec<f64>,
    /// Largest share of a frame's pixels that no source saw and that were filled, 0…1.
    pub unseen_share: f64,
    /// Pixels of all frames that nothing was written to.
    pub unfilled: usize,
}

/// The orbit part.
#[derive(Debug, Clone, serde::Serialize)]
pub struct OrbitPart {
    /// Degrees between cameras.
    pub spacing_deg: f64,
    /// Frames from one camera to the next.
    pub frames_per_gap: usize,
    /// Of the frames along the arc, gaps.
    pub positions: Vec<f64>,
    /// Synthesis, oracle, plain warp of the nearest camera, plain warp of the two nearest.
    pub runs: Vec<OrbitRun>,
}

/// One spacing.
#[derive(Debug, Clone, serde::Serialize)]
pub struct SpacingRow {
    /// Degrees between cameras.
    pub spacing_deg: f64,
    /// Mid-gap PSNR, dB.
    pub synthesis_db: f64,
    /// See `synthesis_db`.
    pub soft_fade_db: f64,
    /// See `synthesis_db`.
    pub cross_fade_db: f64,
    /// See `synthesis_db`.
    pub nearest_db: f64,
    /// What the truth meter measures there, without any truth: each end of the gap hidden, the worse of the two, dB.
    pub meter_db: Option<f64>,
    /// How far synthesis is ahead of the cross-fade there, by the meter, dB.
    pub meter_lead_db: Option<f64>,
    /// What the ladder shows for it.
    pub rung: Rung,
    /// The class that the angle alone would have.
    pub by_angle: &'static str,
}

impl SpacingRow {
    /// PSNR of what the ladder shows, dB.
    pub const fn shown_db(&self) -> f64 {
        match self.rung {
            Rung::Synthesis => self.synthesis_db,
            Rung::SoftFade => self.soft_fade_db,
            Rung::Cut => self.nearest_db,
        }
    }
}

/// The spacing part.
#[derive(Debug, Clone, serde::Serialize)]
pub struct SpacingPart {
    /// Spacings, rising.
    pub rows: Vec<SpacingRow>,
}

impl SpacingPart {
    /// Where the ladder's rung changes: between which two spacings (their middle), and to what.
    pub fn switches(&self) -> Vec<(f64, Rung)> {
        let pairs = self.rows.windows(2).filter(|w| w[0].rung != w[1].rung);
        pairs.map(|w| (0.5 * (w[0].spacing_deg + w[1].spacing_deg), w[1].rung)).collect()
    }
}

/// One strength of a fault.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct FaultPoint {
    /// In the curve's unit.
    pub strength: f64,
    /// Mean PSNR, dB.
    pub db: f64,
    /// The same with one gain per channel for each whole picture, dB.
    pub level_db: f64,
}

/// A fault in several strengths.
#[derive(Debug, Clone, serde::Serialize)]
pub struct FaultCurve {
    /// What is wrong.
    pub name: String,
    /// Of the strengths.
    pub unit: &'static str,
    /// By strength; nought is the clean run.
    pub points: Vec<FaultPoint>,
}

impl FaultCurve {
    /// Sorts the points.
    pub fn new(name: &str, unit: &'static str, mut points: Vec<FaultPoint>) -> Self {
        points.sort_by(|a, b| a.strength.total_cmp(&b.strength));
        Self { name: name.to_owned(), unit, points }
    }

    /// The greatest cost up to a strength (of either sign), dB: (as it is, with one gain per channel).
    pub fn cost_db(&self, strength: f64) -> (f64, f64) {
        let clean = self.points.iter().find(|p| p.strength == 0.0);
        let inside = self.points.iter().filter(|p| p.strength.abs() <= strength);
        inside.fold((0.0, 0.0), |(db, level): (f64, f64), p| {
            let cost = clean.map_or((0.0, 0.0), |c| (c.db - p.db, c.level_db - p.level_db));
            (db.max(cost.0), level.max(cost.1))
        })
    }
}

/// Scores of one picture, dB.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct InRegion {
    /// PSNR over the whole picture.
    pub psnr_db: f64,
    /// PSNR in the region that the scene is about.
    pub region_db: f64,
}

/// A hard scene: means over its views.
#[derive(Debug, Clone, serde::Serialize)]
pub struct SceneRow {
    /// Its name.
    pub name: String,
    /// What is hard in it.
    pub about: &'static str,
    /// Share of the picture that the region is.
    pub region_share: f64,
    /// Volte.
    pub synthesis: InRegion,
    /// The same with true depth.
    pub oracle: InRegion,
    /// The nearest camera through its solved depth, as a textbook has it.
    pub plain_warp: InRegion,
    /// The two nearest cameras through a plane.
    pub cross_fade: InRegion,
}

/// The scenes part.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ScenesPart {
    /// Degrees between cameras.
    pub spacing_deg: f64,
    /// The scenes.
    pub rows: Vec<SceneRow>,
}

/// A run.
#[derive(Debug, Clone, serde::Serialize)]
pub struct VenueReport {
    /// The program and its version.
    pub made_by: String,
    /// The adapter that computed.
    pub adapter: String,
    /// Whether less than the protocol was measured.
    pub quick: bool,
    /// Size of all pictures, px.
    pub size_px: (u32, u32),
    /// Seconds of all parts.
    pub seconds: f64,
    /// Solved depth against true depth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oracle: Option<OraclePart>,
    /// Steadiness.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orbit: Option<OrbitPart>,
    /// Quality over spacing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spacing: Option<SpacingPart>,
    /// Faulty cameras.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub robustness: Option<RobustnessPart>,
    /// Hard scenes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenes: Option<ScenesPart>,
    /// Plates and mattes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers: Option<LayersPart>,
    /// The colour part.
    pub colour: Option<ColourPart>,
}

/// A figure against its target.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// What was measured.
    pub what: String,
    /// The figure, with its unit.
    pub measured: String,
    /// The target.
    pub target: &'static str,
    /// Whether it is met.
    pub met: bool,
}

/// A table: its headings and its rows.
pub type Table = (Vec<&'static str>, Vec<Vec<String>>);

impl VenueReport {
    /// Without figures yet.
    pub const fn new(made_by: String, adapter: String, scope: &Scope) -> Self {
        Self {
            made_by,
            adapter,
            quick: scope.quick,
            size_px: scope.size_px,
            seconds: 0.0,
            oracle: None,
            orbit: None,
            spacing: None,
            robustness: None,
            scenes: None,
            layers: None,
            colour: None,
        }
    }

    /// How the figures stand against the targets.
    pub fn verdicts(&self) -> Vec<Verdict> {
        let mut out = Vec::new();
        let mut add = |what: String, figure: f64, words: String, target: &'static str, limit: f64, at_most: bool| {
            out.push(Verdict { what, measured: words, target, met: if at_most { figure <= limit } else { figure >= limit } });
        };
        if let Some(oracle) = &self.oracle {
            for deg in oracle.spacings_deg() {
                let (whole, band) = oracle.loss_db(deg);
                add(format!("{deg}°: below the oracle, whole picture"), whole, format!("{whole:.2} dB"), "≤ 1.5 dB", 1.5, true);
                add(format!("{deg}°: below the oracle, 8 px around depth edges"), band, format!("{band:.2} dB"), "≤ 2.5 dB", 2.5, true);
            }
        }
        if let Some(OrbitPart { runs, spacing_deg, .. }) = &self.orbit
            && let [own, _, plain, ..] = runs.as_slice()
        {
            let ahead = own.change_db - plain.change_db;
            add(format!("orbit at {spacing_deg}°: changes ahead of plain warping"), ahead, format!("{ahead:+.2} dB"), "≥ 3 dB", 3.0, false);
            add("orbit: pop index".to_owned(), own.pop_index, format!("{:.2}", own.pop_index), "≤ 1.2", 1.2, true);
            let flicker = own.flicker_index;
            add("orbit: flicker index".to_owned(), flicker, format!("{flicker:.2}"), "≤ 1.2", 1.2, true);
            add("orbit: unfilled pixels".to_owned(), own.unfilled as f64, own.unfilled.to_string(), "0", 0.0, true);
        }
        if let Some(robustness) = &self.robustness {
            for (curve, (strength, target, limit)) in
                robustness.curves.iter().zip([(1.0, "≤ 0.5 dB", 0.5), (500.0, "≤ 0.5 dB", 0.5), (0.5, "≤ 1 dB", 1.0), (0.5, "≤ 1 dB", 1.0)])
            {
                let (as_is, level) = curve.cost_db(strength);
                let colour = curve.unit != "px";
                let sign = if colour { "±" } else { "" };
                let words = if colour { format!("{level:.2} dB (as it is {as_is:.2})") } else { format!("{as_is:.2} dB") };
                let cost = if colour { level } else { as_is };
                add(format!("{}, {sign}{strength} {}: cost", curve.name, curve.unit), cost, words, target, limit, true);
            }
            let (own, others) = robustness.dead_cost_db();
            let words = format!("{others:.2} dB (its own two {own:.2})");
            add("one dead camera: cost in other gaps".to_owned(), others, words, "≤ 0.3 dB", 0.3, true);
        }
        out.extend(self.colour.iter().flat_map(ColourPart::verdicts));
        out
    }

    /// The figures behind the verdicts, part by part.
    pub fn tables(&self) -> Vec<(&'static str, Table)> {
        let db = |v: f64| format!("{v:.2}");
        let mut out = Vec::new();
        if let Some(part) = &self.oracle {
            let rows = part.views.iter().map(|v| {
                let (s, o) = (v.synthesis, v.oracle);
                let place = vec![format!("{}°", v.spacing_deg), format!("{:.2}", v.phase), format!("{}", v.position)];
                let figures = [s.psnr_db, o.psnr_db, o.psnr_db - s.psnr_db, s.band_db, o.band_db, o.band_db - s.band_db].map(db);
                place.into_iter().chain(figures).collect()
            });
            let heads =
                vec!["spacing", "instant", "position", "synthesis", "oracle", "behind", "band: synthesis", "band: oracle", "band: behind"];
            out.push(("Against true depth, dB", (heads, rows.collect())));
        }
        if let Some(part) = &self.orbit {
            let rows = part.runs.iter().map(|r| {
                let mut row = vec![r.name.clone()];
                row.extend([r.change_db, r.mean_db, r.worst_db].map(db));
                row.extend([r.pop.at_cameras, r.pop.between, r.pop_index, r.flicker_index].map(|v| format!("{v:.3}")));
                row.extend([format!("{:.2} %", r.unseen_share * 100.0), r.unfilled.to_string()]);
                row
            });
            let heads = vec![
                "orbit",
                "changes dB",
                "mean dB",
                "worst dB",
                "jump at cameras",
                "jump between",
                "pop index",
                "flicker index",
                "seen by nobody, at most",
                "unfilled px",
            ];
            out.push(("A dense orbit", (heads, rows.collect())));
        }
        if let Some(part) = &self.spacing {
            let rows = part.rows.iter().map(|r| {
                let mut row = vec![format!("{}°", r.spacing_deg)];
                row.extend([r.synthesis_db, r.soft_fade_db, r.cross_fade_db, r.nearest_db].map(db));
                row.extend([r.meter_db, r.meter_lead_db].map(|v| v.map_or_else(|| "–".to_owned(), db)));
                row.extend([r.rung.label().to_owned(), r.by_angle.to_owned()]);
                row
            });
            let heads = vec![
                "spacing",
                "synthesis",
                "soft fade",
                "cross-fade",
                "nearest",
                "truth meter",
                "its lead",
                "ladder shows",
                "by angle alone",
            ];
            out.push(("Quality over spacing, mid-gap, dB", (heads, rows.collect())));
        }
        if let Some(part) = &self.robustness {
            let rows = part.curves.iter().flat_map(|c| {
                c.points.iter().map(|p| vec![c.name.clone(), format!("{} {}", p.strength, c.unit), db(p.db), db(p.level_db)])
            });
            out.push(("Faulty cameras", (vec!["fault", "strength", "dB", "with one gain per channel"], rows.collect())));
            let rows = part.dead.iter().map(|d| {
                vec![format!("{}–{}", d.gap, d.gap + 1), db(d.whole_db), db(d.dead_db), format!("{:+.2}", d.dead_db - d.whole_db)]
            });
            let title = "One dead camera, dB in the middle of each gap";
            out.push((title, (vec!["gap", "all cameras", "one dead", "change"], rows.collect())));
        }
        if let Some(part) = &self.scenes {
            let rows = part.rows.iter().map(|r| {
                let mut row = vec![r.name.clone(), format!("{:.1} %", r.region_share * 100.0)];
                let ways = [r.synthesis, r.cross_fade, r.plain_warp, r.oracle];
                row.extend(ways.iter().flat_map(|w| [w.region_db, w.psnr_db]).map(db));
                row
            });
            let heads = vec![
                "scene",
                "its region",
                "synthesis there",
                "whole",
                "cross-fade there",
                "whole",
                "plain warp there",
                "whole",
                "true depth there",
                "whole",
            ];
            out.push(("Hard scenes, mid-gap, dB", (heads, rows.collect())));
        }
        out.extend(self.layers.iter().map(LayersPart::table));
        out.extend(self.colour.iter().map(ColourPart::table));
        out
    }

    /// The verdicts as a table of Markdown, and the tables behind them.
    pub fn text(&self) -> String {
        let verdicts = self.verdicts().into_iter().map(|v| {
            let met = if self.quick {
                "a look only"
            } else if v.met {
                "met"
            } else {
                "missed"
            };
            vec![v.what, v.measured, v.target.to_owned(), met.to_owned()]
        });
        let heads = vec!["venue", "measured", "target", ""];
        let mut out = markdown(&(heads, verdicts.collect()));
        for (title, table) in self.tables() {
            out.extend(["\n", title, "\n\n", &markdown(&table)]);
        }
        out
    }
}

/// An aligned table.
fn markdown((heads, rows): &Table) -> String {
    let width = |k: usize| rows.iter().map(|r| r[k].chars().count()).chain([heads[k].chars().count()]).max().unwrap_or(0);
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(c, w)| format!(" {c:w$} |")).collect();
        format!("|{}\n", padded.concat())
    };
    let rule: Vec<String> = widths.iter().map(|w| "-".repeat(w + 2)).collect();
    let mut out = format!("{}|{}|\n", line(&mut heads.iter().copied()), rule.join("|"));
    for row in rows {
        out.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{super::DeadGap, *};

    fn run(name: &str, change_db: f64, pop_index: f64) -> OrbitRun {
        OrbitRun {
            name: name.to_owned(),
            change_db,
            mean_db: 30.0,
            worst_db: 29.0,
            pop: Pop { at_cameras: pop_index, between: 1.0 },
            pop_index,
            flicker_index: 1.0,
            luma_errors: vec![1.0, 2.0, 1.0],
            unseen_share: 0.01,
            unfilled: 0,
        }
    }

    fn report() -> VenueReport {
        let pair = |psnr_db, band_db| Pair { psnr_db, band_db };
        let view = |synthesis, oracle| OracleView {
            spacing_deg: 6.0,
            phase: 0.5,
            position: 1.5,
            synthesis,
            oracle,
            band_share: 0.2,
            file: "f".to_owned(),
        };
        let row = |spacing_deg, rung| SpacingRow {
            spacing_deg,
            synthesis_db: 30.0,
            soft_fade_db: 28.0,
            cross_fade_db: 20.0,
            nearest_db: 19.0,
            meter_db: Some(26.0),
            meter_lead_db: Some(6.0),
            rung,
            by_angle: "good",
        };
        let point = |strength, db, level_db| FaultPoint { strength, db, level_db };
        let curve = |unit| FaultCurve::new("error", unit, vec![point(1.0, 28.0, 29.8), point(0.0, 30.0, 30.1), point(-0.5, 29.0, 30.0)]);
        let dead = |gap, dead_db| DeadGap { gap, whole_db: 30.0, dead_db };
        VenueReport {
            oracle: Some(OraclePart { views: vec![view(pair(30.0, 25.0), pair(31.0, 28.0)), view(pair(30.0, 25.0), pair(31.6, 28.2))] }),
            orbit: Some(OrbitPart {
                spacing_deg: 6.0,
                frames_per_gap: 2,
                positions: vec![1.5, 2.0, 2.5],
                runs: vec![run("synthesis", 34.0, 1.1), run("oracle", 36.0, 1.0), run("plain", 30.0, 0.5), run("two", 32.0, 0.5)],
            }),
            spacing: Some(SpacingPart { rows: vec![row(6.0, Rung::Synthesis), row(20.0, Rung::SoftFade), row(30.0, Rung::Cut)] }),
            robustness: Some(RobustnessPart {
                spacing_deg: 6.0,
                curves: vec![curve("EV"), curve("K"), curve("px")],
                dead_camera: 3,
                dead: vec![dead(1, 29.9), dead(2, 27.0), dead(3, 26.0), dead(4, 29.2)],
            }),
            ..VenueReport::new("volte".to_owned(), "adapter".to_owned(), &Scope::full())
        }
    }

    #[test]
    fn verdicts_say_what_is_missed() {
        let verdicts = report().verdicts();
        let of = |word: &str| verdicts.iter().find(|v| v.what.contains(word)).unwrap_or_else(|| panic!("no {word}"));
        assert!(of("whole picture").met && of("whole picture").measured == "1.30 dB");
        assert!(!of("depth edges").met, "3.1 dB in the band");
        assert!(of("plain warping").met && of("plain warping").measured == "+4.00 dB");
        assert!(of("pop index").met && of("unfilled").met);
        assert!(of("EV").met && of("EV").measured == "0.30 dB (as it is 2.00)");
        assert!(of("0.5 px").met && of("0.5 px").measured == "1.00 dB", "only up to half a px: {:?}", of("0.5 px"));
        assert!(!of("dead").met && of("dead").measured == "0.80 dB (its own two 4.00)");
    }

    #[test]
    fn the_ladder_switches_between_spacings_and_shows_its_rung() {
        let part = report().spacing.unwrap();
        assert_eq!(part.switches(), [(13.0, Rung::SoftFade), (25.0, Rung::Cut)]);
        assert_eq!(part.rows.iter().map(SpacingRow::shown_db).collect::<Vec<_>>(), [30.0, 28.0, 19.0]);
    }

    #[test]
    fn text_and_plots_hold_everything() {
        let mut report = report();
        let text = report.text();
        for words in ["missed", "| 6° ", "plain", "soft fade", "-0.5 EV", "| 3–4 | 30.00"] {
            assert!(text.contains(words), "no {words} in {text}");
        }
        for block in text.split("\n\n") {
            let widths: Vec<usize> = block.lines().filter(|l| l.starts_with('|')).map(|l| l.chars().count()).collect();
            assert!(widths.windows(2).all(|w| w[0] == w[1]), "{block}");
        }
        let plots = report.plots();
        assert_eq!(
            plots.iter().map(|p| p.0).collect::<Vec<_>>(),
            ["venue-orbit", "venue-spacing", "venue-exposure", "venue-white", "venue-calibration"]
        );
        assert!(plots.iter().all(|p| p.1.svg().contains("<path")));
        report.quick = true;
        assert!(!report.text().contains("missed") && report.text().contains("a look only"));
    }
}
