//! Templates: a playlist for any event, as small text. "Wide up to the mark, freeze and orbit, close from the mark on."
//!
//! Must not know: files, rigs. Cameras are places along the arc: first, middle, last, prepared, a number from 1 (3.5 is midway to the
//! fourth), or a name.

use super::{Element, Playlist, Shot, Towards, Transition};
use crate::{replay::Event, time::MediaTime};

/// Version of the text.
const VERSION: u32 = 1;
/// Times beside an event's points are not farther away, seconds.
const MOST_SECS: f64 = 3600.0;

/// What is wrong with a template.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// It is no template.
    #[error("the template is not readable: {0}")]
    Syntax(#[from] toml::de::Error),
    /// Made by another version.
    #[error("the template is of version {0}, this program reads version {VERSION}. Save it again with this program")]
    Version(u32),
    /// A value makes no sense.
    #[error("the template {name:?}, element {element}: {problem}")]
    Invalid {
        /// Its name.
        name: String,
        /// Which element, from 1.
        element: usize,
        /// What is wrong, and the remedy.
        problem: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Angle,
    Move,
    Still,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Point {
    In,
    Mark,
    Out,
}

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    shot: Kind,
    #[serde(rename = "move", default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    camera: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Point>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<Point>,
    /// Seconds after `from`, `to` and the mark.
    #[serde(default, skip_serializing_if = "is_zero")]
    from_secs: f64,
    #[serde(default, skip_serializing_if = "is_zero")]
    to_secs: f64,
    #[serde(default, skip_serializing_if = "is_zero")]
    mark_secs: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    speed_percent: Option<i32>,
    /// At its end, for a camera's own frames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ramp_percent: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secs: Option<f64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    dissolve_secs: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wipe: Option<Towards>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stinger: Option<u8>,
    #[serde(default)]
    hold: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
fn is_zero(secs: &f64) -> bool {
    *secs == 0.0
}

/// A template.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    version: u32,
    /// Its name.
    pub name: String,
    #[serde(rename = "element")]
    lines: Vec<Line>,
}

impl Template {
    /// Reads the text.
    ///
    /// ```
    /// let template = volte::replay::playlist::Template::from_toml(r#"
    /// version = 1
    /// name = "slow"
    /// [[element]]
    /// shot = "angle"
    /// camera = "middle"
    /// speed_percent = 33
    /// "#)?;
    /// assert_eq!(template.name, "slow");
    /// # Ok::<(), volte::replay::playlist::TemplateError>(())
    /// ```
    pub fn from_toml(text: &str) -> Result<Self, TemplateError> {
        let template: Self = toml::from_str(text)?;
        if template.version != VERSION {
            return Err(TemplateError::Version(template.version));
        }
        for (k, line) in template.lines.iter().enumerate() {
            let wrong =
                |problem: &str| Err(TemplateError::Invalid { name: template.name.clone(), element: k + 1, problem: problem.to_owned() });
            if line.shot == Kind::Move && line.name.is_none() {
                return wrong("it is a move without a name. Write move = \"Orbit right\", or another move of the console");
            }
            if [line.speed_percent, line.ramp_percent].into_iter().flatten().any(|s| s == 0 || s.unsigned_abs() > 400) {
                return wrong("its speed is not between -400 and 400 %, or is 0");
            }
            if [line.dissolve_secs, line.secs.unwrap_or(1.0)].iter().any(|s| !s.is_finite() || *s < 0.0) {
                return wrong("a time is negative or no number");
            }
            if [line.from_secs, line.to_secs, line.mark_secs].iter().any(|s| !s.is_finite() || s.abs() > MOST_SECS) {
                return wrong("a time beside in, mark or out is more than an hour away or no number");
            }
        }
        Ok(template)
    }

    /// What a playlist does with its events, for any event: places along the arc by number, times by the event's own points. `event_of`
    /// finds an element's event; an element without one is left out.
    pub fn of_list<'a>(name: &str, list: &Playlist, event_of: impl Fn(&Element) -> Option<&'a Event>) -> Self {
        let line = |e: &Element| {
            let event = event_of(e)?;
            let (shot, name, secs) = match &e.shot {
                Shot::Angle => (Kind::Angle, None, None),
                Shot::Move(name) => (Kind::Move, Some(name.clone()), None),
                Shot::Still { secs } => (Kind::Still, None, Some(*secs)),
            };
            let beside = |at: MediaTime| {
                let points = [(Point::In, event.begin), (Point::Mark, event.instant), (Point::Out, event.end)];
                let (point, of) = points.into_iter().min_by_key(|(_, of)| of.distance_nanos(at)).unwrap_or(points[1]);
                (Some(point), (at - of) as f64 * 1e-9)
            };
            let ((from, from_secs), (to, to_secs)) = (beside(e.begin), beside(e.end));
            Some(Line {
                shot,
                name,
                camera: Some(format!("#{}", ((e.position + 1.0) * 1000.0).round() / 1000.0)),
                from,
                to,
                from_secs,
                to_secs,
                mark_secs: (e.mark - event.instant) as f64 * 1e-9,
                speed_percent: Some(e.speed_percent),
                ramp_percent: e.ramp_percent,
                secs,
                dissolve_secs: e.transition.secs(),
                wipe: e.transition.wipe(),
                stinger: e.transition.stinger(),
                hold: e.hold,
            })
        };
        Self { version: VERSION, name: name.to_owned(), lines: list.elements().iter().filter_map(line).collect() }
    }

    /// The text form.
    pub fn to_toml(&self) -> String {
        // Plain numbers and words: there is nothing in it that TOML cannot write.
        toml::to_string(self).unwrap_or_default()
    }

    /// The elements for an event. `cameras` are the names along the arc, `position` the prepared place, gaps; a camera that the rig has
    /// not is the prepared one.
    pub fn elements(&self, event: &Event, cameras: &[String], position: f64, speed_percent: i32) -> Vec<Element> {
        let last = cameras.len().saturating_sub(1);
        let place = |camera: Option<&str>| match camera.unwrap_or("prepared") {
            "first" => 0.0,
            "middle" => (last / 2) as f64,
            "last" => last as f64,
            "prepared" => position,
            // Places are written with a mark: a camera may be named by a number.
            other => {
                let named = if other.starts_with('#') { None } else { cameras.iter().position(|c| c == other).map(|k| k as f64) };
                let number = other
                    .strip_prefix('#')
                    .unwrap_or(other)
                    .parse::<f64>()
                    .ok()
                    .map(|n| n - 1.0)
                    .filter(|n| (0.0..=last as f64 + 1.0).contains(n));
                named.or(number).unwrap_or(position)
            }
        };
        let at = |point: Option<Point>, otherwise| match point.unwrap_or(otherwise) {
            Point::In => event.begin,
            Point::Mark => event.instant,
            Point::Out => event.end,
        };
        let element = |line: &Line| {
            let shot = match line.shot {
                Kind::Angle => Shot::Angle,
                Kind::Move => Shot::Move(line.name.clone().unwrap_or_default()),
                Kind::Still => Shot::Still { secs: line.secs.unwrap_or(2.0) },
            };
            let transition = Transition::of(line.dissolve_secs, line.wipe, line.stinger);
            let beside = |at: MediaTime, secs: f64| at.plus_nanos((secs * 1e9).round() as i64);
            Element {
                mark: beside(event.instant, line.mark_secs),
                begin: beside(at(line.from, Point::In), line.from_secs),
                end: beside(at(line.to, Point::Out), line.to_secs),
                transition,
                hold: line.hold,
                ramp_percent: line.ramp_percent,
                ..Element::of(event, shot, place(line.camera.as_deref()), line.speed_percent.unwrap_or(speed_percent))
            }
        };
        // A stretch without length (an event whose mark is its in point) has nothing to show.
        self.lines.iter().map(element).filter(|e| e.shot != Shot::Angle || e.begin < e.end).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{replay::EventList, time::MediaTime};

    #[test]
    fn a_template_fits_any_event() {
        let text = r#"
            version = 1
            name = "wide, orbit, close"
            element = [
                { shot = "angle", camera = "first", to = "mark", speed_percent = 50 },
                { shot = "move", move = "Orbit right", camera = "2", dissolve_secs = 0.5 },
                { shot = "angle", camera = "close", from = "mark", hold = true },
            ]
        "#;
        let template = Template::from_toml(text).unwrap();
        let mut list = EventList::default();
        let event = list.mark(MediaTime::from_secs_f64(10.0), crate::replay::EventRules::default()).clone();
        let cameras: Vec<String> = ["wide", "side", "close"].map(str::to_owned).to_vec();
        let e = template.elements(&event, &cameras, 1.0, 33);
        assert_eq!(
            e.iter().map(|e| (e.position, e.speed_percent, e.hold)).collect::<Vec<_>>(),
            [(0.0, 50, false), (1.0, 33, false), (2.0, 33, true)]
        );
        assert_eq!((e[0].begin, e[0].end, e[2].begin, e[2].end), (event.begin, event.instant, event.instant, event.end));
        assert_eq!(e[1].transition, Transition::Dissolve { secs: 0.5 });
        // An event that is marked at its beginning has nothing before it.
        let short = Event { instant: event.begin, ..event };
        assert_eq!(template.elements(&short, &cameras, 1.0, 33).len(), 2);
    }

    #[test]
    fn a_list_becomes_a_template_that_makes_it_again() {
        let mut events = EventList::default();
        let event = events.mark(MediaTime::from_secs_f64(10.0), crate::replay::EventRules::default()).clone();
        let cameras: Vec<String> = (1..=8).map(|k| format!("cam{k:02}")).collect();
        let mut list = Playlist::default();
        let jogged = MediaTime::from_secs_f64(9.2);
        list.apply(&crate::replay::playlist::PlaylistEdit::Add(vec![
            Element { end: event.instant, hold: true, ramp_percent: Some(20), ..Element::of(&event, Shot::Angle, 0.0, 50) },
            Element {
                mark: jogged,
                transition: Transition::Wipe { secs: 0.4, towards: Towards::Up },
                ..Element::of(&event, Shot::Move("Orbit left".to_owned()), 2.375, 33)
            },
            Element { begin: jogged, ..Element::of(&event, Shot::Still { secs: 1.5 }, 7.0, -100) },
        ]));
        let template = Template::of_list("mine", &list, |e| events.get(e.event));
        let text = template.to_toml();
        let read = Template::from_toml(&text).unwrap();
        assert_eq!(read, template, "{text}");
        let plain = |e: &Element| Element { id: crate::replay::playlist::ElementId(0), ..e.clone() };
        // Made again for the same event it is the same list, wherever the orbit stands and whatever speed is chosen.
        assert_eq!(read.elements(&event, &cameras, 5.0, 75), list.elements().iter().map(plain).collect::<Vec<_>>());
        let later = events.mark(MediaTime::from_secs_f64(50.0), crate::replay::EventRules::default()).clone();
        let made = read.elements(&later, &cameras, 5.0, 75);
        assert_eq!(made[1].mark, MediaTime::from_secs_f64(49.2));
        assert_eq!(made[0].end, later.instant);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, word) in [
            ("version = 2\nname = \"x\"\nelement = []", "version 2"),
            ("version = 1\nname = \"x\"\nelement = [{ shot = \"move\" }]", "Orbit right"),
            ("version = 1\nname = \"x\"\nelement = [{ shot = \"angle\", speed_percent = 0 }]", "speed"),
            ("version = 1\nname = \"x\"\nelement = [{ shot = \"fly\" }]", "fly"),
        ] {
            let told = Template::from_toml(text).unwrap_err().to_string();
            assert!(told.contains(word), "{told}");
        }
    }
}
