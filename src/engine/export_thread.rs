//! Exports asked for from the console: each on a thread and a GPU device of its own, so that program and preview go on.

use std::{path::PathBuf, thread};

use crossbeam::channel::Sender;

use super::{
    EngineError,
    export::{self, ExportJob, ExportProgress, ExportStage},
};
use crate::{
    gpu::{Gpu, GpuOptions},
    output::CancelToken,
};

/// What an export reports.
#[derive(Debug)]
pub(super) enum ExportNews {
    /// How far it is, 0…1.
    Progress(f32),
    /// It is written.
    Done { path: PathBuf, frames: u64 },
    /// It is not; nothing was left behind.
    Failed(String),
    /// The rig as it stands is written, or why it is not.
    Rig(Result<PathBuf, String>),
}

/// An export that runs; dropped, it is cancelled and leaves nothing.
#[derive(Debug)]
pub(super) struct RunningExport {
    pub path: PathBuf,
    pub progress: f32,
    cancel: CancelToken,
    thread: Option<thread::JoinHandle<()>>,
}

impl RunningExport {
    /// Begins `job`.
    pub fn start(mut job: ExportJob, news: Sender<ExportNews>) -> Result<Self, EngineError> {
        let cancel = CancelToken::default();
        job.output.cancel = cancel.clone();
        let path = job.output.path.clone();
        let token = cancel.clone();
        let thread = thread::Builder::new()
            .name("export".to_owned())
            .spawn(move || {
                let result = Gpu::open(&GpuOptions::default()).map_err(|e| e.to_string()).and_then(|gpu| {
                    let mut tell = |p: ExportProgress| {
                        // Progress is "latest": when nobody has read the last one, this one may be lost.
                        news.try_send(ExportNews::Progress(overall(p))).ok();
                    };
                    export::run(job, &gpu, &mut tell, &token).map_err(|e| e.to_string())
                });
                let last = match result {
                    Ok(report) => ExportNews::Done { path: report.output.path, frames: report.output.frames },
                    Err(why) => ExportNews::Failed(why),
                };
                // After a cancel the engine may have ended; then nobody wants to know.
                if token.is_cancelled() {
                    news.try_send(last).ok();
                } else {
                    news.send(last).ok();
                }
            })
            .map_err(|source| EngineError::Thread { name: "export".to_owned(), source })?;
        Ok(Self { path, progress: 0.0, cancel, thread: Some(thread) })
    }
}

impl Drop for RunningExport {
    fn drop(&mut self) {
        self.cancel.cancel();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::warn!("the export thread ended by panic");
        }
    }
}

/// One bar for all stages: solving is the first third.
fn overall(p: ExportProgress) -> f32 {
    match p.stage {
        ExportStage::Solving => p.share * 0.33,
        ExportStage::Rendering => 0.33 + p.share * 0.6,
        ExportStage::Finishing => 0.93 + p.share * 0.07,
    }
}

/// A name in `folder` that is not taken: `volte_E003.mp4`, then `volte_E003_2.mp4` and so on.
pub(super) fn free_name(folder: &std::path::Path, event: &str) -> PathBuf {
    let clean: String = event.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    let name = |k: u32| if k == 1 { format!("volte_{clean}.mp4") } else { format!("volte_{clean}_{k}.mp4") };
    (1..100_000).map(|k| folder.join(name(k))).find(|p| !p.exists()).unwrap_or_else(|| folder.join(name(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_never_taken_twice() {
        let folder = tempfile::tempdir().unwrap();
        let first = free_name(folder.path(), "E003");
        assert!(first.ends_with("volte_E003.mp4"));
        std::fs::write(&first, b"x").unwrap();
        assert!(free_name(folder.path(), "E003").ends_with("volte_E003_2.mp4"));
        assert!(free_name(folder.path(), "a/b").ends_with("volte_a_b.mp4"));
    }
}
