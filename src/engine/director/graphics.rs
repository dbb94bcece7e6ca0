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
        graphics::{Artist, Drawing, Shelf},
    },
    frame::Picture,
    replay::{
        Program, Readiness,
        graphics::{Graphic, GraphicEdit, GraphicKind, GraphicList, KeptGraphics, in_turn},
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

/// What is drawn, and a number that changes with it.
type Drawn = (u64, Option<Arc<Drawing>>);

/// What is known of the graphics beyond the list itself.
#[derive(Debug, Default)]
pub(in crate::engine) struct GraphicsState {
    pub clean: bool,
    /// The list and the choice as they are in the file.
    kept: (GraphicList, bool),
    /// The list as it was when this was made.
    of: GraphicList,
    /// Of preview, and of program: as it was taken.
    prepared: Drawn,
    on_air: Drawn,
    revisions: u64,
    shelf: Shelf,
    /// What was read when the drawings were last looked at.
    read: u64,
    draft: Option<Draft>,
    artist: Artist,
    /// Of program, of preview.
    laid: [Laid; 2],
    /// The bugs of program alone: of which drawing, in which size, px.
    alone: Option<(u64, (u32, u32), Arc<Picture>)>,
    /// What was last told of pictures.
    told: Option<String>,
    /// The file is somebody else's matter: it could not be put aside.
    keep_off: bool,
}

impl GraphicsState {
    pub fn new(clean: bool) -> Self {
        Self { clean, kept: (GraphicList::default(), clean), ..Self::default() }
    }

    fn next_revision(&mut self) -> u64 {
        self.revisions += 1;
        self.revisions
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

    /// Takes over the graphics of an earlier session. What is not taken over as a whole is put aside first, so that nothing overwrites it.
    pub(super) fn restore_graphics(&mut self) {
        let Some(file) = self.graphics_file() else { return };
        let read = match desk::read(&file) {
            Ok(None) => return,
            Ok(Some(text)) => KeptGraphics::from_toml(&text).map_err(|e| e.to_string()),
            Err(why) => Err(why),
        };
        let problem = match &read {
            Ok(kept) => kept.left_out.first().cloned(),
            Err(why) => Some(why.clone()),
        };
        if let Some(why) = problem {
            match desk::put_aside(&file, "unreadable") {
                Ok(aside) => {
                    self.warn(format!(
                        "Graphics are left out: {why}. As they were, they are kept in {}; new ones are kept in their place",
                        aside.display()
                    ));
                }
                Err(e) => {
                    // Rather nothing is kept than something lost.
                    self.graphics.keep_off = true;
                    self.warn(format!(
                        "Graphics are left out: {why}. {} cannot be put aside ({e}), so no graphics are kept. Move the file",
                        file.display()
                    ));
                }
            }
        }
        let Ok(kept) = read else { return };
        let folder = file.parent().map(Path::to_owned).unwrap_or_default();
        self.graphics.clean = kept.clean.unwrap_or(self.graphics.clean);
        match GraphicList::of(from_folder(kept.list.all().to_vec(), &folder)) {
            Ok(list) => {
                if !list.all().is_empty() {
                    self.notice(NoticeLevel::Info, format!("The graphics are there again: {}", list.all().len()));
                }
                self.transport.restore_graphics(list);
                self.refresh_drawing();
                // What was put aside is written anew without what was left out.
                if kept.left_out.is_empty() {
                    self.graphics.kept = (self.graphics.of.clone(), self.graphics.clean);
                }
            }
            Err(e) => tracing::error!(%e, "graphics that were read are not taken"),
        }
        self.keep_graphics();
    }

    /// Makes what preview draws of the list, when it has changed.
    fn refresh_drawing(&mut self) {
        if *self.transport.graphics() == self.graphics.of {
            return;
        }
        self.renew_drawing();
    }

    /// The same anew: the list or the rig is another one.
    pub(super) fn renew_drawing(&mut self) {
        self.graphics.of = self.transport.graphics().clone();
        let drawing = Drawing::new(self.graphics.of.all(), &self.watch.rig_now(), &self.graphics.shelf.pictures());
        let drawing = (!drawing.is_empty()).then(|| Arc::new(drawing));
        self.graphics.prepared = (self.graphics.next_revision(), drawing);
        self.want_pictures();
    }

    /// Asks for the picture files that are drawn in preview and on air.
    fn want_pictures(&mut self) {
        let state = &mut self.graphics;
        let drawings = [&state.prepared, &state.on_air].into_iter().filter_map(|(_, drawing)| drawing.as_ref());
        let mut files: Vec<PathBuf> = drawings.flat_map(|d| d.files()).collect();
        // Hidden ones too: shown, they are there at once.
        files.extend(state.of.all().iter().filter_map(|g| g.file.clone()));
        files.sort();
        files.dedup();
        state.shelf.want(files);
    }

    /// Draws with the picture files that were read since the last tick.
    pub(super) fn take_pictures(&mut self) {
        let read = self.graphics.shelf.serial();
        if read == self.graphics.read {
            return;
        }
        self.graphics.read = read;
        let pictures = self.graphics.shelf.pictures();
        let state = &mut self.graphics;
        let same = state.prepared.0 == state.on_air.0;
        // What is on air takes what it waited for; another picture of a file goes there with a take.
        let changed = |old: &Drawn, new: &dyn Fn(&Drawing) -> Drawing| {
            old.1.as_ref().and_then(|old| Some(new(old)).filter(|new| !new.shows_as(old))).map(Arc::new)
        };
        let prepared = changed(&state.prepared, &|d| d.with(&pictures));
        let on_air = changed(&state.on_air, &|d| d.with_missing(&pictures));
        if let Some(drawing) = prepared {
            state.prepared = (state.next_revision(), Some(drawing));
        }
        if let Some(drawing) = on_air {
            let is_one = same && state.prepared.1.as_ref().is_some_and(|d| d.shows_as(&drawing));
            state.on_air = if is_one { state.prepared.clone() } else { (state.next_revision(), Some(drawing)) };
        }
        let files = state.prepared.1.as_ref().map(|drawing| drawing.files()).unwrap_or_default();
        let problem = |file| pictures.get(file).and_then(|l| Some((l.problem()?.clone(), l.picture.is_ok())));
        match files.iter().find_map(problem) {
            Some((why, true)) => self.picture_stays(&why),
            Some((why, false)) => self.graphics_problem(&why),
            None => {}
        }
    }

    /// Program draws from now on what preview draws: with a take, and when the operator says so.
    pub(super) fn graphics_to_air(&mut self) {
        self.graphics.on_air = self.graphics.prepared.clone();
        self.want_pictures();
    }

    /// The graphics that are on air become those of preview.
    pub(super) fn update_air(&mut self) {
        if !matches!(self.transport.program(), Program::Replay(_)) {
            return self.warn("No replay is on air to draw on. The graphics go there with the next TAKE".to_owned());
        }
        self.graphics_to_air();
    }

    /// Writes the graphics down when they have changed.
    pub(super) fn keep_graphics(&mut self) {
        self.refresh_drawing();
        let now = (self.graphics.of.clone(), self.graphics.clean);
        if now == self.graphics.kept || self.graphics.keep_off {
            return;
        }
        let (Some(file), Some(writer)) = (self.graphics_file(), &self.desk.writer) else { return };
        let kept = KeptGraphics { list: now.0.clone(), clean: Some(now.1), left_out: vec![] };
        match kept.to_toml() {
            Ok(text) => writer.post_latest(file, text),
            Err(e) => tracing::error!(%e, "the graphics cannot be written"),
        }
        self.graphics.kept = now;
    }

    /// What is drawn on program or preview, and a number that changes with it.
    pub(super) fn drawing(&self, program: bool) -> (u64, Option<Arc<Drawing>>) {
        // Real pixels only is a promise.
        let off = self.truth.ladder.real_pixels_only || program && self.graphics.clean;
        let (revision, drawing) = if program { &self.graphics.on_air } else { &self.graphics.prepared };
        match drawing.clone().filter(|_| !off) {
            Some(drawing) => (*revision, Some(drawing)),
            None => (0, None),
        }
    }

    /// What exports draw: they are of what is prepared.
    pub(super) fn graphics_of_exports(&self) -> Vec<Graphic> {
        self.drawing(false).1.filter(|_| !self.graphics.clean).map_or_else(Vec::new, |drawing| drawing.graphics.clone())
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
        with
    }

    /// What is on top of everything on program, alone in a picture of a size, px: where an output takes it, and also where program is clean.
    pub(super) fn graphics_alone(&mut self, size: (u32, u32)) -> Option<Arc<Picture>> {
        let state = &mut self.graphics;
        let (revision, drawing) = &state.on_air;
        let drawing = drawing.as_ref().filter(|d| d.graphics.iter().any(|g| !g.is_in_scene()))?;
        if self.truth.ladder.real_pixels_only || !self.output.takes_graphics() {
            return None;
        }
        match &state.alone {
            Some((of, of_size, picture)) if of == revision && *of_size == size => return Some(Arc::clone(picture)),
            _ => {}
        }
        let mut picture = Picture::filled(size.0, size.1, [0; 4]);
        state.artist.overlay(&mut picture, drawing);
        let picture = Arc::new(picture);
        state.alone = Some((*revision, size, Arc::clone(&picture)));
        Some(picture)
    }

    /// A picture file cannot be drawn: told once.
    pub(super) fn graphics_problem(&mut self, why: &str) {
        if self.graphics.told.as_deref() != Some(why) {
            self.graphics.told = Some(why.to_owned());
            self.warn(format!("A graphic is not drawn: {why}"));
        }
    }

    /// The file of a picture that is there cannot be read any more: told once.
    fn picture_stays(&mut self, why: &str) {
        if self.graphics.told.as_deref() != Some(why) {
            self.graphics.told = Some(why.to_owned());
            self.warn(format!("A graphic keeps the picture that it has: {why}"));
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
        if let GraphicEdit::File(_, file) = &edit {
            // The same name again may be another picture.
            self.graphics.shelf.read_again(file);
        }
        match self.transport.edit_graphics(&edit) {
            Ok(()) if matches!(edit, GraphicEdit::Add(_)) => {
                if let Some(name) = self.transport.graphics().all().last().map(|g| g.name.clone()) {
                    self.notice(
                        NoticeLevel::Info,
                        format!("{name} is drawn in preview, and on air with the next TAKE. Ctrl+Z takes it back"),
                    );
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
        let points: Vec<[f64; 3]> = draft.points.iter().map(|p| p.to_array().map(|v| (v * 1e3).round() * 1e-3)).collect();
        let points = if draft.kind == GraphicKind::Plane { in_turn(&points) } else { points };
        self.edit_graphics(&GraphicEdit::Add(Graphic { file: draft.file, ..Graphic::new(draft.kind, points) }));
        self.keep_graphics();
    }

    /// A graphic that is half drawn is none.
    pub(super) fn drop_draft(&mut self) {
        if self.graphics.draft.take().is_some() {
            self.picking = super::pivot::Picking::default();
        }
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
        let cameras = &self.watch.rig_now().cameras;
        GraphicsView {
            graphics: self.transport.graphics().all().to_vec(),
            clean: self.graphics.clean,
            waits_for_take: matches!(self.transport.program(), Program::Replay(_)) && self.graphics.on_air.0 != self.graphics.prepared.0,
            draft: self.graphics.draft.as_ref().map(|d| (d.kind, d.points.len())),
            in_preview: self.preview.eye.as_ref().map(share).unwrap_or_default(),
            in_cameras: if points.is_empty() { vec![] } else { self.transport.arc_order().iter().map(|&i| share(&cameras[i])).collect() },
        }
    }
}
