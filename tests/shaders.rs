//! Every shader file that has an entry point is composed exactly as the engine composes it and validated; every struct
//! that Rust uploads is compared with its twin in WGSL, member by member. No GPU is needed.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::fmt::Write as _;

use naga::{
    ShaderStage,
    front::wgsl,
    valid::{Capabilities, ValidationFlags, Validator},
};
use volte::gpu::{
    layout::{Member, StructLayout},
    shaders,
};

/// Parses and validates composed text; the error is naga's own, with the line.
fn check(text: &str) -> Result<naga::Module, String> {
    let module = wgsl::parse_str(text).map_err(|e| e.emit_to_string(text))?;
    Validator::new(ValidationFlags::all(), Capabilities::default()).validate(&module).map_err(|e| e.emit_to_string(text))?;
    Ok(module)
}

/// Whether a file declares an entry point, comments left out.
fn has_entry_point(text: &str) -> bool {
    text.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .any(|line| ["@compute", "@vertex", "@fragment"].iter().any(|mark| line.contains(mark)))
}

/// Where the twin in `module` differs from `rust`; empty when they agree.
fn differences(rust: &StructLayout, module: &naga::Module) -> Vec<String> {
    let Some((members, span)) = module.types.iter().find_map(|(_, ty)| match &ty.inner {
        naga::TypeInner::Struct { members, span } if ty.name.as_deref() == Some(rust.wgsl_name) => Some((members, *span as usize)),
        _ => None,
    }) else {
        return vec![format!("{} has no struct {}", rust.shader, rust.wgsl_name)];
    };
    let wgsl: Vec<_> = members
        .iter()
        .map(|m| (m.name.clone().unwrap_or_default(), m.offset as usize, module.types[m.ty].inner.size(module.to_ctx()) as usize))
        .filter(|(name, ..)| !name.starts_with('_'))
        .collect();
    let rust_members: Vec<_> = rust.members.iter().filter(|m| !m.name.starts_with('_')).collect();
    let mut found = Vec::new();
    if rust.size_bytes != span {
        found.push(format!("size: {} bytes in Rust, {span} in WGSL", rust.size_bytes));
    }
    if rust_members.len() != wgsl.len() {
        found.push(format!("{} members in Rust, {} in WGSL", rust_members.len(), wgsl.len()));
    }
    for (ours, (name, offset, size)) in rust_members.iter().zip(&wgsl) {
        if ours.name != name {
            found.push(format!("member {:?} in Rust stands where WGSL has {name:?}", ours.name));
        }
        if (ours.offset_bytes, ours.size_bytes) != (*offset, *size) {
            found.push(format!(
                "{}: offset {} and size {} in Rust, offset {offset} and size {size} in WGSL",
                ours.name, ours.offset_bytes, ours.size_bytes
            ));
        }
    }
    found
}

#[test]
fn every_shader_with_an_entry_point_is_valid() {
    let mut failures = String::new();
    let mut entries = Vec::new();
    for (name, text) in shaders::SHADERS {
        if !has_entry_point(text) {
            continue;
        }
        match shaders::source(name).map_err(|e| e.to_string()).and_then(|composed| check(&composed)) {
            Ok(module) if module.entry_points.is_empty() => writeln!(failures, "{name}: no entry point after composition").unwrap(),
            Ok(module) => entries.extend(module.entry_points.iter().map(|e| (e.stage, format!("{name}:{}", e.name)))),
            Err(problem) => writeln!(failures, "{name}: {problem}").unwrap(),
        }
    }
    assert!(failures.is_empty(), "{failures}");
    assert!(entries.iter().any(|(stage, _)| *stage == ShaderStage::Compute), "no compute shader found: is shaders/ embedded?");
    println!("{} entry points valid", entries.len());
}

#[test]
fn every_shared_file_is_imported_by_somebody() {
    for (name, _) in shaders::SHADERS.iter().filter(|(_, text)| !has_entry_point(text)) {
        let import = format!("#import {name}");
        assert!(shaders::SHADERS.iter().any(|(_, text)| text.lines().any(|line| line.trim() == import)), "nobody imports shaders/{name}");
    }
}

#[test]
fn rust_and_wgsl_structs_agree() {
    let structs = volte::shader_structs();
    let mut failures = String::new();
    for layout in &structs {
        let module = match shaders::source(layout.shader).map_err(|e| e.to_string()).and_then(|text| check(&text)) {
            Ok(module) => module,
            Err(problem) => {
                writeln!(failures, "{}: {} cannot be read: {problem}", layout.rust_name, layout.shader).unwrap();
                continue;
            }
        };
        for difference in differences(layout, &module) {
            writeln!(failures, "{} against {} in {}: {difference}", layout.rust_name, layout.wgsl_name, layout.shader).unwrap();
        }
    }
    assert!(failures.is_empty(), "{failures}");
    assert!(!structs.is_empty(), "no struct is registered: see volte::gpu::layout");
    println!("{} structs agree", structs.len());
}

/// A struct that is uploaded but not registered would escape the comparison.
#[test]
fn every_uploaded_struct_is_registered() {
    let registered = volte::shader_structs();
    let mut missing = Vec::new();
    for path in sources() {
        let text = std::fs::read_to_string(&path).unwrap();
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        for name in uploaded_structs(product) {
            if !registered.iter().any(|r| r.rust_name.ends_with(&format!("::{name}"))) {
                missing.push(format!("{}: {name}", path.display()));
            }
        }
    }
    assert!(missing.is_empty(), "derive Pod but are in no shader_structs() list (or say why with `// LAYOUT:` above): {missing:#?}");
}

/// Names of structs that derive `Pod` and have no `// LAYOUT:` line above that says why they have no twin.
fn uploaded_structs(text: &str) -> Vec<String> {
    let lines: Vec<_> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if line.trim_start().starts_with("#[derive(") && line.contains("Pod") {
            let excused =
                lines[at.saturating_sub(8)..at].iter().rev().take_while(|l| !l.trim().is_empty()).any(|l| l.contains("// LAYOUT:"));
            let name = lines[at..].iter().find_map(|l| l.split_once("struct ")).map(|(_, rest)| rest);
            if let Some(rest) = name.filter(|_| !excused) {
                found.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
            }
        }
    }
    found
}

fn sources() -> Vec<std::path::PathBuf> {
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    assert!(files.len() > 10, "the sources were not found");
    files
}

mod can_fail {
    use super::*;

    const PARAMS: &str = "struct Params { size_px: vec2<u32>, step: f32, }
        @group(0) @binding(0) var<uniform> params: Params;
        @group(0) @binding(1) var<storage, read_write> out: array<f32>;
        @compute @workgroup_size(1) fn main() { out[0] = params.step; }";

    fn layout(members: &'static [Member], size_bytes: usize) -> StructLayout {
        StructLayout { rust_name: "test::Params", wgsl_name: "Params", shader: "test.wgsl", size_bytes, members }
    }

    const SIZE: Member = Member { name: "size_px", offset_bytes: 0, size_bytes: 8 };
    const STEP: Member = Member { name: "step", offset_bytes: 8, size_bytes: 4 };
    const PAD: Member = Member { name: "_pad", offset_bytes: 12, size_bytes: 4 };

    #[test]
    fn broken_text_is_refused() {
        assert!(check("fn main( {").is_err());
        // Parses, but a type is wrong.
        assert!(check("@compute @workgroup_size(1) fn main() { var x: u32 = 1.5; }").is_err());
        // Parses, but validation finds a private pointer in a uniform.
        assert!(
            check(
                "struct S { a: array<f32> } @group(0) @binding(0) var<uniform> s: S; @compute @workgroup_size(1) fn main() { _ = s.a[0]; }"
            )
            .is_err()
        );
        assert!(check(PARAMS).is_ok());
    }

    #[test]
    fn a_missing_import_is_named() {
        assert!(shaders::source("common/no_such_file.wgsl").unwrap_err().to_string().contains("no_such_file"));
    }

    #[test]
    fn entry_points_in_comments_do_not_count() {
        assert!(has_entry_point(PARAMS));
        assert!(!has_entry_point("// @compute\nfn helper() {}"));
    }

    #[test]
    fn agreement_is_seen() {
        assert_eq!(differences(&layout(&[SIZE, STEP, PAD], 16), &check(PARAMS).unwrap()), Vec::<String>::new());
    }

    #[test]
    fn every_kind_of_difference_is_seen() {
        let module = check(PARAMS).unwrap();
        let mut renamed = layout(&[SIZE, STEP, PAD], 16);
        renamed.wgsl_name = "Parameters";
        for (what, rust) in [
            ("order", layout(&[Member { offset_bytes: 4, ..SIZE }, Member { offset_bytes: 0, ..STEP }], 16)),
            ("offset", layout(&[SIZE, Member { offset_bytes: 12, ..STEP }], 16)),
            ("size of a member", layout(&[SIZE, Member { size_bytes: 8, ..STEP }], 16)),
            ("size of the struct", layout(&[SIZE, STEP], 12)),
            ("name of a member", layout(&[SIZE, Member { name: "stride", ..STEP }, PAD], 16)),
            ("missing member", layout(&[SIZE], 16)),
            ("name of the struct", renamed),
        ] {
            assert!(!differences(&rust, &module).is_empty(), "{what}: not noticed");
        }
    }

    #[test]
    fn an_unregistered_struct_is_seen() {
        let text = "#[repr(C)]\n#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]\npub(crate) struct Lost {\n}\n";
        assert_eq!(uploaded_structs(text), ["Lost"]);
        assert!(uploaded_structs(&format!("// LAYOUT: vertices have no struct in WGSL\n{text}")).is_empty());
    }
}
