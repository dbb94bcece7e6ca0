//! What can go wrong while writing.

use std::{io, path::PathBuf};

use crate::frame::PictureError;

/// What can go wrong while writing.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The file name does not say what to write.
    #[error(
        "{path:?} does not say what to write. End the name in .mp4, .mkv, .mov, .mxf, .gif, .webp, .avif, .html, .png, .jpg or .exr; for the moment itself in .ply, .gs.ply, .splat, .glb or / (a folder)"
    )]
    Extension {
        /// The name.
        path: PathBuf,
    },
    /// The name is too long.
    #[error("the name of {path:?} has {bytes} bytes; with at most {most} any disk takes it. Choose a shorter one")]
    Name {
        /// The file.
        path: PathBuf,
        /// Its bytes.
        bytes: usize,
        /// How many there may be.
        most: usize,
    },
    /// The container cannot hold the codec.
    #[error("a .{extension} file cannot hold {codec}. It can hold: {allowed}")]
    CodecContainer {
        /// Codec.
        codec: &'static str,
        /// File extension.
        extension: String,
        /// Names of codecs.
        allowed: String,
    },
    /// Built without the feature `gstreamer`.
    #[error("this build writes no video, so not {path:?}. Write a .png sequence, or build with the feature `gstreamer`")]
    WithoutVideo {
        /// The file.
        path: PathBuf,
    },
    /// The picture size cannot be written.
    #[error("cannot write pictures of {width}×{height}: {problem}. Choose another --size")]
    Size {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// Why.
        problem: &'static str,
    },
    /// A frame of another size than the file.
    #[error("a frame of {width}×{height} px came for a file of {want_width}×{want_height} px. All frames of a file have one size")]
    FrameSize {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// The file's pixels across.
        want_width: u32,
        /// The file's pixels down.
        want_height: u32,
    },
    /// The file exists.
    #[error("{path:?} exists. Choose another name, or allow to replace it (--overwrite)")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else is writing the same file.
    #[error("another export is writing {path:?} now. Wait for it, or choose another name")]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// No room.
    #[error("no room left on the disk of {path:?}; nothing was written. Free some space, or choose another disk")]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// The folder is missing or not writable.
    #[error("cannot write in the folder {folder:?}: {source}. Create it, or choose one that is writable")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another error of the disk.
    #[error("cannot write {path:?}: {source}; nothing was written. Check the disk")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file that should be there cannot be read.
    #[error("cannot read {path:?}: {source}. Check the path and the disk")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A picture file could not be written or read back.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// Nothing to write.
    #[error("no frame came for {path:?}; nothing was written. Make the path longer than one frame")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// An encoder or muxer is not installed.
    #[error("GStreamer has no element {element:?}. Install the package {package} (Debian, Ubuntu)")]
    Plugin {
        /// The element.
        element: String,
        /// The package that has it.
        package: &'static str,
    },
    /// GStreamer failed.
    #[error("GStreamer failed while writing {path:?}: {problem}; nothing was written")]
    Pipeline {
        /// The file.
        path: PathBuf,
        /// Its words.
        problem: String,
    },
    /// The encoder took nothing for long.
    #[error("the encoder of {path:?} took no frame for {secs} s; nothing was written. Is the machine overloaded, or the disk gone?")]
    Stalled {
        /// The file.
        path: PathBuf,
        /// Seconds.
        secs: u64,
    },
    /// What was written is not what was meant.
    #[error("{path:?} was written, but reading it back showed: {problem}. It was removed; please report this with the sizes and rate used")]
    Verify {
        /// The file.
        path: PathBuf,
        /// What differs.
        problem: String,
    },
    /// A file and its words do not belong together.
    #[error("{path:?} cannot be trusted: {problem}")]
    Untrue {
        /// The file or its sidecar.
        path: PathBuf,
        /// What differs.
        problem: String,
    },
    /// Nothing can be signed.
    #[error(transparent)]
    Credentials(#[from] super::CredentialError),
    /// A file could not be signed.
    #[error("{path:?} could not be signed: {problem}; nothing was written")]
    Sign {
        /// The file.
        path: PathBuf,
        /// What the signer says.
        problem: String,
    },
    /// An HTML page cannot hold it.
    #[error("{path:?}: {problem}")]
    Page {
        /// The file.
        path: PathBuf,
        /// What is too much, and what helps.
        problem: String,
    },
    /// The caller cancelled.
    #[error("cancelled; nothing was written")]
    Cancelled,
}

impl OutputError {
    /// An I/O error on `path`; a full disk has its own words.
    pub(super) fn io(path: &std::path::Path, source: io::Error) -> Self {
        if is_full(&source) { Self::DiskFull { path: path.to_owned() } } else { Self::Io { path: path.to_owned(), source } }
    }

    /// A picture error; a full disk has its own words.
    pub(super) fn picture(error: PictureError) -> Self {
        match error {
            PictureError::Write { path, source: image::ImageError::IoError(e) } => Self::io(&path, e),
            other => Self::Picture(other),
        }
    }
}

/// Whether there is no room, however deep an encoder has wrapped the system's error.
fn is_full(error: &io::Error) -> bool {
    if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        return true;
    }
    let mut inner: Option<&(dyn std::error::Error + 'static)> = error.get_ref().map(|e| e as _);
    while let Some(e) = inner {
        match e.downcast_ref::<io::Error>() {
            Some(e) => return is_full(e),
            None => inner = e.source(),
        }
    }
    // The PNG encoder keeps nothing but the words.
    error.to_string().contains("No space left on device")
}
