//! The program output against real receivers on loopback: every frame arrives, once, in order, at its exact time; who goes comes
//! back; nobody disturbs a neighbour. And that these tests would see it if it were not so.
#![cfg(feature = "gstreamer")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use volte::output::program::{ChannelOptions, Due, PictureSource, ProgramOutput, SinkCodec, SinkSpec, SinkState, SinkStatus};
use volte::time::FrameRate;

mod support {
    pub mod numbers;
    pub mod peers;
}
use support::numbers::{Received, number_of, numbered};
use support::peers::{Peer, port, serve_files};

/// Receivers look at what comes for half a second only.
const QUICK: &str = "-fflags nobuffer -probesize 100000 -analyzeduration 500000";
const PATIENCE: Duration = Duration::from_secs(15);

/// A new number at every tick; some are spoilt on purpose.
struct Numbers {
    next: Arc<AtomicU32>,
    spoil: fn(u32) -> u32,
}

const BLACK: u32 = u32::MAX;

impl PictureSource for Numbers {
    fn due(&mut self) -> Due {
        let number = (self.spoil)(self.next.fetch_add(1, Ordering::Relaxed));
        let picture = if number == BLACK { volte::frame::Picture::filled(320, 180, [0, 0, 0, 255]) } else { numbered(number as u16) };
        Due { picture: Some(Arc::new(picture)), missing: "".into(), shot: 0, synthesized: false, overdue: false, age_nanos: None }
    }
}

fn output(format: &str, spoil: fn(u32) -> u32) -> ProgramOutput {
    let options = ChannelOptions::new(format.parse().unwrap());
    ProgramOutput::start(&options, Numbers { next: Arc::default(), spoil }).unwrap()
}

fn sink(name: &str, address: &str) -> SinkSpec {
    SinkSpec { kilobits: 1500, ..SinkSpec::new(name, address.parse().unwrap_or_else(|e| panic!("{e}"))) }
}

fn status(output: &ProgramOutput, name: &str) -> SinkStatus {
    output.status().sinks.into_iter().find(|s| s.name == name).unwrap()
}

#[track_caller]
fn wait(output: &ProgramOutput, what: &str, mut done: impl FnMut(&[SinkStatus]) -> bool) {
    let until = Instant::now() + PATIENCE;
    while !done(&output.status().sinks) {
        assert!(Instant::now() < until, "{what}: {:#?}", output.status());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A receiver that writes what comes into a file, as it comes.
fn receiver(input: &str, file: &Path) -> Peer {
    // ffmpeg cannot copy bare RTP (its packets have times twice): it decodes, and writes without loss.
    let how = if input.contains(".sdp") { "-c:v ffv1 -fps_mode passthrough -f matroska" } else { "-c copy -f mpegts" };
    Peer::ffmpeg(&format!("{QUICK} {input} -map 0:v {how} -t 3.6 -y {}", file.display()))
}

#[test]
fn every_sink_brings_every_frame_at_its_time() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let rate = FrameRate::new(30000, 1001).unwrap();
    let output = output("320x180p29.97", |n| n);
    let (udp, rtp, es, caller, listener, rist, rtmp) = (port(), port(), port(), port(), port(), port(), port());
    let sdp = at("program.sdp");
    let streams: Vec<(&str, String, String)> = vec![
        ("udp", format!("udp://127.0.0.1:{udp}"), format!("-i udp://127.0.0.1:{udp}?fifo_size=100000")),
        ("rtp", format!("rtp://127.0.0.1:{rtp}"), format!("-i rtp://127.0.0.1:{rtp}")),
        (
            "es",
            format!("rtp://127.0.0.1:{es}?encoding=es&sdp={}", sdp.display()),
            format!("-protocol_whitelist file,udp,rtp -i {}", sdp.display()),
        ),
        (
            "caller",
            format!("srt://127.0.0.1:{caller}?passphrase=correct-horse&pbkeylen=32"),
            format!("-i srt://127.0.0.1:{caller}?mode=listener&passphrase=correct-horse"),
        ),
        (
            "listener",
            format!("srt://:{listener}?passphrase=correct-horse"),
            format!("-i srt://127.0.0.1:{listener}?passphrase=correct-horse"),
        ),
        ("rtmp", format!("rtmp://127.0.0.1:{rtmp}/live/key-17"), format!("-listen 1 -i rtmp://127.0.0.1:{rtmp}/live/key-17")),
    ];
    for (name, address, _) in &streams {
        output.add(sink(name, address)).unwrap();
    }
    output.add(sink("rist", &format!("rist://127.0.0.1:{rist}"))).unwrap();
    output.add(sink("hls", &format!("hls:{}?segment_s=1&keep=10", at("web").display()))).unwrap();
    let files = ["a.mp4", "a.mkv", "a.ts", "a.mov"];
    for name in files {
        let mut spec = sink(name, &at(name).display().to_string());
        spec.codec = SinkCodec::H264;
        spec.silence = name == "a.mp4";
        output.add(spec).unwrap();
    }
    wait(&output, "the description is not written", |_| sdp.exists());
    // Receivers come when everything runs already.
    let mut peers: Vec<Peer> = streams.iter().map(|(name, _, input)| receiver(input, &at(&format!("{name}.received")))).collect();
    let rist_received = at("rist.received");
    let _rist = Peer::gst(&format!(
        "ristsrc address=127.0.0.1 port={rist} ! rtpmp2tdepay ! filesink buffer-mode=2 location={}",
        rist_received.display()
    ));
    wait(&output, "no play list", |_| std::fs::read_to_string(at("web/program.m3u8")).is_ok_and(|list| list.matches(".ts").count() >= 3));
    let web = format!("-live_start_index 0 -i http://127.0.0.1:{}/program.m3u8", serve_files(&at("web")));
    peers.push(receiver(&web, &at("hls.received")));
    for (k, mut peer) in peers.into_iter().enumerate() {
        assert!(peer.ends_within(PATIENCE), "receiver {k} gets no picture: {:#?}", output.status());
    }
    wait(&output, "no RIST", |_| rist_received.metadata().is_ok_and(|m| m.len() > 60_000));
    let status = output.status();
    assert!(status.channel.skipped == 0 && status.channel.slates == 0 && status.channel.repeated == 0, "{status:#?}");
    // Two encoders would be twice the work: all have the same.
    for sink in &status.sinks {
        assert!(sink.state == SinkState::Running || sink.retries > 0 || sink.name == "caller" || sink.name == "rtmp", "{sink:#?}");
        assert!(sink.dropped == 0 && sink.codec.starts_with("h264 (") && sink.bytes > 10_000, "{sink:#?}");
        assert!(!format!("{sink:?}").contains("correct-horse") && !format!("{sink:?}").contains("key-17"));
    }
    drop(output);
    // FLV counts milliseconds, Matroska as well; the others are exact to a tick of their clock.
    let names = streams.iter().map(|(name, ..)| *name).chain(["rist", "hls"]);
    let mut all: Vec<(String, i64)> = names.map(|n| (format!("{n}.received"), if n == "rtmp" || n == "es" { 91 } else { 2 })).collect();
    all.extend(files.map(|n| (n.to_owned(), if n == "a.mkv" { 91 } else { 2 })));
    let mut wrong = Vec::new();
    for (name, slack) in all {
        let received = Received::of(&at(&name));
        println!("{name}: {} pictures, {:?} to {:?}", received.numbers.len(), received.numbers.first(), received.numbers.last());
        // What a receiver that was stopped in mid-air had of its last frame is its own affair.
        if let Err(why) = received.judge(rate, slack) {
            wrong.push(format!("{name}: {why}"));
        }
        let fewest = if name.starts_with("a.") { 90 } else { 40 };
        if received.numbers.len() < fewest {
            wrong.push(format!("{name}: {} pictures only", received.numbers.len()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}; the files stay in {}", dir.keep().display());
}

/// What a receiver makes of an output that is spoilt.
fn spoilt(spoil: fn(u32) -> u32) -> Received {
    let dir = tempfile::tempdir().unwrap();
    let file: PathBuf = dir.path().join("a.ts");
    let output = output("320x180p50", spoil);
    output.add(sink("file", &file.display().to_string())).unwrap();
    wait(&output, "no frames", |sinks| sinks[0].frames >= 60);
    drop(output);
    Received::of(&file)
}

#[test]
fn a_black_a_repeated_and_a_skipped_picture_would_be_seen() {
    let rate = FrameRate::whole(50);
    spoilt(|n| n).judge(rate, 1).unwrap();
    assert!(spoilt(|n| if n == 30 { BLACK } else { n }).judge(rate, 1).unwrap_err().contains("none of ours"));
    assert!(spoilt(|n| if n >= 30 { n - 1 } else { n }).judge(rate, 1).unwrap_err().contains("after 29 came 29"));
    assert!(spoilt(|n| if n >= 30 { n + 1 } else { n }).judge(rate, 1).unwrap_err().contains("after 29 came 31"));
    let mut late = spoilt(|n| n);
    late.pts_90k[20] += 40;
    assert!(late.judge(rate, 1).unwrap_err().contains("frame 20"));
    assert_eq!(number_of(&[128; 320 * 180]), None);
}

#[test]
fn a_receiver_that_dies_is_called_again_and_nobody_else_notices() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let output = output("320x180p50", |n| n);
    let (first, second) = (port(), port());
    output.add(sink("srt", &format!("srt://127.0.0.1:{first}"))).unwrap();
    output.add(sink("rtmp", &format!("rtmp://127.0.0.1:{second}/live/key"))).unwrap();
    output.add(sink("file", &at("a.ts").display().to_string())).unwrap();
    let srt = |file: &Path| {
        Peer::ffmpeg(&format!("{QUICK} -i srt://127.0.0.1:{first}?mode=listener -c copy -flush_packets 1 -f mpegts -y {}", file.display()))
    };
    let rtmp = |file: &Path| {
        Peer::ffmpeg(&format!(
            "{QUICK} -listen 1 -i rtmp://127.0.0.1:{second}/live/key -c copy -flush_packets 1 -f mpegts -y {}",
            file.display()
        ))
    };
    let peers = (srt(&at("srt1")), rtmp(&at("rtmp1")));
    wait(&output, "nobody is there", |s| s[0].state == SinkState::Running && s[1].state == SinkState::Running && s[0].frames > 120);
    // Killed, without a word.
    drop(peers);
    wait(&output, "their death is not noticed", |s| s[0].state == SinkState::Retrying && s[1].state == SinkState::Retrying);
    let lost = status(&output, "srt");
    assert!(lost.problem.as_deref().is_some_and(|p| p.contains("passphrase")), "{lost:?}");
    let peers = (srt(&at("srt2")), rtmp(&at("rtmp2")));
    wait(&output, "they are not called again", |s| {
        s[0].state == SinkState::Running && s[1].state == SinkState::Running && s[0].retries > 0 && s[0].missed > 0
    });
    let before = status(&output, "srt").frames;
    wait(&output, "it does not go on", |s| s[0].frames > before + 100);
    drop((peers, output));
    let file = Received::of(&at("a.ts"));
    file.judge(FrameRate::whole(50), 1).unwrap();
    for name in ["srt1", "srt2", "rtmp1", "rtmp2"] {
        Received::of(&at(name)).judge_pictures().unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

#[test]
fn what_cannot_be_says_why() {
    let output = output("320x180p25", |n| n);
    output.add(sink("ndi", "ndi:Volte")).unwrap();
    output.add(sink("disk", "/proc/no-folder/a.mp4")).unwrap();
    output.add(sink("card", "decklink:0")).unwrap();
    wait(&output, "nothing is said", |sinks| sinks.iter().all(|s| s.problem.is_some()));
    let sinks = output.status().sinks;
    assert!(
        sinks[1].state == SinkState::Failed && sinks[1].problem.as_deref().is_some_and(|p| p.contains("/proc/no-folder")),
        "{sinks:#?}"
    );
    if sinks[0].state == SinkState::Failed {
        assert!(sinks[0].problem.as_deref().is_some_and(|p| p.contains("NDI runtime")), "{sinks:#?}");
    }
    assert!(sinks[2].problem.as_deref().is_some_and(|p| p.contains("320x180p25") || p.contains("Desktop Video")), "{sinks:#?}");
}
