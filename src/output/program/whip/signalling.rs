//! The HTTP side of WHIP (RFC 9725): an offer is posted, the answer comes back with the session's own address, which is deleted at
//! the end.
//!
//! What is said here never holds an address or a token: servers put keys into both.

use std::time::Duration;

use ureq::{
    Agent,
    http::{HeaderMap, Uri, header},
    tls::{RootCerts, TlsConfig, TlsProvider},
};

use crate::address::Secret;

/// How long a server may take to answer an offer.
const POST_WITHIN: Duration = Duration::from_secs(5);
/// How long the good-bye may take: nobody waits for it any longer.
const DELETE_WITHIN: Duration = Duration::from_secs(2);
/// A server may send us on to another one so often.
const REDIRECTS: usize = 4;
/// No answer is longer, bytes.
const MOST_BYTES: u64 = 256 * 1024;

/// A session that a server has opened for us; dropping it ends it there.
pub(super) struct Session {
    agent: Agent,
    resource: Option<Uri>,
    bearer: Option<Bearer>,
}

/// The token, and whom it is for.
struct Bearer {
    value: Secret,
    origin: String,
}

impl Bearer {
    /// What to send to `uri`: whoever we are sent on to does not get the token of another.
    fn header(&self, uri: &Uri) -> Option<String> {
        (origin(uri) == self.origin).then(|| format!("Bearer {}", self.value.expose()))
    }
}

fn origin(uri: &Uri) -> String {
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    format!("{}://{}:{port}", uri.scheme_str().unwrap_or_default(), uri.host().unwrap_or_default()).to_ascii_lowercase()
}

/// Where a `Location` leads from `base`, by RFC 3986 §5.2 without its dots.
fn resolved(base: &Uri, location: &str) -> Option<Uri> {
    let (scheme, authority) = (base.scheme_str()?, base.authority()?);
    let whole = if location.contains("://") {
        location.to_owned()
    } else if let Some(other) = location.strip_prefix("//") {
        format!("{scheme}://{other}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else {
        let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{location}")
    };
    whole.parse().ok().filter(|uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some())
}

impl Session {
    /// Posts an offer; gives the session and the answer.
    pub fn open(url: &Secret, token: Option<&Secret>, offer: &str) -> Result<(Self, String), String> {
        let tls = TlsConfig::builder().provider(TlsProvider::NativeTls).root_certs(RootCerts::PlatformVerifier).build();
        let agent: Agent =
            Agent::config_builder().http_status_as_error(false).max_redirects(0).user_agent("Volte").tls_config(tls).build().into();
        let mut uri: Uri = url.expose().parse().map_err(|_e| "the address is none of the web".to_owned())?;
        let bearer = token.map(|value| Bearer { value: value.clone(), origin: origin(&uri) });
        for _ in 0..=REDIRECTS {
            let mut request = agent.post(&uri).header(header::CONTENT_TYPE, "application/sdp");
            if let Some(value) = bearer.as_ref().and_then(|b| b.header(&uri)) {
                request = request.header(header::AUTHORIZATION, value);
            }
            let answered = request.config().timeout_global(Some(POST_WITHIN)).build().send(offer);
            let mut response = answered.map_err(|e| unreachable(&e))?;
            let location = text_of(response.headers(), header::LOCATION).and_then(|location| resolved(&uri, location));
            let status = response.status().as_u16();
            if matches!(status, 307 | 308) {
                uri = location.ok_or("the server sends us elsewhere, but does not say where")?;
                continue;
            }
            let body = response.body_mut().with_config().limit(MOST_BYTES).read_to_string();
            return match status {
                200..=299 => {
                    // The session must be ended whatever becomes of the answer.
                    let session = Self { agent, resource: location, bearer };
                    let answer = body.map_err(|_e| "the server's answer breaks off")?;
                    Ok((session, answer))
                }
                _ => Err(refused(status, body.as_deref().unwrap_or_default(), token.is_some())),
            };
        }
        Err("the server sends us from one place to another without end".to_owned())
    }
}

fn text_of(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Nobody answered.
fn unreachable(error: &ureq::Error) -> String {
    match error {
        ureq::Error::HostNotFound => "no machine of that name is known".to_owned(),
        ureq::Error::Timeout(_) => "the server does not answer in time".to_owned(),
        ureq::Error::Io(e) => format!("the server cannot be reached ({})", e.kind()),
        ureq::Error::ConnectionFailed => "the server cannot be reached".to_owned(),
        ureq::Error::Tls(_) | ureq::Error::NativeTls(_) => {
            "the server's certificate is not one that this machine trusts. Install its authority's certificate, or write whip:// within the \
             venue"
                .to_owned()
        }
        _ => "what answers there is no web server. Check the port".to_owned(),
    }
}

/// The server said no.
fn refused(status: u16, said: &str, has_token: bool) -> String {
    let why = match status {
        401 | 403 if has_token => "the server does not take the token",
        401 | 403 => "the server wants a token: append ?token=…",
        404 | 410 => "the server has nothing at this path",
        405 | 501 => "there is a web server at this path, but no WHIP endpoint",
        400 | 406 | 415 | 422 => "the server does not take the offer (H.264 of constrained baseline, Opus)",
        409 => "somebody else sends there already",
        429 | 503 => "the server is busy",
        500..=599 => "the server is broken",
        _ => "the server does not open a session",
    };
    // Pages are no use in a line; servers that say why do it in a line.
    let said: String = said.chars().filter(|c| !c.is_control()).take(120).collect();
    if said.is_empty() || said.contains('<') { format!("{why} ({status})") } else { format!("{why} ({status}: {said})") }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(resource) = self.resource.take() else { return };
        let mut request = self.agent.delete(&resource);
        if let Some(value) = self.bearer.as_ref().and_then(|b| b.header(&resource)) {
            request = request.header(header::AUTHORIZATION, value);
        }
        // A server that is gone has ended it already.
        if let Err(e) = request.config().timeout_global(Some(DELETE_WITHIN)).build().call() {
            tracing::debug!("a WHIP session could not be ended: {}", unreachable(&e));
        }
    }
}

#[cfg(test)]
mod tests;
