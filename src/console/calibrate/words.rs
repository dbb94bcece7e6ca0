//! What the coach says, in the operator's language: in a few words for who stands far away, and the rest beneath.

use super::super::lang::{say, t};
use crate::engine::{Advice, GOOD_BOARDS, LEAST_TILTED, Part, Refusal, Rejection};

/// The one next thing: what to do, and how far that is.
pub(super) fn advice(advice: &Advice) -> (String, String) {
    let of = |has: &usize, needed: usize| say!("calib-of", has = has, needed = needed);
    match advice {
        Advice::Mirror { camera } => (say!("advice-mirror", camera = camera), t("advice-mirror-do").to_owned()),
        Advice::OtherBoard { camera, markers } => {
            (say!("advice-other-board", camera = camera), say!("advice-other-board-do", markers = markers))
        }
        Advice::Begin => (t("advice-begin").to_owned(), t("advice-begin-do").to_owned()),
        Advice::Show { camera, boards, needed } => (say!("advice-show", camera = camera), of(boards, (*needed).min(GOOD_BOARDS))),
        Advice::Link { from, to, shared, needed } => (say!("advice-link", from = from, to = to), of(shared, *needed)),
        Advice::Turn { camera, seen } => (say!("advice-turn", camera = camera), of(seen, LEAST_TILTED)),
        Advice::Tip { camera, seen } => (say!("advice-tip", camera = camera), of(seen, LEAST_TILTED)),
        Advice::NoPicture { camera } => (say!("advice-no-picture", camera = camera), t("advice-no-picture-do").to_owned()),
        Advice::Cover { camera, part } => (say!("advice-cover", camera = camera, part = place(*part)), String::new()),
        Advice::Enough => (t("advice-enough").to_owned(), String::new()),
    }
}

/// A part of a picture, as it stands in `advice-cover`.
fn place(part: Part) -> &'static str {
    match (part.row, part.column) {
        (0, 0) => t("part-upper-left"),
        (0, 1) => t("part-upper"),
        (0, _) => t("part-upper-right"),
        (1, 0) => t("part-left"),
        (1, 1) => t("part-middle"),
        (1, _) => t("part-right"),
        (_, 0) => t("part-lower-left"),
        (_, 1) => t("part-lower"),
        (_, _) => t("part-lower-right"),
    }
}

/// Why a picture gave nothing, and what to do about it.
pub(super) fn rejection(why: &Rejection) -> String {
    match *why {
        Rejection::NoBoard => t("reject-no-board").to_owned(),
        Rejection::OtherBoard { markers } => say!("reject-other-board", markers = markers),
        Rejection::Mirrored { .. } => t("reject-mirrored").to_owned(),
        Rejection::TooFewCorners { found, needed } => say!("reject-few-corners", found = found, needed = needed),
        Rejection::TooSmall { square_px, needed_px } => {
            say!("reject-too-small", px = format!("{square_px:.0}"), needed = format!("{needed_px:.0}"))
        }
        Rejection::TooOblique { tilt_deg, limit_deg } => {
            say!("reject-oblique", degrees = format!("{tilt_deg:.0}"), limit = format!("{limit_deg:.0}"))
        }
        Rejection::Blurred { edge_px, .. } => say!("reject-blurred", px = format!("{edge_px:.1}")),
        Rejection::Moving { px_per_frame, .. } => say!("reject-moving", px = format!("{px_per_frame:.0}")),
    }
}

/// Why a picture was not looked at.
pub(super) fn refusal(why: Refusal) -> String {
    match why {
        Refusal::NoPicture => t("refused-no-picture").to_owned(),
        Refusal::Beside { ms, limit_ms } => say!("refused-beside", ms = ms, limit = limit_ms),
    }
}

/// A reason in one or two words, as [`Rejection::short`] has it.
pub(super) fn short(why: &str) -> &str {
    match why {
        "another board" => t("short-another"),
        "mirrored" => t("short-mirrored"),
        "few corners" => t("short-few-corners"),
        "too small" => t("short-too-small"),
        "oblique" => t("short-oblique"),
        "blurred" => t("short-blurred"),
        "moving" => t("short-moving"),
        other => other,
    }
}

/// How often which reason was met; empty where there was none.
pub(super) fn reasons(all: &[(&'static str, usize)]) -> String {
    all.iter().map(|(why, n)| format!("{n} × {}", short(why))).collect::<Vec<_>>().join(", ")
}
