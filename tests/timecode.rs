//! Times that come inside a stream: the sender's clock of a transport stream, timecode in the pictures, timecode as a tone. Streams are made by
//! GStreamer and ffmpeg, sent by their own clock with jitter and delays that are known, and compared picture by picture.
#![cfg(feature = "gstreamer")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{
    collections::HashMap,
    io::Write as _,
    net::UdpSocket,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use volte::{
    capture::{CaptureConfig, CaptureSession, FeedSource, FeedSpec, FeedStatus, PreviewConfig, TimeOrigin},
    ring::RingConfig,
    sound::LtcWriter,
    time::{FrameRate, MediaTime, Timecode},
};

mod support {
    pub mod peers;
}
use support::peers::port;

const PACKET: usize = 188;

fn run(program: &str, words: &str) {
    let done = Command::new(program).args(words.split_whitespace()).status();
    assert!(done.unwrap_or_else(|e| panic!("{program} does not start: {e}")).success(), "{program} {words}");
}

/// Pictures of 25 a second in H.264 whose timing SEI has the labels from `first` on, written by GStreamer.
fn labelled_pictures(path: &Path, frames: u32, first: &str) {
    let x264 = "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 threads=1 option-string=pic-struct=1";
    let source = format!("videotestsrc num-buffers={frames} pattern=ball ! video/x-raw,width=160,height=96,framerate=25/1");
    let labels = format!("timecodestamper set-internal-timecode={first}");
    let out = format!("h264parse update-timecode=true ! mpegtsmux ! filesink location={}", path.display());
    run("gst-launch-1.0", &format!("-q {source} ! {labels} ! {x264} ! {out}"));
}

/// Pictures without labels, and a track of sound whose right channel is the tone from frame `first` of the day on.
fn pictures_beside_a_tone(path: &Path, frames: u32, first: u64) {
    let (mut writer, mut sound) = (LtcWriter::new(FrameRate::whole(25)), Vec::new());
    (0..u64::from(frames)).for_each(|k| writer.write(first + k, &mut sound));
    let raw = path.with_extension("s16");
    let bytes: Vec<u8> = sound.iter().flat_map(|s| [[0; 2], ((s * 20_000.0) as i16).to_le_bytes()].concat()).collect();
    std::fs::write(&raw, bytes).unwrap();
    let secs = frames / 25;
    let pictures = format!("-f lavfi -t {secs} -i testsrc=size=160x96:rate=25");
    let codecs = "-pix_fmt yuv420p -c:v libx264 -preset ultrafast -tune zerolatency -g 10 -threads 1 -c:a mp2 -b:a 256k";
    let tone = format!("-f s16le -ar 48000 -ac 2 -i {}", raw.display());
    run("ffmpeg", &format!("-v error -nostdin {pictures} {tone} {codecs} -map 0:v -map 1:a -f mpegts -y {}", path.display()));
}

/// The reference in a packet, seconds.
fn reference(packet: &[u8]) -> Option<f64> {
    let has_one = packet[3] & 0x20 != 0 && packet[4] >= 7 && packet[5] & 0x10 != 0;
    let base = packet[6..10].iter().fold(0_u64, |n, b| n << 8 | u64::from(*b)) << 1 | u64::from(packet[10] >> 7);
    has_one.then_some(base as f64 / 90_000.0)
}

/// Somebody who gets the stream: at this port, so much later, with so much jitter (seconds).
#[derive(Clone, Copy)]
struct Receiver {
    port: u16,
    delay: f64,
    jitter: f64,
}

/// Sends a transport stream by its own references to all receivers.
fn send(stream: &[u8], receivers: &[Receiver]) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (mut first, mut now, mut due) = (None, 0.0, Vec::new());
    let mut newest: HashMap<u16, f64> = HashMap::new();
    // A datagram begins with each reference: what comes after it is not sent before.
    let mut datagrams: Vec<&[u8]> = Vec::new();
    let mut begun = 0;
    for at in (PACKET..=stream.len()).step_by(PACKET) {
        let begins = stream.get(at..at + PACKET).is_none_or(|next| reference(next).is_some());
        if begins || at - begun == 7 * PACKET {
            datagrams.push(&stream[begun..at]);
            begun = at;
        }
    }
    for (k, packets) in datagrams.into_iter().enumerate() {
        if let Some(at) = packets.get(..PACKET).and_then(reference) {
            now = at - *first.get_or_insert(at);
        }
        for receiver in receivers {
            // Deterministic, and packets keep their order.
            let noise = ((k as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / f64::from(1 << 24);
            let at = (now + receiver.delay + receiver.jitter * noise).max(newest.get(&receiver.port).copied().unwrap_or(0.0));
            newest.insert(receiver.port, at);
            due.push((at, receiver.port, packets));
        }
    }
    due.sort_by(|a, b| a.0.total_cmp(&b.0));
    let begun = Instant::now();
    for (at, port, packets) in due {
        std::thread::sleep(Duration::from_secs_f64(at + 0.2).saturating_sub(begun.elapsed()));
        socket.send_to(packets, ("127.0.0.1", port)).unwrap();
    }
}

fn start(addresses: &[String]) -> CaptureSession {
    let specs = addresses.iter().enumerate().map(|(k, uri)| FeedSpec::new(format!("cam{k}"), FeedSource::parse(uri).unwrap()));
    let ring = RingConfig { budget_bytes: 64 << 20, detect_repeats: false, ..RingConfig::default() };
    let config = CaptureConfig { ring, preview: PreviewConfig { enabled: false, ..PreviewConfig::default() }, ..CaptureConfig::default() };
    CaptureSession::start(config, &specs.collect::<Vec<_>>()).unwrap()
}

/// The time of every picture of a feed, nanoseconds, by its bytes.
fn times(session: &CaptureSession, feed: usize) -> HashMap<Vec<u8>, i64> {
    let id = session.ring().feeds()[feed].0;
    let (from, until) = (MediaTime::from_nanos(-3_600_000_000_000), MediaTime::from_nanos(3_600_000_000_000));
    session.ring().range(id, from, until).into_iter().map(|u| (u.payload.to_vec(), u.pts.nanos())).collect()
}

/// How far the same pictures of two feeds are apart, milliseconds, sorted; those that began in the first `skip` seconds are left out.
fn apart_ms(session: &CaptureSession, (a, b): (usize, usize), skip: f64) -> Vec<f64> {
    let (a, b) = (times(session, a), times(session, b));
    let begun = a.values().min().copied().unwrap_or(0) + (skip * 1e9) as i64;
    let mut apart: Vec<f64> = a.iter().filter(|(_, t)| **t > begun).filter_map(|(p, t)| Some((b.get(p)? - t) as f64 * 1e-6)).collect();
    apart.sort_by(f64::total_cmp);
    apart
}

fn spread(sorted: &[f64]) -> (f64, f64) {
    (sorted[sorted.len() / 2], sorted[sorted.len() * 19 / 20] - sorted[sorted.len() / 20])
}

fn wait(session: &CaptureSession, what: &str, done: impl Fn(&[FeedStatus]) -> bool) {
    assert!(session.wait_until(Duration::from_secs(20), done), "{what}: {:#?}", session.status());
}

#[test]
fn pictures_with_one_label_have_one_time_over_midnight_however_late_they_come() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("labels.ts");
    labelled_pictures(&path, 250, "23:59:55:00");
    let stream = std::fs::read(&path).unwrap();
    let ports = [port(), port(), port()];
    let uris = ["?time=timecode", "?time=timecode", ""].iter().zip(ports).map(|(time, port)| format!("udp://127.0.0.1:{port}{time}"));
    let session = start(&uris.collect::<Vec<_>>());
    let receiver = |k: usize, delay| Receiver { port: ports[k], delay, jitter: 0.005 };
    send(&stream, &[receiver(0, 0.0), receiver(1, 0.65), receiver(2, 0.65)]);
    wait(&session, "labels", |f| f.iter().all(|f| f.received > 240));
    let status = session.status();
    assert_eq!([0, 1, 2].map(|k| status[k].time_origin), [TimeOrigin::Timecode, TimeOrigin::Timecode, TimeOrigin::Pcr]);
    // Ten seconds from five before midnight; read, whether it is used or not.
    assert!(status.iter().all(|f| f.timecode.is_some_and(|l| l.hours == 0 && l.seconds == 4 && l.frames > 15)), "{status:#?}");
    assert!(status[1].clock_in_words().contains("time from timecode") && status[1].clock_in_words().contains("timecode 00:00:04:"));
    let ((by_label, scatter), (by_arrival, _)) = (spread(&apart_ms(&session, (0, 1), 1.0)), spread(&apart_ms(&session, (0, 2), 1.0)));
    println!("650 ms later: {by_label:+.3} ms apart by label (90 % within {scatter:.3} ms), {by_arrival:+.1} ms by arrival");
    assert!(by_label.abs() < 2.0 && scatter < 4.0, "{by_label} ± {scatter} ms");
    assert!((by_arrival - 650.0).abs() < 25.0, "{by_arrival} ms");
    assert!(status.iter().all(|f| f.dropped.total() == 0), "{status:#?}");
}

#[test]
fn a_tone_on_the_sound_track_puts_pictures_in_step() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tone.ts");
    pictures_beside_a_tone(&path, 200, 900_000);
    let stream = std::fs::read(&path).unwrap();
    let ports = [port(), port()];
    let session = start(&ports.map(|port| format!("udp://127.0.0.1:{port}?time=ltc")));
    send(&stream, &[Receiver { port: ports[0], delay: 0.0, jitter: 0.002 }, Receiver { port: ports[1], delay: 0.9, jitter: 0.002 }]);
    wait(&session, "labels", |f| f.iter().all(|f| f.received > 190 && f.time_origin == TimeOrigin::Ltc));
    let status = session.status();
    let label = status[0].timecode.unwrap().frame_of_day(FrameRate::whole(25)).unwrap();
    assert!((900_180..900_200).contains(&label), "{:?}", status[0].timecode);
    let (apart, scatter) = spread(&apart_ms(&session, (0, 1), 2.0));
    println!("900 ms later: {apart:+.3} ms apart by the tone (90 % within {scatter:.3} ms)");
    assert!(apart.abs() < 4.0 && scatter < 8.0, "{apart} ± {scatter} ms");
}

#[test]
fn the_senders_clock_is_found_through_jitter() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jitter.ts");
    labelled_pictures(&path, 250, "10:00:00:00");
    let stream = std::fs::read(&path).unwrap();
    let ports = [port(), port(), port()];
    let uris = ["", "", "?time=arrival"].iter().zip(ports).map(|(time, port)| format!("udp://127.0.0.1:{port}{time}"));
    let session = start(&uris.collect::<Vec<_>>());
    let receiver = |k: usize, jitter| Receiver { port: ports[k], delay: 0.0, jitter };
    send(&stream, &[receiver(0, 0.0), receiver(1, 0.03), receiver(2, 0.03)]);
    wait(&session, "pictures", |f| f.iter().all(|f| f.received > 240));
    let status = session.status();
    assert_eq!([0, 1, 2].map(|k| status[k].time_origin), [TimeOrigin::Pcr, TimeOrigin::Pcr, TimeOrigin::Arrival]);
    let clock = status[1].source_clock.unwrap();
    assert!(clock.jumps == 0 && clock.skew_ppm.is_some() && clock.jitter_nanos > 2_000_000, "{clock:?}");
    assert!(status[0].source_clock.unwrap().jitter_nanos < clock.jitter_nanos, "{status:#?}");
    let (by_pcr, by_arrival) = (spread(&apart_ms(&session, (0, 1), 3.0)), spread(&apart_ms(&session, (0, 2), 3.0)));
    println!(
        "30 ms of jitter, against none: by PCR {:+.2} ms (90 % within {:.2}), by arrival {:+.2} ms ({:.2})",
        by_pcr.0, by_pcr.1, by_arrival.0, by_arrival.1
    );
    assert!(by_pcr.0.abs() < 30.0 && by_pcr.1 < 8.0, "{by_pcr:?}");
}

#[test]
fn h265_brings_its_labels_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let (coded, path) = (dir.path().join("plain.h265"), dir.path().join("labels.ts"));
    let x265 = "-c:v libx265 -preset ultrafast -tune zerolatency -x265-params keyint=10:bframes=0:log-level=error:pools=1:repeat-headers=1:info=0:frame-threads=1";
    run(
        "ffmpeg",
        &format!("-v error -nostdin -f lavfi -t 4 -i testsrc=size=160x96:rate=25 -pix_fmt yuv420p {x265} -f hevc -y {}", coded.display()),
    );
    let labelled = with_time_code_sei(&std::fs::read(&coded).unwrap(), 60 * 60 * 25);
    let with = dir.path().join("labelled.h265");
    std::fs::File::create(&with).unwrap().write_all(&labelled).unwrap();
    run("ffmpeg", &format!("-v error -nostdin -r 25 -f hevc -i {} -c copy -f mpegts -y {}", with.display(), path.display()));
    let port = port();
    let session = start(&[format!("udp://127.0.0.1:{port}?time=timecode")]);
    send(&std::fs::read(&path).unwrap(), &[Receiver { port, delay: 0.0, jitter: 0.0 }]);
    wait(&session, "labels", |f| f[0].received > 90 && f[0].time_origin == TimeOrigin::Timecode);
    let label = session.status()[0].timecode.unwrap();
    assert_eq!((label.hours, label.minutes, label.seconds), (1, 0, 3), "{label}");
}

/// A byte stream of H.265, every access unit with a time code SEI (Rec. ITU-T H.265, D.2.27) from frame `first` of the day on, 25 a second.
fn with_time_code_sei(stream: &[u8], first: u64) -> Vec<u8> {
    let starts: Vec<usize> = stream.windows(3).enumerate().filter(|(_, w)| *w == [0, 0, 1]).map(|(at, _)| at).collect();
    let (mut out, mut index) = (Vec::new(), first);
    for (k, at) in starts.iter().enumerate() {
        let unit = &stream[*at..starts.get(k + 1).copied().unwrap_or(stream.len())];
        // The first slice of a picture: a coded slice whose first bit says so.
        if (unit[3] >> 1) & 0x3f < 32 && unit[5] & 0x80 != 0 {
            out.extend(time_code_sei(Timecode::of_frame(index, FrameRate::whole(25))));
            index += 1;
        }
        out.extend_from_slice(unit);
    }
    assert!(index - first > 90, "{} pictures", index - first);
    out
}

fn time_code_sei(label: Timecode) -> Vec<u8> {
    let mut bits = Vec::new();
    let mut put = |value: u64, count: usize| bits.extend((0..count).rev().map(|k| (value >> k & 1) as u8));
    // One clock; it is there, counts frames, by no special method, whole, without a jump, nothing dropped.
    for (value, count) in [(1, 2), (1, 1), (0, 1), (0, 5), (1, 1), (0, 1), (0, 1)] {
        put(value, count);
    }
    for (value, count) in [(label.frames, 9), (label.seconds, 6), (label.minutes, 6), (label.hours, 5)] {
        put(u64::from(value), count);
    }
    put(0, 5);
    // The end of the payload, and of the unit.
    bits.push(1);
    bits.resize(bits.len().next_multiple_of(8), 0);
    let payload: Vec<u8> = bits.chunks(8).map(|b| b.iter().fold(0, |byte, bit| byte << 1 | bit)).collect();
    let mut unit = vec![0x4e, 0x01, 136, payload.len() as u8];
    unit.extend(payload);
    unit.push(0x80);
    let mut coded = vec![0, 0, 0, 1];
    let mut zeros = 0;
    for byte in unit {
        if zeros == 2 && byte <= 3 {
            coded.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        coded.push(byte);
    }
    coded
}
