//! The elements of each kind of sink, set up from its address.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use gst::prelude::{ElementExt as _, ObjectExt as _, PadExtManual as _};

use super::{Container, ProgramFormat, RtpForm, SinkCodec, SinkKind, SinkSpec, SrtSide, elements, sink::Trouble};

/// The elements behind the source, and which of them is the muxer that takes sound.
pub(super) fn chain(spec: &SinkSpec, format: ProgramFormat, with_sound: bool) -> Result<(Vec<gst::Element>, Option<usize>), Trouble> {
    let mut chain = Vec::new();
    match spec.codec {
        SinkCodec::H264 => chain.push(unlabelled(elements::make("h264parse")?)),
        SinkCodec::H265 => chain.push(unlabelled(elements::make("h265parse")?)),
        SinkCodec::Av1 => chain.push(elements::make("av1parse")?),
        SinkCodec::Raw => chain.push(elements::make("videoconvert")?),
        SinkCodec::Mjpeg | SinkCodec::ProRes => {}
    }
    let at = chain.len();
    let (mut rest, has_muxer) = match &spec.address.kind {
        SinkKind::Udp { at, ttl } => {
            let sink = elements::make("udpsink")?;
            sink.set_property("host", &at.host);
            sink.set_property("port", i32::from(at.port));
            sink.set_property("ttl-mc", *ttl as i32);
            (vec![ts_muxer()?, sink], true)
        }
        SinkKind::Rtp { at, form, sdp } => {
            let sink = elements::make("udpsink")?;
            sink.set_property("host", &at.host);
            sink.set_property("port", i32::from(at.port));
            match form {
                RtpForm::Ts => (vec![ts_muxer()?, elements::make("rtpmp2tpay")?, sink], true),
                RtpForm::Elementary { payload } => {
                    if let Some(file) = sdp {
                        let text = description(&at.host, at.port, *payload, spec.codec);
                        std::fs::write(file, text)
                            .map_err(|e| Trouble::ForNow(format!("the description {file:?} cannot be written: {e}")))?;
                    }
                    (vec![payloader(spec.codec, *payload)?, sink], false)
                }
            }
        }
        SinkKind::Srt { at, side, passphrase, key_bytes, latency_ms, stream_id } => {
            let sink = elements::make("srtsink")?;
            let host = if at.host.contains(':') { format!("[{}]", at.host) } else { at.host.clone() };
            sink.set_property("uri", format!("srt://{host}:{}", at.port));
            elements::set(&sink, "mode", if *side == SrtSide::Caller { "caller" } else { "listener" });
            sink.set_property("latency", *latency_ms as i32);
            sink.set_property("wait-for-connection", false);
            // Whoever is gone is called again by the sink's own thread, which says so.
            elements::set(&sink, "auto-reconnect", "false");
            if let Some(passphrase) = passphrase {
                sink.set_property("passphrase", passphrase.expose());
                elements::set(&sink, "pbkeylen", &key_bytes.to_string());
            }
            if let Some(id) = stream_id {
                sink.set_property("streamid", id.expose());
            }
            (vec![ts_muxer()?, sink], true)
        }
        SinkKind::Rtmp { url } => {
            let muxer = elements::make("flvmux")?;
            muxer.set_property("streamable", true);
            let sink = elements::make("rtmp2sink")?;
            sink.set_property("location", url.expose());
            (vec![muxer, sink], true)
        }
        // It has no pipeline (`super::whip`).
        SinkKind::Whip { .. } => (Vec::new(), false),
        SinkKind::Rist { at, buffer_ms } => {
            let sink = elements::make("ristsink")?;
            sink.set_property("address", &at.host);
            sink.set_property("port", u32::from(at.port));
            sink.set_property("sender-buffer", *buffer_ms);
            (vec![ts_muxer()?, elements::make("rtpmp2tpay")?, sink], true)
        }
        SinkKind::Hls { folder, segment_secs, keep } => (vec![hls(folder, *segment_secs, *keep)?], true),
        SinkKind::Dash { folder, segment_secs, keep } => {
            (vec![super::dash::sink(spec, format, (folder, *segment_secs, *keep), with_sound)?], true)
        }
        SinkKind::File { path, container } => (file(path, *container)?, true),
        SinkKind::Ndi { name } => {
            let sink = elements::make("ndisink")?;
            sink.set_property("ndi-name", name);
            (vec![sink], false)
        }
        SinkKind::DeckLink { device } => {
            let sink = elements::make("decklinkvideosink")?;
            sink.set_property("device-number", *device as i32);
            elements::set(&sink, "mode", &decklink_mode(format)?);
            (vec![sink], false)
        }
        SinkKind::V4l2 { device } => {
            let sink = elements::make("v4l2sink")?;
            sink.set_property("device", device);
            (vec![sink], false)
        }
    };
    if let Some(sink) = rest.last() {
        // The output's clock has paced everything already; a sink of its own pace (a card) keeps it.
        if !matches!(spec.address.kind, SinkKind::DeckLink { .. }) {
            elements::set(sink, "sync", "false");
        }
        elements::set(sink, "async", "false");
    }
    chain.append(&mut rest);
    Ok((chain, has_muxer.then_some(at)))
}

/// The parser reads the timecode out of the stream and puts it on the buffers again; `QuickTime`'s muxer would make a track of it, which it cannot
/// write in fragments.
fn unlabelled(parser: gst::Element) -> gst::Element {
    if let Some(pad) = parser.static_pad("src") {
        pad.add_probe(gst::PadProbeType::BUFFER, |_pad, info| {
            if let Some(gst::PadProbeData::Buffer(buffer)) = &mut info.data
                && let Some(label) = buffer.make_mut().meta_mut::<gst_video::VideoTimeCodeMeta>()
                && let Err(e) = label.remove()
            {
                tracing::debug!("a label stays on a coded frame: {e}");
            }
            gst::PadProbeReturn::Ok
        });
    }
    parser
}

/// Seven packets to a datagram, as everybody expects them.
fn ts_muxer() -> Result<gst::Element, String> {
    let muxer = elements::make("mpegtsmux")?;
    muxer.set_property("alignment", 7);
    Ok(muxer)
}

fn payloader(codec: SinkCodec, payload: u8) -> Result<gst::Element, String> {
    let made = elements::make(match codec {
        SinkCodec::H265 => "rtph265pay",
        SinkCodec::Mjpeg => "rtpjpegpay",
        _ => "rtph264pay",
    })?;
    elements::set(&made, "config-interval", "-1");
    elements::set(&made, "aggregate-mode", "zero-latency");
    made.set_property("pt", u32::from(if codec == SinkCodec::Mjpeg { 26 } else { payload }));
    Ok(made)
}

/// The session description that receivers of bare RTP need.
fn description(host: &str, port: u16, payload: u8, codec: SinkCodec) -> String {
    let version = if host.contains(':') { "IP6" } else { "IP4" };
    let (payload, encoding) = match codec {
        SinkCodec::H265 => (payload, "H265"),
        SinkCodec::Mjpeg => (26, "JPEG"),
        _ => (payload, "H264"),
    };
    let mode = if codec == SinkCodec::H264 { format!("a=fmtp:{payload} packetization-mode=1\r\n") } else { String::new() };
    format!(
        "v=0\r\no=- 0 0 IN {version} {host}\r\ns=Volte program\r\nc=IN {version} {host}\r\nt=0 0\r\nm=video {port} RTP/AVP {payload}\r\n\
         a=rtpmap:{payload} {encoding}/90000\r\n{mode}"
    )
}

fn hls(folder: &Path, segment_secs: u32, keep: u32) -> Result<gst::Element, Trouble> {
    std::fs::create_dir_all(folder).map_err(|e| Trouble::ForNow(format!("the folder {folder:?} cannot be made: {e}")))?;
    let sink = elements::make("hlssink2")?;
    // Another name with every start: a player that has the old list never gets the new start under an old name.
    let unix = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_millis());
    clear_older(folder, first_of_run(unix));
    sink.set_property("location", folder.join(format!("program-{unix}-%05d.ts")).to_string_lossy().as_ref());
    sink.set_property("playlist-location", folder.join("program.m3u8").to_string_lossy().as_ref());
    sink.set_property("target-duration", segment_secs);
    sink.set_property("playlist-length", keep);
    sink.set_property("max-files", keep + 3);
    sink.set_property("send-keyframe-requests", false);
    Ok(sink)
}

/// The start that an HLS segment is of, by its name; `None` when it is none of ours.
fn start_of(name: &str) -> Option<u128> {
    let (start, number) = name.strip_prefix("program-")?.strip_suffix(".ts")?.split_once('-')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (digits(start) && digits(number)).then(|| start.parse().ok())?
}

/// The first start of this run of the program, milliseconds since 1970, of which `own` is one. What a run began it never takes away: an output that
/// was interrupted has more than one start.
pub(super) fn first_of_run(own: u128) -> u128 {
    static FIRST: AtomicU64 = AtomicU64::new(u64::MAX);
    let own = u64::try_from(own).unwrap_or(u64::MAX);
    u128::from(FIRST.fetch_min(own, Ordering::Relaxed).min(own))
}

/// Deletes segments of starts before the first of this run, but for those of the last: its list stays until this start has one, and players follow it.
fn clear_older(folder: &Path, first: u128) {
    let entries: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().flatten().collect();
    let start_of = |entry: &std::fs::DirEntry| entry.file_name().to_str().and_then(start_of).filter(|own| *own < first);
    let last = entries.iter().filter_map(start_of).max();
    for entry in entries.iter().filter(|entry| start_of(entry).is_some() && start_of(entry) != last) {
        if !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        // What somebody else deleted is gone as well.
        if let Err(error) = std::fs::remove_file(entry.path()) {
            tracing::debug!(%error, name = ?entry.file_name(), "a segment of an earlier start is not deleted");
        }
    }
}

/// A name that nobody has yet: `NAME.mp4`, `NAME-2.mp4`, …
fn free_name(path: &Path) -> PathBuf {
    let taken = |p: &Path| p.symlink_metadata().is_ok();
    if !taken(path) {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let numbered = |k: u32| path.with_file_name(format!("{stem}-{k}.{extension}"));
    (2..100_000).map(numbered).find(|p| !taken(p)).unwrap_or_else(|| numbered(100_000))
}

fn file(path: &Path, container: Container) -> Result<Vec<gst::Element>, Trouble> {
    let muxer = match container {
        Container::Mp4 => elements::make("mp4mux")?,
        Container::Mov => elements::make("qtmux")?,
        Container::Matroska => elements::make("matroskamux")?,
        Container::Ts => ts_muxer()?,
    };
    if matches!(container, Container::Mp4 | Container::Mov) {
        // In fragments: what is on the disk plays, whatever happens next.
        muxer.set_property("fragment-duration", 1000_u32);
    }
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| Trouble::ForNow(format!("the folder {folder:?} cannot be made: {e}")))?;
    }
    let sink = elements::make("filesink")?;
    sink.set_property("location", free_name(path).to_string_lossy().as_ref());
    Ok(vec![muxer, sink])
}

/// The name of a card's mode.
fn decklink_mode(format: ProgramFormat) -> Result<String, String> {
    let rate = match (format.rate.numerator(), format.rate.denominator()) {
        (24000, 1001) => "2398",
        (30000, 1001) => "2997",
        (60000, 1001) => "5994",
        (24, 1) => "24",
        (25, 1) => "25",
        (30, 1) => "30",
        (50, 1) => "50",
        (60, 1) => "60",
        _ => "",
    };
    match (format.width_px, format.height_px, rate) {
        (1920, 1080, "50" | "5994" | "60") if format.is_interlaced => Ok(format!("1080i{rate}")),
        _ if format.is_interlaced => Err(format!("a card has no mode {format}. Choose 1080i50, 1080i59.94 or 1080i60")),
        (1280, 720, "50" | "5994" | "60") | (1920 | 3840, 1080 | 2160, "2398" | "24" | "25" | "2997" | "30" | "50" | "5994" | "60") => {
            Ok(format!("{}p{rate}", format.height_px))
        }
        _ => Err(format!("a card has no mode {format}. Choose 720p50, 1080p25, 1080p50, 1080p59.94, 2160p50 or the like")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("show.mp4");
        assert_eq!(free_name(&path), path);
        std::fs::write(&path, b"x").unwrap();
        assert_eq!(free_name(&path), dir.path().join("show-2.mp4"));
        std::fs::write(dir.path().join("show-2.mp4"), b"x").unwrap();
        assert_eq!(free_name(&path), dir.path().join("show-3.mp4"));
    }

    #[test]
    fn segments_of_the_start_before_the_last_go_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let older = ["program-5-00001.ts", "program-5-00002.ts", "program-60-00000.ts"];
        let others = [
            "program-70-00001.ts",
            "program-70-100000.ts",
            "program-90-00000.ts",
            "program.m3u8",
            "program-5.ts",
            "program-5-a.ts",
            "show-5-00001.ts",
            "program-5-00001.mp4",
        ];
        for name in older.iter().chain(&others) {
            std::fs::write(dir.path().join(name), b"x").unwrap();
        }
        clear_older(dir.path(), 80);
        assert_eq!(older.map(|name| dir.path().join(name).exists()), [false; 3]);
        assert_eq!(others.map(|name| dir.path().join(name).exists()), [true; 8]);
    }

    #[test]
    fn cards_have_their_own_names_for_formats() {
        for (format, mode) in [("1080p59.94", "1080p5994"), ("1080p25", "1080p25"), ("2160p50", "2160p50"), ("720p60", "720p60")] {
            assert_eq!(decklink_mode(format.parse().unwrap()).unwrap(), mode);
        }
        assert_eq!(decklink_mode("1080i29.97".parse().unwrap()).unwrap(), "1080i5994");
        assert!(decklink_mode("720i50".parse().unwrap()).unwrap_err().contains("1080i50"));
        assert!(decklink_mode("320x180p25".parse().unwrap()).unwrap_err().contains("320x180p25"));
    }

    #[test]
    fn the_description_names_what_comes() {
        let text = description("239.0.0.1", 5004, 97, SinkCodec::H264);
        assert!(text.contains("m=video 5004 RTP/AVP 97\r\n") && text.contains("a=rtpmap:97 H264/90000\r\n"), "{text}");
        assert!(description("h", 1, 96, SinkCodec::Mjpeg).contains("RTP/AVP 26"));
    }
}
