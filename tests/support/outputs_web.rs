//! Tests of `outputs`: what browsers take, AV1 in files, and DASH.

use std::net::TcpListener;

use volte::output::program::{SinkCodec, SinkSound, SinkState};

use super::{
    numbers::Received,
    peers::{Peer, serve_files},
};
use crate::{output, sink, wait};
use volte::time::FrameRate;

#[test]
fn av1_goes_into_files_frame_by_frame_and_says_its_colour() {
    let dir = tempfile::tempdir().unwrap();
    let output = output("320x180p25", |n| n);
    let files = ["a.mkv", "b.mp4"];
    for name in files {
        let mut spec = sink(name, &dir.path().join(name).display().to_string());
        spec.codec = SinkCodec::Av1;
        output.add(spec).unwrap();
    }
    wait(&output, "no frames", |sinks| sinks.iter().all(|s| s.frames >= 60 || s.problem.is_some()));
    let status = output.status();
    drop(output);
    assert!(status.sinks.iter().all(|s| s.codec.starts_with("av1 (") && s.dropped == 0 && s.problem.is_none()), "{status:#?}");
    for name in files {
        let path = dir.path().join(name);
        let received = Received::of(&path);
        received.judge(FrameRate::whole(25), 91).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(received.numbers.len() >= 60, "{name}: {}", received.numbers.len());
        let words =
            "-v error -show_entries stream=codec_name,color_range,color_space,color_transfer,color_primaries,chroma_location -of csv=p=0";
        let told =
            std::process::Command::new("ffprobe").args(words.split(' ')).arg(&path).output().expect("ffprobe is needed: install ffmpeg");
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        assert_eq!(told.trim().replace("left", "*").replace("unspecified", "*"), "av1,tv,bt709,bt709,bt709,*", "{name}");
    }
}

#[test]
fn dash_plays_over_http_and_old_segments_go() {
    let dir = tempfile::tempdir().unwrap();
    let web = dir.path().join("web");
    std::fs::create_dir(&web).unwrap();
    let left = [
        "program-1600000000000-video.mp4",
        "program-1600000000000-video-000007.m4s",
        "program-1700000000000-video.mp4",
        "program-1700000000000-video-000007.m4s",
        "notes.txt",
    ];
    for name in left {
        std::fs::write(web.join(name), b"x").unwrap();
    }
    let output = output("320x180p25", |n| n);
    let mut spec = sink("dash", &format!("dash:{}?segment_s=1&keep=5", web.display()));
    spec.sound = SinkSound::Silence;
    output.add(spec).unwrap();
    let listed = || std::fs::read_to_string(web.join("program.mpd")).unwrap_or_default();
    wait(&output, "no description", |_| listed().matches("<S ").count() >= 8);
    // A player that comes while it runs.
    let at = serve_files(&web);
    let live = dir.path().join("live.ts");
    let words = format!("-v error -i http://127.0.0.1:{at}/program.mpd -map 0:v -map 0:a -c copy -f mpegts -t 3 -y {}", live.display());
    let mut player = Peer::ffmpeg(&words);
    assert!(player.ends_within(crate::PATIENCE), "the player gets no picture: {}", listed());
    let received = Received::of(&live);
    received.judge(FrameRate::whole(25), 2).unwrap();
    assert!(received.numbers.len() >= 50, "{}", received.numbers.len());
    let segments =
        || std::fs::read_dir(&web).unwrap().filter(|e| e.as_ref().unwrap().path().extension().is_some_and(|x| x == "m4s")).count();
    wait(&output, "no segment goes", |sinks| sinks[0].frames > 300);
    assert!(segments() <= 2 * (5 + 3) + 1, "{} segments are left", segments());
    assert_eq!(left.map(|name| web.join(name).exists()), [false, false, true, true, true], "only what runs before the last one left goes");
    let text = listed();
    assert!(text.contains("type=\"dynamic\"") && text.contains("codecs=\"avc1.") && text.contains("mp4a.40.2"), "{text}");
    drop(output);
    // Over: what is left is a film.
    let text = listed();
    assert!(text.contains("type=\"static\""), "{text}");
    let whole = dir.path().join("whole.ts");
    let words = format!("-v error -i http://127.0.0.1:{at}/program.mpd -map 0:v -c copy -f mpegts -y {}", whole.display());
    assert!(Peer::ffmpeg(&words).ends_within(crate::PATIENCE));
    let received = Received::of(&whole);
    received.judge(FrameRate::whole(25), 2).unwrap();
    assert!((100..=150).contains(&received.numbers.len()), "{}", received.numbers.len());
}

#[test]
fn what_passes_while_a_whip_server_thinks_is_missed_and_not_dropped() {
    // It takes the call, and says nothing.
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let output = output("320x180p50", |n| n);
    output.add(sink("whip", &format!("whip://{}/live", server.local_addr().unwrap()))).unwrap();
    // More than its queue holds.
    wait(&output, "nothing is missed", |sinks| sinks[0].missed >= 160);
    let status = output.status().sinks.remove(0);
    // What a slow encoder leaves out is counted there, too: far less than the queue would have overflowed by.
    assert!(status.frames == 0 && status.dropped < 20 && status.state == SinkState::Starting, "{status:#?}");
}
