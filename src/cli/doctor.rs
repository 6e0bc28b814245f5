//! `hufu doctor`: is everything in place that `hufu serve` needs? One line for each finding.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::cli::result::CliResult;
use crate::cli::start::{Wanted, read_realm, realm_folders};
use crate::config::{Settings, SettingsError};
use crate::ephemeral::Ephemeral;
use crate::store::connect::{DatabaseUrl, migration_status};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Counts what is wrong while it is told.
#[derive(Default)]
struct Findings {
    n_wrong: usize,
}

impl Findings {
    fn tell(&mut self, what: &str, outcome: Result<String, Failure>) {
        match outcome {
            Ok(found) => println!("ok    {what}: {found}"),
            Err(error) => {
                self.n_wrong += 1;
                println!("wrong {what}: {error}");
            }
        }
    }
}

pub async fn run(settings: impl FnOnce() -> Result<Settings, SettingsError>) -> CliResult {
    let mut findings = Findings::default();
    let settings = match settings() {
        Ok(settings) => settings,
        Err(error) => return Err(format!("the settings cannot be read: {error}").into()),
    };
    let wanted = Wanted::of(&settings)?;
    findings.tell("data directory", data(&wanted.data));
    findings.tell("master key", master_key(&wanted));
    findings.tell("database", database(&wanted.database).await);
    if let Some(url) = &settings.redis_url {
        let clock = crate::base::clock::Clock::system();
        let answer = Ephemeral::on_redis(clock, url).await;
        findings.tell("redis", answer.map(|_| "answers".to_owned()).map_err(Into::into));
    }
    findings.tell("tls", tls(&settings));
    match realm_folders(&wanted.realms) {
        Err(error) => findings.tell("realms", Err(error)),
        Ok(folders) => {
            for folder in folders {
                let name = folder.display().to_string();
                let realm = read_realm(&folder, &wanted);
                let words =
                    realm.map(|realm| format!("{}, {} clients", realm.issuer, realm.clients.len()));
                findings.tell(&name, words);
            }
        }
    }
    match findings.n_wrong {
        0 => Ok(()),
        n => Err(format!("{n} things are wrong").into()),
    }
}

fn data(folder: &Path) -> Result<String, Failure> {
    std::fs::create_dir_all(folder)?;
    let probe = folder.join(".doctor");
    std::fs::write(&probe, "")?;
    std::fs::remove_file(&probe)?;
    Ok(format!("{} can be written", folder.display()))
}

/// Never shown; a file that others may read is as good as published.
fn master_key(wanted: &Wanted) -> Result<String, Failure> {
    let file = wanted.data.join("master.key");
    if wanted.master_key.is_some() {
        return Ok("from the settings".to_owned());
    }
    if !file.exists() {
        return Ok("the first start will make one; keep a copy apart from the database".to_owned());
    }
    let mode = std::fs::metadata(&file)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(format!("{} is readable for others (mode {mode:o})", file.display()).into());
    }
    Ok(file.display().to_string())
}

async fn database(url: &DatabaseUrl) -> Result<String, Failure> {
    let steps = migration_status(url).await?;
    let pending = steps.iter().filter(|(_, has_run)| !has_run).count();
    Ok(match pending {
        0 => format!("{} steps, all have run", steps.len()),
        n => format!("{n} steps are pending, the next start runs them"),
    })
}

fn tls(settings: &Settings) -> Result<String, Failure> {
    match (&settings.tls_certificate, &settings.tls_key) {
        (None, None) if settings.trusted_proxies.is_empty() => {
            Ok("none, and no proxy is trusted: fine on loopback alone".to_owned())
        }
        (None, None) => Ok("ended by a trusted proxy".to_owned()),
        (Some(certificate), Some(key)) => {
            for file in [certificate, key] {
                std::fs::read_to_string(file)
                    .map_err(|error| format!("{}: {error}", file.display()))?;
            }
            Ok(certificate.display().to_string())
        }
        _ => Err("tls_certificate and tls_key are needed together".into()),
    }
}
