//! What was touched on a control surface: bytes of MIDI and of Linux input devices (jog shuttles, game pads) as touches. Sources: MIDI 1.0
//! Detailed Specification (running status, system messages), `linux/input.h` (24 bytes per event on 64-bit machines).
//!
//! Must not know: what a touch means, devices, files.

use std::fmt;

/// A control of a surface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "channels and numbers as the surface's own manual counts them")]
pub enum ControlId {
    /// Channels from 1.
    Note {
        channel: u8,
        note: u8,
    },
    Cc {
        channel: u8,
        number: u8,
    },
    Bend {
        channel: u8,
    },
    Program {
        channel: u8,
        program: u8,
    },
    /// A button of an input device, by its code.
    Key(u16),
    /// A wheel that says how far it was turned.
    Dial(u16),
    /// A stick or a ring that says where it stands.
    Axis(u16),
}

impl fmt::Display for ControlId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Note { channel, note } => write!(f, "note {channel} {note}"),
            Self::Cc { channel, number } => write!(f, "cc {channel} {number}"),
            Self::Bend { channel } => write!(f, "bend {channel}"),
            Self::Program { channel, program } => write!(f, "program {channel} {program}"),
            Self::Key(code) => write!(f, "key {code}"),
            Self::Dial(code) => write!(f, "dial {code}"),
            Self::Axis(code) => write!(f, "axis {code}"),
        }
    }
}

impl ControlId {
    /// From its words: `note 1 60`, `cc 1 7`, `bend 1`, `program 1 5`, `key 304`, `dial 7`, `axis 0`.
    pub fn from_words(words: &str) -> Option<Self> {
        let words: Vec<&str> = words.split_whitespace().collect();
        let channel = |word: &str| word.parse::<u8>().ok().filter(|c| (1..=16).contains(c));
        let seven = |word: &str| word.parse::<u8>().ok().filter(|v| *v < 128);
        Some(match words[..] {
            ["note", c, note] => Self::Note { channel: channel(c)?, note: seven(note)? },
            ["cc", c, number] => Self::Cc { channel: channel(c)?, number: seven(number)? },
            ["bend", c] => Self::Bend { channel: channel(c)? },
            ["program", c, program] => Self::Program { channel: channel(c)?, program: seven(program)? },
            ["key", code] => Self::Key(code.parse().ok()?),
            ["dial", code] => Self::Dial(code.parse().ok()?),
            ["axis", code] => Self::Axis(code.parse().ok()?),
            _ => return None,
        })
    }
}

/// How it was touched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Motion {
    /// Pressed (true) or released.
    Press(bool),
    /// A value: 0…127 of a controller, 0…16383 of a bend, anything of an axis.
    Value(i32),
    /// Turned by so many clicks.
    Turn(i32),
}

/// One touch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Touch {
    /// What.
    pub control: ControlId,
    /// How.
    pub motion: Motion,
}

/// MIDI bytes to touches, whatever the pieces are that they come in.
#[derive(Debug, Clone, Default)]
pub struct MidiParser {
    status: Option<u8>,
    data: Vec<u8>,
    exclusive: bool,
}

impl MidiParser {
    /// The touches that these bytes complete.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Touch> {
        let mut out = Vec::new();
        for &byte in bytes {
            match byte {
                // Clock and the like, which may come in the middle of anything.
                0xf8.. => {}
                0xf0 => (self.status, self.exclusive) = (None, true),
                0xf1..=0xf7 => (self.status, self.exclusive) = (None, false),
                0x80..=0xef => {
                    (self.status, self.exclusive) = (Some(byte), false);
                    self.data.clear();
                }
                _ if self.exclusive => {}
                data => {
                    let Some(status) = self.status else { continue };
                    self.data.push(data);
                    let wanted = if matches!(status & 0xf0, 0xc0 | 0xd0) { 1 } else { 2 };
                    if self.data.len() == wanted {
                        out.extend(midi_touch(status, self.data[0], self.data.get(1).copied().unwrap_or(0)));
                        // The same status goes on.
                        self.data.clear();
                    }
                }
            }
        }
        out
    }
}

fn midi_touch(status: u8, a: u8, b: u8) -> Option<Touch> {
    let channel = (status & 0x0f) + 1;
    let (control, motion) = match status & 0xf0 {
        0x80 => (ControlId::Note { channel, note: a }, Motion::Press(false)),
        // A note of no velocity is a release.
        0x90 => (ControlId::Note { channel, note: a }, Motion::Press(b > 0)),
        0xb0 => (ControlId::Cc { channel, number: a }, Motion::Value(i32::from(b))),
        0xc0 => (ControlId::Program { channel, program: a }, Motion::Press(true)),
        0xe0 => (ControlId::Bend { channel }, Motion::Value(i32::from(b) << 7 | i32::from(a))),
        // Pressure is no control.
        _ => return None,
    };
    Some(Touch { control, motion })
}

/// Bytes of an event device of Linux to touches.
#[derive(Debug, Clone, Default)]
pub struct InputParser {
    rest: Vec<u8>,
}

/// `struct input_event`: two times of eight bytes, type, code, value.
const EVENT_BYTES: usize = 24;

impl InputParser {
    /// The touches that these bytes complete.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Touch> {
        self.rest.extend_from_slice(bytes);
        let whole = self.rest.len() / EVENT_BYTES * EVENT_BYTES;
        let touches = self.rest[..whole].chunks_exact(EVENT_BYTES).filter_map(input_touch).collect();
        self.rest.drain(..whole);
        touches
    }
}

fn input_touch(event: &[u8]) -> Option<Touch> {
    let two = |at: usize| u16::from_ne_bytes([event[at], event[at + 1]]);
    let (kind, code) = (two(16), two(18));
    let value = i32::from_ne_bytes([event[20], event[21], event[22], event[23]]);
    let (control, motion) = match (kind, value) {
        // A key that repeats (2) was not pressed again.
        (1, 0 | 1) => (ControlId::Key(code), Motion::Press(value == 1)),
        (2, by) if by != 0 => (ControlId::Dial(code), Motion::Turn(by)),
        (3, _) => (ControlId::Axis(code), Motion::Value(value)),
        _ => return None,
    };
    Some(Touch { control, motion })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cc(number: u8, value: i32) -> Touch {
        Touch { control: ControlId::Cc { channel: 1, number }, motion: Motion::Value(value) }
    }

    fn note(channel: u8, note: u8, on: bool) -> Touch {
        Touch { control: ControlId::Note { channel, note }, motion: Motion::Press(on) }
    }

    #[test]
    fn midi_is_read_with_running_status_and_clock_in_between() {
        let bytes = [0x90, 60, 100, 60, 0, 0xf8, 0xb0, 7, 0xfe, 64, 7, 65, 0xf0, 1, 2, 0x33, 0xf7, 9, 9, 0x81, 61, 3, 0xe1, 0, 64, 0xc0, 5];
        let wanted = [
            note(1, 60, true),
            note(1, 60, false),
            cc(7, 64),
            cc(7, 65),
            note(2, 61, false),
            Touch { control: ControlId::Bend { channel: 2 }, motion: Motion::Value(8192) },
            Touch { control: ControlId::Program { channel: 1, program: 5 }, motion: Motion::Press(true) },
        ];
        assert_eq!(MidiParser::default().feed(&bytes), wanted);
        // In any pieces.
        let mut parser = MidiParser::default();
        let pieces: Vec<Touch> = bytes.chunks(1).flat_map(|piece| parser.feed(piece)).collect();
        assert_eq!(pieces, wanted);
    }

    #[test]
    fn an_input_device_has_buttons_dials_and_axes() {
        let event = |kind: u16, code: u16, value: i32| {
            let mut bytes = vec![7; 16];
            bytes.extend(kind.to_ne_bytes());
            bytes.extend(code.to_ne_bytes());
            bytes.extend(value.to_ne_bytes());
            bytes
        };
        let bytes = [event(1, 304, 1), event(1, 304, 2), event(0, 0, 0), event(2, 7, -1), event(3, 0, 255), event(1, 304, 0)].concat();
        let mut parser = InputParser::default();
        let touches: Vec<Touch> = bytes.chunks(7).flat_map(|piece| parser.feed(piece)).collect();
        let touch = |control, motion| Touch { control, motion };
        assert_eq!(
            touches,
            [
                touch(ControlId::Key(304), Motion::Press(true)),
                touch(ControlId::Dial(7), Motion::Turn(-1)),
                touch(ControlId::Axis(0), Motion::Value(255)),
                touch(ControlId::Key(304), Motion::Press(false)),
            ]
        );
    }

    #[test]
    fn a_control_is_called_by_words() {
        for id in [
            ControlId::Note { channel: 16, note: 127 },
            ControlId::Cc { channel: 1, number: 7 },
            ControlId::Bend { channel: 3 },
            ControlId::Program { channel: 1, program: 0 },
            ControlId::Key(304),
            ControlId::Dial(7),
            ControlId::Axis(1),
        ] {
            assert_eq!(ControlId::from_words(&id.to_string()), Some(id));
        }
        for words in ["note 0 60", "note 17 60", "cc 1 128", "cc 1", "fader 1", ""] {
            assert_eq!(ControlId::from_words(words), None, "{words}");
        }
    }
}
