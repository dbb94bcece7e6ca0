//! What a run found: scores per picture, means per set, the table in words and the same as data.
//!
//! Must not know: the GPU, files.

use super::protocol::{Recorded, SetSpec};
use crate::{telemetry::StageTimes, view::ViewReport};

/// How true one picture is.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Scores {
    /// PSNR over RGB, dB.
    pub psnr_db: f64,
    /// SSIM over luma.
    pub ssim: f64,
    /// PSNR inside the mask, dB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask_db: Option<f64>,
}

impl Scores {
    /// The figure that counts: inside the mask where there is one.
    pub fn decisive_db(&self) -> f64 {
        self.mask_db.unwrap_or(self.psnr_db)
    }
}

/// One hidden camera.
#[derive(Debug, Clone, serde::Serialize)]
pub struct PictureResult {
    /// Its name.
    pub camera: String,
    /// Name of its files in the set's folders.
    pub file: String,
    /// Pixels across.
    pub width_px: u32,
    /// Pixels down.
    pub height_px: u32,
    /// Volte's synthesis.
    pub volte: Scores,
    /// The two nearest cameras, blended.
    pub cross_fade: Scores,
    /// The nearest camera.
    pub nearest: Scores,
    /// What went into the synthesis.
    pub view: ViewReport,
}

/// Means over the pictures of a set, measured here.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Means {
    /// Volte's synthesis.
    pub volte: Scores,
    /// The two nearest cameras, blended.
    pub cross_fade: Scores,
    /// The nearest camera.
    pub nearest: Scores,
}

/// One row.
#[derive(Debug, Clone, serde::Serialize)]
pub struct SetResult {
    /// Short name, also of its folder.
    pub id: String,
    /// As the table calls it.
    pub title: String,
    /// Which cameras were hidden, in words.
    pub protocol: String,
    /// The angle between the cameras that remain.
    pub gap: String,
    /// The cameras that went in.
    pub inputs: Vec<String>,
    /// Means over the pictures.
    pub mean: Means,
    /// The hidden cameras, the worst first.
    pub pictures: Vec<PictureResult>,
    /// What others reach.
    pub recorded: super::RecordedPeers,
    /// Seconds of solve, views and scores.
    pub seconds: f64,
    /// GPU seconds per stage of the solve.
    pub gpu_solve: StageTimes,
    /// GPU seconds per stage of all views, the cross-fades included.
    pub gpu_views: StageTimes,
}

/// A run.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Report {
    /// The program and its version.
    pub made_by: String,
    /// The adapter that computed.
    pub adapter: String,
    /// Whether fewer cameras than the protocol's were hidden, so that the figures compare with no others.
    pub quick: bool,
    /// Where the recorded figures come from.
    pub source: String,
    /// The rows.
    pub sets: Vec<SetResult>,
}

impl SetResult {
    /// Sorts the pictures, the worst first, and takes the means. `pictures` must not be empty.
    pub fn new(spec: &SetSpec, inputs: Vec<String>, mut pictures: Vec<PictureResult>) -> Self {
        pictures.sort_by(|a, b| a.volte.decisive_db().total_cmp(&b.volte.decisive_db()));
        let mean = |of: fn(&PictureResult) -> &Scores| {
            let n = pictures.len().max(1) as f64;
            let sum = |value: &dyn Fn(&Scores) -> f64| pictures.iter().map(|p| value(of(p))).sum::<f64>() / n;
            let masked = pictures.iter().all(|p| of(p).mask_db.is_some());
            Scores {
                psnr_db: sum(&|s| s.psnr_db),
                ssim: sum(&|s| s.ssim),
                mask_db: masked.then(|| sum(&|s| s.mask_db.unwrap_or_default())),
            }
        };
        let mean = Means { volte: mean(|p| &p.volte), cross_fade: mean(|p| &p.cross_fade), nearest: mean(|p| &p.nearest) };
        Self {
            id: spec.id.clone(),
            title: spec.title.clone(),
            protocol: spec.protocol_words(pictures.len()),
            gap: spec.gap.clone(),
            inputs,
            mean,
            pictures,
            recorded: spec.recorded.clone(),
            seconds: 0.0,
            gpu_solve: StageTimes::default(),
            gpu_views: StageTimes::default(),
        }
    }

    /// By how much Volte is ahead of the best recorded peer (inside the masks where both have them): (dB, SSIM of the peer with the
    /// best SSIM subtracted). Without any record, of the cross-fade that was measured here.
    pub fn ahead(&self) -> (f64, f64) {
        let peers = [&self.recorded.nearest, &self.recorded.cross_fade, &self.recorded.openmvs];
        let db = |r: &Recorded| if self.mean.volte.mask_db.is_some() { r.mask_db } else { r.psnr_db };
        let best = |of: &dyn Fn(&Recorded) -> Option<f64>| peers.iter().filter_map(|p| p.as_ref().and_then(of)).reduce(f64::max);
        let here = self.mean.cross_fade;
        (
            self.mean.volte.decisive_db() - best(&db).unwrap_or_else(|| here.decisive_db()),
            self.mean.volte.ssim - best(&|r| r.ssim).unwrap_or(here.ssim),
        )
    }

    /// The row's cells. A `quick` look is not the protocol and is ahead of nobody.
    pub fn cells(&self, quick: bool) -> [String; 8] {
        let (db, ssim) = self.ahead();
        [
            self.title.clone(),
            self.protocol.clone(),
            self.gap.clone(),
            told(self.recorded.nearest.as_ref(), &self.mean.nearest),
            told(self.recorded.cross_fade.as_ref(), &self.mean.cross_fade),
            self.recorded.openmvs.as_ref().map_or_else(|| "not measured".to_owned(), recorded_words),
            figures(self.mean.volte.psnr_db, self.mean.volte.ssim, self.mean.volte.mask_db),
            if quick { "a look only".to_owned() } else { format!("{db:+.2} dB, {ssim:+.3}") },
        ]
    }
}

/// Headings of [`SetResult::cells`].
pub const HEADINGS: [&str; 8] = ["set", "protocol", "gap bridged", "nearest", "cross-fade", "OpenMVS + warp", "Volte", "ahead of the best"];

fn figures(psnr_db: f64, ssim: f64, mask_db: Option<f64>) -> String {
    let mask = mask_db.map(|m| format!(", mask {m:.2}")).unwrap_or_default();
    format!("{psnr_db:.2} / {ssim:.3}{mask}")
}

fn recorded_words(r: &Recorded) -> String {
    match (r.psnr_db, r.ssim, &r.note) {
        (Some(db), Some(ssim), None) => figures(db, ssim, r.mask_db),
        (Some(db), Some(ssim), Some(note)) => format!("{} ({note})", figures(db, ssim, r.mask_db)),
        (_, _, Some(note)) => note.clone(),
        _ => "not measured".to_owned(),
    }
}

/// A recorded figure, else the one that was measured here.
fn told(recorded: Option<&Recorded>, here: &Scores) -> String {
    recorded.map_or_else(|| format!("{} (here)", figures(here.psnr_db, here.ssim, here.mask_db)), recorded_words)
}

impl Report {
    /// A report without rows yet; the run fills in the rest.
    pub const fn new(source: String, quick: bool) -> Self {
        Self { made_by: String::new(), adapter: String::new(), quick, source, sets: Vec::new() }
    }

    /// The table in Markdown, aligned.
    pub fn table(&self) -> String {
        let rows: Vec<[String; 8]> =
            std::iter::once(HEADINGS.map(str::to_owned)).chain(self.sets.iter().map(|s| s.cells(self.quick))).collect();
        let width = |column: usize| rows.iter().map(|r| r[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..HEADINGS.len()).map(width).collect();
        let line = |cells: &[String; 8]| {
            let padded: Vec<String> = cells.iter().zip(&widths).map(|(c, w)| format!(" {c:w$} |")).collect();
            format!("|{}\n", padded.concat())
        };
        let rule: Vec<String> = widths.iter().map(|w| "-".repeat(w + 2)).collect();
        let mut out = format!("{}|{}|\n", line(&rows[0]), rule.join("|"));
        for row in &rows[1..] {
            out.push_str(&line(row));
        }
        out
    }

    /// What is to be known beside the table, a sentence per line.
    pub fn remarks(&self) -> Vec<String> {
        let mut out = vec![
            "Mean PSNR in dB over RGB / SSIM over luma; mask = PSNR inside the subject's mask. Every picture is of a camera that \
             was hidden. The peers' figures are recorded, Volte's are measured now."
                .to_owned(),
        ];
        let here = |of: fn(&Means) -> &Scores| {
            self.sets
                .iter()
                .map(|s| format!("{} {:.2} / {:.3}", s.id, of(&s.mean).psnr_db, of(&s.mean).ssim))
                .collect::<Vec<_>>()
                .join(", ")
        };
        out.push(format!(
            "Measured now with Volte's own renderer: nearest: {}; cross-fade: {}.",
            here(|m| &m.nearest),
            here(|m| &m.cross_fade)
        ));
        let seconds: f64 = self.sets.iter().map(|s| s.seconds).sum();
        out.push(format!("Computed on {} in {seconds:.0} s.", self.adapter));
        if self.quick {
            out.push("A quick look: fewer cameras than the protocol's. These figures compare with no others.".to_owned());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::bench::Protocol;

    fn picture(camera: &str, db: f64, mask_db: Option<f64>) -> PictureResult {
        let scores = |db: f64| Scores { psnr_db: db, ssim: db / 40.0, mask_db };
        PictureResult {
            camera: camera.to_owned(),
            file: camera.to_owned(),
            width_px: 8,
            height_px: 8,
            volte: scores(db),
            cross_fade: scores(db - 5.0),
            nearest: scores(db - 6.0),
            view: ViewReport::default(),
        }
    }

    fn set(id: &str, pictures: Vec<PictureResult>) -> SetResult {
        let spec = Protocol::own().unwrap().sets.into_iter().find(|s| s.id == id).unwrap();
        SetResult::new(&spec, vec!["a".to_owned(), "c".to_owned()], pictures)
    }

    #[test]
    fn the_worst_is_first_and_the_mean_is_over_pictures() {
        let set = set("walk", vec![picture("b", 30.0, None), picture("d", 26.0, None), picture("f", 34.0, None)]);
        assert_eq!(set.pictures.iter().map(|p| p.camera.as_str()).collect::<Vec<_>>(), ["d", "b", "f"]);
        assert!((set.mean.volte.psnr_db - 30.0).abs() < 1e-12 && (set.mean.cross_fade.psnr_db - 25.0).abs() < 1e-12);
        // 25.87 is the best recorded peer of the walk at half density.
        assert!((set.ahead().0 - (30.0 - 25.87)).abs() < 1e-9, "{:?}", set.ahead());
    }

    #[test]
    fn masks_decide_where_there_are_masks() {
        let set = set("cape", vec![picture("b", 15.0, Some(19.0)), picture("d", 16.0, Some(18.0))]);
        assert_eq!(set.pictures[0].camera, "d");
        assert!((set.ahead().0 - (18.5 - 15.65)).abs() < 1e-9, "{:?}", set.ahead());
        assert!(set.cells(false)[6].contains("mask 18.50") && set.cells(false)[5].contains("fails"), "{:?}", set.cells(false));
    }

    #[test]
    fn the_table_has_the_form_of_the_record() {
        let report = Report {
            made_by: String::new(),
            adapter: "adapter".to_owned(),
            quick: false,
            source: String::new(),
            sets: vec![set("walk-middle", vec![picture("o", 31.0, None)]), set("dinosr16", vec![picture("d", 22.0, None)])],
        };
        let table = report.table();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines.iter().all(|l| l.chars().count() == lines[0].chars().count() && l.matches('|').count() == 9), "{table}");
        assert!(lines[2].contains("| 29.08 / 0.904") && lines[2].contains("| 31.00 / 0.775 |") && lines[2].contains("+1.92 dB"), "{table}");
        assert!(lines[3].contains("17.00 / 0.425 (here)") && lines[3].contains("not measured"), "{table}");
        assert!(!report.remarks().iter().any(|r| r.contains("quick")));
        let look = Report { quick: true, ..report };
        assert!(!look.table().contains("dB") && look.remarks().iter().any(|r| r.contains("compare with no others")), "{}", look.table());
    }
}
