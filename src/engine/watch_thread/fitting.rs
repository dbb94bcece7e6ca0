//! Before the hall is learned: whether the rig fits what the cameras show, and which one would. A mount that settled, a lens that was touched,
//! a calibration of yesterday are some tenths of a pixel that no bump tells of, and that cost every picture between the cameras.
//!
//! Must not know: what becomes of the better rig.

use std::{sync::atomic::Ordering, thread, time::Duration};

use super::{LivePicture, WatchReport, Watcher};
use crate::{
    engine::refine::{Fit, fit},
    frame::Picture,
};

/// Rigs of which is remembered that they were fitted: the one of the file and the one that was made of it, and those of new calibrations.
const REMEMBERED: usize = 8;
/// While somebody waits for a picture it is asked this often whether they still do.
const REST: Duration = Duration::from_millis(20);

impl Watcher<'_> {
    /// Fits the rig to two looks, once, and says so where another one is better.
    pub(super) fn fit(&mut self, looks: &[Vec<Option<LivePicture>>; 2]) {
        let rig = self.book.newest();
        if self.fitted.contains(&rig.cameras) {
            return;
        }
        let moments: Vec<Vec<Option<&Picture>>> =
            looks.iter().map(|look| look.iter().map(|p| p.as_ref().map(|p| p.picture.as_ref())).collect()).collect();
        let mut go_on = |_| {
            while self.desk.busy.load(Ordering::Relaxed) && !self.desk.is_stopped() {
                thread::sleep(REST);
            }
            !self.desk.is_stopped()
        };
        let fitted = self.pool.install(|| fit(&rig, &moments, &mut go_on));
        let mut known = vec![rig.cameras.clone()];
        match fitted {
            Ok(Fit::Better(refined)) => {
                known.push(refined.rig.cameras.clone());
                self.report(WatchReport::Fitted(refined));
            }
            Ok(Fit::AsItIs) => tracing::info!("the rig fits what the cameras show"),
            Ok(Fit::Unknown(why)) => tracing::info!("nobody knows how well the rig fits what the cameras show: {why}"),
            Err(e) => tracing::info!("the rig is not fitted: {e}"),
        }
        self.fitted.extend(known);
        let surplus = self.fitted.len().saturating_sub(REMEMBERED);
        self.fitted.drain(..surplus);
    }
}
