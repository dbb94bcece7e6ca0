//! The trims of the match among what the operator edits.
//!
//! Must not know: what they do to pictures.

use super::Transport;
use crate::replay::{
    edit::Change,
    trim::{TrimEdit, TrimList},
};

impl Transport {
    /// The trims.
    pub const fn trims(&self) -> &TrimList {
        &self.trims
    }

    /// Takes over the trims of an earlier session; that is no edit.
    pub fn restore_trims(&mut self, list: TrimList) {
        self.trims = list;
    }

    /// Changes a camera's trim; can be taken back.
    pub fn edit_trim(&mut self, camera: &str, edit: &TrimEdit) {
        let before = self.trims.clone();
        self.trims.edit(camera, edit);
        self.history.push(Change::Trims { before, after: self.trims.clone() });
    }
}
