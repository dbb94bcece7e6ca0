//! Receivers that many viewers stand behind take what Volte gives: a browser (program by WebRTC and by HLS, the orbit page under a mouse),
//! a player (VLC, by RTP, SRT and HLS) and a server (nginx, by RTMP). And that these tests would see it if they got something else.
#![cfg(feature = "gstreamer")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{
    fs::Permissions,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::json;
use volte::{
    capture::{CaptureConfig, CaptureSession, FeedSource, FeedSpec, PreviewConfig, SoundFrom, SoundSettings},
    frame::Picture,
    output::{
        self, CancelToken, FrameReport, OutputSpec, SidecarHeader,
        program::{ChannelOptions, Due, PictureSource, ProgramOutput, SinkSound, SinkSpec, SinkState, SinkStatus},
    },
    sound::{FreezeSound, SoundCue, SoundInput, sample_at},
    time::{FrameRate, MediaTime},
};

mod support {
    pub mod chromium;
    pub mod numbers;
    pub mod peers;
}
use support::chromium::Chromium;
use support::numbers::{HEIGHT, Received, WIDTH, number_of, numbered};
use support::peers::{Peer, port, serve_files, thrown_away};

const PATIENCE: Duration = Duration::from_mins(1);
const FPS: u32 = 25;
/// The patches below the number, left to right.
const PATCHES: [[u8; 3]; 3] = [[200, 30, 40], [40, 180, 50], [30, 50, 200]];
/// What is heard.
const TONE_HZ: f64 = 1000.0;

/// Numbered pictures with patches of these colours, and a lasting tone.
struct Show {
    next: Arc<AtomicU32>,
    patches: [[u8; 3]; 3],
    sound: Arc<SoundInput>,
    begun: Instant,
    /// Samples written.
    written: i64,
    at: MediaTime,
}

impl PictureSource for Show {
    fn due(&mut self) -> Due {
        let now = self.begun.elapsed().as_nanos() as i64;
        self.at = MediaTime::from_nanos(now);
        while self.written < sample_at(now + 20_000_000) {
            let wave = |k: i64| [((k as f64 / 48_000.0 * TONE_HZ * std::f64::consts::TAU).sin() * 12_000.0) as i16; 2];
            let block: Vec<_> = (self.written..self.written + 480).map(wave).collect();
            self.sound.ring.write(MediaTime::from_nanos(self.written * 1_000_000_000 / 48_000 + 1), &block);
            self.written += 480;
        }
        let mut picture = numbered(self.next.fetch_add(1, Ordering::Relaxed) as u16);
        let width = WIDTH as usize;
        for (k, colour) in self.patches.iter().enumerate() {
            for y in 155..178 {
                for x in k * width / 3..(k + 1) * width / 3 {
                    picture.rgba_mut()[(y * width + x) * 4..][..3].copy_from_slice(colour);
                }
            }
        }
        Due { picture: Some(Arc::new(picture)), missing: "".into(), shot: 0, synthesized: false, overdue: false, age_nanos: None }
    }

    fn sound(&mut self) -> SoundCue {
        SoundCue::Live(self.at)
    }

    fn sound_input(&self) -> Option<Arc<SoundInput>> {
        Some(Arc::clone(&self.sound))
    }
}

fn show(patches: [[u8; 3]; 3]) -> ProgramOutput {
    let options = ChannelOptions::new(format!("{WIDTH}x{HEIGHT}p{FPS}").parse().unwrap());
    let sound = Arc::new(SoundInput::new("tone", 10.0, 40_000_000, FreezeSound::Live));
    let source = Show { next: Arc::default(), patches, sound, begun: Instant::now(), written: 0, at: MediaTime::ZERO };
    ProgramOutput::start(&options, source).unwrap()
}

fn sink(name: &str, address: &str) -> SinkSpec {
    SinkSpec { kilobits: 1500, ..SinkSpec::new(name, address.parse().unwrap_or_else(|e| panic!("{e}"))) }
}

#[track_caller]
fn wait(output: &ProgramOutput, what: &str, mut done: impl FnMut(&[SinkStatus]) -> bool) {
    let until = Instant::now() + PATIENCE;
    while !done(&output.status().sinks) {
        assert!(Instant::now() < until, "{what}: {:#?}", output.status());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A frame as the page saw it.
#[derive(Debug, Deserialize)]
struct Seen {
    number: Option<u16>,
    patches: [[f64; 3]; 3],
    size: [u32; 2],
}

/// So many frames are looked at.
const ENOUGH: usize = 40;

/// What the page sees next: enough frames, however long they take.
#[track_caller]
fn watch(page: &mut Chromium) -> Vec<Seen> {
    page.evaluate("taken()");
    page.wait_for(&format!("seen.length >= {ENOUGH}"));
    serde_json::from_value(page.evaluate("taken()")).unwrap()
}

/// Every frame is one of ours, none comes twice or too early, and the colours are right; a page that is busy leaves some out.
fn judge(seen: &[Seen], patches: [[u8; 3]; 3]) -> Result<(), String> {
    if seen.len() < ENOUGH {
        return Err(format!("{} frames", seen.len()));
    }
    let mut last = None;
    for (k, frame) in seen.iter().enumerate() {
        let number = frame.number.ok_or(format!("frame {k} is none of ours: {frame:?}"))?;
        if last.is_some_and(|last| number <= last) {
            return Err(format!("after {last:?} came {number}"));
        }
        last = Some(number);
        if frame.size != [WIDTH, HEIGHT] {
            return Err(format!("frame {number} has {:?} pixels", frame.size));
        }
        let off = |a: &[f64; 3], b: &[u8; 3]| a.iter().zip(b).map(|(a, b)| (a - f64::from(*b)).abs()).fold(0.0, f64::max);
        let worst = frame.patches.iter().zip(&patches).map(|(a, b)| off(a, b)).fold(0.0, f64::max);
        if worst > 20.0 {
            return Err(format!("the colours of frame {number} are {worst:.0} codes off: {:?}", frame.patches));
        }
    }
    Ok(())
}

/// A WHIP server as small as can be: what it is offered, the page of a browser answers. Everything is written down.
struct WhipServer {
    port: u16,
    /// None there: the server has no receiver (503).
    browser: Arc<Mutex<Option<Chromium>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl WhipServer {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let browser: Arc<Mutex<Option<Chromium>>> = Arc::default();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (receiver, log) = (Arc::clone(&browser), Arc::clone(&asked));
        // Browsers open connections ahead that ask for nothing: each one has a thread of its own.
        let serve = move || {
            for mut stream in listener.incoming().flatten() {
                let (receiver, log) = (Arc::clone(&receiver), Arc::clone(&log));
                let answer = move || {
                    let Some((head, body)) = request(&mut stream) else { return };
                    log.lock().push(head.clone());
                    let (status, headers, answer) = if head.starts_with("GET ") {
                        ("200 OK", "Content-Type: text/html\r\n", include_str!("peers/whip.html").to_owned())
                    } else if head.starts_with("DELETE ") {
                        ("200 OK", "", String::new())
                    } else if !head.to_ascii_lowercase().contains("authorization: bearer let-me-in\r\n") {
                        ("401 Unauthorized", "", String::new())
                    } else if let Some(browser) = &mut *receiver.lock() {
                        // A page that fails once is asked again: this server outlives it.
                        let ask = AssertUnwindSafe(|| browser.evaluate(&format!("answer({})", json!(body))).as_str().unwrap().to_owned());
                        catch_unwind(ask).map_or(("500 Internal Server Error", "", String::new()), |answer| {
                            ("201 Created", "Content-Type: application/sdp\r\nLocation: /session/1\r\n", answer)
                        })
                    } else {
                        ("503 Service Unavailable", "", String::new())
                    };
                    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", answer.len());
                    stream.write_all((head + &answer).as_bytes()).ok();
                };
                std::thread::Builder::new().name("whip request".to_owned()).spawn(answer).unwrap();
            }
        };
        std::thread::Builder::new().name("whip".to_owned()).spawn(serve).unwrap();
        Self { port, browser, asked }
    }

    fn new_browser(&self) {
        let browser = Chromium::start(&format!("http://127.0.0.1:{}/", self.port));
        *self.browser.lock() = Some(browser);
    }

    /// Talks with the page.
    fn page<T>(&self, what: impl FnOnce(&mut Chromium) -> T) -> T {
        what(self.browser.lock().as_mut().unwrap())
    }

    fn count(&self, method: &str) -> usize {
        self.asked.lock().iter().filter(|head| head.starts_with(method)).count()
    }
}

/// What a client asks: the head and the body.
fn request(stream: &mut TcpStream) -> Option<(String, String)> {
    let (mut text, mut part) = (String::new(), [0; 8192]);
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some((format!("{head}\r\n"), body.to_owned()));
            }
        }
        let len = stream.read(&mut part).ok().filter(|len| *len > 0)?;
        text.push_str(&String::from_utf8_lossy(&part[..len]));
    }
}

#[test]
fn a_browser_sees_and_hears_program_by_webrtc_and_one_that_dies_is_called_again() {
    let dir = tempfile::tempdir().unwrap();
    let server = WhipServer::start();
    let output = show(PATCHES);
    let file = dir.path().join("beside.ts");
    output.add(sink("file", &file.display().to_string())).unwrap();
    // The wrong token is said, and never shown.
    let address = |token: &str| format!("whip://127.0.0.1:{}/live/key-17?token={token}", server.port);
    let wrong = output.add(sink("wrong", &address("sesame-1"))).unwrap();
    wait(&output, "the wrong token is not said", |s| s[1].problem.as_deref().is_some_and(|p| p.contains("does not take the token (401)")));
    assert!(output.remove(wrong));
    // Nobody is there yet.
    output.add(sink("whip", &address("let-me-in"))).unwrap();
    wait(&output, "nothing is said", |s| {
        s[1].state == SinkState::Retrying && s[1].problem.as_deref().is_some_and(|p| p.contains("busy (503)"))
    });
    server.new_browser();
    wait(&output, "no connection", |s| s[1].state == SinkState::Running && s[1].frames > 10);
    let seen = server.page(watch);
    judge(&seen, PATCHES).unwrap_or_else(|e| panic!("{e}: {:#?}", output.status()));
    // The judge would see another picture.
    let swapped = [PATCHES[2], PATCHES[1], PATCHES[0]];
    assert!(judge(&seen, swapped).unwrap_err().contains("codes off"));
    let told = server.page(|page| page.evaluate("received()"));
    println!("{told}");
    assert!(told["video"]["decoded"].as_u64().is_some_and(|n| n > 20), "{told}");
    assert!(told["video/H264"].as_str().is_some_and(|line| line.contains("packetization-mode=1")), "{told}");
    // The tone that was played is what is heard.
    server.page(|page| page.wait_for(&format!("tone().decibels > -50 && Math.abs(tone().hertz - {TONE_HZ}) < 30")));
    // Keyframes come every second by themselves; whoever asks for one in the middle gets it.
    server.page(|page| {
        page.wait_for("groups.length >= 2");
        page.evaluate("worker.postMessage(true)");
        page.wait_for(&format!("groups.some((frames) => frames < {FPS})"));
    });
    println!("frames from keyframe to keyframe: {}", server.page(|page| page.evaluate("groups")));
    // The page goes away politely; it is called again at once.
    let before = output.status().sinks[1].clone();
    assert_eq!(server.count("DELETE"), 0);
    server.page(|page| page.evaluate("peer.close()"));
    wait(&output, "a good-bye is not noticed", |s| s[1].retries > before.retries && s[1].state == SinkState::Running);
    judge(&server.page(watch), PATCHES).unwrap();
    assert!(server.count("DELETE") >= 1, "the old session was not ended");
    // The browser dies without a word.
    let before = output.status().sinks[1].clone();
    drop(server.browser.lock().take());
    wait(&output, "its death is not noticed", |s| s[1].state == SinkState::Retrying);
    let lost = output.status().sinks[1].clone();
    println!("{lost:?}");
    server.new_browser();
    wait(&output, "it is not called again", |s| s[1].retries > before.retries && s[1].state == SinkState::Running && s[1].missed > 0);
    judge(&server.page(watch), PATCHES).unwrap();
    let status = output.status();
    for sink in &status.sinks {
        assert!(sink.dropped == 0 && sink.bytes > 10_000, "{sink:#?}");
        assert!(!format!("{sink:?}").contains("let-me-in") && !format!("{sink:?}").contains("key-17"), "{sink:?}");
    }
    let ended = server.count("DELETE");
    drop(output);
    assert!(server.count("DELETE") > ended, "the session was not ended");
    // Nobody else noticed anything.
    let beside = Received::of(&file);
    beside.judge(FrameRate::whole(FPS), 1).unwrap();
    assert!(beside.numbers.len() > 3 * ENOUGH);
}

#[test]
fn another_picture_would_be_seen_by_the_browser() {
    let server = WhipServer::start();
    server.new_browser();
    let output = show([PATCHES[2], PATCHES[1], PATCHES[0]]);
    output.add(sink("whip", &format!("whip://127.0.0.1:{}/x?token=let-me-in", server.port))).unwrap();
    wait(&output, "no connection", |s| s[0].state == SinkState::Running);
    assert!(judge(&server.page(watch), PATCHES).unwrap_err().contains("codes off"));
}

#[test]
fn a_browser_plays_program_by_hls() {
    let dir = tempfile::tempdir().unwrap();
    let web = dir.path().join("web");
    let output = show(PATCHES);
    output.add(sink("hls", &format!("hls:{}?segment_s=1&keep=10", web.display()))).unwrap();
    wait(&output, "no play list", |_| std::fs::read_to_string(web.join("program.m3u8")).is_ok_and(|list| list.matches(".ts").count() >= 3));
    std::fs::write(web.join("index.html"), include_str!("peers/whip.html")).unwrap();
    let mut page = Chromium::start(&format!("http://127.0.0.1:{}/index.html", serve_files(&web)));
    page.evaluate("video.src = 'program.m3u8'; video.play().catch((e) => e)");
    let seen = watch(&mut page);
    judge(&seen, PATCHES).unwrap_or_else(|e| panic!("{e}: {}", page.evaluate("String(video.error && video.error.message)")));
    assert!(judge(&seen, [PATCHES[1]; 3]).is_err());
    // It goes on with what is written meanwhile.
    let last = seen.last().and_then(|s| s.number).unwrap();
    page.wait_for(&format!("seen.length > 0 && seen[seen.length - 1].number > {}", u32::from(last) + 4 * FPS));
    judge(&serde_json::from_value::<Vec<Seen>>(page.evaluate("taken()")).unwrap(), PATCHES).unwrap();
}

/// An orbit page of numbered pictures along an arc.
fn orbit(file: &Path, pictures: u16) {
    let spec = OutputSpec {
        path: file.to_owned(),
        width_px: WIDTH,
        height_px: HEIGHT,
        rate: FrameRate::whole(25),
        codec: None,
        threads: 0,
        overwrite: false,
        sidecar: Some(SidecarHeader::default()),
        cancel: CancelToken::default(),
    };
    let mut sink = output::open(spec).unwrap();
    for k in 0..pictures {
        let report = FrameReport {
            instant_nanos: MediaTime::from_nanos(5_000_000_000),
            position: f64::from(k),
            mode: "synthesis".into(),
            sources: vec![("cam01".into(), 1.0)],
            synthesized_share: 0.5,
            ..FrameReport::default()
        };
        sink.write(&numbered(k), &report).unwrap();
    }
    sink.finish().unwrap();
}

/// The number of the picture that stands on the screen.
fn on_screen(page: &mut Chromium) -> Option<u16> {
    let shot = page.seen("#view");
    // The picture is fitted into the middle of its place.
    let scale = (f64::from(shot.width()) / f64::from(WIDTH)).min(f64::from(shot.height()) / f64::from(HEIGHT));
    let (w, h) = ((f64::from(WIDTH) * scale) as u32, (f64::from(HEIGHT) * scale) as u32);
    let picture = image::imageops::crop_imm(&shot, (shot.width() - w) / 2, (shot.height() - h) / 2, w, h).to_image();
    let rgba = image::DynamicImage::from(picture).to_rgba8();
    let small = Picture::from_rgba(w, h, rgba.into_raw()).unwrap().resized(WIDTH, HEIGHT);
    number_of(&small.rgba().chunks_exact(4).map(|p| p[1]).collect::<Vec<_>>())
}

/// Opens a page at its place 7 of 9, drags it to the right by so many ninths of its width, and says what stood there before, in the middle and
/// at the end; or what was wrong.
fn dragged(page: &mut Chromium, file: &Path, ninths: f64) -> Result<[Option<u16>; 3], String> {
    page.open("about:blank");
    page.events.clear();
    page.open(&format!("file://{}#7", file.display()));
    page.wait_for("document.body.dataset.frame !== undefined");
    let before = on_screen(page);
    let at: Vec<f64> = serde_json::from_value(page.evaluate("[view.clientWidth, view.clientHeight]")).unwrap();
    let (x, y) = (at[0] * 0.2, at[1] * 0.5);
    let mut shown = [before, None, None];
    page.mouse("mousePressed", x, y);
    for (k, part) in [0.5, 1.0].into_iter().enumerate() {
        page.mouse("mouseMoved", x + at[0] * ninths / 9.0 * part, y);
        // Drawn with the next frame of the screen.
        page.evaluate("new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(r, 50))))");
        shown[k + 1] = on_screen(page);
    }
    page.mouse("mouseReleased", x + at[0] * ninths / 9.0, y);
    for event in &page.events {
        let url = event["params"]["request"]["url"].as_str().unwrap_or("file:");
        if !(url.starts_with("file:") || url.starts_with("data:")) {
            return Err(format!("the page asks for {url}"));
        }
        if event["method"] == "Runtime.exceptionThrown" || event["params"]["entry"]["level"] == json!("error") {
            return Err(format!("the page has an error: {event}"));
        }
    }
    if page.evaluate("document.querySelector('[role=status]').textContent").as_str().is_none_or(|words| !words.contains("cam01")) {
        return Err("the page does not say what the picture was made of".to_owned());
    }
    Ok(shown)
}

#[test]
fn the_orbit_page_turns_under_a_mouse_and_asks_nobody_for_anything() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("turn.html");
    orbit(&file, 9);
    let mut page = Chromium::start("about:blank");
    // To the right is back along the arc, one picture for each ninth of the width, and no further than its ends.
    assert_eq!(dragged(&mut page, &file, 4.0), Ok([Some(6), Some(4), Some(2)]));
    assert_eq!(dragged(&mut page, &file, 7.0).map(|shown| shown[2]), Ok(Some(0)));
    // Keys go step by step.
    page.evaluate("place.value = 0; at = 5; speed = 0");
    for kind in ["keyDown", "keyUp"] {
        page.call(
            "Input.dispatchKeyEvent",
            &json!({ "type": kind, "key": "ArrowRight", "code": "ArrowRight", "windowsVirtualKeyCode": 39 }),
        );
    }
    page.wait_for("document.body.dataset.frame === '6'");
    assert_eq!(on_screen(&mut page), Some(6));
    // A page that does not turn, one that asks the net, and one with an error would be seen.
    let text = std::fs::read_to_string(&file).unwrap();
    let mut spoilt = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        let other = dir.path().join("spoilt.html");
        std::fs::write(&other, text.replace(from, to)).unwrap();
        dragged(&mut page, &other, 4.0)
    };
    assert_eq!(spoilt("\"pointermove\"", "\"pointernever\""), Ok([Some(6); 3]));
    let asks = spoilt("<main>", "<main><script>throw new Error('oh')</script>").unwrap_err();
    assert!(asks.contains("error"), "{asks}");
    let open = text.replace("default-src 'none'; img-src data:", "default-src *; img-src * data:");
    std::fs::write(dir.path().join("open.html"), open.replace("<main>", "<main><img src=\"http://127.0.0.1:9/x.png\">")).unwrap();
    let asks = dragged(&mut page, &dir.path().join("open.html"), 4.0).unwrap_err();
    assert!(asks.contains("asks for http://127.0.0.1:9/x.png"), "{asks}");
}

/// VLC, which writes what comes into `NAME.ts` of a folder that everybody may write into, and what it decoded of it, coded anew, into
/// `NAME-seen.ts`.
fn vlc(folder: &Path, name: &str, address: &[&str]) -> Peer {
    let file = |name: &str| format!("std{{access=file,mux=ts,dst={}/{name}.ts}}", folder.display());
    let seen = format!("transcode{{vcodec=mp4v,vb=4000}}:{}", file(&format!("{name}-seen")));
    let saw = format!("#duplicate{{dst={},dst='{seen}'}}", file(name));
    let words = [&["cvlc", "--no-sout-audio", "--sout", &saw], address].concat();
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    // It does not run as root.
    let other: &[&str] = if is_root { &["--reuid=65534", "--regid=65534", "--clear-groups"] } else { &[] };
    let home = format!("HOME={}", folder.display());
    let (program, words) = ("setpriv", [other, &["env", &home], &words].concat());
    let found = std::process::Command::new("cvlc").arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(found.is_ok(), "VLC is missing: install the packages vlc-bin, vlc-plugin-base and vlc-plugin-access-extra");
    Peer::start(program, "util-linux", &words)
}

type Numbers = Vec<Option<u16>>;

/// The longest stretch of pictures in which each follows the one before.
fn longest(numbers: &[Option<u16>], follows: fn(u16, u16) -> bool) -> Numbers {
    let goes_on = |a: &Option<u16>, b: &Option<u16>| matches!((a, b), (Some(a), Some(b)) if follows(*a, *b));
    numbers.chunk_by(goes_on).filter(|stretch| stretch[0].is_some()).max_by_key(|stretch| stretch.len()).unwrap_or_default().to_vec()
}

/// Only what a player's own full socket lost may be missing, and then only of RTP, which asks for nothing again.
#[test]
fn what_a_socket_that_nobody_reads_loses_is_counted() {
    let [read, forgotten] = [(), ()].map(|()| std::net::UdpSocket::bind("127.0.0.1:0").unwrap());
    let ports = [&read, &forgotten].map(|socket| socket.local_addr().unwrap().port());
    let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..4000 {
        for port in ports {
            sender.send_to(&[7; 1316], ("127.0.0.1", port)).unwrap();
        }
        read.recv(&mut [0; 1500]).unwrap();
    }
    assert_eq!(thrown_away(ports[0]), 0);
    assert!(thrown_away(ports[1]) > 100, "{}", thrown_away(ports[1]));
    let numbers = [Some(4), None, Some(1), Some(2), Some(3), Some(9), Some(10)];
    assert_eq!(longest(&numbers, |a, b| b == a + 1), [Some(1), Some(2), Some(3)]);
    assert_eq!(longest(&[None, None], |a, b| b == a + 1), []);
}

#[test]
fn vlc_shows_every_picture_by_rtp_srt_and_hls() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("vlc");
    std::fs::create_dir(&folder).unwrap();
    for (path, mode) in [(dir.path(), 0o755), (&folder, 0o777)] {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
    let output = show(PATCHES);
    let (rtp, srt, web) = (port(), port(), dir.path().join("web"));
    output.add(sink("rtp", &format!("rtp://127.0.0.1:{rtp}"))).unwrap();
    output.add(sink("srt", &format!("srt://:{srt}?passphrase=correct-horse&pbkeylen=32"))).unwrap();
    output.add(sink("hls", &format!("hls:{}?segment_s=1&keep=10", web.display()))).unwrap();
    wait(&output, "no play list", |_| std::fs::read_to_string(web.join("program.m3u8")).is_ok_and(|list| list.matches(".ts").count() >= 3));
    let names = ["rtp", "srt", "hls"];
    let mut peers = [
        vlc(&folder, names[0], &[&format!("rtp://127.0.0.1:{rtp}")]),
        vlc(&folder, names[1], &["--passphrase=correct-horse", &format!("srt://127.0.0.1:{srt}")]),
        vlc(&folder, names[2], &[&format!("http://127.0.0.1:{}/program.m3u8", serve_files(&web))]),
    ];
    let of = |name: &str| Received::of(&folder.join(format!("{name}.ts")));
    let of_program: fn(u16, u16) -> bool = |a, b| b == a + 1;
    // Of live pictures its encoder leaves out those whose times, as VLC smoothes them, fall on that of their neighbour.
    let of_encoder: fn(u16, u16) -> bool = |a, b| a < b;
    // On a machine that is too busy for VLC to empty its socket, RTP is judged by the longest stretch without loss.
    let judged = |name: &str| -> (Numbers, Numbers) {
        let (mut came, mut seen) = (of(name).numbers, of(&format!("{name}-seen")).numbers);
        // The last ones are still being written.
        for numbers in [&mut came, &mut seen] {
            numbers.truncate(numbers.len().saturating_sub(2));
        }
        let lost = if name == "rtp" { thrown_away(rtp) } else { 0 };
        if lost == 0 {
            return (came, seen);
        }
        println!("{name}: {lost} packets were lost in VLC's own socket");
        (longest(&came, of_program), longest(&seen, of_encoder))
    };
    let until = Instant::now() + PATIENCE;
    // While VLC runs: what its socket lost is counted as long as it is there.
    let all = loop {
        let all = names.map(judged);
        let counts = all.each_ref().map(|(came, seen)| came.len().min(seen.len()));
        if counts.iter().all(|count| *count >= 2 * ENOUGH) {
            break all;
        }
        assert!(Instant::now() < until, "{counts:?}: {:#?}", output.status());
        assert!(peers.iter_mut().all(|peer| !peer.has_ended()), "VLC ended: {:#?}", output.status());
        std::thread::sleep(Duration::from_millis(500));
    };
    drop(peers);
    assert!(output.status().sinks.iter().all(|s| s.dropped == 0 && s.problem.is_none()), "{:#?}", output.status());
    for (name, (numbers, mut seen)) in names.into_iter().zip(all) {
        println!("{name}: {} pictures from {:?}, {} seen", numbers.len(), numbers[0], seen.len());
        let mut came = Received { numbers, ..Received::default() };
        came.judge_pictures().unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(longest(&seen, of_encoder), seen, "{name}");
        seen[30] = seen[29];
        came.numbers[30] = came.numbers[29];
        assert!(longest(&seen, of_encoder) != seen && came.judge_pictures().is_err(), "{name}: a repeated picture is not seen");
    }
}

/// nginx as an RTMP server, which records what comes and hands it on to whoever asks.
fn nginx(folder: &Path, port: u16) -> Peer {
    // One process: what is killed is gone as a whole.
    let words = format!(
        "load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;\nmaster_process off;\ndaemon off;\nerror_log stderr;\npid {folder}/pid;\n\
         events {{ worker_connections 64; }}\n\
         rtmp {{ server {{ listen 127.0.0.1:{port}; access_log off; application live {{\n\
         live on; record all; record_unique on; record_path {folder}; record_suffix .flv; }} }} }}\n",
        folder = folder.display(),
    );
    let (file, package) = (folder.join("nginx.conf"), "libnginx-mod-rtmp");
    std::fs::write(&file, words).unwrap();
    let mut server = Peer::start("/usr/sbin/nginx", package, &["-c", file.to_str().unwrap(), "-p", folder.to_str().unwrap()]);
    let until = Instant::now() + PATIENCE;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(!server.has_ended() && Instant::now() < until, "nginx does not listen: install the package {package}");
        std::thread::sleep(Duration::from_millis(20));
    }
    server
}

#[test]
fn nginx_records_program_and_gives_it_back_as_a_camera() {
    let dir = tempfile::tempdir().unwrap();
    let port = port();
    let server = nginx(dir.path(), port);
    let output = show(PATCHES);
    let address = format!("rtmp://127.0.0.1:{port}/live/key-17");
    output.add(SinkSpec { sound: SinkSound::None, ..sink("rtmp", &address) }).unwrap();
    wait(&output, "no connection", |s| s[0].state == SinkState::Running && s[0].frames > 2 * u64::from(FPS));
    // As a camera: by the standard client, with its own numbers.
    let config = CaptureConfig { preview: PreviewConfig { enabled: false, ..PreviewConfig::default() }, ..CaptureConfig::default() };
    let session = CaptureSession::start(config, &[FeedSpec::new("back", FeedSource::parse(&address).unwrap())]).unwrap();
    assert!(session.wait_until(PATIENCE, |f| f[0].received >= 3 * u64::from(FPS)), "no camera: {:#?}", session.status());
    let (id, newest) = (session.status()[0].id, session.status()[0].newest.unwrap());
    let (timed, _) = session.decoder().decode_frame(id, newest.plus_nanos(-200_000_000)).unwrap();
    let picture = timed.frame.to_picture().unwrap();
    let number = number_of(&picture.rgba().chunks_exact(4).map(|p| p[1]).collect::<Vec<_>>());
    let sent = output.status().sinks[0].frames as u16;
    assert!(number.is_some_and(|n| n > FPS as u16 && n < sent), "{number:?} of {sent}");
    drop(session);
    // Killed, without a word.
    drop(server);
    wait(&output, "its death is not noticed", |s| s[0].state == SinkState::Retrying);
    let lost = output.status().sinks[0].clone();
    assert!(lost.problem.as_deref().is_some_and(|p| p.contains("stream's key") && !p.contains("key-17")), "{lost:?}");
    let server = nginx(dir.path(), port);
    wait(&output, "it is not called again", |s| s[0].state == SinkState::Running && s[0].retries > 0);
    wait(&output, "it does not go on", |s| s[0].frames > lost.frames + 2 * u64::from(FPS));
    drop(output);
    // The server closes its record when it is told that nobody sends any more.
    std::thread::sleep(Duration::from_millis(300));
    drop(server);
    let records: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "flv")).collect();
    assert_eq!(records.len(), 2, "{records:?}");
    for record in records {
        let received = Received::of(&record);
        println!("{record:?}: {} pictures", received.numbers.len());
        received.judge_pictures().unwrap_or_else(|e| panic!("{record:?}: {e}"));
        assert!(received.numbers.len() > FPS as usize, "{record:?}");
    }
}

/// What an encoder sends first is its own matter. Nothing in the stream tells whether pictures are to come.
#[test]
fn a_camera_whose_sound_comes_first_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let port = port();
    let server = nginx(dir.path(), port);
    let address = format!("rtmp://127.0.0.1:{port}/live/late");
    let _camera = Peer::ffmpeg(&format!(
        "-re -f lavfi -i sine=frequency=440:sample_rate=48000 -itsoffset 2 -re -f lavfi -i testsrc=size={WIDTH}x{HEIGHT}:rate={FPS} \
         -map 0 -map 1 -c:a aac -c:v libx264 -preset ultrafast -tune zerolatency -g 25 -bf 0 -pix_fmt yuv420p -f flv {address}"
    ));
    let config = || CaptureConfig { preview: PreviewConfig { enabled: false, ..PreviewConfig::default() }, ..CaptureConfig::default() };
    let read = |session: &CaptureSession| {
        let enough = session.wait_until(PATIENCE, |f| f[0].received >= 3 * u64::from(FPS));
        assert!(enough && session.status()[0].size_px == Some((WIDTH, HEIGHT)), "{:#?}", session.status());
    };
    // From its beginning, and once more by somebody who joins later; with and without a use for its sound.
    let spec = || FeedSpec::new("late", FeedSource::parse(&address).unwrap());
    let sound = SoundSettings::new(SoundFrom::Feed("late".to_owned()));
    let first = CaptureSession::start(CaptureConfig { sound: Some(sound), ..config() }, &[spec()]).unwrap();
    read(&first);
    let heard = || first.sound().is_some_and(|sound| sound.ring.span().is_some());
    let until = Instant::now() + PATIENCE;
    while !heard() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(heard(), "its sound does not come: {:?}", first.sound().map(|sound| sound.problem()));
    read(&CaptureSession::start(config(), &[spec()]).unwrap());
    drop(server);
    // It was as the name of this test says: the first tag of sound (8) or pictures (9) in what the server recorded.
    let record = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).find(|p| p.extension().is_some_and(|e| e == "flv"));
    let bytes = std::fs::read(record.unwrap()).unwrap();
    let (mut at, mut first) = (13, None);
    while let Some(tag) = bytes.get(at..at + 4).filter(|_| first.is_none()) {
        first = Some(tag[0]).filter(|kind| *kind != 18);
        at += 15 + (usize::from(tag[1]) << 16 | usize::from(tag[2]) << 8 | usize::from(tag[3]));
    }
    assert_eq!(first, Some(8));
}
