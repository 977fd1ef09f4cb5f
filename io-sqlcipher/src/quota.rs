//! [`exceeds_quota`]: whether the user may write no more on a disk that has room.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use crate::lock::{beside, private};

/// Bytes that are written to find out. With less room than that, SQLite soon finds none for a page and its log.
const SAMPLE: usize = 1 << 20;

/// Whether the disk quota of the user is exceeded where that file is, or nearly. SQLite does not say it: of all that the operating
/// system has against a write, it tells a full disk alone from the rest. So this writes beside the file, and takes it away again.
pub fn exceeds_quota(file: &Path) -> bool {
    let sample = beside(file, "-quota");
    let written = private(OpenOptions::new().create(true).truncate(true))
        .open(&sample)
        .and_then(|mut file| file.write_all(&vec![0; SAMPLE]));
    let _ = fs::remove_file(&sample);
    written.is_err_and(|error| error.kind() == ErrorKind::QuotaExceeded)
}
