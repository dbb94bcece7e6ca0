//! Files are written with moving content, then judged by another program (ffprobe, ffmpeg) and against the source.
#![cfg(feature = "gstreamer")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use volte::{
    frame::{Picture, metrics::psnr_db},
    output::{self, CancelToken, Codec, FrameReport, OutputError, OutputSpec, Sidecar, SidecarHeader},
    time::{FrameRate, MediaTime},
};

/// Saturated colours, fine and coarse structure, all in motion.
fn moving(w: u32, h: u32, frame: u32) -> Picture {
    let mut rgba = Vec::with_capacity((w * h * 4) as usize);
    for y in 0..h {
        for x in 0..w {
            let (u, v, t) = (x as f32 / w as f32, y as f32 / h as f32, frame as f32 * 0.03);
            let wave = |f: f32, p: f32| 128.0 + 100.0 * (std::f32::consts::TAU * (f * (u + t) + v + p)).sin();
            // Edges of 4 px, as lenses make them: harder ones measure 4:2:0 itself, not the file.
            let ramp = |d: f32, px: u32| (d * px as f32 / 4.0 + 0.5).clamp(0.0, 1.0);
            let inside = ramp(0.1 - (u - (t * 3.0).fract()).abs(), w) * ramp(0.2 - (v - 0.5).abs(), h);
            let mix = |a: f32, b: f32| (a + (b - a) * inside) as u8;
            rgba.extend([mix(wave(1.0, 0.0), 210.0), mix(wave(2.0, 0.3), 60.0), mix(wave(1.5, 0.6), 50.0), 255]);
        }
    }
    Picture::from_rgba(w, h, rgba).unwrap()
}

fn spec(path: PathBuf, w: u32, h: u32, rate: FrameRate, codec: Option<Codec>) -> OutputSpec {
    OutputSpec { path, width_px: w, height_px: h, rate, codec, threads: 0, overwrite: false, sidecar: None, cancel: CancelToken::default() }
}

fn report(i: u32) -> FrameReport {
    FrameReport {
        instant_nanos: MediaTime::from_nanos(5_000_000_000),
        position: f64::from(i) * 0.25,
        mode: "synthesis".into(),
        sources: vec![("cam01".into(), 0.75), ("cam02".into(), 0.25)],
        synthesized_share: 0.5,
        filled_share: 0.01,
        ..FrameReport::default()
    }
}

fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn ffprobe(file: &Path) -> BTreeMap<String, String> {
    let out = Command::new("ffprobe")
        .args(["-v", "error", "-count_frames", "-select_streams", "v:0", "-show_entries"])
        .arg(
            "stream=codec_name,profile,r_frame_rate,width,height,pix_fmt,avg_frame_rate,nb_read_frames,color_range,color_space,color_transfer,\
             color_primaries,sample_aspect_ratio,start_time:format=duration",
        )
        .args(["-of", "default=noprint_wrappers=1"])
        .arg(file)
        .output()
        .expect("ffprobe is needed: install the package ffmpeg");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).lines().filter_map(|l| l.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect()
}

/// All frames decoded by ffmpeg, honouring the file's own colour tags.
fn decode(file: &Path, w: u32, h: u32) -> Vec<Picture> {
    let out = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(file)
        .args(["-vf", "scale=flags=accurate_rnd+full_chroma_int+bicubic", "-f", "rawvideo", "-pix_fmt", "rgba", "-"])
        .output()
        .expect("ffmpeg is needed: install the package ffmpeg");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    out.stdout.chunks_exact((w * h * 4) as usize).map(|c| Picture::from_rgba(w, h, c.to_vec()).unwrap()).collect()
}

#[test]
fn every_container_and_codec_plays_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let ntsc = FrameRate::new(60000, 1001).unwrap();
    let cases = [
        ("a.mp4", None, FrameRate::whole(50), 320, 180, "h264", "yuv420p"),
        ("b.mp4", Some(Codec::H265), FrameRate::whole(25), 320, 180, "hevc", "yuv420p"),
        ("c.mkv", Some(Codec::H264), ntsc, 180, 320, "h264", "yuv420p"),
        ("d.mkv", Some(Codec::H265), FrameRate::whole(50), 322, 182, "hevc", "yuv420p"),
        ("e.mov", None, ntsc, 322, 182, "prores", "yuv422p10le"),
        ("f.mov", Some(Codec::H264), FrameRate::whole(30), 322, 182, "h264", "yuv420p"),
        ("g.mp4", Some(Codec::H264), ntsc, 258, 146, "h264", "yuv420p"),
        ("i.mov", Some(Codec::Mjpeg), ntsc, 322, 182, "mjpeg", "yuvj422p"),
        ("k.mp4", Some(Codec::Av1), ntsc, 322, 182, "av1", "yuv420p"),
        ("l.mkv", Some(Codec::Av1), FrameRate::whole(25), 180, 320, "av1", "yuv420p"),
    ];
    for (name, codec, rate, w, h, codec_name, pixels) in cases {
        let path = dir.path().join(name);
        let frames = 37_u32;
        let mut sink = output::open(spec(path.clone(), w, h, rate, codec)).unwrap();
        for i in 0..frames {
            sink.write(&moving(w, h, i), &report(i)).unwrap();
        }
        let summary = sink.finish().unwrap();
        assert_eq!((summary.frames, &summary.path), (37, &path));
        assert_eq!(summary.bytes, fs::metadata(&path).unwrap().len());

        let p = ffprobe(&path);
        let is = |key: &str, want: &str| assert_eq!(p.get(key).map(String::as_str), Some(want), "{name} {key} {p:?}");
        is("codec_name", codec_name);
        is("pix_fmt", pixels);
        is("width", &w.to_string());
        is("height", &h.to_string());
        is("nb_read_frames", "37");
        if codec_name == "mjpeg" {
            // JPEG has one meaning of its own.
            is("color_range", "pc");
            is("color_space", "bt470bg");
        } else {
            is("color_range", "tv");
            is("color_space", "bt709");
            is("color_transfer", "bt709");
            is("color_primaries", "bt709");
        }
        is("start_time", "0.000000");
        if !name.ends_with("mkv") {
            is("avg_frame_rate", &format!("{}/{}", rate.numerator(), rate.denominator()));
        }
        let (n, d) = p["avg_frame_rate"].split_once('/').unwrap();
        let fps = n.parse::<f64>().unwrap() / d.parse::<f64>().unwrap();
        assert!((fps / rate.fps() - 1.0).abs() < 1e-4, "{name}: {fps}");
        let secs = p["duration"].parse::<f64>().unwrap();
        assert!((secs - 37.0 / rate.fps()).abs() < 0.002, "{name}: {secs} s");

        let back = decode(&path, w, h);
        assert_eq!(back.len(), 37, "{name}");
        let worst = back.iter().enumerate().map(|(i, p)| psnr_db(p, &moving(w, h, i as u32), None).unwrap()).fold(99.0, f64::min);
        println!("{name}: worst frame {worst:.1} dB, {} bytes", summary.bytes);
        assert!(worst > 35.0, "{name}: {worst} dB");
    }
    assert_eq!(files(dir.path()), ["a.mp4", "b.mp4", "c.mkv", "d.mkv", "e.mov", "f.mov", "g.mp4", "i.mov", "k.mp4", "l.mkv"]);
}

#[test]
fn a_gif_plays_elsewhere_as_long_as_it_should() {
    let dir = tempfile::tempdir().unwrap();
    for (name, rate) in [("a.gif", "25"), ("b.gif", "29.97")] {
        let (path, rate) = (dir.path().join(name), rate.parse::<FrameRate>().unwrap());
        let mut sink = output::open(spec(path.clone(), 161, 91, rate, None)).unwrap();
        (0..30).for_each(|i| sink.write(&moving(161, 91, i), &report(i)).unwrap());
        assert_eq!(sink.finish().unwrap().frames, 30);
        let p = ffprobe(&path);
        assert_eq!((p["codec_name"].as_str(), p["nb_read_frames"].as_str(), p["width"].as_str()), ("gif", "30", "161"), "{p:?}");
        let secs = p["duration"].parse::<f64>().unwrap();
        assert!((secs - 30.0 / rate.fps()).abs() < 0.011, "{name}: {secs} s");
        let back = decode(&path, 161, 91);
        let worst = back.iter().enumerate().map(|(i, p)| psnr_db(p, &moving(161, 91, i as u32), None).unwrap()).fold(99.0, f64::min);
        println!("{name}: worst frame {worst:.1} dB");
        assert!(back.len() == 30 && worst > 25.0, "{name}: {worst} dB");
    }
    let too_fast = output::open(spec(dir.path().join("c.gif"), 160, 90, FrameRate::whole(60), None)).err().unwrap().to_string();
    assert!(too_fast.contains("--rate"), "{too_fast}");
}

/// What `ImageMagick`, which reads WebP with libwebp's own animation decoder, makes of a file: the pictures, and how long each is shown,
/// hundredths of a second.
fn magick(path: &Path, w: u32, h: u32) -> (Vec<Picture>, Vec<u32>) {
    let run = |program: &str, arguments: &[&str], out: &str| {
        let told = std::process::Command::new(program).args(arguments).arg(path).args(out.split_whitespace()).output();
        let told = told.unwrap_or_else(|e| panic!("{program} does not start ({e}): install the package imagemagick"));
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        told.stdout
    };
    let bytes = run("convert", &[], "-coalesce -depth 8 rgba:-");
    let pictures = bytes.chunks_exact((w * h * 4) as usize).map(|px| Picture::from_rgba(w, h, px.to_vec()).unwrap()).collect();
    let times = String::from_utf8(run("identify", &["-format", "%T "], "")).unwrap();
    (pictures, times.split_whitespace().map(|t| t.parse().unwrap()).collect())
}

#[test]
fn a_webp_plays_elsewhere_as_long_as_it_should() {
    let dir = tempfile::tempdir().unwrap();
    for (name, rate) in [("a.webp", "25"), ("b.webp", "50")] {
        let rate = rate.parse::<FrameRate>().unwrap();
        let written = |name: &str| {
            let path = dir.path().join(name);
            let mut sink = output::open(spec(path.clone(), 161, 91, rate, None)).unwrap();
            (0..30).for_each(|i| sink.write(&moving(161, 91, i), &report(i)).unwrap());
            assert_eq!(sink.finish().unwrap().frames, 30);
            path
        };
        let path = written(name);
        let (back, hundredths) = magick(&path, 161, 91);
        let secs = f64::from(hundredths.iter().sum::<u32>()) * 0.01;
        assert!((secs - 30.0 / rate.fps()).abs() < 0.011, "{name}: {secs} s");
        let worst = back.iter().enumerate().map(|(i, p)| psnr_db(p, &moving(161, 91, i as u32), None).unwrap()).fold(99.0, f64::min);
        println!("{name}: {} bytes, worst frame {worst:.1} dB", fs::metadata(&path).unwrap().len());
        assert!(back.len() == 30 && worst > 25.0, "{name}: {} {worst} dB", back.len());
        assert_eq!(fs::read(&path).unwrap(), fs::read(written(&format!("again-{name}"))).unwrap());
    }
}

/// What libavif makes of a picture of a file, and what it says of the whole.
fn by_avifdec(path: &Path, picture: usize) -> (Picture, String) {
    let out = path.with_extension(format!("{picture}.png"));
    let run = |words: &[&str], more: &[&Path]| {
        let told = Command::new("avifdec").args(words).arg(path).args(more).output();
        let told = told.unwrap_or_else(|e| panic!("avifdec does not start ({e}): install the package libavif-bin"));
        let said = [told.stdout, told.stderr].map(|b| String::from_utf8_lossy(&b).into_owned()).concat();
        assert!(told.status.success(), "{said}");
        said
    };
    run(&["--index", &picture.to_string()], &[&out]);
    let back = Picture::load(&out).unwrap();
    fs::remove_file(out).unwrap();
    (back, run(&["--info"], &[]))
}

#[test]
fn an_avif_plays_elsewhere_and_one_picture_is_a_still() {
    let dir = tempfile::tempdir().unwrap();
    for (name, rate, frames) in [("a.avif", "25", 30_u32), ("b.avif", "29.97", 12), ("c.avif", "25", 1)] {
        let rate = rate.parse::<FrameRate>().unwrap();
        let written = |name: &str| {
            let path = dir.path().join(name);
            let mut sink = output::open(spec(path.clone(), 162, 92, rate, None)).unwrap();
            (0..frames).for_each(|i| sink.write(&moving(162, 92, i), &report(i)).unwrap());
            assert_eq!(sink.finish().unwrap().frames, u64::from(frames));
            path
        };
        let path = written(name);
        for k in [0, frames / 2, frames - 1] {
            let (back, said) = by_avifdec(&path, k as usize);
            let db = psnr_db(&back, &moving(162, 92, k), None).unwrap();
            println!("{name}: {} bytes, picture {k} {db:.1} dB", fs::metadata(&path).unwrap().len());
            assert!(db > 32.0, "{name}: picture {k} has {db} dB");
            for line in ["Color Primaries: 1", "Transfer Char. : 13", "Matrix Coeffs. : 1", "Range          : Limited", "162x92"] {
                assert!(said.contains(line), "{name} without {line:?}: {said}");
            }
            // A still has no times.
            let (length, scale) = (frames * rate.denominator(), rate.numerator());
            let times = format!(
                "{scale} timescales per second, {:.2} seconds ({length} timescales), {frames} frames",
                f64::from(length) / f64::from(scale)
            );
            assert_eq!(said.contains(&times), frames > 1, "{name} without {times:?}: {said}");
            assert_eq!(said.matches("Decoded frame [").count() as u32, frames, "{said}");
        }
        if frames > 1 {
            assert_eq!(decode(&path, 162, 92).len(), frames as usize, "{name} by ffmpeg");
        }
        assert_eq!(fs::read(&path).unwrap(), fs::read(written(&format!("again-{name}"))).unwrap());
    }
    let too_large = output::open(spec(dir.path().join("d.avif"), 2050, 92, FrameRate::whole(25), None)).err().unwrap().to_string();
    assert!(too_large.contains("--size"), "{too_large}");
}

#[test]
fn dnxhr_in_mxf_is_what_editors_expect() {
    let dir = tempfile::tempdir().unwrap();
    let (path, rate) = (dir.path().join("a.mxf"), FrameRate::whole(50));
    let mut sink = output::open_with(spec(path.clone(), 1280, 720, rate, None), true).unwrap();
    for i in 0..8_u32 {
        sink.write(&moving(1280, 720, i), &report(i)).unwrap();
        sink.write_sound(&vec![[1000_i16, -1000]; 960]).unwrap();
    }
    assert_eq!(sink.finish().unwrap().frames, 8);
    let p = ffprobe(&path);
    let of = |key: &str| p.get(key).map(String::as_str);
    assert_eq!((of("codec_name"), of("profile"), of("pix_fmt")), (Some("dnxhd"), Some("DNXHR HQX"), Some("yuv422p10le")), "{p:?}");
    assert_eq!((of("nb_read_frames"), of("r_frame_rate"), of("color_space")), (Some("8"), Some("50/1"), Some("bt709")), "{p:?}");
    let back = decode(&path, 1280, 720);
    let worst = back.iter().enumerate().map(|(i, p)| psnr_db(p, &moving(1280, 720, i as u32), None).unwrap()).fold(99.0, f64::min);
    println!("DNxHR: worst frame {worst:.1} dB");
    assert!(back.len() == 8 && worst > 36.0, "{worst} dB");
    let sound = std::process::Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(&path).args("-map 0:a -f s16le -".split(' ')).output();
    assert_eq!(sound.unwrap().stdout.len(), 8 * 960 * 4);
    let told = output::open(spec(dir.path().join("b.mxf"), 1280, 718, rate, None)).err().unwrap().to_string();
    assert!(told.contains("1920×1080") && told.contains("--size"), "{told}");
}

#[test]
fn a_name_that_no_disk_takes_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(format!("{}.mp4", "a".repeat(246)));
    let told = output::open(spec(path, 64, 64, FrameRate::whole(50), None)).err().unwrap().to_string();
    assert!(told.contains("250 bytes") && told.contains("shorter"), "{told}");
}

#[test]
fn an_mp4_starts_with_its_index() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mp4");
    let mut sink = output::open(spec(path.clone(), 64, 64, FrameRate::whole(50), None)).unwrap();
    (0..10).for_each(|i| sink.write(&moving(64, 64, i), &report(i)).unwrap());
    sink.finish().unwrap();
    let bytes = fs::read(&path).unwrap();
    let at = |tag: &[u8]| bytes.windows(4).position(|w| w == tag).unwrap();
    assert!(at(b"moov") < at(b"mdat"));
}

#[test]
fn sequences_are_exact_and_have_a_sidecar() {
    let dir = tempfile::tempdir().unwrap();
    let header = SidecarHeader { path: "freeze-orbit".into(), cameras: vec!["cam01".into(), "cam02".into()], ..SidecarHeader::default() };
    // Odd sizes are fine here.
    for (name, first, worst_db) in [("p_%03d.png", "p_000.png", 99.0), ("q_####.jpg", "q_0000.jpg", 35.0)] {
        let mut s = spec(dir.path().join(name), 161, 91, FrameRate::whole(50), None);
        s.sidecar = Some(header.clone());
        let mut sink = output::open(s).unwrap();
        (0..7).for_each(|i| sink.write(&moving(161, 91, i), &report(i)).unwrap());
        let summary = sink.finish().unwrap();
        assert_eq!(summary.path, dir.path().join(first));
        assert_eq!(summary.frames, 7);
        for i in 0..7_u32 {
            let number = if name.starts_with('p') { format!("p_{i:03}.png") } else { format!("q_{i:04}.jpg") };
            let back = Picture::load(&dir.path().join(number)).unwrap();
            assert!(psnr_db(&back, &moving(161, 91, i), None).unwrap() >= worst_db);
        }
    }
    assert_eq!(files(dir.path()).len(), 7 + 7 + 2);
    let sidecar: Sidecar = serde_json::from_slice(&fs::read(dir.path().join("p.json")).unwrap()).unwrap();
    assert_eq!(sidecar.header, header);
    assert_eq!(sidecar.frames.len(), 7);
    assert_eq!(sidecar.frames[4].index, 4);
    assert_eq!(sidecar.frames[4].sources[0], ("cam01".to_owned(), 0.75));
}

#[test]
fn exr_pictures_are_linear_light_to_another_decoder() {
    let dir = tempfile::tempdir().unwrap();
    let (w, h) = (61, 35);
    let mut sink = output::open(spec(dir.path().join("e_%02d.exr"), w, h, FrameRate::whole(50), None)).unwrap();
    (0..3).for_each(|i| sink.write(&moving(w, h, i), &report(i)).unwrap());
    assert_eq!(sink.finish().unwrap().frames, 3);
    let out = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(dir.path().join("e_02.exr"))
        .args(["-f", "rawvideo", "-pix_fmt", "gbrpf32le", "-"])
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let values: Vec<f32> = out.stdout.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let n = (w * h) as usize;
    assert_eq!(values.len(), 3 * n);
    let (right, wrong) = (moving(w, h, 2), moving(w, h, 1));
    let off = |p: &Picture| {
        let worst = |k: usize| {
            let of = |plane: usize, c: usize| {
                (values[plane * n + k] - volte::color::linear_from_srgb(f32::from(p.rgba()[4 * k + c]) / 255.0)).abs()
            };
            of(0, 1).max(of(1, 2)).max(of(2, 0))
        };
        (0..n).map(worst).fold(0.0, f32::max)
    };
    assert!(off(&right) < 6e-4 && off(&wrong) > 0.02, "{} {}", off(&right), off(&wrong));
}

/// The pictures and the words of an orbit page, read as a browser does: the scripts between their tags.
fn page_of(file: &Path) -> (Vec<Picture>, Sidecar) {
    let text = fs::read_to_string(file).unwrap();
    let part = |begin: &str, end: &str| {
        let from = text.find(begin).unwrap() + begin.len();
        text[from..from + text[from..].find(end).unwrap()].to_owned()
    };
    let list = part("const PICTURES = ", ";\n</script>");
    let coded: Vec<String> = serde_json::from_str(&list.replace(",\n]", "\n]")).unwrap();
    let picture = |coded: &String| {
        let jpeg = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, coded).unwrap();
        Picture::from_jpeg(&jpeg, 4096).unwrap()
    };
    let words = part("type=\"application/json\">", "</script>");
    (coded.iter().map(picture).collect(), serde_json::from_str(&words).unwrap())
}

#[test]
fn an_orbit_page_holds_every_picture_and_says_what_it_was_made_of() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("turn.html");
    let header = SidecarHeader { path: "</script><script>alert(1)".into(), cameras: vec!["cam01".into()], ..SidecarHeader::default() };
    let mut s = spec(file.clone(), 161, 91, FrameRate::whole(15), None);
    s.sidecar = Some(header.clone());
    let mut sink = output::open(s).unwrap();
    (0..7).for_each(|i| sink.write(&moving(161, 91, i), &report(i)).unwrap());
    assert!(!file.exists(), "it has its name only when it is whole");
    let summary = sink.finish().unwrap();
    assert_eq!((summary.frames, summary.path.clone(), summary.bytes), (7, file.clone(), fs::metadata(&file).unwrap().len()));
    let (pictures, told) = page_of(&file);
    assert_eq!(pictures.len(), 7);
    for (i, picture) in pictures.iter().enumerate() {
        let (right, wrong) = (moving(161, 91, i as u32), moving(161, 91, i as u32 + 1));
        let db = psnr_db(picture, &right, None).unwrap();
        assert!(db >= 33.0 && db > psnr_db(picture, &wrong, None).unwrap() + 3.0, "picture {i}: {db:.1} dB");
    }
    assert_eq!((told.header.clone(), told.frames.len(), told.frames[4].position), (header, 7, 1.0));
    let sidecar: Sidecar = serde_json::from_slice(&fs::read(dir.path().join("turn.json")).unwrap()).unwrap();
    assert_eq!(sidecar.files.len(), 1);
    // A page cannot hold its own hash.
    assert_eq!(Sidecar { files: vec![], ..sidecar }, told);
    // As every export: what is there stays, unless it may be replaced, and the same pictures give the same bytes.
    assert!(matches!(output::open(spec(file.clone(), 161, 91, FrameRate::whole(15), None)).map(|_| ()), Err(OutputError::Exists { .. })));
    let again = dir.path().join("again.html");
    for _ in 0..2 {
        let mut s = spec(again.clone(), 161, 91, FrameRate::whole(15), None);
        s.overwrite = true;
        let mut sink = output::open(s).unwrap();
        (0..7).for_each(|i| sink.write(&moving(161, 91, i), &report(i)).unwrap());
        sink.finish().unwrap();
        let bytes = fs::read(&again).unwrap();
        let known = dir.path().join("known");
        if known.exists() {
            assert!(fs::read(&known).unwrap() == bytes, "the same pictures, other bytes");
        }
        fs::write(known, bytes).unwrap();
    }
}

#[test]
fn a_video_has_its_sidecar_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut s = spec(dir.path().join("replay.mp4"), 64, 64, FrameRate::new(60000, 1001).unwrap(), None);
    s.sidecar = Some(SidecarHeader { mark_nanos: MediaTime::from_nanos(5), ..SidecarHeader::default() });
    let mut sink = output::open(s).unwrap();
    (0..5).for_each(|i| sink.write(&moving(64, 64, i), &report(i)).unwrap());
    let summary = sink.finish().unwrap();
    assert_eq!(summary.sidecar, Some(dir.path().join("replay.json")));
    let json: serde_json::Value = serde_json::from_slice(&fs::read(dir.path().join("replay.json")).unwrap()).unwrap();
    assert_eq!(json["version"], 2);
    assert_eq!(json["rate"]["numerator"], 60000);
    assert_eq!(json["mark_nanos"], 5);
    assert_eq!(json["frames"][3]["synthesized_share"], 0.5);
    assert_eq!(json["frames"].as_array().unwrap().len(), 5);
}

#[test]
fn cancel_and_drop_leave_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a.mp4", "a.mkv", "a.mov", "a_%04d.png", "a.html"] {
        for drop_it in [false, true] {
            let mut sink = output::open(spec(dir.path().join(name), 320, 180, FrameRate::whole(50), None)).unwrap();
            (0..9).for_each(|i| sink.write(&moving(320, 180, i), &report(i)).unwrap());
            assert!(!files(dir.path()).is_empty(), "there must be something to remove");
            if drop_it {
                drop(sink);
            } else {
                sink.cancel();
            }
            assert_eq!(files(dir.path()), Vec::<String>::new(), "{name}");
        }
        // The token also stops a sink that is busy or about to finish.
        let s = spec(dir.path().join(name), 320, 180, FrameRate::whole(50), None);
        let token = s.cancel.clone();
        let mut sink = output::open(s).unwrap();
        sink.write(&moving(320, 180, 0), &report(0)).unwrap();
        token.cancel();
        assert!(matches!(sink.write(&moving(320, 180, 1), &report(1)), Err(OutputError::Cancelled)), "{name}");
        assert!(matches!(sink.finish(), Err(OutputError::Cancelled)), "{name}");
        assert_eq!(files(dir.path()), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn an_older_file_stays_until_the_new_one_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mp4");
    fs::write(&path, b"the older one").unwrap();
    let open = |overwrite| output::open(OutputSpec { overwrite, ..spec(path.clone(), 64, 64, FrameRate::whole(50), None) });
    assert!(matches!(open(false).err(), Some(OutputError::Exists { .. })));
    let mut sink = open(true).unwrap();
    sink.write(&moving(64, 64, 0), &report(0)).unwrap();
    assert!(matches!(open(true).err(), Some(OutputError::Busy { .. })), "two exports of one name");
    sink.cancel();
    assert_eq!(fs::read(&path).unwrap(), b"the older one");
    let mut sink = open(true).unwrap();
    sink.write(&moving(64, 64, 0), &report(0)).unwrap();
    sink.finish().unwrap();
    assert_eq!(ffprobe(&path)["nb_read_frames"], "1");
    // A shorter sequence does not keep the tail of the longer one that it replaces.
    for frames in [6, 3] {
        let mut s = spec(dir.path().join("s_%02d.png"), 8, 8, FrameRate::whole(50), None);
        s.overwrite = true;
        let mut sink = output::open(s).unwrap();
        (0..frames).for_each(|i| sink.write(&moving(8, 8, i), &report(i)).unwrap());
        sink.finish().unwrap();
    }
    assert_eq!(files(dir.path()), ["a.mp4", "s_00.png", "s_01.png", "s_02.png"]);
}

#[test]
fn what_cannot_be_written_is_said_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let rate = FrameRate::whole(50);
    let fails = |path: PathBuf, w, h, codec, says: &str| {
        let e = output::open(spec(path, w, h, rate, codec)).err().expect(says).to_string();
        assert!(e.contains(says), "{e}");
    };
    fails(dir.path().join("a.avi"), 64, 64, None, ".mp4");
    fails(dir.path().join("a"), 64, 64, None, ".mp4");
    fails(dir.path().join("a.mp4"), 64, 64, Some(Codec::ProRes), "h264, h265");
    fails(dir.path().join("a.mp4"), 63, 64, None, "even");
    fails(dir.path().join("a.mov"), 64, 33, None, "even");
    fails(dir.path().join("a.png"), 0, 64, None, "1 to 16384");
    fails(dir.path().join("missing/a.mp4"), 64, 64, None, "missing");
    fails(dir.path().join("missing/a.png"), 64, 64, None, "missing");
    // Not writable, not even for root.
    for name in ["a.mp4", "a.png"] {
        fails(PathBuf::from("/proc").join(name), 64, 64, None, "writable");
    }
    for name in ["a.mp4", "a.png"] {
        let sink = output::open(spec(dir.path().join(name), 64, 64, rate, None)).unwrap();
        assert!(matches!(sink.finish(), Err(OutputError::Empty { .. })));
        let mut sink = output::open(spec(dir.path().join(name), 64, 64, rate, None)).unwrap();
        assert!(matches!(sink.write(&moving(32, 64, 0), &report(0)), Err(OutputError::FrameSize { .. })));
    }
    assert_eq!(files(dir.path()), Vec::<String>::new());
}

/// Incompressible pictures until the sink fails.
fn fill(path: &Path) -> OutputError {
    let mut sink = output::open(spec(path.to_owned(), 256, 256, FrameRate::whole(50), None)).unwrap();
    let mut seed = 1_u32;
    for i in 0..120 {
        let rgba = (0..256 * 256 * 4)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            })
            .collect();
        if let Err(e) = sink.write(&Picture::from_rgba(256, 256, rgba).unwrap(), &report(i)) {
            return e;
        }
    }
    sink.finish().expect_err("the disk is smaller than the file")
}

const NAMES: [&str; 4] = ["a.mp4", "a.mkv", "a.mov", "a_%04d.png"];

/// A disk of 1 MiB, where this user may mount one.
#[test]
fn a_full_disk_is_said_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(dir.path()).output().is_ok_and(|o| o.status.success());
    if !mounted {
        // Everywhere else, `a_write_that_fails_midway_leaves_nothing` covers the same code with a file size limit.
        println!("this user may not mount a small disk; see a_write_that_fails_midway_leaves_nothing");
        return;
    }
    let result = std::panic::catch_unwind(|| {
        for name in NAMES {
            let e = fill(&dir.path().join(name));
            assert!(matches!(e, OutputError::DiskFull { .. }), "{name}: {e}");
            assert!(e.to_string().contains("no room left"), "{e}");
            assert_eq!(files(dir.path()), Vec::<String>::new(), "{name}");
        }
    });
    let _ = Command::new("umount").arg("-l").arg(dir.path()).status();
    result.unwrap();
}

/// The same in a process whose files may not grow beyond 256 KiB: works for every user. The process is this test once more.
#[test]
fn a_write_that_fails_midway_leaves_nothing() {
    const LIMITED: &str = "VOLTE_TEST_SMALL_FILES";
    if let Some(dir) = std::env::var_os(LIMITED).map(PathBuf::from) {
        // PNG files are small one by one: the limit cannot meet them.
        for name in &NAMES[..3] {
            let e = fill(&dir.join(name));
            assert!(e.to_string().contains("nothing was written"), "{name}: {e}");
            println!("{name}: {e}");
            assert_eq!(files(&dir), Vec::<String>::new(), "{name}");
        }
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let child = Command::new("sh")
        // The limit's signal is ignored, so that writing fails as it does on a full disk. Units are 512 bytes.
        .args(["-c", "trap '' XFSZ; ulimit -f 512; exec \"$0\" --exact a_write_that_fails_midway_leaves_nothing --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .env(LIMITED, dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{said}{}", String::from_utf8_lossy(&child.stderr));
    // All three were tried in the limited process, not none.
    assert!(said.contains("1 passed") && NAMES[..3].iter().all(|n| said.contains(&format!("{n}: "))), "{said}");
    assert_eq!(files(dir.path()), Vec::<String>::new());
}
