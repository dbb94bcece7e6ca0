//! The ways in from outside: OSC, the control API over HTTP, and control surfaces, each into a running engine; and rubbish into each of them.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream, UdpSocket},
    path::Path,
    sync::Arc,
    time::Duration,
};

use proptest::prelude::*;
use serde_json::Value;
use volte::{
    address::Secret,
    control::{
        api::{self, Access},
        http,
        hub::{Hub, Recorder},
        mapping::Mapping,
        osc::{self, OscArg, OscMessage},
        script,
        server::{ControlError, ControlOptions, ControlServer},
        surface::Surface,
        text,
        touch::{ControlId, InputParser, MidiParser, Motion, Touch},
    },
    engine::{Command, Engine, EngineOptions, NoticeLevel, ProgramKind, Quality, Snapshot},
    replay::{
        Phase,
        operators::{Holder, LockChannel, LockOrder},
    },
};

mod support {
    pub mod fake_feeds;
}
use support::fake_feeds::FakeFeeds;

const SOON: Duration = Duration::from_secs(5);
const TOKEN: &str = "a-long-enough-token";

fn engine() -> (Arc<FakeFeeds>, Engine) {
    let feeds = Arc::new(FakeFeeds::new(6));
    let options = EngineOptions { without_gpu: true, ..EngineOptions::default() };
    let engine = Engine::start(Arc::clone(&feeds) as Arc<dyn volte::engine::Feeds>, &options).unwrap();
    expect(&engine, "live", |s| s.ring.newest.is_some() && s.cameras.iter().any(|c| c.live.is_some()));
    (feeds, engine)
}

fn expect(engine: &Engine, what: &str, wanted: impl FnMut(&Snapshot) -> bool) -> Arc<Snapshot> {
    engine.wait_for(SOON, wanted).unwrap_or_else(|| {
        let s = engine.snapshot();
        panic!("{what} did not happen: {:?} {} {:?} notices {:?}", s.phase, s.position, s.program.kind, s.notices)
    })
}

fn local() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// A request as it stands; the status, and the body.
fn ask(at: SocketAddr, request: &str) -> (u16, Vec<u8>) {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let head = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or_else(|| panic!("{:?}", String::from_utf8_lossy(&answer)));
    let status = String::from_utf8_lossy(&answer[..head]).split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer[head + 4..].to_vec())
}

fn get(at: SocketAddr, path: &str) -> (u16, Vec<u8>) {
    ask(at, &format!("GET {path} HTTP/1.1\r\nHost: {at}\r\n\r\n"))
}

fn post(at: SocketAddr, body: &str, more: &str) -> (u16, Value) {
    let (status, body) =
        ask(at, &format!("POST /api/command HTTP/1.1\r\nHost: {at}\r\n{more}Content-Length: {}\r\n\r\n{body}", body.len()));
    (status, serde_json::from_slice(&body).unwrap())
}

#[test]
fn program_b_is_asked_by_the_address_too() {
    let feeds = Arc::new(FakeFeeds::new(6));
    let options = EngineOptions { without_gpu: true, second_channel: true, ..EngineOptions::default() };
    let engine = Engine::start(Arc::clone(&feeds) as Arc<dyn volte::engine::Feeds>, &options).unwrap();
    expect(&engine, "live", |s| s.ring.newest.is_some() && s.second.as_ref().is_some_and(|b| b.program.shown_shot == b.program.shot));
    let file = tempfile::NamedTempFile::new().unwrap();
    let hub = Hub::new(engine.handle(), Some(Recorder::new(file.reopen().unwrap())));
    let server =
        ControlServer::start(&hub, &ControlOptions { http: Some(local()), osc: Some(local()), ..ControlOptions::default() }).unwrap();
    let at = server.http().unwrap();
    let say = |path: &str, body: &str| {
        let (status, told) = ask(at, &format!("POST {path} HTTP/1.1\r\nHost: {at}\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
        (status, String::from_utf8(told).unwrap())
    };
    assert_eq!(say("/api/command/camera/2?channel=b", "").0, 200);
    assert_eq!(say("/api/command", "mark").0, 200);
    expect(&engine, "armed", |s| s.can_take);
    assert_eq!(say("/api/command?channel=b", "speed 100\nroll").0, 200);
    let told: Value = serde_json::from_slice(&get(at, "/api/state").1).unwrap();
    assert_eq!((&told["program"]["shows"], &told["program_b"]["program"]["shows"]), (&"live".into(), &"replay".into()));
    assert_eq!((&told["program_b"]["live_camera"], &told["program_b"]["speed_percent"]), (&2.into(), &100.into()));
    assert_eq!(get(at, "/api/program-b.jpg?width=64").0, 200);
    let (status, why) = say("/api/command?channel=b", "play-list");
    assert!(status == 400 && why.contains("nothing that program B does"), "{why}");
    assert_eq!(say("/api/command?channel=c", "take").0, 400);
    // OSC has it in the address.
    let socket = std::net::UdpSocket::bind(local()).unwrap();
    let message = OscMessage { address: "/volte/b/return".to_owned(), args: vec![] };
    socket.send_to(&osc::packet(&message), server.osc().unwrap()).unwrap();
    expect(&engine, "B returned", |s| {
        s.second.as_ref().is_some_and(|b| b.program.kind == volte::engine::ProgramKind::Live(1)) && s.cameras[1].on_second
    });
    // What came in is a script that plays B again.
    drop((server, hub));
    let written = std::fs::read_to_string(file.path()).unwrap();
    for words in ["b camera 2", "b speed 100", "b roll", "b return"] {
        assert!(written.lines().any(|l| l.ends_with(words)), "{words}: {written}");
    }
    assert_eq!(script::parse(&written).unwrap().len(), 5);
}

#[test]
fn the_api_gives_commands_and_tells_the_state() {
    let (_feeds, engine) = engine();
    let file = tempfile::NamedTempFile::new().unwrap();
    let recorder = Recorder::new(file.reopen().unwrap());
    let hub = Hub::new(engine.handle(), Some(recorder));
    let server = ControlServer::start(&hub, &ControlOptions { http: Some(local()), ..ControlOptions::default() }).unwrap();
    let at = server.http().unwrap();

    let state = || serde_json::from_slice::<Value>(&get(at, "/api/state").1).unwrap();
    assert_eq!((&state()["phase"], &state()["program"]["shows"], &state()["can_take"]), (&"live".into(), &"live".into(), &false.into()));
    assert_eq!(state()["cameras"][3]["name"], "cam04");
    // Words, JSON, lists; each says what was done.
    assert_eq!(post(at, "mark", ""), (200, serde_json::json!({ "done": ["mark"] })));
    expect(&engine, "armed", |s| s.can_take);
    assert_eq!(post(at, r#"{"commands": ["orbit-to 0", "move 1", "edit-event prepared rating 4"]}"#, "").0, 200);
    expect(&engine, "rated", |s| s.events[0].rating == 4 && s.position < 1e-9);
    assert_eq!(post(at, "# a comment\n\nedit-event prepared notes Hand on the ball\ntake\n", "").0, 200);
    let s = expect(&engine, "on air", |s| s.phase == Phase::OnAir);
    assert_eq!(s.events[0].notes, "Hand on the ball");
    let told = state();
    assert_eq!((&told["phase"], &told["events"][0]["rating"], &told["events"][0]["takes"]), (&"on air".into(), &4.into(), &1.into()));
    assert_eq!(post(at, r#""return""#, "").0, 200);
    assert_eq!(ask(at, &format!("POST /api/command/camera/6 HTTP/1.1\r\nHost: {at}\r\n\r\n")).0, 200);
    expect(&engine, "camera 6", |s| s.program.kind == volte::engine::ProgramKind::Live(5));

    // What is wrong is said, and then nothing of the request is done.
    let events = engine.snapshot().events.len();
    for (body, word) in [
        ("fly", "\"fly\" is no command"),
        ("orbit-to fast", "orbit-to is written like `orbit-to 2.5`"),
        ("take 3", "nothing follows take"),
        ("mark\nmark\nmar", "line 3"),
        ("{\"command\": 3}", "write {"),
        ("{\"command\"", "begins like JSON"),
        ("", "no command"),
    ] {
        let (status, told) = post(at, body, "");
        assert!(status == 400 && told["error"].as_str().unwrap().contains(word), "{body}: {status} {told}");
    }
    assert_eq!(engine.snapshot().events.len(), events);
    assert_eq!(get(at, "/api/command/take").0, 405, "a GET changes nothing");
    assert_eq!(get(at, "/nowhere").0, 404);
    assert_eq!(ask(at, "\u{16}\u{3}\u{1}\r\n").0, 400);
    // A page of somebody else in a browser of this machine.
    for foreign in ["Origin: https://example.com\r\n", "Origin: null\r\n", "Sec-Fetch-Site: cross-site\r\n"] {
        assert_eq!(post(at, "mark", foreign).0, 403, "{foreign}");
    }
    for host in ["volte.example.com", "127.example.com:80"] {
        assert_eq!(ask(at, &format!("GET /api/state HTTP/1.1\r\nHost: {host}\r\n\r\n")).0, 403, "{host}");
    }
    assert_eq!(post(at, "camera 1", &format!("Origin: http://{at}\r\n")).0, 200);

    // Pictures, and the list of commands.
    for path in ["/api/program.jpg?width=64", "/api/preview.jpg", "/api/camera/2.jpg", "/api/look.jpg?position=1.6&width=64"] {
        let (status, body) = get(at, path);
        assert!(status == 200 && image::load_from_memory(&body).is_ok(), "{path} {status}");
    }
    assert_eq!((get(at, "/api/camera/9.jpg").0, get(at, "/api/look.jpg?position=x").0), (404, 400));
    let commands: Value = serde_json::from_slice(&get(at, "/api/commands").1).unwrap();
    assert_eq!(commands["commands"].as_array().unwrap().len(), text::EXAMPLES.len());
    assert!(String::from_utf8(get(at, "/").1).unwrap().contains("MY ORBIT"));

    // What came in was written down, as a script that runs again.
    drop((server, hub));
    let written = std::fs::read_to_string(file.path()).unwrap();
    let lines = script::parse(&written).unwrap();
    assert!(written.contains("mark") && written.contains("edit-event 1 rating 4") && lines.len() >= 9, "{written}");
}

#[test]
fn strangers_need_the_token() {
    let (_feeds, engine) = engine();
    let hub = Hub::new(engine.handle(), None);
    let open: SocketAddr = "0.0.0.0:0".parse().unwrap();
    for options in
        [ControlOptions { http: Some(open), ..ControlOptions::default() }, ControlOptions { osc: Some(open), ..ControlOptions::default() }]
    {
        let told = ControlServer::start(&hub, &options).unwrap_err().to_string();
        assert!(told.contains("can be reached from other machines") && !told.contains("short"), "{told}");
    }
    // A token that protects nothing is none, here too: an unset variable gives an empty one.
    for (at, token) in [(open, "short"), (local(), "short"), (local(), "")] {
        let options = ControlOptions { http: Some(at), token: Some(Secret::new(token)), ..ControlOptions::default() };
        let told = ControlServer::start(&hub, &options).unwrap_err().to_string();
        assert!(told.contains("fewer than") && !told.contains("short"), "{told}");
    }
    let token = Some(Secret::new(TOKEN));
    let server = ControlServer::start(&hub, &ControlOptions { http: Some(open), osc: Some(local()), token, ..ControlOptions::default() });
    let server = server.unwrap();
    let at = SocketAddr::from(([127, 0, 0, 1], server.http().unwrap().port()));
    assert_eq!(post(at, "mark", "").0, 401);
    assert_eq!(post(at, "mark", "X-Volte-Token: another-long-token1\r\n").0, 401);
    assert_eq!(get(at, "/api/state").0, 401);
    assert_eq!(engine.snapshot().events.len(), 0);
    assert_eq!(post(at, "mark", &format!("X-Volte-Token: {TOKEN}\r\n")).0, 200);
    assert_eq!(post(at, "mark", &format!("Authorization: Bearer {TOKEN}\r\n")).0, 200);
    assert_eq!(get(at, &format!("/api/state?token={TOKEN}")).0, 200);
    expect(&engine, "two marks", |s| s.events.len() == 2);
    // Over OSC it is the first word of the address.
    let (socket, to) = (UdpSocket::bind(local()).unwrap(), server.osc().unwrap());
    let said = |address: &str| socket.send_to(&osc::packet(&OscMessage { address: address.to_owned(), args: vec![] }), to).unwrap();
    said("/volte/mark");
    assert!(heard(&socket).args[0] == OscArg::Text("the token is missing or wrong: addresses are /volte/TOKEN/take here".to_owned()));
    said(&format!("/volte/{TOKEN}/mark"));
    expect(&engine, "a third", |s| s.events.len() == 3);
    // A port that is taken is named.
    let taken = ControlOptions { http: Some(at), token: Some(Secret::new(TOKEN)), ..ControlOptions::default() };
    assert!(ControlServer::start(&hub, &taken).unwrap_err().to_string().contains("http cannot listen at"));
}

fn heard(socket: &UdpSocket) -> OscMessage {
    socket.set_read_timeout(Some(SOON)).unwrap();
    let mut packet = [0; 2048];
    let size = socket.recv(&mut packet).unwrap();
    osc::parse(&packet[..size]).unwrap().remove(0)
}

#[test]
fn osc_gives_commands_and_is_answered() {
    let (_feeds, engine) = engine();
    let hub = Hub::new(engine.handle(), None);
    let folder = tempfile::tempdir().unwrap();
    let mapping = folder.path().join("controls.toml");
    std::fs::write(&mapping, "version = 1\n[[controls]]\ncontrol = \"cc 1 7\"\ncommand = \"t-bar {}\"\nrange = [0, 1]\n").unwrap();
    let options = ControlOptions { osc: Some(local()), mapping: Some(mapping), ..ControlOptions::default() };
    let server = ControlServer::start(&hub, &options).unwrap();
    let (socket, to) = (UdpSocket::bind(local()).unwrap(), server.osc().unwrap());
    let say = |address: &str, args: &[OscArg]| {
        socket.send_to(&osc::packet(&OscMessage { address: address.to_owned(), args: args.to_vec() }), to).unwrap();
    };
    say("/volte/mark", &[OscArg::Float(1.0)]);
    say("/volte/mark", &[OscArg::Float(0.0)]);
    expect(&engine, "armed", |s| s.can_take);
    say("/volte/orbit-to", &[OscArg::Float(1.5)]);
    expect(&engine, "1.5", |s| (s.position - 1.5).abs() < 1e-6);
    say("/volte/t-bar", &[OscArg::Float(1.0)]);
    expect(&engine, "the end", |s| (s.position - 5.0).abs() < 1e-6);
    // MIDI that comes over OSC, through the mapping: the fader comes from where the bar stands.
    say("/volte/midi", &[OscArg::Midi([0, 0xb0, 7, 127])]);
    say("/volte/midi", &[OscArg::Midi([0, 0xb0, 7, 0])]);
    expect(&engine, "the beginning", |s| s.position.abs() < 1e-6);
    say("/volte/command", &[OscArg::Text("edit-event prepared name Goal".to_owned())]);
    expect(&engine, "named", |s| s.events[0].name == "Goal");
    assert_eq!(engine.snapshot().events.len(), 1, "a release is no press");
    say("/volte/state", &[]);
    assert_eq!(heard(&socket), OscMessage { address: "/volte/state/phase".to_owned(), args: vec![OscArg::Text("armed".to_owned())] });
    let rest: Vec<_> = (0..10).map(|_| heard(&socket)).collect();
    assert!(
        rest.contains(&OscMessage { address: "/volte/state/lock/program".to_owned(), args: vec![OscArg::Text(String::new())] }),
        "{rest:?}"
    );
    say("/volte/fly", &[]);
    let OscMessage { address, args } = heard(&socket);
    assert!(address == "/volte/error" && matches!(&args[..], [OscArg::Text(why)] if why.contains("\"fly\" is no command")), "{args:?}");
    socket.send_to(b"rubbish", to).unwrap();
    assert_eq!(heard(&socket).address, "/volte/error");
    say("/volte/take", &[]);
    expect(&engine, "on air", |s| s.phase == Phase::OnAir);
}

/// What a client with a name says.
fn post_as(at: SocketAddr, name: &str, body: &str) -> (u16, Value) {
    post(at, body, &format!("X-Volte-Operator: {name}\r\n"))
}

/// Two clients, OSC and the console at one engine.
#[test]
fn what_one_operator_has_locked_others_are_refused_and_return_is_everybodys() {
    let (_feeds, engine) = engine();
    let file = tempfile::NamedTempFile::new().unwrap();
    let hub = Hub::new(engine.handle(), Some(Recorder::new(file.reopen().unwrap())));
    let options = ControlOptions { http: Some(local()), osc: Some(local()), ..ControlOptions::default() };
    let server = ControlServer::start(&hub, &options).unwrap();
    let at = server.http().unwrap();
    let state = || serde_json::from_slice::<Value>(&get(at, "/api/state").1).unwrap();
    // Whoever looks on by name is there, and keeps the locks.
    let there = |name: &str| assert_eq!(get(at, &format!("/api/state?operator={name}")).0, 200);

    // As long as nothing is locked nobody needs a name; a lock does.
    assert_eq!(post(at, "mark", "").0, 200);
    let first = expect(&engine, "armed", |s| s.can_take).events[0].id;
    let (status, told) = post(at, "lock program", "");
    assert!(status == 423 && told["error"].as_str().unwrap().contains("needs a name"), "{told}");
    assert_eq!(post_as(at, "console", "mark").0, 400, "that is the desk of the engine");
    assert_eq!(post_as(at, "anna", "lock program\nlock preview").0, 200);
    let told = state();
    let locks: Vec<_> = told["locks"].as_array().unwrap().iter().map(|l| (l["channel"].clone(), l["holder"].clone())).collect();
    assert_eq!(locks, [("program".into(), "anna".into()), ("preview".into(), "anna".into())]);
    assert_eq!((&told["locks"][0]["away"], &told["operators"][0]["name"]), (&false.into(), &"anna".into()));

    // Another client, one without a name, OSC and the console: each is told who and what to do.
    let refused = |(status, told): (u16, Value)| {
        let why = told["error"].as_str().unwrap_or_default().to_owned();
        assert!(status == 423 && told["holder"] == "anna" && why.contains("anna has locked"), "{status} {told}");
        assert!(why.contains("unlock"), "{why}");
    };
    there("anna");
    refused(post_as(at, "bo", "take"));
    refused(post(at, "take", ""));
    refused(ask_value(at, &format!("POST /api/command/camera/6?operator=bo HTTP/1.1\r\nHost: {at}\r\n\r\n")));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let say = |address: &str| {
        let packet = osc::packet(&OscMessage { address: address.to_owned(), args: vec![] });
        socket.send_to(&packet, server.osc().unwrap()).unwrap();
    };
    say("/volte/as/bo/take");
    let mut answer = [0; 4096];
    let (size, _) = socket.recv_from(&mut answer).unwrap();
    let told = osc::parse(&answer[..size]).unwrap().remove(0);
    assert!(matches!(&told.args[..], [OscArg::Text(why)] if why.contains("TAKE of bo was not done: anna has locked program")), "{told:?}");
    assert!(engine.send(Command::Take));
    expect(&engine, "a warning at the console", |s| {
        s.notices.iter().any(|n| n.level == NoticeLevel::Warning && n.text.starts_with("TAKE was not done: anna has locked program"))
    });
    assert_eq!(engine.snapshot().phase, Phase::Armed);
    // Of a list what comes before is done, and said.
    there("anna");
    let (status, told) = post_as(at, "bo", "quality draft\njog -1\nquality auto");
    assert_eq!((status, &told["done"], &told["channel"]), (423, &serde_json::json!(["quality draft"]), &"preview".into()));
    assert_eq!(engine.snapshot().level.chosen, Some(Quality::Draft));
    // A mark is kept, and preview stays with its owner.
    assert_eq!(post_as(at, "bo", "mark").0, 200);
    let s = expect(&engine, "marked", |s| s.events.len() == 2);
    assert_eq!(s.preview.as_ref().and_then(|p| p.event), Some(first));

    // The owner takes; over any lock anybody gets back to live, and then leaves what is prepared alone.
    there("anna");
    assert_eq!(post_as(at, "anna", "take").0, 200);
    expect(&engine, "on air", |s| s.phase == Phase::OnAir);
    assert_eq!(post(at, "return", "").0, 200);
    expect(&engine, "live", |s| s.phase == Phase::Armed);
    refused(post(at, "return", ""));
    assert_eq!(engine.snapshot().phase, Phase::Armed);

    // Who is there loses a lock to the console alone.
    there("anna");
    refused(post_as(at, "bo", "take-over program"));
    refused(post_as(at, "bo", "unlock program"));
    assert!(engine.send(Command::Lock(LockOrder::TakeOver, Some(LockChannel::Program))));
    let held = |s: &Snapshot, channel| s.operators.lock(channel).map(|l| l.holder.clone());
    expect(&engine, "taken over", |s| held(s, LockChannel::Program) == Some(Holder::Console));
    let (status, told) = post_as(at, "anna", "take");
    assert_eq!((status, &told["holder"]), (423, &"console".into()));
    assert_eq!(post_as(at, "anna", "unlock").0, 200);
    let s = expect(&engine, "anna lets go", |s| held(s, LockChannel::Preview).is_none());
    assert_eq!(held(&s, LockChannel::Program), Some(Holder::Console));
    assert!(engine.send(Command::Lock(LockOrder::Unlock, None)));
    expect(&engine, "free", |s| s.operators.locks.is_empty());
    assert_eq!(post(at, "take", "").0, 200);

    // What was written down says whose it was, and is refused again when it is run again.
    let written = std::fs::read_to_string(file.path()).unwrap();
    assert!(written.contains(" as anna lock program\n") && written.contains(" as bo take\n"), "{written}");
    let lines = script::parse("until recording\nmark\nuntil armed\nas anna lock program\nas bo take\nas anna take\nuntil on-air").unwrap();
    let (_feeds, again) = self::engine();
    script::run(&again, &lines, |_, _, _| (), || false).unwrap();
    assert!(again.snapshot().notices.iter().any(|n| n.text.starts_with("TAKE of bo was not done: anna has locked program")));
}

/// A request whose answer is JSON.
fn ask_value(at: SocketAddr, request: &str) -> (u16, Value) {
    let (status, body) = ask(at, request);
    (status, serde_json::from_slice(&body).unwrap())
}

#[test]
fn a_token_of_ones_own_says_who_it_is() {
    const ANNAS: &str = "annas-own-token";
    let (_feeds, engine) = engine();
    let hub = Hub::new(engine.handle(), None);
    let operators = vec![("anna".parse().unwrap(), Secret::new(ANNAS))];
    let options = ControlOptions { http: Some(local()), token: Some(Secret::new(TOKEN)), operators, ..ControlOptions::default() };
    let without = ControlOptions { token: None, ..options.clone() };
    assert!(matches!(ControlServer::start(&hub, &without), Err(ControlError::Operators)), "everybody would get in");
    let server = ControlServer::start(&hub, &options).unwrap();
    let at = server.http().unwrap();
    let with = |token: &str, name: &str, body: &str| {
        let name = if name.is_empty() { String::new() } else { format!("X-Volte-Operator: {name}\r\n") };
        post(at, body, &format!("X-Volte-Token: {token}\r\n{name}"))
    };
    assert_eq!(with(TOKEN, "anna", "lock program").0, 403, "with the show's token nobody is anna");
    assert_eq!(with(ANNAS, "bo", "lock program").0, 403);
    assert_eq!(with("another-long-token", "", "lock program").0, 401);
    assert_eq!(with(ANNAS, "", "lock program").0, 200);
    let s = expect(&engine, "locked", |s| !s.operators.locks.is_empty());
    assert_eq!(s.operators.locks[0].holder.to_string(), "anna");
    assert_eq!(with(TOKEN, "bo", "camera 2").0, 423);
    assert_eq!(with(ANNAS, "anna", "camera 2").0, 200);
    // Names that have no token are said with the show's.
    assert_eq!(with(TOKEN, "bo", "lock rig").0, 200);
}

#[test]
fn who_has_gone_silent_can_be_taken_over() {
    let (_feeds, engine) = engine();
    let server =
        ControlServer::start(&Hub::new(engine.handle(), None), &ControlOptions { http: Some(local()), ..ControlOptions::default() })
            .unwrap();
    let at = server.http().unwrap();
    assert_eq!(post_as(at, "anna", "lock program").0, 200);
    let s = expect(&engine, "locked", |s| s.operators.lock(LockChannel::Program).is_some());
    assert!(!s.operators.lock(LockChannel::Program).unwrap().away);
    let away = |s: &Snapshot| s.operators.lock(LockChannel::Program).is_none_or(|l| l.away);
    engine.wait_for(Duration::from_mins(1), away).expect("anna says nothing");
    assert_eq!(post_as(at, "bo", "take-over program").0, 200);
    let (status, told) = post_as(at, "anna", "camera 2");
    assert_eq!((status, &told["holder"]), (423, &"bo".into()));
    assert_eq!(post_as(at, "bo", "camera 2").0, 200);
}

/// A pipe in the place of a device: what is written to it is what the device sends.
#[cfg(unix)]
#[test]
fn a_device_is_read_learned_and_looked_for_again() {
    let (_feeds, engine) = engine();
    let hub = Hub::new(engine.handle(), None);
    let folder = tempfile::tempdir().unwrap();
    let (device, mapping) = (folder.path().join("midi"), folder.path().join("desk/controls.toml"));
    let options = ControlOptions { surfaces: vec![device.clone()], mapping: Some(mapping.clone()), ..ControlOptions::default() };
    let server = ControlServer::start(&hub, &options).unwrap();
    let surface = Arc::clone(server.surface());
    let until = |what: &str, mut wanted: Box<dyn FnMut() -> bool>| {
        let end = std::time::Instant::now() + Duration::from_secs(20);
        while !wanted() {
            assert!(std::time::Instant::now() < end, "{what}: {:?}", surface.shown());
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    let shown = Arc::clone(server.surface());
    until("it is missed", Box::new(move || shown.shown().problem.is_some_and(|p| p.contains("plug it in"))));
    // It is plugged in.
    assert!(std::process::Command::new("mkfifo").arg(&device).status().unwrap().success());
    let mut wire = pipe(&device);
    let shown = Arc::clone(server.surface());
    until("it is there", Box::new(move || shown.shown().problem.is_none()));
    // MARK is learned on a pad: the touch that teaches asks for nothing.
    surface.learn(Some("mark".to_owned()));
    wire.write_all(&[0x90, 60, 100]).unwrap();
    let shown = Arc::clone(server.surface());
    until("it is learned", Box::new(move || shown.shown().learning.is_none()));
    assert_eq!(surface.shown().bindings, [("mark".to_owned(), "note 1 60".to_owned())]);
    wire.write_all(&[0x90, 60, 0]).unwrap();
    assert_eq!(engine.snapshot().events.len(), 0);
    wire.write_all(&[0x90, 60, 100, 60, 0]).unwrap();
    expect(&engine, "marked", |s| s.events.len() == 1 && s.can_take);
    // It is kept for the next start.
    let kept = Mapping::from_toml(&std::fs::read_to_string(&mapping).unwrap()).unwrap();
    assert_eq!(kept.bindings().map(|b| b.command.as_str()).collect::<Vec<_>>(), ["mark"]);
    surface.forget("mark");
    assert_eq!(Mapping::from_toml(&std::fs::read_to_string(&mapping).unwrap()).unwrap(), Mapping::default());
    // A file that is none is told and not overwritten.
    std::fs::write(&mapping, "nonsense").unwrap();
    let other = Surface::of_file(Some(&mapping));
    assert!(other.shown().problem.is_some_and(|p| p.contains("not kept")));
    other.learn(Some("take".to_owned()));
    other.touched(Touch { control: ControlId::Key(3), motion: Motion::Press(true) }, &Snapshot::empty());
    assert_eq!(std::fs::read_to_string(&mapping).unwrap(), "nonsense");
}

/// A replay holds at its end on air, and the fader of the T-bar was left near the beginning of its way.
#[test]
fn a_fader_that_stands_elsewhere_moves_program_only_when_it_meets_it() {
    let (_feeds, engine) = engine();
    let hub = Hub::new(engine.handle(), None);
    let table = "version = 1\ncontrols = [{ control = \"cc 1 7\", command = \"t-bar {}\", range = [0, 1]JUMPS }]\n";
    let surface = Surface::of_mapping(Mapping::from_toml(&table.replace("JUMPS", "")).unwrap());
    let position = |s: &Snapshot| match s.program.kind {
        ProgramKind::Replay { position, .. } => position,
        other => panic!("{other:?}"),
    };
    let fader = |surface: &Surface, value: u8| {
        let words = surface.midi(&[0xb0, 7, value], &engine.snapshot());
        for w in &words {
            hub.say(w).unwrap();
        }
        words.len()
    };
    hub.say("mark").unwrap();
    expect(&engine, "armed", |s| s.can_take);
    // In preview: the bar was put to 0.25 by words, and the fader comes down upon it.
    hub.say("orbit-to 1.25").unwrap();
    expect(&engine, "1.25", |s| (s.position - 1.25).abs() < 1e-9);
    assert_eq!((fader(&surface, 100), fader(&surface, 60)), (0, 0));
    assert_eq!(fader(&surface, 32), 1);
    expect(&engine, "followed", |s| (s.position - 5.0 * 32.0 / 127.0).abs() < 1e-3);
    assert_eq!(surface.waiting(&engine.snapshot()), None);
    hub.say("orbit-to 0").unwrap();
    hub.say("take").unwrap();
    expect(&engine, "on air", |s| s.phase == Phase::OnAir);
    hub.say("t-bar 1").unwrap();
    let s = expect(&engine, "the end", |s| matches!(s.program.kind, ProgramKind::Replay { progress, .. } if progress > 0.999));
    let end = position(&s);
    assert!((end - 5.0).abs() < 0.05, "{end}");
    // The next touch is not what program jumps to, and the console says where the fader has to go.
    assert_eq!((fader(&surface, 33), fader(&surface, 60), fader(&surface, 110)), (0, 0, 0));
    let s = engine.snapshot();
    assert_eq!(position(&s), end);
    let waiting = surface.waiting(&s).unwrap();
    assert_eq!((waiting.control.as_str(), waiting.command.as_str()), ("cc 1 7", "t-bar {}"));
    assert!((waiting.at - 110.0 / 127.0).abs() < 1e-9 && waiting.to > 0.999, "{waiting:?}");
    // There it takes hold, and from there program follows it.
    assert_eq!(fader(&surface, 127), 1);
    assert_eq!(surface.waiting(&engine.snapshot()), None);
    assert_eq!(fader(&surface, 120) + fader(&surface, 64) + fader(&surface, 0), 3);
    expect(&engine, "the beginning", |s| position(s) < 0.05);
    // One that shall jump does.
    let jumps = Surface::of_mapping(Mapping::from_toml(&table.replace("JUMPS", ", pick_up = false")).unwrap());
    assert_eq!(fader(&jumps, 127), 1);
    expect(&engine, "the end at once", |s| position(s) > 4.95);
}

/// Both ends of a pipe, so that opening it waits for nobody.
#[cfg(unix)]
fn pipe(at: &Path) -> std::fs::File {
    std::fs::OpenOptions::new().read(true).write(true).open(at).unwrap()
}

#[test]
fn every_example_is_a_command_and_says_itself() {
    for example in text::EXAMPLES {
        let command = text::command_of(example).unwrap_or_else(|| panic!("{}", text::what_is_wrong(example)));
        assert_eq!(text::text_of(&command).and_then(|said| text::command_of(&said)), Some(command), "{example}");
        assert_eq!(
            text::command_of(&format!("{} nonsense \u{1}", example.split(' ').next().unwrap())).is_some(),
            example.starts_with("save-template")
        );
    }
    // All that words can ask for is among them.
    let told: std::collections::BTreeSet<_> = text::EXAMPLES.iter().map(|e| format!("{:?}", text::command_of(e).unwrap().kind())).collect();
    let windows = [
        "Search",
        "Rename",
        "CalibratePage",
        "PathEditor",
        "PivotMode",
        "Graphics",
        "Controls",
        "SimpleLayout",
        "Palette",
        "ShowKeys",
        "FullScreenProgram",
        "SetRung",
    ];
    for info in &volte::engine::CommandKind::ALL {
        let name = format!("{:?}", info.kind);
        assert!(told.contains(&name) != windows.contains(&name.as_str()), "{name}");
    }
    // The manual names each.
    let manual = include_str!("../docs/operator.md");
    for example in text::EXAMPLES {
        let name = example.split(' ').next().unwrap();
        assert!(manual.contains(&format!("`{name}`")) || manual.contains(&format!("`{name} ")), "docs/operator.md does not name {name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn rubbish_is_answered_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), words in "\\PC{0,60}") {
        for packet in [bytes.clone(), [b"/volte/".as_slice(), &bytes].concat(), [b"#bundle\0\0\0\0\0\0\0\0\x01".as_slice(), &bytes].concat()] {
            if let Ok(messages) = osc::parse(&packet) {
                for message in messages {
                    let _ = osc::ask(&message, &Access::default());
                    let _ = osc::ask(&message, &Access { token: Some(TOKEN.to_owned()), ..Access::default() });
                }
            }
        }
        let _ = http::read(&mut &bytes[..]);
        let _ = http::read(&mut &[b"POST /api/command HTTP/1.1\r\n".as_slice(), &bytes].concat()[..]);
        let surface = Surface::of_mapping(Mapping::from_toml("version = 1\n[[controls]]\ncontrol = \"cc 1 7\"\ncommand = \"jog {}\"\nstep = 1\n").unwrap());
        for said in surface.midi(&bytes, &Snapshot::empty()) {
            prop_assert!(text::command_of(&said).is_some(), "{}", said);
        }
        let mut pieces = MidiParser::default();
        let whole = MidiParser::default().feed(&bytes);
        prop_assert_eq!(bytes.chunks(3).flat_map(|p| pieces.feed(p)).collect::<Vec<_>>(), whole);
        InputParser::default().feed(&bytes);
        if let Some(command) = text::command_of(&words) {
            // Whatever is understood can be said again.
            prop_assert!(text::text_of(&command).is_some());
        }
        prop_assert!(text::what_is_wrong(&words).contains("is no command"));
        let _ = Mapping::from_toml(&words);
        prop_assert!(ControlId::from_words(&words).is_none_or(|id| ControlId::from_words(&id.to_string()) == Some(id)));
    }

    #[test]
    fn what_osc_says_is_heard(address in "/volte/[a-z0-9/-]{0,40}", number in any::<i32>(), value in -1e6_f32..1e6, words in "[ -~]{0,30}") {
        let args = vec![OscArg::Int(number), OscArg::Float(f64::from(value)), OscArg::Text(words), OscArg::Bool(true)];
        let message = OscMessage { address, args };
        prop_assert_eq!(osc::parse(&osc::packet(&message)).unwrap(), vec![message]);
    }
}

#[test]
fn any_request_is_answered() {
    let (_feeds, engine) = engine();
    let hub = Hub::new(engine.handle(), None);
    let access = Access::default();
    for method in ["GET", "POST", "PUT", "", "x"] {
        for path in [
            "/",
            "",
            "/api",
            "/api/camera/",
            "/api/camera/0.jpg",
            "/api/camera/99999999999999999999.jpg",
            "/api/preview.jpg",
            "/api/command/",
        ] {
            let request = http::Request { method: method.to_owned(), path: path.to_owned(), ..http::Request::default() };
            let answer = api::answer(&request, &hub, &access);
            assert!([200, 400, 404, 405, 503].contains(&answer.status), "{method} {path}: {}", answer.status);
            assert!(!answer.body.is_empty());
        }
    }
}
