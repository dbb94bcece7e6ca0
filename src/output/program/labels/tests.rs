//! Labels within coded pictures, as ffmpeg reads them: what it says of every syntax element, and what it hands on of them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use super::*;
use crate::output::program::{
    Frame, ProgramFormat, Signal, SinkCodec, Tick,
    encoder::{self, EncoderKey, Form},
    queue::{Popped, SinkQueue},
};

/// Fewer than wait for an encoder.
const FRAMES: u64 = 12;

/// Pictures whose labels begin with `first`, coded; and what the labels are.
fn coded(file: &Path, codec: SinkCodec, format: &str, first: Timecode) -> Vec<Timecode> {
    gst::init().unwrap();
    let format: ProgramFormat = format.parse().unwrap();
    let rate = format.coded_rate();
    let key = EncoderKey { codec, kilobits: 500, signal: Signal::Program, form: Form::Usual };
    let (shared, mut input) = encoder::start(key, format).unwrap();
    let queue = Arc::new(SinkQueue::new(100));
    queue.open();
    shared.subscribe(&queue);
    let from = first.frame_of_day(rate).unwrap();
    let labels: Vec<Timecode> = (0..FRAMES).map(|k| Timecode::of_frame(from + k, rate)).collect();
    let picture = Arc::new(Frame::of(vec![100; (format.width_px * format.height_px * 3 / 2) as usize]));
    for (index, timecode) in (0..).zip(&labels) {
        input.take(&picture, Tick { index, timecode: *timecode });
    }
    // What it has comes out.
    drop(input);
    let (mut stream, mut count, until) = (Vec::new(), 0, Instant::now() + Duration::from_mins(1));
    while count < FRAMES {
        assert!(Instant::now() < until, "{count} frames: {:?}", shared.state());
        if let Popped::Unit(unit) = queue.pop(Duration::from_millis(100)) {
            stream.extend_from_slice(&unit.buffer.map_readable().unwrap());
            count += 1;
        }
    }
    fs::write(file, stream).unwrap();
    labels
}

fn run(program: &str, words: &str, file: &Path, more: &str) -> (String, String) {
    let told = Command::new(program).args(words.split_whitespace()).arg(file).args(more.split_whitespace()).output();
    let told = told.unwrap_or_else(|e| panic!("{program} does not start ({e}): install the package ffmpeg"));
    (String::from_utf8_lossy(&told.stdout).into_owned(), String::from_utf8_lossy(&told.stderr).into_owned())
}

/// One reading of a label's syntax elements.
#[derive(Debug, PartialEq, Eq, Default, Clone, Copy)]
struct Told {
    label: Timecode,
    goes_back: bool,
    follows_gap: bool,
}

/// What ffmpeg's parser of bit streams finds; what it finds wrong fails.
fn told(file: &Path) -> Result<Vec<Told>, String> {
    let copy = "-c copy -bsf:v trace_headers -f null -";
    let (_, wrong) = run("ffmpeg", "-v error -nostdin -i", file, copy);
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let (_, trace) = run("ffmpeg", "-v info -nostdin -i", file, copy);
    let mut all: Vec<Told> = Vec::new();
    for line in trace.lines() {
        let Some((words, value)) = line.rsplit_once(" = ") else { continue };
        let (Some(name), Ok(value)) = (words.split_whitespace().rev().nth(1), value.trim().parse::<u8>()) else { continue };
        let name = name.split('[').next().unwrap_or_default();
        if name == "counting_type" {
            all.push(Told::default());
            // The table's only one for drop-frame.
            all.last_mut().unwrap().label.drop_frame = value == 4;
        }
        let Some(newest) = all.last_mut() else { continue };
        match name {
            "n_frames" => newest.label.frames = value,
            "seconds_value" => newest.label.seconds = value,
            "minutes_value" => newest.label.minutes = value,
            "hours_value" => newest.label.hours = value,
            "discontinuity_flag" => newest.goes_back = value == 1,
            "cnt_dropped_flag" => newest.follows_gap = value == 1,
            _ => {}
        }
    }
    Ok(all)
}

/// What receivers are told beside each picture.
fn beside_pictures(file: &Path) -> Vec<String> {
    let (out, _) = run("ffprobe", "-v error -select_streams v:0 -show_entries frame_tags=timecode -of csv=p=0", file, "");
    out.lines().map(|l| l.trim_matches(',').to_owned()).filter(|l| !l.is_empty()).collect()
}

fn judge(file: &Path, labels: &[Timecode]) -> Result<(), String> {
    let told = told(file)?;
    let read: Vec<Timecode> = told.iter().map(|t| t.label).collect();
    if read != labels {
        return Err(format!("{read:?} instead of {labels:?}"));
    }
    let wanted = |l: &Timecode| format!("{:02}:{:02}:{:02}:{:02}", l.hours, l.minutes, l.seconds, l.frames);
    let beside: Vec<String> = beside_pictures(file).iter().map(|l| l.replace([';', '.'], ":")).collect();
    if beside != labels.iter().map(wanted).collect::<Vec<_>>() {
        return Err(format!("{beside:?} beside the pictures instead of {labels:?}"));
    }
    Ok(())
}

fn at(hours: u8, minutes: u8, seconds: u8, frames: u8, drop_frame: bool) -> Timecode {
    Timecode { hours, minutes, seconds, frames, drop_frame }
}

#[test]
fn every_picture_has_its_label_and_a_wrong_one_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    for (codec, name) in [(SinkCodec::H264, "a.h264"), (SinkCodec::H265, "a.h265")] {
        let file: PathBuf = dir.path().join(name);
        for (format, first) in [
            ("320x180p25", at(23, 59, 59, 20, false)),
            ("320x180p29.97", at(0, 0, 59, 24, true)),
            ("320x180p29.97", at(0, 9, 59, 24, true)),
            ("320x180p50", at(12, 34, 56, 45, false)),
            ("320x180p59.94", at(3, 7, 59, 55, true)),
        ] {
            let labels = coded(&file, codec, format, first);
            judge(&file, &labels).unwrap_or_else(|e| panic!("{name} {format} {first}: {e}"));
            // One that is a frame off is seen.
            if first.hours == 23 {
                let mut wrong = labels.clone();
                wrong[7] = labels[8];
                assert!(judge(&file, &wrong).is_err(), "{name} {format}");
            }
            let told = told(&file).unwrap();
            let which = |flag: fn(&Told) -> bool| told.iter().filter(|t| flag(t)).map(|t| t.label).collect::<Vec<_>>();
            let midnight = if first.hours == 23 { vec![at(0, 0, 0, 0, false)] } else { Vec::new() };
            assert_eq!(which(|t| t.goes_back), midnight, "{name} {format} {first}");
            let gap = if format.ends_with("29.97") && first.minutes == 0 { vec![at(0, 1, 0, 2, true)] } else { Vec::new() };
            assert_eq!(which(|t| t.follows_gap), gap, "{name} {format} {first}");
        }
    }
}

#[test]
fn a_message_that_ends_twice_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.h264");
    let labels = coded(&file, SinkCodec::H264, "320x180p25", at(10, 0, 0, 0, false));
    judge(&file, &labels).unwrap();
    // As GStreamer 1.22 writes it.
    let stream = fs::read(&file).unwrap();
    let twice: Vec<u8> = nals(&stream)
        .iter()
        .flat_map(|nal| {
            let more: &[u8] = if kind(nal) == 6 && nal[1] == 1 { &[0x80] } else { &[] };
            [&[0, 0, 0, 1], *nal, more].concat()
        })
        .collect();
    fs::write(&file, twice).unwrap();
    assert!(judge(&file, &labels).unwrap_err().contains("Invalid SEI"));
}

#[test]
fn delays_of_the_encoder_stay_and_are_never_made_up() {
    // A baseline set of 16 by 16 pixels: nothing cropped; VUI with a tick of 1/50 s, HRD whose delays have 5 and 7 bits, whose offsets none.
    let mut sps = BitWriter::default();
    for (value, count) in [(0x67, 8), (66, 8), (0, 8), (30, 8)] {
        sps.put(value, count);
    }
    // ue: 0 is a one; then frames only, no cropping, VUI.
    for (value, count) in [(1, 1), (1, 1), (1, 1), (1, 1), (1, 1), (0, 1), (1, 1), (1, 1), (1, 1), (1, 1), (0, 1), (1, 1)] {
        sps.put(value, count);
    }
    // No shape, overscan, colour, place of chroma; a tick.
    for (value, count) in [(0, 4), (1, 1), (1, 32), (50, 32), (1, 1)] {
        sps.put(value, count);
    }
    // NAL HRD with one schedule; none of the VCL; no low delay; structures.
    for (value, count) in [(1, 1), (1, 1), (0, 8), (1, 1), (1, 1), (0, 1), (23, 5), (4, 5), (6, 5), (0, 5), (0, 1), (0, 1), (1, 1), (0, 1)]
    {
        sps.put(value, count);
    }
    sps.put(1, 1);
    let timing = Timing { delay_bits: Some(12), time_offset_bits: 0, tick: (1, 50) };
    assert_eq!(Timing::of(&sps.bytes), Some(timing));
    let mut unit = vec![0, 0, 0, 1];
    escape(&sps.bytes, &mut unit);
    let slice = [0, 0, 1, 0x65, 0x88, 0x84];
    let label = at(1, 2, 3, 4, false);
    let mut labeller = Labeller::new(false, 25.0, false);
    assert_eq!(labeller.label(&[&unit[..], &slice].concat(), label), None, "nobody said the delays");
    // With the encoder's own message, behind another.
    let mut own = BitWriter::default();
    own.put(0b1011_0101_1011, 12);
    own.put(0, 4);
    own.put(0, 1);
    let own = own.payload();
    let message = sei(&[6], &[(5, vec![0; 300]), (PIC_TIMING, own)]);
    let mut with = unit.clone();
    with.extend([0, 0, 1]);
    escape(&message, &mut with);
    with.extend(slice);
    let labelled = labeller.label(&with, label).unwrap();
    let found = nals(&labelled);
    assert_eq!((found.len(), found[2]), (3, &slice[3..]));
    let both = messages(&unescaped(found[1])).unwrap();
    assert_eq!(both[0], (5, vec![0; 300]));
    let mut bits = Bits::new(&both[1].1);
    assert_eq!((bits.bits(12), bits.bits(4), bits.bits(1)), (Some(0b1011_0101_1011), Some(0), Some(1)));
    // Progressive, two ticks to a frame, nothing dropped, whole, no jump, no gap.
    assert_eq!(bits.bits(2 + 1 + 5 + 3), Some(0b001_0000_0100));
    assert_eq!([8, 6, 6, 5].map(|n| bits.bits(n).unwrap()), [4, 3, 2, 1]);
    // A tick that has nothing to do with the frames is no clock, and broken messages and sets are left alone.
    assert_eq!(Labeller::new(false, 30.0, false).label(&with, label), None);
    assert_eq!(labeller.label(&[0, 0, 1, 6, 1, 200, 3, 0, 0, 1, 0x65, 1], label), None);
    for cut in 0..with.len() {
        // Whatever is missing: no panic.
        Labeller::new(false, 25.0, false).label(&with[..cut], label);
    }
}

#[test]
fn what_looks_like_a_start_code_is_hidden_and_found_again() {
    for unit in [&[6_u8, 0, 0, 0, 0, 1, 0, 0, 3, 0, 0, 2][..], &[0, 0, 0], &[1, 0, 0, 4], &[]] {
        let mut hidden = Vec::new();
        escape(unit, &mut hidden);
        assert!(!hidden.windows(3).any(|w| w[0] == 0 && w[1] == 0 && w[2] < 3), "{hidden:?}");
        assert_eq!(unescaped(&hidden), unit);
    }
    assert_eq!(nals(&[0, 0, 0, 1, 9, 16, 0, 0, 0, 1, 6, 0, 0, 1, 5, 7]), [&[9, 16][..], &[6], &[5, 7]]);
    assert_eq!(nals(&[1, 2, 3]), [&[0_u8; 0]; 0]);
}
