//! How the cameras differ in exposure and white, and what is made of it: what the last solve measured, the operator's choice, and
//! the word on a camera that is far off.
//!
//! Must not know: how exposures are measured.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use super::Director;
use crate::{
    engine::{NoticeLevel, desk},
    replay::trim::{TrimEdit, TrimList},
    scene::{Match, Matching, Shading},
};

/// A camera that is off by more than this is told, stops (green) and stops of red and blue against green.
const FAR_EV: f32 = 0.5;
const FAR_WHITE: f32 = 0.2;

/// What is known of the cameras' exposures.
#[derive(Debug, Default)]
pub(in crate::engine) struct MatchState {
    pub choice: Match,
    /// By index in the rig.
    exposures: Vec<Option<[f32; 3]>>,
    /// What the operator adds by hand, as it is in its file; its number changes with it.
    pub trims: Arc<TrimList>,
    pub trims_number: u64,
    /// The file has trims that could not be read nor put aside: it stays as it is.
    is_locked: bool,
    shadings: BTreeMap<usize, Shading>,
    /// Cameras that were told.
    told: Vec<usize>,
}

impl MatchState {
    pub fn new(choice: Match) -> Self {
        Self { choice, ..Self::default() }
    }

    /// A camera's exposure about the middle of all, stops per channel, once it was measured.
    pub fn exposure(&self, camera: usize) -> Option<[f32; 3]> {
        self.exposures.get(camera).copied().flatten()
    }

    /// What lens and response of cameras make of the light, by the last solve.
    pub fn set_shadings(&mut self, shadings: Vec<(usize, Shading)>) {
        self.shadings.extend(shadings);
    }

    /// The same of one camera; `None` where it is like the others.
    pub fn shading(&self, camera: usize) -> Option<Shading> {
        self.shadings.get(&camera).copied().filter(|s| !s.is_none())
    }
}

/// Whether a camera is far off, and how, in words.
fn far_off([red, green, blue]: [f32; 3]) -> Option<String> {
    let (red, blue) = (red - green, blue - green);
    if green.abs() > FAR_EV {
        let stops = green.abs();
        Some(if green > 0.0 {
            format!("{stops:.1} stops brighter than the others")
        } else {
            format!("{stops:.1} stops darker than the others")
        })
    } else if red.abs().max(blue.abs()) > FAR_WHITE {
        Some(if red > blue { "of a redder white than the others".to_owned() } else { "of a bluer white than the others".to_owned() })
    } else {
        None
    }
}

impl Director {
    /// A solve has measured exposures.
    pub(super) fn matched(&mut self, exposures: Vec<(usize, [f32; 3])>) {
        self.matching.exposures.resize(self.feeds.rig().cameras.len(), None);
        for (camera, stops) in exposures {
            let Some(place) = self.matching.exposures.get_mut(camera) else { continue };
            *place = Some(stops);
            let is_told = self.matching.told.contains(&camera);
            match far_off(stops) {
                Some(how) if !is_told => {
                    self.matching.told.push(camera);
                    let name = self.feeds.rig().cameras[camera].name.clone();
                    let made = match self.matching.choice.level {
                        Matching::Glide => "Views between the cameras go over from one to the other; `match common` holds one level",
                        Matching::Common => "Views hold one level",
                        Matching::Off => "Views show it as it is; `match glide` or `match common` helps",
                    };
                    self.notice(NoticeLevel::Info, format!("{name} is {how}: set its exposure and white like theirs. {made}"));
                }
                None if is_told => self.matching.told.retain(|c| *c != camera),
                _ => {}
            }
        }
    }

    /// The operator's choice; without one the next.
    pub(super) fn choose_matching(&mut self, chosen: Option<Matching>) {
        let now = Matching::ALL.iter().position(|m| *m == self.matching.choice.level).unwrap_or(0);
        self.matching.choice.level = chosen.unwrap_or(Matching::ALL[(now + 1) % Matching::ALL.len()]);
        self.notice(
            NoticeLevel::Info,
            match self.matching.choice.level {
                Matching::Glide => "Match: the view glides from each camera's exposure and white to the next one's".to_owned(),
                Matching::Common => "Match: all views have the exposure and white in the middle of all cameras".to_owned(),
                Matching::Off => "Match is off: cameras are blended as they are".to_owned(),
            },
        );
    }

    /// Whether rims and responses are evened out; without a word the other way.
    pub(super) fn choose_shading(&mut self, chosen: Option<bool>) {
        self.matching.choice.shading = chosen.unwrap_or(!self.matching.choice.shading);
        self.notice(
            NoticeLevel::Info,
            if self.matching.choice.shading {
                "Shading is on: the match evens out dark corners and responses of the cameras' own".to_owned()
            } else {
                "Shading is off: dark corners and responses stay as the cameras have them".to_owned()
            },
        );
    }
}

impl Director {
    fn trims_file(&self) -> Option<PathBuf> {
        self.desk.files.folder.as_ref().map(|folder| folder.join("trims.toml"))
    }

    /// Changes the trim of a camera.
    pub(super) fn trim_match(&mut self, camera: &str, edit: &TrimEdit) {
        if self.feeds.rig().index_of(camera).is_none() {
            return self.warn(format!("There is no camera {camera:?} to trim. Its name is the one in the camera list"));
        }
        self.transport.edit_trim(camera, edit);
        self.keep_trims();
    }

    /// Takes over the trims of an earlier session.
    pub(super) fn restore_trims(&mut self) {
        let Some(file) = self.trims_file() else { return };
        let read = match desk::read(&file) {
            Ok(None) => return,
            Ok(Some(text)) => TrimList::from_toml(&text),
            Err(why) => Err(why),
        };
        match read {
            Ok(list) => {
                let has = |name: &&str| !list.of(name).is_none();
                let names: Vec<&str> = self.feeds.rig().cameras.iter().map(|c| c.name.as_str()).filter(has).collect();
                if !names.is_empty() {
                    let text = format!(
                        "Trims of an earlier session are added to the match of {}. `match trim CAMERA reset` takes them off",
                        names.join(", ")
                    );
                    self.notice(NoticeLevel::Info, text);
                }
                self.matching.trims = Arc::new(list.clone());
                self.matching.trims_number += 1;
                self.transport.restore_trims(list);
            }
            Err(why) => match desk::put_aside(&file, "unreadable") {
                Ok(aside) => self.warn(format!("The trims of the match are left out: {why}. They are kept in {}", aside.display())),
                Err(e) => {
                    self.matching.is_locked = true;
                    self.warn(format!(
                        "The trims of the match are left out: {why}. {} cannot be put aside ({e}) and stays as it is: trims of this session are not kept. Mend or move that file",
                        file.display()
                    ));
                }
            },
        }
    }

    /// What was edited, undone or redone counts from now on and is written down.
    pub(super) fn keep_trims(&mut self) {
        if *self.transport.trims() == *self.matching.trims {
            return;
        }
        self.matching.trims = Arc::new(self.transport.trims().clone());
        self.matching.trims_number += 1;
        if self.matching.is_locked {
            return;
        }
        if let (Some(file), Some(writer)) = (self.trims_file(), &self.desk.writer) {
            writer.post_latest(file, self.matching.trims.to_toml());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_that_is_far_off_is_told_how() {
        assert_eq!(far_off([0.3, 0.3, 0.3]), None);
        assert_eq!(far_off([0.9, 0.8, 0.7]).as_deref(), Some("0.8 stops brighter than the others"));
        assert_eq!(far_off([-0.9, -0.8, -0.7]).as_deref(), Some("0.8 stops darker than the others"));
        assert_eq!(far_off([0.2, 0.1, -0.2]).as_deref(), Some("of a redder white than the others"));
        assert_eq!(far_off([-0.2, 0.0, 0.25]).as_deref(), Some("of a bluer white than the others"));
    }
}
