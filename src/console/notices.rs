//! What the engine tells, in the operator's language. The engine speaks English; a file per language (`assets/lang/*.notices`) has its sentences with
//! holes for what is put in. What no line of it matches stays as it is.
//!
//! Must not know: who told it, and why.

use std::{borrow::Cow, sync::LazyLock};

use super::lang::Language;

/// Languages that have such a file, by their tags.
const FILES: [(&str, &str); 1] = [("fr", include_str!("../../assets/lang/fr.notices"))];

/// A sentence and its translation, in pieces: what lies between two pieces is a hole.
#[derive(Debug, Clone, PartialEq)]
struct Sentence {
    /// Before the first hole, between holes, after the last.
    literals: Vec<String>,
    /// The holes' names, in their order.
    holes: Vec<String>,
    other: String,
}

fn pieces(text: &str) -> (Vec<String>, Vec<String>) {
    let (mut literals, mut holes, mut rest) = (Vec::new(), Vec::new(), text);
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}').unwrap_or((after, ""));
        literals.push(before.to_owned());
        holes.push(name.to_owned());
        rest = behind;
    }
    literals.push(rest.to_owned());
    (literals, holes)
}

fn sentences(file: &str) -> Vec<Sentence> {
    let lines: Vec<&str> = file.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#')).collect();
    let pair = |pair: &[&str]| {
        let (literals, holes) = pieces(pair[0]);
        Some(Sentence { literals, holes, other: pair.get(1)?.strip_prefix("= ")?.to_owned() })
    };
    lines.chunks(2).filter_map(pair).collect()
}

static ALL: LazyLock<Vec<(&str, Vec<Sentence>)>> = LazyLock::new(|| FILES.iter().map(|(tag, file)| (*tag, sentences(file))).collect());

impl Sentence {
    /// What stands in the holes, if `text` is this sentence.
    fn filled<'a>(&self, text: &'a str) -> Option<Vec<&'a str>> {
        let (first, others) = self.literals.split_first()?;
        let mut rest = text.strip_prefix(first.as_str())?;
        let mut values = Vec::new();
        for (k, literal) in others.iter().enumerate() {
            let at = if k + 1 == others.len() {
                // The last piece ends the sentence.
                rest.len().checked_sub(literal.len()).filter(|at| rest.is_char_boundary(*at) && rest[*at..] == **literal)?
            } else {
                rest.find(literal.as_str())?
            };
            values.push(&rest[..at]);
            rest = &rest[at + literal.len()..];
        }
        // A hole that is empty is no match, nor is anything left over.
        (rest.is_empty() && values.iter().all(|v| !v.is_empty())).then_some(values)
    }
}

/// What the engine told, in a language.
pub fn notice(language: Language, text: &str) -> Cow<'_, str> {
    let Some((_, all)) = ALL.iter().find(|(tag, _)| *tag == language.tag()) else { return Cow::Borrowed(text) };
    in_words(all, text, 0)
}

/// What is put in may be a sentence of its own, and in that again.
const DEEPEST: usize = 2;

/// The sentence of which most is known, with what is put into it, and how much that is.
fn best<'s, 'a>(all: &'s [Sentence], text: &'a str, depth: usize) -> Option<(usize, &'s Sentence, Vec<&'a str>)> {
    let inner = |value: &str| if depth < DEEPEST { best(all, value, depth + 1).map_or(0, |(known, _, _)| known) } else { 0 };
    let known = |s: &'s Sentence| {
        let values = s.filled(text)?;
        let own = s.literals.iter().map(String::len).sum::<usize>();
        Some((own + values.iter().map(|v| inner(v)).sum::<usize>(), s, values))
    };
    all.iter().filter_map(known).max_by_key(|(known, _, _)| *known)
}

fn in_words<'a>(all: &[Sentence], text: &'a str, depth: usize) -> Cow<'a, str> {
    let Some((_, sentence, values)) = best(all, text, depth) else { return Cow::Borrowed(text) };
    let mut out = sentence.other.clone();
    for (hole, value) in sentence.holes.iter().zip(values) {
        let value = if depth < DEEPEST { in_words(all, value, depth + 1) } else { Cow::Borrowed(value) };
        out = out.replace(&format!("{{{hole}}}"), &value);
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn french(text: &str) -> String {
        notice(Language::from_tag("fr").unwrap(), text).into_owned()
    }

    #[test]
    fn sentences_are_told_in_french_with_what_is_put_in() {
        assert_eq!(
            french("cam05 delivers no pictures: program went to cam06. Check its cable and power"),
            "cam05 ne livre pas d'images : le programme est passé à cam06. Vérifiez son câble et son alimentation"
        );
        assert_eq!(french("cam05 is back"), "cam05 est revenue");
        assert_eq!(
            french(
                "The two clicks meet behind a camera: no pivot. Click the same point of the athlete in two pictures, a few cameras apart"
            ),
            "Les deux clics se croisent derrière une caméra : pas de pivot. Cliquez le même point de l'athlète dans deux images, à quelques caméras d'écart"
        );
        // What the gate says of cameras: who, and then a sentence of its own, of which a point is no end.
        assert_eq!(
            french(
                "cam02: its pictures are taken 14.9 ± 0.4 ms later than the others' of the same time (0.4 of a frame; 31 boards in motion tell it). Bring it in step: volte rig sync, or genlock"
            ),
            "cam02: ses images sont prises 14.9 ± 0.4 ms plus tard que celles des autres au même temps (0.4 d'une image ; 31 mires en mouvement le disent). Synchronisez-la : volte rig sync, ou genlock"
        );
        assert_eq!(
            french(
                "cam01, cam02: has a distortion that folds over before the corners of the picture. Calibrate with the board in the corners too, with fewer coefficients, or with the fisheye model for very wide lenses"
            ),
            "cam01, cam02: a une distorsion qui se replie avant les coins de l'image. Calibrez avec la mire dans les coins aussi, avec moins de coefficients, ou avec le modèle fisheye pour les très grands angles"
        );
        assert_eq!(french("Something that nobody has translated"), "Something that nobody has translated");
        assert_eq!(french(" is back"), " is back", "an empty hole is no match");
        assert_eq!(notice(Language::default(), "cam05 is back"), "cam05 is back");
    }

    #[test]
    fn every_line_has_its_translation_with_the_same_holes() {
        for (tag, file) in FILES {
            let lines: Vec<&str> = file.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#')).collect();
            assert_eq!(lines.len(), 2 * sentences(file).len(), "{tag}: a line is not \"= …\"");
            for pair in lines.chunks(2) {
                assert!(!pair[0].starts_with("= ") && pair[1].starts_with("= "), "{tag}: {pair:?}");
                let holes = |line: &str| {
                    let mut holes = pieces(line).1;
                    holes.sort();
                    holes
                };
                assert_eq!(holes(pair[0]), holes(&pair[1][2..]), "{tag}");
            }
        }
    }
}
