//! Reading sources: which files there are, and what they import.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Every Rust file below a folder, with its path from the root of the repository.
pub(super) fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = std::fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root()).unwrap().to_owned(), source));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(super) fn belongs_to(file: &Path, module: &str) -> bool {
    let path = file.to_str().unwrap();
    path == format!("src/{module}.rs") || path.starts_with(&format!("src/{module}/"))
}

/// Whether a file of its own holds nothing but tests, which may reach further than the code that they test.
pub(super) fn is_test(file: &Path) -> bool {
    file.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
}

/// The first names behind `crate::`, also in a group, but for those in tests.
pub(super) fn imports_of_this_crate(source: &str) -> BTreeSet<String> {
    let code = without_tests(source);
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        let group = rest.strip_prefix('{').and_then(|group| group.split_once('}')).map(|(group, _)| group);
        for path in group.unwrap_or(rest).split(',') {
            found.insert(path.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
            if group.is_none() {
                break;
            }
        }
    }
    found
}

pub(super) fn uses_crate(source: &str, name: &str) -> bool {
    let code = without_tests(source);
    let path = format!("{name}::");
    code.match_indices(&path)
        .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
}

/// The code without its comments and without the module of tests at its end.
pub(super) fn without_tests(source: &str) -> String {
    let code = source.split("#[cfg(test)]\nmod tests").next().unwrap();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}
