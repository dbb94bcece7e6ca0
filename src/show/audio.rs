//! `[audio]`: where the sound of the venue comes from, and what is heard while time stands still.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::Mistakes;

/// Sound is kept for so long, minutes.
const MINUTES: std::ops::RangeInclusive<f64> = 0.1..=60.0;
const WAIT_MS: std::ops::RangeInclusive<f64> = 0.0..=2000.0;
const OFFSET_MS: f64 = 10_000.0;
const FREEZES: [&str; 3] = ["live", "silence", "tail"];

/// The sound input.
#[derive(Debug, Clone, PartialEq)]
pub struct ShowAudio {
    /// The camera whose feed carries it; `None` with an address.
    pub feed: Option<String>,
    /// An address of its own; docs/show.md lists the forms.
    pub address: Option<String>,
    /// How much is kept, seconds; `None` is the standard.
    pub keep_secs: Option<f64>,
    /// Added to its times, nanoseconds.
    pub offset_nanos: i64,
    /// How long after its picture it may arrive, nanoseconds; `None` is the standard.
    pub wait_nanos: Option<i64>,
    /// `live`, `silence` or `tail`; `None` is the standard.
    pub freeze: Option<String>,
    /// Where it stands in the file, from 1.
    pub line: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileAudio {
    feed: Option<Spanned<String>>,
    address: Option<Spanned<String>>,
    minutes: Option<Spanned<f64>>,
    offset_ms: Option<Spanned<f64>>,
    wait_ms: Option<Spanned<f64>>,
    freeze: Option<Spanned<String>>,
}

/// Checked as far as words go.
pub(super) fn audio(read: Option<&FileAudio>, cameras: &BTreeMap<&str, usize>, mistakes: &Mistakes<'_>) -> Option<ShowAudio> {
    let FileAudio { feed, address, minutes, offset_ms, wait_ms, freeze } = read?;
    let keep_secs = mistakes.number(minutes.as_ref(), "minutes", MINUTES).map(|m| m * 60.0);
    let offset_ms = mistakes.number(offset_ms.as_ref(), "offset_ms", -OFFSET_MS..=OFFSET_MS).unwrap_or(0.0);
    let wait_ms = mistakes.number(wait_ms.as_ref(), "wait_ms", WAIT_MS);
    let freeze = mistakes.word(freeze.as_ref(), "freeze", &FREEZES);
    let from = match (feed, address) {
        (Some(feed), None) => feed,
        (None, Some(address)) => address,
        (Some(feed), Some(_)) => {
            mistakes.note(&feed.span(), "[audio] has a feed and an address; keep one of them".to_owned());
            return None;
        }
        (None, None) => {
            let problem = "[audio] says nowhere where sound comes from: write feed = \"CAMERA\" (its feed carries it) or address = \"…\"";
            if !mistakes.is_torn("audio") {
                mistakes.note(&(0..0), problem.to_owned());
            }
            return None;
        }
    };
    if let Some(feed) = feed
        && !cameras.contains_key(feed.as_ref().as_str())
    {
        if !mistakes.is_torn("feeds") && !mistakes.is_torn("nodes") {
            mistakes.note(&feed.span(), format!("[audio] feed = {:?}: no feed has this camera; name one that has", feed.as_ref()));
        }
        return None;
    }
    if from.as_ref().trim().is_empty() {
        mistakes.note(&from.span(), "[audio] names an empty source; write a camera or an address".to_owned());
        return None;
    }
    Some(ShowAudio {
        feed: feed.as_ref().map(|f| f.as_ref().clone()),
        address: address.as_ref().map(|a| a.as_ref().clone()),
        keep_secs,
        offset_nanos: (offset_ms * 1e6).round() as i64,
        wait_nanos: wait_ms.map(|ms| (ms * 1e6).round() as i64),
        freeze,
        line: mistakes.line(&from.span()),
    })
}
