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
        }
    };
    let link = |from: usize, to: usize, shared: usize| CalibratedLink { from, to, shared, holds: shared >= 3 };
    CalibrationView {
        board: BOARD.to_owned(),
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
        unsolved: (light == Light::Red && k == 11).then(|| {
            "it shares too few boards with the other cameras (1 with cam11, 3 are needed). Hold the board where cam12 and cam11 both see it, turned half-way between them, and carry it through that place".to_owned()
        }),
    }
    };
    let gap = |k: usize| {
        let degrees = [6.1, 5.8, 7.0, 14.2, 6.4, 6.0, 6.2, 27.5, 6.1, 5.9, 6.3][k];
        JudgedGap { from: name(k), to: name(k + 1), degrees, quality: GapQuality::of_degrees(degrees) }
    };
    let remedies = if light == Light::Green {
        vec![]
    } else {
        vec![
            "cam02: 3 of its 11 boards contradict the other cameras. Is it in step with them (volte rig sync), was the board held still, and is its lens (--lenses) that of these pictures?"
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
        saved: (light == Light::Green).then(|| "/shows/final/rig_calibrated.toml".to_owned()),
    };
    let stage = CalibrationStage::Judged(Box::new(judged));
    CalibrationView { stage, is_enough: true, share: 1.0, advice: Advice::Enough, reason: None, floor_secs: Some(61.0), ..carried() }
}
