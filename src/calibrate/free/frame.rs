//! Scale, floor and axes for a rig that has none: from known distances, or from points that somebody clicked in the pictures.

use std::collections::BTreeMap;

use glam::{DMat3, DVec2, DVec3};

use super::whole::{moved, up};
use crate::{
    calibrate::{
        bundle::{rotation_of, settled_point},
        matching::{Sighting, Track},
        triangulate::{off_px, triangulated},
    },
    geometry::{NormalEquations, Pose},
    rig::Rig,
};

/// Where somebody saw a point in a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Click {
    /// Of which camera.
    pub camera: String,
    /// From the upper left corner of the picture, px.
    pub px: DVec2,
    /// Which point.
    pub name: String,
}

/// A point whose place in the world is known, metres.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// Which point.
    pub name: String,
    /// Where it is.
    pub p_in_world: DVec3,
}

/// A distance that was measured, between two cameras or two clicked points.
#[derive(Debug, Clone, PartialEq)]
pub struct Distance {
    /// A camera's or a point's name.
    pub from: String,
    /// Another one.
    pub to: String,
    /// Metres.
    pub m: f64,
}

/// How a clicked point fits.
#[derive(Debug, Clone, PartialEq)]
pub struct PointFit {
    /// Which.
    pub name: String,
    /// In so many cameras.
    pub clicks: usize,
    /// The click that is furthest from where the others have the point, px.
    pub off_px: f64,
    /// How far it lies from where it should, metres; `None` where nobody knows.
    pub off_m: Option<f64>,
}

/// A rig with a scale.
#[derive(Debug, Clone)]
pub struct Framed {
    /// The rig.
    pub rig: Rig,
    /// Whether metres are metres.
    pub has_scale: bool,
    /// Whether the floor is where it is.
    pub has_floor: bool,
    /// The clicked points.
    pub points: Vec<PointFit>,
    /// What the operator should know.
    pub notes: Vec<String>,
}

/// A line of a file of points that says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {text:?}. Each line is `CAMERA X Y POINT` (pixels) or `point POINT X Y Z` (metres); `#` begins a comment")]
pub struct ParseClicks {
    line: usize,
    text: String,
}

/// Why scale and axes cannot be told.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FrameFailure {
    /// A name that stands for nothing.
    #[error("{name:?} is neither a solved camera nor a clicked point. There are {known}")]
    UnknownName {
        /// The name.
        name: String,
        /// What there is.
        known: String,
    },
    /// A click in a camera that is not there.
    #[error("a click is in camera {0:?}, which the rig does not have")]
    UnknownCamera(String),
    /// A point that is clicked once only.
    #[error("the point {0} is clicked in one camera only: its place takes two at least, better three that stand apart")]
    OneClick(String),
    /// Clicks that do not meet.
    #[error(
        "the clicks of point {name} do not meet: that in {camera} is {off_px:.0} px from where the others have it. Is it the same point in all pictures?"
    )]
    ClicksDisagree {
        /// The point.
        name: String,
        /// The camera of the worst click.
        camera: String,
        /// How far it is off.
        off_px: f64,
    },
    /// Too few, or all on a line.
    #[error("{0} clicked points have a known place: three are needed that do not lie on one line, better five")]
    TooFewPoints(usize),
    /// One point is wrong.
    #[error(
        "the point {name} is {off_m:.2} m from where the other points have it, which agree among themselves. Is it the right point, and the right field?"
    )]
    WrongPoint {
        /// The point.
        name: String,
        /// How far off, metres.
        off_m: f64,
    },
    /// They do not fit together.
    #[error(
        "the clicked points do not fit their known places: {rms_m:.2} m off in the mean, {name} most with {off_m:.2} m. Are they the right points, and is it the right field?"
    )]
    PointsDisagree {
        /// Root of the mean square, metres.
        rms_m: f64,
        /// The worst.
        name: String,
        /// Of the worst, metres.
        off_m: f64,
    },
    /// Left and right are swapped.
    #[error(
        "the points are mirrored: as they are named, {below} of {of} cameras would stand below the floor. Swap left and right of the points' names (left is the side of who looks from half a to half b), or the sign of one axis"
    )]
    Mirrored {
        /// So many would stand below.
        below: usize,
        /// Of so many.
        of: usize,
    },
    /// Two distances, two scales.
    #[error(
        "the distances contradict each other: {from} – {to} is {wanted_m:.3} m as measured, and {found_m:.3} m by the others. Measure again, or check the names"
    )]
    DistancesDisagree {
        /// Of the worst one.
        from: String,
        /// Of the worst one.
        to: String,
        /// As given.
        wanted_m: f64,
        /// As the others have it.
        found_m: f64,
    },
    /// Not a distance.
    #[error("the distance {from} – {to}: {m} m is none, or the two are one and the same")]
    NoDistance {
        /// From.
        from: String,
        /// To.
        to: String,
        /// As given.
        m: f64,
    },
}

/// Clicks further apart than this share of the picture's width are not of one point.
const CLICK_SHARE: f64 = 0.012;
/// Known places that are missed by more than this share of their extent are not those.
const FIT_SHARE: f64 = 0.02;
/// Distances agree within this share.
const DISTANCE_SHARE: f64 = 0.02;
/// Clicked points whose names begin so lie on the floor.
pub const FLOOR: &str = "floor";

/// Reads a file of points.
pub fn parse_clicks(text: &str) -> Result<(Vec<Click>, Vec<Known>), ParseClicks> {
    let (mut clicks, mut known) = (Vec::new(), Vec::new());
    for (k, line) in text.lines().enumerate() {
        let own = line.split('#').next().unwrap_or_default();
        let words: Vec<&str> = own.split([' ', '\t', ',', ';']).filter(|w| !w.is_empty()).collect();
        let number = |w: &str| w.parse::<f64>().ok().filter(|v| v.is_finite());
        match words[..] {
            [] => {}
            ["point", name, x, y, z] => match (number(x), number(y), number(z)) {
                (Some(x), Some(y), Some(z)) => known.push(Known { name: name.to_owned(), p_in_world: DVec3::new(x, y, z) }),
                _ => return Err(ParseClicks { line: k + 1, text: line.trim().to_owned() }),
            },
            [camera, x, y, name] => match (number(x), number(y)) {
                (Some(x), Some(y)) => clicks.push(Click { camera: camera.to_owned(), px: DVec2::new(x, y), name: name.to_owned() }),
                _ => return Err(ParseClicks { line: k + 1, text: line.trim().to_owned() }),
            },
            _ => return Err(ParseClicks { line: k + 1, text: line.trim().to_owned() }),
        }
    }
    Ok((clicks, known))
}

/// Gives a rig scale and axes: by points whose places are known if there are any, else by distances; points that are called `floor…` are the
/// floor then.
///
/// # Errors
/// Where what is given contradicts itself or the rig, with what to do.
pub fn framed(rig: &Rig, clicks: &[Click], known: &[Known], distances: &[Distance]) -> Result<Framed, FrameFailure> {
    let placed = places(rig, clicks)?;
    let mut notes = Vec::new();
    let pairs: Vec<(String, DVec3, DVec3)> =
        known.iter().filter_map(|k| placed.iter().find(|p| p.0 == k.name).map(|p| (k.name.clone(), p.1, k.p_in_world))).collect();
    if !known.is_empty() && !clicks.is_empty() && distances.is_empty() && pairs.len() < 3 {
        return Err(FrameFailure::TooFewPoints(pairs.len()));
    }
    let (mut has_scale, mut has_floor) = (false, false);
    let mut now = rig.clone();
    let mut place: BTreeMap<String, DVec3> = placed.iter().map(|p| (p.0.clone(), p.1)).collect();
    let put = |now: &mut Rig, place: &mut BTreeMap<String, DVec3>, s: Similarity| {
        *now = moved(std::mem::take(now), s.rotation, s.scale, s.shift);
        for p in place.values_mut() {
            *p = s.apply(*p);
        }
    };
    if pairs.len() >= 3 {
        let s = by_points(rig, &pairs)?;
        put(&mut now, &mut place, s);
        (has_scale, has_floor) = (true, true);
        for d in distances {
            let found = between(&now, &place, d)?;
            if (found / d.m - 1.0).abs() > DISTANCE_SHARE {
                notes.push(format!("{} – {} is {:.3} m by the points, {:.3} m as measured", d.from, d.to, found, d.m));
            }
        }
    } else {
        if !distances.is_empty() {
            let scale = by_distances(&now, &place, distances)?;
            put(&mut now, &mut place, Similarity { rotation: DMat3::IDENTITY, scale, shift: DVec3::ZERO });
            has_scale = true;
        }
        let on_floor: Vec<DVec3> = place.iter().filter(|(n, _)| n.starts_with(FLOOR)).map(|(_, p)| *p).collect();
        if let Some(s) = by_floor(&now, &on_floor) {
            put(&mut now, &mut place, s);
            has_floor = true;
        }
    }
    if !has_scale {
        notes.push(
            "the scale is unknown: the distance from the cameras to where they look is called 5 m. Give one measured distance (--distance cam01 cam02 3.2) or points of the field (--field, --points)"
                .into(),
        );
    }
    if !has_floor {
        notes.push("up is what the cameras' pictures have in common, and nobody said where the floor is: give points of the field, or click three points on the floor and call them floor1, floor2, floor3".into());
    }
    let fit = |(name, _, clicks, off_px): &(String, DVec3, usize, f64)| {
        let off_m = known.iter().find(|k| k.name == *name).filter(|_| pairs.len() >= 3).map(|k| (place[name] - k.p_in_world).length());
        PointFit { name: name.clone(), clicks: *clicks, off_px: *off_px, off_m }
    };
    Ok(Framed { rig: now, has_scale, has_floor, points: placed.iter().map(fit).collect(), notes })
}

/// Where each clicked point is: name, place, clicks, worst click (px).
fn places(rig: &Rig, clicks: &[Click]) -> Result<Vec<(String, DVec3, usize, f64)>, FrameFailure> {
    let mut of: BTreeMap<&str, Vec<Sighting>> = BTreeMap::new();
    for c in clicks {
        let camera = rig.index_of(&c.camera).ok_or_else(|| FrameFailure::UnknownCamera(c.camera.clone()))?;
        of.entry(&c.name).or_default().push(Sighting { camera, px: c.px });
    }
    let mut all = Vec::new();
    for (name, sightings) in of {
        let width = sightings.iter().map(|s| f64::from(rig.cameras[s.camera].width_px)).fold(1.0, f64::max);
        let spread_px = 0.3 * CLICK_SHARE * width;
        let track = Track { sightings, features: vec![] };
        let p = if track.sightings.len() < 2 { None } else { triangulated(&rig.cameras, &track, spread_px) };
        let p = p.ok_or_else(|| FrameFailure::OneClick(name.to_owned()))?;
        let p = settled_point(&rig.cameras, &track, p, spread_px);
        let off = |s: &Sighting| off_px(&rig.cameras, s, p).unwrap_or(f64::INFINITY);
        let worst = track.sightings.iter().max_by(|a, b| off(a).total_cmp(&off(b)));
        let Some((worst, off_px)) = worst.map(|s| (s, off(s))) else { continue };
        if off_px > CLICK_SHARE * width {
            let camera = rig.cameras[worst.camera].name.clone();
            return Err(FrameFailure::ClicksDisagree { name: name.to_owned(), camera, off_px });
        }
        all.push((name.to_owned(), p, track.sightings.len(), off_px));
    }
    Ok(all)
}

/// `to = scale · rotation · from + shift`.
#[derive(Debug, Clone, Copy)]
struct Similarity {
    rotation: DMat3,
    scale: f64,
    shift: DVec3,
}

impl Similarity {
    fn apply(&self, p: DVec3) -> DVec3 {
        self.rotation * p * self.scale + self.shift
    }

    /// From the three of them that span most, then least squares of all (Gauss and Newton).
    fn between(pairs: &[(DVec3, DVec3)]) -> Option<Self> {
        let n = pairs.len();
        let triples = (0..n).flat_map(|i| (i + 1..n).flat_map(move |j| (j + 1..n).map(move |k| [i, j, k])));
        let area = |t: &[usize; 3]| {
            let [a, b, c] = t.map(|i| pairs[i].1);
            (b - a).cross(c - a).length()
        };
        let best = triples.take(20_000).max_by(|a, b| area(a).total_cmp(&area(b)))?;
        let triad = |p: [DVec3; 3]| {
            let x = (p[1] - p[0]).try_normalize()?;
            let z = x.cross(p[2] - p[0]).try_normalize()?;
            Some(DMat3::from_cols(x, z.cross(x), z))
        };
        let (from, to) = (best.map(|i| pairs[i].0), best.map(|i| pairs[i].1));
        let extent = (to[1] - to[0]).length();
        // Three on a line turn about it.
        if area(&best) < 0.01 * extent * extent || extent <= 0.0 {
            return None;
        }
        let rotation = triad(to)? * triad(from)?.transpose();
        let scale = extent / (from[1] - from[0]).length().max(1e-300);
        let mut s = Self { rotation, scale, shift: to[0] - rotation * from[0] * scale };
        for _ in 0..20 {
            let mut equations = NormalEquations::new(7);
            for (from, to) in pairs {
                let arm = s.rotation * *from * s.scale;
                let off = *to - arm - s.shift;
                for k in 0..3 {
                    let axes = [DVec3::X, DVec3::Y, DVec3::Z];
                    let row: Vec<(usize, f64)> = (0..3).map(|j| (j, axes[j].cross(arm)[k])).chain([(3, arm[k]), (4 + k, 1.0)]).collect();
                    equations.add(&row, off[k], 1.0);
                }
            }
            let (x, _) = equations.solve()?;
            let turned = rotation_of(DVec3::new(x[0], x[1], x[2])) * s.rotation;
            s = Self {
                rotation: Pose::orthonormalized(turned)?,
                scale: s.scale * x[3].clamp(-0.5, 0.5).exp(),
                shift: s.shift + DVec3::new(x[4], x[5], x[6]),
            };
        }
        (s.scale.is_finite() && s.scale > 0.0).then_some(s)
    }
}

fn by_points(rig: &Rig, pairs: &[(String, DVec3, DVec3)]) -> Result<Similarity, FrameFailure> {
    let flat: Vec<(DVec3, DVec3)> = pairs.iter().map(|p| (p.1, p.2)).collect();
    let s = Similarity::between(&flat).ok_or(FrameFailure::TooFewPoints(pairs.len()))?;
    let middle = flat.iter().map(|p| p.1).sum::<DVec3>() / flat.len() as f64;
    let extent = flat.iter().map(|p| (p.1 - middle).length()).fold(0.0, f64::max);
    let off = |s: &Similarity, p: &(DVec3, DVec3)| (s.apply(p.0) - p.1).length();
    let rms = |s: &Similarity, of: &[(DVec3, DVec3)]| (of.iter().map(|p| off(s, p).powi(2)).sum::<f64>() / of.len() as f64).sqrt();
    let rms_m = rms(&s, &flat);
    let below = |s: &Similarity| {
        let lowest = flat.iter().map(|p| p.1.z).fold(f64::INFINITY, f64::min);
        rig.cameras.iter().filter(|c| s.apply(c.center_in_world()).z < lowest).count()
    };
    let (stand_below, of) = (below(&s), rig.cameras.len());
    // Left and right swapped: in one plane the cameras come to stand below it, else the mirrored places fit much better.
    let mirrored: Vec<(DVec3, DVec3)> = flat.iter().map(|(a, b)| (*a, *b * DVec3::new(1.0, -1.0, 1.0))).collect();
    let fits_mirrored = Similarity::between(&mirrored).is_some_and(|m| rms(&m, &mirrored) < 0.3 * rms_m && below(&m) * 2 < of);
    let is_bad = rms_m > FIT_SHARE * extent;
    if stand_below * 2 > of || (is_bad && fits_mirrored) {
        return Err(FrameFailure::Mirrored { below: stand_below, of });
    }
    if is_bad {
        let worst = (0..pairs.len()).max_by(|a, b| off(&s, &flat[*a]).total_cmp(&off(&s, &flat[*b]))).unwrap_or(0);
        if flat.len() >= 5 {
            // Which one, left out, lets the others agree?
            for k in 0..flat.len() {
                let others: Vec<(DVec3, DVec3)> = flat.iter().enumerate().filter(|(i, _)| *i != k).map(|(_, p)| *p).collect();
                if let Some(t) = Similarity::between(&others).filter(|t| rms(t, &others) < 0.4 * FIT_SHARE * extent) {
                    return Err(FrameFailure::WrongPoint { name: pairs[k].0.clone(), off_m: off(&t, &flat[k]) });
                }
            }
        }
        return Err(FrameFailure::PointsDisagree { rms_m, name: pairs[worst].0.clone(), off_m: off(&s, &flat[worst]) });
    }
    Ok(s)
}

fn between(rig: &Rig, place: &BTreeMap<String, DVec3>, d: &Distance) -> Result<f64, FrameFailure> {
    let find = |name: &String| {
        let camera = || rig.camera(name).map(crate::rig::Camera::center_in_world);
        place.get(name).copied().or_else(camera).ok_or_else(|| FrameFailure::UnknownName {
            name: name.clone(),
            known: rig
                .cameras
                .iter()
                .map(|c| c.name.as_str())
                .chain(place.keys().map(String::as_str))
                .take(24)
                .collect::<Vec<_>>()
                .join(", "),
        })
    };
    let found = (find(&d.from)? - find(&d.to)?).length();
    if !(d.m.is_finite() && d.m > 0.0 && found > 1e-9) {
        return Err(FrameFailure::NoDistance { from: d.from.clone(), to: d.to.clone(), m: d.m });
    }
    Ok(found)
}

fn by_distances(rig: &Rig, place: &BTreeMap<String, DVec3>, distances: &[Distance]) -> Result<f64, FrameFailure> {
    let scales = distances.iter().map(|d| Ok(d.m / between(rig, place, d)?)).collect::<Result<Vec<f64>, FrameFailure>>()?;
    let mut sorted = scales.clone();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted[sorted.len() / 2];
    let worst = (0..scales.len()).max_by(|a, b| (scales[*a] / middle).ln().abs().total_cmp(&(scales[*b] / middle).ln().abs()));
    if let Some(k) = worst.filter(|k| (scales[*k] / middle - 1.0).abs() > DISTANCE_SHARE) {
        let d = &distances[k];
        return Err(FrameFailure::DistancesDisagree {
            from: d.from.clone(),
            to: d.to.clone(),
            wanted_m: d.m,
            found_m: d.m * middle / scales[k],
        });
    }
    Ok((scales.iter().map(|s| s.ln()).sum::<f64>() / scales.len() as f64).exp())
}

/// The plane through points of the floor becomes z = 0.
fn by_floor(rig: &Rig, points: &[DVec3]) -> Option<Similarity> {
    if points.len() < 3 {
        return None;
    }
    let middle = points.iter().sum::<DVec3>() / points.len() as f64;
    let mut normal = DVec3::ZERO;
    for i in 0..points.len() {
        for j in i + 1..points.len() {
            let n = (points[i] - middle).cross(points[j] - middle);
            normal += if n.dot(up(&rig.cameras)) < 0.0 { -n } else { n };
        }
    }
    let z = normal.try_normalize()?;
    let x = (DVec3::X - z * z.x).try_normalize()?;
    let rotation = DMat3::from_cols(x, z.cross(x), z).transpose();
    Some(Similarity { rotation, scale: 1.0, shift: DVec3::new(0.0, 0.0, -(rotation * middle).z) })
}
