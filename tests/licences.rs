//! Every dependency's licence is on the list of deny.toml, judged from `cargo metadata`, without network.

use std::{collections::BTreeMap, path::Path, process::Command};

/// What deny.toml permits.
struct Policy {
    allow: Vec<String>,
    /// Crate to further licences.
    exceptions: BTreeMap<String, Vec<String>>,
}

impl Policy {
    fn read(text: &str) -> Self {
        let table: toml::Table = text.parse().expect("deny.toml is TOML");
        let strings = |value: &toml::Value| -> Vec<String> {
            value.as_array().expect("a list").iter().map(|v| v.as_str().expect("a licence").to_owned()).collect()
        };
        let licenses = &table["licenses"];
        let exceptions = licenses
            .get("exceptions")
            .and_then(toml::Value::as_array)
            .into_iter()
            .flatten()
            .map(|e| (e["crate"].as_str().expect("a crate").to_owned(), strings(&e["allow"])));
        Self { allow: strings(&licenses["allow"]), exceptions: exceptions.collect() }
    }

    fn permits(&self, krate: &str, expression: &str) -> bool {
        let further = self.exceptions.get(krate);
        let permitted = |licence: &str| self.allow.iter().chain(further.into_iter().flatten()).any(|a| a == licence);
        evaluate(expression, &permitted).unwrap_or(false)
    }
}

/// Evaluates an SPDX expression (`AND` binds tighter than `OR`; old `MIT/Apache-2.0` means `OR`); `None` if malformed.
fn evaluate(expression: &str, permitted: &dyn Fn(&str) -> bool) -> Option<bool> {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let value = any(&words, &mut at, permitted)?;
    (at == words.len()).then_some(value)
}

fn any(words: &[&str], at: &mut usize, permitted: &dyn Fn(&str) -> bool) -> Option<bool> {
    let mut value = all(words, at, permitted)?;
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        value |= all(words, at, permitted)?;
    }
    Some(value)
}

fn all(words: &[&str], at: &mut usize, permitted: &dyn Fn(&str) -> bool) -> Option<bool> {
    let mut value = one(words, at, permitted)?;
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        value &= one(words, at, permitted)?;
    }
    Some(value)
}

fn one(words: &[&str], at: &mut usize, permitted: &dyn Fn(&str) -> bool) -> Option<bool> {
    let word = *words.get(*at)?;
    *at += 1;
    if word == "(" {
        let value = any(words, at, permitted)?;
        let closed = words.get(*at) == Some(&")");
        *at += 1;
        return closed.then_some(value);
    }
    if matches!(word, ")" | "OR" | "AND" | "WITH") {
        return None;
    }
    if words.get(*at) == Some(&"WITH") {
        let exception = words.get(*at + 1)?;
        *at += 2;
        return Some(permitted(&format!("{word} WITH {exception}")));
    }
    Some(permitted(word))
}

fn policy() -> Policy {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deny.toml");
    Policy::read(&std::fs::read_to_string(path).expect("deny.toml"))
}

#[test]
fn every_dependency_has_a_permitted_licence() {
    let version = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let host = version.lines().find_map(|l| l.strip_prefix("host: ")).expect("rustc names its host");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host])
        // What this build is made of; the others' crates may not be there.
        .args(if cfg!(feature = "credentials") { &["--features", "credentials"][..] } else { &[] })
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 100, "only {} packages seen", packages.len());
    let policy = policy();
    let refused: Vec<String> = packages
        .iter()
        .filter_map(|p| {
            let (name, licence) = (p["name"].as_str().unwrap_or("?"), p["license"].as_str().unwrap_or("none"));
            (!policy.permits(name, licence)).then(|| format!("{name}: {licence}"))
        })
        .collect();
    assert!(refused.is_empty(), "not on the list of deny.toml: {refused:#?}");
    println!("{} packages have permitted licences", packages.len());
}

#[test]
fn a_forbidden_licence_is_refused() {
    let policy = policy();
    for bad in
        ["GPL-3.0-only", "AGPL-3.0", "none", "", "MIT AND GPL-2.0-only", "MPL-2.0", "Apache-2.0 WITH Other-exception", "MIT OR", "(MIT"]
    {
        assert!(!policy.permits("some-crate", bad), "{bad:?} was permitted");
    }
    for good in [
        "MIT",
        "MIT/Apache-2.0",
        "Apache-2.0 OR GPL-2.0-only",
        "(MIT OR GPL-3.0-only) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception OR GPL-2.0-only",
    ] {
        assert!(policy.permits("some-crate", good), "{good:?} was refused");
    }
    assert!(policy.permits("colored", "MPL-2.0"), "an exception is for its crate");
}
