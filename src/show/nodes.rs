//! Capture nodes in a show file: the nodes of a console (`[[nodes]]`), and what a machine is as a node (`[node]`).

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::Mistakes;
use crate::address::{Secret, Where, endpoint};

/// A capture node and its cameras, as the console's show names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShowNode {
    /// Its name, for people.
    pub name: String,
    /// HOST:PORT.
    pub address: String,
    /// The key that it was started with.
    pub key: Secret,
    /// Its cameras: names of the rig, with the lines where they stand.
    pub cameras: Vec<(String, usize)>,
    /// Where it stands in the file, from 1.
    pub line: usize,
}

/// What this machine is as a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShowListener {
    /// ADDRESS:PORT to listen at.
    pub listen: String,
    /// The key that consoles must have.
    pub key: Secret,
    /// Where it stands in the file, from 1.
    pub line: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileNode {
    name: Spanned<String>,
    address: Spanned<String>,
    key: Spanned<String>,
    cameras: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileListener {
    #[serde(default)]
    listen: Option<String>,
    key: Spanned<String>,
}

/// Where a node listens unless it is told otherwise.
pub const DEFAULT_LISTEN: &str = "0.0.0.0:7700";

/// The nodes, checked as far as words go; `seen` are the cameras that have a feed, with their lines.
pub(super) fn nodes<'a>(read: &'a [Spanned<FileNode>], seen: &mut BTreeMap<&'a str, usize>, mistakes: &Mistakes<'_>) -> Vec<ShowNode> {
    let mut out: Vec<ShowNode> = Vec::new();
    for node in read {
        let FileNode { name, address, key, cameras } = node.as_ref();
        let line = mistakes.line(&name.span());
        let mut is_good = true;
        let mut wrong = |at: std::ops::Range<usize>, why: String| {
            is_good = false;
            mistakes.note(&at, why);
        };
        let problem = |why: String| format!("node {:?}: {why}", name.as_ref());
        if name.as_ref().trim().is_empty() {
            wrong(name.span(), "the name is empty; write what people call this machine".to_owned());
        } else if let Some(first) = out.iter().find(|n| n.name == *name.as_ref()) {
            let why = format!("the node {:?} is there already, on line {}; name this one otherwise", name.as_ref(), first.line);
            wrong(name.span(), why);
        }
        if let Err(why) = endpoint(address.as_ref(), Where::There) {
            wrong(address.span(), problem(why));
        }
        if key.as_ref().trim().is_empty() {
            wrong(key.span(), problem("the key is empty; `volte node --new-key` prints one".to_owned()));
        }
        if cameras.is_empty() {
            wrong(name.span(), problem("it has no cameras; write cameras = [\"cam01\", …]".to_owned()));
        }
        let mut own = Vec::new();
        for camera in cameras {
            let line = mistakes.line(&camera.span());
            if let Some(first) = seen.get(camera.as_ref().as_str()) {
                let why = format!("camera {:?} has a feed already, on line {first}; remove one, or name another camera", camera.as_ref());
                wrong(camera.span(), problem(why));
                continue;
            }
            seen.insert(camera.as_ref().as_str(), line);
            own.push((camera.as_ref().clone(), line));
        }
        let key = Secret::new(key.as_ref().trim());
        if is_good {
            out.push(ShowNode { name: name.as_ref().clone(), address: address.as_ref().trim().to_owned(), key, cameras: own, line });
        }
    }
    out
}

/// What this machine is as a node.
pub(super) fn listener(node: &FileListener, mistakes: &Mistakes<'_>) -> ShowListener {
    ShowListener {
        listen: node.listen.clone().unwrap_or_else(|| DEFAULT_LISTEN.to_owned()),
        key: Secret::new(node.key.as_ref().trim()),
        line: mistakes.line(&node.key.span()),
    }
}
