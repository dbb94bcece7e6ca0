//! Control surfaces of a show file: what listens, and who may give commands.

use std::{
    collections::BTreeMap,
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
    /// Operators by name, each with a token of its own.
    pub operators: Vec<(String, Secret)>,
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
    operators: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    surfaces: Vec<PathBuf>,
}

/// The table, checked.
pub(super) fn control(read: &FileControl, folder: &Path, mistakes: &Mistakes<'_>) -> ShowControl {
    let is_weak = |token: &str| token.chars().count() < LEAST_TOKEN || token.contains(['/', ' ']);
    for token in read.token.iter().chain(read.operators.values()).filter(|token| is_weak(token.as_ref())) {
        let problem = format!(
            "the token is shorter than {LEAST_TOKEN} characters, or has a space or a slash in it; `openssl rand -hex 12` makes one"
        );
        mistakes.note(&token.span(), problem);
    }
    let token = read.token.as_ref().map(|t| Secret::new(t.as_ref()));
    if let Some((_, own)) = read.operators.iter().next().filter(|_| token.is_none() && !mistakes.is_torn("control")) {
        mistakes
            .note(&own.span(), "operators have tokens and the show has none: give token = \"…\" too, for those who say no name".to_owned());
    }
    let mut known: Vec<&str> = read.token.iter().map(|t| t.as_ref().as_str()).collect();
    for (name, own) in &read.operators {
        let is_word = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
        if !is_word || !(1..=32).contains(&name.chars().count()) || name.eq_ignore_ascii_case("console") {
            let problem = "an operator's name is 1 to 32 letters, digits, dots, dashes or underscores; `console` is the engine's own desk";
            mistakes.note(&own.span(), problem.to_owned());
        }
        if known.contains(&own.as_ref().as_str()) {
            mistakes.note(&own.span(), "two have the same token: nobody could tell them apart".to_owned());
        }
        known.push(own.as_ref().as_str());
    }
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
        operators: read.operators.iter().map(|(name, own)| (name.clone(), Secret::new(own.as_ref()))).collect(),
        token,
    }
}
