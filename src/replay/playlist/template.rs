//! Templates: a playlist for any event, as small text. "Wide up to the mark, freeze and orbit, close from the mark on."
//!
//! Must not know: files, rigs. Cameras are places along the arc: first, middle, last, prepared, a number from 1, or a name.

use super::{Element, Shot, Transition};
use crate::replay::Event;

/// Version of the text.
const VERSION: u32 = 1;

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

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Angle,
    Move,
    Still,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Point {
    In,
    Mark,
    Out,
}

#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    shot: Kind,
    #[serde(rename = "move", default)]
    name: Option<String>,
    #[serde(default)]
    camera: Option<String>,
    #[serde(default)]
    from: Option<Point>,
    #[serde(default)]
    to: Option<Point>,
    #[serde(default)]
    speed_percent: Option<i32>,
    #[serde(default)]
    secs: Option<f64>,
    #[serde(default)]
    dissolve_secs: f64,
    #[serde(default)]
    hold: bool,
}

/// A template.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
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
            if line.speed_percent.is_some_and(|s| s == 0 || s.abs() > 400) {
                return wrong("its speed is not between -400 and 400 %, or is 0");
            }
            if [line.dissolve_secs, line.secs.unwrap_or(1.0)].iter().any(|s| !s.is_finite() || *s < 0.0) {
                return wrong("a time is negative or no number");
            }
        }
        Ok(template)
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
            other => {
                let number = other.parse::<usize>().ok().and_then(|n| n.checked_sub(1)).filter(|n| *n <= last);
                cameras.iter().position(|c| c == other).or(number).map_or(position, |k| k as f64)
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
            let transition = if line.dissolve_secs > 0.0 { Transition::Dissolve { secs: line.dissolve_secs } } else { Transition::Cut };
            Element {
                begin: at(line.from, Point::In),
                end: at(line.to, Point::Out),
                transition,
                hold: line.hold,
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
