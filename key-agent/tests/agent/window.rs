//! PINs by a window of this computer: a program in place of `pinentry` that answers from a file.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::kit::keys::{Kind, make};
use crate::kit::{ORIGIN, Running, challenge, config, start};

const PIN: &str = "pin % \u{5bc6}1";

/// Answers each `GETPIN` and `CONFIRM` with the next line of `answers`, and writes down what it is
/// told.
const PROGRAM: &str = r##"#!/bin/sh
cd "$(dirname "$0")"
echo "OK Pleased to meet you"
while read -r line; do
  echo "$line" >> told
  case "$line" in
    GETPIN|CONFIRM)
      head -n 1 answers > answer
      tail -n +2 answers > rest; mv rest answers
      case "$(cat answer)" in
        ERR*|OK*) cat answer ;;
        WAIT) sleep 5; echo OK ;;
        NOISE) echo "S PASSWORD_FROM_CACHE"; echo "# a remark"; echo "D secret"; echo OK ;;
        WRONG) echo "HELLO" ;;
        STRAY) sleep 60 & echo $! > stray; echo "HELLO" ;;
        LONG) head -c 5000 /dev/zero | tr '\0' x; echo ;;
        *) printf 'D %s\n' "$(cat answer)"; echo OK ;;
      esac ;;
    *) echo OK ;;
  esac
done
"##;

struct Desk {
    folder: tempfile::TempDir,
    agent: Running,
}

impl Desk {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("pinentry");
        std::fs::write(&program, PROGRAM).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let soft = make(Kind::P256, "A\nSETDESC evil%").save(folder.path(), "a", PIN, true);
        let native =
            format!("[pin]\nmode = \"native\"\nprogram = {program:?}\nlanguage = \"en\"\n");
        let agent = start(config(&format!("{native}{soft}"))).await;
        Self { folder, agent }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn answer(&self, lines: &[&str]) {
        std::fs::write(self.path("answers"), lines.join("\n") + "\n").unwrap();
        let _ = std::fs::remove_file(self.path("told"));
    }

    fn told(&self) -> String {
        read(&self.path("told"))
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// As the protocol writes it.
fn escaped(pin: &str) -> String {
    pin.replace('%', "%25")
}

/// Covers C-02, C-07.
#[tokio::test]
async fn the_window_asks_and_the_page_never_sees_the_pin() {
    let desk = Desk::new().await;
    let page = desk.agent.page().await;
    assert_eq!(page.env("pin_window").await["ok"], true);
    let key = page.key().await;
    let body = json!({ "key_id": key, "challenge": challenge(ORIGIN) });
    desk.answer(&[&escaped(PIN)]);
    assert_eq!(page.call("/v1/sign", body.clone()).await.status, 200);
    let told = desk.told();
    assert!(told.contains(ORIGIN), "the window says who asks: {told}");
    assert!(!told.contains("\nSETDESC evil"), "a label is no command: {told}");
    desk.answer(&["wrong"]);
    assert_eq!(page.call("/v1/sign", body.clone()).await.code(), "PIN_INCORRECT");
    for cancelled in ["ERR 83886179 Operation cancelled <Pinentry>", "ERR 83886142 Timeout"] {
        desk.answer(&[cancelled]);
        let reply = page.call("/v1/sign", body.clone()).await;
        assert_eq!((reply.status, reply.code()), (409, "USER_CANCELLED"));
    }
    // A page that sends one has asked for what it must not know.
    desk.answer(&[&escaped(PIN)]);
    assert_eq!(page.sign(&key, PIN).await.code(), "REQUEST_INVALID");
    assert_eq!(page.change_pin(&key, PIN, "another").await.code(), "REQUEST_INVALID");
    assert_eq!(desk.told(), "", "no window was opened");
    // Nor is a window opened for what cannot be signed.
    let body = json!({ "key_id": key, "challenge": challenge("https://attacker.example") });
    assert_eq!(page.call("/v1/sign", body).await.code(), "CHALLENGE_INVALID");
    assert_eq!(desk.told(), "");
}

/// Covers AC-45.
#[tokio::test]
async fn the_window_changes_the_pin() {
    let desk = Desk::new().await;
    let page = desk.agent.page().await;
    let key = page.key().await;
    let change = json!({ "token_of": key });
    desk.answer(&[&escaped(PIN), "another 1", "another 2"]);
    let reply = page.call("/v1/pin/change", change.clone()).await;
    assert_eq!((reply.status, reply.code()), (409, "USER_CANCELLED"));
    assert!(reply.body["error"]["detail"].as_str().unwrap().contains("twice alike"));
    desk.answer(&["wrong", "another 1", "another 1"]);
    assert_eq!(page.call("/v1/pin/change", change.clone()).await.code(), "PIN_INCORRECT");
    desk.answer(&[&escaped(PIN), "another 1", "another 1"]);
    assert_eq!(page.call("/v1/pin/change", change).await.ok()["changed"], true);
    let body = json!({ "key_id": key, "challenge": challenge(ORIGIN) });
    desk.answer(&[&escaped(PIN)]);
    assert_eq!(page.call("/v1/sign", body.clone()).await.code(), "PIN_INCORRECT");
    desk.answer(&["another 1"]);
    assert_eq!(page.call("/v1/sign", body).await.status, 200);
}

#[tokio::test]
async fn a_page_piles_up_no_windows() {
    let desk = Desk::new().await;
    let page = desk.agent.page().await;
    let key = page.key().await;
    let body = || json!({ "key_id": key, "challenge": challenge(ORIGIN) });
    desk.answer(&["WAIT"]);
    let (first, second) = tokio::join!(page.call("/v1/sign", body()), async {
        while desk.told().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        page.call("/v1/sign", body()).await
    });
    assert_eq!((second.status, second.code()), (502, "BACKEND"));
    assert!(second.body["error"]["detail"].as_str().unwrap().contains("another window"));
    assert_ne!(first.status, 200, "nothing was typed");
    assert_eq!(desk.told().matches("GETPIN").count(), 1);
}

/// Whether it runs; one that was ended and that nobody has waited for does not.
#[cfg(target_os = "linux")]
fn runs(process: &str) -> bool {
    !read(Path::new(&format!("/proc/{process}/cmdline"))).is_empty()
}

/// What the program has started goes with it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_window_leaves_nothing_behind() {
    let desk = Desk::new().await;
    let page = desk.agent.page().await;
    let key = page.key().await;
    desk.answer(&["STRAY"]);
    let body = json!({ "key_id": key, "challenge": challenge(ORIGIN) });
    let reply = page.call("/v1/sign", body).await;
    assert_eq!((reply.status, reply.code()), (502, "BACKEND"));
    let stray = read(&desk.path("stray")).trim().to_owned();
    assert!(!stray.is_empty(), "nothing was started");
    let gone = async {
        while runs(&stray) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let gone = tokio::time::timeout(std::time::Duration::from_secs(5), gone).await;
    assert!(gone.is_ok(), "{stray} still runs");
}

#[tokio::test]
async fn a_program_that_is_none_of_this_kind_is_a_fault() {
    let desk = Desk::new().await;
    let page = desk.agent.page().await;
    let key = page.key().await;
    let body = || json!({ "key_id": key, "challenge": challenge(ORIGIN) });
    for answer in ["WRONG", "LONG", "ERR 83886340 Not implemented", "%zz", "%4"] {
        desk.answer(&[answer]);
        let reply = page.call("/v1/sign", body()).await;
        assert_eq!((reply.status, reply.code()), (502, "BACKEND"), "{answer}");
    }
    desk.answer(&["NOISE"]);
    assert_eq!(page.call("/v1/sign", body()).await.code(), "PIN_INCORRECT");
    std::fs::remove_file(desk.path("pinentry")).unwrap();
    assert_eq!(page.call("/v1/sign", body()).await.code(), "BACKEND");
}
