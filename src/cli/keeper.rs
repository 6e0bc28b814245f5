//! Who wraps the roots at rest: the master key that this process reads, or a program in front of a
//! machine that gives no key away. The program is called with `fingerprint`, `wrap ROOT` or
//! `unwrap ROOT`, reads hexadecimal from standard input and writes hexadecimal; anything but exit 0 is
//! a refusal, and so is no answer for some seconds.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::base::cipher::{Keeper, KeeperError, Kept, MasterKey, RootKey};
use crate::base::random::Random;
use crate::base::secret::hex;
use crate::cli::result::Failure;

/// A machine that takes longer is away; its program is ended.
const LONGEST: Duration = Duration::from_secs(5);

pub enum KeyHolder {
    Key(MasterKey),
    Program { path: PathBuf, fingerprint: String },
}

impl KeyHolder {
    pub async fn program(path: PathBuf) -> Result<Self, Failure> {
        let fingerprint = ask(&path, &["fingerprint"], b"").await?;
        let fits = (1..=64).contains(&fingerprint.len())
            && fingerprint.bytes().all(|byte| byte.is_ascii_alphanumeric());
        match fits {
            true => Ok(Self::Program { path, fingerprint }),
            false => {
                Err(format!("{}: a fingerprint is 1 to 64 letters and digits", path.display())
                    .into())
            }
        }
    }
}

impl Keeper for KeyHolder {
    fn fingerprint(&self) -> String {
        match self {
            Self::Key(key) => Keeper::fingerprint(key),
            Self::Program { fingerprint, .. } => fingerprint.clone(),
        }
    }

    fn wrap<'k>(&'k self, random: &'k Random, root: u32, key: &'k RootKey) -> Kept<'k, Vec<u8>> {
        match self {
            Self::Key(master) => master.wrap(random, root, key),
            Self::Program { path, .. } => Box::pin(bytes(path, "wrap", root, key.expose())),
        }
    }

    fn unwrap<'k>(&'k self, root: u32, wrapped: &'k [u8]) -> Kept<'k, RootKey> {
        match self {
            Self::Key(master) => master.unwrap(root, wrapped),
            Self::Program { path, .. } => Box::pin(async move {
                Ok(RootKey::parse(&bytes(path, "unwrap", root, wrapped).await?)?)
            }),
        }
    }

    fn first_root(&self) -> Option<RootKey> {
        match self {
            Self::Key(master) => master.first_root(),
            Self::Program { .. } => None,
        }
    }
}

async fn bytes(path: &Path, act: &str, root: u32, input: &[u8]) -> Result<Vec<u8>, KeeperError> {
    let told = ask(path, &[act, &root.to_string()], hex(input).as_bytes()).await?;
    let malformed = || KeeperError::Away(format!("{} {act}: no hexadecimal", path.display()));
    if !told.len().is_multiple_of(2) || !told.is_ascii() {
        return Err(malformed());
    }
    let pairs = (0..told.len()).step_by(2).map(|at| u8::from_str_radix(&told[at..at + 2], 16));
    pairs.collect::<Result<_, _>>().map_err(|_| malformed())
}

async fn ask(path: &Path, arguments: &[&str], input: &[u8]) -> Result<String, KeeperError> {
    let away = |error: String| KeeperError::Away(format!("{}: {error}", path.display()));
    let mut child = Command::new(path)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| away(error.to_string()))?;
    let answer = async {
        if let Some(mut stdin) = child.stdin.take() {
            // A program that needs nothing does not read.
            let _ = stdin.write_all(input).await;
        }
        child.wait_with_output().await
    };
    let late = |_| away(format!("no answer within {} seconds", LONGEST.as_secs()));
    let output = tokio::time::timeout(LONGEST, answer).await.map_err(late)?;
    let output = output.map_err(|error| away(error.to_string()))?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        return Err(away(format!("{} ({})", told.trim(), output.status)));
    }
    let told = String::from_utf8(output.stdout).map_err(|error| away(error.to_string()))?;
    Ok(told.trim().to_owned())
}
