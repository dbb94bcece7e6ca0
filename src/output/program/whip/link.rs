//! The WebRTC side of WHIP: one peer that only sends. It has no thread of its own; whoever owns it must [`Link::turn`] it often.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _, UdpSocket},
    sync::Arc,
    time::{Duration, Instant},
};

use str0m::{
    Candidate, Event, IceConnectionState, Input, Output, Rtc, RtcConfig,
    change::{SdpAnswer, SdpPendingOffer},
    format::{Codec, PayloadParams},
    media::{Direction, Frequency, MediaKind, MediaTime, Mid, Pt},
    net::{Protocol, Receive},
};

use crate::address::Endpoint;

/// Payload types, from the range that is free for everybody (RFC 3551).
const H264: (u8, u8) = (102, 103);
/// Constrained baseline, level 3.1: what every browser names. The level is no limit, because receivers may have another one
/// (`level-asymmetry-allowed`, RFC 6184), and they decode what comes.
const PROFILE: u32 = 0x0042_e01f;
/// A peer that does not answer for about so long is gone: 6 questions, at most a second apart.
const QUESTIONS: usize = 6;
const QUESTION_EVERY: Duration = Duration::from_secs(1);
/// Packets that are kept for receivers that lost them: more than a second at 10 Mbit/s.
const KEPT_PACKETS: usize = 2000;
/// Packets taken from a socket in one turn, so that pictures have theirs.
const AT_ONCE: usize = 64;
/// The longest packet that comes, bytes.
const MOST_BYTES: usize = 2000;

/// What a turn found.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Turn {
    /// The receiver cannot go on without a keyframe.
    pub key_asked: bool,
    /// It is over, and why.
    pub gone: Option<&'static str>,
}

/// One connection.
pub(super) struct Link {
    rtc: Rtc,
    sockets: Vec<(SocketAddr, UdpSocket)>,
    pending: Option<SdpPendingOffer>,
    video: Option<(Mid, Option<Pt>)>,
    sound: Option<(Mid, Option<Pt>)>,
    /// When the engine wants to be called again.
    wakes: Instant,
    is_connected: bool,
}

impl Link {
    /// Binds a socket to each address of this machine from which the server may be reached.
    pub fn open(server: &Endpoint) -> Result<Self, String> {
        let named = (server.host.as_str(), server.port).to_socket_addrs().map_err(|_e| "no machine of that name is known")?;
        // Its media may be somewhere else than its web server: the way to the rest of the world is offered as well. Nothing is sent there
        // (addresses for documents, RFC 5737 and RFC 3849).
        let world = [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))];
        let mut sockets: Vec<(SocketAddr, UdpSocket)> = Vec::new();
        for to in named.map(|at| at.ip()).chain(world) {
            let Some(from) = way_to(to).filter(|from| sockets.iter().all(|(at, _)| at.ip() != *from)) else { continue };
            if let Ok(socket) = bound(from) {
                sockets.push(socket);
            }
        }
        if sockets.is_empty() {
            return Err("this machine has no way to the server. Check its network".to_owned());
        }
        let mut config = RtcConfig::new()
            .set_crypto_provider(Arc::new(str0m::crypto::from_feature_flags()))
            .clear_codecs()
            .enable_opus(true, false)
            .set_send_buffer_video(KEPT_PACKETS);
        config.set_max_stun_rto(QUESTION_EVERY);
        config.set_max_stun_retransmits(QUESTIONS);
        config.codec_config().add_h264(H264.0.into(), Some(H264.1.into()), true, PROFILE);
        let now = Instant::now();
        let mut rtc = config.build(now);
        for (at, _) in &sockets {
            let candidate = Candidate::host(*at, "udp").map_err(|e| format!("{at} is no address for WebRTC: {e}"))?;
            rtc.add_local_candidate(candidate);
        }
        let mut link = Self { rtc, sockets, pending: None, video: None, sound: None, wakes: now, is_connected: false };
        link.drained(&mut Turn::default());
        Ok(link)
    }

    /// The offer, as SDP.
    pub fn offer(&mut self, with_sound: bool) -> Result<String, String> {
        let mut change = self.rtc.sdp_api();
        let stream = || Some("program".to_owned());
        self.video = Some((change.add_media(MediaKind::Video, Direction::SendOnly, stream(), None, None), None));
        if with_sound {
            self.sound = Some((change.add_media(MediaKind::Audio, Direction::SendOnly, stream(), None, None), None));
        }
        let (offer, pending) = change.apply().ok_or("there is nothing to offer")?;
        self.pending = Some(pending);
        self.drained(&mut Turn::default());
        Ok(offer.to_sdp_string())
    }

    /// Takes the answer.
    pub fn accept(&mut self, answer: &str) -> Result<(), String> {
        let pending = self.pending.take().ok_or("nothing was offered")?;
        let answer = SdpAnswer::from_sdp_string(answer).map_err(|_e| "the server's answer is no SDP")?;
        self.rtc.sdp_api().accept_answer(pending, answer).map_err(|e| format!("the server's answer does not fit: {e}"))?;
        self.drained(&mut Turn::default());
        let mut agreed = |wanted: Option<(Mid, Option<Pt>)>, codec: Codec| {
            let (mid, _) = wanted?;
            let pt = self.rtc.writer(mid)?.payload_params().find(|p| p.spec().codec == codec).map(PayloadParams::pt);
            Some((mid, pt))
        };
        (self.video, self.sound) = (agreed(self.video, Codec::H264), agreed(self.sound, Codec::Opus));
        match self.video {
            Some((_, Some(_))) => Ok(()),
            _ => Err("the server does not take H.264 of constrained baseline".to_owned()),
        }
    }

    pub const fn is_connected(&self) -> bool {
        self.is_connected
    }

    /// Takes what has come, and does what is due.
    pub fn turn(&mut self) -> Turn {
        let mut turn = Turn::default();
        let mut bytes = [0; MOST_BYTES];
        for k in 0..self.sockets.len() {
            for _ in 0..AT_ONCE {
                let (at, socket) = &self.sockets[k];
                let Ok((len, source)) = socket.recv_from(&mut bytes) else { break };
                // What is none of WebRTC's packets was not for us.
                let Ok(contents) = bytes[..len].try_into() else { continue };
                let receive = Receive { proto: Protocol::Udp, source, destination: *at, contents };
                if let Err(e) = self.rtc.handle_input(Input::Receive(Instant::now(), receive)) {
                    tracing::debug!("WebRTC: {e}");
                }
                self.drained(&mut turn);
            }
        }
        let now = Instant::now();
        if now >= self.wakes {
            if let Err(e) = self.rtc.handle_input(Input::Timeout(now)) {
                tracing::debug!("WebRTC: {e}");
            }
            self.drained(&mut turn);
        }
        if !self.rtc.is_alive() {
            turn.gone.get_or_insert("the other side ended it");
        }
        turn
    }

    /// Sends a coded picture. `wallclock` is when it was shown, by this machine's clock.
    pub fn send_video(&mut self, pts_nanos: u64, wallclock: Instant, data: &[u8]) -> Turn {
        self.send(self.video, pts_nanos, Frequency::NINETY_KHZ, wallclock, data)
    }

    /// Sends a packet of Opus.
    pub fn send_sound(&mut self, pts_nanos: u64, wallclock: Instant, data: &[u8]) -> Turn {
        self.send(self.sound, pts_nanos, Frequency::FORTY_EIGHT_KHZ, wallclock, data)
    }

    fn send(&mut self, to: Option<(Mid, Option<Pt>)>, pts_nanos: u64, clock: Frequency, wallclock: Instant, data: &[u8]) -> Turn {
        let mut turn = Turn::default();
        let Some((mid, Some(pt))) = to else { return turn };
        let ticks = u128::from(pts_nanos) * u128::from(clock.get()) / 1_000_000_000;
        let time = MediaTime::new(ticks as u64, clock);
        if let Some(writer) = self.rtc.writer(mid)
            && let Err(e) = writer.write(pt, wallclock, time, data)
        {
            tracing::debug!("WebRTC: {e}");
        }
        self.drained(&mut turn);
        // Packets wait for the engine's next look at the clock.
        if let Err(e) = self.rtc.handle_input(Input::Timeout(Instant::now())) {
            tracing::debug!("WebRTC: {e}");
        }
        self.drained(&mut turn);
        turn
    }

    /// Says good-bye.
    pub fn close(&mut self) {
        if self.rtc.close().is_ok() {
            self.drained(&mut Turn::default());
        }
    }

    /// The engine wants everything taken out of it after each step.
    fn drained(&mut self, turn: &mut Turn) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(wakes)) => {
                    self.wakes = wakes;
                    return;
                }
                Ok(Output::Transmit(packet)) => {
                    if let Some((_, socket)) = self.sockets.iter().find(|(at, _)| *at == packet.source)
                        && let Err(e) = socket.send_to(&packet.contents, packet.destination)
                    {
                        // It counts as lost on the way: the receiver asks for it again.
                        tracing::trace!("WebRTC: a packet did not leave: {e}");
                    }
                }
                Ok(Output::Event(event)) => self.take(&event, turn),
                Err(e) => {
                    tracing::debug!("WebRTC: {e}");
                    turn.gone.get_or_insert("the connection broke");
                    self.rtc.disconnect();
                    return;
                }
            }
        }
    }

    fn take(&mut self, event: &Event, turn: &mut Turn) {
        match event {
            Event::Connected => self.is_connected = true,
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) if self.is_connected => {
                turn.gone.get_or_insert("the receiver does not answer any more");
            }
            Event::KeyframeRequest(_) => turn.key_asked = true,
            Event::Closed => {
                turn.gone.get_or_insert("the other side ended it");
            }
            _ => {}
        }
    }
}

/// From which address of this machine packets go there; nothing is sent.
fn way_to(to: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let probe = UdpSocket::bind((any, 0)).ok()?;
    probe.connect((to, 9)).ok()?;
    let from = probe.local_addr().ok()?.ip();
    // Link-local addresses of IPv6 need an interface beside them, which candidates cannot say.
    let is_link_local = matches!(from, IpAddr::V6(v6) if v6.is_unicast_link_local());
    (!from.is_unspecified() && !is_link_local).then_some(from)
}

fn bound(ip: IpAddr) -> io::Result<(SocketAddr, UdpSocket)> {
    let socket = UdpSocket::bind((ip, 0))?;
    socket.set_nonblocking(true)?;
    Ok((socket.local_addr()?, socket))
}
