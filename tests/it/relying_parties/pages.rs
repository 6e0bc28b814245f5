//! `docs/libraries` says what was run: its code is code of `tests/relying_parties`, and its table names
//! the versions.

use std::path::{Path, PathBuf};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The table has a row for this library with the version that runs; Debian's packages are what Debian
/// has, and say nothing.
pub fn has_row(name: &str, says: &Value) {
    let Some(version) = says["version"].as_str() else { return };
    let table = read("docs/libraries/README.md");
    let row = table.lines().find(|line| line.contains(&format!("({name}.md)")));
    let row = row.unwrap_or_else(|| panic!("docs/libraries/README.md has no {name}"));
    assert!(row.contains(version.trim_start_matches('v')), "{name} is {version}: {row}");
}

/// Code without its indentation and empty lines.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

fn stands_in(block: &str, files: &[String]) -> bool {
    let block = lines(block);
    files.iter().any(|file| lines(file).windows(block.len()).any(|part| part == block))
}

#[test]
fn what_a_page_shows_is_what_was_run() {
    let mut pages = 0;
    for entry in std::fs::read_dir(root().join("tests/relying_parties")).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let mut files = Vec::new();
        texts(&folder, &mut files);
        let page = read(&format!("docs/libraries/{name}.md"));
        for block in page.split("\n```").skip(1).step_by(2) {
            let block = block.split_once('\n').unwrap().1;
            assert!(stands_in(block, &files), "{name}: {block}");
        }
        pages += 1;
    }
    assert_eq!(pages, 7);
}

fn texts(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => texts(&path, found),
            false => found.extend(std::fs::read_to_string(path).ok()),
        }
    }
}
