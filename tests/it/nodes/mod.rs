//! Several nodes as a bureau runs them: `hufu serve` processes on one PostgreSQL and one Redis of the
//! test's own, `HAProxy` and nginx in front with the lines of `docs/proxies.md`, and honest people
//! meanwhile, who notice a "come again" at most.
//!
//! `HUFU_NODES_BINARY`: another build of the server.

mod addresses;
mod fronts;
mod keys;
mod limits;
mod node;
mod pooler;
mod restarts;
mod seed;
mod servers;
mod stack;
mod starts;
mod tls;

use std::path::PathBuf;

/// Where a program is, also where only administrators look; told by name where it is not.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let found = folders.map(|folder| folder.join(name)).find(|file| file.is_file());
    if found.is_none() {
        eprintln!("left out: {name} (scripts/test installs it)");
    }
    found
}

/// Where PostgreSQL keeps its programs, the newest version.
fn postgres_programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let version = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.map(|entry| entry.path()).max_by_key(version).map(|at| at.join("bin"));
    if newest.is_none() {
        eprintln!("left out: PostgreSQL (scripts/test installs it)");
    }
    newest
}

/// Whether everything that a story of nodes needs is at hand.
fn has_all() -> bool {
    let programs = ["haproxy", "nginx", "redis-server"].map(|name| program(name).is_some());
    programs.iter().all(|is_there| *is_there) && postgres_programs().is_some()
}
