//! The rig drawn from above and from the side, with the fitted arc, the subject and each gap in the colour of its verdict.

use glam::{DVec2, DVec3};

use super::{
    Gap, Report, Severity, Verdict,
    canvas::{Canvas, Ink, ink},
    font, is_sound, subject_center,
};
use crate::rig::{Camera, Rig};

const BACKGROUND: Ink = ink(0x0f_13_19);
const PANEL: Ink = ink(0x16_1c_24);
const RULE: Ink = ink(0x2a_34_40);
const TEXT: Ink = ink(0xe8_ed_f2);
const DIM: Ink = ink(0x8a_97_a6);
const CAMERA: Ink = ink(0xcf_d8_e3);
const SUBJECT: Ink = ink(0x6c_b4_ff);

const fn color(verdict: Verdict) -> Ink {
    match verdict {
        Verdict::Green => ink(0x3f_c9_7c),
        Verdict::Amber => ink(0xf2_b1_34),
        Verdict::Red => ink(0xf0_5a_52),
    }
}

/// One of the two projections: world metres to a panel's pixels.
struct Projection {
    origin: DVec3,
    /// The world's directions that point right and down in the picture, unit.
    right: DVec3,
    down: DVec3,
    px_per_m: f64,
    /// Where the origin is drawn.
    at: DVec2,
}

struct Panel {
    min: [f32; 2],
    max: [f32; 2],
}

impl Panel {
    fn draw(&self, canvas: &mut Canvas, title: &str) {
        let (a, b) = (self.min, self.max);
        canvas.polygon(&[a, [b[0], a[1]], b, [a[0], b[1]]], PANEL);
        canvas.text(title, a[0] + 18.0, a[1] + 32.0, 12.0, DIM);
    }
}

impl Projection {
    /// Fits the points into a panel.
    fn fit(panel: &Panel, origin: DVec3, right: DVec3, down: DVec3, points: &[DVec3], margin: f64) -> Self {
        let (mut lo, mut hi) = (DVec2::ZERO, DVec2::ZERO);
        for p in points {
            let v = DVec2::new((*p - origin).dot(right), (*p - origin).dot(down));
            lo = lo.min(v);
            hi = hi.max(v);
        }
        let size =
            DVec2::new(f64::from(panel.max[0] - panel.min[0]), f64::from(panel.max[1] - panel.min[1])) - DVec2::new(2.0, 2.0) * margin;
        let extent = (hi - lo).max(DVec2::splat(1e-9));
        let px_per_m = (size / extent).min_element();
        let middle = DVec2::new(f64::from(panel.min[0] + panel.max[0]), f64::from(panel.min[1] + panel.max[1])) * 0.5;
        Self { origin, right, down, px_per_m, at: middle - (lo + hi) * 0.5 * px_per_m }
    }

    fn px(&self, p: DVec3) -> [f32; 2] {
        let v = p - self.origin;
        let q = self.at + DVec2::new(v.dot(self.right), v.dot(self.down)) * self.px_per_m;
        [q.x as f32, q.y as f32]
    }
}

/// Draws a rig and its report. Cameras with broken numbers cannot be drawn and are only counted in the header.
pub fn draw(rig: &Rig, report: &Report, title: &str) -> image::RgbImage {
    let mut canvas = Canvas::new(1600, 900, BACKGROUND);
    let sound: Vec<&Camera> = rig.cameras.iter().filter(|c| is_sound(c)).collect();
    header(&mut canvas, rig, report, title, rig.cameras.len() - sound.len());

    let above = Panel { min: [30.0, 112.0], max: [1010.0, 870.0] };
    let side = Panel { min: [1030.0, 112.0], max: [1570.0, 512.0] };
    let chart = Panel { min: [1030.0, 532.0], max: [1570.0, 870.0] };
    above.draw(&mut canvas, "FROM ABOVE");
    side.draw(&mut canvas, "FROM THE SIDE");
    chart.draw(&mut canvas, "DISPARITY RANGE PER GAP, px");

    let centers: Vec<DVec3> = sound.iter().map(|c| c.center_in_world()).collect();
    let mean = centers.iter().sum::<DVec3>() / centers.len().max(1) as f64;
    let camera_up: DVec3 = sound.iter().map(|c| c.camera_from_world.rotation.transpose() * -DVec3::Y).sum();
    let up = report.arc.as_ref().map_or_else(|| camera_up.normalize_or(DVec3::Z), |a| a.up_in_world);
    let center = report
        .arc
        .as_ref()
        .map(|a| a.center_in_world)
        .or_else(|| if centers.len() < 2 { None } else { subject_center(&rig_of(&sound)) })
        .unwrap_or(mean);
    let radius = centers.iter().map(|c| (*c - center).length()).sum::<f64>() / centers.len().max(1) as f64;
    let flat = |v: DVec3| v - up * v.dot(up);
    // The cameras' side is drawn at the bottom, as on a floor plan; of a ring, its first camera.
    let first = centers.first().copied().unwrap_or(DVec3::X);
    let closed = report.arc.as_ref().is_some_and(|a| a.closed);
    let towards = flat(if closed { first - center } else { mean - center }).try_normalize().unwrap_or_else(|| up.any_orthonormal_vector());
    let right = up.cross(towards);
    let mut points = centers.clone();
    let reach = 0.3 * radius;
    points.extend([center + right * reach, center - right * reach, center + towards * reach, center - towards * reach]);
    points.extend([center + up * reach, center - up * reach]);
    let views =
        [Projection::fit(&above, center, right, towards, &points, 92.0), Projection::fit(&side, center, -towards, -up, &points, 74.0)];

    for (view, panel) in views.iter().zip([&above, &side]) {
        let from_above = view.down == towards;
        scene(&mut canvas, rig, report, view, from_above, center, radius, up);
        labels(&mut canvas, rig, report, view, panel, center);
        scale_bar(&mut canvas, view, panel);
    }
    gap_chart(&mut canvas, rig, &report.gaps, &chart);
    canvas.finish()
}

fn rig_of(cameras: &[&Camera]) -> Rig {
    Rig { cameras: cameras.iter().map(|c| (*c).clone()).collect(), points_in_world: Vec::new() }
}

fn header(canvas: &mut Canvas, rig: &Rig, report: &Report, title: &str, broken: usize) {
    canvas.text(title, 32.0, 54.0, 22.0, TEXT);
    let mut words = vec![format!("{} cameras", rig.cameras.len())];
    if broken > 0 {
        words.push(format!("{broken} cannot be drawn"));
    }
    if let Some(arc) = &report.arc {
        words.push(if arc.closed {
            "closed ring".into()
        } else {
            format!("arc of {:.0}°", arc.azimuth_rad.last().copied().unwrap_or(0.0).to_degrees())
        });
        words.push(format!("radius {}", metres(arc.radius_m)));
        let mut degrees: Vec<f64> = report.gaps.iter().map(|g| g.degrees).collect();
        degrees.sort_by(f64::total_cmp);
        if let (Some(lo), Some(hi)) = (degrees.first(), degrees.last()) {
            words.push(format!("gaps {lo:.1}° to {hi:.1}°, median {:.1}°", super::faults::median(&degrees)));
        }
    } else {
        words.push("no arc can be fitted".into());
    }
    canvas.text(&words.join("  ·  "), 32.0, 88.0, 12.0, DIM);
    let count = |s| report.findings.iter().filter(|f| f.severity == s).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let (what, color) = match (errors, warnings) {
        (0, 0) => ("nothing wrong".to_owned(), color(Verdict::Green)),
        (0, w) => (format!("{w} warning{}", if w == 1 { "" } else { "s" }), color(Verdict::Amber)),
        (e, _) => (format!("{e} error{}", if e == 1 { "" } else { "s" }), color(Verdict::Red)),
    };
    let x = 1568.0 - font::width(&what, 14.0);
    canvas.text(&what, x, 54.0, 14.0, color);
    canvas.disc([x - 20.0, 47.0], 7.0, color);
}

fn scene(canvas: &mut Canvas, rig: &Rig, report: &Report, view: &Projection, from_above: bool, center: DVec3, radius: f64, up: DVec3) {
    let middle = view.px(center);
    let end = |i: usize| view.px(rig.cameras[i].center_in_world());
    for g in &report.gaps {
        canvas.polygon(&[middle, end(g.from), end(g.to)], color(g.verdict).faint(if from_above { 0.10 } else { 0.05 }));
    }
    // The subject's range, for which the disparities are computed.
    let subject_px = (0.25 * radius * view.px_per_m) as f32;
    canvas.disc(middle, subject_px, SUBJECT.faint(0.10));
    canvas.circle(middle, subject_px, 1.5, SUBJECT.faint(0.8));
    if subject_px > 30.0 {
        canvas.text_centered(&format!("±{}", metres(0.25 * radius)), [middle[0], middle[1] - subject_px - 14.0], 9.0, SUBJECT);
    }
    for d in [[7.0, 0.0], [0.0, 7.0]] {
        canvas.line([middle[0] - d[0], middle[1] - d[1]], [middle[0] + d[0], middle[1] + d[1]], 2.0, SUBJECT);
    }
    // The fitted arc, at the cameras' mean height.
    if let Some(arc) = &report.arc {
        let flat = |v: DVec3| v - up * v.dot(up);
        let offsets: Vec<DVec3> = arc.order.iter().map(|&i| rig.cameras[i].center_in_world() - center).collect();
        let height = offsets.iter().map(|v| v.dot(up)).sum::<f64>() / offsets.len() as f64;
        let across = offsets.iter().map(|v| flat(*v).length()).sum::<f64>() / offsets.len() as f64;
        let x = flat(offsets[0]).normalize_or(up.any_orthonormal_vector());
        let y = up.cross(x);
        let span = if arc.closed { std::f64::consts::TAU } else { arc.azimuth_rad.last().copied().unwrap_or(0.0) };
        let at = |t: f64| view.px(center + up * height + (x * (span * t).cos() + y * (span * t).sin()) * across);
        for i in (0..120).step_by(2) {
            canvas.line(at(f64::from(i) / 120.0), at(f64::from(i + 1) / 120.0), 1.5, DIM.faint(0.7));
        }
    }
    for g in &report.gaps {
        canvas.line(end(g.from), end(g.to), 3.0, color(g.verdict).faint(if from_above { 0.95 } else { 0.5 }));
    }
    let glyph_m = (26.0 / view.px_per_m).min(0.5 * radius);
    for c in rig.cameras.iter().filter(|c| is_sound(c)) {
        frustum(canvas, view, c, glyph_m, if is_wrong(report, c) { color(Verdict::Red) } else { CAMERA });
    }
}

fn is_wrong(report: &Report, c: &Camera) -> bool {
    report.findings.iter().any(|f| f.severity == Severity::Error && f.cameras.contains(&c.name))
}

/// The camera's pyramid of view, `length_m` long.
fn frustum(canvas: &mut Canvas, view: &Projection, c: &Camera, length_m: f64, ink: Ink) {
    let half = |size: u32, focal: f64| if size == 0 { 0.3 } else { (0.5 * f64::from(size) / focal).clamp(0.16, 1.2) };
    let (x, y) = (half(c.width_px, c.lens.fx_px), half(c.height_px, c.lens.fy_px));
    let world_from_camera = c.camera_from_world.inverse();
    let apex = view.px(c.center_in_world());
    let corners = [(-x, -y), (x, -y), (x, y), (-x, y)].map(|(x, y)| view.px(world_from_camera.apply(DVec3::new(x, y, 1.0) * length_m)));
    for i in 0..4 {
        let (a, b) = (corners[i], corners[(i + 1) % 4]);
        canvas.polygon(&[apex, a, b], ink.faint(0.16));
        canvas.line(a, b, 1.4, ink.faint(0.9));
        canvas.line(apex, a, 1.4, ink.faint(0.9));
    }
    canvas.disc(apex, 3.4, ink);
}

/// Names outside the arc, as many as fit without covering each other or a camera; those of wrong cameras first and in red.
fn labels(canvas: &mut Canvas, rig: &Rig, report: &Report, view: &Projection, panel: &Panel, center: DVec3) {
    const HEIGHT: f32 = 10.0;
    let middle = view.px(center);
    let order: Vec<usize> = report.arc.as_ref().map_or_else(|| (0..rig.cameras.len()).collect(), |a| a.order.clone());
    let mut cameras: Vec<&Camera> = order.iter().map(|&i| &rig.cameras[i]).filter(|c| is_sound(c)).collect();
    cameras.sort_by_key(|c| !is_wrong(report, c));
    let place = |c: &Camera| view.px(c.center_in_world());
    let mut taken: Vec<[f32; 4]> = cameras.iter().map(|c| place(c)).map(|[x, y]| [x - 7.0, y - 7.0, x + 7.0, y + 7.0]).collect();
    // The scale bar's corner.
    taken.push([panel.min[0], panel.max[1] - 44.0, panel.min[0] + 260.0, panel.max[1]]);
    for c in cameras {
        let at = place(c);
        let (dx, dy) = (at[0] - middle[0], at[1] - middle[1]);
        let length = dx.hypot(dy).max(1e-3);
        let half_width = 0.5 * font::width(&c.name, HEIGHT);
        for lane in [0.0, 20.0, 40.0] {
            // Beyond the camera, by as much as the text needs in that direction.
            let away = 16.0 + lane + (dx / length).abs() * half_width + (dy / length).abs() * 0.5 * HEIGHT;
            let p = [at[0] + dx / length * away, at[1] + dy / length * away];
            let own = [p[0] - half_width - 4.0, p[1] - HEIGHT * 0.5 - 4.0, p[0] + half_width + 4.0, p[1] + HEIGHT * 0.5 + 4.0];
            let covers = taken.iter().any(|t| own[0] < t[2] && t[0] < own[2] && own[1] < t[3] && t[1] < own[3]);
            let leaves = own[0] < panel.min[0] || own[2] > panel.max[0] || own[1] < panel.min[1] + 36.0 || own[3] > panel.max[1];
            if covers || leaves {
                continue;
            }
            taken.push(own);
            let ink = if is_wrong(report, c) { color(Verdict::Red) } else { TEXT };
            if lane > 0.0 {
                let end = away - (dx / length).abs() * half_width - (dy / length).abs() * 0.5 * HEIGHT - 5.0;
                canvas.line(
                    [at[0] + dx / length * 9.0, at[1] + dy / length * 9.0],
                    [at[0] + dx / length * end, at[1] + dy / length * end],
                    1.0,
                    DIM.faint(0.5),
                );
            }
            canvas.text_centered(&c.name, p, HEIGHT, ink);
            break;
        }
    }
}

fn scale_bar(canvas: &mut Canvas, view: &Projection, panel: &Panel) {
    let most_m = 150.0 / view.px_per_m;
    let power = 10_f64.powf(most_m.log10().floor());
    let length_m = [5.0, 2.0, 1.0].into_iter().map(|s| s * power).find(|l| *l <= most_m).unwrap_or(power);
    let (x, y) = (panel.min[0] + 20.0, panel.max[1] - 22.0);
    let end = x + (length_m * view.px_per_m) as f32;
    canvas.line([x, y], [end, y], 2.0, DIM);
    for x in [x, end] {
        canvas.line([x, y - 5.0], [x, y + 5.0], 2.0, DIM);
    }
    canvas.text(&metres(length_m), end + 12.0, y + 5.0, 10.0, DIM);
}

fn metres(m: f64) -> String {
    if m >= 10.0 {
        format!("{m:.0} m")
    } else if m >= 1.0 {
        format!("{m:.1} m")
    } else if m >= 0.01 {
        format!("{:.0} cm", m * 100.0)
    } else {
        format!("{:.1} mm", m * 1000.0)
    }
}

fn gap_chart(canvas: &mut Canvas, rig: &Rig, gaps: &[Gap], panel: &Panel) {
    let (left, right) = (panel.min[0] + 62.0, panel.max[0] - 20.0);
    let (top, bottom) = (panel.min[1] + 58.0, panel.max[1] - 58.0);
    if gaps.is_empty() {
        canvas.text("no gaps: the cameras have no order around a subject", left - 40.0, 0.5 * (top + bottom), 10.0, DIM);
        return;
    }
    let most = gaps.iter().map(|g| g.disparity_px).fold(140.0, f64::max) * 1.05;
    let y = |px: f64| bottom - (bottom - top) * (px / most).min(1.0) as f32;
    let step = [25.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0].into_iter().find(|s| most / s <= 5.0).unwrap_or(1e4);
    let mut tick = 0.0;
    while tick <= most {
        canvas.line([left, y(tick)], [right, y(tick)], 1.0, RULE);
        let text = format!("{tick:.0}");
        canvas.text(&text, left - 12.0 - font::width(&text, 9.0), y(tick) + 4.5, 9.0, DIM);
        tick += step;
    }
    for (limit, verdict) in [(128.0, Verdict::Amber), (256.0, Verdict::Red)] {
        if limit < most {
            canvas.dashes([left, y(limit)], [right, y(limit)], 1.5, 8.0, color(verdict).faint(0.8));
        }
    }
    let pitch = (right - left) / gaps.len() as f32;
    let bar = (pitch * 0.68).min(60.0);
    let widest = gaps.iter().map(|g| label(g).len()).max().unwrap_or(0) as f32;
    for (i, g) in gaps.iter().enumerate() {
        let x = left + (i as f32 + 0.5) * pitch;
        let (a, b) = (x - 0.5 * bar, x + 0.5 * bar);
        canvas.polygon(&[[a, y(g.disparity_px)], [b, y(g.disparity_px)], [b, bottom], [a, bottom]], color(g.verdict).faint(0.9));
        if let Some(r) = g.residual.filter(|_| pitch > widest * 7.0) {
            let text = label(g);
            let ink = if r.median_px < 1.5 { DIM } else { color(if r.median_px < 3.0 { Verdict::Amber } else { Verdict::Red }) };
            canvas.text_centered(&text, [x, bottom + 16.0], 7.5, ink);
        }
    }
    canvas.line([left, bottom], [right, bottom], 1.5, DIM);
    let name = |i: usize| rig.cameras[i].name.as_str();
    let (first, last) = (name(gaps[0].from), name(gaps[gaps.len() - 1].to));
    let y = panel.max[1] - 20.0;
    canvas.text(first, left, y, 9.0, DIM);
    canvas.text(last, right - font::width(last, 9.0), y, 9.0, DIM);
    let note = if gaps.iter().any(|g| g.residual.is_some()) && pitch > widest * 7.0 {
        "epipolar residual below the bars, px"
    } else {
        "in the order of the arc"
    };
    canvas.text_centered(note, [0.5 * (left + right), y - 4.5], 9.0, DIM);
}

fn label(g: &Gap) -> String {
    g.residual.map_or_else(String::new, |r| if r.median_px < 9.95 { format!("{:.1}", r.median_px) } else { format!("{:.0}", r.median_px) })
}
