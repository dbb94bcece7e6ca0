//! Recipes: an export as a small text that says everything, so that it can be rendered again, to the same bytes.
//!
//! A recipe names its rig and its sources with their SHA-256, the instant, the path, and how to render and to write. What the command line
//! asks for is a recipe too, so nothing can be asked for that a recipe does not say. Must not know: windows, command lines, how to render.

mod material;
mod part;

pub use material::{Material, Told};
pub use part::{Mode, OutputPart, Plates, RenderPart, RigPart, SourceFile, SourcePart};

use std::{
    io::Write as _,
    path::{Path as FilePath, PathBuf},
};

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::{
    MADE_BY,
    export::{ExportError, ExportJob},
    footage::FootageError,
    recording::RecordingError,
};
use crate::{
    output::{Credentials, OutputError, sha256_of_bytes, sha256_of_file},
    replay::{
        graphics::{Graphic, GraphicList, GraphicsError},
        path::{Path, PathError},
        trim::TrimList,
    },
    rig::{self, NoSuchCamera, Rig, RigError, pictures::PicturesError},
};

/// Version of the text that this program reads and writes.
pub const RECIPE_VERSION: u32 = 1;

/// What can go wrong with a recipe, or with what it names.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// The file cannot be read or written.
    #[error("cannot {action} the recipe {}: {source}", file.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The recipe.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The text is no recipe.
    #[error("{} is no recipe of this program: {source}", file.display())]
    Syntax {
        /// The recipe.
        file: PathBuf,
        /// What is wrong where.
        source: Box<toml::de::Error>,
    },
    /// Made by another version of the text.
    #[error("{} is a recipe of version {found}, this program reads version {RECIPE_VERSION}. Write it again with this program", file.display())]
    Version {
        /// The recipe.
        file: PathBuf,
        /// Its version.
        found: u32,
    },
    /// It cannot be written as text.
    #[error("the recipe cannot be written as text: {0}")]
    Text(#[from] toml::ser::Error),
    /// Its sources are others than it lists.
    #[error("the recipe lists its sources by hash, and {} is one that {what}. Remove the lines [[source.file]] to render with other sources", file.display())]
    Unlisted {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Something that it names is not there.
    #[error("the recipe was made with {}, which is not there. Put it back, or change its place in the recipe", file.display())]
    Missing {
        /// The file or folder.
        file: PathBuf,
    },
    /// Something that it names is another by now.
    #[error(
        "{what} is not what the recipe was made with (SHA-256 {found}, the recipe says {wanted}). Put the original back; to render with it as \
         it is, take its line sha256 out of the recipe"
    )]
    Changed {
        /// The file, or the rig.
        what: String,
        /// Its hash now.
        found: String,
        /// The recipe's.
        wanted: String,
    },
    /// It asks for something that does not go together.
    #[error("{0}")]
    Nonsense(String),
    /// The rig.
    #[error(transparent)]
    Rig(#[from] RigError),
    /// A camera that the rig has not.
    #[error("use: {0}")]
    Camera(#[from] NoSuchCamera),
    /// The pictures.
    #[error(transparent)]
    Pictures(#[from] PicturesError),
    /// The footage.
    #[error(transparent)]
    Footage(#[from] FootageError),
    /// The recording.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The path.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The graphics.
    #[error(transparent)]
    Graphics(#[from] GraphicsError),
    /// The output.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// Rendering what must be known first.
    #[error(transparent)]
    Export(#[from] ExportError),
}

/// An export as a text.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// [`RECIPE_VERSION`].
    pub version: u32,
    /// The program and its version that made it.
    pub made_by: String,
    /// The GPU that rendered it: on another one pictures differ in their last bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter: Option<String>,
    /// The cameras.
    pub rig: RigPart,
    /// What they saw, and when.
    pub source: SourcePart,
    /// How to render.
    pub render: RenderPart,
    /// What to write.
    pub output: OutputPart,
    /// The way of the virtual camera.
    pub path: Path,
    /// What is drawn into the scene and on top.
    #[serde(default, rename = "graphic", skip_serializing_if = "Vec::is_empty")]
    pub graphics: Vec<Graphic>,
    /// What is added by hand to the match, by camera.
    #[serde(default, skip_serializing_if = "TrimList::is_empty")]
    pub trims: TrimList,
}

impl Recipe {
    /// Reads a recipe; places in it count from its own folder.
    pub fn read(file: &FilePath) -> Result<Self, RecipeError> {
        #[derive(serde::Deserialize)]
        struct Head {
            version: Option<u32>,
        }
        let io = |source| RecipeError::File { action: "read", file: file.to_owned(), source };
        let text = std::fs::read_to_string(file).map_err(io)?;
        // The version first: a text of another version may have other fields, and its version is the better message.
        if let Ok(Head { version: Some(found) }) = toml::from_str::<Head>(&text)
            && found != RECIPE_VERSION
        {
            return Err(RecipeError::Version { file: file.to_owned(), found });
        }
        let mut recipe: Self =
            toml::from_str(&text).map_err(|source| RecipeError::Syntax { file: file.to_owned(), source: Box::new(source) })?;
        recipe.path.check()?;
        recipe.trims = recipe.trims.bounded();
        recipe.graphics = GraphicList::of(recipe.graphics)?.all().to_vec();
        let folder = folder_of(file).map_err(io)?;
        recipe.each_place(&mut |place| *place = folder.join(&*place));
        Ok(recipe)
    }

    /// Writes it, whole or not at all; what lies in its folder is named from there.
    pub fn write(&self, file: &FilePath, overwrite: bool) -> Result<(), RecipeError> {
        let io = |source| RecipeError::File { action: "write", file: file.to_owned(), source };
        if !overwrite && file.symlink_metadata().is_ok() {
            return Err(OutputError::Exists { path: file.to_owned() }.into());
        }
        let folder = folder_of(file).map_err(io)?;
        let mut recipe = self.clone();
        recipe.each_place(&mut |place| {
            if let Ok(inside) = place.strip_prefix(&folder) {
                *place = inside.to_owned();
            }
        });
        let text = toml::to_string(&recipe)?;
        let text = format!("# An export as a text. Render it again with: volte export {}\n{text}", name_of(file));
        let part = file.with_file_name(format!(".{}.part", name_of(file)));
        let written = std::fs::File::create(&part)
            .and_then(|mut f| f.write_all(text.as_bytes()).and_then(|()| f.sync_all()))
            .and_then(|()| std::fs::rename(&part, file));
        if written.is_err() {
            // The first error is the one to tell.
            std::fs::remove_file(&part).ok();
        }
        written.map_err(io)
    }

    /// All places that it names.
    fn each_place(&mut self, change: &mut dyn FnMut(&mut PathBuf)) {
        change(&mut self.rig.file);
        change(&mut self.output.file);
        self.output.credentials.iter_mut().flat_map(|c| [&mut c.certificates, &mut c.key]).for_each(&mut *change);
        self.source.pictures.iter_mut().for_each(&mut *change);
        self.source.recording.iter_mut().for_each(&mut *change);
        self.source.footage.iter_mut().for_each(&mut *change);
        self.source.files.iter_mut().for_each(|f| change(&mut f.file));
        self.graphics.iter_mut().filter_map(|g| g.file.as_mut()).for_each(&mut *change);
        if let Plates::Folder(folder) = &mut self.render.plates {
            change(folder);
        }
    }

    /// The rig with the cameras that are used; an error where it is another than the recipe was made with.
    pub fn rig(&self) -> Result<Rig, RecipeError> {
        if self.rig.sha256.is_some() && !self.rig.file.exists() {
            return Err(RecipeError::Missing { file: self.rig.file.clone() });
        }
        let rig = rig::load(&self.rig.file)?.only(&self.rig.cameras)?;
        same(&format!("the rig {}", self.rig.file.display()), self.rig.sha256.as_deref(), &hash_of_rig(&rig))?;
        Ok(rig)
    }

    /// Certificates and key of the output, tried; an error where they sign nothing that is accepted, or its file cannot carry them.
    pub fn credentials(&self) -> Result<Option<Credentials>, RecipeError> {
        let Some(files) = &self.output.credentials else { return Ok(None) };
        let checked = Credentials::check(&self.output.file, self.output.sidecar).and_then(|()| Credentials::open(files));
        Ok(Some(checked.map_err(OutputError::from)?))
    }

    /// Whether all files that it was made with are there and are the same.
    pub fn check_sources(&self) -> Result<(), RecipeError> {
        let check = |wanted: &SourceFile| {
            if !wanted.file.exists() {
                return Err(RecipeError::Missing { file: wanted.file.clone() });
            }
            let Some(sha256) = &wanted.sha256 else { return Ok(()) };
            same(&wanted.file.display().to_string(), Some(sha256), &sha256_of_file(&wanted.file)?)
        };
        self.source.files.par_iter().try_for_each(check)
    }

    /// Whether the files that were found are those that it was made with: an error names one that is not.
    pub fn check_found(&self, found: &[PathBuf]) -> Result<(), RecipeError> {
        let listed: std::collections::BTreeSet<PathBuf> = self.source.files.iter().map(|f| absolute(&f.file)).collect();
        let found: std::collections::BTreeSet<PathBuf> = found.iter().map(|f| absolute(f)).collect();
        if listed.is_empty() {
            return Ok(());
        }
        match (listed.difference(&found).next(), found.difference(&listed).next()) {
            (None, None) => Ok(()),
            (Some(file), _) => {
                Err(RecipeError::Unlisted { file: file.clone(), what: "it was made with, and its sources are elsewhere now" })
            }
            (None, Some(file)) => Err(RecipeError::Unlisted { file: file.clone(), what: "it was not made with, and its sources have" }),
        }
    }

    /// The recipe with what was found out since it was asked for: hashes of the rig and of the sources, the instant, and all that had been
    /// left to be chosen.
    pub fn stamped(&self, rig: &Rig, files: &[PathBuf], job: &ExportJob, adapter: &str) -> Result<Self, RecipeError> {
        let stamp = |file: &PathBuf| {
            let bytes = std::fs::metadata(file).map_err(|e| RecipeError::File { action: "read for", file: file.clone(), source: e })?.len();
            Ok(SourceFile { file: absolute(file), bytes, sha256: Some(sha256_of_file(file)?) })
        };
        let mut recipe = self.clone();
        recipe.version = RECIPE_VERSION;
        MADE_BY.clone_into(&mut recipe.made_by);
        recipe.adapter = Some(adapter.to_owned());
        recipe.rig.sha256 = Some(hash_of_rig(rig));
        recipe.source.files = files.par_iter().map(stamp).collect::<Result<_, RecipeError>>()?;
        if recipe.source.recording.is_some() {
            recipe.source.instant_nanos = Some(job.mark.nanos());
        }
        recipe.output.size_px = Some([job.output.width_px, job.output.height_px]);
        let (_, codec) = crate::output::container_and_codec(&job.output.path, job.output.codec)?;
        recipe.output.codec = Some(codec);
        recipe.output.settings = Some(codec.settings().to_owned());
        recipe.output.threads = job.output.threads;
        Ok(recipe)
    }
}

/// The file's folder, from the root of the disk.
fn folder_of(file: &FilePath) -> std::io::Result<PathBuf> {
    let file = std::path::absolute(file)?;
    Ok(file.parent().map_or_else(|| PathBuf::from("/"), FilePath::to_owned))
}

/// The same place from the root of the disk.
pub fn absolute(place: &FilePath) -> PathBuf {
    std::path::absolute(place).unwrap_or_else(|_| place.to_owned())
}

fn name_of(file: &FilePath) -> String {
    file.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned())
}

/// Of the calibration itself, whatever file format it came in.
fn hash_of_rig(rig: &Rig) -> String {
    sha256_of_bytes(rig::formats::text_of_rig(rig).as_bytes())
}

fn same(what: &str, wanted: Option<&str>, found: &str) -> Result<(), RecipeError> {
    match wanted {
        Some(wanted) if !wanted.eq_ignore_ascii_case(found) => {
            let short = |hash: &str| hash.chars().take(16).collect::<String>();
            Err(RecipeError::Changed { what: what.to_owned(), found: short(found), wanted: short(wanted) })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        replay::{
            graphics::GraphicKind,
            path::{Preset, PresetOptions},
        },
        scene::Quality,
        time::FrameRate,
    };

    pub(super) fn recipe(folder: &FilePath) -> Recipe {
        Recipe {
            version: RECIPE_VERSION,
            made_by: MADE_BY.to_owned(),
            adapter: None,
            rig: RigPart { file: folder.join("rig.toml"), sha256: None, cameras: vec!["a".into()] },
            source: SourcePart {
                footage: vec![folder.join("films"), "/elsewhere/b.mp4".into()],
                at: Some("1.5".into()),
                ..SourcePart::default()
            },
            render: RenderPart { quality: Quality::Hero, plates: Plates::Folder(folder.join("empty")), ..RenderPart::default() },
            output: OutputPart { rate: FrameRate::new(60000, 1001).unwrap(), ..OutputPart::new(folder.join("a.mp4")) },
            path: Preset::Bounce.path(&PresetOptions::default()).about([1.0, 2.0, 3.0]),
            graphics: GraphicList::of(vec![
                Graphic::new(GraphicKind::Line, vec![[0.0; 3], [1.0, 2.5, 0.0]]),
                Graphic { file: Some(folder.join("bug.png")), ..Graphic::new(GraphicKind::Bug, vec![]) },
            ])
            .unwrap()
            .all()
            .to_vec(),
            trims: TrimList::from_toml("[a]\nev = 0.5\nvignette = 0.25\n").unwrap(),
        }
    }

    #[test]
    fn a_recipe_is_read_as_it_was_written_wherever_it_lies() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("old"), dir.path().join("new"));
        std::fs::create_dir_all(&old).unwrap();
        recipe(&old).write(&old.join("a.toml"), false).unwrap();
        assert_eq!(Recipe::read(&old.join("a.toml")).unwrap(), recipe(&old));
        assert!(matches!(recipe(&old).write(&old.join("a.toml"), false), Err(RecipeError::Output(OutputError::Exists { .. }))));
        // What lies beside it moves with it.
        std::fs::rename(&old, &new).unwrap();
        assert_eq!(Recipe::read(&new.join("a.toml")).unwrap(), recipe(&new));
        let text = std::fs::read_to_string(new.join("a.toml")).unwrap();
        assert!(text.contains("60000/1001") && !text.contains("old"), "{text}");
    }

    #[test]
    fn what_is_no_recipe_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.toml");
        let told = |text: &str| {
            std::fs::write(&file, text).unwrap();
            Recipe::read(&file).unwrap_err().to_string()
        };
        assert!(told("version = 9").contains("version 9"));
        assert!(told("version = 1\nspeling = 2").contains("a.toml"));
        assert!(Recipe::read(&dir.path().join("none.toml")).unwrap_err().to_string().contains("none.toml"));
    }
}
