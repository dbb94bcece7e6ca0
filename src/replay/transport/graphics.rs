//! The graphics among what the operator edits.
//!
//! Must not know: how they are drawn.

use super::Transport;
use crate::replay::{
    edit::Change,
    graphics::{GraphicEdit, GraphicList, GraphicsError},
};

impl Transport {
    /// The graphics.
    pub const fn graphics(&self) -> &GraphicList {
        &self.graphics
    }

    /// Takes over the graphics of an earlier session; that is no edit.
    pub fn restore_graphics(&mut self, list: GraphicList) {
        self.graphics = list;
    }

    /// Changes the graphics; can be taken back.
    pub fn edit_graphics(&mut self, edit: &GraphicEdit) -> Result<(), GraphicsError> {
        let before = self.graphics.clone();
        self.graphics.apply(edit)?;
        self.history.push(Change::Graphics { before, after: self.graphics.clone() });
        Ok(())
    }
}
