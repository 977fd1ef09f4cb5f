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
        let mut log = LogReader::open(path)?;
        let mut lines = Vec::new();
        while let Some(line) = log.line()? {
            lines.push(line);
        }
        if !self.follow {
            lines.extend(log.part());
        }
        for line in lines.iter().skip(lines.len().saturating_sub(self.lines)) {
            print(context, line)?;
        }
        if !self.follow {
            return Ok(());
        }
        loop {
            match log.next()? {
                Some(line) => print(context, &line)?,
                None => std::thread::sleep(PAUSE),
            }
        }
    }
}

/// The log, line by line.
struct LogReader {
    path: PathBuf,
    file: BufReader<File>,
    /// The beginning of a line whose end is not written yet.
    part: Vec<u8>,
}

impl LogReader {
    fn open(path: PathBuf) -> Result<Self, Error> {
        Ok(Self {
            file: open(&path)?,
            path,
            part: Vec::new(),
        })
    }

    /// The next whole line; none if it is not there yet. Goes on in the file that has the log's name now.
    fn next(&mut self) -> Result<Option<String>, Error> {
        if let Some(line) = self.line()? {
            return Ok(Some(line));
        }
        if !replaced(&self.file, &self.path) {
            return Ok(None);
        }
        // More may have come between the last look at it and the rotation. Nothing comes any more.
        if let Some(line) = self.line()? {
            return Ok(Some(line));
        }
        self.file = open(&self.path)?;
        match self.part() {
            Some(part) => Ok(Some(part)),
            None => self.line(),
        }
    }

    /// The next whole line of the file.
    fn line(&mut self) -> Result<Option<String>, Error> {
        self.file
            .read_until(b'\n', &mut self.part)
            .map_err(|error| Error::io(self.path.display(), &error))?;
        Ok(if self.part.ends_with(b"\n") { self.part() } else { None })
    }

    /// What there is of a line.
    fn part(&mut self) -> Option<String> {
        let part = std::mem::take(&mut self.part);
        let line = String::from_utf8_lossy(&part);
        (!line.is_empty()).then(|| output::line(line.trim_end()))
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_line_is_read_once_it_is_whole_also_across_a_rotation() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let mut file = File::create(&path).expect("a log");
        let mut write = |text: &str| file.write_all(text.as_bytes()).expect("written");
        write("one\nt");
        let mut log = LogReader::open(path.clone()).expect("it is there");
        let mut next = || log.next().expect("readable");
        assert_eq!(next().as_deref(), Some("one"));
        assert_eq!(next(), None, "half a line");
        write("wo\n");
        assert_eq!(next().as_deref(), Some("two"));
        assert_eq!(next(), None);

        // What the old file still gets is read before the new one.
        fs::rename(&path, folder.path().join("log.1")).expect("renamed");
        fs::write(&path, "four\n").expect("written");
        write("three\ncut");
        for expected in ["three", "cut", "four"] {
            assert_eq!(next().as_deref(), Some(expected));
        }
        assert_eq!(next(), None);
    }
}
