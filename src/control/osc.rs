//! OSC 1.0 over UDP: packets of bytes to the words of commands. `/volte/take` is `take`; arguments follow as words: `/volte/orbit-to 2.5`. A button
//! that sends 1 when pressed and 0 when released asks once. Format: Open Sound Control 1.0 Specification (M. Wright, 2002),
//! <https://opensoundcontrol.stanford.edu/spec-1_0.html>.
//!
//! Must not know: sockets, the engine.

use super::{api::Access, text::command_of};
use crate::replay::operators::{OperatorName, OperatorNameError};

/// Bundles may lie in bundles so deep.
const DEEPEST: usize = 4;
/// Messages of one packet that are looked at.
const MOST_MESSAGES: usize = 64;

/// What is wrong with a packet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OscError {
    /// It ends before it is whole.
    #[error("the packet ends early, at {0}")]
    Short(&'static str),
    /// It is something else.
    #[error("the packet is no OSC: {0}")]
    Form(&'static str),
    /// An address that nobody answers.
    #[error("{0:?} is not for Volte: addresses begin with /volte/, such as /volte/take")]
    Address(String),
    /// Words that are no command.
    #[error("{0}")]
    Words(String),
    /// Nobody is called so.
    #[error(transparent)]
    Operator(#[from] OperatorNameError),
    /// The token is missing.
    #[error("the token is missing or wrong: addresses are /volte/TOKEN/take here")]
    Token,
}

/// An argument.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each is OSC's type of that name")]
pub enum OscArg {
    Int(i32),
    Float(f64),
    Text(String),
    Bool(bool),
    /// Port, status, two data bytes.
    Midi([u8; 4]),
}

/// A message.
#[derive(Debug, Clone, PartialEq)]
pub struct OscMessage {
    /// Its address.
    pub address: String,
    /// Its arguments.
    pub args: Vec<OscArg>,
}

/// What a message asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum OscAsk {
    /// The words of a command.
    Words(String),
    /// MIDI bytes for the mapping of surfaces.
    Midi(Vec<u8>),
    /// An answer with the state.
    State,
    /// Nothing: a button was released.
    Release,
    /// What an operator asks for who says a name: `/volte/as/anna/take`.
    As(OperatorName, Box<Self>),
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, n: usize, what: &'static str) -> Result<&'a [u8], OscError> {
        let (head, rest) = self.0.split_at_checked(n).ok_or(OscError::Short(what))?;
        self.0 = rest;
        Ok(head)
    }

    fn four(&mut self, what: &'static str) -> Result<[u8; 4], OscError> {
        let b = self.take(4, what)?;
        Ok([b[0], b[1], b[2], b[3]])
    }

    fn eight(&mut self, what: &'static str) -> Result<[u8; 8], OscError> {
        let (a, b) = (self.four(what)?, self.four(what)?);
        Ok([a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3]])
    }

    /// A text that ends with a zero and is filled up to four bytes.
    fn text(&mut self, what: &'static str) -> Result<String, OscError> {
        let end = self.0.iter().position(|b| *b == 0).ok_or(OscError::Short(what))?;
        let padded = (end / 4 + 1) * 4;
        let text = self.take(padded.min(self.0.len()), what)?;
        std::str::from_utf8(&text[..end]).map(str::to_owned).or(Err(OscError::Form("a text is not readable")))
    }
}

/// The messages of a packet.
pub fn parse(packet: &[u8]) -> Result<Vec<OscMessage>, OscError> {
    let mut all = Vec::new();
    element(packet, 0, &mut all)?;
    Ok(all)
}

fn element(packet: &[u8], depth: usize, all: &mut Vec<OscMessage>) -> Result<(), OscError> {
    if depth > DEEPEST || all.len() >= MOST_MESSAGES {
        return Err(OscError::Form("too many bundles or messages in one packet"));
    }
    let mut bytes = Bytes(packet);
    match packet.first() {
        Some(b'/') => {}
        Some(b'#') => {
            if bytes.text("the bundle's name")? != "#bundle" {
                return Err(OscError::Form("it begins like a bundle and is none"));
            }
            // Everything is done at once: a console does not act in the future.
            bytes.eight("the bundle's time")?;
            while !bytes.0.is_empty() {
                let size = u32::from_be_bytes(bytes.four("the size of an element")?) as usize;
                element(bytes.take(size, "an element")?, depth + 1, all)?;
            }
            return Ok(());
        }
        _ => return Err(OscError::Form("an address begins with /")),
    }
    let address = bytes.text("the address")?;
    let mut args = Vec::new();
    // Old senders leave the types out where there are no arguments.
    if !bytes.0.is_empty() {
        let types = bytes.text("the types")?;
        let types = types.strip_prefix(',').ok_or(OscError::Form("the types do not begin with a comma"))?;
        for kind in types.chars().take(64) {
            let what = "an argument";
            args.push(match kind {
                'i' => OscArg::Int(i32::from_be_bytes(bytes.four(what)?)),
                'f' => OscArg::Float(f64::from(f32::from_be_bytes(bytes.four(what)?))),
                'd' => OscArg::Float(f64::from_be_bytes(bytes.eight(what)?)),
                'h' => OscArg::Float(i64::from_be_bytes(bytes.eight(what)?) as f64),
                's' | 'S' => OscArg::Text(bytes.text(what)?),
                'T' => OscArg::Bool(true),
                'F' => OscArg::Bool(false),
                'm' => OscArg::Midi(bytes.four(what)?),
                'I' | 'N' => continue,
                _ => return Err(OscError::Form("an argument's type is none of i f d h s T F m")),
            });
        }
    }
    all.push(OscMessage { address, args });
    Ok(())
}

/// A number as words have it: without the noise of single precision.
fn number(v: f64) -> String {
    let rounded = (v * 1e6).round() / 1e6;
    format!("{rounded}")
}

/// What a message asks for; with a token, only where it follows `/volte/`. An operator's own token says who it is.
pub fn ask(message: &OscMessage, access: &Access) -> Result<OscAsk, OscError> {
    let clean = || message.address.chars().filter(|c| !c.is_control()).take(80).collect::<String>();
    let mut path = message.address.strip_prefix("/volte/").ok_or_else(|| OscError::Address(clean()))?;
    let mut owner = None;
    if let Some(token) = &access.token {
        let (given, rest) = path.split_once('/').ok_or(OscError::Token)?;
        owner = access.owner(given).cloned();
        if owner.is_none() && !super::same_secret(given, token) {
            return Err(OscError::Token);
        }
        path = rest;
    }
    if let Some((name, rest)) = path.strip_prefix("as/").and_then(|rest| rest.split_once('/')) {
        let name: OperatorName = name.parse()?;
        if owner.as_ref().map_or_else(|| access.is_owned(&name), |owner| *owner != name) {
            return Err(OscError::Token);
        }
        (owner, path) = (Some(name), rest);
    }
    let asked = asked(path, message)?;
    Ok(owner.map_or_else(|| asked.clone(), |name| OscAsk::As(name, Box::new(asked.clone()))))
}

/// What a path and the arguments ask for.
fn asked(path: &str, message: &OscMessage) -> Result<OscAsk, OscError> {
    let said = path.replace('/', " ");
    let args = || {
        message.args.iter().map(|arg| match arg {
            OscArg::Int(v) => v.to_string(),
            OscArg::Float(v) => number(*v),
            OscArg::Text(text) => text.trim().to_owned(),
            OscArg::Bool(on) => if *on { "on" } else { "off" }.to_owned(),
            OscArg::Midi(_) => String::new(),
        })
    };
    match said.as_str() {
        "state" => return Ok(OscAsk::State),
        "command" => return Ok(OscAsk::Words(args().collect::<Vec<_>>().join(" "))),
        "midi" => {
            let bytes = message.args.iter().flat_map(|arg| match arg {
                OscArg::Midi([_, rest @ ..]) => rest.to_vec(),
                OscArg::Int(v) => u8::try_from(*v).into_iter().collect(),
                _ => vec![],
            });
            return Ok(OscAsk::Midi(bytes.collect()));
        }
        _ => {}
    }
    let whole = std::iter::once(said.clone()).chain(args()).collect::<Vec<_>>().join(" ");
    if command_of(&whole).is_some() || super::hub::names_prepared(&whole) {
        return Ok(OscAsk::Words(whole));
    }
    // A button: pressed is 1 or true, released is 0 or false.
    let pressed = match message.args[..] {
        [OscArg::Int(v)] => Some(v != 0),
        [OscArg::Float(v)] => Some(v != 0.0),
        [OscArg::Bool(on)] => Some(on),
        _ => None,
    };
    match (pressed, command_of(&said).is_some() || super::hub::names_prepared(&said)) {
        (Some(true), true) => Ok(OscAsk::Words(said)),
        (Some(false), true) => Ok(OscAsk::Release),
        _ => Err(OscError::Words(super::text::what_is_wrong(&whole))),
    }
}

/// A message as a packet.
pub fn packet(message: &OscMessage) -> Vec<u8> {
    fn text(out: &mut Vec<u8>, text: &str) {
        out.extend(text.bytes().filter(|b| *b != 0));
        out.push(0);
        out.resize(out.len().next_multiple_of(4), 0);
    }
    let mut out = Vec::new();
    text(&mut out, &message.address);
    let types: String = std::iter::once(',')
        .chain(message.args.iter().map(|arg| match arg {
            OscArg::Int(_) => 'i',
            OscArg::Float(_) => 'f',
            OscArg::Text(_) => 's',
            OscArg::Bool(true) => 'T',
            OscArg::Bool(false) => 'F',
            OscArg::Midi(_) => 'm',
        }))
        .collect();
    text(&mut out, &types);
    for arg in &message.args {
        match arg {
            OscArg::Int(v) => out.extend(v.to_be_bytes()),
            OscArg::Float(v) => out.extend((*v as f32).to_be_bytes()),
            OscArg::Text(words) => text(&mut out, words),
            OscArg::Bool(_) => {}
            OscArg::Midi(bytes) => out.extend(bytes),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(address: &str, args: &[OscArg]) -> OscMessage {
        OscMessage { address: address.to_owned(), args: args.to_vec() }
    }

    #[test]
    fn a_packet_is_read_byte_by_byte() {
        // The specification's example: "/oscillator/4/frequency" with 440.0.
        let bytes = b"/oscillator/4/frequency\0,f\0\0\x43\xdc\x00\x00";
        assert_eq!(parse(bytes).unwrap(), [message("/oscillator/4/frequency", &[OscArg::Float(440.0)])]);
        let all = [OscArg::Int(-7), OscArg::Float(0.5), OscArg::Text("a b".to_owned()), OscArg::Bool(true), OscArg::Midi([0, 0x90, 60, 1])];
        let whole = message("/volte/x", &all);
        assert_eq!(parse(&packet(&whole)).unwrap(), std::slice::from_ref(&whole));
        // Two of them in a bundle.
        let mut bundle = b"#bundle\0\0\0\0\0\0\0\0\x01".to_vec();
        for _ in 0..2 {
            let one = packet(&whole);
            bundle.extend((one.len() as u32).to_be_bytes());
            bundle.extend(one);
        }
        assert_eq!(parse(&bundle).unwrap(), [whole.clone(), whole]);
        for cut in 0..bundle.len() - 1 {
            // A bundle of none and a bundle of one are bundles too.
            let is_whole = cut == 16 || cut == 16 + (bundle.len() - 16) / 2;
            assert_eq!(parse(&bundle[..cut]).is_ok(), is_whole, "{cut}");
        }
        assert_eq!(parse(b"GET / HTTP/1.1").unwrap_err(), OscError::Form("an address begins with /"));
    }

    #[test]
    fn addresses_and_arguments_are_words() {
        let words = |address: &str, args: &[OscArg]| ask(&message(address, args), &Access::default());
        let say = |text: &str| Ok(OscAsk::Words(text.to_owned()));
        assert_eq!(words("/volte/take", &[]), say("take"));
        assert_eq!(words("/volte/take", &[OscArg::Float(1.0)]), say("take"));
        assert_eq!(words("/volte/take", &[OscArg::Float(0.0)]), Ok(OscAsk::Release));
        assert_eq!(words("/volte/take", &[OscArg::Bool(false)]), Ok(OscAsk::Release));
        assert_eq!(words("/volte/orbit-to", &[OscArg::Float(f64::from(0.1_f32))]), say("orbit-to 0.1"));
        assert_eq!(words("/volte/camera/3", &[OscArg::Int(1)]), say("camera 3"));
        assert_eq!(words("/volte/camera/3", &[OscArg::Int(0)]), Ok(OscAsk::Release));
        assert_eq!(words("/volte/edit-list/loop", &[OscArg::Bool(true)]), say("edit-list loop on"));
        assert_eq!(words("/volte/t-bar", &[OscArg::Int(1)]), say("t-bar 1"));
        let by = |name: &str, text: &str| Ok(OscAsk::As(name.parse().unwrap(), Box::new(OscAsk::Words(text.to_owned()))));
        assert_eq!(words("/volte/as/anna/take", &[OscArg::Float(1.0)]), by("anna", "take"));
        assert_eq!(words("/volte/as/bo/lock/program", &[]), by("bo", "lock program"));
        for wrong in ["/volte/as/console/take", "/volte/as/two words/take", "/volte/as/anna", "/volte/as/anna/fly", "/volte/as/a/as/b/take"]
        {
            assert!(words(wrong, &[]).is_err(), "{wrong}");
        }
        let access = Access { token: Some("secret".to_owned()), operators: vec![("bo".parse().unwrap(), "bos-own".to_owned())] };
        let named = ask(&message("/volte/secret/as/anna/take", &[]), &access);
        assert_eq!(named, by("anna", "take"));
        // A token of one's own says who it is, and nobody else says it.
        for own in ["/volte/bos-own/take", "/volte/bos-own/as/bo/take"] {
            assert_eq!(ask(&message(own, &[]), &access), by("bo", "take"), "{own}");
        }
        for wrong in ["/volte/secret/as/bo/take", "/volte/bos-own/as/anna/take", "/volte/take", "/volte/bos/take"] {
            assert_eq!(ask(&message(wrong, &[]), &access), Err(OscError::Token), "{wrong}");
        }
        assert_eq!(words("/volte/command", &[OscArg::Text("jog -3".to_owned())]), say("jog -3"));
        assert_eq!(words("/volte/edit-event/prepared/rating", &[OscArg::Int(4)]), say("edit-event prepared rating 4"));
        assert_eq!(words("/volte/midi", &[OscArg::Midi([0, 0xb0, 7, 64])]), Ok(OscAsk::Midi(vec![0xb0, 7, 64])));
        assert!(words("/volte/fly", &[]).unwrap_err().to_string().contains("\"fly\" is no command"));
        assert!(words("/other/take", &[]).unwrap_err().to_string().contains("begin with /volte/"));
        // With a token.
        let access = Access { token: Some("open sesame".to_owned()), ..Access::default() };
        let with = |address: &str| ask(&message(address, &[]), &access);
        assert_eq!(with("/volte/take"), Err(OscError::Token));
        assert_eq!(with("/volte/open sesame/take"), say("take"));
    }
}
