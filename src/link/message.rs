//! Messages: a header in words (JSON) and bytes. Lengths are bounded before they are believed.

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use super::LinkError;

/// Longest header, bytes.
const MAX_HEADER_BYTES: usize = 4 << 20;
/// Longest payload, bytes: several of the largest pictures that are known.
const MAX_PAYLOAD_BYTES: usize = 64 << 20;
/// In front of each message: both lengths.
const LENGTHS_BYTES: usize = 8;

/// An access unit without its bytes, which follow in the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitHead {
    /// When the frame was seen, on the node's clock, nanoseconds.
    pub at: i64,
    /// Its place in the order of decoding, as the node counts.
    pub order: u64,
    /// How long it is shown, nanoseconds; 0 when unknown.
    pub nanos: u32,
    /// Which of the notes that came along describes its stream.
    pub format: u16,
    /// Decoding can start here.
    pub key: bool,
    /// Nothing refers to it.
    pub droppable: bool,
    /// Bit 0: repeated, 1: late, 2: damaged.
    pub flags: u8,
    /// Bytes in the payload.
    pub len: u32,
}

/// How one camera of a node fares.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CameraReport {
    /// The camera.
    pub name: String,
    /// Why it does not deliver, and what helps.
    pub problem: Option<String>,
    /// It cannot go on at all.
    pub failed: bool,
    /// The codec's word.
    pub codec: Option<String>,
    /// Picture size, px.
    pub size_px: Option<(u32, u32)>,
    /// Frame rate as a rational.
    pub rate: Option<(u32, u32)>,
    /// Units that arrived.
    pub received: u64,
    /// Units lost, by all reasons.
    pub dropped: u64,
    /// Repeated units.
    pub duplicated: u64,
    /// Late units.
    pub late: u64,
    /// Damaged units.
    pub damaged: u64,
    /// Payload bytes that arrived.
    pub bytes: u64,
    /// How long after its own time the newest unit arrived, nanoseconds.
    pub delay_nanos: i64,
    /// Oldest instant in the node's ring, on the node's clock.
    pub oldest: Option<i64>,
    /// Where its times come from, in words.
    pub clock: String,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Header {
    /// The console's first words.
    Hello {
        /// [`super::VERSION`].
        version: u32,
        /// One console process, over all its connections.
        console: u64,
        /// This connection is for requests; else for what is live.
        fetches: bool,
    },
    /// The node's answer.
    Welcome {
        /// [`super::VERSION`].
        version: u32,
        /// One run of the node.
        run: u64,
        /// Its clock goes on from earlier runs, whose recordings it has.
        continues: bool,
        /// Its cameras, in the order that other messages count them.
        cameras: Vec<String>,
    },
    /// The console asks for the node's time.
    Ping {
        /// When it asked, on its own clock.
        t1: i64,
    },
    /// The node's answer.
    Pong {
        /// As asked.
        t1: i64,
        /// When the question came, on the node's clock.
        t2: i64,
        /// When the answer left, on the node's clock.
        t3: i64,
    },
    /// So many bytes of live messages have been read so far.
    Got {
        /// Bytes since the connection began.
        bytes: u64,
    },
    /// What the console wants to see live.
    Watch {
        /// Small pictures of all cameras.
        previews: bool,
        /// Cameras at full rate.
        live: Vec<u16>,
    },
    /// Keep a range in the ring.
    Pin {
        /// The event.
        id: u64,
        /// From, node's clock.
        from: i64,
        /// Until, node's clock.
        until: i64,
    },
    /// Write it down where a restart finds it.
    Keep {
        /// The event.
        id: u64,
        /// From, node's clock.
        from: i64,
        /// Until, node's clock.
        until: i64,
        /// The event itself, in the console's words.
        data: serde_json::Value,
    },
    /// Release it, in the ring and on disk.
    Forget {
        /// The event.
        id: u64,
    },
    /// Times of the newest frames, per camera, on the node's clock.
    Heads {
        /// In the order of the cameras.
        newest: Vec<Option<i64>>,
    },
    /// How the node fares.
    Status {
        /// In the order of the cameras.
        cameras: Vec<CameraReport>,
        /// Bytes in its ring.
        ring_bytes: u64,
        /// Bytes allowed.
        ring_budget_bytes: u64,
        /// Bytes that marks keep.
        pinned_bytes: u64,
        /// What is wrong with it as a whole.
        warnings: Vec<String>,
    },
    /// A small picture (JPEG in the payload).
    Preview {
        /// The camera.
        camera: u16,
        /// When, node's clock.
        at: i64,
    },
    /// A unit of a camera that is watched at full rate (its bytes in the payload).
    Live {
        /// The camera.
        camera: u16,
        /// The unit; its format is 0.
        unit: UnitHead,
        /// Its stream's description, with keyframes.
        note: Option<String>,
    },
    /// What must be decoded to see one frame.
    WantGop {
        /// The request.
        id: u64,
        /// The camera.
        camera: u16,
        /// When, node's clock.
        at: i64,
    },
    /// All units of a range.
    WantRange {
        /// The request.
        id: u64,
        /// The camera.
        camera: u16,
        /// From, node's clock.
        from: i64,
        /// Until, node's clock.
        until: i64,
    },
    /// A part of an answer (bytes in the payload).
    Units {
        /// The request.
        id: u64,
        /// In decode order, over all parts.
        units: Vec<UnitHead>,
        /// Descriptions of the streams; with the last part.
        notes: Vec<String>,
        /// No further part follows.
        last: bool,
    },
    /// The answer is no.
    Failed {
        /// The request.
        id: u64,
        /// Why, and what helps.
        why: String,
    },
}

/// A header and bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// What it says.
    pub header: Header,
    /// Bytes that belong to it.
    pub payload: Bytes,
}

impl Message {
    /// Words only.
    pub const fn new(header: Header) -> Self {
        Self { header, payload: Bytes::new() }
    }

    /// Appends it to bytes on their way out.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), LinkError> {
        let header = serde_json::to_vec(&self.header).map_err(|e| malformed(&e.to_string()))?;
        if header.len() > MAX_HEADER_BYTES || self.payload.len() > MAX_PAYLOAD_BYTES {
            return Err(malformed("it is too long to be sent"));
        }
        out.reserve(LENGTHS_BYTES + header.len() + self.payload.len());
        out.extend((header.len() as u32).to_le_bytes());
        out.extend((self.payload.len() as u32).to_le_bytes());
        out.extend(header);
        out.extend(&self.payload);
        Ok(())
    }
}

fn malformed(reason: &str) -> LinkError {
    LinkError::Malformed { reason: reason.to_owned() }
}

/// Bytes that came, on their way to become messages.
#[derive(Debug, Default)]
pub struct Inbox(BytesMut);

impl Inbox {
    /// More bytes came.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The next whole message, if it is there. After an error nothing that follows can be understood.
    pub fn next_message(&mut self) -> Result<Option<Message>, LinkError> {
        let Some((lengths, rest)) = self.0.split_first_chunk::<LENGTHS_BYTES>() else { return Ok(None) };
        let [a, b, c, d, e, f, g, h] = *lengths;
        let (header, payload) = (u32::from_le_bytes([a, b, c, d]) as usize, u32::from_le_bytes([e, f, g, h]) as usize);
        if header > MAX_HEADER_BYTES || payload > MAX_PAYLOAD_BYTES {
            return Err(malformed("it is longer than any message is"));
        }
        if rest.len() < header + payload {
            return Ok(None);
        }
        let header = serde_json::from_slice(&rest[..header]).map(|parsed| (parsed, LENGTHS_BYTES + header));
        let (header, skip) = header.map_err(|e| malformed(&e.to_string()))?;
        let mut whole = self.0.split_to(skip + payload).freeze();
        Ok(Some(Message { header, payload: whole.split_off(skip) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unit() -> impl Strategy<Value = UnitHead> {
        (any::<i64>(), any::<u64>(), any::<u32>(), any::<u16>(), any::<bool>(), any::<bool>(), any::<u8>(), any::<u32>()).prop_map(
            |(at, order, nanos, format, key, droppable, flags, len)| UnitHead { at, order, nanos, format, key, droppable, flags, len },
        )
    }

    fn header() -> impl Strategy<Value = Header> {
        prop_oneof![
            (any::<u32>(), any::<u64>(), any::<bool>()).prop_map(|(version, console, fetches)| Header::Hello { version, console, fetches }),
            (any::<u64>(), prop::collection::vec(".*", 0..4)).prop_map(|(run, cameras)| Header::Welcome {
                version: 1,
                run,
                continues: true,
                cameras
            }),
            prop::collection::vec(any::<Option<i64>>(), 0..9).prop_map(|newest| Header::Heads { newest }),
            (any::<u64>(), prop::collection::vec(unit(), 0..9), prop::collection::vec(".*", 0..3), any::<bool>())
                .prop_map(|(id, units, notes, last)| Header::Units { id, units, notes, last }),
            (any::<u64>(), ".*").prop_map(|(id, why)| Header::Failed { id, why }),
        ]
    }

    proptest! {
        #[test]
        fn messages_arrive_as_they_were_sent_however_they_are_cut(
            sent in prop::collection::vec((header(), prop::collection::vec(any::<u8>(), 0..300)), 1..6),
            cut in 1_usize..90,
        ) {
            let sent: Vec<Message> = sent.into_iter().map(|(header, bytes)| Message { header, payload: bytes.into() }).collect();
            let mut stream = Vec::new();
            for message in &sent {
                message.write(&mut stream).unwrap();
            }
            let (mut inbox, mut came) = (Inbox::default(), Vec::new());
            for piece in stream.chunks(cut) {
                inbox.feed(piece);
                while let Some(message) = inbox.next_message().unwrap() {
                    came.push(message);
                }
            }
            prop_assert_eq!(came, sent);
        }

        #[test]
        fn hostile_bytes_neither_panic_nor_take_memory(noise in prop::collection::vec(any::<u8>(), 0..400), flip in any::<prop::sample::Index>()) {
            let mut inbox = Inbox::default();
            inbox.feed(&noise);
            while let Ok(Some(_)) = inbox.next_message() {}
            prop_assert!(inbox.0.capacity() <= 4096);
            // A message with one byte changed.
            let mut stream = Vec::new();
            Message { header: Header::Heads { newest: vec![Some(1), None] }, payload: noise.into() }.write(&mut stream).unwrap();
            let at = flip.index(stream.len());
            stream[at] ^= 0x5a;
            let mut inbox = Inbox::default();
            inbox.feed(&stream);
            while let Ok(Some(_)) = inbox.next_message() {}
        }
    }

    #[test]
    fn what_is_too_long_is_refused_before_it_comes() {
        let mut inbox = Inbox::default();
        inbox.feed(&[0xff; 8]);
        assert!(inbox.next_message().is_err());
        let long = Message { header: Header::Forget { id: 1 }, payload: vec![0; MAX_PAYLOAD_BYTES + 1].into() };
        assert!(long.write(&mut Vec::new()).is_err());
    }
}
