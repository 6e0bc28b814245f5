//! `hufu import`: what the registry and the business systems tell, from a file. Needs the database and
//! the realm's files, and none of the realm's secrets. One that was broken off goes on where it was.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::cli::place::{Opened, Place};
use crate::cli::result::{CliResult, remark, say};
use crate::cli::start::{Wanted, realm_of_data, services};
use crate::config::Settings;
use crate::ephemeral::Ephemeral;
use crate::flows::Ctx;
use crate::flows::feed::{Format, Heard, ReportedLine, Source, Totals, import_file};

#[derive(clap::Args)]
pub struct ImportArguments {
    realm: String,
    /// A table (`.csv`) or one JSON object a line.
    file: PathBuf,
    /// What the lines are when they do not say it: `person`, `enterprise`, `authorisation`,
    /// `engagement`, `record` or `hall_record`.
    #[arg(long)]
    kind: Option<String>,
    /// Where lines that were not taken, or not as they say, are listed; beside the file by default.
    #[arg(long)]
    report: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

pub async fn run(arguments: ImportArguments, settings: Settings) -> CliResult {
    let wanted = Wanted::of(&arguments.place.over(settings))?;
    let opened = Opened::at(&wanted).await?;
    opened.check_realm(&arguments.realm).await?;
    let realm = realm_of_data(&wanted.realms.join(&arguments.realm))?;
    // What is told waits in the database, for the running server to send.
    let clock = opened.clock.clone();
    let ephemeral = Ephemeral::in_memory(clock.clone());
    let services = services(&wanted, opened.store, ephemeral, clock)?;
    let file = &arguments.file;
    File::open(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let is_table = file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    let format = if is_table { Format::Csv } else { Format::JsonLines };
    let ctx = Ctx::own(&services, &realm);
    let source = Source { by: "hufu import", format, kind: arguments.kind.as_deref() };
    let beside = || PathBuf::from(format!("{}.report.jsonl", file.display()));
    let mut told = Told {
        file: file.display().to_string(),
        report: Report::new(arguments.report.clone().unwrap_or_else(beside)),
        progress: Progress::new(),
    };
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let open = || File::open(file).map(|opened| BufReader::with_capacity(1 << 16, opened));
    let totals = import_file(&ctx, source, &name, open, |heard| told.hear(heard)).await?;
    told.progress.show(totals);
    told.end(totals)
}

/// Lines that are also shown at once; the report has all.
const SHOWN: u64 = 20;

/// Whoever started it hears what becomes of the file.
struct Told {
    file: String,
    report: Report,
    progress: Progress,
}

impl Told {
    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::GoesOn(line, totals) => {
                let Totals { failed, remarked, .. } = totals;
                remark(format_args!("{}: goes on after line {line}", self.file));
                self.report.keep(failed + remarked);
                self.progress.begin_at(totals);
            }
            Heard::Changed => {
                let file = &self.file;
                remark(format_args!(
                    "{file}: changed since it was broken off, read from its first line"
                ));
            }
            Heard::Failed(line) => self.tell(&line, false),
            Heard::Remarked(line) => self.tell(&line, true),
            Heard::Through(totals) => {
                self.report.flush();
                self.progress.show_now_and_then(totals);
            }
        }
    }

    fn tell(&mut self, line: &ReportedLine, is_taken: bool) {
        if self.report.n_lines < SHOWN {
            remark(format_args!("{}:{}: {}", self.file, line.line, line.why));
        }
        self.report.add(&Reported { is_taken, line });
    }

    fn end(self, totals: Totals) -> CliResult {
        let Totals { applied, unchanged, failed, remarked } = totals;
        let report = self.report.end()?;
        say(format_args!("{applied} applied, {unchanged} unchanged, {failed} failed"))?;
        let see = report.display();
        if remarked > 0 {
            remark(format_args!("{remarked} lines were taken otherwise than they say, see {see}"));
        }
        match failed {
            0 => Ok(()),
            _ => Err(format!("{failed} lines were not taken, see {see}").into()),
        }
    }
}

/// One line of the report.
#[derive(Serialize)]
struct Reported<'l> {
    is_taken: bool,
    #[serde(flatten)]
    line: &'l ReportedLine,
}

/// A file only where there is something to report.
struct Report {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    n_lines: u64,
    outcome: io::Result<()>,
}

impl Report {
    fn new(path: PathBuf) -> Self {
        Self { path, file: None, n_lines: 0, outcome: Ok(()) }
    }

    /// What an earlier run has reported of lines that are not read again.
    fn keep(&mut self, n_lines: u64) {
        if n_lines > 0 {
            self.outcome = self.kept(n_lines);
        }
    }

    fn kept(&mut self, n_lines: u64) -> io::Result<()> {
        let mut length = 0;
        if let Ok(file) = File::open(&self.path) {
            let (mut text, mut line) = (BufReader::new(file), Vec::new());
            while self.n_lines < n_lines && text.read_until(b'\n', &mut line)? > 0 {
                length += line.len();
                self.n_lines += 1;
                line.clear();
            }
        }
        let mut options = File::options();
        let file = options.create(true).append(true).open(&self.path)?;
        file.set_len(u64::try_from(length).unwrap_or(u64::MAX))?;
        self.file = Some(BufWriter::new(file));
        Ok(())
    }

    fn add(&mut self, line: &Reported<'_>) {
        self.n_lines += 1;
        if self.outcome.is_ok() {
            self.outcome = self.write(line);
        }
    }

    fn write(&mut self, line: &Reported<'_>) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(BufWriter::new(File::create(&self.path)?)),
        };
        writeln!(file, "{}", serde_json::to_string(line)?)
    }

    /// Before it is kept how far the lines were taken.
    fn flush(&mut self) {
        if let (Some(file), true) = (&mut self.file, self.outcome.is_ok()) {
            self.outcome = file.flush();
        }
    }

    /// Where it stands, once it is written whole.
    fn end(mut self) -> io::Result<PathBuf> {
        self.flush();
        self.outcome.map(|()| self.path)
    }
}

/// Between two words on how far it is.
const PAUSE: Duration = Duration::from_secs(5);

/// How far it is, and how fast.
struct Progress {
    started: Instant,
    told: Instant,
    n_before: u64,
}

impl Progress {
    fn new() -> Self {
        let now = Instant::now();
        Self { started: now, told: now, n_before: 0 }
    }

    /// After lines that an earlier run has taken.
    fn begin_at(&mut self, totals: Totals) {
        *self = Self { n_before: n_lines(totals), ..Self::new() };
    }

    fn show_now_and_then(&mut self, totals: Totals) {
        if self.told.elapsed() >= PAUSE {
            self.told = Instant::now();
            self.show(totals);
        }
    }

    fn show(&self, totals: Totals) {
        remark(Speed { totals, n_before: self.n_before, elapsed: self.started.elapsed() });
    }
}

fn n_lines(totals: Totals) -> u64 {
    totals.applied + totals.unchanged + totals.failed
}

struct Speed {
    totals: Totals,
    n_before: u64,
    elapsed: Duration,
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n_lines, failed) = (n_lines(self.totals), self.totals.failed);
        let n_millis = u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
        let a_second = (n_lines - self.n_before).saturating_mul(1000) / n_millis;
        write!(f, "{n_lines} lines, {a_second} a second, {failed} failed")
    }
}
