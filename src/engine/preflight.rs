//! Before the show: everything that is wrong with a show file and with this machine for it, and what would make its freezes slow.
//!
//! Files are read for a moment, as fast as the disk gives them; cameras are called only where that is asked for.
//! Must not know: windows, command lines.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use super::production::{NodeProduction, Production};
use crate::capture::{
    self, CaptureConfig, CaptureError, CaptureSession, ClockReference, FeedSource, FeedSpec, FeedState, FeedStatus, HouseClock, NodeStatus,
    Pace, PreviewConfig, RtspClock, StreamKind, TimeOrigin, TimeWish,
};
use crate::output::CancelToken;
use crate::ring::{KeyframeDistance, RingConfig, RingFeedStatus};
use crate::show::{Show, ShowError};
use crate::time::MediaTime;

/// So long files may take to show their first keyframes.
const FILES_WITHIN: Duration = Duration::from_secs(20);
/// A feed that has shown so many keyframes has told how far they are apart.
const KEYFRAMES: u64 = 4;
/// …and so have so many frames, whatever they are.
const FRAMES: u64 = 1500;
/// More of one feed is not read, bytes.
const FEED_BYTES: u64 = 256 << 20;

/// How a feed fared when it was opened for a look.
#[derive(Debug, Clone, PartialEq)]
pub struct LookedAt {
    /// Its camera.
    pub camera: String,
    /// The node that has it, if one does: its pictures stay there.
    pub node: Option<String>,
    /// How far its keyframes are apart; `None` where too little came.
    pub keyframes: Option<KeyframeDistance>,
    /// How it fared at the end.
    pub status: FeedStatus,
}

/// What was found.
#[derive(Debug)]
pub struct Preflight {
    /// What it is, in a few words, if there is enough of it to say so.
    pub summary: Option<String>,
    /// Cameras of the rig that have no feed.
    pub without_feed: Vec<String>,
    /// What must be mended, by lines.
    pub mistakes: Vec<ShowError>,
    /// What runs, and could be better, by lines.
    pub advice: Vec<ShowError>,
    /// The feeds that were opened.
    pub feeds: Vec<LookedAt>,
    /// The capture nodes that were called.
    pub nodes: Vec<NodeStatus>,
}

/// Looks a show file over. Feeds that call somebody or listen are opened for as long as `connect` says, and not at all without it.
pub fn look_over(file: &Path, connect: Option<Duration>, cancel: &CancelToken) -> Result<Preflight, CaptureError> {
    capture::init()?;
    let mut found = Preflight { summary: None, without_feed: vec![], mistakes: vec![], advice: vec![], feeds: vec![], nodes: vec![] };
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(source) => {
            found.mistakes.push(ShowError::Read { file: file.to_owned(), source });
            return Ok(found);
        }
    };
    let (show, mistakes) = Show::examine(&text, file);
    found.mistakes = mistakes;
    let Some(show) = show else { return Ok(found) };
    let (specs, capture) = if show.node.is_some() && show.rig.as_os_str().is_empty() {
        let (node, wrong) = NodeProduction::examine(&show);
        found.mistakes.extend(wrong);
        let Some(node) = node else { return Ok(sorted(found)) };
        found.mistakes.extend(node.missing(&show));
        found.summary = Some(format!("{}: a node with {} feeds, listening at {}", show.name, node.specs.len(), node.server.listen));
        (node.specs, node.capture)
    } else {
        let (production, wrong) = Production::examine(&show);
        found.mistakes.extend(wrong);
        found.mistakes.extend(production.missing(&show));
        found.summary = Some(in_words(&show, &production));
        found.without_feed = production.without_feed;
        (production.specs, production.capture)
    };
    let opened: Vec<FeedSpec> = specs.iter().filter_map(|spec| to_open(spec, connect.is_some())).collect();
    let within = connect.map_or(FILES_WITHIN, |secs| secs.max(Duration::from_secs(1)));
    let mut seen = look_at(&capture, &opened, within, cancel)?;
    if connect.is_some() && seen.clock.is_none() && !cancel.is_cancelled() {
        seen.clock = HouseClock::continuing(&capture.clock, MediaTime::ZERO).status().problem;
    }
    if let (Some(problem), Some((_, line))) = (&seen.clock, &show.clock) {
        found.mistakes.push(show.error_at(*line, format!("clock: {problem}")));
    }
    // Whose node is away is away with it: that is told once, where the node stands.
    for (node, status) in show.nodes.iter().filter_map(|node| Some((node, seen.nodes.iter().find(|s| s.name == node.name)?))) {
        let about = |what: &str| show.error_at(node.line, format!("node {:?} ({}): {what}", node.name, node.address));
        match (&status.problem, status.is_here) {
            (Some(problem), true) => found.advice.push(about(problem)),
            (None, true) => {}
            (problem, false) => found.mistakes.push(about(problem.as_deref().unwrap_or("it does not answer. Look longer (--connect 30)"))),
        }
    }
    seen.feeds.retain(|feed| !seen.nodes.iter().any(|n| !n.is_here && n.cameras.iter().any(|c| **c == *feed.camera)));
    (found.feeds, found.nodes) = (seen.feeds, seen.nodes);
    judge(&show, &specs, &mut found);
    Ok(sorted(found))
}

fn in_words(show: &Show, production: &Production) -> String {
    let outputs = production.program.as_ref().map_or_else(String::new, |(options, sinks)| {
        let of_second = production.second.as_ref().map_or(0, Vec::len);
        let all = sinks.len() + of_second;
        let second = if of_second == 0 { String::new() } else { format!(" ({of_second} of program B)") };
        format!(", {all} output{}{second} in {}", if all == 1 { "" } else { "s" }, options.format)
    });
    let nodes = match show.nodes.len() {
        0 => String::new(),
        n => format!(" ({n} nodes)"),
    };
    format!("{}: {} feeds{nodes}, {} cameras{outputs}", show.name, production.specs.len(), production.rig.cameras.len())
}

fn sorted(mut found: Preflight) -> Preflight {
    let line = |e: &ShowError| if let ShowError::Line { line, .. } = e { *line } else { 0 };
    found.mistakes.sort_by_key(line);
    found.advice.sort_by_key(line);
    found
}

/// A feed as it is opened for a look; `None` where it is not. Its frames are looked at as they come, whatever is made of them in the show.
fn to_open(spec: &FeedSpec, connects: bool) -> Option<FeedSpec> {
    let source = match &spec.source {
        FeedSource::File { path, .. } if path.is_file() => FeedSource::File { path: path.clone(), pace: Pace::AsFastAsPossible },
        FeedSource::Node { node } if connects => FeedSource::Node { node: node.clone() },
        FeedSource::Stream(stream) if connects && capture::missing_elements(&spec.source).is_empty() => FeedSource::Stream(stream.clone()),
        _ => return None,
    };
    Some(FeedSpec { source, make_intra: false, ..spec.clone() })
}

/// What was seen of what was opened.
#[derive(Default)]
struct Seen {
    feeds: Vec<LookedAt>,
    nodes: Vec<NodeStatus>,
    /// What is wrong with the house clock; `None` where none was asked.
    clock: Option<String>,
}

fn look_at(capture: &CaptureConfig, specs: &[FeedSpec], within: Duration, cancel: &CancelToken) -> Result<Seen, CaptureError> {
    let config = CaptureConfig {
        ring: RingConfig { budget_bytes: FEED_BYTES, duration_nanos: 120_000_000_000, ..RingConfig::default() },
        preview: PreviewConfig { enabled: false, ..PreviewConfig::default() },
        clock: capture.clock.clone(),
        ..CaptureConfig::default()
    };
    let mut seen: BTreeMap<usize, LookedAt> = BTreeMap::new();
    let mut others = Seen::default();
    let mut left: Vec<(usize, FeedSpec)> = specs.iter().cloned().enumerate().collect();
    // Files go through memory faster than anything else, and would push each other out: one after the other, before all cameras together.
    let (files, cameras): (Vec<_>, Vec<_>) = left.drain(..).partition(|(_, spec)| matches!(spec.source, FeedSource::File { .. }));
    let files = files.into_iter().map(|file| vec![file]);
    for together in files.chain((!cameras.is_empty()).then_some(cameras)) {
        let specs: Vec<FeedSpec> = together.iter().map(|(_, spec)| spec.clone()).collect();
        // No clock is waited for to look at a file.
        let of_files = specs.iter().all(|spec| matches!(spec.source, FeedSource::File { .. }));
        let clock = if of_files { ClockReference::Machine } else { config.clock.clone() };
        let nodes = if of_files { Vec::new() } else { capture.nodes.clone() };
        let session = CaptureSession::start(CaptureConfig { clock, nodes, ..config.clone() }, &specs)?;
        let until = Instant::now() + within;
        let has_told = || {
            let (ring, feeds) = (session.ring().status(), session.status());
            let all = feeds.iter().zip(&specs);
            all.into_iter().all(|(feed, spec)| ring.feeds.get(feed.id.0).is_some_and(|ring| told(spec, feed, ring)))
        };
        while !has_told() && Instant::now() < until && !cancel.is_cancelled() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let ring = session.ring().status();
        for ((index, spec), status) in together.iter().zip(session.status()) {
            let keyframes = ring.feeds.get(status.id.0).and_then(|feed| feed.keyframe_distance);
            let node = if let FeedSource::Node { node } = &spec.source { Some(node.clone()) } else { None };
            seen.insert(*index, LookedAt { camera: spec.name.clone(), node, keyframes, status });
        }
        if !of_files {
            (others.nodes, others.clock) = (session.nodes(), session.clock().status().problem);
        }
        if cancel.is_cancelled() {
            break;
        }
    }
    Ok(Seen { feeds: seen.into_values().collect(), ..others })
}

/// Where a feed's times are to come from, where its address says so.
fn wished_origin(spec: &FeedSpec) -> Option<TimeOrigin> {
    let FeedSource::Stream(stream) = &spec.source else { return None };
    match (&stream.kind, stream.time) {
        (_, TimeWish::Timecode) => Some(TimeOrigin::Timecode),
        (_, TimeWish::Ltc) => Some(TimeOrigin::Ltc),
        (StreamKind::Rtsp { clock: RtspClock::SenderReport, .. }, _) => Some(TimeOrigin::SenderReport),
        (StreamKind::Rtsp { clock: RtspClock::Described, .. }, _) => Some(TimeOrigin::Rfc7273),
        (StreamKind::Rtp { payload, .. }, _) => payload.reference_clock.as_ref().map(|_| TimeOrigin::Rfc7273),
        _ => None,
    }
}

/// Whether more frames would tell nothing more.
fn told(spec: &FeedSpec, feed: &FeedStatus, ring: &RingFeedStatus) -> bool {
    let over = matches!(feed.state, FeedState::Ended | FeedState::Failed);
    if matches!(spec.source, FeedSource::Node { .. }) {
        // Its pictures stay there: whoever is seen there is there.
        return over || feed.state == FeedState::Live;
    }
    // A clock that is wished for is waited for, or for word of why it does not come.
    let waits = wished_origin(spec).is_some_and(|wished| feed.time_origin != wished && feed.last_error.is_none());
    if waits && !over {
        return false;
    }
    over || ring.keyframes >= KEYFRAMES || feed.received >= FRAMES || feed.bytes >= FEED_BYTES
}

/// The line on which a camera stands.
fn line_of(show: &Show, camera: &str) -> usize {
    let own = show.feeds.iter().filter(|f| f.camera == camera).map(|f| f.line);
    let of_nodes = show.nodes.iter().flat_map(|n| &n.cameras).filter(|(name, _)| name == camera).map(|(_, line)| *line);
    own.chain(of_nodes).next().unwrap_or(1)
}

fn judge(show: &Show, specs: &[FeedSpec], found: &mut Preflight) {
    for feed in &found.feeds {
        let line = line_of(show, &feed.camera);
        let about = |what: &str| show.error_at(line, format!("camera {:?}: {what}", feed.camera));
        let status = &feed.status;
        // Its host is told already: what follows from it is no further mistake.
        let is_told = found.mistakes.iter().any(|e| matches!(e, ShowError::Line { line: of, .. } if *of == line));
        match (status.state, &status.last_error) {
            (FeedState::Failed | FeedState::Reconnecting | FeedState::Starting, _) if is_told => {}
            (FeedState::Failed | FeedState::Reconnecting, Some(why)) => found.mistakes.push(about(why)),
            (FeedState::Failed | FeedState::Reconnecting, None) => found.mistakes.push(about("it is away")),
            (FeedState::Starting, _) => found.mistakes.push(about("no picture has come. Look longer (--connect 30), or switch it on")),
            (FeedState::Ended, _) if status.received == 0 => found.mistakes.push(about("its file has no pictures")),
            (FeedState::Live | FeedState::Ended, Some(why)) => found.advice.push(about(why)),
            (FeedState::Live | FeedState::Ended, None) => {
                let spec = specs.iter().find(|spec| spec.name == feed.camera);
                if let Some(wished) = spec.and_then(wished_origin).filter(|wished| *wished != status.time_origin) {
                    let origin = status.time_origin;
                    found.advice.push(about(&format!("its times come from {origin} yet, not from {wished}. Look longer (--connect 40)")));
                }
            }
        }
        let is_mended = specs.iter().any(|spec| spec.name == feed.camera && spec.make_intra);
        if let Some(warning) = feed.keyframes.and_then(|distance| distance.warning()).filter(|_| !is_mended) {
            found.advice.push(about(&warning));
        }
    }
}
