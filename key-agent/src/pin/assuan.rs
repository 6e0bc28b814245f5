//! The few words of the Assuan protocol that `pinentry` speaks: a command a line, `D` for data,
//! `OK` or `ERR` at the end.

use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use zeroize::Zeroizing;

/// The protocol's own limit for a line.
const LONGEST_LINE: u64 = 1000;
/// What a program may say between a command and its answer.
const MOST_LINES: usize = 50;

pub struct Pinentry {
    /// Its window goes when we go.
    _program: Program,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

#[derive(Debug, thiserror::Error)]
pub enum AssuanError {
    #[error("the window was closed")]
    Cancelled,
    #[error("the program for the window answers {0}")]
    Refused(String),
    #[error("the program for the window cannot be spoken to: {0}")]
    Io(#[from] std::io::Error),
    #[error("the program for the window says what is not of its protocol")]
    Unclear,
}

/// A program that ends with us and, on Unix, takes all that it has started with it: many a `pinentry` is a script
/// that chooses among several.
struct Program(Child);

impl Program {
    fn start(mut command: Command) -> std::io::Result<Self> {
        // Where a process is a group of its own, it and its children are one to be ended.
        #[cfg(unix)]
        command.process_group(0);
        Ok(Self(command.kill_on_drop(true).spawn()?))
    }
}

#[cfg(unix)]
impl Drop for Program {
    fn drop(&mut self) {
        use rustix::process::{Pid, Signal, kill_process_group};
        // Nobody has waited for it, so the number is still its own, whether or not it runs.
        let id = self.0.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = id.and_then(Pid::from_raw) {
            // Where all of them have ended already, there is nobody to end.
            kill_process_group(group, Signal::KILL).ok();
        }
    }
}

impl Pinentry {
    pub async fn start(program: &Path) -> Result<Self, AssuanError> {
        let mut command = Command::new(program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut program = Program::start(command)?;
        let (to, from) = (program.0.stdin.take(), program.0.stdout.take());
        let (Some(to), Some(from)) = (to, from) else { return Err(AssuanError::Unclear) };
        let mut started = Self { _program: program, to, from: BufReader::new(from) };
        started.answer().await?;
        Ok(started)
    }

    /// `SETDESC some text`: the text cannot become a command of its own.
    pub async fn set(&mut self, command: &str, text: &str) -> Result<(), AssuanError> {
        let escaped = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
        self.ask(&format!("{command} {escaped}")).await.map(|_| ())
    }

    pub async fn ask(&mut self, command: &str) -> Result<Zeroizing<String>, AssuanError> {
        self.to.write_all(format!("{command}\n").as_bytes()).await?;
        self.to.flush().await?;
        self.answer().await
    }

    async fn answer(&mut self) -> Result<Zeroizing<String>, AssuanError> {
        let mut data = Zeroizing::new(String::new());
        for _ in 0..MOST_LINES {
            let mut line = Zeroizing::new(Vec::with_capacity(1024));
            (&mut self.from).take(LONGEST_LINE).read_until(b'\n', &mut line).await?;
            let line = std::str::from_utf8(&line).map_err(|_| AssuanError::Unclear)?;
            let Some(line) = line.strip_suffix('\n') else { return Err(AssuanError::Unclear) };
            let line = line.strip_suffix('\r').unwrap_or(line);
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "OK" => return Ok(data),
                "D" => unescape(rest, &mut data)?,
                "ERR" => return Err(refused(rest)),
                // A status line or a remark.
                _ if word == "S" || word.starts_with('#') => {}
                _ => return Err(AssuanError::Unclear),
            }
        }
        Err(AssuanError::Unclear)
    }
}

/// The lower half of the number is libgpg-error's code: 62 timeout, 99 cancelled, 114 not confirmed,
/// 198 cancelled altogether.
fn refused(rest: &str) -> AssuanError {
    let number = rest.split(' ').next().and_then(|number| number.parse::<u32>().ok());
    match number.map(|number| number & 0xffff) {
        Some(62 | 99 | 114 | 198) => AssuanError::Cancelled,
        _ => AssuanError::Refused(rest.chars().filter(|c| !c.is_control()).take(100).collect()),
    }
}

fn unescape(text: &str, into: &mut Zeroizing<String>) -> Result<(), AssuanError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, after @ ..] = rest else { return Err(AssuanError::Unclear) };
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        let (Some(high), Some(low)) = (digit(high), digit(low)) else {
            return Err(AssuanError::Unclear);
        };
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| AssuanError::Unclear)?);
        rest = after;
    }
    into.push_str(std::str::from_utf8(&bytes).map_err(|_| AssuanError::Unclear)?);
    Ok(())
}
