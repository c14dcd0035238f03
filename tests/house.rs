//! The rules of the house that a machine can check: short files, `lib.rs` without logic, a reason for each
//! dependency.

use std::fs;
use std::path::{Path, PathBuf};

/// Most lines of a file before its tests.
const MAX_LINES: usize = 500;

#[test]
fn no_source_file_is_longer_than_allowed_before_its_tests() {
    let faults = sources().into_iter().filter_map(|(path, text)| {
        let lines = before_tests(&text).count();
        // A file of tests alone has no lines before its tests.
        let is_tests = path.file_name().is_some_and(|name| name == "tests.rs");
        (lines > MAX_LINES && !is_tests).then(|| format!("{} has {lines} lines: split it", shown(&path)))
    });
    assert_none(faults.collect());
}

#[test]
fn lib_rs_holds_no_functions() {
    let libs =
        sources().into_iter().filter(|(path, _)| path.file_name().is_some_and(|name| name == "lib.rs"));
    let faults = libs.flat_map(|(path, text)| {
        let shown = shown(&path);
        functions(&text)
            .into_iter()
            .map(|line| format!("{shown}:{line} is a function: move it"))
            .collect::<Vec<_>>()
    });
    assert_none(faults.collect());
}

#[test]
fn every_dependency_has_its_reason_above_it() {
    let faults = crates().into_iter().flat_map(|folder| {
        let path = folder.join("Cargo.toml");
        let text = read(&path);
        let shown = shown(&path);
        let faults = without_reason(&text).into_iter();
        faults
            .map(|(line, name)| format!("{shown}:{line} `{name}` has no reason above it"))
            .collect::<Vec<_>>()
    });
    assert_none(faults.collect());
}

#[test]
fn functions_are_found_and_the_entries_of_a_macro_crate_are_let_be() {
    let text = "//! fn in_docs() {}\n\n#[proc_macro_attribute]\n#[doc(hidden)]\npub fn node() {}\nmod a;\n\
                pub(crate) const fn b() {}\nasync fn c() {}\npub use fn_d::e;\n#[cfg(test)]\nfn f() {}\n";
    assert_eq!(functions(text), [7, 8]);
}

#[test]
fn a_dependency_without_a_reason_is_found() {
    let text = "[package]\nname = \"x\"\n[dependencies]\na = \"1\"\n# Why b, and c with it.\nb = { features = [\n  \
                \"x\",\n] }\nc = \"1\"\n\nd = \"1\"\n[dev-dependencies.e]\nversion = \"1\"\n# Why f.\n\
                [target.'cfg(unix)'.dependencies.f]\nversion = \"1\"\n[workspace.dependencies]\ng = \"1\"\n\
                # Why these.\n[build-dependencies]\nh = \"1\"\n";
    let found: Vec<_> = without_reason(text);
    assert_eq!(found, [(4, "a".into()), (11, "d".into()), (12, "e".into())]);
}

/// The lines, counted from 1, that begin a function, but for those that a macro crate has to have at its root.
fn functions(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut is_entry = false;
    for (index, line) in before_tests(text).map(str::trim).enumerate() {
        let words = line.split_whitespace();
        let mut words = words.skip_while(|word| {
            word.starts_with("pub") || ["const", "async", "unsafe", "extern", "\"C\""].contains(word)
        });
        if words.next() == Some("fn") && !is_entry {
            found.push(index + 1);
        }
        is_entry = line.starts_with("#[proc_macro")
            || (is_entry && (line.starts_with("#[") || line.starts_with("//")));
    }
    found
}

/// The dependencies, with their lines counted from 1, without a comment above themselves or above their group: the
/// run of lines without an empty one between, or the whole section when the comment stands above its header.
fn without_reason(manifest: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let (mut in_dependencies, mut has_reason, mut depth) = (false, false, 0_usize);
    for (index, line) in manifest.lines().map(str::trim).enumerate() {
        if depth == 0 && line.starts_with('[') {
            let header = line.trim_matches(['[', ']']);
            let is_own = !header.starts_with("workspace");
            in_dependencies = is_own && header.ends_with("dependencies");
            let single =
                header.rsplit_once('.').filter(|(table, _)| is_own && table.ends_with("dependencies"));
            if let Some((_, name)) = single.filter(|_| !has_reason) {
                found.push((index + 1, name.to_owned()));
            }
            // Kept for the lines below: a comment above the header speaks for the whole section.
            continue;
        }
        if line.starts_with('#') {
            has_reason |= depth == 0;
            continue;
        }
        if line.is_empty() {
            has_reason = false;
        } else if in_dependencies && depth == 0 && !has_reason {
            let name = line.split(['=', '.', ' ']).next().unwrap_or_default();
            found.push((index + 1, name.to_owned()));
        } else if !in_dependencies {
            // A comment inside another section says nothing about the dependencies below it.
            has_reason = false;
        }
        depth = (depth + line.matches(['[', '{']).count()).saturating_sub(line.matches([']', '}']).count());
    }
    found
}

fn before_tests(text: &str) -> impl Iterator<Item = &str> {
    text.lines().take_while(|line| !line.trim_start().starts_with("#[cfg(test)]"))
}

/// Every source file of every crate with its text.
fn sources() -> Vec<(PathBuf, String)> {
    let mut folders: Vec<PathBuf> = crates().into_iter().map(|folder| folder.join("src")).collect();
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("a folder that opened can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = read(&path);
                sources.push((path, text));
            }
        }
    }
    sources.sort();
    sources
}

/// The folders of the root package and of the members of the workspace.
fn crates() -> Vec<PathBuf> {
    let root = root();
    let manifest: toml::Table = read(&root.join("Cargo.toml")).parse().expect("cargo has read this manifest");
    let members = manifest["workspace"]["members"].as_array().expect("the workspace lists its members");
    let members = members.iter().filter_map(|member| member.as_str()).map(|member| root.join(member));
    [root.to_owned()].into_iter().chain(members).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn assert_none(faults: Vec<String>) {
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
