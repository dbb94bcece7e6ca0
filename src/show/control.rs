//! Control surfaces of a show file: what listens, and who may give commands.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use toml::Spanned;

use super::Mistakes;
use crate::address::Secret;

/// The shortest token, characters.
pub const LEAST_TOKEN: usize = 12;

/// What listens for commands besides the console; nothing unless the show says so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShowControl {
    /// OSC over UDP.
    pub osc: Option<SocketAddr>,
    /// The control API over HTTP.
    pub http: Option<SocketAddr>,
    /// What strangers must know.
    pub token: Option<Secret>,
    /// Device files: MIDI, or input devices below `/dev/input`.
    pub surfaces: Vec<PathBuf>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct FileControl {
    osc: Option<Spanned<String>>,
    http: Option<Spanned<String>>,
    token: Option<Spanned<String>>,
    #[serde(default)]
    surfaces: Vec<PathBuf>,
}

/// The table, checked.
pub(super) fn control(read: &FileControl, folder: &Path, mistakes: &Mistakes<'_>) -> ShowControl {
    let is_weak = |token: &str| token.chars().count() < LEAST_TOKEN || token.contains(['/', ' ']);
    if let Some(token) = read.token.as_ref().filter(|token| is_weak(token.as_ref())) {
        let problem = format!(
            "the token is shorter than {LEAST_TOKEN} characters, or has a space or a slash in it; `openssl rand -hex 12` makes one"
        );
        mistakes.note(&token.span(), problem);
    }
    let token = read.token.as_ref().map(|t| Secret::new(t.as_ref()));
    let address = |key: &str, port: u16, value: &Option<Spanned<String>>| {
        let value = value.as_ref()?;
        let Ok(address) = value.as_ref().parse::<SocketAddr>() else {
            let problem = format!("{key} is no address; write one like \"127.0.0.1:{port}\" (this machine alone) or \"0.0.0.0:{port}\"");
            mistakes.note(&value.span(), problem);
            return None;
        };
        if !address.ip().is_loopback() && token.is_none() && !mistakes.is_torn("control") {
            let problem = format!(
                "{key} can be reached from other machines: give token = \"…\" ({LEAST_TOKEN} characters or more) beside it, or listen at 127.0.0.1"
            );
            mistakes.note(&value.span(), problem);
        }
        Some(address)
    };
    ShowControl {
        osc: address("osc", 9000, &read.osc),
        http: address("http", 8700, &read.http),
        surfaces: read.surfaces.iter().map(|path| folder.join(path)).collect(),
        token,
    }
}
