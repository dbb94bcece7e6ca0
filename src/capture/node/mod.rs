//! Capture nodes: machines that run capture and ring for some of the cameras and serve them to the console's machine.
//!
//! A [`NodeServer`] stands beside a running session and gives away what that has: small pictures of all cameras, the units of those
//! that are watched at full rate, and on request what must be decoded to see an instant or a range. On the console's machine a
//! client ([`NodeSpec`] in the session's settings) makes the node's cameras feeds of its own session: their times are translated to
//! the console's house clock ([`crate::link::LinkClock`]), their past stays on the node until it is asked for.
//!
//! Who is away is away by name, and nobody waits for it longer than a moment may take.

mod cache;
mod client;
mod connection;
mod fetch;
mod keeper;
mod report;
mod server;
mod streaming;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(super) use client::Surroundings;
pub(super) use fetch::Asked;
pub use server::{NodeServer, NodeServerConfig, PretendClock};

use super::error::CaptureError;
use super::feed::FeedShared;
use super::preview::PreviewFrame;
use crate::link::{ClockReading, LinkKey};
use crate::ring::disk::Kept;
use crate::ring::{AccessUnit, FeedId, GopForInstant};
use crate::time::MediaTime;
use client::NodeClient;

/// A node as the console knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpec {
    /// Its name, for people.
    pub name: String,
    /// HOST:PORT.
    pub address: String,
    /// The key that it was started with.
    pub key: LinkKey,
}

/// How a node fares.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeStatus {
    /// Its name.
    pub name: String,
    /// HOST:PORT.
    pub address: String,
    /// It answers.
    pub is_here: bool,
    /// Why not, and what helps; or what is wrong there.
    pub problem: Option<String>,
    /// Its clock against the console's.
    pub clock: Option<ClockReading>,
    /// How often it was connected.
    pub connections: u64,
    /// Plain bytes that came of what is live.
    pub live_bytes: u64,
    /// Plain bytes that came on request.
    pub fetched_bytes: u64,
    /// Bytes in its ring, and allowed.
    pub ring_bytes: (u64, u64),
    /// Bytes in its ring that marks keep.
    pub pinned_bytes: u64,
    /// Its cameras.
    pub cameras: Vec<Arc<str>>,
}

impl NodeStatus {
    /// Its clock in words: how far it is off, how sure that is, and how long the way is.
    pub fn clock_in_words(&self) -> String {
        let Some(clock) = self.clock else { return format!("via node {}", self.name) };
        let ms = |nanos: i64| nanos as f64 * 1e-6;
        let skew = clock.skew_ppm.map_or_else(String::new, |ppm| format!(", {ppm:+.1} ppm"));
        format!(
            "via node {}: its clock {:+.2} ± {:.2} ms{skew}, round trip {:.2} ms",
            self.name,
            ms(clock.offset_nanos),
            ms(clock.uncertainty_nanos),
            ms(clock.round_trip_nanos)
        )
    }
}

/// All nodes of a session, and which feeds are theirs.
#[derive(Debug)]
pub(super) struct Nodes {
    clients: Vec<NodeClient>,
    /// By feed: (node, camera of the node's list).
    places: Vec<Option<(usize, usize)>>,
    /// The feed at full rate, and the one before it, which goes on until the new one is there; then the same of a second channel. One more than their
    /// numbers.
    live: [AtomicUsize; 4],
}

impl Nodes {
    /// Calls them all; `feeds` are the session's feeds with the name of their node.
    pub fn start(specs: &[NodeSpec], feeds: &[(Arc<FeedShared>, Option<String>)], around: &Surroundings) -> Result<Self, CaptureError> {
        let mut places = vec![None; feeds.len()];
        let mut clients = Vec::new();
        for (index, (shared, node)) in feeds.iter().enumerate() {
            if let Some(node) = node
                && !specs.iter().any(|s| s.name == *node)
            {
                shared.fail(format!("there is no node {node:?}"));
            }
            debug_assert!(shared.id.0 == index);
        }
        for spec in specs {
            let mut own = Vec::new();
            for (index, (shared, _)) in feeds.iter().enumerate().filter(|(_, (_, node))| node.as_ref() == Some(&spec.name)) {
                places[index] = Some((clients.len(), own.len()));
                own.push(Arc::clone(shared));
            }
            clients.push(NodeClient::start(spec, own, around)?);
        }
        Ok(Self { clients, places, live: Default::default() })
    }

    fn place(&self, feed: FeedId) -> Option<(&NodeClient, usize)> {
        let (node, camera) = (*self.places.get(feed.0)?)?;
        Some((self.clients.get(node)?, camera))
    }

    /// Whether a node has this feed.
    pub fn has(&self, feed: FeedId) -> bool {
        self.place(feed).is_some()
    }

    /// Asks the feed's node for what must be decoded to see it at `instant`; the answer is waited for later. `None` for feeds of this machine.
    pub fn ask(&self, feed: FeedId, instant: MediaTime) -> Option<Asked> {
        let (client, camera) = self.place(feed)?;
        Some(client.ask_gop(camera, instant))
    }

    /// What must be decoded to see the feed at `instant`, of what was fetched before; `None` where that does not tell for sure.
    pub fn fetched(&self, feed: FeedId, instant: MediaTime, interval_nanos: i64) -> Option<GopForInstant> {
        let (client, camera) = self.place(feed)?;
        client.fetched(camera, instant, interval_nanos)
    }

    /// Waits for the answer.
    pub fn answer(&self, feed: FeedId, asked: &Asked, instant: MediaTime) -> Result<GopForInstant, String> {
        let (client, _) = self.place(feed).ok_or("no node has it")?;
        let units = client.wait(asked)?;
        let pts = units.last().ok_or("the node's answer is empty")?.pts;
        Ok(GopForInstant { units, pts, error_nanos: pts - instant })
    }

    /// All units of a range, with those needed to decode them.
    pub fn range(&self, feed: FeedId, from: MediaTime, until: MediaTime) -> Result<Vec<AccessUnit>, String> {
        let (client, camera) = self.place(feed).ok_or("no node has it")?;
        client.range(camera, from, until)
    }

    /// The newest small picture.
    pub fn preview(&self, feed: FeedId) -> Option<Arc<PreviewFrame>> {
        let (client, camera) = self.place(feed)?;
        client.preview(camera)
    }

    /// Oldest instant that the feed's node can give.
    pub fn oldest(&self, feed: FeedId) -> Option<MediaTime> {
        let (client, camera) = self.place(feed)?;
        client.oldest(camera)
    }

    /// This feed is shown at full rate, wherever it is.
    pub fn watch(&self, feed: FeedId) {
        self.watch_at(0, feed.0 + 1);
    }

    /// The same for a second channel; `None`: for nobody.
    pub fn watch_second(&self, feed: Option<FeedId>) {
        self.watch_at(2, feed.map_or(0, |feed| feed.0 + 1));
    }

    /// What a channel shows now, and what it showed before, since that goes on until the new one is there.
    fn watch_at(&self, channel: usize, now: usize) {
        let before = self.live[channel].swap(now, Ordering::Relaxed);
        if before == now {
            return;
        }
        self.live[channel + 1].store(before, Ordering::Relaxed);
        let feeds: BTreeSet<usize> = self.live.iter().map(|feed| feed.load(Ordering::Relaxed)).collect();
        let wanted: Vec<(usize, usize)> = feeds.into_iter().filter_map(|n| *self.places.get(n.checked_sub(1)?)?).collect();
        for (node, client) in self.clients.iter().enumerate() {
            let own: Vec<usize> = wanted.iter().filter(|(n, _)| *n == node).map(|(_, camera)| *camera).collect();
            client.watch(&own);
        }
    }

    /// Keeps a range in every node's ring.
    pub fn pin(&self, id: u64, from: MediaTime, until: MediaTime) {
        self.clients.iter().for_each(|client| client.pin(id, from, until));
    }

    /// Keeps it over restarts, where the node records.
    pub fn keep(&self, kept: &Kept) {
        self.clients.iter().for_each(|client| client.keep(kept));
    }

    /// Keeps it no longer.
    pub fn forget(&self, id: u64) {
        self.clients.iter().for_each(|client| client.forget(id));
    }

    /// How they fare, in the order of the settings.
    pub fn status(&self) -> Vec<NodeStatus> {
        self.clients.iter().map(NodeClient::status).collect()
    }

    /// The node of a feed.
    pub fn status_of(&self, feed: FeedId) -> Option<NodeStatus> {
        Some(self.place(feed)?.0.status())
    }

    /// Hangs up.
    pub fn stop(&self) {
        self.clients.iter().for_each(NodeClient::ask_to_stop);
        self.clients.iter().for_each(NodeClient::stop);
    }
}
