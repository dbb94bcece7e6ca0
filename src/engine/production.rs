//! A show file made ready: its rig, its feeds and its bounds, checked against each other.
//!
//! Must not know: windows, command lines.

use std::path::Path;

use super::naming::{NameError, NameTemplate};
use crate::capture::{
    CaptureConfig, CaptureError, CaptureSession, ClockReference, FeedSource, FeedSpec, FeedStatus, NodeServerConfig, NodeSpec,
    PretendClock, SoundFrom, SoundSettings, StreamKind, Taken, missing_elements,
};
use crate::link::{KeyError, LinkKey};
use crate::output::program::{
    ChannelOptions, FormatError, MOST_SINKS, ProgramFormat, Signal, SinkAddress, SinkAddressError, SinkCodec, SinkSound, SinkSpec,
};
use crate::output::{CredentialFiles, Credentials};
use crate::rig::{self, Camera, Rig};
use crate::ring::{RingConfig, disk::DiskConfig};
use crate::show::{Show, ShowAudio, ShowError, ShowFeed, ShowOutput};
use crate::sound::FreezeSound;

/// How long pictures are waited for whose size the rig does not tell.
const SIZES_WITHIN: std::time::Duration = std::time::Duration::from_secs(10);

/// What can be opened.
#[derive(Debug)]
pub struct Production {
    /// The cameras.
    pub rig: Rig,
    /// The feeds, in the order of the show.
    pub specs: Vec<FeedSpec>,
    /// Bounds of the ring and of the disk.
    pub capture: CaptureConfig,
    /// Cameras of the rig that have no feed: they are left out of every moment.
    pub without_feed: Vec<String>,
    /// What exports are called; `None` is the standard.
    pub export_name: Option<NameTemplate>,
    /// What exports are signed with.
    pub credentials: Option<Credentials>,
    /// The program output and where it goes; `None` without `[program]`.
    pub program: Option<(ChannelOptions, Vec<SinkSpec>)>,
    /// Where program B goes, in the format of program; `None` in a show without B.
    pub second: Option<Vec<SinkSpec>>,
}

/// What exports are signed with, tried: a key that signs nothing is a mistake of the show.
fn credentials_of(show: &Show, name: Option<&NameTemplate>, wrong: &mut Vec<ShowError>) -> Option<Credentials> {
    let (certificates, key, line) = show.export_credentials.clone()?;
    let ending = name.map_or("mp4", NameTemplate::ending);
    let fits = Credentials::check(Path::new(&format!("{{name}}.{ending}")), true);
    let opened = fits.and_then(|()| Credentials::open(&CredentialFiles { certificates, key }));
    kept(opened.map_err(|e| show.error_at(line, format!("[export] {e}"))), wrong)
}

impl Production {
    /// Reads the rig and every address of a show. Nothing is opened. The first mistake is the error.
    pub fn of_show(show: &Show) -> Result<Self, ShowError> {
        first_of(Self::examine(show))
    }

    /// The same with all mistakes, in no order, and what of the show is without them.
    pub fn examine(show: &Show) -> (Self, Vec<ShowError>) {
        let read = if show.rig.as_os_str().is_empty() {
            Err(show.error_at(1, "this is the file of a node, without a rig; `volte node` runs it"))
        } else {
            rig::load(&show.rig).map_err(|e| show.error_at(show.rig_line, format!("the rig cannot be read: {e}")))
        };
        match read {
            Ok(rig) => Self::with_rig(show, rig),
            Err(unread) => {
                // The rest is looked at all the same: whom the rig should have, nobody knows.
                let (production, mut wrong) = Self::with_rig(show, Self::named_by(show, None));
                wrong.push(unread);
                wrong.rotate_right(1);
                (production, wrong)
            }
        }
    }

    /// A rig of the cameras that a show names; where they stand is not known.
    fn named_by(show: &Show, known: Option<&Rig>) -> Rig {
        let of_nodes = show.nodes.iter().flat_map(|n| n.cameras.iter().map(|(name, _)| name));
        let names = show.feeds.iter().map(|f| &f.camera).chain(of_nodes);
        let offset = |name: &str| known.and_then(|rig| rig.camera(name)).map_or(0, |c| c.clock_offset_nanos);
        let cameras = names.map(|name| Camera { clock_offset_nanos: offset(name), ..Camera::unposed(name) }).collect();
        Rig { cameras, points_in_world: vec![] }
    }

    /// The same before there is a rig: cameras as the show names them, of which nobody knows where they stand. Where the rig can be
    /// read, its clock offsets count; nothing is recorded.
    pub fn to_calibrate(show: &Show) -> Result<Self, ShowError> {
        first_of(Self::examine_to_calibrate(show))
    }

    /// The same with all mistakes, in no order.
    pub fn examine_to_calibrate(show: &Show) -> (Self, Vec<ShowError>) {
        let known = rig::load(&show.rig).ok();
        let (mut production, wrong) = Self::with_rig(show, Self::named_by(show, known.as_ref()));
        (production.capture.disk, production.capture.sound) = (None, None);
        (production.program, production.second) = (None, None);
        (production, wrong)
    }

    fn with_rig(show: &Show, rig: Rig) -> (Self, Vec<ShowError>) {
        let known = rig.cameras.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", ");
        let mut wrong = Vec::new();
        let mut specs = Vec::new();
        let camera_of = |line: usize, name: &str, wrong: &mut Vec<ShowError>| {
            let camera = rig.camera(name);
            if camera.is_none() {
                let problem = format!("the rig has no camera {name:?}; it has {known}. Name the feed like one of them");
                wrong.push(show.error_at(line, problem));
            }
            // Its address is looked at all the same.
            camera.map_or(0, |camera| camera.clock_offset_nanos)
        };
        for feed in &show.feeds {
            let offset_nanos = camera_of(feed.line, &feed.camera, &mut wrong);
            let spec = spec_of(show, feed, &specs, offset_nanos);
            specs.extend(kept(spec, &mut wrong));
        }
        let mut nodes = Vec::new();
        for node in &show.nodes {
            let key = kept(key_of(show, node.key.expose(), node.line), &mut wrong);
            nodes.extend(key.map(|key| NodeSpec { name: node.name.clone(), address: node.address.clone(), key }));
            for (name, line) in &node.cameras {
                let clock_offset_nanos = camera_of(*line, name, &mut wrong);
                let source = FeedSource::Node { node: node.name.clone() };
                specs.push(FeedSpec { clock_offset_nanos, ..FeedSpec::new(name, source) });
            }
        }
        let has_feed = |name: &str| show.feeds.iter().any(|f| f.camera == name) || specs.iter().any(|s| s.name == name);
        let without_feed = rig.cameras.iter().filter(|c| !has_feed(&c.name)).map(|c| c.name.clone()).collect();
        // The sound of a feed that is wrong itself is no further mistake.
        let heard = |audio: &&ShowAudio| audio.feed.as_ref().is_none_or(|feed| specs.iter().any(|s| s.name == *feed));
        let sound = show.audio.as_ref().filter(heard).and_then(|audio| kept(sound_of(show, audio, &specs), &mut wrong));
        let capture = CaptureConfig { nodes, sound, ..capture_of(show, &mut wrong) };
        let (program, second) = program_of(show, &mut wrong);
        let named =
            |(text, line): &(String, usize)| text.parse().map_err(|e: NameError| show.error_at(*line, format!("[export] name: {e}")));
        let export_name = show.export_name.as_ref().and_then(|name| kept(named(name), &mut wrong));
        let credentials = credentials_of(show, export_name.as_ref(), &mut wrong);
        (Self { rig, specs, capture, without_feed, export_name, credentials, program, second }, wrong)
    }

    /// What is missing on this machine before the show can run: files that are to be played, plugins that feeds need, addresses at which they are to
    /// listen, the disk that is to be recorded to. Opens nothing; sentences with the remedy.
    pub fn missing(&self, show: &Show) -> Vec<ShowError> {
        missing(show, &self.specs, self.capture.disk.as_ref())
    }

    /// Starts all feeds. Nothing is waited for but files.
    pub fn start(&self) -> Result<CaptureSession, CaptureError> {
        CaptureSession::start(self.capture.clone(), &self.specs)
    }
}

/// What a node runs: its feeds, its bounds, and how it serves them.
#[derive(Debug)]
pub struct NodeProduction {
    /// The feeds, in the order of the show.
    pub specs: Vec<FeedSpec>,
    /// Bounds of the ring and of the disk.
    pub capture: CaptureConfig,
    /// Where it listens, and its key.
    pub server: NodeServerConfig,
}

impl NodeProduction {
    /// Reads every address of a node's file. The rig's clock offsets are the console's matter. Nothing is opened. The first mistake is the error.
    pub fn of_show(show: &Show) -> Result<Self, ShowError> {
        let (production, wrong) = Self::examine(show);
        match (production, wrong.into_iter().next()) {
            (Some(production), None) => Ok(production),
            (_, Some(first)) => Err(first),
            (None, None) => Err(show.error_at(1, "it is not the file of a node")),
        }
    }

    /// The same with all mistakes, in no order, and what of it is without them; `None` where it has no key to run with.
    pub fn examine(show: &Show) -> (Option<Self>, Vec<ShowError>) {
        let mut wrong = Vec::new();
        if show.node.is_none() {
            let problem = "there is no [node] table: write [node] and below it key = \"…\" (`volte node --new-key` prints one)";
            wrong.push(show.error_at(1, problem));
        }
        if let Some(other) = show.nodes.first() {
            wrong.push(show.error_at(other.line, "a node has no [[nodes]] of its own; they belong into the console's file"));
        }
        let mut specs = Vec::new();
        for feed in &show.feeds {
            let spec = spec_of(show, feed, &specs, 0);
            specs.extend(kept(spec, &mut wrong));
        }
        let capture = capture_of(show, &mut wrong);
        let server = show.node.as_ref().and_then(|node| {
            let key = kept(key_of(show, node.key.expose(), node.line), &mut wrong)?;
            Some(NodeServerConfig { listen: node.listen.clone(), key, pretend: PretendClock::default() })
        });
        (server.map(|server| Self { specs, capture, server }), wrong)
    }

    /// What is missing on this machine before it can run; see [`Production::missing`].
    pub fn missing(&self, show: &Show) -> Vec<ShowError> {
        missing(show, &self.specs, self.capture.disk.as_ref())
    }
}

/// What is well; what is not is noted.
fn kept<T>(result: Result<T, ShowError>, wrong: &mut Vec<ShowError>) -> Option<T> {
    result.map_err(|e| wrong.push(e)).ok()
}

fn first_of<T>((made, wrong): (T, Vec<ShowError>)) -> Result<T, ShowError> {
    wrong.into_iter().next().map_or(Ok(made), Err)
}

/// Whether the hosts of feeds are there. All at once: a network without a name server takes seconds for each name.
fn places(specs: &[FeedSpec]) -> Vec<Result<(), String>> {
    std::thread::scope(|scope| {
        let ask = |spec: &FeedSpec| {
            let FeedSource::Stream(stream) = &spec.source else { return None };
            let stream = stream.clone();
            std::thread::Builder::new().name("look up a host".to_owned()).spawn_scoped(scope, move || stream.check_place()).ok()
        };
        let asked: Vec<_> = specs.iter().map(ask).collect();
        // Where nobody could be asked nothing is known to be wrong.
        asked.into_iter().map(|thread| thread.and_then(|thread| thread.join().ok()).unwrap_or(Ok(()))).collect()
    })
}

/// What is not there on this machine.
fn missing(show: &Show, specs: &[FeedSpec], disk: Option<&DiskConfig>) -> Vec<ShowError> {
    let mut out = Vec::new();
    let places = places(specs);
    for (spec, place) in specs.iter().zip(places) {
        let line = show.feeds.iter().find(|f| f.camera == spec.name).map_or(1, |f| f.line);
        let mut absent = |what: String| out.push(show.error_at(line, format!("camera {:?}: {what}", spec.name)));
        match &spec.source {
            FeedSource::File { path, .. } if !path.is_file() => absent(format!("there is no file {path:?}; correct its address")),
            FeedSource::Images { pattern, .. } => {
                let folder = Path::new(pattern).parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
                if !folder.is_dir() {
                    absent(format!("there is no folder {folder:?}; correct its address"));
                }
            }
            // Not asked for more: whoever looks may have no rights there that the show has.
            FeedSource::Stream(stream) => match &stream.kind {
                StreamKind::V4l2 { device, .. } if !Path::new(device).exists() => {
                    absent(format!("there is no {device}; plug the camera in, or take an address that `volte devices` lists"));
                }
                _ => {}
            },
            _ => {}
        }
        if let Err(why) = place {
            absent(why);
        }
        let elements = missing_elements(&spec.source);
        if let Some((_, remedy)) = elements.first() {
            let names = elements.iter().map(|(element, _)| *element).collect::<Vec<_>>().join(", ");
            absent(format!("GStreamer has no {names} on this machine, which its address needs. {remedy}"));
        }
    }
    if let Some(disk) = disk {
        // It is made when recording begins; what it is made in must be there, else a disk is not mounted.
        let parent = disk.folder.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let line = show.disk.as_ref().map_or(1, |disk| disk.line);
        if disk.folder.exists() && !disk.folder.is_dir() {
            out.push(show.error_at(line, format!("[disk] folder: {:?} is no folder; name another one", disk.folder)));
        } else if !disk.folder.exists() && !parent.is_dir() {
            out.push(show.error_at(line, format!("[disk] folder: there is no {parent:?}; is the disk mounted?")));
        }
    }
    out
}

fn key_of(show: &Show, text: &str, line: usize) -> Result<LinkKey, ShowError> {
    text.parse().map_err(|e: KeyError| show.error_at(line, e.to_string()))
}

fn spec_of(show: &Show, feed: &ShowFeed, specs: &[FeedSpec], rig_offset_nanos: i64) -> Result<FeedSpec, ShowError> {
    let source = FeedSource::parse(&feed.address)
        .and_then(|source| beside(source, show.folder()))
        .map_err(|e| show.error_at(feed.line, format!("camera {:?}: {e}", feed.camera)))?;
    if let FeedSource::Stream(stream) = &source
        && let Some(taken) = stream.takes()
        && let Some(other) = taken_by(specs, &taken)
    {
        let problem = format!("camera {:?}: {taken} is taken by camera {other:?} already; give each its own", feed.camera);
        return Err(show.error_at(feed.line, problem));
    }
    let clock_offset_nanos = rig_offset_nanos.saturating_add(feed.offset_nanos);
    Ok(FeedSpec { clock_offset_nanos, make_intra: feed.make_intra, ..FeedSpec::new(&feed.camera, source) })
}

fn capture_of(show: &Show, wrong: &mut Vec<ShowError>) -> CaptureConfig {
    let standard = RingConfig::default();
    let read = |(text, line): &(String, usize)| text.parse().map_err(|why: String| show.error_at(*line, format!("clock: {why}")));
    let clock = show.clock.as_ref().and_then(|clock| kept(read(clock), wrong)).unwrap_or(ClockReference::Machine);
    CaptureConfig {
        ring: RingConfig {
            budget_bytes: show.ring_bytes.unwrap_or(standard.budget_bytes),
            duration_nanos: show.ring_nanos.unwrap_or(standard.duration_nanos),
            ..standard
        },
        disk: show.disk.as_ref().map(|disk| DiskConfig::new(&disk.folder, disk.budget_bytes)),
        clock,
        ..CaptureConfig::default()
    }
}

/// The sound input as a show describes it.
fn sound_of(show: &Show, audio: &ShowAudio, specs: &[FeedSpec]) -> Result<SoundSettings, ShowError> {
    let wrong = |problem: String| show.error_at(audio.line, format!("[audio]: {problem}"));
    let mut camera_offset_nanos = 0;
    let from = match (&audio.feed, &audio.address) {
        (Some(feed), _) => match specs.iter().find(|s| s.name == *feed).map(|s| &s.source) {
            Some(FeedSource::Node { node }) => {
                return Err(wrong(format!("{feed:?} is a camera of the node {node:?}, whose sound does not come over; name an address")));
            }
            Some(FeedSource::Images { .. } | FeedSource::Push(_)) => return Err(wrong(format!("the feed of {feed:?} is pictures only"))),
            // It is asked for pictures alone; whoever wants sound calls it once more.
            Some(FeedSource::Stream(stream)) if matches!(stream.kind, StreamKind::Rtsp { .. }) => {
                // Its clock is as wrong for sound as it is for pictures.
                camera_offset_nanos = specs.iter().find(|s| s.name == *feed).map_or(0, |s| s.clock_offset_nanos);
                SoundFrom::Source(FeedSource::Stream(stream.clone()))
            }
            _ => SoundFrom::Feed(feed.clone()),
        },
        (None, Some(address)) => match SoundSettings::parse_from(address).map_err(|e| wrong(e.to_string()))? {
            SoundFrom::Source(source) => SoundFrom::Source(beside(source, show.folder()).map_err(|e| wrong(e.to_string()))?),
            other => other,
        },
        (None, None) => return Err(wrong("it names no source".to_owned())),
    };
    if let SoundFrom::Source(FeedSource::Stream(stream)) = &from
        && let Some(taken) = stream.takes()
        && let Some(other) = taken_by(specs, &taken)
    {
        return Err(wrong(format!("{taken} is taken by camera {other:?} already; write feed = {other:?}, which takes its sound along")));
    }
    let standard = SoundSettings::new(from);
    Ok(SoundSettings {
        keep_secs: audio.keep_secs.unwrap_or(standard.keep_secs),
        offset_nanos: audio.offset_nanos.saturating_add(camera_offset_nanos),
        wait_nanos: audio.wait_nanos.unwrap_or(standard.wait_nanos),
        freeze: audio.freeze.as_deref().and_then(FreezeSound::from_name).unwrap_or_default(),
        ..standard
    })
}

/// The feed that has taken what another wants for itself.
fn taken_by<'a>(specs: &'a [FeedSpec], taken: &Taken<'_>) -> Option<&'a str> {
    specs.iter().find_map(|spec| match &spec.source {
        FeedSource::Stream(stream) if stream.takes()?.excludes(taken) => Some(spec.name.as_str()),
        _ => None,
    })
}

/// The output's format and its sinks.
type Sent = (ChannelOptions, Vec<SinkSpec>);

/// The outputs as a show describes them, of program and of program B; their sinks that are right, where others are wrong.
fn program_of(show: &Show, wrong: &mut Vec<ShowError>) -> (Option<Sent>, Option<Vec<SinkSpec>>) {
    let Some(program) = show.program.as_ref() else { return (None, None) };
    let format = program.format.parse().map_err(|e: FormatError| show.error_at(program.line, e.to_string()));
    let Some(format): Option<ProgramFormat> = kept(format, wrong) else { return (None, None) };
    let options = ChannelOptions { dissolve_frames: program.dissolve_frames, tick: program.tick, ..ChannelOptions::new(format) };
    for over in [false, true].iter().filter_map(|second| show.outputs.iter().filter(|o| o.is_second == *second).nth(MOST_SINKS)) {
        let problem = format!("program goes to {MOST_SINKS} outputs at most; leave this one out, or send on from a receiver");
        wrong.push(show.error_at(over.line, problem));
    }
    let mut sinks: [Vec<SinkSpec>; 2] = [Vec::new(), Vec::new()];
    for output in &show.outputs {
        let sink = sink_of(show, output, format).and_then(|sink| {
            let met = sinks.iter().flatten().try_for_each(|other| sink.check_beside(other));
            met.map(|()| sink).map_err(|e| show.error_at(output.line, e.to_string()))
        });
        sinks[usize::from(output.is_second)].extend(kept(sink, wrong));
    }
    let [sinks, of_second] = sinks;
    // Without a sink it runs all the same: they may come while it does.
    (Some((options, sinks)), program.second_channel.then_some(of_second))
}

/// A sink as a show describes it.
fn sink_of(show: &Show, output: &ShowOutput, format: ProgramFormat) -> Result<SinkSpec, ShowError> {
    let wrong = |problem: String| show.error_at(output.line, format!("output {:?}: {problem}", output.name));
    let address: SinkAddress = output.address.parse().map_err(|e: SinkAddressError| wrong(e.to_string()))?;
    let mut spec = SinkSpec::new(&output.name, address.beside(show.folder()));
    if let Some(name) = &output.codec {
        let allowed = spec.address.codecs();
        let words = allowed.iter().map(|c| c.name()).collect::<Vec<_>>().join(", ");
        spec.codec = SinkCodec::from_name(name)
            .filter(|c| allowed.contains(c))
            .ok_or_else(|| wrong(format!("{} cannot carry codec = {name:?}; it can carry {words}", spec.address.label())))?;
    }
    spec.check(format).map_err(|e| wrong(e.to_string()))?;
    spec.kilobits = output.kilobits.unwrap_or(spec.kilobits);
    spec.signal = output.signal.as_deref().and_then(Signal::from_name).unwrap_or_default();
    if output.is_second && matches!(spec.signal, Signal::GraphicsFill | Signal::GraphicsKey) {
        return Err(wrong("program B has no graphics; take channel = \"B\" or the line signal away".to_owned()));
    }
    spec.sound = match output.sound.as_deref() {
        Some("none") => SinkSound::None,
        Some(_) if !spec.address.takes_sound() => {
            return Err(wrong(format!("{} takes no sound; remove the line sound", spec.address.label())));
        }
        Some("silence") => SinkSound::Silence,
        Some(_) => SinkSound::Program,
        None => SinkSound::Auto,
    };
    Ok(spec)
}

/// Paths of files are relative to the show.
fn beside(source: FeedSource, folder: &Path) -> Result<FeedSource, CaptureError> {
    Ok(match source {
        FeedSource::File { path, pace } => FeedSource::File { path: folder.join(path), pace },
        FeedSource::Images { pattern, rate, pace } => {
            let joined = folder.join(&pattern).to_string_lossy().into_owned();
            // A folder with a percent sign in its name would be part of the pattern.
            FeedSource::images(&joined, rate, pace)?
        }
        other => other,
    })
}

/// Formats of calibration that do not say how large the pictures are learn it from the feeds: waits until all of them have told,
/// or cannot.
pub fn learn_sizes(rig: &mut Rig, session: &CaptureSession) {
    let unknown = |c: &rig::Camera| c.width_px == 0 || c.height_px == 0;
    if !rig.cameras.iter().any(unknown) {
        return;
    }
    let known = |feeds: &[FeedStatus]| feeds.iter().all(|f| f.size_px.is_some() || f.last_error.is_some());
    session.wait_until(SIZES_WITHIN, known);
    let status = session.status();
    for camera in rig.cameras.iter_mut().filter(|c| unknown(c)) {
        if let Some((w, h)) = status.iter().find(|f| *f.name == *camera.name).and_then(|f| f.size_px) {
            (camera.width_px, camera.height_px) = (w, h);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        geometry::{Lens, Pose},
        rig::Camera,
    };

    fn opened(text: &str) -> Result<Production, ShowError> {
        let folder = tempfile::tempdir().unwrap();
        let camera = Camera {
            name: "cam01".to_owned(),
            width_px: 160,
            height_px: 90,
            lens: Lens::pinhole(150.0, 150.0, 80.0, 45.0),
            camera_from_world: Pose::IDENTITY,
            clock_offset_nanos: 3_000_000,
        };
        let rig = Rig { cameras: vec![camera], points_in_world: vec![] };
        rig::save(&rig, &folder.path().join("rig.toml"), rig::Format::RigToml).unwrap();
        let file = folder.path().join("show.toml");
        std::fs::write(&file, format!("name = \"a\"\nrig = \"rig.toml\"\n{text}")).unwrap();
        Production::of_show(&Show::load(&file)?)
    }

    #[test]
    fn the_sound_of_a_camera_over_rtsp_has_the_cameras_clock() {
        let show = |address: &str| {
            let feed = format!("[[feeds]]\ncamera = \"cam01\"\naddress = \"{address}\"\noffset_ms = -20\n");
            opened(&format!("{feed}[audio]\nfeed = \"cam01\"\noffset_ms = 5\n")).unwrap().capture.sound.unwrap()
        };
        let sound = show("rtsp://10.0.0.9/cam");
        assert!(matches!(sound.from, SoundFrom::Source(FeedSource::Stream(_))));
        assert_eq!(sound.offset_nanos, 3_000_000 - 20_000_000 + 5_000_000);
        // Where it comes with the pictures it has their time already.
        assert_eq!(show("srt://10.0.0.9:7001").offset_nanos, 5_000_000);
    }

    #[test]
    fn a_device_that_is_not_there_is_missing() {
        crate::capture::init().unwrap();
        let missing = |device: &str| {
            let specs = [FeedSpec::new("cam01", FeedSource::parse(&format!("v4l2:{device}")).unwrap())];
            let show = Show::examine("rig = \"r.toml\"\n[[feeds]]\ncamera = \"cam01\"\naddress = \"a.mp4\"\n", Path::new("/s/show.toml"))
                .0
                .unwrap();
            missing(&show, &specs, None).iter().map(ToString::to_string).collect::<Vec<_>>().concat()
        };
        let told = missing("/dev/video-that-nobody-has");
        assert!(["show.toml:3", "\"cam01\"", "/dev/video-that-nobody-has", "volte devices"].iter().all(|w| told.contains(w)), "{told}");
        assert!(!missing("/dev/null").contains("there is no"), "{}", missing("/dev/null"));
    }

    #[test]
    fn a_show_has_not_outputs_without_end() {
        let outputs = (0..17).map(|k| format!("[[outputs]]\naddress = \"{k}.ts\"\n")).collect::<Vec<_>>().concat();
        let feed = "[[feeds]]\ncamera = \"cam01\"\naddress = \"srt://10.0.0.9:7001\"\n";
        let fields = "[program]\nformat = \"1080i50\"\n[[outputs]]\naddress = \"a.ts\"\ncodec = \"h265\"\n";
        let told = opened(&format!("{feed}{fields}")).unwrap_err().to_string();
        assert!(told.contains("h265") && told.contains("1080i50") && told.contains("h264"), "{told}");
        let told = opened(&format!("{feed}[program]\nformat = \"720p25\"\n{outputs}")).unwrap_err().to_string();
        assert!(told.contains("16 outputs at most"), "{told}");
        // Nor two of them in one place, be it of the other program.
        for second in ["", "channel = \"B\"\n"] {
            let both = format!("[[outputs]]\naddress = \"hls:web\"\n[[outputs]]\naddress = \"hls:./web/\"\n{second}");
            let told = opened(&format!("{feed}[program]\nformat = \"720p25\"\n{both}")).unwrap_err().to_string();
            assert!(["\"output 2\"", "\"output 1\"", "web", "folder of its own", "show.toml:"].iter().all(|w| told.contains(w)), "{told}");
        }
    }
}
