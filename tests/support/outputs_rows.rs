//! Tests of `outputs`: the rows of sinks and codecs that the others leave out, and sinks that would meet in one place.

use std::sync::Arc;

use volte::engine::{Command, Engine, EngineOptions, Feeds, SecondOrder, Snapshot};
use volte::output::program::{ChannelOptions, SinkCodec};
use volte::time::FrameRate;

use super::{
    fake_feeds::arc_rig,
    numbers::Received,
    peers::{Peer, port},
    timed_feeds::TimedFeeds,
};
use crate::{PATIENCE, output, receiver, sink, wait};

#[test]
fn two_outputs_never_go_to_one_place() {
    let dir = tempfile::tempdir().unwrap();
    let web = format!("hls:{}", dir.path().join("web").display());
    let feeds = Arc::new(TimedFeeds::new(arc_rig(3, 12.0)));
    let options = EngineOptions { without_gpu: true, second_channel: true, ..EngineOptions::default() };
    let engine = Engine::start(feeds as Arc<dyn Feeds>, &options).unwrap();
    let format = ChannelOptions::new("320x180p25".parse().unwrap());
    let refused = |told: Result<(), volte::engine::EngineError>, words: &[&str]| {
        let told = told.unwrap_err().to_string();
        assert!(words.iter().all(|w| told.contains(w)), "{told}");
    };
    // At the start: within one program, and between the two. What ran goes on.
    let twice = vec![sink("web", &web), sink("again", &format!("{web}/?segment_s=1"))];
    refused(engine.start_output(&format, twice), &["\"again\"", "\"web\"", "a folder of its own"]);
    engine.start_output(&format, vec![sink("web", &web)]).unwrap();
    refused(engine.start_second_output(&format, vec![sink("other", &web)]), &["\"other\"", "\"web\"", "web, where"]);
    engine.start_second_output(&format, vec![]).unwrap();
    // On air as well; DASH has other names and may stand beside it.
    let said = |words: &str| {
        let told = |s: &Snapshot| s.notices.iter().any(|n| n.text.contains(words));
        engine.wait_for(PATIENCE, told).unwrap_or_else(|| panic!("nobody said {words:?}: {:?}", engine.snapshot().notices));
    };
    let address = |uri: &str| uri.parse().unwrap();
    assert!(engine.send(Command::AddOutput { name: "late".to_owned(), address: address(&web) }));
    said("\"late\" would go to");
    let of_b = |name: &str, uri: &str| {
        assert!(engine.send(Command::Second(SecondOrder::AddOutput { name: name.to_owned(), address: address(uri) })));
    };
    of_b("of b", &web);
    said("\"of b\" would go to");
    of_b("dash", &web.replace("hls:", "dash:"));
    said("Program B goes to dash");
    assert!(engine.send(Command::RemoveOutput("web".to_owned())));
    said("Program goes to web no longer");
    of_b("freed", &web);
    said("Program B goes to freed");
}

#[test]
fn every_other_codec_of_every_sink_brings_every_frame() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let rate = FrameRate::whole(25);
    let output = output("320x180p25", |n| n);
    let add = |name: &str, address: &str, codec: SinkCodec| {
        let mut spec = sink(name, address);
        spec.codec = codec;
        output.add(spec).unwrap();
    };
    let (udp, rtp, srt, rist, es) = (port(), port(), port(), port(), port());
    add("udp", &format!("udp://127.0.0.1:{udp}"), SinkCodec::H265);
    add("rtp", &format!("rtp://127.0.0.1:{rtp}"), SinkCodec::H265);
    add("srt", &format!("srt://:{srt}?passphrase=correct-horse"), SinkCodec::H265);
    add("rist", &format!("rist://127.0.0.1:{rist}"), SinkCodec::H265);
    add("es", &format!("rtp://127.0.0.1:{es}?encoding=es&sdp={}", at("es.sdp").display()), SinkCodec::H265);
    add("dash", &format!("dash:{}?segment_s=1&keep=30", at("web").display()), SinkCodec::H265);
    add("dash of av1", &format!("dash:{}?segment_s=1&keep=30", at("web2").display()), SinkCodec::Av1);
    // AV1 in files is judged beside its colour (`outputs_web`).
    let files = [
        ("a.mp4", SinkCodec::H265, "hevc"),
        ("a.ts", SinkCodec::H265, "hevc"),
        ("a.mkv", SinkCodec::H265, "hevc"),
        ("jpeg.mkv", SinkCodec::Mjpeg, "mjpeg"),
        ("a.mov", SinkCodec::ProRes, "prores"),
        ("h265.mov", SinkCodec::H265, "hevc"),
        ("jpeg.mov", SinkCodec::Mjpeg, "mjpeg"),
    ];
    for (name, codec, _) in files {
        add(name, &at(name).display().to_string(), codec);
    }
    wait(&output, "no description", |_| at("es.sdp").exists());
    let streams = [
        ("udp", format!("-i udp://127.0.0.1:{udp}?fifo_size=100000")),
        ("rtp", format!("-i rtp://127.0.0.1:{rtp}")),
        ("srt", format!("-i srt://127.0.0.1:{srt}?passphrase=correct-horse")),
        ("es", format!("-protocol_whitelist file,udp,rtp -i {}", at("es.sdp").display())),
    ];
    let mut peers: Vec<Peer> = streams.iter().map(|(name, input)| receiver(input, &at(&format!("{name}.received")))).collect();
    let rist_received = at("rist.received");
    let _rist = Peer::gst(&format!(
        "ristsrc address=127.0.0.1 port={rist} ! rtpmp2tdepay ! filesink buffer-mode=2 location={}",
        rist_received.display()
    ));
    for ((name, _), peer) in streams.iter().zip(&mut peers) {
        assert!(peer.ends_within(PATIENCE * 2), "{name} gets no picture: {:#?}", output.status());
    }
    wait(&output, "no RIST", |_| rist_received.metadata().is_ok_and(|m| m.len() > 60_000));
    wait(&output, "no AV1", |sinks| sinks.iter().all(|s| s.frames >= 60));
    let status = output.status();
    for (name, dropped, problem) in status.sinks.iter().map(|s| (&s.name, s.dropped, &s.problem)) {
        assert!(dropped == 0 && problem.is_none(), "{name}: {status:#?}");
    }
    drop(output);
    let mut wrong = Vec::new();
    let mut judge = |name: &str, received: &Received, slack: i64| {
        println!("{name}: {} pictures, {:?} to {:?}", received.numbers.len(), received.numbers.first(), received.numbers.last());
        if let Err(why) = received.judge(rate, slack) {
            wrong.push(format!("{name}: {why}"));
        }
    };
    for name in ["udp", "rtp", "srt", "es", "rist"] {
        let mut received = Received::of(&at(&format!("{name}.received")));
        // A receiver that comes in the middle of a group shows grey until the next keyframe, and one that was stopped half a picture.
        let grey = received.numbers.iter().take(25).take_while(|n| n.is_none()).count();
        received.numbers.drain(..grey);
        received.numbers.truncate(received.numbers.len().saturating_sub(1));
        // What ffmpeg decodes of bare RTP has times of a thousandth of a second.
        judge(name, &received, if name == "es" { 91 } else { 2 });
    }
    for (name, codec, found) in files {
        judge(name, &Received::of(&at(name)), if name.contains(".mkv") { 91 } else { 2 });
        let probe = ["-v", "error", "-select_streams", "v:0", "-show_entries", "stream=codec_name", "-of", "csv=p=0"];
        let told = std::process::Command::new("ffprobe").args(probe).arg(at(name)).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&told.stdout).lines().next(), Some(found), "{name} is no {}", codec.name());
    }
    for folder in ["web", "web2"] {
        judge(folder, &Received::of(&at(folder).join("program.mpd")), 2);
    }
    assert!(wrong.is_empty(), "{wrong:#?}; the files stay in {}", dir.keep().display());
}
