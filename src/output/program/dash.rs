//! DASH: CMAF segments of pictures and sound in a folder, and the description (MPD) that lists the newest of them.
//!
//! GStreamer's `dashsink` (1.22) names no header and half a codec in a live description, and its segments are whole MP4 files.
//! So its muxer makes the fragments, and the description is written here. ISO/IEC 23009-1 (5.3), DASH-IF Interoperability Points 4.3.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use gst::prelude::*;
use parking_lot::Mutex;

use super::{
    ProgramFormat, SinkSpec, elements,
    fragments::{Fragment, Splitter},
    sink::Trouble,
    sink_chain::first_of_run,
};

/// Segments that stay on the disk when they are no longer listed: players may still ask for them.
const SEGMENTS_LEFT: usize = 3;
/// A segment that lacks less than this share of its length is long enough: frames seldom fit exactly.
const LONG_ENOUGH: f64 = 0.95;
/// The description's name.
const DESCRIPTION: &str = "program.mpd";

/// A segment on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    number: u64,
    begin: u64,
    length: u64,
}

/// Pictures, or sound.
#[derive(Debug)]
struct Track {
    /// `video` or `audio`.
    name: &'static str,
    splitter: Splitter,
    /// (ticks a second, codec), once they are known.
    about: Option<(u32, String)>,
    segments: VecDeque<Segment>,
    /// Fragments that are no whole segment yet: bytes, begin and length, ticks.
    pending: (Vec<u8>, u64, u64),
    next: u64,
    ended: bool,
}

impl Track {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            splitter: Splitter::default(),
            about: None,
            segments: VecDeque::new(),
            pending: (Vec::new(), 0, 0),
            next: 1,
            ended: false,
        }
    }
}

/// What all tracks share.
#[derive(Debug)]
struct Writer {
    folder: PathBuf,
    /// Another one with every start, so that a player never takes a segment of the start before for one of this.
    start: u128,
    /// The first start of this run of the program.
    first: u128,
    segment_secs: u32,
    keep: usize,
    format: ProgramFormat,
    kilobits: u32,
    tracks: Vec<Track>,
    /// When time zero of the tracks was, by the wall clock, since 1970.
    zero: Option<Duration>,
    /// Whether the description is this start's.
    is_described: bool,
}

/// The elements for `folder`: a bin with a pad `video`, and a pad `audio` where sound goes with it.
pub(super) fn sink(
    spec: &SinkSpec,
    format: ProgramFormat,
    (folder, segment_secs, keep): (&Path, u32, u32),
    with_sound: bool,
) -> Result<gst::Element, Trouble> {
    fs::create_dir_all(folder).map_err(|e| Trouble::ForNow(format!("the folder {folder:?} cannot be made: {e}")))?;
    let names: &[&'static str] = if with_sound { &["video", "audio"] } else { &["video"] };
    let start = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis());
    let writer = Arc::new(Mutex::new(Writer {
        folder: folder.to_owned(),
        start,
        first: first_of_run(start),
        segment_secs,
        keep: keep as usize,
        format,
        kilobits: spec.kilobits,
        tracks: names.iter().map(|name| Track::new(name)).collect(),
        zero: None,
        is_described: false,
    }));
    let bin = gst::Bin::new();
    let refused = |e: gst::glib::BoolError| Trouble::ForGood(format!("its pipeline cannot be built: {e}"));
    for (k, name) in names.iter().enumerate() {
        let muxer = elements::make("mp4mux")?;
        // Pictures are cut at keyframes whatever is said here, and nowhere else if it is long; sound, which may be cut anywhere, by its length.
        let longest_secs = if *name == "video" { segment_secs + 60 } else { segment_secs };
        muxer.set_property("fragment-duration", longest_secs * 1000);
        // Nothing is written at the end that would have to go to the beginning.
        muxer.set_property("streamable", true);
        let end = written_by(&writer, k);
        bin.add_many([&muxer, end.upcast_ref::<gst::Element>()]).map_err(refused)?;
        muxer.link(&end).map_err(refused)?;
        let pad = muxer.request_pad_simple(&format!("{name}_%u")).ok_or_else(|| Trouble::ForGood("its muxer takes nothing".to_owned()))?;
        let door = gst::GhostPad::builder_with_target(&pad).map_err(refused)?.name(*name).build();
        bin.add_pad(&door).map_err(refused)?;
    }
    Ok(bin.upcast())
}

/// The end of a track: what comes is written.
fn written_by(writer: &Arc<Mutex<Writer>>, track: usize) -> gst_app::AppSink {
    let (on_bytes, on_end) = (Arc::clone(writer), Arc::clone(writer));
    let failed = |sink: &gst_app::AppSink, problem: &str| gst::element_error!(sink, gst::ResourceError::Write, ("{problem}"));
    let fails = move |sink: &gst_app::AppSink, problem: &str| {
        failed(sink, problem);
        gst::FlowError::Error
    };
    let callbacks = gst_app::AppSinkCallbacks::builder()
        .new_sample(move |sink| {
            let sample = sink.pull_sample().map_err(|_eos| gst::FlowError::Eos)?;
            let buffers = sample.buffer().into_iter().chain(sample.buffer_list().into_iter().flat_map(|list| list.iter()));
            for buffer in buffers {
                let map = buffer.map_readable().map_err(|_e| fails(sink, "the muxer gives memory that cannot be read"))?;
                on_bytes.lock().take(track, &map).map_err(|problem| fails(sink, &problem))?;
            }
            Ok(gst::FlowSuccess::Ok)
        })
        .eos(move |sink| {
            if let Err(problem) = on_end.lock().end(track) {
                failed(sink, &problem);
            }
        })
        .build();
    gst_app::AppSink::builder().sync(false).async_(false).buffer_list(true).callbacks(callbacks).build()
}

impl Writer {
    fn take(&mut self, track: usize, bytes: &[u8]) -> Result<(), String> {
        for fragment in self.tracks[track].splitter.push(bytes)? {
            match fragment {
                Fragment::Header { bytes, timescale, codec } => {
                    self.store(&self.header_name(track), &bytes)?;
                    self.tracks[track].about = Some((timescale.max(1), codec));
                }
                Fragment::Segment { bytes, begin, length } => {
                    let (pending, since, long) = &mut self.tracks[track].pending;
                    if pending.is_empty() {
                        *since = begin;
                    }
                    pending.extend(bytes);
                    *long += length;
                    let ticks = self.tracks[track].about.as_ref().map_or(1, |about| about.0);
                    if self.tracks[track].pending.2 as f64 >= LONG_ENOUGH * f64::from(ticks) * f64::from(self.segment_secs) {
                        self.finish_segment(track)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn finish_segment(&mut self, track: usize) -> Result<(), String> {
        let (bytes, begin, length) = std::mem::take(&mut self.tracks[track].pending);
        if bytes.is_empty() { Ok(()) } else { self.segment(track, &bytes, (begin, length)) }
    }

    fn segment(&mut self, track: usize, bytes: &[u8], (begin, length): (u64, u64)) -> Result<(), String> {
        let number = self.tracks[track].next;
        self.store(&self.segment_name(track, number), bytes)?;
        let (keep, own) = (self.keep, &mut self.tracks[track]);
        own.next += 1;
        own.segments.push_back(Segment { number, begin, length });
        let timescale = own.about.as_ref().map_or(1, |about| about.0);
        let gone = own.segments.len().checked_sub(keep + SEGMENTS_LEFT).map(|n| own.segments.drain(..n).collect::<Vec<_>>());
        for segment in gone.unwrap_or_default() {
            let name = self.segment_name(track, segment.number);
            // What somebody else deleted is gone as well.
            if let Err(error) = fs::remove_file(self.folder.join(&name)) {
                tracing::debug!(%error, name, "an old segment is not deleted");
            }
        }
        if track == 0 && self.zero.is_none() {
            // Only now it can be fetched: that is what the end of a segment means to players.
            let end = Duration::from_secs_f64((begin + length) as f64 / f64::from(timescale));
            self.zero = SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|now| now.saturating_sub(end));
        }
        self.describe(false)
    }

    /// Deletes what starts before this one left behind: nobody lists it any more.
    fn clear_older(&self) {
        let entries: Vec<_> = fs::read_dir(&self.folder).into_iter().flatten().flatten().collect();
        let start_of = |entry: &fs::DirEntry| entry.file_name().to_str().and_then(start_of).filter(|own| *own < self.first);
        // Those of the last one stay: players still ask for them.
        let last = entries.iter().filter_map(start_of).max();
        for entry in entries {
            let is_older = start_of(&entry).is_some() && start_of(&entry) != last;
            if is_older && entry.file_type().is_ok_and(|kind| kind.is_file()) {
                // What somebody else deleted is gone as well.
                if let Err(error) = fs::remove_file(entry.path()) {
                    tracing::debug!(%error, name = ?entry.file_name(), "a file of an earlier start is not deleted");
                }
            }
        }
    }

    fn end(&mut self, track: usize) -> Result<(), String> {
        self.finish_segment(track)?;
        self.tracks[track].ended = true;
        if self.tracks.iter().all(|t| t.ended) { self.describe(true) } else { Ok(()) }
    }

    fn header_name(&self, track: usize) -> String {
        format!("program-{}-{}.mp4", self.start, self.tracks[track].name)
    }

    fn segment_name(&self, track: usize, number: u64) -> String {
        format!("program-{}-{}-{number:06}.m4s", self.start, self.tracks[track].name)
    }

    /// Whole or not at all: players read while it is written.
    fn store(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let part = self.folder.join(format!(".{name}.part"));
        fs::write(&part, bytes).and_then(|()| fs::rename(&part, self.folder.join(name))).map_err(|e| {
            // The first error is the one to tell.
            fs::remove_file(&part).ok();
            format!("{:?} cannot be written: {e}", self.folder.join(name))
        })
    }

    /// Writes the description; `is_over` when nothing more comes.
    fn describe(&mut self, is_over: bool) -> Result<(), String> {
        let Some(zero) = self.zero else { return Ok(()) };
        // A player must not learn of sound that it cannot fetch yet.
        if !self.tracks.iter().all(|t| t.about.is_some() && !t.segments.is_empty()) {
            return Ok(());
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.store(DESCRIPTION, self.description((zero, now), is_over).as_bytes())?;
        // Not before: until then players have the description of the start before, and what it lists.
        if !self.is_described {
            self.is_described = true;
            self.clear_older();
        }
        Ok(())
    }

    fn description(&self, (zero, now): (Duration, Duration), is_over: bool) -> String {
        let secs = self.segment_secs;
        let listed = |track: &Track| -> Vec<Segment> {
            let skip = track.segments.len().saturating_sub(self.keep);
            track.segments.iter().skip(skip).copied().collect()
        };
        let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let about = "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" \
                     profiles=\"urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019\"";
        // Over: what is there plays from its beginning.
        let first_secs = |t: &Track| (listed(t).first().map_or(0, |s| s.begin), t.about.as_ref().map_or(1, |a| a.0));
        let (mut begin, mut end) = (f64::MAX, 0.0_f64);
        for track in &self.tracks {
            let (first, scale) = first_secs(track);
            let last = track.segments.back().map_or(0, |s| s.begin + s.length);
            (begin, end) = (begin.min(first as f64 / f64::from(scale)), end.max(last as f64 / f64::from(scale)));
        }
        let when = if is_over {
            format!("type=\"static\" mediaPresentationDuration=\"PT{:.3}S\"", end - begin)
        } else {
            format!(
                "type=\"dynamic\" availabilityStartTime=\"{}\" publishTime=\"{}\" minimumUpdatePeriod=\"PT{secs}S\" \
                 timeShiftBufferDepth=\"PT{}S\" suggestedPresentationDelay=\"PT{}S\"",
                iso_time(zero),
                iso_time(now),
                secs as usize * self.keep,
                secs * 3
            )
        };
        let wrote = writeln!(text, "{about} {when} minBufferTime=\"PT{secs}S\" maxSegmentDuration=\"PT{}S\">", secs + 1)
            .and_then(|()| writeln!(text, " <Period id=\"p{}\" start=\"PT0S\">", self.start))
            .and_then(|()| {
                for (k, track) in self.tracks.iter().enumerate() {
                    let offset = if is_over { begin } else { 0.0 };
                    self.track(&mut text, (k, track), &listed(track), offset)?;
                }
                text.push_str(" </Period>\n</MPD>\n");
                Ok(())
            });
        // Writing into a text does not fail.
        debug_assert!(wrote.is_ok());
        text
    }

    fn track(&self, text: &mut String, (k, track): (usize, &Track), listed: &[Segment], offset_secs: f64) -> std::fmt::Result {
        let Some((timescale, codec)) = &track.about else { return Ok(()) };
        let (name, rate) = (track.name, self.format.coded_rate());
        let looks = if name == "video" {
            format!(
                "width=\"{}\" height=\"{}\" frameRate=\"{}/{}\" sar=\"1:1\" bandwidth=\"{}\"",
                self.format.width_px,
                self.format.height_px,
                rate.numerator(),
                rate.denominator(),
                u64::from(self.kilobits) * 1000
            )
        } else {
            "audioSamplingRate=\"48000\" bandwidth=\"160000\"".to_owned()
        };
        writeln!(
            text,
            "  <AdaptationSet id=\"{k}\" contentType=\"{name}\" mimeType=\"{name}/mp4\" segmentAlignment=\"true\" startWithSAP=\"1\">\n   \
             <Representation id=\"{name}\" codecs=\"{codec}\" {looks}>\n    <SegmentTemplate timescale=\"{timescale}\" \
             presentationTimeOffset=\"{}\" initialization=\"program-{start}-$RepresentationID$.mp4\" \
             media=\"program-{start}-$RepresentationID$-$Number%06d$.m4s\" startNumber=\"{}\">\n     <SegmentTimeline>",
            (offset_secs * f64::from(*timescale)).round() as u64,
            listed.first().map_or(1, |s| s.number),
            start = self.start
        )?;
        for segment in listed {
            writeln!(text, "      <S t=\"{}\" d=\"{}\"/>", segment.begin, segment.length)?;
        }
        text.push_str("     </SegmentTimeline>\n    </SegmentTemplate>\n   </Representation>\n  </AdaptationSet>\n");
        Ok(())
    }
}

/// The start that a file is of, by its name, whole or in the middle of being written; `None` when it is none of ours.
fn start_of(name: &str) -> Option<u128> {
    let whole = name.strip_prefix('.').and_then(|n| n.strip_suffix(".part")).unwrap_or(name);
    let (start, rest) = whole.strip_prefix("program-")?.split_once('-')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let rest = rest.strip_prefix("video").or_else(|| rest.strip_prefix("audio"))?;
    let is_ours = rest == ".mp4" || rest.strip_prefix('-').and_then(|r| r.strip_suffix(".m4s")).is_some_and(digits);
    (is_ours && digits(start)).then(|| start.parse().ok())?
}

/// A time since 1970 as ISO 8601 writes it, UTC; days by Howard Hinnant's `civil_from_days`.
fn iso_time(since: Duration) -> String {
    let secs = since.as_secs();
    let z = (secs / 86_400) as i64 + 719_468;
    let (era, day_of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (day, month) = (day_of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let [h, m, s] = [secs / 3600 % 24, secs / 60 % 60, secs % 60];
    format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}.{:03}Z", since.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_players_read_them() {
        assert_eq!(iso_time(Duration::ZERO), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso_time(Duration::from_millis(1_709_164_799_250)), "2024-02-28T23:59:59.250Z");
        assert_eq!(iso_time(Duration::from_hours(474_768)), "2024-02-29T00:00:00.000Z");
        assert_eq!(iso_time(Duration::from_hours(1_139_568)), "2100-01-01T00:00:00.000Z");
    }

    #[test]
    fn old_segments_go_and_the_description_lists_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let track = Track { about: Some((25_000, "avc1.64001f".to_owned())), ..Track::new("video") };
        let mut writer = Writer {
            folder: dir.path().to_owned(),
            start: 7,
            first: 7,
            segment_secs: 2,
            keep: 4,
            format: "320x180p25".parse().unwrap(),
            kilobits: 1500,
            tracks: vec![track],
            zero: None,
            is_described: false,
        };
        // What an older start left; what the last one did, and what is not ours or of a later start.
        let older = ["program-4-video.mp4", "program-4-audio-000123.m4s", ".program-4-video-000124.m4s.part"];
        let others = [
            "program-6-video.mp4",
            "program-6-video-000009.m4s",
            "program-8-video.mp4",
            "program-6-video.m4s",
            "program-x-video.mp4",
            "program-6-notes.mp4",
            "program-6.mp4",
            "film-6-video.mp4",
        ];
        let there = |names: &[&str]| names.iter().filter(|name| dir.path().join(name).exists()).count();
        for name in older.iter().chain(&others) {
            fs::write(dir.path().join(name), b"x").unwrap();
        }
        fs::create_dir(dir.path().join("program-5-video.mp4")).unwrap();
        assert_eq!(there(&older), 3);
        for k in 0..20 {
            writer.segment(0, b"pictures", (k * 50_000, 50_000)).unwrap();
            assert_eq!(there(&older), 0, "the description is this start's");
        }
        assert_eq!(there(&others), others.len());
        for name in others {
            fs::remove_file(dir.path().join(name)).unwrap();
        }
        fs::remove_dir(dir.path().join("program-5-video.mp4")).unwrap();
        let mut left: Vec<String> =
            fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        left.sort();
        let wanted: Vec<String> = (14..=20).map(|n| format!("program-7-video-{n:06}.m4s")).chain(["program.mpd".to_owned()]).collect();
        assert_eq!(left, wanted);
        let text = fs::read_to_string(dir.path().join(DESCRIPTION)).unwrap();
        assert!(text.contains("type=\"dynamic\"") && text.contains("startNumber=\"17\"") && text.contains("<S t=\"800000\" d=\"50000\"/>"));
        assert_eq!(text.matches("<S ").count(), 4, "{text}");
        writer.end(0).unwrap();
        let text = fs::read_to_string(dir.path().join(DESCRIPTION)).unwrap();
        assert!(text.contains("type=\"static\" mediaPresentationDuration=\"PT8.000S\""), "{text}");
        assert!(text.contains("presentationTimeOffset=\"800000\""), "{text}");
    }
}
