//! What the pictures show where the board was never found: the same board printed the other way round, or markers of another dictionary.

use glam::DVec2;

use super::{
    description::{Board, Markers},
    detect::{at_search_size, detect},
    dictionary::Dictionary,
    markers::search,
};
use crate::frame::{Picture, gray::Gray};

/// A few pictures of all that showed nothing, spread over the time; none as soon as a board was found.
#[derive(Debug, Clone, Default)]
pub(super) struct Unread {
    pictures: Vec<Picture>,
    count: usize,
    found: bool,
}

/// At most so many.
const MOST: usize = 8;
/// So many different markers in one picture are no chance.
const LEAST_MARKERS: usize = 4;
/// Dictionaries by the name of their largest that is tried (four squares a side read anything as one of a thousand) and how many squares wide their border is.
const TRIED: [(&str, usize); 8] =
    [("4x4_250", 1), ("5x5_1000", 1), ("6x6_1000", 1), ("7x7_1000", 1), ("36h11", 2), ("36h11", 1), ("25h9", 2), ("16h5", 2)];

impl Unread {
    /// A look at which these were seen.
    pub fn look(&mut self, found: usize, pictures: &[Option<&Picture>]) {
        self.found |= found > 0;
        if self.found {
            self.pictures.clear();
            return;
        }
        // Every first, then every second, fourth …: always of another camera.
        let every = 1_usize << (self.count / MOST).checked_ilog2().map_or(0, |k| k + 1);
        let turn = self.count / every;
        if self.count.is_multiple_of(every)
            && let Some(picture) = pictures.iter().flatten().nth(turn % pictures.iter().flatten().count().max(1))
        {
            if self.pictures.len() >= MOST {
                self.pictures.remove(turn % MOST);
            }
            self.pictures.push(Picture::clone(picture));
        }
        self.count += 1;
    }

    /// In words, with what to say instead.
    pub fn told(&self, board: &Board) -> Option<String> {
        let turned = Board { inverted: !board.inverted, back: None, ..board.clone() };
        let seen = self.pictures.iter().filter(|p| detect(&turned, p).is_ok()).count();
        if seen > 0 {
            let (is, what) = if turned.inverted { ("white on black", "with") } else { ("black on white", "without") };
            return Some(format!("In {seen} of {} pictures it is printed {is}: say --board {what} :inverted", self.pictures.len()));
        }
        let grays: Vec<Gray> = self.pictures.iter().map(|p| at_search_size(Gray::from_picture(p))).collect();
        let mut best: Option<(usize, String)> = None;
        for (name, border) in TRIED {
            let Some(mut dictionary) = Dictionary::by_name(name).or_else(|| Dictionary::april(name)) else { continue };
            dictionary.wrong = 0;
            let at = (0..dictionary.codes.len() as u32).map(|id| (id, DVec2::ZERO)).collect();
            let markers = Markers { dictionary, side_m: 1.0, border, touching: false, at };
            for inverted in [false, true] {
                for gray in &grays {
                    let values = if inverted { gray.values.iter().map(|v| 255.0 - v).collect() } else { gray.values.clone() };
                    let found = search(&Gray { values, ..*gray }, &markers).found;
                    let mut ids: Vec<u32> = found.iter().map(|f| f.id).collect();
                    ids.sort_unstable();
                    ids.dedup();
                    let (Some(first), Some(last)) = (ids.first(), ids.last()) else { continue };
                    if ids.len() >= LEAST_MARKERS && best.as_ref().is_none_or(|(most, _)| ids.len() > *most) {
                        best = Some((ids.len(), words(name, border, inverted, ids.len(), (*first, *last))));
                    }
                }
            }
        }
        best.map(|(_, told)| told)
    }
}

fn words(name: &str, border: usize, inverted: bool, count: usize, (first, last): (u32, u32)) -> String {
    let tail = if inverted { ":inverted" } else { "" };
    let print = if inverted { ", white on black," } else { "" };
    let (what, say) = match name.split_once('_') {
        Some((size, _)) => {
            let of = [50, 100, 250, 1000].into_iter().find(|n| last < *n).unwrap_or(1000);
            (format!("{size} markers"), format!("charuco:…:{size}_{of}{tail}"))
        }
        None => (
            format!("AprilTags of the family {name}"),
            format!(
                "aprilgrid:…{}{}{tail}",
                if name == "36h11" { String::new() } else { format!(":{name}") },
                if border == 1 { ":border1" } else { "" }
            ),
        ),
    };
    format!("But {count} {what}{print} were read in one picture, numbers {first} to {last}: the board is probably --board {say}")
}
