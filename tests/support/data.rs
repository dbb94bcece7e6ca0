//! Where the development data is: real pictures and footage that are not part of the repository.

use std::path::{Path, PathBuf};

/// A file or folder of the development data; panics with the remedy where it is missing, so that no test is skipped in silence.
pub fn data(path: &str) -> PathBuf {
    let root = std::env::var_os("VOLTE_DATA").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let path = root.join(path);
    assert!(
        path.exists(),
        "{} is missing. Put the development data beside the repository (../shared/data) or set VOLTE_DATA",
        path.display()
    );
    path
}
