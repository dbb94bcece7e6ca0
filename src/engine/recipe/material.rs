//! What a recipe needs to be rendered: the moments of its source, plates, measured gaps; all of it opened and found fit.

use std::{path::PathBuf, sync::Arc};

use super::{Mode, Plates, Recipe, RecipeError};
use crate::{
    engine::{
        GapState, SourceSound,
        export::{self, ExportJob, MomentSource, Moments},
        footage::{Footage, match_files},
        gaps, plates,
        recording::Recording,
        retime::{self, RetimePolicy, RetimedSource},
    },
    frame::{Moment, Picture},
    gpu::Gpu,
    output::{CancelToken, OutputSpec, SidecarHeader},
    rig::{self, Rig},
    scene::{Match, SceneOptions},
    time::MediaTime,
    view::ViewMode,
};

/// What the caller hears while things are opened and measured.
#[derive(Debug)]
pub enum Told<'a> {
    /// Something was done that the user should know.
    Note(String),
    /// What was decided, and why.
    Decision(String),
    /// How far a stage is, 0…1.
    Progress(&'static str, f32),
    /// The gaps along the rig's arc, as they were measured.
    Gaps(&'a Rig, &'a [GapState]),
}

/// The moments of a source, and what goes with them.
#[derive(Debug)]
pub struct Material {
    /// The cameras, fitted to what they saw.
    pub rig: Rig,
    /// The rig as the recipe names it.
    pub named_rig: Rig,
    /// Files that are used.
    pub files: Vec<PathBuf>,
    moments: Moments,
    mark: MediaTime,
    plates: Vec<plates::NamedPlate>,
}

impl Recipe {
    /// Opens its source and learns its plates.
    pub fn material(&self, tell: &mut dyn FnMut(Told<'_>), cancel: &CancelToken) -> Result<Material, RecipeError> {
        let rig = self.rig()?;
        let source = &self.source;
        if [source.pictures.is_some(), !source.footage.is_empty(), source.recording.is_some()].into_iter().filter(|g| *g).count() != 1 {
            return Err(nonsense("a recipe has one source: pictures, footage or recording"));
        }
        if self.render.retime == RetimePolicy::On && self.render.mode == Mode::Nearest {
            return Err(nonsense(
                "--mode nearest promises real pixels only, and --retime on interpolates between frames. Leave one of the two out",
            ));
        }
        let mut material = if let Some(folder) = &source.pictures {
            self.pictures(rig, folder, tell)?
        } else if let Some(folder) = &source.recording {
            self.recording(rig, folder, cancel)?
        } else {
            self.footage(rig, cancel)?
        };
        if let Plates::Folder(folder) = &self.render.plates {
            material.plates = plates::given(&material.rig, folder)?;
            material.files.extend(rig::pictures::match_rig(&material.rig, folder)?.paths);
        }
        // A picture that is drawn counts among what the recipe was made with.
        material.files.extend(self.graphics.iter().filter(|g| g.shown).filter_map(|g| g.file.clone()));
        if !material.plates.is_empty() {
            tell(Told::Decision(format!("plates: {} of {} cameras", material.plates.len(), material.rig.cameras.len())));
        }
        Ok(material)
    }

    fn pictures(&self, named_rig: Rig, folder: &std::path::Path, tell: &mut dyn FnMut(Told<'_>)) -> Result<Material, RecipeError> {
        if matches!(self.render.plates, Plates::Learn) {
            return Err(nonsense("--plates learn needs --footage: pictures have no past. Give a folder with pictures of the empty stage"));
        }
        let matched = rig::pictures::match_rig(&named_rig, folder)?;
        for notice in &matched.notices {
            tell(Told::Note(notice.clone()));
        }
        let moments = Moments::One(export::moment_of_pictures(&matched.rig, &matched.paths).map_err(export::ExportError::from)?);
        Ok(Material { rig: matched.rig, named_rig, files: matched.paths, moments, mark: MediaTime::ZERO, plates: vec![] })
    }

    fn footage(&self, named_rig: Rig, cancel: &CancelToken) -> Result<Material, RecipeError> {
        let at = self.source.at.as_ref().and_then(|at| at.parse().ok()).filter(|at: &f64| at.is_finite());
        let at = at.ok_or_else(|| nonsense("--at is missing or no number"))?;
        let mut footage = Footage::open_with_sound(&named_rig, &self.source.footage, self.source.sound(), at, span_of(self), cancel)?;
        let mark = footage.mark();
        for feed in footage.status() {
            tracing::info!(feed = %feed.name, codec = ?feed.codec, size = ?feed.size_px, frames = feed.received, "read");
        }
        let size_of = |camera: &str| footage.status().iter().find(|f| *f.name == *camera).and_then(|f| f.size_px);
        let rig = with_sizes(&named_rig, size_of);
        let span = footage.span();
        let plates = self.plates(&rig, &mut footage, span, cancel)?;
        let files = match_files(&named_rig, &self.source.footage)?;
        let (start, mark) = (footage.start(), MediaTime::from_nanos(mark - footage.start()));
        let moments = Moments::Any(Box::new(FromFirstFrame { footage, start }));
        Ok(Material { rig, named_rig, files, moments, mark, plates })
    }

    fn recording(&self, named_rig: Rig, folder: &std::path::Path, cancel: &CancelToken) -> Result<Material, RecipeError> {
        let span_secs = span_of(self);
        let mut recording = match (self.source.instant_nanos, &self.source.at) {
            (Some(nanos), _) => Recording::open_at(&named_rig, folder, MediaTime::from_nanos(nanos), span_secs)?,
            (None, Some(at)) => Recording::open(&named_rig, folder, at, span_secs)?,
            (None, None) => return Err(nonsense("--at is missing")),
        };
        let mark = recording.mark();
        let rig = with_sizes(&named_rig, |camera| recording.size_px(camera));
        let span = recording.span();
        let plates = self.plates(&rig, &mut recording, span, cancel)?;
        let secs = |secs: f64| mark.plus_nanos((secs.clamp(-1e6, 1e6) * 1e9).round() as i64);
        let files = recording.files(secs(span_secs.0), secs(span_secs.1));
        Ok(Material { rig, named_rig, files, moments: Moments::Any(Box::new(recording)), mark, plates })
    }

    /// Plates that are learned from the source's own past.
    fn plates(
        &self,
        rig: &Rig,
        source: &mut dyn MomentSource,
        (from, until): (MediaTime, MediaTime),
        cancel: &CancelToken,
    ) -> Result<Vec<plates::NamedPlate>, RecipeError> {
        let plates = match &self.render.plates {
            Plates::Off | Plates::Folder(_) => vec![],
            Plates::Auto if !plates::is_long_enough(from, until) => vec![],
            Plates::Auto | Plates::Learn => plates::learned(source, rig, (from, until), &mut || !cancel.is_cancelled())?,
        };
        if self.render.plates == Plates::Learn && plates.is_empty() {
            return Err(nonsense(
                "--plates learn: no camera has a plate; the warnings say why. Give longer footage, or a folder with pictures of the empty stage",
            ));
        }
        Ok(plates)
    }
}

impl Material {
    /// The size of the output: as the recipe says, or as the cameras' pictures and the crop allow.
    pub fn size_px(&self, recipe: &Recipe) -> Result<(u32, u32), RecipeError> {
        let own = self.rig.cameras.first().map_or((1920, 1080), |c| (c.width_px & !1, c.height_px & !1));
        match (recipe.output.crop, recipe.output.size_px) {
            (None, size) => Ok(size.map_or(own, |[w, h]| (w, h))),
            (Some(crop), None) => Ok(crop.within(own.0, own.1)),
            (Some(crop), Some([w, h])) if crop.is_of(w, h) => Ok((w, h)),
            (Some(crop), Some([w, h])) => {
                let (a, b) = crop.within(w, h);
                Err(RecipeError::Nonsense(format!("--size {w}x{h} is not {crop}. Write --size {a}x{b}, or leave --crop or --size out")))
            }
        }
    }

    /// What [`export::run`] takes; frames are put in time and gaps are measured, where the recipe asks for it.
    pub fn job(self, recipe: &Recipe, gpu: &Gpu, tell: &mut dyn FnMut(Told<'_>), cancel: &CancelToken) -> Result<ExportJob, RecipeError> {
        let (width_px, height_px) = self.size_px(recipe)?;
        let credentials = recipe.credentials()?;
        let Self { rig, moments, mark, plates, .. } = self;
        // Before the gaps are measured: they are to be judged by the pictures that are shown.
        let mut moments = retimed(recipe, gpu, &rig, moments, mark, tell, cancel)?;
        let gaps = if recipe.render.mode == Mode::Ladder {
            let gaps = gaps::measured(gpu, &rig, &mut moments, mark, &mut |share| {
                tell(Told::Progress("gaps", share));
                !cancel.is_cancelled()
            })?;
            tell(Told::Gaps(&rig, &gaps));
            gaps
        } else {
            vec![]
        };
        let phases = slices(recipe, &mut moments, mark, tell)?;
        let scene = recipe.render.quality.scene();
        for name in recipe.trims.names().filter(|name| rig.index_of(name).is_none()) {
            tell(Told::Note(format!("trims: there is no camera {name:?} in this export")));
        }
        Ok(ExportJob {
            rig,
            moments,
            path: recipe.path.clone(),
            mark,
            follow: recipe.output.crop.is_some(),
            mode: recipe.render.mode.everywhere().unwrap_or(ViewMode::Synthesis),
            gaps,
            scene: SceneOptions {
                max_depth_size_px: recipe.render.depth_size_px.or(scene.max_depth_size_px),
                matching: Match { level: recipe.render.matching.unwrap_or_default(), shading: !recipe.render.no_shading },
                ..scene
            },
            plates,
            phases,
            graphics: recipe.graphics.clone(),
            trims: recipe.trims.clone(),
            output: OutputSpec {
                path: recipe.output.file.clone(),
                width_px,
                height_px,
                rate: recipe.output.rate,
                codec: recipe.output.codec,
                threads: recipe.output.threads,
                overwrite: false,
                sidecar: recipe.output.sidecar.then(|| SidecarHeader { credentials, ..SidecarHeader::default() }),
                cancel: cancel.clone(),
            },
        })
    }
}

/// Footage whose times count from its first frame, so that the same files have the same times whenever they are read.
struct FromFirstFrame {
    footage: Footage,
    start: MediaTime,
}

impl FromFirstFrame {
    fn shifted(moment: &Moment, by_nanos: i64) -> Moment {
        let mut moment = moment.clone();
        moment.instant = moment.instant.plus_nanos(by_nanos);
        moment.frames.iter_mut().for_each(|f| f.time = f.time.plus_nanos(by_nanos));
        moment.others.iter_mut().flatten().for_each(|(_, time)| *time = time.plus_nanos(by_nanos));
        moment
    }
}

impl MomentSource for FromFirstFrame {
    fn sound(&self) -> Option<SourceSound> {
        self.footage.sound().map(|sound| SourceSound { offset_nanos: sound.offset_nanos + self.start.nanos(), ..sound })
    }

    fn moment_at(&mut self, instant: MediaTime) -> Result<Moment, String> {
        let start = self.start.nanos();
        Ok(Self::shifted(&self.footage.moment_at(instant.plus_nanos(start))?, -start))
    }

    fn other_side(&mut self, moment: &Moment) -> Vec<Option<(Arc<Picture>, MediaTime)>> {
        let start = self.start.nanos();
        let mut others = self.footage.other_side(&Self::shifted(moment, start));
        others.iter_mut().flatten().for_each(|(_, time)| *time = time.plus_nanos(-start));
        others
    }
}

fn nonsense(text: &str) -> RecipeError {
    RecipeError::Nonsense(text.to_owned())
}

/// Formats that do not say how large the pictures are learn it from the source.
fn with_sizes(rig: &Rig, size_of: impl Fn(&str) -> Option<(u32, u32)>) -> Rig {
    let mut rig = rig.clone();
    for camera in rig.cameras.iter_mut().filter(|c| c.width_px == 0 || c.height_px == 0) {
        if let Some((w, h)) = size_of(&camera.name) {
            (camera.width_px, camera.height_px) = (w, h);
        }
    }
    rig
}

/// The earliest and the latest instant of a path, seconds about the mark.
fn span_of(recipe: &Recipe) -> (f64, f64) {
    let instants = || recipe.path.keys.iter().map(|k| k.instant_secs).chain(recipe.render.slices_secs.iter().copied());
    (instants().fold(f64::MAX, f64::min), instants().fold(f64::MIN, f64::max))
}

/// The moments of the other instants of one picture.
fn slices(recipe: &Recipe, moments: &mut Moments, mark: MediaTime, tell: &mut dyn FnMut(Told<'_>)) -> Result<Vec<Moment>, RecipeError> {
    let wanted = &recipe.render.slices_secs;
    if wanted.is_empty() {
        return Ok(vec![]);
    }
    if wanted.len() > export::MOST_SLICES || wanted.iter().any(|s| !s.is_finite() || s.abs() > 600.0) {
        return Err(nonsense("--slices: at most 12 other instants, each within ten minutes of the mark"));
    }
    let Moments::Any(source) = moments else {
        return Err(nonsense("--slices needs --footage or --recording: pictures are of one instant"));
    };
    let at = |secs: &f64| mark.plus_nanos((secs * 1e9).round() as i64);
    let mut phases = vec![];
    for (k, secs) in wanted.iter().enumerate() {
        let instant = at(secs);
        let moment = source.moment_at(instant).map_err(|problem| export::ExportError::Moment { instant, problem })?;
        phases.push(moment);
        tell(Told::Progress("slices", (k + 1) as f32 / wanted.len() as f32));
    }
    Ok(phases)
}

/// The moments at their exact instants, where that is wanted and truer.
fn retimed(
    recipe: &Recipe,
    gpu: &Gpu,
    rig: &Rig,
    moments: Moments,
    mark: MediaTime,
    tell: &mut dyn FnMut(Told<'_>),
    cancel: &CancelToken,
) -> Result<Moments, RecipeError> {
    let policy = recipe.render.retime;
    let Moments::Any(mut source) = moments else {
        match policy {
            RetimePolicy::On => {
                return Err(nonsense(
                    "--retime on needs --footage or --recording: a single picture of each camera has no frame before and after it",
                ));
            }
            RetimePolicy::Auto => {
                tell(Told::Decision("retime: no, a single picture of each camera has no frame before and after it".to_owned()));
            }
            RetimePolicy::Off => {}
        }
        return Ok(moments);
    };
    if policy == RetimePolicy::Off {
        return Ok(Moments::Any(source));
    }
    // Real pixels only is a promise.
    if recipe.render.mode == Mode::Nearest {
        tell(Told::Decision("retime: no, --mode nearest promises real pixels only".to_owned()));
        return Ok(Moments::Any(source));
    }
    if policy == RetimePolicy::Auto {
        let verdict = retime::measured(gpu, rig, source.as_mut(), mark, retime::IN_TIME_NANOS, &mut |share| {
            tell(Told::Progress("in time?", share));
            !cancel.is_cancelled()
        })?;
        let worst_ms = verdict.worst_error_nanos as f64 * 1e-6;
        tell(Told::Decision(match verdict.scores_db {
            None => format!("retime: no need, the farthest frame is {worst_ms:.2} ms from the instant"),
            Some((nearest, exact)) => format!(
                "retime: {}, the farthest frame is {worst_ms:.2} ms from the instant; hidden cameras {nearest:.2} dB from nearest frames, {exact:.2} dB from interpolated ones",
                if verdict.pays() { "yes" } else { "no" }
            ),
        }));
        if !verdict.pays() {
            return Ok(Moments::Any(source));
        }
    }
    Ok(Moments::Any(Box::new(RetimedSource::new(gpu, source)?)))
}
