//! The graphics: edited, drawn by clicks into pictures, kept as a small text, and handed to whoever makes pictures.
//!
//! Must not know: how they are drawn.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use glam::DVec3;

use super::{Director, NoticeLevel};
use crate::{
    engine::{
        GraphicsView,
        board::PickWish,
        desk,
        graphics::{Artist, Drawing},
    },
    frame::Picture,
    replay::{
        Readiness,
        graphics::{Graphic, GraphicEdit, GraphicKind, GraphicList},
    },
    rig::Camera,
};

/// A graphic that is being drawn by clicks.
#[derive(Debug)]
struct Draft {
    kind: GraphicKind,
    file: Option<PathBuf>,
    points: Vec<DVec3>,
}

/// A picture with bugs, of which it was made.
type Laid = Option<(Arc<Picture>, u64, Arc<Picture>)>;

/// What is known of the graphics beyond the list itself.
#[derive(Debug, Default)]
pub(in crate::engine) struct GraphicsState {
    pub clean: bool,
    /// The list as it was when this was made; and a number that changes with it.
    of: GraphicList,
    revision: u64,
    drawing: Option<Arc<Drawing>>,
    draft: Option<Draft>,
    artist: Artist,
    /// Of program, of preview.
    laid: [Laid; 2],
    /// What was last told of pictures.
    told: Option<String>,
    /// The file is somebody else's matter: it could not be read.
    keep_off: bool,
}

impl GraphicsState {
    pub fn new(clean: bool) -> Self {
        Self { clean, ..Self::default() }
    }
}

/// The same with picture files named from the root of the disk, or from there.
fn from_folder(graphics: Vec<Graphic>, folder: &Path) -> Vec<Graphic> {
    graphics.into_iter().map(|g| Graphic { file: g.file.map(|f| folder.join(f)), ..g }).collect()
}

impl Director {
    fn graphics_file(&self) -> Option<PathBuf> {
        let files = &self.desk.files;
        files.graphics.clone().or_else(|| files.folder.as_ref().map(|f| f.join("graphics.toml")))
    }

    /// Takes over the graphics of an earlier session.
    pub(super) fn restore_graphics(&mut self) {
        let Some(file) = self.graphics_file() else { return };
        let folder = file.parent().map(Path::to_owned).unwrap_or_default();
        let read = match desk::read(&file) {
            Ok(None) => return,
            Ok(Some(text)) => GraphicList::from_toml(&text).map_err(|e| e.to_string()),
            Err(why) => Err(why),
        };
        match read.and_then(|list| GraphicList::of(from_folder(list.all().to_vec(), &folder)).map_err(|e| e.to_string())) {
            Ok(list) => {
                if !list.all().is_empty() {
                    self.notice(NoticeLevel::Info, format!("The graphics are there again: {}", list.all().len()));
                }
                self.transport.restore_graphics(list);
                self.refresh_drawing();
            }
            Err(why) => {
                self.graphics.keep_off = true;
                self.warn(format!(
                    "The graphics in {} are left out, and the file stays as it is: {why}. Mend or remove the file",
                    file.display()
                ));
            }
        }
    }

    /// Makes what is drawn of the list, when it has changed; whether it has.
    fn refresh_drawing(&mut self) -> bool {
        if *self.transport.graphics() == self.graphics.of {
            return false;
        }
        self.graphics.of = self.transport.graphics().clone();
        self.graphics.revision += 1;
        let drawing = Drawing::new(self.graphics.of.all(), self.feeds.rig());
        self.graphics.drawing = (!drawing.is_empty()).then(|| Arc::new(drawing));
        true
    }

    /// Writes the graphics down when they have changed.
    pub(super) fn keep_graphics(&mut self) {
        if !self.refresh_drawing() || self.graphics.keep_off {
            return;
        }
        let (Some(file), Some(writer)) = (self.graphics_file(), &self.desk.writer) else { return };
        match self.graphics.of.to_toml() {
            Ok(text) => writer.post_latest(file, text),
            Err(e) => tracing::error!(%e, "the graphics cannot be written"),
        }
    }

    /// What is drawn on program or preview, and a number that changes with it.
    pub(super) fn drawing(&self, program: bool) -> (u64, Option<Arc<Drawing>>) {
        // Real pixels only is a promise.
        let off = self.truth.ladder.real_pixels_only || program && self.graphics.clean;
        match self.graphics.drawing.clone().filter(|_| !off) {
            Some(drawing) => (self.graphics.revision, Some(drawing)),
            None => (0, None),
        }
    }

    /// What exports draw.
    pub(super) fn graphics_of_exports(&self) -> Vec<Graphic> {
        self.drawing(true).1.map_or_else(Vec::new, |drawing| drawing.graphics.clone())
    }

    /// A picture of program or preview with what is on top of everything; the very same picture for the same one.
    pub(super) fn with_bugs(&mut self, picture: &Arc<Picture>, program: bool) -> Arc<Picture> {
        let (revision, drawing) = self.drawing(program);
        let Some(drawing) = drawing.filter(|d| d.graphics.iter().any(|g| !g.is_in_scene())) else { return Arc::clone(picture) };
        let state = &mut self.graphics;
        let laid = &mut state.laid[usize::from(program)];
        if let Some((of, at, with)) = laid
            && *at == revision
            && (Arc::ptr_eq(of, picture) || Arc::ptr_eq(with, picture))
        {
            return Arc::clone(with);
        }
        let mut with = picture.as_ref().clone();
        state.artist.overlay(&mut with, &drawing);
        let with = Arc::new(with);
        *laid = Some((Arc::clone(picture), revision, Arc::clone(&with)));
        if let Some(why) = state.artist.take_problem() {
            self.graphics_problem(&why);
        }
        with
    }

    /// A picture file cannot be drawn: told once.
    pub(super) fn graphics_problem(&mut self, why: &str) {
        if self.graphics.told.as_deref() != Some(why) {
            self.graphics.told = Some(why.to_owned());
            self.warn(format!("A graphic is not drawn: {why}"));
        }
    }

    pub(super) fn edit_graphics(&mut self, edit: &GraphicEdit) {
        // From wherever it is asked for, a file is the same file afterwards.
        let absolute = |file: &PathBuf| std::path::absolute(file).unwrap_or_else(|_| file.clone());
        let edit = match edit {
            GraphicEdit::Add(g) => GraphicEdit::Add(Graphic { file: g.file.as_ref().map(absolute), ..g.clone() }),
            GraphicEdit::File(name, file) => GraphicEdit::File(name.clone(), absolute(file)),
            other => other.clone(),
        };
        let file = match &edit {
            GraphicEdit::Add(g) => g.file.clone(),
            GraphicEdit::File(_, file) => Some(file.clone()),
            _ => None,
        };
        if let Some(file) = file.filter(|f| !f.is_file()) {
            return self.warn(format!("There is no picture {}. Give a PNG or JPEG file", file.display()));
        }
        self.graphics.told = None;
        match self.transport.edit_graphics(&edit) {
            Ok(()) if matches!(edit, GraphicEdit::Add(_)) => {
                if let Some(name) = self.transport.graphics().all().last().map(|g| g.name.clone()) {
                    self.notice(NoticeLevel::Info, format!("{name} is drawn. Ctrl+Z takes it back"));
                }
            }
            Ok(()) => {}
            Err(e) => self.warn(e.to_string()),
        }
    }

    /// A point of a new graphic, by a click into a picture of the solved instant.
    pub(super) fn draw_graphic(&mut self, kind: GraphicKind, file: Option<PathBuf>, camera: Option<usize>, at: [f64; 2]) {
        if kind.clicks() == 0 {
            return self.warn("A bug has no place in the scene. Type its words in the list of graphics".to_owned());
        }
        if kind == GraphicKind::Image && file.is_none() {
            return self.warn("An image needs a picture file. Choose one in the list of graphics, then click again".to_owned());
        }
        let Some((instant, readiness)) = self.transport.preview().map(|p| (p.instant, p.readiness)) else {
            return self.warn("Nothing is prepared to draw in. Mark an instant (Space) or choose an event, then click again".to_owned());
        };
        if readiness < Readiness::Solved || self.preview.roll.is_some() {
            return self.warn(
                "Where a click is in the scene is known once this instant is solved. Wait for the green word, then click again".to_owned(),
            );
        }
        let Some(eye) = self.eye(camera, instant).filter(|_| at.iter().all(|s| (0.0..=1.0).contains(s))) else {
            return self.warn("That picture shows nothing of this instant to click in. Choose another picture".to_owned());
        };
        if self.graphics.draft.as_ref().is_none_or(|d| d.kind != kind || d.file != file) {
            self.graphics.draft = Some(Draft { kind, file, points: vec![] });
        }
        self.picking = super::pivot::Picking::default();
        self.picking.draws = true;
        let at_px = [at[0] * f64::from(eye.width_px), at[1] * f64::from(eye.height_px)];
        self.board.post_pick_latest(PickWish { instant, eye, at_px });
    }

    /// The point that a click hit.
    pub(super) fn add_point(&mut self, point: DVec3) {
        let Some(draft) = &mut self.graphics.draft else { return };
        draft.points.push(point);
        if draft.points.len() < draft.kind.clicks() {
            return;
        }
        let Some(draft) = self.graphics.draft.take() else { return };
        // To the millimetre: the text stays small.
        let points = draft.points.iter().map(|p| p.to_array().map(|v| (v * 1e3).round() * 1e-3)).collect();
        self.edit_graphics(&GraphicEdit::Add(Graphic { file: draft.file, ..Graphic::new(draft.kind, points) }));
        self.keep_graphics();
    }

    pub(super) fn clean_feed(&mut self, clean: Option<bool>) {
        self.graphics.clean = clean.unwrap_or(!self.graphics.clean);
    }

    /// The graphics as everybody else sees them.
    pub(in crate::engine) fn graphics_view(&self) -> GraphicsView {
        let points = self.graphics.draft.as_ref().map_or(&[][..], |d| &d.points);
        let share = |camera: &Camera| {
            let inside = |p: &DVec3| camera.project(*p).filter(|px| camera.contains_px(*px));
            let shares = |px: glam::DVec2| [(px.x / f64::from(camera.width_px)) as f32, (px.y / f64::from(camera.height_px)) as f32];
            points.iter().filter_map(inside).map(shares).collect::<Vec<_>>()
        };
        let cameras = &self.feeds.rig().cameras;
        GraphicsView {
            graphics: self.transport.graphics().all().to_vec(),
            clean: self.graphics.clean,
            draft: self.graphics.draft.as_ref().map(|d| (d.kind, d.points.len())),
            in_preview: self.preview.eye.as_ref().map(share).unwrap_or_default(),
            in_cameras: if points.is_empty() { vec![] } else { self.transport.arc_order().iter().map(|&i| share(&cameras[i])).collect() },
        }
    }
}
