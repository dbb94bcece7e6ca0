//! A long night in short: eight feeds whose senders stall, die, come back with other pictures and send rubbish, a disk with no room, and
//! two processes killed on the way. Nothing panics, memory stays flat, and every frame that came is somewhere or counted with its reason.
//!
//! 36 seconds; `VOLTE_SOAK_SECS=3600 cargo test --release --test soak -- --nocapture` for the hour. Needs ffmpeg and GStreamer's tools.
#![cfg(feature = "gstreamer")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::fs::File;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use volte::capture::{CaptureConfig, CaptureSession, DiskState, FeedSource, FeedSpec, PreviewConfig};
use volte::ring::RingConfig;
use volte::ring::disk::{DiskConfig, Kept, read_segment};
use volte::time::MediaTime;

mod support {
    pub mod peers;
}
use support::peers::{Peer, port};

/// Set in the child: what it records.
const CHILD: &str = "VOLTE_TEST_SOAK_CHILD";
const SELF: &str = "a_long_night_loses_nothing_untold";
/// The ring is full after seconds, so that memory can be seen to be flat.
const RING_BYTES: u64 = 12 << 20;
const DISK_BYTES: u64 = 6 << 20;
/// What may come on top of what the child had after its first third, KiB: the allocator's own business.
const FLAT_KIB: u64 = 16 << 10;

/// What a decoder more than before may have in threads and files: a fleet of them is not a leak of one at each disturbance.
const DECODER_HAS: [i64; 2] = [2, 8];
/// Each feed is there within so long, whatever its sender suffers.
const WARM_WITHIN: Duration = Duration::from_mins(1);

/// What is told to a child, as text: folder, seconds, whether it is the last, then name and address of every feed.
struct Orders {
    folder: String,
    secs: u64,
    is_last: bool,
    feeds: Vec<(String, String)>,
}

impl Orders {
    fn to_text(&self) -> String {
        let feeds: Vec<String> = self.feeds.iter().map(|(name, uri)| format!("{name} {uri}")).collect();
        format!("{}\n{}\n{}\n{}", self.folder, self.secs, self.is_last, feeds.join("\n"))
    }

    fn of_text(text: &str) -> Self {
        let mut lines = text.lines();
        let mut next = || lines.next().unwrap().to_owned();
        let (folder, secs, is_last) = (next(), next().parse().unwrap(), next() == "true");
        let feeds = lines.map(|l| l.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap()).collect();
        Self { folder, secs, is_last, feeds }
    }
}

/// Memory of this process, KiB.
fn resident_kib() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4
}

/// How many threads (`task`) or open files (`fd`) this process has.
fn entries(of: &str) -> usize {
    std::fs::read_dir(format!("/proc/self/{of}")).unwrap().count()
}

/// What the open files of this process are, most first: `count what`.
fn kinds_of_files() -> String {
    let mut kinds = std::collections::BTreeMap::<String, usize>::new();
    for entry in std::fs::read_dir("/proc/self/fd").unwrap() {
        // The folder's own handle is gone by now.
        let Ok(link) = std::fs::read_link(entry.unwrap().path()) else { continue };
        let link = link.display().to_string();
        let kind = if std::path::Path::new(&*link).extension().is_some_and(|e| e == "mp4") {
            "an .mp4"
        } else {
            link.split(":[").next().unwrap_or_default()
        };
        *kinds.entry(kind.to_owned()).or_default() += 1;
    }
    let mut kinds: Vec<(usize, String)> = kinds.into_iter().map(|(kind, count)| (count, kind)).collect();
    kinds.sort_by(|a, b| b.cmp(a));
    kinds.iter().map(|(count, kind)| format!("{count} {kind}")).collect::<Vec<_>>().join(", ")
}

/// Frames that came and are neither in the ring, nor were pushed out of it by newer ones, nor are counted as dropped with a reason.
fn unaccounted(session: &CaptureSession) -> Vec<(String, i64)> {
    let ring = session.ring().status();
    let lost = |status: volte::capture::FeedStatus| {
        let d = status.dropped;
        let dropped = d.pins_full + d.no_keyframe + d.clock_back + d.clock_ahead + d.no_time;
        let kept = &ring.feeds[status.id.0];
        (status.name.to_string(), status.received as i64 - (dropped + kept.units + kept.evicted) as i64)
    };
    session.status().into_iter().map(lost).collect()
}

fn child(orders: &Orders) {
    let mut disk = DiskConfig::new(Path::new(&orders.folder).join("recordings"), DISK_BYTES);
    disk.segment_nanos = 2_000_000_000;
    let config = CaptureConfig {
        ring: RingConfig { budget_bytes: RING_BYTES, ..RingConfig::default() },
        preview: PreviewConfig { enabled: true, ..PreviewConfig::default() },
        disk: Some(disk),
        ..CaptureConfig::default()
    };
    let specs: Vec<FeedSpec> = orders.feeds.iter().map(|(name, uri)| FeedSpec::new(name, FeedSource::parse(uri).unwrap())).collect();
    let mut session = CaptureSession::start(config, &specs).unwrap();
    println!("found {} bytes", session.disk_status().bytes);
    // Each feed has its decoder before anything is counted, or a machine that is slow to begin looks like one that leaks.
    let mut seen = vec![false; orders.feeds.len()];
    let called = Instant::now();
    while orders.is_last && seen.iter().any(|seen| !seen) && called.elapsed() < WARM_WITHIN {
        std::thread::sleep(Duration::from_millis(250));
        for frame in session.moment(session.house_now().plus_nanos(-1_500_000_000)).frames {
            orders.feeds.iter().position(|(name, _)| *name == frame.camera).into_iter().for_each(|k| seen[k] = true);
        }
    }
    println!("warm {seen:?} after {:.1} s", called.elapsed().as_secs_f64());
    let begun = Instant::now();
    let total = Duration::from_secs(orders.secs);
    let (mut after_a_third, mut most, mut frozen, mut frames, mut told) = (0, 0, 0_u32, 0, 0);
    // Threads and files: the most of the first half, and the least of the last third.
    let (mut most_at_first, mut least_at_last) = ([0; 2], [usize::MAX; 2]);
    let (mut fills, mut was_full) = (false, false);
    while begun.elapsed() < total {
        std::thread::sleep(Duration::from_millis(250));
        // Freezes go on all night.
        let moment = session.moment(session.house_now().plus_nanos(-1_500_000_000));
        frozen += 1;
        frames += moment.frames.len();
        let share = begun.elapsed().as_secs_f64() / total.as_secs_f64();
        if share * 20.0 >= f64::from(told) {
            let ring_kib = session.ring().status().bytes >> 10;
            println!(
                "resident {:.0} % {} KiB, ring {ring_kib} KiB, {} threads, {} files",
                100.0 * share,
                resident_kib(),
                entries("task"),
                entries("fd")
            );
            println!("of them: {}", kinds_of_files());
            told += 1;
        }
        let has = ["task", "fd"].map(entries);
        if share < 0.34 {
            after_a_third = resident_kib();
        }
        if share < 0.5 {
            most_at_first = [0, 1].map(|k| most_at_first[k].max(has[k]));
        } else if share > 0.67 {
            least_at_last = [0, 1].map(|k| least_at_last[k].min(has[k]));
        }
        most = most.max(resident_kib());
        // The last one has a disk without room for a while.
        if orders.is_last && (0.35..0.6).contains(&share) && !fills {
            fills = true;
            let all = Kept {
                id: 7,
                from: MediaTime::from_nanos(0),
                until: MediaTime::from_nanos(i64::MAX / 4),
                data: serde_json::Value::Null,
                shift_nanos: 0,
            };
            session.keep(all).unwrap();
        }
        was_full |= session.disk_status().state == DiskState::Paused;
        if fills && share > 0.6 {
            fills = false;
            session.forget(7).unwrap();
        }
    }
    println!("disk {:?} was_full {was_full} bytes {} of {DISK_BYTES}", session.disk_status().state, session.disk_status().bytes);
    for status in session.status() {
        println!("{status:?}");
    }
    session.stop();
    for (name, lost) in unaccounted(&session) {
        println!("unaccounted {name} {lost}");
    }
    let ring = session.ring().status();
    println!("ring {} of {RING_BYTES}", ring.bytes);
    println!("moments {frozen} frames {frames}");
    println!("memory {after_a_third} {most}");
    println!("threads {} {}", most_at_first[0], least_at_last[0]);
    println!("files {} {}", most_at_first[1], least_at_last[1]);
    println!("end");
}

// In words: `SIZE` and `PORT` are filled in.
const TS: &str = "-re -f lavfi -i testsrc2=size=SIZE:rate=25 -pix_fmt yuv420p -c:v libx264 -preset ultrafast -tune zerolatency -g 10 \
                  -x264-params threads=1 -f mpegts udp://127.0.0.1:PORT?pkt_size=1316";
const MPEG4: &str =
    "-re -f lavfi -i testsrc2=size=SIZE:rate=25 -pix_fmt yuv420p -c:v mpeg4 -g 10 -f mpegts udp://127.0.0.1:PORT?pkt_size=1316";
const SRT: &str = "-re -f lavfi -i testsrc2=size=SIZE:rate=25 -pix_fmt yuv420p -c:v libx264 -preset ultrafast -tune zerolatency -g 10 \
                   -x264-params threads=1 -f mpegts srt://127.0.0.1:PORT?mode=caller";
const RTP: &str = "videotestsrc is-live=true ! video/x-raw,SIZE,framerate=25/1,format=I420 ! jpegenc ! rtpjpegpay pt=26 ! udpsink host=127.0.0.1 port=PORT";

/// A sender that can be made to do all that senders do.
struct Sender {
    port: u16,
    /// In words, `SIZE` and `PORT` to be filled in.
    words: &'static str,
    is_gst: bool,
    peer: Option<Peer>,
    /// Nothing is sent or only from then on.
    until: Option<Instant>,
    stalls: bool,
    size: usize,
}

const SIZES: [(u32, u32); 3] = [(320, 184), (256, 144), (160, 96)];

impl Sender {
    fn new(words: &'static str, is_gst: bool) -> Self {
        let mut sender = Self { port: port(), words, is_gst, peer: None, until: None, stalls: false, size: 0 };
        sender.start();
        sender
    }

    fn start(&mut self) {
        let (w, h) = SIZES[self.size];
        let size = if self.is_gst { format!("width={w},height={h}") } else { format!("{w}x{h}") };
        let words = self.words.replace("SIZE", &size).replace("PORT", &self.port.to_string());
        self.peer = Some(if self.is_gst { Peer::gst(&words) } else { Peer::ffmpeg(&words) });
    }

    fn rubbish(&self, random: &mut Random) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..60 {
            let mut packet: Vec<u8> = (0..188 * 7).map(|_| random.below(256) as u8).collect();
            // Half of them look like what is expected there, at first sight.
            if random.below(2) == 0 {
                packet.iter_mut().step_by(188).for_each(|byte| *byte = 0x47);
            } else {
                packet[0] = 0x80;
            }
            packet.truncate(1 + random.below(1316) as usize);
            socket.send_to(&packet, ("127.0.0.1", self.port)).ok();
        }
    }

    /// Something happens to it.
    fn suffer(&mut self, random: &mut Random, told: &mut [u32; 4]) {
        if self.until.is_some() {
            return;
        }
        let what = random.below(4) as usize;
        told[what] += 1;
        let later = Instant::now() + Duration::from_millis(300 + random.below(4000));
        match what {
            0 => (self.peer, self.until) = (None, Some(later)),
            1 => {
                self.peer.iter().for_each(|peer| peer.stall(true));
                (self.stalls, self.until) = (true, Some(later));
            }
            2 => self.rubbish(random),
            _ => {
                self.peer = None;
                self.size = (self.size + 1) % SIZES.len();
                self.start();
            }
        }
    }

    fn recover(&mut self) {
        // A caller gives up when nobody listens; a real one calls again.
        if self.until.is_none() && self.peer.as_mut().is_none_or(Peer::has_ended) {
            self.start();
        }
        if self.until.is_none_or(|until| Instant::now() < until) {
            return;
        }
        self.until = None;
        if std::mem::take(&mut self.stalls) {
            self.peer.iter().for_each(|peer| peer.stall(false));
        } else {
            self.start();
        }
    }
}

/// splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }
}

fn start_child(orders: &Orders, log: &Path) -> Child {
    let out = File::create(log).unwrap();
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", SELF, "--nocapture"])
        .env(CHILD, orders.to_text())
        // `volte` limits itself in the same way; 0 is glibc's own choice.
        .env("MALLOC_ARENA_MAX", std::env::var("VOLTE_SOAK_ARENAS").unwrap_or_else(|_| "1".to_owned()))
        .stdout(Stdio::from(out.try_clone().unwrap()))
        .stderr(Stdio::from(out))
        .spawn()
        .unwrap()
}

/// Number of units on disk; every whole one must be readable.
fn units_on_disk(folder: &Path) -> usize {
    let mut units = 0;
    for entry in std::fs::read_dir(folder.join("recordings")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "mp4") {
            let mut file = File::open(&path).unwrap();
            let segment = read_segment(&mut file).unwrap_or_else(|e| panic!("{path:?}: {e}"));
            for unit in &segment.units {
                assert!(unit.payload(&mut file).unwrap().is_some(), "{path:?}: a unit is damaged");
            }
            units += segment.units.len();
        }
    }
    units
}

fn number(line: &str, at: usize) -> i64 {
    line.split_whitespace().nth(at).unwrap().parse().unwrap()
}

#[test]
fn a_long_night_loses_nothing_untold() {
    if let Ok(text) = std::env::var(CHILD) {
        return child(&Orders::of_text(&text));
    }
    let total: u64 = std::env::var("VOLTE_SOAK_SECS").ok().and_then(|s| s.parse().ok()).unwrap_or(36).max(30);
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    println!("seed {seed}");
    let mut random = Random(seed);
    let dir = tempfile::tempdir().unwrap();
    let clip = dir.path().join("clip.mp4");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x184:rate=25:duration=2", "-g", "10", "-pix_fmt", "yuv420p"])
        .arg(&clip)
        .status();
    assert!(made.expect("ffmpeg is needed: install the package ffmpeg").success());

    let mut senders =
        [Sender::new(TS, false), Sender::new(TS, false), Sender::new(MPEG4, false), Sender::new(SRT, false), Sender::new(RTP, true)];
    let uri = ["udp://127.0.0.1:", "udp://127.0.0.1:", "udp://127.0.0.1:", "srt://:", "rtp://127.0.0.1:"];
    let tail = ["", "", "", "", "?encoding=jpeg"];
    let mut feeds: Vec<(String, String)> = (0..3).map(|i| (format!("file{i}"), format!("file:{}?loop", clip.display()))).collect();
    feeds.extend(senders.iter().enumerate().map(|(i, s)| (format!("net{i}"), format!("{}{}{}", uri[i], s.port, tail[i]))));

    let mut told = [0_u32; 4];
    let mut before = 0;
    for round in 0..3 {
        let is_last = round == 2;
        // Memory needs the longest look.
        let secs = if is_last { total / 2 } else { total / 4 };
        let log = dir.path().join(format!("child{round}.log"));
        let orders =
            Orders { folder: dir.path().display().to_string(), secs: if is_last { secs } else { 86_400 }, is_last, feeds: feeds.clone() };
        let mut process = start_child(&orders, &log);
        let begun = Instant::now();
        let lasts = Duration::from_secs(secs) + Duration::from_millis(random.below(900));
        let status = loop {
            std::thread::sleep(Duration::from_millis(200));
            senders.iter_mut().for_each(Sender::recover);
            if random.below(4) == 0 {
                let victim = random.below(senders.len() as u64) as usize;
                senders[victim].suffer(&mut random, &mut told);
            }
            let ended = process.try_wait().unwrap();
            if ended.is_some() || (!is_last && begun.elapsed() > lasts) {
                break ended;
            }
            assert!(
                begun.elapsed() < lasts + WARM_WITHIN + Duration::from_secs(30),
                "it does not end: {}",
                std::fs::read_to_string(&log).unwrap()
            );
        };
        let text = || std::fs::read_to_string(&log).unwrap();
        assert!(!text().contains("panicked"), "{}", text());
        if is_last {
            assert!(status.is_some_and(|s| s.success()), "{}", text());
        } else {
            assert!(status.is_none(), "it ended by itself: {}", text());
            process.kill().unwrap();
            process.wait().unwrap();
        }
        if round > 0 {
            let found = text().lines().find(|l| l.starts_with("found ")).map(|l| number(l, 1)).unwrap();
            assert!(found > 0 && before > 0, "a restart finds what was recorded");
        }
        before = units_on_disk(dir.path());
        assert!(before > 100, "{before} units on disk");
    }
    let text = std::fs::read_to_string(dir.path().join("child2.log")).unwrap();
    assert!(text.lines().any(|l| l == "end"), "{text}");
    let lines = |word: &'static str| text.lines().filter(move |l| l.starts_with(word));
    lines("resident ").zip(lines("of them: ")).for_each(|(resident, files)| println!("{resident}; {files}"));
    assert_eq!(lines("unaccounted ").count(), 8);
    for line in lines("unaccounted ") {
        assert_eq!(number(line, 2), 0, "{line}: frames are neither kept nor counted\n{text}");
    }
    let memory = lines("memory ").next().unwrap();
    assert!(number(memory, 2) as u64 <= number(memory, 1) as u64 + FLAT_KIB, "{memory} KiB: memory grows");
    // Each disturbance ends a connection and begins one: what leaks a thread or a file with it passes the most of the quiet time soon.
    for (what, more) in ["threads ", "files "].into_iter().zip(DECODER_HAS) {
        let line = lines(what).next().unwrap();
        assert!(number(line, 2) <= number(line, 1) + more, "{line}: more at the end than ever at the beginning\n{text}");
    }
    assert!(text.contains("disk Recording was_full true"), "{text}");
    // Who was left alone noticed nothing.
    for i in 0..3 {
        let status = text.lines().find(|l| l.contains(&format!("name: \"file{i}\""))).unwrap();
        for word in ["state: Live", "damaged: 0", "reconnects: 0", "clock_back: 0", "no_keyframe: 0"] {
            assert!(status.contains(word), "no {word:?} in {status}");
        }
    }
    // Three cameras that nobody disturbs are in nearly every freeze; others in many.
    let moments = lines("moments ").next().unwrap();
    assert!(number(moments, 3) >= 3 * number(moments, 1) - 12, "{moments}\n{text}");
    println!("killed, stalled, rubbish, other format: {told:?}; {moments}; {memory} KiB; {before} units on disk");
}
