//! Names of files that are written by themselves: a template with fields, and the first number that is free.
//!
//! Must not know: what is written.

use std::{
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use crate::output::{self, Container, Sidecar};

/// The name where nobody says otherwise.
pub const STANDARD: &str = "volte_{event}";
/// Fields of a template.
const FIELDS: [&str; 5] = ["event", "date", "time", "camera", "n"];
/// Names longer than this are none on some disks, bytes.
const MOST_BYTES: usize = 200;

/// A finished name has at most so many bytes: 255 is what disks take, and while it is written it is longer.
const MOST_NAME_BYTES: usize = 240;
/// Characters of an event's or a camera's name, where there is room.
const MOST_FIELD_CHARS: usize = 60;

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A field that is none.
    #[error("{template:?} has the field {{{field}}}, which is none. Known: {{event}}, {{date}}, {{time}}, {{camera}}, {{n}}")]
    Field {
        /// The text.
        template: String,
        /// The field.
        field: String,
    },
    /// A brace without its other one.
    #[error("{0:?} has a brace without its other one. Fields are written {{event}}")]
    Brace(String),
    /// A sign that a file's name cannot have everywhere.
    #[error("{template:?} has {sign:?}, which the name of a file cannot have everywhere. Leave it out; folders belong into `folder`")]
    Sign {
        /// The text.
        template: String,
        /// The sign.
        sign: char,
    },
    /// It begins or ends so that it would be hidden, or cut off.
    #[error("{0:?} is no good name: it is empty, begins with a dot, ends with a space, or is longer than 200 bytes (240 with its fields)")]
    Name(String),
    /// Its ending is none that is written.
    #[error("{template:?}: {problem}")]
    Ending {
        /// The text.
        template: String,
        /// What is wrong.
        problem: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(usize),
}

/// A template that was found good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameTemplate {
    parts: Vec<Part>,
    ending: String,
}

/// What fills a template.
#[derive(Debug, Clone, Copy)]
pub struct NameFields<'a> {
    /// The event's name.
    pub event: &'a str,
    /// The camera where the move begins.
    pub camera: &'a str,
    /// When: date and time are UTC.
    pub at: SystemTime,
}

impl Default for NameTemplate {
    fn default() -> Self {
        Self { parts: vec![Part::Text("volte_".to_owned()), Part::Field(0)], ending: "mp4".to_owned() }
    }
}

fn is_bad(c: char) -> bool {
    c.is_control() || "/\\:*?\"<>|%#".contains(c)
}

impl std::str::FromStr for NameTemplate {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let own = || text.to_owned();
        if text.is_empty() || text.starts_with('.') || text.trim() != text || text.len() > MOST_BYTES {
            return Err(NameError::Name(own()));
        }
        if let Some(sign) = text.chars().find(|c| is_bad(*c)) {
            return Err(NameError::Sign { template: own(), sign });
        }
        let (stem, ending) = match text.rsplit_once('.') {
            Some((stem, ending)) if !ending.contains(['{', '}']) => (stem, ending),
            _ => (text, "mp4"),
        };
        let (container, _) = output::container_and_codec(Path::new(&format!("x.{ending}")), None)
            .map_err(|e| NameError::Ending { template: own(), problem: e.to_string() })?;
        if container == Container::Sequence {
            // Its files have numbers of their own: whether a name is free could not be seen.
            let problem =
                format!(".{ending} is a sequence of numbered files, which has no name by template: export it with a path of its own");
            return Err(NameError::Ending { template: own(), problem });
        }
        let (mut parts, mut rest) = (Vec::new(), stem);
        while let Some(begin) = rest.find(['{', '}']) {
            let end = rest.find('}').filter(|end| *end > begin && rest.as_bytes()[begin] == b'{').ok_or_else(|| NameError::Brace(own()))?;
            if begin > 0 {
                parts.push(Part::Text(rest[..begin].to_owned()));
            }
            let field = &rest[begin + 1..end];
            let known = FIELDS.iter().position(|f| *f == field);
            parts.push(Part::Field(known.ok_or_else(|| NameError::Field { template: own(), field: field.to_owned() })?));
            rest = &rest[end + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        let template = Self { parts, ending: ending.to_owned() };
        let shortest = NameFields { event: "e", camera: "c", at: UNIX_EPOCH };
        if template.filled(&shortest, u32::MAX, 1).len() > MOST_NAME_BYTES {
            return Err(NameError::Name(own()));
        }
        Ok(template)
    }
}

/// Year, month and day of a day since 1970 (Howard Hinnant's `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let (day, month) = (day_of_year - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

impl NameTemplate {
    /// The ending of its names, without the dot.
    pub fn ending(&self) -> &str {
        &self.ending
    }

    /// The name with number `n`. What fills a field has no sign that a name cannot have, and is cut where the name would become too long
    /// for a disk.
    pub fn name(&self, fields: &NameFields<'_>, n: u32) -> String {
        let names = (1..=MOST_FIELD_CHARS).rev().map(|chars| self.filled(fields, n, chars));
        let mut shortest = String::new();
        for name in names {
            if name.len() <= MOST_NAME_BYTES {
                return name;
            }
            shortest = name;
        }
        shortest
    }

    fn filled(&self, fields: &NameFields<'_>, n: u32, chars: usize) -> String {
        let secs = fields.at.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
        let (year, month, day) = civil(secs.div_euclid(86_400));
        let of_day = secs.rem_euclid(86_400);
        let clean =
            |text: &str| -> String { text.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).take(chars).collect() };
        let field = |k: usize| match FIELDS[k] {
            "event" => clean(fields.event),
            "camera" => clean(fields.camera),
            "date" => format!("{year:04}-{month:02}-{day:02}"),
            "time" => format!("{:02}{:02}{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60),
            _ => n.to_string(),
        };
        let stem: String = self.parts.iter().map(|p| if let Part::Field(k) = p { field(*k) } else { text_of(p) }).collect();
        let numbered = self.parts.contains(&Part::Field(FIELDS.len() - 1));
        let more = if numbered || n == 1 { String::new() } else { format!("_{n}") };
        format!("{stem}{more}.{}", self.ending)
    }

    /// The first name in `folder` that neither is there nor `is_taken`, and that has no words beside it: not those of a film that was moved
    /// away either.
    pub fn free(&self, folder: &Path, fields: &NameFields<'_>, is_taken: impl Fn(&Path) -> bool) -> PathBuf {
        let all = (1..100_000).map(|n| folder.join(self.name(fields, n)));
        let is_there = |path: &Path| path.symlink_metadata().is_ok();
        let free = |path: &PathBuf| {
            let [words, others] = Sidecar::paths_for(path);
            ![path, &words, &others].into_iter().any(|p| is_there(p)) && !is_taken(path)
        };
        all.into_iter().find(free).unwrap_or_else(|| folder.join(self.name(fields, 100_000)))
    }
}

fn text_of(part: &Part) -> String {
    if let Part::Text(text) = part { text.clone() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn fields<'a>(event: &'a str, camera: &'a str) -> NameFields<'a> {
        // 2024-02-29 12:34:56 UTC.
        NameFields { event, camera, at: UNIX_EPOCH + Duration::from_secs(1_709_210_096) }
    }

    #[test]
    fn templates_are_filled() {
        let name =
            |template: &str, n| template.parse::<NameTemplate>().unwrap_or_else(|e| panic!("{e}")).name(&fields("Goal by 9/a", "cam03"), n);
        assert_eq!(name("{event}_{date}_{camera}_{n}", 3), "Goal_by_9_a_2024-02-29_cam03_3.mp4");
        assert_eq!(name("{time} {event}.mov", 1), "123456 Goal_by_9_a.mov");
        assert_eq!(name("{event}.gif", 2), "Goal_by_9_a_2.gif");
        assert_eq!(name(STANDARD, 1), NameTemplate::default().name(&fields("Goal by 9/a", ""), 1));
        assert_eq!((civil(0), civil(-1), civil(19_782)), ((1970, 1, 1), (1969, 12, 31), (2024, 2, 29)));
    }

    #[test]
    fn bad_names_are_refused_by_name() {
        for (template, word) in [
            ("{events}_{n}", "{events}"),
            ("{event", "brace"),
            ("event}", "brace"),
            ("a/{event}", "'/'"),
            ("{event}?", "'?'"),
            ("{event}\n", "200 bytes"),
            ("a\u{7}{event}", "'\\u{7}'"),
            ("", "empty"),
            (".{event}", "dot"),
            ("{event}.avi", "avi"),
            ("{event}.png", "sequence"),
            ("{event}_%04d", "'%'"),
        ] {
            let told = template.parse::<NameTemplate>().unwrap_err().to_string();
            assert!(told.contains(word), "{template:?}: {told}");
        }
        assert!("a".repeat(201).parse::<NameTemplate>().is_err());
    }

    #[test]
    fn a_name_is_never_too_long_for_a_disk() {
        let folder = tempfile::tempdir().unwrap();
        let long = "ゴール・サイドからの長い長い名前".repeat(9);
        for template in ["{event}-{camera}-{event}_{n}", &format!("{}{{event}}{{camera}}.mov", "a".repeat(170))] {
            let template: NameTemplate = template.parse().unwrap_or_else(|e| panic!("{e}"));
            let mut names = Vec::new();
            for _ in 0..3 {
                let path = template.free(folder.path(), &fields(&long, &long), |_| false);
                // While it is written, and its words beside it.
                std::fs::write(path.with_file_name(format!(".{}.part", path.file_name().unwrap().to_string_lossy())), b"x").unwrap();
                std::fs::write(path.with_extension("json"), b"x").unwrap();
                std::fs::write(&path, b"x").unwrap();
                names.push(path);
            }
            assert!(names[0] != names[1] && names[1] != names[2]);
        }
        assert!("{date}".repeat(33).parse::<NameTemplate>().is_err());
    }

    #[test]
    fn names_are_never_taken_twice() {
        let folder = tempfile::tempdir().unwrap();
        let template = NameTemplate::default();
        let next = |waiting: &[PathBuf]| template.free(folder.path(), &fields("E003", ""), |p| waiting.iter().any(|w| w == p));
        let first = next(&[]);
        assert!(first.ends_with("volte_E003.mp4"));
        std::fs::write(&first, b"x").unwrap();
        let second = next(&[]);
        assert!(second.ends_with("volte_E003_2.mp4"));
        assert!(next(&[second]).ends_with("volte_E003_3.mp4"));
        // The film was taken away, and its words were left.
        std::fs::write(first.with_extension("json"), b"{}").unwrap();
        std::fs::remove_file(&first).unwrap();
        assert!(next(&[]).ends_with("volte_E003_2.mp4"));
        std::fs::write(folder.path().join("volte_E003_2.mp4.json"), b"{}").unwrap();
        assert!(next(&[]).ends_with("volte_E003_3.mp4"));
    }
}
