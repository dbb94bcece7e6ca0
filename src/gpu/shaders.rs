//! Shader files and their composition: a line `#import common/x.wgsl` includes another file once.
//!
//! They are built into the program. For work on the shaders, the variable `VOLTE_SHADERS` names a folder that is read instead,
//! so that a change needs no build.

use super::GpuError;

include!(concat!(env!("OUT_DIR"), "/shaders.rs"));

/// The composed text of `name` (a path below `shaders/`).
pub fn source(name: &str) -> Result<String, GpuError> {
    let mut text = String::new();
    let mut seen = Vec::new();
    include(name, &mut seen, &mut text)?;
    Ok(text)
}

fn include(name: &str, seen: &mut Vec<String>, out: &mut String) -> Result<(), GpuError> {
    if seen.iter().any(|s| s == name) {
        return Ok(());
    }
    seen.push(name.to_owned());
    let problem = |problem: &str| GpuError::Shader { name: name.to_owned(), problem: problem.to_owned() };
    let text = match std::env::var_os("VOLTE_SHADERS") {
        Some(folder) => std::fs::read_to_string(std::path::Path::new(&folder).join(name))
            .map_err(|e| problem(&format!("cannot be read below VOLTE_SHADERS={}: {e}", folder.display())))?,
        None => {
            SHADERS.iter().find(|(n, _)| *n == name).map(|(_, t)| (*t).to_owned()).ok_or_else(|| problem("no such file in shaders/"))?
        }
    };
    for line in text.lines() {
        if let Some(import) = line.trim().strip_prefix("#import ") {
            include(import.trim(), seen, out)?;
        } else {
            out.push_str(line);
            out.push('\n');
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_files_are_named() {
        assert!(source("nowhere.wgsl").unwrap_err().to_string().contains("nowhere.wgsl"));
    }
}
