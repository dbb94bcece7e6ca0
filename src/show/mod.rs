//! The show file: all settings of a production, as TOML, read into plain values.
//!
//! Everything is checked here that can be checked without cameras: words, types, ranges, names that come twice. Errors name the
//! file, the line and the remedy, and never quote an address (it may hold a passphrase).
//!
//! Must not know: feeds, rigs, pictures. Addresses are texts here, and whether the rig has a camera is somebody else's question.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

mod audio;
mod control;
mod mistakes;
mod nodes;

pub use audio::ShowAudio;
pub use control::{LEAST_TOKEN, ShowControl};
use mistakes::Mistakes;
pub use nodes::{DEFAULT_LISTEN, ShowListener, ShowNode};

/// A nudge beyond this is a mistake, milliseconds.
const MAX_OFFSET_MS: f64 = 60_000.0;
/// So many stingers a show has at most: as many as there are digits for them.
pub const MOST_STINGERS: usize = 9;
/// Languages of the console.
const LANGUAGES: [&str; 2] = ["en", "fr"];
const QUALITIES: [&str; 4] = ["auto", "draft", "air", "hero"];

fn what_helps(source: &std::io::Error) -> &'static str {
    match source.kind() {
        std::io::ErrorKind::InvalidData => "Save it as text in UTF-8, or name another file",
        _ => "Check the path",
    }
}

/// What is wrong with a show file, and what helps.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// It cannot be read.
    #[error("cannot read the show file {}: {source}. {}", file.display(), what_helps(source))]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Something in it is wrong.
    #[error("{}:{line}: {problem}", file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong, and the remedy.
        problem: String,
    },
}

/// One camera and where its pictures come from.
#[derive(Debug, Clone, PartialEq)]
pub struct ShowFeed {
    /// The camera's name in the rig.
    pub camera: String,
    /// The feed's address; docs/capture.md says which there are.
    pub address: String,
    /// Added to the feed's times, nanoseconds, besides the rig's own offset.
    pub offset_nanos: i64,
    /// Encode every frame by itself on arrival (`intra = true`).
    pub make_intra: bool,
    /// Where it stands in the file, from 1.
    pub line: usize,
}

/// Recording to disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShowDisk {
    /// The folder.
    pub folder: PathBuf,
    /// Room for recordings, bytes.
    pub budget_bytes: u64,
    /// Where it stands in the file, from 1.
    pub line: usize,
}

/// A sink of the program output.
#[derive(Debug, Clone, PartialEq)]
pub struct ShowOutput {
    /// Its name.
    pub name: String,
    /// Where it goes; docs/output.md says which forms there are.
    pub address: String,
    /// How it is coded; `None` is what is usual for the address.
    pub codec: Option<String>,
    /// Thousands of bits per second; `None` is the standard.
    pub kilobits: Option<u32>,
    /// `none`, `silence` or `program`; `None` is what is usual for the address.
    pub sound: Option<String>,
    /// `program`, `fill` or `key`; `None` is program.
    pub signal: Option<String>,
    /// It carries program B (`channel = "B"`).
    pub is_second: bool,
    /// Where it stands in the file, from 1.
    pub line: usize,
}

/// The program output.
#[derive(Debug, Clone, PartialEq)]
pub struct ShowProgram {
    /// Size and rate, such as `1080p50`.
    pub format: String,
    /// Frames of a dissolve between shots; 0 cuts.
    pub dissolve_frames: u32,
    /// Whether synthesized pictures carry a visible tick.
    pub tick: bool,
    /// Whether there is a program B.
    pub second_channel: bool,
    /// Where it stands in the file, from 1.
    pub line: usize,
}

/// A production.
#[derive(Debug, Clone, PartialEq)]
pub struct Show {
    /// The file that it was read from.
    pub file: PathBuf,
    /// Its name.
    pub name: String,
    /// The calibration of the cameras; empty where a node's file names none.
    pub rig: PathBuf,
    /// Where `rig` stands in the file, from 1.
    pub rig_line: usize,
    /// The feeds, in the order of the file.
    pub feeds: Vec<ShowFeed>,
    /// Machines that have further cameras, in the order of the file.
    pub nodes: Vec<ShowNode>,
    /// What this machine is as a node of another's show.
    pub node: Option<ShowListener>,
    /// Memory of the ring, bytes; `None` is the standard.
    pub ring_bytes: Option<u64>,
    /// Memory for decoded pictures about the playhead, bytes; `None` is the standard.
    pub near_bytes: Option<u64>,
    /// How far back the ring reaches, nanoseconds; `None` is the standard.
    pub ring_nanos: Option<i64>,
    /// Recording to disk.
    pub disk: Option<ShowDisk>,
    /// Folder for what EXPORT writes.
    pub export_folder: PathBuf,
    /// What its files are called, and where that stands in the file, from 1.
    pub export_name: Option<(String, usize)>,
    /// Certificates and private key of its content credentials (PEM), and where they stand in the file, from 1.
    pub export_credentials: Option<(PathBuf, PathBuf, usize)>,
    /// Folder of the operator's own templates and paths.
    pub desk_folder: PathBuf,
    /// The graphics in the scene; `None` is `graphics.toml` in the desk's folder.
    pub graphics: Option<PathBuf>,
    /// Whether program begins without them.
    pub clean_feed: bool,
    /// Films with alpha behind which program changes: folders of PNG pictures, and pictures per second.
    pub stingers: Vec<(PathBuf, Option<f64>)>,
    /// `draft`, `air` or `hero`; `None` leaves it to the engine.
    pub quality: Option<String>,
    /// `auto`, `on` or `off`; `None` is `auto`.
    pub retime: Option<String>,
    /// `glide`, `common` or `off`; `None` is `glide`.
    pub matching: Option<String>,
    /// `live` or `off`; `None` is `live`.
    pub plates: Option<String>,
    /// `interpolate` or `hold`; `None` is `hold`.
    pub slow_motion: Option<String>,
    /// Whether the match evens out dark corners and responses, too; `None` is yes.
    pub match_shading: Option<bool>,
    /// Whether the rig is adjusted to what the cameras show where that is clearly better; `None` is yes.
    pub fit_rig: Option<bool>,
    /// Language of the console; `None` is that of the environment.
    pub language: Option<String>,
    /// Which panels the console opens with, `whole` or `simple`; `None` is `whole`.
    pub layout: Option<String>,
    /// Whose clock house time is counted by, and where it stands in the file, from 1; docs/show.md lists the forms.
    pub clock: Option<(String, usize)>,
    /// What listens for commands besides the console.
    pub control: ShowControl,
    /// The sound input.
    pub audio: Option<ShowAudio>,
    /// The program output.
    pub program: Option<ShowProgram>,
    /// Where it goes, in the order of the file.
    pub outputs: Vec<ShowOutput>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    name: Option<String>,
    rig: Option<Spanned<PathBuf>>,
    quality: Option<Spanned<String>>,
    retime: Option<Spanned<String>>,
    #[serde(rename = "match")]
    matching: Option<Spanned<String>>,
    plates: Option<Spanned<String>>,
    slow_motion: Option<Spanned<String>>,
    match_shading: Option<bool>,
    fit_rig: Option<bool>,
    language: Option<Spanned<String>>,
    layout: Option<Spanned<String>>,
    clock: Option<Spanned<String>>,
    #[serde(default)]
    feeds: Vec<Spanned<FileFeed>>,
    #[serde(default)]
    nodes: Vec<Spanned<nodes::FileNode>>,
    node: Option<nodes::FileListener>,
    #[serde(default)]
    ring: FileRing,
    disk: Option<FileDisk>,
    #[serde(default)]
    export: FileExport,
    #[serde(default)]
    desk: FileDesk,
    #[serde(default)]
    graphics: FileGraphics,
    #[serde(default)]
    control: control::FileControl,
    audio: Option<audio::FileAudio>,
    program: Option<FileProgram>,
    #[serde(default)]
    outputs: Vec<Spanned<FileOutput>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileProgram {
    format: Spanned<String>,
    dissolve_frames: Option<Spanned<u64>>,
    #[serde(default)]
    tick: bool,
    #[serde(default)]
    second_channel: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileOutput {
    name: Option<Spanned<String>>,
    address: Spanned<String>,
    codec: Option<String>,
    bitrate_mbps: Option<Spanned<f64>>,
    sound: Option<Spanned<String>>,
    signal: Option<Spanned<String>>,
    channel: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileFeed {
    camera: Spanned<String>,
    address: Spanned<String>,
    offset_ms: Option<Spanned<f64>>,
    #[serde(default)]
    intra: bool,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct FileRing {
    memory_mib: Option<Spanned<u64>>,
    minutes: Option<Spanned<f64>>,
    near_mib: Option<Spanned<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileDisk {
    folder: PathBuf,
    budget_gb: Spanned<u64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct FileExport {
    folder: Option<PathBuf>,
    name: Option<Spanned<String>>,
    certificates: Option<Spanned<PathBuf>>,
    key: Option<Spanned<PathBuf>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct FileDesk {
    folder: Option<PathBuf>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct FileGraphics {
    file: Option<PathBuf>,
    #[serde(default)]
    clean: bool,
    stingers: Option<Spanned<Vec<FileStinger>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileStinger {
    folder: PathBuf,
    fps: Option<f64>,
}

impl Show {
    /// Reads a show file; paths in it are relative to it.
    pub fn load(file: &Path) -> Result<Self, ShowError> {
        let text = std::fs::read_to_string(file).map_err(|source| ShowError::Read { file: file.to_owned(), source })?;
        Self::parse(&text, file)
    }

    /// An error about a line of this show.
    pub fn error_at(&self, line: usize, problem: impl Into<String>) -> ShowError {
        ShowError::Line { file: self.file.clone(), line, problem: problem.into() }
    }

    /// The folder that relative paths start from.
    pub fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new("."))
    }

    /// The same from a text; `file` is where it would be. The first mistake is the error.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ShowError> {
        let (show, mistakes) = Self::examine(text, file);
        match (show, mistakes.into_iter().next()) {
            (_, Some(first)) => Err(first),
            (Some(show), None) => Ok(show),
            (None, None) => Err(ShowError::Line { file: file.to_owned(), line: 1, problem: "it cannot be read".to_owned() }),
        }
    }

    /// All mistakes of a text, by lines, and the show without them as far as it can be read: what hangs together with it can be looked at all the same.
    pub fn examine(text: &str, file: &Path) -> (Option<Self>, Vec<ShowError>) {
        let (read, mistakes) = Mistakes::read::<File>(text, file);
        let show = read.map(|read| Self::of_file(&read, &mistakes, file));
        (show, mistakes.into_list())
    }

    fn of_file(read: &File, mistakes: &Mistakes<'_>, file: &Path) -> Self {
        let folder = file.parent().unwrap_or(Path::new("."));
        let line_of = |at: &Range<usize>| mistakes.line(at);
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let feeds = feeds(&read.feeds, &mut seen, mistakes);
        let nodes = nodes::nodes(&read.nodes, &mut seen, mistakes);
        if read.feeds.is_empty() && read.nodes.is_empty() && !mistakes.is_torn("feeds") && !mistakes.is_torn("nodes") {
            mistakes.note(&(0..0), "the show has no feeds; write a [[feeds]] table for every camera".to_owned());
        }
        let node = read.node.as_ref().map(|node| nodes::listener(node, mistakes));
        if read.rig.is_none() && node.is_none() && !mistakes.is_torn("node") {
            mistakes.note(&(0..0), "missing field `rig`: the calibration of the cameras. docs/show.md lists all settings".to_owned());
        }
        let ring = &read.ring;
        let disk = read.disk.as_ref().map(|disk| ShowDisk {
            folder: folder.join(&disk.folder),
            budget_bytes: mistakes.number(Some(&disk.budget_gb), "budget_gb", 1..=1_000_000).unwrap_or(1) * 1_000_000_000,
            line: line_of(&disk.budget_gb.span()),
        });
        let program = read.program.as_ref().map(|program| ShowProgram {
            format: program.format.as_ref().clone(),
            dissolve_frames: mistakes.number(program.dissolve_frames.as_ref(), "dissolve_frames", 0..=500).unwrap_or(0) as u32,
            tick: program.tick,
            second_channel: program.second_channel
                || read.outputs.iter().any(|o| o.as_ref().channel.as_ref().is_some_and(|c| c.as_ref() == "B")),
            line: line_of(&program.format.span()),
        });
        let films = read.graphics.stingers.as_ref();
        if let Some(films) = films.filter(|films| films.as_ref().len() > MOST_STINGERS) {
            let problem = format!("{} stingers are more than {MOST_STINGERS}, which is the most. Leave some out", films.as_ref().len());
            mistakes.note(&films.span(), problem);
        }
        let stem = || file.file_stem().map_or_else(|| "show".to_owned(), |s| s.to_string_lossy().into_owned());
        Self {
            file: file.to_owned(),
            name: read.name.clone().unwrap_or_else(stem),
            rig: read.rig.as_ref().map_or_else(PathBuf::new, |rig| folder.join(rig.as_ref())),
            rig_line: read.rig.as_ref().map_or(1, |rig| line_of(&rig.span())),
            feeds,
            nodes,
            node,
            ring_bytes: mistakes.number(ring.memory_mib.as_ref(), "memory_mib", 16..=1_048_576).map(|mib| mib << 20),
            near_bytes: mistakes.number(ring.near_mib.as_ref(), "near_mib", 0..=1_048_576).map(|mib| mib << 20),
            ring_nanos: mistakes.number(ring.minutes.as_ref(), "minutes", 0.03..=1440.0).map(|minutes| (minutes * 60e9) as i64),
            disk,
            desk_folder: read.desk.folder.as_ref().map_or_else(|| file.with_extension("desk"), |f| folder.join(f)),
            graphics: read.graphics.file.as_ref().map(|f| folder.join(f)),
            clean_feed: read.graphics.clean,
            stingers: films.map_or(&[][..], |s| s.as_ref()).iter().map(|s| (folder.join(&s.folder), s.fps)).collect(),
            export_name: read.export.name.as_ref().map(|name| (name.as_ref().clone(), line_of(&name.span()))),
            export_credentials: export_credentials(&read.export, folder, mistakes),
            export_folder: read.export.folder.as_ref().map_or_else(|| PathBuf::from("."), |f| folder.join(f)),
            quality: mistakes.word(read.quality.as_ref(), "quality", &QUALITIES).filter(|q| q != "auto"),
            retime: mistakes.word(read.retime.as_ref(), "retime", &["auto", "on", "off"]),
            matching: mistakes.word(read.matching.as_ref(), "match", &["glide", "common", "off"]),
            plates: mistakes.word(read.plates.as_ref(), "plates", &["live", "off"]),
            slow_motion: mistakes.word(read.slow_motion.as_ref(), "slow_motion", &["interpolate", "hold"]),
            match_shading: read.match_shading,
            fit_rig: read.fit_rig,
            language: mistakes.word(read.language.as_ref(), "language", &LANGUAGES),
            layout: mistakes.word(read.layout.as_ref(), "layout", &["whole", "simple"]),
            clock: read.clock.as_ref().map(|clock| (clock.as_ref().clone(), line_of(&clock.span()))),
            control: control::control(&read.control, folder, mistakes),
            audio: audio::audio(read.audio.as_ref(), &seen, mistakes),
            program,
            outputs: outputs(read, mistakes),
        }
    }
}

/// The feeds, checked as far as words go; `seen` becomes the cameras that have one, with their lines.
fn feeds<'a>(read: &'a [Spanned<FileFeed>], seen: &mut BTreeMap<&'a str, usize>, mistakes: &Mistakes<'_>) -> Vec<ShowFeed> {
    let mut feeds = Vec::new();
    for feed in read {
        let FileFeed { camera, address, offset_ms, intra } = feed.as_ref();
        let (name, line) = (camera.as_ref().as_str(), mistakes.line(&camera.span()));
        if name.trim().is_empty() {
            mistakes.note(&camera.span(), "camera is empty; write the name of a camera of the rig".to_owned());
        } else if name.contains("://") {
            let problem = "camera is an address; write the name of a camera of the rig there, and address = \"…\" below it";
            mistakes.note(&camera.span(), problem.to_owned());
        } else if let Some(first) = seen.get(name) {
            let problem = format!("camera {name:?} has a feed already, on line {first}; remove one, or name another camera");
            mistakes.note(&camera.span(), problem);
        } else {
            seen.insert(name, line);
        }
        if address.as_ref().trim().is_empty() {
            mistakes.note(&address.span(), format!("the address of {name:?} is empty; docs/capture.md lists the forms"));
        }
        let offset = offset_ms.as_ref().map_or(0.0, |o| *o.as_ref());
        if offset.is_nan() || offset.abs() > MAX_OFFSET_MS {
            let at = offset_ms.as_ref().map_or(camera.span(), Spanned::span);
            mistakes.note(&at, format!("offset_ms = {offset} is no offset; write milliseconds between -60000 and 60000"));
        }
        let offset_nanos = (offset * 1e6).round() as i64;
        feeds.push(ShowFeed { camera: name.to_owned(), address: address.as_ref().clone(), offset_nanos, make_intra: *intra, line });
    }
    // What was told is not told again by who looks for the camera in the rig, or for the address.
    feeds.retain(|f| seen.get(f.camera.as_str()) == Some(&f.line) && !f.address.trim().is_empty());
    feeds
}

/// The sinks, checked as far as words go.
fn outputs(read: &File, mistakes: &Mistakes<'_>) -> Vec<ShowOutput> {
    let mut outputs: Vec<ShowOutput> = Vec::new();
    if let (Some(first), None, false) = (read.outputs.first(), &read.program, mistakes.is_torn("program")) {
        let problem = "outputs need a format; write [program] and format = \"1080p50\" (or another) above them";
        mistakes.note(&first.as_ref().address.span(), problem.to_owned());
    }
    for (k, output) in read.outputs.iter().enumerate() {
        let FileOutput { name, address, codec, bitrate_mbps, sound, signal, channel } = output.as_ref();
        let line = mistakes.line(&address.span());
        let name_at = name.as_ref().map_or(address.span(), Spanned::span);
        let name = name.as_ref().map_or_else(|| format!("output {}", k + 1), |n| n.as_ref().clone());
        if name.trim().is_empty() || name.contains("://") {
            mistakes.note(&name_at, "name is no name; write a word that the operator knows it by".to_owned());
            continue;
        }
        if let Some(first) = outputs.iter().find(|o| o.name == name) {
            mistakes.note(&name_at, format!("the output {name:?} is there already, on line {}; name this one otherwise", first.line));
        }
        let kilobits = mistakes.number(bitrate_mbps.as_ref(), "bitrate_mbps", 0.1..=500.0).map(|v| (v * 1000.0).round() as u32);
        // Never quoted: an address may stand there.
        let one_of = |value: &Option<Spanned<String>>, words: &[&str], problem: &str| {
            let value = value.as_ref()?;
            if words.contains(&value.as_ref().as_str()) {
                return Some(value.as_ref().clone());
            }
            mistakes.note(&value.span(), problem.to_owned());
            None
        };
        let sound = one_of(sound, &["none", "silence", "program"], "sound is none of \"none\", \"silence\" and \"program\"");
        let signals = ["program", "fill", "key", "graphics-fill", "graphics-key"];
        let problem = "signal is none of \"program\", \"fill\", \"key\", \"graphics-fill\" and \"graphics-key\"";
        let signal = one_of(signal, &signals, problem);
        let is_second = one_of(channel, &["A", "B"], "channel is neither \"A\" nor \"B\"").is_some_and(|c| c == "B");
        let (address, codec) = (address.as_ref().clone(), codec.clone());
        outputs.push(ShowOutput { name, address, codec, kilobits, sound, signal, is_second, line });
    }
    outputs
}

/// Both files of content credentials, or neither.
fn export_credentials(read: &FileExport, folder: &Path, mistakes: &Mistakes<'_>) -> Option<(PathBuf, PathBuf, usize)> {
    match (&read.certificates, &read.key) {
        (Some(certificates), Some(key)) => {
            Some((folder.join(certificates.as_ref()), folder.join(key.as_ref()), mistakes.line(&certificates.span())))
        }
        (Some(alone), None) | (None, Some(alone)) => {
            mistakes.note(&alone.span(), "[export] certificates and key go together: write both, or none".to_owned());
            None
        }
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests;
