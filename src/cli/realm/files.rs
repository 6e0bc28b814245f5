//! Realm files on the disk: which there are, and how others take their place.

use std::path::{Path, PathBuf};

use crate::cli::result::{CliResult, say};
use crate::realm::files::Files;

/// What a realm is made of.
const OURS: [&str; 5] = ["toml", "md", "svg", "png", "pem"];

/// Each file is replaced as a whole, so that a server that reads meanwhile sees no half of one.
pub fn write(files: &Files, to: &Path, prune: bool) -> CliResult {
    for (name, bytes) in files.iter() {
        let target = to.join(name);
        if std::fs::read(&target).is_ok_and(|there| there == bytes) {
            continue;
        }
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let beside = target.with_extension("new");
        std::fs::write(&beside, bytes)?;
        std::fs::rename(&beside, &target)?;
        say(format_args!("wrote {}", target.display()))?;
    }
    let is_ours = |name: &PathBuf| name.to_str().is_some_and(|name| files.get(name).is_some());
    for name in listed(to, &OURS)?.into_iter().filter(|name| !is_ours(name)) {
        let target = to.join(name);
        if prune {
            std::fs::remove_file(&target)?;
            say(format_args!("removed {}", target.display()))?;
        } else {
            say(format_args!("kept {} (--prune removes it)", target.display()))?;
        }
    }
    Ok(())
}

/// What a realm would be made of where the files of `to` stay that `files` does not have.
pub fn laid_over(files: &Files, to: &Path) -> std::io::Result<Files> {
    let mut all = Files::default();
    let there = if to.is_dir() { listed(to, &OURS)? } else { Vec::new() };
    for name in there {
        if let Some(text) = name.to_str() {
            all.add(text, &std::fs::read(to.join(text))?);
        }
    }
    for (name, bytes) in files.iter() {
        all.add(name, bytes);
    }
    Ok(all)
}

/// Relative names of all files with these endings, in order.
pub fn listed(folder: &Path, endings: &[&str]) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inside) = folders.pop() {
        for entry in std::fs::read_dir(inside)? {
            let path = entry?.path();
            let ending = path.extension().and_then(|ending| ending.to_str());
            if path.is_dir() {
                folders.push(path);
            } else if let (Some(ending), Ok(name)) = (ending, path.strip_prefix(folder))
                && endings.contains(&ending)
            {
                found.push(name.to_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}
