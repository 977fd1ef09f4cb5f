//! Folders and files for the owner only, whatever the umask: [`create_folder`], [`create_file`], [`open_secret`].

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::process::geteuid;
use sotto_api::{Error, Kind};

/// Permission bits of other users.
const OTHERS: u32 = 0o077;

/// With these, other users can replace the files of a folder, unless it is sticky (as `/tmp` is).
const WRITE_OF_OTHERS: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// Makes a folder and its parents for the owner only. An existing folder keeps its permissions, but must not be writable by
/// others, who could replace files in it.
pub fn create_folder(path: &Path) -> Result<(), Error> {
    let failed = |error: io::Error| Error::io(path.display(), &error);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(failed)?;
    let found = fs::metadata(path).map_err(failed)?;
    if found.mode() & WRITE_OF_OTHERS != 0 {
        return Err(
            Error::new(Kind::Io, format!("{} can be written by other users", path.display()))
                .hint(format!("chmod 700 {}", path.display())),
        );
    }
    Ok(())
}

/// Makes a new file for the owner only; an existing one is an error.
pub fn create_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Opens a file that holds a secret. An error if another user can read it, or can put another one in its place. What is no
/// regular file (a pipe, a terminal) has no place that others could use.
pub fn open_secret(path: &Path) -> Result<File, Error> {
    let failed = |error: io::Error| Error::unreadable_secret(path, &error);
    let file = File::open(path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    if !found.is_file() {
        return Ok(file);
    }
    let shown = path.display();
    check_owner(path, &found)?;
    if found.mode() & OTHERS != 0 {
        return Err(refused(
            format!("{shown} can be read by other users"),
            format!("chmod 600 {shown}"),
        ));
    }
    // A link can be replaced in its folder, and the file in the one that it leads to.
    let target = fs::canonicalize(path).map_err(failed)?;
    for folder in [path, target.as_path()].map(folder_of) {
        let found = fs::metadata(folder).map_err(failed)?;
        let shown = folder.display();
        check_owner(folder, &found)?;
        if found.mode() & WRITE_OF_OTHERS != 0 && found.mode() & STICKY == 0 {
            let message = format!(
                "{shown}, the folder of {}, can be written by other users",
                path.display()
            );
            return Err(refused(message, format!("chmod go-w {shown}")));
        }
    }
    Ok(file)
}

/// The superuser can read everything anyway.
fn check_owner(path: &Path, found: &Metadata) -> Result<(), Error> {
    let us = geteuid().as_raw();
    if found.uid() == us || found.uid() == 0 {
        return Ok(());
    }
    let shown = path.display();
    Err(refused(
        format!("{shown} belongs to another user (number {})", found.uid()),
        format!("chown {us} {shown}"),
    ))
}

fn refused(message: String, hint: String) -> Error {
    Error::new(Kind::Locked, message).hint(hint)
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").mode() & 0o777
    }

    #[test]
    fn folders_and_files_are_for_the_owner_alone() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = root.path().join("a/b");
        create_folder(&folder).expect("a new folder");
        create_folder(&folder).expect("an old folder");
        drop(create_file(&folder.join("secret")).expect("a new file"));
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&root.path().join("a")), 0o700);
        assert_eq!(mode(&folder.join("secret")), 0o600);
        assert!(
            create_file(&folder.join("secret")).is_err(),
            "an old file is not overwritten"
        );
    }

    #[test]
    fn a_secret_that_others_can_read_or_replace_is_refused_with_the_command_that_mends_it() {
        let root = tempfile::tempdir().expect("a folder");
        let (folder, links) = (root.path().join("secrets"), root.path().join("links"));
        create_folder(&folder).expect("new");
        create_folder(&links).expect("new");
        let file = folder.join("key");
        drop(create_file(&file).expect("new"));
        let link = links.join("key");
        std::os::unix::fs::symlink(&file, &link).expect("new");
        let change = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
        for path in [&file, &link] {
            open_secret(path).expect("the user's alone");
        }
        for (path, mode, hint) in [
            (&file, 0o644, "chmod 600 "),
            (&file, 0o640, "chmod 600 "),
            (&file, 0o620, "chmod 600 "),
            (&folder, 0o770, "chmod go-w "),
            (&folder, 0o702, "chmod go-w "),
            (&links, 0o777, "chmod go-w "),
        ] {
            let before = if path.is_dir() { 0o700 } else { 0o600 };
            change(path, mode);
            let error = open_secret(&link).expect_err("open to others");
            assert_eq!((error.kind(), error.exit_code()), (Kind::Locked, 9), "{error}");
            assert!(error.data.hint.starts_with(hint), "{path:?} {mode:o}: {error:?}");
            change(path, before);
        }
        change(&folder, 0o1777);
        open_secret(&file).expect("in a sticky folder only the owner can replace it");
    }

    #[test]
    fn a_folder_that_others_can_write_is_refused() {
        let root = tempfile::tempdir().expect("a folder");
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o770)).expect("ours");
        let error = create_folder(root.path()).expect_err("open to the group");
        assert_eq!(error.kind(), Kind::Io);
        assert!(error.data.hint.starts_with("chmod 700"));
    }
}
