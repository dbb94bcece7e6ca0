//! A calibration while the show runs: begun, finished, saved and put away by the operator. The thread that looks is left to itself: neither
//! program nor preview waits for it.
//!
//! Must not know: how a board is found, how a rig is solved.

use std::{path::PathBuf, sync::Arc, thread};

use super::{Director, NoticeLevel};
use crate::{
    calibrate::board::Board,
    engine::{
        CalibrateOrder, CalibrationStage, CalibrationView,
        board_thread::{self, BoardDesk},
        export_thread::ExportNews,
    },
    rig::{self, Format, Rig},
};

/// Instead of a file: no lens is known.
const NO_LENSES: &str = "none";

/// A calibration, if there is one.
#[derive(Debug)]
pub(in crate::engine) struct CalibrationState {
    desk: Option<Arc<BoardDesk>>,
    /// Why the last one could not be begun.
    refused: Option<Arc<CalibrationView>>,
    /// Threads that were begun: those of earlier calibrations end by themselves.
    threads: Vec<thread::JoinHandle<()>>,
    /// The show's rig file: written where there is none yet, never overwritten.
    rig_file: Option<PathBuf>,
}

impl CalibrationState {
    pub fn new(rig_file: Option<PathBuf>) -> Self {
        Self { desk: None, refused: None, threads: Vec::new(), rig_file }
    }

    /// How it is now.
    pub fn view(&self) -> Option<Arc<CalibrationView>> {
        self.desk.as_ref().map(|desk| desk.view()).or_else(|| self.refused.clone())
    }

    /// Somebody waits for a picture, or nobody does any more.
    pub fn make_room(&self, wanted: bool) {
        if let Some(desk) = &self.desk {
            desk.make_room(wanted);
        }
    }
}

impl Drop for CalibrationState {
    fn drop(&mut self) {
        if let Some(desk) = &self.desk {
            desk.stop();
        }
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::warn!("a calibration thread ended by panic");
            }
        }
    }
}

impl Director {
    pub(super) fn calibrate(&mut self, order: CalibrateOrder) {
        let Some(desk) = self.calibration.desk.clone() else {
            return match order {
                CalibrateOrder::Start(board) => self.start_calibration(&board),
                // A refusal that was read is put away.
                CalibrateOrder::Cancel if self.calibration.refused.take().is_some() => {}
                _ => self.warn("No calibration is under way. CALIBRATE opens its page: say which board it is, then start".to_owned()),
            };
        };
        let view = desk.view();
        match (order, &view.stage) {
            (CalibrateOrder::Start(board), CalibrationStage::Refused(_)) => {
                self.end_calibration(&desk);
                self.start_calibration(&board);
            }
            (CalibrateOrder::Start(_), _) => {
                self.warn("A calibration is under way. Finish or cancel it before another one is begun".to_owned());
            }
            (CalibrateOrder::Cancel, stage) => {
                let is_lost = !matches!(stage, CalibrationStage::Judged(judged) if judged.saved.is_some() || judged.used.is_some());
                self.end_calibration(&desk);
                if is_lost && !matches!(stage, CalibrationStage::Refused(_)) {
                    self.notice(NoticeLevel::Info, "The calibration is cancelled; nothing was written".to_owned());
                }
            }
            (CalibrateOrder::Floor, CalibrationStage::Looking { .. }) => desk.floor_latest(),
            (CalibrateOrder::Finish, CalibrationStage::Looking { .. }) => desk.finish_latest(),
            (CalibrateOrder::GoOn, CalibrationStage::Judged(_) | CalibrationStage::Failed(_)) => desk.go_on_latest(),
            (CalibrateOrder::Save, CalibrationStage::Judged(_)) => match desk.solved() {
                Some(solved) => self.save_calibrated(solved.rig),
                None => self.warn("The calibration has no rig yet. Finish it first".to_owned()),
            },
            (CalibrateOrder::Use, CalibrationStage::Judged(judged)) => self.use_calibrated(&desk, judged),
            (CalibrateOrder::Lenses(_), CalibrationStage::Refused(_)) => {
                self.warn("The calibration is not begun. Give the lenses with its board: calibrate start BOARD lenses FILE".to_owned());
            }
            (CalibrateOrder::Lenses(file), _) => desk.lenses_latest(if file == NO_LENSES { "" } else { &file }),
            (CalibrateOrder::Save | CalibrateOrder::Use, _) => self.warn("The calibration has no rig yet. Finish it first".to_owned()),
            (CalibrateOrder::Floor | CalibrateOrder::Finish, _) => {
                self.warn("The board is not looked at now. Carry on (GO ON) first".to_owned());
            }
            (CalibrateOrder::GoOn, _) => self.warn("The board is looked at already. Carry it on".to_owned()),
        }
    }

    fn start_calibration(&mut self, text: &str) {
        // Lenses that are known come after the board.
        let (text, lenses) = text.split_once(" lenses ").map_or((text.trim(), ""), |(board, file)| (board.trim(), file.trim()));
        let said = (text, lenses);
        let order = self.transport.arc_order().to_vec();
        let names: Vec<String> = order.iter().map(|i| self.feeds.rig().cameras[*i].name.clone()).collect();
        let refused = |why: String| Arc::new(board_thread::blank(said, CalibrationStage::Refused(why), &names));
        let board = match Board::said(text) {
            _ if names.len() < 2 => Err("one camera alone is no rig: open a show with two at least".to_owned()),
            board => board.map_err(|e| e.to_string()),
        };
        let board = match board {
            Ok(board) => board,
            Err(why) => {
                self.warn(format!("The calibration is not begun: {why}"));
                self.calibration.refused = Some(refused(why));
                return;
            }
        };
        let desk = Arc::new(BoardDesk::new(board_thread::blank(said, CalibrationStage::Looking { waits: false }, &names)));
        desk.make_room(self.makes_room);
        let (feeds, mine) = (Arc::clone(&self.feeds), Arc::clone(&desk));
        let begun =
            thread::Builder::new().name("calibrate".to_owned()).spawn(move || board_thread::run(feeds.as_ref(), board, &order, &mine));
        match begun {
            Ok(thread) => {
                tracing::info!(board = text, "a calibration begins");
                self.calibration.threads.retain(|t| !t.is_finished());
                self.calibration.threads.push(thread);
                (self.calibration.desk, self.calibration.refused) = (Some(desk), None);
            }
            Err(e) => {
                let why = format!("its thread cannot be started: {e}. Close other programs");
                self.warn(format!("The calibration is not begun: {why}"));
                self.calibration.refused = Some(refused(why));
            }
        }
    }

    fn end_calibration(&mut self, desk: &BoardDesk) {
        desk.stop();
        (self.calibration.desk, self.calibration.refused) = (None, None);
    }

    /// Writes the rig beside the show: as the show's own rig file where there is none yet, else under a name of its own.
    fn save_calibrated(&mut self, rig: Arc<Rig>) {
        let folder = self.export_folder.clone();
        let (wanted, news) = (self.calibration.rig_file.clone(), self.exports.clone());
        // A disk may take its time.
        let written = thread::Builder::new().name("rig".to_owned()).spawn(move || {
            let file = wanted
                .filter(|f| !f.exists() && f.extension().is_some_and(|e| e == "toml"))
                .map_or_else(|| free_name(&folder, "rig_calibrated").ok_or_else(|| "there are too many of them already".to_owned()), Ok);
            let saved = file.and_then(|file| rig::save(&rig, &file, Format::RigToml).map(|()| file).map_err(|e| e.to_string()));
            // The engine outlives this thread or has ended; then nobody wants to know.
            news.send(ExportNews::Calibrated(saved)).ok();
        });
        if let Err(e) = written {
            self.warn(format!("The rig was not written: no thread can be started: {e}. Close other programs"));
        }
    }

    /// A calibrated rig is written, or not.
    pub(super) fn calibrated_rig_written(&mut self, saved: Result<PathBuf, String>) {
        match saved {
            Ok(file) => {
                if let Some(desk) = &self.calibration.desk {
                    desk.saved(&file.display().to_string());
                }
                let text = if self.calibration.rig_file.as_ref() == Some(&file) {
                    format!("The calibrated rig is written to {}, where the show looks for it when it is opened again", file.display())
                } else {
                    format!("The calibrated rig is written to {}; give that file to the show (rig = …) for the next time", file.display())
                };
                self.notice(NoticeLevel::Info, text);
            }
            Err(why) => self.warn(format!("The calibrated rig was not written: {why}")),
        }
    }
}

/// A name in a folder that no file has.
pub(super) fn free_name(folder: &std::path::Path, stem: &str) -> Option<PathBuf> {
    let name = |k: u32| folder.join(if k == 1 { format!("{stem}.toml") } else { format!("{stem}_{k}.toml") });
    (1..100_000).map(name).find(|p| !p.exists())
}
