//! The plots of a report. Pure.

use super::{
    plot::{Curve, Plot},
    report::{FaultPoint, SpacingRow, VenueReport},
};

impl VenueReport {
    /// The plots, by the name of their file.
    pub fn plots(&self) -> Vec<(&'static str, Plot)> {
        let curve = |name: &str, dashed: bool, points: Vec<(f64, f64)>| Curve { name: name.to_owned(), points, dashed };
        let mut out = Vec::new();
        if let Some(part) = &self.orbit {
            let degrees = |position: f64| position * part.spacing_deg;
            let (first, last) = (part.positions.first().copied().unwrap_or(0.0), part.positions.last().copied().unwrap_or(0.0));
            let cameras = first.ceil() as i64..=last.floor() as i64;
            out.push((
                "venue-orbit",
                Plot {
                    title: format!("Error over an orbit, cameras {}° apart", part.spacing_deg),
                    x_label: "along the arc, degrees".to_owned(),
                    y_label: "mean luma error, code values".to_owned(),
                    marks: cameras.map(|p| (degrees(p as f64), "camera".to_owned())).collect(),
                    curves: part
                        .runs
                        .iter()
                        .enumerate()
                        .map(|(i, r)| {
                            let points = part.positions.iter().map(|p| degrees(*p)).zip(r.luma_errors.iter().copied()).collect();
                            curve(&r.name, i > 0, points)
                        })
                        .collect(),
                    y_at_least: Some((0.0, 0.0)),
                    ..Plot::default()
                },
            ));
        }
        if let Some(part) = &self.spacing {
            let of = |db: fn(&SpacingRow) -> f64| part.rows.iter().map(|r| (r.spacing_deg, db(r))).collect::<Vec<_>>();
            let mut curves = vec![
                curve("synthesis", false, of(|r| r.synthesis_db)),
                curve("soft fade", false, of(|r| r.soft_fade_db)),
                curve("cross-fade", true, of(|r| r.cross_fade_db)),
                curve("nearest camera", true, of(|r| r.nearest_db)),
            ];
            let metered: Vec<(f64, f64)> = part.rows.iter().filter_map(|r| Some((r.spacing_deg, r.meter_db?))).collect();
            curves.push(curve("what the truth meter measures (double gap)", true, metered));
            out.push((
                "venue-spacing",
                Plot {
                    title: "Mid-gap quality over the spacing of the cameras".to_owned(),
                    x_label: "degrees between cameras".to_owned(),
                    y_label: "PSNR, dB".to_owned(),
                    curves,
                    marks: part.switches().into_iter().map(|(at, rung)| (at, format!("ladder: {} from here", rung.label()))).collect(),
                    ..Plot::default()
                },
            ));
        }
        if let Some(part) = &self.robustness {
            for (file, c) in ["venue-exposure", "venue-white", "venue-calibration"].into_iter().zip(&part.curves) {
                let points = |of: fn(&FaultPoint) -> f64| c.points.iter().map(|p| (p.strength, of(p))).collect::<Vec<_>>();
                let clean = c.points.iter().find(|p| p.strength == 0.0).map_or(0.0, |p| p.db);
                let (allowed, words) = if c.unit == "px" { (1.0, "clean − 1 dB") } else { (0.5, "clean − 0.5 dB") };
                let mut curves = vec![curve("synthesis", false, points(|p| p.db))];
                if c.unit != "px" {
                    curves.push(curve("with one gain per channel", false, points(|p| p.level_db)));
                }
                out.push((
                    file,
                    Plot {
                        title: format!("Error in the {}", c.name),
                        x_label: c.unit.to_owned(),
                        y_label: "mid-gap PSNR, dB".to_owned(),
                        curves,
                        level: Some((clean - allowed, words.to_owned())),
                        ..Plot::default()
                    },
                ));
            }
        }
        out
    }
}
