//! The control API over HTTP: the state as JSON, commands as the words of [`super::text`], pictures as JPEG, and the producer's page. For
//! Stream Deck's Companion, scripts, and producers who look on.
//!
//! Must not know: sockets.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{
    http::{Answer, Request},
    hub::{Hub, Refused},
    text::EXAMPLES,
};
use crate::{
    engine::{Command, CommandKind, ProgramKind, ProgramView, Snapshot},
    frame::Picture,
    output::program::{ProgramStatus, SinkStatus},
    replay::{
        Event, NO_SECOND,
        operators::{OperatorName, Origin, Way},
    },
    time::MediaTime,
};

/// The producer's page.
const PAGE: &str = include_str!("producer.html");
/// Widths of pictures that are given.
const WIDTHS: std::ops::RangeInclusive<u32> = 32..=1920;
const USUAL_WIDTH: u32 = 640;
/// A look of a producer's own is waited for so long.
const LOOK_WITHIN: Duration = Duration::from_secs(8);
/// Commands of one request.
const MOST_COMMANDS: usize = 100;

/// Who may ask.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Needed where the server is reachable from other machines.
    pub token: Option<String>,
    /// Operators with a token of their own: it says who they are, and nobody else is taken for them.
    pub operators: Vec<(OperatorName, String)>,
}

impl Access {
    /// Whose token this is; `None` where it is nobody's own.
    pub fn owner(&self, given: &str) -> Option<&OperatorName> {
        // All are looked at, so that the time does not say which one is near.
        self.operators.iter().fold(None, |found, (name, token)| if super::same_secret(given, token) { Some(name) } else { found })
    }

    /// Whether a name is only believed with its token.
    pub fn is_owned(&self, name: &OperatorName) -> bool {
        // Who writes it with other capitals looks like them.
        let said = name.as_str().to_lowercase();
        self.operators.iter().any(|(owner, _)| owner.as_str().to_lowercase() == said)
    }
}

/// Answers a request.
pub fn answer(request: &Request, hub: &Hub, access: &Access) -> Answer {
    if let Some(refused) = refused(request, access) {
        return refused;
    }
    let hub = &match operator(request, access) {
        Ok(origin) => hub.of(origin),
        Err(refused) => return refused,
    };
    // Whoever looks on is there, too.
    hub.hear();
    let path: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    match (request.method.as_str(), &path[..]) {
        ("GET", [""]) => Answer { status: 200, kind: "text/html; charset=utf-8", body: PAGE.as_bytes().to_vec() },
        ("GET", ["api", "state"]) => Answer::json(200, &state(&hub.snapshot())),
        ("GET", ["api", "commands"]) => Answer::json(200, &commands()),
        ("POST", ["api", "command"]) => command(request, hub),
        ("POST", ["api", "command", rest @ ..]) => match on_channel(vec![rest.join(" ")], request) {
            Ok(lines) => said(&lines, hub),
            Err(refused) => refused,
        },
        ("GET", ["api", "program-b.jpg"]) => match hub.snapshot().second.as_ref().map(|second| second.program.shown.clone()) {
            Some(shown) => picture(&shown.picture, request),
            None => Answer::error(404, NO_SECOND),
        },
        ("GET", ["api", "program.jpg"]) => picture(&hub.snapshot().program.shown.picture, request),
        ("GET", ["api", "preview.jpg"]) => match hub.snapshot().preview.as_ref().and_then(|p| p.shown.clone()) {
            Some(shown) => picture(&shown.picture, request),
            None => Answer::error(404, "nothing is prepared"),
        },
        ("GET", ["api", "camera", number]) => camera(number, hub, request),
        ("GET", ["api", "look.jpg"]) => look(hub, request),
        (method, ["api", "command", ..]) => {
            Answer::error(405, &format!("{method} changes nothing: POST a command, such as `curl --data take …/api/command`"))
        }
        _ => Answer::error(
            404,
            "there are GET /, /api/state, /api/commands, /api/program.jpg, /api/program-b.jpg, /api/preview.jpg, /api/camera/N.jpg, /api/look.jpg?position=P and POST /api/command",
        ),
    }
}

/// The token of a request; empty where there is none.
fn token(request: &Request) -> &str {
    let given = request.header("authorization").and_then(|v| v.strip_prefix("Bearer ")).or(request.header("x-volte-token"));
    given.or(request.value("token")).unwrap_or_default()
}

/// Why a request is not even looked at.
fn refused(request: &Request, access: &Access) -> Option<Answer> {
    let given = token(request);
    if let Some(token) = &access.token {
        return (access.owner(given).is_none() && !super::same_secret(given, token))
            .then(|| Answer::error(401, "the token is missing or wrong: send it as `X-Volte-Token`"));
    }
    // Without a token only this machine is answered; a page of another site that runs in a browser here must not give commands either.
    let host = |value: &str| value.rsplit_once(':').map_or(value, |(host, port)| if port.contains(']') { value } else { host }).to_owned();
    let is_ours = |host: &str| host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback());
    let own = |value: &str| matches!(host(value).as_str(), "localhost" | "[::1]") || is_ours(&host(value));
    let foreign = request.header("origin").is_some_and(|o| !own(o.rsplit("//").next().unwrap_or(o)))
        || request.header("host").is_some_and(|h| !own(h))
        || request.header("sec-fetch-site").is_some_and(|s| s == "cross-site");
    foreign.then(|| Answer::error(403, "only pages and programs of this machine may ask; give the show a token to let others in"))
}

/// Who asks: nobody needs to say it, but only who says a name can lock. A token of one's own says it.
fn operator(request: &Request, access: &Access) -> Result<Origin, Answer> {
    let owner = access.owner(token(request));
    let said = request.header("x-volte-operator").or(request.value("operator")).map(str::trim).filter(|name| !name.is_empty());
    let said = said.map(str::parse::<OperatorName>).transpose().map_err(|e| Answer::error(400, &e.to_string()))?;
    match said {
        Some(name) if access.is_owned(&name) && owner != Some(&name) => {
            Err(Answer::error(403, &format!("{name} has a token: send that one, or another name")))
        }
        Some(name) if owner.is_some_and(|owner| *owner != name) => {
            Err(Answer::error(403, &format!("this token is another operator's than {name}'s: send the show's token, or no name")))
        }
        said => Ok(Origin { way: Way::Http, operator: owner.cloned().or(said) }),
    }
}

/// A body of lines, of a JSON text, a list of them, or `{"command": "take"}`.
fn command(request: &Request, hub: &Hub) -> Answer {
    let Ok(text) = std::str::from_utf8(&request.body) else { return Answer::error(400, "the body is no text") };
    let is_json = text.trim_start().starts_with(['{', '[', '"']);
    let lines: Vec<String> = if is_json {
        let Ok(value) = serde_json::from_str::<Value>(text) else { return Answer::error(400, "the body begins like JSON and is none") };
        let value = value.get("commands").or(value.get("command")).cloned().unwrap_or(value);
        let of = |v: &Value| v.as_str().map(str::to_owned);
        let read = match &value {
            Value::Array(all) => all.iter().map(of).collect(),
            one => of(one).map(|line| vec![line]),
        };
        let Some(lines) = read else {
            return Answer::error(400, r#"write {"command": "take"}, {"commands": ["mark", "take"]}, or the words alone"#);
        };
        lines
    } else {
        text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).map(str::to_owned).collect()
    };
    match on_channel(lines, request) {
        Ok(lines) => said(&lines, hub),
        Err(refused) => refused,
    }
}

/// Commands for the channel that the address names: with `?channel=b` all of them are program B's.
fn on_channel(lines: Vec<String>, request: &Request) -> Result<Vec<String>, Answer> {
    match request.value("channel").map(str::to_lowercase).as_deref() {
        None | Some("a") => Ok(lines),
        Some("b") => Ok(lines.into_iter().map(|line| if line.starts_with("b ") { line } else { format!("b {line}") }).collect()),
        Some(_) => Err(Answer::error(400, "channel is a or b")),
    }
}

/// Does all of them, or none where one is no command; where another has locked what one of them changes, it and those after it are not done.
fn said(lines: &[String], hub: &Hub) -> Answer {
    if lines.is_empty() || lines.len() > MOST_COMMANDS {
        return Answer::error(400, "the body has no command, or more than a hundred");
    }
    for (k, line) in lines.iter().enumerate() {
        if let Err(e) = hub.understood(line) {
            return Answer::error(400, &if lines.len() == 1 { e.to_string() } else { format!("line {}: {e}; nothing was done", k + 1) });
        }
    }
    for (k, line) in lines.iter().enumerate() {
        match hub.understood(line).and_then(|command| hub.ask(command)) {
            Ok(()) => {}
            Err(Refused::Locked(locked)) => {
                let (channel, holder) = locked.held.map(|(channel, holder)| (channel.name(), holder.to_string())).unzip();
                let told = json!({ "error": locked.why, "channel": channel, "holder": holder, "done": lines[..k] });
                return Answer::json(423, &told);
            }
            Err(e) => return Answer::error(503, &e.to_string()),
        }
    }
    Answer::json(200, &json!({ "done": lines }))
}

fn commands() -> Value {
    let known: Vec<Value> = EXAMPLES
        .iter()
        .map(|example| {
            // What the words mean is what the palette says of the command.
            let kind: Option<CommandKind> = super::text::command_of(example).map(|c: Command| c.kind());
            let info = kind.map(CommandKind::info);
            json!({
                "example": example,
                "name": info.map_or("", |i| i.name),
                "does": info.map_or("", |i| i.tooltip),
                "keys": info.map_or("", |i| i.shortcut),
            })
        })
        .collect();
    json!({ "commands": known })
}

fn secs(at: MediaTime) -> f64 {
    (at.secs_f64() * 1e6).round() * 1e-6
}

fn event(e: &Event) -> Value {
    json!({
        "id": e.id.0,
        "name": e.name,
        "at_secs": secs(e.instant),
        "in_secs": secs(e.begin),
        "out_secs": secs(e.end),
        "rating": e.rating,
        "colour": e.color.name(),
        "keywords": e.keywords,
        "angles": e.angles,
        "notes": e.notes,
        "takes": e.takes,
        "pivot_m": e.pivot_m(),
    })
}

/// What a program shows.
fn program(s: &Snapshot, program: &ProgramView) -> Value {
    match program.kind {
        ProgramKind::Live(k) => json!({ "shows": "live", "camera": k + 1, "name": s.cameras.get(k).map(|c| c.name.as_str()) }),
        ProgramKind::Hold => json!({ "shows": "hold" }),
        ProgramKind::Replay { instant, position, progress, solved } => json!({
            "shows": "replay",
            "at_secs": secs(program.roll.map_or(instant, |r| r.instant)),
            "position": position,
            "progress": progress,
            "between_cameras": solved,
            "speed_percent": program.roll.map_or(0, |r| r.speed_percent),
            "interpolated_between_secs": program.roll.and_then(|r| r.between).map(|two| two.map(secs)),
        }),
    }
}

fn outputs(output: Option<&Arc<ProgramStatus>>) -> Vec<Value> {
    let sink = |k: &SinkStatus| {
        json!({
            "name": k.name, "address": k.address, "state": k.state.word(), "frames": k.frames, "dropped": k.dropped, "missed": k.missed,
        })
    };
    output.into_iter().flat_map(|o| &o.sinks).map(sink).collect()
}

/// The state as JSON. Cameras are numbered from 1 as on the keyboard; positions count gaps from 0 as in scripts.
pub fn state(s: &Snapshot) -> Value {
    let program = program(s, &s.program);
    let second = s.second.as_ref().map(|second| {
        json!({
            "program": self::program(s, &second.program),
            "live_camera": second.live_camera + 1,
            "speed_percent": second.speed_percent,
            "frames": second.program.frames,
            "repeated": second.program.repeated,
            "outputs": outputs(second.output.as_ref()),
        })
    });
    let preview = s.preview.as_ref().map(|p| {
        json!({
            "event": p.event.map(|id| id.0),
            "at_secs": secs(p.roll.map_or(p.instant, |r| r.instant)),
            "position": p.position,
            "readiness": format!("{:?}", p.readiness).to_lowercase(),
            "progress": p.progress,
            "problem": p.problem,
            "pivot_m": p.pivot.as_ref().and_then(|pivot| pivot.at_m),
            "speed_percent": p.roll.map_or(0, |r| r.speed_percent),
        })
    });
    json!({
        "serial": s.serial,
        "now_secs": secs(s.now),
        "phase": s.phase.label().to_lowercase(),
        "can_take": s.can_take,
        "position": s.position,
        "arc_length": s.arc_length(),
        "ring": s.closed,
        "speed_percent": s.speed_percent,
        "slow_motion": {
            "interpolates": s.slow_motion.interpolate,
            "too_slow": s.slow_motion.too_slow,
            "picture_ms": s.slow_motion.picture_ms,
            "made": s.slow_motion.made,
            "late": s.slow_motion.late,
            "unsure": s.slow_motion.unsure,
        },
        "program": program,
        "program_b": second,
        "preview": preview,
        "moves": s.moves.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(),
        "chosen_move": s.chosen_move + 1,
        "cameras": s.cameras.iter().map(|c| json!({
            "name": c.name,
            "tally": format!("{:?}", c.tally).to_lowercase(),
            "on_program_b": c.on_second,
            "health": format!("{:?}", c.status.health).to_lowercase(),
            "fps": c.status.fps,
        })).collect::<Vec<_>>(),
        "events": s.events.iter().map(event).collect::<Vec<_>>(),
        "playlist": { "elements": s.playlist.elements.len(), "elapsed_secs": s.playlist.elapsed_secs, "total_secs": s.playlist.total_secs },
        "exporting": s.export.as_ref().map(|e| e.progress),
        "exports": s.exports.iter().map(|e| json!({
            "number": e.number, "file": e.path, "state": e.state.name(), "progress": e.progress,
        })).collect::<Vec<_>>(),
        "outputs": outputs(s.output.as_ref()),
        "locks": s.operators.locks.iter().map(|l| json!({
            "channel": l.channel.name(), "holder": l.holder.to_string(), "held_secs": l.held_secs, "away": l.away,
        })).collect::<Vec<_>>(),
        "operators": s.operators.operators.iter().map(|o| json!({
            "name": o.name.as_str(), "silent_secs": o.silent_secs, "away": o.away,
        })).collect::<Vec<_>>(),
        "watts": s.watts,
        "quality": s.level.level.label().to_lowercase(),
        "notices": s.notices.iter().rev().take(8).map(|n| json!({
            "at_secs": secs(n.at), "level": format!("{:?}", n.level).to_lowercase(), "text": n.text,
        })).collect::<Vec<_>>(),
    })
}

/// A picture as JPEG, as wide as asked for.
fn picture(picture: &Arc<Picture>, request: &Request) -> Answer {
    let width = request.value("width").and_then(|w| w.parse::<u32>().ok()).unwrap_or(USUAL_WIDTH);
    let width = width.clamp(*WIDTHS.start(), *WIDTHS.end()).min(picture.width());
    let height = (u64::from(picture.height()) * u64::from(width) / u64::from(picture.width().max(1))).max(1) as u32;
    let rgb: Vec<u8> = picture.rgba().chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
    let Some(whole) = image::RgbImage::from_raw(picture.width(), picture.height(), rgb) else {
        return Answer::error(503, "there is no picture yet");
    };
    let small = if width < picture.width() { image::imageops::thumbnail(&whole, width, height) } else { whole };
    let mut body = Vec::new();
    match image::codecs::jpeg::JpegEncoder::new_with_quality(&mut body, 80).encode_image(&small) {
        Ok(()) => Answer { status: 200, kind: "image/jpeg", body },
        Err(e) => Answer::error(503, &e.to_string()),
    }
}

fn camera(number: &str, hub: &Hub, request: &Request) -> Answer {
    let s = hub.snapshot();
    let k = number.strip_suffix(".jpg").and_then(|n| n.parse::<usize>().ok()).and_then(|n| n.checked_sub(1));
    match k.and_then(|k| s.cameras.get(k)).map(|c| &c.live) {
        Some(Some(live)) => picture(&live.picture, request),
        Some(None) => Answer::error(404, "this camera has no picture"),
        None => Answer::error(404, &format!("cameras are 1.jpg to {}.jpg", s.cameras.len())),
    }
}

/// A producer's own look along the arc at the prepared instant; preview and program stay as they are.
fn look(hub: &Hub, request: &Request) -> Answer {
    let Some(position) = request.value("position").and_then(|p| p.parse::<f64>().ok()).filter(|p| p.is_finite()) else {
        return Answer::error(400, "give a position along the arc: /api/look.jpg?position=2.5");
    };
    let width = request.value("width").and_then(|w| w.parse::<u32>().ok()).unwrap_or(USUAL_WIDTH).clamp(*WIDTHS.start(), 960);
    match hub.engine().look(position, width, LOOK_WITHIN) {
        Ok(own) => picture(&own, request),
        Err(why) => Answer::error(503, &why),
    }
}
