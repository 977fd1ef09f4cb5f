//! `sotto daemon logs`: the end of the log, and what is added to it.

use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::json;
use sotto_api::{Error, Kind};

use super::launch::log_file;
use crate::context::Context;
use crate::output;
use crate::stop::Outcome;

/// Pause between two reads of a followed log.
const PAUSE: Duration = Duration::from_millis(200);

/// `sotto daemon logs`
#[derive(Args, Debug)]
pub struct Logs {
    /// Keep printing new lines
    #[arg(long, short)]
    follow: bool,
    /// How many lines from the end
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    lines: usize,
    /// The file, if the daemon was started with another one than the profile's
    #[arg(long, short, env = "SOTTO_LOG_FILE", value_name = "FILE")]
    log_file: Option<PathBuf>,
}

impl Logs {
    /// Prints it.
    pub fn run(self, context: &Context) -> Outcome {
        let path = log_file(context, &context.profile()?, self.log_file)?;
        let mut log = open(&path)?;
        let mut lines = Vec::new();
        while let Some(line) = next(&mut log, &path)? {
            lines.push(line);
        }
        for line in lines.iter().skip(lines.len().saturating_sub(self.lines)) {
            print(context, line)?;
        }
        if !self.follow {
            return Ok(());
        }
        loop {
            match next(&mut log, &path)? {
                Some(line) => print(context, &line)?,
                None if replaced(&log, &path) => log = open(&path)?,
                None => std::thread::sleep(PAUSE),
            }
        }
    }
}

fn open(path: &Path) -> Result<BufReader<File>, Error> {
    File::open(path)
        .map(BufReader::new)
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::new(Kind::Io, format!("there is no log at {}", path.display()))
                .hint("sotto daemon start writes one; sotto daemon run talks to the terminal"),
            _ => Error::io(path.display(), &error),
        })
}

fn next(log: &mut BufReader<File>, path: &Path) -> Result<Option<String>, Error> {
    let mut line = Vec::new();
    log.read_until(b'\n', &mut line)
        .map_err(|error| Error::io(path.display(), &error))?;
    let line = String::from_utf8_lossy(&line);
    Ok((!line.is_empty()).then(|| output::line(line.trim_end())))
}

/// The log was rotated: another file has its name now.
fn replaced(log: &BufReader<File>, path: &Path) -> bool {
    let same =
        |there: std::fs::Metadata, here: std::fs::Metadata| (there.dev(), there.ino()) == (here.dev(), here.ino());
    match (path.metadata(), log.get_ref().metadata()) {
        (Ok(there), Ok(here)) => !same(there, here),
        _ => false,
    }
}

fn print(context: &Context, line: &str) -> Outcome {
    Ok(context.output.emit(&json!({ "line": line }), |_| format!("{line}\n"))?)
}
