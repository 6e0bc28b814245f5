//! Several people at one computer.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use key_agent::peer::owner;

use crate::kit::http::head;
use crate::kit::{ORIGIN, PAGE, config, start};

#[test]
fn the_kernels_table_is_read() {
    let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n\
        0: 0100007F:4423 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 0 1 1 0\n\
        1: 0100007F:D431 0100007F:4423 01 00000000:00000000 00:00000000 00000000  1001 0 2 1 0\n\
        2: 0100007F:4423 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000 0 3 1 0\n\
        3: 00000000000000000000000001000000:D432 00000000000000000000000001000000:4423 01 \
           00000000:00000000 00:00000000 00000000  1002 0 4 1 0\n\
        4: 0000000000000000FFFF00000100007F:D433 0000000000000000FFFF00000100007F:4423 01 \
           00000000:00000000 00:00000000 00000000  1003 0 5 1 0\n\
        nonsense\n";
    let asked = |peer: &str, ours: &str| owner(table, peer.parse().unwrap(), ours.parse().unwrap());
    assert_eq!(asked("127.0.0.1:54321", "127.0.0.1:17443"), Some(1001));
    assert_eq!(asked("[::1]:54322", "[::1]:17443"), Some(1002));
    assert_eq!(asked("127.0.0.1:54323", "127.0.0.1:17443"), Some(1003));
    assert_eq!(asked("127.0.0.1:54324", "127.0.0.1:17443"), None);
    assert_eq!(asked("127.0.0.1:54321", "127.0.0.1:27443"), None);
    assert_eq!(owner("", "127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap()), None);
}

/// A page in the browser of somebody else at the same computer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_elses_browser_is_refused() {
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        eprintln!("skipped: only root can be somebody else");
        return;
    }
    let agent = start(config(PAGE)).await;
    let body = format!("{{\"page_nonce\":\"{}\"}}", crate::kit::nonce());
    let request = head(agent.port, "/v1/session", ORIGIN, "", body.len()) + &body;
    let talk = format!("exec 3<>/dev/tcp/127.0.0.1/{}; printf %s \"$0\" >&3; cat <&3", agent.port);
    let ask = |user: u32| {
        let mut shell = Command::new("bash");
        shell.args(["-c", &talk, &request]).current_dir("/").uid(user).gid(user);
        String::from_utf8(shell.output().unwrap().stdout).unwrap()
    };
    let (mine, theirs) = tokio::task::block_in_place(|| (ask(0), ask(65534)));
    assert!(mine.starts_with("HTTP/1.1 200"), "{mine}");
    assert!(theirs.starts_with("HTTP/1.1 403"), "{theirs}");
    assert!(!theirs.to_lowercase().contains("access-control"), "{theirs}");
}
