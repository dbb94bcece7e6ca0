//! House time that a server of the venue keeps: an NTP server with a clock of its own, and cameras that follow it.
#![cfg(feature = "gstreamer")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{
    collections::BTreeSet,
    net::UdpSocket,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use gst::prelude::*;
use volte::{
    capture::{CaptureConfig, CaptureSession, ClockReference, FeedSource, FeedSpec, FeedStatus, HouseClock, PreviewConfig, TimeOrigin},
    ring::FeedId,
    time::MediaTime,
};

mod support {
    pub mod namespaces;
    pub mod peers;
}
use support::namespaces::{again_as_root, ip};
use support::peers::{Peer, port};

const NTP_TO_UNIX_NANOS: i64 = 2_208_988_800_000_000_000;

fn system_unix_nanos() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as i64
}

/// An NTP server whose clock is set as it likes.
struct NtpServer {
    port: u16,
    ahead_nanos: i64,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<u32>>,
}

impl NtpServer {
    fn start(ahead_nanos: i64) -> Self {
        Self::at(UdpSocket::bind("127.0.0.1:0").unwrap(), ahead_nanos)
    }

    fn at(socket: UdpSocket, ahead_nanos: i64) -> Self {
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let (port, stop) = (socket.local_addr().unwrap().port(), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("ntp".to_owned()).spawn(move || {
            let stamp = || {
                let nanos = (system_unix_nanos() + ahead_nanos + NTP_TO_UNIX_NANOS) as u128;
                (((nanos / 1_000_000_000) << 32) | (((nanos % 1_000_000_000) << 32) / 1_000_000_000)) as u64
            };
            let (mut answered, mut packet) = (0, [0_u8; 128]);
            while !stopped.load(Ordering::Relaxed) {
                let Ok((48, client)) = socket.recv_from(&mut packet) else { continue };
                let received = stamp();
                let mut answer = [0_u8; 48];
                // No leap second, version 4, server; stratum 2.
                (answer[0], answer[1], answer[2], answer[3]) = (0x24, 2, packet[2], 0xec);
                answer[24..32].copy_from_slice(&packet[40..48]);
                answer[32..40].copy_from_slice(&received.to_be_bytes());
                answer[40..48].copy_from_slice(&stamp().to_be_bytes());
                socket.send_to(&answer, client).unwrap();
                answered += 1;
            }
            answered
        });
        let thread = thread.unwrap();
        Self { port, ahead_nanos, stop, thread: Some(thread) }
    }

    fn reference(&self) -> ClockReference {
        format!("ntp://127.0.0.1:{}", self.port).parse().unwrap()
    }

    /// How far a clock's time of day is from the server's, nanoseconds.
    fn error_nanos(&self, clock: &HouseClock) -> i64 {
        clock.unix_now_nanos() - system_unix_nanos() - self.ahead_nanos
    }
}

impl Drop for NtpServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        assert!(self.thread.take().unwrap().join().unwrap() > 0, "nobody asked the server");
    }
}

#[test]
fn house_time_is_counted_by_the_server_and_goes_on() {
    gst::init().unwrap();
    let server = NtpServer::start(3_600_000_000_000);
    let clock = HouseClock::continuing(&server.reference(), MediaTime::from_secs_f64(77.0));
    let status = clock.status();
    assert_eq!((status.reference.clone(), &status.problem), (format!("NTP 127.0.0.1:{}", server.port), &None));
    let begun = clock.now();
    assert!((begun - MediaTime::from_secs_f64(77.0)).abs() < 1_000_000_000, "{begun:?}");
    let (mut last, mut errors) = (begun, Vec::new());
    let until = Instant::now() + Duration::from_secs(3);
    while Instant::now() < until {
        let now = clock.now();
        assert!(now >= last, "house time went back");
        last = now;
        errors.push(server.error_nanos(&clock).abs());
        std::thread::sleep(Duration::from_millis(1));
    }
    let round_trip = clock.status().round_trip_nanos.unwrap();
    // A busy machine looks late at one of the two clocks now and then.
    errors.sort_unstable();
    let median = errors[errors.len() / 2];
    println!("wrong by {:.3} ms in the median, {round_trip} ns there and back", median as f64 * 1e-6);
    assert!(median < 5_000_000 && round_trip < 100_000_000, "{median} ns, {round_trip} ns");
}

#[test]
fn a_server_that_does_not_answer_costs_ten_seconds_and_is_named() {
    gst::init().unwrap();
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let begun = Instant::now();
    let clock = HouseClock::continuing(&format!("ntp://127.0.0.1:{port}").parse().unwrap(), MediaTime::ZERO);
    assert!(begun.elapsed() < Duration::from_secs(15));
    let status = clock.status();
    let why = status.problem.unwrap();
    assert!(why.contains(&format!("NTP 127.0.0.1:{port}")) && why.contains("did not answer") && why.contains("start again"), "{why}");
    assert_eq!(status.reference, "this machine's clock");
    assert!((clock.unix_now_nanos() - system_unix_nanos()).abs() < 50_000_000);
}

#[test]
fn a_camera_that_follows_the_same_server_is_stamped_with_when_it_saw_its_frames() {
    gst::init().unwrap();
    // The venue's clock is an hour off this machine's: only who asks it can be right.
    let server = NtpServer::start(3_600_000_000_000);
    let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let sender_clock = gst_net::NtpClock::new(None, "127.0.0.1", i32::from(server.port), gst::ClockTime::ZERO);
    sender_clock.wait_for_sync(gst::ClockTime::from_seconds(10)).unwrap();
    let words = format!(
        "videotestsrc is-live=true pattern=ball ! video/x-raw,width=160,height=90,framerate=25/1 ! x264enc tune=zerolatency key-int-max=10 speed-preset=ultrafast name=coder ! rtph264pay timestamp-offset=0 config-interval=-1 ! udpsink host=127.0.0.1 port={port}"
    );
    let sender = gst::parse::launch(&words).unwrap().downcast::<gst::Pipeline>().unwrap();
    sender.use_clock(Some(&sender_clock));
    sender.set_start_time(gst::ClockTime::NONE);
    sender.set_base_time(gst::ClockTime::ZERO);
    let taken: Arc<parking_lot::Mutex<BTreeSet<i64>>> = Arc::default();
    let note = Arc::clone(&taken);
    sender.by_name("coder").unwrap().static_pad("sink").unwrap().add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(pts) = info.buffer().and_then(|b| b.pts()) {
            note.lock().insert(pts.nseconds() as i64 - NTP_TO_UNIX_NANOS);
        }
        gst::PadProbeReturn::Ok
    });

    let address = format!("rtp://127.0.0.1:{port}?encoding=h264&latency_ms=80&ts_refclk=ntp=127.0.0.1:{}&mediaclk=direct=0", server.port);
    let config = CaptureConfig {
        preview: PreviewConfig { enabled: false, ..PreviewConfig::default() },
        clock: server.reference(),
        ..CaptureConfig::default()
    };
    let spec = FeedSpec::new("cam01", FeedSource::parse(&address).unwrap());
    let session = CaptureSession::start(config, &[spec]).unwrap();
    sender.set_state(gst::State::Playing).unwrap();
    let enough = session.wait_until(Duration::from_secs(20), |f| f[0].received > 125);
    let status = session.status();
    assert!(enough && status[0].time_origin == TimeOrigin::Rfc7273, "{status:?}");
    sender.set_state(gst::State::Null).unwrap();

    // The time of day of house time zero, by the venue's clock.
    let zero = session.clock().unix_now_nanos() - session.house_now().nanos();
    let units = session.ring().range(FeedId(0), MediaTime::ZERO, MediaTime::from_nanos(i64::MAX / 4));
    let taken = taken.lock();
    let error = |unix: i64| {
        let after = taken.range(unix..).next().map_or(i64::MAX, |t| t - unix);
        let before = taken.range(..unix).next_back().map_or(i64::MAX, |t| unix - t);
        after.min(before)
    };
    // The first second finds the clock.
    let mut errors: Vec<i64> = units.iter().skip(50).map(|u| error(u.pts.nanos() + zero)).collect();
    errors.sort_unstable();
    assert!(errors.len() >= 60, "{}", errors.len());
    let (median, p95) = (errors[errors.len() / 2], errors[errors.len() * 95 / 100]);
    println!("frames are stamped wrong by {:.3} ms in the median, {:.3} ms at 95 %", median as f64 * 1e-6, p95 as f64 * 1e-6);
    assert!(median < 2_000_000 && p95 < 6_000_000, "{median} ns, {p95} ns");
    // Arrival would have been later by what the jitter buffer waits.
    let arrival = &status[0];
    assert!(arrival.delay_nanos > 20_000_000, "{arrival:?}");
}

#[test]
fn an_rtsp_camera_that_names_its_clock_is_stamped_with_when_it_saw_its_frames() {
    gst::init().unwrap();
    let server = NtpServer::start(3_600_000_000_000);
    let clock = format!("127.0.0.1:{}", server.port);
    // It holds its pictures back for 0.7 s: who goes by arrival does not know.
    let launch = "( videotestsrc is-live=true ! video/x-raw,width=160,height=90,framerate=25/1 ! x264enc tune=zerolatency key-int-max=10 speed-preset=ultrafast ! queue max-size-time=0 max-size-buffers=0 max-size-bytes=0 min-threshold-time=700000000 ! rtph264pay name=pay0 pt=96 )";
    let ports = [port(), port()];
    let _camera = Peer::rtsp(ports[0], launch, Some(("ntp", &clock)));
    let _other = Peer::rtsp(ports[1], launch, None);
    let config = CaptureConfig {
        preview: PreviewConfig { enabled: false, ..PreviewConfig::default() },
        clock: server.reference(),
        ..CaptureConfig::default()
    };
    let spec = |name: &str, port: u16, time: &str| {
        let address = format!("rtsp://127.0.0.1:{port}/cam?transport=tcp&latency_ms=100{time}");
        FeedSpec::new(name, FeedSource::parse(&address).unwrap())
    };
    let specs = [spec("follows", ports[0], "&time=refclk"), spec("arrives", ports[0], ""), spec("names none", ports[1], "&time=refclk")];
    let session = CaptureSession::start(config, &specs).unwrap();
    let patience = Duration::from_mins(1);
    assert!(session.wait_until(patience, |f| f[0].time_origin == TimeOrigin::Rfc7273), "{:?}", session.status());
    let before = session.status();
    assert!(session.wait_until(patience, |f| f[0].received > before[0].received + 25 && f[1].received > 25), "{:?}", session.status());
    let status = session.status();
    let ms = |k: usize| status[k].delay_nanos / 1_000_000;
    println!("{} ms after it was seen, {} ms after it came", ms(0), ms(1));
    assert!((650..5000).contains(&ms(0)) && ms(0) > ms(1) + 300, "{status:?}");
    assert_eq!(status[1].time_origin, TimeOrigin::Arrival);
    // A camera that names no clock is told, and its times are those of arrival.
    let told =
        |f: &[FeedStatus]| f[2].last_error.as_ref().is_some_and(|told| told.contains("names no clock") && told.contains("time=refclk"));
    assert!(session.wait_until(patience, told), "{:?}", session.status());
    assert_eq!(session.status()[2].time_origin, TimeOrigin::Arrival);
}

#[test]
fn a_shared_clock_that_is_reached_after_all_is_no_fault_any_more() {
    gst::init().unwrap();
    // Somebody has the port, and does not answer yet.
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let server = silent.local_addr().unwrap().port();
    let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let words = format!(
        "videotestsrc is-live=true ! video/x-raw,width=160,height=90,framerate=25/1 ! x264enc tune=zerolatency key-int-max=10 speed-preset=ultrafast ! rtph264pay timestamp-offset=0 config-interval=-1 ! udpsink host=127.0.0.1 port={port}"
    );
    let sender = gst::parse::launch(&words).unwrap().downcast::<gst::Pipeline>().unwrap();
    let config = CaptureConfig { preview: PreviewConfig { enabled: false, ..PreviewConfig::default() }, ..CaptureConfig::default() };
    let address = format!("rtp://127.0.0.1:{port}?encoding=h264&ts_refclk=ntp=127.0.0.1:{server}");
    let session = CaptureSession::start(config, &[FeedSpec::new("cam01", FeedSource::parse(&address).unwrap())]).unwrap();
    sender.set_state(gst::State::Playing).unwrap();
    let patience = Duration::from_mins(1);
    let is_told = |f: &[FeedStatus]| f[0].last_error.as_ref().is_some_and(|told| told.contains("cannot be reached"));
    assert!(session.wait_until(patience, is_told), "{:?}", session.status());
    let _server = NtpServer::at(silent, 0);
    assert!(session.wait_until(patience, |f| f[0].time_origin == TimeOrigin::Rfc7273), "{:?}", session.status());
    let status = &session.status()[0];
    assert!(status.past_error.as_ref().is_some_and(|told| told.contains("cannot be reached")) && status.errors >= 1, "{status:?}");
    assert!(session.wait_until(patience, |f| f[0].last_error.is_none()), "{:?}", session.status());
    // How fast its packets count is told beside the clock that they follow.
    assert!(session.wait_until(patience, |f| f[0].source_clock.is_some_and(|c| c.skew_ppm.is_some())), "{:?}", session.status());
    sender.set_state(gst::State::Null).unwrap();
}

#[test]
fn a_nudge_shifts_what_comes_and_keeps_the_order_of_frames() {
    gst::init().unwrap();
    // B-frames: they come in another order than they are shown.
    let dir = tempfile::tempdir().unwrap();
    let clip = dir.path().join("cam01.mp4");
    let made = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=50", "-t", "6", "-c:v", "libx264", "-bf", "3", "-g", "50"])
        .arg(&clip)
        .status()
        .unwrap();
    assert!(made.success());
    let config = CaptureConfig { preview: PreviewConfig { enabled: false, ..PreviewConfig::default() }, ..CaptureConfig::default() };
    let session = CaptureSession::start(config, &[FeedSpec::live_file(&clip, false)]).unwrap();
    assert!(session.wait_until(Duration::from_secs(20), |f| f[0].received > 40));
    assert_eq!(session.nudge(FeedId(0), 5_000_000), Ok(5_000_000));
    assert_eq!(session.nudge(FeedId(0), 25_000_000), Ok(30_000_000));
    assert!(session.wait_until(Duration::from_secs(20), |f| f[0].received > 150));
    assert_eq!(session.nudge(FeedId(0), -70_000_000), Ok(-40_000_000));
    assert!(session.wait_until(Duration::from_secs(20), |f| f[0].received >= 300));
    let status = &session.status()[0];
    assert_eq!((status.dropped.total(), status.clock_offset_nanos), (0, -40_000_000), "{status:?}");
    let mut times: Vec<i64> =
        session.ring().range(FeedId(0), MediaTime::ZERO, MediaTime::from_nanos(i64::MAX / 4)).iter().map(|u| u.pts.nanos()).collect();
    times.sort_unstable();
    assert_eq!(times.len(), 300);
    let shift = |k: usize| times[k] - times[0] - k as i64 * 20_000_000;
    assert_eq!((shift(20), shift(140), shift(290)), (0, 30_000_000, -40_000_000));
    assert!(times.windows(2).all(|w| (15_000_000..25_000_000).contains(&(w[1] - w[0]))), "no frame passes another: {times:?}");
    // What is absurd is refused, with the remedy.
    let why = session.nudge(FeedId(0), 60_000_000_000).unwrap_err();
    assert!(why.contains("10 s at most") && why.contains("offset_ms"), "{why}");
    assert!(session.nudge(FeedId(9), 1).is_err());
}

/// Two network namespaces with a wire between them; gone when dropped.
struct Wire {
    master: String,
    camera: String,
}

impl Wire {
    fn new() -> Result<Self, String> {
        let id = std::process::id();
        let wire = Self { master: format!("volte-m{id}"), camera: format!("volte-c{id}") };
        let Self { master, camera } = &wire;
        ip(&format!("netns add {master}"))?;
        ip(&format!("netns add {camera}"))?;
        ip(&format!("link add ptpm netns {master} type veth peer name ptpc netns {camera}"))?;
        for (space, link, host) in [(master, "ptpm", 1), (camera, "ptpc", 2)] {
            ip(&format!("-n {space} addr add 10.77.0.{host}/24 dev {link}"))?;
            ip(&format!("-n {space} link set lo up"))?;
            ip(&format!("-n {space} link set {link} up"))?;
            // PTP asks by multicast, which finds no way out without one.
            ip(&format!("-n {space} route add 224.0.0.0/4 dev {link}"))?;
        }
        Ok(wire)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        for space in [&self.master, &self.camera] {
            ip(&format!("netns del {space}")).ok();
        }
    }
}

/// How far the house clock is from the grandmaster's own time in a second of looks, nanoseconds: the middle, and how far nine of ten looks are apart.
fn off_by(clock: &HouseClock) -> (i64, i64) {
    let mut off: Vec<i64> = (0..40)
        .map(|_| {
            std::thread::sleep(Duration::from_millis(25));
            clock.unix_now_nanos() - system_unix_nanos()
        })
        .collect();
    off.sort_unstable();
    (off[20], off[38] - off[2])
}

/// The side of [`ptp_of_a_grandmaster_on_the_network`] that runs in the camera's namespace, by that test only.
#[test]
fn ptp_as_a_camera_hears_it() {
    let Some(reference) = std::env::var_os("VOLTE_TEST_PTP") else { return };
    gst::init().unwrap();
    let clock = HouseClock::continuing(&reference.to_str().unwrap().parse().unwrap(), MediaTime::from_secs_f64(5.0));
    let until = Instant::now() + Duration::from_secs(30);
    while clock.status().round_trip_nanos.is_none() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
    }
    let status = clock.status();
    assert_eq!((status.reference.as_str(), &status.problem), ("PTP domain 24", &None));
    // The grandmaster's time is this machine's, which is the same for both namespaces. Stamps are made in software: where other work has the
    // processor, GStreamer's regression takes its minute. The best second is believed: a clock that is off has none.
    let (begun, mut best) = (Instant::now(), (i64::MAX, i64::MAX));
    while begun.elapsed() < Duration::from_secs(5) || (best.0.abs() > 500_000 && begun.elapsed() < Duration::from_mins(2)) {
        let (middle, spread) = off_by(&clock);
        if middle.abs().max(spread) <= best.0.abs().max(best.1) {
            best = (middle, spread);
        }
    }
    let took = begun.elapsed().as_secs();
    println!("{}; {} µs from the grandmaster's own clock, ± {} µs, after {took} s", clock.status(), best.0 / 1000, best.1 / 2000);
    assert!(clock.status().round_trip_nanos.is_some_and(|nanos| nanos < 20_000_000), "{:?}", clock.status());
    assert!(best.0.abs() < 2_000_000, "{} ns off, looks {} ns apart", best.0, best.1);
    let (began, house) = (Instant::now(), clock.now());
    std::thread::sleep(Duration::from_secs(2));
    let rate = (clock.now() - house) as f64 / began.elapsed().as_nanos() as f64;
    assert!((rate - 1.0).abs() < 0.01 && house > MediaTime::from_secs_f64(4.9), "{rate} {house:?}");
}

const WITHOUT_ROOT: &str = "VOLTE_TEST_PTP_AS_NOBODY";

/// `ptp4l` of linuxptp as grandmaster in one network namespace, Volte's house clock in another. Root makes them; who is not makes them in a user namespace.
#[test]
fn ptp_of_a_grandmaster_on_the_network() {
    let wire = match Wire::new() {
        Ok(wire) => wire,
        Err(why) => {
            assert!(std::env::var_os(WITHOUT_ROOT).is_none(), "the namespaces cannot be made: {why}");
            let text = again_as_root("ptp_of_a_grandmaster_on_the_network", WITHOUT_ROOT, &why);
            assert!(text.contains("µs from the grandmaster's own clock"), "{text}");
            return;
        }
    };
    let log = tempfile::NamedTempFile::new().unwrap();
    let say = log.reopen().unwrap();
    let master = std::process::Command::new("ip")
        .args(["netns", "exec", &wire.master, "ptp4l", "-i", "ptpm", "-4", "-S", "-E", "-m"])
        // It is the measure: this machine's clock is not touched.
        .args(["--domainNumber", "24", "--announceReceiptTimeout", "2", "--free_running", "1"])
        .stdout(say.try_clone().unwrap())
        .stderr(say)
        .spawn();
    let mut master = master.unwrap();
    let heard = std::process::Command::new("ip")
        .args(["netns", "exec", &wire.camera])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "ptp_as_a_camera_hears_it", "--nocapture"])
        .env("VOLTE_TEST_PTP", "ptp://24?interface=ptpc")
        .output()
        .unwrap();
    let had_ended = master.try_wait().unwrap();
    master.kill().ok();
    master.wait().unwrap();
    let said = std::fs::read_to_string(log.path()).unwrap();
    assert!(had_ended.is_none(), "ptp4l does not run: install the package linuxptp. It said: {said}");
    let text = format!("{}{}", String::from_utf8_lossy(&heard.stdout), String::from_utf8_lossy(&heard.stderr));
    println!("{text}");
    assert!(heard.status.success() && text.contains("µs from the grandmaster's own clock"), "{text}\n{said}");
}
