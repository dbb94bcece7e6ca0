//! As much of HTTP/1.1 as a control API needs: a request read within bounds, an answer written. RFC 9112.
//!
//! Must not know: what is asked for, the engine.

use std::io::{BufRead, Read as _, Write};

/// Bytes of the head and of the body that are read.
const HEAD_BYTES: u64 = 16 << 10;
const BODY_BYTES: usize = 64 << 10;

/// Why a request is not answered as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// It is no HTTP.
    #[error("this is no HTTP/1.1 request: {0}")]
    Form(&'static str),
    /// Too much.
    #[error("the {0} is larger than a command needs")]
    Large(&'static str),
    /// It ended before it was whole, or took too long.
    #[error("the request ended early")]
    Short,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// Without the query, decoded.
    pub path: String,
    /// The query's names and values, decoded.
    pub query: Vec<(String, String)>,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// A value of the query.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// `%41` and `+` to what they stand for; what is no such thing stays.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = || bytes.get(at + 1..at + 3).and_then(|h| std::str::from_utf8(h).ok()).and_then(|h| u8::from_str_radix(h, 16).ok());
        match bytes[at] {
            b'%' if hex().is_some() => {
                out.extend(hex());
                at += 2;
            }
            b'+' => out.push(b' '),
            byte => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Reads a request.
pub fn read(from: &mut impl BufRead) -> Result<Request, HttpError> {
    let mut head = from.by_ref().take(HEAD_BYTES);
    let line = |head: &mut std::io::Take<_>| {
        let mut bytes = Vec::new();
        head.read_until(b'\n', &mut bytes).or(Err(HttpError::Short))?;
        if bytes.pop() != Some(b'\n') {
            return Err(if head.limit() == 0 { HttpError::Large("head") } else { HttpError::Short });
        }
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        String::from_utf8(bytes).or(Err(HttpError::Form("its head is not readable")))
    };
    let first = line(&mut head)?;
    let mut words = first.split(' ');
    let (Some(method), Some(target), Some(version), None) = (words.next(), words.next(), words.next(), words.next()) else {
        return Err(HttpError::Form("the first line is not METHOD PATH VERSION"));
    };
    if !version.starts_with("HTTP/1.") || !target.starts_with('/') {
        return Err(HttpError::Form("the first line is not METHOD PATH VERSION"));
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    };
    let mut request = Request {
        method: method.to_owned(),
        path: decoded(path),
        query: query.split('&').filter(|p| !p.is_empty()).map(pair).collect(),
        ..Request::default()
    };
    loop {
        let header = line(&mut head)?;
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').ok_or(HttpError::Form("a header has no colon"))?;
        request.headers.push((name.trim().to_lowercase(), value.trim().to_owned()));
    }
    let length = match request.header("content-length").map(str::parse::<usize>) {
        Some(Err(_)) => return Err(HttpError::Form("content-length is no number")),
        Some(Ok(length)) if length > BODY_BYTES => return Err(HttpError::Large("body")),
        Some(Ok(length)) => length,
        None if request.header("transfer-encoding").is_some() => return Err(HttpError::Form("give a content-length")),
        None => 0,
    };
    request.body = vec![0; length];
    from.read_exact(&mut request.body).or(Err(HttpError::Short))?;
    Ok(request)
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// 200, 404, …
    pub status: u16,
    /// The body's type.
    pub kind: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A value.
    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self { status, kind: "application/json", body: value.to_string().into_bytes() }
    }

    /// What is wrong.
    pub fn error(status: u16, why: &str) -> Self {
        Self::json(status, &serde_json::json!({ "error": why }))
    }

    /// Writes it; the connection then ends.
    pub fn write(&self, to: &mut impl Write) -> std::io::Result<()> {
        let word = match self.status {
            200 => "OK",
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            423 => "Locked",
            503 => "Service Unavailable",
            _ => "Error",
        };
        write!(
            to,
            "HTTP/1.1 {} {word}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
            self.status,
            self.kind,
            self.body.len()
        )?;
        to.write_all(&self.body)?;
        to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_whole() {
        let text = b"POST /api/command?a=1%202&b=x+y&c HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\nX-Volte-Token:  t \r\n\r\nmarkREST";
        let r = read(&mut &text[..]).unwrap();
        assert_eq!((r.method.as_str(), r.path.as_str(), r.body.as_slice()), ("POST", "/api/command", &b"mark"[..]));
        assert_eq!((r.value("a"), r.value("b"), r.value("c"), r.value("d")), (Some("1 2"), Some("x y"), Some(""), None));
        assert_eq!((r.header("host"), r.header("x-volte-token")), (Some("here"), Some("t")));
        assert_eq!(decoded("100%zz%4"), "100%zz%4");
    }

    #[test]
    fn rubbish_is_named() {
        let told = |text: &[u8]| read(&mut &text[..]).unwrap_err();
        assert_eq!(told(b""), HttpError::Short);
        assert_eq!(told(b"GET / HTTP/1.1\r\nHost: x\r\n"), HttpError::Short);
        assert!(matches!(told(b"\x16\x03\x01\n"), HttpError::Form(_)));
        assert!(matches!(told(b"GET http://x/ HTTP/1.1\r\n\r\n"), HttpError::Form(_)));
        assert!(matches!(told(b"GET / HTTP/1.1\r\nnonsense\r\n\r\n"), HttpError::Form(_)));
        assert!(matches!(told(b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"), HttpError::Form(_)));
        assert_eq!(told(b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n"), HttpError::Large("body"));
        assert_eq!(told(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nmark"), HttpError::Short);
        assert_eq!(told(&vec![b'a'; 20_000]), HttpError::Large("head"));
    }
}
