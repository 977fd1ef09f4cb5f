//! [`Stop`]: why a command ends early.

use std::io;

use sotto_api::{Error, Kind};

/// Why a command ends early.
#[derive(Debug)]
pub enum Stop {
    /// An error to be printed; its kind gives the exit code.
    Error(Error),
    /// Everything was printed; only the exit code is left.
    Exit(u8),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// Writing to stdout failed. A reader that has seen enough (`sotto history bob | head`) is no error.
impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Exit(0),
            _ => Self::Error(Error::io("standard output", &error)),
        }
    }
}

impl Stop {
    /// The command line is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Error(Error::new(Kind::Usage, message))
    }
}

/// The result of a command.
pub type Outcome = Result<(), Stop>;

/// The error that another run of this program reported with `--json` when it ended.
pub fn reported_error(stderr: &[u8]) -> Error {
    let said = String::from_utf8_lossy(stderr);
    let error = said.lines().rev().find_map(|line| {
        let mut object: serde_json::Value = serde_json::from_str(line).ok()?;
        serde_json::from_value(object.get_mut("error")?.take()).ok()
    });
    error.unwrap_or_else(|| match said.lines().rfind(|line| !line.trim().is_empty()) {
        Some(line) => Error::internal(format!("sotto ended: {}", line.trim())),
        None => Error::internal("sotto ended without a word"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_error_is_the_one_that_counts() {
        let error = |message| serde_json::json!({ "error": Error::new(Kind::WrongKey, message) }).to_string();
        let said = format!("a log line\n{}\n{}\nthe end\n", error("first"), error("last"));
        assert_eq!(reported_error(said.as_bytes()), Error::new(Kind::WrongKey, "last"));
        assert_eq!(
            reported_error(b"thread 'main' panicked\n\n").message,
            "sotto ended: thread 'main' panicked"
        );
        assert_eq!(reported_error(b"").kind(), Kind::Internal);
    }
}
