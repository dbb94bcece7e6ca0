//! Cameras that say who they are and which frame this is, nodes as processes, and a bad network between them and the console.
#![allow(dead_code, reason = "each test uses its part")]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use volte::frame::Picture;

use super::numbers::{HEIGHT, WIDTH, number_of, numbered};

pub const FPS: u32 = 25;
const FRAME_BITS: u32 = 12;

/// A film of one camera: each picture says camera and frame. A keyframe each second.
pub fn film(folder: &Path, camera: u16, frames: u16) -> PathBuf {
    let path = folder.join(format!("film{camera}.mp4"));
    let size = format!("{WIDTH}x{HEIGHT}");
    let rate = FPS.to_string();
    let mut encoder = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgba", "-s", &size, "-r", &rate, "-i", "-"])
        .args(["-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", &rate, "-bf", "0"])
        .args(["-x264-params", "threads=1"])
        .arg(&path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("ffmpeg does not start: install the package ffmpeg");
    let mut pictures = encoder.stdin.take().unwrap();
    for frame in 0..frames {
        pictures.write_all(numbered(camera << FRAME_BITS | frame).rgba()).unwrap();
    }
    drop(pictures);
    assert!(encoder.wait().unwrap().success());
    path
}

/// Films of four cameras, made once.
pub fn films() -> &'static [PathBuf] {
    static FILMS: OnceLock<(tempfile::TempDir, Vec<PathBuf>)> = OnceLock::new();
    let made = FILMS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let films = (0..4).map(|k| film(folder.path(), k, 1200)).collect();
        (folder, films)
    });
    &made.1
}

/// Camera and frame of a picture.
pub fn read(picture: &Picture) -> Option<(u16, u16)> {
    let picture = if picture.width() == WIDTH { picture.clone() } else { picture.resized(WIDTH, HEIGHT) };
    let grey: Vec<u8> = picture.rgba().chunks_exact(4).map(|p| p[1]).collect();
    number_of(&grey).map(|n| (n >> FRAME_BITS, n & ((1 << FRAME_BITS) - 1)))
}

/// Plays films in step, as cameras: film `i` to UDP port `i`.
pub fn play(films: &[PathBuf], ports: &[u16]) -> super::peers::Peer {
    super::peers::Peer::ffmpeg(&playing(films, ports))
}

/// What ffmpeg is told for that.
pub fn playing(films: &[PathBuf], ports: &[u16]) -> String {
    let mut words = Vec::new();
    for film in films {
        words.push(format!("-re -i {}", film.display()));
    }
    for (k, port) in ports.iter().enumerate() {
        words.push(format!("-map {k} -c copy -muxdelay 0 -muxpreload 0 -flush_packets 1 -f mpegts udp://127.0.0.1:{port}?pkt_size=1316"));
    }
    words.join(" ")
}

/// `volte node` as a process of its own, which is killed when it is dropped.
pub struct NodeProcess(Child);

impl NodeProcess {
    /// Runs a file's node; returns when it listens.
    pub fn start(file: &Path, further: &[&str]) -> Self {
        Self::start_by(&[], file, further)
    }

    /// The same, started by another program: words that stand before its own.
    pub fn start_by(before: &[&str], file: &Path, further: &[&str]) -> Self {
        let volte = env!("CARGO_BIN_EXE_volte");
        let words: Vec<&str> = before.iter().copied().chain([volte, "node"]).collect();
        let mut child =
            Command::new(words[0]).args(&words[1..]).arg(file).args(further).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        assert!(line.starts_with("listening at "), "the node says {line:?}");
        background(move || std::io::copy(&mut out, &mut std::io::sink()));
        Self(child)
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn background<T>(work: impl FnOnce() -> T + Send + 'static)
where
    T: Send + 'static,
{
    thread::Builder::new().name("way".to_owned()).spawn(work).unwrap();
}

/// A way that delays every byte, stalls as TCP does when a packet is lost, and can be cut.
pub struct BadWay {
    pub port: u16,
    cut: Arc<AtomicBool>,
    delay_ms: Arc<AtomicU64>,
}

impl BadWay {
    /// To a port of this machine; each direction takes `delay_ms`, up to half as long again by chance, and now and then 100 ms more.
    pub fn to(port: u16, delay_ms: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let (cut, delay) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(delay_ms)));
        let way = Self { port: own, cut: Arc::clone(&cut), delay_ms: Arc::clone(&delay) };
        background(move || {
            for (k, near) in listener.incoming().flatten().enumerate() {
                let far = if cut.load(Ordering::Relaxed) { None } else { TcpStream::connect(("127.0.0.1", port)).ok() };
                let Some(far) = far else {
                    near.shutdown(Shutdown::Both).ok();
                    continue;
                };
                for (k, from, to) in [(2 * k, &near, &far), (2 * k + 1, &far, &near)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    to.set_nodelay(true).ok();
                    carry(k as u64, from, to, &cut, &delay);
                }
            }
        });
        way
    }

    /// Nothing gets through any more, and all connections break; or it works again.
    pub fn cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::Relaxed);
    }
}

fn carry(seed: u64, mut from: TcpStream, mut to: TcpStream, cut: &Arc<AtomicBool>, delay_ms: &Arc<AtomicU64>) {
    let (due, arriving) = mpsc::sync_channel::<(Instant, Vec<u8>)>(10_000);
    let (cut, reading_cut, delay_ms) = (Arc::clone(cut), Arc::clone(cut), Arc::clone(delay_ms));
    from.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    background(move || {
        let mut state = seed.wrapping_mul(77).wrapping_add(1);
        let mut chance = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / (1_u64 << 24) as f64
        };
        let (mut buffer, mut last) = ([0; 16 << 10], Instant::now());
        while !reading_cut.load(Ordering::Relaxed) {
            let len = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(len) => len,
                Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => continue,
                Err(_) => break,
            };
            let delay = delay_ms.load(Ordering::Relaxed) as f64 * (1.0 + 0.5 * chance());
            let lost = if delay > 0.0 && chance() < 0.005 { 100.0 } else { 0.0 };
            // Order is kept.
            last = last.max(Instant::now() + Duration::from_secs_f64((delay + lost) * 1e-3));
            if due.send((last, buffer[..len].to_vec())).is_err() {
                break;
            }
        }
        from.shutdown(Shutdown::Both).ok();
    });
    background(move || {
        for (at, bytes) in arriving {
            thread::sleep(at.saturating_duration_since(Instant::now()));
            if cut.load(Ordering::Relaxed) || to.write_all(&bytes).is_err() {
                break;
            }
        }
        to.shutdown(Shutdown::Both).ok();
    });
}

/// A rig of cameras of these names on a circle.
pub fn rig_text(names: &[&str]) -> String {
    let mut text = String::from("version = 1\n");
    for (k, name) in names.iter().enumerate() {
        let (s, c) = (0.2 * k as f64).sin_cos();
        write!(
            text,
            "[[camera]]\nname = {name:?}\nsize_px = [{WIDTH}, {HEIGHT}]\nfocal_px = [300.0, 300.0]\ncenter_px = [160.0, 90.0]\n\
             rotation = [[{c}, {s}, 0.0], [0.0, 0.0, -1.0], [{}, {c}, 0.0]]\ntranslation_m = [0.0, 1.0, 6.0]\n",
            -s
        )
        .unwrap();
    }
    text
}
