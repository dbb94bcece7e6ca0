//! The program output against real receivers on loopback: every frame arrives, once, in order, at its exact time; who goes comes
//! back; nobody disturbs a neighbour. And that these tests would see it if it were not so.
#![cfg(feature = "gstreamer")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use volte::engine::{CapturedFeeds, Command, Engine, EngineOptions, Feeds, ProgramKind, Snapshot};
use volte::output::program::{
    ChannelOptions, Due, Frame, FrameTaker, PictureSource, ProgramOutput, SinkCodec, SinkSound, SinkSpec, SinkState, SinkStatus, Tick,
};
use volte::time::FrameRate;

mod support {
    pub mod fake_feeds;
    pub mod numbers;
    mod outputs_rows;
    mod outputs_web;
    pub mod peers;
    pub mod timed_feeds;
}
use support::fake_feeds::arc_rig;
use support::numbers::{Received, judge_takes, number_of, numbered};
use support::peers::{Peer, port, serve_files};
use support::timed_feeds::TimedFeeds;

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
        spec.sound = if name == "a.mp4" { SinkSound::Silence } else { SinkSound::Auto };
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
    assert_eq!(number_of(&vec![128; 320 * 180]), None);
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
    wait(&output, "nobody is there", |s| {
        s[0].state == SinkState::Running && s[1].state == SinkState::Running && s[0].frames > 120 && s[1].frames > 220
    });
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
fn a_file_that_is_taken_away_has_all_that_was_shown_until_then() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let output = output("320x180p50", |n| n);
    let mut files = Vec::new();
    for name in ["whole.ts", "a.mp4", "b.mkv"] {
        let mut spec = sink(name, &at(name).display().to_string());
        // The first and the second share an encoder that goes on; the third has one of its own, which ends.
        spec.kilobits = if name == "b.mkv" { 1700 } else { 1500 };
        files.push((name, output.add(spec).unwrap()));
    }
    wait(&output, "no frames", |sinks| sinks.iter().all(|s| s.state == SinkState::Running && s.frames >= 60));
    let mut shown = Vec::new();
    for (name, id) in files.iter().skip(1) {
        shown.push((*name, output.status().channel.frames));
        assert!(output.remove(*id));
    }
    shown.push(("whole.ts", output.status().channel.frames));
    drop(output);
    for (name, shown) in shown {
        let received = Received::of(&at(name));
        received.judge_pictures().unwrap_or_else(|e| panic!("{name}: {e}"));
        let last = received.numbers.last().copied().flatten().unwrap();
        println!("{name}: {shown} were shown, the last in it is number {last}");
        assert!(u64::from(last) + 1 >= shown && u64::from(last) < shown + 60, "{name}: {shown} were shown, the last in it is {last}");
    }
}

#[test]
fn outputs_are_not_without_end() {
    let dir = tempfile::tempdir().unwrap();
    let output = output("320x180p25", |n| n);
    let add = |k: usize| output.add(sink(&format!("s{k}"), &dir.path().join(format!("{k}.ts")).display().to_string()));
    assert!((0..volte::output::program::MOST_SINKS).all(|k| add(k).is_ok()));
    let told = add(99).unwrap_err().to_string();
    assert!(told.contains("16 outputs") && told.contains("Remove one"), "{told}");
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
        sinks[1].state == SinkState::Retrying && sinks[1].problem.as_deref().is_some_and(|p| p.contains("/proc/no-folder")),
        "{sinks:#?}"
    );
    if sinks[0].state == SinkState::Failed {
        assert!(sinks[0].problem.as_deref().is_some_and(|p| p.contains("NDI runtime")), "{sinks:#?}");
    }
    assert!(sinks[2].problem.as_deref().is_some_and(|p| p.contains("320x180p25") || p.contains("Desktop Video")), "{sinks:#?}");
}

#[test]
fn fifty_takes_begin_with_the_marked_frame_while_a_receiver_comes_and_goes() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = Arc::new(TimedFeeds::new(arc_rig(3, 12.0)));
    let engine_options = EngineOptions { without_gpu: true, export_folder: Some(dir.path().to_owned()), ..EngineOptions::default() };
    let engine = Engine::start(Arc::clone(&feeds) as Arc<dyn Feeds>, &engine_options).unwrap();
    let (srt, file) = (port(), dir.path().join("takes.ts"));
    let sinks = vec![sink("file", &file.display().to_string()), sink("srt", &format!("srt://127.0.0.1:{srt}"))];
    engine.start_output(&ChannelOptions::new("320x180p50".parse().unwrap()), sinks).unwrap();
    let patience = |done: &dyn Fn(&Snapshot) -> bool, what: &str| {
        engine.wait_for(PATIENCE, |s| done(s)).unwrap_or_else(|| panic!("{what}: {:?}", engine.snapshot().notices))
    };
    let state = |s: &Snapshot, k: usize| s.output.as_ref().map(|o| (o.sinks[k].state, o.sinks[k].frames));
    patience(&|s| state(s, 0).is_some_and(|(_, frames)| frames > 5), "no output");
    let receive = || Peer::ffmpeg(&format!("{QUICK} -i srt://127.0.0.1:{srt}?mode=listener -c copy -f null -"));
    let (mut peer, mut marks, mut received) = (Some(receive()), Vec::new(), 0);
    for take in 0..50 {
        assert!(engine.send(Command::Mark));
        let armed = patience(
            &|s| s.events.len() == take + 1 && s.can_take && s.preview.as_ref().is_some_and(|p| p.event == s.events.last().map(|e| e.id)),
            "it is not prepared",
        );
        marks.push(feeds.number_at(armed.preview.as_ref().unwrap().instant));
        std::thread::sleep(Duration::from_millis(60));
        assert!(engine.send(Command::Take));
        patience(&|s| matches!(s.program.kind, ProgramKind::Replay { .. }), "no take");
        std::thread::sleep(Duration::from_millis(60));
        assert!(engine.send(Command::Return));
        patience(&|s| matches!(s.program.kind, ProgramKind::Live(_)), "no return");
        std::thread::sleep(Duration::from_millis(40));
        let running = state(&engine.snapshot(), 1).is_some_and(|(s, _)| s == SinkState::Running);
        received += u32::from(running);
        // Killed, and started again some takes later.
        if take % 20 == 15 {
            peer = None;
        } else if peer.is_none() && take % 20 == 18 {
            peer = Some(receive());
        }
    }
    let output = engine.snapshot().output.clone().unwrap();
    drop((engine, peer));
    assert!(output.sinks[1].retries > 0 && received > 10, "{received} takes were received: {:#?}", output.sinks[1]);
    assert!(output.channel.skipped == 0 && output.sinks[0].dropped == 0 && output.sinks[0].missed < 60, "{output:#?}");
    let record = Received::of(&file);
    record.judge_times(FrameRate::whole(50), 2).unwrap();
    assert_eq!(judge_takes(&record.numbers, &marks), Ok(50));
    println!("{} frames, {:?}", record.numbers.len(), output.channel);
    // And it would be seen if it were not so.
    // Of a take before which the live camera had run on past the mark: else a wrong frame could be live.
    let begins = |mark: u16| {
        let at = record.numbers.iter().enumerate().filter(|(_, n)| **n == Some(mark)).nth(1)?.0;
        (record.numbers[at - 1] > Some(mark + 1)).then_some((at, mark))
    };
    let (second, mark) = marks.iter().skip(10).find_map(|mark| begins(*mark)).unwrap();
    let mut wrong = record.numbers.clone();
    wrong[second] = Some(mark + 1);
    assert!(judge_takes(&wrong, &marks).is_err());
    wrong[second] = None;
    assert!(judge_takes(&wrong, &marks).is_err());
}

/// Writes down what goes out, beside what has come in by then.
struct Beside {
    session: Arc<volte::capture::CaptureSession>,
    seen: Arc<parking_lot::Mutex<Vec<Seen>>>,
}

/// A picture's number, and the time of the newest unit when it went out, nanoseconds.
type Seen = (Option<u16>, i64);

impl FrameTaker for Beside {
    fn take(&mut self, frame: &Arc<Frame>, _: Tick) {
        let newest = self.session.status()[0].newest.map_or(0, volte::time::MediaTime::nanos);
        let number = number_of(&frame.as_ref().as_ref()[..320 * 180]);
        self.seen.lock().push((number, newest));
    }
}

/// Eight seconds of numbered pictures as a camera codes them: no picture waits for a later one.
fn numbered_feed(dir: &Path, name: &str, from: u16) -> volte::capture::FeedSpec {
    let clip = dir.join(format!("{name}.mp4"));
    let words = "-v error -f rawvideo -pix_fmt rgba -s 320x180 -r 25 -i - -pix_fmt yuv420p -c:v libx264 -preset ultrafast -bf 0 -g 25 -y";
    let mut coder =
        std::process::Command::new("ffmpeg").args(words.split(' ')).arg(&clip).stdin(std::process::Stdio::piped()).spawn().unwrap();
    let mut pictures = coder.stdin.take().unwrap();
    (from..from + 200).for_each(|n| std::io::Write::write_all(&mut pictures, numbered(n).rgba()).unwrap());
    drop(pictures);
    assert!(coder.wait().unwrap().success());
    let source = volte::capture::FeedSource::File { path: clip, pace: volte::capture::Pace::Live { looped: false } };
    volte::capture::FeedSpec::new(name, source)
}

#[test]
fn another_camera_comes_at_full_size_and_the_one_before_goes_on_until_then() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = [numbered_feed(dir.path(), "cam01", 0), numbered_feed(dir.path(), "cam02", 300)];
    // Previews so small that nobody could read their numbers.
    let preview = volte::capture::PreviewConfig { enabled: true, width_px: 32, ..volte::capture::PreviewConfig::default() };
    let config = volte::capture::CaptureConfig { preview, ..volte::capture::CaptureConfig::default() };
    let session = volte::capture::CaptureSession::start(config, &feeds).unwrap();
    let feeds = Arc::new(CapturedFeeds::new(arc_rig(3, 12.0), session, Some(FrameRate::whole(25))).unwrap());
    let engine =
        Engine::start(Arc::clone(&feeds) as Arc<dyn Feeds>, &EngineOptions { without_gpu: true, ..EngineOptions::default() }).unwrap();
    assert!(engine.send(Command::SelectCamera(0)));
    std::thread::sleep(Duration::from_millis(1500));
    engine.start_output(&ChannelOptions::new("320x180p25".parse().unwrap()), vec![]).unwrap();
    let seen = Arc::new(parking_lot::Mutex::new(Vec::new()));
    assert!(engine.watch_output(Beside { session: Arc::clone(feeds.session()), seen: Arc::clone(&seen) }));
    for camera in [1, 0, 1] {
        std::thread::sleep(Duration::from_millis(1300));
        assert!(engine.send(Command::SelectCamera(camera)));
        // The snapshot's own picture, which windows show, is never a small one either.
        let until = std::time::Instant::now() + Duration::from_millis(300);
        while std::time::Instant::now() < until {
            assert_eq!(engine.snapshot().program.shown.picture.width(), 320);
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    std::thread::sleep(Duration::from_secs(1));
    drop(engine);
    let numbers: Vec<Option<u16>> = seen.lock().iter().map(|(number, _)| *number).collect();
    let begin = numbers.iter().position(Option::is_some).unwrap();
    let numbers: Vec<u16> = numbers[begin..].iter().map(|n| n.unwrap_or_else(|| panic!("a small picture: {numbers:?}"))).collect();
    let cuts: Vec<usize> = (1..numbers.len()).filter(|k| (numbers[*k] >= 300) != (numbers[*k - 1] >= 300)).collect();
    assert_eq!(cuts.len(), 3, "{numbers:?}");
    // Time goes on over each cut: the new camera is where the one before has got to, and nothing stood still for it.
    for k in cuts {
        let (before, after) = (numbers[k - 1] % 300, numbers[k] % 300);
        assert!((before.saturating_sub(3)..=before + 6).contains(&after), "at {k}: {before} to {after}");
        let ran = numbers[k - 1] - numbers[k.saturating_sub(12)];
        assert!(ran >= 7, "before {k}: {:?}", &numbers[k.saturating_sub(12)..k]);
    }
}

#[test]
fn a_camera_passes_through_within_three_frames_and_in_step() {
    let dir = tempfile::tempdir().unwrap();
    let rate = FrameRate::whole(25);
    let source = numbered_feed(dir.path(), "cam01", 0);
    let config = volte::capture::CaptureConfig {
        preview: volte::capture::PreviewConfig { enabled: false, ..volte::capture::PreviewConfig::default() },
        ..volte::capture::CaptureConfig::default()
    };
    let session = volte::capture::CaptureSession::start(config, &[source]).unwrap();
    let feeds = Arc::new(CapturedFeeds::new(arc_rig(3, 12.0), session, Some(rate)).unwrap());
    let engine =
        Engine::start(Arc::clone(&feeds) as Arc<dyn Feeds>, &EngineOptions { without_gpu: true, ..EngineOptions::default() }).unwrap();
    assert!(engine.send(Command::SelectCamera(0)));
    engine.start_output(&ChannelOptions::new("320x180p25".parse().unwrap()), vec![]).unwrap();
    let seen = Arc::new(parking_lot::Mutex::new(Vec::new()));
    assert!(engine.watch_output(Beside { session: Arc::clone(feeds.session()), seen: Arc::clone(&seen) }));
    std::thread::sleep(Duration::from_secs(6));
    let told = engine.snapshot().output.clone().unwrap().channel;
    drop(engine);
    // The first second finds the delay.
    let seen: Vec<_> = seen.lock().iter().filter(|(number, _)| number.is_some_and(|n| n > 30)).copied().collect();
    let first = feeds.session().ring().status().feeds[0].oldest.unwrap().nanos();
    let latencies: Vec<i64> =
        seen.iter().map(|(number, newest)| (newest - first + 20_000_000) / 40_000_000 - i64::from(number.unwrap())).collect();
    let numbers: Vec<u16> = seen.iter().map(|(number, _)| number.unwrap()).collect();
    println!("{} frames, latencies {:?}…, told {told:?}", seen.len(), &latencies[..20.min(latencies.len())]);
    assert!(numbers.len() > 60, "{numbers:?}");
    // A machine that is busy with other tests comes late now and then; what is shown never goes back.
    let within = latencies.iter().filter(|l| (0..=3).contains(*l)).count();
    assert!(within * 10 >= latencies.len() * 9, "{latencies:?}");
    assert!(numbers.windows(2).all(|w| w[1] >= w[0]), "{numbers:?}");
    let in_step = numbers.windows(2).filter(|w| w[1] == w[0] + 1).count();
    println!("{in_step} of {} pictures in step", numbers.len() - 1);
    assert!(in_step * 10 >= numbers.len() * 7, "{numbers:?}");
}

#[test]
fn sinks_come_and_go_and_the_others_do_not_notice() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = Arc::new(TimedFeeds::new(arc_rig(3, 12.0)));
    let engine = Engine::start(feeds as Arc<dyn Feeds>, &EngineOptions { without_gpu: true, ..EngineOptions::default() }).unwrap();
    let said = |engine: &Engine, words: &str| {
        let told = |s: &Snapshot| s.notices.iter().any(|n| n.text.contains(words));
        engine.wait_for(PATIENCE, told).unwrap_or_else(|| panic!("nobody said {words:?}: {:?}", engine.snapshot().notices))
    };
    let add = |name: &str, file: &str| {
        assert!(
            engine
                .send(Command::AddOutput { name: name.to_owned(), address: dir.path().join(file).display().to_string().parse().unwrap() })
        );
    };
    add("early", "early.ts");
    said(&engine, "There is no program output");
    let whole = dir.path().join("whole.ts");
    engine.start_output(&ChannelOptions::new("320x180p25".parse().unwrap()), vec![sink("whole", &whole.display().to_string())]).unwrap();
    let frames = |s: &Snapshot, name: &str| {
        s.output.as_ref().and_then(|o| o.sinks.iter().find(|k| k.name == name).map(|k| (k.frames, k.dropped))).unwrap_or_default()
    };
    let wait = |name: &str, many: u64| engine.wait_for(PATIENCE, |s| frames(s, name).0 >= many).unwrap_or_else(|| panic!("{name}"));
    wait("whole", 20);
    for (name, file) in [("second", "second.mkv"), ("third", "third.ts")] {
        add(name, file);
        wait(name, 30);
    }
    add("second", "other.ts");
    said(&engine, "There is an output \"second\" already");
    assert!(engine.send(Command::RemoveOutput("second".to_owned())));
    engine.wait_for(PATIENCE, |s| s.output.as_ref().is_some_and(|o| o.sinks.iter().all(|k| k.name != "second"))).expect("it stays");
    assert!(engine.send(Command::RemoveOutput("nobody".to_owned())));
    said(&engine, "whole, third");
    let at_end = wait("whole", 150);
    assert_eq!(frames(&at_end, "whole").1, 0, "{:?}", at_end.output);
    drop(engine);
    // The feeds' numbers begin when they begin: what counts is that no frame is missing, none is late, and its label is on it.
    for (name, fewest) in [("whole.ts", 150), ("second.mkv", 30), ("third.ts", 30)] {
        let told = std::process::Command::new("ffprobe")
            .args("-v error -select_streams v:0 -show_entries frame=pts_time:frame_tags=timecode -of csv=p=0".split(' '))
            .arg(dir.path().join(name))
            .output()
            .unwrap();
        let text = String::from_utf8(told.stdout).unwrap();
        let frames: Vec<(f64, String)> = text
            .lines()
            .filter_map(|l| l.split_once(','))
            .map(|(t, code)| (t.parse().unwrap(), code.trim_end_matches(',').to_owned()))
            .collect();
        assert!(frames.len() >= fewest, "{name}: {} frames with a label: {text}", frames.len());
        for pair in frames.windows(2) {
            assert!((pair[1].0 - pair[0].0 - 0.04).abs() < 0.0015, "{name}: {pair:?}");
            let label = |code: &str| code.split(':').map(|v| v.parse::<i64>().unwrap()).collect::<Vec<_>>();
            let (a, b) = (label(&pair[0].1), label(&pair[1].1));
            let count = |v: &[i64]| ((v[0] * 60 + v[1]) * 60 + v[2]) * 25 + v[3];
            assert_eq!((count(&b) - count(&a)).rem_euclid(86_400 * 25), 1, "{name}: {pair:?}");
        }
    }
}

#[test]
fn exports_wait_in_a_list_and_are_held_cancelled_and_taken_up_again() {
    use volte::engine::{ExportOrder, ExportState};
    let dir = tempfile::tempdir().unwrap();
    let feeds = Arc::new(TimedFeeds::new(arc_rig(3, 12.0)));
    let options = EngineOptions {
        without_gpu: true,
        quality: Some(volte::engine::Quality::Draft),
        export_folder: Some(dir.path().to_owned()),
        export_name: Some("{event}-{camera}-{n}.gif".parse().unwrap()),
        ..EngineOptions::default()
    };
    let engine = Engine::start(feeds as Arc<dyn Feeds>, &options).unwrap();
    let patience = Duration::from_mins(3);
    let wait = |what: &str, done: &dyn Fn(&Snapshot) -> bool| {
        engine
            .wait_for(patience, |s| done(s))
            .unwrap_or_else(|| panic!("{what}: {:?} {:?}", engine.snapshot().exports, engine.snapshot().notices))
    };
    std::thread::sleep(Duration::from_millis(300));
    assert!(engine.send(Command::Mark));
    let ready = wait("it is not prepared", &|s| s.can_take);
    // The shortest move: this is no test of patience.
    let shortest = (0..ready.moves.len()).min_by(|a, b| ready.moves[*a].secs.total_cmp(&ready.moves[*b].secs)).unwrap();
    assert!(engine.send(Command::SelectMove(shortest)));
    for order in [Command::Export, Command::Export, Command::EditExports(ExportOrder::Hold, 2), Command::Export] {
        assert!(engine.send(order));
    }
    let state = |s: &Snapshot, number: u32| s.exports.iter().find(|e| e.number == number).map(|e| e.state);
    wait("they are not in the list", &|s| s.exports.len() == 3 && state(s, 2) == Some(ExportState::Held));
    assert!(engine.send(Command::EditExports(ExportOrder::Cancel, 3)));
    // The first is held in its middle, and goes on.
    assert!(engine.send(Command::EditExports(ExportOrder::Hold, 1)));
    wait("it is not held", &|s| state(s, 1) == Some(ExportState::Held));
    // It stands behind the picture that it was making, which may take its time; then nothing moves any more.
    let progress = || engine.snapshot().exports[0].progress;
    let stands = |mut last: f32| {
        let begun = std::time::Instant::now();
        while begun.elapsed() < patience {
            std::thread::sleep(Duration::from_secs(2));
            let now = progress();
            if (now - last).abs() < 1e-6 {
                return now;
            }
            last = now;
        }
        panic!("it went on: {:?}", engine.snapshot().exports)
    };
    let stood = stands(progress());
    assert!(stood < 1.0, "it was held when it was done: {stood}");
    assert_eq!(state(&engine.snapshot(), 1), Some(ExportState::Held));
    // The third begins again beside it: one that is held does not hold the list.
    assert!(engine.send(Command::EditExports(ExportOrder::Resume, 3)));
    wait("it does not begin again", &|s| state(s, 3) == Some(ExportState::Running));
    assert_eq!(state(&engine.snapshot(), 1), Some(ExportState::Held));
    // The first has its turn when the third is given up; the second is never begun.
    assert!(engine.send(Command::EditExports(ExportOrder::Resume, 1)));
    wait("it does not wait", &|s| state(s, 1) == Some(ExportState::Waiting));
    assert!(engine.send(Command::EditExports(ExportOrder::Cancel, 3)));
    wait("it is not cancelled", &|s| s.notices.iter().any(|n| n.text.contains("Export 3 was cancelled")));
    wait("the first is not written", &|s| state(s, 1) == Some(ExportState::Done));
    assert_eq!((state(&engine.snapshot(), 2), state(&engine.snapshot(), 3)), (Some(ExportState::Held), Some(ExportState::Cancelled)));
    assert!(engine.send(Command::EditExports(ExportOrder::Hold, 1)));
    wait("nothing is said", &|s| s.notices.iter().any(|n| n.text.contains("Export 1 is done: it cannot hold")));
    drop(engine);
    let mut files: Vec<String> =
        std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    files.sort();
    let is = |file: &str, form: &str| Path::new(file).extension().is_some_and(|e| e == form);
    let gifs: Vec<&String> = files.iter().filter(|f| is(f, "gif")).collect();
    assert!(gifs.len() == 1 && files.len() == 2 && gifs[0].ends_with("-1.gif"), "{files:?}");
    let sidecar = std::fs::read_to_string(dir.path().join(files.iter().find(|f| is(f, "json")).unwrap())).unwrap();
    assert!(sidecar.contains("\"energy\"") && (sidecar.contains("not available") || sidecar.contains("RAPL")), "{}", &sidecar[..600]);
}
