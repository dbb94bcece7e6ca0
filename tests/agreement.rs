//! Every form of film, judged by three that do not know each other: ffprobe, mediainfo, and a decoder that is not `FFmpeg`'s. They must
//! agree with what was meant on frames, duration, rate, colour and timecode; and a film with wrong words is noticed.
#![cfg(feature = "gstreamer")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use volte::{
    frame::Picture,
    output::{self, CancelToken, Codec, FrameReport, OutputSpec, SidecarHeader},
    time::{FrameRate, MediaTime},
};

const FRAMES: u64 = 40;

fn run(program: &str, package: &str, words: &[&str], file: &Path) -> Vec<u8> {
    let words: Vec<std::ffi::OsString> = words.iter().map(|w| if *w == "FILE" { file.into() } else { (*w).into() }).collect();
    let out = Command::new(program).args(words).output().unwrap_or_else(|e| panic!("{program} does not start ({e}): install {package}"));
    assert!(out.status.success(), "{program}: {}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}

/// What a judge says of a film.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    frames: u64,
    secs: f64,
    rate: (u64, u64),
    size: (u64, u64),
    /// Primaries, transfer, matrix; what it does not say is left out.
    colour: Vec<String>,
    range: String,
    timecode: Option<String>,
}

fn number<T: std::str::FromStr>(value: &Value) -> Option<T> {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned).parse().ok()
}

fn word(value: &Value) -> Option<String> {
    let text = value.as_str()?.to_lowercase().replace('.', "");
    (!["", "unknown", "unspecified"].contains(&text.as_str())).then_some(text)
}

fn by_ffprobe(file: &Path) -> Told {
    let entries = "stream=nb_read_frames,duration,r_frame_rate,width,height,color_primaries,color_transfer,color_space,color_range:\
                   stream_tags:format=duration:format_tags";
    let words = ["-v", "error", "-count_frames", "-show_entries", entries, "-of", "json", "FILE"];
    let all: Value = serde_json::from_slice(&run("ffprobe", "ffmpeg", &words, file)).unwrap();
    let streams = all["streams"].as_array().unwrap();
    let v = streams.iter().find(|s| s["width"].is_number()).unwrap();
    let rate = v["r_frame_rate"].as_str().unwrap().split_once('/').unwrap();
    let timecode = streams.iter().map(|s| &s["tags"]["timecode"]).chain([&all["format"]["tags"]["timecode"]]).find_map(Value::as_str);
    Told {
        frames: number(&v["nb_read_frames"]).unwrap(),
        secs: number(&v["duration"]).or_else(|| number(&all["format"]["duration"])).unwrap(),
        rate: (rate.0.parse().unwrap(), rate.1.parse().unwrap()),
        size: (v["width"].as_u64().unwrap(), v["height"].as_u64().unwrap()),
        colour: ["color_primaries", "color_transfer", "color_space"].iter().filter_map(|k| word(&v[*k])).collect(),
        range: word(&v["color_range"]).map_or(String::new(), |r| if r == "pc" { "full".to_owned() } else { "limited".to_owned() }),
        timecode: timecode.map(str::to_owned),
    }
}

fn by_mediainfo(file: &Path) -> Told {
    let all: Value = serde_json::from_slice(&run("mediainfo", "mediainfo", &["--Output=JSON", "FILE"], file)).unwrap();
    let tracks = all["media"]["track"].as_array().unwrap();
    let of = |kind: &str| tracks.iter().find(|t| t["@type"] == kind);
    let v = of("Video").unwrap();
    let whole: f64 = number(&v["FrameRate"]).unwrap();
    let timecode = tracks.iter().find_map(|t| t["TimeCode_FirstFrame"].as_str().or_else(|| t["extra"]["TimeCode_FirstFrame"].as_str()));
    Told {
        frames: number(&v["FrameCount"]).unwrap(),
        secs: number(&v["Duration"]).unwrap(),
        rate: (number(&v["FrameRate_Num"]).unwrap_or((whole * 1000.0).round() as u64), number(&v["FrameRate_Den"]).unwrap_or(1000)),
        size: (number(&v["Width"]).unwrap(), number(&v["Height"]).unwrap()),
        colour: ["colour_primaries", "transfer_characteristics", "matrix_coefficients"].iter().filter_map(|k| word(&v[*k])).collect(),
        range: word(&v["colour_range"]).unwrap_or_default(),
        timecode: timecode.map(str::to_owned),
    }
}

/// The planes of every frame by an element that has nothing of `FFmpeg` in it; `None` where there is none for the codec.
fn by_another_decoder(file: &Path, codec: Codec, folder: &Path) -> Option<Vec<u8>> {
    let (demuxer, decoder) = match (file.extension()?.to_str()?, codec) {
        ("mkv", Codec::H264) => ("matroskademux", "h264parse ! openh264dec"),
        (_, Codec::H264) => ("qtdemux", "h264parse ! openh264dec"),
        ("mkv", Codec::H265) => ("matroskademux", "h265parse ! video/x-h265,stream-format=byte-stream ! libde265dec"),
        (_, Codec::H265) => ("qtdemux", "h265parse ! video/x-h265,stream-format=byte-stream ! libde265dec"),
        // ffmpeg takes dav1d.
        ("mkv", Codec::Av1) => ("matroskademux", "av1parse ! av1dec"),
        (_, Codec::Mjpeg) => ("qtdemux", "jpegparse ! jpegdec"),
        _ => return None,
    };
    let raw = folder.join("other.gray");
    let words =
        format!("-q filesrc location=FILE ! {demuxer} ! {decoder} ! videoconvert ! video/x-raw,format=I420 ! filesink location=OUT");
    let words = words.replace("FILE", &file.display().to_string()).replace("OUT", &raw.display().to_string());
    run("gst-launch-1.0", "gstreamer1.0-tools", &words.split_whitespace().collect::<Vec<_>>(), file);
    Some(std::fs::read(raw).unwrap())
}

/// As the stream has it: nothing is converted.
fn by_ffmpeg(file: &Path) -> Vec<u8> {
    let words = "-v error -nostdin -i FILE -map 0:v -fps_mode passthrough -f rawvideo -";
    run("ffmpeg", "ffmpeg", &words.split_whitespace().collect::<Vec<_>>(), file)
}

fn picture(w: u32, h: u32, k: u64) -> Picture {
    let at = |x: u32, y: u32| -> [u8; 4] {
        let u = (f64::from(x) / f64::from(w) + k as f64 * 0.01) * std::f64::consts::TAU;
        let v = f64::from(y) / f64::from(h) * 3.0;
        [(128.0 + 90.0 * u.sin()) as u8, (128.0 + 90.0 * (u + v).cos()) as u8, (100.0 + 60.0 * v.sin()) as u8, 255]
    };
    Picture::from_rgba(w, h, (0..h).flat_map(|y| (0..w).flat_map(move |x| at(x, y))).collect()).unwrap()
}

/// A film whose first frame is of 10:20:30 and some frames by the house clock.
fn written(folder: &Path, name: &str, codec: Option<Codec>, rate: FrameRate, (w, h): (u32, u32)) -> (PathBuf, String) {
    let path = folder.join(name);
    let spec = OutputSpec {
        path: path.clone(),
        width_px: w,
        height_px: h,
        rate,
        codec,
        threads: 2,
        overwrite: false,
        sidecar: Some(SidecarHeader::default()),
        cancel: CancelToken::default(),
    };
    let mut sink = output::open(spec).unwrap();
    for k in 0..FRAMES {
        let at = MediaTime::from_nanos(37_230_400_000_000 + rate.frame_nanos(k as i64));
        sink.write(&picture(w, h, k), &FrameReport { instant_nanos: at, ..FrameReport::default() }).unwrap();
    }
    assert_eq!(sink.finish().unwrap().frames, FRAMES);
    let sidecar: Value = serde_json::from_slice(&std::fs::read(path.with_extension("json")).unwrap()).unwrap();
    (path, sidecar["frames"][0]["timecode"].as_str().unwrap().to_owned())
}

/// What a film must be.
struct Meant {
    rate: FrameRate,
    size: (u32, u32),
    colour: &'static [&'static str],
    range: &'static str,
    timecode: Option<String>,
}

fn judge(told: &Told, meant: &Meant) -> Result<(), String> {
    let secs = meant.rate.frame_nanos(FRAMES as i64) as f64 * 1e-9;
    let rate = told.rate.0 as f64 / told.rate.1.max(1) as f64;
    let size = (u64::from(meant.size.0), u64::from(meant.size.1));
    // mediainfo says milliseconds, and Matroska counts in them.
    let wrong = if told.frames != FRAMES {
        "frames"
    } else if (told.secs - secs).abs() > 0.0021 {
        "duration"
    } else if (rate - meant.rate.fps()).abs() > 0.002 {
        "rate"
    } else if told.size != size {
        "size"
    } else if told.colour != meant.colour {
        "colour"
    } else if !meant.range.is_empty() && told.range != meant.range {
        "range"
    } else if meant.timecode.is_some() && told.timecode != meant.timecode {
        "timecode"
    } else {
        return Ok(());
    };
    Err(format!("{wrong}: {told:?}"))
}

/// Name, codec, rate, size, colour, range, whether the container has a timecode.
type Film = (&'static str, Codec, FrameRate, (u32, u32), &'static [&'static str], &'static str, bool);

#[test]
fn ffprobe_mediainfo_and_another_decoder_agree_on_every_film() {
    const ALL: &[&str] = &["bt709", "bt709", "bt709"];
    let folder = tempfile::tempdir().unwrap();
    let (pal, ntsc) = (FrameRate::whole(25), FrameRate::new(60_000, 1001).unwrap());
    let small = (320, 180);
    let films: [Film; 9] = [
        ("a.mp4", Codec::H264, ntsc, small, ALL, "limited", false),
        ("b.mp4", Codec::H265, pal, small, ALL, "limited", false),
        ("c.mkv", Codec::H264, pal, small, ALL, "limited", false),
        ("d.mkv", Codec::H265, ntsc, small, ALL, "limited", false),
        ("e.mov", Codec::ProRes, pal, small, ALL, "", true),
        ("f.mov", Codec::H264, ntsc, small, ALL, "limited", true),
        ("g.mov", Codec::Mjpeg, pal, small, &[], "", true),
        ("i.mkv", Codec::Av1, ntsc, small, ALL, "limited", false),
        ("h.mxf", Codec::DnxHr, ntsc, (1280, 720), &["bt709"], "", true),
    ];
    let mut wrong = Vec::new();
    for (name, codec, rate, size, colour, range, labelled) in films {
        let (path, label) = written(folder.path(), name, Some(codec), rate, size);
        let meant = Meant { rate, size, colour, range, timecode: labelled.then_some(label) };
        for (who, told) in [("ffprobe", by_ffprobe(&path)), ("mediainfo", by_mediainfo(&path))] {
            println!("{name} by {who}: {told:?}");
            // JPEG names a matrix only, and not every judge says it; MXF's colour is the stream's own, which mediainfo does not say.
            let meant_here = match (codec, who) {
                (Codec::Mjpeg, _) | (Codec::DnxHr, "mediainfo") => Meant { colour: &[], ..meant_of(&meant) },
                _ => meant_of(&meant),
            };
            let told = if codec == Codec::Mjpeg { Told { colour: vec![], ..told } } else { told };
            if let Err(why) = judge(&told, &meant_here) {
                wrong.push(format!("{name}, {who}: {why}"));
            }
            // A word that is wrong is noticed.
            for spoilt in [
                Told { frames: FRAMES - 1, ..told.clone() },
                Told { secs: told.secs + 0.04, ..told.clone() },
                Told { rate: (30_000, 1001), ..told.clone() },
                Told { colour: vec!["bt2020".to_owned()], ..told.clone() },
            ] {
                assert!(judge(&spoilt, &meant_here).is_err(), "{spoilt:?}");
            }
        }
        if let Some(other) = by_another_decoder(&path, codec, folder.path()) {
            let ours = by_ffmpeg(&path);
            // The other JPEG decoder halves the colour: luma is compared, of which nothing is converted.
            let pixels = (size.0 * size.1) as usize;
            let luma = |all: &[u8]| -> Vec<u8> {
                let frame = (all.len() / FRAMES as usize).max(pixels);
                all.chunks_exact(frame).flat_map(|frame| frame[..pixels].to_vec()).collect()
            };
            let (ours, other) = (luma(&ours), luma(&other));
            if other.len() != ours.len() || ours.len() != FRAMES as usize * pixels {
                wrong.push(format!("{name}: {} bytes by the other decoder, {} by ffmpeg", other.len(), ours.len()));
                continue;
            }
            let squares: f64 = ours.iter().zip(&other).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
            let psnr_db = 10.0 * (255.0 * 255.0 / (squares / ours.len() as f64).max(1e-3)).log10();
            println!("{name}: the other decoder is {psnr_db:.1} dB from ffmpeg");
            if psnr_db < 42.0 {
                wrong.push(format!("{name}: the other decoder is {psnr_db:.1} dB from ffmpeg"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn meant_of(meant: &Meant) -> Meant {
    Meant { timecode: meant.timecode.clone(), ..*meant }
}
