//! The package for Debian and its relatives, built around this program.

use std::path::Path;
use std::process::Command;

fn run(program: &str, arguments: &[&str]) -> String {
    let done = Command::new(program).args(arguments).output().unwrap();
    assert!(done.status.success(), "{program} {arguments:?}: {done:?}");
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn the_package_holds_what_an_administrator_needs() {
    if Command::new("dpkg-deb").arg("--version").output().is_err() {
        eprintln!("skipped: dpkg-deb is not here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/deb");
    run(script, &[env!("CARGO_BIN_EXE_key-agent"), out, "-Znone"]);
    let package = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let package = package.to_str().unwrap();
    assert!(package.ends_with("_amd64.deb") || package.ends_with("_arm64.deb"), "{package}");
    let inside = folder.path().join("inside");
    run("dpkg-deb", &["--raw-extract", package, inside.to_str().unwrap()]);
    for file in [
        "usr/bin/key-agent",
        "usr/lib/systemd/user/key-agent.service",
        "usr/lib/systemd/user/graphical-session.target.wants/key-agent.service",
        "etc/xdg/autostart/key-agent.desktop",
        "etc/key-agent/key-agent.toml",
        "usr/share/doc/key-agent/README.md",
    ] {
        assert!(inside.join(file).is_file(), "{file}");
    }
    let read = |file: &str| std::fs::read_to_string(Path::new(&inside).join(file)).unwrap();
    // What an administrator has written is theirs.
    assert_eq!(read("DEBIAN/conffiles").trim(), "/etc/key-agent/key-agent.toml");
    assert!(read("DEBIAN/control").contains(env!("CARGO_PKG_VERSION")));
    let program = inside.join("usr/bin/key-agent");
    assert!(run(program.to_str().unwrap(), &["--version"]).starts_with("key-agent "));
    // The unit and the desktop's own start would be two agents: one knows of the other.
    assert!(read("etc/xdg/autostart/key-agent.desktop").contains("X-systemd-skip=true"));
    let owners = run("dpkg-deb", &["--contents", package]);
    assert!(owners.lines().all(|line| line.contains("root/root")), "{owners}");
    let by_others = |line: &str| !line.starts_with('l') && line[..10].matches('w').count() > 1;
    assert!(!owners.lines().any(by_others), "{owners}");
}
