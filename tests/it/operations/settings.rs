//! Settings that are wrong: named by their place, and never with the secret that stands there.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Output};

use super::hufu;

/// What a command that failed has said.
fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8([&output.stdout[..], &output.stderr].concat()).unwrap()
}

/// A slip of the pen in the settings is named by its place: what is complained of is no secret that stands there.
#[test]
fn no_complaint_about_the_settings_holds_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let (word, number) = ("S3cretOfHufu", "7391824650");
    let mut slips = Vec::new();
    for address in [
        format!("postgre://hufu:{word}@127.0.0.1:1/hufu"),
        format!("postgres://hufu:{word}#1@127.0.0.1:1/hufu"),
        format!("postgres://hufu:{word}/1@127.0.0.1:1/hufu"),
        format!("postgres://hufu:1#{word}@127.0.0.1:1/hufu"),
        format!("postgres://127.0.0.1:1?{word}@127.0.0.1:1/hufu"),
        format!("postgres://127.0.0.1:1/{word}@127.0.0.1:1/hufu"),
    ] {
        slips.push((format!("database_url = '{address}'\n"), word, "database_url"));
    }
    slips.push((format!("database_url = 'postgres://hufu:{word}@h/x\n"), word, "line 1, column "));
    slips.push((format!("data = 'data'\nmaster_key = {word}\n"), word, "line 2, column "));
    slips.push((format!("master_key = {number}\n"), number, "master_key: "));
    slips.push((format!("redis_url = {number}\n"), number, "redis_url: "));
    for (settings, secret, place) in slips {
        std::fs::write(folder.path().join("hufu.toml"), &settings).unwrap();
        for act in [&["serve"][..], &["doctor"], &["migrate", "up"]] {
            let output = hufu(folder.path(), &[&["--config", "hufu.toml"], act].concat());
            let told = refused(&output);
            assert!(told.contains(place) && !told.contains(secret), "{settings}{act:?}: {told}");
        }
    }
}

/// A variable of another character set, as shells of the bureau have them, is no matter of ours; one of our own
/// is named.
#[test]
fn a_variable_that_is_no_text_is_named_where_it_is_ours() {
    let folder = tempfile::tempdir().unwrap();
    let shanxi = OsStr::from_bytes(b"\xc9\xbd\xce\xf7");
    let run = |name: &str, arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hufu"));
        command.current_dir(folder.path()).args(arguments).env(name, shanxi).output().unwrap()
    };
    for arguments in [&["migrate", "status"][..], &["keys", "list", "jiangxi"]] {
        let told = refused(&run("BUREAU", arguments));
        assert!(told.contains("no database of a server"), "{arguments:?}: {told}");
        let told = refused(&run("HUFU__DATA", arguments));
        assert!(told.contains("HUFU__DATA in the environment is no UTF-8"), "{told}");
    }
}
