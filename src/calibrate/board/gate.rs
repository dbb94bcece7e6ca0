//! What the gate asks of a solved rig beside how far corners are off: the check that any rig gets, and its gaps.

use super::outcome::{ClockOff, GateFinding, Light};
use crate::rig::{
    Rig,
    check::{Gap, Severity, Verdict, check},
};

/// A clock that is off by more than this share of a frame is told.
const CLOCK_FRAMES: f64 = 0.25;
/// And by more than so many deviations.
const CLOCK_SIGMAS: f64 = 3.0;

/// What the check of any rig says of this one, and its gaps.
pub(in crate::calibrate) fn of_rig(rig: &Rig) -> (Vec<GateFinding>, Vec<Gap>) {
    if rig.cameras.len() < 2 {
        return (vec![], vec![]);
    }
    let report = check(rig);
    let pair = |g: &Gap| format!("{}–{}", rig.cameras[g.from].name, rig.cameras[g.to].name);
    let poor: Vec<String> = report.gaps.iter().filter(|g| g.verdict == Verdict::Red).map(pair).collect();
    let mut found = Vec::new();
    for f in report.findings {
        let light = match f.severity {
            Severity::Error => Light::Red,
            Severity::Warning if f.cameras.iter().any(|name| poor.contains(name)) => Light::Amber,
            Severity::Warning => Light::Green,
            Severity::Note => continue,
        };
        found.push(GateFinding { light, cameras: f.cameras, what: format!("{}. {}", f.what, f.remedy) });
    }
    (found, report.gaps)
}

/// Cameras whose clock is off by more than a part of a frame and more than chance.
pub(super) fn of_clocks(clocks: &[Option<ClockOff>], names: &[&str]) -> Vec<GateFinding> {
    let told = |(c, name): (&Option<ClockOff>, &&str)| {
        let c = c.as_ref().filter(|c| c.secs.abs() > (CLOCK_FRAMES * c.frame_secs).max(CLOCK_SIGMAS * c.sigma_secs))?;
        Some(GateFinding {
            light: Light::Amber,
            cameras: vec![(*name).to_owned()],
            what: format!(
                "its pictures are taken {:.1} ± {:.1} ms {} than the others' of the same time ({:.1} of a frame; {} boards in motion tell it). Bring it in step: volte rig \
                 sync, or genlock",
                1e3 * c.secs.abs(),
                1e3 * c.sigma_secs,
                if c.secs > 0.0 { "later" } else { "earlier" },
                c.secs.abs() / c.frame_secs,
                c.boards
            ),
        })
    };
    clocks.iter().zip(names).filter_map(told).collect()
}
