//! The parts that all addresses share: host and port, the options behind the question mark.

use std::ops::RangeInclusive;

use super::Endpoint;

/// Which side an address names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Where {
    /// Packets come here: the host may be left out.
    Here,
    /// Somebody is called there.
    There,
}

/// `name=value` pairs that nobody has taken yet.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pairs: Vec<(String, String)>,
    /// The query as written.
    query: String,
}

impl Options {
    /// What stands before the question mark, and the options behind it.
    pub fn split(rest: &str) -> (&str, Self) {
        let Some((at, query)) = rest.split_once('?') else { return (rest, Self::default()) };
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|p| !p.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            pairs.push((name.to_owned(), percent_decoded(value)));
        }
        (at, Self { pairs, query: query.to_owned() })
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub fn take(&mut self, name: &str) -> Option<String> {
        let at = self.pairs.iter().position(|(n, _)| n == name)?;
        Some(self.pairs.remove(at).1)
    }

    pub fn take_number(&mut self, name: &str, range: RangeInclusive<f64>) -> Result<Option<f64>, String> {
        let Some(text) = self.take(name) else { return Ok(None) };
        match text.parse::<f64>() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => Err(format!("{name}={text} is not a number from {} to {}", range.start(), range.end())),
        }
    }

    pub fn take_whole(&mut self, name: &str, range: RangeInclusive<u32>) -> Result<Option<u32>, String> {
        let Some(text) = self.take(name) else { return Ok(None) };
        match text.parse::<u32>() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => Err(format!("{name}={text} is not a whole number from {} to {}", range.start(), range.end())),
        }
    }

    pub fn take_size(&mut self, name: &str) -> Result<Option<(u32, u32)>, String> {
        let Some(text) = self.take(name) else { return Ok(None) };
        let parts = text.split_once('x').and_then(|(w, h)| Some((w.parse::<u32>().ok()?, h.parse::<u32>().ok()?)));
        match parts {
            Some((w, h)) if (1..=16_384).contains(&w) && (1..=16_384).contains(&h) => Ok(Some((w, h))),
            _ => Err(format!("{name}={text} is not a size such as 1920x1080")),
        }
    }

    /// The options that are not `ours`, as a query for the server.
    pub fn foreign_query(&self, ours: &[&str]) -> String {
        let kept: Vec<&str> =
            self.query.split('&').filter(|pair| !pair.is_empty() && !ours.contains(&pair.split('=').next().unwrap_or_default())).collect();
        if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) }
    }

    /// An error when an option is left that nobody understands; `page` lists those that are.
    pub fn nothing_left(&self, page: &str) -> Result<(), String> {
        match self.pairs.first() {
            Some((name, _)) => Err(format!("the option {name:?} is not known here; {page} lists what each address takes")),
            None => Ok(()),
        }
    }
}

/// HOST:PORT, [HOST]:PORT, or :PORT where a host may be left out; slashes around it are ignored, and so is an `@` in front
/// (other programs write it so).
pub(crate) fn endpoint(text: &str, side: Where) -> Result<Endpoint, String> {
    let text = text.trim_matches('/');
    let text = text.strip_prefix('@').unwrap_or(text);
    let (host, port) = text.rsplit_once(':').filter(|(_, port)| !port.contains(']')).ok_or("the port is missing: write HOST:PORT")?;
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    let port = match port.parse::<u16>() {
        Ok(port) if port > 0 => port,
        _ => return Err(format!("{port:?} is not a port (1 to 65535)")),
    };
    if host.is_empty() && side == Where::There {
        return Err("the host is missing: write HOST:PORT".to_owned());
    }
    if host.chars().any(|c| !(c.is_ascii_alphanumeric() || "-._:%".contains(c))) {
        return Err(format!("{host:?} is not the name or address of a machine"));
    }
    Ok(Endpoint { host: host.to_owned(), port })
}

/// `%41` → `A`; what is no escape stays.
pub(crate) fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, others)) = rest.split_first() {
        let escaped = (first == b'%').then(|| others.get(..2)).flatten();
        let value = escaped.and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(value.unwrap_or(first));
        rest = if value.is_some() { &others[2..] } else { others };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
