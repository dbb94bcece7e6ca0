//! Calibrations that the console's tests show: a board that is carried, and the rig that came of it.
#![allow(dead_code, reason = "each test uses its part")]

use volte::engine::{
    Advice, CELLS, CalibratedCamera, CalibratedLink, CalibrationStage, CalibrationView, GapQuality, JudgedCamera, JudgedGap, JudgedRig,
    Light, Rejection,
};

pub const BOARD: &str = "charuco:7x10:0.030:0.022:4x4_50";

fn name(k: usize) -> String {
    format!("cam{:02}", k + 1)
}

/// Half-way: five of twelve cameras hang together, one pair has begun, one sees the board too much from its side.
pub fn carried() -> CalibrationView {
    let camera = |k: usize| {
        let boards = [9, 12, 8, 7, 6, 2, 1, 0, 0, 0, 0, 0][k % 12];
        let cells = (0..CELLS.0 * CELLS.1).map(|i| {
            let (x, y) = (i % CELLS.0, i / CELLS.0);
            let near = (x + 2 * k) % 5 < 3 && y > k % 3 && y < 6;
            if boards > 0 && near { (boards * (x + y)) as u32 / 4 } else { 0 }
        });
        let rejected = match k {
            5 => Some((0.3, Rejection::TooOblique { tilt_deg: 78.0, limit_deg: 75.0 })),
            3 => Some((9.0, Rejection::Moving { px_per_frame: 12.0, limit_px: 4.0 })),
            k if k > 6 => Some((0.0, Rejection::NoBoard)),
            _ => None,
        };
        CalibratedCamera {
            name: name(k),
            boards,
            needed: 5,
            turned: boards / 2,
            tipped: boards / 3,
            cells: cells.collect(),
            sees: k == 4,
            pictures: if k == 11 { 0 } else { 320 },
            rejected: rejected.filter(|_| k != 11),
            refused: None,
            knows_lens: false,
            reasons: match k {
                5 => vec![("oblique", 14), ("moving", 3)],
                3 => vec![("moving", 8)],
                _ => vec![],
            },
        }
    };
    let link = |from: usize, to: usize, shared: usize| CalibratedLink { from, to, shared, holds: shared >= 3 };
    CalibrationView {
        board: BOARD.to_owned(),
        lenses: String::new(),
        stage: CalibrationStage::Looking { waits: false },
        secs: 74.0,
        share: 0.42,
        advice: Advice::Link { from: name(4), to: name(5), shared: 2, needed: 3 },
        is_enough: false,
        reason: Some((name(5), Rejection::TooOblique { tilt_deg: 78.0, limit_deg: 75.0 })),
        told: None,
        floor_secs: None,
        cameras: (0..12).map(camera).collect(),
        links: vec![link(0, 1, 7), link(1, 2, 5), link(2, 3, 4), link(3, 4, 3), link(0, 2, 3), link(2, 4, 1), link(4, 5, 2)],
    }
}

/// The rig of it.
pub fn judged(light: Light) -> CalibrationView {
    let camera = |k: usize| {
        JudgedCamera {
        name: name(k),
        boards: 31 - k,
        taken_out: if light != Light::Green && k == 1 { 3 } else { 0 },
        rms_px: 0.21 + 0.01 * k as f64,
        place_mm: if k == 0 { 0.0 } else { 0.8 + 0.1 * k as f64 },
        focal_px: Some((601.8 + 0.7 * k as f64, 0.4 + 0.05 * k as f64)),
        clock_ms: (k != 7).then_some((if light != Light::Green && k == 1 { 14.9 } else { 0.3 - 0.1 * k as f64 }, 0.4)),
        pictures: 320,
        found: 90 - 3 * k,
        reasons: if k % 4 == 1 { vec![("moving", 21), ("oblique", 9), ("blurred", 2)] } else { vec![] },
        unsolved: (light == Light::Red && k == 11).then(|| {
            "it shares too few boards with the other cameras (1 with cam11, 3 are needed). Hold the board where cam12 and cam11 both see it, turned half-way between them, and carry it through that place".to_owned()
        }),
    }
    };
    let gap = |k: usize| {
        let degrees = [6.1, 5.8, 7.0, 14.2, 6.4, 6.0, 6.2, 27.5, 6.1, 5.9, 6.3][k];
        JudgedGap {
            from: name(k),
            to: name(k + 1),
            degrees,
            disparity_px: Some(9.4 * degrees),
            quality: match 9.4 * degrees {
                px if px <= 128.0 => GapQuality::Good,
                px if px <= 256.0 => GapQuality::Fair,
                _ => GapQuality::Poor,
            },
        }
    };
    let remedies = if light == Light::Green {
        vec![]
    } else {
        vec![
            "cam02: 3 of its 11 boards that others saw too contradict them. Is it in step (volte rig sync), and was the board held still?".to_owned(),
            "cam02: its pictures are taken 14.9 ± 0.4 ms later than the others' of the same time (0.4 of a frame; 31 boards in motion tell it). Bring it in step: volte rig sync, or genlock"
                .to_owned(),
            "cam08–cam09: too far apart for synthesis: the subject's disparity ranges over more than 256 px. Move them closer or add a camera between; else these gaps are bridged by a cross-fade or a cut"
                .to_owned(),
            "cam05: the upper left of its picture never saw the board, so its lens is unsure there. Carry it there".to_owned(),
        ]
    };
    let judged = JudgedRig {
        light,
        rms_px: if light == Light::Green { 0.24 } else { 0.61 },
        p95_px: if light == Light::Green { 0.52 } else { 1.3 },
        step_px: Some(if light == Light::Green { (0.08, 0.11, true) } else { (0.1, 0.31, false) }),
        cameras: (0..12).map(camera).collect(),
        gaps: (0..11).map(gap).collect(),
        remedies,
        frame_ms: Some(40.0),
        used: None,
        saved: (light == Light::Green).then(|| "/shows/final/rig_calibrated.toml".to_owned()),
    };
    let stage = CalibrationStage::Judged(Box::new(judged));
    CalibrationView { stage, is_enough: true, share: 1.0, advice: Advice::Enough, reason: None, floor_secs: Some(61.0), ..carried() }
}
