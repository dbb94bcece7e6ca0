//! The threads of the control surfaces: OSC and HTTP servers, and readers of devices. They end when this is dropped; none of them is waited for
//! by the engine.
//!
//! Must not know: what commands do.

use std::{
    io::BufReader,
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use super::{
    api::{self, Access},
    http,
    hub::Hub,
    osc::{self, OscArg, OscAsk, OscMessage},
    surface::{self, Surface},
};
use crate::{
    address::Secret,
    replay::operators::{LockChannel, OperatorName, Origin, Way},
    show::LEAST_TOKEN,
};

/// Requests that are answered at a time; more are told to come again.
const MOST_REQUESTS: usize = 16;
/// A client says what it wants within this time.
const PATIENCE: Duration = Duration::from_secs(5);
/// A thread looks so often whether it shall end.
const TICK: Duration = Duration::from_millis(50);

/// What is listened to; nothing by default.
#[derive(Debug, Clone, Default)]
pub struct ControlOptions {
    /// OSC over UDP.
    pub osc: Option<SocketAddr>,
    /// The control API over HTTP.
    pub http: Option<SocketAddr>,
    /// What strangers must know; needed unless both are on this machine alone.
    pub token: Option<Secret>,
    /// Operators with a token of their own, which says who they are.
    pub operators: Vec<(OperatorName, Secret)>,
    /// Device files: MIDI, or input devices below `/dev/input`.
    pub surfaces: Vec<PathBuf>,
    /// Where the mapping of surfaces is kept.
    pub mapping: Option<PathBuf>,
}

/// Why it does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The address is taken or not this machine's.
    #[error("{what} cannot listen at {address}: {source}. Choose another port, or end what has it")]
    Listen {
        /// `osc` or `http`.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// The system's word.
        source: std::io::Error,
    },
    /// Others could give commands.
    #[error(
        "{what} = \"{address}\" can be reached from other machines: give a token of {LEAST_TOKEN} characters or more, or listen at 127.0.0.1"
    )]
    Token {
        /// `osc` or `http`.
        what: &'static str,
        /// Where.
        address: SocketAddr,
    },
    /// A token that protects nothing.
    #[error(
        "the token has fewer than {LEAST_TOKEN} characters, or a space or a slash in it. `openssl rand -hex 12` makes one; without any, only this machine is answered"
    )]
    Short,
    /// Tokens of operators without one of the show.
    #[error("operators have tokens and the show has none: give it one too, for those who say no name")]
    Operators,
    /// No thread.
    #[error("a thread for control surfaces cannot be started: {0}")]
    Thread(std::io::Error),
}

/// Everything that listens.
#[derive(Debug)]
pub struct ControlServer {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    surface: Arc<Surface>,
    osc: Option<SocketAddr>,
    http: Option<SocketAddr>,
}

impl ControlServer {
    /// Begins to listen. Nothing is listened to unless all can be.
    pub fn start(hub: &Hub, options: &ControlOptions) -> Result<Self, ControlError> {
        // An empty or short one, as an unset variable gives it, would open what looks closed.
        let own = options.operators.iter().map(|(_, token)| token);
        if options.token.iter().chain(own).any(|t| t.expose().chars().count() < LEAST_TOKEN || t.expose().contains(['/', ' '])) {
            return Err(ControlError::Short);
        }
        // Without the show's token everybody would get in without one, and be taken for whom they like over OSC.
        if options.token.is_none() && !options.operators.is_empty() {
            return Err(ControlError::Operators);
        }
        for (what, address) in [("osc", options.osc), ("http", options.http)] {
            if let Some(address) = address
                && !address.ip().is_loopback()
                && options.token.as_ref().is_none_or(|t| t.expose().chars().count() < LEAST_TOKEN)
            {
                return Err(ControlError::Token { what, address });
            }
        }
        let udp =
            options.osc.map(|address| UdpSocket::bind(address).map_err(|source| ControlError::Listen { what: "osc", address, source }));
        let tcp =
            options.http.map(|address| TcpListener::bind(address).map_err(|source| ControlError::Listen { what: "http", address, source }));
        let (udp, tcp) = (udp.transpose()?, tcp.transpose()?);
        let mut server = Self {
            stop: Arc::default(),
            threads: Vec::new(),
            surface: Arc::new(Surface::of_file(options.mapping.as_deref())),
            osc: udp.as_ref().and_then(|s| s.local_addr().ok()),
            http: tcp.as_ref().and_then(|s| s.local_addr().ok()),
        };
        // A token that is given counts for this machine too.
        let exposed = |token: &Secret| token.expose().to_owned();
        let operators = options.operators.iter().map(|(name, token)| (name.clone(), exposed(token))).collect();
        let access = Access { token: options.token.as_ref().map(exposed), operators };
        if let Some(socket) = udp {
            let (hub, stop, surface, access) = (hub.clone(), Arc::clone(&server.stop), Arc::clone(&server.surface), access.clone());
            tracing::info!("OSC at {:?}", server.osc);
            server.spawn("control osc", move || serve_osc(&socket, &hub, &surface, &access, &stop))?;
        }
        if let Some(listener) = tcp {
            let (hub, stop) = (hub.clone(), Arc::clone(&server.stop));
            tracing::info!("control API at {:?}", server.http);
            server.spawn("control http", move || serve_http(&listener, &hub, &access, &stop))?;
        }
        for path in &options.surfaces {
            let hub = hub.of(Origin::unnamed(Way::Surface));
            let (stop, surface, path) = (Arc::clone(&server.stop), Arc::clone(&server.surface), path.clone());
            server.spawn("control surface", move || surface::follow(&path, &surface, &hub, &stop))?;
        }
        Ok(server)
    }

    fn spawn(&mut self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), ControlError> {
        self.threads.push(std::thread::Builder::new().name(name.to_owned()).spawn(body).map_err(ControlError::Thread)?);
        Ok(())
    }

    /// The surfaces and their mapping.
    pub const fn surface(&self) -> &Arc<Surface> {
        &self.surface
    }

    /// Where OSC is listened to.
    pub const fn osc(&self) -> Option<SocketAddr> {
        self.osc
    }

    /// Where HTTP is listened to.
    pub const fn http(&self) -> Option<SocketAddr> {
        self.http
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            if let Err(panic) = thread.join() {
                tracing::error!(?panic, "a control thread ended by panic");
            }
        }
    }
}

fn serve_osc(socket: &UdpSocket, hub: &Hub, surface: &Surface, access: &Access, stop: &AtomicBool) {
    if let Err(e) = socket.set_read_timeout(Some(TICK)) {
        return tracing::error!(%e, "OSC cannot listen");
    }
    let mut packet = [0; 8 << 10];
    while !stop.load(Ordering::Relaxed) {
        // A time-out, or a sender that is gone: neither is an end.
        let Ok((size, from)) = socket.recv_from(&mut packet) else { continue };
        for answer in osc_answers(&packet[..size], hub, surface, access) {
            socket.send_to(&osc::packet(&answer), from).ok();
        }
    }
}

/// Does what a packet asks for; what is to be told to its sender.
fn osc_answers(packet: &[u8], hub: &Hub, surface: &Surface, access: &Access) -> Vec<OscMessage> {
    let tell = |address: &str, args: Vec<OscArg>| OscMessage { address: address.to_owned(), args };
    let error = |why: String| {
        tracing::warn!("OSC: {why}");
        tell("/volte/error", vec![OscArg::Text(why)])
    };
    let messages = match osc::parse(packet) {
        Ok(messages) => messages,
        Err(e) => return vec![error(e.to_string())],
    };
    let mut answers: Vec<OscMessage> = Vec::new();
    for message in messages {
        // Another program's word on what we said: an answer to it would go back and forth without end.
        if message.address == "/volte/error" || message.address.starts_with("/volte/state/") {
            continue;
        }
        let (asked, hub) = match osc::ask(&message, access) {
            Ok(OscAsk::As(name, asked)) => (Ok(*asked), hub.of(Origin::named(Way::Osc, name))),
            asked => (asked, hub.of(Origin::unnamed(Way::Osc))),
        };
        hub.hear();
        let words = match asked {
            // Names do not lie in names.
            Ok(OscAsk::As(..) | OscAsk::Release) => vec![],
            Ok(OscAsk::Words(words)) => vec![words],
            Ok(OscAsk::Midi(bytes)) => surface.midi(&bytes, &hub.snapshot()),
            Ok(OscAsk::State) => {
                let s = hub.snapshot();
                answers.push(tell("/volte/state/phase", vec![OscArg::Text(s.phase.label().to_lowercase())]));
                answers.push(tell("/volte/state/position", vec![OscArg::Float(s.position)]));
                answers.push(tell("/volte/state/can-take", vec![OscArg::Int(i32::from(s.can_take))]));
                answers.push(tell("/volte/state/events", vec![OscArg::Int(s.events.len() as i32)]));
                // Who holds it, or nobody: a button that shows a lock goes out again.
                answers.extend(LockChannel::ALL.map(|channel| {
                    let holder = s.operators.lock(channel).map_or_else(String::new, |lock| lock.holder.to_string());
                    tell(&format!("/volte/state/lock/{}", channel.name()), vec![OscArg::Text(holder)])
                }));
                vec![]
            }
            Err(e) => {
                // One error a packet: a short packet must not make many long ones.
                if answers.iter().all(|a| a.address != "/volte/error") {
                    answers.push(error(e.to_string()));
                }
                vec![]
            }
        };
        answers.extend(words.iter().filter_map(|w| hub.say(w).err()).map(|e| error(e.to_string())));
    }
    answers
}

fn serve_http(listener: &TcpListener, hub: &Hub, access: &Access, stop: &AtomicBool) {
    if let Err(e) = listener.set_nonblocking(true) {
        return tracing::error!(%e, "HTTP cannot listen");
    }
    let running = Arc::new(AtomicUsize::new(0));
    while !stop.load(Ordering::Relaxed) {
        let Ok((stream, _)) = listener.accept() else {
            std::thread::sleep(Duration::from_millis(5));
            continue;
        };
        if running.fetch_add(1, Ordering::SeqCst) >= MOST_REQUESTS {
            running.fetch_sub(1, Ordering::SeqCst);
            let mut stream = stream;
            http::Answer::error(503, "too many requests at a time; ask again").write(&mut stream).ok();
            continue;
        }
        let (hub, access, done) = (hub.clone(), access.clone(), Arc::clone(&running));
        let place = Place(done);
        let serve = move || {
            one(stream, &hub, &access).ok();
            drop(place);
        };
        // Bounded in time by PATIENCE and the time of a look, so nobody waits for it at the end.
        // Without a thread the request's place goes with it.
        std::thread::Builder::new().name("control request".to_owned()).spawn(serve).ok();
    }
}

/// One of the places for requests, given back however the request ends.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A connection that is read until a point in time, however slowly it speaks.
struct Until(TcpStream, std::time::Instant);

impl std::io::Read for Until {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let left = self.1.saturating_duration_since(std::time::Instant::now());
        if left.is_zero() {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        self.0.set_read_timeout(Some(left))?;
        self.0.read(into)
    }
}

fn one(stream: TcpStream, hub: &Hub, access: &Access) -> std::io::Result<()> {
    // Accepted sockets inherit this on some systems.
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(Until(stream, std::time::Instant::now() + PATIENCE));
    let answer = match http::read(&mut reader) {
        Ok(request) => api::answer(&request, hub, access),
        Err(e) => http::Answer::error(400, &e.to_string()),
    };
    answer.write(&mut reader.get_mut().0)
}
