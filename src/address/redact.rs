//! What of an address may be shown. The one place that decides it: errors, logs and status all go through here.
//!
//! Must not know: what addresses mean. It works on malformed ones as well, and in doubt it hides: what is shown is a list, not what is
//! hidden.

use super::Secret;
use super::options::percent_decoded;

/// What stands in place of a secret.
const HIDDEN: &str = "***";
/// Options whose values are no secrets, when they look like what belongs there.
const HARMLESS: [&str; 23] = [
    "transport",
    "latency_ms",
    "latency",
    "mode",
    "encoding",
    "payload",
    "clock_rate",
    "fps",
    "size",
    "format",
    "stall_s",
    "time",
    "client",
    "sampling",
    "depth",
    "live",
    "loop",
    "fast",
    "mediaclk",
    "ttl",
    "segment_s",
    "keep",
    "pbkeylen",
];
/// These name something at this machine or by its name; they have no host.
const LOCAL: [&str; 7] = ["file", "images", "hls", "v4l2", "ndi", "decklink", "aravis"];
/// Shorter secrets are replaced in texts only where they stand alone; all else would take words apart.
const REPLACED_ANYWHERE: usize = 6;

/// Collects what was taken out.
#[derive(Default)]
struct Taken(Vec<Secret>);

impl Taken {
    /// Hides a text, and it in every form in which it may come back: decoded, quoted, and its parts.
    fn hide(&mut self, text: &str) -> &'static str {
        if text.is_empty() {
            return "";
        }
        let decoded = percent_decoded(text);
        for form in [text, &decoded] {
            let parts = form.split(|c: char| !c.is_alphanumeric());
            self.0.extend([form.to_owned(), form.escape_debug().to_string()].into_iter().map(Secret::new));
            self.0.extend(parts.map(Secret::new));
        }
        // Single digits and the like stand everywhere.
        self.0.retain(|secret| secret.0.len() > 2);
        HIDDEN
    }

    /// Longest first: a part must not break the whole.
    fn sorted(mut self) -> Vec<Secret> {
        self.0.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.0.cmp(&b.0)));
        self.0.dedup();
        self.0
    }
}

fn is_word(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.+".contains(&b))
}

/// An address as it may be shown, and what was taken out of it.
pub(crate) fn redact_uri(uri: &str) -> (String, Vec<Secret>) {
    let mut taken = Taken::default();
    let shown = shown(uri, &mut taken);
    (shown, taken.sorted())
}

/// `text` without these secrets, and every address in it as it may be shown.
pub(crate) fn redact_text(text: &str, secrets: &[Secret]) -> String {
    let text = secrets.iter().filter(|s| !s.0.is_empty()).fold(text.to_owned(), |text, s| replaced(&text, &s.0));
    let word = |word: &str| if word.contains("://") && !word.contains('…') { redact_uri(word).0 } else { word.to_owned() };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn replaced(text: &str, secret: &str) -> String {
    if secret.len() >= REPLACED_ANYWHERE {
        return text.replace(secret, HIDDEN);
    }
    let joins = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let (mut out, mut rest, mut before) = (String::new(), text, None);
    while let Some(at) = rest.find(secret) {
        let (head, tail) = (&rest[..at], &rest[at + secret.len()..]);
        let alone = !joins(head.chars().next_back().or(before)) && !joins(tail.chars().next());
        out.push_str(head);
        out.push_str(if alone { HIDDEN } else { secret });
        before = secret.chars().next_back();
        rest = tail;
    }
    out + rest
}

fn shown(uri: &str, taken: &mut Taken) -> String {
    let (scheme, mark, rest) = match uri.split_once("://") {
        Some((scheme, rest)) if is_word(scheme.trim(), 16) => (scheme.trim(), "://", rest),
        Some(_) => return taken.hide(uri).to_owned(),
        None => match uri.split_once(':') {
            Some((scheme, rest)) if is_word(scheme, 16) && !rest.contains('@') => (scheme, ":", rest),
            _ => ("", "", uri),
        },
    };
    let local = LOCAL.contains(&scheme.to_ascii_lowercase().as_str());
    let mut out = format!("{scheme}{mark}");
    // A password may hold any of / ? # @ itself: the last @ ends it, wherever it stands. Where it could as well be part of a path or
    // of an option, both sides may be secret.
    let rest = match rest.rsplit_once('@') {
        None => rest,
        Some((user_info, _)) if user_info.contains(['/', '?', '#', ';', '=', '&']) => return out + taken.hide(rest),
        Some((user_info, rest)) => {
            match user_info.split_once(':') {
                Some((user, password)) => out.extend([taken.hide(user), ":", taken.hide(password)]),
                None => out.push_str(taken.hide(user_info)),
            }
            out.push('@');
            rest
        }
    };
    let (before, query) = rest.split_once('?').map_or((rest, None), |(b, q)| (b, Some(q)));
    if local {
        out.push_str(before);
    } else if mark == "://" {
        show_host_and_path(before, &scheme.to_ascii_lowercase(), &mut out, taken);
    } else if scheme.to_ascii_lowercase().starts_with("whip") {
        out.push_str(taken.hide(before));
    } else {
        show_path(before, &mut out, taken);
    }
    if let Some(query) = query {
        // The question mark may be part of what was hidden. A path that is hidden by rule and not in doubt ends before it.
        if out.ends_with(HIDDEN) && !scheme.to_ascii_lowercase().starts_with("whip") {
            return out + "?" + taken.hide(query);
        }
        let words = local || (mark.is_empty() && !before.contains("//"));
        let pairs: Vec<String> = query.split('&').map(|pair| show_option(pair, words, taken)).collect();
        out.extend(["?", &pairs.join("&")]);
    }
    out
}

fn show_host_and_path(text: &str, scheme: &str, out: &mut String, taken: &mut Taken) {
    let end = text.find('/').unwrap_or(text.len());
    let strange = text[..end].find(|c: char| !(c.is_ascii_alphanumeric() || "-._:%[]".contains(c)));
    let (authority, path) = text.split_at(strange.unwrap_or(end));
    match authority.rsplit_once(':').filter(|(_, port)| !port.contains(']')) {
        // What stands in the place of the port may be a password whose host was forgotten.
        Some((host, port)) => {
            let is_host = host.starts_with('[') || !host.contains(':');
            let is_port = port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
            if !is_host || !is_port {
                taken.hide(path);
                taken.hide(port);
                out.push_str(if is_host { host } else { taken.hide(host) });
                out.extend([":", HIDDEN]);
                return;
            }
            out.extend([host, ":", port]);
        }
        None => out.push_str(authority),
    }
    if strange.is_some() {
        out.push_str(taken.hide(path));
    } else if scheme.starts_with("whip") {
        // Any part of it may be the key to the stream.
        let path = path.strip_prefix('/').unwrap_or(path);
        out.push('/');
        out.push_str(taken.hide(path));
    } else if scheme.starts_with("rtmp") {
        // The first part names the application, what follows is the key to the stream.
        let application = path.get(1..).and_then(|p| p.find('/')).map_or(0, |at| at + 2).min(path.len());
        let application = application.max(usize::from(path.starts_with('/')));
        out.push_str(&path[..application]);
        out.push_str(taken.hide(&path[application..]));
    } else {
        show_path(path, out, taken);
    }
}

/// Some cameras take user and password as parts of the path (`user=…`, `;token=…`): from there on it is hidden.
fn show_path(path: &str, out: &mut String, taken: &mut Taken) {
    let begin = path.find([';', '=', '#', '&']).map_or(path.len(), |at| path[..at].rfind('/').map_or(0, |slash| slash + 1));
    out.push_str(&path[..begin]);
    out.push_str(taken.hide(&path[begin..]));
}

fn show_option(pair: &str, words: bool, taken: &mut Taken) -> String {
    let Some((name, value)) = pair.split_once('=') else {
        let known = HARMLESS.contains(&pair) || (words && pair.len() <= 8 && pair.bytes().all(|b| b.is_ascii_lowercase()));
        return if known { pair.to_owned() } else { taken.hide(pair).to_owned() };
    };
    let harmless = HARMLESS.contains(&name.to_ascii_lowercase().as_str());
    let plain = value.len() <= 20 && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:+".contains(&b));
    let name = if is_word(name, 24) { name } else { taken.hide(name) };
    format!("{name}={}", if harmless && plain { value } else { taken.hide(value) })
}
