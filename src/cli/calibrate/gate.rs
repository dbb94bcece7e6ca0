//! What the gate says beside how far corners are off: clocks and gaps.

use volte::{
    calibrate::board::{Calibration, Deviation},
    geometry::Lens,
    rig::{
        Rig,
        check::{Gap, Verdict},
    },
};

/// Principal point with its deviation.
pub(super) fn center(lens: &Lens, d: &Deviation) -> String {
    format!("{:.1} ± {:.1}, {:.1} ± {:.1}", lens.cx_px, d.center_px.0, lens.cy_px, d.center_px.1)
}

/// Clocks of all candidates, where boards in motion told them, and the gaps of what was solved.
pub(super) fn print(names: &[&str], solved: &Calibration) {
    let told: Vec<String> = names
        .iter()
        .zip(&solved.clocks)
        .filter_map(|(name, c)| {
            let c = c.as_ref()?;
            Some(format!("{name} {:+.1} ± {:.1} ms ({} boards)", 1e3 * c.secs, 1e3 * c.sigma_secs, c.boards))
        })
        .collect();
    match solved.clocks.iter().flatten().next() {
        Some(c) => println!("\nsync, from boards in motion (a frame is {:.1} ms): {}", 1e3 * c.frame_secs, told.join(", ")),
        None => println!("\nsync: no boards in motion that several cameras saw; it was not measured"),
    }
    print_gaps(&solved.rig, &solved.gaps);
}

/// What synthesis can do between neighbours.
pub(super) fn print_gaps(rig: &Rig, gaps: &[Gap]) {
    if gaps.is_empty() {
        return;
    }
    let name = |i: usize| rig.cameras.get(i).map_or("", |c| c.name.as_str());
    let pair = |g: &Gap| format!("{}–{}", name(g.from), name(g.to));
    let wide = gaps.iter().map(|g| pair(g).chars().count()).max().unwrap_or(0).max(3);
    println!("\n{:wide$}  {:>7}  {:>12}  interpolable", "gap", "degrees", "disparity px");
    for g in gaps {
        let word = match g.verdict {
            Verdict::Green => "good",
            Verdict::Amber => "fair",
            Verdict::Red => "poor",
        };
        println!("{:wide$}  {:>7.1}  {:>12.0}  {word}", pair(g), g.degrees, g.disparity_px);
    }
}
