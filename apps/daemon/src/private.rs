//! Folders and files for the owner only, whatever the umask.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use sotto_api::{Error, Kind};

/// Permission bits of other users.
const OTHERS: u32 = 0o077;

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
    if found.mode() & 0o022 != 0 {
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

/// Whether other users may read or write it.
pub(crate) fn open_to_others(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.permissions().mode() & OTHERS != 0)
}

#[cfg(test)]
mod tests {
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
    fn a_folder_that_others_can_write_is_refused() {
        let root = tempfile::tempdir().expect("a folder");
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o770)).expect("ours");
        let error = create_folder(root.path()).expect_err("open to the group");
        assert_eq!(error.kind(), Kind::Io);
        assert!(error.data.hint.starts_with("chmod 700"));
    }
}
