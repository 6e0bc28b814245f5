//! `hufu secrets` and signed checkpoints at a real server (issue 15.4).

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::{SECRET, serve, served_realm};
use crate::kit::demo::free_ports;

fn hufu(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hufu"));
    let command = command.current_dir(folder).args(["--config", "hufu.toml"]).args(arguments);
    command.env("SECRET_FROM_OUTSIDE", SECRET).output().unwrap()
}

fn told(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn roots(folder: &Path) -> Vec<Value> {
    let lines = told(&hufu(folder, &["secrets", "status", "--json"]));
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const WHY: [&str; 4] = ["--reason", "a test", "--by", "somebody"];

/// A new database is sealed by what the settings want; a root, a master key and the end of the old one, each
/// in the audit with who and why, and refused where it would lock somebody out.
#[tokio::test(flavor = "multi_thread")]
async fn roots_and_master_keys_are_exchanged_at_the_shell() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    served_realm(folder, "https://sms.example/send");
    let port = free_ports();
    let mut running = serve(folder, port, "at_rest = 'national'").await;
    let known = roots(folder);
    let state =
        |n: usize| (known[n]["suite"].as_str().unwrap(), known[n]["state"].as_str().unwrap());
    assert_eq!(
        (known.len(), state(0), state(1)),
        (2, ("international", "older"), ("national", "current"))
    );
    let own = known[1]["keys"][0].as_str().unwrap().to_owned();

    assert!(
        refused(&hufu(folder, &["secrets", "forget", &own, WHY[0], WHY[1]])).contains("in use")
    );
    assert!(
        refused(&hufu(folder, &["secrets", "forget", "nosuch", WHY[0], WHY[1]]))
            .contains("nothing")
    );
    let no_reason = hufu(folder, &["secrets", "rotate"]);
    assert_eq!(no_reason.status.code(), Some(2));
    let rotate = [&["secrets", "rotate"][..], &WHY].concat();
    for officer in ["officer/zhou", "operator/officer/zhou", "/zhou", "operator/"] {
        let as_officer = ["secrets", "rotate", WHY[0], WHY[1], WHY[2], officer];
        assert!(refused(&hufu(folder, &as_officer)).contains("--by"), "{officer}");
    }
    assert!(told(&hufu(folder, &rotate)).starts_with("2 national announced"));
    assert!(refused(&hufu(folder, &rotate)).contains("announced already"));

    // Another master key: a file that is made, and a program before a machine, which both open.
    let next = folder.join("next.key");
    let rewrap = [&["secrets", "rewrap", "--new-key", next.to_str().unwrap()][..], &WHY].concat();
    let new = told(&hufu(folder, &rewrap)).split(' ').next().unwrap().to_owned();
    assert_ne!(new, own);
    assert_eq!(
        roots(folder).iter().filter(|root| root["keys"].as_array().unwrap().len() == 2).count(),
        3
    );
    running.kill();
    std::fs::rename(&next, folder.join("data/master.key")).unwrap();
    let mut running = serve(folder, port, "at_rest = 'national'").await;
    let forget = [&["secrets", "forget", own.as_str()][..], &WHY].concat();
    told(&hufu(folder, &forget));
    assert!(roots(folder).iter().all(|root| root["keys"] == serde_json::json!([new])));

    let program = folder.join("keeper");
    let script = "#!/bin/sh\ncase $1 in fingerprint) echo machine1;; *) rev;; esac\n";
    std::fs::write(&program, script).unwrap();
    Command::new("chmod").args(["755", program.to_str().unwrap()]).status().unwrap();
    let to_machine = ["secrets", "rewrap", "--new-program", program.to_str().unwrap()];
    assert!(told(&hufu(folder, &[&to_machine[..], &WHY].concat())).starts_with("machine1"));
    running.kill();
    std::fs::remove_file(folder.join("data/master.key")).unwrap();
    let by_machine = format!("at_rest = 'national'\nkey_program = '{}'", program.display());
    let _running = serve(folder, port, &by_machine).await;
    let forget = [&["secrets", "forget", new.as_str()][..], &WHY].concat();
    told(&hufu(folder, &forget));
    assert!(!folder.join("data/master.key").exists(), "nobody needs one now");

    let audit = told(&hufu(folder, &["audit", "export", "jiangxi"]));
    let acts: Vec<Value> = audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let acts = acts.iter().filter(|line| line["event"]["action"] == "secrets_changed");
    let acts: Vec<&str> = acts
        .map(|line| {
            assert_eq!(
                (&line["event"]["by"], &line["event"]["reason"]),
                (&"operator/somebody".into(), &"a test".into())
            );
            assert!(line["hash"].as_str().unwrap().starts_with("s1."), "HMAC-SM3: {line}");
            line["event"]["act"].as_str().unwrap()
        })
        .collect();
    assert_eq!(acts.len(), 5, "{acts:?}");
    assert_eq!(acts[0], "rotate 2");
    check_signed(folder);
}

/// What the auditor keeps is signed, and checked without the database.
fn check_signed(folder: &Path) {
    let head = told(&hufu(folder, &["audit", "verify", "jiangxi"]));
    let (key, kept) = (folder.join("audit.pem"), folder.join("kept"));
    std::fs::write(&key, told(&hufu(folder, &["audit", "key", "jiangxi"]))).unwrap();
    std::fs::write(&kept, &head).unwrap();
    let check = |realm: &str| {
        let files = ["--key", key.to_str().unwrap(), "--checkpoints", kept.to_str().unwrap()];
        hufu(folder, &[&["audit", "signed", realm][..], &files].concat())
    };
    assert_eq!(told(&check("jiangxi")).trim(), "all signed: 1");
    assert!(refused(&check("another")).contains("not signed"));
    let verify = ["audit", "verify", "jiangxi", "--checkpoints", kept.to_str().unwrap()];
    told(&hufu(folder, &verify));
    for wrong in
        [head.replace("s1.", "s1.0"), head.replacen(' ', "0 ", 1), head.replace(" sm2.", " ")]
    {
        std::fs::write(&kept, wrong).unwrap();
        refused(&check("jiangxi"));
    }
}

/// A key that does not fit, and a program that fails, are told before anything is served.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_serves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    served_realm(folder, "https://sms.example/send");
    let mut running = serve(folder, free_ports(), "").await;
    running.kill();
    let right = std::fs::read_to_string(folder.join("data/master.key")).unwrap();
    std::fs::write(folder.join("data/master.key"), "a5".repeat(32)).unwrap();
    for act in [&["serve"][..], &["secrets", "status"], &["audit", "verify", "jiangxi"]] {
        assert!(refused(&hufu(folder, act)).contains("does not fit"), "{act:?}");
    }
    // Nor is another made in place of one that was lost.
    std::fs::remove_file(folder.join("data/master.key")).unwrap();
    assert!(refused(&hufu(folder, &["serve"])).contains("master.key is missing"));
    assert!(!folder.join("data/master.key").exists());
    std::fs::write(folder.join("data/master.key"), right).unwrap();
    assert_eq!(roots(folder).len(), 1);
    let settings = std::fs::read_to_string(folder.join("hufu.toml")).unwrap();
    for program in ["/nowhere", "/bin/false", "/bin/ls"] {
        std::fs::write(folder.join("hufu.toml"), format!("{settings}\nkey_program = '{program}'"))
            .unwrap();
        assert!(refused(&hufu(folder, &["serve"])).contains(program), "{program}");
    }
}
