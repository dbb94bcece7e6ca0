//! Trims of the match as words: `trim cam03 ev +0.2 kelvin -150 vignette 0.3`, `trim cam03 reset`.

use crate::{
    engine::Command,
    replay::trim::{TRIM_NAMES, TrimEdit},
};

/// What follows `match trim`; a camera's name may have spaces.
pub(super) fn command_of(words: &str) -> Option<Command> {
    let words: Vec<&str> = words.split_whitespace().collect();
    let is_key = |w: &&str| **w == *"reset" || TRIM_NAMES.contains(w);
    // The name goes on as long as no known word follows: a camera may even be called `ev`.
    let end = words.iter().skip(1).position(is_key)? + 1;
    let (camera, rest) = (words[..end].join(" "), &words[end..]);
    if rest == ["reset"] {
        return Some(Command::TrimMatch { camera, edit: TrimEdit::RESET });
    }
    let mut edit = TrimEdit::default();
    for pair in rest.chunks(2) {
        let [key, value] = pair else { return None };
        let value = Some(value.parse::<f32>().ok().filter(|v| v.is_finite())?);
        *edit.part(key)? = value;
    }
    Some(Command::TrimMatch { camera, edit })
}

/// The other way round; `None` for a change of nothing.
pub(super) fn text_of(camera: &str, edit: &TrimEdit) -> Option<String> {
    if *edit == TrimEdit::RESET {
        return Some(format!("match trim {camera} reset"));
    }
    let words: String = edit.parts().fold(String::new(), |text, (key, value)| format!("{text} {key} {value}"));
    (!words.is_empty()).then(|| format!("match trim {camera}{words}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trims_are_said_in_words() {
        let read = |text: &str| {
            command_of(text).map(|c| match c {
                Command::TrimMatch { camera, edit } => (camera, edit),
                other => panic!("{other:?}"),
            })
        };
        let (camera, edit) = read("cam03 ev +0.2 kelvin -150 tint 0.0").unwrap();
        assert_eq!(
            (camera.as_str(), edit),
            ("cam03", TrimEdit { ev: Some(0.2), kelvin: Some(-150.0), tint: Some(0.0), ..TrimEdit::default() })
        );
        assert_eq!(text_of(&camera, &edit).as_deref(), Some("match trim cam03 ev 0.2 kelvin -150 tint 0"));
        let (_, edit) = read("cam03 vignette 0.3 contrast -0.05").unwrap();
        assert_eq!(text_of("cam03", &edit).as_deref(), Some("match trim cam03 vignette 0.3 contrast -0.05"));
        assert_eq!(read("far left reset"), Some(("far left".to_owned(), TrimEdit::RESET)));
        assert_eq!(text_of("far left", &TrimEdit::RESET).as_deref(), Some("match trim far left reset"));
        for wrong in ["", "cam03", "cam03 ev", "cam03 ev x", "cam03 hue 3", "cam03 reset 1", "ev 0.2", "cam03 ev NaN"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
