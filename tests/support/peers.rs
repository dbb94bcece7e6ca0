//! Senders on loopback: real programs that speak a camera's protocol. One that is not installed fails the test and says
//! which package brings it.

#![allow(dead_code, reason = "each test uses its part")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

/// A program that is killed when it is dropped.
pub struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Peer {
    /// Starts a program of a Debian package.
    pub fn start(program: &str, package: &str, arguments: &[&str]) -> Self {
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(if std::env::var_os("VOLTE_PEERS_TALK").is_some() { Stdio::inherit() } else { Stdio::null() })
            .spawn();
        Self(child.unwrap_or_else(|e| panic!("{program} does not start ({e}): install the package {package}")))
    }

    /// Whether it ends by itself within so long.
    pub fn ends_within(&mut self, patience: std::time::Duration) -> bool {
        let until = std::time::Instant::now() + patience;
        while std::time::Instant::now() < until {
            if matches!(self.0.try_wait(), Ok(Some(_))) {
                return true;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        false
    }

    /// `gst-launch-1.0` with a pipeline in words.
    pub fn gst(pipeline: &str) -> Self {
        Self::start("gst-launch-1.0", "gstreamer1.0-tools", &[&["-q"], &pipeline.split_whitespace().collect::<Vec<_>>()[..]].concat())
    }

    /// `ffmpeg` with arguments in words.
    pub fn ffmpeg(arguments: &str) -> Self {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        Self::start("ffmpeg", "ffmpeg", &[&["-v", "error", "-nostdin", "-threads", "1"], &words[..]].concat())
    }

    /// Stops it in mid-sentence, or lets it go on.
    #[allow(dead_code, reason = "not every test does that")]
    pub fn stall(&self, stalls: bool) {
        let done = Command::new("kill").args([if stalls { "-STOP" } else { "-CONT" }, &self.0.id().to_string()]).status();
        assert!(done.is_ok_and(|s| s.success()), "kill cannot stop process {}", self.0.id());
    }

    /// Whether it has ended by itself.
    #[allow(dead_code, reason = "not every test asks")]
    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().is_ok_and(|status| status.is_some())
    }

    /// GStreamer's RTSP server; serves `/cam`.
    pub fn rtsp(port: u16, launch: &str, login: Option<(&str, &str)>) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/rtsp_server.py");
        let port = port.to_string();
        let mut arguments = vec![script, &port, launch];
        arguments.extend(login.iter().flat_map(|(user, password)| [*user, *password]));
        // The system's own Python: it has the modules of the system's packages.
        let mut peer = Self::start("/usr/bin/python3", "python3", &arguments);
        let mut line = String::new();
        let out = peer.0.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ready", "the RTSP server does not start: install the packages python3-gi and gir1.2-gst-rtsp-server-1.0");
        peer
    }
}

/// A port that nobody uses, even, with a free neighbour: what RTP and RIST want. Different in every test of this process.
pub fn port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let base = 20_000 + (std::process::id() % 400) as u16 * 100;
    loop {
        let port = base + NEXT.fetch_add(2, Ordering::Relaxed) % 100;
        let udp = |port| UdpSocket::bind(("127.0.0.1", port)).is_ok();
        if udp(port) && udp(port + 1) && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Serves the files of a folder over HTTP until the test ends.
pub fn serve_files(folder: &Path) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let folder = folder.to_owned();
    // Browsers open connections ahead that ask for nothing: each one has a thread of its own.
    let serve = move || {
        for mut stream in listener.incoming().flatten() {
            let folder = folder.clone();
            let answer = move || {
                let mut request = [0; 4096];
                let len = stream.read(&mut request).unwrap_or(0);
                let text = String::from_utf8_lossy(&request[..len]).into_owned();
                let name = text.split_whitespace().nth(1).unwrap_or("/").trim_start_matches('/').to_owned();
                let answer = match std::fs::read(folder.join(name)) {
                    Ok(bytes) => {
                        [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len()).as_bytes(), &bytes]
                            .concat()
                    }
                    Err(_) => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec(),
                };
                stream.write_all(&answer).ok();
            };
            std::thread::Builder::new().name("http request".to_owned()).spawn(answer).unwrap();
        }
    };
    std::thread::Builder::new().name("http".to_owned()).spawn(serve).unwrap();
    port
}

/// Datagrams that the system threw away because whoever listens on that UDP port of this machine did not take them in time: its
/// buffer was full. What is lost so was sent, and is the receiver's affair.
pub fn thrown_away(port: u16) -> u64 {
    let of = |table: &str| -> u64 {
        let text = std::fs::read_to_string(table).unwrap_or_default();
        let drops = |line: &str| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let own = columns.get(1)?.rsplit_once(':').and_then(|(_, own)| u16::from_str_radix(own, 16).ok())?;
            columns.last().filter(|_| own == port)?.parse::<u64>().ok()
        };
        text.lines().filter_map(drops).sum()
    };
    of("/proc/net/udp") + of("/proc/net/udp6")
}
