//! What the operator makes outlives the session: the playlist and own templates, read at the start, written when they change.
//!
//! Must not know: how files are written.

use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
};

use super::{Director, NoticeLevel, lists};
use crate::{
    engine::{
        ConsoleLook, DeskFiles,
        desk::{self, Writer},
        rig_book::is_placed,
    },
    replay::{
        path::{Path, PathError, Track},
        playlist::{Playlist, Template},
    },
    ring::disk::DiskState,
    time::MediaTime,
};

/// The longest name, characters.
const LONGEST_NAME: usize = 80;

/// What is kept, and where.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub(super) files: DeskFiles,
    pub(super) writer: Option<Writer>,
    /// The playlist as it is in its file.
    kept: Playlist,
    /// Own templates by name, with their files.
    templates: Vec<(String, PathBuf)>,
    /// Own paths as they are in their files, by name.
    paths: BTreeMap<String, (PathBuf, Path)>,
    /// The number of edits and the path chosen when they were last looked at.
    looked: (usize, Option<Path>),
    /// How the console was left.
    look: ConsoleLook,
    /// What was last told of writing.
    told: Option<String>,
}

impl Desk {
    pub fn new(files: DeskFiles) -> Self {
        Self { files, ..Self::default() }
    }
}

/// A name as it may stand in a list.
fn tidy(name: &str) -> String {
    let name: String = name.trim().chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    name.trim().to_owned()
}

impl Director {
    /// Takes over what was kept. Events come first: elements without their event have nothing to show.
    pub(super) fn restore_desk(&mut self) {
        if self.desk.files != DeskFiles::default() {
            match Writer::start() {
                Ok(writer) => self.desk.writer = Some(writer),
                Err(e) => self.warn(format!("Playlist and templates are not kept: {e}. Restart Volte")),
            }
        }
        self.restore_look();
        self.restore_templates();
        self.restore_paths();
        self.restore_graphics();
        self.restore_trims();
        self.restore_playlist();
    }

    fn look_file(&self) -> Option<PathBuf> {
        self.desk.files.folder.as_ref().map(|f| f.join("console.toml"))
    }

    /// How the console was left; what is not understood is put aside, so that nothing overwrites it.
    fn restore_look(&mut self) {
        let Some(file) = self.look_file() else { return };
        let read = match desk::read(&file) {
            Ok(None) => return,
            Ok(Some(text)) => ConsoleLook::from_toml(&text),
            Err(why) => Err(why),
        };
        match read {
            Ok(look) => self.desk.look = look,
            Err(why) => match desk::put_aside(&file, "unreadable") {
                Ok(aside) => self.warn(format!(
                    "The console opens as at first: how it was left is not taken over ({why}). As it was, it is kept in {}",
                    aside.display()
                )),
                Err(e) => self.warn(format!(
                    "The console opens as at first: how it was left is not taken over ({why}). {} cannot be put aside ({e}); move the file",
                    file.display()
                )),
            },
        }
    }

    /// How the console was left when it was last written down.
    pub(in crate::engine) const fn console_look(&self) -> ConsoleLook {
        self.desk.look
    }

    /// Writes down how the console is arranged now.
    pub(super) fn keep_look(&mut self, look: ConsoleLook) {
        let (Some(writer), Some(file)) = (&self.desk.writer, self.look_file()) else { return };
        if look == self.desk.look {
            return;
        }
        self.desk.look = look;
        match look.to_toml() {
            Ok(text) => writer.post_latest(file, text),
            Err(e) => tracing::error!(%e, "how the console is arranged cannot be written"),
        }
    }

    fn restore_templates(&mut self) {
        let Some(folder) = self.desk.files.folder.as_ref().map(|f| f.join("templates")) else { return };
        for (file, text) in desk::read_folder(&folder) {
            let read = text.and_then(|text| Template::from_toml(&text).map_err(|e| e.to_string()));
            match read {
                Ok(template) if self.desk.templates.iter().any(|(name, _)| *name == template.name) => self.warn(format!(
                    "The template {} is left out: another file has one of the name {:?}. Rename or remove one of them",
                    file.display(),
                    template.name
                )),
                Ok(template) => {
                    self.desk.templates.push((template.name.clone(), file));
                    self.put_template(template);
                }
                Err(why) => self.warn(format!("The template {} is left out: {why}. Mend or remove the file", file.display())),
            }
        }
    }

    /// Own paths; before there is a rig they have no place.
    pub(super) fn restore_paths(&mut self) {
        if !is_placed(&self.watch.rig_now()) {
            return;
        }
        let Some(folder) = self.desk.files.folder.as_ref().map(|f| f.join("paths")) else { return };
        for (file, text) in desk::read_folder(&folder) {
            let path = text.and_then(|text| Path::from_toml(&text).map_err(|e| e.to_string()));
            if let Err(why) = path.and_then(|path| self.restore_path(path, file.clone()).map_err(|e| e.to_string())) {
                self.warn(format!("The path {} is left out: {why}. Mend or remove the file", file.display()));
            }
        }
    }

    /// Names of cameras and angles become places of this rig's arc.
    fn restore_path(&mut self, path: Path, file: PathBuf) -> Result<(), PathError> {
        let places = Track::new(&path, &self.watch.rig_now(), MediaTime::ZERO, 16, 9)?.key_positions();
        self.transport.restore_path(path.placed(&places))?;
        if let Some(path) = self.transport.paths().paths().last() {
            self.desk.paths.insert(path.name.clone(), (file, path.clone()));
        }
        Ok(())
    }

    /// Writes down which own paths are new, changed and gone.
    fn keep_paths(&mut self) {
        let looked = (self.transport.edits(), self.transport.paths().chosen().cloned());
        if looked == self.desk.looked {
            return;
        }
        self.desk.looked = looked;
        self.path_changed();
        let (Some(writer), Some(folder)) = (&self.desk.writer, self.desk.files.folder.as_ref().map(|f| f.join("paths"))) else { return };
        let list = self.transport.paths();
        let gone: Vec<String> = self.desk.paths.keys().filter(|name| list.named(name).is_none()).cloned().collect();
        for name in gone {
            if let Some((file, _)) = self.desk.paths.remove(&name) {
                writer.remove_latest(file);
            }
        }
        for path in list.paths() {
            if self.desk.paths.get(&path.name).is_some_and(|(_, kept)| kept == path) {
                continue;
            }
            let taken: Vec<(String, PathBuf)> = self.desk.paths.iter().map(|(name, (file, _))| (name.clone(), file.clone())).collect();
            let file = desk::file_for(&folder, &path.name, &taken);
            match path.to_toml() {
                Ok(text) => writer.post_latest(file.clone(), text),
                Err(e) => tracing::error!(%e, "a path cannot be written"),
            }
            self.desk.paths.insert(path.name.clone(), (file, path.clone()));
        }
    }

    fn restore_playlist(&mut self) {
        let Some(file) = self.desk.files.playlist.clone() else { return };
        if self.feeds.ring().disk.state == DiskState::Failed {
            // Its events are not known, and somebody else may be writing there.
            self.desk.files.playlist = None;
            return self
                .warn("Recording did not begin, so this session's playlist is not kept, and that of the folder stays as it is".to_owned());
        }
        let read = match desk::read(&file) {
            Ok(None) => return,
            Ok(Some(text)) => Playlist::from_toml(&text, self.transport.events()).map_err(|e| e.to_string()),
            Err(why) => Err(why),
        };
        // What is not taken over as a whole is put aside first, so that the next change does not overwrite it.
        let (why, what) = match &read {
            Ok((_, 0)) => (None, String::new()),
            Ok((_, left_out)) => (
                Some("earlier"),
                format!("{left_out} elements of the playlist show events that are not recorded any more; they are left out"),
            ),
            Err(problem) => (Some("unreadable"), format!("The playlist in {} is not taken over: {problem}", file.display())),
        };
        if let Some(why) = why {
            match desk::put_aside(&file, why) {
                Ok(aside) => self.warn(format!("{what}. As it was, it is kept in {}", aside.display())),
                Err(e) => {
                    // Rather nothing is kept than something lost.
                    self.desk.files.playlist = None;
                    return self
                        .warn(format!("{what}. It cannot be put aside ({e}), so this session's playlist is not kept. Move the file"));
                }
            }
        }
        if let Ok((list, _)) = read {
            let count = list.elements().len();
            self.transport.restore_playlist(list);
            self.desk.kept = if why.is_none() { self.transport.playlist().clone() } else { Playlist::default() };
            if count > 0 {
                self.notice(NoticeLevel::Info, format!("The playlist is there again: {count} elements"));
            }
        }
        self.keep_desk();
    }

    /// Writes down what has changed.
    pub(super) fn keep_desk(&mut self) {
        self.keep_paths();
        self.keep_graphics();
        self.keep_trims();
        if let (Some(writer), Some(file)) = (&self.desk.writer, &self.desk.files.playlist)
            && *self.transport.playlist() != self.desk.kept
        {
            self.desk.kept = self.transport.playlist().clone();
            writer.post_latest(file.clone(), self.desk.kept.to_toml());
        }
    }

    /// Says once what is wrong with writing.
    pub(super) fn tell_desk(&mut self) {
        let problem = self.desk.writer.as_ref().and_then(Writer::problem);
        if problem != self.desk.told {
            if let Some(problem) = &problem {
                self.warn(problem.clone());
            }
            self.desk.told = problem;
        }
    }

    /// Puts a template in the place of the one of its name, or at the end; where it is.
    fn put_template(&mut self, template: Template) -> usize {
        if let Some(at) = self.templates.iter().position(|t| t.name == template.name) {
            self.templates[at] = template;
            return at;
        }
        self.templates.push(template);
        self.templates.len() - 1
    }

    /// Makes a template of the playlist, chooses and keeps it.
    pub(super) fn save_template(&mut self, name: &str) {
        let name = tidy(name);
        if self.transport.playlist().elements().is_empty() {
            return self
                .warn("The playlist is empty: there is nothing to make a template of. ADD (A) puts the prepared event into it".to_owned());
        }
        if name.is_empty() {
            return self.warn("A template needs a name. Type one, then Enter".to_owned());
        }
        let built_in: HashSet<String> = lists::templates().into_iter().map(|t| t.name).collect();
        if built_in.contains(&name) {
            return self.warn(format!("{name:?} is a template that comes with the program. Choose another name"));
        }
        let events = self.transport.events();
        let template = Template::of_list(&name, self.transport.playlist(), |e| events.get(e.event));
        let text = template.to_toml();
        self.chosen_template = self.put_template(template);
        let folder = self.desk.files.folder.as_ref().map(|f| f.join("templates"));
        let (Some(folder), Some(writer)) = (folder, &self.desk.writer) else {
            let hint = "Open a show file, or give --desk FOLDER, to keep it";
            return self.notice(NoticeLevel::Info, format!("Template {name:?} is there until Volte ends. {hint}"));
        };
        let file = desk::file_for(&folder, &name, &self.desk.templates);
        writer.post_latest(file.clone(), text);
        self.desk.templates.retain(|(n, _)| *n != name);
        let kept = format!("Template {name:?} is kept in {}", file.display());
        self.desk.templates.push((name, file));
        self.notice(NoticeLevel::Info, kept);
    }
}
