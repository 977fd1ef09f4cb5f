//! [`read_token`]: an agent's token from its file, which must be the user's alone.

use std::io::Read as _;
use std::path::Path;

use sotto_api::{Error, Kind, Secret};

use crate::private::open_secret;

/// Longer than any token.
const LONGEST: usize = 256;

/// The token in a file, without the line's end.
pub fn read_token(path: &Path) -> Result<Secret, Error> {
    // A secret too, so it is overwritten; with room enough never to move.
    let mut text = Secret(String::with_capacity(2 * LONGEST));
    open_secret(path)?
        .take(LONGEST as u64)
        .read_to_string(&mut text.0)
        .map_err(|error| Error::unreadable_secret(path, &error))?;
    let token = text.0.trim();
    if token.is_empty() {
        let message = format!("there is no token in {}", path.display());
        return Err(Error::new(Kind::Locked, message).hint("sotto agents add NAME makes one"));
    }
    Ok(Secret(token.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_token_is_read_only_from_a_file_that_is_the_users_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.token");
        fs::write(&path, "sotto_agent_x\n").expect("written");
        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("ours");
        assert_eq!(read_token(&path).expect_err("open to others").kind(), Kind::Locked);
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("ours");
        assert_eq!(read_token(&path), Ok(Secret::from("sotto_agent_x")));
        fs::write(&path, "\n").expect("written");
        assert_eq!(read_token(&path).expect_err("empty").kind(), Kind::Locked);
    }
}
