//! A playlist for editing programs: `OpenTimelineIO` (JSON) and CMX 3600 EDL.
//!
//! Times are labels of house time at the list's rate; what is replayed lies under the name of its event. Must not know: files.

use serde_json::{Value, json};

use crate::{
    engine::orbit,
    output::program::Timecode,
    replay::{
        EventList,
        path::Roll,
        playlist::{Element, Playlist, Schedule, Shot, Towards, Transition},
    },
    time::{FrameRate, MediaTime},
};

/// A move that is not known lasts as long as a still does by itself, seconds.
const UNKNOWN_SECS: f64 = 2.0;
const DAY_NANOS: i64 = 24 * 3600 * 1_000_000_000;

/// A playlist laid out on a rate.
#[derive(Debug, Clone)]
pub struct ListExport {
    rate: FrameRate,
    title: String,
    cuts: Vec<Cut>,
}

/// One element, in frames.
#[derive(Debug, Clone)]
struct Cut {
    name: String,
    /// First frame shown, as a label of house time.
    source: u64,
    /// From here in the list.
    record: u64,
    frames: u64,
    /// Of the dissolve that it begins with, over the end of the element before.
    dissolve: u64,
    how: Transition,
    /// How fast time runs, on the average of a ramp; 0 where it stands.
    speed: f64,
    /// From which to which speed it ramps, percent.
    ramp: Option<(i32, i32)>,
    shot: String,
    position: f64,
}

impl ListExport {
    /// Lays the list out; `own_secs` knows how long the operator's own moves last, by name.
    pub fn new(list: &Playlist, events: &EventList, rate: FrameRate, title: &str, own_secs: &dyn Fn(&str) -> Option<f64>) -> Self {
        let secs = |e: &Element| length_secs(e, own_secs);
        let schedule: Schedule = list.schedule(secs);
        let frame = |secs: f64| (secs * rate.fps()).round() as u64;
        // Backwards, the range that is shown ends at the event's end; editors want its first frame and a negative speed.
        let backwards = |secs: &f64, speed: f64| if speed < 0.0 { frame(secs * -speed) } else { 0 };
        let cut = |(e, slot): (&Element, &crate::replay::playlist::Slot)| {
            let speed = e.mean_speed();
            let (shot, speed, from) = match &e.shot {
                Shot::Angle => ("angle".to_owned(), speed, if speed < 0.0 { e.end } else { e.begin }),
                Shot::Still { .. } => ("still".to_owned(), 0.0, e.mark),
                Shot::Move(name) if orbit::lets_time_run(name) => (name.clone(), speed, if speed < 0.0 { e.end } else { e.begin }),
                Shot::Move(name) => (name.clone(), 0.0, e.mark),
            };
            Cut {
                name: events.get(e.event).map_or_else(|| format!("event {}", e.event.0), |event| event.name.clone()),
                source: label(from, rate).saturating_sub(backwards(&slot.secs, speed)),
                record: frame(slot.start_secs),
                frames: (frame(slot.start_secs + slot.secs) - frame(slot.start_secs)).max(1),
                dissolve: frame(slot.dissolve_secs),
                how: e.transition,
                speed,
                ramp: e.ramp_percent.map(|end| (e.speed_percent, end)),
                shot,
                position: e.position,
            }
        };
        Self { rate, title: title.to_owned(), cuts: list.elements().iter().zip(schedule.slots()).map(cut).collect() }
    }

    /// How long it lasts, frames.
    pub fn frames(&self) -> u64 {
        self.cuts.last().map_or(0, |c| c.record + c.frames)
    }

    /// CMX 3600: events of the list with source and record timecode, dissolves, speeds (M2), clip names. The record side begins at 01:00:00:00.
    pub fn to_edl(&self) -> String {
        use std::fmt::Write as _;
        let code = |frame: u64| Timecode::of_frame(frame, self.rate);
        let hour = Timecode::frame_at(3_600_000_000_000, self.rate);
        let mode = if code(0).drop_frame { "DROP FRAME" } else { "NON-DROP FRAME" };
        let title: String = self.title.chars().filter(|c| !c.is_control()).take(70).collect();
        let mut out = format!("TITLE: {title}\nFCM: {mode}\n\n");
        let mut before: Option<(&Cut, u64)> = None;
        for (k, cut) in self.cuts.iter().enumerate() {
            let number = k + 1;
            // Where the next one dissolves in, this event ends and that one takes over, with what is left of this one as its first line.
            let shown = self.cuts.get(k + 1).filter(|next| next.dissolve > 0).map_or(cut.frames, |next| next.record - cut.record);
            // While time stands, a source of one frame is what there is.
            let source_frames = if cut.speed == 0.0 { 1 } else { ((shown as f64) * cut.speed.abs()).round() as u64 };
            let (a, b) = (code(cut.source), code(cut.source + source_frames.max(1)));
            let (from, until) = (code(hour + cut.record), code(hour + cut.record + shown));
            // Writing to a String cannot fail.
            let _ = match before.filter(|_| cut.dissolve > 0) {
                Some((_, end)) => {
                    let end = code(end);
                    let _ = writeln!(out, "{number:03}  AX       V     C        {end} {end} {from} {from}");
                    // What the list has no word for is a dissolve, and a comment.
                    let word = match cut.how.wipe() {
                        Some(Towards::Right | Towards::Left) => "W001",
                        Some(Towards::Down | Towards::Up) => "W002",
                        None => "D   ",
                    };
                    writeln!(out, "{number:03}  AX       V     {word} {:03} {a} {b} {from} {until}", cut.dissolve)
                }
                None => writeln!(out, "{number:03}  AX       V     C        {a} {b} {from} {until}"),
            };
            if cut.speed != 1.0 {
                let _ = writeln!(out, "M2   AX       {:05.1}                {a}", cut.speed * self.rate.fps());
            }
            // An editing list knows one speed of an event: the average, which has the right frames at both ends.
            if let Some((from, to)) = cut.ramp {
                let _ = writeln!(out, "* COMMENT: SPEED RAMPS FROM {from} TO {to} PERCENT");
            }
            if cut.how.wipe().is_some() || cut.how.stinger().is_some() {
                let _ = writeln!(out, "* COMMENT: TRANSITION {}", cut.how.words().to_uppercase());
            }
            if let Some((last, _)) = before.filter(|_| cut.dissolve > 0) {
                let _ = writeln!(out, "* FROM CLIP NAME: {}", plain(&last.name));
            }
            let side = if cut.dissolve > 0 && before.is_some() { "TO" } else { "FROM" };
            let _ = writeln!(out, "* {side} CLIP NAME: {}\n* COMMENT: {} AT {:.2}\n", plain(&cut.name), plain(&cut.shot), cut.position);
            before = Some((cut, cut.source + if cut.speed <= 0.0 { 0 } else { source_frames }));
        }
        out
    }

    /// `OpenTimelineIO`: one video track; a dissolve is a transition about the cut in its middle.
    pub fn to_otio(&self) -> Value {
        let time = |frames: i64| json!({ "OTIO_SCHEMA": "RationalTime.1", "rate": self.rate.fps(), "value": frames as f64 });
        let mut children: Vec<Value> = vec![];
        for (k, cut) in self.cuts.iter().enumerate() {
            let (head, tail) = (cut.dissolve / 2, self.cuts.get(k + 1).map_or(0, |next| next.dissolve - next.dissolve / 2));
            if cut.dissolve > 0 {
                let kind = if matches!(cut.how, Transition::Dissolve { .. }) { "SMPTE_Dissolve" } else { "Custom_Transition" };
                children.push(json!({
                    "OTIO_SCHEMA": "Transition.1", "name": cut.how.words(), "transition_type": kind, "metadata": {},
                    "in_offset": time(head as i64), "out_offset": time((cut.dissolve - head) as i64),
                }));
            }
            let effects = match cut.speed {
                0.0 => {
                    json!([{ "OTIO_SCHEMA": "FreezeFrame.1", "name": "freeze", "effect_name": "FreezeFrame", "time_scalar": 0.0, "metadata": {} }])
                }
                1.0 => json!([]),
                speed => {
                    json!([{ "OTIO_SCHEMA": "LinearTimeWarp.1", "name": "speed", "effect_name": "LinearTimeWarp", "time_scalar": speed, "metadata": {} }])
                }
            };
            let begin = cut.source as i64 + (head as f64 * cut.speed.max(0.0)).round() as i64;
            children.push(json!({
                "OTIO_SCHEMA": "Clip.2",
                "name": cut.name,
                "source_range": {
                    "OTIO_SCHEMA": "TimeRange.1",
                    "start_time": time(begin),
                    "duration": time(cut.frames.saturating_sub(head + tail).max(1) as i64),
                },
                "effects": effects,
                "markers": [],
                "media_references": { "DEFAULT_MEDIA": { "OTIO_SCHEMA": "MissingReference.1", "name": cut.name, "available_range": null, "metadata": {} } },
                "active_media_reference_key": "DEFAULT_MEDIA",
                "metadata": { "volte": { "shot": cut.shot, "position": cut.position, "speed": cut.speed, "ramp_percent": cut.ramp } },
            }));
        }
        json!({
            "OTIO_SCHEMA": "Timeline.1",
            "name": self.title,
            "global_start_time": null,
            "metadata": { "volte": { "made_by": crate::engine::MADE_BY } },
            "tracks": {
                "OTIO_SCHEMA": "Stack.1", "name": "tracks", "source_range": null, "effects": [], "markers": [], "metadata": {},
                "children": [{
                    "OTIO_SCHEMA": "Track.1", "name": "program", "kind": "Video", "source_range": null, "effects": [], "markers": [], "metadata": {},
                    "children": children,
                }],
            },
        })
    }
}

/// One line of letters that every editor reads.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().to_uppercase()
}

fn label(at: MediaTime, rate: FrameRate) -> u64 {
    Timecode::frame_at(at.nanos().rem_euclid(DAY_NANOS) as u64, rate)
}

/// How long an element lasts by itself, seconds.
fn length_secs(e: &Element, own_secs: &dyn Fn(&str) -> Option<f64>) -> f64 {
    let secs = |t: MediaTime| (t - e.mark) as f64 * 1e-9;
    let range = Roll { in_secs: secs(e.begin), out_secs: secs(e.end), speed: e.mean_speed() };
    match &e.shot {
        Shot::Angle => range.secs(),
        Shot::Still { secs } => *secs,
        Shot::Move(name) => orbit::secs_of_move(name, &range).or_else(|| own_secs(name)).unwrap_or(UNKNOWN_SECS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::{EventRules, playlist::PlaylistEdit};

    fn laid() -> ListExport {
        let mut events = EventList::default();
        for secs in [100.0, 200.0, 300.0] {
            let at = MediaTime::from_secs_f64(secs);
            events.mark_range(at.plus_nanos(-2_000_000_000), at.plus_nanos(2_000_000_000), at, EventRules::default());
        }
        let of = |k: usize, shot: Shot, speed| Element::of(events.iter().nth(k).unwrap(), shot, 1.5, speed);
        let mut list = Playlist::default();
        list.apply(&PlaylistEdit::Add(vec![
            of(0, Shot::Angle, 50),
            Element { transition: Transition::Dissolve { secs: 0.4 }, ..of(1, Shot::Move("Orbit right".into()), 100) },
            of(2, Shot::Still { secs: 1.0 }, 100),
        ]));
        ListExport::new(&list, &events, FrameRate::whole(25), "final", &|_| None)
    }

    #[test]
    fn an_edl_has_every_cut_at_its_time() {
        let list = laid();
        // 8 s at half speed, 4 s of orbit from 0.4 s before its end, 1 s.
        assert_eq!(list.frames(), (8 * 25 - 10) + 4 * 25 + 25);
        let edl = list.to_edl();
        for line in [
            "TITLE: final",
            "FCM: NON-DROP FRAME",
            "001  AX       V     C        00:01:38:00 00:01:41:20 01:00:00:00 01:00:07:15",
            "M2   AX       012.5                00:01:38:00",
            "* FROM CLIP NAME: E001",
            "002  AX       V     C        00:01:41:20 00:01:41:20 01:00:07:15 01:00:07:15",
            "002  AX       V     D    010 00:03:20:00 00:03:20:01 01:00:07:15 01:00:11:15",
            "* TO CLIP NAME: E002",
            "003  AX       V     C        00:05:00:00 00:05:00:01 01:00:11:15 01:00:12:15",
        ] {
            assert!(edl.contains(line), "no {line:?} in\n{edl}");
        }
    }

    #[test]
    fn what_runs_backwards_lists_what_was_shown() {
        let mut events = EventList::default();
        let at = MediaTime::from_secs_f64(100.0);
        events.mark_range(at.plus_nanos(-2_000_000_000), at.plus_nanos(2_000_000_000), at, EventRules::default());
        let mut list = Playlist::default();
        list.apply(&PlaylistEdit::Add(vec![Element::of(events.iter().next().unwrap(), Shot::Angle, 1.0, -100)]));
        let laid = ListExport::new(&list, &events, FrameRate::whole(25), "back", &|_| None);
        let edl = laid.to_edl();
        assert!(edl.contains("00:01:38:00 00:01:42:00") && edl.contains("M2   AX       -25.0"), "{edl}");
        let clip = &laid.to_otio()["tracks"]["children"][0]["children"][0];
        assert_eq!(
            (clip["source_range"]["start_time"]["value"].as_f64(), &clip["effects"][0]["time_scalar"]),
            (Some(98.0 * 25.0), &(-1.0).into())
        );
    }

    #[test]
    fn a_timeline_is_as_long_as_the_list() {
        let list = laid();
        let otio = list.to_otio();
        let children = otio["tracks"]["children"][0]["children"].as_array().unwrap();
        let clips: Vec<&Value> = children.iter().filter(|c| c["OTIO_SCHEMA"] == "Clip.2").collect();
        let frames: f64 = clips.iter().map(|c| c["source_range"]["duration"]["value"].as_f64().unwrap()).sum();
        assert_eq!((clips.len(), frames), (3, list.frames() as f64));
        assert_eq!(children[1]["transition_type"], "SMPTE_Dissolve");
        assert_eq!(clips[0]["effects"][0]["time_scalar"], 0.5);
        assert_eq!(clips[1]["effects"][0]["OTIO_SCHEMA"], "FreezeFrame.1");
    }

    #[test]
    fn a_ramp_has_its_length_and_both_ends() {
        let mut events = EventList::default();
        let at = MediaTime::from_secs_f64(100.0);
        let event = events.mark_range(at.plus_nanos(-3_000_000_000), at.plus_nanos(2_000_000_000), at, EventRules::default()).clone();
        let mut list = Playlist::default();
        list.apply(&PlaylistEdit::Add(vec![Element { ramp_percent: Some(25), ..Element::of(&event, Shot::Angle, 1.0, 100) }]));
        let list = ListExport::new(&list, &events, FrameRate::whole(25), "ramp", &|_| None);
        // 5 s at 62.5 % on the average.
        assert_eq!(list.frames(), 200);
        let edl = list.to_edl();
        for words in ["00:01:37:00 00:01:42:00 01:00:00:00 01:00:08:00", "M2   AX       015.6", "SPEED RAMPS FROM 100 TO 25 PERCENT"] {
            assert!(edl.contains(words), "{words:?} is not in\n{edl}");
        }
        assert_eq!(list.to_otio()["tracks"]["children"][0]["children"][0]["metadata"]["volte"]["ramp_percent"], json!([100, 25]));
    }
}
