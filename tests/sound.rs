//! Sound on its way out: with its picture to a frame, without a gap, as loud as it is said to be; and that these tests would notice.
#![cfg(feature = "gstreamer")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::sync::Arc;
use std::time::{Duration, Instant};

use volte::capture::{CaptureConfig, CaptureSession, FeedSource, FeedSpec, Pace, PreviewConfig, SoundFrom, SoundSettings};
use volte::engine::{CapturedFeeds, Command, Engine, EngineOptions, Feeds};
use volte::frame::Picture;
use volte::output::program::{ChannelOptions, Due, PictureSource, ProgramOutput, SinkCodec, SinkSpec, SinkStatus};
use volte::output::{self, CancelToken, FrameReport, OutputSpec};
use volte::sound::{FreezeSound, LoudnessMeter, SoundCue, SoundInput, sample_at};
use volte::time::{FrameRate, MediaTime};

mod support {
    pub mod fake_feeds;
    pub mod peers;
}
use support::fake_feeds::arc_rig;
use support::peers::{Peer, port, serve_files};

const PATIENCE: Duration = Duration::from_secs(15);
const QUICK: &str = "-fflags nobuffer -probesize 200000 -analyzeduration 1000000";

/// What a receiver has: when pictures are white, when beeps begin, seconds.
#[derive(Debug)]
struct Heard {
    flashes: Vec<f64>,
    beeps: Vec<f64>,
    /// The largest distance between a block of sound and the end of the one before, seconds.
    worst_gap: f64,
}

fn decoded(file: &Path) -> Heard {
    let times = |stream: &str, what: &str| -> Vec<Vec<f64>> {
        let at = PathBuf::from(file);
        let out = Process::new("ffprobe")
            .args(["-v", "error", "-select_streams", stream, "-show_entries", &format!("frame={what}"), "-of", "csv=p=0"])
            .arg(&at)
            .output()
            .unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        text.lines().map(|l| l.split(',').filter_map(|v| v.trim().parse().ok()).collect()).filter(|v: &Vec<f64>| !v.is_empty()).collect()
    };
    let shown: Vec<f64> = times("v:0", "pts_time").into_iter().map(|v| v[0]).collect();
    let luma = Process::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(file)
        .args("-map 0:v -vf scale=16:16 -pix_fmt gray -fps_mode passthrough -f rawvideo -".split(' '))
        .output()
        .unwrap()
        .stdout;
    let white: Vec<bool> = luma.chunks_exact(256).map(|f| f.iter().map(|v| u32::from(*v)).sum::<u32>() / 256 > 128).collect();
    let flashes = (1..white.len().min(shown.len())).filter(|k| white[*k] && !white[*k - 1]).map(|k| shown[k]).collect();
    let blocks = times("a:0", "pts_time,nb_samples");
    let worst_gap = blocks.windows(2).map(|w| (w[1][0] - w[0][0] - w[0][1] / 48_000.0).abs()).fold(0.0, f64::max);
    assert!(blocks.windows(2).all(|w| w[1][0] > w[0][0]) && shown.windows(2).all(|w| w[1] > w[0]), "times go back");
    let sound = Process::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(file)
        .args("-map 0:a -ac 1 -ar 48000 -f s16le -".split(' '))
        .output()
        .unwrap()
        .stdout;
    let samples: Vec<i16> = sound.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
    let begin = blocks.first().map_or(0.0, |b| b[0]);
    let (mut beeps, mut quiet) = (Vec::new(), 0_u32);
    for (k, v) in samples.iter().enumerate() {
        if v.unsigned_abs() > 4000 {
            if quiet > 9600 {
                beeps.push(begin + k as f64 / 48_000.0);
            }
            quiet = 0;
        } else {
            quiet += 1;
        }
    }
    Heard { flashes, beeps, worst_gap }
}

impl Heard {
    /// How much later than its flash each beep is, seconds.
    fn offsets(&self) -> Vec<f64> {
        let nearest = |t: &f64| self.beeps.iter().map(|b| b - t).min_by(|a, b| a.abs().total_cmp(&b.abs()));
        // A flash right at the edge of a record may have lost its beep.
        self.flashes.iter().filter_map(nearest).filter(|off| off.abs() < 0.5).collect()
    }

    /// Within a frame and without drift, or why not.
    fn judge(&self, frame_secs: f64, fewest: usize) -> Result<String, String> {
        let offsets = self.offsets();
        if offsets.len() < fewest {
            return Err(format!("{} pairs of {} flashes and {} beeps", offsets.len(), self.flashes.len(), self.beeps.len()));
        }
        let (least, most) = offsets.iter().fold((f64::MAX, f64::MIN), |(a, b), o| (a.min(*o), b.max(*o)));
        let told = format!("{} pairs, {:+.1} to {:+.1} ms, gap {:.2} ms", offsets.len(), least * 1e3, most * 1e3, self.worst_gap * 1e3);
        let drift = offsets[offsets.len() - 1] - offsets[0];
        if least.abs().max(most.abs()) > frame_secs || drift.abs() > frame_secs || self.worst_gap > 0.002 {
            return Err(told);
        }
        Ok(told)
    }
}

#[track_caller]
fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A white picture at every second, and with it a beep; `late_nanos` puts the sound apart from it.
struct Clapper {
    input: Arc<SoundInput>,
    begun: Instant,
    rate: FrameRate,
    written: i64,
    late_nanos: i64,
    black: Arc<Picture>,
    white: Arc<Picture>,
    at: MediaTime,
}

impl Clapper {
    fn new(rate: FrameRate, late_nanos: i64) -> Self {
        let picture = |v| Arc::new(Picture::filled(320, 180, [v, v, v, 255]));
        let input = Arc::new(SoundInput::new("clapper", 10.0, 40_000_000, FreezeSound::Tail));
        Self { input, begun: Instant::now(), rate, written: 0, late_nanos, black: picture(16), white: picture(255), at: MediaTime::ZERO }
    }
}

impl PictureSource for Clapper {
    fn due(&mut self) -> Due {
        let now = self.begun.elapsed().as_nanos() as i64;
        // A camera of the output's rate; sound comes in blocks of 10 ms.
        let interval = self.rate.interval_nanos();
        self.at = MediaTime::from_nanos(now / interval * interval);
        let until = sample_at(now + 20_000_000);
        while self.written < until {
            let sample = |k: i64| {
                let secs = k as f64 / 48_000.0 - self.late_nanos as f64 * 1e-9;
                let beeps = secs.rem_euclid(1.0) < 0.06 && secs > 0.5;
                [if beeps { ((secs * 1000.0 * std::f64::consts::TAU).sin() * 16_000.0) as i16 } else { 0 }; 2]
            };
            let block: Vec<_> = (self.written..self.written + 480).map(sample).collect();
            self.input.ring.write(MediaTime::from_nanos(self.written * 1_000_000_000 / 48_000 + 1), &block);
            self.written += 480;
        }
        let flash = self.at.nanos() % 1_000_000_000 < interval && self.at.nanos() > 500_000_000;
        let picture = Arc::clone(if flash { &self.white } else { &self.black });
        Due { picture: Some(picture), missing: "".into(), shot: 0, synthesized: false, overdue: false, age_nanos: None }
    }

    fn sound(&mut self) -> SoundCue {
        SoundCue::Live(self.at)
    }

    fn sound_input(&self) -> Option<Arc<SoundInput>> {
        Some(Arc::clone(&self.input))
    }
}

fn clapping(format: &str, late_nanos: i64) -> ProgramOutput {
    let options = ChannelOptions::new(format.parse().unwrap());
    ProgramOutput::start(&options, Clapper::new(options.format.rate, late_nanos)).unwrap()
}

fn sink(name: &str, address: &str, codec: Option<SinkCodec>) -> SinkSpec {
    let spec = SinkSpec::new(name, address.parse().unwrap_or_else(|e| panic!("{e}")));
    SinkSpec { kilobits: 1500, codec: codec.unwrap_or(spec.codec), ..spec }
}

#[test]
fn every_sink_that_can_carries_sound_with_its_picture() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let output = clapping("320x180p25", 0);
    let (udp, rtp, srt, rtmp) = (port(), port(), port(), port());
    let streams = [
        ("udp", format!("udp://127.0.0.1:{udp}"), format!("-i udp://127.0.0.1:{udp}?fifo_size=100000")),
        ("rtp", format!("rtp://127.0.0.1:{rtp}"), format!("-i rtp://127.0.0.1:{rtp}")),
        ("srt", format!("srt://:{srt}"), format!("-i srt://127.0.0.1:{srt}")),
        ("rtmp", format!("rtmp://127.0.0.1:{rtmp}/live/key"), format!("-listen 1 -i rtmp://127.0.0.1:{rtmp}/live/key")),
    ];
    let receive = |name: &str, input: &str| {
        Peer::ffmpeg(&format!("{QUICK} {input} -c copy -t 7 -f matroska -y {}", at(&format!("{name}.mkv")).display()))
    };
    // RTMP's receiver is the server: it must be there first.
    let mut peers: Vec<Peer> = vec![receive("rtmp", &streams[3].2)];
    for (name, address, _) in &streams {
        output.add(sink(name, address, None)).unwrap();
    }
    output.add(sink("hls", &format!("hls:{}?segment_s=1&keep=20", at("web").display()), None)).unwrap();
    let files = [("a.mp4", SinkCodec::H264), ("b.mkv", SinkCodec::H264), ("c.ts", SinkCodec::H264), ("d.mov", SinkCodec::ProRes)];
    for (name, codec) in files {
        output.add(sink(name, &at(name).display().to_string(), Some(codec))).unwrap();
    }
    peers.extend(streams[..3].iter().map(|(name, _, input)| receive(name, input)));
    wait("no play list", || std::fs::read_to_string(at("web/program.m3u8")).is_ok_and(|list| list.matches(".ts").count() >= 5));
    let web = format!("-live_start_index 0 -i http://127.0.0.1:{}/program.m3u8", serve_files(&at("web")));
    peers.push(receive("hls", &web));
    for (k, mut peer) in peers.into_iter().enumerate() {
        assert!(peer.ends_within(PATIENCE), "receiver {k} gets nothing: {:#?}", output.status());
    }
    let status = output.status();
    assert_eq!((status.sound.underruns, status.sound.ring.gaps), (0, 0), "{status:#?}");
    assert!(status.sound.loudness.integrated.is_some_and(|l| (-30.0..-5.0).contains(&l)), "{:?}", status.sound);
    assert!(status.sinks.iter().all(|s: &SinkStatus| s.dropped == 0), "{status:#?}");
    drop(output);
    let all = streams.iter().map(|(name, ..)| format!("{name}.mkv")).chain(["hls.mkv".to_owned()]);
    let mut wrong = Vec::new();
    for name in all.chain(files.map(|(name, _)| name.to_owned())) {
        match decoded(&at(&name)).judge(0.04, 4) {
            Ok(told) => println!("{name}: {told}"),
            Err(told) => wrong.push(format!("{name}: {told}")),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}; the files stay in {}", dir.keep().display());
}

#[test]
fn sound_that_is_apart_from_its_picture_would_be_seen() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("late.ts");
    let output = clapping("320x180p25", 90_000_000);
    output.add(sink("file", &file.display().to_string(), None)).unwrap();
    wait("no frames", || output.status().sinks[0].frames > 110);
    drop(output);
    let heard = decoded(&file);
    let mean = heard.offsets().iter().sum::<f64>() / heard.offsets().len() as f64;
    assert!((mean - 0.09).abs() < 0.04 && heard.judge(0.04, 3).is_err(), "{heard:?}");
}

/// A camera whose feed carries its sound: a white frame and a beep at every second.
fn clip(dir: &Path) -> PathBuf {
    let file = dir.join("cam01.mkv");
    let sound = "aevalsrc='if(lt(mod(t,1),0.06)*gt(t,0.5),0.5*sin(2*PI*1000*t),0.01*sin(2*PI*200*t))':s=44100:d=12";
    let flash = "drawbox=c=white:t=fill:enable='lt(mod(n,25),1)*gt(n,12)'";
    let pictures = "-v error -f lavfi -i color=c=black:s=320x180:r=25:d=12 -f lavfi -i".split_whitespace();
    let coded = "-c:v libx264 -preset ultrafast -bf 0 -g 25 -c:a aac -y".split(' ');
    let words: Vec<&str> = pictures.chain([sound, "-vf", flash]).chain(coded).collect();
    let done = Process::new("ffmpeg").args(words).arg(&file).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    file
}

fn camera_with_sound(dir: &Path, from: SoundFrom, freeze: FreezeSound) -> (Arc<CapturedFeeds>, Engine) {
    let source = FeedSource::File { path: dir.join("cam01.mkv"), pace: Pace::Live { looped: false } };
    camera_at(source, dir, from, freeze)
}

fn camera_at(source: FeedSource, dir: &Path, from: SoundFrom, freeze: FreezeSound) -> (Arc<CapturedFeeds>, Engine) {
    let config = CaptureConfig {
        preview: PreviewConfig { enabled: false, ..PreviewConfig::default() },
        sound: Some(SoundSettings { freeze, ..SoundSettings::new(from) }),
        ..CaptureConfig::default()
    };
    let session = CaptureSession::start(config, &[FeedSpec::new("cam01", source)]).unwrap();
    let feeds = Arc::new(CapturedFeeds::new(arc_rig(3, 12.0), session, Some(FrameRate::whole(25))).unwrap());
    let options = EngineOptions { without_gpu: true, export_folder: Some(dir.to_owned()), ..EngineOptions::default() };
    let engine = Engine::start(Arc::clone(&feeds) as Arc<dyn Feeds>, &options).unwrap();
    assert!(engine.send(Command::SelectCamera(0)));
    (feeds, engine)
}

#[test]
fn a_feeds_own_sound_goes_out_with_its_picture_and_fades_under_a_freeze() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path());
    let (feeds, engine) = camera_with_sound(dir.path(), SoundFrom::Feed("cam01".to_owned()), FreezeSound::Silence);
    let (file, port) = (dir.path().join("udp.mkv"), port());
    let spec = sink("udp", &format!("udp://127.0.0.1:{port}"), None);
    engine.start_output(&ChannelOptions::new("320x180p50".parse().unwrap()), vec![spec]).unwrap();
    let mut peer = Peer::ffmpeg(&format!("{QUICK} -i udp://127.0.0.1:{port} -c copy -t 8 -f matroska -y {}", file.display()));
    std::thread::sleep(Duration::from_millis(5500));
    // The freeze: from here on nothing is heard.
    assert!(engine.send(Command::Mark));
    assert!(engine.wait_for(PATIENCE, |s| s.can_take).is_some(), "{:?}", engine.snapshot().notices);
    assert!(engine.send(Command::Take));
    assert!(peer.ends_within(PATIENCE), "{:#?}", engine.snapshot().output);
    let told = engine.snapshot().output.clone().unwrap().sound.clone();
    drop((engine, feeds));
    let heard = decoded(&file);
    println!("{heard:?} {told:?}");
    println!("{}", heard.judge(0.04, 3).unwrap_or_else(|e| panic!("{e}: {heard:?}")));
    let last = heard.beeps.last().unwrap();
    assert!(heard.beeps.len() <= 6 && told.input == "cam01" && told.ring.gaps == 0 && told.problem.is_none(), "{last} {told:?}");
}

#[test]
fn the_sound_of_a_camera_on_the_network_is_heard() {
    let dir = tempfile::tempdir().unwrap();
    let (file, port) = (clip(dir.path()), port());
    let source = FeedSource::parse(&format!("udp://127.0.0.1:{port}")).unwrap();
    let (feeds, engine) = camera_at(source, dir.path(), SoundFrom::Feed("cam01".to_owned()), FreezeSound::Tail);
    let _sender =
        Peer::ffmpeg(&format!("-v error -nostdin -re -i {} -c copy -f mpegts udp://127.0.0.1:{port}?pkt_size=1316", file.display()));
    let sound = feeds.sound().unwrap();
    wait("no sound comes", || sound.ring.span().is_some_and(|(a, b)| b - a > 120_000));
    let mut out = vec![[0.0; 2]; 120_000];
    sound.ring.read(sound.ring.span().unwrap().0, &mut out);
    assert!(out.iter().any(|s| s[0].abs() > 0.3), "no beep");
    assert!(sound.problem().is_none(), "{:?}", sound.problem());
    drop((engine, feeds));
}

#[test]
fn sound_of_an_address_of_its_own_is_heard_and_one_that_is_not_there_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = clip(dir.path());
    let source = FeedSource::File { path: file, pace: Pace::Live { looped: false } };
    let (feeds, engine) = camera_with_sound(dir.path(), SoundFrom::Source(source), FreezeSound::Live);
    wait("no sound comes", || feeds.sound().unwrap().ring.span().is_some_and(|(a, b)| b - a > 96_000));
    let mut out = vec![[0.0; 2]; 96_000];
    feeds.sound().unwrap().ring.read(feeds.sound().unwrap().ring.span().unwrap().0, &mut out);
    assert!(out.iter().any(|s| s[0].abs() > 0.3));
    drop((engine, feeds));
    let nowhere = FeedSource::File { path: dir.path().join("none.wav"), pace: Pace::Live { looped: false } };
    let (feeds, engine) = camera_with_sound(dir.path(), SoundFrom::Source(nowhere), FreezeSound::Live);
    wait("nothing is said", || feeds.sound().unwrap().problem().is_some());
    assert!(feeds.sound().unwrap().problem().unwrap().contains("none.wav"));
    drop((engine, feeds));
}

/// The clip with Vorbis sound whose headers are gone, or of a codec that nobody knows.
fn clip_with_broken_sound(dir: &Path, headers: bool) -> PathBuf {
    let good = clip(dir);
    let file = dir.join("vorbis.mkv");
    let done = Process::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(&good)
        .args("-c:v copy -c:a libvorbis -y".split(' '))
        .arg(&file)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let mut bytes = std::fs::read(&file).unwrap();
    let find = |what: &[u8]| bytes.windows(what.len()).position(|w| w == what).unwrap();
    if headers {
        let at = find(b"\x05vorbis") + 7;
        bytes[at..at + 1400].fill(0);
    } else {
        let at = find(b"A_VORBIS");
        bytes[at..at + 8].copy_from_slice(b"A_NOBODY");
    }
    std::fs::write(&good, bytes).unwrap();
    good
}

#[test]
fn sound_that_cannot_be_decoded_is_told_and_its_camera_goes_on() {
    for headers in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        clip_with_broken_sound(dir.path(), headers);
        let (feeds, engine) = camera_with_sound(dir.path(), SoundFrom::Feed("cam01".to_owned()), FreezeSound::Tail);
        let session = feeds.session();
        wait("nothing is said of its sound", || feeds.sound().unwrap().problem().is_some());
        let told = feeds.sound().unwrap().problem().unwrap();
        assert!(told.contains("cam01") && told.contains("Its pictures go on"), "{told}");
        let newest = || session.status()[0].newest;
        // Its pictures come, on and on.
        wait("no picture", || newest().is_some());
        let first = newest().unwrap();
        let more = || session.wait_until(PATIENCE, |all| all[0].newest.is_some_and(|at| at - first > 1_500_000_000));
        assert!(more(), "{:?}", session.status());
        assert!(session.status()[0].last_error.is_none(), "{:?}", session.status());
        drop((engine, feeds));
    }
}

/// Noise and tones of changing loudness, 30 s.
fn programme() -> Vec<[f32; 2]> {
    let mut state = 1_u32;
    let mut noise = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 - 0.5
    };
    (0..30 * 48_000)
        .map(|k| {
            let secs = k as f32 / 48_000.0;
            let level = [0.5, 0.02, 0.3, 0.0, 0.12, 0.7][(secs / 5.0) as usize];
            let tone = (secs * 3000.0 * std::f32::consts::TAU).sin() * 0.4 + (secs * 70.0 * std::f32::consts::TAU).sin() * 0.3;
            [(noise() * 0.6 + tone) * level, (noise() * 0.6 + tone * 0.5) * level]
        })
        .collect()
}

#[test]
fn loudness_is_what_ffmpeg_says() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("programme.f32");
    let samples = programme();
    std::fs::write(&file, samples.iter().flatten().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>()).unwrap();
    let mut meter = LoudnessMeter::default();
    meter.feed(&samples);
    let ours = meter.loudness();
    let theirs = Process::new("ffmpeg")
        .args("-hide_banner -nostats -f f32le -ar 48000 -ac 2 -i".split(' '))
        .arg(&file)
        .args("-af ebur128=peak=true -f null -".split(' '))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&theirs.stderr).into_owned();
    let last = text.lines().rfind(|l| l.contains(" M:")).unwrap();
    let figure = |line: &str, key: &str| -> f64 {
        line.split(key)
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next())
            .and_then(|v| v.parse().ok())
            .unwrap_or_else(|| panic!("{line}"))
    };
    let summary = text.split("Summary:").nth(1).unwrap();
    println!(
        "ours {ours}; theirs M {} S {}, {}",
        figure(last, "M:"),
        figure(last, "S:"),
        summary.split_whitespace().collect::<Vec<_>>().join(" ")
    );
    for (what, ours, theirs) in [
        ("momentary", ours.momentary, figure(last, "M:")),
        ("short-term", ours.short_term, figure(last, "S:")),
        ("integrated", ours.integrated, figure(summary, "I:")),
    ] {
        assert!(ours.is_some_and(|v| (v - theirs).abs() <= 0.11), "{what}: {ours:?} {theirs}");
    }
    assert!(ours.true_peak_db.is_some_and(|v| (v - figure(summary, "Peak:")).abs() < 0.3), "{ours}");
}

#[test]
fn films_carry_their_sound_with_their_pictures_and_the_same_bytes_twice() {
    let dir = tempfile::tempdir().unwrap();
    let rate = FrameRate::whole(25);
    let [black, white] = [16, 255].map(|v| Picture::filled(320, 180, [v, v, v, 255]));
    let written = |name: &str| {
        let path = dir.path().join(name);
        let spec = OutputSpec {
            path: path.clone(),
            width_px: 320,
            height_px: 180,
            rate,
            codec: None,
            threads: 2,
            overwrite: false,
            sidecar: None,
            cancel: CancelToken::default(),
        };
        let mut sink = output::open_with(spec, true).unwrap();
        for frame in 0..100_i64 {
            let flash = frame % 25 == 0 && frame > 0;
            sink.write(if flash { &white } else { &black }, &FrameReport::default()).unwrap();
            let samples = sample_at(rate.frame_nanos(frame))..sample_at(rate.frame_nanos(frame + 1));
            let sound = |k: i64| [if flash { ((k as f64 * 0.13).sin() * 16_000.0) as i16 } else { 0 }; 2];
            sink.write_sound(&samples.map(sound).collect::<Vec<_>>()).unwrap();
        }
        assert_eq!(sink.finish().unwrap().frames, 100);
        path
    };
    for name in ["a.mp4", "b.mov", "c.mkv"] {
        let first = written(name);
        println!("{name}: {}", decoded(&first).judge(0.004, 3).unwrap_or_else(|e| panic!("{name}: {e}")));
        let again = written(&format!("again-{name}"));
        assert!(std::fs::read(&first).unwrap() == std::fs::read(&again).unwrap(), "{name} has other bytes the second time");
    }
}
