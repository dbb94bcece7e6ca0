//! Line plots as SVG: small, and readable on a light page and on a dark one. Pure.

use std::fmt::Write as _;

use crate::engine::bench::folder::escaped;

/// A curve.
#[derive(Debug, Clone)]
pub struct Curve {
    /// In the legend.
    pub name: String,
    /// Of its points, x rising.
    pub points: Vec<(f64, f64)>,
    /// Dashed: a yardstick, not Volte.
    pub dashed: bool,
}

/// A plot.
#[derive(Debug, Clone, Default)]
pub struct Plot {
    /// Above.
    pub title: String,
    /// Below.
    pub x_label: String,
    /// Beside.
    pub y_label: String,
    /// Its curves.
    pub curves: Vec<Curve>,
    /// Upright lines with a word each.
    pub marks: Vec<(f64, String)>,
    /// A level line with its words: a target.
    pub level: Option<(f64, String)>,
    /// What y shows at least.
    pub y_at_least: Option<(f64, f64)>,
}

/// Colours that also the colour-blind tell apart (Okabe and Ito 2008), without the black.
const COLORS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 52.0;

impl Plot {
    /// The plot as a file.
    pub fn svg(&self) -> String {
        let points = || self.curves.iter().flat_map(|c| &c.points).filter(|p| p.0.is_finite() && p.1.is_finite());
        let (x_lo, x_hi) = span(points().map(|p| p.0).chain(self.marks.iter().map(|m| m.0)), 0.0);
        let (least, most) = self.y_at_least.unwrap_or((f64::MAX, f64::MIN));
        let wanted = [least, most].into_iter().filter(|v| v.abs() < f64::MAX);
        let (y_lo, y_hi) = span(points().map(|p| p.1).chain(self.level.iter().map(|l| l.0)).chain(wanted), 0.06);
        let x = |v: f64| LEFT + (v - x_lo) / (x_hi - x_lo) * (WIDTH - LEFT - RIGHT);
        let y = |v: f64| HEIGHT - BOTTOM - (v - y_lo) / (y_hi - y_lo) * (HEIGHT - TOP - BOTTOM);
        let (floor, wall) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"13\">\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n\
             <text x=\"{LEFT}\" y=\"22\" font-size=\"15\" font-weight=\"600\" fill=\"#222\">{}</text>\n",
            escaped(&self.title)
        );
        // Writing to a string cannot fail.
        let mut add = |line: std::fmt::Arguments<'_>| _ = writeln!(out, "{line}");
        for t in ticks(y_lo, y_hi) {
            add(format_args!("<path d=\"M{LEFT} {0:.1}H{wall}\" stroke=\"#ddd\"/>", y(t)));
            add(format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#444\">{}</text>",
                LEFT - 7.0,
                y(t) + 4.5,
                number(t)
            ));
        }
        for t in ticks(x_lo, x_hi) {
            add(format_args!("<path d=\"M{:.1} {floor}v5\" stroke=\"#444\"/>", x(t)));
            add(format_args!("<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"#444\">{}</text>", x(t), floor + 19.0, number(t)));
        }
        add(format_args!("<path d=\"M{LEFT} {TOP}V{floor}H{wall}\" fill=\"none\" stroke=\"#444\"/>"));
        add(format_args!(
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"#222\">{}</text>",
            0.5 * (LEFT + wall),
            HEIGHT - 12.0,
            escaped(&self.x_label)
        ));
        add(format_args!(
            "<text transform=\"translate(16 {:.1}) rotate(-90)\" text-anchor=\"middle\" fill=\"#222\">{}</text>",
            0.5 * (TOP + floor),
            escaped(&self.y_label)
        ));
        for (i, (at, words)) in self.marks.iter().enumerate() {
            add(format_args!("<path d=\"M{0:.1} {TOP}V{floor}\" stroke=\"#999\" stroke-dasharray=\"2 4\"/>", x(*at)));
            // Neighbouring words on different heights, turned away from the right border.
            let (anchor, shift) = if x(*at) > WIDTH - 200.0 { ("end", -4.0) } else { ("start", 4.0) };
            let down = floor - 8.0 - 15.0 * (i % 4) as f64;
            add(format_args!(
                "<text x=\"{:.1}\" y=\"{down:.1}\" text-anchor=\"{anchor}\" font-size=\"11\" fill=\"#666\">{}</text>",
                x(*at) + shift,
                escaped(words)
            ));
        }
        if let Some((at, words)) = &self.level {
            add(format_args!("<path d=\"M{LEFT} {0:.1}H{wall}\" stroke=\"#b00020\" stroke-dasharray=\"6 3\"/>", y(*at)));
            add(format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"11\" fill=\"#b00020\">{}</text>",
                LEFT + 6.0,
                y(*at) - 5.0,
                escaped(words)
            ));
        }
        for (i, curve) in self.curves.iter().enumerate() {
            let color = COLORS[i % COLORS.len()];
            let dash = if curve.dashed { " stroke-dasharray=\"5 4\"" } else { "" };
            let mut path = String::new();
            for (k, p) in curve.points.iter().filter(|p| p.0.is_finite() && p.1.is_finite()).enumerate() {
                _ = write!(path, "{}{:.1} {:.1}", if k == 0 { "M" } else { "L" }, x(p.0), y(p.1));
            }
            add(format_args!("<path d=\"{path}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\" stroke-linejoin=\"round\"{dash}/>"));
            if curve.points.len() <= 16 {
                for p in curve.points.iter().filter(|p| p.0.is_finite() && p.1.is_finite()) {
                    add(format_args!("<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.2\" fill=\"{color}\"/>", x(p.0), y(p.1)));
                }
            }
            // The legend stands at the top right, one line each.
            let line = TOP + 12.0 + 17.0 * i as f64;
            add(format_args!("<path d=\"M{:.1} {line}h26\" stroke=\"{color}\" stroke-width=\"3\"{dash}/>", wall - 30.0));
            add(format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#222\" stroke=\"#fff\" stroke-width=\"3\" \
                 paint-order=\"stroke\">{}</text>",
                wall - 36.0,
                line + 4.5,
                escaped(&curve.name)
            ));
        }
        out.push_str("</svg>\n");
        out
    }
}

/// From the least to the greatest, widened by a share on both sides; never empty.
fn span(values: impl Iterator<Item = f64>, margin: f64) -> (f64, f64) {
    let (lo, hi) = values.fold((f64::MAX, f64::MIN), |(lo, hi), v| (lo.min(v), hi.max(v)));
    if lo > hi {
        return (0.0, 1.0);
    }
    let wide = if hi > lo { (hi - lo) * margin } else { 0.5 };
    (lo - wide, hi + wide)
}

/// Round numbers inside, five to ten of them.
fn ticks(lo: f64, hi: f64) -> Vec<f64> {
    let power = 10_f64.powf(((hi - lo) / 5.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|k| k * power).into_iter().find(|s| (hi - lo) / s <= 9.0).unwrap_or(10.0 * power);
    let first = (lo / step).ceil() as i64;
    (first..).map(|k| k as f64 * step).take_while(|t| *t <= hi + 1e-9 * step).take(20).collect()
}

/// Without the noise of binary fractions.
fn number(v: f64) -> String {
    let text = format!("{v:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks(0.0, 30.0), [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0]);
        assert_eq!(ticks(-1.0, 1.0).iter().map(|t| number(*t)).collect::<Vec<_>>(), ["-1", "-0.5", "0", "0.5", "1"]);
        assert_eq!(ticks(19.2, 34.9).first().copied(), Some(20.0));
        assert_eq!(span([].into_iter(), 0.1), (0.0, 1.0));
        assert!(ticks(span([3.0, 3.0].into_iter(), 0.1).0, 3.5).len() > 2);
    }

    #[test]
    fn curves_land_where_their_numbers_say() {
        let plot = Plot {
            title: "a < b".to_owned(),
            curves: vec![
                Curve { name: "one & two".to_owned(), points: vec![(0.0, 0.0), (10.0, 10.0)], dashed: false },
                Curve { name: "broken".to_owned(), points: vec![(0.0, f64::NAN), (10.0, 0.0)], dashed: true },
            ],
            marks: vec![(5.0, "here".to_owned())],
            level: Some((5.0, "target".to_owned())),
            ..Plot::default()
        };
        let svg = plot.svg();
        assert!(svg.contains("a &lt; b") && svg.contains("one &amp; two") && svg.ends_with("</svg>\n"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        // The middle of both axes.
        assert!(svg.contains("M402.0 40V348") && svg.contains("M62 194.0H742"), "{svg}");
        let circles: Vec<&str> = svg.lines().filter(|l| l.starts_with("<circle")).collect();
        assert_eq!(circles.len(), 3);
        assert!(circles[0].contains("cx=\"62.0\"") && circles[1].contains("cx=\"742.0\""), "{circles:?}");
    }
}
