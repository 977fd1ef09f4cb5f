//! The [`StoreKey`]: random bytes in a file, or Argon2id over a passphrase. A secret is never an argument, never an
//! environment variable and never in the configuration; what is remembered is the path of a file.
//!
//! Sources, in order: what the command line names, what the configuration names, a systemd credential, the terminal.

use std::env;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use sotto_api::{Error, Kind};
use sotto_io_sqlcipher::{StoreKey, read_salt};
use zeroize::Zeroizing;

use super::config::Config;
use super::fault;
use super::private::{self, create_file};

/// Argon2id's cost: memory in KiB, passes, lanes. RFC 9106, section 4, second recommended option, on one lane because
/// the daemon has one thread.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;

const KEY_BYTES: usize = 32;
const LONGEST_PASSPHRASE: usize = 1024;

/// Where the command line says that the key is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySource {
    /// A file with a random key.
    pub key_file: Option<PathBuf>,
    /// A file with the passphrase in its first line.
    pub passphrase_file: Option<PathBuf>,
    /// An open file descriptor to read the passphrase from, up to a line's end.
    pub passphrase_fd: Option<u32>,
    /// Never ask a person.
    pub no_input: bool,
}

/// Where the secret is.
enum Source {
    KeyFile(PathBuf),
    PassphraseFile(PathBuf),
    Terminal,
}

enum Secret {
    Key(Zeroizing<[u8; KEY_BYTES]>),
    Passphrase(Zeroizing<String>),
}

/// The key of an existing store. Reading the passphrase comes before the long derivation, which comes before the store.
pub fn existing(source: &KeySource, config: &Config, database: &Path) -> Result<StoreKey, Error> {
    let salt = read_salt(database)
        .map_err(|error| fault::store(&error))?
        .ok_or_else(|| {
            Error::new(
                Kind::NotInitialised,
                format!("there is no store at {}", database.display()),
            )
        })?;
    let secret = match find(source, config)? {
        Source::KeyFile(path) => Secret::Key(read_key(&path)?),
        Source::PassphraseFile(path) => Secret::Passphrase(read_passphrase(&path)?),
        Source::Terminal => Secret::Passphrase(ask("Passphrase: ")?),
    };
    derive(&secret, salt)
}

/// The key for a new store, with a random salt. A key file that is not there is made.
pub fn fresh(source: &KeySource, config: &Config) -> Result<StoreKey, Error> {
    let salt = random::<16>()?;
    let secret = match find(source, config)? {
        Source::KeyFile(path) => Secret::Key(make_key(&path)?),
        Source::PassphraseFile(path) => Secret::Passphrase(read_passphrase(&path)?),
        Source::Terminal => {
            let passphrase = ask("New passphrase: ")?;
            if *passphrase != *ask("Once more: ")? {
                return Err(Error::new(Kind::Usage, "the two passphrases differ"));
            }
            Secret::Passphrase(passphrase)
        }
    };
    derive(&secret, *salt)
}

fn find(given: &KeySource, config: &Config) -> Result<Source, Error> {
    if let Some(path) = &given.key_file {
        return Ok(Source::KeyFile(path.clone()));
    }
    if let Some(path) = &given.passphrase_file {
        return Ok(Source::PassphraseFile(path.clone()));
    }
    if let Some(number) = given.passphrase_fd {
        return Ok(Source::PassphraseFile(PathBuf::from(format!("/dev/fd/{number}"))));
    }
    if let Some(path) = &config.key_file {
        return Ok(Source::KeyFile(path.clone()));
    }
    if let Some(path) = &config.passphrase_file {
        return Ok(Source::PassphraseFile(path.clone()));
    }
    if let Some(source) = env::var_os("CREDENTIALS_DIRECTORY").and_then(|folder| credential(Path::new(&folder))) {
        return Ok(source);
    }
    if given.no_input || !io::stdin().is_terminal() {
        return Err(Error::new(
            Kind::Locked,
            "the store is locked, and there is no terminal to ask for its passphrase",
        ));
    }
    Ok(Source::Terminal)
}

/// The credential that systemd's `LoadCredential=` gives to the service.
fn credential(folder: &Path) -> Option<Source> {
    let key = folder.join("sotto.key");
    let passphrase = folder.join("sotto.passphrase");
    if key.exists() {
        Some(Source::KeyFile(key))
    } else if passphrase.exists() {
        Some(Source::PassphraseFile(passphrase))
    } else {
        None
    }
}

fn derive(secret: &Secret, salt: [u8; 16]) -> Result<StoreKey, Error> {
    match secret {
        Secret::Key(key) => Ok(StoreKey::new(**key, salt)),
        Secret::Passphrase(passphrase) => Ok(StoreKey::new(*stretch(passphrase, &salt)?, salt)),
    }
}

fn stretch(passphrase: &str, salt: &[u8; 16]) -> Result<Zeroizing<[u8; KEY_BYTES]>, Error> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    Params::new(MEMORY_KIB, PASSES, LANES, Some(KEY_BYTES))
        .and_then(|params| {
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            argon2.hash_password_into(passphrase.as_bytes(), salt, &mut *key)
        })
        .map_err(|error| Error::internal(format!("the passphrase cannot be turned into a key: {error}")))?;
    Ok(key)
}

fn read_key(path: &Path) -> Result<Zeroizing<[u8; KEY_BYTES]>, Error> {
    let failed = |error: io::Error| locked(path, &error);
    let mut file = File::open(path).map_err(failed)?;
    if private::open_to_others(&file).map_err(failed)? {
        let message = format!("key file {} can be read by other users", path.display());
        return Err(Error::new(Kind::Locked, message).hint(format!("chmod 600 {}", path.display())));
    }
    // One more byte shows a file that is too long.
    let mut bytes = Zeroizing::new([0; KEY_BYTES + 1]);
    let length = read_up_to(&mut file, &mut *bytes).map_err(failed)?;
    let key = bytes
        .first_chunk::<KEY_BYTES>()
        .filter(|_| length == KEY_BYTES)
        .ok_or_else(|| {
            Error::new(
                Kind::Locked,
                format!("key file {} does not hold exactly {KEY_BYTES} bytes", path.display()),
            )
        })?;
    Ok(Zeroizing::new(*key))
}

/// An existing file is used: the key may have been made elsewhere.
fn make_key(path: &Path) -> Result<Zeroizing<[u8; KEY_BYTES]>, Error> {
    match create_file(path) {
        Ok(mut file) => {
            let key = random::<KEY_BYTES>()?;
            file.write_all(&*key)
                .and_then(|()| file.sync_all())
                .map_err(|error| Error::io(path.display(), &error))?;
            Ok(key)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read_key(path),
        Err(error) => Err(Error::io(path.display(), &error)),
    }
}

/// The first line.
fn read_passphrase(path: &Path) -> Result<Zeroizing<String>, Error> {
    let failed = |error: io::Error| locked(path, &error);
    let mut file = File::open(path).map_err(failed)?;
    // A buffer that does not grow leaves no copies behind.
    let mut bytes = Zeroizing::new([0; LONGEST_PASSPHRASE + 2]);
    let length = read_line(&mut file, &mut *bytes).map_err(failed)?;
    let line = std::str::from_utf8(&bytes[..length]).map_err(|_| {
        Error::new(
            Kind::Locked,
            format!("the passphrase in {} is not UTF-8", path.display()),
        )
    })?;
    checked(line.strip_suffix('\r').unwrap_or(line))
}

fn ask(prompt: &str) -> Result<Zeroizing<String>, Error> {
    let answer = rpassword::prompt_password(prompt)
        .map(Zeroizing::new)
        .map_err(|error| Error::new(Kind::Locked, format!("cannot ask for the passphrase: {error}")))?;
    checked(&answer)
}

fn checked(passphrase: &str) -> Result<Zeroizing<String>, Error> {
    if passphrase.is_empty() {
        return Err(Error::new(Kind::Locked, "the passphrase is empty"));
    }
    if passphrase.len() > LONGEST_PASSPHRASE {
        let message = format!("the passphrase is longer than {LONGEST_PASSPHRASE} bytes");
        return Err(Error::new(Kind::Locked, message));
    }
    Ok(Zeroizing::new(passphrase.to_owned()))
}

fn read_up_to(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match file.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// Up to the end of a line, byte by byte: another reader may need what follows in the pipe.
fn read_line(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let room = buffer.len();
    for (length, place) in buffer.iter_mut().enumerate() {
        let mut byte = Zeroizing::new([0]);
        if read_up_to(file, &mut *byte)? == 0 || byte[0] == b'\n' {
            return Ok(length);
        }
        *place = byte[0];
    }
    Ok(room)
}

fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, Error> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(&mut *bytes)
        .map_err(|error| Error::new(Kind::Io, format!("the operating system has no random numbers: {error}")))?;
    Ok(bytes)
}

fn locked(path: &Path, error: &io::Error) -> Error {
    Error::new(Kind::Locked, format!("cannot read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn key_file(path: &Path) -> KeySource {
        KeySource {
            key_file: Some(path.to_owned()),
            no_input: true,
            ..KeySource::default()
        }
    }

    #[test]
    fn a_key_file_is_made_once_for_the_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("my.key");
        let first = make_key(&path).expect("made");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(*make_key(&path).expect("used again"), *first);
        assert_ne!(*first, [0; 32]);
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("my.key");
        make_key(&path).expect("made");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("ours");
        let error = fresh(&key_file(&path), &Config::default()).expect_err("readable by the group");
        assert_eq!((error.kind(), error.exit_code()), (Kind::Locked, 9));
        assert!(error.message.contains("can be read by other users"), "{error}");
    }

    #[test]
    fn a_key_file_has_exactly_32_bytes() {
        let folder = tempfile::tempdir().expect("a folder");
        for length in [0, 31, 33, 5000] {
            let path = folder.path().join(length.to_string());
            create_file(&path)
                .expect("new")
                .write_all(&vec![7; length])
                .expect("room");
            let error = fresh(&key_file(&path), &Config::default()).expect_err("wrong length");
            assert!(error.message.contains("exactly 32 bytes"), "{error}");
        }
    }

    #[test]
    fn a_passphrase_is_the_first_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pass");
        for (content, expected) in [
            ("correct horse", true),
            ("correct horse\nmore", true),
            ("correct horse\r\n", true),
            ("\n", false),
            ("", false),
        ] {
            fs::write(&path, content).expect("writable");
            match read_passphrase(&path) {
                Ok(line) => assert_eq!((line.as_str(), expected), ("correct horse", true)),
                Err(error) => assert_eq!((error.kind(), expected), (Kind::Locked, false)),
            }
        }
        fs::write(&path, "x".repeat(LONGEST_PASSPHRASE + 1)).expect("writable");
        assert!(
            read_passphrase(&path)
                .expect_err("too long")
                .message
                .contains("longer than")
        );
    }

    #[test]
    fn the_derivation_is_that_of_another_implementation() {
        // Python's `cryptography` (OpenSSL 3): Argon2id(salt=b"\x01" * 16, length=32, iterations=3, lanes=1,
        // memory_cost=65536).derive(b"correct horse")
        let expected = [
            0xdcc3_ec3c_e090_1fcc_u64,
            0x6f65_123e_4abe_2793,
            0xa463_8f8c_4688_d557,
            0xfac2_9554_b038_ced3,
        ];
        let key = stretch("correct horse", &[1; 16]).expect("derivable");
        assert_eq!(*key, *expected.map(u64::to_be_bytes).as_flattened());
    }

    #[test]
    fn without_input_a_missing_key_is_an_error_and_no_question() {
        let source = KeySource {
            no_input: true,
            ..KeySource::default()
        };
        let error = fresh(&source, &Config::default()).expect_err("no source");
        assert_eq!((error.kind(), error.exit_code()), (Kind::Locked, 9));
    }
}
