//! The sealed stream: handshake, records, messages.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use snow::{Builder, StatelessTransportState};

use super::{Inbox, LinkError, LinkKey, Message};

/// Both ends prove the key to each other; nothing that was recorded of it helps to guess it, and each connection has keys of its own.
pub(super) const PATTERN: &str = "Noise_NNpsk2_25519_ChaChaPoly_BLAKE2s";
/// What both ends say first.
const GREETING: &[u8; 16] = b"volte node 0001\n";
/// Longest record, sealed; Noise allows no longer ones.
const RECORD_BYTES: usize = 65_535;
/// What sealing adds.
const TAG_BYTES: usize = 16;
/// Nobody thinks longer about a greeting.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);

/// Reads messages.
#[derive(Debug)]
pub struct SealedReader<R> {
    stream: R,
    state: Arc<StatelessTransportState>,
    nonce: u64,
    inbox: Inbox,
    sealed: Vec<u8>,
    plain: Vec<u8>,
    bytes: u64,
}

/// Writes messages.
#[derive(Debug)]
pub struct SealedWriter<W> {
    stream: W,
    state: Arc<StatelessTransportState>,
    nonce: u64,
    plain: Vec<u8>,
    sealed: Vec<u8>,
    bytes: u64,
}

/// The console's side of the handshake, on a fresh connection.
pub fn call(stream: TcpStream, key: &LinkKey) -> Result<(SealedReader<TcpStream>, SealedWriter<TcpStream>), LinkError> {
    handshake(stream, key, true)
}

/// The node's side of the handshake.
pub fn answer(stream: TcpStream, key: &LinkKey) -> Result<(SealedReader<TcpStream>, SealedWriter<TcpStream>), LinkError> {
    handshake(stream, key, false)
}

fn handshake(stream: TcpStream, key: &LinkKey, calls: bool) -> Result<(SealedReader<TcpStream>, SealedWriter<TcpStream>), LinkError> {
    let deadline = Instant::now() + HANDSHAKE_WITHIN;
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(HANDSHAKE_WITHIN))?;
    let foreign = |_| LinkError::Foreign;
    let builder =
        Builder::new(PATTERN.parse().map_err(foreign)?).prologue(GREETING).and_then(|b| b.psk(2, key.bytes())).map_err(foreign)?;
    let mut noise = if calls { builder.build_initiator() } else { builder.build_responder() }.map_err(foreign)?;
    (&stream).write_all(GREETING)?;
    let mut greeting = [0; GREETING.len()];
    read_until(&stream, &mut greeting, deadline)?;
    if &greeting != GREETING {
        return Err(LinkError::Foreign);
    }
    let mut buffer = [0; 256];
    for sends in [calls, !calls] {
        if sends {
            let len = noise.write_message(&[], &mut buffer).map_err(foreign)?;
            (&stream).write_all(&(len as u16).to_le_bytes())?;
            (&stream).write_all(&buffer[..len])?;
        } else {
            let mut len = [0; 2];
            read_until(&stream, &mut len, deadline)?;
            let message = buffer.get_mut(..usize::from(u16::from_le_bytes(len))).ok_or(LinkError::Foreign)?;
            read_until(&stream, message, deadline)?;
            noise.read_message(message, &mut [0; 256]).map_err(|_noise| LinkError::WrongKey)?;
        }
    }
    let state = Arc::new(noise.into_stateless_transport_mode().map_err(foreign)?);
    stream.set_read_timeout(None)?;
    Ok((SealedReader::new(stream.try_clone()?, Arc::clone(&state)), SealedWriter::new(stream, state)))
}

/// Fills `buffer`, however slowly it comes, until `deadline`.
fn read_until(mut stream: &TcpStream, buffer: &mut [u8], deadline: Instant) -> Result<(), LinkError> {
    let mut filled = 0;
    while filled < buffer.len() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut buffer[filled..]) {
            Ok(0) => return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into()),
            Ok(len) => filled += len,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

impl<R: Read> SealedReader<R> {
    fn new(stream: R, state: Arc<StatelessTransportState>) -> Self {
        let (inbox, sealed, plain) = (Inbox::default(), vec![0; RECORD_BYTES], vec![0; RECORD_BYTES]);
        Self { stream, state, nonce: 0, inbox, sealed, plain, bytes: 0 }
    }

    /// The next message; waits for it as long as the stream does. After an error the stream is of no use.
    pub fn receive(&mut self) -> Result<Message, LinkError> {
        loop {
            if let Some(message) = self.inbox.next_message()? {
                return Ok(message);
            }
            let mut len = [0; 2];
            self.stream.read_exact(&mut len)?;
            let len = usize::from(u16::from_le_bytes(len));
            let record = &mut self.sealed[..len];
            self.stream.read_exact(record)?;
            let len = self.state.read_message(self.nonce, record, &mut self.plain).map_err(|_noise| LinkError::Broken)?;
            self.nonce += 1;
            self.bytes += len as u64;
            self.inbox.feed(&self.plain[..len]);
        }
    }

    /// Plain bytes read so far.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The stream beneath, to set its patience.
    pub const fn stream(&self) -> &R {
        &self.stream
    }
}

impl<W: Write> SealedWriter<W> {
    fn new(stream: W, state: Arc<StatelessTransportState>) -> Self {
        Self { stream, state, nonce: 0, plain: Vec::new(), sealed: vec![0; 2 + RECORD_BYTES], bytes: 0 }
    }

    /// Sends a message whole; waits as long as the stream does. After an error the stream is of no use.
    pub fn send(&mut self, message: &Message) -> Result<(), LinkError> {
        self.plain.clear();
        message.write(&mut self.plain)?;
        for piece in self.plain.chunks(RECORD_BYTES - TAG_BYTES) {
            let len = self.state.write_message(self.nonce, piece, &mut self.sealed[2..]).map_err(|_noise| LinkError::Broken)?;
            self.nonce += 1;
            self.sealed[..2].copy_from_slice(&(len as u16).to_le_bytes());
            self.stream.write_all(&self.sealed[..2 + len])?;
        }
        self.bytes += self.plain.len() as u64;
        // One large message does not keep its room for ever.
        self.plain.shrink_to(1 << 20);
        Ok(())
    }

    /// Plain bytes sent so far.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The stream beneath, to set its patience or to close it.
    pub const fn stream(&self) -> &W {
        &self.stream
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Header;
    use std::net::TcpListener;
    use std::thread;

    type Ends = Result<(SealedReader<TcpStream>, SealedWriter<TcpStream>), LinkError>;

    fn ends(console: &LinkKey, node: &LinkKey) -> (Ends, Ends) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::scope(|scope| {
            let node = scope.spawn(|| answer(listener.accept().unwrap().0, node));
            (call(TcpStream::connect(address).unwrap(), console), node.join().unwrap())
        })
    }

    #[test]
    fn messages_of_all_sizes_go_both_ways() {
        let key = LinkKey::random().unwrap();
        let (console, node) = ends(&key, &key);
        let ((mut from_node, mut to_node), (mut from_console, mut to_console)) = (console.unwrap(), node.unwrap());
        for len in [0, 1, 65_519, 65_520, 3_000_000] {
            let message = Message { header: Header::Forget { id: len }, payload: vec![7; len as usize].into() };
            let (there, back) = (message.clone(), message.clone());
            thread::scope(|scope| {
                scope.spawn(|| to_node.send(&there).unwrap());
                assert_eq!(from_console.receive().unwrap(), message);
                scope.spawn(|| to_console.send(&back).unwrap());
                assert_eq!(from_node.receive().unwrap(), message);
            });
        }
        assert_eq!(from_console.bytes(), to_node.bytes());
    }

    #[test]
    fn another_key_is_told_from_another_program_and_from_nobody() {
        let (one, other) = (LinkKey::random().unwrap(), LinkKey::random().unwrap());
        let (console, node) = ends(&one, &other);
        assert!(matches!(console, Err(LinkError::WrongKey)), "{console:?}");
        // The node hears nothing that is sealed with its key.
        let heard = node.unwrap().0.receive();
        assert!(heard.is_err(), "{heard:?}");

        // Somebody else's server, and one that hangs up.
        for says in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b""] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            listener.accept().unwrap().0.write_all(says).unwrap();
            let refused = call(stream, &one);
            assert!(matches!(refused, Err(LinkError::Foreign | LinkError::Io(_))), "{refused:?}");
        }
    }

    #[test]
    fn a_changed_byte_ends_the_stream() {
        let key = LinkKey::random().unwrap();
        let (console, node) = ends(&key, &key);
        let ((from_node, _to_node), (_, to_console)) = (console.unwrap(), node.unwrap());
        let mut recorded =
            SealedWriter { stream: Vec::new(), state: to_console.state, nonce: 0, plain: Vec::new(), sealed: to_console.sealed, bytes: 0 };
        recorded.send(&Message::new(Header::Forget { id: 1 })).unwrap();
        let sealed = recorded.stream;
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            let mut reader = SealedReader::new(&changed[..], Arc::clone(&from_node.state));
            assert!(reader.receive().is_err(), "byte {at}");
        }
        // And so does one that is heard twice.
        let twice = [&sealed[..], &sealed[..]].concat();
        let mut reader = SealedReader::new(&twice[..], Arc::clone(&from_node.state));
        assert!(reader.receive().is_ok());
        assert!(matches!(reader.receive(), Err(LinkError::Broken)));
    }
}
