//! `hufu doctor`: would `hufu serve` serve, and safely? One line for each finding. It does what a
//! start does, short of serving, and makes nothing.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::base::cipher::Keeper;
use crate::base::clock::{Clock, Timestamp};
use crate::cli::place::Opened;
use crate::cli::result::{CliResult, Failure, say};
use crate::cli::serve::{listen, operations_listen};
use crate::cli::start::{Wanted, authorities, keeper, no_key, read_realm, realm_folders};
use crate::config::{Settings, SettingsError};
use crate::ephemeral::{Bounds, Ephemeral};
use crate::outbound::client::{Outbound, Timeouts};
use crate::outbound::email::Server;
use crate::realm::Realm;
use crate::store::connect::{check_statements, check_writable, migration_status};
use crate::store::roots::is_sealed;
use crate::views::Views;
use crate::web::layers;
use crate::web::tls::TlsFiles;

/// Counts what is wrong while it is told.
#[derive(Default)]
struct Findings {
    n_wrong: usize,
}

impl Findings {
    fn tell(&mut self, what: &str, outcome: Result<String, Failure>) -> std::io::Result<()> {
        match outcome {
            Ok(found) => say(format_args!("ok    {what}: {found}")),
            Err(error) => {
                self.n_wrong += 1;
                say(format_args!("wrong {what}: {error}"))
            }
        }
    }
}

#[derive(clap::Args)]
pub struct DoctorArguments {
    /// Also knock at the gateways, providers and mail servers that the realms name; nothing is sent.
    #[arg(long)]
    gateways: bool,
}

pub async fn run(
    arguments: DoctorArguments,
    settings: impl FnOnce() -> Result<Settings, SettingsError>,
) -> CliResult {
    let mut findings = Findings::default();
    let settings = match settings() {
        Ok(settings) => settings,
        Err(error) => return Err(format!("the settings cannot be read: {error}").into()),
    };
    let wanted = Wanted::of(&settings)?;
    findings.tell("data directory", data(&wanted.data))?;
    findings.tell("master key", master_key_file(&wanted).await)?;
    findings.tell("database", database(&wanted).await)?;
    if let Some(url) = &settings.redis_url {
        findings.tell("redis", redis(url).await)?;
    }
    findings.tell("pages", Views::load().map(|_| "whole".to_owned()).map_err(Into::into))?;
    findings.tell("tls", tls(&settings))?;
    if settings.outbound_ca.is_some() {
        let told = authorities(&wanted).map(|all| {
            let n = all.map_or(0, |all| all.len());
            format!("{n} certificates are believed beside the system's")
        });
        findings.tell("outbound_ca", told)?;
    }
    findings.tell("listeners", listeners(&settings).await)?;
    match realm_folders(&wanted.realms) {
        Err(error) => findings.tell("realms", Err(error))?,
        Ok(folders) => {
            for folder in folders {
                let name = folder.display().to_string();
                match read_realm(&folder, &wanted) {
                    Ok(realm) => {
                        findings.tell(&name, Ok(summary(&realm, settings.time_out())))?;
                        gateways(&mut findings, &wanted, &realm, arguments.gateways).await?;
                    }
                    Err(complaints) => findings.tell(&name, Err(complaints))?,
                }
            }
        }
    }
    match findings.n_wrong {
        0 => Ok(()),
        n => Err(format!("{n} things are wrong").into()),
    }
}

fn summary(realm: &Realm, time_out: Duration) -> String {
    let (clients, apis) = (realm.clients.len(), realm.resources.len());
    let told = format!("{}, {clients} clients, {apis} APIs", realm.issuer);
    let (grace, needed) = (realm.lifetimes.refresh_grace, layers::grace_needed(time_out));
    match (1..needed).contains(&grace) {
        true => format!(
            "{told}; refresh_grace is {grace}: an application without a credential whose request takes too \
             long is still signed in when it asks again with {needed} or more"
        ),
        false => told,
    }
}

/// A first start makes the folder; where it would, must be writable.
fn data(folder: &Path) -> Result<String, Failure> {
    let whole = std::path::absolute(folder)?;
    let there = whole.ancestors().find(|known| known.is_dir()).unwrap_or(&whole);
    tempfile_in(there).map_err(|error| format!("{}: {error}", there.display()))?;
    Ok(match there == whole {
        true => format!("{} can be written", folder.display()),
        false => format!("the first start will make {}", folder.display()),
    })
}

/// A file that is gone again.
fn tempfile_in(folder: &Path) -> std::io::Result<()> {
    let probe = folder.join(format!(".hufu-doctor-{}", std::process::id()));
    std::fs::write(&probe, "")?;
    std::fs::remove_file(&probe)
}

/// Never shown; a file that others may read is as good as published.
async fn master_key_file(wanted: &Wanted) -> Result<String, Failure> {
    if keeper(wanted).await?.is_none() {
        // What cannot be read is told of by the next line.
        return match is_sealed(&wanted.database, None).await.unwrap_or_default() {
            true => Err(no_key(wanted)),
            false => {
                Ok("the first start will make one; keep a copy apart from the database".to_owned())
            }
        };
    }
    if let Some(program) = &wanted.key_program {
        return Ok(format!("{} wraps", program.display()));
    }
    if wanted.master_key.is_some() {
        return Ok("from the settings".to_owned());
    }
    let file = wanted.data.join("master.key");
    let mode = std::fs::metadata(&file)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(format!("{} is readable for others (mode {mode:o})", file.display()).into());
    }
    Ok(file.display().to_string())
}

/// Ready only where it takes values, and safe only where it forgets none on its own.
async fn redis(url: &str) -> Result<String, Failure> {
    let kept = Ephemeral::on_redis(Clock::system(), url).await?;
    kept.ping().await?;
    let Ok(Some(Bounds { most: Some(most), policy: Some(policy) })) = kept.bounds().await else {
        let told = "takes values; it does not say what bounds it: see that maxmemory is set and \
                    maxmemory-policy is noeviction";
        return Ok(told.to_owned());
    };
    if policy != "noeviction" {
        let message = format!(
            "maxmemory-policy is {policy}: once it is full it would forget locks and used-up \
             codes; noeviction is needed"
        );
        return Err(message.into());
    }
    Ok(match most {
        0 => "takes values; maxmemory is not set, so nothing bounds it".to_owned(),
        most => format!("takes values, up to {} MiB", most >> 20),
    })
}

/// The schema, and whether the master key opens what was sealed with it.
async fn database(wanted: &Wanted) -> Result<String, Failure> {
    check_statements(&wanted.database).await?;
    check_writable(&wanted.database).await?;
    let Some(steps) = migration_status(&wanted.database).await? else {
        return Ok("nothing there yet, the first start makes it".to_owned());
    };
    let pending = steps.iter().filter(|(_, has_run)| !has_run).count();
    if pending > 0 {
        let told = format!("{pending} steps are pending, the next start runs them");
        let holder = keeper(wanted).await?;
        let held = holder.as_ref().map(|holder| holder as &dyn Keeper);
        return match (is_sealed(&wanted.database, held).await?, held) {
            (true, None) => Err(no_key(wanted)),
            (true, Some(_)) => Ok(format!("{told}; the master key fits")),
            (false, _) => Ok(told),
        };
    }
    let opened = Opened::at(wanted).await?;
    opened.store.check_writes(opened.clock.now()).await?;
    for realm in opened.store.realms().await? {
        let keys = opened.store.rows(&realm).keys();
        let wrong = |error| format!("the master key does not open the keys of {realm}: {error}");
        keys.list(opened.clock.now()).await.map_err(wrong)?;
    }
    if let Some(theirs) = opened.store.clock().await? {
        check_clock(opened.clock.now(), theirs)?;
    }
    Ok(format!("{} steps, all have run; the master key fits", steps.len()))
}

/// Seconds by which machines may disagree: tokens and codes of one node are read on another.
const SKEW: i64 = 10;

/// Of this machine and of the one that keeps the database.
pub fn check_clock(ours: Timestamp, theirs: Timestamp) -> Result<(), Failure> {
    let ahead = ours.since(theirs);
    if ahead.abs() <= SKEW {
        return Ok(());
    }
    let way = if ahead > 0 { "ahead of" } else { "behind" };
    Err(format!("this machine's clock is {} s {way} the database's", ahead.abs()).into())
}

/// Of both listeners where passwords are typed: people's, and the officers' console.
fn tls(settings: &Settings) -> Result<String, Failure> {
    let mut all = [listen(settings)].into_iter().chain(settings.console_listen);
    let open = all.find(|address| !address.ip().to_canonical().is_loopback());
    match (&settings.tls_certificate, &settings.tls_key) {
        (None, None) if !settings.trusted_proxies.is_empty() => {
            Ok("ended by a trusted proxy".to_owned())
        }
        (None, None) => match open {
            None => Ok("none, and no proxy is trusted: fine on loopback alone".to_owned()),
            Some(address) => Err(format!(
                "{address} is open to other machines, without tls_certificate and without \
                 trusted_proxies: passwords would travel in the clear"
            )
            .into()),
        },
        (Some(certificate), Some(key)) => {
            let (certificate, key) = (certificate.clone(), key.clone());
            TlsFiles { certificate, key }.load()?;
            Ok("served from the named files".to_owned())
        }
        _ => Err("tls_certificate and tls_key are needed together".into()),
    }
}

/// The addresses can be taken, or a server of ours has them.
async fn listeners(settings: &Settings) -> Result<String, Failure> {
    let (faces, health) = (listen(settings), operations_listen(settings));
    if faces == health {
        return Err(format!("listen and operations_listen are both {faces}").into());
    }
    if !is_inner(health) {
        let message = format!(
            "operations_listen {health} tells everybody the counters; an address \
                               of the bureau's own network is needed"
        );
        return Err(message.into());
    }
    let console = settings.console_listen;
    if let Some(console) = console.filter(|console| [faces, health].contains(console)) {
        return Err(format!("console_listen and another listener are both {console}").into());
    }
    let mut all = [faces, health].into_iter().chain(console);
    let taken = all.find_map(|address| TcpListener::bind(address).err());
    let Some(error) = taken else { return Ok(format!("{faces} and {health} are free")) };
    let outbound = Outbound::new(false, Timeouts::default())?;
    match outbound.is_ready(&format!("http://{health}")).await {
        Ok(()) => Ok(format!("a server runs on {faces} and is ready")),
        Err(_) => Err(format!("{faces} or {health}: {error}").into()),
    }
}

/// Loopback or a private network (RFC 1918, RFC 4193).
fn is_inner(address: SocketAddr) -> bool {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// Whom the realm calls.
async fn gateways(
    findings: &mut Findings,
    wanted: &Wanted,
    realm: &Arc<Realm>,
    knock: bool,
) -> Result<(), Failure> {
    // What cannot be read is told of already.
    let authorities = authorities(wanted).ok().flatten().unwrap_or_default();
    let outbound = Outbound::trusting(authorities, false, Timeouts::default())?;
    let sms = realm.sms.gateways.iter().map(|one| ("text messages", one.url.as_str()));
    let face = realm.face.iter().map(|(url, _)| ("face check", url.as_str()));
    let names = realm.real_name.iter().map(|(url, _)| ("real names", url.as_str()));
    let insured = realm.social_insurance.iter().map(|(url, _)| ("social insurance", url.as_str()));
    let cards = realm.card_reading.iter().map(|(url, _)| ("card reading", url.as_str()));
    let authorities = &realm.certificates.authorities;
    let lists = authorities.iter().flat_map(|one| one.crl.iter().chain(&one.ocsp));
    let lists = lists.map(|url| ("revoked certificates", url.as_str()));
    for (what, url) in sms.chain(face).chain(names).chain(insured).chain(cards).chain(lists) {
        let outcome = match knock {
            false => Ok(url.to_owned()),
            true => match outbound.reaches(url).await {
                Ok(()) => Ok(format!("{url} answers")),
                Err(error) => Err(format!("{url}: {error}").into()),
            },
        };
        findings.tell(&format!("{} {what}", realm.id), outcome)?;
    }
    if let Some(mail) = &realm.email {
        let server = Server { url: &mail.url, from: &mail.from, login: mail.login.as_ref() };
        let outcome = match knock {
            false => Ok(mail.url.clone()),
            true => match outbound.reaches_mail(&server).await {
                Ok(()) => Ok(format!("{} answers", mail.url)),
                Err(error) => Err(format!("{}: {error}", mail.url).into()),
            },
        };
        findings.tell(&format!("{} mail", realm.id), outcome)?;
    }
    Ok(())
}
