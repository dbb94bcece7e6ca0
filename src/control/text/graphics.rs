//! Graphics as words: `graphic add line 0 0 0  2.5 0 0`, `graphic colour line-1 ff8000`, `graphic-at line preview 0.4 0.6`.
//!
//! Must not know: how they are drawn.

use std::path::PathBuf;

use crate::{
    engine::Command,
    replay::graphics::{Corner, Graphic, GraphicEdit, GraphicKind, color_of, text_of_color},
};

fn numbers(words: &[&str]) -> Option<Vec<[f64; 3]>> {
    let values: Vec<f64> = words.iter().map(|w| w.parse().ok().filter(|v: &f64| v.abs() < 1e5)).collect::<Option<_>>()?;
    let (points, rest) = values.as_chunks::<3>();
    rest.is_empty().then(|| points.to_vec())
}

/// What follows `graphic`.
pub(super) fn edit_of(text: &str) -> Option<GraphicEdit> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let on = |word: &str| ["off", "on"].iter().position(|w| *w == word).map(|k| k == 1);
    let number = |word: &str| word.parse::<f64>().ok().filter(|v| v.is_finite());
    // Words of a bug keep their spaces.
    let after = |n: usize| text.splitn(n + 1, ' ').nth(n).map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    Some(match words.as_slice() {
        ["clear"] => GraphicEdit::Clear,
        ["remove", name] => GraphicEdit::Remove((*name).to_owned()),
        ["show", name, value] => GraphicEdit::Show((*name).to_owned(), on(value)?),
        ["name", name, to] => GraphicEdit::Name((*name).to_owned(), (*to).to_owned()),
        ["colour", name, value] => GraphicEdit::Color((*name).to_owned(), color_of(&format!("#{}", value.trim_start_matches('#')))?),
        ["opacity", name, value] => GraphicEdit::Opacity((*name).to_owned(), number(value)?),
        ["width", name, value] => GraphicEdit::Width((*name).to_owned(), number(value)?),
        ["corner", name, value] => GraphicEdit::Corner((*name).to_owned(), Corner::ALL.into_iter().find(|c| c.name() == *value)?),
        ["point", name, k, x, y, z] => {
            GraphicEdit::Point((*name).to_owned(), k.parse::<usize>().ok()?.checked_sub(1)?, *numbers(&[x, y, z])?.first()?)
        }
        ["text", name, ..] => GraphicEdit::Text((*name).to_owned(), after(2)?),
        ["file", name, ..] => GraphicEdit::File((*name).to_owned(), after(2)?.into()),
        ["add", "bug", "file", ..] => GraphicEdit::Add(Graphic { file: Some(after(3)?.into()), ..Graphic::new(GraphicKind::Bug, vec![]) }),
        ["add", "bug", ..] => GraphicEdit::Add(Graphic { text: after(2)?, ..Graphic::new(GraphicKind::Bug, vec![]) }),
        ["add", "image", file, points @ ..] => {
            GraphicEdit::Add(Graphic { file: Some(PathBuf::from(file)), ..Graphic::new(GraphicKind::Image, numbers(points)?) })
        }
        ["add", kind, points @ ..] => GraphicEdit::Add(Graphic::new(GraphicKind::from_name(kind)?, numbers(points)?)),
        _ => return None,
    })
}

/// A path as one word; one with spaces is none.
fn word_of(file: &std::path::Path) -> Option<String> {
    Some(file.to_str()?.to_owned()).filter(|f| !f.contains(char::is_whitespace))
}

/// The words after `graphic`; `None` for what has none: graphics that are put in whole by a program.
pub(super) fn text_of(edit: &GraphicEdit) -> Option<String> {
    let points = |g: &Graphic| g.points_m.iter().flatten().fold(String::new(), |text, v| format!("{text} {v}"));
    Some(match edit {
        GraphicEdit::Add(graphic) => {
            let words = match (graphic.kind, &graphic.file) {
                (GraphicKind::Bug, Some(file)) => format!("add bug file {}", file.to_str()?),
                (GraphicKind::Bug, None) => format!("add bug {}", graphic.text),
                (GraphicKind::Image, Some(file)) => format!("add image {}{}", word_of(file)?, points(graphic)),
                (kind, _) => format!("add {}{}", kind.name(), points(graphic)),
            };
            // Words make one as it usually is.
            return (edit_of(&words).as_ref() == Some(edit)).then_some(words);
        }
        GraphicEdit::Remove(name) => format!("remove {name}"),
        GraphicEdit::Clear => "clear".to_owned(),
        GraphicEdit::Show(name, shown) => format!("show {name} {}", if *shown { "on" } else { "off" }),
        GraphicEdit::Name(name, to) => format!("name {name} {to}"),
        GraphicEdit::Color(name, rgb) => format!("colour {name} {}", text_of_color(*rgb).trim_start_matches('#')),
        GraphicEdit::Opacity(name, value) => format!("opacity {name} {value}"),
        GraphicEdit::Width(name, value) => format!("width {name} {value}"),
        GraphicEdit::Text(name, text) => format!("text {name} {text}"),
        GraphicEdit::Corner(name, corner) => format!("corner {name} {}", corner.name()),
        GraphicEdit::File(name, file) => format!("file {name} {}", file.to_str()?),
        GraphicEdit::Point(name, k, [x, y, z]) => format!("point {name} {} {x} {y} {z}", k + 1),
    })
}

/// What follows `graphic-at`: `line preview 0.5 0.5`, `image logo.png 3 0.2 0.8`.
pub(super) fn click_of(text: &str) -> Option<Command> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (kind, file, picture, x, y) = match *words.as_slice() {
        ["image", file, picture, x, y] => (GraphicKind::Image, Some(PathBuf::from(file)), picture, x, y),
        [kind, picture, x, y] => (GraphicKind::from_name(kind).filter(|k| k.clicks() > 0)?, None, picture, x, y),
        _ => return None,
    };
    let camera = if picture == "preview" { None } else { Some(picture.parse::<usize>().ok()?.checked_sub(1)?) };
    let share = |word: &str| word.parse::<f64>().ok().filter(|v| (0.0..=1.0).contains(v));
    Some(Command::DrawGraphic { kind, file, camera, at: [share(x)?, share(y)?] })
}

/// The same as words.
pub(super) fn text_of_click(kind: GraphicKind, file: Option<&std::path::Path>, camera: Option<usize>, [x, y]: [f64; 2]) -> Option<String> {
    let file = match file {
        Some(file) => format!(" {}", word_of(file)?),
        None => String::new(),
    };
    let picture = camera.map_or_else(|| "preview".to_owned(), |k| (k + 1).to_string());
    Some(format!("graphic-at {}{file} {picture} {x} {y}", kind.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::text::{command_of, text_of as command_text};

    #[test]
    fn graphics_are_said_and_read_again() {
        let g = |kind, n: usize| Graphic::new(kind, (0..n).map(|k| [k as f64, -1.25, 0.5]).collect());
        let name = || "line-1".to_owned();
        let edits = [
            GraphicEdit::Add(g(GraphicKind::Line, 3)),
            GraphicEdit::Add(g(GraphicKind::Plane, 4)),
            GraphicEdit::Add(Graphic { file: Some("/a/logo.png".into()), ..g(GraphicKind::Image, 1) }),
            GraphicEdit::Add(Graphic { text: "HOME 2 : 1 AWAY".to_owned(), ..g(GraphicKind::Bug, 0) }),
            GraphicEdit::Add(Graphic { file: Some("/a/the bug.png".into()), ..g(GraphicKind::Bug, 0) }),
            GraphicEdit::Clear,
            GraphicEdit::Remove(name()),
            GraphicEdit::Show(name(), false),
            GraphicEdit::Name(name(), "offside".to_owned()),
            GraphicEdit::Color(name(), [1, 20, 255]),
            GraphicEdit::Opacity(name(), 0.25),
            GraphicEdit::Width(name(), 0.12),
            GraphicEdit::Text("bug-1".to_owned(), "HOME 3 : 1 AWAY".to_owned()),
            GraphicEdit::Corner("bug-1".to_owned(), Corner::BottomLeft),
            GraphicEdit::File("bug-1".to_owned(), "/b/c.png".into()),
            GraphicEdit::Point(name(), 1, [0.5, 1.5, -2.0]),
        ];
        let clicks = [
            Command::DrawGraphic { kind: GraphicKind::Distance, file: None, camera: None, at: [0.5, 0.25] },
            Command::DrawGraphic { kind: GraphicKind::Image, file: Some("a.png".into()), camera: Some(2), at: [1.0, 0.0] },
            Command::CleanFeed(None),
            Command::CleanFeed(Some(true)),
        ];
        for command in edits.map(Command::EditGraphics).into_iter().chain(clicks) {
            let text = command_text(&command).unwrap();
            assert_eq!(command_of(&text), Some(command), "{text}");
        }
        // What words cannot say is not said.
        let odd = Graphic { opacity: 0.3, ..g(GraphicKind::Line, 2) };
        assert_eq!(command_text(&Command::EditGraphics(GraphicEdit::Add(odd))), None);
        for wrong in [
            "graphic",
            "graphic add",
            "graphic add star 0 0 0",
            "graphic add line 0 0",
            "graphic-at bug preview 0 0",
            "graphic colour a red",
        ] {
            assert_eq!(command_of(wrong), None, "{wrong}");
        }
    }
}
