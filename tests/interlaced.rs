//! An interlaced program output: what real readers find in it is fields of the right order, each of the picture of its own time. And that these tests
//! would see it if it were not so.
#![cfg(feature = "gstreamer")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use volte::{
    output::program::{ChannelOptions, Due, PictureSource, ProgramOutput, SinkCodec, SinkSpec, SinkState},
    time::FrameRate,
};

mod support {
    pub mod numbers;
}
use support::numbers::{Received, numbered};

const PATIENCE: Duration = Duration::from_secs(30);

/// A new number at every tick, that is in every field.
struct Numbers(u16);

impl PictureSource for Numbers {
    fn due(&mut self) -> Due {
        self.0 += 1;
        let picture = Some(Arc::new(numbered(self.0)));
        Due { picture, missing: "".into(), shot: 0, synthesized: false, overdue: false, age_nanos: None }
    }
}

fn output(format: &str) -> ProgramOutput {
    ProgramOutput::start(&ChannelOptions::new(format.parse().unwrap()), Numbers(0)).unwrap()
}

fn run(program: &str, arguments: &str, file: &Path, rest: &str) -> String {
    let mut command = Command::new(program);
    command.args(arguments.split_whitespace()).arg(file).args(rest.split_whitespace());
    let done = command.output().unwrap_or_else(|e| panic!("{program} does not start ({e}): install the package ffmpeg"));
    assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// The fields of a recording one after the other, each as tall as a frame.
fn fields(file: &Path, filter: &str) -> Received {
    let apart = file.with_extension("fields.mkv");
    let rest =
        format!("-an -vf {filter}separatefields,scale=320:180:flags=neighbor -c:v ffv1 -fps_mode passthrough -y {}", apart.display());
    run("ffmpeg", "-v error -nostdin -i", file, &rest);
    Received::of(&apart)
}

#[test]
fn each_field_is_of_the_picture_of_its_time() {
    let dir = tempfile::tempdir().unwrap();
    let output = output("320x180i50");
    let kinds = [("a.ts", SinkCodec::H264), ("b.mkv", SinkCodec::H264), ("c.mov", SinkCodec::ProRes)];
    for (name, codec) in kinds {
        let address = dir.path().join(name).display().to_string().parse().unwrap();
        output.add(SinkSpec { kilobits: 3000, codec, ..SinkSpec::new(name, address) }).unwrap();
    }
    let refused = SinkSpec { codec: SinkCodec::H265, ..SinkSpec::new("d", dir.path().join("d.ts").display().to_string().parse().unwrap()) };
    let told = output.add(refused).unwrap_err().to_string();
    assert!(told.contains("h265") && told.contains("320x180i50") && told.contains("prores"), "{told}");
    let until = Instant::now() + PATIENCE;
    while !output.status().sinks.iter().all(|s| s.state == SinkState::Running && s.frames >= 40) {
        assert!(Instant::now() < until, "{:#?}", output.status());
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(output);

    for (name, codec) in kinds {
        let file = dir.path().join(name);
        // A transport stream is told twice: within its program, and alone.
        let seen = run("ffprobe", "-v error -select_streams v:0 -show_entries stream=r_frame_rate -of csv=p=0", &file, "");
        assert!(seen.split_whitespace().all(|l| l.trim_end_matches(',') == "25/1") && seen.contains("25/1"), "{name}: {seen}");
        let frames =
            run("ffprobe", "-v error -select_streams v:0 -show_entries frame=interlaced_frame,top_field_first -of csv=p=0", &file, "");
        let mut lines = frames.split_whitespace().filter(|l| l.starts_with(['0', '1'])).peekable();
        assert!(lines.peek().is_some() && lines.all(|l| l.starts_with("1,1")), "{name}: {frames}");
        // H.264 carries the label of every frame, which counts frames and not fields.
        if codec == SinkCodec::H264 {
            let labels = run("ffprobe", "-v error -select_streams v:0 -show_entries frame_tags=timecode -of csv=p=0", &file, "");
            let count = |label: &str| label.trim_matches(',').rsplit(':').next().and_then(|f| f.parse::<u32>().ok());
            let counts: Vec<u32> = labels.split_whitespace().filter_map(count).collect();
            assert!(counts.len() >= 40 && counts.windows(2).all(|w| w[1] == (w[0] + 1) % 25), "{name}: {labels}");
        }
        fields(&file, "").judge_pictures().unwrap_or_else(|e| panic!("{name}: {e}"));
        Received::of(&file)
            .judge_times(FrameRate::whole(25), if codec == SinkCodec::H264 { 90 } else { 0 })
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        // Fields in the wrong order would be seen.
        assert!(fields(&file, "setfield=bff,").judge_pictures().is_err(), "{name}");
    }
}
