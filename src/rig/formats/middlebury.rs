//! Middlebury multi-view `_par.txt`: a count, then per picture its name, K, R and t of `K·[R t]`; pixel centres at
//! (0, 0); no picture size.

use glam::{DMat3, DVec3};

use super::{Fault, HALF_PX, camera, names_of, numbers, refuse_skew, shortened};
use crate::{geometry::Lens, rig::Rig};

pub(super) fn looks_like(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    let count = lines.next().is_some_and(|l| l.parse::<u32>().is_ok());
    count && lines.next().is_some_and(|l| l.split_whitespace().count() == 22)
}

/// Parses the text.
pub(super) fn parse(text: &str) -> Result<Rig, Fault> {
    let mut lines = text.lines().enumerate().map(|(i, l)| (i + 1, l.trim())).filter(|(_, l)| !l.is_empty());
    let first = lines.next().map_or("", |(_, l)| l);
    let count: usize =
        first.parse().map_err(|e| Fault(format!("line 1 must be the number of pictures: \"{}\" ({e})", shortened(first))))?;
    let mut pictures = Vec::new();
    let mut values = Vec::new();
    for (n, line) in lines {
        let at = |Fault(what)| Fault(format!("line {n}: {what}"));
        let (picture, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let v = numbers(rest).map_err(at)?;
        if v.len() != 21 {
            return Err(at(Fault(format!("expected a picture's name and 21 numbers, found {}", v.len()))));
        }
        refuse_skew(v[1], v[0]).map_err(at)?;
        pictures.push(picture.to_owned());
        values.push(v);
    }
    if pictures.len() != count {
        return Err(Fault(format!(
            "the first line promises {count} pictures, but {} follow: the file is truncated or edited. Copy it again",
            pictures.len()
        )));
    }
    let cameras = names_of(&pictures)
        .into_iter()
        .zip(values)
        .map(|(name, v)| {
            let lens = Lens::pinhole(v[0] / v[8], v[4] / v[8], v[2] / v[8] + HALF_PX, v[5] / v[8] + HALF_PX);
            camera(name, (0, 0), lens, DMat3::from_cols_slice(&v[9..18]).transpose(), DVec3::from_slice(&v[18..21]))
        })
        .collect();
    Ok(Rig { cameras, points_in_world: Vec::new() })
}
