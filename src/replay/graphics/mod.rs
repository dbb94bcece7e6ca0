//! Graphics: what is drawn into the scene (lines, planes, circles, distances, pictures, anchored in the world) and on top of it (a score bug or
//! logo), and the edits of them. They are values; each edit can be taken back.
//!
//! Must not know: files, pictures, how anything is drawn.

mod kept;
mod plane;

pub use kept::{GraphicsError, KeptGraphics, color_of, text_of_color};
pub use plane::in_turn;

use std::path::PathBuf;

/// More graphics, and more points in one, are not taken.
pub const MOST_GRAPHICS: usize = 64;
/// See [`MOST_GRAPHICS`].
pub const MOST_POINTS: usize = 32;
/// Points are not farther from the world's origin, metres.
const FARTHEST_M: f64 = 1e5;
const LONGEST_NAME: usize = 40;
const LONGEST_TEXT: usize = 120;

/// What a graphic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GraphicKind {
    /// A line through its points, lying flat where it runs level.
    Line,
    /// A filled polygon.
    Plane,
    /// A level circle: its centre, and a point of its rim.
    Circle,
    /// A line between two points, and its length in metres.
    Distance,
    /// A picture. At one point it faces the viewer; along two it stands upright; three are its lower left, lower right and upper left.
    Image,
    /// On top of everything, in a corner of the safe area: a picture, or words.
    Bug,
}

impl GraphicKind {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Line, Self::Plane, Self::Circle, Self::Distance, Self::Image, Self::Bug];

    /// As written in commands and names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Plane => "plane",
            Self::Circle => "circle",
            Self::Distance => "distance",
            Self::Image => "image",
            Self::Bug => "bug",
        }
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.name() == name)
    }

    /// How few and how many points it has.
    pub const fn points(self) -> (usize, usize) {
        match self {
            Self::Line => (2, MOST_POINTS),
            Self::Plane => (3, MOST_POINTS),
            Self::Circle | Self::Distance => (2, 2),
            Self::Image => (1, 3),
            Self::Bug => (0, 0),
        }
    }

    /// How many clicks into pictures make one.
    pub const fn clicks(self) -> usize {
        match self {
            Self::Line | Self::Circle | Self::Distance | Self::Image => 2,
            Self::Plane => 4,
            Self::Bug => 0,
        }
    }
}

/// A corner of the safe area.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Corner {
    /// As broadcasters place the score.
    #[default]
    TopLeft,
    /// As they place their logo.
    TopRight,
    /// Lower left.
    BottomLeft,
    /// Lower right.
    BottomRight,
}

impl Corner {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::TopLeft, Self::TopRight, Self::BottomLeft, Self::BottomRight];

    /// As written in commands.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TopLeft => "top-left",
            Self::TopRight => "top-right",
            Self::BottomLeft => "bottom-left",
            Self::BottomRight => "bottom-right",
        }
    }
}

/// One graphic.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Graphic {
    /// One word; no two have the same.
    pub name: String,
    /// What it is.
    pub kind: GraphicKind,
    /// In the world, metres.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points_m: Vec<[f64; 3]>,
    /// sRGB code values.
    #[serde(default = "white", with = "kept::color")]
    pub color: [u8; 3],
    /// 0 is not there, 1 covers.
    #[serde(default = "one")]
    pub opacity: f64,
    /// Thickness of what is drawn with lines, width of a picture that faces the viewer, metres; of a bug its height as a share of the frame's.
    #[serde(default = "thin")]
    pub width_m: f64,
    /// Whether it is drawn.
    #[serde(default = "yes")]
    pub shown: bool,
    /// What a bug says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The picture of an image or a bug: PNG (its alpha counts) or JPEG.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// Where a bug is.
    #[serde(default)]
    pub corner: Corner,
}

const fn white() -> [u8; 3] {
    [255; 3]
}
const fn one() -> f64 {
    1.0
}
const fn thin() -> f64 {
    0.05
}
const fn yes() -> bool {
    true
}

impl Graphic {
    /// One of a kind as they usually are. It has no name yet: the list gives it one.
    pub fn new(kind: GraphicKind, points_m: Vec<[f64; 3]>) -> Self {
        let (color, opacity, width_m) = match kind {
            GraphicKind::Line | GraphicKind::Circle => ([255, 212, 0], 1.0, 0.05),
            GraphicKind::Plane => ([40, 120, 255], 0.4, 0.05),
            GraphicKind::Distance => ([255, 255, 255], 1.0, 0.03),
            GraphicKind::Image => ([255, 255, 255], 1.0, 1.0),
            GraphicKind::Bug => ([255, 255, 255], 1.0, 0.06),
        };
        Self {
            name: String::new(),
            kind,
            points_m,
            color,
            opacity,
            width_m,
            shown: true,
            text: String::new(),
            file: None,
            corner: Corner::default(),
        }
    }

    /// Whether it is anchored in the world.
    pub fn is_in_scene(&self) -> bool {
        self.kind != GraphicKind::Bug
    }

    /// Length of a line or distance, metres.
    pub fn length_m(&self) -> f64 {
        let between = |pair: &[[f64; 3]]| pair[0].iter().zip(pair[1]).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
        self.points_m.windows(2).map(between).sum()
    }

    /// What is wrong with it.
    fn problem(&self) -> Option<String> {
        let (few, many) = self.kind.points();
        let (name, n) = (self.kind.name(), self.points_m.len());
        let is_far = self.points_m.iter().flatten().any(|v| v.is_nan() || v.abs() > FARTHEST_M);
        match self.kind {
            _ if !(few..=many).contains(&n) && few == many => Some(format!("a {name} has {few} points, and not {n}")),
            _ if !(few..=many).contains(&n) => Some(format!("a {name} has {few} to {many} points, and not {n}")),
            _ if is_far => Some(format!("a point of the {name} is farther than {FARTHEST_M} m from the world's origin")),
            GraphicKind::Image if self.file.is_none() => Some("an image needs a picture file".to_owned()),
            GraphicKind::Bug if self.file.is_none() && self.text.is_empty() => Some("a bug needs words or a picture file".to_owned()),
            GraphicKind::Circle | GraphicKind::Distance if self.length_m() < 1e-3 => {
                Some(format!("the two points of the {name} are the same"))
            }
            GraphicKind::Plane => plane::problem(&self.points_m).map(str::to_owned),
            _ => None,
        }
    }

    /// The same with values that can be drawn.
    fn tidied(mut self) -> Self {
        let clamp = |v: f64, low: f64, high: f64, otherwise: f64| if v.is_finite() { v.clamp(low, high) } else { otherwise };
        self.name = slug(&self.name);
        self.opacity = clamp(self.opacity, 0.0, 1.0, 1.0);
        let (low, high) = if self.kind == GraphicKind::Bug { (0.01, 0.5) } else { (0.002, 100.0) };
        self.width_m = clamp(self.width_m, low, high, 0.05);
        self.text = self.text.trim().chars().filter(|c| !c.is_control()).take(LONGEST_TEXT).collect();
        self
    }
}

/// One word of small letters, digits and hyphens; that of such a word is the word itself.
fn slug(name: &str) -> String {
    // Small letters first: some capitals become two signs, of which one is no letter.
    let dashed: String = name.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    let short: String = dashed.trim_matches('-').chars().take(LONGEST_NAME).collect();
    short.trim_matches('-').to_owned()
}

/// One change of the graphics.
#[derive(Debug, Clone, PartialEq)]
pub enum GraphicEdit {
    /// Adds one; without a name it gets one.
    Add(Graphic),
    /// Takes one out.
    Remove(String),
    /// Takes all out.
    Clear,
    /// Whether one is drawn.
    Show(String, bool),
    /// Another name.
    Name(String, String),
    /// Its colour, sRGB code values.
    Color(String, [u8; 3]),
    /// 0…1.
    Opacity(String, f64),
    /// See [`Graphic::width_m`].
    Width(String, f64),
    /// What a bug says.
    Text(String, String),
    /// Where a bug is.
    Corner(String, Corner),
    /// Its picture.
    File(String, PathBuf),
    /// A point (from 0) elsewhere, metres.
    Point(String, usize, [f64; 3]),
}

/// The graphics, drawn in this order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GraphicList {
    graphics: Vec<Graphic>,
}

impl GraphicList {
    /// All of them.
    pub fn all(&self) -> &[Graphic] {
        &self.graphics
    }

    /// The one of that name, as it is kept or as somebody wrote it.
    pub fn named(&self, name: &str) -> Option<&Graphic> {
        self.graphics.get(self.place(name)?)
    }

    fn place(&self, name: &str) -> Option<usize> {
        let slug = slug(name);
        self.graphics.iter().position(|g| g.name == slug)
    }

    fn index(&self, name: &str) -> Result<usize, GraphicsError> {
        let known = || match self.graphics.len() {
            0 => "There are none yet".to_owned(),
            _ => format!("There are {}", self.graphics.iter().map(|g| g.name.as_str()).collect::<Vec<_>>().join(", ")),
        };
        self.place(name).ok_or_else(|| GraphicsError::Unknown { name: name.to_owned(), known: known() })
    }

    /// A name of that kind that is not taken.
    fn free_name(&self, kind: GraphicKind) -> String {
        let names = (1..).map(|k| format!("{}-{k}", kind.name()));
        names.into_iter().find(|n| self.named(n).is_none()).unwrap_or_default()
    }

    /// Makes a change, whole or not at all.
    pub fn apply(&mut self, edit: &GraphicEdit) -> Result<(), GraphicsError> {
        let change = |list: &mut Self, name: &str, change: &dyn Fn(&mut Graphic)| {
            let k = list.index(name)?;
            let mut graphic = list.graphics[k].clone();
            change(&mut graphic);
            let graphic = graphic.tidied();
            if let Some(problem) = graphic.problem() {
                return Err(GraphicsError::Invalid(problem));
            }
            list.graphics[k] = graphic;
            Ok(())
        };
        match edit {
            GraphicEdit::Add(graphic) => {
                if self.graphics.len() >= MOST_GRAPHICS {
                    return Err(GraphicsError::TooMany);
                }
                let mut graphic = graphic.clone().tidied();
                if let Some(problem) = graphic.problem() {
                    return Err(GraphicsError::Invalid(problem));
                }
                if graphic.name.is_empty() {
                    graphic.name = self.free_name(graphic.kind);
                } else if self.named(&graphic.name).is_some() {
                    return Err(GraphicsError::Taken(graphic.name));
                }
                self.graphics.push(graphic);
                Ok(())
            }
            GraphicEdit::Remove(name) => {
                let k = self.index(name)?;
                self.graphics.remove(k);
                Ok(())
            }
            GraphicEdit::Clear => {
                self.graphics.clear();
                Ok(())
            }
            GraphicEdit::Name(name, to) => {
                let (k, to) = (self.index(name)?, slug(to));
                if to.is_empty() {
                    return Err(GraphicsError::Invalid("a graphic needs a name".to_owned()));
                }
                if self.graphics.iter().enumerate().any(|(i, g)| i != k && g.name == to) {
                    return Err(GraphicsError::Taken(to));
                }
                self.graphics[k].name = to;
                Ok(())
            }
            GraphicEdit::Show(name, shown) => change(self, name, &|g| g.shown = *shown),
            GraphicEdit::Color(name, color) => change(self, name, &|g| g.color = *color),
            GraphicEdit::Opacity(name, opacity) => change(self, name, &|g| g.opacity = *opacity),
            GraphicEdit::Width(name, width_m) => change(self, name, &|g| g.width_m = *width_m),
            GraphicEdit::Text(name, text) => change(self, name, &|g| g.text.clone_from(text)),
            GraphicEdit::Corner(name, corner) => change(self, name, &|g| g.corner = *corner),
            GraphicEdit::File(name, file) => change(self, name, &|g| g.file = Some(file.clone())),
            GraphicEdit::Point(name, k, point_m) => {
                let points = self.graphics[self.index(name)?].points_m.len();
                if *k >= points {
                    return Err(GraphicsError::Invalid(format!("{name} has {points} points, numbered from 1")));
                }
                change(self, name, &|g| g.points_m[*k] = *point_m)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Graphic {
        Graphic::new(GraphicKind::Line, vec![[0.0; 3], [3.0, 4.0, 0.0]])
    }

    #[test]
    fn edits_are_made_whole_or_not_at_all() {
        let mut list = GraphicList::default();
        list.apply(&GraphicEdit::Add(line())).unwrap();
        list.apply(&GraphicEdit::Add(line())).unwrap();
        assert_eq!(list.all().iter().map(|g| g.name.as_str()).collect::<Vec<_>>(), ["line-1", "line-2"]);
        assert!((list.all()[0].length_m() - 5.0).abs() < 1e-12);
        let before = list.clone();
        let wrong = [
            GraphicEdit::Add(Graphic::new(GraphicKind::Circle, vec![[0.0; 3]])),
            GraphicEdit::Add(Graphic::new(GraphicKind::Distance, vec![[1.0; 3], [1.0; 3]])),
            GraphicEdit::Add(Graphic::new(GraphicKind::Line, vec![[0.0; 3], [f64::NAN, 0.0, 0.0]])),
            GraphicEdit::Add(Graphic::new(GraphicKind::Image, vec![[0.0; 3]])),
            GraphicEdit::Add(Graphic::new(GraphicKind::Bug, vec![])),
            GraphicEdit::Add(Graphic { name: "Line 1".to_owned(), ..line() }),
            GraphicEdit::Name("line-1".to_owned(), "line-2".to_owned()),
            GraphicEdit::Remove("nothing".to_owned()),
            GraphicEdit::Point("line-1".to_owned(), 2, [0.0; 3]),
        ];
        for edit in wrong {
            let told = list.apply(&edit).unwrap_err().to_string();
            assert!(told.len() > 20, "{told}");
            assert_eq!(list, before, "{edit:?}");
        }
        list.apply(&GraphicEdit::Opacity("line-2".to_owned(), 7.0)).unwrap();
        list.apply(&GraphicEdit::Point("line-2".to_owned(), 1, [1.0, 0.0, 0.0])).unwrap();
        list.apply(&GraphicEdit::Name("line-2".to_owned(), "Offside!".to_owned())).unwrap();
        let offside = list.named("offside").unwrap();
        assert!(offside.opacity <= 1.0 && (offside.length_m() - 1.0).abs() < 1e-12);
        list.apply(&GraphicEdit::Clear).unwrap();
        assert!(list.all().is_empty());
    }

    #[test]
    fn a_name_stays_the_name() {
        let long = format!("{}-b c", "a".repeat(LONGEST_NAME - 1));
        for name in ["Offside line!", "  İstanbul ", &long, "ß-ẞ", "--a--", "Straße №1", "!!!"] {
            let once = slug(name);
            assert_eq!(slug(&once), once, "{name}");
            assert!(!once.starts_with('-') && !once.ends_with('-') && once.chars().count() <= LONGEST_NAME, "{once}");
            if once.is_empty() {
                continue;
            }
            // Found by what the operator wrote, and by what the list shows.
            let mut list = GraphicList::default();
            list.apply(&GraphicEdit::Add(Graphic { name: name.to_owned(), ..line() })).unwrap();
            assert!(list.named(name).is_some() && list.named(&once).is_some());
            assert_eq!(GraphicList::from_toml(&list.to_toml().unwrap()).unwrap(), list);
            list.apply(&GraphicEdit::Show(name.to_owned(), false)).unwrap();
            list.apply(&GraphicEdit::Remove(once)).unwrap();
        }
    }

    #[test]
    fn a_plane_whose_sides_cross_is_told() {
        let mut list = GraphicList::default();
        let corners = [[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [2.0, 1.0, 0.0], [0.0, 1.0, 0.0]];
        let of = |turn: [usize; 4]| Graphic::new(GraphicKind::Plane, turn.map(|k| corners[k]).to_vec());
        list.apply(&GraphicEdit::Add(of([0, 1, 2, 3]))).unwrap();
        for wrong in [[0, 2, 1, 3], [0, 1, 3, 2]] {
            let told = list.apply(&GraphicEdit::Add(of(wrong))).unwrap_err().to_string();
            assert!(told.contains("cross"), "{told}");
            let mended = Graphic { points_m: in_turn(&of(wrong).points_m), ..of(wrong) };
            list.apply(&GraphicEdit::Add(mended)).unwrap();
        }
        let told = list.apply(&GraphicEdit::Point("plane-1".to_owned(), 3, [3.0, 2.0, 0.0])).map(|()| String::new());
        assert!(told.is_ok(), "it may be of any shape");
        let told = list.apply(&GraphicEdit::Point("plane-1".to_owned(), 3, [1.0, -2.0, 0.0])).unwrap_err().to_string();
        assert!(told.contains("cross"), "{told}");
        let flat = Graphic::new(GraphicKind::Plane, vec![[0.0; 3], [1.0, 0.0, 0.0], [2.0, 0.0, 0.0]]);
        let told = list.apply(&GraphicEdit::Add(flat)).unwrap_err().to_string();
        assert!(told.contains("line"), "{told}");
    }

    #[test]
    fn there_are_not_more_than_can_be_drawn() {
        let mut list = GraphicList::default();
        for _ in 0..MOST_GRAPHICS {
            list.apply(&GraphicEdit::Add(line())).unwrap();
        }
        assert!(matches!(list.apply(&GraphicEdit::Add(line())), Err(GraphicsError::TooMany)));
    }
}
