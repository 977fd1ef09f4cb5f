//! [`examine_files`]: what is wrong with the files of a profile. A daemon that runs is asked for it by `doctor.run`, and where none
//! runs, the program looks by itself: both come here.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::statvfs;
use sotto_api::{Error, Finding, Kind};
use sotto_client::{Lock, Profile};

use crate::config::Config;
use crate::key;

/// Free space below which a store soon cannot commit.
const LITTLE_SPACE: u64 = 64 << 20;

/// Looks at the identity, the configuration, the key, the modes of the files, the disk and the store. Nothing is changed. If there is
/// no identity, there is nothing more to look at.
pub fn examine_files(profile: &Profile) -> Vec<Finding> {
    if let Err(error) = profile.require() {
        return vec![Finding::error("identity", &error)];
    }
    let folder = profile.folder();
    let mut findings = vec![Finding::good("identity", format!("in {}", folder.display()))];
    findings.extend(configuration(profile));
    findings.push(permissions(folder));
    findings.push(disk(folder));
    findings.push(store(profile));
    findings
}

/// The configuration, and the key that it names.
fn configuration(profile: &Profile) -> Vec<Finding> {
    let config = match Config::load(&profile.config_file()) {
        Ok(config) => config,
        Err(error) => return vec![Finding::error("configuration", &error)],
    };
    let network = format!("network = \"{}\"", config.network);
    let key = match key::check_file(&config) {
        Ok(Some(file)) => Finding::good("key", format!("in {}, which only you can read", file.display())),
        Ok(None) => Finding::good("key", "no file is named, so a passphrase is asked for"),
        Err(error) => Finding::error("key", &error),
    };
    vec![Finding::good("configuration", network), key]
}

/// Other users of this machine must not be able to read the files.
fn permissions(folder: &Path) -> Finding {
    match open_to_others(folder) {
        Ok(open) if open.is_empty() => Finding::good("permissions", "only you can open the files"),
        Ok(open) => {
            let names: Vec<String> = open.iter().map(|path| path.display().to_string()).collect();
            let said = format!("other users can open {}", names.join(", "));
            let hint = format!("chmod -R go= {}", folder.display());
            Finding::careful("permissions", said, hint, Kind::Io)
        }
        Err(error) => Finding::error("permissions", &Error::io(folder.display(), &error)),
    }
}

fn disk(folder: &Path) -> Finding {
    match statvfs(folder) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let said = format!("{} MiB free", free >> 20);
            if free < LITTLE_SPACE {
                let hint = "free some space: with a full disk nothing is sent or received, though nothing is lost";
                return Finding::bad("disk", said, hint, Kind::Io);
            }
            Finding::good("disk", said)
        }
        Err(error) => Finding::error("disk", &Error::io(folder.display(), &error.into())),
    }
}

/// Which files hold the messages, and how they are copied.
fn store(profile: &Profile) -> Finding {
    let database = profile.database();
    let length = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
    let log = database.with_extension("db-wal");
    // A daemon that has ended in order leaves no log.
    if length(&log) > 0 && matches!(Lock::holder(&profile.lock_file()), Ok(None)) {
        let said = format!("{} holds what is not yet in sotto.db", log.display());
        let hint = "copy neither of the two files alone; sotto daemon start, then sotto daemon stop makes them one";
        return Finding::careful("store", said, hint, Kind::Store);
    }
    let size = length(&database) >> 10;
    Finding::good(
        "store",
        format!("{size} KiB in sotto.db; sotto backup FILE copies it whole"),
    )
}

/// The files in the folder that other users can open. The socket's own mode is what counts for it, as for any file.
fn open_to_others(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    let loose = |path: &Path| Ok::<_, io::Error>(fs::symlink_metadata(path)?.permissions().mode() & 0o077 != 0);
    if loose(folder)? {
        found.push(folder.to_owned());
    }
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            // Tor's folders come and go, as journals do.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_symlink() {
                continue;
            }
            match loose(&entry.path()) {
                Ok(true) => found.push(entry.path()),
                Ok(false) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            }
            if kind.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(found)
}
