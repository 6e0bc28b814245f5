//! What every story begins with, made once: a cluster in which the people of the demo and the honest
//! ones are, and the master key that it was filled under.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::servers::{Postgres, hand_over};
use crate::cutter::server::{add_people, open_up};
use crate::kit::copy;
use crate::kit::demo::{Running, free_ports, wait_for};

pub struct Seed {
    /// A stopped cluster as an archive, so that nothing is left behind when the process ends.
    archive: Vec<u8>,
    pub master_key: String,
}

pub fn seed() -> &'static Seed {
    static SEED: OnceLock<Seed> = OnceLock::new();
    SEED.get_or_init(|| {
        let made = std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
            runtime.unwrap().block_on(make())
        });
        made.join().unwrap()
    })
}

/// A folder that also the user of PostgreSQL can enter.
pub fn folder() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::Builder::new().prefix("nodes").tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

async fn make() -> Seed {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let realm = at("realms/jiangxi");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("realms/jiangxi"), &realm);
    open_up(&realm);
    add_people(&realm);
    Postgres::make(&at("pg"));
    let postgres = Postgres::start(at("pg")).await;
    let port = free_ports();
    let demo = Command::new(env!("CARGO_BIN_EXE_hufu"))
        .args(["demo", "--port", &port.to_string(), "--database-url", &postgres.url(), "--data"])
        .arg(at("demo"))
        .arg("--realms")
        .arg(at("realms"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let demo = Running::of(demo);
    wait_for(port).await;
    drop(demo);
    postgres.stop("INT").await;
    let packed = Command::new("tar").arg("-C").arg(folder.path()).args(["-cf", "-", "pg"]).output();
    let packed = packed.unwrap();
    assert!(packed.status.success());
    let master_key = std::fs::read_to_string(at("demo/master.key")).unwrap();
    Seed { archive: packed.stdout, master_key }
}

impl Seed {
    /// A cluster below `folder`, to be started.
    pub fn plant(&self, folder: &Path) -> PathBuf {
        let archive = folder.join("pg.tar");
        std::fs::write(&archive, &self.archive).unwrap();
        let unpacked = Command::new("tar").arg("-C").arg(folder).arg("-xpf").arg(&archive).status();
        assert!(unpacked.unwrap().success());
        std::fs::remove_file(archive).unwrap();
        let data = folder.join("pg");
        hand_over(&data);
        data
    }
}
