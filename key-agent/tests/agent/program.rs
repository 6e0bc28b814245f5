//! The program itself: its configuration file, its words on standard error, and that no PIN is ever
//! among them.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::json;

use crate::kit::http::post;
use crate::kit::keys::{Kind, make};
use crate::kit::{ORIGIN, nonce};

const PIN: &str = "Zx-5528-secret";

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_key-agent"));
    command.arg("--config").arg(config).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn write(folder: &Path, text: &str) -> std::path::PathBuf {
    let file = folder.join("key-agent.toml");
    std::fs::write(&file, text).unwrap();
    file
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&*output.stdout, &*output.stderr].concat()).into_owned()
}

#[tokio::test]
async fn no_pin_is_ever_in_a_line_or_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let soft = make(Kind::Rsa, "A").save(folder.path(), "a", PIN, false);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = format!(
        "origins = [\"{ORIGIN}\"]\nports = [{port}]\n[pin]\nmode = \"page\"\n\
         [skf]\nlibraries = [\"/no.so\"]\n{soft}"
    );
    let mut program = Program(command(&write(folder.path(), &text)).spawn().unwrap());
    let mut tries = 0;
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        tries += 1;
        assert!(tries < 200, "it does not listen");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let opened = json!({ "page_nonce": nonce() }).to_string();
    let opened = post(port, "/v1/session", ORIGIN, "", &opened).await.ok();
    let session = opened["session"].as_str().unwrap();
    let listed = post(port, "/v1/certificates", ORIGIN, session, "{}").await.ok();
    let key = &listed["certificates"][0]["key_id"];
    let now = std::process::Command::new("date").arg("+%s").output().unwrap().stdout;
    let now: i64 = String::from_utf8(now).unwrap().trim().parse().unwrap();
    let mut challenge = crate::kit::challenge_json(ORIGIN);
    (challenge["iat"], challenge["exp"]) = (json!(now), json!(now + 120));
    let challenge = crate::kit::encode(&challenge);
    let wrong = "Qq-7719-wrong";
    let bodies = [
        ("/v1/sign", json!({ "key_id": key, "challenge": challenge, "pin": PIN })),
        ("/v1/sign", json!({ "key_id": key, "challenge": challenge, "pin": wrong })),
        ("/v1/sign", json!({ "key_id": key, "challenge": "x", "pin": PIN })),
        ("/v1/sign", json!({ "key_id": "x", "challenge": challenge, "pin": PIN })),
        ("/v1/sign", json!({ "key_id": key, "challenge": challenge, "pin": PIN, PIN: PIN })),
        ("/v1/sign", json!({ "key_id": key, "challenge": challenge, "pin": [PIN] })),
        ("/v1/sign", json!({ "key_id": key, "challenge": challenge, "pin": format!("{PIN}\n") })),
        ("/v1/pin/change", json!({ "token_of": key, "old": wrong, "new": PIN })),
        ("/v1/pin/change", json!({ "token_of": key, "old": PIN, "new": wrong })),
        ("/v1/nothing", json!({ "pin": PIN })),
    ];
    let mut answers = String::new();
    for (path, body) in bodies {
        let reply = post(port, path, ORIGIN, session, &body.to_string()).await;
        answers.push_str(&format!("{} {}\n", reply.status, reply.body));
    }
    let foreign = json!({ "pin": PIN }).to_string();
    post(port, "/v1/sign", "https://attacker.example", session, &foreign).await;
    program.0.kill().unwrap();
    let mut lines = String::new();
    program.0.stderr.take().unwrap().read_to_string(&mut lines).unwrap();
    assert!(answers.contains("signature") && answers.contains("\"changed\":true"), "{answers}");
    assert!(lines.contains("signed with A"), "{lines}");
    assert!(lines.contains("changed the PIN"), "{lines}");
    for secret in [PIN, wrong, "5528", "7719", session] {
        assert!(!lines.contains(secret), "{lines}");
        assert!(!answers.contains(secret), "{answers}");
    }
}

#[test]
fn a_wrong_configuration_is_said_and_nothing_listens() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["origins = [\"*\"]", "origins = [\"https://a.example\"]\nother = 1", "nonsense"] {
        let output = command(&write(folder.path(), text)).output().unwrap();
        assert!(!output.status.success(), "{text}");
        assert!(said(&output).contains("key-agent.toml"), "{}", said(&output));
    }
    let output = command(&folder.path().join("missing.toml")).output().unwrap();
    assert!(!output.status.success());
}

#[test]
fn check_says_what_the_page_would() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "origins = [\"https://a.example\"]");
    let output = command(&file).arg("check").output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let items: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let ids: Vec<&str> =
        items.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    let all = ["driver.pkcs11", "driver.skf", "token", "certificates", "pin_window", "clock"];
    assert_eq!(ids, all);
}
