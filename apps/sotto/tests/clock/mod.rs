//! [`WrongClock`]: a library with which a program sees another time of day.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What the time of day is for the program.
#[derive(Clone, Copy)]
pub struct WrongClock {
    /// So many seconds later than it is.
    pub offset: i64,
    /// The second of Unix time at which it stands still.
    pub last: Option<u64>,
}

impl WrongClock {
    /// Makes the library, to be named by `LD_PRELOAD`, in a folder.
    pub fn library(self, folder: &Path) -> PathBuf {
        let library = folder.join("clock.so");
        let output = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", &format!("-DOFFSET={}", self.offset)])
            .args(self.last.map(|last| format!("-DLAST={last}")))
            .arg("-o")
            .arg(&library)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clock/clock.c"))
            .output()
            .expect("a C compiler");
        assert!(output.status.success(), "{output:?}");
        library
    }
}
