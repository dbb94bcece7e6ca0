//! Graphics as pictures: what the operator's graphics are as flat shapes in the world, and as a picture on top.
//!
//! Must not know: who made them, windows, when they are shown.

mod kept;
mod label;
mod overlay;
mod shelf;

pub(crate) use shelf::{Pictures, Shelf};

use std::{path::PathBuf, sync::Arc};

use glam::{DVec2, DVec3};

use self::kept::Kept;
use crate::{
    frame::Picture,
    replay::graphics::{Graphic, GraphicKind},
    rig::{self, Camera, Rig},
    scene::Scene,
    view::{Artwork, Form, Shape, View, ViewError, ViewSynthesizer},
};

/// A line that rises more steeply than this faces the viewer; others lie flat. Cosine against up.
const STEEP: f64 = 0.7;
/// An axis of the world within this of the arc's own up is taken for it: cameras that do not stand quite level must not tilt circles.
const UPRIGHT: f64 = 0.96;
/// Height of a distance's figures over the thickness of its line.
const FIGURES: f64 = 7.0;

/// What is to be drawn: the graphics that are shown with their pictures, and which way is up.
#[derive(Debug, Clone)]
pub(crate) struct Drawing {
    pub graphics: Vec<Graphic>,
    up_in_world: DVec3,
    pictures: Pictures,
}

impl Drawing {
    /// Of these graphics among the cameras of a rig, with the pictures that are read already.
    pub fn new(graphics: &[Graphic], rig: &Rig, pictures: &Pictures) -> Self {
        let up = rig::Arc::fit(rig).map_or(DVec3::Z, |arc| arc.up_in_world);
        let axes = [DVec3::X, DVec3::Y, DVec3::Z].into_iter().flat_map(|a| [a, -a]);
        let up_in_world = axes.into_iter().find(|a| a.dot(up) > UPRIGHT).unwrap_or(up);
        let graphics = graphics.iter().filter(|g| g.shown && g.opacity > 0.0).cloned().collect();
        Self { graphics, up_in_world, pictures: Pictures::new() }.with(pictures)
    }

    /// The same; its pictures are read here and now.
    pub fn read(graphics: &[Graphic], rig: &Rig) -> Self {
        let drawing = Self::new(graphics, rig, &Pictures::new());
        let read = |(k, file): (usize, PathBuf)| {
            let picture = shelf::load(&file);
            (file, shelf::Loaded { serial: k as u64 + 1, picture, newer: None })
        };
        let pictures = drawing.files().into_iter().enumerate().map(read).collect();
        drawing.with(&pictures)
    }

    /// The same with the pictures that are read meanwhile; it keeps those that it has, and those whose file cannot be read any more.
    pub fn with(&self, pictures: &Pictures) -> Self {
        self.taking(pictures, |own, new| own.picture.is_err() || new.picture.is_ok())
    }

    /// The same with the pictures of files that it has no reading of yet: what is on air changes by a take alone.
    pub fn with_missing(&self, pictures: &Pictures) -> Self {
        self.taking(pictures, |_, _| false)
    }

    fn taking(&self, pictures: &Pictures, replaces: impl Fn(&shelf::Loaded, &shelf::Loaded) -> bool) -> Self {
        let mut own = self.pictures.clone();
        for file in self.files() {
            if let Some(new) = pictures.get(&file)
                && own.get(&file).is_none_or(|own| replaces(own, new))
            {
                own.insert(file, new.clone());
            }
        }
        Self { pictures: own, ..self.clone() }
    }

    /// Whether both draw the same readings of their files.
    pub fn shows_as(&self, other: &Self) -> bool {
        let readings = |d: &Self| d.files().into_iter().map(|f| d.pictures.get(&f).map(|l| l.serial)).collect::<Vec<_>>();
        readings(self) == readings(other)
    }

    /// The files that it draws, each once.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = self.graphics.iter().filter_map(|g| g.file.clone()).collect();
        files.sort();
        files.dedup();
        files
    }

    /// What is wrong with one of its pictures.
    pub fn problem(&self) -> Option<String> {
        self.files().iter().find_map(|file| self.pictures.get(file)?.problem().cloned())
    }

    /// Whether there is anything to draw.
    pub fn is_empty(&self) -> bool {
        self.graphics.is_empty()
    }

    /// Whether any of it is anchored in the world.
    pub fn is_in_scene(&self) -> bool {
        self.graphics.iter().any(Graphic::is_in_scene)
    }
}

/// What was read or written once and is drawn again and again.
#[derive(Debug, PartialEq, Eq, Hash, Clone)]
enum Made {
    /// A reading of a file.
    Picture(u64),
    Words(String, [u8; 3]),
}

/// Draws graphics; keeps what it made of their pictures and words, the newest of it.
#[derive(Debug, Default)]
pub(crate) struct Artist {
    words: Kept<Made, Picture>,
    artworks: Kept<Made, Artwork>,
    /// Bugs as they are in frames of a size: height of the bug, width of the frame, px.
    scaled: Kept<(Made, u32, u32), overlay::Patch>,
}

impl Artist {
    /// What a graphic shows and what that is called; `None` until its file is read, and where that cannot be.
    fn picture(&mut self, drawing: &Drawing, file: Option<&PathBuf>, text: &str, color: [u8; 3]) -> Option<(Made, Arc<Picture>)> {
        if let Some(file) = file {
            let loaded = drawing.pictures.get(file)?;
            return Some((Made::Picture(loaded.serial), Arc::clone(loaded.picture.as_ref().ok()?)));
        }
        let made = Made::Words(text.to_owned(), color);
        let drawn = || (label::draw(text, color), |p: &Picture| p.rgba().len());
        Some((made.clone(), self.words.get(made, drawn)))
    }

    /// Another picture begins.
    const fn begin(&mut self) {
        self.words.begin();
        self.artworks.begin();
        self.scaled.begin();
    }

    fn artwork(&mut self, drawing: &Drawing, file: Option<&PathBuf>, text: &str, color: [u8; 3]) -> Option<Arc<Artwork>> {
        let (made, picture) = self.picture(drawing, file, text, color)?;
        Some(self.artworks.get(made, || (Artwork::new(&picture), Artwork::bytes)))
    }

    /// The graphics in the world as shapes, for a viewer.
    fn shapes(&mut self, drawing: &Drawing, target: &Camera) -> Vec<Shape> {
        self.begin();
        let (up, eye) = (drawing.up_in_world, target.center_in_world());
        let mut shapes = vec![];
        for g in &drawing.graphics {
            let points: Vec<DVec3> = g.points_m.iter().map(|p| DVec3::from_array(*p)).collect();
            let mut add = |origin: DVec3, axes: [DVec3; 2], form: Form| {
                let opacity = g.opacity as f32;
                shapes.push(Shape { origin_in_world: origin, axes_in_world: axes, form, color: g.color, opacity });
            };
            match (g.kind, points.as_slice()) {
                (GraphicKind::Line | GraphicKind::Distance, line) => {
                    for pair in line.windows(2) {
                        if let Some((axes, form)) = stroke(pair[0], pair[1], g.width_m, up, eye) {
                            add(pair[0], axes, form);
                        }
                    }
                    // Corners are round.
                    for corner in line.iter().skip(1).take(line.len().saturating_sub(2)) {
                        let u = up.any_orthonormal_vector();
                        add(*corner, [u, up.cross(u)], Form::Disc { radius_m: 0.5 * g.width_m });
                    }
                    if g.kind == GraphicKind::Distance
                        && let [a, b] = *line
                    {
                        for end in [a, b] {
                            let [u, v] = facing(end, up, eye);
                            add(end, [u, v], Form::Disc { radius_m: g.width_m });
                        }
                        if let Some(artwork) = self.artwork(drawing, None, &format!("{:.2} m", g.length_m()), g.color) {
                            let [u, v] = facing(0.5 * (a + b), up, eye);
                            let height_m = FIGURES * g.width_m;
                            let width_m = height_m * artwork.aspect();
                            let origin = 0.5 * (a + b) - u * (0.5 * width_m) + v * (1.5 * g.width_m);
                            add(origin, [u, v], Form::Picture { artwork, width_m, height_m });
                        }
                    }
                }
                (GraphicKind::Plane, [a, ..]) => {
                    if let Some((axes, polygon)) = flattened(&points) {
                        add(*a, axes, Form::Polygon(polygon));
                    }
                }
                (GraphicKind::Circle, [center, rim]) => {
                    let u = (*rim - *center).reject_from(up).try_normalize().unwrap_or_else(|| up.any_orthonormal_vector());
                    let radius_m = (*rim - *center).length();
                    add(*center, [u, up.cross(u)], Form::Ring { radius_m, half_width_m: 0.5 * g.width_m });
                }
                (GraphicKind::Image, points) => {
                    let Some(artwork) = g.file.as_ref().and_then(|f| self.artwork(drawing, Some(f), "", g.color)) else { continue };
                    let Some((origin, axes, width_m)) = standing(points, g.width_m, up, eye) else { continue };
                    let height_m = match points {
                        [a, _, c] => (*c - *a).length(),
                        _ => width_m / artwork.aspect(),
                    };
                    add(origin, axes, Form::Picture { artwork, width_m, height_m });
                }
                _ => {}
            }
        }
        shapes
    }

    /// Draws what is anchored in the world over a view of `target`, hidden by what stands before it. Whether anything was drawn.
    pub fn draw(
        &mut self,
        synthesizer: &mut ViewSynthesizer,
        scene: &Scene,
        target: &Camera,
        view: &mut View,
        drawing: &Drawing,
    ) -> Result<bool, ViewError> {
        let shapes = self.shapes(drawing, target);
        // Who stands before it is not known without depth: rather nothing than a line across the athlete.
        if shapes.is_empty() || !scene.has_depth() {
            return Ok(false);
        }
        synthesizer.draw(scene, target, view, &shapes)?;
        Ok(true)
    }

    /// Draws what is on top of everything. Whether there was anything.
    pub fn overlay(&mut self, picture: &mut Picture, drawing: &Drawing) -> bool {
        self.begin();
        let bugs: Vec<&Graphic> = drawing.graphics.iter().filter(|g| g.kind == GraphicKind::Bug).collect();
        let mut taken = [0_u32; 4];
        for bug in &bugs {
            let height_px = ((bug.width_m * f64::from(picture.height())).round() as u32).max(4);
            let frame_px = picture.width();
            let Some((made, shown)) = self.picture(drawing, bug.file.as_ref(), &bug.text, bug.color) else { continue };
            let patch = || (overlay::Patch::new(&shown, height_px, frame_px), overlay::Patch::bytes);
            let patch = self.scaled.get((made, height_px, frame_px), patch);
            patch.lay_over(picture, bug.corner, bug.opacity as f32, &mut taken);
        }
        !bugs.is_empty()
    }
}

/// Axes that face the eye at a point: to the right, and up.
fn facing(at: DVec3, up: DVec3, eye: DVec3) -> [DVec3; 2] {
    let away = (at - eye).try_normalize().unwrap_or(DVec3::X);
    let u = away.cross(up).try_normalize().unwrap_or_else(|| away.any_orthonormal_vector());
    [u, u.cross(away)]
}

/// A straight line: flat where it runs level, facing the eye where it rises.
fn stroke(a: DVec3, b: DVec3, width_m: f64, up: DVec3, eye: DVec3) -> Option<([DVec3; 2], Form)> {
    let along = (b - a).try_normalize()?;
    let across = if along.dot(up).abs() < STEEP { up.cross(along) } else { along.cross(0.5 * (a + b) - eye) };
    let across = across.try_normalize()?;
    Some(([along, across], Form::Stroke { length_m: (b - a).length(), half_width_m: 0.5 * width_m }))
}

/// Axes and polygon of points that lie in about one plane (Newell's normal: Sutherland, Sproull, Schumacker, ACM Computing Surveys 6, 1974).
fn flattened(points: &[DVec3]) -> Option<([DVec3; 2], Vec<DVec2>)> {
    let a = *points.first()?;
    let turned = |k: usize| (points[k] - a).cross(points[(k + 1) % points.len()] - a);
    let normal = (0..points.len()).map(turned).sum::<DVec3>().try_normalize()?;
    let u = points.iter().map(|p| (*p - a).reject_from_normalized(normal)).find_map(DVec3::try_normalize)?;
    let v = normal.cross(u);
    Some(([u, v], points.iter().map(|p| DVec2::new((*p - a).dot(u), (*p - a).dot(v))).collect()))
}

/// Where a picture is: its lower left corner, axes and width.
fn standing(points: &[DVec3], width_m: f64, up: DVec3, eye: DVec3) -> Option<(DVec3, [DVec3; 2], f64)> {
    match *points {
        [at] => {
            let axes = facing(at, up, eye);
            Some((at - axes[0] * (0.5 * width_m), axes, width_m))
        }
        [a, b] => {
            // Readable from where it is looked at.
            let is_mirrored = (b - a).cross(up).dot(0.5 * (a + b) - eye) > 0.0;
            let (a, b) = if is_mirrored { (b, a) } else { (a, b) };
            let u = (b - a).try_normalize()?;
            let v = up.reject_from_normalized(u).try_normalize()?;
            Some((a, [u, v], (b - a).length()))
        }
        [a, b, c] => {
            let u = (b - a).try_normalize()?;
            let v = (c - a).reject_from_normalized(u).try_normalize()?;
            Some((a, [u, v], (b - a).length()))
        }
        _ => None,
    }
}
