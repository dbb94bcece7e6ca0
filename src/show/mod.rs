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
mod nodes;

pub use audio::ShowAudio;
pub use control::{LEAST_TOKEN, ShowControl};
pub use nodes::{DEFAULT_LISTEN, ShowListener, ShowNode};

/// A nudge beyond this is a mistake, milliseconds.
const MAX_OFFSET_MS: f64 = 60_000.0;
/// So many stingers a show has at most: as many as there are digits for them.
pub const MOST_STINGERS: usize = 9;
/// Languages of the console.
const LANGUAGES: [&str; 2] = ["en", "fr"];
const QUALITIES: [&str; 4] = ["auto", "draft", "air", "hero"];

/// What is wrong with a show file, and what helps.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// It cannot be read.
    #[error("cannot read the show file {}: {source}. Check the path", file.display())]
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
    /// Whether the match evens out dark corners and responses, too; `None` is yes.
    pub match_shading: Option<bool>,
    /// Language of the console; `None` is that of the environment.
    pub language: Option<String>,
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
    match_shading: Option<bool>,
    language: Option<Spanned<String>>,
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

/// Where bytes of a text are: which line, from 1.
fn line_of(text: &str, at: &Range<usize>) -> usize {
    text.as_bytes().iter().take(at.start).filter(|b| **b == b'\n').count() + 1
}

/// What TOML says without the values that it quotes, and without keys that are none: an address may hold a passphrase.
fn without_values(message: &str) -> String {
    let line = message.lines().next().unwrap_or("it is no TOML");
    let line = match (line.find("string \""), line.rfind('"')) {
        (Some(begin), Some(end)) if end > begin + 8 => format!("{}string{}", &line[..begin], &line[end + 1..]),
        _ => line.to_owned(),
    };
    let is_key = |key: &str| key.len() <= 32 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    match (line.find('`'), line.rfind("`, expected").or_else(|| line.rfind('`'))) {
        (Some(begin), Some(end)) if end > begin && !is_key(&line[begin + 1..end]) => format!("{}`***{}", &line[..begin], &line[end..]),
        _ => line,
    }
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

    /// The same from a text; `file` is where it would be.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ShowError> {
        let wrong = |at: &Range<usize>, problem: String| ShowError::Line { file: file.to_owned(), line: line_of(text, at), problem };
        let read: File = toml::from_str(text).map_err(|e| {
            let problem = format!("{}. docs/show.md lists all settings", without_values(e.message()));
            wrong(&e.span().unwrap_or(0..0), problem)
        })?;
        let folder = file.parent().unwrap_or(Path::new("."));
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let mut feeds = Vec::new();
        for feed in &read.feeds {
            let FileFeed { camera, address, offset_ms, intra } = feed.as_ref();
            let (name, line) = (camera.as_ref().as_str(), line_of(text, &camera.span()));
            if name.trim().is_empty() {
                return Err(wrong(&camera.span(), "camera is empty; write the name of a camera of the rig".to_owned()));
            }
            if name.contains("://") {
                let problem = "camera is an address; write the name of a camera of the rig there, and address = \"…\" below it";
                return Err(wrong(&camera.span(), problem.to_owned()));
            }
            if let Some(first) = seen.insert(name, line) {
                let problem = format!("camera {name:?} has a feed already, on line {first}; remove one, or name another camera");
                return Err(wrong(&camera.span(), problem));
            }
            if address.as_ref().trim().is_empty() {
                return Err(wrong(&address.span(), format!("the address of {name:?} is empty; docs/capture.md lists the forms")));
            }
            let offset = offset_ms.as_ref().map_or(0.0, |o| *o.as_ref());
            if offset.is_nan() || offset.abs() > MAX_OFFSET_MS {
                let at = offset_ms.as_ref().map_or(camera.span(), Spanned::span);
                return Err(wrong(&at, format!("offset_ms = {offset} is no offset; write milliseconds between -60000 and 60000")));
            }
            let offset_nanos = (offset * 1e6).round() as i64;
            feeds.push(ShowFeed { camera: name.to_owned(), address: address.as_ref().clone(), offset_nanos, make_intra: *intra, line });
        }
        let nodes = nodes::nodes(text, &read.nodes, &mut seen, &wrong)?;
        if feeds.is_empty() && nodes.is_empty() {
            return Err(wrong(&(0..0), "the show has no feeds; write a [[feeds]] table for every camera".to_owned()));
        }
        let node = read.node.as_ref().map(|node| nodes::listener(text, node));
        if read.rig.is_none() && node.is_none() {
            return Err(wrong(&(0..0), "missing field `rig`: the calibration of the cameras. docs/show.md lists all settings".to_owned()));
        }
        let whole = |value: &Option<Spanned<u64>>, key: &str, range: Range<u64>| match value {
            Some(v) if !range.contains(v.as_ref()) => {
                Err(wrong(&v.span(), format!("{key} = {} is not between {} and {}", v.as_ref(), range.start, range.end - 1)))
            }
            other => Ok(other.as_ref().map(|v| *v.as_ref())),
        };
        let ring_bytes = whole(&read.ring.memory_mib, "memory_mib", 16..1_048_577)?.map(|mib| mib << 20);
        let near_bytes = whole(&read.ring.near_mib, "near_mib", 0..1_048_577)?.map(|mib| mib << 20);
        let ring_nanos = match &read.ring.minutes {
            Some(v) if !(0.03..=1440.0).contains(v.as_ref()) => {
                return Err(wrong(&v.span(), format!("minutes = {} is not between 0.03 and 1440", v.as_ref())));
            }
            other => other.as_ref().map(|v| (v.as_ref() * 60e9) as i64),
        };
        let disk = match &read.disk {
            Some(disk) => {
                let gb = whole(&Some(disk.budget_gb.clone()), "budget_gb", 1..1_000_001)?.unwrap_or(1);
                Some(ShowDisk { folder: folder.join(&disk.folder), budget_bytes: gb * 1_000_000_000 })
            }
            None => None,
        };
        let quality = match &read.quality {
            Some(q) if !QUALITIES.contains(&q.as_ref().as_str()) => {
                return Err(wrong(&q.span(), format!("quality = {:?} is none of {}", q.as_ref(), QUALITIES.join(", "))));
            }
            other => other.as_ref().map(|q| q.as_ref().clone()).filter(|q| q != "auto"),
        };
        let retime = match &read.retime {
            Some(r) if !["auto", "on", "off"].contains(&r.as_ref().as_str()) => {
                return Err(wrong(&r.span(), format!("retime = {:?} is none of auto, on, off", r.as_ref())));
            }
            other => other.as_ref().map(|r| r.as_ref().clone()),
        };
        let matching = match &read.matching {
            Some(m) if !["glide", "common", "off"].contains(&m.as_ref().as_str()) => {
                return Err(wrong(&m.span(), format!("match = {:?} is none of glide, common, off", m.as_ref())));
            }
            other => other.as_ref().map(|m| m.as_ref().clone()),
        };
        let plates = match &read.plates {
            Some(p) if !["live", "off"].contains(&p.as_ref().as_str()) => {
                return Err(wrong(&p.span(), format!("plates = {:?} is none of live, off", p.as_ref())));
            }
            other => other.as_ref().map(|p| p.as_ref().clone()),
        };
        let clock = read.clock.as_ref().map(|clock| (clock.as_ref().clone(), line_of(text, &clock.span())));
        let language = match &read.language {
            Some(l) if !LANGUAGES.contains(&l.as_ref().as_str()) => {
                return Err(wrong(&l.span(), format!("language = {:?} is none of {}", l.as_ref(), LANGUAGES.join(", "))));
            }
            other => other.as_ref().map(|l| l.as_ref().clone()),
        };
        let program = match &read.program {
            Some(program) => Some(ShowProgram {
                format: program.format.as_ref().clone(),
                dissolve_frames: whole(&program.dissolve_frames, "dissolve_frames", 0..501)?.unwrap_or(0) as u32,
                tick: program.tick,
                line: line_of(text, &program.format.span()),
            }),
            None => None,
        };
        let stingers = match read.graphics.stingers.as_ref() {
            Some(s) if s.as_ref().len() > MOST_STINGERS => {
                let problem = format!("{} stingers are more than {MOST_STINGERS}, which is the most. Leave some out", s.as_ref().len());
                return Err(wrong(&s.span(), problem));
            }
            given => given.map_or(&[][..], |s| s.as_ref()).iter().map(|s| (folder.join(&s.folder), s.fps)).collect(),
        };
        let audio = audio::audio(text, read.audio.as_ref(), &seen, &wrong)?;
        let outputs = outputs(text, &read, &wrong)?;
        let control = control::control(&read.control, folder, &wrong)?;
        let stem = || file.file_stem().map_or_else(|| "show".to_owned(), |s| s.to_string_lossy().into_owned());
        Ok(Self {
            file: file.to_owned(),
            name: read.name.unwrap_or_else(stem),
            rig: read.rig.as_ref().map_or_else(PathBuf::new, |rig| folder.join(rig.as_ref())),
            rig_line: read.rig.as_ref().map_or(1, |rig| line_of(text, &rig.span())),
            feeds,
            nodes,
            node,
            ring_bytes,
            near_bytes,
            ring_nanos,
            disk,
            desk_folder: read.desk.folder.map_or_else(|| file.with_extension("desk"), |f| folder.join(f)),
            graphics: read.graphics.file.map(|f| folder.join(f)),
            clean_feed: read.graphics.clean,
            stingers,
            export_name: read.export.name.as_ref().map(|name| (name.as_ref().clone(), line_of(text, &name.span()))),
            export_folder: read.export.folder.map_or_else(|| PathBuf::from("."), |f| folder.join(f)),
            quality,
            retime,
            matching,
            plates,
            match_shading: read.match_shading,
            language,
            clock,
            control,
            audio,
            program,
            outputs,
        })
    }
}

/// The sinks, checked as far as words go.
fn outputs(text: &str, read: &File, wrong: &impl Fn(&Range<usize>, String) -> ShowError) -> Result<Vec<ShowOutput>, ShowError> {
    let mut outputs: Vec<ShowOutput> = Vec::new();
    for (k, output) in read.outputs.iter().enumerate() {
        let FileOutput { name, address, codec, bitrate_mbps, sound, signal } = output.as_ref();
        if read.program.is_none() {
            let problem = "outputs need a format; write [program] and format = \"1080p50\" (or another) above them";
            return Err(wrong(&address.span(), problem.to_owned()));
        }
        let line = line_of(text, &address.span());
        let name_at = name.as_ref().map_or(address.span(), Spanned::span);
        let name = name.as_ref().map_or_else(|| format!("output {}", k + 1), |n| n.as_ref().clone());
        if name.trim().is_empty() || name.contains("://") {
            return Err(wrong(&name_at, "name is no name; write a word that the operator knows it by".to_owned()));
        }
        if let Some(first) = outputs.iter().find(|o| o.name == name) {
            return Err(wrong(&name_at, format!("the output {name:?} is there already, on line {}; name this one otherwise", first.line)));
        }
        let kilobits = match bitrate_mbps {
            Some(v) if !(0.1..=500.0).contains(v.as_ref()) => {
                return Err(wrong(&v.span(), format!("bitrate_mbps = {} is not between 0.1 and 500", v.as_ref())));
            }
            other => other.as_ref().map(|v| (v.as_ref() * 1000.0).round() as u32),
        };
        let sound = match sound.as_ref().map(|s| (s.as_ref().as_str(), s.span())) {
            None => None,
            Some((word @ ("none" | "silence" | "program"), _)) => Some(word.to_owned()),
            Some((_, span)) => return Err(wrong(&span, "sound is none of \"none\", \"silence\" and \"program\"".to_owned())),
        };
        let signal = match signal.as_ref().map(|s| (s.as_ref().as_str(), s.span())) {
            None => None,
            Some((word @ ("program" | "fill" | "key"), _)) => Some(word.to_owned()),
            Some((_, span)) => return Err(wrong(&span, "signal is none of \"program\", \"fill\" and \"key\"".to_owned())),
        };
        outputs.push(ShowOutput { name, address: address.as_ref().clone(), codec: codec.clone(), kilobits, sound, signal, line });
    }
    Ok(outputs)
}

#[cfg(test)]
mod tests;
