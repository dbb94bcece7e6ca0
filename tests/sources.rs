//! Cameras on the network, each against a real peer on loopback: pictures arrive in the ring, at the right time, and are the
//! right ones; who goes comes back; nobody disturbs a neighbour.
#![cfg(feature = "gstreamer")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use volte::capture::{
    CaptureConfig, CaptureSession, Codec, FeedSource, FeedSpec, FeedState, FeedStatus, PreviewConfig, TimeOrigin, TimedFrame,
};
use volte::engine::{CapturedFeeds, FeedHealth, Feeds as _};
use volte::frame::Picture;
use volte::rig::{Camera, Rig};
use volte::ring::{FeedId, RingConfig};

mod support {
    pub mod peers;
}
use support::peers::{Peer, port, serve_files};

const PATIENCE: Duration = Duration::from_mins(1);
const WIDTH: u32 = 320;
/// RTP carries JPEG in steps of eight pixels.
const HEIGHT: u32 = 184;

/// Two flat halves of known colours with a clock-like motion between them, so that pictures differ and can be told from noise:
/// left is red, right is blue.
fn content() -> String {
    format!("color=c=red:size={}x{HEIGHT}:rate=25[l];color=c=blue:size={}x{HEIGHT}:rate=25[r];[l][r]hstack", WIDTH / 2, WIDTH / 2)
}

fn ffmpeg_source(seconds: u32) -> String {
    format!("-re -f lavfi -t {seconds} -i {}", content())
}

const X264: &str = "-pix_fmt yuv420p -c:v libx264 -preset ultrafast -tune zerolatency -g 10 -bf 0 -x264-params threads=1";

/// The same for GStreamer: bars have known colours as well; the leftmost is white, the rightmost of the upper rows is blue.
fn gst_source() -> String {
    format!("videotestsrc is-live=true pattern=smpte75 ! video/x-raw,width={WIDTH},height={HEIGHT},framerate=25/1")
}

const GST_X264: &str = "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 threads=1";

fn start(addresses: &[(&str, &str)]) -> CaptureSession {
    let specs: Vec<FeedSpec> = addresses.iter().map(|(name, uri)| FeedSpec::new(*name, FeedSource::parse(uri).unwrap())).collect();
    let ring = RingConfig { budget_bytes: 64 << 20, detect_repeats: false, ..RingConfig::default() };
    let config = CaptureConfig { ring, preview: PreviewConfig { enabled: false, ..PreviewConfig::default() }, ..CaptureConfig::default() };
    CaptureSession::start(config, &specs).unwrap()
}

/// A short file of the same content: the neighbour that must not notice anything.
fn neighbour() -> &'static Path {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    FILE.get_or_init(|| {
        let path = std::env::temp_dir().join(format!("volte_neighbour_{}.mp4", std::process::id()));
        let words = format!("-v error -nostdin -f lavfi -t 2 -i {} {X264} -y", content());
        let done = Command::new("ffmpeg").args(words.split_whitespace()).arg(&path).status();
        assert!(done.expect("ffmpeg does not start: install the package ffmpeg").success());
        path
    })
}

fn looped_neighbour() -> String {
    format!("file:{}?loop", neighbour().display())
}

fn assert_unharmed(status: &FeedStatus) {
    assert_eq!(status.state, FeedState::Live, "{status:?}");
    assert_eq!((status.dropped.total(), status.duplicated, status.late, status.damaged, status.reconnects), (0, 0, 0, 0, 0), "{status:?}");
}

fn wait(session: &CaptureSession, what: &str, done: impl Fn(&[FeedStatus]) -> bool) {
    assert!(session.wait_until(PATIENCE, done), "{what}: {:#?}", session.status());
}

/// Mean colour of a part of the picture, its middle at (x, y) in shares of the size.
fn colour(picture: &Picture, x: f64, y: f64) -> [i32; 3] {
    let (w, h) = (picture.width() as usize, picture.height() as usize);
    let (cx, cy) = ((x * w as f64) as usize, (y * h as f64) as usize);
    let mut sum = [0_i32; 3];
    for dy in 0..4 {
        for dx in 0..4 {
            let at = 4 * ((cy + dy) * w + cx + dx);
            for (s, v) in sum.iter_mut().zip(&picture.rgba()[at..]) {
                *s += i32::from(*v);
            }
        }
    }
    sum.map(|s| s / 16)
}

#[track_caller]
fn assert_colour(picture: &Picture, (x, y): (f64, f64), wanted: [i32; 3]) {
    let is = colour(picture, x, y);
    assert!(is.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 40), "at {x}, {y}: {is:?}, not {wanted:?}");
}

/// The newest picture of a feed; its time must be its arrival, within `within`. A machine that is busy may hold up a sender for once.
fn newest_picture(session: &CaptureSession, feed: FeedId, within: Duration) -> Picture {
    let mut found = Err("no pictures".to_owned());
    let mut look = |feeds: &[FeedStatus]| {
        let status = feeds.iter().find(|s| s.id == feed).unwrap();
        let newest = status.newest.unwrap();
        let age = session.house_now() - newest;
        // A unit before the newest: frames in flight are not the matter here.
        found = match session.decoder().decode_frame(feed, newest.plus_nanos(-80_000_000)) {
            _ if age.unsigned_abs() >= within.as_nanos() as u64 => {
                Err(format!("the newest unit is {} ms old: {status:?}", age / 1_000_000))
            }
            Ok((timed, _)) => Ok(timed.frame.to_picture().unwrap()),
            Err(e) => Err(format!("{e}: {status:?}")),
        };
        found.is_ok()
    };
    let until = Instant::now() + PATIENCE;
    while !look(&session.status()) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(100));
    }
    found.unwrap_or_else(|problem| panic!("{problem}"))
}

/// What the ring held when `before` was told; a frame is passed over where the sender stalled.
fn recorded_before(session: &CaptureSession, before: &FeedStatus) -> TimedFrame {
    let at = |frames: i64| session.decoder().decode_frame(before.id, before.newest.unwrap().plus_nanos(-40_000_000 * frames));
    (5..15).find_map(|frames| at(frames).ok()).unwrap_or_else(|| panic!("{}", at(5).unwrap_err())).0
}

/// Frames arrive at the right rate, decode, and are the right ones.
fn check(session: &CaptureSession, codec: Codec, gst: bool) {
    wait(session, "no pictures", |f| f[0].received >= 40 && f[0].state == FeedState::Live);
    let status = &session.status()[0];
    assert_eq!(status.codec, Some(codec), "{status:?}");
    assert_eq!(status.size_px, Some((WIDTH, HEIGHT)), "{status:?}");
    let fps = status.rate.map_or(0.0, volte::time::FrameRate::fps);
    assert!((fps - 25.0).abs() < 1.0, "{fps} fps");
    let picture = newest_picture(session, status.id, Duration::from_secs(2));
    assert_eq!((picture.width(), picture.height()), (WIDTH, HEIGHT));
    if gst {
        assert_colour(&picture, (0.05, 0.3), [191, 191, 191]);
        assert_colour(&picture, (0.93, 0.3), [0, 0, 191]);
    } else {
        assert_colour(&picture, (0.2, 0.5), [254, 0, 0]);
        assert_colour(&picture, (0.8, 0.5), [0, 0, 254]);
    }
    let dropped = status.dropped;
    println!(
        "{}: {} units, {:?}, {fps:.2} fps, delay {} ms, {dropped:?}",
        status.name,
        status.received,
        status.time_origin,
        status.delay_nanos / 1_000_000
    );
}

#[test]
fn rtsp_over_tcp_with_a_password() {
    let port = port();
    let launch = format!("( {} ! {GST_X264} ! rtph264pay name=pay0 pt=96 )", gst_source());
    let _server = Peer::rtsp(port, &launch, Some(("camera", "pass-word")));
    let session = start(&[("rtsp", &format!("rtsp://camera:pass-word@127.0.0.1:{port}/cam?transport=tcp"))]);
    check(&session, Codec::H264, true);
    assert_eq!(session.status()[0].time_origin, TimeOrigin::Arrival);
    // A wrong password is said, without telling it.
    let session = start(&[("rtsp", &format!("rtsp://camera:wrong-one@127.0.0.1:{port}/cam?transport=tcp"))]);
    wait(&session, "no refusal", |f| f[0].state == FeedState::Reconnecting);
    let why = session.status()[0].last_error.clone().unwrap();
    assert!(why.contains("password") && !why.contains("wrong-one"), "{why}");
}

#[test]
fn rtsp_over_udp() {
    let port = port();
    let launch = format!("( {} ! {GST_X264} ! rtph264pay name=pay0 pt=96 )", gst_source());
    let _server = Peer::rtsp(port, &launch, None);
    let session = start(&[("rtsp", &format!("rtsp://127.0.0.1:{port}/cam?transport=udp"))]);
    check(&session, Codec::H264, true);
    wait(&session, "its clock is not estimated", |f| f[0].source_clock.is_some_and(|c| c.skew_ppm.is_some() && c.jumps == 0));
}

#[test]
fn rtsp_by_the_cameras_own_clock() {
    let port = port();
    let launch = format!("( {} ! {GST_X264} ! rtph264pay name=pay0 pt=96 )", gst_source());
    let _server = Peer::rtsp(port, &launch, None);
    let session = start(&[("rtsp", &format!("rtsp://127.0.0.1:{port}/cam?transport=tcp&time=rtcp"))]);
    wait(&session, "no sender report", |f| f[0].time_origin == TimeOrigin::SenderReport);
    let before = session.status()[0].received;
    wait(&session, "it does not go on", |f| f[0].received > before + 25);
    let status = &session.status()[0];
    // The same clock on both sides: what is left is the time from the camera's picture to here.
    assert!((-5_000_000..200_000_000).contains(&status.delay_nanos), "{status:?}");
    assert_eq!(status.dropped.total(), 0, "{status:?}");
    println!("delay by the sender's clock: {:.1} ms", status.delay_nanos as f64 * 1e-6);
    // How fast the camera counts is told beside it.
    wait(&session, "its clock is not estimated", |f| f[0].source_clock.is_some_and(|c| c.skew_ppm.is_some()));
    assert!(session.status()[0].clock_in_words().starts_with("time from RTCP, skew "), "{}", session.status()[0].clock_in_words());
}

#[test]
fn a_shared_clock_that_nobody_keeps_is_not_said_to_be_followed() {
    // Somebody has the port, and never answers; and a grandmaster that is nowhere.
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let (ntp, ptp, clock) = (port(), port(), silent.local_addr().unwrap().port());
    let words =
        |port: u16| format!("{} ! {GST_X264} ! rtph264pay pt=96 config-interval=-1 ! udpsink host=127.0.0.1 port={port}", gst_source());
    let _cameras = [Peer::gst(&words(ntp)), Peer::gst(&words(ptp))];
    let session = start(&[
        ("ntp", &format!("rtp://127.0.0.1:{ntp}?ts_refclk=ntp=127.0.0.1:{clock}")),
        ("ptp", &format!("rtp://127.0.0.1:{ptp}?ts_refclk=ptp=IEEE1588-2008:39-A7-94-FF-FE-07-CB-D0:99")),
    ]);
    wait(&session, "no pictures", |f| f.iter().all(|f| f.received > 50));
    for status in session.status() {
        assert_eq!((status.time_origin, &status.last_error), (TimeOrigin::Arrival, &None), "{status:?}");
        assert!(status.clock_in_words().contains("arrival"), "{status:?}");
    }
    wait(&session, "nothing is told", |f| f.iter().all(|f| f.last_error.is_some()));
    for (status, named) in session.status().iter().zip([format!("ntp=127.0.0.1:{clock}"), "39-A7-94-FF-FE-07-CB-D0:99".to_owned()]) {
        let told = status.last_error.as_deref().unwrap_or_default();
        assert!(told.contains(&named) && told.contains("those of arrival") && told.contains("ts_refclk"), "{told}");
        assert_eq!((status.time_origin, status.state, status.dropped.total()), (TimeOrigin::Arrival, FeedState::Live, 0), "{status:?}");
    }
    // The console tells it: beside the camera, and as a notice, in the operator's language.
    let cameras = ["ntp", "ptp"].map(Camera::unposed).to_vec();
    let feeds = CapturedFeeds::new(Rig { cameras, points_in_world: vec![] }, session, None).unwrap();
    let (status, warnings) = (feeds.status(), feeds.warnings());
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    for (k, name) in ["ntp", "ptp"].into_iter().enumerate() {
        assert!(status[k].health == FeedHealth::Degraded && status[k].note.contains("cannot be reached"), "{:?}", status[k]);
        assert!(warnings[k].starts_with(&format!("{name}: rtp://")) && warnings[k].contains(&status[k].note), "{warnings:?}");
        #[cfg(feature = "console")]
        {
            let french = volte::console::notice(volte::console::Language::from_tag("fr").unwrap(), &warnings[k]).into_owned();
            assert!(french.starts_with(name) && french.contains("ne peut être jointe") && french.contains("ts_refclk"), "{french}");
        }
    }
    drop(feeds);
    // Its clock may go in any thread; whoever waits for a time, a jitter buffer say, must still wake up.
    for round in 0..5 {
        let session = start(&[("ntp", &format!("rtp://127.0.0.1:{ntp}?ts_refclk=ntp=127.0.0.1:{clock}"))]);
        wait(&session, "no pictures", |f| f[0].received > 12);
        drop(session);
        let session = start(&[("plain", &format!("rtp://127.0.0.1:{ptp}"))]);
        wait(&session, &format!("round {round}: nothing comes any more"), |f| f[0].received > 12);
    }
}

/// Hands RTP packets on from one port to another, with times that count 2000 ppm faster, until it is dropped.
struct FastCrystal(Arc<AtomicBool>, Option<std::thread::JoinHandle<()>>);

impl FastCrystal {
    fn start(from: u16, to: u16) -> Self {
        let socket = UdpSocket::bind(("127.0.0.1", from)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let relay = move || {
            let mut packet = [0; 2048];
            while !stopped.load(Ordering::Relaxed) {
                let Ok(bytes @ 12..) = socket.recv(&mut packet) else { continue };
                let ticks = u32::from_be_bytes([packet[4], packet[5], packet[6], packet[7]]);
                packet[4..8].copy_from_slice(&(ticks + ticks / 500).to_be_bytes());
                socket.send_to(&packet[..bytes], ("127.0.0.1", to)).ok();
            }
        };
        Self(stop, Some(std::thread::Builder::new().name("fast crystal".to_owned()).spawn(relay).unwrap()))
    }
}

impl Drop for FastCrystal {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        self.1.take().unwrap().join().unwrap();
    }
}

#[test]
fn the_clock_of_rtp_packets_is_estimated_as_fast_as_it_runs() {
    let (camera, port) = (port(), port());
    let session = start(&[("rtp", &format!("rtp://127.0.0.1:{port}"))]);
    // What no crystal is, so that it stands out of what a busy machine does within seconds.
    let _crystal = FastCrystal::start(camera, port);
    let pay = format!("rtph264pay pt=96 config-interval=-1 timestamp-offset=0 ! udpsink host=127.0.0.1 port={camera}");
    let _camera = Peer::gst(&format!("{} ! {GST_X264} ! {pay}", gst_source()));
    let near = |f: &FeedStatus| f.source_clock.and_then(|c| c.skew_ppm).is_some_and(|ppm| (ppm + 2000.0).abs() < 100.0);
    assert!(session.wait_until(Duration::from_secs(90), |f| near(&f[0])), "{:#?}", session.status());
    let status = &session.status()[0];
    println!("{}", status.clock_in_words());
    let clock = status.source_clock.unwrap();
    assert!(clock.jumps == 0 && clock.skew_sigma_ppm > 0.0 && clock.jitter_nanos > 0, "{clock:?}");
    assert!(status.time_origin == TimeOrigin::Arrival && status.clock_in_words().contains("skew -"), "{}", status.clock_in_words());
}

#[test]
fn srt_encrypted_as_caller_and_as_listener() {
    // The camera listens, srt-live-transmit in between.
    let (udp, srt) = (port(), port());
    let _camera = Peer::ffmpeg(&format!("{} {X264} -f mpegts udp://127.0.0.1:{udp}?pkt_size=1316", ffmpeg_source(60)));
    let out = format!("srt://127.0.0.1:{srt}?mode=listener&passphrase=correct-horse");
    let _relay = Peer::start("srt-live-transmit", "srt-tools", &[&format!("udp://127.0.0.1:{udp}"), &out]);
    let session = start(&[("caller", &format!("srt://127.0.0.1:{srt}?passphrase=correct-horse"))]);
    check(&session, Codec::H264, false);
    drop(session);
    // The camera calls.
    let srt = port();
    let session = start(&[("listener", &format!("srt://:{srt}?mode=listener&passphrase=correct-horse"))]);
    std::thread::sleep(Duration::from_millis(300));
    let out = format!("srt://127.0.0.1:{srt}?mode=caller&passphrase=correct-horse");
    let _camera = Peer::ffmpeg(&format!("{} {X264} -f mpegts {out}", ffmpeg_source(60)));
    check(&session, Codec::H264, false);
}

#[test]
fn mpeg_ts_over_udp() {
    let port = port();
    let session = start(&[("ts", &format!("udp://127.0.0.1:{port}"))]);
    let _camera = Peer::ffmpeg(&format!("{} {X264} -f mpegts udp://127.0.0.1:{port}?pkt_size=1316", ffmpeg_source(60)));
    check(&session, Codec::H264, false);
}

#[test]
fn a_feed_from_the_future_does_not_push_out_the_others() {
    let port = port();
    let parsed = |uri: &str| FeedSource::parse(uri).unwrap();
    let ahead = FeedSpec { clock_offset_nanos: 60_000_000_000, ..FeedSpec::new("ts", parsed(&format!("udp://127.0.0.1:{port}"))) };
    let ring = RingConfig { duration_nanos: 20_000_000_000, detect_repeats: false, ..RingConfig::default() };
    let config = CaptureConfig { ring, preview: PreviewConfig { enabled: false, ..PreviewConfig::default() }, ..CaptureConfig::default() };
    let session = CaptureSession::start(config, &[ahead, FeedSpec::new("near", parsed(&looped_neighbour()))]).unwrap();
    let _camera = Peer::ffmpeg(&format!("{} {X264} -f mpegts udp://127.0.0.1:{port}?pkt_size=1316", ffmpeg_source(60)));
    wait(&session, "frames of both", |feeds| feeds[0].received > 20 && feeds[1].received > 20);
    let status = session.status();
    assert_eq!(status[0].dropped.clock_ahead, status[0].received, "{:?}", status[0]);
    assert!(status[0].last_error.as_ref().is_some_and(|e| e.contains("ahead") && e.contains("offset")), "{:?}", status[0]);
    assert_eq!(session.ring().status().feeds[1].evicted, 0);
    assert_unharmed(&status[1]);
}

#[test]
fn rtp_of_h264_jpeg_and_raw() {
    let (a, b, c) = (port(), port(), port());
    let uris = [
        format!("rtp://127.0.0.1:{a}"),
        format!("rtp://127.0.0.1:{b}?encoding=jpeg"),
        format!("rtp://127.0.0.1:{c}?encoding=raw&size={WIDTH}x{HEIGHT}&sampling=YCbCr-4:2:2"),
    ];
    let source = gst_source();
    let _peers = [
        Peer::gst(&format!("{source} ! {GST_X264} ! rtph264pay config-interval=-1 pt=96 ! udpsink host=127.0.0.1 port={a}")),
        Peer::gst(&format!("{source},format=I420 ! jpegenc ! rtpjpegpay pt=26 ! udpsink host=127.0.0.1 port={b}")),
        Peer::gst(&format!("{source},format=UYVY ! rtpvrawpay pt=96 ! udpsink host=127.0.0.1 port={c}")),
    ];
    for (uri, codec) in uris.iter().zip([Codec::H264, Codec::Mjpeg, Codec::Raw]) {
        check(&start(&[("rtp", uri)]), codec, true);
    }
}

#[test]
fn rtp_of_h265_from_ffmpeg() {
    let port = port();
    let session = start(&[("rtp", &format!("rtp://127.0.0.1:{port}?encoding=h265"))]);
    let h265 =
        "-pix_fmt yuv420p -c:v libx265 -preset ultrafast -tune zerolatency -x265-params keyint=10:log-level=error:pools=1:repeat-headers=1";
    let _camera = Peer::ffmpeg(&format!("{} {h265} -f rtp -payload_type 96 rtp://127.0.0.1:{port}", ffmpeg_source(60)));
    check(&session, Codec::H265, false);
}

#[test]
fn rist() {
    let (udp, rist) = (port(), port());
    let session = start(&[("rist", &format!("rist://127.0.0.1:{rist}"))]);
    let _camera = Peer::ffmpeg(&format!("{} {X264} -f mpegts udp://127.0.0.1:{udp}?pkt_size=1316", ffmpeg_source(60)));
    let (from, to) = (format!("udp://@127.0.0.1:{udp}"), format!("rist://127.0.0.1:{rist}"));
    let _relay = Peer::start("ristsender", "rist-tools", &["-p", "0", "-i", &from, "-o", &to]);
    check(&session, Codec::H264, false);
}

#[test]
fn rtmp() {
    let port = port();
    let _server = Peer::ffmpeg(&format!("{} {X264} -f flv -listen 1 rtmp://127.0.0.1:{port}/live/cam", ffmpeg_source(60)));
    let session = start(&[("rtmp", &format!("rtmp://127.0.0.1:{port}/live/cam?client=librtmp"))]);
    check(&session, Codec::H264, false);
}

#[test]
fn hls() {
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("cam.m3u8");
    let hls = "-f hls -hls_time 1 -hls_list_size 6 -hls_flags delete_segments";
    let _camera = Peer::ffmpeg(&format!("{} {X264} {hls} {}", ffmpeg_source(60), list.display()));
    let deadline = Instant::now() + PATIENCE;
    while !list.exists() {
        assert!(Instant::now() < deadline, "ffmpeg writes no play list");
        std::thread::sleep(Duration::from_millis(50));
    }
    let session = start(&[("hls", &format!("http://127.0.0.1:{}/cam.m3u8", serve_files(dir.path())))]);
    check(&session, Codec::H264, false);
    assert_eq!(session.status()[0].time_origin, TimeOrigin::Container);
}

/// Set in the child that has no right to raw sockets: what is sent within one machine does not reach those.
const WITHOUT_RAW_SOCKETS: &str = "VOLTE_TEST_WITHOUT_RAW_SOCKETS";

/// Industrial cameras on a network have one port, of UDP, and no other. Whoever holds its namesake of TCP may have it; runs of this test on one machine take turns, and one that is
/// killed holds up nobody.
fn turn_with_the_gige_port() -> TcpListener {
    let until = Instant::now() + 3 * PATIENCE;
    loop {
        match TcpListener::bind("127.0.0.1:3956") {
            Ok(turn) => return turn,
            Err(e) => assert!(Instant::now() < until, "TCP port 3956, by which runs of this test take turns, does not get free: {e}"),
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn an_industrial_camera_is_read_by_the_pattern_of_its_sensor() {
    if std::env::var_os(WITHOUT_RAW_SOCKETS).is_none() {
        let _turn = turn_with_the_gige_port();
        let _camera = Peer::start("arv-fake-gv-camera-0.8", "aravis-tools", &["-i", "127.0.0.1"]);
        let this = std::env::current_exe().unwrap();
        let child = std::process::Command::new("setpriv")
            .args(["--bounding-set", "-net_raw", "--inh-caps", "-net_raw"])
            .arg(this)
            .args(["--exact", "an_industrial_camera_is_read_by_the_pattern_of_its_sensor", "--nocapture"])
            .env(WITHOUT_RAW_SOCKETS, "1")
            .status()
            .expect("setpriv is needed: install the package util-linux");
        assert!(child.success());
        return;
    }
    // GigE Vision cameras are named by their address, too.
    let session = start(&[("genicam", "aravis:127.0.0.1")]);
    wait(&session, "no pictures", |f| f[0].received > 10 && f[0].rate.is_some());
    let status = session.status()[0].clone();
    assert_eq!((status.codec, status.size_px, status.time_origin), (Some(Codec::Raw), Some((512, 512)), TimeOrigin::Device), "{status:?}");
    let newest = status.newest.unwrap();
    let picture = session.decoder().decode_frame(status.id, newest).unwrap().0.frame.to_picture().unwrap();
    // It shows all hues in stripes; read as brightness alone, or by another pattern, they would be grey or each other's.
    let share = |is: &dyn Fn(u8, u8, u8) -> bool| {
        let hits = picture.rgba().chunks_exact(4).filter(|p| is(p[0], p[1], p[2])).count();
        hits as f64 / f64::from(picture.width() * picture.height())
    };
    let shares = [
        share(&|r, g, b| r > 150 && g < 60 && b < 60),
        share(&|r, g, b| b > 150 && g < 60 && r < 60),
        share(&|r, g, b| r > 150 && g > 200 && b < 80),
        share(&|r, g, b| r < 80 && g > 200 && b > 150),
    ];
    assert!(shares.iter().all(|share| *share > 0.03), "red, blue, yellow, cyan: {shares:?}");
}

#[test]
fn image_sequences_in_step_with_files() {
    let dir = tempfile::tempdir().unwrap();
    let words = format!("-v error -nostdin -f lavfi -t 1 -i {} -y {}", content(), dir.path().join("f_%04d.png").display());
    assert!(Command::new("ffmpeg").args(words.split_whitespace()).status().expect("install the package ffmpeg").success());
    let pattern = format!("images:{}?fps=25&loop", dir.path().join("f_%04d.png").display());
    let session = start(&[("images", &pattern), ("file", &looped_neighbour())]);
    check(&session, Codec::Raw, false);
    wait(&session, "no second round", |f| f[0].loops >= 1 && f[1].received > 60);
    let oldest: Vec<_> = session.ring().status().feeds.iter().map(|f| f.oldest.unwrap()).collect();
    assert_eq!(oldest[0], oldest[1], "they do not begin together");
}

#[test]
fn a_killed_camera_comes_back_and_nobody_else_notices() {
    let port = port();
    let launch = format!("( {} ! {GST_X264} ! rtph264pay name=pay0 pt=96 )", gst_source());
    let server = Peer::rtsp(port, &launch, None);
    let session = start(&[("rtsp", &format!("rtsp://127.0.0.1:{port}/cam?transport=tcp&stall_s=1")), ("file", &looped_neighbour())]);
    wait(&session, "no pictures", |f| f[0].received >= 30 && f[0].state == FeedState::Live);
    drop(server);
    wait(&session, "its loss is not noticed", |f| f[0].state == FeedState::Reconnecting);
    let lost = session.status()[0].clone();
    assert!(lost.last_error.as_deref().is_some_and(|e| e.contains(&port.to_string())), "{lost:?}");
    let moment = session.moment(session.house_now());
    println!("while it is away: {:?}", moment.left_out);
    let _server = Peer::rtsp(port, &launch, None);
    wait(&session, "it does not come back", |f| f[0].state == FeedState::Live && f[0].received >= lost.received + 30);
    let status = session.status();
    assert!(status[0].reconnects >= 1, "{:?}", status[0]);
    // What is over is past, and was.
    assert_eq!(status[0].last_error, None, "{:?}", status[0]);
    assert!(status[0].past_error.as_deref().is_some_and(|e| e.contains(&port.to_string())) && status[0].errors >= 1, "{:?}", status[0]);
    assert_unharmed(&status[1]);
    newest_picture(&session, status[0].id, Duration::from_secs(2));
}

#[test]
fn who_is_away_at_the_start_holds_up_nobody_and_joins_later() {
    let udp = port();
    let begun = Instant::now();
    let session = start(&[
        ("late", &format!("udp://127.0.0.1:{udp}?stall_s=0.5")),
        ("nobody", "rtsp://127.0.0.1:1/cam"),
        ("unroutable", "srt://127.0.0.1:9?passphrase=correct-horse"),
        ("file", &looped_neighbour()),
    ]);
    // One of them alone would take longer than that.
    assert!(begun.elapsed() < Duration::from_secs(10), "the start took {:?}", begun.elapsed());
    wait(&session, "the file does not play", |f| f[3].received > 25);
    wait(&session, "their absence is not said", |f| f[..3].iter().all(|f| f.state == FeedState::Reconnecting && f.last_error.is_some()));
    for feed in &session.status()[..3] {
        println!("{}: {}", feed.name, feed.last_error.as_deref().unwrap());
    }
    let _camera = Peer::ffmpeg(&format!("{} {X264} -f mpegts udp://127.0.0.1:{udp}?pkt_size=1316", ffmpeg_source(60)));
    wait(&session, "it does not join", |f| f[0].state == FeedState::Live && f[0].received > 20);
    let joined = &session.status()[0];
    assert!(joined.last_error.is_none() && joined.past_error.as_deref().is_some_and(|e| e.contains("nothing has arrived")), "{joined:?}");
    assert_unharmed(&session.status()[3]);
}

#[test]
fn a_host_that_nobody_knows_is_named_with_the_remedy() {
    let session = start(&[("a", "udp://no..host:5000"), ("b", "srt://no..host:5000?latency=60"), ("c", "udp://192.0.2.7:5000")]);
    wait(&session, "nothing is told", |f| f.iter().all(|f| f.state == FeedState::Reconnecting && f.last_error.is_some()));
    for (feed, words) in
        session.status().iter().zip([["no..host", "look up"], ["no..host", "look up"], ["192.0.2.7", "no address of this machine"]])
    {
        let told = feed.last_error.as_deref().unwrap_or_default();
        assert!(words.iter().all(|word| told.contains(word)) && told.contains("write"), "{told}");
    }
}

#[test]
fn silence_is_noticed_and_a_sender_that_goes_on_is_taken_again() {
    let port = port();
    let session = start(&[("ts", &format!("udp://127.0.0.1:{port}?stall_s=0.6")), ("file", &looped_neighbour())]);
    let camera = || Peer::ffmpeg(&format!("{} {X264} -f mpegts udp://127.0.0.1:{port}?pkt_size=1316", ffmpeg_source(60)));
    let first = camera();
    wait(&session, "no pictures", |f| f[0].received >= 30);
    drop(first);
    wait(&session, "the silence is not noticed", |f| f[0].state == FeedState::Reconnecting);
    assert!(session.status()[0].last_error.as_deref().is_some_and(|e| e.contains("no picture for")), "{:?}", session.status()[0]);
    let before = session.status()[0].received;
    let _second = camera();
    wait(&session, "it does not go on", |f| f[0].state == FeedState::Live && f[0].received >= before + 30);
    assert_unharmed(&session.status()[1]);
}

#[test]
fn a_change_of_format_in_mid_stream_goes_on() {
    let port = port();
    let session = start(&[("ts", &format!("udp://127.0.0.1:{port}?stall_s=4"))]);
    let camera =
        |filter: &str| Peer::ffmpeg(&format!("{} -vf {filter} {X264} -f mpegts udp://127.0.0.1:{port}?pkt_size=1316", ffmpeg_source(60)));
    let first = camera("null");
    wait(&session, "no pictures", |f| f[0].received >= 30);
    let before = session.status()[0].clone();
    drop(first);
    // At once, so that the same connection meets another size.
    let _second = camera("scale=480:270");
    wait(&session, "the new size does not arrive", |f| f[0].size_px == Some((480, 270)) && f[0].received >= before.received + 40);
    let status = session.status()[0].clone();
    assert_eq!(status.reconnects, 0, "{status:?}");
    let picture = newest_picture(&session, status.id, Duration::from_secs(2));
    assert_eq!((picture.width(), picture.height()), (480, 270));
    assert_colour(&picture, (0.2, 0.5), [254, 0, 0]);
    // What was recorded before is still what it was.
    let old = recorded_before(&session, &before);
    assert_eq!((old.frame.width, old.frame.height), (WIDTH, HEIGHT));
}

#[test]
fn a_change_of_codec_in_mid_stream_goes_on() {
    let port = port();
    let session = start(&[("ts", &format!("udp://127.0.0.1:{port}?stall_s=5"))]);
    let camera = |codec: &str, version: u32| {
        Peer::ffmpeg(&format!("{} {codec} -tables_version {version} -f mpegts udp://127.0.0.1:{port}?pkt_size=1316", ffmpeg_source(60)))
    };
    let first = camera(X264, 0);
    wait(&session, "no pictures", |f| f[0].received >= 30);
    let before = session.status()[0].clone();
    drop(first);
    let x265 = "-pix_fmt yuv420p -c:v libx265 -preset ultrafast -tune zerolatency -x265-params keyint=10:log-level=error:pools=1";
    let _second = camera(x265, 1);
    wait(&session, "the new codec does not arrive", |f| f[0].codec == Some(Codec::H265) && f[0].received >= before.received + 40);
    let status = session.status()[0].clone();
    println!("reconnects: {}, {:?}", status.reconnects, status.last_error);
    assert_colour(&newest_picture(&session, status.id, Duration::from_secs(2)), (0.2, 0.5), [254, 0, 0]);
    let old = recorded_before(&session, &before);
    assert_eq!((old.frame.width, old.frame.height), (WIDTH, HEIGHT));
}

/// A multiplexer that is set anew: the same programme under another map (PMT), on other PIDs, of another version.
#[test]
fn a_change_of_the_map_in_mid_stream_goes_on() {
    let port = port();
    let session = start(&[("ts", &format!("udp://127.0.0.1:{port}?stall_s=5")), ("file", &looped_neighbour())]);
    let camera =
        |tables: &str| Peer::ffmpeg(&format!("{} {X264} {tables} -f mpegts udp://127.0.0.1:{port}?pkt_size=1316", ffmpeg_source(60)));
    let first = camera("-mpegts_pmt_start_pid 0x1000 -mpegts_start_pid 0x100 -tables_version 0");
    wait(&session, "no pictures", |f| f[0].received >= 30);
    let mut before = session.status()[0].clone();
    drop(first);
    // The same map PID with other streams in it, then another programme altogether.
    for tables in [
        "-mpegts_pmt_start_pid 0x1000 -mpegts_start_pid 0x340 -tables_version 1",
        "-mpegts_pmt_start_pid 0x1200 -mpegts_start_pid 0x560 -mpegts_service_id 7 -tables_version 2",
    ] {
        let camera = camera(tables);
        wait(&session, "it does not go on under the new map", |f| f[0].received >= before.received + 60);
        let status = session.status()[0].clone();
        println!("{tables}: {} reconnects, {:?}", status.reconnects, status.last_error);
        assert_colour(&newest_picture(&session, status.id, Duration::from_secs(2)), (0.2, 0.5), [254, 0, 0]);
        let old = recorded_before(&session, &before);
        assert_eq!((old.frame.width, old.frame.height), (WIDTH, HEIGHT), "what was recorded before is still there");
        before = session.status()[0].clone();
        drop(camera);
    }
    assert_unharmed(&session.status()[1]);
}

#[test]
fn garbage_stops_nobody() {
    let (a, b, c, good) = (port(), port(), port(), port());
    let session = start(&[
        ("ts", &format!("udp://127.0.0.1:{a}?stall_s=1")),
        ("rtp", &format!("rtp://127.0.0.1:{b}?stall_s=1")),
        ("rist", &format!("rist://127.0.0.1:{c}?stall_s=1")),
        ("good", &format!("udp://127.0.0.1:{good}")),
        ("file", &looped_neighbour()),
    ]);
    let _camera = Peer::ffmpeg(&format!("{} {X264} -f mpegts udp://127.0.0.1:{good}?pkt_size=1316", ffmpeg_source(60)));
    wait(&session, "no pictures", |f| f[3].received > 10 && f[4].received > 10);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut seed = 0x9e37_79b9_u32;
    for k in 0..3000_u32 {
        let len = 1 + (seed >> 16) as usize % 1400;
        let mut packet: Vec<u8> = (0..len)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            })
            .collect();
        // Some look right at first sight: a TS sync byte, an RTP version and payload type.
        match k % 3 {
            0 => packet.iter_mut().step_by(188).for_each(|b| *b = 0x47),
            1 if len > 1 => packet[..2].copy_from_slice(&[0x80, 0x60]),
            _ => {}
        }
        for port in [a, b, c] {
            socket.send_to(&packet, ("127.0.0.1", port)).unwrap();
        }
        if k % 50 == 0 {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    let before = session.status();
    wait(&session, "the neighbours do not go on", |f| f[3].received > before[3].received + 40 && f[4].received > before[4].received + 40);
    let status = session.status();
    for feed in &status[..3] {
        println!("{}: {:?}, {} units, {:?}", feed.name, feed.state, feed.received, feed.last_error);
        assert_ne!(feed.state, FeedState::Failed, "{feed:?}");
    }
    assert_unharmed(&status[4]);
    assert_eq!((status[3].state, status[3].reconnects), (FeedState::Live, 0), "{:?}", status[3]);
}

#[test]
fn an_element_that_is_not_installed_is_named_with_its_package() {
    let session = start(&[("ndi", "ndi:STUDIO (Cam 1)"), ("file", &looped_neighbour())]);
    wait(&session, "the file does not play", |f| f[1].received > 10 && f[0].state != FeedState::Starting);
    let status = &session.status()[0];
    let why = status.last_error.clone().unwrap();
    // Where the plugin is installed the source is merely not there.
    if status.state == FeedState::Failed {
        assert!(why.contains("ndisrc") && why.contains("gst-plugin-ndi") && why.contains("STUDIO"), "{why}");
    }
    assert_unharmed(&session.status()[1]);
}
