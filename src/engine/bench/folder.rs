//! The folder of a report: made or cleared, never mixed with what others put there; and text for its pages.
//!
//! Must not know: what is in the report.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::BenchError;

/// Scores and figures, and the mark of a folder that a bench wrote.
pub const SCORES: &str = "scores.json";
/// The page.
pub const PAGE: &str = "index.html";
/// Folder of pictures and plots, where a report has one for all.
pub const PICTURES: &str = "pictures";

/// A folder that is removed with what is in it unless it was moved away.
pub struct Unfinished(pub PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// Makes the folder, or clears it of the report of an earlier run of the same `program`; a folder with other things in it is left alone.
pub fn prepare(out: &Path, program: &str) -> Result<(), BenchError> {
    let cannot = |path: &Path| {
        let path = path.to_owned();
        move |source| BenchError::Write { path, source }
    };
    if !out.exists() {
        return fs::create_dir_all(out).map_err(cannot(out));
    }
    let entries = fs::read_dir(out).map_err(cannot(out))?.collect::<Result<Vec<_>, _>>().map_err(cannot(out))?;
    if entries.is_empty() {
        return Ok(());
    }
    let text = fs::read_to_string(out.join(SCORES)).unwrap_or_default();
    let old: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let ours = old["made_by"].as_str().is_some_and(|m| m.starts_with(program));
    let ids: Vec<&str> = old["sets"].as_array().into_iter().flatten().filter_map(|s| s["id"].as_str()).collect();
    let known = |name: &str| {
        let part = name.strip_prefix('.').and_then(|n| n.strip_suffix(".part"));
        [SCORES, PAGE, PICTURES].contains(&name) || ids.contains(&part.unwrap_or(name)) || part.is_some()
    };
    if !ours || entries.iter().any(|e| !known(&e.file_name().to_string_lossy())) {
        return Err(BenchError::NotOurs { path: out.into() });
    }
    for entry in entries {
        let path = entry.path();
        if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }.map_err(cannot(&path))?;
    }
    Ok(())
}

/// The old file or the new one, never half of it.
pub fn replace(path: &Path, text: &str) -> Result<(), BenchError> {
    let part = path.with_extension("part");
    fs::write(&part, text).and_then(|()| fs::rename(&part, path)).map_err(|source| BenchError::Write { path: path.into(), source })
}

/// Text as HTML and SVG show it.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: &str = "volte bench pictures";

    #[test]
    fn a_folder_of_other_things_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new/report");
        prepare(&out, PROGRAM).unwrap();
        prepare(&out, PROGRAM).unwrap();
        fs::write(out.join("holiday.jpg"), "x").unwrap();
        assert!(matches!(prepare(&out, PROGRAM), Err(BenchError::NotOurs { .. })));
        fs::write(out.join(SCORES), format!("{{\"made_by\": \"{PROGRAM} 0.1.0\", \"sets\": [{{\"id\": \"fox\"}}]}}")).unwrap();
        assert!(matches!(prepare(&out, PROGRAM), Err(BenchError::NotOurs { .. })), "a stranger among ours");
        fs::remove_file(out.join("holiday.jpg")).unwrap();
        fs::create_dir_all(out.join("fox/real")).unwrap();
        prepare(&out, PROGRAM).unwrap();
        assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
        fs::write(out.join(SCORES), format!("{{\"made_by\": \"{PROGRAM} 0.1.0\"}}")).unwrap();
        assert!(matches!(prepare(&out, "volte bench venue"), Err(BenchError::NotOurs { .. })), "another bench's report");
    }
}
